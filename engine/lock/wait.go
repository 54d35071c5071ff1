package lock

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/zoryadb/zorya/base/wait"
)

// Errors of a wait. Killed waits return the killer's error, others their context's.
var (
	ErrDeadlock = errors.New("deadlock")
	ErrTimeout  = errors.New("lock wait timeout")
)

// waitable is what an owner can wait for.
type waitable interface {
	// blockers calls fn for each owner in the way, none if the wait is over.
	blockers(t *Table, fn func(*Owner))
	// abort ends the wait with err and reports whether it was still on.
	abort(t *Table, err error) bool
}

func (r *request) blockers(t *Table, fn func(*Owner)) {
	s := t.shardOf(r)
	s.mu.Lock()
	defer s.mu.Unlock()
	if !r.granted && !r.aborted {
		r.q.blockers(r, fn)
	}
}

func (r *request) abort(t *Table, err error) bool {
	s := t.shardOf(r)
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.granted || r.aborted {
		return false
	}
	r.aborted = true
	r.q.remove(r)
	r.q.grant(t.granted)
	s.drop(r.q)
	r.owner.wake <- err
	return true
}

func (w *insertion) blockers(_ *Table, fn func(*Owner)) {
	w.set.mu.Lock()
	defer w.set.mu.Unlock()
	if w.done {
		return
	}
	for _, g := range w.set.intervals {
		if g.owner != w.owner && g.contains(w.key) {
			fn(g.owner)
		}
	}
}

func (w *insertion) abort(_ *Table, err error) bool {
	w.set.mu.Lock()
	defer w.set.mu.Unlock()
	if w.done {
		return false
	}
	w.done = true
	w.set.waiting = slices.DeleteFunc(w.set.waiting, func(x *insertion) bool { return x == w })
	w.owner.wake <- err
	return true
}

// outside is a wait for something that the table knows nothing of. Those in the way are told when it begins.
type outside struct {
	owner *Owner
	in    []*Owner
	mu    sync.Mutex
	done  bool
}

func (w *outside) blockers(_ *Table, fn func(*Owner)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.done {
		for _, o := range w.in {
			fn(o)
		}
	}
}

func (w *outside) abort(_ *Table, err error) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.done {
		return false
	}
	w.done = true
	w.owner.wake <- err
	return true
}

// granted wakes the owner of a request that was just granted. The channel has room: an owner waits for one thing
// at a time, and a wait is ended once.
func (t *Table) granted(r *request) { r.owner.wake <- nil }

// ready makes the channel on which o is woken, before anybody can see o wait.
func (o *Owner) ready() {
	if o.wake == nil {
		o.wake = make(chan error, 1)
	}
}

// Lock locks (space, key), on which there are no implicit locks, for o, waiting at most timeout. It returns nil with the lock held,
// ErrDeadlock when o is the victim of a deadlock (the caller rolls the transaction back), ErrTimeout, or what ended the wait.
func (t *Table) Lock(ctx context.Context, o *Owner, space uint64, key []byte, m Mode, timeout time.Duration) error {
	return t.wait(ctx, o, space, key, m, timeout, true)
}

// Wait is Lock for a row. If nobody is in the way any more it takes nothing and does not wait: somebody may have locked the row implicitly since
// the caller looked. The caller looks again in any case.
func (t *Table) Wait(ctx context.Context, o *Owner, space uint64, key []byte, m Mode, timeout time.Duration) error {
	return t.wait(ctx, o, space, key, m, timeout, false)
}

func (t *Table) wait(ctx context.Context, o *Owner, space uint64, key []byte, m Mode, timeout time.Duration, take bool) error {
	name, s, b := t.at(nil, space, key)
	o.ready()
	text := wait.Describe(ctx)
	t.waits.Lock()
	o.text = text
	s.mu.Lock()
	q := s.queue(name)
	have, upgrade := q.held(o)
	free := q.free(o, m, upgrade, nil)
	if upgrade && have >= m || free && !take {
		s.drop(q)
		s.mu.Unlock()
		t.waits.Unlock()
		return nil
	}
	r := &request{owner: o, mode: m, granted: free}
	q.push(r)
	q.check()
	s.mu.Unlock()
	if free { // r.granted is another's to write from here on
		t.waits.Unlock()
	} else if err := t.block(ctx, o, r, nil, timeout); err != nil {
		return err
	}
	o.mu.Lock()
	o.add(space, r)
	o.depend(b)
	o.mu.Unlock()
	return nil
}

// WaitInsert waits until o may insert key into index. Nothing is held by that: the caller tries again.
func (t *Table) WaitInsert(ctx context.Context, o *Owner, index uint64, key []byte, timeout time.Duration) error {
	s := t.gapSet(index, true)
	o.ready()
	text := wait.Describe(ctx)
	t.waits.Lock()
	o.text = text
	s.mu.Lock()
	if !s.blocked(o, key) {
		s.mu.Unlock()
		t.waits.Unlock()
		return nil
	}
	w := &insertion{set: s, owner: o, key: bytes.Clone(key)}
	s.waiting = append(s.waiting, w)
	s.mu.Unlock()
	return t.block(ctx, o, w, nil, timeout)
}

