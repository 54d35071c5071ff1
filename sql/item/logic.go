package item

import (
	"github.com/dolthub/go-mysql-server/sql"
)

// condition is what conditions are made of: IS TRUE, IS FALSE, IS NULL, NOT, XOR, and a value that is taken for one.
type condition struct {
	function
	op string
}

func newCondition(c *sql.Context, env *Env, op, shown string, list []sql.Expression) *condition {
	x := &condition{op: op}
	x.function = newFunction(c, env, shown, list, func(c *sql.Context, ch []sql.Expression) sql.Expression {
		return newCondition(c, env, op, shown, ch)
	})
	x.is = boolean
	return x
}

// IsNullable implements sql.Expression.
func (x *condition) IsNullable(c *sql.Context) bool {
	return x.op != "is true" && x.op != "is false" && x.op != "is null" && x.function.IsNullable(c)
}

func (x *condition) Eval(c *sql.Context, r sql.Row) (any, error) {
	if x.op == "is null" {
		if neverNull(x.args[0].Expression) { // is not computed, and warns of nothing
			return false, nil
		}
		v, err := x.args[0].value(c, r)
		return v == nil, err
	}
	is, null, err := x.args[0].truth(c, r)
	if err != nil {
		return nil, err
	}
	switch x.op {
	case "is true":
		return is && !null, nil
	case "is false":
		return !is && !null, nil
	}
	if null {
		return nil, nil
	}
	switch x.op {
	case "not":
		return !is, nil
	case "xor":
		other, null, err := x.args[1].truth(c, r)
		if err != nil || null {
			return nil, err
		}
		return is != other, nil
	}
	return is, nil
}
