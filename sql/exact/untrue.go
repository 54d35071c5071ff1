package exact

import (
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/types"
)

// A condition that rows are kept or dropped by need not tell NULL from false: MySQL's AND looks no further there once a part is NULL (Item_cond::apply_is_true), so
// that what follows neither warns nor fails. Elsewhere it goes on, for a part may yet be false.

// allTrue is an AND of which only true matters.
type allTrue struct{ parts []sql.Expression }

var _ sql.Expression = (*allTrue)(nil)

// UntilUntrue is a condition whose ANDs end at the first part that is not true, e itself if it has none.
func UntilUntrue(c *sql.Context, e sql.Expression) sql.Expression {
	switch x := e.(type) {
	case *expression.And:
		parts := Conjuncts(e, make([]sql.Expression, 0, 4))
		for i, p := range parts {
			parts[i] = UntilUntrue(c, p)
		}
		return &allTrue{parts}
	case *expression.Or:
		l, r := UntilUntrue(c, x.LeftChild), UntilUntrue(c, x.RightChild)
		if l != x.LeftChild || r != x.RightChild {
			return expression.NewOr(l, r)
		}
	}
	return e
}

func (a *allTrue) Eval(c *sql.Context, r sql.Row) (any, error) {
	for _, p := range a.parts {
		v, err := sql.EvaluateCondition(c, p, r)
		if err != nil || !sql.IsTrue(v) {
			return v, err
		}
	}
	return true, nil
}

func (a *allTrue) Resolved() bool               { return expression.ExpressionsResolved(a.parts...) }
func (a *allTrue) String() string               { return expression.JoinAnd(a.parts...).String() }
func (a *allTrue) Type(*sql.Context) sql.Type   { return types.Boolean }
func (a *allTrue) IsNullable(*sql.Context) bool { return true }
func (a *allTrue) Children() []sql.Expression   { return a.parts }

// WithChildren implements sql.Expression.
func (a *allTrue) WithChildren(_ *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	if len(ch) != len(a.parts) {
		return nil, sql.ErrInvalidChildrenNumber.New(a, len(ch), len(a.parts))
	}
	return &allTrue{ch}, nil
}

func Conjuncts(e sql.Expression, to []sql.Expression) []sql.Expression {
	if and, ok := e.(*expression.And); ok {
		return Conjuncts(and.RightChild, Conjuncts(and.LeftChild, to))
	}
	return append(to, e)
}
