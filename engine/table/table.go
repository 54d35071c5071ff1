// Package table is the table layer: the one way in which either lane touches data.
//
// A lane opens a statement on a session's transaction, finds tables by name, and gets, scans, locks, inserts,
// updates and deletes rows. The layer keeps indexes, unique constraints, auto-increment, locks, undo and
// visibility; it knows columns by storage class and rows as datums, never SQL text.
//
// Lifecycle: DB.Begin -> Txn.BeginStmt -> (cursors and row operations) -> Stmt.End or Stmt.Rollback -> ... ->
// Txn.Commit or Txn.Rollback. A Txn is used by one goroutine at a time; Txn.Kill may come from any.
//
// This file holds the contract between engine and sql; engine.Open returns the implementation.
package table

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/storage/page"
)

// Column is one column of a table, in the dictionary's terms.
type Column struct {
	ID        uint32 // never used again within the table
	Name      string
	Class     row.Class
	Nullable  bool
	Collation uint16     // MySQL collation id of a Bytes column; 0: binary
	Virtual   bool       // not stored: a virtual generated column. The lane passes its value where an index needs it
	Instant   *row.Datum // value of rows older than the column (instant ADD COLUMN)
	Attrs     string     // the sql wing's own description (JSON): type, default, generated expression, comment ...
}

// Part is one part of an index key.
type Part struct {
	Column int // position in Def.Columns
	Prefix int // > 0: that many leading characters
	Desc   bool
}

// Index describes a B+tree of a table. Indexes[0] is the clustered one: PRIMARY, else the first UNIQUE over NOT
// NULL columns, else a hidden 48-bit row id (Hidden).
type Index struct {
	ID      uint64
	Name    string
	Unique  bool
	Primary bool
	Hidden  bool // GEN_CLUST_INDEX: its only part is an implicit row id
	Parts   []Part
	Root    page.No
	Attrs   string
	// Kind, if not empty, says that the index holds any number of entries for a row, which the Extractor of that kind makes of the Parts' columns: words
	// of a text, for one. All that the entries depend on beside the row is in Kind and in those columns' definitions.
	Kind string `json:",omitempty"`
}

// Extractor makes the entries of an index that has a Kind.
type Extractor interface {
	// Keys are the parts that the entries' keys have in the place of the index's columns. Ranges of scans are over these.
	Keys() []row.KeyPart
	// Entries calls emit for each entry that a row has, in any order, some more than once; a datum for each of Keys. emit keeps nothing. The same
	// row always has the same entries.
	Entries(r []row.Datum, emit func(entry []row.Datum))
}

// Def is one version of a table's definition. A Def is immutable once published.
type Def struct {
	ID      uint64
	Schema  string
	Name    string
	Version uint64 // grows with every DDL on this table
	Columns []Column
	Indexes []Index
	AutoInc int    // position of the AUTO_INCREMENT column, -1 if none
	Attrs   string // engine, collation, comment, checks, foreign keys, row format ... as the sql wing wrote them
	Created time.Time
	ReferTo []string // "schema.table" of the parents of this table's foreign keys
	ReferBy []string // "schema.table" of tables whose foreign keys point here
	// Names are those of constraints that no other table of the schema may have, as the sql wing folds them.
	Names    []string `json:",omitempty"`
	Triggers bool     // some trigger exists: lanes that do not run triggers decline
	// Later are indexes that are away until the table is loaded, by their place in Indexes: KeySwitch.
	Later []LaterIndex `json:",omitempty"`
}

// LaterIndex is an index that will be built, at position At of Def.Indexes. It has no tree.
type LaterIndex struct {
	At int
	Index
}

// Isolation is a transaction's isolation level.
type Isolation uint8

// Levels, as MySQL numbers them.
const (
	ReadUncommitted Isolation = iota
	ReadCommitted
	RepeatableRead
	Serializable
)

// TxnOptions start a transaction.
type TxnOptions struct {
	Isolation          Isolation
	ReadOnly           bool
	ConsistentSnapshot bool          // take the snapshot now rather than at the first read
	LockWait           time.Duration // innodb_lock_wait_timeout; 0: 50 s
	MetadataWait       time.Duration // lock_wait_timeout; 0: a year
	SessionID          uint64        // connection id, for process list, lock views and KILL
}

