package sim

import (
	"fmt"

	"github.com/zoryadb/zorya/storage/page"
	"github.com/zoryadb/zorya/storage/proto"
	"github.com/zoryadb/zorya/storage/segment"
	"github.com/zoryadb/zorya/storage/volume/quorum"
	"github.com/zoryadb/zorya/storage/volume/recovery"
)

// writer is an instance's volume client: recovery, then the tracker, with frames, reads and repair around them.
type writer struct {
	w       *world
	name    string
	desc    proto.Descriptor
	dead    bool
	rec     *recovery.Recovery
	open    bool
	hist    proto.History
	tracker *quorum.Tracker
	rules   []quorum.Rule
	next    page.LSN // the next LSN to give out
	last    page.LSN
	pgLast  []page.LSN
	pgLSNs  [][]page.LSN // all live records of a PG, ascending
	pages   [][]version  // by page: what the pages hold, as the engine would know
	log     []rec        // appended by this writer
	conns   []*conn
	acked   int // of mtrs
	mtrs    []mtr
	views   []page.LSN // read points in use; the lowest is MRPL
	floor   page.LSN
	joining map[string]segment.Time // repairs under way
}

type version struct {
	lsn page.LSN
	sum uint64
}

type mtr struct{ first, cpl page.LSN }

// conn is the cursor of one storage node: at most two frames unacknowledged.
type conn struct {
	n        *node
	cursor   int // of writer.log
	inflight int
	gen      int // of the connection; acks of an older one are void for flow control
}

// startWriter lets a new instance open the volume under the next epoch.
func (w *world) startWriter() {
	w.desc.Epoch++
	wr := &writer{w: w, name: fmt.Sprintf("writer%d", w.desc.Epoch), joining: map[string]segment.Time{}}
	w.desc.Writer = wr.name
	wr.desc = w.desc
	wr.desc.PGs = append([]proto.Membership(nil), w.desc.PGs...)
	w.writers = append(w.writers, wr)
	w.current = wr
	r, err := recovery.New(recovery.Config{Descriptor: &wr.desc, History: recovery.Initial(1), Writer: wr.name,
		LAL: simLAL, Mutants: w.o.Quorum})
	if err != nil {
		w.fail("recovery: %v", err)
		return
	}
	wr.rec = r
	w.trace("%s recovers", wr.name)
	wr.effects(r.Start())
	w.after(20*ms, wr.retry)
}

func (wr *writer) retry() {
	if wr.dead || wr.open {
		return
	}
	wr.step(recovery.Retry{})
	wr.w.after(20*ms, wr.retry)
}

func (wr *writer) step(ev recovery.Event) {
	if wr.dead || wr.open {
		return
	}
	wr.effects(wr.rec.Step(ev))
	switch wr.rec.State() {
	case recovery.Open:
		wr.opened()
	case recovery.Failed:
		wr.w.trace("%s fails: %v", wr.name, wr.rec.Err())
		wr.dead = true
		if wr.w.current == wr && !wr.fenced() {
			wr.w.fail("recovery failed: %v", wr.rec.Err())
		}
	}
}

func (wr *writer) fenced() bool { return wr.w.desc.Epoch > wr.desc.Epoch }

func (wr *writer) effects(effects []recovery.Effect) {
	for _, e := range effects {
		switch e := e.(type) {
		case recovery.SendFence:
			wr.sendFence(e)
		case recovery.SendMembership:
			wr.installMembership(wr.w.node(e.Node), e.Spec, func(st proto.Status) {
				wr.step(recovery.Admitted{Node: e.Node, Status: st})
			})
		case recovery.Copy:
			wr.copyLog(e)
		}
	}
}

// call sends a request to a node and its answer back. serve runs on the node, if it is up.
func (wr *writer) call(n *node, serve func(reply func(func()))) {
	w := wr.w
	w.send(wr.name, string(n.id), func() {
		if n.up {
			serve(n.reply(wr))
		}
	})
}

// reply sends an answer, if the node is still in the life in which it was asked.
func (n *node) reply(wr *writer) func(func()) {
	return func(fn func()) {
		n.w.send(string(n.id), wr.name, func() {
			if !wr.dead {
				fn()
			}
		})
	}
}

func (wr *writer) sendFence(e recovery.SendFence) {
	n := wr.w.node(e.Node)
	wr.call(n, func(reply func(func())) {
		n.fence(e.Request, func(p *proto.FenceReply) {
			reply(func() {
				if !wr.open {
					wr.step(recovery.Fenced{Node: e.Node, Request: e.Request, Reply: p})
				}
			})
		})
	})
}

