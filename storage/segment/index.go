package segment

import (
	"sync/atomic"

	"github.com/zoryadb/zorya/storage/page"
	"github.com/zoryadb/zorya/storage/proto"
)

// ent is a record or an image in the index. Entries of a page are linked, newest first. There is no
// pointer in it, so the garbage collector never looks at the arena.
type ent struct {
	lsn  page.LSN
	off  uint32
	file uint32
	size uint32 // length in the lower 24 bits, flags above
	next uint32 // index+1 of the next older entry
}

func (e *ent) len() int     { return int(e.size & (1<<24 - 1)) }
func (e *ent) flags() uint8 { return uint8(e.size >> 24) }

// whole reports whether a record makes the page without what was there before.
func (e *ent) whole() bool { return e.flags()&(flagInit|flagFree) != 0 }

const entBytes = 24

// slot is a page in the directory: its two lists.
type slot struct {
	recs, imgs uint32
	n          uint32 // records above the newest whole version: what a read of the page as it is now replays
	bytes      uint32 // their bytes
	flags      uint32
}

const (
	slotQueued  = 1 << 0 // waits in the imaging queue
	slotSpilled = 1 << 1 // records below its newest image are only in footers
	chunkSize   = 2048
)

// index maps the pages of one PG to their records above, and their images. The memory in use is counted in a
// gauge that the segments of a node share.
type index struct {
	slots  [][]slot
	arena  [][]ent
	free   uint32
	top    uint32 // entries ever allocated from the arena
	gauge  *atomic.Int64
	used   int64 // bytes of entries and slots
	posted int64 // of them, counted in the gauge
	pages  int   // slots in use (with a record or an image)
}

const slotBytes = 20

// post brings the gauge up to date. It is called once for many changes.
func (x *index) post() {
	if x.used != x.posted {
		x.gauge.Add(x.used - x.posted)
		x.posted = x.used
	}
}

func newIndex(pages uint32, gauge *atomic.Int64) *index {
	return &index{slots: make([][]slot, (pages+chunkSize-1)/chunkSize), gauge: gauge}
}

// drop gives back the memory's account.
func (x *index) drop() {
	x.gauge.Add(-x.posted)
	*x = index{gauge: x.gauge}
}

func (x *index) slot(p uint32) *slot {
	c := p / chunkSize
	if int(c) >= len(x.slots) {
		return nil
	}
	if x.slots[c] == nil {
		x.slots[c] = make([]slot, chunkSize)
		x.used += chunkSize * slotBytes
	}
	return &x.slots[c][p%chunkSize]
}

// peek is slot without making room.
func (x *index) peek(p uint32) *slot {
	if c := p / chunkSize; int(c) < len(x.slots) && x.slots[c] != nil {
		return &x.slots[c][p%chunkSize]
	}
	return nil
}

func (x *index) at(id uint32) *ent { return &x.arena[(id-1)/chunkSize][(id-1)%chunkSize] }

func (x *index) alloc(e ent) uint32 {
	x.used += entBytes
	if id := x.free; id != 0 {
		p := x.at(id)
		x.free = p.next
		*p = e
		return id
	}
	if x.top%chunkSize == 0 && int(x.top/chunkSize) == len(x.arena) {
		x.arena = append(x.arena, make([]ent, chunkSize))
	}
	x.top++
	*x.at(x.top) = e
	return x.top
}

func (x *index) release(id uint32) {
	*x.at(id) = ent{next: x.free}
	x.free = id
	x.used -= entBytes
}

// insert puts e into a list, newest first. It reports false when an entry of the same LSN is there.
func (x *index) insert(head *uint32, e ent) bool {
	for *head != 0 {
		h := x.at(*head)
		if h.lsn == e.lsn {
			return false
		}
		if h.lsn < e.lsn {
			break
		}
		head = &h.next
	}
	e.next = *head
	// alloc may append to the arena's outer slice but never moves a chunk, so head stays valid.
	*head = x.alloc(e)
	return true
}

// addRec indexes a record of page p.
func (x *index) addRec(p uint32, e ent) bool {
	s := x.slot(p)
	if s == nil {
		return false
	}
	fresh := s.recs == 0 && s.imgs == 0
	if !x.insert(&s.recs, e) {
		return false
	}
	if fresh {
		x.pages++
	}
	switch {
	case s.imgs != 0 && x.at(s.imgs).lsn >= e.lsn:
	case e.whole() && x.at(s.recs).lsn == e.lsn: // a new page begins: nothing older is read for it
		s.n, s.bytes = 1, uint32(e.len())
	default:
		s.n++
		s.bytes += uint32(e.len())
	}
	return true
}

// recount sets n and bytes after the newest image or the list has changed.
func (x *index) recount(s *slot) {
	img := page.LSN(0)
	if s.imgs != 0 {
		img = x.at(s.imgs).lsn
	}
	s.n, s.bytes = 0, 0
	for id := s.recs; id != 0; id = x.at(id).next {
		e := x.at(id)
		if e.lsn <= img {
			break
		}
		s.n++
		s.bytes += uint32(e.len())
		if e.whole() {
			break
		}
	}
}

// addImg indexes an image of page p. An image of the same LSN is replaced and returned.
func (x *index) addImg(p uint32, e ent) (old ent, replaced, ok bool) {
	s := x.slot(p)
	if s == nil {
		return old, false, false
	}
	fresh := s.recs == 0 && s.imgs == 0
	if !x.insert(&s.imgs, e) {
		for id := s.imgs; id != 0; id = x.at(id).next {
			if h := x.at(id); h.lsn == e.lsn {
				old = *h
				e.next = h.next
				*h = e
				return old, true, true
			}
		}
	}
	if fresh {
		x.pages++
	}
	x.recount(s)
	return old, false, true
}

// prune drops from page p what need says is not needed. An entry is superseded by the next whole version: an
// image, an Init or a FreeRange. gone is told of each entry that goes.
func (x *index) prune(p uint32, live func(page.LSN) bool, need func(v, n page.LSN) bool, gone func(e *ent, img bool)) {
	s := x.peek(p)
	if s == nil || (s.recs == 0 && s.imgs == 0) {
		return
	}
	// Both lists are walked in step, newest first. whole is the lowest whole version above the point.
	whole := proto.MaxLSN
	r, i := &s.recs, &s.imgs
	for *r != 0 || *i != 0 {
		// An image supersedes the record of its own LSN, so it goes first.
		if *i != 0 && (*r == 0 || x.at(*i).lsn >= x.at(*r).lsn) {
			e := x.at(*i)
			lsn := e.lsn
			if need(lsn, whole) {
				i = &e.next
			} else {
				x.cut(i, func(e *ent) { gone(e, true) })
			}
			whole = lsn
			continue
		}
		e := x.at(*r)
		lsn, full := e.lsn, e.flags()&(flagInit|flagFree) != 0
		isLive := live(lsn)
		if isLive && need(lsn, whole) {
			r = &e.next
		} else {
			x.cut(r, func(e *ent) { gone(e, false) })
		}
		if full && isLive {
			whole = lsn
		}
	}
	if s.recs == 0 && s.imgs == 0 {
		s.flags &= slotQueued
		x.pages--
	}
	x.recount(s)
}

// cut unlinks the entry that head points to.
func (x *index) cut(head *uint32, gone func(*ent)) {
	id := *head
	e := x.at(id)
	gone(e)
	*head = e.next
	x.release(id)
}
