package session

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/fastlane"
	"github.com/zoryadb/zorya/sql/general"
	"github.com/zoryadb/zorya/sql/logs"
	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/perfschema"
	"github.com/zoryadb/zorya/sql/spill"
	"github.com/zoryadb/zorya/sql/wire"
	"github.com/zoryadb/zorya/storage/page"
)

// Options configure a Server. The zero value is usable, without TLS.
type Options struct {
	Version string // of the greeting; default general.DefaultVersion
	// TLS is offered to clients; RequireTLS refuses those who come without (3159). See wire.LoadOrMakeTLS.
	TLS        *tls.Config
	RequireTLS bool
	// MaxConnections bounds connections (1040) where the lane has no variable max_connections; 0: 16000, Aurora's upper bound.
	MaxConnections int
	// StatementsPerCPU is how many statements run at once per GOMAXPROCS; 0: 4.
	StatementsPerCPU int
	// NetReadTimeout bounds a wait for the client within a command; 0: 30 s.
	NetReadTimeout time.Duration
	Logs           *logs.Logs // nil: none
	// Performance counts what performance_schema shows; nil: one of the server's own, which nobody reads.
	Performance *perfschema.Recorder
	// NoFastLane sends everything to the general lane, whatever zorya_fast_lane says.
	NoFastLane bool
	// OnShutdown is called by the SHUTDOWN statement; it must not wait for the server. nil: the statement is refused.
	OnShutdown func()
	Registerer prometheus.Registerer // nil: metrics are not registered
	Log        *slog.Logger          // nil: slog.Default()
}

// Lane is the general lane as the dispatcher uses it. General adapts *general.Engine; tests bring their own.
type Lane interface {
	Lookup(user, host string) (general.Account, bool)
	NewSession(ctx context.Context, l general.Login, h general.Hooks) (LaneSession, error)
	// Allowed reports whether the session has a global privilege, static or dynamic.
	Allowed(s LaneSession, privilege string) bool
}

// LaneSession is a session of the general lane. See package general for the rules.
type LaneSession interface {
	Parse(text string) (st *general.Statement, rest string, err error)
	Prepare(ctx context.Context, text string) (*general.Statement, error)
	Execute(ctx context.Context, st *general.Statement, stmt table.Stmt, params []any) (*general.Result, error)
	Settings() general.Settings
	UseDatabase(ctx context.Context, name string) error
	Warnings() uint16
	NoteError(err error, fresh bool)
	Spool() *spill.Spool // for rows that outlive their statement
	Close()
}

// Server owns the sessions of one instance. Its methods are safe for concurrent use.
type Server struct {
	db      table.DB
	lane    Lane
	opts    Options
	log     *slog.Logger
	wire    *wire.Server
	metrics *metrics
	fast    *fastlane.Lane
	may     privilegeCache
	gate    gate
	ddlGate ddlGate
	locks   *tableLocks
	xids    xids
	events  *events
	started time.Time

	ctx    context.Context // ends with the server: parent of every statement's
	cancel context.CancelCauseFunc

	mu       sync.Mutex
	sessions map[uint32]*Session
	peak     struct { // the most sessions at once
		sessions int
		at       time.Time
	}
	listeners []net.Listener
	draining  bool

	questions, inGeneral, slowCount atomic.Uint64 // statements, those of the general lane, and slow ones
	queryIDs                        atomic.Uint64 // of the audit log
	throttle                        throttle
	perf                            *perfschema.Recorder
}

