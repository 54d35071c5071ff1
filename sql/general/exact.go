package general

import (
	"encoding/hex"
	"fmt"
	"math"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/expression/function/aggregation"
	"github.com/dolthub/go-mysql-server/sql/expression/function/json"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/transform"
	"github.com/dolthub/go-mysql-server/sql/types"

	"github.com/zoryadb/zorya/sql/builtin"
	"github.com/zoryadb/zorya/sql/collate"
	"github.com/zoryadb/zorya/sql/item"
)

// The library compares strings character by character, so 'a' and 'a ' differ whatever the collation says of trailing blanks; it tells
// distinct values by their bytes; and its integer arithmetic wraps around. finish puts expressions that do as MySQL does into a plan that is ready
// for execution. Indexes were chosen before, on the library's own expressions.

// finisher puts expressions that do as MySQL does into a plan.
type finisher struct {
	env    *item.Env
	native bool // of joins: equalities that retype has left alone stay the library's, which looks into them
}

// finish returns n with those expressions, or n itself when none is needed.
func (f finisher) finish(c *sql.Context, n sql.Node) (sql.Node, error) {
	out, _, err := transform.NodeWithOpaque(c, n, f.node)
	return out, err
}

func (f finisher) node(c *sql.Context, n sql.Node) (sql.Node, transform.TreeIdentity, error) {
	changed := transform.SameTree
	if in, ok := n.(*plan.InsertInto); ok { // its source is not among its children
		src, err := f.finish(c, in.Source)
		if err != nil {
			return nil, changed, err
		}
		if src != in.Source {
			n, changed = in.WithSource(src), transform.NewTree
		}
	}
	if show, ok := n.(*plan.ShowTables); ok {
		whole, err := sessionOf(c).e.showsSystem(show)
		if err != nil || whole != nil {
			return whole, transform.NewTree, err
		}
	}
	if top, ok := n.(*plan.TopN); ok {
		if bounded := boundTop(c, top); bounded != nil {
			n, changed = bounded, transform.NewTree
		}
	}
	switch x := n.(type) {
	case *plan.JoinNode:
		f.native = true
	case *plan.HashLookup:
		if w := weighKeys(c, x); w != nil {
			n, changed = w, transform.NewTree
		}
	case *plan.RecursiveCte:
		out, err := inCycles(c, x)
		if err != nil {
			return nil, changed, err
		}
		if out != n {
			n, changed = out, transform.NewTree
		}
	case *plan.IndexedTableAccess:
		out, err := lookupKeys(c, x)
		if err != nil {
			return nil, changed, err
		}
		if out != n {
			n, changed = out, transform.NewTree
		}
	}
	out, same, err := transform.OneNodeExpressions(c, n, f.expr)
	if err != nil {
		return nil, changed, err
	}
	n, changed = out, changed && same
	hashed, err := hashJoin(c, n)
	if hashed == nil && err == nil {
		hashed, err = hashNoNulls(c, n)
	}
	if hashed == nil && err == nil {
		hashed, err = spatialJoin(c, n)
	}
	if hashed == nil && err == nil {
		hashed, err = f.rangeJoin(c, n)
	}
	if hashed != nil || err != nil {
		return hashed, transform.NewTree, err
	}
	keys := paddedKeys(c, n)
	if keys == nil {
		return n, changed, nil
	}
	if n, err = n.(sql.Expressioner).WithExpressions(c, keys...); err != nil {
		return nil, changed, err
	}
	return n, transform.NewTree, nil
}

// boundTop gives a sort that keeps LIMIT + OFFSET rows their sum, at most the largest integer: LIMIT 18446744073709551615 OFFSET n is how
// MySQL's users say "all but n". nil: the sort does not add.
func boundTop(c *sql.Context, top *plan.TopN) *plan.TopN {
	sum, ok := top.Limit.(*expression.Arithmetic)
	if !ok {
		return nil
	}
	total := int64(0)
	for _, e := range []sql.Expression{sum.LeftChild, sum.RightChild} {
		v, err := e.Eval(c, nil)
		n, ok := v.(int64)
		if err != nil || !ok {
			return nil
		}
		total += min(n, math.MaxInt64-total)
	}
	out := *top
	out.Limit = expression.NewLiteral(total, types.Int64)
	return &out
}

