package row

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/bits"
)

// Ptr is a roll pointer: the page and offset of the undo record that leads to the version before. 0: none.
// The page number takes 36 bits, the offset in the page 14.
type Ptr uint64

// MakePtr packs a roll pointer.
func MakePtr(pageNo uint64, off int) Ptr { return Ptr(pageNo<<16 | uint64(off)) }

// Page and Off unpack it.
func (p Ptr) Page() uint64 { return uint64(p) >> 16 }
func (p Ptr) Off() int     { return int(p & 0xffff) }

// Header opens each version of a row: who made it, where the version before is, whether it is deleted.
type Header struct {
	Trx     uint64 // 48 bits
	Roll    Ptr    // 56 bits
	Deleted bool
	over    bool
}

// HeaderSize is the stored size of a Header.
const HeaderSize = 6 + 7 + 1

const (
	flagDeleted = 1
	flagOver    = 2 // an overflow bitmap follows the null bitmap
)

// IsDeleted reads the last byte of a stored row's Header or of an Entry.
func IsDeleted(flags byte) bool { return flags&flagDeleted != 0 }

// ErrCorrupt means that bytes are not a stored row or key.
var ErrCorrupt = errors.New("stored row is corrupt")

func putUint(dst []byte, v uint64, n int) {
	for i := range n {
		dst[i] = byte(v >> (8 * i))
	}
}

func getUint(b []byte, n int) (v uint64) {
	for i := range n {
		v |= uint64(b[i]) << (8 * i)
	}
	return v
}

// AppendHeader appends h in its stored form.
func AppendHeader(dst []byte, h Header) []byte {
	var b [HeaderSize]byte
	putUint(b[:], h.Trx, 6)
	putUint(b[6:], uint64(h.Roll), 7)
	if h.Deleted {
		b[13] |= flagDeleted
	}
	if h.over {
		b[13] |= flagOver
	}
	return append(dst, b[:]...)
}

// ParseHeader reads the header of a stored row.
func ParseHeader(v []byte) (Header, error) {
	if len(v) < HeaderSize {
		return Header{}, fmt.Errorf("row of %d bytes: %w", len(v), ErrCorrupt)
	}
	f := v[13]
	return Header{
		Trx:     uint64(binary.LittleEndian.Uint32(v)) | uint64(binary.LittleEndian.Uint16(v[4:]))<<32,
		Roll:    Ptr(uint64(binary.LittleEndian.Uint32(v[6:])) | uint64(binary.LittleEndian.Uint16(v[10:]))<<32 | uint64(v[12])<<48),
		Deleted: f&flagDeleted != 0,
		over:    f&flagOver != 0,
	}, nil
}

// SetHeader overwrites the header of the stored row v, keeping what says how its body is to be read.
func SetHeader(v []byte, h Header) {
	h.over = v[13]&flagOver != 0
	AppendHeader(v[:0], h)
}

// Col is what the stored form needs to know of a column.
type Col struct {
	ID      uint32 // from 1; its slot is ID-1
	Class   Class
	Virtual bool
	Instant *Datum // the value in rows that have no slot for it; nil: NULL
}

// Layout maps the slots of stored rows to the columns of one table version. Rows have as many slots as
// column ids had been given when they were written, so a column added later costs old rows nothing, and
// the slot of a dropped one is skipped.
type Layout struct {
	cols    []Col
	slots   []int32 // slot -> position, -1: dropped or virtual
	virtual bool    // some column is
}

// NewLayout makes the layout of columns; ids must be unique and at most MaxColumns.
func NewLayout(cols []Col) (*Layout, error) {
	l := &Layout{cols: cols}
	for pos, c := range cols {
		if c.ID == 0 || c.ID > MaxColumns {
			return nil, fmt.Errorf("column id %d: %w", c.ID, ErrCorrupt)
		}
		for len(l.slots) < int(c.ID) {
			l.slots = append(l.slots, -1)
		}
		if l.slots[c.ID-1] >= 0 {
			return nil, fmt.Errorf("column id %d twice: %w", c.ID, ErrCorrupt)
		}
		if c.Virtual {
			l.virtual = true
			continue
		}
		l.slots[c.ID-1] = int32(pos)
	}
	return l, nil
}

// MaxColumns bounds column ids: dropped columns count until the table is rebuilt.
const MaxColumns = 1 << 14

