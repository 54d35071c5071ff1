package shell

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/zoryadb/zorya/sql/wire"
)

// escaper keeps a value in its column and its line, as MySQL's client does in batch mode.
var escaper = strings.NewReplacer("\t", `\t`, "\n", `\n`, "\\", `\\`, "\x00", `\0`)

// lines prints rows as tab-separated lines while they arrive.
func (s *shell) lines(rs *wire.Rows, cols []wire.Column) (n int, err error) {
	if !s.o.NoNames {
		for i := range cols {
			s.field(i, cols[i].Name)
		}
		fmt.Fprintln(s.out)
	}
	for ; rs.Next(); n++ {
		for i, v := range rs.Row() {
			if v == nil {
				s.field(i, "NULL")
			} else {
				s.field(i, escaper.Replace(string(v)))
			}
		}
		fmt.Fprintln(s.out)
	}
	return n, rs.Err()
}

func (s *shell) field(i int, v string) {
	if i > 0 {
		s.out.WriteByte('\t') // an error stays in the writer until its Flush
	}
	s.out.WriteString(v)
}

// boxRows bounds the rows whose widths a box is measured by: more rows come in boxes of their own, so memory stays bounded.
const boxRows = 10_000

// box prints rows in a frame.
func (s *shell) box(rs *wire.Rows, cols []wire.Column) (n int, err error) {
	var rows [][]string
	for rs.Next() {
		row := make([]string, len(cols))
		for i, v := range rs.Row() {
			if v == nil {
				row[i] = "NULL"
			} else {
				row[i] = strings.ReplaceAll(string(v), "\x00", `\0`)
			}
		}
		rows = append(rows, row)
		if n++; len(rows) == boxRows {
			s.frame(cols, rows)
			rows = rows[:0]
		}
	}
	if len(rows) > 0 {
		s.frame(cols, rows)
	}
	return n, rs.Err()
}

func (s *shell) frame(cols []wire.Column, rows [][]string) {
	widths := make([]int, len(cols))
	for i := range cols {
		widths[i] = utf8.RuneCountInString(cols[i].Name)
		for _, r := range rows {
			widths[i] = max(widths[i], utf8.RuneCountInString(r[i]))
		}
	}
	rule := "+"
	for _, w := range widths {
		rule += strings.Repeat("-", w+2) + "+"
	}
	fmt.Fprintln(s.out, rule)
	if !s.o.NoNames {
		for i := range cols {
			s.cell(cols[i].Name, widths[i], false)
		}
		fmt.Fprintf(s.out, "|\n%s\n", rule)
	}
	for _, r := range rows {
		for i, v := range r {
			s.cell(v, widths[i], isNumber(cols[i].Type))
		}
		fmt.Fprintln(s.out, "|")
	}
	fmt.Fprintln(s.out, rule)
}

func (s *shell) cell(v string, width int, right bool) {
	pad := strings.Repeat(" ", width-utf8.RuneCountInString(v))
	if right {
		fmt.Fprintf(s.out, "| %s%s ", pad, v)
	} else {
		fmt.Fprintf(s.out, "| %s%s ", v, pad)
	}
}

func isNumber(t wire.Type) bool {
	switch t {
	case wire.TypeTiny, wire.TypeShort, wire.TypeInt24, wire.TypeLong, wire.TypeLongLong, wire.TypeFloat, wire.TypeDouble,
		wire.TypeDecimal, wire.TypeNewDecimal, wire.TypeYear:
		return true
	}
	return false
}

// vertical prints one column a line.
func (s *shell) vertical(rs *wire.Rows, cols []wire.Column) (n int, err error) {
	width := 0
	for i := range cols {
		width = max(width, utf8.RuneCountInString(cols[i].Name))
	}
	for rs.Next() {
		n++
		fmt.Fprintf(s.out, "*************************** %d. row ***************************\n", n)
		for i, v := range rs.Row() {
			text := "NULL"
			if v != nil {
				text = string(v)
			}
			fmt.Fprintf(s.out, "%s%s: %s\n", strings.Repeat(" ", width-utf8.RuneCountInString(cols[i].Name)), cols[i].Name, text)
		}
	}
	return n, rs.Err()
}
