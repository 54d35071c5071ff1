// Package txn owns transaction ids, the transaction table (who is active, who ended at which LSN) and snapshots.
//
// A snapshot is {LSN, low, next}: a version is visible when its transaction ended at or below LSN. Ids below low did, ids
// from next on did not, the table answers for those between. A reader's own id is the caller's business.
//
// Invariants:
//   - An id's end LSN enters the table inside the append's critical section (Ended in volume.Append's inOrder), so at a
//     given VDL the table knows every transaction that ended at or below it.
//   - New snapshots are taken at VDL: nobody sees what a crash could take back.
//   - A rolled-back transaction ends at an LSN too: that of the MTR that closed its undo. By then none of its versions is left.
//   - Purge may remove a version when the transaction that replaced it is visible to every open snapshot and to one taken now.
//   - Ids are dense, reserved in batches, and never used again: the durable bound is raised before the first id of a batch
//     is given out.
//
// Memory: 8 bytes for each id above the oldest snapshot's low; transactions that stay active for very long move to a list of their
// own and old snapshots freeze to explicit lists, so neither makes the table grow without bound.
package txn

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/zoryadb/zorya/storage/page"
)

const (
	chunkIDs = 4096
	// Batch is how many ids one durable reservation covers.
	Batch = 1 << 16
	// straggler is how far ids may run ahead of an active transaction before it moves to the list of stragglers.
	straggler = 16 * chunkIDs
	// freezeAfter is how many ids may lie above the oldest snapshot's low before old snapshots are frozen.
	freezeAfter = 64 * chunkIDs
)

type chunk [chunkIDs]atomic.Uint64 // end LSN, 0 while active or not given out

type directory struct {
	base   uint64 // first id of chunks[0], a multiple of chunkIDs
	chunks []*chunk
}

// Table is the transaction table of one instance.
type Table struct {
	vdl     func() page.LSN
	reserve func(ctx context.Context, bound uint64) error

	dir atomic.Pointer[directory]

	mu         sync.Mutex
	next       uint64 // the id to be given out next
	bound      uint64 // ids below are reserved durably
	low        uint64 // ids below ended at or below some VDL, but for stragglers
	stragglers map[uint64]uint64
	strays     atomic.Int32   // len(stragglers)
	snaps      Snapshot       // ring of open snapshots, oldest first; the root is no snapshot
	active     map[uint64]any // the caller's objects of active ids
	reserving  sync.Mutex
}

// Snapshot is a consistent view. The zero value is closed. It must not be copied while open.
type Snapshot struct {
	LSN        page.LSN
	low, next  uint64
	strays     []uint64 // ids below low that are not visible
	frozen     atomic.Pointer[[]uint64]
	t          *Table
	prev, succ *Snapshot
	open       bool // the owner's
}

// New makes a table whose first id is next, which is durably reserved up to bound. vdl reports the volume's VDL; reserve
// raises the durable bound: it returns once the change is in the log.
func New(next, bound uint64, vdl func() page.LSN, reserve func(ctx context.Context, bound uint64) error) *Table {
	t := &Table{vdl: vdl, reserve: reserve, next: next, bound: bound, low: next,
		stragglers: map[uint64]uint64{}, active: map[uint64]any{}}
	t.snaps.prev, t.snaps.succ = &t.snaps, &t.snaps
	first := new(chunk)
	for i := range next % chunkIDs { // ended, before the instance opened, as all below the first chunk are
		first[i].Store(1)
	}
	t.dir.Store(&directory{base: next / chunkIDs * chunkIDs, chunks: []*chunk{first}})
	return t
}

// Recover enters a transaction that was active when the volume was last open. Before any snapshot is taken.
func (t *Table) Recover(id uint64, who any) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if id >= t.next {
		return fmt.Errorf("recovered transaction %d is not below the next id %d", id, t.next)
	}
	t.stragglers[id] = 0
	t.strays.Store(int32(len(t.stragglers)))
	t.active[id] = who
	return nil
}

