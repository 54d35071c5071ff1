package node

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"sort"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/zoryadb/zorya/base/vfs"
	"github.com/zoryadb/zorya/storage/page"
	"github.com/zoryadb/zorya/storage/proto"
	"github.com/zoryadb/zorya/storage/redo"
)

const benchPages = 100_000

// benchWriter encodes records of about 120 bytes on random pages: the shape of evidence in docs/architecture.md.
type benchWriter struct {
	rng  *rand.Rand
	lsn  page.LSN
	last []page.LSN
	ops  []byte
	data [88]byte
}

func newBenchWriter() *benchWriter {
	w := &benchWriter{rng: rand.New(rand.NewPCG(1, 1)), last: make([]page.LSN, benchPages)}
	for i := range w.data {
		w.data[i] = byte(w.rng.Uint32())
	}
	return w
}

func (w *benchWriter) record(dst []byte) []byte {
	p := w.rng.IntN(benchPages)
	w.lsn++
	for i := 0; i < len(w.data); i += 16 { // half random: rows compress a little
		binary.LittleEndian.PutUint64(w.data[i:], w.rng.Uint64())
	}
	l := redo.Links{LSN: w.lsn, PrevVolume: w.lsn - 1, PrevPG: w.lsn - 1, PrevPage: w.last[p], Epoch: 1, Page: page.No(p), Flags: redo.CPL}
	w.ops = w.ops[:0]
	if w.last[p] == 0 {
		w.ops = page.AppendInit(w.ops, 1, 1)
		l.Flags |= redo.WillInit
	}
	w.ops = page.AppendSet(w.ops, page.HeaderSize+w.rng.IntN(page.PayloadSize-len(w.data)), w.data[:])
	w.last[p] = w.lsn
	n := redo.EncodedLen(&l, nil, w.ops)
	at := len(dst)
	for len(dst) < at+n {
		dst = append(dst, 0)
	}
	redo.Encode(dst[at:], &l, nil, w.ops)
	return dst
}

func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func benchNode(b *testing.B, kind proto.Kind) *Node {
	n, err := Open(Options{Dir: b.TempDir(), FS: vfs.OS{}, ID: "a", ReserveBytes: 1})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = n.Shutdown() })
	m := proto.Member{Node: "a", Kind: kind, Incarnation: 1}
	st, err := n.CreateSegment(context.Background(), &proto.SegmentSpec{
		Volume: testVolume, Epoch: 1, PagesPerPG: benchPages, Member: m,
		History:    proto.History{Version: 1 << 16, Intervals: []proto.Interval{{To: proto.MaxLSN}}},
		Membership: proto.Membership{Epoch: 1, Quorum: proto.Quorum{WriteAny: 1, ReadAny: 1}, Members: []proto.Member{m}},
	})
	if st != proto.OK || err != nil {
		b.Fatal(st, err)
	}
	return n
}

// ingest sends total records in frames of frameBytes, two outstanding, and returns the CPU they cost the node.
func ingest(b *testing.B, n *Node, w *benchWriter, total, frameBytes int, acked *atomic.Uint64) (spent time.Duration) {
	window := make(chan struct{}, 2)
	for done := 0; done < total; {
		c0 := cpu()
		var frames [][]byte
		for bytes := 0; bytes < 16<<20 && done < total; {
			f := make([]byte, 0, frameBytes+256)
			for len(f) < frameBytes && done < total {
				f = w.record(f)
				done++
			}
			frames = append(frames, f)
			bytes += len(f)
		}
		spent -= cpu() - c0 // the writer's share
		c0 = cpu()
		for _, raw := range frames {
			window <- struct{}{}
			for {
				res := make(chan proto.SegmentStatus, 1)
				vdl := page.LSN(acked.Load())
				n.Append(&proto.AppendFrame{Volume: testVolume, Epoch: 1, History: 1 << 16, VDL: vdl, MRPL: vdl,
					Runs:    []proto.Run{{Incarnation: 1, MembershipEpoch: 1, Bytes: uint32(len(raw))}},
					Records: [][]byte{raw}}, func(a *proto.AppendAck, err error) {
					if err != nil || a.Status != proto.OK {
						b.Error(a, err)
						res <- proto.SegmentStatus{}
						return
					}
					res <- a.Segments[0]
				})
				st := <-res
				if st.Status == proto.StatusBusy {
					time.Sleep(time.Millisecond)
					continue
				}
				if st.Status != proto.OK {
					b.Fatalf("ack %+v", st)
				}
				acked.Store(uint64(st.SCL))
				break
			}
			<-window
		}
		spent += cpu() - c0
	}
	return spent
}

