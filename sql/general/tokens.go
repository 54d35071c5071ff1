package general

import (
	"iter"
	"strings"

	"github.com/zoryadb/zorya/sql/lexer"
)

// tokens walks over the tokens of one statement, for the statements that this package recognises itself.
type tokens struct {
	src  string
	list []lexer.Token
	pos  int
}

// maxTokens bounds how much of a statement is cut for recognition: own statements are short, an INSERT of megabytes is not.
const maxTokens = 1 << 10

func (s *Session) tokens(text string) *tokens {
	return cutTokens(text, lexMode(s.parserOptions()), maxTokens)
}

func cutTokens(text string, mode lexer.Mode, limit int) *tokens {
	l := lexer.Lexer{Src: []byte(text), Mode: mode}
	t := &tokens{src: text}
	for len(t.list) < limit {
		k := l.Next()
		if k.Kind == lexer.EOF {
			break
		}
		t.list = append(t.list, k)
	}
	return t
}

func (t *tokens) empty() bool  { return len(t.list) == 0 }
func (t *tokens) end() bool    { return t.pos >= len(t.list) }
func (t *tokens) text() string { return strings.TrimSpace(t.src) }

// word returns the i-th token from here in upper case if it is a word, else "".
func (t *tokens) word(i int) string {
	if t.pos+i >= len(t.list) || t.list[t.pos+i].Kind != lexer.Word {
		return ""
	}
	return strings.ToUpper(t.at(i))
}

// at returns the text of the i-th token from here.
func (t *tokens) at(i int) string {
	if t.pos+i < 0 || t.pos+i >= len(t.list) {
		return ""
	}
	k := t.list[t.pos+i]
	return t.src[k.Start:k.End]
}

func (t *tokens) kind(i int) lexer.Kind {
	if t.pos+i >= len(t.list) {
		return lexer.EOF
	}
	return t.list[t.pos+i].Kind
}

// accept passes over the words if they come next.
func (t *tokens) accept(words ...string) bool {
	for i, w := range words {
		if t.word(i) != w && t.at(i) != w {
			return false
		}
	}
	t.pos += len(words)
	return true
}

