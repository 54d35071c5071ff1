package engine

import (
	"bytes"
	"context"
	"slices"

	"github.com/zoryadb/zorya/engine/dict"
	"github.com/zoryadb/zorya/engine/mtr"
	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/engine/undo"
)

// An index that has a kind holds any number of entries for a row, which an extractor of the sql wing makes of the row: the words of a
// text. Each is a secondary entry like any other, so undo, visibility, locks, purge, builds and the checker treat them as such. A
// change of a row touches the entries alone that the row has before and not after, or after and not before.

// appendEntries makes the entries of a row in index i, in key order and none twice; their keys are appended to arena, and end with ref.
func appendEntries(arena []byte, list []entry, t *dict.Table, i int, r []row.Datum, ref []byte) ([]byte, []entry) {
	ix := t.Indexes[i]
	if ix.Extract == nil {
		arena, e := appendEntry(arena, t, i, r, ref)
		return arena, append(list, e)
	}
	first := len(list)
	ix.Extract.Entries(r, func(d []row.Datum) {
		at := len(arena)
		e := entry{ix: i, uniq: ix.Def.Unique}
		for p := range d {
			e.uniq = e.uniq && !d[p].Null
			arena = row.AppendKey(arena, &ix.Parts[p], &d[p])
		}
		e.own = len(arena) - at
		arena = append(arena, ref...)
		e.key = arena[at:len(arena):len(arena)]
		list = append(list, e)
	})
	mine := list[first:]
	slices.SortFunc(mine, byKey)
	mine = slices.CompactFunc(mine, func(a, b entry) bool { return bytes.Equal(a.key, b.key) })
	return arena, list[:first+len(mine)]
}

func byKey(a, b entry) int { return bytes.Compare(a.key, b.key) }

// allEntries makes all secondary entries of a row, those of indexes that have a kind last.
func (w *writer) allEntries(r []row.Datum, ref []byte) {
	for i := 1; i < len(w.t.Indexes); i++ {
		if w.t.Indexes[i].Extract == nil {
			w.entries = append(w.entries, w.entryOf(i, r, ref))
		}
	}
	if !w.t.Kinds {
		return
	}
	for i := 1; i < len(w.t.Indexes); i++ {
		if w.t.Indexes[i].Extract != nil {
			w.arena, w.entries = appendEntries(w.arena, w.entries, w.t, i, r, ref)
		}
	}
}

// changedKinds is changedEntries for the indexes that have a kind.
func (w *writer) changedKinds(ref []byte, old, new []row.Datum) {
	for i := 1; i < len(w.t.Indexes); i++ {
		ix := w.t.Indexes[i]
		if ix.Extract == nil || !touches(ix, old, new) {
			continue
		}
		var before, after []entry
		w.arena, before = appendEntries(w.arena, nil, w.t, i, old, ref)
		w.arena, after = appendEntries(w.arena, nil, w.t, i, new, ref)
		for len(before) > 0 || len(after) > 0 {
			d := 0
			switch {
			case len(before) == 0:
				d = 1
			case len(after) == 0:
				d = -1
			default:
				d = byKey(before[0], after[0])
			}
			if d < 0 {
				w.marked = append(w.marked, before[0])
				w.secs = append(w.secs, undo.SecOp{Index: ix.Def.ID, Mark: true, Key: before[0].key})
			}
			if d > 0 {
				w.entries = append(w.entries, after[0])
				w.secs = append(w.secs, undo.SecOp{Index: ix.Def.ID, Key: after[0].key})
			}
			if d <= 0 {
				before = before[1:]
			}
			if d >= 0 {
				after = after[1:]
			}
		}
	}
}

// putRun adds the first of entries that belong to one index and one leaf, in one MTR, and returns how many: 0 when something is in the way of the first
// (an entry that was deleted, a lock), which has to go by itself.
func (h *Handle) putRun(ctx context.Context, entries []entry) (int, error) {
	tx, ix := h.s.tx, h.t.Indexes[entries[0].ix]
	b := batches.Get().(*batch)
	defer b.free()
	val := row.AppendEntry(b.entryVal[:0], row.Entry{Trx: tx.ID()})
	b.seckeys, b.secvals = b.seckeys[:0], b.secvals[:0]
	for i := range entries {
		if e := &entries[i]; e.ix == entries[0].ix && !e.uniq && len(b.seckeys) < batchRows {
			b.seckeys, b.secvals = append(b.seckeys, e.key), append(b.secvals, val)
			continue
		}
		break
	}
	if len(b.seckeys) < 2 {
		return 0, nil
	}
	return ix.Tree.InsertRun(ctx, b.seckeys, b.secvals, func(_ *mtr.MTR, n int) (int, error) {
		tx.db.inserted(ix.Def.ID).Add(1)
		return tx.db.locks.TryInserts(&tx.own, ix.Def.ID, b.seckeys[:n]), nil
	})
}

// Entry implements table.EntryCursor.
func (c *cursor) Entry() ([]row.Datum, error) {
	c.entry, c.entryBuf = c.entry[:0], c.entryBuf[:0]
	key := c.Key()
	for i := range c.ix.Own {
		var d row.Datum
		n, buf, err := row.DecodeKey(&c.ix.Parts[i], key, c.entryBuf, &d)
		if err != nil {
			return nil, err
		}
		c.entryBuf, key = buf, key[n:]
		c.entry = append(c.entry, d)
	}
	return c.entry, nil
}

// Row implements table.RefTable.
func (h *Handle) Row(ctx context.Context, ref table.Ref, cols []int, l table.Lock, p table.WaitPolicy) ([]row.Datum, error) {
	if err := h.usable(false); err != nil {
		return nil, err
	}
	l = h.s.level(l)
	if err := h.claim(ctx, l); err != nil {
		return nil, err
	}
	h.s.work.Examined++
	r := h.s.rd
	need, err := r.wants(h.t, cols)
	if err != nil {
		return nil, err
	}
	r.latest = nil
	r.key = append(r.key[:0], ref...)
	ok, err := h.point(ctx, r, r.key, l, p)
	if err != nil || !ok {
		return nil, err
	}
	h.s.work.Positioned++
	h.fetched(0, 1)
	if err := r.decode(ctx, h.t, r.val, need); err != nil {
		return nil, err
	}
	return r.row, nil
}
