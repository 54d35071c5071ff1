package btree

import (
	"context"
	"fmt"

	"github.com/zoryadb/zorya/engine/mtr"
	"github.com/zoryadb/zorya/engine/space"
	"github.com/zoryadb/zorya/storage/page"
)

// A structure change touches a parent, up to three nodes, and the space.
const (
	structRecords = 4 + space.Records
	structBytes   = 3*page.Size + space.Bytes
)

// split divides the node at level on key's way, unless it has need bytes free by now. The parent must have room for one more
// separator; if not, it is divided first. Each division is an MTR of its own, and leaves a valid tree.
func (t *Tree) split(ctx context.Context, key []byte, level, need int) error {
	for {
		done, parentNeeds, err := t.splitOnce(ctx, key, level, need)
		if err != nil {
			return fmt.Errorf("tree %d: split: %w", t.id, err)
		}
		if done {
			return nil
		}
		if parentNeeds > 0 {
			if err := t.split(ctx, key, level+1, parentNeeds); err != nil {
				return err
			}
		}
	}
}

// splitOnce tries one division. parentNeeds > 0: the parent must have that much room first. Neither
// done nor parentNeeds: the tree has grown by a level, try again.
func (t *Tree) splitOnce(ctx context.Context, key []byte, level, need int) (done bool, parentNeeds int, err error) {
	ino, err := t.Inode(ctx)
	if err != nil {
		return false, 0, err
	}
	m, err := mtr.Start(ctx, t.pool, structRecords, structBytes)
	if err != nil {
		return false, 0, err
	}
	parent, err := t.parentX(m, key, level)
	if err != nil {
		m.Abandon()
		return false, 0, err
	}
	if parent == nil {
		return t.grow(m, ino, level, need)
	}
	pn := node(parent.Bytes())
	at := pn.childFor(key)
	p, err := t.latchChild(m, pn, at)
	if err != nil {
		m.Abandon()
		return false, 0, err
	}
	n := node(p.Bytes())
	if n.free() >= need || n.count() < 2 {
		m.Abandon()
		return true, 0, nil
	}
	i := t.splitPoint(p, key, at == pn.count()-1)
	sep := separatorAt(n, i, key)
	if size := cellSize(len(sep), childSize) + 2; size > pn.free() {
		m.Abandon()
		return false, size, nil
	}
	no, err := t.sp.AllocPage(m, ino, p.No())
	if err != nil {
		m.Abandon()
		return false, 0, err
	}
	t.divide(m, parent, at+1, p, m.Init(no, space.TypeTree, t.id), i, sep)
	m.Commit(nil)
	return true, 0, nil
}

// splitPoint chooses the first position that goes to the right. Ascending inserts leave full nodes behind.
func (t *Tree) splitPoint(p *mtr.Page, key []byte, last bool) int {
	n := node(p.Bytes())
	if n.level() > 0 {
		if last && n.childFor(key) == n.count()-1 {
			return n.count() - 1
		}
		return middle(n)
	}
	i, found := n.search(key)
	if !found && i > 0 && (inRun(p, i) || last && i == n.count()) {
		return i
	}
	return middle(n)
}

// middle divides a node of two cells or more by bytes.
func middle(n node) int {
	half, sum := (n.live()+1)/2, 0
	for i := 0; i < n.count()-1; i++ {
		if sum += n.cellLen(i) + 2; sum >= half {
			return i + 1
		}
	}
	return n.count() - 1
}

// separatorAt is the key under which the parent will know what goes right. i is the count only when key, which is
// above all there, is to be the first on the right.
func separatorAt(n node, i int, key []byte) []byte {
	switch {
	case n.level() > 0:
		return n.key(i)
	case i == n.count():
		return separator(n.key(i-1), key)
	}
	return separator(n.key(i-1), n.key(i))
}

// divide moves the cells from position i of p to the new page q and enters it in the parent at position at.
func (t *Tree) divide(m *mtr.MTR, parent *mtr.Page, at int, p, q *mtr.Page, i int, sep []byte) {
	s := scratches.Get().(*scratch)
	defer scratches.Put(s)
	n := node(p.Bytes())
	s.key = append(s.key[:0], sep...) // sep may lie in p
	var no [childSize]byte
	s.insertAt(parent, at, s.key, putChild(&no, q.No()))

	initNode(q, n.level(), 0)
	var first []byte
	if n.level() > 0 {
		first = []byte{}
	}
	if i < n.count() {
		s.writeNode(q, n, i, n.count(), first)
	}
	h := p.Hint()
	if h&0xffff > uint32(i) { // the run goes on in q
		q.SetHint(h - uint32(i))
		p.SetHint(0)
	}
	moved := 0
	for k := i; k < n.count(); k++ {
		moved += n.cellLen(k)
	}
	setHeader(p, i, n.heap(), n.garbage()+moved)
}

// grow puts a level between the root and what it holds, if the root is at level and has not need bytes free.
func (t *Tree) grow(m *mtr.MTR, ino space.Inode, level, need int) (done bool, parentNeeds int, err error) {
	root, err := m.Latch(t.root)
	if err != nil {
		m.Abandon()
		return false, 0, err
	}
	n := node(root.Bytes())
	if n.level() != level || n.free() >= need || n.count() < 2 {
		done = n.level() == level || n.level() < level
		m.Abandon()
		return done, 0, nil
	}
	no, err := t.sp.AllocPage(m, ino, t.root)
	if err != nil {
		m.Abandon()
		return false, 0, err
	}
	s := scratches.Get().(*scratch)
	defer scratches.Put(s)
	q := m.Init(no, space.TypeTree, t.id)
	initNode(q, level, 0)
	s.writeNode(q, n, 0, n.count(), nil)
	q.SetHint(root.Hint())
	root.SetHint(0)

	root.Fill(offSlots, usable, 0) // what lies there is of no use, and zeros cost storage nothing
	root.Set(offLevel, []byte{byte(level + 1)})
	setHeader(root, 0, page.Size, 0)
	var child [childSize]byte
	s.insertAt(root, 0, nil, putChild(&child, no))
	m.Commit(nil)
	t.height.Store(int32(level + 1))
	return false, 0, nil
}
