package windows

import (
	"io"
	"sort"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/expression/function"
	"github.com/dolthub/go-mysql-server/sql/types"

	"github.com/zoryadb/zorya/sql/builtin"
)

// RANGE frames with an offset: the rows whose value of ORDER BY lies between two that are computed from the row's own. NULLs are peers of each other, and no
// offset leads to or from them; the library compares them like values, and takes DESC for ASC.

// rangeFrames implements sql.WindowFramer.
type rangeFrames struct {
	key        sql.Expression
	desc       bool
	start, end frameBound
	ready      bool // the bounds' expressions were made

	rows     sql.WindowInterval // of the partition
	values   sql.WindowInterval // those whose key is not NULL
	keys     []any              // of the partition's rows, nil: not read yet
	at       int
	interval sql.WindowInterval
}

// frameBound is an end of the frames: unbounded, or the row's own value if by is nil, or that with an offset.
type frameBound struct {
	unbounded, following bool
	by                   sql.Expression
	value                sql.Expression
}

// newRangeFrames returns nil for windows without such frames.
func newRangeFrames(def *sql.WindowDefinition) sql.WindowFramer {
	f := def.Frame
	if len(def.OrderBy) != 1 || !strings.HasPrefix(strings.ToLower(f.String()), "range") {
		return nil
	}
	out := &rangeFrames{key: def.OrderBy[0].Expr, desc: def.OrderBy[0].Order == sql.Descending}
	out.start = newFrameBound(f.UnboundedPreceding(), f.StartNPreceding(), f.StartNFollowing())
	out.end = newFrameBound(f.UnboundedFollowing(), f.EndNPreceding(), f.EndNFollowing())
	if out.start.by == nil && out.end.by == nil {
		return nil
	}
	return out
}

func newFrameBound(unbounded bool, preceding, following sql.Expression) frameBound {
	if following != nil {
		return frameBound{by: following, following: true}
	}
	return frameBound{unbounded: unbounded, by: preceding}
}

// NewFramer implements sql.WindowFramer.
func (f *rangeFrames) NewFramer(partition sql.WindowInterval) (sql.WindowFramer, error) {
	out := *f
	out.rows, out.keys, out.at = partition, nil, partition.Start
	return &out, nil
}

// prepare makes the bounds' expressions and reads the partition's keys.
func (f *rangeFrames) prepare(c *sql.Context, buf sql.WindowBuffer) error {
	for _, b := range []*frameBound{&f.start, &f.end} {
		if b.by == nil || f.ready {
			continue
		}
		var err error
		if b.value, err = shiftedKey(c, f.key, b.by, b.following != f.desc); err != nil {
			return err
		}
	}
	f.ready = true
	f.keys = make([]any, f.rows.End-f.rows.Start)
	f.values = sql.WindowInterval{Start: f.rows.End, End: f.rows.Start}
	for i := range f.keys {
		v, err := f.key.Eval(c, buf[f.rows.Start+i])
		if err != nil {
			return err
		}
		if f.keys[i] = v; v != nil {
			f.values.Start = min(f.values.Start, f.rows.Start+i)
			f.values.End = f.rows.Start + i + 1
		}
	}
	return nil
}

// shiftedKey is a key with an offset added to it or taken from it.
func shiftedKey(c *sql.Context, key, by sql.Expression, more bool) (sql.Expression, error) {
	if _, span := by.(*expression.Interval); span {
		shift := function.NewDateSub
		if more {
			shift = function.NewDateAdd
		}
		x, err := shift(c, key, by)
		if err != nil {
			return nil, err
		}
		if own := builtin.OfLibrary(c, x); own != nil && !strings.Contains(by.(*expression.Interval).Unit, "_") {
			return own, nil
		}
		return x, nil
	}
	if more {
		return expression.NewPlus(key, by), nil
	}
	return expression.NewMinus(key, by), nil
}

// Next implements sql.WindowFramer.
func (f *rangeFrames) Next(c *sql.Context, buf sql.WindowBuffer) (sql.WindowInterval, error) {
	if f.at >= f.rows.End {
		return sql.WindowInterval{}, io.EOF
	}
	if f.keys == nil {
		if err := f.prepare(c, buf); err != nil {
			return sql.WindowInterval{}, err
		}
	}
	start, err := f.bound(c, buf, &f.start, false)
	if err != nil {
		return sql.WindowInterval{}, err
	}
	end, err := f.bound(c, buf, &f.end, true)
	if err != nil {
		return sql.WindowInterval{}, err
	}
	f.at++
	f.interval = sql.WindowInterval{Start: min(start, end), End: end}
	return f.interval, nil
}

// bound is where the frame of the current row begins, or, with beyond, where it has ended.
func (f *rangeFrames) bound(c *sql.Context, buf sql.WindowBuffer, b *frameBound, beyond bool) (int, error) {
	v := f.keys[f.at-f.rows.Start]
	switch {
	case b.unbounded && beyond:
		return f.rows.End, nil
	case b.unbounded:
		return f.rows.Start, nil
	case v == nil:
		return f.nulls(beyond), nil
	}
	of := f.key
	if b.value != nil {
		var err error
		if v, err = b.value.Eval(c, buf[f.at]); err != nil {
			return 0, err
		}
		of = b.value
	}
	if v == nil { // out of what dates there are
		if b.following == beyond {
			return f.values.End, nil
		}
		return f.values.Start, nil
	}
	t := types.GetCompareType(f.key.Type(c), of.Type(c))
	var failed error
	n := sort.Search(f.values.End-f.values.Start, func(i int) bool {
		cmp, err := t.Compare(c, f.keys[f.values.Start-f.rows.Start+i], v)
		if err != nil {
			failed = err
			return true
		}
		if f.desc {
			cmp = -cmp
		}
		return cmp > 0 || cmp == 0 && !beyond
	})
	return f.values.Start + n, failed
}

// nulls is where the rows whose key is NULL begin, or where they have ended.
func (f *rangeFrames) nulls(beyond bool) int {
	first := f.at < f.values.Start || f.values.End <= f.rows.Start // they come before the others, or there are no others
	switch {
	case first && beyond:
		return max(min(f.values.Start, f.rows.End), f.rows.Start)
	case first:
		return f.rows.Start
	case beyond:
		return f.rows.End
	}
	return f.values.End
}

// FirstIdx implements sql.WindowFramer.
func (f *rangeFrames) FirstIdx() int { return f.interval.Start }

// LastIdx implements sql.WindowFramer.
func (f *rangeFrames) LastIdx() int { return f.interval.End }

// Interval implements sql.WindowFramer.
func (f *rangeFrames) Interval() (sql.WindowInterval, error) { return f.interval, nil }
