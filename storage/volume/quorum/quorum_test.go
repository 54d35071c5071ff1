package quorum

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/zoryadb/zorya/storage/page"
	"github.com/zoryadb/zorya/storage/proto"
)

func sixWay() *proto.Membership {
	m := &proto.Membership{Epoch: 1, Quorum: proto.SixWay}
	for i := 0; i < 6; i++ {
		kind := proto.Full
		if i%2 == 1 {
			kind = proto.Tail
		}
		m.Members = append(m.Members, proto.Member{Node: proto.NodeID(fmt.Sprint(i)), Kind: kind, Incarnation: 1})
	}
	return m
}

func rule(t testing.TB, mut Mutants) Rule {
	r, err := RuleOf(sixWay(), mut)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func set(members ...int) (s Set) {
	for _, m := range members {
		s = s.Add(m)
	}
	return s
}

func TestSixWay(t *testing.T) {
	r := rule(t, 0) // full: 0, 2, 4
	for _, c := range []struct {
		s           Set
		write, read bool
	}{
		{set(0, 1, 2, 3), true, true},
		{set(0, 2, 4), true, true},    // 3/3 full
		{set(1, 3, 5), false, false},  // three tails
		{set(0, 1, 3), false, true},   // AZ+1: recovery, no writes
		{set(0, 1, 3, 5), true, true}, // one full among four
		{set(0, 2), false, false},     //
		{set(0, 1, 2, 3, 4, 5), true, true},
	} {
		if r.Write(c.s) != c.write || r.Read(c.s) != c.read {
			t.Errorf("%06b: write %v, read %v", c.s, r.Write(c.s), r.Read(c.s))
		}
	}
}

func TestUnsafeRules(t *testing.T) {
	for _, q := range []proto.Quorum{
		{WriteAny: 3, ReadAny: 3},                            // two disjoint write quorums
		{WriteAny: 4, WriteFull: 2, ReadAny: 3, ReadFull: 1}, // two full write, one full and two tails read
		{WriteAny: 4, ReadAny: 2},                            //
		{WriteAny: 4, WriteFull: 3, ReadAny: 3},              // three tails read past a 3/3 full write
		{WriteAny: 7, ReadAny: 3},                            // never enough
	} {
		m := sixWay()
		m.Quorum = q
		if _, err := RuleOf(m, 0); err == nil {
			t.Errorf("%+v was accepted", q)
		}
	}
	m := sixWay()
	m.Members, m.Quorum = m.Members[:1], proto.Quorum{WriteAny: 1, ReadAny: 1}
	if _, err := RuleOf(m, 0); err != nil {
		t.Errorf("a single copy: %v", err)
	}
}

func TestJoint(t *testing.T) {
	// Members 0..5 are the old six, 6 replaces 5.
	a, b := rule(t, 0), rule(t, 0)
	b.n = 7
	b.configs = []config{{all: set(0, 1, 2, 3, 4, 6), full: set(0, 2, 4), q: proto.SixWay}}
	j := Joint(a, b)
	if !j.Write(set(0, 1, 2, 3)) || j.Write(set(0, 1, 3, 5)) || !j.Write(set(0, 1, 3, 5, 6)) || !j.Read(set(0, 1, 6)) {
		t.Error("joint rule is wrong")
	}
	if err := j.Check(); err != nil {
		t.Error(err)
	}
}

// naive is the definition, record by record.
type naive struct {
	recs []struct {
		lsn page.LSN
		pg  int
		cpl bool
	}
	scl  [][]page.LSN
	rule Rule
}

func (n *naive) points() (vcl, vdl page.LSN, pgcl []page.LSN) {
	pgcl = make([]page.LSN, len(n.scl))
	whole := true
	for _, r := range n.recs {
		var s Set
		for i, l := range n.scl[r.pg] {
			if l >= r.lsn {
				s = s.Add(i)
			}
		}
		if n.rule.Write(s) {
			pgcl[r.pg] = r.lsn
		} else {
			whole = false
		}
		if whole {
			vcl = r.lsn
			if r.cpl {
				vdl = r.lsn
			}
		}
	}
	return vcl, vdl, pgcl
}

// drive runs a random history through the tracker and the definition and returns the first difference.
func drive(seed uint64, mut Mutants) error {
	rng := rand.New(rand.NewPCG(seed, 7))
	good, err := RuleOf(sixWay(), 0)
	if err != nil {
		return err
	}
	tested, _ := RuleOf(sixWay(), mut)
	pgs := 1 + rng.IntN(4)
	n := &naive{rule: good}
	tr := NewTracker(0, mut)
	for i := 0; i < pgs; i++ {
		tr.AddPG(tested, 0)
		n.scl = append(n.scl, make([]page.LSN, 6))
	}
	pgLSNs := make([][]page.LSN, pgs)
	lsn := page.LSN(0)
	busy := pgs - rng.IntN(pgs) // the others stay idle
	for step := 0; step < 120; step++ {
		if rng.IntN(3) == 0 { // an MTR
			for left := 1 + rng.IntN(4); left > 0; {
				pg, k := rng.IntN(busy), 1+rng.IntN(left)
				left -= k
				for ; k > 0; k-- {
					lsn++
					n.recs = append(n.recs, struct {
						lsn page.LSN
						pg  int
						cpl bool
					}{lsn, pg, left == 0 && k == 1})
					pgLSNs[pg] = append(pgLSNs[pg], lsn)
				}
				tr.Append(proto.PG(pg), lsn, left == 0, uint64(lsn))
			}
			continue
		}
		pg, m := rng.IntN(pgs), rng.IntN(6)
		if len(pgLSNs[pg]) == 0 {
			continue
		}
		scl := pgLSNs[pg][rng.IntN(len(pgLSNs[pg]))]
		n.scl[pg][m] = max(n.scl[pg][m], scl) // late acks are ignored
		before := tr.VDL()
		advanced, err := tr.Ack(proto.PG(pg), m, scl)
		if err != nil {
			return err
		}
		vcl, vdl, pgcl := n.points()
		if tr.VCL() != vcl || tr.VDL() != vdl || advanced != (vdl > before) {
			return fmt.Errorf("step %d: VCL %d VDL %d, by definition %d %d", step, tr.VCL(), tr.VDL(), vcl, vdl)
		}
		if vdl > 0 && tr.VDLTag() != uint64(vdl) {
			return fmt.Errorf("step %d: tag %d at VDL %d", step, tr.VDLTag(), vdl)
		}
		for i := range pgcl {
			if tr.PGCL(proto.PG(i)) != pgcl[i] {
				return fmt.Errorf("step %d: PG %d at %d, by definition %d", step, i, tr.PGCL(proto.PG(i)), pgcl[i])
			}
			var want page.LSN // newest of the PG at or below VDL
			for _, l := range pgLSNs[i] {
				if l <= vdl {
					want = l
				}
			}
			if got := tr.ReadPoint(proto.PG(i), vdl); got != want {
				return fmt.Errorf("step %d: PG %d read point %d, by definition %d", step, i, got, want)
			}
		}
	}
	return nil
}

func TestTrackerAgainstDefinition(t *testing.T) {
	for seed := uint64(0); seed < 300; seed++ {
		if err := drive(seed, 0); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
	}
}

func TestTrackerMutants(t *testing.T) {
	for _, mut := range []Mutants{WriteQuorumOf3, VDLIsVCL, VCLIsMinPGCL, VCLIsMaxPGCL} {
		caught := false
		for seed := uint64(0); seed < 50 && !caught; seed++ {
			caught = drive(seed, mut) != nil
		}
		if !caught {
			t.Errorf("mutant %b lived", mut)
		}
	}
}

// TestPaperExamples are the worked examples of the two Aurora papers.
func TestPaperExamples(t *testing.T) {
	tr := NewTracker(0, 0)
	tr.AddPG(rule(t, 0), 0)
	tr.AddPG(rule(t, 0), 0)
	for lsn := page.LSN(101); lsn <= 106; lsn++ {
		tr.Append(proto.PG((lsn+1)%2), lsn, lsn%2 == 0, 0) // PG 0 has the odd ones
	}
	for m := 0; m < 4; m++ {
		tr.Ack(0, m, 103)
		tr.Ack(1, m, 104)
	}
	if tr.VCL() != 104 || tr.PGCL(0) != 103 {
		t.Fatalf("VCL %d, PGCL %d", tr.VCL(), tr.PGCL(0))
	}
	tr = NewTracker(800, 0)
	tr.AddPG(rule(t, 0), 800)
	for _, cpl := range []page.LSN{900, 1000, 1007} {
		tr.Append(0, cpl, cpl != 1007, 0)
	}
	for m := 0; m < 4; m++ {
		tr.Ack(0, m, 1007)
	}
	if tr.VCL() != 1007 || tr.VDL() != 1000 {
		t.Fatalf("VCL %d, VDL %d", tr.VCL(), tr.VDL())
	}
}

func TestResetMember(t *testing.T) {
	tr := NewTracker(0, 0)
	tr.AddPG(rule(t, 0), 0)
	tr.Append(0, 1, true, 0)
	for m := 0; m < 4; m++ {
		tr.Ack(0, m, 1)
	}
	tr.SetRule(0, rule(t, 0), set(0))
	tr.Append(0, 2, true, 0)
	for m := 1; m < 4; m++ {
		tr.Ack(0, m, 2)
	}
	if tr.VDL() != 1 || tr.SCL(0, 0) != 0 || tr.SCL(0, 1) != 2 {
		t.Fatalf("VDL %d, SCL %d", tr.VDL(), tr.SCL(0, 0))
	}
	if adv, _ := tr.Ack(0, 0, 2); !adv {
		t.Fatal("the new life does not count")
	}
	if _, err := tr.Ack(0, 5, 3); err == nil {
		t.Fatal("an SCL above the newest record was accepted")
	}
}

func BenchmarkTracker(b *testing.B) {
	tr := NewTracker(0, 0)
	tr.AddPG(rule(b, 0), 0)
	tr.AddPG(rule(b, 0), 0)
	b.ReportAllocs()
	lsn := page.LSN(0)
	for b.Loop() { // a frame of 16 MTRs of two runs, acknowledged by six for both PGs
		for i := 0; i < 16; i++ {
			tr.Append(0, lsn+2, false, 0)
			tr.Append(1, lsn+3, true, 0)
			lsn += 3
		}
		for m := 0; m < 6; m++ {
			tr.Ack(0, m, lsn-1)
			tr.Ack(1, m, lsn)
		}
	}
	if tr.VDL() != lsn {
		b.Fatal(tr.VDL())
	}
}
