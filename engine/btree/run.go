package btree

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"

	"github.com/zoryadb/zorya/engine/mtr"
)

// maxRun bounds the entries that one MTR of DeleteRun takes out.
const maxRun = 256

// DeleteRun takes out entries of one leaf in one MTR, as one record. keys ascend; it goes through them from the first up to
// the first that may lie in another leaf, asks match (under the leaf's exclusive latch; it must not block) about those that
// are there, and returns how many keys it went through: at least one.
func (t *Tree) DeleteRun(ctx context.Context, keys [][]byte, match func(i int, val []byte) bool) (int, error) {
	m, err := mtr.Start(ctx, t.pool, EditRecords+1, editBytes)
	if err != nil {
		return 0, fmt.Errorf("tree %d: %w", t.id, err)
	}
	p, err := t.leafX(m, keys[0], nil)
	if err != nil {
		m.Abandon()
		return 0, err
	}
	underfull := false
	done := 0
	for ; done < min(len(keys), maxRun); done++ {
		n := node(p.Bytes())
		i, found := n.search(keys[done])
		if !found && i == n.count() && done > 0 {
			break
		}
		if !found {
			continue
		}
		if _, v := n.entry(i); match(done, v) {
			removeAt(p, i)
			underfull = underfull || isUnderfull(node(p.Bytes())) && p.No() != t.root
		}
	}
	m.Commit(nil)
	if underfull {
		t.merge(ctx, keys[0], 0)
	}
	return done, nil
}

// A leaf's hint remembers where the last insert went and how many came one right of the other before it: position + 1
// below, length of the run above.
func countRun(p *mtr.Page, i int) { countRunOf(p, i, 1) }

// countRunOf is countRun for n inserts, at i and behind each other.
func countRunOf(p *mtr.Page, i, n int) {
	h := p.Hint()
	run := uint32(n - 1)
	if h&0xffff == uint32(i) {
		run = min(h>>16+uint32(n), 0xffff)
	}
	p.SetHint(run<<16 | uint32(i+n))
}

// inRun reports whether an insert at i goes on with a run of ascending ones.
func inRun(p *mtr.Page, i int) bool {
	h := p.Hint()
	return h>>16 >= 2 && h&0xffff == uint32(i)
}

// RunFunc is called under the exclusive latch of a leaf, inside m, with the number of entries that can go there. It may change other
// pages through m as an EditFunc may, and returns how many of them shall; after it has changed something more than none, and no error.
type RunFunc func(m *mtr.MTR, n int) (int, error)

// spare is what a leaf that is filled from its end keeps free for its entries to grow, as InnoDB does.
const spare = usable / 16

// InsertRun puts the first of entries whose keys ascend strictly into the leaf of the first, in one MTR: one record for the leaf beside
// what fn logs. It takes as many as belong there, are not in the tree, and fit; fn is asked once how many of these it shall be. It returns
// how many it put there: 0 when the first key is in the tree already. An error of fn is returned as it is, and nothing is changed.
func (t *Tree) InsertRun(ctx context.Context, keys, vals [][]byte, fn RunFunc) (int, error) {
	for i := range keys {
		if len(keys[i]) > MaxKey || len(keys[i])+len(vals[i]) > MaxEntry {
			return 0, fmt.Errorf("tree %d: key of %d bytes, value of %d: %w", t.id, len(keys[i]), len(vals[i]), ErrTooBig)
		}
	}
	s := scratches.Get().(*scratch)
	defer scratches.Put(s)
	for {
		m, err := mtr.Start(ctx, t.pool, EditRecords+1, editBytes)
		if err != nil {
			return 0, fmt.Errorf("tree %d: %w", t.id, err)
		}
		p, err := t.leafX(m, keys[0], &s.bound)
		if err != nil {
			m.Abandon()
			return 0, err
		}
		n, need := s.fitRun(p, keys, vals)
		if need > 0 {
			m.Abandon()
			if err := t.split(ctx, keys[0], 0, need); err != nil {
				return 0, err
			}
			continue
		}
		if n > 0 {
			n, err = fn(m, n)
		}
		if n == 0 || err != nil {
			m.Abandon()
			return 0, err
		}
		s.putRun(p, keys[:n], vals[:n])
		m.Commit(nil)
		return n, nil
	}
}

// fitRun finds places in p for the first of the entries: s.places has them. need > 0: the leaf must have that much room first.
func (s *scratch) fitRun(p *mtr.Page, keys, vals [][]byte) (fit, need int) {
	n := node(p.Bytes())
	s.places = s.places[:0]
	free, at := n.free(), 0
	appends := false
	for i, key := range keys {
		if i > 0 && !s.bound.holds(key) {
			break
		}
		k, found := n.searchFrom(at, key)
		if found {
			break
		}
		size := cellSize(len(key), len(vals[i])) + 2
		if i == 0 {
			appends = k == n.count() && (!s.bound.set || inRun(p, k))
		}
		keep := 0
		if appends && n.count()+i > 1 {
			keep = spare
		}
		if size+keep > free {
			if i == 0 && n.count() > 1 {
				return 0, size + keep
			}
			break
		}
		free -= size
		at = k
		s.places = append(s.places, k)
	}
	return len(s.places), 0
}

// putRun inserts entries at the places that fitRun has found.
func (s *scratch) putRun(p *mtr.Page, keys, vals [][]byte) {
	total := 0
	for i := range keys {
		total += cellSize(len(keys[i]), len(vals[i]))
	}
	if node(p.Bytes()).gap() < total+2*len(keys) {
		s.compact(p) // which moves cells, not slots
	} else {
		defer p.KeepOps()
	}
	n := node(p.Bytes())
	count, heap, garbage := n.count(), n.heap(), n.garbage()
	// The cells lie beside each other, the first highest, as single inserts would leave them.
	off := heap
	slots := s.page[:2*len(keys)]
	s.cell = append(s.cell[:0], make([]byte, total)...)
	for i := range keys {
		size := cellSize(len(keys[i]), len(vals[i]))
		off -= size
		appendCell(s.cell[off-(heap-total):off-(heap-total)], keys[i], vals[i])
		binary.LittleEndian.PutUint16(slots[2*i:], uint16(off))
	}
	p.Set(off, s.cell)
	// From the right: the slots behind a group of neighbours move by as many as come before them.
	end := count
	for i := len(keys); i > 0; {
		from, at := i-1, s.places[i-1]
		for from > 0 && s.places[from-1] == s.places[i-1] {
			from--
		}
		p.Move(offSlots+2*(at+i), offSlots+2*at, 2*(end-at))
		p.Set(offSlots+2*(at+from), slots[2*from:2*i])
		end, i = at, from
	}
	setHeader(p, count+len(keys), off, garbage)
	first := len(keys) - 1 // of the last group
	for first > 0 && s.places[first-1] == s.places[first] {
		first--
	}
	countRunOf(p, s.places[first]+first, len(keys)-first)
}

// searchFrom is search among the positions from lo on. Runs ascend: what is sought is near lo, or at the end.
func (n node) searchFrom(lo int, key []byte) (int, bool) {
	hi := n.count()
	if lo >= hi || bytes.Compare(n.key(hi-1), key) < 0 {
		return hi, false
	}
	found := false
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if c := bytes.Compare(n.key(mid), key); c < 0 {
			lo = mid + 1
		} else {
			hi, found = mid, c == 0
		}
	}
	return lo, found
}
