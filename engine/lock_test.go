package engine

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/zoryadb/zorya/engine/lock"
	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/storage/volume/memvol"
)

// waits waits until n transactions wait for locks.
func (e *env) waits(n uint64) {
	e.t.Helper()
	for end := time.Now().Add(60 * time.Second); e.db.locks.Waits.Load() < n; time.Sleep(100 * time.Microsecond) {
		if time.Now().After(end) {
			e.t.Fatalf("%d waits, not %d", e.db.locks.Waits.Load(), n)
		}
	}
}

func seeded(t *testing.T) *env {
	e := newEnv(t, memvol.Options{})
	e.sbtest("t")
	s := e.begin(table.RepeatableRead)
	for _, i := range []int64{10, 20, 30} {
		e.must(s.insert("t", sbrow(i, i, "x")))
	}
	e.must(s.tx.Commit(bg))
	return e
}

func TestWriteWaitsForImplicitLock(t *testing.T) {
	e := seeded(t)
	a, b := e.begin(table.RepeatableRead), e.begin(table.RepeatableRead)
	e.must(a.insert("t", sbrow(15, 1, "a")))
	done := make(chan error, 1)
	go func() { done <- b.insert("t", sbrow(15, 2, "b")) }()
	e.waits(1)
	e.must(a.tx.Rollback(bg))
	e.must(<-done)
	e.must(b.tx.Commit(bg))
	c := e.begin(table.RepeatableRead)
	e.must(c.update("t", 10, func(r []row.Datum) { r[1] = row.FromInt(11) }))
	d := e.begin(table.RepeatableRead)
	go func() { done <- d.update("t", 10, func(r []row.Datum) { r[1] = row.FromInt(r[1].Int() + 1) }) }()
	e.waits(2)
	e.must(c.tx.Commit(bg))
	e.must(<-done)
	e.must(d.tx.Commit(bg))
	got, err := e.begin(table.RepeatableRead).rows("t", table.ScanOptions{Index: 1})
	if want := []string{"15:2:b", "10:12:x", "20:20:x", "30:30:x"}; err != nil || !slices.Equal(got, want) {
		t.Fatal(got, err)
	}
}

func TestDeadlock(t *testing.T) {
	e := seeded(t)
	a, b := e.begin(table.RepeatableRead), e.begin(table.RepeatableRead)
	set := func(r []row.Datum) { r[1] = row.FromInt(99) }
	e.must(a.update("t", 10, set))
	e.must(b.update("t", 20, set))
	done := make(chan error, 2)
	go func() { done <- a.update("t", 20, set) }()
	e.waits(1)
	errB := b.update("t", 10, set)
	errA := <-done
	if errors.Is(errA, table.ErrDeadlock) == errors.Is(errB, table.ErrDeadlock) {
		t.Fatal(errA, errB)
	}
	e.must(a.tx.Commit(bg))
	e.must(b.tx.Commit(bg))
	e.check()
}

func TestWaitPolicies(t *testing.T) {
	e := seeded(t)
	a := e.begin(table.RepeatableRead)
	e.must(a.update("t", 20, func(r []row.Datum) { r[1] = row.FromInt(21) }))
	b := e.begin(table.RepeatableRead)
	if _, err := b.rows("t", table.ScanOptions{Lock: table.LockExclusive, Policy: table.NoWait}); !errors.Is(err, table.ErrLocked) {
		t.Fatal(err)
	}
	got, err := b.rows("t", table.ScanOptions{Lock: table.LockExclusive, Policy: table.SkipLocked})
	if err != nil || !slices.Equal(got, []string{"10:10:x", "30:30:x"}) {
		t.Fatal(got, err)
	}
	c := &session{e: e, tx: e.db.begin(table.TxnOptions{Isolation: table.RepeatableRead, LockWait: 10 * time.Millisecond})}
	if err := c.delete("t", 20); !errors.Is(err, table.ErrLockTimeout) {
		t.Fatal(err)
	}
	d := e.begin(table.RepeatableRead)
	done := make(chan error, 1)
	n := e.db.locks.Waits.Load()
	go func() { done <- d.delete("t", 20) }()
	e.waits(n + 1)
	d.tx.Kill(table.ErrKilled)
	if err := <-done; !errors.Is(err, table.ErrKilled) {
		t.Fatal(err)
	}
}

// TestNoPhantoms: a locking range scan keeps inserts out of its range and of the gaps that it reaches into, under REPEATABLE READ only.
func TestNoPhantoms(t *testing.T) {
	e := seeded(t)
	for ix := range 2 {
		for _, iso := range []table.Isolation{table.RepeatableRead, table.ReadCommitted} {
			for _, rev := range []bool{false, true} {
				a := e.begin(iso)
				o := table.ScanOptions{Index: ix, Lock: table.LockExclusive, Reverse: rev, Range: table.Range{Low: []row.Datum{row.FromInt(12)}, High: []row.Datum{row.FromInt(25)}}}
				if got, err := a.rows("t", o); err != nil || len(got) != 1 {
					t.Fatal(got, err)
				}
				for k, blocked := range map[int64]bool{9: rev, 11: true, 12: true, 15: true, 24: true, 25: true, 26: true, 31: false} {
					b := &session{e: e, tx: e.db.begin(table.TxnOptions{Isolation: iso, LockWait: time.Millisecond})}
					err := b.insert("t", sbrow(k, k, "b"))
					if want := blocked && iso == table.RepeatableRead; want != errors.Is(err, table.ErrLockTimeout) {
						t.Errorf("index %d, isolation %d, reverse %v: insert of %d: %v", ix, iso, rev, k, err)
					}
					e.must(b.tx.Rollback(bg))
				}
				e.must(a.tx.Commit(bg))
			}
		}
	}
}

