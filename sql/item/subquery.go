package item

import (
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/types"
)

// inSubquery is IN over a subquery of one column whose type is not what is sought: each value is compared as MySQL would.
type inSubquery struct {
	expression.BinaryExpressionStub
	l, r arg
	way  comparator
	env  *Env
}

// inSubquery returns nil where the library compares as MySQL does.
func (n *Env) inSubquery(c *sql.Context, e *plan.InSubquery) (sql.Expression, error) {
	q, ok := e.RightChild.(*plan.Subquery)
	if !ok {
		return nil, nil
	}
	if _, row := e.LeftChild.(expression.Tuple); row || opaque(e.LeftChild) {
		return nil, nil
	}
	l, r := newArg(c, n, e.LeftChild), newArg(c, n, q)
	r.Const = false
	if len(q.Query.Schema(c)) != 1 || n.alike(c, "=", &l, &r) && n.alike(c, "=", &r, &l) {
		return nil, nil
	}
	k, err := newComparator(c, &l, &r, "=")
	if err != nil || k.way == asNothing {
		return nil, err
	}
	return &inSubquery{expression.BinaryExpressionStub{LeftChild: e.LeftChild, RightChild: q}, l, r, k, n}, nil
}

func (x *inSubquery) attr() Attr                     { return boolean }
func (x *inSubquery) Type(*sql.Context) sql.Type     { return types.Boolean }
func (x *inSubquery) IsNullable(c *sql.Context) bool { return true }
func (x *inSubquery) String() string {
	return "(" + x.LeftChild.String() + " in " + x.RightChild.String() + ")"
}
func (x *inSubquery) CollationCoercibility(*sql.Context) (sql.CollationID, byte) {
	return sql.Collation_binary, 5
}

func (x *inSubquery) WithChildren(c *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	if len(ch) != 2 {
		return nil, sql.ErrInvalidChildrenNumber.New(x, len(ch), 2)
	}
	q, ok := ch[1].(*plan.Subquery)
	if !ok {
		return plan.NewInSubquery(c, ch[0], ch[1]), nil
	}
	n := *x
	n.LeftChild, n.RightChild = ch[0], q
	n.l.Expression, n.r.Expression = ch[0], q
	return &n, nil
}

func (x *inSubquery) Eval(c *sql.Context, r sql.Row) (any, error) {
	all, err := x.RightChild.(*plan.Subquery).EvalMultiple(c, r)
	if err != nil || len(all) == 0 {
		return false, err
	}
	v, err := x.l.value(c, r)
	if err != nil || v == nil {
		return nil, err
	}
	null := false
	for _, w := range all {
		if w == nil {
			null = true
			continue
		}
		if w, err = sql.UnwrapAny(c, w); err != nil {
			return nil, err
		}
		cmp, ok, err := x.way.compare(c, &x.l, &x.r, v, w)
		if err != nil {
			return nil, err
		}
		if ok && cmp == 0 {
			return true, nil
		}
		null = null || !ok
	}
	if null {
		return nil, nil
	}
	return false, nil
}
