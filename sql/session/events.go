package session

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/zoryadb/zorya/base/crash"
	"github.com/zoryadb/zorya/sql/general"
)

// The event scheduler: one goroutine that looks once a second what is due, and a bounded number that run it. The catalog's events are read
// again only when one was changed. Executions that were due while no scheduler ran are skipped, as MySQL does.

// maxEvents bounds the events that run at once: further ones begin late.
const maxEvents = 16

// eventEvery is how often the scheduler looks.
const eventEvery = time.Second

// schedulerID is the connection id that the scheduler shows in the process list. Clients' ids begin higher.
const schedulerID = 5

// firstEventID is where the ids of running events begin, far from clients'.
const firstEventID = 1 << 30

// eventLane is what a Lane also implements when it has events.
type eventLane interface {
	EventsOn() bool
	EventGeneration() uint64
	Events(ctx context.Context) ([]*general.Event, error)
	EventBegins(ctx context.Context, ev *general.Event, at time.Time) (bool, error)
	EventEnded(ctx context.Context, ev *general.Event, now time.Time) error
}

// eventSession is what a LaneSession of such a Lane also implements.
type eventSession interface {
	EventStatement(ctx context.Context, ev *general.Event) (*general.Statement, error)
}

// events is the scheduler.
type events struct {
	srv  *Server
	lane eventLane
	wg   sync.WaitGroup

	mu      sync.Mutex
	on      bool
	since   time.Time
	known   uint64 // generation of list
	list    []*due
	running map[uint32]*Session
	lastID  uint32
}

// due is an event and when it is due next.
type due struct {
	ev *general.Event
	at time.Time
}

func newEvents(srv *Server) *events {
	e := &events{srv: srv, running: map[uint32]*Session{}, lastID: firstEventID}
	e.lane, _ = srv.lane.(eventLane)
	return e
}

// run looks for due events until the server stops.
func (e *events) run() {
	if e.lane == nil {
		return
	}
	tick := time.NewTicker(eventEvery)
	defer tick.Stop()
	for {
		select {
		case <-e.srv.ctx.Done():
			return
		case now := <-tick.C:
			if err := e.step(now); err != nil && e.srv.ctx.Err() == nil {
				e.srv.log.Error("event scheduler", "error", err)
			}
		}
	}
}

// step begins what is due at now.
func (e *events) step(now time.Time) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if on := e.lane.EventsOn(); on != e.on {
		e.on, e.since, e.known, e.list = on, now, 0, nil
	}
	if !e.on {
		return nil
	}
	if g := e.lane.EventGeneration(); g != e.known {
		if err := e.load(now, g); err != nil {
			return err
		}
	}
	kept := e.list[:0]
	for _, d := range e.list {
		if d.at.After(now) {
			kept = append(kept, d)
			continue
		}
		if len(e.running) >= maxEvents {
			kept = append(kept, d) // it begins when another has ended
			continue
		}
		if next, ok := e.begin(d, now); ok {
			d.at = next
			kept = append(kept, d)
		}
	}
	clear(e.list[len(kept):])
	e.list = kept
	return nil
}

// load reads the events anew. One that is listed already keeps the time at which it is due: that may have passed.
func (e *events) load(now time.Time, generation uint64) error {
	list, err := e.lane.Events(e.srv.ctx)
	if err != nil {
		return err
	}
	was := make(map[[2]string]*due, len(e.list))
	for _, d := range e.list {
		was[[2]string{d.ev.Schema, d.ev.Name}] = d
	}
	e.list, e.known = nil, generation
	for _, ev := range list {
		// An event made within the second that just passed is due at its STARTS, which is in the past by now.
		at, ok := ev.Next(now.Add(-2 * eventEvery))
		if d := was[[2]string{ev.Schema, ev.Name}]; d != nil && d.ev.Same(ev) {
			at, ok = d.at, true
		} else if ran := ev.Last(); ok && !ran.IsZero() && !at.After(ran) {
			at, ok = ev.Next(ran)
		}
		if ok {
			e.list = append(e.list, &due{ev, at})
		} else if err := e.lane.EventEnded(e.srv.ctx, ev, now); err != nil { // its last time passed while no scheduler ran
			return err
		}
	}
	return nil
}

