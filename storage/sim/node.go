package sim

import (
	"slices"

	"github.com/zoryadb/zorya/storage/page"
	"github.com/zoryadb/zorya/storage/proto"
	"github.com/zoryadb/zorya/storage/segment"
)

// node is a storage node: segment.Core for each PG, a disk, and a driver as storage/node's, but on events.
type node struct {
	w    *world
	id   proto.NodeID
	az   string
	up   bool
	life int // grows with each crash: what was scheduled before is void
	slow segment.Time
	segs []*seg  // by PG; nil: none. Volatile
	disk []*disk // by PG; nil: none
	// The update queue: writes wait for one sync at a time.
	waiting []queued
	syncing bool
}

// seg is the volatile half of a segment.
type seg struct {
	core    *segment.Core
	writing bool
	promise []promise // replies that wait for a state version
}

type promise struct {
	version uint64
	fn      func()
}

// disk is the durable half. Everything in it survives a crash.
type disk struct {
	state  segment.State
	vdl    page.LSN // carried by frames
	mrpl   page.LSN
	recs   []rec // ascending by LSN
	rotten map[page.LSN]bool
	images []image // ascending by (page, lsn)
}

// image is a whole page. sum stands for its contents.
type image struct {
	page page.No
	lsn  page.LSN
	sum  uint64
}

type queued struct {
	pg     proto.PG
	recs   []rec
	ticket uint64
	vdl    page.LSN
	mrpl   page.LSN
	done   func()
}

func newNode(w *world, i int) *node {
	n := &node{w: w, id: proto.NodeID(rune('a' + i)), az: string(rune('1' + i/2)), up: true, slow: 1}
	n.segs, n.disk = make([]*seg, 3), make([]*disk, 3)
	w.after(w.between(0, 5*ms), n.tick)
	return n
}

func (n *node) config() segment.Config {
	idle := 40 * ms * n.w.drawl
	if n.w.tidy { // tails drop what they have heard that full members hold
		idle = 4 * ms
	}
	return segment.Config{Node: n.id, MaxPending: 64, GossipIdle: idle, GossipHole: 3 * ms * n.w.drawl,
		AskSlow: 8 * ms, AskTimeout: 25 * ms, GossipBytes: 12, BaselinePages: 2, Mutants: n.w.o.Segment}
}

// create makes a segment, durably.
func (n *node) create(pg proto.PG, m proto.Membership, hydrate bool) {
	st := segment.State{Volume: n.w.volume, Timeline: 1, PG: pg, PagesPerPG: pagesPerPG, Membership: m,
		Phase: segment.Active, History: proto.History{Version: 1, Intervals: []proto.Interval{{Timeline: 1, To: proto.MaxLSN}}}}
	for _, mem := range m.Members {
		if mem.Node == n.id {
			st.Self = mem
		}
	}
	if hydrate {
		st.Phase = segment.Hydrating
		st.Self.Incarnation++
	}
	n.disk[pg] = &disk{state: st, rotten: map[page.LSN]bool{}}
	n.segs[pg] = &seg{core: segment.NewCore(n.config(), st)}
}

// crash loses everything that was not synced: of the queue's writes a prefix may have reached the disk.
func (n *node) crash() {
	n.up = false
	n.life++
	kept := 0
	if len(n.waiting) > 0 {
		kept = n.w.rng.IntN(len(n.waiting) + 1)
	}
	for _, q := range n.waiting[:kept] {
		n.persist(q)
	}
	n.waiting, n.syncing = nil, false
	clear(n.segs)
	n.w.stats.Crashes++
	n.w.trace("%s crashes, %d unsynced writes kept", n.id, kept)
}

func (n *node) wipe() {
	clear(n.disk)
	n.w.stats.Wipes++
	n.w.trace("%s is wiped", n.id)
}

