package datum

import (
	"fmt"
	"strings"

	"github.com/cockroachdb/apd/v3"

	"github.com/zoryadb/zorya/engine/row"
)

// DECIMAL(p,s) is stored as MySQL does: the p-s digits before the point and the s digits after it, each cut into groups
// of nine decimal digits (counted from the point) of four bytes, big-endian; a shorter group at either end takes digitBytes bytes. The
// first bit is inverted, and a negative number has all its bytes inverted, so that bytes compare as numbers do.

// digitBytes is the size of a group of n digits.
var digitBytes = [10]int{0, 1, 1, 2, 2, 3, 3, 4, 4, 4}

func (c *Codec) encodeDecimal(d *apd.Decimal) (row.Datum, error) {
	digits, err := c.digits(d)
	if err != nil {
		return row.Datum{}, err
	}
	whole := c.precision - c.scale
	out := make([]byte, 0, decimalSize(c.precision, c.scale))
	lead := whole % 9
	if lead > 0 {
		out = appendGroup(out, digits[:lead])
	}
	for i := lead; i < whole; i += 9 {
		out = appendGroup(out, digits[i:i+9])
	}
	for i := whole; i < c.precision; i += 9 {
		out = appendGroup(out, digits[i:min(i+9, c.precision)])
	}
	if d.Negative && !d.IsZero() {
		for i := range out {
			out[i] = ^out[i]
		}
	}
	out[0] ^= 0x80
	return row.FromBytes(out), nil
}

// digits returns the absolute value's p digits without a point.
func (c *Codec) digits(d *apd.Decimal) (string, error) {
	if d.Form != apd.Finite {
		return "", fmt.Errorf("decimal %v is not finite", d)
	}
	s := strings.TrimPrefix(d.Text('f'), "-")
	whole, frac, _ := strings.Cut(s, ".")
	whole = strings.TrimLeft(whole, "0")
	if frac = strings.TrimRight(frac, "0"); len(frac) > c.scale || len(whole) > c.precision-c.scale {
		return "", fmt.Errorf("decimal %v is out of the range of DECIMAL(%d,%d)", d, c.precision, c.scale)
	}
	return strings.Repeat("0", c.precision-c.scale-len(whole)) + whole + frac + strings.Repeat("0", c.scale-len(frac)), nil
}

func (c *Codec) decodeDecimal(b []byte) (*apd.Decimal, error) {
	if len(b) != decimalSize(c.precision, c.scale) {
		return nil, fmt.Errorf("decimal of %d bytes in a DECIMAL(%d,%d) column", len(b), c.precision, c.scale)
	}
	d := &apd.Decimal{Negative: b[0]&0x80 == 0, Exponent: int32(-c.scale)}
	var flip byte
	if d.Negative {
		flip = 0xff
	}
	at, n := 0, uint64(0) // n are the digits that d has not yet
	var digits int
	group := func(size int) {
		v := uint64(0)
		for range digitBytes[size] {
			x := b[at] ^ flip
			if at == 0 {
				x ^= 0x80
			}
			v = v<<8 | uint64(x)
			at++
		}
		if digits+size > 18 {
			shiftIn(&d.Coeff, n, digits)
			n, digits = 0, 0
		}
		n, digits = n*powers[size]+v, digits+size
	}
	whole := c.precision - c.scale
	if whole%9 > 0 {
		group(whole % 9)
	}
	for range whole / 9 {
		group(9)
	}
	for i := c.scale; i > 0; i -= 9 {
		group(min(i, 9))
	}
	if c.precision <= 18 {
		d.Coeff.SetUint64(n)
	} else {
		shiftIn(&d.Coeff, n, digits)
	}
	return d, nil
}

// powers are those of ten.
var powers = [...]uint64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18}

// shiftIn puts digits behind those that a number has.
func shiftIn(to *apd.BigInt, v uint64, digits int) {
	var x apd.BigInt
	to.Mul(to, x.SetUint64(powers[digits]))
	to.Add(to, x.SetUint64(v))
}

func decimalSize(p, s int) int {
	w := p - s
	return w/9*4 + digitBytes[w%9] + s/9*4 + digitBytes[s%9]
}

