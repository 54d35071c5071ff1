package volume

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/zoryadb/zorya/storage/page"
	"github.com/zoryadb/zorya/storage/proto"
	"github.com/zoryadb/zorya/storage/volume/quorum"
	"github.com/zoryadb/zorya/storage/volume/recovery"
)

// Config says which volume to open, and how to reach what it lives on.
type Config struct {
	Volume proto.VolumeID
	// Writer names the instance that opens, for people.
	Writer string
	Meta   proto.Meta
	Dialer proto.Dialer
	Options
}

// stuck is how long a recovery may try to bring the log back to a write quorum before it is begun
// again under a new epoch.
const stuck = 10 * time.Second

// Open opens the volume for writing: it takes the next volume epoch, which fences any other writer, recovers, and
// returns once the volume can be written. While less than a quorum of a PG answers it waits,
// with a line in the log every two seconds, until ctx ends. proto.ErrFenced means that somebody else opened it meanwhile.
func Open(ctx context.Context, cfg Config) (*Client, error) {
	c := &Client{
		o: cfg.Options.withDefaults(), meta: cfg.Meta, dialer: cfg.Dialer, writer: cfg.Writer, started: time.Now(),
		durable: make(chan struct{}, 1), ahead: make(chan struct{}, 1), repair: make(chan struct{}, 1),
	}
	c.hedging.Store(hedgeSaved * hedgeReads)
	c.log = c.o.Log.With("volume", fmt.Sprintf("%.8s", cfg.Volume))
	for {
		d, err := c.nextEpoch(ctx, cfg.Volume)
		if err != nil {
			return nil, fmt.Errorf("open volume %v: %w", cfg.Volume, err)
		}
		c.desc, c.epoch = *d, d.Epoch
		res, err := c.recover(ctx)
		if errors.Is(err, errStuck) {
			c.log.Warn("recovery is stuck; beginning again", "epoch", c.epoch)
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("open volume %v under epoch %d: %w", cfg.Volume, c.epoch, err)
		}
		c.start(res)
		c.log.Info("volume is open", "epoch", c.epoch, "vdl", c.VDL(), "pgs", len(c.pgs), "took", time.Since(c.started))
		return c, nil
	}
}

func (c *Client) nextEpoch(ctx context.Context, v proto.VolumeID) (*proto.Descriptor, error) {
	d, err := c.meta.NextEpoch(ctx, v, c.writer)
	if err != nil {
		return nil, fmt.Errorf("take the next epoch: %w", err)
	}
	if len(d.PGs) > 0 {
		return d, nil
	}
	c.desc, c.epoch, c.history = *d, d.Epoch, recovery.Initial(d.Timeline)
	for { // a volume that is new: nothing can be in its first PG
		d, _, err = c.createPG(ctx, 0)
		if err == nil || ctx.Err() != nil || errors.Is(err, ErrFenced) {
			return d, err
		}
		c.log.Warn("waiting to create the first protection group", "err", err)
		select {
		case <-time.After(200 * time.Millisecond):
		case <-ctx.Done():
			return nil, err
		}
	}
}

var errStuck = errors.New("recovery is stuck")

// recover drives the state machine of storage/volume/recovery.
func (c *Client) recover(ctx context.Context) (*recovery.Result, error) {
	r, err := recovery.New(recovery.Config{
		Descriptor: &c.desc, History: recovery.Initial(c.desc.Timeline), Writer: c.writer, LAL: c.o.LAL, Mutants: c.o.Mutants,
	})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type answer struct {
		key any
		ev  recovery.Event
	}
	answers := make(chan answer, 16)
	flying := map[any]bool{} // a request is not repeated while it is under way: Retry asks often
	do := func(effects []recovery.Effect) {
		safe := r.SafeVDL()
		for _, e := range effects {
			key := keyOf(e)
			if flying[key] {
				continue
			}
			flying[key] = true
			go func() {
				call, cancel := context.WithTimeout(ctx, c.o.CallTimeout)
				defer cancel()
				a := answer{key, c.carryOut(call, e, safe)}
				select {
				case answers <- a:
				case <-ctx.Done():
				}
			}()
		}
	}
	do(r.Start())
	retry, report := time.NewTicker(250*time.Millisecond), time.NewTicker(2*time.Second)
	defer retry.Stop()
	defer report.Stop()
	var installing time.Time
	for {
		select {
		case a := <-answers:
			delete(flying, a.key)
			do(r.Step(a.ev))
		case <-retry.C:
			do(r.Step(recovery.Retry{}))
		case <-report.C:
			c.log.Warn("waiting for storage to open the volume", "epoch", c.epoch, "state", r.Waiting())
		case <-ctx.Done():
			return nil, fmt.Errorf("%s: %w", r.Waiting(), ctx.Err())
		}
		switch r.State() {
		case recovery.Open:
			return r.Result(), nil
		case recovery.Failed:
			return nil, r.Err()
		case recovery.Installing:
			if installing.IsZero() {
				installing = time.Now()
			}
			if time.Since(installing) > stuck {
				return nil, errStuck
			}
		}
	}
}

