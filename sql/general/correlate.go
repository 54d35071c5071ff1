package general

import (
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/transform"
	"github.com/dolthub/go-mysql-server/sql/types"

	"github.com/zoryadb/zorya/sql/rules"
)

// The library reads a table of a correlated subquery by an index only if every column of the key's prefix is compared with the outer row and
// nothing else has chosen an index for it before: WHERE w = 1 AND c = outer.c with an index on (w, c) reads all of w = 1 for each
// outer row. Here such a table is read by the longest prefix that constants and the outer row give together.

// lookUpOuter rewrites the plan of a subquery that refers to the columns outer.
func lookUpOuter(c *sql.Context, q sql.Node, outer sql.ColSet) (sql.Node, error) {
	ordered := mergeSides(c, q)
	out, _, err := transform.NodeWithOpaque(c, q, func(c *sql.Context, n sql.Node) (sql.Node, transform.TreeIdentity, error) {
		f, ok := n.(*plan.Filter)
		if !ok || ordered[f] {
			return n, transform.SameTree, nil
		}
		t, ok := rules.Unaliased(f.Child).(sql.TableNode)
		if !ok {
			return n, transform.SameTree, nil
		}
		by := newOuterLookup(c, f, t, outer)
		if by == nil {
			return n, transform.SameTree, nil
		}
		out, err := by.plan(c, f, t)
		if err != nil {
			return nil, transform.SameTree, err
		}
		return out, transform.NewTree, nil
	})
	return out, err
}

// mergeSides are the filters below merge joins, which need their rows in the order of the index that the library chose.
func mergeSides(c *sql.Context, q sql.Node) map[*plan.Filter]bool {
	out := map[*plan.Filter]bool{}
	transform.InspectWithOpaque(c, q, func(c *sql.Context, n sql.Node) bool {
		if j, ok := n.(*plan.JoinNode); ok && j.Op.IsMerge() {
			transform.InspectWithOpaque(c, n, func(_ *sql.Context, below sql.Node) bool {
				if f, ok := below.(*plan.Filter); ok {
					out[f] = true
				}
				return true
			})
		}
		return true
	})
	return out
}

// outerLookup is a better way to read one table.
type outerLookup struct {
	ix   *index
	keys []sql.Expression // of the prefix of ix
	// rest are the comparisons that the present index had taken over from the filter and that ix does not serve.
	rest []sql.Expression
}

// equality is a column with what it must be equal to.
type equality struct {
	column string // in lower case
	value  sql.Expression
	outer  bool
}

// newOuterLookup returns nil if the outer row does not lengthen the prefix of an index.
func newOuterLookup(c *sql.Context, f *plan.Filter, t sql.TableNode, outer sql.ColSet) *outerLookup {
	addressable, ok := t.UnderlyingTable().(sql.IndexAddressable)
	if !ok {
		return nil
	}
	schema := f.Child.Schema(c)
	known, first, ok := outerEqualities(c, f.Expression, schema, outer)
	if !ok {
		return nil
	}
	served, ok := servedEqualities(c, t)
	if !ok {
		return nil
	}
	all, err := addressable.GetIndexes(c)
	if err != nil {
		return nil
	}
	var best *outerLookup
	for _, candidate := range all {
		ix, ok := candidate.(*index)
		if !ok || !ix.CanSupport(c) || ix.PrefixLengths() != nil {
			continue
		}
		by := &outerLookup{ix: ix}
		used := by.prefix(known, served)
		if !used || len(by.keys) <= len(served) && !by.exact() || best != nil && !by.beats(best) {
			continue
		}
		best = by
	}
	if best == nil {
		return nil
	}
	for _, e := range served { // kept as a filter: harmless where the key holds it too
		i := schema.IndexOf(e.column, schema[0].Source)
		if i < 0 {
			return nil
		}
		best.rest = append(best.rest, expression.NewEquals(expression.NewGetFieldWithTable(first+i, 0, schema[i].Type, "", schema[i].Source, schema[i].Name, schema[i].Nullable), e.value))
	}
	return best
}

// prefix collects the keys of the longest prefix of the index and reports whether the outer row gives one of them.
func (by *outerLookup) prefix(sources ...[]equality) (usesOuter bool) {
	for _, p := range by.ix.ix().Parts {
		found := false
		for _, source := range sources {
			for _, e := range source {
				if !found && strings.EqualFold(by.ix.t.m.Def.Columns[p.Column].Name, e.column) {
					by.keys, found, usesOuter = append(by.keys, e.value), true, usesOuter || e.outer
				}
			}
		}
		if !found {
			break
		}
	}
	return usesOuter
}

func (by *outerLookup) exact() bool { return by.ix.IsUnique() && len(by.keys) == len(by.ix.ix().Parts) }