// Begin gives out an id and enters who as its active transaction.
func (t *Table) Begin(ctx context.Context, who any) (uint64, error) {
	for {
		t.mu.Lock()
		if t.next < t.bound {
			id := t.next
			t.next++
			t.room(id)
			t.active[id] = who
			t.mu.Unlock()
			return id, nil
		}
		t.mu.Unlock()
		if err := t.extend(ctx); err != nil {
			return 0, err
		}
	}
}

func (t *Table) extend(ctx context.Context) error {
	t.reserving.Lock()
	defer t.reserving.Unlock()
	t.mu.Lock()
	bound, need := t.bound+Batch, t.next >= t.bound
	t.mu.Unlock()
	if !need {
		return nil
	}
	if err := t.reserve(ctx, bound); err != nil {
		return fmt.Errorf("reserve transaction ids up to %d: %w", bound, err)
	}
	t.mu.Lock()
	t.bound = bound
	t.mu.Unlock()
	return nil
}

// room makes the chunk of id exist.
func (t *Table) room(id uint64) {
	d := t.dir.Load()
	if id < d.base+uint64(len(d.chunks))*chunkIDs {
		return
	}
	t.trim()
	d = t.dir.Load()
	n := &directory{base: d.base, chunks: append(slices.Clone(d.chunks), new(chunk))}
	t.dir.Store(n)
}

// trim drops the chunks that no snapshot asks for, freezing old snapshots when there are too many.
func (t *Table) trim() {
	t.advance(t.vdl())
	keep := t.low
	for s := t.snaps.succ; s != &t.snaps; s = s.succ {
		if s.frozen.Load() != nil {
			continue
		}
		if s.low < keep && t.next-s.low > freezeAfter {
			t.freeze(s)
			continue
		}
		keep = min(keep, s.low)
	}
	d := t.dir.Load()
	n := 0
	for n < len(d.chunks)-1 && d.base+uint64(n+1)*chunkIDs <= keep {
		n++
	}
	if n > 0 {
		t.dir.Store(&directory{base: d.base + uint64(n)*chunkIDs, chunks: slices.Clone(d.chunks[n:])})
	}
}

// freeze gives s the list of ids in [low, next) that it does not see.
func (t *Table) freeze(s *Snapshot) {
	ids := []uint64{}
	for id := s.low; id < s.next; id++ {
		if end := t.end(id); end == 0 || end > s.LSN {
			ids = append(ids, id)
		}
	}
	s.frozen.Store(&ids)
}

// advance raises low past ids that ended at or below vdl, and past stragglers.
func (t *Table) advance(vdl page.LSN) {
	for t.low < t.next {
		end := t.load(t.low)
		if end == 0 || end > vdl {
			if t.next-t.low < straggler {
				break
			}
			t.stragglers[t.low] = uint64(end)
			t.strays.Store(int32(len(t.stragglers)))
		}
		t.low++
	}
	if len(t.stragglers) > 0 {
		for id, end := range t.stragglers {
			if end != 0 && page.LSN(end) <= vdl {
				delete(t.stragglers, id)
			}
		}
		t.strays.Store(int32(len(t.stragglers)))
	}
}

func (t *Table) load(id uint64) page.LSN {
	d := t.dir.Load()
	if id < d.base {
		return 1 // dropped: ended long ago
	}
	i := (id - d.base) / chunkIDs
	if i >= uint64(len(d.chunks)) {
		return 0
	}
	return page.LSN(d.chunks[i][id%chunkIDs].Load())
}

// end is load, with stragglers. t.mu is held.
func (t *Table) end(id uint64) page.LSN {
	if end, ok := t.stragglers[id]; ok {
		return page.LSN(end)
	}
	return t.load(id)
}

// Ended publishes that id ended at lsn. It is called inside the append of the record that ends it.
func (t *Table) Ended(id uint64, lsn page.LSN) {
	t.mu.Lock()
	if _, ok := t.stragglers[id]; ok {
		t.stragglers[id] = uint64(lsn)
	}
	if d := t.dir.Load(); id >= d.base {
		d.chunks[(id-d.base)/chunkIDs][id%chunkIDs].Store(uint64(lsn))
	}
	delete(t.active, id)
	t.mu.Unlock()
}

// End returns the LSN at which id ended, 0 while it is active. It is exact for ids that a snapshot taken now does not see.
func (t *Table) End(id uint64) page.LSN {
	if t.strays.Load() > 0 {
		t.mu.Lock()
		defer t.mu.Unlock()
		return t.end(id)
	}
	return t.load(id)
}