// lookupKeys gives the keys that a table is looked up by the types of the index.
func lookupKeys(c *sql.Context, n *plan.IndexedTableAccess) (sql.Node, error) {
	keys, columns, null := n.Expressions(), n.Index().ColumnExpressionTypes(c), n.NullMask()
	var out []sql.Expression
	for i, k := range keys {
		if i >= len(columns) || i < len(null) && null[i] {
			continue
		}
		if to := item.NewLookupKey(c, k, columns[i].Type); to != k {
			if out == nil {
				out = append([]sql.Expression(nil), keys...)
			}
			out[i] = to
		}
	}
	if out == nil {
		return n, nil
	}
	return n.WithExpressions(c, out...)
}

// paddedKeys returns the expressions of a node that hashes or sorts, with those keys trimmed that need it; nil: none does.
func paddedKeys(c *sql.Context, n sql.Node) []sql.Expression {
	var keys []sql.Expression
	first := 0
	switch n := n.(type) {
	case *plan.GroupBy:
		keys, first = n.Expressions(), len(n.SelectDeps)
	case *plan.Sort:
		keys = n.Expressions()
	case *plan.Window:
		return paddedWindows(c, n)
	default:
		return nil
	}
	out := append([]sql.Expression(nil), keys...)
	changed := false
	for i := first; i < len(out); i++ {
		var one bool
		out[i], one = trimPadded(c, out[i])
		changed = changed || one
	}
	if !changed {
		return nil
	}
	return out
}

// paddedWindows is paddedKeys of what windows are parted and ordered by, dates among them.
func paddedWindows(c *sql.Context, n *plan.Window) []sql.Expression {
	out := append([]sql.Expression(nil), n.SelectExprs...)
	changed := false
	for i, e := range out {
		alias, named := e.(*expression.Alias)
		if named {
			e = alias.Child
		}
		w, ok := e.(sql.WindowAdaptableExpression)
		if !ok || w.Window() == nil {
			continue
		}
		keys, padded := w.Window().ToExpressions(), false
		for k := range keys {
			var one bool
			if keys[k], one = trimPadded(c, keys[k]); dated(c, keys[k]) {
				if _, done := keys[k].(*orderedDate); !done {
					keys[k], one = &orderedDate{expression.UnaryExpressionStub{Child: keys[k]}}, true
				}
			}
			padded = padded || one
		}
		if !padded {
			continue
		}
		def, err := w.Window().FromExpressions(c, keys)
		if err != nil {
			continue
		}
		e = w.WithWindow(c, def)
		if named {
			if e, err = alias.WithChildren(c, e); err != nil {
				continue
			}
		}
		out[i], changed = e, true
	}
	if !changed {
		return nil
	}
	return out
}

// trimPadded wraps an expression whose collation ignores trailing blanks.
func trimPadded(c *sql.Context, e sql.Expression) (out sql.Expression, changed bool) {
	if _, done := e.(*trimmed); done {
		return e, false
	}
	if t, ok := e.Type(c).(sql.StringType); ok && types.IsTextOnly(t) && padded(t.Collation()) {
		return &trimmed{expression.UnaryExpressionStub{Child: e}}, true
	}
	return e, false
}

// padded reports whether a collation ignores trailing blanks.
func padded(c sql.CollationID) bool {
	return c != sql.Collation_binary && c.PadAttribute() == "PAD SPACE"
}

func (f finisher) expr(c *sql.Context, e sql.Expression) (sql.Expression, transform.TreeIdentity, error) {
	out, err := f.finished(c, e)
	if err != nil || out == nil {
		return e, transform.SameTree, err
	}
	return out, transform.NewTree, nil
}

// equates reports whether a join may hash its operands.
func equates(e sql.Expression) bool {
	switch e.(type) {
	case *expression.Equals, *expression.NullSafeEquals:
		return true
	}
	return false
}

