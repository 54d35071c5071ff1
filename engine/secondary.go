package engine

import (
	"context"
	"fmt"
	"sync"

	"github.com/zoryadb/zorya/engine/btree"
	"github.com/zoryadb/zorya/engine/dict"
	"github.com/zoryadb/zorya/engine/lock"
	"github.com/zoryadb/zorya/engine/mtr"
	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/engine/undo"
)

// writer is a reader that also changes rows. It owns what a change needs on its way through the trees, so that one costs no allocation: the
// functions that run under latches are bound once, and find their arguments here.
type writer struct {
	reader
	t *dict.Table

	// The row change at hand, its entries, and what it met.
	c       change
	entries []entry
	marked  []entry // those that go; the first paired of them are replaced by the entries at the same places
	paired  int
	secs    []undo.SecOp
	arena   []byte // of the entries' keys
	o       obstacle
	dup     dupe

	// The secondary entry at hand.
	ix      *dict.Index
	key2    []byte
	gone    *entry // that it replaces, nil: none
	held    bool   // somebody has locked gone
	also    btree.Also
	buf     [row.EntrySize]byte
	markBuf [row.EntrySize]byte

	insertFn, replaceFn, putFn, markFn btree.EditFunc
}

var writers = sync.Pool{New: func() any {
	w := &writer{}
	w.bind()
	w.insertFn, w.replaceFn, w.putFn, w.markFn = w.placeNew, w.placeOver, w.put, w.mark
	w.also.Fn = w.markAlso
	return w
}}

func newWriter(s *Stmt) *writer {
	w := writers.Get().(*writer)
	w.s, w.showOwn = s, true
	return w
}

func (w *writer) free() {
	w.rest()
	w.t, w.ix, w.gone, w.key2, w.c, w.o, w.dup = nil, nil, nil, nil, change{extra: w.c.extra[:0]}, obstacle{}, dupe{}
	clear(w.c.extra[:cap(w.c.extra)])
	if cap(w.arena) > 1<<20 { // a long text's words
		w.arena, w.entries, w.marked, w.secs = nil, nil, nil, nil
	}
	writers.Put(w)
}

// begin forgets the change before.
func (w *writer) begin(t *dict.Table, key []byte) *change {
	w.t, w.c = t, change{table: t.ID, key: key, extra: w.c.extra[:0]}
	w.entries, w.marked, w.secs, w.arena, w.paired = w.entries[:0], w.marked[:0], w.secs[:0], w.arena[:0], 0
	return &w.c
}

// entryOf makes the entry of a row in index i; its key lasts as long as the change.
func (w *writer) entryOf(i int, r []row.Datum, ref []byte) (e entry) {
	w.arena, e = appendEntry(w.arena, w.t, i, r, ref)
	return e
}

// putEntry makes or revives a secondary entry. errMet: w.o tells what is in the way. gone (may be nil) is the entry that it
// replaces: if it is in the same leaf it is delete-marked in the same record, and its marked set.
func (w *writer) putEntry(ctx context.Context, ix *dict.Index, key []byte, gone *entry) (err error) {
	w.ix, w.key2, w.gone, w.held = ix, key, gone, false
	if gone == nil {
		_, err = ix.Tree.Edit(ctx, key, row.EntrySize, w.putFn, nil)
		return err
	}
	w.also.Key = gone.key
	_, err = ix.Tree.EditBoth(ctx, key, row.EntrySize, w.putFn, &w.also)
	gone.marked = err == nil && w.also.Done && !w.held
	return err
}

func (w *writer) put(_ *mtr.MTR, cur []byte, exists bool) (btree.Action, []byte, error) {
	tx, id := w.s.tx, w.ix.Def.ID
	if exists {
		e, err := row.ParseEntry(cur)
		if err != nil {
			return 0, nil, err
		}
		if !e.Deleted {
			return 0, nil, fmt.Errorf("index %s already has the entry of the row: %w", w.ix.Def.Name, row.ErrCorrupt)
		}
	}
	w.o = obstacle{ix: w.ix, key: w.key2, mode: lock.Exclusive}
	tx.db.inserted(id).Add(1)
	if !tx.db.locks.TryInsert(&tx.own, id, w.key2) {
		w.o.gap = true
		return 0, nil, errMet
	}
	if !tx.db.locks.Check(&tx.own, id, w.key2, lock.Exclusive) {
		return 0, nil, errMet
	}
	return btree.Put, row.AppendEntry(w.buf[:0], row.Entry{Trx: tx.ID()}), nil
}

// markAlso marks w.gone beside the entry that takes its place, if nobody has locked it: else markEntry waits.
func (w *writer) markAlso(_ *mtr.MTR, cur []byte, exists bool) (btree.Action, []byte, error) {
	a, v, err := w.markOne(w.gone.key, cur, exists)
	if w.held = err == errMet; w.held {
		return btree.Keep, nil, nil
	}
	return a, v, err
}

// markEntry delete-marks a secondary entry of a row that the transaction has changed. A reader may have locked the entry alone.
func (w *writer) markEntry(ctx context.Context, ix *dict.Index, key []byte) error {
	for {
		w.ix, w.key2 = ix, key
		_, err := ix.Tree.Edit(ctx, key, row.EntrySize, w.markFn, nil)
		if err != errMet {
			return err
		}
		if err := w.s.tx.waitFor(ctx, w.o, table.Wait); err != nil {
			return err
		}
	}
}

func (w *writer) mark(_ *mtr.MTR, cur []byte, exists bool) (btree.Action, []byte, error) {
	return w.markOne(w.key2, cur, exists)
}

// markOne marks the entry of key in w.ix, or sets w.o and returns errMet.
func (w *writer) markOne(key, cur []byte, exists bool) (btree.Action, []byte, error) {
	tx, ix := w.s.tx, w.ix
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
		w.o = obstacle{ix: ix, key: key, mode: lock.Exclusive}
		return 0, nil, errMet
	}
	return btree.Put, row.AppendEntry(w.markBuf[:0], row.Entry{Trx: tx.ID(), Deleted: true}), nil
}
