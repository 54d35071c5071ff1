package rules

import (
	"slices"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/analyzer"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/transform"

	"github.com/zoryadb/zorya/sql/exact"
)

// The parts of a condition are computed as they are written, so that one guards those behind it: kind = 'number' AND text + 0 > 5. What an index leaves of a
// condition the library puts in another order, first the parts that no index could serve.

// KeepConditionOrder puts them back in their order, in the plans of subqueries too.
func KeepConditionOrder(a *analyzer.Analyzer) {
	Replace(a, "optimizeJoins", func(optimize analyzer.RuleFunc) analyzer.RuleFunc {
		return func(c *sql.Context, a *analyzer.Analyzer, n sql.Node, scope *plan.Scope, sel analyzer.RuleSelector, flags *sql.QueryFlags) (sql.Node, transform.TreeIdentity, error) {
			order := ConditionOrder(n)
			out, same, err := optimize(c, a, n, scope, sel, flags)
			if err != nil || same {
				return out, same, err
			}
			out, err = order.Restored(c, out)
			return out, transform.NewTree, err
		}
	})
}

// places are those of the parts of conditions, by what they say: the library makes them anew.
type places map[string]int

// ConditionOrder is that of filters of several parts.
func ConditionOrder(n sql.Node) places {
	var w places
	transform.Inspect(n, func(n sql.Node) bool {
		f, ok := n.(*plan.Filter)
		if !ok {
			return true
		}
		if parts := exact.Conjuncts(f.Expression, nil); len(parts) > 2 { // an index takes one at least
			if w == nil {
				w = places{}
			}
			for _, p := range parts {
				w[p.String()] = len(w)
			}
		}
		return true
	})
	return w
}

// Restored is a plan whose filters have their parts in their order.
func (w places) Restored(c *sql.Context, n sql.Node) (sql.Node, error) {
	if len(w) == 0 {
		return n, nil
	}
	out, _, err := transform.Node(c, n, func(c *sql.Context, n sql.Node) (sql.Node, transform.TreeIdentity, error) {
		if f, ok := n.(*plan.Filter); ok {
			if cond := w.sorted(f.Expression); cond != nil {
				return plan.NewFilter(c, cond, f.Child), transform.NewTree, nil
			}
		}
		return n, transform.SameTree, nil
	})
	return out, err
}

// sorted is a condition with its parts in their order, nil if they are, or are unknown.
func (w places) sorted(e sql.Expression) sql.Expression {
	if _, ok := e.(*expression.And); !ok {
		return nil
	}
	type part struct {
		e  sql.Expression
		at int
	}
	var parts []part
	for _, p := range exact.Conjuncts(e, nil) {
		at, known := w[p.String()]
		if !known {
			return nil
		}
		parts = append(parts, part{p, at})
	}
	before := func(a, b part) int { return a.at - b.at }
	if slices.IsSortedFunc(parts, before) {
		return nil
	}
	slices.SortStableFunc(parts, before)
	cond := parts[0].e
	for _, p := range parts[1:] {
		cond = expression.NewAnd(cond, p.e)
	}
	return cond
}