// Lock says what a read takes on the rows it visits.
type Lock uint8

// Lock modes. LockNone reads a snapshot; the others read the current version.
const (
	LockNone Lock = iota
	LockShared
	LockExclusive
)

// WaitPolicy says what a locking read does about a row that is locked.
type WaitPolicy uint8

// Policies.
const (
	Wait WaitPolicy = iota
	NoWait
	SkipLocked
)

// DDLOptions are what a session has to say about its DDL: how long it may wait for metadata locks (0: a year), and who it is.
type DDLOptions struct {
	MetadataWait time.Duration
	SessionID    uint64
}

type ddlKey struct{}

// WithDDL returns a context under which changes of the catalog go by o.
func WithDDL(ctx context.Context, o DDLOptions) context.Context {
	return context.WithValue(ctx, ddlKey{}, o)
}

// DDLOf returns what WithDDL said.
func DDLOf(ctx context.Context) DDLOptions {
	o, _ := ctx.Value(ddlKey{}).(DDLOptions)
	return o
}

// DB is an open database instance.
type DB interface {
	Begin(o TxnOptions) Txn
	Catalog() Catalog
	// Info returns counters for SHOW STATUS, SHOW ENGINE INNODB STATUS and metrics.
	Info() Info
	Close() error
}

// Txn is a transaction. It costs nothing until its first statement reads or writes.
type Txn interface {
	ID() uint64 // 0 until it writes
	Options() TxnOptions
	// BeginStmt opens the next statement; the one before was ended.
	BeginStmt(ctx context.Context, o StmtOptions) (Stmt, error)
	// Commit makes the transaction's changes visible and waits until they are durable. CommitAsync returns when
	// the commit record is in the log; done is called when it is durable. After an error from either the
	// outcome is decided by the log: only ErrClosed and fencing make one.
	Commit(ctx context.Context) error
	CommitAsync(done func(error))
	Rollback(ctx context.Context) error
	Savepoint(name string)
	RollbackTo(ctx context.Context, name string) error // ErrNoSavepoint
	Release(name string) error
	// WaitDependencies waits until all that this transaction has seen is durable (its dependency LSN). A lane
	// calls it before it sends a result set or an error to the client.
	WaitDependencies(ctx context.Context) error
	// Kill ends the current wait of this transaction, from any goroutine, with err.
	Kill(err error)
	Writes() bool // it has changed something
}

// StmtOptions open a statement.
type StmtOptions struct {
	// Write says that the statement may change rows. Its own writes are hidden from its own cursors
	// (Halloween), and it can be rolled back alone.
	Write bool
	// Overwrites says that the statement goes on with the row that an insert of its collides with (REPLACE, ON DUPLICATE KEY UPDATE):
	// that is locked exclusively then.
	Overwrites bool
	// Bulk says that it is not known how many rows the statement inserts (INSERT ... SELECT, LOAD DATA): what AutoIncModer distinguishes.
	Bulk bool
}

// AutoIncModer is implemented by a DB that knows innodb_autoinc_lock_mode: 0 traditional, 1 consecutive, 2 interleaved, the default.
type AutoIncModer interface {
	SetAutoIncMode(mode int)
}

// ReadAheader is implemented by a DB that can open many tables at once for a listing. It is advice.
type ReadAheader interface {
	ReadAhead(ctx context.Context, schema string, names []string)
}

// Stmt is one statement of a transaction. All row operations go through it.
type Stmt interface {
	Txn() Txn
	// Open returns the table as this statement sees it: newest committed definition (or this transaction's own),
	// under a shared metadata lock until the transaction ends. ErrNoTable, ErrNoSchema.
	Open(ctx context.Context, schema, name string) (Table, error)
	// End keeps the statement's changes in the transaction. Rollback undoes them.
	End()
	Rollback(ctx context.Context) error
}

// Recycler is implemented by a Txn whose memory can be used again.
type Recycler interface {
	// Recycle gives back the memory of a transaction that has ended, its CommitAsync's callback having been called. Whoever calls it has seen to it
	// that nobody has the transaction, its statement or its tables any more.
	Recycle()
}

// Meter is implemented by a Stmt that counts its work.
type Meter interface {
	// Work returns what the statement has done. It may be asked after End too, until the transaction's next statement.
	Work() Work
}

