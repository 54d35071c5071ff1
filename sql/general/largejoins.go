package general

import (
	"slices"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/analyzer"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/memo"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/transform"

	"github.com/zoryadb/zorya/sql/rules"
)

// The library weighs every way to join up to 15 tables, all pairs of sets of them, in time that grows fourfold with each. Above that it plans a join in the order that it
// has, where it chooses only how each table is read and joined. Joins of more than a few tables are put into an order here (joinorder.go) and then planned that way:
// where they are too few for the library, joins above all the others, with tables that have no column, make them enough, and are taken away again. That is sounder than to
// plan parts of a join one by one: the rows of each step are estimated from all the tables below it, and there is one path for all large joins. The added joins are at
// the top, so no estimate below has them in it, and no condition names them.

// keptLeaves are the leaves that are enough for the library to keep an order.
const keptLeaves = 16

// weighedLeaves are the most leaves of a join whose orders the library weighs. Tests change it, to plan small joins both ways.
var weighedLeaves = 6

// orderLargeJoins puts the order of large joins before the library's planning.
func orderLargeJoins(a *analyzer.Analyzer, e *Engine) {
	rules.Replace(a, "optimizeJoins", func(optimize analyzer.RuleFunc) analyzer.RuleFunc {
		return func(c *sql.Context, a *analyzer.Analyzer, n sql.Node, scope *plan.Scope, sel analyzer.RuleSelector, flags *sql.QueryFlags) (sql.Node, transform.TreeIdentity, error) {
			_, update := n.(*plan.Update)
			l := &largeJoins{e: e, update: update}
			in, same, err := l.below(c, n)
			if err != nil {
				return nil, transform.SameTree, err
			}
			out, planned, err := optimize(c, a, in, scope, sel, flags)
			if err != nil || same {
				return out, planned, err
			}
			out, err = l.unfilled(c, out)
			return out, transform.NewTree, err
		}
	})
}

type largeJoins struct {
	e       *Engine
	update  bool
	fillers map[sql.Node]bool
}

// below orders the large joins at and below n.
func (l *largeJoins) below(c *sql.Context, n sql.Node) (sql.Node, transform.TreeIdentity, error) {
	if sql.IsOpaque(n) {
		return n, transform.SameTree, nil
	}
	if f, ok := n.(*plan.Filter); ok {
		if j, ok := f.Child.(*plan.JoinNode); ok {
			return l.large(c, f, j)
		}
	}
	if j, ok := n.(*plan.JoinNode); ok {
		return l.large(c, j, j)
	}
	ch := n.Children()
	var out []sql.Node
	for i := range ch {
		x, same, err := l.below(c, ch[i])
		if err != nil {
			return nil, transform.SameTree, err
		}
		if !same && out == nil {
			out = slices.Clone(ch)
		}
		if out != nil {
			out[i] = x
		}
	}
	if out == nil {
		return n, transform.SameTree, nil
	}
	n, err := n.WithChildren(c, out...)
	return n, transform.NewTree, err
}

// large orders a join if it is large; n is the join or what filters it.
func (l *largeJoins) large(c *sql.Context, n sql.Node, j *plan.JoinNode) (sql.Node, transform.TreeIdentity, error) {
	count, ok := joinLeaves(j)
	if !ok || count <= weighedLeaves {
		return n, transform.SameTree, nil
	}
	out := n
	if !previewing(c) {
		o := &joinOrder{c: c, costs: &coster{e: l.e}, hinted: hintedOrder(j), fixed: l.update && rules.HasOuter(j)}
		var err error
		if out, err = o.node(n); err != nil {
			return nil, transform.SameTree, err
		}
	}
	var filter sql.Expression
	if f, ok := out.(*plan.Filter); ok {
		out, filter = f.Child, f.Expression
	}
	if j2, ok := out.(*plan.JoinNode); ok {
		out = j2.WithComment(j.Comment())
	}
	for ; count < keptLeaves; count++ {
		out = plan.NewCrossJoin(c, out, l.filler()).WithComment(j.Comment())
	}
	if filter != nil {
		out = plan.NewFilter(c, filter, out)
	}
	return out, transform.NewTree, nil
}

// joinLeaves counts the leaves of a join as the library does, and reports whether it plans joins of such nodes.
func joinLeaves(n sql.Node) (count int, ok bool) {
	switch n := n.(type) {
	case *plan.JoinNode:
		if n.Op.IsPhysical() {
			return 0, false
		}
		left, ok1 := joinLeaves(n.Left())
		right, ok2 := joinLeaves(n.Right())
		return left + right, ok1 && ok2
	case *plan.Filter, *plan.Having, *plan.Limit, *plan.Project, *plan.Sort, *plan.Distinct, *plan.Max1Row, *plan.CachedResults:
		return joinLeaves(n.Children()[0])
	case *plan.SetOp, sql.NameableNode:
		return 1, true
	}
	return 0, false
}

// filler is a table without columns.
func (l *largeJoins) filler() sql.Node {
	if l.fillers == nil {
		l.fillers = map[sql.Node]bool{}
	}
	n := plan.NewEmptyTableWithSchema(nil)
	l.fillers[n] = true
	return n
}

// unfilled is a plan without the joins with fillers.
func (l *largeJoins) unfilled(c *sql.Context, n sql.Node) (sql.Node, error) {
	if len(l.fillers) == 0 {
		return n, nil
	}
	out, _, err := transform.Node(c, n, func(_ *sql.Context, n sql.Node) (sql.Node, transform.TreeIdentity, error) {
		j, ok := n.(*plan.JoinNode)
		if !ok {
			return n, transform.SameTree, nil
		}
		right := j.Right()
		for len(right.Children()) == 1 {
			right = right.Children()[0]
		}
		if l.fillers[right] {
			return j.Left(), transform.NewTree, nil
		}
		return n, transform.SameTree, nil
	})
	return out, err
}

// hintedOrder is where hints put tables in a join.
func hintedOrder(j *plan.JoinNode) map[string]int {
	var at map[string]int
	for _, h := range memo.ExtractJoinHint(j) {
		if h.Typ != memo.HintTypeJoinOrder {
			continue
		}
		at = map[string]int{}
		for i, name := range h.Args {
			at[name] = i
		}
	}
	return at
}

// and is a condition of all of some.
func and(conditions []sql.Expression) sql.Expression { return expression.JoinAnd(conditions...) }
