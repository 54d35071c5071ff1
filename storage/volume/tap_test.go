package volume_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/zoryadb/zorya/storage/page"
	"github.com/zoryadb/zorya/storage/redo"
	"github.com/zoryadb/zorya/storage/volume"
)

// TestTap: a second consumer sees the whole log in order, and hears of VDL; one that sleeps loses its place and harms nobody.
func TestTap(t *testing.T) {
	f := fleet(t)
	c := open(t, f, volume.Options{RingBytes: 64 << 10})
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	tap, sleeper := c.Tap(), c.Tap()
	defer tap.Close()
	const mtrs = 400
	last := make(chan page.LSN, 1)
	var seen atomic.Uint64
	var writer sync.WaitGroup
	defer writer.Wait()
	writer.Go(func() {
		g := newGroup(0, 2)
		var lsn page.LSN
		for i := range mtrs {
			var err error
			if lsn, err = g.bump(c, 300); err != nil {
				t.Error(err)
				return
			}
			for i%20 == 0 && page.LSN(seen.Load()) < lsn && ctx.Err() == nil { // the ring is tiny: do not outrun the tap
				time.Sleep(20 * time.Microsecond)
			}
		}
		last <- lsn
	})
	var prev, vdl, end page.LSN
	n := 0
	for end == 0 || vdl < end {
		pieces, now, err := tap.Next(ctx, vdl)
		if err != nil || now < vdl {
			cancel()
			t.Fatal(err, now, vdl)
		}
		vdl = now
		for _, b := range pieces {
			for len(b) > 0 {
				var r redo.Record
				k, err := redo.Parse(b, &r)
				if err != nil || (prev != 0 && r.PrevVolume != prev) {
					t.Fatalf("%v: LSN %d follows %d, after %d", err, r.LSN, r.PrevVolume, prev)
				}
				prev, b = r.LSN, b[k:]
				n++
			}
		}
		seen.Store(uint64(prev))
		select {
		case end = <-last:
		default:
		}
	}
	if n != 2*mtrs || prev != end {
		t.Fatalf("%d records up to %d, want %d up to %d", n, prev, 2*mtrs, end)
	}
	for {
		_, at, err := sleeper.Next(ctx, vdl)
		if errors.Is(err, volume.ErrLagged) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if at == vdl && c.Stats().RingUsed == 0 {
			t.Fatal("it slept through ten rings and is still there")
		}
	}
	sleeper.Close()
}
