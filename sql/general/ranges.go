package general

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/types"
	"github.com/dolthub/vitess/go/sqltypes"

	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/collate"
	"github.com/zoryadb/zorya/sql/datum"
	"github.com/zoryadb/zorya/sql/exact"
)

var (
	sqlUint64       = types.Uint64
	errForeignIndex = errors.New("lookup in an index of another table implementation")
)

func (b *base) damaged(col int, err error) error {
	return fmt.Errorf("column %s of %s.%s: %w", b.m.Def.Columns[col].Name, b.m.Def.Schema, b.m.Def.Name, err)
}

// span turns one of GMS's ranges, which bounds each column by itself, into a range of keys: an equality prefix and one
// range after it; what is left is tested on the rows. some is false when nothing can match.
func (b *base) span(ctx *sql.Context, x *index, r sql.MySQLRange, loc *time.Location) (sp span, some bool, err error) {
	ix := x.ix()
	cols := x.extended()
	n := 0 // columns of the equality prefix
	for ; n < len(r) && n < len(ix.Parts); n++ {
		d, state, err := b.point(ctx, cols[n], r[n], ix.Parts[n].Prefix, loc)
		if err != nil {
			return sp, false, err
		}
		if state == boundNone {
			return sp, false, nil
		}
		if state != boundExact {
			break
		}
		sp.r.Low = append(sp.r.Low, d)
		if ix.Parts[n].Prefix > 0 || isNull(r[n].LowerBound) {
			n++
			sp.check = append(sp.check, conditionsFrom(cols, r, n-1)...)
			sp.r.High = append([]row.Datum(nil), sp.r.Low...)
			return sp, true, nil
		}
	}
	sp.r.High = append([]row.Datum(nil), sp.r.Low...)
	if n == len(ix.Parts) && ix.Unique && len(r) == n {
		sp.point, sp.r = sp.r.Low, table.Range{}
		return sp, true, nil
	}
	if n < len(r) && n < len(ix.Parts) {
		if some, err := b.bounds(ctx, &sp, cols[n], r[n], ix.Parts[n].Prefix, loc); !some || err != nil {
			return sp, false, err
		}
		n++
	}
	sp.check = append(sp.check, conditionsFrom(cols, r, n)...)
	return sp, true, nil
}

// conditionsFrom collects the bounded columns from position n on.
func conditionsFrom(cols []int, r sql.MySQLRange, n int) []condition {
	var out []condition
	for ; n < len(r) && n < len(cols); n++ {
		_, openLow := r[n].LowerBound.(sql.BelowNull)
		_, openHigh := r[n].UpperBound.(sql.AboveAll)
		if !openLow || !openHigh {
			out = append(out, condition{cols[n], r[n]})
		}
	}
	return out
}

type boundState uint8

const (
	boundExact boundState = iota
	boundOpen             // no bound: test the row
	boundNone             // nothing can match
)

// point returns the datum of a column that is bound to one value. The state is boundOpen when it is bound otherwise.
func (b *base) point(ctx *sql.Context, col int, c sql.MySQLRangeColumnExpr, prefix int, loc *time.Location) (row.Datum, boundState, error) {
	if isNull(c.LowerBound) {
		if _, ok := c.UpperBound.(sql.AboveNull); ok {
			return row.NullDatum, boundExact, nil
		}
		return row.Datum{}, boundOpen, nil
	}
	lo, ok1 := c.LowerBound.(sql.Below)
	hi, ok2 := c.UpperBound.(sql.Above)
	if !ok1 || !ok2 {
		return row.Datum{}, boundOpen, nil
	}
	if t, ok := b.schema[col].Type.(sql.StringType); ok && t.Type() == sqltypes.Binary {
		if s, ok := datum.Text(lo.Key); ok && int64(len(s)) != t.Length() {
			return row.Datum{}, boundNone, nil // all that is stored has the column's length
		}
	}
	cmp, err := datum.Ordered(b.schema[col].Type).Compare(ctx, lo.Key, hi.Key)
	if err != nil || cmp != 0 {
		return row.Datum{}, boundOpen, nil
	}
	return b.key(ctx, col, lo.Key, prefix, loc)
}

// isNull reports whether a lower bound includes NULL.
func isNull(c sql.MySQLRangeCut) bool {
	_, ok := c.(sql.BelowNull)
	return ok
}

