package general

import (
	"context"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/sql/grammar"
	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// The library leaves a cast out when its operand has the type that it gives the cast already. Its types know less than MySQL's: CAST(text AS CHAR(3)) does not
// shorten, CAST(IFNULL(d, 1) AS DECIMAL(6,0)) does not round. Until retype has seen the cast its operand has a type that equals no other.

func keepOperand(e sqlparser.Expr) sqlparser.Expr {
	if _, done := e.(sqlparser.InjectedExpr); done {
		return e
	}
	return sqlparser.InjectedExpr{Auth: grammar.NoAuth, Expression: keptOperand{e: e}, Children: sqlparser.Exprs{e}}
}

// keepOperands keeps all casts within n.
func keepOperands(n sqlparser.SQLNode) {
	_ = grammar.Walk(func(n sqlparser.SQLNode) (bool, error) { // the visitor gives no error
		if x, ok := n.(*sqlparser.ConvertExpr); ok && x != nil {
			x.Expr = keepOperand(x.Expr)
			if in, ok := x.Expr.(sqlparser.InjectedExpr); ok && x.Type != nil && strings.EqualFold(x.Type.Type, "char") && x.Type.Length != nil {
				k := in.Expression.(keptOperand)
				k.width, _ = strconv.Atoi(string(x.Type.Length.Val)) // 0: no limit
				in.Expression = k
				x.Expr = in
			}
		}
		return true, nil
	}, n)
}

type keptOperand struct {
	e     sqlparser.Expr
	width int
}

// WithResolvedChildren implements sqlparser.Injectable.
func (k keptOperand) WithResolvedChildren(_ context.Context, ch []any) (any, error) {
	return &operand{expression.UnaryExpressionStub{Child: ch[0].(sql.Expression)}, k.width}, nil
}

// String is the operand as it was written.
func (k keptOperand) String() string { return sqlparser.String(k.e) }

// operand hides the type of a cast's operand from the library's binder.
type operand struct {
	expression.UnaryExpressionStub
	// width, if not 0, is n of CAST(... AS CHAR(n)) in a definition, whose casts retype does not see: a strict statement that changes rows may cut no text.
	width int
}

func (o *operand) Type(c *sql.Context) sql.Type {
	switch t := o.Child.Type(c).(type) {
	case sql.StringType:
		return stringOperand{t}
	case sql.DecimalType:
		return decimalOperand{t}
	case sql.DatetimeType:
		return datetimeOperand{t}
	default:
		return t
	}
}

func (o *operand) String() string { return o.Child.String() }

func (o *operand) Eval(c *sql.Context, r sql.Row) (any, error) {
	v, err := o.Child.Eval(c, r)
	if s, ok := v.(string); ok && err == nil && o.width > 0 && utf8.RuneCountInString(s) > o.width {
		if x := executionOf(c); x != nil && x.st != nil && x.st.Class != Read && sql.LoadSqlMode(c).Strict() {
			return nil, mysqlerr.NewMessage(mysqlerr.ER_TRUNCATED_WRONG_VALUE, "Truncated incorrect CHAR(%d) value: '%s'", o.width, s)
		}
	}
	return v, err
}

func (o *operand) CollationCoercibility(c *sql.Context) (sql.CollationID, byte) {
	return sql.GetCoercibility(c, o.Child)
}

func (o *operand) WithChildren(_ *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	if len(ch) != 1 {
		return nil, sql.ErrInvalidChildrenNumber.New(o, len(ch), 1)
	}
	return &operand{expression.UnaryExpressionStub{Child: ch[0]}, o.width}, nil
}

type (
	stringOperand   struct{ sql.StringType }
	decimalOperand  struct{ sql.DecimalType }
	datetimeOperand struct{ sql.DatetimeType }
)

func (stringOperand) Equals(sql.Type) bool   { return false }
func (decimalOperand) Equals(sql.Type) bool  { return false }
func (datetimeOperand) Equals(sql.Type) bool { return false }
