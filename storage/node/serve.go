package node

import (
	"context"
	"fmt"
	"sort"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/zoryadb/zorya/storage/page"
	"github.com/zoryadb/zorya/storage/proto"
	"github.com/zoryadb/zorya/storage/segment"
)

// GetPages implements proto.Node.
func (n *Node) GetPages(ctx context.Context, r *proto.PageRead, dst [][]byte) (proto.Status, error) {
	if n.closed.Load() {
		return proto.StatusFailed, errClosed
	}
	if len(r.Pages) == 0 || len(r.Pages) > proto.MaxPageRead || len(dst) != len(r.Pages) {
		return proto.StatusBad, nil
	}
	for _, d := range dst {
		if len(d) != page.Size {
			return proto.StatusBad, nil
		}
	}
	s := n.segment(proto.SegmentKey{Volume: r.Volume, PG: r.PG})
	if s == nil {
		return proto.StatusNoSegment, nil
	}
	n.m.reads.Inc()
	st, err := s.GetPages(ctx, r, dst)
	if err != nil {
		// Damage is being repaired; the reader asks another full segment meanwhile.
		n.log.Error("page read failed", "segment", s.Key(), "err", err)
		n.wakeWork()
		return proto.StatusFailed, nil
	}
	return st, nil
}

// ofVolume returns the node's segments of a volume, in PG order; pgs narrows them (nil: all).
func (n *Node) ofVolume(v proto.VolumeID, pgs []proto.PG) []*segment.Segment {
	n.segMu.RLock()
	defer n.segMu.RUnlock()
	var out []*segment.Segment
	if pgs != nil {
		for _, pg := range pgs {
			if s := n.segs[proto.SegmentKey{Volume: v, PG: pg}]; s != nil {
				out = append(out, s)
			}
		}
		return out
	}
	for k, s := range n.segs {
		if k.Volume == v {
			out = append(out, s)
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Key().PG < out[j].Key().PG })
	return out
}

// syncWidth bounds the superblocks that are written at once.
const syncWidth = 8

