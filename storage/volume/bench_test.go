package volume_test

import (
	"context"
	"fmt"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/zoryadb/zorya/base/vfs"
	"github.com/zoryadb/zorya/storage/node"
	"github.com/zoryadb/zorya/storage/page"
	"github.com/zoryadb/zorya/storage/segment"
	"github.com/zoryadb/zorya/storage/volume"
)

// benchPPG leaves a benchmark in one PG, with the next created ahead.
const benchPPG = 64 << 10

func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkCommit commits MTRs of four records, each waited for, over TCP on six storage nodes that sync real
// files, all in this process. It prints what the design's budget speaks of.
func BenchmarkCommit(b *testing.B) {
	for _, callers := range []int{1, 16, 64, 256} {
		b.Run(fmt.Sprint(callers), func(b *testing.B) {
			dir := b.TempDir()
			f := newRealFleet(b, benchPPG, func(i int, o *node.Options) {
				o.FS, o.Dir = vfs.OS{}, fmt.Sprintf("%s/n%d", dir, i)
				o.QueueFileBytes = 0
				o.GossipTick, o.CollectEvery, o.MonitorEvery = 0, 0, 0
				o.Segment = segment.Options{}
			})
			c := openOn(b, f.meta, f.book, volume.Options{RingBytes: 64 << 20, Heartbeat: 100 * time.Millisecond})
			ctx := context.Background()
			if err := c.EnsurePages(ctx, uint64(callers*32+32)); err != nil {
				b.Fatal(err)
			}
			before := c.Stats()
			start := cpu()
			b.ResetTimer()
			var all sync.WaitGroup
			var left = make(chan struct{}, b.N)
			for range b.N {
				left <- struct{}{}
			}
			close(left)
			for k := range callers {
				all.Go(func() {
					g := newGroup(page.No(k*32), 4)
					for range left {
						lsn, err := g.bump(c, 60)
						if err == nil {
							err = c.WaitDurable(ctx, lsn)
						}
						if err != nil {
							b.Error(err)
							return
						}
						c.SetReadFloor(c.VDL())
					}
				})
			}
			all.Wait()
			b.StopTimer()
			s := c.Stats()
			n := float64(s.MTRs - before.MTRs)
			b.ReportMetric(float64((cpu()-start).Microseconds())/n, "cpu-us/commit")
			b.ReportMetric(float64(s.Frames-before.Frames)/n, "frames/commit")
			b.ReportMetric(float64(s.Bytes-before.Bytes)/n, "B-redo/commit")
			b.ReportMetric(n/b.Elapsed().Seconds(), "commits/s")
		})
	}
}

// BenchmarkReadPage reads single pages through the client over TCP.
func BenchmarkReadPage(b *testing.B) {
	f := newRealFleet(b, benchPPG, nil)
	c := openOn(b, f.meta, f.book, volume.Options{Heartbeat: 100 * time.Millisecond})
	g := newGroup(0, 2)
	lsn, err := g.bump(c, 100)
	if err == nil {
		err = c.WaitDurable(context.Background(), lsn)
	}
	if err != nil {
		b.Fatal(err)
	}
	dst := [][]byte{make([]byte, page.Size)}
	nos := []page.No{0}
	b.ReportAllocs()
	start := cpu()
	for b.Loop() {
		if err := c.ReadPages(context.Background(), lsn, nos, dst); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64((cpu()-start).Microseconds())/float64(b.N), "cpu-us/read")
}

// BenchmarkOpen opens a volume whose writer died with unacknowledged log, on six nodes that sync real files.
func BenchmarkOpen(b *testing.B) {
	for _, pgs := range []uint64{1, 32} {
		b.Run(fmt.Sprintf("%dPGs", pgs), func(b *testing.B) {
			dir := b.TempDir()
			f := newRealFleet(b, testPPG, func(i int, o *node.Options) { o.FS, o.Dir = vfs.OS{}, fmt.Sprintf("%s/n%d", dir, i) })
			g := newGroup(0, 2)
			for b.Loop() {
				c := openOn(b, f.meta, f.book, volume.Options{})
				b.StopTimer()
				if err := c.EnsurePages(context.Background(), pgs*testPPG); err != nil {
					b.Fatal(err)
				}
				if err := g.load(c); err != nil {
					b.Fatal(err)
				}
				for range 200 {
					if _, err := g.bump(c, 300); err != nil {
						b.Fatal(err)
					}
				}
				c.Close()
				b.StartTimer()
			}
		})
	}
}
