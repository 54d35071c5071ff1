package volume

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/zoryadb/zorya/storage/proto"
	"github.com/zoryadb/zorya/storage/volume/quorum"
)

// The repair coordinator runs in the writer for now: a member that lost its segment (a wiped disk, a failed
// fsync) is given a new life under the next incarnation.
//
//	lacking     the node answered NoSegment, Retired or another incarnation
//	hydrating   CreateSegment(Hydrate) has made the new incarnation; it fills itself from its peers and takes
//	            new log from us, but has no vote
//	whole       it reports so; the metadata lists the incarnation under the next membership epoch
//	admitted    a write quorum has installed that membership: from now on its acks count
//
// A segment that is only damaged repairs itself under its old incarnation and needs nothing from here.

// heard takes note of segments' statuses in an ack.
func (c *Client) heard(l *link, segs []proto.SegmentStatus) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range segs {
		s := &segs[i]
		m := c.member(l, s.PG)
		if m == nil {
			continue
		}
		l.mu.Lock()
		former := s.Incarnation < l.seg(s.PG).inc
		l.mu.Unlock()
		if former {
			continue
		}
		m.status = s.Status
		if s.Status == proto.StatusNoSegment || s.Status == proto.StatusRetired {
			c.needs(s.PG, m, s.Incarnation+1)
		}
	}
}

// member returns a link's entry in a PG, or nil. mu is held.
func (c *Client) member(l *link, pg proto.PG) *memberState {
	if int(pg) >= len(c.pgs) {
		return nil
	}
	for i := range c.pgs[pg].members {
		if m := &c.pgs[pg].members[i]; m.link == l {
			return m
		}
	}
	return nil
}

// needs asks for a repair under an incarnation of at least inc. mu is held.
func (c *Client) needs(pg proto.PG, m *memberState, inc uint64) {
	m.need = max(m.need, inc, 1)
	if m.repair != 0 {
		m.need = max(m.need, m.repair+1)
		m.repair = 0
	}
	select {
	case c.repair <- struct{}{}:
	default:
	}
}

// lacking notes members that never created their segment.
func (c *Client) lacking(pg proto.PG, missing quorum.Set) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.pgs[pg]
	for i := range p.members {
		if missing.Has(i) {
			p.members[i].status = proto.StatusNoSegment
			c.needs(pg, &p.members[i], p.m.Members[i].Incarnation+1)
		}
	}
}

// sampled takes a joined node's samples: SCLs count, and what is missing or foreign needs repair. Only
// the first pgs PGs are judged: the node may have been asked before the later ones were created. revived is how many segments had begun
// a new life when it was asked.
func (c *Client) sampled(l *link, p *proto.FenceReply, pgs uint32, revived uint64) {
	by := map[proto.PG]*proto.Sample{}
	for i := range p.Segments {
		by[p.Segments[i].PG] = &p.Segments[i]
	}
	type vote struct {
		pg   proto.PG
		slot int
		s    *proto.Sample
	}
	var votes []vote
	var stale []proto.PG
	c.mu.Lock()
	for pg := proto.PG(0); uint32(pg) < pgs && int(pg) < len(c.pgs); pg++ {
		m := c.member(l, pg)
		if m == nil {
			continue
		}
		l.mu.Lock()
		at := *l.seg(pg)
		l.mu.Unlock()
		s := by[pg]
		switch {
		case s == nil && m.repair != 0 && c.stat.revived.Load() != revived:
			continue // maybe created since it was asked; if not, it refuses the first frame
		case s == nil:
			m.status = proto.StatusNoSegment
			if m.need == 0 { // else it is being created, under at.inc
				c.needs(pg, m, at.inc+1)
			}
		case s.Incarnation != at.inc:
			m.status = proto.StatusNoSegment // none that we could write to
			c.needs(pg, m, max(at.inc, s.Incarnation)+1)
		case s.Status == proto.StatusRetired:
			m.status = s.Status
			c.needs(pg, m, at.inc+1)
		default:
			m.status = s.Status
			if s.MembershipEpoch < at.members && at.counts {
				stale = append(stale, pg)
			}
			if s.Status == proto.OK && at.counts {
				votes = append(votes, vote{pg, at.slot, s})
			}
		}
		l.mu.Lock()
		l.seg(pg).status = m.status
		l.mu.Unlock()
	}
	c.mu.Unlock()
	c.tmu.Lock()
	c.feed()
	advanced := false
	for _, v := range votes {
		adv, err := c.tracker.Ack(v.pg, v.slot, v.s.SCL)
		if err != nil {
			c.log.Error("impossible sample", "node", l.id, "err", err)
		}
		advanced = advanced || adv
	}
	c.tmu.Unlock()
	if advanced {
		select {
		case c.durable <- struct{}{}:
		default:
		}
	}
	for _, pg := range stale {
		c.installMembership(pg, l.id)
	}
}

