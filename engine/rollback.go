package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/zoryadb/zorya/engine/btree"
	"github.com/zoryadb/zorya/engine/dict"
	"github.com/zoryadb/zorya/engine/mtr"
	"github.com/zoryadb/zorya/engine/overflow"
	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/engine/space"
	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/engine/undo"
	"github.com/zoryadb/zorya/storage/page"
)

// undoMark is a place in a transaction's undo log.
type undoMark struct {
	at   row.Ptr // the last record before it; 0: none
	rows uint64  // row changes before it
}

// backward is how far a rollback has come, in row changes, for the views.
type backward struct{ total, done atomic.Int64 }

// undo takes back the transaction's changes, newest first, down to (without) the record at upto, 0: all. A partial
// rollback marks what it has taken back, so that neither a later one nor purge takes it for a change.
//
// A row record is taken back only if the row's newest version is the record's own; so after a crash the rollback starts anew from
// the end and does nothing twice.
func (tx *Tx) undo(ctx context.Context, upto undoMark, partial bool) error {
	if !tx.log.Wrote(tx.ID()) {
		return nil
	}
	tx.outdate()
	db := tx.db
	defer tx.rollingBack(int64(tx.log.Rows() - upto.rows))()
	var rec undo.Record
	var buf []byte
	var err error
	begun := time.Now()
	told := begun
	for p := tx.log.Last(); p != upto.at && p != 0; {
		if buf, err = db.logs.Read(ctx, p, &rec, buf); err != nil {
			return err
		}
		if rec.Type == undo.Begin {
			break
		}
		if !rec.Undone {
			if err := tx.undoOne(ctx, p, &rec, partial); err != nil {
				return err
			}
		}
		if p, err = db.logs.Before(ctx, p); err != nil {
			return err
		}
		n := int64(rec.Changes())
		if done := tx.back.done.Add(n); done/rollbackLook != (done-n)/rollbackLook && time.Since(told) > db.o.RollbackTell {
			told = time.Now()
			db.tellRollback(tx, begun)
		}
	}
	if told != begun {
		db.tellRollback(tx, begun)
	}
	return nil
}

const (
	rollbackLook = 256 // how many changes are taken back between two looks at the clock
	rollbackTell = 10 * time.Second
)

// rollingBack shows in the views that total row changes are being looked at to be taken back, until its result is called.
func (tx *Tx) rollingBack(total int64) func() {
	tx.back.done.Store(0)
	tx.back.total.Store(total)
	was := tx.reg.state.Swap(uint32(table.TrxRollingBack))
	return func() { tx.reg.state.Store(was) }
}

func (db *DB) tellRollback(tx *Tx, begun time.Time) {
	done, total := tx.back.done.Load(), tx.back.total.Load()
	db.log.Info("rolling back", "transaction", tx.ID(), "connection", tx.o.SessionID, "percent", 100*float64(done)/float64(max(total, 1)), "row_changes", total,
		"left", total-done, "since", time.Since(begun).Round(time.Second))
}

func (tx *Tx) undoOne(ctx context.Context, p row.Ptr, rec *undo.Record, partial bool) error {
	switch rec.Type {
	case undo.Insert, undo.Update:
		return tx.undoRow(ctx, p, rec, partial)
	case undo.Inserts:
		return tx.undoInserts(ctx, p, rec, partial)
	case undo.OverNew:
		return tx.db.freeLong(ctx, p, rec, true)
	case undo.TreeNew:
		return tx.db.dropTree(ctx, p, rec, true)
	case undo.Secs, undo.OverOld, undo.TreeOld:
		// Secs go with the row record after them; nothing was done yet for the others, and purge shall not.
		if rec.Type != undo.Secs {
			return tx.db.markRecord(ctx, p)
		}
	}
	return nil
}

func (db *DB) markRecord(ctx context.Context, p row.Ptr) error {
	m, err := mtr.Start(ctx, db.pool, 1, 64)
	if err != nil {
		return err
	}
	if err := db.logs.Mark(m, p, true, false); err != nil {
		m.Abandon()
		return err
	}
	m.Commit(nil)
	return nil
}

