package segment

import (
	"github.com/zoryadb/zorya/storage/page"
	"github.com/zoryadb/zorya/storage/proto"
)

type gossip struct {
	peers   []peer
	asking  int // index+1 of the peer that was asked last and has not answered
	asked   Time
	next    Time     // no question before
	holeAt  Time     // when the present hole was first seen; 0: none
	tipThen page.LSN // the tip when last asked
	vain    int      // questions since it rose
	basing  int      // index+1 of the full peer whose baseline is being copied
	baseAt  page.LSN // highest point of its batches
	basePG  page.LSN // the PG's record at the first batch's point: log from here on completes them all
	baseTo  page.No  // next page to ask for
	baseOut bool     // an answer is awaited
	target  page.LSN
	votes   int // active peers that told their SCL since hydration began
	fullVot int
}

type peer struct {
	node    proto.NodeID
	kind    proto.Kind
	inc     uint64
	scl     page.LSN // last told under the present history; 0: unknown
	floor   page.LSN
	floored bool // could not serve us: its log begins above our tip
	asked   Time
	dryAt   page.LSN // the tip above which it had no record for us, though it is ahead; and
	dry     int      // how often it said so
	out     bool     // a question of ours is with it
	voted   bool
	failed  bool
}

// resetPeers forgets what peers told: it was said under another history.
func (c *Core) resetPeers() {
	g := &c.gossip
	*g = gossip{}
	for _, m := range c.st.Membership.Members {
		if m.Node != c.cfg.Node {
			g.peers = append(g.peers, peer{node: m.Node, kind: m.Kind, inc: m.Incarnation})
		}
	}
}

// regroup takes the peers from a new membership. What those told that were members before in the same life stays good: votes that were
// given, the point to reach, a baseline under way. Else every change of a member would begin the hydration of the others anew.
func (c *Core) regroup() {
	old := c.gossip
	c.resetPeers()
	g := &c.gossip
	g.next, g.holeAt, g.asked, g.target = old.next, old.holeAt, old.asked, old.target
	for i := range g.peers {
		p := &g.peers[i]
		for j := range old.peers {
			was := &old.peers[j]
			if was.node != p.node || was.inc != p.inc || was.kind != p.kind {
				continue
			}
			*p = *was
			if p.voted {
				g.vote(p.kind)
			}
			if old.asking == j+1 {
				g.asking = i + 1
			}
			if old.basing == j+1 {
				g.basing, g.baseAt, g.basePG, g.baseTo, g.baseOut = i+1, old.baseAt, old.basePG, old.baseTo, old.baseOut
			}
		}
	}
}

func (g *gossip) vote(k proto.Kind) {
	g.votes++
	if k == proto.Full {
		g.fullVot++
	}
}

func (g *gossip) resetVotes() {
	g.target, g.votes, g.fullVot, g.next = 0, 0, 0, 0
	for i := range g.peers {
		g.peers[i].voted = false
	}
}

func (g *gossip) find(n proto.NodeID) *peer {
	for i := range g.peers {
		if g.peers[i].node == n {
			return &g.peers[i]
		}
	}
	return nil
}

// Ask is a question to a peer: one of the requests is set.
type Ask struct {
	Peer     proto.NodeID
	Log      *proto.LogRequest
	Baseline *proto.BaselineRequest
}

// Tick decides whom to ask for what now. At most one question is out at a time, of a peer that is slow one more each AskSlow; each
// must be answered by LogFailed, LogUnused, BeginReply or BaselineReply.
func (c *Core) Tick(now Time) (asks []Ask) {
	g := &c.gossip
	if c.st.Phase == Retired || len(g.peers) == 0 {
		return nil
	}
	if g.basing > 0 {
		if a, ok := c.askBaseline(now); ok {
			asks = append(asks, a)
		}
		return asks
	}
	if g.asking > 0 {
		if now-g.asked < c.cfg.AskSlow {
			return nil
		}
		// It hangs, or the way there does: nobody waits for it, but its answer is welcome when it comes.
		p := &g.peers[g.asking-1]
		p.failed, g.asking, g.next = true, 0, now
	}
	if len(c.pending) == 0 {
		g.holeAt = 0
	} else if g.holeAt == 0 {
		// The missing record is probably on its way, in a frame that was overtaken: wait a moment.
		g.holeAt = now
		g.next = min(g.next, now+c.pace())
	}
	if now < g.next {
		return asks
	}
	i := c.choosePeer(now)
	if i < 0 {
		return asks
	}
	p := &g.peers[i]
	g.asking, g.asked, p.asked, p.out = i+1, now, now, true
	if g.tipThen != c.tip {
		g.tipThen, g.vain = c.tip, 0
	}
	g.next = now + c.pace()
	g.vain++
	to := proto.MaxLSN
	if len(c.pending) > 0 {
		to = c.pending[0].PrevPG
	}
	return append(asks, Ask{Peer: p.node, Log: &proto.LogRequest{
		Volume: c.st.Volume, Timeline: c.st.Timeline, Epoch: c.st.Epoch, History: c.st.History.Version,
		PG: c.st.PG, MembershipEpoch: c.st.Membership.Epoch, From: c.tip, To: to, MaxBytes: c.cfg.GossipBytes,
	}})
}

