package segment

import (
	"fmt"
	"iter"
	"slices"

	"github.com/zoryadb/zorya/storage/page"
	"github.com/zoryadb/zorya/storage/proto"
)

// Collect is one round of garbage collection: the horizon rises, superseded versions leave the index,
// files of which nothing is needed are deleted, image files that are mostly dead are copied forward, and pages that
// hold old log files back are imaged. A round is bounded; it reports whether another is worth it.
func (s *Segment) Collect() (more bool, err error) {
	s.imageMu.Lock()
	defer s.imageMu.Unlock()
	if s.full {
		if s.pruneSettled() {
			more = true
		}
		m := takeImager()
		defer imagers.Put(m)
		copied, err := s.copyForward(m)
		if err != nil {
			return false, err
		}
		pushed, err := s.pushStragglers(m)
		if err != nil {
			return false, err
		}
		more = more || copied || pushed
		if err := s.recountSpilled(); err != nil {
			return false, err
		}
	}
	return more, s.dropFiles()
}

const pruneAtOnce = 512

// sweeping has every page pruned, from the first on. mu is held.
func (s *Segment) sweeping() { s.sweep, s.sweepAt = true, 0 }

// sweepSome prunes the next pages of a sweep. mu is held.
func (s *Segment) sweepSome() {
	n := 0
	for p := range s.known(s.sweepAt, s.pages-s.sweepAt) {
		if n++; n > pruneAtOnce {
			s.sweepAt = p
			return
		}
		s.prune(p)
	}
	s.sweep = false
}

// pruneSettled raises the horizon and drops what it leaves behind from the index.
func (s *Segment) pruneSettled() (more bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.core.RaiseHorizon()
	if s.sweep {
		s.sweepSome()
		more = s.sweep
	}
	n, keep := 0, 0
	for i, e := range s.settling {
		if e.lsn > h || n >= pruneAtOnce {
			// Images are made in no strict order of LSN; most of what follows is above the horizon too.
			s.settling[keep] = e
			keep++
			if e.lsn <= h {
				more = true
			}
			if n >= pruneAtOnce {
				keep += copy(s.settling[keep:], s.settling[i+1:])
				break
			}
			continue
		}
		n++
		s.prune(e.page)
	}
	s.settling = s.settling[:keep]
	s.idx.post()
	return more
}

// prune drops from the index what no read can ask for.
func (s *Segment) prune(p uint32) {
	s.idx.prune(p, s.core.History().Live, s.core.Needed, func(e *ent, img bool) {
		if img {
			s.imageGone(e)
		} else if l := s.logOf[e.file]; l != nil {
			l.live--
		}
	})
}

// dropFiles deletes the files of which nothing is needed. What supersedes them, and the state that says
// so, becomes durable first.
func (s *Segment) dropFiles() error {
	s.mu.Lock()
	limit := proto.MaxLSN
	if !s.full {
		limit = s.core.TailLimit()
	}
	candidates := 0
	sealed := 0
	for _, l := range s.logs {
		if l.sealed {
			sealed++
		}
	}
	droppable := func(l *logFile) bool {
		return l.sealed && !l.dead && (!s.full || l.live == 0 && l.spilled == 0) && l.max <= limit && l.max <= s.core.Base()
	}
	for i, l := range s.logs {
		if droppable(l) && sealed-i > s.opt.KeepLogs {
			candidates++
		}
	}
	for _, im := range s.images {
		if im.sealed && im.live == 0 {
			candidates++
		}
	}
	s.mu.Unlock()
	if candidates == 0 {
		return nil
	}
	if err := s.SyncLogs(); err != nil {
		return err
	}
	if err := s.syncImages(); err != nil {
		return err
	}
	s.mu.Lock()
	base := s.core.State(s.durable).Base // as the superblock will have it: what is above is read at a restart
	var logs []*logFile
	var images []*imageFile
	floor := page.LSN(0)
	for i, l := range s.logs {
		if droppable(l) && sealed-i > s.opt.KeepLogs && l.max <= base {
			logs = append(logs, l)
			floor = max(floor, l.max)
		}
	}
	for _, im := range s.images {
		if im.sealed && im.live == 0 {
			images = append(images, im)
		}
	}
	need := s.core.Touch()
	if floor > 0 {
		need = s.core.RaiseFloor(s.liveFloor(floor))
	}
	s.mu.Unlock()
	if len(logs)+len(images) == 0 {
		return nil
	}
	if err := s.Persist(need); err != nil {
		return err
	}
	return s.remove(logs, images)
}

