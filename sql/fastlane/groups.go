package fastlane

import (
	"bytes"
	"strings"

	"github.com/zoryadb/zorya/sql/lexer"
)

// A dump's INSERT has tens of thousands of VALUES groups, all like the first. Behind one of plain values alone the others are read here, without tokens and
// without a digest of each, as long as they hold nothing but numbers, strings and NULL. The first that holds something else is left to the normalizer, and so are all behind it.

// groupsLike reads the groups that follow one of width values whose digest is d.
func (n *normalizer) groupsLike(d []byte, width int) {
	if width == 0 || string(d) != " ( ?"+strings.Repeat(" , ?", width-1)+" )" {
		return
	}
	for {
		at, args := n.l.Pos, len(n.q.List)
		if !n.anotherGroup(width) {
			n.l.Pos, n.q.List = at, n.q.List[:args]
			return
		}
		n.q.Groups++
	}
}

// anotherGroup reads a comma and a group of width values.
func (n *normalizer) anotherGroup(width int) bool {
	if !n.next(',') || !n.next('(') {
		return false
	}
	for i := range width {
		if i > 0 && !n.next(',') {
			return false
		}
		a, ok := n.plainValue()
		if !ok {
			return false
		}
		n.q.List = append(n.q.List, a)
	}
	return n.next(')')
}

// next passes over blanks and c.
func (n *normalizer) next(c byte) bool {
	l := &n.l
	for l.Pos < len(l.Src) {
		switch l.Src[l.Pos] {
		case ' ', '\n', '\r', '\t':
			l.Pos++
		case c:
			l.Pos++
			return true
		default:
			return false
		}
	}
	return false
}

// plainValue reads a number, a string or NULL. What follows is for the caller to look at: a comma, a bracket or what makes the value another.
func (n *normalizer) plainValue() (a Arg, ok bool) {
	l := &n.l
	for l.Pos < len(l.Src) && (l.Src[l.Pos] == ' ' || l.Src[l.Pos] == '\n') {
		l.Pos++
	}
	rest := l.Src[l.Pos:]
	if len(rest) < len("NULL") { // a value, a bracket and what ends the statement may be less: no harm
		return a, false
	}
	switch c := rest[0]; {
	case c == '\'':
		return n.plainString(rest)
	case c == 'N':
		if string(rest[:4]) != "NULL" {
			return a, false
		}
		l.Pos += 4
		return Arg{Kind: ArgNull}, true
	case c == '-' || c-'0' <= 9:
		return n.plainNumber(rest)
	}
	return a, false
}

func (n *normalizer) plainString(rest []byte) (Arg, bool) {
	end := 1 + bytes.IndexByte(rest[1:], '\'')
	if end < 1 || end+1 >= len(rest) {
		return Arg{}, false
	}
	if body := rest[1:end]; rest[end+1] != '\'' && bytes.IndexByte(body, '\\') < 0 {
		n.l.Pos += end + 1
		return Arg{Kind: ArgString, B: body}, true
	}
	t := n.l.Next()
	if t.Kind != lexer.String {
		return Arg{}, false
	}
	return Arg{Kind: ArgString, B: n.unescaped(n.l.Src[t.Start+1:t.End-1], '\'')}, true
}

func (n *normalizer) plainNumber(rest []byte) (Arg, bool) {
	neg := rest[0] == '-'
	i := 0
	if neg {
		i++
	}
	first, kind, v := i, lexer.Int, uint64(0)
	for ; i < len(rest); i++ {
		if d := rest[i] - '0'; d <= 9 {
			v = v*10 + uint64(d)
		} else if rest[i] == '.' && kind == lexer.Int && i > first {
			kind = lexer.Decimal
		} else {
			break
		}
	}
	if i == first || i == len(rest) || rest[i] != ',' && rest[i] != ')' { // 1e5, 0x1f, 1+1, a comment
		return Arg{}, false
	}
	n.l.Pos += i
	if kind == lexer.Int && i-first <= 19 {
		return Arg{Kind: ArgInt, N: v, Neg: neg && v != 0}, true
	}
	return n.number(kind, rest[first:i], neg), true
}
