package exact

import (
	"time"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/types"

	"github.com/zoryadb/zorya/sql/datum"
	"github.com/zoryadb/zorya/sql/temporal"
)

// Dates that the calendar lacks are time.Times which the library's types neither convert nor order (package temporal). Where it does that to the keys of joins and
// windows, and to what UPDATE assigns, these stand for them.

// dated reports whether e is a DATE, DATETIME or TIMESTAMP.
func dated(c *sql.Context, e sql.Expression) bool {
	_, ok := e.Type(c).(sql.DatetimeType)
	return ok
}

// packedDate is a date as a number, by which joins hash.
type packedDate struct{ expression.UnaryExpressionStub }

func (p *packedDate) Type(*sql.Context) sql.Type { return types.Int64 }
func (p *packedDate) String() string             { return p.Child.String() }

func (p *packedDate) WithChildren(_ *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	if len(ch) != 1 {
		return nil, sql.ErrInvalidChildrenNumber.New(p, len(ch), 1)
	}
	return &packedDate{expression.UnaryExpressionStub{Child: ch[0]}}, nil
}

func (p *packedDate) Eval(c *sql.Context, r sql.Row) (any, error) {
	v, err := p.Child.Eval(c, r)
	if t, ok := v.(time.Time); ok && err == nil {
		return temporal.OfHeld(t).Packed(), nil
	}
	return v, err
}

// orderedDate is a date whose type orders all of them, by which windows are ordered.
type orderedDate struct{ expression.UnaryExpressionStub }

func (o *orderedDate) Type(c *sql.Context) sql.Type { return datum.Ordered(o.Child.Type(c)) }
func (o *orderedDate) String() string               { return o.Child.String() }

func (o *orderedDate) WithChildren(_ *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	if len(ch) != 1 {
		return nil, sql.ErrInvalidChildrenNumber.New(o, len(ch), 1)
	}
	return &orderedDate{expression.UnaryExpressionStub{Child: ch[0]}}, nil
}

func (o *orderedDate) Eval(c *sql.Context, r sql.Row) (any, error) { return o.Child.Eval(c, r) }

// AssignedDate is an assignment to a column that takes all dates, nil for any other.
func AssignedDate(e *expression.SetField) sql.Expression {
	f, ok := e.LeftChild.(*expression.GetField)
	if !ok {
		return nil
	}
	t, ok := f.Type(nil).(sql.DatetimeType)
	if !ok {
		return nil
	}
	to := expression.NewGetFieldWithTable(f.Index(), int(f.TableId()), datum.Ordered(t), f.Database(), f.Table(), f.Name(), f.IsNullable(nil))
	return expression.NewSetField(to.WithId(f.Id()).(*expression.GetField).WithIndex(f.Index()), e.RightChild)
}
