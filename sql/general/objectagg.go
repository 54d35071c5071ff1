package general

import (
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression/function/aggregation"
)

// JSON_OBJECTAGG ... OVER: the library's function loses its window, and its number, when its arguments change.

func init() {
	ownFunctions["json_objectagg"] = func(*Engine) sql.Function {
		return sql.Function2{Name: "json_objectagg", Fn: func(c *sql.Context, key, value sql.Expression) sql.Expression {
			return &objectAgg{JSONObjectAgg: aggregation.NewJSONObjectAgg(c, key, value).(*aggregation.JSONObjectAgg)}
		}}
	}
}

// objectAgg is JSON_OBJECTAGG(key, value), with a window or without.
type objectAgg struct {
	*aggregation.JSONObjectAgg
	over *sql.WindowDefinition
}

var _ sql.WindowAdaptableExpression = (*objectAgg)(nil)

func (o *objectAgg) Window() *sql.WindowDefinition { return o.over }

func (o *objectAgg) WithWindow(_ *sql.Context, over *sql.WindowDefinition) sql.WindowAdaptableExpression {
	return &objectAgg{o.JSONObjectAgg, over}
}

func (o *objectAgg) WithId(id sql.ColumnId) sql.IdExpression {
	return &objectAgg{o.JSONObjectAgg.WithId(id).(*aggregation.JSONObjectAgg), o.over}
}

func (o *objectAgg) String() string {
	if o.over == nil {
		return o.JSONObjectAgg.String()
	}
	return o.JSONObjectAgg.String() + " " + o.over.String()
}

func (o *objectAgg) Resolved() bool {
	for _, e := range o.Children() {
		if !e.Resolved() {
			return false
		}
	}
	return true
}

func (o *objectAgg) Children() []sql.Expression {
	return append(o.over.ToExpressions(), o.JSONObjectAgg.Children()...)
}

func (o *objectAgg) WithChildren(c *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	cut := len(o.over.ToExpressions())
	if len(ch) != cut+2 {
		return nil, sql.ErrInvalidChildrenNumber.New(o, len(ch), cut+2)
	}
	over, err := o.over.FromExpressions(c, ch[:cut])
	if err != nil {
		return nil, err
	}
	agg := aggregation.NewJSONObjectAgg(c, ch[cut], ch[cut+1]).(*aggregation.JSONObjectAgg)
	return &objectAgg{agg.WithId(o.Id()).(*aggregation.JSONObjectAgg), over}, nil
}

// NewWindowFunction implements sql.WindowAdaptableExpression.
func (o *objectAgg) NewWindowFunction(*sql.Context) (sql.WindowFunction, error) {
	framer, err := framerOf(o.over)
	return &frameSum{of: o, framer: framer}, err
}
