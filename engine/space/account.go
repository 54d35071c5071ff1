package space

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"slices"

	"github.com/zoryadb/zorya/engine/buffer"
	"github.com/zoryadb/zorya/storage/page"
)

// Pages is a set of pages, one bit each.
type Pages map[uint32]uint64

// Add enters a page and reports whether it was not there.
func (p Pages) Add(no page.No) bool {
	e, bit := extentOf(no), uint64(1)<<(no%ExtentPages)
	old := p[e]
	p[e] = old | bit
	return old&bit == 0
}

// Has reports whether a page is in the set.
func (p Pages) Has(no page.No) bool { return p[extentOf(no)]>>(no%ExtentPages)&1 != 0 }

// Len is the number of pages.
func (p Pages) Len() (n uint64) {
	for _, m := range p {
		n += uint64(bits.OnesCount64(m))
	}
	return n
}

// Minus lists up to max pages that are in p and not in q, in order.
func (p Pages) Minus(q Pages, max int) (list []page.No) {
	for e, m := range p {
		for m &^= q[e]; m != 0 && len(list) < max; m &= m - 1 {
			list = append(list, firstOf(e)+page.No(bits.TrailingZeros64(m)))
		}
	}
	slices.Sort(list)
	return list
}

// Account is what one owner has, read back from its inode and the map, which agree.
type Account struct {
	Owner   uint64
	Inode   Inode
	Dropped bool
	Pages   Pages
}

// auditor reads the space's pages for Audit.
type auditor struct {
	s    *Space
	ctx  context.Context
	maps map[page.No]*[page.Size]byte // pages of descriptors, at most a few
	note func(error)
}

func (a *auditor) notef(format string, args ...any) {
	a.note(fmt.Errorf(format+": %w", append(args, ErrCorrupt)...))
}

// extent returns the descriptor of an extent.
func (a *auditor) extent(e uint32) ([]byte, error) {
	no := mapPage(e)
	b := a.maps[no]
	if b == nil {
		if len(a.maps) > 64 {
			clear(a.maps)
		}
		b = new([page.Size]byte)
		if err := a.s.read(a.ctx, no, TypeMap, b); err != nil {
			return nil, err
		}
		a.maps[no] = b
	}
	return b[descOff(e):][:descSize], nil
}

// list walks a list of extents. Each must satisfy ok.
func (a *auditor) list(what string, head, high uint32, ok func(e uint32, owner, used uint64) bool) error {
	prev, n := uint32(0), uint32(0)
	for at := head; at != 0; n++ {
		if at > high || n > high {
			a.notef("%s leads to extent %d of %d", what, at-1, high)
			return nil
		}
		d, err := a.extent(at - 1)
		if err != nil {
			return err
		}
		if !ok(at-1, binary.LittleEndian.Uint64(d[descOwner:]), binary.LittleEndian.Uint64(d[descUsed:])) {
			a.notef("extent %d, of owner %d, does not belong on %s", at-1, binary.LittleEndian.Uint64(d[descOwner:]), what)
			return nil
		}
		if p := binary.LittleEndian.Uint32(d[descPrev:]); p != prev && what != freeList {
			a.notef("extent %d on %s points back to %d, not %d", at-1, what, p, prev)
		}
		prev, at = at, binary.LittleEndian.Uint32(d[descNext:])
	}
	return nil
}

const freeList = "the list of free extents"

