package lock

import (
	"context"
	"errors"
	"testing"
	"time"
)

// Whoever adds an edge to the waits-for graph (package comment) finds the cycle that it closes, and nobody gets what another one holds.

// awaits returns when all of os wait.
func awaits(t *testing.T, lt *Table, os ...*Owner) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Microsecond) {
		n := 0
		for _, o := range os {
			if lt.Waiting(o) {
				n++
			}
		}
		if n == len(os) {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%d of %d wait", n, len(os))
		}
	}
}

// on reports whether o's wait is on: neither granted nor ended.
func on(lt *Table, o *Owner) bool {
	_, _, ok := lt.WaitsSince(o)
	return ok
}

// TestInheritClosesCycle: an heir may wait already, for one who waits to insert into what it inherits.
func TestInheritClosesCycle(t *testing.T) {
	lt := New()
	ctx := context.Background()
	o, h, w, z := owner(1), owner(2), owner(3), owner(4)
	h.Weight.Store(100) // w is the cheaper victim
	lt.Try(h, 9, []byte("k"), Shared)
	lt.Try(w, 9, []byte("r"), Exclusive)
	lt.LockGap(z, 9, []byte("a"), true, []byte("z"), true)
	insert, read := make(chan error, 1), make(chan error, 1)
	go func() {
		err := lt.WaitInsert(ctx, w, 9, []byte("m"), 10*time.Second)
		lt.Release(w, 0)
		insert <- err
	}()
	go func() { read <- lt.Wait(ctx, h, 9, []byte("r"), Shared, time.Minute) }()
	awaits(t, lt, w, h)
	err := lt.Inherit(o, 9, []byte("k"), func() (low, high []byte, err error) { return []byte("b"), []byte("y"), nil })
	if err != nil {
		t.Fatal(err)
	}
	if err := <-insert; !errors.Is(err, ErrDeadlock) {
		t.Fatalf("the insert: %v", err)
	}
	if err := <-read; err != nil {
		t.Fatalf("the heir: %v", err)
	}
}

// TestInheritOfAnotherLife: what a transaction had is not the next one's of the same owner.
func TestInheritOfAnotherLife(t *testing.T) {
	lt := New()
	o, h := owner(1), owner(2)
	lt.Try(h, 9, []byte("k"), Shared)
	err := lt.Inherit(o, 9, []byte("k"), func() (low, high []byte, err error) {
		lt.Release(h, 0)
		h.Begin(0)
		return nil, nil, nil
	})
	if err != nil || h.Gaps() != 0 {
		t.Fatal(err, h.Gaps())
	}
}

// behind makes a hold k shared, w wait for it and d wait behind w.
func behind(t *testing.T) (lt *Table, a, w, d *Owner) {
	lt, a, w, d = New(), owner(1), owner(2), owner(3)
	lt.Try(a, 9, []byte("k"), Shared)
	for _, x := range []*Owner{w, d} {
		m := Exclusive
		if x == d {
			m = Shared
		}
		go func() { _ = lt.Wait(context.Background(), x, 9, []byte("k"), m, time.Minute) }()
		awaits(t, lt, x)
	}
	t.Cleanup(func() { lt.Release(a, 0) })
	return lt, a, w, d
}

// TestUpgradeStandsBehind: a request that waits for others alone must not forget who passed all of them.
func TestUpgradeStandsBehind(t *testing.T) {
	lt, a, w, d := behind(t)
	if !lt.Try(a, 9, []byte("k"), Exclusive) {
		t.Fatal("the only holder cannot upgrade")
	}
	lt.Kill(w, errors.New("killed"))
	if !on(lt, d) {
		t.Fatal("a shared lock beside an exclusive one")
	}
}

// TestWriteOverSharedLock: a write by the holder of a shared lock is an upgrade too.
func TestWriteOverSharedLock(t *testing.T) {
	lt, a, w, d := behind(t)
	if !lt.Check(a, 9, []byte("k"), Exclusive) {
		t.Fatal("the only holder cannot write")
	}
	lt.Kill(w, errors.New("killed"))
	if !on(lt, d) {
		t.Fatal("a shared lock beside an implicit exclusive one")
	}
}

// TestWaitTakesNothingFree: somebody may have written the row since the caller looked.
func TestWaitTakesNothingFree(t *testing.T) {
	lt, a := New(), owner(1)
	if err := lt.Wait(context.Background(), a, 9, []byte("k"), Exclusive, time.Minute); err != nil || a.Rows() != 0 {
		t.Fatal(err, a.Rows())
	}
	if lt.Queued(9) {
		t.Fatal("an empty queue was left")
	}
}

// TestUnlockLeavesGranted: who gives back the lock of a row that did not match keeps those that others have made explicit meanwhile.
func TestUnlockLeavesGranted(t *testing.T) {
	lt, a := New(), owner(1)
	mark := a.Mark()
	lt.Try(a, 9, []byte("k"), Exclusive)
	if !lt.Grant(a, 1, 9, []byte("written")) {
		t.Fatal("not granted")
	}
	lt.UnlockTo(a, mark)
	if b := owner(2); !lt.Try(b, 9, []byte("k"), Exclusive) || lt.Try(b, 9, []byte("written"), Shared) {
		t.Fatal("the wrong lock was given back")
	}
}
