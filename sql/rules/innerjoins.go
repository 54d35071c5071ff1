package rules

import (
	"maps"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/transform"

	"github.com/zoryadb/zorya/sql/item"
)

// FROM a LEFT JOIN b ON b.a_id = a.id WHERE b.kind IN (1, 2): rows that the outer join adds have NULLs for b, which the condition throws away. It is an inner join then,
// as in MySQL, which may begin with b and be reordered with others.

// innerJoins makes inner joins of the outer ones whose added rows nothing wants.
func innerJoins(c *sql.Context, n sql.Node) (sql.Node, transform.TreeIdentity, error) {
	if !outerBelow(n) {
		return n, transform.SameTree, nil
	}
	return outerToInner{c}.node(n, nil)
}

// outerBelow reports whether the query at n has an outer join.
func outerBelow(n sql.Node) bool {
	if j, ok := n.(*plan.JoinNode); ok && (j.Op == plan.JoinTypeLeftOuter || j.Op == plan.JoinTypeRightOuter) {
		return true
	}
	if sql.IsOpaque(n) {
		return false
	}
	for _, ch := range n.Children() {
		if outerBelow(ch) {
			return true
		}
	}
	return false
}

// outerToInner walks a query from above. wanted are the tables without which a row is thrown away.
type outerToInner struct{ c *sql.Context }

type wanted map[sql.TableId]bool

// and is w with the tables that a condition wants.
func (w wanted) and(c *sql.Context, cond sql.Expression) wanted {
	if cond == nil {
		return w
	}
	more := wants(c, cond)
	if len(w) == 0 || len(more) == 0 {
		if len(more) == 0 {
			return w
		}
		return more
	}
	maps.Copy(more, w)
	return more
}

func (o outerToInner) node(n sql.Node, w wanted) (sql.Node, transform.TreeIdentity, error) {
	switch n := n.(type) {
	case *plan.Filter:
		return o.children(n, w.and(o.c, n.Expression))
	case *plan.JoinNode:
		return o.join(n, w)
	}
	if sql.IsOpaque(n) {
		return n, transform.SameTree, nil
	}
	return o.children(n, nil)
}

func (o outerToInner) join(j *plan.JoinNode, w wanted) (sql.Node, transform.TreeIdentity, error) {
	missing := j.Right()
	switch j.Op {
	case plan.JoinTypeInner:
		return o.children(j, w.and(o.c, j.Filter))
	case plan.JoinTypeCross:
		return o.children(j, w)
	case plan.JoinTypeLeftOuter:
	case plan.JoinTypeRightOuter:
		missing = j.Left()
	default:
		return o.children(j, nil)
	}
	if j.Filter != nil && len(w) > 0 {
		for id := range TableIDs(o.c, missing) {
			if w[id] {
				inner := *j
				inner.Op = plan.JoinTypeInner
				out, _, err := o.children(&inner, w.and(o.c, j.Filter))
				return out, transform.NewTree, err
			}
		}
	}
	of := wanted(nil).and(o.c, j.Filter)
	if j.Op == plan.JoinTypeLeftOuter {
		return o.children(j, w, of)
	}
	return o.children(j, of, w)
}

// children walks on: what is wanted of each child, or the same of all.
func (o outerToInner) children(n sql.Node, of ...wanted) (sql.Node, transform.TreeIdentity, error) {
	ch := n.Children()
	var out []sql.Node
	for i, old := range ch {
		now, same, err := o.node(old, of[min(i, len(of)-1)])
		if err != nil {
			return nil, transform.SameTree, err
		}
		if !same && out == nil {
			out = append(out, ch...)
		}
		if out != nil {
			out[i] = now
		}
	}
	if out == nil {
		return n, transform.SameTree, nil
	}
	n, err := n.WithChildren(o.c, out...)
	return n, transform.NewTree, err
}

// wants are the tables of which a condition holds of no row of NULLs.
func wants(c *sql.Context, e sql.Expression) wanted {
	switch e := item.Plain(e).(type) {
	case *expression.And:
		return wants(c, e.LeftChild).and(c, e.RightChild)
	case *expression.Or:
		left, right := wants(c, e.LeftChild), wants(c, e.RightChild)
		maps.DeleteFunc(left, func(id sql.TableId, _ bool) bool { return !right[id] })
		return left
	case *expression.Like:
		return nullWith(e.LeftChild).with(nullWith(e.RightChild))
	case *expression.Not:
		switch e := item.Plain(e.Child).(type) {
		case *expression.Like:
			return nullWith(e.LeftChild).with(nullWith(e.RightChild))
		default:
			if op, value, with, ok := item.Limited(e); ok && op != "<=>" { // IS NOT NULL, too
				return comparedWith(op, value, with)
			}
		}
		return nil
	}
	if op, value, with, ok := item.Limited(e); ok && op != "<=>" && op != "null" {
		return comparedWith(op, value, with)
	}
	return nil
}

// comparedWith are the tables whose NULLs make a comparison NULL. The bounds of BETWEEN need not.
func comparedWith(op string, value sql.Expression, with []sql.Expression) wanted {
	out := nullWith(value)
	if op != "between" && op != "in" && len(with) == 1 {
		out = out.with(nullWith(with[0]))
	}
	return out
}

func (w wanted) with(more wanted) wanted {
	if w == nil {
		return more
	}
	maps.Copy(w, more)
	return w
}

// nullWith are the tables of which a row of NULLs makes an expression NULL.
func nullWith(e sql.Expression) wanted {
	switch e := item.Given(e).(type) {
	case *expression.GetField:
		if e.TableId() > 0 {
			return wanted{e.TableId(): true}
		}
	case *expression.Arithmetic:
		return nullWith(e.LeftChild).with(nullWith(e.RightChild))
	}
	return nil
}
