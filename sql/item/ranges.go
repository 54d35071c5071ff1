package item

import (
	"fmt"
	"slices"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/types"

	"github.com/zoryadb/zorya/engine/row"
)

// BETWEEN and IN.

// between is BETWEEN. The three are compared as one type, dates with texts in pairs.
type between struct {
	expression.NaryExpression
	args      []arg
	low, high comparator
}

func newBetween(c *sql.Context, env *Env, val, low, high sql.Expression) (*between, error) {
	b := &between{NaryExpression: expression.NaryExpression{ChildExpressions: []sql.Expression{val, low, high}}}
	b.args = newArgs(c, env, b.ChildExpressions)
	v, l, h := &b.args[0], &b.args[1], &b.args[2]
	for i := range b.args {
		if isRow(b.ChildExpressions[i]) {
			return nil, nil
		}
	}
	b.low, b.high = comparator{way: wayOf(&v.Attr, &l.Attr)}, comparator{way: wayOf(&v.Attr, &h.Attr)}
	if b.low.way == asNothing || b.high.way == asNothing {
		return nil, nil
	}
	dates, texts, numbers := 0, 0, 0
	for i := range b.args {
		switch a := &b.args[i]; {
		case a.dated():
			dates++
		case a.text():
			texts++
		case a.Kind != Null:
			numbers++
		}
	}
	one := asNothing
	switch {
	case dates > 0 && numbers == 0:
		one = asMoment
	case texts == 3 || texts == 2 && numbers == 0:
		one = asText
	case b.low.way != b.high.way || wayOf(&l.Attr, &h.Attr) != b.low.way:
		one = asReal
		if b.args[0].exactOrNull() && b.args[1].exactOrNull() && b.args[2].exactOrNull() {
			one = asDecimal
		}
		if dates > 0 {
			one = asNothing // as pairs
		}
	}
	if v.integer() && (wholeLiteral(c, l) || l.integer()) && (wholeLiteral(c, h) || h.integer()) {
		one = asInt
	}
	if one == asMoment || b.low.way == asMoment || b.high.way == asMoment {
		for _, p := range [4][2]*arg{{v, l}, {v, h}, {l, v}, {h, v}} {
			if err := p[0].checkDate(c, p[1]); err != nil {
				return nil, err
			}
		}
	}
	if err := b.low.noMoment(c, v, l); err != nil {
		return nil, err
	}
	if err := b.high.noMoment(c, v, h); err != nil {
		return nil, err
	}
	if v.Kind == Time && l.timeLike() && h.timeLike() {
		one = asSpan
	}
	if one != asNothing {
		b.low.way, b.high.way = one, one
	}
	b.low.year, b.high.year = v.yearWith(c, l), v.yearWith(c, h)
	if b.low.way == asText {
		coll, err := compared(c, "between", attrs(b.args)...)
		if err != nil {
			return nil, err
		}
		b.low.setCollation(coll)
		b.high.setCollation(coll)
	}
	return b, nil
}

// timeLike reports whether a bound of BETWEEN is compared with a TIME as one.
func (a *arg) timeLike() bool { return a.Kind == Time || a.text() && a.Const }

func (a *arg) exactOrNull() bool { return a.exactNumber() || a.Kind == Null }

func (b *between) attr() Attr                     { return boolean }
func (b *between) Type(*sql.Context) sql.Type     { return types.Boolean }
func (b *between) IsNullable(c *sql.Context) bool { return true }
func (b *between) String() string {
	return fmt.Sprintf("(%s between %s and %s)", b.ChildExpressions[0], b.ChildExpressions[1], b.ChildExpressions[2])
}

func (b *between) CollationCoercibility(*sql.Context) (sql.CollationID, byte) {
	return sql.Collation_binary, 5
}

func (b *between) WithChildren(c *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	if len(ch) != 3 {
		return nil, sql.ErrInvalidChildrenNumber.New(b, len(ch), 3)
	}
	ch = unfolded(c, b.args, ch)
	x, err := newBetween(c, b.args[0].env, ch[0], ch[1], ch[2])
	if err != nil {
		return nil, err
	}
	if x == nil {
		return expression.NewBetween(ch[0], ch[1], ch[2]), nil
	}
	return x, nil
}

func (b *between) Eval(c *sql.Context, r sql.Row) (any, error) {
	v, err := b.args[0].value(c, r)
	if err != nil || v == nil {
		return nil, err
	}
	var in [2]int // 1: within that bound, 0: outside, -1: NULL
	for i, k := range []*comparator{&b.low, &b.high} {
		x, err := b.args[i+1].value(c, r)
		if err != nil {
			return nil, err
		}
		in[i] = -1
		if x == nil {
			continue
		}
		cmp, ok, err := k.compare(c, &b.args[0], &b.args[i+1], v, x)
		if err != nil {
			return nil, err
		}
		if ok {
			in[i] = 0
			if i == 0 && cmp >= 0 || i == 1 && cmp <= 0 {
				in[i] = 1
			}
		}
	}
	switch {
	case in[0] == 0 || in[1] == 0:
		return false, nil
	case in[0] < 0 || in[1] < 0:
		return nil, nil
	}
	return true, nil
}

// inList is IN over a list of values or of rows.
type inList struct {
	env  *Env
	with []*comparison // = with each
	// known is the list's texts by sort key, if all of it and what is sought are texts and it is all literals. It is made when it is first needed.
	known map[string]struct{}
	coll  row.Collator
	texts bool
	null  bool
}

