package general

import (
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/transform"
	"github.com/dolthub/vitess/go/sqltypes"
	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/sql/item"
)

// MySQL computes the constants among the ANDs and ORs of a condition when it optimizes the statement (remove_eq_conds), from the left until the rest no
// longer matters, and knows of a column that cannot be NULL how it compares with itself. What is wrong with such a constant is warned of, or in a statement of
// strict mode that changes rows an error, though no row may meet the condition.

// decides reports whether that is so of a statement: the query of a view is not optimized when the view is made.
func decides(ast sqlparser.Statement) bool {
	switch ast.(type) {
	case sqlparser.SelectStatement, *sqlparser.Insert, *sqlparser.Update, *sqlparser.Delete:
		return true
	}
	return false
}

// decided is what is left of a condition once its constants are computed: nil and the condition's value if they decide it. stored: its columns are of tables'
// rows, so that they know whether they are NULL.
func (r *retype) decided(e sql.Expression, stored bool) (left sql.Expression, value bool, err error) {
	var one, other sql.Expression
	var join func(l, r sql.Expression) sql.Expression
	absorbs := false // AND is false as soon as a part is, OR true
	switch x := e.(type) {
	case *expression.And:
		one, other, join = x.LeftChild, x.RightChild, func(l, r sql.Expression) sql.Expression { return expression.NewAnd(l, r) }
	case *expression.Or:
		one, other, join, absorbs = x.LeftChild, x.RightChild, func(l, r sql.Expression) sql.Expression { return expression.NewOr(l, r) }, true
	default:
		if stored {
			if value, known := withItself(r.c, e); known {
				return nil, value, nil
			}
			if isNeverNull(r.c, e) {
				return nil, false, nil
			}
		}
		if !item.Constant(r.c, e) {
			return e, false, nil
		}
		cond := e
		if x := r.env.Condition(r.c, e); x != nil {
			cond = x
		}
		v, err := sql.EvaluateCondition(r.c, cond, nil)
		return nil, sql.IsTrue(v), err
	}
	first, value, err := r.decided(one, stored)
	if err != nil || first == nil && value == absorbs {
		return nil, value, err
	}
	second, value, err := r.decided(other, stored)
	switch {
	case err != nil || second == nil && (value == absorbs || first == nil):
		return nil, value, err
	case first == nil:
		return second, false, nil
	case second == nil:
		return first, false, nil
	case first == one && second == other:
		return e, false, nil
	}
	return join(first, second), false, nil
}

// withItself tells how a column that cannot be NULL compares with itself.
func withItself(c *sql.Context, e sql.Expression) (value, known bool) {
	op, l, r, ok := item.Compared(e)
	if !ok {
		return false, false
	}
	a, isColumn := l.(*expression.GetField)
	b, isToo := r.(*expression.GetField)
	if !isColumn || !isToo || a.Id() == 0 || a.Id() != b.Id() || a.IsNullable(c) && op != "<=>" {
		return false, false
	}
	return op != "<" && op != ">", true
}

// isNeverNull reports whether e is IS NULL of what cannot be. To it the zero date of a DATE or DATETIME that is NOT NULL is NULL: that is not decided.
func isNeverNull(c *sql.Context, e sql.Expression) bool {
	op, value, _, ok := item.Limited(e)
	if f, is := e.(sql.FunctionExpression); is && strings.EqualFold(f.FunctionName(), "isnull") {
		op, value, ok = "null", f.Children()[0], true
	}
	return ok && op == "null" && item.NeverNull(value, func(f *expression.GetField) bool {
		t := f.Type(c).Type()
		return f.Id() != 0 && !f.IsNullable(c) && t != sqltypes.Date && t != sqltypes.Datetime
	})
}

// ofStoredRows reports whether the rows that n has are those of tables, joined or not, but by an outer join.
func ofStoredRows(n sql.Node) bool {
	is := true
	transform.Inspect(n, func(n sql.Node) bool {
		switch n := n.(type) {
		case nil, *plan.ResolvedTable, *plan.TableAlias, *plan.Filter:
		case *plan.JoinNode:
			is = is && (n.JoinType().IsInner() || n.JoinType().IsCross())
		default:
			is = false
		}
		return is
	})
	return is
}
