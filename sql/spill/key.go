package spill

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"time"

	"github.com/cockroachdb/apd/v3"
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/types"

	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/sql/collate"
	"github.com/zoryadb/zorya/sql/datum"
	"github.com/zoryadb/zorya/sql/temporal"
)

// keyKind says how values of a type become bytes that order as the type does.
type keyKind uint8

const (
	keyNone keyKind = iota // they do not
	keyInt
	keyUint
	keyFloat
	keyDecimal
	keyText
	keyBytes
	keyTime
	keyDate
	keySpan
	keyNull
)

func kindOf(t sql.Type) keyKind {
	switch {
	case types.IsNullType(t):
		return keyNull
	case types.IsJSON(t), datum.Spatial(t), types.IsTuple(t):
		return keyNone
	case types.IsEnum(t), types.IsSet(t), types.IsBit(t):
		return keyUint
	case types.IsYear(t):
		return keyInt
	case types.IsTimespan(t):
		return keySpan
	case types.IsDateType(t):
		return keyDate
	case types.IsTime(t):
		return keyTime
	case types.IsDecimal(t):
		return keyDecimal
	case types.IsFloat(t):
		return keyFloat
	case types.IsInteger(t):
		if types.IsUnsigned(t) {
			return keyUint
		}
		return keyInt
	case types.IsBinaryType(t):
		return keyBytes
	case types.IsTextOnly(t):
		return keyText
	}
	return keyNone
}

// part is one condition of an order.
type part struct {
	expr sql.Expression
	typ  sql.Type
	kind keyKind
	desc bool
	coll row.Collator
}

// order makes keys of rows: bytes whose order is that of the conditions, NULLs first in ascending order.
type order struct{ parts []part }

// orderOf returns false for an order that bytes cannot express.
func orderOf(c *sql.Context, by sql.SortConditions) (order, bool) {
	o := order{parts: make([]part, len(by))}
	for i, s := range by {
		t := s.Expr.Type(c)
		p := part{expr: s.Expr, typ: t, kind: kindOf(t), desc: s.Order == sql.Descending}
		if p.kind == keyNone {
			return o, false
		}
		if st, ok := t.(sql.StringType); ok && p.kind == keyText {
			if p.coll = collate.For(uint16(st.Collation())); p.coll == nil && st.Collation() != sql.Collation_binary && st.Collation() != sql.Collation_Unspecified {
				return o, false
			}
		}
		o.parts[i] = p
	}
	return o, true
}

func (o *order) append(c *sql.Context, dst []byte, r sql.Row) ([]byte, error) {
	for i := range o.parts {
		p := &o.parts[i]
		v, err := p.expr.Eval(c, r)
		if err == nil {
			v, err = sql.UnwrapAny(c, v)
		}
		if err != nil {
			return nil, err
		}
		at := len(dst)
		if dst, err = p.append(c, dst, v); err != nil {
			return nil, err
		}
		if p.desc {
			for k := at; k < len(dst); k++ {
				dst[k] = ^dst[k]
			}
		}
	}
	return dst, nil
}

func (p *part) append(c *sql.Context, dst []byte, v any) ([]byte, error) {
	if v == nil {
		return append(dst, 0), nil
	}
	dst = append(dst, 1)
	out, ok := p.plain(dst, v)
	if ok {
		return out, nil
	}
	conv, _, err := p.typ.Convert(c, v)
	if err == nil {
		conv, err = sql.UnwrapAny(c, conv)
	}
	if err != nil && conv == nil {
		return nil, err
	}
	if conv == nil {
		return append(dst[:len(dst)-1], 0), nil
	}
	if out, ok = p.plain(dst, conv); !ok {
		return nil, fmt.Errorf("sort by %s: a value of type %T", p.expr, conv)
	}
	return out, nil
}

