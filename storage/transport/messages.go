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
	u64(c, &r.Incarnation)
	u64(c, &r.MembershipEpoch)
	u32(c, &r.Bytes)
}

// appendHead is an AppendFrame up to its records, which follow without a length to the frame's end.
func (c *coder) appendHead(f *proto.AppendFrame) {
	c.volume(&f.Volume)
	u32(c, &f.Timeline)
	u64(c, &f.Epoch)
	u64(c, &f.History)
	u64(c, &f.VDL)
	u64(c, &f.MRPL)
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
	c.volume(&r.Volume)
	u32(c, &r.Timeline)
	u64(c, &r.Epoch)
	u64(c, &r.History)
	u32(c, &r.PG)
	u64(c, &r.Incarnation)
	u64(c, &r.MembershipEpoch)
	u64(c, &r.ReadLSN)
	u64(c, &r.PGLSN)
	list(c, &r.Pages, 8, u64[page.No])
	if len(r.Pages) > proto.MaxPageRead {
		c.fail("more pages than the bound")
	}
}

func (c *coder) fenceRequest(r *proto.FenceRequest) {
	c.volume(&r.Volume)
	u32(c, &r.Timeline)
	u64(c, &r.Epoch)
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
	u64(c, &s.Incarnation)
	u64(c, &s.MembershipEpoch)
	u8(c, &s.Status)
	u64(c, &s.SCL)
	u64(c, &s.VDL)
	u64(c, &s.MRPL)
	u64(c, &s.AtVDL)
	c.chain(&s.Above)
}

func (c *coder) fenceReply(r *proto.FenceReply) {
	u8(c, &r.Status)
	u64(c, &r.Epoch)
	c.history(&r.History)
	list(c, &r.Segments, 58, (*coder).sample)
}

func (c *coder) historyRequest(r *proto.HistoryRequest) {
	c.volume(&r.Volume)
	u32(c, &r.Timeline)
	u64(c, &r.Epoch)
	c.history(&r.History)
}

func (c *coder) retainRequest(r *proto.RetainRequest) {
	c.volume(&r.Volume)
	u32(c, &r.Timeline)
	u64(c, &r.Epoch)
	u64(c, &r.History)
	u64(c, &r.Version)
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
	c.volume(&s.Volume)
	u32(c, &s.Timeline)
	u64(c, &s.Epoch)
	c.history(&s.History)
	u32(c, &s.PG)
	u32(c, &s.PagesPerPG)
	c.membership(&s.Membership)
	c.member(&s.Member)
	c.bool(&s.Hydrate)
}

func (c *coder) logRequest(r *proto.LogRequest) {
	c.volume(&r.Volume)
	u32(c, &r.Timeline)
	u64(c, &r.Epoch)
	u64(c, &r.History)
	u32(c, &r.PG)
	u64(c, &r.MembershipEpoch)
	u64(c, &r.From)
	u64(c, &r.To)
	u32(c, &r.MaxBytes)
}

func (c *coder) logReply(r *proto.LogReply) {
	u8(c, &r.Status)
	u64(c, &r.Epoch)
	u64(c, &r.SCL)
	u64(c, &r.VDL)
	u64(c, &r.MRPL)
	u64(c, &r.Floor)
	c.history(&r.History)
	c.membership(&r.Membership)
	c.bytes(&r.Records)
}

func (c *coder) baselineRequest(r *proto.BaselineRequest) {
	c.volume(&r.Volume)
	u32(c, &r.Timeline)
	u64(c, &r.Epoch)
	u64(c, &r.History)
	u32(c, &r.PG)
	u64(c, &r.MembershipEpoch)
	u64(c, &r.At)
	u64(c, &r.Next)
	u32(c, &r.MaxPages)
}

func (c *coder) baselineReply(r *proto.BaselineReply) {
	u8(c, &r.Status)
	u64(c, &r.At)
	u64(c, &r.PGLSN)
	u64(c, &r.Next)
	c.bool(&r.Done)
	list(c, &r.PageLSN, 8, u64[page.LSN])
	c.bytes(&r.Pages)
}

func (c *coder) segmentInfo(s *proto.SegmentInfo) {
	c.volume(&s.Volume)
	u32(c, &s.PG)
	u8(c, &s.Kind)
	u64(c, &s.Incarnation)
	u64(c, &s.MembershipEpoch)
	u8(c, &s.Status)
	u64(c, &s.SCL)
	u64(c, &s.VDL)
	u64(c, &s.MRPL)
	u64(c, &s.Highest)
	u64(c, &s.Horizon)
	u64(c, &s.LogBytes)
	u64(c, &s.ImageBytes)
	c.float(&s.Hydrated)
	u64(c, &s.Repairs)
}

func (c *coder) nodeInfo(n *proto.NodeInfo) {
	str(c, &n.Node)
	str(c, &n.AZ)
	c.time(&n.Started)
	u64(c, &n.QueueBytes)
	u64(c, &n.Damaged)
	u64(c, &n.Repaired)
	u64(c, &n.ScrubRounds)
	u64(c, &n.CleanRounds)
	u64(c, &n.DiskFree)
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
