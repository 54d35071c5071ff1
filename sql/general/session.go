package general

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	sqle "github.com/dolthub/go-mysql-server"
	"github.com/dolthub/go-mysql-server/eventscheduler"
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/analyzer"
	"github.com/dolthub/go-mysql-server/sql/rowexec"
	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/builtin"
	"github.com/zoryadb/zorya/sql/collate"
	"github.com/zoryadb/zorya/sql/item"
	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/rules"
	"github.com/zoryadb/zorya/sql/spill"
	"github.com/zoryadb/zorya/sql/tabledef"
)

// Engine is the general lane of one database instance. At most one per process: GMS keeps its variables in globals.
type Engine struct {
	db      table.DB
	catalog table.Catalog
	opts    Options
	metas   tabledef.Cache
	plans   planCache
	sets    setCache
	stats   statistics

	privilegeStates privilegeStates

	histograms histogramCache

	memory      spill.Pool
	open        openSessions
	gms         *sqle.Engine
	started     time.Time
	later       sync.WaitGroup // drops of temporary tables under way
	temporaries atomic.Uint64  // temporary tables made

	logVars struct { // of package logs' settings, as they are or are about to be
		sync.Mutex
		values map[string]any
	}

	accounts   *accountBook
	components atomic.Pointer[[]string] // installed
	logins     failedLogins
	usage      accountUsage

	routines  routineCache
	userLocks *userLocks

	lastForeignKey atomic.Pointer[lastForeignKey]

	oneByOne bool // innodb_autoinc_lock_mode is 0: statements take AUTO_INCREMENT values one at a time
}

// Session is one connection's state. It is used by one goroutine at a time.
type Session struct {
	e     *Engine
	login Login

	privileges sessionPrivileges
	hooks      Hooks
	gms        *gmsSession
	cur        *execution
	// ignoredRows counts the rows of IGNORE statements that are being changed, one within the other's triggers.
	ignoredRows int
	roles       []authID // active; changed by setActive
	// leaving is closed when the table that a failed CREATE TABLE ... SELECT was making is gone; nil: there is none.
	leaving <-chan struct{}

	caches *sql.MemoryManager // the library's own, of subqueries

	named    map[string]*Statement   // PREPARE name FROM ...
	handlers map[string]*openHandler // HANDLER ... OPEN, by alias
	temps    map[string]*tempTable   // by "schema.table" in lower case
	setKey   []byte                  // room for SetAgain

	programs map[*stored]*parsedProgram // parsed routines and triggers
	frames   []frame                    // routines under way
}

// gmsSession is what GMS sees of a Session.
type gmsSession struct {
	*sql.BaseSession
	s *Session

	begun    map[string]sql.SystemVarValue // system variables as the session began, shared with others
	begunID  uint64                        // names begun
	settings string                        // settingsKey; "": not made since a variable was set
	mu       sync.Mutex                    // of set and named: others read them too, the session's own goroutine alone writes
	set      map[string]sql.SystemVarValue // those that it has set
	named    map[string]bool               // user variables that it has set
	muted    *int                          // if set, warnings are only counted
	recorded *[]sql.SystemVarValue         // if set, what variables are given (setagain.go)
	told     told                          // what they say to the dispatcher
}

var (
	_ sql.TransactionSession = (*gmsSession)(nil)
	_ sql.PersistableSession = (*gmsSession)(nil)
)

// sessionOf returns the Session that ctx belongs to, nil for GMS's internal contexts.
func sessionOf(ctx *sql.Context) *Session {
	if ctx == nil {
		return nil
	}
	if g, ok := ctx.Session.(*gmsSession); ok {
		return g.s
	}
	return nil
}

// Login implements builtin.Session.
func (g *gmsSession) Login() (user, host string) { return g.s.login.User, g.s.login.Host }

// Execution implements builtin.Session.
func (g *gmsSession) Execution() any {
	if g.s.cur == nil {
		return nil
	}
	return g.s.cur
}

