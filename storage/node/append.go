package node

import (
	"errors"
	"sync"
	"syscall"

	"github.com/zoryadb/zorya/storage/page"
	"github.com/zoryadb/zorya/storage/proto"
	"github.com/zoryadb/zorya/storage/segment"
)

// batch is what one fdatasync makes durable: the frames of all connections that arrived while the one before was
// on its way.
type batch struct {
	seq     uint64
	buf     []byte // header, then entries
	entries uint32
	recs    []segment.Rec
	runs    []batchRun
	next    int // of runs, to be organised
	waiters []waiter
	items   []waitItem
}

// batchRun is an entry: records of one segment, to be organised once they are durable.
type batchRun struct {
	seg        *segment.Segment
	lo, hi     int // in buf
	rec0, rec1 int // in recs
	tip        page.LSN
}

// waitItem is a ticket that the batch completes.
type waitItem struct {
	seg    *segment.Segment
	ticket uint64
	slot   int // in the ack's Segments; -1: nobody asks
}

// waiter is a frame to be acknowledged.
type waiter struct {
	done           func(*proto.AppendAck, error)
	ack            *proto.AppendAck
	epoch, history uint64
	item0, item1   int
}

func newBatch() *batch { return &batch{buf: make([]byte, batchHeader, 64<<10)} }

func (b *batch) reset() {
	for i := range b.waiters {
		b.waiters[i] = waiter{}
	}
	b.buf, b.entries, b.recs, b.runs, b.next = b.buf[:batchHeader], 0, b.recs[:0], b.runs[:0], 0
	b.waiters, b.items = b.waiters[:0], b.items[:0]
	if cap(b.buf) > 16<<20 {
		b.buf = make([]byte, batchHeader, 64<<10)
	}
}

// add puts records that a segment kept into the batch; raw is what their offsets refer to.
func (b *batch) add(seg *segment.Segment, h entryHead, raw []byte, keep []segment.Rec, tip page.LSN) {
	at := len(b.buf)
	b.buf = append(b.buf, make([]byte, entryHeader)...)
	lo, rec0 := len(b.buf), len(b.recs)
	for i := range keep {
		r := keep[i]
		off := len(b.buf) - lo
		b.buf = append(b.buf, raw[r.Off:r.Off+r.Len]...)
		r.Off = uint32(off)
		b.recs = append(b.recs, r)
	}
	h.length = uint32(len(b.buf) - lo)
	h.encode(b.buf[at:])
	b.entries++
	b.runs = append(b.runs, batchRun{seg: seg, lo: lo, hi: len(b.buf), rec0: rec0, rec1: len(b.recs), tip: tip})
}

// parseScratch is what parsing a frame needs.
type parseScratch struct {
	flat []byte
	recs []segment.Rec
}

var scratches = sync.Pool{New: func() any { return new(parseScratch) }}

// flatten returns the frame's record bytes in one piece.
func (sc *parseScratch) flatten(pieces [][]byte) []byte {
	if len(pieces) == 1 {
		return pieces[0]
	}
	sc.flat = sc.flat[:0]
	for _, p := range pieces {
		sc.flat = append(sc.flat, p...)
	}
	return sc.flat
}

// Append implements proto.Node. It parses and verifies outside of any lock, offers the records to their segments, and leaves
// the rest to the sync loop; it never waits for the disk.
func (n *Node) Append(f *proto.AppendFrame, done func(*proto.AppendAck, error)) {
	if n.offer(f, done) {
		n.wakeSync()
	}
}

// AppendLater is Append by a goroutine that calls Sync before it waits for anything.
func (n *Node) AppendLater(f *proto.AppendFrame, done func(*proto.AppendAck, error)) {
	n.offer(f, done)
}

// Sync makes durable what was appended, in the caller's goroutine: a frame is received, persisted, acknowledged and organised without a
// switch to another. What came meanwhile, or needs more than a write and a sync, is the sync loop's, so that nobody works for others for long. acked is
// called after the acknowledgements, before what nobody waits for, if there was anything to acknowledge.
func (n *Node) Sync(acked func()) {
	if !n.gathered() {
		return
	}
	if n.lead.TryLock() {
		if n.stuck == nil {
			n.round(acked, false)
		}
		stuck := n.stuck != nil
		n.lead.Unlock()
		if !stuck && !n.gathered() {
			return
		}
	}
	n.wakeSync() // it waits for who leads
}

