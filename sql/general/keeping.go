package general

import (
	"errors"
	"io"
	"reflect"
	"slices"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/expression/function/aggregation"
	"github.com/dolthub/go-mysql-server/sql/iters"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/transform"

	"github.com/zoryadb/zorya/sql/exact"
	"github.com/zoryadb/zorya/sql/rules"
	"github.com/zoryadb/zorya/sql/spill"
)

// The library's iterators that keep rows keep them all in memory. Here package spill's stand for them, which know bounds.

// keeping builds the nodes that keep rows; nil where the library's own will do.
func (b *builder) keeping(c *sql.Context, n sql.Node, r sql.Row) (sql.RowIter, error) {
	a := memoryOf(c)
	if a == nil {
		return nil, nil
	}
	switch n := n.(type) {
	case *plan.Sort:
		if atMostOne(c, n.Child) {
			return b.build(c, n.Child, r)
		}
		return b.over(c, n.Child, r, func(in sql.RowIter) sql.RowIter { return a.Sort(c, n.SortConditions, in) })
	case *plan.TopN:
		return b.top(c, a, n, r)
	case *plan.GroupBy:
		return b.groupBy(c, a, n, r)
	case *plan.CachedResults:
		return b.cachedResults(c, n, r)
	case *plan.HashLookup:
		return b.hashLookup(c, n, r)
	case *readFirst:
		return b.over(c, n.Child, r, func(in sql.RowIter) sql.RowIter { return &wholeIter{src: in, kept: a.NewSpool()} })
	case *outerHash:
		return b.outerHash(c, n, r)
	case *rangeLookup:
		return b.rangeLookup(c, n, r)
	case *remembered:
		return b.remembered(c, n, r)
	case *plan.Window:
		return b.window(c, a, n, r)
	case *rowsNode:
		return sql.RowsToRowIter(n.rows...), nil
	case *subqueryScope:
		s := sessionOf(c)
		return s.within(s.cur, func() (sql.RowIter, error) { return b.build(c, n.Child, r) })
	}
	return nil, nil
}

func (b *builder) build(c *sql.Context, n sql.Node, r sql.Row) (sql.RowIter, error) {
	return b.e.gms.Analyzer.ExecBuilder.Build(c, n, r)
}

func (b *builder) over(c *sql.Context, child sql.Node, r sql.Row, wrap func(sql.RowIter) sql.RowIter) (sql.RowIter, error) {
	in, err := b.build(c, child, r)
	if err != nil {
		return nil, err
	}
	return wrap(in), nil
}

func (b *builder) top(c *sql.Context, a *spill.Account, n *plan.TopN, r sql.Row) (sql.RowIter, error) {
	limit, err := iters.GetInt64Value(c, n.Limit)
	if err != nil {
		return nil, err
	}
	var found func(int64)
	if n.CalcFoundRows {
		found = func(rows int64) { c.GetLastQueryInfo().FoundRows.Store(rows) }
	}
	in, err := b.build(c, n.Child, r)
	if err != nil {
		return nil, err
	}
	if atMostOne(c, n.Child) {
		return &iters.LimitIter{Limit: limit, CalcFoundRows: n.CalcFoundRows, ChildIter: in}, nil
	}
	if it := a.Top(c, n.SortConditions, limit, found, in); it != nil {
		return it, nil
	}
	return &iters.LimitIter{Limit: limit, CalcFoundRows: n.CalcFoundRows, ChildIter: a.Sort(c, n.SortConditions, in)}, nil
}

// hashOfValues makes keys of the values of expressions, equal for what their types and collations hold equal.
func hashOfValues(c *sql.Context, exprs []sql.Expression) spill.KeyFunc {
	k := rowKeys{schema: make(sql.Schema, len(exprs))}
	for i, e := range exprs {
		k.schema[i] = &sql.Column{Type: e.Type(c)}
	}
	vals := make(sql.Row, len(exprs))
	return func(c *sql.Context, r sql.Row) (uint64, error) {
		for i, e := range exprs {
			v, err := e.Eval(c, r)
			if err != nil {
				return 0, err
			}
			vals[i] = v
		}
		return k.of(c, vals)
	}
}

