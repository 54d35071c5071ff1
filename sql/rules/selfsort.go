package rules

import (
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/analyzer"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/transform"
)

// The library drops a sort where an index gives that order already. It compares the sort's columns with an index's by the names of the
// tables behind the aliases, so that of a table that is joined with itself the wrong one may do the ordering: such sorts stay.

// KeepSelfSorts puts the condition around the rule.
func KeepSelfSorts(a *analyzer.Analyzer) {
	Replace(a, "replaceIdxSort", func(drop analyzer.RuleFunc) analyzer.RuleFunc {
		return func(c *sql.Context, a *analyzer.Analyzer, n sql.Node, scope *plan.Scope, sel analyzer.RuleSelector, flags *sql.QueryFlags) (sql.Node, transform.TreeIdentity, error) {
			if sortsSelf(c, n) {
				return n, transform.SameTree, nil
			}
			return drop(c, a, n, scope, sel, flags)
		}
	})
}

// sortsSelf reports whether a sort at or below n is by a column of a table that is there twice.
func sortsSelf(c *sql.Context, n sql.Node) (found bool) {
	transform.Inspect(n, func(n sql.Node) bool {
		s, ok := n.(*plan.Sort)
		if !ok || found {
			return !found
		}
		tables := map[string]string{} // by alias, the table
		times := map[string]int{}
		transform.Inspect(s.Child, func(n sql.Node) bool {
			switch t := n.(type) {
			case *plan.TableAlias:
				if below, ok := t.Child.(sql.Nameable); ok {
					tables[strings.ToLower(t.Name())] = strings.ToLower(below.Name())
				}
			case sql.TableNode:
				times[strings.ToLower(t.UnderlyingTable().Name())]++
			}
			return true
		})
		for _, k := range s.SortConditions {
			sql.Inspect(c, k.Expr, func(_ *sql.Context, e sql.Expression) bool {
				if f, ok := e.(*expression.GetField); ok {
					name := strings.ToLower(f.Table())
					if t, ok := tables[name]; ok {
						name = t
					}
					found = found || times[name] > 1
				}
				return !found
			})
		}
		return !found
	})
	return found
}
