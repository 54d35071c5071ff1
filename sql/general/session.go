package general

import (
	"context"
	"errors"

	"github.com/zoryadb/zorya/engine/table"
)

// Engine is the general lane of one database instance. At most one per process: GMS keeps its variables in globals.
type Engine struct {
	db   table.DB
	opts Options
}

// Account is what authentication needs to know of a user.
type Account struct {
	User, Host string
	Plugin     string // mysql_native_password or caching_sha2_password
	AuthString string // stored hash, "" without password
	Locked     bool
	RequireTLS bool
	Expired    bool
}

// Session is one connection's state. It is used by one goroutine at a time.
type Session struct {
	e     *Engine
	login Login
	hooks Hooks
}

// Statement is a parsed statement of one session.
type Statement struct {
	Text    string
	Class   Class
	Control *ControlStatement // of class Control
	Params  int
	Columns []Column // of a prepared statement that returns rows
}

var errSkeleton = errors.New("general lane: not built yet")

// New opens the general lane over db.
func New(db table.DB, o Options) (*Engine, error) { return &Engine{db: db, opts: o}, nil }

// Close stops background work. Sessions must be closed before.
func (e *Engine) Close() error { return nil }

// Lookup finds the account that user, connecting from host, has to prove to be.
func (e *Engine) Lookup(user, host string) (Account, bool) { return Account{}, false }

// EnsureAdmin creates or updates the account user@'%' with all privileges. hash is its authentication string in MySQL's form.
func (e *Engine) EnsureAdmin(ctx context.Context, user, plugin, hash string) error {
	return errSkeleton
}

// NewSession makes a connection's session: 1044 or 1049 for a database it may not use or that does not exist.
func (e *Engine) NewSession(ctx context.Context, l Login, h Hooks) (*Session, error) {
	return &Session{e: e, login: l, hooks: h}, nil
}

// Parse parses the first statement of text; rest is what follows it. A nil Statement without an error means that
// text held only blanks and comments.
func (s *Session) Parse(text string) (st *Statement, rest string, err error) {
	return nil, "", errSkeleton
}

// Prepare parses one statement for the binary protocol and finds its parameters and columns.
func (s *Session) Prepare(ctx context.Context, text string) (*Statement, error) {
	return nil, errSkeleton
}

// Execute runs a statement of class Read, Write or DDL under stmt. See the package documentation.
func (s *Session) Execute(ctx context.Context, st *Statement, stmt table.Stmt, params []any) (*Result, error) {
	return nil, errSkeleton
}

// Settings returns the variables that concern the dispatcher.
func (s *Session) Settings() Settings { return Settings{} }

// UseDatabase is USE (COM_INIT_DB): 1044, 1049.
func (s *Session) UseDatabase(ctx context.Context, name string) error { return errSkeleton }

// Warnings is the number of warnings of the last statement.
func (s *Session) Warnings() uint16 { return 0 }

// Reset is COM_RESET_CONNECTION: variables, user variables, prepared statements, temporary tables and user locks go; user and database
// stay.
func (s *Session) Reset(ctx context.Context) error { return nil }

// ChangeUser is COM_CHANGE_USER: a Reset, then the session is the new user's.
func (s *Session) ChangeUser(ctx context.Context, l Login) error { return nil }

// Close frees the session: user locks, temporary tables.
func (s *Session) Close() {}