// hasNull reports whether one of the expressions is NULL for a row.
func hasNull(exprs []sql.Expression) func(*sql.Context, sql.Row) (bool, error) {
	return func(c *sql.Context, r sql.Row) (bool, error) {
		for _, e := range exprs {
			v, err := e.Eval(c, r)
			if v == nil || err != nil {
				return err == nil, err
			}
		}
		return false, nil
	}
}

// groupBy builds GROUP BY. One group of aggregates that hold a value each is the library's.
func (b *builder) groupBy(c *sql.Context, a *spill.Account, n *plan.GroupBy, r sql.Row) (sql.RowIter, error) {
	g := spill.Grouping{Buffers: func(c *sql.Context) ([]sql.AggregationBuffer, error) {
		out := make([]sql.AggregationBuffer, len(n.SelectDeps))
		more := 0
		for i, e := range n.SelectDeps {
			var err error
			if out[i], err = newBuffer(c, a, e); err != nil {
				return nil, err
			}
			if _, ordered := e.(sql.OrderedAggregation); ordered {
				more++
			}
			if more > 0 && asksQuery(c, e) {
				out[i] = &wideBuffer{out[i], make(sql.Row, more)}
			}
		}
		return out, nil
	}}
	for _, e := range n.SelectDeps {
		g.Growing = g.Growing || rules.Growing(e)
	}
	if len(n.GroupByExprs) == 0 && !g.Growing {
		return nil, nil
	}
	if len(n.GroupByExprs) > 0 {
		g.Key = hashOfValues(c, n.GroupByExprs)
		g.Ordered = groupsInOrder(c, n, rowOrder(c, n.Child))
	}
	return b.over(c, n.Child, r, func(in sql.RowIter) sql.RowIter { return a.Group(g, in) })
}

// wideBuffer gives an aggregate rows with columns behind them: the library counts one for each GROUP_CONCAT of a list, that one's own and those before it,
// where it says at which place of a row a subquery's own columns begin.
type wideBuffer struct {
	sql.AggregationBuffer
	more sql.Row
}

func (b *wideBuffer) Update(c *sql.Context, r sql.Row) error {
	return b.AggregationBuffer.Update(c, slices.Concat(r, b.more))
}

func asksQuery(c *sql.Context, e sql.Expression) (found bool) {
	sql.Inspect(c, e, func(_ *sql.Context, e sql.Expression) bool {
		_, is := e.(*plan.Subquery)
		found = found || is
		return !found
	})
	return found
}

// newBuffer makes the buffer of an aggregate, one that knows bounds where the library's keeps all rows.
func newBuffer(c *sql.Context, a *spill.Account, e sql.Expression) (sql.AggregationBuffer, error) {
	agg, ok := e.(sql.Aggregation)
	if !ok {
		return aggregation.NewFirst(e).NewBuffer(c)
	}
	switch x := e.(type) {
	case *aggregation.CountDistinct:
		return a.CountDistinct(hashOfValues(c, x.ChildExpressions), hasNull(x.ChildExpressions)), nil
	case *exact.ConcatDistinct:
		return concatBuffer(c, a, x.GroupConcat)
	case *aggregation.GroupConcat:
		return concatBuffer(c, a, x)
	}
	buf, err := agg.NewBuffer(c)
	if err != nil || !rules.Growing(e) {
		return buf, err
	}
	return a.Charge(buf), nil
}

// concatBuffer gives the library's buffer, which keeps whole rows until it makes its string, no more of them than a string of
// group_concat_max_len can use.
func concatBuffer(c *sql.Context, a *spill.Account, g *aggregation.GroupConcat) (sql.AggregationBuffer, error) {
	by, distinct, separator, limit := concatParts(g)
	exprs := g.OutputExpressions()
	buf, err := aggregation.NewGroupConcat("", nil, separator, exprs, int(limit)).NewBuffer(c) // rows come to it in order, each once
	if err != nil {
		return nil, err
	}
	var key spill.KeyFunc
	if distinct {
		key = hashOfValues(c, exprs)
	}
	return a.Gather(c, buf, by, key, hasNull(exprs), max(limit, 1)), nil
}

