package fastlane

import (
	"bytes"
	"slices"

	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/engine/table"
)

// span is an interval of one column's values.
type span struct {
	low, high         row.Datum
	from, to          bool // low and high are there
	lowOpen, highOpen bool
	lowKey, highKey   []byte
}

// interval is a range of index keys.
type interval struct {
	table.Range
	point bool // exactly one value
}

// intervals translates an access path of constants into disjoint ranges, in index order of an ascending part.
func (x *exec) intervals(t int, a *access) ([]interval, error) {
	if a.tuple != nil {
		return x.tuples(t, a), nil
	}
	eq, ok := x.keyOf(0, a)
	if !ok {
		return nil, nil
	}
	if len(a.ranges) == 0 {
		var one interval
		if len(eq) > 0 {
			one.Low, one.High = eq, eq
		}
		return []interval{one}, nil
	}
	k := &x.p.tables[t].kinds[a.column]
	var list []span
	if c := a.ranges[0]; c.cmp == cmpOr {
		for _, all := range c.any {
			list = x.spans(list, k, all)
		}
		list = merge(list)
	} else {
		list = x.spans(x.spanv[:0], k, a.ranges)
		x.spanv = list
	}
	x.ivals = slices.Grow(x.ivals[:0], len(list))[:len(list)]
	out := x.ivals
	clear(out)
	for i := range list {
		s := &list[i]
		o := &out[i]
		o.Low, o.High = eq, eq
		if s.from {
			o.Low, o.LowOpen = x.extended(eq, s.low), s.lowOpen
		}
		if s.to {
			o.High, o.HighOpen = x.extended(eq, s.high), s.highOpen
		}
		o.point = s.from && s.to && !s.lowOpen && !s.highOpen && bytes.Equal(s.lowKey, s.highKey)
		if len(o.Low) == 0 {
			o.Low = nil
		}
		if len(o.High) == 0 {
			o.High = nil
		}
	}
	return out, nil
}

// extended is eq and one more, in room that lasts as long as the execution.
func (x *exec) extended(eq []row.Datum, d row.Datum) []row.Datum {
	n := len(eq) + 1
	if cap(x.cells)-len(x.cells) < n {
		x.cells = make([]row.Datum, 0, max(n, 2*cap(x.cells), 16))
	}
	at := len(x.cells)
	x.cells = append(append(x.cells, eq...), d)
	return x.cells[at:len(x.cells):len(x.cells)]
}

// spans appends the interval in which all conditions hold, or those of a list.
func (x *exec) spans(out []span, k *colKind, all []*predicate) []span {
	var s span
	low := func(slot int, open bool) {
		s.low, s.lowKey, s.from, s.lowOpen = x.vals[slot].d, x.ownKey(k, &x.vals[slot].d), true, open
	}
	high := func(slot int, open bool) {
		s.high, s.highKey, s.to, s.highOpen = x.vals[slot].d, x.ownKey(k, &x.vals[slot].d), true, open
	}
	for _, c := range all {
		switch c.cmp {
		case cmpIn:
			for _, m := range x.lists[c.list].members {
				out = append(out, span{low: m.d[0], high: m.d[0], from: true, to: true, lowKey: m.key, highKey: m.key})
			}
			return out
		case cmpEQ:
			low(c.x, false)
			high(c.x, false)
		case cmpNull:
			null := row.NullDatum
			key := x.ownKey(k, &null)
			return append(out, span{low: null, high: null, from: true, to: true, lowKey: key, highKey: key})
		case cmpBetween:
			low(c.x, false)
			high(c.y, false)
		case cmpGT, cmpGE:
			low(c.x, c.cmp == cmpGT)
		case cmpLT, cmpLE:
			high(c.x, c.cmp == cmpLT)
		}
	}
	if !s.from && k.nullable { // NULLs lie below
		s.low, s.from, s.lowOpen = row.NullDatum, true, true
		s.lowKey = x.ownKey(k, &s.low)
	}
	if s.from && s.to {
		if n := bytes.Compare(s.lowKey, s.highKey); n > 0 || n == 0 && (s.lowOpen || s.highOpen) {
			return out
		}
	}
	return append(out, s)
}

// merge sorts spans and joins those that touch.
func merge(list []span) []span {
	slices.SortFunc(list, func(a, b span) int { return bytes.Compare(a.lowKey, b.lowKey) }) // no low: no key, the first
	out := list[:0]
	for _, s := range list {
		if len(out) == 0 {
			out = append(out, s)
			continue
		}
		last := &out[len(out)-1]
		if !s.from {
			last.from, last.lowOpen = false, false
		}
		if last.to {
			if n := bytes.Compare(s.lowKey, last.highKey); s.from && (n > 0 || n == 0 && last.highOpen && s.lowOpen) {
				out = append(out, s)
				continue
			}
		}
		if last.from && s.from && bytes.Equal(s.lowKey, last.lowKey) {
			last.lowOpen = last.lowOpen && s.lowOpen
		}
		switch n := bytes.Compare(s.highKey, last.highKey); {
		case !last.to:
		case !s.to:
			last.to = false
		case n > 0:
			last.high, last.highKey, last.highOpen = s.high, s.highKey, s.highOpen
		case n == 0:
			last.highOpen = last.highOpen && s.highOpen
		}
	}
	return out
}

// tuples are the members of an IN list of tuples, in the order of the index's parts.
func (x *exec) tuples(t int, a *access) []interval {
	c := a.tuple
	cols := append([]ref{c.at}, c.more...)
	parts := x.p.tables[t].def.Indexes[a.index].Parts[:len(cols)]
	place := make([]int, len(parts))
	for i, p := range parts {
		for j, r := range cols {
			if r.c == p.Column {
				place[i] = j
			}
		}
	}
	type keyed struct {
		key []byte
		d   []row.Datum
	}
	members := x.lists[c.list].members
	list := make([]keyed, 0, len(members))
	for _, m := range members {
		d := make([]row.Datum, len(parts))
		at := len(x.bytes)
		for i, j := range place {
			d[i] = m.d[j]
			x.bytes = x.p.kind(cols[j]).appendKey(x.bytes, &d[i])
		}
		list = append(list, keyed{x.bytes[at:len(x.bytes):len(x.bytes)], d})
	}
	slices.SortFunc(list, func(a, b keyed) int { return bytes.Compare(a.key, b.key) })
	out := make([]interval, len(list))
	for i, k := range list {
		out[i] = interval{table.Range{Low: k.d, High: k.d}, true}
	}
	return out
}
