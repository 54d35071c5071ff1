package engine

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/zoryadb/zorya/base/wait"
	"github.com/zoryadb/zorya/engine/btree"
	"github.com/zoryadb/zorya/engine/dict"
	"github.com/zoryadb/zorya/engine/mtr"
	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/engine/undo"
)

// Rows that a statement inserts in key order go in batches: what of a batch lies in one leaf is one record of redo with one undo record,
// and its secondary entries, sorted, are a record for each leaf that they touch. A batch meets nothing that is in its way: the row that has a
// duplicate, must wait for a lock, or needs overflow pages ends it, and goes by itself (Handle.Insert), which knows about all that.
//
// Entries are put after all rows of the batch. If one of them must wait, the batch is taken back and its rows go one by one.
const (
	batchRows   = 16384   // the more, the more entries of a secondary index meet in a leaf
	batchBytes  = 1 << 20 // of encoded rows
	batchUnique = 256     // rows whose unique keys are locked at once
)

// batch is rows on their way. It is pooled.
type batch struct {
	arena    []byte
	keys     [][]byte
	vals     [][]byte
	entries  []entry  // of each row, one for each secondary index
	indexes  []uint64 // ids of those
	sorted   []*entry // of one index
	seckeys  [][]byte
	secvals  [][]byte
	rec      undo.Record
	entryVal [row.EntrySize]byte
}

var batches = sync.Pool{New: func() any { return new(batch) }}

func (b *batch) free() {
	clear(b.entries)
	clear(b.sorted)
	if cap(b.arena) <= 2*batchBytes {
		batches.Put(b)
	}
}

func (b *batch) reset(t *dict.Table) {
	b.arena, b.keys, b.vals, b.entries, b.indexes = b.arena[:0], b.keys[:0], b.vals[:0], b.entries[:0], b.indexes[:0]
	for _, ix := range t.Indexes[1:] {
		b.indexes = append(b.indexes, ix.Def.ID)
	}
}

// sort brings the entries that the first n rows have in the k-th secondary index into b.sorted, in key order.
func (b *batch) sort(k, n int) {
	b.sorted = b.sorted[:0]
	for i := range n {
		b.sorted = append(b.sorted, &b.entries[i*len(b.indexes)+k])
	}
	slices.SortFunc(b.sorted, func(x, y *entry) int { return bytes.Compare(x.key, y.key) })
}

// keep finishes what was appended to the arena behind at; earlier slices keep the arena that it has outgrown.
func (b *batch) keep(at int) []byte { return b.arena[at:len(b.arena):len(b.arena)] }

// InsertRows adds rows in order, as an Insert of each would, and returns how many: an error is that of the row behind them.
func (h *Handle) InsertRows(ctx context.Context, rows [][]row.Datum) (n int, err error) {
	for n < len(rows) {
		if err := wait.Rest(ctx); err != nil {
			return n, err
		}
		k, most := 0, len(rows)-n
		if wait.Crowded(ctx) {
			most = min(most, restRows)
		}
		if most > 1 {
			if k, err = h.insertBatch(ctx, rows[n:n+most]); err != nil {
				return n + k, err
			}
		}
		if k == 0 {
			if err := h.Insert(ctx, rows[n]); err != nil {
				return n, err
			}
			k = 1
		}
		n += k
	}
	return n, nil
}

// insertBatch adds the first of rows, as many as go together; after 0 without an error the first has to go by itself.
func (h *Handle) insertBatch(ctx context.Context, rows [][]row.Datum) (int, error) {
	if err := h.usable(true); err != nil {
		return 0, err
	}
	if h.t.Kinds { // a batch's undo record has one entry of each index for a row
		return 0, nil
	}
	b := batches.Get().(*batch)
	defer b.free()
	n, err := h.collect(ctx, b, rows)
	if err != nil || n < 2 {
		return 0, err
	}
	tx := h.s.tx
	if err := tx.begun(ctx); err != nil {
		return 0, err
	}
	unlock := tx.db.lockUnique(h.t, b.entries)
	defer func() { unlock() }()
	if n, err = h.distinct(ctx, b, n); err != nil || n < 2 {
		return 0, err
	}
	at := tx.mark()
	n, err = h.placeRows(ctx, b, n)
	if err == nil {
		err = h.putEntries(ctx, b, n)
	}
	if err == nil {
		h.s.ops.inserted += uint64(n)
		h.uses.inserted += uint32(n)
	}
	if err == nil || tx.ended {
		return n, err
	}
	if uerr := tx.undoTo(ctx, at); uerr != nil {
		return 0, errors.Join(err, uerr)
	}
	if err != errMet {
		return 0, err
	}
	unlock() // nobody waits for a row's lock under it
	for i := range n {
		if err := h.Insert(ctx, rows[i]); err != nil {
			return i, err
		}
	}
	return n, nil
}

