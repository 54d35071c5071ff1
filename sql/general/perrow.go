package general

import (
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/expression/function"
	"github.com/dolthub/go-mysql-server/sql/transform"
	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/sql/builtin"
	"github.com/zoryadb/zorya/sql/grammar"
	"github.com/zoryadb/zorya/sql/item"
)

// changing is a call that has a new value, or an effect, for each row, within a condition. The library takes a call without columns for a constant
// and computes it when it plans: WHERE RAND() < 0.5 would have all of the rows, or none. So it sees the arguments beside a parameter, whose value cannot
// be known then, and not the call itself.
type changing struct {
	sql.Expression
	param sql.Expression
}

// perRow is a condition with its changing calls, nil for e itself. assigned: the statement sets user variables, so reading one is such a call.
func perRow(c *sql.Context, e sql.Expression, assigned bool) (sql.Expression, error) {
	out, same, err := transform.Expr(c, e, func(c *sql.Context, e sql.Expression) (sql.Expression, transform.TreeIdentity, error) {
		if _, variable := e.(*expression.UserVar); variable && assigned || changes(e) {
			return &changing{e, expression.NewProcedureParam("", e.Type(c))}, transform.NewTree, nil
		}
		return e, transform.SameTree, nil
	})
	if same || err != nil {
		return nil, err
	}
	return out, nil
}

// changes recognises MySQL's functions that are constant for no two rows. NOW(), LAST_INSERT_ID() and the like are, in a statement, and may serve an
// index.
func changes(e sql.Expression) bool {
	switch item.Called(e).(type) {
	case *builtin.Random, *function.UUIDFunc, *function.UUIDShortFunc, *function.RandomBytes, *builtin.Sleep, *builtin.Benchmark, *userLockCall, *assign, *call:
		return true
	}
	return false
}

// assigns reports whether a statement sets user variables within expressions.
func assigns(st sqlparser.Statement) bool {
	found := false
	_ = grammar.Walk(func(n sqlparser.SQLNode) (bool, error) { // the visitor gives no error
		f, ok := n.(*sqlparser.FuncExpr)
		found = found || ok && f.Name.EqualString(grammar.SetVarFunction)
		return !found, nil
	}, st)
	return found
}

func (x *changing) Children() []sql.Expression {
	return append([]sql.Expression{x.param}, x.Expression.Children()...)
}

func (x *changing) WithChildren(c *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	if len(ch) == 0 {
		return nil, sql.ErrInvalidChildrenNumber.New(x, 0, 1)
	}
	e, err := x.Expression.WithChildren(c, ch[1:]...)
	if err != nil {
		return nil, err
	}
	return &changing{e, ch[0]}, nil
}
