package temporal

import (
	"strings"
)

// Status says how a text or number was read.
type Status uint8

// What became of it: Cut was read from its beginning, and had more behind; Range was brought to the nearest bound; Bad is no value.
const (
	OK Status = iota
	Cut
	Range
	Bad
)

// Flags are what dates are allowed.
type Flags uint8

// Fuzzy allows zero months and days, NoZero forbids 0000-00-00, Invalid allows days that the month does not have, up to 31.
const (
	Fuzzy Flags = 1 << iota
	NoZero
	Invalid
	timeToo // a date must have a time behind a space (TIME_DATETIME_ONLY)
)

func digit(b byte) bool { return b >= '0' && b <= '9' }
func space(b byte) bool { return b == ' ' || b >= '\t' && b <= '\r' }
func punct(b byte) bool {
	return b > ' ' && b < 127 && !digit(b) && (b < 'a' || b > 'z') && (b < 'A' || b > 'Z')
}

// Fraction is how many digits of a second a text has behind its last point, at most six.
func Fraction(text string) int {
	_, f, _ := strings.Cut(text, ".")
	n := 0
	for n < len(f) && n < 6 && digit(f[n]) {
		n++
	}
	return n
}

// parts are the numbers that a text has, year first, as scanned.
type parts struct {
	n      [7]int
	width  [7]int
	count  int
	packed bool // digits only
	rest   string
	spaced bool // a space before the time
	marked bool // some punctuation
}

// scanParts reads up to seven numbers. Without punctuation the first run of digits is of fixed widths.
func scanParts(s string) (p parts, ok bool) {
	run := 0
	for run < len(s) && (digit(s[run]) || s[run] == 'T') {
		run++
	}
	most := 4
	if p.packed = run == len(s) || s[run] == '.'; p.packed && run != 4 && run != 8 && run < 14 {
		most = 2
	}
	i := 0
	for p.count < 7 && i < len(s) && digit(s[i]) {
		k := p.count
		from := i
		for i < len(s) && digit(s[i]) && (!p.packed && k != 6 || i-from < most) {
			if p.n[k] = p.n[k]*10 + int(s[i]-'0'); p.n[k] > 999999 {
				return p, false
			}
			i++
		}
		p.width[k] = i - from
		p.count++
		most = 2
		p.rest = s[i:]
		if i == len(s) {
			break
		}
		if k == 2 && s[i] == 'T' {
			i++
			p.rest, p.spaced = s[i:], true
			continue
		}
		if k == 5 {
			if s[i] != '.' {
				break
			}
			i++
			most = 6
			p.rest = s[i:]
			continue
		}
		for i < len(s) && (punct(s[i]) || space(s[i]) && (k == 2 || k == 6)) {
			if space(s[i]) {
				p.spaced = true
			} else {
				p.marked = true
			}
			i++
		}
		p.rest = s[i:]
		if k == 6 {
			break
		}
	}
	return p, true
}

// ParseDatetime reads a date, or a date and time. Any punctuation separates the parts, years may have two digits, and digits alone are read as
// YYMMDD, YYYYMMDD, YYMMDDhhmmss or YYYYMMDDhhmmss. Fractions are rounded to microseconds.
func ParseDatetime(text string, flags Flags) (v Value, st Status) {
	s := strings.TrimLeft(text, " \t\n\v\f\r")
	if s == "" || !digit(s[0]) {
		return v, Bad
	}
	p, ok := scanParts(s)
	if !ok || p.marked && !p.spaced && flags&timeToo != 0 || p.width[0] == 0 {
		return v, Bad
	}
	for w := p.width[6]; w < 6; w++ {
		p.n[6] *= 10
	}
	v = Value{Year: p.n[0], Month: p.n[1], Day: p.n[2], Hour: p.n[3], Minute: p.n[4], Second: p.n[5], Micro: p.n[6], Kind: Datetime}
	nonZero := v.Year+v.Month+v.Day+v.Hour+v.Minute+v.Second+v.Micro != 0
	if p.width[0] <= 2 && nonZero {
		v.Year = YearOf2(v.Year)
	}
	if p.count < 3 || !v.inBounds() || !v.exists(nonZero, flags) {
		return v, Bad
	}
	if p.count <= 3 {
		v.Kind = Date
	}
	rest := p.rest
	if p.count == 7 && rest != "" && digit(rest[0]) {
		up := rest[0] >= '5'
		rest = strings.TrimLeft(rest, "0123456789")
		if up {
			if v, ok = v.plusMicro(); !ok {
				return v, Bad
			}
		}
	}
	if strings.TrimSpace(rest) != "" {
		return v, Cut
	}
	return v, OK
}

func (v Value) inBounds() bool {
	return v.Year <= 9999 && v.Month <= 12 && v.Day <= 31 && v.Hour <= 23 && v.Minute <= 59 && v.Second <= 59
}

// exists reports whether the flags allow the date (check_date).
func (v Value) exists(nonZero bool, flags Flags) bool {
	if !nonZero {
		return flags&NoZero == 0
	}
	if v.Partial() {
		return flags&Fuzzy != 0
	}
	return flags&Invalid != 0 || v.Day <= DaysInMonth(v.Year, v.Month)
}

// Check reports whether the flags allow the date.
func (v Value) Check(flags Flags) bool { return v.exists(!v.Zero() || v.Clock() != 0, flags) }

