package row

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
)

// KeyPart says how one column takes part in a key.
type KeyPart struct {
	Class  Class
	Prefix int // > 0: that many leading characters (bytes without a collator)
	Desc   bool
	Coll   Collator // nil: bytes order themselves
}

// First bytes of a part. Every part is self-delimiting and no part is a prefix of another, so bytes.Compare of
// whole keys compares part by part. A descending part is the complement of the ascending one.
const (
	keyNull  = 0x00
	keyValue = 0x01 // float or bytes follow
	keyZero  = 0x80 // integers: keyZero + n, n big-endian bytes; a negative v is keyZero-1-n and the complement of -v-1
)

// AppendKey appends the memcomparable form of d as part p. NULL sorts first (last when descending).
func AppendKey(dst []byte, p *KeyPart, d *Datum) []byte {
	at := len(dst)
	dst = appendAsc(dst, p, d)
	if p.Desc {
		for i := at; i < len(dst); i++ {
			dst[i] = ^dst[i]
		}
	}
	return dst
}

func appendAsc(dst []byte, p *KeyPart, d *Datum) []byte {
	if d.Null {
		return append(dst, keyNull)
	}
	switch p.Class {
	case Int:
		v := d.Int()
		if v < 0 {
			n := (bits.Len64(uint64(^v)) + 7) / 8
			dst = append(dst, byte(keyZero-1-n))
			return appendBE(dst, uint64(v), n)
		}
		n := (bits.Len64(uint64(v)) + 7) / 8
		return appendBE(append(dst, byte(keyZero+n)), uint64(v), n)
	case Uint:
		n := (bits.Len64(d.N) + 7) / 8
		return appendBE(append(dst, byte(keyZero+n)), d.N, n)
	case Float32, Float64:
		f := d.Float()
		if p.Class == Float32 {
			f = float64(float32(f))
		}
		if f == 0 {
			f = 0 // -0 equals 0
		}
		u := math.Float64bits(f)
		if u>>63 != 0 {
			u = ^u
		} else {
			u |= 1 << 63
		}
		return binary.BigEndian.AppendUint64(append(dst, keyValue), u)
	}
	b := d.B
	if p.Prefix > 0 {
		if p.Coll != nil {
			b = p.Coll.Prefix(b, p.Prefix)
		} else if len(b) > p.Prefix {
			b = b[:p.Prefix]
		}
	}
	dst = append(dst, keyValue)
	if p.Coll == nil {
		return append(escape(dst, b), 0, 1)
	}
	at := len(dst)
	dst = p.Coll.AppendWeights(dst, b)
	dst = escapeTail(dst, at)
	return append(dst, 0, 1)
}

func appendBE(dst []byte, v uint64, n int) []byte {
	for i := n - 1; i >= 0; i-- {
		dst = append(dst, byte(v>>(8*i)))
	}
	return dst
}

// escape appends b with each 0 as 0, 0xFF; 0, 1 ends a part, so that a string sorts before its extensions.
func escape(dst, b []byte) []byte {
	for _, c := range b {
		dst = append(dst, c)
		if c == 0 {
			dst = append(dst, 0xff)
		}
	}
	return dst
}

// escapeTail escapes dst[at:] in place.
func escapeTail(dst []byte, at int) []byte {
	zeros := 0
	for _, c := range dst[at:] {
		if c == 0 {
			zeros++
		}
	}
	if zeros == 0 {
		return dst
	}
	from := len(dst) - 1
	for range zeros {
		dst = append(dst, 0)
	}
	for to := len(dst) - 1; from >= at; from-- {
		if dst[from] == 0 {
			dst[to] = 0xff
			to--
		}
		dst[to] = dst[from]
		to--
	}
	return dst
}

// SkipKey returns the length of the part p at the start of key.
func SkipKey(p *KeyPart, key []byte) (int, error) {
	if len(key) == 0 {
		return 0, fmt.Errorf("empty part: %w", ErrCorrupt)
	}
	var x byte
	if p.Desc {
		x = 0xff
	}
	first := key[0] ^ x
	n := 0
	switch {
	case first == keyNull:
		return 1, nil
	case p.Class == Int || p.Class == Uint:
		if first >= keyZero {
			n = 1 + int(first-keyZero)
		} else {
			n = 1 + int(keyZero-1-first)
		}
		if n > 9 {
			return 0, fmt.Errorf("integer part: %w", ErrCorrupt)
		}
	case p.Class != Bytes:
		n = 9
	default:
		for i := 1; i+1 < len(key); i++ {
			if key[i]^x == 0 {
				if key[i+1]^x == 1 {
					return i + 2, nil
				}
				i++
			}
		}
		return 0, fmt.Errorf("bytes part without an end: %w", ErrCorrupt)
	}
	if n > len(key) {
		return 0, fmt.Errorf("part of %d bytes in %d: %w", n, len(key), ErrCorrupt)
	}
	return n, nil
}

// Reversible reports whether DecodeKey can tell the value from the key: not when weights or a prefix stand for it.
func (p *KeyPart) Reversible() bool { return p.Coll == nil && p.Prefix == 0 && p.Class != Float32 }

// DecodeKey reads a reversible part into d and returns its length. Bytes are appended to buf, which d then aliases.
func DecodeKey(p *KeyPart, key, buf []byte, d *Datum) (n int, newBuf []byte, err error) {
	n, err = SkipKey(p, key)
	if err != nil {
		return 0, buf, err
	}
	var x byte
	if p.Desc {
		x = 0xff
	}
	first := key[0] ^ x
	if first == keyNull {
		*d = NullDatum
		return n, buf, nil
	}
	switch p.Class {
	case Bytes:
		at := len(buf)
		for i := 1; i < n-2; i++ {
			c := key[i] ^ x
			buf = append(buf, c)
			if c == 0 {
				i++
			}
		}
		*d = Datum{B: buf[at:len(buf):len(buf)]}
		return n, buf, nil
	case Int, Uint:
		var u uint64
		if first < keyZero {
			u = ^uint64(0)
		}
		for _, c := range key[1:n] {
			u = u<<8 | uint64(c^x)
		}
		*d = Datum{N: u}
	default:
		u := binary.BigEndian.Uint64(key[1:])
		if x != 0 {
			u = ^u
		}
		if u>>63 != 0 {
			u &^= 1 << 63
		} else {
			u = ^u
		}
		*d = Datum{N: u}
	}
	return n, buf, nil
}

// Successor appends to dst the smallest byte string above every key that starts with prefix; ok is false when
// there is none (prefix is empty or all 0xFF).
func Successor(dst, prefix []byte) (s []byte, ok bool) {
	for i := len(prefix) - 1; i >= 0; i-- {
		if prefix[i] != 0xff {
			dst = append(dst, prefix[:i+1]...)
			dst[len(dst)-1]++
			return dst, true
		}
	}
	return dst, false
}
