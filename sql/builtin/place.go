package builtin

import (
	"slices"
	"strings"

	"github.com/cockroachdb/apd/v3"
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/types"
)

const PlaceFunction = "zorya_place" // (n, n1, ...): the function INTERVAL, whose name the parser takes for the beginning of a span of time

// intervalIndex is INTERVAL(n, n1, n2, ...): how many of the ascending n1, n2 ... are not above n; -1 for NULL.
type intervalIndex struct{ expression.NaryExpression }

func newIntervalIndex(c *sql.Context, args ...sql.Expression) (sql.Expression, error) {
	if len(args) < 2 {
		return nil, sql.ErrInvalidArgumentNumber.New("INTERVAL", "2 or more", len(args))
	}
	x := &intervalIndex{expression.NaryExpression{ChildExpressions: slices.Clone(args)}}
	for i, e := range args {
		if e.Resolved() && !types.IsNumber(e.Type(c)) { // a sum makes it a number as MySQL does, with its warnings
			x.ChildExpressions[i] = expression.NewPlus(e, expression.NewLiteral(int8(0), types.Int8))
		}
	}
	return x, nil
}

var _ sql.FunctionExpression = (*intervalIndex)(nil)

func (x *intervalIndex) FunctionName() string         { return PlaceFunction }
func (x *intervalIndex) Description() string          { return "the place of a number among ascending ones" }
func (x *intervalIndex) Type(*sql.Context) sql.Type   { return types.Int64 }
func (x *intervalIndex) IsNullable(*sql.Context) bool { return false }

func (x *intervalIndex) String() string {
	list := make([]string, len(x.ChildExpressions))
	for i, e := range x.ChildExpressions {
		list[i] = e.String()
	}
	return "interval(" + strings.Join(list, ",") + ")"
}

func (x *intervalIndex) WithChildren(c *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	return newIntervalIndex(c, ch...)
}

func (x *intervalIndex) Eval(c *sql.Context, r sql.Row) (any, error) {
	n, err := x.number(c, r, 0)
	if err != nil || n == nil {
		return int64(-1), err
	}
	for i := 1; i < len(x.ChildExpressions); i++ {
		limit, err := x.number(c, r, i)
		if err != nil {
			return nil, err
		}
		if limit != nil && n.Cmp(limit) < 0 {
			return int64(i - 1), nil
		}
	}
	return int64(len(x.ChildExpressions) - 1), nil
}

// number is the value of an argument; nil for NULL.
func (x *intervalIndex) number(c *sql.Context, r sql.Row, i int) (*apd.Decimal, error) {
	v, err := x.ChildExpressions[i].Eval(c, r)
	if err != nil || v == nil {
		return nil, err
	}
	d, _, err := types.InternalDecimalType.Convert(c, v)
	if err != nil {
		return nil, err
	}
	n, _ := d.(*apd.Decimal)
	return n, nil
}
