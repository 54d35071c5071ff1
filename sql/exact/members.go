package exact

import (
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/types"
	"github.com/dolthub/vitess/go/sqltypes"
)

// An ENUM or SET is a string to functions of strings and a number to arithmetic. The library hands all of them the number.

// asNumber are the functions whose argument is a number; those of the library that aggregate or compare know these types.
var asNumber = map[string]bool{"abs": true, "sign": true, "floor": true, "ceil": true, "ceiling": true, "round": true, "truncate": true, "mod": true,
	"sqrt": true, "pow": true, "power": true, "exp": true, "ln": true, "log": true, "log2": true, "log10": true, "bin": true, "oct": true, "conv": true,
	"sin": true, "cos": true, "tan": true, "radians": true, "degrees": true, "greatest": true, "least": true}

// Spelled gives functions and CASE the names of their ENUM and SET arguments; nil: nothing to do.
func Spelled(c *sql.Context, e sql.Expression) (sql.Expression, error) {
	switch x := e.(type) {
	case sql.Aggregation, sql.WindowAdaptableExpression:
		return nil, nil
	case *expression.Case:
	case sql.FunctionExpression:
		if asNumber[strings.ToLower(x.FunctionName())] {
			return nil, nil
		}
	default:
		return nil, nil
	}
	ch := e.Children()
	var out []sql.Expression
	for i, a := range ch {
		if a == nil {
			continue
		}
		g, ok := a.(*expression.GetField)
		if !ok {
			continue
		}
		if t := g.Type(c); types.IsEnum(t) || types.IsSet(t) {
			if out == nil {
				out = append([]sql.Expression(nil), ch...)
			}
			out[i] = &memberName{expression.UnaryExpressionStub{Child: a}}
		}
	}
	if out == nil {
		return nil, nil
	}
	return e.WithChildren(c, out...)
}

// memberName is an ENUM's or SET's value as a string.
type memberName struct{ expression.UnaryExpressionStub }

func (m *memberName) String() string { return m.Child.String() }

func (m *memberName) Type(c *sql.Context) sql.Type {
	coll, _ := m.CollationCoercibility(c)
	t, err := types.CreateString(sqltypes.VarChar, 1024, coll)
	if err != nil {
		return types.LongText
	}
	return t
}

func (m *memberName) CollationCoercibility(c *sql.Context) (sql.CollationID, byte) {
	return sql.GetCoercibility(c, m.Child)
}

func (m *memberName) WithChildren(_ *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	if len(ch) != 1 {
		return nil, sql.ErrInvalidChildrenNumber.New(m, len(ch), 1)
	}
	return &memberName{expression.UnaryExpressionStub{Child: ch[0]}}, nil
}

func (m *memberName) Eval(c *sql.Context, r sql.Row) (any, error) {
	v, err := m.Child.Eval(c, r)
	if err != nil || v == nil {
		return nil, err
	}
	s, _, err := types.ConvertToCollatedString(c, v, m.Child.Type(c))
	return s, err
}
