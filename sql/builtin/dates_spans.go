package builtin

import (
	"time"

	"github.com/cockroachdb/apd/v3"
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/types"

	"github.com/zoryadb/zorya/sql/datum"
	"github.com/zoryadb/zorya/sql/item"
	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/temporal"
)

// Functions that make times, add them to others, and take them from each other.

func init() {
	for name, sub := range map[string]bool{"addtime": false, "subtime": true} {
		f := &dateFunction{name: name, least: 2, most: 2, typ: addedType, eval: added}
		dateFunctions[name] = f
		Lacking[name] = sql.Function2{Name: name, Fn: func(_ *sql.Context, a, b sql.Expression) sql.Expression {
			return &DateCall{NaryExpression: expression.NaryExpression{ChildExpressions: []sql.Expression{a, b}}, f: f, sub: sub}
		}}
	}
	dated(&dateFunction{name: "timestamp", least: 1, most: 2, typ: func(c *sql.Context, x *DateCall) sql.Type {
		digits := x.arg(c, 0).Digits(c)
		if len(x.ChildExpressions) == 2 {
			digits = max(digits, x.arg(c, 1).Digits(c))
		}
		return datetimeType(digits)
	}, eval: timestampOf})
	dated(&dateFunction{name: "time", least: 1, most: 1, typ: fixedType(types.Time), eval: func(c *sql.Context, x *DateCall, r sql.Row) (any, error) {
		v, ok, err := x.arg(c, 0).Time(c, r)
		if err != nil || !ok {
			return nil, err
		}
		return types.Timespan(v.Span()), nil
	}})
	dated(&dateFunction{name: "timediff", least: 2, most: 2, typ: fixedType(types.Time), eval: timeDiff})
	dated(&dateFunction{name: "sec_to_time", least: 1, most: 1, typ: fixedType(types.Time), eval: func(c *sql.Context, x *DateCall, r sql.Row) (any, error) {
		a := x.arg(c, 0)
		d, err := a.Decimal(c, r)
		if err != nil || d == nil {
			return nil, err
		}
		sec, micro := item.Split(d)
		if sec > temporal.MaxSeconds || sec < -temporal.MaxSeconds {
			s, _, err := a.Text(c, r)
			if err != nil {
				return nil, err
			}
			return tooLong(c, s, d.Negative), nil
		}
		return clip(c, sec*1e6+micro), nil
	}})
	ownDated(&dateFunction{name: "maketime", least: 3, most: 3, typ: fixedType(types.Time), eval: madeTime})
	ownDated(&dateFunction{name: "makedate", least: 2, most: 2, typ: fixedType(types.Date), eval: func(c *sql.Context, x *DateCall, r sql.Row) (any, error) {
		y, null, err := x.arg(c, 0).Integer(c, r)
		if err != nil || null {
			return nil, err
		}
		d, null, err := x.arg(c, 1).Integer(c, r)
		if err != nil || null || y < 0 || y > 9999 || d <= 0 || d > temporal.LastDay {
			return nil, err
		}
		n := temporal.DayNumber(temporal.YearOf2(int(y)), 1, 1) + d - 1
		if n > temporal.LastDay {
			return nil, nil
		}
		return dayResult(n)
	}})
	dated(&dateFunction{name: "from_days", least: 1, most: 1, typ: fixedType(types.Date), eval: func(c *sql.Context, x *DateCall, r sql.Row) (any, error) {
		n, null, err := x.arg(c, 0).Integer(c, r)
		if err != nil || null {
			return nil, err
		}
		if n < 0 || n > temporal.LastDay {
			n = 0
		}
		return dayResult(n)
	}})
}

// ownDated is dated, of functions that the library lacks.
func ownDated(f *dateFunction) {
	dated(f)
	made := Replaced[f.name]
	delete(Replaced, f.name)
	Lacking[f.name] = made
}

func dayResult(n int64) (any, error) {
	v := temporal.Value{Kind: temporal.Date}
	v.Year, v.Month, v.Day = temporal.OfDayNumber(n)
	t := v.Held()
	return t, nil
}

