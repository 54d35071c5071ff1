package space

import (
	"context"
	"fmt"

	"github.com/zoryadb/zorya/engine/mtr"
	"github.com/zoryadb/zorya/storage/page"
)

// FreePage takes a page back, with its FreeRange record. If m holds it latched, it is unchanged there.
func (s *Space) FreePage(m *mtr.MTR, ino Inode, no page.No) error { return s.FreeRun(m, ino, no, 1) }

// FreeRun takes n consecutive pages of one extent back.
func (s *Space) FreeRun(m *mtr.MTR, ino Inode, first page.No, n int) error {
	i, err := s.inode(m, ino)
	if err == nil {
		err = s.freeRun(m, i, first, n)
	}
	if err != nil {
		return fmt.Errorf("free pages %d+%d: %w", first, n, err)
	}
	return nil
}

func (s *Space) freeRun(m *mtr.MTR, i cell, first page.No, n int) error {
	e := extentOf(first)
	if n <= 0 || extentOf(first+page.No(n-1)) != e {
		return fmt.Errorf("not in one extent: %w", ErrCorrupt)
	}
	d, err := s.desc(m, e)
	if err != nil {
		return err
	}
	mask := (allUsed >> (ExtentPages - n)) << (first % ExtentPages)
	used, owner := d.u64(descUsed), d.u64(descOwner)
	if used&mask != mask {
		return fmt.Errorf("extent %d uses %#x: %w", e, used, ErrCorrupt)
	}
	if owner == OwnerShared {
		if err := s.freeFragment(m, i, e, d, first, n); err != nil {
			return err
		}
		s.freeRange(m, first, n)
		return nil
	}
	if owner != i.u64(inoOwner) {
		return fmt.Errorf("extent %d belongs to %d, not %d: %w", e, owner, i.u64(inoOwner), ErrCorrupt)
	}
	partial, full := cell{i.p, i.off + inoPartial}, cell{i.p, i.off + inoFull}
	left := used &^ mask
	from := partial
	if used == allUsed {
		from = full
	}
	switch {
	case left == 0:
		if err := s.unlink(m, d, from); err != nil {
			return err
		}
		i.setU32(inoExtents, i.u32(inoExtents)-1)
		if err := s.freeExtent(m, e, d); err != nil {
			return err
		}
	case used == allUsed:
		if err := s.relink(m, e, d, full, partial); err != nil {
			return err
		}
		d.setU64(descUsed, left)
	default:
		d.setU64(descUsed, left)
	}
	s.freeRange(m, first, n)
	return nil
}

// freeFragment takes back one page of a shared extent.
func (s *Space) freeFragment(m *mtr.MTR, i cell, e uint32, d cell, no page.No, n int) error {
	k := 0
	for k < fragments && i.u64(inoFrags+8*k) != uint64(no) {
		k++
	}
	if k == fragments || n != 1 {
		return fmt.Errorf("page %d is no fragment of owner %d: %w", no, i.u64(inoOwner), ErrCorrupt)
	}
	h, err := s.header(m)
	if err != nil {
		return err
	}
	i.setU64(inoFrags+8*k, 0)
	list := cell{h.p, hdrShared}
	used := d.u64(descUsed)
	left := used &^ (1 << (no % ExtentPages))
	if used == allUsed {
		err = s.push(m, e, d, list)
	}
	if err == nil && left == 0 {
		if err = s.unlink(m, d, list); err == nil {
			err = s.freeExtent(m, e, d)
		}
		return err
	}
	d.setU64(descUsed, left)
	return err
}

// freeExtent puts an extent that is on no list on the free list.
func (s *Space) freeExtent(m *mtr.MTR, e uint32, d cell) error {
	h, err := s.header(m)
	if err != nil {
		return err
	}
	d.setU64(descOwner, 0)
	d.setU64(descUsed, 0)
	d.setU32(descNext, h.u32(hdrFree))
	h.setU32(hdrFree, e+1)
	h.setU32(hdrFreeCount, h.u32(hdrFreeCount)+1)
	return nil
}

// freeRange logs that pages are absent, cut at the boundaries of protection groups.
func (s *Space) freeRange(m *mtr.MTR, first page.No, n int) {
	pg := page.No(s.pool.Volume().PagesPerPG())
	for n > 0 {
		k := min(n, int(pg-first%pg))
		m.FreeRange(first, uint32(k))
		first, n = first+page.No(k), n-k
	}
}

