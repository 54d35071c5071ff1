package volume

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/zoryadb/zorya/storage/page"
	"github.com/zoryadb/zorya/storage/proto"
)

// link is the writer's side of one storage node: a cursor on the ring, and what is known of the node's segments.
//
// A frame goes when somebody waits for what would be in it, when enough has gathered, or with the next heartbeat: most MTRs of a transaction
// are waited for by nobody but its commit, and travel in the commit's frame.
//
// A link joins by fencing its node again (a node that slept through the recovery learns the epoch and the truncation by
// that), then sends what its cursor has before it: as much as there is, at once, up to the frame's bound, with at
// most two frames unacknowledged. What arrives meanwhile makes the next frame. After any error it joins anew. A node
// that lags half a ring behind is passed over: what it missed it gets from its peers.
type link struct {
	c  *Client
	id proto.NodeID

	reserve atomic.Bool // see reserve.go

	idle atomic.Bool   // the sender sleeps: whoever has news wakes it
	wake chan struct{} // has room for one
	ewma atomic.Int64  // page read latency, ns; see read.go
	fail atomic.Int64  // when a read last failed, ns of Client.now

	// sent and from say how far the cursor is, for those who ask without the lock whether the link has something to send: the newest LSN that
	// it has passed (0: unknown), and its position in the ring.
	sent, from atomic.Uint64

	mu      sync.Mutex
	node    proto.Node // nil until it was found
	segs    []seg      // by PG
	joined  bool
	broken  error // join again once nothing is under way
	pause   time.Duration
	next    atomic.Uint64 // run index of the cursor; changed under mu
	acked   uint64        // runs below are acknowledged; nothing of the ring below is referenced
	frames  [maxInFlight]*outFrame
	oldest  int // of frames
	flying  int
	ackTime time.Duration // of a frame, of late
	ackBest time.Duration // the least of late; it creeps up
	count   uint64        // frames, ever
	settle  []settling
	beat    bool // a heartbeat is due
	stat    LinkStats
	lastErr error
	warned  time.Time // zero: all is well as far as the log knows
}

// lazyBytes and lazyRuns are what may gather while nobody waits for it; small rings let less (Client.urgent).
const (
	lazyBytes = 32 << 10
	lazyRuns  = 1 << 10
)

// urgent reports whether a link has something to send that should not wait for more.
func (c *Client) urgent(l *link) bool {
	r := c.ring
	end := r.published.Load()
	next := l.next.Load()
	if next >= end {
		return false
	}
	released, bytes, runs := c.pace.released.Load(), uint64(lazyBytes), uint64(lazyRuns)
	if l.reserve.Load() {
		released, bytes, runs = c.pace.called.Load(), reserveBytes, runs*reserveBytes/lazyBytes
	}
	return min(released, r.pubLSN.Load()) > l.sent.Load() ||
		r.pubPos.Load()-l.from.Load() >= min(bytes, r.size/8) ||
		end-next >= min(runs, uint64(len(r.runs)/8))
}

// want says that one more waits for VDL to reach lsn.
func (c *Client) want(lsn page.LSN) {
	if lsn == proto.MaxLSN || c.pace.passed(lsn) { // who waits for the end of the volume waits for no record
		return
	}
	if c.pace.want(lsn, c.queue.Waiting()+1, time.Now(), c.holdEnds) {
		c.wakeLinks()
	}
}

// hurry is want for one whom others wait for, so that its wait must not be made longer to share a frame: a transaction that needs to know that what
// it saw is durable does so with its locks held, and everybody in line for them stands still meanwhile.
func (c *Client) hurry(lsn page.LSN) {
	c.want(lsn)
	if lsn != proto.MaxLSN && !c.pace.passed(lsn) {
		c.releaseHeld()
	}
}

// Queued tells the client how it learns whether connections queue for processors. queue is called under the pacer's lock.
func (c *Client) Queued(queue func() bool) {
	c.pace.mu.Lock()
	defer c.pace.mu.Unlock()
	c.pace.busy = queue
}

// holdEnds is the timer of a hold.
func (c *Client) holdEnds() {
	if c.pace.timeUp(time.Now()) {
		c.wakeLinks()
	}
}

// releaseHeld ends a hold of the pacer.
func (c *Client) releaseHeld() {
	c.pace.releaseNow(time.Now())
	c.wakeLinks()
}

