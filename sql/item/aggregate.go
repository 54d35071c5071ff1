package item

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cockroachdb/apd/v3"
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/expression/function/aggregation"

	"github.com/zoryadb/zorya/sql/temporal"
)

// Sum is SUM or AVG: exact of integers and decimals, floating of anything else. The library adds up what its argument is given as.
type Sum struct {
	sql.Aggregation
	is    Attr
	env   *Env
	whole bool // with all of its digits
}

// newSum returns nil for an argument whose type is not known.
func newSum(c *sql.Context, env *Env, agg sql.Aggregation, more int) (sql.Expression, error) {
	ch := agg.Children()
	if len(ch) == 0 {
		return nil, nil
	}
	child := ch[0]
	distinct, isDistinct := child.(*expression.DistinctExpression)
	if isDistinct {
		child = distinct.Child
	}
	a := Of(c, child)
	if a.Kind == Other || a.Kind == JSON {
		return nil, nil
	}
	n := a.number()
	is := Attr{Kind: Decimal, Prec: min(n.Prec+22, maxPrec), Dec: min(n.Dec+more, maxScale)}
	as := Attr{Kind: Decimal, Prec: maxPrec, Dec: n.Dec}
	if n.Kind == Real {
		is, as = Attr{Kind: Real, Dec: min(n.Dec+more, notFixed)}, Attr{Kind: Real, Dec: notFixed}
	}
	if more > 0 {
		is.Prec = min(n.Prec+more, maxPrec)
	}
	arg := sql.Expression(newNumeric(c, env, child, as))
	if isDistinct {
		arg = expression.NewDistinctExpression(arg)
	}
	in, err := agg.WithChildren(c, append([]sql.Expression{arg}, ch[1:]...)...)
	if err != nil {
		return nil, err
	}
	is.Coerc, is.typ = 5, typeOf(&is)
	return &Sum{Aggregation: in.(sql.Aggregation), is: is, env: env}, nil
}

func (s *Sum) attr() Attr                 { return s.is }
func (s *Sum) Type(*sql.Context) sql.Type { return s.is.typ }
func (s *Sum) CollationCoercibility(*sql.Context) (sql.CollationID, byte) {
	return sql.Collation_binary, 5
}

func (s *Sum) WithChildren(c *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	in, err := s.Aggregation.WithChildren(c, ch...)
	if err != nil {
		return nil, err
	}
	return s.of(in), nil
}

func (s *Sum) of(in sql.Expression) *Sum {
	out := *s
	out.Aggregation = in.(sql.Aggregation)
	return &out
}

// Whole is the aggregate with all the digits that it is computed with, which may be more than its type's.
func (s *Sum) Whole() *Sum {
	out := *s
	out.whole = true
	return &out
}

func (s *Sum) WithId(id sql.ColumnId) sql.IdExpression {
	return s.of(s.Aggregation.WithId(id))
}

func (s *Sum) WithWindow(c *sql.Context, w *sql.WindowDefinition) sql.WindowAdaptableExpression {
	return s.of(s.Aggregation.WithWindow(c, w))
}

// digits rounds a value of the aggregate.
func (s *Sum) digits(d *apd.Decimal) *apd.Decimal {
	if s.whole {
		return asShown(d, maxScale).(*apd.Decimal)
	}
	return scaled(d, s.is.Dec)
}

func (s *Sum) NewBuffer(c *sql.Context) (sql.AggregationBuffer, error) {
	if avg, ok := s.Aggregation.(*aggregation.Avg); ok && s.is.Kind == Decimal {
		return &avgBuffer{expr: avg.Children()[0], result: s}, nil
	}
	b, err := s.Aggregation.NewBuffer(c)
	if err != nil || s.is.Kind != Decimal {
		return b, err
	}
	return &sumBuffer{b, s}, nil
}

// Unwrap is the library's aggregate.
func (s *Sum) Unwrap() sql.Aggregation { return s.Aggregation }

// sumBuffer rounds what its buffer gives to the decimals of the result.
type sumBuffer struct {
	sql.AggregationBuffer
	result *Sum
}

func (b *sumBuffer) Eval(c *sql.Context) (any, error) {
	v, err := b.AggregationBuffer.Eval(c)
	if d, ok := v.(*apd.Decimal); ok {
		if d = b.result.digits(d); d == v {
			d = new(apd.Decimal).Set(d) // the buffer goes on adding to it
		}
		return d, err
	}
	return v, err
}

