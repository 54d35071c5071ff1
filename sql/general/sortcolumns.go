package general

import (
	"strings"

	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/sql/grammar"
)

// sortByColumns has the ORDER BY of SELECT a AS x, f(b) AS y .. ORDER BY x LIMIT n name the column that x is. The library computes the select list below a sort by
// one of its names, of all rows; by columns it sorts first and computes f of the rows that LIMIT leaves, as MySQL does.
func sortByColumns(s *sqlparser.Select) {
	if s.Limit == nil || len(s.OrderBy) == 0 || s.QueryOpts.Distinct || len(s.GroupBy) > 0 || s.Having != nil {
		return
	}
	columns, named := map[string]*sqlparser.ColName{}, map[string]int{}
	for _, e := range s.SelectExprs {
		a, ok := e.(*sqlparser.AliasedExpr)
		if !ok || aggregated(a) {
			return // of *, the names are not known here
		}
		col, isColumn := a.Expr.(*sqlparser.ColName)
		name := a.As.Lowered()
		if name == "" && isColumn {
			name = col.Name.Lowered()
		}
		named[name]++
		if isColumn && !a.As.IsEmpty() {
			columns[name] = col
		}
	}
	for _, o := range s.OrderBy {
		by, ok := o.Expr.(*sqlparser.ColName)
		if !ok || !by.Qualifier.IsEmpty() || named[by.Name.Lowered()] != 1 {
			continue
		}
		col := columns[by.Name.Lowered()]
		if col == nil || col.Qualifier.IsEmpty() && named[col.Name.Lowered()] > 0 || strings.HasPrefix(col.Name.String(), "@") {
			continue
		}
		o.Expr = &sqlparser.ColName{Name: col.Name, Qualifier: col.Qualifier}
	}
}

// aggregated reports whether an item is an aggregate or a window function, or has one.
func aggregated(e sqlparser.SQLNode) (is bool) {
	_ = grammar.Walk(func(n sqlparser.SQLNode) (bool, error) { // the visitor gives no error
		switch n := n.(type) {
		case *sqlparser.Subquery:
			return false, nil
		case *sqlparser.FuncExpr:
			is = is || n.Over != nil || aggregates[n.Name.Lowered()]
		case *sqlparser.GroupConcatExpr:
			is = true
		}
		return !is, nil
	}, e)
	return is
}