// Work is what a statement has done, in the terms of MySQL's Handler_ variables.
type Work struct {
	Examined     uint64 // entries of indexes looked at
	Full, Ranged bool   // an index was walked without a bound; within bounds
	Tables       uint64 // opened
	Keys         uint64 // lookups of a key, also of the first one of a walk
	Firsts       uint64 // walks that begin at an index's first entry
	Lasts        uint64 // and at its last
	Next, Prev   uint64 // rows that walks within bounds gave, or walks of secondary indexes, forwards and backwards
	Scanned      uint64 // rows that walks of whole tables gave
	Positioned   uint64 // rows by their reference

	Inserted, Updated, Deleted uint64 // rows
}

// Add adds what another statement has done.
func (w *Work) Add(o *Work) {
	w.Examined += o.Examined
	w.Full, w.Ranged = w.Full || o.Full, w.Ranged || o.Ranged
	w.Tables += o.Tables
	w.Keys += o.Keys
	w.Firsts += o.Firsts
	w.Lasts += o.Lasts
	w.Next += o.Next
	w.Prev += o.Prev
	w.Scanned += o.Scanned
	w.Positioned += o.Positioned
	w.Inserted += o.Inserted
	w.Updated += o.Updated
	w.Deleted += o.Deleted
}

// UseCounter is implemented by a DB that counts what goes through indexes.
type UseCounter interface {
	// TableUses returns the open tables that were used, by schema and name.
	TableUses() []TableUse
}

// TableUse is how much a table was used, by index.
type TableUse struct {
	Schema, Name string
	Indexes      []IndexUse
}

// IndexUse counts rows that came or went through an index; changes count for the clustered one. Name is "" for a hidden index.
type IndexUse struct {
	Name                          string
	Fetch, Insert, Update, Delete uint64
}

// Nester is implemented by a Stmt within which statements of triggers and stored functions run: they see what it has written before they
// began. What BeginNested returns goes to EndNested.
type Nester interface {
	BeginNested() (outer uint64)
	EndNested(outer uint64)
}

// Range is a range of keys in one index. Bounds hold datums for a leading part of the index's columns; nil is open.
// For a descending part Low is still the smaller datum.
type Range struct {
	Low, High         []row.Datum
	LowOpen, HighOpen bool // exclude the bound itself
}

// ScanOptions describe a cursor.
type ScanOptions struct {
	Index   int // position in Def.Indexes
	Range   Range
	Reverse bool
	Lock    Lock
	Policy  WaitPolicy
	// Columns that the caller needs (positions), nil for all: a secondary index that holds them all spares the
	// clustered lookup.
	Columns []int
	// Limit, if > 0, is how many rows the caller expects to read: read-ahead stops there.
	Limit int
	// Filter passes over rows for which it returns false; under READ COMMITTED these do not stay locked. SemiConsistent: there, over
	// the clustered index, it is first asked of the newest committed version, and one that it refuses is not waited for either.
	Filter         func(r []row.Datum) (bool, error)
	SemiConsistent bool
	// Each, if not nil, is shown rows of a scan without locks before Next gives them, in order; where it returns true Next passes over the row. It runs
	// under a page's latch: it must be short, neither block nor use the statement, and keep nothing of the row. It is not shown every row.
	Each func(r []row.Datum) bool
	// OwnWrites shows the cursor what its own statement has changed so far: foreign key checks want that.
	OwnWrites bool
	// RecordsOnly leaves the gaps before the entries that a locking scan finds unlocked, and locks the one behind the last: for foreign keys. Who adds
	// an entry of that key needs a lock on the parent.
	RecordsOnly bool
}

// Cursor walks rows in index order. Row's datums are valid until the next call.
type Cursor interface {
	Next(ctx context.Context) (bool, error)
	Row() []row.Datum // all of Def.Columns; those not asked for are Null
	// Ref identifies the current row for Update and Delete; valid until the transaction ends.
	Ref() Ref
	Close()
}

// KeyCursor is a Cursor that tells the key of the current row's entry in the index that it walks, in an order-preserving form: cursors over
// tables of the same columns and indexes can be merged by it.
type KeyCursor interface {
	Cursor
	Key() []byte // valid until the next call
}

