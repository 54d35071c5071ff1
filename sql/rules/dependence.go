package rules

import (
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/types"

	"github.com/zoryadb/zorya/engine/table"
)

// Functional dependence, for ONLY_FULL_GROUP_BY: which columns of FROM have one value where some others have. A key whose columns are NOT NULL determines
// its table, an equality of WHERE or ON its columns, and a derived table or view what its own query determines.

// dependence is the columns that are known to have one value. It grows until nothing more follows.
type dependence struct {
	c     *sql.Context
	from  sql.ColSet // of the tables: all other columns are of outer queries, and constant
	known sql.ColSet
	weak  int // outer joins whose inner side is looked at: there a column that equals a constant may be NULL as well
}

func newDependence(c *sql.Context, n sql.Node) *dependence {
	return &dependence{c: c, from: tableColumns(c, n)}
}

// follow adds what the columns that are known determine in the rows of n.
func (d *dependence) follow(n sql.Node) {
	for have := -1; have < d.known.Len(); {
		have = d.known.Len()
		d.node(n)
	}
}

func (d *dependence) node(n sql.Node) {
	switch n := Unaliased(n).(type) {
	case *plan.Filter:
		d.equalities(n.Expression, sql.ColSet{})
	case *plan.JoinNode:
		d.join(n)
		return
	case *plan.SubqueryAlias:
		d.derived(n)
		return
	case plan.TableIdNode: // a set operation is one too, and has no keys
		d.keys(n)
		return
	case *plan.GroupBy:
		if outputs, all := d.groups(n); all {
			d.known = d.known.Union(outputs)
		}
	case *plan.Project:
		d.computed(n.Projections)
	}
	for _, ch := range n.Children() {
		d.node(ch)
	}
}

// join: ON of an inner join is a condition like WHERE; that of an outer one determines columns of the side that may be missing where it depends on nothing
// else of the other side.
func (d *dependence) join(n *plan.JoinNode) {
	left, right := n.Left(), n.Right()
	switch {
	case n.Op.IsFullOuter():
		return
	case n.Op.IsRightOuter() || n.Op == plan.JoinTypeLateralRight:
		left, right = right, left
		fallthrough
	case n.Op.IsLeftOuter() || n.Op == plan.JoinTypeLateralLeft:
		d.node(left)
		strong := tableColumns(d.c, left)
		if n.Filter != nil && d.fieldsOf(n.Filter).Intersection(strong).SubsetOf(d.known) {
			d.equalities(n.Filter, strong)
		}
		d.weak++
		d.node(right)
		d.weak--
	default:
		if n.Filter != nil {
			d.equalities(n.Filter, sql.ColSet{})
		}
		d.node(left)
		d.node(right)
	}
}

// equalities adds the columns that a condition makes equal to constants or to columns that are known, but for those of except.
func (d *dependence) equalities(e sql.Expression, except sql.ColSet) {
	for _, part := range expression.SplitConjunction(d.c, e) {
		switch x := part.(type) {
		case *expression.Equals:
			d.equal(x.Left(), x.Right(), except)
			d.equal(x.Right(), x.Left(), except)
		case *expression.NullSafeEquals:
			d.equal(x.Left(), x.Right(), except)
			d.equal(x.Right(), x.Left(), except)
		}
	}
}

func (d *dependence) equal(column, value sql.Expression, except sql.ColSet) {
	f, ok := column.(*expression.GetField)
	if !ok || except.Contains(f.Id()) || types.IsText(f.Type(d.c)) != types.IsText(value.Type(d.c)) {
		return
	}
	if varies(d.c, value) {
		return
	}
	fields := d.fieldsOf(value)
	if fields.SubsetOf(d.known) && (d.weak == 0 || !fields.Empty()) {
		d.known.Add(f.Id())
	}
}

