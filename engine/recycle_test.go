package engine

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/storage/volume/memvol"
)

// TestRecycle runs transactions in recycled memory beside views that look at whatever is open, and checks that each begins as a new one does.
func TestRecycle(t *testing.T) {
	e := newEnv(t, memvol.Options{})
	e.sbtest("t")
	const workers, rounds, rows = 6, 200, 40
	for i := range int64(rows) {
		s := e.begin(table.RepeatableRead)
		e.must(s.insert("t", []row.Datum{row.FromInt(i), row.FromInt(0), row.FromBytes([]byte("c")), row.FromBytes([]byte("p"))}))
		e.must(s.tx.Commit(bg))
	}
	var stop atomic.Bool
	var views, wg sync.WaitGroup
	views.Go(func() {
		for !stop.Load() {
			for _, x := range e.db.Transactions() {
				if x.SessionID == 0 || x.SessionID > workers {
					t.Errorf("view shows session %d", x.SessionID)
				}
			}
			e.db.DataLocks(100)
			e.db.MetadataLocks()
			e.db.LatestDeadlock()
		}
	})
	var added atomic.Int64
	for w := range workers {
		wg.Go(func() {
			for range rounds {
				tx := e.db.begin(table.TxnOptions{Isolation: table.RepeatableRead, SessionID: uint64(w + 1)})
				if tx.ID() != 0 || tx.Writes() || tx.snap.IsOpen() || tx.depends() != 0 || tx.own.Rows() != 0 || tx.find("sp") >= 0 || len(tx.opened) != 0 || tx.seq != 0 {
					t.Errorf("a new transaction is not new: id %d, statement %d", tx.ID(), tx.seq)
				}
				s := &session{e: e, tx: tx}
				tx.Savepoint("sp")
				err := s.update("t", rand.Int64N(rows), func(r []row.Datum) { r[1] = row.FromInt(r[1].Int() + 1) })
				if err != nil {
					t.Error(err)
					tx.Rollback(bg)
					continue
				}
				done := make(chan error)
				tx.CommitAsync(func(err error) { go func() { done <- err }() })
				if err := <-done; err != nil {
					t.Error(err)
				}
				added.Add(1)
				tx.Recycle()
			}
		})
	}
	wg.Wait()
	stop.Store(true)
	views.Wait()
	var sum int64
	s := e.begin(table.RepeatableRead)
	for i := range int64(rows) {
		e.must(s.on("t", func(h *Handle) error {
			r, _, err := h.Get(bg, 0, []row.Datum{row.FromInt(i)}, table.LockNone, table.Wait)
			if err == nil {
				sum += r[1].Int()
			}
			return err
		}))
	}
	e.must(s.tx.Commit(bg))
	if sum != added.Load() {
		t.Errorf("%d updates are in the table, %d were committed", sum, added.Load())
	}
}