// EntryCursor is a KeyCursor over an index that has a Kind: a row comes as often as the range has entries of it.
type EntryCursor interface {
	KeyCursor
	// Entry is the current entry, a datum for each of the Extractor's Keys; valid until the next call.
	Entry() ([]row.Datum, error)
}

// RefTable is a Table that reads a row by its Ref.
type RefTable interface {
	Table
	// Row is Get by a Ref, of the columns cols (nil: all). The datums are valid until the next call on the statement. nil: there is none.
	Row(ctx context.Context, ref Ref, cols []int, lock Lock, p WaitPolicy) ([]row.Datum, error)
}

// CountTable is a Table that counts rows at less cost than a cursor gives them.
type CountTable interface {
	Table
	// CountRows is the number of rows that a Scan with these options gives, and for which a function that match makes is true; nil: all, and
	// Columns is taken to be none. A function is used by one goroutine, which need not be the caller's, under the terms of ScanOptions.Each.
	CountRows(ctx context.Context, o ScanOptions, match func() func(r []row.Datum) bool) (uint64, error)
}

// Ref is a row's clustered key in its stored form.
type Ref []byte

// Table is a table bound to a statement.
type Table interface {
	Def() *Def
	Scan(ctx context.Context, o ScanOptions) (Cursor, error)
	// Get reads one row by a full unique key. The datums are valid until the next call on the statement.
	Get(ctx context.Context, index int, key []row.Datum, lock Lock, p WaitPolicy) (r []row.Datum, ref Ref, err error) // nil, nil, nil: none
	// Insert adds a row (a datum for each column). A duplicate is a *DuplicateKey, and leaves nothing behind; the
	// existing row is then locked as InnoDB does.
	Insert(ctx context.Context, r []row.Datum) error
	// InsertRows adds rows in order as an Insert of each would, and returns how many there are now: an error is that of the row behind them, and
	// leaves nothing of that one. Rows in key order cost a fraction of single ones.
	InsertRows(ctx context.Context, rows [][]row.Datum) (n int, err error)
	// Update replaces the row old (as a cursor or Get returned it, under an exclusive lock) by new. Of old only the
	// virtual columns of indexes and values in overflow pages are read: those must be there, the rest the layer reads
	// for itself. new is the whole row. The row must not have changed since it was read.
	Update(ctx context.Context, ref Ref, old, new []row.Datum) error
	Delete(ctx context.Context, ref Ref, old []row.Datum) error
	// NextAutoInc reserves n consecutive auto-increment values and returns the first; never reused, not even
	// after a crash. SetAutoInc raises the counter above an explicitly given value; force also lowers it to max+1.
	// ReleaseAutoInc gives back values that were reserved, from first on and below end, unless one at or above end was reserved meanwhile.
	NextAutoInc(ctx context.Context, n uint64) (uint64, error)
	SetAutoInc(ctx context.Context, v uint64, force bool) error
	ReleaseAutoInc(ctx context.Context, first, end uint64) error
	AutoInc() (next uint64, err error) // for SHOW CREATE TABLE
	// Count is an estimate of the number of rows; Bytes of the clustered tree and of secondary indexes.
	Count(ctx context.Context) (uint64, error)
	Bytes(ctx context.Context) (data, index uint64, err error)
	// Analyze estimates how many different values there are. It reads a bounded number of entries of each index.
	Analyze(ctx context.Context, pages int) (Statistics, error)
	// Estimate guesses the number of rows in a range by descents.
	Estimate(ctx context.Context, index int, r Range) (uint64, error)
}

// Statistics are estimates of what a table holds.
type Statistics struct {
	Rows uint64
	// Distinct has for each index, and for each number of its leading parts, the number of different values; NULLs count as equal.
	Distinct [][]uint64
	Pages    []uint64 // of each index; nil: not known
	Leaves   []uint64 // of these, leaf pages: an estimate
}

// Object is a named text that the sql wing stores and the engine does not read: view, trigger, routine, event,
// user, role, grant, persisted variable, statistics. Key is Kind, Schema, Name; names compare as
// given (the sql wing folds case where MySQL does).
type Object struct {
	Kind, Schema, Name string
	Body               []byte // up to 4 GiB - 1, in practice small
}

// Schema is a database. Attrs holds character set and collation.
type Schema struct {
	Name  string
	Attrs string
}

