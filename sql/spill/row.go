package spill

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
	"time"

	"github.com/cockroachdb/apd/v3"
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/types"

	"github.com/zoryadb/zorya/sql/jsondoc"
)

// The form of a row in a temporary file: uvarint of the number of values, then per value a tag and what it needs. It lives as long as a statement.
const (
	tagNil = iota
	tagFalse
	tagTrue
	tagInt
	tagInt8
	tagInt16
	tagInt32
	tagInt64
	tagUint
	tagUint8
	tagUint16
	tagUint32
	tagUint64
	tagFloat32
	tagFloat64
	tagString
	tagBytes
	tagDecimal
	tagTime
	tagTimespan
	tagJSON
	tagJSONText
	tagMap
	tagList
	tagDouble
	tagKept // a value of another type: it stays in memory
)

// codec writes rows and reads them back with the same Go types. Values of types that it does not know stay in memory, in kept.
type codec struct {
	kept []any
	held int // bytes of kept, estimated
}

// keptSize is what a value that stays in memory is taken for.
const keptSize = 512

func (k *codec) append(dst []byte, r sql.Row) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(r)))
	for _, v := range r {
		dst = k.value(dst, v)
	}
	return dst
}

func (k *codec) value(dst []byte, v any) []byte {
	switch x := v.(type) {
	case nil:
		return append(dst, tagNil)
	case bool:
		if x {
			return append(dst, tagTrue)
		}
		return append(dst, tagFalse)
	case int:
		return binary.AppendVarint(append(dst, tagInt), int64(x))
	case int8:
		return append(dst, tagInt8, byte(x))
	case int16:
		return binary.AppendVarint(append(dst, tagInt16), int64(x))
	case int32:
		return binary.AppendVarint(append(dst, tagInt32), int64(x))
	case int64:
		return binary.AppendVarint(append(dst, tagInt64), x)
	case uint:
		return binary.AppendUvarint(append(dst, tagUint), uint64(x))
	case uint8:
		return append(dst, tagUint8, x)
	case uint16:
		return binary.AppendUvarint(append(dst, tagUint16), uint64(x))
	case uint32:
		return binary.AppendUvarint(append(dst, tagUint32), uint64(x))
	case uint64:
		return binary.AppendUvarint(append(dst, tagUint64), x)
	case float32:
		return binary.BigEndian.AppendUint32(append(dst, tagFloat32), math.Float32bits(x))
	case float64:
		return binary.BigEndian.AppendUint64(append(dst, tagFloat64), math.Float64bits(x))
	case string:
		return append(binary.AppendUvarint(append(dst, tagString), uint64(len(x))), x...)
	case []byte:
		return append(binary.AppendUvarint(append(dst, tagBytes), uint64(len(x))), x...)
	case *apd.Decimal:
		if x != nil && x.Form == apd.Finite {
			return k.decimal(append(dst, tagDecimal), x)
		}
	case time.Time:
		if x.Location() == time.UTC {
			dst = binary.AppendVarint(append(dst, tagTime), x.Unix())
			return binary.AppendUvarint(dst, uint64(x.Nanosecond()))
		}
	case types.Timespan:
		return binary.AppendVarint(append(dst, tagTimespan), int64(x))
	case types.JSONDocument:
		return k.value(append(dst, tagJSON), x.Val)
	case *jsondoc.Lazy:
		b := x.Stored()
		return append(binary.AppendUvarint(append(dst, tagJSONText), uint64(len(b))), b...)
	case jsondoc.Double:
		return binary.BigEndian.AppendUint64(append(dst, tagDouble), math.Float64bits(float64(x)))
	case map[string]any:
		dst = binary.AppendUvarint(append(dst, tagMap), uint64(len(x)))
		for name, in := range x {
			dst = append(binary.AppendUvarint(dst, uint64(len(name))), name...)
			dst = k.value(dst, in)
		}
		return dst
	case []any:
		dst = binary.AppendUvarint(append(dst, tagList), uint64(len(x)))
		for _, in := range x {
			dst = k.value(dst, in)
		}
		return dst
	}
	k.kept = append(k.kept, v)
	k.held += keptSize
	return binary.AppendUvarint(append(dst, tagKept), uint64(len(k.kept)-1))
}

func (k *codec) decimal(dst []byte, d *apd.Decimal) []byte {
	neg := byte(0)
	if d.Negative {
		neg = 1
	}
	dst = binary.AppendVarint(append(dst, neg), int64(d.Exponent))
	if d.Coeff.IsUint64() {
		v := d.Coeff.Uint64()
		n := (bits.Len64(v) + 7) / 8
		dst = binary.AppendUvarint(dst, uint64(n))
		for n--; n >= 0; n-- {
			dst = append(dst, byte(v>>(8*n)))
		}
		return dst
	}
	b := d.Coeff.MathBigInt().Bytes()
	return append(binary.AppendUvarint(dst, uint64(len(b))), b...)
}

