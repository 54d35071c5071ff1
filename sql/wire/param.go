package wire

import (
	"encoding/binary"
	"math"
)

// ParamKind is the neutral kind of a parameter: what remains of its wire type once the value is decoded.
type ParamKind uint8

const (
	ParamNull     ParamKind = iota
	ParamInt                // Param.Int
	ParamUint               // Param.Uint
	ParamFloat              // Param.Float (FLOAT values are widened)
	ParamDecimal            // Param.Bytes: the digits as text
	ParamString             // Param.Bytes in character_set_client
	ParamBytes              // Param.Bytes: binary
	ParamDate               // Param.DateTime, no time part
	ParamDateTime           // Param.DateTime
	ParamTime               // Param.Time
)

// Param is the value of a placeholder or a query attribute. Its bytes are valid until the Session method returns.
type Param struct {
	Kind ParamKind
	Type Type // as the client sent it
	num  uint64
	buf  []byte
}

// Int returns a ParamInt's value.
func (p *Param) Int() int64 { return int64(p.num) }

// Uint returns a ParamUint's value.
func (p *Param) Uint() uint64 { return p.num }

// Float returns a ParamFloat's value.
func (p *Param) Float() float64 { return math.Float64frombits(p.num) }

// Bytes returns the value of a ParamDecimal, ParamString or ParamBytes.
func (p *Param) Bytes() []byte { return p.buf }

// DateTime returns the value of a ParamDate or ParamDateTime.
func (p *Param) DateTime() DateTime {
	n := p.num
	return DateTime{
		Micro: uint32(n & 0xfffff), Second: uint8(n >> 20 & 63), Minute: uint8(n >> 26 & 63), Hour: uint8(n >> 32 & 31),
		Day: uint8(n >> 37 & 31), Month: uint8(n >> 42 & 15), Year: uint16(n >> 46),
	}
}

func packDateTime(d DateTime) uint64 {
	return uint64(d.Micro) | uint64(d.Second)<<20 | uint64(d.Minute)<<26 | uint64(d.Hour)<<32 |
		uint64(d.Day)<<37 | uint64(d.Month)<<42 | uint64(d.Year)<<46
}

// Time returns a ParamTime's value.
func (p *Param) Time() Time {
	n := p.num
	return Time{Micro: uint32(n & 0xfffff), Second: uint8(n >> 20 & 63), Minute: uint8(n >> 26 & 63),
		Hour: uint16(n >> 32 & 0xffff), Neg: n>>48 != 0}
}

func packTime(t Time) uint64 {
	n := uint64(t.Micro) | uint64(t.Second)<<20 | uint64(t.Minute)<<26 | uint64(t.Hour)<<32
	if t.Neg {
		n |= 1 << 48
	}
	return n
}

// Constructors for tests and for the client side.

// NullParam returns NULL.
func NullParam() Param { return Param{Kind: ParamNull, Type: TypeNull} }

// IntParam returns a BIGINT.
func IntParam(v int64) Param { return Param{Kind: ParamInt, Type: TypeLongLong, num: uint64(v)} }

// UintParam returns a BIGINT UNSIGNED.
func UintParam(v uint64) Param { return Param{Kind: ParamUint, Type: TypeLongLong, num: v} }

// FloatParam returns a DOUBLE.
func FloatParam(v float64) Param {
	return Param{Kind: ParamFloat, Type: TypeDouble, num: math.Float64bits(v)}
}

// StringParam returns a character string.
func StringParam(v string) Param {
	return Param{Kind: ParamString, Type: TypeVarString, buf: []byte(v)}
}

// BytesParam returns a binary string.
func BytesParam(v []byte) Param { return Param{Kind: ParamBytes, Type: TypeBlob, buf: v} }

// DateTimeParam returns a DATETIME.
func DateTimeParam(d DateTime) Param {
	return Param{Kind: ParamDateTime, Type: TypeDateTime, num: packDateTime(d)}
}

// TimeParam returns a TIME.
func TimeParam(t Time) Param { return Param{Kind: ParamTime, Type: TypeTime, num: packTime(t)} }

// paramType is a parameter's type as the client announced it: the type and, in bit 15, unsigned.
type paramType uint16

const unsignedParam paramType = 1 << 15

