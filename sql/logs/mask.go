package logs

import (
	"bytes"
	"strings"

	"github.com/zoryadb/zorya/sql/lexer"
)

// secret stands where a password stood, as in MySQL's logs.
const secret = "<secret>"

// credentials are the statements that can set a password, by their first words.
var credentials = map[string]bool{"CREATE": true, "ALTER": true, "GRANT": true, "SET": true, "CHANGE": true, "START": true}

// Mask replaces the passwords of statements that set some: IDENTIFIED [WITH plugin] BY | AS ..., REPLACE ..., SET PASSWORD = ...,
// PASSWORD(...) and options whose names end in PASSWORD; of PREPARE the whole of such a statement. It works on what cannot be parsed, too: rather too much than too little.
func Mask(text string) string {
	if !mentions(text) {
		return text
	}
	l := lexer.Lexer{Src: []byte(text)}
	var out strings.Builder
	last, n := 0, 0
	account, hot := false, false // the statement has named a password; the next string is one
	first := ""
	hide := func(t lexer.Token) {
		out.WriteString(text[last:t.Start])
		out.WriteString(secret)
		last, hot = t.End, false
	}
	for t := l.Next(); t.Kind != lexer.EOF; t = l.Next() {
		if n++; n == 1 {
			first = strings.ToUpper(text[t.Start:t.End])
		}
		switch {
		case t.Kind == lexer.Punct && text[t.Start] == ';':
			n, account, hot = 0, false, false
		case first == "PREPARE" && t.Kind == lexer.String && mentions(text[t.Start:t.End]): // a statement of these within it
			hide(t)
		case !credentials[first]:
		case t.Kind == lexer.Word:
			switch w := strings.ToUpper(text[t.Start:t.End]); {
			case w == "IDENTIFIED", strings.HasSuffix(w, "PASSWORD"):
				hot, account = true, true
			case w == "BY", w == "AS", w == "REPLACE":
				hot = account
			case w == "WITH", w == "FOR": // a plugin's name, an account
				hot = false
			}
		case t.Kind == lexer.Op: // SET PASSWORD FOR x = ...
			hot = hot || account && first == "SET" && text[t.Start] == '='
		case t.Kind == lexer.Punct && text[t.Start] == ',':
			hot = false
		case (t.Kind == lexer.String || t.Kind == lexer.Hex) && hot, t.Kind == lexer.Bad && account:
			hide(t)
		}
	}
	out.WriteString(text[last:])
	return out.String()
}

// mentions reports whether a text may hold a password: a cheap test, as nearly all do not.
func mentions(text string) bool {
	for i := 0; i+8 <= len(text); i++ {
		switch text[i] | 0x20 {
		case 'p':
			if strings.EqualFold(text[i:i+8], "password") {
				return true
			}
		case 'i':
			if i+10 <= len(text) && strings.EqualFold(text[i:i+10], "identified") {
				return true
			}
		}
	}
	return false
}

// leadingWords are the first two words of a statement in upper case.
func leadingWords(text string) (first, second string) {
	l := lexer.Lexer{Src: []byte(text)}
	t := l.Next()
	for t.Kind == lexer.Punct && text[t.Start] == '(' {
		t = l.Next()
	}
	if t.Kind != lexer.Word {
		return "", ""
	}
	first = string(bytes.ToUpper(l.Text(t)))
	if t = l.Next(); t.Kind == lexer.Word {
		second = string(bytes.ToUpper(l.Text(t)))
	}
	return first, second
}

// Administrative reports whether the slow query log leaves a statement out unless log_slow_admin_statements is on.
func Administrative(text string) bool {
	first, second := leadingWords(text)
	switch first {
	case "ALTER", "ANALYZE", "CHECK", "OPTIMIZE", "REPAIR":
		return second == "TABLE"
	case "CREATE", "DROP":
		return second == "INDEX" || second == "UNIQUE" || second == "FULLTEXT" || second == "SPATIAL"
	}
	return false
}
