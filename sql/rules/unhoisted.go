package rules

import (
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/analyzer"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/expression/function/aggregation"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/transform"

	"github.com/zoryadb/zorya/sql/builtin"
	"github.com/zoryadb/zorya/sql/exact"
	"github.com/zoryadb/zorya/sql/windows"
)

// A correlated EXISTS or IN (SELECT ...) becomes a join in two steps: what its conditions say of the outer row alone goes up into the outer query
// (hoistOutOfScopeFilters), and what is left becomes a semi-join (unnest...Subqueries). Both hold only for a subquery that has no rows where the condition is
// false. One that keeps rows then is evaluated as it is written: the condition stands on the side of an outer join that may be missing, in one part of a
// UNION, or under aggregates without GROUP BY, which always have a row. So is one with a LIMIT of 0, which has none, and one whose joins refer to the outer row.

// KeepRowsOfFalse keeps the library's rules away from statements with such subqueries.
func KeepRowsOfFalse(a *analyzer.Analyzer) {
	unless := func(rule string, keep func(*sql.Context, sql.Node) bool) {
		Replace(a, rule, func(library analyzer.RuleFunc) analyzer.RuleFunc {
			return func(c *sql.Context, a *analyzer.Analyzer, n sql.Node, scope *plan.Scope, sel analyzer.RuleSelector, flags *sql.QueryFlags) (sql.Node, transform.TreeIdentity, error) {
				if flags.SubqueryIsSet() && keep(c, n) {
					return n, transform.SameTree, nil
				}
				return library(c, a, n, scope, sel, flags)
			}
		})
	}
	unless("hoistOutOfScopeFilters", func(c *sql.Context, n sql.Node) bool {
		return anyQuery(c, n, func(q *plan.Subquery) bool { return rowsOfFalse(c, q.Query, false) || joinsByOuter(c, q) })
	})
	Replace(a, "hoistOutOfScopeFilters", func(hoist analyzer.RuleFunc) analyzer.RuleFunc {
		return func(c *sql.Context, a *analyzer.Analyzer, n sql.Node, scope *plan.Scope, sel analyzer.RuleSelector, flags *sql.QueryFlags) (sql.Node, transform.TreeIdentity, error) {
			out, same, err := hoist(c, a, n, scope, sel, flags)
			if err != nil || same {
				return out, same, err
			}
			out, _, err = correlatedOutside(c, out)
			return out, transform.NewTree, err
		}
	})
	for _, rule := range []string{"unnestInSubqueries", "unnestExistsSubqueries"} {
		unless(rule, func(c *sql.Context, n sql.Node) bool {
			return anyQuery(c, n, func(q *plan.Subquery) bool {
				return alwaysARow(q.Query) || limited(q.Query) || joinsByOuter(c, q) || renamesAggregate(c, n, q.Query)
			}) || bothForAll(c, n)
		})
	}
	Replace(a, "unnestExistsSubqueries", func(library analyzer.RuleFunc) analyzer.RuleFunc {
		return func(c *sql.Context, a *analyzer.Analyzer, n sql.Node, scope *plan.Scope, sel analyzer.RuleSelector, flags *sql.QueryFlags) (sql.Node, transform.TreeIdentity, error) {
			if !flags.SubqueryIsSet() {
				return n, transform.SameTree, nil
			}
			n, moved, err := forAllLast(c, n)
			if err != nil {
				return nil, transform.SameTree, err
			}
			n, same, err := library(c, a, n, scope, sel, flags)
			return n, moved && same, err
		}
	})
}

// Growing names the aggregates that keep something of every row.
func Growing(e sql.Expression) bool {
	switch e.(type) {
	case *aggregation.CountDistinct, *aggregation.GroupConcat, *exact.ConcatDistinct, *aggregation.JsonArray, *builtin.ArrayAgg, *windows.ObjectAgg:
		return true
	}
	return false
}

