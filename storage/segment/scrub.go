package segment

import (
	"fmt"
	"io"

	"github.com/zoryadb/zorya/base/vfs"
	"github.com/zoryadb/zorya/storage/page"
	"github.com/zoryadb/zorya/storage/proto"
	"github.com/zoryadb/zorya/storage/redo"
)

// scrubber is where background verification stands.
type scrubber struct {
	files    []scrubFile // of this round, still to do
	damaged  int
	repaired int
	rounds   int // ended
	spillAt  uint32
}

// scrubFile is a file of a round: the superblock has no number.
type scrubFile struct {
	seq uint32
	log bool
}

// Scrub verifies up to about budget bytes of what can be read or will be relied upon: both slots of the superblock; of log files header,
// every record and footer; of image files header, footer and the images in use. It reports damage for repair and returns how many
// bytes it read and whether a whole round is done.
func (s *Segment) Scrub(budget int64) (read int64, done bool, err error) {
	for read < budget {
		s.mu.Lock()
		if s.err != nil {
			s.mu.Unlock()
			return read, true, nil
		}
		sc := &s.scrub
		if len(sc.files) == 0 {
			sc.files = append(sc.files, scrubFile{})
			for _, im := range s.images {
				sc.files = append(sc.files, scrubFile{im.seq, false})
			}
			for _, l := range s.logs {
				sc.files = append(sc.files, scrubFile{l.seq, true})
			}
		}
		cur := sc.files[0]
		s.mu.Unlock()
		var n int64
		switch {
		case cur.seq == 0:
			n, err = s.scrubSuper()
		case cur.log:
			n, err = s.scrubLog(cur.seq)
		default:
			n, err = s.scrubImages(cur.seq)
		}
		if err != nil {
			return read, false, err
		}
		read += n
		s.opt.Stats.Scrubbed.Add(n)
		s.mu.Lock()
		if sc.files = sc.files[1:]; len(sc.files) == 0 {
			sc.rounds++
			s.mu.Unlock()
			return read, true, nil
		}
		s.mu.Unlock()
	}
	return read, false, nil
}

// scrubSuper reads both slots: what one of them has lost is written again from memory.
func (s *Segment) scrubSuper() (int64, error) {
	s.superMu.Lock()
	if s.super == nil {
		s.superMu.Unlock()
		return 0, nil
	}
	_, gen, both, err := readSuper(s.super)
	want := s.superGen
	s.superMu.Unlock()
	if err != nil && err != errDamaged {
		return 0, err
	}
	if err == errDamaged || !both || gen != want {
		_ = s.report(Damage{Super: true, Size: 2 * superSlot, Cause: errDamaged})
	}
	return 2 * superSlot, nil
}

func (s *Segment) scrubLog(seq uint32) (int64, error) {
	s.mu.Lock()
	l := s.logOf[seq]
	if l == nil {
		s.mu.Unlock()
		return 0, nil
	}
	l.refs++
	end, sealed := l.size, l.sealed
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.unrefLog(l)
		s.mu.Unlock()
	}()
	if err := s.scrubHeader(l.f, logMagic, seq); err != nil {
		return 0, err
	}
	named := sealed // by the footer
	if sealed {
		if _, _, _, err := footerBytes(l.f); err == errDamaged {
			named = false
			_ = s.report(footerDamage(l.f, true, seq, end))
		} else if err != nil {
			return 0, err
		}
	}
	if !named {
		return end, s.scrubUnnamed(l, end)
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
		if ft.entries == nil {
			if ft, err = readFooter(l.f); err != nil && err != errDamaged {
				return off, err
			}
		}
		next := resync(l.f, at, end)
		for _, e := range ft.entries { // it names all that was sound when the file was sealed
			if int64(e.off) >= at && int64(e.off) < next && !s.isLost(l, e.off) {
				_ = s.report(Damage{Log: true, File: seq, Off: e.off, Size: e.size, LSN: e.lsn, Page: s.first + page.No(e.page), Cause: errDamaged})
			}
		}
		off = next
	}
	return end, nil
}

