package session

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/dolthub/go-mysql-server/sql"

	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/fastlane"
	"github.com/zoryadb/zorya/sql/general"
	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/spill"
	"github.com/zoryadb/zorya/sql/wire"
)

// FastSession is what a LaneSession also implements when the fast lane may run beside it.
type FastSession interface {
	// Plain reports whether everything that changes what simple statements mean is at its default: sql_mode, character sets, time
	// zone, temporary tables ... and zorya_fast_lane is ON. zeros says that 0 is no request for an auto-increment value
	// (NO_AUTO_VALUE_ON_ZERO). Dumps are restored so.
	Plain() (ok, zeros bool)
	// ForeignChecks reports whether foreign keys are checked.
	ForeignChecks() bool
	// Charsets returns character_set_client and character_set_results.
	Charsets() (client, results sql.CharacterSetID)
	// Zone returns time_zone, nil for UTC.
	Zone() *time.Location
	// SetTime returns the time that the session has set for its statements (@@timestamp), if it has.
	SetTime() (time.Time, bool)
	TableInfo(ctx context.Context, d *table.Def) (*general.TableInfo, error)
	// MayTable reports whether the account has all the privileges on a table.
	MayTable(schema, table string, privileges []string) bool
	// PrivilegeState is a number that changes when what the session's account may do changes; never 0.
	PrivilegeState() uint64
	// SetAutocommit is SET autocommit.
	SetAutocommit(on bool) error
	// SetAgain does a SET whose effect on a session with these settings is known, and says which it was. Otherwise it returns nil and has done nothing.
	SetAgain(text []byte) *general.KeptSet
	// Warn adds warnings to those of the statement that Note told of.
	Warn(warnings []*mysqlerr.Error)
	// Note records what a statement of the fast lane did, for ROW_COUNT(), FOUND_ROWS(), LAST_INSERT_ID() and SHOW WARNINGS.
	Note(rowCount, foundRows int64, insertID uint64)
}

// queries are normalised statements at work; idle sessions hold none.
var queries = sync.Pool{New: func() any { return new(fastlane.Query) }}

// tryFast runs a statement in the fast lane. handled is false when the general lane must run it: then nothing has
// happened. t is what a prepared statement has, if it is one for the lane.
func (s *Session) tryFast(ctx context.Context, r *wire.Reply, text []byte, t *fastlane.Template, params []wire.Param) (handled bool, err error) {
	if s.expired || s.usage != nil || s.xa.state > xaActive || !s.shares || !s.plain || s.foreignParams(params) || s.srv.opts.NoFastLane {
		return false, nil
	}
	started := time.Now()
	s.profile(started)
	q := queries.Get().(*fastlane.Query)
	defer queries.Put(q)
	var st *fastlane.Statement
	if t != nil {
		if !q.Fill(t, params) {
			return false, nil
		}
		st = s.srv.fast.LookupTemplate(t, s.set.Database, uint16(s.results))
	} else {
		if !q.Normalize(text, params) {
			return s.fastSet(ctx, r, text, started)
		}
		st = s.srv.fast.Lookup(q, s.set.Database, uint16(s.results))
	}
	if st.Kind == fastlane.Unknown {
		if t != nil {
			return false, nil
		}
		return s.fastSet(ctx, r, text, started)
	}
	s.tellStatement(text)
	switch st.Kind {
	case fastlane.Begin:
		err = s.fastControl(ctx, r, general.Begin)
	case fastlane.Commit:
		err = s.fastControl(ctx, r, general.Commit)
	case fastlane.Rollback:
		err = s.fastControl(ctx, r, general.Rollback)
	case fastlane.Autocommit:
		a := &q.Args[0]
		if a.Kind != fastlane.ArgInt || a.Neg || a.N > 1 || s.xa.state != xaNone {
			return false, nil
		}
		err = s.fastAutocommit(ctx, r, a.N == 1)
	default:
		handled, err = s.fastStatement(ctx, r, st, q, text, started)
		if !handled {
			return false, nil
		}
	}
	if err != nil {
		e := s.clientError(err)
		s.failure.err, s.failure.fresh = e, true
		s.srv.observe(s, laneFast, started, s.srv.known(s, st, q, text), text, e)
		return true, e
	}
	s.srv.observeFast(s, started, s.srv.known(s, st, q, text), text)
	return true, nil
}

// fastControl runs BEGIN, COMMIT and ROLLBACK without options.
func (s *Session) fastControl(ctx context.Context, r *wire.Reply, op general.ControlOp) error {
	c := general.ControlStatement{Op: op}
	if s.set.CompletionType != 0 && op != general.Begin {
		return s.control(ctx, r, &general.Statement{Control: &c}, false)
	}
	if err := s.controlOp(ctx, &c); err != nil {
		return err
	}
	s.note(0, 0, 0)
	return s.sendOK(r, false)
}