// renamesAggregate reports whether a semi-join would give a table of a subquery another name, as the outer query has one of its name, and the subquery has an
// aggregate that keeps something of every row: HAVING finds that by its text, with the name that the table had.
func renamesAggregate(c *sql.Context, outer, query sql.Node) bool {
	aggregated := false
	transform.InspectExpressions(c, query, func(_ *sql.Context, e sql.Expression) bool {
		aggregated = aggregated || Growing(e)
		return !aggregated
	})
	if !aggregated {
		return false
	}
	names, shared := map[string]bool{}, false
	transform.Inspect(outer, func(n sql.Node) bool {
		if t, ok := n.(plan.TableIdNode); ok {
			names[strings.ToLower(t.Name())] = true
		}
		return true
	})
	transform.Inspect(query, func(n sql.Node) bool {
		t, ok := n.(plan.TableIdNode)
		shared = shared || ok && names[strings.ToLower(t.Name())]
		return !shared
	})
	return shared
}

// correlatedOutside takes from the outer columns that subqueries refer to those of their own tables: where a condition has gone up, the library counts what subqueries
// within them refer to.
func correlatedOutside(c *sql.Context, n sql.Node) (sql.Node, transform.TreeIdentity, error) {
	return transform.NodeExprsWithOpaque(c, n, func(c *sql.Context, e sql.Expression) (sql.Expression, transform.TreeIdentity, error) {
		q, ok := e.(*plan.Subquery)
		if !ok {
			return e, transform.SameTree, nil
		}
		query, same, err := correlatedOutside(c, q.Query)
		if err != nil {
			return nil, transform.SameTree, err
		}
		outer := q.Correlated().Difference(tableColumns(c, query))
		if bool(same) && outer.Equals(q.Correlated()) {
			return e, transform.SameTree, nil
		}
		return q.WithQuery(query).WithCorrelated(outer), transform.NewTree, nil
	})
}

// anyQuery reports whether a subquery in the expressions of a plan, or of the plans of those, is one that is looked for.
func anyQuery(c *sql.Context, n sql.Node, is func(*plan.Subquery) bool) (found bool) {
	transform.InspectExpressionsWithNode(c, n, func(_ *sql.Context, _ sql.Node, e sql.Expression) bool {
		if q, ok := e.(*plan.Subquery); ok && !found {
			found = is(q) || anyQuery(c, q.Query, is)
		}
		return !found
	})
	if !found {
		transform.InspectWithOpaque(c, n, func(_ *sql.Context, n sql.Node) bool {
			if d, ok := n.(*plan.SubqueryAlias); ok && !found {
				found = anyQuery(c, d.Child, is)
			}
			return !found
		})
	}
	return found
}

// rowsOfFalse reports whether a plan may have rows where a condition in it that no column of its own is part of is false; within says that all of the plan is
// where a false condition leaves rows.
func rowsOfFalse(c *sql.Context, n sql.Node, within bool) bool {
	switch n := n.(type) {
	case *plan.Filter:
		if within {
			own := tableColumns(c, n.Child)
			for _, e := range expression.SplitConjunction(c, n.Expression) {
				if !usesAny(c, e, own) {
					return true
				}
			}
		}
	case *plan.JoinNode:
		return rowsOfFalse(c, n.Left(), within || n.Op.IsFullOuter()) || rowsOfFalse(c, n.Right(), within || n.Op.IsLeftOuter() || n.Op.IsFullOuter())
	case *plan.GroupBy:
		within = within || len(n.GroupByExprs) == 0
	case *plan.SetOp, *plan.RecursiveCte:
		within = true
	}
	for _, child := range n.Children() {
		if rowsOfFalse(c, child, within) {
			return true
		}
	}
	return false
}

// tableColumns are the columns of the tables of a plan.
func tableColumns(c *sql.Context, n sql.Node) (set sql.ColSet) {
	transform.InspectWithOpaque(c, n, func(_ *sql.Context, n sql.Node) bool {
		if t, ok := n.(plan.TableIdNode); ok {
			set = set.Union(t.Columns())
		}
		return true
	})
	return set
}

// usesAny reports whether an expression, or a subquery in it, uses one of some columns.
func usesAny(c *sql.Context, e sql.Expression, columns sql.ColSet) bool {
	return transform.InspectExpr(c, e, func(_ *sql.Context, e sql.Expression) bool {
		switch e := e.(type) {
		case *expression.GetField:
			return columns.Contains(e.Id())
		case *plan.Subquery:
			return e.Correlated().Intersects(columns)
		}
		return false
	})
}