// GiveInsertID implements builtin.Session.
func (g *gmsSession) GiveInsertID(id uint64) {
	if x := g.s.cur; x != nil {
		x.lastArg = &id
	}
}

// New opens the general lane over db.
func New(db table.DB, o Options) (*Engine, error) {
	if o.Version == "" {
		o.Version = DefaultVersion
	}
	e := &Engine{db: db, opts: o, started: time.Now(), userLocks: newUserLocks(), accounts: newAccountBook(), memory: spill.Pool{Temp: o.Temp, Limit: instanceLimit}}
	parts := &partCatalog{db.Catalog(), e}
	e.catalog = parts
	quiet()
	builtin.ReplaceBuiltins()
	ab := analyzer.NewBuilder(&provider{e})
	ab.AddOverrides(sql.EngineOverrides{Builder: sql.BuilderOverrides{Parser: &parser{e}}, CostedIndexScanExpressionFilter: rules.RangeBound{}})
	a := ab.Build()
	rules.AddJoinFilters(a)
	rules.JoinByWhere(a)
	unnestForDelete(a)
	keepDeepQueries(a)
	rules.KeepRowsOfFalse(a)
	rules.KeepSelfSorts(a)
	rules.KeepConditionOrder(a)
	allowGenerated(a)
	heedHints(a)
	rules.CheckGroups(a)
	serveOrders(a, e)
	rules.DeleteAcrossDatabases(a)
	orderLargeJoins(a, e)
	a.Coster = &coster{a.Coster, e}
	a.Catalog.InfoSchema = &infoSchema{a.Catalog.InfoSchema, e}
	e.gms = sqle.New(a, &sqle.Config{})
	a.ExecBuilder.PriorityBuilder = &builder{e: e}
	e.gms.EventScheduler = (*eventscheduler.EventScheduler)(nil)
	e.serveStatus()
	serveVariables()
	ctx := context.Background()
	if err := e.initVariables(ctx); err != nil {
		return nil, fmt.Errorf("open the general lane: %w", err)
	}
	if err := e.adoptLogVariables(); err != nil {
		return nil, fmt.Errorf("open the general lane: %w", err)
	}
	if err := e.loadPrivileges(ctx); err != nil {
		return nil, fmt.Errorf("open the general lane: %w", err)
	}
	if err := e.dropTemporaries(ctx); err != nil {
		return nil, fmt.Errorf("open the general lane: %w", err)
	}
	if !o.ReadOnly {
		if err := parts.dropOrphans(ctx); err != nil {
			return nil, fmt.Errorf("open the general lane: %w", err)
		}
	}
	return e, nil
}

// Close stops background work. Sessions must be closed before.
func (e *Engine) Close() error {
	e.later.Wait()
	return e.gms.Close()
}

