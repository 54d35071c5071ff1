package btree

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/zoryadb/zorya/base/wait"
	"github.com/zoryadb/zorya/engine/mtr"
	"github.com/zoryadb/zorya/engine/space"
	"github.com/zoryadb/zorya/storage/page"
)

// Errors of Bulk.
var (
	ErrNotEmpty = errors.New("tree is not empty")
	ErrUnsorted = errors.New("keys are not in ascending order")
)

const (
	// bulkPages bounds the pages of one MTR of a bulk build, and bulkCrowded while others are at work, whose commits go behind it: six nodes check and write each page.
	bulkPages, bulkCrowded = 16, 2
	// bulkAhead is how many such MTRs may be on their way to storage at once. Commits become durable in the order of the log, so everything that a build has put
	// there goes before others' commits: without a bound that is what the log's ring holds, tens of megabytes. Two keep the links busy.
	bulkAhead = 2
)

// bulk builds a tree from below. Each level has one node in the making; a full one goes to disk, and
// its first key up. Leaves wait for an MTR that writes many.
type bulk struct {
	t      *Tree
	ino    space.Inode
	spare  int // bytes of a node to leave free
	levels []*bulkLevel
	ready  []*bulkNode // full leaves, not yet written
	idle   []*bulkNode
	hint   page.No
	last   []byte // last key
	n      uint64
	sent   [bulkAhead]page.LSN // ends of the last MTRs, the oldest at writes%bulkAhead
	writes int
}

type bulkNode struct {
	sep []byte // separates it from its left neighbour
	b   builder
	buf [page.Size]byte
}

type bulkLevel struct{ cur *bulkNode }

// Bulk fills an empty tree from entries in ascending key order (strictly: ErrUnsorted), nodes fill percent full (0: 100), with a
// bounded number of pages in each MTR. The tree is empty for everybody until the last MTR puts all in place;
// after an error or a crash the pages written so far are the tree's until it is dropped. next's slices
// are used until its next call. Nobody else may change the tree meanwhile.
func (t *Tree) Bulk(ctx context.Context, fill int, next func() (key, val []byte, ok bool, err error)) (n uint64, err error) {
	if fill <= 0 || fill > 100 {
		fill = 100
	}
	ino, err := t.Inode(ctx)
	if err != nil {
		return 0, err
	}
	b := &bulk{t: t, ino: ino, spare: usable * (100 - fill) / 100}
	b.levels = []*bulkLevel{{b.node(0, nil)}}
	for {
		key, val, ok, err := next()
		if err != nil {
			return b.n, err
		}
		if !ok {
			break
		}
		if err := b.add(ctx, key, val); err != nil {
			return b.n, fmt.Errorf("tree %d: bulk build: %w", t.id, err)
		}
	}
	if err := b.finish(ctx); err != nil {
		return b.n, fmt.Errorf("tree %d: bulk build: %w", t.id, err)
	}
	return b.n, nil
}

func (b *bulk) node(level int, sep []byte) *bulkNode {
	x := new(bulkNode)
	if n := len(b.idle); n > 0 {
		x, b.idle = b.idle[n-1], b.idle[:n-1]
	}
	x.sep = append(x.sep[:0], sep...)
	x.b = newBuilder(x.buf[:], level)
	return x
}

func (b *bulk) add(ctx context.Context, key, val []byte) error {
	if len(key) > MaxKey || len(key)+len(val) > MaxEntry {
		return fmt.Errorf("key of %d bytes, value of %d: %w", len(key), len(val), ErrTooBig)
	}
	if b.n > 0 && bytes.Compare(b.last, key) >= 0 {
		return ErrUnsorted
	}
	leaf := b.levels[0].cur
	size := cellSize(len(key), len(val)) + 2
	if leaf.b.count > 0 && leaf.b.room()-size < b.spare {
		b.ready = append(b.ready, leaf)
		b.levels[0].cur = b.node(0, separator(b.last, key))
		if len(b.ready) == bulkPages || len(b.ready) >= bulkCrowded && wait.Crowded(ctx) {
			if err := b.flush(ctx); err != nil {
				return err
			}
		}
		leaf = b.levels[0].cur
	}
	leaf.b.add(key, val)
	b.last = append(b.last[:0], key...)
	b.n++
	return nil
}

