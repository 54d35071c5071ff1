package engine

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/engine/table"
)

// TestTake: rows that are counted, or shown to Each, where they lie are those that a cursor gives, in its order, whoever has changed what meanwhile.
func TestTake(t *testing.T) {
	const n = 3000
	e := newEnv(t, memOptions)
	load(t, e, n)
	rnd := rand.New(rand.NewPCG(1, 2))
	change := func(s *session) {
		for range 40 {
			id := rnd.Int64N(n) + 1
			switch rnd.IntN(3) {
			case 0:
				_ = s.delete("t", id) // it may be gone
			case 1:
				_ = s.update("t", id, func(r []row.Datum) { r[1] = row.FromInt(rnd.Int64N(n)) })
			default:
				_ = s.insert("t", sbrow(n+id, id, "new")) // it may be there
			}
		}
	}
	before := e.begin(table.RepeatableRead)
	if _, err := before.rows("t", table.ScanOptions{}); err != nil { // takes the snapshot
		t.Fatal(err)
	}
	done := e.begin(table.RepeatableRead)
	change(done)
	e.must(done.tx.Commit(bg))
	undone := e.begin(table.RepeatableRead)
	change(undone)
	e.must(undone.tx.Rollback(bg))
	open := e.begin(table.RepeatableRead)
	change(open)
	readers := map[string]*session{"before": before, "own changes": open}
	for _, iso := range []table.Isolation{table.ReadUncommitted, table.ReadCommitted, table.RepeatableRead} {
		readers[fmt.Sprint("isolation ", iso)] = e.begin(iso)
	}
	ranges := map[string]table.Range{"all": {}, "some": {Low: []row.Datum{row.FromInt(n / 3)}, High: []row.Datum{row.FromInt(2 * n / 3)}, HighOpen: true}}
	for who, s := range readers {
		for index := range 2 {
			for name, r := range ranges {
				for _, reverse := range []bool{false, true} {
					t.Run(fmt.Sprint(who, "/", index, name, reverse), func(t *testing.T) {
						e.must(s.on("t", func(h *Handle) error {
							return sameRows(t, h, table.ScanOptions{Index: index, Range: r, Reverse: reverse})
						}))
					})
				}
			}
		}
	}
}

// sameRows compares what a cursor gives with what Each is shown and what is counted.
func sameRows(t *testing.T, h *Handle, o table.ScanOptions) error {
	o.Columns = []int{o.Index ^ 1} // what the index does not hold, or for the secondary one its own
	if o.Index == 1 {
		o.Columns = []int{0, 1}
	}
	want, err := ids(h, o, nil)
	if err != nil {
		return err
	}
	for _, every := range []int64{0, 1, 7} { // how many of the rows shown are left to the cursor: none, all, some
		var got []int64
		o.Each = func(r []row.Datum) bool {
			v := r[o.Columns[0]].Int()
			if every != 0 && v%every == 0 {
				return false
			}
			got = append(got, v)
			return true
		}
		if got, err = ids(h, o, &got); err != nil {
			return err
		}
		if every != 0 { // only what is left is in order with what was taken leaf by leaf
			slices.Sort(got)
			want = slices.Sorted(slices.Values(want))
		}
		if !slices.Equal(got, want) {
			t.Errorf("every %d: %d rows, the cursor gives %d", every, len(got), len(want))
		}
	}
	o.Each = nil
	c, err := h.CountRows(bg, o, nil)
	if err == nil && c != uint64(len(want)) {
		t.Errorf("%d rows counted, the cursor gives %d", c, len(want))
	}
	third := func(v int64) bool { return v%3 == 0 }
	n := uint64(0)
	for _, v := range want {
		if third(v) {
			n++
		}
	}
	c, merr := h.CountRows(bg, o, func() func([]row.Datum) bool {
		return func(r []row.Datum) bool { return third(r[o.Columns[0]].Int()) }
	})
	if merr == nil && c != n {
		t.Errorf("%d rows match, of the cursor's %d", c, n)
	}
	return firstErr(err, merr)
}

// ids collects the first of the columns asked for, into *into if that is not nil.
func ids(h *Handle, o table.ScanOptions, into *[]int64) ([]int64, error) {
	if into == nil {
		into = new([]int64)
	}
	c, err := h.Scan(bg, o)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	for {
		ok, err := c.Next(bg)
		if err != nil || !ok {
			return *into, err
		}
		*into = append(*into, c.Row()[o.Columns[0]].Int())
	}
}

// BenchmarkCount counts the rows of a table, by each index.
func BenchmarkCount(b *testing.B) {
	const n = 50_000
	e := newEnv(b, memOptions)
	load(b, e, n)
	for index := range 2 {
		b.Run(fmt.Sprint(index), func(b *testing.B) {
			s := e.begin(table.RepeatableRead)
			e.must(s.on("t", func(h *Handle) error {
				for range b.N {
					c, err := h.scanWith(bg, table.ScanOptions{Index: index, Columns: []int{}}, true, nil)
					if err != nil {
						return err
					}
					if ok, err := c.Next(bg); ok || err != nil || c.taker.count != n {
						b.Fatal(ok, err, c.taker.count)
					}
					c.Close()
				}
				return nil
			}))
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/row")
		})
	}
}
