package space

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/bits"
	"sync"
	"time"

	"github.com/zoryadb/zorya/engine/buffer"
	"github.com/zoryadb/zorya/engine/mtr"
	"github.com/zoryadb/zorya/storage/page"
)

// Records and Bytes bound what one call that takes an MTR adds to it.
const (
	Records = 16
	Bytes   = 4 << 10
)

// Space hands out the pages of one volume. Its methods are safe for concurrent use.
//
// Methods that take an MTR may fail only as long as the MTR has changed nothing, or because the volume is lost;
// in both cases the caller answers with Abandon.
type Space struct {
	pool *buffer.Pool
	// mu orders all changes of space pages. An MTR holds it from its first call here until it ends, so
	// the latches of space pages need no order among themselves.
	mu sync.Mutex
}

// Format writes the header and the first map of an empty volume.
func Format(ctx context.Context, pool *buffer.Pool) error {
	if err := pool.Volume().EnsurePages(ctx, ExtentPages); err != nil {
		return fmt.Errorf("format volume: %w", err)
	}
	m, err := mtr.Start(ctx, pool, 2, Bytes)
	if err != nil {
		return fmt.Errorf("format volume: %w", err)
	}
	h, err := m.Latch(0)
	if err != nil {
		m.Abandon()
		return fmt.Errorf("format volume: %w", err)
	}
	if t := page.GetType(h.Bytes()); t != page.Absent {
		m.Abandon()
		return fmt.Errorf("format volume: page 0 has type %d, the volume is in use", t)
	}
	m.Init(0, TypeHeader, OwnerShared)
	h.SetU64(hdrMagic, magic)
	h.SetU32(hdrVersion, version)
	h.SetU64(hdrHighWater, 1)
	h.SetU32(hdrShared, 0+1)
	d := cell{m.Init(1, TypeMap, OwnerShared), descOff(0)}
	d.setU64(descOwner, OwnerShared)
	d.setU64(descUsed, 0b11)
	m.Commit(nil)
	return nil
}

// Open reads the header. ErrNotFormatted: page 0 is absent. ErrVersion: a newer format.
func Open(ctx context.Context, pool *buffer.Pool) (*Space, error) {
	g, err := pool.Fetch(ctx, 0, buffer.Shared)
	if err != nil {
		return nil, fmt.Errorf("open space: %w", err)
	}
	defer g.Unlatch()
	b := g.Bytes()
	switch v := binary.LittleEndian.Uint32(b[hdrVersion:]); {
	case page.GetType(b) == page.Absent:
		return nil, fmt.Errorf("open space: %w", ErrNotFormatted)
	case page.GetType(b) != TypeHeader || binary.LittleEndian.Uint64(b[hdrMagic:]) != magic:
		return nil, fmt.Errorf("open space: page 0 is no volume header: %w", ErrCorrupt)
	case v != version:
		return nil, fmt.Errorf("open space: format %d, this program knows %d: %w", v, version, ErrVersion)
	}
	return &Space{pool: pool}, nil
}

// Pool is the pool that holds the space's pages.
func (s *Space) Pool() *buffer.Pool { return s.pool }

// Slot returns one of the header's numbers, which the engine uses as it likes: roots of the dictionary's trees,
// reservations of ids. 0 <= i < Slots; a new volume's are 0.
func (s *Space) Slot(ctx context.Context, i int) (uint64, error) {
	g, err := s.pool.Fetch(ctx, 0, buffer.Shared)
	if err != nil {
		return 0, fmt.Errorf("read header slot %d: %w", i, err)
	}
	defer g.Unlatch()
	return binary.LittleEndian.Uint64(g.Bytes()[hdrSlots+8*i:]), nil
}

// SetSlot sets one in m. Page 0 is a space page in the latch order.
func (s *Space) SetSlot(m *mtr.MTR, i int, v uint64) error {
	if uint(i) >= Slots {
		return fmt.Errorf("set header slot %d of %d", i, Slots)
	}
	h, err := s.header(m)
	if err != nil {
		return fmt.Errorf("set header slot %d: %w", i, err)
	}
	h.setU64(hdrSlots+8*i, v)
	return nil
}

// header latches page 0 under the space lock.
func (s *Space) header(m *mtr.MTR) (cell, error) {
	m.Hold(&s.mu)
	p, err := m.Latch(0)
	if err != nil {
		return cell{}, err
	}
	return cell{p, 0}, nil
}

