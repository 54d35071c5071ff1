package general

import (
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/expression/function/aggregation"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/transform"
)

// An average, and a sum of quotients, has more digits than its type says, and what computes with it has them all: AVG(x) * 3 of 1, 1 and 2 is 4.0000, though AVG(x) is
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
		if x, ok := e.(sql.IdExpression); ok && finer(e) && x.Id() > 0 && x.Id() < firstWhole {
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

// finer reports whether an aggregate may have more digits than it shows.
func finer(e sql.Expression) bool {
	switch e := e.(type) {
	case *aggregation.Avg:
		return e.Window() == nil
	case *aggregation.Sum:
		return e.Window() == nil && transform.InspectExpr(nil, e, func(_ *sql.Context, e sql.Expression) bool {
			_, quotient := e.(*expression.Div)
			return quotient
		})
	}
	return false
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
