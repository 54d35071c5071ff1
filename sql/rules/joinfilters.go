package rules

import (
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/analyzer"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/transform"
)

// The library reorders joins with an edge for each conjunct of an inner join's condition. Where it then puts an outer join above an inner one,
// conjuncts that become applicable only there are lost: its plan has a place for them that nothing fills. So an inner join above an outer one keeps
// only conjuncts that refer to the same tables, whose edges apply together; the others become a filter above all the joins:
// filters commute with inner joins and with the left side of outer ones, and what filters the right side of one belongs to its condition.

// AddJoinFilters puts the rule before those that plan joins.
func AddJoinFilters(a *analyzer.Analyzer) {
	for _, b := range a.Batches {
		for i, r := range b.Rules {
			if r.Id.String() == "pushFilters" {
				rules := append([]analyzer.Rule{}, b.Rules[:i]...)
				rules = append(rules, analyzer.Rule{Id: joinFiltersRule, Apply: joinFilters})
				b.Rules = append(rules, b.Rules[i:]...)
				return
			}
		}
	}
	panic("general: the library's analyzer has no rule pushFilters")
}

// joinFiltersRule is none of the library's numbers.
const joinFiltersRule analyzer.RuleId = 1 << 20

func joinFilters(c *sql.Context, _ *analyzer.Analyzer, n sql.Node, _ *plan.Scope, _ analyzer.RuleSelector, _ *sql.QueryFlags) (sql.Node, transform.TreeIdentity, error) {
	n, given, err := giveColumns(c, n)
	if err != nil {
		return nil, transform.SameTree, err
	}
	n, inner, err := innerJoins(c, n)
	if err != nil {
		return nil, transform.SameTree, err
	}
	n, spread, err := spreadOrs(c, n)
	if err != nil {
		return nil, transform.SameTree, err
	}
	n, same, err := liftBelow(c, n)
	return n, same && spread && inner && given, err
}

// narrowed is a table that knows its columns when it shows fewer.
type narrowed interface {
	sql.ProjectedTable
	sql.PrimaryKeyTable
}

// giveColumns gives a column to tables of which nothing is needed but whether or how often they have a row, where a semi- or anti-join is: to the library's
// join planner a table without columns has not been planned yet.
func giveColumns(c *sql.Context, n sql.Node) (sql.Node, transform.TreeIdentity, error) {
	partial := false
	transform.Inspect(n, func(n sql.Node) bool {
		j, ok := n.(*plan.JoinNode)
		partial = partial || ok && j.Op.IsPartial()
		return !partial
	})
	if !partial {
		return n, transform.SameTree, nil
	}
	return transform.Node(c, n, func(c *sql.Context, n sql.Node) (sql.Node, transform.TreeIdentity, error) {
		r, ok := n.(*plan.ResolvedTable)
		if !ok {
			return n, transform.SameTree, nil
		}
		t, ok := r.Table.(narrowed)
		if !ok || t.Projections() == nil || len(t.Projections()) > 0 {
			return n, transform.SameTree, nil
		}
		one, err := t.WithProjections(c, []string{t.PrimaryKeySchema(c).Schema[0].Name})
		if err != nil {
			return nil, transform.SameTree, err
		}
		out, err := r.WithTable(c, one)
		return out, transform.NewTree, err
	})
}

// liftBelow lifts the conditions of all joins at and below n.
func liftBelow(c *sql.Context, n sql.Node) (sql.Node, transform.TreeIdentity, error) {
	if j, ok := n.(*plan.JoinNode); ok {
		l := joinLifter{c: c}
		out, lifted, err := l.join(j)
		if err != nil || !l.changed {
			return n, transform.SameTree, err
		}
		if len(lifted) > 0 {
			out = plan.NewFilter(c, expression.JoinAnd(lifted...), out)
		}
		return out, transform.NewTree, nil
	}
	if sql.IsOpaque(n) {
		return n, transform.SameTree, nil
	}
	ch := n.Children()
	var out []sql.Node
	for i := range ch {
		x, same, err := liftBelow(c, ch[i])
		if err != nil {
			return nil, transform.SameTree, err
		}
		if !same {
			if out == nil {
				out = append([]sql.Node(nil), ch...)
			}
			out[i] = x
		}
	}
	if out == nil {
		return n, transform.SameTree, nil
	}
	n, err := n.WithChildren(c, out...)
	return n, transform.NewTree, err
}

