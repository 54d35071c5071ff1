package general

import (
	"errors"
	"io"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/analyzer"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/transform"
	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/sql/item"
	"github.com/zoryadb/zorya/sql/rules"
)

// A statement locks the rows that its plan reads, so a condition that leads to a few of them must lead the plan, too. The library chooses indexes by
// constants, and for a DELETE it makes no join of IN (SELECT ...). MySQL evaluates a subquery that depends on nothing before it chooses, and
// makes the semi-join for a DELETE as for any statement.

// folder replaces subqueries of one value that the conditions of a locking statement compare with, and that depend on
// nothing, by their values. Other plans keep them: a plan may be kept for later executions, and they lock nothing.
type folder struct {
	s     *Session
	x     *execution
	ast   sqlparser.Statement
	flags *sql.QueryFlags
	env   *item.Env
}

// statement folds the queries of a bound statement.
func (f *folder) statement(c *sql.Context, n sql.Node) (sql.Node, error) {
	x := f.x
	if x.previewing || x.stmt == nil || x.st == nil || x.st.run != nil {
		return n, nil // of EXPLAIN nothing is executed
	}
	if ins, ok := n.(*plan.InsertInto); ok && ins.OnDupExprs.HasUpdates() {
		var err error
		if n, err = f.onDuplicate(c, ins); err != nil {
			return nil, err
		}
	}
	if x.ignores || ignores(f.ast) {
		return n, nil // a subquery of more than one row is a warning of the row that asks for it
	}
	switch n := n.(type) {
	case *plan.Update, *plan.DeleteFrom:
	case *plan.InsertInto: // its source is not among its children
		src, same, err := transform.NodeWithOpaque(c, n.Source, f.filter)
		if err != nil || same {
			return n, err
		}
		return n.WithSource(src), nil
	default:
		if _, ok := f.ast.(sqlparser.SelectStatement); !ok || !x.st.locking {
			return n, nil
		}
	}
	n, _, err := transform.NodeWithOpaque(c, n, f.filter)
	return n, err
}

func ignores(ast sqlparser.Statement) bool {
	switch n := ast.(type) {
	case *sqlparser.Insert:
		return n.Ignore != ""
	case *sqlparser.Update:
		return n.Ignore != ""
	}
	return false
}

func (f *folder) filter(c *sql.Context, n sql.Node) (sql.Node, transform.TreeIdentity, error) {
	where, ok := n.(*plan.Filter)
	if !ok {
		return n, transform.SameTree, nil
	}
	conds, changed := expression.SplitConjunction(c, where.Expression), false
	for i, e := range conds {
		folded, err := f.comparison(c, e)
		if err != nil {
			return nil, transform.SameTree, err
		}
		changed = changed || folded != e
		conds[i] = folded
	}
	if !changed {
		return n, transform.SameTree, nil
	}
	return plan.NewFilter(c, expression.JoinAnd(conds...), where.Child), transform.NewTree, nil
}

// comparison returns a comparison of a column with a subquery's value in its place, e itself if it is none.
func (f *folder) comparison(c *sql.Context, e sql.Expression) (sql.Expression, error) {
	if _, ok := e.(expression.Comparer); !ok {
		return e, nil
	}
	ch := e.Children()
	if len(ch) != 2 {
		return e, nil
	}
	at := 1
	if _, ok := ch[0].(*plan.Subquery); ok {
		at = 0
	}
	q, ok := ch[at].(*plan.Subquery)
	if _, column := ch[1-at].(*expression.GetField); !ok || !column || !q.Correlated().Empty() || !q.CanCacheResults() || len(q.Query.Schema(c)) != 1 {
		return e, nil
	}
	v, err := f.value(c, q)
	if err != nil {
		return nil, err
	}
	out := []sql.Expression{ch[0], ch[1]}
	out[at] = expression.NewLiteral(v, q.Type(c))
	return e.WithChildren(c, out...)
}

// onDuplicate makes the plans of subqueries in ON DUPLICATE KEY UPDATE, which the library's analyzer passes over.
func (f *folder) onDuplicate(c *sql.Context, n *plan.InsertInto) (sql.Node, error) {
	exprs := append([]sql.Expression(nil), n.Expressions()...)
	some := false
	for i, e := range exprs {
		x, same, err := transform.Expr(c, e, func(c *sql.Context, e sql.Expression) (sql.Expression, transform.TreeIdentity, error) {
			q, ok := e.(*plan.Subquery)
			if !ok || !q.Correlated().Empty() || len(q.Query.Schema(c)) != 1 {
				return e, transform.SameTree, nil
			}
			made, err := f.plan(c, q)
			if err != nil {
				return nil, transform.SameTree, err
			}
			return &lateQuery{f: f, q: q, plan: made}, transform.NewTree, nil
		})
		if err != nil {
			return nil, err
		}
		exprs[i], some = x, some || !bool(same)
	}
	if !some {
		return n, nil
	}
	return n.WithExpressions(c, exprs...)
}

// lateQuery is a subquery of one value that is executed when the statement first asks for it, and once.
type lateQuery struct {
	f    *folder
	q    *plan.Subquery
	plan sql.Node
	have bool
	v    any
}

