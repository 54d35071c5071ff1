package rules

import (
	"slices"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/transform"
	"github.com/dolthub/go-mysql-server/sql/types"

	"github.com/zoryadb/zorya/sql/item"
)

// FROM cust c JOIN (SELECT cust, SUM(total) FROM ord GROUP BY cust) d ON d.cust = c.id WHERE c.id = 7: what a condition says of a column it says of those that
// must equal it. A derived table or view that has one of these gets the condition, as in MySQL, and computes one group instead of all. The tables themselves
// need none: joins look them up.

// fact is a condition of one column and constants, which holds of no NULL.
type fact struct {
	column sql.ColumnId
	cond   sql.Expression
}

// facts are what holds of every row that is not thrown away for it.
type facts struct {
	single []fact
	equal  [][2]*expression.GetField
}

// factSpreader spreads facts to the derived tables of a plan.
type factSpreader struct{ c *sql.Context }

// SpreadFacts gives derived tables of a SELECT the conditions that follow for them.
func SpreadFacts(c *sql.Context, bound sql.Node) (sql.Node, error) {
	return factSpreader{c}.node(bound, facts{})
}

func (s factSpreader) node(n sql.Node, f facts) (sql.Node, error) {
	switch n := n.(type) {
	case *plan.Filter:
		return s.children(n, f.and(s.c, n.Expression))
	case *plan.JoinNode:
		return s.join(n, f)
	case *plan.SubqueryAlias:
		out, err := s.children(n, facts{})
		if err != nil || n.ScopeMapping == nil || n.IsLateral || n.Volatile || !n.Correlated.Empty() {
			return out, err
		}
		if conds := f.of(s.c, n.Columns()); len(conds) > 0 {
			return plan.NewFilter(s.c, expression.JoinAnd(conds...), out), nil
		}
		return out, nil
	}
	return s.children(n, facts{})
}

// join: facts of an outer join's condition, and of its other side, hold of the side that may be missing alone; those from above hold of both, since they hold
// of no NULL.
func (s factSpreader) join(j *plan.JoinNode, f facts) (sql.Node, error) {
	switch {
	case j.Op == plan.JoinTypeInner || j.Op == plan.JoinTypeCross:
		return s.children(j, f.within(s.c, j))
	case j.Op == plan.JoinTypeLeftOuter:
		return s.children(j, f, f.and(s.c, j.Filter).within(s.c, j.Left()))
	case j.Op == plan.JoinTypeRightOuter:
		return s.children(j, f.and(s.c, j.Filter).within(s.c, j.Right()), f)
	}
	return s.children(j, facts{})
}

// within is f and what holds of every row of a plan.
func (f facts) within(c *sql.Context, n sql.Node) facts {
	switch n := n.(type) {
	case *plan.Filter:
		return f.and(c, n.Expression).within(c, n.Child)
	case *plan.JoinNode:
		switch {
		case n.Op == plan.JoinTypeInner || n.Op == plan.JoinTypeCross:
			return f.and(c, n.Filter).within(c, n.Left()).within(c, n.Right())
		case n.Op == plan.JoinTypeLeftOuter:
			return f.within(c, n.Left())
		case n.Op == plan.JoinTypeRightOuter:
			return f.within(c, n.Right())
		}
	}
	return f
}

// children spreads facts below a node: to each child its own, or the same to all.
func (s factSpreader) children(n sql.Node, of ...facts) (sql.Node, error) {
	ch := n.Children()
	var out []sql.Node
	for i, old := range ch {
		now, err := s.node(old, of[min(i, len(of)-1)])
		if err != nil {
			return nil, err
		}
		if now != old && out == nil {
			out = slices.Clone(ch)
		}
		if out != nil {
			out[i] = now
		}
	}
	if out == nil {
		return n, nil
	}
	return n.WithChildren(s.c, out...)
}

// and is f and what a condition says.
func (f facts) and(c *sql.Context, cond sql.Expression) facts {
	if cond == nil {
		return f
	}
	out := facts{slices.Clip(f.single), slices.Clip(f.equal)}
	for _, e := range expression.SplitConjunction(c, cond) {
		op, l, r, ok := item.Compared(e)
		x, isLeft := l.(*expression.GetField)
		y, isRight := r.(*expression.GetField)
		if ok && op == "=" && isLeft && isRight && x.Id() > 0 && y.Id() > 0 && spreads(c, x, y) {
			out.equal = append(out.equal, [2]*expression.GetField{x, y})
			continue
		}
		if ok && isRight && op != "<=>" && !isLeft && constants(c, y, l) {
			out.single = append(out.single, fact{y.Id(), e})
		}
		op, value, with, ok := item.Limited(e)
		if x, isColumn := value.(*expression.GetField); ok && isColumn && op != "<=>" && op != "null" && constants(c, x, with...) {
			out.single = append(out.single, fact{x.Id(), e})
		}
	}
	return out
}

// constants reports whether what a column is compared with are literals that are not NULL. A text's are texts: as numbers, texts that are equal may differ.
func constants(c *sql.Context, column *expression.GetField, with ...sql.Expression) bool {
	text := types.IsTextOnly(column.Type(c))
	return !slices.ContainsFunc(with, func(e sql.Expression) bool {
		l, ok := e.(*expression.Literal)
		return !ok || l.Value() == nil || text && !types.IsTextOnly(l.Type(c))
	})
}

// spreads reports whether values of two columns that are equal compare alike with anything.
func spreads(c *sql.Context, x, y *expression.GetField) bool {
	t := x.Type(c)
	return t.Equals(y.Type(c)) && (types.IsInteger(t) || types.IsDecimal(t) || types.IsTextOnly(t) || types.IsTime(t))
}

// of are the conditions of some columns that follow from the facts about others.
func (f facts) of(c *sql.Context, columns sql.ColSet) (out []sql.Expression) {
	for _, one := range f.single {
		if columns.Contains(one.column) {
			continue // the condition itself
		}
		same := sql.NewColSet(one.column)
		for grown := true; grown; {
			grown = false
			for _, eq := range f.equal {
				for _, side := range [][2]*expression.GetField{eq, {eq[1], eq[0]}} {
					if !same.Contains(side[0].Id()) || same.Contains(side[1].Id()) {
						continue
					}
					same.Add(side[1].Id())
					grown = true
					if !columns.Contains(side[1].Id()) {
						continue
					}
					if e := ofColumn(c, one, side[1]); !slices.ContainsFunc(out, func(have sql.Expression) bool { return have.String() == e.String() }) {
						out = append(out, e)
					}
				}
			}
		}
	}
	return out
}

// ofColumn is a fact about another column.
func ofColumn(c *sql.Context, f fact, to *expression.GetField) sql.Expression {
	out, _, _ := transform.Expr(c, f.cond, func(_ *sql.Context, e sql.Expression) (sql.Expression, transform.TreeIdentity, error) {
		if x, ok := e.(*expression.GetField); ok && x.Id() == f.column {
			return to, transform.NewTree, nil
		}
		return e, transform.SameTree, nil
	}) // neither the function nor a comparison with as many children fails
	return out
}