// Len is the number of columns.
func (l *Layout) Len() int { return len(l.cols) }

// Encode appends the stored form of a row. refs, if not nil, holds for each position the reference of a value that lies in
// overflow pages (nil: inline).
func (l *Layout) Encode(dst []byte, h Header, r []Datum, refs [][]byte) []byte {
	h.over = false
	for _, f := range refs {
		h.over = h.over || f != nil
	}
	dst = AppendHeader(dst, h)
	n := len(l.slots)
	dst = binary.AppendUvarint(dst, uint64(n))
	nb := (n + 7) / 8
	nulls := len(dst)
	for range nb {
		dst = append(dst, 0)
	}
	over := len(dst)
	if h.over {
		for range nb {
			dst = append(dst, 0)
		}
	}
	for slot, pos := range l.slots {
		if pos < 0 || r[pos].Null {
			dst[nulls+slot/8] |= 1 << (slot & 7)
			continue
		}
		if h.over && refs[pos] != nil {
			dst[over+slot/8] |= 1 << (slot & 7)
			dst = binary.AppendUvarint(dst, uint64(len(refs[pos])))
			dst = append(dst, refs[pos]...)
			continue
		}
		dst = appendValue(dst, l.cols[pos].Class, &r[pos])
	}
	return dst
}

func appendValue(dst []byte, c Class, d *Datum) []byte {
	var u uint64
	switch c {
	case Bytes:
		dst = binary.AppendUvarint(dst, uint64(len(d.B)))
		return append(dst, d.B...)
	case Float64:
		dst = append(dst, 8)
		return binary.LittleEndian.AppendUint64(dst, d.N)
	case Float32:
		dst = append(dst, 4)
		return binary.LittleEndian.AppendUint32(dst, math.Float32bits(float32(d.Float())))
	case Int:
		u = uint64(d.Int()<<1) ^ uint64(d.Int()>>63)
	default:
		u = d.N
	}
	n := (bits.Len64(u) + 7) / 8
	dst = append(dst, byte(n))
	for range n {
		dst = append(dst, byte(u))
		u >>= 8
	}
	return dst
}

// InlineSize is the number of bytes that d takes in a stored row when it is inline.
func InlineSize(c Class, d *Datum) int {
	switch {
	case d.Null:
		return 0
	case c == Bytes:
		return len(d.B) + (bits.Len64(uint64(len(d.B))|1)+6)/7
	default:
		return 9
	}
}

// Decode reads the stored row v into r (one datum a column; B aliases v). Where need is not nil, other columns
// become NULL. Virtual columns become NULL. For a needed value in overflow pages it calls over with the position
// and the reference, and leaves the datum NULL.
func (l *Layout) Decode(v []byte, r []Datum, need []bool, over func(pos int, ref []byte)) error {
	h, err := ParseHeader(v)
	if err != nil {
		return err
	}
	b := v[HeaderSize:]
	un, k := binary.Uvarint(b)
	if k <= 0 || un > MaxColumns {
		return fmt.Errorf("slot count: %w", ErrCorrupt)
	}
	n := int(un)
	nb := (n + 7) / 8
	b = b[k:]
	if len(b) < nb {
		return fmt.Errorf("null bitmap: %w", ErrCorrupt)
	}
	nulls := b[:nb]
	b = b[nb:]
	var overs []byte
	if h.over {
		if len(b) < nb {
			return fmt.Errorf("overflow bitmap: %w", ErrCorrupt)
		}
		overs, b = b[:nb], b[nb:]
	}
	if l.virtual || n < len(l.slots) {
		l.absent(r, n)
	}
	for slot := range n {
		pos := int32(-1)
		if slot < len(l.slots) {
			pos = l.slots[slot]
		}
		if nulls[slot/8]&(1<<(slot&7)) != 0 {
			if pos >= 0 {
				r[pos] = NullDatum
			}
			continue
		}
		var size int
		if len(b) > 0 && b[0] < 0x80 {
			size, b = int(b[0]), b[1:]
		} else {
			u, k := binary.Uvarint(b)
			if k <= 0 || u > uint64(len(b)) {
				return fmt.Errorf("slot %d: length: %w", slot, ErrCorrupt)
			}
			size, b = int(u), b[k:]
		}
		if size > len(b) {
			return fmt.Errorf("slot %d: %d bytes of %d: %w", slot, size, len(b), ErrCorrupt)
		}
		val := b[:size:size]
		b = b[size:]
		if pos < 0 {
			continue
		}
		if need != nil && !need[pos] {
			r[pos] = NullDatum
			continue
		}
		if overs != nil && overs[slot/8]&(1<<(slot&7)) != 0 {
			r[pos] = NullDatum
			if over != nil {
				over(int(pos), val)
			}
			continue
		}
		if !readValue(l.cols[pos].Class, val, &r[pos]) {
			return fmt.Errorf("slot %d: %d bytes in class %d: %w", slot, size, l.cols[pos].Class, ErrCorrupt)
		}
	}
	if len(b) != 0 {
		return fmt.Errorf("%d bytes after the last slot: %w", len(b), ErrCorrupt)
	}
	return nil
}

