package datum

import (
	"math"
	"strconv"
	"strings"
)

// FloatText is a DOUBLE as the text of at most width characters that a column of characters keeps: with all its digits where they have room, else rounded to those that have, with an
// exponent if that saves more of them (my_gcvt). cut reports that not even the whole digits have room; the text is longer than width then.
func FloatText(f float64, width int) (text string, cut bool) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return "0", true
	}
	sign := ""
	if f < 0 {
		sign, f = "-", -f
		width--
	}
	digits, point := floatDigits(f, 'e', width-1)
	exponent := 1 // the characters of its digits
	if point >= 11 || point <= -9 {
		exponent++
	}
	if point >= 101 || point <= -99 {
		exponent++
	}
	plain := max(point, 0)
	switch {
	case point <= 0:
		plain = len(digits) - point + 2
	case point < len(digits):
		plain = len(digits) + 1
	}
	room := plain <= width
	none := point < 0 && width <= 2-point && width >= 3+exponent // no digit has room behind the zeros, and one has with an exponent
	const most = 15                                              // whole digits, and zeros behind the point, that are written out
	fixed := room && point >= -most+1 && (point <= most || len(digits) > point) ||
		!room && !none && point <= width && (point >= -1 || point == -2)
	if fixed {
		text, cut = fixedDigits(f, digits, point, width)
	} else {
		text, cut = exponentDigits(f, digits, point, width-exponent)
	}
	if text == "0" {
		return text, cut
	}
	return sign + text, cut
}

// floatDigits are the digits of a number, at most as many as n says as strconv counts them, and where its point is: 0.digits * 10^point.
func floatDigits(f float64, format byte, n int) (digits string, point int) {
	text := strconv.FormatFloat(f, 'e', -1, 64)
	if given := strconv.FormatFloat(f, format, max(n, 0), 64); format == 'e' && len(given) < len(text) || format == 'f' && decimals(text) > n {
		text = given
	}
	mantissa, e, _ := strings.Cut(text, "e")
	exp, _ := strconv.Atoi(e) // of 'f' there is none: 0
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits, point = whole+fraction, len(whole)+exp
	trimmed := strings.TrimLeft(digits, "0")
	point -= len(digits) - len(trimmed)
	return strings.TrimRight(trimmed, "0"), point
}

// decimals counts the digits behind the point of a number that strconv wrote with an exponent.
func decimals(text string) int {
	mantissa, e, _ := strings.Cut(text, "e")
	exp, _ := strconv.Atoi(e) // strconv wrote it
	_, fraction, _ := strings.Cut(mantissa, ".")
	return len(fraction) - exp
}

func fixedDigits(f float64, digits string, point, width int) (text string, cut bool) {
	if point < len(digits) {
		width--
	}
	if point <= 0 {
		width -= 1 - point
	}
	if width < len(digits) {
		if cut = width < point; cut {
			width = point
		}
		digits, point = floatDigits(f, 'f', width-point)
	}
	switch {
	case digits == "":
		return "0", cut
	case point <= 0:
		return "0." + strings.Repeat("0", -point) + digits, cut
	case point < len(digits):
		return digits[:point] + "." + digits[point:], cut
	}
	return digits + strings.Repeat("0", point-len(digits)), cut
}

// exponentDigits is the form with an exponent, for whose digits room is left already.
func exponentDigits(f float64, digits string, point, width int) (text string, cut bool) {
	width-- // the e
	if point-1 < 0 {
		width--
	}
	if len(digits) > 1 {
		width--
	}
	if cut = width <= 0; cut {
		width = 0
	}
	if width < len(digits) {
		digits, point = floatDigits(f, 'e', width-1)
	}
	text = digits[:1]
	if len(digits) > 1 {
		text += "." + digits[1:]
	}
	return text + "e" + strconv.Itoa(point-1), cut
}
