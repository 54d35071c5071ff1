package general

import (
	"math"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/transform"

	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/item"
)

// The estimates of an order of joins (joinorder.go): rows and costs of each step, from the same statistics and shares as the coster's.

// readCosts is what a part has.
type readCosts struct {
	hint    int
	read    float64 // rows that are read for them by the best index for its own conditions, or all of its table
	rows    float64 // those that its own conditions leave
	share   float64 // of the rows that the condition of its left join leaves
	equals  bool    // that condition has an equality with another part's column
	indexes []readIndex
}

// readIndex is an index of a part's table.
type readIndex struct {
	columns []readColumn
	unique  bool
}

// readColumn is one of its columns: what the equalities that give it a value name, and how many rows one value of the columns up to it has.
type readColumn struct {
	by     []partSet
	perKey float64
}

// step is one part joined to others.
type step struct {
	part, hint int
	connected  bool // by an equality
	rows, cost float64
}

// before reports whether a step is taken rather than another one.
func (s step) before(o step) bool {
	switch {
	case s.hint != o.hint:
		return s.hint < o.hint
	case s.connected != o.connected:
		return s.connected
	case s.rows != o.rows:
		return s.rows < o.rows
	}
	return s.cost < o.cost
}

// derivedRows is what is taken of a leaf that is no table.
const derivedRows = 1000

// estimate computes what all orders need.
func (r *joinRegion) estimate() {
	for i := range r.conditions {
		cond := &r.conditions[i]
		cond.share = r.costs.selects(r.c, cond.e, r.ids)
		cond.equals = r.equality(cond.e) != nil
	}
	for i, p := range r.parts {
		p.hint = r.hintRank(p)
		p.share = 1
		if p.on != nil {
			for _, e := range expression.SplitConjunction(r.c, p.on) {
				p.share *= r.costs.selects(r.c, e, r.ids)
				p.equals = p.equals || r.equality(e) != nil
			}
		}
		r.reads(i, p)
	}
}

// equality is the comparison of columns of different parts that an expression is, nil if it is none.
func (r *joinRegion) equality(e sql.Expression) []sql.Expression {
	op, a, with, ok := item.Limited(e)
	if !ok || op != "=" && op != "<=>" || len(with) != 1 {
		return nil
	}
	left, right := r.named(a), r.named(with[0])
	if left == 0 || right == 0 || left&right != 0 {
		return nil
	}
	return []sql.Expression{a, with[0]}
}

// reads estimates how a part is read.
func (r *joinRegion) reads(i int, p *joinPart) {
	var own []sql.Expression
	var b *base
	sources := 0
	transform.Inspect(p.n, func(n sql.Node) bool {
		switch n := n.(type) {
		case *plan.Filter:
			own = append(own, expression.SplitConjunction(r.c, n.Expression)...)
		case plan.TableIdNode:
			sources++
			b = baseBelow(n)
			return false
		}
		return true
	})
	p.read, p.rows = derivedRows, derivedRows
	if sources == 1 && b != nil && !b.unopened(r.c) {
		if t, err := b.ensure(r.c); err == nil {
			if st, err := r.costs.e.statisticsOf(r.c, t); err == nil {
				p.read, p.rows = math.Max(1, float64(st.Rows)), math.Max(1, float64(st.Rows))
				r.indexesOf(i, p, b, st, own)
				p.read = min(p.read, r.ranged(p, b, own))
			}
		}
	}
	for _, e := range own {
		p.rows *= r.costs.selects(r.c, e, r.ids)
	}
}

