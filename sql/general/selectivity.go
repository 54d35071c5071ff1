package general

import (
	"math"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/transform"

	"github.com/zoryadb/zorya/sql/datum"
	"github.com/zoryadb/zorya/sql/tabledef"
)

// spread is a column with a histogram.
type spread struct {
	h *histogram
	t sql.Type
}

// byHistogram is the share of rows that pass a comparison of a column with constants, false if no histogram tells.
func (o *coster) byHistogram(c *sql.Context, e sql.Expression, tables []plan.TableIdNode) (float64, bool) {
	switch e := e.(type) {
	case *expression.Equals:
		return o.compared(c, e.Left(), e.Right(), tables, func(_, equal, _ float64) float64 { return equal })
	case *expression.LessThan:
		return o.ordered(c, e.Left(), e.Right(), tables, true, false)
	case *expression.LessThanOrEqual:
		return o.ordered(c, e.Left(), e.Right(), tables, true, true)
	case *expression.GreaterThan:
		return o.ordered(c, e.Left(), e.Right(), tables, false, false)
	case *expression.GreaterThanOrEqual:
		return o.ordered(c, e.Left(), e.Right(), tables, false, true)
	case *expression.Between:
		from, ok1 := o.ordered(c, e.Val, e.Lower, tables, true, false)
		to, ok2 := o.ordered(c, e.Val, e.Upper, tables, true, true)
		return math.Max(0, to-from), ok1 && ok2
	case *expression.InTuple:
		list, ok := e.Right().(expression.Tuple)
		sum := 0.0
		for i := 0; ok && i < len(list); i++ {
			var share float64
			share, ok = o.compared(c, e.Left(), list[i], tables, func(_, equal, _ float64) float64 { return equal })
			sum += share
		}
		return math.Min(1, sum), ok
	case *expression.IsNull:
		if s := o.spreadOf(c, e.Child, tables); s != nil {
			return s.h.Null, true
		}
	}
	return 0, false
}

// ordered is the share of values less than (less), or greater than, a constant; equal: or the same.
func (o *coster) ordered(c *sql.Context, a, b sql.Expression, tables []plan.TableIdNode, less, equal bool) (float64, bool) {
	if _, ok := a.(*expression.GetField); !ok {
		a, b, less = b, a, !less
	}
	return o.compared(c, a, b, tables, func(below, same, values float64) float64 {
		if !less {
			below = values - below - same
		}
		if equal {
			below += same
		}
		return below
	})
}

// compared looks up a constant in the histogram of a column. share gets the shares of rows whose values are less, of those that are equal, and of all that are
// not NULL.
func (o *coster) compared(c *sql.Context, a, b sql.Expression, tables []plan.TableIdNode, share func(below, equal, values float64) float64) (float64, bool) {
	if _, ok := a.(*expression.GetField); !ok {
		a, b = b, a
	}
	s := o.spreadOf(c, a, tables)
	if s == nil {
		return 0, false
	}
	v, ok := constant(c, b)
	if !ok {
		return 0, false
	}
	if v == nil {
		return 0, true
	}
	v, _, err := datum.Ordered(s.t).Convert(c, v)
	if err != nil || v == nil {
		return 0, false
	}
	below, equal, ok := s.h.below(c, s.t, v)
	return math.Max(0, math.Min(1, share(below, equal, 1-s.h.Null))), ok
}

func (o *coster) spreadOf(c *sql.Context, e sql.Expression, tables []plan.TableIdNode) *spread {
	f, ok := e.(*expression.GetField)
	if !ok {
		return nil
	}
	b := sourceOf(f, tables)
	if b == nil || b.m == nil {
		return nil
	}
	i := tabledef.Position(b.m.Def, f.Name())
	if i < 0 {
		return nil
	}
	if h := o.e.histogramOf(c, b.m, i); h != nil && len(h.Buckets) > 0 {
		return &spread{h, b.m.Schema[i].Type}
	}
	return nil
}

// constant evaluates an expression that is the same for all rows and for as long as the plan is used.
func constant(c *sql.Context, e sql.Expression) (any, bool) {
	fixed := true
	transform.InspectExpr(c, e, func(_ *sql.Context, e sql.Expression) bool {
		switch e := e.(type) {
		case *expression.Literal, expression.Tuple, *expression.UnaryMinus, *expression.Convert:
		case sql.NonDeterministicExpression:
			fixed = fixed && !e.IsNonDeterministic()
		default:
			fixed = fixed && len(e.Children()) > 0
		}
		return !fixed
	})
	if !fixed {
		return nil, false
	}
	v, err := e.Eval(c, nil)
	return v, err == nil
}