// Fence implements proto.Node.
func (n *Node) Fence(_ context.Context, r *proto.FenceRequest) (*proto.FenceReply, error) {
	if n.closed.Load() {
		return nil, errClosed
	}
	segs := n.ofVolume(r.Volume, r.PGs)
	samples := make([]proto.Sample, len(segs))
	statuses := make([]proto.Status, len(segs))
	var g errgroup.Group
	g.SetLimit(syncWidth)
	for i, s := range segs {
		g.Go(func() (err error) {
			samples[i], statuses[i], err = s.Fence(r)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, fmt.Errorf("fence on node %s: %w", n.opt.ID, err)
	}
	rep := &proto.FenceReply{Epoch: r.Epoch, History: r.History}
	for i, s := range segs {
		s.With(func(c *segment.Core) {
			rep.Epoch = max(rep.Epoch, c.Epoch())
			if c.History().Version > rep.History.Version {
				rep.History = *c.History()
			}
		})
		switch st := statuses[i]; {
		case st == proto.OK:
			rep.Segments = append(rep.Segments, samples[i])
		case rep.Status != proto.StatusStaleEpoch: // the gravest refusal is the answer
			rep.Status = st
		}
	}
	if rep.Status != proto.OK {
		rep.Segments = nil
	}
	return rep, nil
}

// InstallHistory implements proto.Node.
func (n *Node) InstallHistory(_ context.Context, r *proto.HistoryRequest) (proto.Status, error) {
	if n.closed.Load() {
		return proto.StatusFailed, errClosed
	}
	segs := n.ofVolume(r.Volume, nil)
	var mu sync.Mutex
	out := proto.OK
	var g errgroup.Group
	g.SetLimit(syncWidth)
	for _, s := range segs {
		g.Go(func() error {
			st, err := s.InstallHistory(r)
			mu.Lock()
			defer mu.Unlock()
			if st != proto.OK && out != proto.StatusStaleEpoch {
				out = st
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return proto.StatusFailed, err
	}
	return out, nil
}

// Retain implements proto.Node.
func (n *Node) Retain(_ context.Context, r *proto.RetainRequest) (*proto.RetainReply, error) {
	if n.closed.Load() {
		return nil, errClosed
	}
	segs := n.ofVolume(r.Volume, nil)
	rep := &proto.RetainReply{Segments: make([]proto.SegmentStatus, len(segs))}
	var g errgroup.Group
	g.SetLimit(syncWidth)
	for i, s := range segs {
		g.Go(func() (err error) {
			rep.Segments[i], err = s.Retain(r)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, fmt.Errorf("retain points on node %s: %w", n.opt.ID, err)
	}
	for i := range rep.Segments {
		switch st := rep.Segments[i].Status; st {
		case proto.OK, proto.StatusGone, proto.StatusHydrating, proto.StatusRetired:
		default:
			if rep.Status != proto.StatusStaleEpoch { // the gravest refusal is the answer
				rep.Status = st
			}
		}
	}
	if rep.Status != proto.OK {
		rep.Segments = nil
	}
	return rep, nil
}

// CreateSegment implements proto.Node. Repeating it is harmless; an older life of the segment is replaced only
// by one that hydrates.
func (n *Node) CreateSegment(_ context.Context, r *proto.SegmentSpec) (proto.Status, error) {
	if n.closed.Load() {
		return proto.StatusFailed, errClosed
	}
	if r.Member.Node != n.opt.ID || r.PagesPerPG == 0 || (r.Member.Kind != proto.Full && r.Member.Kind != proto.Tail) ||
		r.Member.Incarnation == 0 || len(r.History.Intervals) == 0 {
		return proto.StatusBad, nil
	}
	n.admin.Lock()
	defer n.admin.Unlock()
	key := proto.SegmentKey{Volume: r.Volume, PG: r.PG}
	old := n.segment(key)
	if old != nil {
		var inc, epoch uint64
		old.With(func(c *segment.Core) { inc, epoch = c.Incarnation(), c.Epoch() })
		switch {
		case inc == r.Member.Incarnation:
			return proto.OK, nil
		case inc > r.Member.Incarnation:
			return proto.StatusStaleMembers, nil
		case r.Epoch < epoch:
			return proto.StatusStaleEpoch, nil
		case !r.Hydrate:
			return proto.StatusBad, nil
		}
	}
	if st := n.refusal(); st == proto.StatusFull || st == proto.StatusRetired {
		return st, nil
	}
	st := segment.State{
		Volume: r.Volume, Timeline: r.Timeline, PG: r.PG, PagesPerPG: r.PagesPerPG, Self: r.Member, Membership: r.Membership,
		Epoch: r.Epoch, History: r.History, Phase: segment.Active,
	}
	if r.Hydrate {
		st.Phase = segment.Hydrating
	}
	dir := n.segmentDir(key, r.Member.Incarnation)
	if err := n.opt.FS.RemoveAll(dir); err != nil { // left by a crash in the middle of a creation
		return proto.StatusFailed, err
	}
	s, err := segment.Create(n.segmentOptions(dir), st)
	if err == nil {
		err = n.opt.FS.SyncDir(n.opt.Dir)
	}
	if err != nil {
		return proto.StatusFailed, err
	}
	n.segMu.Lock()
	oldDir := n.dirs[key]
	n.segs[key], n.dirs[key] = s, dir
	n.segMu.Unlock()
	n.log.Info("segment created", "segment", key, "kind", r.Member.Kind, "incarnation", r.Member.Incarnation, "hydrate", r.Hydrate)
	if old != nil {
		old.Close()
		if err := n.opt.FS.RemoveAll(oldDir); err != nil {
			n.log.Warn("former life of a segment is left on disk", "dir", oldDir, "err", err)
		}
	}
	return proto.OK, nil
}

// InstallMembership implements proto.Node.
func (n *Node) InstallMembership(_ context.Context, r *proto.SegmentSpec) (proto.Status, error) {
	if n.closed.Load() {
		return proto.StatusFailed, errClosed
	}
	s := n.segment(proto.SegmentKey{Volume: r.Volume, PG: r.PG})
	if s == nil {
		return proto.StatusNoSegment, nil
	}
	return s.InstallMembership(r.Epoch, &r.Membership)
}

// FetchLog implements proto.Node.
func (n *Node) FetchLog(ctx context.Context, r *proto.LogRequest) (*proto.LogReply, error) {
	if n.closed.Load() {
		return nil, errClosed
	}
	s := n.segment(proto.SegmentKey{Volume: r.Volume, PG: r.PG})
	if s == nil {
		return &proto.LogReply{Status: proto.StatusNoSegment}, nil
	}
	return s.FetchLog(ctx, r)
}

// FetchBaseline implements proto.Node.
func (n *Node) FetchBaseline(_ context.Context, r *proto.BaselineRequest) (*proto.BaselineReply, error) {
	if n.closed.Load() {
		return nil, errClosed
	}
	s := n.segment(proto.SegmentKey{Volume: r.Volume, PG: r.PG})
	if s == nil {
		return &proto.BaselineReply{Status: proto.StatusNoSegment}, nil
	}
	return s.FetchBaseline(r)
}

// Info implements proto.Node.
func (n *Node) Info(context.Context) (*proto.NodeInfo, error) {
	if n.closed.Load() {
		return nil, errClosed
	}
	in := &proto.NodeInfo{Node: n.opt.ID, AZ: n.opt.AZ, Started: n.started, QueueBytes: uint64(max(n.queued.Load(), 0)),
		Damaged: uint64(n.stats.Damaged.Load()), Repaired: uint64(n.stats.Repaired.Load()), ScrubRounds: n.scrubs.Load(), CleanRounds: n.clean.Load()}
	free, err := n.opt.FS.Free(n.opt.Dir)
	if err != nil {
		return nil, err
	}
	in.DiskFree = free
	for _, s := range n.all() {
		in.Segments = append(in.Segments, s.Info())
	}
	sort.Slice(in.Segments, func(i, j int) bool {
		a, b := &in.Segments[i], &in.Segments[j]
		if a.Volume != b.Volume {
			return string(a.Volume[:]) < string(b.Volume[:])
		}
		return a.PG < b.PG
	})
	return in, nil
}
