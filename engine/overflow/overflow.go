package overflow

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"sync"

	"github.com/zoryadb/zorya/engine/buffer"
	"github.com/zoryadb/zorya/engine/mtr"
	"github.com/zoryadb/zorya/engine/space"
	"github.com/zoryadb/zorya/storage/page"
)

const (
	// MaxLength is the longest value in bytes.
	MaxLength = math.MaxUint32
	// RefSize is the stored size of a Ref.
	RefSize = 12
	// PageBytes is what one page holds of a value. A value that fits one page lies there alone; a longer one has
	// index pages, which list the runs of its data pages.
	PageBytes = page.PayloadSize

	// runPages bounds the pages of one run, which one MTR writes.
	runPages = 16
)

// Index page.
const (
	idxNext  = page.HeaderSize      // u64 next index page; 0: none
	idxCount = page.HeaderSize + 8  // u16 runs
	idxRuns  = page.HeaderSize + 16 // u64 each: first page << 16 | pages
	idxMax   = (page.Size - idxRuns) / 8
)

// ErrCorrupt means that a page is not what the reference says.
var ErrCorrupt = errors.New("long value is damaged")

// Ref names a long value: 12 bytes in its row.
type Ref struct {
	First  page.No // the data page, or the first index page
	Length uint32  // of the value, in bytes
}

// Append appends the stored form: u64 First, u32 Length, little-endian.
func (r Ref) Append(dst []byte) []byte {
	dst = binary.LittleEndian.AppendUint64(dst, uint64(r.First))
	return binary.LittleEndian.AppendUint32(dst, r.Length)
}

// ParseRef reads what Append wrote from the start of b.
func ParseRef(b []byte) (r Ref, ok bool) {
	if len(b) < RefSize {
		return r, false
	}
	r.First, r.Length = page.No(binary.LittleEndian.Uint64(b)), binary.LittleEndian.Uint32(b[8:])
	return r, r.First <= page.MaxNo
}

func (r Ref) indexed() bool { return r.Length > PageBytes }

// Write stores val, of at most MaxLength bytes, in pages of ino's owner. No latch may be held.
//
// begin (may be nil) is called with the Ref in the MTR that allocates the first page, so that an undo record can name
// it: from there on Free takes the value back, complete or not, and a crash leaks nothing. It runs under the space lock, the last in the
// latch order, so it must not latch pages there. Pages that it changes are latched by first, which runs at
// the beginning of the same MTR. Once first has succeeded begin may fail only because the volume is lost.
//
// The value is durable when the log is up to the MTR that names it for readers: that comes later in the log.
func Write(ctx context.Context, sp *space.Space, ino space.Inode, owner uint64, val []byte, begin func(m *mtr.MTR, r Ref) error, first ...func(m *mtr.MTR) error) (Ref, error) {
	r := Ref{Length: uint32(len(val))}
	if uint64(len(val)) > MaxLength {
		return r, fmt.Errorf("write long value of %d bytes: above %d", len(val), uint64(MaxLength))
	}
	w := writer{ctx: ctx, sp: sp, ino: ino, owner: owner}
	var err error
	if r.First, err = w.first(r, val, begin, first); err != nil {
		return r, fmt.Errorf("write long value of %d bytes: %w", len(val), err)
	}
	if !r.indexed() {
		return r, nil
	}
	w.index = r.First
	for len(val) > 0 {
		n, err := w.run(val)
		if err != nil {
			// What was written belongs to the value: give it back.
			if ferr := Free(context.WithoutCancel(ctx), sp, ino, owner, r); ferr != nil {
				err = errors.Join(err, ferr)
			}
			return r, fmt.Errorf("write long value: %w", err)
		}
		val = val[n:]
	}
	return r, nil
}

type writer struct {
	ctx   context.Context
	sp    *space.Space
	ino   space.Inode
	owner uint64
	index page.No // last index page
	hint  page.No
}

// first allocates and begins the value's first page.
func (w *writer) first(r Ref, val []byte, begin func(*mtr.MTR, Ref) error, first []func(*mtr.MTR) error) (page.No, error) {
	m, err := mtr.Start(w.ctx, w.sp.Pool(), 1+2*space.Records, 2*page.Size+space.Bytes)
	if err != nil {
		return 0, err
	}
	for _, f := range first {
		if err := f(m); err != nil {
			m.Abandon()
			return 0, err
		}
	}
	no, err := w.sp.AllocPage(m, w.ino, 0)
	if err != nil {
		m.Abandon()
		return 0, err
	}
	r.First, w.hint = no, no
	if r.indexed() {
		m.Init(no, space.TypeOverflowIndex, w.owner)
	} else {
		m.Init(no, space.TypeOverflow, w.owner).Set(page.HeaderSize, val)
	}
	if begin != nil {
		if err := begin(m, r); err != nil {
			m.Abandon()
			return 0, err
		}
	}
	m.Commit(nil)
	return no, nil
}

