package charset

import (
	"bytes"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/dolthub/go-mysql-server/sql"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
)

var multiBytes = map[sql.CharacterSetID]*multiByte{
	sql.CharacterSet_big5:    {encoding: traditionalchinese.Big5},
	sql.CharacterSet_sjis:    {encoding: japanese.ShiftJIS, katakana: true, jis: true},
	sql.CharacterSet_cp932:   {encoding: japanese.ShiftJIS, katakana: true},
	sql.CharacterSet_ujis:    {encoding: japanese.EUCJP, jis: true},
	sql.CharacterSet_eucjpms: {encoding: japanese.EUCJP},
	sql.CharacterSet_euckr:   {encoding: korean.EUCKR},
	sql.CharacterSet_gb2312:  {encoding: simplifiedchinese.GBK, high: true},
	sql.CharacterSet_gbk:     {encoding: simplifiedchinese.GBK},
	sql.CharacterSet_gb18030: {encoding: simplifiedchinese.GB18030},
}

// jisSymbols are the characters for which sjis and ujis have JIS's Unicode mapping and x/text, as cp932 and eucjpms, has Microsoft's.
var jisSymbols = map[rune]rune{0xFF5E: 0x301C, 0x2225: 0x2016, 0xFF0D: 0x2212, 0xFFE0: 0xA2, 0xFFE1: 0xA3, 0xFFE2: 0xAC}

// multiByte is a character set of one to four bytes a character, ASCII among them.
type multiByte struct {
	letters
	encoding encoding.Encoding
	katakana bool // the bytes 0xA1 to 0xDF are characters by themselves
	jis      bool // jisSymbols
	high     bool // no byte of a character beyond ASCII is below 0xA1

	once  sync.Once
	codes map[rune]uint32 // of the characters to U+FFFF beyond ASCII, made at the first use; bytes from the most significant down
}

// table is every character's code, made by decoding what x/text encodes, so that a character is there only if it comes back.
func (e *multiByte) table() map[rune]uint32 {
	e.once.Do(func() {
		e.codes = make(map[rune]uint32, 1<<14)
		enc, dec := e.encoding.NewEncoder(), e.encoding.NewDecoder()
		var in, out, back [8]byte
		for r := rune(utf8.RuneSelf); r <= 0xFFFF; r++ {
			if r >= 0xD800 && r < 0xE000 || r == utf8.RuneError {
				continue
			}
			text := utf8.AppendRune(in[:0], r)
			enc.Reset()
			n, _, err := enc.Transform(out[:], text, true)
			if err != nil || !e.allowed(out[:n]) {
				continue
			}
			dec.Reset()
			if m, _, err := dec.Transform(back[:], out[:n], true); err != nil || !bytes.Equal(back[:m], text) {
				continue
			}
			var code uint32
			for _, b := range out[:n] {
				code = code<<8 | uint32(b)
			}
			if e.jis {
				if symbol, ok := jisSymbols[r]; ok {
					e.codes[symbol] = code
					continue
				}
				if _, taken := e.codes[r]; taken {
					continue
				}
			}
			e.codes[r] = code
		}
	})
	return e.codes
}

// allowed reports whether the bytes, one character beyond ASCII in x/text's wider set, are one of this set.
func (e *multiByte) allowed(code []byte) bool {
	if len(code) == 1 {
		return e.katakana && code[0] >= 0xA1 && code[0] <= 0xDF
	}
	return !e.high || code[0] >= 0xA1 && code[1] >= 0xA1
}

func (e *multiByte) code(r rune) (int32, bool) {
	if r < utf8.RuneSelf {
		return r, true
	}
	code, ok := e.table()[r]
	if code > 0xFFFFFF { // gb18030's characters of four bytes stand in Unicode's order
		return 1<<25 + r, true
	}
	return int32(code), ok
}

func (e *multiByte) append(dst []byte, r rune) ([]byte, bool) {
	if r < utf8.RuneSelf {
		return append(dst, byte(r)), true
	}
	if r > 0xFFFF {
		out, err := e.encoding.NewEncoder().Bytes([]byte(string(r)))
		return append(dst, out...), err == nil
	}
	code, ok := e.table()[r]
	for shift := 24; shift >= 0; shift -= 8 {
		if b := byte(code >> shift); b != 0 || code>>shift > 0 {
			dst = append(dst, b)
		}
	}
	return dst, ok
}

func (e *multiByte) Decode(b []byte) ([]byte, bool) {
	out, err := e.encoding.NewDecoder().Bytes(b)
	if err != nil || bytes.ContainsRune(out, utf8.RuneError) {
		return nil, false
	}
	if !e.jis {
		return out, true
	}
	return bytes.Map(func(r rune) rune {
		if symbol, ok := jisSymbols[r]; ok {
			return symbol
		}
		return r
	}, out), true
}

func (e *multiByte) DecodeRune(b []byte) ([]byte, bool) {
	out, ok := e.Decode(b)
	return out, ok && utf8.RuneCount(out) == 1
}

func (e *multiByte) Encode(b []byte) ([]byte, bool)       { return encode(e, b) }
func (e *multiByte) EncodeRune(b []byte) ([]byte, bool)   { return encodeRune(e, b) }
func (e *multiByte) EncodeReplaceUnknown(b []byte) []byte { return encodeReplacing(e, b) }
func (e *multiByte) Uppercase(s string) string            { return strings.Map(e.UppercaseRune, s) }
func (e *multiByte) Lowercase(s string) string            { return strings.Map(e.LowercaseRune, s) }
func (e *multiByte) UppercaseRune(r rune) rune            { return cased(e, r, unicode.ToUpper(r)) }
func (e *multiByte) LowercaseRune(r rune) rune            { return cased(e, r, unicode.ToLower(r)) }
