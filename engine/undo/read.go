package undo

import (
	"context"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"

	"github.com/zoryadb/zorya/engine/mtr"
	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/engine/space"
	"github.com/zoryadb/zorya/storage/page"
)

// frameAt checks the record at off of a log page and returns its bytes.
func frameAt(b []byte, off int) ([]byte, error) {
	free := int(binary.LittleEndian.Uint16(b[offFree:]))
	if free > page.Size || off < offBody || off+frame > free {
		return nil, fmt.Errorf("record at %d of page %d, whose free space begins at %d: %w", off, page.GetNo(b), free, ErrCorrupt)
	}
	n := int(binary.LittleEndian.Uint16(b[off:]))
	if n < frame+3 || off+n > free {
		return nil, fmt.Errorf("record at %d of page %d has %d bytes: %w", off, page.GetNo(b), n, ErrCorrupt)
	}
	return b[off+frame : off+n], nil
}

// Read parses the record that p points to into r. The bytes are copied to buf, which is returned to be used again.
func (s *Set) Read(ctx context.Context, p row.Ptr, r *Record, buf []byte) ([]byte, error) {
	g, err := s.fetch(ctx, page.No(p.Page()), TypeLog)
	if err != nil {
		return buf, fmt.Errorf("undo record at %d:%d: %w", p.Page(), p.Off(), err)
	}
	b, err := frameAt(g.Bytes(), p.Off())
	buf = append(buf[:0], b...)
	g.Unlatch()
	if err != nil {
		return buf, err
	}
	if err := r.Parse(buf); err != nil {
		return buf, fmt.Errorf("undo record at %d:%d: %w", p.Page(), p.Off(), err)
	}
	return buf, nil
}

// Before returns the record before p in its log, 0 when p is the first of what is left.
func (s *Set) Before(ctx context.Context, p row.Ptr) (row.Ptr, error) {
	g, err := s.fetch(ctx, page.No(p.Page()), TypeLog)
	if err != nil {
		return 0, fmt.Errorf("undo page %d: %w", p.Page(), err)
	}
	b := g.Bytes()
	if _, err := frameAt(b, p.Off()); err != nil {
		g.Unlatch()
		return 0, err
	}
	if off := int(binary.LittleEndian.Uint16(b[p.Off()+2:])); off != 0 {
		g.Unlatch()
		return row.MakePtr(p.Page(), off), nil
	}
	prev := page.No(binary.LittleEndian.Uint64(b[offPrev:]))
	g.Unlatch()
	return s.lastOf(ctx, prev)
}

// lastOf is the last record of page no or, if that has none, of those before it; 0 when there is none. A page stays empty when what it was
// added for came to nothing.
func (s *Set) lastOf(ctx context.Context, no page.No) (row.Ptr, error) {
	for no != 0 {
		g, err := s.fetch(ctx, no, TypeLog)
		if err != nil {
			return 0, fmt.Errorf("undo page %d: %w", no, err)
		}
		off := int(binary.LittleEndian.Uint16(g.Bytes()[offLast:]))
		prev := page.No(binary.LittleEndian.Uint64(g.Bytes()[offPrev:]))
		g.Unlatch()
		if off != 0 {
			return row.MakePtr(uint64(no), off), nil
		}
		no = prev
	}
	return 0, nil
}

// Dirty reports whether the log has records that purge has not passed.
func (l *Log) Dirty() bool { return l.dirty.Load() }

// Head reads the record that purge has to look at next: at (0 when it is at the end of its page), and its bytes parsed into r.
func (l *Log) Head(ctx context.Context, r *Record, buf []byte) (at row.Ptr, out []byte, err error) {
	g, err := l.set.fetch(ctx, page.No(l.head.Page()), TypeLog)
	if err != nil {
		return 0, buf, fmt.Errorf("head of undo log %d: %w", l.n, err)
	}
	defer g.Unlatch()
	b := g.Bytes()
	if l.head.Off() >= int(binary.LittleEndian.Uint16(b[offFree:])) {
		return 0, buf, nil
	}
	rec, err := frameAt(b, l.head.Off())
	if err != nil {
		return 0, buf, err
	}
	buf = append(buf[:0], rec...)
	return l.head, buf, r.Parse(buf)
}

// HeadPage is the page that purge is at, HeadNext the one after it, 0 if there is none.
func (l *Log) HeadPage() page.No { return page.No(l.head.Page()) }

