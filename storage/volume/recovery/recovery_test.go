package recovery

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/zoryadb/zorya/storage/page"
	"github.com/zoryadb/zorya/storage/proto"
	"github.com/zoryadb/zorya/storage/volume/quorum"
)

const testLAL = 1000

// A world is a volume of several PGs on six nodes, of which members are as simple as can be: they keep
// every record they ever got. Generations of writers append, are overtaken and recover in it.
type world struct {
	rng   *rand.Rand
	mut   quorum.Mutants
	desc  proto.Descriptor
	nodes map[proto.NodeID]*node
	ids   []proto.NodeID
	// committed are the records at or below a VDL that any writer acknowledged or opened at.
	committed map[int]rec
	nextID    int
}

type rec struct {
	id             int
	pg             proto.PG
	lsn, prev, ppg page.LSN
	epoch          uint64
	cpl            bool
}

type node struct {
	epoch   uint64
	history proto.History
	segs    []*seg
	down    bool
}

type seg struct {
	inc  uint64
	stat proto.Status
	recs map[page.LSN]rec
	vdl  page.LSN
}

// chain is the live records linked without a gap.
func (n *node) chain(pg proto.PG) (out []rec) {
	by := map[page.LSN]rec{}
	for _, r := range n.segs[pg].recs {
		if n.history.Live(r.lsn) {
			by[r.ppg] = r
		}
	}
	for at := page.LSN(0); ; {
		r, ok := by[at]
		if !ok {
			return out
		}
		out, at = append(out, r), r.lsn
	}
}

func (n *node) scl(pg proto.PG) page.LSN {
	c := n.chain(pg)
	if len(c) == 0 {
		return 0
	}
	return c[len(c)-1].lsn
}

func (n *node) fence(q *proto.FenceRequest) *proto.FenceReply {
	if q.Epoch < n.epoch {
		return &proto.FenceReply{Status: proto.StatusStaleEpoch, Epoch: n.epoch}
	}
	n.epoch = q.Epoch
	if q.History.Version < n.history.Version {
		return &proto.FenceReply{Status: proto.StatusStaleHistory, Epoch: n.epoch, History: n.history}
	}
	if q.History.Version > n.history.Version {
		n.history = q.History
	}
	p := &proto.FenceReply{Epoch: n.epoch, History: n.history}
	for pg, s := range n.segs {
		m := proto.Sample{PG: proto.PG(pg), Incarnation: s.inc, MembershipEpoch: 1, Status: s.stat, VDL: s.vdl}
		for _, r := range n.chain(proto.PG(pg)) {
			m.SCL = r.lsn
			if r.lsn <= s.vdl {
				m.AtVDL = r.lsn
			} else {
				m.Above = append(m.Above, proto.ChainLSN{LSN: r.lsn, PrevVolume: r.prev, PrevPG: r.ppg, Epoch: r.epoch, CPL: r.cpl})
			}
		}
		p.Segments = append(p.Segments, m)
	}
	return p
}

func newWorld(seed uint64, mut quorum.Mutants) *world {
	w := &world{rng: rand.New(rand.NewPCG(seed, 11)), mut: mut, nodes: map[proto.NodeID]*node{}, committed: map[int]rec{}}
	m := proto.Membership{Epoch: 1, Quorum: proto.SixWay}
	pgs := 1 + w.rng.IntN(3)
	for i := 0; i < 6; i++ {
		id := proto.NodeID(fmt.Sprintf("n%d", i))
		m.Members = append(m.Members, proto.Member{Node: id, Kind: proto.Kind(1 + i%2), Incarnation: 1})
		n := &node{history: Initial(0)}
		for pg := 0; pg < pgs; pg++ {
			n.segs = append(n.segs, &seg{inc: 1, recs: map[page.LSN]rec{}})
		}
		w.nodes[id] = n
		w.ids = append(w.ids, id)
	}
	for pg := 0; pg < pgs; pg++ {
		w.desc.PGs = append(w.desc.PGs, m)
	}
	return w
}

