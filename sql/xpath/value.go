package xpath

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Env is what a query asks of those who run it: how texts compare, and the session's variables.
type Env interface {
	Compare(a, b string) int
	Index(text, part string) int // -1: it is not in there
	Variable(name string) any    // an int64, a float64, a string or nil
}

// place is a node of a set, and its place among those that the same step found from the same node.
type place struct{ node, pos int }

type set []place

// focus is the node that a part of a query is evaluated for, and of how many it is one.
type focus struct {
	at   place
	size int
}

// run is a query at work on a document.
type run struct {
	*Document
	env Env
}

func (r *run) variable(name string) any { return r.env.Variable(name) }

// Extract is the texts right within the nodes that a query finds, a blank between two of them, or else what it computes.
func (q *Query) Extract(d *Document, env Env) (string, bool) {
	r := &run{d, env}
	v := q.root.eval(r, focus{size: 1})
	if v == nil {
		return "", false
	}
	return r.text(v), true
}

// Replace puts a text in the place of the node that a query finds. Where it finds none, or several, the document stays. ok is false for a query that finds no nodes by its form.
func (q *Query) Replace(d *Document, env Env, with string) (_ string, ok bool) {
	if q.root.form != nodes {
		return "", false
	}
	found := q.root.eval(&run{d, env}, focus{size: 1}).(set)
	if len(found) != 1 {
		return d.source, true
	}
	n := &d.nodes[found[0].node]
	return d.source[:n.start] + with + d.source[n.end:], true
}

// step finds nodes by their relation to those of a set.
type step func(r *run, from set, fits func(*node) bool) set

// axes are the steps by name. Those that MySQL does not support it takes for the children.
var axes = map[string]step{
	"child":              below(tag, false, true),
	"attribute":          below(attribute, false, true),
	"descendant":         below(tag, false, false),
	"descendant-or-self": below(tag, true, false),
	"self": func(r *run, from set, fits func(*node) bool) (out set) {
		for _, at := range from {
			if fits(&r.nodes[at.node]) {
				out = append(out, place{at.node, len(out)})
			}
		}
		return out
	},
	"parent": func(r *run, from set, fits func(*node) bool) set {
		return r.marked(func(active []bool) {
			for _, at := range from {
				if up := r.nodes[at.node].parent; fits(&r.nodes[up]) {
					active[up] = true
				}
			}
		}, false)
	},
	"following":         below(tag, false, true),
	"following-sibling": below(tag, false, true),
	"preceding":         below(tag, false, true),
	"preceding-sibling": below(tag, false, true),
	"namespace":         below(tag, false, true),
	"ancestor":          above(false),
	"ancestor-or-self":  above(true),
}

// below are the nodes within those of a set: right within them, or at any depth.
func below(kind nodeKind, self, direct bool) step {
	return func(r *run, from set, fits func(*node) bool) (out set) {
		for _, at := range from {
			top, pos := &r.nodes[at.node], 0
			if self && fits(top) {
				out = append(out, place{at.node, pos})
				pos++
			}
			for i := at.node + 1; i < len(r.nodes) && r.nodes[i].level > top.level; i++ {
				if n := &r.nodes[i]; n.kind == kind && (!direct || n.parent == at.node) && fits(n) {
					out = append(out, place{i, pos})
					pos++
				}
			}
		}
		return out
	}
}

// above are the nodes that those of a set are within, the innermost first by its place.
func above(self bool) step {
	return func(r *run, from set, fits func(*node) bool) set {
		return r.marked(func(active []bool) {
			for _, at := range from {
				i := at.node
				if !self {
					i = r.nodes[i].parent
				}
				for ; i > 0; i = r.nodes[i].parent {
					if fits(&r.nodes[i]) {
						active[i] = true
					}
				}
			}
		}, true)
	}
}

// marked is a set of the nodes that mark chooses, in the document's order.
func (r *run) marked(mark func(active []bool), backward bool) set {
	active := make([]bool, len(r.nodes))
	mark(active)
	var out set
	for i, on := range active {
		if on {
			out = append(out, place{i, len(out)})
		}
	}
	if backward {
		for i := range out {
			out[i].pos = len(out) - 1 - i
		}
	}
	return out
}

