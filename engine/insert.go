package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"slices"
	"sync/atomic"

	"github.com/zoryadb/zorya/engine/btree"
	"github.com/zoryadb/zorya/engine/dict"
	"github.com/zoryadb/zorya/engine/lock"
	"github.com/zoryadb/zorya/engine/mtr"
	"github.com/zoryadb/zorya/engine/overflow"
	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/engine/undo"
)

// Bounds of what a leaf holds of a row; longer values go to overflow pages, the longest first.
const (
	maxInline = 7000 // bytes of a row in its leaf, key included
	keepShort = 40   // values up to this stay in the leaf
)

// inserted counts the inserts begun in an index.
func (db *DB) inserted(index uint64) *atomic.Uint64 {
	return &db.inserts[index%uint64(len(db.inserts))]
}

var seed = maphash.MakeSeed()

// met is a sentinel error: an EditFunc met an obstacle, or a duplicate.
var (
	errMet       = errors.New("obstacle")
	errDuplicate = errors.New("duplicate key")
)

// entry is one secondary entry of a row.
type entry struct {
	ix   int
	key  []byte
	own  int  // length of the index's own parts
	uniq bool // unique, and none of its parts is NULL
	row  int  // of a batch

	marked bool // the old entry of an update: it is delete-marked
}

// entryOf makes the entry of a row in index i.
func entryOf(t *dict.Table, i int, r []row.Datum, ref []byte) entry {
	_, e := appendEntry(nil, t, i, r, ref)
	return e
}

// appendEntry makes the entry of a row in index i; its key is appended to dst, and ends with ref.
func appendEntry(dst []byte, t *dict.Table, i int, r []row.Datum, ref []byte) ([]byte, entry) {
	ix, at := t.Indexes[i], len(dst)
	e := entry{ix: i, uniq: ix.Def.Unique}
	for p := range ix.Own {
		d := &r[ix.Cols[p]]
		e.uniq = e.uniq && !d.Null
		dst = row.AppendKey(dst, &ix.Parts[p], d)
	}
	e.own = len(dst) - at
	dst = append(dst, ref...)
	e.key = dst[at:len(dst):len(dst)]
	return dst, e
}

// clusteredKey makes a row's clustered key; a hidden one is a new row id.
func (h *Handle) clusteredKey(ctx context.Context, dst []byte, r []row.Datum) ([]byte, error) {
	ix := h.t.Indexes[0]
	if ix.Def.Hidden {
		id, err := h.s.tx.db.rowIDs.take(ctx)
		if err != nil {
			return nil, err
		}
		d := row.FromUint(id)
		return row.AppendKey(dst, &ix.Parts[0], &d), nil
	}
	for p := range ix.Parts {
		dst = row.AppendKey(dst, &ix.Parts[p], &r[ix.Cols[p]])
	}
	return dst, nil
}

func (h *Handle) checkRow(r []row.Datum) error {
	if len(r) != len(h.t.Columns) {
		return fmt.Errorf("row of %d datums for the %d columns of %s.%s", len(r), len(h.t.Columns), h.t.Schema, h.t.Name)
	}
	for i := range r {
		if c := &h.t.Columns[i]; r[i].Null && !c.Nullable && !c.Virtual {
			return fmt.Errorf("%w: %s", table.ErrNotNull, c.Name)
		}
	}
	return nil
}

// Insert adds a row.
func (h *Handle) Insert(ctx context.Context, r []row.Datum) error {
	if err := h.usable(true); err != nil {
		return err
	}
	if err := h.checkRow(r); err != nil {
		return err
	}
	rd := h.s.wr
	key, err := h.clusteredKey(ctx, rd.key[:0], r)
	if err != nil {
		return err
	}
	rd.key = key
	if err := h.insert(ctx, key, r, nil); err != nil {
		return err
	}
	h.s.ops.inserted++
	h.uses.inserted++
	return nil
}

