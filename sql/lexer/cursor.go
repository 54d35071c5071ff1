package lexer

import (
	"iter"
	"strings"
)

// Cursor walks over the tokens of one statement that are all cut before: parsers of a few words look ahead and behind and go back. Positions outside of
// the text are tokens of kind EOF without text.
type Cursor struct {
	Src    string
	Tokens []Token
	Pos    int // of the next token
}

// NewCursor stands before the first token of text. It cuts at most limit tokens.
func NewCursor(text string, mode Mode, limit int) *Cursor {
	l := Lexer{Src: []byte(text), Mode: mode}
	t := &Cursor{Src: text}
	for len(t.Tokens) < limit {
		k := l.Next()
		if k.Kind == EOF {
			break
		}
		t.Tokens = append(t.Tokens, k)
	}
	return t
}

// Empty tells that the text holds no token.
func (t *Cursor) Empty() bool { return len(t.Tokens) == 0 }

// End tells that no token is left.
func (t *Cursor) End() bool { return t.Pos >= len(t.Tokens) }

// Text is the statement without blanks around it.
func (t *Cursor) Text() string { return strings.TrimSpace(t.Src) }

// Span is the text from one token to before another, with what stands between them; both count from the beginning of the statement.
func (t *Cursor) Span(from, to int) string { return t.Src[t.Tokens[from].Start:t.Tokens[to-1].End] }

// Word returns the i-th token from here in upper case if it is a word, else "".
func (t *Cursor) Word(i int) string {
	if t.Kind(i) != Word {
		return ""
	}
	return strings.ToUpper(t.At(i))
}

// At returns the text of the i-th token from here.
func (t *Cursor) At(i int) string {
	if t.Pos+i < 0 || t.Pos+i >= len(t.Tokens) {
		return ""
	}
	k := t.Tokens[t.Pos+i]
	return t.Src[k.Start:k.End]
}

// Kind is the kind of the i-th token from here.
func (t *Cursor) Kind(i int) Kind {
	if t.Pos+i < 0 || t.Pos+i >= len(t.Tokens) {
		return EOF
	}
	return t.Tokens[t.Pos+i].Kind
}

// Accept passes over the words if they come next.
func (t *Cursor) Accept(words ...string) bool {
	for i, w := range words {
		if t.Word(i) != w && t.At(i) != w {
			return false
		}
	}
	t.Pos += len(words)
	return true
}

// Closing finds the parenthesis that closes the first one opened from the i-th token on; -1: there is none.
func (t *Cursor) Closing(i int) int {
	for depth := 0; t.Kind(i) != EOF; i++ {
		switch t.At(i) {
		case "(":
			depth++
		case ")":
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

// Outer gives the tokens from the i-th on that stand outside of the parentheses opened from there on.
func (t *Cursor) Outer(i int) iter.Seq[int] {
	return func(yield func(int) bool) {
		for depth := 0; t.Kind(i) != EOF; i++ {
			switch t.At(i) {
			case "(":
				depth++
			case ")":
				depth--
			default:
				if depth <= 0 && !yield(i) {
					return
				}
			}
		}
	}
}

// Name reads an identifier, a string or a number as a name.
func (t *Cursor) Name() (string, bool) {
	if t.End() {
		return "", false
	}
	text := t.At(0)
	switch t.Kind(0) {
	case Word, Int:
	case Quoted, String:
		text = Unquote(text)
	default:
		return "", false
	}
	t.Pos++
	return text, true
}

// Qualified reads name or name.name.
func (t *Cursor) Qualified() (schema, name string, ok bool) {
	if name, ok = t.Name(); !ok {
		return "", "", false
	}
	if t.At(0) == "." {
		t.Pos++
		schema = name
		name, ok = t.Name()
	}
	return schema, name, ok
}

// Offset is the byte at which the next token begins, or the end of the text.
func (t *Cursor) Offset() int {
	if t.End() {
		return len(t.Src)
	}
	return t.Tokens[t.Pos].Start
}

// Rest is the source from the next token on.
func (t *Cursor) Rest() string { return t.Src[t.Offset():] }