// Who returns the object of an active id, nil when it is not active.
func (t *Table) Who(id uint64) any {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.active[id]
}

// Each calls fn for each active id's object.
func (t *Table) Each(fn func(id uint64, who any)) {
	t.mu.Lock()
	type pair struct {
		id  uint64
		who any
	}
	all := make([]pair, 0, len(t.active))
	for id, w := range t.active {
		all = append(all, pair{id, w})
	}
	t.mu.Unlock()
	for _, p := range all {
		fn(p.id, p.who)
	}
}

// Active is the number of active ids, Next the id to be given out next.
func (t *Table) Active() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.active)
}

// Next is the id that the next transaction gets.
func (t *Table) Next() uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.next
}

// Open takes a snapshot at VDL.
func (t *Table) Open(s *Snapshot) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.fill(s)
	s.prev, s.succ = t.snaps.prev, &t.snaps
	s.prev.succ, t.snaps.prev = s, s
	s.open = true
}

func (t *Table) fill(s *Snapshot) {
	s.t = t
	s.LSN = t.vdl()
	t.advance(s.LSN)
	s.low, s.next = t.low, t.next
	s.strays = s.strays[:0]
	s.frozen.Store(nil)
	for id, end := range t.stragglers {
		if end == 0 || page.LSN(end) > s.LSN {
			s.strays = append(s.strays, id)
		}
	}
	slices.Sort(s.strays)
}

// Close gives s back: purge may pass it.
func (s *Snapshot) Close() {
	if !s.open {
		return
	}
	s.open = false
	s.t.mu.Lock()
	s.prev.succ, s.succ.prev = s.succ, s.prev
	s.prev, s.succ = nil, nil
	s.t.mu.Unlock()
}

// Next is the id from which on s sees nothing.
func (s *Snapshot) Next() uint64 { return s.next }

// IsOpen reports whether s is open.
func (s *Snapshot) IsOpen() bool { return s.open }

// Sees reports whether the versions of transaction id are visible to s.
func (s *Snapshot) Sees(id uint64) bool {
	if id < s.low {
		if len(s.strays) == 0 {
			return true
		}
		_, stray := slices.BinarySearch(s.strays, id)
		return !stray
	}
	if id >= s.next {
		return false
	}
	if f := s.frozen.Load(); f != nil {
		_, hidden := slices.BinarySearch(*f, id)
		return !hidden
	}
	end := s.t.End(id)
	if f := s.frozen.Load(); f != nil { // frozen meanwhile: the chunk may be gone
		_, hidden := slices.BinarySearch(*f, id)
		return !hidden
	}
	return end != 0 && end <= s.LSN
}

// PurgeView makes v the view behind which nobody looks: the oldest open snapshot's, else one of now. v is not open; it holds until
// the oldest snapshot closes and longer, since views only move on. floor, if not nil, is a bound on its LSN from elsewhere.
func (t *Table) PurgeView(v *Snapshot, floor func() page.LSN) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.fill(v)
	ids := []uint64{}
	if o := t.snaps.succ; o != &t.snaps {
		v.LSN = o.LSN
		v.strays = append(v.strays[:0], o.strays...)
		v.low, v.next = o.low, o.next
		if f := o.frozen.Load(); f != nil {
			v.frozen.Store(f)
			return
		}
	}
	if floor != nil {
		v.LSN = min(v.LSN, floor())
	}
	for id := v.low; id < v.next; id++ {
		if end := t.end(id); end == 0 || end > v.LSN {
			ids = append(ids, id)
		}
	}
	v.frozen.Store(&ids)
}

// Views is the number of open snapshots.
func (t *Table) Views() (n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for s := t.snaps.succ; s != &t.snaps; s = s.succ {
		n++
	}
	return n
}

// Oldest is the LSN of the oldest open snapshot, VDL when there is none.
func (t *Table) Oldest() page.LSN {
	t.mu.Lock()
	defer t.mu.Unlock()
	if o := t.snaps.succ; o != &t.snaps {
		return o.LSN
	}
	return t.vdl()
}