// insert adds a row under its clustered key. Entries of the row skip (may be nil) do not count as duplicates: they are
// about to go. After an error nothing is left behind.
func (h *Handle) insert(ctx context.Context, key []byte, r []row.Datum, skip []byte) error {
	tx := h.s.tx
	if err := tx.begun(ctx); err != nil {
		return err
	}
	w := h.s.wr
	w.begin(h.t, key)
	w.allEntries(r, key)
	for i := range w.entries {
		e := &w.entries[i]
		if len(e.key) > btree.MaxKey {
			return fmt.Errorf("%w: key of index %s", table.ErrTooBig, h.t.Indexes[e.ix].Def.Name)
		}
		w.secs = append(w.secs, undo.SecOp{Index: h.t.Indexes[e.ix].Def.ID, Key: e.key})
	}
	at := tx.mark()
	err := h.insertRow(ctx, key, r, skip)
	if err != nil && !tx.ended {
		if uerr := tx.undoTo(ctx, at); uerr != nil {
			return errors.Join(err, uerr)
		}
	}
	return err
}

// insertRow inserts the row whose change and entries h.s.wr holds.
func (h *Handle) insertRow(ctx context.Context, key []byte, r []row.Datum, skip []byte) error {
	tx, ix, w := h.s.tx, h.t.Indexes[0], h.s.wr
	var refs [][]byte
	c := &w.c
	prepared := false
	for {
		unlock := tx.db.lockUnique(h.t, w.entries)
		err := h.checkUnique(ctx, key, w.entries, skip, &w.o, &w.dup)
		if err == nil {
			if !prepared {
				if refs, err = h.writeLong(ctx, key, r, nil, nil); err == nil {
					c.secs, c.more, err = tx.spill(ctx, h.t.ID, key, w.secs)
				}
				prepared = true
			}
			if err == nil {
				w.val = h.t.Layout.Encode(w.val[:0], row.Header{}, r, refs)
				err = tx.edit(ctx, ix.Tree, key, len(w.val), w.insertFn)
			}
		}
		if err == nil {
			h.s.wrote = true
			h.t.Touched.Note(key)
			return h.insertEntries(ctx, w.entries, skip, unlock)
		}
		unlock()
		switch {
		case err == errDuplicate:
			if w.dup.ref == nil {
				w.dup = dupe{index: 0, ref: key}
			}
			if err := h.duplicate(ctx, &w.dup); err != nil {
				return err
			}
			w.dup = dupe{} // it has gone meanwhile
		case err == errMet:
			if err := tx.waitFor(ctx, w.o, table.Wait); err != nil {
				return err
			}
		case errors.Is(err, btree.ErrTooBig):
			return fmt.Errorf("%w: row of %d bytes", table.ErrTooBig, len(w.val))
		default:
			return err
		}
	}
}

// placeNew puts the row in w.val under w.c.key unless something is in the way. It runs under the leaf's latch.
func (w *writer) placeNew(m *mtr.MTR, cur []byte, exists bool) (btree.Action, []byte, error) {
	tx, ix, c, o := w.s.tx, w.t.Indexes[0], &w.c, &w.o
	db := tx.db
	*o = obstacle{ix: ix, key: c.key, mode: lock.Exclusive}
	if exists {
		hd, err := row.ParseHeader(cur)
		if err != nil {
			return 0, nil, err
		}
		if !tx.mine(hd.Trx) {
			end := db.txns.End(hd.Trx)
			if end == 0 {
				o.holder = hd.Trx
				if !hd.Deleted {
					o.mode = lock.Shared
				}
				return 0, nil, errMet
			}
			tx.dep = max(tx.dep, end)
		}
		if !hd.Deleted {
			return 0, nil, errDuplicate
		}
	} else {
		db.inserted(ix.Def.ID).Add(1)
		if !db.locks.TryInsert(&tx.own, ix.Def.ID, c.key) {
			o.gap = true
			return 0, nil, errMet
		}
	}
	if !db.locks.Check(&tx.own, ix.Def.ID, c.key, lock.Exclusive) {
		return 0, nil, errMet
	}
	if err := tx.stamp(m, c, cur, exists, w.val); err != nil {
		return 0, nil, err
	}
	return btree.Put, w.val, nil
}