// New makes a server over db and the general lane. It serves nobody before Serve.
func New(db table.DB, lane Lane, o Options) (*Server, error) {
	setDefaults(&o)
	srv := &Server{
		db: db, lane: lane, opts: o, log: o.Log, fast: fastlane.New(), perf: o.Performance, started: time.Now(), locks: newTableLocks(), sessions: make(map[uint32]*Session),
		gate:    newGate(o.StatementsPerCPU*runtime.GOMAXPROCS(0), runtime.GOMAXPROCS(0), 2*runtime.GOMAXPROCS(0)),
		ddlGate: newDDLGate(runtime.GOMAXPROCS(0)),
	}
	srv.ctx, srv.cancel = context.WithCancelCause(context.Background())
	var err error
	if srv.metrics, err = newMetrics(o.Registerer, srv); err != nil {
		return nil, fmt.Errorf("session: registering metrics: %w", err)
	}
	mode := wire.TLSOptional
	if o.RequireTLS {
		mode = wire.TLSRequired
	}
	srv.wire, err = wire.NewServer(wire.Config{
		Backend: backend{srv}, ServerVersion: o.Version, TLS: o.TLS, TLSMode: mode, LocalInfile: true,
		MaxConnections:   func() int { return srv.global("max_connections", o.MaxConnections) },
		MaxPreparedStmts: func() int { return srv.global("max_prepared_stmt_count", 1<<20) },
		Direct:           wire.DefaultDirect,
		Log:              o.Log,
	})
	if err != nil {
		return nil, fmt.Errorf("session: %w", err)
	}
	srv.gate.backlog = srv.wire.Backlog
	srv.events = newEvents(srv)
	go srv.watch()
	go srv.events.run()
	return srv, nil
}

