package volume

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/zoryadb/zorya/base/wait"
	"github.com/zoryadb/zorya/storage/proto"
	"github.com/zoryadb/zorya/storage/volume/quorum"
)

// EnsurePages implements Volume. The PG after the one that holds page n-1 is created in the background,
// so that a growing volume seldom waits here.
func (c *Client) EnsurePages(ctx context.Context, n uint64) error {
	for c.Pages() < n {
		w := wait.Begin(ctx)
		err := c.growTo(ctx, c.npg.Load()+1)
		w.End()
		if err != nil {
			return fmt.Errorf("grow the volume to %d pages: %w", n, err)
		}
	}
	if n+uint64(c.desc.PagesPerPG) > c.Pages() { // the last PG is in use
		select {
		case c.ahead <- struct{}{}:
		default:
		}
	}
	return c.Err()
}

// growTo waits until the volume has pgs protection groups. It tries until ctx ends.
func (c *Client) growTo(ctx context.Context, pgs uint32) error {
	c.grow.Lock()
	defer c.grow.Unlock()
	for c.npg.Load() < pgs {
		if err := c.Err(); err != nil {
			return err
		}
		pg := proto.PG(c.npg.Load())
		d, missing, err := c.createPG(ctx, pg)
		if err == nil {
			c.adoptPG(pg, &d.PGs[pg], 0)
			c.lacking(pg, missing)
			continue
		}
		if errors.Is(err, ErrFenced) {
			c.die(err)
			return err
		}
		c.log.Warn("cannot create a protection group yet", "pg", pg, "err", err)
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return err
		case <-c.done:
		}
	}
	return nil
}

// growAhead creates the next PG when the last is in use.
func (c *Client) growAhead() {
	for {
		select {
		case <-c.ahead:
			_ = c.growTo(c.ctx, c.npg.Load()+1) // logged there; EnsurePages tries again when it matters
		case <-c.done:
			return
		}
	}
}

// createPG creates the segments of PG number pg on a write quorum of its members at least, then adds it to the
// metadata. missing are the members that did not create theirs.
func (c *Client) createPG(ctx context.Context, pg proto.PG) (d *proto.Descriptor, missing quorum.Set, err error) {
	m, err := c.meta.Place(ctx, c.desc.Volume, pg)
	if err != nil {
		return nil, 0, fmt.Errorf("place PG %d: %w", pg, err)
	}
	rule, err := quorum.RuleOf(&m, c.o.Mutants)
	if err != nil {
		return nil, 0, fmt.Errorf("place PG %d: %w", pg, err)
	}
	made, why := c.createSegments(ctx, pg, &m, &rule)
	if !rule.Write(made) {
		return nil, 0, fmt.Errorf("create PG %d: %d of %d segments: %w", pg, made.Len(), len(m.Members), why)
	}
	d, err = c.meta.AddPG(ctx, c.desc.Volume, c.epoch, pg, m)
	if err != nil {
		return nil, 0, fmt.Errorf("add PG %d to the volume: %w", pg, err)
	}
	return d, quorum.Set(1<<rule.Members()-1) &^ made, nil
}

// createGrace is how long members may take that are not needed for a write quorum.
const createGrace = 200 * time.Millisecond

// createSegments asks all members at once and says who has created its segment, and why the last of the others has not.
func (c *Client) createSegments(ctx context.Context, pg proto.PG, m *proto.Membership, rule *quorum.Rule) (made quorum.Set, why error) {
	ctx, cancel := context.WithTimeout(ctx, c.o.CallTimeout)
	defer cancel()
	type answer struct {
		member int
		err    error
	}
	answers := make(chan answer, len(m.Members))
	for i := range m.Members {
		go func() {
			answers <- answer{i, c.createSegment(ctx, &proto.SegmentSpec{
				Volume: c.desc.Volume, Timeline: c.desc.Timeline, Epoch: c.epoch, History: c.history, PG: pg,
				PagesPerPG: c.desc.PagesPerPG, Membership: *m, Member: m.Members[i],
			})}
		}()
	}
	var grace <-chan time.Time
	for range m.Members {
		select {
		case a := <-answers:
			if a.err != nil {
				why = a.err
			} else {
				made = made.Add(a.member)
			}
		case <-grace:
			return made, why
		}
		if grace == nil && rule.Write(made) {
			grace = time.After(createGrace)
		}
	}
	return made, why
}

func (c *Client) createSegment(ctx context.Context, s *proto.SegmentSpec) error {
	n, err := c.dialer.Dial(s.Member.Node)
	if err != nil {
		return err
	}
	st, err := n.CreateSegment(ctx, s)
	switch {
	case err != nil:
		return fmt.Errorf("create segment on %s: %w", s.Member.Node, err)
	case st == proto.StatusStaleEpoch:
		return fmt.Errorf("create segment on %s: %w", s.Member.Node, ErrFenced)
	case st != proto.OK:
		return fmt.Errorf("create segment on %s: status %d", s.Member.Node, st)
	}
	return nil
}
