package xpath

import (
	"fmt"
	"strconv"
)

// Query is a path that was read.
type Query struct{ root operand }

// form is what an operand gives.
type form byte

const (
	nodes form = iota
	boolean
	scalar // a text, a number, or nil
)

// operand is a part of a query. It is evaluated for the node of a focus.
type operand struct {
	form form
	eval func(r *run, f focus) any // a set, a bool, an int64, a float64, a string or nil
}

// SyntaxError is a path that is none: what follows is where it ends to be one.
type SyntaxError struct{ Rest string }

const restShown = 32 // bytes of a path in an error

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("XPATH syntax error: '%s'", e.Rest[:min(len(e.Rest), restShown)])
}

// parser reads a query by descent. The first fault ends it.
type parser struct {
	path       string
	last, next token
	depth      int
	within     int // predicates that are open
	err        error
}

const maxQueryDepth = 200 // parentheses and predicates within each other

// Parse reads a path.
func Parse(path string) (*Query, error) {
	p := &parser{path: path, next: scan(path, 0)}
	root := p.or()
	if p.err == nil && p.next.kind != endOfPath {
		p.fail()
	}
	if p.err != nil {
		return nil, p.err
	}
	return &Query{root}, nil
}

// fail notes a fault at the next word.
func (p *parser) fail() {
	if p.err == nil {
		p.err = &SyntaxError{p.path[p.next.start:]}
	}
}

func (p *parser) accept(kind string) bool {
	if p.err != nil || p.next.kind != kind {
		return false
	}
	p.last, p.next = p.next, scan(p.path, p.next.end)
	return true
}

func (p *parser) expect(kind string) {
	if !p.accept(kind) {
		p.fail()
	}
}

func (p *parser) text() string { return p.path[p.last.start:p.last.end] }

func (p *parser) or() operand {
	a := p.and()
	for p.accept("or") {
		l, r := truth(a), truth(p.and())
		a = operand{boolean, func(x *run, f focus) any { return l(x, f) || r(x, f) }}
	}
	return a
}

func (p *parser) and() operand {
	a := p.equality()
	for p.accept("and") {
		l, r := truth(a), truth(p.equality())
		a = operand{boolean, func(x *run, f focus) any { return l(x, f) && r(x, f) }}
	}
	return a
}

func (p *parser) equality() operand {
	a := p.relation()
	for {
		from := p.next.start
		switch {
		case p.accept("="):
			a = p.compare(from, a, p.relation(), func(c int) bool { return c == 0 })
		case p.accept("!"):
			p.expect("=")
			a = p.compare(from, a, p.relation(), func(c int) bool { return c != 0 })
		default:
			return a
		}
	}
}

func (p *parser) relation() operand {
	a := p.sum()
	for {
		from := p.next.start
		less := p.accept("<")
		if !less && !p.accept(">") {
			return a
		}
		equal := p.accept("=")
		a = p.compare(from, a, p.sum(), func(c int) bool { return c == 0 && equal || c != 0 && c < 0 == less })
	}
}

// compare is a comparison. Of a set one text that holds suffices.
func (p *parser) compare(from int, a, b operand, holds func(int) bool) operand {
	if p.err == nil && a.form == nodes && b.form == nodes {
		rest := p.path[from:]
		p.err = fmt.Errorf("XPATH error: comparison of two nodesets is not supported: '%s'", rest[:min(len(rest), restShown)])
	}
	return operand{boolean, func(r *run, f focus) any {
		x, y := a.eval(r, f), b.eval(r, f)
		if s, ok := x.(set); ok {
			return r.anyText(s, func(t string) bool { return r.holds(t, y, holds) })
		}
		if s, ok := y.(set); ok {
			return r.anyText(s, func(t string) bool { return r.holds(x, t, holds) })
		}
		return r.holds(x, y, holds)
	}}
}

func (p *parser) sum() operand {
	a := p.product()
	for {
		switch {
		case p.accept("+"):
			a = computed('+', a, p.product())
		case p.accept("-"):
			a = computed('-', a, p.product())
		default:
			return a
		}
	}
}

func (p *parser) product() operand {
	a := p.unary()
	for {
		switch {
		case p.accept("*"):
			a = computed('*', a, p.unary())
		case p.accept("div"):
			a = computed('/', a, p.unary())
		case p.accept("mod"):
			a = computed('%', a, p.unary())
		default:
			return a
		}
	}
}

func (p *parser) unary() operand {
	if !p.accept("-") {
		return p.union()
	}
	if p.depth++; p.depth > maxQueryDepth {
		p.fail()
		return operand{}
	}
	defer func() { p.depth-- }()
	return computed('-', constant(int64(0)), p.unary())
}

func (p *parser) union() operand {
	a := p.pathExpr()
	for p.accept("|") {
		b := p.pathExpr()
		if a.form != nodes || b.form != nodes {
			p.fail()
			return a
		}
		l, r := a, b
		a = operand{nodes, func(x *run, f focus) any {
			return x.marked(func(active []bool) {
				for _, s := range []any{l.eval(x, f), r.eval(x, f)} {
					for _, at := range s.(set) {
						active[at.node] = true
					}
				}
			}, false)
		}}
	}
	return a
}