// CreateInode begins the account of a new owner: a tree's id, >= MinOwner, never used before.
func (s *Space) CreateInode(m *mtr.MTR, owner uint64) (Inode, error) {
	if owner < MinOwner {
		return 0, fmt.Errorf("create inode of owner %d: ids below %d are reserved", owner, MinOwner)
	}
	h, err := s.header(m)
	if err != nil {
		return 0, fmt.Errorf("create inode of owner %d: %w", owner, err)
	}
	var p *mtr.Page
	if no := page.No(h.u64(hdrInodes)); no != 0 {
		p, err = m.Latch(no)
	} else if no, err = s.allocShared(m); err == nil {
		p = m.Init(no, TypeInodes, OwnerShared)
		h.setU64(hdrInodes, uint64(no))
	}
	if err != nil {
		return 0, fmt.Errorf("create inode of owner %d: %w", owner, err)
	}
	count := int(cell{p, 0}.u32(inoCount))
	for j := range inoMax {
		ino := makeInode(p.No(), (count+j)%inoMax) // most pages fill up in order: the first look hits
		c := cell{p, ino.off()}
		if c.u64(inoOwner) != 0 {
			continue
		}
		c.setU64(inoOwner, owner)
		p.SetU16(inoCount, uint16(count+1))
		if count+1 == inoMax {
			h.setU64(hdrInodes, cell{p, 0}.u64(inoNext))
		}
		return ino, nil
	}
	return 0, fmt.Errorf("create inode of owner %d: page %d is full: %w", owner, p.No(), ErrCorrupt)
}

// freeInode ends an account that owns nothing any more.
func (s *Space) freeInode(h, i cell) {
	i.p.Fill(i.off, inoSize, 0)
	n := cell{i.p, 0}.u32(inoCount)
	i.p.SetU16(inoCount, uint16(n-1))
	if n == inoMax {
		i.p.SetU64(inoNext, h.u64(hdrInodes))
		h.setU64(hdrInodes, uint64(i.p.No()))
	}
}

// Drop puts an owner, with all its pages, on the list of what DropStep frees. It is O(1). From m's commit on nobody may use
// the pages; that they are free again is seen when DropStep got to them, also after a crash.
func (s *Space) Drop(m *mtr.MTR, ino Inode) error {
	h, err := s.header(m)
	if err != nil {
		return fmt.Errorf("drop inode %#x: %w", uint64(ino), err)
	}
	i, err := s.inode(m, ino)
	if err == nil && i.u32(inoFlags)&flagDropped != 0 {
		err = fmt.Errorf("is dropped already: %w", ErrCorrupt)
	}
	if err != nil {
		return fmt.Errorf("drop inode %#x: %w", uint64(ino), err)
	}
	i.setU32(inoFlags, i.u32(inoFlags)|flagDropped)
	i.setU64(inoDrop, h.u64(hdrDrop))
	h.setU64(hdrDrop, uint64(ino))
	return nil
}

// dropExtents bounds the extents that one DropStep frees.
const dropExtents = 16

// DropStep frees a bounded part of what was dropped, in one MTR, and reports whether there may be more.
func (s *Space) DropStep(ctx context.Context) (more bool, err error) {
	m, err := mtr.Start(ctx, s.pool, 8*dropExtents, 16<<10)
	if err != nil {
		return false, err
	}
	more, err = s.dropStep(m)
	if err != nil {
		m.Abandon()
		return false, fmt.Errorf("free dropped pages: %w", err)
	}
	m.Commit(nil)
	return more, nil
}

func (s *Space) dropStep(m *mtr.MTR) (more bool, err error) {
	h, err := s.header(m)
	if err != nil {
		return false, err
	}
	ino := Inode(h.u64(hdrDrop))
	if ino == 0 {
		return false, nil
	}
	i, err := s.inode(m, ino)
	if err != nil {
		return false, err
	}
	for n := 0; n < dropExtents; n++ {
		list := cell{i.p, i.off + inoPartial}
		if list.u32(0) == 0 {
			list = cell{i.p, i.off + inoFull}
		}
		if list.u32(0) == 0 {
			return true, s.dropRest(m, h, i)
		}
		e := list.u32(0) - 1
		d, err := s.desc(m, e)
		if err == nil {
			err = s.unlink(m, d, list)
		}
		if err == nil {
			err = s.freeExtent(m, e, d)
		}
		if err != nil {
			return false, err
		}
		s.freeRange(m, firstOf(e), ExtentPages)
	}
	return true, nil
}

// dropRest frees the fragments of a dropped owner and its inode.
func (s *Space) dropRest(m *mtr.MTR, h, i cell) error {
	for k := 0; k < fragments; k++ {
		if no := page.No(i.u64(inoFrags + 8*k)); no != 0 {
			if err := s.freeRun(m, i, no, 1); err != nil {
				return err
			}
		}
	}
	h.setU64(hdrDrop, i.u64(inoDrop))
	s.freeInode(h, i)
	return nil
}

// DropAll calls DropStep until nothing is left.
func (s *Space) DropAll(ctx context.Context) error {
	for {
		more, err := s.DropStep(ctx)
		if !more || err != nil {
			return err
		}
	}
}
