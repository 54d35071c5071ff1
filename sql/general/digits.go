package general

import (
	"slices"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/expression/function"
	"github.com/dolthub/go-mysql-server/sql/expression/function/aggregation"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/transform"

	"github.com/zoryadb/zorya/sql/item"
)

// An average, and a sum, MAX or MIN of quotients, has more digits than its type says, and what computes with it has them all: AVG(x) * 3 of 1, 1 and 2 is 4.0000, though AVG(x) is
// 1.3333 (Item_sum_avg::val_decimal). A column holds one value. So the expressions of a query that compute with such an aggregate have a column of their own, with
// all digits; where it is shown, compared as a whole or sorted by, it stays as it was.

// firstWhole is above all ids that the planner gives to columns.
const firstWhole = 1 << 15

// wholeColumn is a column with all digits, until retype knows its type.
type wholeColumn struct{ expression.UnaryExpressionStub }

func (w *wholeColumn) Type(c *sql.Context) sql.Type { return w.Child.Type(c) }
func (w *wholeColumn) String() string               { return w.Child.String() }

func (w *wholeColumn) Eval(c *sql.Context, r sql.Row) (any, error) { return w.Child.Eval(c, r) }

func (w *wholeColumn) WithChildren(_ *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	if len(ch) != 1 {
		return nil, sql.ErrInvalidChildrenNumber.New(w, len(ch), 1)
	}
	return &wholeColumn{expression.UnaryExpressionStub{Child: ch[0]}}, nil
}