// reader takes a row apart. Nothing of the result points into its bytes.
type reader struct {
	b    []byte
	kept []any
	bad  bool
}

func (k *codec) row(b []byte) (sql.Row, error) {
	r := reader{b: b, kept: k.kept}
	n := r.uvarint()
	if n > uint64(len(b)) {
		return nil, errForm(b)
	}
	out := make(sql.Row, n)
	for i := range out {
		out[i] = r.value()
	}
	if r.bad || len(r.b) > 0 {
		return nil, errForm(b)
	}
	return out, nil
}

func errForm(b []byte) error {
	return fmt.Errorf("temporary file: a row of %d bytes is damaged", len(b))
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) varint() int64 {
	v, n := binary.Varint(r.b)
	if n <= 0 {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) take(n uint64) []byte {
	if n > uint64(len(r.b)) {
		r.bad, r.b = true, nil
		return make([]byte, min(n, 8))
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

func (r *reader) value() any {
	switch r.take(1)[0] {
	case tagNil:
		return nil
	case tagFalse:
		return false
	case tagTrue:
		return true
	case tagInt:
		return int(r.varint())
	case tagInt8:
		return int8(r.take(1)[0])
	case tagInt16:
		return int16(r.varint())
	case tagInt32:
		return int32(r.varint())
	case tagInt64:
		return r.varint()
	case tagUint:
		return uint(r.uvarint())
	case tagUint8:
		return r.take(1)[0]
	case tagUint16:
		return uint16(r.uvarint())
	case tagUint32:
		return uint32(r.uvarint())
	case tagUint64:
		return r.uvarint()
	case tagFloat32:
		return math.Float32frombits(binary.BigEndian.Uint32(r.take(4)))
	case tagDouble:
		return jsondoc.Double(math.Float64frombits(binary.BigEndian.Uint64(r.take(8))))
	case tagFloat64:
		return math.Float64frombits(binary.BigEndian.Uint64(r.take(8)))
	case tagString:
		return string(r.take(r.uvarint()))
	case tagBytes:
		return append([]byte{}, r.take(r.uvarint())...)
	case tagDecimal:
		d := &apd.Decimal{Negative: r.take(1)[0] == 1, Exponent: int32(r.varint())}
		digits := r.take(r.uvarint())
		if len(digits) > 8 {
			d.Coeff.SetBytes(digits)
			return d
		}
		v := uint64(0)
		for _, b := range digits {
			v = v<<8 | uint64(b)
		}
		d.Coeff.SetUint64(v)
		return d
	case tagTime:
		return time.Unix(r.varint(), int64(r.uvarint())).UTC()
	case tagTimespan:
		return types.Timespan(r.varint())
	case tagJSON:
		return types.JSONDocument{Val: r.value()}
	case tagJSONText:
		return jsondoc.NewLazy(append([]byte{}, r.take(r.uvarint())...))
	case tagMap:
		n := r.uvarint()
		m := map[string]any{}
		for range n {
			if r.bad {
				break
			}
			name := string(r.take(r.uvarint()))
			m[name] = r.value()
		}
		return m
	case tagList:
		n := min(r.uvarint(), uint64(len(r.b)))
		out := make([]any, n)
		for i := range out {
			out[i] = r.value()
		}
		return out
	case tagKept:
		if i := r.uvarint(); i < uint64(len(r.kept)) {
			return r.kept[i]
		}
	}
	r.bad, r.b = true, nil
	return nil
}

// sizeOf estimates what a row takes in memory.
func sizeOf(r sql.Row) int {
	n := 24 + 16*len(r)
	for _, v := range r {
		n += sizeOfValue(v)
	}
	return n
}

func sizeOfValue(v any) int {
	switch x := v.(type) {
	case nil, bool, int8, uint8:
		return 0
	case string:
		return 16 + len(x)
	case []byte:
		return 24 + len(x)
	case *apd.Decimal:
		return 48
	case time.Time:
		return 24
	case int, int16, int32, int64, uint, uint16, uint32, uint64, float32, float64, types.Timespan:
		return 8
	case types.JSONDocument:
		return 16 + sizeOfValue(x.Val)
	case jsondoc.Double:
		return 8
	case *jsondoc.Lazy:
		return 96 + 4*len(x.Text) // it is taken apart when it is first looked at
	case map[string]any:
		n := 48
		for k, in := range x {
			n += 48 + len(k) + sizeOfValue(in)
		}
		return n
	case []any:
		n := 24
		for _, in := range x {
			n += 16 + sizeOfValue(in)
		}
		return n
	}
	return keptSize
}
