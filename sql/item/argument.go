package item

import (
	"math"
	"strings"
	"time"

	"github.com/cockroachdb/apd/v3"
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/types"

	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/temporal"
)

// Argument is an argument of a function of another package that takes its arguments by MySQL's rules.
type Argument struct{ arg }

// NewArgument is e as an argument.
func NewArgument(c *sql.Context, e sql.Expression) *Argument { return &Argument{newArg(c, &Env{}, e)} }

// Value is what the argument is in a row, nil for NULL.
func (a *Argument) Value(c *sql.Context, r sql.Row) (any, error) { return a.value(c, r) }

// Text is the argument as a text.
func (a *Argument) Text(c *sql.Context, r sql.Row) (s string, null bool, err error) {
	return a.str(c, r)
}

// Integer is the argument as a BIGINT; what is above its range is its largest.
func (a *Argument) Integer(c *sql.Context, r sql.Row) (n int64, null bool, err error) {
	i, null, err := a.whole(c, r)
	if i.unsigned {
		i.bits = math.MaxInt64
	}
	return i.bits, null, err
}

// Decimal is the argument as a DECIMAL; nil for NULL.
func (a *Argument) Decimal(c *sql.Context, r sql.Row) (*apd.Decimal, error) { return a.decimal(c, r) }

// Digits is how many digits of a second a time made of the argument has.
func (a *Argument) Digits(c *sql.Context) int { return digitsOf(c, a.Expression) }

// Split is a number's whole part and its millionths, rounded, both with its sign; numbers beyond BIGINT stop at its ends.
func Split(d *apd.Decimal) (whole, micro int64) {
	x := new(apd.Decimal)
	_, _ = wide.Quantize(x, d, -6)
	w, f := new(apd.Decimal), new(apd.Decimal)
	x.Modf(w, f)
	n, err := w.Int64()
	if err != nil {
		if d.Negative {
			return math.MinInt64, 0
		}
		return math.MaxInt64, 0
	}
	_, _ = wide.Mul(f, f, apd.New(1e6, 0))
	m, _ := f.Int64()
	return n, m
}

// OfTime is a value of the general lane's as a Value; kind tells DATE from DATETIME.
func OfTime(t time.Time, kind Kind) temporal.Value {
	v := temporal.OfHeld(t)
	if kind == Date {
		v.Kind = temporal.Date
	}
	return v
}

// digits gives a number's whole part and millionths; ok is false for what is no number.
func (a *arg) digits(c *sql.Context, v any) (whole, micro int64, ok bool) {
	if !a.integer() && a.Kind != Decimal && a.Kind != Real && a.Kind != Null && (a.Kind != Other || !isNumber(v)) {
		return 0, 0, false
	}
	if i, ok := goInteger(v); ok {
		if i.unsigned {
			return math.MaxInt64, 0, true
		}
		return i.bits, 0, true
	}
	if b, ok := v.(bool); ok {
		if b {
			return 1, 0, true
		}
		return 0, 0, true
	}
	d, err := a.toDecimal(c, v)
	if err != nil || d == nil {
		return 0, 0, false
	}
	whole, micro = Split(d)
	return whole, micro, true
}

// Date is the argument as a date or a datetime. ok is false for NULL and for what is none, which has raised warning 1292; null tells them apart.
func (a *Argument) Date(c *sql.Context, r sql.Row, flags temporal.Flags) (v temporal.Value, null, ok bool, err error) {
	x, err := a.value(c, r)
	if err != nil || x == nil {
		return v, true, false, err
	}
	v, ok, err = a.date(c, x, flags)
	return v, false, ok, err
}