func appendGroup[S []byte | string](dst []byte, digits S) []byte {
	v := uint32(0)
	for _, c := range []byte(digits) {
		v = v*10 + uint32(c-'0')
	}
	for n := digitBytes[len(digits)] - 1; n >= 0; n-- {
		dst = append(dst, byte(v>>(8*n)))
	}
	return dst
}

// AppendDecimal appends a stored DECIMAL as MySQL prints it: all digits behind the point, no zeros before the first.
func (c *Codec) AppendDecimal(dst, b []byte) ([]byte, error) {
	if len(b) != decimalSize(c.precision, c.scale) {
		return nil, fmt.Errorf("decimal of %d bytes in a DECIMAL(%d,%d) column", len(b), c.precision, c.scale)
	}
	var flip byte
	if b[0]&0x80 == 0 {
		flip = 0xff
		dst = append(dst, '-')
	}
	first := b[0] ^ 0x80 ^ flip
	at := 0
	group := func(n int) uint32 {
		v := uint32(0)
		for range digitBytes[n] {
			x := b[at] ^ flip
			if at == 0 {
				x = first
			}
			v = v<<8 | uint32(x)
			at++
		}
		return v
	}
	whole := c.precision - c.scale
	start := len(dst)
	if whole%9 > 0 {
		dst = appendDigits(dst, group(whole%9), whole%9)
	}
	for range whole / 9 {
		dst = appendDigits(dst, group(9), 9)
	}
	lead := start
	for lead < len(dst)-1 && dst[lead] == '0' {
		lead++
	}
	dst = append(dst[:start], dst[lead:]...)
	if len(dst) == start {
		dst = append(dst, '0')
	}
	if c.scale == 0 {
		return dst, nil
	}
	dst = append(dst, '.')
	for i := c.scale; i > 0; i -= 9 {
		n := min(i, 9)
		dst = appendDigits(dst, group(n), n)
	}
	return dst, nil
}

func appendDigits(dst []byte, v uint32, n int) []byte {
	at := len(dst)
	dst = append(dst, "000000000"[:n]...)
	for i := at + n - 1; i >= at; i-- {
		dst[i] = '0' + byte(v%10)
		v /= 10
	}
	return dst
}

// AppendFixed appends the stored form of v units of 10^-scale, which must have at most precision digits, of at most 18.
func (c *Codec) AppendFixed(dst []byte, v int64) []byte {
	negative := v < 0
	if negative {
		v = -v
	}
	var text [18]byte
	p := text[:c.precision]
	for i := len(p) - 1; i >= 0; i-- {
		p[i] = '0' + byte(v%10)
		v /= 10
	}
	at := len(dst)
	whole := c.precision - c.scale
	lead := whole % 9
	if lead > 0 {
		dst = appendGroup(dst, p[:lead])
	}
	for i := lead; i < whole; i += 9 {
		dst = appendGroup(dst, p[i:i+9])
	}
	for i := whole; i < c.precision; i += 9 {
		dst = appendGroup(dst, p[i:min(i+9, c.precision)])
	}
	if negative {
		for i := at; i < len(dst); i++ {
			dst[i] = ^dst[i]
		}
	}
	dst[at] ^= 0x80
	return dst
}

// Fixed returns a stored DECIMAL of at most 18 digits in units of 10^-scale.
func (c *Codec) Fixed(b []byte) (int64, error) {
	if len(b) != decimalSize(c.precision, c.scale) || c.precision > 18 {
		return 0, fmt.Errorf("decimal of %d bytes in a DECIMAL(%d,%d) column", len(b), c.precision, c.scale)
	}
	var flip byte
	if b[0]&0x80 == 0 {
		flip = 0xff
	}
	at, v := 0, int64(0)
	group := func(n int, unit int64) {
		g := int64(0)
		for range digitBytes[n] {
			x := b[at] ^ flip
			if at == 0 {
				x ^= 0x80
			}
			g = g<<8 | int64(x)
			at++
		}
		v = v*unit + g
	}
	whole := c.precision - c.scale
	if whole%9 > 0 {
		group(whole%9, 1)
	}
	for range whole / 9 {
		group(9, 1e9)
	}
	for i := c.scale; i > 0; i -= 9 {
		n := min(i, 9)
		unit := int64(1)
		for range n {
			unit *= 10
		}
		group(n, unit)
	}
	if flip != 0 {
		v = -v
	}
	return v, nil
}
