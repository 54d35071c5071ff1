package builtin

import (
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/expression/function"
	"github.com/dolthub/go-mysql-server/sql/types"
	"github.com/dolthub/vitess/go/sqltypes"

	"github.com/zoryadb/zorya/sql/datum"
	"github.com/zoryadb/zorya/sql/item"
	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/temporal"
)

// Functions of dates and times. What texts and numbers are which date, and what comes of dates, is package temporal's; here are the calls: they take
// their arguments (item.Argument, which warns of what is none), and give results MySQL's types and digits of a second.

// dateFunction is one of them.
type dateFunction struct {
	name        string
	least, most int // arguments
	typ         func(c *sql.Context, x *DateCall) sql.Type
	eval        func(c *sql.Context, x *DateCall, r sql.Row) (any, error)
}

// DateCall is a call of one.
type DateCall struct {
	expression.NaryExpression
	f    *dateFunction
	unit string // of an interval, or what EXTRACT takes
	sub  bool   // the interval is taken away
	// shown is the text of what the call stands for, by which the library knows columns and aggregates; "": its own.
	shown string
}

var (
	_ sql.FunctionExpression = (*DateCall)(nil)
	_ sql.CollationCoercible = (*DateCall)(nil)
)

// dateFunctions are the functions by name.
var dateFunctions = map[string]*dateFunction{}

func dated(f *dateFunction) {
	dateFunctions[f.name] = f
	Replaced[f.name] = sql.FunctionN{Name: f.name, Fn: func(_ *sql.Context, args ...sql.Expression) (sql.Expression, error) {
		if len(args) < f.least || len(args) > f.most {
			return nil, sql.ErrInvalidArgumentNumber.New(f.name, f.least, len(args))
		}
		return &DateCall{NaryExpression: expression.NaryExpression{ChildExpressions: args}, f: f}, nil
	}}
}

func fixedType(t sql.Type) func(*sql.Context, *DateCall) sql.Type {
	return func(*sql.Context, *DateCall) sql.Type { return t }
}

func (x *DateCall) FunctionName() string         { return x.f.name }
func (x *DateCall) Description() string          { return "a function of dates and times" }
func (x *DateCall) Type(c *sql.Context) sql.Type { return x.f.typ(c, x) }
func (x *DateCall) IsNullable(*sql.Context) bool { return true }
func (x *DateCall) IsNonDeterministic() bool     { return len(x.ChildExpressions) == 0 }
func (x *DateCall) arg(c *sql.Context, i int) *item.Argument {
	return item.NewArgument(c, x.ChildExpressions[i])
}
func (x *DateCall) Eval(c *sql.Context, r sql.Row) (any, error) { return x.f.eval(c, x, r) }

func (x *DateCall) CollationCoercibility(c *sql.Context) (sql.CollationID, byte) {
	if types.IsText(x.Type(c)) {
		return c.GetCollation(), 4
	}
	return sql.Collation_binary, 5
}

// ShownAs implements item's wish that what takes an operator's place keeps its text.
func (x *DateCall) ShownAs(text string) sql.Expression {
	n := *x
	n.shown = text
	return &n
}

func (x *DateCall) String() string {
	ch := x.ChildExpressions
	switch {
	case x.shown != "":
		return x.shown
	case x.f.name == "extract":
		return "extract('" + x.unit + "' from " + ch[0].String() + ")"
	case x.unit != "" && len(ch) == 2 && x.f.name != "timestampdiff":
		return x.f.name + "(" + ch[0].String() + ",INTERVAL " + ch[1].String() + " " + x.unit + ")"
	case x.unit != "":
		return callText(x.f.name, append([]sql.Expression{expression.NewLiteral(x.unit, types.LongText)}, ch...))
	}
	return callText(x.f.name, ch)
}

func (x *DateCall) WithChildren(_ *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	if len(ch) != len(x.ChildExpressions) {
		return nil, sql.ErrInvalidChildrenNumber.New(x, len(ch), len(x.ChildExpressions))
	}
	n := *x
	n.ChildExpressions = ch
	for i := range ch {
		if n.shown != "" && ch[i].String() != x.ChildExpressions[i].String() {
			n.shown = ""
		}
	}
	return &n, nil
}

// SecondDigits is how many digits of a second the result has, -1 if it is no time.
func (x *DateCall) SecondDigits(c *sql.Context) int {
	switch t := x.Type(c).(type) {
	case sql.DatetimeType:
		return t.Precision()
	default:
		if types.IsTimespan(t) {
			return spanCallDigits(c, x)
		}
	}
	return -1
}

// OfLibrary is a call that the planner makes without asking for the function; nil for others.
func OfLibrary(_ *sql.Context, e sql.Expression) sql.Expression {
	if x, ok := callOfLibrary(e).(*DateCall); ok {
		return x.ShownAs(e.String())
	}
	return nil
}

func callOfLibrary(e sql.Expression) sql.Expression {
	name, sub := "", false
	switch x := e.(type) {
	case *function.DateAdd:
		name = "date_add"
	case *function.DateSub:
		name, sub = "date_sub", true
	case *function.TimestampDiff:
		name = "timestampdiff"
	case *function.Extract:
		l, ok := x.LeftChild.(*expression.Literal)
		if !ok {
			return nil
		}
		unit, _ := l.Value().(string)
		return &DateCall{NaryExpression: expression.NaryExpression{ChildExpressions: []sql.Expression{x.RightChild}}, f: dateFunctions["extract"], unit: unit}
	default:
		return nil
	}
	ch := e.Children()
	if name == "timestampdiff" {
		l, ok := ch[0].(*expression.Literal)
		if !ok {
			return nil
		}
		unit, _ := l.Value().(string)
		return &DateCall{NaryExpression: expression.NaryExpression{ChildExpressions: ch[1:]}, f: dateFunctions[name], unit: unit}
	}
	by, ok := ch[1].(*expression.Interval)
	if !ok {
		return nil
	}
	return newShift(name, ch[0], by, sub)
}

// dateResult is a date or datetime as a row has it.
func dateResult(v temporal.Value, t sql.Type) (any, error) {
	if types.IsText(t) {
		digits := 0
		if v.Micro != 0 {
			digits = datum.Fraction
		}
		return v.Text(digits), nil
	}
	if t.Type() == sqltypes.Date {
		v.Kind, v.Hour, v.Minute, v.Second, v.Micro = temporal.Date, 0, 0, 0, 0
	}
	return v.Held(), nil
}

func overflow(c *sql.Context) (any, error) {
	c.Warn(int(mysqlerr.ER_DATETIME_FUNCTION_OVERFLOW), "Datetime function: datetime field overflow")
	return nil, nil
}

func datetimeType(digits int) sql.Type {
	return types.MustCreateDatetimeType(sqltypes.Datetime, min(max(digits, 0), datum.Fraction))
}
