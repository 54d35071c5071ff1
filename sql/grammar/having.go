package grammar

import "github.com/dolthub/vitess/go/vt/sqlparser"

// havingItems makes a name in HAVING that several tables have the column that the select list shows by it: SELECT g.a FROM g JOIN h .. HAVING a > 1. MySQL looks in the
// select list first (find_order_in_list, resolve_ref_in_select_and_group), the library in the tables.
func havingItems(st sqlparser.Statement) {
	node, ok := st.(sqlparser.SQLNode)
	if !ok {
		return
	}
	_ = Walk(func(n sqlparser.SQLNode) (bool, error) { // the visitor gives no error
		sel, ok := n.(*sqlparser.Select)
		if !ok || sel == nil || sel.Having == nil {
			return true, nil
		}
		if shown := qualifiedItems(sel); len(shown) > 0 {
			qualifyHaving(sel.Having.Expr, shown)
		}
		return true, nil
	}, node)
}

// qualifiedItems are the columns of a select list that are shown by their own name and say their table; a name that two items have stands for none.
func qualifiedItems(sel *sqlparser.Select) map[string]*sqlparser.ColName {
	shown, times := map[string]*sqlparser.ColName{}, map[string]int{}
	for _, e := range sel.SelectExprs {
		item, ok := e.(*sqlparser.AliasedExpr)
		if !ok {
			continue
		}
		col, plain := item.Expr.(*sqlparser.ColName)
		name := item.As.Lowered()
		if plain && name == "" {
			name = col.Name.Lowered()
			if !col.Qualifier.IsEmpty() {
				shown[name] = col
			}
		}
		times[name]++
	}
	for name := range shown {
		if times[name] > 1 {
			delete(shown, name)
		}
	}
	return shown
}

// qualifyHaving gives names their tables, but for those in aggregates, which are of the tables' columns, and in subqueries.
func qualifyHaving(e sqlparser.Expr, shown map[string]*sqlparser.ColName) {
	_ = Walk(func(n sqlparser.SQLNode) (bool, error) { // the visitor gives no error
		switch n := n.(type) {
		case *sqlparser.Subquery:
			return false, nil
		case *sqlparser.ColName:
			if col := shown[n.Name.Lowered()]; col != nil && n.Qualifier.IsEmpty() {
				n.Qualifier = col.Qualifier
			}
			return false, nil
		}
		return !aggregateOnly(n), nil
	}, e)
}
