package session

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dolthub/go-mysql-server/sql"

	"github.com/zoryadb/zorya/base/socket"
	"github.com/zoryadb/zorya/base/wait"
	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/fastlane"
	"github.com/zoryadb/zorya/sql/general"
	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/perfschema"
	"github.com/zoryadb/zorya/sql/wire"
)

// Session is one client's session. It implements wire.Session; all methods run on the connection's goroutine unless
// they say otherwise.
type Session struct {
	srv     *Server
	conn    *wire.Conn
	login   general.Login
	address string           // of the client, host:port
	gen     LaneSession      // nil: parked (half.go)
	set     general.Settings // as of the last statement

	// The transaction. explicit: BEGIN opened it, so autocommit does not end it.
	txn      table.Txn
	explicit bool
	own      bool              // the running statement is its own transaction, whatever autocommit says (DDL)
	readOnly bool              // of the open explicit transaction
	next     nextTxn           // SET TRANSACTION
	xa       xaTxn             // XA START
	tables   []lockedTable     // LOCK TABLES
	locker   table.TableLocker // their owner in the engine; nil: it knows none
	keysOff  []tableKey        // of these, those whose indexes are put off
	commit   chan error        // result of the commit under way, capacity 1
	onCommit func(error)       // sends to commit
	stmt     lazyStmt
	lent     bool // the general lane may have the open transaction, or has one that is still to begin

	failure struct { // the error that ended the last statement, until the general lane is told
		err   *mysqlerr.Error
		fresh bool // the statement left no warnings beside it
	}
	reveals bool        // rows of the open transaction are on their way to the client
	reply   *wire.Reply // of the running statement, for LOAD DATA LOCAL

	// The fast lane. shares: the general lane lets it run beside. fast is gen, if it shares.
	shares     bool
	fast       FastSession
	noted      note
	privileges privilegesSeen
	plain      bool // FastSession.Plain as of the last statement, and its zeros
	zeros      bool
	noForeign  bool // foreign keys are not checked
	zone       *time.Location
	setTime    time.Time // @@timestamp; zero: statements see when they begin
	client     sql.CharacterSetID
	results    sql.CharacterSetID
	foreign    bool // client is none that is UTF-8 as it stands
	fastEnv    fastlane.Env
	onSending  func()

	// The place at the gate.
	ticket ticket
	placed bool                      // holds a place, or would if it did not wait
	waits  int                       // nested waits
	breath atomic.Int64              // when the running statement last let others go first, in ns since the server began; 0: not yet
	writer writer                    // standing among the transactions that lock rows
	ddling struct{ on, placed bool } // at work as DDL; with a place at ddlGate
	pace   *wait.Pace                // of its DDL

	tracked   trackedState
	meter     *meter // nil: no log is on
	work      work
	measured  measured
	profiles  *profiles             // nil: it has asked for none
	performer *perfschema.Thread    // what performance_schema counts of it
	expired   bool                  // the password is: nothing but a new one is allowed
	usage     *general.Usage        // of the account's limits by the hour; nil: it has none
	limits    general.AccountLimits // as they were at login

	mu       sync.Mutex
	ctx      context.Context // of statements; replaced once it was cancelled
	cancel   context.CancelCauseFunc
	clean    context.Context // ctx, never cancelled: for what a KILL must not leave half done; connection's goroutine only
	busy     bool
	command  string
	text     []byte // of the running statement; nil when none
	state    string // what the process list says of it, if not "executing"
	since    time.Time
	stage    string // of the running statement; "" when it tells none
	database string // copy of set.Database for the process list
	killed   bool
	// watch's: which statement it looks at (its since), and when it asks for the client next, from there.
	watched   time.Time
	watchNext time.Duration
}

// nextTxn is what SET TRANSACTION asks of the next transaction only.
type nextTxn struct {
	isolation *table.Isolation
	access    access
}

type access uint8

const (
	accessDefault access = iota
	accessReadOnly
	accessReadWrite
)

// statementContext is a context whose waits are the session's.
type statementContext struct {
	context.Context
	s *Session
}

// Value implements context.Context.
func (c statementContext) Value(k any) any {
	if k == wait.Key {
		return c.s
	}
	return c.Context.Value(k)
}

