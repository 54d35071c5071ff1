package segment

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"runtime"
	"slices"
	"sort"
	"sync"

	"github.com/zoryadb/zorya/base/vfs"
	"github.com/zoryadb/zorya/storage/page"
	"github.com/zoryadb/zorya/storage/proto"
	"github.com/zoryadb/zorya/storage/redo"
)

// plan is what has to be read to make one page as of an LSN.
type plan struct {
	page  uint32
	image ent   // off 0: none
	recs  []ent // newest first
	lsn   page.LSN

	imageAt int   // where the image is in the read buffer
	at      []int // where the records are
}

// piece is a stretch of a file that a plan needs.
type piece struct {
	at    uint64 // file number << 32 | offset: logs and images are numbered together
	size  uint32
	plan  int32
	order int32 // position in plan.recs, -1 for the image
	log   bool
}

func (p *piece) file() uint32 { return uint32(p.at >> 32) }
func (p *piece) off() uint32  { return uint32(p.at) }
func (p *piece) end() uint64  { return p.at + uint64(p.size) }

// reader is the scratch of one vectored read.
type reader struct {
	plans  []plan
	pieces []piece
	buf    []byte // the pieces
	window []byte // what is read at once, gaps and all
	logs   []*logFile
	images []*imageFile
	ok     bool // the read is admitted
}

var readers = sync.Pool{New: func() any { return new(reader) }}

// pagesAtOnce bounds the buffers of one read phase, planAtOnce the pages that are looked up under one hold of the lock.
const (
	pagesAtOnce = 256
	planAtOnce  = 16
)

// GetPages serves a page read: each page of r into dst[i], sealed. The index lookups, then the reads, sorted and
// coalesced, then the replay.
func (s *Segment) GetPages(ctx context.Context, r *proto.PageRead, dst [][]byte) (proto.Status, error) {
	for _, no := range r.Pages {
		if no < s.first || no-s.first >= page.No(s.pages) {
			return proto.StatusBad, nil
		}
	}
	st := proto.OK
	err := s.readAt(r.ReadLSN, r.Pages, dst, nil, func(after bool) bool {
		// The horizon may pass the read while it is under way, and take versions with it.
		if st = s.core.CheckRead(r); st == proto.OK && !after && !s.waitOrganised(ctx, r.PGLSN) {
			st = proto.StatusBehind
		}
		if st == proto.OK && !after {
			for _, no := range r.Pages {
				s.noteRead(uint32(no - s.first))
			}
		}
		return st == proto.OK
	})
	if err != nil {
		return proto.StatusFailed, err
	}
	if st == proto.OK {
		s.opt.Stats.PagesRead.Add(int64(len(dst)))
	}
	return st, nil
}

// noteRead queues a page for imaging that a reader has to wait for: who reads a page once may read it again, while pages that are only
// written, which stay in their writer's cache, are left alone until their chains are long. mu is held.
func (s *Segment) noteRead(p uint32) {
	if sl := s.idx.peek(p); sl != nil && (sl.n > readRecords || sl.bytes > readBytes) && sl.flags&slotQueued == 0 {
		s.queueImage(p, sl)
		s.readQueued++
	}
}

// readRecords and readBytes bound what a read may replay before the page is imaged.
const (
	readRecords = 32
	readBytes   = 8 << 10
)

// waitOrganised waits until the records up to lsn, which are durable in the update queue, are in the index: a
// matter of microseconds, since the organiser follows the acknowledgement.
func (s *Segment) waitOrganised(ctx context.Context, lsn page.LSN) bool {
	if s.organised >= lsn {
		return true
	}
	stop := context.AfterFunc(ctx, s.cond.Broadcast)
	defer stop()
	for s.organised < lsn {
		if s.err != nil || ctx.Err() != nil {
			return false
		}
		s.cond.Wait()
	}
	return true
}

// readAt makes pages as of lsn, sealed. lsns, if not nil, receives the LSN of the version of each page, also of
// an absent one (0: it never was). check, if not nil, is called before the first page is looked up and after the last was read, with mu held; nothing is
// read once it says no.
func (s *Segment) readAt(lsn page.LSN, pages []page.No, dst [][]byte, lsns []page.LSN, check func(after bool) bool) error {
	rd := readers.Get().(*reader)
	defer readers.Put(rd)
	for rd.ok = true; len(pages) > 0 && rd.ok; {
		n := min(len(pages), pagesAtOnce)
		if err := s.readSome(rd, lsn, pages[:n], dst[:n], check); err != nil {
			return err
		}
		if lsns != nil {
			for i := range rd.plans {
				lsns[i] = rd.plans[i].lsn
			}
			lsns = lsns[n:]
		}
		pages, dst = pages[n:], dst[n:]
	}
	return nil
}

