package builtin

import (
	"strings"
	"time"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/types"
	"github.com/dolthub/vitess/go/sqltypes"

	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/temporal"
)

// strToDate is STR_TO_DATE(text, format). The library's answers with errors where MySQL has NULL, and cannot tell a TIME.
type strToDate struct {
	expression.BinaryExpressionStub
}

func init() {
	Replaced["str_to_date"] = sql.Function2{Name: "str_to_date", Fn: newStrToDate}
}

func newStrToDate(_ *sql.Context, text, format sql.Expression) sql.Expression {
	return &strToDate{expression.BinaryExpressionStub{LeftChild: text, RightChild: format}}
}

var _ sql.FunctionExpression = (*strToDate)(nil)
var _ sql.CollationCoercible = (*strToDate)(nil)

func (s *strToDate) FunctionName() string         { return "str_to_date" }
func (s *strToDate) Description() string          { return "reads a time by a format" }
func (s *strToDate) IsNullable(*sql.Context) bool { return true }
func (s *strToDate) String() string {
	return callText("str_to_date", []sql.Expression{s.LeftChild, s.RightChild})
}
func (s *strToDate) CollationCoercibility(*sql.Context) (sql.CollationID, byte) {
	return sql.Collation_binary, 5
}

func (s *strToDate) WithChildren(c *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	if len(ch) != 2 {
		return nil, sql.ErrInvalidChildrenNumber.New(s, len(ch), 2)
	}
	return newStrToDate(c, ch[0], ch[1]), nil
}

// Type follows a constant format: what has parts of a date only is a DATE, of a time only a TIME, with %f to six digits.
func (s *strToDate) Type(c *sql.Context) sql.Type {
	l, ok := s.RightChild.(*expression.Literal)
	if !ok {
		return types.DatetimeMaxPrecision
	}
	format, _ := l.Value().(string)
	date, clock, fraction := formatParts(format)
	switch {
	case !clock:
		return types.Date
	case !date:
		return types.Time
	case fraction:
		return types.DatetimeMaxPrecision
	}
	return types.MustCreateDatetimeType(sqltypes.Datetime, 0)
}

// formatParts tells what a format has parts of.
func formatParts(format string) (date, clock, fraction bool) {
	for i := 0; i+1 < len(format); i++ {
		if format[i] != '%' {
			continue
		}
		i++
		switch {
		case format[i] == 'f':
			clock, fraction = true, true
		case strings.IndexByte("HISThiklprs", format[i]) >= 0:
			clock = true
		case strings.IndexByte("MVUXYWabcjmvuxyw", format[i]) >= 0 || strings.IndexByte("dDe", format[i]) >= 0:
			date = true
		}
	}
	return date, clock, fraction
}

func (s *strToDate) Eval(c *sql.Context, r sql.Row) (any, error) {
	var in [2]string
	for i, e := range []sql.Expression{s.LeftChild, s.RightChild} {
		v, err := e.Eval(c, r)
		if err != nil || v == nil {
			return nil, err
		}
		if in[i], err = textValue(c, v); err != nil {
			return nil, err
		}
	}
	date, clock, _ := formatParts(in[1])
	p := dateReader{text: in[0]}
	ok := p.read(in[1])
	wrong := func() (any, error) {
		c.Warn(int(mysqlerr.ER_WRONG_VALUE_FOR_TYPE), "Incorrect datetime value: '%s' for function str_to_date", in[0])
		return nil, nil
	}
	if !ok || !p.settle() {
		return wrong()
	}
	if strings.TrimSpace(p.text) != "" {
		kind := "datetime"
		if !clock {
			kind = "date"
		} else if !date {
			kind = "time"
		}
		c.Warn(int(mysqlerr.ER_TRUNCATED_WRONG_VALUE), "Truncated incorrect %s value: '%s'", kind, in[0])
	}
	span := time.Duration(p.hour)*time.Hour + time.Duration(p.minute)*time.Minute + time.Duration(p.second)*time.Second + time.Duration(p.micro)*time.Microsecond
	if clock && !date {
		if s.Type(c) != types.Time { // a moment of no day
			return wrong()
		}
		return types.Timespan(span.Microseconds()), nil
	}
	v := temporal.Value{Year: p.year, Month: p.month, Day: p.day, Hour: p.hour, Minute: p.minute, Second: p.second, Micro: p.micro}
	if p.year < 0 || p.year > 9999 || p.month > 12 || !v.Check(temporal.Fuzzy) {
		return wrong()
	}
	if (p.year == 0 || p.month == 0 || p.day == 0) && sql.LoadSqlMode(c).ModeEnabled("NO_ZERO_DATE") {
		return wrong()
	}
	return v.Held(), nil
}

// dateReader reads the parts of a time from the beginning of text.
type dateReader struct {
	text                                    string
	year, month, day                        int
	hour, minute, second, micro             int
	yearDay, weekDay, week, weekYear        int
	afternoon, half                         bool // %p, %h
	hasYearDay, hasWeekDay, hasWeek, monday bool // %j; %w %W %a; %U %u %V %v, of weeks that begin on Monday
	strictWeek                              bool // %V, %v: with the year of %X, %x
}

