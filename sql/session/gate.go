package session

import (
	"context"
	"runtime"
	"sync"
	"time"

	"github.com/zoryadb/zorya/base/linked"
	"github.com/zoryadb/zorya/sql/wire"
)

// gate is admission: of thousands of connections, only a few statements per CPU run at once, and only as many transactions hold
// row locks as get on with each other (writers.go).
//
// A statement enters before it does any work and leaves at its end; around each wait it steps out (pause) and comes back (resume).
// Coming back never waits, since the caller may hold a latch and surely holds locks that others want: running may
// exceed limit for a moment, and new statements are held back meanwhile. Statements of transactions that hold locks
// go before others, for the sooner those end the fewer others wait.
//
// A statement that computes for long would keep many short ones waiting, so its place lapses after a while and it goes on
// beside limit, sharing the processors as Go's scheduler sees fit. The more such statements there are, the longer a
// while is: they come in slowly, never all at once.
//
// The pool's workers (package wire) are as few as the processors, and have places of their own: a worker that stood in the queue behind the
// connections with goroutines would be replaced by another, that by another, until thousands of stacks wait where two would do. So that the few
// connections with goroutines do not get most of the processors, a place for one of them is followed by as many statements of the pool as there wait more.
type gate struct {
	mu      sync.Mutex
	limit   int
	workers int                 // places beyond limit that only the pool's workers take
	owed    int                 // statements of the pool before the next of the queue rest
	backlog func() int          // connections that wait for a worker; nil: none ever
	running int                 // places taken
	over    int                 // statements whose place lapsed and that still run
	ended   uint64              // statements that have left, without those that were paced
	active  linked.List[ticket] // that hold a place
	first   linked.List[ticket] // queue: statements of transactions that hold locks
	rest    linked.List[ticket] // queue: others
	ticks   uint32
	armed   bool // the timer of lapsing places runs; only while somebody waits

	writers writers
}

// lapseAfter is how long a statement may compute before its place lapses: far above what a statement of an OLTP workload takes.
const lapseAfter = 10 * time.Millisecond

// ticket is a session's place, or its place in a queue. A session has one and reuses it.
type ticket struct {
	granted chan struct{}        // capacity 1
	conn    *wire.Conn           // whose worker others may have while it waits; nil: none
	link    linked.Link[ticket]  // in a queue, or among those that hold a place
	queue   *linked.List[ticket] // it waits in; nil: none

	placed, over bool
	tick         uint32 // gate.ticks when it got the place

	paced bool   // the statement rests beside others' (wait.Pace)
	ended uint64 // statements of the session in gate.ended
}

// enter waits for a place. It fails only when ctx ends, with its cause. w is the session's standing among the writers.
func (g *gate) enter(ctx context.Context, t *ticket, w *writer, holdsLocks bool) error {
	g.mu.Lock()
	holdsLocks = holdsLocks || w.open()
	g.stir(w)
	if g.admits(t.conn.Pooled(), holdsLocks) {
		g.place(t)
		g.mu.Unlock()
		return nil
	}
	t.ready()
	q := &g.rest
	if holdsLocks {
		q = &g.first
	}
	q.PushBack(&t.link, t)
	t.queue = q
	g.arm()
	g.mu.Unlock()
	t.conn.Block()
	defer t.conn.Unblock()
	select {
	case <-t.granted:
		return nil
	case <-ctx.Done():
	}
	g.mu.Lock()
	queued := t.queue != nil
	if queued {
		q.Remove(&t.link)
		t.queue = nil
	}
	g.mu.Unlock()
	if !queued { // granted meanwhile: the place is ours to give back
		<-t.granted
		g.leave(t, w)
	}
	return context.Cause(ctx)
}

// admits reports whether a statement may have a place at once. pooled: a worker runs it.
func (g *gate) admits(pooled, holdsLocks bool) bool {
	if pooled && g.owed > 0 {
		if g.owed--; g.owed == 0 {
			g.pass()
		}
	}
	switch {
	case pooled && g.running < g.limit+g.workers:
		return true
	case g.running >= g.limit || g.first.Len() > 0:
		return false
	case holdsLocks:
		return true
	case g.rest.Len() > 0 || g.owed > 0:
		return false
	}
	if !pooled {
		g.owe()
	}
	return true
}