// readSome reads pagesAtOnce pages at most. Readers queue for the lock, so it is taken twice for a page: to check and plan, and to let go and check again.
func (s *Segment) readSome(rd *reader, lsn page.LSN, pages []page.No, dst [][]byte, check func(after bool) bool) error {
	defer s.releaseFiles(rd, check)
	rd.plans = rd.plans[:0]
	var spilled []int
	for i := 0; i < len(pages); i += planAtOnce {
		s.mu.Lock()
		if i == 0 && check != nil && !check(false) {
			rd.ok = false
			s.mu.Unlock()
			return nil
		}
		if s.err != nil {
			s.mu.Unlock()
			return s.err
		}
		for j, no := range pages[i:min(i+planAtOnce, len(pages))] {
			if s.planPage(rd, uint32(no-s.first), lsn) {
				spilled = append(spilled, i+j)
			}
		}
		s.pinFiles(rd)
		s.mu.Unlock()
	}
	if len(spilled) > 0 {
		if err := s.planFromFooters(rd, spilled, lsn); err != nil {
			return err
		}
	}
	if err := s.readPieces(rd); err != nil {
		return err
	}
	return s.replay(rd, dst)
}

// planPage looks a page up. It reports true when records that it needs are only in footers.
func (s *Segment) planPage(rd *reader, p uint32, lsn page.LSN) (spilled bool) {
	if len(rd.plans) < cap(rd.plans) {
		rd.plans = rd.plans[:len(rd.plans)+1]
	} else {
		rd.plans = append(rd.plans, plan{})
	}
	pl := &rd.plans[len(rd.plans)-1]
	*pl = plan{page: p, recs: pl.recs[:0], at: pl.at[:0]}
	sl := s.idx.peek(p)
	if sl == nil {
		return false
	}
	newer := false
	for id := sl.imgs; id != 0; id = s.idx.at(id).next {
		if e := s.idx.at(id); e.lsn <= lsn {
			pl.image, pl.lsn = *e, e.lsn
			break
		}
		newer = true
	}
	h := s.core.History()
	for id := sl.recs; id != 0; id = s.idx.at(id).next {
		e := s.idx.at(id)
		if e.lsn > lsn || !h.Live(e.lsn) {
			continue
		}
		if e.lsn <= pl.image.lsn {
			break
		}
		if pl.take(*e) {
			break
		}
	}
	// Above the horizon the image that spilled records lie below is there as long as they are needed. At a retain point it may be gone.
	return sl.flags&slotSpilled != 0 && (newer || lsn < s.core.Horizon())
}

// take adds the next older record and reports whether the version needs nothing older.
func (pl *plan) take(e ent) bool {
	pl.lsn = max(pl.lsn, e.lsn)
	if e.flags()&flagFree != 0 {
		pl.image = ent{}
		return true
	}
	pl.recs = append(pl.recs, e)
	if e.flags()&flagInit != 0 {
		pl.image = ent{}
		return true
	}
	return false
}

// pinFiles holds every file that may be read, so that GC does not close it: those that are new since it was called before.
func (s *Segment) pinFiles(rd *reader) {
	for _, l := range s.logs {
		if n := len(rd.logs); n == 0 || rd.logs[n-1].seq < l.seq {
			rd.logs = append(rd.logs, l)
			l.refs++
		}
	}
	for _, im := range s.images {
		if n := len(rd.images); n == 0 || rd.images[n-1].seq < im.seq {
			rd.images = append(rd.images, im)
			im.refs++
		}
	}
}

