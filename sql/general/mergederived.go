package general

import (
	"slices"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/transform"
	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/sql/grammar"
	"github.com/zoryadb/zorya/sql/rules"
)

// A derived table, common table expression or view that gives rows of one table as they are is merged into the query around it, as in MySQL: the library would read
// all of it for a join, since it has no indexes. What stands in its place is the table under its name, and a filter.

// derivedMerger are the columns of what is merged.
type derivedMerger struct {
	c *sql.Context
	// columns are the table's columns by those of the derived table, and the table's by themselves where they go by its name now.
	columns map[sql.ColumnId]*expression.GetField
	renamed map[sql.ColumnId]bool // columns of derived tables that have a name of their own
	// bare are the columns whose names are parts of what something else refers to by its text: under other names, it would not be found.
	bare  map[sql.ColumnId]bool
	times map[sql.TableId]int  // how often a table is in the plan
	whole map[sql.TableId]bool // derived tables whose columns are those of the query around them
}

// mergeDerived merges what it can of the plan of a SELECT.
func mergeDerived(c *sql.Context, x *execution, ast sqlparser.Statement, bound sql.Node) (sql.Node, error) {
	if _, ok := ast.(sqlparser.SelectStatement); !ok || x.st.Class != Read || !mergesDerived(c, x, ast) {
		return bound, nil
	}
	m := &derivedMerger{c, map[sql.ColumnId]*expression.GetField{}, map[sql.ColumnId]bool{}, map[sql.ColumnId]bool{}, map[sql.TableId]int{}, map[sql.TableId]bool{}}
	m.look(bound)
	out, err := m.node(bound)
	if err != nil || len(m.columns) == 0 {
		return bound, err
	}
	return m.rename(out)
}

// mergesDerived reports whether nothing keeps derived tables as they are. Index hints are for tables by their names in the statement.
func mergesDerived(c *sql.Context, x *execution, ast sqlparser.Statement) bool {
	if strings.Contains(sessionText(c, "optimizer_switch"), "derived_merge=off") || len(grammar.FromHints(ast)) > 0 {
		return false
	}
	h := x.st.hints
	return h == nil || !h.NoMerge && len(h.Indexes) == 0
}

// node merges what is below n, in subqueries as well.
func (m *derivedMerger) node(n sql.Node) (sql.Node, error) {
	out, _, err := transform.NodeWithOpaque(m.c, n, func(c *sql.Context, n sql.Node) (sql.Node, transform.TreeIdentity, error) {
		if d, ok := n.(*plan.SubqueryAlias); ok {
			if merged := m.derived(d); merged != nil {
				return merged, transform.NewTree, nil
			}
		}
		return transform.OneNodeExpressions(c, n, func(_ *sql.Context, e sql.Expression) (sql.Expression, transform.TreeIdentity, error) {
			q, ok := e.(*plan.Subquery)
			if !ok {
				return e, transform.SameTree, nil
			}
			m.block(q.Query)
			in, err := m.node(q.Query)
			if err != nil || in == q.Query {
				return e, transform.SameTree, err
			}
			return q.WithQuery(in), transform.NewTree, nil
		})
	})
	return out, err
}

// look notes what decides about merging.
func (m *derivedMerger) look(n sql.Node) {
	root := namedBy(n)
	named := map[*plan.Project]bool{root: true}
	m.block(n)
	rules.EveryNode(m.c, n, func(n sql.Node) {
		switch n := n.(type) {
		case *plan.SubqueryAlias:
			m.block(n.Child)
			if p, ok := n.Child.(*plan.Project); ok {
				named[p] = true
			}
		case *plan.SetOp:
			for _, arm := range n.Children() {
				m.block(arm)
			}
		case *plan.ResolvedTable:
			m.times[n.Id()]++
		case *plan.Project:
			for _, e := range n.Projections {
				_, field := e.(*expression.GetField)
				_, alias := e.(*expression.Alias)
				if !alias && !(field && named[n]) && n != root {
					m.keep(e)
				}
			}
		case *plan.GroupBy, *plan.Window: // what is above refers to what they compute by its text
			for _, e := range n.(sql.Expressioner).Expressions() {
				m.keep(e)
			}
		}
	})
}

