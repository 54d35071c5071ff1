package fastlane

import (
	"github.com/zoryadb/zorya/engine/row"
)

// EXISTS (SELECT ...) and column IN (SELECT column ...) in a SELECT's WHERE. A subquery is a probe: for each row of the tables of FROM its own tables are
// visited, each found by an index, until there is one match. Conditions then ask whether there was one. So a probe may stand wherever a condition may, below OR
// and NOT too. It is no condition of a step, since steps evaluate those while a page is latched.

// subquery is a parsed one: its tables are shape.tables with its scope, limits the arguments of its LIMIT.
type subquery struct {
	items []item
	where []*condition
	in    *colName // of IN, in the outer query: must equal the only item
	limit int      // argument, -1: none
}

// probe is a bound subquery: steps first to last of the plan.
type probe struct {
	first, last int
	conds       []*predicate
	then        []*predicate // conditions of the outer query that can be evaluated when the probe is known
}

// exists parses what stands behind EXISTS.
func (p *parser) exists(to *[]*condition) bool {
	n, ok := 0, p.takePunct('(')
	if ok {
		n, ok = p.subquery(nil)
	}
	*to = append(*to, &condition{cmp: cmpExists, sub: n})
	return ok
}

// subquery parses one behind its opening parenthesis, up to the closing one, and returns its place in shape.subs.
func (p *parser) subquery(in *colName) (int, bool) {
	outer := p.outer
	if outer == nil || !p.take("SELECT") {
		return 0, false
	}
	p.outer = nil // one within another is the general lane's
	defer func() { p.outer = outer }()
	s := &shape{limit: -1, offset: -1}
	p.take("DISTINCT")
	for {
		it, ok := p.item()
		if !ok || it.agg != aggNone || in != nil && (it.star || it.number != "") {
			return 0, false
		}
		s.items = append(s.items, it)
		if !p.takePunct(',') {
			break
		}
	}
	if in != nil && len(s.items) != 1 || !p.take("FROM") || !p.from(s) || !p.whereClause(s) || in == nil && !p.limitClause(s) {
		return 0, false
	}
	outer.subs = append(outer.subs, subquery{items: s.items, where: s.where, in: in, limit: s.limit})
	for i := range s.tables {
		if s.right || s.comma && s.tables[i].outer || s.offset >= 0 {
			return 0, false
		}
		s.tables[i].scope = len(outer.subs)
	}
	outer.tables = append(outer.tables, s.tables...)
	return len(outer.subs) - 1, p.takePunct(')')
}

// joined is how many tables are the query's own, before those of its subqueries.
func (s *shape) joined() int {
	n := 0
	for n < len(s.tables) && s.tables[n].scope == 0 {
		n++
	}
	return n
}

// bindProbes binds the subqueries' own conditions.
func (b *binder) bindProbes() bool {
	p := b.p
	defer func() { b.scope = 0 }()
	for n := range p.shape.subs {
		s := &p.shape.subs[n]
		b.scope = n + 1
		if s.limit >= 0 {
			p.positive = append(p.positive, s.limit)
		}
		var conds []*predicate
		for _, c := range s.where {
			k, ok := b.predicate(c)
			if !ok {
				return false
			}
			conds = append(conds, k)
		}
		for _, it := range s.items {
			if it.column.name == "" {
				continue
			}
			if r, ok := b.column(it.column); !ok || p.shape.tables[r.t].scope != b.scope {
				return false
			}
		}
		if s.in != nil {
			k, ok := b.inProbe(s)
			if !ok {
				return false
			}
			conds = append(conds, k)
		}
		p.probes = append(p.probes, probe{conds: conds})
	}
	return true
}

// inProbe is the condition that IN adds to its subquery's.
func (b *binder) inProbe(s *subquery) (*predicate, bool) {
	r, ok := b.column(s.items[0].column)
	if !ok || !b.p.kind(r).comparable() {
		return nil, false
	}
	b.scope = 0
	k := &predicate{cmp: cmpEQ, at: r, x: -1, y: -1, other: ref{-1, -1}, tables: 1 << r.t}
	return k, b.compared(k, *s.in)
}