// restart rebuilds the segments from the disk.
func (n *node) restart() {
	if n.up {
		return
	}
	n.up = true
	n.w.trace("%s restarts", n.id)
	for pg, d := range n.disk {
		if d == nil {
			continue
		}
		c := segment.NewCore(n.config(), d.state)
		damaged := false
		d.recs = slices.DeleteFunc(d.recs, func(r rec) bool { // what it reads again; the checksum tells
			bad := d.rotten[r.LSN] && r.LSN > d.state.Base
			damaged = damaged || bad
			if bad {
				delete(d.rotten, r.LSN)
			}
			return bad
		})
		for _, r := range d.recs {
			if r.LSN > d.state.Base {
				c.Restore(r.Link)
			}
		}
		c.Hear(d.vdl, d.mrpl)
		n.segs[pg] = &seg{core: c}
		n.settle(proto.PG(pg), c.Restored(damaged), nil)
	}
}

// alive wraps a continuation so that it runs only in the life in which it was made.
func (n *node) alive(fn func()) func() {
	life := n.life
	return func() {
		if n.up && n.life == life {
			fn()
		}
	}
}

// enqueue makes records durable and then calls q.done.
func (n *node) enqueue(q queued) {
	n.waiting = append(n.waiting, q)
	n.sync()
}

func (n *node) sync() {
	if n.syncing || len(n.waiting) == 0 {
		return
	}
	n.syncing = true
	batch := len(n.waiting)
	n.w.after(n.slow*n.w.between(100*us, 600*us), n.alive(func() {
		n.syncing = false
		done := n.waiting[:batch:batch]
		n.waiting = slices.Clone(n.waiting[batch:])
		for _, q := range done {
			n.persist(q)
			if s := n.segs[q.pg]; s != nil {
				s.core.Synced(q.ticket)
			}
			n.w.checkSCL(n, q.pg)
			if q.done != nil {
				q.done()
			}
		}
		n.sync()
	}))
}

func (n *node) persist(q queued) {
	d := n.disk[q.pg]
	if d == nil {
		return
	}
	for _, r := range q.recs {
		d.insert(r)
	}
	d.vdl, d.mrpl = max(d.vdl, q.vdl), max(d.mrpl, q.mrpl)
}

func (d *disk) insert(r rec) {
	i, found := slices.BinarySearchFunc(d.recs, r.LSN, func(x rec, l page.LSN) int { return int(int64(x.LSN) - int64(l)) })
	if !found {
		d.recs = slices.Insert(d.recs, i, r)
	}
}

// settle makes the segment's state durable up to version need, then calls fn (which may be nil).
func (n *node) settle(pg proto.PG, need uint64, fn func()) {
	s := n.segs[pg]
	if need <= s.core.Durable() {
		if fn != nil {
			fn()
		}
		return
	}
	if fn != nil {
		s.promise = append(s.promise, promise{need, fn})
	}
	n.writeState(pg)
}

func (n *node) writeState(pg proto.PG) {
	s := n.segs[pg]
	if s == nil || s.writing || s.core.Durable() >= s.core.Version() {
		return
	}
	s.writing = true
	version, state := s.core.Version(), s.core.State(s.core.SCL())
	n.w.after(n.slow*n.w.between(100*us, 600*us), n.alive(func() {
		if n.segs[pg] != s {
			return
		}
		s.writing = false
		n.disk[pg].state = state
		s.core.StateDurable(version)
		var now []promise
		s.promise = slices.DeleteFunc(s.promise, func(p promise) bool {
			ready := p.version <= version
			if ready {
				now = append(now, p)
			}
			return ready
		})
		for _, p := range now {
			p.fn()
		}
		n.writeState(pg)
	}))
}

