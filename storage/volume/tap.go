package volume

import (
	"context"
	"errors"
	"sync"

	"github.com/zoryadb/zorya/base/wait"
	"github.com/zoryadb/zorya/storage/page"
)

// Tap is a second consumer of the redo stream: how readers of the same volume will get it from the writer, straight from
// the ring and beside the storage nodes' cursors. Use it from one goroutine.
//
// What it yields is not durable yet: it carries VDL with each piece, and a reader applies whole MTRs up
// to that only. A tap that lags half a ring behind loses its place; its user starts over with a new one and drops what it
// had cached.
type Tap struct {
	c    *Client
	wake chan struct{}

	mu     sync.Mutex
	from   uint64 // run index: the log from here on is still needed
	next   uint64
	lent   bool // [from, next) is in the user's hands
	lagged bool
	pieces [][]byte
}

// ErrLagged means that a Tap has lost its place in the log.
var ErrLagged = errors.New("consumer of the log lags too far behind")

// Tap returns a consumer of all that is appended from now on.
func (c *Client) Tap() *Tap {
	c.rel.Lock()
	defer c.rel.Unlock()
	t := &Tap{c: c, wake: make(chan struct{}, 1)}
	t.from = c.ring.published.Load()
	t.next = t.from
	all := []*Tap{t}
	if old := c.taps.Load(); old != nil {
		all = append(all, *old...)
	}
	c.taps.Store(&all)
	return t
}

// Close gives the tap's place up.
func (t *Tap) Close() {
	c := t.c
	c.rel.Lock()
	defer c.rel.Unlock()
	var rest []*Tap
	for _, o := range *c.taps.Load() {
		if o != t {
			rest = append(rest, o)
		}
	}
	c.taps.Store(&rest)
}

// maxTap bounds the bytes of one Next.
const maxTap = 1 << 20

// Next waits for more log and returns its records, encoded, in LSN order and in a few pieces, together with the present VDL. It also
// returns, with no records, when VDL has advanced past after. The bytes are valid until the next call.
func (t *Tap) Next(ctx context.Context, after page.LSN) (records [][]byte, vdl page.LSN, err error) {
	for {
		if err := t.c.Err(); err != nil {
			return nil, 0, err
		}
		more := t.take()
		if t.isLagged() {
			return nil, 0, ErrLagged
		}
		if vdl = t.c.VDL(); more || vdl > after {
			return t.pieces, vdl, nil
		}
		w := wait.Begin(ctx)
		select {
		case <-t.wake:
		case <-t.c.done:
		case <-ctx.Done():
			err = ctx.Err()
		}
		w.End()
		if err != nil {
			return nil, 0, err
		}
	}
}

func (t *Tap) isLagged() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.lagged
}

// take gives back what was lent and lends what is there, without waiting.
func (t *Tap) take() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := t.c.ring
	t.pieces, t.lent, t.from = t.pieces[:0], false, t.next
	if t.lagged {
		return false
	}
	end := r.published.Load()
	behind, size := ^uint64(0), 0
	for ; t.next < end && size < maxTap; t.next++ {
		e := r.run(t.next)
		if k := len(t.pieces); e.pos == behind && e.pos&(r.size-1) != 0 {
			t.pieces[k-1] = r.span(e.pos-uint64(len(t.pieces[k-1])), behind+uint64(e.n))
		} else {
			t.pieces = append(t.pieces, r.span(e.pos, e.pos+uint64(e.n)))
		}
		behind = e.pos + uint64(e.n)
		size += int(e.n)
	}
	t.lent = len(t.pieces) > 0
	return t.lent
}

// hold lowers tail to what the tap needs, or takes its place away when that is half a ring. What is lent is not
// overwritten.
func (t *Tap) hold(tail uint64) uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.lagged && !t.lent || t.from >= tail {
		return tail
	}
	if !t.lent && t.c.ring.lag(t.from) > t.c.ring.size/2 {
		t.lagged = true
		t.kick()
		return tail
	}
	return t.from
}

func (t *Tap) kick() {
	select {
	case t.wake <- struct{}{}:
	default:
	}
}