// WaitOutside waits until ended is closed, for something that only the owners in can bring about: so a cycle through them is a deadlock.
func (t *Table) WaitOutside(ctx context.Context, o *Owner, in []*Owner, ended <-chan struct{}, timeout time.Duration) error {
	o.ready()
	text := wait.Describe(ctx)
	t.waits.Lock()
	o.text = text
	return t.block(ctx, o, &outside{owner: o, in: in}, ended, timeout)
}

// block waits for w, or until ended is closed, if it is not nil. It is entered with t.waits held, and gives it back.
func (t *Table) block(ctx context.Context, o *Owner, w waitable, ended <-chan struct{}, timeout time.Duration) error {
	begun := time.Now()
	o.waiting, o.since = w, begun
	t.waiters[o] = struct{}{}
	t.Waits.Add(1)
	t.breakCycles(o)
	t.waits.Unlock()
	defer t.audit()()
	var br wait.Bracket
	r, ok := w.(*request)
	if ok = ok && r.q.name[:8] == metadataName; ok || ended != nil {
		br = wait.BeginAs(ctx, "Waiting for table metadata lock")
	} else {
		br = wait.BeginLock(ctx)
		t.RowWaits.Count.Add(1)
		t.RowWaits.Now.Add(1)
		defer func() { t.RowWaits.ended(time.Since(begun)) }()
	}
	timer := time.NewTimer(timeout)
	var err error
	select {
	case err = <-o.wake:
	case <-ended:
		err = t.stop(o, w, nil)
	case <-timer.C:
		t.Timeouts.Add(1)
		err = t.stop(o, w, ErrTimeout)
	case <-ctx.Done():
		err = t.stop(o, w, context.Cause(ctx))
	}
	timer.Stop()
	br.End()
	t.waits.Lock()
	o.waiting = nil
	delete(t.waiters, o)
	t.waits.Unlock()
	return err
}

// breakCycles ends waits until o, which waits, is in no cycle. There may be several: o can wait for many holders of a shared lock or gap
// that all wait for o. t.waits is held.
func (t *Table) breakCycles(o *Owner) {
	for victim := t.findVictim(o); victim != nil; victim = t.findVictim(o) {
		if victim.waiting.abort(t, ErrDeadlock) {
			t.Deadlocks.Add(1)
		}
		if victim == o {
			return
		}
	}
}

// stop ends o's wait with err, unless it ended by itself meanwhile; then that is the answer.
func (t *Table) stop(o *Owner, w waitable, err error) error {
	w.abort(t, err)
	return <-o.wake
}

// Kill ends o's wait, if it waits, with err.
func (t *Table) Kill(o *Owner, err error) {
	t.waits.Lock()
	defer t.waits.Unlock()
	if o.waiting != nil {
		o.waiting.abort(t, err)
	}
}

// Waited reports whether o has ever waited, as any owner, or its memory's former ones; the owner asks.
func (o *Owner) Waited() bool { return o.wake != nil }

// Waiting reports whether o waits.
func (t *Table) Waiting(o *Owner) bool {
	t.waits.Lock()
	defer t.waits.Unlock()
	return o.waiting != nil
}

// findVictim searches the waits-for graph for a cycle through o and returns the owner on it that is cheapest to roll
// back, o itself when nobody is cheaper; nil if there is no cycle.
func (t *Table) findVictim(o *Owner) *Owner {
	found := t.findCycle(o)
	if found == nil {
		return nil
	}
	victim, least := o, t.weight(o)
	for _, x := range found[1:] {
		if w := t.weight(x); w < least {
			victim, least = x, w
		}
	}
	t.remember(found, victim)
	return victim
}

// findCycle returns a cycle of the waits-for graph that begins with o, nil if there is none. t.waits is held.
func (t *Table) findCycle(o *Owner) []*Owner {
	seen := map[*Owner]bool{}
	var path []*Owner
	var found []*Owner
	var visit func(x *Owner)
	visit = func(x *Owner) {
		if found != nil || x.waiting == nil {
			return
		}
		path = append(path, x)
		var next []*Owner
		x.waiting.blockers(t, func(b *Owner) { next = append(next, b) })
		for _, b := range next {
			if b == o {
				found = slices.Clone(path)
				break
			}
			if !seen[b] {
				seen[b] = true
				visit(b)
			}
		}
		path = path[:len(path)-1]
	}
	visit(o)
	return found
}

func (t *Table) weight(o *Owner) int64 { return o.Weight.Load()*2 + int64(o.Rows()) }
