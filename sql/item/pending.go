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

// NewPending is a call of GREATEST, LEAST, LOCATE, POSITION, INSTR, FIND_IN_SET, REPLACE or QUOTE.
func NewPending(name string, args []sql.Expression) sql.Expression {
	return &pending{expression.NaryExpression{ChildExpressions: args}, strings.ToLower(name)}
}

func (p *pending) FunctionName() string         { return p.name }
func (p *pending) Description() string          { return "a function of MySQL's own rules" }
func (p *pending) IsNullable(*sql.Context) bool { return true }

// call is the function of its arguments as they are, nil if it is not known yet what it computes.
func (p *pending) call(c *sql.Context) (sql.Expression, error) {
	for _, e := range p.ChildExpressions {
		if opaque(e) {
			return nil, nil
		}
	}
	switch p.name {
	case "greatest", "least":
		sign := 1
		if p.name == "least" {
			sign = -1
		}
		x, err := newExtreme(c, &Env{}, sign, p.String(), p.ChildExpressions)
		return some(x, x != nil, err)
	case "quote":
		y, err := newTextual(c, &Env{}, p.name, p.String(), p.ChildExpressions)
		return some(y, y != nil, err)
	default:
		y, err := newSearching(c, &Env{}, p.name, p.String(), p.ChildExpressions)
		return some(y, y != nil, err)
	}
}

func (p *pending) String() string {
	list := make([]string, len(p.ChildExpressions))
	for i, e := range p.ChildExpressions {
		list[i] = e.String()
	}
	return p.name + "(" + strings.Join(list, ",") + ")"
}

func (p *pending) Type(c *sql.Context) sql.Type {
	x, err := p.call(c)
	switch {
	case x != nil && err == nil:
		return x.Type(c)
	case p.name == "greatest" || p.name == "least" || p.name == "replace" || p.name == "quote":
		return types.LongText
	}
	return types.Int64
}

// Eval implements sql.Expression, for what is computed before it is given types: defaults, checks, generated columns.
func (p *pending) Eval(c *sql.Context, r sql.Row) (any, error) {
	x, err := p.call(c)
	if err != nil {
		return nil, err
	}
	if x == nil {
		return nil, sql.ErrInvalidType.New(p.String())
	}
	return x.Eval(c, r)
}

func (p *pending) WithChildren(_ *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	return &pending{expression.NaryExpression{ChildExpressions: ch}, p.name}, nil
}
