package general

import (
	"fmt"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/types"

	"github.com/zoryadb/zorya/sql/temporal"
)

// Functions of dates and times that the library lacks.

func init() {
	plainFunction("period_add", 2, types.Int64, func(c *sql.Context, v []any) (any, error) {
		p, n, err := twoIntegers(c, v)
		if err != nil {
			return nil, err
		}
		return monthsPeriod(periodMonths(p) + n), nil
	})
	plainFunction("period_diff", 2, types.Int64, func(c *sql.Context, v []any) (any, error) {
		a, b, err := twoIntegers(c, v)
		if err != nil {
			return nil, err
		}
		return periodMonths(a) - periodMonths(b), nil
	})
	ownFunctions["benchmark"] = func(*Engine) sql.Function {
		return sql.Function2{Name: "benchmark", Fn: func(_ *sql.Context, n, e sql.Expression) sql.Expression {
			return &benchmark{expression.BinaryExpressionStub{LeftChild: n, RightChild: e}}
		}}
	}
}

// plainFunction adds a function of a fixed number of values that are not NULL; of NULL it is NULL.
func plainFunction(name string, args int, t sql.Type, f func(c *sql.Context, v []any) (any, error)) {
	ownFunctions[name] = func(*Engine) sql.Function {
		return sql.FunctionN{Name: name, Fn: func(_ *sql.Context, list ...sql.Expression) (sql.Expression, error) {
			if len(list) != args {
				return nil, sql.ErrInvalidArgumentNumber.New(name, args, len(list))
			}
			return &plainCall{NaryExpression: expression.NaryExpression{ChildExpressions: list}, name: name, t: t, f: f}, nil
		}}
	}
}

// plainCall is a call of such a function.
type plainCall struct {
	expression.NaryExpression
	name string
	t    sql.Type
	f    func(c *sql.Context, v []any) (any, error)

	nulls bool // f is asked about NULLs as well
}

var _ sql.FunctionExpression = (*plainCall)(nil)

func (p *plainCall) CollationCoercibility(c *sql.Context) (sql.CollationID, byte) {
	if types.IsText(p.t) && !types.IsBinaryType(p.t) {
		return c.GetCollation(), 4
	}
	return sql.Collation_binary, 5
}

func (p *plainCall) FunctionName() string         { return p.name }
func (p *plainCall) Description() string          { return "a function of values" }
func (p *plainCall) Type(*sql.Context) sql.Type   { return p.t }
func (p *plainCall) IsNullable(*sql.Context) bool { return true }
func (p *plainCall) String() string               { return callText(p.name, p.ChildExpressions) }
func (p *plainCall) IsNonDeterministic() bool     { return strings.HasPrefix(p.name, "ps_") } // the session's, or the moment's

func (p *plainCall) WithChildren(_ *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	n := *p
	n.ChildExpressions = ch
	return &n, nil
}

func (p *plainCall) Eval(c *sql.Context, r sql.Row) (any, error) {
	v := make([]any, len(p.ChildExpressions))
	for i, e := range p.ChildExpressions {
		x, err := e.Eval(c, r)
		if err != nil || x == nil && !p.nulls {
			return nil, err
		}
		if v[i], err = sql.UnwrapAny(c, x); err != nil {
			return nil, err
		}
	}
	return p.f(c, v)
}

func integerOf(c *sql.Context, v any) (int64, error) {
	n, _, err := convertRounding(c, types.Int64, v)
	if err != nil && !sql.ErrTruncatedIncorrect.Is(err) {
		return 0, err
	}
	i, _ := n.(int64)
	return i, nil
}

func twoIntegers(c *sql.Context, v []any) (a, b int64, err error) {
	if a, err = integerOf(c, v[0]); err == nil {
		b, err = integerOf(c, v[1])
	}
	return a, b, err
}

func periodMonths(p int64) int64 {
	if p == 0 {
		return 0
	}
	return int64(temporal.YearOf2(int(p/100)))*12 + p%100 - 1
}

func monthsPeriod(m int64) int64 { return m/12*100 + m%12 + 1 }

// benchmark is BENCHMARK(n, expression): it evaluates the expression and answers 0.
type benchmark struct {
	expression.BinaryExpressionStub
}

func (b *benchmark) Type(*sql.Context) sql.Type   { return types.Int64 }
func (b *benchmark) IsNullable(*sql.Context) bool { return true }
func (b *benchmark) IsNonDeterministic() bool     { return true }
func (b *benchmark) String() string {
	return fmt.Sprintf("benchmark(%s,%s)", b.LeftChild, b.RightChild)
}
func (b *benchmark) WithChildren(_ *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	if len(ch) != 2 {
		return nil, sql.ErrInvalidChildrenNumber.New(b, len(ch), 2)
	}
	return &benchmark{expression.BinaryExpressionStub{LeftChild: ch[0], RightChild: ch[1]}}, nil
}

func (b *benchmark) Eval(c *sql.Context, r sql.Row) (any, error) {
	v, err := b.LeftChild.Eval(c, r)
	if err != nil || v == nil {
		return nil, err
	}
	n, err := integerOf(c, v)
	if err != nil || n < 0 {
		return nil, err
	}
	for i := range n {
		if i&0xff == 0 && c.Err() != nil {
			return nil, c.Err()
		}
		if _, err := b.RightChild.Eval(c, r); err != nil {
			return nil, err
		}
	}
	return int64(0), nil
}
