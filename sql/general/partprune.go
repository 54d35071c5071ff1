package general

import (
	"cmp"
	"strings"
	"time"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/transform"
	"github.com/dolthub/go-mysql-server/sql/types"

	"github.com/zoryadb/zorya/sql/datum"
	"github.com/zoryadb/zorya/sql/partition"
	"github.com/zoryadb/zorya/sql/tabledef"
)

// Pruning by conditions: a condition right above a partitioned table tells which partitions its rows can be in. Ranges of indexes prune by
// themselves, when they are scanned (partitioned.within).

// prunePartitions looks for conditions on partitioned tables in an analysed plan.
func prunePartitions(c *sql.Context, n sql.Node) {
	transform.InspectWithOpaque(c, n, func(c *sql.Context, n sql.Node) bool {
		f, ok := n.(*plan.Filter)
		if !ok {
			return true
		}
		alias, b := "", (*base)(nil)
		for child := f.Child; child != nil && b == nil; {
			switch t := child.(type) {
			case *plan.TableAlias:
				alias, child = t.Name(), t.Child
			case *plan.ResolvedTable:
				b, child = tableBase(t.Table), nil
			case *plan.IndexedTableAccess:
				b, child = tableBase(t.Table), nil
			default:
				child = nil
			}
		}
		if b == nil || len(b.m.Attrs.Parts) == 0 {
			return true
		}
		if fn, err := partFuncOf(c, b.m); err == nil && fn != nil {
			by := map[int]*partition.Limits{}
			for _, e := range expression.SplitConjunction(c, f.Expression) {
				restrict(c, b, cmp.Or(alias, b.Name()), e, by)
			}
			if set, err := fn.Prune(c, by); err == nil && len(by) > 0 { // a condition that cannot be computed fails when it is
				b.pruned = intersect(b.pruned, set)
			}
		}
		return true
	})
}

// intersect combines sets of partitions, of which nil is all.
func intersect(a, b []bool) []bool {
	if a == nil || b == nil {
		if a == nil {
			return b
		}
		return a
	}
	out := make([]bool, len(a))
	for i := range out {
		out[i] = a[i] && b[i]
	}
	return out
}

// restrict adds what one condition says of one column.
func restrict(c *sql.Context, b *base, table string, e sql.Expression, by map[int]*partition.Limits) {
	column := func(e sql.Expression) int {
		g, ok := e.(*expression.GetField)
		if !ok || !strings.EqualFold(g.Table(), table) {
			return -1
		}
		return tabledef.Position(b.m.Def, g.Name())
	}
	set := func(col int, op string, x sql.Expression) {
		v, ok := b.constant(c, col, x)
		if !ok {
			return
		}
		l := by[col]
		if l == nil {
			l = &partition.Limits{}
		}
		switch op {
		case "=":
			if !l.Fixed() {
				l.In = []any{v}
			}
		case "<", "<=":
			if l.Hi == nil && v != nil {
				l.Hi, l.HiOpen = v, op == "<"
			}
		case ">", ">=":
			if l.Lo == nil && v != nil {
				l.Lo, l.LoOpen = v, op == ">"
			}
		}
		by[col] = l
	}
	mirrored := map[string]string{"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
	pair := func(op string, l, r sql.Expression) {
		if col := column(l); col >= 0 {
			set(col, op, r)
		} else if col := column(r); col >= 0 {
			set(col, mirrored[op], l)
		}
	}
	switch e := e.(type) {
	case *expression.Equals:
		pair("=", e.Left(), e.Right())
	case *expression.NullSafeEquals:
		pair("=", e.Left(), e.Right())
	case *expression.LessThan:
		pair("<", e.Left(), e.Right())
	case *expression.LessThanOrEqual:
		pair("<=", e.Left(), e.Right())
	case *expression.GreaterThan:
		pair(">", e.Left(), e.Right())
	case *expression.GreaterThanOrEqual:
		pair(">=", e.Left(), e.Right())
	case *expression.Between:
		if col := column(e.Val); col >= 0 {
			set(col, ">=", e.Lower)
			set(col, "<=", e.Upper)
		}
	case *expression.IsNull:
		if col := column(e.Child); col >= 0 {
			by[col] = &partition.Limits{In: []any{nil}}
		}
	case *expression.InTuple:
		among(c, b, column(e.Left()), e.Right(), by)
	case *expression.HashInTuple:
		among(c, b, column(e.Left()), e.Right(), by)
	}
}

// among is restrict for IN.
func among(c *sql.Context, b *base, col int, right sql.Expression, by map[int]*partition.Limits) {
	list, ok := right.(expression.Tuple)
	if !ok || col < 0 || by[col] != nil && by[col].Fixed() {
		return
	}
	var in []any
	for _, x := range list {
		v, ok := b.constant(c, col, x)
		if !ok {
			return
		}
		in = append(in, v)
	}
	l := by[col]
	if l == nil {
		l = &partition.Limits{}
		by[col] = l
	}
	l.In = in
}

// constant is the value of an expression without columns, if the column holds it as it is.
func (b *base) constant(c *sql.Context, col int, e sql.Expression) (any, bool) {
	fixed := true
	sql.Inspect(c, e, func(_ *sql.Context, e sql.Expression) bool {
		switch x := e.(type) {
		case *expression.GetField, *plan.Subquery, *expression.BindVar:
			fixed = false
		case sql.NonDeterministicExpression:
			fixed = fixed && !x.IsNonDeterministic()
		}
		return fixed
	})
	if !fixed {
		return nil, false
	}
	v, err := e.Eval(c, nil)
	if err != nil {
		return nil, false
	}
	if v == nil {
		return nil, true
	}
	t := b.m.Schema[col].Type
	out, in, err := datum.Ordered(t).Convert(c, v)
	if err != nil || in != sql.InRange {
		return nil, false
	}
	switch {
	case types.IsInteger(t):
		n, err := types.Float64.Compare(c, v, out)
		_, text := v.(string)
		return out, err == nil && n == 0 && !text
	case types.IsTime(t):
		at, _, err := datum.Ordered(types.DatetimeMaxPrecision).Convert(c, v)
		whole, ok := at.(time.Time)
		cut, is := out.(time.Time)
		return out, err == nil && ok && is && whole.Equal(cut)
	case types.IsText(t):
		_, text := v.(string)
		return out, text
	}
	n, err := datum.Ordered(t).Compare(c, out, v)
	return out, err == nil && n == 0
}

// shownPartitions is EXPLAIN's list: the partitions that a reference reads, nil for a table without.
func (b *base) shownPartitions(within []bool) any {
	if b.m.Attrs.PartSQL == "" {
		return nil
	}
	set := intersect(intersect(b.chosen, b.pruned), within)
	var out []string
	for i, r := range b.m.Attrs.Parts {
		if set == nil || set[i] {
			out = append(out, r.Name)
		}
	}
	if out == nil {
		return nil
	}
	return strings.Join(out, ",")
}
