package builtin

import (
	"fmt"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/expression/function"
	"github.com/dolthub/go-mysql-server/sql/types"
)

// insertText is INSERT(s, position, length, new): the library counts bytes.
type insertText struct{ expression.NaryExpression }

func newInsertText(_ *sql.Context, s, at, n, with sql.Expression) sql.Expression {
	return &insertText{expression.NaryExpression{ChildExpressions: []sql.Expression{s, at, n, with}}}
}

var _ sql.FunctionExpression = (*insertText)(nil)

func (t *insertText) FunctionName() string { return "insert" }
func (t *insertText) Description() string  { return "replaces a part of a string" }

func (t *insertText) Type(*sql.Context) sql.Type { return types.LongText }
func (t *insertText) String() string {
	ch := t.ChildExpressions
	return fmt.Sprintf("insert(%s, %s, %s, %s)", ch[0], ch[1], ch[2], ch[3])
}

func (t *insertText) CollationCoercibility(c *sql.Context) (sql.CollationID, byte) {
	a, as := sql.GetCoercibility(c, t.ChildExpressions[0])
	b, bs := sql.GetCoercibility(c, t.ChildExpressions[3])
	return sql.ResolveCoercibility(a, as, b, bs)
}

func (t *insertText) WithChildren(c *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	if len(ch) != 4 {
		return nil, sql.ErrInvalidChildrenNumber.New(t, len(ch), 4)
	}
	return newInsertText(c, ch[0], ch[1], ch[2], ch[3]), nil
}

func (t *insertText) Eval(c *sql.Context, r sql.Row) (any, error) {
	var vals [4]any
	for i, e := range t.ChildExpressions {
		v, err := e.Eval(c, r)
		if err != nil || v == nil {
			return nil, err
		}
		var typ sql.Type = types.LongText
		if i == 1 || i == 2 {
			typ = types.Int64
		}
		if v, _, err = typ.Convert(c, v); err != nil {
			return nil, err
		}
		if vals[i], err = sql.UnwrapAny(c, v); err != nil {
			return nil, err
		}
	}
	s, at, n := []rune(vals[0].(string)), vals[1].(int64), vals[2].(int64)
	if at < 1 || at > int64(len(s)) {
		return vals[0], nil
	}
	rest := int64(len(s)) - (at - 1)
	if n < 0 || n > rest {
		n = rest
	}
	return string(s[:at-1]) + vals[3].(string) + string(s[at-1+n:]), nil
}

// soundex is SOUNDEX: of a text without letters it is empty, "0000" in the library.
type soundex struct{ *function.Soundex }

func newSoundex(c *sql.Context, s sql.Expression) sql.Expression {
	return &soundex{function.NewSoundex(c, s).(*function.Soundex)}
}

var _ sql.FunctionExpression = (*soundex)(nil)

func (x *soundex) Eval(c *sql.Context, r sql.Row) (any, error) {
	v, err := x.Soundex.Eval(c, r)
	if v == "0000" { // what has a letter begins with it
		v = ""
	}
	return v, err
}

func (x *soundex) WithChildren(c *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	if len(ch) != 1 {
		return nil, sql.ErrInvalidChildrenNumber.New(x, len(ch), 1)
	}
	return newSoundex(c, ch[0]), nil
}
