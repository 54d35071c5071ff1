package btree

import (
	"context"

	"github.com/zoryadb/zorya/engine/mtr"
	"github.com/zoryadb/zorya/engine/space"
)

// mergeFill bounds what a merged node may be filled to, so that the next inserts do not split it again.
const mergeFill = usable * 7 / 10

// merge joins the node at level on key's way with a neighbour under the same parent, then looks at the parent. It is
// house-keeping: on an error the tree stays as it is, valid, and the next delete tries again.
func (t *Tree) merge(ctx context.Context, key []byte, level int) {
	for ; ; level++ {
		m, err := mtr.Start(ctx, t.pool, structRecords, structBytes)
		if err != nil {
			return
		}
		again, err := t.mergeOnce(ctx, m, key, level)
		if err != nil {
			m.Abandon()
			return
		}
		m.Commit(nil) // of nothing, if nothing was to be done
		if !again {
			return
		}
	}
}

// mergeOnce does one merge in m and reports whether the parent is now underfull.
func (t *Tree) mergeOnce(ctx context.Context, m *mtr.MTR, key []byte, level int) (again bool, err error) {
	ino := space.Inode(t.inode.Load())
	if ino == 0 {
		if ino, err = t.Inode(ctx); err != nil {
			return false, err
		}
	}
	parent, err := t.parentX(m, key, level)
	if err != nil || parent == nil {
		return false, err
	}
	pn := node(parent.Bytes())
	if pn.count() == 1 {
		if parent.No() == t.root {
			return false, t.shrink(m, ino, parent)
		}
		return true, nil // no neighbour: one level up there may be one
	}
	at := pn.childFor(key)
	// Latch from left to right: the pair is (left, left+1), key's node on either side.
	for _, left := range [2]int{at - 1, at} {
		if left < 0 || left+1 >= pn.count() {
			continue
		}
		p, err := t.latchChild(m, pn, left)
		if err != nil {
			return false, err
		}
		q, err := t.latchChild(m, pn, left+1)
		if err != nil {
			return false, err
		}
		if sep := len(pn.key(left + 1)); node(p.Bytes()).live()+node(q.Bytes()).live()+sep > mergeFill {
			m.Unlatch(q)
			m.Unlatch(p)
			continue
		}
		if err := t.sp.FreePage(m, ino, q.No()); err != nil {
			return false, err
		}
		t.join(parent, left+1, p, q)
		return node(parent.Bytes()).live() < usable/4 || parent.No() == t.root && node(parent.Bytes()).count() == 1, nil
	}
	return false, nil
}

// join appends q's cells to p and takes q, at position at, out of the parent.
func (t *Tree) join(parent *mtr.Page, at int, p, q *mtr.Page) {
	s := scratches.Get().(*scratch)
	defer scratches.Put(s)
	pn, qn := node(parent.Bytes()), node(q.Bytes())
	total := 0
	for i := 0; i < qn.count(); i++ {
		total += t.joinedLen(pn, at, qn, i)
	}
	if total+2*qn.count() > node(p.Bytes()).gap() {
		s.compact(p)
	}
	n := node(p.Bytes())
	count, heap, garbage := n.count(), n.heap(), n.garbage()
	s.cell = s.cell[:0]
	slots := s.page[:2*qn.count()]
	off := heap - total
	for i := 0; i < qn.count(); i++ {
		slots[2*i], slots[2*i+1] = byte(off), byte(off>>8)
		was := len(s.cell)
		if i == 0 && qn.level() > 0 {
			_, v := qn.entry(0)
			s.cell = appendCell(s.cell, pn.key(at), v)
		} else {
			s.cell = append(s.cell, qn.cell(i)...)
		}
		off += len(s.cell) - was
	}
	p.Set(heap-total, s.cell)
	p.Set(offSlots+2*count, slots)
	setHeader(p, count+qn.count(), heap-total, garbage)
	p.SetHint(0)
	removeAt(parent, at)
}

// joinedLen is the size of q's i-th cell in p: the first of an inner node gets the parent's separator for key.
func (t *Tree) joinedLen(pn node, at int, qn node, i int) int {
	if i == 0 && qn.level() > 0 {
		return cellSize(len(pn.key(at)), childSize)
	}
	return qn.cellLen(i)
}

// shrink puts the only child of the root in the root's place.
func (t *Tree) shrink(m *mtr.MTR, ino space.Inode, root *mtr.Page) error {
	c, err := t.latchChild(m, node(root.Bytes()), 0)
	if err != nil {
		return err
	}
	if err := t.sp.FreePage(m, ino, c.No()); err != nil {
		return err
	}
	s := scratches.Get().(*scratch)
	defer scratches.Put(s)
	n := node(c.Bytes())
	root.Fill(offSlots, usable, 0)
	s.writeNode(root, n, 0, n.count(), nil)
	if n.count() == 0 { // an empty leaf: writeNode had nothing to say
		root.Set(offLevel, []byte{0})
	}
	t.height.Store(int32(n.level()))
	return nil
}
