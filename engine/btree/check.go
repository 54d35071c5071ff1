package btree

import (
	"bytes"
	"context"
	"fmt"

	"github.com/zoryadb/zorya/engine/buffer"
	"github.com/zoryadb/zorya/storage/page"
)

// checker walks a tree in key order.
type checker struct {
	t     *Tree
	ctx   context.Context
	each  func(key, val []byte) error
	reach func(no page.No) bool
	pages int
}

// Check verifies the whole structure: every page is reached once and belongs to the tree, levels fall by one, keys
// ascend and lie within the parent's bounds, cells do not overlap and add up to what the header says. each (may
// be nil) sees every entry in key order, valid until it returns. It returns the number of pages. Nobody may change the tree meanwhile.
func (t *Tree) Check(ctx context.Context, each func(key, val []byte) error) (pages int, err error) {
	seen := map[page.No]bool{}
	return t.CheckPages(ctx, func(no page.No) bool {
		again := seen[no]
		seen[no] = true
		return !again
	}, each)
}

// CheckPages is Check for a caller who keeps account of pages: reach notes that a page was reached and reports whether it was for the first time.
func (t *Tree) CheckPages(ctx context.Context, reach func(no page.No) bool, each func(key, val []byte) error) (pages int, err error) {
	c := &checker{t: t, ctx: ctx, each: each, reach: reach}
	err = c.visit(t.root, -1, nil, nil)
	return c.pages, err
}

func (c *checker) visit(no page.No, level int, low, high []byte) error {
	if !c.reach(no) {
		return fmt.Errorf("tree %d: page %d is reached twice: %w", c.t.id, no, ErrCorrupt)
	}
	c.pages++
	g, n, err := c.t.fetch(c.ctx, no, level, buffer.Scan)
	if err != nil {
		return err
	}
	n = bytes.Clone(n)
	g.Unlatch()
	if err := checkNode(n, low, high); err != nil {
		return fmt.Errorf("tree %d: page %d: %w: %w", c.t.id, no, err, ErrCorrupt)
	}
	if n.level() == 1 {
		c.t.prefetchChildren(n)
	}
	for i := 0; i < n.count(); i++ {
		k, v := n.entry(i)
		if n.level() == 0 {
			if c.each != nil {
				if err := c.each(k, v); err != nil {
					return err
				}
			}
			continue
		}
		lo, hi := k, high
		if i == 0 {
			lo = low
		}
		if i+1 < n.count() {
			hi = n.key(i + 1)
		}
		if err := c.visit(getChild(v), n.level()-1, lo, hi); err != nil {
			return err
		}
	}
	return nil
}

// checkNode verifies one node against the bounds its parent gives it.
func checkNode(n node, low, high []byte) error {
	if n.count() > usable/(minCell+2) {
		return fmt.Errorf("%d cells", n.count())
	}
	var used [page.Size]bool
	live := 0
	for i := 0; i < n.count(); i++ {
		off := n.slot(i)
		if off < n.heap() || off+2 > page.Size {
			return fmt.Errorf("slot %d points to %d", i, off)
		}
		if off+4 > page.Size && (n[off]|n[off+1])&0x80 != 0 {
			return fmt.Errorf("cell %d at %d is cut short", i, off)
		}
		size := n.cellLen(i)
		if off+size > page.Size {
			return fmt.Errorf("cell %d at %d has %d bytes", i, off, size)
		}
		for b := off; b < off+size; b++ {
			if used[b] {
				return fmt.Errorf("cell %d at %d overlaps another", i, off)
			}
			used[b] = true
		}
		live += size
		if err := checkKey(n, i, low, high); err != nil {
			return err
		}
	}
	if want := page.Size - n.heap() - live; want != n.garbage() {
		return fmt.Errorf("garbage is %d, header says %d", want, n.garbage())
	}
	return nil
}

func checkKey(n node, i int, low, high []byte) error {
	k, v := n.entry(i)
	if n.level() > 0 {
		if len(v) != childSize {
			return fmt.Errorf("child %d has %d bytes", i, len(v))
		}
		if i == 0 {
			if len(k) != 0 {
				return fmt.Errorf("first key is not empty")
			}
			return nil
		}
	}
	if !within(k, low, high) {
		return fmt.Errorf("key %d, %x, is outside [%x, %x)", i, k, low, high)
	}
	if i > 0 && bytes.Compare(n.key(i-1), k) >= 0 {
		return fmt.Errorf("key %d, %x, is not above the one before", i, k)
	}
	return nil
}
