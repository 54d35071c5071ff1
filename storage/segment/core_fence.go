package segment

import (
	"github.com/zoryadb/zorya/storage/page"
	"github.com/zoryadb/zorya/storage/proto"
)

// Fence installs the sender's epoch and history. The reply, with Sample if the status is OK, waits until the returned version
// is durable. StatusStaleHistory means that a newer history is installed here: the epoch was taken, and the sender
// must adopt History and ask again.
func (c *Core) Fence(r *proto.FenceRequest) (st proto.Status, need uint64) {
	switch {
	case r.Timeline != c.st.Timeline:
		return proto.StatusBad, 0
	case r.Epoch < c.st.Epoch:
		return proto.StatusStaleEpoch, 0
	}
	if c.cfg.Mutants&MutSampleUnfenced != 0 {
		return proto.OK, 0
	}
	if r.Epoch > c.st.Epoch {
		c.st.Epoch = r.Epoch
		c.bump()
	}
	if r.History.Version < c.st.History.Version {
		return proto.StatusStaleHistory, c.version
	}
	if st := c.adoptHistory(&r.History); st != proto.OK {
		return st, c.version
	}
	return proto.OK, c.version
}

// InstallHistory installs a truncation; the reply waits for the version.
func (c *Core) InstallHistory(r *proto.HistoryRequest) (st proto.Status, need uint64) {
	switch {
	case r.Timeline != c.st.Timeline:
		return proto.StatusBad, 0
	case r.Epoch < c.st.Epoch:
		return proto.StatusStaleEpoch, 0
	case r.History.Version < c.st.History.Version:
		return proto.StatusStaleHistory, 0
	}
	if r.Epoch > c.st.Epoch {
		c.st.Epoch = r.Epoch
		c.bump()
	}
	if st := c.adoptHistory(&r.History); st != proto.OK {
		return st, c.version
	}
	return proto.OK, c.version
}

// validHistory reports whether intervals are ascending and disjoint.
func validHistory(h *proto.History) bool {
	prev := page.LSN(0)
	for i, iv := range h.Intervals {
		if iv.From > iv.To || (i > 0 && iv.From < prev) {
			return false
		}
		prev = iv.To
	}
	return len(h.Intervals) > 0
}

// adoptHistory replaces the history by a newer one and hides the records that died with it.
func (c *Core) adoptHistory(h *proto.History) proto.Status {
	if h.Version <= c.st.History.Version {
		return proto.OK // the same: versions of a volume are totally ordered
	}
	if !validHistory(h) {
		return proto.StatusBad
	}
	// A crash truncation cuts above VDL, so base lives. A cut below it (backtrack, a later issue)
	// needs the newest live record at the cut, which the driver would have to look up in its footers.
	if c.base > 0 && !h.Live(c.base) {
		return proto.StatusBad
	}
	old := c.st.History
	c.st.History = proto.History{Version: h.Version, Intervals: append([]proto.Interval(nil), h.Intervals...)}
	c.st.VDL = clip(h, c.st.VDL)
	live := c.above[:0]
	for _, l := range c.above[c.first:] {
		if h.Live(l.LSN) {
			live = append(live, l)
		}
	}
	c.above, c.first = live, 0
	c.tip = c.base
	if n := len(live); n > 0 {
		c.tip = live[n-1].LSN
	}
	if !h.Live(c.scl) || c.scl > c.tip {
		c.scl = c.floorLink(c.scl)
	}
	c.relinkPending()
	c.resetPeers()
	c.historyAt = c.bump()
	if c.cfg.Mutants&MutTruncationVolatile != 0 {
		if c.forgotten == nil {
			c.forgotten = &old
		}
	}
	return proto.OK
}

func (c *Core) relinkPending() {
	waiting := c.pending
	c.pending = nil
	for _, l := range waiting {
		c.Offer(l)
	}
	c.settle()
}

// clip is the highest live LSN at or below lsn, or 0.
func clip(h *proto.History, lsn page.LSN) page.LSN {
	for i := len(h.Intervals) - 1; i >= 0; i-- {
		if iv := &h.Intervals[i]; lsn > iv.From {
			return min(lsn, iv.To)
		}
	}
	return 0
}

// Sample is what recovery needs of this segment under the history now installed. It only names records that
// are durable here.
func (c *Core) Sample() proto.Sample {
	s := proto.Sample{
		PG: c.st.PG, Kind: c.st.Self.Kind, Incarnation: c.st.Self.Incarnation,
		MembershipEpoch: c.st.Membership.Epoch, Status: c.Status(),
		SCL: c.scl, VDL: c.st.VDL, MRPL: c.st.MRPL, AtVDL: min(c.base, c.scl),
	}
	for _, l := range c.above[c.first:] {
		if l.LSN > c.scl {
			break
		}
		s.Above = append(s.Above, proto.ChainLSN{LSN: l.LSN, PrevVolume: l.PrevVolume, PrevPG: l.PrevPG, Epoch: l.Epoch, CPL: l.CPL})
	}
	return s
}

// InstallMembership adopts a newer membership; the reply waits for the version. It ends the hydrating state of the
// incarnation it lists, once that is repaired.
func (c *Core) InstallMembership(epoch uint64, m *proto.Membership) (st proto.Status, need uint64) {
	switch {
	case c.st.Phase == Retired:
		return proto.StatusRetired, 0
	case epoch < c.st.Epoch:
		return proto.StatusStaleEpoch, 0
	case m.Epoch < c.st.Membership.Epoch:
		return proto.StatusStaleMembers, 0
	case len(m.Members) == 0:
		return proto.StatusBad, 0
	}
	if m.Epoch > c.st.Membership.Epoch {
		c.st.Membership = *m
		c.st.Membership.Members = append([]proto.Member(nil), m.Members...)
		c.bump()
		c.regroup()
		c.maybeActivate()
	}
	return proto.OK, c.version
}
