package wire

import (
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/zoryadb/zorya/base/linked"
	"github.com/zoryadb/zorya/base/socket"
)

// pool runs connections whose clients have sent something. A connection at rest has no goroutine: with thousands of
// clients a stack of each would be touched, cold, by every statement, and that costs more than a point select does. A few workers run one
// connection after the other instead, on stacks that stay in the processor's caches.
//
// One worker at a time is the leader: it waits for events, queues the connections that became ready, and turns to
// running them; who then finds the queue empty leads next. A worker whose statement waits (Conn.Block) does not count: another takes its place. Nor do those
// that still run the same statements when nothing has moved for a while: watch stops counting them, until they come for the next (MariaDB's thread
// pool does the same and calls it a stall).
//
// Connections that are in a transaction go before those that are not, since others may wait for what they hold; but one of the
// others goes after each few, so that everybody is served. Of either kind the one that came last goes first, and after each few the one that has
// waited longest. So the same few clients are served again and again, whose memory is in the processor's caches, here and, if it is near, at
// the client's, until others have taken their places one by one: 512 of sysbench's clients get a fifth more point selects so than in order of arrival,
// 5,000 of them half as many again.
type pool struct {
	poller *poller
	look   *glance // what workers that run see of the poller
	limit  int     // of workers that run at once, stalls apart
	ticks  atomic.Uint32
	stir   chan struct{}

	mu           sync.Mutex
	open         atomic.Int32 // connections in a transaction
	refs         int          // sockets; without any the pool ends
	closed       bool
	byFD         []*polled
	urgent, rest pollQueue
	streak       int    // urgent ones run since one of the rest
	turn         uint32 // connections run
	since        int    // connections run since events were fetched
	looking      bool   // somebody asks for events without waiting
	idle         []*worker
	running      int    // workers that count: they run a connection, of the present epoch
	epoch        uint32 // of workers that count; those of earlier ones have stalled
	leading      bool
	moves        uint32 // turns begun and events fetched
	dormant      bool   // watch sleeps until stirred
}

const (
	// pollBatch bounds the events fetched at once. Between two batches all workers may come to rest, and Go's own poller is asked for
	// what the rest of the instance waits for.
	pollBatch = 128
	// urgentStreak is how many connections in transactions go before one that is in none.
	urgentStreak = 16
	// freshStreak is how many connections go before the one that has waited longest. So nobody waits for more than that many turns, and its own, for each of
	// those before it.
	freshStreak = 4
	// lookEvery is after how many turns the workers ask for events although connections are ready: as long as the kernel queues them they go by arrival.
	lookEvery = 16
	// lookSoon is after how many turns they do so before a connection that is in no transaction is run while others have one open. One that
	// is open and idle must not cost each statement a system call.
	lookSoon = 2
	// turnCommands bounds the commands that a connection which sends without waiting for answers may run in one turn.
	turnCommands = 32
	// yieldEvery is after how many turns a worker lets other goroutines run.
	yieldEvery = 16
	// maxIdleWorkers bounds the workers that are kept for later. Thousands of clients that write have hundreds wait for their commits at times, and to make
	// workers anew means to grow their stacks anew (5 % of the instance's CPU); those of idle ones shrink when the collector runs.
	maxIdleWorkers = 1024
	// stallAfter is how long nothing may move before another worker is added.
	stallAfter = 2 * time.Millisecond
	// quietStalls is after how many uneventful looks watch goes to sleep.
	quietStalls = 100
	// poolTick is the unit in which idle connections time out.
	poolTick = 500 * time.Millisecond
)

// worker is a goroutine that runs connections.
type worker struct {
	pool  *pool
	wake  chan struct{}
	turns int
	epoch uint32 // as of which it counts
}

func (pl *pool) newWorker() *worker {
	return &worker{pool: pl, wake: make(chan struct{}, 1), epoch: pl.epoch}
}

// pollQueue is sockets in order of arrival.
type pollQueue struct {
	linked.List[polled]
	served uint32 // as of which turn the one that had waited longest went
}

func (q *pollQueue) push(p *polled) { q.PushBack(&p.queued, p) }

// pushBack adds one that must not go before those that wait, behind the one that has waited longest.
func (q *pollQueue) pushBack(p *polled) { q.PushSecond(&p.queued, p) }

// pop takes out the one that came last, after each freshStreak turns the one that has waited longest; nil if there is none.
func (q *pollQueue) pop(turn uint32) *polled {
	p := q.Last()
	if turn-q.served > freshStreak {
		q.served, p = turn, q.First()
	}
	if p != nil {
		q.Remove(&p.queued)
	}
	return p
}