// keep notes that the columns of e must keep their names.
func (m *derivedMerger) keep(e sql.Expression) {
	sql.Inspect(m.c, e, func(_ *sql.Context, e sql.Expression) bool {
		if f, ok := e.(*expression.GetField); ok {
			m.bare[f.Id()] = true
		}
		return true
	})
}

// block looks for derived tables that no projection of a query is above.
func (m *derivedMerger) block(n sql.Node) {
	switch n := n.(type) {
	case *plan.Project, *plan.GroupBy, *plan.Window:
		return
	case *plan.SubqueryAlias:
		m.whole[n.Id()] = true
		return
	}
	for _, ch := range n.Children() {
		m.block(ch)
	}
}

// namedBy is the projection that names the columns of a result, nil if something refers to it.
func namedBy(n sql.Node) *plan.Project {
	for {
		switch x := n.(type) {
		case *plan.Project:
			return x
		case *plan.Limit:
			n = x.Child
		case *plan.Offset:
			n = x.Child
		case *plan.Distinct:
			n = x.Child
		default:
			return nil
		}
	}
}

// derived is what stands for a derived table, nil if it stays.
func (m *derivedMerger) derived(d *plan.SubqueryAlias) sql.Node {
	p, ok := d.Child.(*plan.Project)
	if !ok || m.whole[d.Id()] || d.IsLateral || d.Volatile || !d.Correlated.Empty() || d.Columns().Len() != len(p.Projections) {
		return nil
	}
	from := p.Child
	var filters []sql.Expression
	for f, ok := from.(*plan.Filter); ok; f, ok = from.(*plan.Filter) {
		filters, from = append(filters, f.Expression), f.Child
	}
	t, ok := rules.Unaliased(from).(*plan.ResolvedTable)
	if !ok || m.times[t.Id()] != 1 || tableBase(t.Table) == nil || tableBase(t.Table).hasKinds() || slices.ContainsFunc(filters, func(e sql.Expression) bool { return !rules.SameAnywhere(m.c, e) || !undecided(m.c, e) }) {
		return nil
	}
	columns, renamed := map[sql.ColumnId]*expression.GetField{}, map[sql.ColumnId]bool{}
	i := 0
	names := d.Schema(m.c)
	for id, more := d.Columns().Next(1); more; id, more = d.Columns().Next(id + 1) {
		f := m.column(p.Projections[i])
		if f == nil || !t.Columns().Contains(f.Id()) {
			return nil
		}
		columns[id] = f.WithTable(d.Name())
		if names[i].Name != f.Name() {
			if m.bare[id] {
				return nil
			}
			renamed[id] = true
		}
		i++
	}
	for at, col := range t.Schema(m.c) {
		id, ok := nth(t.Columns(), at)
		if !ok {
			return nil
		}
		columns[id] = expression.NewGetFieldWithTable(int(id), int(t.Id()), col.Type, col.DatabaseSource, d.Name(), col.Name, col.Nullable)
	}
	for id, f := range columns {
		m.columns[id] = f
	}
	for id := range renamed {
		m.renamed[id] = true
	}
	var out sql.Node = plan.NewTableAlias(d.Name(), t).WithId(t.Id()).WithColumns(t.Columns())
	if len(filters) > 0 {
		out = plan.NewFilter(m.c, expression.JoinAnd(filters...), out)
	}
	return out
}

// column is the table's column that a projection gives, nil if it computes something. What the projection refers to may have been merged itself.
func (m *derivedMerger) column(e sql.Expression) *expression.GetField {
	f := fieldOf(e)
	if f != nil && m.columns[f.Id()] != nil {
		return m.own(f.Id())
	}
	return f
}

// own is the table's column that a column is now.
func (m *derivedMerger) own(id sql.ColumnId) *expression.GetField {
	return m.columns[m.columns[id].Id()]
}

