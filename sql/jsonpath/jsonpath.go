// Package jsonpath owns MySQL's JSON path expressions: their syntax, what of a document they select, and how a place in a document is written as one
// (MySQL 8.0 Reference Manual, "JSON Path Syntax"). Documents are the values that encoding/json makes.
package jsonpath

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode"
)

// A Path is a parsed path expression. It is immutable.
type Path struct {
	legs []leg
	many bool // it holds a wildcard or a range
}

// Many reports whether the path has a wildcard or a range, so that it may select several values.
func (p *Path) Many() bool { return p.many }

// Whole reports whether the path is $, the document itself.
func (p *Path) Whole() bool { return len(p.legs) == 0 }

// A SyntaxError is a text that is no path expression.
type SyntaxError struct {
	Text string
	Pos  int // how many bytes of Text were read, as MySQL tells it
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("JSON path %q: error around position %d", e.Text, e.Pos)
}

type legKind uint8

const (
	member    legKind = iota // .name
	anyMember                // .*
	cell                     // [n]
	anyCell                  // [*]
	cells                    // [n to m]
	ellipsis                 // **
)

type leg struct {
	kind     legKind
	name     string
	from, to index // to: of cells
}

// index counts from the first element, or from the last one backwards.
type index struct {
	n    int
	last bool
}

// in is the index within an array of n elements; it may be outside of it.
func (i index) in(n int) int {
	if i.last {
		return n - 1 - i.n
	}
	return i.n
}

// span is what the leg selects of an array of n elements, from the first to before the second.
func (l *leg) span(n int) (int, int) {
	switch l.kind {
	case anyCell:
		return 0, n
	case cell:
		if i := l.from.in(n); i >= 0 && i < n {
			return i, i + 1
		}
		return 0, 0
	}
	return max(l.from.in(n), 0), min(l.to.in(n)+1, n)
}

// wraps reports whether the leg selects a value that is no array as if it were the only element of one.
func (l *leg) wraps() bool {
	if l.kind != cell && l.kind != cells {
		return false
	}
	from, to := l.span(1)
	return from < to
}

type parser struct {
	text string
	pos  int
}

// Parse reads a path expression.
func Parse(text string) (*Path, error) {
	r := &parser{text: text}
	p := &Path{}
	if r.blanks(); r.next() != '$' {
		return nil, &SyntaxError{text, r.pos}
	}
	for r.blanks(); r.pos < len(text); r.blanks() {
		l, ok := r.leg()
		if !ok {
			return nil, &SyntaxError{text, r.pos}
		}
		p.legs = append(p.legs, l)
		p.many = p.many || l.kind != member && l.kind != cell
	}
	if n := len(p.legs); n > 0 && p.legs[n-1].kind == ellipsis {
		return nil, &SyntaxError{text, r.pos}
	}
	return p, nil
}

func (r *parser) blanks() {
	for r.pos < len(r.text) && strings.IndexByte(" \t\n\r", r.text[r.pos]) >= 0 {
		r.pos++
	}
}

// peek is the next byte, 0 at the end.
func (r *parser) peek() byte {
	if r.pos < len(r.text) {
		return r.text[r.pos]
	}
	return 0
}

func (r *parser) next() byte {
	c := r.peek()
	if r.pos < len(r.text) {
		r.pos++
	}
	return c
}

func (r *parser) leg() (leg, bool) {
	switch r.peek() {
	case '[':
		return r.array()
	case '.':
		return r.member()
	case '*':
		r.pos++
		ok := r.next() == '*' && r.peek() != 0 && r.peek() != '*'
		return leg{kind: ellipsis}, ok
	}
	return leg{}, false
}

func (r *parser) array() (l leg, ok bool) {
	r.pos++
	r.blanks()
	if r.peek() == '*' {
		r.pos++
		l.kind = anyCell
	} else {
		l.kind = cell
		if l.from, ok = r.index(); !ok {
			return l, false
		}
		before := r.pos
		r.blanks()
		if rest := r.text[r.pos:]; r.pos > before && len(rest) > 3 && rest[:2] == "to" && strings.IndexByte(" \t\n\r", rest[2]) >= 0 {
			r.pos += 3
			r.blanks()
			l.kind = cells
			if l.to, ok = r.index(); !ok {
				return l, false
			}
			if l.from.last == l.to.last && (l.from.last && l.from.n < l.to.n || !l.from.last && l.from.n > l.to.n) {
				return l, false // it never selects anything
			}
		}
	}
	r.blanks()
	return l, r.next() == ']'
}

func (r *parser) index() (i index, ok bool) {
	if strings.HasPrefix(r.text[r.pos:], "last") {
		r.pos += len("last")
		i.last = true
		before := r.pos
		r.blanks()
		if r.peek() != '-' {
			r.pos = before
			return i, true
		}
		r.pos++
		r.blanks()
	}
	from := r.pos
	for c := r.peek(); c >= '0' && c <= '9'; c = r.peek() {
		r.pos++
	}
	n, err := strconv.ParseUint(r.text[from:r.pos], 10, 32)
	i.n = int(n)
	return i, err == nil && n <= math.MaxUint32
}

func (r *parser) member() (l leg, ok bool) {
	r.pos++
	r.blanks()
	switch r.peek() {
	case 0:
		return l, false
	case '*':
		r.pos++
		return leg{kind: anyMember}, true
	}
	from := r.pos
	quoted := r.peek() == '"'
	if quoted {
		r.quoted()
	} else {
		for r.pos < len(r.text) && strings.IndexByte(" \t\n\r[.*", r.text[r.pos]) < 0 {
			r.pos++
		}
	}
	text := r.text[from:r.pos]
	if !quoted {
		text = `"` + text + `"`
	}
	if json.Unmarshal([]byte(text), &l.name) != nil {
		return l, false
	}
	return l, quoted || identifier(l.name)
}

// quoted passes over a string in double quotes.
func (r *parser) quoted() {
	for r.pos++; r.pos < len(r.text); r.pos++ {
		switch r.text[r.pos] {
		case '\\':
			r.pos++
		case '"':
			r.pos++
			return
		}
	}
	r.pos = min(r.pos, len(r.text))
}

// identifier reports whether a name may stand without quotes: ECMAScript's identifiers may.
func identifier(name string) bool {
	for i, c := range name {
		switch {
		case unicode.IsLetter(c), c == '$', c == '_':
		case i > 0 && (unicode.IsDigit(c) || unicode.In(c, unicode.Mn, unicode.Mc, unicode.Pc) || c == 0x200c || c == 0x200d):
		default:
			return false
		}
	}
	return name != ""
}
