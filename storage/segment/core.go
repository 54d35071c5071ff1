package segment

import (
	"sort"

	"github.com/zoryadb/zorya/storage/page"
	"github.com/zoryadb/zorya/storage/proto"
)

// Time is a point on the caller's monotonic clock, in nanoseconds.
type Time int64

// Config is what a Core is told once.
type Config struct {
	Node proto.NodeID
	// MaxPending bounds the records that wait for one before them; those beyond are dropped
	// (gossip brings them again). MaxAbove bounds the records above VDL; beyond it frames are
	// refused with StatusBusy. Defaults 65,536 and 1,048,576.
	MaxPending, MaxAbove int
	// GossipIdle is the time between questions to peers when nothing is known to be missing, GossipHole
	// when something is. After AskSlow without an answer another peer is asked too, after AskTimeout the answer is
	// given up. Defaults 1 s, 20 ms, 500 ms, 5 s.
	GossipIdle, GossipHole, AskSlow, AskTimeout Time
	// GossipBytes bounds the records of one answer. Default 1 MiB.
	GossipBytes uint32
	// BaselinePages bounds the pages of one baseline answer. Default 128.
	BaselinePages uint32
	// Mutants breaks rules on purpose. Only tests set it.
	Mutants Mutants
}

func (c *Config) defaults() {
	def := func(p *int, v int) {
		if *p == 0 {
			*p = v
		}
	}
	deft := func(p *Time, v Time) {
		if *p == 0 {
			*p = v
		}
	}
	def(&c.MaxPending, 64<<10)
	def(&c.MaxAbove, 1<<20)
	deft(&c.GossipIdle, 1e9)
	deft(&c.GossipHole, 20e6)
	deft(&c.AskSlow, 500e6)
	deft(&c.AskTimeout, 5e9)
	if c.BaselinePages == 0 {
		c.BaselinePages = 128
	}
	if c.GossipBytes == 0 {
		c.GossipBytes = 1 << 20
	}
}

// Phase is where a segment's life stands.
type Phase uint8

// A segment is Hydrating until it is repaired and admitted, then Active, and Retired after a failure
// that makes its promises doubtful. Retired is for ever: a new incarnation takes its place.
const (
	Hydrating Phase = 1
	Active    Phase = 2
	Retired   Phase = 3
)

// State is what a segment must not forget: the contents of its superblock.
type State struct {
	Volume     proto.VolumeID
	Timeline   uint32
	PG         proto.PG
	PagesPerPG uint32
	Self       proto.Member // this replica: node, AZ, kind, incarnation
	Membership proto.Membership
	Epoch      uint64
	History    proto.History
	Phase      Phase
	VDL, MRPL  page.LSN // the highest ever told, as of the last write
	// Base is a live record of the PG at or below VDL: everything live at or below it is durable in
	// the segment's own files (as log, or coalesced), so a restart begins to count there.
	Base page.LSN
	// Horizon is the lowest LSN at which pages can be read; Floor the newest live record whose log was dropped.
	Horizon, Floor page.LSN
	Retain         []page.LSN // retain points, ascending
	RetainVersion  uint64     // of the list that was installed last
}

// Link is a record's place in the chains: all that Core knows of it.
type Link struct {
	LSN, PrevPG, PrevVolume page.LSN
	Epoch                   uint64
	CPL                     bool
}

// Core is one segment's protocol. Each method is one step: it runs to completion, reads no clock
// and does no I/O. It is not safe for concurrent use.
//
// How a driver runs an append: CheckAppend a run; if it may proceed, Offer each record
// and persist those that it keeps, together with the frame's VDL and MRPL; Submit closes the frame and
// returns a ticket. When everything persisted up to a ticket is durable, Synced(ticket), and then the reply is Ack of
// the frame's epoch and history. Records that come by gossip take the same way, with BeginReply instead of CheckAppend.
//
// How it runs a change of state (Fence, InstallHistory, InstallMembership, Restored, ...): the method
// returns a version; write State() durably, call StateDurable with the version the state was taken
// at, and send the reply once Durable() has reached the returned version.
type Core struct {
	cfg Config
	st  State

	version, durable uint64 // of state
	activeAt         uint64 // the version in which the phase became Active
	historyAt        uint64 // the version in which the history was adopted

	// The chain of linked, live records: base (the newest at or below VDL), then above, ascending.
	above   []Link
	first   int // above[:first] is trimmed
	base    page.LSN
	tip     page.LSN // the newest linked record, received but maybe not durable
	scl     page.LSN // the newest linked record that is durable
	rebased page.LSN // where the chain last began again (rebase)
	pending []Link   // records beyond a gap, ascending by LSN

	seq     uint64 // of the last ticket
	synced  uint64 // ticket up to which everything is durable
	fresh   bool   // something was kept since the last ticket
	tickets []ticket

	forgotten *proto.History // MutTruncationVolatile: what the disk still holds

	gossip gossip
}