// newSession is called by Server.Connect.
func newSession(srv *Server, c *wire.Conn) *Session {
	s := &Session{srv: srv, conn: c, command: "Sleep", since: time.Now(), commit: make(chan error, 1)}
	s.ticket.conn = c
	s.pace = wait.NewPace(s)
	s.onCommit = func(err error) { s.commit <- err }
	s.onSending = func() { s.reveals = true }
	s.stmt.s = s
	s.renewContext()
	return s
}

// renewContext replaces the context of statements, at first and after KILL QUERY has cancelled it.
func (s *Session) renewContext() {
	ctx, cancel := context.WithCancelCause(s.srv.ctx)
	s.ctx, s.cancel = statementContext{ctx, s}, cancel
	s.clean = context.WithoutCancel(s.ctx)
}

// BeginWait implements wait.Owner and wire.Hooks: the statement gives its place back while it waits.
func (s *Session) BeginWait() {
	if s.waits == 0 {
		if s.placed {
			s.srv.gate.pause(&s.ticket)
		}
		if s.ddling.placed {
			s.ddling.placed = false
			s.srv.ddlGate.leave()
		}
		s.conn.Block()
	}
	s.waits++
}

// Spare implements wait.Sharer.
func (s *Session) Spare() bool { return s.srv.gate.spare() }

// Others implements wait.Neighbour.
func (s *Session) Others() uint64 { return s.srv.gate.others(&s.ticket) }

// breathEvery is for how long a statement computes before it lets others go first, whose statements are a few hundred microseconds long as a rule. Go's scheduler
// would do so after 10 ms, and see those whose commands lie in their sockets later still.
const breathEvery = time.Millisecond

// Breathe implements wait.Breather.
func (s *Session) Breathe() {
	now := int64(time.Since(s.srv.started))
	last := s.breath.Load()
	if now-last < int64(breathEvery) || !s.breath.CompareAndSwap(last, now) {
		return
	}
	if last != 0 {
		socket.Yield()
		s.breath.Store(int64(time.Since(s.srv.started)))
	}
}

// BeginWaitAs implements wait.Teller.
func (s *Session) BeginWaitAs(state string) {
	s.setState(state)
	s.BeginWait()
}

func (s *Session) setState(state string) {
	s.mu.Lock()
	s.state = state
	s.mu.Unlock()
}

// EndWait takes a place again, without waiting for it.
func (s *Session) EndWait() {
	if s.state != "" { // only this goroutine writes it
		s.setState("")
	}
	if s.waits--; s.waits > 0 {
		return
	}
	s.conn.Unblock()
	if s.placed {
		s.srv.gate.resume(&s.ticket, &s.writer)
	}
	s.ddling.placed = s.ddling.on && s.srv.ddlGate.again()
}

// enterDDL makes what follows until leave is called go as DDL goes: it rests while others are at work, after the session's DDL before too, and it has a place at
// ddlGate while it computes.
func (s *Session) enterDDL(ctx context.Context) (paced context.Context, leave func(), err error) {
	if paced, err = s.pace.Begin(ctx); err != nil {
		return nil, nil, err
	}
	s.ticket.paced = true
	placed, err := s.srv.ddlGate.enter(ctx)
	if err != nil {
		s.pace.End()
		return nil, nil, err
	}
	s.ddling.on, s.ddling.placed = true, placed
	return paced, func() {
		if s.ddling.placed {
			s.srv.ddlGate.leave()
		}
		s.ddling.on, s.ddling.placed = false, false
		s.pace.End()
	}, nil
}

// BeginLockWait implements wait.LockOwner.
func (s *Session) BeginLockWait() {
	s.srv.gate.blocks(&s.writer)
	s.work.waiting = time.Now()
	s.BeginWait()
}

// EndLockWait implements wait.LockOwner.
func (s *Session) EndLockWait() {
	s.srv.gate.unblocks(&s.writer)
	if !s.work.waiting.IsZero() {
		s.work.lockWait += time.Since(s.work.waiting)
	}
	s.EndWait()
}

// beforeSend is the last word before bytes leave: what a result set depends on must be durable.
func (s *Session) beforeSend() error {
	if s.txn == nil || !s.reveals {
		return nil
	}
	return s.waitDependencies()
}

// Status implements wire.Session.
func (s *Session) Status() uint16 {
	var f uint16
	if s.set.Autocommit {
		f |= wire.StatusAutocommit
	}
	if s.explicit || s.txn != nil && !s.set.Autocommit {
		f |= wire.StatusInTrans
		if s.readOnly {
			f |= wire.StatusInTransReadonly
		}
	}
	return f
}

