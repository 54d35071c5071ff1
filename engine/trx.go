package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/zoryadb/zorya/base/wait"
	"github.com/zoryadb/zorya/engine/btree"
	"github.com/zoryadb/zorya/engine/dict"
	"github.com/zoryadb/zorya/engine/lock"
	"github.com/zoryadb/zorya/engine/mtr"
	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/engine/txn"
	"github.com/zoryadb/zorya/engine/undo"
	"github.com/zoryadb/zorya/storage/page"
)

// Tx is a transaction.
type Tx struct {
	db  *DB
	o   table.TxnOptions
	own lock.Owner

	id    atomic.Uint64 // 0 until it writes
	log   *undo.Log
	rec   undo.Record
	snap  txn.Snapshot
	dep   page.LSN // highest end LSN of a version that a current read saw
	ended bool
	lsn   page.LSN // of the commit record

	seq     uint64 // number of the current statement
	stmt    Stmt
	saved   []savepoint
	opened  []opened
	places  map[[2]string]int // in opened, once these are many
	name    []byte            // of a metadata lock
	effects []func()          // to be done once the commit is durable: dictionary caches
	started time.Time
	sees    atomic.Uint64 // snap.next, for the views
	reg     registered
	back    backward
	named   chan struct{} // prepared before a crash: closed once it has the metadata locks of its tables

	few     [2]opened // room for the usual number without an allocation
	nameBuf [96]byte
}

type savepoint struct {
	name string
	at   undoMark
}

// opened is a table whose metadata lock the transaction holds.
type opened struct {
	schema, name string
	t            *dict.Table
	write        bool // the lock is one for changes
}

// Begin starts a transaction. It costs nothing until it reads or writes.
func (db *DB) Begin(o table.TxnOptions) table.Txn { return db.begin(o) }

func (db *DB) begin(o table.TxnOptions) *Tx {
	if o.LockWait == 0 {
		o.LockWait = 50 * time.Second
	}
	if o.MetadataWait == 0 {
		o.MetadataWait = 365 * 24 * time.Hour
	}
	tx := txs.Get().(*Tx)
	tx.db, tx.o = db, o
	tx.opened, tx.name = tx.few[:0], tx.nameBuf[:0]
	tx.own.Begin(o.SessionID)
	tx.own.Gapless = o.Isolation <= table.ReadCommitted
	if o.ConsistentSnapshot {
		tx.openSnapshot()
	}
	if o.SessionID != 0 {
		tx.started = time.Now()
		db.open.add(tx)
	}
	return tx
}

// txs are transactions whose memory is used again.
var txs = sync.Pool{New: func() any { return new(Tx) }}

// Recycle implements table.Recycler. What others may still look at stays what it was, and goes to the garbage collector: a transaction that has
// waited, for latest deadlocks name owners; all of them while a view is made.
func (tx *Tx) Recycle() {
	if !tx.ended || tx.log != nil || tx.effects != nil || tx.named != nil || table.TrxState(tx.reg.state.Load()) != table.TrxRunning ||
		tx.own.Waited() || tx.db.open.looking.Load() > 0 {
		return
	}
	tx.id.Store(0)
	tx.dep, tx.lsn, tx.seq, tx.ended = 0, 0, 0, false
	tx.sees.Store(0)
	clear(tx.few[:])
	clear(tx.stmt.tables[:cap(tx.stmt.tables)])
	tx.stmt = Stmt{tables: tx.stmt.tables[:0]}
	tx.db = nil
	txs.Put(tx)
}

// ID is the transaction's id, 0 until it writes.
func (tx *Tx) ID() uint64                { return tx.id.Load() }
func (tx *Tx) Options() table.TxnOptions { return tx.o }

// Writes reports whether the transaction has changed something.
func (tx *Tx) Writes() bool { return tx.id.Load() != 0 }

// HoldsLocks reports whether others may have to wait for a row that the transaction has locked or changed.
func (tx *Tx) HoldsLocks() bool { return tx.Writes() || tx.own.Rows() > 0 }

// Kill ends the transaction's current wait with err.
func (tx *Tx) Kill(err error) {
	if err == nil {
		err = table.ErrKilled
	}
	tx.db.locks.Kill(&tx.own, err)
}

