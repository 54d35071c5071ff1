package general

import (
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/plan"
)

// SELECT DISTINCT f(a) ... ORDER BY f(a): the rows that DISTINCT leaves are sorted by their columns, which have names for that (grammar.Respell).

// byName has the conditions of a sort above DISTINCT name columns.
func (r *retype) byName(n *plan.Sort) *plan.Sort {
	if _, ok := n.Child.(*plan.Distinct); !ok {
		return n
	}
	conditions := append(sql.SortConditions(nil), n.SortConditions...)
	for i, f := range conditions {
		if a, ok := f.Expr.(*expression.Alias); ok && a.Id() > 0 {
			conditions[i].Expr = expression.NewGetField(int(a.Id()), a.Type(r.c), a.Name(), a.IsNullable(r.c)).WithId(a.Id())
		}
	}
	return plan.NewSort(conditions, n.Child)
}
