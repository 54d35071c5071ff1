package temporal

import "strings"

// Interval is a length of time by its parts, whose sign is Neg.
type Interval struct {
	Neg                                              bool
	Years, Months, Days, Hours, Minutes, Secs, Micro int64
}

// simple units of INTERVAL.
var unitOf = map[string]func(iv *Interval, n int64){
	"YEAR":        func(iv *Interval, n int64) { iv.Years = n },
	"QUARTER":     func(iv *Interval, n int64) { iv.Months = sat(n, 3) },
	"MONTH":       func(iv *Interval, n int64) { iv.Months = n },
	"WEEK":        func(iv *Interval, n int64) { iv.Days = sat(n, 7) },
	"DAY":         func(iv *Interval, n int64) { iv.Days = n },
	"HOUR":        func(iv *Interval, n int64) { iv.Hours = n },
	"MINUTE":      func(iv *Interval, n int64) { iv.Minutes = n },
	"SECOND":      func(iv *Interval, n int64) { iv.Secs = n },
	"MICROSECOND": func(iv *Interval, n int64) { iv.Micro = n },
}

// sat is n*k, or what is too large for any date.
func sat(n, k int64) int64 {
	if n > 1<<40 {
		return 1 << 60
	}
	return n * k
}

// IntervalOf is n units, with millionths of a second behind. n's sign is that of the interval.
func IntervalOf(unit string, n, micro int64) (iv Interval) {
	if n < 0 || micro < 0 {
		iv.Neg, n, micro = true, -n, -micro
	}
	unitOf[strings.ToUpper(unit)](&iv, n)
	iv.Micro += micro
	return iv
}

// DayUnit reports whether a unit leaves the time of day alone.
func DayUnit(unit string) bool {
	switch strings.ToUpper(unit) {
	case "YEAR", "QUARTER", "MONTH", "WEEK", "DAY", "YEAR_MONTH":
		return true
	}
	return false
}

const most = 1 << 43 // more seconds than ten thousand years have, and microseconds of them fit an int64

// Span is the interval's length in microseconds, without years and months; ok is false if it is longer than any date allows.
func (iv Interval) Span() (micros int64, ok bool) {
	for _, n := range []int64{iv.Days, iv.Hours, iv.Minutes, iv.Secs} {
		if n < 0 || n > most {
			return 0, false
		}
	}
	sec := iv.Days*daySeconds + iv.Hours*3600 + iv.Minutes*60 + iv.Secs + iv.Micro/1e6
	if iv.Micro < 0 || sec < 0 || sec > 1<<39 {
		return 0, false
	}
	micros = sec*1e6 + iv.Micro%1e6
	if iv.Neg {
		micros = -micros
	}
	return micros, true
}

// Add is the date v plus the interval (date_add_interval); ok is false where that is no date. The result is a Datetime, unless the unit leaves
// the time of day alone.
func (v Value) Add(iv Interval, unit string) (Value, bool) {
	sign := int64(1)
	if iv.Neg {
		sign = -1
	}
	if max(iv.Years, iv.Months, iv.Days) > most || min(iv.Years, iv.Months, iv.Days) < 0 {
		return v, false
	}
	switch strings.ToUpper(unit) {
	case "DAY", "WEEK":
		n := DayNumber(v.Year, v.Month, v.Day) + sign*iv.Days
		if n < 0 || n > LastDay {
			return v, false
		}
		v.Year, v.Month, v.Day = OfDayNumber(n)
		return v, true
	case "YEAR": // a day that its month has not stays what it is, but for the leap day
		n := int64(v.Year) + sign*iv.Years
		if n < 0 || n >= 10000 {
			return v, false
		}
		v.Year = int(n)
		if v.Month == 2 && v.Day == 29 {
			v.Day = DaysInMonth(v.Year, 2)
		}
		return v, true
	case "QUARTER", "MONTH", "YEAR_MONTH":
		n := int64(v.Year)*12 + int64(v.Month) - 1 + sign*(iv.Years*12+iv.Months)
		if n < 0 || n >= 120000 {
			return v, false
		}
		v.Year, v.Month = int(n/12), int(n%12)+1
		v.Day = min(v.Day, DaysInMonth(v.Year, v.Month))
		return v, true
	}
	by, ok := iv.Span()
	if !ok {
		return v, false
	}
	return OfMoment(v.Moment() + by)
}

// Between is how many whole units lie between two datetimes, TIMESTAMPDIFF.
func Between(unit string, from, to Value) int64 {
	a, b := from.Moment(), to.Moment()
	sign := int64(1)
	if b < a {
		sign, from, to, a, b = -1, to, from, b, a
	}
	d := b - a
	switch strings.ToUpper(unit) {
	case "MICROSECOND":
		return sign * d
	case "SECOND":
		return sign * (d / 1e6)
	case "MINUTE":
		return sign * (d / 60e6)
	case "HOUR":
		return sign * (d / 3600e6)
	case "DAY":
		return sign * (d / (daySeconds * 1e6))
	case "WEEK":
		return sign * (d / (7 * daySeconds * 1e6))
	}
	months := int64(to.Year-from.Year)*12 + int64(to.Month-from.Month)
	if to.Day < from.Day || to.Day == from.Day && to.Clock() < from.Clock() {
		months--
	}
	switch strings.ToUpper(unit) {
	case "YEAR":
		months /= 12
	case "QUARTER":
		months /= 3
	}
	return sign * months
}
