package windows

import (
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression/function/aggregation"

	"github.com/zoryadb/zorya/sql/builtin"
)

// JSON_OBJECTAGG ... OVER: the library's function loses its window, and its number, when its arguments change.

func init() {
	builtin.Lacking["json_objectagg"] = sql.Function2{Name: "json_objectagg", Fn: func(c *sql.Context, key, value sql.Expression) sql.Expression {
		return &ObjectAgg{JSONObjectAgg: aggregation.NewJSONObjectAgg(c, key, value).(*aggregation.JSONObjectAgg)}
	}}
}

// ObjectAgg is JSON_OBJECTAGG(key, value), with a window or without.
type ObjectAgg struct {
	*aggregation.JSONObjectAgg
	over *sql.WindowDefinition
}

var _ sql.WindowAdaptableExpression = (*ObjectAgg)(nil)

func (o *ObjectAgg) Window() *sql.WindowDefinition { return o.over }

func (o *ObjectAgg) WithWindow(_ *sql.Context, over *sql.WindowDefinition) sql.WindowAdaptableExpression {
	return &ObjectAgg{o.JSONObjectAgg, over}
}

func (o *ObjectAgg) WithId(id sql.ColumnId) sql.IdExpression {
	return &ObjectAgg{o.JSONObjectAgg.WithId(id).(*aggregation.JSONObjectAgg), o.over}
}

func (o *ObjectAgg) String() string {
	if o.over == nil {
		return o.JSONObjectAgg.String()
	}
	return o.JSONObjectAgg.String() + " " + o.over.String()
}

func (o *ObjectAgg) Resolved() bool {
	for _, e := range o.Children() {
		if !e.Resolved() {
			return false
		}
	}
	return true
}

func (o *ObjectAgg) Children() []sql.Expression {
	return append(o.over.ToExpressions(), o.JSONObjectAgg.Children()...)
}

func (o *ObjectAgg) WithChildren(c *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	cut := len(o.over.ToExpressions())
	if len(ch) != cut+2 {
		return nil, sql.ErrInvalidChildrenNumber.New(o, len(ch), cut+2)
	}
	over, err := o.over.FromExpressions(c, ch[:cut])
	if err != nil {
		return nil, err
	}
	agg := aggregation.NewJSONObjectAgg(c, ch[cut], ch[cut+1]).(*aggregation.JSONObjectAgg)
	return &ObjectAgg{agg.WithId(o.Id()).(*aggregation.JSONObjectAgg), over}, nil
}

// NewWindowFunction implements sql.WindowAdaptableExpression.
func (o *ObjectAgg) NewWindowFunction(*sql.Context) (sql.WindowFunction, error) {
	framer, err := framerOf(o.over)
	return &frameSum{of: o, framer: framer}, err
}
