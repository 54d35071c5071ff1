package grammar

import (
	"strings"

	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/sql/lexer"
	"github.com/zoryadb/zorya/sql/sqltext"
)

// The library's grammar reads INVISIBLE of a column and forgets it. Here it is found in the text and kept as a mark before the column's comment, until the
// definition is made.

const (
	InvisibleMark = "\u2063invisible\u2063"
	visibleMark   = "\u2063visible\u2063"
)

// markInvisible marks the columns that a statement defines as invisible.
func markInvisible(st sqlparser.Statement, text string, mode lexer.Mode) {
	var specs []*sqlparser.TableSpec
	switch st := st.(type) {
	case *sqlparser.DDL:
		specs = append(specs, st.TableSpec)
	case *sqlparser.AlterTable:
		for _, d := range st.Statements {
			specs = append(specs, d.TableSpec)
		}
	default:
		return
	}
	if !strings.Contains(strings.ToUpper(text), "INVISIBLE") {
		return
	}
	names := invisibleNames(lexer.NewCursor(text, mode, MaxTokens))
	for _, spec := range specs {
		if spec == nil {
			continue
		}
		for _, cd := range spec.Columns {
			if names[cd.Name.Lowered()] {
				Hide(cd, true)
			}
		}
	}
}

// Hide marks a column as invisible, or takes the mark away.
func Hide(cd *sqlparser.ColumnDefinition, invisible bool) {
	comment := ""
	if cd.Type.Comment != nil {
		comment = strings.TrimPrefix(string(cd.Type.Comment.Val), InvisibleMark)
	}
	if invisible {
		comment = InvisibleMark + comment
	}
	cd.Type.Comment = sqlparser.NewStrVal([]byte(comment))
}

// invisibleNames are the columns whose definitions have the word INVISIBLE.
func invisibleNames(t *lexer.Cursor) map[string]bool {
	names := map[string]bool{}
	items := func(from, to int, item func(from, to int)) { // what commas outside of parentheses separate
		depth := 0
		for i := from; i <= to; i++ {
			switch {
			case i == to || depth == 0 && t.At(i) == ",":
				item(from, i)
				from = i + 1
			case t.At(i) == "(":
				depth++
			case t.At(i) == ")":
				depth--
			}
		}
	}
	definition := func(from, to int) {
		if notColumns[t.Word(from)] {
			return
		}
		t.Pos += from
		name, ok := t.Name()
		t.Pos = 0
		for i := from + 1; ok && i < to; i++ {
			if t.Word(i) == "INVISIBLE" {
				names[strings.ToLower(name)] = true
			}
		}
	}
	list := func(open int) { items(open+1, t.Closing(open), definition) }
	t.Pos = 0
	if t.Word(0) == "CREATE" {
		for i := range t.Tokens {
			if t.At(i) == "(" {
				list(i)
				break
			}
		}
		return names
	}
	items(0, len(t.Tokens), func(from, to int) {
		for ; from < to; from++ { // ALTER TABLE t stands before the first clause
			w := t.Word(from)
			if w != "ADD" && w != "MODIFY" && w != "CHANGE" {
				continue
			}
			if from++; t.Word(from) == "COLUMN" {
				from++
			}
			if w == "CHANGE" {
				from++
			}
			if t.At(from) == "(" {
				list(from)
			} else {
				definition(from, to)
			}
			return
		}
	})
	return names
}

// notColumns begin the other items of a table's definition.
var notColumns = map[string]bool{"INDEX": true, "KEY": true, "UNIQUE": true, "FULLTEXT": true, "SPATIAL": true, "PRIMARY": true, "CONSTRAINT": true, "CHECK": true,
	"FOREIGN": true}

// setVisibility: ALTER [COLUMN] c SET VISIBLE or INVISIBLE, which the grammar lacks, is a default that stands for it.
func (w *rewriter) setVisibility() {
	t := w.t
	for i := range t.Tokens {
		if t.Word(i) != "SET" {
			continue
		}
		switch t.Word(i + 1) {
		case "INVISIBLE":
			w.put(i+1, "DEFAULT "+sqltext.Literal(InvisibleMark))
		case "VISIBLE":
			w.put(i+1, "DEFAULT "+sqltext.Literal(visibleMark))
		}
	}
}

// Visibility recognises what setVisibility wrote.
func Visibility(e sqlparser.Expr) (invisible, ok bool) {
	v, is := e.(*sqlparser.SQLVal)
	if !is || v.Type != sqlparser.StrVal {
		return false, false
	}
	return string(v.Val) == InvisibleMark, string(v.Val) == InvisibleMark || string(v.Val) == visibleMark
}