type ticket struct {
	seq uint64
	tip page.LSN
}

// NewCore makes a segment from its durable state; a driver that restarts then feeds Restore with what
// the disk holds above State.Base, and ends with Restored.
func NewCore(cfg Config, st State) *Core {
	cfg.defaults()
	c := &Core{cfg: cfg, st: st, base: st.Base, tip: st.Base, scl: st.Base}
	c.resetPeers()
	return c
}

// Restore offers a record that was found durable on disk, in any order.
func (c *Core) Restore(l Link) bool { return c.Offer(l) }

// Restored ends a restart. damaged says that something that was once durable is missing or unreadable: then
// the segment no longer holds all that it acknowledged, and counts in no quorum until it is repaired.
func (c *Core) Restored(damaged bool) (need uint64) {
	c.scl = c.tip
	if damaged && c.st.Phase == Active {
		c.st.Phase = Hydrating
		c.gossip.resetVotes()
		return c.bump()
	}
	return 0
}

// MarkDamaged is Restored(true) for a running segment that found durable records gone.
func (c *Core) MarkDamaged() (need uint64) {
	if c.st.Phase != Active || c.cfg.Mutants&MutWipedVotes != 0 {
		return c.version
	}
	c.st.Phase = Hydrating
	c.gossip.resetVotes()
	return c.bump()
}

// Retire ends the segment's life after an I/O error that leaves doubt about what is durable.
func (c *Core) Retire() (need uint64) {
	c.st.Phase = Retired
	return c.bump()
}

func (c *Core) bump() uint64 { c.version++; return c.version }

// Touch gives the state a new version, so that what changes without a promise (VDL, MRPL, base, horizon,
// floor) can be made durable and waited for.
func (c *Core) Touch() uint64 { return c.bump() }

// Version is the newest version of the state.
func (c *Core) Version() uint64 { return c.version }

// Durable is the newest version that is known to be durable.
func (c *Core) Durable() uint64 { return c.durable }

// Unsaved is the version that must become durable for the segment to say that it is active, 0 if none must. A segment becomes
// active in steps whose callers wait for no state (Synced), so the driver looks here at every Tick.
func (c *Core) Unsaved() uint64 {
	if c.durable < c.activeAt && c.cfg.Mutants&MutActiveUnsaved == 0 {
		return c.activeAt
	}
	return 0
}

// StateDurable says that State() as of version is durable.
func (c *Core) StateDurable(version uint64) { c.durable = max(c.durable, version) }

// State returns what must be durable now. organised is the highest point up to which the driver's own files
// hold every linked record durably (the newest link at the time); it bounds Base. The caller may
// keep the result: it shares nothing that Core will change.
func (c *Core) State(organised page.LSN) State {
	// Each of the three is a linked record. base alone can be ahead of the disk: VDL counts what others hold.
	if b := min(c.base, c.scl, organised); b > c.st.Base && c.st.History.Live(b) {
		c.st.Base = b
	}
	s := c.st
	if c.forgotten != nil {
		s.History = *c.forgotten
	}
	return s
}

// SCL is the segment complete LSN: inclusive, durable.
func (c *Core) SCL() page.LSN { return c.scl }

// Tip is the newest linked record received, durable or not.
func (c *Core) Tip() page.LSN { return c.tip }

// Highest is the newest record seen, also beyond a gap.
func (c *Core) Highest() page.LSN {
	if n := len(c.pending); n > 0 {
		return c.pending[n-1].LSN
	}
	return c.tip
}

// VDL is the highest volume durable LSN this segment was told.
func (c *Core) VDL() page.LSN { return c.st.VDL }

// MRPL is the lowest read point any instance may use, as last told.
func (c *Core) MRPL() page.LSN { return c.st.MRPL }

// Phase returns the phase.
func (c *Core) Phase() Phase { return c.st.Phase }