// repairs is the coordinator's goroutine.
func (c *Client) repairs() {
	t := time.NewTicker(200 * time.Millisecond)
	defer t.Stop()
	for {
		if c.repairRound() {
			select {
			case <-t.C:
			case <-c.done:
				return
			}
			continue
		}
		select {
		case <-c.repair:
		case <-c.done:
			return
		}
	}
}

// patient is one member in repair.
type patient struct {
	pg   proto.PG
	slot int
	id   proto.NodeID
	need uint64 // to be created under this incarnation, or
	inc  uint64 // hydrating under this one
}

// repairRound takes every member in repair one step further; it reports whether there are any.
func (c *Client) repairRound() bool {
	c.mu.Lock()
	var all []patient
	for pg, p := range c.pgs {
		for i := range p.members {
			if m := &p.members[i]; m.need != 0 || m.repair != 0 {
				all = append(all, patient{proto.PG(pg), i, p.m.Members[i].Node, m.need, m.repair})
			}
		}
	}
	c.mu.Unlock()
	infos := map[proto.NodeID]*proto.NodeInfo{}
	for _, p := range all {
		if c.Err() != nil {
			return false
		}
		if p.need != 0 {
			c.revive(p)
		} else {
			c.admitWhole(p, infos)
		}
	}
	return len(all) > 0
}

// revive creates a new incarnation of a lost segment.
func (c *Client) revive(p patient) {
	c.mu.Lock()
	g := c.pgs[p.pg]
	m := g.m.Members[p.slot]
	m.Incarnation = max(p.need, m.Incarnation+1)
	spec := &proto.SegmentSpec{
		Volume: c.desc.Volume, Timeline: c.desc.Timeline, Epoch: c.epoch, History: c.history, PG: p.pg,
		PagesPerPG: c.desc.PagesPerPG, Membership: g.m, Member: m, Hydrate: true,
	}
	st := &g.members[p.slot]
	// From now on nothing is sent to the former life, and what is heard of it does not matter.
	link := seg{slot: p.slot, inc: m.Incarnation, members: g.m.Epoch, quiet: true, status: proto.StatusNoSegment}
	st.link.setSeg(p.pg, link)
	c.mu.Unlock()
	ctx, cancel := context.WithTimeout(c.ctx, c.o.CallTimeout)
	defer cancel()
	if err := c.createSegment(ctx, spec); err != nil {
		if errors.Is(err, ErrFenced) {
			c.die(err)
		}
		return // the node is down, or full: next round
	}
	c.log.Info("segment begins a new life", "pg", p.pg, "node", p.id, "incarnation", m.Incarnation)
	c.stat.revived.Add(1)
	c.mu.Lock()
	defer c.mu.Unlock()
	if st.need == p.need {
		st.need, st.repair, st.status = 0, m.Incarnation, proto.StatusHydrating
		link.status, link.members = proto.StatusHydrating, g.m.Epoch
		st.link.setSeg(p.pg, link)
	}
}

// admitWhole lets a hydrated segment vote.
func (c *Client) admitWhole(p patient, infos map[proto.NodeID]*proto.NodeInfo) {
	if !c.whole(p, infos) {
		return
	}
	c.mu.Lock()
	g := c.pgs[p.pg]
	m := g.m
	c.mu.Unlock()
	m.Epoch++
	m.Members = append([]proto.Member(nil), m.Members...)
	m.Members[p.slot].Incarnation = p.inc
	ctx, cancel := context.WithTimeout(c.ctx, c.o.CallTimeout)
	defer cancel()
	d, err := c.meta.SetMembership(ctx, c.desc.Volume, c.epoch, p.pg, m)
	if errors.Is(err, ErrFenced) {
		c.die(err)
		return
	}
	if errors.Is(err, proto.ErrConflict) { // an earlier attempt, whose answer was lost
		if d, err = c.meta.Load(ctx, c.desc.Volume); err == nil && (d.Epoch != c.epoch || d.PGs[p.pg].Members[p.slot].Incarnation != p.inc) {
			return
		}
	}
	if err != nil {
		c.log.Warn("cannot store a membership yet", "pg", p.pg, "err", err)
		return
	}
	m = d.PGs[p.pg]
	c.mu.Lock()
	g.m = m
	c.mu.Unlock()
	c.adoptMembership(p.pg, m, p)
}

