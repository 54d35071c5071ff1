package session

import (
	"time"

	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/fastlane"
	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/perfschema"
	"github.com/zoryadb/zorya/sql/spill"
)

// work is what the running statement has done so far, for performance_schema and the slow query log.
type work struct {
	table.Work
	sent, affected, warnings uint64
	kept                     spill.Kept
	prepared, rows           bool
	lockWait                 time.Duration
	waiting                  time.Time // for a lock since then
}

// known looks up what performance_schema calls a statement of the fast lane, which remembers it.
func (srv *Server) known(s *Session, st *fastlane.Statement, q *fastlane.Query, text []byte) *perfschema.Known {
	at := &st.Known[0]
	if q.Several() {
		at = &st.Known[1]
	}
	k := at.Load()
	if !srv.perf.Current(k) {
		k = srv.perf.Know(s.set.Database, text, 0)
		at.Store(k)
	}
	return k
}

// record tells performance_schema of a statement that has ended; e is nil when it succeeded.
func (srv *Server) record(s *Session, k *perfschema.Known, started time.Time, took time.Duration, text []byte, e *mysqlerr.Error) {
	w := &s.work
	done := perfschema.Statement{Started: started, Took: took, LockTime: w.lockWait, Failed: e != nil, Warnings: w.warnings, Affected: w.affected,
		Sent: w.sent, Work: w.Work, Slow: took >= s.set.LongQuery, Prepared: w.prepared, Rows: w.rows, Sorts: w.kept.Sorts, Sorted: w.kept.Sorted, Tables: w.kept.Tables, Spilled: w.kept.Spilled}
	if e != nil {
		done.Code, done.State, done.Message = uint16(e.Code), e.State, e.Message
		srv.perf.Error(s.performer, uint16(e.Code), started.Add(took).UnixNano())
	}
	srv.perf.Record(s.login.ID, k, s.performer, &done, text)
	s.transacted(started, took)
}

// measured is what performance_schema is to know of the session's transaction, told when a statement ends.
type measured struct {
	perfschema.Transaction
	state measuredState
}

type measuredState uint8

const (
	noTransaction measuredState = iota
	openTransaction
	endedTransaction
)

// isolationNames are the levels as performance_schema names them.
var isolationNames = [...]string{"READ UNCOMMITTED", "READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"}

// measureTxn notes that a transaction begins.
func (s *Session) measureTxn(o *table.TxnOptions) {
	if s.measured.state == endedTransaction { // that of the statement before, which the same command has ended
		s.transacted(s.since, time.Since(s.since))
	}
	s.measured.state = openTransaction
	s.measured.Transaction = perfschema.Transaction{ReadOnly: o.ReadOnly, Autocommit: s.endsTxn(), Isolation: isolationNames[o.Isolation&3]}
}

// measuredTxn notes that the open transaction ends.
func (s *Session) measuredTxn(t table.Txn, rolledBack bool) {
	if s.measured.state == openTransaction {
		s.measured.state, s.measured.ID, s.measured.RolledBack = endedTransaction, t.ID(), rolledBack
	}
}

// transacted tells performance_schema of the transaction, when a statement has ended.
func (s *Session) transacted(started time.Time, took time.Duration) {
	m := &s.measured
	if m.state == noTransaction {
		return
	}
	if m.Began.IsZero() {
		m.Began = started
	}
	if m.state == openTransaction {
		if s.txn != nil {
			m.ID = s.txn.ID()
		}
		s.srv.perf.Open(s.performer, &m.Transaction)
		return
	}
	m.Took = started.Add(took).Sub(m.Began)
	s.srv.perf.Ended(s.performer, &m.Transaction)
	m.state = noTransaction
}

// performs counts the session's connection for the account that it acts for now.
func (s *Session) performs() {
	s.performed()
	s.performer = s.srv.perf.Connect(perfschema.AccountName{User: s.login.User, Host: s.login.Host}, uint64(s.login.ID),
		map[string]string{"Ssl_cipher": s.login.TLSCipher, "Ssl_sessions_reused": "0", "Ssl_version": s.login.TLSVersion}, s.conn.Traffic)
}

// performed ends performs.
func (s *Session) performed() {
	if s.performer != nil {
		s.performer.Disconnect()
		s.performer = nil
	}
}
