package item

import (
	"github.com/dolthub/go-mysql-server/sql"
)

// merge is the static type of what may have any of several types: IF, CASE, COALESCE, a column of a UNION.
func merge(c *sql.Context, list ...*Attr) Attr {
	out := Attr{Kind: Null}
	allBool := true
	for _, a := range list {
		if a.Kind == Null {
			continue
		}
		allBool = allBool && a.Bool
		if out.Kind == Null {
			out = *a
			out.Hex, out.Const = false, false
			continue
		}
		out = mergeTwo(out, *a)
	}
	out.Bool = allBool && out.Kind == Int
	switch {
	case out.text():
		coll, coerc, ok := mixed(c, list...)
		if !ok {
			coll, coerc = sql.Collation_binary, 2
		}
		out.Coll, out.Coerc = coll, coerc
	case out.Kind == Real:
		for _, a := range list {
			if n := a.number(); a.Kind != Null && n.Dec > out.Dec {
				out.Dec = n.Dec
			}
		}
	}
	out.typ = typeOf(&out)
	return out
}

func mergeTwo(a, b Attr) Attr {
	switch {
	case a.Kind == Other || b.Kind == Other:
		return Attr{Kind: Other}
	case a.Kind == b.Kind && a.Kind == Enum, a.Kind == b.Kind && a.Kind == Set:
		if a.typ.Equals(b.typ) {
			return a
		}
		return Attr{Kind: String}
	case a.Kind == JSON && b.Kind == JSON:
		return a
	case a.text() || b.text() || a.Kind == JSON && b.Kind != JSON || b.Kind == JSON && a.Kind != JSON:
		return Attr{Kind: String}
	case a.temporal() || b.temporal():
		switch {
		case a.Kind == b.Kind:
			a.Dec = max(a.Dec, b.Dec)
			return a
		case a.temporal() && b.temporal():
			return Attr{Kind: Datetime, Dec: max(a.Dec, b.Dec)}
		}
		return Attr{Kind: String}
	case a.Kind == Real || b.Kind == Real:
		return Attr{Kind: Real, Dec: max(a.Dec, b.Dec)}
	case a.Kind == Year && b.Kind == Year:
		return a
	case a.Kind == Bit && b.Kind == Bit:
		return a
	}
	a, b = a.number(), b.number()
	if a.Kind == Int && b.Kind == Int {
		if a.Unsigned == b.Unsigned {
			return Attr{Kind: Int, Unsigned: a.Unsigned, Prec: max(a.Prec, b.Prec)}
		}
		u, s := a, b
		if b.Unsigned {
			u, s = b, a
		}
		if u.Prec < 19 {
			return Attr{Kind: Int, Prec: max(u.Prec+1, s.Prec)}
		}
		return Attr{Kind: Decimal, Prec: max(u.Prec, s.Prec) + 1}
	}
	dec := max(a.Dec, b.Dec)
	return Attr{Kind: Decimal, Dec: dec, Prec: min(max(a.Prec-a.Dec, b.Prec-b.Dec)+dec, maxPrec)}
}

// as converts a value of the argument to static type t; nil is NULL.
func (a *arg) as(c *sql.Context, t *Attr, v any) (any, error) {
	if v == nil || a.Kind == t.Kind && (a.Kind == Enum || a.Kind == Set || a.Kind == Other || a.Kind == JSON) {
		return v, nil
	}
	switch t.Kind {
	case Int, Year, Bit:
		n, err := a.toInteger(c, v)
		if t.Bool {
			return n.bits != 0, err
		}
		if t.Kind == Year {
			return int16(n.bits), err
		}
		return n.result(t.Unsigned || t.Kind == Bit), err
	case Decimal:
		d, err := a.toDecimal(c, v)
		if err != nil {
			return nil, err
		}
		return scaled(d, t.Dec), nil
	case Real:
		return a.toFloat(c, v)
	case Date, Datetime:
		m, ok, err := a.moment(c, v)
		if err != nil || !ok {
			return nil, err
		}
		return m, nil
	case Time:
		s, ok, err := a.span(c, v)
		if err != nil || !ok {
			return nil, err
		}
		return s, nil
	case Null, Other, JSON:
		return v, nil
	}
	s, err := a.toText(c, v)
	if err != nil {
		return nil, err
	}
	if t.Coll == sql.Collation_binary {
		return []byte(s), nil
	}
	return s, nil
}

