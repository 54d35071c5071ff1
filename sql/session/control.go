package session

import (
	"context"
	"errors"
	"slices"

	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/general"
	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/wire"
)

// Values of completion_type.
const (
	completionChain   = 1
	completionRelease = 2
)

// control runs a statement that belongs to the dispatcher, and answers it.
func (s *Session) control(ctx context.Context, r *wire.Reply, st *general.Statement, more bool) error {
	c := st.Control
	if c.Op == general.XARecover {
		return s.xaRecover(ctx, r, more, c.Name != "")
	}
	if err := s.controlOp(ctx, c); err != nil {
		return err
	}
	s.note(0, 0, 0)
	var warnings uint16
	if c.Op == general.Begin && c.ConsistentSnapshot {
		warnings = s.warnSnapshot()
	}
	release := c.Release
	if (c.Op == general.Commit || c.Op == general.Rollback) && s.set.CompletionType == completionRelease && !c.Chain {
		release = true
	}
	if err := s.sendWarned(r, more, warnings); err != nil {
		return err
	}
	if release {
		s.conn.Kill(nil)
	}
	return nil
}

// controlOp does what a transaction statement, LOCK TABLES or KILL says.
func (s *Session) controlOp(ctx context.Context, c *general.ControlStatement) error {
	switch c.Op {
	case general.XAStart, general.XAEnd, general.XAPrepare, general.XACommit, general.XARollback:
		return s.xaOp(ctx, c)
	case general.Begin, general.Commit, general.Rollback, general.LockTables, general.UnlockTables, general.FlushReadLock, general.FlushTables, general.SetTransaction:
		if s.xa.state != xaNone {
			return s.xaFails()
		}
	case general.Savepoint, general.RollbackTo, general.ReleaseSave:
		if err := s.xaAllows(general.Write); err != nil {
			return err
		}
	}
	switch c.Op {
	case general.Begin:
		return s.beginStatement(ctx, c)
	case general.Commit:
		return s.endTransaction(ctx, c, s.commitTxn)
	case general.Rollback:
		return s.endTransaction(ctx, c, func(ctx context.Context) error { s.rollback(ctx); return nil })
	case general.Savepoint:
		if s.txn != nil || s.explicit || !s.set.Autocommit {
			s.transaction().Savepoint(c.Name)
			s.measured.Savepoints++
		}
		return nil
	case general.RollbackTo:
		if s.txn == nil {
			return errNoSavepoint(c.Name)
		}
		s.measured.RollbacksTo++
		return savepointError(s.txn.RollbackTo(ctx, c.Name), c.Name)
	case general.ReleaseSave:
		if s.txn == nil {
			return errNoSavepoint(c.Name)
		}
		s.measured.Releases++
		return savepointError(s.txn.Release(c.Name), c.Name)
	case general.NextStatement:
		if s.set.Autocommit && !s.explicit {
			return s.commitTxn(ctx)
		}
		return nil
	case general.SetTransaction:
		return s.setTransaction(c)
	case general.LockTables:
		if s.inReadOnly() && slices.ContainsFunc(c.Tables, func(t general.TableLock) bool { return t.Write }) {
			return mysqlerr.New(mysqlerr.ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION)
		}
		want, err := s.lockedTables(ctx, c.Tables)
		if err != nil {
			return err
		}
		return s.lockTables(ctx, want)
	case general.UnlockTables:
		if len(s.tables) > 0 {
			if err := s.commitTxn(ctx); err != nil {
				return err
			}
			if err := s.enableKeys(ctx); err != nil {
				return err
			}
		}
		s.unlockTables()
		return nil
	case general.FlushTables:
		return s.flushTables(ctx, c.Tables)
	case general.LockBackup, general.UnlockBackup:
		allowed := false
		err := s.borrow(ctx, func(g LaneSession) error {
			allowed = s.srv.lane.Allowed(g, "BACKUP_ADMIN")
			return nil
		})
		switch {
		case err != nil:
			return err
		case !allowed:
			return mysqlerr.New(mysqlerr.ER_SPECIFIC_ACCESS_DENIED_ERROR, "BACKUP_ADMIN")
		case c.Op == general.LockBackup:
			s.lockBackup()
		default:
			s.unlockBackup()
		}
		return nil
	case general.FlushReadLock:
		if len(s.tables) > 0 {
			return mysqlerr.New(mysqlerr.ER_LOCK_OR_ACTIVE_TRANSACTION)
		}
		if err := s.commitTxn(ctx); err != nil {
			return err
		}
		return s.srv.locks.lockGlobal(ctx, s)
	case general.Kill:
		return s.srv.kill(s, c.ID, c.KillQuery)
	case general.Shutdown:
		if s.srv.opts.OnShutdown == nil {
			return mysqlerr.New(mysqlerr.ER_NOT_SUPPORTED_YET, "SHUTDOWN")
		}
		s.srv.opts.OnShutdown()
		return nil
	}
	return mysqlerr.New(mysqlerr.ER_NOT_SUPPORTED_YET, "this statement")
}

