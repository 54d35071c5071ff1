package transport

import (
	"sync"

	"github.com/zoryadb/zorya/storage/page"
	"github.com/zoryadb/zorya/storage/proto"
)

// Frame types: one a method of proto.Node. A reply has its request's type and id.
const (
	typeAppend uint8 = 1 + iota
	typeGetPages
	typeFence
	typeInstallHistory
	typeCreateSegment
	typeInstallMembership
	typeFetchLog
	typeFetchBaseline
	typeInfo
	typeRetain
	typeEnd
)

// Frame flags.
const (
	flagReply uint8 = 1 << iota
	flagError       // the payload is a message: the node's method returned an error
)

func (c *coder) run(r *proto.Run) {
	u32(c, &r.PG)
	u64s(c, &r.Incarnation, &r.MembershipEpoch)
	u32(c, &r.Bytes)
}

// appendHead is an AppendFrame up to its records, which follow without a length to the frame's end.
func (c *coder) appendHead(f *proto.AppendFrame) {
	c.sender(&f.Volume, &f.Timeline, &f.Epoch)
	u64(c, &f.History)
	u64s(c, &f.VDL, &f.MRPL)
	list(c, &f.Runs, 24, (*coder).run)
}

// decodeAppend decodes f from payload, which f.Records aliases.
func decodeAppend(payload []byte, f *proto.AppendFrame) error {
	c := coders.Get().(*coder)
	defer release(c)
	c.b, c.dec = payload, true
	c.appendHead(f)
	var sum uint64
	for i := range f.Runs {
		sum += uint64(f.Runs[i].Bytes)
	}
	if c.err == nil && sum != uint64(len(c.b)) {
		c.fail("runs and records differ in length")
	}
	f.Records = f.Records[:0]
	if len(c.b) > 0 {
		f.Records = append(f.Records, c.b)
	}
	return c.err
}

func (c *coder) segmentStatus(s *proto.SegmentStatus) {
	u32(c, &s.PG)
	u64(c, &s.Incarnation)
	u8(c, &s.Status)
	u64(c, &s.SCL)
}

func (c *coder) appendAck(a *proto.AppendAck) {
	u8(c, &a.Status)
	u64(c, &a.Epoch)
	list(c, &a.Segments, 21, (*coder).segmentStatus)
}

func (c *coder) pageRead(r *proto.PageRead) {
	c.sender(&r.Volume, &r.Timeline, &r.Epoch)
	u64(c, &r.History)
	u32(c, &r.PG)
	u64s(c, &r.Incarnation, &r.MembershipEpoch)
	u64s(c, &r.ReadLSN, &r.PGLSN)
	list(c, &r.Pages, 8, u64[page.No])
	if len(r.Pages) > proto.MaxPageRead {
		c.fail("more pages than the bound")
	}
}

func (c *coder) fenceRequest(r *proto.FenceRequest) {
	c.sender(&r.Volume, &r.Timeline, &r.Epoch)
	str(c, &r.Writer)
	c.history(&r.History)
	list(c, &r.PGs, 4, u32[proto.PG])
	if c.dec && len(r.PGs) == 0 {
		r.PGs = nil
	}
}

func (c *coder) sample(s *proto.Sample) {
	u32(c, &s.PG)
	u8(c, &s.Kind)
	u64s(c, &s.Incarnation, &s.MembershipEpoch)
	u8(c, &s.Status)
	u64s(c, &s.SCL, &s.VDL, &s.MRPL, &s.AtVDL)
	c.chain(&s.Above)
}

func (c *coder) fenceReply(r *proto.FenceReply) {
	u8(c, &r.Status)
	u64(c, &r.Epoch)
	c.history(&r.History)
	list(c, &r.Segments, 58, (*coder).sample)
}

func (c *coder) historyRequest(r *proto.HistoryRequest) {
	c.sender(&r.Volume, &r.Timeline, &r.Epoch)
	c.history(&r.History)
}