// nth is the column of a set that is at a place.
func nth(set sql.ColSet, at int) (sql.ColumnId, bool) {
	id, ok := set.Next(1)
	for ; ok && at > 0; at-- {
		id, ok = set.Next(id + 1)
	}
	return id, ok
}

// undecided reports whether a condition depends on rows in all its parts. The library makes an empty table of one that is false, which it joins with nothing.
func undecided(c *sql.Context, e sql.Expression) bool {
	switch e.(type) {
	case *expression.And, *expression.Or, *expression.Xor, *expression.Not:
		return !slices.ContainsFunc(e.Children(), func(part sql.Expression) bool { return !undecided(c, part) })
	}
	column, null := false, false
	sql.Inspect(c, e, func(_ *sql.Context, e sql.Expression) bool {
		switch e := e.(type) {
		case *expression.GetField:
			column = true
		case *expression.Literal:
			null = null || e.Value() == nil
		}
		return true
	})
	return column && !null
}

// rename makes references to the columns of what was merged references to the tables' own.
func (m *derivedMerger) rename(n sql.Node) (sql.Node, error) {
	out, _, err := transform.NodeWithOpaque(m.c, n, func(c *sql.Context, n sql.Node) (sql.Node, transform.TreeIdentity, error) {
		same := transform.SameTree
		if d, ok := n.(*plan.SubqueryAlias); ok {
			var mapping map[sql.ColumnId]sql.Expression // nil stays nil: no condition may go into it
			if d.ScopeMapping != nil {
				mapping = make(map[sql.ColumnId]sql.Expression, len(d.ScopeMapping))
			}
			for id, e := range d.ScopeMapping {
				if f, ok := e.(*expression.GetField); ok && m.renamed[f.Id()] { // the name that the projection below gives it
					mapping[id] = e
					continue
				}
				to, _, err := transform.Expr(c, e, m.expr)
				if err != nil {
					return nil, same, err
				}
				mapping[id] = to
			}
			n, same = d.WithScopeMapping(mapping).WithCorrelated(m.set(d.Correlated)), transform.NewTree
		}
		ex, ok := n.(sql.Expressioner)
		if !ok {
			return n, same, nil
		}
		list, changed := slices.Clone(ex.Expressions()), false
		for i, e := range list {
			to, kept, err := transform.Expr(c, e, m.expr)
			if err != nil {
				return nil, same, err
			}
			if _, project := n.(*plan.Project); project && !bool(kept) {
				switch e := e.(type) {
				case *expression.GetField:
					if m.renamed[e.Id()] {
						to = expression.NewAlias(c, e.Name(), to).WithId(e.Id())
					}
				case *expression.Alias:
				default:
					to = expression.NewAlias(c, e.String(), to)
				}
			}
			list[i], changed = to, changed || !bool(kept)
		}
		if !changed {
			return n, same, nil
		}
		out, err := ex.WithExpressions(c, list...)
		return out, transform.NewTree, err
	})
	return out, err
}

func (m *derivedMerger) expr(c *sql.Context, e sql.Expression) (sql.Expression, transform.TreeIdentity, error) {
	switch e := e.(type) {
	case *expression.GetField:
		if m.columns[e.Id()] == nil {
			return e, transform.SameTree, nil
		}
		to := m.own(e.Id())
		return expression.NewGetFieldWithTable(int(to.Id()), int(to.TableId()), e.Type(c), to.Database(), to.Table(), to.Name(), e.IsNullable(c)), transform.NewTree, nil
	case *plan.Subquery:
		q, err := m.rename(e.Query)
		if err != nil {
			return nil, transform.SameTree, err
		}
		return e.WithQuery(q).WithCorrelated(m.set(e.Correlated())), transform.NewTree, nil
	}
	return e, transform.SameTree, nil
}

// set is a set of columns after merging.
func (m *derivedMerger) set(s sql.ColSet) sql.ColSet {
	var out sql.ColSet
	s.ForEach(func(id sql.ColumnId) {
		if f := m.columns[id]; f != nil {
			id = f.Id()
		}
		out.Add(id)
	})
	return out
}
