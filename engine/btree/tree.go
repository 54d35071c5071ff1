package btree

import (
	"context"

	"github.com/zoryadb/zorya/engine/mtr"
	"github.com/zoryadb/zorya/engine/space"
	"github.com/zoryadb/zorya/storage/page"
)

// Bounds.
const (
	MaxKey   = 3500 // bytes of a key
	MaxEntry = 8000 // bytes of a key and its value together
)

// Tree is an open tree. It holds no page and costs little; any number of goroutines may use it.
type Tree struct{}

// Create makes an empty tree in m. Its id (>= space.MinOwner) becomes the owner of its pages.
func Create(m *mtr.MTR, sp *space.Space, id uint64) (root page.No, err error) { panic("being built") }

// Open binds a tree; it reads nothing.
func Open(sp *space.Space, id uint64, root page.No) *Tree { panic("being built") }

func (t *Tree) ID() uint64    { panic("being built") }
func (t *Tree) Root() page.No { panic("being built") }

// Drop puts all of the tree's pages on the space's drop list in m: O(1). The tree may not be used afterwards.
func (t *Tree) Drop(m *mtr.MTR) error { panic("being built") }

// Get looks key up and, if it is there, calls fn with its value under the leaf's shared latch:
// fn must copy what it keeps, and must not block or use the tree.
func (t *Tree) Get(ctx context.Context, key []byte, fn func(val []byte)) (bool, error) {
	panic("being built")
}

// Action is what an Edit's function wants done with the entry.
type Action uint8

const (
	Keep Action = iota // nothing; other pages may have been changed
	Put                // insert or replace
	Delete
)

// EditFunc is called under the exclusive latch of the key's leaf, inside m. cur is the present value (valid until it
// returns). It may latch and change other pages through m (transaction slot, undo: level 2 of the latch
// order), at most EditRecords-1 of them and EditBytes in all; once it has changed something it may not return an error.
type EditFunc func(m *mtr.MTR, cur []byte, exists bool) (a Action, val []byte, err error)

const (
	EditRecords = 12
	EditBytes   = 96 << 10
)

// Edit makes room for key and a value of at most reserve bytes, calls fn once with the leaf latched, and does what
// it says in the same MTR: one record for the leaf, whatever fn logged for its pages. An error of fn is returned as it is and
// nothing is changed. inOrder (may be nil) is Commit's. It returns the MTR's last LSN, 0 if nothing changed.
func (t *Tree) Edit(ctx context.Context, key []byte, reserve int, fn EditFunc, inOrder func(page.LSN)) (page.LSN, error) {
	panic("being built")
}

// ScanOptions describe a scan over [Low, High) (nil: open).
type ScanOptions struct {
	Low, High []byte
	LowOpen   bool // exclude Low itself
	HighIncl  bool // include High itself
	Reverse   bool
	// Batch bounds the bytes copied out under one latch (0: 32 KiB). A small first batch suits short ranges.
	Batch int
	// ReadAhead lets the scan prefetch leaves.
	ReadAhead bool
}

// Cursor walks entries in key order. Key and Value are valid until the next Next.
//
//	for c.Next(ctx) { c.Key(); c.Value() }
//	err := c.Err()
//
// Each batch is one leaf's (part of the) entries as they are at one moment; between batches no latch is held.
type Cursor struct{}

// Scan returns a cursor before the first entry. The bounds are copied.
func (t *Tree) Scan(o ScanOptions) *Cursor      { panic("being built") }
func (c *Cursor) Next(ctx context.Context) bool { panic("being built") }
func (c *Cursor) Key() []byte                   { panic("being built") }
func (c *Cursor) Value() []byte                 { panic("being built") }
func (c *Cursor) Err() error                    { panic("being built") }

// Reset makes the cursor a scan of t with o, keeping its buffers.
func (c *Cursor) Reset(t *Tree, o ScanOptions) { panic("being built") }
func (c *Cursor) Close()                       {}

// Bulk fills an empty tree from entries in ascending key order, leaves fill percent full (0: 100), a bounded number of pages in each MTR.
func (t *Tree) Bulk(ctx context.Context, fill int, next func() (key, val []byte, ok bool, err error)) (n uint64, err error) {
	panic("being built")
}

// EstimateRange guesses the number of entries in [lo, hi) (nil: open) from two descents.
func (t *Tree) EstimateRange(ctx context.Context, lo, hi []byte) (uint64, error) {
	panic("being built")
}

// Stats are approximate.
type Stats struct {
	Height  int
	Pages   uint64 // leaves, inner and overflow pages
	Entries uint64
}

func (t *Tree) Stats(ctx context.Context) (Stats, error) { panic("being built") }

// Check verifies the whole structure; each (may be nil) sees every entry in key order. Concurrent changes are allowed only if
// they keep to leaves.
func (t *Tree) Check(ctx context.Context, each func(key, val []byte) error) error {
	panic("being built")
}
