package engine

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/storage/volume/memvol"
)

// Mutants are broken on purpose; each scenario must pass without its mutant and fail with it.

// TestMutantPurgeAboveView: purge that does not ask snapshots takes away what an open one reads.
func TestMutantPurgeAboveView(t *testing.T) {
	scenario := func(m mutant) error {
		e := seeded(t)
		e.db.mutant.Store(uint32(m))
		old := e.begin(table.RepeatableRead)
		before, err := old.rows("t", table.ScanOptions{})
		e.must(err)
		w := e.begin(table.RepeatableRead)
		e.must(w.update("t", 10, func(r []row.Datum) { r[1] = row.FromInt(11) }))
		e.must(w.delete("t", 20))
		e.must(w.tx.Commit(bg))
		if _, err := e.db.purgeRound(bg); err != nil {
			return err
		}
		for ix := range 2 {
			after, err := old.rows("t", table.ScanOptions{Index: ix})
			if err != nil {
				return err
			}
			if !slices.Equal(before, after) {
				return fmt.Errorf("index %d: snapshot changed from %v to %v", ix, before, after)
			}
		}
		return nil
	}
	judge(t, scenario, mutantPurgeAll)
}

func judge(t *testing.T, scenario func(mutant) error, m mutant) {
	t.Helper()
	if err := scenario(0); err != nil {
		t.Fatal(err)
	}
	if err := scenario(m); err == nil {
		t.Fatal("the mutant was not caught")
	}
}

// TestMutantDependency: a transaction that changed a row on top of a commit that is not durable yet must not take a snapshot
// below that commit: it would see the row change back.
func TestMutantDependency(t *testing.T) {
	scenario := func(m mutant) error {
		v := &cutVolume{Volume: memvol.New(memvol.Options{Manual: true, PagesPerPG: 1024}), reached: make(chan struct{})}
		v.left.Store(1 << 40)
		db, err := open(bg, v, Options{PoolBytes: 8 << 20})
		if err != nil {
			return err
		}
		defer db.Close()
		e := &env{t: t, vol: v.Volume, db: db}
		e.sbtest("t")
		s := e.begin(table.RepeatableRead)
		e.must(s.insert("t", sbrow(1, 1, "x")))
		e.must(s.insert("t", sbrow(2, 1, "x")))
		e.must(s.tx.Commit(bg))
		db.mutant.Store(uint32(m))
		v.left.Store(0) // nothing becomes durable from here on
		a := e.begin(table.RepeatableRead)
		e.must(a.update("t", 1, func(r []row.Datum) { r[1] = row.FromInt(2) }))
		e.must(a.update("t", 2, func(r []row.Datum) { r[1] = row.FromInt(2) }))
		a.tx.CommitAsync(func(error) {})
		b := e.begin(table.RepeatableRead)
		got := make(chan error, 1)
		go func() {
			var locked int64
			err := b.update("t", 1, func(r []row.Datum) { locked = r[1].Int(); r[1] = row.FromInt(3) })
			if err == nil {
				var rows []string
				rows, err = b.rows("t", table.ScanOptions{Range: table.Range{Low: []row.Datum{row.FromInt(2)}}})
				if err == nil && (len(rows) != 1 || rows[0] != fmt.Sprintf("2:%d:x", locked)) {
					err = fmt.Errorf("locked a row of %d, then read %v", locked, rows)
				}
			}
			got <- err
		}()
		select {
		case err = <-got:
		case <-time.After(20 * time.Millisecond): // it waits, as it should: let it go on
			v.left.Store(1 << 40)
			v.AdvanceVDL(v.LastLSN())
			err = <-got
		}
		if err != nil {
			return err
		}
		v.left.Store(1 << 40)
		v.AdvanceVDL(v.LastLSN())
		return b.tx.Commit(bg)
	}
	judge(t, scenario, mutantNoDependency)
}

// TestMutantNoGaps: without the gap locks of REPEATABLE READ a phantom appears.
func TestMutantNoGaps(t *testing.T) {
	judge(t, func(m mutant) error {
		e := seeded(t)
		e.db.mutant.Store(uint32(m))
		a := e.begin(table.RepeatableRead)
		o := table.ScanOptions{Lock: table.LockShared}
		one, err := a.rows("t", o)
		e.must(err)
		b := &session{e: e, tx: e.db.begin(table.TxnOptions{Isolation: table.RepeatableRead, LockWait: time.Millisecond})}
		if err := b.insert("t", sbrow(15, 15, "p")); err == nil {
			e.must(b.tx.Commit(bg))
		} else {
			e.must(b.tx.Rollback(bg))
		}
		two, err := a.rows("t", o)
		e.must(err)
		e.must(a.tx.Commit(bg))
		if !slices.Equal(one, two) {
			return fmt.Errorf("phantom: %v, then %v", one, two)
		}
		return nil
	}, mutantNoGaps)
}

// probing calls fn the first time that the engine reaches m, on the goroutine that reaches it.
func (e *env) probing(m moment, fn func()) {
	e.db.probe.Store(new(func(at moment) {
		if at == m {
			e.db.probe.Store(nil)
			fn()
		}
	}))
}

// TestMutantLatePublish: a snapshot above a commit's LSN that does not find the commit in the transaction table misses it, and
// has it later: two reads of one snapshot differ.
func TestMutantLatePublish(t *testing.T) {
	judge(t, func(m mutant) error {
		e := seeded(t)
		e.db.mutant.Store(uint32(m))
		w := e.begin(table.RepeatableRead)
		e.must(w.update("t", 10, func(r []row.Datum) { r[1] = row.FromInt(11) }))
		e.must(w.update("t", 20, func(r []row.Datum) { r[1] = row.FromInt(21) }))
		r := e.begin(table.RepeatableRead)
		var one []string
		e.probing(atRelease, func() {
			var err error
			one, err = r.rows("t", table.ScanOptions{})
			e.must(err)
		})
		e.must(w.tx.Commit(bg))
		two, err := r.rows("t", table.ScanOptions{})
		e.must(err)
		e.must(r.tx.Commit(bg))
		if one == nil || !slices.Equal(one, two) {
			return fmt.Errorf("one snapshot read %v, then %v", one, two)
		}
		return nil
	}, mutantLatePublish)
}

// TestMutantEarlyUnlock: who locks a row that a transaction has read for update gets it only after that transaction in the
// log; otherwise its own commit may precede, and a snapshot between sees the later without the earlier.
func TestMutantEarlyUnlock(t *testing.T) {
	judge(t, func(m mutant) error {
		e := seeded(t)
		e.db.mutant.Store(uint32(m))
		a := e.begin(table.RepeatableRead)
		only := func(id int64) table.ScanOptions {
			key := []row.Datum{row.FromInt(id)}
			return table.ScanOptions{Range: table.Range{Low: key, High: key}, Lock: table.LockExclusive}
		}
		read, err := a.rows("t", only(10))
		e.must(err)
		e.must(a.update("t", 20, func(r []row.Datum) { r[1] = row.FromInt(21) }))
		b := &session{e: e, tx: e.db.begin(table.TxnOptions{Isolation: table.RepeatableRead, LockWait: time.Millisecond})}
		var got error
		reached := false
		e.probing(atCommit, func() {
			reached = true
			_, got = b.rows("t", only(10))
		})
		e.must(a.tx.Commit(bg))
		e.must(b.tx.Rollback(bg))
		if !reached || len(read) != 1 || !errors.Is(got, table.ErrLockTimeout) {
			return fmt.Errorf("row %v of an uncommitted transaction was locked: %v", read, got)
		}
		return nil
	}, mutantEarlyUnlock)
}
