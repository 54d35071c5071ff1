package volume

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/zoryadb/zorya/storage/page"
	"github.com/zoryadb/zorya/storage/proto"
)

// Retain replaces the volume's retain points: LSNs (ascending, at most proto.MaxRetain) that stay readable below the read floor until a later call leaves
// them out. version grows with each call of the volume's keeper of the list, over all instances.
//
// It returns nil when the points are durable on a majority of the full members of every PG: a version of a page is then as safe as a page is. A
// point below what members can still read is an error. A member that begins a new life later holds only points above its baseline; whoever
// keeps the list calls again after a change of membership to learn whether a majority is left.
func (c *Client) Retain(ctx context.Context, version uint64, points []page.LSN) error {
	ctx, cancel := context.WithTimeout(ctx, c.o.CallTimeout)
	defer cancel()
	req := &proto.RetainRequest{Volume: c.desc.Volume, Timeline: c.desc.Timeline, Epoch: c.epoch, History: c.history.Version,
		Version: version, Points: points}
	type answer struct {
		pg   proto.PG
		slot int // in the membership
	}
	var mu sync.Mutex
	held := map[answer]bool{}
	why := errors.New("their lives do not count")
	var asked sync.WaitGroup
	for _, l := range *c.links.Load() {
		asked.Go(func() {
			rep, err := l.retain(ctx, req)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				why = err
				return
			}
			for i := range rep.Segments {
				s := &rep.Segments[i]
				l.mu.Lock()
				at := l.seg(s.PG)
				counts := at != nil && at.counts && at.inc == s.Incarnation
				var slot int
				if counts {
					slot = at.slot
				}
				l.mu.Unlock()
				if counts && s.Status == proto.OK {
					held[answer{s.PG, slot}] = true
				} else if s.Status != proto.OK {
					why = fmt.Errorf("PG %d on node %s answers status %d", s.PG, l.id, s.Status)
				}
			}
		})
	}
	asked.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	for pg, p := range c.pgs {
		full, have := 0, 0
		for i, m := range p.m.Members {
			if m.Kind != proto.Full {
				continue
			}
			full++
			if held[answer{proto.PG(pg), i}] {
				have++
			}
		}
		if have <= full/2 {
			return fmt.Errorf("retain %d points: %d of %d full members of PG %d hold them: %w", len(points), have, full, pg, why)
		}
	}
	return nil
}

// retain asks the node.
func (l *link) retain(ctx context.Context, r *proto.RetainRequest) (*proto.RetainReply, error) {
	node, err := l.peer()
	if err != nil {
		return nil, err
	}
	rep, err := node.Retain(ctx, r)
	if err != nil {
		return nil, fmt.Errorf("node %s: %w", l.id, err)
	}
	if rep.Status != proto.OK {
		return nil, fmt.Errorf("node %s answers status %d", l.id, rep.Status)
	}
	return rep, nil
}
