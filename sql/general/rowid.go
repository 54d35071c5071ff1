package general

import (
	"cmp"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/sql/grammar"
	"github.com/zoryadb/zorya/sql/tabledef"
)

// _rowid is the only column of a table's primary key, or else of its first unique key without NULLs, if that is a whole number.

// withRowIDs puts the columns that _rowid stands for into a statement. kept is a tree that outlives the statement and is not changed.
func (s *Session) withRowIDs(c *sql.Context, ast, kept sqlparser.Statement, text string) sqlparser.Statement {
	if !strings.Contains(strings.ToLower(text), tabledef.RowIDName) {
		return ast
	}
	if ast == kept {
		fresh, err := s.parseAgain(c, ast, text)
		if err != nil {
			return ast
		}
		ast = fresh
	}
	node, ok := ast.(sqlparser.SQLNode)
	if !ok {
		return ast
	}
	_ = grammar.Walk(func(n sqlparser.SQLNode) (bool, error) { // the visitor gives no error
		switch n := n.(type) {
		case *sqlparser.Select:
			if n != nil {
				s.nameRowIDs(c, n.From, n.SelectExprs, n.Where, n.GroupBy, n.Having, n.OrderBy)
			}
		case *sqlparser.Update:
			s.nameRowIDs(c, n.TableExprs, n.Exprs, n.Where, n.OrderBy)
		case *sqlparser.Delete:
			s.nameRowIDs(c, n.TableExprs, n.Where, n.OrderBy)
		}
		return true, nil
	}, node)
	return ast
}

// nameRowIDs does so within a query block, not in its subqueries.
func (s *Session) nameRowIDs(c *sql.Context, from sqlparser.TableExprs, in ...sqlparser.SQLNode) {
	keys := map[string]string{} // by the table's name in the block
	var only string
	_ = grammar.Walk(func(n sqlparser.SQLNode) (bool, error) { // the visitor gives no error
		switch n := n.(type) {
		case *sqlparser.Subquery:
			return false, nil
		case *sqlparser.AliasedTableExpr:
			name, ok := n.Expr.(sqlparser.TableName)
			if !ok {
				return false, nil
			}
			if m := s.metaNamed(c, name); m != nil {
				if key := m.RowID(); key != "" {
					keys[strings.ToLower(cmp.Or(n.As.String(), name.Name.String()))], only = key, key
				}
			}
		}
		return true, nil
	}, from)
	if len(keys) == 0 {
		return
	}
	name := func(n sqlparser.SQLNode) (bool, error) {
		switch n := n.(type) {
		case *sqlparser.Subquery:
			return false, nil
		case *sqlparser.AliasedExpr:
			if col, ok := n.Expr.(*sqlparser.ColName); ok && n.As.IsEmpty() && col.Name.EqualString(tabledef.RowIDName) {
				n.As = sqlparser.NewColIdent(tabledef.RowIDName)
			}
		case *sqlparser.ColName:
			if !n.Name.EqualString(tabledef.RowIDName) {
				break
			}
			key := keys[strings.ToLower(n.Qualifier.Name.String())]
			if n.Qualifier.IsEmpty() && len(keys) == 1 {
				key = only
			}
			if key != "" {
				n.Name = sqlparser.NewColIdent(key)
			}
		}
		return true, nil
	}
	for _, n := range in {
		_ = grammar.Walk(name, n) // nor does this one
	}
}
