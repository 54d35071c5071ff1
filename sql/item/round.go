package item

import (
	"math"

	"github.com/cockroachdb/apd/v3"
	"github.com/dolthub/go-mysql-server/sql"
)

// rounding is ABS, SIGN, FLOOR, CEILING, ROUND or TRUNCATE.
type rounding struct {
	function
	name string
	way  way
}

// newRounding makes one of name abs, sign, floor, ceil, round or truncate.
func newRounding(c *sql.Context, env *Env, name, shown string, list []sql.Expression) *rounding {
	x := &rounding{name: name}
	x.function = newFunction(c, env, shown, list, func(c *sql.Context, ch []sql.Expression) sql.Expression {
		return newRounding(c, env, name, shown, ch)
	})
	a := x.args[0].number()
	x.way = map[Kind]way{Int: asInt, Decimal: asDecimal, Real: asReal}[a.Kind]
	a.Const, a.Bool = false, false
	switch name {
	case "sign":
		a = Attr{Kind: Int, Prec: 1}
	case "floor", "ceil":
		if a.Kind == Decimal {
			a.Prec, a.Dec = max(a.Prec-a.Dec, 1), 0
			if a.Prec < 19 {
				a.Kind = Int
			} else {
				a.Prec++
			}
		} else if a.Kind == Real {
			a.Dec = 0
		}
	case "round", "truncate":
		a = x.rounded(c, a)
	}
	x.become(a)
	return x
}

// rounded is the type of ROUND and TRUNCATE: with a constant number of decimals they have that many.
func (x *rounding) rounded(c *sql.Context, a Attr) Attr {
	dec, known := 0, true
	if len(x.args) > 1 {
		known = false
		if x.args[1].Const {
			if n, null, err := x.args[1].whole(c, nil); err == nil && !null {
				known, dec = true, int(min(max(n.bits, -notFixed), notFixed))
			}
		}
	}
	switch {
	case a.Kind == Real:
		if !known {
			return a
		}
		a.Dec = min(max(dec, 0), notFixed)
	case a.Kind == Decimal && known:
		whole := a.Prec - a.Dec
		to := min(max(dec, 0), maxScale)
		if x.name == "round" && to < a.Dec {
			whole++
		}
		a.Dec, a.Prec = to, min(max(whole, 1)+to, maxPrec)
	}
	return a
}

func (x *rounding) Eval(c *sql.Context, r sql.Row) (any, error) {
	v, err := x.raw(c, r)
	return asShown(v, x.is.Dec), err
}

func (x *rounding) raw(c *sql.Context, r sql.Row) (any, error) {
	dec := integer{}
	if len(x.args) > 1 {
		n, null, err := x.args[1].whole(c, r)
		if err != nil || null {
			return nil, err
		}
		dec = n
		if dec.unsigned || dec.bits > 100 {
			dec = integer{bits: 100}
		}
		dec.bits = max(dec.bits, -100)
	}
	switch x.way {
	case asInt:
		n, null, err := x.args[0].whole(c, r)
		if err != nil || null {
			return nil, err
		}
		return x.integer(n, int(dec.bits))
	case asDecimal:
		d, err := x.args[0].decimal(c, r)
		if err != nil || d == nil {
			return nil, err
		}
		return x.decimal(d, int(dec.bits)), nil
	}
	f, null, err := x.args[0].float(c, r)
	if err != nil || null {
		return nil, err
	}
	return x.real(f, int(dec.bits)), nil
}

func (n integer) result(unsigned bool) any {
	if unsigned {
		return uint64(n.bits)
	}
	return n.bits
}

func (x *rounding) integer(n integer, dec int) (any, error) {
	switch x.name {
	case "abs":
		if !n.unsigned && n.bits < 0 {
			if n.bits == math.MinInt64 {
				return nil, outOfRange("BIGINT", x)
			}
			n.bits = -n.bits
		}
	case "sign":
		return int64(n.cmp(integer{})), nil
	case "round", "truncate":
		if dec < 0 {
			n.bits = roundInteger(n, dec, x.name == "truncate")
		}
	}
	return n.result(x.is.Unsigned), nil
}

// roundInteger is MySQL's Item_func_round::int_op: 64 bits that overflow at the ends of BIGINT.
func roundInteger(n integer, dec int, cut bool) int64 {
	if dec < -19 {
		return 0
	}
	power := uint64(1)
	for range -dec {
		power *= 10
	}
	negative := !n.unsigned && n.bits < 0
	v := uint64(n.bits)
	if negative {
		v = -v
	}
	rounded := v / power * power
	if !cut && v-rounded >= power/2 {
		rounded += power
	}
	if negative {
		rounded = -rounded
	}
	return int64(rounded)
}

// roundTo rounds or cuts d to dec decimals, which may be negative.
func roundTo(d *apd.Decimal, dec int, cut bool) *apd.Decimal {
	w := wide
	if cut {
		w.Rounding = apd.RoundDown
	}
	z := new(apd.Decimal)
	_, _ = w.Quantize(z, d, int32(-dec))
	if z.Exponent > 0 {
		z = scaled(z, 0)
	}
	if z.IsZero() {
		z.Negative = false
	}
	return z
}

func (x *rounding) decimal(d *apd.Decimal, dec int) any {
	switch x.name {
	case "abs":
		return new(apd.Decimal).Abs(d)
	case "sign":
		return int64(d.Sign())
	case "floor", "ceil":
		z := new(apd.Decimal)
		if x.name == "ceil" {
			_, _ = wide.Ceil(z, d) // Quantize makes 0 of 0.001, whichever way it rounds
		} else {
			_, _ = wide.Floor(z, d)
		}
		z = scaled(z, 0)
		if z.IsZero() {
			z.Negative = false
		}
		if x.is.Kind == Int {
			n, _ := decimalInteger(z)
			return n.bits
		}
		return z
	}
	return scaled(roundTo(d, min(dec, max(int(-d.Exponent), 0)), x.name == "truncate"), x.is.Dec)
}

func (x *rounding) real(f float64, dec int) any {
	switch x.name {
	case "abs":
		return math.Abs(f)
	case "sign":
		switch {
		case f > 0:
			return int64(1)
		case f < 0:
			return int64(-1)
		}
		return int64(0)
	case "floor":
		f = math.Floor(f)
	case "ceil":
		f = math.Ceil(f)
	default:
		f = roundReal(f, dec, x.name == "truncate")
	}
	if f == 0 {
		return 0.0
	}
	return f
}

// roundReal is MySQL's my_double_round: it scales by a power of ten and rounds halves to even.
func roundReal(f float64, dec int, cut bool) float64 {
	power := math.Pow10(max(dec, -dec))
	if dec < 0 && math.IsInf(power, 0) {
		return 0
	}
	up, down := f*power, f/power
	switch {
	case dec >= 0 && math.IsInf(up, 0), math.IsNaN(f):
		return f
	case cut && dec >= 0:
		return math.Trunc(up) / power
	case cut:
		return math.Trunc(down) * power
	case dec < 0:
		return math.RoundToEven(down) * power
	}
	return math.RoundToEven(up) / power
}