// Catalog is the dictionary. Reads see committed state; every change is atomic, crash-safe, and its own
// transaction (the caller has committed the session's before, as MySQL's DDL does). Changes wait for
// metadata locks on the table they touch, and on nothing else.
type Catalog interface {
	Schemas(ctx context.Context) ([]Schema, error)
	Schema(ctx context.Context, name string) (*Schema, error) // ErrNoSchema
	CreateSchema(ctx context.Context, s Schema) error         // ErrSchemaExists
	AlterSchema(ctx context.Context, s Schema) error
	DropSchema(ctx context.Context, name string) error // with all its tables and objects

	// TableNames lists the tables of a schema in name order; Definition loads one, lazily and cached.
	TableNames(ctx context.Context, schema string) ([]string, error)
	Definition(ctx context.Context, schema, name string) (*Def, error)
	CreateTable(ctx context.Context, d *Def) (*Def, error) // IDs and roots are assigned; ErrTableExists, NameTaken
	DropTable(ctx context.Context, schema, name string) error
	TruncateTable(ctx context.Context, schema, name string) error
	// RenameTables renames all or none: pairs of {schema, name}, from and to. renamed, if not nil, is called pair by pair, for the table, which has its new name
	// then, and for each table that refers to it: it writes into Attrs and Names what follows from that.
	RenameTables(ctx context.Context, pairs [][2][2]string, renamed func(d *Def, from, to [2]string) error) error
	// AlterTable publishes a new definition in one step, whatever it takes short of new rows: attributes, defaults, names, comments, columns
	// added (with Instant set) or dropped, indexes dropped (those of old that new lacks) and built (those of new without an ID).
	AlterTable(ctx context.Context, old *Def, new *Def, o Build) (*Def, error)
	// RebuildTable replaces a table by new, copying each row through convert; the old one stays if that fails.
	RebuildTable(ctx context.Context, old *Def, new *Def, convert func(r []row.Datum) ([]row.Datum, error), o Build) (*Def, error)

	// Objects: names of a kind in a schema, one object, an atomic batch of puts and deletes (Body nil).
	Objects(ctx context.Context, kind, schema string) ([]Object, error)
	Object(ctx context.Context, kind, schema, name string) (*Object, error) // nil, nil: none
	PutObjects(ctx context.Context, o ...Object) error
	// Holders lists the tables that have objects of a kind attached (Attached), by schema and name.
	Holders(ctx context.Context, kind string) ([][2]string, error)
	// Generation of the objects of a kind in a schema grows with each change of one: caches compare it. Schema "" stands for all.
	Generation(kind, schema string) uint64
}

// KeySwitch is implemented by a Catalog that can load an empty table first and build its indexes then, sorted.
type KeySwitch interface {
	// DisableKeys puts the indexes off that constrain nothing, if the table is empty and has no foreign keys: they move to Def.Later. It reports whether it did; the
	// caller brings them back, or says that it will not.
	DisableKeys(ctx context.Context, schema, name string) (bool, error)
	// EnableKeys builds what was put off. Nothing is done when there is none.
	EnableKeys(ctx context.Context, schema, name string, o Build) error
	// AbandonKeys says that who put them off does not bring them back: they are built behind the scenes. So they are after a crash.
	AbandonKeys(schema, name string)
}

// Build says how indexes and new forms of tables are built.
type Build struct {
	// Online lets transactions read and write the table while it is read: the table is locked at the start and at the end only, each time as
	// long as it takes to wait for the transactions that use it. Otherwise it is locked all the while.
	Online bool
	// Shared, when it is not online, keeps only writers out until the table is read; readers are waited for at the end.
	Shared bool
	// Virtual computes the values of virtual columns that indexes to be built contain; nil: there are none. Rows that change meanwhile
	// are computed by it too, so it must depend on the row alone; likewise RebuildTable's convert.
	Virtual func(r []row.Datum) error
	// Progress, if not nil, is called every now and then.
	Progress func(BuildProgress)
	// Within, if not nil, is called once while the table is locked exclusively, before its new definition is published; its error fails the
	// change. It may use other tables, in transactions of its own.
	Within func(ctx context.Context) error
	// ForeignKeys are new keys that all rows must satisfy when the definition is published: *Orphan. Prove, if not nil, is called once without any lock, as
	// soon as changes of the table and of the parents are being remembered: it holds the rows that are there against the keys that have Old,
	// in a transaction of its own. What changes from then on is verified at the end, under exclusive locks on the table and the parents.
	ForeignKeys []ForeignKey
	Prove       func(ctx context.Context) error
	// LogBytes bounds what is remembered of rows that change meanwhile (innodb_online_alter_log_max_size): ErrBuildLog. 0: 128 MiB.
	LogBytes int
}

