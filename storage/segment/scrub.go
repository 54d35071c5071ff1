package segment

import (
	"fmt"
	"io"

	"github.com/zoryadb/zorya/storage/page"
	"github.com/zoryadb/zorya/storage/proto"
	"github.com/zoryadb/zorya/storage/redo"
)

// scrubber is where background verification stands.
type scrubber struct {
	files    []scrubFile // of this round, still to do
	off      int64
	repaired int
	spillAt  uint32
}

type scrubFile struct {
	seq uint32
	log bool
}

// Scrub verifies up to about budget bytes of what is durable and reports damage for repair. It returns
// how many bytes it read and whether a whole round is done.
func (s *Segment) Scrub(budget int64) (read int64, done bool, err error) {
	for read < budget {
		s.mu.Lock()
		if s.err != nil {
			s.mu.Unlock()
			return read, true, nil
		}
		sc := &s.scrub
		if len(sc.files) == 0 {
			if read > 0 {
				s.mu.Unlock()
				return read, true, nil
			}
			for _, im := range s.images {
				sc.files = append(sc.files, scrubFile{im.seq, false})
			}
			for _, l := range s.logs {
				sc.files = append(sc.files, scrubFile{l.seq, true})
			}
			sc.off = 0
			if len(sc.files) == 0 {
				s.mu.Unlock()
				return 0, true, nil
			}
		}
		cur := sc.files[0]
		s.mu.Unlock()
		var n int64
		if cur.log {
			n, err = s.scrubLog(cur.seq)
		} else {
			n, err = s.scrubImages(cur.seq)
		}
		if err != nil {
			return read, false, err
		}
		read += n + 1
		s.opt.Stats.Scrubbed.Add(n)
		s.mu.Lock()
		sc.files = sc.files[1:]
		s.mu.Unlock()
	}
	return read, false, nil
}

func (s *Segment) scrubLog(seq uint32) (int64, error) {
	s.mu.Lock()
	l := s.logOf[seq]
	if l == nil {
		s.mu.Unlock()
		return 0, nil
	}
	l.refs++
	end, sealed := l.synced, l.sealed
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.unrefLog(l)
		s.mu.Unlock()
	}()
	if sealed {
		if _, _, _, err := footerBytes(l.f); err == errDamaged {
			_ = s.report(Damage{Log: true, Footer: true, File: seq})
		} else if err != nil {
			return 0, err
		}
	}
	var ft footer // decoded only when it has to name damage
	for off := int64(fileHeader); off < end; {
		at, err := scanRecords(l.f, off, end, nil)
		if err == nil {
			break
		}
		if err != errDamaged {
			return off, err
		}
		if sealed && ft.entries == nil {
			if ft, err = readFooter(l.f); err != nil && err != errDamaged {
				return off, err
			}
		}
		next := resync(l.f, at, end)
		s.reportGap(l, &ft, at, next)
		off = next
	}
	return end, nil
}

// reportGap names the damaged records in [at, next) by the footer; those of an open file are located when they are repaired.
func (s *Segment) reportGap(l *logFile, ft *footer, at, next int64) {
	s.mu.Lock()
	unnamed := !l.sealed && !l.gaps // a sealed file's footer names all that was sound when it was sealed
	s.mu.Unlock()
	for _, e := range ft.entries {
		if int64(e.off) >= at && int64(e.off) < next {
			_ = s.report(Damage{Log: true, File: l.seq, Off: e.off, Size: e.size, LSN: e.lsn, Page: s.first + page.No(e.page)})
		}
	}
	if unnamed {
		_ = s.report(Damage{Log: true, File: l.seq, Off: uint32(at), Size: uint32(next - at)})
	}
}

func (s *Segment) scrubImages(seq uint32) (int64, error) {
	s.mu.Lock()
	im := s.imageOf[seq]
	if im == nil {
		s.mu.Unlock()
		return 0, nil
	}
	im.refs++
	entries, sealed, end := append([]entry(nil), im.entries...), im.sealed, im.size
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.unrefImage(im)
		s.mu.Unlock()
	}()
	if sealed {
		ft, err := readFooter(im.f)
		if err == errDamaged {
			_ = s.report(Damage{Footer: true, File: seq})
			return end, nil
		} else if err != nil {
			return 0, err
		}
		entries = ft.entries
	}
	var buf []byte
	for i := range entries {
		e := &entries[i]
		if !s.points(e.page, seq, e.off) {
			continue // superseded: nobody reads it
		}
		if cap(buf) < int(e.size) {
			buf = make([]byte, 2*e.size)
		}
		b := buf[:e.size]
		if _, err := im.f.ReadAt(b, int64(e.off)); err != nil && err != io.EOF {
			return end, err
		}
		if bi, _, err := parseBlob(b); err != nil || bi.lsn != e.lsn || bi.no != s.first+page.No(e.page) {
			_ = s.report(Damage{Page: s.first + page.No(e.page), LSN: e.lsn, File: seq, Off: e.off, Size: e.size})
		}
	}
	return end, nil
}

// points reports whether the index still uses the image at off of a file.
func (s *Segment) points(p, seq, off uint32) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	sl := s.idx.peek(p)
	if sl == nil {
		return false
	}
	for id := sl.imgs; id != 0; id = s.idx.at(id).next {
		if e := s.idx.at(id); e.file == seq && e.off == off {
			return true
		}
	}
	return false
}