// account reads one inode with its lists. It is nil for an inode that is free.
func (a *auditor) account(ino Inode, page0 *[page.Size]byte, high uint32) (*Account, error) {
	i := page0[ino.off():][:inoSize]
	acc := &Account{Owner: binary.LittleEndian.Uint64(i[inoOwner:]), Inode: ino, Pages: Pages{}}
	if acc.Owner == 0 {
		return nil, nil
	}
	acc.Dropped = binary.LittleEndian.Uint32(i[inoFlags:])&flagDropped != 0
	for k := range fragments {
		no := page.No(binary.LittleEndian.Uint64(i[inoFrags+8*k:]))
		if no == 0 {
			continue
		}
		if extentOf(no) >= high {
			a.notef("fragment %d of owner %d lies behind the volume's end", no, acc.Owner)
			continue
		}
		d, err := a.extent(extentOf(no))
		if err != nil {
			return acc, err
		}
		if binary.LittleEndian.Uint64(d[descOwner:]) != OwnerShared || binary.LittleEndian.Uint64(d[descUsed:])>>(no%ExtentPages)&1 == 0 {
			a.notef("fragment %d of owner %d is not a shared page in use", no, acc.Owner)
		}
		if !acc.Pages.Add(no) {
			a.notef("fragment %d of owner %d is listed twice", no, acc.Owner)
		}
	}
	n := uint32(0)
	take := func(full bool) func(e uint32, owner, used uint64) bool {
		return func(e uint32, owner, used uint64) bool {
			if owner != acc.Owner || used == 0 || (used == allUsed) != full || acc.Pages[e] != 0 {
				return false
			}
			acc.Pages[e] = used
			n++
			return true
		}
	}
	for off, full := range map[int]bool{inoPartial: false, inoFull: true} {
		if err := a.list(fmt.Sprintf("a list of owner %d", acc.Owner), binary.LittleEndian.Uint32(i[off:]), high, take(full)); err != nil {
			return acc, err
		}
	}
	if have := binary.LittleEndian.Uint32(i[inoExtents:]); have != n {
		a.notef("owner %d has %d extents, its inode says %d", acc.Owner, n, have)
	}
	return acc, nil
}

func (s *Space) auditor(ctx context.Context, note func(error)) (*auditor, uint32, error) {
	a := &auditor{s: s, ctx: ctx, maps: map[page.No]*[page.Size]byte{}, note: note}
	var b [page.Size]byte
	if err := s.read(ctx, 0, TypeHeader, &b); err != nil {
		return nil, 0, fmt.Errorf("read the space map: %w", err)
	}
	return a, uint32(binary.LittleEndian.Uint64(b[hdrHighWater:])), nil
}

// AccountOf reads one owner's account. What contradicts itself goes to note. Nobody may change the space meanwhile.
func (s *Space) AccountOf(ctx context.Context, ino Inode, note func(error)) (*Account, error) {
	a, high, err := s.auditor(ctx, note)
	if err != nil {
		return nil, err
	}
	var b [page.Size]byte
	if err := s.read(ctx, ino.page(), TypeInodes, &b); err != nil {
		return nil, fmt.Errorf("inode %#x: %w", uint64(ino), err)
	}
	acc, err := a.account(ino, &b, high)
	if err == nil && acc == nil {
		err = fmt.Errorf("inode %#x is free: %w", uint64(ino), ErrCorrupt)
	}
	return acc, err
}

