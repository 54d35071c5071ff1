package wire

import (
	"bytes"
	"encoding/binary"
)

// appendLenenc appends a length-encoded integer.
func appendLenenc(b []byte, n uint64) []byte {
	switch {
	case n < 251:
		return append(b, byte(n))
	case n < 1<<16:
		return append(b, 0xfc, byte(n), byte(n>>8))
	case n < 1<<24:
		return append(b, 0xfd, byte(n), byte(n>>8), byte(n>>16))
	}
	return binary.LittleEndian.AppendUint64(append(b, 0xfe), n)
}

// appendLenencString appends a string preceded by its length.
func appendLenencString[S []byte | string](b []byte, s S) []byte {
	b = appendLenenc(b, uint64(len(s)))
	return append(b, s...)
}

// cursor takes a payload apart. A read past the end sets bad and yields zero values, so that parsers check once.
type cursor struct {
	b   []byte
	bad bool
}

func (c *cursor) take(n int) []byte {
	if n < 0 || n > len(c.b) {
		c.bad, c.b = true, nil
		return nil
	}
	p := c.b[:n:n]
	c.b = c.b[n:]
	return p
}

func (c *cursor) u8() uint8 {
	if p := c.take(1); p != nil {
		return p[0]
	}
	return 0
}

func (c *cursor) u16() uint16 {
	if p := c.take(2); p != nil {
		return binary.LittleEndian.Uint16(p)
	}
	return 0
}

func (c *cursor) u32() uint32 {
	if p := c.take(4); p != nil {
		return binary.LittleEndian.Uint32(p)
	}
	return 0
}

func (c *cursor) u64() uint64 {
	if p := c.take(8); p != nil {
		return binary.LittleEndian.Uint64(p)
	}
	return 0
}

func (c *cursor) u24() uint32 {
	if p := c.take(3); p != nil {
		return uint32(p[0]) | uint32(p[1])<<8 | uint32(p[2])<<16
	}
	return 0
}

// lenenc reads a length-encoded integer; 0xfb and 0xff are none.
func (c *cursor) lenenc() uint64 {
	switch v := c.u8(); v {
	case 0xfb, 0xff:
		c.bad = true
		return 0
	case 0xfc:
		return uint64(c.u16())
	case 0xfd:
		return uint64(c.u24())
	case 0xfe:
		return c.u64()
	default:
		return uint64(v)
	}
}

// lenencBytes reads a length-encoded string without copying it.
func (c *cursor) lenencBytes() []byte {
	n := c.lenenc()
	if n > uint64(len(c.b)) {
		c.bad, c.b = true, nil
		return nil
	}
	return c.take(int(n))
}

// nul reads a NUL-terminated string.
func (c *cursor) nul() []byte {
	i := bytes.IndexByte(c.b, 0)
	if i < 0 {
		c.bad, c.b = true, nil
		return nil
	}
	p := c.b[:i:i]
	c.b = c.b[i+1:]
	return p
}

// nulOrRest reads a NUL-terminated string whose NUL may be missing at the end of the payload.
func (c *cursor) nulOrRest() []byte {
	if bytes.IndexByte(c.b, 0) < 0 {
		return c.rest()
	}
	return c.nul()
}

func (c *cursor) rest() []byte {
	p := c.b
	c.b = nil
	return p
}
