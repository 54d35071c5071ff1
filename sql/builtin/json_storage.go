package builtin

import (
	"math"

	"github.com/cockroachdb/apd/v3"
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/types"

	"github.com/zoryadb/zorya/sql/datum"
)

// JSON_STORAGE_SIZE is computed from MySQL's binary format of documents (json_binary.h describes it), whatever this server stores: 1 byte for the
// type, then the value. An array or object has its count and its size, an entry for each name (offset, length) and one for each value (type, and
// the offset or a small value itself), then names and values. All numbers are of 2 bytes, or of 4 where the whole needs more than 64 KiB.

func init() {
	for name, f := range map[string]func(doc any) any{
		"json_storage_size": func(doc any) any { n, _ := jsonSize(doc); return 1 + n },
		"json_storage_free": func(any) any { return int64(0) }, // documents are always stored whole
	} {
		Replaced[name] = sql.FunctionN{Name: name, Fn: func(_ *sql.Context, args ...sql.Expression) (sql.Expression, error) {
			if len(args) != 1 {
				return nil, sql.ErrInvalidArgumentNumber.New(name, 1, len(args))
			}
			return &jsonStorage{expression.UnaryExpressionStub{Child: args[0]}, name, f}, nil
		}}
	}
}

// jsonStorage is one of these functions.
type jsonStorage struct {
	expression.UnaryExpressionStub
	name string
	of   func(doc any) any
}

func (j *jsonStorage) FunctionName() string         { return j.name }
func (j *jsonStorage) Description() string          { return "what a document takes where MySQL stores it" }
func (j *jsonStorage) Type(*sql.Context) sql.Type   { return types.Int64 }
func (j *jsonStorage) IsNullable(*sql.Context) bool { return true }
func (j *jsonStorage) String() string               { return j.name + "(" + j.Child.String() + ")" }
func (j *jsonStorage) WithChildren(_ *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	if len(ch) != 1 {
		return nil, sql.ErrInvalidChildrenNumber.New(j, len(ch), 1)
	}
	n := *j
	n.Child = ch[0]
	return &n, nil
}

func (j *jsonStorage) Eval(c *sql.Context, r sql.Row) (any, error) {
	doc, null, err := JSONArgument(c, r, j.Child, j.name, 1)
	if null || err != nil {
		return nil, err
	}
	return j.of(doc), nil
}

// How large a value may be that stands in its entry.
const (
	inSmall = 2
	inLarge = 4
)

// jsonSize is how many bytes a value takes behind its type. least is the smallest kind of array that may have it in an entry, 0 for none.
func jsonSize(v any) (n int64, least int) {
	switch v := v.(type) {
	case nil, bool:
		return 1, inSmall
	case string:
		return textSize(len(v)), 0
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1<<63 {
			return integerSize(int64(v))
		}
		return 8, 0
	case int64:
		return integerSize(v)
	case uint64:
		if v <= math.MaxInt64 {
			return integerSize(int64(v))
		}
		return 8, 0
	case *apd.Decimal: // opaque: its type, a length, precision and scale, nine digits in four bytes on either side of the point
		scale := max(-int(v.Exponent), 0)
		whole := max(int(v.NumDigits())-scale, 0)
		left := [10]int{0, 1, 1, 2, 2, 3, 3, 4, 4, 4}
		return 1 + textSize(2+whole/9*4+left[whole%9]+scale/9*4+left[scale%9]), 0
	case []any:
		return containerSize(len(v), nil, func(f func(any)) {
			for _, x := range v {
				f(x)
			}
		}), 0
	case map[string]any:
		return containerSize(len(v), v, func(f func(any)) {
			for _, x := range v {
				f(x)
			}
		}), 0
	}
	if n, ok := datum.Integer(v); ok {
		return integerSize(n)
	}
	return 1 + textSize(8), 0 // a date or time: its type, a length, the packed value
}

// containerSize is that of an array or, with names, an object.
func containerSize(count int, names map[string]any, each func(func(any))) int64 {
	size := func(width int64, in int) int64 {
		total := 2*width + int64(count)*(1+width)
		for name := range names {
			total += width + 2 + int64(len(name))
		}
		each(func(x any) {
			if n, least := jsonSize(x); least == 0 || least > in {
				total += n
			}
		})
		return total
	}
	if n := size(2, inSmall); n <= math.MaxUint16 {
		return n
	}
	return size(4, inLarge)
}

func integerSize(n int64) (int64, int) {
	switch {
	case n >= math.MinInt16 && n <= math.MaxUint16:
		return 2, inSmall
	case n >= math.MinInt32 && n <= math.MaxUint32:
		return 4, inLarge
	}
	return 8, 0
}

// textSize is a length, of seven bits a byte, and so many bytes.
func textSize(n int) int64 {
	size := int64(n) + 1
	for ; n >= 1<<7; n >>= 7 {
		size++
	}
	return size
}
