package fastlane

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/datum"
	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/perfschema"
	"github.com/zoryadb/zorya/sql/wire"
)

// ErrDecline says that the general lane must run the statement. Nothing was sent; what was written is taken back by
// rolling the table.Stmt back.
var ErrDecline = errors.New("the fast lane declines")

// Description is what plans need to know of a table beyond its Def: the sql wing's own view of it.
type Description struct {
	Columns []Column
	// Writable is false when rows may not be changed here: checks, generated columns and the like.
	Writable bool
	// Keys are its foreign keys, in the order in which they are checked.
	Keys []ForeignKey
	// Elsewhere says that the table's rows are not in it: it is partitioned.
	Elsewhere bool
}

// ForeignKey is a foreign key of a table.
type ForeignKey struct {
	Columns       []int    // of Def.Columns, -1: of none
	Schema, Table string   // the parent's
	Parts         []string // the parent's columns
}

// Column describes one column of Def.Columns.
type Column struct {
	Codec   datum.Codec
	Default Default
	Text    string // of DefaultLiteral and DefaultExpr: SQL text
	// OnUpdate is what an UPDATE of other columns sets this one to: SQL text, "" for nothing.
	OnUpdate string
	Hidden   bool // not part of *
	Unsigned bool // of a DECIMAL or DOUBLE, whose type does not say it
}

// Default says what a column gets that an INSERT does not name.
type Default uint8

// Defaults.
const (
	DefaultNone    Default = iota // an error in strict mode
	DefaultNull                   // nullable, without DEFAULT
	DefaultLiteral                // Column.Text
	DefaultExpr                   // anything that is computed
)

// Host is the general lane as plans are compiled with it.
type Host interface {
	// Describe describes a table.
	Describe(ctx context.Context, d *table.Def) (*Description, error)
	// Columns returns the column definitions of a query's result, nil if it has none.
	Columns(ctx context.Context, text string) ([]wire.Column, error)
}

// Env is one execution.
type Env struct {
	Ctx    context.Context
	Stmt   table.Stmt
	Reply  *wire.Reply
	Host   Host
	Schema string // default database
	Text   []byte // of the statement, for Host.Columns; read only when a plan is compiled
	// Zone is the session's time zone, nil for UTC.
	Zone *time.Location
	// Now is the time at which the statement began.
	Now time.Time
	// FoundRows makes UPDATE count rows that matched rather than those that changed (CapFoundRows).
	FoundRows bool
	// Zeros makes 0 an auto-increment value like any other (NO_AUTO_VALUE_ON_ZERO).
	Zeros bool
	// NoForeign says that foreign keys are not checked.
	NoForeign bool
	// Sending is called before the first row is sent.
	Sending func()

	room [maxTables]table.Table // the tables that are open
}

// Result is what a statement answers: Rows says that a result set was begun (and needs EndRows), else it is an OK.
type Result struct {
	Rows     bool
	Count    int64 // rows sent
	Found    int64 // FOUND_ROWS(): rows sent, or those that LIMIT left out too
	Sorted   int   // rows or groups that were put in order
	Affected uint64
	InsertID uint64 // of the OK packet: the first auto-increment value, generated or given
	LastID   uint64 // LAST_INSERT_ID(): the first generated one
	Info     string
	Warnings []*mysqlerr.Error // of rows that IGNORE left out
}

// Lane holds the plans of one instance. It is safe for concurrent use.
type Lane struct {
	mu        sync.RWMutex
	cache     map[string]*Statement
	templates map[string]*Template

	hits, misses, declined atomic.Uint64
}

// maxStatements bounds the cache. Beyond it, arbitrary entries are dropped.
const maxStatements = 8192

// maxDigest bounds the digests that are kept.
const maxDigest = 4096

// New makes an empty lane.
func New() *Lane {
	return &Lane{cache: make(map[string]*Statement), templates: make(map[string]*Template)}
}

