package volume_test

import (
	"context"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/zoryadb/zorya/storage/page"
	"github.com/zoryadb/zorya/storage/redo"
	"github.com/zoryadb/zorya/storage/volume"
)

func TestWriteReadGrow(t *testing.T) {
	f := fleet(t)
	c := open(t, f, volume.Options{})
	ctx := context.Background()
	if c.Epoch() != 1 || c.Pages() != testPPG {
		t.Fatal(c.Epoch(), c.Pages())
	}
	if err := c.EnsurePages(ctx, 4*testPPG); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the next PG is created ahead of need", func() bool { return c.Pages() >= 5*testPPG })
	g := newGroup(3, 7) // pages 3, 10, 17, ... 45: three PGs
	for range 200 {
		if _, err := g.bump(c, 0); err != nil {
			t.Fatal(err)
		}
	}
	order := make(chan page.LSN, 300)
	var last page.LSN
	for range 100 {
		lsn, err := g.bump(c, 100)
		if err != nil {
			t.Fatal(err)
		}
		last = lsn
		c.OnDurable(lsn, func(err error) {
			if err != nil {
				t.Error(err)
			}
			order <- lsn
		})
	}
	if err := c.WaitDurable(ctx, last); err != nil {
		t.Fatal(err)
	}
	g.acked = g.n
	for prev := page.LSN(0); prev < last; {
		lsn := <-order
		if lsn <= prev {
			t.Fatalf("%d was woken after %d", lsn, prev)
		}
		prev = lsn
	}
	if err := g.load(c); err != nil {
		t.Fatal(err)
	}
	// A freed page reads as absent, and one that never was.
	var m redo.MTR
	m.FreeRange(3, 1)
	if err := c.Admit(ctx, 1, 8); err != nil {
		t.Fatal(err)
	}
	lsn := c.Append(&m, nil)
	if err := c.WaitDurable(ctx, lsn); err != nil {
		t.Fatal(err)
	}
	dst := [][]byte{make([]byte, page.Size), make([]byte, page.Size), make([]byte, page.Size)}
	if err := c.ReadPages(ctx, lsn, []page.No{3, 10, 4}, dst); err != nil {
		t.Fatal(err)
	}
	if page.GetType(dst[0]) != page.Absent || page.GetType(dst[1]) == page.Absent || page.GetType(dst[2]) != page.Absent {
		t.Fatal("wrong pages")
	}
	if err := c.ReadPages(ctx, lsn+1000, []page.No{3}, dst[:1]); err == nil {
		t.Fatal("read above VDL")
	}
	if err := prometheus.NewPedanticRegistry().Register(c.Collector()); err != nil {
		t.Fatal(err)
	}
	s := c.Stats()
	if s.VDL != lsn || s.VCL != lsn || s.MTRs != 301 || s.Records != 2101 || s.PGs < 5 || len(s.Nodes) != 6 {
		t.Fatalf("%+v", s)
	}
}

// TestHedge: a read that is late at one segment is answered by another.
func TestHedge(t *testing.T) {
	f := fleet(t)
	c := open(t, f, volume.Options{})
	g := newGroup(0, 1)
	lsn, err := g.bump(c, 0)
	if err == nil {
		err = c.WaitDurable(context.Background(), lsn)
	}
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "reads work", func() bool { return g.load(c) == nil && c.Stats().Reads > 20 })
	slow := int64(time.Hour)
	for i := range 2 {
		f.Node(i).Slow.Store(slow)
	}
	for range 5 {
		if err := g.load(c); err != nil || g.n != 1 {
			t.Fatal(err)
		}
	}
	f.Node(2).Slow.Store(slow)
	f.Node(0).Slow.Store(0)
	for range 5 {
		if err := g.load(c); err != nil || g.n != 1 {
			t.Fatal(err)
		}
	}
	if c.Stats().Hedges == 0 {
		t.Fatal("nothing was hedged")
	}
}
