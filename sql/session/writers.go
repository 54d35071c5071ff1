package session

import (
	"context"
	"time"

	"github.com/zoryadb/zorya/base/wait"
)

// writers is admission of transactions that lock rows. With more of them at work than the rows allow, they wait for each other, then
// deadlock, and throughput collapses: two-phase locking thrashes. The measure is Moenkeberg and Weikum's conflict ratio
// (Conflict-driven Load Control for the Avoidance of Data-Contention Thrashing, ICDE 1991; Performance Evaluation of an
// Adaptive and Robust Load Control Method, VLDB 1992): transactions at work, over those at work that do not wait for a lock.
// Above 1.3 more of them make it slower. Each transaction that ends under contention takes one from the limit, each that ends without
// while others wait adds a half, so the limit settles where there is just no contention to speak of, and without
// contention it grows as far as there are clients.
//
// Invariants:
//   - A transaction that holds row locks never waits here. So who waits holds nothing that those at work could want, except by
//     ways that this file does not know (metadata and user locks), and for those: who makes no progress, idle or waiting, stops
//     counting after a while (lapses), and the next comes in. Nobody waits for ever.
//   - Those who wait come in by order of arrival.
type writers struct {
	count   int // at work: open and not lapsed
	blocked int // of these, how many wait for a lock
	limit   float64
	floor   float64 // least limit: enough that a processor need not wait for the next
	queue   writerFifo
	list    writerRing
	ticks   uint32
	armed   bool          // the timer of lapsing runs; only while somebody waits
	mean    time.Duration // moving average of how long a transaction is at work
}

const (
	// A transaction lapses when it made no progress for this many mean lifetimes, within bounds.
	lapseLifetimes = 4
	lapseLeast     = 10 * time.Millisecond
	lapseMost      = time.Second
	// The critical conflict ratio, 1.3, as blocked : count.
	criticalBlocked, criticalCount = 3, 13
)

// writer is a session's standing.
type writer struct {
	in bool // admitted; the session's own goroutine only, the rest is the gate's

	state   writerState
	blocked bool // waits for a lock
	tick    uint32
	since   time.Time // it came in

	prev, next *writer // in list or queue
	granted    chan struct{}
}

type writerState uint8

const (
	writerNone   writerState = iota // its transaction, if any, locks no rows yet
	writerQueued                    // waits to come in
	writerIdle                      // at work; between two statements
	writerBusy                      // at work; a statement runs, or waits for a lock
	writerLapsed                    // holds locks but does not count
)

// open reports whether the session's transaction may hold row locks.
func (w *writer) open() bool { return w.state >= writerIdle }

// writerRing is a doubly linked list; writerFifo the same, counted.
type writerRing struct{ head, tail *writer }

func (r *writerRing) push(w *writer) {
	w.prev, w.next = r.tail, nil
	if r.tail == nil {
		r.head = w
	} else {
		r.tail.next = w
	}
	r.tail = w
}

func (r *writerRing) remove(w *writer) {
	if w.prev == nil {
		r.head = w.next
	} else {
		w.prev.next = w.next
	}
	if w.next == nil {
		r.tail = w.prev
	} else {
		w.next.prev = w.prev
	}
	w.prev, w.next = nil, nil
}

type writerFifo struct {
	writerRing
	n int
}

