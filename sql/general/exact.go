package general

import (
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/expression/function/aggregation"
	"github.com/dolthub/go-mysql-server/sql/expression/function/json"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/transform"
	"github.com/dolthub/go-mysql-server/sql/types"

	"github.com/zoryadb/zorya/sql/builtin"
	"github.com/zoryadb/zorya/sql/exact"
	"github.com/zoryadb/zorya/sql/item"
	"github.com/zoryadb/zorya/sql/windows"
)

// The library compares strings character by character, so 'a' and 'a ' differ whatever the collation says of trailing blanks; it tells
// distinct values by their bytes; and its integer arithmetic wraps around. finish puts expressions that do as MySQL does into a plan that is ready
// for execution. Indexes were chosen before, on the library's own expressions.

// finisher puts expressions that do as MySQL does into a plan.
type finisher struct {
	env    *item.Env
	native bool // of joins: equalities that retype has left alone stay the library's, which looks into them
}

// finish returns n with those expressions, or n itself when none is needed.
func (f finisher) finish(c *sql.Context, n sql.Node) (sql.Node, error) {
	out, _, err := transform.NodeWithOpaque(c, n, f.node)
	return out, err
}

func (f finisher) node(c *sql.Context, n sql.Node) (sql.Node, transform.TreeIdentity, error) {
	changed := transform.SameTree
	if in, ok := n.(*plan.InsertInto); ok { // its source is not among its children
		src, err := f.finish(c, in.Source)
		if err != nil {
			return nil, changed, err
		}
		if src != in.Source {
			n, changed = in.WithSource(src), transform.NewTree
		}
	}
	if show, ok := n.(*plan.ShowTables); ok {
		whole, err := sessionOf(c).e.showsSystem(show)
		if err != nil || whole != nil {
			return whole, transform.NewTree, err
		}
	}
	if top, ok := n.(*plan.TopN); ok {
		if bounded := exact.BoundTop(c, top); bounded != nil {
			n, changed = bounded, transform.NewTree
		}
	}
	switch x := n.(type) {
	case *plan.JoinNode:
		f.native = true
	case *plan.HashLookup:
		if w := exact.WeighKeys(c, x); w != nil {
			n, changed = w, transform.NewTree
		}
	case *plan.RecursiveCte:
		out, err := inCycles(c, x)
		if err != nil {
			return nil, changed, err
		}
		if out != n {
			n, changed = out, transform.NewTree
		}
	case *plan.IndexedTableAccess:
		out, err := exact.LookupKeys(c, x)
		if err != nil {
			return nil, changed, err
		}
		if out != n {
			n, changed = out, transform.NewTree
		}
	}
	out, same, err := transform.OneNodeExpressions(c, n, f.expr)
	if err != nil {
		return nil, changed, err
	}
	n, changed = out, changed && same
	hashed, err := hashJoin(c, n)
	if hashed == nil && err == nil {
		hashed, err = hashNoNulls(c, n)
	}
	if hashed == nil && err == nil {
		hashed, err = spatialJoin(c, n)
	}
	if hashed == nil && err == nil {
		hashed, err = f.rangeJoin(c, n)
	}
	if hashed != nil || err != nil {
		return hashed, transform.NewTree, err
	}
	keys := exact.PaddedKeys(c, n)
	if keys == nil {
		return n, changed, nil
	}
	if n, err = n.(sql.Expressioner).WithExpressions(c, keys...); err != nil {
		return nil, changed, err
	}
	return n, transform.NewTree, nil
}

func (f finisher) expr(c *sql.Context, e sql.Expression) (sql.Expression, transform.TreeIdentity, error) {
	out, err := f.finished(c, e)
	if err != nil || out == nil {
		return e, transform.SameTree, err
	}
	return out, transform.NewTree, nil
}