// existsPredicate binds the question whether a subquery had a match. NOT IN is no such question when one of the two may be NULL.
func (b *binder) existsPredicate(c *condition) (*predicate, bool) {
	none := ref{-1, -1}
	k := &predicate{cmp: c.cmp, at: none, other: none, x: -1, y: -1, list: c.sub}
	for t := range b.p.tables {
		if b.p.shape.tables[t].scope == c.sub+1 {
			k.tables |= 1 << t
		}
	}
	s := &b.p.shape.subs[c.sub]
	if c.cmp == cmpNotExists && s.in != nil {
		scope := b.scope
		defer func() { b.scope = scope }()
		x, ok := b.column(*s.in)
		b.scope = c.sub + 1
		y, ok2 := b.column(s.items[0].column)
		if !ok || !ok2 {
			return nil, false
		}
		for _, r := range []ref{x, y} {
			if b.p.kind(r).nullable || b.p.tables[r.t].outer {
				return nil, false
			}
		}
	}
	return k, true
}

// followProbes adds the probes' steps behind those of the tables of FROM; false when a table of one is found by no index.
func (b *binder) followProbes() bool {
	p := b.p
	outer := uint(1)<<p.shape.joined() - 1
	for n := range p.probes {
		pr := &p.probes[n]
		pr.first = len(p.steps)
		seen := outer
		for range p.tables {
			s, ok := b.next(seen, n+1, pr.conds)
			if !ok {
				break
			}
			s.probe = n + 1
			seen |= 1 << s.t
			p.steps = append(p.steps, s)
		}
		if pr.last = len(p.steps) - 1; pr.last < pr.first || p.steps[pr.first].outer {
			return false
		}
		for t := range p.tables {
			if p.shape.tables[t].scope == n+1 && seen&(1<<t) == 0 {
				return false
			}
		}
	}
	return true
}

// assignProbes gives each step of the probes the conditions that can first be evaluated there, and each probe the conditions of the query that wait for it.
func (b *binder) assignProbes(conds []*predicate) {
	p := b.p
	known := uint(1)<<p.shape.joined() - 1
	for n := range p.probes {
		pr := &p.probes[n]
		seen, before := known, uint(0)
		for i := pr.first; i <= pr.last; i++ {
			s := &p.steps[i]
			seen |= 1 << s.t
			b.assignStep(s, pr.conds, before, seen)
			before = seen
		}
		before, known = known, seen|known
		for _, c := range conds {
			if c.tables&^known == 0 && c.tables&^before != 0 {
				pr.then = append(pr.then, c)
			}
		}
	}
}

// scansForProbe reports whether a table is scanned for a subquery of IN that finds its rows by constants, and an index leads from these to the table: the general lane
// goes that way round.
func (b *binder) scansForProbe(conds []*predicate) bool {
	p := b.p
	first := &p.steps[0]
	if len(p.probes) == 0 || !first.access.full() {
		return false
	}
	for _, c := range conds {
		if c.cmp != cmpExists || p.shape.subs[c.list].in == nil {
			continue
		}
		r, ok := b.column(*p.shape.subs[c.list].in)
		if !ok || r.t != first.t || !b.leads(r) {
			continue
		}
		for t := range p.tables {
			if p.shape.tables[t].scope != c.list+1 || p.tables[t].outer {
				continue
			}
			if a, _ := b.best(t, 0, p.probes[c.list].conds, false); !a.full() {
				return true
			}
		}
	}
	return false
}

// leads reports whether a column is the first part of an index.
func (b *binder) leads(r ref) bool {
	for _, ix := range b.p.tables[r.t].def.Indexes {
		if !ix.Hidden && ix.Kind == "" && len(ix.Parts) > 0 && ix.Parts[0].Column == r.c {
			return true
		}
	}
	return false
}

// probe finds out whether a subquery has a match for the current rows, and goes on behind its steps if the conditions that waited for that hold.
func (x *exec) probe(level int) (more bool, err error) {
	n := x.p.steps[level].probe - 1
	pr := &x.p.probes[n]
	x.met[n] = false
	if _, err := x.visitRows(level); err != nil {
		return false, err
	}
	if !x.allHold(pr.then) {
		return true, nil
	}
	return x.onward(pr.last, &visitor{})
}

// forgetKeys lets go of what keyOf has put together.
func (x *exec) forgetKeys() {
	for i := range x.p.steps {
		clear(x.keys[i][:len(x.p.steps[i].access.eq)])
	}
}

// stepKeys are the values of the access paths' equalities, by step.
type stepKeys [maxTables][maxParts]row.Datum