// along is a step from an operand's nodes to those of a name.
func along(from operand, how step, name string) operand {
	fits := func(n *node) bool { return name == "*" || n.name == name }
	return operand{nodes, func(r *run, f focus) any { return how(r, from.eval(r, f).(set), fits) }}
}

// anyText looks whether one of the texts right within a set's nodes suffices.
func (r *run) anyText(s set, suffices func(string) bool) bool {
	for _, at := range s {
		for i := at.node + 1; i < len(r.nodes) && r.nodes[i].level > r.nodes[at.node].level; i++ {
			if n := &r.nodes[i]; n.kind == text && n.parent == at.node && suffices(n.name) {
				return true
			}
		}
	}
	return false
}

// text is a value's text: a set's are those right within its nodes, each once and in the document's order.
func (r *run) text(v any) string {
	switch v := v.(type) {
	case set:
		found := r.marked(func(active []bool) {
			for _, at := range v {
				for i := at.node + 1; i < len(r.nodes) && r.nodes[i].level > r.nodes[at.node].level; i++ {
					active[i] = active[i] || r.nodes[i].kind == text && r.nodes[i].parent == at.node
				}
			}
		}, false)
		list := make([]string, len(found))
		for i, at := range found {
			list[i] = r.nodes[at.node].name
		}
		return strings.Join(list, " ")
	case bool:
		if v {
			return "1"
		}
		return "0"
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		if a := math.Abs(v); a != 0 && (a < 1e-15 || a >= 1e15) {
			return strings.Replace(strconv.FormatFloat(v, 'e', -1, 64), "e+", "e", 1)
		}
		return strconv.FormatFloat(v, 'f', -1, 64)
	case string:
		return v
	}
	return ""
}

// number is a value's number: of a text that which it begins with.
func (r *run) number(v any) float64 {
	switch v := v.(type) {
	case nil:
		return 0
	case int64:
		return float64(v)
	case float64:
		return v
	}
	s := strings.TrimLeft(r.text(v), " \t\r\n")
	for end := len(s[:numberEnd(s)]); end > 0; end-- {
		if n, err := strconv.ParseFloat(s[:end], 64); err == nil {
			return n
		}
	}
	return 0
}

// numberEnd is how much of a text may be a number.
func numberEnd(s string) int {
	if n := strings.IndexFunc(s, func(c rune) bool { return !strings.ContainsRune("0123456789+-.eE", c) }); n >= 0 {
		return n
	}
	return min(len(s), 400)
}

// whole is a number as an integer; -1 for what is none.
func whole(v any) int64 {
	switch v := v.(type) {
	case int64:
		return v
	case float64:
		return int64(math.Round(v))
	case nil:
		return -1
	}
	return int64((&run{}).number(v))
}

// truth is what an operand holds for as a condition: that a set has nodes, that a number is not 0.
func truth(o operand) func(*run, focus) bool {
	return func(r *run, f focus) bool {
		switch v := o.eval(r, f).(type) {
		case set:
			return len(v) > 0
		case bool:
			return v
		default:
			return r.number(v) != 0
		}
	}
}

// holds compares two values: texts by the collation, all else as numbers. Nothing compares with NULL.
func (r *run) holds(a, b any, sense func(int) bool) bool {
	if a == nil || b == nil {
		return false
	}
	if x, ok := a.(string); ok {
		if y, ok := b.(string); ok {
			return sense(r.env.Compare(x, y))
		}
	}
	number := func(v any) float64 {
		if v, ok := v.(bool); ok {
			return float64(strings.Count(r.text(v), "1"))
		}
		return r.number(v)
	}
	x, y := number(a), number(b)
	switch {
	case x < y:
		return sense(-1)
	case x > y:
		return sense(1)
	}
	return sense(0)
}