// RepairPlan says what to ask peers for, to repair d: one of the two requests is set; neither when the segment can
// repair itself (RepairFooter); done when nothing is left to repair.
func (s *Segment) RepairPlan(d *Damage) (log *proto.LogRequest, read *proto.PageRead, done bool) {
	if d.Footer {
		return nil, nil, false
	}
	if d.Log && !s.locate(d) {
		return nil, nil, true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.core
	if d.Log {
		return &proto.LogRequest{Volume: s.key.Volume, Timeline: c.st.Timeline, Epoch: c.st.Epoch, History: c.st.History.Version,
			PG: s.key.PG, MembershipEpoch: c.st.Membership.Epoch, From: d.from, To: d.to, MaxBytes: MaxFetch}, nil, false
	}
	at := min(c.ImageLimit(), s.organised)
	return nil, &proto.PageRead{Volume: s.key.Volume, Timeline: c.st.Timeline, Epoch: c.st.Epoch, History: c.st.History.Version,
		PG: s.key.PG, MembershipEpoch: c.st.Membership.Epoch, ReadLSN: at, PGLSN: c.floorLink(at), Pages: []page.No{d.Page}}, false
}

// locate finds between which links of the chain the damaged records lie: by their LSN, or in a file without
// a footer by the records before and behind. It reports false when there is nothing to repair.
func (s *Segment) locate(d *Damage) bool {
	if d.LSN > 0 {
		d.from, d.to = d.LSN-1, d.LSN
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.logOf[d.File] != nil
	}
	s.mu.Lock()
	l := s.logOf[d.File]
	if l == nil {
		s.mu.Unlock()
		return false
	}
	l.refs++
	end := l.size
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.unrefLog(l)
		s.mu.Unlock()
	}()
	var last page.LSN
	for off := int64(fileHeader); off < end; {
		at, err := scanRecords(l.f, off, end, func(_ int64, _ []byte, r *redo.Record) error {
			last = r.LSN
			return nil
		})
		if err != errDamaged {
			return false
		}
		next := resync(l.f, at, end)
		if int64(d.Off) < next {
			d.Off, d.Size = uint32(at), uint32(next-at)
			d.from, d.to = last, proto.MaxLSN
			_, _ = scanRecords(l.f, next, end, func(_ int64, _ []byte, r *redo.Record) error {
				d.to = r.PrevPG
				return errStop
			})
			return d.from < d.to
		}
		off = next
	}
	return false
}

// RepairLog writes a damaged stretch back as a peer sent its records: every replica holds the same bytes.
func (s *Segment) RepairLog(d *Damage, raw []byte) error {
	var r redo.Record
	n := 0
	for n < int(d.Size) {
		k, err := redo.Parse(raw[n:], &r)
		if err != nil || (d.LSN > 0 && r.LSN != d.LSN) {
			break
		}
		n += k
	}
	if n != int(d.Size) || n == 0 {
		return fmt.Errorf("repair %s: the peer's records do not fit: %w", s.key, d)
	}
	s.mu.Lock()
	l := s.logOf[d.File]
	if l == nil {
		s.mu.Unlock()
		return nil
	}
	l.refs++
	s.mu.Unlock()
	_, err := l.f.WriteAt(raw[:n], int64(d.Off))
	if err == nil {
		err = l.f.Sync()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unrefLog(l)
	if err == nil {
		s.repairedOne()
	}
	return err
}

func (s *Segment) repairedOne() {
	s.scrub.repaired++
	s.opt.Stats.Repaired.Add(1)
}

// RepairPage installs a page as a full peer read it, in place of a damaged image.
func (s *Segment) RepairPage(d *Damage, at page.LSN, p []byte) error {
	if !page.Verify(p) || page.GetLSN(p) > at || (page.GetLSN(p) != 0 && page.GetNo(p) != d.Page) {
		return fmt.Errorf("repair page %d of %s: the peer's page is damaged: %w", d.Page, s.key, errDamaged)
	}
	s.imageMu.Lock()
	defer s.imageMu.Unlock()
	m := newImager()
	lsn, data := page.GetLSN(p), p
	if lsn == 0 {
		lsn, data = at, nil
	}
	if err := s.baselineImage(m, uint32(d.Page-s.first), lsn, data); err != nil {
		return err
	}
	if err := s.flushImages(m); err != nil {
		return err
	}
	if err := s.syncImages(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.repairedOne()
	return nil
}

// RepairFooter rebuilds a damaged footer from the records or images before it.
func (s *Segment) RepairFooter(d *Damage) error {
	s.mu.Lock()
	l, im := s.logOf[d.File], s.imageOf[d.File]
	if d.Log && l != nil {
		l.refs++
	} else if !d.Log && im != nil {
		im.refs++
	} else {
		s.mu.Unlock()
		return nil
	}
	s.mu.Unlock()
	var err error
	if d.Log {
		_, err = sealLog(l, s.first, l.gaps)
	} else {
		ft := footer{min: im.min, max: im.max, dataEnd: im.size}
		_, err = scanBlobs(im.f, fileHeader, im.size, func(off int64, bi *blobInfo, n int) {
			ft.entries = append(ft.entries, entry{page: uint32(bi.no - s.first), lsn: bi.lsn, off: uint32(off), size: uint32(n), flags: bi.flags})
		})
		if err == nil {
			err = seal(im.f, &ft)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if d.Log {
		s.unrefLog(l)
	} else {
		s.unrefImage(im)
	}
	if err == nil {
		s.repairedOne()
	}
	return err
}
