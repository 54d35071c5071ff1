package item

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	builtin "github.com/dolthub/go-mysql-server/sql/expression/function"

	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// Texts are UTF-8 within the server, whatever character set they are of. What looks at bytes gets those of the character set; what makes a text of bytes reads
// them as its character set's.

// recoded is CONVERT(x USING charset).
type recoded struct {
	function
	to sql.CharacterSetID
}

func newRecoded(c *sql.Context, env *Env, shown string, e sql.Expression, coll sql.CollationID, coerc byte) *recoded {
	x := &recoded{to: coll.CharacterSet()}
	x.function = newFunction(c, env, shown, []sql.Expression{e}, func(c *sql.Context, ch []sql.Expression) sql.Expression {
		return newRecoded(c, env, shown, ch[0], coll, coerc)
	})
	x.nulls = x.ofBytes()
	x.become(Attr{Kind: String, Coll: coll, Coerc: coerc})
	return x
}

// ofBytes reports whether the argument is bytes of no character set.
func (x *recoded) ofBytes() bool {
	a := &x.args[0]
	return a.Kind == String && a.Coll == sql.Collation_binary || a.Kind == Bit
}

func (x *recoded) Eval(c *sql.Context, r sql.Row) (any, error) {
	a := &x.args[0]
	s, null, err := a.str(c, r)
	if err != nil || null {
		return nil, err
	}
	switch {
	case x.to == sql.CharacterSet_binary && a.text():
		return encodedText(s, a.Coll), nil
	case x.to == sql.CharacterSet_binary:
		return s, nil
	case x.ofBytes():
		return readBytes(c, s, x.to)
	case unicodeText(x.to):
		return s, nil
	}
	if enc := x.to.Encoder(); enc != nil { // characters that it lacks are question marks
		if out, ok := enc.Decode(enc.EncodeReplaceUnknown([]byte(s))); ok {
			return string(out), nil
		}
	}
	return s, nil
}

// unicodeText reports whether texts of a character set are stored as they are within the server.
func unicodeText(cs sql.CharacterSetID) bool {
	return cs == sql.CharacterSet_utf8mb4 || cs == sql.CharacterSet_Unspecified
}

// readBytes reads bytes as text of a character set. Where they are none it is NULL in a strict mode, and else what comes before, with warning 1300.
func readBytes(c *sql.Context, s string, cs sql.CharacterSetID) (any, error) {
	s = WholeUnits(s, cs)
	text, good := DecodedBytes(s, cs)
	if good == len(s) {
		return text, nil
	}
	bad := s[good:min(good+3, len(s))]
	e := mysqlerr.New(mysqlerr.ER_INVALID_CHARACTER_STRING, cs.Name(), fmt.Sprintf("%X", bad))
	c.Warn(int(e.Code), "%s", e.Message)
	if mode := sql.LoadSqlMode(c); mode.ModeEnabled("STRICT_TRANS_TABLES") || mode.ModeEnabled("STRICT_ALL_TABLES") {
		return nil, nil
	}
	return text, nil
}

// WholeUnits is s with zeros before it where its bytes do not fill the units of a character set, as those of a number do not.
func WholeUnits(s string, cs sql.CharacterSetID) string {
	if n := len(s) % LeastBytes(cs); n > 0 {
		return strings.Repeat("\x00", LeastBytes(cs)-n) + s
	}
	return s
}

// LeastBytes is how many bytes a character set's shortest character has.
func LeastBytes(cs sql.CharacterSetID) int {
	switch cs {
	case sql.CharacterSet_ucs2, sql.CharacterSet_utf16, sql.CharacterSet_utf16le:
		return 2
	case sql.CharacterSet_utf32:
		return 4
	}
	return 1
}

