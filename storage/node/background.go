package node

import (
	"context"
	"errors"
	"syscall"
	"time"

	"github.com/zoryadb/zorya/storage/page"
	"github.com/zoryadb/zorya/storage/proto"
	"github.com/zoryadb/zorya/storage/segment"
)

func (n *Node) wakeWork() {
	select {
	case n.work <- struct{}{}:
	default:
	}
}

func (n *Node) wakeCheckpoint() {
	select {
	case n.checkpoint <- struct{}{}:
	default:
	}
}

// background judges an error of background work: a full disk steps back, damage is repaired, anything else
// that the disk did retires the segment.
func (n *Node) background(s *segment.Segment, what string, err error) {
	var d *segment.Damage
	switch {
	case err == nil || errors.Is(err, segment.ErrClosed):
	case errors.Is(err, syscall.ENOSPC):
		n.stepBack(err)
	case errors.As(err, &d):
		n.log.Warn("damage found", "segment", s.Key(), "during", what, "err", err)
	default:
		n.retire(s, err)
	}
}

// retire ends a segment's life.
func (n *Node) retire(s *segment.Segment, cause error) {
	n.log.Error("segment retires", "segment", s.Key(), "err", cause)
	n.m.retired.Inc()
	s.Retire(cause)
}

// retireAll ends the node's life: the update queue is in doubt.
func (n *Node) retireAll(cause error) {
	if n.retired.Swap(true) {
		return
	}
	n.log.Error("the update queue failed, the node retires", "err", cause)
	for _, s := range n.all() {
		n.retire(s, cause)
	}
}

// stepBack makes the node refuse appends until there is space again.
func (n *Node) stepBack(cause error) {
	if !n.full.Swap(true) {
		n.log.Error("disk is full, stepping back", "err", cause)
	}
	n.wakeWork()
}

// waitSpace waits until it is worth trying again; false when the node closes. The node keeps refusing until the one
// that waits has had its space: only then is there room for more.
func (n *Node) waitSpace() bool {
	n.spaceMu.Lock()
	defer n.spaceMu.Unlock()
	n.starved++
	defer func() { n.starved-- }()
	for try := n.spaceTry; try == n.spaceTry && !n.closed.Load(); {
		n.space.Wait()
	}
	return !n.closed.Load()
}

// checkSpace compares free space with the reserve.
func (n *Node) checkSpace() {
	free, err := n.opt.FS.Free(n.opt.Dir)
	if err != nil {
		n.log.Warn("free space unknown", "err", err)
		return
	}
	switch {
	case free < n.opt.ReserveBytes:
		n.stepBack(syscall.ENOSPC)
	case n.full.Load() && free >= n.opt.ReserveBytes+n.opt.ReserveBytes/4:
		n.spaceMu.Lock()
		defer n.spaceMu.Unlock()
		n.spaceTry++
		n.space.Broadcast()
		if n.starved == 0 {
			n.full.Store(false)
			n.log.Info("disk has space again")
		}
	}
}

func (n *Node) monitorLoop() {
	defer n.wg.Done()
	t := time.NewTicker(n.opt.MonitorEvery)
	defer t.Stop()
	for {
		select {
		case <-n.quit:
			return
		case <-t.C:
			n.checkSpace()
			n.idle.Store(true)
			n.wakeSync()
		}
	}
}

// checkpointLoop frees files of the update queue.
func (n *Node) checkpointLoop() {
	defer n.wg.Done()
	for {
		select {
		case <-n.quit:
			return
		case <-n.checkpoint:
			if n.q.waiting() > 0 {
				n.runCheckpoint()
			}
			if err := n.q.prepare(); err != nil {
				n.log.Warn("no spare file for the update queue", "err", err)
			}
		}
	}
}

// runCheckpoint makes what is organised durable in the segments' own files, so that the queue can forget it.
func (n *Node) runCheckpoint() {
	n.checkpointing.Lock()
	defer n.checkpointing.Unlock()
	seq := n.organised.Load()
	for _, s := range n.all() {
		if err := s.Checkpoint(); err != nil {
			n.background(s, "checkpoint", err)
		}
	}
	if !n.full.Load() && !n.retired.Load() {
		n.q.release(seq)
	}
}

// workLoop is the background: sealing, imaging, garbage collection, repair. It works in units of a bounded size and lets the
// foreground go first after each.
func (n *Node) workLoop() {
	defer n.wg.Done()
	t := time.NewTicker(n.opt.CollectEvery)
	defer t.Stop()
	collect, round := true, 0
	for {
		more := false
		if collect {
			round++
		}
		for _, s := range n.all() {
			if n.closed.Load() {
				return
			}
			began, seen := time.Now(), n.organised.Load()
			more = n.workOn(s, collect, collect && round%imageRounds == 0) || more
			n.yield(time.Since(began), seen)
		}
		collect = false
		if more {
			select {
			case <-n.quit:
				return
			case <-t.C:
				collect = true
			default:
			}
			continue
		}
		select {
		case <-n.quit:
			return
		case <-n.work:
		case <-t.C:
			collect = true
		}
	}
}

// A unit of background work is some ten milliseconds of a processor, and where pages are changed evenly they are due for images together, on all full
// members at once. So after a unit beside which log came, the background rests restTimes as long as the unit took (which is longer the fewer
// processors are free), at most longestRest.
const (
	restTimes   = 3
	longestRest = 200 * time.Millisecond
)

