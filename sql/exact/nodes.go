package exact

import (
	"math"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/types"

	"github.com/zoryadb/zorya/sql/item"
)

// The keys and bounds of nodes.

// BoundTop gives a sort that keeps LIMIT + OFFSET rows their sum, at most the largest integer: LIMIT 18446744073709551615 OFFSET n is how
// MySQL's users say "all but n". nil: the sort does not add.
func BoundTop(c *sql.Context, top *plan.TopN) *plan.TopN {
	sum, ok := top.Limit.(*expression.Arithmetic)
	if !ok {
		return nil
	}
	total := int64(0)
	for _, e := range []sql.Expression{sum.LeftChild, sum.RightChild} {
		v, err := e.Eval(c, nil)
		n, ok := v.(int64)
		if err != nil || !ok {
			return nil
		}
		total += min(n, math.MaxInt64-total)
	}
	out := *top
	out.Limit = expression.NewLiteral(total, types.Int64)
	return &out
}

// LookupKeys gives the keys that a table is looked up by the types of the index.
func LookupKeys(c *sql.Context, n *plan.IndexedTableAccess) (sql.Node, error) {
	keys, columns, null := n.Expressions(), n.Index().ColumnExpressionTypes(c), n.NullMask()
	var out []sql.Expression
	for i, k := range keys {
		if i >= len(columns) || i < len(null) && null[i] {
			continue
		}
		if to := item.NewLookupKey(c, k, columns[i].Type); to != k {
			if out == nil {
				out = append([]sql.Expression(nil), keys...)
			}
			out[i] = to
		}
	}
	if out == nil {
		return n, nil
	}
	return n.WithExpressions(c, out...)
}

// PaddedKeys returns the expressions of a node that hashes or sorts, with those keys trimmed that need it; nil: none does.
func PaddedKeys(c *sql.Context, n sql.Node) []sql.Expression {
	var keys []sql.Expression
	first := 0
	switch n := n.(type) {
	case *plan.GroupBy:
		keys, first = n.Expressions(), len(n.SelectDeps)
	case *plan.Sort:
		keys = n.Expressions()
	case *plan.Window:
		return paddedWindows(c, n)
	default:
		return nil
	}
	out := append([]sql.Expression(nil), keys...)
	changed := false
	for i := first; i < len(out); i++ {
		var one bool
		out[i], one = trimPadded(c, out[i])
		changed = changed || one
	}
	if !changed {
		return nil
	}
	return out
}

// paddedWindows is PaddedKeys of what windows are parted and ordered by, dates among them.
func paddedWindows(c *sql.Context, n *plan.Window) []sql.Expression {
	out := append([]sql.Expression(nil), n.SelectExprs...)
	changed := false
	for i, e := range out {
		alias, named := e.(*expression.Alias)
		if named {
			e = alias.Child
		}
		w, ok := e.(sql.WindowAdaptableExpression)
		if !ok || w.Window() == nil {
			continue
		}
		keys, padded := w.Window().ToExpressions(), false
		for k := range keys {
			var one bool
			if keys[k], one = trimPadded(c, keys[k]); dated(c, keys[k]) {
				if _, done := keys[k].(*orderedDate); !done {
					keys[k], one = &orderedDate{expression.UnaryExpressionStub{Child: keys[k]}}, true
				}
			}
			padded = padded || one
		}
		if !padded {
			continue
		}
		def, err := w.Window().FromExpressions(c, keys)
		if err != nil {
			continue
		}
		e = w.WithWindow(c, def)
		if named {
			if e, err = alias.WithChildren(c, e); err != nil {
				continue
			}
		}
		out[i], changed = e, true
	}
	if !changed {
		return nil
	}
	return out
}