// begin starts an event and returns when it is due next.
func (e *events) begin(d *due, now time.Time) (next time.Time, again bool) {
	before := e.lane.EventGeneration()
	ok, err := e.lane.EventBegins(e.srv.ctx, d.ev, d.at)
	if err != nil {
		e.failed(d.ev, err)
		return now.Add(eventEvery), true
	}
	if after := e.lane.EventGeneration(); before == e.known && after == before+1 {
		e.known = after // no change but our own
	}
	if !ok {
		return next, false
	}
	e.lastID++
	id := e.lastID
	s := newSession(e.srv, nil)
	s.login = general.Login{ID: id, User: d.ev.User, Host: "localhost", Database: d.ev.Schema}
	s.address, s.database = "localhost", d.ev.Schema
	e.running[id] = s
	e.wg.Add(1)
	go e.execute(s, d.ev, now)
	return d.ev.Next(now)
}

// execute runs an event's body in a session of its own.
func (e *events) execute(s *Session, ev *general.Event, now time.Time) {
	defer e.wg.Done()
	defer func() {
		if r := recover(); r != nil {
			e.failed(ev, fmt.Errorf("panic: %v\n%s", r, crash.Contain(r)))
		}
		e.mu.Lock()
		delete(e.running, s.login.ID)
		e.mu.Unlock()
	}()
	err := s.run("Connect", []byte(ev.Body), false, func(ctx context.Context) error { return s.runEvent(ctx, ev) })
	s.abandon()
	s.dropHalf()
	s.cancel(nil)
	if err != nil {
		e.failed(ev, err)
	}
	if e.srv.ctx.Err() != nil {
		return
	}
	if err := e.lane.EventEnded(context.WithoutCancel(e.srv.ctx), ev, now); err != nil {
		e.failed(ev, err)
	}
}

func (e *events) failed(ev *general.Event, err error) {
	e.srv.log.Error("event failed", "event", ev.Schema+"."+ev.Name, "definer", ev.User+"@"+ev.Host, "error", err)
}

// runEvent executes an event's body, whose results nobody reads.
func (s *Session) runEvent(ctx context.Context, ev *general.Event) error {
	g, err := s.newHalf(ctx, s.login)
	if err != nil {
		return err
	}
	s.gen = g
	s.set = g.Settings()
	es, ok := g.(eventSession)
	if !ok {
		return errors.New("the general lane has no events")
	}
	st, err := es.EventStatement(ctx, ev)
	if err != nil {
		return err
	}
	if err := s.srv.locks.writeAllowed(ctx, s); err != nil {
		return err
	}
	res, err := g.Execute(ctx, st, s.openStmt(true), nil)
	for ; err == nil && res != nil; res = res.Next {
		err = discard(res)
	}
	return s.endStmt(ctx, err, false)
}

// discard reads a result to its end.
func discard(res *general.Result) (err error) {
	if res.Rows == nil {
		return nil
	}
	for err == nil {
		_, err = res.Rows.Next()
	}
	cerr := res.Rows.Close()
	if errors.Is(err, io.EOF) {
		return cerr
	}
	return err
}

// stop interrupts the running events and waits for them, at most until ctx ends. The server's context has ended before.
func (e *events) stop(ctx context.Context) error {
	done := make(chan struct{})
	go func() {
		e.wg.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("events still run: %w", ctx.Err())
	}
}

// processes are the scheduler's lines of the process list.
func (e *events) processes() []general.Process {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.on {
		return nil
	}
	state := "Waiting on empty queue"
	if len(e.list) > 0 {
		state = "Waiting for next activation"
	}
	out := []general.Process{{ID: schedulerID, User: "event_scheduler", Host: "localhost", Command: "Daemon", Since: e.since, State: state}}
	for _, s := range e.running {
		out = append(out, s.process())
	}
	return out
}

// session finds a running event's session, for KILL.
func (e *events) session(id uint64) *Session {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.running[uint32(id)]
}
