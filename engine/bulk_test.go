package engine

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/storage/page"
	"github.com/zoryadb/zorya/storage/volume/memvol"
)

// twinTable makes a table with a unique secondary index over a nullable column, a column that may be long, and a descending index.
func (e *env) twinTable(name string) {
	e.t.Helper()
	_ = e.db.CreateSchema(bg, table.Schema{Name: "s"})
	_, err := e.db.CreateTable(bg, &table.Def{Schema: "s", Name: name, AutoInc: -1,
		Columns: []table.Column{{Name: "id", Class: row.Int}, {Name: "u", Class: row.Int, Nullable: true}, {Name: "c", Class: row.Bytes}},
		Indexes: []table.Index{{Name: "PRIMARY", Primary: true, Unique: true, Parts: []table.Part{{Column: 0}}},
			{Name: "u", Unique: true, Parts: []table.Part{{Column: 1}}}, {Name: "c", Parts: []table.Part{{Column: 2, Prefix: 20, Desc: true}, {Column: 1}}}}})
	e.must(err)
}

func urow(id int64, u row.Datum, c string) []row.Datum {
	return []row.Datum{row.FromInt(id), u, row.FromBytes([]byte(c))}
}

// TestInsertRowsLikeInsert: batches leave the rows, the entries and the errors that single inserts leave, whatever is in their way; what is
// rolled back, to a savepoint, as a statement, whole, or by a crash, is gone; the checker agrees all the while.
func TestInsertRowsLikeInsert(t *testing.T) {
	e := newEnv(t, memvol.Options{})
	e.twinTable("a")
	e.twinTable("b")
	rng := rand.New(rand.NewPCG(3, 4))
	next := int64(0)
	batch := func() (rows [][]row.Datum) {
		for range rng.IntN(400) + 1 {
			next++
			id := next
			if rng.IntN(200) == 0 {
				id = rng.Int64N(next) // behind, or a duplicate
			}
			u := row.FromInt(id * 7919 % 1000003)
			switch rng.IntN(150) {
			case 0:
				u = row.FromInt(rng.Int64N(next) * 7919 % 1000003)
			case 1, 2, 3:
				u = row.NullDatum
			}
			size := rng.IntN(100)
			if rng.IntN(100) == 0 {
				size = rng.IntN(20000)
			}
			rows = append(rows, urow(id, u, strings.Repeat(string(rune('a'+id%26)), size)))
		}
		return rows
	}
	// ignoring inserts rows as INSERT IGNORE does and returns which were duplicates.
	ignoring := func(h *Handle, rows [][]row.Datum, many bool) (dups []string, err error) {
		for len(rows) > 0 {
			n := 1
			if many {
				n, err = h.InsertRows(bg, rows)
			} else if err = h.Insert(bg, rows[0]); err != nil {
				n = 0
			}
			rows = rows[n:]
			var dup *table.DuplicateKey
			if errors.As(err, &dup) {
				dups = append(dups, fmt.Sprint(rows[0][0].Int(), dup.Index, dup.Key, dup.Row[0].Int()))
				rows = rows[1:]
			} else if err != nil {
				return nil, err
			}
		}
		return dups, nil
	}
	all := func(s *session, name string, index int) (out []string) {
		e.must(s.on(name, func(h *Handle) error {
			c, err := h.Scan(bg, table.ScanOptions{Index: index})
			if err != nil {
				return err
			}
			defer c.Close()
			for {
				ok, err := c.Next(bg)
				if err != nil || !ok {
					return err
				}
				r := c.Row()
				out = append(out, fmt.Sprintf("%d:%v:%d:%x:%d", r[0].Int(), r[1].Null, r[1].N, r[2].B[:min(1, len(r[2].B))], len(r[2].B)))
			}
		}))
		return out
	}
	errNo := errors.New("no")
	for round := range 40 {
		rows := batch()
		var sessions []*session
		var met [][]string
		for _, name := range []string{"a", "b"} {
			s := e.begin(table.RepeatableRead)
			sessions = append(sessions, s)
			var dups []string
			put := func(fail error) error {
				return s.on(name, func(h *Handle) (err error) {
					if dups, err = ignoring(h, rows, name == "a"); err == nil {
						err = fail
					}
					return err
				})
			}
			switch round % 5 {
			case 1: // the statement fails in the end
				if err := put(errNo); err != errNo {
					t.Fatal(err)
				}
				e.must(put(nil))
			case 2:
				s.tx.Savepoint("x")
				e.must(put(nil))
				e.must(s.tx.RollbackTo(bg, "x"))
				e.must(put(nil))
			default:
				e.must(put(nil))
			}
			if met = append(met, dups); name == "b" {
				a := sessions[0]
				if !slices.Equal(met[0], met[1]) {
					t.Fatalf("round %d: duplicates in batches %v, one by one %v", round, met[0], met[1])
				}
				for ix := range 3 {
					if x, y := all(a, "a", ix), all(s, "b", ix); !slices.Equal(x, y) {
						t.Fatalf("round %d, index %d: %d rows in batches, %d one by one", round, ix, len(x), len(y))
					}
				}
			}
			if name == "a" && round%4 == 0 {
				r := e.begin(table.RepeatableRead) // what is not committed is not seen, through any index
				have := len(all(r, "b", 0))
				for ix := range 3 {
					if n := len(all(r, "a", ix)); n != have {
						t.Fatalf("round %d, index %d: a snapshot sees %d rows, not %d", round, ix, n, have)
					}
				}
				e.must(r.tx.Commit(bg))
			}
		}
		if round%3 == 0 {
			e.check()
		}
		switch round % 4 {
		case 3:
			for _, s := range sessions {
				e.must(s.tx.Rollback(bg))
			}
		case 2:
			if round%8 == 2 { // a crash in the middle
				e.must(e.vol.WaitDurable(bg, e.vol.LastLSN()))
				e.crash()
				e.settle()
				break
			}
			fallthrough
		default:
			for _, s := range sessions {
				e.must(s.tx.Commit(bg))
			}
		}
		e.check()
	}
	s := e.begin(table.RepeatableRead)
	if n := len(all(s, "a", 0)); n < 1000 {
		t.Errorf("only %d rows were left to prove anything", n)
	}
	e.must(s.tx.Commit(bg))
}

