// Package sim drives the storage protocol through every kind of failure and checks after each step that
// nothing acknowledged is ever lost and no read is ever wrong.
//
// It runs the product's own pure cores (segment.Core on the nodes; quorum.Tracker and recovery.Recovery in the writers)
// on an event loop ordered by (time, sequence), with a modelled network and modelled disks: messages are lost,
// delayed, duplicated, reordered and cut one way; nodes crash and lose what was not synced, whole AZs too; disks
// are slow, rot, or are wiped; writers die in the middle of a recovery, or live on beside their successor.
//
// A run is a function of its seed alone: the same seed gives the same trace, so a failing seed replays exactly.
// What it checks is in oracle.go, the faults are in faults.go. Mutants (deliberately broken rules of the cores) prove
// that the checks bite: each must be caught within a stated number of seeds (sim_test.go).
//
// What it does not cover: the disk formats and the update queue (storage/node and storage/segment crash those on the
// vfs twin) and the engine's rules (tested in engine/).
package sim

import (
	"container/heap"
	"fmt"
	"io"
	"math/rand/v2"

	"github.com/zoryadb/zorya/storage/page"
	"github.com/zoryadb/zorya/storage/proto"
	"github.com/zoryadb/zorya/storage/segment"
	"github.com/zoryadb/zorya/storage/volume/quorum"
)

// Options describe a run.
type Options struct {
	Seed    uint64
	Segment segment.Mutants
	Quorum  quorum.Mutants
	// Steps bounds the events of the faulty phase; then everything heals and the volume must come to rest.
	Steps int
	// Trace, if set, is told every step in words.
	Trace io.Writer
}

// Stats count what a run did, to show that it exercised something.
type Stats struct {
	Events, MTRs, Acked, Reads, Opens, Crashes, Wipes, Truncated, Rot, Images, Drops, Baselines int

	Based int // seeds in which a member began again from a baseline

	// HealedMS is the time from the end of all faults until everything counts again and no record is missing anywhere, with gossip at its
	// usual pace.
	HealedMS int
	Hash     uint64 // of the trace
}

// Failure is a broken promise, with the time and the seed that replays it.
type Failure struct {
	Seed uint64
	At   segment.Time
	What string
}

func (f *Failure) Error() string {
	return fmt.Sprintf("seed %d at %d us: %s", f.Seed, f.At/1000, f.What)
}

const (
	ms = segment.Time(1e6)
	us = segment.Time(1e3)

	simLAL = 200 // LSNs that a writer may run ahead of VDL
	// healWithin bounds the time from the end of all faults to a volume in which no hole is left: a restart, a recovery, a
	// hydration, and some rounds of questions to peers that may all be asked in vain first. Where gossip is slower it is in proportion.
	healWithin = 300 * ms
	pagesPerPG = 6
)

type event struct {
	at  segment.Time
	seq uint64
	fn  func()
}

type eventHeap []event

func (h eventHeap) Len() int { return len(h) }
func (h eventHeap) Less(i, j int) bool {
	return h[i].at < h[j].at || (h[i].at == h[j].at && h[i].seq < h[j].seq)
}
func (h eventHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *eventHeap) Push(x any)   { *h = append(*h, x.(event)) }
func (h *eventHeap) Pop() any {
	old := *h
	e := old[len(old)-1]
	*h = old[:len(old)-1]
	return e
}

// world is one run.
type world struct {
	o      Options
	rng    *rand.Rand
	now    segment.Time
	seq    uint64
	events eventHeap
	stats  Stats
	failed *Failure

	volume  proto.VolumeID
	desc    proto.Descriptor // the metadata store: always there, linearizable
	nodes   []*node
	writers []*writer
	current *writer // the newest

	faulty bool
	healed segment.Time
	drawl  segment.Time // how much slower gossip is than usual: then what it would have mended is met by other faults
	tidy   bool         // nodes drop log as soon as they may, and a full member loses its disk when its peers have: it needs a baseline
	loss   float64      // of messages, while faulty
	dup    float64
	cut    map[[2]string]bool // one-way: messages from a to b are lost
	// frail are the nodes whose disks may rot (the first two) or be wiped: what the quorum can stand.
	frail []*node

	oracle oracle
}

