// Package lexer cuts SQL text into tokens without allocating (lexer.go): the dispatcher recognises transaction control by leading words, the fast lane
// normalises a statement into a digest and its literals. On it stand a Cursor over the tokens of one statement, for parsers of what the library's grammar
// lacks (cursor.go), what literals and quoted names stand for (literal.go), executable comments (comments.go) and where a statement ends (statements.go).
//
// It follows MySQL's lexical rules: three comment styles, executable comments by version, quoting with doubled
// quotes and backslashes, identifiers that start with digits, @user and @@system variables. It never fails: what it does not understand
// is a token of kind Bad, and whoever wants certainty (the fast lane) declines statements that hold one.
//
// Invariant: every token's text is src[Start:End], tokens do not overlap, and Next always advances.
package lexer

// Kind is the class of a token.
type Kind uint8

// Kinds of tokens.
const (
	EOF     Kind = iota
	Word         // keyword or unquoted identifier
	Quoted       // `identifier`, or "identifier" under ANSI_QUOTES
	String       // 'text' or "text"
	Int          // digits
	Decimal      // digits with a point
	Float        // digits with an exponent
	Hex          // x'..' or 0x..
	Bit          // b'..' or 0b..
	Param        // ?
	UserVar      // @name, @'name', @`name`
	SysVar       // @@ (the name follows as words and dots)
	Op           // one operator: + - * / % < > = ! & | ^ ~ := <= >= <> != <=> << >> && || -> ->>
	Punct        // one of ( ) , . ; { } :
	Hint         // /*+ ... */
	Bad          // unterminated quote or comment, or a byte that starts no token
)

// Version is the server's version as executable comments compare it: /*!80000 ... */ is read when it is at most this.
const Version = 80099

// Mode is the part of sql_mode that changes how text is cut.
type Mode uint8

// Bits of Mode.
const (
	AnsiQuotes         Mode = 1 << iota // " quotes identifiers
	NoBackslashEscapes                  // \ is an ordinary character in strings
)

// Token is one token: src[Start:End].
type Token struct {
	Kind       Kind
	Start, End int
}

// Lexer walks over one text. The zero value with Src set is ready.
type Lexer struct {
	Src  []byte
	Pos  int
	Mode Mode
	exec int // depth of executable comments that are being read
}

// Text returns the token's bytes.
func (l *Lexer) Text(t Token) []byte { return l.Src[t.Start:t.End] }

// Is reports whether t is the unquoted word w, which must be given in upper case.
func (l *Lexer) Is(t Token, w string) bool {
	return t.Kind == Word && EqualFold(l.Src[t.Start:t.End], w)
}

// EqualFold compares b with the ASCII upper-case word w, ignoring the case of b.
func EqualFold(b []byte, w string) bool {
	if len(b) != len(w) {
		return false
	}
	for i := 0; i < len(b); i++ {
		c := b[i]
		if 'a' <= c && c <= 'z' {
			c -= 'a' - 'A'
		}
		if c != w[i] {
			return false
		}
	}
	return true
}

const (
	cSpace = 1 << iota
	cDigit
	cWord // may be inside a word
	cHex
)

var class [256]uint8

func init() {
	for _, c := range " \t\n\r\v\f" {
		class[c] |= cSpace
	}
	for c := '0'; c <= '9'; c++ {
		class[c] |= cDigit | cWord | cHex
	}
	for c := 'a'; c <= 'z'; c++ {
		class[c] |= cWord
		class[c-'a'+'A'] |= cWord
	}
	for c := 'a'; c <= 'f'; c++ {
		class[c] |= cHex
		class[c-'a'+'A'] |= cHex
	}
	class['_'] |= cWord
	class['$'] |= cWord
	for c := 128; c < 256; c++ {
		class[c] |= cWord
	}
}

