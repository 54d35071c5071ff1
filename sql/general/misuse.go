package general

import (
	"strings"

	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/sql/lexer"
	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// What MySQL refuses before it looks at data and the library does not, found in the syntax tree alone: aggregates where there are no groups
// (1111), a subquery that reads the table which the statement changes (1093), DEFAULT as a value of SELECT (1064).

// misuse is the error of such a statement, nil for any other. db is the current database.
func misuse(st sqlparser.Statement, text string, mode lexer.Mode, db string) error {
	switch n := st.(type) {
	case sqlparser.SelectStatement:
		if s, ok := n.(*sqlparser.Select); ok {
			if err := noTables(s); err != nil {
				return err
			}
		}
		return misuseInSelect(n, text, mode)
	case *sqlparser.Insert:
		if rows, ok := n.Rows.(sqlparser.SelectStatement); ok {
			return misuseInSelect(rows, text, mode)
		}
		if groups(n.Rows) {
			return mysqlerr.New(mysqlerr.ER_INVALID_GROUP_FUNC_USE)
		}
		return readsTarget([]changedTable{{n.Table, n.Table.Name.String()}}, db, n.Rows)
	case *sqlparser.Update:
		if groups(n.Exprs) || groups(n.Where) || groups(n.OrderBy) {
			return mysqlerr.New(mysqlerr.ER_INVALID_GROUP_FUNC_USE)
		}
		var set []string
		for _, e := range n.Exprs {
			set = append(set, e.Name.Qualifier.Name.String())
		}
		return readsTarget(targetsAmong(n.TableExprs, set), db, n.Exprs, n.Where, n.OrderBy)
	case *sqlparser.Delete:
		if groups(n.Where) || groups(n.OrderBy) {
			return mysqlerr.New(mysqlerr.ER_INVALID_GROUP_FUNC_USE)
		}
		var from []string
		for _, t := range n.Targets {
			from = append(from, t.Name.String())
		}
		return readsTarget(targetsAmong(n.TableExprs, from), db, n.Where, n.OrderBy)
	}
	return nil
}

// misuseInSelect looks at the blocks of a query that have no outer query: an aggregate in the WHERE of any other may belong to that one.
func misuseInSelect(st sqlparser.SelectStatement, text string, mode lexer.Mode) error {
	switch n := st.(type) {
	case *sqlparser.ParenSelect:
		return misuseInSelect(n.Select, text, mode)
	case *sqlparser.SetOp:
		if err := misuseInSelect(n.Left, text, mode); err != nil {
			return err
		}
		return misuseInSelect(n.Right, text, mode)
	case *sqlparser.Select:
		for _, e := range n.SelectExprs {
			if a, ok := e.(*sqlparser.AliasedExpr); ok {
				if d, ok := a.Expr.(*sqlparser.Default); ok && d.ColName == "" {
					return defaultSelected(text, mode)
				}
			}
		}
		if groups(n.Where) || nested(n.SelectExprs) || nested(n.Having) || nested(n.OrderBy) {
			return mysqlerr.New(mysqlerr.ER_INVALID_GROUP_FUNC_USE)
		}
		for _, e := range n.From {
			if d, ok := derivedTable(e); ok {
				if err := misuseInSelect(d, text, mode); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func derivedTable(e sqlparser.TableExpr) (sqlparser.SelectStatement, bool) {
	a, ok := e.(*sqlparser.AliasedTableExpr)
	if !ok || a.Lateral {
		return nil, false
	}
	q, ok := a.Expr.(*sqlparser.Subquery)
	if !ok || q == nil {
		return nil, false
	}
	return q.Select, true
}

// groups reports whether a clause has an aggregate function of its own, outside of subqueries.
func groups(n sqlparser.SQLNode) bool { return holds(n, aggregateOnly) }

// nested reports whether an aggregate of a clause has another one among its arguments.
func nested(n sqlparser.SQLNode) bool {
	return holds(n, func(e sqlparser.SQLNode) bool {
		if !aggregateOnly(e) {
			return false
		}
		inner := -1 // e itself comes first
		holds(e, func(e sqlparser.SQLNode) bool {
			if aggregateOnly(e) {
				inner++
			}
			return false
		})
		return inner > 0
	})
}

func aggregateOnly(n sqlparser.SQLNode) bool {
	switch f := n.(type) {
	case *sqlparser.FuncExpr:
		return f != nil && f.Over == nil && f.Qualifier.IsEmpty() && f.IsAggregate()
	case *sqlparser.GroupConcatExpr:
		return f != nil
	}
	return false
}

// holds looks for a node, but not in subqueries.
func holds(n sqlparser.SQLNode, is func(sqlparser.SQLNode) bool) bool {
	found := false
	_ = walk(func(n sqlparser.SQLNode) (bool, error) { // the visitor gives no error
		if _, ok := n.(*sqlparser.Subquery); ok {
			return false, nil
		}
		found = found || is(n)
		return !found, nil
	}, n)
	return found
}

// changedTable is a table that a statement changes, and the name that it goes by there.
type changedTable struct {
	table sqlparser.TableName
	alias string
}

// targetsAmong are the tables of FROM that are named; all if there is one only. Without its qualifier a column says nothing about its table.
func targetsAmong(from sqlparser.TableExprs, named []string) []changedTable {
	var all, out []changedTable
	namedTables(from, func(t sqlparser.TableName, alias string) { all = append(all, changedTable{t, alias}) })
	if len(all) == 1 && len(from) == 1 {
		return all
	}
	for _, t := range all {
		for _, name := range named {
			if strings.EqualFold(t.alias, name) {
				out = append(out, t)
				break
			}
		}
	}
	return out
}

// readsTarget is error 1093 if a subquery of a clause reads what the statement changes. A derived table is computed before, and may.
func readsTarget(targets []changedTable, db string, clauses ...sqlparser.SQLNode) (err error) {
	full := func(t sqlparser.TableName) string {
		if q := t.DbQualifier.String(); q != "" {
			return q + "." + t.Name.String()
		}
		return db + "." + t.Name.String()
	}
	visit := func(n sqlparser.SQLNode) (bool, error) {
		a, ok := n.(*sqlparser.AliasedTableExpr)
		if !ok {
			return err == nil, nil
		}
		t, ok := a.Expr.(sqlparser.TableName)
		for _, to := range targets {
			if ok && err == nil && strings.EqualFold(full(t), full(to.table)) {
				err = mysqlerr.New(mysqlerr.ER_UPDATE_TABLE_USED, to.alias)
			}
		}
		return false, nil
	}
	for _, c := range clauses {
		_ = walk(visit, c)
	}
	return err
}

// defaultSelected is the syntax error of a DEFAULT that is no call.
func defaultSelected(text string, mode lexer.Mode) error {
	t := lexer.NewCursor(text, mode, maxTokens)
	selected := false
	for i := range t.Tokens {
		selected = selected || t.Word(i) == "SELECT"
		if selected && t.Word(i) == "DEFAULT" && t.At(i+1) != "(" {
			if i+1 < len(t.Tokens) {
				return mysqlerr.Syntax(text, t.Tokens[i+1].Start)
			}
			break
		}
	}
	return mysqlerr.Syntax(text, len(text))
}