// BenchmarkIngest measures the CPU that a record costs a node and what it writes for it, imaging and
// garbage collection included. Goal: at most 2.5 us and 3 bytes a byte.
func BenchmarkIngest(b *testing.B) {
	for _, kind := range []proto.Kind{proto.Full, proto.Tail} {
		b.Run(map[proto.Kind]string{proto.Full: "full", proto.Tail: "tail"}[kind], func(b *testing.B) {
			n := benchNode(b, kind)
			w := newBenchWriter()
			var acked atomic.Uint64
			b.ResetTimer()
			start := time.Now()
			c0 := cpu()
			ingest(b, n, w, b.N, 64<<10, &acked)
			eventually(b, "background done", func() bool { return n.queued.Load() == 0 })
			enc := newBenchWriter()
			e0 := cpu()
			buf := make([]byte, 0, 256)
			for i := 0; i < min(b.N, 1<<20); i++ {
				buf = enc.record(buf[:0])
			}
			encode := float64(cpu()-e0) / float64(min(b.N, 1<<20)) * float64(b.N)
			total := float64(cpu()-c0) - encode - float64(min(b.N, 1<<20))/float64(b.N)*encode
			b.ReportMetric(total/float64(b.N)/1e3, "cpu-us/rec")
			b.ReportMetric(float64(b.N)/time.Since(start).Seconds()/1e3, "krec/s")
			logged := float64(n.stats.LogBytes.Load())
			b.ReportMetric((2*logged+float64(n.stats.ImageBytes.Load()))/logged, "write-amp")
			b.ReportMetric(float64(n.index.Load())/float64(1<<20), "index-MiB")
		})
	}
}

// BenchmarkTransaction measures the CPU that a transaction of sysbench's write-only shape (14 records, 2.4 KB) costs a node that gets each in a
// frame of its own, one after the other: nothing is shared, neither the sync nor the wakeups.
func BenchmarkTransaction(b *testing.B) {
	n := benchNode(b, proto.Full)
	w := newBenchWriter()
	frames := make([][]byte, b.N)
	for i := range frames {
		for range 14 {
			frames[i] = w.record(frames[i])
		}
	}
	f := proto.AppendFrame{Volume: testVolume, Epoch: 1, History: 1 << 16, Runs: make([]proto.Run, 1), Records: make([][]byte, 1)}
	res := make(chan proto.SegmentStatus, 1)
	done := func(a *proto.AppendAck, err error) {
		if err != nil || a.Status != proto.OK {
			b.Error(a, err)
			res <- proto.SegmentStatus{}
			return
		}
		res <- a.Segments[0]
	}
	b.ReportAllocs()
	b.ResetTimer()
	c0 := cpu()
	for _, raw := range frames {
		f.Runs[0] = proto.Run{Incarnation: 1, MembershipEpoch: 1, Bytes: uint32(len(raw))}
		f.Records[0] = raw
		n.Append(&f, done)
		st := <-res
		f.VDL, f.MRPL = st.SCL, st.SCL
	}
	b.ReportMetric(float64(cpu()-c0)/float64(b.N)/1e3, "cpu-us/txn")
}

// BenchmarkGetPage measures reads of one random page while records come in at full speed.
func BenchmarkGetPage(b *testing.B) {
	n := benchNode(b, proto.Full)
	w := newBenchWriter()
	var acked atomic.Uint64
	ingest(b, n, w, 1_500_000, 64<<10, &acked)
	var stop atomic.Bool
	done := make(chan struct{})
	go func() {
		defer close(done)
		for !stop.Load() {
			ingest(b, n, w, 20_000, 16<<10, &acked)
			time.Sleep(50 * time.Millisecond)
		}
	}()
	rng := rand.New(rand.NewPCG(3, 3))
	dst := [][]byte{make([]byte, page.Size)}
	lat := make([]time.Duration, 0, b.N)
	b.ResetTimer()
	for i := 0; i < b.N; i++ {
		at := page.LSN(acked.Load())
		t0 := time.Now()
		st, err := n.GetPages(context.Background(), &proto.PageRead{Volume: testVolume, Epoch: 1, History: 1 << 16, Incarnation: 1,
			MembershipEpoch: 1, ReadLSN: at, PGLSN: at, Pages: []page.No{page.No(rng.IntN(benchPages))}}, dst)
		lat = append(lat, time.Since(t0))
		if err != nil || (st != proto.OK && st != proto.StatusGone) {
			b.Fatal(st, err)
		}
	}
	b.StopTimer()
	stop.Store(true)
	<-done
	sort.Slice(lat, func(i, j int) bool { return lat[i] < lat[j] })
	b.ReportMetric(float64(lat[len(lat)/2].Microseconds()), "p50-us")
	b.ReportMetric(float64(lat[len(lat)*99/100].Microseconds()), "p99-us")
	b.ReportMetric(float64(n.stats.Replayed.Load())/float64(n.stats.PagesRead.Load()+n.stats.Images.Load()), "replayed/page")
}
