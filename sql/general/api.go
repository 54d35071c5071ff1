package general

import (
	"context"
	"io"
	"time"

	"github.com/dolthub/go-mysql-server/sql"

	"github.com/zoryadb/zorya/engine/extsort"
	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/logs"
	"github.com/zoryadb/zorya/sql/perfschema"
	"github.com/zoryadb/zorya/sql/spill"
)

// Options configure an Engine. The zero value is usable.
type Options struct {
	Version       string // default DefaultVersion
	AuroraVersion string // @@aurora_version
	ServerID      string // @@aurora_server_id: the instance's identifier
	Port          int    // @@port
	ReadOnly      bool   // @@innodb_read_only: a reader; writes are refused with 1290
	DataDir       string // @@datadir, for display only
	Socket        string // @@socket
	// Processes lists the live connections for SHOW PROCESSLIST; nil: none.
	Processes func() []Process
	// Status adds to SHOW GLOBAL STATUS; called at each SHOW; nil: none.
	Status func() map[string]uint64
	// Temp is where statements keep what they have no memory for; MemoryLimit is the default of @@global_connection_memory_limit, bytes of all
	// statements together (0: none).
	Temp        extsort.Temp
	MemoryLimit uint64
	// TableLocks lists the locks of LOCK TABLES and FLUSH TABLES WITH READ LOCK, for performance_schema.metadata_locks; nil: none.
	TableLocks func() []table.MetadataLockInfo
	// Tables are further tables of information_schema.
	Tables []InfoTable
	// StatusTexts are status variables that are no numbers; nil: none.
	StatusTexts func() map[string]string
	// Performance counts what performance_schema shows; nil: nothing.
	Performance *perfschema.Recorder
	// Logs follow the variables and serve mysql.slow_log and mysql.general_log; nil: these are empty. ErrorLog serves
	// performance_schema.error_log; nil: likewise.
	Logs     *logs.Logs
	ErrorLog *logs.ErrorLog
}

// DefaultVersion is what @@version says unless told otherwise.
const DefaultVersion = "8.0.39"

// Process is one line of SHOW PROCESSLIST.
type Process struct {
	ID                   uint32
	User, Host, Database string
	Command              string // Sleep, Query ...
	Since                time.Time
	State, Info          string
}

// Login says who a session belongs to.
type Login struct {
	ID         uint32 // connection id
	User, Host string // as the client gave it: USER()
	// AccountUser, AccountHost are those of the account that matched: CURRENT_USER(). Empty: internal, all privileges.
	AccountUser, AccountHost string
	Database                 string
	Collation                uint16 // from the handshake; 0: the default
	Capabilities             uint32
	TLSVersion, TLSCipher    string // as OpenSSL names them: the status variables Ssl_version and Ssl_cipher; empty in clear
}

// Hooks are what a session may ask of the dispatcher while it executes. All run on the executing goroutine. A nil hook is refused to the client as unsupported.
type Hooks struct {
	// Control runs a transaction statement that was met inside a routine: the current table.Stmt is ended by it, the
	// returned one replaces it.
	Control func(ctx context.Context, c *ControlStatement) (table.Stmt, error)
	// Stage says what a long statement is doing and how far it is, for the process list; total is an estimate. It may be nil, and comes from
	// the executing goroutine.
	Stage func(stage string, done, total uint64)
	// Profiles are those of the session's last statements. It may be nil.
	Profiles func() []Profile
	// Kept tells what the operators of a statement, or of one within it, have kept for a while. It may be nil.
	Kept func(spill.Kept)
	// KeysOff is ALTER TABLE ... DISABLE KEYS of a base table without partitions. It may be nil.
	KeysOff func(ctx context.Context, schema, name string) error
	// LocalFile opens a file of the client for LOAD DATA LOCAL INFILE.
	LocalFile func(ctx context.Context, name string) (io.ReadCloser, error)
}

// Class says what a statement needs from the dispatcher.
type Class uint8

