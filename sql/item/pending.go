package item

import (
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/types"
)

// pending is a call of a function that only this package computes, until its arguments have their types.
type pending struct {
	expression.NaryExpression
	name string
}

var _ sql.FunctionExpression = (*pending)(nil)

// NewPending is a call of GREATEST or LEAST.
func NewPending(name string, args []sql.Expression) sql.Expression {
	return &pending{expression.NaryExpression{ChildExpressions: args}, strings.ToLower(name)}
}

func (p *pending) FunctionName() string         { return p.name }
func (p *pending) Description() string          { return "the largest or smallest argument" }
func (p *pending) IsNullable(*sql.Context) bool { return true }

func (p *pending) sign() int {
	if p.name == "least" {
		return -1
	}
	return 1
}

func (p *pending) String() string {
	list := make([]string, len(p.ChildExpressions))
	for i, e := range p.ChildExpressions {
		list[i] = e.String()
	}
	return p.name + "(" + strings.Join(list, ",") + ")"
}

func (p *pending) Type(c *sql.Context) sql.Type {
	for _, e := range p.ChildExpressions {
		if opaque(e) {
			return types.LongText
		}
	}
	if x := newExtreme(c, &Env{}, p.sign(), "", p.ChildExpressions); x != nil {
		return x.is.typ
	}
	return types.LongText
}

// Eval implements sql.Expression, for what is computed before it is given types: defaults, checks, generated columns.
func (p *pending) Eval(c *sql.Context, r sql.Row) (any, error) {
	x := newExtreme(c, &Env{}, p.sign(), p.String(), p.ChildExpressions)
	if x == nil {
		return nil, sql.ErrInvalidType.New(p.String())
	}
	return x.Eval(c, r)
}

func (p *pending) WithChildren(_ *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	return &pending{expression.NaryExpression{ChildExpressions: ch}, p.name}, nil
}
