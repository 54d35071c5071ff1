package tabledef

import (
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/transform"
	"github.com/dolthub/go-mysql-server/sql/types"

	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/grammar"
	"github.com/zoryadb/zorya/sql/lexer"
)

// Position is the position of a column of a definition by its name, -1 if there is none.
func Position(d *table.Def, name string) int {
	for i := range d.Columns {
		if strings.EqualFold(d.Columns[i].Name, name) {
			return i
		}
	}
	return -1
}

// Key is PRI, UNI, MUL or nothing.
func (m *Table) Key(i int) string {
	key := ""
	primary := len(m.PK) > 0
	for j := range m.Def.Indexes {
		ix := &m.Def.Indexes[j]
		if ix.Hidden {
			continue
		}
		promoted := !primary && ix.Unique && !m.NullableKey(ix)
		for k, p := range ix.Parts {
			if p.Column != i {
				continue
			}
			switch {
			case ix.Primary || promoted:
				return "PRI"
			case k == 0 && ix.Unique && len(ix.Parts) == 1 && p.Prefix == 0:
				key = "UNI"
			case k == 0 && key == "":
				key = "MUL"
			}
		}
		if promoted {
			primary = true // the first such index stands for the primary key
		}
	}
	return key
}

// NullableKey reports whether a column of the key may be NULL.
func (m *Table) NullableKey(ix *table.Index) bool {
	for _, p := range ix.Parts {
		if m.Def.Columns[p.Column].Nullable {
			return true
		}
	}
	return false
}

// ShownDefault is a DEFAULT without quotes, nil for none.
func (m *Table) ShownDefault(i int) any {
	a := &m.Columns[i]
	switch {
	case a.Default == "" || a.Generated != "":
		return nil
	case a.Literal && strings.HasPrefix(a.Default, "'"):
		return lexer.Unquote(a.Default)
	case a.Literal:
		return a.Default
	case strings.HasPrefix(a.Default, "(") && Closes(a.Default):
		return a.Default[1 : len(a.Default)-1]
	}
	return a.Default
}

// Extra is what SHOW COLUMNS says under Extra.
func (m *Table) Extra(i int) string {
	col, a := m.Schema[i], &m.Columns[i]
	var out []string
	switch {
	case col.AutoIncrement:
		out = append(out, "auto_increment")
	case a.Generated != "" && col.Virtual:
		out = append(out, "VIRTUAL GENERATED")
	case a.Generated != "":
		out = append(out, "STORED GENERATED")
	case a.Default != "" && !a.Literal:
		out = append(out, "DEFAULT_GENERATED")
	}
	if a.OnUpdate != "" {
		out = append(out, "on update "+a.OnUpdate)
	}
	if a.Invisible {
		out = append(out, "INVISIBLE")
	}
	return strings.Join(out, " ")
}

// TakeMark moves the mark from the comment into the attributes.
func (a *Column) TakeMark() {
	a.Comment, a.Invisible = strings.CutPrefix(a.Comment, grammar.InvisibleMark)
}

// Hides reports whether the table has invisible columns.
func (m *Table) Hides() bool {
	for i := range m.Columns {
		if m.Columns[i].Invisible {
			return true
		}
	}
	return false
}

// Visible are the names of the columns that a star stands for.
func (m *Table) Visible() []string {
	out := make([]string, 0, len(m.Schema))
	for i, col := range m.Schema {
		if !m.Columns[i].Invisible && !col.HiddenSystem {
			out = append(out, col.Name)
		}
	}
	return out
}

// Has reports whether the table has a column of the name.
func (m *Table) Has(column string) bool { return m.Position(column) >= 0 }

// Position is the position of a column by its name, -1 if there is none.
func (m *Table) Position(column string) int {
	if m != nil {
		for i, col := range m.Schema {
			if strings.EqualFold(col.Name, column) {
				return i
			}
		}
	}
	return -1
}

// RowIDName is the name by which statements may call a key of one integer column.
const RowIDName = "_rowid"

// RowID is the column that _rowid stands for, "" if there is none.
func (m *Table) RowID() string {
	if Position(m.Def, RowIDName) >= 0 || len(m.Def.Indexes) == 0 {
		return ""
	}
	ix := &m.Def.Indexes[0]
	if ix.Hidden || !ix.Unique || len(ix.Parts) != 1 {
		return ""
	}
	col := m.Schema[ix.Parts[0].Column]
	if col.HiddenSystem || !types.IsInteger(col.Type) || m.Def.Columns[ix.Parts[0].Column].Nullable {
		return ""
	}
	return col.Name
}

// Bind binds the columns of an expression to their positions in the table's rows.
func (m *Table) Bind(c *sql.Context, x sql.Expression) (sql.Expression, error) {
	bound, _, err := transform.Expr(c, x, func(_ *sql.Context, e sql.Expression) (sql.Expression, transform.TreeIdentity, error) {
		gf, ok := e.(*expression.GetField)
		if !ok {
			return e, transform.SameTree, nil
		}
		pos := Position(m.Def, gf.Name())
		if pos < 0 {
			return nil, transform.SameTree, sql.ErrTableColumnNotFound.New(m.Def.Name, gf.Name())
		}
		return gf.WithIndex(pos), transform.NewTree, nil
	})
	return bound, err
}
