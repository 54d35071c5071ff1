package engine

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/engine/table"
)

// TestRollbackOverEmptyUndoPage: a page was added to the undo log and what it was added for came to nothing, by an error or by a crash.
func TestRollbackOverEmptyUndoPage(t *testing.T) {
	want := []string{"10:10:x", "20:20:x", "30:30:x"}
	changed := func(e *env) *session {
		s := e.begin(table.RepeatableRead)
		e.must(s.update("t", 10, func(r []row.Datum) { r[1] = row.FromInt(99) }))
		e.must(s.insert("t", sbrow(15, 15, "y")))
		e.must(s.tx.log.Extend(bg))
		e.must(s.tx.log.Extend(bg))
		return s
	}
	rows := func(e *env) []string {
		t.Helper()
		got, err := e.begin(table.ReadCommitted).rows("t", table.ScanOptions{})
		e.must(err)
		return got
	}
	t.Run("whole", func(t *testing.T) {
		e := seeded(t)
		e.must(changed(e).tx.Rollback(bg))
		if got := rows(e); !slices.Equal(got, want) {
			t.Error(got)
		}
		e.purged()
	})
	t.Run("savepoint", func(t *testing.T) {
		e := seeded(t)
		s := changed(e)
		s.tx.Savepoint("here")
		e.must(s.insert("t", sbrow(16, 16, "z")))
		e.must(s.tx.RollbackTo(bg, "here"))
		e.must(s.tx.Commit(bg))
		if got := rows(e); !slices.Equal(got, []string{"10:99:x", "15:15:y", "20:20:x", "30:30:x"}) {
			t.Error(got)
		}
		e.purged()
	})
	t.Run("statement", func(t *testing.T) {
		e := seeded(t)
		s := e.begin(table.RepeatableRead)
		e.must(s.insert("t", sbrow(16, 16, "z")))
		err := s.on("t", func(h *Handle) error {
			e.must(h.Insert(bg, sbrow(17, 17, "z")))
			e.must(s.tx.log.Extend(bg))
			return context.Canceled
		})
		if err != context.Canceled {
			t.Fatal(err)
		}
		e.must(s.tx.Commit(bg))
		if got := rows(e); !slices.Equal(got, []string{"10:10:x", "16:16:z", "20:20:x", "30:30:x"}) {
			t.Error(got)
		}
	})
	t.Run("crash", func(t *testing.T) {
		e := seeded(t)
		changed(e)
		e.must(e.vol.WaitDurable(bg, e.vol.LastLSN()))
		e.crash()
		e.settle()
		if got := rows(e); !slices.Equal(got, want) {
			t.Error(got)
		}
		e.purged()
	})
}

// watcher is a log handler that calls look at each line "rolling back".
type watcher struct {
	slog.Handler
	mu   sync.Mutex
	look func(trx uint64, percent float64)
}

func (w *watcher) Enabled(context.Context, slog.Level) bool { return true }

func (w *watcher) Handle(_ context.Context, r slog.Record) error {
	if r.Message != "rolling back" {
		return nil
	}
	var trx uint64
	var percent float64
	r.Attrs(func(a slog.Attr) bool {
		switch a.Key {
		case "transaction":
			trx = a.Value.Uint64()
		case "percent":
			percent = a.Value.Float64()
		}
		return true
	})
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.look != nil {
		w.look(trx, percent)
	}
	return nil
}

// grow inserts n rows from first on.
func (s *session) grow(first, n int64) error {
	return s.on("t", func(h *Handle) error {
		for i := first; i < first+n; i++ {
			if err := h.Insert(bg, sbrow(i, i%7, fmt.Sprintf("%050d", i))); err != nil {
				return err
			}
		}
		return nil
	})
}

