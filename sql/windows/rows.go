package windows

import (
	"fmt"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/expression/function/aggregation"
	"github.com/dolthub/go-mysql-server/sql/expression/function/aggregation/window"
	"github.com/dolthub/go-mysql-server/sql/planbuilder"
	"github.com/dolthub/go-mysql-server/sql/transform"
	"github.com/dolthub/go-mysql-server/sql/types"

	"github.com/zoryadb/zorya/sql/builtin"
	"github.com/zoryadb/zorya/sql/datum"
	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// NTH_VALUE and CUME_DIST: the library's grammar has them, the library itself does not. BIT_AND, BIT_OR and BIT_XOR it has, but takes for aggregates
// of groups only.

func init() {
	builtin.Lacking["nth_value"] = sql.FunctionN{Name: "nth_value", Fn: newNthValue}
	builtin.Lacking["cume_dist"] = sql.NewFunction0("cume_dist", func(*sql.Context) sql.Expression { return &rowFunction{name: "cume_dist"} })
	library := planbuilder.IsWindowFunc
	planbuilder.IsWindowFunc = func(c *sql.Context, name string) (bool, error) {
		switch name {
		case "nth_value", "cume_dist", "bit_and", "bit_or", "bit_xor", "json_objectagg":
			return true, nil
		}
		return library(c, name)
	}
}

// rowFunction is NTH_VALUE(expr, n) or CUME_DIST() with its OVER clause.
type rowFunction struct {
	name string
	args []sql.Expression // none, or expr and n
	over *sql.WindowDefinition
	id   sql.ColumnId
}

var _ sql.WindowAggregation = (*rowFunction)(nil)

// PicksFrom is what NTH_VALUE gives one of the values of, nil of CUME_DIST.
func (f *rowFunction) PicksFrom() sql.Expression {
	if len(f.args) == 0 {
		return nil
	}
	return f.args[0]
}

// newNthValue returns a function beside an error too: the library asks it what it is before it looks at the error.
func newNthValue(c *sql.Context, args ...sql.Expression) (sql.Expression, error) {
	f := &rowFunction{name: "nth_value", args: args}
	if len(args) != 2 {
		return f, mysqlerr.New(mysqlerr.ER_WRONG_PARAMCOUNT_TO_NATIVE_FCT, f.name)
	}
	fixed := true
	transform.InspectExpr(c, args[1], func(_ *sql.Context, e sql.Expression) bool {
		switch e.(type) {
		case *expression.GetField, sql.ExpressionWithNodes:
			fixed = false
		}
		return !fixed
	})
	if !fixed {
		return f, mysqlerr.New(mysqlerr.ER_WRONG_ARGUMENTS, f.name)
	}
	if _, literal := args[1].(*expression.Literal); literal {
		_, err := f.nth(c)
		return f, err
	}
	return f, nil
}

// nth is the row that NTH_VALUE asks for, counted from 1.
func (f *rowFunction) nth(c *sql.Context) (int, error) {
	v, err := f.args[1].Eval(c, nil)
	if err != nil {
		return 0, err
	}
	n, ok := int64(0), false
	if types.IsInteger(f.args[1].Type(c)) || types.IsDeferredType(f.args[1].Type(c)) {
		n, ok = datum.Whole(v)
	}
	if !ok || n < 1 {
		return 0, mysqlerr.New(mysqlerr.ER_WRONG_ARGUMENTS, f.name)
	}
	return int(n), nil
}

func (f *rowFunction) FunctionName() string { return f.name }
func (f *rowFunction) Description() string  { return "a window function" }

func (f *rowFunction) Type(c *sql.Context) sql.Type {
	if len(f.args) > 0 {
		return f.args[0].Type(c)
	}
	return types.Float64
}

// CollationCoercibility implements sql.CollationCoercible.
func (f *rowFunction) CollationCoercibility(c *sql.Context) (sql.CollationID, byte) {
	if len(f.args) > 0 {
		return sql.GetCoercibility(c, f.args[0])
	}
	return sql.Collation_binary, 5
}

func (f *rowFunction) IsNullable(*sql.Context) bool { return len(f.args) > 0 }
func (f *rowFunction) Resolved() bool               { return expression.ExpressionsResolved(f.Children()...) }
func (f *rowFunction) Children() []sql.Expression {
	return append(f.over.ToExpressions(), f.args...)
}

func (f *rowFunction) String() string {
	list := make([]string, len(f.args))
	for i, a := range f.args {
		list[i] = a.String()
	}
	text := fmt.Sprintf("%s(%s)", f.name, strings.Join(list, ", "))
	if f.over != nil {
		text += " " + f.over.String()
	}
	return text
}

func (f *rowFunction) Eval(*sql.Context, sql.Row) (any, error) {
	return nil, sql.ErrWindowUnsupported.New(f.name)
}

func (f *rowFunction) WithChildren(c *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	if want := f.over.ExpressionsLen() + len(f.args); len(ch) != want {
		return nil, sql.ErrInvalidChildrenNumber.New(f, len(ch), want)
	}
	cut := len(ch) - len(f.args)
	over, err := f.over.FromExpressions(c, ch[:cut])
	if err != nil {
		return nil, err
	}
	n := *f
	n.over, n.args = over, ch[cut:]
	return &n, nil
}

func (f *rowFunction) Id() sql.ColumnId { return f.id }
func (f *rowFunction) WithId(id sql.ColumnId) sql.IdExpression {
	n := *f
	n.id = id
	return &n
}

func (f *rowFunction) Window() *sql.WindowDefinition { return f.over }
func (f *rowFunction) WithWindow(_ *sql.Context, over *sql.WindowDefinition) sql.WindowAdaptableExpression {
	n := *f
	n.over = over
	return &n
}

// NewWindowFunction implements sql.WindowAdaptableExpression.
func (f *rowFunction) NewWindowFunction(c *sql.Context) (sql.WindowFunction, error) {
	if len(f.args) == 0 { // whatever frame the window has, CUME_DIST looks at the partition
		return &cumeDist{framer: &upToPeers{peers: aggregation.NewPeerGroupFramer(f.over.OrderBy.ToExpressions())}}, nil
	}
	n, err := f.nth(c)
	if err != nil {
		return nil, err
	}
	framer, err := framerOf(f.over)
	return &frameRow{of: f.args[0], nth: n, framer: framer}, err
}

// frameRow takes a value from one row of each frame; NULL if the frame is shorter.
type frameRow struct {
	of     sql.Expression
	nth    int // from 1; 0: the last one
	framer sql.WindowFramer
}

// newFrameRow is FIRST_VALUE or LAST_VALUE; nil for other functions.
func newFrameRow(e sql.WindowAdaptableExpression) (sql.WindowFunction, error) {
	switch e := e.(type) {
	case *window.FirstValue:
		framer, err := framerOf(e.Window())
		return &frameRow{of: e.Child, nth: 1, framer: framer}, err
	case *window.LastValue:
		framer, err := framerOf(e.Window())
		return &frameRow{of: e.Child, framer: framer}, err
	}
	return nil, nil
}

func (f *frameRow) DefaultFramer() sql.WindowFramer { return f.framer }
func (f *frameRow) Dispose(*sql.Context)            {}
func (f *frameRow) StartPartition(*sql.Context, sql.WindowInterval, sql.WindowBuffer) error {
	return nil
}

func (f *frameRow) Compute(c *sql.Context, frame sql.WindowInterval, rows sql.WindowBuffer) (any, error) {
	size := frame.End - frame.Start
	n := f.nth
	if n == 0 {
		n = size
	}
	if size < 1 || n > size {
		return nil, nil
	}
	return f.of.Eval(c, rows[frame.Start+n-1])
}

// cumeDist is the part of the partition's rows that come no later than the row's peers.
type cumeDist struct {
	framer sql.WindowFramer
	rows   int // of the partition
}

func (d *cumeDist) DefaultFramer() sql.WindowFramer { return d.framer }
func (d *cumeDist) Dispose(*sql.Context)            {}
func (d *cumeDist) StartPartition(_ *sql.Context, p sql.WindowInterval, _ sql.WindowBuffer) error {
	d.rows = p.End - p.Start
	return nil
}

func (d *cumeDist) Compute(_ *sql.Context, upTo sql.WindowInterval, _ sql.WindowBuffer) (any, error) {
	if d.rows == 0 {
		return nil, nil
	}
	return float64(upTo.End-upTo.Start) / float64(d.rows), nil
}
