package general

import (
	"math"
	"strings"
	"unicode"
)

// matchNode is a part of a full-text query: a word, a phrase, or a list of parts.
type matchNode struct {
	sign   byte     // '+' must match, '-' must not, '~' lowers the rank, 0 may match
	factor float64  // of > and <
	words  []string // keys; more than one: a phrase
	prefix bool     // word*
	list   []*matchNode
	docs   int // rows that have it
}

// parseNatural makes a query of all the words of a text, each once.
func (s *search) parseNatural(text string) *matchNode {
	root := &matchNode{factor: 1}
	seen := map[string]bool{}
	for _, k := range s.tokens(nil, text) {
		if k != "\x00" && !seen[k] {
			seen[k] = true
			s.add(root, &matchNode{factor: 1, words: []string{k}})
		}
	}
	return root
}

func (s *search) add(to, n *matchNode) {
	to.list = append(to.list, n)
	if n.words != nil {
		s.terms = append(s.terms, n)
	}
}

// maxMatchDepth bounds parentheses within parentheses.
const maxMatchDepth = 32

// parseBoolean parses IN BOOLEAN MODE: + - > < ~ before, * behind a word, "phrases", parentheses.
func (s *search) parseBoolean(text string) *matchNode {
	root := &matchNode{factor: 1}
	stack := []*matchNode{root}
	next := &matchNode{factor: 1}
	r := []rune(text)
	for i := 0; i < len(r); {
		top := stack[len(stack)-1]
		switch c := r[i]; {
		case c == '+' || c == '-' || c == '~':
			next.sign = byte(c)
			i++
		case c == '>':
			next.factor *= 1.5
			i++
		case c == '<':
			next.factor /= 1.5
			i++
		case c == '(' && len(stack) < maxMatchDepth:
			next.list = []*matchNode{}
			top.list = append(top.list, next)
			stack = append(stack, next)
			next = &matchNode{factor: 1}
			i++
		case c == ')':
			if len(stack) > 1 {
				stack = stack[:len(stack)-1]
			}
			next = &matchNode{factor: 1}
			i++
		case c == '"':
			end := i + 1
			for end < len(r) && r[end] != '"' {
				end++
			}
			next.words = s.tokens(nil, string(r[i+1:end]))
			if usable(next.words) {
				s.add(top, next)
			}
			next = &matchNode{factor: 1}
			i = min(end+1, len(r))
		case wordRune(c):
			end := i
			for end < len(r) && wordRune(r[end]) {
				end++
			}
			w := string(r[i:end])
			if end < len(r) && r[end] == '*' {
				next.prefix, next.words = true, []string{s.key(w)}
				s.add(top, next)
				end++
			} else if indexed(w) {
				next.words = []string{s.key(w)}
				s.add(top, next)
			}
			next = &matchNode{factor: 1}
			i = end
		default:
			if unicode.IsSpace(c) {
				next = &matchNode{factor: 1}
			}
			i++
		}
	}
	return root
}

func wordRune(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_' || unicode.IsMark(r)
}

// usable reports whether a phrase has a word that is indexed.
func usable(words []string) bool {
	for _, w := range words {
		if w != "\x00" {
			return true
		}
	}
	return false
}

// count is how often a row has a word or phrase.
func (n *matchNode) count(doc []string) int {
	hits := 0
	for i := range doc {
		switch {
		case n.prefix:
			if strings.HasPrefix(doc[i], n.words[0]) {
				hits++
			}
		case len(n.words) == 1:
			if doc[i] == n.words[0] {
				hits++
			}
		case i+len(n.words) <= len(doc):
			all := true
			for j, w := range n.words {
				all = all && (w == "\x00" || doc[i+j] == w)
			}
			if all {
				hits++
			}
		}
	}
	return hits
}

// score is the relevance of a row; ok is false when it does not match.
func (n *matchNode) score(s *search, doc []string) (rank float64, ok bool) {
	if n.words != nil {
		hits := n.count(doc)
		if hits == 0 || n.docs == 0 {
			return 0, false
		}
		idf := math.Log10(float64(s.rows) / float64(n.docs))
		if n.docs >= s.rows {
			idf = math.Log10(1.0001)
		}
		return float64(hits) * idf * idf * n.factor, true
	}
	must := false
	for _, part := range n.list {
		r, hit := part.score(s, doc)
		switch part.sign {
		case '+':
			if must = true; !hit {
				return 0, false
			}
			rank += r
		case '-':
			if hit {
				return 0, false
			}
		case '~':
			if hit {
				ok = true
				rank -= r / 2
			}
		default:
			if hit {
				ok = true
				rank += r
			}
		}
	}
	ok = ok || must
	if ok && rank <= 0 {
		rank = math.SmallestNonzeroFloat32 // it matches, and counts as true
	}
	return rank * n.factor, ok
}
