package session

import (
	"context"
	"errors"
	"math"

	"github.com/zoryadb/zorya/base/wait"
	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/general"
	"github.com/zoryadb/zorya/sql/perfschema"
)

// transaction returns the open transaction, beginning one if there is none.
func (s *Session) transaction() table.Txn {
	if s.txn == nil {
		s.beginTxn(false)
	}
	return s.txn
}

// txnOptions are the session's characteristics for the next transaction, or those of a SET TRANSACTION before.
func (s *Session) txnOptions() table.TxnOptions {
	o := table.TxnOptions{
		Isolation: s.set.Isolation, ReadOnly: s.set.ReadOnly, LockWait: s.set.LockWait, MetadataWait: s.set.MetadataWait, SessionID: uint64(s.login.ID),
	}
	if s.next.isolation != nil {
		o.Isolation = *s.next.isolation
	}
	if o.Isolation == table.Serializable && s.set.Autocommit && !s.explicit {
		o.Isolation = table.RepeatableRead // a statement alone is serializable without locks
	}
	switch s.next.access {
	case accessReadOnly:
		o.ReadOnly = true
	case accessReadWrite:
		o.ReadOnly = false
	}
	return o
}

// beginTxn begins a transaction.
func (s *Session) beginTxn(consistentSnapshot bool) {
	o := s.txnOptions()
	o.ConsistentSnapshot = consistentSnapshot
	s.next = nextTxn{}
	s.readOnly = o.ReadOnly
	s.measureTxn(&o)
	s.setTxn(s.srv.db.Begin(o))
}

// commitTxn commits the open transaction, if any, and waits until it is durable, holding no place at the gate meanwhile. A KILL
// does not end that wait: once the commit record is in the log nobody may report failure.
func (s *Session) commitTxn(ctx context.Context) error {
	t, explicit := s.txn, s.explicit
	s.explicit, s.readOnly = false, false
	if t == nil {
		return nil
	}
	lent := s.lent
	s.measuredTxn(t, false)
	if explicit {
		s.performer.Count(perfschema.HandlerCommit, 1)
	}
	if !t.Writes() {
		s.setTxn(nil)
		err := t.Commit(s.clean)
		if err == nil && !lent {
			recycle(t)
		}
		return err
	}
	if err := s.srv.locks.commitAllowed(ctx, s); err != nil {
		return err
	}
	t.CommitAsync(s.onCommit)
	s.setTxn(nil)
	var err error
	select {
	case err = <-s.commit:
	default:
		w := wait.Begin(ctx)
		err = <-s.commit
		w.End()
	}
	if err == nil && !lent {
		recycle(t)
	}
	return err
}

// recycle gives back the memory of a committed transaction that only the fast lane had, which keeps nothing of it.
func recycle(t table.Txn) {
	if r, ok := t.(table.Recycler); ok {
		r.Recycle()
	}
}

// rollback rolls the open transaction back, if any.
func (s *Session) rollback(ctx context.Context) {
	t := s.txn
	s.explicit, s.readOnly = false, false
	if s.xa.state != xaNone { // until XA ROLLBACK
		s.xa.state, s.explicit = xaRollbackOnly, true
	}
	if t == nil {
		return
	}
	s.measuredTxn(t, true)
	s.setTxn(nil)
	s.performer.Count(perfschema.HandlerRollback, 1)
	if err := t.Rollback(s.clean); err != nil && !errors.Is(err, table.ErrClosed) {
		s.srv.log.Error("rolling a transaction back failed", "connection", s.login.ID, "error", err)
	}
}

// waitDependencies waits until all that the open transaction has seen is durable.
func (s *Session) waitDependencies() error {
	if s.txn == nil {
		return nil
	}
	if err := s.txn.WaitDependencies(s.clean); err != nil {
		return sqlError(err)
	}
	return nil
}

// lazyStmt is the statement that lanes get: the transaction and the engine's statement are opened when a table is. So statements that touch no
// table cost no transaction and leave the session outside of one.
type lazyStmt struct {
	s     *Session
	write bool
	locks bool // it takes row locks, whether it writes or not
	// overwrites is table.StmtOptions.Overwrites.
	overwrites bool
	bulk       bool // table.StmtOptions.Bulk
	inner      table.Stmt
}

// Txn implements table.Stmt.
func (l *lazyStmt) Txn() table.Txn {
	if l.s.txn != nil {
		return l.s.txn
	}
	return pendingTxn{l.s}
}

