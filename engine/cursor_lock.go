package engine

import (
	"bytes"
	"context"

	"github.com/zoryadb/zorya/engine/btree"
	"github.com/zoryadb/zorya/engine/dict"
	"github.com/zoryadb/zorya/engine/lock"
	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/engine/table"
)

// gapScan locks what InnoDB's row_search_mvcc locks beside the records of a range, so that nothing appears in it (REPEATABLE READ
// and above): the gap before each record, and at the range's end
//
//   - after the keys of one value (exact), or forward over the clustered index: the gap before the next record;
//   - after the last key that the range can hold, forward over the clustered index: nothing more;
//   - else the next record too, below READ COMMITTED's level of gaps and at it.
//
// The one live record of a unique value is locked without gaps, and so is the first of the clustered index when it is the bound
// itself. A gap lock is an interval between neighbours in the tree, deleted ones too, as they are when it is taken.
//
// A batch of keys is read before the gaps between them are locked, so an insert may come in between. Inserts count
// themselves in DB.inserts under their leaf's latch before they look at gap locks: if the count has not changed since
// before the batch was read, none did; else the scan goes back to the last key it has locked and reads again, now under the lock.
type gapScan struct {
	on      bool
	exact   bool // all keys of the range begin with one value
	unique  bool // and at most one of them is live
	ended   bool
	seq     uint64
	pos     []byte // last key passed
	begun   bool   // pos is a key passed
	above   []byte // of a write: the neighbour above the range, before it had put anything there itself
	placed  bool   // above is known
	limit   []byte // the gaps are locked up to here
	limited bool
}

func (g *gapScan) start(c *cursor) {
	locks := c.o.Lock != table.LockNone
	g.on = locks && c.h.s.gaps()
	g.begun, g.placed, g.limited, g.ended, g.exact, g.unique = false, false, false, c.b.empty, false, false
	if !locks {
		return
	}
	r, ix := &c.o.Range, c.ix
	if n := len(r.Low); n > 0 && n == len(r.High) && !r.LowOpen && !r.HighOpen && diverge(ix, r.Low, r.High) == n {
		g.exact = true
		g.unique = ix.Def.Unique && !ix.Def.Hidden && n == ix.Own
		for i := range r.Low {
			g.unique = g.unique && !r.Low[i].Null
		}
	}
	if g.on {
		g.seq = c.h.s.tx.db.inserted(ix.Def.ID).Load()
		g.pos = g.pos[:0]
	}
}

// neighbour is the key next to bound: the last below it, or the first from it on. nil: there is none.
func neighbour(ctx context.Context, ix *dict.Index, bound []byte, below bool) ([]byte, error) {
	o := btree.ScanOptions{Low: bound, Batch: 1}
	if below {
		o = btree.ScanOptions{High: bound, Reverse: true, Batch: 1}
	}
	c := ix.Tree.Scan(o)
	defer c.Close()
	if !c.Next(ctx) {
		return nil, c.Err()
	}
	return c.Key(), nil
}

// lockBetween locks the gap between two neighbours in the tree; a nil below is the beginning of the index, a nil above its end.
func (tx *Tx) lockBetween(ix *dict.Index, below, above []byte, closed bool) {
	tx.db.locks.LockGap(&tx.own, ix.Def.ID, below, below == nil, above, closed && above != nil)
}

// lockAround locks the whole gap in which key lies, and key.
func (tx *Tx) lockAround(ctx context.Context, ix *dict.Index, key []byte) error {
	below, err := neighbour(ctx, ix, key, true)
	if err != nil {
		return err
	}
	above, err := neighbour(ctx, ix, after(key), false)
	if err != nil {
		return err
	}
	tx.lockBetween(ix, below, above, false)
	return nil
}

// lockBefore locks the gap before key, and key.
func (tx *Tx) lockBefore(ctx context.Context, ix *dict.Index, key []byte) error {
	below, err := neighbour(ctx, ix, key, true)
	if err == nil {
		tx.lockBetween(ix, below, key, true)
	}
	return err
}

// after is the least key above key.
func after(key []byte) []byte { return append(bytes.Clone(key), 0) }

