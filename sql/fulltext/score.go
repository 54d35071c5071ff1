package fulltext

import (
	"math"
	"strings"
)

// Relevance as InnoDB computes it: for each of the query's terms that a row has, its count there times the square of log10(rows / rows that have it);
// 1 is added for each part that matches after > and taken away after < and ~. MariaDB 10.11's InnoDB is what the tests compare with.

// Doc is a row as a query sees it.
type Doc interface {
	// Count is how often the row has a term.
	Count(t *Term) int
	// Tokens are the row's words in their order, with gaps and breaks.
	Tokens() ([]string, error)
}

// Matches reports whether a row matches, and its rank, which InnoDB shows as a FLOAT; rows is how many the table has.
func (q *Query) Matches(d Doc, rows int) (rank float64, ok bool, err error) {
	m := matcher{d: d, hits: make([]bool, len(q.Terms))}
	ok, extra := m.list(q.root.list)
	if m.err != nil || !ok {
		return 0, false, m.err
	}
	for i, t := range q.Terms {
		if m.hits[i] {
			idf := math.Log10(1.0001)
			if n := t.Docs * t.times; n != rows && n > 0 && rows > 0 {
				idf = math.Log10(float64(rows) / float64(n))
			}
			rank += float64(d.Count(t)) * idf * idf
		}
	}
	return rank + extra, true, nil
}

// Needs returns terms of which each matching row has at least one.
func (q *Query) Needs() []*Term {
	var out []*Term
	need(q.root.list, &out)
	return out
}

// need collects terms of which a row that matches the list has at least one: those of a part that must match, else those of all that may.
func need(list []*node, out *[]*Term) {
	for _, n := range list {
		if n.op == '+' {
			if n.list != nil {
				need(n.list, out)
			} else if len(n.terms) > 0 {
				*out = append(*out, n.terms[0])
			}
			return
		}
	}
	for _, n := range list {
		switch {
		case n.op == '-' || n.op == '~' || n.never:
		case n.list != nil:
			need(n.list, out)
		default:
			*out = append(*out, n.terms[0])
		}
	}
}

type matcher struct {
	d    Doc
	hits []bool // terms that count
	err  error
}

// list evaluates a list of parts: whether the row matches, and what is added to its rank. Terms of parts that match count.
func (m *matcher) list(parts []*node) (ok bool, extra float64) {
	saved := append([]bool(nil), m.hits...)
	must := false
	for _, n := range parts {
		if n.op == '+' || n.op == '-' || n.op == '~' && n.list == nil && !ok {
			continue // InnoDB looks at ~word when it comes to it, and knows rows by the parts before then only
		}
		hit, add := m.one(n)
		if !hit {
			continue
		}
		switch n.op {
		case '~':
			add--
		case '<':
			add--
			ok = true
		case '>':
			add++
			ok = true
		default:
			ok = true
		}
		extra += add
	}
	for _, n := range parts {
		if n.op != '+' {
			continue
		}
		hit, add := m.one(n)
		if !hit {
			copy(m.hits, saved)
			return false, 0
		}
		must = true
		extra += add
	}
	if ok = ok || must; ok {
		counted := append([]bool(nil), m.hits...)
		for _, n := range parts {
			if n.op == '-' && ok {
				hit, _ := m.one(n)
				ok = !hit
			}
		}
		copy(m.hits, counted)
	}
	if !ok {
		copy(m.hits, saved)
		return false, 0
	}
	return true, extra
}

func (m *matcher) one(n *node) (bool, float64) {
	if n.never || m.err != nil {
		return false, 0
	}
	if n.list != nil {
		return m.list(n.list)
	}
	for _, t := range n.terms {
		if m.d.Count(t) == 0 {
			return false, 0
		}
	}
	if n.words != nil {
		tokens, err := m.d.Tokens()
		if err != nil {
			m.err = err
			return false, 0
		}
		if !n.within(tokens) {
			return false, 0
		}
	}
	for _, t := range n.terms {
		m.hits[t.at] = true
	}
	return true, 0
}

// within reports whether the phrase is in a text.
func (n *node) within(tokens []string) bool {
	if n.near > 0 {
		return n.close(tokens)
	}
	for i := 0; i+len(n.words) <= len(tokens); i++ {
		all := true
		for j, w := range n.words {
			if t := tokens[i+j]; t == Break || w != Gap && t != w {
				all = false
				break
			}
		}
		if all {
			return true
		}
	}
	return false
}

// close reports whether the phrase's words stand within n.near words of one column.
func (n *node) close(tokens []string) bool {
	for i := range tokens {
		left := map[string]bool{}
		for _, t := range n.terms {
			left[t.Key] = true
		}
		for j := i; j < len(tokens) && j-i < n.near && tokens[j] != Break; j++ {
			if delete(left, tokens[j]); len(left) == 0 {
				return true
			}
		}
	}
	return false
}

// TextDoc is a row by its words.
type TextDoc []string

// Tokens implements Doc.
func (d TextDoc) Tokens() ([]string, error) { return d, nil }

// Count implements Doc. Of the words that begin with a prefix the first one counts, as in InnoDB.
func (d TextDoc) Count(t *Term) int {
	n := 0
	if !t.Prefix {
		for _, w := range d {
			if w == t.Key {
				n++
			}
		}
		return n
	}
	first := ""
	for _, w := range d {
		if w != Gap && w != Break && strings.HasPrefix(w, t.Key) {
			switch {
			case first == "" || w < first:
				first, n = w, 1
			case w == first:
				n++
			}
		}
	}
	return n
}
