package engine

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/engine/table"
)

// TestLongTransaction: one that fills many undo pages is rolled back by hand, by a crash, and committed and purged.
func TestLongTransaction(t *testing.T) {
	e := seeded(t)
	many := func() *session {
		s := e.begin(table.RepeatableRead)
		e.must(s.on("t", func(h *Handle) error {
			for i := int64(100); i < 2100; i++ {
				if err := h.Insert(bg, sbrow(i, i%7, fmt.Sprintf("%0200d", i))); err != nil {
					return err
				}
			}
			return nil
		}))
		for i := int64(100); i < 600; i++ {
			e.must(s.update("t", i, func(r []row.Datum) { r[1] = row.FromInt(-i); r[2] = row.FromBytes(fmt.Appendf(nil, "%0150d", i)) }))
			if i%5 == 0 {
				e.must(s.delete("t", i))
			}
		}
		e.must(s.delete("t", 20))
		return s
	}
	three := func() {
		t.Helper()
		r := e.begin(table.RepeatableRead)
		for ix := range 2 {
			if got, err := r.rows("t", table.ScanOptions{Index: ix}); err != nil || !slices.Equal(got, []string{"10:10:x", "20:20:x", "30:30:x"}) {
				t.Fatal(len(got), err)
			}
		}
		e.must(r.tx.Commit(bg))
	}
	s := many()
	three()
	e.must(s.tx.Rollback(bg))
	three()
	e.purged()
	many()
	e.crash()
	three() // at once, while it is rolled back
	w := e.begin(table.RepeatableRead)
	e.must(w.update("t", 20, func(r []row.Datum) {})) // waits for its lock to go
	e.must(w.tx.Commit(bg))
	e.settle()
	three()
	e.purged()
	s = many()
	e.must(s.tx.Commit(bg))
	e.crash() // purge begins anew, in the middle of a log
	e.purged()
	if rep := e.check(); rep.Rows != 2002-100 || rep.Entries != rep.Rows {
		t.Fatalf("%+v", rep)
	}
	if n := e.db.Info().HistoryLength; n != 0 {
		t.Fatalf("history length %d", n)
	}
}

func TestIsolationLevels(t *testing.T) {
	e := seeded(t)
	ru, rc, rr := e.begin(table.ReadUncommitted), e.begin(table.ReadCommitted), e.begin(table.RepeatableRead)
	see := func(s *session, index int, want ...string) {
		t.Helper()
		got, err := s.rows("t", table.ScanOptions{Index: index, Range: table.Range{High: []row.Datum{row.FromInt(15)}}})
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("level %d, index %d: %v, %v; want %v", s.tx.o.Isolation, index, got, err, want)
		}
	}
	see(rr, 0, "10:10:x")
	w := e.begin(table.RepeatableRead)
	e.must(w.update("t", 10, func(r []row.Datum) { r[1] = row.FromInt(12) }))
	for ix := range 2 {
		see(ru, ix, "10:12:x")
		see(rc, ix, "10:10:x")
		see(rr, ix, "10:10:x")
	}
	e.must(w.tx.Commit(bg))
	for ix := range 2 {
		see(rc, ix, "10:12:x")
		see(rr, ix, "10:10:x")
	}
	sz := e.begin(table.Serializable)
	see(sz, 0, "10:12:x")
	w = &session{e: e, tx: e.db.begin(table.TxnOptions{LockWait: 1, Isolation: table.RepeatableRead})}
	if err := w.delete("t", 10); !errors.Is(err, table.ErrLockTimeout) {
		t.Error(err)
	}
	ro := &session{e: e, tx: e.db.begin(table.TxnOptions{ReadOnly: true, Isolation: table.RepeatableRead})}
	if err := ro.insert("t", sbrow(1, 1, "")); !errors.Is(err, table.ErrReadOnly) {
		t.Error(err)
	}
}