// openPool makes a pool, or nil where there is no poller.
func openPool() *pool {
	poller, err := openPoller()
	if err != nil {
		return nil
	}
	p := &pool{poller: poller, look: poller.glance(), limit: runtime.GOMAXPROCS(0), stir: make(chan struct{}, 1), running: 1}
	go p.work(p.newWorker())
	go p.watch()
	go p.clock()
	return p
}

// adopt makes a duplicate of nc a socket of the server's pool, which it opens if there is none; nc is the caller's to close. nil: there is none.
func (s *Server) adopt(nc net.Conn, c *Conn) *polled {
	sc, ok := nc.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return nil
	}
	s.mu.Lock()
	if s.pool == nil {
		s.pool = openPool()
	}
	pl := s.pool
	if pl == nil {
		s.mu.Unlock()
		return nil
	}
	pl.mu.Lock()
	pl.refs++
	pl.mu.Unlock()
	s.mu.Unlock()
	fd, err := takeFD(raw)
	if err != nil {
		pl.release(s)
		return nil
	}
	p := &polled{pool: pl, conn: c, fd: fd, local: nc.LocalAddr(), remote: nc.RemoteAddr()}
	pl.mu.Lock()
	for len(pl.byFD) <= fd {
		pl.byFD = append(pl.byFD, nil)
	}
	pl.byFD[fd] = p
	pl.mu.Unlock()
	if err := pl.poller.add(fd); err != nil {
		p.Close()
		return nil
	}
	return p
}

// forget takes a socket that is about to be closed out of the pool.
func (pl *pool) forget(p *polled) {
	pl.mu.Lock()
	if p.fd < len(pl.byFD) && pl.byFD[p.fd] == p {
		pl.byFD[p.fd] = nil
		pl.mu.Unlock()
		pl.release(p.conn.srv)
		return
	}
	pl.mu.Unlock()
}

// release gives a reference back. With the last one the pool ends.
func (pl *pool) release(s *Server) {
	s.mu.Lock()
	defer s.mu.Unlock()
	pl.mu.Lock()
	defer pl.mu.Unlock()
	if pl.refs--; pl.refs > 0 {
		return
	}
	if s.pool == pl {
		s.pool = nil
	}
	pl.closed = true
	pl.poller.close()
	for _, w := range pl.idle {
		pl.running++
		w.wake <- struct{}{}
	}
	pl.idle = nil
	if pl.dormant {
		pl.dormant = false
		pl.stir <- struct{}{}
	}
}

// push makes a connection ready to be run.
func (pl *pool) push(p *polled) {
	pl.mu.Lock()
	pl.enqueue(p)
	pl.help()
	pl.mu.Unlock()
}

// requeue makes a connection ready that has just used up its turn. It would be the one that came last again and again.
func (pl *pool) requeue(p *polled) {
	pl.mu.Lock()
	p.conn.srv.ready.Add(1)
	pl.queue(p).pushBack(p)
	pl.help()
	pl.mu.Unlock()
}

func (pl *pool) enqueue(p *polled) {
	p.conn.srv.ready.Add(1)
	pl.queue(p).push(p)
}

func (pl *pool) queue(p *polled) *pollQueue {
	if p.conn.urgent {
		return &pl.urgent
	}
	return &pl.rest
}

func (pl *pool) pop() *polled {
	p := (*polled)(nil)
	if pl.streak < urgentStreak {
		p = pl.urgent.pop(pl.turn)
	}
	if p != nil {
		pl.streak++
	} else {
		pl.streak = 0
		if p = pl.rest.pop(pl.turn); p == nil {
			p = pl.urgent.pop(pl.turn)
		}
	}
	if p != nil {
		pl.turn++
		pl.since++
		p.conn.srv.ready.Add(-1)
	}
	return p
}

// Backlog is how many connections of the pool have sent something and wait for a worker. Safe for any goroutine.
func (s *Server) Backlog() int { return int(s.ready.Load()) }

func (pl *pool) empty() bool { return pl.urgent.Len()+pl.rest.Len() == 0 }

// help wakes a worker if there is something to do and not enough do it.
func (pl *pool) help() {
	if pl.running < pl.limit && !pl.closed && (!pl.empty() || !pl.leading) {
		pl.start()
	}
}

// start makes one more worker run.
func (pl *pool) start() {
	pl.running++
	if n := len(pl.idle); n > 0 { // the last one's stack is the warmest
		w := pl.idle[n-1]
		pl.idle = pl.idle[:n-1]
		w.epoch = pl.epoch
		w.wake <- struct{}{}
		return
	}
	go pl.work(pl.newWorker())
}

