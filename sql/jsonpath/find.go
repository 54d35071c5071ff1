package jsonpath

import (
	"sort"
	"strconv"
	"strings"
)

// A Place is where a value stands in a document: a chain of steps up to the document, which is nil.
type Place struct {
	up   *Place
	name string
	cell int // -1: a member
}

// String writes the place as a path expression.
func (p *Place) String() string {
	var steps []*Place
	for ; p != nil; p = p.up {
		steps = append(steps, p)
	}
	var b strings.Builder
	b.WriteByte('$')
	for i := len(steps) - 1; i >= 0; i-- {
		switch s := steps[i]; {
		case s.cell >= 0:
			b.WriteString("[" + strconv.Itoa(s.cell) + "]")
		case identifier(s.name):
			b.WriteString("." + s.name)
		default:
			b.WriteString("." + strconv.Quote(s.name))
		}
	}
	return b.String()
}

// Cell is the place of an array's element.
func (p *Place) Cell(i int) *Place { return &Place{up: p, cell: i} }

// Member is the place of an object's member.
func (p *Place) Member(name string) *Place { return &Place{up: p, name: name, cell: -1} }

// One is the value that a path without wildcards selects.
func (p *Path) One(doc any) (v any, found bool) {
	for i := range p.legs {
		switch l := &p.legs[i]; l.kind {
		case member:
			o, ok := doc.(map[string]any)
			if !ok {
				return nil, false
			}
			if doc, ok = o[l.name]; !ok {
				return nil, false
			}
		default:
			a, ok := doc.([]any)
			if !ok {
				if !l.wraps() {
					return nil, false
				}
				continue
			}
			from, to := l.span(len(a))
			if from >= to {
				return nil, false
			}
			doc = a[from]
		}
	}
	return doc, true
}

// Find calls f for every value that the path selects, each once, in the document's order, until f returns false.
func (p *Path) Find(doc any, f func(at *Place, v any) bool) {
	var seen map[string]bool // a value may be reached as an element and as itself
	after := false
	for i := range p.legs {
		if p.legs[i].kind == ellipsis {
			after = true
		} else if after {
			seen = map[string]bool{}
		}
	}
	find(p.legs, nil, doc, func(at *Place, v any) bool {
		if seen != nil {
			key := at.String()
			if seen[key] {
				return true
			}
			seen[key] = true
		}
		return f(at, v)
	})
}

func find(legs []leg, at *Place, v any, f func(*Place, any) bool) bool {
	if len(legs) == 0 {
		return f(at, v)
	}
	l, rest := &legs[0], legs[1:]
	switch l.kind {
	case member:
		if o, ok := v.(map[string]any); ok {
			if x, ok := o[l.name]; ok {
				return find(rest, at.Member(l.name), x, f)
			}
		}
	case anyMember:
		return eachMember(at, v, func(at *Place, x any) bool { return find(rest, at, x, f) })
	case cell, anyCell, cells:
		a, ok := v.([]any)
		if !ok {
			return !l.wraps() || find(rest, at, v, f)
		}
		from, to := l.span(len(a))
		for i := from; i < to; i++ {
			if !find(rest, at.Cell(i), a[i], f) {
				return false
			}
		}
	case ellipsis:
		return Each(at, v, func(at *Place, x any) bool { return find(rest, at, x, f) })
	}
	return true
}

// Each calls f for a value and all that is within it, outer values first, until f returns false, which it reports.
func Each(at *Place, v any, f func(at *Place, v any) bool) bool {
	if !f(at, v) {
		return false
	}
	if a, ok := v.([]any); ok {
		for i := range a {
			if !Each(at.Cell(i), a[i], f) {
				return false
			}
		}
		return true
	}
	return eachMember(at, v, func(at *Place, x any) bool { return Each(at, x, f) })
}

// eachMember goes through an object in the order of Names.
func eachMember(at *Place, v any, f func(at *Place, v any) bool) bool {
	o, ok := v.(map[string]any)
	if !ok {
		return true
	}
	for _, name := range Names(o) {
		if !f(at.Member(name), o[name]) {
			return false
		}
	}
	return true
}

// Names are those of an object's members in the order that they are shown in: the shorter ones first.
func Names(o map[string]any) []string {
	names := make([]string, 0, len(o))
	for name := range o {
		names = append(names, name)
	}
	sort.Slice(names, func(i, j int) bool {
		if len(names[i]) != len(names[j]) {
			return len(names[i]) < len(names[j])
		}
		return names[i] < names[j]
	})
	return names
}