// writer is an open volume: it sends to all members and believes only fenced ones.
type writer struct {
	w     *world
	epoch uint64
	hist  uint64
	lsn   page.LSN
	base  page.LSN
	prev  page.LSN
	ppg   []page.LSN
	tr    *quorum.Tracker
	mine  []rec
	done  int // of mine, committed
}

func (w *world) writer(epoch uint64, r *Result) *writer {
	x := &writer{w: w, epoch: epoch, hist: r.History.Version, lsn: r.Base, base: r.Base, prev: r.VDL, tr: quorum.NewTracker(r.VDL, w.mut)}
	for pg, p := range r.PGs {
		rule, _ := quorum.RuleOf(&w.desc.PGs[pg], w.mut)
		x.tr.AddPG(rule, p.Last)
		x.ppg = append(x.ppg, p.Last)
	}
	return x
}

// step appends an MTR or delivers some records somewhere.
func (x *writer) step() {
	rng := x.w.rng
	if rng.IntN(4) == 0 {
		for left := 1 + rng.IntN(3); left > 0; left-- {
			if x.lsn+1 > max(x.tr.VDL(), x.base)+testLAL {
				return
			}
			x.lsn++
			pg := proto.PG(rng.IntN(len(x.ppg)))
			r := rec{id: x.w.nextID, pg: pg, lsn: x.lsn, prev: x.prev, ppg: x.ppg[pg], epoch: x.epoch, cpl: left == 1}
			x.w.nextID++
			x.prev, x.ppg[pg] = x.lsn, x.lsn
			x.mine = append(x.mine, r)
			x.tr.Append(pg, x.lsn, left == 1, 0)
		}
		return
	}
	m := rng.IntN(6)
	n := x.w.nodes[x.w.ids[m]]
	if n.down || n.epoch != x.epoch || n.history.Version != x.hist || len(x.mine) == 0 {
		return
	}
	from := rng.IntN(len(x.mine))
	for _, r := range x.mine[from:min(len(x.mine), from+1+rng.IntN(12))] {
		s := n.segs[r.pg]
		s.recs[r.lsn] = r
		if rng.IntN(3) == 0 {
			s.vdl = max(s.vdl, x.tr.VDL())
		}
		if scl := n.scl(r.pg); s.stat == proto.OK && scl >= r.lsn {
			x.tr.Ack(r.pg, m, min(scl, x.tr.Last(r.pg)))
		}
	}
	for x.done < len(x.mine) && x.mine[x.done].lsn <= x.tr.VDL() {
		x.w.committed[x.mine[x.done].id] = x.mine[x.done]
		x.done++
	}
}

// check says what is wrong with the volume as opened by r.
func (w *world) check(r *Result) error {
	for _, c := range w.committed {
		if !r.History.Live(c.lsn) || c.lsn > r.VDL {
			return fmt.Errorf("committed LSN %d (record %d of epoch %d) is gone: VDL %d, history %v", c.lsn, c.id, c.epoch, r.VDL, r.History.Intervals)
		}
		var has, unsafe quorum.Set
		for i, id := range w.ids {
			n := w.nodes[id]
			got, ok := n.segs[c.pg].recs[c.lsn]
			if ok && got.id == c.id && n.scl(c.pg) >= c.lsn && n.segs[c.pg].stat == proto.OK {
				has = has.Add(i)
			}
			if ok && got.id != c.id {
				unsafe = unsafe.Add(i)
			}
		}
		rule, _ := quorum.RuleOf(&w.desc.PGs[c.pg], 0)
		if !rule.Write(has) || unsafe != 0 {
			return fmt.Errorf("committed LSN %d (record %d) is on %06b, another in its place on %06b", c.lsn, c.id, has, unsafe)
		}
	}
	for pg := range w.desc.PGs { // what lies above must be dead or gone, wherever it counts
		for i, id := range w.ids {
			if n := w.nodes[id]; r.PGs[pg].Members[i].Counts && n.scl(proto.PG(pg)) > r.VDL {
				return fmt.Errorf("PG %d on %s reaches %d above VDL %d", pg, id, n.scl(proto.PG(pg)), r.VDL)
			}
		}
	}
	return nil
}

