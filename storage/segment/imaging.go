package segment

import (
	"errors"
	"fmt"
	"runtime"
	"sync"

	"github.com/klauspost/compress/s2"

	"github.com/zoryadb/zorya/storage/page"
)

// imager is the scratch of a writer of images.
type imager struct {
	buf  []byte
	tmp  []byte
	mem  []byte
	dst  [][]byte
	lsns []page.LSN
	nos  []page.No
	es   []entry
}

// imagers keeps their four megabytes from being allocated and cleared for every batch of pages.
var imagers = sync.Pool{New: func() any { return newImager() }}

// takeImager returns an empty one; the caller puts it back when nothing refers to its memory any more.
func takeImager() *imager {
	m := imagers.Get().(*imager)
	m.buf, m.es, m.nos = m.buf[:0], m.es[:0], m.nos[:0] // an error may have left something
	return m
}

func newImager() *imager {
	m := &imager{tmp: make([]byte, s2.MaxEncodedLen(page.Size)), mem: make([]byte, pagesAtOnce*page.Size)}
	for i := 0; i < pagesAtOnce; i++ {
		m.dst = append(m.dst, m.mem[i*page.Size:(i+1)*page.Size])
	}
	m.lsns = make([]page.LSN, pagesAtOnce)
	return m
}

// worthwhile is how many pages make it worth reading the log for images: the more there are, the nearer their records lie together,
// and the less is read for each. readWorthwhile is how many suffice when a reader has asked for them.
const (
	worthwhile     = 192
	readWorthwhile = 16
)

// Pending reports whether a log file waits to be sealed, or so many pages for images that they should not wait for the next round.
func (s *Segment) Pending() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := len(s.logs)
	return s.worthImaging() || k > 1 && !s.logs[k-2].sealed
}

func (s *Segment) worthImaging() bool {
	return len(s.toImage) >= worthwhile || s.readQueued >= readWorthwhile
}

// ImageSome makes images of up to pagesAtOnce pages whose chains have grown long; of fewer than are worthwhile only when all is
// asked for. It reports whether there were any.
func (s *Segment) ImageSome(all bool) (bool, error) {
	s.imageMu.Lock()
	defer s.imageMu.Unlock()
	s.mu.Lock()
	if !all && !s.worthImaging() {
		s.mu.Unlock()
		return false, nil
	}
	n := min(len(s.toImage), pagesAtOnce)
	pages := append([]uint32(nil), s.toImage[:n]...)
	s.toImage = s.toImage[:copy(s.toImage, s.toImage[n:])]
	s.readQueued = min(s.readQueued, len(s.toImage))
	for _, p := range pages {
		if sl := s.idx.peek(p); sl != nil {
			sl.flags &^= slotQueued
		}
	}
	s.mu.Unlock()
	if n == 0 {
		return false, nil
	}
	m := takeImager()
	defer imagers.Put(m)
	return true, s.image(m, pages)
}

// image brings the images of pages up to the image limit. The caller holds imageMu.
func (s *Segment) image(m *imager, pages []uint32) error {
	for len(pages) > 0 {
		n := min(len(pages), pagesAtOnce)
		if err := s.imageBatch(m, pages[:n]); err != nil {
			return err
		}
		pages = pages[n:]
	}
	return nil
}

func (s *Segment) imageBatch(m *imager, pages []uint32) error {
	s.mu.Lock()
	limit := min(s.core.ImageLimit(), s.organised)
	m.nos = m.nos[:0]
	for _, p := range pages {
		if s.worthImage(p, limit) {
			m.nos = append(m.nos, s.first+page.No(p))
		}
	}
	s.mu.Unlock()
	if len(m.nos) == 0 {
		return nil
	}
	if err := s.readAt(limit, m.nos, m.dst[:len(m.nos)], m.lsns, nil); err != nil {
		var d *Damage
		if errors.As(err, &d) && len(m.nos) > 1 { // the others are not to blame: one at a time
			for _, no := range append([]page.No(nil), m.nos...) {
				if err := s.imageBatch(m, []uint32{uint32(no - s.first)}); err != nil && !errors.As(err, &d) {
					return err
				}
			}
			return nil
		}
		return err
	}
	m.buf, m.es = m.buf[:0], m.es[:0]
	for i, no := range m.nos {
		p := m.dst[i]
		if page.GetLSN(p) == 0 {
			p = nil
		}
		off := len(m.buf)
		var e entry
		m.buf, e.size, e.flags = appendBlob(m.buf, no, m.lsns[i], p, m.tmp)
		e.page, e.lsn, e.off = uint32(no-s.first), m.lsns[i], uint32(off)
		m.es = append(m.es, e)
		if i%planAtOnce == planAtOnce-1 {
			runtime.Gosched() // compressing takes some 20 us a page: a reader goes first
		}
	}
	return s.writeImages(m.buf, m.es)
}

