package fastlane

import (
	"bytes"
	"context"
	"encoding/binary"
	"math"
	"time"
	"unicode/utf8"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/encodings"
	"github.com/dolthub/vitess/go/sqltypes"

	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/sql/collate"
	"github.com/zoryadb/zorya/sql/datum"
	"github.com/zoryadb/zorya/sql/temporal"
	"github.com/zoryadb/zorya/sql/wire"
)

// colKind is how the lane handles a column's values.
type colKind struct {
	form      form
	nullable  bool
	min, max  int64 // formInt
	umax      uint64
	maxChars  int // formString, 0: by bytes
	maxBytes  int
	collation uint16
	collator  row.Collator // of collation, nil: bytes
	charset   sql.CharacterSetID
	encoder   encodings.Encoder // of charset where each character is a byte; nil: utf8mb4, utf8mb3, ASCII
	char      bool              // CHAR: trailing spaces matter
	precision int               // formDecimal; fractional digits of formDatetime and formTimestamp
	scale     int
	unsigned  bool // formDecimal, FLOAT
	enum      sql.EnumType
	codec     *datum.Codec
}

type form uint8

const (
	formOther form = iota // is read and filled only
	formInt
	formUint
	formFloat // DOUBLE
	formString
	formBinary
	formDecimal // of at most 18 digits
	formDate
	formDatetime
	formTimestamp
	formEnum
)

// fixedDigits is how many decimal digits an int64 holds whatever they are.
const fixedDigits = 18

func kindOf(c *Column, nullable bool) colKind {
	t := c.Codec.Type
	k := colKind{form: formOther, collation: c.Codec.Collation, collator: collate.For(c.Codec.Collation), nullable: nullable, codec: &c.Codec}
	switch t.Type() {
	case sqltypes.Int8:
		k.form, k.min, k.max = formInt, math.MinInt8, math.MaxInt8
	case sqltypes.Int16:
		k.form, k.min, k.max = formInt, math.MinInt16, math.MaxInt16
	case sqltypes.Int24:
		k.form, k.min, k.max = formInt, -1<<23, 1<<23-1
	case sqltypes.Int32:
		k.form, k.min, k.max = formInt, math.MinInt32, math.MaxInt32
	case sqltypes.Int64:
		k.form, k.min, k.max = formInt, math.MinInt64, math.MaxInt64
	case sqltypes.Uint8:
		k.form, k.umax = formUint, math.MaxUint8
	case sqltypes.Uint16:
		k.form, k.umax = formUint, math.MaxUint16
	case sqltypes.Uint24:
		k.form, k.umax = formUint, 1<<24-1
	case sqltypes.Uint32:
		k.form, k.umax = formUint, math.MaxUint32
	case sqltypes.Uint64:
		k.form, k.umax = formUint, math.MaxUint64
	case sqltypes.Float64:
		if t.String() == "double" && !c.Unsigned {
			k.form = formFloat
		}
	case sqltypes.Float32:
		k.unsigned = c.Unsigned
	case sqltypes.Decimal:
		if d, ok := t.(sql.DecimalType); ok && d.Precision() <= fixedDigits {
			k.form, k.precision, k.scale, k.unsigned = formDecimal, int(d.Precision()), int(d.Scale()), c.Unsigned
		}
	case sqltypes.Date:
		k.form = formDate
	case sqltypes.Datetime, sqltypes.Timestamp:
		if d, ok := t.(sql.DatetimeType); ok {
			k.form, k.precision = formDatetime, d.Precision()
			if t.Type() == sqltypes.Timestamp {
				k.form = formTimestamp
			}
		}
	case sqltypes.Enum:
		if e, ok := t.(sql.EnumType); ok {
			k.form, k.enum = formEnum, e
		}
	case sqltypes.Char, sqltypes.VarChar, sqltypes.Text:
		st, ok := t.(sql.StringType)
		if !ok || !k.text(st.Collation()) {
			return k
		}
		k.form, k.maxBytes, k.char = formString, int(st.MaxByteLength()), t.Type() == sqltypes.Char
		if t.Type() != sqltypes.Text {
			k.maxChars = int(st.MaxCharacterLength())
		}
	case sqltypes.Binary, sqltypes.VarBinary, sqltypes.Blob:
		k.form, k.maxBytes = formBinary, -1 // BINARY is filled up with zeros, the empty string, too: elsewhere
		if st, ok := t.(sql.StringType); ok && t.Type() != sqltypes.Binary {
			k.maxBytes = int(st.MaxByteLength())
		}
	}
	return k
}