func (wr *writer) installMembership(n *node, spec *proto.SegmentSpec, done func(proto.Status)) {
	wr.call(n, func(reply func(func())) {
		s := n.segs[spec.PG]
		if s == nil {
			return
		}
		st, need := s.core.InstallMembership(spec.Epoch, &spec.Membership)
		n.settle(spec.PG, need, func() { reply(func() { done(st) }) })
	})
}

func (wr *writer) copyLog(e recovery.Copy) {
	src, dst := wr.w.node(e.Source), wr.w.node(e.Target)
	m := &wr.desc.PGs[e.PG]
	q := &proto.LogRequest{Timeline: 1, Epoch: wr.desc.Epoch, History: e.History, PG: e.PG,
		MembershipEpoch: m.Epoch, From: e.From, To: e.To, MaxBytes: 100}
	wr.call(src, func(reply func(func())) {
		a := src.fetchLog(q)
		reply(func() {
			f := &proto.AppendFrame{Timeline: 1, Epoch: wr.desc.Epoch, History: e.History, VDL: wr.rec.SafeVDL()}
			r := &proto.Run{PG: e.PG, Incarnation: m.Members[e.Member].Incarnation, MembershipEpoch: m.Epoch}
			wr.call(dst, func(reply func(func())) {
				dst.append(f, r, a.recs, func(s proto.SegmentStatus) {
					reply(func() {
						ev := recovery.Copied{PG: e.PG, Member: e.Member, History: e.History}
						if s.Status == proto.OK {
							ev.SCL = s.SCL
						}
						wr.step(ev)
					})
				})
			})
		})
	})
}

// opened begins to write at the point that recovery chose.
func (wr *writer) opened() {
	w, res := wr.w, wr.rec.Result()
	wr.open, wr.hist = true, res.History
	w.stats.Opens++
	w.trace("%s opens at VDL %d, new LSNs above %d", wr.name, res.VDL, res.Base)
	w.checkOpen(wr, res)
	wr.last, wr.next = res.VDL, res.Base+1
	wr.floor = max(res.MRPL, 0)
	wr.tracker = quorum.NewTracker(res.VDL, w.o.Quorum)
	wr.pages = make([][]version, pagesPerPG*len(wr.desc.PGs))
	wr.pgLSNs = make([][]page.LSN, len(wr.desc.PGs))
	for _, r := range w.oracle.live(&res.History, res.VDL) {
		wr.note(r)
	}
	for pg := range wr.desc.PGs {
		rule, err := quorum.RuleOf(&wr.desc.PGs[pg], w.o.Quorum)
		if err != nil {
			w.fail("rule: %v", err)
			return
		}
		wr.rules = append(wr.rules, rule)
		wr.tracker.AddPG(rule, res.PGs[pg].Last)
		wr.pgLast = append(wr.pgLast, res.PGs[pg].Last)
		for i, m := range res.PGs[pg].Members {
			if m.Counts {
				if _, err := wr.tracker.Ack(proto.PG(pg), i, m.SCL); err != nil {
					w.fail("opening: %v", err)
				}
			}
		}
	}
	for _, n := range w.nodes {
		wr.conns = append(wr.conns, &conn{n: n})
	}
	w.after(w.between(0, ms), wr.work)
}

func (wr *writer) note(r rec) {
	wr.pgLSNs[r.pg] = append(wr.pgLSNs[r.pg], r.LSN)
	p := &wr.pages[r.page]
	h := uint64(0)
	if n := len(*p); n > 0 {
		h = (*p)[n-1].sum
	}
	*p = append(*p, version{r.LSN, sum(h, r.id)})
}

// work is the load: transactions, reads, read views that come and go, repairs.
func (wr *writer) work() {
	w := wr.w
	if wr.dead {
		return
	}
	w.after(w.between(100*us, 1500*us), wr.work)
	if w.faulty || len(wr.mtrs) < 8 { // a healed volume is left alone: what is idle must not hold VDL back
		wr.appendMTR()
	}
	vdl := wr.tracker.VDL()
	switch {
	case w.chance(0.2) && vdl >= wr.floor:
		wr.views = append(wr.views, vdl)
	case w.chance(0.15) && len(wr.views) > 0:
		i := w.rng.IntN(len(wr.views))
		wr.views = append(wr.views[:i:i], wr.views[i+1:]...)
	}
	if w.tidy && len(wr.views) > 1 {
		wr.views = wr.views[1:]
	}
	wr.floor = max(wr.floor, wr.lowestView())
	wr.readOne()
	for _, c := range wr.conns {
		wr.pump(c)
	}
}

