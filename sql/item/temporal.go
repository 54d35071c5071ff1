package item

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/cockroachdb/apd/v3"
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/types"
	"github.com/dolthub/vitess/go/sqltypes"

	"github.com/zoryadb/zorya/sql/datum"
	"github.com/zoryadb/zorya/sql/jsondoc"
	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/temporal"
)

func dateText(t time.Time, a Attr) string {
	v := temporal.OfHeld(t)
	s := fmt.Sprintf("%04d-%02d-%02d", v.Year, v.Month, v.Day)
	if a.Kind == Date {
		return s
	}
	s += fmt.Sprintf(" %02d:%02d:%02d", v.Hour, v.Minute, v.Second)
	return s + fraction(int64(v.Micro), a.Dec)
}

// DateFlags are the dates that the sql_mode allows to be stored, to be literals, and texts that are compared with dates to be.
func DateFlags(c *sql.Context) temporal.Flags {
	flags, mode := temporal.Fuzzy, sql.LoadSqlMode(c)
	if mode.ModeEnabled("NO_ZERO_IN_DATE") {
		flags = 0
	}
	return flags | argumentFlags(mode)
}

// argumentFlags are those of them that a mode gives the arguments of functions.
func argumentFlags(mode *sql.SqlMode) (flags temporal.Flags) {
	if mode.ModeEnabled("NO_ZERO_DATE") {
		flags |= temporal.NoZero
	}
	if mode.ModeEnabled("ALLOW_INVALID_DATES") {
		flags |= temporal.Invalid
	}
	return flags
}

// Temporal is the literal DATE'text', TIME'text' or TIMESTAMP'text'; what is none is error 1525.
func Temporal(c *sql.Context, word, text string) (sql.Expression, error) {
	_, digits, _ := strings.Cut(text, ".")
	dec := min(len(digits), 6)
	switch word {
	case "TIME":
		if at, res := datum.ReadSpan(text); res == temporal.OK {
			return expression.NewLiteral(at, types.Time), nil
		}
	default:
		t, ok := ParseMoment(c, text)
		if ok && word == "TIMESTAMP" && strings.ContainsAny(text, ": T") {
			return expression.NewLiteral(t, types.MustCreateDatetimeType(sqltypes.Datetime, dec)), nil
		}
		if ok && word == "DATE" && t.Hour()+t.Minute()+t.Second() == 0 {
			return expression.NewLiteral(t, types.Date), nil
		}
		if word == "TIMESTAMP" {
			word = "DATETIME"
		}
	}
	return nil, mysqlerr.New(mysqlerr.ER_WRONG_VALUE, word, text)
}

// fraction is the digits behind the seconds; dec < 0: six if there are any.
func fraction(micro int64, dec int) string {
	if dec < 0 && micro != 0 {
		dec = 6
	}
	if dec <= 0 {
		return ""
	}
	return "." + fmt.Sprintf("%06d", micro)[:min(dec, 6)]
}

// TimeText is a date or time of type from as text; v itself if it is none.
func TimeText(c *sql.Context, from sql.Type, v any) any {
	switch x := v.(type) {
	case types.Timespan:
		return spanText(x, -1)
	case time.Time:
		return dateText(x, OfType(c, from))
	}
	return v
}

// TextOf is a date or time that an expression gave as its text, with the digits that the expression has; any other value is itself.
func TextOf(c *sql.Context, e sql.Expression, v any) any {
	switch x := v.(type) {
	case types.Timespan:
		return spanText(x, Of(c, e).Dec)
	case time.Time:
		return dateText(x, Of(c, e))
	}
	return v
}