func (s *Space) inode(m *mtr.MTR, ino Inode) (cell, error) {
	m.Hold(&s.mu)
	p, err := m.Latch(ino.page())
	if err != nil {
		return cell{}, err
	}
	c := cell{p, ino.off()}
	if page.GetType(p.Bytes()) != TypeInodes || int(ino&0xff) >= inoMax || c.u64(inoOwner) == 0 {
		return cell{}, fmt.Errorf("inode %#x is none: %w", uint64(ino), ErrCorrupt)
	}
	return c, nil
}

func (s *Space) desc(m *mtr.MTR, e uint32) (cell, error) {
	p, err := m.Latch(mapPage(e))
	if err != nil {
		return cell{}, err
	}
	if page.GetType(p.Bytes()) != TypeMap {
		return cell{}, fmt.Errorf("page %d is no map: %w", mapPage(e), ErrCorrupt)
	}
	return cell{p, descOff(e)}, nil
}

// AllocPage hands out a page for ino's owner, near hint if that is one of its pages (0: anywhere). The caller
// then calls m.Init on it.
func (s *Space) AllocPage(m *mtr.MTR, ino Inode, hint page.No) (page.No, error) {
	no, _, err := s.AllocRun(m, ino, hint, 1)
	return no, err
}

// AllocRun hands out n consecutive pages, 1 <= n <= limit: as many as are at hand in one extent.
func (s *Space) AllocRun(m *mtr.MTR, ino Inode, hint page.No, limit int) (first page.No, n int, err error) {
	i, err := s.inode(m, ino)
	if err == nil {
		first, n, err = s.allocFor(m, i, hint, limit)
	}
	if err != nil {
		return 0, 0, fmt.Errorf("allocate a page: %w", err)
	}
	return first, n, nil
}

func (s *Space) allocFor(m *mtr.MTR, i cell, hint page.No, limit int) (page.No, int, error) {
	for k := 0; k < fragments; k++ {
		if i.u64(inoFrags+8*k) == 0 {
			no, err := s.allocShared(m)
			if err == nil {
				i.setU64(inoFrags+8*k, uint64(no))
			}
			return no, 1, err
		}
	}
	e, d, err := s.extentWithRoom(m, i, hint)
	if err != nil {
		return 0, 0, err
	}
	used := d.u64(descUsed)
	from := 0
	if hint != 0 && extentOf(hint) == e {
		from = int(hint%ExtentPages) + 1
	}
	bit := firstFree(used, from)
	n := 0
	for n < limit && bit+n < ExtentPages && used>>(bit+n)&1 == 0 {
		used |= 1 << (bit + n)
		n++
	}
	d.setU64(descUsed, used)
	if used == allUsed {
		err = s.relink(m, e, d, cell{i.p, i.off + inoPartial}, cell{i.p, i.off + inoFull})
	}
	return firstOf(e) + page.No(bit), n, err
}

// firstFree returns the first clear bit at or after from, else the first at all. used is not allUsed.
func firstFree(used uint64, from int) int {
	if from < ExtentPages {
		if free := ^used >> from << from; free != 0 {
			return bits.TrailingZeros64(free)
		}
	}
	return bits.TrailingZeros64(^used)
}

// extentWithRoom returns an extent of the inode's owner that has a free page: hint's, else the first with room, else a new one.
func (s *Space) extentWithRoom(m *mtr.MTR, i cell, hint page.No) (uint32, cell, error) {
	owner := i.u64(inoOwner)
	if hint != 0 {
		e := extentOf(hint)
		d, err := s.desc(m, e)
		if err != nil || (d.u64(descOwner) == owner && d.u64(descUsed) != allUsed) {
			return e, d, err
		}
	}
	if e := i.u32(inoPartial); e != 0 {
		d, err := s.desc(m, e-1)
		if err == nil && (d.u64(descOwner) != owner || d.u64(descUsed) == allUsed) {
			err = fmt.Errorf("extent %d is on the list of owner %d: %w", e-1, owner, ErrCorrupt)
		}
		return e - 1, d, err
	}
	e, d, err := s.newExtent(m, owner)
	if err != nil {
		return 0, cell{}, err
	}
	i.setU32(inoExtents, i.u32(inoExtents)+1)
	return e, d, s.push(m, e, d, cell{i.p, i.off + inoPartial})
}

