package builtin

import (
	"fmt"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/types"
)

func init() {
	Lacking["benchmark"] = sql.Function2{Name: "benchmark", Fn: func(_ *sql.Context, n, e sql.Expression) sql.Expression {
		return &Benchmark{expression.BinaryExpressionStub{LeftChild: n, RightChild: e}}
	}}
}

// Benchmark is BENCHMARK(n, expression): it evaluates the expression and answers 0.
type Benchmark struct {
	expression.BinaryExpressionStub
}

func (b *Benchmark) Type(*sql.Context) sql.Type { return types.Int64 }

func (b *Benchmark) IsNullable(*sql.Context) bool { return true }

func (b *Benchmark) IsNonDeterministic() bool { return true }

func (b *Benchmark) String() string {
	return fmt.Sprintf("benchmark(%s,%s)", b.LeftChild, b.RightChild)
}

func (b *Benchmark) WithChildren(_ *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	if len(ch) != 2 {
		return nil, sql.ErrInvalidChildrenNumber.New(b, len(ch), 2)
	}
	return &Benchmark{expression.BinaryExpressionStub{LeftChild: ch[0], RightChild: ch[1]}}, nil
}

func (b *Benchmark) Eval(c *sql.Context, r sql.Row) (any, error) {
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