// avgBuffer is AVG of exact numbers: the quotient is rounded once, from all the digits that MySQL's division has. The library rounds it twice.
type avgBuffer struct {
	expr sql.Expression // of a DISTINCT average NULL where it has had the value
	sum  apd.Decimal
	rows int64

	result *Sum
}

func (b *avgBuffer) Update(c *sql.Context, r sql.Row) error {
	v, err := b.expr.Eval(c, r)
	if err != nil || v == nil {
		return err
	}
	d, ok := v.(*apd.Decimal)
	if !ok {
		return fmt.Errorf("average of a %T", v)
	}
	b.rows++
	_, err = wide.Add(&b.sum, &b.sum, d)
	return err
}

func (b *avgBuffer) Eval(*sql.Context) (any, error) {
	if b.rows == 0 {
		return nil, nil
	}
	return b.result.digits(quotient(&b.sum, apd.New(b.rows, 0))), nil
}

func (b *avgBuffer) Dispose(c *sql.Context) { expression.Dispose(c, b.expr) }

// numeric is a value as a number of one kind.
type numeric struct{ function }

func newNumeric(c *sql.Context, env *Env, e sql.Expression, as Attr) *numeric {
	x := &numeric{newFunction(c, env, e.String(), []sql.Expression{e}, func(c *sql.Context, ch []sql.Expression) sql.Expression {
		return newNumeric(c, env, ch[0], as)
	})}
	x.become(as)
	return x
}

func (x *numeric) Eval(c *sql.Context, r sql.Row) (any, error) {
	v, err := x.args[0].value(c, r)
	if err != nil || v == nil {
		return nil, err
	}
	if x.is.Kind == Decimal {
		return x.args[0].toDecimal(c, v)
	}
	return x.args[0].as(c, &x.is, v)
}

// aggregate returns what stands for an aggregate function, nil for itself.
func (n *Env) aggregate(c *sql.Context, e sql.Expression) (sql.Expression, error) {
	switch e := e.(type) {
	case *aggregation.Sum:
		return newSum(c, n, e, 0)
	case *aggregation.Avg:
		return newSum(c, n, e, divMore)
	case *aggregation.StdDevPop, *aggregation.StdDevSamp, *aggregation.VarPop, *aggregation.VarSamp:
		return n.floating(c, e)
	case *aggregation.BitAnd, *aggregation.BitOr, *aggregation.BitXor:
		return n.give(c, e, "i-") // after the argument come the expressions of its window
	case *aggregation.GroupConcat:
		return n.concatenated(c, e)
	}
	return nil, nil
}

// concatenated gives GROUP_CONCAT times as texts with all digits of their type, and ZEROFILL columns as texts with their zeros; what it sorts by stays, and comes first.
func (n *Env) concatenated(c *sql.Context, e *aggregation.GroupConcat) (sql.Expression, error) {
	ch := slices.Clone(e.Children())
	changed := false
	for i := len(ch) - len(e.OutputExpressions()); i < len(ch); i++ {
		if a := Of(c, ch[i]); a.temporal() || n.filled(ch[i]) > 0 {
			ch[i], changed = newGiven(c, n, ch[i], String), true
		}
	}
	if !changed {
		return nil, nil
	}
	return e.WithChildren(c, ch...)
}

// floating gives an aggregate its argument as a floating point number, which its result is then too.
func (n *Env) floating(c *sql.Context, e sql.Expression) (sql.Expression, error) {
	a := Of(c, e.Children()[0])
	if a.Kind == Other || a.Kind == Real {
		return nil, nil
	}
	return e.WithChildren(c, newNumeric(c, n, e.Children()[0], Attr{Kind: Real, Dec: notFixed}))
}

