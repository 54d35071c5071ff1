package volume

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/zoryadb/zorya/storage/page"
)

// CommitQueue parks whoever waits for an LSN to become durable and wakes them in LSN order, all those
// that one VDL advance covers at once. It is how a commit waits without a thread. Methods are safe
// for concurrent use; Advance is called from one goroutine at a time.
//
// Invariant: VDL never falls, and a waiter hears success only when VDL >= its LSN.
type CommitQueue struct {
	vdl atomic.Uint64

	mu    sync.Mutex
	heap  []waiter // binary heap by (lsn, seq)
	seq   uint64
	err   error
	ready []waiter // Advance's scratch
}

type waiter struct {
	lsn page.LSN
	seq uint64
	fn  func(error)
	ch  chan error
}

func (w *waiter) wake(err error) {
	if w.fn != nil {
		w.fn(err)
		return
	}
	w.ch <- err // has room: each channel carries one answer a use
}

var waitChans = sync.Pool{New: func() any { return make(chan error, 1) }}

// VDL is the last value given to Advance.
func (q *CommitQueue) VDL() page.LSN { return page.LSN(q.vdl.Load()) }

// Advance raises VDL and wakes those it covers. A value at or below the current one does nothing.
func (q *CommitQueue) Advance(vdl page.LSN) {
	q.mu.Lock()
	if vdl <= q.VDL() || q.err != nil {
		q.mu.Unlock()
		return
	}
	q.vdl.Store(uint64(vdl))
	ready := q.ready[:0]
	q.ready = nil // a concurrent caller, against the contract, gets its own
	for len(q.heap) > 0 && q.heap[0].lsn <= vdl {
		ready = append(ready, q.pop())
	}
	q.mu.Unlock()
	for i := range ready {
		ready[i].wake(nil)
		ready[i] = waiter{}
	}
	q.mu.Lock()
	q.ready = ready[:0]
	q.mu.Unlock()
}

// Fail wakes all with err, and every later waiter above VDL at once. The first error stays.
func (q *CommitQueue) Fail(err error) {
	q.mu.Lock()
	if q.err != nil {
		q.mu.Unlock()
		return
	}
	q.err = err
	var all []waiter
	for len(q.heap) > 0 {
		all = append(all, q.pop())
	}
	q.mu.Unlock()
	for i := range all {
		all[i].wake(err)
	}
}

// OnDurable calls fn once VDL >= lsn or with the error of Fail; at once, in the caller's goroutine,
// when either is already so.
func (q *CommitQueue) OnDurable(lsn page.LSN, fn func(error)) {
	if err, parked := q.park(waiter{lsn: lsn, fn: fn}); !parked {
		fn(err)
	}
}

// WaitDurable returns nil once VDL >= lsn, the error of Fail, or that of ctx.
func (q *CommitQueue) WaitDurable(ctx context.Context, lsn page.LSN) error {
	if q.VDL() >= lsn {
		return nil
	}
	ch := waitChans.Get().(chan error)
	if err, parked := q.park(waiter{lsn: lsn, ch: ch}); !parked {
		waitChans.Put(ch)
		return err
	}
	select {
	case err := <-ch:
		waitChans.Put(ch)
		return err
	case <-ctx.Done():
		return ctx.Err() // ch stays with the queue
	}
}

// Waiting is the number of parked waiters.
func (q *CommitQueue) Waiting() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.heap)
}

func (q *CommitQueue) park(w waiter) (err error, parked bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.VDL() >= w.lsn {
		return nil, false
	}
	if q.err != nil {
		return q.err, false
	}
	w.seq = q.seq
	q.seq++
	q.push(w)
	return nil, true
}

func (q *CommitQueue) less(i, j int) bool {
	a, b := &q.heap[i], &q.heap[j]
	return a.lsn < b.lsn || (a.lsn == b.lsn && a.seq < b.seq)
}

// push and pop are container/heap's without its interface, which would allocate for each waiter.
func (q *CommitQueue) push(w waiter) {
	q.heap = append(q.heap, w)
	for i := len(q.heap) - 1; i > 0; {
		up := (i - 1) / 2
		if !q.less(i, up) {
			break
		}
		q.heap[i], q.heap[up] = q.heap[up], q.heap[i]
		i = up
	}
}

func (q *CommitQueue) pop() waiter {
	top := q.heap[0]
	last := len(q.heap) - 1
	q.heap[0] = q.heap[last]
	q.heap[last] = waiter{}
	q.heap = q.heap[:last]
	for i := 0; ; {
		c := 2*i + 1
		if c >= last {
			break
		}
		if c+1 < last && q.less(c+1, c) {
			c++
		}
		if !q.less(c, i) {
			break
		}
		q.heap[i], q.heap[c] = q.heap[c], q.heap[i]
		i = c
	}
	return top
}