// fastAutocommit is SET autocommit. Drivers say again and again what is so already, and frame transactions with it.
func (s *Session) fastAutocommit(ctx context.Context, r *wire.Reply, on bool) error {
	s.note(0, 0, 0)
	if s.set.Autocommit != on {
		if _, err := s.half(ctx); err != nil {
			return err
		}
		if err := s.fast.SetAutocommit(on); err != nil {
			return err
		}
		s.adoptSettings(ctx)
		s.track(r)
	}
	return s.sendOK(r, false)
}

// fastSet is a SET that the general lane has done before, to the same settings.
func (s *Session) fastSet(ctx context.Context, r *wire.Reply, text []byte, started time.Time) (handled bool, err error) {
	if s.xa.state != xaNone || !beginsWith(text, "SET") {
		return false, nil
	}
	if _, err := s.half(ctx); err != nil {
		return false, nil // the general lane will say why
	}
	k := s.fast.SetAgain(text)
	if k == nil {
		return false, nil
	}
	s.tellStatement(text)
	s.failure.err = nil
	s.adoptSettings(ctx)
	s.track(r)
	known := k.Known.Load()
	if !s.srv.perf.Current(known) {
		known = s.srv.perf.Know(s.set.Database, text, 0)
		k.Known.Store(known)
	}
	warnings := s.gen.Warnings()
	s.work.warnings = uint64(warnings)
	s.srv.observeFast(s, started, known, text)
	return true, r.OK(wire.OK{Status: s.Status(), Warnings: warnings})
}

func (s *Session) fastStatement(ctx context.Context, r *wire.Reply, st *fastlane.Statement, q *fastlane.Query, text []byte, started time.Time) (handled bool, err error) {
	write := st.Kind == fastlane.Write
	if !write && s.set.MaxExecution > 0 {
		return false, nil
	}
	if write {
		if err := s.srv.locks.writeAllowed(ctx, s); err != nil {
			return true, err
		}
	}
	if !write && s.serializable() {
		return false, nil
	}
	if len(s.tables) > 0 && !s.covers(st) {
		return false, nil
	}
	if !s.mayRun(ctx, st) {
		return false, nil
	}
	s.fastEnv = fastlane.Env{
		Ctx: ctx, Stmt: s.openFast(write), Reply: r, Host: fastHost{s}, Schema: s.set.Database, Text: text,
		Zone: s.zone, Now: s.statementTime(started), FoundRows: s.conn.Capabilities()&wire.CapFoundRows != 0, Zeros: s.zeros, NoForeign: s.noForeign, Sending: s.onSending,
	}
	s.stmt.locks, s.stmt.overwrites, s.stmt.bulk = st.Locking(), st.Overwrites(), false
	s.fastTables(st)
	s.enter("executing")
	res, err := s.srv.fast.Run(st, q, &s.fastEnv)
	s.fastEnv = fastlane.Env{}
	if errors.Is(err, fastlane.ErrDecline) {
		if err := s.stmt.Rollback(ctx); err != nil {
			return true, s.failStmt(ctx, err)
		}
		return false, nil
	}
	s.enter("waiting for handler commit")
	if err := s.endStmt(ctx, err, res.Rows); err != nil {
		return true, err
	}
	s.enter("freeing items")
	s.work.sent, s.work.affected, s.work.rows = uint64(max(res.Count, 0)), res.Affected, res.Rows
	if res.Sorted > 0 {
		s.work.kept = spill.Kept{Sorts: 1, Sorted: uint64(res.Sorted)}
	}
	if s.meter != nil {
		s.meter.insertID = res.LastID
	}
	ok := wire.OK{AffectedRows: res.Affected, LastInsertID: res.InsertID, Status: s.Status(), Info: res.Info}
	if res.Rows {
		s.note(-1, res.Found, 0)
		return true, r.EndRows(wire.OK{Status: ok.Status})
	}
	s.note(int64(res.Affected), 0, res.LastID)
	if len(res.Warnings) > 0 {
		if _, err := s.half(ctx); err != nil {
			return true, err
		}
		s.fast.Warn(res.Warnings)
		ok.Warnings = s.gen.Warnings()
		s.work.warnings = uint64(ok.Warnings)
	}
	return true, r.OK(ok)
}

// statementTime is what NOW() tells in a statement.
func (s *Session) statementTime(started time.Time) time.Time {
	if !s.setTime.IsZero() {
		return s.setTime
	}
	return started
}

