package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/zoryadb/zorya/engine/btree"
	"github.com/zoryadb/zorya/engine/lock"
	"github.com/zoryadb/zorya/engine/mtr"
	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/engine/undo"
)

// errGone says that the row to be changed is not there (any more).
var errGone = errors.New("row to be changed is gone")

// before reads the newest version of the row under ref into rd.val and its columns into rd.row, completed from old: virtual
// columns and long values, which the stored row does not hold. refs are the references of long values, nil if there are none.
func (h *Handle) before(ctx context.Context, ref []byte, old []row.Datum) (refs [][]byte, err error) {
	rd := h.s.wr
	found, err := h.t.Indexes[0].Tree.Get(ctx, ref, rd.copyFn)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, errGone
	}
	hd, err := row.ParseHeader(rd.val)
	if err != nil {
		return nil, err
	}
	if hd.Deleted {
		return nil, errGone
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
	secs, added, marked := h.changedEntries(ref, rd.row, new)
	for i := range added {
		if len(added[i].key) > btree.MaxKey {
			return fmt.Errorf("%w: key of index %s", table.ErrTooBig, h.t.Indexes[added[i].ix].Def.Name)
		}
	}
	same := func(pos int) bool { return !new[pos].Null && bytes.Equal(new[pos].B, rd.row[pos].B) }
	var kept [][]byte
	if refs != nil {
		kept = refs
	}
	if err := h.replace(ctx, ref, new, kept, same, secs, added, marked); err != nil {
		return err
	}
	for i := range marked {
		if marked[i].marked {
			continue
		}
		if err := h.s.tx.markEntry(ctx, h.t.Indexes[marked[i].ix], marked[i].key); err != nil {
			return err
		}
	}
	return nil
}

// changedEntries compares a row's secondary entries before and after.
func (h *Handle) changedEntries(ref []byte, old, new []row.Datum) (secs []undo.SecOp, added, marked []entry) {
	for i := 1; i < len(h.t.Indexes); i++ {
		ix := h.t.Indexes[i]
		touched := false
		for p := range ix.Own {
			a, b := &old[ix.Cols[p]], &new[ix.Cols[p]]
			if a.Null != b.Null || a.N != b.N || !bytes.Equal(a.B, b.B) {
				touched = true
				break
			}
		}
		if !touched {
			continue
		}
		a, b := entryOf(h.t, i, old, ref), entryOf(h.t, i, new, ref)
		if bytes.Equal(a.key, b.key) {
			continue
		}
		marked, added = append(marked, a), append(added, b)
		secs = append(secs, undo.SecOp{Index: ix.Def.ID, Mark: true, Key: a.key}, undo.SecOp{Index: ix.Def.ID, Key: b.key})
	}
	return secs, added, marked
}

// replace puts the new version of the row in place and adds its new entries, marked are those they replace. rd.val holds the version before.
func (h *Handle) replace(ctx context.Context, ref []byte, new []row.Datum, have [][]byte, same func(int) bool, secs []undo.SecOp, added, marked []entry) error {
	tx, rd, ix := h.s.tx, h.s.wr, h.t.Indexes[0]
	c := &change{table: h.t.ID, key: ref}
	var o obstacle
	var dup dupe
	prepared := false
	var val []byte
	for {
		unlock := tx.db.lockUnique(h.t, added)
		err := h.checkUnique(ctx, nil, added, ref, &o, &dup)
		if err == nil && !prepared {
			prepared = true
			var refs [][]byte
			if refs, err = h.writeLong(ctx, ref, new, have, same); err == nil {
				for pos, old := range have {
					if old != nil && (refs == nil || !bytes.Equal(refs[pos], old)) {
						c.extra = append(c.extra, undo.Record{Type: undo.OverOld, Table: h.t.ID, Ref: old})
					}
				}
				c.secs, c.more, err = tx.spill(ctx, h.t.ID, ref, secs)
				err = firstErr(err, h.dropped(c, rd.val))
			}
			val = h.t.Layout.Encode(rd.spare[:0], row.Header{}, new, refs)
			rd.spare = val
		}
		if err == nil {
			err = h.place(ctx, c, val, &o)
		}
		if err == nil {
			h.s.wrote = true
			h.t.Touched.Note(ref)
			return h.insertEntries(ctx, added, marked, ref, unlock)
		}
		unlock()
		switch {
		case err == errDuplicate:
			if err := h.duplicate(ctx, &dup); err != nil {
				return err
			}
		case err == errMet:
			if err := tx.waitFor(ctx, o, table.Wait); err != nil {
				return err
			}
		case errors.Is(err, btree.ErrTooBig):
			return fmt.Errorf("%w: row of %d bytes in index %s", table.ErrTooBig, len(val), ix.Def.Name)
		default:
			return err
		}
	}
}

// place replaces the row's version rd.val by val. The row must be the transaction's to change, or free: then it locks it implicitly.
func (h *Handle) place(ctx context.Context, c *change, val []byte, o *obstacle) error {
	tx, rd, ix := h.s.tx, h.s.wr, h.t.Indexes[0]
	return tx.edit(ctx, ix.Tree, c.key, max(len(val), len(rd.val)), func(m *mtr.MTR, cur []byte, exists bool) (btree.Action, []byte, error) {
		if !exists {
			return 0, nil, errGone
		}
		*o = obstacle{index: ix.Def.ID, key: c.key, mode: lock.Exclusive}
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
		if !bytes.Equal(cur, rd.val) {
			// Somebody changed it since it was read: the caller had no lock on it.
			return 0, nil, errGone
		}
		if err := tx.stamp(m, c, cur, true, val); err != nil {
			return 0, nil, err
		}
		return btree.Put, val, nil
	})
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
	return err
}

func (h *Handle) delete(ctx context.Context, ref []byte, old []row.Datum) error {
	tx, rd := h.s.tx, h.s.wr
	refs, err := h.before(ctx, ref, old)
	if err != nil {
		return err
	}
	c := &change{table: h.t.ID, key: ref, delete: true}
	for _, o := range refs {
		if o != nil {
			c.extra = append(c.extra, undo.Record{Type: undo.OverOld, Table: h.t.ID, Ref: o})
		}
	}
	if err := h.dropped(c, rd.val); err != nil {
		return err
	}
	entries := make([]entry, 0, len(h.t.Indexes)-1)
	secs := make([]undo.SecOp, 0, len(h.t.Indexes)-1)
	for i := 1; i < len(h.t.Indexes); i++ {
		e := entryOf(h.t, i, rd.row, ref)
		entries = append(entries, e)
		secs = append(secs, undo.SecOp{Index: h.t.Indexes[i].Def.ID, Mark: true, Key: e.key})
	}
	if c.secs, c.more, err = tx.spill(ctx, h.t.ID, ref, secs); err != nil {
		return err
	}
	rd.spare = append(rd.spare[:0], rd.val...)
	for {
		var o obstacle
		err := h.place(ctx, c, rd.spare, &o)
		if err == nil {
			break
		}
		if err != errMet {
			return err
		}
		if err := tx.waitFor(ctx, o, table.Wait); err != nil {
			return err
		}
	}
	h.s.wrote = true
	h.t.Touched.Note(ref)
	for i := range entries {
		if err := tx.markEntry(ctx, h.t.Indexes[entries[i].ix], entries[i].key); err != nil {
			return err
		}
	}
	return nil
}