// InDocument is a date or time that an expression gave as a value of documents, where it always has six digits.
func InDocument(c *sql.Context, e sql.Expression, v any) any {
	switch x := v.(type) {
	case types.Timespan:
		return jsondoc.Temporal{Kind: "TIME", Text: spanText(x, datum.Fraction), At: x.AsMicroseconds()}
	case time.Time:
		if Of(c, e).Kind == Date {
			return jsondoc.Temporal{Kind: "DATE", Text: dateText(x, Attr{Kind: Date}), At: temporal.OfHeld(x).Packed()}
		}
		return jsondoc.Temporal{Kind: "DATETIME", Text: dateText(x, Attr{Kind: Datetime, Dec: datum.Fraction}), At: temporal.OfHeld(x).Packed()}
	}
	return v
}

func spanText(s types.Timespan, dec int) string {
	n := s.AsMicroseconds()
	sign := ""
	if n < 0 {
		sign, n = "-", -n
	}
	sec := n / 1e6
	return sign + fmt.Sprintf("%02d:%02d:%02d", sec/3600, sec/60%60, sec%60) + fraction(n%1e6, dec)
}

// moment gives the argument as a DATETIME; ok is false where it is none, which has raised a warning.
func (a *arg) moment(c *sql.Context, v any) (t time.Time, ok bool, err error) {
	switch x := v.(type) {
	case time.Time:
		return x, true, nil
	case types.Timespan: // a TIME is of today
		y, m, d := c.QueryTime().Date()
		return time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Add(x.AsTimeDuration()), true, nil
	case string, []byte:
		s := fmt.Sprintf("%s", x)
		t, cut, ok := readMoment(c, s)
		if ok && !cut {
			return t, true, nil
		}
		return t, ok, a.env.warn(c, mysqlerr.ER_TRUNCATED_WRONG_VALUE, "datetime", s)
	}
	s, err := a.toText(c, v)
	if err != nil {
		return t, false, err
	}
	if isNumber(v) {
		if t, ok := numberMoment(s); ok {
			return t, true, nil
		}
	} else if t, ok := ParseMoment(c, s); ok {
		return t, true, nil
	}
	return t, false, a.env.warn(c, mysqlerr.ER_TRUNCATED_WRONG_VALUE, "datetime", s)
}

func isNumber(v any) bool {
	switch v.(type) {
	case *apd.Decimal, float64, float32:
		return true
	}
	_, ok := goInteger(v)
	return ok
}

// numberMoment reads 20260131, 260131, 20260131235959 and the like.
func numberMoment(s string) (time.Time, bool) {
	whole, frac, _ := strings.Cut(s, ".")
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || n < 0 {
		return time.Time{}, false
	}
	micro, _ := strconv.ParseInt((frac + "000000")[:6], 10, 64)
	v, st := temporal.OfNumber(n, micro, 0)
	if st != temporal.OK {
		return time.Time{}, false
	}
	return v.Held(), true
}

// ParseMoment reads a date, or a date and time, that the sql_mode allows.
func ParseMoment(c *sql.Context, s string) (t time.Time, ok bool) {
	t, cut, ok := readMoment(c, s)
	return t, ok && !cut
}

// readMoment is ParseMoment of a text that may go on behind the time: cut.
func readMoment(c *sql.Context, s string) (t time.Time, cut, ok bool) {
	v, st := temporal.ParseDatetime(s, DateFlags(c))
	if st == temporal.Bad {
		return t, false, false
	}
	return v.Held(), st == temporal.Cut, true
}

// span gives the argument as a TIME.
func (a *arg) span(c *sql.Context, v any) (types.Timespan, bool, error) {
	if t, ok := v.(types.Timespan); ok {
		return t, true, nil
	}
	if t, ok := v.(time.Time); ok {
		h, m, s := t.Clock()
		return types.Timespan(int64(h*3600+m*60+s)*1e6 + int64(t.Nanosecond()/1000)), true, nil
	}
	s, err := a.toText(c, v)
	if err != nil {
		return 0, false, err
	}
	t, res := datum.ReadSpan(s)
	if res != temporal.OK {
		err = a.env.warn(c, mysqlerr.ER_TRUNCATED_WRONG_VALUE, "time", s)
	}
	return t, res != temporal.Bad, err
}
