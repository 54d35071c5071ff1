package field

import (
	"math"
	"strconv"
	"strings"

	"github.com/cockroachdb/apd/v3"
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/types"
	"github.com/dolthub/vitess/go/sqltypes"

	"github.com/zoryadb/zorya/sql/datum"
	"github.com/zoryadb/zorya/sql/mysqlerr"
)

func (st *Store) number(c *sql.Context, t sql.Type, name string, v any) (any, error) {
	var note *mysqlerr.Error
	exact, _ := v.(*apd.Decimal)
	if s, ok := datum.Text(v); ok {
		digits, rest := numberPrefix(s)
		kind := "integer"
		if types.IsDecimal(t) {
			kind = "decimal"
		}
		switch {
		case digits == "" && types.IsFloat(t):
			return st.bad(c, Zero(t), st.Truncated(name))
		case digits == "":
			return st.bad(c, Zero(t), st.Incorrect(mysqlerr.ER_TRUNCATED_WRONG_VALUE_FOR_FIELD, kind, s, name))
		case rest:
			note = st.Truncated(name)
			if st.Strict && !types.IsInteger(t) {
				return nil, note
			}
		}
		v = digits
		if !types.IsFloat(t) {
			if d, _, err := apd.NewFromString(digits); err == nil {
				v = d
				if types.IsInteger(t) {
					v = wholeNumber(d)
				}
			}
		} else if f, err := strconv.ParseFloat(digits, 64); err != nil { // it is infinite
			return st.bad(c, Limit(t, f, sql.InRange), st.outOfRange(name))
		}
	}
	if f, ok := v.(float64); ok && types.IsInteger(t) {
		v = math.RoundToEven(f) // as rint does; exact numbers round halves away from zero
	}
	out, in, err := datum.Round(c, t, v)
	if err != nil && types.IsDecimal(t) {
		if near, ok := decimalLimit(t, v); ok {
			return st.bad(c, near, st.outOfRange(name))
		}
	}
	below := exact != nil && exact.Sign() < 0 && types.IsUnsigned(t) // a DECIMAL is looked at before it is rounded (convert_decimal2longlong), texts and DOUBLE after it
	if err != nil || in != sql.InRange || below || NegativeUnsigned(t, v) {
		return st.bad(c, Limit(t, v, in), st.outOfRange(name))
	}
	if note != nil {
		return st.bad(c, out, note) // of an integer, that it is out of range comes first
	}
	if d, ok := exactOf(v); ok && types.IsDecimal(t) {
		if dt, ok := t.(sql.DecimalType); ok && Loses(d, int32(dt.Scale())) {
			st.Note(c, st.Truncated(name))
		}
	}
	return out, nil
}

// wholeNumber rounds what a text says: the range of an integer column is that of what is stored (strntoull10rnd), so that '-0.1' is an unsigned 0.
func wholeNumber(d *apd.Decimal) *apd.Decimal {
	if d.Exponent >= 0 {
		return d
	}
	c := apd.BaseContext.WithPrecision(uint32(d.NumDigits()) + 1)
	c.Rounding = apd.RoundHalfUp
	whole := new(apd.Decimal)
	if _, err := c.Quantize(whole, d, 0); err != nil {
		return d
	}
	whole.Negative = whole.Negative && !whole.IsZero()
	return whole
}

// exactOf is a number with the digits that storing it into a DECIMAL looks at: of a DOUBLE the fewest that tell it from others (double2decimal).
func exactOf(v any) (*apd.Decimal, bool) {
	switch v := v.(type) {
	case *apd.Decimal:
		return v, true
	case float32:
		return exactOf(float64(v))
	case float64:
		d, err := new(apd.Decimal).SetFloat64(v)
		return d, err == nil && d.Form == apd.Finite
	}
	return nil, false
}

// Loses reports whether d has digits other than zero beyond scale decimals.
func Loses(d *apd.Decimal, scale int32) bool {
	if -d.Exponent <= scale {
		return false
	}
	var r apd.Decimal
	r.Reduce(d)
	return -r.Exponent > scale
}

// numberPrefix is the number that a text begins with, "" if there is none; rest reports other than blanks after it.
func numberPrefix(s string) (digits string, rest bool) {
	s = strings.TrimLeft(s, " \t\n\r\v\f")
	i := 0
	if i < len(s) && (s[i] == '-' || s[i] == '+') {
		i++
	}
	start := i
	for i < len(s) && s[i] >= '0' && s[i] <= '9' {
		i++
	}
	n := i - start
	if i < len(s) && s[i] == '.' {
		j := i + 1
		for j < len(s) && s[j] >= '0' && s[j] <= '9' {
			j++
		}
		if n+j-i-1 > 0 {
			n += j - i - 1
			i = j
		}
	}
	if n == 0 {
		return "", true
	}
	if i < len(s) && (s[i] == 'e' || s[i] == 'E') {
		j := i + 1
		if j < len(s) && (s[j] == '-' || s[j] == '+') {
			j++
		}
		k := j
		for k < len(s) && s[k] >= '0' && s[k] <= '9' {
			k++
		}
		if k > j {
			if rest = strings.TrimLeft(s[k:], " \t\n\r\v\f") != ""; k-j > 5 && strings.Trim(s[j:k], "0") != "" { // more than any type holds
				return s[:j] + "99999", rest
			}
			return s[:k], rest
		}
	}
	return s[:i], strings.TrimLeft(s[i:], " \t\n\r\v\f") != ""
}

