package engine

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/storage/volume/memvol"
)

// sum adds k over all rows through an index.
func (s *session) sum(index int) (n int, sum int64, err error) {
	err = s.on("t", func(h *Handle) error {
		c, err := h.Scan(bg, table.ScanOptions{Index: index, Columns: []int{0, 1}})
		if err != nil {
			return err
		}
		defer c.Close()
		for {
			ok, err := c.Next(bg)
			if err != nil || !ok {
				return err
			}
			n++
			sum += c.Row()[1].Int()
		}
	})
	return n, sum, err
}

func (e *env) settle() {
	e.t.Helper()
	<-e.db.recoveredCh
}

func (e *env) check() table.CheckReport {
	e.t.Helper()
	rep, err := e.db.Check(bg, table.CheckOptions{})
	if err != nil {
		e.t.Fatal(err)
	}
	for _, p := range rep.Problems {
		e.t.Errorf("check: %+v", p)
	}
	return rep
}

// TestTransfersAndCrashes moves amounts between rows from several goroutines, over an indexed column, and cuts the instance
// down again and again: the sum never changes in any snapshot, through either index, and nothing acknowledged is lost.
func TestTransfersAndCrashes(t *testing.T) {
	const rows, workers, rounds, total = 40, 6, 4, 40 * 1000
	e := newEnv(t, memvol.Options{Lag: 200 * time.Microsecond})
	e.sbtest("t")
	e.sbtest("log")
	s := e.begin(table.RepeatableRead)
	for i := int64(0); i < rows; i++ {
		e.must(s.insert("t", sbrow(i, 1000, fmt.Sprint(i))))
	}
	e.must(s.tx.Commit(bg))
	var nextLog atomic.Int64
	acked := map[int64]bool{}
	var mu sync.Mutex
	for round := range rounds {
		stop := make(chan struct{})
		var wg sync.WaitGroup
		for w := range workers {
			wg.Add(1)
			go func() {
				defer wg.Done()
				rng := rand.New(rand.NewPCG(uint64(round), uint64(w)))
				for {
					select {
					case <-stop:
						return
					default:
					}
					if w == 0 {
						r := e.begin(table.RepeatableRead)
						n, sum, err := r.sum(rng.IntN(2))
						if err == nil && (n != rows || sum != total) {
							t.Errorf("round %d: snapshot has %d rows, sum %d", round, n, sum)
							r.tx.Commit(bg)
							return
						}
						r.tx.Commit(bg)
						continue
					}
					id := nextLog.Add(1)
					if err := transfer(e, rng, id, rows); err == nil {
						mu.Lock()
						acked[id] = true
						mu.Unlock()
					} else if !errors.Is(err, table.ErrDeadlock) && !errors.Is(err, errGiveUp) && !errors.Is(err, table.ErrLockTimeout) && e.vol.Err() == nil {
						t.Errorf("transfer: %v", err)
						return
					}
				}
			}()
		}
		time.Sleep(150 * time.Millisecond)
		old, oldVol := e.db, e.vol
		vol := e.vol.Crash()
		close(stop)
		wg.Wait()
		_ = oldVol
		e.vol = vol
		old.Close()
		e.open()
		r := e.begin(table.RepeatableRead)
		for ix := range 2 {
			if n, sum, err := r.sum(ix); err != nil || n != rows || sum != total {
				t.Fatalf("round %d after crash, index %d: %d rows, sum %d, %v", round, ix, n, sum, err)
			}
		}
		have := map[int64]bool{}
		e.must(r.on("log", func(h *Handle) error {
			c, err := h.Scan(bg, table.ScanOptions{})
			if err != nil {
				return err
			}
			defer c.Close()
			for {
				ok, err := c.Next(bg)
				if err != nil || !ok {
					return err
				}
				have[c.Row()[0].Int()] = true
			}
		}))
		e.must(r.tx.Commit(bg))
		for id := range acked {
			if !have[id] {
				t.Fatalf("round %d: acknowledged transfer %d is lost", round, id)
			}
		}
		e.settle()
		e.check()
	}
	mu.Lock()
	t.Logf("%d acknowledged transfers", len(acked))
	if len(acked) < 20 {
		t.Error("too few transfers were acknowledged to prove anything")
	}
	mu.Unlock()
}

var errGiveUp = errors.New("changed my mind")