// Dropped calls fn for the references of long values that the stored row v has in columns that the layout lacks: they were dropped
// since, and the values go with the row.
func (l *Layout) Dropped(v []byte, fn func(ref []byte)) error {
	h, err := ParseHeader(v)
	if err != nil || !h.over {
		return err
	}
	b := v[HeaderSize:]
	un, k := binary.Uvarint(b)
	if k <= 0 || un > MaxColumns || len(b) < k+2*((int(un)+7)/8) {
		return fmt.Errorf("slot count: %w", ErrCorrupt)
	}
	n, nb := int(un), (int(un)+7)/8
	nulls, overs := b[k:k+nb], b[k+nb:k+2*nb]
	b = b[k+2*nb:]
	for slot := range n {
		if nulls[slot/8]&(1<<(slot&7)) != 0 {
			continue
		}
		u, k := binary.Uvarint(b)
		if k <= 0 || u > uint64(len(b)-k) {
			return fmt.Errorf("slot %d: length: %w", slot, ErrCorrupt)
		}
		if overs[slot/8]&(1<<(slot&7)) != 0 && (slot >= len(l.slots) || l.slots[slot] < 0) {
			fn(b[k : k+int(u)])
		}
		b = b[k+int(u):]
	}
	return nil
}

// absent fills the columns that a row of n slots does not hold.
func (l *Layout) absent(r []Datum, n int) {
	for pos := range l.cols {
		c := &l.cols[pos]
		if c.Virtual || int(c.ID) > n {
			r[pos] = NullDatum
			if c.Instant != nil && !c.Virtual {
				r[pos] = *c.Instant
			}
		}
	}
}

func readValue(c Class, b []byte, d *Datum) bool {
	switch c {
	case Bytes:
		*d = Datum{B: b}
		return true
	case Float64:
		if len(b) != 8 {
			return false
		}
		*d = Datum{N: binary.LittleEndian.Uint64(b)}
		return true
	case Float32:
		if len(b) != 4 {
			return false
		}
		*d = FromFloat(float64(math.Float32frombits(binary.LittleEndian.Uint32(b))))
		return true
	}
	if len(b) > 8 {
		return false
	}
	var u uint64
	for i := len(b) - 1; i >= 0; i-- {
		u = u<<8 | uint64(b[i])
	}
	if c == Int {
		u = u>>1 ^ -(u & 1)
	}
	*d = Datum{N: u}
	return true
}

// Refs calls fn for each value of the stored row v that lies in overflow pages; slots of dropped columns too.
func Refs(v []byte, fn func(slot int, ref []byte)) error {
	h, err := ParseHeader(v)
	if err != nil || !h.over {
		return err
	}
	// A layout without columns skips every slot, so walk by hand.
	b := v[HeaderSize:]
	un, k := binary.Uvarint(b)
	nb := (int(un) + 7) / 8
	if k <= 0 || un > MaxColumns || len(b) < k+2*nb {
		return fmt.Errorf("bitmaps: %w", ErrCorrupt)
	}
	nulls, overs := b[k:k+nb], b[k+nb:k+2*nb]
	b = b[k+2*nb:]
	for slot := range int(un) {
		if nulls[slot/8]&(1<<(slot&7)) != 0 {
			continue
		}
		u, k := binary.Uvarint(b)
		if k <= 0 || u > uint64(len(b)-k) {
			return fmt.Errorf("slot %d: %w", slot, ErrCorrupt)
		}
		if overs[slot/8]&(1<<(slot&7)) != 0 {
			fn(slot, b[k:k+int(u)])
		}
		b = b[k+int(u):]
	}
	return nil
}