// pace is the time between questions: short while something is missing, longer with each round of all peers that was in vain.
func (c *Core) pace() Time {
	g := &c.gossip
	if !c.lacking() {
		return c.cfg.GossipIdle
	}
	rounds := g.vain / len(g.peers)
	return min(c.cfg.GossipHole<<min(rounds, 16), c.cfg.GossipIdle)
}

// lacking reports whether records are known to be missing: one that came later says so, or a peer is ahead, be it one that has
// dropped what we lack (then all must be asked before we begin again from a baseline), or votes are needed.
func (c *Core) lacking() bool {
	if len(c.pending) > 0 || !c.Repaired() {
		return true
	}
	for i := range c.gossip.peers {
		if c.gossip.peers[i].scl > c.tip {
			return true
		}
	}
	return false
}

// Calm reports whether nothing is known to be missing and nothing waits to be made durable: then Tick need not come often.
func (c *Core) Calm() bool { return !c.lacking() && c.gossip.basing == 0 && c.Unsaved() == 0 }

// choosePeer takes the peer known to have most of what we lack, or the one asked longest ago; -1 when a question is with each.
func (c *Core) choosePeer(now Time) int {
	g := &c.gossip
	best, oldest := -1, -1
	for i := range g.peers {
		p := &g.peers[i]
		if p.out && now-p.asked < c.cfg.AskTimeout {
			continue
		}
		if oldest < 0 || p.asked < g.peers[oldest].asked {
			oldest = i
		}
		if p.scl > c.tip && !c.useless(p) && !p.failed && (best < 0 || p.scl > g.peers[best].scl) {
			best = i
		}
	}
	// A peer never heard of goes first while we hydrate: votes are needed.
	if best < 0 || (c.st.Phase == Hydrating && !g.peers[oldest].voted && g.peers[oldest].asked == 0) {
		return oldest
	}
	return best
}

// dryTwice is how often a peer that is ahead may have nothing for us before we believe that its log is damaged there.
const dryTwice = 2

// useless reports whether a peer's log does not help us on: dropped, or damaged, where we need it.
func (c *Core) useless(p *peer) bool {
	return p.floored || p.dry >= dryTwice && p.dryAt == c.tip
}

// answered takes note that a peer's question is no longer out.
func (g *gossip) answered(n proto.NodeID) *peer {
	p := g.find(n)
	if p != nil {
		p.out = false
		if g.asking > 0 && &g.peers[g.asking-1] == p {
			g.asking = 0
		}
	}
	return p
}

// LogFailed says that a question had no answer, or one that is no use.
func (c *Core) LogFailed(n proto.NodeID) {
	if p := c.gossip.answered(n); p != nil {
		p.scl, p.failed = 0, true
	}
}

// LogUnused says that there was no room for a question or its answer here: the peer may be asked again.
func (c *Core) LogUnused(n proto.NodeID) { c.gossip.answered(n) }

// BeginReply takes the answer to a log question. If take is true, its records are to be offered, persisted and submitted
// as those of a frame are; EndReply follows in any case. need is a state version to make durable (nothing waits for it).
func (c *Core) BeginReply(n proto.NodeID, r *proto.LogReply) (take bool, need uint64) {
	g := &c.gossip
	g.answered(n)
	before := c.version
	if r.Status == proto.StatusStaleMembers && r.Membership.Epoch > c.st.Membership.Epoch {
		c.InstallMembership(c.st.Epoch, &r.Membership)
	}
	if r.History.Version > c.st.History.Version && r.Epoch >= c.st.Epoch {
		if c.adoptHistory(&r.History) == proto.OK && r.Epoch > c.st.Epoch {
			c.st.Epoch = r.Epoch
			c.bump()
		}
	}
	if c.version != before {
		need = c.version
	}
	p := g.find(n)
	if p == nil || c.durable < c.historyAt {
		return false, need // see checkSender
	}
	p.failed = false
	switch r.Status {
	case proto.OK:
		p.scl, p.floor = r.SCL, r.Floor
		if c.st.Phase == Hydrating && !p.voted {
			p.voted = true
			g.vote(p.kind)
			g.target = max(g.target, r.SCL)
		}
	case proto.StatusHydrating:
		p.scl = 0
	default:
		p.scl = 0
		p.failed = true
		return c.cfg.Mutants&MutGossipNoEpoch != 0, need
	}
	p.floored = r.Floor > c.tip
	if !p.floored {
		c.Hear(min(r.VDL, clip(&c.st.History, r.VDL)), r.MRPL)
	}
	return !p.floored, need
}

