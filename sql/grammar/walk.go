package grammar

import "github.com/dolthub/vitess/go/vt/sqlparser"

// Walk visits the nodes of syntax trees as sqlparser.Walk does, and besides what that passes by: the WITH, ORDER BY and LIMIT of a set operation.
func Walk(visit sqlparser.Visit, nodes ...sqlparser.SQLNode) error {
	var all sqlparser.Visit
	all = func(n sqlparser.SQLNode) (bool, error) {
		within, err := visit(n)
		if u, ok := n.(*sqlparser.SetOp); ok && u != nil && within && err == nil {
			err = sqlparser.Walk(all, u.With, u.OrderBy, u.Limit)
		}
		return within, err
	}
	return sqlparser.Walk(all, nodes...)
}
