package space

import (
	"encoding/binary"
	"errors"

	"github.com/zoryadb/zorya/engine/mtr"
	"github.com/zoryadb/zorya/storage/page"
)

// Types of the engine's pages: the one register, so that no two packages choose the same.
const (
	TypeHeader        page.Type = 1 // space
	TypeMap           page.Type = 2
	TypeInodes        page.Type = 3
	TypeTree          page.Type = 4 // btree
	TypeOverflow      page.Type = 5 // overflow
	TypeOverflowIndex page.Type = 6
	// TypeFirstFree is the first that packages above may choose: undo and transaction pages.
	TypeFirstFree page.Type = 16
)

// Owners. A page's owner is its tree's id; ids below MinOwner are the engine's own.
const (
	OwnerShared uint64 = 1 // extents whose pages belong to many; pages of the space itself
	MinOwner    uint64 = 16
)

// ExtentPages is the number of pages in an extent, Slots the number of free numbers in the header.
const (
	ExtentPages = 64
	Slots       = 64

	regionExtents = 512 // extents in one map page
	regionPages   = regionExtents * ExtentPages
	fragments     = 12 // pages that a tree takes one by one
	allUsed       = ^uint64(0)
)

// Header page (page 0), offsets in the page.
const (
	hdrMagic     = page.HeaderSize + 0  // u64
	hdrVersion   = page.HeaderSize + 8  // u32
	hdrHighWater = page.HeaderSize + 16 // u64 extents ever taken
	hdrFree      = page.HeaderSize + 24 // u32 extent + 1: head of the list of free extents
	hdrShared    = page.HeaderSize + 28 // u32 extent + 1: head of the list of shared extents with room
	hdrInodes    = page.HeaderSize + 32 // u64 first inode page with room
	hdrDrop      = page.HeaderSize + 40 // u64 inode: head of the list of dropped owners
	hdrFreeCount = page.HeaderSize + 48 // u32 free extents
	hdrSlots     = 256                  // u64 each

	magic   = 0x6c6f566179726f5a // "ZoryaVol"
	version = 1
)

// Map page: a descriptor for each extent of its region.
const (
	descSize  = 24
	descOwner = 0  // u64; 0: free
	descUsed  = 8  // u64 bit i: page i of the extent is in use
	descPrev  = 16 // u32 extent + 1
	descNext  = 20 // u32
)

// Inode page.
const (
	inoNext  = page.HeaderSize + 0 // u64 next inode page with room
	inoCount = page.HeaderSize + 8 // u16 inodes in use
	inoFirst = 64
	inoSize  = 128
	inoMax   = (page.Size - inoFirst) / inoSize

	inoOwner   = 0   // u64; 0: free
	inoPartial = 8   // u32 extent + 1: head of the list of extents with room
	inoFull    = 12  // u32 head of the list of full extents
	inoExtents = 16  // u32
	inoFlags   = 20  // u32
	inoFrags   = 24  // fragments x u64 page numbers; 0: none
	inoDrop    = 120 // u64 next on the drop list

	flagDropped = 1
)

// Errors.
var (
	ErrNotFormatted = errors.New("volume is not formatted")
	ErrVersion      = errors.New("volume has a newer format than this program")
	ErrCorrupt      = errors.New("space map is damaged")
)

// Inode is the place of an owner's account of pages: page number << 8 | index.
type Inode uint64

func makeInode(no page.No, i int) Inode { return Inode(uint64(no)<<8 | uint64(i)) }
func (i Inode) page() page.No           { return page.No(i >> 8) }
func (i Inode) off() int                { return inoFirst + int(i&0xff)*inoSize }

// mapPage is the page that describes extent e.
func mapPage(e uint32) page.No {
	if e < regionExtents {
		return 1
	}
	return page.No(e/regionExtents) * regionPages
}

func descOff(e uint32) int { return page.HeaderSize + int(e%regionExtents)*descSize }

func extentOf(no page.No) uint32 { return uint32(no / ExtentPages) }
func firstOf(e uint32) page.No   { return page.No(e) * ExtentPages }

// cell is a place in a latched page where a structure lies.
type cell struct {
	p   *mtr.Page
	off int
}

func (c cell) u32(at int) uint32       { return binary.LittleEndian.Uint32(c.p.Bytes()[c.off+at:]) }
func (c cell) u64(at int) uint64       { return binary.LittleEndian.Uint64(c.p.Bytes()[c.off+at:]) }
func (c cell) setU32(at int, v uint32) { c.p.SetU32(c.off+at, v) }
func (c cell) setU64(at int, v uint64) { c.p.SetU64(c.off+at, v) }