// concatParts reads what the library's GROUP_CONCAT says to nobody. A test pins the names of its fields.
func concatParts(g *aggregation.GroupConcat) (by sql.SortConditions, distinct bool, separator string, limit int64) {
	v := reflect.ValueOf(g).Elem()
	orders := v.FieldByName("sortConditions")
	for i, e := range g.Children()[:orders.Len()] {
		o := orders.Index(i)
		by = append(by, sql.SortCondition{Expr: e, Order: sql.SortOrder(o.FieldByName("Order").Uint())})
	}
	return by, v.FieldByName("distinct").String() != "", v.FieldByName("separator").String(), v.FieldByName("maxLen").Int()
}

// cachedResults keeps the rows of its child for the next time.
func (b *builder) cachedResults(c *sql.Context, n *plan.CachedResults, r sql.Row) (sql.RowIter, error) {
	s := keptBy(c)
	if p := s.Spool(n); p != nil {
		return p.Rows()
	}
	in, err := b.build(c, n.Child, r)
	if err != nil {
		return nil, err
	}
	return &fillingIter{RowIter: in, scope: s, n: n, spool: s.Account.NewSpool()}, nil
}

// fillingIter keeps what it gives. Only a whole result is kept for later.
type fillingIter struct {
	sql.RowIter
	scope *spill.Scope
	n     sql.Node
	spool *spill.Spool
}

func (f *fillingIter) Next(c *sql.Context) (sql.Row, error) {
	r, err := f.RowIter.Next(c)
	switch {
	case f.spool == nil:
	case err == nil:
		err = f.spool.Add(r)
	case errors.Is(err, io.EOF):
		if kerr := f.scope.KeepSpool(f.n, f.spool); kerr != nil {
			err = kerr
		}
		f.spool = nil
	}
	return r, err
}

func (f *fillingIter) Close(c *sql.Context) error {
	var err error
	if f.spool != nil {
		err = f.spool.Close()
		f.spool = nil
	}
	return errors.Join(err, f.RowIter.Close(c))
}

// hashLookup is the inner side of a hash join, for one row of the outer side.
func (b *builder) hashLookup(c *sql.Context, n *plan.HashLookup, r sql.Row) (sql.RowIter, error) {
	s := keptBy(c)
	t := s.Table(n)
	if t == nil {
		var err error
		child := n.Child
		if cached, ok := child.(*plan.CachedResults); ok {
			child = cached.Child // the table keeps the rows
		}
		if t, err = b.hashTable(c, s.Account, n, child, r, -1); err != nil {
			return nil, err
		}
		s.KeepTable(n, t)
	}
	key, _, err := n.GetHashKey(c, n.LeftProbeKey, r)
	if err != nil {
		return nil, err
	}
	if leavesNulls(n.RightEntryKey) {
		if open, err := openKey(c, n.LeftProbeKey, r); open || err != nil {
			return sql.RowsToRowIter(), err
		}
	}
	var unknown []sql.Row
	if n.JoinType.IsExcludeNulls() {
		open, err := openKey(c, n.LeftProbeKey, r)
		if err != nil {
			return nil, err
		}
		if open { // any row may do, mostly the first; the join reads no further than the first that does
			return &eitherIter{RowIter: sql.RowsToRowIter(t.First()...), rest: func() (sql.RowIter, error) { return b.build(c, n.Child, r) }}, nil
		}
		if unknown, err = t.GetAgain(nullKey); err != nil {
			return nil, err
		}
	}
	if n.JoinType.IsExcludeNulls() || n.JoinType.IsPartial() {
		found, err := t.Some(key)
		if err != nil || len(unknown) == 0 {
			return found, err
		}
		return &eitherIter{RowIter: found, rest: func() (sql.RowIter, error) { return sql.RowsToRowIter(unknown...), nil }}, nil
	}
	rows, err := t.Get(key)
	return sql.RowsToRowIter(rows...), err
}