// Open implements table.Stmt.
func (l *lazyStmt) Open(ctx context.Context, schema, name string) (table.Table, error) {
	readOnly := false
	if l.s.srv.locks.active.Load() > 0 {
		var err error
		if readOnly, err = l.s.checkTableLock(ctx, schema, general.TableOf(name), l.write); err != nil {
			return nil, err
		}
	}
	if l.inner == nil {
		if l.write && l.s.txn == nil && l.s.next.access == accessReadOnly {
			return nil, table.ErrReadOnly // SET TRANSACTION READ ONLY stands: no transaction has begun
		}
		if l.write || l.locks {
			if err := l.s.admitWriter(ctx); err != nil {
				return nil, err
			}
		}
		st, err := l.s.transaction().BeginStmt(ctx, table.StmtOptions{Write: l.write, Overwrites: l.overwrites, Bulk: l.bulk})
		if err != nil {
			return nil, err
		}
		l.inner = st
	}
	t, err := l.inner.Open(ctx, schema, name)
	if m := l.s.meter; m != nil && err == nil && general.TableOf(name) == name {
		m.open(schema, name, false)
	}
	if readOnly && err == nil {
		return readLocked{t}, nil
	}
	return t, err
}

// admitWriter lets the session's transaction lock rows. One that holds row or table locks already does not wait.
func (s *Session) admitWriter(ctx context.Context) error {
	if s.writer.in {
		return nil
	}
	holds := len(s.tables) > 0
	if h, ok := s.txn.(interface{ HoldsLocks() bool }); ok {
		holds = holds || h.HoldsLocks()
	}
	return s.srv.gate.admit(ctx, &s.writer, holds)
}

// BeginNested implements table.Nester.
func (l *lazyStmt) BeginNested() uint64 {
	if n, ok := l.inner.(table.Nester); ok {
		return n.BeginNested()
	}
	return notNested // the nested statement opens the engine's, or none is
}

// notNested is no number of a statement.
const notNested = math.MaxUint64

// EndNested implements table.Nester.
func (l *lazyStmt) EndNested(outer uint64) {
	if n, ok := l.inner.(table.Nester); ok && outer != notNested {
		n.EndNested(outer)
	}
}

// End implements table.Stmt.
func (l *lazyStmt) End() {
	if l.inner != nil {
		l.inner.End()
		l.measured()
		l.inner = nil
	}
}

// Rollback implements table.Stmt.
func (l *lazyStmt) Rollback(ctx context.Context) error {
	st := l.inner
	l.measured()
	l.inner = nil
	if st == nil {
		return nil
	}
	return st.Rollback(ctx)
}

// measured takes over what the engine's statement has counted.
func (l *lazyStmt) measured() {
	if c, ok := l.inner.(table.Meter); ok {
		w := c.Work()
		l.s.work.Add(&w)
	}
}

// openStmt readies the session's statement for the next execution by the general lane, whose iterators and contexts may keep what they get.
func (s *Session) openStmt(write bool) *lazyStmt {
	s.lent = true
	return s.openFast(write)
}

// openFast is openStmt for the fast lane.
func (s *Session) openFast(write bool) *lazyStmt {
	s.stmt.write, s.stmt.locks, s.stmt.overwrites, s.stmt.inner = write, false, false, nil
	return &s.stmt
}

// endsTxn reports whether the running statement is its own transaction.
func (s *Session) endsTxn() bool { return s.own || s.set.Autocommit && !s.explicit }

// endStmt ends the statement: success keeps what it did and, under autocommit, commits; an error takes it back. rows says that a result
// set was sent or begun, which waits for what it depends on. It returns err, or what went wrong at the end.
func (s *Session) endStmt(ctx context.Context, err error, rows bool) error {
	if err != nil {
		return s.failStmt(ctx, err)
	}
	s.stmt.End()
	s.reveals = false
	if rows {
		if err := s.waitDependencies(); err != nil {
			return s.failStmt(ctx, err)
		}
	}
	if s.txn != nil && s.endsTxn() {
		if err := s.commitTxn(ctx); err != nil {
			return sqlError(err)
		}
	}
	return nil
}

// failStmt takes a failed statement back, and as much of its transaction as MySQL does.
func (s *Session) failStmt(ctx context.Context, err error) error {
	e := sqlError(err)
	whole := rollsBack(err)
	if whole {
		s.srv.gate.deadlocked(&s.writer)
	}
	if rerr := s.stmt.Rollback(s.clean); rerr != nil && !whole {
		// A statement that cannot be taken back alone takes its transaction with it.
		s.srv.log.Error("rolling a statement back failed", "connection", s.login.ID, "error", rerr)
		whole = true
	}
	s.reveals = false
	if derr := s.waitDependencies(); derr != nil && !whole {
		e = sqlError(derr)
	}
	if s.txn != nil && (whole || s.endsTxn()) {
		s.rollback(s.clean)
	}
	return e
}
