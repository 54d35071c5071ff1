package wire

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
)

// AppendFloat appends a FLOAT (bits 32) or DOUBLE (bits 64) as MySQL prints it: with decimals digits behind the point when the
// column fixes them (decimals < NotFixedDecimals), else the shortest text that reads back, an exponent only outside
// 1e-15 <= |v| < 1e15. FLOAT shows six significant digits.
func AppendFloat(b []byte, v float64, bits, decimals int) []byte {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return append(b, '0')
	}
	if decimals < NotFixedDecimals {
		return strconv.AppendFloat(b, v, 'f', decimals, 64)
	}
	prec := -1
	if bits == 32 {
		prec = 5
	}
	var tmp [32]byte
	s := strconv.AppendFloat(tmp[:0], v, 'e', prec, 64)
	if s[0] == '-' {
		b = append(b, '-')
		s = s[1:]
	}
	e := len(s) - 1
	for s[e] != 'e' {
		e--
	}
	exp := atoi(s[e+1:])
	var digits [24]byte
	d := append(digits[:0], s[0])
	if e > 2 {
		d = append(d, s[2:e]...)
	}
	for len(d) > 1 && d[len(d)-1] == '0' {
		d = d[:len(d)-1]
	}
	return appendDigits(b, d, exp+1)
}

// appendDigits appends 0.d * 10^point.
func appendDigits(b, d []byte, point int) []byte {
	if len(d) == 1 && d[0] == '0' {
		return append(b, '0')
	}
	switch {
	case point < -14 || point > 15 && len(d) <= point:
		b = append(b, d[0])
		if len(d) > 1 {
			b = append(append(b, '.'), d[1:]...)
		}
		return strconv.AppendInt(append(b, 'e'), int64(point-1), 10)
	case point <= 0:
		b = append(b, '0', '.')
		for ; point < 0; point++ {
			b = append(b, '0')
		}
		return append(b, d...)
	case point >= len(d):
		b = append(b, d...)
		for n := len(d); n < point; n++ {
			b = append(b, '0')
		}
		return b
	}
	b = append(b, d[:point]...)
	return append(append(b, '.'), d[point:]...)
}

// atoi reads the exponent that strconv wrote.
func atoi(s []byte) int {
	n := 0
	for _, c := range s[1:] {
		n = n*10 + int(c-'0')
	}
	if s[0] == '-' {
		return -n
	}
	return n
}

func append2(b []byte, v uint8) []byte { return append(b, '0'+v/10%10, '0'+v%10) }

// appendDate appends YYYY-MM-DD.
func appendDate(b []byte, d DateTime) []byte {
	b = append2(append2(b, uint8(d.Year/100%100)), uint8(d.Year%100))
	b = append2(append(b, '-'), d.Month)
	return append2(append(b, '-'), d.Day)
}

// appendClock appends HH:MM:SS and decimals digits of the fraction (none when decimals is not 1 to 6).
func appendClock(b []byte, hour uint64, minute, second uint8, micro uint32, decimals uint8) []byte {
	if hour < 100 {
		b = append2(b, uint8(hour))
	} else {
		b = strconv.AppendUint(b, hour, 10)
	}
	b = append2(append(b, ':'), minute)
	b = append2(append(b, ':'), second)
	if decimals == 0 || decimals > 6 {
		return b
	}
	b = append(b, '.')
	for i, unit := uint8(0), uint32(100000); i < decimals; i, unit = i+1, unit/10 {
		b = append(b, '0'+byte(micro/unit%10))
	}
	return b
}

