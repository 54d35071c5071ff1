package volume

import (
	"context"
	"fmt"
	"math/bits"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/zoryadb/zorya/base/wait"
	"github.com/zoryadb/zorya/storage/page"
	"github.com/zoryadb/zorya/storage/proto"
	"github.com/zoryadb/zorya/storage/redo"
)

// ring is the log buffer: one big array into which appenders encode records and from which every
// storage node's cursor sends them, without another copy.
//
// Positions and run indexes are counted from 0 for ever; masked, they index the arrays. A run is a
// stretch of records of one PG within one MTR: what a frame is made of and what the tracker counts.
//
//	runs:   [tailRun ........ published ........ runHead)
//	         still needed by a cursor            reserved, still being encoded
//
// Invariants:
//   - LSNs, links, ring space and run entries are given out in one short critical section, in the same order. Header,
//     checksum and copy run outside it, in parallel.
//   - published covers whole MTRs, and only those whose predecessors are complete too.
//   - Nothing at or above tail is overwritten. tail <= every cursor that is not dropped, every frame under way, and VDL's run.
type ring struct {
	buf   []byte
	size  uint64 // of buf, a power of two
	runs  []runEntry
	slots []slot
	ppg   uint64 // pages per PG
	epoch uint64

	mu      sync.Mutex
	lsn     page.LSN   // newest given out
	limit   page.LSN   // none is given out above: max(VDL, base)+LAL
	prev    page.LSN   // newest record in the volume
	pgLast  []page.LSN // newest record of each PG
	head    uint64     // position behind the newest reservation
	runHead uint64
	seq     uint64 // of the next MTR
	tailPos uint64
	tailRun uint64
	dead    error         // no more is sent: the log goes nowhere
	more    chan struct{} // closed when space was freed or dead was set; nil when nobody waits

	pub       sync.Mutex // held by the one who publishes
	pubSeq    atomic.Uint64
	published atomic.Uint64 // run index
	// pubLSN and pubPos are the newest LSN below published and the position behind it: hints, for they change one after the other.
	pubLSN, pubPos atomic.Uint64
	onPublish      func()
	onPress        func(page.LSN) // somebody waits for room, which comes when the log up to that LSN is durable

	late bool // quorum.LatePublish, for tests

	mtrs, records, bytes atomic.Uint64
}

// runEntry is pointer-free, so that the collector does not look at it.
type runEntry struct {
	pos  uint64
	last page.LSN
	n    uint32 // bytes
	pg   proto.PG
	cpl  bool
}

// slot says that the MTR of its sequence number is encoded.
type slot struct {
	done   atomic.Uint64 // seq+1
	runEnd uint64
}

// bytesPerRun sizes the array of runs: with smaller ones it fills before the buffer does.
const bytesPerRun = 256

func newRing(size int, ppg uint32, epoch uint64, onPublish func()) *ring {
	size = 1 << bits.Len(uint(size-1))
	n := size / bytesPerRun
	return &ring{
		buf: make([]byte, size), size: uint64(size), runs: make([]runEntry, n), slots: make([]slot, n),
		ppg: uint64(ppg), epoch: epoch, onPublish: onPublish,
	}
}

func (r *ring) run(i uint64) *runEntry { return &r.runs[i&uint64(len(r.runs)-1)] }

// span is the bytes of [from, to), which does not wrap.
func (r *ring) span(from, to uint64) []byte {
	at := from & (r.size - 1)
	return r.buf[at : at+to-from]
}

// recordOverhead bounds what a record adds to its payload: header and varints.
const recordOverhead = 16 + 5*10

// bound is the most space that an MTR takes: its records, and the page list (a zigzag delta a page).
func bound(records, payload int) uint64 {
	return uint64(payload + records*(recordOverhead+10))
}

// fits reports whether an MTR can be appended now. headroom keeps a share of the ring for those that
// were admitted and have not appended yet. Called with mu held.
func (r *ring) fits(records int, size, headroom uint64) bool {
	pos := r.place(r.head, size)
	return pos+size+headroom <= r.tailPos+r.size &&
		r.runHead+uint64(records)+headroom/bytesPerRun <= r.tailRun+uint64(len(r.runs)) &&
		r.lsn+page.LSN(records)+page.LSN(headroom/bytesPerRun) <= r.limit
}