// run writes the head of val to one run of new pages, enters it in the index, and returns its length.
func (w *writer) run(val []byte) (int, error) {
	m, err := mtr.Start(w.ctx, w.sp.Pool(), runPages+2+2*space.Records, (runPages+1)*page.Size+2*space.Bytes)
	if err != nil {
		return 0, err
	}
	ix, err := latchIndex(m, w.index, w.owner)
	if err != nil {
		m.Abandon()
		return 0, err
	}
	want := min((len(val)+PageBytes-1)/PageBytes, runPages)
	first, n, err := w.sp.AllocRun(m, w.ino, w.hint, want)
	if err != nil {
		m.Abandon()
		return 0, err
	}
	w.hint = first + page.No(n-1)
	count := u16(ix.Bytes(), idxCount)
	if count == idxMax {
		next, err := w.sp.AllocPage(m, w.ino, w.hint)
		if err != nil {
			m.Abandon() // the volume is lost
			return 0, err
		}
		ix.SetU64(idxNext, uint64(next))
		ix = m.Init(next, space.TypeOverflowIndex, w.owner)
		w.index, w.hint, count = next, next, 0
	}
	ix.SetU64(idxRuns+8*count, uint64(first)<<16|uint64(n))
	ix.SetU16(idxCount, uint16(count+1))
	done := 0
	for i := 0; i < n; i++ {
		b := val[done:min(done+PageBytes, len(val))]
		m.Init(first+page.No(i), space.TypeOverflow, w.owner).Set(page.HeaderSize, b)
		done += len(b)
	}
	m.Commit(nil)
	return done, nil
}

func u16(b []byte, off int) int { return int(binary.LittleEndian.Uint16(b[off:])) }

func isPage(b []byte, t page.Type, owner uint64) bool {
	return page.GetType(b) == t && page.GetOwner(b) == owner
}

func latchIndex(m *mtr.MTR, no page.No, owner uint64) (*mtr.Page, error) {
	p, err := m.Latch(no)
	if err == nil && (!isPage(p.Bytes(), space.TypeOverflowIndex, owner) || u16(p.Bytes(), idxCount) > idxMax) {
		err = fmt.Errorf("page %d is no index of a long value of %d: %w", no, owner, ErrCorrupt)
	}
	return p, err
}

var copies = sync.Pool{New: func() any { return new([page.Size]byte) }}

// Read copies bytes [off, off+len(dst)) of the value to dst and returns how many of them there are. It reads ahead
// within dst. No latch may be held.
func Read(ctx context.Context, sp *space.Space, owner uint64, r Ref, off uint32, dst []byte) (int, error) {
	if off >= r.Length {
		return 0, nil
	}
	dst = dst[:min(len(dst), int(r.Length-off))]
	n, err := read(ctx, sp.Pool(), owner, r, int(off), dst)
	if err != nil {
		return n, fmt.Errorf("read %d bytes at %d of long value at page %d: %w", len(dst), off, r.First, err)
	}
	return n, nil
}

func read(ctx context.Context, pool *buffer.Pool, owner uint64, r Ref, off int, dst []byte) (n int, err error) {
	if !r.indexed() {
		return len(dst), readPage(ctx, pool, owner, r.First, off, dst)
	}
	ix := copies.Get().(*[page.Size]byte)
	defer copies.Put(ix)
	at := 0 // offset in the value of the run looked at
	for no := r.First; n < len(dst); no = page.No(binary.LittleEndian.Uint64(ix[idxNext:])) {
		if no == 0 {
			return n, fmt.Errorf("index ends at byte %d: %w", at, ErrCorrupt)
		}
		if err := copyIndex(ctx, pool, owner, no, ix); err != nil {
			return n, err
		}
		for k := 0; k < u16(ix[:], idxCount) && n < len(dst); k++ {
			v := binary.LittleEndian.Uint64(ix[idxRuns+8*k:])
			first, pages := page.No(v>>16), int(v&0xffff)
			if skip := off + n - at; skip < pages*PageBytes {
				got, err := readRun(ctx, pool, owner, first, pages, skip, dst[n:])
				n += got
				if err != nil {
					return n, err
				}
			}
			at += pages * PageBytes
		}
	}
	return n, nil
}

// Pages calls fn for every run of pages that a value has, complete or not, in the order of the value, index pages before what they list.
func Pages(ctx context.Context, sp *space.Space, owner uint64, r Ref, fn func(first page.No, n int) error) error {
	if !r.indexed() {
		return fn(r.First, 1)
	}
	var ix [page.Size]byte
	for no, left := r.First, 1+int(r.Length)/PageBytes; no != 0; no = page.No(binary.LittleEndian.Uint64(ix[idxNext:])) {
		if left--; left < 0 {
			return fmt.Errorf("index of the long value at page %d does not end: %w", r.First, ErrCorrupt)
		}
		if err := copyIndex(ctx, sp.Pool(), owner, no, &ix); err != nil {
			return err
		}
		if err := fn(no, 1); err != nil {
			return err
		}
		for k := 0; k < u16(ix[:], idxCount); k++ {
			v := binary.LittleEndian.Uint64(ix[idxRuns+8*k:])
			if err := fn(page.No(v>>16), int(v&0xffff)); err != nil {
				return err
			}
		}
	}
	return nil
}