// beginStatement is BEGIN: it commits what was open and gives up table locks.
func (s *Session) beginStatement(ctx context.Context, c *general.ControlStatement) error {
	if err := s.commitTxn(ctx); err != nil {
		return err
	}
	s.unlockNamed()
	switch {
	case c.ReadOnly:
		s.next.access = accessReadOnly
	case c.ReadWrite:
		s.next.access = accessReadWrite
	}
	s.explicit = true
	s.beginTxn(c.ConsistentSnapshot)
	return nil
}

// warnSnapshot is InnoDB's warning of a WITH CONSISTENT SNAPSHOT that the isolation level leaves without effect.
func (s *Session) warnSnapshot() uint16 {
	if s.txn == nil || s.txn.Options().Isolation >= table.RepeatableRead {
		return 0
	}
	if _, err := s.half(s.clean); err != nil || s.fast == nil {
		return 0
	}
	s.fast.Warn([]*mysqlerr.Error{mysqlerr.NewMessage(138, "InnoDB: WITH CONSISTENT SNAPSHOT was ignored because this phrase can only be used with REPEATABLE READ isolation level.")})
	return s.gen.Warnings()
}

// endTransaction is COMMIT and ROLLBACK with their AND CHAIN, which begins the next with the same characteristics.
func (s *Session) endTransaction(ctx context.Context, c *general.ControlStatement, end func(context.Context) error) error {
	chain := c.Chain || s.set.CompletionType == completionChain && !c.Release
	var same *table.TxnOptions
	if chain && s.txn != nil {
		o := s.txn.Options()
		same = &o
	}
	if err := end(ctx); err != nil {
		return err
	}
	if !chain {
		return nil
	}
	if same != nil {
		s.next.isolation = &same.Isolation
		s.next.access = accessReadWrite
		if same.ReadOnly {
			s.next.access = accessReadOnly
		}
	}
	s.explicit = true
	s.beginTxn(false)
	return nil
}

// setTransaction is SET TRANSACTION without a scope.
func (s *Session) setTransaction(c *general.ControlStatement) error {
	if s.explicit || s.txn != nil {
		return mysqlerr.New(mysqlerr.ER_CANT_CHANGE_TX_CHARACTERISTICS)
	}
	if c.Isolation != nil {
		level := *c.Isolation
		s.next.isolation = &level
	}
	switch {
	case c.ReadOnly:
		s.next.access = accessReadOnly
	case c.ReadWrite:
		s.next.access = accessReadWrite
	}
	return nil
}

// controlInRoutine is general.Hooks.Control: a transaction statement inside a stored procedure. The statement that it met is
// ended, the one that goes on is new.
func (s *Session) controlInRoutine(ctx context.Context, c *general.ControlStatement) (table.Stmt, error) {
	write := s.stmt.write
	if c.Op == general.FailStatement {
		clean := context.WithoutCancel(ctx)
		if err := s.stmt.Rollback(clean); err != nil || rollsBack(c.Err) {
			s.rollback(clean)
		}
		return s.openStmt(write), nil
	}
	s.stmt.End()
	if err := s.controlOp(ctx, c); err != nil {
		return s.openStmt(write), sqlError(err)
	}
	return s.openStmt(write), nil
}

func errNoSavepoint(name string) error {
	return mysqlerr.New(mysqlerr.ER_SP_DOES_NOT_EXIST, "SAVEPOINT", name)
}

func savepointError(err error, name string) error {
	if errors.Is(err, table.ErrNoSavepoint) {
		return errNoSavepoint(name)
	}
	return err
}