// Negative reports whether a number is below zero.
func Negative(v any) bool {
	switch v := v.(type) {
	case *apd.Decimal:
		return v.Negative && !v.IsZero()
	case float64:
		return v < 0
	case float32:
		return v < 0
	case string:
		return strings.HasPrefix(strings.TrimSpace(v), "-")
	case uint64:
		return false
	}
	n, ok := datum.Integer(v)
	return ok && n < 0
}

// NegativeUnsigned: the library wraps some negative numbers around.
func NegativeUnsigned(t sql.Type, v any) bool {
	if !types.IsUnsigned(t) || !Negative(v) {
		return false
	}
	if f, ok := v.(float64); ok {
		return f < 0
	}
	if d, ok := v.(*apd.Decimal); ok {
		f, err := d.Float64()
		return err != nil || math.Round(f) < 0
	}
	return true
}

// Limit is the end of t's range that v lies beyond.
func Limit(t sql.Type, v any, in sql.ConvertInRange) any {
	low := in == sql.Underflow || Negative(v)
	switch t.Type() {
	case sqltypes.Int8:
		return pick[int8](low, math.MinInt8, math.MaxInt8)
	case sqltypes.Int16:
		return pick[int16](low, math.MinInt16, math.MaxInt16)
	case sqltypes.Int24:
		return pick[int32](low, -1<<23, 1<<23-1)
	case sqltypes.Int32:
		return pick[int32](low, math.MinInt32, math.MaxInt32)
	case sqltypes.Int64:
		return pick[int64](low, math.MinInt64, math.MaxInt64)
	case sqltypes.Uint8:
		return pick[uint8](low, 0, math.MaxUint8)
	case sqltypes.Uint16:
		return pick[uint16](low, 0, math.MaxUint16)
	case sqltypes.Uint24:
		return pick[uint32](low, 0, 1<<24-1)
	case sqltypes.Uint32:
		return pick[uint32](low, 0, math.MaxUint32)
	case sqltypes.Uint64:
		return pick[uint64](low, 0, math.MaxUint64)
	case sqltypes.Float32:
		return pick[float32](low, -math.MaxFloat32, math.MaxFloat32)
	case sqltypes.Float64:
		return pick(low, -math.MaxFloat64, math.MaxFloat64)
	}
	if near, ok := decimalLimit(t, v); ok {
		return near
	}
	return Zero(t)
}

func pick[T any](low bool, a, b T) T {
	if low {
		return a
	}
	return b
}

// decimalLimit is the largest DECIMAL of type t with the sign of v.
func decimalLimit(t sql.Type, v any) (any, bool) {
	d, ok := t.(sql.DecimalType)
	if !ok {
		return nil, false
	}
	text := strings.Repeat("9", int(d.Precision()))
	n, _, err := apd.NewFromString(text)
	if err != nil {
		return nil, false
	}
	n.Exponent = -int32(d.Scale())
	n.Negative = Negative(v)
	return n, true
}

func (st *Store) bits(c *sql.Context, t sql.Type, name string, v any) (any, error) {
	out, in, err := t.Convert(c, v)
	if err == nil && in == sql.InRange {
		return out, nil
	}
	if st.Strict {
		return nil, mysqlerr.New(mysqlerr.ER_DATA_TOO_LONG, name, st.Row)
	}
	all := uint64(math.MaxUint64)
	if b, ok := t.(interface{ NumberOfBits() uint8 }); ok && b.NumberOfBits() < 64 {
		all = 1<<b.NumberOfBits() - 1
	}
	st.Warn(c, st.outOfRange(name))
	return all, nil
}

func (st *Store) year(c *sql.Context, t sql.Type, name string, v any) (any, error) {
	if s, ok := datum.Text(v); ok {
		digits, rest := numberPrefix(s)
		if digits == "" {
			return st.bad(c, int16(0), st.Incorrect(mysqlerr.ER_TRUNCATED_WRONG_VALUE_FOR_FIELD, "integer", s, name))
		}
		if rest && st.Strict {
			return nil, st.Truncated(name)
		}
		v = strings.TrimSpace(digits)
	}
	out, in, err := t.Convert(c, v)
	if err != nil || in != sql.InRange {
		return st.bad(c, int16(0), st.outOfRange(name))
	}
	return out, nil
}