// EndReply decides what follows from an answer whose records have been offered: more from the same peer at
// once, or a baseline when nobody's log reaches back far enough.
func (c *Core) EndReply(n proto.NodeID, now Time) (need uint64) {
	g := &c.gossip
	before := c.version
	if p := g.find(n); p != nil && p.scl > c.tip {
		if g.tipThen < c.tip && !p.floored {
			g.next = now
		} else {
			g.next = min(g.next, now+c.pace())
			if p.dryAt != c.tip {
				p.dryAt, p.dry = c.tip, 0
			}
			p.dry++
		}
	}
	c.maybeRebase()
	c.maybeActivate()
	if c.version != before {
		return c.version
	}
	return 0
}

// maybeRebase begins again from a peer's baseline, or for a tail from a peer's floor, when every peer that is ahead of us has dropped the
// log that we lack, or holds it damaged.
func (c *Core) maybeRebase() {
	g := &c.gossip
	from := -1
	for i := range g.peers {
		p := &g.peers[i]
		if p.scl <= c.tip {
			if p.asked == 0 {
				return // not heard of yet: it may be able to serve us
			}
			continue
		}
		if !c.useless(p) {
			return
		}
		switch {
		case c.st.Self.Kind == proto.Tail && !p.floored:
		case c.st.Self.Kind == proto.Tail:
			// The lowest floor loses least. What lies below was dropped because every full member
			// holds it (or, on a full member, because images do), so a tail need not hold it either.
			if from < 0 || p.floor < g.peers[from].floor {
				from = i
			}
		case p.kind == proto.Full && (from < 0 || p.scl > g.peers[from].scl):
			from = i
		}
	}
	if from < 0 {
		return
	}
	if c.st.Self.Kind == proto.Tail {
		c.rebase(g.peers[from].floor, g.peers[from].floor)
		return
	}
	g.basing, g.baseAt, g.basePG, g.baseTo, g.baseOut = from+1, 0, 0, 0, false
}

// rebase makes lsn, a live record of the PG at or below VDL, the point from which the chain counts.
func (c *Core) rebase(lsn, floor page.LSN) {
	if lsn <= c.tip {
		return
	}
	c.above, c.first = c.above[:0], 0
	c.base, c.tip, c.scl, c.st.Base, c.rebased = lsn, lsn, lsn, lsn, lsn
	c.st.VDL = max(c.st.VDL, lsn)
	c.st.Floor = max(c.st.Floor, floor)
	for i := range c.gossip.peers {
		c.gossip.peers[i].floored = false
	}
	c.relinkPending()
	c.bump()
}

func (c *Core) askBaseline(now Time) (Ask, bool) {
	g := &c.gossip
	if g.baseOut && now-g.asked < c.cfg.AskTimeout {
		return Ask{}, false
	}
	g.baseOut, g.asked = true, now
	return Ask{Peer: g.peers[g.basing-1].node, Baseline: &proto.BaselineRequest{
		Volume: c.st.Volume, Timeline: c.st.Timeline, Epoch: c.st.Epoch, History: c.st.History.Version,
		PG: c.st.PG, MembershipEpoch: c.st.Membership.Epoch, Next: g.baseTo, MaxPages: c.cfg.BaselinePages,
	}}, true
}

// BaselineReply takes a batch of a baseline; nil means that the question failed. If take is true the driver installs its pages as images and makes every other
// page that it knows in [asked Next, reply Next) absent as of r.At. If done is true, those images
// must be durable before BaselineDurable is called. Batches are as of different points: no peer has to hold its
// horizon for us, since the log from the first point on is replayed and a record at or below its page's image changes nothing.
func (c *Core) BaselineReply(n proto.NodeID, r *proto.BaselineReply) (take, done bool) {
	g := &c.gossip
	if g.basing == 0 || g.peers[g.basing-1].node != n || !g.baseOut {
		return false, false
	}
	g.baseOut = false
	bad := r == nil || r.Status != proto.OK || r.At < g.baseAt || (!r.Done && r.Next <= g.baseTo)
	if bad {
		// Begin again, maybe with another peer: its horizon has passed the point, or it is gone.
		p := &g.peers[g.basing-1]
		p.scl, p.failed = 0, true
		g.basing = 0
		return false, false
	}
	if g.baseAt == 0 {
		g.basePG = r.PGLSN
	}
	g.baseAt, g.baseTo = r.At, r.Next
	return true, r.Done
}

