package perfschema

import (
	_ "embed"
	"fmt"
	"strings"
	"sync"
)

// Table is one of performance_schema's tables.
type Table struct {
	Name    string
	Columns []Column
	rows    func(*Source) [][]any
}

// Column is a column with its type as SQL writes it. Default is that of a column which rows that are inserted may leave out.
type Column struct{ Name, Type, Default string }

//go:embed columns.txt
var columnsText string

// Tables are the tables that this package defines, by lower-case name.
var Tables = sync.OnceValue(func() map[string]*Table {
	lines, groups := map[string]string{}, map[string]string{}
	for line := range strings.Lines(columnsText) {
		name, columns, ok := strings.Cut(strings.TrimSpace(line), ": ")
		switch {
		case !ok || strings.HasPrefix(name, "#"):
		case strings.HasPrefix(name, "{"):
			groups[name] = columns
		default:
			lines[name] = columns
		}
	}
	out := map[string]*Table{}
	for name, columns := range lines {
		t := &Table{Name: name, rows: rows[name]}
		t.add(columns, groups)
		out[name] = t
	}
	for name := range rows {
		if out[name] == nil {
			panic(fmt.Sprintf("perfschema: rows of %s, which columns.txt has not", name))
		}
	}
	return out
})

// add adds columns, and those of groups that they name.
func (t *Table) add(columns string, groups map[string]string) {
	for c := range strings.SplitSeq(columns, ", ") {
		if strings.HasPrefix(c, "{") {
			t.add(groups[c], groups)
			continue
		}
		name, typ, _ := strings.Cut(c, " ")
		typ, def, _ := strings.Cut(typ, " DEFAULT ")
		t.Columns = append(t.Columns, Column{name, typ, def})
	}
}

// Rows computes the table's rows. What a row lacks at its end is NULL, but 0 in a column of a count.
func (t *Table) Rows(s *Source) [][]any {
	if t.rows == nil {
		return nil
	}
	out := t.rows(s)
	for i, r := range out {
		for c := len(r); c < len(t.Columns); c++ {
			r = append(r, t.blank(c))
		}
		out[i] = r
	}
	return out
}

// blank is what a column has that nothing is measured for.
func (t *Table) blank(c int) any {
	n := t.Columns[c].Name
	for _, p := range []string{"SUM_", "MIN_", "AVG_", "MAX_", "COUNT_"} {
		if strings.HasPrefix(n, p) {
			return uint64(0)
		}
	}
	return nil
}