// eitherIter gives some rows, and others if those were not enough.
type eitherIter struct {
	sql.RowIter
	rest func() (sql.RowIter, error) // nil: it is they that are given
}

func (it *eitherIter) Next(c *sql.Context) (sql.Row, error) {
	r, err := it.RowIter.Next(c)
	if !errors.Is(err, io.EOF) || it.rest == nil {
		return r, err
	}
	more, err := it.rest()
	if err != nil {
		return nil, err
	}
	if err = it.RowIter.Close(c); err != nil {
		return nil, errors.Join(err, more.Close(c))
	}
	it.RowIter, it.rest = more, nil
	return it.RowIter.Next(c)
}

// nullKey is where a hash table has the rows whose key has a NULL, for joins of NOT IN: a condition that is NULL counts there, and such a row
// may make it so for any row of the other side. Other rows that hash alike do no harm: the condition is evaluated for each.
const nullKey = "\x00NULL"

// openKey reports whether a key, or a part of it, is NULL.
func openKey(c *sql.Context, key sql.Expression, r sql.Row) (bool, error) {
	v, err := key.Eval(c, r)
	if parts, ok := v.([]any); ok {
		return slices.Contains(parts, nil), err
	}
	return v == nil, err
}

// hashTable fills a table with the rows of child, of each the last width values; all of them if width is negative.
func (b *builder) hashTable(c *sql.Context, a *spill.Account, n *plan.HashLookup, child sql.Node, r sql.Row, width int) (t *spill.Table, err error) {
	in, err := b.build(c, child, r)
	if err != nil {
		return nil, err
	}
	t = a.NewTable()
	defer func() {
		if err = errors.Join(err, in.Close(c)); err != nil {
			err = errors.Join(err, t.Close())
		}
	}()
	for {
		row, err := in.Next(c)
		if errors.Is(err, io.EOF) {
			return t, t.End(c)
		}
		if err != nil {
			return t, err
		}
		if leavesNulls(n.RightEntryKey) {
			open, err := openKey(c, n.RightEntryKey, row)
			if err != nil {
				return t, err
			}
			if open {
				continue
			}
		}
		key, _, err := n.GetHashKey(c, n.RightEntryKey, row)
		if err == nil && n.JoinType.IsExcludeNulls() {
			var open bool
			if open, err = openKey(c, n.RightEntryKey, row); open {
				key = nullKey
			}
		}
		if width >= 0 {
			row = slices.Clone(row[len(row)-width:])
		}
		if err == nil {
			err = t.Add(c, key, row)
		}
		if err != nil {
			return t, err
		}
	}
}

// subqueryScope stands at the root of a subquery that runs for each row of the outer query: what one run keeps goes with it.
type subqueryScope struct{ plan.UnaryNode }

func (n *subqueryScope) String() string                    { return n.Child.String() }
func (n *subqueryScope) DebugString(c *sql.Context) string { return sql.DebugString(c, n.Child) }
func (n *subqueryScope) IsReadOnly() bool                  { return n.Child.IsReadOnly() }
func (n *subqueryScope) Schema(c *sql.Context) sql.Schema  { return n.Child.Schema(c) }
func (n *subqueryScope) Describe(c *sql.Context, o sql.DescribeOptions) string {
	return sql.Describe(c, n.Child, o)
}

func (n *subqueryScope) WithChildren(_ *sql.Context, ch ...sql.Node) (sql.Node, error) {
	return &subqueryScope{plan.UnaryNode{Child: ch[0]}}, nil
}

// inScope wraps the plan of a subquery, once, if it keeps rows.
func inScope(c *sql.Context, n sql.Node) sql.Node {
	if _, done := n.(*subqueryScope); done {
		return n
	}
	keeps := false
	transform.InspectWithOpaque(c, n, func(_ *sql.Context, n sql.Node) bool {
		switch n.(type) {
		case *plan.CachedResults, *plan.HashLookup, *rangeLookup:
			keeps = true
		}
		return !keeps
	})
	if !keeps {
		return n
	}
	return &subqueryScope{plan.UnaryNode{Child: n}}
}

