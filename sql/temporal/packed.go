package temporal

import "time"

// Rows hold dates that no calendar has: 0000-00-00, dates with a zero month or day, and under ALLOW_INVALID_DATES 2024-02-31. So dates are counted on a calendar
// that has them all, of 13 months (0 to 12) of 32 days (0 to 31) a year: the numbers sort as the dates do.

// epoch is the day of 2000-00-00, which is stored as 0: what people store is mostly near it, and small numbers are short.
const epoch = 2000 * 13 * 32

const dayMicros = daySeconds * 1e6

// PackedDay is the date's day, counted from 2000-00-00 on the calendar of 13 months of 32 days.
func (v Value) PackedDay() int64 { return int64((v.Year*13+v.Month)*32+v.Day) - epoch }

// Packed is the date and time of day in microseconds since 2000-00-00 on that calendar.
func (v Value) Packed() int64 { return v.PackedDay()*dayMicros + v.Clock() }

// OfPackedDay is the Date of a PackedDay.
func OfPackedDay(day int64) Value {
	n := int(day + epoch)
	return Value{Year: n / (13 * 32), Month: n / 32 % 13, Day: n % 32, Kind: Date}
}

// OfPacked is the Datetime of a Packed.
func OfPacked(micros int64) Value {
	micros += epoch * dayMicros
	v := OfPackedDay(micros/dayMicros - epoch)
	v.Kind = Datetime
	v.setClock(micros % dayMicros)
	return v
}

// The general lane hands a date about as a time.Time, UTC: a date of the calendar as itself, 0000-00-00 as the last day before the year -1's December 1, where the
// library has it, with its time of day, and any other at the place that its packed day has, counted from a year that no date has. So its time of day is the
// time.Time's too. Only Compare knows the order of these.

// oddDays is how many days after 1970 the odd dates begin, in the year 29349.
const oddDays = 10_000_000

var zero = time.Date(0, 0, 0, 0, 0, 0, 0, time.UTC)

// Odd reports whether t is a date that the calendar lacks, other than 0000-00-00.
func Odd(t time.Time) bool { return t.Unix() >= oddDays*daySeconds }

// real reports whether the calendar of time.Time has the date, and MySQL's.
func (v Value) real() bool { return v.Month > 0 && v.Day > 0 && v.Day <= DaysInMonth(v.Year, v.Month) }

// Held is the date, or date and time, as a time.Time.
func (v Value) Held() time.Time {
	switch {
	case v.real():
		return time.Date(v.Year, time.Month(v.Month), v.Day, v.Hour, v.Minute, v.Second, v.Micro*1000, time.UTC)
	case v.Zero():
		return zero.Add(time.Duration(v.Clock()) * time.Microsecond)
	}
	return time.UnixMicro((oddDays+epoch+v.PackedDay())*dayMicros + v.Clock()).UTC()
}

// OfHeld is the Datetime that a time.Time holds.
func OfHeld(t time.Time) (v Value) {
	if Odd(t) {
		v = OfPackedDay(t.Unix()/daySeconds - oddDays - epoch)
	} else if year, month, day := t.Date(); year >= 0 {
		v.Year, v.Month, v.Day = year, int(month), day
	}
	v.Kind = Datetime
	v.Hour, v.Minute, v.Second = t.Clock()
	v.Micro = t.Nanosecond() / 1000
	return v
}

// Compare compares two dates that are held as time.Time.
func Compare(a, b time.Time) int {
	if Odd(a) == Odd(b) {
		return a.Compare(b)
	}
	if OfHeld(a).Packed() < OfHeld(b).Packed() {
		return -1
	}
	return 1
}

// Round is a date that is held as a time.Time with its time of day rounded to digits of a second. ok is false where that is after 9999, and where it is another second
// of a date to which none can be added.
func Round(t time.Time, digits int) (out time.Time, ok bool) {
	unit := time.Second
	for range digits {
		unit /= 10
	}
	out = t.Round(unit)
	if Odd(t) || t.Year() < 0 {
		return out, out.Unix() == t.Unix()
	}
	return out, out.Year() <= 9999
}
