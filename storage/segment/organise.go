package segment

import (
	"errors"
	"fmt"
	"iter"

	"github.com/zoryadb/zorya/storage/page"
	"github.com/zoryadb/zorya/storage/redo"
)

// Organise moves records that the update queue has made durable into the segment's log and index. raw
// holds them back to back, recs say where; tip is what Offer returned with them. On an error (disk full)
// nothing has changed, and it can be called again.
func (s *Segment) Organise(raw []byte, recs []Rec, tip page.LSN) error {
	if len(recs) == 0 {
		s.mu.Lock()
		s.advance(tip)
		s.mu.Unlock()
		return nil
	}
	l, err := s.openLog(len(raw))
	if err != nil {
		return err
	}
	if _, err := l.f.WriteAt(raw, l.size); err != nil {
		return fmt.Errorf("append %d bytes to %s: %w", len(raw), l.f.Name(), err)
	}
	l.out.grown(l.f, l.size+int64(len(raw)))
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return s.err
	}
	at := l.size
	l.size += int64(len(raw))
	for i := range recs {
		if i%indexAtOnce == indexAtOnce-1 {
			s.mu.Unlock() // readers go first
			s.mu.Lock()
			if s.err != nil {
				return s.err
			}
		}
		r := &recs[i]
		e := entry{page: uint32(r.Page - s.first), lsn: r.LSN, off: uint32(at + int64(r.Off)), size: r.Len}
		if r.Flags&redo.WillInit != 0 {
			e.flags |= flagInit
		}
		if r.Flags&redo.FreeRange != 0 {
			e.flags |= flagFree
			e.free = r.Free
		}
		l.note(&e)
		if s.full {
			s.indexRec(l, &e)
		}
	}
	s.advance(tip)
	s.idx.post()
	s.opt.Stats.Records.Add(int64(len(recs)))
	s.opt.Stats.LogBytes.Add(int64(len(raw)))
	return nil
}

func (s *Segment) advance(tip page.LSN) {
	if tip > s.organised {
		s.organised = tip
		for len(s.frees) > 0 && s.frees[0].e.lsn <= tip {
			s.frees = s.frees[1:] // everything older of its pages is here by now
		}
		s.cond.Broadcast()
	}
}

// indexAtOnce bounds the records that are indexed, or the lines of a footer that are compared with the index, under one hold of the lock: some tens
// of microseconds.
const indexAtOnce = 256

// openLog returns the log file to append n bytes to.
func (s *Segment) openLog(n int) (*logFile, error) {
	s.mu.Lock()
	if s.err != nil {
		defer s.mu.Unlock()
		return nil, s.err
	}
	if k := len(s.logs); k > 0 {
		if l := s.logs[k-1]; !l.sealed && !l.gaps && (l.records == 0 || l.size+int64(n) <= s.opt.LogFileBytes) {
			s.mu.Unlock()
			return l, nil
		}
	}
	seq, st := s.nextSeq, s.core.st
	s.nextSeq++
	s.mu.Unlock()
	f, err := s.opt.FS.Create(s.opt.Dir + "/" + logName(seq))
	if err != nil {
		return nil, err
	}
	if err := writeHeader(f, logMagic, &st, seq); err != nil {
		f.Close()
		_ = s.opt.FS.Remove(f.Name())
		return nil, err
	}
	l := &logFile{seq: seq, f: f, size: fileHeader, newName: true, lines: lines{gauge: s.opt.Lines}}
	s.mu.Lock()
	s.logs = append(s.logs, l)
	s.logOf[seq] = l
	s.mu.Unlock()
	return l, nil
}

// indexRec puts a record into the index of a full segment.
func (s *Segment) indexRec(l *logFile, line *entry) {
	p, lsn, e := line.page, line.lsn, line.ent(l.seq)
	if line.flags&flagFree != 0 {
		s.indexFree(l, p, line.free, e)
		return
	}
	if !s.idx.addRec(p, e) {
		return
	}
	l.live++
	s.supersedes(p, &e)
	for i := range s.frees {
		// This record came late: a FreeRange above it is already here.
		if fr := &s.frees[i]; fr.e.lsn > lsn && p-fr.first < fr.n {
			s.addFree(p, fr.e)
		}
	}
	sl := s.idx.peek(p)
	if (sl.n > s.opt.ImageRecords || sl.bytes > s.opt.ImageBytes) && sl.flags&slotQueued == 0 {
		s.queueImage(p, sl)
	}
}

const maxToImage = 1 << 16

func (s *Segment) queueImage(p uint32, sl *slot) {
	if len(s.toImage) < maxToImage {
		sl.flags |= slotQueued
		s.toImage = append(s.toImage, p)
	}
}

