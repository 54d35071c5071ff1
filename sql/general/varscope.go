package general

import (
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// wrongVariables is what MySQL refuses in the variables of a query, in the order in which they stand there: in @@global.x and @@session.x a scope that
// the variable does not have, of which the library reads the other one or refuses it with the error that belongs to SET; and in a query without tables a variable's
// name without @@, which is a column's name and to the library a variable all the same. In a routine it may be a variable of that.
func (s *Session) wrongVariables(st sqlparser.Statement, text string) (err error) {
	query, ok := st.(*sqlparser.Select)
	if !ok {
		return nil
	}
	bare := s.cur == nil && !readsTables(query)
	if !bare && !strings.Contains(text, "@@") {
		return nil
	}
	_ = walk(func(n sqlparser.SQLNode) (bool, error) {
		if c, ok := n.(*sqlparser.ColName); ok && err == nil {
			err = wrongVariable(c, bare)
		}
		_, inner := n.(*sqlparser.Subquery)
		return err == nil && !(bare && inner), nil
	}, query.SelectExprs)
	return err
}

func wrongVariable(c *sqlparser.ColName, bare bool) error {
	name, table := c.Name.Lowered(), strings.ToLower(c.Qualifier.Name.String())
	scope, rest, scoped := strings.Cut(name, ".")
	switch {
	case strings.HasPrefix(table, "@@"):
		scope = table
	case strings.HasPrefix(name, "@@") && scoped:
		name = rest
	case bare && table == "" && !strings.HasPrefix(name, "@"):
		scope = ""
	default:
		return nil
	}
	v, _, ok := sql.SystemVariables.GetGlobal(name)
	if !ok {
		return nil
	}
	m, ok := v.(*sql.MysqlSystemVariable)
	if !ok {
		return nil
	}
	switch scope {
	case "":
		return mysqlerr.New(mysqlerr.ER_BAD_FIELD_ERROR, c.Name.String(), "field list")
	case "@@global":
		if m.Scope.Type == sql.SystemVariableScope_Session {
			return mysqlerr.New(mysqlerr.ER_INCORRECT_GLOBAL_LOCAL_VAR, m.Name, "SESSION")
		}
	case "@@session", "@@local":
		if m.IsGlobalOnly() {
			return mysqlerr.New(mysqlerr.ER_INCORRECT_GLOBAL_LOCAL_VAR, m.Name, "GLOBAL")
		}
	}
	return nil
}

func readsTables(n *sqlparser.Select) bool {
	return len(n.From) > 1 || len(n.From) == 1 && !fromDual(n.From[0])
}

// noTables is the error of a column that names a table in a query that has none.
func noTables(n *sqlparser.Select) error {
	if readsTables(n) {
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
