package general

import (
	"errors"
	"io"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/expression/function/aggregation"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/types"
	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/sql/datum"
	"github.com/zoryadb/zorya/sql/exact"
	"github.com/zoryadb/zorya/sql/grammar"
	"github.com/zoryadb/zorya/sql/rules"
	"github.com/zoryadb/zorya/sql/spill"
)

// GROUP BY ... WITH ROLLUP: rows are sorted by the grouping items, and after the last row of each prefix of them comes a row for the prefix, in which
// the other items are NULL.

func init() {
	ownFunctions[grammar.RollupFunction] = func(*Engine) sql.Function {
		return sql.NewFunction0(grammar.RollupFunction, func(*sql.Context) sql.Expression { return rules.RollupMark{} })
	}
	ownFunctions[grammar.GroupingFunction] = func(*Engine) sql.Function {
		return sql.FunctionN{Name: grammar.GroupingFunction, Fn: func(_ *sql.Context, args ...sql.Expression) (sql.Expression, error) {
			return &grouping{expression.NaryExpression{ChildExpressions: args}}, nil
		}}
	}
}

// bindRollup has items of GROUP BY that are computed computed below the rollup where the select list repeats them: above it the library would make them
// of columns that a row of fewer items may still have.
func bindRollup(s *sqlparser.Select) {
	last := len(s.GroupBy) - 1
	if last < 0 {
		return
	}
	if f, ok := s.GroupBy[last].(*sqlparser.FuncExpr); !ok || !f.Name.EqualString(grammar.RollupFunction) {
		return
	}
	for _, item := range s.GroupBy[:last] {
		switch item.(type) {
		case *sqlparser.ColName, *sqlparser.SQLVal:
			continue
		}
		text := sqlparser.String(item)
		for _, e := range s.SelectExprs {
			if a, ok := e.(*sqlparser.AliasedExpr); ok && sqlparser.String(a.Expr) == text {
				a.Expr = &sqlparser.FuncExpr{Name: sqlparser.NewColIdent("any_value"), Exprs: sqlparser.SelectExprs{&sqlparser.AliasedExpr{Expr: a.Expr}}}
			}
		}
	}
}

// or it would be folded

// grouping is GROUPING(): the rollup knows its value; elsewhere it is 0.
type grouping struct{ expression.NaryExpression }

func (g *grouping) Type(*sql.Context) sql.Type              { return types.Int64 }
func (g *grouping) IsNullable(*sql.Context) bool            { return false }
func (g *grouping) IsNonDeterministic() bool                { return true }
func (g *grouping) Eval(*sql.Context, sql.Row) (any, error) { return int64(0), nil }
func (g *grouping) String() string {
	s := "grouping("
	for i, e := range g.ChildExpressions {
		if i > 0 {
			s += ","
		}
		s += e.String()
	}
	return s + ")"
}

func (g *grouping) WithChildren(_ *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	return &grouping{expression.NaryExpression{ChildExpressions: ch}}, nil
}

// rollupIter computes a GROUP BY ... WITH ROLLUP of rows that come in the order of its items.
type rollupIter struct {
	deps  []sql.Expression
	items []sql.Expression
	child sql.RowIter
	make  func(*sql.Context, sql.Expression) (sql.AggregationBuffer, error)
	out   []sql.Row                 // of groups that have ended
	open  [][]sql.AggregationBuffer // open[k] gathers the rows that agree in the first k items
	last  []any                     // items of the last row; nil: there was none
	done  bool
}

// rollup builds it; nil for a GROUP BY without.
func (b *builder) rollup(c *sql.Context, n *plan.GroupBy, r sql.Row) (sql.RowIter, error) {
	last := len(n.GroupByExprs) - 1
	if last < 0 {
		return nil, nil
	}
	if _, ok := n.GroupByExprs[last].(rules.RollupMark); !ok {
		return nil, nil
	}
	child, err := b.build(c, n.Child, r)
	if err != nil {
		return nil, err
	}
	a := memoryOf(c)
	var by sql.SortConditions
	for _, e := range n.GroupByExprs[:last] {
		by = append(by, sql.SortCondition{Expr: e, Order: sql.Ascending})
	}
	return &rollupIter{deps: n.SelectDeps, items: n.GroupByExprs[:last], child: a.Sort(c, by, child), open: make([][]sql.AggregationBuffer, last+1),
		make: func(c *sql.Context, e sql.Expression) (sql.AggregationBuffer, error) { return newBuffer(c, a, e) }}, nil
}

