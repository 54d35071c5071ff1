package volume

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/zoryadb/zorya/storage/page"
)

func TestCommitQueueOrder(t *testing.T) {
	var q CommitQueue
	rng := rand.New(rand.NewPCG(3, 4))
	var woken []page.LSN
	for i := 0; i < 500; i++ {
		lsn := page.LSN(1 + rng.IntN(300))
		q.OnDurable(lsn, func(err error) {
			if err == nil {
				woken = append(woken, lsn)
			}
		})
	}
	for vdl := page.LSN(0); vdl <= 200; vdl += page.LSN(rng.IntN(20)) {
		q.Advance(vdl)
		if n := len(woken); n > 0 && woken[n-1] > vdl {
			t.Fatalf("woke %d at VDL %d", woken[n-1], vdl)
		}
	}
	if !slices.IsSorted(woken) || len(woken)+q.Waiting() != 500 {
		t.Fatalf("woken %d, waiting %d, sorted %v", len(woken), q.Waiting(), slices.IsSorted(woken))
	}
	boom := errors.New("boom")
	failed := 0
	q.OnDurable(1000, func(err error) {
		if errors.Is(err, boom) {
			failed++
		}
	})
	q.Fail(boom)
	q.OnDurable(1001, func(err error) { failed++ })
	if failed != 2 || q.Waiting() != 0 {
		t.Fatalf("failed %d", failed)
	}
	if err := q.WaitDurable(context.Background(), 5); err != nil {
		t.Fatalf("what was durable stays so: %v", err)
	}
	if err := q.WaitDurable(context.Background(), 5000); !errors.Is(err, boom) {
		t.Fatal(err)
	}
}

func TestCommitQueueCancel(t *testing.T) {
	var q CommitQueue
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := q.WaitDurable(ctx, 9); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	q.Advance(10) // the abandoned waiter must not block it
	if q.VDL() != 10 {
		t.Fatal(q.VDL())
	}
}
