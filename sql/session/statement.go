package session

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/dolthub/go-mysql-server/sql"

	"github.com/zoryadb/zorya/base/crash"
	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/general"
	"github.com/zoryadb/zorya/sql/logs"
	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/wire"
)

// statement runs one parsed statement and answers it. more says that another of the same command follows.
func (s *Session) statement(ctx context.Context, r *wire.Reply, st *general.Statement, params []any, more bool) error {
	started := time.Now()
	s.profile(started)
	err := s.dispatch(ctx, r, st, params, more)
	if err != nil {
		return s.failed(started, st.Written(), err, st.Class == general.Control)
	}
	s.srv.observe(s, laneGeneral, started, nil, []byte(st.Written()), nil)
	return nil
}

// failed accounts for a statement that ended in an error, which it returns as the client sees it. fresh says that the general lane did not
// execute it.
func (s *Session) failed(started time.Time, text string, err error, fresh bool) error {
	e := s.clientError(err)
	s.failure.err, s.failure.fresh = e, fresh
	if e.Code == mysqlerr.ER_INTERNAL_ERROR { // a panic in a lane, which it caught itself
		s.srv.metrics.panics.Inc()
		s.srv.log.Error("panic in a statement", "connection", s.login.ID, "error", e.Message, "cause", errors.Unwrap(e))
	}
	s.srv.observe(s, laneGeneral, started, nil, []byte(text), e)
	if (e.Code == mysqlerr.ER_CONN_LIMIT || e.Code == mysqlerr.ER_GLOBAL_CONN_LIMIT) && s.conn != nil {
		s.conn.Kill(e) // as the message says
	}
	return e
}

// clientError is err as the client sees it: when the statement was interrupted, what interrupted it, however a lane put it.
func (s *Session) clientError(err error) *mysqlerr.Error {
	e := sqlError(err)
	if e.Code != mysqlerr.ER_UNKNOWN_ERROR && e.Code != mysqlerr.ER_QUERY_INTERRUPTED {
		return e
	}
	var cause *mysqlerr.Error
	if errors.As(context.Cause(s.ctx), &cause) {
		return cause
	}
	return e
}

func (s *Session) dispatch(ctx context.Context, r *wire.Reply, st *general.Statement, params []any, more bool) error {
	if m := s.meter; m != nil && m.on&logs.AuditTables != 0 {
		m.targets = st.Targets()
	}
	if err := s.useAccount(st); err != nil {
		return err
	}
	if s.expired {
		if !st.SetsPassword() {
			return mysqlerr.New(mysqlerr.ER_MUST_CHANGE_PASSWORD)
		}
		defer s.renewed()
	}
	if st.Class != general.Control {
		if err := s.xaAllows(st.Class); err != nil {
			return err
		}
	}
	if err := s.checkNames(ctx, st); err != nil {
		return err
	}
	switch st.Class {
	case general.Control:
		return s.control(ctx, r, st, more)
	case general.DDL:
		return s.ddl(ctx, r, st, params, more)
	}
	if st.Class == general.Write {
		if err := s.srv.locks.writeAllowed(ctx, s); err != nil {
			return err
		}
	}
	limit := s.set.MaxExecution
	if d := st.MaxExecution(); d > 0 {
		limit = d
	}
	if st.Class == general.Read && limit > 0 {
		t := time.AfterFunc(limit, func() { s.interrupt(mysqlerr.New(mysqlerr.ER_QUERY_TIMEOUT)) })
		defer t.Stop()
	}
	return s.execute(ctx, r, st, params, more)
}

// inReadOnly reports whether the statement is one of a READ ONLY transaction, or would begin one.
func (s *Session) inReadOnly() bool {
	return s.txn != nil && s.readOnly || s.txn == nil && s.txnOptions().ReadOnly
}

