package partition

import (
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
)

// Limits is what is known of one column of a query: one of several values, or an interval.
type Limits struct {
	In             []any // nil: no such list
	Lo, Hi         any   // nil: open
	LoOpen, HiOpen bool
}

// Fixed reports whether the column has one of several values.
func (l *Limits) Fixed() bool { return l.In != nil }

// maxPruned bounds how many combinations of values are looked up.
const maxPruned = 1 << 12

// Prune finds the partitions that can hold rows whose columns are within limits; nil: all.
func (f *Function) Prune(c *sql.Context, by map[int]*Limits) ([]bool, error) {
	if by == nil {
		return nil, nil
	}
	out := make([]bool, len(f.Parts))
	combos := 1
	for _, col := range f.Cols {
		l := by[col]
		if l == nil || !l.Fixed() {
			return f.pruneInterval(c, by, out)
		}
		if combos *= max(len(l.In), 1); combos > maxPruned {
			return nil, nil
		}
	}
	vals := make(sql.Row, len(f.m.Schema))
	var walk func(i int) error
	walk = func(i int) error {
		if i < len(f.Cols) {
			for _, v := range by[f.Cols[i]].In {
				vals[f.Cols[i]] = v
				if err := walk(i + 1); err != nil {
					return err
				}
			}
			return nil
		}
		v, err := f.value(c, vals)
		if err != nil {
			return err
		}
		at, err := f.place(c, v)
		if err == nil && at >= 0 {
			out[at] = true
		}
		return err
	}
	return out, walk(0)
}

// pruneInterval prunes by the first column's interval.
func (f *Function) pruneInterval(c *sql.Context, by map[int]*Limits, out []bool) ([]bool, error) {
	l := by[f.Cols[0]]
	if l == nil || f.kind != "RANGE" && f.kind != "LIST" || !f.list && !f.mono {
		return nil, nil
	}
	lo, hi, loOpen, hiOpen := l.Lo, l.Hi, l.LoOpen, l.HiOpen
	if l.Fixed() { // the first column of several
		if len(l.In) != 1 {
			return nil, nil
		}
		lo, hi, loOpen, hiOpen = l.In[0], l.In[0], false, false
	}
	ends := [2]any{lo, hi}
	if !f.list {
		for i, v := range ends {
			if v == nil {
				continue
			}
			vals := make(sql.Row, len(f.m.Schema))
			vals[f.Cols[0]] = v
			x, err := f.value(c, vals)
			if err != nil {
				return nil, err
			}
			ends[i] = x[0]
		}
		if _, plain := f.expr.(*expression.GetField); !plain {
			loOpen, hiOpen = false, false // YEAR(c) may be the same on both sides of the bound
		} // a NULL bound, as YEAR of a wrong date, is open
	}
	single := len(f.Cols) == 1 || !f.list
	inside := func(v any) (bool, error) { // of LIST
		for i, end := range ends {
			if end == nil {
				continue
			}
			n, err := f.compareElement(c, 0, v, end)
			if err != nil || v == nil || i == 0 && (n < 0 || n == 0 && loOpen) || i == 1 && (n > 0 || n == 0 && hiOpen) {
				return false, err
			}
		}
		return true, nil
	}
	for i := range out {
		if f.kind == "LIST" {
			for _, m := range f.in[i] {
				ok, err := inside(m[0])
				if err != nil {
					return nil, err
				}
				out[i] = out[i] || ok
			}
			continue
		}
		out[i] = true
		if ends[0] != nil { // all rows of the partition are below the interval
			n, err := f.compareElement(c, 0, f.Less[i][0], ends[0])
			if err != nil {
				return nil, err
			}
			if n < 0 || n == 0 && (single || loOpen) {
				out[i] = false
			}
		}
		if ends[1] != nil && i > 0 { // above
			n, err := f.compareElement(c, 0, f.Less[i-1][0], ends[1])
			if err != nil {
				return nil, err
			}
			if n > 0 || n == 0 && hiOpen {
				out[i] = false
			}
		}
	}
	return out, nil
}