// NewSession makes a connection's session: 1044 or 1049 for a database it may not use or that does not exist.
func (e *Engine) NewSession(ctx context.Context, l Login, h Hooks) (*Session, error) {
	s := &Session{e: e, hooks: h}
	s.begin(l)
	if l.Database != "" {
		if err := s.UseDatabase(ctx, l.Database); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// begin gives the session a fresh state for l.
func (s *Session) begin(l Login) {
	s.login = l
	user, host := l.AccountUser, l.AccountHost
	if user == "" && host == "" {
		user, host = internalUser, "localhost"
	}
	vars, id := sessionVariables()
	s.gms = &gmsSession{s: s, begun: vars, begunID: id, BaseSession: sql.NewBaseSessionWithClientServer(s.e.opts.ServerID,
		sql.Client{User: user, Address: host, Capabilities: l.Capabilities}, l.ID)}
	s.e.open.put(s.gms)
	s.gms.SetIgnoreAutoCommit(true)
	s.gms.SetTransaction(noTransaction{})
	s.caches = sql.NewMemoryManager(libraryMemory{s})
	s.named = nil
	s.handlers = nil
	s.roles = nil
	if l.AccountUser != "" || l.AccountHost != "" {
		s.setActive(s.e.loginRoles(authID{l.AccountUser, l.AccountHost}))
	}
	if l.Collation != 0 {
		s.setClientCollation(l.Collation)
	}
}

// setClientCollation does what SET NAMES does, for the handshake's collation.
func (s *Session) setClientCollation(id uint16) {
	c := sql.CollationID(id)
	if !collate.Exists(id) || c.CharacterSet().Encoder() == nil || item.LeastBytes(c.CharacterSet()) > 1 {
		return
	}
	ctx := s.context(context.Background(), "")
	for _, v := range [...][2]string{{"character_set_client", c.CharacterSet().Name()}, {"character_set_connection", c.CharacterSet().Name()},
		{"character_set_results", c.CharacterSet().Name()}, {"collation_connection", c.Name()}} {
		_ = s.gms.SetSessionVariable(ctx, v[0], v[1]) // values exist: taken from the library's own tables
	}
}

// context makes GMS's context for one step of work.
func (s *Session) context(ctx context.Context, query string) *sql.Context {
	c := sql.NewContext(ctx, sql.WithSession(s.gms), sql.WithPid(uint64(s.login.ID)), sql.WithQuery(query),
		sql.WithMemoryManager(s.caches), sql.WithProcessList(processes{s.e}),
		sql.WithServices(sql.Services{LoadInfile: s.loadInfile}))
	if at, ok := s.gms.setTime(); ok {
		c.SetQueryTime(at)
	}
	return c
}

// isolationOf is the level that a value of transaction_isolation names, REPEATABLE READ if it names none.
func isolationOf(text string) table.Isolation {
	level, ok := isolationNamed(strings.ToUpper(strings.ReplaceAll(text, " ", "-")))
	if !ok {
		return table.RepeatableRead
	}
	return level
}

func isolationNamed(text string) (level table.Isolation, ok bool) {
	switch text {
	case "READ-UNCOMMITTED":
		return table.ReadUncommitted, true
	case "READ-COMMITTED":
		return table.ReadCommitted, true
	case "REPEATABLE-READ":
		return table.RepeatableRead, true
	case "SERIALIZABLE":
		return table.Serializable, true
	}
	return 0, false
}

func truth(v any) bool {
	switch v := v.(type) {
	case bool:
		return v
	case string:
		return strings.EqualFold(v, "on") || v == "1" || strings.EqualFold(v, "true")
	}
	return integer(v) != 0
}

func integer(v any) int64 {
	switch v := v.(type) {
	case int8:
		return int64(v)
	case int64:
		return v
	case uint64:
		return int64(v)
	case int:
		return int64(v)
	case float64:
		return int64(v)
	}
	return 0
}

func seconds(v any) time.Duration { return time.Duration(integer(v)) * time.Second }

// UseDatabase is USE (COM_INIT_DB): 1044, 1049.
func (s *Session) UseDatabase(ctx context.Context, name string) error {
	c := s.context(ctx, "")
	db, err := s.e.gms.Analyzer.Catalog.Database(c, name)
	if err != nil {
		return mapError(c, err)
	}
	s.gms.SetCurrentDatabase(db.Name())
	return nil
}

// Warnings is the number of warnings of the last statement.
func (s *Session) Warnings() uint16 { return s.gms.WarningCount() }

// Variable returns a session variable's value as text.
func (s *Session) Variable(name string) (string, bool) {
	v, err := s.gms.GetSessionVariable(nil, name)
	if err != nil || v == nil {
		return "", false
	}
	return fmt.Sprint(v), true
}

// NoteError records an error for SHOW WARNINGS and SHOW ERRORS, as MySQL does with the error that ends a statement. fresh says that it
// was not a statement of this lane, so what is recorded is older.
func (s *Session) NoteError(err error, fresh bool) {
	if fresh {
		s.gms.ClearWarnings()
	}
	e := mysqlerr.From(err)
	s.gms.Warn(&sql.Warning{Level: "Error", Code: int(e.Code), Message: e.Message})
}

// Reset is COM_RESET_CONNECTION: variables, user variables, prepared statements, temporary tables and user locks go; user and database
// stay.
func (s *Session) Reset(ctx context.Context) error {
	db := s.gms.GetCurrentDatabase()
	s.release()
	s.begin(s.login)
	s.gms.SetCurrentDatabase(db)
	return nil
}

// ChangeUser is COM_CHANGE_USER: a Reset, then the session is the new user's.
func (s *Session) ChangeUser(ctx context.Context, l Login) error {
	s.release()
	s.begin(l)
	if l.Database != "" {
		return s.UseDatabase(ctx, l.Database)
	}
	return nil
}

// Close frees the session: user locks, temporary tables.
func (s *Session) Close() {
	s.e.open.drop(s.gms)
	s.release()
}

func (s *Session) release() {
	s.e.userLocks.releaseAll(s)
	s.dropSessionTemporaries()
}

// Allowed reports whether the session's account has a global privilege, by its name in GRANT.
func (s *Session) Allowed(privilege string) bool { return s.e.allowed(s, privilege) }

// noTransaction stands where GMS wants a transaction: the dispatcher has the real one.
type noTransaction struct{}

func (noTransaction) String() string   { return "dispatcher's transaction" }
func (noTransaction) IsReadOnly() bool { return false }

func (g *gmsSession) StartTransaction(*sql.Context, sql.TransactionCharacteristic) (sql.Transaction, error) {
	return noTransaction{}, nil
}

// CommitTransaction and the others are reached only from routines: the dispatcher took the statements at top level.
func (g *gmsSession) CommitTransaction(ctx *sql.Context, _ sql.Transaction) error {
	return g.s.control(ctx, &ControlStatement{Op: Commit})
}

func (g *gmsSession) Rollback(ctx *sql.Context, _ sql.Transaction) error {
	return g.s.control(ctx, &ControlStatement{Op: Rollback})
}

func (g *gmsSession) CreateSavepoint(ctx *sql.Context, _ sql.Transaction, name string) error {
	return g.s.control(ctx, &ControlStatement{Op: Savepoint, Name: name})
}

func (g *gmsSession) RollbackToSavepoint(ctx *sql.Context, _ sql.Transaction, name string) error {
	return g.s.control(ctx, &ControlStatement{Op: RollbackTo, Name: name})
}

func (g *gmsSession) ReleaseSavepoint(ctx *sql.Context, _ sql.Transaction, name string) error {
	return g.s.control(ctx, &ControlStatement{Op: ReleaseSave, Name: name})
}

// control is what the library asks for of its own accord.
func (s *Session) control(ctx *sql.Context, c *ControlStatement) error {
	if strings.HasPrefix(c.Name, rowexec.TriggerSavePointPrefix) {
		return nil // around a statement with triggers: the dispatcher's statement savepoint does that
	}
	if s.cur != nil && c.Op == Commit {
		return nil // the library's implicit commit of DDL and of what it takes for it (a view): programHost.ddl and the dispatcher do that
	}
	return s.handOver(ctx, c)
}

// handOver hands a transaction statement inside a routine to the dispatcher.
func (s *Session) handOver(ctx *sql.Context, c *ControlStatement) error {
	if s.cur == nil || s.hooks.Control == nil {
		return mysqlerr.New(mysqlerr.ER_NOT_SUPPORTED_YET, "transaction control here")
	}
	stmt, err := s.hooks.Control(ctx, c)
	if err != nil {
		return err
	}
	s.cur.stmt = stmt
	s.cur.opened = nil
	s.gms.SetTransaction(noTransaction{})
	s.gms.SetIgnoreAutoCommit(true)
	return nil
}

// SetTransaction keeps GMS from clearing the transaction behind the dispatcher's back.
func (g *gmsSession) SetTransaction(sql.Transaction) { g.BaseSession.SetTransaction(noTransaction{}) }

// Warn gives the library's notes of skipped rows (INSERT IGNORE, UPDATE IGNORE) MySQL's level and words.
func (g *gmsSession) Warn(w *sql.Warning) {
	if g.muted != nil {
		*g.muted++
		return
	}
	if w.Level == "Note" {
		switch mysqlerr.Code(w.Code) {
		case mysqlerr.ER_DUP_ENTRY, mysqlerr.ER_NO_REFERENCED_ROW_2, mysqlerr.ER_ROW_IS_REFERENCED_2, mysqlerr.ER_UNKNOWN_ERROR:
			if e := libraryError(g.s.context(context.Background(), ""), errors.New(w.Message)); e.Code != mysqlerr.ER_UNKNOWN_ERROR {
				w = &sql.Warning{Level: "Warning", Code: int(e.Code), Message: e.Message}
			}
		}
	}
	if w.Code == int(mysqlerr.ER_TRUNCATED_WRONG_VALUE) {
		if m := truncatedAs.FindStringSubmatch(w.Message); m != nil {
			kind := strings.ToUpper(m[1])
			switch kind {
			case "SIGNED", "UNSIGNED", "INT":
				kind = "INTEGER"
			case "FLOAT":
				kind = "DOUBLE"
			}
			w = &sql.Warning{Level: w.Level, Code: w.Code, Message: "Truncated incorrect " + kind + " value: '" + m[2] + "'"}
		}
	}
	if w.Code == int(mysqlerr.ER_DIVISION_BY_ZERO) {
		if mode, _ := g.s.variable("sql_mode").(string); !strings.Contains(mode, "ERROR_FOR_DIVISION_BY_ZERO") {
			return
		}
	}
	if x := g.s.cur; x != nil && x.strict && w.Level == "Warning" && strictFails[mysqlerr.Code(w.Code)] {
		if x.failed == nil {
			x.failed = mysqlerr.NewMessage(mysqlerr.Code(w.Code), "%s", w.Message)
		}
		return
	}
	g.BaseSession.Warn(w)
}

// truncatedAs matches the library's text of a value that is no number.
var truncatedAs = regexp.MustCompile(`(?s)^Truncated incorrect (double|float|integer|int|signed|unsigned|decimal) value: '?(.*?)'?$`)

// strictFails are the warnings that strict mode makes errors of in statements that change rows, wherever in them a value is computed.
var strictFails = map[mysqlerr.Code]bool{mysqlerr.ER_TRUNCATED_WRONG_VALUE: true, mysqlerr.ER_TRUNCATED_WRONG_VALUE_FOR_FIELD: true,
	mysqlerr.ER_DIVISION_BY_ZERO: true, mysqlerr.ER_WARN_DATA_OUT_OF_RANGE: true, mysqlerr.WARN_DATA_TRUNCATED: true, mysqlerr.ER_DATETIME_FUNCTION_OVERFLOW: true,
	mysqlerr.ER_CUT_VALUE_GROUP_CONCAT: true, 1411: true, 3020: true} // of STR_TO_DATE and the like, of logarithms

// Warnings returns the oldest first, as SHOW WARNINGS lists them; the library keeps them the other way round.
func (g *gmsSession) Warnings() []*sql.Warning {
	w := g.BaseSession.Warnings()
	slices.Reverse(w)
	return w
}

// forgetSince forgets all warnings but the first n.
func (g *gmsSession) forgetSince(n int) {
	list := g.Warnings()
	if len(list) <= n {
		return
	}
	g.ClearWarnings()
	for _, w := range list[:n] {
		g.BaseSession.Warn(w)
	}
}

// GetPreparedQuery answers no: prepared statements are Statements here.
func (g *gmsSession) GetPreparedQuery(string) (sqlparser.Statement, bool) { return nil, false }

// UseDatabase is called by USE, after its own checks.
func (g *gmsSession) UseDatabase(*sql.Context, sql.Database) error { return nil }