func (l *lateQuery) Resolved() bool                 { return true }
func (l *lateQuery) String() string                 { return l.q.String() }
func (l *lateQuery) Type(c *sql.Context) sql.Type   { return l.q.Type(c) }
func (l *lateQuery) IsNullable(c *sql.Context) bool { return true }
func (l *lateQuery) Children() []sql.Expression     { return nil }
func (l *lateQuery) WithChildren(*sql.Context, ...sql.Expression) (sql.Expression, error) {
	return l, nil
}

func (l *lateQuery) Eval(c *sql.Context, _ sql.Row) (any, error) {
	if l.have {
		return l.v, nil
	}
	v, err := l.f.run(c, l.plan)
	l.v, l.have = v, err == nil
	return v, err
}

// value executes a subquery of one value.
func (f *folder) value(c *sql.Context, q *plan.Subquery) (any, error) {
	n, err := f.plan(c, q)
	if err != nil {
		return nil, err
	}
	f.x.phase = running
	defer func() { f.x.phase = analyzing }()
	return f.run(c, n)
}

// plan makes a subquery's plan.
func (f *folder) plan(c *sql.Context, q *plan.Subquery) (sql.Node, error) {
	n, err := newRetype(c, f.env, f.ast).node(q.Query)
	if err != nil {
		return nil, err
	}
	hideIndexes(c, n)
	flags, a := *f.flags, f.s.e.gms.Analyzer
	if n, err = a.Analyze(c, n, nil, &flags); err != nil {
		return nil, err
	}
	return f.s.ready(c, f.x, n, f.env)
}

// run executes a plan that gives one value, or none: NULL.
func (f *folder) run(c *sql.Context, n sql.Node) (any, error) {
	it, err := f.s.within(f.x, func() (sql.RowIter, error) { return f.s.e.gms.Analyzer.ExecBuilder.Build(c, n, nil) })
	if err != nil {
		return nil, err
	}
	var v any
	for i := 0; ; i++ {
		r, err := it.Next(c)
		if errors.Is(err, io.EOF) {
			return v, it.Close(c)
		}
		if err == nil && i > 0 {
			err = sql.ErrExpectedSingleRow.New()
		}
		if err != nil {
			return nil, errors.Join(err, it.Close(c))
		}
		v = r[0]
	}
}

// keepDeepQueries keeps EXISTS and IN (SELECT ...) over a join what they are if a subquery within theirs refers to the outer row: the library would make a semi-join of
// them whose condition it does not look into, and might join before there are the columns that the innermost query needs.
func keepDeepQueries(a *analyzer.Analyzer) {
	for _, rule := range []string{"unnestInSubqueries", "unnestExistsSubqueries"} {
		rules.Replace(a, rule, func(unnest analyzer.RuleFunc) analyzer.RuleFunc {
			return func(c *sql.Context, a *analyzer.Analyzer, n sql.Node, scope *plan.Scope, sel analyzer.RuleSelector, flags *sql.QueryFlags) (sql.Node, transform.TreeIdentity, error) {
				if flags.SubqueryIsSet() && deepQuery(c, n) {
					return n, transform.SameTree, nil
				}
				return unnest(c, a, n, scope, sel, flags)
			}
		})
	}
}

// deepQuery reports whether a condition on a join has a subquery within which another one refers to the join's rows.
func deepQuery(c *sql.Context, n sql.Node) bool {
	deep := false
	transform.InspectWithOpaque(c, n, func(_ *sql.Context, n sql.Node) bool {
		f, ok := n.(*plan.Filter)
		if !ok || deep {
			return !deep
		}
		if _, join := f.Child.(*plan.JoinNode); !join {
			return true
		}
		sql.Inspect(c, f.Expression, func(_ *sql.Context, e sql.Expression) bool {
			if q, ok := e.(*plan.Subquery); ok {
				transform.InspectExpressions(c, q.Query, func(_ *sql.Context, e sql.Expression) bool {
					inner, ok := e.(*plan.Subquery)
					deep = deep || ok && inner.Correlated().Intersects(q.Correlated())
					return !deep
				})
			}
			return !deep
		})
		return !deep
	})
	return deep
}

// unnestForDelete has the library's rule that makes semi-joins of IN (SELECT ...) look at what a DELETE reads; it passes over DELETE. The
// targets are nodes of their own, and a semi-join gives the rows of its left side.
func unnestForDelete(a *analyzer.Analyzer) {
	rules.Replace(a, "unnestInSubqueries", func(unnest analyzer.RuleFunc) analyzer.RuleFunc {
		return func(c *sql.Context, a *analyzer.Analyzer, n sql.Node, scope *plan.Scope, sel analyzer.RuleSelector, flags *sql.QueryFlags) (sql.Node, transform.TreeIdentity, error) {
			d, ok := n.(*plan.DeleteFrom)
			if x := executionOf(c); !ok || x == nil || x.ignores { // DELETE IGNORE takes rows as they come
				return unnest(c, a, n, scope, sel, flags)
			}
			child, same, err := unnest(c, a, d.Child, scope, sel, flags)
			if err != nil || same {
				return n, transform.SameTree, err
			}
			n, err = d.WithChildren(c, child)
			return n, transform.NewTree, err
		}
	})
}
