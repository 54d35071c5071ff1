package wait

import (
	"context"
	"runtime"
	"sync"
	"time"
)

// Long work that nobody waits for in milliseconds (an index build) goes at full speed while nobody else is at work, and rests between small units while
// others are, so that their statements do not queue behind it: for processors, and for the log's way to storage.

// Neighbour is an Owner that counts others' work: Others grows with every statement that has ended since it was asked last. The owner's own, which is
// under way, is not among them.
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

// pace is how one piece of work gets on. Its goroutines share it.
type pace struct {
	who   Neighbour
	mu    sync.Mutex
	asked uint64    // what who answered last
	seen  time.Time // when others were seen at work; zero: never
	since time.Time // begin of the unit under way
}

type paceKey struct{}

// Paced returns a context whose work rests when its owner has neighbours at work. It changes nothing where the owner knows of none.
func Paced(ctx context.Context) context.Context {
	who, ok := ctx.Value(Key).(Neighbour)
	if !ok {
		return ctx
	}
	return context.WithValue(ctx, paceKey{}, &pace{who: who, asked: who.Others(), since: time.Now()})
}

// Crowded reports whether paced work has neighbours at work, for whom its units should be small.
func Crowded(ctx context.Context) bool {
	p, ok := ctx.Value(paceKey{}).(*pace)
	if !ok {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.crowded(time.Now())
}

func (p *pace) crowded(now time.Time) bool {
	if n := p.who.Others(); n != p.asked {
		p.asked, p.seen = n, now
	}
	return !p.seen.IsZero() && now.Sub(p.seen) < paceFor
}

// Rest is called between units of paced work, as often as is easy, under no latch. It fails only when ctx ends, with its cause.
func Rest(ctx context.Context) error {
	p, ok := ctx.Value(paceKey{}).(*pace)
	if !ok {
		return nil
	}
	long := p.due(time.Now())
	if long == 0 {
		return nil
	}
	w := Begin(ctx)
	defer w.End()
	t := time.NewTimer(long)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	p.mu.Lock()
	p.since = time.Now()
	p.mu.Unlock()
	return nil
}

// due returns for how long to rest now.
func (p *pace) due(now time.Time) time.Duration {
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
	return min(took*paceRest/time.Duration(runtime.GOMAXPROCS(0)), paceMost)
}