// DecodedBytes is the text that s begins with, and how many of its bytes that is.
func DecodedBytes(s string, cs sql.CharacterSetID) (text string, good int) {
	most := 4
	if cs == sql.CharacterSet_utf8mb3 {
		most = 3
	}
	enc := cs.Encoder()
	if unicodeText(cs) || most == 3 || enc == nil {
		for good < len(s) {
			r, n := utf8.DecodeRuneInString(s[good:])
			if r == utf8.RuneError && n <= 1 || n > most {
				break
			}
			good += n
		}
		return s[:good], good
	}
	if out, ok := enc.Decode([]byte(s)); ok {
		return string(out), len(s)
	}
	for good < len(s) {
		n := 1
		for ; n <= most && good+n <= len(s); n++ {
			if out, ok := enc.Decode([]byte(s[good : good+n])); ok {
				text += string(out)
				break
			}
		}
		if n > most || good+n > len(s) {
			break
		}
		good += n
	}
	return text, good
}

// encodedText is the bytes of a text in its character set.
func encodedText(s string, coll sql.CollationID) string {
	if enc := coll.CharacterSet().Encoder(); enc != nil && foreign(coll) {
		return string(enc.EncodeReplaceUnknown([]byte(s)))
	}
	return s
}

// foreign reports whether the bytes of a collation's texts may be others than those within the server.
func foreign(coll sql.CollationID) bool {
	return coll != sql.Collation_binary && coll != sql.Collation_Unspecified && !inUTF8(coll)
}

// encoded is a text as the bytes that it is in its character set, for what looks at bytes.
type encoded struct{ function }

func newEncoded(c *sql.Context, env *Env, e sql.Expression) *encoded {
	x := &encoded{newFunction(c, env, e.String(), []sql.Expression{e}, func(c *sql.Context, ch []sql.Expression) sql.Expression {
		return newEncoded(c, env, ch[0])
	})}
	x.become(Attr{Kind: String, Coll: sql.Collation_binary, Coerc: x.args[0].Coerc})
	return x
}

func (x *encoded) Eval(c *sql.Context, r sql.Row) (any, error) {
	s, null, err := x.args[0].str(c, r)
	if err != nil || null {
		return nil, err
	}
	return encodedText(s, x.args[0].Coll), nil
}

// ordinal is ORD of a text that is not UTF-8: the bytes of its first character as a number; ASCII, if only the first byte counts.
type ordinal struct {
	function
	first bool
}

func newOrdinal(c *sql.Context, env *Env, shown string, e sql.Expression, first bool) *ordinal {
	x := &ordinal{newFunction(c, env, shown, []sql.Expression{e}, func(c *sql.Context, ch []sql.Expression) sql.Expression {
		return newOrdinal(c, env, shown, ch[0], first)
	}), first}
	x.become(Attr{Kind: Int, Prec: 10})
	return x
}

func (x *ordinal) Eval(c *sql.Context, r sql.Row) (any, error) {
	s, null, err := x.args[0].str(c, r)
	if err != nil || null {
		return nil, err
	}
	_, first := utf8.DecodeRuneInString(s)
	n := int64(0)
	for _, b := range []byte(encodedText(s[:first], x.args[0].Coll)) {
		n = n<<8 | int64(b)
		if x.first {
			break
		}
	}
	return n, nil
}

// charUsing is CHAR(n, ... USING charset): its bytes, read as the character set's.
func charUsing(c *sql.Context, env *Env, e *builtin.Char) sql.Expression {
	plain := *e
	plain.Collation = sql.Collation_binary
	return newRecoded(c, env, e.String(), &plain, e.Collation.CharacterSet().DefaultCollation(), 4)
}

// castCharset is the collation that CAST(x AS CHAR CHARACTER SET charset) has, of the connection without one: its operand is CONVERT(x USING charset).
func castCharset(c *sql.Context, e sql.Expression) sql.CollationID {
	switch x := e.(type) {
	case *recoded:
		return x.is.Coll
	case *expression.ConvertUsing:
		return x.TargetCharSet.DefaultCollation()
	}
	return c.GetCollation()
}
