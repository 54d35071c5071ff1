package builtin

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"io"
	"regexp"
	"strings"
	"unicode/utf16"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	gmsjson "github.com/dolthub/go-mysql-server/sql/expression/function/json"
	"github.com/dolthub/go-mysql-server/sql/types"

	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// maxUnpacked bounds what UNCOMPRESS makes, in bytes: the largest max_allowed_packet.
const maxUnpacked = 1 << 30

func init() {
	Replaced["uncompress"] = sql.Function1{Name: "uncompress", Fn: func(_ *sql.Context, e sql.Expression) sql.Expression {
		return &plainCall{NaryExpression: expression.NaryExpression{ChildExpressions: []sql.Expression{e}}, name: "uncompress", t: types.LongBlob, f: uncompress}
	}}
}

// uncompress is UNCOMPRESS: four bytes of length, then zlib. What is neither is NULL with a warning; the library's is an error.
func uncompress(c *sql.Context, v []any) (any, error) {
	in, err := bytesValue(c, v[0])
	if err != nil || len(in) == 0 {
		return in, err
	}
	damaged := func() (any, error) {
		c.Warn(int(mysqlerr.ER_ZLIB_Z_DATA_ERROR), "%s", mysqlerr.New(mysqlerr.ER_ZLIB_Z_DATA_ERROR).Message)
		return nil, nil
	}
	if len(in) <= 4 {
		return damaged()
	}
	size := int64(binary.LittleEndian.Uint32(in) & 0x3fffffff)
	if size > maxUnpacked {
		return damaged()
	}
	z, err := zlib.NewReader(bytes.NewReader(in[4:]))
	if err != nil {
		return damaged()
	}
	out, err := io.ReadAll(io.LimitReader(z, size+1))
	if err != nil || int64(len(out)) > size {
		return damaged()
	}
	return out, nil
}

// jsonUnquote is JSON_UNQUOTE: of a text in quotes it is the string that JSON reads; the library's knows no characters past U+FFFF, and panics. It takes the
// library's place when the statement has been planned: indexes on ->> are matched by the library's.
type jsonUnquote struct{ *gmsjson.JSONUnquote }

// NewJSONUnquote is JSON_UNQUOTE(e).
func NewJSONUnquote(c *sql.Context, e sql.Expression) sql.Expression {
	u, _ := gmsjson.NewJSONUnquote(c, e).(*gmsjson.JSONUnquote)
	return &jsonUnquote{u}
}

func (j *jsonUnquote) WithChildren(c *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	if len(ch) != 1 {
		return nil, sql.ErrInvalidChildrenNumber.New(j, len(ch), 1)
	}
	return NewJSONUnquote(c, ch[0]), nil
}

func (j *jsonUnquote) Eval(c *sql.Context, r sql.Row) (any, error) {
	v, err := j.Child.Eval(c, r)
	if err != nil || v == nil {
		return nil, err
	}
	if v, err = sql.UnwrapAny(c, v); err != nil {
		return nil, err
	}
	text, ok := v.(string)
	if b, is := v.([]byte); is {
		text, ok = string(b), true
	}
	if !ok || len(text) < 2 || text[0] != '"' || text[len(text)-1] != '"' {
		n, err := j.JSONUnquote.WithChildren(c, expression.NewLiteral(v, j.Child.Type(c)))
		if err != nil {
			return nil, err
		}
		return n.Eval(c, r)
	}
	if at := cutSurrogate(text); at >= 0 {
		return nil, mysqlerr.NewMessage(mysqlerr.ER_INVALID_JSON_TEXT_IN_PARAM,
			"Invalid JSON text in argument 1 to function json_unquote: \"The surrogate pair in string is invalid.\" at position %d.", at)
	}
	doc, err := decodeJSON(text, "json_unquote", 1)
	s, _ := doc.(string)
	return s, err
}

var unicodeEscape = regexp.MustCompile(`\\(?:u[0-9a-fA-F]{4}|.)`)

// cutSurrogate is where a string's text has half of a surrogate pair, -1 for nowhere.
func cutSurrogate(text string) int {
	const high, low = 0xd800, 0xdc00
	pending := -1 // where a high half was that waits for its low one
	last := 0
	for _, m := range unicodeEscape.FindAllStringIndex(text, -1) {
		var unit rune
		if m[1]-m[0] == 6 {
			unit = unitOf(text[m[0]+2 : m[1]])
		}
		if pending >= 0 && (m[0] != last || unit < low || unit > 0xdfff) {
			return pending
		}
		switch {
		case pending >= 0:
			pending = -1
		case utf16.IsSurrogate(unit) && unit >= low:
			return m[0]
		case unit >= high && unit < low:
			pending = m[0]
		}
		last = m[1]
	}
	return pending
}

// unitOf is the number that four hexadecimal digits are.
func unitOf(digits string) (n rune) {
	for _, d := range strings.ToLower(digits) {
		if n <<= 4; d >= 'a' {
			n += d - 'a' + 10
		} else {
			n += d - '0'
		}
	}
	return n
}