// indexesOf finds what gives the columns of a table's indexes their values.
func (r *joinRegion) indexesOf(i int, p *joinPart, b *base, st table.Statistics, own []sql.Expression) {
	by := map[string][]partSet{}
	give := func(e sql.Expression) {
		op, a, with, ok := item.Limited(e)
		if !ok || op != "=" && op != "<=>" || len(with) != 1 {
			return
		}
		for _, side := range [][2]sql.Expression{{a, with[0]}, {with[0], a}} {
			if f, ok := side[0].(*expression.GetField); ok && r.named(f) == 1<<i {
				if of := r.named(side[1]); !of.has(i) {
					by[f.Name()] = append(by[f.Name()], of)
				}
			}
		}
	}
	for _, e := range own {
		give(e)
	}
	for _, cond := range r.conditions {
		give(cond.e)
	}
	if p.on != nil {
		for _, e := range expression.SplitConjunction(r.c, p.on) {
			give(e)
		}
	}
	for at, d := range b.m.Def.Indexes {
		if d.Kind != "" || d.Hidden || at >= len(st.Distinct) {
			continue
		}
		x := readIndex{unique: d.Unique || d.Primary}
		for k, part := range d.Parts {
			if k >= len(st.Distinct[at]) || part.Prefix > 0 || part.Column >= len(b.m.Schema) {
				x.unique = false
				break
			}
			x.columns = append(x.columns, readColumn{by[b.m.Schema[part.Column].Name], float64(st.Rows) / math.Max(1, float64(st.Distinct[at][k]))})
		}
		p.indexes = append(p.indexes, x)
	}
}

// ranged is what is read of a table by the best of its indexes for its own conditions.
func (r *joinRegion) ranged(p *joinPart, b *base, own []sql.Expression) float64 {
	least := math.Inf(1)
	if n := p.lookup(0); n > 0 {
		least = n * lookedUpRow
	}
	for _, e := range own {
		_, value, _, ok := item.Limited(e)
		f, column := value.(*expression.GetField)
		if !ok || !column {
			continue
		}
		for _, d := range b.m.Def.Indexes {
			if d.Kind != "" || d.Hidden || len(d.Parts) == 0 {
				continue
			}
			if at := d.Parts[0].Column; at < len(b.m.Schema) && b.m.Schema[at].Name == f.Name() {
				least = min(least, math.Max(1, p.read*r.costs.selects(r.c, e, r.ids))*lookedUpRow)
			}
		}
	}
	return least
}

// lookup is how many rows an index of a part leads to from a row of those that are joined, or by constants if none are; 0: none does.
func (p *joinPart) lookup(joined partSet) (rows float64) {
	for _, x := range p.indexes {
		found, connected := 0, joined == 0
		for _, col := range x.columns {
			at := -1
			for k, of := range col.by {
				if of.within(joined) && (at < 0 || of != 0) {
					at = k
				}
			}
			if at < 0 {
				break
			}
			connected = connected || col.by[at] != 0
			found++
		}
		if !connected || found == 0 {
			continue
		}
		n := math.Max(1, x.columns[found-1].perKey)
		if x.unique && found == len(x.columns) {
			n = 1
		}
		if rows == 0 || n < rows {
			rows = n
		}
	}
	return rows
}

// step estimates a part as the next of an order. The factors are the library's (coster.go).
func (r *joinRegion) step(joined partSet, rows float64, i int) step {
	p := r.parts[i]
	s := step{part: i, hint: p.hint}
	with := joined | 1<<i
	share := p.share
	s.connected = p.equals
	for _, cond := range r.conditions {
		if cond.of.has(i) && cond.of.within(with) {
			share *= cond.share
			s.connected = s.connected || cond.equals
		}
	}
	if joined == 0 {
		s.rows, s.cost = p.rows*share, p.read
		return s
	}
	s.rows = rows * p.rows * share
	if p.on != nil {
		s.rows = math.Max(rows, s.rows)
	}
	const read, keep = 1.01, 3
	left := math.Max(1, rows)
	if s.connected {
		s.cost = left*read + p.read + p.rows*keep
	} else {
		s.cost = left*p.rows + p.read
	}
	if n := p.lookup(joined); n > 0 {
		s.cost = math.Min(s.cost, left*n*lookedUpRow)
	}
	return s
}