// admit lets w's transaction lock rows, waiting until there is room unless it holds locks already. It fails only when ctx ends,
// with its cause.
func (g *gate) admit(ctx context.Context, w *writer, holdsLocks bool) error {
	if w.in {
		return nil
	}
	g.mu.Lock()
	ws := &g.writers
	if holdsLocks || ws.queue.n == 0 && float64(ws.count) < ws.limit {
		ws.enter(w)
		g.mu.Unlock()
		w.in = true
		return nil
	}
	if w.granted == nil {
		w.granted = make(chan struct{}, 1)
	}
	w.state = writerQueued
	ws.queue.push(w)
	ws.queue.n++
	g.armWriters()
	g.mu.Unlock()
	br := wait.Begin(ctx)
	defer br.End()
	select {
	case <-w.granted:
		w.in = true
		return nil
	case <-ctx.Done():
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if w.state != writerQueued { // let in meanwhile
		<-w.granted
		ws.leave(w)
		return context.Cause(ctx)
	}
	ws.queue.remove(w)
	ws.queue.n--
	w.state = writerNone
	return context.Cause(ctx)
}

// enter counts w in.
func (ws *writers) enter(w *writer) {
	ws.join(w)
	w.since = time.Now()
}

func (ws *writers) join(w *writer) {
	w.state, w.tick, w.blocked = writerBusy, ws.ticks, false
	ws.list.push(w)
	ws.count++
}

// letIn lets those in for whom there is room.
func (ws *writers) letIn() {
	for ws.queue.n > 0 && float64(ws.count) < ws.limit {
		w := ws.queue.head
		ws.queue.remove(w)
		ws.queue.n--
		ws.enter(w)
		w.granted <- struct{}{}
	}
}

// stir says that w's session does something: a statement of it begins or comes back from a wait.
func (g *gate) stir(w *writer) {
	switch w.state {
	case writerIdle, writerBusy:
		w.state, w.tick = writerBusy, g.writers.ticks
	case writerLapsed:
		g.writers.join(w)
	}
}

// idle says that w's statement has ended.
func (g *gate) idle(w *writer) {
	if w.state == writerBusy {
		w.state, w.tick = writerIdle, g.writers.ticks
	}
}

// blocks says that w waits for a lock, unblocks that it does not any more.
func (g *gate) blocks(w *writer) {
	g.mu.Lock()
	if w.state == writerBusy && !w.blocked {
		w.blocked, w.tick = true, g.writers.ticks
		g.writers.blocked++
	}
	g.mu.Unlock()
}

func (g *gate) unblocks(w *writer) {
	g.mu.Lock()
	g.writers.unblock(w)
	g.mu.Unlock()
}

func (ws *writers) unblock(w *writer) {
	if w.blocked {
		w.blocked = false
		ws.blocked--
	}
}

// done says that w's transaction has released its locks.
func (g *gate) done(w *writer) {
	if !w.in {
		return
	}
	w.in = false
	g.mu.Lock()
	defer g.mu.Unlock()
	ws := &g.writers
	if w.state == writerLapsed {
		w.state = writerNone
		return
	}
	ws.measure(w)
	ws.leave(w)
}

// leave counts w out and lets others in.
func (ws *writers) leave(w *writer) {
	if w.state != writerLapsed {
		ws.drop(w)
	}
	w.state = writerNone
	ws.letIn()
}

// measure learns from a transaction that ends.
func (ws *writers) measure(w *writer) {
	switch contended := ws.blocked*criticalCount > ws.count*criticalBlocked; {
	case contended:
		ws.limit = max(ws.floor, min(ws.limit, float64(ws.count))-1)
	case ws.queue.n > 0:
		ws.limit += 0.5
	}
	ws.mean += (min(time.Since(w.since), lapseMost) - ws.mean) / 16
}

func (ws *writers) drop(w *writer) {
	ws.unblock(w)
	ws.list.remove(w)
	ws.count--
}

// armWriters starts the timer of lapsing. It runs only while somebody waits.
func (g *gate) armWriters() {
	ws := &g.writers
	if ws.armed || ws.queue.n == 0 {
		return
	}
	ws.armed = true
	time.AfterFunc(min(max(lapseLifetimes*ws.mean, lapseLeast), lapseMost), g.lapseWriters)
}

// lapseWriters stops counting those who have made no progress since before the last tick.
func (g *gate) lapseWriters() {
	g.mu.Lock()
	defer g.mu.Unlock()
	ws := &g.writers
	ws.armed = false
	for w := ws.list.head; w != nil; {
		next := w.next
		if w.tick != ws.ticks && (w.state == writerIdle || w.blocked) {
			ws.drop(w)
			w.state = writerLapsed
		}
		w = next
	}
	ws.ticks++
	ws.letIn()
	g.armWriters()
}

// locking returns the transactions at work, those of them that wait for a lock, and those that wait to come in.
func (g *gate) locking() (open, blocked, waiting int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.writers.count, g.writers.blocked, g.writers.queue.n
}