// press says that somebody waits for room in the log, which comes when VDL reaches lsn: that is no time to gather more.
func (c *Client) press(lsn page.LSN) {
	c.want(lsn)
	c.releaseHeld()
	c.callReserves() // room comes when they have passed it, too
}

// wakeLinks wakes the senders that sleep and have something urgent.
func (c *Client) wakeLinks() {
	for _, l := range *c.links.Load() {
		if l.idle.Load() && c.urgent(l) {
			l.kick()
		}
	}
}

// queueing is how many times their least time acks take when frames wait for one another.
const queueing = 2

// maxInFlight bounds the unacknowledged frames of a node.
const maxInFlight = 2

// seg is what a link knows of its node's segment of a PG.
type seg struct {
	slot    int // index in the membership, -1: the node holds no member
	inc     uint64
	members uint64 // membership epoch
	counts  bool   // inc is the incarnation in the membership
	quiet   bool   // no frame since the last heartbeat
	status  proto.Status
}

// settling waits for the frames before one.
type settling struct {
	until uint64 // of count
	done  chan struct{}
}

// absent reports whether there is nothing on the node that takes records of the PG.
func (s *seg) absent() bool {
	return s.status == proto.StatusNoSegment || s.status == proto.StatusRetired
}

// outFrame is a frame that is reused: its callback and slices stay.
type outFrame struct {
	l    *link
	f    proto.AppendFrame
	end  uint64   // run index behind it
	last page.LSN // newest before end; 0 if there is nothing new
	over bool
	ok   bool
	sent time.Time
	done func(*proto.AppendAck, error)
}

func newLink(c *Client, id proto.NodeID) *link {
	l := &link{c: c, id: id, wake: make(chan struct{}, 1)}
	l.acked = c.ring.tail()
	l.moveTo(l.acked, 0)
	for i := range l.frames {
		o := &outFrame{l: l}
		o.done = o.finish
		l.frames[i] = o
	}
	return l
}

// moveTo sets the cursor. sent is the newest LSN below it, 0 when that is not known. mu is held.
func (l *link) moveTo(run uint64, sent page.LSN) {
	l.from.Store(l.c.ring.position(run))
	l.sent.Store(uint64(sent))
	l.next.Store(run)
}

// peer returns the node, looking for it if it was not found yet.
func (l *link) peer() (proto.Node, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.node == nil {
		n, err := l.c.dialer.Dial(l.id)
		if err != nil {
			return nil, fmt.Errorf("node %s: %w", l.id, err)
		}
		l.node = n
	}
	return l.node, nil
}

func (l *link) kick() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// seg returns the entry for a PG, nil when the node holds none. mu is held.
func (l *link) seg(pg proto.PG) *seg {
	if int(pg) >= len(l.segs) || l.segs[pg].slot < 0 {
		return nil
	}
	return &l.segs[pg]
}

// setSeg makes the node a member of a PG.
func (l *link) setSeg(pg proto.PG, s seg) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.segs) <= int(pg) {
		l.segs = append(l.segs, seg{slot: -1})
	}
	l.segs[pg] = s
}

// run is the sender's goroutine.
func (l *link) run() {
	pause := time.NewTimer(0)
	defer pause.Stop()
	for l.c.Err() == nil {
		switch wait, did := l.step(); {
		case did:
		case wait > 0:
			pause.Reset(wait)
			select {
			case <-pause.C:
			case <-l.c.done:
			}
		default:
			l.idle.Store(true)
			if !l.ready() {
				select {
				case <-l.wake:
				case <-l.c.done:
				}
			}
			l.idle.Store(false)
			// Whoever can run now may have something for the frame. When nobody can, this is nothing.
			runtime.Gosched()
		}
	}
}

// step does one thing, or says how long to pause; (0, false) means that there is nothing to do.
func (l *link) step() (pause time.Duration, did bool) {
	l.mu.Lock()
	if l.broken != nil {
		if l.flying > 0 {
			l.mu.Unlock()
			return 0, false
		}
		err := l.broken
		l.joined, l.broken = false, nil
		l.moveTo(l.acked, 0)
		l.stat.Rejoins++
		l.mu.Unlock()
		return l.backoff(err), false
	}
	joined := l.joined
	l.mu.Unlock()
	if !joined {
		if err := l.join(); err != nil {
			return l.backoff(err), false
		}
		return 0, true
	}
	return 0, l.send()
}

// warnEvery bounds the log lines about a node that stays away.
const warnEvery = 10 * time.Second

