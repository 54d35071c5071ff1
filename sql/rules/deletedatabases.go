package rules

import (
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/analyzer"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/transform"
)

// DeleteAcrossDatabases lets a DELETE of a join take its targets from several schemas, which the library's check refuses before it looks for anything else that it
// refuses: targets of one name. Its deletion finds a target's part of the row by the table's name, so those stay refused.
func DeleteAcrossDatabases(a *analyzer.Analyzer) {
	Replace(a, "validateDeleteFrom", func(validate analyzer.RuleFunc) analyzer.RuleFunc {
		return func(c *sql.Context, a *analyzer.Analyzer, n sql.Node, scope *plan.Scope, sel analyzer.RuleSelector, flags *sql.QueryFlags) (sql.Node, transform.TreeIdentity, error) {
			out, same, err := validate(c, a, n, scope, sel, flags)
			if err != nil && strings.HasPrefix(err.Error(), "multiple databases specified") && distinctTargets(c, n) {
				return n, transform.SameTree, nil
			}
			return out, same, err
		}
	})
}

func distinctTargets(c *sql.Context, n sql.Node) bool {
	seen, distinct := map[string]bool{}, true
	transform.InspectUp(c, n, func(_ *sql.Context, n sql.Node) bool {
		d, ok := n.(*plan.DeleteFrom)
		if !ok {
			return false
		}
		for _, target := range d.GetDeleteTargets() {
			named, ok := target.(sql.Nameable)
			if !ok || seen[strings.ToLower(named.Name())] {
				distinct = false
				return true
			}
			seen[strings.ToLower(named.Name())] = true
		}
		return false
	})
	return distinct
}
