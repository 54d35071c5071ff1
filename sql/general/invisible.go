package general

import (
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/sql/grammar"
)

// Invisible columns: a star does not show them, an INSERT without column list does not fill them, and who names them sees them. Package
// grammar marks them in a definition. Statements with a star, or without a column list, that meet such a table name the visible columns instead.

// visibleOnly names the visible columns where the statement leaves the columns of a table with invisible ones open; st itself otherwise. The
// syntax tree of a prepared statement outlives the table's definition, so a tree of its own is changed.
func (s *Session) visibleOnly(c *sql.Context, st sqlparser.Statement, text string) sqlparser.Statement {
	if !s.leavesOpen(c, st, false) {
		return st
	}
	fresh, err := s.parseAgain(c, st, text)
	if err != nil {
		return st // the caller's own parse has a better idea of it
	}
	s.leavesOpen(c, fresh, true)
	return fresh
}

// stars says whether a statement leaves columns of a table open: by a star, a join by USING, or as an INSERT without a list of columns.
type stars uint8

const (
	starsUnknown stars = iota
	starsNone
	starsSome
)

// namesAll reports whether the statement names all columns that it is about, in each query within. It looks once: the tree of a statement that is executed
// again is the same.
func (st *Statement) namesAll() bool {
	if st.stars == starsUnknown {
		st.stars = starsNone
		_ = grammar.Walk(func(n sqlparser.SQLNode) (bool, error) { // the visitor gives no error
			switch n := n.(type) {
			case *sqlparser.StarExpr:
				st.stars = starsSome
			case *sqlparser.JoinTableExpr:
				if len(n.Condition.Using) > 0 || strings.Contains(n.Join, "natural") {
					st.stars = starsSome
				}
			case *sqlparser.Insert:
				if n != nil && len(n.Columns) == 0 {
					st.stars = starsSome
				}
			}
			return st.stars == starsNone, nil
		}, st.ast)
	}
	return st.stars == starsNone
}

func (s *Session) openInsert(c *sql.Context, n *sqlparser.Insert, fill bool) bool {
	if len(n.Columns) > 0 {
		return false
	}
	m := s.metaNamed(c, n.Table)
	if m == nil || !m.Hides() {
		return false
	}
	if rows, ok := n.Rows.(*sqlparser.AliasedValues); ok && len(rows.Values) > 0 && len(rows.Values[0]) == 0 {
		return false // VALUES ()
	}
	if fill {
		for _, name := range m.Visible() {
			n.Columns = append(n.Columns, sqlparser.NewColIdent(name))
		}
	}
	return true
}

// visibleText is the query of a view, whose star stands for the columns that were visible when the view was made.
func (s *Session) visibleText(c *sql.Context, query string) string {
	st, err := s.e.parseOne(c, query)
	if err != nil || !s.leavesOpen(c, st, true) {
		return query
	}
	_ = grammar.Walk(func(n sqlparser.SQLNode) (bool, error) { // the visitor gives no error
		if e, ok := n.(*sqlparser.AliasedExpr); ok && e.As.IsEmpty() && e.InputExpression != "" {
			if _, column := e.Expr.(*sqlparser.ColName); !column {
				e.As = sqlparser.NewColIdent(e.InputExpression)
			}
		}
		return true, nil
	}, st)
	return sqlparser.String(st)
}
