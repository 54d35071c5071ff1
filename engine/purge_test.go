package engine

import (
	"fmt"
	"testing"
	"time"

	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/engine/table"
)

// TestPurgeBehindSnapshot: thousands of transactions change rows and entries while one snapshot is open, which goes on seeing what it saw. Purge takes nothing
// away as long, comes by without looking at the logs, and then takes all of it, with several workers.
func TestPurgeBehindSnapshot(t *testing.T) {
	const rows, rounds = 1000, 5
	e := seeded(t)
	s := e.begin(table.RepeatableRead)
	e.must(s.grow(1000, rows))
	e.must(s.tx.Commit(bg))
	e.purged()
	pages := e.db.logs.Pages()
	old := e.begin(table.RepeatableRead)
	n0, sum0, err := old.sum(0)
	e.must(err)
	n := 0
	for r := range int64(rounds) {
		for i := int64(1000); i < 1000+rows; i++ {
			w := e.begin(table.ReadCommitted)
			if r == rounds-1 && i%2 == 0 {
				e.must(w.delete("t", i))
			} else {
				e.must(w.update("t", i, func(x []row.Datum) { x[1] = row.FromInt(i*7 + r); x[2] = row.FromBytes(fmt.Appendf(nil, "%d", r)) }))
			}
			e.must(w.tx.Commit(bg))
			n++
		}
		if _, err := e.db.purgeRound(bg); err != nil {
			t.Fatal(err)
		}
		if got, err := e.db.purgeRound(bg); err != nil || got != 0 {
			t.Fatalf("round %d: purge passed %d records behind the snapshot, %v", r, got, err)
		}
	}
	if h := e.db.Info().HistoryLength; h != uint64(n) {
		t.Errorf("history length %d, want %d", h, n)
	}
	if got := e.db.logs.Pages(); got <= pages+10 {
		t.Errorf("%d undo pages, %d before", got, pages)
	}
	for ix := range 2 {
		if n, sum, err := old.sum(ix); err != nil || n != n0 || sum != sum0 {
			t.Errorf("index %d: the snapshot sees %d rows, sum %d, %v; want %d, %d", ix, n, sum, err, n0, sum0)
		}
	}
	e.must(old.tx.Commit(bg))
	e.purged()
	if h, got := e.db.Info().HistoryLength, e.db.logs.Pages(); h != 0 || got > int64(len(e.db.logs.Logs()))+2 { // each keeps a page
		t.Errorf("history length %d, %d undo pages, %d before", h, got, pages)
	}
	if rep := e.check(); rep.Rows != 3+rows/2 {
		t.Errorf("%+v", rep)
	}
}

// TestPurgeOfRollback: the undo pages of a transaction that was rolled back come back once no snapshot is older than it, and the trees are as they were.
func TestPurgeOfRollback(t *testing.T) {
	e := seeded(t)
	e.purged()
	pages := e.db.logs.Pages()
	old := e.begin(table.RepeatableRead)
	n0, sum0, err := old.sum(0)
	e.must(err)
	for range 2 { // the second one finds the first one's pages
		s := e.begin(table.RepeatableRead)
		e.must(s.grow(1000, 3000))
		at := s.tx.mark()
		for i := int64(1000); i < 4000; i++ {
			e.must(s.update("t", i, func(x []row.Datum) { x[1] = row.FromInt(i * 7) }))
		}
		e.must(s.tx.undoTo(bg, at)) // a statement's
		e.must(s.tx.Rollback(bg))
		if got := e.db.logs.Pages(); got <= pages+10 {
			t.Errorf("%d undo pages, %d before: the test shows nothing", got, pages)
		}
	}
	if n, sum, err := old.sum(1); err != nil || n != n0 || sum != sum0 {
		t.Errorf("the snapshot sees %d rows, sum %d, %v; want %d, %d", n, sum, err, n0, sum0)
	}
	e.must(old.tx.Commit(bg))
	e.purged()
	if h, got := e.db.Info().HistoryLength, e.db.logs.Pages(); h != 0 || got > int64(len(e.db.logs.Logs()))+2 {
		t.Errorf("history length %d, %d undo pages, %d before", h, got, pages)
	}
	if rep := e.check(); rep.Rows != uint64(n0) {
		t.Errorf("%+v", rep)
	}
}

// TestHistoryAfterCrash: an engine that opens a volume knows how many ended transactions purge has to pass, in logs of one page and of many, beside one
// that is to be rolled back.
func TestHistoryAfterCrash(t *testing.T) {
	e := seeded(t)
	e.purged()
	const left = 50 // more than have begun: passed, but on pages that were not full enough to begin anew
	old := e.begin(table.RepeatableRead)
	_, _, err := old.sum(0)
	e.must(err)
	const n = 1500
	for i := range int64(n) {
		w := e.begin(table.ReadCommitted)
		e.must(w.insert("t", sbrow(5000+i, i, fmt.Sprintf("row %d", i))))
		if i%3 == 0 {
			e.must(w.tx.Rollback(bg))
		} else {
			e.must(w.tx.Commit(bg))
		}
	}
	open := e.begin(table.ReadCommitted)
	e.must(open.insert("t", sbrow(9999, 1, "open")))
	w := e.begin(table.ReadCommitted)
	e.must(w.insert("t", sbrow(9998, 1, "the crash comes after this")))
	e.must(w.tx.Commit(bg))
	if h := e.db.Info().HistoryLength; h != n+1 {
		t.Errorf("history length %d, want %d", h, n+1)
	}
	e.crash()
	if h := e.db.logs.History(); h < n+1 || h > n+1+left {
		t.Errorf("history length %d after a crash, want %d and up to %d more", h, n+1, left)
	}
	e.purged()
	for end := time.Now().Add(time.Minute); e.db.Info().HistoryLength != 0; time.Sleep(time.Millisecond) { // what was open is rolled back behind the scenes
		if e.purged(); time.Now().After(end) {
			t.Fatalf("history length %d, and nothing left to purge", e.db.Info().HistoryLength)
		}
	}
}
