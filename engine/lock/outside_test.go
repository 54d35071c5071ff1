package lock

import (
	"context"
	"errors"
	"testing"
	"time"
)

// TestWaitOutside: a transaction waits for tables that another has locked, which waits for the transaction. Whoever comes second finds the cycle, and the
// cheaper one is its victim; without a cycle the wait lasts until what it is for ends, or its time is over.
func TestWaitOutside(t *testing.T) {
	ctx := context.Background()
	for _, lockerFirst := range []bool{true, false} {
		lt := New()
		tx, locker := owner(1), owner(2)
		locker.Weight.Store(1 << 30)
		lt.Try(tx, Metadata, []byte("b"), Shared)
		use, locks, ended := make(chan error, 1), make(chan error, 1), make(chan struct{})
		steps := []func(){
			func() { locks <- lt.Lock(ctx, locker, Metadata, []byte("b"), Exclusive, time.Minute) },
			func() {
				err := lt.WaitOutside(ctx, tx, []*Owner{locker}, ended, time.Minute)
				lt.ReleaseMetadata(tx) // the victim is rolled back
				use <- err
			},
		}
		if lockerFirst {
			go steps[0]()
			awaits(t, lt, locker)
			steps[1]()
		} else {
			go steps[1]()
			awaits(t, lt, tx)
			steps[0]()
		}
		if err := <-use; !errors.Is(err, ErrDeadlock) {
			t.Errorf("locker first %v: the transaction: %v", lockerFirst, err)
		}
		if err := <-locks; err != nil {
			t.Errorf("locker first %v: the locker: %v", lockerFirst, err)
		}
		go func() { awaits(t, lt, tx); close(ended) }()
		if err := lt.WaitOutside(ctx, tx, []*Owner{locker}, ended, time.Minute); err != nil {
			t.Errorf("after the end: %v", err)
		}
		if err := lt.WaitOutside(ctx, tx, []*Owner{locker}, make(chan struct{}), time.Millisecond); !errors.Is(err, ErrTimeout) {
			t.Errorf("without an end: %v", err)
		}
	}
}
