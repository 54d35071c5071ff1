package volume

import (
	"cmp"
	"slices"
	"time"

	"github.com/zoryadb/zorya/storage/page"
	"github.com/zoryadb/zorya/storage/proto"
)

// Reserves are links whose nodes no commit waits for. A frame costs its node, and us, what ten transactions in it cost, and a commit is durable on a
// write quorum, four of six. So while acks queue (for processors or disks), some nodes hear of the log later than the others: with the next heartbeat, when
// reserveBytes have gathered, or at once when they are called: the others are late, a link broke, or somebody waits for room. What is acknowledged
// is on the disks of a write quorum, as ever; a reserve lacks at most a heartbeat's log of it.
//
// A node is a reserve for all of its segments. Those of one PG that are tails are full members of another, and there is always another, as the next PG is made
// ahead of need: so tails of the PGs that are written are preferred, and a full member may be spared while two others are as good for reads.
//
// Invariant: the members of a PG that are well and not reserves are a write quorum of it, and, if it was written lately, readers of its full members are among
// them (where nothing is written, reserves lack nothing). As soon as
// that may be wrong (disband) there are none, until they are chosen again.

const (
	// reserveBeats is how many heartbeats pass between two choices, restBeats for how many there are no reserves once calling them has become usual.
	reserveBeats = 8
	restBeats    = 10 * reserveBeats
	// patienceTimes is how many times the usual time to durability passes before the reserves are called, minPatience the least.
	patienceTimes = 2
	minPatience   = 2 * time.Millisecond
	// reserveBytes is what may gather for a reserve. One that is called has to send no more than that, in one frame.
	reserveBytes = 4 * lazyBytes
	// readers is how many full members of a PG are no reserves: one to read from, one for the hedge.
	readers = 2
)

// reserves is the client's choice. Only beats uses it.
type reserves struct {
	beat, rest int
	pgLast     []page.LSN // of each PG at the last choice
}

// callReserves makes the reserves send what has been released.
func (c *Client) callReserves() {
	if c.pace.call() {
		c.wakeLinks()
	}
}

// disband ends the present choice: somebody of the quorum that it relied on is not well.
func (c *Client) disband() {
	for _, l := range *c.links.Load() {
		l.reserve.Store(false)
	}
	c.wakeLinks()
}

// chooseReserves is called with every heartbeat.
func (c *Client) chooseReserves() {
	r := &c.reserves
	if r.beat++; r.beat < reserveBeats {
		return
	}
	r.beat = 0
	calls, releases := c.pace.toll()
	if calls > 1 && calls > releases/4 {
		r.rest = restBeats
	}
	if r.rest > 0 {
		r.rest -= reserveBeats
		c.disband()
		return
	}
	links := *c.links.Load()
	all := make([]linkHealth, len(links))
	queueing := 0
	for i, l := range links {
		all[i] = l.health()
		if all[i].queueing {
			queueing++
		}
	}
	if queueing*2 <= len(links) {
		c.disband()
		return
	}
	c.pickReserves(all)
	c.wakeLinks() // those that are none any more
}

// eager counts the members of a PG that are well and waited for.
type eager struct {
	all, full int
	written   bool // since the last choice
}

// pickReserves spares links as long as the others of each PG suffice: first those that have tails alone of the PGs that are written, the slowest first.
func (c *Client) pickReserves(all []linkHealth) {
	well := make(map[*link]bool, len(all))
	for i := range all {
		well[all[i].l] = all[i].well
	}
	last := c.ring.lastOfPGs()
	c.mu.Lock()
	defer c.mu.Unlock()
	pgs := make([]eager, len(c.pgs))
	for pg, p := range c.pgs {
		e := &pgs[pg]
		e.written = pg < len(last) && (pg >= len(c.reserves.pgLast) || last[pg] > c.reserves.pgLast[pg])
		for i := range p.members {
			if m := &p.members[i]; well[m.link] && m.status == proto.OK && m.need == 0 {
				e.all++
				if p.m.Members[i].Kind == proto.Full {
					e.full++
				}
			}
		}
	}
	c.reserves.pgLast = last
	for i := range all {
		c.eachSegment(all[i].l, pgs, func(e *eager, full bool, _ *proto.Quorum) bool {
			all[i].read = all[i].read || full && e.written
			return true
		})
	}
	slices.SortFunc(all, func(a, b linkHealth) int {
		if a.read != b.read {
			if b.read {
				return -1
			}
			return 1
		}
		return cmp.Compare(b.score(), a.score())
	})
	for i := range all {
		l := all[i].l
		l.reserve.Store(well[l] && c.spare(l, pgs))
	}
}