// uniqueTable is id, u (unique), v (unique descending, nullable, prefix of bytes).
func (e *env) uniqueTable(name string) {
	e.t.Helper()
	e.db.CreateSchema(bg, table.Schema{Name: "s"})
	_, err := e.db.CreateTable(bg, &table.Def{Schema: "s", Name: name, AutoInc: -1,
		Columns: []table.Column{{Name: "id", Class: row.Int}, {Name: "u", Class: row.Int, Nullable: true}, {Name: "v", Class: row.Bytes, Nullable: true}},
		Indexes: []table.Index{{Name: "PRIMARY", Primary: true, Unique: true, Parts: []table.Part{{Column: 0}}},
			{Name: "u", Unique: true, Parts: []table.Part{{Column: 1}}},
			{Name: "v", Parts: []table.Part{{Column: 2, Prefix: 4, Desc: true}, {Column: 1}}}}})
	e.must(err)
}

// TestUniqueUnderConcurrency: many transactions insert and move the same few unique values; never do two rows have one.
func TestUniqueUnderConcurrency(t *testing.T) {
	e := newEnv(t, memvol.Options{})
	e.uniqueTable("u")
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := range 120 {
				s := e.begin(table.RepeatableRead)
				id, u := int64(w*1000+i%5), int64((i*7+w)%6)
				r := []row.Datum{row.FromInt(id), row.FromInt(u), row.FromBytes(fmt.Appendf(nil, "value %d", u))}
				err := s.insert("u", r)
				if errors.As(err, new(*table.DuplicateKey)) && i%2 == 0 {
					err = s.on("u", func(h *Handle) error {
						old, ref, err := h.Get(bg, 1, r[1:2], table.LockExclusive, table.Wait)
						if err != nil || old == nil {
							return err
						}
						n := slices.Clone(old)
						n[1] = row.FromInt((u + 1) % 6)
						if i%4 == 0 {
							return h.Delete(bg, ref, old)
						}
						return h.Update(bg, ref, old, n)
					})
				}
				if err != nil && !errors.As(err, new(*table.DuplicateKey)) && !errors.Is(err, table.ErrDeadlock) {
					t.Errorf("worker %d: %v", w, err)
				}
				if i%3 == 0 {
					err = s.tx.Rollback(bg)
				} else {
					err = s.tx.Commit(bg)
				}
				if err != nil {
					t.Error(err)
				}
			}
		}()
	}
	wg.Wait()
	e.check()
	s := e.begin(table.RepeatableRead)
	seen := map[int64]bool{}
	e.must(s.on("u", func(h *Handle) error {
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
			if u := c.Row()[1].Int(); seen[u] {
				t.Errorf("value %d twice", u)
			} else {
				seen[u] = true
			}
		}
	}))
	e.must(s.tx.Commit(bg))
	e.purged()
}

// purged waits until purge has passed everything, and checks that no deleted row or entry is left.
func (e *env) purged() {
	e.t.Helper()
	for end := time.Now().Add(60 * time.Second); ; time.Sleep(time.Millisecond) {
		e.db.kickPurge()
		if !e.db.anyDirty() {
			e.db.purging.Lock() // the round that went through the logs may still be at the trees
			dirty := e.db.anyDirty()
			e.db.purging.Unlock()
			if !dirty {
				break
			}
		}
		if time.Now().After(end) {
			e.t.Fatalf("purge does not come to an end: %+v", e.db.Info())
		}
	}
	if rep := e.check(); rep.Deleted != 0 || rep.DeletedEntries != 0 {
		e.t.Fatalf("purge left %+v", rep)
	}
}

// TestHalloween: a statement does not meet the rows that it has moved itself.
func TestHalloween(t *testing.T) {
	e := seeded(t)
	s := e.begin(table.RepeatableRead)
	n := 0
	e.must(s.on("t", func(h *Handle) error {
		c, err := h.Scan(bg, table.ScanOptions{Index: 1, Lock: table.LockExclusive})
		if err != nil {
			return err
		}
		defer c.Close()
		for {
			ok, err := c.Next(bg)
			if err != nil || !ok {
				return err
			}
			if n++; n > 10 {
				return errors.New("the scan chases its own rows")
			}
			nr := slices.Clone(c.Row())
			nr[1] = row.FromInt(nr[1].Int() + 15)
			if err := h.Update(bg, c.Ref(), c.Row(), nr); err != nil {
				return err
			}
		}
	}))
	if n != 3 {
		t.Fatal(n)
	}
	e.must(s.on("t", func(h *Handle) error { // INSERT ... SELECT from the same table
		c, err := h.Scan(bg, table.ScanOptions{})
		if err != nil {
			return err
		}
		defer c.Close()
		for i := 0; ; i++ {
			ok, err := c.Next(bg)
			if err != nil || !ok {
				return err
			}
			if i > 3 {
				return errors.New("the scan sees its own inserts")
			}
			nr := slices.Clone(c.Row())
			nr[0] = row.FromInt(nr[0].Int() + 5)
			if err := h.Insert(bg, nr); err != nil {
				return err
			}
		}
	}))
	e.must(s.tx.Commit(bg))
	e.purged()
}

