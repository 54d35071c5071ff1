package general

import (
	"errors"
	"io"
	"math"
	"slices"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/plan"

	"github.com/zoryadb/zorya/sql/item"
	"github.com/zoryadb/zorya/sql/spill"
)

// A join by < <= > >= or BETWEEN, or by an equality that no hash serves, since a text equals a number in many forms, is a nested loop to MySQL and to the library,
// whose join of ranges reads the right side anew for each row, too. Here the rows of the right side are kept by the range of ranks (item.Order) of left values that
// the condition lets them meet: a row of the left side looks its own up. The join's condition stays: ranks only leave out what cannot match.

// rangeLookup is the right side of a nested loop: of its child's rows those that may meet the row of the left side.
type rangeLookup struct {
	plan.UnaryNode
	by *rangeKeys
}

// rangeKeys are the bounds: of the right side's rows, and what they are compared with on the left.
type rangeKeys struct {
	low, high *rangeBy // comparisons that a row's range begins and ends by; nil: it has no such end
}

// rangeMutant breaks range joins for tests, which must notice: ends moves those of a row's range, unturned leaves l < r as it is where r is looked up.
var rangeMutant struct {
	ends     func(low, high uint64) (uint64, uint64)
	unturned bool
}

// rangeBy is one comparison: entry <= probe for the low end, entry >= probe for the high one.
type rangeBy struct{ entry, probe item.Ranked }

func (n *rangeLookup) String() string                   { return n.Child.String() }
func (n *rangeLookup) IsReadOnly() bool                 { return n.Child.IsReadOnly() }
func (n *rangeLookup) Schema(c *sql.Context) sql.Schema { return n.Child.Schema(c) }
func (n *rangeLookup) Describe(c *sql.Context, o sql.DescribeOptions) string {
	return sql.Describe(c, n.Child, o)
}

func (n *rangeLookup) WithChildren(_ *sql.Context, ch ...sql.Node) (sql.Node, error) {
	if len(ch) != 1 {
		return nil, sql.ErrInvalidChildrenNumber.New(n, len(ch), 1)
	}
	return &rangeLookup{plan.UnaryNode{Child: ch[0]}, n.by}, nil
}

// rangeJoin returns a nested loop that looks up ranges in the place of one that reads its right side for each row, nil if n is none or cannot be one.
func (f finisher) rangeJoin(c *sql.Context, n sql.Node) (sql.Node, error) {
	j, ok := n.(*plan.JoinNode)
	if !ok || j.Filter == nil {
		return nil, nil
	}
	switch j.Op {
	case plan.JoinTypeInner, plan.JoinTypeLeftOuter, plan.JoinTypeSemi, plan.JoinTypeAntiIncludeNulls:
	default:
		return nil, nil
	}
	left, right := j.Left().Schema(c), j.Right().Schema(c)
	if unhashedSide(c, j.Right()) || !apart(c, j.Right(), left) {
		return nil, nil
	}
	by := &rangeKeys{}
	for _, e := range expression.SplitConjunction(c, j.Filter) {
		orders, err := f.env.Orders(c, e)
		if err != nil {
			return nil, err
		}
		for _, o := range orders {
			if err := by.take(c, o, left, right, j.ScopeLen); err != nil {
				return nil, err
			}
		}
	}
	if by.low == nil && by.high == nil {
		return nil, nil
	}
	return j.WithChildren(c, j.Left(), &rangeLookup{plan.UnaryNode{Child: j.Right()}, by})
}

// take uses a comparison for the ends that it bounds and that nothing bounds yet; an equality is the best for both.
func (k *rangeKeys) take(c *sql.Context, o item.Order, left, right sql.Schema, first int) error {
	op, entry, probe := o.Op, o.Right, o.Left
	if madeOf(c, entry.Expression, left) && madeOf(c, probe.Expression, right) {
		entry, probe = probe, entry
	} else if !rangeMutant.unturned {
		op = map[string]string{"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "="}[op]
	}
	if !madeOf(c, entry.Expression, right) || !madeOf(c, probe.Expression, left) {
		return nil
	}
	moved, err := inRight(c, entry.Expression, right, first)
	if err != nil {
		return err
	}
	by := &rangeBy{entry.Of(moved), probe}
	switch {
	case op == "=":
		k.low, k.high = by, by
	case op == "<" || op == "<=":
		if k.low == nil {
			k.low = by
		}
	case k.high == nil:
		k.high = by
	}
	return nil
}

// entry ranks a row of the right side: where what may meet it begins and ends. ok is false if nothing may.
func (k *rangeKeys) entry(c *sql.Context, r sql.Row) (low, high uint64, ok bool, err error) {
	high, ok = math.MaxUint64, true
	if k.low != nil {
		low, ok, err = k.low.entry.Rank(c, r)
	}
	if k.high == k.low {
		high = low
	} else if k.high != nil && ok && err == nil {
		high, ok, err = k.high.entry.Rank(c, r)
	}
	if rangeMutant.ends != nil {
		low, high = rangeMutant.ends(low, high)
	}
	return low, high, ok, err
}

// probe ranks a row of the left side: entries that it meets begin at most at begin and end at least at end.
func (k *rangeKeys) probe(c *sql.Context, r sql.Row) (begin, end uint64, ok bool, err error) {
	begin, ok = math.MaxUint64, true
	if k.low != nil {
		begin, ok, err = k.low.probe.Rank(c, r)
	}
	if k.high == k.low {
		return begin, begin, ok, err
	}
	if k.high != nil && ok && err == nil {
		end, ok, err = k.high.probe.Rank(c, r)
	}
	return begin, end, ok, err
}

// rangeLookup builds the rows that may meet a row of the left side.
func (b *builder) rangeLookup(c *sql.Context, n *rangeLookup, r sql.Row) (sql.RowIter, error) {
	s := keptBy(c)
	t := s.Ranges(n)
	if t == nil {
		t = s.Account.NewRanges()
		s.KeepRanges(n, t)
		if err := b.fillRanges(c, n, t, r); err != nil {
			return nil, err
		}
	}
	if t.Over() {
		return b.build(c, n.Child, r)
	}
	begin, end, ok, err := n.by.probe(c, r)
	if err != nil || !ok {
		return sql.RowsToRowIter(), err
	}
	return t.Meet(begin, end), nil
}

func (b *builder) fillRanges(c *sql.Context, n *rangeLookup, t *spill.Ranges, r sql.Row) (err error) {
	in, err := b.build(c, n.Child, r)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.Close(c)) }()
	for !t.Over() {
		row, err := in.Next(c)
		if errors.Is(err, io.EOF) {
			return t.End(c)
		}
		if err != nil {
			return err
		}
		low, high, ok, err := n.by.entry(c, row)
		if err == nil && ok {
			err = t.Add(c, low, high, slices.Clone(row))
		}
		if err != nil {
			return err
		}
	}
	return nil
}
