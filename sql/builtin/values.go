package builtin

import (
	"encoding/base64"
	"math"
	"math/big"
	"math/bits"
	"strconv"
	"strings"

	"github.com/cockroachdb/apd/v3"
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/types"

	"github.com/zoryadb/zorya/sql/datum"
	"github.com/zoryadb/zorya/sql/locale"
)

// FORMAT, BIT_COUNT, FROM_BASE64 and EXPORT_SET: the library's fail, or answer otherwise, for numbers past 64 bits, binary strings and texts that
// are no numbers.

func init() {
	format := valuesFunction("format", 2, 3, types.LongText, formatNumber)
	Replaced["format"] = sql.FunctionN{Name: "format", Fn: func(c *sql.Context, args ...sql.Expression) (sql.Expression, error) {
		call, err := format.(sql.FunctionN).Fn(c, args...)
		if err == nil {
			call.(*plainCall).nulls = true // of a locale
		}
		return call, err
	}}
	Replaced["bit_count"] = valuesFunction("bit_count", 1, 1, types.Int64, bitCount)
	Replaced["from_base64"] = valuesFunction("from_base64", 1, 1, types.LongBlob, fromBase64)
	Replaced["export_set"] = sql.FunctionN{Name: "export_set", Fn: func(c *sql.Context, args ...sql.Expression) (sql.Expression, error) {
		t := sql.Type(types.LongText)
		for i, e := range args {
			if i >= 1 && i <= 3 && e.Resolved() && types.IsBinaryType(e.Type(c)) {
				t = types.LongBlob
			}
		}
		return valuesFunction("export_set", 3, 5, t, exportSet).(sql.FunctionN).Fn(c, args...)
	}}
}

// valuesFunction is a function of some number of values that are not NULL; of NULL it is NULL.
func valuesFunction(name string, least, most int, t sql.Type, f func(c *sql.Context, v []any) (any, error)) sql.Function {
	return sql.FunctionN{Name: name, Fn: func(_ *sql.Context, list ...sql.Expression) (sql.Expression, error) {
		if len(list) < least || len(list) > most {
			return nil, sql.ErrInvalidArgumentNumber.New(name, strconv.Itoa(least)+" to "+strconv.Itoa(most), len(list))
		}
		return &plainCall{NaryExpression: expression.NaryExpression{ChildExpressions: list}, name: name, t: t, f: f}, nil
	}}
}

// maxFormatDigits is how many digits FORMAT gives past the point.
const maxFormatDigits = 30

// formatNumber is FORMAT: whole numbers and decimals are rounded exactly, all else as a double.
func formatNumber(c *sql.Context, v []any) (any, error) {
	if v[0] == nil || v[1] == nil {
		return nil, nil
	}
	digits, err := integerOf(c, v[1])
	if err != nil {
		return nil, err
	}
	n := int(min(max(digits, 0), maxFormatDigits))
	text := ""
	switch x := v[0].(type) {
	case *apd.Decimal:
		text = roundedText(x.Text('f'), n)
	case float32, float64, string, []byte:
		f, err := warnedFloat(c, x)
		if err != nil {
			return nil, err
		}
		if scaled := f * math.Pow10(n); !math.IsInf(scaled, 0) {
			f = math.RoundToEven(scaled) / math.Pow10(n)
		}
		text = roundedText(strconv.FormatFloat(f, 'f', -1, 64), n)
		if math.Signbit(f) && !strings.HasPrefix(text, "-") {
			text = "-" + text
		}
	default:
		i, err := exactText(c, x)
		if err != nil {
			return nil, err
		}
		text = roundedText(i, n)
	}
	l := locale.English()
	if len(v) == 3 {
		l = formatLocale(c, v[2])
	}
	return digitGroups(text, l), nil
}

// warnedFloat is a double, with MySQL's warning of a text that is none.
func warnedFloat(c *sql.Context, v any) (float64, error) {
	f, _, err := types.Float64.Convert(c, v)
	if err != nil {
		text, _ := datum.Text(v)
		c.Warn(1292, "Truncated incorrect DOUBLE value: '%s'", text)
	}
	n, _ := f.(float64)
	return n, nil
}

// exactText writes a number that is no double.
func exactText(c *sql.Context, v any) (string, error) {
	if n, ok := datum.Integer(v); ok {
		if u, ok := v.(uint64); ok {
			return strconv.FormatUint(u, 10), nil
		}
		return strconv.FormatInt(n, 10), nil
	}
	f, err := warnedFloat(c, v)
	return strconv.FormatFloat(f, 'f', -1, 64), err
}

