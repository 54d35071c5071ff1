package field

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/types"
	"github.com/dolthub/vitess/go/sqltypes"

	"github.com/zoryadb/zorya/sql/builtin"
	"github.com/zoryadb/zorya/sql/datum"
	"github.com/zoryadb/zorya/sql/item"
	"github.com/zoryadb/zorya/sql/jsondoc"
	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// shownBytes is how many bytes of a wrong string its error shows.
const shownBytes = 6

// ofBytes returns bytes of no character set, to be stored in a column of the character set, as UTF-8: they are read as its characters. What has less than a character's
// bytes gets zeros before it.
func (st *Store) ofBytes(c *sql.Context, cs sql.CharacterSetID, name, s string) (string, error) {
	s = item.WholeUnits(s, cs)
	text, good := item.DecodedBytes(s, cs)
	if good < len(s) {
		if _, err := st.bad(c, nil, st.incorrectString(s[good:], name)); err != nil {
			return "", err
		}
	}
	return text, nil
}

// wellFormed returns s, to be stored in a column of the character set, as UTF-8. Bytes that are no character end the text, a character
// that the set lacks becomes a question mark; both are errors in strict mode.
func (st *Store) wellFormed(c *sql.Context, cs sql.CharacterSetID, name, s string) (string, error) {
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

func (st *Store) incorrectString(rest, name string) *mysqlerr.Error {
	shown := spelledOut(rest[:min(len(rest), shownBytes)])
	if len(rest) > shownBytes {
		shown += "..."
	}
	return st.Incorrect(mysqlerr.ER_TRUNCATED_WRONG_VALUE_FOR_FIELD, "string", shown, name)
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

// NoText is 1300 for what a client sent as a name or a comment.
func NoText(s string) *mysqlerr.Error {
	return mysqlerr.New(mysqlerr.ER_INVALID_CHARACTER_STRING, sql.CharacterSet_utf8mb4.Name(), spelledOut(s))
}

// document is what a JSON column takes: documents, and their texts. A number is neither. Wrong texts are errors in every mode.
func (st *Store) document(name string, v any) (any, error) {
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
	if st.Table != nil {
		name = st.Table.Def.Name + "." + name
	}
	return nil, mysqlerr.New(mysqlerr.ER_INVALID_JSON_TEXT, why, at, name)
}

// listed is a member of an ENUM, or members of a SET. Blanks at the end of a text are none of its last member's (lengthsp); those of other members are.
func (st *Store) listed(c *sql.Context, t sql.Type, name string, v any) (any, error) {
	s, text := datum.Text(v)
	if of, ok := t.(sql.TypeWithCollation); text && ok && of.Collation() != sql.Collation_binary {
		s = strings.TrimRight(s, " ")
		v = s
	}
	set, several := t.(sql.SetType)
	out, in, err := t.Convert(c, v)
	if err == nil && in == sql.InRange && !(text && several && strings.Contains(s, " ,")) {
		return out, nil
	}
	var near any = uint16(0)
	if several {
		near = uint64(0)
		if text {
			var have []string
			for _, m := range strings.Split(s, ",") {
				if _, _, err := set.Convert(c, m); err == nil && !strings.HasSuffix(m, " ") {
					have = append(have, m)
				}
			}
			if bits, ok := setNumber(set, s); ok && len(have) == 0 {
				return bits, nil
			}
			if out, _, err := set.Convert(c, strings.Join(have, ",")); err == nil {
				near = out
			}
		}
	}
	return st.bad(c, near, st.Truncated(name))
}

// setNumber is the members of a SET that a text means which names none but is a number (Field_set::store).
func setNumber(t sql.SetType, s string) (uint64, bool) {
	bits, err := strconv.ParseUint(strings.TrimLeft(s, " \t\n\r\v\f"), 10, 64)
	return bits, err == nil && bits>>t.NumberOfElements() == 0
}

// floatText gives a DOUBLE the digits that a column of characters has room for. Other values stay as they are.
func (st *Store) floatText(c *sql.Context, t sql.Type, name string, v any) (any, error) {
	f, ok := v.(float64)
	tt, sized := t.(sql.StringType)
	if !ok || !sized {
		return v, nil
	}
	text, cut := datum.FloatText(f, int(min(tt.MaxCharacterLength(), math.MaxInt16)))
	switch {
	case cut && st.Strict:
		return nil, mysqlerr.New(mysqlerr.ER_DATA_TOO_LONG, name, st.Row)
	case cut:
		st.Warn(c, st.Truncated(name))
	}
	return text, nil
}

func (st *Store) text(c *sql.Context, t sql.Type, name string, v any) (any, error) {
	s, ok := datum.Text(v)
	if !ok {
		x, _, err := types.LongText.Convert(c, v)
		if err != nil {
			return v, nil
		}
		if s, ok = datum.Text(x); !ok {
			return v, nil
		}
	}
	tt, ok := t.(sql.StringType)
	if !ok {
		return v, nil
	}
	made := st.wellFormed
	if _, bytes := v.([]byte); bytes {
		made = st.ofBytes
	}
	s, err := made(c, tt.CharacterSet(), name, s)
	if err != nil {
		return nil, err
	}
	fixed := t.Type() == sqltypes.Char
	cut := len(s)
	if t.Type() == sqltypes.Text {
		if n := tt.MaxByteLength(); int64(len(s)) > n {
			for cut = int(n); cut > 0 && !utf8.RuneStart(s[cut]); cut-- {
			}
		}
	} else {
		cut = prefixOf(s, int(tt.MaxCharacterLength()))
	}
	if cut < len(s) {
		switch blank := strings.Trim(s[cut:], " ") == ""; {
		case blank && fixed:
		case blank:
			st.Note(c, st.Truncated(name))
		case st.Strict:
			return nil, mysqlerr.New(mysqlerr.ER_DATA_TOO_LONG, name, st.Row)
		default:
			st.Warn(c, st.Truncated(name))
		}
		s = s[:cut]
	}
	if fixed {
		s = strings.TrimRight(s, " ") // CHAR(n) is read without them
	}
	return s, nil
}

// prefixOf is the length in bytes of the first n characters of s.
func prefixOf(s string, n int) int {
	if len(s) <= n {
		return len(s)
	}
	for i := range s {
		if n == 0 {
			return i
		}
		n--
	}
	return len(s)
}

func (st *Store) bytes(c *sql.Context, t sql.Type, name string, v any) (any, error) {
	tt, ok := t.(sql.StringType)
	if !ok {
		return v, nil
	}
	s, ok := datum.Text(v)
	if !ok {
		x, _, err := types.LongBlob.Convert(c, v)
		if err != nil {
			return v, nil
		}
		if s, ok = datum.Text(x); !ok {
			return v, nil
		}
	}
	if n := tt.MaxByteLength(); int64(len(s)) > n {
		if st.Strict {
			return nil, mysqlerr.New(mysqlerr.ER_DATA_TOO_LONG, name, st.Row)
		}
		st.Warn(c, st.Truncated(name))
		s = s[:n]
	} else if t.Type() == sqltypes.Binary && int64(len(s)) < n {
		s += strings.Repeat("\x00", int(n)-len(s))
	}
	return []byte(s), nil
}
