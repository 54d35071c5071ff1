package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/zoryadb/zorya/base/wait"
	"github.com/zoryadb/zorya/engine/lock"
	"github.com/zoryadb/zorya/engine/mtr"
	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/engine/undo"
	"github.com/zoryadb/zorya/storage/page"
)

// A prepared transaction belongs to nobody: it waits, with all its locks, until somebody commits it or rolls it back by its XID. Its XID is the
// last record of its undo log, and the log's state says prepared; so it survives a crash. What a crash takes away are its explicit
// locks; the rows that it has changed stay locked, and so do their tables against DDL.

var _ table.XA = (*DB)(nil)

// prepared holds the prepared transactions by XID.
type prepared struct {
	mu sync.Mutex
	m  map[string]*Tx
}

// take removes the transaction, so that one caller alone ends it; nil when there is none, or it is not prepared yet.
func (p *prepared) take(xid string) *Tx {
	p.mu.Lock()
	defer p.mu.Unlock()
	tx := p.m[xid]
	if tx == nil || !tx.isPrepared() {
		return nil
	}
	delete(p.m, xid)
	return tx
}

// taken is take, once nobody else works on the transaction.
func (p *prepared) taken(ctx context.Context, xid string) (*Tx, error) {
	p.mu.Lock()
	tx := p.m[xid]
	p.mu.Unlock()
	if tx != nil && tx.named != nil {
		w := wait.Begin(ctx)
		defer w.End()
		select {
		case <-tx.named:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	if tx = p.take(xid); tx == nil {
		return nil, table.ErrNoXID
	}
	return tx, nil
}

// free gives up an XID whose transaction could not be prepared.
func (p *prepared) free(xid string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.m, xid)
}

func (tx *Tx) isPrepared() bool { return table.TrxState(tx.reg.state.Load()) == table.TrxPrepared }

// put reports whether the XID was free.
func (p *prepared) put(xid string, tx *Tx) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, taken := p.m[xid]; taken {
		return false
	}
	p.m[xid] = tx
	return true
}

// Prepare makes the transaction durable without ending it, and hands it over to the instance.
func (tx *Tx) Prepare(ctx context.Context, xid string) error {
	if tx.ended {
		return errors.New("prepare of a transaction that has ended")
	}
	tx.closeStmt()
	if !tx.db.xa.put(xid, tx) {
		return table.ErrXIDExists
	}
	lsn, err := tx.logPrepared(ctx, xid)
	if err == nil {
		err = tx.db.durable(context.WithoutCancel(ctx), lsn)
	}
	if err != nil {
		tx.db.xa.free(xid)
		return fmt.Errorf("prepare transaction %d: %w", tx.ID(), err)
	}
	tx.snap.Close()
	tx.saved = nil
	tx.reg.state.Store(uint32(table.TrxPrepared))
	return nil
}

// logPrepared writes the XID and the state in one MTR. A transaction that has changed nothing gets a log for it: it, too, is there after a
// crash, because whoever coordinates must find what it was told is prepared.
func (tx *Tx) logPrepared(ctx context.Context, xid string) (page.LSN, error) {
	if tx.log == nil {
		if err := tx.enroll(ctx); err != nil {
			return 0, err
		}
	}
	rec := undo.Record{Type: undo.XID, Ref: []byte(xid)}
	if !tx.log.Room(rec.Size(), 1) {
		if err := tx.log.Extend(ctx); err != nil {
			return 0, err
		}
	}
	m, err := mtr.Start(ctx, tx.db.pool, 2, 1<<10)
	if err != nil {
		return 0, err
	}
	if err := tx.log.AddTo(m, tx.ID(), &rec); err != nil {
		m.Abandon()
		return 0, err
	}
	if err := tx.log.End(m, undo.Prepared); err != nil {
		m.Abandon()
		return 0, err
	}
	return m.Commit(nil), nil
}

// Prepared lists the XIDs of prepared transactions.
func (db *DB) Prepared() []string {
	db.xa.mu.Lock()
	defer db.xa.mu.Unlock()
	out := make([]string, 0, len(db.xa.m))
	for xid, tx := range db.xa.m {
		if tx.isPrepared() {
			out = append(out, xid)
		}
	}
	slices.Sort(out)
	return out
}

// CommitPrepared ends a prepared transaction; it is durable when CommitPrepared returns.
func (db *DB) CommitPrepared(ctx context.Context, xid string) error {
	tx, err := db.xa.taken(ctx, xid)
	if err != nil {
		return err
	}
	if err = tx.Commit(ctx); err != nil && !tx.ended {
		db.xa.put(xid, tx)
	}
	return err
}

// RollbackPrepared undoes a prepared transaction. First it stops being one: a crash in the middle must find it half undone, not prepared.
func (db *DB) RollbackPrepared(ctx context.Context, xid string) error {
	tx, err := db.xa.taken(ctx, xid)
	if err != nil {
		return err
	}
	if tx.log != nil && tx.log.State() == undo.Prepared {
		m, err := mtr.Start(ctx, db.pool, 1, 64)
		if err == nil {
			if err = tx.log.End(m, undo.Active); err == nil {
				m.Commit(nil)
			} else {
				m.Abandon()
			}
		}
		if err != nil {
			db.xa.put(xid, tx)
			return fmt.Errorf("roll back prepared transaction %d: %w", tx.ID(), err)
		}
	}
	return tx.Rollback(ctx)
}

// recoverPrepared finds the XID of a prepared transaction of before a crash and keeps it.
func (tx *Tx) recoverPrepared(ctx context.Context) error {
	var rec undo.Record
	if _, err := tx.db.logs.Read(ctx, tx.log.Last(), &rec, nil); err != nil {
		return fmt.Errorf("prepared transaction %d: %w", tx.ID(), err)
	}
	if rec.Type != undo.XID {
		return fmt.Errorf("prepared transaction %d has no XID: %w", tx.ID(), undo.ErrCorrupt)
	}
	tx.reg.state.Store(uint32(table.TrxPrepared))
	if !tx.db.xa.put(string(rec.Ref), tx) {
		return fmt.Errorf("two prepared transactions have one XID: %w", undo.ErrCorrupt)
	}
	return nil
}

// lockTables takes the metadata locks of the tables that a transaction from before a crash has changed: DDL on them waits, other DDL does not.
func (tx *Tx) lockTables(ctx context.Context) error {
	ids, err := tx.log.Tables(ctx)
	if err != nil {
		return err
	}
	for _, id := range ids {
		t, err := tx.db.tableByID(ctx, id)
		if errors.Is(err, table.ErrNoTable) {
			continue
		}
		if err == nil {
			err = tx.lockMeta(ctx, t.Schema, t.Name, lock.Write)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