// appendBinaryDateTime appends the length-prefixed binary form, as short as the value allows.
func appendBinaryDateTime(b []byte, d DateTime, dateOnly bool) []byte {
	n := byte(11)
	switch {
	case d == DateTime{}:
		return append(b, 0)
	case dateOnly || d.Hour == 0 && d.Minute == 0 && d.Second == 0 && d.Micro == 0:
		n = 4
	case d.Micro == 0:
		n = 7
	}
	b = append(b, n)
	b = binary.LittleEndian.AppendUint16(b, d.Year)
	b = append(b, d.Month, d.Day)
	if n > 4 {
		b = append(b, d.Hour, d.Minute, d.Second)
	}
	if n > 7 {
		b = binary.LittleEndian.AppendUint32(b, d.Micro)
	}
	return b
}

// appendBinaryTime appends the length-prefixed binary form of a TIME.
func appendBinaryTime(b []byte, t Time) []byte {
	if (t == Time{Neg: t.Neg}) {
		return append(b, 0)
	}
	n := byte(8)
	if t.Micro != 0 {
		n = 12
	}
	neg := byte(0)
	if t.Neg {
		neg = 1
	}
	b = append(b, n, neg)
	b = binary.LittleEndian.AppendUint32(b, uint32(t.Hour/24))
	b = append(b, byte(t.Hour%24), t.Minute, t.Second)
	if n == 12 {
		b = binary.LittleEndian.AppendUint32(b, t.Micro)
	}
	return b
}

// ParseDateTime reads 'YYYY-MM-DD', optionally followed by ' HH:MM:SS' and a fraction of up to six digits. It checks the form, not the calendar.
func ParseDateTime(s string) (DateTime, error) {
	var d DateTime
	p := textParser{s: s}
	d.Year = uint16(p.number(4, '-'))
	d.Month = uint8(p.number(2, '-'))
	d.Day = uint8(p.number(2, 0))
	if p.s != "" {
		if p.s[0] != ' ' && p.s[0] != 'T' {
			p.bad = true
		}
		p.s = p.s[1:]
		d.Hour = uint8(p.number(2, ':'))
		d.Minute = uint8(p.number(2, ':'))
		d.Second = uint8(p.number(2, 0))
		d.Micro = p.fraction()
	}
	if p.bad || p.s != "" {
		return DateTime{}, fmt.Errorf("%q is not a date and time", s)
	}
	return d, nil
}

// ParseTime reads '[-]H...H:MM:SS' and a fraction of up to six digits.
func ParseTime(s string) (Time, error) {
	var t Time
	p := textParser{s: s}
	if s != "" && s[0] == '-' {
		t.Neg = true
		p.s = s[1:]
	}
	t.Hour = uint16(p.number(3, ':'))
	t.Minute = uint8(p.number(2, ':'))
	t.Second = uint8(p.number(2, 0))
	t.Micro = p.fraction()
	if p.bad || p.s != "" {
		return Time{}, fmt.Errorf("%q is not a time", s)
	}
	return t, nil
}

// textParser takes digits from the front of a string.
type textParser struct {
	s   string
	bad bool
}

// number reads up to width digits, at least one, and the separator behind them (0 for none).
func (p *textParser) number(width int, sep byte) uint32 {
	n, i := uint32(0), 0
	for i < len(p.s) && i < width && p.s[i] >= '0' && p.s[i] <= '9' {
		n = n*10 + uint32(p.s[i]-'0')
		i++
	}
	if i == 0 || sep != 0 && (i >= len(p.s) || p.s[i] != sep) {
		p.bad, p.s = true, ""
		return 0
	}
	if sep != 0 {
		i++
	}
	p.s = p.s[i:]
	return n
}

// fraction reads ".d" to ".dddddd" as microseconds, 0 when there is none.
func (p *textParser) fraction() uint32 {
	if p.s == "" || p.s[0] != '.' {
		return 0
	}
	p.s = p.s[1:]
	n := uint32(0)
	for i := range 6 {
		d := byte('0')
		if i < len(p.s) {
			d = p.s[i]
		}
		if d < '0' || d > '9' {
			p.bad = true
			return 0
		}
		n = n*10 + uint32(d-'0')
	}
	p.s = p.s[min(6, len(p.s)):]
	return n
}