// scrubUnnamed verifies the records of a log file without a sound footer: where some are damaged, it takes the links of the chain from the
// records before and behind.
func (s *Segment) scrubUnnamed(l *logFile, end int64) error {
	if _, err := scanRecords(l.f, fileHeader, end, nil); err != errDamaged {
		return err
	}
	s.mu.Lock()
	gaps := l.gaps
	s.mu.Unlock()
	var d *Damage
	last := page.LSN(0)
	done := func() {
		if d != nil && !gaps && !s.isLost(l, d.Off) {
			_ = s.report(*d)
		}
		d = nil
	}
	for off := int64(fileHeader); off < end; {
		at, err := scanRecords(l.f, off, end, func(_ int64, _ []byte, r *redo.Record) error {
			if d != nil {
				d.to = r.PrevPG
				done()
			}
			last = r.LSN
			return nil
		})
		if err == nil {
			break
		}
		if err != errDamaged {
			return err
		}
		done()
		off = resync(l.f, at, end)
		d = &Damage{Log: true, File: l.seq, Off: uint32(at), Size: uint32(off - at), Cause: errDamaged, from: last, to: proto.MaxLSN}
	}
	done()
	return nil
}

// scrubHeader verifies the header of a log or image file.
func (s *Segment) scrubHeader(f vfs.File, magic, seq uint32) error {
	s.mu.Lock()
	st := s.core.st
	s.mu.Unlock()
	err := checkHeader(f, magic, &st)
	if err == errDamaged {
		_ = s.report(Damage{Header: true, Log: magic == logMagic, File: seq, Size: fileHeader, Cause: err})
		return nil
	}
	return err
}

// footerDamage is a sealed file's damaged footer or trailer: all that lies behind its data.
func footerDamage(f vfs.File, log bool, seq uint32, end int64) Damage {
	d := Damage{Log: log, Footer: true, File: seq, Off: uint32(end), Cause: errDamaged}
	if size, err := f.Size(); err == nil && size > end {
		d.Size = uint32(size - end)
	}
	return d
}

// isLost reports whether a damaged record is known to be needed by nobody.
func (s *Segment) isLost(l *logFile, off uint32) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return l.lost[off]
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
	if err := s.scrubHeader(im.f, imageMagic, seq); err != nil {
		return 0, err
	}
	if sealed {
		ft, err := readFooter(im.f)
		entries = ft.entries
		if err == errDamaged {
			_ = s.report(footerDamage(im.f, false, seq, end))
			entries = s.imagesIn(seq)
		} else if err != nil {
			return 0, err
		}
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
			_ = s.report(Damage{Page: s.first + page.No(e.page), LSN: e.lsn, File: seq, Off: e.off, Size: e.size, Cause: errDamaged})
		}
	}
	return end, nil
}

