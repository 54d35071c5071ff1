package lexer

import (
	"strings"
)

// CutStatement separates the first statement of text from the rest. Compound statements of routines hold semicolons: there the library's parser
// finds the end.
func CutStatement(text string, mode Mode) (first string, end bool, rest string) {
	i := strings.IndexByte(text, ';')
	if i < 0 {
		return text, false, ""
	}
	l := Lexer{Src: []byte(text), Mode: mode}
	create, compound := false, false
	depth, n := 0, 0
	for ; ; n++ {
		k := l.Next()
		if k.Kind == EOF {
			return text, false, ""
		}
		if k.Kind == Word && (n < 2 || create) {
			switch w := strings.ToUpper(text[k.Start:k.End]); {
			case n == 0:
				create = w == "CREATE" || w == "ALTER"
			case !compound && (w == "PROCEDURE" || w == "FUNCTION" || w == "TRIGGER" || w == "EVENT"):
				compound = true
			case compound && (w == "BEGIN" || w == "CASE"):
				depth++
			case compound && w == "END":
				depth = endWord(text, &l, depth)
			case compound && (w == "IF" || w == "LOOP" || w == "WHILE" || w == "REPEAT"):
				depth = openWord(text, l, w, depth)
			}
		}
		if k.Kind == Punct && text[k.Start] == ';' && depth <= 0 {
			return text[:k.Start], true, text[k.End:]
		}
	}
}

// openWord opens a block that ends with END IF, END LOOP and so on; IF(a, b, c) and REPEAT( are functions, IF EXISTS and IF NOT EXISTS clauses, unless parentheses follow.
func openWord(text string, l Lexer, w string, depth int) int {
	next := func() string {
		k := l.Next()
		return strings.ToUpper(text[k.Start:k.End])
	}
	first := next()
	switch {
	case w == "REPEAT" && first == "(":
		return depth
	case w == "IF" && first == "(" && callsIf(text, l):
		return depth
	case w == "IF" && (first == "EXISTS" || first == "NOT" && next() == "EXISTS") && next() != "(":
		return depth
	}
	return depth + 1
}

// callsIf tells the function IF(x, y, z) from the statement IF (x) THEN: a comma comes before the parenthesis that l is behind closes.
func callsIf(text string, l Lexer) bool {
	for depth := 1; depth > 0; {
		k := l.Next()
		switch {
		case k.Kind == EOF || k.Kind == Bad:
			return false
		case k.Kind != Punct:
		case text[k.Start] == '(':
			depth++
		case text[k.Start] == ')':
			depth--
		case text[k.Start] == ',' && depth == 1:
			return true
		}
	}
	return false
}

// endWord closes a block: END, or END with the word of the block.
func endWord(text string, l *Lexer, depth int) int {
	save := *l
	k := l.Next()
	switch strings.ToUpper(text[k.Start:k.End]) {
	case "IF", "LOOP", "WHILE", "REPEAT", "CASE":
	default:
		*l = save
	}
	return depth - 1
}