var monthNames = []string{"january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"}
var dayNames = []string{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"}

// number reads up to digits digits.
func (p *dateReader) number(digits int, into *int) bool {
	n, i := 0, 0
	for i < len(p.text) && i < digits && p.text[i] >= '0' && p.text[i] <= '9' {
		n = n*10 + int(p.text[i]-'0')
		i++
	}
	*into, p.text = n, p.text[i:]
	return i > 0
}

// name reads one of names, whole or its first three letters, and gives its place from 1.
func (p *dateReader) name(names []string, short bool, into *int) bool {
	for i, name := range names {
		if short {
			name = name[:3]
		}
		if len(p.text) >= len(name) && strings.EqualFold(p.text[:len(name)], name) {
			*into, p.text = i+1, p.text[len(name):]
			return true
		}
	}
	return false
}

// skip drops the characters that are so.
func (p *dateReader) skip(is func(byte) bool) {
	for p.text != "" && is(p.text[0]) {
		p.text = p.text[1:]
	}
}

func blankByte(b byte) bool { return b == ' ' || b >= '\t' && b <= '\r' }
func digitByte(b byte) bool { return b >= '0' && b <= '9' }
func alphaByte(b byte) bool { return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' }

// read takes what the format says from the text. It stops, well, where the text ends.
func (p *dateReader) read(format string) bool {
	for i := 0; i < len(format); i++ {
		p.skip(blankByte)
		if p.text == "" {
			return true
		}
		if format[i] == '%' && i+1 < len(format) {
			i++
			if !p.part(format[i]) {
				return false
			}
			continue
		}
		if blankByte(format[i]) {
			continue
		}
		if p.text[0] != format[i] {
			return false
		}
		p.text = p.text[1:]
	}
	return true
}

// part reads one part of a time.
func (p *dateReader) part(what byte) bool {
	switch what {
	case 'Y':
		had := len(p.text)
		ok := p.number(4, &p.year)
		if had-len(p.text) == 2 {
			p.year = temporal.YearOf2(p.year)
		}
		return ok
	case 'y':
		ok := p.number(2, &p.year)
		p.year = temporal.YearOf2(p.year)
		return ok
	case 'm', 'c':
		return p.number(2, &p.month)
	case 'M':
		return p.name(monthNames, false, &p.month)
	case 'b':
		return p.name(monthNames, true, &p.month)
	case 'd', 'e':
		return p.number(2, &p.day)
	case 'D':
		ok := p.number(2, &p.day)
		p.text = p.text[min(2, len(p.text)):]
		return ok
	case 'h', 'I', 'l':
		p.half = true
		return p.number(2, &p.hour) && p.hour >= 1 && p.hour <= 12
	case 'H', 'k':
		return p.number(2, &p.hour)
	case 'i':
		return p.number(2, &p.minute)
	case 's', 'S':
		return p.number(2, &p.second)
	case 'f':
		had := len(p.text)
		ok := p.number(6, &p.micro)
		for n := had - len(p.text); n < 6; n++ {
			p.micro *= 10
		}
		return ok
	case 'p':
		var n int
		if !p.half || !p.name([]string{"am", "pm"}, false, &n) {
			return false
		}
		p.afternoon = n == 2
		return true
	case 'r':
		return p.read("%h:%i:%s %p")
	case 'T':
		return p.read("%H:%i:%s")
	case '%':
		ok := p.text[0] == '%'
		p.text = p.text[1:]
		return ok
	case '.':
		p.skip(func(b byte) bool { return b > ' ' && b < 127 && !alphaByte(b) && !digitByte(b) })
		return true
	case '@':
		p.skip(alphaByte)
		return true
	case '#':
		p.skip(digitByte)
		return true
	}
	return p.weekPart(what)
}

// weekPart reads the parts that say the day by its week or its number within the year.
func (p *dateReader) weekPart(what byte) bool {
	switch what {
	case 'j':
		p.hasYearDay = true
		return p.number(3, &p.yearDay) && p.yearDay >= 1 && p.yearDay <= 366
	case 'W', 'a', 'w':
		p.hasWeekDay = true
		if what == 'w' {
			ok := p.number(1, &p.weekDay) && p.weekDay < 7
			return ok
		}
		ok := p.name(dayNames, what == 'a', &p.weekDay)
		p.weekDay-- // Sunday is 0
		return ok
	case 'U', 'u', 'V', 'v':
		p.hasWeek, p.monday, p.strictWeek = true, what == 'u' || what == 'v', what == 'V' || what == 'v'
		return p.number(2, &p.week) && p.week <= 53 && (p.week > 0 || !p.strictWeek)
	case 'X', 'x':
		return p.number(4, &p.weekYear)
	}
	return false
}

// settle works the hour, and the day of a year or a week, out of what was read; false: there is none such.
func (p *dateReader) settle() bool {
	if p.half {
		p.hour %= 12
		if p.afternoon {
			p.hour += 12
		}
	}
	if p.hour > 23 || p.minute > 59 || p.second > 59 || p.month > 12 || p.day > 31 {
		return false
	}
	var at time.Time
	switch {
	case p.hasYearDay:
		at = time.Date(p.year, 1, p.yearDay, 0, 0, 0, 0, time.UTC)
		if at.Year() != p.year {
			return false
		}
	case p.hasWeek && p.hasWeekDay:
		year := p.year
		if p.strictWeek {
			year = p.weekYear
		}
		first := int(time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC).Weekday()) // of January 1
		day := p.weekDay
		if p.monday {
			first, day = (first+6)%7, (day+6)%7
		}
		week := p.week
		if begun := first <= 3; p.monday && !begun || !p.monday && first != 0 { // January 1 is in week 0
			week++
		}
		at = time.Date(year, 1, 1-first+(week-1)*7+day, 0, 0, 0, 0, time.UTC)
	default:
		return true
	}
	p.year, p.month, p.day = at.Year(), int(at.Month()), at.Day()
	return true
}
