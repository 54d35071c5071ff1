package exact

import (
	"fmt"
	"math/big"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/types"
	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/sql/datum"
	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/sqltext"
)

// checked is +, - or * of two integers. The result is BIGINT, or BIGINT UNSIGNED when an operand is; what lies outside is error 1690.
type checked struct {
	*expression.Arithmetic
	unsigned bool
}

var _ expression.ArithmeticOp = (*checked)(nil)

func IntegerOnly(c *sql.Context, e sql.Expression) bool {
	if _, ok := e.(expression.TimeDeltaExpression); ok {
		return false
	}
	return types.IsInteger(e.Type(c))
}

func NewChecked(c *sql.Context, a *expression.Arithmetic) *checked {
	ck := &checked{Arithmetic: a, unsigned: types.IsUnsigned(a.LeftChild.Type(c)) || types.IsUnsigned(a.RightChild.Type(c))}
	if ck.unsigned && a.Op == sqlparser.MinusStr && sql.LoadSqlMode(c).ModeEnabled("NO_UNSIGNED_SUBTRACTION") {
		ck.unsigned = false
	}
	return ck
}

func (a *checked) Type(*sql.Context) sql.Type {
	if a.unsigned {
		return types.Uint64
	}
	return types.Int64
}

func (a *checked) WithChildren(c *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	in, err := a.Arithmetic.WithChildren(c, ch...)
	if err != nil {
		return nil, err
	}
	if in, ok := in.(*expression.Arithmetic); ok {
		return &checked{in, a.unsigned}, nil
	}
	return in, nil
}

func (a *checked) Eval(c *sql.Context, r sql.Row) (any, error) {
	lv, err := a.LeftChild.Eval(c, r)
	if err != nil || lv == nil {
		return nil, err
	}
	rv, err := a.RightChild.Eval(c, r)
	if err != nil || rv == nil {
		return nil, err
	}
	if !a.unsigned {
		if x, ok := datum.Whole(lv); ok {
			if y, ok := datum.Whole(rv); ok {
				if v, ok := a.signed(x, y); ok {
					return v, nil
				}
			}
		}
	}
	x, err := wide(c, lv)
	if err != nil {
		return nil, err
	}
	y, err := wide(c, rv)
	if err != nil {
		return nil, err
	}
	switch a.Op {
	case sqlparser.PlusStr:
		x.Add(x, y)
	case sqlparser.MinusStr:
		x.Sub(x, y)
	default:
		x.Mul(x, y)
	}
	switch {
	case a.unsigned && x.IsUint64():
		return x.Uint64(), nil
	case !a.unsigned && x.IsInt64():
		return x.Int64(), nil
	}
	name := "BIGINT"
	if a.unsigned {
		name = "BIGINT UNSIGNED"
	}
	return nil, mysqlerr.New(mysqlerr.ER_DATA_OUT_OF_RANGE, name, mysqlText(a))
}

// signed is the operation where it does not overflow.
func (a *checked) signed(x, y int64) (int64, bool) {
	switch a.Op {
	case sqlparser.PlusStr:
		v := x + y
		return v, (v > x) == (y > 0)
	case sqlparser.MinusStr:
		v := x - y
		return v, (v < x) == (y > 0)
	}
	const half = 1 << 31
	return x * y, -half < x && x < half && -half < y && y < half
}

func wide(c *sql.Context, v any) (*big.Int, error) {
	if n, ok := datum.Whole(v); ok {
		return big.NewInt(n), nil
	}
	if n, ok := v.(uint64); ok {
		return new(big.Int).SetUint64(n), nil
	}
	n, _, err := types.Int64.Convert(c, v)
	if err != nil {
		return nil, err
	}
	i, ok := n.(int64)
	if !ok {
		return nil, fmt.Errorf("an integer was expected, not %T", v)
	}
	return big.NewInt(i), nil
}

// mysqlText writes an expression as MySQL's messages do.
func mysqlText(e sql.Expression) string {
	switch e := e.(type) {
	case *checked:
		return "(" + mysqlText(e.LeftChild) + " " + e.Op + " " + mysqlText(e.RightChild) + ")"
	case *expression.GetField:
		var b strings.Builder
		for _, part := range []string{e.Database(), e.Table(), e.Name()} {
			if part == "" {
				continue
			}
			if b.Len() > 0 {
				b.WriteByte('.')
			}
			b.WriteString(sqltext.Quote(part))
		}
		return b.String()
	case *expression.Convert:
		if ch := e.Children(); len(ch) == 1 && types.IsInteger(e.Type(nil)) {
			to := "signed"
			if types.IsUnsigned(e.Type(nil)) {
				to = "unsigned"
			}
			return "cast(" + mysqlText(ch[0]) + " as " + to + ")"
		}
	case *expression.UnaryMinus:
		return "-(" + mysqlText(e.Child) + ")"
	}
	return strings.ToLower(e.String())
}
