package wait

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// Work that nobody waits for in milliseconds (DDL, above all the builds of indexes and tables) goes at full speed while nobody else is at work, and
// rests between small units while others are, so that their statements do not queue behind it: for processors, and for the log's way to storage.

// Neighbour is an Owner that counts others' work: Others grows with every statement of others that has ended and was not paced itself.
type Neighbour interface {
	Owner
	Others() uint64
}

const (
	// paceUnit is for how long work goes on before it rests: about what a commit takes that waits for nobody.
	paceUnit = 500 * time.Microsecond
	// paceFor is for how long others count as at work after one of their statements was seen.
	paceFor = 100 * time.Millisecond
	// paceRest is how long work rests for the time that it took, on a machine of one processor; of n it is the n-th part, for so much more is left to others.
	paceRest = 6
	// paceMost bounds a rest, so that work gets on where everything is slow.
	paceMost = 50 * time.Millisecond
)

// paced is how much paced work is under way in the process: what it leaves to others it leaves together, so each rests the longer the more there are.
var paced atomic.Int64

// Pace is how an owner's work gets on, one piece after the other. The goroutines of a piece share it.
type Pace struct {
	who   Neighbour
	mu    sync.Mutex
	asked uint64        // what who answered last
	seen  time.Time     // when others were seen at work; zero: never
	since time.Time     // begin of the unit under way
	owed  time.Duration // rest that the piece before has left to the next, from its end on
}

type paceKey struct{}

// NewPace returns the pace of an owner's work.
func NewPace(who Neighbour) *Pace { return &Pace{who: who} }

// Begin starts a piece of work, when it has rested for the piece before; so one alone is done at once, and many on end are not. The work rests where it calls
// Rest with the context that Begin returns. End must follow, unless there was an error: ctx has ended.
func (p *Pace) Begin(ctx context.Context) (context.Context, error) {
	paced.Add(1)
	now := time.Now()
	p.mu.Lock()
	long := p.owed - now.Sub(p.since)
	p.owed = 0
	if now.Sub(p.since) > paceFor { // who ended a statement meanwhile need not be at work now
		p.asked = p.who.Others()
	}
	if !p.crowded(now) {
		long = 0
	}
	p.mu.Unlock()
	if err := p.rest(ctx, long); err != nil {
		paced.Add(-1)
		return nil, err
	}
	return context.WithValue(ctx, paceKey{}, p), nil
}

// End says that the piece of work is done.
func (p *Pace) End() {
	now := time.Now()
	p.mu.Lock()
	if p.crowded(now) {
		p.owed = restFor(now.Sub(p.since))
	}
	p.since = now
	p.mu.Unlock()
	paced.Add(-1)
}

// Brisk returns a context whose work does not rest: what others wait for.
func Brisk(ctx context.Context) context.Context {
	if ctx.Value(paceKey{}) == nil {
		return ctx
	}
	return context.WithValue(ctx, paceKey{}, nil)
}

// Crowded reports whether paced work has neighbours at work, for whom its units should be small.
func Crowded(ctx context.Context) bool {
	p, ok := ctx.Value(paceKey{}).(*Pace)
	if !ok {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.crowded(time.Now())
}

// crowded looks whether others are at work.
func (p *Pace) crowded(now time.Time) bool {
	if n := p.who.Others(); n != p.asked {
		p.asked, p.seen = n, now
	}
	return !p.seen.IsZero() && now.Sub(p.seen) < paceFor
}

// Rest is called between units of paced work, as often as is easy, under no latch. It fails only when ctx ends, with its cause.
func Rest(ctx context.Context) error {
	p, ok := ctx.Value(paceKey{}).(*Pace)
	if !ok {
		return nil
	}
	long := p.due(time.Now())
	if long == 0 {
		return nil
	}
	return p.rest(ctx, long)
}

// rest waits, and begins a unit.
func (p *Pace) rest(ctx context.Context, long time.Duration) error {
	if long > 0 {
		w := Begin(ctx)
		defer w.End()
		t := time.NewTimer(long)
		defer t.Stop()
		select {
		case <-t.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	p.mu.Lock()
	p.since = time.Now()
	p.mu.Unlock()
	return nil
}

// due returns for how long to rest now.
func (p *Pace) due(now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	took := now.Sub(p.since)
	if took < paceUnit {
		return 0
	}
	p.since = now
	if !p.crowded(now) {
		return 0
	}
	return restFor(took)
}

// restFor is how long work rests that took so long.
func restFor(took time.Duration) time.Duration {
	return min(min(took, paceMost)*paceRest*time.Duration(max(1, paced.Load()))/time.Duration(runtime.GOMAXPROCS(0)), paceMost)
}
