package engine

import (
	"bytes"
	"context"
	"errors"
	"time"

	"github.com/zoryadb/zorya/engine/btree"
	"github.com/zoryadb/zorya/engine/dict"
	"github.com/zoryadb/zorya/engine/mtr"
	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/engine/txn"
	"github.com/zoryadb/zorya/engine/undo"
)

// viewer says which transactions are visible.
type viewer interface{ Sees(id uint64) bool }

type seesAll struct{}

func (seesAll) Sees(uint64) bool { return true }

// purgeView is the view behind which nobody looks: the oldest snapshot's, bounded by the readers' floors.
func (db *DB) purgeView() *txn.Snapshot {
	v := new(txn.Snapshot)
	db.txns.PurgeView(v, db.o.ReadersFloor)
	return v
}

// purgeLoop removes what nobody can see any more: delete-marked rows and entries, long values, dropped trees, undo.
func (db *DB) purgeLoop() {
	defer db.wg.Done()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-db.ctx.Done():
			return
		case <-tick.C: // VDL and snapshots move on without telling
			if db.history.Load() <= 0 && !db.anyDirty() {
				continue
			}
		case <-db.purgeCh:
		}
		if _, err := db.purgeRound(db.ctx); err != nil && db.ctx.Err() == nil && db.vol.Err() == nil {
			if db.purgeErr.Add(1) < 20 {
				db.log.Error("purge", "err", err)
			}
		}
	}
}

func (db *DB) anyDirty() bool {
	for _, l := range db.logs.Logs() {
		if l.Dirty() {
			return true
		}
	}
	return false
}

// purgeRound looks at every log once and returns the number of records it passed.
func (db *DB) purgeRound(ctx context.Context) (n int, err error) {
	db.purging.Lock()
	defer db.purging.Unlock()
	var view viewer = db.purgeView()
	if db.broken(mutantPurgeAll) {
		view = seesAll{}
	}
	for _, l := range db.logs.Logs() {
		if !l.Dirty() {
			continue
		}
		k, lerr := db.purgeLog(ctx, l, view)
		n += k
		err = errors.Join(err, lerr) // one log's trouble shall not keep the others
	}
	return n, err
}

// purgeLog purges the transactions of one log that the view sees.
func (db *DB) purgeLog(ctx context.Context, l *undo.Log, view viewer) (n int, err error) {
	var rec undo.Record
	var buf []byte
	for {
		if err := ctx.Err(); err != nil {
			return n, err
		}
		var at row.Ptr
		if at, buf, err = l.Head(ctx, &rec, buf); err != nil {
			return n, err
		}
		if at == 0 {
			return n, l.Rewind(ctx)
		}
		if rec.Type == undo.Begin {
			if !view.Sees(rec.Trx) {
				return n, nil
			}
			l.PurgeTrx, l.PurgeSkip = rec.Trx, rec.Undone
			if db.history.Load() > 0 {
				db.history.Add(-1)
			}
		} else if !l.PurgeSkip && !rec.Undone && !rec.Done && l.PurgeTrx != 0 {
			if err := db.purgeOne(ctx, l.PurgeTrx, at, &rec, view); err != nil {
				return n, err
			}
		}
		l.Pass(len(buf))
		n++
	}
}

// purgeOne makes the change that a record tells final.
func (db *DB) purgeOne(ctx context.Context, trx uint64, at row.Ptr, rec *undo.Record, view viewer) error {
	switch rec.Type {
	case undo.OverOld:
		return db.freeLong(ctx, at, rec, false)
	case undo.TreeOld:
		return db.dropTree(ctx, at, rec, false)
	case undo.Update, undo.Secs:
	default:
		return nil
	}
	tree, t, err := db.treeOf(ctx, rec.Table)
	if err != nil || tree == nil {
		return err
	}
	for i := range rec.Secs {
		if op := &rec.Secs[i]; op.Mark {
			if ix := indexOf(t, op.Index); ix != nil {
				if err := db.purgeEntry(ctx, tree, ix, rec.Key, op.Key, view); err != nil {
					return err
				}
			}
		}
	}
	if rec.Type != undo.Update || !rec.Delete {
		return nil
	}
	_, err = tree.Edit(ctx, rec.Key, 0, func(_ *mtr.MTR, cur []byte, exists bool) (btree.Action, []byte, error) {
		if !exists {
			return btree.Keep, nil, nil
		}
		hd, err := row.ParseHeader(cur)
		if err != nil {
			return 0, nil, err
		}
		if hd.Trx != trx || hd.Roll != at || !hd.Deleted {
			return btree.Keep, nil, nil
		}
		return btree.Delete, nil, nil
	}, nil)
	return err
}

// purgeEntry removes a delete-marked entry unless a version that somebody may still look for has its key.
func (db *DB) purgeEntry(ctx context.Context, tree *btree.Tree, ix *dict.Index, rowKey, key []byte, view viewer) error {
	var seen []byte
	found, err := ix.Tree.Get(ctx, key, func(v []byte) { seen = append(seen, v...) })
	if err != nil || !found {
		return err
	}
	e, err := row.ParseEntry(seen)
	if err != nil || !e.Deleted {
		return err
	}
	var val []byte
	if found, err = tree.Get(ctx, rowKey, func(v []byte) { val = append(val, v...) }); err != nil {
		return err
	}
	if found {
		needed, err := db.neededBy(ctx, val, ix.Def.ID, key, view)
		if err != nil || needed {
			return err
		}
	}
	_, err = ix.Tree.Edit(ctx, key, 0, func(_ *mtr.MTR, cur []byte, exists bool) (btree.Action, []byte, error) {
		if !exists || !bytes.Equal(cur, seen) {
			return btree.Keep, nil, nil
		}
		return btree.Delete, nil, nil
	}, nil)
	return err
}