func (it *rollupIter) Next(c *sql.Context) (sql.Row, error) {
	for len(it.out) == 0 {
		if it.done {
			return nil, io.EOF
		}
		r, err := it.child.Next(c)
		if errors.Is(err, io.EOF) {
			it.done = true
			if it.last == nil {
				return nil, io.EOF
			}
			err = it.end(c, 0)
		} else if err == nil {
			err = it.take(c, r)
		}
		if err != nil {
			return nil, err
		}
	}
	r := it.out[0]
	it.out = it.out[1:]
	return r, nil
}

func (it *rollupIter) Close(c *sql.Context) error {
	for _, list := range it.open {
		spill.Release(list...)
	}
	it.open = nil
	spill.Dispose(c, it.buffers)
	return it.child.Close(c)
}

// take adds a row to the groups that it belongs to, and ends those that it does not.
func (it *rollupIter) take(c *sql.Context, r sql.Row) error {
	keys := make([]any, len(it.items))
	for i, e := range it.items {
		v, err := e.Eval(c, r)
		if err != nil {
			return err
		}
		if keys[i], err = sql.UnwrapAny(c, v); err != nil {
			return err
		}
	}
	if it.last != nil {
		same, err := it.differ(c, it.last, keys)
		if err == nil {
			err = it.end(c, same+1)
		}
		if err != nil {
			return err
		}
	}
	it.last = keys
	for k := range it.open {
		if it.open[k] == nil {
			var err error
			if it.open[k], err = it.buffers(c); err != nil {
				return err
			}
		}
		for _, b := range it.open[k] {
			if err := b.Update(c, r); err != nil {
				return err
			}
		}
	}
	return nil
}

// end gives the rows of the open groups of from and more items, the finest first.
func (it *rollupIter) end(c *sql.Context, from int) error {
	for k := len(it.items); k >= from; k-- {
		buffers := it.open[k]
		it.open[k] = nil
		if err := it.emit(c, buffers, k); err != nil {
			return err
		}
	}
	return nil
}

// differ returns the first item in which two rows differ.
func (it *rollupIter) differ(c *sql.Context, a, b []any) (int, error) {
	for i := range a {
		if a[i] == nil && b[i] == nil {
			continue
		}
		if a[i] == nil || b[i] == nil {
			return i, nil
		}
		cmp, err := datum.Ordered(it.items[i].Type(c)).Compare(c, a[i], b[i])
		if cmp != 0 || err != nil {
			return i, err
		}
	}
	return len(a), nil
}

func (it *rollupIter) buffers(c *sql.Context) ([]sql.AggregationBuffer, error) {
	out := make([]sql.AggregationBuffer, len(it.deps))
	var err error
	for i, e := range it.deps {
		if out[i], err = it.make(c, e); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// emit gives the row of a prefix of k items.
func (it *rollupIter) emit(c *sql.Context, buffers []sql.AggregationBuffer, k int) error {
	r := make(sql.Row, len(it.deps))
	for i, e := range it.deps {
		if g := groupingOf(e); g != nil {
			r[i] = it.grouping(g, k)
			continue
		}
		v, err := buffers[i].Eval(c)
		spill.Release(buffers[i])
		if err != nil {
			return err
		}
		a, computed := e.(*aggregation.AnyValue)
		if computed {
			e = a.Children()[0]
		}
		if _, agg := e.(sql.Aggregation); !agg && it.absent(c, e, k, !computed) {
			v = nil
		}
		r[i] = v
	}
	it.out = append(it.out, r)
	return nil
}

func groupingOf(e sql.Expression) *grouping {
	if a, ok := e.(*aggregation.AnyValue); ok {
		if g, ok := a.Children()[0].(*grouping); ok {
			return g
		}
	}
	return nil
}

// grouping has a bit for each argument, set when a row of k items leaves it out.
func (it *rollupIter) grouping(g *grouping, k int) int64 {
	var bits int64
	for _, a := range g.ChildExpressions {
		bits <<= 1
		for i := k; i < len(it.items); i++ {
			if exact.SameExpression(it.items[i], a) {
				bits |= 1
			}
		}
	}
	return bits
}

// absent reports whether a row of k items has no value for e: it is one of the other items, or, if parts is set, only they are made of it.
func (it *rollupIter) absent(c *sql.Context, e sql.Expression, k int, parts bool) bool {
	for i, item := range it.items {
		if exact.SameExpression(item, e) {
			return i >= k
		}
	}
	if !parts {
		return false
	}
	uses := func(item sql.Expression) bool {
		found := false
		sql.Inspect(c, item, func(_ *sql.Context, x sql.Expression) bool {
			found = found || x != nil && exact.SameExpression(x, e)
			return !found
		})
		return found
	}
	for _, item := range it.items[:k] {
		if uses(item) {
			return false
		}
	}
	for _, item := range it.items[k:] {
		if uses(item) {
			return true
		}
	}
	return false
}
