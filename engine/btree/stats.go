package btree

import (
	"context"

	"github.com/zoryadb/zorya/engine/buffer"
	"github.com/zoryadb/zorya/storage/page"
)

// Stats are approximate: from a few descents and the space's account.
type Stats struct {
	Height  int    // levels, at least 1
	Pages   uint64 // that belong to the tree: leaves, inner and overflow pages
	Entries uint64
	Leaves  uint64 // an estimate, as Entries
}

// step is where a descent passed a node: child (in a leaf: entry) i of n.
type step struct{ i, n int }

// maxHeight bounds a tree's levels: with two children a node it would hold more pages than a volume.
const maxHeight = 40

// trace descends to key (nil: to the lowest, or with high set the highest) and appends a step for each level, the root's first.
func (t *Tree) trace(ctx context.Context, key []byte, high bool, dst []step) ([]step, error) {
	return t.traceBy(ctx, dst, func(n node) int {
		switch {
		case key == nil && high:
			return n.count() // of an inner node: its last child, see traceBy
		case key == nil:
			return 0
		case n.level() > 0:
			return n.childFor(key)
		}
		i, _ := n.search(key)
		return i
	})
}

func (t *Tree) traceBy(ctx context.Context, dst []step, choose func(n node) int) ([]step, error) {
	g, n, err := t.fetch(ctx, t.root, -1, buffer.Shared)
	for err == nil {
		i := choose(n)
		if n.level() > 0 {
			i = min(i, n.count()-1)
		}
		dst = append(dst, step{i, n.count()})
		if n.level() == 0 || len(dst) == maxHeight {
			g.Unlatch()
			return dst, nil
		}
		var c buffer.Page
		var cn node
		c, cn, err = t.fetch(ctx, n.child(i), n.level()-1, buffer.Shared)
		g.Unlatch()
		g, n = c, cn
	}
	return dst, err
}

// EstimateRange guesses the number of entries in [lo, hi) (nil: open) from two or three descents: exact when both bounds lie in
// one leaf, else from the fan-out met on the way.
func (t *Tree) EstimateRange(ctx context.Context, lo, hi []byte) (uint64, error) {
	var bufA, bufB [8]step
	a, err := t.trace(ctx, lo, false, bufA[:0])
	if err != nil {
		return 0, err
	}
	b, err := t.trace(ctx, hi, true, bufB[:0])
	if err != nil {
		return 0, err
	}
	if len(a) != len(b) { // the root grew between the two
		if b, err = t.trace(ctx, hi, true, b[:0]); err != nil || len(a) != len(b) {
			return uint64(b[len(b)-1].n), err
		}
	}
	k := 0
	for k < len(a)-1 && a[k].i == b[k].i {
		k++
	}
	if k == len(a)-1 {
		return uint64(max(b[k].i-a[k].i, 0)), nil
	}
	if b[k].i < a[k].i {
		return 0, nil
	}
	// Below level k the paths are apart: whole subtrees between them, and the inner sides of both. How large a subtree is
	// a path through the middle says: the ends of a tree are often odd.
	mid := a
	if b[k].i-a[k].i > 1 {
		var buf [8]step
		depth := -1
		mid, err = t.traceBy(ctx, buf[:0], func(n node) int {
			switch depth++; {
			case depth < k:
				return a[depth].i
			case depth == k:
				return (a[k].i + b[k].i) / 2
			}
			return n.count() / 2
		})
		if err != nil || len(mid) != len(a) {
			mid = a
		}
	}
	sum, size := 0.0, 1.0
	for l := len(a) - 1; l > k; l-- {
		right := a[l].n - a[l].i // what lies right of lo's path, its own child having been counted below
		if l < len(a)-1 {
			right--
		}
		sum += size * float64(right+b[l].i)
		size *= max(float64(mid[l].n), 1)
	}
	sum += size * float64(b[k].i-a[k].i-1)
	return uint64(sum), nil
}

// KeyAt returns a key about a fraction f, from 0 to 1, of the way through the tree; nil when it is empty.
func (t *Tree) KeyAt(ctx context.Context, f float64) ([]byte, error) {
	g, n, err := t.fetch(ctx, t.root, -1, buffer.Shared)
	for depth := 0; err == nil; depth++ {
		at := max(min(f, 1), 0) * float64(n.count())
		i := min(int(at), n.count()-1)
		if n.level() == 0 || depth == maxHeight {
			var key []byte
			if i >= 0 && n.level() == 0 {
				key = append(key, n.key(i)...)
			}
			g.Unlatch()
			return key, nil
		}
		f = at - float64(i)
		var c buffer.Page
		var cn node
		c, cn, err = t.fetch(ctx, n.child(i), n.level()-1, buffer.Shared)
		g.Unlatch()
		g, n = c, cn
	}
	return nil, err
}

// Pages is how many pages the tree has, as space.PagesOf counts them. It reads the root and the inode, no leaf.
func (t *Tree) Pages(ctx context.Context) (uint64, error) {
	ino, err := t.Inode(ctx)
	if err != nil {
		return 0, err
	}
	return t.sp.PagesOf(ctx, ino)
}

// Stats reads a few paths through the tree.
func (t *Tree) Stats(ctx context.Context) (Stats, error) {
	ino, err := t.Inode(ctx)
	if err != nil {
		return Stats{}, err
	}
	s := Stats{}
	const paths = 5
	sum, leaves := 0.0, 0.0
	for k := 0; k < paths; k++ {
		var buf [8]step
		steps, err := t.traceBy(ctx, buf[:0], func(n node) int { return n.count() * (2*k + 1) / (2 * paths) })
		if err != nil {
			return s, err
		}
		prod := 1.0
		for i, st := range steps {
			if i == len(steps)-1 {
				leaves += prod
			}
			prod *= float64(st.n)
		}
		sum += prod
		s.Height = len(steps)
	}
	s.Entries, s.Leaves = uint64(sum/paths), max(1, uint64(leaves/paths))
	s.Pages, err = t.sp.PagesOf(ctx, ino)
	return s, err
}

// prefetchChildren starts reading all children of n.
func (t *Tree) prefetchChildren(n node) {
	var list [readAheadMax]page.No
	k := 0
	for i := 0; i < n.count(); i++ {
		list[k] = n.child(i)
		if k++; k == len(list) {
			t.pool.Prefetch(list[:k])
			k = 0
		}
	}
	t.pool.Prefetch(list[:k])
}
