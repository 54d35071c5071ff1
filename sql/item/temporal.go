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
		if at, res := datum.ReadSpan(text); res == datum.SpanOK {
			return expression.NewLiteral(at, types.Time), nil
		}
	default:
		t, ok := parseMoment(text)
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
	} else if t, ok := parseMoment(s); ok {
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
	if n, err := strconv.ParseInt(whole, 10, 64); err != nil || n < 0 {
		return time.Time{}, false
	} else if n == 0 {
		return types.ZeroTime, true
	}
	width := 8
	switch l := len(whole); {
	case l <= 6:
		width = 6
	case l <= 8:
	case l <= 12:
		width = 12
	default:
		width = 14
	}
	whole = strings.Repeat("0", max(width-len(whole), 0)) + whole
	if frac != "" && width >= 12 {
		whole += "." + frac
	}
	return parseMoment(whole)
}

// parseMoment reads a date or datetime from a text: any punctuation separates, years may have two digits.
func parseMoment(s string) (t time.Time, ok bool) {
	t, cut, ok := readMoment(s)
	return t, ok && !cut
}

// readMoment is parseMoment of a text that may go on behind the time: cut.
func readMoment(s string) (t time.Time, cut, ok bool) {
	s = strings.TrimSpace(s)
	var part [7]int
	n, width, i := 0, 0, 0
	compact := 0
	for compact < len(s) && s[compact] >= '0' && s[compact] <= '9' {
		compact++
	}
	yearDigits := 0
	if compact == 6 || compact == 8 || compact == 12 || compact >= 14 {
		yearDigits = 2
		if compact == 8 || compact >= 14 {
			yearDigits = 4
		}
	}
	read := func(most int) bool {
		width = 0
		v := 0
		for i < len(s) && width < most && s[i] >= '0' && s[i] <= '9' {
			v = v*10 + int(s[i]-'0')
			i++
			width++
		}
		if width == 0 {
			return false
		}
		part[n] = v
		n++
		return true
	}
	first := 4
	if yearDigits > 0 {
		first = yearDigits
	}
	if !read(first) {
		return t, false, false
	}
	shortYear := width <= 2
	for n < 6 && i < len(s) && !cut {
		if yearDigits == 0 || i >= compact {
			switch {
			case n == 3 && (s[i] == ' ' || s[i] == 'T'):
				for i < len(s) && s[i] == ' ' {
					i++
				}
				if i < len(s) && s[i] == 'T' {
					i++
				}
			case strings.IndexByte("-/.:;,!@#$%^&*+=_|\\'\"~`<>?()[]{}", s[i]) >= 0 && !(n == 6):
				i++
			default:
				cut = true
			}
		}
		cut = cut || !read(2)
	}
	if n < 3 {
		return t, false, false
	}
	if n == 6 && !cut && i < len(s) && s[i] == '.' {
		i++
		micro, w := 0, 0
		for i < len(s) && s[i] >= '0' && s[i] <= '9' {
			if w < 6 {
				micro = micro*10 + int(s[i]-'0')
				w++
			}
			i++
		}
		for ; w < 6; w++ {
			micro *= 10
		}
		part[6] = micro
	}
	cut = cut || i < len(s)
	y, m, d := part[0], part[1], part[2]
	if y == 0 && m == 0 && d == 0 && part[3] == 0 && part[4] == 0 && part[5] == 0 {
		return types.ZeroTime, cut, true
	}
	if shortYear {
		if y < 70 {
			y += 2000
		} else {
			y += 1900
		}
	}
	if m < 1 || m > 12 || d < 1 || part[3] > 23 || part[4] > 59 || part[5] > 59 {
		return t, false, false
	}
	t = time.Date(y, time.Month(m), d, part[3], part[4], part[5], part[6]*1000, time.UTC)
	return t, cut, t.Day() == d
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
	if res != datum.SpanOK {
		err = a.env.warn(c, mysqlerr.ER_TRUNCATED_WRONG_VALUE, "time", s)
	}
	return t, res != datum.SpanBad, err
}
