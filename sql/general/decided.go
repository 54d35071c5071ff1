package general

import (
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/sql/item"
)

// MySQL computes the constants among the ANDs and ORs of a condition when it optimizes the statement (remove_eq_conds), from the left until the rest no
// longer matters. In an UPDATE or DELETE of strict mode what is wrong with one is an error then, though no row may meet the condition.

// decides reports whether that is so of a statement.
func decides(c *sql.Context, env *item.Env, ast sqlparser.Statement) bool {
	switch ast.(type) {
	case *sqlparser.Update, *sqlparser.Delete:
		x := executionOf(c)
		return env.Strict && x != nil && !x.ignores
	}
	return false
}

// decided computes the constants of a condition: the error of one, and the condition's value if they decide it.
func decided(c *sql.Context, e sql.Expression) (value, known bool, err error) {
	var parts []sql.Expression
	absorbs := false // AND is false as soon as a part is, OR true
	switch x := e.(type) {
	case *expression.And:
		parts = x.Children()
	case *expression.Or:
		parts, absorbs = x.Children(), true
	default:
		if !item.Constant(c, e) {
			return false, false, nil
		}
		v, err := sql.EvaluateCondition(c, e, nil)
		return sql.IsTrue(v), true, err
	}
	known = true
	for _, part := range parts {
		v, k, err := decided(c, part)
		if err != nil || k && v == absorbs {
			return v, k, err
		}
		known = known && k
	}
	return !absorbs, known, nil
}
