// Package redo owns the redo record: all that one mini-transaction (MTR) does to one page, in the one
// wire form that goes from the instance's ring to the socket, to the storage node's disk and to its
// peers without being encoded again.
//
// Invariants:
//   - A record carries three back links (volume, protection group, page), the epoch it was written
//     in and a CRC32C over all of it ([18] section 2.2 of the Aurora papers names the links).
//   - The last record of an MTR is a CPL; the first lists the MTR's other pages.
//   - Parse is total: any bytes give a view or an error, with no panic and no allocation.
//
// The byte diagram is in docs/format/redo.md. What the payload means is storage/page's.
package redo

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math/bits"

	"github.com/zoryadb/zorya/storage/page"
)

// Flags of a record.
type Flags uint8

const (
	// CPL marks the last record of an MTR: a consistency point.
	CPL Flags = 1 << iota
	// Head marks the first record of an MTR; it carries the page list.
	Head
	// FreeRange marks a record whose payload is a page count instead of ops: the pages
	// [Page, Page+n) read as absent above its LSN until an Init revives one. All lie in one PG.
	FreeRange
	// WillInit marks a record whose ops begin with Init: older versions of the page are not needed.
	WillInit
)

const (
	fixedHeader = 16
	// MaxRecord bounds one record in bytes: a page image with the worst op overhead, and a head's page list.
	MaxRecord = 64 << 10
	// MaxMTRPages bounds the records of one MTR.
	MaxMTRPages = 1024
	// MaxMTRBytes bounds one encoded MTR; a log ring must hold many.
	MaxMTRBytes = 8 << 20
	// MaxFree bounds the pages of one FreeRange record.
	MaxFree = 1 << 24
)

// Errors of Parse.
var (
	// ErrShort means that the bytes end inside the record: read more, or a torn tail.
	ErrShort = errors.New("redo record is cut short")
	// ErrCorrupt means that no further bytes can make this a record.
	ErrCorrupt = errors.New("redo record is corrupt")
)

// Record is one decoded record. Ops and PageList alias the bytes it was parsed from.
type Record struct {
	LSN        page.LSN
	PrevVolume page.LSN // the record before in the volume
	PrevPG     page.LSN // the record before in the page's protection group, 0 if none
	PrevPage   page.LSN // the page's LSN before, 0 if the page was absent
	Epoch      uint64   // volume epoch of the writer
	Page       page.No
	Flags      Flags
	Free       uint32 // FreeRange: number of pages
	Ops        []byte
	pageList   []byte
	pages      int
}

// Links are the header fields of a record to be encoded.
type Links struct {
	LSN, PrevVolume, PrevPG, PrevPage page.LSN
	Epoch                             uint64
	Page                              page.No
	Flags                             Flags
}

func uvarintLen(v uint64) int { return (bits.Len64(v|1) + 6) / 7 }

func delta(lsn, prev page.LSN) uint64 {
	if prev == 0 {
		return 0
	}
	return uint64(lsn - prev)
}

// EncodedLen is the exact length in bytes of the record that Encode will write: the append path
// reserves ring space by it. pageList is the head's list from AppendPageList, else nil.
func EncodedLen(l *Links, pageList, payload []byte) int {
	n := fixedHeader + uvarintLen(l.Epoch) + uvarintLen(delta(l.LSN, l.PrevVolume)) +
		uvarintLen(delta(l.LSN, l.PrevPG)) + uvarintLen(delta(l.LSN, l.PrevPage)) + uvarintLen(uint64(l.Page))
	return n + len(pageList) + len(payload)
}

// Encode writes the record to dst, whose length is EncodedLen. It does not allocate.
func Encode(dst []byte, l *Links, pageList, payload []byte) {
	binary.LittleEndian.PutUint32(dst[4:], uint32(len(dst))|uint32(l.Flags)<<24)
	binary.LittleEndian.PutUint64(dst[8:], uint64(l.LSN))
	p := fixedHeader
	p += binary.PutUvarint(dst[p:], l.Epoch)
	p += binary.PutUvarint(dst[p:], delta(l.LSN, l.PrevVolume))
	p += binary.PutUvarint(dst[p:], delta(l.LSN, l.PrevPG))
	p += binary.PutUvarint(dst[p:], delta(l.LSN, l.PrevPage))
	p += binary.PutUvarint(dst[p:], uint64(l.Page))
	p += copy(dst[p:], pageList)
	copy(dst[p:], payload)
	binary.LittleEndian.PutUint32(dst, crc32.Checksum(dst[4:], page.Castagnoli))
}

// AppendPageList appends the head's list: a count and the MTR's other pages as zigzag deltas.
func AppendPageList(dst []byte, head page.No, others []page.No) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(others)))
	for _, no := range others {
		dst = binary.AppendVarint(dst, int64(no)-int64(head))
		head = no
	}
	return dst
}

// Peek returns a record's length and LSN without checking it further; ok is false when b is too
// short to tell or the length is out of bounds. Walkers of already verified bytes use it.
func Peek(b []byte) (n int, lsn page.LSN, ok bool) {
	if len(b) < fixedHeader {
		return 0, 0, false
	}
	n = int(binary.LittleEndian.Uint32(b[4:]) & (1<<24 - 1))
	return n, page.LSN(binary.LittleEndian.Uint64(b[8:])), n > fixedHeader && n <= MaxRecord && n <= len(b)
}

