package builtin

import (
	"hash/crc32"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/types"

	"github.com/zoryadb/zorya/sql/datum"
)

// crc32Text is CRC32(text): the library's refuses bytes, decimals and times, and writes whole floating numbers with a fraction.
type crc32Text struct{ expression.UnaryExpressionStub }

func newCRC32(c *sql.Context, e sql.Expression) sql.Expression {
	if t := e.Type(c); !types.IsText(t) && t != types.Null && t.Type() != types.Null.Type() {
		e = expression.NewConvert(e, expression.ConvertToChar)
	}
	return &crc32Text{expression.UnaryExpressionStub{Child: e}}
}

var _ sql.FunctionExpression = (*crc32Text)(nil)

func (x *crc32Text) FunctionName() string           { return "crc32" }
func (x *crc32Text) Description() string            { return "the cyclic redundancy check of a text" }
func (x *crc32Text) Type(*sql.Context) sql.Type     { return types.Uint32 }
func (x *crc32Text) IsNullable(c *sql.Context) bool { return x.Child.IsNullable(c) }
func (x *crc32Text) String() string                 { return "crc32(" + x.Child.String() + ")" }

func (x *crc32Text) WithChildren(c *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	if len(ch) != 1 {
		return nil, sql.ErrInvalidChildrenNumber.New(x, len(ch), 1)
	}
	return newCRC32(c, ch[0]), nil
}

func (x *crc32Text) Eval(c *sql.Context, r sql.Row) (any, error) {
	v, err := x.Child.Eval(c, r)
	if err != nil || v == nil {
		return nil, err
	}
	if v, err = sql.UnwrapAny(c, v); err != nil {
		return nil, err
	}
	s, ok := datum.Text(v)
	if !ok {
		t, _, err := types.LongText.Convert(c, v)
		if err != nil {
			return nil, err
		}
		s, _ = datum.Text(t)
	}
	return crc32.ChecksumIEEE([]byte(s)), nil
}