// indexFree marks the pages of a range that exist; the others are absent already, unless an older record of
// theirs is still to come.
func (s *Segment) indexFree(l *logFile, first, n uint32, e ent) {
	s.frees = append(s.frees, freed{first, n, e})
	for p := range s.known(first, n) {
		s.addFree(p, e)
	}
}

func (s *Segment) addFree(p uint32, e ent) {
	if s.idx.addRec(p, e) {
		if l := s.logOf[e.file]; l != nil {
			l.live++
		}
		s.supersedes(p, &e)
	}
}

// supersedes queues a page for pruning when a record makes all that was there before superfluous, once the horizon has reached it: such a page
// needs no image to let old log go.
func (s *Segment) supersedes(p uint32, e *ent) {
	if !e.whole() {
		return
	}
	if sl := s.idx.peek(p); sl.imgs != 0 || s.idx.at(sl.recs).next != 0 {
		s.settling = append(s.settling, settling{p, e.lsn})
	}
}

// known are the pages of a range that have a record or an image, in order. mu is held while they are gone through.
func (s *Segment) known(first, n uint32) iter.Seq[uint32] {
	return func(yield func(p uint32) bool) {
		end := uint64(first) + uint64(n)
		for p := uint64(first); p < end; p++ {
			c := p / chunkSize
			if c >= uint64(len(s.idx.slots)) {
				return
			}
			if s.idx.slots[c] == nil {
				p = (c+1)*chunkSize - 1
				continue
			}
			if sl := &s.idx.slots[c][p%chunkSize]; (sl.recs != 0 || sl.imgs != 0) && !yield(uint32(p)) {
				return
			}
		}
	}
}

// SyncLogs makes everything organised so far durable in the segment's own files, so that the update queue may
// forget it.
func (s *Segment) SyncLogs() error {
	s.mu.Lock()
	tip := s.organised
	type job struct {
		l    *logFile
		size int64
	}
	var jobs []job
	names := false
	for _, l := range s.logs {
		if l.synced < l.size || l.newName {
			jobs = append(jobs, job{l, l.size})
			l.refs++
			names = names || l.newName
		}
	}
	s.mu.Unlock()
	var err error
	for _, j := range jobs {
		if e := j.l.f.Sync(); e != nil && err == nil {
			err = fmt.Errorf("sync log of %s: %w", s.key, e)
		}
	}
	if names && err == nil {
		err = s.opt.FS.SyncDir(s.opt.Dir)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, j := range jobs {
		s.unrefLog(j.l)
		if err == nil {
			j.l.synced = max(j.l.synced, j.size)
			j.l.newName = false
		}
	}
	if err == nil {
		s.durable = max(s.durable, tip)
	}
	return err
}

// Checkpoint is SyncLogs and a superblock that says so, if anything has changed.
func (s *Segment) Checkpoint() error {
	s.mu.Lock()
	dirty := false
	for _, l := range s.logs {
		dirty = dirty || l.synced < l.size || l.newName
	}
	s.mu.Unlock()
	if !dirty {
		return nil
	}
	if err := s.SyncLogs(); err != nil {
		return err
	}
	s.mu.Lock()
	need := s.core.Touch()
	s.mu.Unlock()
	return s.Persist(need)
}

func (s *Segment) unrefLog(l *logFile) {
	if l.refs--; l.refs == 0 && l.dead {
		l.lines.drop()
		l.f.Close()
	}
}

func (s *Segment) unrefImage(im *imageFile) {
	if im.refs--; im.refs == 0 && im.dead {
		im.f.Close()
	}
}

// sealTries is how often a damaged log file waits for repair before it is sealed with a gap.
const sealTries = 100

// SealFull writes the footers of log files that are no longer appended to. It reports whether there was one.
func (s *Segment) SealFull() (bool, error) {
	s.mu.Lock()
	var l *logFile
	for i, c := range s.logs {
		if !c.sealed && i < len(s.logs)-1 {
			l = c
			l.refs++
			break
		}
	}
	s.mu.Unlock()
	if l == nil {
		return false, nil
	}
	at, err := sealLog(l, s.first, l.gaps)
	if errors.Is(err, errDamaged) {
		// It is repaired from a peer first; when nobody can, because nobody needs those records any more, it is sealed without.
		err = s.report(Damage{Log: true, File: l.seq, Off: uint32(at), Cause: errDamaged})
		l.tries++
		l.gaps = l.tries > sealTries
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unrefLog(l)
	if err != nil {
		return false, err
	}
	l.sealed, l.synced = true, l.size
	l.lines.drop()
	return true, nil
}
