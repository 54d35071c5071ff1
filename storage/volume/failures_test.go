package volume_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/zoryadb/zorya/storage/page"
	"github.com/zoryadb/zorya/storage/volume"
)

// TestCrashes kills the writer again and again while nodes come and go: nothing acknowledged is lost, no
// half MTR ever shows, and the pages go on where they were.
func TestCrashes(t *testing.T) {
	f := fleet(t)
	rng := rand.New(rand.NewPCG(1, 1))
	groups := []*group{newGroup(0, 3), newGroup(1, 5), newGroup(2, 1), newGroup(33, 2)}
	rounds := 12
	if testing.Short() {
		rounds = 4
	}
	first := open(t, f, volume.Options{}) // all PGs on all members, so that any two may be away later
	if err := first.EnsurePages(context.Background(), 3*testPPG); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the PG ahead", func() bool { return first.Pages() == 4*testPPG })
	first.Close()
	for round := range rounds {
		for i := range 6 {
			f.Node(i).SetDown(false)
		}
		down := rng.Perm(6)[:rng.IntN(3)]
		for _, i := range down {
			f.Node(i).SetDown(true)
		}
		c := open(t, f, volume.Options{RingBytes: 256 << 10})
		if c.Epoch() != uint64(round+2) {
			t.Fatal(c.Epoch())
		}
		if err := c.EnsurePages(context.Background(), 3*testPPG); err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		for i, g := range groups {
			if err := g.load(c); err != nil {
				t.Fatalf("round %d: %v", round, err)
			}
			all.Go(func() {
				for k := range 150 {
					lsn, err := g.bump(c, 200*(i%2))
					if err != nil {
						return // closed under our hands
					}
					if k%5 == 0 {
						if c.WaitDurable(context.Background(), lsn) != nil {
							return
						}
						g.acked = g.n
					}
				}
			})
		}
		for range 3 {
			f.Node(rng.IntN(6)).LoseAcks.Store(int32(1 + rng.IntN(3)))
			time.Sleep(time.Duration(rng.IntN(3)) * time.Millisecond) // a crash at any time
		}
		if round%3 != 0 {
			all.Wait()
		}
		c.Close()
		all.Wait()
	}
}

// TestAZPlusOne: with three of six down writes wait without an error, reads go on, and everything resumes.
func TestAZPlusOne(t *testing.T) {
	f := fleet(t)
	c := open(t, f, volume.Options{})
	ctx := context.Background()
	g := newGroup(0, 2)
	lsn, err := g.bump(c, 0)
	if err == nil {
		err = c.WaitDurable(ctx, lsn)
	}
	if err != nil {
		t.Fatal(err)
	}
	durable := lsn
	for _, i := range []int{0, 3, 1} { // an AZ and one more; full member 2 is left
		f.Node(i).SetDown(true)
	}
	if lsn, err = g.bump(c, 0); err != nil {
		t.Fatal(err)
	}
	short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
	defer cancel()
	if err := c.WaitDurable(short, lsn); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("three of six made a write durable: %v", err)
	}
	if c.VDL() != durable {
		t.Fatal(c.VDL())
	}
	dst := [][]byte{make([]byte, page.Size)}
	if err := c.ReadPages(ctx, durable, []page.No{7}, dst); err != nil || dst[0][counterAt] != 1 {
		t.Fatal(err, dst[0][counterAt])
	}
	f.Node(3).SetDown(false)
	if err := c.WaitDurable(ctx, lsn); err != nil {
		t.Fatal(err)
	}
	// And with no full member a read waits until one is back.
	f.Node(2).SetDown(true)
	read := make(chan error, 1)
	go func() { read <- c.ReadPages(ctx, lsn, []page.No{0}, dst) }()
	select {
	case err := <-read:
		t.Fatalf("read without a full member: %v", err)
	case <-time.After(30 * time.Millisecond):
	}
	f.Node(0).SetDown(false)
	if err := <-read; err != nil || dst[0][counterAt] != 2 {
		t.Fatal(err)
	}
}