// key converts a bound's value. A value that the column's type cannot hold makes no bound.
func (b *base) key(ctx *sql.Context, col int, v any, prefix int, loc *time.Location) (row.Datum, boundState, error) {
	if v == nil {
		return row.Datum{}, boundNone, nil
	}
	t, cv := datum.Ordered(b.schema[col].Type), v
	if _, text := v.(string); !text || !types.IsTextOnly(t) { // a text of any length (soughtType)
		var in sql.ConvertInRange
		var err error
		cv, in, err = t.Convert(ctx, v)
		if err != nil || in != sql.InRange {
			return row.Datum{}, boundOpen, nil
		}
		// A conversion that changes the value (1.5 for an INT column, an over-precise time) moves the bound.
		if cmp, err := t.Compare(ctx, cv, v); err != nil || cmp != 0 {
			return row.Datum{}, boundOpen, nil
		}
	}
	d, err := b.m.Codecs[col].Encode(ctx, cv, loc)
	if err != nil {
		return row.Datum{}, boundOpen, nil
	}
	if prefix > 0 {
		d.B = cutPrefix(b.m.Codecs[col].Collation, d.B, prefix)
	}
	return d, boundExact, nil
}

// cutPrefix returns the part of a value that a prefix index holds.
func cutPrefix(collation uint16, v []byte, n int) []byte {
	if c := collate.For(collation); c != nil {
		return c.Prefix(v, n)
	}
	return v[:min(n, len(v))]
}

// bounds appends the range of one column after the equality prefix.
func (b *base) bounds(ctx *sql.Context, sp *span, col int, c sql.MySQLRangeColumnExpr, prefix int, loc *time.Location) (some bool, err error) {
	exact := true
	switch lo := c.LowerBound.(type) {
	case sql.BelowNull:
	case sql.AboveNull:
		sp.r.Low, sp.r.LowOpen = append(sp.r.Low, row.NullDatum), true
	case sql.Below:
		exact = b.low(ctx, sp, col, lo.Key, false, prefix, loc) && exact
	case sql.Above:
		exact = b.low(ctx, sp, col, lo.Key, true, prefix, loc) && exact
	case sql.AboveAll:
		return false, nil
	}
	switch hi := c.UpperBound.(type) {
	case sql.AboveAll:
	case sql.AboveNull:
		sp.r.High = append(sp.r.High, row.NullDatum)
	case sql.Below:
		exact = b.high(ctx, sp, col, hi.Key, true, prefix, loc) && exact
	case sql.Above:
		exact = b.high(ctx, sp, col, hi.Key, false, prefix, loc) && exact
	case sql.BelowNull:
		return false, nil
	}
	if !exact {
		sp.check = append(sp.check, condition{col, c})
	}
	return true, nil
}

// low and high report whether the engine's bound says it all; otherwise the row is tested.
func (b *base) low(ctx *sql.Context, sp *span, col int, v any, open bool, prefix int, loc *time.Location) bool {
	d, state, err := b.key(ctx, col, v, prefix, loc)
	if err != nil || state != boundExact {
		sp.r.Low, sp.r.LowOpen = append(sp.r.Low, row.NullDatum), true
		return false
	}
	sp.r.Low, sp.r.LowOpen = append(sp.r.Low, d), open && prefix == 0
	return prefix == 0
}

func (b *base) high(ctx *sql.Context, sp *span, col int, v any, open bool, prefix int, loc *time.Location) bool {
	d, state, err := b.key(ctx, col, v, prefix, loc)
	if err != nil || state != boundExact {
		return false
	}
	sp.r.High, sp.r.HighOpen = append(sp.r.High, d), open && prefix == 0
	return prefix == 0
}

// compareKeys compares two values of a column's type as its index orders them: texts by their collation's weights, which the library does not
// know to ignore trailing blanks.
func compareKeys(ctx *sql.Context, t sql.Type, a, b any) (int, error) {
	st, ok := t.(sql.StringType)
	if !ok || !types.IsTextOnly(t) || a == nil || b == nil {
		return datum.Ordered(t).Compare(ctx, a, b)
	}
	x, err := exact.AppendSortKey(ctx, nil, st.Collation(), st, a)
	if err != nil {
		return 0, err
	}
	y, err := exact.AppendSortKey(ctx, nil, st.Collation(), st, b)
	return bytes.Compare(x, y), err
}

