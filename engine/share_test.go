package engine

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/zoryadb/zorya/base/wait"
)

// busy is an owner of whose processors some are free.
type busy struct{ spare atomic.Bool }

func (*busy) BeginWait()    {}
func (*busy) EndWait()      {}
func (b *busy) Spare() bool { return b.spare.Load() }

// helped makes sure that there may be helpers.
func helped(t *testing.T) {
	before := runtime.GOMAXPROCS(max(2, runtime.GOMAXPROCS(0)))
	t.Cleanup(func() { runtime.GOMAXPROCS(before) })
}

// meet returns what waits until n goroutines have come.
func meet(n int) func() {
	var wg sync.WaitGroup
	wg.Add(n)
	return func() { wg.Done(); wg.Wait() }
}

func TestShare(t *testing.T) {
	helped(t)
	both := meet(2) // only two goroutines get through
	if err := share(bg, 2, func(context.Context, int, int) error { both(); return nil }); err != nil {
		t.Fatal(err)
	}
	var parts [1000]atomic.Int32
	err := share(bg, len(parts), func(_ context.Context, worker, i int) error {
		parts[i].Add(1)
		if worker >= workers() {
			t.Errorf("worker %d", worker)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range parts {
		if n := parts[i].Load(); n != 1 {
			t.Errorf("part %d: %d times", i, n)
		}
	}
}

// TestShareAlone: where nobody has processors to spare the caller does all in order.
func TestShareAlone(t *testing.T) {
	helped(t)
	next := 0
	err := share(wait.With(bg, new(busy)), 50, func(_ context.Context, worker, i int) error {
		if worker != 0 || i != next {
			t.Errorf("worker %d does part %d, not %d", worker, i, next)
		}
		next++
		return nil
	})
	if err != nil || next != 50 {
		t.Error(err, next)
	}
}

func TestShareFails(t *testing.T) {
	helped(t)
	boom := errors.New("boom")
	for _, of := range []string{"caller", "helper"} {
		both := meet(2)
		err := share(bg, 2, func(ctx context.Context, worker, _ int) error {
			both()
			if (worker == 0) == (of == "caller") {
				return boom
			}
			if worker > 0 {
				<-ctx.Done() // told to end
			}
			return nil
		})
		if err != boom {
			t.Error(of, err)
		}
	}
	defer func() {
		if p := recover(); p != boom {
			t.Error("the caller does not know of the helper's panic", p)
		}
	}()
	both := meet(2)
	_ = share(bg, 2, func(_ context.Context, worker, _ int) error {
		both()
		if worker > 0 {
			panic(boom)
		}
		return nil
	})
}