// Classes.
const (
	Read    Class = iota // no savepoint; also SET, USE, SHOW and the like
	Write                // may change rows: its table.Stmt is rolled back when it fails
	DDL                  // commits the session's transaction before, and is its own transaction
	Control              // run by the dispatcher: Statement.Control
)

// ControlOp is a statement that belongs to the dispatcher.
type ControlOp uint8

// Operations.
const (
	Begin          ControlOp = iota + 1 // ConsistentSnapshot, ReadOnly, ReadWrite
	Commit                              // Chain, Release
	Rollback                            // Chain, Release
	Savepoint                           // Name
	RollbackTo                          // Name
	ReleaseSave                         // Name
	SetTransaction                      // for the next transaction: Isolation, ReadOnly, ReadWrite
	LockTables                          // Tables
	UnlockTables
	FlushReadLock // FLUSH TABLES WITH READ LOCK
	FlushTables   // FLUSH TABLES t, ... WITH READ LOCK or FOR EXPORT: Tables
	LockBackup    // LOCK INSTANCE FOR BACKUP
	UnlockBackup
	Kill    // ID, KillQuery
	XAStart // XID; likewise below
	XAEnd
	XAPrepare
	XACommit // OnePhase
	XARollback
	XARecover
	Shutdown
	// NextStatement precedes each statement of a procedure: it sees what those before it wrote, and under autocommit, outside of
	// a transaction, they are committed. Only Hooks.Control gets it.
	NextStatement
	// FailStatement takes back what a failed statement of a procedure changed, or its whole transaction where Err ends that. Only Hooks.Control
	// gets it.
	FailStatement
)

// XAResume is the XAOption of XA START that takes up a transaction whose work has ended.
const XAResume = "RESUME"

// TableLock is one table of LOCK TABLES.
type TableLock struct {
	Schema, Table, Alias string
	Write                bool
	Behind               bool // it is a view's
}

// ControlStatement is a parsed statement of class Control.
type ControlStatement struct {
	Op                  ControlOp
	Name                string // savepoint
	ConsistentSnapshot  bool
	ReadOnly, ReadWrite bool
	Isolation           *table.Isolation // nil: not said
	Chain, Release      bool
	Tables              []TableLock
	ID                  uint64
	KillQuery           bool
	XID                 string // see SplitXID
	OnePhase            bool
	XAOption            string // JOIN, RESUME or SUSPEND behind the XID
	Err                 error  // of FailStatement
}

// Column describes a result column for the wire.
type Column struct {
	Schema, Table, OrgTable, Name, OrgName string

	Type     uint8 // protocol type (MYSQL_TYPE_...)
	Charset  uint16
	Length   uint32
	Flags    uint16
	Decimals uint8
	SQLType  sql.Type // encodes a value: SQLType.SQL(ctx, dest, v)
}

// Result is one result of a statement.
type Result struct {
	Columns []Column // nil: an OK
	Rows    Rows     // nil: an OK
	// OutParams says that this is the row of a prepared CALL's OUT and INOUT parameters.
	OutParams bool

	Affected, InsertID uint64
	Info               string
	Next               *Result
	Err                error // what ended a CALL after the results before: there is nothing else here
}

// Rows iterates over a result. The row is valid until the next call.
type Rows interface {
	// Next returns io.EOF after the last row.
	Next() (sql.Row, error)
	Close() error
}

// Settings are the session's variables that concern the dispatcher.
type Settings struct {
	Autocommit       bool
	Isolation        table.Isolation
	ReadOnly         bool // transaction_read_only
	LockWait         time.Duration
	MetadataWait     time.Duration // lock_wait_timeout
	MaxExecution     time.Duration // max_execution_time, of SELECTs; 0: none
	WaitTimeout      time.Duration
	NetWriteTimeout  time.Duration
	Database         string
	MaxAllowedPacket uint64
	LongQuery        time.Duration // long_query_time
	MinExamined      uint64        // min_examined_row_limit
	// Roles are the active ones: sessions of one account may differ in what they may do.
	Roles string
	// CompletionType is 0 NO_CHAIN, 1 CHAIN, 2 RELEASE.
	CompletionType int
	Profiling      bool // of the last so many statements
	Profiles       int
}
