package btree

import (
	"bytes"
	"context"
	"fmt"

	"github.com/zoryadb/zorya/base/wait"
	"github.com/zoryadb/zorya/engine/buffer"
	"github.com/zoryadb/zorya/storage/page"
)

// ScanOptions describe a scan over [Low, High) (nil: open), forward or in reverse.
type ScanOptions struct {
	Low, High []byte
	LowOpen   bool // exclude Low itself
	HighIncl  bool // include High itself
	Reverse   bool
	// Batch bounds the bytes copied out under one latch (0: all that the scan wants of the leaf). A cursor that may
	// stop early asks for little.
	Batch int
	// ReadAhead lets the scan prefetch leaves, more the longer it goes on.
	ReadAhead bool
	// Take, if not nil, is shown each entry where it lies, under the leaf's latch, and says what becomes of it. It must neither block nor keep
	// the bytes. Entries come in order, but for one: those that it takes come before the copied ones of the same leaf.
	Take func(key, val []byte) Taken
}

// Taken is what ScanOptions.Take says of an entry.
type Taken uint8

const (
	Took     Taken = iota // done with: Next passes over it
	Copy                  // Next stops at it
	CopyRest              // and at all that follow in this leaf, which are not shown
)

// Cursor walks entries in key order. Key and Value are valid until the next Next.
//
//	for c.Next(ctx) { c.Key(); c.Value() }
//	err := c.Err()
//
// A batch is what one leaf held of the range at one moment; between batches no latch is held, and the cursor knows
// only the key from where to go on. So it sees every entry that was there all the time exactly once, whatever splits and merges
// come between. It is used by one goroutine.
type Cursor struct {
	t    *Tree
	o    ScanOptions
	low  []byte // copies of the bounds; low or high moves as the scan goes on
	high []byte
	// hasLow and hasHigh say that the bound exists; lowOpen and highIncl as in ScanOptions, for the moving bound.
	hasLow, hasHigh, lowOpen, highIncl bool

	buf  []byte // keys and values of the batch
	ents []entry
	at   int // current entry of ents
	done bool
	err  error

	take     func(key, val []byte) Taken // o.Take, nil behind a CopyRest until the next leaf
	bound    []byte                      // the leaf's bound in scan direction, if hasBound
	hasBound bool
	leaves   int // visited so far
	ahead    int // leaves that were prefetched and are still to come
	window   int // how many to prefetch next
}

type entry struct{ key, val, end uint32 }

// Scan returns a cursor before the first entry. The bounds are copied.
func (t *Tree) Scan(o ScanOptions) *Cursor {
	c := new(Cursor)
	c.Reset(t, o)
	return c
}

// Reset makes the cursor a scan of t with o, keeping its buffers.
func (c *Cursor) Reset(t *Tree, o ScanOptions) {
	*c = Cursor{t: t, o: o, low: append(c.low[:0], o.Low...), high: append(c.high[:0], o.High...),
		buf: c.buf[:0], ents: c.ents[:0], bound: c.bound[:0], at: -1,
		hasLow: o.Low != nil, hasHigh: o.High != nil, lowOpen: o.LowOpen, highIncl: o.HighIncl}
	c.o.Low, c.o.High = nil, nil
}

// Close ends the scan. It holds nothing but memory.
func (c *Cursor) Close() { c.done, c.ents, c.at = true, c.ents[:0], 0 }

// Err is the error that ended the scan, if any.
func (c *Cursor) Err() error { return c.err }

// Key is the current entry's key.
func (c *Cursor) Key() []byte {
	e := c.ents[c.at]
	return c.buf[e.key:e.val:e.val]
}

// Value is the current entry's value.
func (c *Cursor) Value() []byte {
	e := c.ents[c.at]
	return c.buf[e.val:e.end:e.end]
}

// Buffered is the number of entries after the current one that Next will give without looking at the tree.
func (c *Cursor) Buffered() int { return max(len(c.ents)-c.at-1, 0) }

// Next goes to the next entry; false at the end or on an error.
func (c *Cursor) Next(ctx context.Context) bool {
	c.at++
	for c.at >= len(c.ents) {
		if c.done || c.err != nil {
			return false
		}
		c.buf, c.ents, c.at = c.buf[:0], c.ents[:0], 0
		if err := c.fill(ctx); err != nil {
			c.err = fmt.Errorf("scan: %w", err)
			return false
		}
	}
	return true
}

