package table

import (
	"context"
	"errors"
	"time"

	"github.com/zoryadb/zorya/storage/page"
)

// Monitor shows what transactions do and which locks they hold. The DB implements it; every call looks anew, from any goroutine. What it
// returns was true a moment ago: a look takes no lock that would stop the instance.
type Monitor interface {
	// Transactions lists the open ones of sessions, those that a crash cut short, and prepared ones.
	Transactions() []TrxInfo
	// Rollbacks lists what is being rolled back for sessions: transactions, statements, back to savepoints.
	Rollbacks() []RollbackInfo
	// DataLocks lists at most max locks on rows and gaps, granted or waited for, and on the tables of changed rows. max bounds the memory that a look takes.
	DataLocks(max int) []LockInfo
	// DataLockWaits lists who waits for whom.
	DataLockWaits() []LockWaitInfo
	MetadataLocks() []MetadataLockInfo
	// LatestDeadlock is nil if there was none.
	LatestDeadlock() *DeadlockInfo
	// Activity is what the transaction system has done and has left to do.
	Activity() Activity
}

// Activity are counters since the instance opened, and gauges.
type Activity struct {
	NextTrx                          uint64 // id that the next transaction gets
	Views                            int    // open snapshots
	OldestView                       page.LSN
	UndoPages                        uint64
	UndoLogs                         int
	PurgeRounds, PurgedRecords       uint64
	RowLockWaits, RowLockNow         uint64
	RowLockTime, RowLockMax          time.Duration
	Timeouts                         uint64
	OpenTables                       int
	Inserted, Updated, Deleted, Read uint64 // rows, by statements that have ended
}

// TrxState is what a transaction does.
type TrxState uint8

// States.
const (
	TrxRunning TrxState = iota
	TrxLockWait
	TrxRollingBack
	TrxCommitting
	TrxPrepared
)

func (s TrxState) String() string {
	return [...]string{"RUNNING", "LOCK WAIT", "ROLLING BACK", "COMMITTING", "PREPARED"}[s]
}

// TrxInfo describes a transaction.
type TrxInfo struct {
	ID            uint64 // ReaderID | session for one that has not written
	SessionID     uint64 // 0: nobody's, it is being rolled back after a crash or waits as prepared
	State         TrxState
	Started       time.Time
	WaitStarted   time.Time // of a lock wait
	Waits         string    // id of the lock waited for
	Locks         int       // explicit locks on rows and gaps
	RowsLocked    int
	Tables        int   // that it has used: each has its metadata lock
	RowsModified  int64 // changes that stand: falls while it rolls back
	RollbackTotal int64 // ROLLING BACK: row changes to be looked at in all
	RollbackLeft  int64 // and those that are left
	Isolation     Isolation
	ReadOnly      bool
	XID           string // of a prepared one
	OldestVisible uint64 // its snapshot sees no transaction from this id on; 0: it has none
}

// RollbackInfo is a rollback under way: row changes to be looked at in all, and those that are left.
type RollbackInfo struct {
	SessionID   uint64
	Total, Left int64
}

// ReaderID marks ids of transactions that have none, because they have written nothing: MySQL shows such numbers, too.
const ReaderID = 1 << 48

// LockInfo is a lock on a row or a gap, or the wish for one.
type LockInfo struct {
	ID, Schema, Table, Index string
	TrxID, SessionID         uint64
	Mode                     string // as performance_schema.data_locks has it: "X,REC_NOT_GAP", "S,GAP", ...
	Granted                  bool
	OnTable                  bool   // not on a row: an intention, Mode "IX"
	Data                     string // the key, "supremum pseudo-record" above the last
}

// LockWaitInfo says that a transaction waits for another.
type LockWaitInfo struct {
	Waiting, Blocking   LockInfo
	Since               time.Time
	WaitingTrx          uint64
	BlockingTrx         uint64
	WaitingSession      uint64
	BlockingSession     uint64
	WaitsOnMetadataLock bool
}

// MetadataLockInfo is a lock on a table, a schema or an object.
type MetadataLockInfo struct {
	Type, Schema, Name string // SCHEMA, TABLE, or an object's kind
	Mode               string // SHARED_READ, SHARED_WRITE, SHARED_READ_ONLY, EXCLUSIVE
	Granted            bool
	SessionID          uint64
}

// DeadlockInfo describes a deadlock that was resolved.
type DeadlockInfo struct {
	At     time.Time
	Cycle  []DeadlockTrx // each waits for the next, the last for the first
	Victim int
}

// DeadlockTrx is a transaction in a deadlock.
type DeadlockTrx struct {
	ID, SessionID uint64
	Rows          int
	Modified      int64
	Query         string // that waits
	WaitStarted   time.Time
	Waits         LockInfo
	Holds         LockInfo // what the one before it in the cycle waits for
}

// XA is what the DB offers for two-phase commit. An XID is a string of the caller's making.
type XA interface {
	Prepared() []string
	CommitPrepared(ctx context.Context, xid string) error // ErrNoXID
	RollbackPrepared(ctx context.Context, xid string) error
}

// Preparer is a Txn that can be prepared: then it is not the caller's any more, but the DB's, and survives a crash. ErrXIDExists.
type Preparer interface {
	Prepare(ctx context.Context, xid string) error
}

// Errors of XA.
var (
	ErrNoXID     = errors.New("no prepared transaction has this XID")
	ErrXIDExists = errors.New("a prepared transaction has this XID")
)
