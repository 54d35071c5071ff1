package engine

import (
	"context"
	"errors"
	"time"

	"github.com/zoryadb/zorya/engine/lock"
	"github.com/zoryadb/zorya/engine/table"
)

// LOCK TABLES keeps its locks above the engine (sql/session). The engine tells it when a table's users are gone, and sees who waits for whom: the one
// that has locked tables waits for transactions that use the next, these for it.

// locker is the owner of one session's LOCK TABLES.
type locker struct {
	db  *DB
	own lock.Owner
}

// NewTableLocker implements table.LocksTables. Of a deadlock the transaction is the victim, as with DDL.
func (db *DB) NewTableLocker(session uint64) table.TableLocker {
	l := &locker{db: db}
	l.own.Begin(session)
	l.own.Weight.Store(ddlWeight)
	return l
}

// AwaitUsers implements table.TableLocker.
func (l *locker) AwaitUsers(ctx context.Context, schema, name string, write bool, timeout time.Duration) error {
	m := lock.ReadOnly
	if write {
		m = lock.Exclusive
	}
	err := l.db.locks.Lock(ctx, &l.own, lock.Metadata, []byte(schema+"\x00"+name), m, timeout)
	l.db.locks.ReleaseMetadata(&l.own)
	return lockError(err)
}

// AwaitLocker implements table.WaitsForLockers.
func (tx *Tx) AwaitLocker(ctx context.Context, by []table.TableLocker, ended <-chan struct{}, timeout time.Duration) error {
	return tx.failed(ctx, tx.db.locks.WaitOutside(ctx, &tx.own, owners(by), ended, timeout))
}

// AwaitLocker is the same for another that locks tables.
func (l *locker) AwaitLocker(ctx context.Context, by []table.TableLocker, ended <-chan struct{}, timeout time.Duration) error {
	return lockError(l.db.locks.WaitOutside(ctx, &l.own, owners(by), ended, timeout))
}

func owners(by []table.TableLocker) []*lock.Owner {
	in := make([]*lock.Owner, 0, len(by))
	for _, b := range by {
		if l, ok := b.(*locker); ok {
			in = append(in, &l.own)
		}
	}
	return in
}

func lockError(err error) error {
	switch {
	case errors.Is(err, lock.ErrDeadlock):
		return table.ErrDeadlock
	case errors.Is(err, lock.ErrTimeout):
		return table.ErrLockTimeout
	}
	return err
}