// eachSegment calls fn for each PG of which the link's node holds a member, until it returns false, and returns whether it never did. mu is held.
func (c *Client) eachSegment(l *link, pgs []eager, fn func(e *eager, full bool, q *proto.Quorum) bool) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for pg := range min(len(l.segs), len(pgs)) {
		m := &c.pgs[pg].m
		if slot := l.segs[pg].slot; slot >= 0 && !fn(&pgs[pg], m.Members[slot].Kind == proto.Full, &m.Quorum) {
			return false
		}
	}
	return true
}

// spare takes a link out of pgs and returns true if every PG has a write quorum of any kind, and readers, without it. mu is held.
func (c *Client) spare(l *link, pgs []eager) bool {
	suffice := c.eachSegment(l, pgs, func(e *eager, full bool, q *proto.Quorum) bool {
		return e.all > q.WriteAny && (!full || !e.written || e.full > readers)
	})
	return suffice && c.eachSegment(l, pgs, func(e *eager, full bool, _ *proto.Quorum) bool {
		e.all--
		if full {
			e.full--
		}
		return true
	})
}

// linkHealth is what the choice needs to know of a link.
type linkHealth struct {
	l        *link
	well     bool // joined, and every segment that it has counts
	queueing bool // acks take much longer than they can
	reserve  bool
	read     bool // has a full member of a PG that is written
	ack      time.Duration
}

// score is higher the sooner the link is spared. Who is a reserve stays one, by and large.
func (h *linkHealth) score() time.Duration {
	if h.reserve {
		return h.ack * 2
	}
	return h.ack
}

func (l *link) health() linkHealth {
	l.mu.Lock()
	defer l.mu.Unlock()
	h := linkHealth{
		l:        l,
		well:     l.joined && l.broken == nil,
		queueing: l.ackTime > queueing*l.ackBest,
		reserve:  l.reserve.Load(),
		ack:      l.ackTime,
	}
	for i := range l.segs {
		if s := &l.segs[i]; s.slot >= 0 && (!s.counts || s.status != proto.OK) {
			h.well = false
		}
	}
	return h
}

// call lets the reserves send all that is released; false when there is nothing that they were not called for already.
func (p *pacer) call() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.called.Load() >= p.released.Load() {
		return false
	}
	p.calls++
	p.called.Store(p.released.Load())
	return true
}

// toll returns how often reserves were called and log released since it was asked before.
func (p *pacer) toll() (calls, releases int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	calls, releases = p.calls, p.releases
	p.calls, p.releases = 0, 0
	return calls, releases
}

// patience is how long durability may take before the reserves are called.
func (p *pacer) patience() time.Duration { return max(patienceTimes*p.took, minPatience) }

// watch makes sure that late looks again after a release. One timer serves many. mu is held.
func (p *pacer) watch(d time.Duration) {
	if p.watching || p.late == nil {
		return
	}
	p.watching = true
	if p.watcher == nil {
		p.watcher = time.AfterFunc(d, p.late)
	} else {
		p.watcher.Reset(d)
	}
}

// overdue reports whether what is timed is late; if it is merely under way, late looks again.
func (p *pacer) overdue(now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.watching = false
	if p.mark == 0 || page.LSN(p.called.Load()) >= p.mark {
		return false
	}
	if left := p.patience() - now.Sub(p.markAt); left > 0 {
		p.watch(left)
		return false
	}
	return true
}

// lookLate calls the reserves when the others are late.
func (c *Client) lookLate() {
	if c.pace.overdue(time.Now()) {
		c.callReserves()
	}
}
