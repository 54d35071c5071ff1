package builtin

import (
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/types"

	"github.com/zoryadb/zorya/sql/datum"
	"github.com/zoryadb/zorya/sql/locale"
	"github.com/zoryadb/zorya/sql/temporal"
)

// datePart is a function of one date; ok is false where it is NULL.
func datePart(name string, t sql.Type, flags temporal.Flags, of func(v temporal.Value) (out any, ok bool)) {
	dated(&dateFunction{name: name, least: 1, most: 1, typ: fixedType(t), eval: func(c *sql.Context, x *DateCall, r sql.Row) (any, error) {
		v, _, ok, err := x.arg(c, 0).Date(c, r, flags)
		if err != nil || !ok {
			return nil, err
		}
		out, ok := of(v)
		if !ok {
			return nil, nil
		}
		if day, dated := out.(temporal.Value); dated {
			return dateResult(day, t)
		}
		return out, nil
	}})
}

// clockPart is a function of one time.
func clockPart(name string, of func(v temporal.Value) any) {
	dated(&dateFunction{name: name, least: 1, most: 1, typ: fixedType(types.Int32), eval: func(c *sql.Context, x *DateCall, r sql.Row) (any, error) {
		v, ok, err := x.arg(c, 0).Time(c, r)
		if err != nil || !ok {
			return nil, err
		}
		return of(v), nil
	}})
}

func dayNumber(v temporal.Value) int64 { return temporal.DayNumber(v.Year, v.Month, v.Day) }

func init() {
	number := func(name string, flags temporal.Flags, of func(v temporal.Value) int) {
		datePart(name, types.Int32, flags, func(v temporal.Value) (any, bool) { return int32(of(v)), true })
	}
	number("year", temporal.Fuzzy, func(v temporal.Value) int { return v.Year })
	number("month", temporal.Fuzzy, func(v temporal.Value) int { return v.Month })
	number("day", temporal.Fuzzy, func(v temporal.Value) int { return v.Day })
	number("dayofmonth", temporal.Fuzzy, func(v temporal.Value) int { return v.Day })
	number("quarter", temporal.Fuzzy, func(v temporal.Value) int { return (v.Month + 2) / 3 })
	number("dayofweek", temporal.NoZero, func(v temporal.Value) int { return temporal.Weekday(dayNumber(v), true) + 1 })
	number("weekday", temporal.NoZero, func(v temporal.Value) int { return temporal.Weekday(dayNumber(v), false) })
	number("dayofyear", temporal.NoZero, func(v temporal.Value) int { return int(dayNumber(v)-temporal.DayNumber(v.Year, 1, 1)) + 1 })
	number("weekofyear", temporal.NoZero, func(v temporal.Value) int {
		n, _ := v.Week(temporal.MondayFirst | temporal.WeekYear)
		return n
	})
	named := func(name string, flags temporal.Flags, of func(v temporal.Value, l *locale.Locale) (any, error)) {
		dated(&dateFunction{name: name, least: 1, most: 1, typ: fixedType(types.Text), eval: func(c *sql.Context, x *DateCall, r sql.Row) (any, error) {
			v, _, ok, err := x.arg(c, 0).Date(c, r, flags)
			if err != nil || !ok {
				return nil, err
			}
			return of(v, sessionLocale(c))
		}})
	}
	named("dayname", temporal.NoZero, func(v temporal.Value, l *locale.Locale) (any, error) {
		return l.Day(temporal.Weekday(dayNumber(v), false)), nil
	})
	named("monthname", temporal.Fuzzy, func(v temporal.Value, l *locale.Locale) (any, error) {
		if v.Month == 0 {
			return nil, nil
		}
		return l.Month(v.Month), nil
	})
	datePart("to_days", types.Int64, temporal.NoZero, func(v temporal.Value) (any, bool) { return dayNumber(v), true })
	datePart("to_seconds", types.Int64, temporal.NoZero, func(v temporal.Value) (any, bool) { return v.Moment() / 1e6, true })
	datePart("date", types.Date, temporal.Fuzzy, func(v temporal.Value) (any, bool) { return v, true })
	datePart("last_day", types.Date, temporal.Fuzzy, func(v temporal.Value) (any, bool) {
		if v.Month == 0 {
			return nil, false
		}
		v.Day = temporal.DaysInMonth(v.Year, v.Month)
		return v, true
	})
	clockPart("hour", func(v temporal.Value) any { return int32(v.Hour) })
	clockPart("minute", func(v temporal.Value) any { return int32(v.Minute) })
	clockPart("second", func(v temporal.Value) any { return int32(v.Second) })
	clockPart("microsecond", func(v temporal.Value) any { return int32(v.Micro) })
	clockPart("time_to_sec", func(v temporal.Value) any { return int32(v.Span() / 1e6) })
	for _, name := range []string{"week", "yearweek"} {
		dated(&dateFunction{name: name, least: 1, most: 2, typ: fixedType(types.Int32), eval: weekOf})
	}
	dated(&dateFunction{name: "extract", least: 2, most: 2, typ: fixedType(types.Int64), eval: extracted})
	Replaced["extract"] = sql.Function2{Name: "extract", Fn: func(_ *sql.Context, unit, e sql.Expression) sql.Expression {
		u := ""
		if l, ok := unit.(*expression.Literal); ok {
			u, _ = l.Value().(string)
		}
		return &DateCall{NaryExpression: expression.NaryExpression{ChildExpressions: []sql.Expression{e}}, f: dateFunctions["extract"], unit: strings.ToUpper(u)}
	}}
	dated(&dateFunction{name: "date_format", least: 2, most: 2, typ: fixedType(types.Text), eval: func(c *sql.Context, x *DateCall, r sql.Row) (any, error) {
		v, _, ok, err := x.arg(c, 0).Date(c, r, temporal.Fuzzy)
		if err != nil || !ok {
			return nil, err
		}
		return formatted(c, x, r, v)
	}})
	dated(&dateFunction{name: "time_format", least: 2, most: 2, typ: fixedType(types.Text), eval: func(c *sql.Context, x *DateCall, r sql.Row) (any, error) {
		v, ok, err := x.arg(c, 0).Time(c, r)
		if err != nil || !ok {
			return nil, err
		}
		return formatted(c, x, r, temporal.Value{Hour: v.Hour, Minute: v.Minute, Second: v.Second, Micro: v.Micro, Neg: v.Neg, Kind: temporal.Time})
	}})
}