// Next returns the next token. At the end it returns EOF for ever.
func (l *Lexer) Next() Token {
	if t, ok := l.skip(); ok {
		return t
	}
	if l.Pos >= len(l.Src) {
		return Token{EOF, len(l.Src), len(l.Src)}
	}
	start := l.Pos
	c := l.Src[start]
	switch {
	case class[c]&cDigit != 0:
		return l.number(start)
	case class[c]&cWord != 0:
		return l.word(start, c)
	}
	switch c {
	case '\'':
		return l.quoted(start, start+1, c, String)
	case '"':
		if l.Mode&AnsiQuotes != 0 {
			return l.quoted(start, start+1, c, Quoted)
		}
		return l.quoted(start, start+1, c, String)
	case '`':
		return l.quoted(start, start+1, c, Quoted)
	case '?':
		return l.emit(Param, start, 1)
	case '@':
		return l.variable(start)
	case '.':
		if class[l.at(start+1)]&cDigit != 0 && !l.afterName(start) {
			return l.number(start)
		}
		return l.emit(Punct, start, 1)
	case '(', ')', ',', ';', '{', '}':
		return l.emit(Punct, start, 1)
	}
	return l.operator(start, c)
}

// afterName reports whether a point at i continues a name (t.1a) rather than starting a number (.5).
func (l *Lexer) afterName(i int) bool {
	return i > 0 && (class[l.Src[i-1]]&cWord != 0 || l.Src[i-1] == '`')
}

func (l *Lexer) at(i int) byte {
	if i < len(l.Src) {
		return l.Src[i]
	}
	return 0
}

func (l *Lexer) emit(k Kind, start, n int) Token {
	l.Pos = start + n
	return Token{k, start, l.Pos}
}

// skip passes over blanks and comments. It returns a token for hints and unterminated comments.
func (l *Lexer) skip() (Token, bool) {
	for l.Pos < len(l.Src) {
		c := l.Src[l.Pos]
		switch {
		case class[c]&cSpace != 0:
			l.Pos++
		case c == '#':
			l.line()
		case c == '-' && l.at(l.Pos+1) == '-' && (l.Pos+2 >= len(l.Src) || l.Src[l.Pos+2] <= ' '):
			l.line()
		case c == '*' && l.exec > 0 && l.at(l.Pos+1) == '/':
			l.exec--
			l.Pos += 2
		case c == '/' && l.at(l.Pos+1) == '*':
			if t, ok := l.comment(); ok {
				return t, true
			}
		default:
			return Token{}, false
		}
	}
	return Token{}, false
}

func (l *Lexer) line() {
	for l.Pos < len(l.Src) && l.Src[l.Pos] != '\n' {
		l.Pos++
	}
}

// comment passes over a comment at Pos, or enters an executable one whose version suits.
func (l *Lexer) comment() (Token, bool) {
	start := l.Pos
	if l.at(start+2) == '!' {
		i, v, n := start+3, 0, 0
		for n < 6 && class[l.at(i)]&cDigit != 0 {
			v = v*10 + int(l.Src[i]-'0')
			i++
			n++
		}
		if n < 5 || v <= Version {
			if n < 5 {
				i = start + 3
			}
			l.exec++
			l.Pos = i
			return Token{}, false
		}
	}
	for i := start + 2; i+1 < len(l.Src); i++ {
		if l.Src[i] == '*' && l.Src[i+1] == '/' {
			l.Pos = i + 2
			if l.at(start+2) == '+' {
				return Token{Hint, start, l.Pos}, true
			}
			return Token{}, false
		}
	}
	l.Pos = len(l.Src)
	return Token{Bad, start, l.Pos}, true
}

func (l *Lexer) word(start int, c byte) Token {
	if l.at(start+1) == '\'' {
		switch c {
		case 'x', 'X':
			return l.quoted(start, start+2, '\'', Hex)
		case 'b', 'B':
			return l.quoted(start, start+2, '\'', Bit)
		case 'n', 'N':
			return l.quoted(start, start+2, '\'', String)
		}
	}
	i := start + 1
	for i < len(l.Src) && class[l.Src[i]]&cWord != 0 {
		i++
	}
	l.Pos = i
	return Token{Word, start, i}
}