// readParam decodes one value.
func readParam(c *cursor, pt paramType) Param {
	t := Type(pt)
	unsigned := pt&unsignedParam != 0
	switch t {
	case TypeNull:
		return Param{Kind: ParamNull, Type: t}
	case TypeTiny, TypeBool:
		return intParam(t, unsigned, int64(int8(c.u8())), 0xff)
	case TypeShort, TypeYear:
		return intParam(t, unsigned, int64(int16(c.u16())), 0xffff)
	case TypeLong, TypeInt24:
		return intParam(t, unsigned, int64(int32(c.u32())), 0xffffffff)
	case TypeLongLong:
		return intParam(t, unsigned, int64(c.u64()), math.MaxUint64)
	case TypeFloat:
		return Param{Kind: ParamFloat, Type: t, num: math.Float64bits(float64(math.Float32frombits(c.u32())))}
	case TypeDouble:
		return Param{Kind: ParamFloat, Type: t, num: c.u64()}
	case TypeDate, TypeNewDate:
		return Param{Kind: ParamDate, Type: t, num: packDateTime(readDateTime(c))}
	case TypeDateTime, TypeTimestamp:
		return Param{Kind: ParamDateTime, Type: t, num: packDateTime(readDateTime(c))}
	case TypeTime:
		return Param{Kind: ParamTime, Type: t, num: packTime(readTime(c))}
	case TypeDecimal, TypeNewDecimal:
		return Param{Kind: ParamDecimal, Type: t, buf: c.lenencBytes()}
	case TypeVarChar, TypeVarString, TypeString, TypeEnum, TypeSet, TypeJSON:
		return Param{Kind: ParamString, Type: t, buf: c.lenencBytes()}
	case TypeTinyBlob, TypeMediumBlob, TypeLongBlob, TypeBlob, TypeBit, TypeGeometry:
		return Param{Kind: ParamBytes, Type: t, buf: c.lenencBytes()}
	}
	c.bad = true
	return Param{}
}

func intParam(t Type, unsigned bool, v int64, mask uint64) Param {
	if unsigned {
		return Param{Kind: ParamUint, Type: t, num: uint64(v) & mask}
	}
	return Param{Kind: ParamInt, Type: t, num: uint64(v)}
}

// readDateTime decodes the binary form. A value outside what the fields can hold makes the packet malformed.
func readDateTime(c *cursor) DateTime {
	var d DateTime
	p := cursor{b: c.take(int(c.u8()))}
	switch len(p.b) {
	case 0:
		return d
	case 4, 7, 11:
	default:
		c.bad = true
		return d
	}
	full := len(p.b)
	d.Year, d.Month, d.Day = p.u16(), p.u8(), p.u8()
	if full >= 7 {
		d.Hour, d.Minute, d.Second = p.u8(), p.u8(), p.u8()
	}
	if full == 11 {
		d.Micro = p.u32()
	}
	if d.Year > 9999 || d.Month > 12 || d.Day > 31 || d.Hour > 23 || d.Minute > 59 || d.Second > 59 || d.Micro > 999999 {
		c.bad = true
		return DateTime{}
	}
	return d
}

func readTime(c *cursor) Time {
	var t Time
	p := cursor{b: c.take(int(c.u8()))}
	switch len(p.b) {
	case 0:
		return t
	case 8, 12:
	default:
		c.bad = true
		return t
	}
	full := len(p.b)
	t.Neg = p.u8() != 0
	days, hours := p.u32(), p.u8()
	t.Minute, t.Second = p.u8(), p.u8()
	if full == 12 {
		t.Micro = p.u32()
	}
	if days > 34 || hours > 23 || t.Minute > 59 || t.Second > 59 || t.Micro > 999999 {
		c.bad = true
		return Time{}
	}
	t.Hour = uint16(days)*24 + uint16(hours)
	return t
}

// appendParam encodes a value the way readParam reads it back, as its Kind's own type.
func appendParam(b []byte, p *Param) []byte {
	switch p.Kind {
	case ParamNull:
		return b
	case ParamInt, ParamUint, ParamFloat:
		return binary.LittleEndian.AppendUint64(b, p.num)
	case ParamDate, ParamDateTime:
		return appendBinaryDateTime(b, p.DateTime(), p.Kind == ParamDate)
	case ParamTime:
		return appendBinaryTime(b, p.Time())
	}
	return appendLenencString(b, p.buf)
}
