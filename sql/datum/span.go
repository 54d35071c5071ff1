package datum

import (
	"github.com/dolthub/go-mysql-server/sql/types"

	"github.com/zoryadb/zorya/sql/temporal"
)

// Fraction is how many digits of a second temporal types can have.
const Fraction = 6

// MaxSpan is the largest TIME, 838:59:59, in microseconds; its negative is the smallest.
const MaxSpan = temporal.MaxSeconds * 1000000

// ReadSpan reads a TIME from the beginning of text, of a date and time what follows the date.
func ReadSpan(text string) (types.Timespan, temporal.Status) {
	v, st := temporal.ParseTime(text)
	return types.Timespan(v.Span()), st
}

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