func copyIndex(ctx context.Context, pool *buffer.Pool, owner uint64, no page.No, ix *[page.Size]byte) error {
	g, err := pool.Fetch(ctx, no, buffer.Shared)
	if err != nil {
		return err
	}
	copy(ix[:], g.Bytes())
	g.Unlatch()
	if !isPage(ix[:], space.TypeOverflowIndex, owner) || u16(ix[:], idxCount) > idxMax {
		return fmt.Errorf("page %d is no index of a long value of %d: %w", no, owner, ErrCorrupt)
	}
	return nil
}

// readRun reads from byte skip of a run of pages on.
func readRun(ctx context.Context, pool *buffer.Pool, owner uint64, first page.No, pages, skip int, dst []byte) (n int, err error) {
	i := skip / PageBytes
	if last := min((skip+len(dst)-1)/PageBytes, pages-1); last > i {
		var list [runPages]page.No
		k := 0
		for j := i; j <= last && k < len(list); j++ {
			list[k] = first + page.No(j)
			k++
		}
		pool.Prefetch(list[:k])
	}
	for off := skip % PageBytes; i < pages && n < len(dst); i, off = i+1, 0 {
		m := min(PageBytes-off, len(dst)-n)
		if err := readPage(ctx, pool, owner, first+page.No(i), off, dst[n:n+m]); err != nil {
			return n, err
		}
		n += m
	}
	return n, nil
}

func readPage(ctx context.Context, pool *buffer.Pool, owner uint64, no page.No, off int, dst []byte) error {
	g, err := pool.Fetch(ctx, no, buffer.Scan)
	if err != nil {
		return err
	}
	defer g.Unlatch()
	if !isPage(g.Bytes(), space.TypeOverflow, owner) {
		return fmt.Errorf("page %d holds no long value of %d: %w", no, owner, ErrCorrupt)
	}
	copy(dst, g.Bytes()[page.HeaderSize+off:])
	return nil
}

// Free gives the value's pages back in bounded MTRs; also those of a value whose Write did not finish. end is called in the MTR
// that frees the first page, the last to go, before that takes the space lock: a caller notes there that the value is gone. After a
// crash or an error Free may be called again until that MTR is in the log; not after, when the pages may be another's. Nobody may read the
// value. No latch may be held.
func Free(ctx context.Context, sp *space.Space, ino space.Inode, owner uint64, r Ref, end ...func(m *mtr.MTR) error) error {
	for {
		m, err := mtr.Start(ctx, sp.Pool(), 4+3*space.Records, page.Size+3*space.Bytes)
		if err != nil {
			return fmt.Errorf("free long value: %w", err)
		}
		done, err := freeStep(m, sp, ino, owner, r, end)
		if err != nil {
			m.Abandon()
			return fmt.Errorf("free long value at page %d: %w", r.First, err)
		}
		m.Commit(nil)
		if done {
			return nil
		}
	}
}

func freeFirst(m *mtr.MTR, sp *space.Space, ino space.Inode, no page.No, end []func(*mtr.MTR) error) (bool, error) {
	for _, f := range end {
		if err := f(m); err != nil {
			return false, err
		}
	}
	return true, sp.FreePage(m, ino, no)
}

// freeStep frees a run, or an index page that lists none any more. The first index page goes last: what hangs on it is taken
// from the page behind it, so that the value can be found from its Ref until nothing is left.
func freeStep(m *mtr.MTR, sp *space.Space, ino space.Inode, owner uint64, r Ref, end []func(*mtr.MTR) error) (done bool, err error) {
	if !r.indexed() {
		p, err := m.Latch(r.First)
		if err == nil && !isPage(p.Bytes(), space.TypeOverflow, owner) {
			err = fmt.Errorf("page %d holds no long value of %d: %w", r.First, owner, ErrCorrupt)
		}
		if err != nil {
			return false, err
		}
		return freeFirst(m, sp, ino, r.First, end)
	}
	head, err := latchIndex(m, r.First, owner)
	if err != nil {
		return false, err
	}
	ix := head
	if next := page.No(binary.LittleEndian.Uint64(head.Bytes()[idxNext:])); next != 0 {
		if ix, err = latchIndex(m, next, owner); err != nil {
			return false, err
		}
	}
	count := u16(ix.Bytes(), idxCount)
	if count == 0 {
		if ix == head {
			return freeFirst(m, sp, ino, r.First, end)
		}
		head.SetU64(idxNext, binary.LittleEndian.Uint64(ix.Bytes()[idxNext:]))
		return false, sp.FreePage(m, ino, ix.No())
	}
	v := binary.LittleEndian.Uint64(ix.Bytes()[idxRuns+8*(count-1):])
	if err := sp.FreeRun(m, ino, page.No(v>>16), int(v&0xffff)); err != nil {
		return false, err
	}
	ix.SetU16(idxCount, uint16(count-1))
	return false, nil
}