// liveFloor is a live link of the PG that is at or above every dropped live record: when the newest
// dropped record died in a truncation, the chain's link below it.
func (s *Segment) liveFloor(dropped page.LSN) page.LSN {
	if s.core.History().Live(dropped) {
		return dropped
	}
	return s.core.Base()
}

func (s *Segment) remove(logs []*logFile, images []*imageFile) error {
	s.mu.Lock()
	var names []string
	keepLogs := s.logs[:0:0]
	for _, l := range s.logs {
		if !contains(logs, l) {
			keepLogs = append(keepLogs, l)
			continue
		}
		l.dead = true
		delete(s.logOf, l.seq)
		names = append(names, l.f.Name())
		if l.refs == 0 {
			l.f.Close()
		}
	}
	keepImages := s.images[:0:0]
	for _, im := range s.images {
		if !contains(images, im) {
			keepImages = append(keepImages, im)
			continue
		}
		im.dead = true
		delete(s.imageOf, im.seq)
		names = append(names, im.f.Name())
		if im.refs == 0 {
			im.f.Close()
		}
	}
	s.logs, s.images = keepLogs, keepImages
	s.mu.Unlock()
	s.opt.Stats.LogFilesDropped.Add(int64(len(logs)))
	s.opt.Stats.ImageFilesDropped.Add(int64(len(images)))
	for _, n := range names {
		if err := s.opt.FS.Remove(n); err != nil {
			return fmt.Errorf("drop file: %w", err)
		}
	}
	return nil // names that come back after a crash hold nothing that is needed
}

func contains[T comparable](list []T, x T) bool {
	for _, y := range list {
		if y == x {
			return true
		}
	}
	return false
}

const copyAtOnce = 256

// copyForward moves the live images of a sealed file that is more than a third dead to the open file.
func (s *Segment) copyForward(m *imager) (bool, error) {
	s.mu.Lock()
	var from *imageFile
	for _, im := range s.images {
		if im.sealed && im.live > 0 && im.liveSize*3 < (im.size-fileHeader)*2 {
			from = im
			from.refs++
			break
		}
	}
	s.mu.Unlock()
	if from == nil {
		return false, nil
	}
	defer func() {
		s.mu.Lock()
		s.unrefImage(from)
		s.mu.Unlock()
	}()
	ft, err := readFooter(from.f)
	if err != nil {
		return false, s.footerError(err, false, from.seq, from.f)
	}
	n := 0
	m.buf, m.es = m.buf[:0], m.es[:0]
	for e := range s.liveImages(from, ft.entries) {
		at := len(m.buf)
		m.buf = append(m.buf, make([]byte, e.size)...)
		if _, err := from.f.ReadAt(m.buf[at:], int64(e.off)); err != nil {
			return false, fmt.Errorf("copy images of %s: %w", from.f.Name(), err)
		}
		if bi, _, err := parseBlob(m.buf[at:]); err != nil || bi.lsn != e.lsn {
			m.buf = m.buf[:at]
			// It keeps its file alive until it is repaired, which replaces it.
			_ = s.report(Damage{Page: s.first + page.No(e.page), LSN: e.lsn, File: from.seq, Off: e.off, Size: e.size, Cause: errDamaged})
			continue
		}
		c := *e
		c.off = uint32(at)
		m.es = append(m.es, c)
		if n++; n >= copyAtOnce {
			break
		}
	}
	if n == 0 {
		return false, nil
	}
	s.opt.Stats.Copied.Add(int64(n))
	return true, s.writeImages(m.buf, m.es)
}

// liveImages are those of a file's images that the index points at. Of many that are dead, many are compared at once.
func (s *Segment) liveImages(im *imageFile, es []entry) iter.Seq[*entry] {
	return func(yield func(*entry) bool) {
		var live [indexAtOnce]*entry
		for some := range slices.Chunk(es, indexAtOnce) {
			n := 0
			s.mu.Lock()
			for i := range some {
				if s.isLiveImage(im, &some[i]) {
					live[n] = &some[i]
					n++
				}
			}
			s.mu.Unlock()
			for _, e := range live[:n] {
				if !yield(e) {
					return
				}
			}
		}
	}
}