// begun makes sure that the transaction has an id and an undo log.
func (tx *Tx) begun(ctx context.Context) error {
	if tx.log != nil {
		return nil
	}
	if tx.o.ReadOnly {
		return table.ErrReadOnly
	}
	return tx.enroll(ctx)
}

// enroll gives the transaction its id and its undo log.
func (tx *Tx) enroll(ctx context.Context) error {
	if tx.ended {
		return errors.New("transaction has ended")
	}
	l, err := tx.db.logs.Acquire(ctx)
	if err != nil {
		return err
	}
	id, err := tx.db.txns.Begin(ctx, tx)
	if err != nil {
		tx.db.logs.Release(l)
		return err
	}
	tx.own.SetTrx(id)
	tx.log = l
	tx.id.Store(id)
	tx.reg.log.Store(l)
	return nil
}

// depends is the LSN that must be durable before anybody may be told what the transaction saw.
func (tx *Tx) depends() page.LSN { return max(tx.dep, tx.own.Depends()) }

// WaitDependencies waits until all that the transaction has seen is durable.
func (tx *Tx) WaitDependencies(ctx context.Context) error {
	return tx.db.durable(ctx, tx.depends())
}

func (db *DB) durable(ctx context.Context, lsn page.LSN) error {
	if lsn <= db.vol.VDL() {
		return nil
	}
	w := wait.Begin(ctx)
	defer w.End()
	return db.vol.WaitDurable(ctx, lsn)
}

// snapshot makes sure that tx.snap is open. A transaction that saw versions above VDL waits until they are below.
func (tx *Tx) snapshot(ctx context.Context) error {
	if tx.snap.IsOpen() {
		return nil
	}
	if !tx.db.broken(mutantNoDependency) {
		if err := tx.WaitDependencies(ctx); err != nil {
			return err
		}
	}
	tx.openSnapshot()
	return nil
}

func (tx *Tx) openSnapshot() {
	tx.db.txns.Open(&tx.snap)
	tx.sees.Store(tx.snap.Next())
}

// mine reports whether trx is this transaction.
func (tx *Tx) mine(trx uint64) bool { return trx == tx.id.Load() && trx != 0 }

// Commit ends the transaction and waits until its changes are durable.
func (tx *Tx) Commit(ctx context.Context) error {
	lsn, held, err := tx.commit()
	if err != nil || lsn == 0 {
		tx.db.locks.ReleaseHeld(held)
		tx.runEffects(err)
		return err
	}
	// The record is in the log: whatever the caller's context says, only the log decides now.
	w := wait.Begin(ctx)
	err = tx.db.vol.WaitDurable(context.WithoutCancel(ctx), lsn)
	w.End()
	tx.runEffects(err)
	tx.db.locks.ReleaseHeld(held)
	if err != nil {
		return fmt.Errorf("%w: commit of transaction %d is undecided: %w", table.ErrClosed, tx.ID(), err)
	}
	return nil
}

// CommitAsync ends the transaction; done is called once its changes are durable.
func (tx *Tx) CommitAsync(done func(error)) {
	lsn, held, err := tx.commit()
	if err != nil || lsn == 0 {
		tx.db.locks.ReleaseHeld(held)
		tx.runEffects(err)
		done(err)
		return
	}
	tx.db.vol.OnDurable(lsn, func(err error) {
		tx.runEffects(err)
		tx.db.locks.ReleaseHeld(held)
		if err != nil {
			err = fmt.Errorf("%w: commit of transaction %d is undecided: %w", table.ErrClosed, tx.ID(), err)
		}
		done(err)
	})
}

func (tx *Tx) runEffects(err error) {
	if err == nil {
		for _, fn := range tx.effects {
			fn()
		}
	}
	tx.effects = nil
}

// commit appends the commit record and releases row locks; it returns the record's LSN, 0 if there was nothing to commit, and
// the metadata locks to be released when it is durable.
func (tx *Tx) commit() (lsn page.LSN, held lock.Held, err error) {
	if tx.ended {
		return 0, nil, nil
	}
	tx.closeStmt()
	if tx.db.broken(mutantEarlyUnlock) {
		tx.db.locks.Release(&tx.own, 0)
	}
	if tx.log != nil {
		if lsn, err = tx.end(undo.Committed); err != nil {
			if tx.db.vol.Err() != nil {
				tx.finish(0)
				held = tx.db.locks.TakeMetadata(&tx.own)
			}
			return 0, held, err
		}
	}
	tx.lsn = lsn
	tx.finish(lsn)
	return lsn, tx.db.locks.TakeMetadata(&tx.own), nil
}

