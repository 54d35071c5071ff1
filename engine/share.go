package engine

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/zoryadb/zorya/base/wait"
	"github.com/zoryadb/zorya/engine/btree"
)

// Work on a whole tree is dealt out in parts to the goroutine that does it and to helpers, as long as nobody else wants the processors (wait.Spare is
// asked before each part). The caller takes parts until none is left, so that it never depends on helpers.

const (
	shareFrom = 50_000 // Options.ShareFrom
	// shareWorkers bounds the goroutines of one piece of work, the caller's among them.
	shareWorkers = 4
	// shareParts is how many parts there are for each worker: the more, the sooner helpers give way, and the less the last one waits for another.
	shareParts = 8
)

// workers is how many goroutines may share a piece of work.
func workers() int { return min(runtime.GOMAXPROCS(0), shareWorkers) }

// share calls work for the parts 0 to n-1, each once, from up to workers() goroutines; worker says which, the caller's is 0. Helpers' waits are not
// told to the owner of ctx, who has one place. After an error nothing more begins; a helper's panic becomes the caller's.
func share(ctx context.Context, n int, work func(ctx context.Context, worker, part int) error) error {
	if workers() == 1 || n < 2 || !wait.Spare(ctx) {
		for i := range n {
			if err := work(ctx, 0, i); err != nil {
				return err
			}
		}
		return nil
	}
	inner, cancel := context.WithCancel(wait.With(ctx, nil))
	defer cancel()
	var next atomic.Int64
	var once sync.Once
	var failed error
	var panicked any
	stop := func(err error, p any) {
		once.Do(func() { failed, panicked = err, p })
		next.Store(int64(n))
		cancel()
	}
	var wg sync.WaitGroup
	for w := 1; w < min(workers(), n); w++ {
		wg.Go(func() {
			defer func() {
				if p := recover(); p != nil {
					stop(nil, p)
				}
			}()
			for wait.Spare(ctx) {
				i := int(next.Add(1) - 1)
				if i >= n {
					return
				}
				if err := work(inner, w, i); err != nil {
					stop(err, nil)
				}
			}
		})
	}
	func() {
		defer func() { // nobody works on when the caller goes
			next.Store(int64(n))
			b := wait.Begin(ctx)
			wg.Wait()
			b.End()
		}()
		for i := int(next.Add(1) - 1); i < n; i = int(next.Add(1) - 1) {
			if err := work(ctx, 0, i); err != nil {
				stop(err, nil)
			}
		}
	}()
	if panicked != nil {
		panic(panicked)
	}
	return failed
}

// part is a range of keys [low, high), nil: open.
type part struct{ low, high []byte }

// parts cuts a tree where its inner nodes do; one part when it is small.
func (db *DB) parts(ctx context.Context, t *btree.Tree) ([]part, error) {
	whole := []part{{}}
	if workers() == 1 {
		return whole, nil
	}
	n, err := t.EstimateRange(ctx, nil, nil)
	if err != nil || n < db.o.ShareFrom {
		return whole, err
	}
	list := whole
	for i := 1; i < shareParts*workers(); i++ {
		key, err := t.KeyAt(ctx, float64(i)/float64(shareParts*workers()))
		if err != nil {
			return nil, err
		}
		last := &list[len(list)-1]
		if string(key) > string(last.low) {
			last.high = key
			list = append(list, part{low: key})
		}
	}
	return list, nil
}
