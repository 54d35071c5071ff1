package grammar

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/sql/lexer"
	"github.com/zoryadb/zorya/sql/mysqlerr"
)

var positionRE = regexp.MustCompile(`syntax error at position (\d+)`)

// SyntaxError is 1064 in MySQL's words: from the offending token to the end, 80 characters at most.
func SyntaxError(src, msg string) *mysqlerr.Error {
	pos := len(src)
	if n := errorPosition(msg); n >= 0 {
		pos = failedToken(src, n-1)
	}
	if unnamedTable(src, pos) {
		return mysqlerr.New(mysqlerr.ER_TF_MUST_HAVE_ALIAS)
	}
	return mysqlerr.Syntax(src, pos)
}

// unnamedTable reports whether what stands at pos follows a JSON_TABLE(...) whose alias is missing.
func unnamedTable(src string, pos int) bool {
	if !strings.Contains(strings.ToUpper(src), "JSON_TABLE") {
		return false
	}
	for t := lexer.NewCursor(src, 0, MaxTokens); !t.End(); t.Pos++ {
		if t.Word(0) != "JSON_TABLE" || t.At(1) != "(" {
			continue
		}
		end := t.Closing(1)
		if end < 0 {
			return false
		}
		next := len(src)
		if t.Kind(end+1) != lexer.EOF {
			next = t.Tokens[t.Pos+end+1].Start
		}
		if next == pos {
			return true
		}
	}
	return false
}

// errorPosition is the position that a message of the parser tells, -1 if it tells none.
func errorPosition(msg string) int {
	m := positionRE.FindStringSubmatch(msg)
	if m == nil {
		return -1
	}
	n, err := strconv.Atoi(m[1])
	if err != nil {
		return -1
	}
	return n
}

// failedToken finds where the token begins at whose end the parser gave up, the end of the text if it missed a further one.
func failedToken(src string, end int) (start int) {
	if end >= len(src) {
		// The parser is as far behind a last token that is wrong as it is when the text ends too early: blanks tell them apart.
		if _, err := sqlparser.Parse(src + "  "); err != nil && errorPosition(err.Error()) > end+1 {
			return len(src)
		}
	}
	for l := (lexer.Lexer{Src: []byte(src)}); ; {
		t := l.Next()
		if t.Kind == lexer.EOF || t.Start >= end {
			return start
		}
		start = t.Start
	}
}