// TestMovedRow: an update of the clustered key, and one that runs into a duplicate and leaves nothing behind.
func TestMovedRow(t *testing.T) {
	e := seeded(t)
	s := e.begin(table.RepeatableRead)
	e.must(s.update("t", 10, func(r []row.Datum) { r[0] = row.FromInt(40) }))
	var dup *table.DuplicateKey
	if err := s.update("t", 20, func(r []row.Datum) { r[0] = row.FromInt(30) }); !errors.As(err, &dup) || dup.Row[0].Int() != 30 {
		t.Fatal(err)
	}
	for ix := range 2 {
		want := []string{"20:20:x", "30:30:x", "40:10:x"}
		if ix == 1 {
			want = []string{"40:10:x", "20:20:x", "30:30:x"}
		}
		if got, err := s.rows("t", table.ScanOptions{Index: ix}); err != nil || !slices.Equal(got, want) {
			t.Fatal(got, err)
		}
	}
	e.must(s.tx.Commit(bg))
	e.purged()
}

// TestRanges: bounds over ascending, descending and prefix parts.
func TestRanges(t *testing.T) {
	e := newEnv(t, memOptions)
	e.db.CreateSchema(bg, table.Schema{Name: "s"})
	_, err := e.db.CreateTable(bg, &table.Def{Schema: "s", Name: "r", AutoInc: -1,
		Columns: []table.Column{{Name: "a", Class: row.Int}, {Name: "b", Class: row.Int, Nullable: true}, {Name: "c", Class: row.Bytes}},
		Indexes: []table.Index{{Name: "PRIMARY", Primary: true, Unique: true, Parts: []table.Part{{Column: 0}}},
			{Name: "b", Parts: []table.Part{{Column: 1, Desc: true}, {Column: 0}}},
			{Name: "c", Parts: []table.Part{{Column: 2, Prefix: 2}}}}})
	e.must(err)
	s := e.begin(table.RepeatableRead)
	for i := int64(0); i < 10; i++ {
		b := row.FromInt(i / 2)
		if i >= 8 {
			b = row.NullDatum
		}
		e.must(s.insert("r", []row.Datum{row.FromInt(i), b, row.FromBytes(fmt.Appendf(nil, "ab%d", i))}))
	}
	ids := func(o table.ScanOptions) (out []int64) {
		t.Helper()
		e.must(s.on("r", func(h *Handle) error {
			c, err := h.Scan(bg, o)
			if err != nil {
				return err
			}
			defer c.Close()
			for {
				ok, err := c.Next(bg)
				if err != nil || !ok {
					return err
				}
				out = append(out, c.Row()[0].Int())
			}
		}))
		return out
	}
	d := func(v ...int64) (r []row.Datum) {
		for _, x := range v {
			r = append(r, row.FromInt(x))
		}
		return r
	}
	for i, c := range []struct {
		o    table.ScanOptions
		want []int64
	}{
		{table.ScanOptions{Range: table.Range{Low: d(3), High: d(5), HighOpen: true}}, []int64{3, 4}},
		{table.ScanOptions{Range: table.Range{Low: d(3), LowOpen: true, High: d(5)}, Reverse: true}, []int64{5, 4}},
		{table.ScanOptions{Index: 1, Range: table.Range{Low: d(1), High: d(2)}}, []int64{4, 5, 2, 3}},
		{table.ScanOptions{Index: 1, Range: table.Range{Low: d(1), LowOpen: true, High: d(3), HighOpen: true}, Reverse: true}, []int64{5, 4}},
		{table.ScanOptions{Index: 1, Range: table.Range{Low: []row.Datum{row.NullDatum}, High: []row.Datum{row.NullDatum}}}, []int64{8, 9}},
		{table.ScanOptions{Index: 1, Range: table.Range{Low: d(2, 5), High: d(2)}}, []int64{5}},
		{table.ScanOptions{Index: 1, Range: table.Range{Low: []row.Datum{row.NullDatum}, LowOpen: true}}, []int64{6, 7, 4, 5, 2, 3, 0, 1}},
		{table.ScanOptions{Index: 2, Range: table.Range{Low: []row.Datum{row.FromBytes([]byte("ab5"))}, LowOpen: true}}, []int64{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}},
		{table.ScanOptions{Range: table.Range{Low: d(7), High: d(6)}}, nil},
	} {
		for _, l := range []table.Lock{table.LockNone, table.LockExclusive} {
			c.o.Lock = l
			if got := ids(c.o); !slices.Equal(got, c.want) {
				t.Errorf("case %d, lock %d: %v, want %v", i, l, got, c.want)
			}
		}
	}
	e.must(s.tx.Commit(bg))
}
