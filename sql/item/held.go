package item

import (
	"time"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/transform"
)

// held is a constant that is computed when it is first needed, and not before: what nobody needs warns of nothing and fails nothing. The library computes
// the constants of conditions when it makes the plan. MySQL keeps them in an Item_cache. A condition of rows may be held too, which hides it from
// the library's planner.
type held struct {
	of    sql.Expression
	hide  sql.Expression // a parameter, whose value nobody can know when plans are made; nobody asks for it
	is    Attr
	once  bool // a constant: the library must not see it
	at    time.Time
	value any   // of the statement that began then
	fail  error // what the expression cannot be given its rules for
}

// Hold holds e.
func (n *Env) Hold(c *sql.Context, e sql.Expression) sql.Expression {
	h := &held{of: e, hide: expression.NewProcedureParam("", e.Type(c)), is: Of(c, e), once: constant(c, e)}
	if !h.once {
		return h
	}
	of, _, err := transform.Expr(c, e, func(c *sql.Context, e sql.Expression) (sql.Expression, transform.TreeIdentity, error) {
		if x, err := n.Expr(c, e, false); x != nil || err != nil {
			return x, transform.NewTree, err
		}
		return e, transform.SameTree, nil
	})
	if h.fail = err; err == nil {
		h.of = of
	}
	return h
}

// Resolved implements sql.Expression.
func (h *held) Resolved() bool { return h.of.Resolved() }

// Children implements sql.Expression.
func (h *held) Children() []sql.Expression {
	if h.once {
		return []sql.Expression{h.hide}
	}
	return []sql.Expression{h.of, h.hide}
}

func (h *held) attr() Attr                     { return h.is }
func (h *held) Type(c *sql.Context) sql.Type   { return h.of.Type(c) }
func (h *held) String() string                 { return h.of.String() }
func (h *held) IsNullable(c *sql.Context) bool { return h.of.IsNullable(c) }

func (h *held) CollationCoercibility(c *sql.Context) (sql.CollationID, byte) {
	return sql.GetCoercibility(c, h.of)
}

func (h *held) Eval(c *sql.Context, r sql.Row) (any, error) {
	if h.fail != nil {
		return nil, h.fail
	}
	if !h.once {
		return h.of.Eval(c, r)
	}
	if now := c.QueryTime(); h.at.IsZero() || !h.at.Equal(now) {
		v, err := h.of.Eval(c, r)
		if err != nil {
			return nil, err
		}
		h.value, h.at = v, now
	}
	return h.value, nil
}

func (h *held) WithChildren(_ *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	if len(ch) != len(h.Children()) {
		return nil, sql.ErrInvalidChildrenNumber.New(h, len(ch), len(h.Children()))
	}
	out := *h
	if !h.once {
		out.of = ch[0]
	}
	return &out, nil
}

// HoldFaulty returns a condition whose constants are held that warn or fail, nil for e itself. faulty says of a constant whether it does.
func (n *Env) HoldFaulty(c *sql.Context, e sql.Expression, faulty func(sql.Expression) bool) (sql.Expression, error) {
	switch x := e.(type) {
	case *expression.Literal, *held, *expression.GetField, *plan.Subquery, sql.Aggregation, *expression.Interval:
		return nil, nil
	case expression.Tuple:
	default:
		if constant(c, x) {
			if faulty(x) {
				return n.Hold(c, x), nil
			}
			return nil, nil
		}
	}
	ch := e.Children()
	var out []sql.Expression
	for i, x := range ch {
		if x == nil {
			continue
		}
		with, err := n.HoldFaulty(c, x, faulty)
		if err != nil {
			return nil, err
		}
		if with != nil {
			if out == nil {
				out = append([]sql.Expression(nil), ch...)
			}
			out[i] = with
		}
	}
	if out == nil {
		return nil, nil
	}
	e, err := e.WithChildren(c, out...)
	if in, ok := e.(*expression.InTuple); ok && err == nil { // the library hashes the list when it makes the plan
		x, err := newInList(c, n, in.Left(), in.Right())
		return some(x, x != nil, err)
	}
	return e, err
}

// constant reports whether an expression is made of literals alone, and is the same each time.
func constant(c *sql.Context, e sql.Expression) bool {
	is := true
	sql.Inspect(c, e, func(_ *sql.Context, e sql.Expression) bool {
		switch x := e.(type) {
		case *expression.Literal, nil:
		case *held, *expression.GetField, *plan.Subquery, *expression.ProcedureParam, *expression.BindVar, *expression.UserVar, *expression.SystemVar, sql.Aggregation,
			*expression.DefaultColumn, *expression.Star:
			is = false
		case sql.WindowAdaptableExpression:
			is = false
		case sql.NonDeterministicExpression:
			is = is && !x.IsNonDeterministic()
		default:
			if len(e.Children()) == 0 {
				is = false // unknown: a function of nothing is one of the moment
			}
		}
		return is
	})
	return is
}

// Constant reports whether rows have no say in e, which sorts by nothing then.
func Constant(c *sql.Context, e sql.Expression) bool { return constant(c, e) }

// neverNull reports whether MySQL knows without looking that e is not NULL.
func neverNull(e sql.Expression) bool { return NeverNull(e, nil) }

// NeverNull is neverNull where columns, if it is not nil, tells of which that is known.
func NeverNull(e sql.Expression, columns func(*expression.GetField) bool) bool {
	neverNull := func(e sql.Expression) bool { return NeverNull(e, columns) }
	switch x := e.(type) {
	case *expression.GetField:
		return columns != nil && columns(x)
	case *expression.Literal:
		return x.Value() != nil
	case *textual:
		return x.name == "field"
	case *arithmetic:
		return (x.op == "+" || x.op == "-" || x.op == "*") && neverNull(x.args[0].Expression) && neverNull(x.args[1].Expression)
	case *negation:
		return neverNull(x.args[0].Expression)
	case *expression.UnaryMinus:
		return neverNull(x.Child)
	case *cast:
		return x.is.Kind != Date && x.is.Kind != Datetime && x.is.Kind != Time && neverNull(x.args[0].Expression)
	case sql.FunctionExpression:
		switch x.FunctionName() {
		case "concat_ws":
			ch := x.Children()
			return len(ch) > 0 && neverNull(ch[0])
		}
	}
	return false
}