// keyOf names a request: two with the same key are the same question.
func keyOf(e recovery.Effect) any {
	type key struct {
		node    proto.NodeID
		pg      proto.PG
		kind    int
		version uint64
	}
	switch e := e.(type) {
	case recovery.SendFence:
		return key{node: e.Node, version: e.Request.History.Version}
	case recovery.SendMembership:
		return key{node: e.Node, pg: e.Spec.PG, kind: 1}
	case recovery.Copy:
		return key{node: e.Target, pg: e.PG, kind: 2, version: e.History}
	}
	panic(fmt.Sprintf("volume: effect %T", e))
}

// carryOut sends an effect's request and makes an event of the answer.
func (c *Client) carryOut(ctx context.Context, e recovery.Effect, safe page.LSN) recovery.Event {
	switch e := e.(type) {
	case recovery.SendFence:
		ev := recovery.Fenced{Node: e.Node, Request: e.Request}
		if n, err := c.dialer.Dial(e.Node); err == nil {
			ev.Reply, err = n.Fence(ctx, e.Request)
			if err != nil {
				ev.Reply = nil
			}
		}
		return ev
	case recovery.SendMembership:
		st := proto.StatusFailed
		if n, err := c.dialer.Dial(e.Node); err == nil {
			if got, err := n.InstallMembership(ctx, e.Spec); err == nil {
				st = got
			}
		}
		return recovery.Admitted{Node: e.Node, Status: st}
	case recovery.Copy:
		scl, err := c.copyLog(ctx, e, safe)
		if err != nil {
			c.log.Warn("re-replicate", "pg", e.PG, "from", e.Source, "to", e.Target, "err", err)
		}
		return recovery.Copied{PG: e.PG, Member: e.Member, History: e.History, SCL: scl}
	}
	panic(fmt.Sprintf("volume: effect %T", e))
}

// copyLog brings one member to its PG's point with the log of another and returns its SCL.
func (c *Client) copyLog(ctx context.Context, e recovery.Copy, safe page.LSN) (page.LSN, error) {
	src, err := c.dialer.Dial(e.Source)
	if err != nil {
		return 0, err
	}
	dst, err := c.dialer.Dial(e.Target)
	if err != nil {
		return 0, err
	}
	m := &c.desc.PGs[e.PG]
	at := e.From
	for at < e.To {
		p, err := src.FetchLog(ctx, &proto.LogRequest{
			Volume: c.desc.Volume, Timeline: c.desc.Timeline, Epoch: c.epoch, History: e.History, PG: e.PG,
			MembershipEpoch: m.Epoch, From: at, To: e.To, MaxBytes: uint32(c.o.FrameBytes),
		})
		switch {
		case err != nil:
			return at, err
		case p.Status != proto.OK:
			return at, fmt.Errorf("fetch log above %d: status %d", at, p.Status)
		case p.Floor > at:
			return at, fmt.Errorf("log above %d was dropped up to %d: the member needs a baseline", at, p.Floor)
		case len(p.Records) == 0:
			return at, fmt.Errorf("no log above %d, wanted up to %d", at, e.To)
		}
		f := &proto.AppendFrame{
			Volume: c.desc.Volume, Timeline: c.desc.Timeline, Epoch: c.epoch, History: e.History, VDL: safe,
			Runs:    []proto.Run{{PG: e.PG, Incarnation: m.Members[e.Member].Incarnation, MembershipEpoch: m.Epoch, Bytes: uint32(len(p.Records))}},
			Records: [][]byte{p.Records},
		}
		scl, err := appendOne(ctx, dst, f)
		if err != nil {
			return at, err
		}
		if scl <= at {
			return at, fmt.Errorf("log above %d was not taken", at)
		}
		at = scl
	}
	return at, nil
}