// finished returns what stands for e, nil for e itself.
func (f finisher) finished(c *sql.Context, e sql.Expression) (sql.Expression, error) {
	if w := newWindowed(e); w != nil {
		return w, nil
	}
	if _, equal := e.(*expression.Equals); !f.native || !equal { // the library's <=> compares texts by their bytes
		if x, err := f.env.Expr(c, e, false); x != nil || err != nil {
			return x, err
		}
	}
	if x, err := spelled(c, e); x != nil || err != nil {
		return x, err
	}
	switch e := e.(type) {
	case *assign:
		return e.uncut(c, f.env), nil
	case *plan.Subquery:
		q, err := e.Query, error(nil)
		if outer := e.Correlated(); !outer.Empty() {
			if q, err = lookUpOuter(c, q, outer); err == nil {
				q, err = hashByOuter(c, q, outer)
			}
			if err != nil {
				return nil, err
			}
		}
		f.native = false
		q, err = f.finish(c, q)
		if err == nil {
			q = rememberedQuery(c, e, inScope(c, q))
		}
		if err != nil || q == e.Query {
			return nil, err
		}
		return e.WithQuery(q), nil
	case *expression.SetField:
		if _, variable := e.LeftChild.(*expression.UserVar); variable {
			if a := item.Of(c, e.RightChild); a.Kind == item.Date || a.Kind == item.Datetime || a.Kind == item.Time {
				return expression.NewSetField(e.LeftChild, &timeText{expression.UnaryExpressionStub{Child: e.RightChild}}), nil
			}
			if whole := f.env.Uncut(c, e.RightChild); whole != nil {
				return expression.NewSetField(e.LeftChild, whole), nil
			}
			return nil, nil
		}
		return assignedDate(e), nil
	case *expression.Arithmetic:
		if integerOnly(c, e.LeftChild) && integerOnly(c, e.RightChild) {
			return newChecked(c, e), nil
		}
	case *expression.Equals, *expression.NullSafeEquals, *expression.GreaterThan, *expression.GreaterThanOrEqual, *expression.LessThan,
		*expression.LessThanOrEqual:
		if x, err := exactOperands(c, e); x != nil || err != nil {
			return x, err
		}
		return trimOperands(c, e)
	case *expression.Between:
		return newBetween(c, e)
	case *expression.Mod:
		return &plainZero{expression.UnaryExpressionStub{Child: e}}, nil
	case *json.JSONUnquote:
		return builtin.NewJSONUnquote(c, e.Child), nil
	case *expression.Convert:
		if types.IsJSON(e.Type(c)) {
			return &builtin.JSONCast{UnaryExpressionStub: expression.UnaryExpressionStub{Child: e.Child}}, nil
		}
		if x := newCastDecimal(c, e); x != nil {
			return x, nil
		}
	case *expression.InTuple:
		if in := newDecimalIn(c, e.Left(), e.Right()); in != nil {
			return in, nil
		}
		if in := newTextIn(c, e.Left(), e.Right()); in != nil {
			return in, nil
		}
		return trimOperands(c, e)
	case *expression.HashInTuple:
		if in := newDecimalIn(c, e.Left(), e.Right()); in != nil {
			return in, nil
		}
		if in := newTextIn(c, e.Left(), e.Right()); in != nil {
			return in, nil
		}
		left, right := e.Left(), e.Right()
		if !comparesPadded(c, left, right) {
			return nil, nil
		}
		return expression.NewHashInTuple(c, trimAny(c, left), trimAny(c, right))
	case *aggregation.Min, *aggregation.Max:
		if x := item.Extreme(c, e.(sql.Aggregation)); x != nil {
			return x, nil
		}
	case *aggregation.CountDistinct:
		return weighChildren(c, e)
	case *aggregation.JsonArray:
		if e.Window() == nil {
			return &builtin.ArrayAgg{JsonArray: e}, nil
		}
	case *aggregation.GroupConcat:
		if strings.HasPrefix(e.String(), "group_concat(distinct") {
			return &concatDistinct{e}, nil
		}
	}
	return nil, nil
}

// comparesPadded reports whether texts are compared and the collation of their comparison ignores trailing blanks.
func comparesPadded(c *sql.Context, left, right sql.Expression) bool {
	if tuple, ok := right.(expression.Tuple); ok {
		if inner, ok := left.(expression.Tuple); ok {
			for i := range inner {
				if comparesPadded(c, inner[i], inner[i]) {
					return true
				}
			}
			return false
		}
		for _, r := range tuple {
			if comparesPadded(c, left, r) {
				return true
			}
		}
		return false
	}
	lt, rt := left.Type(c), right.Type(c)
	if !types.IsTextOnly(lt) || !types.IsTextOnly(rt) {
		return false
	}
	lc, ls := sql.GetCoercibility(c, left)
	rc, rs := sql.GetCoercibility(c, right)
	coll, _ := sql.ResolveCoercibility(lc, ls, rc, rs)
	return padded(coll)
}

// textIn is IN over a list of texts, compared as the collation of all of them says: the library forgets it.
type textIn struct {
	expression.NaryExpression // what is sought, then the list
	coll                      sql.CollationID
	known                     map[string]struct{} // keys of the list if it is all literals; nil: not made yet
	null                      bool
}

// newTextIn returns nil where not everything is text.
func newTextIn(c *sql.Context, left, right sql.Expression) *textIn {
	list, ok := right.(expression.Tuple)
	if !ok || !types.IsTextOnly(left.Type(c)) {
		return nil
	}
	coll, strength := sql.GetCoercibility(c, left)
	for _, e := range list {
		if t := e.Type(c); t != types.Null && !types.IsTextOnly(t) {
			return nil
		}
		rc, rs := sql.GetCoercibility(c, e)
		coll, strength = sql.ResolveCoercibility(coll, strength, rc, rs)
	}
	return &textIn{NaryExpression: expression.NaryExpression{ChildExpressions: append([]sql.Expression{left}, list...)}, coll: coll}
}