// TestRollbackTells: a long rollback is seen in the views and in the log, its changes become fewer, others work on meanwhile; after a crash as well, where
// the short transactions are rolled back first.
func TestRollbackTells(t *testing.T) {
	const n = 1500
	e := seeded(t)
	long := &session{e: e, tx: e.db.begin(table.TxnOptions{Isolation: table.RepeatableRead, SessionID: 7})}
	e.must(long.grow(100, n))
	id := long.tx.ID()
	var left []int64
	w := &watcher{Handler: slog.DiscardHandler}
	watch := func() {
		e.db.log, e.db.o.RollbackTell = slog.New(w), 1
		w.look = func(trx uint64, percent float64) {
			if trx != id {
				return
			}
			for _, x := range e.db.Transactions() {
				if x.ID != id {
					continue
				}
				if x.State != table.TrxRollingBack || x.RollbackTotal != n || percent != 100*float64(n-x.RollbackLeft)/n {
					t.Errorf("%.1f %%: %+v", percent, x)
				}
				left = append(left, x.RollbackLeft)
			}
			o := e.begin(table.RepeatableRead) // nobody else is kept waiting
			e.must(o.update("t", 20, func(r []row.Datum) { r[1] = row.FromInt(int64(percent)) }))
			e.must(o.tx.Commit(bg))
		}
	}
	fell := func(last int64) {
		t.Helper()
		if len(left) < n/rollbackLook || !slices.IsSortedFunc(left, func(a, b int64) int { return int(b - a) }) || left[0] == last || left[len(left)-1] != last {
			t.Errorf("changes that were left: %v", left)
		}
		left = nil
	}
	watch()
	e.must(long.tx.Rollback(bg))
	fell(0)

	long = e.begin(table.RepeatableRead)
	e.must(long.grow(100, n))
	id = long.tx.ID()
	short := e.begin(table.RepeatableRead)
	e.must(short.grow(10_000, 2*rollbackLook))
	e.must(e.vol.WaitDurable(bg, e.vol.LastLSN()))
	w.look = nil
	old := e.db
	e.vol = e.vol.Crash()
	old.Close()
	var order []uint64
	var percents []float64
	w.look = func(trx uint64, percent float64) {
		order = append(order, trx)
		if trx == id {
			percents = append(percents, percent)
		}
	}
	db, err := open(bg, e.vol, Options{PoolBytes: 32 << 20, Logger: slog.New(w), RollbackTell: 1})
	e.must(err)
	e.db = db
	t.Cleanup(func() { db.Close() })
	e.settle()
	if len(percents) < n/rollbackLook || !slices.IsSorted(percents) || percents[len(percents)-1] != 100 {
		t.Errorf("percents: %v", percents)
	}
	if len(order) < 3 || order[0] != short.tx.ID() || slices.Contains(order[slices.Index(order, id):], short.tx.ID()) {
		t.Errorf("order of rollback: %v, the short one is %d", order, short.tx.ID())
	}
	e.purged()
}

// TestRollbackLeavesEntriesToOthers: a row that a later transaction inserted, changed and given back by one with an older snapshot, is not in the
// snapshot, whichever index it is read by.
func TestRollbackLeavesEntriesToOthers(t *testing.T) {
	e := seeded(t)
	s := e.begin(table.RepeatableRead)
	look := func(when string) {
		t.Helper()
		for _, ix := range []int{0, 1} {
			got, err := s.rows("t", table.ScanOptions{Index: ix, Columns: []int{0, 1}})
			e.must(err)
			for i := range got {
				got[i] = strings.TrimSuffix(got[i], "x")
			}
			if want := []string{"10:10:", "20:20:", "30:30:"}; !slices.Equal(got, want) {
				t.Errorf("%s, index %d: %v", when, ix, got)
			}
		}
	}
	look("before")
	o := e.begin(table.RepeatableRead)
	e.must(o.insert("t", sbrow(15, 15, "x")))
	e.must(o.update("t", 20, func(r []row.Datum) { r[1] = row.FromInt(21) }))
	e.must(o.tx.Commit(bg))
	look("after another's changes")
	s.tx.Savepoint("here")
	e.must(s.update("t", 15, func(r []row.Datum) { r[1] = row.FromInt(16) }))
	e.must(s.update("t", 20, func(r []row.Datum) { r[1] = row.FromInt(20) }))
	e.must(s.tx.RollbackTo(bg, "here"))
	look("after own ones were taken back")
	e.must(s.tx.Commit(bg))
	e.purged()
}

// TestRollbackOfCopiedRow: a row that an ALTER copied has no past to ask for entries, even while a snapshot is open that is older than the copy. The
// transaction that changed such a row stayed "rolling back" for ever, with its locks.
func TestRollbackOfCopiedRow(t *testing.T) {
	e := seeded(t)
	e.sbtest("u")
	old := e.begin(table.RepeatableRead)
	_, err := old.rows("u", table.ScanOptions{Columns: []int{0}})
	e.must(err)
	d, err := e.db.Definition(bg, "s", "t")
	e.must(err)
	_, err = e.db.RebuildTable(bg, d, d, func(r []row.Datum) ([]row.Datum, error) { return r, nil }, table.Build{})
	e.must(err)
	s := e.begin(table.RepeatableRead)
	e.must(s.update("t", 20, func(r []row.Datum) { r[1] = row.FromInt(21) }))
	e.must(s.tx.Rollback(bg))
	e.must(old.tx.Commit(bg))
	e.check()
	e.purged()
}
