package lock

import (
	"context"
	"errors"
	"math/rand/v2"
	"testing"
	"time"
)

func TestQueueRules(t *testing.T) {
	a, b, c := &Owner{}, &Owner{}, &Owner{}
	q := &queue{}
	add := func(o *Owner, m Mode) *request {
		r := &request{owner: o, mode: m}
		_, up := q.held(o)
		r.granted = q.free(o, m, up, nil)
		q.push(r)
		return r
	}
	ra, rb := add(a, Shared), add(b, Shared)
	if !ra.granted || !rb.granted {
		t.Fatal("shared locks exclude each other")
	}
	rc := add(c, Exclusive)
	if rc.granted {
		t.Fatal("exclusive beside shared")
	}
	d := &Owner{}
	rd := add(d, Shared)
	if rd.granted {
		t.Fatal("a shared request passed an exclusive one that waits")
	}
	var woken []*request
	wake := func(r *request) { woken = append(woken, r) }
	q.remove(ra)
	q.grant(wake)
	if len(woken) != 0 {
		t.Fatal("granted too early")
	}
	// An upgrade passes those that wait.
	up := add(b, Exclusive)
	if !up.granted {
		t.Fatal("the only holder cannot upgrade")
	}
	q.remove(rb)
	q.remove(up)
	q.grant(wake)
	if len(woken) != 1 || woken[0] != rc {
		t.Fatal(woken)
	}
	q.remove(rc)
	q.grant(wake)
	if len(woken) != 2 || woken[1] != rd {
		t.Fatal(woken)
	}
}

func owner(trx uint64) *Owner {
	o := &Owner{}
	o.Begin(0)
	o.SetTrx(trx)
	return o
}

func TestDependency(t *testing.T) {
	lt := New()
	a, b := owner(1), owner(2)
	if !lt.Try(a, 7, []byte("k"), Exclusive) || lt.Try(b, 7, []byte("k"), Shared) {
		t.Fatal("lock rules")
	}
	lt.Release(a, 55)
	if !lt.Try(b, 7, []byte("k"), Shared) || b.Depends() != 55 {
		t.Fatalf("depends on %d", b.Depends())
	}
	if lt.Grant(a, 1, 7, []byte("z")) {
		t.Fatal("an ended transaction got a lock")
	}
}

// TestGaps compares random gap locks and inserts with a model that keeps every interval apart.
func TestGaps(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 300 {
		lt := New()
		os := []*Owner{owner(1), owner(2), owner(3)}
		type iv struct {
			o      int
			lo, hi byte
			lc, hc bool
		}
		var model []iv
		for range 10 {
			g := iv{o: rng.IntN(3), lo: byte(rng.IntN(20)), lc: rng.IntN(2) == 0, hc: rng.IntN(2) == 0}
			g.hi = g.lo + byte(rng.IntN(6))
			lt.LockGap(os[g.o], 9, []byte{g.lo}, g.lc, []byte{g.hi}, g.hc)
			model = append(model, g)
		}
		for k := range byte(26) {
			for o := range 3 {
				free := true
				for _, g := range model {
					if g.o != o && (k > g.lo || k == g.lo && g.lc) && (k < g.hi || k == g.hi && g.hc) {
						free = false
					}
				}
				if got := lt.TryInsert(os[o], 9, []byte{k}); got != free {
					t.Fatalf("owner %d, key %d: %v, model says %v: %+v", o, k, got, free, model)
				}
			}
		}
	}
}

func TestDeadlockOverGapAndRow(t *testing.T) {
	lt := New()
	ctx := context.Background()
	a, b := owner(1), owner(2)
	lt.LockGap(a, 9, []byte("a"), true, []byte("z"), true)
	lt.Try(b, 9, []byte("row"), Exclusive)
	done := make(chan error, 1)
	go func() { done <- lt.WaitInsert(ctx, b, 9, []byte("m"), time.Minute) }()
	for !lt.Waiting(b) {
		time.Sleep(10 * time.Microsecond)
	}
	errA := lt.Wait(ctx, a, 9, []byte("row"), Shared, time.Minute)
	if errors.Is(errA, ErrDeadlock) {
		lt.Release(a, 0)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Fatal(errA)
}

// TestDeadlockOfSeveralCycles: a wait that closes two cycles ends only when both are broken.
func TestDeadlockOfSeveralCycles(t *testing.T) {
	lt := New()
	ctx := context.Background()
	o, a, b := owner(1), owner(2), owner(3)
	o.Weight.Store(100) // the others are cheaper victims
	lt.Try(o, 9, []byte("k"), Exclusive)
	done := make(chan error, 2)
	for _, x := range []*Owner{a, b} {
		if !lt.Try(x, 9, []byte("r"), Shared) {
			t.Fatal("shared locks exclude each other")
		}
		go func() {
			err := lt.Wait(ctx, x, 9, []byte("k"), Shared, time.Minute)
			lt.Release(x, 0) // a victim rolls back
			done <- err
		}()
		for !lt.Waiting(x) {
			time.Sleep(10 * time.Microsecond)
		}
	}
	if err := lt.Wait(ctx, o, 9, []byte("r"), Exclusive, 10*time.Second); err != nil {
		t.Errorf("the survivor: %v", err)
	}
	lt.Release(o, 0)
	for range 2 {
		if err := <-done; !errors.Is(err, ErrDeadlock) {
			t.Errorf("a victim: %v", err)
		}
	}
}