// block says that the worker's statement waits, unblock that it goes on.
func (w *worker) block() {
	pl := w.pool
	pl.mu.Lock()
	pl.uncount(w)
	pl.help()
	pl.mu.Unlock()
}

func (w *worker) unblock() {
	w.pool.mu.Lock()
	w.pool.count(w)
	w.pool.mu.Unlock()
}

func (pl *pool) count(w *worker) {
	pl.running++
	w.epoch = pl.epoch
}

func (pl *pool) uncount(w *worker) {
	if w.epoch == pl.epoch {
		pl.running--
	}
}

func (pl *pool) work(w *worker) {
	for c := pl.next(w); c != nil; c = pl.next(w) {
		if w.turns++; w.turns%yieldEvery == 0 {
			socket.Yield()
		}
		c.turn(w)
	}
}

// next returns a connection that is to be run, nil when the pool has ended. The caller counts as running.
func (pl *pool) next(w *worker) *Conn {
	pl.mu.Lock()
	defer pl.mu.Unlock()
	if w.epoch != pl.epoch { // it had stalled
		pl.count(w)
	}
	for {
		if pl.running <= pl.limit {
			if pl.stale() && !pl.looking && !pl.closed {
				pl.glance()
			}
			if p := pl.pop(); p != nil {
				pl.moves++
				return p.conn
			}
		}
		switch {
		case pl.closed && pl.empty():
			pl.running--
			return nil
		case !pl.leading && !pl.closed && pl.empty(): // those that run look by themselves
			pl.lead(w)
		case len(pl.idle) >= maxIdleWorkers:
			pl.running--
			return nil
		default:
			pl.running--
			pl.idle = append(pl.idle, w)
			pl.mu.Unlock()
			<-w.wake
			pl.mu.Lock()
		}
	}
}

// lead waits for events and queues the connections that they make ready.
func (pl *pool) lead(w *worker) {
	pl.leading = true
	pl.running--
	pl.mu.Unlock()
	n, err := pl.poller.wait()
	pl.mu.Lock()
	pl.count(w)
	pl.leading = false
	pl.moves++
	if err != nil { // the pool has ended
		return
	}
	pl.since = 0
	pl.told(pl.poller.events[:n])
	if pl.dormant {
		pl.dormant = false
		pl.stir <- struct{}{}
	}
}

// stale reports whether events should be asked for before the next connection is run: after some turns, and before a connection that is in
// no transaction goes while others have one open, for those go first.
func (pl *pool) stale() bool {
	return pl.since >= lookEvery || pl.since >= lookSoon && pl.urgent.Len() == 0 && pl.rest.Len() > 0 && pl.open.Load() > 0
}

// glance queues what has become ready, without waiting. A leader may wait beside it: it sees what comes later.
func (pl *pool) glance() {
	pl.looking = true
	pl.mu.Unlock()
	events := pl.look.take()
	pl.mu.Lock()
	pl.looking = false
	pl.since = 0
	pl.told(events)
}

// told queues the connections that events make ready.
func (pl *pool) told(events []pollEvent) {
	for i := range events {
		fd, e := told(&events[i])
		if fd >= 0 && fd < len(pl.byFD) {
			if p := pl.byFD[fd]; p != nil && p.tell(e) {
				pl.enqueue(p)
				if len(events) > 1 {
					pl.help()
				}
			}
		}
	}
}

// watch stops counting the workers that run, and so lets another one begin, when nobody waits for events or connections are ready and
// nothing has moved for a while: then all that count have stalled.
func (pl *pool) watch() {
	quiet, last := 0, uint32(0)
	for {
		time.Sleep(stallAfter)
		pl.mu.Lock()
		switch {
		case pl.closed:
			pl.mu.Unlock()
			return
		case pl.leading && pl.empty():
			quiet++
		case pl.moves == last:
			pl.epoch++
			pl.running = 0
			pl.help()
			fallthrough
		default:
			quiet = 0
		}
		last = pl.moves
		pl.since += lookEvery // long statements keep nobody from being seen
		if quiet < quietStalls {
			pl.mu.Unlock()
			continue
		}
		quiet, pl.dormant = 0, true
		pl.mu.Unlock()
		<-pl.stir
	}
}

// clock ends the rest of connections whose clients have been silent for too long.
func (pl *pool) clock() {
	tick := time.NewTicker(poolTick)
	defer tick.Stop()
	for range tick.C {
		now := pl.ticks.Add(1)
		pl.mu.Lock()
		if pl.closed {
			pl.mu.Unlock()
			return
		}
		for _, p := range pl.byFD {
			if p != nil && p.expire(now) {
				pl.enqueue(p)
				pl.help()
			}
		}
		pl.mu.Unlock()
	}
}
