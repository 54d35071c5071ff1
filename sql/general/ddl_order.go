package general

import (
	"github.com/dolthub/go-mysql-server/sql"

	"github.com/zoryadb/zorya/sql/lexer"
	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// ALTER TABLE ... ORDER BY: the library's grammar lacks it. As in InnoDB it changes nothing, because rows are in the order of the clustered index.

// orderItem reads column [ASC | DESC] at token i and returns the next token and the column.
func orderItem(t *lexer.Cursor, i int) (next int, column string, ok bool) {
	at := t.Pos
	defer func() { t.Pos = at }()
	t.Pos += i
	if column, ok = t.Name(); !ok {
		return 0, "", false
	}
	for t.Accept(".") {
		if column, ok = t.Name(); !ok {
			return 0, "", false
		}
	}
	if !t.Accept("ASC") {
		t.Accept("DESC")
	}
	next = t.Pos - at
	return next, column, t.At(0) == "," || t.At(0) == "" || t.At(0) == ";"
}

// orderClause finds ORDER BY outside of parentheses: its first token, the one behind it, and its columns.
func orderClause(t *lexer.Cursor) (from, to int, columns []string) {
	for i := range t.Outer(0) {
		if t.Word(i) != "ORDER" || t.Word(i+1) != "BY" || i < 3 {
			continue
		}
		to = i + 2
		for {
			next, column, ok := orderItem(t, to)
			if !ok {
				break
			}
			columns, to = append(columns, column), next
			if _, _, more := orderItem(t, next+1); t.At(next) != "," || !more {
				break
			}
			to++
		}
		if len(columns) > 0 {
			return i, to, columns
		}
	}
	return 0, 0, nil
}

// alterOrder leaves the clause out.
func (w *rewriter) alterOrder() {
	from, to, columns := orderClause(w.t)
	switch {
	case len(columns) == 0:
	case w.t.At(from-1) == ",":
		w.drop(from-1, to-from+1)
	case w.t.At(to) == ",":
		w.drop(from, to-from+1)
	default: // it stands alone
		w.drop(from+1, to-from-1)
		w.put(from, "ENGINE = InnoDB")
	}
}

// orderBy checks the columns of the clause and says that it changes nothing.
func (a *alteration) orderBy(c *sql.Context, written string) error {
	_, _, columns := orderClause(lexer.NewCursor(written, 0, maxTokens))
	for _, name := range columns {
		if _, err := a.column(name); err != nil {
			return mysqlerr.New(mysqlerr.ER_BAD_FIELD_ERROR, name, "order clause")
		}
	}
	if ix := a.old.def.Indexes; len(columns) > 0 && len(ix) > 0 && !ix[0].Hidden {
		c.Warn(int(mysqlerr.ER_UNKNOWN_ERROR), "ORDER BY ignored as there is a user-defined clustered index in the table '%s'", a.old.def.Name)
	}
	return nil
}
