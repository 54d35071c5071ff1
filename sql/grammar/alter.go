package grammar

import (
	"strings"

	"github.com/zoryadb/zorya/sql/lexer"
	"github.com/zoryadb/zorya/sql/sqltext"
)

// Clauses of ALTER TABLE, and of statements that it stands for, that the library's grammar lacks.

// BeforeName reports whether the name of a column, or of something else that is changed, comes after a word: ADD COLUMN algorithm.
func BeforeName(word string) bool {
	switch word {
	case "ADD", "AFTER", "ALTER", "CHANGE", "COLUMN", "DROP", "INDEX", "KEY", "MODIFY", "RENAME", "TO":
		return true
	}
	return false
}

// alterOptionClauses removes the clauses from a text that the grammar refused.
func (w *rewriter) alterOptionClauses() {
	t := w.t
	for i := range t.Outer(0) {
		if t.Word(i) != "ALGORITHM" && t.Word(i) != "LOCK" || BeforeName(t.Word(i-1)) || t.At(i-1) == "." {
			continue
		}
		n := 2
		if t.At(i+1) == "=" {
			n = 3
		}
		if t.Word(i+n-1) == "" {
			continue
		}
		switch {
		case t.At(i-1) == "," && !w.skip[t.Pos+i-1]:
			w.drop(i-1, n+1)
		case t.At(i+n) == ",":
			w.drop(i, n+1)
		default:
			w.drop(i, n)
		}
	}
}

// alterNothing gives an ALTER TABLE without anything else a clause that the grammar takes; what a clause asks for is read from the text as it was written.
func (w *rewriter) alterNothing() {
	t, i := w.t, 2
	if t.At(3) == "." {
		i = 4
	}
	for k := i + 1; t.At(k) != "" && t.At(k) != ";"; k++ {
		if !w.skip[t.Pos+k] {
			return
		}
	}
	if t.At(i) != "" {
		w.put(i, t.At(i)+" FORCE")
	}
}

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

// OrderClause finds ORDER BY outside of parentheses: its first token, the one behind it, and its columns.
func OrderClause(t *lexer.Cursor) (from, to int, columns []string) {
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
	from, to, columns := OrderClause(w.t)
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

// plainName is the name at token i.
func plainName(t *lexer.Cursor, i int) string {
	if t.Kind(i) == lexer.Quoted {
		return lexer.Unquote(t.At(i))
	}
	return t.At(i)
}

// IndexClauses finds the index hints of FROM that the library's grammar lacks: FOR JOIN, ORDER BY or GROUP BY, KEY, an empty list, several hints of a
// table. clause gets each with the numbers of its first token and of the one behind it.
func IndexClauses(t *lexer.Cursor, clause func(from, to int, one IndexHint)) {
	table := ""
	for i := 1; i < len(t.Tokens)-t.Pos; i++ {
		verb := t.Word(i)
		if verb != "USE" && verb != "FORCE" && verb != "IGNORE" || t.Word(i+1) != "INDEX" && t.Word(i+1) != "KEY" {
			continue
		}
		one := IndexHint{Hint: strings.ToLower(verb)}
		open := i + 2
		if t.Word(open) == "FOR" {
			switch t.Word(open + 1) {
			case "JOIN":
				open += 2
			case "ORDER", "GROUP":
				open += 3
			default:
				continue
			}
			one.Purpose = t.Word(i + 3)
		}
		if t.At(open) != "(" {
			continue
		}
		end := t.Closing(open)
		if end < 0 {
			return
		}
		for k := open + 1; k < end; k++ {
			if t.At(k) != "," {
				one.Names = append(one.Names, plainName(t, k))
			}
		}
		if t.At(i-1) != ")" || table == "" {
			table = plainName(t, i-1)
		}
		one.Table = table
		clause(i, end+1, one)
		i = end
	}
}

// indexHints leaves them out; hintsOf reads them from the text as it was written.
func (w *rewriter) indexHints() {
	IndexClauses(w.t, func(from, to int, _ IndexHint) { w.drop(from, to-from) })
}

// addParenthesized: ALTER TABLE t ADD (a int, b int).
func (w *rewriter) addParenthesized() {
	t := w.t
	for i := range t.Tokens {
		if t.Word(i) != "ADD" {
			continue
		}
		j := i + 1
		if t.Word(j) == "COLUMN" {
			j++
		}
		if t.At(j) != "(" {
			continue
		}
		depth := 0
		for k := j; k < len(t.Tokens); k++ {
			switch t.At(k) {
			case "(":
				depth++
			case ")":
				if depth--; depth == 0 {
					w.drop(j, 1)
					w.drop(k, 1)
					return
				}
			case ",":
				if depth == 1 {
					w.put(k, ", ADD"+columnWord(t.Word(k+1)))
				}
			}
		}
	}
}

// columnWord is COLUMN, which ADD says of what is neither a key nor a constraint.
func columnWord(first string) string {
	switch first {
	case "INDEX", "KEY", "PRIMARY", "UNIQUE", "FULLTEXT", "SPATIAL", "CONSTRAINT", "FOREIGN", "CHECK":
		return ""
	}
	return " COLUMN"
}

// RenameTarget changes the table of a CREATE TRIGGER text.
func RenameTarget(text, name string) string {
	t := lexer.NewCursor(text, 0, MaxTokens)
	for ; !t.End(); t.Pos++ {
		if t.Word(0) == "ON" && (t.Word(-1) == "INSERT" || t.Word(-1) == "UPDATE" || t.Word(-1) == "DELETE") {
			w := &rewriter{t: t, skip: map[int]bool{}, with: map[int]string{}}
			w.put(1, sqltext.Quote(name))
			if t.At(2) == "." {
				w.drop(2, 2)
			}
			return w.build()
		}
	}
	return text
}