// Kind returns the segment's kind.
func (c *Core) Kind() proto.Kind { return c.st.Self.Kind }

// Incarnation returns which life of the segment this is.
func (c *Core) Incarnation() uint64 { return c.st.Self.Incarnation }

// Epoch is the volume epoch installed here.
func (c *Core) Epoch() uint64 { return c.st.Epoch }

// Membership returns the installed membership. It must not be changed.
func (c *Core) Membership() *proto.Membership { return &c.st.Membership }

// History returns the installed history. It must not be changed; a newer one replaces it whole.
func (c *Core) History() *proto.History { return &c.st.History }

// Timeline returns the timeline.
func (c *Core) Timeline() uint32 { return c.st.Timeline }

// Rebased is the record at which the chain last began again, from a baseline or a floor: what lies at or below
// it needs no log here. It may lie below Base, which also counts records that wait for the driver.
func (c *Core) Rebased() page.LSN { return c.rebased }

// Base returns the newest record at or below VDL.
func (c *Core) Base() page.LSN { return c.base }

// listed reports whether the membership names this node with this incarnation.
func (c *Core) listed() bool {
	for i := range c.st.Membership.Members {
		if m := &c.st.Membership.Members[i]; m.Node == c.cfg.Node {
			return m.Incarnation == c.st.Self.Incarnation
		}
	}
	return false
}

// Status is how the segment answers requests that count: OK, StatusHydrating, StatusRetired or
// StatusStaleMembers when the membership no longer lists it.
func (c *Core) Status() proto.Status {
	switch {
	case c.st.Phase == Retired:
		return proto.StatusRetired
	case c.cfg.Mutants&MutWipedVotes != 0:
		return proto.OK
	case c.st.Phase == Hydrating || c.durable < c.activeAt:
		return proto.StatusHydrating
	case !c.listed():
		return proto.StatusStaleMembers
	}
	return proto.OK
}

// settle accounts for records that were linked without being offered anew: they were made durable with the tickets
// under which they came.
func (c *Core) settle() {
	if c.synced == c.seq {
		c.scl = max(c.scl, c.tip)
	} else {
		c.tickets = append(c.tickets, ticket{c.seq, c.tip})
	}
}

// link appends l to the chain and then whatever waited for it.
func (c *Core) link(l Link) {
	c.push(l)
	n := 0
	for n < len(c.pending) && (c.pending[n].PrevPG == c.tip || c.pending[n].LSN <= c.tip) {
		if c.pending[n].LSN > c.tip {
			c.push(c.pending[n])
		}
		n++
	}
	if n > 0 {
		c.pending = c.pending[:copy(c.pending, c.pending[n:])]
	}
}

func (c *Core) push(l Link) {
	c.above = append(c.above, l)
	c.tip = l.LSN
	c.trim()
}

// trim forgets the chain below the newest record at or below VDL.
func (c *Core) trim() {
	for c.first < len(c.above) && c.above[c.first].LSN <= c.st.VDL {
		c.base = c.above[c.first].LSN
		c.first++
	}
	if c.first > 64 && c.first*2 >= len(c.above) {
		c.above = c.above[:copy(c.above, c.above[c.first:])]
		c.first = 0
	}
}

// floorLink is the newest linked record at or below lsn.
func (c *Core) floorLink(lsn page.LSN) page.LSN {
	live := c.above[c.first:]
	i := sort.Search(len(live), func(i int) bool { return live[i].LSN > lsn })
	if i == 0 {
		return min(c.base, lsn)
	}
	return live[i-1].LSN
}

// wait puts a record beyond a gap in its place. It reports false when it is known or there is no room.
func (c *Core) wait(l Link) bool {
	n := len(c.pending)
	if n == 0 || c.pending[n-1].LSN < l.LSN {
		if n >= c.cfg.MaxPending {
			return false
		}
		c.pending = append(c.pending, l)
		return true
	}
	i := sort.Search(n, func(i int) bool { return c.pending[i].LSN >= l.LSN })
	if c.pending[i].LSN == l.LSN {
		return false
	}
	if n >= c.cfg.MaxPending { // what is nearer to the gap is worth more: the farthest goes
		n--
	}
	c.pending = append(c.pending[:n], Link{})
	copy(c.pending[i+1:], c.pending[i:])
	c.pending[i] = l
	return true
}
