package general

import (
	"errors"
	"io"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/types"

	"github.com/zoryadb/zorya/sql/item"
)

// FROM a LEFT JOIN b ON b.k = a.k WHERE b.id IS NULL, b.id being NOT NULL, wants the rows of a that match none of b, and so do the plans that the library makes of NOT IN and
// NOT EXISTS. A join that knows it reads no further than to the first match, and makes no rows of matches.

// unmatched builds a filter above such a join; nil: it is none.
func (b *builder) unmatched(c *sql.Context, f *plan.Filter, r sql.Row) (sql.RowIter, error) {
	j, ok := f.Child.(*plan.JoinNode)
	if !ok {
		return nil, nil
	}
	switch j.Op {
	case plan.JoinTypeLeftOuterExcludeNulls, plan.JoinTypeLeftOuterHashExcludeNulls: // these are made of NOT IN only
	case plan.JoinTypeLeftOuter, plan.JoinTypeLeftOuterHash, plan.JoinTypeLeftOuterLookup:
		if !wantsUnmatched(c, f, j) {
			return nil, nil
		}
	default:
		return nil, nil
	}
	left, err := b.build(c, j.Left(), r)
	if err != nil {
		return nil, err
	}
	it := &unmatchedIter{b: b, j: j, left: left, scope: j.ScopeLen, parent: len(r), width: len(j.Left().Schema(c)), added: len(j.Right().Schema(c))}
	it.row = make(sql.Row, it.parent+it.width+it.added)
	copy(it.row, r)
	return plan.NewFilterIter(f.Expression, it), nil
}

// wantsUnmatched reports whether a filter throws away the matches of a left join.
func wantsUnmatched(c *sql.Context, f *plan.Filter, j *plan.JoinNode) bool {
	first := j.ScopeLen + len(j.Left().Schema(c))
	schema := j.Right().Schema(c)
	for _, e := range expression.SplitConjunction(c, f.Expression) {
		op, value, _, ok := item.Limited(e)
		g, isColumn := value.(*expression.GetField)
		if !ok || op != "null" || !isColumn {
			continue
		}
		i := g.Index() - first
		if i >= 0 && i < len(schema) && schema[i].Name == g.Name() && !schema[i].Nullable && !types.IsTime(schema[i].Type) { // IS NULL finds zero dates
			return true
		}
	}
	return false
}

// unmatchedIter gives the rows of the left side that no row of the right side matches, with NULLs for the right side.
type unmatchedIter struct {
	b                           *builder
	j                           *plan.JoinNode
	left                        sql.RowIter
	scope, parent, width, added int
	row                         sql.Row // what conditions see: the rows around, the left one, the right one
}

func (it *unmatchedIter) Next(c *sql.Context) (sql.Row, error) {
	for {
		l, err := it.left.Next(c)
		if err != nil {
			return nil, err
		}
		behind := it.parent + it.width
		copy(it.row[it.parent:], l[len(l)-it.width:])
		matched, err := it.matches(c, it.row[:behind:behind])
		if err != nil {
			return nil, err
		}
		if !matched {
			out := make(sql.Row, it.scope+it.width+it.added)
			copy(out, it.row[:it.scope])
			copy(out[it.scope:], it.row[it.parent:behind])
			return out, nil
		}
	}
}

func (it *unmatchedIter) matches(c *sql.Context, left sql.Row) (matched bool, err error) {
	right, err := it.b.build(c, it.j.Right(), left)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, right.Close(c)) }()
	for {
		r, err := right.Next(c)
		if errors.Is(err, io.EOF) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		if it.j.Filter == nil {
			return true, nil
		}
		copy(it.row[len(left):], r[len(r)-it.added:])
		v, err := sql.EvaluateCondition(c, it.j.Filter, it.row)
		if err != nil || sql.IsTrue(v) || v == nil && it.j.Op.IsExcludeNulls() {
			return true, err
		}
	}
}

func (it *unmatchedIter) Close(c *sql.Context) error { return it.left.Close(c) }
