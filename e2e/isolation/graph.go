package isolation

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

type dependency uint8

const (
	ww dependency = iota // the target overwrote what the source wrote
	wr                   // the target read what the source wrote
	rw                   // the target overwrote what the source read
	rt                   // the target began after the source had ended
)

type edge struct {
	to   int
	kind dependency
	key  int64
}

// graph has a node for each transaction and, for real time, one for each moment at which one ended.
type graph struct {
	h   *History
	out [][]edge
}

func (g *graph) add(from int, e edge) {
	if from != e.to && !slices.Contains(g.out[from], e) {
		g.out[from] = append(g.out[from], e)
	}
}

// newGraph makes the dependencies between transactions that happened. antis says from which transactions rw counts.
func newGraph(v *versions, antis func(*Txn) bool, realTime bool) *graph {
	g := &graph{h: v.h, out: make([][]edge, len(v.h.Txns))}
	for key, list := range v.order {
		for i := 1; i < len(list); i++ {
			from, ok1 := v.writer[list[i-1]]
			to, ok2 := v.writer[list[i]]
			if ok1 && ok2 {
				g.add(from, edge{to, ww, key})
			}
		}
	}
	for i := range v.h.Txns {
		t := &v.h.Txns[i]
		if dirty := v.level == ReadUncommitted && !t.Final; dirty || !v.happened(t) {
			continue
		}
		for _, o := range t.Ops {
			if o.Kind == Append {
				continue
			}
			next := 0
			if x := only(o.List); x != 0 {
				at, ok := v.at[x]
				if !ok {
					continue
				}
				next = at + 1
				g.add(v.writer[x], edge{i, wr, o.Key})
			}
			for list := v.order[o.Key]; next < len(list); next++ {
				if w, ok := v.writer[list[next]]; ok && w != i {
					if antis(t) {
						g.add(i, edge{w, rw, o.Key})
					}
					break
				}
			}
		}
	}
	if realTime {
		g.clock(v)
	}
	return g
}

// clock adds real time: transactions that ended point to the moment of their end, moments to the next one, and each moment to the
// transactions that began after it and before the next.
func (g *graph) clock(v *versions) {
	var ends []int
	for i := range v.h.Txns {
		if t := &v.h.Txns[i]; t.Outcome == Committed {
			ends = append(ends, i)
		}
	}
	slices.SortFunc(ends, func(a, b int) int { return int(v.h.Txns[a].End - v.h.Txns[b].End) })
	moment := len(g.out)
	g.out = append(g.out, make([][]edge, len(ends))...)
	for i, t := range ends {
		g.out[t] = append(g.out[t], edge{to: moment + i, kind: rt})
		if i > 0 {
			g.out[moment+i-1] = append(g.out[moment+i-1], edge{to: moment + i, kind: rt})
		}
	}
	for i := range v.h.Txns {
		t := &v.h.Txns[i]
		if !v.happened(t) {
			continue
		}
		n, _ := slices.BinarySearchFunc(ends, t.Begin, func(e int, at int64) int {
			if v.h.Txns[e].End < at {
				return -1
			}
			return 1
		})
		if n > 0 {
			g.out[moment+n-1] = append(g.out[moment+n-1], edge{to: i, kind: rt})
		}
	}
}

// components returns the strongly connected components of more than one node (Tarjan, iteratively).
func (g *graph) components() [][]int {
	const none = math.MaxInt32
	n := len(g.out)
	index, low, on := make([]int, n), make([]int, n), make([]bool, n)
	for i := range index {
		index[i] = none
	}
	var stack []int
	var out [][]int
	type frame struct{ node, next int }
	at := 0
	for root := range n {
		if index[root] != none {
			continue
		}
		frames := []frame{{root, 0}}
		for len(frames) > 0 {
			f := &frames[len(frames)-1]
			if f.next == 0 {
				index[f.node], low[f.node] = at, at
				at++
				stack, on[f.node] = append(stack, f.node), true
			}
			if f.next < len(g.out[f.node]) {
				to := g.out[f.node][f.next].to
				f.next++
				if index[to] == none {
					frames = append(frames, frame{to, 0})
				} else if on[to] {
					low[f.node] = min(low[f.node], index[to])
				}
				continue
			}
			done := *f
			frames = frames[:len(frames)-1]
			if len(frames) > 0 {
				p := frames[len(frames)-1].node
				low[p] = min(low[p], low[done.node])
			}
			if low[done.node] != index[done.node] {
				continue
			}
			var c []int
			for {
				x := stack[len(stack)-1]
				stack, on[x] = stack[:len(stack)-1], false
				c = append(c, x)
				if x == done.node {
					break
				}
			}
			if len(c) > 1 {
				out = append(out, c)
			}
		}
	}
	return out
}