// TestRepair: a wiped node's segments begin a new life and vote again once they are whole.
func TestRepair(t *testing.T) {
	f := fleet(t)
	c := open(t, f, volume.Options{})
	ctx := context.Background()
	if err := c.EnsurePages(ctx, 2*testPPG); err != nil {
		t.Fatal(err)
	}
	g := newGroup(0, 4)
	var lsn page.LSN
	write := func(n int) {
		t.Helper()
		for range n {
			var err error
			if lsn, err = g.bump(c, 0); err != nil {
				t.Fatal(err)
			}
		}
		if err := c.WaitDurable(ctx, lsn); err != nil {
			t.Fatal(err)
		}
		g.acked = g.n
	}
	write(50)
	for _, i := range []int{1, 4} {
		f.Node(i).SetDown(true)
		f.Node(i).Wipe()
		write(10)
		f.Node(i).SetDown(false)
		pgs := uint64(c.Stats().PGs)
		eventually(t, "segments are whole again", func() bool {
			s := c.Stats()
			ok := s.Admitted >= pgs
			for _, n := range s.Nodes {
				ok = ok && n.Joined && n.Repairing == 0
			}
			return ok
		})
		write(10)
	}
	// The new lives carry the volume: every other node but two goes.
	eventually(t, "SCLs level", func() bool {
		for _, n := range c.Stats().Nodes {
			if n.SCLLag != 0 {
				return false
			}
		}
		return true
	})
	f.Node(0).SetDown(true)
	f.Node(2).SetDown(true)
	write(5)
	c.Close()
	d := open(t, f, volume.Options{})
	if err := g.load(d); err != nil {
		t.Fatal(err)
	}
	m, _ := f.Meta.Load(ctx, testVolume)
	if m.PGs[0].Epoch != 3 || m.PGs[0].Members[1].Incarnation < 2 {
		t.Fatalf("%+v", m.PGs[0])
	}
}

// TestPassedOver: a node that is away longer than the ring lasts does not hold it up, and fills itself later.
func TestPassedOver(t *testing.T) {
	f := fleet(t)
	c := open(t, f, volume.Options{RingBytes: 64 << 10})
	f.Node(5).SetDown(true)
	g := newGroup(0, 2)
	var lsn page.LSN
	for range 300 { // about 300 KB
		var err error
		if lsn, err = g.bump(c, 400); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.WaitDurable(context.Background(), lsn); err != nil {
		t.Fatal(err)
	}
	f.Node(5).SetDown(false)
	eventually(t, "the node caught up by gossip", func() bool { return f.Node(5).SCL(testVolume, 0) == lsn })
	eventually(t, "and says so", func() bool {
		s := c.Stats()
		return s.Nodes[5].SCLLag == 0 && s.Nodes[5].PassedOver > 0
	})
}

// TestBackPressure: without storage the ring fills, Admit waits, and nothing is lost.
func TestBackPressure(t *testing.T) {
	f := fleet(t)
	c := open(t, f, volume.Options{RingBytes: 64 << 10})
	for i := range 6 {
		f.Node(i).SetDown(true)
	}
	g := newGroup(0, 1)
	full := false
	for range 1000 {
		short, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
		err := c.Admit(short, 1, 600)
		cancel()
		if err != nil {
			full = errors.Is(err, context.DeadlineExceeded)
			break
		}
		if _, err := g.bump(c, 500); err != nil {
			t.Fatal(err)
		}
	}
	if !full {
		t.Fatal("a ring without storage never filled")
	}
	for i := range 6 {
		f.Node(i).SetDown(false)
	}
	lsn, err := g.bump(c, 500)
	if err == nil {
		err = c.WaitDurable(context.Background(), lsn)
	}
	if err != nil {
		t.Fatal(err)
	}
	g.acked = g.n
	if err := g.load(c); err != nil {
		t.Fatal(err)
	}
	if err := c.Admit(context.Background(), 1, 1<<20); err == nil {
		t.Fatal("an MTR larger than the ring was admitted")
	}
}
