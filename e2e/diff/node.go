package diff

import "strings"

// Kind says what the shrinker may do with a Node.
type Kind uint8

const (
	Text Kind = iota // kept; its kids are looked at
	Expr             // may be replaced by any expression below it, or by a constant
	Opt              // may be left out
	List             // any of its kids may go while Min of them stay
)

// Node is a statement or a part of one: Head, then Kids with Sep between them. A literal that may be sent as a parameter has a Param
// (int64, float64, string or wire.DateTime). What the oracle has a fault in, and can be asked in other words, has a Theirs: those words for what its kids are now.
type Node struct {
	Kind  Kind
	Head  string
	Kids  []*Node
	Sep   string
	Min   int
	Param any

	Theirs func(kids []*Node) *Node
}

// joined are kids as they are.
func joined(kids []*Node) *Node { return &Node{Kids: kids} }

// asked gives n other words for the oracle.
func (n *Node) asked(theirs func(kids []*Node) *Node) *Node {
	n.Theirs = theirs
	return n
}

// cat joins texts (string) and parts (*Node; nil is left out).
func cat(parts ...any) *Node {
	n := &Node{}
	for _, p := range parts {
		switch p := p.(type) {
		case string:
			n.Kids = append(n.Kids, &Node{Head: p})
		case *Node:
			if p != nil {
				n.Kids = append(n.Kids, p)
			}
		}
	}
	return n
}

func expr(parts ...any) *Node { n := cat(parts...); n.Kind = Expr; return n }

func opt(parts ...any) *Node { n := cat(parts...); n.Kind = Opt; return n }

func list(sep string, least int, kids ...*Node) *Node {
	return &Node{Kind: List, Sep: sep, Min: least, Kids: kids}
}

// fixed is a list that the shrinker leaves as long as it is.
func fixed(sep string, kids ...*Node) *Node { return list(sep, len(kids), kids...) }

func lit(text string, param any) *Node { return &Node{Kind: Expr, Head: text, Param: param} }

// String is the statement as text.
func (n *Node) String() string {
	var b strings.Builder
	n.write(&b, nil, false)
	return b.String()
}

// OfOracle is the statement in the words that the oracle is asked in.
func (n *Node) OfOracle() string {
	var b strings.Builder
	n.write(&b, nil, true)
	return b.String()
}

// Prepared is the statement with placeholders, and their values.
func (n *Node) Prepared(oracle bool) (string, []any) {
	var b strings.Builder
	params := []any{}
	n.write(&b, &params, oracle)
	return b.String(), params
}

func (n *Node) write(b *strings.Builder, params *[]any, oracle bool) {
	if oracle && n.Theirs != nil {
		n.Theirs(n.Kids).write(b, params, true)
		return
	}
	if params != nil && n.Param != nil {
		*params = append(*params, n.Param)
		b.WriteByte('?')
		return
	}
	b.WriteString(n.Head)
	for i, k := range n.Kids {
		if i > 0 {
			b.WriteString(n.Sep)
		}
		k.write(b, params, oracle)
	}
}

// variants calls try with smaller forms of the tree under n, the boldest first, until try returns true; the form it took stays in
// place. It reports whether one was taken.
func (n *Node) variants(try func() bool) bool {
	for i := range n.Kids {
		if n.Kids[i].smaller(func(with *Node) bool {
			old := n.Kids[i]
			n.Kids[i] = with
			if try() {
				return true
			}
			n.Kids[i] = old
			return false
		}) {
			return true
		}
	}
	if n.Kind == List && len(n.Kids) > n.Min {
		whole := n.Kids
		for i := range whole {
			n.Kids = append(append([]*Node{}, whole[:i]...), whole[i+1:]...)
			if try() {
				return true
			}
		}
		n.Kids = whole
	}
	for _, k := range n.Kids {
		if k.variants(try) {
			return true
		}
	}
	return false
}

// smaller offers replacements for n itself.
func (n *Node) smaller(take func(*Node) bool) bool {
	switch n.Kind {
	case Opt:
		return take(&Node{})
	case Expr:
		if len(n.Kids) == 0 {
			return false
		}
		for _, c := range []string{"NULL", "1"} {
			if take(lit(c, nil)) {
				return true
			}
		}
		for _, k := range n.Kids {
			if k.below(take) {
				return true
			}
		}
	}
	return false
}

// below offers the topmost expressions at or below n.
func (n *Node) below(take func(*Node) bool) bool {
	if n.Kind == Expr {
		return take(n)
	}
	for _, k := range n.Kids {
		if k.below(take) {
			return true
		}
	}
	return false
}