// date is Date of a value.
func (a *arg) date(c *sql.Context, x any, flags temporal.Flags) (v temporal.Value, ok bool, err error) {
	if t, stored := x.(time.Time); stored {
		v = OfTime(t, a.Kind)
		return v, v.Check(flags | temporal.Invalid), nil // zero dates of columns warn of nothing: Field::get_date does not
	}
	flags |= argumentFlags(sql.LoadSqlMode(c))
	if w, ok := x.(sql.JSONWrapper); ok {
		return a.ofDocument(c, w, func(s string) (temporal.Value, temporal.Status) { return temporal.ParseDatetime(s, flags) })
	}
	if span, ok := x.(types.Timespan); ok { // of today
		y, m, d := Today(c)
		day := temporal.Value{Year: y, Month: m, Day: d}
		v, ok = temporal.OfMoment(day.Moment() + int64(span))
		return v, ok, nil
	}
	whole, micro, number := a.digits(c, x)
	if number {
		var st temporal.Status
		if v, st = temporal.OfNumber(whole, micro, flags); st == temporal.OK {
			return v, true, nil
		}
	}
	s, err := a.toText(c, x)
	if err != nil || number {
		return v, false, orError(err, a.wrong(c, "Incorrect", "datetime", s))
	}
	v, st := temporal.ParseDatetime(s, flags)
	switch st {
	case temporal.Bad:
		return v, false, a.wrong(c, "Incorrect", "datetime", s)
	case temporal.Cut:
		kind := "datetime"
		if v.Kind == temporal.Date {
			kind = "date"
		}
		return v, true, a.wrong(c, "Truncated incorrect", kind, s)
	}
	return v, true, nil
}

// Time is the argument as a time; a datetime stays one. ok is false for NULL and for what is none, which has raised warning 1292.
func (a *Argument) Time(c *sql.Context, r sql.Row) (v temporal.Value, ok bool, err error) {
	x, err := a.value(c, r)
	if err != nil || x == nil {
		return v, false, err
	}
	return a.clock(c, x)
}

// clock is Time of a value.
func (a *arg) clock(c *sql.Context, x any) (v temporal.Value, ok bool, err error) {
	if w, ok := x.(sql.JSONWrapper); ok {
		return a.ofDocument(c, w, temporal.ParseTime)
	}
	switch x := x.(type) {
	case time.Time:
		return OfTime(x, a.Kind), true, nil
	case types.Timespan:
		return temporal.OfSpan(int64(x)), true, nil
	}
	s, err := a.toText(c, x)
	if err != nil {
		return v, false, err
	}
	var st temporal.Status
	if whole, micro, number := a.digits(c, x); number {
		neg := whole < 0 || micro < 0
		if neg {
			whole, micro = -whole, -micro
		}
		if whole < 0 {
			whole = math.MaxInt64
		}
		v, st = temporal.TimeOfNumber(whole, micro, neg)
	} else {
		v, st = temporal.ParseTime(s)
	}
	if st != temporal.OK {
		err = a.wrong(c, "Truncated incorrect", "time", s)
	}
	return v, st != temporal.Bad, err
}

// wrong is warning 1292.
func (a *arg) wrong(c *sql.Context, how, kind, s string) error {
	c.Warn(int(mysqlerr.ER_TRUNCATED_WRONG_VALUE), "%s %s value: '%s'", how, kind, strings.ToValidUTF8(s, "?"))
	return nil
}

func orError(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

// Today is the date on which the statement began, in the session's time zone.
func Today(c *sql.Context) (y, m, d int) {
	now := c.QueryTime()
	if zone := Location(c); zone != nil {
		now = now.In(zone)
	} else {
		now = now.UTC()
	}
	year, month, day := now.Date()
	return year, int(month), day
}

// ofDocument is a document as a date or time: one that it is, or a text that is one as a whole. Anything else raises warning 3156.
func (a *arg) ofDocument(c *sql.Context, w sql.JSONWrapper, read func(string) (temporal.Value, temporal.Status)) (v temporal.Value, ok bool, err error) {
	if text, is := jsonNumber(c, w).(string); is {
		v, st := read(text)
		if st == temporal.OK {
			return v, true, nil
		}
	}
	return v, false, a.invalidDocument(c, "DATE/TIME/DATETIME/TIMESTAMP")
}

// invalidDocument is warning 3156, which names the column or function that the document is of.
func (a *arg) invalidDocument(c *sql.Context, to string) error {
	name := ""
	switch e := a.Expression.(type) {
	case *expression.GetField:
		name = e.Name()
	case interface{ FunctionName() string }:
		name = strings.ToLower(e.FunctionName())
	}
	e := mysqlerr.New(mysqlerr.ER_INVALID_JSON_VALUE_FOR_CAST, to, name, 1)
	c.Warn(int(e.Code), "%s", e.Message)
	return nil
}