// ready makes the channel on which t's owner is woken.
func (t *ticket) ready() {
	if t.granted == nil {
		t.granted = make(chan struct{}, 1)
	}
}

func (g *gate) place(t *ticket) {
	if t.placed { // a place that is counted twice would never come back
		return
	}
	g.running++
	t.placed, t.over, t.tick = true, false, g.ticks
	g.active.PushBack(&t.link, t)
}

// leave gives a place back and passes it on: at the end of the statement.
func (g *gate) leave(t *ticket, w *writer) {
	g.mu.Lock()
	if !t.paced {
		g.ended++
		t.ended++
	}
	t.paced = false
	g.idle(w)
	g.vacate(t)
	g.mu.Unlock()
}

// others is how many statements have ended beside those of t's session and those that were paced themselves.
func (g *gate) others(t *ticket) uint64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.ended - t.ended
}

// pause gives a place back for a wait.
func (g *gate) pause(t *ticket) {
	g.mu.Lock()
	g.vacate(t)
	g.mu.Unlock()
}

// spare reports whether fewer statements run than there are processors, and nobody waits for a place.
func (g *gate) spare() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.running+g.over < runtime.GOMAXPROCS(0) && g.first.Len()+g.rest.Len() == 0 && (g.backlog == nil || g.backlog() == 0)
}

func (g *gate) vacate(t *ticket) {
	if !t.placed {
		return
	}
	t.placed = false
	if t.over {
		t.over = false
		g.over--
		return
	}
	g.active.Remove(&t.link)
	g.running--
	if g.owed > 0 && g.backlog() == 0 {
		g.owed = 0
	}
	g.pass()
}

// owe is called when a connection with a goroutine gets a place: now it is the turn of those in the pool.
func (g *gate) owe() {
	if g.backlog != nil {
		g.owed = g.backlog() / (g.rest.Len() + 1)
	}
}

// pass hands free places to those who wait.
func (g *gate) pass() {
	for g.running < g.limit {
		t := g.first.First()
		if t == nil && g.owed == 0 {
			t = g.rest.First()
		}
		if t == nil {
			return
		}
		own := t.queue == &g.rest && !t.conn.Pooled()
		t.queue.Remove(&t.link)
		t.queue = nil
		if own {
			g.owe()
		}
		g.place(t)
		t.granted <- struct{}{}
	}
}

// resume takes a place without waiting: for statements that come back from a wait, and for those that bypass the gate.
func (g *gate) resume(t *ticket, w *writer) {
	g.mu.Lock()
	g.stir(w)
	g.place(t)
	g.mu.Unlock()
}

// arm starts the timer that lapses places. It runs only while somebody waits for one.
func (g *gate) arm() {
	if g.armed || g.first.Len()+g.rest.Len() == 0 {
		return
	}
	g.armed = true
	time.AfterFunc(lapseAfter*time.Duration(1+g.over/max(g.limit, 1)), g.lapse)
}

// lapse takes the places of statements that have held theirs since before the last tick.
func (g *gate) lapse() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.armed = false
	for t := g.active.First(); t != nil && t.tick != g.ticks; t = g.active.First() {
		g.active.Remove(&t.link)
		t.over = true
		g.over++
		g.running--
	}
	g.ticks++
	g.owed = 0 // the pool may have come to rest
	g.pass()
	g.arm()
}

// load returns the statements running and waiting for a place.
func (g *gate) load() (running, waiting int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.running + g.over, g.first.Len() + g.rest.Len()
}

// newGate makes a gate for limit statements at once, and those of as many workers. At least floor transactions that lock rows are at work if there are as many.
func newGate(limit, workers, floor int) gate {
	return gate{limit: limit, workers: workers, writers: newWriters(floor)}
}
