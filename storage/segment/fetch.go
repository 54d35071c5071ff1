package segment

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/zoryadb/zorya/storage/page"
	"github.com/zoryadb/zorya/storage/proto"
	"github.com/zoryadb/zorya/storage/redo"
)

// MaxFetch bounds the bytes of records in one LogReply.
const MaxFetch = 4 << 20

// organiseWithin bounds how long a question for log waits for the organiser to bring what was asked for to the files.
const organiseWithin = time.Second

// FetchLog answers a peer's question for records of the chain above r.From: as many as fit, without a gap. An answer without records
// although SCL is above From means that they are damaged here.
func (s *Segment) FetchLog(ctx context.Context, r *proto.LogRequest) (*proto.LogReply, error) {
	rep := &proto.LogReply{}
	s.mu.Lock()
	if s.err != nil {
		s.mu.Unlock()
		return &proto.LogReply{Status: proto.StatusRetired}, nil
	}
	rep.Status = s.core.CheckLog(r)
	s.core.FillReply(rep)
	if (rep.Status != proto.OK && rep.Status != proto.StatusHydrating) || min(r.To, rep.SCL) <= r.From {
		s.mu.Unlock()
		return rep, nil
	}
	ctx, cancel := context.WithTimeout(ctx, organiseWithin)
	defer cancel()
	if !s.waitOrganised(ctx, r.From+1) {
		s.mu.Unlock()
		return &proto.LogReply{Status: proto.StatusBusy}, nil
	}
	history := *s.core.History()
	top := min(r.To, rep.SCL, s.organised)
	var files []*logFile
	for _, l := range s.logs {
		if l.records > 0 && l.max > r.From && l.min <= top {
			l.refs++
			files = append(files, l)
		}
	}
	type span struct{ from, to int64 }
	spans := make([]span, len(files))
	for i, l := range files {
		spans[i] = span{l.start(r.From), l.size}
	}
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		for _, l := range files {
			s.unrefLog(l)
		}
		s.mu.Unlock()
	}()
	limit := int(min(max(r.MaxBytes, 64<<10), MaxFetch))
	g := gatherer{from: r.From, top: top, limit: limit}
	for i, l := range files {
		for off := spans[i].from; off < spans[i].to && !g.full(); {
			at, err := scanRecords(l.f, off, spans[i].to, func(_ int64, raw []byte, rec *redo.Record) error {
				if history.Live(rec.LSN) {
					g.add(rec.LSN, rec.PrevPG, raw)
				}
				if g.full() {
					return errStop
				}
				return nil
			})
			if err == nil {
				break
			}
			if err != errDamaged {
				return nil, fmt.Errorf("fetch log of %s: %w", s.key, err)
			}
			// If the chain needs what lay there, it ends there, and the peer asks another. Scrub repairs it.
			off = resync(l.f, at, spans[i].to)
		}
		if g.full() {
			break
		}
	}
	rep.Records = g.chain()
	return rep, nil
}

// gatherer collects records that come almost in order and hands out the prefix of their chain. After a refill a file may hold
// what came from the writer, far ahead, before what filled the gap: of more than it can hold, it keeps the lowest.
type gatherer struct {
	from, top page.LSN // what is wanted: (from, top]
	limit     int      // bytes to hand out
	recs      []gathered
	buf       []byte
	look      int // bytes at which to look again whether they are enough
}

type gathered struct {
	lsn, prev page.LSN
	off, n    int
}

func (g *gatherer) add(lsn, prev page.LSN, raw []byte) {
	if lsn <= g.from || lsn > g.top {
		return
	}
	g.recs = append(g.recs, gathered{lsn, prev, len(g.buf), len(raw)})
	g.buf = append(g.buf, raw...)
}

// full reports whether what is gathered begins with as much of the chain as may be handed out.
func (g *gatherer) full() bool {
	if len(g.buf) < max(g.limit, g.look) {
		return false
	}
	if _, bytes := g.prefix(); bytes >= g.limit {
		return true
	}
	if len(g.buf) > 3*g.limit {
		g.shrink()
	}
	g.look = len(g.buf) + g.limit
	return false
}

// shrink forgets the highest records: there is enough below them. It follows prefix, which sorts.
func (g *gatherer) shrink() {
	keep := make([]byte, 0, 2*g.limit+redo.MaxRecord)
	n, last := 0, page.LSN(0)
	for _, r := range g.recs {
		if r.lsn == last {
			continue // twice on disk
		}
		if len(keep) >= 2*g.limit {
			g.top = last
			break
		}
		last = r.lsn
		off := len(keep)
		keep = append(keep, g.buf[r.off:r.off+r.n]...)
		r.off = off
		g.recs[n] = r
		n++
	}
	g.recs, g.buf = g.recs[:n], keep
}

// prefix sorts, and measures the records that begin the chain above from: those of the first n, without repetitions.
func (g *gatherer) prefix() (n, bytes int) {
	slices.SortStableFunc(g.recs, func(a, b gathered) int { return cmp.Compare(a.lsn, b.lsn) })
	at := g.from
	for i, r := range g.recs {
		if i > 0 && r.lsn == at {
			n++
			continue
		}
		// The first need not name From: the asker may only know that it lies between two links.
		if i == 0 && r.prev > at || i > 0 && r.prev != at {
			break
		}
		at = r.lsn
		n++
		bytes += r.n
	}
	return n, bytes
}

