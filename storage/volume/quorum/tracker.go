package quorum

import (
	"fmt"

	"github.com/zoryadb/zorya/storage/page"
	"github.com/zoryadb/zorya/storage/proto"
)

// Tracker turns acknowledgements into PGCL, VCL and VDL. It keeps the records above VDL as runs in LSN
// order: consecutive records of one PG and one MTR. It is not safe for concurrent use, and does not allocate once
// its queue has grown to the largest backlog.
type Tracker struct {
	mut      Mutants
	vcl, vdl page.LSN
	vdlTag   uint64
	last     page.LSN // newest record appended
	pgs      []group
	// queue is a ring (its length a power of two) of the runs [durable, end); those below complete are
	// at or below VCL, but wait for their MTR's CPL.
	queue                  []run
	durable, complete, end uint64
}

type run struct {
	last page.LSN
	tag  uint64
	pg   proto.PG
	cpl  bool
}

type group struct {
	rule        Rule
	scl         []page.LSN // per member, 0 until it acknowledged under its incarnation
	pgcl        page.LSN
	last        page.LSN // newest record appended
	lastDurable page.LSN // newest record at or below VDL
}

// NewTracker returns a tracker of a volume that is open at vdl and has no PG yet.
func NewTracker(vdl page.LSN, mut Mutants) *Tracker {
	return &Tracker{mut: mut, vcl: vdl, vdl: vdl, last: vdl, queue: make([]run, 1024)}
}

// AddPG adds PG number PGs(), whose newest record (durable, at or below VDL) is last; 0 for an empty one.
func (t *Tracker) AddPG(rule Rule, last page.LSN) {
	t.pgs = append(t.pgs, group{rule: rule, scl: make([]page.LSN, rule.Members()), pgcl: last, last: last, lastDurable: last})
}

// PGs is the number of protection groups.
func (t *Tracker) PGs() int { return len(t.pgs) }

// SetRule replaces a PG's rule after a change of membership. Members keep their SCL by index, except
// those in reset, which are new lives: they count from their next ack on. What was durable stays so.
func (t *Tracker) SetRule(pg proto.PG, rule Rule, reset Set) {
	g := &t.pgs[pg]
	g.rule = rule
	scl := make([]page.LSN, rule.Members())
	for i := range scl {
		if i < len(g.scl) && !reset.Has(i) {
			scl[i] = g.scl[i]
		}
	}
	g.scl = scl
}

// Append notes that the records up to last, from the one after the previous call's on, belong to pg;
// cpl says whether last ends an MTR. Calls come in LSN order. tag is returned by VDLTag once VDL has
// passed the run (the client's ring position).
func (t *Tracker) Append(pg proto.PG, last page.LSN, cpl bool, tag uint64) {
	if last <= t.last {
		panic(fmt.Sprintf("quorum: run ending at LSN %d appended after %d", last, t.last))
	}
	if t.end-t.durable == uint64(len(t.queue)) {
		t.grow()
	}
	t.queue[t.end&uint64(len(t.queue)-1)] = run{last: last, tag: tag, pg: pg, cpl: cpl}
	t.end++
	t.last = last
	t.pgs[pg].last = last
}

func (t *Tracker) grow() {
	bigger := make([]run, 2*len(t.queue))
	for i := t.durable; i < t.end; i++ {
		bigger[i&uint64(len(bigger)-1)] = *t.at(i)
	}
	t.queue = bigger
}

func (t *Tracker) at(i uint64) *run { return &t.queue[i&uint64(len(t.queue)-1)] }

// Ack notes that a member holds its PG durably up to scl, without a gap. The caller has checked that the ack is of
// the incarnation in the membership, active and under this epoch. It reports whether VDL advanced.
// An SCL above the PG's newest record cannot be: it is an error and counts for nothing.
func (t *Tracker) Ack(pg proto.PG, member int, scl page.LSN) (advanced bool, err error) {
	if int(pg) >= len(t.pgs) || member >= len(t.pgs[pg].scl) {
		return false, fmt.Errorf("ack of PG %d member %d: no such member", pg, member)
	}
	g := &t.pgs[pg]
	if scl > g.last {
		return false, fmt.Errorf("ack of PG %d member %d: SCL %d above the newest record %d", pg, member, scl, g.last)
	}
	if scl <= g.scl[member] {
		return false, nil // late or duplicate
	}
	g.scl[member] = scl
	if scl <= g.pgcl {
		return false, nil
	}
	p := g.rule.Point(g.scl)
	if p <= g.pgcl {
		return false, nil
	}
	g.pgcl = p
	return t.advance(), nil
}

// advance moves VCL over complete records and VDL to the last CPL passed.
func (t *Tracker) advance() bool {
	before := t.vdl
	for t.complete < t.end {
		r := t.at(t.complete)
		reached := t.frontier(r.pg)
		if reached < r.last {
			t.vcl = max(t.vcl, reached) // part of the run
			break
		}
		t.vcl = r.last
		t.complete++
		if r.cpl {
			t.reach(r.last, r.tag)
		}
	}
	if t.mut.Has(VDLIsVCL) {
		t.vdl = t.vcl
	}
	return t.vdl > before
}

// frontier is the LSN up to which the records of pg are known to be on a write quorum.
func (t *Tracker) frontier(pg proto.PG) page.LSN {
	switch {
	case t.mut.Has(VCLIsMinPGCL):
		lowest := proto.MaxLSN
		for i := range t.pgs {
			lowest = min(lowest, t.pgs[i].pgcl)
		}
		return lowest
	case t.mut.Has(VCLIsMaxPGCL):
		var highest page.LSN
		for i := range t.pgs {
			highest = max(highest, t.pgs[i].pgcl)
		}
		return highest
	}
	return t.pgs[pg].pgcl
}

func (t *Tracker) reach(vdl page.LSN, tag uint64) {
	t.vdl, t.vdlTag = vdl, tag
	for ; t.durable < t.complete; t.durable++ {
		r := t.at(t.durable)
		t.pgs[r.pg].lastDurable = r.last
	}
}

// VCL is the volume complete LSN: every record at or below is on a write quorum.
func (t *Tracker) VCL() page.LSN { return t.vcl }

// VDL is the volume durable LSN: the highest CPL at or below VCL.
func (t *Tracker) VDL() page.LSN { return t.vdl }

// VDLTag is the tag of the run that ends at VDL; 0 before the first.
func (t *Tracker) VDLTag() uint64 { return t.vdlTag }

// Pending is the number of runs above VDL.
func (t *Tracker) Pending() int { return int(t.end - t.durable) }

// PGCL is the LSN up to which a write quorum of the PG holds its records.
func (t *Tracker) PGCL(pg proto.PG) page.LSN { return t.pgs[pg].pgcl }

// SCL is what a member last acknowledged.
func (t *Tracker) SCL(pg proto.PG, member int) page.LSN { return t.pgs[pg].scl[member] }

// Last is the newest record of the PG.
func (t *Tracker) Last(pg proto.PG) page.LSN { return t.pgs[pg].last }

// ReadPoint is the SCL that suffices to read pages of the PG as of lsn <= VDL: at least the PG's
// last LSN at or below lsn, and never more than a write quorum has.
func (t *Tracker) ReadPoint(pg proto.PG, lsn page.LSN) page.LSN {
	return min(lsn, t.pgs[pg].lastDurable)
}