// number cuts 12, 1.5, .5, 1e9, 0xFF, 0b01; digits that run on into letters are a word (1st).
func (l *Lexer) number(start int) Token {
	i := start
	if l.Src[i] == '0' {
		if c := l.at(i + 1); c == 'x' || c == 'b' {
			j := i + 2
			for c == 'x' && class[l.at(j)]&cHex != 0 || c == 'b' && (l.at(j) == '0' || l.at(j) == '1') {
				j++
			}
			if j > i+2 && class[l.at(j)]&cWord == 0 {
				l.Pos = j
				if c == 'x' {
					return Token{Hex, start, j}
				}
				return Token{Bit, start, j}
			}
		}
	}
	kind := Int
	for class[l.at(i)]&cDigit != 0 {
		i++
	}
	if l.at(i) == '.' && (i == start || !l.afterDot(start)) {
		kind = Decimal
		i++
		for class[l.at(i)]&cDigit != 0 {
			i++
		}
	}
	if c := l.at(i); c == 'e' || c == 'E' {
		j := i + 1
		if s := l.at(j); s == '+' || s == '-' {
			j++
		}
		if class[l.at(j)]&cDigit != 0 {
			kind = Float
			for class[l.at(j)]&cDigit != 0 {
				j++
			}
			i = j
		}
	}
	if kind == Int && i < len(l.Src) && class[l.Src[i]]&cWord != 0 {
		for i < len(l.Src) && class[l.Src[i]]&cWord != 0 {
			i++
		}
		kind = Word
	}
	l.Pos = i
	return Token{kind, start, i}
}

// afterDot reports whether the token at start is the second part of a dotted name.
func (l *Lexer) afterDot(start int) bool { return start > 0 && l.Src[start-1] == '.' }

// quoted reads up to the closing quote. Doubled quotes stand for one; a backslash escapes, except in identifiers.
func (l *Lexer) quoted(start, i int, quote byte, k Kind) Token {
	escapes := l.Mode&NoBackslashEscapes == 0 && k != Quoted
	for i < len(l.Src) {
		switch c := l.Src[i]; {
		case c == quote:
			if l.at(i+1) != quote || i+1 >= len(l.Src) {
				l.Pos = i + 1
				return Token{k, start, i + 1}
			}
			i += 2
		case c == '\\' && escapes:
			i += 2
		default:
			i++
		}
	}
	l.Pos = len(l.Src)
	return Token{Bad, start, l.Pos}
}

func (l *Lexer) variable(start int) Token {
	switch c := l.at(start + 1); {
	case c == '@':
		return l.emit(SysVar, start, 2)
	case c == '\'' || c == '"' || c == '`':
		return l.quoted(start, start+2, c, UserVar)
	}
	i := start + 1
	for i < len(l.Src) && (class[l.Src[i]]&cWord != 0 || l.Src[i] == '.') {
		i++
	}
	l.Pos = i
	return Token{UserVar, start, i}
}

// operators with more than one character, longest first.
var operators = []string{"<=>", "->>", ":=", "<=", ">=", "<>", "!=", "<<", ">>", "&&", "||", "->"}

func (l *Lexer) operator(start int, c byte) Token {
	switch c {
	case '+', '*', '/', '%', '=', '^', '~':
		return l.emit(Op, start, 1)
	}
	for _, op := range operators {
		if op[0] == c && start+len(op) <= len(l.Src) && string(l.Src[start:start+len(op)]) == op {
			return l.emit(Op, start, len(op))
		}
	}
	switch c {
	case '-', '<', '>', '!', '&', '|':
		return l.emit(Op, start, 1)
	case ':':
		return l.emit(Punct, start, 1)
	}
	return l.emit(Bad, start, 1)
}