// backoff doubles the pause before the next attempt to join, up to the bound.
func (l *link) backoff(err error) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pause = min(max(2*l.pause, 5*time.Millisecond), l.c.o.MaxBackoff)
	if l.lastErr = err; l.warned.IsZero() || time.Since(l.warned) > warnEvery {
		l.c.log.Warn("storage node does not take part", "node", l.id, "err", err)
		l.warned = time.Now()
	}
	return l.pause
}

// ready reports whether step has something to do.
func (l *link) ready() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.canStep()
}

// canStep is ready with mu held.
func (l *link) canStep() bool {
	if l.broken != nil || !l.joined {
		return l.flying == 0
	}
	return l.mayFill()
}

// mayFill reports whether it is time for another frame. A second one, which the node persists after the first in any case, waits until the first
// has been away for half of the usual time or much has gathered: sent at once it would carry little, and the rest would make a third. When acks
// take much longer than they can, the node or we are short of processor or disk, and another frame would make the queue longer and nothing
// faster: then the second goes when the first is overdue, and carries what has come until then, as a group commit does. mu is held.
func (l *link) mayFill() bool {
	switch {
	case l.flying == maxInFlight || !l.beat && !l.c.urgent(l):
		return false
	case l.flying == 0 || l.c.ring.pubPos.Load()-l.from.Load() >= 2*lazyBytes:
		return true
	}
	patience := l.ackTime / 2
	if l.ackTime > queueing*l.ackBest {
		patience = l.ackTime
	}
	return time.Since(l.frames[l.oldest].sent) >= patience
}

// send puts the next frame on its way. False means that there is nothing to send or two are under way.
func (l *link) send() bool {
	l.mu.Lock()
	if l.broken != nil || !l.mayFill() {
		l.mu.Unlock()
		return false
	}
	o := l.frames[(l.oldest+l.flying)%maxInFlight]
	l.fill(o)
	l.moveTo(o.end, o.last)
	if len(o.f.Runs) == 0 { // nothing for this node
		if l.flying == 0 {
			l.acked = o.end
		}
		l.mu.Unlock()
		return false
	}
	l.flying++
	l.count++
	o.over, o.ok, o.sent = false, false, time.Now()
	node := l.node // joined, so it was found
	l.mu.Unlock()
	node.Append(&o.f, o.done)
	return true
}

// fill makes a frame of what is before the cursor, or of a heartbeat that is due. mu is held, so the tail stays below the cursor.
func (l *link) fill(o *outFrame) {
	c := l.c
	o.f.Runs, o.f.Records = o.f.Runs[:0], o.f.Records[:0]
	end := c.ring.published.Load()
	size := 0
	behind := ^uint64(0) // position behind the last piece: neighbours in the ring make one piece
	at := l.next.Load()
	o.last = page.LSN(l.sent.Load())
	for ; at < end; at++ {
		e := c.ring.run(at)
		s := l.seg(e.pg)
		if s == nil || s.absent() {
			o.last = e.last
			continue // it gets what it misses from its peers once it is repaired
		}
		if size += int(e.n); size > c.o.FrameBytes && len(o.f.Runs) > 0 {
			break
		}
		o.last = e.last
		s.quiet = false
		if k := len(o.f.Records); e.pos == behind && e.pos&(c.ring.size-1) != 0 {
			o.f.Records[k-1] = c.ring.span(e.pos-uint64(len(o.f.Records[k-1])), behind+uint64(e.n))
		} else {
			o.f.Records = append(o.f.Records, c.ring.span(e.pos, e.pos+uint64(e.n)))
		}
		behind = e.pos + uint64(e.n)
		if k := len(o.f.Runs); k > 0 && o.f.Runs[k-1].PG == e.pg {
			o.f.Runs[k-1].Bytes += e.n
		} else {
			o.f.Runs = append(o.f.Runs, proto.Run{PG: e.pg, Incarnation: s.inc, MembershipEpoch: s.members, Bytes: e.n})
		}
		l.stat.Bytes += uint64(e.n)
	}
	o.end = at
	if l.beat {
		l.beat = false
		for pg := range l.segs {
			if s := &l.segs[pg]; s.slot >= 0 && s.quiet && !s.absent() {
				o.f.Runs = append(o.f.Runs, proto.Run{PG: proto.PG(pg), Incarnation: s.inc, MembershipEpoch: s.members})
			}
			l.segs[pg].quiet = true
		}
	}
	if len(o.f.Runs) == 0 {
		return
	}
	l.stat.Frames++
	o.f.Volume, o.f.Timeline, o.f.Epoch, o.f.History = c.desc.Volume, c.desc.Timeline, c.epoch, c.history.Version
	o.f.VDL = c.VDL()
	o.f.MRPL = min(page.LSN(c.floor.Load()), o.f.VDL)
}

