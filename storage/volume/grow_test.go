package volume_test

import (
	"context"
	"testing"
	"time"

	"github.com/zoryadb/zorya/storage/volume"
)

// TestGrowthWithNodesDown: a PG is created on a write quorum, and the absent members are made later.
func TestGrowthWithNodesDown(t *testing.T) {
	f := fleet(t)
	c := open(t, f, volume.Options{CallTimeout: 100 * time.Millisecond})
	f.Node(0).SetDown(true)
	f.Node(4).SetDown(true)
	if err := c.EnsurePages(context.Background(), 3*testPPG); err != nil {
		t.Fatal(err)
	}
	g := newGroup(0, 6)
	lsn, err := g.bump(c, 0)
	if err == nil {
		err = c.WaitDurable(context.Background(), lsn)
	}
	if err != nil {
		t.Fatal(err)
	}
	f.Node(0).SetDown(false)
	f.Node(4).SetDown(false)
	eventually(t, "all members are whole", func() bool {
		for _, n := range c.Stats().Nodes {
			if !n.Joined || n.Repairing > 0 || n.SCLLag > 0 {
				return false
			}
		}
		return true
	})
	f.Meta.Down.Store(true) // the data plane does without
	if lsn, err = g.bump(c, 0); err == nil {
		err = c.WaitDurable(context.Background(), lsn)
	}
	if err != nil {
		t.Fatal(err)
	}
}
