package fastlane

import (
	"math"

	"github.com/zoryadb/zorya/engine/row"
)

// boundSet is column = x.
type boundSet struct {
	column int
	x      *boundExpr
}

// boundExpr is an expr over the columns of one table.
type boundExpr struct {
	op          byte
	left, right *boundExpr
	arg         int // -1: none
	column      int // -1: none
	values      bool
	null        bool
}

// bindSets binds assignments, of columns outside the clustered key. MySQL assigns from left to right: one that reads what another
// before it has changed declines.
func (b *binder) bindSets(insert bool) bool {
	p := b.p
	bt := &p.tables[0]
	assigned := make(map[int]bool)
	for _, a := range p.shape.sets {
		r, ok := b.column(a.column)
		if !ok || r.c == bt.def.AutoInc || b.inClusteredKey(r.c) || assigned[r.c] || bt.kinds[r.c].form == formOther || bt.kinds[r.c].form == formBinary {
			return false
		}
		x, ok := b.bindExpr(a.expr, assigned, insert)
		if !ok {
			return false
		}
		if x.column >= 0 && !alike(&bt.kinds[r.c], &bt.kinds[x.column]) {
			return false
		}
		assigned[r.c] = true
		p.sets = append(p.sets, boundSet{r.c, x})
	}
	for c := range bt.desc.Columns {
		text := bt.desc.Columns[c].OnUpdate
		if text == "" || assigned[c] {
			continue
		}
		if b.inClusteredKey(c) || !bt.kinds[c].keepsClock(text) {
			return false
		}
		p.touch = append(p.touch, c)
	}
	return true
}

// alike reports whether a value of kind b can be stored as one of kind a as it is.
func alike(a, b *colKind) bool {
	return a.form == b.form && (a.nullable || !b.nullable) && a.min <= b.min && a.max >= b.max && a.umax >= b.umax && a.scale == b.scale &&
		a.precision == b.precision && a.maxBytes >= b.maxBytes && a.maxChars >= b.maxChars && a.char == b.char && a.charset == b.charset && (a.form != formEnum || a.codec == b.codec)
}

func (b *binder) bindExpr(e *expr, assigned map[int]bool, insert bool) (*boundExpr, bool) {
	x := &boundExpr{op: e.op, arg: e.arg, null: e.null, values: e.values, column: -1}
	if e.op != 0 {
		var ok bool
		if x.left, ok = b.bindExpr(e.left, assigned, insert); !ok || !b.numeric(x.left) {
			return nil, false
		}
		x.right, ok = b.bindExpr(e.right, assigned, insert)
		return x, ok && b.numeric(x.right)
	}
	if e.arg >= 0 || e.null {
		return x, true
	}
	r, ok := b.column(e.column)
	x.column = r.c
	return x, ok && (insert || !e.values) && (e.values || !assigned[r.c])
}

func (b *binder) numeric(x *boundExpr) bool {
	if x.column < 0 {
		return true
	}
	switch b.p.tables[0].kinds[x.column].form {
	case formInt, formUint, formDecimal, formFloat:
		return true
	}
	return false
}

func (b *binder) inClusteredKey(c int) bool {
	ix := &b.p.tables[0].def.Indexes[0]
	for _, part := range ix.Parts {
		if part.Column == c && !ix.Hidden {
			return true
		}
	}
	return false
}

// assign makes x.now of old. vals is the row that INSERT could not insert.
func (x *exec) assign(old, vals []row.Datum) error {
	x.now = append(x.now[:0], old...)
	for i := range x.p.sets {
		b := &x.p.sets[i]
		d, ok := x.assigned(b, old, vals)
		if !ok {
			return ErrDecline
		}
		x.now[b.column] = d
	}
	return nil
}

// touch sets what ON UPDATE CURRENT_TIMESTAMP says, once it is known that the row changes.
func (x *exec) touch() bool {
	for _, c := range x.p.touch {
		d, ok := x.p.tables[0].kinds[c].now(x.env.Now, x.env.Zone)
		if !ok {
			return false
		}
		x.now[c] = d
	}
	return true
}

func (x *exec) assigned(b *boundSet, old, vals []row.Datum) (row.Datum, bool) {
	k := &x.p.tables[0].kinds[b.column]
	switch e := b.x; {
	case e.null:
		return row.NullDatum, k.nullable
	case e.op != 0:
		v, ok := x.eval(e, old, vals)
		if !ok {
			return row.Datum{}, false
		}
		return x.stored(k, &v)
	case e.arg >= 0:
		return k.store(&x.q.Args[e.arg], x.env.Zone)
	case e.values:
		return vals[e.column], true
	default:
		return old[e.column], true
	}
}

