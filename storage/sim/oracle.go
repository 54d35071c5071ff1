package sim

import (
	"fmt"
	"slices"

	"github.com/zoryadb/zorya/storage/page"
	"github.com/zoryadb/zorya/storage/proto"
	"github.com/zoryadb/zorya/storage/segment"
	"github.com/zoryadb/zorya/storage/volume/quorum"
	"github.com/zoryadb/zorya/storage/volume/recovery"
)

// oracle knows everything that was ever written and promised, and compares.
type oracle struct {
	ids    uint64
	issued []issuedRec // ascending by LSN as issued; two writers' LSNs never meet
	at     map[page.LSN]int
	acked  page.LSN // the highest CPL that any client was told of
	// histories are the intervals that were seen under each version.
	histories map[uint64][]proto.Interval
}

type issuedRec struct {
	rec
	first, cpl page.LSN // of its MTR
	promised   bool     // its MTR was acknowledged
}

func (o *oracle) init() {
	o.at, o.histories = map[page.LSN]int{}, map[uint64][]proto.Interval{}
}

func (o *oracle) nextID() uint64 { o.ids++; return o.ids }

func (o *oracle) issue(w *world, r rec, first, cpl page.LSN) {
	if i, dup := o.at[r.LSN]; dup {
		w.fail("LSN %d was given out twice, in epochs %d and %d", r.LSN, o.issued[i].Epoch, r.Epoch)
		return
	}
	o.at[r.LSN] = len(o.issued)
	o.issued = append(o.issued, issuedRec{rec: r, first: first, cpl: cpl})
}

// live lists the records at or below vdl that a history keeps, ascending.
func (o *oracle) live(h *proto.History, vdl page.LSN) (out []rec) {
	for l := page.LSN(1); l <= vdl; l++ {
		if i, ok := o.at[l]; ok && h.Live(l) {
			out = append(out, o.issued[i].rec)
		}
	}
	return out
}

// checkOpen holds a recovered volume against all promises: nothing acknowledged is gone, no MTR is torn, and VDL has not
// fallen.
func (w *world) checkOpen(wr *writer, res *recovery.Result) {
	for _, later := range w.writers {
		if later.open && later.desc.Epoch > wr.desc.Epoch {
			return // it believes so, by answers that were late; no write quorum will ever acknowledge it
		}
	}
	for i := range w.oracle.issued {
		r := &w.oracle.issued[i]
		kept := r.LSN <= res.VDL && res.History.Live(r.LSN)
		if r.promised && !kept {
			w.fail("%s opens at VDL %d without LSN %d, which was acknowledged (epoch %d)", wr.name, res.VDL, r.LSN, r.Epoch)
			return
		}
		if !kept && r.LSN <= res.VDL {
			w.stats.Truncated++
		}
		first, last := r.first <= res.VDL && res.History.Live(r.first), r.cpl <= res.VDL && res.History.Live(r.cpl)
		if first != last {
			w.fail("%s opens at VDL %d with half of the MTR %d..%d", wr.name, res.VDL, r.first, r.cpl)
			return
		}
	}
	if res.VDL < w.oracle.acked {
		w.fail("VDL falls from %d to %d", w.oracle.acked, res.VDL)
	}
	if res.Base < res.VDL {
		w.fail("new LSNs begin at %d, below VDL %d", res.Base+1, res.VDL)
	}
}

// checkAcked tells clients of every MTR at or below VDL, and checks that each may be told.
func (w *world) checkAcked(wr *writer) {
	vdl := wr.tracker.VDL()
	if i, ok := w.oracle.at[vdl]; ok && w.oracle.issued[i].cpl != vdl {
		w.fail("%s: VDL %d is in the middle of the MTR %d..%d", wr.name, vdl, w.oracle.issued[i].first, w.oracle.issued[i].cpl)
		return
	}
	for ; wr.acked < len(wr.mtrs) && wr.mtrs[wr.acked].cpl <= vdl; wr.acked++ {
		m := wr.mtrs[wr.acked]
		for l := m.first; l <= m.cpl; l++ {
			r := &w.oracle.issued[w.oracle.at[l]]
			r.promised = true
			w.checkDurable(wr, &r.rec)
		}
		for _, later := range w.writers {
			if later.open && later.desc.Epoch > wr.desc.Epoch && !later.hist.Live(m.cpl) {
				w.fail("%s acknowledges LSN %d after %s opened without it", wr.name, m.cpl, later.name)
			}
		}
		w.oracle.acked = max(w.oracle.acked, m.cpl)
		w.stats.Acked++
	}
}

// checkDurable looks at the disks themselves: an acknowledged record is on a write quorum of them.
func (w *world) checkDurable(wr *writer, r *rec) {
	rule, err := quorum.RuleOf(&w.desc.PGs[r.pg], 0)
	if err != nil {
		w.fail("rule: %v", err)
		return
	}
	var have quorum.Set
	for i, n := range w.nodes {
		d := n.disk[r.pg]
		// A member that was wiped a moment ago has acknowledged honestly; wipes are bounded so that the
		// quorum survives them.
		if d == nil || d.state.Phase != segment.Active || d.holds(r) {
			have = have.Add(i)
		}
	}
	if !rule.Write(have) {
		w.fail("%s acknowledges LSN %d of PG %d, which is durable on members %06b only", wr.name, r.LSN, r.pg, have)
	}
}

// holds reports whether the disk has a record, as such or folded into images.
func (d *disk) holds(r *rec) bool {
	if r.LSN <= d.state.Floor {
		return true
	}
	for i := range d.recs {
		if d.recs[i].LSN == r.LSN {
			return d.recs[i].id == r.id
		}
	}
	return false
}

