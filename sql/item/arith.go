package item

import (
	"fmt"
	"math"
	"math/big"
	"math/bits"
	"strings"

	"github.com/cockroachdb/apd/v3"
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"

	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// function is what the expressions of this package share: a name, arguments and a static type.
type function struct {
	expression.NaryExpression
	args   []arg
	is     Attr
	env    *Env
	nulls  bool                                                // may be NULL of arguments that are not
	shown  string                                              // as the library writes it: names of columns without an alias come from it
	remake func(*sql.Context, []sql.Expression) sql.Expression // the same of other arguments
}

func newFunction(c *sql.Context, env *Env, shown string, list []sql.Expression, remake func(*sql.Context, []sql.Expression) sql.Expression) function {
	return function{NaryExpression: expression.NaryExpression{ChildExpressions: list}, args: newArgs(c, env, list), env: env, shown: shown, remake: remake}
}

func (f *function) attr() Attr                 { return f.is }
func (f *function) Type(*sql.Context) sql.Type { return f.is.typ }
func (f *function) String() string             { return f.shown }
func (f *function) IsNullable(c *sql.Context) bool {
	if f.nulls {
		return true
	}
	for i := range f.args {
		if f.args[i].IsNullable(c) {
			return true
		}
	}
	return false
}

func (f *function) CollationCoercibility(*sql.Context) (sql.CollationID, byte) {
	if f.is.text() {
		return f.is.Coll, f.is.Coerc
	}
	return sql.Collation_binary, 5
}

func (f *function) WithChildren(c *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	if len(ch) != len(f.args) {
		return nil, sql.ErrInvalidChildrenNumber.New(f, len(ch), len(f.args))
	}
	return f.remake(c, unfolded(c, f.args, ch)), nil
}

// typed_ settles the static type.
func (f *function) become(a Attr) {
	a.typ = typeOf(&a)
	if a.Coerc == 0 && !a.text() {
		a.Coerc = 5
	}
	f.is = a
}

// arithmetic is + - * / % or DIV.
type arithmetic struct {
	function
	op  string
	way way // asInt, asDecimal or asReal
}

func newArithmetic(c *sql.Context, env *Env, op, shown string, list []sql.Expression) *arithmetic {
	x := &arithmetic{op: op}
	x.function = newFunction(c, env, shown, list, func(c *sql.Context, ch []sql.Expression) sql.Expression {
		return newArithmetic(c, env, op, shown, ch)
	})
	a, b := x.args[0].number(), x.args[1].number()
	switch {
	case a.Kind == Real || b.Kind == Real:
		x.way = asReal
		dec := notFixed
		if a.Dec < notFixed && b.Dec < notFixed {
			dec = max(a.Dec, b.Dec)
			if op == "/" {
				dec = min(dec+divMore, notFixed)
			}
		}
		x.become(Attr{Kind: Real, Dec: dec})
	case op == "/" || op != "div" && (a.Kind == Decimal || b.Kind == Decimal):
		x.way = asDecimal
		x.become(decimalResult(op, a, b))
	default:
		x.way = asInt
		if op == "div" && (a.Kind == Decimal || b.Kind == Decimal) {
			x.way = asDecimal
		}
		r := Attr{Kind: Int, Unsigned: a.Unsigned || b.Unsigned, Prec: max(a.Prec, b.Prec) + 1}
		switch op {
		case "*":
			r.Prec = a.Prec + b.Prec
		case "%":
			r.Unsigned = a.Unsigned
			r.Prec = max(a.Prec, b.Prec)
		case "div":
			r.Prec = a.Prec
		case "-":
			r.Unsigned = r.Unsigned && !env.NoUnsignedSubtraction
		}
		x.become(r)
	}
	x.nulls = op == "/" || op == "%" || op == "div"
	if op == "div" && x.way == asReal {
		x.become(Attr{Kind: Int, Prec: 19, Unsigned: a.Unsigned || b.Unsigned})
	}
	return x
}

func decimalResult(op string, a, b Attr) Attr {
	r := Attr{Kind: Decimal}
	whole := func(x Attr) int { return max(x.Prec-x.Dec, 1) }
	switch op {
	case "*":
		r.Dec = min(a.Dec+b.Dec, maxScale)
		r.Prec = a.Prec + b.Prec
	case "/":
		r.Dec = min(a.Dec+divMore, maxScale)
		r.Prec = a.Prec + b.Dec + divMore
	case "%":
		r.Dec = max(a.Dec, b.Dec)
		r.Prec = max(whole(a), whole(b)) + r.Dec
	default:
		r.Dec = max(a.Dec, b.Dec)
		r.Prec = max(whole(a), whole(b)) + r.Dec + 1
	}
	r.Prec = min(max(r.Prec, r.Dec+1), maxPrec)
	return r
}

func (x *arithmetic) Operator() string { return x.op }

// Eval implements sql.Expression. Expressions of this package take a number with the digits that raw gives: what is computed with a quotient has more than
// its type shows, too.
func (x *arithmetic) Eval(c *sql.Context, r sql.Row) (any, error) {
	v, err := x.raw(c, r)
	if d, ok := v.(*apd.Decimal); ok && (x.op != "%" || int(-d.Exponent) > x.is.Dec) {
		return scaled(d, x.is.Dec), err
	}
	return v, err
}

func (x *arithmetic) raw(c *sql.Context, r sql.Row) (any, error) {
	switch x.way {
	case asInt:
		a, null1, err := x.args[0].whole(c, r)
		if err != nil {
			return nil, err
		}
		b, null2, err := x.args[1].whole(c, r)
		if err != nil || null1 || null2 {
			return nil, err
		}
		return x.integers(c, a, b)
	case asDecimal:
		a, err := x.args[0].decimal(c, r)
		if err != nil || a == nil {
			return nil, err
		}
		b, err := x.args[1].decimal(c, r)
		if err != nil || b == nil {
			return nil, err
		}
		return x.decimals(c, a, b)
	}
	// A NULL ends the work with exact numbers only: the others have both sides evaluated, which may warn.
	a, null1, err := x.args[0].float(c, r)
	if err != nil {
		return nil, err
	}
	b, null2, err := x.args[1].float(c, r)
	if err != nil || null1 || null2 {
		return nil, err
	}
	return x.reals(c, a, b)
}

func (n *Env) divided(c *sql.Context) error {
	if !n.DivisionWarns {
		return nil
	}
	return n.warn(c, mysqlerr.ER_DIVISION_BY_ZERO)
}

func (x *arithmetic) integers(c *sql.Context, a, b integer) (any, error) {
	if !a.unsigned && !b.unsigned && !x.is.Unsigned {
		switch v, u, w := int64(0), a.bits, b.bits; x.op {
		case "+":
			if v = u + w; (v > u) == (w > 0) {
				return v, nil
			}
		case "-":
			if v = u - w; (v < u) == (w > 0) {
				return v, nil
			}
		case "*":
			const half = 1 << 31
			if -half < u && u < half && -half < w && w < half {
				return u * w, nil
			}
		case "%":
			if w == 0 {
				return nil, x.env.divided(c)
			}
			if w == -1 {
				return int64(0), nil
			}
			return u % w, nil
		}
	}
	p, q, z := a.big(), b.big(), new(big.Int)
	switch x.op {
	case "+":
		z.Add(p, q)
	case "-":
		z.Sub(p, q)
	case "*":
		z.Mul(p, q)
	default:
		if q.Sign() == 0 {
			return nil, x.env.divided(c)
		}
		if x.op == "%" {
			z.Rem(p, q)
		} else {
			z.Quo(p, q)
		}
	}
	return x.fit(z)
}

func (i integer) big() *big.Int {
	if i.unsigned {
		return new(big.Int).SetUint64(uint64(i.bits))
	}
	return big.NewInt(i.bits)
}

// fit is an integer result, or error 1690.
func (x *arithmetic) fit(z *big.Int) (any, error) {
	switch {
	case x.is.Unsigned && z.IsUint64():
		return z.Uint64(), nil
	case !x.is.Unsigned && z.IsInt64():
		return z.Int64(), nil
	}
	what := "BIGINT"
	if x.is.Unsigned {
		what = "BIGINT UNSIGNED"
	}
	return nil, outOfRange(what, x)
}

func outOfRange(what string, e sql.Expression) error {
	return mysqlerr.New(mysqlerr.ER_DATA_OUT_OF_RANGE, what, Text(e))
}

func (x *arithmetic) decimals(c *sql.Context, a, b *apd.Decimal) (any, error) {
	z := new(apd.Decimal)
	switch x.op {
	case "+":
		_, _ = wide.Add(z, a, b)
	case "-":
		_, _ = wide.Sub(z, a, b)
	case "*":
		_, _ = wide.Mul(z, a, b)
	default:
		if b.IsZero() {
			return nil, x.env.divided(c)
		}
		switch x.op {
		case "/":
			return quotient(a, b), nil
		case "%":
			_, _ = wide.Rem(z, a, b)
		default:
			_, _ = wide.QuoInteger(z, a, b)
			n, _ := new(big.Int).SetString(scaled(z, 0).Text('f'), 10)
			return x.fit(n)
		}
	}
	if z.IsZero() {
		z.Negative = false
	}
	if -z.Exponent > maxScale {
		z = scaled(z, maxScale)
	}
	if z.NumDigits()+int64(z.Exponent) > maxPrec {
		return nil, outOfRange("DECIMAL", x)
	}
	return z, nil
}

// quotient is a/b cut to whole groups of nine decimals, as MySQL's division has it: what goes on computing with it uses all of them, and only
// what shows it rounds.
func quotient(a, b *apd.Decimal) *apd.Decimal {
	group := func(n int) int { return (n + 8) / 9 * 9 }
	f1, f2 := int(max(-a.Exponent, 0)), int(max(-b.Exponent, 0))
	more := max(divMore-(group(f1)-f1)-(group(f2)-f2), 0)
	if out := quickQuotient(a, b, min(group(group(f1)+group(f2)+more), 72)); out != nil {
		return out
	}
	down := wide
	down.Rounding = apd.RoundDown
	z, out := new(apd.Decimal), new(apd.Decimal)
	_, _ = down.Quo(z, a, b)
	_, _ = down.Quantize(out, z, int32(-min(group(group(f1)+group(f2)+more), 72)))
	if out.IsZero() {
		out.Negative = false
	}
	return out
}

// quickQuotient is quotient to a number of decimals where 128 bits hold all that there is on the way; nil: they do not.
func quickQuotient(a, b *apd.Decimal, decimals int) *apd.Decimal {
	shift := decimals + int(a.Exponent) - int(b.Exponent)
	if a.Form != apd.Finite || b.Form != apd.Finite || shift < 0 || shift >= len(tenths) || !a.Coeff.IsUint64() || !b.Coeff.IsUint64() {
		return nil
	}
	by := b.Coeff.Uint64()
	high, low := bits.Mul64(a.Coeff.Uint64(), tenths[shift])
	if high >= by {
		return nil
	}
	n, _ := bits.Div64(high, low, by)
	out := &apd.Decimal{Negative: n != 0 && a.Negative != b.Negative, Exponent: int32(-decimals)}
	out.Coeff.SetUint64(n)
	return out
}

// tenths are the powers of ten that a uint64 holds.
var tenths = func() (out [20]uint64) {
	out[0] = 1
	for i := 1; i < len(out); i++ {
		out[i] = 10 * out[i-1]
	}
	return out
}()

func (x *arithmetic) reals(c *sql.Context, a, b float64) (any, error) {
	var f float64
	switch x.op {
	case "+":
		f = a + b
	case "-":
		f = a - b
	case "*":
		f = a * b
	default:
		if b == 0 {
			return nil, x.env.divided(c)
		}
		switch x.op {
		case "/":
			f = a / b
		case "%":
			f = math.Mod(a, b)
		default:
			n := math.Trunc(a / b)
			if math.Abs(n) >= math.MaxInt64 {
				z, _ := big.NewFloat(n).Int(nil)
				return x.fit(z)
			}
			return x.fit(big.NewInt(int64(n)))
		}
	}
	if math.IsInf(f, 0) || math.IsNaN(f) {
		return nil, outOfRange("DOUBLE", x)
	}
	if f == 0 {
		f = 0 // no negative zero
	}
	return f, nil
}

// negation is the unary minus.
type negation struct{ function }

func newNegation(c *sql.Context, env *Env, shown string, e sql.Expression) *negation {
	x := &negation{newFunction(c, env, shown, []sql.Expression{e}, func(c *sql.Context, ch []sql.Expression) sql.Expression {
		return newNegation(c, env, shown, ch[0])
	})}
	a := x.args[0].number()
	switch a.Kind {
	case Int:
		r := Attr{Kind: Int, Prec: a.Prec + 1}
		if constant(c, e) { // of the constant 9223372036854775809 and more it is a DECIMAL
			if n, null, err := x.args[0].whole(c, nil); err == nil && !null && n.unsigned && uint64(n.bits) > 1<<63 {
				r = Attr{Kind: Decimal, Prec: 20}
			}
		}
		r.Const = x.args[0].Const
		x.become(r)
	default:
		a.Const = x.args[0].Const
		a.Unsigned = false
		x.become(a)
	}
	return x
}

func (x *negation) Eval(c *sql.Context, r sql.Row) (any, error) {
	v, err := x.raw(c, r)
	return asShown(v, x.is.Dec), err
}

func (x *negation) raw(c *sql.Context, r sql.Row) (any, error) {
	switch x.is.Kind {
	case Int:
		n, null, err := x.args[0].whole(c, r)
		if err != nil || null {
			return nil, err
		}
		if n.unsigned && uint64(n.bits) == 1<<63 {
			return int64(math.MinInt64), nil
		}
		if n.unsigned || n.bits == math.MinInt64 {
			return nil, outOfRange("BIGINT", x)
		}
		return -n.bits, nil
	case Decimal:
		d, err := x.args[0].decimal(c, r)
		if err != nil || d == nil {
			return nil, err
		}
		z := new(apd.Decimal).Neg(d)
		if z.IsZero() {
			z.Negative = false
		}
		return z, nil
	}
	f, null, err := x.args[0].float(c, r)
	if err != nil || null {
		return nil, err
	}
	if f == 0 {
		return 0.0, nil
	}
	return -f, nil
}

// Text writes an expression as MySQL's messages do.
func Text(e sql.Expression) string {
	switch e := e.(type) {
	case *arithmetic:
		return "(" + Text(e.args[0].Expression) + " " + e.op + " " + Text(e.args[1].Expression) + ")"
	case *negation:
		return "-(" + Text(e.args[0].Expression) + ")"
	case *cast:
		return e.text()
	case *bitwise:
		return "(" + Text(e.args[0].Expression) + " " + e.op + " " + Text(e.args[1].Expression) + ")"
	case *expression.GetField:
		var b strings.Builder
		for _, part := range []string{e.Database(), e.Table(), e.Name()} {
			if part == "" {
				continue
			}
			if b.Len() > 0 {
				b.WriteByte('.')
			}
			fmt.Fprintf(&b, "`%s`", part)
		}
		return b.String()
	}
	return strings.ToLower(e.String())
}

// bitwise is & | ^ << or >> of integers.
type bitwise struct {
	function
	op string
}

func newBitwise(c *sql.Context, env *Env, op, shown string, list []sql.Expression) *bitwise {
	x := &bitwise{op: op}
	x.function = newFunction(c, env, shown, list, func(c *sql.Context, ch []sql.Expression) sql.Expression {
		return newBitwise(c, env, op, shown, ch)
	})
	x.become(Attr{Kind: Int, Unsigned: true, Prec: 20})
	return x
}

func (x *bitwise) Eval(c *sql.Context, r sql.Row) (any, error) {
	a, null, err := x.args[0].whole(c, r)
	if err != nil || null {
		return nil, err
	}
	b, null, err := x.args[1].whole(c, r)
	if err != nil || null {
		return nil, err
	}
	p, q := uint64(a.bits), uint64(b.bits)
	switch x.op {
	case "&":
		return p & q, nil
	case "|":
		return p | q, nil
	case "^":
		return p ^ q, nil
	case "<<":
		if q >= 64 {
			return uint64(0), nil
		}
		return p << q, nil
	}
	if q >= 64 {
		return uint64(0), nil
	}
	return p >> q, nil
}