// computed is arithmetic: of integers it gives integers while they fit. div divides whole numbers.
func computed(op byte, a, b operand) operand {
	return operand{scalar, func(r *run, f focus) any {
		v, w := a.eval(r, f), b.eval(r, f)
		if v == nil || w == nil {
			return nil
		}
		x, y := r.number(v), r.number(w)
		if (op == '/' || op == '%') && y == 0 {
			return nil
		}
		var out float64
		switch op {
		case '+':
			out = x + y
		case '-':
			out = x - y
		case '*':
			out = x * y
		case '/':
			out = math.Trunc(x / y)
		case '%':
			out = math.Mod(x, y)
		}
		const exact = 1 << 53
		_, vi := v.(int64)
		if _, wi := w.(int64); (vi && wi || op == '/') && math.Abs(out) < exact {
			return int64(out)
		}
		return out
	}}
}

// function is one of XPath's. sets says that its first argument has to be a set, inside that without an argument it asks of the node that a predicate is about.
type function struct {
	least, most int
	form        form
	sets        bool
	inside      bool
	eval        func(r *run, f focus, args []operand) any
}

var functions map[string]function

func init() {
	ofNumber := func(of func(float64) float64) func(*run, focus, []operand) any {
		return func(r *run, f focus, args []operand) any {
			v := args[0].eval(r, f)
			if _, already := v.(int64); v == nil || already {
				return v
			}
			return of(r.number(v))
		}
	}
	// orSelf is a text argument that may be left out: the node's.
	orSelf := func(r *run, f focus, args []operand) any {
		if len(args) == 0 {
			return set{f.at}
		}
		return args[0].eval(r, f)
	}
	functions = map[string]function{
		"true":     {0, 0, boolean, false, false, func(*run, focus, []operand) any { return true }},
		"false":    {0, 0, boolean, false, false, func(*run, focus, []operand) any { return false }},
		"last":     {0, 0, scalar, false, true, func(_ *run, f focus, _ []operand) any { return int64(f.size) }},
		"position": {0, 0, scalar, false, true, func(_ *run, f focus, _ []operand) any { return int64(f.at.pos) + 1 }},
		"count":    {1, 1, scalar, true, false, func(r *run, f focus, args []operand) any { return int64(len(args[0].eval(r, f).(set))) }},
		"sum": {1, 1, scalar, true, false, func(r *run, f focus, args []operand) any {
			total := 0.0
			r.anyText(args[0].eval(r, f).(set), func(t string) bool {
				total += r.number(t)
				return false
			})
			return total
		}},
		"not":     {1, 1, boolean, false, false, func(r *run, f focus, args []operand) any { return !truth(args[0])(r, f) }},
		"boolean": {1, 1, boolean, false, false, func(r *run, f focus, args []operand) any { return truth(args[0])(r, f) }},
		"number":  {0, 1, scalar, false, true, func(r *run, f focus, args []operand) any { return r.number(orSelf(r, f, args)) }},
		"round":   {1, 1, scalar, false, false, ofNumber(math.RoundToEven)},
		"floor":   {1, 1, scalar, false, false, ofNumber(math.Floor)},
		"ceiling": {1, 1, scalar, false, false, ofNumber(math.Ceil)},
		"concat": {2, 255, scalar, false, false, func(r *run, f focus, args []operand) any {
			var b strings.Builder
			for _, a := range args {
				v := a.eval(r, f)
				if v == nil {
					return nil
				}
				b.WriteString(r.text(v))
			}
			return b.String()
		}},
		"contains": {2, 2, boolean, false, false, func(r *run, f focus, args []operand) any {
			return r.env.Index(r.text(args[0].eval(r, f)), r.text(args[1].eval(r, f))) >= 0
		}},
		"string-length": {0, 1, scalar, false, true, func(r *run, f focus, args []operand) any {
			return int64(utf8.RuneCountInString(r.text(orSelf(r, f, args))))
		}},
		"substring": {2, 3, scalar, false, false, func(r *run, f focus, args []operand) any {
			list := []rune(r.text(args[0].eval(r, f)))
			from, n := whole(args[1].eval(r, f)), int64(len(list))
			if from < 0 {
				from += int64(len(list)) + 1
			}
			if len(args) > 2 {
				n = whole(args[2].eval(r, f))
			}
			if from < 1 || from > int64(len(list)) || n < 1 {
				return ""
			}
			return string(list[from-1 : from-1+min(n, int64(len(list))-from+1)])
		}},
	}
}