func (by *outerLookup) beats(other *outerLookup) bool {
	if by.exact() != other.exact() {
		return by.exact()
	}
	return len(by.keys) > len(other.keys)
}

func (by *outerLookup) plan(c *sql.Context, f *plan.Filter, t sql.TableNode) (sql.Node, error) {
	if ita, ok := t.(*plan.IndexedTableAccess); ok {
		t = ita.TableNode
	}
	access, err := plan.NewIndexedAccessForTableNode(c, t, plan.NewLookupBuilder(c, by.ix, by.keys, make([]bool, len(by.keys))))
	if err != nil {
		return nil, err
	}
	var child sql.Node = access
	if alias, ok := f.Child.(*plan.TableAlias); ok {
		if child, err = alias.WithChildren(c, access); err != nil {
			return nil, err
		}
	}
	return plan.NewFilter(c, expression.JoinAnd(append(by.rest, f.Expression)...), child), nil
}

// outerEqualities finds the columns that a filter compares with the outer row, and where the table's columns begin in the rows that
// the filter sees. ok is false if there are none.
func outerEqualities(c *sql.Context, filter sql.Expression, schema sql.Schema, outer sql.ColSet) (known []equality, first int, ok bool) {
	for _, e := range expression.SplitConjunction(c, filter) {
		eq, isEq := e.(*expression.Equals)
		if !isEq {
			continue
		}
		for _, side := range [][2]sql.Expression{{eq.Left(), eq.Right()}, {eq.Right(), eq.Left()}} {
			inner, isField := side[0].(*expression.GetField)
			if !isField || outer.Contains(sql.ColumnId(inner.Id())) || !onlyOuter(c, side[1], outer) || !sameOrder(c, inner, side[1]) {
				continue
			}
			i := schema.IndexOf(inner.Name(), inner.Table())
			if i < 0 {
				continue
			}
			known, first, ok = append(known, equality{strings.ToLower(inner.Name()), side[1], true}), inner.Index()-i, true
		}
	}
	return known, first, ok
}

// onlyOuter reports whether e is made of the outer row and constants, with at least one of the former.
func onlyOuter(c *sql.Context, e sql.Expression, outer sql.ColSet) bool {
	some, only := false, true
	sql.Inspect(c, e, func(_ *sql.Context, e sql.Expression) bool {
		switch e := e.(type) {
		case *expression.GetField:
			some = true
			only = only && outer.Contains(sql.ColumnId(e.Id()))
		case *plan.Subquery:
			only = false
		case sql.NonDeterministicExpression:
			only = only && !e.IsNonDeterministic()
		}
		return only
	})
	return some && only
}

// sameOrder reports whether the index's order of a column is that of its comparison with e, so that a lookup finds what the
// comparison would.
func sameOrder(c *sql.Context, column *expression.GetField, e sql.Expression) bool {
	a, b := column.Type(c), e.Type(c)
	if types.IsInteger(a) && types.IsInteger(b) {
		return true
	}
	as, aText := a.(sql.StringType)
	bs, bText := b.(sql.StringType)
	if aText && bText {
		return as.Collation() == bs.Collation()
	}
	return a.Equals(b)
}

// servedEqualities are those that the table's present index has taken over. ok is false if it serves ranges as well.
func servedEqualities(c *sql.Context, t sql.TableNode) (served []equality, ok bool) {
	ita, indexed := t.(*plan.IndexedTableAccess)
	if !indexed {
		return nil, true
	}
	if !ita.IsStatic() {
		return nil, false
	}
	lookup, _, err := ita.GetLookup(c, nil)
	ix, own := lookup.Index.(*index)
	ranges, ordinary := lookup.Ranges.(sql.MySQLRangeCollection)
	if err != nil || !own || !ordinary || len(ranges) != 1 {
		return nil, false
	}
	cols := ix.extended()
	for i, r := range ranges[0] {
		low, isLow := r.LowerBound.(sql.Below)
		high, isHigh := r.UpperBound.(sql.Above)
		switch {
		case i < len(cols) && isLow && isHigh && pointRange(c, r, low, high):
			served = append(served, equality{strings.ToLower(ix.t.m.Def.Columns[cols[i]].Name), expression.NewLiteral(low.Key, r.Typ), false})
		case !wholeRange(r):
			return nil, false
		}
	}
	return served, true
}

func pointRange(c *sql.Context, r sql.MySQLRangeColumnExpr, low sql.Below, high sql.Above) bool {
	order, err := r.Typ.Compare(c, low.Key, high.Key)
	return err == nil && order == 0
}

// wholeRange reports whether a range leaves nothing out but, at most, NULLs of columns that have none.
func wholeRange(r sql.MySQLRangeColumnExpr) bool {
	_, above := r.UpperBound.(sql.AboveAll)
	_, below := r.LowerBound.(sql.BelowNull)
	return above && below
}