// serializable reports whether plain reads lock: those the general lane does.
func (s *Session) serializable() bool {
	if s.txn != nil {
		return s.txn.Options().Isolation == table.Serializable
	}
	return s.set.Isolation == table.Serializable || s.next.isolation != nil && *s.next.isolation == table.Serializable
}

// mayRun asks the general lane for privileges, once for each statement shape and what an account may do.
func (s *Session) mayRun(ctx context.Context, st *fastlane.Statement) bool {
	privileges, err := s.privilegeState(ctx)
	if err != nil {
		return false
	}
	if g := st.Grant.Load(); g != nil && g.Privileges == privileges && g.Database == s.set.Database {
		return true
	}
	k := mayKey{st, s.set.Database, privileges}
	m := &s.srv.may
	m.mu.RLock()
	ok, known := m.answers[k]
	m.mu.RUnlock()
	if known {
		if ok {
			st.Grant.Store(&fastlane.Grant{Privileges: privileges, Database: s.set.Database})
		}
		return ok
	}
	err = s.borrow(ctx, func(g LaneSession) error {
		ok = st.Tables(func(schema, name, _ string) bool {
			if schema == "" {
				schema = s.set.Database
			}
			return g.(FastSession).MayTable(schema, name, st.Privilege())
		})
		return nil
	})
	if err != nil {
		return false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.answers == nil || len(m.answers) >= maxAnswers {
		m.answers = make(map[mayKey]bool)
	}
	m.answers[k] = ok
	return ok
}

// privilegeState is the general lane's number for what the session may do, asked for again after each GRANT.
func (s *Session) privilegeState(ctx context.Context) (uint64, error) {
	now := privilegesSeen{generation: s.srv.db.Catalog().Generation(grantKind, ""), user: s.login.AccountUser, host: s.login.AccountHost, roles: s.set.Roles}
	if now.number = s.privileges.number; now == s.privileges && now.number != 0 {
		return now.number, nil
	}
	err := s.borrow(ctx, func(g LaneSession) error {
		now.number = g.(FastSession).PrivilegeState()
		return nil
	})
	if err == nil {
		s.privileges = now
	}
	return now.number, err
}

// privilegesSeen is a session's number of PrivilegeState, and what it was asked for.
type privilegesSeen struct {
	number, generation uint64
	user, host, roles  string
}

// privilegeCache keeps answers of MayTable. Those for privileges that nobody has any more go when it is full.
type privilegeCache struct {
	mu      sync.RWMutex
	answers map[mayKey]bool
}

// maxAnswers bounds the cache.
const maxAnswers = 1 << 16

// grantKind is the kind of object under which the general lane keeps users and grants.
const grantKind = "privileges"

type mayKey struct {
	st         *fastlane.Statement
	schema     string
	privileges uint64
}

// fastHost lets plans be compiled with the general lane's knowledge.
type fastHost struct{ s *Session }

// Describe implements fastlane.Host.
func (h fastHost) Describe(ctx context.Context, d *table.Def) (*fastlane.Description, error) {
	var info *general.TableInfo
	err := h.s.borrow(ctx, func(g LaneSession) (err error) {
		info, err = g.(FastSession).TableInfo(ctx, d)
		return err
	})
	if err != nil {
		return nil, err
	}
	out := &fastlane.Description{Writable: info.Plain, Elsewhere: info.Partitioned || info.Filled, Columns: make([]fastlane.Column, len(info.Columns))}
	for i, c := range info.Columns {
		col := fastlane.Column{Codec: c.Codec, OnUpdate: c.OnUpdate, Hidden: c.Hidden, Unsigned: c.Unsigned}
		switch {
		case c.Default != "" && c.Literal:
			col.Default, col.Text = fastlane.DefaultLiteral, c.Default
		case c.Default != "":
			col.Default, col.Text = fastlane.DefaultExpr, c.Default
		case d.Columns[i].Nullable:
			col.Default = fastlane.DefaultNull
		}
		out.Columns[i] = col
	}
	for _, k := range info.Keys {
		out.Keys = append(out.Keys, fastlane.ForeignKey(k))
	}
	return out, nil
}

// Columns implements fastlane.Host.
func (h fastHost) Columns(ctx context.Context, text string) ([]wire.Column, error) {
	var st *general.Statement
	err := h.s.borrow(ctx, func(g LaneSession) (err error) {
		st, err = g.Prepare(ctx, text)
		return err
	})
	if err != nil {
		return nil, err
	}
	out := make([]wire.Column, len(st.Columns))
	for i := range st.Columns {
		out[i] = wireColumn(&st.Columns[i])
	}
	return out, nil
}
