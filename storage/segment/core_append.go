package segment

import (
	"github.com/zoryadb/zorya/storage/page"
	"github.com/zoryadb/zorya/storage/proto"
)

// CheckAppend says whether a frame's run may be taken: OK or StatusHydrating (take it), or why not. It
// takes note of the VDL and MRPL of a sender that is not stale, even when there is no room for records
// (they make room), and changes nothing else.
func (c *Core) CheckAppend(f *proto.AppendFrame, r *proto.Run) proto.Status {
	if st := c.checkSender(f.Timeline, f.Epoch, f.History); st != proto.OK {
		return st
	}
	if r.Incarnation != c.st.Self.Incarnation || r.MembershipEpoch < c.st.Membership.Epoch {
		return proto.StatusStaleMembers
	}
	c.Hear(f.VDL, f.MRPL)
	if len(c.above)-c.first+len(c.pending) > c.cfg.MaxAbove {
		return proto.StatusBusy
	}
	return c.Status()
}

// checkSender compares what every request carries. A newer epoch or history than ours is not adopted from a
// request: the sender is told to install it.
func (c *Core) checkSender(timeline uint32, epoch, history uint64) proto.Status {
	switch {
	case c.st.Phase == Retired:
		return proto.StatusRetired
	case timeline != c.st.Timeline:
		return proto.StatusBad
	case epoch < c.st.Epoch:
		return proto.StatusStaleEpoch
	case history < c.st.History.Version:
		return proto.StatusStaleHistory
	case history > c.st.History.Version || epoch > c.st.Epoch || c.durable < c.historyAt:
		// What is said under a history may become durable only after the history itself: else a restart
		// would hold a VDL against records that it does not know to be dead.
		return proto.StatusUnknownHistory
	}
	return proto.OK
}

// Hear takes note of a VDL and an MRPL that hold under the history installed here. Only CheckAppend, BeginReply and
// a driver that reads its own disk after a restart call it.
func (c *Core) Hear(vdl, mrpl page.LSN) {
	if vdl > c.st.VDL {
		c.st.VDL = vdl
		c.trim()
	}
	c.st.MRPL = max(c.st.MRPL, mrpl)
}

// Offer takes a record's links. It reports whether the record is news: then it must be made durable
// with the ticket that the next Submit returns. Duplicates, records of dead intervals and records for
// which there is no room are not.
func (c *Core) Offer(l Link) bool {
	if l.LSN <= c.tip || !c.admits(l.LSN) {
		return false
	}
	switch {
	case l.PrevPG == c.tip:
		c.link(l)
		c.fresh = true
		return true
	case l.PrevPG < c.tip:
		// It forks off below our newest record, so one of the two is dead under a history that we have
		// not heard of. Gossip brings it back when we have.
		return false
	}
	kept := c.wait(l)
	c.fresh = c.fresh || kept
	return kept
}

// admits is the one place where a record's LSN is held against the history.
func (c *Core) admits(lsn page.LSN) bool {
	return c.cfg.Mutants&MutGossipNoEpoch != 0 || c.st.History.Live(lsn)
}

// Submit closes what was offered since the last Submit. The ticket is good for Synced; when nothing was kept it
// is the last one again.
func (c *Core) Submit() (t uint64) {
	if !c.fresh {
		return c.seq
	}
	c.fresh = false
	c.seq++
	c.tickets = append(c.tickets, ticket{c.seq, c.tip})
	if c.cfg.Mutants&MutAckBeforeSync != 0 {
		c.scl = c.tip
	}
	return c.seq
}

// Synced says that everything offered up to the ticket is durable.
func (c *Core) Synced(t uint64) {
	n := 0
	for n < len(c.tickets) && c.tickets[n].seq <= t {
		tip := c.tickets[n].tip
		if !c.st.History.Live(tip) || tip > c.tip {
			tip = c.floorLink(tip)
		}
		c.scl = max(c.scl, tip)
		n++
	}
	c.tickets = c.tickets[:copy(c.tickets, c.tickets[n:])]
	c.synced = max(c.synced, t)
	c.maybeActivate()
}

// Underway reports whether Synced has not been told of the ticket.
func (c *Core) Underway(t uint64) bool { return t > c.synced }

// Ack is the segment's answer to a run, once its ticket is synced. A frame whose epoch or history was overtaken while it
// waited for the disk is refused: the fence that overtook it may have sampled without it.
func (c *Core) Ack(epoch, history uint64) proto.SegmentStatus {
	a := proto.SegmentStatus{PG: c.st.PG, Incarnation: c.st.Self.Incarnation, SCL: c.scl}
	switch {
	case epoch < c.st.Epoch:
		a.Status = proto.StatusStaleEpoch
	case history < c.st.History.Version:
		a.Status = proto.StatusStaleHistory
	default:
		a.Status = c.Status()
	}
	return a
}

// CheckRead says whether a page read can be served here and now.
func (c *Core) CheckRead(r *proto.PageRead) proto.Status {
	if st := c.checkSender(r.Timeline, r.Epoch, r.History); st != proto.OK {
		return st
	}
	switch {
	case r.Incarnation != c.st.Self.Incarnation || r.MembershipEpoch < c.st.Membership.Epoch:
		return proto.StatusStaleMembers
	case c.st.Self.Kind != proto.Full || r.PGLSN > r.ReadLSN:
		return proto.StatusBad
	case c.Status() != proto.OK:
		return c.Status()
	case r.ReadLSN < c.st.Horizon && !c.retains(r.ReadLSN):
		return proto.StatusGone
	case c.scl < r.PGLSN && c.cfg.Mutants&MutReadAboveSCL == 0:
		return proto.StatusBehind
	}
	return proto.OK
}
