package volume

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/zoryadb/zorya/base/wait"
	"github.com/zoryadb/zorya/storage/page"
	"github.com/zoryadb/zorya/storage/proto"
	"github.com/zoryadb/zorya/storage/redo"
	"github.com/zoryadb/zorya/storage/volume/quorum"
)

// Options tune a Client; the zero value is production's.
type Options struct {
	// RingBytes is the size of the log ring (default 64 MiB; rounded up to a power of two). An MTR may take a quarter of it.
	RingBytes int
	// FrameBytes bounds the records of a frame (default 1 MiB).
	FrameBytes int
	// Heartbeat is the time after which idle segments hear VDL and PGMRPL (default 100 ms).
	Heartbeat time.Duration
	// CallTimeout bounds one request other than appends and reads (default 2 s), ReadTimeout one attempt at a page read (default 2 s).
	CallTimeout, ReadTimeout time.Duration
	// HedgeMin and HedgeMax bound the time before a page read is asked of a second segment too: four times
	// the first one's usual latency (defaults 2 ms, 50 ms).
	HedgeMin, HedgeMax time.Duration
	// MaxBackoff bounds the pause between attempts to join a node (default 250 ms).
	MaxBackoff time.Duration
	// LAL overrides the LSN allocation limit, for tests. All writers of a volume must agree on it.
	LAL page.LSN
	// Mutants are deliberate faults, for tests.
	Mutants quorum.Mutants
	Log     *slog.Logger
}