// flush writes the leaves that are ready and enters them in the level above.
func (b *bulk) flush(ctx context.Context) error {
	nos, err := b.write(ctx, b.ready)
	if err != nil {
		return err
	}
	for i, x := range b.ready {
		if err := b.enter(ctx, 1, x.sep, nos[i]); err != nil {
			return err
		}
		b.idle = append(b.idle, x)
	}
	b.ready = b.ready[:0]
	return nil
}

// enter adds a child to the node in the making at level, starting a new one when it is full.
func (b *bulk) enter(ctx context.Context, level int, sep []byte, no page.No) error {
	if level == len(b.levels) {
		b.levels = append(b.levels, &bulkLevel{b.node(level, nil)})
	}
	l := b.levels[level]
	if l.cur.b.count > 0 && l.cur.b.room()-cellSize(len(sep), childSize)-2 < b.spare {
		full := l.cur
		l.cur = b.node(level, sep)
		nos, err := b.write(ctx, []*bulkNode{full})
		if err != nil {
			return err
		}
		if err := b.enter(ctx, level+1, full.sep, nos[0]); err != nil {
			return err
		}
		b.idle = append(b.idle, full)
	}
	if l.cur.b.count == 0 {
		sep = nil // the first key of an inner node is empty
	}
	var v [childSize]byte
	l.cur.b.add(sep, putChild(&v, no))
	return nil
}

// write writes nodes to new pages in one MTR.
func (b *bulk) write(ctx context.Context, nodes []*bulkNode) ([]page.No, error) {
	oldest := &b.sent[b.writes%bulkAhead]
	until := *oldest
	if wait.Crowded(ctx) {
		until = slices.Max(b.sent[:])
	}
	if err := b.t.pool.Volume().WaitDurable(ctx, until); err != nil {
		return nil, fmt.Errorf("wait for pages to be durable: %w", err)
	}
	if err := wait.Rest(ctx); err != nil {
		return nil, err
	}
	m, err := mtr.Start(ctx, b.t.pool, len(nodes)+space.Records, len(nodes)*page.Size+space.Bytes)
	if err != nil {
		return nil, err
	}
	nos := make([]page.No, 0, bulkPages)
	for len(nos) < len(nodes) {
		first, n, err := b.t.sp.AllocRun(m, b.ino, b.hint, len(nodes)-len(nos))
		if err != nil {
			m.Abandon()
			return nil, err
		}
		for i := 0; i < n; i++ {
			nos = append(nos, first+page.No(i))
		}
		b.hint = first + page.No(n-1)
	}
	for i, x := range nodes {
		p := m.Init(nos[i], space.TypeTree, b.t.id)
		initNode(p, x.b.b.level(), 0)
		x.b.writeTo(p)
	}
	*oldest = m.Commit(nil)
	b.writes++
	return nos, nil
}

// finish writes what is in the making, the top of it into the root.
func (b *bulk) finish(ctx context.Context) error {
	top := 0
	if len(b.levels) > 1 || len(b.ready) > 0 {
		b.ready = append(b.ready, b.levels[0].cur)
		if err := b.flush(ctx); err != nil {
			return err
		}
		for top = 1; top < len(b.levels)-1; top++ {
			cur := b.levels[top].cur
			nos, err := b.write(ctx, []*bulkNode{cur})
			if err != nil {
				return err
			}
			if err := b.enter(ctx, top+1, cur.sep, nos[0]); err != nil {
				return err
			}
		}
	}
	m, err := mtr.Start(ctx, b.t.pool, 1, page.Size)
	if err != nil {
		return err
	}
	root, err := m.Latch(b.t.root)
	if err == nil {
		var n node
		if n, err = asNode(root.Bytes(), b.t.id, b.t.root, -1); err == nil && (n.level() > 0 || n.count() > 0) {
			err = ErrNotEmpty
		}
	}
	if err != nil {
		m.Abandon()
		return err
	}
	root.Fill(offSlots, usable, 0)
	setHeader(root, 0, page.Size, 0)
	b.levels[top].cur.b.writeTo(root)
	m.Commit(nil)
	b.t.height.Store(int32(top))
	return nil
}
