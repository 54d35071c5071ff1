package node

import (
	"context"
	"testing"

	"github.com/zoryadb/zorya/storage/page"
	"github.com/zoryadb/zorya/storage/proto"
)

// TestRetain: a retain point stays readable while everything around it is collected, over a crash too, until its keeper lets it go.
func TestRetain(t *testing.T) {
	c := newCluster(t, nil, proto.Full, proto.Tail, proto.Full)
	c.startAll()
	w := newWriter(c, 12)
	w.create()
	w.send(40, nil)
	before := w.vdl
	w.send(40, nil)
	at := w.vdl
	retain := func(id proto.NodeID, version uint64, points ...page.LSN) proto.Status {
		t.Helper()
		rep, err := c.live[id].Retain(context.Background(), &proto.RetainRequest{Volume: testVolume, Epoch: w.epoch, History: w.hist.Version,
			Version: version, Points: points})
		if err != nil || rep.Status != proto.OK || len(rep.Segments) != 1 {
			t.Fatalf("retain on %s: %+v, %v", id, rep, err)
		}
		return rep.Segments[0].Status
	}
	for _, m := range c.m.Members {
		if st := retain(m.Node, 2, at); st != proto.OK {
			t.Fatalf("%s answers %d", m.Node, st)
		}
	}
	churn := func() {
		dropped := c.live["a"].stats.LogFilesDropped.Load()
		eventually(t, "log is collected beyond the point", func() bool {
			w.send(10, nil)
			w.mrpl = w.vdl
			return c.live["a"].stats.LogFilesDropped.Load() > dropped && w.info("a").Horizon > at
		})
	}
	churn()
	w.check("a", at)
	if st := retain("a", 1); st != proto.OK { // late: nothing changes
		t.Fatalf("a late request is answered %d", st)
	}
	c.crash("a", 3)
	c.start("a")
	w.whole("a")
	w.check("a", at)
	churn()
	w.check("a", at)
	if _, st, _ := w.read("a", before, before); st != proto.StatusGone {
		t.Fatalf("a read below the horizon that nobody retains: %d", st)
	}
	if st := retain("a", 3, before, at); st != proto.StatusGone {
		t.Fatalf("a point that may be gone already is accepted: %d", st)
	}
	w.check("a", at)
	if st := retain("a", 4); st != proto.OK {
		t.Fatalf("letting go: %d", st)
	}
	if _, st, _ := w.read("a", at, at); st != proto.StatusGone {
		t.Fatalf("a point that was let go is served: %d", st)
	}
	rep, err := c.live["a"].Retain(context.Background(), &proto.RetainRequest{Volume: testVolume, Epoch: w.epoch, History: w.hist.Version,
		Version: 5, Points: []page.LSN{at + 2, at + 1}})
	if err != nil || rep.Status != proto.StatusBad {
		t.Fatalf("unsorted points: %+v, %v", rep, err)
	}
}