func (t *textIn) Type(*sql.Context) sql.Type { return types.Boolean }
func (t *textIn) String() string {
	list := make([]string, len(t.ChildExpressions)-1)
	for i, e := range t.ChildExpressions[1:] {
		list[i] = e.String()
	}
	return fmt.Sprintf("(%s IN (%s))", t.ChildExpressions[0], strings.Join(list, ", "))
}

func (t *textIn) CollationCoercibility(*sql.Context) (sql.CollationID, byte) {
	return sql.Collation_binary, 5
}

func (t *textIn) WithChildren(_ *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	return &textIn{NaryExpression: expression.NaryExpression{ChildExpressions: ch}, coll: t.coll}, nil
}

// key returns an expression's sort key; ok is false for NULL.
func (t *textIn) key(c *sql.Context, e sql.Expression, r sql.Row) (key string, ok bool, err error) {
	v, err := e.Eval(c, r)
	if err != nil || v == nil {
		return "", false, err
	}
	k, err := appendSortKey(c, nil, t.coll, nil, v)
	if err != nil {
		return "", false, err
	}
	return string(k), true, nil
}

func (t *textIn) Eval(c *sql.Context, r sql.Row) (any, error) {
	sought, ok, err := t.key(c, t.ChildExpressions[0], r)
	if err != nil || !ok {
		return nil, err
	}
	list := t.ChildExpressions[1:]
	if t.known == nil {
		fixed := true
		for _, e := range list {
			_, literal := e.(*expression.Literal)
			fixed = fixed && literal
		}
		if !fixed {
			return t.among(c, r, sought)
		}
		t.known = make(map[string]struct{}, len(list))
		for _, e := range list {
			k, ok, err := t.key(c, e, r)
			if err != nil {
				return nil, err
			}
			if ok {
				t.known[k] = struct{}{}
			}
			t.null = t.null || !ok
		}
	}
	if _, hit := t.known[sought]; hit {
		return true, nil
	}
	if t.null {
		return nil, nil
	}
	return false, nil
}

// among evaluates the list for one row.
func (t *textIn) among(c *sql.Context, r sql.Row, sought string) (any, error) {
	null := false
	for _, e := range t.ChildExpressions[1:] {
		k, ok, err := t.key(c, e, r)
		if err != nil {
			return nil, err
		}
		if ok && k == sought {
			return true, nil
		}
		null = null || !ok
	}
	if null {
		return nil, nil
	}
	return false, nil
}

// trimAny wraps every text, whatever its own collation: that of the comparison decided.
func trimAny(c *sql.Context, e sql.Expression) sql.Expression {
	if t, ok := e.(expression.Tuple); ok {
		out := make(expression.Tuple, len(t))
		for i := range t {
			out[i] = trimAny(c, t[i])
		}
		return out
	}
	if _, done := e.(*trimmed); done || !types.IsTextOnly(e.Type(c)) {
		return e
	}
	return &trimmed{expression.UnaryExpressionStub{Child: e}}
}

func trimOperands(c *sql.Context, e sql.Expression) (sql.Expression, error) {
	ch := e.Children()
	if len(ch) == 0 {
		return nil, nil
	}
	hit := false
	for _, r := range ch[1:] {
		hit = hit || comparesPadded(c, ch[0], r)
	}
	if !hit {
		return nil, nil
	}
	out := make([]sql.Expression, len(ch))
	for i := range ch {
		out[i] = trimAny(c, ch[i])
	}
	return e.WithChildren(c, out...)
}

// trimmed is a string without the blanks at its end.
type trimmed struct{ expression.UnaryExpressionStub }

func (t *trimmed) Type(c *sql.Context) sql.Type { return t.Child.Type(c) }
func (t *trimmed) String() string               { return t.Child.String() }
func (t *trimmed) CollationCoercibility(c *sql.Context) (sql.CollationID, byte) {
	return sql.GetCoercibility(c, t.Child)
}

func (t *trimmed) WithChildren(_ *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	if len(ch) != 1 {
		return nil, sql.ErrInvalidChildrenNumber.New(t, len(ch), 1)
	}
	return &trimmed{expression.UnaryExpressionStub{Child: ch[0]}}, nil
}