// closing finds the parenthesis that closes the first one opened from the i-th token on; -1: there is none.
func (t *tokens) closing(i int) int {
	for depth := 0; t.kind(i) != lexer.EOF; i++ {
		switch t.at(i) {
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

// outer gives the tokens from the i-th on that stand outside of the parentheses opened from there on.
func (t *tokens) outer(i int) iter.Seq[int] {
	return func(yield func(int) bool) {
		for depth := 0; t.kind(i) != lexer.EOF; i++ {
			switch t.at(i) {
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

// name reads an identifier, a string or a number as a name.
func (t *tokens) name() (string, bool) {
	if t.end() {
		return "", false
	}
	text := t.at(0)
	switch t.kind(0) {
	case lexer.Word, lexer.Int:
	case lexer.Quoted, lexer.String:
		text = unquote(text)
	default:
		return "", false
	}
	t.pos++
	return text, true
}

// qualified reads name or name.name.
func (t *tokens) qualified() (schema, name string, ok bool) {
	if name, ok = t.name(); !ok {
		return "", "", false
	}
	if t.at(0) == "." {
		t.pos++
		schema = name
		name, ok = t.name()
	}
	return schema, name, ok
}

// rest is the source from the next token on.
func (t *tokens) rest() string {
	if t.end() {
		return ""
	}
	return t.src[t.list[t.pos].Start:]
}

// unquote removes the quotes of an identifier or a string, and its escapes.
func unquote(s string) string {
	if len(s) < 2 {
		return s
	}
	q := s[0]
	if q == 'n' || q == 'N' {
		s, q = s[1:], s[1]
	}
	if q != '`' && q != '\'' && q != '"' {
		return s
	}
	s = s[1 : len(s)-1]
	if strings.IndexByte(s, q) < 0 && (q == '`' || strings.IndexByte(s, '\\') < 0) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == q && i+1 < len(s) && s[i+1] == q:
			i++
		case c == '\\' && q != '`' && i+1 < len(s):
			i++
			c = unescape(s[i])
		}
		b.WriteByte(c)
	}
	return b.String()
}

func unescape(c byte) byte {
	switch c {
	case 'n':
		return '\n'
	case 't':
		return '\t'
	case 'r':
		return '\r'
	case '0':
		return 0
	case 'b':
		return '\b'
	case 'Z':
		return 26
	}
	return c
}

func quoteString(s string) string {
	return "'" + strings.NewReplacer("'", "''", `\`, `\\`, "\x00", `\0`, "\n", `\n`, "\r", `\r`).Replace(s) + "'"
}

// plainComments rewrites executable comments into plain text and drops those that are not for us, keeping every other
// byte where it is: /*!40101 SET x */ becomes SET x within blanks, /*M! and too new versions become blanks.
func plainComments(text string) string {
	if !strings.Contains(text, "/*!") && !strings.Contains(text, "/*M!") {
		return text
	}
	b := []byte(text)
	for i := 0; i < len(b); {
		switch c := b[i]; {
		case c == '\'' || c == '"' || c == '`':
			i = afterQuote(b, i)
		case c == '#', c == '-' && i+2 < len(b) && b[i+1] == '-' && b[i+2] <= ' ':
			for i < len(b) && b[i] != '\n' {
				i++
			}
		case c == '/' && i+1 < len(b) && b[i+1] == '*':
			i = openComment(b, i)
		default:
			i++
		}
	}
	return string(b)
}

// openComment handles a comment at i and returns where to go on.
func openComment(b []byte, i int) int {
	version, n, j := 0, 0, i+3
	if i+2 < len(b) && b[i+2] == '!' {
		for ; j < len(b) && n < 6 && b[j] >= '0' && b[j] <= '9'; j++ {
			version, n = version*10+int(b[j]-'0'), n+1
		}
		if n < 5 {
			j, version = i+3, 0
		}
		if version <= lexer.Version {
			if end := closeOfExecutable(b, j); end >= 0 {
				blank(b[i:j])
				blank(b[end : end+2])
				return j
			}
		}
	}
	end := closeComment(b, i+2)
	if i+2 < len(b) && (b[i+2] == '!' || b[i+2] == 'M') {
		blank(b[i:end])
	}
	return end
}

// closeOfExecutable finds the */ that ends an executable comment, past quotes and comments within; -1: none.
func closeOfExecutable(b []byte, i int) int {
	for i+1 < len(b) {
		switch {
		case b[i] == '\'' || b[i] == '"' || b[i] == '`':
			i = afterQuote(b, i)
		case b[i] == '*' && b[i+1] == '/':
			return i
		case b[i] == '/' && b[i+1] == '*':
			i = closeComment(b, i+2)
		default:
			i++
		}
	}
	return -1
}

func closeComment(b []byte, i int) int {
	for ; i+1 < len(b); i++ {
		if b[i] == '*' && b[i+1] == '/' {
			return i + 2
		}
	}
	return len(b)
}

func afterQuote(b []byte, i int) int {
	q := b[i]
	for i++; i < len(b); i++ {
		if b[i] == '\\' && q != '`' {
			i++
			continue
		}
		if b[i] == q {
			if i+1 < len(b) && b[i+1] == q {
				i++
				continue
			}
			return i + 1
		}
	}
	return len(b)
}

func blank(b []byte) {
	for i := range b {
		if b[i] != '\n' {
			b[i] = ' '
		}
	}
}

// cut separates the first statement of text from the rest. Compound statements of routines hold semicolons: there the library's parser
// finds the end.
func (s *Session) cut(text string) (first string, end bool, rest string) {
	i := strings.IndexByte(text, ';')
	if i < 0 {
		return text, false, ""
	}
	l := lexer.Lexer{Src: []byte(text), Mode: lexMode(s.parserOptions())}
	create, compound := false, false
	depth, n := 0, 0
	for ; ; n++ {
		k := l.Next()
		if k.Kind == lexer.EOF {
			return text, false, ""
		}
		if k.Kind == lexer.Word && (n < 2 || create) {
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
		if k.Kind == lexer.Punct && text[k.Start] == ';' && depth <= 0 {
			return text[:k.Start], true, text[k.End:]
		}
	}
}

// openWord opens a block that ends with END IF, END LOOP and so on; IF( and REPEAT( are functions, IF EXISTS is a clause.
func openWord(text string, l *lexer.Lexer, w string, depth int) int {
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
func statementIf(text string, l lexer.Lexer) bool {
	depth := 0
	for {
		k := l.Next()
		switch {
		case k.Kind == lexer.EOF || k.Kind == lexer.Punct && text[k.Start] == ';':
			return false
		case k.Kind == lexer.Punct && text[k.Start] == '(':
			depth++
		case k.Kind == lexer.Punct && text[k.Start] == ')':
			depth--
		case k.Kind == lexer.Punct && text[k.Start] == ',' && depth <= 1:
			return false
		case k.Kind == lexer.Word && depth == 0 && strings.EqualFold(text[k.Start:k.End], "THEN"):
			return true
		}
	}
}

// endWord closes a block: END, or END with the word of the block.
func endWord(text string, l *lexer.Lexer, depth int) int {
	save := *l
	k := l.Next()
	switch strings.ToUpper(text[k.Start:k.End]) {
	case "IF", "LOOP", "WHILE", "REPEAT", "CASE":
	default:
		*l = save
	}
	return depth - 1
}