func (c *coder) retainRequest(r *proto.RetainRequest) {
	c.sender(&r.Volume, &r.Timeline, &r.Epoch)
	u64s(c, &r.History, &r.Version)
	list(c, &r.Points, 8, u64[page.LSN])
	if len(r.Points) > proto.MaxRetain {
		c.fail("more retain points than the bound")
	}
}

func (c *coder) retainReply(r *proto.RetainReply) {
	u8(c, &r.Status)
	list(c, &r.Segments, 21, (*coder).segmentStatus)
}

func (c *coder) segmentSpec(s *proto.SegmentSpec) {
	c.sender(&s.Volume, &s.Timeline, &s.Epoch)
	c.history(&s.History)
	u32(c, &s.PG)
	u32(c, &s.PagesPerPG)
	c.membership(&s.Membership)
	c.member(&s.Member)
	c.bool(&s.Hydrate)
}

func (c *coder) logRequest(r *proto.LogRequest) {
	c.sender(&r.Volume, &r.Timeline, &r.Epoch)
	u64(c, &r.History)
	u32(c, &r.PG)
	u64(c, &r.MembershipEpoch)
	u64s(c, &r.From, &r.To)
	u32(c, &r.MaxBytes)
}

func (c *coder) logReply(r *proto.LogReply) {
	u8(c, &r.Status)
	u64(c, &r.Epoch)
	u64s(c, &r.SCL, &r.VDL, &r.MRPL, &r.Floor)
	c.history(&r.History)
	c.membership(&r.Membership)
	c.bytes(&r.Records)
}

func (c *coder) baselineRequest(r *proto.BaselineRequest) {
	c.sender(&r.Volume, &r.Timeline, &r.Epoch)
	u64(c, &r.History)
	u32(c, &r.PG)
	u64(c, &r.MembershipEpoch)
	u64(c, &r.At)
	u64(c, &r.Next)
	u32(c, &r.MaxPages)
}

func (c *coder) baselineReply(r *proto.BaselineReply) {
	u8(c, &r.Status)
	u64s(c, &r.At, &r.PGLSN)
	u64(c, &r.Next)
	c.bool(&r.Done)
	list(c, &r.PageLSN, 8, u64[page.LSN])
	c.bytes(&r.Pages)
}

func (c *coder) segmentInfo(s *proto.SegmentInfo) {
	c.volume(&s.Volume)
	u32(c, &s.PG)
	u8(c, &s.Kind)
	u64s(c, &s.Incarnation, &s.MembershipEpoch)
	u8(c, &s.Status)
	u64s(c, &s.SCL, &s.VDL, &s.MRPL, &s.Highest, &s.Horizon)
	u64s(c, &s.LogBytes, &s.ImageBytes)
	c.float(&s.Hydrated)
	u64(c, &s.Repairs)
}

func (c *coder) nodeInfo(n *proto.NodeInfo) {
	str(c, &n.Node)
	str(c, &n.AZ)
	c.time(&n.Started)
	u64s(c, &n.QueueBytes, &n.Damaged, &n.Repaired, &n.ScrubRounds, &n.CleanRounds, &n.DiskFree)
	list(c, &n.Segments, 110, (*coder).segmentInfo)
}

// coders spares an allocation a message: a coder escapes through the describing function.
var coders = sync.Pool{New: func() any { return new(coder) }}

func release(c *coder) {
	*c = coder{}
	coders.Put(c)
}

// encode runs a message's description forwards.
func encode[T any](dst []byte, m *T, describe func(*coder, *T)) ([]byte, error) {
	c := coders.Get().(*coder)
	defer release(c)
	c.b = dst
	describe(c, m)
	return c.b, c.err
}

// decode runs it backwards over all of payload.
func decode[T any](payload []byte, m *T, describe func(*coder, *T)) error {
	c := coders.Get().(*coder)
	defer release(c)
	c.b, c.dec = payload, true
	describe(c, m)
	return c.end()
}
