package volume_test

import (
	"context"
	"testing"
	"time"

	"github.com/zoryadb/zorya/storage/page"
	"github.com/zoryadb/zorya/storage/volume"
)

// TestLazyFrames: what nobody waits for makes no frames until enough has gathered, room is short, or somebody waits for what comes after it.
func TestLazyFrames(t *testing.T) {
	f := fleet(t)
	c := open(t, f, volume.Options{Heartbeat: time.Hour})
	frames := func() uint64 { return c.Stats().Frames }
	g := newGroup(0, 1)
	bump := func(n, ballast int) (lsn page.LSN) {
		t.Helper()
		for range n {
			var err error
			if lsn, err = g.bump(c, ballast); err != nil {
				t.Fatal(err)
			}
		}
		return lsn
	}
	everywhere := func(lsn page.LSN) {
		t.Helper()
		eventually(t, "it is on every node", func() bool {
			for i := range 6 {
				if f.Node(i).SCL(testVolume, 0) != lsn {
					return false
				}
			}
			return true
		})
	}
	least := uint64(1000)
	var lsn page.LSN
	for range 5 { // a link that has just joined sends a heartbeat of its own
		before := frames()
		lsn = bump(50, 0)
		if err := c.WaitDurable(context.Background(), lsn); err != nil {
			t.Fatal(err)
		}
		everywhere(lsn)
		least = min(least, frames()-before)
	}
	if least > 6 { // fewer when a node had it from its peers before its link got to run, on a crowded machine
		t.Fatalf("50 MTRs of which one was waited for took %d frames to six nodes", least)
	}
	bump(100, 600)
	eventually(t, "much log is durable although nobody waits", func() bool { return c.VDL() > lsn })

	lsn = bump(1, 0)
	done := make(chan error, 1)
	c.OnDurable(lsn, func(err error) { done <- err })
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	everywhere(lsn)
}

// TestLazyRoom: an Admit that waits for room asks for the log that has to become durable first.
func TestLazyRoom(t *testing.T) {
	f := fleet(t)
	c := open(t, f, volume.Options{Heartbeat: time.Hour, RingBytes: 64 << 10, LAL: 80})
	g := newGroup(0, 1)
	for range 60 {
		if _, err := g.bump(c, 0); err != nil {
			t.Fatal(err)
		}
	}
}
