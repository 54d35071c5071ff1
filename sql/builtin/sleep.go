package builtin

import (
	"context"
	"time"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/types"

	"github.com/zoryadb/zorya/base/wait"
	"github.com/zoryadb/zorya/sql/mysqlerr"
)

func init() {
	Lacking["sleep"] = sql.Function1{Name: "sleep", Fn: func(_ *sql.Context, e sql.Expression) sql.Expression {
		return &Sleep{expression.UnaryExpressionStub{Child: e}}
	}}
}

// Sleep is SLEEP(seconds): 0. KILL QUERY ends the statement with 1317, where MySQL's answers 1 if it has nothing more to do. It gives back the
// statement's place meanwhile, which the library's does not.
type Sleep struct{ expression.UnaryExpressionStub }

var (
	_ sql.Expression                 = (*Sleep)(nil)
	_ sql.NonDeterministicExpression = (*Sleep)(nil)
)

func (f *Sleep) String() string               { return "sleep(" + f.Child.String() + ")" }
func (f *Sleep) Type(*sql.Context) sql.Type   { return types.Int64 }
func (f *Sleep) IsNullable(*sql.Context) bool { return false }
func (f *Sleep) IsNonDeterministic() bool     { return true }

func (f *Sleep) WithChildren(_ *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	if len(ch) != 1 {
		return nil, sql.ErrInvalidChildrenNumber.New(f, len(ch), 1)
	}
	return &Sleep{expression.UnaryExpressionStub{Child: ch[0]}}, nil
}

// Eval implements sql.Expression.
func (f *Sleep) Eval(ctx *sql.Context, r sql.Row) (any, error) {
	v, err := f.Child.Eval(ctx, r)
	if err != nil {
		return nil, err
	}
	seconds := -1.0
	if v != nil {
		x, _, err := types.Float64.Convert(ctx, v)
		if err != nil {
			return nil, err
		}
		seconds = x.(float64)
	}
	if seconds < 0 {
		return nil, mysqlerr.New(mysqlerr.ER_WRONG_ARGUMENTS, "sleep")
	}
	const longest = 365 * 24 * 3600
	t := time.NewTimer(time.Duration(min(seconds, longest) * float64(time.Second)))
	defer t.Stop()
	w := wait.BeginAs(ctx, "User sleep")
	defer w.End()
	select {
	case <-t.C:
		return int64(0), nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}
