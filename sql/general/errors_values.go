package general

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/tabledef"
)

func duplicateText(value, tableName, indexName string) string {
	return dupMarker + value + "\x00" + tableName + "\x00" + indexName
}

func duplicateError(_ *sql.Context, m []string) *mysqlerr.Error {
	return mysqlerr.NewMessage(mysqlerr.ER_DUP_ENTRY, "Duplicate entry '%s' for key '%s.%s'", m[1], m[2], m[3])
}

// foreignKeyError prints the constraint as MySQL does.
func foreignKeyError(c *sql.Context, code mysqlerr.Code, m []string) *mysqlerr.Error {
	detail := fmt.Sprintf("`%s`, CONSTRAINT `%s`", m[2], m[1][strings.LastIndexByte(m[1], 0)+1:])
	if s := sessionOf(c); s != nil && s.cur != nil {
		if f, schema := s.findForeignKey(c, m[2], m[1]); f != nil {
			detail = fmt.Sprintf("`%s`.`%s`, %s", schema, m[2], f.Text(schema))
		}
	}
	return mysqlerr.New(code, detail)
}

// findForeignKey looks for a constraint by its foreignID among the tables that the statement opened.
func (s *Session) findForeignKey(c *sql.Context, tableName, name string) (*tabledef.ForeignKey, string) {
	for k := range s.cur.opened {
		if !strings.EqualFold(k[1], tableName) {
			continue
		}
		d, err := s.e.catalog.Definition(c, k[0], k[1])
		if err != nil {
			continue
		}
		var a tabledef.Attrs
		if tabledef.Decode(d.Attrs, &a) != nil {
			continue
		}
		for i := range a.FKs {
			if strings.EqualFold(foreignID(k[0], d.Name, a.FKs[i].Name), name) {
				return &a.FKs[i], k[0]
			}
		}
	}
	return nil, ""
}

func wrongTime(c *sql.Context, v string) *mysqlerr.Error {
	for _, kind := range []string{"date", "datetime", "timestamp", "time"} {
		if col := columnOfKind(c, kind); col != "" {
			shown := kind
			if kind == "timestamp" {
				shown = "datetime"
			}
			return mysqlerr.NewMessage(mysqlerr.ER_TRUNCATED_WRONG_VALUE, "Incorrect %s value: '%s' for column '%s' at row 1", shown, v, col)
		}
	}
	return mysqlerr.NewMessage(mysqlerr.ER_TRUNCATED_WRONG_VALUE, "Incorrect datetime value: '%s'", v)
}

// columnOfKind names a written column of exactly this type, parameters aside.
func columnOfKind(c *sql.Context, kind string) string {
	s := sessionOf(c)
	if s == nil || s.cur == nil || s.cur.st.Class != Write {
		return ""
	}
	for _, t := range s.cur.opened {
		m, err := s.e.metas.Get(c, t.Def())
		if err != nil {
			continue
		}
		for _, col := range m.Schema {
			base, _, _ := strings.Cut(strings.ToLower(col.Type.String()), "(")
			if base == kind && s.cur.writes(col.Name) {
				return col.Name
			}
		}
	}
	return ""
}

func wrongValue(c *sql.Context, v, typ string) *mysqlerr.Error {
	kind := "integer"
	switch {
	case strings.HasPrefix(typ, "date"), strings.HasPrefix(typ, "time"):
		return wrongTime(c, v)
	case strings.HasPrefix(typ, "dec"):
		kind = "decimal"
	case strings.HasPrefix(typ, "float"), strings.HasPrefix(typ, "double"):
		kind = "double"
	}
	return mysqlerr.NewMessage(mysqlerr.ER_TRUNCATED_WRONG_VALUE_FOR_FIELD, "Incorrect %s value: '%s' for column '%s' at row 1", kind, v, columnByType(c, typ))
}

func outOfRange(c *sql.Context, v, typ string) *mysqlerr.Error {
	return mysqlerr.New(mysqlerr.ER_WARN_DATA_OUT_OF_RANGE, columnByType(c, typ), 1)
}

// columnByType names the column that a conversion failed for: the library tells its type only, so it is
// named when the statement's tables have one such column among those it writes.
func columnByType(c *sql.Context, typ string) string {
	s := sessionOf(c)
	if s == nil || s.cur == nil {
		return ""
	}
	var found []string
	for _, t := range s.cur.opened {
		m, err := s.e.metas.Get(c, t.Def())
		if err != nil {
			continue
		}
		for _, col := range m.Schema {
			if strings.HasPrefix(strings.ToLower(col.Type.String()), strings.ToLower(strings.TrimSpace(typ))) && s.cur.writes(col.Name) {
				found = append(found, col.Name)
			}
		}
	}
	if len(found) == 0 {
		return ""
	}
	return found[0]
}

// writes reports whether the statement names a column as one that it sets.
func (x *execution) writes(name string) bool {
	switch n := x.st.ast.(type) {
	case *sqlparser.Insert:
		if len(n.Columns) == 0 {
			return true
		}
		for _, col := range n.Columns {
			if col.EqualString(name) {
				return true
			}
		}
		return false
	case *sqlparser.Update:
		return slices.ContainsFunc(n.Exprs, func(a *sqlparser.AssignmentExpr) bool { return a.Name.Name.EqualString(name) })
	}
	return true
}

func verbOf(c *sql.Context) string {
	if c == nil {
		return "SELECT"
	}
	word, _, _ := strings.Cut(strings.TrimSpace(c.Query()), " ")
	return strings.ToUpper(word)
}
