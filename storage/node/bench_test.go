package node

import (
	"context"
	"math/rand/v2"
	"sort"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/zoryadb/zorya/base/vfs"
	"github.com/zoryadb/zorya/storage/node/nodeload"
	"github.com/zoryadb/zorya/storage/page"
	"github.com/zoryadb/zorya/storage/proto"
)

func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func benchLoad(b *testing.B, kind proto.Kind) (*Node, *nodeload.Load) {
	n, err := Open(Options{Dir: b.TempDir(), FS: vfs.OS{}, ID: "a", ReserveBytes: 1})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = n.Shutdown() })
	l := nodeload.New(n, testVolume)
	if err := l.Create(context.Background(), "a", kind); err != nil {
		b.Fatal(err)
	}
	return n, l
}

// ingest sends records and returns the CPU that they cost the node.
func ingest(b *testing.B, l *nodeload.Load, records, frameBytes int) (spent time.Duration) {
	const atOnce = 128 << 10 // records
	for records > 0 {
		frames := l.Frames(min(records, atOnce), frameBytes)
		records -= min(records, atOnce)
		c0 := cpu()
		if err := l.Send(frames); err != nil {
			b.Error(err)
			return spent
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
			n, l := benchLoad(b, kind)
			b.ResetTimer()
			start := time.Now()
			spent := ingest(b, l, b.N, 64<<10)
			c0 := cpu()
			eventually(b, "background done", func() bool { return n.queued.Load() == 0 })
			spent += cpu() - c0
			b.ReportMetric(float64(spent)/float64(b.N)/1e3, "cpu-us/rec")
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
	n, l := benchLoad(b, proto.Full)
	frames := make([][]byte, b.N)
	for i := range frames {
		for range 14 {
			frames[i] = l.Record(frames[i])
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
	n, l := benchLoad(b, proto.Full)
	ingest(b, l, 1_500_000, 64<<10)
	var stop atomic.Bool
	done := make(chan struct{})
	go func() {
		defer close(done)
		for !stop.Load() {
			ingest(b, l, 20_000, 16<<10)
			time.Sleep(50 * time.Millisecond)
		}
	}()
	rng := rand.New(rand.NewPCG(3, 3))
	dst := make([]byte, page.Size)
	lat := make([]time.Duration, 0, b.N)
	b.ResetTimer()
	for i := 0; i < b.N; i++ {
		t0 := time.Now()
		if err := l.Read(context.Background(), page.No(rng.IntN(nodeload.Pages)), dst); err != nil {
			b.Fatal(err)
		}
		lat = append(lat, time.Since(t0))
	}
	b.StopTimer()
	stop.Store(true)
	<-done
	sort.Slice(lat, func(i, j int) bool { return lat[i] < lat[j] })
	b.ReportMetric(float64(lat[len(lat)/2].Microseconds()), "p50-us")
	b.ReportMetric(float64(lat[len(lat)*99/100].Microseconds()), "p99-us")
	b.ReportMetric(float64(n.stats.Replayed.Load())/float64(n.stats.PagesRead.Load()+n.stats.Images.Load()), "replayed/page")
}