// inCycles wraps the recursive part of a CTE if it keeps rows of the table that each cycle fills anew.
func inCycles(c *sql.Context, n *plan.RecursiveCte) (sql.Node, error) {
	parts, keeps := n.Children(), false
	transform.InspectWithOpaque(c, parts[1], func(c *sql.Context, n sql.Node) bool {
		switch n.(type) {
		case *plan.CachedResults, *plan.HashLookup, *rangeLookup:
			transform.InspectWithOpaque(c, n, func(_ *sql.Context, n sql.Node) bool {
				_, cycle := n.(*plan.RecursiveTable)
				keeps = keeps || cycle
				return !keeps
			})
		}
		return !keeps
	})
	if !keeps {
		return n, nil
	}
	return n.WithChildren(c, parts[0], inScope(c, parts[1]))
}

// rowsNode gives rows that are at hand to a plan.
type rowsNode struct {
	plan.UnaryNode // what they are the rows of
	rows           []sql.Row
}

func (n *rowsNode) String() string                   { return n.Child.String() }
func (n *rowsNode) IsReadOnly() bool                 { return true }
func (n *rowsNode) Schema(c *sql.Context) sql.Schema { return n.Child.Schema(c) }
func (n *rowsNode) WithChildren(_ *sql.Context, ch ...sql.Node) (sql.Node, error) {
	return &rowsNode{plan.UnaryNode{Child: ch[0]}, n.rows}, nil
}

// window builds the functions with OVER. The library does it in memory, for all rows or, when those are too many, for a partition after the other.
func (b *builder) window(c *sql.Context, a *spill.Account, n *plan.Window, r sql.Row) (sql.RowIter, error) {
	if _, ours := n.Child.(*rowsNode); ours {
		return nil, nil
	}
	w := spill.Windows{}
	byID := map[uint64]int{}
	for i, e := range n.SelectExprs {
		def := windowOf(e)
		if _, agg := e.(sql.Aggregation); agg && def == nil {
			return nil, nil
		}
		if def == nil {
			w.Plain = append(w.Plain, spill.Output{At: i, Expr: e})
			continue
		}
		id, err := def.PartitionId()
		if err != nil {
			return nil, err
		}
		k, have := byID[id]
		if !have {
			k = len(w.Parts)
			byID[id] = k
			w.Parts = append(w.Parts, spill.Window{PartitionBy: def.PartitionBy, OrderBy: def.OrderBy})
		}
		w.Parts[k].Outputs = append(w.Parts[k].Outputs, spill.Output{At: i, Expr: e})
	}
	w.Compute = func(c *sql.Context, exprs []sql.Expression, rows []sql.Row) (sql.RowIter, error) {
		return b.build(c, plan.NewWindow(exprs, &rowsNode{plan.UnaryNode{Child: n.Child}, rows}), r)
	}
	w.All = n.SelectExprs
	var keys []sql.Expression
	for _, p := range w.Parts {
		for _, o := range p.OrderBy {
			switch o.Expr.(type) {
			case *expression.GetField, *expression.Literal:
			default:
				keys = append(keys, o.Expr)
			}
		}
	}
	return b.over(c, n.Child, r, func(in sql.RowIter) sql.RowIter {
		if len(keys) > 0 {
			in = &keyedIter{in, keys}
		}
		return a.Window(w, in)
	})
}

// keyedIter computes what windows order their rows by for each row. Those that sort compare keys only, and so meet no error in a partition of one row.
type keyedIter struct {
	sql.RowIter
	keys []sql.Expression
}

func (k *keyedIter) Next(c *sql.Context) (sql.Row, error) {
	r, err := k.RowIter.Next(c)
	if err != nil {
		return nil, err
	}
	for _, e := range k.keys {
		if _, err := e.Eval(c, r); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// windowOf returns the OVER clause of a select expression, nil for one without.
func windowOf(e sql.Expression) *sql.WindowDefinition {
	if alias, ok := e.(*expression.Alias); ok {
		e = alias.Child
	}
	if a, ok := e.(sql.WindowAdaptableExpression); ok {
		return a.Window()
	}
	return nil
}