// checkHistory checks that a version means one history, wherever it is installed.
func (w *world) checkHistory(n *node, h *proto.History) {
	known, ok := w.oracle.histories[h.Version]
	if !ok {
		w.oracle.histories[h.Version] = h.Intervals // never changed in place
	} else if !slices.Equal(known, h.Intervals) {
		w.fail("%s holds history %d with intervals %v, elsewhere it has %v", n.id, h.Version, h.Intervals, known)
	}
}

// checkSCL checks that a segment's SCL is true: every live record at or below is on its disk.
func (w *world) checkSCL(n *node, pg proto.PG) {
	s := n.segs[pg]
	if s == nil {
		return
	}
	w.checkHistory(n, s.core.History())
	if s.core.Phase() != segment.Active || w.current == nil || !w.current.open {
		return
	}
	c, d := s.core, n.disk[pg]
	if c.History().Version != w.current.hist.Version {
		return
	}
	for _, l := range w.current.pgLSNs[pg] {
		if l > c.SCL() || l <= c.Floor() {
			continue
		}
		r := &w.oracle.issued[w.oracle.at[l]].rec
		if !d.holds(r) {
			w.fail("%s PG %d: SCL is %d, but LSN %d is not on its disk (floor %d, base %d, VDL %d)", n.id, pg, c.SCL(), l, c.Floor(), c.Base(), c.VDL())
			return
		}
	}
}

// checkTailDrop checks the rule that a tail drops log only below what every full member holds durably.
func (w *world) checkTailDrop(n *node, pg proto.PG, floor page.LSN) {
	i, ok := w.oracle.at[floor]
	if !ok {
		return
	}
	for j, m := range w.desc.PGs[pg].Members {
		d := w.nodes[j].disk[pg]
		if m.Kind != proto.Full || d == nil || d.state.Phase != segment.Active {
			continue // wiped since it told
		}
		if d.state.Self.Incarnation == m.Incarnation && !d.holds(&w.oracle.issued[i].rec) {
			w.fail("tail %s drops the log of PG %d up to %d, which full member %s does not hold", n.id, pg, floor, m.Node)
		}
	}
}

// checkPage compares a page that a node served with what the writer knows it holds.
func (w *world) checkPage(wr *writer, n *node, im image, at page.LSN) {
	want := version{}
	for _, v := range wr.pages[im.page] {
		if v.lsn <= at {
			want = v
		}
	}
	if im.lsn != want.lsn || im.sum != want.sum {
		w.fail("%s serves page %d at %d as of LSN %d (%x), but it should be as of %d (%x)",
			n.id, im.page, at, im.lsn, im.sum, want.lsn, want.sum)
	}
}

// checkRetained checks that every retain point can still be read from a full member.
func (w *world) checkRetained(n *node, pg proto.PG, at page.LSN) {
	wr := w.current
	if !wr.open || !wr.hist.Live(at) || at > wr.tracker.VDL() {
		return
	}
	first := page.No(pg) * pagesPerPG
	for no := first; no < first+pagesPerPG; no++ {
		if im, ok := n.read(pg, no, at); ok {
			w.checkPage(wr, n, im, at)
		} else if len(n.disk[pg].rotten) == 0 {
			w.fail("%s PG %d page %d: the retain point %d cannot be read", n.id, pg, no, at)
		}
	}
}

// atRest reports whether a healed volume has nothing left to do.
func (w *world) atRest() bool { return w.unrest() == "" }

func (w *world) unrest() string {
	wr := w.current
	if !wr.open {
		if wr.dead {
			return "the writer is dead"
		}
		return "recovery waits: " + wr.rec.Waiting()
	}
	if wr.dead {
		return "the writer is dead"
	}
	if len(wr.mtrs) < 8 {
		return "the last writer has hardly written"
	}
	if vdl := wr.tracker.VDL(); vdl != wr.last {
		return fmt.Sprintf("VDL is %d, the newest record %d", vdl, wr.last)
	}
	for pg := range wr.desc.PGs {
		for i, n := range w.nodes {
			s := n.segs[pg]
			if s == nil {
				return fmt.Sprintf("%s PG %d is missing", n.id, pg)
			}
			if st := s.core.Status(); st != proto.OK {
				return fmt.Sprintf("%s PG %d does not count: status %d, incarnation %d of %d, repaired %v, SCL %d, PGCL %d",
					n.id, pg, st, s.core.Incarnation(), wr.desc.PGs[pg].Members[i].Incarnation, s.core.Repaired(), s.core.SCL(), wr.tracker.PGCL(proto.PG(pg)))
			}
			if s.core.SCL() < wr.tracker.PGCL(proto.PG(pg)) {
				return fmt.Sprintf("%s PG %d is at %d of %d", n.id, pg, s.core.SCL(), wr.tracker.PGCL(proto.PG(pg)))
			}
		}
	}
	return ""
}

// finalReads reads every page from every full member.
func (w *world) finalReads() {
	wr := w.current
	at := wr.tracker.VDL()
	for no := range wr.pages {
		pg := pgOf(page.No(no))
		for i := 0; i < 6; i += 2 {
			n := w.nodes[i]
			c := n.segs[pg].core
			last := page.LSN(0)
			for _, l := range wr.pgLSNs[pg] {
				if l <= at {
					last = l
				}
			}
			if c.SCL() < last || len(n.disk[pg].rotten) > 0 {
				continue
			}
			im, ok := n.read(pg, page.No(no), at)
			if !ok {
				w.fail("at the end, page %d cannot be read from %s", no, n.id)
				return
			}
			w.checkPage(wr, n, im, at)
		}
	}
}