// Audit reads the whole map and all inodes and verifies that they agree: every extent on the list where it belongs, every page in use
// belonging to exactly one owner. It returns the accounts by owner. What is wrong goes to note; the error is of reading. Nobody may
// change the space meanwhile: it is for a view of the past.
func (s *Space) Audit(ctx context.Context, note func(error)) (map[uint64]*Account, error) {
	a, high, err := s.auditor(ctx, note)
	if err != nil {
		return nil, err
	}
	var h [page.Size]byte
	if err := s.read(ctx, 0, TypeHeader, &h); err != nil {
		return nil, err
	}
	accounts := map[uint64]*Account{}
	own := Pages{} // shared pages that are accounted for
	var shared, all []Extent
	free := uint32(0)
	err = s.Extents(ctx, func(x Extent) error {
		all = append(all, x)
		switch x.Owner {
		case OwnerShared:
			shared = append(shared, x)
		case 0:
			free++
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var pages []page.No
	for _, x := range shared {
		if pages, err = a.inodePages(x, own, pages); err != nil {
			return nil, err
		}
	}
	dropped := 0
	for _, no := range pages {
		var b [page.Size]byte
		if err := s.read(ctx, no, TypeInodes, &b); err != nil {
			return nil, err
		}
		for i := range inoMax {
			acc, err := a.account(makeInode(no, i), &b, high)
			if err != nil {
				return nil, err
			}
			if acc == nil {
				continue
			}
			if accounts[acc.Owner] != nil {
				a.notef("owner %d has two inodes", acc.Owner)
			}
			accounts[acc.Owner] = acc
			if acc.Dropped {
				dropped++
			}
		}
	}
	if err := a.headerLists(&h, high, free, dropped); err != nil {
		return nil, err
	}
	for _, acc := range accounts {
		for e, m := range acc.Pages {
			if all[e].Owner == OwnerShared {
				if own[e]&m != 0 {
					a.notef("pages %#x of extent %d have two owners, one of them %d", own[e]&m, e, acc.Owner)
				}
				own[e] |= m
			}
		}
	}
	for i, x := range all {
		switch {
		case x.Owner == OwnerShared:
			if lost := x.Used &^ own[uint32(i)]; lost != 0 {
				a.notef("pages %#x of the shared extent at page %d are in use and nobody's", lost, x.First)
			}
		case x.Owner == 0 && x.Used != 0:
			a.notef("the free extent at page %d has pages in use", x.First)
		case x.Owner != 0 && (accounts[x.Owner] == nil || accounts[x.Owner].Pages[uint32(i)] != x.Used):
			a.notef("the extent at page %d belongs to %d, whose inode does not list it", x.First, x.Owner)
		}
	}
	return accounts, nil
}

// inodePages finds the inode pages of a shared extent, and accounts for them and for the map.
func (a *auditor) inodePages(x Extent, own Pages, pages []page.No) ([]page.No, error) {
	for m := x.Used; m != 0; m &= m - 1 {
		no := x.First + page.No(bits.TrailingZeros64(m))
		g, err := a.s.pool.Fetch(a.ctx, no, buffer.Scan)
		if err != nil {
			return pages, err
		}
		t := page.GetType(g.Bytes())
		g.Unlatch()
		switch t {
		case TypeInodes:
			pages = append(pages, no)
			own.Add(no)
		case TypeHeader, TypeMap:
			if no != 0 && no != mapPage(extentOf(no)) {
				a.notef("page %d has the type of the space's own", no)
			}
			own.Add(no)
		}
	}
	return pages, nil
}

// headerLists walks the lists that begin in the header.
func (a *auditor) headerLists(h *[page.Size]byte, high, free uint32, dropped int) error {
	n := uint32(0)
	err := a.list(freeList, binary.LittleEndian.Uint32(h[hdrFree:]), high, func(_ uint32, owner, used uint64) bool {
		n++
		return owner == 0 && used == 0
	})
	if err == nil && (n != free || n != binary.LittleEndian.Uint32(h[hdrFreeCount:])) {
		a.notef("%d extents are free, %d are on the list, the header says %d", free, n, binary.LittleEndian.Uint32(h[hdrFreeCount:]))
	}
	err = errors.Join(err, a.list("the list of shared extents", binary.LittleEndian.Uint32(h[hdrShared:]), high, func(_ uint32, owner, used uint64) bool {
		return owner == OwnerShared && used != allUsed
	}))
	k := 0
	for ino := Inode(binary.LittleEndian.Uint64(h[hdrDrop:])); ino != 0 && k <= dropped && err == nil; k++ {
		var b [page.Size]byte
		if err = a.s.read(a.ctx, ino.page(), TypeInodes, &b); err == nil {
			ino = Inode(binary.LittleEndian.Uint64(b[ino.off()+inoDrop:]))
		}
	}
	if err == nil && k != dropped {
		a.notef("%d owners are dropped, %d are on the list", dropped, k)
	}
	return err
}