func setDefaults(o *Options) {
	if o.Version == "" {
		o.Version = general.DefaultVersion
	}
	if o.MaxConnections == 0 {
		o.MaxConnections = 16000
	}
	if o.StatementsPerCPU == 0 {
		o.StatementsPerCPU = 4
	}
	if o.NetReadTimeout == 0 {
		o.NetReadTimeout = 30 * time.Second
	}
	if o.Performance == nil {
		o.Performance = perfschema.New()
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
}

// globals is what a Lane also implements when limits follow global variables.
type globals interface {
	GlobalInt(name string) (int64, bool)
}

// global returns a global variable's value; fallback when the lane has no such.
func (srv *Server) global(name string, fallback int) int {
	if g, ok := srv.lane.(globals); ok {
		if v, ok := g.GlobalInt(name); ok {
			return int(v)
		}
	}
	return fallback
}

// Queued reports whether more connections have sent something and wait for a worker than there are processors.
func (srv *Server) Queued() bool { return srv.wire.Backlog() > runtime.GOMAXPROCS(0) }

// Serve accepts clients on l until Shutdown, when it returns nil, or until l fails. It may be called for several listeners.
func (srv *Server) Serve(l net.Listener) error {
	srv.mu.Lock()
	if srv.draining {
		srv.mu.Unlock()
		return l.Close()
	}
	srv.listeners = append(srv.listeners, l)
	srv.mu.Unlock()
	err := srv.wire.Serve(l)
	srv.mu.Lock()
	defer srv.mu.Unlock()
	if srv.draining {
		return nil
	}
	return err
}

// Shutdown stops accepting and tells clients that are idle, or become so, 1053. Statements that still run when ctx ends are interrupted.
// Open transactions are rolled back. It returns when all sessions are closed, or with an error when some are left seconds
// after ctx's end.
func (srv *Server) Shutdown(ctx context.Context) error {
	srv.mu.Lock()
	srv.draining = true
	for _, l := range srv.listeners {
		l.Close()
	}
	srv.mu.Unlock()
	reason := mysqlerr.New(mysqlerr.ER_SERVER_SHUTDOWN)
	tick := time.NewTicker(drainEvery)
	defer tick.Stop()
	for ctx.Err() == nil && srv.sessionCount() > 0 {
		for _, s := range srv.idle(time.Now().Add(-2 * drainEvery)) {
			s.conn.Kill(reason)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
	srv.cancel(reason)
	for _, s := range srv.all() {
		s.interrupt(reason)
	}
	last, stop := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer stop()
	err := srv.wire.Shutdown(last)
	if eerr := srv.events.stop(last); err == nil {
		err = eerr
	}
	if err != nil {
		return fmt.Errorf("session: shutting down: %w", err)
	}
	return nil
}

// drainEvery is how often Shutdown looks for sessions that became idle.
const drainEvery = 10 * time.Millisecond

// all returns the open sessions.
func (srv *Server) all() []*Session {
	srv.mu.Lock()
	defer srv.mu.Unlock()
	out := make([]*Session, 0, len(srv.sessions))
	for _, s := range srv.sessions {
		out = append(out, s)
	}
	return out
}

// idle returns the sessions that have run nothing since t: their last reply has left.
func (srv *Server) idle(t time.Time) []*Session {
	all := srv.all()
	out := all[:0]
	for _, s := range all {
		s.mu.Lock()
		if !s.busy && s.since.Before(t) {
			out = append(out, s)
		}
		s.mu.Unlock()
	}
	return out
}

// backend is the server as the wire sees it.
type backend struct{ srv *Server }

// Lookup implements wire.Backend.
func (b backend) Lookup(user, host string) (wire.Account, bool, error) {
	a, ok := b.srv.lane.Lookup(user, host)
	if !ok {
		return wire.Account{}, false, nil
	}
	if a.Blocked != nil {
		return wire.Account{}, false, a.Blocked
	}
	return wire.Account{
		User: a.User, Host: a.Host, Plugin: a.Plugin, AuthString: a.AuthString,
		Locked: a.Locked, RequireTLS: a.RequireTLS, PasswordExpired: a.Expired, Secondary: a.Secondary, Demands: tlsDemands(&a),
	}, true, nil
}

// Connect implements wire.Backend.
func (b backend) Connect(c *wire.Conn, login *wire.Login) (wire.Session, error) {
	srv := b.srv
	if err := srv.admitAccount(login); err != nil {
		srv.auditConnection("FAILED_CONNECT", login.User, login.Host, login.Database, c.ID(), err.Code)
		return nil, err
	}
	s := newSession(srv, c)
	s.login = generalLogin(c, login)
	s.expired = login.Account.PasswordExpired
	s.limit()
	s.address = c.RemoteAddr().String()
	if err := s.connectHalf(s.ctx); err != nil {
		s.cancel(nil)
		e := sqlError(err)
		srv.auditConnection("FAILED_CONNECT", login.User, login.Host, login.Database, c.ID(), e.Code)
		return nil, e
	}
	c.SetHooks(wire.Hooks{BeforeSend: s.beforeSend, BeginWait: s.BeginWait, EndWait: s.EndWait})
	srv.mu.Lock()
	srv.sessions[c.ID()] = s
	if n := len(srv.sessions); n > srv.peak.sessions {
		srv.peak.sessions, srv.peak.at = n, time.Now()
	}
	srv.mu.Unlock()
	s.performs()
	s.tellConnect("Connect")
	return s, nil
}

func generalLogin(c *wire.Conn, l *wire.Login) general.Login {
	g := general.Login{
		ID: c.ID(), User: l.User, Host: l.Host, AccountUser: l.Account.User, AccountHost: l.Account.Host,
		Database: l.Database, Collation: l.Collation, Capabilities: l.Capabilities,
	}
	if st := c.TLS(); st != nil {
		g.TLSVersion, g.TLSCipher = strings.Replace(tls.VersionName(st.Version), "TLS 1", "TLSv1", 1), cipherName(st.CipherSuite)
	}
	return g
}

// cipherName is OpenSSL's name of a cipher suite, which MySQL shows. Those of TLS 1.3 are the standard's.
func cipherName(id uint16) string {
	name := tls.CipherSuiteName(id)
	before, after, old := strings.Cut(strings.TrimPrefix(name, "TLS_"), "_WITH_")
	if !old {
		return name
	}
	after = strings.NewReplacer("AES_128", "AES128", "AES_256", "AES256", "CHACHA20_POLY1305_SHA256", "CHACHA20-POLY1305", "_CBC_", "_", "_", "-").Replace(after)
	if before == "RSA" {
		return after
	}
	return strings.ReplaceAll(before, "_", "-") + "-" + after
}

// forget takes a closed session out of the process list.
func (srv *Server) forget(s *Session) {
	srv.mu.Lock()
	delete(srv.sessions, s.login.ID)
	srv.mu.Unlock()
}

func (srv *Server) sessionCount() int {
	srv.mu.Lock()
	defer srv.mu.Unlock()
	return len(srv.sessions)
}

// Status are the counters that SHOW GLOBAL STATUS prints: general.Options.Status.
func (srv *Server) Status() map[string]uint64 {
	w := srv.wire.Stats()
	running, _ := srv.gate.load()
	out := srv.transactionStatus()
	srv.mu.Lock()
	out["Max_used_connections"] = uint64(srv.peak.sessions)
	srv.mu.Unlock()
	general, all := srv.inGeneral.Load(), srv.questions.Load()
	_, unknown, declined := srv.fast.Counts()
	maps.Copy(out, map[string]uint64{
		"Zorya_fastlane_statements": all - min(general, all), "Zorya_general_statements": general, "Zorya_fastlane_digests": unknown, "Zorya_fastlane_declined": declined,
		"Connections": uint64(w.Connections), "Threads_connected": uint64(w.ThreadsConnected), "Threads_running": uint64(max(running, 0)),
		"Aborted_clients": uint64(w.AbortedClients), "Aborted_connects": uint64(w.AbortedConnects),
		"Connection_errors_max_connections": uint64(w.MaxConnectionsErrors), "Questions": all, "Queries": uint64(w.Commands),
		"Prepared_stmt_count": uint64(w.PreparedStmts), "Bytes_received": w.BytesReceived, "Bytes_sent": w.BytesSent,
		"Slow_queries": srv.slowCount.Load(), "Uptime": uint64(time.Since(srv.started).Seconds()),
		"Zorya_log_entries_dropped": srv.opts.Logs.Dropped(),
	})
	return out
}

// StatusTexts are the status variables that are no numbers: general.Options.StatusTexts.
func (srv *Server) StatusTexts() map[string]string {
	srv.mu.Lock()
	defer srv.mu.Unlock()
	if srv.peak.sessions == 0 {
		return nil
	}
	return map[string]string{"Max_used_connections_time": srv.peak.at.Format(time.DateTime)}
}

// transactionStatus are InnoDB's status variables about transactions, locks and rows.
func (srv *Server) transactionStatus() map[string]uint64 {
	m, ok := srv.db.(table.Monitor)
	if !ok {
		return map[string]uint64{}
	}
	a, i := m.Activity(), srv.db.Info()
	avg := uint64(0)
	if a.RowLockWaits > 0 {
		avg = uint64(a.RowLockTime.Milliseconds()) / a.RowLockWaits
	}
	opened, data := i.TablesOpened, uint64(max(i.PoolPages-i.PoolFree, 0))
	return map[string]uint64{
		"Open_tables": uint64(a.OpenTables), "Open_table_definitions": uint64(a.OpenTables), "Opened_tables": opened, "Opened_table_definitions": opened,
		"Innodb_buffer_pool_pages_total": uint64(i.PoolPages), "Innodb_buffer_pool_pages_free": uint64(i.PoolFree), "Innodb_buffer_pool_pages_data": data,
		"Innodb_buffer_pool_pages_dirty": uint64(i.PoolDirty), "Innodb_buffer_pool_bytes_data": data * page.Size, "Innodb_buffer_pool_bytes_dirty": uint64(i.PoolDirty) * page.Size,
		"Innodb_buffer_pool_read_requests": i.PoolHits + i.PoolReads, "Innodb_buffer_pool_reads": i.PoolReads, "Innodb_buffer_pool_read_ahead": i.PoolAhead,
		"Innodb_buffer_pool_wait_free": i.PoolWaits, "Innodb_pages_created": i.PoolCreated, "Innodb_pages_read": i.PoolReadPages, "Innodb_data_reads": i.PoolReads,
		"Innodb_data_read":           i.PoolReadPages * page.Size,
		"Innodb_history_list_length": i.HistoryLength, "Innodb_deadlocks": i.Deadlocks,
		"Innodb_row_lock_current_waits": a.RowLockNow, "Innodb_row_lock_waits": a.RowLockWaits, "Innodb_row_lock_time": uint64(a.RowLockTime.Milliseconds()),
		"Innodb_row_lock_time_avg": avg, "Innodb_row_lock_time_max": uint64(a.RowLockMax.Milliseconds()),
		"Innodb_rows_inserted": a.Inserted, "Innodb_rows_updated": a.Updated, "Innodb_rows_deleted": a.Deleted, "Innodb_rows_read": a.Read,
		"Zorya_undo_pages": a.UndoPages, "Zorya_read_views": uint64(a.Views), "Zorya_purged_undo_records": a.PurgedRecords,
	}
}

// statistics is the line of COM_STATISTICS.
func (srv *Server) statistics() string {
	up := time.Since(srv.started).Seconds()
	q := srv.questions.Load()
	return fmt.Sprintf("Uptime: %d  Threads: %d  Questions: %d  Slow queries: %d  Opens: 0  Flush tables: 0  Open tables: 0  Queries per second avg: %.3f",
		uint64(up), srv.sessionCount(), q, srv.slowCount.Load(), float64(q)/max(up, 1))
}