// insertEntries adds the row's secondary entries; the first w.paired of them replace those of w.marked. unlock gives back the locks of its unique keys; while it waits it holds none.
func (h *Handle) insertEntries(ctx context.Context, entries []entry, skip []byte, unlock func()) error {
	defer func() { unlock() }()
	tx, w := h.s.tx, h.s.wr
	for i := 0; i < len(entries); i++ {
		e := &entries[i]
		if h.t.Indexes[e.ix].Extract != nil {
			n, err := h.putRun(ctx, entries[i:])
			if err != nil {
				return err
			}
			if n > 0 {
				i += n - 1
				continue
			}
		}
		for {
			var gone *entry
			if i < w.paired {
				gone = &w.marked[i]
			}
			err := w.putEntry(ctx, h.t.Indexes[e.ix], e.key, gone)
			if err == nil {
				break
			}
			if err != errMet {
				return err
			}
			unlock()
			unlock = func() {}
			if err := tx.waitFor(ctx, w.o, table.Wait); err != nil {
				return err
			}
			if e.uniq {
				// Somebody may have taken the value while the lock was away.
				for {
					w.dup = dupe{}
					unlock = tx.db.lockUnique(h.t, entries[i:])
					err := h.checkEntry(ctx, e, skip, &w.o, &w.dup)
					if err == nil {
						break
					}
					unlock()
					unlock = func() {}
					if err == errDuplicate {
						if err := h.duplicate(ctx, &w.dup); err != nil {
							return err
						}
					} else if err != errMet {
						return err
					} else if err := tx.waitFor(ctx, w.o, table.Wait); err != nil {
						return err
					}
				}
			}
		}
	}
	return nil
}

// lockUnique takes the locks under which the unique entries are checked and inserted, in order; they are short.
func (db *DB) lockUnique(t *dict.Table, entries []entry) (unlock func()) {
	var at []int
	for i := range entries {
		if e := &entries[i]; e.uniq {
			n := maphash.Bytes(seed, e.key[:e.own]) + t.Indexes[e.ix].Def.ID
			at = append(at, int(n%uint64(len(db.unique))))
		}
	}
	if at == nil {
		return func() {}
	}
	slices.Sort(at)
	at = slices.Compact(at)
	for _, i := range at {
		db.unique[i].Lock()
	}
	done := false
	return func() {
		if !done {
			done = true
			for _, i := range at {
				db.unique[i].Unlock()
			}
		}
	}
}

// dupe is a duplicate that was found: the existing row's clustered key.
type dupe struct {
	index int
	ref   []byte
	key   []byte // of its entry in a secondary index
}

