package general

import (
	"slices"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"

	"github.com/zoryadb/zorya/sql/lexer"
)

// showDatabases is SHOW {DATABASES | SCHEMAS} [LIKE 'pattern' | WHERE condition]. The library lists the schemas that a user has privileges on; in MySQL everybody
// has some on performance_schema, and sees sys with a privilege on all schemas. A pattern is part of the title.
func (s *Session) showDatabases(t *lexer.Cursor) (*Statement, error) {
	t.Pos = 2
	title := "Database"
	if t.Word(0) == "LIKE" {
		title += " (" + lexer.Unquote(t.At(1)) + ")"
	}
	filter, ok := filterOf(t, "Database")
	if !ok {
		return nil, s.wrong(t)
	}
	return &Statement{listsDatabases: true, run: func(c *sql.Context, s *Session, x *execution) (*Result, error) {
		_, rows, err := s.query(c, x, "SHOW DATABASES")
		if err != nil {
			return nil, err
		}
		rows = append(rows, sql.Row{"performance_schema"})
		if !s.mayEnter(c, "mysql") {
			rows = slices.DeleteFunc(rows, func(r sql.Row) bool { return r[0] == "mysql" })
		}
		if s.mayGlobal(c, sql.PrivilegeType_Select) || s.mayGlobal(c, sql.PrivilegeType_ShowDB) {
			rows = append(rows, sql.Row{"sys"})
		}
		slices.SortFunc(rows, func(a, b sql.Row) int { return strings.Compare(a[0].(string), b[0].(string)) })
		res, err := s.selected(c, x, texts("Database"), rows, filter)
		if err == nil {
			res.Columns[0].Name = title
		}
		return res, err
	}}, nil
}
