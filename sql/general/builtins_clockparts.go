package general

import (
	"time"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/types"

	"github.com/zoryadb/zorya/sql/datum"
	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// clockPart is HOUR, MINUTE, SECOND or MICROSECOND: of a TIME, whose hours pass 23, as of a moment. The library's read moments only.
type clockPart struct {
	expression.UnaryExpressionStub
	name string
	of   func(micros int64) int64
}

func init() {
	for name, of := range map[string]func(int64) int64{
		"hour":        func(n int64) int64 { return n / 3600e6 },
		"minute":      func(n int64) int64 { return n / 60e6 % 60 },
		"second":      func(n int64) int64 { return n / 1e6 % 60 },
		"microsecond": func(n int64) int64 { return n % 1e6 },
	} {
		replaced[name] = sql.Function1{Name: name, Fn: func(_ *sql.Context, e sql.Expression) sql.Expression {
			return &clockPart{expression.UnaryExpressionStub{Child: e}, name, of}
		}}
	}
}

var _ sql.FunctionExpression = (*clockPart)(nil)
var _ sql.CollationCoercible = (*clockPart)(nil)

func (p *clockPart) FunctionName() string         { return p.name }
func (p *clockPart) Description() string          { return "a part of a time" }
func (p *clockPart) Type(*sql.Context) sql.Type   { return types.Int32 }
func (p *clockPart) IsNullable(*sql.Context) bool { return true }
func (p *clockPart) String() string               { return p.name + "(" + p.Child.String() + ")" }
func (p *clockPart) CollationCoercibility(*sql.Context) (sql.CollationID, byte) {
	return sql.Collation_binary, 5
}

func (p *clockPart) WithChildren(_ *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	if len(ch) != 1 {
		return nil, sql.ErrInvalidChildrenNumber.New(p, len(ch), 1)
	}
	return &clockPart{expression.UnaryExpressionStub{Child: ch[0]}, p.name, p.of}, nil
}

func (p *clockPart) Eval(c *sql.Context, r sql.Row) (any, error) {
	v, err := p.Child.Eval(c, r)
	if err != nil || v == nil {
		return nil, err
	}
	var at int64
	switch v := v.(type) {
	case types.Timespan:
		at = int64(v)
	case time.Time:
		at = v.Sub(time.Date(v.Year(), v.Month(), v.Day(), 0, 0, 0, 0, v.Location())).Microseconds()
	default:
		text := displayAny(c, v)
		span, res := datum.ReadSpan(text)
		if res != datum.SpanOK {
			c.Warn(int(mysqlerr.ER_TRUNCATED_WRONG_VALUE), "Truncated incorrect time value: '%s'", text)
		}
		if res == datum.SpanBad {
			return nil, nil
		}
		at = int64(span)
	}
	return int32(p.of(max(at, -at))), nil
}
