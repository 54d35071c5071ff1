package general

import (
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/sql/datum"
	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// Errors of the library about a definition that do not say which column they are about: the statement is asked.

// writtenColumns are the definitions of columns that the statement has, or the variable of a program whose type is looked at.
func writtenColumns(c *sql.Context) (all []*sqlparser.ColumnDefinition) {
	x := executionOf(c)
	if x == nil || x.st == nil {
		return nil
	}
	if x.declares != nil {
		return []*sqlparser.ColumnDefinition{x.declares}
	}
	switch n := x.st.ast.(type) {
	case *sqlparser.DDL:
		if n.TableSpec != nil {
			all = n.TableSpec.Columns
		}
	case *sqlparser.AlterTable:
		for _, d := range n.Statements {
			if d.TableSpec != nil {
				all = append(all, d.TableSpec.Columns...)
			}
		}
	}
	return all
}

// columnWhere is the name of the first written column that is so, "" for none.
func columnWhere(c *sql.Context, is func(*sqlparser.ColumnDefinition) bool) string {
	for _, cd := range writtenColumns(c) {
		if is(cd) {
			return cd.Name.String()
		}
	}
	return ""
}

// invalidDefault is 1067. m[1] is why the default does not fit, and holds its value.
func invalidDefault(c *sql.Context, m []string) *mysqlerr.Error {
	name := columnWhere(c, func(cd *sqlparser.ColumnDefinition) bool {
		v, ok := cd.Type.Default.(*sqlparser.SQLVal)
		return ok && strings.Contains(m[1], string(v.Val))
	})
	if x := executionOf(c); name == "" && x != nil && x.st != nil { // ALTER COLUMN ... SET DEFAULT
		if n, ok := x.st.ast.(*sqlparser.AlterTable); ok {
			for _, d := range n.Statements {
				if d.DefaultSpec != nil {
					name = d.DefaultSpec.Column.String()
				}
			}
		}
	}
	return mysqlerr.New(mysqlerr.ER_INVALID_DEFAULT, name)
}

// wrongSetValue is a member that a SET does not have: of sql_mode and the like, whose types are SETs.
func wrongSetValue(c *sql.Context, m []string) *mysqlerr.Error {
	if x := executionOf(c); x != nil && x.st != nil {
		if n, ok := x.st.ast.(*sqlparser.Set); ok {
			for _, e := range n.Exprs {
				if e.Name != nil {
					return mysqlerr.New(mysqlerr.ER_WRONG_VALUE_FOR_VAR, strings.TrimLeft(strings.ToLower(e.Name.Name.String()), "@"), m[1])
				}
			}
		}
	}
	return mysqlerr.New(mysqlerr.ER_WRONG_VALUE_FOR_VAR, "sql_mode", m[1])
}

// tooPrecise is 1426.
func tooPrecise(c *sql.Context, _ []string) *mysqlerr.Error {
	digits := ""
	name := columnWhere(c, func(cd *sqlparser.ColumnDefinition) bool {
		if cd.Type.Length == nil || len(cd.Type.Length.Val) == 1 && cd.Type.Length.Val[0] <= '0'+datum.Fraction {
			return false
		}
		digits = string(cd.Type.Length.Val)
		switch strings.ToLower(cd.Type.Type) {
		case "timestamp", "datetime", "time":
			return true
		}
		return false
	})
	return mysqlerr.NewMessage(mysqlerr.ER_TOO_BIG_PRECISION, "Too-big precision %s specified for '%s'. Maximum is %d.", digits, name, datum.Fraction)
}

// tooLongColumn is 1074, or 1439 beyond what a TEXT or BLOB holds.
func tooLongColumn(c *sql.Context, m []string) *mysqlerr.Error {
	wide := false
	name := columnWhere(c, func(cd *sqlparser.ColumnDefinition) bool {
		kind := strings.ToLower(cd.Type.Type)
		wide = strings.HasSuffix(kind, "text") || strings.HasSuffix(kind, "blob")
		return cd.Type.Length != nil && string(cd.Type.Length.Val) == m[1]
	})
	if wide {
		return mysqlerr.NewMessage(1439, "Display width out of range for column '%s' (max = %s)", name, m[2])
	}
	return mysqlerr.NewMessage(mysqlerr.ER_TOO_BIG_FIELDLENGTH, "Column length too big for column '%s' (max = %s); use BLOB or TEXT instead", name, m[2])
}
