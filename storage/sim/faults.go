package sim

import (
	"github.com/zoryadb/zorya/storage/page"
	"github.com/zoryadb/zorya/storage/proto"
	"github.com/zoryadb/zorya/storage/segment"
)

// scheduleFaults lets things go wrong, one after another, until the world heals.
func (w *world) scheduleFaults() {
	rarely := segment.Time(1)
	if w.tidy { // or log would seldom be dropped anywhere
		rarely = 4
	}
	w.after(rarely*w.between(ms, 12*ms), func() {
		if !w.faulty {
			return
		}
		w.fault()
		w.scheduleFaults()
	})
}

func (w *world) fault() {
	n := w.nodes[w.rng.IntN(6)]
	switch w.rng.IntN(15) {
	case 0, 1:
		if n.up {
			n.crash()
			w.after(w.between(ms, 40*ms), n.restart)
		}
	case 2:
		w.loseAZ()
	case 3, 4: // the writer dies; another takes over
		w.current.die("dies")
		w.startWriter()
	case 5: // another takes over while it lives on
		w.startWriter()
	case 6: // it dies in the middle of a recovery
		w.startWriter()
		wr := w.current
		if w.chance(0.5) { // what it decides reaches few: the next one may not hear of it
			w.after(w.between(0, 2*ms), func() {
				for _, i := range w.rng.Perm(6)[:2+w.rng.IntN(3)] {
					w.cut[[2]string{wr.name, string(w.nodes[i].id)}] = true
				}
			})
		}
		w.after(w.between(0, 4*ms), func() {
			if !wr.open && w.current == wr {
				wr.die("dies in recovery")
				w.startWriter()
			}
		})
	case 7, 8:
		w.cutOneWay(n)
	case 9:
		n.slow = w.between(1, 30)
	case 10:
		w.maybeWipe(w.frail[w.rng.IntN(3)])
	case 11, 12:
		w.rot(w.frail[w.rng.IntN(2)])
	case 13:
		w.pin(n)
	case 14: // every process at once
		if w.chance(0.3) {
			for _, n := range w.nodes {
				if n.up {
					n.crash()
					w.after(w.between(ms, 10*ms), n.restart)
				}
			}
			w.current.die("dies with all nodes")
			w.startWriter()
		}
	}
}

func (w *world) loseAZ() {
	az := w.nodes[2*w.rng.IntN(3)].az
	back := w.between(5*ms, 60*ms)
	for _, n := range w.nodes {
		if n.az == az && n.up {
			n.crash()
			w.after(back, n.restart)
		}
	}
}

// cutOneWay loses everything from one end to another, or everything a node sends, for a while.
func (w *world) cutOneWay(n *node) {
	ends := []string{w.current.name}
	for _, x := range w.nodes {
		ends = append(ends, string(x.id))
	}
	to := ends[w.rng.IntN(len(ends))]
	pairs := [][2]string{{string(n.id), to}}
	if w.chance(0.5) {
		pairs[0] = [2]string{to, string(n.id)}
	}
	if w.chance(0.2) {
		pairs = pairs[:0]
		for _, e := range ends {
			pairs = append(pairs, [2]string{string(n.id), e})
		}
	}
	for _, p := range pairs {
		w.cut[p] = true
		w.after(w.between(5*ms, 60*ms), func() { delete(w.cut, p) })
	}
	w.trace("cut %v", pairs)
}

// maybeWipe loses a whole disk, if the PGs can stand it: every other segment is whole and counts.
func (w *world) maybeWipe(n *node) {
	for pg := range w.desc.PGs {
		for _, x := range w.nodes {
			d := x.disk[pg]
			if d == nil || d.state.Phase != segment.Active || len(d.rotten) > 0 ||
				d.state.Self.Incarnation != w.desc.PGs[pg].Members[w.index(x)].Incarnation {
				return
			}
		}
	}
	if n.up {
		n.crash()
	}
	n.wipe()
	w.after(w.between(ms, 20*ms), n.restart)
}

// wipeWhenDropped wipes a full member once every other member has dropped log: then it cannot be filled by log alone.
func (w *world) wipeWhenDropped() {
	w.after(w.between(ms, 4*ms), func() {
		if !w.faulty {
			return
		}
		for _, n := range w.frail {
			wipes := w.stats.Wipes
			if w.index(n)%2 == 0 && w.allDropped(n) {
				w.maybeWipe(n)
			}
			if w.stats.Wipes > wipes {
				return
			}
		}
		w.wipeWhenDropped()
	})
}

// allDropped reports whether every member but one has dropped log of some PG.
func (w *world) allDropped(but *node) bool {
	for pg := range w.desc.PGs {
		all := true
		for _, n := range w.nodes {
			all = all && (n == but || n.disk[pg] != nil && n.disk[pg].state.Floor > 0)
		}
		if all {
			return true
		}
	}
	return false
}

func (w *world) index(n *node) int {
	for i, x := range w.nodes {
		if x == n {
			return i
		}
	}
	return -1
}

// rot flips bits in a durable record of which another member has a good copy.
func (w *world) rot(n *node) {
	pg := proto.PG(w.rng.IntN(len(w.desc.PGs)))
	d := n.disk[pg]
	if d == nil || len(d.recs) == 0 {
		return
	}
	l := d.recs[w.rng.IntN(len(d.recs))].LSN
	good := 0
	for _, x := range w.nodes {
		if y := x.disk[pg]; x != n && y != nil && !y.rotten[l] {
			for i := range y.recs {
				if y.recs[i].LSN == l {
					good++
				}
			}
		}
	}
	if good >= 4 {
		d.rotten[l] = true
		w.stats.Rot++
		w.trace("LSN %d rots on %s", l, n.id)
	}
}

// pin puts a retain point on a full segment, or checks that those it has can be read.
func (w *world) pin(n *node) {
	pg := proto.PG(w.rng.IntN(len(w.desc.PGs)))
	s := n.segs[pg]
	if s == nil || s.core.Kind() != proto.Full || s.core.Status() != proto.OK || !w.current.open {
		return
	}
	at := s.core.ImageLimit()
	if len(s.core.State(0).Retain) > 0 || at < s.core.Horizon() || at == 0 || w.o.Segment&segment.MutImageAboveVDL != 0 {
		return
	}
	w.trace("%s PG %d retains %d", n.id, pg, at)
	_, need := s.core.SetRetain([]page.LSN{at})
	n.settle(pg, need, n.alive(func() {
		w.after(w.between(10*ms, 60*ms), n.alive(func() {
			if n.segs[pg] == s && s.core.Status() == proto.OK && s.core.History().Version == w.current.hist.Version {
				w.checkRetained(n, pg, at)
				_, need := s.core.SetRetain(nil)
				n.settle(pg, need, nil)
			}
		}))
	}))
}

// heal ends all faults.
func (w *world) heal() {
	w.faulty, w.healed = false, w.now
	clear(w.cut)
	for _, n := range w.nodes {
		n.slow = 1
		w.after(ms, n.restart)
	}
	w.current.die("is replaced when the world heals")
	w.startWriter()
	w.trace("the world heals")
}
