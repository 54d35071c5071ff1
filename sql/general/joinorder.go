package general

import (
	"math"
	"math/bits"
	"slices"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/transform"

	"github.com/zoryadb/zorya/sql/rules"
)

// An order for a large join, found greedily as MySQL does with optimizer_prune_level: from each leaf that can be the first, the next is always the one that leaves the
// fewest rows among those that an equality connects to what is joined; the cheapest of these orders is taken. Inner joins commute with each other and, on the
// left side, with left joins, so a tree of them is a set of parts: leaves, and the right sides of left joins, which come behind what their conditions name. Conditions of inner
// joins and filters apply as soon as all that they name is joined. Other joins keep their place; their sides are trees of their own.

// joinOrder orders one tree.
type joinOrder struct {
	c      *sql.Context
	costs  *coster
	hinted map[string]int // names in lower case
	fixed  bool           // all keep their place
}

// parts are 64 at most.
type partSet uint64

func (s partSet) has(i int) bool         { return s>>i&1 != 0 }
func (s partSet) within(of partSet) bool { return s&^of == 0 }

// joinPart is a leaf, or the right side of a left join.
type joinPart struct {
	n     sql.Node
	on    sql.Expression // of a left join, else nil
	own   map[sql.TableId]bool
	needs partSet // what has to be joined before
	readCosts
}

// joinCondition is one part of the conditions of inner joins, and of filters.
type joinCondition struct {
	e      sql.Expression
	of     partSet
	share  float64 // of the rows that pass
	equals bool    // an equality between columns
}

// joinRegion are joins that commute.
type joinRegion struct {
	*joinOrder
	parts      []*joinPart
	conditions []joinCondition
	written    []sql.Expression
	tables     map[sql.TableId]partSet
	ids        []plan.TableIdNode
}

// node orders the joins at n, a join or a filter of one.
func (o *joinOrder) node(n sql.Node) (sql.Node, error) {
	j, filter := joinAt(n)
	if j == nil || o.fixed {
		return n, nil
	}
	if !commutes(j) {
		out, err := o.sides(j)
		if err != nil || filter == nil {
			return out, err
		}
		return plan.NewFilter(o.c, filter, out), nil
	}
	r := &joinRegion{joinOrder: o, tables: map[sql.TableId]partSet{}}
	if err := r.take(n); err != nil {
		return nil, err
	}
	if len(r.parts) > 64 {
		return n, nil
	}
	out, err := r.ordered()
	if out == nil {
		out = n
	}
	return out, err
}

// joinAt is the join that n is, or filters; nil: neither.
func joinAt(n sql.Node) (*plan.JoinNode, sql.Expression) {
	if f, ok := n.(*plan.Filter); ok {
		j, _ := f.Child.(*plan.JoinNode)
		return j, f.Expression
	}
	j, _ := n.(*plan.JoinNode)
	return j, nil
}

func commutes(j *plan.JoinNode) bool {
	return j.Op == plan.JoinTypeInner || j.Op == plan.JoinTypeCross || j.Op == plan.JoinTypeLeftOuter && j.Filter != nil
}

// sides orders both sides of a join that keeps its place.
func (o *joinOrder) sides(j *plan.JoinNode) (sql.Node, error) {
	left, err := o.node(j.Left())
	if err != nil {
		return nil, err
	}
	right, err := o.node(j.Right())
	if err != nil {
		return nil, err
	}
	return j.WithChildren(o.c, left, right)
}

// take adds a tree to the region.
func (r *joinRegion) take(n sql.Node) error {
	j, filter := joinAt(n)
	if j == nil || !commutes(j) {
		leaf, err := r.node(n)
		if err != nil {
			return err
		}
		r.add(&joinPart{n: leaf})
		return nil
	}
	if filter != nil {
		r.written = append(r.written, filter)
	}
	first := len(r.parts)
	if err := r.take(j.Left()); err != nil {
		return err
	}
	if j.Op != plan.JoinTypeLeftOuter {
		if j.Filter != nil {
			r.written = append(r.written, j.Filter)
		}
		return r.take(j.Right())
	}
	right, err := r.node(j.Right())
	if err != nil {
		return err
	}
	p := &joinPart{n: right, on: j.Filter}
	if asks(r.c, j.Filter) {
		for i := first; i < len(r.parts); i++ {
			p.needs |= 1 << i
		}
	}
	r.add(p)
	return nil
}

func (r *joinRegion) add(p *joinPart) {
	p.own = rules.TableIDs(r.c, p.n)
	for id := range p.own {
		r.tables[id] |= 1 << len(r.parts) // a CTE's tables are those of several parts
	}
	transform.InspectWithOpaque(r.c, p.n, func(_ *sql.Context, n sql.Node) bool {
		if t, ok := n.(plan.TableIdNode); ok {
			r.ids = append(r.ids, t)
		}
		return true
	})
	r.parts = append(r.parts, p)
}

// asks reports whether an expression has a subquery, which may name anything, or gives something else each time.
func asks(c *sql.Context, e sql.Expression) bool {
	return transform.InspectExpr(c, e, func(_ *sql.Context, e sql.Expression) bool {
		switch e := e.(type) {
		case *plan.Subquery:
			return true
		case sql.NonDeterministicExpression:
			return e.IsNonDeterministic()
		}
		return false
	})
}

