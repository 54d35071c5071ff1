package node

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/zoryadb/zorya/base/vfs"
	"github.com/zoryadb/zorya/storage/proto"
)

// admit makes member i's new life that of the membership, and installs it on every node that runs.
func (w *writer) admit(i int, life proto.Member) {
	w.c.t.Helper()
	w.c.m.Epoch++
	w.c.m.Members = append([]proto.Member(nil), w.c.m.Members...)
	w.c.m.Members[i] = life
	for _, m := range w.c.m.Members {
		n := w.c.live[m.Node]
		if n == nil {
			continue
		}
		if st, err := n.InstallMembership(context.Background(), w.spec(m, false)); st != proto.OK || err != nil {
			w.c.t.Fatalf("membership on %s: %d, %v", m.Node, st, err)
		}
	}
}

// wipe gives member i a blank disk and a new life that hydrates.
func (w *writer) wipe(i int) proto.Member {
	w.c.t.Helper()
	m := w.c.m.Members[i]
	w.c.stop(m.Node)
	w.c.fs[m.Node] = vfs.NewMem()
	m.Incarnation++
	if st, err := w.c.start(m.Node).CreateSegment(context.Background(), w.spec(m, true)); st != proto.OK || err != nil {
		w.c.t.Fatalf("create on %s: %d, %v", m.Node, st, err)
	}
	return m
}

// TestActivationIsMadeDurable: a segment that the membership lists already becomes active with the sync of the last record that
// it lacked. Nobody waits for that step, and nothing else writes the superblock of a segment at rest: yet it must say so.
func TestActivationIsMadeDurable(t *testing.T) {
	for _, kind := range []proto.Kind{proto.Full, proto.Tail} {
		c := newCluster(t, nil, kind, proto.Full, proto.Full)
		c.startAll()
		w := newWriter(c, 3)
		w.create()
		w.send(10, nil)
		half := w.prev
		c.stop("b")
		w.send(10, nil)
		c.stop("c")
		w.admit(0, w.wipe(0)) // listed before it hears from anybody
		c.start("b")
		eventually(t, "the first half is there", func() bool { return w.info("a").SCL == half })
		if st := w.info("a").Status; st != proto.StatusHydrating {
			t.Fatalf("status %d with one vote of two", st)
		}
		c.start("c") // its answer is the vote that is missing and brings the rest
		w.whole("a")
		eventually(t, fmt.Sprintf("kind %d counts: %+v", kind, w.info("a")), func() bool { return w.info("a").Status == proto.OK })
	}
}

// TestRefillGoesOn: what many answers are needed for is asked for as soon as the answer before is there, not at the next tick.
func TestRefillGoesOn(t *testing.T) {
	const tick = time.Second // each answer is of 64 KiB: at one a tick it would take minutes
	c := newCluster(t, func(o *Options) {
		o.GossipTick = tick
		o.QueueFileBytes = 4 << 20
	}, proto.Full, proto.Full, proto.Full)
	c.startAll()
	w := newWriter(c, 5)
	w.fat = true
	w.create()
	c.stop("c")
	for bytes := 0; bytes < 6<<20; {
		raw := w.mtr(nil)
		bytes += len(raw)
		w.frame(raw, nil)
	}
	c.start("c")
	w.whole("c")
}
