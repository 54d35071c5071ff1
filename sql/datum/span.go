package datum

import (
	"math"
	"strings"

	"github.com/dolthub/go-mysql-server/sql/types"
)

// Fraction is how many digits of a second temporal types can have.
const Fraction = 6

// MaxSpan is the largest TIME, 838:59:59, in microseconds; its negative is the smallest.
const MaxSpan = (838*3600 + 59*60 + 59) * 1000000

// SpanResult says what ReadSpan found.
type SpanResult uint8

// The results of ReadSpan: SpanRange has the nearest bound, SpanCut what stands before the text that is none.
const (
	SpanOK SpanResult = iota
	SpanBad
	SpanRange
	SpanCut
)

// ReadSpan reads a TIME from the beginning of text, as MySQL's str_to_time does: [-][D ]H:M[:S[.f]] or [-]HHMMSS[.f], or a date and time, of
// which the time counts. Fractions are rounded to microseconds.
func ReadSpan(text string) (at types.Timespan, res SpanResult) {
	s := clockOf(strings.TrimSpace(text))
	neg := strings.HasPrefix(s, "-")
	s = strings.TrimPrefix(s, "-")
	first, s, ok := number(s)
	if !ok {
		return 0, SpanBad
	}
	var h, m, sec int64
	switch {
	case strings.HasPrefix(s, " ") && len(s) > 1 && isDigit(s[1]):
		if h, s, _ = number(s[1:]); strings.HasPrefix(s, ":") {
			m, sec, s = minutes(s)
		}
		h += 24 * first
	case strings.HasPrefix(s, ":"):
		h = first
		m, sec, s = minutes(s)
	default:
		h, m, sec = first/10000, first/100%100, first%100
	}
	var micro int64
	if strings.HasPrefix(s, ".") {
		micro, s = fraction(s[1:])
	}
	if m > 59 || sec > 59 {
		return 0, SpanBad
	}
	if strings.TrimSpace(s) != "" {
		res = SpanCut
	}
	micro += (h*3600 + m*60 + sec) * 1e6
	if micro > MaxSpan {
		micro, res = MaxSpan, SpanRange
	}
	if neg {
		micro = -micro
	}
	return types.Timespan(micro), res
}

// clockOf is what follows the date in a date and time; s itself if it is none. YYYYMMDDhhmmss is one, too.
func clockOf(s string) string {
	digits := 0
	for digits < len(s) && isDigit(s[digits]) {
		digits++
	}
	switch {
	case digits == 12 || digits == 14:
		return s[digits-6:]
	case digits >= 2 && digits <= 4 && strings.Count(s, "-") >= 2 && len(s) >= 12:
		if at := strings.IndexAny(s, " T"); at > 0 {
			return strings.TrimLeft(s[at:], " T")
		}
	}
	return s
}

// minutes reads :M[:S].
func minutes(s string) (m, sec int64, rest string) {
	m, s, _ = number(s[1:])
	if strings.HasPrefix(s, ":") {
		sec, s, _ = number(s[1:])
	}
	return m, sec, s
}

// number reads digits; what is too large for any TIME stays large.
func number(s string) (n int64, rest string, ok bool) {
	i := 0
	for ; i < len(s) && isDigit(s[i]); i++ {
		n = min(n*10+int64(s[i]-'0'), math.MaxInt32)
	}
	return n, s[i:], i > 0
}

// fraction reads the digits behind the point as microseconds.
func fraction(s string) (micro int64, rest string) {
	unit := int64(1e6) // ten times the digit's worth in microseconds
	i := 0
	for ; i < len(s) && isDigit(s[i]); i++ {
		if unit == 1 && s[i] >= '5' {
			micro++
		}
		unit /= 10
		micro += int64(s[i]-'0') * unit
	}
	return micro, s[i:]
}

func isDigit(b byte) bool { return b >= '0' && b <= '9' }

// RoundSpan rounds to digits of a second, half away from zero; it stays within TIME's bounds.
func RoundSpan(at types.Timespan, digits int) types.Timespan {
	unit := int64(1)
	for i := digits; i < Fraction; i++ {
		unit *= 10
	}
	n := int64(at)
	half := unit / 2
	if n < 0 {
		half = -half
	}
	n = (n + half) / unit * unit
	return types.Timespan(min(max(n, -MaxSpan), MaxSpan))
}