// finish takes a frame's ack, in any of the node's goroutines.
func (o *outFrame) finish(ack *proto.AppendAck, err error) {
	l := o.l
	if err == nil {
		err = l.c.acked(l, ack)
	}
	l.mu.Lock()
	o.over, o.ok = true, err == nil
	if err != nil {
		if l.broken == nil {
			l.broken = err
		}
	} else {
		if !l.warned.IsZero() {
			l.c.log.Info("storage node takes part again", "node", l.id)
			l.warned = time.Time{}
		}
		l.pause = 0
		l.tookUntilAck(time.Since(o.sent))
	}
	for l.flying > 0 && l.frames[l.oldest].over {
		first := l.frames[l.oldest]
		if first.ok && l.broken == nil {
			l.acked = first.end
		}
		l.oldest = (l.oldest + 1) % maxInFlight
		l.flying--
	}
	for len(l.settle) > 0 && l.settle[0].until <= l.count-uint64(l.flying) {
		close(l.settle[0].done)
		l.settle = l.settle[1:]
	}
	more := l.canStep()
	l.mu.Unlock()
	if err != nil {
		l.c.disband()
	}
	l.c.release()
	if more && l.idle.Load() {
		l.kick()
	}
}

// tookUntilAck takes note of how long an ack took. mu is held.
func (l *link) tookUntilAck(d time.Duration) {
	l.stat.AckNanos += uint64(d)
	l.ackTime += (d - l.ackTime) / 8
	if l.ackBest += l.ackBest >> 12; l.ackBest == 0 || d < l.ackBest { // doubles within 3,000 frames that are all slower
		l.ackBest = d
	}
}

// settled waits until the frames that are under way now are answered, but not longer than d.
func (l *link) settled(d time.Duration) {
	l.mu.Lock()
	if l.flying == 0 {
		l.mu.Unlock()
		return
	}
	w := settling{l.count, make(chan struct{})}
	l.settle = append(l.settle, w)
	l.mu.Unlock()
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-w.done:
	case <-t.C:
	case <-l.c.done:
	}
}

// errRefused is why a link joins again although its node answers.
var errRefused = errors.New("frame refused")

// join fences the node under our epoch and history and learns how its segments stand.
func (l *link) join() error {
	c := l.c
	node, err := l.peer()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.ctx, c.o.CallTimeout)
	defer cancel()
	req := &proto.FenceRequest{Volume: c.desc.Volume, Timeline: c.desc.Timeline, Epoch: c.epoch, Writer: c.writer, History: c.history}
	revived := c.stat.revived.Load()
	pgs := c.npg.Load() // those created later may be missing in the answer
	p, err := node.Fence(ctx, req)
	switch {
	case err != nil:
		return fmt.Errorf("join: %w", err)
	case p.Epoch > c.epoch || p.History.Version>>16 > c.epoch:
		c.die(fmt.Errorf("node %s knows epoch %d, ours is %d: %w", l.id, p.Epoch, c.epoch, ErrFenced))
		return ErrFenced
	case p.Status == proto.StatusNoSegment:
	case p.Status != proto.OK:
		return fmt.Errorf("join: node answers status %d", p.Status)
	}
	c.sampled(l, p, pgs, revived)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.joined, l.lastErr = true, nil
	l.beat = true
	for i := range l.segs {
		l.segs[i].quiet = true
	}
	return nil
}

// held is the run below which the link needs nothing; pinned says that frames are under way.
func (l *link) held() (run uint64, pinned bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.acked, l.flying > 0
}

// passOver moves the cursor of a link that lags to the tail, unless frames are still under way.
func (l *link) passOver(tail uint64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.flying > 0 {
		return false
	}
	if l.acked < tail {
		l.acked = tail
		l.moveTo(tail, 0)
		l.stat.PassedOver++
	}
	return true
}

// due asks for a heartbeat.
func (l *link) due() {
	l.mu.Lock()
	l.beat = true
	l.mu.Unlock()
	if l.idle.Load() {
		l.kick()
	}
}
