package sim

import (
	"slices"

	"github.com/zoryadb/zorya/storage/page"
	"github.com/zoryadb/zorya/storage/proto"
	"github.com/zoryadb/zorya/storage/segment"
)

// sum folds a record into a page's contents.
func sum(h, id uint64) uint64 { return (h^id)*0x9e3779b97f4a7c15 + 1 }

func (d *disk) addImage(im image) {
	i, found := slices.BinarySearchFunc(d.images, im, func(a, b image) int {
		if a.page != b.page {
			return int(int64(a.page) - int64(b.page))
		}
		return int(int64(a.lsn) - int64(b.lsn))
	})
	if !found {
		d.images = slices.Insert(d.images, i, im)
	}
}

// read rebuilds a page as of at: its newest image, then the records above. It reports false when the parts do not
// chain or a checksum fails: an error for the reader, never a wrong page.
func (n *node) read(pg proto.PG, no page.No, at page.LSN) (im image, ok bool) {
	d, c := n.disk[pg], n.segs[pg].core
	im.page = no
	for _, x := range d.images {
		if x.page == no && x.lsn <= at {
			im = x
		}
	}
	for _, r := range d.recs {
		if r.page != no || r.LSN <= im.lsn || r.LSN > at || !c.History().Live(r.LSN) {
			continue
		}
		if r.prevPage != im.lsn || d.rotten[r.LSN] {
			return im, false
		}
		im.lsn, im.sum = r.LSN, sum(im.sum, r.id)
	}
	return im, true
}

// makeImage coalesces a random page up to the limit, and drops what the image supersedes.
func (n *node) makeImage(pg proto.PG) {
	s, d := n.segs[pg], n.disk[pg]
	if s.core.Kind() != proto.Full || s.core.Status() != proto.OK {
		return
	}
	no := page.No(pg)*pagesPerPG + page.No(n.w.rng.IntN(pagesPerPG))
	im, ok := n.read(pg, no, s.core.ImageLimit())
	if ok && im.lsn > 0 {
		d.addImage(im)
		n.w.stats.Images++
	}
}

// collect raises the horizon and drops what no read can ask for, as the limits allow.
func (n *node) collect(pg proto.PG) {
	s := n.segs[pg]
	if s.core.Status() != proto.OK {
		return
	}
	if s.core.Kind() == proto.Tail {
		n.collectTail(pg)
		return
	}
	before := s.core.Horizon()
	horizon := s.core.RaiseHorizon()
	// Below the horizon the log can go once images stand for it; the promise not to serve reads below
	// must be durable first, as must the floor.
	floor := page.LSN(0)
	for _, r := range n.disk[pg].recs {
		if r.LSN <= min(horizon, s.core.Base(), s.core.SCL()) && s.core.History().Live(r.LSN) {
			floor = max(floor, r.LSN)
		}
	}
	if floor <= s.core.Floor() {
		if horizon > before {
			n.settle(pg, s.core.Touch(), nil)
		}
		return
	}
	need := s.core.RaiseFloor(floor)
	n.settle(pg, need, n.alive(func() {
		if n.segs[pg] == s {
			n.dropBelow(pg, floor)
		}
	}))
}

// dropBelow replaces the log of a full segment at or below floor by the images that are still needed.
func (n *node) dropBelow(pg proto.PG, floor page.LSN) {
	d, c := n.disk[pg], n.segs[pg].core
	if len(d.rotten) > 0 {
		return // repair first
	}
	first := page.No(pg) * pagesPerPG
	var keep []image
	for no := first; no < first+pagesPerPG; no++ {
		versions := n.versions(pg, no, floor)
		for i, v := range versions {
			if i < len(versions)-1 && !c.Needed(v, versions[i+1]) {
				continue // a crash before a drop may leave records that nothing chains to any more
			}
			im, ok := n.read(pg, no, v)
			if !ok {
				n.w.fail("%s PG %d page %d: version %d cannot be rebuilt before its log is dropped: images %v, records %v, state %+v", n.id, pg, no, v, d.images, d.recs, c.State(0))
				return
			}
			keep = append(keep, im)
		}
	}
	d.images = slices.DeleteFunc(d.images, func(im image) bool { return im.lsn <= floor })
	for _, im := range keep {
		d.addImage(im)
	}
	d.recs = slices.DeleteFunc(d.recs, func(r rec) bool { return r.LSN <= floor })
	n.w.stats.Drops++
}

// versions lists the LSNs at or below floor at which the page changed, as far as they are still there.
func (n *node) versions(pg proto.PG, no page.No, floor page.LSN) (v []page.LSN) {
	d, c := n.disk[pg], n.segs[pg].core
	for _, im := range d.images {
		if im.page == no && im.lsn <= floor {
			v = append(v, im.lsn)
		}
	}
	for _, r := range d.recs {
		if r.page == no && r.LSN <= floor && c.History().Live(r.LSN) {
			v = append(v, r.LSN)
		}
	}
	slices.Sort(v)
	return slices.Compact(v)
}

func (n *node) collectTail(pg proto.PG) {
	s, d := n.segs[pg], n.disk[pg]
	limit, floor := s.core.TailLimit(), page.LSN(0)
	for _, r := range d.recs {
		if r.LSN <= limit && s.core.History().Live(r.LSN) {
			floor = max(floor, r.LSN)
		}
	}
	if floor <= s.core.Floor() {
		return
	}
	n.settle(pg, s.core.RaiseFloor(floor), n.alive(func() {
		if n.segs[pg] != s {
			return
		}
		n.w.checkTailDrop(n, pg, floor)
		d.recs = slices.DeleteFunc(d.recs, func(r rec) bool { return r.LSN <= floor })
		n.w.stats.Drops++
	}))
}

// scrub finds rotten records and repairs each from a peer that holds a good copy; while none does, reads fail.
func (n *node) scrub(pg proto.PG) {
	d := n.disk[pg]
	for i := range d.recs {
		l := d.recs[i].LSN
		if !d.rotten[l] {
			continue
		}
		for _, p := range n.w.nodes {
			if p == n || !p.up || p.segs[pg] == nil || p.disk[pg].rotten[l] {
				continue
			}
			if slices.ContainsFunc(p.disk[pg].recs, func(r rec) bool { return r.LSN == l }) {
				delete(d.rotten, l)
				n.w.trace("%s repairs LSN %d of PG %d from %s", n.id, l, pg, p.id)
				break
			}
		}
	}
}

// getPage is the node's side of proto.Node.GetPages for one page.
func (n *node) getPage(q *proto.PageRead) (im image, st proto.Status) {
	s := n.segs[q.PG]
	if s == nil {
		return im, proto.StatusNoSegment
	}
	if st := s.core.CheckRead(q); st != proto.OK {
		return im, st
	}
	im, ok := n.read(q.PG, q.Pages[0], q.ReadLSN)
	if !ok {
		if len(n.disk[q.PG].rotten) == 0 && n.w.o.Segment&segment.MutReadAboveSCL == 0 {
			n.w.fail("%s PG %d page %d: the record chain is broken at %d", n.id, q.PG, q.Pages[0], q.ReadLSN)
		}
		return im, proto.StatusFailed
	}
	return im, proto.OK
}