// plusMicro is a microsecond later.
func (v Value) plusMicro() (Value, bool) {
	if v.Micro++; v.Micro < 1e6 {
		return v, true
	}
	v.Micro--
	if v.Partial() {
		return v, true
	}
	at, ok := OfMoment(v.Moment() + 1)
	return at, ok
}

// ParseTime reads a time: [-][D ]H:M[:S[.f]] or [-]HHMMSS[.f]; or a date and time, which is the Value then.
func ParseTime(text string) (v Value, st Status) {
	s := strings.TrimLeft(text, " \t\n\v\f\r")
	neg := strings.HasPrefix(s, "-")
	s = strings.TrimPrefix(s, "-")
	if s == "" {
		return v, Bad
	}
	if len(s) >= 12 {
		if at, st := ParseDatetime(s, Fuzzy|timeToo); st != Bad && at.Kind == Datetime {
			return at, st
		}
	}
	first, rest := whole(s)
	var h, m, sec int64
	var found bool
	after := strings.TrimLeft(rest, " \t")
	switch {
	case rest != s && after != rest && after != "" && digit(after[0]): // days
		h, rest = whole(after)
		if strings.HasPrefix(rest, ":") {
			m, sec, rest = minutes(rest)
		}
		h += 24 * first
		found = true
	case rest != s && len(rest) > 1 && rest[0] == ':' && digit(rest[1]):
		h = first
		m, sec, rest = minutes(rest)
		found = true
	case rest != s:
		h, m, sec = first/10000, first/100%100, first%100
		found = true
	}
	var micro int64
	if strings.HasPrefix(rest, ".") {
		if len(rest) > 1 && digit(rest[1]) {
			found = true
		}
		micro, rest = fraction(rest[1:])
	}
	if !found || m > 59 || sec > 59 {
		return v, Bad
	}
	if strings.TrimSpace(rest) != "" {
		st = Cut
	}
	micro += (h*3600 + m*60 + sec) * 1e6
	if micro > MaxSeconds*1e6 {
		micro, st = MaxSeconds*1e6, Range
	}
	v = OfSpan(micro)
	v.Neg = neg && micro != 0
	return v, st
}

// minutes reads :M[:S].
func minutes(s string) (m, sec int64, rest string) {
	m, s = whole(s[1:])
	if len(s) > 1 && s[0] == ':' && digit(s[1]) {
		sec, s = whole(s[1:])
	}
	return m, sec, s
}

// whole reads digits; what is too large for any time stays large.
func whole(s string) (n int64, rest string) {
	i := 0
	for ; i < len(s) && digit(s[i]); i++ {
		n = min(n*10+int64(s[i]-'0'), 1<<31-1)
	}
	return n, s[i:]
}

// fraction reads the digits behind the point as microseconds, rounded.
func fraction(s string) (micro int64, rest string) {
	i := 0
	for ; i < len(s) && digit(s[i]); i++ {
		switch {
		case i < 6:
			micro = micro*10 + int64(s[i]-'0')
		case i == 6 && s[i] >= '5':
			micro++
		}
	}
	for k := i; k < 6; k++ {
		micro *= 10
	}
	return micro, s[i:]
}

// OfNumber is the date or datetime that a whole number and millionths are: YYMMDD, YYYYMMDD, YYMMDDhhmmss or YYYYMMDDhhmmss.
func OfNumber(n, micro int64, flags Flags) (v Value, st Status) {
	if n == 0 && micro == 0 {
		v.Kind = Date
		if flags&NoZero != 0 {
			return v, Bad
		}
		return v, OK
	}
	kind := Datetime
	switch {
	case n < 101 || n > 99991231235959:
		return v, Bad
	case n >= 10000101000000:
	case n <= 99991231:
		kind = Date
		switch {
		case n <= 691231:
			n += 20000000
		case n < 700101:
			return v, Bad
		case n <= 991231:
			n += 19000000
		case n < 10000101 && flags&Fuzzy == 0:
			return v, Bad
		}
		n *= 1e6
	case n < 101000000:
		return v, Bad
	case n <= 691231235959:
		n += 20000000000000
	case n < 700101000000:
		return v, Bad
	case n <= 991231235959:
		n += 19000000000000
	}
	day, clock := int(n/1e6), int(n%1e6)
	v = Value{Year: day / 10000, Month: day / 100 % 100, Day: day % 100, Hour: clock / 10000, Minute: clock / 100 % 100, Second: clock % 100, Kind: kind}
	if kind == Datetime {
		v.Micro = int(micro)
	}
	if !v.inBounds() || !v.exists(true, flags) {
		return v, Bad
	}
	return v, OK
}

// TimeOfNumber is the time that a whole number and millionths are: HHMMSS, or a datetime.
func TimeOfNumber(n, micro int64, neg bool) (v Value, st Status) {
	if n > 8385959 {
		if n >= 10000000000 && !neg {
			if at, st := OfNumber(n, micro, Fuzzy); st != Bad {
				return at, st
			}
		}
		if n%100 > 59 || n/100%100 > 59 {
			return v, Bad
		}
		v = OfSpan(MaxSeconds * 1e6)
		v.Neg = neg
		return v, Range
	}
	v = Value{Hour: int(n / 10000), Minute: int(n / 100 % 100), Second: int(n % 100), Micro: int(micro), Kind: Time, Neg: neg}
	if v.Minute > 59 || v.Second > 59 {
		return v, Bad
	}
	if v.Clock() > MaxSeconds*1e6 {
		v.Micro = 0
		return v, Range
	}
	return v, OK
}
