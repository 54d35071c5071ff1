package btree

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/zoryadb/zorya/engine/buffer"
	"github.com/zoryadb/zorya/engine/mtr"
	"github.com/zoryadb/zorya/engine/space"
	"github.com/zoryadb/zorya/storage/page"
)

// Bounds. Two entries of the greatest size fit a leaf, four keys an inner page.
const (
	MaxKey   = 3500 // bytes of a key
	MaxEntry = 8000 // bytes of a key and its value together
)

// ErrTooBig means that a key or an entry is above its bound.
var ErrTooBig = errors.New("key or entry is too long for a B+tree page")

// Tree is an open tree. It holds no page and costs little; any number of goroutines may use it.
type Tree struct {
	sp     *space.Space
	pool   *buffer.Pool
	id     uint64
	root   page.No
	inode  atomic.Uint64 // 0: not read yet
	height atomic.Int32  // level of the root as last seen: a guess
}

// Create makes an empty tree in m. Its id (>= space.MinOwner) becomes the owner of its pages.
func Create(m *mtr.MTR, sp *space.Space, id uint64) (root page.No, err error) {
	ino, err := sp.CreateInode(m, id)
	if err == nil {
		root, err = sp.AllocPage(m, ino, 0)
	}
	if err != nil {
		return 0, fmt.Errorf("create tree %d: %w", id, err)
	}
	initNode(m.Init(root, space.TypeTree, id), 0, uint64(ino))
	return root, nil
}

// CreateRecords and CreateBytes bound what Create adds to an MTR.
const (
	CreateRecords = 2*space.Records + 1
	CreateBytes   = 2*space.Bytes + 256
)

// Open binds a tree; it reads nothing.
func Open(sp *space.Space, id uint64, root page.No) *Tree {
	return &Tree{sp: sp, pool: sp.Pool(), id: id, root: root}
}

// ID is the tree's id, and the owner of its pages.
func (t *Tree) ID() uint64 { return t.id }

// Root is the tree's root page, which never moves.
func (t *Tree) Root() page.No { return t.root }

// Inode is the tree's account of pages, for what else shall live and die with it (overflow pages).
func (t *Tree) Inode(ctx context.Context) (space.Inode, error) {
	if i := t.inode.Load(); i != 0 {
		return space.Inode(i), nil
	}
	g, n, err := t.fetch(ctx, t.root, -1, buffer.Shared)
	if err != nil {
		return 0, err
	}
	i := binary.LittleEndian.Uint64(n[offInode:])
	g.Unlatch()
	t.inode.Store(i)
	return space.Inode(i), nil
}

// Drop puts all of the tree's pages on the space's drop list in m: O(1). The tree may not be used from
// m's commit on. ino is from Inode, which is not to be called under a latch.
func (t *Tree) Drop(m *mtr.MTR, ino space.Inode) error { return t.sp.Drop(m, ino) }

// fetch latches a page of the tree and checks it.
func (t *Tree) fetch(ctx context.Context, no page.No, level int, mode buffer.Mode) (buffer.Page, node, error) {
	g, err := t.pool.Fetch(ctx, no, mode)
	if err != nil {
		return g, nil, fmt.Errorf("tree %d: %w", t.id, err)
	}
	n, err := asNode(g.Bytes(), t.id, no, level)
	if err != nil {
		g.Unlatch()
		return buffer.Page{}, nil, err
	}
	return g, n, nil
}

// patience is how often a descent starts again because its next page is not in the pool. It reads that page without
// holding a latch; when the pool is so small that pages leave before they are used, it ends by reading under its parent's.
const patience = 3

// Get looks key up and, if it is there, calls fn with its value under the leaf's shared latch:
// fn must copy what it keeps, and must not block or use a tree.
func (t *Tree) Get(ctx context.Context, key []byte, fn func(val []byte)) (bool, error) {
	g, n, err := t.leaf(ctx, key)
	if err != nil {
		return false, err
	}
	i, found := n.search(key)
	if found {
		_, v := n.entry(i)
		fn(v)
	}
	g.Unlatch()
	return found, nil
}

// leaf returns key's leaf with a shared latch.
func (t *Tree) leaf(ctx context.Context, key []byte) (buffer.Page, node, error) {
	for try := 0; ; try++ {
		g, n, err := t.fetch(ctx, t.root, -1, buffer.Shared)
		if err != nil {
			return g, nil, err
		}
		miss := page.No(0)
		for n.level() > 0 {
			no, level := n.child(n.childFor(key)), n.level()-1
			c, ok := t.pool.FetchCached(no, buffer.Shared)
			if !ok {
				if try < patience {
					miss = no
					break
				}
				if c, err = t.pool.Fetch(ctx, no, buffer.Shared); err != nil {
					g.Unlatch()
					return g, nil, fmt.Errorf("tree %d: %w", t.id, err)
				}
			}
			g.Unlatch()
			g = c
			if n, err = asNode(g.Bytes(), t.id, no, level); err != nil {
				g.Unlatch()
				return g, nil, err
			}
		}
		if miss == 0 {
			return g, n, nil
		}
		g.Unlatch()
		if err := t.pool.Load(ctx, miss); err != nil {
			return g, nil, fmt.Errorf("tree %d: %w", t.id, err)
		}
	}
}