// run executes one command: it shows it in the process list, takes a place at the gate, and turns a panic into an error.
// bypass commands (COMMIT, ROLLBACK, KILL) do not wait for a place.
func (s *Session) run(command string, text []byte, bypass bool, fn func(ctx context.Context) error) (err error) {
	ctx, err := s.begin(command, text)
	if err != nil {
		return err
	}
	defer s.end()
	s.measure()
	if bypass {
		s.srv.gate.resume(&s.ticket, &s.writer)
	} else if err := s.srv.gate.enter(ctx, &s.ticket, &s.writer, s.txn != nil && s.txn.Writes()); err != nil {
		return sqlError(err)
	}
	s.placed = true
	defer func() {
		if v := recover(); v != nil {
			err = s.panicked(v)
		}
		s.placed = false
		s.srv.gate.leave(&s.ticket, &s.writer)
		if s.waits > 0 { // a panic passed through a wait
			s.waits = 0
			s.conn.Unblock()
		}
	}()
	return fn(ctx)
}

func (s *Session) begin(command string, text []byte) (context.Context, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.killed {
		return nil, errInterrupted()
	}
	if s.ctx.Err() != nil { // KILL QUERY came after the statement before had ended
		s.renewContext()
	}
	s.busy, s.command, s.text, s.since = true, command, text, time.Now()
	s.breath.Store(0)
	return s.ctx, nil
}

func (s *Session) end() {
	s.mu.Lock()
	s.busy, s.command, s.text, s.since, s.stage = false, "Sleep", nil, time.Now(), ""
	s.database = s.set.Database
	s.mu.Unlock()
}

// interrupt ends the running statement with cause, if there is one. Safe from any goroutine.
func (s *Session) interrupt(cause *mysqlerr.Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.busy {
		return
	}
	s.cancel(cause)
	if s.txn != nil {
		s.txn.Kill(cause)
	}
}

// kill ends the session. Safe from any goroutine.
func (s *Session) kill() {
	s.mu.Lock()
	s.killed = true
	s.mu.Unlock()
	s.interrupt(errInterrupted())
	if s.conn != nil { // an event has none
		s.conn.Kill(nil)
	}
}

// setTxn changes the open transaction, which others may interrupt. Without one the session holds no row locks.
func (s *Session) setTxn(t table.Txn) {
	s.mu.Lock()
	s.txn = t
	s.mu.Unlock()
	if t == nil {
		s.lent = false
		s.srv.gate.done(&s.writer)
	}
}

// Query implements wire.Session: one or several statements.
func (s *Session) Query(r *wire.Reply, text []byte, _ []wire.Attr) error {
	return s.run("Query", text, bypasses(text), func(ctx context.Context) error {
		text := s.decode(text)
		if handled, err := s.tryFast(ctx, r, text, nil, nil); handled {
			return err
		}
		return s.queryText(ctx, r, string(text))
	})
}

func (s *Session) queryText(ctx context.Context, r *wire.Reply, text string) error {
	for first := true; ; first = false {
		if ctx.Err() != nil { // killed between two statements
			return sqlError(context.Cause(ctx))
		}
		started := time.Now()
		g, err := s.half(ctx)
		if err != nil {
			return err
		}
		st, rest, err := g.Parse(text)
		if err != nil {
			return s.failed(started, text, err, true)
		}
		if st == nil {
			if first && strings.Trim(text, " \t\r\n;\x00") != "" { // nothing but a comment: MySQL, too, is content with that
				return s.sendOK(r, false)
			}
			if first {
				return mysqlerr.New(mysqlerr.ER_EMPTY_QUERY)
			}
			return nil
		}
		more := !blank(rest)
		if more && !s.conn.MultiStatements() {
			return mysqlerr.Syntax(text, len(text)-len(strings.TrimLeft(rest, " \t\r\n")))
		}
		s.tellStatement([]byte(text[:len(text)-len(rest)]))
		if err := s.statement(ctx, r, st, nil, more); err != nil {
			return err
		}
		if !more {
			return nil
		}
		text = rest
	}
}

