package engine

import (
	"context"
	"fmt"

	"github.com/zoryadb/zorya/engine/btree"
	"github.com/zoryadb/zorya/engine/dict"
	"github.com/zoryadb/zorya/engine/lock"
	"github.com/zoryadb/zorya/engine/mtr"
	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/engine/table"
)

// putEntry makes or revives a secondary entry. errMet: o tells what is in the way. old (may be nil) is the entry that it
// replaces: if it is in the same leaf it is delete-marked in the same record, and its marked set.
func (tx *Tx) putEntry(ctx context.Context, ix *dict.Index, key []byte, old *entry, o *obstacle) error {
	db, id := tx.db, ix.Def.ID
	var buf [row.EntrySize]byte
	put := func(_ *mtr.MTR, cur []byte, exists bool) (btree.Action, []byte, error) {
		if exists {
			e, err := row.ParseEntry(cur)
			if err != nil {
				return 0, nil, err
			}
			if !e.Deleted {
				return 0, nil, fmt.Errorf("index %s already has the entry of the row: %w", ix.Def.Name, row.ErrCorrupt)
			}
		}
		*o = obstacle{index: id, key: key, mode: lock.Exclusive}
		db.inserted(id).Add(1)
		if !db.locks.TryInsert(&tx.own, id, key) {
			o.gap = true
			return 0, nil, errMet
		}
		if !db.locks.Check(&tx.own, id, key, lock.Exclusive) {
			return 0, nil, errMet
		}
		return btree.Put, row.AppendEntry(buf[:0], row.Entry{Trx: tx.ID()}), nil
	}
	if old == nil {
		_, err := ix.Tree.Edit(ctx, key, row.EntrySize, put, nil)
		return err
	}
	var held obstacle
	mark := tx.marker(ix, old.key, &held)
	locked := false
	also := btree.Also{Key: old.key, Fn: func(m *mtr.MTR, cur []byte, exists bool) (btree.Action, []byte, error) {
		a, v, err := mark(m, cur, exists)
		if locked = err == errMet; locked { // somebody has locked it: markEntry waits
			return btree.Keep, nil, nil
		}
		return a, v, err
	}}
	_, err := ix.Tree.EditBoth(ctx, key, row.EntrySize, put, &also)
	old.marked = err == nil && also.Done && !locked
	return err
}

// markEntry delete-marks a secondary entry of a row that the transaction has changed. A reader may have locked the entry alone.
func (tx *Tx) markEntry(ctx context.Context, ix *dict.Index, key []byte) error {
	for {
		var o obstacle
		_, err := ix.Tree.Edit(ctx, key, row.EntrySize, tx.marker(ix, key, &o), nil)
		if err != errMet {
			return err
		}
		if err := tx.waitFor(ctx, o, table.Wait); err != nil {
			return err
		}
	}
}

// marker marks the entry of key, or sets o and returns errMet.
func (tx *Tx) marker(ix *dict.Index, key []byte, o *obstacle) btree.EditFunc {
	return func(_ *mtr.MTR, cur []byte, exists bool) (btree.Action, []byte, error) {
		if !exists {
			return 0, nil, fmt.Errorf("index %s lacks the entry of a row: %w", ix.Def.Name, row.ErrCorrupt)
		}
		e, err := row.ParseEntry(cur)
		if err != nil {
			return 0, nil, err
		}
		if e.Deleted {
			return 0, nil, fmt.Errorf("index %s: entry of a live row is deleted: %w", ix.Def.Name, row.ErrCorrupt)
		}
		if !tx.db.locks.Check(&tx.own, ix.Def.ID, key, lock.Exclusive) {
			*o = obstacle{index: ix.Def.ID, key: key, mode: lock.Exclusive}
			return 0, nil, errMet
		}
		return btree.Put, row.AppendEntry(make([]byte, 0, row.EntrySize), row.Entry{Trx: tx.ID(), Deleted: true}), nil
	}
}