// imagesIn lists the images of a file that the index uses.
func (s *Segment) imagesIn(seq uint32) (es []entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for p := range s.known(0, s.pages) {
		for id := s.idx.peek(p).imgs; id != 0; id = s.idx.at(id).next {
			if e := s.idx.at(id); e.file == seq {
				es = append(es, entry{page: p, lsn: e.lsn, off: e.off, size: uint32(e.len()), flags: e.flags()})
			}
		}
	}
	return es
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
// repair itself (Own); done when nothing is left to repair.
func (s *Segment) RepairPlan(d *Damage) (log *proto.LogRequest, read *proto.PageRead, done bool) {
	if d.Own() {
		return nil, nil, false
	}
	if d.Log && !s.locate(d) {
		return nil, nil, true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.core
	if d.Log && d.LSN > 0 && !c.History().Live(d.LSN) {
		s.lose(d) // annulled: nobody reads it, and no peer would send it
		return nil, nil, true
	}
	if d.Log {
		return &proto.LogRequest{Volume: s.key.Volume, Timeline: c.st.Timeline, Epoch: c.st.Epoch, History: c.st.History.Version,
			PG: s.key.PG, MembershipEpoch: c.st.Membership.Epoch, From: d.from, To: d.to, MaxBytes: MaxFetch}, nil, false
	}
	at := min(c.ImageLimit(), s.organised)
	if d.File != 0 && d.LSN >= c.Horizon() && d.LSN <= at {
		at = d.LSN // that very version: a newer one would stand beside the damaged image, which reads in the past still meet
	}
	return nil, &proto.PageRead{Volume: s.key.Volume, Timeline: c.st.Timeline, Epoch: c.st.Epoch, History: c.st.History.Version,
		PG: s.key.PG, MembershipEpoch: c.st.Membership.Epoch, ReadLSN: at, PGLSN: c.floorLink(at), Pages: []page.No{d.Page}}, false
}

// locate finds between which links of the chain the damaged records lie: by their LSN, or in a file without
// a footer by the records before and behind. It reports false when there is nothing to repair.
func (s *Segment) locate(d *Damage) bool {
	if d.LSN > 0 || d.to > 0 {
		if d.LSN > 0 {
			d.from, d.to = d.LSN-1, d.LSN
		}
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

// Dropped takes note that every peer has dropped the log in which d lies, so that it cannot be had as it was. Then it is not needed as log, by
// those rules by which they dropped it. It returns what is to be repaired instead: the record's page, where an index still uses it.
func (s *Segment) Dropped(d *Damage) *Damage {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lose(d)
	if !s.full || d.LSN == 0 {
		return nil // if a page still needs it, a read says so, by name
	}
	sl := s.idx.peek(uint32(d.Page - s.first))
	if sl == nil {
		return nil
	}
	for id := sl.recs; id != 0; id = s.idx.at(id).next {
		if s.idx.at(id).lsn == d.LSN {
			return &Damage{Page: d.Page, LSN: d.LSN, Cause: d.Cause}
		}
	}
	return nil
}

// maxLost bounds what is remembered of a file; what is not is found again in each round.
const maxLost = 4096

// lose remembers damage in a log file that needs no repair. mu is held.
func (s *Segment) lose(d *Damage) {
	l := s.logOf[d.File]
	if l == nil || len(l.lost) >= maxLost {
		return
	}
	if l.lost == nil {
		l.lost = map[uint32]bool{}
	}
	l.lost[d.Off] = true
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
	m := takeImager()
	defer imagers.Put(m)
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
	im := s.imageOf[d.File]
	open := !d.Log && im != nil && !im.sealed
	s.mu.Unlock()
	if open { // a restart would scan it, and could not tell the damaged image from one that is missed
		if err := s.sealImage(im); err != nil {
			return err
		}
	}
	s.counted()
	return nil
}

// RepairOwn mends what the segment can tell by itself: a superblock, a header, a footer.
func (s *Segment) RepairOwn(d *Damage) error {
	if d.Super {
		s.mu.Lock()
		need := s.core.Touch()
		s.mu.Unlock()
		err := s.Persist(need)
		if err == nil {
			s.counted()
		}
		return err
	}
	s.mu.Lock()
	st := s.core.st
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
	switch {
	case d.Header && d.Log:
		err = mendHeader(l.f, logMagic, &st, d.File)
	case d.Header:
		err = mendHeader(im.f, imageMagic, &st, d.File)
	case d.Log:
		_, err = sealLog(l, s.first, l.gaps)
	default: // images that nobody uses any more need no line in it
		err = seal(im.f, &footer{min: im.min, max: im.max, dataEnd: im.size, entries: s.imagesIn(d.File)}, new(sealer))
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

func mendHeader(f vfs.File, magic uint32, st *State, seq uint32) error {
	if err := writeHeader(f, magic, st, seq); err != nil {
		return err
	}
	return f.Sync()
}

func (s *Segment) counted() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.repairedOne()
}
