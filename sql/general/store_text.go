package general

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/types"

	"github.com/zoryadb/zorya/sql/builtin"
	"github.com/zoryadb/zorya/sql/jsondoc"
	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// shownBytes is how many bytes of a wrong string its error shows.
const shownBytes = 6

// wellFormed returns s, to be stored in a column of the character set, as UTF-8. Bytes that are no character end the text, a character
// that the set lacks becomes a question mark; both are errors in strict mode.
func (st *store) wellFormed(c *sql.Context, cs sql.CharacterSetID, name, s string) (string, error) {
	if !utf8.ValidString(s) {
		if decoded, ok := decoded(cs, s); ok {
			return decoded, nil
		}
		at := invalidAt(s)
		if _, err := st.bad(c, nil, st.incorrectString(s[at:], name)); err != nil {
			return "", err
		}
		s = s[:at]
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

// decoded reads bytes as text of a character set in which each byte is a character.
func decoded(cs sql.CharacterSetID, s string) (string, bool) {
	if cs.MaxLength() != 1 || cs.Encoder() == nil || cs == sql.CharacterSet_ascii {
		return "", false
	}
	b, ok := cs.Encoder().Decode([]byte(s))
	return string(b), ok && utf8.Valid(b)
}

// invalidAt is where a string stops being UTF-8.
func invalidAt(s string) int {
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n <= 1 {
			return i
		}
		i += n
	}
	return len(s)
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
	var b strings.Builder
	for i := 0; i < len(rest) && i < shownBytes; i++ {
		if rest[i] >= ' ' && rest[i] <= '~' {
			b.WriteByte(rest[i])
		} else {
			fmt.Fprintf(&b, "\\x%02X", rest[i])
		}
	}
	if len(rest) > shownBytes {
		b.WriteString("...")
	}
	return st.incorrect(mysqlerr.ER_TRUNCATED_WRONG_VALUE_FOR_FIELD, "string", b.String(), name)
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
		name = st.m.def.Name + "." + name
	}
	return nil, mysqlerr.New(mysqlerr.ER_INVALID_JSON_TEXT, why, at, name)
}