// gathered reports whether the present batch has something in it.
func (n *Node) gathered() bool {
	n.qmu.Lock()
	defer n.qmu.Unlock()
	return !n.cur.empty()
}

func (b *batch) empty() bool { return len(b.waiters) == 0 && len(b.items) == 0 }

// offer is Append without a word to the sync loop; true means that it is due.
func (n *Node) offer(f *proto.AppendFrame, done func(*proto.AppendAck, error)) (due bool) {
	if n.closed.Load() {
		done(nil, errClosed)
		return false
	}
	sc := scratches.Get().(*parseScratch)
	defer scratches.Put(sc)
	raw := sc.flatten(f.Records)
	total := 0
	for i := range f.Runs {
		total += int(f.Runs[i].Bytes)
		if total > len(raw) {
			break
		}
	}
	if total != len(raw) || len(raw) > n.maxFrame() {
		done(&proto.AppendAck{Status: proto.StatusBad}, nil)
		return false
	}
	n.m.frames.Inc()
	var refusal proto.Status
	if len(raw) > 0 {
		refusal = n.refusal()
	}
	sc.recs = sc.recs[:0]
	var err error
	if refusal == proto.OK {
		if sc.recs, err = segment.ParseRecs(sc.recs, raw); err != nil {
			n.log.Warn("malformed frame", "volume", f.Volume, "err", err)
			done(&proto.AppendAck{Status: proto.StatusBad}, nil)
			return false
		}
	}
	return n.take(f, raw, sc.recs, refusal, done)
}

// refusal says why no records can be taken now, or OK.
func (n *Node) refusal() proto.Status {
	switch {
	case n.retired.Load():
		return proto.StatusRetired
	case n.full.Load():
		return proto.StatusFull
	case n.index.Load() > n.opt.IndexBytes:
		return proto.StatusBusy
	}
	return proto.OK
}

func (n *Node) maxFrame() int { return int(n.opt.QueueFileBytes/2) - queueHeader }

// take offers a parsed frame to its segments under the queue's lock, so that frames of one caller stay in order. True means that the sync
// loop is due.
func (n *Node) take(f *proto.AppendFrame, raw []byte, recs []segment.Rec, refusal proto.Status, done func(*proto.AppendAck, error)) bool {
	ack := &proto.AppendAck{Epoch: f.Epoch, Segments: make([]proto.SegmentStatus, len(f.Runs))}
	n.qmu.Lock()
	if n.stopped {
		n.qmu.Unlock()
		done(nil, errClosed)
		return false
	}
	b := n.cur
	if refusal == proto.OK && len(raw) > 0 && len(b.buf)+len(raw) > n.maxBatch() && len(b.buf) > batchHeader {
		refusal = proto.StatusBusy
	}
	item0 := len(b.items)
	off := 0
	for i := range f.Runs {
		run := &f.Runs[i]
		end := off + int(run.Bytes)
		k := 0
		for k < len(recs) && int(recs[k].Off) < end {
			k++
		}
		mine := recs[:k]
		recs = recs[k:]
		ack.Segments[i] = n.takeRun(b, f, run, raw, mine, off, end, refusal, i)
		off = end
	}
	waits := len(b.items) > item0
	if waits {
		b.waiters = append(b.waiters, waiter{done: done, ack: ack, epoch: f.Epoch, history: f.History, item0: item0, item1: len(b.items)})
	}
	n.qmu.Unlock()
	if !waits {
		done(ack, nil) // a heartbeat, a refusal, or nothing new: the disk has no part in it
	}
	return waits
}

