// Package charset gives go-mysql-server the character sets and collations that its tables name without an implementation: the single-byte ones beside
// latin1 and its kin, the East Asian multi-byte ones, ucs2 and utf16le. Importing it is enough.
//
// Inside the server all text is UTF-8; an encoder converts at the borders, a sorter gives a character's weight in a collation. Unicode mappings of the multi-byte sets are
// golang.org/x/text's, those of the single-byte sets and the order of their collations were recorded (tables.go).
//
// Invariant: weights are on disk in index keys (sql/collate). Collations of the multi-byte sets order by code, letters of ASCII as if they were
// upper case, which is MySQL's order but for big5_chinese_ci, gbk_chinese_ci and gb18030_chinese_ci (strokes and pinyin there).
package charset

import (
	"strings"
	"unicode"
	"unicode/utf8"
	_ "unsafe" // for go:linkname

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/encodings"
)

// The library's own tables. It has no way to register an implementation, and a fork for two fields would have to be kept up for ever; the test says when
// their form changes.
//
//go:linkname librarySets github.com/dolthub/go-mysql-server/sql.characterSetArray
var librarySets [256]sql.CharacterSet

//go:linkname libraryCollations github.com/dolthub/go-mysql-server/sql.collationArray
var libraryCollations [324]sql.Collation

// table is a single-byte character set: the characters of the bytes 0x80 to 0xFF, and the rank of each byte in each collation.
type table struct {
	name  string
	upper string
	ranks map[string]string
}

func init() {
	for _, t := range singleByte {
		registerTable(t)
	}
	for id, m := range multiBytes {
		register(id, m)
	}
	librarySets[sql.CharacterSet_ucs2].Encoder = utf16{}
	librarySets[sql.CharacterSet_utf16le].Encoder = utf16{little: true, surrogates: true}
	sql.SupportedCharsets = sql.SupportedCharsets[:0] // what information_schema lists
	for i := range librarySets {
		if id := librarySets[i].ID; id != sql.CharacterSet_Unspecified {
			sql.SupportedCharsets = append(sql.SupportedCharsets, id)
		}
	}
	for i := range libraryCollations {
		c := &libraryCollations[i]
		if cs := c.CharacterSet; c.Sorter == nil && (cs == sql.CharacterSet_ucs2 || cs == sql.CharacterSet_utf16le || cs == sql.CharacterSet_gb18030) {
			c.Sorter = likeUTF8(c.Name)
		}
	}
}

// likeUTF8 is the sorter of the utf8mb4 collation of the same rules, or of utf8mb3 where that alone has it.
func likeUTF8(name string) sql.CollationSorter {
	_, rules, _ := strings.Cut(name, "_")
	for _, prefix := range []string{"utf8mb4_", "utf8mb3_"} {
		for i := range libraryCollations {
			if c := &libraryCollations[i]; c.Name == prefix+rules && c.Sorter != nil {
				return c.Sorter
			}
		}
	}
	return nil
}

// coder converts single characters; with what is made of it, it is an encodings.Encoder.
type coder interface {
	encodings.Encoder
	// code is the character's number in the set, by which its binary collation orders; false if the set lacks it.
	code(r rune) (int32, bool)
}

// register makes the encoder known, and sorters by code for collations that have none yet.
func register(id sql.CharacterSetID, enc coder) {
	librarySets[id].Encoder = enc
	for i := range libraryCollations {
		c := &libraryCollations[i]
		if c.CharacterSet != id || c.Sorter != nil || strings.Contains(c.Name, "unicode") {
			continue
		}
		binary := strings.HasSuffix(c.Name, "_bin")
		c.Sorter = func(r rune) int32 {
			if !binary && r >= 'a' && r <= 'z' {
				r -= 'a' - 'A'
			}
			if w, ok := enc.code(r); ok {
				return w
			}
			return missing(r)
		}
	}
}

// missing orders characters that a set lacks after all others, different from each other.
func missing(r rune) int32 { return 1<<30 + int32(r) }