// HeadNext: see HeadPage.
func (l *Log) HeadNext(ctx context.Context) (page.No, error) {
	g, err := l.set.fetch(ctx, l.HeadPage(), TypeLog)
	if err != nil {
		return 0, fmt.Errorf("head of undo log %d: %w", l.n, err)
	}
	defer g.Unlatch()
	return page.No(binary.LittleEndian.Uint64(g.Bytes()[offNext:])), nil
}

// Leave frees the page that purge is at the end of, if there is one after it, or starts the log's only page anew. Until
// then a crash makes purge look at the page's records again: what they tell must be done. It reports whether records may follow.
func (l *Log) Leave(ctx context.Context) (bool, error) {
	no := page.No(l.head.Page())
	g, err := l.set.fetch(ctx, no, TypeLog)
	if err != nil {
		return false, fmt.Errorf("head of undo log %d: %w", l.n, err)
	}
	b := g.Bytes()
	end := l.head.Off() >= int(binary.LittleEndian.Uint16(b[offFree:]))
	next := page.No(binary.LittleEndian.Uint64(b[offNext:]))
	g.Unlatch()
	if !end {
		return false, nil
	}
	if next == 0 {
		return false, l.rewind(ctx)
	}
	return true, l.drop(ctx, no, next)
}

// Place is purge's place in a log.
type Place struct {
	head row.Ptr
	trx  uint64
	skip bool
}

// Place returns it, Return goes back there. No Leave may lie between.
func (l *Log) Place() Place   { return Place{l.head, l.PurgeTrx, l.PurgeSkip} }
func (l *Log) Return(p Place) { l.head, l.PurgeTrx, l.PurgeSkip = p.head, p.trx, p.skip }

// Pass moves purge's place behind the record of n stored bytes that Head returned.
func (l *Log) Pass(n int) {
	l.head = row.MakePtr(l.head.Page(), l.head.Off()+frame+n)
}

// drop frees the head page.
func (l *Log) drop(ctx context.Context, no, next page.No) error {
	s := l.set
	s.grow.Lock()
	defer s.grow.Unlock()
	m, err := mtr.Start(ctx, s.pool, 4+2*space.Records, 4<<10+2*space.Bytes)
	if err != nil {
		return fmt.Errorf("free head of undo log %d: %w", l.n, err)
	}
	dir, err := m.Latch(s.dirs[int(l.n)/dirMax])
	if err != nil {
		m.Abandon()
		return fmt.Errorf("free head of undo log %d: %w", l.n, err)
	}
	np, err := m.Latch(next)
	if err != nil {
		m.Abandon()
		return fmt.Errorf("free head of undo log %d: %w", l.n, err)
	}
	if err := s.sp.FreePage(m, s.ino, no); err != nil {
		m.Abandon()
		return fmt.Errorf("free head of undo log %d: %w", l.n, err)
	}
	np.SetU64(offPrev, 0)
	dir.SetU64(dirBody+int(l.n)%dirMax*dirEntry, uint64(next))
	m.Commit(nil)
	s.pages.Add(-1)
	l.head = row.MakePtr(uint64(next), offBody)
	return nil
}

// rewind starts the log's only page anew when purge has passed all of it, nobody has acquired the log, and it is more than half full.
func (l *Log) rewind(ctx context.Context) error {
	s := l.set
	s.mu.Lock()
	if l.busy || l.head != row.MakePtr(uint64(l.tail), l.free) {
		s.mu.Unlock()
		return nil
	}
	l.dirty.Store(false)
	if l.free < page.Size/2 {
		s.mu.Unlock()
		return nil
	}
	// Nobody acquires it meanwhile: it is taken out of the idle ones.
	for i, x := range s.idle {
		if x == l {
			s.idle = append(s.idle[:i], s.idle[i+1:]...)
			break
		}
	}
	l.busy = true
	s.mu.Unlock()
	defer s.Release(l)
	m, err := mtr.Start(ctx, s.pool, 2, 256)
	if err != nil {
		return fmt.Errorf("rewind undo log %d: %w", l.n, err)
	}
	p, err := m.Latch(l.tail)
	if err != nil {
		m.Abandon()
		return fmt.Errorf("rewind undo log %d: %w", l.n, err)
	}
	p.SetU32(offFree, offBody)
	p.SetU64(offBegun, l.begun)
	m.Commit(nil)
	l.free, l.last, l.prior = offBody, 0, 0
	l.head = row.MakePtr(uint64(l.tail), offBody)
	return nil
}