// treeOf finds the clustered tree of a table that an undo record names; nil when the table is no more.
func (db *DB) treeOf(ctx context.Context, id uint64) (*btree.Tree, *dict.Table, error) {
	if id == dict.Tree {
		return db.dict, nil, nil
	}
	t, err := db.tableByID(ctx, id)
	if errors.Is(err, table.ErrNoTable) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	return t.Indexes[0].Tree, t, nil
}

func indexOf(t *dict.Table, id uint64) *dict.Index {
	if t != nil {
		for _, ix := range t.Indexes {
			if ix.Def.ID == id {
				return ix
			}
		}
	}
	return nil
}

// undoRow takes back one row change: first its secondary entries, last the row, which then is unlocked.
func (tx *Tx) undoRow(ctx context.Context, p row.Ptr, rec *undo.Record, partial bool) error {
	db := tx.db
	tree, t, err := db.treeOf(ctx, rec.Table)
	if err != nil || tree == nil {
		return err
	}
	var val []byte
	found, err := tree.Get(ctx, rec.Key, func(v []byte) { val = append(val, v...) })
	if err != nil || !found {
		return err
	}
	hd, err := row.ParseHeader(val)
	if err != nil {
		return err
	}
	if !tx.mine(hd.Trx) || hd.Roll != p {
		return nil // taken back before a crash
	}
	var ops []undo.SecOp
	err = db.eachSec(ctx, p, rec, func(op *undo.SecOp) {
		ops = append(ops, undo.SecOp{Index: op.Index, Mark: op.Mark, Key: append([]byte(nil), op.Key...)})
	})
	if err != nil {
		return err
	}
	var older []byte
	if rec.Type == undo.Update {
		if older, err = rec.Older(nil, val); err != nil {
			return err
		}
	}
	back := older // entries are taken back as long as the row's past may tell of them
	if older != nil {
		if was, err := row.ParseHeader(older); err != nil {
			return err
		} else if was.Deleted && db.purgeView().Sees(was.Trx) {
			back = nil // purge may have passed its deletion while our version lay over it, and would not come again
		}
	}
	for i := range ops {
		if ix := indexOf(t, ops[i].Index); ix != nil {
			if err := tx.undoEntry(ctx, ix, &ops[i], older); err != nil {
				return err
			}
		}
	}
	_, err = tree.Edit(ctx, rec.Key, max(len(back), len(val)), func(m *mtr.MTR, cur []byte, exists bool) (btree.Action, []byte, error) {
		if !exists {
			return 0, nil, fmt.Errorf("row that is being rolled back is gone: %w", row.ErrCorrupt)
		}
		if partial {
			if err := db.logs.Mark(m, p, true, false); err != nil {
				return 0, nil, err
			}
		}
		if back == nil {
			return btree.Delete, nil, nil
		}
		return btree.Put, back, nil
	}, nil)
	if err != nil {
		return err
	}
	tx.own.Weight.Add(-1)
	if back == nil && t != nil {
		return tx.bequeath(ctx, t.Indexes[0], rec.Key)
	}
	return nil
}

// bequeath tells the lock table of a record that is no more.
func (tx *Tx) bequeath(ctx context.Context, ix *dict.Index, key []byte) error {
	return tx.db.locks.Inherit(&tx.own, ix.Def.ID, key, func() (low, high []byte, err error) {
		if low, err = neighbour(ctx, ix, key, true); err == nil {
			high, err = neighbour(ctx, ix, key, false)
		}
		return low, high, err
	})
}