// plain writes a value that has the Go type that goes with the kind.
func (p *part) plain(dst []byte, v any) ([]byte, bool) {
	switch p.kind {
	case keyInt:
		if n, ok := signed(v); ok {
			return binary.BigEndian.AppendUint64(dst, uint64(n)^1<<63), true
		}
	case keyUint:
		if n, ok := unsigned(v); ok {
			return binary.BigEndian.AppendUint64(dst, n), true
		}
	case keyFloat:
		switch f := v.(type) {
		case float64:
			return appendFloat(dst, f), true
		case float32:
			return appendFloat(dst, float64(f)), true
		}
	case keyDecimal:
		if d, ok := v.(*apd.Decimal); ok && d != nil && d.Form == apd.Finite {
			return appendDecimal(dst, d), true
		}
		if n, ok := signed(v); ok {
			return appendDecimal(dst, apd.New(n, 0)), true
		}
	case keyText, keyBytes:
		var b []byte
		switch x := v.(type) {
		case string:
			b = []byte(x)
		case []byte:
			b = x
		default:
			return dst, false
		}
		if p.coll != nil {
			b = p.coll.AppendWeights(nil, b)
		}
		return appendEscaped(dst, b), true
	case keyTime, keyDate:
		if t, ok := v.(time.Time); ok {
			if p.kind == keyDate {
				t = t.Truncate(24 * time.Hour)
			}
			return binary.BigEndian.AppendUint64(dst, uint64(temporal.OfHeld(t).Packed())^1<<63), true
		}
	case keySpan:
		if s, ok := v.(types.Timespan); ok {
			return binary.BigEndian.AppendUint64(dst, uint64(s)^1<<63), true
		}
	}
	return dst, false
}

func signed(v any) (int64, bool) {
	switch x := v.(type) {
	case int64:
		return x, true
	case int32:
		return int64(x), true
	case int16:
		return int64(x), true
	case int8:
		return int64(x), true
	case int:
		return int64(x), true
	case bool:
		if x {
			return 1, true
		}
		return 0, true
	}
	return 0, false
}

func unsigned(v any) (uint64, bool) {
	switch x := v.(type) {
	case uint64:
		return x, true
	case uint32:
		return uint64(x), true
	case uint16:
		return uint64(x), true
	case uint8:
		return uint64(x), true
	case uint:
		return uint64(x), true
	}
	return 0, false
}

func appendFloat(dst []byte, f float64) []byte {
	if f == 0 {
		f = 0 // of -0
	}
	b := math.Float64bits(f)
	if b>>63 != 0 {
		b = ^b
	} else {
		b |= 1 << 63
	}
	return binary.BigEndian.AppendUint64(dst, b)
}

// appendEscaped ends b so that no key is the prefix of another: 00 becomes 00 FF, the end is 00 00.
func appendEscaped(dst, b []byte) []byte {
	for {
		i := bytes.IndexByte(b, 0)
		if i < 0 {
			return append(append(dst, b...), 0, 0)
		}
		dst = append(append(dst, b[:i]...), 0, 0xff)
		b = b[i+1:]
	}
}

// appendDecimal writes sign, exponent of the first digit, digits; all but the sign inverted for negative numbers.
func appendDecimal(dst []byte, x *apd.Decimal) []byte {
	if x.Coeff.Sign() == 0 {
		return append(dst, 1)
	}
	digits := bytes.TrimRight(x.Coeff.Append(nil, 10), "0")
	all := x.Coeff.Append(nil, 10)
	exp := int64(x.Exponent) + int64(len(all))
	sign := byte(2)
	if x.Negative {
		sign = 0
	}
	dst = append(dst, sign)
	at := len(dst)
	dst = binary.BigEndian.AppendUint32(dst, uint32(int32(exp))^1<<31)
	dst = append(append(dst, digits...), 0)
	if x.Negative {
		for k := at; k < len(dst); k++ {
			dst[k] = ^dst[k]
		}
	}
	return dst
}
