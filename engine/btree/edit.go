package btree

import (
	"context"
	"fmt"

	"github.com/zoryadb/zorya/engine/mtr"
	"github.com/zoryadb/zorya/engine/space"
	"github.com/zoryadb/zorya/storage/page"
)

// Action is what an Edit's function wants done with the entry.
type Action uint8

// Actions.
const (
	Keep   Action = iota // nothing; other pages may have been changed
	Put                  // insert or replace
	Delete               // take out; nothing if it is not there
)

// EditFunc is called under the exclusive latch of the key's leaf, inside m. cur is the present value, valid until
// it returns. It may latch and change other pages through m (level 2 of the latch order: undo, transaction slot; then the
// space), at most EditRecords of them and EditBytes in all. val must not be part of a page. Once it has
// changed something it may not return an error.
type EditFunc func(m *mtr.MTR, cur []byte, exists bool) (a Action, val []byte, err error)

// What an EditFunc may add to its MTR.
const (
	EditRecords = 10 + space.Records
	EditBytes   = 48 << 10
)

// editBytes covers the leaf's own record too: at worst a compaction and an entry, or an image.
const editBytes = EditBytes + page.Size + 2<<10

// Edit makes room for key and a value of at most reserve bytes, calls fn once with the leaf latched, and does
// what it says in the same MTR: one record for the leaf beside what fn logged for its pages. An error of fn is
// returned as it is, and nothing is changed. inOrder (may be nil) is Commit's. It returns the MTR's last LSN, 0
// if nothing was changed. The caller holds no latch.
func (t *Tree) Edit(ctx context.Context, key []byte, reserve int, fn EditFunc, inOrder func(page.LSN)) (page.LSN, error) {
	return t.edit(ctx, key, reserve, fn, nil, inOrder)
}

// Also is a second entry that an Edit changes too, if it is there and in the same leaf: one record tells both changes. Fn
// may only Keep, or Put a value as long as the present one; it is called after Edit's own function, under the same rules.
type Also struct {
	Key  []byte
	Fn   EditFunc
	Done bool // set: the entry was in the leaf
}

// EditBoth is Edit, and does also on the way if it costs no page more.
func (t *Tree) EditBoth(ctx context.Context, key []byte, reserve int, fn EditFunc, also *Also) (page.LSN, error) {
	also.Done = false
	return t.edit(ctx, key, reserve, fn, also, nil)
}

func (t *Tree) edit(ctx context.Context, key []byte, reserve int, fn EditFunc, also *Also, inOrder func(page.LSN)) (page.LSN, error) {
	if len(key) > MaxKey || len(key)+reserve > MaxEntry {
		return 0, fmt.Errorf("tree %d: key of %d bytes, value of %d: %w", t.id, len(key), reserve, ErrTooBig)
	}
	for {
		m, err := mtr.Start(ctx, t.pool, EditRecords+1, editBytes)
		if err != nil {
			return 0, fmt.Errorf("tree %d: %w", t.id, err)
		}
		p, err := t.leafX(m, key, nil)
		if err != nil {
			m.Abandon()
			return 0, err
		}
		n := node(p.Bytes())
		i, found := n.search(key)
		if !hasRoom(n, i, found, len(key), reserve) {
			m.Abandon()
			if err := t.split(ctx, key, 0, cellSize(len(key), reserve)+2); err != nil {
				return 0, err
			}
			continue
		}
		return t.editLeaf(ctx, m, p, i, found, key, reserve, fn, also, inOrder)
	}
}

// hasRoom reports whether the entry at i can take a value of that size, an existing one in place of the old.
func hasRoom(n node, i int, found bool, klen, vlen int) bool {
	need := cellSize(klen, vlen) + 2
	free := n.free()
	if found {
		free += n.cellLen(i) + 2
	}
	return need <= free
}

func (t *Tree) editLeaf(ctx context.Context, m *mtr.MTR, p *mtr.Page, i int, found bool, key []byte, reserve int, fn EditFunc, also *Also, inOrder func(page.LSN)) (page.LSN, error) {
	var cur []byte
	if found {
		_, cur = node(p.Bytes()).entry(i)
	}
	action, val, err := fn(m, cur, found)
	if err != nil {
		m.Abandon()
		return 0, err
	}
	if action == Put && len(val) > reserve {
		panic(fmt.Sprintf("btree: edit puts %d bytes where %d were reserved", len(val), reserve))
	}
	if also != nil {
		if err := also.edit(m, p); err != nil {
			m.Abandon()
			return 0, err
		}
		i, found = node(p.Bytes()).search(key)
	}
	underfull := false
	switch {
	case action == Put:
		s := scratches.Get().(*scratch)
		if found {
			s.setValue(p, i, val)
		} else {
			s.insertAt(p, i, key, val)
			countRun(p, i)
		}
		scratches.Put(s)
	case action == Delete && found:
		removeAt(p, i)
		underfull = isUnderfull(node(p.Bytes())) && p.No() != t.root
	}
	lsn := m.Commit(inOrder)
	if underfull {
		t.merge(ctx, key, 0)
	}
	return lsn, nil
}

// edit changes the second entry if it is in leaf p. Its value keeps its place, so that other entries' values stay where they are.
func (a *Also) edit(m *mtr.MTR, p *mtr.Page) error {
	n := node(p.Bytes())
	i, found := n.search(a.Key)
	if !found {
		return nil
	}
	_, cur := n.entry(i)
	action, val, err := a.Fn(m, cur, true)
	if err != nil {
		return err
	}
	if action == Delete || action == Put && len(val) != len(cur) {
		panic("btree: the second entry of an edit changes its length")
	}
	if action == Put {
		s := scratches.Get().(*scratch)
		s.setValue(p, i, val)
		scratches.Put(s)
	}
	a.Done = true
	return nil
}

// isUnderfull reports whether a node should look for a neighbour to merge with. Not at every delete: a
// node whose neighbours are full would try in vain each time.
func isUnderfull(n node) bool {
	return n.live() < usable/4 && (n.count()%8 == 0 || n.count() < 2)
}