func sbrows(from, n int64) (rows [][]row.Datum) {
	c := strings.Repeat("12345678901-", 10)[:119]
	for i := from; i < from+n; i++ {
		rows = append(rows, []row.Datum{row.FromInt(i), row.FromInt(i * 7919 % 100003), row.FromBytes([]byte(c)), row.FromBytes([]byte(c[:59]))})
	}
	return rows
}

// TestInsertRowsMeetLocks: a batch that comes to a locked gap, of rows or of entries, or to another's row waits as single inserts do; it adds
// what comes before, and all when the lock has gone.
func TestInsertRowsMeetLocks(t *testing.T) {
	for _, c := range []struct {
		name   string
		hold   func(h *Handle) error
		before int // rows that go in before the obstacle
	}{
		{"gap of rows", func(h *Handle) error {
			_, _, err := h.Get(bg, 0, []row.Datum{row.FromInt(250)}, table.LockExclusive, table.Wait)
			return err
		}, 0},
		{"row", func(h *Handle) error { return h.Insert(bg, sbrow(150, 1, "x")) }, 50},
		{"gap of entries", func(h *Handle) error {
			cur, err := h.Scan(bg, table.ScanOptions{Index: 1, Range: table.Range{Low: []row.Datum{row.FromInt(77777)}}, Lock: table.LockExclusive})
			if err != nil {
				return err
			}
			defer cur.Close()
			_, err = cur.Next(bg)
			return err
		}, -1},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := newEnv(t, memvol.Options{})
			e.sbtest("t")
			first := e.begin(table.RepeatableRead)
			e.must(first.insert("t", sbrow(1, 5, "x")))
			e.must(first.tx.Commit(bg))
			holder := e.begin(table.RepeatableRead)
			e.must(holder.on("t", c.hold))
			w := &session{e: e, tx: e.db.begin(table.TxnOptions{Isolation: table.RepeatableRead, LockWait: 20e6})}
			rows := sbrows(100, 100)
			before := c.before
			if before < 0 {
				before = slices.IndexFunc(rows, func(r []row.Datum) bool { return r[1].Int() >= 77777 })
			}
			err := w.on("t", func(h *Handle) error {
				if n, err := h.InsertRows(bg, rows); n != before || !errors.Is(err, table.ErrLockTimeout) {
					t.Errorf("%d rows, %v; want %d", n, err, before)
				}
				return nil
			})
			e.must(err)
			e.must(holder.tx.Rollback(bg))
			e.must(w.on("t", func(h *Handle) error {
				if n, err := h.InsertRows(bg, rows[before:]); n != len(rows)-before || err != nil {
					t.Errorf("%d rows, %v", n, err)
				}
				return nil
			}))
			e.must(w.tx.Commit(bg))
			if rep := e.check(); rep.Rows != 101 || rep.Entries != 101 {
				t.Errorf("%d rows, %d entries", rep.Rows, rep.Entries)
			}
		})
	}
}

