package session

import (
	"context"

	"github.com/zoryadb/zorya/engine/table"
)

// pendingTxn stands for a transaction that has not begun: a lane may ask for its options without beginning it. Anything
// else begins it.
type pendingTxn struct{ s *Session }

// Options implements table.Txn.
func (p pendingTxn) Options() table.TxnOptions {
	if p.s.txn != nil {
		return p.s.txn.Options()
	}
	return p.s.txnOptions()
}

// ID implements table.Txn.
func (p pendingTxn) ID() uint64 {
	if p.s.txn != nil {
		return p.s.txn.ID()
	}
	return 0
}

// Writes implements table.Txn.
func (p pendingTxn) Writes() bool { return p.s.txn != nil && p.s.txn.Writes() }

// BeginStmt implements table.Txn.
func (p pendingTxn) BeginStmt(ctx context.Context, o table.StmtOptions) (table.Stmt, error) {
	return p.s.transaction().BeginStmt(ctx, o)
}

// Commit implements table.Txn.
func (p pendingTxn) Commit(ctx context.Context) error { return p.s.transaction().Commit(ctx) }

// CommitAsync implements table.Txn.
func (p pendingTxn) CommitAsync(done func(error)) { p.s.transaction().CommitAsync(done) }

// Rollback implements table.Txn.
func (p pendingTxn) Rollback(ctx context.Context) error { return p.s.transaction().Rollback(ctx) }

// Savepoint implements table.Txn.
func (p pendingTxn) Savepoint(name string) { p.s.transaction().Savepoint(name) }

// RollbackTo implements table.Txn.
func (p pendingTxn) RollbackTo(ctx context.Context, name string) error {
	return p.s.transaction().RollbackTo(ctx, name)
}

// Release implements table.Txn.
func (p pendingTxn) Release(name string) error { return p.s.transaction().Release(name) }

// WaitDependencies implements table.Txn.
func (p pendingTxn) WaitDependencies(ctx context.Context) error {
	if p.s.txn == nil {
		return nil
	}
	return p.s.txn.WaitDependencies(ctx)
}

// Kill implements table.Txn.
func (p pendingTxn) Kill(err error) {
	if p.s.txn != nil {
		p.s.txn.Kill(err)
	}
}