// undoEntry takes back what a row change did to one secondary entry. older is the row's version before, nil if there was none.
func (tx *Tx) undoEntry(ctx context.Context, ix *dict.Index, op *undo.SecOp, older []byte) error {
	keep := op.Mark
	needed := false
	if !keep && older != nil {
		var err error
		if needed, err = tx.db.neededBy(ctx, older, op.Index, op.Key, nil); err != nil {
			return err
		}
	}
	// The entry is again that of the version before, not the transaction's own: its snapshot may be older than that one.
	var by uint64
	if older != nil {
		hd, err := row.ParseHeader(older)
		if err != nil {
			return err
		}
		by = hd.Trx
	}
	var buf [row.EntrySize]byte
	gone := false
	_, err := ix.Tree.Edit(ctx, op.Key, row.EntrySize, func(_ *mtr.MTR, cur []byte, exists bool) (btree.Action, []byte, error) {
		if !exists {
			return btree.Keep, nil, nil // the change did not get as far as this entry
		}
		e, err := row.ParseEntry(cur)
		if err != nil {
			return 0, nil, err
		}
		if !tx.mine(e.Trx) {
			return btree.Keep, nil, nil
		}
		switch {
		case keep:
			if !e.Deleted {
				return btree.Keep, nil, nil
			}
			return btree.Put, row.AppendEntry(buf[:0], row.Entry{Trx: by}), nil
		case needed:
			return btree.Put, row.AppendEntry(buf[:0], row.Entry{Trx: by, Deleted: true}), nil
		default:
			gone = true
			return btree.Delete, nil, nil
		}
	}, nil)
	if err == nil && gone {
		return tx.bequeath(ctx, ix, op.Key)
	}
	return err
}

// neededBy reports whether val, a stored version of a row that is not known to have the entry, has an older version that had it
// and that somebody may still look for. view is purge's (nil: one of now).
func (db *DB) neededBy(ctx context.Context, val []byte, index uint64, key []byte, view viewer) (bool, error) {
	if view == nil {
		view = db.purgeView()
	}
	var rec undo.Record
	var buf []byte
	hd, err := row.ParseHeader(val)
	if err != nil {
		return false, err
	}
	for {
		if hd.Roll == 0 || view.Sees(hd.Trx) { // copied by a DDL: it has no past
			return false, nil
		}
		if buf, err = db.logs.Read(ctx, hd.Roll, &rec, buf); err != nil {
			return false, err
		}
		hit := false
		err = db.eachSec(ctx, hd.Roll, &rec, func(op *undo.SecOp) {
			hit = hit || op.Index == index && op.Mark && string(op.Key) == string(key)
		})
		if err != nil || hit {
			return hit, err
		}
		if rec.Type != undo.Update {
			return false, nil
		}
		hd = rec.Prev
	}
}

// freeLong gives back the long value that the record at p names. The record is marked in the MTR that frees the
// value's first page: a crash before it leaves a value that is freed again, none can free another's pages.
func (db *DB) freeLong(ctx context.Context, p row.Ptr, rec *undo.Record, undone bool) error {
	_, t, err := db.treeOf(ctx, rec.Table)
	if err != nil || t == nil {
		return err
	}
	ref, ok := overflow.ParseRef(rec.Ref)
	if !ok {
		return fmt.Errorf("long value of table %d: %w", rec.Table, undo.ErrCorrupt)
	}
	ix := t.Indexes[0]
	ino, err := ix.Tree.Inode(ctx)
	if err != nil {
		return err
	}
	return overflow.Free(ctx, db.sp, ino, ix.Def.ID, ref, func(m *mtr.MTR) error { return db.logs.Mark(m, p, undone, !undone) })
}

// dropTree gives back the tree that the record at p names, and marks the record in the same MTR.
func (db *DB) dropTree(ctx context.Context, p row.Ptr, rec *undo.Record, undone bool) error {
	tree := btree.Open(db.sp, rec.Tree, page.No(rec.Root))
	ino, err := tree.Inode(ctx)
	if err != nil {
		return err
	}
	m, err := mtr.Start(ctx, db.pool, 2+space.Records, 256+space.Bytes)
	if err != nil {
		return err
	}
	if err := db.logs.Mark(m, p, undone, !undone); err != nil {
		m.Abandon()
		return err
	}
	if err := tree.Drop(m, ino); err != nil {
		m.Abandon()
		return err
	}
	m.Commit(nil)
	db.locks.ForgetIndex(rec.Tree)
	db.kickDrop()
	return nil
}

