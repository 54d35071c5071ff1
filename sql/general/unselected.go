package general

import (
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/sql/grammar"
)

// bindOnly binds a statement to the catalog. To read a view the library wants a current database even where every name carries its own;
// such a statement is bound again in one that is always there, and nothing that it names can be found in that one by mistake.
func (s *Session) bindOnly(c *sql.Context, x *execution, ast sqlparser.Statement, text string) (sql.Node, *sql.QueryFlags, error) {
	b, err := s.builder(c, x)
	if err != nil {
		return nil, nil, err
	}
	bound, flags, err := b.BindOnly(ast, text, nil)
	if err == nil || !sql.ErrNoDatabaseSelected.Is(err) || c.GetCurrentDatabase() != "" || !qualified(ast) {
		return bound, flags, err
	}
	c.SetCurrentDatabase(sql.InformationSchemaDatabaseName)
	defer c.SetCurrentDatabase("")
	if b, err = s.builder(c, x); err != nil {
		return nil, nil, err
	}
	return b.BindOnly(ast, text, nil)
}

// qualified reports whether each table that a query names has its database with it. Common table expressions have none.
func qualified(ast sqlparser.Statement) bool {
	if _, ok := ast.(sqlparser.SelectStatement); !ok {
		return false
	}
	common, tables := map[string]bool{}, []string(nil)
	_ = grammar.Walk(func(n sqlparser.SQLNode) (bool, error) {
		switch n := n.(type) {
		case *sqlparser.CommonTableExpr:
			common[strings.ToLower(n.As.String())] = true
		case *sqlparser.AliasedTableExpr:
			if t, ok := n.Expr.(sqlparser.TableName); ok && t.DbQualifier.IsEmpty() {
				tables = append(tables, strings.ToLower(t.Name.String()))
			}
		}
		return true, nil
	}, ast)
	for _, t := range tables {
		if !common[t] && t != "dual" {
			return false
		}
	}
	return true
}