// cycle is the edges of a way around, from the first node.
type cycle struct {
	from  int
	edges []edge
}

// classes of cycles, the gravest first. A cycle begins with an edge of the class' first kind and goes on with the others.
var classes = []struct {
	name  Type
	first dependency
	rest  func(kind, before dependency) bool
}{
	{G0, ww, func(k, _ dependency) bool { return k == ww || k == rt }},
	{G1c, wr, func(k, _ dependency) bool { return k != rw }},
	{GSingle, rw, func(k, _ dependency) bool { return k != rw }},
	{LongFork, rw, func(k, before dependency) bool { return k != rw || before != rw }},
	{G2Item, rw, func(dependency, dependency) bool { return true }},
}

// worst finds the shortest cycle of the gravest class within a component.
func (g *graph) worst(c []int) (Type, cycle) {
	in := map[int]bool{}
	for _, x := range c {
		in[x] = true
	}
	for _, class := range classes {
		best := cycle{}
		for _, from := range c {
			for _, e := range g.out[from] {
				if e.kind != class.first || !in[e.to] {
					continue
				}
				got := g.way(in, from, e, class.rest, class.name == LongFork)
				if got != nil && (best.edges == nil || len(got) < len(best.edges)) {
					best = cycle{from, got}
				}
			}
		}
		if best.edges != nil {
			return class.name, best
		}
	}
	return "", cycle{}
}

// way is the shortest one that begins with first and comes back. apart says that the last edge, too, must not be adjacent to an rw.
func (g *graph) way(in map[int]bool, from int, first edge, ok func(kind, before dependency) bool, apart bool) []edge {
	type state struct {
		node int
		rw   bool // came by rw
	}
	type step struct {
		before state
		e      edge
	}
	begin := state{first.to, first.kind == rw}
	came := map[state]step{begin: {}}
	queue := []state{begin}
	for len(queue) > 0 {
		s := queue[0]
		queue = queue[1:]
		if s.node == from && !(apart && s.rw) {
			var edges []edge
			for s != begin {
				edges = append(edges, came[s].e)
				s = came[s].before
			}
			edges = append(edges, first)
			slices.Reverse(edges)
			return edges
		}
		before := wr
		if s.rw {
			before = rw
		}
		for _, e := range g.out[s.node] {
			if !in[e.to] || !ok(e.kind, before) {
				continue
			}
			to := state{e.to, e.kind == rw}
			if _, have := came[to]; !have && to != begin {
				came[to] = step{s, e}
				queue = append(queue, to)
			}
		}
	}
	return nil
}

// describe tells a cycle, leaving out the moments of real time.
func (g *graph) describe(c cycle) (txns []int, text string) {
	var b strings.Builder
	from, last := c.from, ""
	for _, e := range c.edges {
		if from < len(g.h.Txns) {
			txns = append(txns, from)
			fmt.Fprintf(&b, "%s\n", &g.h.Txns[from])
		}
		arrow := fmt.Sprintf("  -%s(%d)->\n", []string{"ww", "wr", "rw"}[min(e.kind, rw)], e.key)
		if e.kind == rt {
			arrow = "  -real time->\n"
		}
		if arrow != last || e.kind != rt {
			b.WriteString(arrow)
		}
		from, last = e.to, arrow
	}
	fmt.Fprintf(&b, "T%d", c.from)
	return txns, b.String()
}