// spanCallDigits is how many digits of a second a call whose result is a TIME has.
func spanCallDigits(c *sql.Context, x *DateCall) int {
	switch x.f.name {
	case "date_add", "date_sub":
		by := 0
		if x.unit == "MICROSECOND" {
			by = datum.Fraction
		}
		if x.unit == "SECOND" {
			by = x.arg(c, 1).Digits(c)
		}
		return max(by, x.arg(c, 0).Digits(c))
	case "maketime":
		return x.arg(c, 2).Digits(c)
	case "sec_to_time":
		if a := x.arg(c, 0); a.Kind != item.String {
			return a.Digits(c)
		}
		return datum.Fraction
	}
	digits := 0
	for i := range x.ChildExpressions {
		digits = max(digits, x.arg(c, i).Digits(c))
	}
	return digits
}

// tooLong is the longest TIME, with warning 1292.
func tooLong(c *sql.Context, text string, neg bool) types.Timespan {
	c.Warn(int(mysqlerr.ER_TRUNCATED_WRONG_VALUE), "Truncated incorrect time value: '%s'", text)
	if neg {
		return -temporal.MaxSeconds * 1e6
	}
	return temporal.MaxSeconds * 1e6
}

// clip brings a length to the range of TIME.
func clip(c *sql.Context, micros int64) types.Timespan {
	if max(micros, -micros) <= temporal.MaxSeconds*1e6 {
		return types.Timespan(micros)
	}
	digits := 0
	if micros%1e6 != 0 {
		digits = datum.Fraction
	}
	return tooLong(c, temporal.OfSpan(micros).Text(digits), micros < 0)
}

// addedType: a time stays one, a datetime too; all else is text, a DATE as well.
func addedType(c *sql.Context, x *DateCall) sql.Type {
	a, b := x.arg(c, 0), x.arg(c, 1)
	switch a.Kind {
	case item.Time:
		return types.Time
	case item.Datetime:
		return datetimeType(max(a.Digits(c), b.Digits(c)))
	}
	return types.LongText
}

// added is ADDTIME and SUBTIME.
func added(c *sql.Context, x *DateCall, r sql.Row) (any, error) {
	a, ok, err := x.arg(c, 0).Time(c, r)
	if err != nil || !ok {
		return nil, err
	}
	by, ok, err := x.arg(c, 1).Time(c, r)
	if err != nil || !ok || by.Kind != temporal.Time {
		return nil, err
	}
	return sum(c, a, by, x.sub, x.Type(c))
}

// sum is a plus or minus a time.
func sum(c *sql.Context, a, by temporal.Value, sub bool, t sql.Type) (any, error) {
	span := by.Span()
	if sub {
		span = -span
	}
	if a.Kind == temporal.Datetime && !types.IsTimespan(t) {
		if a.Zero() {
			return nil, nil
		}
		v, ok := temporal.OfMoment(a.Moment() + span)
		if !ok || v.Zero() {
			return nil, nil
		}
		return dateResult(v, t)
	}
	out := clip(c, a.Span()+span)
	if types.IsTimespan(t) {
		return out, nil
	}
	digits := 0
	if out%1e6 != 0 {
		digits = datum.Fraction
	}
	return temporal.OfSpan(int64(out)).Text(digits), nil
}

// timestampOf is TIMESTAMP(expr) and TIMESTAMP(expr, time).
func timestampOf(c *sql.Context, x *DateCall, r sql.Row) (any, error) {
	flags := temporal.Fuzzy
	if len(x.ChildExpressions) == 2 {
		flags = 0
	}
	v, _, ok, err := x.arg(c, 0).Date(c, r, flags)
	if err != nil || !ok {
		return nil, err
	}
	v.Kind = temporal.Datetime
	if len(x.ChildExpressions) == 1 {
		return dateResult(v, x.Type(c))
	}
	by, ok, err := x.arg(c, 1).Time(c, r)
	if err != nil || !ok || by.Kind != temporal.Time {
		return nil, err
	}
	return sum(c, v, by, false, x.Type(c))
}

// timeDiff is TIMEDIFF, of two times or two datetimes.
func timeDiff(c *sql.Context, x *DateCall, r sql.Row) (any, error) {
	a, b := x.arg(c, 0), x.arg(c, 1)
	onDay := func(a *item.Argument) bool { return a.Kind == item.Date || a.Kind == item.Datetime }
	if onDay(a) && b.Kind == item.Time || a.Kind == item.Time && onDay(b) {
		return nil, nil
	}
	var v [2]temporal.Value
	for i, a := range []*item.Argument{a, b} {
		var ok bool
		var err error
		if onDay(x.arg(c, 0)) || onDay(x.arg(c, 1)) {
			v[i], _, ok, err = a.Date(c, r, temporal.Fuzzy)
		} else {
			v[i], ok, err = a.Time(c, r)
		}
		if err != nil || !ok {
			return nil, err
		}
	}
	if v[0].Kind != v[1].Kind {
		return nil, nil
	}
	if v[0].Kind == temporal.Time {
		return clip(c, v[0].Span()-v[1].Span()), nil
	}
	return clip(c, v[0].Moment()-v[1].Moment()), nil
}

