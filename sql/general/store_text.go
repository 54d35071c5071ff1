package general

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/types"

	"github.com/zoryadb/zorya/sql/builtin"
	"github.com/zoryadb/zorya/sql/item"
	"github.com/zoryadb/zorya/sql/jsondoc"
	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// shownBytes is how many bytes of a wrong string its error shows.
const shownBytes = 6

// ofBytes returns bytes of no character set, to be stored in a column of the character set, as UTF-8: they are read as its characters. What has less than a character's
// bytes gets zeros before it.
func (st *store) ofBytes(c *sql.Context, cs sql.CharacterSetID, name, s string) (string, error) {
	if short := len(s) % leastBytes(cs); short > 0 {
		s = strings.Repeat("\x00", leastBytes(cs)-short) + s
	}
	text, good := item.DecodedBytes(s, cs)
	if good < len(s) {
		if _, err := st.bad(c, nil, st.incorrectString(s[good:], name)); err != nil {
			return "", err
		}
	}
	return text, nil
}

// leastBytes is how many bytes the shortest character of a set has.
func leastBytes(cs sql.CharacterSetID) int {
	switch cs {
	case sql.CharacterSet_ucs2, sql.CharacterSet_utf16, sql.CharacterSet_utf16le:
		return 2
	case sql.CharacterSet_utf32:
		return 4
	}
	return 1
}

// wellFormed returns s, to be stored in a column of the character set, as UTF-8. Bytes that are no character end the text, a character
// that the set lacks becomes a question mark; both are errors in strict mode.
func (st *store) wellFormed(c *sql.Context, cs sql.CharacterSetID, name, s string) (string, error) {
	if !utf8.ValidString(s) {
		return st.ofBytes(c, cs, name, s)
	}
	at := unencodable(cs, s)
	if at < 0 {
		return s, nil
	}
	if _, err := st.bad(c, nil, st.incorrectString(s[at:], name)); err != nil {
		return "", err
	}
	var b strings.Builder
	for ; at >= 0; at = unencodable(cs, s) {
		_, n := utf8.DecodeRuneInString(s[at:])
		b.WriteString(s[:at] + "?")
		s = s[at+n:]
	}
	return b.String() + s, nil
}

// unencodable is where the first character is that the character set lacks, -1 if none.
func unencodable(cs sql.CharacterSetID, s string) int {
	switch cs {
	case sql.CharacterSet_utf8mb4, sql.CharacterSet_binary, sql.CharacterSet_Unspecified:
		return -1
	}
	enc := cs.Encoder()
	for i, r := range s {
		if r < utf8.RuneSelf || cs == sql.CharacterSet_utf8mb3 && r <= 0xFFFF {
			continue
		}
		if cs == sql.CharacterSet_utf8mb3 || cs == sql.CharacterSet_ascii {
			return i
		}
		if enc == nil {
			continue
		}
		if _, ok := enc.EncodeRune([]byte(string(r))); !ok {
			return i
		}
	}
	return -1
}

func (st *store) incorrectString(rest, name string) *mysqlerr.Error {
	shown := spelledOut(rest[:min(len(rest), shownBytes)])
	if len(rest) > shownBytes {
		shown += "..."
	}
	return st.incorrect(mysqlerr.ER_TRUNCATED_WRONG_VALUE_FOR_FIELD, "string", shown, name)
}

// spelledOut writes bytes that are none of ASCII's printable ones as numbers.
func spelledOut(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if s[i] >= ' ' && s[i] <= '~' {
			b.WriteByte(s[i])
		} else {
			fmt.Fprintf(&b, "\\x%02X", s[i])
		}
	}
	return b.String()
}

// noText is 1300 for what a client sent as a name or a comment.
func noText(s string) *mysqlerr.Error {
	return mysqlerr.New(mysqlerr.ER_INVALID_CHARACTER_STRING, sql.CharacterSet_utf8mb4.Name(), spelledOut(s))
}

// document is what a JSON column takes: documents, and their texts. A number is neither. Wrong texts are errors in every mode.
func (st *store) document(name string, v any) (any, error) {
	why, at := "not a JSON text, may need CAST", 0
	text, ok := v.(string)
	switch x := v.(type) {
	case sql.JSONWrapper:
		return x, nil
	case []byte:
		text, ok = string(x), true
	}
	if ok {
		doc, err := jsondoc.Decode([]byte(text))
		if err == nil {
			if builtin.MaybeDeep(text) && builtin.Deeper(doc, builtin.MaxJSONDepth) {
				return nil, mysqlerr.New(mysqlerr.ER_JSON_DOCUMENT_TOO_DEEP)
			}
			return types.JSONDocument{Val: doc}, nil
		}
		why, at = builtin.JSONFaultAt(text, err)
	}
	if st.m != nil {
		name = st.m.Def.Name + "." + name
	}
	return nil, mysqlerr.New(mysqlerr.ER_INVALID_JSON_TEXT, why, at, name)
}
