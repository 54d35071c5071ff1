package rules

import (
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/analyzer"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/transform"
)

// Replace puts another rule in the place of one of the library's, which it is given. Batches share their rules with other analyzers: they are copied.
func Replace(a *analyzer.Analyzer, id string, replacement func(library analyzer.RuleFunc) analyzer.RuleFunc) {
	for _, b := range a.Batches {
		for i, r := range b.Rules {
			if r.Id.String() == id {
				b.Rules = append([]analyzer.Rule{}, b.Rules...)
				b.Rules[i].Apply = replacement(r.Apply)
				return
			}
		}
	}
	panic("general: the library's analyzer has no rule " + id)
}

// Unaliased is the table under an alias.
func Unaliased(n sql.Node) sql.Node {
	if alias, ok := n.(*plan.TableAlias); ok {
		return alias.Child
	}
	return n
}

// equates reports whether a join may hash its operands.
func equates(e sql.Expression) bool {
	switch e.(type) {
	case *expression.Equals, *expression.NullSafeEquals:
		return true
	}
	return false
}

// EveryNode visits the nodes of a plan, those of its subqueries as well.
func EveryNode(c *sql.Context, n sql.Node, visit func(sql.Node)) {
	transform.InspectWithOpaque(c, n, func(c *sql.Context, n sql.Node) bool {
		visit(n)
		if e, ok := n.(sql.Expressioner); ok {
			for _, e := range e.Expressions() {
				sql.Inspect(c, e, func(c *sql.Context, e sql.Expression) bool {
					if q, ok := e.(*plan.Subquery); ok {
						EveryNode(c, q.Query, visit)
					}
					return true
				})
			}
		}
		return true
	})
}

// SameAnywhere reports whether a condition may be tested wherever the planner likes.
func SameAnywhere(c *sql.Context, e sql.Expression) bool {
	ok := true
	sql.Inspect(c, e, func(_ *sql.Context, e sql.Expression) bool {
		switch e := e.(type) {
		case *plan.Subquery, *expression.UserVar, *expression.SetField:
			ok = false
		case sql.NonDeterministicExpression:
			ok = ok && !e.IsNonDeterministic()
		}
		return ok
	})
	return ok
}

// ColumnsUnder are the ids of the columns of the tables that are joined under a node.
func ColumnsUnder(c *sql.Context, n sql.Node) (ids sql.ColSet) {
	transform.Inspect(n, func(n sql.Node) bool {
		if t, ok := n.(plan.TableIdNode); ok {
			ids = ids.Union(t.Columns())
		}
		return true
	})
	return ids
}