// InitDB implements wire.Session.
func (s *Session) InitDB(r *wire.Reply, db string) error {
	return s.run("Init DB", nil, false, func(ctx context.Context) error {
		s.tellGeneral("Init DB", db)
		g, err := s.half(ctx)
		if err != nil {
			return err
		}
		if err := g.UseDatabase(ctx, db); err != nil {
			return sqlError(err)
		}
		s.adoptSettings(ctx)
		s.track(r)
		return nil
	})
}

// FieldList implements wire.Session.
func (s *Session) FieldList(r *wire.Reply, tableName, wildcard string) error {
	return s.run("Field List", nil, false, func(ctx context.Context) error {
		s.tellGeneral("Field List", tableName+" "+wildcard)
		g, err := s.half(ctx)
		if err != nil {
			return err
		}
		st, err := g.Prepare(ctx, "SELECT * FROM `"+strings.ReplaceAll(tableName, "`", "``")+"`")
		if err != nil {
			return sqlError(err)
		}
		cols := make([]wire.Column, 0, len(st.Columns))
		for i := range st.Columns {
			if wildcard == "" || like(strings.ToLower(st.Columns[i].Name), strings.ToLower(wildcard)) {
				cols = append(cols, wireColumn(&st.Columns[i]))
			}
		}
		return r.FieldList(cols)
	})
}

// Statistics implements wire.Session.
func (s *Session) Statistics() string { return s.srv.statistics() }

// Debug implements wire.Session.
func (s *Session) Debug() error {
	running, waiting := s.srv.gate.load()
	s.srv.log.Info("debug information", "running", running, "waiting", waiting, "engine", fmt.Sprintf("%+v", s.srv.db.Info()))
	return nil
}

// ProcessKill implements wire.Session.
func (s *Session) ProcessKill(id uint32) error { return s.srv.kill(s, uint64(id), false) }

// ChangeUser implements wire.Session.
func (s *Session) ChangeUser(login *wire.Login) error {
	return s.run("Change user", nil, false, func(ctx context.Context) error {
		s.abandon()
		s.dropHalf()
		s.mu.Lock()
		s.login = generalLogin(s.conn, login)
		s.expired = login.Account.PasswordExpired
		s.mu.Unlock()
		s.limit()
		s.performs()
		if err := s.reconnect(ctx); err != nil {
			return err
		}
		s.tellConnect("Change user")
		return nil
	})
}

// Reset implements wire.Session.
func (s *Session) Reset() error {
	return s.run("Reset Connection", nil, false, func(ctx context.Context) error {
		s.tellGeneral("Reset Connection", "")
		s.abandon()
		s.login.Database = s.set.Database
		return s.reconnect(ctx)
	})
}

func (s *Session) reconnect(ctx context.Context) error {
	if err := s.connectHalf(ctx); err != nil {
		return sqlError(err)
	}
	return nil
}

// started takes over the settings of a session that is new or as good as new.
func (s *Session) started() {
	s.set = s.gen.Settings()
	s.adoptShared()
	s.tracked = trackedState{s.set.Database, s.set.Autocommit, s.client, s.results}
	s.applyTimeouts()
	s.mu.Lock()
	s.database = s.set.Database
	s.mu.Unlock()
}

// adoptShared takes over what a statement may have changed of the things that the lanes share.
func (s *Session) adoptShared() {
	if s.fast == nil {
		return
	}
	s.plain, s.zeros = s.fast.Plain()
	s.noForeign = !s.fast.ForeignChecks()
	s.zone = s.fast.Zone()
	s.setTime, _ = s.fast.SetTime()
	s.client, s.results = s.fast.Charsets()
	s.foreign = needsDecoding(s.client)
}

// abandon rolls back and gives up what a reset or the end of the connection takes away.
func (s *Session) abandon() {
	s.rollback(context.WithoutCancel(s.ctx))
	if s.xa.state != xaNone {
		s.leaveXA()
	}
	s.unlockTables()
	s.unlockBackup()
	s.next = nextTxn{}
}

// Close implements wire.Session.
func (s *Session) Close() {
	s.mu.Lock()
	s.busy, s.text, s.command = true, nil, "Quit"
	s.mu.Unlock()
	defer s.srv.forget(s)
	s.tellGeneral("Quit", "")
	s.performed()
	s.srv.auditConnection("DISCONNECT", s.login.User, s.login.Host, s.set.Database, s.login.ID, 0)
	s.abandon()
	s.dropHalf()
	s.cancel(nil)
}