// recover takes up the transactions that a crash cut short. Those of the dictionary are rolled back at once: they are
// few and short, and nobody may change a table meanwhile. The others keep their rows locked until they are rolled back in the background.
func (db *DB) recover(ctx context.Context) error {
	var later, dicts, kept []*Tx
	for _, l := range db.logs.InFlight() {
		tx := &Tx{db: db, log: l, o: table.TxnOptions{LockWait: time.Hour, MetadataWait: time.Hour}, started: time.Now()}
		tx.own.Begin(0)
		tx.reg.state.Store(uint32(table.TrxRollingBack))
		tx.reg.log.Store(l)
		db.open.add(tx)
		tx.own.SetTrx(l.Trx())
		tx.id.Store(l.Trx())
		tx.own.Weight.Store(int64(l.Rows()))
		tx.back.total.Store(int64(l.Rows()))
		if err := db.txns.Recover(l.Trx(), tx); err != nil {
			return err
		}
		if l.State() == undo.Prepared {
			tx.named = make(chan struct{})
			if err := tx.recoverPrepared(ctx); err != nil {
				return err
			}
			kept = append(kept, tx)
			continue
		}
		ddl, err := db.isDDL(ctx, l)
		if err != nil {
			return err
		}
		if ddl {
			dicts = append(dicts, tx)
		} else {
			later = append(later, tx)
		}
	}
	for _, tx := range dicts {
		if err := tx.Rollback(ctx); err != nil {
			return err
		}
	}
	if len(later)+len(kept) == 0 {
		close(db.namedCh)
		close(db.recoveredCh)
		return nil
	}
	// The short ones first: nobody shall wait for their rows while a long one is rolled back.
	slices.SortStableFunc(later, func(a, b *Tx) int { return cmp.Compare(a.log.Rows(), b.log.Rows()) })
	rows := uint64(0)
	for _, tx := range later {
		rows += tx.log.Rows()
	}
	db.log.Info("rolling back transactions that were cut short", "count", len(later), "row_changes", rows)
	db.recovered.Add(1)
	go func() {
		defer db.recovered.Done()
		named := true
		for _, tx := range append(kept, later...) {
			if err := tx.lockTables(db.ctx); err != nil {
				named = false
				db.log.Error("finding the tables of a transaction that was cut short", "transaction", tx.ID(), "err", err)
			}
			if tx.named != nil {
				close(tx.named)
			}
		}
		if named {
			close(db.namedCh)
		}
		for _, tx := range later {
			for {
				err := tx.rollbackRecovered()
				if err == nil {
					break
				}
				if db.vol.Err() != nil {
					return
				}
				select {
				case <-db.ctx.Done():
					return
				case <-time.After(time.Second):
					db.log.Error("rolling back after a crash, trying again", "transaction", tx.ID(), "err", err)
				}
			}
		}
		if !named && len(kept) == 0 {
			close(db.namedCh) // else DDL waits until the instance is opened anew
		}
		close(db.recoveredCh)
	}()
	return nil
}

func (tx *Tx) rollbackRecovered() error {
	ctx := tx.db.ctx
	if err := tx.undo(ctx, undoMark{}, false); err != nil {
		return err
	}
	if _, err := tx.end(undo.RolledBack); err != nil {
		return err
	}
	tx.finish(0)
	tx.db.locks.ReleaseMetadata(&tx.own)
	return nil
}

// isDDL reports whether the log's last transaction changes the dictionary: its newest record tells, because no
// transaction does both.
func (db *DB) isDDL(ctx context.Context, l *undo.Log) (bool, error) {
	var rec undo.Record
	p := l.Last()
	if p == 0 {
		return false, nil
	}
	if _, err := db.logs.Read(ctx, p, &rec, nil); err != nil {
		return false, err
	}
	return rec.Table == dict.Tree || rec.Type == undo.TreeNew || rec.Type == undo.TreeOld, nil
}