// value is a number on its way: v units of 10^-scale, or f.
type value struct {
	null, float, unsigned bool
	scale                 int
	v                     int64
	f                     float64
}

func (a *Arg) value() (value, bool) {
	switch a.Kind {
	case ArgNull:
		return value{null: true}, true
	case ArgFloat:
		f, ok := a.float()
		return value{float: true, f: f}, ok
	case ArgInt, ArgDecimal:
		v, scale, ok := a.fixed()
		return value{v: v, scale: scale}, ok
	}
	return value{}, false
}

// number reads a column as a value.
func (k *colKind) number(d *row.Datum) (value, bool) {
	if d.Null {
		return value{null: true}, true
	}
	switch k.form {
	case formInt:
		return value{v: d.Int()}, true
	case formUint:
		return value{v: int64(d.N), unsigned: true}, d.N <= math.MaxInt64
	case formFloat:
		return value{float: true, f: d.Float()}, true
	case formDecimal:
		v, err := k.codec.Fixed(d.B)
		return value{v: v, scale: k.scale}, err == nil
	}
	return value{}, false
}

func (x *exec) eval(e *boundExpr, old, vals []row.Datum) (value, bool) {
	switch {
	case e.null:
		return value{null: true}, true
	case e.op != 0:
		return x.calculate(e.op, func(side int) (value, bool) { return x.eval([2]*boundExpr{e.left, e.right}[side], old, vals) })
	case e.arg >= 0:
		return x.q.Args[e.arg].value()
	case e.values:
		return x.p.tables[0].kinds[e.column].number(&vals[e.column])
	}
	return x.p.tables[0].kinds[e.column].number(&old[e.column])
}

// calculate combines two operands; false where MySQL would raise an error or more digits are needed than an int64 holds.
func (x *exec) calculate(op byte, operand func(side int) (value, bool)) (value, bool) {
	a, ok := operand(0)
	if !ok {
		return a, false
	}
	b, ok := operand(1)
	if !ok {
		return b, false
	}
	switch {
	case a.null || b.null:
		return value{null: true}, true
	case a.float || b.float:
		return floating(op, &a, &b)
	}
	out := value{unsigned: a.unsigned || b.unsigned}
	if op == '*' {
		out.scale = a.scale + b.scale
		out.v, ok = times(a.v, b.v)
	} else {
		out.scale = max(a.scale, b.scale)
		av, aok := rescale(a.v, a.scale, out.scale)
		bv, bok := rescale(b.v, b.scale, out.scale)
		if op == '-' {
			bv = -bv
		}
		out.v, ok = plus(av, bv)
		ok = ok && aok && bok
	}
	return out, ok && (out.v >= 0 || !out.unsigned)
}

func floating(op byte, a, b *value) (value, bool) {
	l, lok := a.double()
	r, rok := b.double()
	out := value{float: true}
	switch op {
	case '+':
		out.f = l + r
	case '-':
		out.f = l - r
	default:
		out.f = l * r
	}
	return out, lok && rok && !math.IsInf(out.f, 0) && !math.IsNaN(out.f)
}

// double converts to the nearest DOUBLE: the quotient of two numbers that are exact is rounded once.
func (v *value) double() (float64, bool) {
	if v.float {
		return v.f, true
	}
	return float64(v.v) / float64(pow10[min(v.scale, fixedDigits)]), abs(v.v) <= 1<<53 && v.scale <= fixedDigits
}

// stored converts a result for storing where that loses nothing, or where the library rounds as MySQL does.
func (x *exec) stored(k *colKind, v *value) (row.Datum, bool) {
	if v.null {
		return row.NullDatum, k.nullable
	}
	switch k.form {
	case formInt, formUint:
		n, ok := rescale(v.v, v.scale, 0)
		if v.float || !ok {
			return row.Datum{}, false
		}
		if k.form == formUint {
			return row.FromUint(uint64(n)), n >= 0 && uint64(n) <= k.umax
		}
		return row.FromInt(n), n >= k.min && n <= k.max
	case formFloat:
		f, ok := v.double()
		return row.FromFloat(f), ok
	case formDecimal:
		if v.float {
			return k.fromFloat(&Arg{Kind: ArgFloat, N: math.Float64bits(v.f)})
		}
		n, ok := rescale(v.v, v.scale, k.scale)
		if !ok || abs(n) >= pow10[k.precision] || n < 0 && k.unsigned {
			return row.Datum{}, false
		}
		return row.FromBytes(k.codec.AppendFixed(nil, n)), true
	}
	return row.Datum{}, false
}
