package btree

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/zoryadb/zorya/engine/space"
	"github.com/zoryadb/zorya/storage/page"
)

// A node is one page of a tree: a header, slots that grow upwards (u16 offsets of the cells in key order), and a heap
// of cells that grows downwards. A cell is the lengths of key and value (one byte below 128, else two), the key, the
// value. In an inner node the value is the child's page number in 6 bytes.
// docs/format/btree-page.md has the byte diagram.
type node []byte

const (
	offLevel   = page.HeaderSize      // u8; 0: leaf
	offCount   = page.HeaderSize + 2  // u16 cells
	offHeap    = page.HeaderSize + 4  // u16 lowest byte of the heap
	offGarbage = page.HeaderSize + 6  // u16 bytes of the heap that no cell uses
	offInode   = page.HeaderSize + 8  // u64 space.Inode; only in the root, and never changed
	offSlots   = page.HeaderSize + 16 // u16 each

	// usable is what slots and cells can fill.
	usable = page.Size - offSlots
	// childSize is the length of an inner node's value.
	childSize = 6
	// minCell is the size of the smallest cell, for the bounds of damaged pages.
	minCell = 2
)

func (n node) u16(off int) int { return int(binary.LittleEndian.Uint16(n[off:])) }

func (n node) level() int     { return int(n[offLevel]) }
func (n node) count() int     { return n.u16(offCount) }
func (n node) heap() int      { return n.u16(offHeap) }
func (n node) garbage() int   { return n.u16(offGarbage) }
func (n node) slot(i int) int { return n.u16(offSlots + 2*i) }

// gap is the free room between slots and heap; free adds what a compaction would gain; live is what cells and slots take.
func (n node) gap() int  { return n.heap() - offSlots - 2*n.count() }
func (n node) free() int { return n.gap() + n.garbage() }
func (n node) live() int { return usable - n.free() }

// lens decodes a cell's head: the offset of its key, and the lengths.
func (n node) lens(off int) (at, klen, vlen int) {
	klen, vlen = int(n[off]), int(n[off+1])
	if klen|vlen < 0x80 {
		return off + 2, klen, vlen
	}
	at = off + 1
	if klen >= 0x80 {
		klen = (klen&0x7f)<<8 | int(n[at])
		at++
	}
	vlen = int(n[at])
	at++
	if vlen >= 0x80 {
		vlen = (vlen&0x7f)<<8 | int(n[at])
		at++
	}
	return at, klen, vlen
}

func (n node) key(i int) []byte {
	at, klen, _ := n.lens(n.slot(i))
	return n[at : at+klen : at+klen]
}

func (n node) entry(i int) (k, v []byte) {
	at, klen, vlen := n.lens(n.slot(i))
	k = n[at : at+klen : at+klen]
	at += klen
	return k, n[at : at+vlen : at+vlen]
}

func (n node) cellLen(i int) int {
	off := n.slot(i)
	at, klen, vlen := n.lens(off)
	return at - off + klen + vlen
}

// cell is the i-th cell as it lies in the page.
func (n node) cell(i int) []byte {
	off := n.slot(i)
	return n[off : off+n.cellLen(i)]
}

func (n node) child(i int) page.No {
	_, v := n.entry(i)
	return getChild(v)
}

func getChild(v []byte) page.No {
	if len(v) != childSize {
		return page.MaxNo // no such page: the descent's check will say so
	}
	return page.No(binary.LittleEndian.Uint32(v)) | page.No(binary.LittleEndian.Uint16(v[4:]))<<32
}

func putChild(v *[childSize]byte, no page.No) []byte {
	binary.LittleEndian.PutUint32(v[:], uint32(no))
	binary.LittleEndian.PutUint16(v[4:], uint16(no>>32))
	return v[:]
}

// search returns the first position whose key is >= key, and whether it is equal.
func (n node) search(key []byte) (int, bool) {
	lo, hi, found := 0, n.count(), false
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if c := bytes.Compare(n.key(mid), key); c < 0 {
			lo = mid + 1
		} else {
			hi, found = mid, c == 0
		}
	}
	return lo, found
}

// childFor returns the position of the child that holds key.
func (n node) childFor(key []byte) int {
	i, found := n.search(key)
	if !found && i > 0 {
		i--
	}
	return i
}

// childBelow returns the position of the child that holds the greatest keys below key.
func (n node) childBelow(key []byte) int {
	i, _ := n.search(key)
	return max(i-1, 0)
}

func lenSize(n int) int {
	if n < 0x80 {
		return 1
	}
	return 2
}

func cellSize(klen, vlen int) int { return lenSize(klen) + lenSize(vlen) + klen + vlen }

func appendLen(dst []byte, n int) []byte {
	if n < 0x80 {
		return append(dst, byte(n))
	}
	return append(dst, byte(n>>8)|0x80, byte(n))
}

func appendCell(dst, key, val []byte) []byte {
	dst = appendLen(appendLen(dst, len(key)), len(val))
	return append(append(dst, key...), val...)
}

// separator returns the shortest key s with a < s <= b, a prefix of b; a < b.
func separator(a, b []byte) []byte {
	n := 0
	for n < len(a) && a[n] == b[n] {
		n++
	}
	return b[:n+1]
}

// ErrCorrupt means that a page is not what its parent or the tree says.
var ErrCorrupt = errors.New("tree is damaged")

// asNode checks that b is a page of tree id at that level (-1: any) whose frame numbers make sense.
func asNode(b []byte, id uint64, no page.No, level int) (node, error) {
	n := node(b)
	switch {
	case page.GetType(b) != space.TypeTree || page.GetOwner(b) != id:
		return nil, fmt.Errorf("tree %d: page %d has type %d, owner %d: %w", id, no, page.GetType(b), page.GetOwner(b), ErrCorrupt)
	case level >= 0 && n.level() != level:
		return nil, fmt.Errorf("tree %d: page %d is at level %d, not %d: %w", id, no, n.level(), level, ErrCorrupt)
	case n.heap() > page.Size || n.gap() < 0 || n.garbage() > page.Size-n.heap() || n.level() > 0 && n.count() == 0:
		return nil, fmt.Errorf("tree %d: page %d has %d cells, heap at %d, garbage %d: %w", id, no, n.count(), n.heap(), n.garbage(), ErrCorrupt)
	}
	return n, nil
}
