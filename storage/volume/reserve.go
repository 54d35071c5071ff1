package volume

import (
	"cmp"
	"slices"
	"time"

	"github.com/zoryadb/zorya/storage/page"
	"github.com/zoryadb/zorya/storage/proto"
)

// Reserves are links whose nodes no commit waits for. A frame costs its node, and us, what ten transactions in it cost, and a commit is durable on a
// write quorum, four of six. So while acks queue (for processors or disks), some tails hear of the log later than the others: with the next heartbeat, when
// as much has gathered as is sent though nobody waits, or at once when they are called: the others are late, a link broke, or somebody waits for room. What is acknowledged
// is on the disks of a write quorum, as ever; a reserve lacks at most a heartbeat's log of it.
//
// Invariant: the members of a PG that are well and not reserves are a write quorum of it, and its full members, which serve reads, are among them. As soon as
// that may be wrong (disband) there are none, until they are chosen again.

const (
	// reserveBeats is how many heartbeats pass between two choices, restBeats for how many there are no reserves once calling them has become usual.
	reserveBeats = 8
	restBeats    = 10 * reserveBeats
	// patienceTimes is how many times the usual time to durability passes before the reserves are called, minPatience the least.
	patienceTimes = 2
	minPatience   = 2 * time.Millisecond
)

// reserves is the client's choice. Only beats uses it.
type reserves struct {
	beat, rest int
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

// pickReserves spares the slowest links, as long as the others of each PG suffice.
func (c *Client) pickReserves(all []linkHealth) {
	well := make(map[*link]bool, len(all))
	for i := range all {
		well[all[i].l] = all[i].well
	}
	slices.SortFunc(all, func(a, b linkHealth) int { return cmp.Compare(b.score(), a.score()) })
	c.mu.Lock()
	defer c.mu.Unlock()
	eager := make([]int, len(c.pgs)) // members that are well and waited for
	for pg, p := range c.pgs {
		for i := range p.members {
			if m := &p.members[i]; well[m.link] && m.status == proto.OK && m.need == 0 {
				eager[pg]++
			}
		}
	}
	for i := range all {
		l := all[i].l
		l.reserve.Store(well[l] && c.spare(l, eager))
	}
}

// spare takes a link out of eager and returns true if every PG has a write quorum of any kind without it, and no full member on it. mu is held.
func (c *Client) spare(l *link, eager []int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := min(len(l.segs), len(c.pgs))
	for pg := range n {
		p := c.pgs[pg]
		if slot := l.segs[pg].slot; slot >= 0 && (p.m.Members[slot].Kind == proto.Full || eager[pg]-1 < p.m.Quorum.WriteAny) {
			return false
		}
	}
	for pg := range n {
		if l.segs[pg].slot >= 0 {
			eager[pg]--
		}
	}
	return true
}

// linkHealth is what the choice needs to know of a link.
type linkHealth struct {
	l        *link
	well     bool // joined, and every segment that it has counts
	queueing bool // acks take much longer than they can
	reserve  bool
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
