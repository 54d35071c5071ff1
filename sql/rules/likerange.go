package rules

import (
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/types"
)

// LIKE 'prefix%' is a range of an index: from the prefix to the prefix with as many of the collation's highest characters as the column has room for, as in MySQL.
// The library has no upper end for it, but under a collation by code points, and none of it in UPDATE and DELETE.

// maxLikeRange is the longest column, in characters, whose LIKE has an upper end.
const maxLikeRange = 1024

// likeRange is the range of a LIKE of a column, which is left to be tested on what the range holds; e itself if it has none.
func likeRange(e *expression.Like) sql.Expression {
	column, ok1 := e.LeftChild.(*expression.GetField)
	pattern, ok2 := e.RightChild.(*expression.Literal)
	if !ok1 || !ok2 {
		return e
	}
	t, ok1 := column.Type(nil).(sql.StringType)
	text, ok2 := pattern.Value().(string)
	if !ok1 || !ok2 || !types.IsTextOnly(t) || !types.IsTextOnly(pattern.Type(nil)) {
		return e
	}
	prefix, ok := likePrefix(e, text)
	room := t.MaxCharacterLength() - int64(utf8.RuneCountInString(prefix))
	if !ok || room < 0 || t.MaxCharacterLength() > maxLikeRange {
		return e
	}
	last := highestOf(t.Collation())
	if last == 0 {
		return e
	}
	from, to := expression.NewLiteral(prefix, pattern.Type(nil)), expression.NewLiteral(prefix+strings.Repeat(string(last), int(room)), pattern.Type(nil))
	return expression.NewAnd(expression.NewGreaterThanOrEqual(column, from),
		expression.NewAnd(expression.NewLessThanOrEqual(column, to), &unranged{expression.UnaryExpressionStub{Child: e}}))
}

// likePrefix is what all that matches a pattern begins with; ok is false if that is nothing, or not told.
func likePrefix(e *expression.Like, pattern string) (prefix string, ok bool) {
	escape := `\`
	if e.Escape != nil {
		lit, isLit := e.Escape.(*expression.Literal)
		if escape, ok = "", isLit; ok {
			escape, ok = lit.Value().(string)
		}
		if !ok {
			return "", false
		}
	}
	var out strings.Builder
	for rest := pattern; rest != ""; {
		_, n := utf8.DecodeRuneInString(rest)
		c := rest[:n]
		rest = rest[n:]
		switch {
		case c == escape && rest != "":
			_, n := utf8.DecodeRuneInString(rest)
			c, rest = rest[:n], rest[n:]
		case c == "%" || c == "_":
			return out.String(), out.Len() > 0
		}
		out.WriteString(c)
	}
	return out.String(), out.Len() > 0
}

var highest sync.Map // by sql.CollationID, a rune

// highestOf is the character that a collation orders after all others of its character set, 0 if it orders none.
func highestOf(id sql.CollationID) rune {
	if r, ok := highest.Load(id); ok {
		return r.(rune)
	}
	var best rune
	if weigh := id.Sorter(); weigh != nil {
		set, most := id.CharacterSet(), int32(-1)
		for r := rune(1); r <= utf8.MaxRune; r++ {
			if w := weigh(r); w > most && utf8.ValidRune(r) {
				if has(set, r) {
					best, most = r, w
				}
			}
		}
	}
	highest.Store(id, best)
	return best
}

// has reports whether a character set has a character: encoders put another one for what it has not.
func has(set sql.CharacterSetID, r rune) bool {
	there, ok := set.Encoder().Encode([]byte(string(r)))
	if !ok {
		return false
	}
	back, ok := set.Encoder().Decode(there)
	return ok && string(back) == string(r)
}