// isLiveImage reports whether the index points at e. An absent page's last mark is let go once no file holds anything older
// that it would have to hide at the next start. mu is held.
func (s *Segment) isLiveImage(im *imageFile, e *entry) bool {
	sl := s.idx.peek(e.page)
	if sl == nil {
		return false
	}
	for id := sl.imgs; id != 0; id = s.idx.at(id).next {
		if h := s.idx.at(id); h.file == im.seq && h.off == e.off {
			if e.flags&flagAbsent != 0 && sl.recs == 0 && id == sl.imgs && h.next == 0 && s.nothingBelow(im, e.lsn) {
				s.idx.cut(&sl.imgs, func(old *ent) { s.imageGone(old) })
				s.idx.pages--
				return false
			}
			return true
		}
	}
	return false
}

func (s *Segment) nothingBelow(except *imageFile, lsn page.LSN) bool {
	if lsn > s.core.Horizon() {
		return false
	}
	for _, im := range s.images {
		if im != except && im.size > fileHeader && im.min < lsn {
			return false
		}
	}
	for _, l := range s.logs {
		if l.records > 0 && l.min <= lsn {
			return false
		}
	}
	return true
}

// straggling is the pass over an old log file whose pages are imaged so that it can go.
type straggling struct {
	file  uint32
	pages []uint32 // still to look at
}

// pushStragglers images the pages that alone keep the oldest log file, once the log has grown beyond its
// share: eight files, or a third of the images. It does a part of a pass and reports whether there is more.
func (s *Segment) pushStragglers(m *imager) (bool, error) {
	if len(s.straggling.pages) == 0 {
		if ok, err := s.nextStraggler(); !ok || err != nil {
			return false, err
		}
	}
	s.mu.Lock()
	limit := min(s.core.ImageLimit(), s.organised)
	var todo []uint32
	for len(s.straggling.pages) > 0 && len(todo) < copyAtOnce {
		p := s.straggling.pages[0]
		s.straggling.pages = s.straggling.pages[1:]
		if s.uncovered(s.straggling.file, p, limit) {
			todo = append(todo, p)
		}
	}
	s.mu.Unlock()
	return true, s.image(m, todo)
}

// nextStraggler begins a pass over the oldest file that needs one. One pass is enough: it begins when all of the file's records
// can be imaged, and the horizon does the rest.
func (s *Segment) nextStraggler() (bool, error) {
	s.mu.Lock()
	var total, images int64
	for _, l := range s.logs {
		total += l.size
	}
	for _, im := range s.images {
		images += im.size
	}
	limit := min(s.core.ImageLimit(), s.organised)
	var oldest *logFile
	for _, l := range s.logs {
		if l.sealed && !l.pushed && l.live > 0 && l.max <= limit {
			oldest = l
			break
		}
	}
	if oldest == nil || total <= max(8*s.opt.LogFileBytes, images/3) {
		s.mu.Unlock()
		return false, nil
	}
	oldest.refs++
	s.mu.Unlock()
	ft, err := readFooter(oldest.f)
	if err != nil {
		err = s.footerError(err, true, oldest.seq, oldest.f)
	}
	s.mu.Lock()
	s.unrefLog(oldest)
	oldest.pushed = oldest.pushed || err == nil
	s.mu.Unlock()
	if err != nil {
		return false, err
	}
	s.straggling = straggling{file: oldest.seq}
	for _, e := range ft.entries {
		if e.flags&flagFree != 0 {
			s.mu.Lock()
			for p := range s.known(e.page, e.free) {
				s.straggling.add(p)
			}
			s.mu.Unlock()
		} else {
			s.straggling.add(e.page)
		}
	}
	return true, nil
}

// add has a page looked at, unless it is the last one that has.
func (g *straggling) add(p uint32) {
	if n := len(g.pages); n == 0 || g.pages[n-1] != p {
		g.pages = append(g.pages, p)
	}
}