// ddl runs a statement that commits the transaction before it and is one of its own.
func (s *Session) ddl(ctx context.Context, r *wire.Reply, st *general.Statement, params []any, more bool) error {
	if s.inReadOnly() {
		return mysqlerr.New(mysqlerr.ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION)
	}
	if err := s.commitTxn(ctx); err != nil {
		return err
	}
	if err := s.srv.locks.writeAllowed(ctx, s); err != nil {
		return err
	}
	if defines(st.Written()) {
		if err := s.srv.locks.defineAllowed(ctx, s); err != nil {
			return err
		}
	}
	s.own = true
	defer func() { s.own = false }()
	ctx, leave, err := s.enterDDL(ctx)
	if err != nil {
		return err
	}
	defer leave()
	ctx = table.WithDDL(ctx, table.DDLOptions{MetadataWait: s.set.MetadataWait, SessionID: uint64(s.login.ID)})
	return s.execute(ctx, r, st, params, more)
}

// execute runs a statement in the general lane, sends what it yields, and ends it.
func (s *Session) execute(ctx context.Context, r *wire.Reply, st *general.Statement, params []any, more bool) error {
	run, cancel := context.WithCancel(ctx)
	defer cancel()
	stmt := s.openStmt(st.Class != general.Read)
	stmt.overwrites, stmt.bulk = st.Overwrites(), st.Bulk()
	s.reply = r
	defer func() { s.reply = nil }()
	g, err := s.half(ctx)
	if err != nil {
		return s.endStmt(ctx, err, false)
	}
	s.tellFailure(g)
	s.enter("optimizing")
	res, err := g.Execute(run, st, stmt, params)
	if err != nil {
		err = s.endStmt(ctx, err, false)
		if l, ok := g.(cleaner); ok {
			l.AwaitCleanup(ctx)
		}
		return err
	}
	s.enter("executing")
	rows := false
	for ; res != nil; res = res.Next {
		if res.Err != nil {
			return s.endStmt(ctx, res.Err, rows)
		}
		rows = rows || res.Columns != nil
		if err := s.sendRows(r, res); err != nil {
			return s.endStmt(ctx, err, rows)
		}
		if res.Next != nil {
			if err := s.sendEnd(r, res, wire.StatusMoreResults); err != nil {
				return s.endStmt(ctx, err, rows)
			}
			continue
		}
		s.enter("waiting for handler commit")
		if err := s.endStmt(ctx, nil, rows); err != nil {
			return err
		}
		s.enter("freeing items")
		s.adoptSettings(ctx)
		s.track(r)
		var flags uint16
		if more {
			flags = wire.StatusMoreResults
		}
		return s.sendEnd(r, res, flags)
	}
	return s.endStmt(ctx, errors.New("the general lane returned no result"), rows)
}

// cleaner is a LaneSession that takes back what is not of the statement's transaction, once that has ended.
type cleaner interface {
	AwaitCleanup(ctx context.Context)
}

// tellFailure hands the error of the statement before to the general lane, for SHOW WARNINGS and GET DIAGNOSTICS.
func (s *Session) tellFailure(g LaneSession) {
	if e := s.failure.err; e != nil {
		g.NoteError(e, s.failure.fresh)
		s.failure.err = nil
	}
}

// sendRows sends a result's columns and rows, and closes it. It does nothing for an OK.
func (s *Session) sendRows(r *wire.Reply, res *general.Result) (err error) {
	if res.Columns == nil {
		return nil
	}
	s.reveals = true
	sent := uint64(0)
	defer func() { s.work.sent += sent }()
	if res.Rows != nil {
		defer func() {
			if cerr := res.Rows.Close(); err == nil {
				err = cerr
			}
		}()
	}
	enc := newRowEncoder(res.Columns)
	begun := false // an error of the first row goes out without columns before it
	for res.Rows != nil {
		row, err := res.Rows.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if !begun {
			columns := r.Columns
			if res.OutParams {
				columns = r.OutParams
			}
			if err := columns(enc.set); err != nil {
				return err
			}
			begun = true
		}
		if err := enc.send(r, row); err != nil {
			return err
		}
		sent++
	}
	if begun {
		return nil
	}
	return r.Columns(enc.set)
}

// sendEnd ends a result.
func (s *Session) sendEnd(r *wire.Reply, res *general.Result, flags uint16) error {
	ok := wire.OK{AffectedRows: res.Affected, LastInsertID: res.InsertID, Status: s.Status() | flags, Warnings: s.gen.Warnings(), Info: res.Info}
	s.work.warnings = uint64(ok.Warnings)
	if res.Columns != nil {
		s.work.rows = true
		ok.AffectedRows, ok.LastInsertID, ok.Info = 0, 0, ""
		return r.EndRows(ok)
	}
	s.work.affected += res.Affected
	return r.OK(ok)
}