// text learns the character set of a column, and reports whether what a utf8mb4 client sends can be told to be in it. Columns hold UTF-8 whatever theirs is.
func (k *colKind) text(c sql.CollationID) bool {
	k.charset = c.CharacterSet()
	switch k.charset {
	case sql.CharacterSet_utf8mb4, sql.CharacterSet_utf8mb3, sql.CharacterSet_ascii:
	default:
		if k.charset.MaxLength() != 1 || k.charset == sql.CharacterSet_binary {
			return false
		}
		if k.encoder = k.charset.Encoder(); k.encoder == nil {
			return false
		}
	}
	return k.collator != nil
}

// holds reports whether b is UTF-8 of characters that the column's character set has.
func (k *colKind) holds(b []byte) bool {
	at := nonASCII(b)
	if at == len(b) {
		return true
	}
	if k.charset == sql.CharacterSet_ascii || !utf8.Valid(b[at:]) {
		return false
	}
	if k.charset == sql.CharacterSet_utf8mb4 {
		return true
	}
	for at < len(b) {
		r, n := utf8.DecodeRune(b[at:])
		switch {
		case r < utf8.RuneSelf:
		case k.encoder == nil: // utf8mb3
			if r > 0xFFFF {
				return false
			}
		default:
			if _, ok := k.encoder.EncodeRune(b[at : at+n]); !ok {
				return false
			}
		}
		at += n
	}
	return true
}

// nonASCII is where the first byte is that is not ASCII, len(b) if none.
func nonASCII(b []byte) int {
	at := 0
	for ; len(b)-at >= 8; at += 8 {
		if binary.LittleEndian.Uint64(b[at:])&0x8080808080808080 != 0 {
			break
		}
	}
	for at < len(b) && b[at] < utf8.RuneSelf {
		at++
	}
	return at
}

// comparable reports whether values of the kind can be compared with constants.
func (k *colKind) comparable() bool {
	return k.form != formOther && k.form != formBinary && k.form != formFloat
}

// sortable reports whether appendKey orders the kind's values.
func (k *colKind) sortable() bool { return k.form != formOther && k.form != formBinary }

// ordered reports whether < and > compare values as appendKey orders them: members of an ENUM compare as strings.
func (k *colKind) ordered() bool { return k.comparable() && k.form != formEnum }

// key converts an argument for comparison with a column; false declines. Numbers out of the column's range still compare
// rightly as long as the class can hold them.
func (k *colKind) key(a *Arg, zone *time.Location) (row.Datum, bool) {
	switch k.form {
	case formInt, formUint:
		n := *a
		if a.Kind == ArgString {
			var ok bool
			if n, ok = canonicalInt(a.B); !ok {
				return row.Datum{}, false
			}
		}
		if k.form == formInt {
			return n.int64()
		}
		return row.FromUint(n.N), n.Kind == ArgInt && !n.Neg
	case formString:
		if k.charset != sql.CharacterSet_utf8mb4 { // in which character set others compare is the general lane's to say
			return row.FromBytes(a.B), a.Kind == ArgString && nonASCII(a.B) == len(a.B)
		}
		return row.FromBytes(a.B), a.Kind == ArgString && utf8.Valid(a.B)
	case formDecimal:
		if a.Kind != ArgInt && a.Kind != ArgDecimal {
			return row.Datum{}, false
		}
		return k.decimal(a)
	case formDate, formDatetime, formTimestamp:
		us, ok := k.instant(a, 6, zone)
		return row.FromInt(us), ok
	case formEnum:
		return k.member(a)
	}
	return row.Datum{}, false
}

