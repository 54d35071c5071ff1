package wire

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
)

// rowEncoder encodes the values of one row into the connection's output buffer.
type rowEncoder struct {
	cols   []colMeta
	col    int // next column
	bitmap int // offset of the NULL bitmap in the output buffer (binary rows)
	bad    error
}

// StartRow begins a row. One value per column follows, in order, then EndRow. The value methods cannot fail: a mistake (too many
// values, text that is no number for a numeric column of a binary row) is returned by EndRow.
func (r *Reply) StartRow() {
	e := &r.row
	e.col, e.bad = 0, nil
	if r.state != replyRows {
		e.bad = errReplyOrder
		e.col = len(e.cols)
		return
	}
	if r.colsEOF {
		if e.bad = r.endColumns(); e.bad != nil {
			e.col = len(e.cols)
			return
		}
	}
	r.state = replyRow
	f := &r.c.f
	f.begin()
	if r.binary {
		f.out = append(f.out, 0)
		e.bitmap = len(f.out)
		for range (len(e.cols) + 9) / 8 {
			f.out = append(f.out, 0)
		}
	}
}

// EndRow ends a row; the buffer is written out when it is full enough.
func (r *Reply) EndRow() error {
	e := &r.row
	if e.bad == nil && e.col != len(e.cols) {
		e.bad = fmt.Errorf("wire: row has %d values for %d columns", e.col, len(e.cols))
	}
	if e.bad != nil {
		return e.bad
	}
	r.state = replyRows
	return r.c.f.end()
}

// next returns the column of the value at hand, nil when there is none.
func (r *Reply) next() *colMeta {
	e := &r.row
	if e.col >= len(e.cols) {
		if e.bad == nil {
			e.bad = fmt.Errorf("wire: row has more values than its %d columns", len(e.cols))
		}
		return nil
	}
	e.col++
	return &e.cols[e.col-1]
}

// Null appends NULL.
func (r *Reply) Null() {
	if r.next() == nil {
		return
	}
	f := &r.c.f
	if r.binary {
		bit := r.row.col - 1 + 2
		f.out[r.row.bitmap+bit/8] |= 1 << (bit % 8)
		return
	}
	f.out = append(f.out, 0xfb)
}

// Int64 appends a signed integer; in a binary row its width is the column's.
func (r *Reply) Int64(v int64) {
	m := r.next()
	if m == nil {
		return
	}
	if r.binary && m.binaryNumber() {
		r.binaryInt(m, uint64(v), float64(v))
		return
	}
	r.digits(m, v < 0, uint64(v))
}

// Uint64 appends an unsigned integer.
func (r *Reply) Uint64(v uint64) {
	m := r.next()
	if m == nil {
		return
	}
	if r.binary && m.binaryNumber() {
		r.binaryInt(m, v, float64(v))
		return
	}
	r.digits(m, false, v)
}

// digits appends an integer as text.
func (r *Reply) digits(m *colMeta, neg bool, v uint64) {
	out := append(r.c.f.out, 0)
	at := len(out)
	if neg {
		out = strconv.AppendInt(out, int64(v), 10)
	} else {
		if m.zerofill > 0 {
			out = padZero(out, v, int(m.zerofill))
		}
		out = strconv.AppendUint(out, v, 10)
	}
	out[at-1] = byte(len(out) - at) // at most 20 digits, or a zerofill width below 251
	r.c.f.out = out
}

// padZero appends the zeros that bring v to width digits.
func padZero(out []byte, v uint64, width int) []byte {
	n := 1
	for x := v; x >= 10; x /= 10 {
		n++
	}
	for width = min(width, 250); n < width; n++ {
		out = append(out, '0')
	}
	return out
}

// binaryNumber tells the types that binary rows hold in a fixed width.
func (m *colMeta) binaryNumber() bool {
	switch m.typ {
	case TypeTiny, TypeShort, TypeLong, TypeInt24, TypeLongLong, TypeYear, TypeFloat, TypeDouble:
		return true
	}
	return false
}

// binaryInt appends a number to a binary row; i and d are the same value.
func (r *Reply) binaryInt(m *colMeta, i uint64, d float64) {
	out := r.c.f.out
	switch m.typ {
	case TypeTiny:
		out = append(out, byte(i))
	case TypeShort, TypeYear:
		out = binary.LittleEndian.AppendUint16(out, uint16(i))
	case TypeLong, TypeInt24:
		out = binary.LittleEndian.AppendUint32(out, uint32(i))
	case TypeLongLong:
		out = binary.LittleEndian.AppendUint64(out, i)
	case TypeFloat:
		out = binary.LittleEndian.AppendUint32(out, math.Float32bits(float32(d)))
	case TypeDouble:
		out = binary.LittleEndian.AppendUint64(out, math.Float64bits(d))
	}
	r.c.f.out = out
}