// place is where size contiguous bytes go: at head, or at the start when they do not fit before the end.
func (r *ring) place(head, size uint64) uint64 {
	if at := head & (r.size - 1); at+size > r.size {
		return head + r.size - at
	}
	return head
}

// waitFor releases mu until something changed, or ctx ends.
func (r *ring) waitFor(ctx context.Context) error {
	if r.more == nil {
		r.more = make(chan struct{})
	}
	more, lsn := r.more, r.lsn
	r.mu.Unlock()
	defer r.mu.Lock()
	if r.onPress != nil {
		r.onPress(lsn)
	}
	w := wait.Begin(ctx)
	defer w.End()
	select {
	case <-more:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (r *ring) wakeWaiters() {
	if r.more != nil {
		close(r.more)
		r.more = nil
	}
}

// admit waits until an MTR of that size fits and leaves a quarter of the ring to MTRs admitted before.
func (r *ring) admit(ctx context.Context, records, payload int) error {
	size := bound(records, payload)
	if records > redo.MaxMTRPages || size > min(redo.MaxMTRBytes, r.size/4) {
		return fmt.Errorf("admit an MTR of %d records and %d bytes: the bounds are %d and %d", records, payload, redo.MaxMTRPages, min(redo.MaxMTRBytes, r.size/4))
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for r.dead == nil && !r.fits(records, size, r.size/4) {
		if err := r.waitFor(ctx); err != nil {
			return fmt.Errorf("wait for room in the log: %w", err)
		}
	}
	return r.dead
}

// scratch is what an append needs between its two halves.
type scratch struct {
	links  []redo.Links
	sizes  []int
	others []page.No
	list   []byte
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

// append gives m its LSNs and encodes it into the ring. See Volume.Append.
func (r *ring) append(m *redo.MTR, inOrder func(page.LSN)) page.LSN {
	n := m.Len()
	if n == 0 || n > redo.MaxMTRPages {
		panic(fmt.Sprintf("volume: append of an MTR of %d records", n))
	}
	s := scratches.Get().(*scratch)
	s.others = m.Others(s.others[:0])
	s.list = redo.AppendPageList(s.list[:0], m.Change(0).Page, s.others)
	s.links, s.sizes = s.links[:0], s.sizes[:0]

	r.mu.Lock()
	r.last(n, bound(n, m.Bytes()))
	total := r.link(m, s)
	cpl := r.lsn
	dead := r.dead != nil
	var pos, seq uint64
	if !dead {
		pos, seq = r.reserve(m, s, total)
	}
	if inOrder != nil && !r.late {
		inOrder(cpl)
	}
	r.mu.Unlock()

	if !dead {
		r.encode(m, s, pos)
		r.slots[seq&uint64(len(r.slots)-1)].done.Store(seq + 1)
		r.publish()
		r.mtrs.Add(1)
		r.records.Add(uint64(n))
		r.bytes.Add(uint64(total))
	}
	if inOrder != nil && r.late {
		inOrder(cpl)
	}
	scratches.Put(s)
	return cpl
}

// last is the last resort when what was admitted does not fit after all, because many were at once: it
// waits under the caller's latches. Nothing that frees the ring takes a latch.
func (r *ring) last(records int, size uint64) {
	for r.dead == nil && !r.fits(records, size, 0) {
		_ = r.waitFor(context.Background()) // cannot fail
	}
}

// link gives out LSNs and back links and returns the encoded size. mu is held.
func (r *ring) link(m *redo.MTR, s *scratch) (total int) {
	for i := range m.Len() {
		c := m.Change(i)
		pg := uint64(c.Page) / r.ppg
		if pg >= uint64(len(r.pgLast)) || (uint64(c.Page)+max(uint64(c.Free), 1)-1)/r.ppg != pg {
			panic(fmt.Sprintf("volume: record for pages %d+%d, volume has %d of %d a PG", c.Page, c.Free, uint64(len(r.pgLast))*r.ppg, r.ppg))
		}
		r.lsn++
		c.LSN = r.lsn
		s.links = append(s.links, redo.Links{
			LSN: r.lsn, PrevVolume: r.prev, PrevPG: r.pgLast[pg], PrevPage: c.Prev,
			Epoch: r.epoch, Page: c.Page, Flags: m.FlagsOf(i),
		})
		r.prev, r.pgLast[pg] = r.lsn, r.lsn
		var list []byte
		if i == 0 {
			list = s.list
		}
		k := redo.EncodedLen(&s.links[i], list, c.Ops)
		if k > redo.MaxRecord {
			panic(fmt.Sprintf("volume: record of %d bytes for page %d is above the bound of %d", k, c.Page, redo.MaxRecord))
		}
		s.sizes = append(s.sizes, k)
		total += k
	}
	return total
}

// reserve takes ring space and run entries for what link described. mu is held.
func (r *ring) reserve(m *redo.MTR, s *scratch, total int) (pos, seq uint64) {
	pos = r.place(r.head, uint64(total))
	at := pos
	for i := 0; i < len(s.links); {
		pg := proto.PG(uint64(m.Change(i).Page) / r.ppg)
		e := runEntry{pos: at, pg: pg}
		for ; i < len(s.links) && proto.PG(uint64(m.Change(i).Page)/r.ppg) == pg; i++ {
			e.n += uint32(s.sizes[i])
			e.last = s.links[i].LSN
		}
		e.cpl = i == len(s.links)
		at += uint64(e.n)
		*r.run(r.runHead) = e
		r.runHead++
	}
	r.head = at
	seq = r.seq
	r.seq++
	r.slots[seq&uint64(len(r.slots)-1)].runEnd = r.runHead
	return pos, seq
}

func (r *ring) encode(m *redo.MTR, s *scratch, pos uint64) {
	at := pos & (r.size - 1)
	list := s.list
	for i := range s.links {
		k := uint64(s.sizes[i])
		redo.Encode(r.buf[at:at+k], &s.links[i], list, m.Change(i).Ops)
		at += k
		list = nil
	}
}

// publish extends the published prefix over every complete MTR at its end. If another goroutine is
// at it, that one sees our slot: it looks again after it has let go.
func (r *ring) publish() {
	mask := uint64(len(r.slots) - 1)
	for r.pub.TryLock() {
		seq := r.pubSeq.Load()
		var end uint64
		for r.slots[seq&mask].done.Load() == seq+1 {
			end = r.slots[seq&mask].runEnd
			seq++
		}
		if end > 0 {
			e := r.run(end - 1)
			r.pubLSN.Store(uint64(e.last))
			r.pubPos.Store(e.pos + uint64(e.n))
			r.pubSeq.Store(seq)
			r.published.Store(end)
		}
		r.pub.Unlock()
		if end > 0 {
			r.onPublish()
		}
		if r.slots[seq&mask].done.Load() != seq+1 {
			return
		}
	}
}

// free moves the tail to run index to, which no cursor needs any more, and the LSN limit with VDL.
func (r *ring) free(to uint64, limit page.LSN) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if to > r.tailRun {
		r.tailRun = to
		r.tailPos = r.posOf(to)
	}
	r.limit = max(r.limit, limit)
	r.wakeWaiters()
}

// posOf is the position at which run i begins or will begin. mu is held.
func (r *ring) posOf(i uint64) uint64 {
	if i == r.runHead {
		return r.head
	}
	return r.run(i).pos
}

// position is where run i begins or will begin.
func (r *ring) position(i uint64) uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.posOf(i)
}

// lag is how many bytes of log lie behind run i.
func (r *ring) lag(i uint64) uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.head - r.posOf(max(i, r.tailRun))
}

// tail is the first run that is still here.
func (r *ring) tail() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.tailRun
}

// kill ends the ring: from now on LSNs are given out, but go nowhere.
func (r *ring) kill(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.dead == nil {
		r.dead = err
	}
	r.wakeWaiters()
}

// lastOfPGs returns the newest record of each PG.
func (r *ring) lastOfPGs() []page.LSN {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.pgLast)
}

// addPG makes room for one more PG, whose newest record is last.
func (r *ring) addPG(last page.LSN) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pgLast = append(r.pgLast, last)
}
