package engine

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/zoryadb/zorya/base/wait"
	"github.com/zoryadb/zorya/storage/page"
)

// aheadReaders is how many tables are opened at once for a listing. They wait for pages, not for the processor.
const aheadReaders = 8

// ReadAhead opens those of the tables that are not open, several at once, and begins to read the roots of their trees. It is for listings, which look at one table after
// the other: after a restart each would wait for its definition, then for each of its roots. It is advice: an error is left to who opens the table. Tables that are
// open cost a look at the cache.
func (db *DB) ReadAhead(ctx context.Context, schema string, names []string) {
	var closed []string
	for _, n := range names {
		if db.cache.Get(schema, n) == nil {
			closed = append(closed, n)
		}
	}
	if len(closed) < 2 {
		return
	}
	if db.broken(mutantOneAhead) {
		closed = closed[:1]
	}
	var next atomic.Int64
	var mu sync.Mutex
	var roots []page.No
	inner := wait.With(ctx, nil) // the statement has one place, and tells of it below
	var panicked atomic.Pointer[any]
	open := func() {
		defer func() {
			if p := recover(); p != nil {
				panicked.CompareAndSwap(nil, &p)
			}
		}()
		for i := int(next.Add(1)) - 1; i < len(closed) && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
			t, err := db.table(inner, schema, closed[i])
			if err != nil {
				continue
			}
			mu.Lock()
			for k := range t.Def.Indexes {
				roots = append(roots, t.Def.Indexes[k].Root)
			}
			mu.Unlock()
		}
	}
	b := wait.Begin(ctx)
	var wg sync.WaitGroup
	for range min(aheadReaders, len(closed)) {
		wg.Go(open)
	}
	wg.Wait()
	b.End()
	if p := panicked.Load(); p != nil {
		panic(*p) // it is the statement's
	}
	if !db.broken(mutantColdRoots) {
		db.pool.Prefetch(roots)
	}
}