// madeTime is MAKETIME(hour, minute, second).
func madeTime(c *sql.Context, x *DateCall, r sql.Row) (any, error) {
	h, null, err := x.arg(c, 0).Integer(c, r)
	if err != nil || null {
		return nil, err
	}
	m, null, err := x.arg(c, 1).Integer(c, r)
	if err != nil || null {
		return nil, err
	}
	d, err := x.arg(c, 2).Decimal(c, r)
	if err != nil || d == nil {
		return nil, err
	}
	s, micro := item.Split(d)
	if m < 0 || m > 59 || s < 0 || micro < 0 || s > 59 {
		return nil, nil
	}
	sign := int64(1)
	if h < 0 {
		sign = -1
	}
	if h > 839 || h < -839 {
		h = 839
	} else {
		h *= sign
	}
	return clip(c, sign*((h*3600+m*60+s)*1e6+micro)), nil
}

// UNIX_TIMESTAMP and FROM_UNIXTIME.

func init() {
	dated(&dateFunction{name: "unix_timestamp", least: 0, most: 1, typ: func(c *sql.Context, x *DateCall) sql.Type {
		if len(x.ChildExpressions) == 0 {
			return types.Int64
		}
		if digits := x.arg(c, 0).Digits(c); digits > 0 {
			return types.MustCreateDecimalType(19, uint8(digits))
		}
		return types.Int64
	}, eval: unixTimestamp})
	dated(&dateFunction{name: "from_unixtime", least: 1, most: 2, typ: func(c *sql.Context, x *DateCall) sql.Type {
		if len(x.ChildExpressions) == 2 {
			return types.Text
		}
		a := x.arg(c, 0)
		if a.Kind == item.String {
			return datetimeType(datum.Fraction)
		}
		return datetimeType(a.Digits(c))
	}, eval: fromUnixtime})
}

// unixTimestamp is 0 of what is no date, or one that a TIMESTAMP cannot be.
func unixTimestamp(c *sql.Context, x *DateCall, r sql.Row) (any, error) {
	if len(x.ChildExpressions) == 0 {
		return c.QueryTime().Unix(), nil
	}
	t := x.Type(c)
	number := func(micros int64) any {
		digits := 0
		if types.IsDecimal(t) {
			digits = int(t.(sql.DecimalType).Scale())
		}
		return unixNumber(micros, digits)
	}
	v, null, ok, err := x.arg(c, 0).Date(c, r, temporal.Fuzzy)
	switch {
	case err != nil || null:
		return nil, err
	case !ok || v.Partial():
		return number(0), nil
	}
	at := v.Held()
	if zone := item.Location(c); zone != nil {
		at = wallTime(at, zone)
	}
	if s := at.Unix(); s < 1 || s > lastTimestamp {
		return number(0), nil
	}
	return number(at.UnixMicro()), nil
}

// unixNumber is microseconds as a number of seconds with so many decimals.
func unixNumber(micros int64, digits int) any {
	if digits == 0 {
		return micros / 1e6
	}
	for range datum.Fraction - digits {
		micros /= 10
	}
	return apd.New(micros, int32(-digits))
}

func fromUnixtime(c *sql.Context, x *DateCall, r sql.Row) (any, error) {
	d, err := x.arg(c, 0).Decimal(c, r)
	if err != nil || d == nil {
		return nil, err
	}
	sec, micro := item.Split(d)
	if sec < 0 || micro < 0 || sec > lastTimestamp {
		return nil, nil
	}
	at := time.Unix(sec, micro*1000).UTC()
	if zone := item.Location(c); zone != nil {
		at = at.In(zone)
	}
	v := item.OfTime(at, item.Datetime)
	if len(x.ChildExpressions) == 2 {
		return formatted(c, x, r, v)
	}
	return dateResult(v, x.Type(c))
}
