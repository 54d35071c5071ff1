package grammar

import (
	"strconv"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/sql/lexer"
)

// Forms of CREATE TABLE and ALTER TABLE that the library's grammar lacks.

// sizedTexts: BLOB(n) and TEXT(n) are the smallest type that holds n bytes or characters.
func (w *rewriter) sizedTexts() {
	t := w.t
	for i := range t.Tokens {
		name := t.Word(i)
		if name != "BLOB" && name != "TEXT" || t.At(i+1) != "(" || t.At(i+3) != ")" || t.At(i-1) == "(" || t.At(i-1) == "," {
			continue
		}
		n, err := strconv.ParseUint(t.At(i+2), 10, 32)
		if err != nil {
			continue
		}
		if name == "TEXT" {
			n *= uint64(w.characterBytes(i + 4))
		}
		size := "LONG"
		switch {
		case n < 1<<8:
			size = "TINY"
		case n < 1<<16:
			size = ""
		case n < 1<<24:
			size = "MEDIUM"
		}
		w.put(i, size+name)
		w.drop(i+1, 3)
	}
}

// characterWord writes out BYTE, ASCII and UNICODE after a type of text: character sets of old.
func (w *rewriter) characterWord(word string) {
	t, at := w.t, -1
	if t.At(at) == ")" && t.At(at-2) == "(" && t.Kind(at-1) == lexer.Int {
		at -= 3
	}
	switch t.Word(at) {
	case "CHAR", "CHARACTER", "VARCHAR", "VARYING", "TEXT", "TINYTEXT", "MEDIUMTEXT", "LONGTEXT":
		w.put(0, "CHARACTER SET "+map[string]string{"BYTE": "binary", "ASCII": "latin1", "UNICODE": "ucs2"}[word])
	}
}

// conditionColumns gives the conditions that columns are generated from, or have for a default, parentheses of their own, which the grammar wants.
func (w *rewriter) conditionColumns() {
	t := w.t
	for i := range t.Tokens {
		if word := t.Word(i); word != "AS" && word != "DEFAULT" || t.At(i+1) != "(" {
			continue
		}
		first := i + 2
		for t.At(first) == "(" {
			first++
		}
		if queryWords[t.Word(first)] {
			continue
		}
		depth, condition := 1, false
		for k := i + 2; k < len(t.Tokens) && depth > 0; k++ {
			switch s := t.At(k); {
			case s == "(":
				depth++
			case s == ")":
				if depth--; depth == 0 && condition {
					w.put(i+1, "((")
					w.put(k, "))")
				}
			case depth == 1 && (strings.ContainsAny(s[:1], "=<>!") || conditionWords[t.Word(k)]):
				condition = true
			}
		}
	}
}

var (
	queryWords     = map[string]bool{"SELECT": true, "WITH": true, "VALUES": true, "TABLE": true}
	conditionWords = map[string]bool{"IS": true, "LIKE": true, "IN": true, "BETWEEN": true, "REGEXP": true, "RLIKE": true, "AND": true, "OR": true, "XOR": true,
		"NOT": true, "MEMBER": true, "SOUNDS": true}
)

// characterBytes is how long a character is in the set that is named after a column's type, or else in the default one.
func (w *rewriter) characterBytes(i int) int64 {
	switch {
	case w.t.Word(i) == "CHARSET":
		i++
	case (w.t.Word(i) == "CHARACTER" || w.t.Word(i) == "CHAR") && w.t.Word(i+1) == "SET":
		i += 2
	default:
		return sql.CharacterSet_utf8mb4.MaxLength()
	}
	cs, err := sql.ParseCharacterSet(w.t.Word(i))
	if err != nil || cs == sql.CharacterSet_Unspecified {
		return sql.CharacterSet_utf8mb4.MaxLength()
	}
	return cs.MaxLength()
}

// The library's grammar has KEY of a column's definition, which is PRIMARY KEY, as an option of its own that nobody reads.
const (
	optionPrimaryKey sqlparser.ColumnKeyOption = 1
	optionKey        sqlparser.ColumnKeyOption = 5
	// UNIQUE and UNIQUE KEY
	OptionUnique    sqlparser.ColumnKeyOption = 3
	OptionUniqueKey sqlparser.ColumnKeyOption = 4
)

// keyColumns makes columns that are defined as KEY the primary key.
func keyColumns(st sqlparser.Statement) {
	switch st := st.(type) {
	case *sqlparser.DDL:
		keyColumnsOf(st)
	case *sqlparser.AlterTable:
		for _, d := range st.Statements {
			keyColumnsOf(d)
		}
	}
}

func keyColumnsOf(d *sqlparser.DDL) {
	if d.TableSpec == nil {
		return
	}
	for _, c := range d.TableSpec.Columns {
		if c.Type.KeyOpt == optionKey {
			c.Type.KeyOpt = optionPrimaryKey
		}
	}
}