// BaselineDurable ends a baseline: its images are durable, so the chain counts from its point. The
// version must be durable before the pages are relied upon (nothing waits for it).
func (c *Core) BaselineDurable() (need uint64) {
	g := &c.gossip
	if g.basing == 0 {
		return c.version
	}
	at, pg := g.baseAt, g.basePG
	g.basing = 0
	c.skipRetain(c.scl, at)
	c.st.VDL = max(c.st.VDL, at)
	c.st.Horizon = max(c.st.Horizon, at)
	c.rebase(pg, pg)
	c.trim()
	return c.bump()
}

// maybeActivate ends hydration: repaired to the point that a read quorum of active peers had told
// since it began, and listed by the membership. Every record that was acknowledged with the vote of a former life is
// within that point.
func (c *Core) maybeActivate() {
	if c.st.Phase == Hydrating && c.listed() && c.Repaired() {
		c.st.Phase = Active
		c.activeAt = c.bump()
	}
}

// Repaired reports whether a hydrating segment holds everything up to the PG's point.
func (c *Core) Repaired() bool {
	if c.st.Phase != Hydrating {
		return c.st.Phase == Active
	}
	g, q := &c.gossip, &c.st.Membership.Quorum
	return g.basing == 0 && g.votes >= max(q.ReadAny, 1) && g.fullVot >= q.ReadFull && c.scl >= g.target
}

// Progress is how much of a hydration is done, 0 to 1, for people.
func (c *Core) Progress() float64 {
	g := &c.gossip
	if c.st.Phase != Hydrating || c.Repaired() {
		return 1
	}
	if g.basing > 0 && c.st.PagesPerPG > 0 {
		first := uint64(c.st.PG) * uint64(c.st.PagesPerPG)
		if n := uint64(g.baseTo); n > first {
			return min(0.99, float64(n-first)/float64(c.st.PagesPerPG))
		}
		return 0
	}
	if g.target > 0 {
		return min(0.99, float64(c.scl)/float64(g.target))
	}
	return 0
}

// CheckLog says whether a peer's log question may be answered: OK or StatusHydrating with records, else why not.
func (c *Core) CheckLog(r *proto.LogRequest) proto.Status {
	if c.cfg.Mutants&MutGossipNoEpoch != 0 {
		return proto.OK
	}
	return c.checkPeer(r.Timeline, r.Epoch, r.History, r.MembershipEpoch)
}

// CheckBaseline is CheckLog for baselines, which only an active full segment gives, as of a point that
// it can still read.
func (c *Core) CheckBaseline(r *proto.BaselineRequest) proto.Status {
	st := c.checkPeer(r.Timeline, r.Epoch, r.History, r.MembershipEpoch)
	switch {
	case st != proto.OK:
		return st
	case c.st.Self.Kind != proto.Full:
		return proto.StatusBad
	case r.At != 0 && r.At < c.st.Horizon:
		return proto.StatusGone
	case r.At > c.ImageLimit():
		return proto.StatusBehind
	}
	return proto.OK
}

// BaselinePoint is the point as of which a batch of a baseline is given, and the PG's newest record at or below it: the newest point that can be
// read here, where the driver's index reaches up to organised, unless the asker named one.
func (c *Core) BaselinePoint(asked, organised page.LSN) (at, pg page.LSN) {
	if at = asked; at == 0 {
		at = min(c.ImageLimit(), organised)
	}
	return at, c.floorLink(at)
}

func (c *Core) checkPeer(timeline uint32, epoch, history, membership uint64) proto.Status {
	if st := c.checkSender(timeline, epoch, history); st != proto.OK {
		return st
	}
	if membership < c.st.Membership.Epoch {
		return proto.StatusStaleMembers
	}
	if st := c.Status(); st == proto.StatusHydrating || st == proto.OK {
		return st
	}
	return proto.StatusStaleMembers
}

// FillReply puts into an answer what a peer may learn from it.
func (c *Core) FillReply(r *proto.LogReply) {
	r.Epoch, r.SCL, r.VDL, r.MRPL, r.Floor = c.st.Epoch, c.scl, c.st.VDL, c.st.MRPL, c.st.Floor
	switch r.Status {
	case proto.StatusStaleHistory, proto.StatusStaleEpoch:
		r.History = c.st.History
	case proto.StatusStaleMembers:
		r.Membership = c.st.Membership
	}
}