func (wr *writer) lowestView() page.LSN {
	low := wr.tracker.VDL()
	for _, v := range wr.views {
		low = min(low, v)
	}
	return low
}

func (wr *writer) appendMTR() {
	w := wr.w
	n := 1 + w.rng.IntN(4)
	if wr.next+page.LSN(n) > wr.tracker.VDL()+simLAL && wr.next+page.LSN(n) > wr.rec.Result().Base+simLAL {
		return // LAL
	}
	pages := w.rng.Perm(len(wr.pages))[:n]
	m := mtr{first: wr.next}
	for i, no := range pages {
		r := rec{pg: pgOf(page.No(no)), page: page.No(no), id: w.oracle.nextID()}
		r.Link = segment.Link{LSN: wr.next, PrevVolume: wr.last, PrevPG: wr.pgLast[pgOf(page.No(no))],
			Epoch: wr.desc.Epoch, CPL: i == n-1}
		if v := wr.pages[no]; len(v) > 0 {
			r.prevPage = v[len(v)-1].lsn
		}
		wr.note(r)
		wr.last, wr.pgLast[r.pg] = r.LSN, r.LSN
		wr.next++
		wr.tracker.Append(r.pg, r.LSN, r.CPL, uint64(r.LSN))
		wr.log = append(wr.log, r)
		w.oracle.issue(w, r, m.first, m.first+page.LSN(n)-1)
	}
	m.cpl = wr.last
	wr.mtrs = append(wr.mtrs, m)
	w.stats.MTRs++
}

// pump sends a node what it has not been sent, all its PGs in one frame.
func (wr *writer) pump(c *conn) {
	w := wr.w
	if c.inflight >= 2 || wr.dead {
		return
	}
	recs := wr.log[c.cursor:]
	if len(recs) > 8 {
		recs = recs[:8]
	}
	if len(recs) == 0 && !w.chance(0.1) { // a heartbeat now and then
		return
	}
	c.cursor += len(recs)
	c.inflight++
	gen := c.gen
	f := &proto.AppendFrame{Timeline: 1, Epoch: wr.desc.Epoch, History: wr.hist.Version, VDL: wr.tracker.VDL(), MRPL: wr.floor}
	left := len(wr.desc.PGs)
	for pg := range wr.desc.PGs {
		pg := proto.PG(pg)
		m := &wr.desc.PGs[pg]
		r := &proto.Run{PG: pg, MembershipEpoch: m.Epoch, Incarnation: m.Members[wr.member(c.n)].Incarnation}
		var mine []rec
		for _, x := range recs {
			if x.pg == pg {
				mine = append(mine, x)
			}
		}
		wr.call(c.n, func(reply func(func())) {
			c.n.append(f, r, mine, func(s proto.SegmentStatus) {
				reply(func() {
					wr.ack(c, s)
					if left--; left == 0 && c.gen == gen {
						c.inflight--
						wr.pump(c)
					}
				})
			})
		})
	}
	w.after(40*ms, func() { // lost: a new connection; what was lost is resent, or left to gossip
		if left > 0 && c.gen == gen && !wr.dead {
			c.gen++
			c.inflight = 0
			if w.chance(0.5) {
				c.cursor = max(0, c.cursor-16)
			}
		}
	})
}

func (wr *writer) member(n *node) int {
	for i, x := range wr.w.nodes {
		if x == n {
			return i
		}
	}
	return -1
}

func (wr *writer) ack(c *conn, s proto.SegmentStatus) {
	w, i := wr.w, wr.member(c.n)
	m := &wr.desc.PGs[s.PG]
	trusting := w.o.Quorum.Has(quorum.WipedMemberVotes)
	switch {
	case s.Status == proto.OK && s.Incarnation == m.Members[i].Incarnation, trusting && s.SCL > 0:
		advanced, err := wr.tracker.Ack(s.PG, i, s.SCL)
		if err != nil && !trusting {
			w.fail("%s: %v", wr.name, err)
		}
		if advanced {
			w.checkAcked(wr)
		}
	case s.Status == proto.StatusStaleEpoch:
		wr.die("is fenced")
	case s.Status == proto.StatusUnknownHistory:
		q := &proto.FenceRequest{Timeline: 1, Epoch: wr.desc.Epoch, Writer: wr.name, History: wr.hist}
		wr.call(c.n, func(func(func())) { c.n.fence(q, func(*proto.FenceReply) {}) })
	case s.Status == proto.StatusStaleMembers && s.Incarnation > m.Members[i].Incarnation:
		wr.repair(c.n, s.PG, i) // a life not yet admitted
	case s.Status == proto.StatusStaleMembers:
		wr.installMembership(c.n, wr.spec(s.PG, i), func(proto.Status) {})
	case s.Status == proto.StatusNoSegment, s.Status == proto.StatusHydrating:
		wr.repair(c.n, s.PG, i)
	}
}