// sessionLocale is that of @@lc_time_names.
func sessionLocale(c *sql.Context) *locale.Locale {
	if v, err := c.GetSessionVariable(c, "lc_time_names"); err == nil {
		if name, ok := v.(string); ok {
			if l := locale.Find(name); l != nil {
				return l
			}
		}
	}
	return locale.English()
}

func formatted(c *sql.Context, x *DateCall, r sql.Row, v temporal.Value) (any, error) {
	format, null, err := x.arg(c, 1).Text(c, r)
	if err != nil || null || format == "" {
		return nil, err
	}
	if out, ok := v.Format(format, sessionLocale(c)); ok {
		return out, nil
	}
	return nil, nil
}

// weekOf is WEEK and YEARWEEK. Without a mode, WEEK's is @@default_week_format, YEARWEEK's 0.
func weekOf(c *sql.Context, x *DateCall, r sql.Row) (any, error) {
	v, _, ok, err := x.arg(c, 0).Date(c, r, temporal.NoZero)
	if err != nil || !ok {
		return nil, err
	}
	var mode int64
	switch {
	case len(x.ChildExpressions) == 2: // NULL is 0
		if mode, _, err = x.arg(c, 1).Integer(c, r); err != nil {
			return nil, err
		}
	case x.f.name == "week":
		d, err := c.GetSessionVariable(c, "default_week_format")
		if err != nil {
			return nil, err
		}
		mode, _ = datum.Integer(d)
	}
	how := temporal.WeekMode(mode)
	if x.f.name == "week" {
		n, _ := v.Week(how)
		return int32(n), nil
	}
	n, year := v.Week(how | temporal.WeekYear)
	return int32(year*100 + n), nil
}

// extracted is EXTRACT(unit FROM time).
func extracted(c *sql.Context, x *DateCall, r sql.Row) (any, error) {
	a := x.arg(c, 0)
	if temporal.DayUnit(x.unit) {
		v, _, ok, err := a.Date(c, r, temporal.Fuzzy)
		if err != nil || !ok {
			return nil, err
		}
		switch x.unit {
		case "YEAR":
			return int64(v.Year), nil
		case "YEAR_MONTH":
			return int64(v.Year*100 + v.Month), nil
		case "QUARTER":
			return int64((v.Month + 2) / 3), nil
		case "MONTH":
			return int64(v.Month), nil
		case "WEEK":
			d, err := c.GetSessionVariable(c, "default_week_format")
			if err != nil {
				return nil, err
			}
			mode, _ := datum.Integer(d)
			n, _ := v.Week(temporal.WeekMode(mode))
			return int64(n), nil
		}
		return int64(v.Day), nil
	}
	v, ok, err := a.Time(c, r)
	if err != nil || !ok {
		return nil, err
	}
	return partsOf(v, x.unit), nil
}

// partsOf are the parts of a time that a unit names, behind each other as digits. The days of a Time count as hours.
func partsOf(v temporal.Value, unit string) int64 {
	first, last, composite := strings.Cut(unit, "_")
	if !composite {
		last = first
	}
	var n int64
	within := false
	for _, p := range []struct {
		name  string
		value int
		worth int64
	}{{"DAY", v.Day, 1}, {"HOUR", v.Hour, 100}, {"MINUTE", v.Minute, 100}, {"SECOND", v.Second, 100}, {"MICROSECOND", v.Micro, 1e6}} {
		if within = within || p.name == first; !within {
			continue
		}
		n = n*p.worth + int64(p.value)
		if p.name == last {
			break
		}
	}
	if v.Neg {
		n = -n
	}
	return n
}