// collect encodes the first of rows whose keys ascend and that are like any other; the first that is not ends the batch.
func (h *Handle) collect(ctx context.Context, b *batch, rows [][]row.Datum) (int, error) {
	b.reset(h.t)
	most := batchRows
	for _, ix := range h.t.Indexes[1:] {
		if ix.Def.Unique {
			most = batchUnique
		}
	}
	for i, r := range rows[:min(len(rows), most)] {
		if h.checkRow(r) != nil || len(b.arena) > batchBytes {
			break
		}
		at := len(b.arena)
		var err error
		if b.arena, err = h.clusteredKey(ctx, b.arena, r); err != nil {
			return 0, err
		}
		key := b.keep(at)
		if h.inlineSize(key, r) > maxInline || len(key) > btree.MaxKey || i > 0 && bytes.Compare(key, b.keys[i-1]) <= 0 {
			break
		}
		long := false
		for ix := 1; ix < len(h.t.Indexes); ix++ {
			var e entry
			b.arena, e = appendEntry(b.arena, h.t, ix, r, key)
			e.row = i
			b.entries = append(b.entries, e)
			long = long || len(e.key) > btree.MaxKey
		}
		if long {
			b.entries = b.entries[:i*len(b.indexes)]
			break
		}
		at = len(b.arena)
		b.arena = h.t.Layout.Encode(b.arena, row.Header{}, r, nil)
		b.keys, b.vals = append(b.keys, key), append(b.vals, b.keep(at))
	}
	return len(b.keys), nil
}

// distinct returns how many of the first n rows have values in the unique secondary indexes that nobody else has, not even deleted.
func (h *Handle) distinct(ctx context.Context, b *batch, n int) (int, error) {
	for k := range b.indexes {
		ix := h.t.Indexes[k+1]
		if !ix.Def.Unique {
			continue
		}
		b.sort(k, n)
		for i, e := range b.sorted {
			if !e.uniq || e.row >= n {
				continue
			}
			if i > 0 && e.own == b.sorted[i-1].own && bytes.Equal(e.key[:e.own], b.sorted[i-1].key[:e.own]) {
				n = min(n, e.row)
				continue
			}
			taken, err := ix.Tree.HasPrefix(ctx, e.key[:e.own])
			if err != nil {
				return 0, err
			}
			if taken {
				n = min(n, e.row)
			}
		}
	}
	return n, nil
}

// placeRows puts the first n rows into their leaves, and returns how many: the next, if there is one, met something.
func (h *Handle) placeRows(ctx context.Context, b *batch, n int) (done int, err error) {
	tx, ix := h.s.tx, h.t.Indexes[0]
	fresh := false
	place := func(m *mtr.MTR, k int) (int, error) {
		tx.db.inserted(ix.Def.ID).Add(1)
		if k = tx.db.locks.TryInserts(&tx.own, ix.Def.ID, b.keys[done:done+k]); k == 0 {
			return 0, errMet
		}
		return b.stamp(tx, m, h.t.ID, done, k, fresh)
	}
	for done < n {
		k, err := ix.Tree.InsertRun(ctx, b.keys[done:n], b.vals[done:n], place)
		switch {
		case err == errRoom:
			if err := tx.log.Extend(ctx); err != nil {
				return done, err
			}
			fresh = true
			continue
		case err == errMet || err == nil && k == 0:
			return done, nil
		case err != nil:
			return done, err
		}
		fresh = false
		h.s.wrote = true
		for _, key := range b.keys[done : done+k] {
			h.t.Touched.Note(key)
		}
		done += k
	}
	return done, nil
}

// stamp writes the undo record of n rows from the one at first on, or of those that fit it, and sets their headers; it returns how many.
// It is the first thing in m to change anything. fresh: the log's tail is empty.
func (b *batch) stamp(tx *Tx, m *mtr.MTR, table uint64, first, n int, fresh bool) (int, error) {
	tx.outdate()
	b.rec.BeginRows(table, tx.seq, b.indexes)
	left, per := tx.log.Left(), len(b.indexes)
	k := 0
	for ; k < n; k++ {
		b.seckeys = b.seckeys[:0]
		for i := range per {
			b.seckeys = append(b.seckeys, b.entries[(first+k)*per+i].key)
		}
		if !b.rec.AddRow(b.keys[first+k], b.seckeys, left) {
			break
		}
	}
	if k < n && 2*k < n && !fresh {
		return 0, errRoom
	}
	if k == 0 {
		return 0, errMet // long keys: one record is too short for the row
	}
	w, err := tx.log.Open(m, tx.ID())
	if err != nil {
		return 0, err
	}
	hd := row.Header{Trx: tx.ID(), Roll: w.Add(&b.rec)}
	w.Close()
	for _, v := range b.vals[first : first+k] {
		row.SetHeader(v, hd)
	}
	tx.own.Weight.Add(int64(k))
	return k, nil
}

