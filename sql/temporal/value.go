package temporal

// Kind is what a Value is.
type Kind uint8

// The kinds of values.
const (
	None Kind = iota
	Date
	Datetime
	Time
)

// Value is a date, a datetime or a time by its parts, so that zero dates (0000-00-00) and dates with zero parts (2024-00-10) exist. The hours of a
// Time go up to 838.
type Value struct {
	Year, Month, Day     int
	Hour, Minute, Second int
	Micro                int
	Neg                  bool // of a Time
	Kind                 Kind
}

const (
	// LastDay is the day number of 9999-12-31.
	LastDay = 3652424
	// DaysTo1970 is the day number of 1970-01-01.
	DaysTo1970 = 719528
	// MaxSeconds is the largest Time, 838:59:59, in seconds.
	MaxSeconds = 838*3600 + 59*60 + 59

	daySeconds = 86400
)

// Zero reports whether no part of the date is set.
func (v Value) Zero() bool { return v.Year == 0 && v.Month == 0 && v.Day == 0 }

// Partial reports whether the month or the day is zero.
func (v Value) Partial() bool { return v.Month == 0 || v.Day == 0 }

// Clock is the time of day, or the length of a Time, in microseconds, without its sign.
func (v Value) Clock() int64 {
	return (int64(v.Hour)*3600+int64(v.Minute)*60+int64(v.Second))*1e6 + int64(v.Micro)
}

// Span is Clock with the sign.
func (v Value) Span() int64 {
	if v.Neg {
		return -v.Clock()
	}
	return v.Clock()
}

// OfSpan is a Time of so many microseconds.
func OfSpan(micros int64) Value {
	v := Value{Kind: Time}
	if micros < 0 {
		v.Neg, micros = true, -micros
	}
	v.setClock(micros)
	return v
}

func (v *Value) setClock(micros int64) {
	v.Micro = int(micros % 1e6)
	sec := micros / 1e6
	v.Hour, v.Minute, v.Second = int(sec/3600), int(sec/60%60), int(sec%60)
}

// Moment is a date and time as microseconds since the day 0.
func (v Value) Moment() int64 {
	return DayNumber(v.Year, v.Month, v.Day)*daySeconds*1e6 + v.Clock()
}

// OfMoment is the Datetime so many microseconds since the day 0; ok is false for what is before 0000-01-01 or after 9999-12-31.
func OfMoment(micros int64) (v Value, ok bool) {
	day := micros / (daySeconds * 1e6)
	if micros < 0 || day > LastDay {
		return v, false
	}
	v.Kind = Datetime
	v.Year, v.Month, v.Day = OfDayNumber(day)
	v.setClock(micros % (daySeconds * 1e6))
	return v, true
}

// Leap reports whether the year has 366 days.
func Leap(year int) bool { return year&3 == 0 && (year%100 != 0 || year%400 == 0 && year != 0) }

func daysInYear(year int) int {
	if Leap(year) {
		return 366
	}
	return 365
}

// DaysInMonth is how many days a month has.
func DaysInMonth(year, month int) int {
	if month == 2 && Leap(year) {
		return 29
	}
	return [...]int{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}[month-1]
}

// DayNumber is TO_DAYS (calc_daynr).
func DayNumber(year, month, day int) int64 {
	if year == 0 && month == 0 {
		return 0
	}
	n := 365*year + 31*(month-1) + day
	if month <= 2 {
		year--
	} else {
		n -= (month*4 + 23) / 10
	}
	return int64(n + year/4 - (year/100+1)*3/4)
}

// OfDayNumber is the day of a number (get_date_from_daynr), 0000-00-00 for those of the year 0 and beyond LastDay.
func OfDayNumber(n int64) (year, month, day int) {
	if n <= 365 || n > LastDay {
		return 0, 0, 0
	}
	year = int(n * 100 / 36525)
	of := int(n) - (year*365 + (year-1)/4 - ((year-1)/100+1)*3/4)
	for of > daysInYear(year) {
		of -= daysInYear(year)
		year++
	}
	month = 1
	for of > DaysInMonth(year, month) {
		of -= DaysInMonth(year, month)
		month++
	}
	return year, month, of
}

// Weekday is the day of the week: 0 is Monday, or if sunday is set Sunday.
func Weekday(dayNumber int64, sunday bool) int {
	n := dayNumber + 5
	if sunday {
		n++
	}
	return int(n % 7)
}

// Ways to number weeks.
const (
	MondayFirst  = 1
	WeekYear     = 2 // from 1 to 53, of the year that has most of the week
	FirstWeekday = 4 // the first week is the first that has the day on which weeks begin, else the first with four days
)

// WeekMode is how WEEK's mode numbers weeks.
func WeekMode(mode int64) int {
	n := int(mode & 7)
	if n&MondayFirst == 0 {
		n ^= FirstWeekday
	}
	return n
}

// Week is the number of a date's week, and the year that it is of (calc_week).
func (v Value) Week(how int) (week, year int) {
	monday, within, first := how&MondayFirst != 0, how&WeekYear != 0, how&FirstWeekday != 0
	day := DayNumber(v.Year, v.Month, v.Day)
	begin := DayNumber(v.Year, 1, 1)
	weekday := Weekday(begin, !monday)
	year = v.Year
	late := func() bool { return first && weekday != 0 || !first && weekday >= 4 } // January 1 is in the last year's last week
	if v.Month == 1 && v.Day <= 7-weekday {
		if !within && late() {
			return 0, year
		}
		within = true
		year--
		days := daysInYear(year)
		begin -= int64(days)
		weekday = (weekday + 53*7 - days) % 7
	}
	begin -= int64(weekday)
	if late() {
		begin += 7
	}
	days := int(day - begin)
	if days < 0 { // of a zero month: MySQL's are unsigned
		days = int(uint32(days))
	}
	if within && days >= 52*7 {
		weekday = (weekday + daysInYear(year)) % 7
		if !late() {
			return 1, year + 1
		}
	}
	return days/7 + 1, year
}

// YearOf2 is the year that two digits mean: 00 to 69 are 2000 to 2069, 70 to 99 are 1970 to 1999.
func YearOf2(y int) int {
	switch {
	case y < 70:
		return y + 2000
	case y < 100:
		return y + 1900
	}
	return y
}
