package rules

import (
	"slices"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/analyzer"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/transform"

	"github.com/zoryadb/zorya/sql/item"
)

// A cross join that WHERE compares the sides of becomes an inner join, and what WHERE says of both its condition. The library's rule does so with a join that is on
// the side of an outer join which may be missing as well, where a row that WHERE refuses becomes one of NULLs, and with what WHERE says of further tables.

// JoinByWhere puts a rule of ours in the place of the library's.
func JoinByWhere(a *analyzer.Analyzer) {
	Replace(a, "replaceCrossJoins", func(analyzer.RuleFunc) analyzer.RuleFunc { return crossJoins })
}

func crossJoins(c *sql.Context, _ *analyzer.Analyzer, n sql.Node, _ *plan.Scope, _ analyzer.RuleSelector, _ *sql.QueryFlags) (sql.Node, transform.TreeIdentity, error) {
	return transform.Node(c, n, func(c *sql.Context, n sql.Node) (sql.Node, transform.TreeIdentity, error) {
		f, ok := n.(*plan.Filter)
		if !ok {
			return n, transform.SameTree, nil
		}
		j, ok := f.Child.(*plan.JoinNode)
		if !ok {
			return n, transform.SameTree, nil
		}
		all := expression.SplitConjunction(c, f.Expression)
		out, rest, err := joinedBy(c, j, TableIDs(c, j), all)
		if err != nil || len(rest) == len(all) {
			return n, transform.SameTree, err
		}
		if len(rest) > 0 {
			out = plan.NewFilter(c, expression.JoinAnd(rest...), out)
		}
		return out, transform.NewTree, nil
	})
}

// joinedBy makes cross joins inner ones by the conditions that hold for all rows of n, and returns those that are left. tables are all that there are.
func joinedBy(c *sql.Context, n sql.Node, tables map[sql.TableId]bool, conditions []sql.Expression) (sql.Node, []sql.Expression, error) {
	j, ok := n.(*plan.JoinNode)
	if !ok || len(conditions) == 0 {
		return n, conditions, nil
	}
	inner := j.Op.IsInner() || j.Op.IsCross()
	if !inner && !j.Op.IsLeftOuter() && !j.Op.IsSemi() && !j.Op.IsAnti() {
		return n, conditions, nil
	}
	left, rest, err := joinedBy(c, j.Left(), tables, conditions)
	if err != nil {
		return nil, nil, err
	}
	right := j.Right()
	if inner {
		if right, rest, err = joinedBy(c, right, tables, rest); err != nil {
			return nil, nil, err
		}
	}
	if j.Op.IsCross() {
		l, r := TableIDs(c, left), TableIDs(c, right)
		var by []sql.Expression
		rest = slices.DeleteFunc(slices.Clone(rest), func(e sql.Expression) bool {
			joins := comparesSides(c, e, l, r) && ofSidesAlone(c, e, tables, l, r)
			if joins {
				by = append(by, e)
			}
			return joins
		})
		if len(by) > 0 {
			return plan.NewInnerJoin(c, left, right, expression.JoinAnd(by...)).WithComment(j.Comment()), rest, nil
		}
	}
	if left == j.Left() && right == j.Right() {
		return n, rest, nil
	}
	out, err := j.WithChildren(c, left, right)
	return out, rest, err
}

// comparesSides reports whether a condition has a comparison of a column of one side with one of the other.
func comparesSides(c *sql.Context, e sql.Expression, left, right map[sql.TableId]bool) bool {
	return transform.InspectExpr(c, e, func(_ *sql.Context, e sql.Expression) bool {
		_, l, r, ok := item.Compared(e)
		if !ok {
			return false
		}
		a, ok1 := l.(*expression.GetField)
		b, ok2 := r.(*expression.GetField)
		return ok1 && ok2 && (left[a.TableId()] && right[b.TableId()] || right[a.TableId()] && left[b.TableId()])
	})
}

// ofSidesAlone reports whether a condition names none of the tables but those of two sides, and has no subquery, which may.
func ofSidesAlone(c *sql.Context, e sql.Expression, tables, left, right map[sql.TableId]bool) bool {
	return !transform.InspectExpr(c, e, func(_ *sql.Context, e sql.Expression) bool {
		switch e := e.(type) {
		case *expression.GetField:
			id := e.TableId()
			return tables[id] && !left[id] && !right[id]
		case *plan.Subquery:
			return true
		}
		return false
	})
}