// cover locks the gap before key. again says that the scan has to read anew from its position.
func (c *cursor) cover(ctx context.Context, key []byte) (again bool, err error) {
	g, tx := &c.gap, c.h.s.tx
	if g.limited {
		if d := bytes.Compare(key, g.limit); d <= 0 && !c.o.Reverse || d > 0 && c.o.Reverse {
			return false, nil
		}
	}
	if c.o.Reverse {
		return c.coverReverse(ctx, key)
	}
	below := g.pos
	switch {
	case g.begun:
	case c.o.Index == 0 && c.b.full && bytes.Equal(key, c.b.low):
		below = key // the bound itself: what comes before it is outside of the range
	default:
		if below, err = c.edge(ctx, true); err != nil {
			return false, err
		}
	}
	tx.lockBetween(c.ix, below, key, true)
	return c.moved(key), nil
}

// edge is the neighbour of the range below its low bound, or above its high one.
func (c *cursor) edge(ctx context.Context, below bool) ([]byte, error) {
	switch {
	case below && c.b.low == nil, !below && c.b.high == nil:
		return nil, nil
	case below:
		return neighbour(ctx, c.ix, c.b.low, true)
	case c.gap.placed:
		return c.gap.above, nil
	}
	return neighbour(ctx, c.ix, c.b.high, false)
}

// coverReverse is cover for a scan that comes from above: the first key closes the gap behind it too.
func (c *cursor) coverReverse(ctx context.Context, key []byte) (again bool, err error) {
	g, tx := &c.gap, c.h.s.tx
	below, err := neighbour(ctx, c.ix, key, true)
	if err != nil {
		return false, err
	}
	above := g.pos
	if !g.begun {
		if above, err = c.edge(ctx, false); err != nil {
			return false, err
		}
	}
	tx.lockBetween(c.ix, below, above, g.begun)
	return c.moved(below), nil
}

// moved notes that the gaps up to limit are locked, and reports whether an insert may have come in before.
func (c *cursor) moved(limit []byte) bool {
	g := &c.gap
	seq := c.h.s.tx.db.inserted(c.ix.Def.ID).Load()
	if seq == g.seq {
		return false
	}
	g.seq = seq
	g.limit, g.limited = append(g.limit[:0], limit...), true
	c.reseek()
	return true
}

// reseek makes the tree cursor read on from the last position.
func (c *cursor) reseek() {
	g := &c.gap
	so := btree.ScanOptions{Low: c.b.low, High: c.b.high, Reverse: c.o.Reverse, Batch: 4096}
	if g.begun {
		if c.o.Reverse {
			so.High = g.pos
		} else {
			so.Low, so.LowOpen = g.pos, true
		}
	}
	c.bc.Reset(c.ix.Tree, so)
}

func (g *gapScan) pass(key []byte) {
	g.pos, g.begun = append(g.pos[:0], key...), true
}

// finish locks what lies behind the last key of the range. again says that something came in before it was locked.
func (c *cursor) finish(ctx context.Context) (again bool, err error) {
	g, tx := &c.gap, c.h.s.tx
	forward := !c.o.Reverse
	if forward && c.o.Index == 0 && c.b.stop != nil && g.begun && bytes.Equal(g.pos, c.b.stop) {
		return false, nil
	}
	for {
		next, err := c.edge(ctx, c.o.Reverse)
		if err != nil {
			return false, err
		}
		if g.on {
			switch {
			case forward:
				below := g.pos
				if !g.begun {
					if below, err = c.edge(ctx, true); err != nil {
						return false, err
					}
				}
				tx.lockBetween(c.ix, below, next, false)
			case !g.begun:
				above, err := c.edge(ctx, false)
				if err != nil {
					return false, err
				}
				tx.lockBetween(c.ix, next, above, false)
			}
			if seq := tx.db.inserted(c.ix.Def.ID).Load(); seq != g.seq {
				g.seq = seq
				c.reseek()
				return true, nil
			}
		}
		if next == nil || forward && (g.exact || c.o.Index == 0) || !g.on && g.exact {
			return false, nil
		}
		if !forward && g.on {
			if err := tx.lockBefore(ctx, c.ix, next); err != nil || g.exact {
				return false, err
			}
		}
		found, err := c.rd.lock(ctx, c.ix, next, mode(c.o.Lock), c.o.Policy)
		if err == errSkip {
			err = nil
		}
		if err != nil || found {
			return false, err
		}
	}
}

