package rules

import (
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/plan"
)

// The library computes a select expression that something else refers to, or that has a subquery, in two projections, one above the
// other: a subquery runs twice for each row, and ORDER BY the alias of RAND() sorts by other numbers than are shown. Here the upper one refers to the lower one.

// ComputedOnce returns a projection that refers to the columns that the projection below computes as well, p if there are none.
func ComputedOnce(c *sql.Context, p *plan.Project) *plan.Project {
	below := projectionBelow(p.Child)
	if below == nil {
		return p
	}
	if _, grouped := below.Child.(*plan.GroupBy); grouped { // the library proves by the expressions that they depend on the groups alone
		return p
	}
	have := map[sql.ColumnId]sql.Expression{}
	called := map[string]int{} // how many have a name, by which the library finds where a column is
	for _, e := range below.Projections {
		if a, ok := e.(*expression.Alias); ok && a.Id() > 0 {
			have[a.Id()] = a
			called[strings.ToLower(a.Name())]++
		}
	}
	var out []sql.Expression
	for i, e := range p.Projections {
		a, ok := e.(*expression.Alias)
		if !ok || have[a.Id()] == nil || called[strings.ToLower(a.Name())] > 1 {
			continue
		}
		if _, plain := a.Child.(*expression.GetField); plain {
			continue
		}
		if out == nil {
			out = append(out, p.Projections...)
		}
		t := have[a.Id()].Type(c)
		out[i] = expression.NewGetFieldWithTable(int(a.Id()), 0, t, "", "", a.Name(), have[a.Id()].IsNullable(c)).WithId(a.Id())
	}
	if out == nil {
		return p
	}
	return plan.NewProject(c, out, p.Child)
}

// projectionBelow is the projection that a node's rows come from unchanged.
func projectionBelow(n sql.Node) *plan.Project {
	for {
		switch x := n.(type) {
		case *plan.Project:
			return x
		case *plan.Sort:
			n = x.Child
		case *plan.Filter:
			n = x.Child
		case *plan.Having:
			n = x.Child
		case *plan.Limit:
			n = x.Child
		case *plan.Offset:
			n = x.Child
		default:
			return nil
		}
	}
}
