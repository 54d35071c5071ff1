package rules

import (
	"slices"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/transform"
)

// A column that is NOT NULL is NULL above an outer join that has no row of its table. The library's references go by the table alone, and so its plans for
// NOT IN would know of no NULL.

// NullableAbove makes a plan's references above outer joins to columns of the side that may be missing nullable ones.
func NullableAbove(c *sql.Context, n sql.Node) (sql.Node, error) {
	outer := false
	EveryNode(c, n, func(n sql.Node) {
		j, ok := n.(*plan.JoinNode)
		outer = outer || ok && (j.Op.IsLeftOuter() || j.Op.IsRightOuter() || j.Op.IsFullOuter())
	})
	if !outer {
		return n, nil
	}
	n, _, err := mayMiss(c, n, sql.ColSet{})
	return n, err
}

// mayMiss is n with such references, and the columns that may be missing above it. around are those of the queries around n.
func mayMiss(c *sql.Context, n sql.Node, around sql.ColSet) (sql.Node, sql.ColSet, error) {
	missing := around
	children, changed := slices.Clone(n.Children()), false
	for i, ch := range children {
		to, more, err := mayMiss(c, ch, around)
		if err != nil {
			return nil, missing, err
		}
		changed = changed || to != ch
		children[i], missing = to, missing.Union(more)
	}
	var err error
	if changed {
		if n, err = n.WithChildren(c, children...); err != nil {
			return nil, missing, err
		}
	}
	if e, ok := n.(sql.Expressioner); ok {
		list, same, err := transform.Exprs(c, e.Expressions(), func(c *sql.Context, e sql.Expression) (sql.Expression, transform.TreeIdentity, error) {
			return nullableReference(c, e, missing)
		})
		if err != nil {
			return nil, missing, err
		}
		if !same {
			if n, err = e.WithExpressions(c, list...); err != nil {
				return nil, missing, err
			}
		}
	}
	return n, missing.Union(missingAbove(c, n, missing)), nil
}

// nullableReference is an expression that refers to a column which may be missing.
func nullableReference(c *sql.Context, e sql.Expression, missing sql.ColSet) (sql.Expression, transform.TreeIdentity, error) {
	switch e := e.(type) {
	case *expression.GetField:
		if missing.Contains(e.Id()) && !e.IsNullable(c) {
			return expression.NewGetFieldWithTable(e.Index(), int(e.TableId()), e.Type(c), e.Database(), e.Table(), e.Name(), true).WithId(e.Id()), transform.NewTree, nil
		}
	case *plan.Subquery:
		q, _, err := mayMiss(c, e.Query, missing)
		if err != nil || q == e.Query {
			return e, transform.SameTree, err
		}
		return e.WithQuery(q), transform.NewTree, nil
	}
	return e, transform.SameTree, nil
}

// missingAbove are the columns of n itself that may be missing above it: of the side that an outer join adds, and those made of columns that may be.
func missingAbove(c *sql.Context, n sql.Node, below sql.ColSet) (ids sql.ColSet) {
	switch n := n.(type) {
	case *plan.JoinNode:
		if n.Op.IsLeftOuter() || n.Op.IsFullOuter() {
			ids = ColumnsUnder(c, n.Right())
		}
		if n.Op.IsRightOuter() || n.Op.IsFullOuter() {
			ids = ids.Union(ColumnsUnder(c, n.Left()))
		}
	case *plan.SubqueryAlias:
		schema, i := n.Child.Schema(c), 0
		n.Columns().ForEach(func(id sql.ColumnId) {
			if i < len(schema) && schema[i].Nullable {
				ids.Add(id)
			}
			i++
		})
	case sql.Projector:
		for _, e := range n.ProjectedExprs() {
			if a, ok := e.(*expression.Alias); ok && a.IsNullable(c) {
				ids.Add(a.Id())
			}
		}
	}
	return ids
}