// sendOK answers a statement that the dispatcher has run itself.
func (s *Session) sendOK(r *wire.Reply, more bool) error {
	return s.sendWarned(r, more, 0)
}

// sendWarned is sendOK of a statement that has warned so many times.
func (s *Session) sendWarned(r *wire.Reply, more bool, warnings uint16) error {
	ok := wire.OK{Status: s.Status(), Warnings: warnings}
	if more {
		ok.Status |= wire.StatusMoreResults
	}
	return r.OK(ok)
}

// adoptSettings takes over variables that a statement may have changed. SET autocommit=1 commits the open transaction.
func (s *Session) adoptSettings(ctx context.Context) {
	if s.gen == nil {
		return
	}
	was := s.set
	s.set = s.gen.Settings()
	s.adoptShared()
	if s.set == was {
		return
	}
	if s.set.Autocommit && !was.Autocommit && s.txn != nil {
		if err := s.commitTxn(ctx); err != nil {
			s.srv.log.Error("committing at SET autocommit=1 failed", "connection", s.login.ID, "error", err)
		}
	}
	if s.set.WaitTimeout != was.WaitTimeout || s.set.NetWriteTimeout != was.NetWriteTimeout || s.set.MaxAllowedPacket != was.MaxAllowedPacket {
		s.applyTimeouts()
	}
}

// applyTimeouts hands the connection the limits that variables set.
func (s *Session) applyTimeouts() {
	idle := s.set.WaitTimeout
	if s.conn.Capabilities()&wire.CapInteractive != 0 && idle == time.Duration(s.srv.global("wait_timeout", 0))*time.Second {
		// MySQL starts the wait_timeout of such a session from interactive_timeout.
		idle = time.Duration(s.srv.global("interactive_timeout", int(idle/time.Second))) * time.Second
	}
	s.conn.SetIdleTimeout(idle)
	s.conn.SetNetTimeouts(s.srv.opts.NetReadTimeout, s.set.NetWriteTimeout)
	if n := s.set.MaxAllowedPacket; n > 0 {
		s.conn.SetMaxAllowedPacket(int(min(n, 1<<30)))
	}
}

// track tells a client that asked for session tracking what it watches by default: database, autocommit, character sets.
func (s *Session) track(r *wire.Reply) {
	if !r.Tracking() {
		return
	}
	now := trackedState{s.set.Database, s.set.Autocommit, s.client, s.results}
	was := s.tracked
	if now == was {
		return
	}
	s.tracked = now
	if now.database != was.database {
		r.TrackSchema(now.database)
	}
	if now.autocommit != was.autocommit {
		r.TrackVariable("autocommit", map[bool]string{true: "ON", false: "OFF"}[now.autocommit])
	}
	if now.client != was.client {
		r.TrackVariable("character_set_client", now.client.Name())
		r.TrackVariable("character_set_connection", now.client.Name())
	}
	if now.results != was.results {
		r.TrackVariable("character_set_results", now.results.Name())
	}
}

// trackedState is what the client was last told.
type trackedState struct {
	database        string
	autocommit      bool
	client, results sql.CharacterSetID
}

// panicked turns a panic of a lane into an error of its statement. Its transaction may be half way through anything,
// so it is rolled back. A panic that passed through the engine ends the process (package crash).
func (s *Session) panicked(v any) error {
	stack := crash.Contain(v)
	s.srv.metrics.panics.Inc()
	s.srv.log.Error("panic in a statement", "connection", s.login.ID, "panic", fmt.Sprint(v), "stack", string(stack))
	clean := context.WithoutCancel(s.ctx)
	if err := s.stmt.Rollback(clean); err != nil {
		s.srv.log.Error("rolling a statement back failed", "connection", s.login.ID, "error", err)
	}
	s.rollback(clean)
	return mysqlerr.NewMessage(mysqlerr.ER_UNKNOWN_ERROR, "Internal error: %.200v", v)
}
