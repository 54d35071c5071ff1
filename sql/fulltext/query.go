package fulltext

import (
	"fmt"
	"unicode"
)

// Query is a search: a tree of conditions over terms.
type Query struct {
	a    *Analyzer
	root *node
	// Terms are the distinct words and prefixes that the query looks for.
	Terms []*Term
	// Phrases says that some condition needs the text of the rows that have all its words.
	Phrases bool

	byKey map[string]*Term
}

// Term is a word, or the beginning of words.
type Term struct {
	Key    string // as in the index
	Prefix bool
	Docs   int // rows that have it; the caller sets it. Of a prefix: the sum over the words that begin with it, as InnoDB counts
	times  int // it stands so often in the query: InnoDB counts its rows each time
	at     int
}

// node is a part of a query.
type node struct {
	op    byte // '+' must match, '-' must not, '~' lowers the rank, '>' and '<' raise and lower it, 0 may match
	list  []*node
	terms []*Term  // of a leaf: all must be there
	words []string // of a phrase: with its gaps
	near  int      // of a phrase: its words stand within so many, in any order; 0: side by side
	never bool     // a word that no index holds
}

// SyntaxError is a query that IN BOOLEAN MODE does not understand (1064).
type SyntaxError struct{ What string }

func (e *SyntaxError) Error() string { return "syntax error, unexpected " + e.What }

// Natural reads a query in natural language: all its words, and phrases in quotes.
func Natural(a *Analyzer, text string) *Query {
	q := newQuery(a)
	for len(text) > 0 {
		plain, quoted := text, ""
		text = ""
		for i := range plain {
			if plain[i] == '"' {
				rest := plain[i+1:]
				plain = plain[:i]
				quoted = rest
				for j := range rest {
					if rest[j] == '"' {
						quoted, text = rest[:j], rest[j+1:]
						break
					}
				}
				break
			}
		}
		for _, k := range a.Tokens(nil, plain) {
			if k != Gap {
				q.root.list = append(q.root.list, &node{terms: []*Term{q.term(k, false)}})
			}
		}
		if n := q.phrase(0, a.Tokens(nil, quoted), 0); n != nil {
			q.root.list = append(q.root.list, n)
		}
	}
	return q
}

// Expanded is the search for all the words of some rows, beside those of a query in natural language (WITH QUERY EXPANSION).
func (q *Query) Expanded(docs func(yield func(tokens []string))) *Query {
	out := newQuery(q.a)
	for _, t := range q.Terms {
		out.root.list = append(out.root.list, &node{terms: []*Term{out.term(t.Key, t.Prefix)}})
		out.byKey[t.id()].times = t.times
	}
	docs(func(tokens []string) {
		for _, k := range tokens {
			if k != Gap && k != Break && out.byKey["w"+k] == nil {
				out.root.list = append(out.root.list, &node{terms: []*Term{out.term(k, false)}})
			}
		}
	})
	return out
}

func newQuery(a *Analyzer) *Query {
	return &Query{a: a, root: &node{}, byKey: map[string]*Term{}}
}

func (t *Term) id() string {
	if t.Prefix {
		return "p" + t.Key
	}
	return "w" + t.Key
}

func (q *Query) term(key string, prefix bool) *Term {
	t := &Term{Key: key, Prefix: prefix}
	if have := q.byKey[t.id()]; have != nil {
		have.times++
		return have
	}
	t.times, t.at = 1, len(q.Terms)
	q.byKey[t.id()] = t
	q.Terms = append(q.Terms, t)
	return t
}

// phrase makes a node of words that stand together; nil if none of them is indexed.
func (q *Query) phrase(op byte, words []string, near int) *node {
	for len(words) > 0 && words[0] == Gap {
		words = words[1:]
	}
	for len(words) > 0 && words[len(words)-1] == Gap {
		words = words[:len(words)-1]
	}
	if len(words) == 0 {
		return nil
	}
	n := &node{op: op, near: near}
	seen := map[string]bool{}
	for _, w := range words {
		if w != Gap && !seen[w] {
			seen[w] = true
			n.terms = append(n.terms, q.term(w, false))
		}
	}
	if len(words) > 1 {
		n.words, q.Phrases = words, true
	}
	return n
}