// transfer moves an amount from one row to another and notes it in the log table; sometimes it moves a row away and back,
// rolls a statement back, or gives up.
func transfer(e *env, rng *rand.Rand, id int64, rows int) error {
	s := e.begin(table.RepeatableRead)
	from, to, amount := rng.Int64N(int64(rows)), rng.Int64N(int64(rows)), rng.Int64N(50)
	fail := func(err error) error {
		if rerr := s.tx.Rollback(context.Background()); rerr != nil && e.vol.Err() == nil {
			return fmt.Errorf("%w; and rollback: %w", err, rerr)
		}
		return err
	}
	if err := s.update("t", from, func(r []row.Datum) { r[1] = row.FromInt(r[1].Int() - amount) }); err != nil {
		return fail(err)
	}
	s.tx.Savepoint("a")
	if rng.IntN(3) == 0 {
		if err := s.delete("t", from); err != nil {
			return fail(err)
		}
		if rng.IntN(2) == 0 {
			if err := s.insert("t", sbrow(from, 77, "moved")); err != nil {
				return fail(err)
			}
		}
		if err := s.tx.RollbackTo(bg, "a"); err != nil {
			return fail(err)
		}
	}
	if err := s.update("t", to, func(r []row.Datum) { r[1] = row.FromInt(r[1].Int() + amount) }); err != nil {
		return fail(err)
	}
	if rng.IntN(4) == 0 {
		return fail(errGiveUp)
	}
	if err := s.insert("log", sbrow(id, amount, "t")); err != nil {
		return fail(err)
	}
	return s.tx.Commit(bg)
}

// TestPreparedSurvivesCrash: a prepared transaction is there after a crash, keeps its rows and its table, and ends as it is told. DDL on
// another table does not wait for it.
func TestPreparedSurvivesCrash(t *testing.T) {
	for _, commit := range []bool{true, false} {
		e := seeded(t)
		e.sbtest("other")
		s := e.begin(table.RepeatableRead)
		e.must(s.update("t", 10, func(r []row.Datum) { r[1] = row.FromInt(11) }))
		e.must(s.insert("t", sbrow(15, 15, "new")))
		e.must(s.tx.Prepare(bg, "xid-1"))
		if err := e.begin(table.RepeatableRead).tx.Prepare(bg, "xid-1"); !errors.Is(err, table.ErrXIDExists) {
			t.Fatal(err)
		}
		for range 2 {
			e.crash()
			if got := e.db.Prepared(); !slices.Equal(got, []string{"xid-1"}) {
				t.Fatal(got)
			}
		}
		w := &session{e: e, tx: e.db.begin(table.TxnOptions{Isolation: table.RepeatableRead, LockWait: time.Millisecond})}
		for _, id := range []int64{10, 15} {
			if err := w.delete("t", id); !errors.Is(err, table.ErrLockTimeout) {
				t.Fatal(id, err)
			}
		}
		e.must(w.tx.Rollback(bg))
		short := table.WithDDL(bg, table.DDLOptions{MetadataWait: 10 * time.Millisecond})
		if err := e.db.DropTable(short, "s", "t"); !errors.Is(err, table.ErrLockTimeout) {
			t.Fatal(err)
		}
		e.must(e.db.DropTable(bg, "s", "other"))
		want := []string{"10:10:x", "20:20:x", "30:30:x"}
		if commit {
			want = []string{"10:11:x", "15:15:new", "20:20:x", "30:30:x"}
			e.must(e.db.CommitPrepared(bg, "xid-1"))
		} else {
			e.must(e.db.RollbackPrepared(bg, "xid-1"))
		}
		e.crash()
		if err := e.db.CommitPrepared(bg, "xid-1"); !errors.Is(err, table.ErrNoXID) {
			t.Fatal(err)
		}
		r := e.begin(table.RepeatableRead)
		if got, err := r.rows("t", table.ScanOptions{}); err != nil || !slices.Equal(got, want) {
			t.Fatal(commit, got, err)
		}
		e.must(r.tx.Commit(bg))
		e.must(e.db.DropTable(bg, "s", "t"))
	}
}

// TestPreparedWithoutChanges: who coordinates finds a transaction that it was told is prepared, even if it has changed nothing.
func TestPreparedWithoutChanges(t *testing.T) {
	e := seeded(t)
	for _, xid := range []string{"read", "nothing", "readonly"} {
		s := &session{e: e, tx: e.db.begin(table.TxnOptions{Isolation: table.RepeatableRead, ReadOnly: xid == "readonly"})}
		if xid == "read" {
			_, err := s.rows("t", table.ScanOptions{Lock: table.LockExclusive})
			e.must(err)
		}
		e.must(s.tx.Prepare(bg, xid))
	}
	for range 2 {
		e.crash()
		if got := e.db.Prepared(); !slices.Equal(got, []string{"nothing", "read", "readonly"}) {
			t.Fatal(got)
		}
	}
	e.must(e.db.CommitPrepared(bg, "read"))
	e.must(e.db.RollbackPrepared(bg, "nothing"))
	e.must(e.db.RollbackPrepared(bg, "readonly"))
	e.crash()
	e.settle()
	if got := e.db.Prepared(); len(got) != 0 {
		t.Fatal(got)
	}
	e.purged()
}
