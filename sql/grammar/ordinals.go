package grammar

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/dolthub/vitess/go/vt/sqlparser"
)

// SELECT DISTINCT f(a) ... ORDER BY 1: to the library the number is the expression, which it would compute from rows that DISTINCT no longer gives. So the
// expression gets a name, and the rows are sorted by the column of that name.

// nameOrdinals names what ORDER BY of a DISTINCT query or of a set operation numbers, and marks what in GROUP BY is no number of the select list.
func nameOrdinals(st sqlparser.Statement) {
	node, ok := st.(sqlparser.SQLNode)
	if !ok {
		return
	}
	_ = Walk(func(n sqlparser.SQLNode) (bool, error) { // the visitor gives no error
		switch n := n.(type) {
		case *sqlparser.Select:
			if n == nil {
				return true, nil
			}
			groupConstants(n.GroupBy)
			if n.QueryOpts.Distinct {
				nameNumbered(n, n.OrderBy)
			}
		case *sqlparser.SetOp:
			if n != nil && len(n.OrderBy) > 0 {
				nameNumbered(firstSelect(n), n.OrderBy)
			}
		}
		return true, nil
	}, node)
}

// firstSelect is the query that gives a set operation's columns their names; nil: it is none with a select list.
func firstSelect(s sqlparser.SelectStatement) *sqlparser.Select {
	for {
		switch n := s.(type) {
		case *sqlparser.SetOp:
			s = n.Left
		case *sqlparser.ParenSelect:
			s = n.Select
		case *sqlparser.Select:
			return n
		default:
			return nil
		}
	}
}

func nameNumbered(sel *sqlparser.Select, order sqlparser.OrderBy) {
	if sel == nil {
		return
	}
	for _, o := range order {
		v, ok := o.Expr.(*sqlparser.SQLVal)
		if !ok || v.Type != sqlparser.IntVal {
			continue
		}
		i, err := strconv.Atoi(string(v.Val))
		if err != nil || i < 1 || i > len(sel.SelectExprs) {
			continue
		}
		item, ok := sel.SelectExprs[i-1].(*sqlparser.AliasedExpr)
		if !ok || !item.As.IsEmpty() {
			continue
		}
		if _, column := item.Expr.(*sqlparser.ColName); !column {
			item.As = ownName(item)
		}
	}
}

// ownName is the name of a column of the result that has no alias.
func ownName(item *sqlparser.AliasedExpr) sqlparser.ColIdent {
	return sqlparser.NewColIdent(strings.TrimSpace(cmp.Or(item.InputExpression, sqlparser.String(item.Expr))))
}

// groupConstants has groups by a text, a parameter or another constant that is no whole number made by its value: the library takes each for an ordinal.
func groupConstants(by sqlparser.GroupBy) {
	for i, e := range by {
		if v, ok := e.(*sqlparser.SQLVal); ok && v.Type != sqlparser.IntVal {
			by[i] = &sqlparser.ParenExpr{Expr: v}
		}
	}
}
