// Package fakenode is a storage fleet in memory for the tests of volume.Client and of what stands on
// it: nodes with the real protocol core (segment.Core) over maps instead of files, a metadata store,
// and a network that loses nodes on command. Everything is durable at once; nothing survives Wipe.
package fakenode

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/zoryadb/zorya/storage/page"
	"github.com/zoryadb/zorya/storage/proto"
	"github.com/zoryadb/zorya/storage/redo"
	"github.com/zoryadb/zorya/storage/segment"
)

// Fleet is a set of nodes with their metadata store. It implements proto.Dialer.
type Fleet struct {
	Meta  *Meta
	nodes []*Node
	start time.Time
	stop  chan struct{}
	work  sync.WaitGroup
}

// New starts n nodes (6 make one in each half of three AZs) with a metadata store that knows volume v, of
// pagesPerPG pages a PG.
func New(n int, v proto.VolumeID, pagesPerPG uint32) *Fleet {
	f := &Fleet{start: time.Now(), stop: make(chan struct{})}
	f.Meta = &Meta{f: f, d: proto.Descriptor{Volume: v, PagesPerPG: pagesPerPG}}
	for i := range n {
		x := &Node{f: f, ID: proto.NodeID(fmt.Sprintf("n%d", i)), AZ: fmt.Sprintf("az%d", i%3), segs: map[proto.SegmentKey]*seg{}}
		f.nodes = append(f.nodes, x)
		f.work.Go(x.gossip)
	}
	return f
}

// Close ends the fleet's goroutines.
func (f *Fleet) Close() {
	close(f.stop)
	f.work.Wait()
}

// Node returns the i-th node.
func (f *Fleet) Node(i int) *Node { return f.nodes[i] }

// Nodes returns all of them.
func (f *Fleet) Nodes() []*Node { return f.nodes }

// Dial implements proto.Dialer.
func (f *Fleet) Dial(id proto.NodeID) (proto.Node, error) {
	for _, n := range f.nodes {
		if n.ID == id {
			return n, nil
		}
	}
	return nil, fmt.Errorf("no node %q", id)
}

// ErrDown is every answer of a node that is down.
var ErrDown = errors.New("fake node is down")

// Node is a storage node in memory.
type Node struct {
	f  *Fleet
	ID proto.NodeID
	AZ string

	down     atomic.Bool
	LoseAcks atomic.Int32 // so many acks become errors, after the records were taken
	Slow     atomic.Int64 // ns that every page read takes longer

	mu     sync.Mutex
	segs   map[proto.SegmentKey]*seg
	Frames atomic.Uint64
	Reads  atomic.Uint64
}

var _ proto.Node = (*Node)(nil)

type seg struct {
	c     *segment.Core
	recs  map[page.LSN][]byte
	pages map[page.No][]page.LSN // ascending
	freed []page.LSN
}

// SetDown takes the node off the network or back.
func (n *Node) SetDown(down bool) { n.down.Store(down) }

// Wipe makes the node forget everything.
func (n *Node) Wipe() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.segs = map[proto.SegmentKey]*seg{}
}

// SCL is a segment's, 0 without one.
func (n *Node) SCL(v proto.VolumeID, pg proto.PG) page.LSN {
	n.mu.Lock()
	defer n.mu.Unlock()
	if s := n.segs[proto.SegmentKey{Volume: v, PG: pg}]; s != nil {
		return s.c.SCL()
	}
	return 0
}

func (n *Node) up() error {
	if n.down.Load() {
		return fmt.Errorf("node %s: %w", n.ID, ErrDown)
	}
	return nil
}

// settle makes a core's state durable at once.
func (s *seg) settle() { s.c.StateDurable(s.c.Version()) }

