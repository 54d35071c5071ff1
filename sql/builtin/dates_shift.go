package builtin

import (
	"fmt"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/types"
	"github.com/dolthub/vitess/go/sqltypes"

	"github.com/zoryadb/zorya/sql/datum"
	"github.com/zoryadb/zorya/sql/item"
	"github.com/zoryadb/zorya/sql/temporal"
)

// DATE_ADD and its like, TIMESTAMPADD among them, TIMESTAMPDIFF and DATEDIFF.

func init() {
	for name, sub := range map[string]bool{"date_add": false, "adddate": false, "date_sub": true, "subdate": true} {
		canonical := map[bool]string{false: "date_add", true: "date_sub"}[sub]
		dateFunctions[name] = &dateFunction{name: canonical, least: 2, most: 2, typ: shiftType, eval: shift}
		Replaced[name] = sql.FunctionN{Name: name, Fn: func(_ *sql.Context, args ...sql.Expression) (sql.Expression, error) {
			if len(args) != 2 {
				return nil, sql.ErrInvalidArgumentNumber.New(name, 2, len(args))
			}
			by, ok := args[1].(*expression.Interval)
			switch {
			case ok:
			case strings.HasSuffix(name, "date"): // ADDDATE(d, days)
				by = expression.NewInterval(args[1], "DAY")
			default:
				return nil, fmt.Errorf("%s expects an interval", name)
			}
			return newShift(canonical, args[0], by, sub), nil
		}}
	}
	dated(&dateFunction{name: "timestampdiff", least: 3, most: 3, typ: fixedType(types.Int64), eval: func(c *sql.Context, x *DateCall, r sql.Row) (any, error) {
		a, b, ok, err := x.twoDates(c, r)
		if err != nil || !ok {
			return nil, err
		}
		return temporal.Between(x.unit, a, b), nil
	}})
	delete(Replaced, "timestampdiff") // the grammar has it
	dated(&dateFunction{name: "datediff", least: 2, most: 2, typ: fixedType(types.Int64), eval: func(c *sql.Context, x *DateCall, r sql.Row) (any, error) {
		a, b, ok, err := x.twoDates(c, r)
		if err != nil || !ok {
			return nil, err
		}
		return dayNumber(a) - dayNumber(b), nil
	}})
}

func newShift(name string, at sql.Expression, by *expression.Interval, sub bool) sql.Expression {
	return &DateCall{NaryExpression: expression.NaryExpression{ChildExpressions: []sql.Expression{at, by.Child}}, f: dateFunctions[name],
		unit: strings.ToUpper(by.Unit), sub: sub}
}

func (x *DateCall) twoDates(c *sql.Context, r sql.Row) (a, b temporal.Value, ok bool, err error) {
	if a, _, ok, err = x.arg(c, 0).Date(c, r, temporal.NoZero); err != nil || !ok {
		return a, b, false, err
	}
	b, _, ok, err = x.arg(c, 1).Date(c, r, temporal.NoZero)
	return a, b, ok, err
}

// shiftType: a DATETIME stays one, a DATE unless the interval has parts of a day, a TIME if it has no parts but such; all else is text.
func shiftType(c *sql.Context, x *DateCall) sql.Type {
	by := 0
	switch x.unit {
	case "MICROSECOND":
		by = datum.Fraction
	case "SECOND":
		if n := x.arg(c, 1); n.Kind != item.Null {
			by = n.Digits(c)
		}
		if item.Of(c, x.ChildExpressions[1]).Kind == item.String {
			by = datum.Fraction
		}
	}
	a := x.arg(c, 0)
	switch a.Kind {
	case item.Datetime:
		return datetimeType(max(a.Digits(c), by))
	case item.Date:
		if temporal.DayUnit(x.unit) {
			return types.Date
		}
		return datetimeType(by)
	case item.Time:
		if temporal.DayUnit(x.unit) {
			return datetimeType(max(a.Digits(c), by))
		}
		return types.Time
	}
	return types.Text
}

// amount is how long the interval is; ok is false for NULL.
func (x *DateCall) amount(c *sql.Context, r sql.Row) (iv temporal.Interval, ok bool, err error) {
	by := x.arg(c, 1)
	if x.unit == "SECOND" && (by.Kind == item.Decimal || by.Kind == item.Real || by.Kind == item.String) {
		d, err := by.Decimal(c, r)
		if err != nil || d == nil {
			return iv, false, err
		}
		sec, micro := item.Split(d)
		iv = temporal.IntervalOf(x.unit, sec, micro)
	} else {
		n, null, err := by.Integer(c, r)
		if err != nil || null {
			return iv, false, err
		}
		iv = temporal.IntervalOf(x.unit, n, 0)
	}
	if x.sub {
		iv.Neg = !iv.Neg
	}
	return iv, true, nil
}

func shift(c *sql.Context, x *DateCall, r sql.Row) (any, error) {
	t := x.Type(c)
	if types.IsTimespan(t) {
		v, ok, err := x.arg(c, 0).Time(c, r)
		if err != nil || !ok {
			return nil, err
		}
		iv, ok, err := x.amount(c, r)
		if err != nil || !ok {
			return nil, err
		}
		by, fits := iv.Span()
		out := v.Span() + by
		if !fits || max(out, -out) > temporal.MaxSeconds*1e6 {
			return overflow(c)
		}
		return types.Timespan(out), nil
	}
	v, _, ok, err := x.arg(c, 0).Date(c, r, temporal.NoZero)
	if err != nil || !ok {
		return nil, err
	}
	iv, ok, err := x.amount(c, r)
	if err != nil || !ok {
		return nil, err
	}
	out, ok := v.Add(iv, x.unit)
	if !ok {
		return overflow(c)
	}
	if t.Type() == sqltypes.Datetime {
		out.Kind = temporal.Datetime
	}
	return dateResult(out, t)
}