// pathExpr is a path from the root, a primary expression with a path behind it, or a path from where the query stands.
func (p *parser) pathExpr() operand {
	if p.depth++; p.depth > maxQueryDepth {
		p.fail()
	}
	defer func() { p.depth-- }()
	switch p.next.kind {
	case "/":
		return p.fromRoot()
	case "$", "(", quoted, digits, call:
		a := p.primary()
		if p.err != nil || a.form != nodes {
			return a
		}
		if p.accept("/") {
			a = p.steps(a)
		}
		return a
	}
	return p.step(operand{nodes, func(_ *run, f focus) any { return set{f.at} }}, true)
}

func (p *parser) fromRoot() operand {
	p.expect("/")
	root := operand{nodes, func(*run, focus) any { return set{{}} }}
	switch p.next.kind {
	case "/", ident, "*", ".", "@", axis, nodeType:
		return p.steps(root)
	}
	return root
}

// steps reads those that follow a slash.
func (p *parser) steps(from operand) operand {
	if p.accept("/") {
		from = along(from, axes["descendant-or-self"], "*")
	}
	return p.step(from, true)
}

// step reads one step and those behind it.
func (p *parser) step(from operand, more bool) operand {
	switch {
	case p.accept("."):
		if p.accept(".") {
			from = along(from, axes["parent"], "*")
		}
	default:
		how := axes["child"]
		switch {
		case p.accept("@"):
			how = axes["attribute"]
		case p.accept(axis):
			how = axes[p.text()]
			p.expect(":")
			p.expect(":")
		}
		switch {
		case p.accept("*"):
			from = along(from, how, "*")
		case p.accept(ident):
			name := p.text()
			if p.accept(":") {
				p.expect(ident)
				name += ":" + p.text()
			}
			from = along(from, how, name)
		case p.accept(nodeType): // the texts of a set are what a query gives anyway
			p.expect("(")
			p.expect(")")
		default:
			p.fail()
			return from
		}
		from = p.predicates(from)
	}
	for more && p.accept("/") {
		if p.accept("/") {
			from = along(from, axes["descendant-or-self"], "*")
		}
		from = p.step(from, false)
	}
	return from
}

// predicates reads those behind a step: a condition, or a place.
func (p *parser) predicates(from operand) operand {
	for p.accept("[") {
		p.within++
		in, cond := from, p.or()
		p.within--
		p.expect("]")
		if p.err != nil {
			return from
		}
		if cond.form == nodes {
			cond = operand{boolean, holdsOf(truth(cond))}
		}
		from = operand{nodes, func(r *run, f focus) any {
			s := in.eval(r, f).(set)
			var out set
			for _, at := range s {
				v := cond.eval(r, focus{at, len(s)})
				if cond.form == boolean && v == true || cond.form != boolean && whole(v) == int64(at.pos)+1 {
					out = append(out, place{at.node, len(out)})
				}
			}
			return out
		}}
	}
	return from
}

func holdsOf(t func(*run, focus) bool) func(*run, focus) any {
	return func(r *run, f focus) any { return t(r, f) }
}

func constant(v any) operand { return operand{scalar, func(*run, focus) any { return v }} }

// primary is a constant, a variable, a call, or an expression in parentheses.
func (p *parser) primary() operand {
	switch {
	case p.accept("("):
		a := p.or()
		p.expect(")")
		return a
	case p.accept(quoted):
		s := p.text()
		return constant(s[1 : len(s)-1])
	case p.accept(digits):
		from := p.last.start
		if !p.accept(".") {
			if n, err := strconv.ParseInt(p.text(), 10, 64); err == nil {
				return constant(n)
			}
		} else {
			p.accept(digits)
		}
		n, err := strconv.ParseFloat(p.path[from:p.last.end], 64)
		if err != nil {
			p.fail()
		}
		return constant(n)
	case p.accept("$"):
		return p.variable()
	case p.accept(call):
		name := p.text()
		fn := functions[name]
		p.expect("(")
		var args []operand
		for p.err == nil && p.next.kind != ")" {
			args = append(args, p.or())
			if p.next.kind != ")" {
				p.expect(",")
			}
		}
		p.expect(")")
		if p.err == nil && (len(args) < fn.least || len(args) > fn.most || fn.sets && args[0].form != nodes || fn.inside && len(args) == 0 && p.within == 0) {
			p.fail()
			return operand{}
		}
		return operand{fn.form, func(r *run, f focus) any { return fn.eval(r, f, args) }}
	}
	p.fail()
	return operand{}
}

// variableError is a variable that is not known. Its words are MySQL's.
type variableError string

func (e variableError) Error() string {
	return fmt.Sprintf("Unknown XPATH variable at: '%s'", string(e))
}

// variable is one of the session, $@name; those of programs are not known here.
func (p *parser) variable() operand {
	from := p.last.start
	if !p.accept("@") {
		if p.err == nil {
			rest := p.path[from:]
			p.err = variableError(rest[:min(len(rest), restShown)])
		}
		return operand{}
	}
	p.expect(ident)
	name := p.text()
	return operand{scalar, func(r *run, _ focus) any { return r.variable(name) }}
}