// Kind is what a statement needs from the dispatcher.
type Kind uint8

// Kinds.
const (
	Unknown Kind = iota // declined
	Read
	Write
	Begin
	Commit
	Rollback
	Autocommit // SET autocommit = Query.Args[0]
)

// Statement is a known digest in one default database. It is shared by sessions.
type Statement struct {
	Kind  Kind
	shape *shape
	plan  atomic.Pointer[plan]
	told  atomic.Pointer[told]
	// Grant is the dispatcher's: its last answer about privileges.
	Grant atomic.Pointer[Grant]
	// Known is the dispatcher's too: what performance_schema calls the statement, which tells lists of one member (0) from longer ones (1).
	Known [2]atomic.Pointer[perfschema.Known]
}

// Grant says that whoever has these privileges may run a statement in that default database.
type Grant struct {
	Privileges uint64 // the dispatcher's number for an account and what it may do
	Database   string
}

// Tables calls fn for each table that the statement touches, until it returns false; schema "" is the default database.
func (st *Statement) Tables(fn func(schema, name, alias string) bool) bool {
	for i := range st.shape.tables {
		if t := &st.shape.tables[i]; !fn(t.schema, t.name, cmp.Or(t.alias, t.name)) {
			return false
		}
	}
	return true
}

// Privilege returns the privileges it needs on its table.
func (st *Statement) Privilege() []string {
	switch st.shape.verb {
	case verbInsert:
		if len(st.shape.sets) > 0 {
			return []string{"INSERT", "UPDATE", "SELECT"}
		}
		return []string{"INSERT"}
	case verbReplace:
		return []string{"INSERT", "DELETE"}
	case verbUpdate:
		return []string{"UPDATE", "SELECT"}
	case verbDelete:
		return []string{"DELETE", "SELECT"}
	case verbSelect:
		if st.shape.lock == lockUpdate {
			return []string{"SELECT", "UPDATE"}
		}
	}
	return []string{"SELECT"}
}