// takeRun offers one run. An answer other than OK and StatusHydrating is final.
func (n *Node) takeRun(b *batch, f *proto.AppendFrame, run *proto.Run, raw []byte, recs []segment.Rec, off, end int,
	refusal proto.Status, slot int) proto.SegmentStatus {
	out := proto.SegmentStatus{PG: run.PG, Incarnation: run.Incarnation}
	key := proto.SegmentKey{Volume: f.Volume, PG: run.PG}
	seg := n.segment(key)
	if seg == nil {
		out.Status = proto.StatusNoSegment
		return out
	}
	if len(recs) > 0 && (int(recs[0].Off) != off || int(recs[len(recs)-1].Off+recs[len(recs)-1].Len) != end) {
		out.Status = proto.StatusBad
		return out
	}
	for i := range recs {
		if !seg.Owns(&recs[i]) || recs[i].Epoch > f.Epoch {
			out.Status = proto.StatusBad
			return out
		}
	}
	if refusal != proto.OK {
		recs = nil // VDL and MRPL are heard all the same: they are what makes room
	}
	st, keep, ticket, tip := seg.Offer(f, run, recs)
	if st != proto.OK && st != proto.StatusHydrating {
		out.Status = st
		return out
	}
	switch {
	case len(keep) > 0:
		b.add(seg, entryHead{key: key, incarnation: run.Incarnation, epoch: f.Epoch, vdl: f.VDL, mrpl: f.MRPL}, raw, keep, tip)
		b.items = append(b.items, waitItem{seg, ticket, slot})
	case refusal != proto.OK && run.Bytes > 0:
		out.Status = refusal
	case run.Bytes > 0 && seg.Underway(ticket):
		// Gossip brought these records first, in this batch or one before it: the answer waits for that, or it would carry an older SCL.
		b.items = append(b.items, waitItem{seg, ticket, slot})
	default:
		return seg.Synced(0, f.Epoch, f.History)
	}
	return out
}

func (n *Node) maxBatch() int { return min(4<<20, n.maxFrame()) }

func (n *Node) wakeSync() {
	select {
	case n.wake <- struct{}{}:
	default:
	}
}

// syncLoop is the foreground for what no caller of Sync sees to: whatever has arrived becomes durable together, then is acknowledged, then goes to
// the organiser.
func (n *Node) syncLoop() {
	defer n.wg.Done()
	defer close(n.toOrganise)
	for {
		select {
		case <-n.wake:
		case <-n.quit:
		}
		n.lead.Lock()
		idle := n.stuck == nil && !n.gathered()
		n.round(nil, true)
		stop := idle && n.stop()
		n.lead.Unlock()
		if stop {
			return
		}
	}
}

// round takes the present batch through the foreground. lead is held. A round that may not wait (for disk space, for a file of the queue, for the
// organiser) leaves the batch where it is, or in n.stuck, to be the next round's.
func (n *Node) round(acked func(), wait bool) {
	b := n.stuck
	n.stuck = nil
	if b == nil {
		if !wait && len(n.spare) == 0 {
			return
		}
		next := <-n.spare // comes back from the organiser: at most four batches are in memory
		n.qmu.Lock()
		b = n.cur
		n.cur = next
		n.qmu.Unlock()
	}
	if b.empty() {
		if wait {
			n.vouch(b)
		}
		b.reset()
		n.spare <- b
		return
	}
	err := n.persist(b, wait)
	if errors.Is(err, errWait) {
		n.stuck = b
		return
	}
	n.dropped = err
	n.acknowledge(b, err)
	if acked != nil {
		acked()
	}
	if err != nil {
		b.reset()
		n.spare <- b
		return
	}
	// A small batch is organised at once when the organiser has nothing before it: to wake it would cost as much.
	if len(b.buf) > organiseAtOnce || n.organising.Load() > 0 || !n.organiseBatch(b, false) {
		n.organising.Add(1)
		n.toOrganise <- b
	}
}

// errWait means that a batch could be persisted only after a wait.
var errWait = errors.New("no space yet")

// organiseAtOnce bounds the batches, in bytes, that the sync loop organises itself: some tens of microseconds.
const organiseAtOnce = 64 << 10

