package segment

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/zoryadb/zorya/base/vfs"
	"github.com/zoryadb/zorya/storage/page"
	"github.com/zoryadb/zorya/storage/redo"
)

// Open opens a segment that Create made: the superblock, then the footers of its files; records are read
// only of files that have no footer or hold what the chain above State.Base is made of. The caller
// then replays the update queue with Replay and ends with Restored.
func Open(opt Options) (s *Segment, damaged bool, err error) {
	opt.defaults()
	f, err := opt.FS.Open(opt.Dir + "/" + superName)
	if err != nil {
		return nil, false, fmt.Errorf("open segment: %w", err)
	}
	sb, gen, both, err := readSuper(f)
	if err == nil && !both {
		gen++
		err = writeSuper(f, &sb, gen)
	}
	if err != nil {
		f.Close()
		return nil, false, fmt.Errorf("superblock in %s: %w", opt.Dir, err)
	}
	s = newSegment(opt, sb.State, f, gen)
	s.organised, s.durable = sb.Base, sb.Base
	if err := s.load(&sb, &damaged); err != nil {
		s.Close()
		return nil, false, fmt.Errorf("open segment %s: %w", s.key, err)
	}
	return s, damaged, nil
}

func (s *Segment) load(sb *superblock, damaged *bool) error {
	names, err := s.opt.FS.List(s.opt.Dir)
	if err != nil {
		return err
	}
	for _, name := range names { // sorted: images before logs, each in order of creation
		kind, num, ok := strings.Cut(name, "-")
		seq, perr := strconv.ParseUint(num, 10, 32)
		if !ok || perr != nil {
			continue
		}
		s.nextSeq = max(s.nextSeq, uint32(seq)+1)
		switch kind {
		case "img":
			err = s.loadImages(uint32(seq), sb)
		case "log":
			err = s.loadLog(uint32(seq), sb, damaged)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	for _, fr := range s.frees {
		for p := range s.known(fr.first, fr.n) {
			s.addFree(p, fr.e)
		}
	}
	tip := s.core.Tip()
	keep := s.frees[:0]
	for _, fr := range s.frees {
		if fr.e.lsn > tip {
			keep = append(keep, fr)
		}
	}
	s.frees = keep
	s.idx.post()
	s.advance(tip)
	return nil
}

func (s *Segment) loadImages(seq uint32, sb *superblock) error {
	f, err := s.opt.FS.Open(s.opt.Dir + "/" + imageName(seq))
	if err != nil {
		return err
	}
	if ok, err := s.usable(f, imageMagic, seq); !ok {
		return err
	}
	im := &imageFile{seq: seq, f: f}
	s.images = append(s.images, im)
	s.imageOf[seq] = im
	ft, err := readFooter(f)
	switch err {
	case nil:
		im.sealed, im.size, im.synced, im.min, im.max = true, ft.dataEnd, ft.dataEnd, ft.min, ft.max
		for i := range ft.entries {
			s.indexImage(im, &ft.entries[i])
		}
		return nil
	case errDamaged:
	default:
		return err
	}
	// No footer: it was open, or has lost it. Images beyond a torn one were not relied upon: what they supersede is dropped
	// only after a sync that the superblock tells of. Damage below that point means that an image is gone that may have been relied
	// upon, and nothing here tells of which page: then the segment must begin a new life. Behind the last image of a file that was
	// sealed lies what is left of its footer.
	size, err := f.Size()
	if err != nil {
		return err
	}
	end, err := scanBlobs(f, fileHeader, size, func(off int64, bi *blobInfo, n int) {
		if bi.no < s.first || bi.no-s.first >= page.No(s.pages) {
			return
		}
		e := entry{page: uint32(bi.no - s.first), lsn: bi.lsn, off: uint32(off), size: uint32(n), flags: bi.flags}
		im.note(e)
		s.indexImage(im, &e)
	})
	if err != nil && err != errDamaged {
		return err
	}
	if err == errDamaged && (seq < sb.ImageFile && (end < dataEnd(f) || resyncBlob(f, end, size, s.first, s.pages)) ||
		seq == sb.ImageFile && end < sb.ImageSynced) {
		return fmt.Errorf("an image at offset %d of a file without a footer: %w", end, err)
	}
	im.size = end
	if err := f.Truncate(end); err != nil {
		return err
	}
	return s.sealImage(im)
}

// usable tells a damaged header from a file that a crash left without contents: the one is written again, the other is
// removed and closed.
func (s *Segment) usable(f vfs.File, magic, seq uint32) (bool, error) {
	err := checkHeader(f, magic, &s.core.st)
	if err != errDamaged {
		return err == nil, err
	}
	size, err := f.Size()
	if err != nil {
		return false, err
	}
	if _, ferr := readFooter(f); ferr == nil || resyncAny(f, magic, size) {
		if err := writeHeader(f, magic, &s.core.st, seq); err != nil {
			return false, err
		}
		s.opt.Stats.Damaged.Add(1)
		s.opt.Stats.Repaired.Add(1)
		return true, f.Sync()
	}
	f.Close()
	return false, s.opt.FS.Remove(f.Name())
}

// resyncAny reports whether a record or an image begins right behind the header.
func resyncAny(f vfs.File, magic uint32, size int64) bool {
	found := false
	if magic == logMagic {
		_, _ = scanRecords(f, fileHeader, size, func(int64, []byte, *redo.Record) error { found = true; return errStop })
	} else {
		_, _ = scanBlobs(f, fileHeader, min(size, fileHeader+2*page.Size), func(int64, *blobInfo, int) { found = true })
	}
	return found
}

func (s *Segment) loadLog(seq uint32, sb *superblock, damaged *bool) error {
	f, err := s.opt.FS.Open(s.opt.Dir + "/" + logName(seq))
	if err != nil {
		return err
	}
	if ok, err := s.usable(f, logMagic, seq); !ok {
		if seq < sb.LogFile || seq == sb.LogFile && sb.LogSynced > fileHeader {
			*damaged = true
		}
		return err
	}
	l := &logFile{seq: seq, f: f}
	s.logs = append(s.logs, l)
	s.logOf[seq] = l
	ft, err := readFooter(f)
	switch err {
	case nil:
		return s.loadSealed(l, &ft, damaged)
	case errDamaged:
		return s.loadOpen(l, sb, damaged)
	}
	return err
}

// loadSealed indexes a file by its footer. Its records are read only when the chain above Base needs them.
func (s *Segment) loadSealed(l *logFile, ft *footer, damaged *bool) error {
	l.sealed, l.size, l.synced, l.marks = true, ft.dataEnd, ft.dataEnd, ft.marks
	l.min, l.max, l.records = ft.min, ft.max, len(ft.entries)
	if s.full {
		for i := range ft.entries {
			s.indexEntry(l, &ft.entries[i])
		}
	}
	base := s.core.st.Base
	if l.max <= base {
		return nil
	}
	for off := l.start(base); off < l.size; {
		at, err := scanRecords(l.f, off, l.size, func(_ int64, _ []byte, r *redo.Record) error {
			s.restoreLink(r)
			return nil
		})
		if err == nil {
			return nil
		}
		if err != errDamaged {
			return err
		}
		off = resync(l.f, at, l.size)
		*damaged = *damaged || ft.within(at, off) // else a gap that was there when the file was sealed
	}
	return nil
}

func (s *Segment) restoreLink(r *redo.Record) bool {
	return r.LSN > s.core.st.Base && s.core.Restore(Link{LSN: r.LSN, PrevPG: r.PrevPG, PrevVolume: r.PrevVolume,
		Epoch: r.Epoch, CPL: r.Flags&redo.CPL != 0})
}

// indexEntry indexes a record at a restart, unless its page's newest image covers it: then footers serve the
// seldom read below that image.
func (s *Segment) indexEntry(l *logFile, e *entry) {
	if e.page >= s.pages || !s.core.History().Live(e.lsn) {
		return
	}
	if e.flags&flagFree != 0 {
		s.frees = append(s.frees, freed{e.page, e.free, e.ent(l.seq)})
		return
	}
	if sl := s.idx.peek(e.page); sl != nil && sl.imgs != 0 && s.idx.at(sl.imgs).lsn >= e.lsn {
		if l.sealed && s.core.Needed(e.lsn, s.idx.at(sl.imgs).lsn) {
			l.spilled++
			sl.flags |= slotSpilled
		}
		if l.sealed || !s.core.Needed(e.lsn, s.idx.at(sl.imgs).lsn) {
			return
		}
	}
	if r := e.ent(l.seq); s.idx.addRec(e.page, r) {
		l.live++
		s.supersedes(e.page, &r)
		if sl := s.idx.peek(e.page); (sl.n > s.opt.ImageRecords || sl.bytes > s.opt.ImageBytes) && sl.flags&slotQueued == 0 {
			s.queueImage(e.page, sl)
		}
	}
}

// loadOpen scans a file without a footer. Bytes that are no record end it, unless they lie below what was
// synced: that is damage, and the scan goes on behind it.
func (s *Segment) loadOpen(l *logFile, sb *superblock, damaged *bool) error {
	size, err := l.f.Size()
	if err != nil {
		return err
	}
	synced := int64(0)
	switch {
	case l.seq < sb.LogFile:
		synced = size
	case l.seq == sb.LogFile:
		synced = sb.LogSynced
	}
	off := int64(fileHeader)
	l.lines.gauge = s.opt.Lines
	for {
		at, err := scanRecords(l.f, off, size, func(off int64, raw []byte, r *redo.Record) error {
			if r.Page < s.first || r.Page-s.first >= page.No(s.pages) {
				return errDamaged
			}
			e := entryOf(r, s.first, off, len(raw))
			l.note(&e)
			s.restoreLink(r)
			if s.full {
				s.indexEntry(l, &e)
			}
			return nil
		})
		if err != nil && err != errDamaged {
			return err
		}
		l.size = at
		if err == nil {
			break
		}
		if at >= synced {
			break // torn; whole records behind it were not synced either: the update queue has them
		}
		if off = resync(l.f, at, size); off >= size {
			*damaged = *damaged || l.seq == sb.LogFile // else what follows may be a rotten footer
			break
		}
		*damaged, l.gaps = true, true
		l.lines.drop()
	}
	if err := l.f.Truncate(l.size); err != nil {
		return err
	}
	// What the page cache still held is now relied upon.
	if err := l.f.Sync(); err != nil {
		return err
	}
	l.synced = l.size
	return nil
}

// Replay offers records of a batch of the update queue that may not have reached the segment's files, with
// what the frame told. raw and recs as for Organise.
func (s *Segment) Replay(vdl, mrpl page.LSN, raw []byte, recs []Rec) error {
	s.mu.Lock()
	s.core.Hear(clip(s.core.History(), vdl), clip(s.core.History(), mrpl))
	var keep []Rec
	var bytes []byte
	for i := range recs {
		r := recs[i]
		if r.LSN > s.core.st.Base && s.core.Restore(r.Link) {
			off := len(bytes)
			bytes = append(bytes, raw[r.Off:r.Off+r.Len]...)
			r.Off = uint32(off)
			keep = append(keep, r)
		}
	}
	tip := s.core.Tip()
	s.mu.Unlock()
	if len(keep) == 0 {
		return nil
	}
	return s.Organise(bytes, keep, tip)
}

// Restored ends a restart; damaged says that something once durable is missing.
func (s *Segment) Restored(damaged bool) error {
	s.mu.Lock()
	need := s.core.Restored(damaged)
	s.advance(s.core.Tip())
	s.mu.Unlock()
	return s.Persist(need)
}
