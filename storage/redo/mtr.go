package redo

import (
	"encoding/binary"
	"fmt"

	"github.com/zoryadb/zorya/storage/page"
)

// MTR collects what one mini-transaction does, one Change for each page, in the order in which the
// pages were first touched. The zero value is empty; Reset keeps its buffers, so that an MTR that
// is used again does not allocate. It is not safe for concurrent use.
type MTR struct {
	changes []Change
}

// Change is all that an MTR does to one page, or one freed range.
type Change struct {
	Page page.No
	Prev page.LSN // the page's LSN before; 0 when absent
	Free uint32   // > 0: a FreeRange of that many pages
	Ops  []byte
	// LSN is set by the append.
	LSN page.LSN
}

// Reset empties m.
func (m *MTR) Reset() { m.changes = m.changes[:0] }

// Len is the number of records m will make.
func (m *MTR) Len() int { return len(m.changes) }

// Bytes is the number of payload bytes collected so far.
func (m *MTR) Bytes() (n int) {
	for i := range m.changes {
		n += len(m.changes[i].Ops)
	}
	return n
}

// Change returns the i-th change. The pointer holds until the next Touch or FreeRange.
func (m *MTR) Change(i int) *Change { return &m.changes[i] }

// Touch adds a change for a page whose LSN is prev and returns its index. The caller sees to it that
// a page is touched once in an MTR.
func (m *MTR) Touch(no page.No, prev page.LSN) int {
	c := m.grow()
	c.Page, c.Prev = no, prev
	return len(m.changes) - 1
}

// FreeRange adds the release of pages [first, first+n), which lie in one protection group.
func (m *MTR) FreeRange(first page.No, n uint32) {
	if n == 0 || n > MaxFree {
		panic(fmt.Sprintf("redo: FreeRange of %d pages", n))
	}
	c := m.grow()
	c.Page, c.Free = first, n
	c.Ops = binary.AppendUvarint(c.Ops, uint64(n))
}

func (m *MTR) grow() *Change {
	if len(m.changes) < cap(m.changes) {
		m.changes = m.changes[:len(m.changes)+1]
	} else {
		m.changes = append(m.changes, Change{})
	}
	c := &m.changes[len(m.changes)-1]
	*c = Change{Ops: c.Ops[:0]}
	return c
}

// FlagsOf returns the flags of the i-th record.
func (m *MTR) FlagsOf(i int) (f Flags) {
	c := &m.changes[i]
	if i == 0 {
		f |= Head
	}
	if i == len(m.changes)-1 {
		f |= CPL
	}
	if c.Free > 0 {
		f |= FreeRange
	} else if page.StartsWithInit(c.Ops) {
		f |= WillInit
	}
	return f
}

// Others appends the pages of the head's list: those of every change but the first.
func (m *MTR) Others(dst []page.No) []page.No {
	for i := 1; i < len(m.changes); i++ {
		if m.changes[i].Free == 0 {
			dst = append(dst, m.changes[i].Page)
		}
	}
	return dst
}
