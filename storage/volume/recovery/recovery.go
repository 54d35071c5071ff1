// Package recovery owns the opening of a volume: from a new volume epoch to the point up to which
// the log is kept, as a pure state machine.
//
//	Sampling    fence every node under the new epoch and the newest history known; the answer of a
//	            fenced member is its sample. A newer history learnt starts the sampling over.
//	decide      with a read quorum of every PG: walk the volume chain from the highest VDL seen; VDL
//	            is the last CPL reached; all above, up to the highest LSN that a dead writer can have given
//	            out, is annulled by a new version of the history.
//	Installing  fence again under that history, and bring members up to their PG's point, until a write
//	            quorum of every PG has the one and reached the other.
//	Open        new LSNs start above what was annulled.
//
// Invariants (each is decided in one place, marked with the mutant that breaks it):
//   - Fence and sample are one request: a sample counts only if its member has durably installed the
//     new epoch and the history by which it answers. So the old writer can get no write quorum any more by the time of the decision.
//   - Only an active segment of the incarnation in the membership counts.
//   - A history's version is by its epoch, so that of two interrupted recoveries the newer wins.
//   - Nothing opens before truncation and recovered log are on a write quorum of each PG. An interrupted recovery
//     has acknowledged nothing and announced no VDL: the next one may decide differently.
//
// The driver (volume.Client, storage/sim) carries out the effects and feeds back events; it calls
// Retry when time has passed. A recovery that is stuck while installing (the only holder of an unacknowledged
// record died) is abandoned for one under the next epoch, as if it had crashed.
package recovery

import (
	"errors"
	"fmt"
	"slices"

	"github.com/zoryadb/zorya/storage/page"
	"github.com/zoryadb/zorya/storage/proto"
	"github.com/zoryadb/zorya/storage/volume/quorum"
)

// Initial is the history of a volume that no writer has opened yet.
func Initial(timeline uint32) proto.History {
	return proto.History{Version: 1, Intervals: []proto.Interval{{Timeline: timeline, From: 0, To: proto.MaxLSN}}}
}

// ErrFenced ends a recovery: a newer epoch exists.
var ErrFenced = proto.ErrFenced

// ErrProtocol ends a recovery: a member's answer cannot be.
var ErrProtocol = errors.New("recovery met an impossible answer")

// Config describes what to recover.
type Config struct {
	// Descriptor holds the new epoch, of which this recovery is the only user, and at least one PG.
	Descriptor *proto.Descriptor
	// History is the newest known, Initial if none: a newer one is learnt from the members.
	History proto.History
	Writer  string
	// LAL bounds how far the LSNs of a dead writer ran ahead of its VDL.
	LAL     page.LSN
	Mutants quorum.Mutants
}

// State is how far a recovery is.
type State int

// States, in order.
const (
	Sampling State = iota
	Installing
	Open
	Failed // see Err
)

func (s State) String() string {
	return [...]string{"sampling", "installing", "open", "failed"}[s]
}

// Effect is a request that the driver sends: SendFence, SendMembership or Copy.
type Effect interface{ effect() }

// SendFence asks a node to fence and sample; the answer is an event Fenced.
type SendFence struct {
	Node    proto.NodeID
	Request *proto.FenceRequest
}

// SendMembership tells a node that slept through a membership change; the answer is Admitted.
type SendMembership struct {
	Node proto.NodeID
	Spec *proto.SegmentSpec
}

// Copy asks for the PG's live records in (From, To] to be fetched from Source (FetchLog) and appended to Target
// (under Epoch, History and a VDL that is not above Recovery.SafeVDL); the answer is Copied.
type Copy struct {
	PG       proto.PG
	Member   int // index of Target in the membership
	Source   proto.NodeID
	Target   proto.NodeID
	From, To page.LSN
	History  uint64
}

func (SendFence) effect()      {}
func (SendMembership) effect() {}
func (Copy) effect()           {}

// Event is what happened: Fenced, Admitted, Copied or Retry.
type Event interface{ event() }

// Fenced is a node's answer to Request; Reply is nil when there was none.
type Fenced struct {
	Node    proto.NodeID
	Request *proto.FenceRequest
	Reply   *proto.FenceReply
}

// Admitted is a node's answer to SendMembership.
type Admitted struct {
	Node   proto.NodeID
	Status proto.Status
}

// Copied is the outcome of a Copy: the target's durable SCL, 0 when the copy failed.
type Copied struct {
	PG      proto.PG
	Member  int
	History uint64
	SCL     page.LSN
}

