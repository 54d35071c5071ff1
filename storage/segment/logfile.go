package segment

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/zoryadb/zorya/base/vfs"
	"github.com/zoryadb/zorya/storage/page"
	"github.com/zoryadb/zorya/storage/redo"
)

// logFile holds records in the order in which they became durable. Segment.mu guards all but f.
type logFile struct {
	seq      uint32
	f        vfs.File
	size     int64 // end of the records
	synced   int64 // of them, durable
	out      writeOut
	sealed   bool
	newName  bool // its directory entry is not durable yet
	min, max page.LSN
	records  int
	live     int      // index entries that point here
	spilled  int      // records dropped from the index while still needed
	gaps     bool     // it is known to hold bytes that are no record
	tries    int      // of sealing it
	pushed   bool     // its pages were imaged for its sake
	counted  page.LSN // horizon at which spilled was last counted
	marks    []mark
	lines    lines
	refs     int // readers
	dead     bool
	lost     map[uint32]bool // offsets of damaged records that nobody needs any more
}

func logName(seq uint32) string { return fmt.Sprintf("log-%010d", seq) }

// note accounts for a record, e.
func (l *logFile) note(e *entry) {
	off, lsn := int64(e.off), e.lsn
	l.lines.add(e)
	if len(l.marks) == 0 || off-int64(l.marks[len(l.marks)-1].off) >= markEvery {
		l.marks = append(l.marks, mark{uint32(off), l.max})
	}
	if l.records == 0 || lsn < l.min {
		l.min = lsn
	}
	l.max = max(l.max, lsn)
	l.records++
}

// start is the offset below which no record's LSN is above from.
func (l *logFile) start(from page.LSN) int64 {
	off := int64(fileHeader)
	for _, m := range l.marks {
		if m.max > from {
			break
		}
		off = int64(m.off)
	}
	return off
}

const scanWindow = 512 << 10

// errStop ends a scan early without being an error of it.
var errStop = errors.New("stop")

// scanRecords calls fn for each record in [off, end), its checksum verified and its head decoded (redo.ParseHead); a nil fn has nothing decoded. raw is valid during the call. It
// returns where it stopped: at end, at the first bytes that are no record (errDamaged), or where fn
// returned errStop.
func scanRecords(f vfs.File, off, end int64, fn func(off int64, raw []byte, r *redo.Record) error) (int64, error) {
	buf := make([]byte, min(scanWindow+redo.MaxRecord, max(end-off, 0)))
	var r redo.Record
	for off < end {
		n, err := f.ReadAt(buf[:min(int64(len(buf)), end-off)], off)
		if err != nil && err != io.EOF {
			return off, err
		}
		if n == 0 {
			return off, errDamaged
		}
		b := buf[:n]
		for len(b) > 0 {
			var k int
			var err error
			if fn == nil {
				k, err = redo.Verify(b)
			} else {
				k, err = redo.ParseHead(b, &r) // it was parsed when it came
			}
			if err == redo.ErrShort && len(b) < n && off+int64(len(b)) < end {
				break // continues in the next window
			}
			if err != nil {
				return off, errDamaged
			}
			if fn != nil {
				if err := fn(off, b[:k], &r); err != nil {
					if err == errStop {
						err = nil
					}
					return off, err
				}
			}
			off += int64(k)
			b = b[k:]
		}
	}
	return off, nil
}

// resync finds the next offset in (off, end) at which a record begins, after damage.
func resync(f vfs.File, off, end int64) int64 {
	buf := make([]byte, scanWindow+redo.MaxRecord)
	var r redo.Record
	for off++; off < end; {
		n, err := f.ReadAt(buf[:min(int64(len(buf)), end-off)], off)
		if n == 0 || (err != nil && err != io.EOF) {
			return end
		}
		lim := n
		if off+int64(n) < end {
			lim = scanWindow
		}
		for i := 0; i < lim; i++ {
			if _, err := redo.Parse(buf[i:n], &r); err == nil {
				return off + int64(i)
			}
		}
		off += int64(lim)
	}
	return end
}

// entryOf is the footer's line for a record.
func entryOf(r *redo.Record, first page.No, off int64, size int) entry {
	e := entry{page: uint32(r.Page - first), lsn: r.LSN, off: uint32(off), size: uint32(size)}
	if r.Flags&redo.WillInit != 0 {
		e.flags |= flagInit
	}
	if r.Flags&redo.FreeRange != 0 {
		e.flags |= flagFree
		e.free = r.Free
	}
	return e
}

func (e *entry) ent(file uint32) ent {
	return ent{lsn: e.lsn, off: e.off, file: file, size: e.size | uint32(e.flags)<<24}
}

// sealLog writes a log file's footer, from the lines that were kept of its records; where they were not, its records are read again.
// The file is no longer appended to. Bytes that are no record stop it with errDamaged and their offset, unless gaps
// allows them: then the records there are not in the footer.
func sealLog(l *logFile, first page.No, gaps bool) (at int64, err error) {
	w := sealers.Get().(*sealer)
	defer sealers.Put(w)
	ft := footer{dataEnd: l.size, min: l.min, max: l.max, marks: l.marks, entries: slices.Grow(w.entries[:0], l.records)}
	defer func() { w.entries = ft.entries }()
	if l.lines.entries(&ft.entries) && len(ft.entries) == l.records {
		return 0, seal(l.f, &ft, w)
	}
	ft.entries = ft.entries[:0]
	for at = fileHeader; at < l.size; at = resync(l.f, at, l.size) {
		at, err = scanRecords(l.f, at, l.size, func(off int64, raw []byte, r *redo.Record) error {
			ft.entries = append(ft.entries, entryOf(r, first, off, len(raw)))
			return nil
		})
		if err == nil {
			break
		}
		if !gaps || err != errDamaged {
			return at, fmt.Errorf("seal %s at offset %d: %w", l.f.Name(), at, err)
		}
	}
	return 0, seal(l.f, &ft, w)
}