// Float64 appends a DOUBLE.
func (r *Reply) Float64(v float64) { r.float(v, 64) }

// Float32 appends a FLOAT: as text with six significant digits, as MySQL prints it.
func (r *Reply) Float32(v float32) { r.float(float64(v), 32) }

func (r *Reply) float(v float64, bits int) {
	m := r.next()
	if m == nil {
		return
	}
	if r.binary && m.binaryNumber() {
		r.binaryInt(m, uint64(int64(v)), v)
		return
	}
	out := append(r.c.f.out, 0)
	at := len(out)
	out = AppendFloat(out, v, bits, int(m.decimals))
	r.c.f.out = fixLength(out, at)
}

// fixLength sets the length byte before out[at:], making room when one byte does not do.
func fixLength(out []byte, at int) []byte {
	n := len(out) - at
	if n < 251 {
		out[at-1] = byte(n)
		return out
	}
	var tmp [9]byte
	head := appendLenenc(tmp[:0], uint64(n))
	out = append(out, head[1:]...)
	copy(out[at-1+len(head):], out[at:at+n])
	copy(out[at-1:], head)
	return out
}

// Bytes appends a value in the form that the text protocol gives it: strings and blobs as they are, decimals and numbers as digits,
// temporal values as '2006-01-02 15:04:05'. In a binary row it is converted to what the column's type needs.
func (r *Reply) Bytes(v []byte) { appendValue(r, v) }

// Text is Bytes for a string.
func (r *Reply) Text(v string) { appendValue(r, v) }

func appendValue[S []byte | string](r *Reply, v S) {
	m := r.next()
	if m == nil {
		return
	}
	if r.binary && m.binaryFixed() {
		if err := r.binaryFromText(m, string(v)); err != nil && r.row.bad == nil {
			r.row.bad = fmt.Errorf("wire: column %d of a binary row: %w", r.row.col, err)
		}
		return
	}
	r.c.f.out = appendLenencString(r.c.f.out, v)
}

// binaryFixed tells the types that binary rows do not hold as strings.
func (m *colMeta) binaryFixed() bool {
	return m.binaryNumber() || m.isDate() || m.typ == TypeTime
}

func (m *colMeta) isDate() bool {
	return m.typ == TypeDate || m.typ == TypeDateTime || m.typ == TypeTimestamp || m.typ == TypeNewDate
}

// binaryFromText converts a value from its text form.
func (r *Reply) binaryFromText(m *colMeta, v string) error {
	switch {
	case m.isDate():
		d, err := ParseDateTime(v)
		if err != nil {
			return err
		}
		r.c.f.out = appendBinaryDateTime(r.c.f.out, d, m.typ == TypeDate)
	case m.typ == TypeTime:
		t, err := ParseTime(v)
		if err != nil {
			return err
		}
		r.c.f.out = appendBinaryTime(r.c.f.out, t)
	case m.typ == TypeFloat || m.typ == TypeDouble:
		d, err := strconv.ParseFloat(v, 64)
		if err != nil {
			return err
		}
		r.binaryInt(m, 0, d)
	case m.unsigned || m.typ == TypeYear:
		i, err := strconv.ParseUint(v, 10, 64)
		if err != nil {
			return err
		}
		r.binaryInt(m, i, 0)
	default:
		i, err := strconv.ParseInt(v, 10, 64)
		if err != nil {
			return err
		}
		r.binaryInt(m, uint64(i), 0)
	}
	return nil
}

// DateTime appends a DATE, DATETIME or TIMESTAMP; how many digits a fraction has is the column's Decimals.
func (r *Reply) DateTime(d DateTime) {
	m := r.next()
	if m == nil {
		return
	}
	if r.binary && m.isDate() {
		r.c.f.out = appendBinaryDateTime(r.c.f.out, d, m.typ == TypeDate)
		return
	}
	out := append(r.c.f.out, 0)
	at := len(out)
	out = appendDate(out, d)
	if m.typ != TypeDate {
		out = append(out, ' ')
		out = appendClock(out, uint64(d.Hour), d.Minute, d.Second, d.Micro, m.decimals)
	}
	r.c.f.out = fixLength(out, at)
}

// Time appends a TIME.
func (r *Reply) Time(t Time) {
	m := r.next()
	if m == nil {
		return
	}
	if r.binary && m.typ == TypeTime {
		r.c.f.out = appendBinaryTime(r.c.f.out, t)
		return
	}
	out := append(r.c.f.out, 0)
	at := len(out)
	if t.Neg {
		out = append(out, '-')
	}
	out = appendClock(out, uint64(t.Hour), t.Minute, t.Second, t.Micro, m.decimals)
	r.c.f.out = fixLength(out, at)
}