// named are the parts whose columns an expression has.
func (r *joinRegion) named(e sql.Expression) (of partSet) {
	sql.Inspect(r.c, e, func(_ *sql.Context, e sql.Expression) bool {
		if f, ok := e.(*expression.GetField); ok {
			of |= r.tables[f.TableId()]
		}
		return true
	})
	return of
}

// ordered is the region's tree in the best order that is found, nil if there is none.
func (r *joinRegion) ordered() (sql.Node, error) {
	var above []sql.Expression
	for _, cond := range r.written {
		for _, e := range expression.SplitConjunction(r.c, cond) {
			of := r.named(e)
			if of == 0 || asks(r.c, e) {
				above = append(above, e)
				continue
			}
			r.conditions = append(r.conditions, joinCondition{e: e, of: of})
		}
	}
	for i, p := range r.parts {
		if p.on != nil {
			p.needs |= r.named(p.on)
		}
		transform.InspectExpressions(r.c, p.n, func(_ *sql.Context, e sql.Expression) bool {
			if f, ok := e.(*expression.GetField); ok && !p.own[f.TableId()] {
				p.needs |= r.tables[f.TableId()]
			}
			return true
		})
		p.needs &^= 1 << i
	}
	r.filterLeaves()
	r.estimate()
	order, err := r.best()
	if err != nil || order == nil {
		return nil, err
	}
	out := r.tree(order)
	if len(above) > 0 {
		out = plan.NewFilter(r.c, and(above), out)
	}
	return out, nil
}

// filterLeaves moves conditions of one leaf to it.
func (r *joinRegion) filterLeaves() {
	r.conditions = slices.DeleteFunc(r.conditions, func(cond joinCondition) bool {
		if bits.OnesCount64(uint64(cond.of)) != 1 {
			return false
		}
		p := r.parts[bits.TrailingZeros64(uint64(cond.of))]
		if p.on != nil {
			return false
		}
		if f, ok := p.n.(*plan.Filter); ok {
			p.n = plan.NewFilter(r.c, expression.JoinAnd(f.Expression, cond.e), f.Child)
		} else {
			p.n = plan.NewFilter(r.c, cond.e, p.n)
		}
		return true
	})
}

// best is the cheapest of the orders that begin with each leaf; hints leave one.
func (r *joinRegion) best() ([]int, error) {
	if len(r.hinted) > 0 {
		order, _, err := r.greedy(-1)
		return order, err
	}
	var best []int
	least := math.Inf(1)
	for i, p := range r.parts {
		if p.on != nil || p.needs != 0 {
			continue
		}
		order, cost, err := r.greedy(i)
		if err != nil {
			return nil, err
		}
		if order != nil && (best == nil || cost < least) {
			best, least = order, cost
		}
	}
	return best, nil
}

// greedy is an order and its cost. first, if not -1, is its first part.
func (r *joinRegion) greedy(first int) (order []int, cost float64, err error) {
	if err := r.c.Err(); err != nil {
		return nil, 0, err
	}
	joined, rows := partSet(0), 1.0
	for len(order) < len(r.parts) {
		var next step
		next.part = -1
		if len(order) == 0 && first >= 0 {
			next = r.step(joined, rows, first)
		} else {
			for i, p := range r.parts {
				if joined.has(i) || !p.needs.within(joined) || joined == 0 && p.on != nil {
					continue
				}
				if s := r.step(joined, rows, i); next.part < 0 || s.before(next) {
					next = s
				}
			}
		}
		if next.part < 0 {
			return nil, 0, nil
		}
		order = append(order, next.part)
		joined |= 1 << next.part
		rows, cost = next.rows, cost+next.cost
	}
	return order, cost, nil
}

// tree joins the parts in an order, with each condition where all that it names is joined.
func (r *joinRegion) tree(order []int) sql.Node {
	var out sql.Node
	joined := partSet(0)
	for _, i := range order {
		p := r.parts[i]
		joined |= 1 << i
		var by []sql.Expression
		for _, cond := range r.conditions {
			if cond.of.has(i) && cond.of.within(joined) {
				by = append(by, cond.e)
			}
		}
		switch {
		case out == nil:
			out = p.n
		case p.on != nil:
			out = plan.NewLeftOuterJoin(r.c, out, p.n, p.on)
		case len(by) > 0:
			out, by = plan.NewInnerJoin(r.c, out, p.n, and(by)), nil
		default:
			out = plan.NewCrossJoin(r.c, out, p.n)
		}
		if len(by) > 0 {
			out = plan.NewFilter(r.c, and(by), out)
		}
	}
	return out
}

// hintRank is where a hint puts a part, behind all others if nowhere.
func (r *joinRegion) hintRank(p *joinPart) int {
	rank := len(r.hinted)
	transform.Inspect(p.n, func(n sql.Node) bool {
		if t, ok := n.(sql.NameableNode); ok {
			if at, ok := r.hinted[strings.ToLower(t.Name())]; ok {
				rank = min(rank, at)
			}
			return false
		}
		return true
	})
	return rank
}