// choice is IF, CASE, IFNULL, COALESCE or NULLIF: one of its arguments, as the type of all that it may be.
type choice struct {
	function
	name   string
	values []int // the arguments that it may be
	pick   func(*choice, *sql.Context, sql.Row) (int, error)
	with   []comparator // CASE x WHEN and NULLIF
	base   bool         // CASE x
	last   int          // the ELSE, -1 for none
}

// newChoice returns nil where a type is not known.
func newChoice(c *sql.Context, env *Env, name, shown string, list []sql.Expression, base, hasElse bool) (*choice, error) {
	x := &choice{name: name, base: base, last: -1}
	x.function = newFunction(c, env, shown, list, func(c *sql.Context, ch []sql.Expression) sql.Expression {
		n, err := newChoice(c, env, name, shown, ch, base, hasElse)
		if err != nil || n == nil {
			return x
		}
		return n
	})
	n := len(x.args)
	switch name {
	case "if":
		x.values, x.pick = []int{1, 2}, (*choice).pickIf
	case "ifnull", "coalesce":
		for i := range x.args {
			x.values = append(x.values, i)
		}
		x.pick = (*choice).pickFirst
	case "nullif":
		x.nulls = true
		x.values, x.pick = []int{0}, (*choice).pickNullif
		k, err := newComparator(c, &x.args[0], &x.args[1], "=")
		if err != nil || k.way == asNothing {
			return nil, err
		}
		x.with = []comparator{k}
	case "case":
		x.pick = (*choice).pickCase
		x.nulls = !hasElse
		first := 0
		if base {
			first = 1
		}
		if hasElse {
			x.last = n - 1
		}
		compared := []*Attr{&x.args[0].Attr}
		for i := first; base && i+1 < n; i += 2 {
			compared = append(compared, &x.args[i].Attr)
		}
		for i := first; i+1 < n || i < n && !hasElse && i+1 < n; i += 2 {
			x.values = append(x.values, i+1)
			if base {
				k, err := newComparator(c, &x.args[0], &x.args[i], "case", compared...)
				if err == nil && k.way == asNothing {
					k.way = asNoJSON(&x.args[0].Attr, &x.args[i].Attr)
				}
				if err != nil || k.way == asNothing {
					return nil, err
				}
				k.year = false
				x.with = append(x.with, k)
			}
		}
		if hasElse {
			x.values = append(x.values, x.last)
		}
	}
	var all []*Attr
	for _, i := range x.values {
		all = append(all, &x.args[i].Attr)
	}
	t := merge(c, all...)
	if t.Kind == Other {
		return nil, nil
	}
	if _, _, ok := mixed(c, all...); t.text() && !ok {
		return nil, illegalMix(c, name, all...)
	}
	if t.Kind == Enum || t.Kind == Set {
		t.Kind = String
	}
	if name == "nullif" { // the first argument's, but never a column's own
		if t.Kind == Bit || t.Kind == Year {
			t = t.number()
		}
	}
	x.become(t)
	return x, nil
}

// asNoJSON is what CASE compares JSON and something else as: it knows no JSON, so that the null of JSON is 'null' there.
func asNoJSON(a, b *Attr) way {
	if b.Kind == JSON {
		a, b = b, a
	}
	switch {
	case a.Kind != JSON || b.Kind == Other || b.Kind == JSON:
		return asNothing
	case b.numeric():
		return asReal
	}
	return asText
}

// IsNullable implements sql.Expression.
func (x *choice) IsNullable(c *sql.Context) bool {
	all := true
	for _, i := range x.values {
		null := x.args[i].IsNullable(c)
		if null && x.name != "ifnull" && x.name != "coalesce" {
			return true
		}
		all = all && null
	}
	return x.nulls || all && (x.name == "ifnull" || x.name == "coalesce")
}

// picked is the argument that the row picks, with its value; nil also where it picks none.
func (x *choice) picked(c *sql.Context, r sql.Row) (i int, v any, err error) {
	if i, err = x.pick(x, c, r); err != nil || i < 0 {
		return i, nil, err
	}
	v, err = x.args[i].value(c, r)
	return i, v, err
}

func (x *choice) Eval(c *sql.Context, r sql.Row) (any, error) {
	i, v, err := x.picked(c, r)
	if err != nil || v == nil {
		return nil, err
	}
	return x.args[i].as(c, &x.is, v)
}