// fill copies the next batch and moves the bound behind it. An empty batch with done unset means: go on with the next leaf.
func (c *Cursor) fill(ctx context.Context) error {
	if c.leaves > 0 { // nothing else would stop a scan that finds every page in memory, and nothing it wants, nor let others go first
		if err := ctx.Err(); err != nil {
			return err
		}
		wait.Breathe(ctx)
		if err := wait.Rest(ctx); err != nil {
			return err
		}
	}
	g, n, err := c.descend(ctx)
	if err != nil {
		return err
	}
	more := c.copy(g, n)
	c.leaves++
	switch {
	case more: // the leaf has more: go on behind what was copied last
		e := c.ents[len(c.ents)-1]
		last := c.buf[e.key:e.val]
		if c.o.Reverse {
			c.high, c.hasHigh, c.highIncl = append(c.high[:0], last...), true, false
		} else {
			c.low, c.hasLow, c.lowOpen = append(c.low[:0], last...), true, true
		}
	case c.done || !c.hasBound || c.past():
		c.done = true
	case c.o.Reverse:
		c.high, c.hasHigh, c.highIncl = append(c.high[:0], c.bound...), true, false
	default:
		c.low, c.hasLow, c.lowOpen = append(c.low[:0], c.bound...), true, false
	}
	return nil
}

// past reports whether the leaf's bound is where the range ends: the next leaf holds nothing of it.
func (c *Cursor) past() bool {
	if c.o.Reverse {
		return c.hasLow && bytes.Compare(c.bound, c.low) <= 0
	}
	if !c.hasHigh {
		return false
	}
	cmp := bytes.Compare(c.bound, c.high)
	return cmp > 0 || cmp == 0 && !c.highIncl
}

// copy copies a batch from the latched leaf n, and gives the latch back even if Take panics.
func (c *Cursor) copy(g buffer.Page, n node) (more bool) {
	defer g.Unlatch()
	c.take = c.o.Take
	if c.o.Reverse {
		return c.copyReverse(n)
	}
	return c.copyForward(n)
}

// copyForward copies from c.low on. more: the batch is full, and something is left. It sets done when it met the upper bound.
func (c *Cursor) copyForward(n node) (more bool) {
	i := 0
	if c.hasLow {
		var found bool
		if i, found = n.search(c.low); found && c.lowOpen {
			i++
		}
	}
	end := n.count()
	if c.hasHigh {
		var found bool
		if end, found = n.search(c.high); found && c.highIncl {
			end++
		}
		c.done = end < n.count()
	}
	for ; i < end; i++ {
		if c.copyEntry(n, i) && i+1 < end {
			c.done = false
			return true
		}
	}
	return false
}

// copyReverse copies from c.high down.
func (c *Cursor) copyReverse(n node) (more bool) {
	end := n.count()
	if c.hasHigh {
		var found bool
		if end, found = n.search(c.high); found && c.highIncl {
			end++
		}
	}
	first := 0
	if c.hasLow {
		var found bool
		if first, found = n.search(c.low); found && c.lowOpen {
			first++
		}
		c.done = first > 0
	}
	for i := end - 1; i >= first; i-- {
		if c.copyEntry(n, i) && i > first {
			c.done = false
			return true
		}
	}
	return false
}

// copyEntry reports whether the batch is full.
func (c *Cursor) copyEntry(n node, i int) bool {
	k, v := n.entry(i)
	if c.take != nil {
		switch c.take(k, v) {
		case Took:
			return false
		case CopyRest:
			c.take = nil
		}
	}
	at := uint32(len(c.buf))
	c.buf = append(append(c.buf, k...), v...)
	c.ents = append(c.ents, entry{at, at + uint32(len(k)), at + uint32(len(k)+len(v))})
	return c.o.Batch > 0 && len(c.buf) >= c.o.Batch
}