// Retry says that time has passed: all that was not answered is sent again.
type Retry struct{}

func (Fenced) event()   {}
func (Admitted) event() {}
func (Copied) event()   {}
func (Retry) event()    {}

// Result is how the volume opens.
type Result struct {
	VDL     page.LSN
	Base    page.LSN // the first new LSN is Base+1
	History proto.History
	MRPL    page.LSN // the highest read floor any member was told
	PGs     []PGResult
}

// PGResult is one PG at the opening.
type PGResult struct {
	Last page.LSN // its newest record, at or below VDL
	// Members in the order of the membership. Those that do not count are down, blank or behind on the
	// history: the writer joins them later.
	Members []MemberResult
}

// MemberResult is one member at the opening.
type MemberResult struct {
	Counts bool
	SCL    page.LSN
}

// Recovery is the state machine. It is not safe for concurrent use.
type Recovery struct {
	cfg     Config
	epoch   uint64
	history proto.History
	state   State
	err     error
	nodes   []proto.NodeID
	pgs     []group
	seenVDL page.LSN
	res     Result
}

type group struct {
	rule    quorum.Rule
	members []member
	point   page.LSN
}

type member struct {
	node   proto.NodeID
	sample *proto.Sample // valid under the current history; nil if none
	tries  int           // copies tried, to pick another source
}

// New prepares a recovery. It fails on a membership that is not safe.
func New(cfg Config) (*Recovery, error) {
	r := &Recovery{cfg: cfg, epoch: cfg.Descriptor.Epoch, history: cfg.History}
	if len(cfg.Descriptor.PGs) == 0 {
		return nil, fmt.Errorf("recover volume %v: it has no protection group", cfg.Descriptor.Volume)
	}
	seen := map[proto.NodeID]bool{}
	for pg := range cfg.Descriptor.PGs {
		m := &cfg.Descriptor.PGs[pg]
		rule, err := quorum.RuleOf(m, cfg.Mutants)
		if err != nil {
			return nil, fmt.Errorf("recover volume %v, PG %d: %w", cfg.Descriptor.Volume, pg, err)
		}
		g := group{rule: rule}
		for i := range m.Members {
			id := m.Members[i].Node
			g.members = append(g.members, member{node: id})
			if !seen[id] {
				seen[id] = true
				r.nodes = append(r.nodes, id)
			}
		}
		r.pgs = append(r.pgs, g)
	}
	slices.Sort(r.nodes)
	return r, nil
}

// State is how far the recovery is; Err why it failed; Result how the volume opens, once Open.
func (r *Recovery) State() State    { return r.state }
func (r *Recovery) Err() error      { return r.err }
func (r *Recovery) Result() *Result { return &r.res }

// SafeVDL is the highest VDL that may be announced before the volume is open.
func (r *Recovery) SafeVDL() page.LSN { return r.seenVDL }

// Start returns the first requests.
func (r *Recovery) Start() []Effect { return r.fenceAll(nil) }

// Step takes an event and returns what is to be sent.
func (r *Recovery) Step(ev Event) []Effect {
	if r.state == Open || r.state == Failed {
		return nil
	}
	switch ev := ev.(type) {
	case Fenced:
		return r.fenced(ev)
	case Admitted:
		if ev.Status == proto.OK {
			return []Effect{r.fence(ev.Node)}
		}
	case Copied:
		return r.copied(ev)
	case Retry:
		return r.retry()
	}
	return nil
}

// Waiting describes the first PG without its quorum, for the log.
func (r *Recovery) Waiting() string {
	for pg := range r.pgs {
		g := &r.pgs[pg]
		if r.satisfied(proto.PG(pg)) {
			continue
		}
		s := fmt.Sprintf("%v PG %d:", r.state, pg)
		for i := range g.members {
			m := &g.members[i]
			switch {
			case m.sample == nil:
				s += fmt.Sprintf(" %s no answer", m.node)
			case !r.valid(proto.PG(pg), i):
				s += fmt.Sprintf(" %s status %d incarnation %d", m.node, m.sample.Status, m.sample.Incarnation)
			default:
				s += fmt.Sprintf(" %s at %d", m.node, m.sample.SCL)
			}
		}
		if r.state == Installing {
			s += fmt.Sprintf(", wanted %d", g.point)
		}
		return s
	}
	return r.state.String()
}