func newInList(c *sql.Context, env *Env, left, right sql.Expression) (*inList, error) {
	list, ok := right.(expression.Tuple)
	if !ok || len(list) == 0 {
		return nil, nil
	}
	x := &inList{env: env, texts: len(list) > 8}
	all := []*Attr{}
	if err := listMixes(c, left, list); err != nil {
		return nil, err
	}
	constants := !slices.ContainsFunc(list, func(e sql.Expression) bool { return !constant(c, e) })
	for _, e := range list {
		eq, err := newComparison(c, env, "=", left, e)
		if err != nil || eq == nil {
			return nil, err
		}
		if len(eq.l) != len(unrow(left)) {
			return nil, nil
		}
		// MySQL stores constants into the column's type only where all are constants (Item_func_in::resolve_type).
		eq.ways[0].year = eq.ways[0].year && eq.l[0].Kind == Year && constants
		x.with = append(x.with, eq)
		if len(eq.l) != 1 || eq.ways[0].way != asText || !eq.r[0].Const {
			x.texts = false
		}
		if len(eq.l) == 1 {
			all = append(all, &eq.r[0].Attr)
		}
	}
	if len(x.with) > 0 && len(x.with[0].l) == 1 && x.with[0].l[0].text() { // one collation for the whole list
		coll, err := compared(c, "in", append([]*Attr{&x.with[0].l[0].Attr}, all...)...)
		if err != nil {
			return nil, err
		}
		for _, eq := range x.with {
			if eq.ways[0].way == asText {
				eq.ways[0].coll = nil
				eq.ways[0].setCollation(coll)
				x.coll = eq.ways[0].coll
			}
		}
	}
	return x, nil
}

// listMixes refuses texts whose collations do not go together, all of IN's at once.
func listMixes(c *sql.Context, left sql.Expression, list []sql.Expression) error {
	all := []*Attr{}
	for _, e := range append([]sql.Expression{left}, list...) {
		a := Of(c, e)
		if _, row := e.(expression.Tuple); row || !a.text() {
			return nil
		}
		all = append(all, &a)
	}
	_, err := compared(c, "in", all...)
	return err
}

func (x *inList) attr() Attr                     { return boolean }
func (x *inList) Type(*sql.Context) sql.Type     { return types.Boolean }
func (x *inList) IsNullable(c *sql.Context) bool { return true }
func (x *inList) String() string {
	left, list := x.sides(x.Children())
	return fmt.Sprintf("(%s in %s)", left, list)
}

func (x *inList) CollationCoercibility(*sql.Context) (sql.CollationID, byte) {
	return sql.Collation_binary, 5
}

// Children are the elements of what is sought and of the list's rows.
func (x *inList) Children() []sql.Expression {
	out := exprs(x.with[0].l)
	for _, eq := range x.with {
		out = append(out, exprs(eq.r)...)
	}
	return out
}

func (x *inList) Resolved() bool { return expression.ExpressionsResolved(x.Children()...) }

// sides makes what is sought and the list of children.
func (x *inList) sides(ch []sql.Expression) (left sql.Expression, list expression.Tuple) {
	n := len(x.with[0].l)
	for i := n; i < len(ch); i += n {
		list = append(list, rowOf(ch[i:i+n:i+n]))
	}
	return rowOf(ch[:n:n]), list
}

func (x *inList) WithChildren(c *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	if want := len(x.with[0].l) * (len(x.with) + 1); len(ch) != want {
		return nil, sql.ErrInvalidChildrenNumber.New(x, len(ch), want)
	}
	args := slices.Clone(x.with[0].l)
	for _, eq := range x.with {
		args = append(args, eq.r...)
	}
	left, list := x.sides(unfolded(c, args, ch))
	n, err := newInList(c, x.env, left, list)
	if err != nil {
		return nil, err
	}
	if n == nil {
		return expression.NewInTuple(left, list), nil
	}
	return n, nil
}

func (x *inList) Eval(c *sql.Context, r sql.Row) (any, error) {
	if x.texts {
		return x.lookUp(c, r)
	}
	null := false
	for _, eq := range x.with {
		v, err := eq.Eval(c, r)
		if err != nil {
			return nil, err
		}
		if v == true {
			return true, nil
		}
		null = null || v == nil
	}
	if null {
		return nil, nil
	}
	return false, nil
}

func (x *inList) lookUp(c *sql.Context, r sql.Row) (any, error) {
	key := func(a *arg) (string, bool, error) {
		s, null, err := a.str(c, r)
		if err != nil || null {
			return "", true, err
		}
		if x.coll == nil {
			return s, false, nil
		}
		return string(x.coll.AppendWeights(nil, []byte(s))), false, nil
	}
	if x.known == nil {
		x.known = make(map[string]struct{}, len(x.with))
		for _, eq := range x.with {
			k, null, err := key(&eq.r[0])
			if err != nil {
				return nil, err
			}
			x.null = x.null || null
			if !null {
				x.known[k] = struct{}{}
			}
		}
	}
	k, null, err := key(&x.with[0].l[0])
	if err != nil || null {
		return nil, err
	}
	if _, hit := x.known[k]; hit {
		return true, nil
	}
	if x.null {
		return nil, nil
	}
	return false, nil
}