// end appends the record that ends the transaction and publishes its LSN within the append.
func (tx *Tx) end(st undo.State) (page.LSN, error) {
	db, id := tx.db, tx.ID()
	m, err := mtr.Start(context.Background(), db.pool, 2, 256)
	if err != nil {
		return 0, fmt.Errorf("end transaction %d: %w", id, err)
	}
	if !tx.log.Wrote(id) {
		// It has an id but changed nothing: nothing to say in the log.
		m.Abandon()
		db.txns.Ended(id, max(db.vol.VDL(), 1))
		db.logs.Release(tx.log)
		tx.log = nil
		return 0, nil
	}
	if st == undo.RolledBack {
		err = tx.log.EndRolledBack(m)
	} else {
		err = tx.log.End(m, st)
	}
	if err != nil {
		m.Abandon()
		return 0, fmt.Errorf("end transaction %d: %w", id, err)
	}
	history := db.history.Add(1) // before purge can count it off
	var lsn page.LSN
	if db.reach(atCommit); db.broken(mutantLatePublish) {
		lsn = m.Commit(nil)
		db.reach(atRelease)
		db.txns.Ended(id, lsn)
	} else {
		lsn = m.Commit(func(cpl page.LSN) { db.txns.Ended(id, cpl) })
		db.reach(atRelease)
	}
	db.logs.Release(tx.log)
	tx.log = nil
	if history >= purgeAt && history%64 == 0 {
		db.kickPurge()
	}
	return lsn, nil
}

// finish releases what the transaction holds, but for metadata locks.
func (tx *Tx) finish(lsn page.LSN) {
	tx.ended = true
	tx.reg.log.Store(nil)
	tx.db.open.remove(tx)
	tx.db.locks.Release(&tx.own, lsn)
	tx.snap.Close()
	tx.opened, tx.places, tx.saved = nil, nil, nil
}

// Rollback undoes the transaction's changes and ends it.
func (tx *Tx) Rollback(ctx context.Context) error {
	if tx.ended {
		tx.db.locks.ReleaseMetadata(&tx.own)
		return nil
	}
	tx.closeStmt()
	ctx = context.WithoutCancel(ctx)
	tx.reg.state.Store(uint32(table.TrxRollingBack))
	if tx.log != nil {
		err := tx.undo(ctx, undoMark{}, false)
		if err == nil {
			_, err = tx.end(undo.RolledBack)
		}
		if err != nil {
			if tx.db.vol.Err() != nil {
				// The instance is lost, and the next one undoes this. Nobody here shall wait for it.
				tx.finish(0)
				tx.db.locks.ReleaseMetadata(&tx.own)
			}
			return fmt.Errorf("roll back transaction %d: %w", tx.ID(), err)
		}
	}
	tx.finish(0)
	tx.effects = nil
	tx.db.locks.ReleaseMetadata(&tx.own)
	return nil
}

// mark is the place in the undo log to which a statement or savepoint can be rolled back.
func (tx *Tx) mark() undoMark {
	if tx.log == nil || !tx.log.Wrote(tx.ID()) {
		return undoMark{}
	}
	return undoMark{tx.log.Last(), tx.log.Rows()}
}

// Savepoint sets a savepoint; one of the same name is replaced.
func (tx *Tx) Savepoint(name string) {
	if i := tx.find(name); i >= 0 {
		tx.saved = append(tx.saved[:i], tx.saved[i+1:]...)
	}
	tx.saved = append(tx.saved, savepoint{name, tx.mark()})
}

func (tx *Tx) find(name string) int {
	for i := range tx.saved {
		if tx.saved[i].name == name {
			return i
		}
	}
	return -1
}

// RollbackTo undoes what was changed since the savepoint, which stays; those set after it go.
func (tx *Tx) RollbackTo(ctx context.Context, name string) error {
	i := tx.find(name)
	if i < 0 {
		return fmt.Errorf("%w: %s", table.ErrNoSavepoint, name)
	}
	tx.saved = tx.saved[:i+1]
	return tx.undoTo(ctx, tx.saved[i].at)
}

