package builtin

import (
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/types"

	"github.com/zoryadb/zorya/sql/datum"
)

// plainFunction adds a function of a fixed number of values that are not NULL; of NULL it is NULL.
func plainFunction(name string, args int, t sql.Type, f func(c *sql.Context, v []any) (any, error)) {
	Lacking[name] = sql.FunctionN{Name: name, Fn: func(_ *sql.Context, list ...sql.Expression) (sql.Expression, error) {
		if len(list) != args {
			return nil, sql.ErrInvalidArgumentNumber.New(name, args, len(list))
		}
		return &plainCall{NaryExpression: expression.NaryExpression{ChildExpressions: list}, name: name, t: t, f: f}, nil
	}}
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

func (p *plainCall) FunctionName() string { return p.name }

func (p *plainCall) Description() string { return "a function of values" }

func (p *plainCall) Type(*sql.Context) sql.Type { return p.t }

func (p *plainCall) IsNullable(*sql.Context) bool { return true }

func (p *plainCall) String() string { return callText(p.name, p.ChildExpressions) }

func (p *plainCall) IsNonDeterministic() bool { return strings.HasPrefix(p.name, "ps_") } // the session's, or the moment's

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
	n, _, err := datum.Round(c, types.Int64, v)
	if err != nil && !sql.ErrTruncatedIncorrect.Is(err) {
		return 0, err
	}
	i, _ := n.(int64)
	return i, nil
}
