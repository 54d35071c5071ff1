package segment

import (
	"slices"
	"sort"

	"github.com/zoryadb/zorya/storage/page"
	"github.com/zoryadb/zorya/storage/proto"
)

// ImageLimit is the highest LSN as of which a page image may be made: never above VDL, because what lies
// above can still be annulled, and never above SCL, because records may be missing.
func (c *Core) ImageLimit() page.LSN {
	if c.cfg.Mutants&MutImageAboveVDL != 0 {
		return c.tip
	}
	return min(c.scl, c.st.VDL)
}

// GCLimit is how far the horizon may rise: nothing reads below it.
func (c *Core) GCLimit() page.LSN {
	if c.cfg.Mutants&MutGCIgnoresPin != 0 {
		return c.st.VDL
	}
	return min(c.st.MRPL, c.st.VDL)
}

// RaiseHorizon moves the horizon up to GCLimit and returns it. Reads below it are refused from now
// on. Before anything below it is deleted, the state must be durable (Touch).
func (c *Core) RaiseHorizon() page.LSN {
	c.st.Horizon = max(c.st.Horizon, c.GCLimit())
	return c.st.Horizon
}

// Horizon is the lowest LSN at which pages can be read.
func (c *Core) Horizon() page.LSN { return c.st.Horizon }

// Needed says whether some read may still need a version (an image, or a record) with LSN v that is
// superseded by a whole version of the page at LSN n (proto.MaxLSN if by none): a read point R with v <= R < n
// exists, either at or above the horizon or a retain point.
func (c *Core) Needed(v, n page.LSN) bool {
	if n > c.st.Horizon {
		return true
	}
	if c.cfg.Mutants&MutGCIgnoresPin != 0 {
		return false
	}
	r := c.st.Retain
	i := sort.Search(len(r), func(i int) bool { return r[i] >= v })
	return i < len(r) && r[i] < n
}

// Retain replaces the retain points as their keeper asks; the version must be durable before it relies on them. See proto.RetainReply
// for the answers.
func (c *Core) Retain(r *proto.RetainRequest) (st proto.Status, need uint64) {
	switch st := c.checkSender(r.Timeline, r.Epoch, r.History); {
	case st != proto.OK:
		return st, 0
	case len(r.Points) > proto.MaxRetain || !slices.IsSorted(r.Points):
		return proto.StatusBad, 0
	case r.Version < c.st.RetainVersion:
		return c.Status(), c.version // late: its sender has asked for more since
	}
	held, need := c.SetRetain(r.Points)
	c.st.RetainVersion = r.Version
	if c.st.Self.Kind == proto.Full && !held {
		return proto.StatusGone, need
	}
	return c.Status(), need
}

// SetRetain replaces the retain points (ascending). Of those that are new it leaves out what lies below the horizon, where versions may be
// gone already, and reports whether it holds all.
func (c *Core) SetRetain(points []page.LSN) (held bool, need uint64) {
	var keep []page.LSN
	for _, p := range points {
		if p >= c.st.Horizon || c.retains(p) {
			keep = append(keep, p)
		}
	}
	c.st.Retain = keep
	return len(keep) == len(points), c.bump()
}

// retains reports whether lsn is a retain point.
func (c *Core) retains(lsn page.LSN) bool {
	_, ok := slices.BinarySearch(c.st.Retain, lsn)
	return ok
}

// skipRetain forgets the retain points in (from, to), of which a baseline as of to has no versions. What lies at or below from, up to which
// the segment had everything, stays readable.
func (c *Core) skipRetain(from, to page.LSN) {
	c.st.Retain = slices.DeleteFunc(slices.Clone(c.st.Retain), func(p page.LSN) bool { return p > from && p < to })
}

// TailLimit is how far a tail may drop log: up to what every full member holds durably, as they said
// themselves under the present history and membership, and never above the record at VDL.
func (c *Core) TailLimit() page.LSN {
	limit := min(c.base, c.scl)
	if c.cfg.Mutants&MutTailGCAhead != 0 {
		return limit
	}
	fulls := 0
	for i := range c.gossip.peers {
		if p := &c.gossip.peers[i]; p.kind == proto.Full {
			fulls++
			limit = min(limit, p.scl)
		}
	}
	if fulls == 0 {
		return 0
	}
	return limit
}

// Floor is the newest live record whose log was dropped here.
func (c *Core) Floor() page.LSN { return c.st.Floor }

// RaiseFloor says that the log is about to be dropped up to the live record lsn; the version must be durable first.
func (c *Core) RaiseFloor(lsn page.LSN) (need uint64) {
	c.st.Floor = max(c.st.Floor, lsn)
	return c.bump()
}