func (s *Segment) releaseFiles(rd *reader, check func(after bool) bool) {
	if !rd.ok {
		return // nothing was planned
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unpin(rd)
	if check != nil {
		rd.ok = check(true)
	}
}

func (s *Segment) unpin(rd *reader) {
	for i, l := range rd.logs {
		s.unrefLog(l)
		rd.logs[i] = nil
	}
	for i, im := range rd.images {
		s.unrefImage(im)
		rd.images[i] = nil
	}
	rd.logs, rd.images = rd.logs[:0], rd.images[:0]
}

func (rd *reader) file(p *piece) vfs.File {
	seq := p.file()
	if p.log {
		i := sort.Search(len(rd.logs), func(i int) bool { return rd.logs[i].seq >= seq })
		if i < len(rd.logs) && rd.logs[i].seq == seq {
			return rd.logs[i].f
		}
		return nil
	}
	i := sort.Search(len(rd.images), func(i int) bool { return rd.images[i].seq >= seq })
	if i < len(rd.images) && rd.images[i].seq == seq {
		return rd.images[i].f
	}
	return nil
}

const (
	readGap  = 8 << 10   // a gap that is cheaper to read than to skip
	readSpan = 256 << 10 // the longest single read of several pieces
)

// readPieces fetches what the plans need, neighbours together, in the order in which they lie.
func (s *Segment) readPieces(rd *reader) error {
	rd.pieces = rd.pieces[:0]
	total := 0
	for i := range rd.plans {
		pl := &rd.plans[i]
		for len(pl.at) < len(pl.recs) {
			pl.at = append(pl.at, 0)
		}
		if im := &pl.image; im.size != 0 && im.flags()&flagAbsent == 0 {
			rd.pieces = append(rd.pieces, piece{at: uint64(im.file)<<32 | uint64(im.off), size: uint32(im.len()), plan: int32(i), order: -1})
			total += im.len()
		}
		for j := range pl.recs {
			e := &pl.recs[j]
			rd.pieces = append(rd.pieces, piece{at: uint64(e.file)<<32 | uint64(e.off), log: true, size: uint32(e.len()), plan: int32(i), order: int32(j)})
			total += e.len()
		}
	}
	ps := rd.pieces
	slices.SortFunc(ps, func(a, b piece) int { return cmp.Compare(a.at, b.at) })
	rd.buf = slices.Grow(rd.buf[:0], total)
	for len(ps) > 0 {
		n, end := 1, ps[0].end()
		for n < len(ps) && ps[n].log == ps[0].log && ps[n].file() == ps[0].file() && ps[n].at <= end+readGap && ps[n].end()-ps[0].at <= readSpan {
			end = max(end, ps[n].end())
			n++
		}
		if err := s.readWindow(rd, ps[:n], int(end-ps[0].at)); err != nil {
			return err
		}
		ps = ps[n:]
	}
	return nil
}

// readWindow reads n bytes of a file and puts the pieces in them behind rd.buf, which has room.
func (s *Segment) readWindow(rd *reader, ps []piece, n int) error {
	f := rd.file(&ps[0])
	if f == nil {
		return fmt.Errorf("read %s: file %d of the index is gone", s.key, ps[0].file())
	}
	if at := len(rd.buf); len(ps) == 1 { // as a rule an image: it is read to where it is wanted
		rd.buf = rd.buf[:at+n]
		rd.place(&ps[0], at)
		return readWhole(f, rd.buf[at:], int64(ps[0].off()))
	}
	rd.window = slices.Grow(rd.window[:0], n)[:n]
	if err := readWhole(f, rd.window, int64(ps[0].off())); err != nil {
		return err
	}
	for i := range ps {
		rd.place(&ps[i], len(rd.buf))
		from := ps[i].at - ps[0].at
		rd.buf = append(rd.buf, rd.window[from:from+uint64(ps[i].size)]...)
	}
	return nil
}

// place notes that a piece is at offset at of rd.buf.
func (rd *reader) place(p *piece, at int) {
	if pl := &rd.plans[p.plan]; p.order < 0 {
		pl.imageAt = at
	} else {
		pl.at[p.order] = at
	}
}

// readWhole fills b. What a file lacks, which is shorter than it was, is zeros: the checksums will tell.
func readWhole(f vfs.File, b []byte, off int64) error {
	n, err := f.ReadAt(b, off)
	if err == io.EOF {
		clear(b[n:])
	} else if err != nil {
		return fmt.Errorf("read %d bytes at %d of %s: %w", len(b), off, f.Name(), err)
	}
	return nil
}

// replay decodes images, applies records, oldest first, and seals the pages. Damage is noted for repair and nothing of it is served.
func (s *Segment) replay(rd *reader, dst [][]byte) error {
	var r redo.Record
	applied := 0
	for i := range rd.plans {
		pl, p := &rd.plans[i], dst[i]
		no := s.first + page.No(pl.page)
		if pl.image.size == 0 || pl.image.flags()&flagAbsent != 0 {
			clear(p)
		} else {
			bi, _, err := parseBlob(rd.buf[pl.imageAt : pl.imageAt+pl.image.len()])
			if err == nil && (bi.no != no || bi.lsn != pl.image.lsn) {
				err = errDamaged
			}
			if err == nil {
				err = bi.decodeInto(p)
			}
			if err != nil {
				return s.report(Damage{Page: no, LSN: pl.image.lsn, File: pl.image.file, Off: pl.image.off, Size: uint32(pl.image.len())})
			}
		}
		for j := len(pl.recs) - 1; j >= 0; j-- {
			e := &pl.recs[j]
			n, err := redo.Reparse(rd.buf[pl.at[j]:pl.at[j]+e.len()], &r)
			if err != nil || n != e.len() || r.LSN != e.lsn || r.Page != no {
				return s.report(Damage{Page: no, Log: true, LSN: e.lsn, File: e.file, Off: e.off, Size: uint32(e.len())})
			}
			if err := r.Apply(p); err != nil {
				// Sound bytes that do not fit the page: a record between is missing here.
				return s.report(Damage{Page: no, LSN: pl.image.lsn, Cause: err})
			}
		}
		// An image is of a sealed page: what nothing was applied to is sealed.
		if len(pl.recs) > 0 && page.GetLSN(p) != 0 {
			page.Seal(p)
		}
		applied += len(pl.recs)
		if i%planAtOnce == planAtOnce-1 {
			runtime.Gosched() // a frame that has come goes first
		}
	}
	s.opt.Stats.Replayed.Add(int64(applied))
	return nil
}
