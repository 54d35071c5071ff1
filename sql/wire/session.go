package wire

import "crypto/tls"

// Backend is what a Server serves: accounts and sessions. Its methods are called by many connections' goroutines at once.
type Backend interface {
	// Lookup finds the account that a client who says to be user, from host, must prove to be. host is the remote IP
	// address, or "localhost" for loopback and unix sockets (Config.HostName changes that mapping). ok is false when no
	// account matches: the client then goes through the same exchange with an account that never matches, and
	// gets error 1045. An error (an *mysqlerr.Error, or any other, sent as 1105) refuses the client with it.
	Lookup(user, host string) (a Account, ok bool, err error)

	// Connect makes the session of an authenticated client. It switches to login.Database, if any, and
	// returns 1044 or 1049 when it cannot. The Conn is usable in full (limits, timeouts, hooks), but no Reply exists yet.
	// It may wait. After it returned a Session, the Session's Close is called exactly once.
	Connect(c *Conn, login *Login) (Session, error)
}

// LoginWatcher is implemented by Backends that want to know of clients who were refused after they said who they are.
type LoginWatcher interface {
	LoginFailed(c *Conn, user string, err error)
}

// Account is how one account authenticates.
type Account struct {
	User, Host string // as created: CURRENT_USER() is User@Host, Host may hold wildcards

	Plugin string // PluginCachingSHA2 or PluginNative; "" is the server's default
	// AuthString is the stored hash in MySQL's form (HashNative, HashCachingSHA2), "" for an account without a password.
	AuthString string
	// Secondary is the retained former password (ALTER USER ... RETAIN CURRENT PASSWORD), "" for none.
	Secondary string

	Locked     bool // refused with 3118 once the password is proven
	RequireTLS bool // refused with 1045 without TLS
	// Demands tells whether the TLS connection is what the account asks for; nil: any is. Others are refused with 1045.
	Demands         func(*tls.ConnectionState) bool
	PasswordExpired bool // refused with 1862 unless the client can handle it; then the Session restricts it (1820)
}

// Login is an authenticated client's wish.
type Login struct {
	User         string  // the name that the client gave: USER() is User@Host
	Host         string  // the client's host, as given to Lookup
	Account      Account // the account that Lookup found
	Database     string  // "" for none
	Collation    uint16  // of character_set_client, connection and results
	Capabilities uint32  // negotiated flags: Cap...
	Attrs        []ConnectAttr
}

// ConnectAttr is one of the client's connection attributes (program_name, _pid, ...).
type ConnectAttr struct{ Name, Value string }

// Session executes one client's commands. See the package documentation for who calls it when, how long slices live and what
// a returned error does. A method answers through r; those without a Reply have none on the wire.
//
// The usual shapes:
//
//	return r.OK(wire.OK{AffectedRows: n, Status: s.Status()})
//
//	r.Columns(cols)                       // *ColumnSet, encoded once and reused, or NewColumnSet(...)
//	for ... { r.StartRow(); r.Int64(1); r.Text("x"); if err := r.EndRow(); err != nil { return err } }
//	return r.EndRows(wire.OK{Status: s.Status()})
type Session interface {
	// Status returns the flags (StatusAutocommit, StatusInTrans ...) for the OKs that the wire sends by itself.
	Status() uint16

	// Query executes COM_QUERY: the text of one statement or, if Conn.MultiStatements, of several. Each but the last
	// result carries StatusMoreResults. The first error ends the command.
	Query(r *Reply, sql []byte, attrs []Attr) error

	// Prepare executes COM_STMT_PREPARE and answers with r.Prepared. The Session keeps what it compiled in st.Data. On
	// error the statement is forgotten (CloseStmt is not called).
	Prepare(r *Reply, st *Stmt, sql []byte) error
	// Execute runs a prepared statement; rows are encoded in the binary protocol by the same Reply methods. If cursor is true the
	// client wants a read-only cursor: the Session may answer with r.Columns and r.EndRows with StatusCursorExists, sending no row,
	// and serve them by Fetch; or just send the rows.
	Execute(r *Reply, st *Stmt, params []Param, attrs []Attr, cursor bool) error
	// Fetch sends up to n rows of st's cursor: r.ContinueRows(cols), the rows, then r.EndRows with StatusCursorExists, and
	// StatusLastRowSent in addition when the cursor is exhausted. Without a cursor it returns 1421.
	Fetch(r *Reply, st *Stmt, n uint32) error
	// ResetStmt closes st's cursor, if any. (The wire has dropped its long data.)
	ResetStmt(st *Stmt) error
	// CloseStmt frees what st.Data holds. Also called for each open statement by COM_CHANGE_USER,
	// COM_RESET_CONNECTION and at the connection's end (before Close).
	CloseStmt(st *Stmt)

	// InitDB changes the default database (COM_INIT_DB).
	InitDB(r *Reply, db string) error
	// FieldList answers COM_FIELD_LIST with r.FieldList; wildcard is a LIKE pattern, "" for all.
	FieldList(r *Reply, table, wildcard string) error
	// Statistics returns the line that `mysqladmin status` prints.
	Statistics() string
	// Debug dumps debugging information to the server's log (COM_DEBUG); needs SUPER.
	Debug() error
	// ProcessKill is KILL of another connection (COM_PROCESS_KILL).
	ProcessKill(id uint32) error

	// ChangeUser makes the session one of a newly authenticated user: everything is reset as for a new connection. On error the
	// connection is closed after the error was sent.
	ChangeUser(login *Login) error
	// Reset is COM_RESET_CONNECTION: rolls back, drops temporary tables, variables, locks; user and database stay.
	Reset() error

	// Close ends the session: rolls back and frees everything. It has nobody to report to.
	Close()
}

// RawCommander is implemented by Sessions that serve commands that the wire does not know (binlog dump, clone).
type RawCommander interface {
	// Command executes one unknown command; answer with r.Packet, r.OK and so on. The payload excludes the command byte.
	Command(r *Reply, command byte, payload []byte) error
}

// Attr is a query attribute; Name "" is an unnamed one.
type Attr struct {
	Name  string
	Value Param
}

// Hooks tell a Session's owner about waits on the client and give it a last word before bytes leave. All are optional. They run
// on the connection's goroutine, from a Session method's start until its reply is sent: what a method left in the buffer is written, and
// what it left of a LOCAL INFILE is read, right after it returned.
type Hooks struct {
	// BeforeSend is called before each write of reply bytes to the client. It may wait, e.g. until the commits that the result depends
	// on are durable; it runs once or more per command, so it should be cheap when there is nothing to wait for. If it returns an
	// error, the bytes at hand are dropped and the client gets that error instead (BeforeSend is not asked about it).
	BeforeSend func() error
	// BeginWait is called when a read from or write to the client has to wait, EndWait when that wait is over. A dispatcher gives
	// the statement's admission place back in between.
	BeginWait func()
	EndWait   func()
}
