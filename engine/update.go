package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/zoryadb/zorya/engine/btree"
	"github.com/zoryadb/zorya/engine/dict"
	"github.com/zoryadb/zorya/engine/lock"
	"github.com/zoryadb/zorya/engine/mtr"
	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/engine/undo"
)

// before reads the newest version of the row under ref into rd.val and its columns into rd.row, completed from old: virtual
// columns and long values, which the stored row does not hold. refs are the references of long values, nil if there are none.
func (h *Handle) before(ctx context.Context, ref []byte, old []row.Datum) (refs [][]byte, err error) {
	rd := h.s.wr
	if got := h.s.rd; got.latest == h.t && bytes.Equal(got.key, ref) {
		rd.val = append(rd.val[:0], got.val...)
	} else if found, err := h.t.Indexes[0].Tree.Get(ctx, ref, rd.copyFn); err != nil {
		return nil, err
	} else if !found {
		return nil, table.ErrGone
	}
	hd, err := row.ParseHeader(rd.val)
	if err != nil {
		return nil, err
	}
	if hd.Deleted {
		return nil, table.ErrGone
	}
	n := len(h.t.Columns)
	if cap(rd.row) < n {
		rd.row = make([]row.Datum, n)
	}
	rd.row, rd.over = rd.row[:n], rd.over[:0]
	if err := h.t.Layout.Decode(rd.val, rd.row, nil, rd.overFn); err != nil {
		return nil, err
	}
	if len(old) == n {
		for i := range h.t.Columns {
			if h.t.Columns[i].Virtual {
				rd.row[i] = old[i]
			}
		}
		for _, o := range rd.over {
			rd.row[o.pos] = old[o.pos]
		}
	} else if len(rd.over) > 0 {
		return nil, fmt.Errorf("change of a row with long values: %d datums of the old row", len(old))
	}
	if len(rd.over) > 0 {
		refs = make([][]byte, n)
		for _, o := range rd.over {
			refs[o.pos] = bytes.Clone(o.ref)
		}
	}
	return refs, nil
}

// dropped adds the long values of dropped columns, which the next version of the row val does not have, to what purge frees.
func (h *Handle) dropped(c *change, val []byte) error {
	return h.t.Layout.Dropped(val, func(ref []byte) {
		c.extra = append(c.extra, undo.Record{Type: undo.OverOld, Table: h.t.ID, Ref: bytes.Clone(ref)})
	})
}

// Update replaces a row.
func (h *Handle) Update(ctx context.Context, ref table.Ref, old, new []row.Datum) error {
	if err := h.usable(true); err != nil {
		return err
	}
	if err := h.checkRow(new); err != nil {
		return err
	}
	tx := h.s.tx
	if err := tx.begun(ctx); err != nil {
		return err
	}
	at := tx.mark()
	err := h.update(ctx, ref, old, new)
	if err != nil && !tx.ended {
		if uerr := tx.undoTo(ctx, at); uerr != nil {
			return errors.Join(err, uerr)
		}
	}
	if err == nil {
		h.s.ops.updated++
		h.uses.updated++
	}
	return err
}

func (h *Handle) update(ctx context.Context, ref []byte, old, new []row.Datum) error {
	rd := h.s.wr
	if !h.t.Indexes[0].Def.Hidden {
		key, err := h.clusteredKey(ctx, nil, new)
		if err != nil {
			return err
		}
		if !bytes.Equal(key, ref) {
			return h.move(ctx, ref, key, old, new)
		}
	}
	refs, err := h.before(ctx, ref, old)
	if err != nil {
		return err
	}
	rd.begin(h.t, ref)
	rd.changedEntries(ref, rd.row, new)
	for i := range rd.entries {
		if e := &rd.entries[i]; len(e.key) > btree.MaxKey {
			return fmt.Errorf("%w: key of index %s", table.ErrTooBig, h.t.Indexes[e.ix].Def.Name)
		}
	}
	same := func(pos int) bool { return !new[pos].Null && bytes.Equal(new[pos].B, rd.row[pos].B) }
	var kept [][]byte
	if refs != nil {
		kept = refs
	}
	if err := h.replace(ctx, ref, new, kept, same); err != nil {
		return err
	}
	for i := range rd.marked {
		e := &rd.marked[i]
		if e.marked {
			continue
		}
		if err := rd.markEntry(ctx, h.t.Indexes[e.ix], e.key); err != nil {
			return err
		}
	}
	return nil
}

// changedEntries compares a row's secondary entries before and after: into entries go the new ones, into marked those they replace.
func (w *writer) changedEntries(ref []byte, old, new []row.Datum) {
	for i := 1; i < len(w.t.Indexes); i++ {
		ix := w.t.Indexes[i]
		if ix.Extract != nil || !touches(ix, old, new) {
			continue
		}
		a, b := w.entryOf(i, old, ref), w.entryOf(i, new, ref)
		if bytes.Equal(a.key, b.key) {
			continue
		}
		w.marked, w.entries = append(w.marked, a), append(w.entries, b)
		w.secs = append(w.secs, undo.SecOp{Index: ix.Def.ID, Mark: true, Key: a.key}, undo.SecOp{Index: ix.Def.ID, Key: b.key})
	}
	if w.paired = len(w.entries); w.t.Kinds {
		w.changedKinds(ref, old, new)
	}
}

// touches reports whether a change of a row changes columns that an index's entries are made of.
func touches(ix *dict.Index, old, new []row.Datum) bool {
	for _, c := range ix.From {
		a, b := &old[c], &new[c]
		if a.Null != b.Null || a.N != b.N || !bytes.Equal(a.B, b.B) {
			return true
		}
	}
	return false
}

