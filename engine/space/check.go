package space

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/bits"

	"github.com/zoryadb/zorya/engine/buffer"
	"github.com/zoryadb/zorya/storage/page"
)

// read copies page no, so that nothing is latched while another page is read.
func (s *Space) read(ctx context.Context, no page.No, t page.Type, dst *[page.Size]byte) error {
	g, err := s.pool.Fetch(ctx, no, buffer.Shared)
	if err != nil {
		return err
	}
	defer g.Unlatch()
	if got := page.GetType(g.Bytes()); got != t {
		return fmt.Errorf("page %d has type %d, not %d: %w", no, got, t, ErrCorrupt)
	}
	copy(dst[:], g.Bytes())
	return nil
}

// PagesOf is the number of pages of an owner, as good as exact: of its extents with room only the first few are counted one by one.
func (s *Space) PagesOf(ctx context.Context, ino Inode) (n uint64, err error) {
	var b [page.Size]byte
	if err := s.read(ctx, ino.page(), TypeInodes, &b); err != nil {
		return 0, fmt.Errorf("count pages of inode %#x: %w", uint64(ino), err)
	}
	i := b[ino.off():]
	for k := 0; k < fragments; k++ {
		if binary.LittleEndian.Uint64(i[inoFrags+8*k:]) != 0 {
			n++
		}
	}
	n += uint64(binary.LittleEndian.Uint32(i[inoExtents:])) * ExtentPages
	e := binary.LittleEndian.Uint32(i[inoPartial:])
	for k := 0; e != 0 && k < 16; k++ {
		if err := s.read(ctx, mapPage(e-1), TypeMap, &b); err != nil {
			return 0, fmt.Errorf("count pages of inode %#x: %w", uint64(ino), err)
		}
		d := b[descOff(e-1):]
		n -= min(n, uint64(ExtentPages-bits.OnesCount64(binary.LittleEndian.Uint64(d[descUsed:]))))
		e = binary.LittleEndian.Uint32(d[descNext:])
	}
	return n, nil
}

// Extent is what the map says of one extent.
type Extent struct {
	First page.No
	Owner uint64 // 0: free
	Used  uint64 // bit i: page First+i is in use
}

// Extents calls fn for every extent that was ever taken.
func (s *Space) Extents(ctx context.Context, fn func(Extent) error) error {
	var b [page.Size]byte
	if err := s.read(ctx, 0, TypeHeader, &b); err != nil {
		return fmt.Errorf("read the space map: %w", err)
	}
	high := uint32(binary.LittleEndian.Uint64(b[hdrHighWater:]))
	for e := uint32(0); e < high; e++ {
		if e%regionExtents == 0 {
			if err := s.read(ctx, mapPage(e), TypeMap, &b); err != nil {
				return fmt.Errorf("read the space map: %w", err)
			}
		}
		d := b[descOff(e):]
		if err := fn(Extent{firstOf(e), binary.LittleEndian.Uint64(d[descOwner:]), binary.LittleEndian.Uint64(d[descUsed:])}); err != nil {
			return err
		}
	}
	return nil
}