// take offers records of one PG and makes the new ones durable.
func (s *seg) take(b []byte) error {
	for len(b) > 0 {
		var r redo.Record
		k, err := redo.Parse(b, &r)
		if err != nil {
			return err
		}
		if s.c.Offer(segment.Link{LSN: r.LSN, PrevPG: r.PrevPG, PrevVolume: r.PrevVolume, Epoch: r.Epoch, CPL: r.Flags&redo.CPL != 0}) {
			s.recs[r.LSN] = slices.Clone(b[:k])
			if r.Flags&redo.FreeRange != 0 {
				s.freed = insert(s.freed, r.LSN)
			} else {
				s.pages[r.Page] = insert(s.pages[r.Page], r.LSN)
			}
		}
		b = b[k:]
	}
	s.c.Synced(s.c.Submit())
	s.settle()
	return nil
}

func insert(to []page.LSN, lsn page.LSN) []page.LSN {
	i, found := slices.BinarySearch(to, lsn)
	if found {
		return to
	}
	return slices.Insert(to, i, lsn)
}

// Append implements proto.Node.
func (n *Node) Append(f *proto.AppendFrame, done func(*proto.AppendAck, error)) {
	ack, err := n.append(f)
	go done(ack, err) // never in the caller's stack, as over a network
}

func (n *Node) append(f *proto.AppendFrame) (*proto.AppendAck, error) {
	if err := n.up(); err != nil {
		return nil, err
	}
	n.Frames.Add(1)
	b := slices.Concat(f.Records...)
	ack := &proto.AppendAck{Epoch: f.Epoch}
	n.mu.Lock()
	defer n.mu.Unlock()
	for i := range f.Runs {
		r := &f.Runs[i]
		mine := b[:r.Bytes]
		b = b[r.Bytes:]
		s := n.segs[proto.SegmentKey{Volume: f.Volume, PG: r.PG}]
		if s == nil {
			ack.Segments = append(ack.Segments, proto.SegmentStatus{PG: r.PG, Incarnation: r.Incarnation, Status: proto.StatusNoSegment})
			continue
		}
		ack.Epoch = max(ack.Epoch, s.c.Epoch())
		st := s.c.CheckAppend(f, r)
		if st == proto.OK || st == proto.StatusHydrating {
			if err := s.take(mine); err != nil {
				return nil, err
			}
			ack.Segments = append(ack.Segments, s.c.Ack(f.Epoch, f.History))
			continue
		}
		ack.Segments = append(ack.Segments, proto.SegmentStatus{PG: r.PG, Incarnation: r.Incarnation, Status: st, SCL: s.c.SCL()})
	}
	if n.LoseAcks.Load() > 0 && n.LoseAcks.Add(-1) >= 0 {
		return nil, errors.New("the ack was lost")
	}
	return ack, nil
}