func (wr *writer) die(why string) {
	if !wr.dead {
		wr.w.trace("%s %s", wr.name, why)
	}
	wr.dead = true
}

func (wr *writer) spec(pg proto.PG, i int) *proto.SegmentSpec {
	return &proto.SegmentSpec{Timeline: 1, Epoch: wr.desc.Epoch, History: wr.hist, PG: pg,
		Membership: wr.desc.PGs[pg], Member: wr.desc.PGs[pg].Members[i]}
}

// repair gives a wiped member a new life, and admits it by a new membership once it is whole.
func (wr *writer) repair(n *node, pg proto.PG, i int) {
	key := fmt.Sprintf("%s/%d", n.id, pg)
	if until, ok := wr.joining[key]; ok && wr.w.now < until {
		return
	}
	wr.joining[key] = wr.w.now + 10*ms
	wr.call(n, func(reply func(func())) {
		s := n.segs[pg]
		m := wr.desc.PGs[pg]
		switch {
		case s == nil:
			n.create(pg, m, true)
			s = n.segs[pg]
			_, need := s.core.Fence(&proto.FenceRequest{Timeline: 1, Epoch: wr.desc.Epoch, History: wr.hist})
			n.settle(pg, need, nil)
			n.w.trace("%s begins to hydrate PG %d as incarnation %d", n.id, pg, s.core.Incarnation())
		case s.core.Incarnation() > m.Members[i].Incarnation && s.core.Repaired():
			inc := s.core.Incarnation()
			reply(func() { wr.admit(pg, i, inc) })
		}
	})
}

// admit changes the membership in the metadata store, then on the members; acks of the new life count once a
// write quorum has it.
func (wr *writer) admit(pg proto.PG, i int, incarnation uint64) {
	w := wr.w
	if wr.fenced() || w.desc.PGs[pg].Epoch != wr.desc.PGs[pg].Epoch || incarnation <= wr.desc.PGs[pg].Members[i].Incarnation {
		return
	}
	m := wr.desc.PGs[pg]
	m.Members = append([]proto.Member(nil), m.Members...)
	m.Epoch++
	m.Members[i].Incarnation = incarnation
	w.desc.PGs[pg], wr.desc.PGs[pg] = m, m
	var reset quorum.Set
	wr.tracker.SetRule(pg, wr.rules[pg], reset.Add(i))
	w.trace("PG %d admits incarnation %d of %s", pg, incarnation, m.Members[i].Node)
	for j, n := range w.nodes {
		wr.installMembership(n, wr.spec(pg, j), func(proto.Status) {})
	}
}

// readOne reads a page at a read point in use from a full member that should suffice.
func (wr *writer) readOne() {
	w := wr.w
	at := wr.tracker.VDL()
	if len(wr.views) > 0 && w.chance(0.5) {
		at = wr.views[w.rng.IntN(len(wr.views))]
	}
	if at == 0 || at < wr.floor {
		return
	}
	no := page.No(w.rng.IntN(len(wr.pages)))
	pg, member := pgOf(no), 2*w.rng.IntN(3)
	m := &wr.desc.PGs[pg]
	q := &proto.PageRead{Timeline: 1, Epoch: wr.desc.Epoch, History: wr.hist.Version, PG: pg,
		Incarnation: m.Members[member].Incarnation, MembershipEpoch: m.Epoch, ReadLSN: at, Pages: []page.No{no}}
	for _, l := range wr.pgLSNs[pg] {
		if l <= at {
			q.PGLSN = l
		}
	}
	n := w.nodes[member]
	floor := wr.floor
	wr.call(n, func(reply func(func())) {
		im, st := n.getPage(q)
		stillLegal := floor <= at && wr.floor <= at
		if st == proto.StatusGone && stillLegal && w.current == wr && !wr.dead {
			w.fail("%s refuses a read of PG %d at %d, which is not below MRPL %d", n.id, pg, at, wr.floor)
		}
		if st == proto.OK {
			w.stats.Reads++
			w.checkPage(wr, n, im, at)
		}
	})
}