func (r *Recovery) fence(id proto.NodeID) Effect {
	q := &proto.FenceRequest{
		Volume: r.cfg.Descriptor.Volume, Timeline: r.cfg.Descriptor.Timeline,
		Epoch: r.epoch, Writer: r.cfg.Writer, History: r.history,
	}
	if r.state == Sampling && r.cfg.Mutants.Has(quorum.SampleBeforeFence) {
		q.Epoch--
	}
	return SendFence{Node: id, Request: q}
}

// fenceAll fences all nodes, or those that skip does not name.
func (r *Recovery) fenceAll(skip func(proto.NodeID) bool) (out []Effect) {
	for _, id := range r.nodes {
		if skip == nil || !skip(id) {
			out = append(out, r.fence(id))
		}
	}
	return out
}

func (r *Recovery) fail(err error) []Effect {
	r.state, r.err = Failed, err
	return nil
}

func (r *Recovery) fenced(ev Fenced) []Effect {
	p := ev.Reply
	if p == nil {
		return nil // Retry asks again
	}
	if p.Epoch > r.epoch {
		return r.fail(fmt.Errorf("recover under epoch %d: node %s knows epoch %d: %w", r.epoch, ev.Node, p.Epoch, ErrFenced))
	}
	if p.Status == proto.StatusStaleHistory {
		return r.learn(ev.Node, p.History)
	}
	if ev.Request.History.Version != r.history.Version && !r.cfg.Mutants.Has(quorum.SampleStaleHistory) {
		return nil // an answer to an earlier question; the current one is under way
	}
	if p.Status != proto.OK || (p.Epoch != r.epoch && !r.lax()) {
		if !r.cfg.Mutants.Has(quorum.SampleUnfenced) {
			return nil
		}
	}
	out := r.note(ev.Node, p)
	return append(out, r.progress()...)
}

// lax is true for the mutants that believe who is not fenced.
func (r *Recovery) lax() bool {
	m := r.cfg.Mutants
	return m.Has(quorum.SampleUnfenced) || (r.state == Sampling && m.Has(quorum.SampleBeforeFence))
}

// learn adopts a newer history: what was sampled under the older one is worth nothing.
func (r *Recovery) learn(from proto.NodeID, h proto.History) []Effect {
	if h.Version <= r.history.Version {
		return []Effect{r.fence(from)} // it answered an older question
	}
	if h.Version>>16 >= r.epoch && !r.cfg.Mutants.Has(quorum.TruncationWithoutEpoch) {
		return r.fail(fmt.Errorf("recover under epoch %d: node %s has history version %x: %w", r.epoch, from, h.Version, ErrFenced))
	}
	if len(h.Intervals) == 0 {
		return r.fail(fmt.Errorf("node %s has history version %x without intervals: %w", from, h.Version, ErrProtocol))
	}
	if r.state == Installing { // versions by epoch make this impossible
		return nil
	}
	r.history = h
	if !r.cfg.Mutants.Has(quorum.SampleStaleHistory) {
		r.forget()
	}
	return r.fenceAll(nil)
}

func (r *Recovery) forget() {
	for pg := range r.pgs {
		for i := range r.pgs[pg].members {
			r.pgs[pg].members[i].sample = nil
		}
	}
}

// note stores a node's samples and tells it of memberships that it slept through.
func (r *Recovery) note(id proto.NodeID, p *proto.FenceReply) (out []Effect) {
	d := r.cfg.Descriptor
	for i := range p.Segments {
		s := &p.Segments[i]
		if int(s.PG) >= len(r.pgs) {
			continue // created ahead of need, not yet part of the volume
		}
		g := &r.pgs[s.PG]
		for m := range g.members {
			if g.members[m].node != id {
				continue
			}
			if old := g.members[m].sample; old == nil || old.Status != proto.OK || old.Incarnation != s.Incarnation || old.SCL <= s.SCL {
				g.members[m].sample = s // else a late duplicate
			}
			if s.MembershipEpoch < d.PGs[s.PG].Epoch && s.Incarnation == d.PGs[s.PG].Members[m].Incarnation {
				out = append(out, SendMembership{Node: id, Spec: &proto.SegmentSpec{
					Volume: d.Volume, Timeline: d.Timeline, Epoch: r.epoch, History: r.history, PG: s.PG,
					PagesPerPG: d.PagesPerPG, Membership: d.PGs[s.PG], Member: d.PGs[s.PG].Members[m],
				}})
			}
		}
	}
	return out
}