// maxDepth bounds parentheses within parentheses.
const maxDepth = 32

// parser reads a query IN BOOLEAN MODE.
type parser struct {
	q  *Query
	r  []rune
	at int
}

// Boolean reads a query IN BOOLEAN MODE: one of + - > < ~ before a part, * behind a word, "phrases" with @distance, parentheses. A *SyntaxError
// has the words of InnoDB's parser.
func Boolean(a *Analyzer, text string) (*Query, error) {
	p := &parser{q: newQuery(a), r: []rune(text)}
	list, err := p.list(0)
	if err != nil {
		return nil, err
	}
	p.q.root.list = list
	return p.q, nil
}

func (p *parser) space() {
	for p.at < len(p.r) {
		switch c := p.r[p.at]; c {
		case '+', '-', '~', '>', '<', '(', ')', '"', '*', '@':
			return
		default:
			if wordRune(c) {
				return
			}
			p.at++
		}
	}
}

func unexpected(c rune) error { return &SyntaxError{fmt.Sprintf("'%c'", c)} }

// list reads parts up to the end or the closing parenthesis.
func (p *parser) list(depth int) (list []*node, err error) {
	for {
		p.space()
		op := byte(0)
		if p.at < len(p.r) {
			switch c := p.r[p.at]; c {
			case '+', '-', '~', '>', '<':
				op = byte(c)
				p.at++
				p.space()
			}
		}
		if p.at == len(p.r) {
			if op != 0 || depth > 0 {
				return nil, &SyntaxError{"$end"}
			}
			return list, nil
		}
		switch c := p.r[p.at]; {
		case c == '(':
			if depth == maxDepth {
				return nil, unexpected(c)
			}
			p.at++
			sub, err := p.list(depth + 1)
			if err != nil {
				return nil, err
			}
			list = append(list, &node{op: op, list: sub})
		case c == ')':
			if op != 0 {
				return nil, unexpected(c)
			}
			if depth == 0 {
				return nil, &SyntaxError{"')', expecting $end"}
			}
			p.at++
			return list, nil
		case c == '"':
			list = p.add(list, op, p.quoted(op))
		case wordRune(c):
			list = p.add(list, op, p.word(op))
		case c == '*' && op == 0 && len(list) > 0:
			p.at++ // a star by itself
		default:
			return nil, unexpected(c)
		}
	}
}

// add appends a part; what must match and is not indexed matches nothing.
func (p *parser) add(list []*node, op byte, n *node) []*node {
	if n == nil {
		if op != '+' {
			return list
		}
		n = &node{op: op, never: true}
	}
	return append(list, n)
}

func (p *parser) quoted(op byte) *node {
	end := p.at + 1
	for end < len(p.r) && p.r[end] != '"' {
		end++
	}
	text := string(p.r[p.at+1 : end])
	p.at = min(end+1, len(p.r))
	near, at := 0, p.at
	for at < len(p.r) && unicode.IsSpace(p.r[at]) {
		at++
	}
	if at+1 < len(p.r) && p.r[at] == '@' && p.r[at+1] >= '0' && p.r[at+1] <= '9' {
		for at++; at < len(p.r) && p.r[at] >= '0' && p.r[at] <= '9'; at++ {
			near = min(near*10+int(p.r[at]-'0'), 1<<20)
		}
		p.at = at
	}
	return p.q.phrase(op, p.q.a.Tokens(nil, text), near)
}

func (p *parser) word(op byte) *node {
	a, end := p.q.a, p.at
	for end < len(p.r) && wordRune(p.r[end]) {
		end++
	}
	w := string(p.r[p.at:end])
	n := end - p.at
	p.at = end
	star := end < len(p.r) && p.r[end] == '*'
	if star {
		p.at++
	}
	switch {
	case a.NGram > 0 && star && n < a.NGram:
		return &node{op: op, terms: []*Term{p.q.term(a.key(w), true)}}
	case a.NGram > 0:
		return p.q.phrase(op, a.grams(nil, w), 0)
	case star:
		return &node{op: op, terms: []*Term{p.q.term(a.key(w), true)}}
	case a.indexed(w):
		return &node{op: op, terms: []*Term{p.q.term(a.key(w), false)}}
	}
	return nil
}
