package perfschema

import (
	"crypto/sha256"

	"github.com/zoryadb/zorya/sql/lexer"
)

// Hash identifies a digest: SHA-256 of its text. MySQL hashes its parser's token numbers, so its values are others.
type Hash [sha256.Size]byte

// normalizer writes the digest of a text. Like MySQL's it looks at tokens alone, and reduces lists of values as they end.
type normalizer struct {
	l     lexer.Lexer
	out   []byte
	limit int  // bytes of out
	full  bool // the limit was reached
	items []item
	near  int // words so far: leading ones are words among the first four
}

// item is a token that a later one may be reduced with: what it is, and where it begins in out.
type item struct {
	kind itemKind
	at   int
}

type itemKind uint8

const (
	plain   itemKind = iota
	operand          // after it a sign is an operator
	value            // ?
	values           // ?, ...
	comma
	open
	one     // (?)
	many    // (...)
	oneList // (?) /* , ... */
	manyList
	is    // IS, or NOT after it: a NULL behind is a word
	point // of a qualified name
)

// Text appends the digest of a statement's text to dst, at most limit bytes of it: MySQL's STATEMENT_DIGEST_TEXT.
func Text(dst []byte, text []byte, mode lexer.Mode, limit int) []byte {
	var room [64]item
	n := normalizer{l: lexer.Lexer{Src: text, Mode: mode}, out: dst[len(dst):], limit: limit, items: room[:0]}
	n.run()
	return append(dst, n.out...)
}

// Sum is the hash of a digest's text.
func Sum(text []byte) Hash { return sha256.Sum256(text) }

func (n *normalizer) run() {
	t := n.l.Next()
	for t.Kind != lexer.EOF && !n.full {
		next := n.l.Next()
		if t.Kind == lexer.Punct && n.l.Src[t.Start] == ';' {
			return
		}
		n.token(t, next)
		t = next
	}
}

func (n *normalizer) last(back int) itemKind {
	if len(n.items) < back {
		return plain
	}
	return n.items[len(n.items)-back].kind
}

// put appends a token's text.
func (n *normalizer) put(k itemKind, text string) {
	at := n.begin()
	n.out = append(n.out, text...)
	n.end(k, at)
}

// name appends an identifier.
func (n *normalizer) name(text []byte) {
	at := n.begin()
	n.out = append(append(append(n.out, '`'), text...), '`')
	n.end(operand, at)
}

func (n *normalizer) begin() int {
	at := len(n.out)
	if at > 0 {
		n.out = append(n.out, ' ')
	}
	return at
}

func (n *normalizer) end(k itemKind, at int) {
	if len(n.out) > n.limit {
		n.out, n.full = append(n.out[:min(at, max(n.limit-4, 0))], " ..."...), true
		return
	}
	n.items = append(n.items, item{k, at})
}

// raw appends a token as it is.
func (n *normalizer) raw(k itemKind, text []byte) {
	at := n.begin()
	n.out = append(n.out, text...)
	n.end(k, at)
}

// reduce puts one token in the place of the last count ones.
func (n *normalizer) reduce(count int, k itemKind, text string) {
	at := n.items[len(n.items)-count].at
	n.out, n.items = n.out[:at], n.items[:len(n.items)-count]
	n.put(k, text)
}

func (n *normalizer) token(t, next lexer.Token) {
	text := n.l.Text(t)
	switch t.Kind {
	case lexer.String, lexer.Int, lexer.Decimal, lexer.Float, lexer.Hex, lexer.Bit, lexer.Param:
		n.value()
	case lexer.Word:
		n.word(text, next)
	case lexer.Quoted:
		n.name(text[1 : len(text)-1])
	case lexer.SysVar:
		n.put(plain, "@@")
	case lexer.UserVar:
		n.raw(operand, text)
	case lexer.Punct:
		n.punct(text[0])
	case lexer.Hint: // hints are no part of it
	default:
		n.raw(plain, text)
	}
}

// value is a literal: those that a comma parts become a list.
func (n *normalizer) value() {
	if n.last(1) == plain && n.sign() && !ends(n.last(2)) {
		k := len(n.items) - 1
		n.out, n.items = n.out[:n.items[k].at], n.items[:k]
	}
	if p := n.last(2); n.last(1) == comma && (p == value || p == values) {
		n.reduce(2, values, "?, ...")
		return
	}
	n.put(value, "?")
}

// ends reports whether a sign after such a token is an operator.
func ends(k itemKind) bool { return k == operand || k == value || k == one || k == many }

// sign reports whether the last token is a sign.
func (n *normalizer) sign() bool {
	if len(n.out) == 0 {
		return false
	}
	c := n.out[len(n.out)-1]
	return (c == '-' || c == '+') && len(n.out)-n.items[len(n.items)-1].at <= 2
}

func (n *normalizer) punct(c byte) {
	switch c {
	case '(':
		n.put(open, "(")
	case ',':
		n.put(comma, ",")
	case ')':
		switch {
		case n.last(1) == value && n.last(2) == open:
			n.reduce(2, one, "(?)")
			n.rows(one, oneList, "(?) /* , ... */")
		case n.last(1) == values && n.last(2) == open:
			n.reduce(2, many, "(...)")
			n.rows(many, manyList, "(...) /* , ... */")
		default:
			n.put(operand, ")")
		}
	case '.':
		n.put(point, ".")
	default:
		n.raw(plain, []byte{c})
	}
}

// rows reduces a row of values that follows one of its like.
func (n *normalizer) rows(k, list itemKind, text string) {
	if n.last(2) == comma && (n.last(3) == k || n.last(3) == list) {
		n.reduce(3, list, text)
	}
}

func (n *normalizer) word(text []byte, next lexer.Token) {
	var room [32]byte
	up := appendUpper(room[:0], text)
	n.near++
	if n.last(1) == point {
		n.name(text)
		return
	}
	call := next.Kind == lexer.Punct && n.l.Src[next.Start] == '('
	switch {
	case string(up) == "NULL" && n.last(1) != is:
		n.value()
	case string(up) == "IS", string(up) == "NOT" && n.last(1) == is:
		n.raw(is, up)
	case lexer.Reserved(up), within[string(up)], n.near <= 4 && leading[string(up)] && !call, call && calls[string(up)]:
		n.raw(plain, up)
	default:
		n.name(text)
	}
}

func appendUpper(dst, text []byte) []byte {
	for _, c := range text {
		if 'a' <= c && c <= 'z' {
			c -= 'a' - 'A'
		}
		dst = append(dst, c)
	}
	return dst
}