func (t *trimmed) Eval(c *sql.Context, r sql.Row) (any, error) {
	v, err := t.Child.Eval(c, r)
	if err != nil || v == nil {
		return nil, err
	}
	if v, err = sql.UnwrapAny(c, v); err != nil {
		return nil, err
	}
	switch s := v.(type) {
	case string:
		return strings.TrimRight(s, " "), nil
	case []byte:
		return strings.TrimRight(string(s), " "), nil
	}
	return v, nil
}

// weighed is a string's sort key in hexadecimal: equal for strings that the collation holds equal, and for no others.
type weighed struct{ expression.UnaryExpressionStub }

func weighChildren(c *sql.Context, e sql.Expression) (sql.Expression, error) {
	ch := e.Children()
	out := make([]sql.Expression, len(ch))
	changed := false
	for i, x := range ch {
		out[i] = x
		if _, star := x.(*expression.Star); star {
			continue
		}
		if _, done := x.(*weighed); !done && types.IsText(x.Type(c)) {
			out[i], changed = &weighed{expression.UnaryExpressionStub{Child: x}}, true
		}
	}
	if !changed {
		return nil, nil
	}
	return e.WithChildren(c, out...)
}

func (w *weighed) Type(*sql.Context) sql.Type { return types.LongText }
func (w *weighed) String() string             { return w.Child.String() }
func (w *weighed) WithChildren(_ *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	if len(ch) != 1 {
		return nil, sql.ErrInvalidChildrenNumber.New(w, len(ch), 1)
	}
	return &weighed{expression.UnaryExpressionStub{Child: ch[0]}}, nil
}

func (w *weighed) Eval(c *sql.Context, r sql.Row) (any, error) {
	v, err := w.Child.Eval(c, r)
	if err != nil || v == nil {
		return nil, err
	}
	key, err := appendDistinct(c, nil, w.Child.Type(c), v)
	return hex.EncodeToString(key), err
}

// appendDistinct appends bytes that are equal for values of one type that MySQL holds equal, and for no others.
func appendDistinct(c *sql.Context, dst []byte, t sql.Type, v any) ([]byte, error) {
	v, err := sql.UnwrapAny(c, v)
	if err != nil {
		return nil, err
	}
	if v == nil {
		return append(dst, 0), nil
	}
	dst = append(dst, 1)
	st, text := t.(sql.StringType)
	switch x := v.(type) {
	case string:
		return appendText(dst, st, text, []byte(x)), nil
	case []byte:
		return appendText(dst, st, text, x), nil
	}
	if text {
		s, err := types.ConvertToString(c, v, st, nil)
		return appendText(dst, st, text, []byte(s)), err
	}
	return appendPlain(dst, v), nil
}

func appendText(dst []byte, t sql.StringType, text bool, s []byte) []byte {
	if text && types.IsTextOnly(t) {
		if w := collate.For(uint16(t.Collation())); w != nil {
			return w.AppendWeights(dst, s)
		}
	}
	return append(dst, s...)
}

// concatDistinct is GROUP_CONCAT(DISTINCT ...), telling values by their collation.
type concatDistinct struct{ *aggregation.GroupConcat }

var _ sql.Aggregation = (*concatDistinct)(nil)

func (g *concatDistinct) WithChildren(c *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	in, err := g.GroupConcat.WithChildren(c, ch...)
	if err != nil {
		return nil, err
	}
	return &concatDistinct{in.(*aggregation.GroupConcat)}, nil
}

func (g *concatDistinct) NewBuffer(c *sql.Context) (sql.AggregationBuffer, error) {
	b, err := g.GroupConcat.NewBuffer(c)
	if err != nil {
		return nil, err
	}
	return &distinctBuffer{AggregationBuffer: b, exprs: g.OutputExpressions(), seen: map[string]struct{}{}}, nil
}

// distinctBuffer lets rows through whose values it has not seen.
type distinctBuffer struct {
	sql.AggregationBuffer
	exprs []sql.Expression
	seen  map[string]struct{}
}

func (b *distinctBuffer) Update(c *sql.Context, r sql.Row) error {
	var key []byte
	for _, e := range b.exprs {
		v, err := e.Eval(c, r)
		if err != nil {
			return err
		}
		if v == nil {
			return b.AggregationBuffer.Update(c, r)
		}
		one, err := appendDistinct(c, nil, e.Type(c), v)
		if err != nil {
			return err
		}
		key = fmt.Appendf(key, "%d:", len(one))
		key = append(key, one...)
	}
	if _, have := b.seen[string(key)]; have {
		return nil
	}
	b.seen[string(key)] = struct{}{}
	return b.AggregationBuffer.Update(c, r)
}
