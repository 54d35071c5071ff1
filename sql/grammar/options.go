package grammar

import (
	"iter"

	"github.com/zoryadb/zorya/sql/lexer"
)

// Options of tables, columns' references and types of indexes, in the places where MySQL's grammar takes them and the library's does not.

// optionWords are what an option of a table begins with, besides DEFAULT, DATA and INDEX.
var optionWords = map[string]bool{
	"AUTOEXTEND_SIZE": true, "AUTO_INCREMENT": true, "AVG_ROW_LENGTH": true, "CHARACTER": true, "CHARSET": true, "CHECKSUM": true, "COLLATE": true, "COMMENT": true,
	"COMPRESSION": true, "CONNECTION": true, "DELAY_KEY_WRITE": true, "ENCRYPTION": true, "ENGINE": true, "ENGINE_ATTRIBUTE": true, "INSERT_METHOD": true,
	"KEY_BLOCK_SIZE": true, "MAX_ROWS": true, "MIN_ROWS": true, "PACK_KEYS": true, "PASSWORD": true, "ROW_FORMAT": true, "SECONDARY_ENGINE_ATTRIBUTE": true,
	"STATS_AUTO_RECALC": true, "STATS_PERSISTENT": true, "STATS_SAMPLE_PAGES": true,
}

// AlteredOptions gives the options of the table in an ALTER TABLE: the token that each begins with and how many it has.
func AlteredOptions(t *lexer.Cursor) iter.Seq2[int, int] {
	return func(yield func(int, int) bool) {
		next := 3 // behind the table's name
		if t.At(3) == "." {
			next = 5
		}
		begins := true // a clause may begin at next
		for i := range t.Outer(0) {
			switch {
			case i < next:
			case t.At(i) == ",":
				begins, next = true, i+1
			case begins && optionAt(t, i):
				n := optionTokens(t, i)
				if !yield(i, n) {
					return
				}
				next = i + n
			default:
				begins = false
			}
		}
	}
}

// optionAt reports whether an option of a table begins at the i-th token.
func optionAt(t *lexer.Cursor, i int) bool {
	switch t.Word(i) {
	case "DEFAULT":
		return t.Word(i+1) == "CHARACTER" || t.Word(i+1) == "CHARSET" || t.Word(i+1) == "COLLATE"
	case "DATA", "INDEX":
		return t.Word(i+1) == "DIRECTORY"
	}
	return optionWords[t.Word(i)]
}

// optionTokens is how many tokens the option at the i-th has; a character set takes the collation behind it in.
func optionTokens(t *lexer.Cursor, i int) int {
	n := 1
	if t.Word(i) == "DEFAULT" {
		n = 2
	}
	name := t.Word(i + n - 1)
	switch name {
	case "CHARACTER", "DATA", "INDEX":
		n++
	}
	if t.At(i+n) == "=" {
		n++
	}
	n++
	if name != "CHARACTER" && name != "CHARSET" {
		return n
	}
	if t.Word(i+n) == "DEFAULT" && t.Word(i+n+1) == "COLLATE" || t.Word(i+n) == "COLLATE" {
		n += optionTokens(t, i+n)
	}
	return n
}

// alterOptions puts the commas between the options of ALTER TABLE t ENGINE = InnoDB DEFAULT CHARSET = latin1 that the library's grammar wants.
func (w *rewriter) alterOptions() {
	t, end := w.t, 0
	for i, n := range AlteredOptions(t) {
		for k := i; k < i+n; k++ {
			switch {
			case t.Word(k) == "CHARSET":
				w.put(k, "CHARACTER SET")
			case t.Word(k) == "DEFAULT" && k > i && t.Word(k+1) == "COLLATE":
				w.drop(k, 1)
			}
		}
		if i == end {
			w.prefix(i, ", ")
		}
		end = i + n
	}
}

// inlineReferences leaves out what a column's definition says about a parent: MySQL reads it and makes no foreign key of it.
func (w *rewriter) inlineReferences() {
	t := w.t
	open := -1 // the parenthesis that was opened last at its depth
	var opened []int
	for i := range t.Tokens {
		switch {
		case t.At(i) == "(":
			opened = append(opened, i)
		case t.At(i) == ")" && len(opened) > 0:
			open, opened = opened[len(opened)-1], opened[:len(opened)-1]
		case t.Word(i) != "REFERENCES" || t.At(i-1) == ".":
		case t.At(i-1) == ")" && open > 1 && (t.Word(open-1) == "KEY" && t.Word(open-2) == "FOREIGN" || t.Word(open-2) == "KEY" && t.Word(open-3) == "FOREIGN"):
		default:
			w.drop(i, w.reference(i)-i)
		}
	}
}

// reference gives the end of REFERENCES t (c) MATCH FULL ON DELETE CASCADE ON UPDATE SET NULL at the i-th token.
func (w *rewriter) reference(i int) int {
	t := w.t
	i += 2
	if t.At(i) == "." {
		i += 2
	}
	if t.At(i) == "(" {
		i = t.Closing(i) + 1
	}
	if t.Word(i) == "MATCH" {
		i += 2
	}
	for t.Word(i) == "ON" && (t.Word(i+1) == "DELETE" || t.Word(i+1) == "UPDATE") {
		i += 2
		if t.Word(i) == "SET" || t.Word(i) == "NO" {
			i++
		}
		i++
	}
	return i
}

// indexTypes puts the type of an index behind its columns: KEY k USING HASH (a).
func (w *rewriter) indexTypes() {
	t := w.t
	for i := range t.Tokens {
		if t.Word(i) != "USING" && t.Word(i) != "TYPE" || t.At(i+2) != "(" {
			continue
		}
		if kind := t.Word(i + 1); kind == "BTREE" || kind == "HASH" || kind == "RTREE" {
			w.drop(i, 2)
			w.suffix(t.Closing(i+2), " USING "+kind)
		}
	}
}
