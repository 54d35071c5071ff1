package engine

import (
	"bytes"
	"context"

	"github.com/zoryadb/zorya/engine/btree"
	"github.com/zoryadb/zorya/engine/lock"
	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/engine/table"
)

// gapScan locks the gaps that a locking scan passes, so that nothing appears in them (REPEATABLE READ and above).
//
// A batch of keys is read before the gaps between them are locked, so an insert may come in between. Inserts count
// themselves in DB.inserts under their leaf's latch before they look at gap locks: if the count has not changed since
// before the batch was read, none did; else the scan goes back to the last key it has locked and reads again, now under the lock.
type gapScan struct {
	on      bool
	seq     uint64
	pos     []byte // last key passed, or the bound where the scan began
	begun   bool   // pos is a key passed
	limit   []byte // the gap is locked up to here
	limited bool
}

func (g *gapScan) start(c *cursor) {
	g.on = c.o.Lock != table.LockNone && c.h.s.gaps()
	g.begun, g.limited = false, false
	if g.on {
		g.seq = c.h.s.tx.db.inserted(c.ix.Def.ID).Load()
		g.pos = append(g.pos[:0], c.b.low...)
		if c.o.Reverse {
			g.pos = append(g.pos[:0], c.b.high...)
		}
	}
}

// cover locks the gap from the last position to key (nil: to the end of the range). again says that the scan has to
// read anew from its position.
func (c *cursor) cover(key []byte) (again bool) {
	g, tx := &c.gap, c.h.s.tx
	if g.limited && key != nil {
		if d := bytes.Compare(key, g.limit); d <= 0 && !c.o.Reverse || d >= 0 && c.o.Reverse {
			return false
		}
	}
	id := c.ix.Def.ID
	if !c.o.Reverse {
		high, closed := key, true
		if key == nil {
			high, closed = c.b.high, false
		}
		tx.db.locks.LockGap(&tx.own, id, g.pos, !g.begun, high, closed)
	} else {
		low := key
		if key == nil {
			low = c.b.low
		}
		high := g.pos
		if !g.begun && c.b.high == nil {
			high = nil
		}
		tx.db.locks.LockGap(&tx.own, id, low, true, high, false)
	}
	seq := tx.db.inserted(id).Load()
	if seq == g.seq {
		return false
	}
	g.seq = seq
	if key != nil {
		g.limit, g.limited = append(g.limit[:0], key...), true
	}
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

// nextLocked is Next for a locking scan: it locks entry after entry, waiting where it must.
func (c *cursor) nextLocked(ctx context.Context) (bool, error) {
	tx := c.h.s.tx
	ended := false
	for {
		if !c.bc.Next(ctx) {
			if err := c.bc.Err(); err != nil {
				return false, err
			}
			if !c.gap.on || ended {
				return false, nil
			}
			// Lock the rest of the range; what came in before that is found by one more look.
			ended = !c.cover(nil)
			if ended {
				return false, nil
			}
			ended = true
			continue
		}
		ended = false
		key := c.bc.Key()
		if c.gap.on && c.cover(key) {
			continue
		}
		mark := 0
		if !c.gap.on {
			mark = tx.own.Mark()
		}
		c.key = append(c.key[:0], key...)
		ok, err := c.lockEntry(ctx)
		if err == nil && ok && c.o.Filter != nil {
			ok, err = c.o.Filter(c.rd.row)
		}
		if err == nil && !ok && !c.gap.on && !tx.ended {
			tx.db.locks.UnlockTo(&tx.own, mark)
		}
		if c.gap.on {
			c.gap.pass(c.key)
		}
		if err == errSkip {
			continue
		}
		if err != nil || ok {
			return ok, err
		}
	}
}

// lockEntry locks the entry c.key and its row, and reads the row. ok is false when there is none to be shown.
func (c *cursor) lockEntry(ctx context.Context) (ok bool, err error) {
	r, m := c.rd, mode(c.o.Lock)
	if c.o.Index == 0 {
		c.ref = append(c.ref[:0], c.key...)
		if c.o.Filter != nil && !c.gap.on {
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
	ref, err := c.ix.Ref(c.key)
	if err != nil {
		return false, err
	}
	c.ref = append(c.ref[:0], ref...)
	hide := c.h.s.wrote && !r.showOwn && c.h.s.tx.mine(e.Trx)
	if hide {
		r.watch, r.watched = c.ix.Def.ID, c.key
		defer func() { r.watch = 0 }()
	}
	ok, err = c.lockRow(ctx, m)
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
		// Deleted, or not yet committed: the lock will tell.
		return err == nil, err
	}
	if err := r.decode(ctx, c.h.t, r.val, c.need); err != nil {
		return false, err
	}
	return c.o.Filter(r.row)
}
