package general

import (
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"

	"github.com/zoryadb/zorya/sql/datum"
	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// What WITH CHECK OPTION asks of the rows that are written through a view.

// verifyView checks a row that is written through a view WITH CHECK OPTION.
func (e *editor) verifyView(c *sql.Context, r sql.Row) error {
	x := executionOf(c)
	if x == nil || x.viewChecks == nil {
		return nil
	}
	checks := x.viewChecks[[2]string{e.m.Def.Schema, e.m.Def.Name}]
	for i := range checks {
		ch := &checks[i]
		if ch.bound == nil {
			var err error
			if ch.bound, err = sessionOf(c).boundCondition(c, e.m, ch.text); err != nil {
				return err
			}
		}
		v, err := sql.EvaluateCondition(c, ch.bound, r)
		if err != nil {
			return err
		}
		if !sql.IsTrue(v) {
			return checkFailed(ch.view)
		}
	}
	return nil
}

func checkFailed(view string) error {
	return mysqlerr.NewMessage(mysqlerr.ER_VIEW_CHECK_FAILED, "CHECK OPTION failed '%s'", view)
}

const viewCheckFunction = "zorya_view_check" // (value, view, condition)

func init() {
	ownFunctions[viewCheckFunction] = func(*Engine) sql.Function {
		return sql.Function3{Name: viewCheckFunction, Fn: newViewCheck}
	}
}

// viewChecked is its first argument, of a row that meets the condition.
type viewChecked struct{ expression.NaryExpression }

func newViewCheck(_ *sql.Context, value, view, condition sql.Expression) sql.Expression {
	return &viewChecked{expression.NaryExpression{ChildExpressions: []sql.Expression{value, view, condition}}}
}

func (n *viewChecked) String() string                 { return n.ChildExpressions[0].String() }
func (n *viewChecked) Type(c *sql.Context) sql.Type   { return n.ChildExpressions[0].Type(c) }
func (n *viewChecked) IsNullable(c *sql.Context) bool { return n.ChildExpressions[0].IsNullable(c) }
func (n *viewChecked) IsNonDeterministic() bool       { return true } // it is about the row that is written

func (n *viewChecked) Eval(c *sql.Context, r sql.Row) (any, error) {
	ok, err := sql.EvaluateCondition(c, n.ChildExpressions[2], r)
	if err != nil {
		return nil, err
	}
	if !sql.IsTrue(ok) {
		view, err := n.ChildExpressions[1].Eval(c, r)
		if err != nil {
			return nil, err
		}
		name, _ := datum.Text(view)
		return nil, checkFailed(name)
	}
	return n.ChildExpressions[0].Eval(c, r)
}

func (n *viewChecked) CollationCoercibility(c *sql.Context) (sql.CollationID, byte) {
	return sql.GetCoercibility(c, n.ChildExpressions[0])
}

func (n *viewChecked) WithChildren(c *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	if len(ch) != 3 {
		return nil, sql.ErrInvalidChildrenNumber.New(n, len(ch), 3)
	}
	return newViewCheck(c, ch[0], ch[1], ch[2]), nil
}