// appendOne sends a frame of one run and returns the segment's SCL.
func appendOne(ctx context.Context, n proto.Node, f *proto.AppendFrame) (page.LSN, error) {
	type answer struct {
		scl page.LSN
		err error
	}
	got := make(chan answer, 1)
	n.Append(f, func(a *proto.AppendAck, err error) {
		switch {
		case err != nil:
		case a.Status != proto.OK || len(a.Segments) != 1:
			err = fmt.Errorf("%w: status %d", errRefused, a.Status)
		case a.Segments[0].Status != proto.OK:
			err = fmt.Errorf("%w: segment status %d", errRefused, a.Segments[0].Status)
		default:
			got <- answer{scl: a.Segments[0].SCL}
			return
		}
		got <- answer{err: err}
	})
	select {
	case a := <-got:
		return a.scl, a.err
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// start makes a recovered volume a working one.
func (c *Client) start(res *recovery.Result) {
	c.ctx, c.cancel = context.WithCancel(context.Background())
	c.done = c.ctx.Done()
	c.history, c.base = res.History, res.Base
	c.floor.Store(uint64(min(res.MRPL, res.VDL)))
	c.ring = newRing(c.o.RingBytes, c.desc.PagesPerPG, c.epoch, c.published)
	c.ring.onPress = c.press
	c.pace.late = c.lookLate
	c.ring.late = c.o.Mutants.Has(quorum.LatePublish)
	c.ring.lsn, c.ring.prev, c.ring.limit = res.Base, res.VDL, max(res.VDL, res.Base)+c.o.LAL
	c.tracker = quorum.NewTracker(res.VDL, c.o.Mutants)
	c.queue.Advance(res.VDL)
	c.links.Store(new([]*link))
	for pg := range c.desc.PGs {
		p := &res.PGs[pg]
		c.adoptPG(proto.PG(pg), &c.desc.PGs[pg], p.Last)
		c.tmu.Lock() // the links of earlier PGs are at work already
		for i, m := range p.Members {
			if m.Counts {
				_, _ = c.tracker.Ack(proto.PG(pg), i, m.SCL) // recovery has bounded it by Last
			}
		}
		c.tmu.Unlock()
	}
	c.work.Go(c.commits)
	c.work.Go(c.beats)
	c.work.Go(c.growAhead)
	c.work.Go(c.repairs)
}

// adoptPG makes a PG part of the open volume.
func (c *Client) adoptPG(pg proto.PG, m *proto.Membership, last page.LSN) {
	rule, err := quorum.RuleOf(m, c.o.Mutants)
	if err != nil {
		panic(err) // recovery and createPG have checked it
	}
	c.tmu.Lock()
	c.tracker.AddPG(rule, last)
	c.tmu.Unlock()
	p := &pgState{m: *m}
	for i := range m.Members {
		l := c.linkTo(m.Members[i].Node)
		p.members = append(p.members, memberState{link: l})
		l.setSeg(pg, seg{slot: i, inc: m.Members[i].Incarnation, members: m.Epoch, counts: true, quiet: true})
	}
	c.mu.Lock()
	c.pgs = append(c.pgs, p)
	c.mu.Unlock()
	c.ring.addPG(last)
	c.npg.Add(1)
	c.disband() // who can be spared of the others may be needed here
}

// linkTo returns the link to a node, starting one for a node that is new. Callers are serialised (start, createPG under grow).
func (c *Client) linkTo(id proto.NodeID) *link {
	all := *c.links.Load()
	for _, l := range all {
		if l.id == id {
			return l
		}
	}
	c.rel.Lock() // no tail moves between reading it and being counted
	l := newLink(c, id)
	more := append(append(make([]*link, 0, len(all)+1), all...), l)
	c.links.Store(&more)
	c.rel.Unlock()
	c.work.Go(l.run)
	return l
}