func (g *gatherer) chain() []byte {
	n, bytes := g.prefix()
	out := make([]byte, 0, min(bytes, g.limit+redo.MaxRecord))
	last := page.LSN(0)
	for _, r := range g.recs[:n] {
		if r.lsn == last {
			continue
		}
		if len(out) > 0 && len(out)+r.n > g.limit {
			break
		}
		last = r.lsn
		out = append(out, g.buf[r.off:r.off+r.n]...)
	}
	return out
}

// FetchBaseline answers with page images as of a point of its own choice, in page order.
func (s *Segment) FetchBaseline(r *proto.BaselineRequest) (*proto.BaselineReply, error) {
	s.mu.Lock()
	if s.err != nil {
		s.mu.Unlock()
		return &proto.BaselineReply{Status: proto.StatusRetired}, nil
	}
	rep := &proto.BaselineReply{Status: s.core.CheckBaseline(r)}
	if rep.Status != proto.OK {
		s.mu.Unlock()
		return rep, nil
	}
	rep.At, rep.PGLSN = s.core.BaselinePoint(r.At, s.organised)
	limit := int(min(max(r.MaxPages, 1), proto.MaxPageRead))
	next := uint32(0)
	if r.Next > s.first {
		next = uint32(min(r.Next-s.first, page.No(s.pages)))
	}
	var nos []page.No
	rep.Done = true
	for p := range s.known(next, s.pages-next) {
		if len(nos) == limit {
			rep.Done = false
			break
		}
		nos = append(nos, s.first+page.No(p))
	}
	s.mu.Unlock()
	rep.Next = s.first + page.No(s.pages)
	if !rep.Done {
		rep.Next = nos[len(nos)-1] + 1
	}
	mem := make([]byte, len(nos)*page.Size)
	dst := make([][]byte, len(nos))
	lsns := make([]page.LSN, len(nos))
	for i := range dst {
		dst[i] = mem[i*page.Size : (i+1)*page.Size]
	}
	if err := s.readAt(rep.At, nos, dst, lsns, nil); err != nil {
		return nil, err
	}
	for _, p := range dst {
		if page.GetLSN(p) == 0 {
			continue
		}
		rep.Pages = append(rep.Pages, p...)
		rep.PageLSN = append(rep.PageLSN, page.GetLSN(p))
	}
	s.mu.Lock()
	if rep.At < s.core.Horizon() {
		rep = &proto.BaselineReply{Status: proto.StatusGone}
	}
	s.mu.Unlock()
	return rep, nil
}

// InstallBaseline takes a batch of a baseline from a peer (nil: the question failed): images of the pages
// in it, absence for the other pages that were known in the range it covers. asked is the question.
func (s *Segment) InstallBaseline(n proto.NodeID, asked *proto.BaselineRequest, r *proto.BaselineReply) error {
	if r != nil && r.Status == proto.OK && (len(r.Pages)%page.Size != 0 || len(r.Pages)/page.Size != len(r.PageLSN)) {
		r = nil
	}
	s.imageMu.Lock()
	defer s.imageMu.Unlock()
	s.mu.Lock()
	take, done := s.core.BaselineReply(n, r)
	s.mu.Unlock()
	if !take {
		return nil
	}
	m := takeImager()
	defer imagers.Put(m)
	from := max(asked.Next, s.first)
	for i := 0; i < len(r.PageLSN); i++ {
		p := r.Pages[i*page.Size : (i+1)*page.Size]
		no := page.GetNo(p)
		if !page.Verify(p) || no < from || no >= r.Next || page.GetLSN(p) > r.At {
			s.mu.Lock()
			s.core.gossip.basing = 0
			s.mu.Unlock()
			return fmt.Errorf("baseline of %s from %s: page %d is damaged", s.key, n, no)
		}
		if err := s.baselineGap(m, uint32(from-s.first), uint32(no-s.first), r.At); err != nil {
			return err
		}
		if err := s.baselineImage(m, uint32(no-s.first), page.GetLSN(p), p); err != nil {
			return err
		}
		from = no + 1
	}
	if err := s.baselineGap(m, uint32(from-s.first), uint32(r.Next-s.first), r.At); err != nil {
		return err
	}
	if err := s.flushImages(m); err != nil {
		return err
	}
	s.opt.Stats.BaselinePagesReceived.Add(int64(len(r.PageLSN)))
	if !done {
		return nil
	}
	if err := s.syncImages(); err != nil {
		return err
	}
	s.mu.Lock()
	need := s.core.BaselineDurable()
	s.advance(s.core.Rebased())
	s.sweeping()
	s.mu.Unlock()
	return s.Persist(need)
}

// baselineGap makes the known pages of [from, to) absent as of at.
func (s *Segment) baselineGap(m *imager, from, to uint32, at page.LSN) error {
	if from >= to {
		return nil
	}
	var gone []uint32
	s.mu.Lock()
	for p := range s.known(from, to-from) {
		gone = append(gone, p)
	}
	s.mu.Unlock()
	for _, p := range gone {
		if err := s.baselineImage(m, p, at, nil); err != nil {
			return err
		}
	}
	return nil
}

func (s *Segment) baselineImage(m *imager, p uint32, lsn page.LSN, data []byte) error {
	off := len(m.buf)
	e := entry{page: p, lsn: lsn, off: uint32(off)}
	m.buf, e.size, e.flags = appendBlob(m.buf, s.first+page.No(p), lsn, data, m.tmp)
	m.es = append(m.es, e)
	if len(m.buf) < scanWindow {
		return nil
	}
	return s.flushImages(m)
}

func (s *Segment) flushImages(m *imager) error {
	if len(m.es) == 0 {
		return nil
	}
	err := s.writeImages(m.buf, m.es)
	m.buf, m.es = m.buf[:0], m.es[:0]
	return err
}