// wholeAggregates gives the expressions of a query that compute with its aggregates columns with all digits. The query is met by its uppermost projection.
func (r *retype) wholeAggregates(n sql.Node) (sql.Node, error) {
	if _, ok := n.(*plan.Project); !ok {
		return n, nil
	}
	var chain []sql.Node // from n to the groups
	var groups *plan.GroupBy
	for at := n; groups == nil; {
		switch x := at.(type) {
		case *plan.GroupBy:
			groups = x
			continue
		case *plan.Project, *plan.Having, *plan.Sort, *plan.Distinct, *plan.Limit, *plan.Offset, *plan.TopN:
		default:
			return n, nil
		}
		chain = append(chain, at)
		at = at.Children()[0]
	}
	have := map[sql.ColumnId]sql.IdExpression{}
	for _, e := range groups.SelectDeps {
		if x, ok := e.(sql.IdExpression); ok && finer(e, groups) && x.Id() > 0 && x.Id() < firstWhole {
			have[x.Id()] = x
		}
	}
	if len(have) == 0 {
		return n, nil
	}
	for i := len(chain) - 1; i > 0; i-- { // names of aggregates, which HAVING and ORDER BY may compute with
		p, ok := chain[i].(*plan.Project)
		for k := 0; ok && k < len(p.Projections); k++ {
			if a, ok := p.Projections[k].(*expression.Alias); ok && a.Id() > 0 {
				if f, ok := a.Child.(*expression.GetField); ok && have[f.Id()] != nil {
					have[a.Id()] = have[f.Id()]
				}
			}
		}
	}
	own := map[sql.ColumnId]sql.ColumnId{} // by the id of the aggregate
	deps := append([]sql.Expression(nil), groups.SelectDeps...)
	var passed []sql.Expression // the new columns
	whole := func(c *sql.Context, e sql.Expression) (sql.Expression, transform.TreeIdentity, error) {
		f, ok := e.(*expression.GetField)
		if !ok || have[f.Id()] == nil {
			return e, transform.SameTree, nil
		}
		agg := have[f.Id()]
		id := own[agg.Id()]
		if id == 0 {
			id = firstWhole + sql.ColumnId(len(r.whole))
			own[agg.Id()], r.whole[id] = id, true
			passed, deps = append(passed, f.WithId(id)), append(deps, agg.WithId(id))
		}
		return &wholeColumn{expression.UnaryExpressionStub{Child: f.WithId(id)}}, transform.NewTree, nil
	}
	for i, at := range chain {
		var err error
		if chain[i], err = computing(r.c, at, whole); err != nil {
			return nil, err
		}
	}
	if len(own) == 0 {
		return n, nil
	}
	deps = r.referred(chain, deps, own)
	var out sql.Node = plan.NewGroupBy(deps, groups.GroupByExprs, groups.Child)
	for i := len(chain) - 1; i >= 0; i-- {
		at := chain[i]
		if p, ok := at.(*plan.Project); ok && i > 0 {
			at = plan.NewProject(r.c, append(append([]sql.Expression(nil), p.Projections...), passed...), p.Child).WithAliasDeps(p.AliasDeps)
		}
		var err error
		if out, err = at.WithChildren(r.c, out); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// referred leaves out the aggregates that nothing refers to any more: all that was computed with them is now with those that have all digits.
func (r *retype) referred(chain []sql.Node, deps []sql.Expression, own map[sql.ColumnId]sql.ColumnId) []sql.Expression {
	var used sql.ColSet
	for _, n := range chain {
		if x, ok := n.(sql.Expressioner); ok {
			for _, e := range x.Expressions() {
				sql.Inspect(r.c, e, func(_ *sql.Context, e sql.Expression) bool {
					if f, ok := e.(*expression.GetField); ok {
						used.Add(f.Id())
					}
					return true
				})
			}
		}
	}
	return slices.DeleteFunc(deps, func(e sql.Expression) bool {
		x, ok := e.(sql.IdExpression)
		return ok && own[x.Id()] != 0 && !used.Contains(x.Id())
	})
}

// finer reports whether an aggregate may have more digits than it shows. MAX and MIN of groups are columns of a temporary table, with the digits of their type.
func finer(e sql.Expression, of *plan.GroupBy) bool {
	switch e := e.(type) {
	case *aggregation.Avg:
		return e.Window() == nil
	case *aggregation.Sum:
		return e.Window() == nil && ofQuotient(e)
	case *aggregation.Max:
		return e.Window() == nil && len(of.GroupByExprs) == 0 && ofQuotient(e)
	case *aggregation.Min:
		return e.Window() == nil && len(of.GroupByExprs) == 0 && ofQuotient(e)
	}
	return false
}

func ofQuotient(e sql.Expression) bool {
	return transform.InspectExpr(nil, e, func(_ *sql.Context, e sql.Expression) bool {
		_, quotient := e.(*expression.Div)
		return quotient
	})
}

// wholeAggregate is an aggregate with all its digits.
func (r *retype) wholeAggregate(c *sql.Context, e sql.Expression) (sql.Expression, error) {
	switch e := e.(type) {
	case *item.Sum:
		return e.Whole(), nil
	case *aggregation.Max, *aggregation.Min:
		ch := slices.Clone(e.Children()) // behind the argument come those of its window
		whole := r.env.Uncut(c, ch[0])
		if whole == nil {
			return e, nil
		}
		ch[0] = whole
		out, err := e.WithChildren(c, ch...)
		if err != nil {
			return nil, err
		}
		return out.(sql.IdExpression).WithId(e.(sql.IdExpression).Id()), nil
	}
	return e, nil
}

// wholeOperands gives what an operator computes with the digits of scalar subqueries' values: a cached value has them all (Item_cache_decimal). A function of floating
// numbers has all digits of any value (Item_func_numhybrid::val_real). nil for e itself.
func (r *retype) wholeOperands(c *sql.Context, e sql.Expression) (sql.Expression, error) {
	whole := r.env.Uncut
	switch e.(type) {
	case *expression.Arithmetic, *expression.Div, *expression.UnaryMinus:
		whole = func(*sql.Context, sql.Expression) sql.Expression { return nil } // item's operators ask their operands
	case *function.Sqrt, *function.Log, *function.LogBase, *function.Sin, *function.Cos, *function.Tan, *function.Cot, *function.Asin, *function.Acos, *function.Atan,
		*function.Degrees, *function.Radians:
	default:
		return nil, nil
	}
	var out []sql.Expression
	for i, x := range e.Children() {
		to := whole(c, x)
		if q, ok := x.(*plan.Subquery); ok {
			query, err := r.wholeQuery(c, q.Query)
			if err != nil {
				return nil, err
			}
			if query != q.Query {
				shown := r.env.Shown(c, q.WithQuery(query))
				to = orExpr(whole(c, shown), shown)
			}
		}
		if to == nil {
			continue
		}
		if out == nil {
			out = slices.Clone(e.Children())
		}
		out[i] = to
	}
	if out == nil {
		return nil, nil
	}
	return e.WithChildren(c, out...)
}

// wholeQuery is the query of a scalar subquery with a value that has all its digits; n itself if it has no more.
func (r *retype) wholeQuery(c *sql.Context, n sql.Node) (sql.Node, error) {
	switch x := n.(type) {
	case *plan.Sort, *plan.Limit, *plan.Offset, *plan.Distinct, *plan.TopN, *plan.Having:
		below, err := r.wholeQuery(c, x.Children()[0])
		if err != nil || below == x.Children()[0] {
			return n, err
		}
		return n.WithChildren(c, below)
	case *plan.Project:
		if len(x.Projections) != 1 {
			return n, nil
		}
		if f := fieldOf(x.Projections[0]); f != nil {
			return r.wholeField(c, x, f)
		}
		e := x.Projections[0]
		a, named := e.(*expression.Alias)
		if named {
			e = a.Child
		}
		whole := r.env.Uncut(c, e)
		if whole == nil {
			return n, nil
		}
		if named {
			as := *a
			as.Child = whole
			whole = &as
		}
		return x.WithExpressions(c, whole)
	}
	return n, nil
}

// wholeField is a projection with all digits of the aggregate that its only column is.
func (r *retype) wholeField(c *sql.Context, p *plan.Project, f *expression.GetField) (sql.Node, error) {
	groups, ok := p.Child.(*plan.GroupBy)
	if !ok {
		return p, nil
	}
	deps := slices.Clone(groups.SelectDeps)
	for i, e := range deps {
		x, ok := e.(sql.IdExpression)
		if !ok || x.Id() != f.Id() {
			continue
		}
		if _, sum := e.(*item.Sum); !sum && len(groups.GroupByExprs) > 0 {
			continue
		}
		whole, err := r.wholeAggregate(c, e)
		if err != nil || whole == e {
			return p, err
		}
		deps[i] = whole
		return p.WithChildren(c, plan.NewGroupBy(deps, groups.GroupByExprs, groups.Child))
	}
	return p, nil
}

// computing changes the expressions of a node within which others compute, and not those that are a column as it is.
func computing(c *sql.Context, n sql.Node, change transform.ExprFunc) (sql.Node, error) {
	x, ok := n.(sql.Expressioner)
	if !ok {
		return n, nil
	}
	list, changed := append([]sql.Expression(nil), x.Expressions()...), false
	for i, e := range list {
		a, named := e.(*expression.Alias)
		if named {
			e = a.Child
		}
		if _, column := e.(*expression.GetField); column {
			continue
		}
		out, same, err := transform.Expr(c, e, change)
		if err != nil {
			return nil, err
		}
		if same {
			continue
		}
		if named {
			as := *a
			as.Child = out
			out = &as
		}
		list[i], changed = out, true
	}
	if !changed {
		return n, nil
	}
	return x.WithExpressions(c, list...)
}