func registerTable(t table) {
	enc := &oneByte{codes: make(map[rune]byte, 256)}
	for b := range 128 {
		enc.runes[b] = rune(b)
	}
	copy(enc.runes[128:], []rune(t.upper))
	for b, r := range enc.runes {
		if r != utf8.RuneError {
			enc.codes[r] = byte(b)
		}
	}
	id, err := sql.ParseCharacterSet(t.name)
	if err != nil {
		panic(err) // a name of our own table
	}
	for i := range libraryCollations {
		if ranks, ok := t.ranks[libraryCollations[i].Name]; ok {
			libraryCollations[i].Sorter = func(r rune) int32 {
				if b, ok := enc.codes[r]; ok {
					return int32(ranks[b])
				}
				return missing(r)
			}
		}
	}
	register(id, enc)
}

// oneByte is a character set of bytes.
type oneByte struct {
	letters
	runes [256]rune
	codes map[rune]byte
}

func (e *oneByte) code(r rune) (int32, bool) {
	b, ok := e.codes[r]
	return int32(b), ok
}

func (e *oneByte) Decode(b []byte) ([]byte, bool) {
	out := make([]byte, 0, len(b)+len(b)/2)
	for _, c := range b {
		if e.runes[c] == utf8.RuneError {
			return nil, false
		}
		out = utf8.AppendRune(out, e.runes[c])
	}
	return out, true
}

func (e *oneByte) DecodeRune(b []byte) ([]byte, bool) {
	if len(b) != 1 {
		return nil, false
	}
	return e.Decode(b)
}

func (e *oneByte) append(dst []byte, r rune) ([]byte, bool) {
	b, ok := e.codes[r]
	if !ok {
		return dst, false
	}
	return append(dst, b), true
}

func (e *oneByte) Encode(b []byte) ([]byte, bool)       { return encode(e, b) }
func (e *oneByte) EncodeRune(b []byte) ([]byte, bool)   { return encodeRune(e, b) }
func (e *oneByte) EncodeReplaceUnknown(b []byte) []byte { return encodeReplacing(e, b) }
func (e *oneByte) Uppercase(s string) string            { return strings.Map(e.UppercaseRune, s) }
func (e *oneByte) Lowercase(s string) string            { return strings.Map(e.LowercaseRune, s) }
func (e *oneByte) UppercaseRune(r rune) rune            { return cased(e, r, unicode.ToUpper(r)) }
func (e *oneByte) LowercaseRune(r rune) rune            { return cased(e, r, unicode.ToLower(r)) }

// appender writes one character in its set; false if the set lacks it.
type appender interface {
	append(dst []byte, r rune) ([]byte, bool)
}

func encode(e appender, text []byte) ([]byte, bool) {
	out := make([]byte, 0, len(text))
	for len(text) > 0 {
		r, n := utf8.DecodeRune(text)
		if r == utf8.RuneError && n <= 1 {
			return nil, false
		}
		var ok bool
		if out, ok = e.append(out, r); !ok {
			return nil, false
		}
		text = text[n:]
	}
	return out, true
}

func encodeRune(e appender, b []byte) ([]byte, bool) {
	r, n := utf8.DecodeRune(b)
	if n != len(b) || r == utf8.RuneError && n <= 1 {
		return nil, false
	}
	return e.append(nil, r)
}

func encodeReplacing(e appender, text []byte) []byte {
	out := make([]byte, 0, len(text))
	for len(text) > 0 {
		r, n := utf8.DecodeRune(text)
		var ok bool
		if out, ok = e.append(out, r); !ok || r == utf8.RuneError && n <= 1 {
			out, _ = e.append(out, '?')
		}
		text = text[n:]
	}
	return out
}

// cased is the letter r in the case of to, where the set has that: a letter whose other case it lacks stays.
func cased(e coder, r, to rune) rune {
	if to == r {
		return r
	}
	if _, ok := e.code(to); !ok {
		return r
	}
	return to
}

// letters is what encoders do to text that is decoded already.
type letters struct{}

func (letters) Uppercase(s string) string     { return strings.Map(unicode.ToUpper, s) }
func (letters) Lowercase(s string) string     { return strings.Map(unicode.ToLower, s) }
func (letters) UppercaseRune(r rune) rune     { return unicode.ToUpper(r) }
func (letters) LowercaseRune(r rune) rune     { return unicode.ToLower(r) }
func (letters) NextRune(s string) (rune, int) { return utf8.DecodeRuneInString(s) }
func (letters) IsReturnSafe() bool            { return true }