// TestAutoIncModes has a statement that takes values hold the counter's lock as innodb_autoinc_lock_mode says, until it ends and no longer.
func TestAutoIncModes(t *testing.T) {
	for mode := range 3 {
		for _, bulk := range [][2]bool{{false, false}, {false, true}, {true, false}, {true, true}} {
			e := newEnv(t, memOptions)
			e.sbtest("t")
			e.db.SetAutoIncMode(mode)
			take := func(s *session, bulk bool) (uint64, error) {
				st, err := s.tx.BeginStmt(bg, table.StmtOptions{Write: true, Bulk: bulk})
				e.must(err)
				h, err := st.Open(bg, "s", "t")
				e.must(err)
				return h.NextAutoInc(bg, 1)
			}
			a, b := e.begin(table.RepeatableRead), e.begin(table.RepeatableRead)
			b.tx.o.LockWait = 20 * time.Millisecond
			first, err := take(a, bulk[0])
			e.must(err)
			waits := mode == 0 || mode == 1 && bulk[0]
			second, err := take(b, bulk[1])
			if waits != errors.Is(err, table.ErrLockTimeout) || !waits && second != first+1 {
				t.Errorf("mode %d, statements of unknown length %v: %d, then %d, %v", mode, bulk, first, second, err)
			}
			if waits {
				locks := e.db.DataLocks(10)
				if len(locks) != 1 || locks[0].Mode != "AUTO_INC" || locks[0].Table != "t" || !locks[0].OnTable {
					t.Errorf("mode %d: the locks are %+v", mode, locks)
				}
			}
			a.tx.stmt.End()
			if _, err := take(b, bulk[1]); err != nil {
				t.Errorf("mode %d: the lock outlives its statement: %v", mode, err)
			}
			e.must(b.tx.Rollback(bg))
			e.must(a.tx.Rollback(bg))
			if locks := e.db.DataLocks(10); len(locks) != 0 {
				t.Errorf("mode %d: left: %+v", mode, locks)
			}
			e.db.Close()
		}
	}
}

// TestPassedRowOfOursStaysLocked: under READ COMMITTED a row that the filter refuses is unlocked, but not one that the transaction has changed.
func TestPassedRowOfOursStaysLocked(t *testing.T) {
	e := seeded(t)
	a, b := e.begin(table.ReadCommitted), e.begin(table.ReadCommitted)
	e.must(a.insert("t", sbrow(15, 15, "a")))
	done := make(chan error, 1)
	refuse := func(r []row.Datum) (bool, error) {
		if r[0].Int() == 15 {
			go func() { done <- b.insert("t", sbrow(15, 15, "b")) }()
			e.waits(1)
		}
		return false, nil
	}
	_, err := a.rows("t", table.ScanOptions{Lock: table.LockExclusive, Filter: refuse})
	e.must(err)
	if _, _, on := e.db.locks.WaitsSince(&b.tx.own); !on {
		t.Error("another transaction got a row with a change that is not committed")
	}
	e.must(a.tx.Rollback(bg))
	e.must(<-done)
}

// TestStaleHolder: who has met a change that has been rolled back since does not lock the row for the one who made it: the row may be another's.
func TestStaleHolder(t *testing.T) {
	e := seeded(t)
	a, b, c := e.begin(table.RepeatableRead), e.begin(table.RepeatableRead), e.begin(table.RepeatableRead)
	a.tx.Savepoint("s")
	e.must(a.insert("t", sbrow(15, 15, "a")))
	held := a.tx.own.Rows()
	e.must(a.tx.RollbackTo(bg, "s"))
	e.must(b.insert("t", sbrow(15, 15, "b")))
	e.must(c.on("t", func(h *Handle) error {
		ix := h.t.Indexes[0]
		key, err := h.clusteredKey(bg, nil, sbrow(15, 0, ""))
		if err != nil {
			return err
		}
		o := obstacle{ix: ix, key: key, holder: a.tx.ID(), mode: lock.Exclusive}
		if on, err := c.tx.explicit(bg, &o); err != nil || on || a.tx.own.Rows() != held {
			t.Errorf("%v, %v; %d locks, not %d", on, err, a.tx.own.Rows(), held)
		}
		o.holder = b.tx.ID()
		if on, err := c.tx.explicit(bg, &o); err != nil || !on {
			t.Error(on, err)
		}
		return nil
	}))
}