// TestInsertRowsLockRows: rows of a batch are locked like all others, one by one, and seen by their own transaction.
func TestInsertRowsLockRows(t *testing.T) {
	e := newEnv(t, memvol.Options{})
	e.sbtest("t")
	w := e.begin(table.RepeatableRead)
	e.must(w.on("t", func(h *Handle) error { _, err := h.InsertRows(bg, sbrows(1, 500)); return err }))
	o := &session{e: e, tx: e.db.begin(table.TxnOptions{Isolation: table.RepeatableRead, LockWait: 1e6})}
	for _, id := range []int64{1, 250, 500} {
		if err := o.insert("t", sbrow(id, 1, "x")); !errors.Is(err, table.ErrLockTimeout) {
			t.Fatal(id, err)
		}
	}
	e.must(o.tx.Rollback(bg))
	e.must(w.update("t", 250, func(r []row.Datum) { r[1] = row.FromInt(1) }))
	e.must(w.delete("t", 251))
	e.must(w.insert("t", sbrow(251, 9, "again")))
	e.check()
	if got, err := w.rows("t", table.ScanOptions{Range: table.Range{Low: []row.Datum{row.FromInt(500)}}}); err != nil || len(got) != 1 {
		t.Fatal(got, err)
	}
	e.must(w.tx.Rollback(bg))
	if rep := e.check(); rep.Rows != 0 || rep.Entries != 0 {
		t.Errorf("%d rows, %d entries", rep.Rows, rep.Entries)
	}
}

// TestInsertRowsPrepared: a prepared transaction's batches survive a crash, and can be rolled back after it.
func TestInsertRowsPrepared(t *testing.T) {
	e := newEnv(t, memvol.Options{})
	e.sbtest("t")
	w := e.begin(table.RepeatableRead)
	e.must(w.on("t", func(h *Handle) error { _, err := h.InsertRows(bg, sbrows(1, 500)); return err }))
	e.must(w.tx.Prepare(bg, "x"))
	e.crash()
	if list := e.db.Transactions(); len(list) != 1 || list[0].RowsModified != 500 {
		t.Errorf("%+v", list)
	}
	o := &session{e: e, tx: e.db.begin(table.TxnOptions{Isolation: table.RepeatableRead, LockWait: 1e6})}
	if err := o.insert("t", sbrow(77, 1, "x")); !errors.Is(err, table.ErrLockTimeout) {
		t.Fatal(err)
	}
	e.must(o.tx.Rollback(bg))
	e.must(e.db.RollbackPrepared(bg, "x"))
	if rep := e.check(); rep.Rows != 0 || rep.Entries != 0 {
		t.Errorf("%d rows, %d entries", rep.Rows, rep.Entries)
	}
}

// BenchmarkBulk inserts rows like sysbench's, a thousand in a statement. It prints the redo records and bytes of one.
func BenchmarkBulk(b *testing.B) {
	e := newEnv(b, memvol.Options{})
	e.sbtest("t")
	rows := sbrows(1, 1000)
	before := e.vol.Counters()
	b.ReportAllocs()
	b.ResetTimer()
	for i := 0; i < b.N; i += len(rows) {
		for k := range rows {
			rows[k][0] = row.FromInt(int64(i + k))
			rows[k][1] = row.FromInt(int64((i + k) * 7919 % 1000003))
		}
		s := e.begin(table.RepeatableRead)
		e.must(s.on("t", func(h *Handle) error { _, err := h.InsertRows(bg, rows); return err }))
		e.must(s.tx.Commit(bg))
	}
	after := e.vol.Counters()
	b.ReportMetric(float64(after.Records-before.Records)/float64(b.N), "records/row")
	b.ReportMetric(float64(after.Bytes-before.Bytes)/float64(b.N), "redo-B/row")
}

// TestCrashWithinBulk: an instance that dies within a bulk statement, wherever in it, leaves nothing of the statement.
func TestCrashWithinBulk(t *testing.T) {
	e := newEnv(t, memvol.Options{Lag: 50e3})
	e.sbtest("t")
	s := e.begin(table.RepeatableRead)
	e.must(s.on("t", func(h *Handle) error { _, err := h.InsertRows(bg, sbrows(1, 300)); return err }))
	e.must(s.tx.Commit(bg))
	for _, after := range []page.LSN{1, 2, 5, 20, 60, 150, 400} {
		w := e.begin(table.RepeatableRead)
		start, vol := e.vol.LastLSN(), e.vol
		ended := make(chan error, 1)
		go func() {
			ended <- w.on("t", func(h *Handle) error {
				for first := int64(10_000); first < 10_000_000; first += 700 { // as a client's file comes in, until the crash
					if _, err := h.InsertRows(bg, sbrows(first, 700)); err != nil {
						return err
					}
				}
				return nil
			})
		}()
		e.must(vol.WaitDurable(bg, start+after))
		e.vol = vol.Crash()
		if err := <-ended; err == nil {
			t.Fatalf("after %d records: the statement ended before the crash", after)
		}
		e.db.Close()
		e.open()
		e.settle()
		e.must(e.vol.WaitDurable(bg, e.vol.LastLSN())) // the checker looks there
		if rep := e.check(); rep.Rows != 300 || rep.Entries != 300 {
			t.Fatalf("after %d records: %d rows, %d entries", after, rep.Rows, rep.Entries)
		}
	}
}
