package charset

import "unicode/utf8"

// utf16 is UCS-2 or UTF-16 with either byte first.
type utf16 struct {
	letters
	little, surrogates bool
}

func (e utf16) unit(b []byte) rune {
	if e.little {
		return rune(b[1])<<8 | rune(b[0])
	}
	return rune(b[0])<<8 | rune(b[1])
}

func (e utf16) Decode(b []byte) ([]byte, bool) {
	out := make([]byte, 0, len(b)+len(b)/2)
	for len(b) > 0 {
		if len(b) == 1 {
			return nil, false
		}
		r, n := e.unit(b), 2
		if r >= 0xD800 && r < 0xE000 {
			if !e.surrogates || r >= 0xDC00 || len(b) < 4 {
				return nil, false
			}
			low := e.unit(b[2:])
			if low < 0xDC00 || low > 0xDFFF {
				return nil, false
			}
			r, n = 0x10000+(r-0xD800)<<10+(low-0xDC00), 4
		}
		out, b = utf8.AppendRune(out, r), b[n:]
	}
	return out, true
}

func (e utf16) DecodeRune(b []byte) ([]byte, bool) {
	out, ok := e.Decode(b)
	return out, ok && utf8.RuneCount(out) == 1
}

func (e utf16) append(dst []byte, r rune) ([]byte, bool) {
	if r > 0xFFFF {
		if !e.surrogates {
			return dst, false
		}
		r -= 0x10000
		dst, _ = e.append(dst, 0xD800+r>>10)
		return e.append(dst, 0xDC00+r&0x3FF)
	}
	if e.little {
		return append(dst, byte(r), byte(r>>8)), true
	}
	return append(dst, byte(r>>8), byte(r)), true
}

func (e utf16) Encode(b []byte) ([]byte, bool)       { return encode(e, b) }
func (e utf16) EncodeRune(b []byte) ([]byte, bool)   { return encodeRune(e, b) }
func (e utf16) EncodeReplaceUnknown(b []byte) []byte { return encodeReplacing(e, b) }
