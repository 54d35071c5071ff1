package general

import (
	"strconv"
	"strings"
	"time"
)

// interval is a length of time as INTERVAL gives it: whole months, and the rest.
type interval struct {
	months int64
	micros int64
}

// intervalUnits are the units of INTERVAL: a factor for months or microseconds, or the parts of a composite unit, the largest first.
var intervalUnits = map[string]struct {
	months, micros int64
	parts          []string
}{
	"YEAR": {months: 12}, "QUARTER": {months: 3}, "MONTH": {months: 1}, "WEEK": {micros: 7 * 86400e6}, "DAY": {micros: 86400e6},
	"HOUR": {micros: 3600e6}, "MINUTE": {micros: 60e6}, "SECOND": {micros: 1e6}, "MICROSECOND": {micros: 1},
	"YEAR_MONTH": {parts: []string{"YEAR", "MONTH"}}, "DAY_HOUR": {parts: []string{"DAY", "HOUR"}}, "DAY_MINUTE": {parts: []string{"DAY", "HOUR", "MINUTE"}},
	"DAY_SECOND": {parts: []string{"DAY", "HOUR", "MINUTE", "SECOND"}}, "HOUR_MINUTE": {parts: []string{"HOUR", "MINUTE"}},
	"HOUR_SECOND": {parts: []string{"HOUR", "MINUTE", "SECOND"}}, "MINUTE_SECOND": {parts: []string{"MINUTE", "SECOND"}},
	"DAY_MICROSECOND":    {parts: []string{"DAY", "HOUR", "MINUTE", "SECOND", "MICROSECOND"}},
	"HOUR_MICROSECOND":   {parts: []string{"HOUR", "MINUTE", "SECOND", "MICROSECOND"}},
	"MINUTE_MICROSECOND": {parts: []string{"MINUTE", "SECOND", "MICROSECOND"}}, "SECOND_MICROSECOND": {parts: []string{"SECOND", "MICROSECOND"}},
}

// parseInterval reads a value of a unit. The numbers of a composite unit may be separated by anything; missing ones are those on the left.
func parseInterval(text, unit string) (iv interval, ok bool) {
	u, ok := intervalUnits[strings.ToUpper(unit)]
	if !ok {
		return iv, false
	}
	text = strings.TrimSpace(text)
	parts := u.parts
	if parts == nil {
		return simpleInterval(text, u.months, u.micros)
	}
	neg := strings.HasPrefix(text, "-")
	fields := strings.FieldsFunc(text, func(r rune) bool { return r < '0' || r > '9' })
	if len(fields) > len(parts) {
		return iv, false
	}
	parts = parts[len(parts)-len(fields):]
	for i, f := range fields {
		if parts[i] == "MICROSECOND" { // .5 is half a second
			f = (f + "000000")[:6]
		}
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil || n > 1e12 {
			return iv, false
		}
		iv.months += n * intervalUnits[parts[i]].months
		iv.micros += n * intervalUnits[parts[i]].micros
	}
	if neg {
		iv.months, iv.micros = -iv.months, -iv.micros
	}
	return iv, true
}

func simpleInterval(text string, months, micros int64) (iv interval, ok bool) {
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || f > 1e13 || f < -1e13 {
		return iv, false
	}
	whole := int64(f)
	switch {
	case months != 0:
		return interval{months: round(f) * months}, true
	case micros == 1e6: // only seconds keep a fraction
		return interval{micros: whole*micros + int64((f-float64(whole))*1e6+0.5)}, true
	}
	return interval{micros: round(f) * micros}, true
}

func round(f float64) int64 {
	if f < 0 {
		return int64(f - 0.5)
	}
	return int64(f + 0.5)
}

// add is t plus n times the interval. A day that the month does not have becomes its last.
func (iv interval) add(t time.Time, n int64) time.Time {
	if iv.months != 0 {
		total := int64(t.Year())*12 + int64(t.Month()) - 1 + n*iv.months
		y, m := int(total/12), time.Month(total%12+1)
		day := min(t.Day(), time.Date(y, m+1, 0, 0, 0, 0, 0, time.UTC).Day())
		t = time.Date(y, m, day, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), t.Location())
	}
	return t.Add(time.Duration(n*iv.micros) * time.Microsecond)
}

// positive reports whether the interval leads forward.
func (iv interval) positive() bool { return iv.months >= 0 && iv.micros >= 0 && iv != interval{} }

// after is the first of start, start + interval, start + 2 intervals ... that is later than t.
func (iv interval) after(start, t time.Time) time.Time {
	if t.Before(start) {
		return start
	}
	var n int64
	if iv.months != 0 {
		n = (int64(t.Year()-start.Year())*12 + int64(t.Month()) - int64(start.Month())) / iv.months
	} else {
		n = int64(t.Sub(start)/time.Microsecond) / iv.micros
	}
	for n = max(n-1, 0); !iv.add(start, n).After(t); n++ {
	}
	return iv.add(start, n)
}