// give gives a function's arguments as MySQL would; nil: they are.
func (n *Env) give(c *sql.Context, e sql.Expression, spec string) (sql.Expression, error) {
	ch := e.Children()
	var out []sql.Expression
	for i, x := range ch {
		if x == nil {
			continue
		}
		want := spec[min(i, len(spec)-1)]
		a := Of(c, x)
		to, needed := Other, false
		if want == 'b' || want == 'h' {
			if a.text() && foreign(a.Coll) {
				if out == nil {
					out = append([]sql.Expression(nil), ch...)
				}
				out[i] = newEncoded(c, n, x)
				continue
			}
			if want == 'b' {
				want = 's'
			}
		}
		switch want { // '-': none of these
		case 's':
			to, needed = String, a.Kind != String && a.Kind != Null
		case 'i':
			to, needed = Int, !(a.Kind == Int || a.Kind == Null)
		case 'j':
			to, needed = String, a.Kind == JSON
		case 't':
			to, needed = Datetime, !a.temporal() && a.Kind != Null
		}
		if !needed || a.Kind == Other || a.Kind == JSON && want != 'j' {
			continue
		}
		if out == nil {
			out = append([]sql.Expression(nil), ch...)
		}
		out[i] = newGiven(c, n, x, to)
	}
	if out == nil {
		return nil, nil
	}
	return e.WithChildren(c, out...)
}

// taken says what the library's functions take: s a text, b a text's bytes, h these or a number, i an integer, t a time, j a document as its text (the
// library compares parsed numbers only), - whatever it is; the last one is for all that follow.
var taken = map[string]string{
	"concat": "s", "concat_ws": "s", "upper": "s", "lower": "s", "ucase": "s", "lcase": "s", "reverse": "s", "trim": "s", "ltrim": "s", "rtrim": "s",
	"substring": "sii", "substr": "sii", "mid": "sii", "left": "si", "right": "si", "length": "b", "octet_length": "b",
	"character_length": "s", "char_length": "s", "ascii": "s", "ord": "s", "bit_length": "b", "hex": "h",
	"insert": "siis", "elt": "is", "soundex": "s", "md5": "b", "sha1": "b", "sha": "b", "sha2": "bi",
	"to_base64": "b", "compress": "b", "from_base64": "s", "unhex": "s", "export_set": "isssi", "make_set": "is", "crc32": "b",
}

func specOf(name string) string { return taken[strings.ToLower(name)] }

// Extreme is MIN or MAX of dates, which only temporal.Compare puts in order; nil for any other aggregate.
func Extreme(c *sql.Context, agg sql.Aggregation) sql.Aggregation {
	sign := 1
	switch agg.(type) {
	case *aggregation.Min:
		sign = -1
	case *aggregation.Max:
	default:
		return nil
	}
	if _, dated := agg.Children()[0].Type(c).(sql.DatetimeType); !dated {
		return nil
	}
	return &dateExtreme{agg, sign}
}

// dateExtreme is MIN, where sign is -1, or MAX.
type dateExtreme struct {
	sql.Aggregation
	sign int
}

func (x *dateExtreme) of(in sql.Expression) *dateExtreme {
	return &dateExtreme{in.(sql.Aggregation), x.sign}
}

func (x *dateExtreme) WithChildren(c *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	in, err := x.Aggregation.WithChildren(c, ch...)
	if err != nil {
		return nil, err
	}
	return x.of(in), nil
}

func (x *dateExtreme) WithId(id sql.ColumnId) sql.IdExpression {
	return x.of(x.Aggregation.WithId(id))
}

func (x *dateExtreme) CollationCoercibility(*sql.Context) (sql.CollationID, byte) {
	return sql.Collation_binary, 5
}

func (x *dateExtreme) NewBuffer(*sql.Context) (sql.AggregationBuffer, error) {
	return &extremeBuffer{of: x.Children()[0], sign: x.sign}, nil
}

type extremeBuffer struct {
	of   sql.Expression
	sign int
	best any
}

func (b *extremeBuffer) Update(c *sql.Context, r sql.Row) error {
	v, err := b.of.Eval(c, r)
	if err != nil || v == nil {
		return err
	}
	t, ok := v.(time.Time)
	if !ok {
		return fmt.Errorf("MIN or MAX of dates met a value of type %T", v)
	}
	if best, ok := b.best.(time.Time); !ok || temporal.Compare(t, best)*b.sign > 0 {
		b.best = v
	}
	return nil
}

func (b *extremeBuffer) Eval(*sql.Context) (any, error) { return b.best, nil }
func (b *extremeBuffer) Dispose(c *sql.Context)         { expression.Dispose(c, b.of) }