// nextLocked is Next for a locking scan: it locks entry after entry, waiting where it must.
func (c *cursor) nextLocked(ctx context.Context) (bool, error) {
	tx, g := c.h.s.tx, &c.gap
	if g.on && !g.placed && !g.begun && !g.ended && !g.unique && c.h.s.write && c.o.Index != 0 {
		above, err := c.edge(ctx, false)
		if err != nil {
			return false, err
		}
		g.above, g.placed = above, true
	}
	for !g.ended {
		if !c.bc.Next(ctx) {
			if err := c.bc.Err(); err != nil {
				return false, err
			}
			again, err := c.finish(ctx)
			if err != nil {
				return false, err
			}
			g.ended = !again
			continue
		}
		c.h.s.work.Examined++
		c.key = append(c.key[:0], c.bc.Key()...)
		if g.on && !g.unique && !c.o.RecordsOnly {
			if again, err := c.cover(ctx, c.key); err != nil {
				return false, err
			} else if again {
				continue
			}
		}
		mark := 0
		if !g.on {
			mark, c.rd.ours = tx.own.Mark(), false
		}
		ok, err := c.lockEntry(ctx)
		if err == nil && g.unique && c.live {
			g.ended = true
		}
		if err == nil && ok && c.o.Filter != nil {
			ok, err = c.o.Filter(c.rd.row)
		}
		if err == nil && !ok && !g.on && !tx.ended && !c.rd.ours { // a row that it has changed stays locked
			tx.db.locks.UnlockTo(&tx.own, mark)
		}
		if g.on {
			if err == nil && (g.unique || c.o.RecordsOnly) && !c.live {
				if again, err := c.cover(ctx, c.key); err != nil {
					return false, err
				} else if again {
					continue
				}
			}
			g.pass(c.key)
		}
		if err == errSkip {
			continue
		}
		if err != nil || ok {
			return ok, err
		}
	}
	return false, nil
}

// lockEntry locks the entry c.key and its row, and reads the row. ok is false when there is none to be shown; c.live says whether the
// entry itself is there and not deleted.
func (c *cursor) lockEntry(ctx context.Context) (ok bool, err error) {
	r, m := c.rd, mode(c.o.Lock)
	c.live = false
	if c.o.Index == 0 {
		c.ref = append(c.ref[:0], c.key...)
		if c.o.Filter != nil && c.o.SemiConsistent && !c.gap.on {
			if ok, err := c.matches(ctx); err != nil || !ok {
				return false, err
			}
		}
		return c.lockRow(ctx, m)
	}
	found, err := r.lock(ctx, c.ix, c.key, m, c.o.Policy)
	if err != nil || !found {
		return false, err
	}
	e, err := row.ParseEntry(r.val)
	if err != nil || e.Deleted {
		return false, err
	}
	c.live = true
	ref, err := c.ix.Ref(c.key)
	if err != nil {
		return false, err
	}
	c.ref = append(c.ref[:0], ref...)
	hide := c.h.s.wrote && !r.showOwn && c.h.s.tx.mine(e.Trx)
	if c.covers && m == lock.Shared && !hide {
		return true, r.decodeKey(c.h.t, c.ix, c.key) // nobody changes what the entry says: that takes its lock
	}
	if hide {
		r.watch, r.watched = c.ix.Def.ID, c.key
		defer func() { r.watch = 0 }()
	}
	ok, err = c.lockRow(ctx, m)
	c.live = true
	if hide && r.present < 0 {
		ok = false
	}
	return ok, err
}

// lockRow locks and reads the row c.ref.
func (c *cursor) lockRow(ctx context.Context, m lock.Mode) (bool, error) {
	r := c.rd
	found, err := r.lock(ctx, c.h.t.Indexes[0], c.ref, m, c.o.Policy)
	if err != nil || !found {
		return false, err
	}
	hd, err := row.ParseHeader(r.val)
	if err != nil {
		return false, err
	}
	c.live = !hd.Deleted
	ok, err := r.version(ctx, current)
	if err != nil || !ok {
		return false, err
	}
	return true, r.decode(ctx, c.h.t, r.val, c.need)
}

// matches looks at the newest committed version of a row under READ COMMITTED: one that the filter refuses is
// neither locked nor waited for.
func (c *cursor) matches(ctx context.Context) (bool, error) {
	r := c.rd
	found, err := c.h.t.Indexes[0].Tree.Get(ctx, c.ref, r.copyFn)
	if err != nil || !found {
		return false, err
	}
	ok, err := r.version(ctx, committed)
	if err != nil || !ok {
		return false, err // deleted, or not yet committed
	}
	if err := r.decode(ctx, c.h.t, r.val, c.need); err != nil {
		return false, err
	}
	return c.o.Filter(r.row)
}
