package session

import (
	"context"
	"time"

	"github.com/zoryadb/zorya/base/linked"
	"github.com/zoryadb/zorya/base/wait"
)

// writers is admission of transactions that lock rows. With more of them at work than the rows allow, they wait for each other, then
// deadlock, and throughput collapses: two-phase locking thrashes (Moenkeberg and Weikum: Performance Evaluation of an Adaptive and Robust
// Load Control Method for the Avoidance of Data-Contention Thrashing, VLDB 1992). What it costs is work that deadlocks throw away, and processors
// for which nobody is left. Those two are measured, rather than that some wait, which costs nothing while others run:
//
//   - A deadlock takes a quarter off the limit, once in as many transactions as are at work. Each transaction that ends adds what makes one for each such
//     generation, and a half once none was cut for a few generations: as TCP finds the capacity of a path (Jacobson, Congestion
//     Avoidance and Control, SIGCOMM 1988).
//   - While more than half of those at work wait for locks, a conflict ratio (at work, over those that do not wait) of 2, each that ends takes one
//     off. The critical ratio of 1.3 in the paper is about transactions whose waits nobody else can use.
//
// Without either the limit grows as far as there are clients.
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
	calm    float64 // transactions that ended since the limit was last cut
	queue   linked.List[writer]
	list    linked.List[writer] // at work
	ticks   uint32
	armed   bool          // the timer of lapsing runs; only while somebody waits
	mean    time.Duration // moving average of how long a transaction is at work
}

const (
	// A transaction lapses when it made no progress for this many mean lifetimes, within bounds.
	lapseLifetimes = 4
	lapseLeast     = 10 * time.Millisecond
	lapseMost      = time.Second
	// calmGenerations is after how many generations without a cut the limit grows fast.
	calmGenerations = 8
)

// writer is a session's standing.
type writer struct {
	in bool // admitted; the session's own goroutine only, the rest is the gate's

	state   writerState
	blocked bool // waits for a lock
	tick    uint32
	since   time.Time // it came in

	link    linked.Link[writer] // in list or queue
	granted chan struct{}
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

func newWriters(floor int) writers {
	return writers{floor: float64(floor), limit: float64(16 * floor), calm: 1 << 20}
}

// admit lets w's transaction lock rows, waiting until there is room unless it holds locks already. It fails only when ctx ends,
// with its cause.
func (g *gate) admit(ctx context.Context, w *writer, holdsLocks bool) error {
	if w.in {
		return nil
	}
	g.mu.Lock()
	ws := &g.writers
	if holdsLocks || ws.queue.Len() == 0 && float64(ws.count) < ws.limit {
		ws.enter(w)
		g.mu.Unlock()
		w.in = true
		return nil
	}
	if w.granted == nil {
		w.granted = make(chan struct{}, 1)
	}
	w.state = writerQueued
	ws.queue.PushBack(&w.link, w)
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
	ws.queue.Remove(&w.link)
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
	ws.list.PushBack(&w.link, w)
	ws.count++
}

// letIn lets those in for whom there is room.
func (ws *writers) letIn() {
	for ws.queue.Len() > 0 && float64(ws.count) < ws.limit {
		w := ws.queue.First()
		ws.queue.Remove(&w.link)
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
	ws.calm++
	switch {
	case 2*ws.blocked > ws.count:
		ws.limit = max(ws.floor, min(ws.limit, float64(ws.count))-1)
		ws.calm = 0
	case ws.queue.Len() == 0:
	case ws.calm > calmGenerations*ws.limit:
		ws.limit += 0.5
	default:
		ws.limit += 1 / ws.limit
	}
	ws.mean += (min(time.Since(w.since), lapseMost) - ws.mean) / 16
}

// deadlocked says that w's transaction, at work still, was chosen to end a deadlock.
func (g *gate) deadlocked(w *writer) {
	g.mu.Lock()
	defer g.mu.Unlock()
	ws := &g.writers
	if !w.open() || ws.calm < float64(ws.count) { // of the generation for which the limit was cut
		return
	}
	ws.limit = max(ws.floor, min(ws.limit, float64(ws.count))*3/4)
	ws.calm = 0
}

func (ws *writers) drop(w *writer) {
	ws.unblock(w)
	ws.list.Remove(&w.link)
	ws.count--
}

// armWriters starts the timer of lapsing. It runs only while somebody waits.
func (g *gate) armWriters() {
	ws := &g.writers
	if ws.armed || ws.queue.Len() == 0 {
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
	for w := ws.list.First(); w != nil; {
		next := w.link.Next()
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
	return g.writers.count, g.writers.blocked, g.writers.queue.Len()
}