// Verify checks the length and the checksum of the record at the start of b and returns its length. What was parsed once, and
// has its checksum still, parses again.
func Verify(b []byte) (int, error) {
	if len(b) < fixedHeader {
		return 0, ErrShort
	}
	n := int(binary.LittleEndian.Uint32(b[4:]) & (1<<24 - 1))
	if n <= fixedHeader || n > MaxRecord {
		return 0, fmt.Errorf("length %d: %w", n, ErrCorrupt)
	}
	if n > len(b) {
		return 0, ErrShort
	}
	if crc32.Checksum(b[4:n], page.Castagnoli) != binary.LittleEndian.Uint32(b) {
		return 0, fmt.Errorf("checksum: %w", ErrCorrupt)
	}
	return n, nil
}

// Parse decodes and verifies the record at the start of b into r and returns its length.
func Parse(b []byte, r *Record) (int, error) {
	n, err := Verify(b)
	if err != nil {
		return 0, err
	}
	*r = Record{Flags: Flags(b[7]), LSN: page.LSN(binary.LittleEndian.Uint64(b[8:]))}
	if !r.parseBody(b[fixedHeader:n]) {
		return 0, fmt.Errorf("fields of LSN %d: %w", r.LSN, ErrCorrupt)
	}
	return n, nil
}

func (r *Record) parseBody(b []byte) bool {
	if !r.parseLinks(&b) {
		return false
	}
	if r.Flags&Head != 0 && !r.parsePageList(&b) {
		return false
	}
	if r.Flags&FreeRange != 0 {
		return r.parseFree(b)
	}
	r.Ops = b
	return (r.Flags&WillInit != 0) == page.StartsWithInit(b) && page.CheckOps(b) == nil
}

// ParseHead is Parse of a record that was parsed before it was written to where b was read from: it verifies the checksum and decodes what
// chains and indexes need. Others and Ops are not set, and the ops not checked again.
func ParseHead(b []byte, r *Record) (int, error) {
	n, err := Verify(b)
	if err != nil {
		return 0, err
	}
	*r = Record{Flags: Flags(b[7]), LSN: page.LSN(binary.LittleEndian.Uint64(b[8:]))}
	b = b[fixedHeader:n]
	ok := r.parseLinks(&b)
	if ok && r.Flags&FreeRange != 0 {
		ok = (r.Flags&Head == 0 || r.parsePageList(&b)) && r.parseFree(b)
	}
	if !ok {
		return 0, fmt.Errorf("fields of LSN %d: %w", r.LSN, ErrCorrupt)
	}
	return n, nil
}

// Reparse is Parse of a record that was parsed before it was written to where b was read from, for a caller who then runs Apply: the checksum
// is verified, the ops are not: Apply does that before it changes a byte.
func Reparse(b []byte, r *Record) (int, error) {
	n, err := Verify(b)
	if err != nil {
		return 0, err
	}
	*r = Record{Flags: Flags(b[7]), LSN: page.LSN(binary.LittleEndian.Uint64(b[8:]))}
	b = b[fixedHeader:n]
	ok := r.parseLinks(&b) && (r.Flags&Head == 0 || r.parsePageList(&b))
	if ok && r.Flags&FreeRange != 0 {
		ok = r.parseFree(b)
	} else {
		r.Ops = b
	}
	if !ok {
		return 0, fmt.Errorf("fields of LSN %d: %w", r.LSN, ErrCorrupt)
	}
	return n, nil
}

// parseFree decodes the payload of a FreeRange record.
func (r *Record) parseFree(b []byte) bool {
	x, n := binary.Uvarint(b)
	r.Free = uint32(x)
	return n == len(b) && n > 0 && x > 0 && x <= MaxFree
}

// parseLinks decodes epoch, back links and page off the front of b.
func (r *Record) parseLinks(rest *[]byte) bool {
	b := *rest
	var v [5]uint64
	for i := range v {
		if len(b) > 0 && b[0] < 0x80 {
			v[i], b = uint64(b[0]), b[1:]
			continue
		}
		x, n := binary.Uvarint(b)
		if n <= 0 {
			return false
		}
		v[i], b = x, b[n:]
	}
	r.Epoch = v[0]
	back := func(d uint64) (page.LSN, bool) {
		if d == 0 {
			return 0, true
		}
		return r.LSN - page.LSN(d), d < uint64(r.LSN)
	}
	var ok1, ok2, ok3 bool
	r.PrevVolume, ok1 = back(v[1])
	r.PrevPG, ok2 = back(v[2])
	r.PrevPage, ok3 = back(v[3])
	r.Page = page.No(v[4])
	*rest = b
	return ok1 && ok2 && ok3 && r.LSN != 0 && r.Page <= page.MaxNo
}

func (r *Record) parsePageList(b *[]byte) bool {
	cnt, n := binary.Uvarint(*b)
	if n <= 0 || cnt >= MaxMTRPages {
		return false
	}
	rest := (*b)[n:]
	list := rest
	for i := uint64(0); i < cnt; i++ {
		_, n := binary.Varint(rest)
		if n <= 0 {
			return false
		}
		rest = rest[n:]
	}
	r.pages, r.pageList = int(cnt), list[:len(list)-len(rest)]
	*b = rest
	return true
}

// Pages appends to dst the pages of the MTR that this record heads, its own first.
func (r *Record) Pages(dst []page.No) []page.No {
	dst = append(dst, r.Page)
	at, b := int64(r.Page), r.pageList
	for i := 0; i < r.pages; i++ {
		d, n := binary.Varint(b)
		at, b = at+d, b[n:]
		dst = append(dst, page.No(at))
	}
	return dst
}

// Apply applies the record to p, the image of its page. A FreeRange record makes the page absent.
func (r *Record) Apply(p []byte) error {
	if r.Flags&FreeRange != 0 {
		clear(p)
		return nil
	}
	return page.Apply(p, r.Page, r.PrevPage, r.LSN, r.Ops)
}
