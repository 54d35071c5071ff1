package rules

import (
	"reflect"
	"slices"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/transform"

	"github.com/zoryadb/zorya/sql/exact"
)

// WHERE (a.id = b.id AND a.x = 1 AND b.y = 2) OR (a.id = b.id AND a.x = 3 AND b.y = 4): the library joins by conditions that are ANDed, and takes an OR for one
// thing that can only be tested when all of its tables are joined. What every branch says is said once here, a.id = b.id, and what every branch says of one
// table is said of that table as well, a.x = 1 OR a.x = 3.

// spreadOrs rewrites the conditions of joins that have an OR.
func spreadOrs(c *sql.Context, n sql.Node) (sql.Node, transform.TreeIdentity, error) {
	return transform.Node(c, n, func(c *sql.Context, n sql.Node) (sql.Node, transform.TreeIdentity, error) {
		switch n := n.(type) {
		case *plan.Filter:
			if _, ok := n.Child.(*plan.JoinNode); !ok {
				return n, transform.SameTree, nil
			}
			if cond := spreadOr(c, n.Expression); cond != nil {
				return plan.NewFilter(c, cond, n.Child), transform.NewTree, nil
			}
		case *plan.JoinNode:
			if n.Op != plan.JoinTypeInner || n.Filter == nil {
				return n, transform.SameTree, nil
			}
			if cond := spreadOr(c, n.Filter); cond != nil {
				j := *n
				j.Filter = cond
				return &j, transform.NewTree, nil
			}
		}
		return n, transform.SameTree, nil
	})
}

// spreadOr is a condition with what follows from its ORs, nil if that is nothing.
func spreadOr(c *sql.Context, cond sql.Expression) sql.Expression {
	conjuncts := expression.SplitConjunction(c, cond)
	var out []sql.Expression
	changed := false
	for _, e := range conjuncts {
		or, ok := e.(*expression.Or)
		if !ok || !SameAnywhere(c, or) {
			out = append(out, e)
			continue
		}
		common, rest := factored(c, branchesOf(c, or))
		changed = changed || len(common) > 0
		out = append(out, common...)
		if rest == nil {
			continue
		}
		of := saysOfTables(c, rest)
		changed = changed || len(of) > 0
		out = append(append(out, orOf(rest)), of...)
	}
	if !changed {
		return nil
	}
	return expression.JoinAnd(out...)
}

// branchesOf are the conjuncts of each branch of an OR.
func branchesOf(c *sql.Context, e sql.Expression) [][]sql.Expression {
	if or, ok := e.(*expression.Or); ok {
		return append(branchesOf(c, or.LeftChild), branchesOf(c, or.RightChild)...)
	}
	return [][]sql.Expression{expression.SplitConjunction(c, e)}
}

// factored parts what all branches have in common from the rest of each. rest is nil if one has no more: what is common says it all.
func factored(c *sql.Context, branches [][]sql.Expression) (common []sql.Expression, rest [][]sql.Expression) {
	for _, e := range branches[0] {
		if !slices.ContainsFunc(branches[1:], func(b []sql.Expression) bool { return !holdsAlike(c, b, e) }) && !holdsAlike(c, common, e) {
			common = append(common, e)
		}
	}
	if len(common) == 0 {
		return nil, branches
	}
	for _, b := range branches {
		var own []sql.Expression
		for _, e := range b {
			if !holdsAlike(c, common, e) {
				own = append(own, e)
			}
		}
		if len(own) == 0 {
			return common, nil
		}
		rest = append(rest, own)
	}
	return common, rest
}

func holdsAlike(c *sql.Context, list []sql.Expression, e sql.Expression) bool {
	return slices.ContainsFunc(list, func(x sql.Expression) bool { return alike(c, x, e) })
}

// alike reports whether two expressions are the same one, of the same columns.
func alike(c *sql.Context, a, b sql.Expression) bool {
	if reflect.TypeOf(a) != reflect.TypeOf(b) || a.String() != b.String() {
		return false
	}
	if x, ok := a.(*expression.GetField); ok {
		return exact.SameExpression(x, b)
	}
	l, r := a.Children(), b.Children()
	if len(l) == 0 {
		return len(r) == 0 && a.Type(c).Equals(b.Type(c))
	}
	return slices.EqualFunc(l, r, func(x, y sql.Expression) bool { return alike(c, x, y) })
}

// saysOfTables are what an OR of several tables says of each of them: a condition for a table that every branch has a condition of.
func saysOfTables(c *sql.Context, branches [][]sql.Expression) (out []sql.Expression) {
	of := func(e sql.Expression) sql.TableId { // 0: of none, or of several
		id, one := sql.TableId(0), true
		sql.Inspect(c, e, func(_ *sql.Context, e sql.Expression) bool {
			if f, ok := e.(*expression.GetField); ok {
				one = one && f.TableId() > 0 && (id == 0 || id == f.TableId())
				id = f.TableId()
			}
			return one
		})
		if !one {
			return 0
		}
		return id
	}
	var done []sql.TableId
	for _, first := range branches[0] {
		id := of(first)
		if id == 0 || slices.Contains(done, id) {
			continue
		}
		done = append(done, id)
		own, more := make([][]sql.Expression, len(branches)), false
		for i, b := range branches {
			for _, e := range b {
				if of(e) == id {
					own[i] = append(own[i], e)
				}
			}
			more = more || len(own[i]) < len(b)
		}
		if !more || slices.ContainsFunc(own, func(b []sql.Expression) bool { return b == nil }) {
			continue // all of it is that table's, or some branch says nothing of it
		}
		common, rest := factored(c, own)
		out = append(out, common...)
		if rest != nil {
			out = append(out, orOf(rest))
		}
	}
	return out
}

// orOf is the OR of branches.
func orOf(branches [][]sql.Expression) sql.Expression {
	var out sql.Expression
	for _, b := range branches {
		and := expression.JoinAnd(b...)
		if out == nil {
			out = and
		} else if !slices.ContainsFunc(expression.SplitDisjunction(out), func(have sql.Expression) bool { return have.String() == and.String() }) {
			out = expression.NewOr(out, and)
		}
	}
	return out
}