// Check walks the log's pages backward from its tail and parses every record. It returns their number. reach and each (both may be nil)
// are called for every page and record; each runs under the page's latch.
func (l *Log) Check(ctx context.Context, reach func(no page.No), each func(r *Record)) (n uint64, err error) {
	s := l.set
	no := page.No(l.at.Load())
	var r Record
	for no != 0 {
		g, err := s.fetch(ctx, no, TypeLog)
		if err != nil {
			return n, fmt.Errorf("undo log %d: %w", l.n, err)
		}
		if reach != nil {
			reach(no)
		}
		b := g.Bytes()
		prev := page.No(binary.LittleEndian.Uint64(b[offPrev:]))
		last := 0
		for off := offBody; off < int(binary.LittleEndian.Uint16(b[offFree:])); {
			rec, err := frameAt(b, off)
			if err == nil {
				err = r.Parse(rec)
			}
			if err == nil && r.Type == Inserts {
				err = r.EachRow(func([]byte, []SecOp) bool { return true })
			}
			if back := int(binary.LittleEndian.Uint16(b[off+2:])); err == nil && back != last {
				err = fmt.Errorf("record at %d of page %d points back to %d: %w", off, no, back, ErrCorrupt)
			}
			if err != nil {
				g.Unlatch()
				return n, fmt.Errorf("undo log %d: %w", l.n, err)
			}
			if each != nil {
				each(&r)
			}
			last = off
			off += frame + len(rec)
			n++
		}
		g.Unlatch()
		no = prev
	}
	return n, nil
}

// Directory lists the pages that lead to the logs.
func (s *Set) Directory() []page.No {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]page.No(nil), s.dirs...)
}

// Tables collects the ids of the tables that the log's last transaction has changed, which it finds page by page from the tail.
func (l *Log) Tables(ctx context.Context) ([]uint64, error) {
	seen := map[uint64]bool{}
	var r Record
	for no := l.tail; no != 0; {
		g, err := l.set.fetch(ctx, no, TypeLog)
		if err != nil {
			return nil, fmt.Errorf("undo log %d: %w", l.n, err)
		}
		b := g.Bytes()
		prev := page.No(binary.LittleEndian.Uint64(b[offPrev:]))
		off := offBody
		if uint64(no) == l.first.Page() {
			off, prev = l.first.Off(), 0
		}
		for off < int(binary.LittleEndian.Uint16(b[offFree:])) {
			rec, err := frameAt(b, off)
			if err == nil {
				err = r.Parse(rec)
			}
			if err != nil {
				g.Unlatch()
				return nil, fmt.Errorf("undo log %d: %w", l.n, err)
			}
			if r.Table != 0 {
				seen[r.Table] = true
			}
			off += frame + len(rec)
		}
		g.Unlatch()
		no = prev
	}
	return slices.Sorted(maps.Keys(seen)), nil
}

// Changes calls fn for the records on tables that transaction trx has in log l, newest page first, until it returns false. Anybody may call it: it
// ends, with an error or without, where the transaction has ended meanwhile. r and what it refers to are valid during the call only.
func (s *Set) Changes(ctx context.Context, l *Log, trx uint64, fn func(r *Record) bool) error {
	var r Record
	var buf []byte
	for no := page.No(l.at.Load()); no != 0; {
		g, err := s.fetch(ctx, no, TypeLog)
		if err != nil {
			return fmt.Errorf("undo log %d: %w", l.n, err)
		}
		buf = append(buf[:0], g.Bytes()...)
		g.Unlatch()
		if binary.LittleEndian.Uint64(buf[offState:])&(1<<56-1) != trx {
			return nil
		}
		prev, first := page.No(binary.LittleEndian.Uint64(buf[offPrev:])), row.Ptr(binary.LittleEndian.Uint64(buf[offFirst:]))
		off := offBody
		if uint64(no) == first.Page() {
			off, prev = first.Off(), 0
		}
		for off < int(binary.LittleEndian.Uint16(buf[offFree:])) {
			rec, err := frameAt(buf, off)
			if err == nil {
				err = r.Parse(rec)
			}
			if err != nil {
				return fmt.Errorf("undo log %d: %w", l.n, err)
			}
			if r.Table != 0 && !fn(&r) {
				return nil
			}
			off += frame + len(rec)
		}
		no = prev
	}
	return nil
}
