package general

import (
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/sql/grammar"
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
	bare := s.cur == nil && !grammar.ReadsTables(query)
	if !bare && !strings.Contains(text, "@@") {
		return nil
	}
	_ = grammar.Walk(func(n sqlparser.SQLNode) (bool, error) {
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