// checkUnique looks for rows that have one of the unique keys, the clustered one first. It answers errDuplicate with
// dup set, or errMet with o set when it depends on a transaction that is at work.
func (h *Handle) checkUnique(ctx context.Context, key []byte, entries []entry, skip []byte, o *obstacle, dup *dupe) error {
	*dup = dupe{}
	any := false
	for i := range entries {
		any = any || entries[i].uniq
	}
	if !any {
		return nil // placing the row tells
	}
	tx := h.s.tx
	if key != nil {
		var hd row.Header
		var herr error
		found, err := h.t.Indexes[0].Tree.Get(ctx, key, func(v []byte) { hd, herr = row.ParseHeader(v) })
		if err := firstErr(err, herr); err != nil {
			return err
		}
		if found && !hd.Deleted && (tx.mine(hd.Trx) || tx.db.txns.End(hd.Trx) != 0) {
			*dup = dupe{index: 0, ref: key}
			return errDuplicate
		}
	}
	for i := range entries {
		if entries[i].uniq {
			if err := h.checkEntry(ctx, &entries[i], skip, o, dup); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkEntry looks for another row's live entry with e's value. As InnoDB does at every isolation level, it locks the entries of that
// value that it comes by, deleted ones too, with the gaps before them and after the last.
func (h *Handle) checkEntry(ctx context.Context, e *entry, skip []byte, o *obstacle, dup *dupe) error {
	tx, ix := h.s.tx, h.t.Indexes[e.ix]
	low := e.key[:e.own]
	high, _ := row.Successor(nil, low)
	c := ix.Tree.Scan(btree.ScanOptions{Low: low, High: high, Batch: 1024})
	defer c.Close()
	var last []byte
	for c.Next(ctx) {
		v, err := row.ParseEntry(c.Value())
		if err != nil {
			return fmt.Errorf("index %s: %w", ix.Def.Name, err)
		}
		ref := c.Key()[e.own:]
		if skip != nil && bytes.Equal(ref, skip) {
			continue
		}
		if !tx.mine(v.Trx) && tx.db.txns.End(v.Trx) == 0 {
			*o = obstacle{ix: ix, key: bytes.Clone(c.Key()), holder: v.Trx, mode: h.s.collision()}
			return errMet
		}
		if !v.Deleted {
			*dup = dupe{index: e.ix, ref: bytes.Clone(ref), key: bytes.Clone(c.Key())}
			return errDuplicate
		}
		if !tx.db.locks.Try(&tx.own, ix.Def.ID, c.Key(), h.s.collision()) {
			*o = obstacle{ix: ix, key: bytes.Clone(c.Key()), mode: h.s.collision()}
			return errMet
		}
		if err := tx.lockBefore(ctx, ix, c.Key()); err != nil {
			return err
		}
		last = append(last[:0], c.Key()...)
	}
	if err := c.Err(); err != nil || last == nil || tx.db.broken(mutantNoGaps) {
		return err
	}
	above, err := neighbour(ctx, ix, after(last), false)
	if err == nil {
		tx.lockBetween(ix, last, above, false)
	}
	return err
}

// collision is the mode in which an insert locks what it collides with.
func (s *Stmt) collision() lock.Mode {
	if s.overwrites {
		return lock.Exclusive
	}
	return lock.Shared
}

// duplicate locks what the row collides with, as InnoDB does: the existing row, or its entry in the secondary index with the gap before
// it, and the row too if the statement goes on with it. It makes the error; nil when the row has gone meanwhile.
func (h *Handle) duplicate(ctx context.Context, d *dupe) error {
	tx, m := h.s.tx, h.s.collision()
	rd := newReader(h.s, true)
	defer rd.free()
	if d.index != 0 {
		ix := h.t.Indexes[d.index]
		found, err := rd.lock(ctx, ix, d.key, m, table.Wait)
		if err != nil || !found {
			return err
		}
		if e, err := row.ParseEntry(rd.val); err != nil || e.Deleted {
			return err
		}
		if err := tx.lockBefore(ctx, ix, d.key); err != nil {
			return err
		}
	}
	var found bool
	var err error
	if d.index == 0 || m == lock.Exclusive {
		found, err = rd.lock(ctx, h.t.Indexes[0], d.ref, m, table.Wait)
	} else {
		found, err = h.t.Indexes[0].Tree.Get(ctx, d.ref, rd.copyFn)
	}
	if err != nil || !found {
		return err
	}
	if hd, err := row.ParseHeader(rd.val); err != nil || hd.Deleted && d.index == 0 {
		return err
	}
	if err := rd.decode(ctx, h.t, rd.val, nil); err != nil {
		return err
	}
	e := &table.DuplicateKey{Table: &h.t.Def, Index: d.index, Ref: bytes.Clone(d.ref)}
	var buf []byte
	e.Row = copyRow(&buf, nil, rd.row)
	for _, p := range h.t.Indexes[d.index].Def.Parts {
		e.Key = append(e.Key, e.Row[p.Column])
	}
	return e
}

// spill keeps a row change's secondary operations for its undo record, or, when they are too long for one, writes them ahead of it.
func (tx *Tx) spill(ctx context.Context, id uint64, key []byte, secs []undo.SecOp) (keep []undo.SecOp, more bool, err error) {
	const most = 2000
	size := 0
	for i := range secs {
		size += len(secs[i].Key) + 13
	}
	if size <= most {
		return secs, false, nil
	}
	for len(secs) > 0 {
		n, size := 0, 0
		for n < len(secs) && (n == 0 || size+len(secs[n].Key) < 4*most) {
			size += len(secs[n].Key) + 13
			n++
		}
		if err := tx.note(ctx, &undo.Record{Type: undo.Secs, Table: id, Key: key, Seq: tx.seq, Secs: secs[:n]}); err != nil {
			return nil, false, err
		}
		secs = secs[n:]
	}
	return nil, true, nil
}

// writeLong writes the values that are too long for the leaf and returns their references by position, nil when there are none.
// have, if not nil, holds references of values that need not be written again.
func (h *Handle) writeLong(ctx context.Context, key []byte, r []row.Datum, have [][]byte, keep func(pos int) bool) ([][]byte, error) {
	return h.writeLongBy(ctx, key, r, have, keep, h.writeOne)
}

// writeLongBy is writeLong with another way to write one value.
func (h *Handle) writeLongBy(ctx context.Context, key []byte, r []row.Datum, have [][]byte, keep func(pos int) bool,
	one func(ctx context.Context, v []byte) ([]byte, error)) ([][]byte, error) {
	t := h.t
	total := h.inlineSize(key, r)
	var refs [][]byte
	for i := range have {
		if c := &t.Columns[i]; !c.Virtual && have[i] != nil && keep(i) {
			if refs == nil {
				refs = make([][]byte, len(r))
			}
			refs[i] = have[i]
			total += overflow.RefSize + 1 - row.InlineSize(c.Class, &r[i])
		}
	}
	for total > maxInline {
		best := -1
		for i := range r {
			if c := &t.Columns[i]; !c.Virtual && c.Class == row.Bytes && !r[i].Null && len(r[i].B) > keepShort &&
				(refs == nil || refs[i] == nil) && (best < 0 || len(r[i].B) > len(r[best].B)) {
				best = i
			}
		}
		if best < 0 {
			return nil, fmt.Errorf("%w: row of %d bytes", table.ErrTooBig, total)
		}
		ref, err := one(ctx, r[best].B)
		if err != nil {
			return nil, err
		}
		if refs == nil {
			refs = make([][]byte, len(r))
		}
		refs[best] = ref
		total += overflow.RefSize + 1 - row.InlineSize(row.Bytes, &r[best])
	}
	return refs, nil
}

// inlineSize bounds the bytes of a row in its leaf, key included, if none of its values goes elsewhere.
func (h *Handle) inlineSize(key []byte, r []row.Datum) int {
	n := len(key) + row.HeaderSize + 4 + (len(h.t.Columns)+7)/8*2
	for i := range r {
		if c := &h.t.Columns[i]; !c.Virtual {
			n += row.InlineSize(c.Class, &r[i])
		}
	}
	return n
}

// writeOne writes one long value; its undo record is in the MTR that begins it.
func (h *Handle) writeOne(ctx context.Context, b []byte) ([]byte, error) {
	tx, ix := h.s.tx, h.t.Indexes[0]
	if uint64(len(b)) > 1<<32-1 {
		return nil, fmt.Errorf("%w: value of %d bytes", table.ErrTooBig, len(b))
	}
	ino, err := ix.Tree.Inode(ctx)
	if err != nil {
		return nil, err
	}
	if err := tx.begun(ctx); err != nil {
		return nil, err
	}
	if !tx.log.Room(100, 1) {
		if err := tx.log.Extend(ctx); err != nil {
			return nil, err
		}
	}
	ref, err := overflow.Write(ctx, tx.db.sp, ino, ix.Def.ID, b, func(m *mtr.MTR, r overflow.Ref) error {
		return tx.log.AddTo(m, tx.ID(), &undo.Record{Type: undo.OverNew, Table: h.t.ID, Ref: r.Append(nil)})
	}, tx.log.Latch)
	if err != nil {
		return nil, fmt.Errorf("long value: %w", err)
	}
	return ref.Append(nil), nil
}
