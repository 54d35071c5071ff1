package grammar

import (
	"strconv"
	"strings"
	"time"
)

// interval is a length of time as INTERVAL gives it: whole months, and the rest.
type interval struct {
	Months int64
	Micros int64
}

// IntervalUnits are the units of INTERVAL: a factor for months or microseconds, or the parts of a composite unit, the largest first.
var IntervalUnits = map[string]struct {
	Months, Micros int64
	Parts          []string
}{
	"YEAR": {Months: 12}, "QUARTER": {Months: 3}, "MONTH": {Months: 1}, "WEEK": {Micros: 7 * 86400e6}, "DAY": {Micros: 86400e6},
	"HOUR": {Micros: 3600e6}, "MINUTE": {Micros: 60e6}, "SECOND": {Micros: 1e6}, "MICROSECOND": {Micros: 1},
	"YEAR_MONTH": {Parts: []string{"YEAR", "MONTH"}}, "DAY_HOUR": {Parts: []string{"DAY", "HOUR"}}, "DAY_MINUTE": {Parts: []string{"DAY", "HOUR", "MINUTE"}},
	"DAY_SECOND": {Parts: []string{"DAY", "HOUR", "MINUTE", "SECOND"}}, "HOUR_MINUTE": {Parts: []string{"HOUR", "MINUTE"}},
	"HOUR_SECOND": {Parts: []string{"HOUR", "MINUTE", "SECOND"}}, "MINUTE_SECOND": {Parts: []string{"MINUTE", "SECOND"}},
	"DAY_MICROSECOND":    {Parts: []string{"DAY", "HOUR", "MINUTE", "SECOND", "MICROSECOND"}},
	"HOUR_MICROSECOND":   {Parts: []string{"HOUR", "MINUTE", "SECOND", "MICROSECOND"}},
	"MINUTE_MICROSECOND": {Parts: []string{"MINUTE", "SECOND", "MICROSECOND"}}, "SECOND_MICROSECOND": {Parts: []string{"SECOND", "MICROSECOND"}},
}

// ParseInterval reads a value of a unit. The numbers of a composite unit may be separated by anything; missing ones are those on the left.
func ParseInterval(text, unit string) (iv interval, ok bool) {
	u, ok := IntervalUnits[strings.ToUpper(unit)]
	if !ok {
		return iv, false
	}
	text = strings.TrimSpace(text)
	parts := u.Parts
	if parts == nil {
		return simpleInterval(text, u.Months, u.Micros)
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
		iv.Months += n * IntervalUnits[parts[i]].Months
		iv.Micros += n * IntervalUnits[parts[i]].Micros
	}
	if neg {
		iv.Months, iv.Micros = -iv.Months, -iv.Micros
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
		return interval{Months: round(f) * months}, true
	case micros == 1e6: // only seconds keep a fraction
		return interval{Micros: whole*micros + int64((f-float64(whole))*1e6+0.5)}, true
	}
	return interval{Micros: round(f) * micros}, true
}

func round(f float64) int64 {
	if f < 0 {
		return int64(f - 0.5)
	}
	return int64(f + 0.5)
}

// add is t plus n times the interval. A day that the month does not have becomes its last.
func (iv interval) add(t time.Time, n int64) time.Time {
	if iv.Months != 0 {
		total := int64(t.Year())*12 + int64(t.Month()) - 1 + n*iv.Months
		y, m := int(total/12), time.Month(total%12+1)
		day := min(t.Day(), time.Date(y, m+1, 0, 0, 0, 0, 0, time.UTC).Day())
		t = time.Date(y, m, day, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), t.Location())
	}
	return t.Add(time.Duration(n*iv.Micros) * time.Microsecond)
}

// Positive reports whether the interval leads forward.
func (iv interval) Positive() bool { return iv.Months >= 0 && iv.Micros >= 0 && iv != interval{} }

// After is the first of start, start + interval, start + 2 intervals ... that is later than t.
func (iv interval) After(start, t time.Time) time.Time {
	if t.Before(start) {
		return start
	}
	var n int64
	if iv.Months != 0 {
		n = (int64(t.Year()-start.Year())*12 + int64(t.Month()) - int64(start.Month())) / iv.Months
	} else {
		n = int64(t.Sub(start)/time.Microsecond) / iv.Micros
	}
	for n = max(n-1, 0); !iv.add(start, n).After(t); n++ {
	}
	return iv.add(start, n)
}
