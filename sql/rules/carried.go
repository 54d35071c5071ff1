package rules

import (
	"slices"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/transform"
)

// Groups and windows hand up the columns that the library's binder saw used above them: not those that only a subquery uses in HAVING, in ORDER BY, above a join or
// above a window. Such a subquery would read whatever column stands in the place.

// CarryOuter makes groups and windows hand up what the subqueries above them use of the tables below.
func CarryOuter(c *sql.Context, n sql.Node) (sql.Node, error) {
	narrow := false
	EveryNode(c, n, func(n sql.Node) {
		narrow = narrow || narrows(n)
	})
	if !narrow {
		return n, nil
	}
	return (&carrier{c}).node(n, nil, false)
}

type carrier struct{ c *sql.Context }

// node is n with all that above, fields of subqueries over it, needs of its tables. listed says that the select list of n's query block is above n.
func (r *carrier) node(n sql.Node, above []*expression.GetField, listed bool) (sql.Node, error) {
	n, _, err := transform.OneNodeExpressions(r.c, n, r.inside)
	if err != nil {
		return nil, err
	}
	switch x := n.(type) {
	case *plan.InsertInto: // its source is not among its children
		source, err := r.node(x.Source, nil, false)
		if err != nil {
			return nil, err
		}
		return x.WithSource(source), nil
	case *plan.SubqueryAlias:
		child, err := r.node(x.Child, nil, false)
		if err != nil || child == x.Child {
			return n, err
		}
		return x.WithChildren(r.c, child)
	case *plan.Project, *plan.Sort, *plan.Having, *plan.Limit, *plan.Offset, *plan.Distinct:
		_, list := n.(*plan.Project)
		if n, err = r.below(n, r.used(n, above), listed || list); err != nil || !listed {
			return n, err
		}
		p, ok := n.(*plan.Project)
		if !ok || !narrows(unsorted(p.Child)) {
			return n, nil
		}
		if more := r.missing(p.Child, p.Projections, above); len(more) > 0 {
			return plan.NewProject(r.c, slices.Concat(p.Projections, more), p.Child).WithAliasDeps(p.AliasDeps), nil
		}
		return n, nil
	case *plan.Window:
		if n, err = r.below(n, r.used(n, above), listed); err != nil {
			return nil, err
		}
		w := n.(*plan.Window)
		if more := r.missing(w.Child, w.SelectExprs, above); listed && len(more) > 0 {
			return plan.NewWindow(slices.Concat(w.SelectExprs, more), w.Child), nil
		}
		return w, nil
	case *plan.GroupBy:
		if n, err = r.below(n, nil, false); err != nil {
			return nil, err
		}
		g := n.(*plan.GroupBy)
		if more := r.missing(g.Child, g.SelectDeps, above); listed && len(more) > 0 {
			return plan.NewGroupBy(slices.Concat(g.SelectDeps, more), g.GroupByExprs, g.Child), nil
		}
		return g, nil
	}
	return r.below(n, nil, false)
}

// below is n with children of which it needs fields.
func (r *carrier) below(n sql.Node, above []*expression.GetField, listed bool) (sql.Node, error) {
	children, changed := slices.Clone(n.Children()), false
	for i, ch := range children {
		to, err := r.node(ch, above, listed)
		if err != nil {
			return nil, err
		}
		children[i], changed = to, changed || to != ch
	}
	if !changed {
		return n, nil
	}
	return n.WithChildren(r.c, children...)
}

// inside does the same within the subqueries of an expression.
func (r *carrier) inside(c *sql.Context, e sql.Expression) (sql.Expression, transform.TreeIdentity, error) {
	q, ok := e.(*plan.Subquery)
	if !ok {
		return e, transform.SameTree, nil
	}
	to, err := r.node(q.Query, nil, false)
	if err != nil || to == q.Query {
		return e, transform.SameTree, err
	}
	return q.WithQuery(to), transform.NewTree, nil
}

// used are fields and those of the subqueries in a node's expressions.
func (r *carrier) used(n sql.Node, fields []*expression.GetField) []*expression.GetField {
	fields = slices.Clip(fields)
	for _, e := range n.(sql.Expressioner).Expressions() {
		sql.Inspect(r.c, e, func(_ *sql.Context, e sql.Expression) bool {
			if q, ok := e.(*plan.Subquery); ok {
				fields = r.within(q.Query, fields)
			}
			return true
		})
	}
	return fields
}

// within are fields and those of all expressions of a plan.
func (r *carrier) within(n sql.Node, fields []*expression.GetField) []*expression.GetField {
	EveryNode(r.c, n, func(n sql.Node) {
		e, ok := n.(sql.Expressioner)
		if !ok {
			return
		}
		for _, e := range e.Expressions() {
			sql.Inspect(r.c, e, func(_ *sql.Context, e sql.Expression) bool {
				if f, ok := e.(*expression.GetField); ok && f.Id() > 0 {
					fields = append(fields, f)
				}
				return true
			})
		}
	})
	return fields
}

func narrows(n sql.Node) bool {
	switch n.(type) {
	case *plan.GroupBy, *plan.Window:
		return true
	}
	return false
}

// unsorted is what a query block's ORDER BY and HAVING are over.
func unsorted(n sql.Node) sql.Node {
	switch n.(type) {
	case *plan.Sort, *plan.Having:
		return unsorted(n.Children()[0])
	}
	return n
}

// missing are the fields of the tables under from that are not among those that are shown.
func (r *carrier) missing(from sql.Node, shown []sql.Expression, fields []*expression.GetField) (more []sql.Expression) {
	if len(fields) == 0 {
		return nil
	}
	want := tableColumns(r.c, from)
	for _, e := range shown {
		if f, ok := e.(*expression.GetField); ok {
			want.Remove(f.Id())
		}
	}
	for _, f := range fields {
		if want.Contains(f.Id()) {
			want.Remove(f.Id())
			more = append(more, f)
		}
	}
	return more
}