// ForeignKey is a foreign key to be proven.
type ForeignKey struct {
	Old           []int     // positions of its columns in the old definition; nil: their values are new, or the parent is the table itself
	Columns       []int     // positions in the new definition
	Parent        [2]string // schema and name
	ParentColumns []string
}

// Orphan says that a row has no parent for the key at position Key of Build.ForeignKeys.
type Orphan struct{ Key int }

func (e *Orphan) Error() string {
	return fmt.Sprintf("a row has no parent for new foreign key %d", e.Key)
}

// BuildProgress says how far a build is.
type BuildProgress struct {
	Stage       string // as performance_schema names it, without "stage/innodb/"
	Done, Total uint64 // rows of the stage, Total an estimate
}

// Stages of a build.
const (
	StageRead   = "alter table (read PK and internal sort)"
	StageInsert = "alter table (insert)"
	StageLog    = "alter table (log apply table)"
	StageEnd    = "alter table (end)"
)

// Info is the engine's account of itself.
type Info struct {
	VDL, NextLSN      page.LSN
	HistoryLength     uint64 // committed transactions whose undo is not purged
	ActiveTxns        int
	PoolPages         int
	PoolDirty         int // above VDL, not evictable
	PoolFree          int
	PoolHits          uint64
	PoolReads         uint64
	PoolReadPages     uint64 // by PoolReads; of these, ahead of need
	PoolAhead         uint64
	PoolCreated       uint64 // pages made without a read
	PoolWaits         uint64 // for a frame, or for VDL
	TablesOpened      uint64 // definitions read from the dictionary, ever
	LockWaits         uint64
	Deadlocks         uint64
	Records, RedoByte uint64
	Extra             map[string]uint64
}

// Errors of the layer. The sql wing maps them to MySQL's codes.
var (
	ErrNoSchema     = errors.New("no such schema")
	ErrSchemaExists = errors.New("schema exists")
	ErrNoTable      = errors.New("no such table")
	ErrTableExists  = errors.New("table exists")
	ErrNoIndex      = errors.New("no such index")
	ErrNoSavepoint  = errors.New("no such savepoint")
	ErrDefChanged   = errors.New("table definition has changed") // 1412
	ErrLockTimeout  = errors.New("lock wait timeout")            // 1205
	ErrDeadlock     = errors.New("deadlock")                     // 1213: the whole transaction was rolled back
	ErrLocked       = errors.New("row is locked")                // 3572
	ErrReadOnly     = errors.New("transaction is read only")     // 1792
	ErrKilled       = errors.New("statement was killed")         // 1317
	ErrTooBig       = errors.New("row or key is too long")
	ErrGone         = errors.New("row to be changed is gone") // the statement has deleted it
	ErrClosed       = errors.New("engine is closed")
	ErrAutoIncFull  = errors.New("auto-increment is exhausted")                              // 1467
	ErrNotNull      = errors.New("column cannot be null")                                    // 1048
	ErrBuildLog     = errors.New("too many changes to the table while it was being altered") // 1799
)

// NameTaken says that another table of the schema has a constraint of the name (Def.Names).
type NameTaken struct{ Schema, Name string }

func (e *NameTaken) Error() string {
	return fmt.Sprintf("constraint %s exists in schema %s", e.Name, e.Schema)
}

// DuplicateKey is a violated unique index.
type DuplicateKey struct {
	Table *Def
	Index int
	Key   []row.Datum // the index's columns of the offending row
	Ref   Ref         // the existing row
	Row   []row.Datum // the existing row, copied
}

func (e *DuplicateKey) Error() string {
	return fmt.Sprintf("duplicate key in %s.%s index %s", e.Table.Schema, e.Table.Name, e.Table.Indexes[e.Index].Name)
}