// alwaysARow reports whether a query has aggregates and no GROUP BY.
func alwaysARow(n sql.Node) bool {
	switch n := n.(type) {
	case *plan.GroupBy:
		return len(n.GroupByExprs) == 0
	case *plan.Project, *plan.Sort, *plan.Distinct, *plan.TopN, *plan.Limit:
		return alwaysARow(n.Children()[0])
	}
	return false
}

// joinsByOuter reports whether conditions of a subquery's joins refer to the outer row as well as those of its WHERE. The latter would become the semi-join's, which is
// computed above the former.
func joinsByOuter(c *sql.Context, q *plan.Subquery) bool {
	outer := q.Correlated()
	joins, filters := false, false
	transform.InspectWithOpaque(c, q.Query, func(c *sql.Context, n sql.Node) bool {
		switch n := n.(type) {
		case *plan.JoinNode:
			joins = joins || n.Filter != nil && usesAny(c, n.Filter, outer)
		case *plan.Filter:
			filters = filters || usesAny(c, n.Expression, outer)
		}
		return true
	})
	return joins && filters
}

// bothForAll reports whether a condition asks both for EXISTS and for NOT EXISTS of queries that have no say of the outer row, or none any more: the planner of joins cannot
// order a semi-join and an anti-join that have no condition.
func bothForAll(c *sql.Context, n sql.Node) (both bool) {
	transform.InspectWithOpaque(c, n, func(c *sql.Context, n sql.Node) bool {
		f, ok := n.(*plan.Filter)
		if !ok {
			return !both
		}
		is, isNot := false, false
		for _, e := range expression.SplitConjunction(c, f.Expression) {
			of, negated := e, false
			if not, ok := e.(*expression.Not); ok {
				of, negated = not.Child, true
			}
			if forAll(c, of) {
				is, isNot = is || !negated, isNot || negated
			}
		}
		both = both || is && isNot
		return !both
	})
	return both
}

// forAll reports whether a condition is EXISTS of a query that has no say of the outer row.
func forAll(c *sql.Context, e sql.Expression) bool {
	x, ok := e.(*plan.ExistsSubquery)
	return ok && !usedWithin(c, x.Query.Query, x.Query.Correlated())
}

// forAllLast puts the conditions that are EXISTS of queries for all rows behind the others. Such a query becomes a table that each row is joined with, and its own tables have
// lost the columns that it does not read: a semi-join above it fails to find them.
func forAllLast(c *sql.Context, n sql.Node) (sql.Node, transform.TreeIdentity, error) {
	return transform.Node(c, n, func(c *sql.Context, n sql.Node) (sql.Node, transform.TreeIdentity, error) {
		f, ok := n.(*plan.Filter)
		if !ok {
			return n, transform.SameTree, nil
		}
		all := expression.SplitConjunction(c, f.Expression)
		var first, last []sql.Expression
		moves := false
		for _, e := range all {
			if forAll(c, e) {
				last = append(last, e)
			} else {
				moves = moves || len(last) > 0
				first = append(first, e)
			}
		}
		if !moves {
			return n, transform.SameTree, nil
		}
		return plan.NewFilter(c, expression.JoinAnd(append(first, last...)...), f.Child), transform.NewTree, nil
	})
}

// usedWithin reports whether a plan uses one of some columns.
func usedWithin(c *sql.Context, n sql.Node, columns sql.ColSet) (found bool) {
	transform.InspectExpressionsWithNode(c, n, func(c *sql.Context, _ sql.Node, e sql.Expression) bool {
		found = found || e != nil && usesAny(c, e, columns)
		return !found
	})
	return found
}

// limited reports whether a query has a LIMIT that may be 0.
func limited(n sql.Node) (found bool) {
	transform.Inspect(n, func(n sql.Node) bool {
		if l, ok := n.(*plan.Limit); ok && !found {
			v, known := l.Limit.(*expression.Literal)
			found = !known || v.Value() == nil || v.String() == "0"
		}
		return !found
	})
	return found
}