// whole asks the node whether the segment holds everything up to its PG's point.
func (c *Client) whole(p patient, infos map[proto.NodeID]*proto.NodeInfo) bool {
	info, asked := infos[p.id]
	if !asked {
		ctx, cancel := context.WithTimeout(c.ctx, c.o.CallTimeout)
		defer cancel()
		if n, err := c.dialer.Dial(p.id); err == nil {
			info, _ = n.Info(ctx) // nil: not reachable now
		}
		infos[p.id] = info
	}
	if info == nil {
		return false
	}
	for i := range info.Segments {
		s := &info.Segments[i]
		if s.Volume == c.desc.Volume && s.PG == p.pg && s.Incarnation == p.inc {
			return s.Status == proto.OK || (s.Status == proto.StatusHydrating && s.Hydrated >= 1)
		}
	}
	return false
}

// adoptMembership sends under a new membership from now on, installs it on the members and, when a write quorum has it,
// lets the new incarnation's acks count.
func (c *Client) adoptMembership(pg proto.PG, m proto.Membership, p patient) {
	rule, err := quorum.RuleOf(&m, c.o.Mutants)
	if err != nil {
		c.log.Error("stored membership is not safe", "pg", pg, "err", err)
		return
	}
	c.mu.Lock()
	links := make([]*link, len(m.Members))
	for i := range links {
		links[i] = c.pgs[pg].members[i].link
	}
	c.mu.Unlock()
	for _, l := range links { // ahead of the nodes: they take a newer epoch than theirs, not an older
		l.mu.Lock()
		if s := l.seg(pg); s != nil {
			s.members = m.Epoch
		}
		l.mu.Unlock()
	}
	// A frame that was sent under the old epoch would be refused by a node that has the new one, and its link would begin again. A node
	// that hangs must not hold the change up for long.
	var all sync.WaitGroup
	for _, l := range links {
		all.Go(func() { l.settled(c.o.CallTimeout / 2) })
	}
	all.Wait()
	var mu sync.Mutex
	var have quorum.Set
	for i := range m.Members {
		all.Go(func() {
			if c.installMembership(pg, m.Members[i].Node) == nil {
				mu.Lock()
				have = have.Add(i)
				mu.Unlock()
			}
		})
	}
	all.Wait()
	c.mu.Lock()
	st := &c.pgs[pg].members[p.slot]
	current := st.repair == p.inc
	if current && rule.Write(have) {
		st.repair = 0
	}
	c.mu.Unlock()
	if !current || !rule.Write(have) {
		return // the next round tries again, under yet another epoch
	}
	c.tmu.Lock()
	c.tracker.SetRule(pg, rule, quorum.Set(0).Add(p.slot))
	c.tmu.Unlock()
	l := links[p.slot]
	l.mu.Lock()
	if s := l.seg(pg); s != nil && s.inc == p.inc {
		s.counts = true
	}
	l.mu.Unlock()
	c.stat.admitted.Add(1)
	c.log.Info("segment is whole again", "pg", pg, "node", p.id, "incarnation", p.inc)
}

// installMembership tells one member of its PG's membership.
func (c *Client) installMembership(pg proto.PG, id proto.NodeID) error {
	c.mu.Lock()
	m := c.pgs[pg].m
	c.mu.Unlock()
	spec := &proto.SegmentSpec{
		Volume: c.desc.Volume, Timeline: c.desc.Timeline, Epoch: c.epoch, History: c.history, PG: pg,
		PagesPerPG: c.desc.PagesPerPG, Membership: m,
	}
	for i := range m.Members {
		if m.Members[i].Node == id {
			spec.Member = m.Members[i]
		}
	}
	n, err := c.dialer.Dial(id)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.ctx, c.o.CallTimeout)
	defer cancel()
	st, err := n.InstallMembership(ctx, spec)
	if err == nil && st != proto.OK {
		err = fmt.Errorf("install membership %d of PG %d on %s: status %d", m.Epoch, pg, id, st)
	}
	return err
}