// leafX latches key's leaf exclusively in m, which holds nothing yet; inner pages are shared and given back. Into b, if it is
// not nil, goes where the leaf's range ends.
func (t *Tree) leafX(m *mtr.MTR, key []byte, b *bound) (*mtr.Page, error) {
	for try := 0; ; try++ {
		if b != nil {
			b.set = false
		}
		if t.height.Load() == 0 { // the root may be the leaf
			p, err := m.Latch(t.root)
			if err != nil {
				return nil, fmt.Errorf("tree %d: %w", t.id, err)
			}
			n, err := asNode(p.Bytes(), t.id, t.root, -1)
			if err != nil {
				return nil, err
			}
			if n.level() == 0 {
				return p, nil
			}
			t.height.Store(int32(n.level()))
			m.Unlatch(p)
		}
		g, n, err := t.fetch(m.Context(), t.root, -1, buffer.Shared)
		if err != nil {
			return nil, err
		}
		if n.level() == 0 {
			g.Unlatch()
			t.height.Store(0)
			continue
		}
		p, miss, err := t.crabX(m, g, n, key, b, try < patience)
		if err != nil || miss == 0 {
			return p, err
		}
		if err := t.pool.Load(m.Context(), miss); err != nil {
			return nil, fmt.Errorf("tree %d: %w", t.id, err)
		}
	}
}

// bound is the key from which on entries lie in later leaves; not set: there are none.
type bound struct {
	key []byte
	set bool
}

func (b *bound) holds(key []byte) bool { return !b.set || bytes.Compare(key, b.key) < 0 }

// crabX goes from the latched inner page g down to the X-latched leaf. If a page is not in the pool and
// restart is set, it gives everything back and returns the page's number.
func (t *Tree) crabX(m *mtr.MTR, g buffer.Page, n node, key []byte, b *bound, restart bool) (p *mtr.Page, miss page.No, err error) {
	for {
		at, level := n.childFor(key), n.level()-1
		no := n.child(at)
		if b != nil && at+1 < n.count() {
			b.key, b.set = append(b.key[:0], n.key(at+1)...), true // below what an upper level says
		}
		if level == 0 {
			p, ok := m.LatchCached(no)
			if !ok && restart {
				g.Unlatch()
				return nil, no, nil
			}
			if !ok {
				p, err = m.Latch(no)
			}
			g.Unlatch()
			if err == nil {
				_, err = asNode(p.Bytes(), t.id, no, 0)
			}
			return p, 0, err
		}
		c, ok := t.pool.FetchCached(no, buffer.Shared)
		if !ok && restart {
			g.Unlatch()
			return nil, no, nil
		}
		if !ok {
			c, err = t.pool.Fetch(m.Context(), no, buffer.Shared)
		}
		g.Unlatch()
		if err != nil {
			return nil, 0, fmt.Errorf("tree %d: %w", t.id, err)
		}
		g = c
		if n, err = asNode(g.Bytes(), t.id, no, level); err != nil {
			g.Unlatch()
			return nil, 0, err
		}
	}
}

// parentX latches in m, exclusively, the inner page above level on the way to key. nil: the root is at that level or below.
func (t *Tree) parentX(m *mtr.MTR, key []byte, level int) (*mtr.Page, error) {
	for {
		g, n, err := t.fetch(m.Context(), t.root, -1, buffer.Shared)
		if err != nil {
			return nil, err
		}
		if n.level() <= level+1 {
			at := n.level()
			g.Unlatch()
			if at <= level {
				return nil, nil
			}
			p, err := m.Latch(t.root)
			if err != nil {
				return nil, fmt.Errorf("tree %d: %w", t.id, err)
			}
			if n := node(p.Bytes()); n.level() == level+1 {
				return p, nil
			}
			m.Unlatch(p) // it has grown, or shrunk, meanwhile
			continue
		}
		for n.level() > level+2 {
			c, cn, err := t.fetch(m.Context(), n.child(n.childFor(key)), n.level()-1, buffer.Shared)
			g.Unlatch()
			if err != nil {
				return nil, err
			}
			g, n = c, cn
		}
		p, err := t.latchChild(m, n, n.childFor(key))
		g.Unlatch()
		return p, err
	}
}

// latchChild latches a child of n in m and checks it.
func (t *Tree) latchChild(m *mtr.MTR, n node, i int) (*mtr.Page, error) {
	no := n.child(i)
	p, err := m.Latch(no)
	if err == nil {
		_, err = asNode(p.Bytes(), t.id, no, n.level()-1)
	}
	if err != nil {
		return nil, fmt.Errorf("tree %d: %w", t.id, err)
	}
	return p, nil
}
