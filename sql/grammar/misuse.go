package grammar

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/transform"
	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/sql/lexer"
	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// What MySQL refuses before it looks at data and the library does not, found in the syntax tree alone: aggregates where there are no groups
// (1111), a subquery that reads the table which the statement changes (1093), DEFAULT as a value of SELECT (1064).

// Misuse is the error of such a statement, nil for any other. db is the current database.
func Misuse(st sqlparser.Statement, text string, mode lexer.Mode, db string) error {
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
		if Groups(n.Rows) {
			return mysqlerr.New(mysqlerr.ER_INVALID_GROUP_FUNC_USE)
		}
		return readsTarget([]changedTable{{n.Table, n.Table.Name.String()}}, db, n.Rows)
	case *sqlparser.Update:
		if Groups(n.Exprs) || Groups(n.Where) || Groups(n.OrderBy) {
			return mysqlerr.New(mysqlerr.ER_INVALID_GROUP_FUNC_USE)
		}
		var set []string
		for _, e := range n.Exprs {
			set = append(set, e.Name.Qualifier.Name.String())
		}
		return readsTarget(targetsAmong(n.TableExprs, set), db, n.Exprs, n.Where, n.OrderBy)
	case *sqlparser.Delete:
		if Groups(n.Where) || Groups(n.OrderBy) {
			return mysqlerr.New(mysqlerr.ER_INVALID_GROUP_FUNC_USE)
		}
		if err := deleteTargets(n, db); err != nil {
			return err
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
		if Groups(n.Where) || nested(n.SelectExprs) || nested(n.Having) || nested(n.OrderBy) {
			return mysqlerr.New(mysqlerr.ER_INVALID_GROUP_FUNC_USE)
		}
		if err := aggregateGroups(n); err != nil {
			return err
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

// aggregateGroups refuses aggregates where rows are not grouped yet: in GROUP BY, and in ON.
func aggregateGroups(n *sqlparser.Select) error {
	if Groups(n.GroupBy) {
		return mysqlerr.New(mysqlerr.ER_INVALID_GROUP_FUNC_USE)
	}
	for _, by := range n.GroupBy {
		number, ok := by.(*sqlparser.SQLVal)
		if !ok || number.Type != sqlparser.IntVal {
			continue
		}
		for i, e := range n.SelectExprs {
			item, ok := e.(*sqlparser.AliasedExpr)
			if !ok {
				break // a star is more than one
			}
			if string(number.Val) == strconv.Itoa(i+1) && Groups(item.Expr) {
				return mysqlerr.New(mysqlerr.ER_WRONG_GROUP_FIELD, ownName(item).String())
			}
		}
	}
	for _, e := range n.From {
		if join, ok := e.(*sqlparser.JoinTableExpr); ok && Groups(join) {
			return mysqlerr.New(mysqlerr.ER_INVALID_GROUP_FUNC_USE)
		}
	}
	return nil
}

// AliasGroups refuses GROUP BY the alias of an aggregate. Only the bound plan tells that the name is no column's, which would come first.
func AliasGroups(c *sql.Context, bound sql.Node) (err error) {
	transform.Inspect(bound, func(n sql.Node) bool {
		g, ok := n.(*plan.GroupBy)
		if !ok || err != nil {
			return err == nil
		}
		made := map[sql.ColumnId]bool{}
		for _, e := range g.SelectDeps {
			if a, ok := e.(sql.Aggregation); ok && a.Id() > 0 {
				made[a.Id()] = true
			}
		}
		for _, by := range g.GroupByExprs {
			sql.Inspect(c, by, func(_ *sql.Context, e sql.Expression) bool {
				if f, ok := e.(*expression.GetField); ok && err == nil && made[f.Id()] {
					name := f.Name()
					if a, ok := by.(*expression.Alias); ok {
						name = a.Name()
					}
					err = mysqlerr.New(mysqlerr.ER_WRONG_GROUP_FIELD, name)
				}
				return err == nil
			})
		}
		return err == nil
	})
	return err
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

// Groups reports whether a clause has an aggregate function of its own, outside of subqueries.
func Groups(n sqlparser.SQLNode) bool { return holds(n, aggregateOnly) }

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
	_ = Walk(func(n sqlparser.SQLNode) (bool, error) { // the visitor gives no error
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
	NamedTables(from, func(t sqlparser.TableName, alias string) { all = append(all, changedTable{t, alias}) })
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

// deleteTargets finds each table that a DELETE of several tables names in its FROM: by its alias if it has one, else by database and name. A target with a
// database is never an alias.
func deleteTargets(n *sqlparser.Delete, db string) error {
	schema := func(t sqlparser.TableName) string { return cmp.Or(t.DbQualifier.String(), db) }
	for _, to := range n.Targets {
		found, name := 0, to.Name.String()
		_ = Walk(func(e sqlparser.SQLNode) (bool, error) { // the visitor gives no error
			a, ok := e.(*sqlparser.AliasedTableExpr)
			if !ok {
				return true, nil
			}
			t, ok := a.Expr.(sqlparser.TableName)
			switch {
			case !a.As.IsEmpty():
				ok = to.DbQualifier.IsEmpty() && strings.EqualFold(a.As.String(), name)
			case ok:
				written, _ := Selection(t.Name.String())
				ok = strings.EqualFold(written, name) && strings.EqualFold(schema(t), schema(to))
			}
			if ok {
				found++
			}
			return false, nil
		}, n.TableExprs)
		switch {
		case found > 1:
			return mysqlerr.New(mysqlerr.ER_NONUNIQ_TABLE, name)
		case found == 0 && db == "" && to.DbQualifier.IsEmpty():
			return mysqlerr.New(mysqlerr.ER_NO_DB_ERROR)
		case found == 0:
			return mysqlerr.New(mysqlerr.ER_UNKNOWN_TABLE, name, "MULTI DELETE")
		}
	}
	return nil
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
		_ = Walk(visit, c)
	}
	return err
}

// defaultSelected is the syntax error of a DEFAULT that is no call.
func defaultSelected(text string, mode lexer.Mode) error {
	t := lexer.NewCursor(text, mode, MaxTokens)
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

func IsDual(t sqlparser.TableName) bool {
	return t.DbQualifier.IsEmpty() && strings.EqualFold(t.Name.String(), "dual")
}

func ReadsTables(n *sqlparser.Select) bool {
	return len(n.From) > 1 || len(n.From) == 1 && !fromDual(n.From[0])
}

// noTables is the error of a column that names a table in a query that has none.
func noTables(n *sqlparser.Select) error {
	if ReadsTables(n) {
		return nil
	}
	for _, e := range n.SelectExprs {
		a, ok := e.(*sqlparser.AliasedExpr)
		if !ok {
			continue
		}
		if c, ok := a.Expr.(*sqlparser.ColName); ok {
			if table := c.Qualifier.Name.String(); table != "" && !strings.HasPrefix(table, "@") && !strings.EqualFold(table, "new") && !strings.EqualFold(table, "old") {
				return mysqlerr.New(mysqlerr.ER_UNKNOWN_TABLE, table, "field list")
			}
		}
	}
	return nil
}

func fromDual(e sqlparser.TableExpr) bool {
	a, ok := e.(*sqlparser.AliasedTableExpr)
	if !ok {
		return false
	}
	t, ok := a.Expr.(sqlparser.TableName)
	return ok && IsDual(t)
}
