package general

import (
	"strings"
	"time"
	"unicode"
)

// parseDateText reads a date, or a date and time, in the forms that MySQL takes and the library does not: only digits (YYMMDD, YYYYMMDD,
// YYMMDDhhmmss, YYYYMMDDhhmmss), any punctuation between the parts, parts of any length. ok is false for what is no date, and for what
// has more after it.
func parseDateText(text string) (at time.Time, ok bool) {
	s := strings.TrimSpace(text)
	digits := 0
	for digits < len(s) && (isDigit(s[digits]) || s[digits] == 'T') {
		digits++
	}
	if digits == 0 {
		return at, false
	}
	packed := digits == len(s) || s[digits] == '.' && strings.Count(s, ".") == 1 && digits >= 6
	var part [7]int
	year := 4
	if packed && digits != 4 && digits != 8 && digits < 14 {
		year = 2
	}
	n, i := 0, 0
	for ; n < len(part) && i < len(s) && isDigit(s[i]); n++ {
		most := 2
		switch {
		case n == 0:
			most = year
		case n == 6:
			most = 6
		}
		from := i
		for i < len(s) && isDigit(s[i]) && (!packed && n != 6 || i-from < most) {
			if part[n] = 10*part[n] + int(s[i]-'0'); part[n] > 999999 {
				return at, false
			}
			i++
		}
		if n == 0 && !packed {
			year = i - from
		}
		if n == 6 {
			for k := i - from; k < 6; k++ {
				part[n] *= 10
			}
		}
		switch {
		case n == 2 && i < len(s) && s[i] == 'T':
			i++
		case n == 5 && i < len(s) && s[i] == '.':
			i++
		case n == 5:
			n++ // no fraction
			goto read
		default:
			for i < len(s) && (unicode.IsPunct(rune(s[i])) || unicode.IsSymbol(rune(s[i])) || s[i] == ' ' && n == 2) {
				i++
			}
		}
	}
read:
	if n < 3 || i < len(s) {
		return at, false
	}
	if year == 2 {
		if part[0] < 70 {
			part[0] += 2000
		} else {
			part[0] += 1900
		}
	}
	if part[1] < 1 || part[1] > 12 || part[2] < 1 || part[3] > 23 || part[4] > 59 || part[5] > 59 {
		return at, false
	}
	at = time.Date(part[0], time.Month(part[1]), part[2], part[3], part[4], part[5], part[6]*1000, time.UTC)
	return at, at.Day() == part[2] && part[0] > 0
}

func isDigit(b byte) bool { return b >= '0' && b <= '9' }