// replace puts the new version of the row in place and adds its new entries. rd.val holds the version before.
func (h *Handle) replace(ctx context.Context, ref []byte, new []row.Datum, have [][]byte, same func(int) bool) error {
	tx, rd, ix := h.s.tx, h.s.wr, h.t.Indexes[0]
	c := &rd.c
	prepared := false
	for {
		unlock := tx.db.lockUnique(h.t, rd.entries)
		err := h.checkUnique(ctx, nil, rd.entries, ref, &rd.o, &rd.dup)
		if err == nil && !prepared {
			prepared = true
			var refs [][]byte
			if refs, err = h.writeLong(ctx, ref, new, have, same); err == nil {
				for pos, old := range have {
					if old != nil && (refs == nil || !bytes.Equal(refs[pos], old)) {
						c.extra = append(c.extra, undo.Record{Type: undo.OverOld, Table: h.t.ID, Ref: old})
					}
				}
				c.secs, c.more, err = tx.spill(ctx, h.t.ID, ref, rd.secs)
				err = firstErr(err, h.dropped(c, rd.val))
			}
			rd.spare = h.t.Layout.Encode(rd.spare[:0], row.Header{}, new, refs)
		}
		if err == nil {
			err = h.place(ctx)
		}
		if err == nil {
			h.s.wrote = true
			h.t.Touched.Note(ref)
			return h.insertEntries(ctx, rd.entries, ref, unlock)
		}
		unlock()
		switch {
		case err == errDuplicate:
			if err := h.duplicate(ctx, &rd.dup); err != nil {
				return err
			}
		case err == errMet:
			if err := tx.waitFor(ctx, rd.o, table.Wait); err != nil {
				return err
			}
		case errors.Is(err, btree.ErrTooBig):
			return fmt.Errorf("%w: row of %d bytes in index %s", table.ErrTooBig, len(rd.spare), ix.Def.Name)
		default:
			return err
		}
	}
}

// place replaces the row's version rd.val by rd.spare. The row must be the transaction's to change, or free: then it locks it implicitly.
func (h *Handle) place(ctx context.Context) error {
	rd := h.s.wr
	return h.s.tx.edit(ctx, h.t.Indexes[0].Tree, rd.c.key, max(len(rd.spare), len(rd.val)), rd.replaceFn)
}

// placeOver is place under the leaf's latch.
func (w *writer) placeOver(m *mtr.MTR, cur []byte, exists bool) (btree.Action, []byte, error) {
	tx, ix, c, o := w.s.tx, w.t.Indexes[0], &w.c, &w.o
	if !exists {
		return 0, nil, table.ErrGone
	}
	*o = obstacle{ix: ix, key: c.key, mode: lock.Exclusive}
	if trx := trxOf(cur); !tx.mine(trx) {
		end := tx.db.txns.End(trx)
		if end == 0 {
			o.holder = trx
			return 0, nil, errMet
		}
		tx.dep = max(tx.dep, end)
	}
	if !tx.db.locks.Check(&tx.own, ix.Def.ID, c.key, lock.Exclusive) {
		return 0, nil, errMet
	}
	if !bytes.Equal(cur, w.val) {
		// Somebody changed it since it was read: the caller had no lock on it.
		return 0, nil, table.ErrGone
	}
	if err := tx.stamp(m, c, cur, true, w.spare); err != nil {
		return 0, nil, err
	}
	return btree.Put, w.spare, nil
}

// move gives a row another clustered key: it goes and comes anew.
func (h *Handle) move(ctx context.Context, ref, key []byte, old, new []row.Datum) error {
	if err := h.delete(ctx, ref, old); err != nil {
		return err
	}
	return h.insert(ctx, key, new, ref)
}

// Delete removes a row: it is delete-marked, and purge takes it out when nobody sees it any more.
func (h *Handle) Delete(ctx context.Context, ref table.Ref, old []row.Datum) error {
	if err := h.usable(true); err != nil {
		return err
	}
	tx := h.s.tx
	if err := tx.begun(ctx); err != nil {
		return err
	}
	at := tx.mark()
	err := h.delete(ctx, ref, old)
	if err != nil && !tx.ended {
		if uerr := tx.undoTo(ctx, at); uerr != nil {
			return errors.Join(err, uerr)
		}
	}
	if err == nil {
		h.s.ops.deleted++
		h.uses.deleted++
	}
	return err
}

func (h *Handle) delete(ctx context.Context, ref []byte, old []row.Datum) error {
	tx, rd := h.s.tx, h.s.wr
	refs, err := h.before(ctx, ref, old)
	if err != nil {
		return err
	}
	c := rd.begin(h.t, ref)
	c.delete = true
	for _, o := range refs {
		if o != nil {
			c.extra = append(c.extra, undo.Record{Type: undo.OverOld, Table: h.t.ID, Ref: o})
		}
	}
	if err := h.dropped(c, rd.val); err != nil {
		return err
	}
	rd.allEntries(rd.row, ref)
	for i := range rd.entries {
		e := &rd.entries[i]
		rd.secs = append(rd.secs, undo.SecOp{Index: h.t.Indexes[e.ix].Def.ID, Mark: true, Key: e.key})
	}
	if c.secs, c.more, err = tx.spill(ctx, h.t.ID, ref, rd.secs); err != nil {
		return err
	}
	rd.spare = append(rd.spare[:0], rd.val...)
	for {
		err := h.place(ctx)
		if err == nil {
			break
		}
		if err != errMet {
			return err
		}
		if err := tx.waitFor(ctx, rd.o, table.Wait); err != nil {
			return err
		}
	}
	h.s.wrote = true
	h.t.Touched.Note(ref)
	for i := range rd.entries {
		e := &rd.entries[i]
		if err := rd.markEntry(ctx, h.t.Indexes[e.ix], e.key); err != nil {
			return err
		}
	}
	return nil
}
