package fastlane

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"

	"github.com/zoryadb/zorya/engine/table"
)

// bindRank binds the ORDER BY of groups: columns that they are grouped by, and aggregates of the select list by alias or as written.
func (b *binder) bindRank() bool {
	p, s := b.p, b.p.shape
	if len(p.out) != len(s.items) { // table.* among them
		return false
	}
	for _, o := range s.order {
		k := groupKey{by: -1, out: -1, desc: o.desc}
		n := o.column
		for i := range s.items {
			it := &s.items[i]
			switch {
			case o.agg != aggNone && o.agg == it.agg && o.distinct == it.distinct && o.column == it.column:
				k.out = i
			case o.agg == aggNone && n.qualifier == "" && it.alias != "" && strings.EqualFold(it.alias, n.name):
				if it.number != "" {
					return false
				}
				if it.agg != aggNone {
					k.out = i
				} else {
					n = it.column
				}
			default:
				continue
			}
			break
		}
		switch {
		case k.out >= 0:
			if !b.ranks(&p.out[k.out]) {
				return false
			}
		case o.agg != aggNone:
			return false
		default:
			r, ok := b.column(n)
			if k.by = slices.Index(p.group, r); !ok || k.by < 0 {
				return false
			}
		}
		p.rank = append(p.rank, k)
	}
	return true
}

// ranks reports whether groups can be ordered by an aggregate.
func (b *binder) ranks(o *outItem) bool {
	switch o.agg {
	case aggCount, aggSum:
		return true
	case aggMin, aggMax:
		return b.p.kind(o.ref).sortable()
	}
	return false
}

// isKey reports whether columns are the clustered key of one table.
func (b *binder) isKey(cols []ref) bool {
	t := cols[0].t
	ix := &b.p.tables[t].def.Indexes[0]
	if ix.Hidden || !ix.Unique || b.p.tables[t].outer || len(cols) != len(ix.Parts) {
		return false
	}
	for _, part := range ix.Parts {
		if part.Prefix > 0 || !contains(cols, ref{t, part.Column}) {
			return false
		}
	}
	return true
}

// ofGroup reports whether all that is selected and sorted by is of the table whose key the rows are grouped by.
func (b *binder) ofGroup() bool {
	t := b.p.group[0].t
	for _, o := range b.p.out {
		if o.t != t {
			return false
		}
	}
	for _, k := range b.p.sort {
		if k.t != t {
			return false
		}
	}
	return true
}

// rankGroups sorts the groups; those with equal keys stay as they were met.
func (x *exec) rankGroups() bool {
	if len(x.p.rank) == 0 || x.all != nil {
		return true
	}
	for _, g := range x.order {
		for i := range x.p.rank {
			k := &x.p.rank[i]
			at := len(g.rank)
			if k.by >= 0 {
				g.rank = x.p.kind(x.p.group[k.by]).appendKey(g.rank, &g.by[k.by])
			} else {
				g.rank = x.p.appendAggregate(g.rank, &x.p.out[k.out], &g.acc[k.out])
			}
			if k.desc {
				for j := at; j < len(g.rank); j++ {
					g.rank[j] = ^g.rank[j]
				}
			}
		}
		if x.held += len(g.rank); x.held > maxHeld {
			return false
		}
	}
	x.res.Sorted += len(x.order)
	slices.SortStableFunc(x.order, func(a, b *group) int { return bytes.Compare(a.rank, b.rank) })
	return true
}

// appendAggregate appends a key of an aggregate's value: keys compare bytewise, NULL first.
func (p *plan) appendAggregate(dst []byte, o *outItem, a *accumulator) []byte {
	switch {
	case o.agg == aggCount:
		return binary.BigEndian.AppendUint64(dst, uint64(a.count))
	case a.count == 0:
		return append(dst, 0)
	case o.agg == aggSum:
		dst = binary.BigEndian.AppendUint64(append(dst, 1), uint64(a.hi)^1<<63)
		return binary.BigEndian.AppendUint64(dst, a.lo)
	}
	return p.kind(o.ref).appendKey(dst, &a.best)
}

// groupsAlong reports whether an index of the first table, which is read as a whole, gives the groups one after the other, in their order: the general lane reads no
// more of it than LIMIT wants, while here all rows are counted first.
func (b *binder) groupsAlong() bool {
	p := b.p
	first := &p.steps[0]
	if !p.aggs || len(p.group) == 0 || len(p.rank) > len(p.group) || p.shape.limit < 0 || len(p.shape.where) > 0 || !first.access.full() || slices.ContainsFunc(p.group, func(r ref) bool { return r.t != first.t }) {
		return false
	}
	def := p.tables[first.t].def
	return slices.ContainsFunc(def.Indexes, func(ix table.Index) bool {
		if ix.Kind != "" || ix.Hidden || len(ix.Parts) < len(p.group) {
			return false
		}
		for i, part := range ix.Parts[:len(p.group)] {
			if part.Prefix > 0 || !contains(p.group, ref{first.t, part.Column}) {
				return false
			}
			if i < len(p.rank) {
				k := p.rank[i]
				if k.by < 0 || p.group[k.by].c != part.Column || (k.desc != part.Desc) != (p.rank[0].desc != ix.Parts[0].Desc) {
					return false
				}
			}
		}
		return true
	})
}
