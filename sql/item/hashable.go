package item

import (
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/plan"
)

// hashable is e, or a row of such, whose bytes are a Go string: the planner compares the values that one column is equated with by ==, which
// panics for slices. The library's binary types take either.
func hashable(c *sql.Context, e sql.Expression) (out sql.Expression, same bool) {
	switch e := e.(type) {
	case *expression.Literal:
		if b, ok := e.Value().([]byte); ok {
			return expression.NewLiteral(string(b), e.Type(c)), false
		}
		return e, true
	case expression.Tuple:
		list, all := append(expression.Tuple(nil), e...), true
		for i := range e {
			list[i], same = hashable(c, e[i])
			all = all && same
		}
		return list, all
	case *stringOf, *expression.GetField, *plan.Subquery:
		return e, true
	}
	if is := Of(c, e); is.Kind == String && is.Coll == sql.Collation_binary {
		return &stringOf{expression.UnaryExpressionStub{Child: e}, is}, false
	}
	return e, true
}

// stringOf is a binary text as a Go string.
type stringOf struct {
	expression.UnaryExpressionStub
	is Attr
}

func (s *stringOf) attr() Attr                   { return s.is }
func (s *stringOf) String() string               { return s.Child.String() }
func (s *stringOf) Type(c *sql.Context) sql.Type { return s.Child.Type(c) }

func (s *stringOf) CollationCoercibility(c *sql.Context) (sql.CollationID, byte) {
	return sql.GetCoercibility(c, s.Child)
}

func (s *stringOf) Eval(c *sql.Context, r sql.Row) (any, error) {
	v, err := s.Child.Eval(c, r)
	if b, ok := v.([]byte); ok {
		return string(b), err
	}
	return v, err
}

func (s *stringOf) WithChildren(_ *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	if len(ch) != 1 {
		return nil, sql.ErrInvalidChildrenNumber.New(s, len(ch), 1)
	}
	return &stringOf{expression.UnaryExpressionStub{Child: ch[0]}, s.is}, nil
}
