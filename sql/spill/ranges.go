package spill

import (
	"cmp"
	"io"
	"slices"

	"github.com/dolthub/go-mysql-server/sql"
)

// Ranges is the right side of a join by comparisons: rows with a low and a high number, looked up by bounds of both. The numbers lie in memory, in the order of
// the low ones, as a tree of which every part knows its highest number; the rows are a Table's.
type Ranges struct {
	held charge
	rows *Table
	list []span
	high []uint64 // the highest of the part of list whose middle is here
	n    uint64
	over bool
}

type span struct {
	low, high uint64
	n         uint64 // of the row
}

const (
	spanSize = 32 // with its place in Ranges.high
	// rangesOfJoin is how many times the bound of joins the numbers may take: a million of rows at the least bound.
	rangesOfJoin = 8
)

// NewRanges returns an empty one.
func (a *Account) NewRanges() *Ranges { return &Ranges{held: charge{a: a}, rows: a.NewTable()} }

// Add takes a row. When there are more than memory may hold, nothing is kept any more, and Over says so.
func (t *Ranges) Add(c *sql.Context, low, high uint64, r sql.Row) error {
	t.list = append(t.list, span{low, high, t.n})
	size := cap(t.list) * spanSize
	if size > t.held.a.Bounds.Join*rangesOfJoin {
		t.over = true
		return t.Close()
	}
	if err := t.held.set(size); err != nil {
		return err
	}
	t.n++
	return t.rows.Add(c, ordinal(t.n-1), r)
}

// End ends the adding.
func (t *Ranges) End(c *sql.Context) error {
	slices.SortFunc(t.list, func(a, b span) int { return cmp.Compare(a.low, b.low) })
	t.high = make([]uint64, len(t.list))
	t.raise(0, len(t.list))
	return t.rows.End(c)
}

// raise computes high for a part of the list.
func (t *Ranges) raise(from, to int) uint64 {
	if from >= to {
		return 0
	}
	at := (from + to) / 2
	t.high[at] = max(t.list[at].high, t.raise(from, at), t.raise(at+1, to))
	return t.high[at]
}

// Over reports whether there were too many rows.
func (t *Ranges) Over() bool { return t.over }

// Meet returns the rows with a low number of at most begin and a high one of at least end, in the order in which they were added.
func (t *Ranges) Meet(begin, end uint64) sql.RowIter {
	rows := t.meet(nil, 0, len(t.list), begin, end)
	slices.Sort(rows)
	return &met{t, rows}
}

func (t *Ranges) meet(out []uint64, from, to int, begin, end uint64) []uint64 {
	for from < to {
		at := (from + to) / 2
		if t.high[at] < end {
			return out
		}
		out = t.meet(out, from, at, begin, end)
		if t.list[at].low > begin {
			return out
		}
		if t.list[at].high >= end {
			out = append(out, t.list[at].n)
		}
		from = at + 1
	}
	return out
}

// Close gives memory and files back.
func (t *Ranges) Close() error {
	t.list, t.high = nil, nil
	t.held.close()
	return t.rows.Close()
}

// met is the rows that met bounds.
type met struct {
	of   *Ranges
	rows []uint64
}

func (m *met) Next(*sql.Context) (sql.Row, error) {
	if len(m.rows) == 0 {
		return nil, io.EOF
	}
	rows, err := m.of.rows.Get(ordinal(m.rows[0]))
	if err != nil {
		return nil, err
	}
	m.rows = m.rows[1:]
	return rows[0], nil
}

func (m *met) Close(*sql.Context) error { return nil }

// ordinal is a key that is its own hash: the number of a row.
type ordinal uint64