func (tx *Tx) undoTo(ctx context.Context, at undoMark) error {
	if tx.log == nil || tx.mark() == at {
		return nil
	}
	return tx.undo(context.WithoutCancel(ctx), at, true)
}

// Release drops a savepoint and those set after it.
func (tx *Tx) Release(name string) error {
	i := tx.find(name)
	if i < 0 {
		return fmt.Errorf("%w: %s", table.ErrNoSavepoint, name)
	}
	tx.saved = tx.saved[:i]
	return nil
}

// errRoom says that the undo log's tail is full: extend it and try again.
var errRoom = errors.New("undo page is full")

// edit changes the entry of key in tree by fn, which logs undo with stamp.
func (tx *Tx) edit(ctx context.Context, tree *btree.Tree, key []byte, reserve int, fn btree.EditFunc) error {
	if err := tx.begun(ctx); err != nil {
		return err
	}
	for {
		_, err := tree.Edit(ctx, key, reserve, fn, nil)
		if err != errRoom {
			return err
		}
		if err := tx.log.Extend(ctx); err != nil {
			return err
		}
	}
}

// change is a row change on its way into the undo log.
type change struct {
	table  uint64
	key    []byte
	secs   []undo.SecOp
	more   bool // Secs records were written before
	delete bool
	extra  []undo.Record // OverOld
}

// stamp writes the undo records of a change from cur (nil: no row) to val and sets val's header. It is the
// first thing in m to change anything.
func (tx *Tx) stamp(m *mtr.MTR, c *change, cur []byte, exists bool, val []byte) error {
	tx.outdate()
	r := &tx.rec
	*r = undo.Record{Type: undo.Insert, Table: c.table, Key: c.key, Seq: tx.seq, Secs: c.secs, More: c.more, Delete: c.delete}
	if exists {
		h, err := row.ParseHeader(cur)
		if err != nil {
			return err
		}
		old, new := cur[row.HeaderSize:], val[row.HeaderSize:]
		r.Type, r.Prev = undo.Update, h
		r.Prefix, r.Suffix = undo.Diff(old, new)
		r.Mid = old[r.Prefix : len(old)-r.Suffix]
	}
	size := r.Size()
	for i := range c.extra {
		size += c.extra[i].Size()
	}
	if !tx.log.Room(size, 1+len(c.extra)) {
		return errRoom
	}
	w, err := tx.log.Open(m, tx.ID())
	if err != nil {
		return err
	}
	for i := range c.extra {
		w.Add(&c.extra[i])
	}
	at := w.Add(r)
	w.Close()
	row.SetHeader(val, row.Header{Trx: tx.ID(), Roll: at, Deleted: c.delete})
	tx.own.Weight.Add(1)
	return nil
}

// outdate says that rows change: what the statement has read is not the latest any more.
func (tx *Tx) outdate() {
	if rd := tx.stmt.rd; rd != nil {
		rd.latest = nil
	}
}

// note writes undo records in an MTR of their own.
func (tx *Tx) note(ctx context.Context, recs ...*undo.Record) error {
	if err := tx.begun(ctx); err != nil {
		return err
	}
	for {
		size := 0
		for _, r := range recs {
			size += r.Size()
		}
		if tx.log.Room(size, len(recs)) {
			break
		}
		if err := tx.log.Extend(ctx); err != nil {
			return err
		}
	}
	m, err := mtr.Start(ctx, tx.db.pool, 2, 2*page.Size)
	if err != nil {
		return err
	}
	w, err := tx.log.Open(m, tx.ID())
	if err != nil {
		m.Abandon()
		return err
	}
	for _, r := range recs {
		w.Add(r)
	}
	w.Close()
	m.Commit(nil)
	return nil
}

// failed turns an error of the lock table into one of the table layer. A deadlock's victim is rolled back whole.
func (tx *Tx) failed(ctx context.Context, err error) error {
	switch {
	case errors.Is(err, lock.ErrDeadlock):
		if rerr := tx.Rollback(ctx); rerr != nil {
			return errors.Join(table.ErrDeadlock, rerr)
		}
		return table.ErrDeadlock
	case errors.Is(err, lock.ErrTimeout):
		return table.ErrLockTimeout
	}
	return err
}
