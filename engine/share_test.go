package engine

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/zoryadb/zorya/base/wait"
	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/storage/volume/memvol"
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

// crowd is an owner whose neighbours end a statement whenever it looks, or never do. It counts waits, rests among them.
type crowd struct {
	never bool
	n     uint64
	waits atomic.Int32
}

func (c *crowd) BeginWait() { c.waits.Add(1) }
func (*crowd) EndWait()     {}
func (c *crowd) Others() uint64 {
	if !c.never {
		c.n++
	}
	return c.n
}

// TestBuildRests: builds of indexes and tables go to rest again and again while others are at work, and alone they do not.
func TestBuildRests(t *testing.T) {
	e := newEnv(t, memvol.Options{})
	d := e.sbtest("t")
	s := e.begin(table.RepeatableRead)
	for i := range int64(20_000) {
		e.must(s.insert("t", sbrow(i, i*7919%20_000, fmt.Sprint("text ", i*31%1000))))
	}
	e.must(s.tx.Commit(bg))
	var err error
	builds := map[string]func(ctx context.Context, online bool) error{
		"index": func(ctx context.Context, online bool) error {
			n := *d
			n.Indexes = append(slices.Clone(d.Indexes), table.Index{Name: fmt.Sprint("i", len(d.Indexes)), Parts: []table.Part{{Column: 2}, {Column: 1}}})
			d, err = e.db.AlterTable(ctx, d, &n, table.Build{Online: online})
			return err
		},
		"table": func(ctx context.Context, online bool) error {
			d, err = e.db.RebuildTable(ctx, d, d, func(r []row.Datum) ([]row.Datum, error) { return r, nil }, table.Build{Online: online})
			return err
		},
	}
	for what, build := range builds {
		for _, online := range []bool{true, false} {
			alone, beside := &crowd{never: true}, &crowd{}
			for _, c := range []*crowd{alone, beside} {
				pace := wait.NewPace(c)
				ctx, err := pace.Begin(wait.With(bg, c))
				e.must(err)
				e.must(build(ctx, online)) // it waits for helpers, and for what is in the way at the end
				pace.End()
			}
			if a, b := alone.waits.Load(), beside.waits.Load(); b < 2*a+10 {
				t.Errorf("%s, online %t: %d waits alone, %d beside others", what, online, a, b)
			}
		}
	}
	e.check()
}
