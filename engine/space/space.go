package space

import (
	"context"

	"github.com/zoryadb/zorya/engine/buffer"
	"github.com/zoryadb/zorya/engine/mtr"
	"github.com/zoryadb/zorya/storage/page"
)

// Space hands out the pages of one volume.
type Space struct{}

// Inode is the place of a tree's account of pages: what AllocPage and FreePage need to know of a tree.
type Inode uint64

// Format writes the header and the first map of an empty volume.
func Format(ctx context.Context, pool *buffer.Pool) error { panic("being built") }

// Open reads the header. ErrNotFormatted: page 0 is absent. ErrVersion: a newer format.
func Open(ctx context.Context, pool *buffer.Pool) (*Space, error) { panic("being built") }

func (s *Space) Pool() *buffer.Pool { panic("being built") }

// Slots are 64 numbers in the header, free for the engine: roots of the dictionary's trees, id reservations.
func (s *Space) Slot(ctx context.Context, i int) (uint64, error) { panic("being built") }

// SetSlot sets one in m. Page 0 is a space page in the latch order.
func (s *Space) SetSlot(m *mtr.MTR, i int, v uint64) error { panic("being built") }

// CreateInode begins the account of a new owner (a tree's id, >= MinOwner).
func (s *Space) CreateInode(m *mtr.MTR, owner uint64) (Inode, error) { panic("being built") }

// AllocPage hands out a page for ino's owner, near hint if that is one of its pages (0: anywhere). The caller
// then calls m.Init on it. It latches all it needs before it changes anything, so an error in an MTR without
// changes can be answered by Abandon.
func (s *Space) AllocPage(m *mtr.MTR, ino Inode, hint page.No) (page.No, error) { panic("being built") }

// FreePage takes a page back, with its FreeRange record.
func (s *Space) FreePage(m *mtr.MTR, ino Inode, no page.No) error { panic("being built") }

// Drop puts an owner's pages, all of them, on the list of what DropStep frees: O(1).
func (s *Space) Drop(m *mtr.MTR, ino Inode) error { panic("being built") }

// DropStep frees a bounded part of what was dropped in one MTR and reports whether there is more.
func (s *Space) DropStep(ctx context.Context) (more bool, err error) { panic("being built") }
