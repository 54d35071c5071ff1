package exact

import (
	"github.com/cockroachdb/apd/v3"
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/types"
)

// NewBetween returns what stands for BETWEEN, nil for itself. Where its numbers have several types it becomes two comparisons: the library
// converts the bounds to the value's type, so that 4.001 is not above 4.0006 rounded to three decimals.
func NewBetween(c *sql.Context, e *expression.Between) (sql.Expression, error) {
	number := func(x sql.Expression) bool { return types.IsNumber(x.Type(c)) || types.IsDecimal(x.Type(c)) }
	if number(e.Val) && number(e.Lower) && number(e.Upper) && !(e.Val.Type(c) == e.Lower.Type(c) && e.Val.Type(c) == e.Upper.Type(c)) && Repeatable(c, e.Val) {
		low, high := expression.NewGreaterThanOrEqual(asExact(c, e.Val), asExact(c, e.Lower)), expression.NewLessThanOrEqual(asExact(c, e.Val), asExact(c, e.Upper))
		return expression.NewAnd(low, high), nil
	}
	return TrimOperands(c, e)
}

// Operands lets DECIMALs of different types be compared as what they are: the library rounds one to the scale of the other. nil: nothing to do.
func Operands(c *sql.Context, e sql.Expression) (sql.Expression, error) {
	ch := e.Children()
	a, b := ch[0].Type(c), ch[1].Type(c)
	if !types.IsDecimal(a) || !types.IsDecimal(b) || a == b {
		return nil, nil
	}
	return e.WithChildren(c, asExact(c, ch[0]), asExact(c, ch[1]))
}

// NewDecimalIn is IN with a list of numbers of other types than the DECIMAL sought: comparisons with each; nil for any other IN.
func NewDecimalIn(c *sql.Context, left, right sql.Expression) sql.Expression {
	list, ok := right.(expression.Tuple)
	if !ok || !types.IsDecimal(left.Type(c)) || len(list) == 0 || len(list) > 100 || !Repeatable(c, left) {
		return nil
	}
	same := true
	for _, x := range list {
		t := x.Type(c)
		if t != types.Null && !types.IsDecimal(t) {
			return nil
		}
		same = same && t == left.Type(c)
	}
	if same {
		return nil
	}
	var out sql.Expression
	for _, x := range list {
		eq := expression.NewEquals(asExact(c, left), asExact(c, x))
		if out == nil {
			out = eq
		} else {
			out = expression.NewOr(out, eq)
		}
	}
	return out
}

// Value is a DECIMAL of no particular precision and scale.
type Value struct{ expression.UnaryExpressionStub }

func asExact(c *sql.Context, e sql.Expression) sql.Expression {
	if _, done := e.(*Value); done || !types.IsDecimal(e.Type(c)) {
		return e
	}
	return &Value{expression.UnaryExpressionStub{Child: e}}
}

func (x *Value) Type(*sql.Context) sql.Type { return types.InternalDecimalType }
func (x *Value) String() string             { return x.Child.String() }
func (x *Value) CollationCoercibility(c *sql.Context) (sql.CollationID, byte) {
	return sql.GetCoercibility(c, x.Child)
}

func (x *Value) Eval(c *sql.Context, r sql.Row) (any, error) { return x.Child.Eval(c, r) }

func (x *Value) WithChildren(_ *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	if len(ch) != 1 {
		return nil, sql.ErrInvalidChildrenNumber.New(x, len(ch), 1)
	}
	return &Value{expression.UnaryExpressionStub{Child: ch[0]}}, nil
}

// PlainZero takes the sign from a decimal zero: -7 % 7 is the same zero as 7 % 7, not a group of its own.
type PlainZero struct{ expression.UnaryExpressionStub }

func (z *PlainZero) Type(c *sql.Context) sql.Type { return z.Child.Type(c) }
func (z *PlainZero) String() string               { return z.Child.String() }
func (z *PlainZero) CollationCoercibility(c *sql.Context) (sql.CollationID, byte) {
	return sql.GetCoercibility(c, z.Child)
}

func (z *PlainZero) WithChildren(_ *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	if len(ch) != 1 {
		return nil, sql.ErrInvalidChildrenNumber.New(z, len(ch), 1)
	}
	return &PlainZero{expression.UnaryExpressionStub{Child: ch[0]}}, nil
}

func (z *PlainZero) Eval(c *sql.Context, r sql.Row) (any, error) {
	v, err := z.Child.Eval(c, r)
	if d, ok := v.(*apd.Decimal); ok && d.Negative && d.IsZero() {
		n := new(apd.Decimal).Set(d)
		n.Negative = false
		return n, err
	}
	return v, err
}

// Repeatable reports whether an expression may be evaluated twice.
func Repeatable(c *sql.Context, e sql.Expression) bool {
	ok := true
	sql.Inspect(c, e, func(_ *sql.Context, e sql.Expression) bool {
		switch x := e.(type) {
		case *plan.Subquery:
			ok = false
		case sql.NonDeterministicExpression:
			ok = ok && !x.IsNonDeterministic()
		}
		return ok
	})
	return ok
}