// GetPages implements proto.Node.
func (n *Node) GetPages(ctx context.Context, r *proto.PageRead, dst [][]byte) (proto.Status, error) {
	if err := n.up(); err != nil {
		return 0, err
	}
	n.Reads.Add(1)
	if d := n.Slow.Load(); d > 0 {
		select {
		case <-time.After(time.Duration(d)):
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	s := n.segs[proto.SegmentKey{Volume: r.Volume, PG: r.PG}]
	if s == nil {
		return proto.StatusNoSegment, nil
	}
	if st := s.c.CheckRead(r); st != proto.OK {
		return st, nil
	}
	for i, no := range r.Pages {
		if err := s.build(no, r.ReadLSN, dst[i]); err != nil {
			return 0, err
		}
	}
	return proto.OK, nil
}

// build replays a page from its records.
func (s *seg) build(no page.No, at page.LSN, dst []byte) error {
	clear(dst)
	var gone page.LSN
	for _, lsn := range s.freed {
		var r redo.Record
		if _, err := redo.Parse(s.recs[lsn], &r); err != nil {
			return err
		}
		if lsn <= at && s.c.History().Live(lsn) && no >= r.Page && uint64(no-r.Page) < uint64(r.Free) {
			gone = lsn
		}
	}
	for _, lsn := range s.pages[no] {
		if lsn > at || lsn < gone || !s.c.History().Live(lsn) {
			continue
		}
		var r redo.Record
		if _, err := redo.Parse(s.recs[lsn], &r); err != nil {
			return err
		}
		if err := r.Apply(dst); err != nil {
			return err
		}
	}
	if page.GetLSN(dst) != 0 {
		page.Seal(dst)
	}
	return nil
}

// Fence implements proto.Node.
func (n *Node) Fence(ctx context.Context, r *proto.FenceRequest) (*proto.FenceReply, error) {
	if err := n.up(); err != nil {
		return nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	p := &proto.FenceReply{Epoch: r.Epoch, History: r.History}
	for k, s := range n.segs {
		if k.Volume != r.Volume {
			continue
		}
		st, _ := s.c.Fence(r)
		s.settle()
		p.Epoch = max(p.Epoch, s.c.Epoch())
		if st != proto.OK {
			p.Status = st
			if s.c.History().Version > p.History.Version {
				p.History = *s.c.History()
			}
		}
		p.Segments = append(p.Segments, s.c.Sample())
	}
	if len(p.Segments) == 0 {
		p.Status = proto.StatusNoSegment
	}
	if p.Status != proto.OK {
		p.Segments = nil
	}
	return p, nil
}

// InstallHistory implements proto.Node.
func (n *Node) InstallHistory(ctx context.Context, r *proto.HistoryRequest) (proto.Status, error) {
	if err := n.up(); err != nil {
		return 0, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	out := proto.OK
	for k, s := range n.segs {
		if k.Volume == r.Volume {
			if st, _ := s.c.InstallHistory(r); st != proto.OK {
				out = st
			}
			s.settle()
		}
	}
	return out, nil
}

// Retain implements proto.Node.
func (n *Node) Retain(ctx context.Context, r *proto.RetainRequest) (*proto.RetainReply, error) {
	if err := n.up(); err != nil {
		return nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	p := &proto.RetainReply{}
	for k, s := range n.segs {
		if k.Volume == r.Volume {
			st, _ := s.c.Retain(r)
			s.settle()
			p.Segments = append(p.Segments, proto.SegmentStatus{PG: k.PG, Incarnation: s.c.Incarnation(), Status: st, SCL: s.c.SCL()})
		}
	}
	return p, nil
}

// CreateSegment implements proto.Node.
func (n *Node) CreateSegment(ctx context.Context, r *proto.SegmentSpec) (proto.Status, error) {
	if err := n.up(); err != nil {
		return 0, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	k := proto.SegmentKey{Volume: r.Volume, PG: r.PG}
	if s := n.segs[k]; s != nil {
		if r.Epoch < s.c.Epoch() {
			return proto.StatusStaleEpoch, nil
		}
		if s.c.Incarnation() >= r.Member.Incarnation {
			return proto.OK, nil
		}
	}
	phase := segment.Active
	if r.Hydrate {
		phase = segment.Hydrating
	}
	n.segs[k] = &seg{
		c: segment.NewCore(segment.Config{Node: n.ID, GossipIdle: 20e6, GossipHole: 1e6}, segment.State{
			Volume: r.Volume, Timeline: r.Timeline, PG: r.PG, PagesPerPG: r.PagesPerPG, Self: r.Member, Membership: r.Membership,
			Epoch: r.Epoch, History: r.History, Phase: phase,
		}),
		recs: map[page.LSN][]byte{}, pages: map[page.No][]page.LSN{},
	}
	return proto.OK, nil
}

// InstallMembership implements proto.Node.
func (n *Node) InstallMembership(ctx context.Context, r *proto.SegmentSpec) (proto.Status, error) {
	if err := n.up(); err != nil {
		return 0, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	s := n.segs[proto.SegmentKey{Volume: r.Volume, PG: r.PG}]
	if s == nil {
		return proto.StatusNoSegment, nil
	}
	st, _ := s.c.InstallMembership(r.Epoch, &r.Membership)
	s.settle()
	return st, nil
}

// FetchLog implements proto.Node.
func (n *Node) FetchLog(ctx context.Context, r *proto.LogRequest) (*proto.LogReply, error) {
	if err := n.up(); err != nil {
		return nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	s := n.segs[proto.SegmentKey{Volume: r.Volume, PG: r.PG}]
	if s == nil {
		return &proto.LogReply{Status: proto.StatusNoSegment}, nil
	}
	p := &proto.LogReply{Status: s.c.CheckLog(r)}
	s.c.FillReply(p)
	if p.Status != proto.OK && p.Status != proto.StatusHydrating {
		return p, nil
	}
	byPrev := map[page.LSN][]byte{}
	for lsn, b := range s.recs {
		var x redo.Record
		if _, err := redo.Parse(b, &x); err != nil {
			return nil, err
		}
		if s.c.History().Live(lsn) && lsn <= s.c.SCL() {
			byPrev[x.PrevPG] = b
		}
	}
	for at := r.From; ; {
		b, ok := byPrev[at]
		if !ok {
			return p, nil
		}
		_, lsn, _ := redo.Peek(b)
		if lsn > r.To || (len(p.Records) > 0 && len(p.Records)+len(b) > int(r.MaxBytes)) {
			return p, nil
		}
		p.Records = append(p.Records, b...)
		at = lsn
	}
}

// FetchBaseline implements proto.Node. These nodes never drop log, so nobody needs a baseline.
func (n *Node) FetchBaseline(ctx context.Context, r *proto.BaselineRequest) (*proto.BaselineReply, error) {
	return &proto.BaselineReply{Status: proto.StatusBad}, n.up()
}

// Info implements proto.Node.
func (n *Node) Info(ctx context.Context) (*proto.NodeInfo, error) {
	if err := n.up(); err != nil {
		return nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	p := &proto.NodeInfo{Node: n.ID, AZ: n.AZ, Started: n.f.start}
	for k, s := range n.segs {
		p.Segments = append(p.Segments, proto.SegmentInfo{
			Volume: k.Volume, PG: k.PG, Kind: s.c.Kind(), Incarnation: s.c.Incarnation(), MembershipEpoch: s.c.Membership().Epoch,
			Status: s.c.Status(), SCL: s.c.SCL(), VDL: s.c.VDL(), MRPL: s.c.MRPL(), Highest: s.c.Highest(), Hydrated: s.c.Progress(),
		})
	}
	return p, nil
}

// Close implements proto.Node.
func (n *Node) Close() error { return nil }

// gossip lets the segments fill themselves from each other.
func (n *Node) gossip() {
	t := time.NewTicker(2 * time.Millisecond)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			if !n.down.Load() {
				n.gossipRound()
			}
		case <-n.f.stop:
			return
		}
	}
}

func (n *Node) gossipRound() {
	type ask struct {
		s *seg
		a segment.Ask
	}
	var asks []ask
	n.mu.Lock()
	for _, s := range n.segs {
		for _, a := range s.c.Tick(segment.Time(time.Since(n.f.start))) {
			asks = append(asks, ask{s, a})
		}
	}
	n.mu.Unlock()
	for _, x := range asks {
		peer, err := n.f.Dial(x.a.Peer)
		var p *proto.LogReply
		if err == nil && x.a.Log != nil {
			p, err = peer.FetchLog(context.Background(), x.a.Log)
		}
		n.mu.Lock()
		switch {
		case x.a.Baseline != nil:
			x.s.c.BaselineReply(x.a.Peer, nil)
		case err != nil:
			x.s.c.LogFailed(x.a.Peer)
		default:
			if take, _ := x.s.c.BeginReply(x.a.Peer, p); take {
				_ = x.s.take(p.Records) // checked by the peer
			}
			x.s.settle()
			x.s.c.EndReply(x.a.Peer, segment.Time(time.Since(n.f.start)))
			x.s.settle()
		}
		n.mu.Unlock()
	}
}