// valid reports whether a member's answer counts in a quorum.
func (r *Recovery) valid(pg proto.PG, i int) bool {
	s := r.pgs[pg].members[i].sample
	if s == nil {
		return false
	}
	if r.cfg.Mutants.Has(quorum.WipedMemberVotes) {
		return true
	}
	return s.Status == proto.OK && s.Incarnation == r.cfg.Descriptor.PGs[pg].Members[i].Incarnation
}

// satisfied reports whether a PG has the quorum that the state asks for.
func (r *Recovery) satisfied(pg proto.PG) bool {
	var s quorum.Set
	g := &r.pgs[pg]
	for i := range g.members {
		if r.valid(pg, i) && (r.state == Sampling || r.reached(g, g.members[i].sample.SCL)) {
			s = s.Add(i)
		}
	}
	if r.state == Sampling {
		if r.cfg.Mutants.Has(quorum.ReadQuorumOf2) {
			return s.Len() >= 2
		}
		return g.rule.Read(s)
	}
	if r.cfg.Mutants.Has(quorum.TruncationOnReadQuorum) {
		return g.rule.Read(s)
	}
	return g.rule.Write(s)
}

// reached reports whether a member that installed the truncation holds exactly what is kept.
func (r *Recovery) reached(g *group, scl page.LSN) bool {
	if scl > g.point {
		return r.cfg.Mutants.Has(quorum.TruncationNotPersisted)
	}
	return scl == g.point || r.cfg.Mutants.Has(quorum.NoReplication)
}

func (r *Recovery) allSatisfied() bool {
	for pg := range r.pgs {
		if !r.satisfied(proto.PG(pg)) {
			return false
		}
	}
	return true
}

func (r *Recovery) progress() []Effect {
	switch r.state {
	case Sampling:
		if !r.allSatisfied() {
			return nil
		}
		if err := r.decide(); err != nil {
			return r.fail(err)
		}
		r.state = Installing
		r.forget()
		return r.fenceAll(nil)
	case Installing:
		if r.allSatisfied() {
			r.open()
			return nil
		}
		return r.copies(false)
	}
	return nil
}

// copies asks for members behind their PG's point to be filled, each from a member that has it all.
// A copy under way is not asked for again unless again is set.
func (r *Recovery) copies(again bool) (out []Effect) {
	for pg := range r.pgs {
		g := &r.pgs[pg]
		if r.satisfied(proto.PG(pg)) {
			continue
		}
		var sources []int
		for i := range g.members {
			if r.valid(proto.PG(pg), i) && g.members[i].sample.SCL >= g.point {
				sources = append(sources, i)
			}
		}
		for i := range g.members {
			m := &g.members[i]
			if len(sources) == 0 || !r.valid(proto.PG(pg), i) || m.sample.SCL >= g.point || (m.tries > 0 && !again) {
				continue
			}
			src := sources[(i+m.tries)%len(sources)]
			m.tries++
			out = append(out, Copy{PG: proto.PG(pg), Member: i, Source: g.members[src].node, Target: m.node,
				From: m.sample.SCL, To: g.point, History: r.history.Version})
		}
	}
	return out
}

func (r *Recovery) copied(ev Copied) []Effect {
	if r.state != Installing || int(ev.PG) >= len(r.pgs) || ev.History != r.history.Version {
		return nil
	}
	g := &r.pgs[ev.PG]
	if ev.Member >= len(g.members) || g.members[ev.Member].sample == nil || ev.SCL <= g.members[ev.Member].sample.SCL {
		return nil
	}
	g.members[ev.Member].sample.SCL = ev.SCL
	return r.progress()
}

// retry asks again every node of a PG that lacks its quorum.
func (r *Recovery) retry() []Effect {
	lacking := map[proto.NodeID]bool{}
	for pg := range r.pgs {
		g := &r.pgs[pg]
		if r.satisfied(proto.PG(pg)) {
			continue
		}
		for i := range g.members {
			lacking[g.members[i].node] = true
		}
	}
	out := r.fenceAll(func(id proto.NodeID) bool { return !lacking[id] })
	if r.state == Installing {
		out = append(out, r.copies(true)...)
	}
	return out
}

func (r *Recovery) open() {
	r.state = Open
	for pg := range r.pgs {
		g := &r.pgs[pg]
		p := PGResult{Last: g.point}
		for i := range g.members {
			m := MemberResult{Counts: r.valid(proto.PG(pg), i)}
			if m.Counts {
				m.SCL = min(g.members[i].sample.SCL, g.point)
			}
			p.Members = append(p.Members, m)
		}
		r.res.PGs = append(r.res.PGs, p)
	}
}
