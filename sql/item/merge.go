package item

import (
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
)

// Merge is the type that the columns of the sides of a set operation, of the given coercibilities, have together, and what stands for each so
// that it has it; nil: it has.
func (n *Env) Merge(c *sql.Context, list []sql.Expression, strengths []byte) (t sql.Type, as []sql.Expression) {
	args := newArgs(c, n, list)
	same := true
	for i := range args {
		args[i].Coerc = strengths[i]
		same = same && args[i].typ.Equals(args[0].typ)
	}
	as = make([]sql.Expression, len(list))
	m := merge(c, attrs(args)...)
	if m.Kind == Other || same {
		return args[0].typ, as
	}
	if m.Kind == Enum || m.Kind == Set {
		m.Kind = String
		m.typ = typeOf(&m)
	}
	for i := range args {
		if !args[i].typ.Equals(m.typ) {
			as[i] = newMerged(c, n, list[i], m)
		}
	}
	return m.typ, as
}

// merged is a column as the type of a set operation.
type merged struct{ function }

func newMerged(c *sql.Context, env *Env, e sql.Expression, as Attr) *merged {
	x := &merged{newFunction(c, env, e.String(), []sql.Expression{e}, func(c *sql.Context, ch []sql.Expression) sql.Expression {
		return newMerged(c, env, ch[0], as)
	})}
	x.is = as
	return x
}

// Unmerged is the column that Merge has given another type, nil of any other expression.
func Unmerged(e sql.Expression) sql.Expression {
	if a, ok := e.(*expression.Alias); ok {
		e = a.Child
	}
	if x, ok := e.(*merged); ok {
		return x.args[0].Expression
	}
	return nil
}

func (x *merged) Eval(c *sql.Context, r sql.Row) (any, error) {
	v, err := x.args[0].value(c, r)
	if err != nil || v == nil {
		return nil, err
	}
	return x.args[0].as(c, &x.is, v)
}