func (o Options) withDefaults() Options {
	def := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	def(&o.Heartbeat, 100*time.Millisecond)
	def(&o.CallTimeout, 2*time.Second)
	def(&o.ReadTimeout, 2*time.Second)
	def(&o.HedgeMin, 2*time.Millisecond)
	def(&o.HedgeMax, 50*time.Millisecond)
	def(&o.MaxBackoff, 250*time.Millisecond)
	if o.RingBytes == 0 {
		o.RingBytes = 64 << 20
	}
	o.RingBytes = max(o.RingBytes, 64<<10)
	if o.FrameBytes == 0 {
		o.FrameBytes = 1 << 20
	}
	if o.LAL == 0 {
		o.LAL = LAL
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return o
}

// Client is a Volume on storage nodes, opened for writing. See the package comment.
type Client struct {
	o       Options
	log     *slog.Logger
	meta    proto.Meta
	dialer  proto.Dialer
	writer  string
	desc    proto.Descriptor // volume, timeline, geometry: what does not change; PGs are in pgs
	epoch   uint64
	history proto.History
	base    page.LSN // LSNs begin above
	started time.Time

	ring  *ring
	queue CommitQueue
	floor atomic.Uint64 // read floor: PGMRPL
	pace  pacer
	// reserves are the links for which no commit waits; see reserve.go.
	reserves reserves
	// hedging is what reads have earned for hedges, in reads; see read.go.
	hedging atomic.Int64

	ctx    context.Context // ends with the client
	cancel context.CancelFunc
	done   <-chan struct{}
	work   sync.WaitGroup
	dead   atomic.Pointer[error]

	// tmu guards the tracker and fed, the run index up to which it knows the log.
	tmu     sync.Mutex
	tracker *quorum.Tracker
	fed     uint64
	durable chan struct{} // has room for one: the tracker's VDL has advanced

	// rel serialises the moves of the ring's tail; again says that there is news for who holds it.
	rel   sync.Mutex
	again atomic.Bool

	links atomic.Pointer[[]*link] // all nodes; grows
	taps  atomic.Pointer[[]*Tap]  // second consumers of the log
	npg   atomic.Uint32

	// mu guards the memberships and the repair of members.
	mu  sync.Mutex
	pgs []*pgState

	grow   sync.Mutex // one PG is created at a time
	ahead  chan struct{}
	repair chan struct{}

	stat counters
}

// pgState is a PG's membership as stored, and what is known of its members.
type pgState struct {
	m       proto.Membership
	members []memberState
	source  atomic.Pointer[link] // where the last page read went
}

type memberState struct {
	link   *link
	status proto.Status // last heard; StatusNoSegment when it has none
	repair uint64       // incarnation being hydrated, 0 if none
	need   uint64       // a repair must use an incarnation of at least this; 0 when none is needed
}

var _ Volume = (*Client)(nil)

// Err implements Volume.
func (c *Client) Err() error {
	if p := c.dead.Load(); p != nil {
		return *p
	}
	return nil
}

// die ends the client: everybody hears err at once.
func (c *Client) die(err error) {
	if !c.dead.CompareAndSwap(nil, &err) {
		return
	}
	if !errors.Is(err, ErrClosed) {
		c.log.Error("volume lost", "epoch", c.epoch, "err", err)
	}
	c.ring.kill(err)
	c.queue.Fail(err)
	c.cancel()
}

// Close implements Volume. What was appended and is not durable may be lost: wait for it first.
func (c *Client) Close() error {
	c.die(ErrClosed)
	c.work.Wait()
	return nil
}

// Admit implements Volume.
func (c *Client) Admit(ctx context.Context, records, bytes int) error {
	return c.ring.admit(ctx, records, bytes)
}

// Append implements Volume.
func (c *Client) Append(m *redo.MTR, inOrder func(cpl page.LSN)) page.LSN {
	return c.ring.append(m, inOrder)
}

// published wakes the senders that sleep, when there is something urgent.
func (c *Client) published() {
	c.wakeLinks()
	if taps := c.taps.Load(); taps != nil {
		for _, t := range *taps {
			t.kick()
		}
	}
}

// VDL implements Volume.
func (c *Client) VDL() page.LSN { return c.queue.VDL() }

// WaitDurable implements Volume.
func (c *Client) WaitDurable(ctx context.Context, lsn page.LSN) error {
	if c.VDL() >= lsn {
		return nil
	}
	c.hurry(lsn)
	w := wait.Begin(ctx)
	defer w.End()
	return c.queue.WaitDurable(ctx, lsn)
}

// OnDurable implements Volume. fn runs in the client's commit goroutine, in LSN order.
func (c *Client) OnDurable(lsn page.LSN, fn func(error)) {
	if c.VDL() < lsn {
		c.want(lsn)
	}
	c.queue.OnDurable(lsn, fn)
}

// SetReadFloor implements Volume. It only rises.
func (c *Client) SetReadFloor(lsn page.LSN) {
	for {
		old := c.floor.Load()
		if uint64(lsn) <= old || c.floor.CompareAndSwap(old, uint64(lsn)) {
			return
		}
	}
}

// Pages implements Volume.
func (c *Client) Pages() uint64 { return uint64(c.npg.Load()) * uint64(c.desc.PagesPerPG) }

// PagesPerPG implements Volume.
func (c *Client) PagesPerPG() uint32 { return c.desc.PagesPerPG }

// Epoch implements Volume.
func (c *Client) Epoch() uint64 { return c.epoch }

// acked takes a frame's ack. An error says that the node must be joined again and the frame sent again.
func (c *Client) acked(l *link, a *proto.AppendAck) error {
	if a.Epoch > c.epoch {
		c.die(fmt.Errorf("node %s knows epoch %d, ours is %d: %w", l.id, a.Epoch, c.epoch, ErrFenced))
		return ErrFenced
	}
	if a.Status != proto.OK {
		return fmt.Errorf("%w: node answers status %d", errRefused, a.Status)
	}
	var again error
	c.tmu.Lock()
	c.feed()
	advanced, news := false, false
	for i := range a.Segments {
		s := &a.Segments[i]
		l.mu.Lock()
		var at seg
		known := l.seg(s.PG)
		if known != nil {
			at = *known
			if s.Incarnation >= known.inc {
				news = news || known.status != s.Status
				known.status = s.Status
			}
		}
		l.mu.Unlock()
		if known == nil {
			continue
		}
		switch {
		case s.Incarnation < at.inc && !c.o.Mutants.Has(quorum.WipedMemberVotes):
			// Of a former life: the frame was under way when the new one began.
		case s.Status == proto.OK && (s.Incarnation == at.inc && at.counts || c.o.Mutants.Has(quorum.WipedMemberVotes)):
			adv, err := c.tracker.Ack(s.PG, at.slot, s.SCL)
			if err != nil {
				again = err // a node that promises what it was never sent
			}
			advanced = advanced || adv
		case s.Status == proto.OK || s.Status == proto.StatusHydrating:
			// It has the records but no vote yet.
		case s.Status == proto.StatusNoSegment || s.Status == proto.StatusRetired:
			// It takes nothing until it is repaired; the node's other segments go on.
		default:
			again = fmt.Errorf("%w: PG %d answers status %d", errRefused, s.PG, s.Status)
		}
	}
	c.tmu.Unlock()
	if news {
		c.heard(l, a.Segments)
		c.disband()
	}
	if advanced {
		select {
		case c.durable <- struct{}{}:
		default:
		}
	}
	return again
}

// feed tells the tracker of what was published. tmu is held.
func (c *Client) feed() {
	end := c.ring.published.Load()
	for ; c.fed < end; c.fed++ {
		e := c.ring.run(c.fed)
		c.tracker.Append(e.pg, e.last, e.cpl, c.fed+1)
	}
}

// commits raises VDL in the commit queue: one goroutine, so that waiters wake in LSN order.
func (c *Client) commits() {
	for {
		select {
		case <-c.durable:
			c.tmu.Lock()
			vdl := c.tracker.VDL()
			c.tmu.Unlock()
			c.queue.Advance(vdl)
			c.pace.durable(vdl, time.Now())
			c.stat.advances.Add(1)
			if taps := c.taps.Load(); taps != nil {
				for _, t := range *taps {
					t.kick()
				}
			}
			c.release()
		case <-c.done:
			return
		}
	}
}

// release moves the ring's tail to what VDL has passed and every cursor that keeps up has behind it. Whoever finds another at
// it leaves the work to that one, which looks again before it goes.
func (c *Client) release() {
	for {
		c.again.Store(true)
		if !c.rel.TryLock() {
			return
		}
		for c.again.Swap(false) {
			c.releaseOnce()
		}
		c.rel.Unlock()
		if !c.again.Load() {
			return
		}
	}
}

func (c *Client) releaseOnce() {
	c.tmu.Lock()
	tail, vdl := c.tracker.VDLTag(), c.tracker.VDL()
	c.tmu.Unlock()
	var slow []*link
	for _, l := range *c.links.Load() {
		run, pinned := l.held()
		if run >= tail {
			continue
		}
		if !pinned && c.ring.lag(run) > c.ring.size/2 {
			slow = append(slow, l)
			continue
		}
		tail = run
	}
	if taps := c.taps.Load(); taps != nil {
		for _, t := range *taps {
			tail = t.hold(tail)
		}
	}
	for _, l := range slow {
		if !l.passOver(tail) {
			run, _ := l.held()
			tail = min(tail, run)
		}
	}
	c.ring.free(tail, max(vdl, c.base)+c.o.LAL)
}

// beats sends what idle segments must hear.
func (c *Client) beats() {
	t := time.NewTicker(c.o.Heartbeat)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			for _, l := range *c.links.Load() {
				l.due()
			}
			c.chooseReserves()
			c.release()
		case <-c.done:
			return
		}
	}
}
