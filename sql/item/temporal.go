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

// civil is the date of a value as it is shown: the library holds 0000-00-00 as the last day before year 0.
func civil(t time.Time) (y int, m time.Month, d int) {
	if t.Equal(types.ZeroTime) || t.Year() < 0 {
		return 0, 0, 0
	}
	return t.Date()
}

func dateText(t time.Time, a Attr) string {
	y, m, d := civil(t)
	s := fmt.Sprintf("%04d-%02d-%02d", y, m, d)
	if a.Kind == Date {
		return s
	}
	s += fmt.Sprintf(" %02d:%02d:%02d", t.Hour(), t.Minute(), t.Second())
	return s + fraction(int64(t.Nanosecond()/1000), a.Dec)
}

// Temporal is the literal DATE'text', TIME'text' or TIMESTAMP'text'; what is none is error 1525.
func Temporal(word, text string) (sql.Expression, error) {
	_, digits, _ := strings.Cut(text, ".")
	dec := min(len(digits), 6)
	switch word {
	case "TIME":
		if at, res := datum.ReadSpan(text); res == temporal.OK {
			return expression.NewLiteral(at, types.Time), nil
		}
	default:
		t, ok := ParseMoment(text)
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
			return jsondoc.Temporal{Kind: "DATE", Text: dateText(x, Attr{Kind: Date}), At: x.UnixMicro()}
		}
		return jsondoc.Temporal{Kind: "DATETIME", Text: dateText(x, Attr{Kind: Datetime, Dec: datum.Fraction}), At: x.UnixMicro()}
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
		t, cut, ok := readMoment(s)
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
	} else if t, ok := ParseMoment(s); ok {
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
	return ToTime(v)
}

// ParseMoment reads a date, or a date and time, as the library holds them.
func ParseMoment(s string) (t time.Time, ok bool) {
	t, cut, ok := readMoment(s)
	return t, ok && !cut
}

// readMoment is ParseMoment of a text that may go on behind the time: cut.
func readMoment(s string) (t time.Time, cut, ok bool) {
	v, st := temporal.ParseDatetime(s, 0)
	if st == temporal.Bad {
		return t, false, false
	}
	t, ok = ToTime(v)
	return t, st == temporal.Cut, ok
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
