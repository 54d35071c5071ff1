package table

import (
	"context"
	"time"
)

// LocksTables is a DB that knows who waits because of LOCK TABLES, so that deadlocks through it are found.
type LocksTables interface {
	// NewTableLocker returns the owner of what a session's LOCK TABLES locks.
	NewTableLocker(session uint64) TableLocker
}

// TableLocker is the owner of tables that a session has locked.
type TableLocker interface {
	WaitsForLockers
	// AwaitUsers waits until no open transaction uses the table, or, write being false, none has changed it. It keeps nobody out: that is the caller's
	// part. ErrLockTimeout after timeout.
	AwaitUsers(ctx context.Context, schema, name string, write bool, timeout time.Duration) error
}

// WaitsForLockers is a transaction, or a TableLocker, that may have to wait for tables to be unlocked.
type WaitsForLockers interface {
	// AwaitLocker waits until ended is closed, which it is when one of the lockers by gives up tables. ErrDeadlock: the transaction was rolled back, so that a
	// locker that waits for it goes on. ErrLockTimeout after timeout.
	AwaitLocker(ctx context.Context, by []TableLocker, ended <-chan struct{}, timeout time.Duration) error
}