// worthImage reports whether p has a record at or below limit that no image covers.
func (s *Segment) worthImage(p uint32, limit page.LSN) bool {
	sl := s.idx.peek(p)
	if sl == nil || sl.recs == 0 {
		return false
	}
	img := page.LSN(0)
	if sl.imgs != 0 {
		img = s.idx.at(sl.imgs).lsn
	}
	for id := sl.recs; id != 0; id = s.idx.at(id).next {
		e := s.idx.at(id)
		if e.lsn <= img {
			return false
		}
		if e.lsn <= limit && s.core.History().Live(e.lsn) {
			return true
		}
	}
	return false
}

// writeImages appends blobs, whose entries' offsets are relative to buf, to the open image file and indexes
// them. They are not durable yet. The caller holds imageMu.
func (s *Segment) writeImages(buf []byte, es []entry) error {
	im, err := s.openImages(len(buf))
	if err != nil {
		return err
	}
	if _, err := im.f.WriteAt(buf, im.size); err != nil {
		return fmt.Errorf("append %d bytes to %s: %w", len(buf), im.f.Name(), err)
	}
	im.out.grown(im.f, im.size+int64(len(buf)))
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return s.err
	}
	for _, e := range es {
		e.off += uint32(im.size)
		im.note(e)
		s.indexImage(im, &e)
	}
	im.size += int64(len(buf))
	s.opt.Stats.Images.Add(int64(len(es)))
	s.opt.Stats.ImageBytes.Add(int64(len(buf)))
	return nil
}

// indexImage makes an image known, and queues its page for pruning once the horizon reaches it.
func (s *Segment) indexImage(im *imageFile, e *entry) {
	old, replaced, ok := s.idx.addImg(e.page, e.ent(im.seq))
	if !ok {
		return
	}
	im.live++
	im.liveSize += int64(e.size)
	if replaced {
		s.imageGone(&old)
		return
	}
	s.settling = append(s.settling, settling{e.page, e.lsn})
}

func (s *Segment) imageGone(e *ent) {
	if im := s.imageOf[e.file]; im != nil {
		im.live--
		im.liveSize -= int64(e.len())
	}
}

// openImages returns the image file to append n bytes to; a full one is sealed first.
func (s *Segment) openImages(n int) (*imageFile, error) {
	s.mu.Lock()
	var open *imageFile
	if k := len(s.images); k > 0 && !s.images[k-1].sealed {
		open = s.images[k-1]
		if open.size+int64(n) <= s.opt.ImageFileBytes || len(open.entries) == 0 {
			s.mu.Unlock()
			return open, nil
		}
	}
	if s.err != nil {
		defer s.mu.Unlock()
		return nil, s.err
	}
	seq, st := s.nextSeq, s.core.st
	s.nextSeq++
	s.mu.Unlock()
	if open != nil {
		if err := s.sealImage(open); err != nil {
			return nil, err
		}
	}
	f, err := s.opt.FS.Create(s.opt.Dir + "/" + imageName(seq))
	if err != nil {
		return nil, err
	}
	if err := writeHeader(f, imageMagic, &st, seq); err != nil {
		f.Close()
		_ = s.opt.FS.Remove(f.Name())
		return nil, err
	}
	im := &imageFile{seq: seq, f: f, size: fileHeader, newName: true}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.images = append(s.images, im)
	s.imageOf[seq] = im
	return im, nil
}

func (s *Segment) sealImage(im *imageFile) error {
	if err := sealImages(im); err != nil {
		return fmt.Errorf("seal %s: %w", im.f.Name(), err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	im.sealed, im.synced, im.entries = true, im.size, nil
	return nil
}

// syncImages makes every image written so far durable. The caller holds imageMu.
func (s *Segment) syncImages() error {
	s.mu.Lock()
	var todo []*imageFile
	names := false
	for _, im := range s.images {
		if im.synced < im.size || im.newName {
			todo = append(todo, im)
			im.refs++
			names = names || im.newName
		}
	}
	s.mu.Unlock()
	var err error
	for _, im := range todo {
		if e := im.f.Sync(); e != nil && err == nil {
			err = fmt.Errorf("sync images of %s: %w", s.key, e)
		}
	}
	if names && err == nil {
		err = s.opt.FS.SyncDir(s.opt.Dir)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, im := range todo {
		if err == nil {
			im.synced, im.newName = im.size, false
		}
		s.unrefImage(im)
	}
	return err
}
