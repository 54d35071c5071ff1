package general

import (
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// wrongScope is what MySQL refuses in @@global.x and @@session.x of a query: a scope that the variable does not have. The library reads the other one, or
// refuses with the error that belongs to SET.
func wrongScope(st sqlparser.SelectStatement) (err error) {
	_ = sqlparser.Walk(func(n sqlparser.SQLNode) (bool, error) {
		c, ok := n.(*sqlparser.ColName)
		if !ok || err != nil {
			return err == nil, nil
		}
		scope := strings.ToLower(strings.TrimLeft(c.Qualifier.Name.String(), "@"))
		name := c.Name.Lowered()
		if at, rest, ok := strings.Cut(name, "."); ok && strings.HasPrefix(at, "@@") {
			scope, name = at[2:], rest
		} else if !strings.HasPrefix(c.Qualifier.Name.String(), "@@") {
			return true, nil
		}
		v, _, ok := sql.SystemVariables.GetGlobal(name)
		if !ok {
			return true, nil
		}
		m, ok := v.(*sql.MysqlSystemVariable)
		if !ok {
			return true, nil
		}
		switch {
		case scope == "global" && m.Scope.Type == sql.SystemVariableScope_Session:
			err = mysqlerr.New(mysqlerr.ER_INCORRECT_GLOBAL_LOCAL_VAR, m.Name, "SESSION")
		case (scope == "session" || scope == "local") && m.IsGlobalOnly():
			err = mysqlerr.New(mysqlerr.ER_INCORRECT_GLOBAL_LOCAL_VAR, m.Name, "GLOBAL")
		}
		return true, nil
	}, st)
	return err
}

// noTables is the error of a column that names a table in a query that has none.
func noTables(n *sqlparser.Select) error {
	if len(n.From) > 1 || len(n.From) == 1 && !fromDual(n.From[0]) {
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
	return ok && isDual(t)
}
