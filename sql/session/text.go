package session

import (
	"github.com/zoryadb/zorya/sql/lexer"
)

// bypasses reports whether a text begins with a statement that must not wait for a place at the gate, since others wait for what it
// ends.
func bypasses(text []byte) bool {
	l := lexer.Lexer{Src: text}
	t := l.Next()
	return t.Kind == lexer.Word && (l.Is(t, "COMMIT") || l.Is(t, "ROLLBACK") || l.Is(t, "KILL"))
}

// beginsWith reports whether the first token of a text is word.
func beginsWith(text []byte, word string) bool {
	l := lexer.Lexer{Src: text}
	return l.Is(l.Next(), word)
}

// blank reports whether text holds nothing but blanks, comments and semicolons.
func blank(text string) bool {
	if text == "" {
		return true
	}
	l := lexer.Lexer{Src: []byte(text)}
	for {
		t := l.Next()
		switch {
		case t.Kind == lexer.EOF:
			return true
		case t.Kind == lexer.Punct && l.Src[t.Start] == ';':
		default:
			return false
		}
	}
}

// like matches s against a LIKE pattern with % and _ and backslash escapes.
func like(s, pattern string) bool {
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; {
		case c == '%':
			for j := 0; j <= len(s); j++ {
				if like(s[j:], pattern[i+1:]) {
					return true
				}
			}
			return false
		case s == "":
			return false
		case c == '_':
			s = s[1:]
			continue
		case c == '\\' && i+1 < len(pattern):
			i++
			fallthrough
		default:
			if s[0] != pattern[i] {
				return false
			}
			s = s[1:]
		}
	}
	return s == ""
}
