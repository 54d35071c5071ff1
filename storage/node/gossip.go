package node

import (
	"context"
	"time"

	"github.com/zoryadb/zorya/storage/page"
	"github.com/zoryadb/zorya/storage/proto"
	"github.com/zoryadb/zorya/storage/segment"
)

// gossipLoop asks the protocol cores whom they want to ask, and asks.
func (n *Node) gossipLoop() {
	defer n.wg.Done()
	const calmTicks = 5
	t := time.NewTimer(n.opt.GossipTick)
	defer t.Stop()
	for {
		select {
		case <-n.quit:
			return
		case <-t.C:
		}
		pause := calmTicks * n.opt.GossipTick
		for _, s := range n.all() {
			n.tick(s)
			calm := false
			s.With(func(c *segment.Core) { calm = c.Calm() })
			if !calm {
				pause = n.opt.GossipTick
			}
		}
		t.Reset(pause)
	}
}

// tick lets a segment ask whom it wants to ask, and makes durable what nobody waits for.
func (n *Node) tick(s *segment.Segment) {
	select {
	case n.asks <- struct{}{}:
	default:
		return // as many questions are out as may be: another tick comes
	}
	var asks []segment.Ask
	var need uint64
	now := n.now()
	s.With(func(c *segment.Core) { asks, need = c.Tick(now), c.Unsaved() })
	if len(asks) == 0 && need == 0 {
		<-n.asks
		return
	}
	n.asking.Add(1)
	go func() {
		defer n.asking.Done()
		if need > 0 {
			n.persistState(s, need)
		}
		for _, a := range asks {
			n.ask(s, a)
		}
		<-n.asks
		if len(asks) > 0 && n.ctx.Err() == nil {
			n.tick(s) // a segment that lacks much asks for more as soon as it has an answer
		}
	}()
}

// persistState makes a segment's state durable.
func (n *Node) persistState(s *segment.Segment, need uint64) {
	if err := s.Persist(need); err != nil {
		n.background(s, "persist state", err)
	}
}

// ask puts one question to a peer and hands on its answer.
func (n *Node) ask(s *segment.Segment, a segment.Ask) {
	ctx, cancel := context.WithTimeout(n.ctx, n.opt.AskTimeout)
	defer cancel()
	peer, err := n.dial(a.Peer)
	if err != nil {
		n.answered(s, a, nil, nil)
		return
	}
	if a.Log != nil {
		rep, err := peer.FetchLog(ctx, a.Log)
		if err != nil {
			rep = nil
		}
		n.answered(s, a, rep, nil)
		return
	}
	rep, err := peer.FetchBaseline(ctx, a.Baseline)
	if err != nil {
		rep = nil
	}
	n.answered(s, a, nil, rep)
}

func (n *Node) dial(id proto.NodeID) (proto.Node, error) {
	if n.opt.Dialer == nil {
		return nil, errClosed
	}
	return n.opt.Dialer.Dial(id)
}

func (n *Node) answered(s *segment.Segment, a segment.Ask, log *proto.LogReply, base *proto.BaselineReply) {
	switch {
	case a.Baseline != nil:
		if err := s.InstallBaseline(a.Peer, a.Baseline, base); err != nil {
			n.background(s, "install baseline", err)
		}
	case log == nil:
		s.With(func(c *segment.Core) { c.LogFailed(a.Peer) })
	default:
		n.takeReply(s, a.Peer, log)
	}
}

// takeReply gives a peer's records the same way to disk as a writer's.
func (n *Node) takeReply(s *segment.Segment, from proto.NodeID, r *proto.LogReply) {
	recs, err := segment.ParseRecs(nil, r.Records)
	for i := range recs {
		if !s.Owns(&recs[i]) {
			err = errNoBatch
		}
	}
	if err != nil || len(r.Records) > n.maxFrame() {
		n.log.Warn("peer sent malformed records", "peer", from, "segment", s.Key(), "bytes", len(r.Records), "err", err)
		s.With(func(c *segment.Core) { c.LogFailed(from) })
		return
	}
	n.qmu.Lock()
	b := n.cur
	if n.stopped || (len(recs) > 0 && n.refusal() != proto.OK) || (len(b.buf) > batchHeader && len(b.buf)+len(r.Records) > n.maxBatch()) {
		n.qmu.Unlock()
		s.With(func(c *segment.Core) { c.LogUnused(from) }) // foreground first
		return
	}
	keep, ticket, tip, need := s.OfferReply(from, r, recs, n.now())
	news := len(keep) > 0 || s.Behind(tip)
	if news {
		var inc, epoch uint64
		var vdl, mrpl page.LSN
		s.With(func(c *segment.Core) { inc, epoch, vdl, mrpl = c.Incarnation(), c.Epoch(), c.VDL(), c.MRPL() })
		b.add(s, entryHead{key: s.Key(), incarnation: inc, epoch: epoch, vdl: vdl, mrpl: mrpl}, r.Records, keep, tip)
		b.items = append(b.items, waitItem{s, ticket, -1})
		b.waiters = append(b.waiters, waiter{item0: len(b.items) - 1, item1: len(b.items)})
		n.m.gossiped.Add(float64(len(keep)))
	}
	n.qmu.Unlock()
	if news {
		n.wakeSync()
	}
	if need > 0 {
		n.persistState(s, need)
	}
}
