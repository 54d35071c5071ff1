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

// workLoop is the background: sealing, imaging, garbage collection, repair. It works in small units and lets the
// foreground go first.
func (n *Node) workLoop() {
	defer n.wg.Done()
	t := time.NewTicker(n.opt.CollectEvery)
	defer t.Stop()
	collect := true
	for {
		more := false
		for _, s := range n.all() {
			if n.closed.Load() {
				return
			}
			more = n.workOn(s, collect) || more
			n.yield()
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

// yield lets the foreground go first, unless memory is short.
func (n *Node) yield() {
	if n.queued.Load() == 0 || n.index.Load() > n.opt.IndexBytes*3/4 {
		return
	}
	select {
	case <-n.quit:
	case <-time.After(time.Millisecond):
	}
}

// workOn does one unit of each kind of work on a segment and reports whether there is more.
func (n *Node) workOn(s *segment.Segment, collect bool) (more bool) {
	if !n.full.Load() {
		m, err := s.SealFull()
		more = m && err == nil
		n.background(s, "seal", err)
		m, err = s.ImageSome()
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
		for _, d := range s.TakeDamage() {
			n.repair(s, &d)
		}
	}
	return more
}

// repair mends damage from a peer. What fails is found again by the next read or scrub.
func (n *Node) repair(s *segment.Segment, d *segment.Damage) {
	logReq, read, done := s.RepairPlan(d)
	var err error
	switch {
	case done:
		return
	case d.Footer:
		err = s.RepairFooter(d)
	case logReq != nil:
		err = n.repairFrom(s, func(ctx context.Context, peer proto.Node, m *proto.Member) error {
			rep, err := peer.FetchLog(ctx, logReq)
			if err != nil {
				return err
			}
			return s.RepairLog(d, rep.Records)
		})
	case read != nil:
		err = n.repairFrom(s, func(ctx context.Context, peer proto.Node, m *proto.Member) error {
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
	if err != nil {
		n.log.Error("damage not repaired yet", "segment", s.Key(), "damage", d.Error(), "err", err)
		return
	}
	n.log.Warn("damage repaired", "segment", s.Key(), "damage", d.Error())
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

// scrubLoop verifies everything on disk, slowly.
func (n *Node) scrubLoop() {
	defer n.wg.Done()
	if n.opt.ScrubBytesPerSecond < 0 {
		return
	}
	const steps = 4 // a second
	t := time.NewTicker(time.Second / steps)
	defer t.Stop()
	segs, budget := n.all(), int64(0)
	for {
		select {
		case <-n.quit:
			return
		case <-t.C:
		}
		budget = min(budget+n.opt.ScrubBytesPerSecond/steps, n.opt.ScrubBytesPerSecond)
		for budget > 0 {
			if len(segs) == 0 {
				if segs = n.all(); len(segs) == 0 {
					break
				}
			}
			read, done, err := segs[0].Scrub(budget)
			n.background(segs[0], "scrub", err)
			budget -= read
			if done || err != nil {
				segs = segs[1:]
				break
			}
		}
	}
}
