package fastlane

import (
	"bytes"
	"math"
	"math/bits"
	"strconv"
)

// Exact numbers are an int64 of units of 10^-scale. What does not fit declines.

// pow10 are the powers of ten that an int64 holds.
var pow10 = func() (p [19]int64) {
	p[0] = 1
	for i := 1; i < len(p); i++ {
		p[i] = p[i-1] * 10
	}
	return p
}()

func abs(v int64) int64 {
	if v < 0 {
		return -v
	}
	return v
}

// rescale changes the scale; false when digits would be lost.
func rescale(v int64, from, to int) (int64, bool) {
	for ; from > to; from-- {
		if v%10 != 0 {
			return 0, false
		}
		v /= 10
	}
	if to-from >= len(pow10) {
		return 0, v == 0
	}
	return times(v, pow10[to-from])
}

func times(a, b int64) (int64, bool) {
	hi, lo := bits.Mul64(uint64(abs(a)), uint64(abs(b)))
	if hi != 0 || lo > math.MaxInt64 || a == math.MinInt64 || b == math.MinInt64 {
		return 0, false
	}
	if (a < 0) != (b < 0) {
		return -int64(lo), true
	}
	return int64(lo), true
}

func plus(a, b int64) (int64, bool) {
	v := a + b
	return v, (a >= 0) != (b >= 0) || (v >= 0) == (a >= 0)
}

// fixed reads an integer, a decimal literal, or a string that is one as it would be printed.
func (a *Arg) fixed() (v int64, scale int, ok bool) {
	switch a.Kind {
	case ArgInt:
		d, ok := a.int64()
		return d.Int(), 0, ok
	case ArgDecimal:
		v, scale, ok = digits(a.B)
		if a.Neg {
			v = -v
		}
		return v, scale, ok
	case ArgString:
		b := a.B
		neg := len(b) > 0 && b[0] == '-'
		if neg {
			b = b[1:]
		}
		if len(b) == 0 || b[0] < '0' || b[0] > '9' || b[len(b)-1] == '.' {
			return 0, 0, false
		}
		v, scale, ok = digits(b)
		if neg {
			v = -v
		}
		return v, scale, ok
	}
	return 0, 0, false
}

func digits(b []byte) (v int64, scale int, ok bool) {
	point := -1
	n := 0
	for i, c := range b {
		if c == '.' && point < 0 {
			point = i
			continue
		}
		if c < '0' || c > '9' {
			return 0, 0, false
		}
		if v != 0 || c != '0' {
			n++
		}
		if n > fixedDigits {
			return 0, 0, false
		}
		v = v*10 + int64(c-'0')
	}
	if point >= 0 {
		scale = len(b) - 1 - point
	}
	return v, scale, len(b) > 0
}

func parseFloat(a *Arg) (float64, bool) {
	f, err := strconv.ParseFloat(string(a.B), 64)
	if a.Neg {
		f = -f
	}
	return f, err == nil
}

// fixedOf rounds a DOUBLE to a decimal with scale digits behind the point: the shortest decimal that reads back as f, half away from zero, as
// MySQL and the library do. It reports false for what an int64 may not hold.
func fixedOf(f float64, scale int) (v int64, ok bool) {
	var buf [32]byte
	text := strconv.AppendFloat(buf[:0], math.Abs(f), 'e', -1, 64) // d.ddde±dd
	e := bytes.IndexByte(text, 'e')
	exp := 0
	for _, c := range text[e+2:] {
		exp = exp*10 + int(c-'0')
	}
	if text[e+1] == '-' {
		exp = -exp
	}
	keep := 1 + exp + scale // digits that stay
	switch {
	case keep > fixedDigits:
		return 0, f == 0
	case keep < 0:
		return 0, true
	}
	n := 0
	for _, c := range text[:e] {
		if c == '.' {
			continue
		}
		if n == keep {
			if c >= '5' {
				v++
			}
			break
		}
		v = v*10 + int64(c-'0')
		n++
	}
	for ; n < keep; n++ {
		v *= 10
	}
	if f < 0 {
		v = -v
	}
	return v, true
}

// sum is a 128-bit accumulator.
type sum struct {
	hi    int64
	lo    uint64
	count int64
}

// add adds a signed number, addUint an unsigned one.
func (s *sum) add(v int64) {
	var carry uint64
	s.lo, carry = bits.Add64(s.lo, uint64(v), 0)
	s.hi += v>>63 + int64(carry)
}

func (s *sum) addUint(v uint64) {
	var carry uint64
	s.lo, carry = bits.Add64(s.lo, v, 0)
	s.hi += int64(carry)
}

// float rounds the sum to a DOUBLE.
func (s *sum) float() float64 {
	if s.hi == int64(s.lo)>>63 {
		return float64(int64(s.lo))
	}
	return float64(s.hi)*(1<<64) + float64(s.lo)
}

// append appends the sum in decimal digits, the last scale of them behind a point.
func (s *sum) append(dst []byte, scale int) []byte {
	hi, lo := uint64(s.hi), s.lo
	if s.hi < 0 {
		dst = append(dst, '-')
		var borrow uint64
		lo, borrow = bits.Sub64(0, lo, 0)
		hi, _ = bits.Sub64(0, hi, borrow)
	}
	var buf [40]byte
	text := appendWide(buf[:0], hi, lo)
	for len(text) <= scale {
		text = append(text, 0)
		copy(text[1:], text)
		text[0] = '0'
	}
	dst = append(dst, text[:len(text)-scale]...)
	if scale > 0 {
		dst = append(append(dst, '.'), text[len(text)-scale:]...)
	}
	return dst
}

// appendWide appends hi * 2^64 + lo; hi is below 2^63.
func appendWide(dst []byte, hi, lo uint64) []byte {
	if hi == 0 {
		return strconv.AppendUint(dst, lo, 10)
	}
	// Divide by 10^19 in two steps.
	const unit = 1e19
	q1, r1 := hi/unit, hi%unit
	q0, rem := bits.Div64(r1, lo, unit)
	if q1 > 0 {
		dst = strconv.AppendUint(dst, q1, 10)
		dst = appendPadded(dst, q0)
	} else {
		dst = strconv.AppendUint(dst, q0, 10)
	}
	return appendPadded(dst, rem)
}

// appendPadded appends v in 19 digits.
func appendPadded(dst []byte, v uint64) []byte {
	var d [19]byte
	for i := len(d) - 1; i >= 0; i-- {
		d[i] = byte('0' + v%10)
		v /= 10
	}
	return append(dst, d[:]...)
}

// average divides by the count, to places digits more than the sum has, and rounds half away from zero. It reports false beyond 64 bits.
func (s *sum) average(places int) (int64, bool) {
	if s.hi != int64(s.lo)>>63 || places > 18 {
		return 0, false
	}
	v, ok := times(int64(s.lo), pow10[places])
	if !ok {
		return 0, false
	}
	q, r := v/s.count, v%s.count
	if 2*abs(r) >= s.count {
		if v < 0 {
			q--
		} else {
			q++
		}
	}
	return q, true
}