// roundedText rounds a decimal's digits, halves away from zero.
func roundedText(text string, digits int) string {
	text, negative := strings.CutPrefix(text, "-")
	whole, fraction, _ := strings.Cut(text, ".")
	up := len(fraction) > digits && fraction[digits] >= '5'
	if len(fraction) > digits {
		fraction = fraction[:digits]
	}
	fraction += strings.Repeat("0", digits-len(fraction))
	all, ok := new(big.Int).SetString(whole+fraction, 10)
	if !ok {
		return text
	}
	if up {
		all.Add(all, big.NewInt(1))
	}
	out := all.String()
	if len(out) <= digits {
		out = strings.Repeat("0", digits-len(out)+1) + out
	}
	if digits > 0 {
		out = out[:len(out)-digits] + "." + out[len(out)-digits:]
	}
	if negative && all.Sign() != 0 {
		out = "-" + out
	}
	return out
}

func formatLocale(c *sql.Context, v any) *locale.Locale {
	name, ok := datum.Text(v)
	if !ok {
		name = "NULL"
	}
	if l := locale.Find(name); l != nil {
		return l
	}
	c.Warn(1649, "Unknown locale: '%s'", name)
	return locale.English()
}

// digitGroups separates a number's digits as a locale does.
func digitGroups(text string, l *locale.Locale) string {
	text, negative := strings.CutPrefix(text, "-")
	whole, fraction, fractional := strings.Cut(text, ".")
	if l.Separator != "" {
		out := ""
		for size := 3; len(whole) > size; {
			out = l.Separator + whole[len(whole)-size:] + out
			whole = whole[:len(whole)-size]
			if l.Narrow {
				size = 2
			}
		}
		whole += out
	}
	if fractional {
		whole += l.Point + fraction
	}
	if negative {
		whole = "-" + whole
	}
	return whole
}

// bitCount counts the bits of a binary string, or of a number of 64 bits.
func bitCount(c *sql.Context, v []any) (any, error) {
	count := func(n uint64) (any, error) { return int64(bits.OnesCount64(n)), nil }
	switch x := v[0].(type) {
	case []byte:
		n := 0
		for _, b := range x {
			n += bits.OnesCount8(b)
		}
		return int64(n), nil
	case uint64:
		return count(x)
	case string:
		n, whole := leadingInteger(x)
		if !whole {
			c.Warn(1292, "Truncated incorrect INTEGER value: '%s'", x)
		}
		return count(n)
	case *apd.Decimal:
		n, _ := leadingInteger(roundedText(x.Text('f'), 0))
		return count(n)
	}
	n, err := integerOf(c, v[0])
	if err != nil {
		return nil, err
	}
	return count(uint64(n))
}

// leadingInteger is the whole number that a text begins with, its bits if it is below zero; whole says that nothing else is in the text.
func leadingInteger(s string) (n uint64, whole bool) {
	s = strings.TrimSpace(s)
	end := 0
	if end < len(s) && (s[end] == '-' || s[end] == '+') {
		end++
	}
	for end < len(s) && s[end] >= '0' && s[end] <= '9' {
		end++
	}
	text := strings.TrimPrefix(s[:end], "+")
	if strings.HasPrefix(text, "-") {
		i, err := strconv.ParseInt(text, 10, 64) // its bound where it is out of range
		return uint64(i), end == len(s) && err == nil
	}
	n, err := strconv.ParseUint(text, 10, 64)
	return n, end == len(s) && err == nil
}

// fromBase64 is FROM_BASE64: NULL of what is none. White space counts for nothing.
func fromBase64(_ *sql.Context, v []any) (any, error) {
	text, ok := datum.Text(v[0])
	if !ok {
		return nil, nil
	}
	text = strings.Map(func(r rune) rune {
		if strings.ContainsRune(" \t\r\n\v\f", r) {
			return -1
		}
		return r
	}, text)
	out, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, nil
	}
	return out, nil
}

// exportSet is EXPORT_SET(bits, on, off, separator, number of bits).
func exportSet(c *sql.Context, v []any) (any, error) {
	n, err := bitsOf(c, v[0])
	if err != nil {
		return nil, err
	}
	text := [3]string{"", "", ","}
	binary := false
	for i := range text {
		if i+1 >= len(v) {
			break
		}
		_, is := v[i+1].([]byte)
		binary = binary || is
		s, ok := datum.Text(v[i+1])
		if !ok {
			t, _, err := types.LongText.Convert(c, v[i+1])
			if err != nil {
				return nil, err
			}
			if s, ok = datum.Text(t); !ok {
				return nil, nil
			}
		}
		text[i] = s
	}
	width := int64(64)
	if len(v) == 5 {
		if width, err = integerOf(c, v[4]); err != nil {
			return nil, err
		}
		if width < 0 || width > 64 {
			width = 64
		}
	}
	out := make([]string, width)
	for i := range out {
		out[i] = text[1]
		if n&(1<<i) != 0 {
			out[i] = text[0]
		}
	}
	if joined := strings.Join(out, text[2]); !binary {
		return joined, nil
	} else {
		return []byte(joined), nil
	}
}

func bitsOf(c *sql.Context, v any) (uint64, error) {
	switch x := v.(type) {
	case uint64:
		return x, nil
	case *apd.Decimal:
		n, _ := leadingInteger(roundedText(x.Text('f'), 0))
		return n, nil
	}
	n, err := integerOf(c, v)
	return uint64(n), err
}
