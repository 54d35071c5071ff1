package fastlane

import (
	"bytes"
	"context"
	"math"
	"slices"
	"unicode/utf8"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/types"
	"github.com/dolthub/vitess/go/sqltypes"

	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/sql/datum"
	"github.com/zoryadb/zorya/sql/jsondoc"
	"github.com/zoryadb/zorya/sql/temporal"
)

// Columns of formOther are read and filled, and nothing else is done with them here. Their values are taken as dumps write them; whatever is rounded, cut, padded or
// warned of declines.

// maxBrackets bounds the brackets of a JSON text that is read here; how deep they may lie is the general lane's to say.
const maxBrackets = 90

// load is store for a column of formOther.
func (k *colKind) load(a *Arg) (row.Datum, bool) {
	no := row.Datum{}
	switch t := k.codec.Type; t.Type() {
	case sqltypes.Float32:
		f, ok := a.float()
		return row.FromFloat(float64(float32(f))), ok && t.String() == "float" && math.Abs(f) <= math.MaxFloat32 && (f >= 0 || !k.unsigned)
	case sqltypes.Year:
		return row.FromUint(a.N), a.Kind == ArgInt && !a.Neg && a.N >= 1901 && a.N <= 2155
	case sqltypes.Time:
		if a.Kind != ArgString {
			return no, false
		}
		at, res := datum.ReadSpan(string(a.B)) // without a fraction, which may have to be rounded, or a date, of which is warned
		return row.FromInt(int64(at)), res == temporal.OK && len(a.B) <= len("-838:59:59") && bytes.IndexByte(a.B, '.') < 0
	case sqltypes.Set:
		s, ok := t.(sql.SetType)
		if a.Kind != ArgString || !ok {
			return no, false
		}
		bits, ok := members(s.Values(), a.B)
		return row.FromUint(bits), ok
	case sqltypes.Bit:
		b, ok := t.(types.BitType)
		if a.Kind != ArgBinary || !ok || len(a.B) != (int(b.NumberOfBits())+7)/8 {
			return no, false
		}
		v := uint64(0)
		for _, c := range a.B {
			v = v<<8 | uint64(c)
		}
		return row.FromUint(v), v>>b.NumberOfBits() == 0
	case sqltypes.TypeJSON:
		if a.Kind != ArgString || !utf8.Valid(a.B) || bytes.Count(a.B, []byte("["))+bytes.Count(a.B, []byte("{")) > maxBrackets {
			return no, false
		}
		doc, err := jsondoc.Decode(a.B)
		if err != nil {
			return no, false
		}
		d, err := k.codec.Encode(context.Background(), types.JSONDocument{Val: doc}, nil)
		return d, err == nil
	case sqltypes.Decimal:
		d, ok := t.(sql.DecimalType)
		if a.Kind != ArgDecimal && a.Kind != ArgInt || !ok {
			return no, false
		}
		if a.Kind == ArgInt {
			v, ok := a.int64()
			if !ok {
				return no, false
			}
			return k.converted(v.Int())
		}
		if _, digits, _ := bytes.Cut(a.B, []byte(".")); len(digits) > int(d.Scale()) {
			return no, false
		}
		text := string(a.B)
		if a.Neg {
			text = "-" + text
		}
		return k.converted(text)
	}
	return no, false
}

// converted is what the column's type makes of v, where that is in its range.
func (k *colKind) converted(v any) (row.Datum, bool) {
	ctx := context.Background()
	out, in, err := k.codec.Type.Convert(ctx, v)
	if err != nil || in != sql.InRange {
		return row.Datum{}, false
	}
	d, err := k.codec.Encode(ctx, out, nil)
	return d, err == nil
}

// members finds the members of a SET by their exact texts, in order of their bits and each once, as MySQL writes them.
func members(values []string, text []byte) (bits uint64, ok bool) {
	for from := 0; len(text) > 0; {
		m, rest, more := bytes.Cut(text, []byte(","))
		if more && len(rest) == 0 {
			return 0, false
		}
		i := slices.Index(values[from:], string(m))
		if i < 0 {
			return 0, false
		}
		bits |= 1 << (from + i)
		from, text = from+i+1, rest
	}
	return bits, true
}
