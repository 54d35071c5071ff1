package general

import (
	"slices"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/plan"

	"github.com/zoryadb/zorya/sql/item"
)

// What nobody needs is not computed, so that it neither warns nor fails: columns of derived tables that nothing refers to (MySQL merges such tables into the
// query around them), constants that rows are sorted by, what the one row of a key would be sorted by, and constants of conditions that no row meets.

// unneeded finds the columns of derived tables that nothing refers to.
type unneeded struct {
	c       *sql.Context
	used    sql.ColSet
	derived []*plan.SubqueryAlias // whose columns are used by reference only
}

// leftOut is what nobody needs. It becomes NULL once its operands have got their types, since what is wrong with those is an error nevertheless.
type leftOut struct{ expression.UnaryExpressionStub }

func (l *leftOut) Type(c *sql.Context) sql.Type            { return l.Child.Type(c) }
func (l *leftOut) String() string                          { return l.Child.String() }
func (l *leftOut) Eval(*sql.Context, sql.Row) (any, error) { return nil, nil }

func (l *leftOut) WithChildren(_ *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	if len(ch) != 1 {
		return nil, sql.ErrInvalidChildrenNumber.New(l, len(ch), 1)
	}
	return &leftOut{expression.UnaryExpressionStub{Child: ch[0]}}, nil
}

// leaveOut marks them.
func leaveOut(c *sql.Context, n sql.Node) {
	u := &unneeded{c: c}
	u.walk(n, false)
	for _, q := range u.derived {
		p, ok := q.Child.(*plan.Project)
		if !ok || q.Columns().Len() != len(p.Projections) || !merges(p.Child) {
			continue
		}
		i := 0
		own := *p // several references to a common table expression share theirs
		own.Projections = slices.Clone(p.Projections)
		q.Columns().ForEach(func(id sql.ColumnId) {
			if a, ok := p.Projections[i].(*expression.Alias); ok && !u.used.Contains(id) && !u.used.Contains(a.Id()) && u.plain(a.Child) {
				none := *a
				none.Child = &leftOut{expression.UnaryExpressionStub{Child: a.Child}}
				own.Projections[i], q.Child = &none, &own
			}
			i++
		})
	}
}

// walk notes what a node refers to. projected: what it gives is used by the references of a projection above it.
func (u *unneeded) walk(n sql.Node, projected bool) {
	if in, ok := n.(*plan.InsertInto); ok && in.Source != nil {
		u.walk(in.Source, false)
	}
	if x, ok := n.(sql.Expressioner); ok {
		for _, e := range x.Expressions() {
			u.refers(e)
		}
	}
	switch x := n.(type) {
	case *plan.Project, *plan.GroupBy, *plan.Window:
		projected = true
	case *plan.SubqueryAlias:
		if projected && !x.IsLateral {
			u.derived = append(u.derived, x)
		}
		projected = false
	case *plan.JoinNode, *plan.Filter, *plan.Sort, *plan.Limit, *plan.Offset, *plan.Having, *plan.TableAlias:
	default:
		projected = false
	}
	for _, ch := range n.Children() {
		u.walk(ch, projected)
	}
}

func (u *unneeded) refers(e sql.Expression) {
	if e == nil {
		return
	}
	sql.Inspect(u.c, e, func(_ *sql.Context, e sql.Expression) bool {
		switch x := e.(type) {
		case *expression.GetField:
			u.used.Add(x.Id())
		case *plan.Subquery:
			u.walk(x.Query, false)
		}
		return true
	})
}

// merges reports whether MySQL would merge a derived table that selects from n.
func merges(n sql.Node) bool {
	switch x := n.(type) {
	case *plan.Filter:
		return merges(x.Child)
	case *plan.JoinNode:
		return merges(x.Left()) && merges(x.Right())
	case *plan.TableAlias, *plan.ResolvedTable, *plan.SubqueryAlias:
		return true
	}
	return false
}

// plain reports whether leaving e out loses nothing but warnings and errors.
func (u *unneeded) plain(e sql.Expression) bool {
	is := true
	sql.Inspect(u.c, e, func(_ *sql.Context, e sql.Expression) bool {
		switch x := e.(type) {
		case *plan.Subquery, *expression.UserVar, sql.WindowAdaptableExpression:
			is = false
		case sql.NonDeterministicExpression:
			is = is && !x.IsNonDeterministic()
		}
		is = is && !changes(e)
		return is
	})
	switch e.(type) {
	case *expression.GetField, *expression.Literal:
		return false
	}
	return is
}

// sorted leaves out the constants that rows are sorted by.
func (r *retype) sorted(n *plan.Sort) sql.Node {
	n = r.byName(n)
	var kept sql.SortConditions
	for _, f := range n.SortConditions {
		if changing, err := perRow(r.c, f.Expr, r.assigns); changing != nil || err != nil || !item.Constant(r.c, f.Expr) {
			kept = append(kept, f)
		}
	}
	switch len(kept) {
	case len(n.SortConditions):
		return n
	case 0:
		return n.Child
	}
	return plan.NewSort(kept, n.Child)
}

// held is what a filter takes for a condition (filter), with its constants computed when rows need them if that warns or fails. nil: the condition itself.
func (r *retype) held(e sql.Expression, planned bool) (sql.Expression, error) {
	made, err := r.filter(e, planned)
	if err != nil {
		return nil, err
	}
	if made != nil {
		e = made
	}
	if e == nil {
		return nil, nil
	}
	with, err := r.env.HoldFaulty(r.c, e, r.faulty)
	if with == nil {
		with = made
	}
	return with, err
}

// faulty reports whether computing a constant warns or fails.
func (r *retype) faulty(e sql.Expression) bool {
	g := sessionOf(r.c).gms
	warned := 0
	g.muted = &warned
	defer func() { g.muted = nil }()
	_, err := e.Eval(r.c, nil)
	return err != nil || warned > 0
}

// atMostOne reports whether n looks up a table by the constant values of a whole unique key: MySQL reads such a row before it makes a plan, and sorts none.
func atMostOne(c *sql.Context, n sql.Node) bool {
	switch x := n.(type) {
	case *plan.Project:
		return atMostOne(c, x.Child)
	case *plan.Filter:
		return atMostOne(c, x.Child)
	case *plan.TableAlias:
		return atMostOne(c, x.Child)
	case *plan.IndexedTableAccess:
		ours := tableBase(x.Table)
		ix, ok := x.Index().(*index)
		if ours == nil || !ok || !x.IsStatic() {
			return false
		}
		lookup, _, err := x.GetLookup(c, nil)
		if err != nil {
			return false
		}
		ranges, _ := lookup.Ranges.(sql.MySQLRangeCollection)
		if len(ranges) != 1 {
			return false
		}
		sp, some, err := ours.span(c, ix, ranges[0], item.Location(c))
		return err == nil && some && sp.point != nil
	}
	return false
}