// append is the node's side of proto.Node.Append for one run.
func (n *node) append(f *proto.AppendFrame, r *proto.Run, recs []rec, reply func(proto.SegmentStatus)) {
	s := n.segs[r.PG]
	if s == nil {
		reply(proto.SegmentStatus{PG: r.PG, Status: proto.StatusNoSegment})
		return
	}
	st := s.core.CheckAppend(f, r)
	if st != proto.OK && st != proto.StatusHydrating {
		reply(proto.SegmentStatus{PG: r.PG, Incarnation: s.core.Incarnation(), Status: st})
		return
	}
	n.enqueue(queued{r.PG, n.offer(s, recs), s.core.Submit(), f.VDL, f.MRPL, func() {
		reply(s.core.Ack(f.Epoch, f.History))
	}})
	if n.w.o.Segment&segment.MutAckBeforeSync != 0 {
		reply(s.core.Ack(f.Epoch, f.History))
	}
}

func (n *node) offer(s *seg, recs []rec) (news []rec) {
	for _, r := range recs {
		if s.core.Offer(r.Link) {
			news = append(news, r)
		}
	}
	return news
}

// fence is the node's side of proto.Node.Fence.
func (n *node) fence(q *proto.FenceRequest, reply func(*proto.FenceReply)) {
	p := &proto.FenceReply{Epoch: q.Epoch}
	left := 1
	finish := func() {
		if left--; left > 0 {
			return
		}
		if p.Status == proto.OK {
			for _, s := range n.segs {
				if s != nil {
					n.w.checkHistory(n, s.core.History())
					p.Segments = append(p.Segments, s.core.Sample())
				}
			}
		}
		reply(p)
	}
	for pg, s := range n.segs {
		if s == nil {
			continue
		}
		st, need := s.core.Fence(q)
		p.Epoch = max(p.Epoch, s.core.Epoch())
		if st != proto.OK && p.Status != proto.StatusStaleEpoch {
			p.Status = st
		}
		if st == proto.StatusStaleHistory && s.core.History().Version > p.History.Version {
			p.History = *s.core.History()
		}
		left++
		n.settle(proto.PG(pg), need, finish)
	}
	finish()
}

// tick is a node's background: gossip, images, garbage collection, scrubbing.
func (n *node) tick() {
	n.w.after(n.w.between(2*ms, 4*ms), n.tick)
	if !n.up {
		return
	}
	for pg, s := range n.segs {
		if s == nil {
			continue
		}
		for _, a := range s.core.Tick(n.w.now) {
			n.ask(proto.PG(pg), a)
		}
		if need := s.core.Unsaved(); need > 0 {
			n.settle(proto.PG(pg), need, nil)
		}
		switch {
		case n.w.chance(0.1):
			n.makeImage(proto.PG(pg))
		case n.w.chance(0.1):
			n.collect(proto.PG(pg))
		case n.w.chance(0.1):
			n.scrub(proto.PG(pg))
		case n.w.tidy && n.w.chance(0.5):
			n.collect(proto.PG(pg))
		}
	}
}

// logAnswer is a proto.LogReply with its records decoded.
type logAnswer struct {
	proto.LogReply
	recs []rec
}

func (n *node) fetchLog(q *proto.LogRequest) *logAnswer {
	a := &logAnswer{}
	s := n.segs[q.PG]
	if s == nil {
		a.Status = proto.StatusNoSegment
		return a
	}
	a.Status = s.core.CheckLog(q)
	s.core.FillReply(&a.LogReply)
	if a.Status != proto.OK && a.Status != proto.StatusHydrating {
		return a
	}
	d := n.disk[q.PG]
	for _, r := range d.recs {
		switch {
		case r.LSN <= q.From:
		case r.LSN > q.To || r.LSN > s.core.SCL() || len(a.recs) >= int(q.MaxBytes):
			return a
		case d.rotten[r.LSN]:
			return a // the checksum says so: never hand it on
		case s.core.History().Live(r.LSN) || n.w.o.Segment&segment.MutGossipNoEpoch != 0:
			a.recs = append(a.recs, r)
		}
	}
	return a
}

