package session

import (
	"context"
	"sync"
)

// gate is admission: of thousands of connections, only a few statements per CPU run at once.
//
// A statement enters before it does any work and leaves at its end; around each wait it steps out (pause) and comes back (resume).
// Coming back never waits, since the caller may hold a latch and surely holds locks that others want: running may
// exceed limit for a moment, and new statements are held back meanwhile. Statements of transactions that hold locks
// go before others, for the sooner those end the fewer others wait.
type gate struct {
	mu      sync.Mutex
	limit   int
	running int
	first   fifo // statements of transactions that have written
	rest    fifo
}

// ticket is a session's place in a queue. A session has one and reuses it.
type ticket struct {
	granted chan struct{} // capacity 1
	next    *ticket
	queued  bool
}

// fifo is a list of tickets in order of arrival.
type fifo struct {
	head, tail *ticket
	n          int
}

func (q *fifo) push(t *ticket) {
	t.next, t.queued = nil, true
	if q.tail == nil {
		q.head = t
	} else {
		q.tail.next = t
	}
	q.tail = t
	q.n++
}

func (q *fifo) pop() *ticket {
	t := q.head
	if t == nil {
		return nil
	}
	q.head = t.next
	if q.head == nil {
		q.tail = nil
	}
	t.next, t.queued = nil, false
	q.n--
	return t
}

// remove takes t out wherever it is. It reports whether t was still queued.
func (q *fifo) remove(t *ticket) bool {
	var prev *ticket
	for x := q.head; x != nil; prev, x = x, x.next {
		if x != t {
			continue
		}
		if prev == nil {
			q.head = x.next
		} else {
			prev.next = x.next
		}
		if q.tail == x {
			q.tail = prev
		}
		x.next, x.queued = nil, false
		q.n--
		return true
	}
	return false
}

// enter waits for a place. It fails only when ctx ends, with its cause.
func (g *gate) enter(ctx context.Context, t *ticket, holdsLocks bool) error {
	g.mu.Lock()
	if g.running < g.limit && g.first.n == 0 && (holdsLocks || g.rest.n == 0) {
		g.running++
		g.mu.Unlock()
		return nil
	}
	if t.granted == nil {
		t.granted = make(chan struct{}, 1)
	}
	q := &g.rest
	if holdsLocks {
		q = &g.first
	}
	q.push(t)
	g.mu.Unlock()
	select {
	case <-t.granted:
		return nil
	case <-ctx.Done():
	}
	g.mu.Lock()
	removed := q.remove(t)
	g.mu.Unlock()
	if !removed { // granted meanwhile: the place is ours to give back
		<-t.granted
		g.leave()
	}
	return context.Cause(ctx)
}

// leave gives a place back and passes it on.
func (g *gate) leave() {
	g.mu.Lock()
	g.running--
	for g.running < g.limit {
		t := g.first.pop()
		if t == nil {
			t = g.rest.pop()
		}
		if t == nil {
			break
		}
		g.running++
		t.granted <- struct{}{}
	}
	g.mu.Unlock()
}

// resume takes a place without waiting: for statements that come back from a wait, and for those that bypass the gate.
func (g *gate) resume() {
	g.mu.Lock()
	g.running++
	g.mu.Unlock()
}

// load returns the statements running and waiting for a place.
func (g *gate) load() (running, waiting int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.running, g.first.n + g.rest.n
}
