package temporal

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/zoryadb/zorya/sql/locale"
)

// Format is DATE_FORMAT, and TIME_FORMAT of a Time; ok is false where the format wants a part that the value lacks: names of days and months of zero
// dates (make_date_time). Names are those of a locale.
func (v Value) Format(format string, l *locale.Locale) (text string, ok bool) {
	var b []byte
	if v.Neg {
		b = append(b, '-')
	}
	for i := 0; i < len(format); i++ {
		if format[i] != '%' || i+1 == len(format) {
			b = append(b, format[i])
			continue
		}
		i++
		if b, ok = v.part(b, format[i], l); !ok {
			return "", false
		}
	}
	return string(b), true
}

// half is the hour on a clock of twelve.
func (v Value) half() int { return (v.Hour%24+11)%12 + 1 }

func pad(b []byte, n, width int) []byte { return fmt.Appendf(b, "%0*d", width, n) }

func (v Value) part(b []byte, what byte, l *locale.Locale) ([]byte, bool) {
	switch what {
	case 'M', 'b':
		if v.Month == 0 {
			return b, false
		}
		if what == 'b' {
			return append(b, l.ShortMonth(v.Month)...), true
		}
		return append(b, l.Month(v.Month)...), true
	case 'W', 'a', 'w':
		if v.Kind == Time || v.Year == 0 && v.Month == 0 {
			return b, false
		}
		n := DayNumber(v.Year, v.Month, v.Day)
		switch what {
		case 'w':
			return strconv.AppendInt(b, int64(Weekday(n, true)), 10), true
		case 'a':
			return append(b, l.ShortDay(Weekday(n, false))...), true
		}
		return append(b, l.Day(Weekday(n, false))...), true
	case 'D':
		if v.Kind == Time {
			return b, false
		}
		return append(strconv.AppendInt(b, int64(v.Day), 10), ordinal(v.Day)...), true
	case 'Y':
		return pad(b, v.Year, 4), true
	case 'y':
		return pad(b, v.Year%100, 2), true
	case 'm':
		return pad(b, v.Month, 2), true
	case 'c':
		return pad(b, v.Month, 1), true
	case 'd':
		return pad(b, v.Day, 2), true
	case 'e':
		return pad(b, v.Day, 1), true
	case 'f':
		return pad(b, v.Micro, 6), true
	case 'H':
		return pad(b, v.Hour, 2), true
	case 'k':
		return pad(b, v.Hour, 1), true
	case 'h', 'I':
		return pad(b, v.half(), 2), true
	case 'l':
		return pad(b, v.half(), 1), true
	case 'i':
		return pad(b, v.Minute, 2), true
	case 's', 'S':
		return pad(b, v.Second, 2), true
	case 'p':
		return append(b, v.noon()...), true
	case 'r':
		return fmt.Appendf(b, "%02d:%02d:%02d %s", v.half(), v.Minute, v.Second, v.noon()), true
	case 'T':
		return fmt.Appendf(b, "%02d:%02d:%02d", v.Hour, v.Minute, v.Second), true
	case 'j':
		if v.Kind == Time {
			return b, false
		}
		n := 0
		if !v.Zero() {
			n = int(DayNumber(v.Year, v.Month, v.Day) - DayNumber(v.Year, 1, 1) + 1)
		}
		return pad(b, n, 3), true
	case 'U', 'u', 'V', 'v', 'X', 'x':
		if v.Kind == Time {
			return b, false
		}
		how := map[byte]int{'U': FirstWeekday, 'u': MondayFirst, 'V': WeekYear | FirstWeekday, 'X': WeekYear | FirstWeekday, 'v': WeekYear | MondayFirst,
			'x': WeekYear | MondayFirst}[what]
		week, year := v.Week(how)
		if what == 'X' || what == 'x' {
			return pad(b, year, 4), true
		}
		return pad(b, week, 2), true
	}
	return append(b, what), true
}

func (v Value) noon() string {
	if v.Hour%24 < 12 {
		return "AM"
	}
	return "PM"
}

func ordinal(n int) string {
	if n >= 10 && n <= 19 {
		return "th"
	}
	switch n % 10 {
	case 1:
		return "st"
	case 2:
		return "nd"
	case 3:
		return "rd"
	}
	return "th"
}

// Text is the value as MySQL writes it, with digits of a second.
func (v Value) Text(digits int) string {
	var b strings.Builder
	if v.Neg {
		b.WriteByte('-')
	}
	if v.Kind != Time {
		fmt.Fprintf(&b, "%04d-%02d-%02d", v.Year, v.Month, v.Day)
		if v.Kind == Date {
			return b.String()
		}
		b.WriteByte(' ')
	}
	fmt.Fprintf(&b, "%02d:%02d:%02d", v.Hour, v.Minute, v.Second)
	if digits > 0 {
		b.WriteByte('.')
		b.WriteString(fmt.Sprintf("%06d", v.Micro)[:digits])
	}
	return b.String()
}