// ask carries a question of the core to a peer and its answer back.
func (n *node) ask(pg proto.PG, a segment.Ask) {
	peer := n.w.node(a.Peer)
	s := n.segs[pg]
	mine := func(fn func()) func() {
		return n.alive(func() {
			if n.segs[pg] == s {
				fn()
			}
		})
	}
	if a.Baseline != nil {
		n.w.send(string(n.id), string(peer.id), func() {
			if !peer.up {
				return
			}
			b := peer.baseline(a.Baseline)
			n.w.send(string(peer.id), string(n.id), mine(func() { n.takeBaseline(pg, a, b) }))
		})
		n.w.after(30*ms, mine(func() { s.core.BaselineReply(a.Peer, nil) }))
		return
	}
	n.w.send(string(n.id), string(peer.id), func() {
		if !peer.up {
			return
		}
		l := peer.fetchLog(a.Log)
		n.w.send(string(peer.id), string(n.id), mine(func() { n.takeLog(pg, a.Peer, l) }))
	})
}

func (n *node) takeLog(pg proto.PG, from proto.NodeID, l *logAnswer) {
	s := n.segs[pg]
	take, need := s.core.BeginReply(from, &l.LogReply)
	if take {
		news := n.offer(s, l.recs)
		n.enqueue(queued{pg, news, s.core.Submit(), s.core.VDL(), s.core.MRPL(), nil})
	}
	need = max(need, s.core.EndReply(from, n.w.now))
	if need > 0 {
		n.settle(pg, need, nil)
	}
}

// baselineAnswer is a proto.BaselineReply with its pages as images.
type baselineAnswer struct {
	proto.BaselineReply
	pages []image
}

func (n *node) baseline(q *proto.BaselineRequest) *baselineAnswer {
	b := &baselineAnswer{}
	s := n.segs[q.PG]
	if s == nil {
		b.Status = proto.StatusNoSegment
		return b
	}
	if b.Status = s.core.CheckBaseline(q); b.Status != proto.OK {
		return b
	}
	b.At, b.PGLSN = s.core.BaselinePoint(q.At, s.core.SCL()) // the driver organises at once
	first := page.No(q.PG) * pagesPerPG
	b.Next, b.Done = first+pagesPerPG, true
	for no := max(q.Next, first); no < first+pagesPerPG; no++ {
		if len(b.pages) == int(q.MaxPages) {
			b.Next, b.Done = no, false
			break
		}
		im, ok := n.read(q.PG, no, b.At)
		if !ok {
			b.Status = proto.StatusFailed
			return b
		}
		if im.lsn > 0 {
			b.pages = append(b.pages, im)
		}
	}
	return b
}

func (n *node) takeBaseline(pg proto.PG, a segment.Ask, b *baselineAnswer) {
	s := n.segs[pg]
	take, done := s.core.BaselineReply(a.Peer, &b.BaselineReply)
	if !take {
		return
	}
	if !done { // what a crash leaves of it harms nobody: these are versions of the pages
		for _, im := range b.pages {
			n.disk[pg].addImage(im)
		}
		return
	}
	n.w.stats.Baselines++
	n.w.after(n.slow*n.w.between(100*us, 2*ms), n.alive(func() {
		if n.segs[pg] != s {
			return
		}
		n.w.trace("%s PG %d takes %s's baseline at %d, PG at %d", n.id, pg, a.Peer, b.At, b.PGLSN)
		d := n.disk[pg]
		for _, im := range b.pages {
			d.addImage(im)
		}
		// What the baseline stands for may go only when the state that says so is durable.
		need := s.core.BaselineDurable()
		floor := s.core.Floor() // not that of then: what collect raises it to is imaged first
		n.settle(pg, need, n.alive(func() {
			if n.segs[pg] == s {
				d.recs = slices.DeleteFunc(d.recs, func(r rec) bool { return r.LSN <= floor })
			}
		}))
	}))
}

func (w *world) node(id proto.NodeID) *node {
	for _, n := range w.nodes {
		if n.id == id {
			return n
		}
	}
	panic("sim: no node " + id)
}