// store converts an argument for storing in a column where that changes nothing; false declines.
func (k *colKind) store(a *Arg, zone *time.Location) (row.Datum, bool) {
	if a.Kind == ArgNull {
		return row.NullDatum, k.nullable
	}
	switch k.form {
	case formInt:
		d, ok := k.key(a, zone)
		return d, ok && d.Int() >= k.min && d.Int() <= k.max
	case formUint:
		d, ok := k.key(a, zone)
		return d, ok && d.Uint() <= k.umax
	case formFloat:
		f, ok := a.float()
		return row.FromFloat(f), ok
	case formString:
		if a.Kind != ArgString || !k.holds(a.B) || len(a.B) > k.maxBytes {
			return row.Datum{}, false
		}
		if k.maxChars > 0 && len(a.B) > k.maxChars && utf8.RuneCount(a.B) > k.maxChars {
			return row.Datum{}, false
		}
		if k.char && len(a.B) > 0 && a.B[len(a.B)-1] == ' ' {
			return row.Datum{}, false
		}
		return row.FromBytes(a.B), true
	case formBinary:
		return row.FromBytes(a.B), len(a.B) <= k.maxBytes && (a.Kind == ArgBinary || a.Kind == ArgString)
	case formDecimal:
		if a.Kind == ArgFloat {
			return k.fromFloat(a)
		}
		return k.decimal(a)
	case formDate, formDatetime, formTimestamp:
		us, ok := k.instant(a, k.precision, zone)
		return row.FromInt(us), ok
	case formEnum:
		return k.member(a)
	}
	return k.load(a)
}

// int64 returns an integer argument as a datum of class Int.
func (a *Arg) int64() (row.Datum, bool) {
	switch {
	case a.Kind != ArgInt:
		return row.Datum{}, false
	case a.Neg:
		return row.FromInt(-int64(a.N)), a.N <= 1<<63
	}
	return row.FromInt(int64(a.N)), a.N <= math.MaxInt64
}

// float returns a numeric argument that a DOUBLE holds exactly, or was one.
func (a *Arg) float() (float64, bool) {
	switch a.Kind {
	case ArgFloat:
		f := math.Float64frombits(a.N)
		return f, !math.IsNaN(f) && !math.IsInf(f, 0)
	case ArgInt:
		f := float64(a.N)
		if a.Neg {
			f = -f
		}
		return f, a.N <= 1<<53
	case ArgDecimal:
		return parseFloat(a)
	}
	return 0, false
}

// canonicalInt reads a string that is an integer as it would be printed.
func canonicalInt(b []byte) (Arg, bool) {
	a := Arg{Kind: ArgInt}
	d := b
	if len(d) > 0 && d[0] == '-' {
		a.Neg, d = true, d[1:]
	}
	if len(d) == 0 || len(d) > 18 || d[0] == '0' && (len(d) > 1 || a.Neg) {
		return a, false
	}
	for _, c := range d {
		if c < '0' || c > '9' {
			return a, false
		}
		a.N = a.N*10 + uint64(c-'0')
	}
	return a, true
}

// decimal converts an exact number that has no more digits than the column.
func (k *colKind) decimal(a *Arg) (row.Datum, bool) {
	v, scale, ok := a.fixed()
	if !ok {
		return row.Datum{}, false
	}
	if v, ok = rescale(v, scale, k.scale); !ok || abs(v) >= pow10[k.precision] || v < 0 && k.unsigned {
		return row.Datum{}, false
	}
	return row.FromBytes(k.codec.AppendFixed(nil, v)), true
}

// fromFloat stores a DOUBLE in a DECIMAL as the library rounds it.
func (k *colKind) fromFloat(a *Arg) (row.Datum, bool) {
	f, ok := a.float()
	if !ok || f < 0 && k.unsigned {
		return row.Datum{}, false
	}
	if v, ok := fixedOf(f, k.scale); ok && abs(v) < pow10[k.precision] {
		return row.FromBytes(k.codec.AppendFixed(nil, v)), true
	}
	v, in, err := k.codec.Type.Convert(context.Background(), f)
	if err != nil || in != sql.InRange {
		return row.Datum{}, false
	}
	d, err := k.codec.Encode(context.Background(), v, nil)
	return d, err == nil
}

// member finds an ENUM's member by its exact text.
func (k *colKind) member(a *Arg) (row.Datum, bool) {
	if a.Kind != ArgString {
		return row.Datum{}, false
	}
	for i := 1; i <= int(k.enum.NumberOfElements()); i++ {
		if s, ok := k.enum.At(i); ok && s == string(a.B) {
			return row.FromUint(uint64(i)), true
		}
	}
	return row.Datum{}, false
}