// recountSpilled looks at the oldest file that is kept only for spilled records, whether the horizon has freed it.
func (s *Segment) recountSpilled() error {
	s.mu.Lock()
	h := s.core.Horizon()
	var l *logFile
	for _, c := range s.logs {
		if c.sealed && c.live == 0 && c.spilled > 0 && c.max <= h && c.counted < h {
			l = c
			break
		}
	}
	if l == nil {
		s.mu.Unlock()
		return nil
	}
	l.refs++
	l.counted = h
	s.mu.Unlock()
	ft, err := readFooter(l.f)
	if err != nil {
		err = s.footerError(err, true, l.seq, l.f)
	}
	n := 0
	if err == nil {
		for some := range slices.Chunk(ft.entries, indexAtOnce) {
			n += s.spilled(some)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unrefLog(l)
	if err == nil {
		l.spilled = n // who spills holds imageMu, as the caller does
	}
	return err
}

// uncovered reports whether a record of p in a log file, at or below limit, has no image above it yet.
func (s *Segment) uncovered(file, p uint32, limit page.LSN) bool {
	sl := s.idx.peek(p)
	if sl == nil {
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
		if e.file == file && e.lsn <= limit {
			return true
		}
	}
	return false
}

// Spill takes load off the index: pages in turn are imaged, and records below the newest image leave
// the index even if an old read point may still need them; footers find them then. It handles up to n pages that
// have records and reports whether it freed anything.
func (s *Segment) Spill(n int) (bool, error) {
	if !s.full {
		return false, nil
	}
	s.imageMu.Lock()
	defer s.imageMu.Unlock()
	s.mu.Lock()
	var todo []uint32
	start := s.scrub.spillAt
	for _, r := range [2][2]uint32{{start, s.pages}, {0, start}} {
		for p := range s.known(r[0], r[1]-r[0]) {
			if len(todo) == n {
				break
			}
			if s.idx.peek(p).recs != 0 {
				todo = append(todo, p)
				s.scrub.spillAt = p + 1
			}
		}
	}
	s.mu.Unlock()
	if len(todo) == 0 {
		return false, nil
	}
	m := takeImager()
	defer imagers.Put(m)
	if err := s.image(m, todo); err != nil {
		return false, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.core.RaiseHorizon()
	freed := false
	for _, p := range todo {
		s.prune(p)
		freed = s.spillPage(p) || freed
	}
	s.idx.post()
	return freed, nil
}

// spillPage drops the records at or below the newest image from the index. Those in a file without a footer
// stay: they could not be found again.
func (s *Segment) spillPage(p uint32) (freed bool) {
	sl := s.idx.peek(p)
	if sl == nil || sl.imgs == 0 {
		return false
	}
	img := s.idx.at(sl.imgs).lsn
	for head := &sl.recs; *head != 0; {
		e := s.idx.at(*head)
		l := s.logOf[e.file]
		if e.lsn > img || l == nil || !l.sealed {
			head = &e.next
			continue
		}
		l.live--
		l.spilled++
		s.idx.cut(head, func(*ent) {})
		sl.flags |= slotSpilled
		freed = true
	}
	return freed
}

// spilled counts the spilled records that may still be needed among those of a file, of which nothing is in the index.
func (s *Segment) spilled(es []entry) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range es {
		e := &es[i]
		need := func(p uint32) {
			sl := s.idx.peek(p)
			if sl == nil || sl.flags&slotSpilled == 0 {
				return
			}
			// The lowest image at or above the record supersedes it, or the lowest record above it that needs nothing older. Without either
			// it was not spilled.
			whole := proto.MaxLSN
			for id := sl.imgs; id != 0 && s.idx.at(id).lsn >= e.lsn; id = s.idx.at(id).next {
				whole = s.idx.at(id).lsn
			}
			for id := sl.recs; id != 0 && s.idx.at(id).lsn > e.lsn; id = s.idx.at(id).next {
				if r := s.idx.at(id); r.whole() && s.core.History().Live(r.lsn) {
					whole = min(whole, r.lsn)
				}
			}
			if whole != proto.MaxLSN && s.core.Needed(e.lsn, whole) && s.core.History().Live(e.lsn) {
				n++
			}
		}
		if e.flags&flagFree == 0 {
			need(e.page)
			continue
		}
		for p := range s.known(e.page, e.free) {
			need(p)
		}
	}
	return n
}
