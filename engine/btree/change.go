package btree

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"sync"

	"github.com/zoryadb/zorya/engine/mtr"
	"github.com/zoryadb/zorya/storage/page"
)

// scratch holds the buffers of one change, pooled.
type scratch struct {
	cell  []byte
	order []uint32 // cells by offset, for compact
	page  [page.Size]byte
	key   []byte

	// Of a run: the leaf's end, and the positions before which entries go.
	bound  bound
	places []int
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

// initNode makes p an empty node.
func initNode(p *mtr.Page, level int, inode uint64) {
	var h [offSlots - page.HeaderSize]byte
	h[0] = byte(level)
	binary.LittleEndian.PutUint16(h[offHeap-page.HeaderSize:], page.Size)
	n := offInode - page.HeaderSize
	if inode != 0 {
		binary.LittleEndian.PutUint64(h[n:], inode)
		n += 8
	}
	p.Set(page.HeaderSize, h[:n])
}

// setHeader writes count, heap and garbage, the fields that differ only.
func setHeader(p *mtr.Page, count, heap, garbage int) {
	if count < 0 || heap < offSlots+2*count || heap > page.Size || garbage < 0 || garbage > page.Size-heap {
		// Better no process than a page like this in the log.
		panic(fmt.Sprintf("btree: page %d would have %d cells, heap at %d, garbage %d", p.No(), count, heap, garbage))
	}
	var h [6]byte
	binary.LittleEndian.PutUint16(h[0:], uint16(count))
	binary.LittleEndian.PutUint16(h[2:], uint16(heap))
	binary.LittleEndian.PutUint16(h[4:], uint16(garbage))
	old := p.Bytes()[offCount : offCount+6]
	from, to := 0, 6
	for from < to && old[from] == h[from] {
		from++
	}
	for to > from && old[to-1] == h[to-1] {
		to--
	}
	p.Set(offCount+from, h[from:to])
}

// insertAt puts a new cell at position i. There must be room after a compaction; key and val are not in the page.
func (s *scratch) insertAt(p *mtr.Page, i int, key, val []byte) {
	size := cellSize(len(key), len(val))
	if node(p.Bytes()).gap() < size+2 {
		s.compact(p)
	}
	n := node(p.Bytes())
	count, off := n.count(), n.heap()-size
	s.cell = appendCell(s.cell[:0], key, val)
	p.Set(off, s.cell)
	p.Move(offSlots+2*i+2, offSlots+2*i, 2*(count-i))
	p.SetU16(offSlots+2*i, uint16(off))
	setHeader(p, count+1, off, n.garbage())
}

// removeAt takes the cell at position i out.
func removeAt(p *mtr.Page, i int) {
	n := node(p.Bytes())
	count, heap, garbage := n.count(), n.heap(), n.garbage()
	size := n.cellLen(i)
	if n.slot(i) == heap {
		heap += size
	} else {
		garbage += size
	}
	p.Move(offSlots+2*i, offSlots+2*i+2, 2*(count-i-1))
	setHeader(p, count-1, heap, garbage)
}

// setValue replaces the value at position i and logs what differs. There must be room for the new cell once
// the old one is gone; val is not in the page.
func (s *scratch) setValue(p *mtr.Page, i int, val []byte) {
	n := node(p.Bytes())
	off := n.slot(i)
	at, klen, vlen := n.lens(off)
	old := n[at+klen : at+klen+vlen]
	if len(val) <= vlen && lenSize(len(val)) == lenSize(vlen) {
		if len(val) < vlen {
			head := appendLen(s.cell[:0], len(val))
			s.cell = head
			p.Set(at-len(head), head)
			setHeader(p, n.count(), n.heap(), n.garbage()+vlen-len(val))
		}
		setDiff(p, at+klen, old[:len(val)], val)
		return
	}
	size := cellSize(klen, len(val))
	oldSize := at - off + klen + vlen
	if n.gap() < size {
		s.key = append(s.key[:0], n.key(i)...)
		removeAt(p, i)
		s.insertAt(p, i, s.key, val)
		return
	}
	// A new cell beside the old one: its head, the key and what the values share are moved, the rest is set.
	to := n.heap() - size
	s.cell = appendLen(appendLen(s.cell[:0], klen), len(val))
	p.Set(to, s.cell)
	same := commonPrefix(old, val)
	p.Move(to+len(s.cell), at, klen+same)
	p.Set(to+len(s.cell)+klen+same, val[same:])
	p.SetU16(offSlots+2*i, uint16(to))
	setHeader(p, n.count(), to, n.garbage()+oldSize)
}

func commonPrefix(a, b []byte) int {
	n := min(len(a), len(b))
	for i := 0; i < n; i++ {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}

// setDiff sets the bytes at off to val, which is as long as old, what lies there.
func setDiff(p *mtr.Page, off int, old, val []byte) {
	const gap = page.MaxSetOverhead // equal bytes fewer than this are cheaper to set again
	for i := 0; i < len(val); {
		if old[i] == val[i] {
			i++
			continue
		}
		end := i + 1
		for j := end; j < len(val) && j-end < gap; j++ {
			if old[j] != val[j] {
				end = j + 1
			}
		}
		p.Set(off+i, val[i:end])
		i = end
	}
}

// compact closes the holes in p's heap. It moves runs of cells towards the page's end, highest first, so that its redo is a
// few bytes for each hole and the slots, not an image of the page.
func (s *scratch) compact(p *mtr.Page) {
	n := node(p.Bytes())
	if n.garbage() == 0 {
		return
	}
	count := n.count()
	s.order = s.order[:0]
	for i := 0; i < count; i++ {
		s.order = append(s.order, uint32(n.slot(i))<<16|uint32(i))
	}
	slices.Sort(s.order)
	slots := s.page[:2*count]
	to := page.Size    // where the next run ends
	src, end := to, to // the run being gathered lies at [src, end)
	flush := func() {
		to -= end - src
		if to != src {
			p.Move(to, src, end-src)
		}
	}
	for k := count - 1; k >= 0; k-- {
		i, off := int(s.order[k]&0xffff), int(s.order[k]>>16)
		size := n.cellLen(i) // cells below what was moved so far are where they were
		if off+size != src {
			flush()
			end = off + size
		}
		src = off
		binary.LittleEndian.PutUint16(slots[2*i:], uint16(to-(end-off)))
	}
	flush()
	setDiff(p, offSlots, n[offSlots:offSlots+2*count], slots)
	setHeader(p, count, to, 0)
}

// writeNode fills the empty node q with the cells [from, to) of n, whose first key becomes first if that is not nil.
func (s *scratch) writeNode(q *mtr.Page, n node, from, to int, first []byte) {
	b := newBuilder(s.page[:], n.level())
	for i := from; i < to; i++ {
		if i == from && first != nil {
			_, v := n.entry(i)
			b.add(first, v)
			continue
		}
		b.addCell(n.cell(i))
	}
	b.writeTo(q)
}

// builder fills a node in memory, in key order.
type builder struct {
	b     node
	count int
	heap  int
}

func newBuilder(buf []byte, level int) builder {
	buf[offLevel] = byte(level)
	return builder{b: buf, heap: page.Size}
}

// room is what is left for cells and their slots.
func (b *builder) room() int { return b.heap - offSlots - 2*b.count }

func (b *builder) add(key, val []byte) {
	size := cellSize(len(key), len(val))
	appendCell(b.b[b.heap-size:b.heap-size], key, val)
	b.slot(size)
}

func (b *builder) addCell(cell []byte) {
	copy(b.b[b.heap-len(cell):], cell)
	b.slot(len(cell))
}

func (b *builder) slot(size int) {
	b.heap -= size
	binary.LittleEndian.PutUint16(b.b[offSlots+2*b.count:], uint16(b.heap))
	b.count++
}

// writeTo writes the node to a page that initNode made and nothing was added to. Its inode stays.
func (b *builder) writeTo(p *mtr.Page) {
	p.Set(offSlots, b.b[offSlots:offSlots+2*b.count])
	p.Set(b.heap, b.b[b.heap:])
	if b.b.level() != node(p.Bytes()).level() {
		p.Set(offLevel, b.b[offLevel:offLevel+1])
	}
	setHeader(p, b.count, b.heap, 0)
}

// within reports low <= key < high; nil bounds are open.
func within(key, low, high []byte) bool {
	return (low == nil || bytes.Compare(key, low) >= 0) && (high == nil || bytes.Compare(key, high) < 0)
}