// keep notes as committed what an opened volume contains: readers see it.
func (w *world) keep(r *Result) error {
	whole := true
	var all []rec
	seen := map[page.LSN]bool{}
	for pg := range w.desc.PGs {
		for i, id := range w.ids {
			if r.PGs[pg].Members[i].Counts && r.PGs[pg].Members[i].SCL == r.PGs[pg].Last {
				for _, c := range w.nodes[id].chain(proto.PG(pg)) {
					if c.lsn <= r.VDL && !seen[c.lsn] {
						seen[c.lsn] = true
						all = append(all, c)
					}
				}
			}
		}
	}
	slices.SortFunc(all, func(a, b rec) int { return int(a.lsn) - int(b.lsn) })
	at := page.LSN(0)
	for _, c := range all {
		if c.prev != at {
			return fmt.Errorf("the volume chain breaks at LSN %d: it follows %d, not %d", c.lsn, c.prev, at)
		}
		at, whole = c.lsn, c.cpl
		w.committed[c.id] = c
	}
	if !whole || at != r.VDL {
		return fmt.Errorf("VDL %d does not end an MTR (last record %d)", r.VDL, at)
	}
	return nil
}

// copyLog carries out a Copy: fetch from source, append to target.
func (w *world) copyLog(c Copy) Copied {
	src, dst := w.nodes[c.Source], w.nodes[c.Target]
	if src.down || dst.down || src.history.Version != c.History || dst.history.Version != c.History {
		return Copied{PG: c.PG, Member: c.Member}
	}
	for _, r := range src.chain(c.PG) {
		if r.lsn > c.From && r.lsn <= c.To {
			dst.segs[c.PG].recs[r.lsn] = r
		}
	}
	return Copied{PG: c.PG, Member: c.Member, History: c.History, SCL: dst.scl(c.PG)}
}

// recover runs a recovery with messages lost, late and out of order, beside the old writer. It returns
// nil when it was interrupted.
func (w *world) recover(old *writer, interrupt bool) (*Result, error) {
	w.desc.Epoch++
	desc := w.desc
	r, err := New(Config{Descriptor: &desc, History: Initial(0), LAL: testLAL, Mutants: w.mut})
	if err != nil {
		return nil, err
	}
	for _, id := range w.ids {
		w.nodes[id].down = false
	}
	for d := w.rng.IntN(3 - w.wiped()); d > 0; d-- { // a write quorum of the six is left
		w.nodes[w.ids[w.rng.IntN(6)]].down = true
	}
	box := []any{}
	put := func(fx []Effect) {
		for _, e := range fx {
			box = append(box, e)
		}
	}
	put(r.Start())
	for step := 0; step < 4000; step++ {
		if interrupt && w.rng.IntN(30) == 0 {
			return nil, nil
		}
		if old != nil && w.rng.IntN(3) == 0 {
			old.step()
			continue
		}
		if len(box) == 0 || w.rng.IntN(40) == 0 {
			put(r.Step(Retry{}))
			continue
		}
		i := w.rng.IntN(len(box))
		m := box[i]
		if w.rng.IntN(10) > 0 { // else it will be delivered again
			box = slices.Delete(box, i, i+1)
		}
		if w.rng.IntN(10) == 0 {
			continue // lost
		}
		switch m := m.(type) {
		case SendFence:
			if n := w.nodes[m.Node]; !n.down {
				box = append(box, Fenced{Node: m.Node, Request: m.Request, Reply: n.fence(m.Request)})
			}
		case Copy:
			box = append(box, w.copyLog(m))
		case Event:
			put(r.Step(m))
		}
		if r.State() == Failed {
			return nil, r.Err()
		}
		if r.State() == Open {
			return r.Result(), nil
		}
	}
	return nil, fmt.Errorf("stuck: %s", r.Waiting())
}