// allocShared takes one page of a shared extent.
func (s *Space) allocShared(m *mtr.MTR) (page.No, error) {
	h, err := s.header(m)
	if err != nil {
		return 0, err
	}
	list := cell{h.p, hdrShared}
	var e uint32
	var d cell
	if head := list.u32(0); head != 0 {
		e = head - 1
		d, err = s.desc(m, e)
	} else if e, d, err = s.newExtent(m, OwnerShared); err == nil {
		err = s.push(m, e, d, list)
	}
	if err != nil {
		return 0, err
	}
	used := d.u64(descUsed)
	if d.u64(descOwner) != OwnerShared || used == allUsed {
		return 0, fmt.Errorf("extent %d is on the list of shared ones: %w", e, ErrCorrupt)
	}
	bit := bits.TrailingZeros64(^used)
	d.setU64(descUsed, used|1<<bit)
	if used|1<<bit == allUsed {
		err = s.unlink(m, d, list)
	}
	return firstOf(e) + page.No(bit), err
}

// newExtent takes a free extent, or one that was never used, for owner. It is on no list.
func (s *Space) newExtent(m *mtr.MTR, owner uint64) (uint32, cell, error) {
	h, err := s.header(m)
	if err != nil {
		return 0, cell{}, err
	}
	if head := h.u32(hdrFree); head != 0 {
		d, err := s.desc(m, head-1)
		if err != nil {
			return 0, cell{}, err
		}
		if d.u64(descOwner) != 0 {
			return 0, cell{}, fmt.Errorf("extent %d is on the free list: %w", head-1, ErrCorrupt)
		}
		h.setU32(hdrFree, d.u32(descNext))
		h.setU32(hdrFreeCount, h.u32(hdrFreeCount)-1)
		d.setU64(descOwner, owner)
		d.setU32(descNext, 0)
		return head - 1, d, nil
	}
	e := uint32(h.u64(hdrHighWater))
	fresh := e%regionExtents == 0 // the extent that holds the next region's map
	last := e
	if fresh {
		last++
	}
	// The extent's pages, and the region's map if need be, must exist.
	if err := s.grow(m, uint64(last+1)*ExtentPages); err != nil {
		return 0, cell{}, err
	}
	if fresh {
		if err := s.newRegion(m, e, h); err != nil {
			return 0, cell{}, err
		}
		e++
	}
	d, err := s.desc(m, e)
	if err != nil {
		return 0, cell{}, err
	}
	h.setU64(hdrHighWater, uint64(e)+1)
	d.setU64(descOwner, owner)
	return e, d, nil
}

// newRegion begins the map of the region whose first extent is e; the extent's other pages are shared.
func (s *Space) newRegion(m *mtr.MTR, e uint32, h cell) error {
	d := cell{m.Init(mapPage(e), TypeMap, OwnerShared), descOff(e)}
	d.setU64(descOwner, OwnerShared)
	d.setU64(descUsed, 1)
	return s.push(m, e, d, cell{h.p, hdrShared})
}

// grow makes the volume hold n pages. Once m has changed something it tries for as long as the volume lives.
func (s *Space) grow(m *mtr.MTR, n uint64) error {
	v := s.pool.Volume()
	if v.Pages() >= n {
		return nil
	}
	ctx := m.Context()
	if m.Changed() {
		ctx = context.WithoutCancel(ctx)
	}
	err := v.EnsurePages(ctx, n)
	for wait := time.Millisecond; err != nil && m.Changed() && v.Err() == nil; wait = min(2*wait, 100*time.Millisecond) {
		time.Sleep(wait)
		err = v.EnsurePages(ctx, n)
	}
	if err != nil {
		return fmt.Errorf("grow volume to %d pages: %w", n, err)
	}
	return nil
}

// push puts extent e in front of a list, whose head is the u32 at list.
func (s *Space) push(m *mtr.MTR, e uint32, d, list cell) error {
	head := list.u32(0)
	if head != 0 {
		next, err := s.desc(m, head-1)
		if err != nil {
			return err
		}
		next.setU32(descPrev, e+1)
	}
	d.setU32(descPrev, 0)
	d.setU32(descNext, head)
	list.setU32(0, e+1)
	return nil
}

// unlink takes an extent out of the list whose head is the u32 at list.
func (s *Space) unlink(m *mtr.MTR, d, list cell) error {
	prev, next := d.u32(descPrev), d.u32(descNext)
	if next != 0 {
		n, err := s.desc(m, next-1)
		if err != nil {
			return err
		}
		n.setU32(descPrev, prev)
	}
	if prev != 0 {
		p, err := s.desc(m, prev-1)
		if err != nil {
			return err
		}
		p.setU32(descNext, next)
	} else {
		list.setU32(0, next)
	}
	if prev != 0 || next != 0 {
		d.setU64(descPrev, 0)
	}
	return nil
}

func (s *Space) relink(m *mtr.MTR, e uint32, d, from, to cell) error {
	if err := s.unlink(m, d, from); err != nil {
		return err
	}
	return s.push(m, e, d, to)
}