// restAfter is how long the background rests after a unit of work. busy: log was taken meanwhile; waiting: some waits to be organised now. The more
// of the index's memory is in use, the less it rests.
func restAfter(took time.Duration, busy, waiting bool, index, bound int64) (rest time.Duration) {
	switch {
	case index > bound*3/4:
		return 0
	case busy && took >= time.Millisecond:
		rest = restTimes * took
		if index > bound/2 {
			rest = took
		}
	case waiting:
		rest = time.Millisecond
	}
	return min(rest, longestRest)
}

// yield lets the foreground go first after a unit of work that took so long, begun when the batch seen was the last one organised.
func (n *Node) yield(took time.Duration, seen uint64) {
	rest := restAfter(took, n.organised.Load() != seen, n.queued.Load() > 0, n.index.Load(), n.opt.IndexBytes)
	if rest == 0 {
		return
	}
	t := time.NewTimer(rest)
	defer t.Stop()
	select {
	case <-n.quit:
	case <-t.C:
	}
}

// imageRounds is every how many rounds of garbage collection pages are imaged although there are few.
const imageRounds = 8

// workOn does one unit of each kind of work on a segment and reports whether there is more.
func (n *Node) workOn(s *segment.Segment, collect, image bool) (more bool) {
	if !n.full.Load() {
		m, err := s.SealFull()
		more = m && err == nil
		n.background(s, "seal", err)
		m, err = s.ImageSome(image || n.index.Load() > n.opt.IndexBytes/2)
		more = more || m && err == nil
		n.background(s, "image", err)
		if n.index.Load() > n.opt.IndexBytes*3/4 {
			m, err = s.Spill(256)
			more = more || m && err == nil
			n.background(s, "spill", err)
		}
	}
	if collect {
		m, err := s.Collect()
		for range 64 { // a bounded number of rounds at a time
			if !m || err != nil || n.closed.Load() {
				break
			}
			m, err = s.Collect()
		}
		n.background(s, "collect", err)
		damage := s.TakeDamage(repairAtOnce)
		for i := range damage {
			n.repair(s, &damage[i])
		}
		more = more || len(damage) == repairAtOnce
	}
	return more
}

// repairAtOnce bounds the blocks of a segment that are mended before other background work has its turn.
const repairAtOnce = 64

// repair mends damage. What fails is found again by the next read or scrub. Each outcome is one line in the log that names file, offset
// and size, so that every damaged byte can be accounted for.
func (n *Node) repair(s *segment.Segment, d *segment.Damage) {
	err := n.tryRepair(s, d)
	log := n.log.With("segment", s.Key(), "dir", s.Dir(), "file", d.Name(), "off", d.Off, "size", d.Size, "damage", d.Error())
	switch {
	case errors.Is(err, errDropped):
		log.Warn("damage needs no repair", "why", err)
		if instead := s.Dropped(d); instead != nil {
			n.repair(s, instead)
		}
	case err != nil:
		log.Error("damage not repaired yet", "err", err)
	default:
		log.Warn("damage repaired")
	}
}

// errDropped means that no peer has the log any more in which the damage lies, or that it is annulled.
var errDropped = errors.New("nobody needs it as log any more")

func (n *Node) tryRepair(s *segment.Segment, d *segment.Damage) error {
	logReq, read, done := s.RepairPlan(d)
	switch {
	case done:
		return errDropped
	case d.Own():
		return s.RepairOwn(d)
	case logReq != nil:
		dropped, others := 0, 0
		s.With(func(c *segment.Core) { others = len(c.Membership().Members) - 1 })
		err := n.repairFrom(s, func(ctx context.Context, peer proto.Node, m *proto.Member) error {
			rep, err := peer.FetchLog(ctx, logReq)
			if err != nil {
				return err
			}
			if rep.Status == proto.OK && rep.Floor >= logReq.To {
				dropped++
			}
			return s.RepairLog(d, rep.Records)
		})
		if err != nil && dropped > 0 && dropped == others {
			return errDropped
		}
		return err
	default:
		return n.repairFrom(s, func(ctx context.Context, peer proto.Node, m *proto.Member) error {
			if m.Kind != proto.Full {
				return errNoBatch
			}
			p := make([]byte, page.Size)
			req := *read
			req.Incarnation = m.Incarnation
			st, err := peer.GetPages(ctx, &req, [][]byte{p})
			if err != nil || st != proto.OK {
				return errors.Join(err, errNoBatch)
			}
			return s.RepairPage(d, req.ReadLSN, p)
		})
	}
}

// repairFrom tries the PG's other members in turn.
func (n *Node) repairFrom(s *segment.Segment, try func(context.Context, proto.Node, *proto.Member) error) error {
	var members []proto.Member
	s.With(func(c *segment.Core) { members = append(members, c.Membership().Members...) })
	err := errors.New("no peer")
	for i := range members {
		m := &members[i]
		if m.Node == n.opt.ID {
			continue
		}
		peer, derr := n.dial(m.Node)
		if derr != nil {
			err = derr
			continue
		}
		ctx, cancel := context.WithTimeout(n.ctx, n.opt.AskTimeout)
		err = try(ctx, peer, m)
		cancel()
		if err == nil {
			return nil
		}
	}
	return err
}