// finished returns what stands for e, nil for e itself.
func (f finisher) finished(c *sql.Context, e sql.Expression) (sql.Expression, error) {
	if w := windows.Aggregate(e); w != nil {
		return w, nil
	}
	if _, equal := e.(*expression.Equals); !f.native || !equal { // the library's <=> compares texts by their bytes
		if x, err := f.env.Expr(c, e, false); x != nil || err != nil {
			return x, err
		}
	}
	if x, err := exact.Spelled(c, e); x != nil || err != nil {
		return x, err
	}
	switch e := e.(type) {
	case *assign:
		return e.uncut(c, f.env), nil
	case *plan.Subquery:
		q, err := e.Query, error(nil)
		if outer := e.Correlated(); !outer.Empty() {
			if q, err = lookUpOuter(c, q, outer); err == nil {
				q, err = hashByOuter(c, q, outer)
			}
			if err != nil {
				return nil, err
			}
		}
		f.native = false
		q, err = f.finish(c, q)
		if err == nil {
			q = rememberedQuery(c, e, inScope(c, q))
		}
		if err != nil || q == e.Query {
			return nil, err
		}
		return e.WithQuery(q), nil
	case *expression.SetField:
		if _, variable := e.LeftChild.(*expression.UserVar); variable {
			if a := item.Of(c, e.RightChild); a.Kind == item.Date || a.Kind == item.Datetime || a.Kind == item.Time {
				return expression.NewSetField(e.LeftChild, &timeText{expression.UnaryExpressionStub{Child: e.RightChild}}), nil
			}
			if whole := f.env.Uncut(c, e.RightChild); whole != nil {
				return expression.NewSetField(e.LeftChild, whole), nil
			}
			return nil, nil
		}
		return exact.AssignedDate(e), nil
	case *expression.Arithmetic:
		if exact.IntegerOnly(c, e.LeftChild) && exact.IntegerOnly(c, e.RightChild) {
			return exact.NewChecked(c, e), nil
		}
	case *expression.Equals, *expression.NullSafeEquals, *expression.GreaterThan, *expression.GreaterThanOrEqual, *expression.LessThan,
		*expression.LessThanOrEqual:
		if x, err := exact.Operands(c, e); x != nil || err != nil {
			return x, err
		}
		return exact.TrimOperands(c, e)
	case *expression.Between:
		return exact.NewBetween(c, e)
	case *expression.Mod:
		return &exact.PlainZero{UnaryExpressionStub: expression.UnaryExpressionStub{Child: e}}, nil
	case *json.JSONUnquote:
		return builtin.NewJSONUnquote(c, e.Child), nil
	case *expression.Convert:
		if types.IsJSON(e.Type(c)) {
			return &builtin.JSONCast{UnaryExpressionStub: expression.UnaryExpressionStub{Child: e.Child}}, nil
		}
		if x := exact.NewCastDecimal(c, e); x != nil {
			return x, nil
		}
	case *expression.InTuple:
		if in := exact.NewDecimalIn(c, e.Left(), e.Right()); in != nil {
			return in, nil
		}
		if in := exact.NewTextIn(c, e.Left(), e.Right()); in != nil {
			return in, nil
		}
		return exact.TrimOperands(c, e)
	case *expression.HashInTuple:
		if in := exact.NewDecimalIn(c, e.Left(), e.Right()); in != nil {
			return in, nil
		}
		if in := exact.NewTextIn(c, e.Left(), e.Right()); in != nil {
			return in, nil
		}
		left, right := e.Left(), e.Right()
		if !exact.ComparesPadded(c, left, right) {
			return nil, nil
		}
		return expression.NewHashInTuple(c, exact.TrimAny(c, left), exact.TrimAny(c, right))
	case *aggregation.Min, *aggregation.Max:
		if x := item.Extreme(c, e.(sql.Aggregation)); x != nil {
			return x, nil
		}
	case *aggregation.CountDistinct:
		return exact.WeighChildren(c, e)
	case *aggregation.JsonArray:
		if e.Window() == nil {
			return &builtin.ArrayAgg{JsonArray: e}, nil
		}
	case *aggregation.GroupConcat:
		if strings.HasPrefix(e.String(), "group_concat(distinct") {
			return &exact.ConcatDistinct{GroupConcat: e}, nil
		}
	}
	return nil, nil
}

var _ sql.Aggregation = (*exact.ConcatDistinct)(nil)