// Run runs one seed. It returns the first broken promise, or nil.
func Run(o Options) (Stats, *Failure) {
	if o.Steps == 0 {
		o.Steps = 2500
	}
	w := newWorld(o)
	w.startWriter()
	w.scheduleFaults()
	w.faulty = true
	if w.tidy {
		w.wipeWhenDropped()
	}
	for w.stats.Events < o.Steps && w.step() {
	}
	w.heal()
	for limit := w.now + w.drawl*healWithin; w.now < limit && !w.atRest() && w.step(); {
	}
	if w.failed == nil && !w.atRest() {
		w.fail("the healed volume is not whole within %d ms: %s", w.drawl*healWithin/ms, w.unrest())
	}
	w.stats.Based = min(w.stats.Baselines, 1)
	w.stats.HealedMS = int((w.now - w.healed) / ms / w.drawl)
	if w.failed == nil {
		w.finalReads()
	}
	return w.stats, w.failed
}

func newWorld(o Options) *world {
	w := &world{
		o: o, rng: rand.New(rand.NewPCG(o.Seed, 0x5a6f727961)), volume: proto.VolumeID{1},
		cut: map[[2]string]bool{},
	}
	w.oracle.init()
	pgs := 1 + w.rng.IntN(3)
	w.drawl = []segment.Time{1, 1, 4, 16}[w.rng.IntN(4)]
	if w.tidy = o.Seed%4 == 0; w.tidy {
		w.drawl = 1
	}
	w.loss, w.dup = 0.1*w.rng.Float64(), 0.05*w.rng.Float64()
	w.desc = proto.Descriptor{Volume: w.volume, Timeline: 1, PagesPerPG: pagesPerPG}
	for i := range 6 {
		w.nodes = append(w.nodes, newNode(w, i))
	}
	for {
		p := w.rng.Perm(6)[:3]
		if p[0]%2+p[1]%2+p[2]%2 > 0 { // a full member stays
			w.frail = []*node{w.nodes[p[0]], w.nodes[p[1]], w.nodes[p[2]]}
			break
		}
	}
	for pg := range pgs {
		m := proto.Membership{Epoch: 1, Quorum: proto.SixWay}
		for i, n := range w.nodes {
			kind := proto.Full
			if i%2 == 1 {
				kind = proto.Tail
			}
			m.Members = append(m.Members, proto.Member{Node: n.id, AZ: n.az, Kind: kind, Incarnation: 1})
		}
		w.desc.PGs = append(w.desc.PGs, m)
		for _, n := range w.nodes {
			n.create(proto.PG(pg), m, false)
		}
	}
	return w
}

// step runs the next event. It reports false when there is none or a promise was broken.
func (w *world) step() bool {
	if len(w.events) == 0 || w.failed != nil {
		return false
	}
	e := heap.Pop(&w.events).(event)
	w.now = e.at
	w.stats.Events++
	e.fn()
	return w.failed == nil
}

// after runs fn when d has passed.
func (w *world) after(d segment.Time, fn func()) {
	w.seq++
	heap.Push(&w.events, event{w.now + d, w.seq, fn})
}

func (w *world) fail(format string, args ...any) {
	if w.failed == nil {
		w.failed = &Failure{w.o.Seed, w.now, fmt.Sprintf(format, args...)}
		w.trace("FAILED: %s", w.failed.What)
	}
}

// trace notes a step: in the hash always, in words when asked.
func (w *world) trace(format string, args ...any) {
	s := fmt.Sprintf(format, args...)
	for i := range len(s) {
		w.stats.Hash = (w.stats.Hash ^ uint64(s[i])) * 1099511628211
	}
	w.stats.Hash = (w.stats.Hash ^ uint64(w.now)) * 1099511628211
	if w.o.Trace != nil {
		fmt.Fprintf(w.o.Trace, "%9d us  %s\n", w.now/us, s)
	}
}

func (w *world) between(lo, hi segment.Time) segment.Time {
	return lo + segment.Time(w.rng.Int64N(int64(hi-lo)+1))
}

func (w *world) chance(p float64) bool { return w.rng.Float64() < p }

// send delivers fn at the other end after a while, perhaps twice, perhaps never.
func (w *world) send(from, to string, fn func()) {
	copies := 1
	if w.faulty {
		if w.cut[[2]string{from, to}] || w.chance(w.loss) {
			return
		}
		if w.chance(w.dup) {
			copies = 2
		}
	}
	for range copies {
		d := w.between(50*us, 400*us)
		if w.faulty && w.chance(0.05) {
			d = w.between(ms, 30*ms) // overtaken by many
		}
		w.after(d, fn)
	}
}

// rec is a redo record as far as the protocol sees it. id stands for its contents.
type rec struct {
	segment.Link
	pg       proto.PG
	page     page.No
	prevPage page.LSN
	id       uint64
}

func pgOf(no page.No) proto.PG { return proto.PG(no / pagesPerPG) }
