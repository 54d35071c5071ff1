package volume

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/zoryadb/zorya/storage/page"
	"github.com/zoryadb/zorya/storage/redo"
)

func testRing(size int) *ring {
	r := newRing(size, 64, 7, func() {})
	r.limit = 1 << 60
	for range 4 {
		r.addPG(0)
	}
	return r
}

// fillMTR makes an MTR of n records of about size bytes on pages spread over four PGs.
func fillMTR(m *redo.MTR, first page.No, n, size int) {
	m.Reset()
	for i := range n {
		c := m.Change(m.Touch((first+page.No(i*50))%256, 0))
		c.Ops = page.AppendInit(c.Ops, 1, 1)
		c.Ops = page.AppendSet(c.Ops, 100, make([]byte, size))
	}
}

// TestRingConcurrent: whatever appenders do at once, what is published is whole, in LSN order and linked.
func TestRingConcurrent(t *testing.T) {
	r := testRing(64 << 10)
	const appenders, each = 4, 400
	var order []page.LSN // by inOrder
	var work sync.WaitGroup
	for a := range appenders {
		work.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(a), 1))
			var m redo.MTR
			for range each {
				fillMTR(&m, page.No(rng.IntN(200)), 1+rng.IntN(4), 1+rng.IntN(700))
				if err := r.admit(context.Background(), m.Len(), m.Bytes()); err != nil {
					t.Error(err)
				}
				cpl := r.append(&m, func(cpl page.LSN) { order = append(order, cpl) })
				if cpl != m.Change(m.Len()-1).LSN {
					t.Errorf("CPL %d, last LSN %d", cpl, m.Change(m.Len()-1).LSN)
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { work.Wait(); close(done) }()
	var at uint64
	var last page.LSN
	var pgLast [4]page.LSN
	mtrs := 0
	for finished := false; mtrs < appenders*each; {
		end := r.published.Load()
		for ; at < end; at++ {
			e := r.run(at)
			b := r.span(e.pos, e.pos+uint64(e.n))
			var x redo.Record
			for len(b) > 0 {
				n, err := redo.Parse(b, &x)
				if err != nil {
					t.Fatal(err)
				}
				pg := uint64(x.Page) / 64
				if x.LSN != last+1 || x.PrevVolume != last || x.PrevPG != pgLast[pg] || pg != uint64(e.pg) || x.Epoch != 7 {
					t.Fatalf("record %+v after %d, PG's last %d", x, last, pgLast[pg])
				}
				last, pgLast[pg] = x.LSN, x.LSN
				b = b[n:]
			}
			if e.last != last || e.cpl != (x.Flags&redo.CPL != 0) {
				t.Fatalf("run %+v ends with record %+v", e, x)
			}
			if e.cpl {
				r.mu.Lock()
				seen := order[mtrs] // appended under the lock, before it was published
				r.mu.Unlock()
				if seen != last {
					t.Fatalf("inOrder saw %d as number %d, the log %d", seen, mtrs, last)
				}
				mtrs++
			}
		}
		r.free(at, 0)
		if finished && at == r.published.Load() && mtrs < appenders*each {
			t.Fatalf("%d MTRs were published of %d", mtrs, appenders*each)
		}
		select {
		case <-done:
			finished = true
		default:
			time.Sleep(10 * time.Microsecond)
		}
	}
}

func TestRingBounds(t *testing.T) {
	r := testRing(64 << 10)
	r.limit = 10
	var m redo.MTR
	short := func() context.Context {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Millisecond)
		t.Cleanup(cancel)
		return ctx
	}
	if err := r.admit(short(), 5, 100); !errors.Is(err, context.DeadlineExceeded) { // headroom is LSNs too
		t.Fatal(err)
	}
	r.free(0, 1000)
	if err := r.admit(short(), 5, 100); err != nil {
		t.Fatal(err)
	}
	if err := r.admit(short(), 5, 17<<10); err == nil || errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
	r.lsn = 900
	waiting := make(chan error, 1)
	go func() { waiting <- r.admit(context.Background(), 100, 10) }()
	r.kill(ErrFenced)
	if err := <-waiting; !errors.Is(err, ErrFenced) {
		t.Fatal(err)
	}
	fillMTR(&m, 0, 3, 10)
	if lsn := r.append(&m, nil); lsn != 903 || r.published.Load() != 0 {
		t.Fatal(lsn) // LSNs go on, the log does not
	}
}

// BenchmarkAppend is a sysbench write's MTR: four records of about 100 bytes.
func BenchmarkAppend(b *testing.B) {
	for _, par := range []int{1, 8} {
		b.Run(map[int]string{1: "1", 8: "8"}[par], func(b *testing.B) {
			r := testRing(64 << 20)
			var freed atomic.Uint64
			r.onPublish = func() {
				if end := r.published.Load(); end > freed.Load()+4096 {
					freed.Store(end)
					r.free(end, 0)
				}
			}
			const records = 4
			b.ReportAllocs()
			b.SetParallelism(par)
			b.RunParallel(func(pb *testing.PB) {
				var m redo.MTR
				fillMTR(&m, 3, records, 90)
				for pb.Next() {
					if err := r.admit(context.Background(), m.Len(), m.Bytes()); err != nil {
						b.Error(err)
					}
					r.append(&m, nil)
				}
			})
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*records), "ns/record")
		})
	}
}