// raw is Eval, but a Decimal keeps the digits that it was computed with: MySQL cuts them off only where it shows or stores the value.
func (x *choice) raw(c *sql.Context, r sql.Row) (any, error) {
	if x.is.Kind != Decimal {
		return x.Eval(c, r)
	}
	i, v, err := x.picked(c, r)
	if err != nil || v == nil {
		return nil, err
	}
	d, err := x.args[i].toDecimal(c, v)
	if err != nil {
		return nil, err
	}
	if int(-d.Exponent) < x.is.Dec {
		d = scaled(d, x.is.Dec)
	}
	return d, nil
}

func (x *choice) pickIf(c *sql.Context, r sql.Row) (int, error) {
	is, _, err := x.args[0].truth(c, r)
	if is {
		return 1, err
	}
	return 2, err
}

func (x *choice) pickFirst(c *sql.Context, r sql.Row) (int, error) {
	for i := range x.args {
		if v, err := x.args[i].value(c, r); err != nil || v != nil {
			return i, err
		}
	}
	return -1, nil
}

func (x *choice) pickNullif(c *sql.Context, r sql.Row) (int, error) {
	l, err := x.args[0].value(c, r)
	if err != nil || l == nil {
		return -1, err
	}
	v, err := x.args[1].value(c, r)
	if err != nil || v == nil {
		return 0, err
	}
	cmp, ok, err := x.with[0].compare(c, &x.args[0], &x.args[1], l, v)
	if ok && cmp == 0 {
		return -1, err
	}
	return 0, err
}

func (x *choice) pickCase(c *sql.Context, r sql.Row) (int, error) {
	first, last := 0, len(x.args)
	if x.last >= 0 {
		last = x.last
	}
	var base any
	if x.base {
		first = 1
		v, err := x.args[0].value(c, r)
		if err != nil {
			return -1, err
		}
		base = v
	}
	for i := first; i+1 < last+1 && i+1 < len(x.args) && i < last; i += 2 {
		hit := false
		if x.base {
			if base == nil {
				break
			}
			v, err := x.args[i].value(c, r)
			if err != nil {
				return -1, err
			}
			if v != nil {
				cmp, ok, err := x.with[i/2].compare(c, &x.args[0], &x.args[i], base, v)
				if err != nil {
					return -1, err
				}
				hit = ok && cmp == 0
			}
		} else {
			is, _, err := x.args[i].truth(c, r)
			if err != nil {
				return -1, err
			}
			hit = is
		}
		if hit {
			return i + 1, nil
		}
	}
	return x.last, nil
}

// extreme is GREATEST or LEAST.
type extreme struct {
	function
	sign  int // 1 for GREATEST
	with  comparator
	dates bool
}

func newExtreme(c *sql.Context, env *Env, sign int, shown string, list []sql.Expression) (*extreme, error) {
	x := &extreme{sign: sign}
	x.function = newFunction(c, env, shown, list, func(c *sql.Context, ch []sql.Expression) sql.Expression {
		n, err := newExtreme(c, env, sign, shown, ch)
		if err != nil || n == nil {
			return x
		}
		return n
	})
	t := merge(c, attrs(x.args)...)
	x.with = comparator{way: wayOf(&t, &t)}
	if x.with.way == asNothing {
		return nil, nil
	}
	if t.text() {
		name := "greatest"
		if sign < 0 {
			name = "least"
		}
		if _, err := compared(c, name, attrs(x.args)...); err != nil {
			return nil, err
		}
	}
	if t.Kind == Null {
		t.Kind = String
		x.with.way = asText
	}
	if t.text() {
		t.Kind = String
		x.with.setCollation(t.Coll)
		for i := range x.args {
			if x.args[i].dated() {
				x.dates = true // strings of dates are compared as dates
			}
		}
	}
	if t.Kind == Bit || t.Kind == Year {
		t = t.number()
	}
	t.Bool = false
	x.become(t)
	return x, nil
}

func (x *extreme) Eval(c *sql.Context, r sql.Row) (any, error) {
	best := arg{Expression: x, Attr: x.is, env: x.env}
	var have any
	for i := range x.args {
		v, err := x.args[i].value(c, r)
		if err != nil || v == nil {
			return nil, err
		}
		if v, err = x.args[i].as(c, &x.is, v); err != nil || v == nil {
			return nil, err
		}
		if i == 0 {
			have = v
			continue
		}
		cmp, ok, err := x.with.compare(c, &best, &best, v, have)
		if err != nil {
			return nil, err
		}
		if ok && cmp*x.sign > 0 {
			have = v
		}
	}
	return have, nil
}