// keys adds the columns of a table that has a unique key of columns that are known and NOT NULL.
func (d *dependence) keys(n plan.TableIdNode) {
	t, ok := n.(sql.TableNode)
	if !ok {
		return
	}
	def := definitionOf(t.UnderlyingTable())
	ids := make(map[string]sql.ColumnId)
	schema := n.Schema(d.c)
	if def == nil || n.Columns().Len() != len(schema) {
		return
	}
	i := 0
	n.Columns().ForEach(func(id sql.ColumnId) {
		ids[strings.ToLower(schema[i].Name)] = id
		i++
	})
	for _, ix := range def.Indexes {
		if !ix.Unique && !ix.Primary || ix.Hidden || ix.Kind != "" {
			continue
		}
		determines := true
		for _, p := range ix.Parts {
			col := def.Columns[p.Column]
			id, ok := ids[strings.ToLower(col.Name)]
			determines = determines && ok && p.Prefix == 0 && !col.Nullable && d.known.Contains(id)
		}
		if determines {
			d.known = d.known.Union(n.Columns())
			return
		}
	}
}

// defined is a table that tells its definition.
type defined interface{ Definition() *table.Def }

// definitionOf finds the definition of a table within the library's wrappers; nil: it has none.
func definitionOf(t any) *table.Def {
	for range 8 {
		switch w := t.(type) {
		case defined:
			return w.Definition()
		case sql.TableWrapper:
			t = w.Underlying()
		default:
			return nil
		}
	}
	return nil
}

// computed adds the names of expressions that are made of what is known, and the column that has a known name.
func (d *dependence) computed(list []sql.Expression) {
	for _, e := range list {
		a, ok := e.(*expression.Alias)
		if !ok || a.Id() == 0 || varies(d.c, a.Child) {
			continue
		}
		if f, ok := a.Child.(*expression.GetField); ok && d.known.Contains(a.Id()) {
			d.known.Add(f.Id())
		}
		if fields := d.fieldsOf(a.Child); fields.SubsetOf(d.known) && (d.weak == 0 || !fields.Empty()) {
			d.known.Add(a.Id())
		}
	}
}

// groups is what a GROUP BY gives, and whether what is known determines all of it.
func (d *dependence) groups(n *plan.GroupBy) (outputs sql.ColSet, all bool) {
	all = true
	for _, e := range n.GroupByExprs {
		if _, rollup := e.(RollupMark); rollup {
			return outputs, false
		}
		all = all && d.fieldsOf(e).SubsetOf(d.known)
	}
	for _, e := range n.SelectDeps {
		if x, ok := e.(sql.IdExpression); ok {
			outputs.Add(x.Id())
		}
	}
	return outputs, all && (d.weak == 0 || len(n.GroupByExprs) > 0)
}

// derived looks into the query of a derived table or view: its columns stand for expressions there.
func (d *dependence) derived(n *plan.SubqueryAlias) {
	inner := newDependence(d.c, n.Child)
	inner.weak = d.weak
	for outer, e := range n.ScopeMapping {
		f, ok := innerField(e)
		if ok && d.known.Contains(outer) {
			inner.known.Add(f)
		}
	}
	inner.follow(n.Child)
	for outer, e := range n.ScopeMapping {
		if f, ok := innerField(e); ok && inner.known.Contains(f) {
			d.known.Add(outer)
		}
	}
}

// innerField is the column that an expression is, by its name or as it is.
func innerField(e sql.Expression) (sql.ColumnId, bool) {
	x, ok := e.(sql.IdExpression)
	if !ok {
		return 0, false
	}
	return x.Id(), x.Id() > 0
}

// fieldsOf are the columns of the tables that an expression names.
func (d *dependence) fieldsOf(e sql.Expression) (out sql.ColSet) {
	sql.Inspect(d.c, e, func(_ *sql.Context, e sql.Expression) bool {
		switch x := e.(type) {
		case *expression.GetField:
			out.Add(x.Id())
		case *plan.Subquery:
			out = out.Union(x.Correlated())
		}
		return true
	})
	return out.Intersection(d.from)
}

// varies reports whether an expression may have another value in another row though its columns have not.
func varies(c *sql.Context, e sql.Expression) bool {
	found := false
	sql.Inspect(c, e, func(_ *sql.Context, e sql.Expression) bool {
		switch x := e.(type) {
		case *plan.Subquery:
			found = true
		case sql.NonDeterministicExpression:
			found = found || x.IsNonDeterministic()
		}
		return !found
	})
	return found
}
