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
				depth = openWord(text, &l, w, depth)
			}
		}
		if k.Kind == Punct && text[k.Start] == ';' && depth <= 0 {
			return text[:k.Start], true, text[k.End:]
		}
	}
}

// openWord opens a block that ends with END IF, END LOOP and so on; IF( and REPEAT( are functions, IF EXISTS is a clause.
func openWord(text string, l *Lexer, w string, depth int) int {
	save := *l
	k := l.Next()
	*l = save
	next := strings.ToUpper(text[k.Start:k.End])
	if w == "IF" && (next == "EXISTS" || next == "NOT" && depth == 0) || w == "REPEAT" && next == "(" {
		return depth
	}
	if (w == "IF") && next == "(" && depth == 0 {
		return depth
	}
	if w == "IF" && next == "(" && !statementIf(text, *l) {
		return depth
	}
	return depth + 1
}

// statementIf tells IF (x) THEN from the function IF(x, y, z): it looks for THEN after the closing parenthesis or before a semicolon.
func statementIf(text string, l Lexer) bool {
	depth := 0
	for {
		k := l.Next()
		switch {
		case k.Kind == EOF || k.Kind == Punct && text[k.Start] == ';':
			return false
		case k.Kind == Punct && text[k.Start] == '(':
			depth++
		case k.Kind == Punct && text[k.Start] == ')':
			depth--
		case k.Kind == Punct && text[k.Start] == ',' && depth <= 1:
			return false
		case k.Kind == Word && depth == 0 && strings.EqualFold(text[k.Start:k.End], "THEN"):
			return true
		}
	}
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