// byCollation puts the ranges of an index over one text in the index's order, each key once. Those of an IN list come from the library in the order of their bytes,
// told apart by them ('a' after 'B'); a scan in that order would not be what ORDER BY is left out for. apart: no two of them have a key in common.
func (b *base) byCollation(ctx *sql.Context, x *index, ranges sql.MySQLRangeCollection, reverse bool) (out sql.MySQLRangeCollection, apart bool, err error) {
	ix := x.ix()
	if len(ix.Parts) != 1 {
		return ranges, false, nil
	}
	t, ok := b.schema[x.column(0)].Type.(sql.StringType)
	if !ok || !types.IsTextOnly(t) || len(ranges) < 2 {
		return ranges, true, nil
	}
	type keyed struct {
		r      sql.MySQLRange
		weight []byte
	}
	list := make([]keyed, 0, len(ranges))
	for _, r := range ranges {
		lo, ok1 := r[0].LowerBound.(sql.Below)
		hi, ok2 := r[0].UpperBound.(sql.Above)
		if !ok1 || !ok2 {
			return ranges, false, nil // of other conditions: the library has compared them by the column's type
		}
		w, err := exact.AppendSortKey(ctx, nil, t.Collation(), t, lo.Key)
		if err != nil {
			return nil, false, err
		}
		if cmp, err := compareKeys(ctx, t, lo.Key, hi.Key); err != nil || cmp != 0 {
			return ranges, false, err
		}
		list = append(list, keyed{r, w})
	}
	slices.SortStableFunc(list, func(a, b keyed) int { return bytes.Compare(a.weight, b.weight) })
	list = slices.CompactFunc(list, func(a, b keyed) bool { return bytes.Equal(a.weight, b.weight) })
	if reverse != ix.Parts[0].Desc {
		slices.Reverse(list)
	}
	out = make(sql.MySQLRangeCollection, len(list))
	for i := range list {
		out[i] = list[i].r
	}
	return out, true, nil
}

// sameKeys reports whether two spans are one point for the index: texts that its collation takes for equal, which the library tells apart.
func (b *base) sameKeys(ctx *sql.Context, x *index, s, o *span) bool {
	k, l := s.point, o.point
	if k == nil || l == nil {
		k, l = s.r.Low, o.r.Low
		if len(s.check) > 0 || len(o.check) > 0 || !b.equalKeys(ctx, x, k, s.r.High) || !b.equalKeys(ctx, x, l, o.r.High) {
			return false
		}
	}
	return b.equalKeys(ctx, x, k, l)
}

func (b *base) equalKeys(ctx *sql.Context, x *index, k, l []row.Datum) bool {
	if len(k) != len(l) || len(k) == 0 {
		return false
	}
	cols := x.extended()
	for i := range k {
		if k[i].Null || l[i].Null {
			if k[i].Null != l[i].Null {
				return false
			}
			continue
		}
		if t := b.schema[cols[i]].Type; types.IsTextOnly(t) {
			if cmp, err := compareKeys(ctx, t, k[i].B, l[i].B); err != nil || cmp != 0 {
				return false
			}
		} else if k[i].N != l[i].N || !bytes.Equal(k[i].B, l[i].B) {
			return false
		}
	}
	return true
}

// within tests a value against a column's range.
func within(ctx *sql.Context, c sql.MySQLRangeColumnExpr, v any) (bool, error) {
	cmp := func(key any) (int, error) { return compareKeys(ctx, c.Typ, v, key) }
	if v == nil {
		return isNull(c.LowerBound), nil
	}
	switch lo := c.LowerBound.(type) {
	case sql.Below:
		if n, err := cmp(lo.Key); err != nil || n < 0 {
			return false, err
		}
	case sql.Above:
		if n, err := cmp(lo.Key); err != nil || n <= 0 {
			return false, err
		}
	case sql.AboveAll:
		return false, nil
	}
	switch hi := c.UpperBound.(type) {
	case sql.Below:
		if n, err := cmp(hi.Key); err != nil || n >= 0 {
			return false, err
		}
	case sql.Above:
		if n, err := cmp(hi.Key); err != nil || n > 0 {
			return false, err
		}
	case sql.AboveNull, sql.BelowNull:
		return false, nil
	}
	return true, nil
}