// Lookup finds the statement of a normalised query; schema is the default database and results the character set of results, which
// column definitions depend on. Its Kind is Unknown when the shape is none that the lane
// knows.
func (l *Lane) Lookup(q *Query, schema string, results uint16) *Statement {
	key := q.key(schema, results)
	l.mu.RLock()
	st := l.cache[string(key)]
	l.mu.RUnlock()
	if st != nil {
		l.hits.Add(1)
		return st
	}
	l.misses.Add(1)
	st = newStatement(q)
	if len(key) > maxDigest {
		return st
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if have := l.cache[string(key)]; have != nil {
		return have
	}
	for old := range l.cache {
		if len(l.cache) < maxStatements {
			break
		}
		delete(l.cache, old)
	}
	l.cache[string(key)] = st
	return st
}

// key appends the default database to the digest: one token that no digest holds in between.
func (q *Query) key(schema string, results uint16) []byte {
	n := len(q.Digest)
	q.Digest = append(append(q.Digest, 0, byte(results), byte(results>>8)), schema...)
	key := q.Digest
	q.Digest = q.Digest[:n]
	return key
}

func newStatement(q *Query) *Statement {
	s := parseShape(q.Digest)
	if s == nil {
		return &Statement{}
	}
	st := &Statement{shape: s}
	switch s.verb {
	case verbSelect:
		st.Kind = Read
	case verbInsert, verbReplace, verbUpdate, verbDelete:
		st.Kind = Write
	case verbBegin:
		st.Kind = Begin
	case verbCommit:
		st.Kind = Commit
	case verbRollback:
		st.Kind = Rollback
	case verbAutocommit:
		st.Kind = Autocommit
	}
	return st
}

// Prepared returns the column definitions (nil for none) of a statement that has a plan, or needs none. Without a plan, known
// says whether the first execution will try to make one.
func (l *Lane) Prepared(t *Template, schema string, results uint16) (set *wire.ColumnSet, ok, known bool) {
	st := l.LookupTemplate(t, schema, results)
	switch st.Kind {
	case Begin, Commit, Rollback:
		return nil, true, true
	case Autocommit:
		return nil, false, false
	case Read, Write:
		p := st.plan.Load()
		if p == nil {
			if t := st.told.Load(); t != nil {
				return t.set, true, true
			}
			return nil, false, true
		}
		if !p.declines {
			return p.set, true, true
		}
	}
	return nil, false, false
}

// told is what the general lane said of a statement when it was prepared, before there was a plan.
type told struct{ set *wire.ColumnSet }

// Tell keeps the column definitions that the general lane gave for a statement, for others that prepare it before anybody
// executes it.
func (l *Lane) Tell(t *Template, schema string, results uint16, set *wire.ColumnSet) {
	if st := l.LookupTemplate(t, schema, results); st.Kind == Read || st.Kind == Write {
		st.told.Store(&told{set})
	}
}

// Locking reports whether a Read takes row locks.
func (st *Statement) Locking() bool { return st.shape.lock != lockNone }

// Overwrites reports whether the statement goes on with the rows that its inserts collide with (table.StmtOptions).
func (st *Statement) Overwrites() bool {
	return st.shape.verb == verbReplace || st.shape.verb == verbInsert && len(st.shape.sets) > 0
}

// Counts returns how often statements were found, were new, and were declined after they had been recognised.
func (l *Lane) Counts() (hits, misses, declined uint64) {
	return l.hits.Load(), l.misses.Load(), l.declined.Load()
}

// Run executes a Read or Write. ErrDecline and lock errors are all that it returns, and errors of the connection.
func (l *Lane) Run(st *Statement, q *Query, env *Env) (Result, error) {
	tables := env.room[:0]
	for i := range st.shape.tables {
		ref := &st.shape.tables[i]
		schema := ref.schema
		if schema == "" {
			schema = env.Schema
		}
		if schema == "" || systemSchema(schema) {
			return l.decline()
		}
		t, err := env.Stmt.Open(env.Ctx, schema, ref.name)
		if err != nil {
			return l.failed(err)
		}
		tables = append(tables, t)
	}
	q.tell(env.Now, env.Zone)
	p := st.plan.Load()
	if p == nil || p.stale.Load() || !p.current(tables) {
		var err error
		if p, err = compile(env, st.shape, tables, q); err != nil {
			return l.decline()
		}
		st.plan.Store(p)
	}
	if p.declines || p.unchecked && !env.NoForeign {
		return l.decline()
	}
	res, err := p.run(tables, q, env)
	if err != nil {
		return l.failed(err)
	}
	return res, nil
}

func (l *Lane) decline() (Result, error) {
	l.declined.Add(1)
	return Result{}, ErrDecline
}

// failed sorts errors: those of locks and of the transaction are the statement's own, others the general lane will meet again.
func (l *Lane) failed(err error) (Result, error) {
	if errors.Is(err, ErrDecline) {
		return l.decline()
	}
	for _, own := range []error{table.ErrDeadlock, table.ErrLockTimeout, table.ErrLocked, table.ErrKilled, table.ErrClosed, context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, own) {
			return Result{}, err
		}
	}
	var sent *sendError
	if errors.As(err, &sent) {
		return Result{}, sent.err
	}
	var known *mysqlerr.Error // KILL's cause, LOCK TABLES
	if errors.As(err, &known) {
		return Result{}, err
	}
	return l.decline()
}

// sendError is an error after something was sent: it is too late to decline.
type sendError struct{ err error }

func (e *sendError) Error() string { return e.err.Error() }

func systemSchema(name string) bool {
	switch len(name) {
	case 3, 5, 18:
		switch name {
		case "sys", "mysql", "information_schema", "performance_schema", "MYSQL", "INFORMATION_SCHEMA", "PERFORMANCE_SCHEMA", "SYS":
			return true
		}
	}
	return false
}