// instant converts a date, or date and time, in the form in which MySQL prints it, to the column's number. Dates that the calendar lacks are the general lane's, which
// knows the sql_mode that allows them.
func (k *colKind) instant(a *Arg, digits int, zone *time.Location) (int64, bool) {
	d := a.T
	switch a.Kind {
	case ArgTime:
		if d.Year == 0 {
			return 0, false
		}
	case ArgString:
		var ok bool
		if d, ok = parseInstant(a.B); !ok {
			return 0, false
		}
	default:
		return 0, false
	}
	if k.form == formDate && (d.Hour|d.Minute|d.Second != 0 || d.Micro != 0) {
		return 0, false
	}
	if int64(d.Micro)%pow10[6-digits] != 0 || d.Month < 1 || d.Month > 12 || d.Day < 1 || int(d.Day) > temporal.DaysInMonth(int(d.Year), int(d.Month)) {
		return 0, false
	}
	switch k.form {
	case formDate:
		return valueOf(d).PackedDay(), true
	case formDatetime:
		return valueOf(d).Packed(), true
	}
	loc := time.UTC
	if zone != nil {
		loc = zone
	}
	t := time.Date(int(d.Year), time.Month(d.Month), int(d.Day), int(d.Hour), int(d.Minute), int(d.Second), int(d.Micro)*1000, loc)
	us := t.UnixMicro()
	return us, t.Day() == int(d.Day) && t.Hour() == int(d.Hour) && us >= 1e6 && us < 1<<31*1e6 // there is such an hour: clocks are put forward
}

func valueOf(d wire.DateTime) temporal.Value {
	return temporal.Value{Year: int(d.Year), Month: int(d.Month), Day: int(d.Day), Hour: int(d.Hour), Minute: int(d.Minute), Second: int(d.Second), Micro: int(d.Micro)}
}

// parseInstant reads 2006-01-02[ 15:04:05[.999999]].
func parseInstant(b []byte) (d wire.DateTime, ok bool) {
	ok = true
	num := func(from, to int) int {
		n := 0
		for _, c := range b[from:to] {
			if c < '0' || c > '9' {
				ok = false
			}
			n = n*10 + int(c&15)
		}
		return n
	}
	switch n := len(b); {
	case n == 10, n == 19, n > 20 && n <= 26 && b[19] == '.':
	default:
		return d, false
	}
	if b[4] != '-' || b[7] != '-' {
		return d, false
	}
	year, month, day := num(0, 4), num(5, 7), num(8, 10)
	if year < 1000 || month < 1 || month > 12 || day < 1 || day > 31 {
		return d, false
	}
	d.Year, d.Month, d.Day = uint16(year), uint8(month), uint8(day)
	if len(b) == 10 {
		return d, ok
	}
	hour, minute, second := num(11, 13), num(14, 16), num(17, 19)
	if b[10] != ' ' || b[13] != ':' || b[16] != ':' || hour > 23 || minute > 59 || second > 59 {
		return d, false
	}
	d.Hour, d.Minute, d.Second = uint8(hour), uint8(minute), uint8(second)
	if len(b) > 20 {
		d.Micro = uint32(int64(num(20, len(b))) * pow10[26-len(b)])
	}
	return d, ok
}

// appendKey appends a value's sort key: keys compare bytewise, none is a prefix of another.
func (k *colKind) appendKey(dst []byte, d *row.Datum) []byte {
	if d.Null {
		return append(dst, 0)
	}
	dst = append(dst, 1)
	switch k.form {
	case formInt, formDate, formDatetime, formTimestamp:
		return binary.BigEndian.AppendUint64(dst, d.N^1<<63)
	case formUint, formEnum:
		return binary.BigEndian.AppendUint64(dst, d.N)
	case formFloat:
		n := d.N
		if n<<1 == 0 { // -0 equals 0
			n = 0
		}
		if n>>63 != 0 {
			n = ^n
		} else {
			n ^= 1 << 63
		}
		return binary.BigEndian.AppendUint64(dst, n)
	case formDecimal: // of fixed length
		return append(dst, d.B...)
	default:
		// Escape zeros and end with two, so that a shorter string sorts first whatever follows.
		at := len(dst)
		dst = k.collator.AppendWeights(dst, d.B)
		if bytes.IndexByte(dst[at:], 0) >= 0 {
			w := bytes.ReplaceAll(dst[at:], []byte{0}, []byte{0, 1})
			dst = append(dst[:at], w...)
		}
		return append(dst, 0, 0)
	}
}
