package volume_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/zoryadb/zorya/storage/volume"
)

func TestFenced(t *testing.T) {
	f := fleet(t)
	a := open(t, f, volume.Options{})
	g := newGroup(0, 2)
	lsn, err := g.bump(a, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.WaitDurable(context.Background(), lsn); err != nil {
		t.Fatal(err)
	}
	g.acked = g.n
	b := open(t, f, volume.Options{})
	for err == nil { // the old writer goes on until it is told
		if lsn, err = g.bump(a, 0); err == nil {
			err = a.WaitDurable(context.Background(), lsn)
		}
	}
	if !errors.Is(err, volume.ErrFenced) || !errors.Is(a.Err(), volume.ErrFenced) {
		t.Fatal(err)
	}
	got := make(chan error, 1)
	a.OnDurable(a.VDL()+1, func(err error) { got <- err })
	if err := <-got; !errors.Is(err, volume.ErrFenced) {
		t.Fatal(err)
	}
	if err := g.load(b); err != nil || g.n != 1 {
		t.Fatal(g.n, err)
	}
}

// TestOpenWaits: without a read quorum Open waits, says so when its context ends, and goes on once it can.
func TestOpenWaits(t *testing.T) {
	f := fleet(t)
	c := open(t, f, volume.Options{})
	g := newGroup(0, 2)
	lsn, err := g.bump(c, 0)
	if err == nil {
		err = c.WaitDurable(context.Background(), lsn)
	}
	if err != nil {
		t.Fatal(err)
	}
	g.acked = g.n
	c.Close()
	for _, i := range []int{0, 1, 2, 3} {
		f.Node(i).SetDown(true)
	}
	cfg := volume.Config{Volume: testVolume, Writer: "patient", Meta: f.Meta, Dialer: f, Options: volume.Options{Log: quiet()}}
	short, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	if _, err := volume.Open(short, cfg); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "n2 no answer") {
		t.Fatal(err)
	}
	opened := make(chan *volume.Client)
	go func() {
		c, err := volume.Open(context.Background(), cfg)
		if err != nil {
			t.Error(err)
		}
		opened <- c
	}()
	for _, i := range []int{3, 0} { // one tail is not enough: the full members are 0, 1 and 2
		select {
		case <-opened:
			t.Fatal("opened without a quorum")
		case <-time.After(20 * time.Millisecond):
		}
		f.Node(i).SetDown(false)
	}
	d := <-opened
	defer d.Close()
	if err := g.load(d); err != nil || g.n != 1 {
		t.Fatal(g.n, err)
	}
}

// TestRivals: of writers that open at once one is left, and what any of them acknowledged stays.
func TestRivals(t *testing.T) {
	f := fleet(t)
	g := newGroup(0, 3)
	for round := range 5 {
		cfg := volume.Config{Volume: testVolume, Writer: "rival", Meta: f.Meta, Dialer: f, Options: volume.Options{Log: quiet(), RingBytes: 1 << 20}}
		var all sync.WaitGroup
		var mu sync.Mutex
		for range 3 {
			all.Go(func() {
				c, err := volume.Open(context.Background(), cfg)
				if errors.Is(err, volume.ErrFenced) {
					return
				}
				if err != nil {
					t.Error(err)
					return
				}
				defer c.Close()
				mine := newGroup(0, 3)
				if err := mine.load(c); err != nil && !errors.Is(err, volume.ErrFenced) {
					t.Error(err)
					return
				}
				for range 20 {
					lsn, err := mine.bump(c, 0)
					if err == nil {
						err = c.WaitDurable(context.Background(), lsn)
					}
					if errors.Is(err, volume.ErrFenced) {
						return
					}
					if err != nil {
						t.Error(err)
						return
					}
					mu.Lock()
					g.acked = max(g.acked, mine.n)
					mu.Unlock()
				}
			})
		}
		all.Wait()
		c := open(t, f, volume.Options{})
		if err := g.load(c); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		c.Close()
	}
	if g.acked == 0 {
		t.Fatal("nobody wrote anything")
	}
}