// descend latches the leaf where the scan goes on, and learns from its ancestors where that leaf's range ends.
func (c *Cursor) descend(ctx context.Context) (buffer.Page, node, error) {
	t := c.t
	mode := buffer.Shared
	if c.leaves > 4 {
		mode = buffer.Scan
	}
	var list [shortScan]page.No
	for try := 0; ; try++ {
		c.hasBound = false
		short := list[:0]
		g, n, err := t.fetch(ctx, t.root, -1, buffer.Shared)
		if err != nil {
			return g, nil, err
		}
		miss := page.No(0)
		for n.level() > 0 {
			i := c.choose(n)
			no, level := n.child(i), n.level()-1
			if level == 0 && c.o.ReadAhead {
				c.readAhead(n, i)
			}
			m := buffer.Shared
			if level == 0 {
				m = mode
			}
			h, ok := t.pool.FetchCached(no, m)
			if !ok {
				if try < patience {
					if miss = no; level == 0 && c.o.ReadAhead && c.leaves == 0 {
						short = c.wholeRange(n, i, short)
					}
					break
				}
				if h, err = t.pool.Fetch(ctx, no, m); err != nil {
					g.Unlatch()
					return g, nil, fmt.Errorf("tree %d: %w", t.id, err)
				}
			}
			g.Unlatch()
			g = h
			if n, err = asNode(g.Bytes(), t.id, no, level); err != nil {
				g.Unlatch()
				return g, nil, err
			}
		}
		if miss == 0 {
			return g, n, nil
		}
		g.Unlatch()
		if len(short) > 1 {
			t.pool.LoadTogether(ctx, short)
		}
		if err := t.pool.Load(ctx, miss); err != nil {
			return g, nil, fmt.Errorf("tree %d: %w", t.id, err)
		}
	}
}

// choose returns the child to descend into and keeps the bound, if this node has one nearer than its ancestors'.
func (c *Cursor) choose(n node) (i int) {
	if !c.o.Reverse {
		if c.hasLow {
			i = n.childFor(c.low)
		}
		if i+1 < n.count() {
			c.bound, c.hasBound = append(c.bound[:0], n.key(i+1)...), true
		}
		return i
	}
	switch {
	case !c.hasHigh:
		i = n.count() - 1
	case c.highIncl:
		i = n.childFor(c.high)
	default:
		i = n.childBelow(c.high)
	}
	if i > 0 {
		c.bound, c.hasBound = append(c.bound[:0], n.key(i)...), true
	}
	return i
}

// shortScan is how many leaves a range may have to be read in one request.
const shortScan = 4

// wholeRange appends the leaves of a range that ends within a few, from child i of n on; nothing when there are more: those are read ahead as the scan
// goes on.
func (c *Cursor) wholeRange(n node, i int, list []page.No) []page.No {
	if !c.o.Reverse && !c.hasHigh || c.o.Reverse && !c.hasLow {
		return list
	}
	step := 1
	if c.o.Reverse {
		step = -1
	}
	for j := i; j >= 0 && j < n.count() && (j == i || !c.beyond(n, j)); j += step {
		if len(list) == shortScan {
			return list[:0]
		}
		list = append(list, n.child(j))
	}
	return list
}

// readAheadMax bounds the leaves on their way ahead of a scan.
const readAheadMax = 64

// readAhead prefetches the leaves behind child i of n, a page above the leaves, when few of those asked for are left.
// It starts with the third leaf, and its window doubles, so that short scans read nothing in vain.
func (c *Cursor) readAhead(n node, i int) {
	if c.ahead > 0 {
		c.ahead--
	}
	if c.leaves < 2 || c.ahead > c.window/2 {
		return
	}
	c.window = min(max(2*c.window, 4), readAheadMax)
	var list [readAheadMax]page.No
	k := 0
	for d := 1 + c.ahead; k < c.window-c.ahead; d++ {
		j := i + d
		if c.o.Reverse {
			j = i - d
		}
		if j < 0 || j >= n.count() || c.beyond(n, j) {
			break
		}
		list[k] = n.child(j)
		k++
	}
	if k > 0 {
		c.t.pool.Prefetch(list[:k])
		c.ahead += k
	}
}

// beyond reports whether child j holds nothing of the scan's range.
func (c *Cursor) beyond(n node, j int) bool {
	if c.o.Reverse {
		return c.hasLow && j+1 < n.count() && bytes.Compare(n.key(j+1), c.low) <= 0
	}
	return c.hasHigh && bytes.Compare(n.key(j), c.high) > 0
}

// HasPrefix reports whether some key begins with prefix.
func (t *Tree) HasPrefix(ctx context.Context, prefix []byte) (bool, error) {
	g, n, err := t.leaf(ctx, prefix)
	if err != nil {
		return false, err
	}
	i, _ := n.search(prefix)
	last := i == n.count()
	found := !last && bytes.HasPrefix(n.key(i), prefix)
	g.Unlatch()
	if !last {
		return found, nil
	}
	c := t.Scan(ScanOptions{Low: prefix, Batch: 1}) // it may be in the next leaf
	defer c.Close()
	found = c.Next(ctx) && bytes.HasPrefix(c.Key(), prefix)
	return found, c.Err()
}