// putEntries adds the secondary entries of the first n rows. errMet: something is in the way of one.
func (h *Handle) putEntries(ctx context.Context, b *batch, n int) error {
	tx := h.s.tx
	val := row.AppendEntry(b.entryVal[:0], row.Entry{Trx: tx.ID()})
	for k, id := range b.indexes {
		b.sort(k, n)
		b.seckeys, b.secvals = b.seckeys[:0], b.secvals[:0]
		for _, e := range b.sorted {
			b.seckeys, b.secvals = append(b.seckeys, e.key), append(b.secvals, val)
		}
		done := 0
		for done < n {
			k, err := h.t.Indexes[k+1].Tree.InsertRun(ctx, b.seckeys[done:], b.secvals[done:], func(_ *mtr.MTR, k int) (int, error) {
				tx.db.inserted(id).Add(1)
				return tx.db.locks.TryInserts(&tx.own, id, b.seckeys[done:done+k]), nil
			})
			if err != nil {
				return err
			}
			if k == 0 {
				return errMet
			}
			done += k
		}
	}
	return nil
}

// undoInserts takes back the rows of an Inserts record that are still as it made them: their entries, then the rows.
func (tx *Tx) undoInserts(ctx context.Context, p row.Ptr, rec *undo.Record, partial bool) error {
	db := tx.db
	tree, t, err := db.treeOf(ctx, rec.Table)
	if err != nil || tree == nil {
		return err
	}
	var arena []byte
	var keys [][]byte
	entries := map[uint64][][]byte{} // by index
	keep := func(b []byte) []byte {
		at := len(arena)
		arena = append(arena, b...)
		return arena[at:len(arena):len(arena)]
	}
	var gerr error
	err = rec.EachRow(func(key []byte, secs []undo.SecOp) bool {
		live := false
		_, gerr = tree.Get(ctx, key, func(v []byte) { live = tx.made(v, p) })
		if gerr != nil || !live { // taken back before a crash
			return gerr == nil
		}
		keys = append(keys, keep(key))
		for i := range secs {
			entries[secs[i].Index] = append(entries[secs[i].Index], keep(secs[i].Key))
		}
		return true
	})
	if err = firstErr(gerr, err); err != nil {
		return err
	}
	for id, list := range entries {
		if ix := indexOf(t, id); ix != nil {
			slices.SortFunc(list, bytes.Compare)
			if err := tx.takeOut(ctx, ix.Tree, ix, list, func(v []byte) bool { return tx.mine(trxOf(v)) }); err != nil {
				return err
			}
		}
	}
	var ix *dict.Index
	if t != nil {
		ix = t.Indexes[0]
	}
	if err := tx.takeOut(ctx, tree, ix, keys, func(v []byte) bool { return tx.made(v, p) }); err != nil {
		return err
	}
	tx.own.Weight.Add(-int64(len(keys)))
	if partial {
		// A crash before this takes back the whole transaction, and finds nothing here.
		return db.markRecord(ctx, p)
	}
	return nil
}

// made reports whether the stored row v is the version that the undo record at p tells of.
func (tx *Tx) made(v []byte, p row.Ptr) bool {
	hd, err := row.ParseHeader(v)
	return err == nil && tx.mine(hd.Trx) && hd.Roll == p
}

// takeOut takes entries out of a tree, a record for each leaf, and tells the lock table. keys ascend.
func (tx *Tx) takeOut(ctx context.Context, tree *btree.Tree, ix *dict.Index, keys [][]byte, match func(v []byte) bool) error {
	for rest := keys; len(rest) > 0; {
		n, err := tree.DeleteRun(ctx, rest, func(_ int, v []byte) bool { return match(v) })
		if err != nil {
			return err
		}
		rest = rest[n:]
	}
	for _, key := range keys {
		if ix != nil {
			if err := tx.bequeath(ctx, ix, key); err != nil {
				return err
			}
		}
	}
	return nil
}