// vouch writes an empty batch after the last one when the node has gone idle, or closes: it says that the last was durable, so that rot in
// it cannot pass for a torn tail.
func (n *Node) vouch(b *batch) {
	idle := n.idle.Swap(false) || n.closed.Load()
	again := n.vouchAgain.Load()
	if !idle || (n.q.vouched >= n.q.seq && !again) || n.retired.Load() || n.full.Load() {
		return
	}
	if err := n.q.write(b.buf[:batchHeader], 0); err != nil {
		n.log.Warn("update queue", "err", err)
		var se *syncError
		if errors.As(err, &se) {
			n.retireAll(err)
		}
		return
	}
	n.q.vouched = n.q.seq
	if again {
		n.vouchAgain.Store(false)
	}
}

// stop ends the foreground once the node is closed and nothing is left to do.
func (n *Node) stop() bool {
	n.qmu.Lock()
	defer n.qmu.Unlock()
	n.stopped = n.closed.Load() && n.cur.empty() && n.stuck == nil
	return n.stopped
}

// persist makes a batch durable. A full disk is waited out, or errWait returned; a failed sync retires the node.
func (n *Node) persist(b *batch, wait bool) error {
	if n.retired.Load() {
		return errRetired
	}
	if n.dropped != nil || b.entries == 0 { // one without entries waits for those before it: it must not speak for one that failed
		return n.dropped
	}
	if !wait && !n.q.roomFor(len(b.buf)) {
		return errWait
	}
	for {
		err := n.q.write(b.buf, b.entries)
		if err == nil {
			b.seq = n.q.seq
			n.m.batches.Inc()
			n.m.queueBytes.Add(float64(len(b.buf)))
			n.queued.Add(int64(len(b.buf)))
			return nil
		}
		if errors.Is(err, syscall.ENOSPC) {
			n.stepBack(err)
			if !wait {
				return errWait
			}
			if n.waitSpace() {
				continue
			}
			return errClosed
		}
		if errors.Is(err, errClosed) {
			return err
		}
		n.retireAll(err)
		return err
	}
}

func (n *Node) acknowledge(b *batch, err error) {
	for i := range b.waiters {
		w := &b.waiters[i]
		if err != nil {
			if w.done != nil {
				w.done(nil, err)
			}
			continue
		}
		for j := w.item0; j < w.item1; j++ {
			it := &b.items[j]
			st := it.seg.Synced(it.ticket, w.epoch, w.history)
			if it.slot >= 0 {
				w.ack.Segments[it.slot] = st
			}
		}
		if w.done != nil {
			w.done(w.ack, nil)
		}
	}
}

// organiseLoop moves durable records into their segments' files and indexes.
func (n *Node) organiseLoop() {
	defer n.wg.Done()
	for b := range n.toOrganise {
		n.organiseBatch(b, true)
		n.organising.Add(-1)
	}
}

// organiseBatch moves a batch into its segments' files and indexes and gives it back. When the disk is full it waits for space, or returns false
// without having moved all: then it is called again.
func (n *Node) organiseBatch(b *batch, wait bool) bool {
	pending := n.index.Load() > n.opt.IndexBytes*3/4
	for ; b.next < len(b.runs); b.next++ {
		r := &b.runs[b.next]
		if !n.organise(r.seg, b.buf[r.lo:r.hi], b.recs[r.rec0:r.rec1], r.tip, wait) {
			return false
		}
		pending = pending || r.seg.Pending()
		r.seg = nil
	}
	if b.entries > 0 {
		n.organised.Store(b.seq)
		n.queued.Add(-int64(len(b.buf)))
	}
	b.reset()
	n.spare <- b
	if pending {
		n.wakeWork()
	}
	if n.q.waiting() > 0 {
		n.wakeCheckpoint()
	}
	return true
}

func (n *Node) organise(seg *segment.Segment, raw []byte, recs []segment.Rec, tip page.LSN, wait bool) bool {
	for {
		err := seg.Organise(raw, recs, tip)
		switch {
		case err == nil || errors.Is(err, segment.ErrClosed):
			return true
		case errors.Is(err, syscall.ENOSPC):
			n.stepBack(err)
			if !wait {
				return false
			}
			if !n.waitSpace() {
				return true // the update queue still holds it
			}
		default:
			n.retire(seg, err)
			return true
		}
	}
}