type joinLifter struct {
	c       *sql.Context
	changed bool
}

// side is an operand of a join without the conditions that were lifted out of it.
func (l *joinLifter) side(n sql.Node) (out sql.Node, lifted []sql.Expression, err error) {
	if j, ok := n.(*plan.JoinNode); ok {
		return l.join(j)
	}
	out, same, err := liftBelow(l.c, n)
	l.changed = l.changed || !bool(same)
	return out, nil, err
}

func (l *joinLifter) join(j *plan.JoinNode) (out sql.Node, lifted []sql.Expression, err error) {
	left, fromLeft, err := l.side(j.Left())
	if err != nil {
		return nil, nil, err
	}
	right, fromRight, err := l.side(j.Right())
	if err != nil {
		return nil, nil, err
	}
	n := *j
	lifted = fromLeft
	switch {
	case j.Op.IsInner() || j.Op.IsCross():
		lifted = append(lifted, fromRight...)
		if j.Op == plan.JoinTypeInner && (HasOuter(left) || HasOuter(right)) {
			kept, rest := l.split(j)
			if len(rest) > 0 {
				l.changed = true
				lifted = append(lifted, rest...)
				n.Filter = expression.JoinAnd(kept...)
				if len(kept) == 0 {
					n.Op, n.Filter = plan.JoinTypeCross, nil
				}
			}
		}
	case len(fromRight) > 0 && j.Op == plan.JoinTypeLeftOuter && j.Filter != nil:
		n.Filter = expression.JoinAnd(append([]sql.Expression{j.Filter}, fromRight...)...)
	case len(fromRight) > 0:
		right = plan.NewFilter(l.c, expression.JoinAnd(fromRight...), right)
	}
	if len(fromLeft) > 0 && (j.Op.IsFullOuter() || j.Op.IsRightOuter()) {
		left, lifted = plan.NewFilter(l.c, expression.JoinAnd(fromLeft...), left), nil
	}
	if left == j.Left() && right == j.Right() && n.Op == j.Op && n.Filter == j.Filter {
		return j, lifted, nil
	}
	out, err = n.WithChildren(l.c, left, right)
	return out, lifted, err
}

// HasOuter reports whether the joins at n are not all inner ones.
func HasOuter(n sql.Node) bool {
	j, ok := n.(*plan.JoinNode)
	if !ok {
		return false
	}
	return !j.Op.IsInner() && !j.Op.IsCross() || HasOuter(j.Left()) || HasOuter(j.Right())
}

// split parts the conjuncts of an inner join's condition: those that are kept refer to the same tables, of both sides.
func (l *joinLifter) split(j *plan.JoinNode) (kept, rest []sql.Expression) {
	left, right := TableIDs(l.c, j.Left()), TableIDs(l.c, j.Right())
	all := expression.SplitConjunction(l.c, j.Filter)
	of := make([]map[sql.TableId]bool, len(all))
	best := -1
	for i, e := range all {
		of[i] = map[sql.TableId]bool{}
		inLeft, inRight, plain := false, false, true
		sql.Inspect(l.c, e, func(_ *sql.Context, e sql.Expression) bool {
			switch e := e.(type) {
			case *expression.GetField:
				id := e.TableId()
				inLeft, inRight = inLeft || left[id], inRight || right[id]
				if left[id] || right[id] {
					of[i][id] = true
				}
			case *plan.Subquery:
				plain = false
			}
			return true
		})
		if !inLeft || !inRight || !plain {
			of[i] = nil
			continue
		}
		if best < 0 || !equates(all[best]) && equates(e) {
			best = i
		}
	}
	for i, e := range all {
		if best >= 0 && of[i] != nil && sameIDs(of[i], of[best]) {
			kept = append(kept, e)
		} else {
			rest = append(rest, e)
		}
	}
	return kept, rest
}

func sameIDs(a, b map[sql.TableId]bool) bool {
	for id := range a {
		if !b[id] {
			return false
		}
	}
	return len(a) == len(b)
}

// TableIDs are the tables that a join's operand is made of.
func TableIDs(c *sql.Context, n sql.Node) map[sql.TableId]bool {
	out := map[sql.TableId]bool{}
	transform.InspectWithOpaque(c, n, func(_ *sql.Context, n sql.Node) bool {
		if t, ok := n.(plan.TableIdNode); ok {
			out[t.Id()] = true
		}
		return true
	})
	return out
}