// run plays some generations of writers and returns the first thing that is wrong.
func run(seed uint64, mut quorum.Mutants) error {
	w := newWorld(seed, mut)
	var old *writer
	for gen := 0; gen < 6; gen++ {
		if mut.Has(quorum.WipedMemberVotes) || w.rng.IntN(4) == 0 {
			w.wipe()
		}
		for i := w.rng.IntN(3); i > 0; i-- {
			if _, err := w.recover(old, true); err != nil {
				return err
			}
		}
		r, err := w.recover(old, false)
		if err != nil {
			return err
		}
		if err := w.check(r); err != nil {
			return err
		}
		if err := w.keep(r); err != nil {
			return err
		}
		x := w.writer(w.desc.Epoch, r)
		for i := 0; i < 60+w.rng.IntN(200); i++ {
			x.step()
			if old != nil && w.rng.IntN(4) == 0 {
				old.step()
			}
		}
		w.heal(x)
		old = x
	}
	return nil
}

func (w *world) wiped() int {
	for _, id := range w.ids {
		if w.nodes[id].segs[0].stat != proto.OK {
			return 1
		}
	}
	return 0
}

// wipe empties one member for good: it answers, but counts in no quorum.
func (w *world) wipe() {
	if w.wiped() > 0 {
		return
	}
	n := w.nodes[w.ids[w.rng.IntN(6)]]
	for _, s := range n.segs {
		s.stat, s.recs, s.vdl = proto.StatusHydrating, map[page.LSN]rec{}, 0
	}
}

// heal gives members that lag what a peer has, as gossip does.
func (w *world) heal(x *writer) {
	for range 10 {
		src, dst := w.nodes[w.ids[w.rng.IntN(6)]], w.nodes[w.ids[w.rng.IntN(6)]]
		for pg := range w.desc.PGs {
			for _, c := range src.chain(proto.PG(pg)) {
				if src.history.Version == dst.history.Version {
					dst.segs[pg].recs[c.lsn] = c
				}
			}
		}
	}
}

func TestGenerations(t *testing.T) {
	seeds := uint64(60)
	if testing.Short() {
		seeds = 20
	}
	for seed := uint64(0); seed < seeds; seed++ {
		if err := run(seed, 0); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
	}
}

// TestMutants: each fault must be noticed within 400 seeds, by wrong data or by a recovery that fails.
func TestMutants(t *testing.T) {
	for name, mut := range map[string]quorum.Mutants{
		"write quorum of 3":         quorum.WriteQuorumOf3,
		"VDL is VCL":                quorum.VDLIsVCL,
		"VCL is max PGCL":           quorum.VCLIsMaxPGCL,
		"sample before fence":       quorum.SampleBeforeFence,
		"sample unfenced":           quorum.SampleUnfenced | quorum.SampleStaleHistory,
		"sample of a stale history": quorum.SampleStaleHistory,
		"wiped member votes":        quorum.WipedMemberVotes,
		"read quorum of 2":          quorum.ReadQuorumOf2,
		"truncate at VCL":           quorum.TruncateAtVCL,
		"truncation not persisted":  quorum.TruncationNotPersisted,
		"truncation on read quorum": quorum.TruncationOnReadQuorum,
		"truncation without epoch":  quorum.TruncationWithoutEpoch,
		"truncation too short":      quorum.TruncationTooShort,
		"no replication":            quorum.NoReplication,
		"walk from the lowest VDL":  quorum.WalkFromLowestVDL,
	} {
		t.Run(name, func(t *testing.T) {
			first := uint64(0)
			if mut == quorum.SampleBeforeFence {
				first = 190 // a rare one: nothing is gained by the seeds before
			}
			for seed := first; seed < 400; seed++ {
				if err := run(seed, mut); err != nil {
					t.Logf("seed %d: %v", seed, err)
					return
				}
			}
			t.Error("the mutant lived")
		})
	}
}

func TestFencedByNewer(t *testing.T) {
	w := newWorld(1, 0)
	w.desc.Epoch = 5
	r, err := New(Config{Descriptor: &w.desc, History: Initial(0), LAL: testLAL})
	if err != nil {
		t.Fatal(err)
	}
	w.nodes["n3"].epoch = 6
	for _, e := range r.Start() {
		if f := e.(SendFence); f.Node == "n3" {
			r.Step(Fenced{Node: f.Node, Request: f.Request, Reply: w.nodes["n3"].fence(f.Request)})
		}
	}
	if r.State() != Failed || !errors.Is(r.Err(), ErrFenced) {
		t.Fatalf("%v, %v", r.State(), r.Err())
	}
}
