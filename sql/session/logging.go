package session

import (
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/zoryadb/zorya/sql/fastlane"
	"github.com/zoryadb/zorya/sql/general"
	"github.com/zoryadb/zorya/sql/lexer"
	"github.com/zoryadb/zorya/sql/logs"
	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/wire"
)

// What the dispatcher tells the slow query log, the general query log and the audit log. A command asks once which of them are on
// (Session.measure); when none is, the session has no meter and nothing below happens.

// meter is what the logs want to know of the running statement.
type meter struct {
	on       logs.Which
	told     bool   // the general query log has the statement
	query    uint64 // the audit log's query id
	insertID uint64
	tables   []usedTable
	targets  []general.Target
	params   []wire.Param // of a prepared statement
	prepared bool
}

// usedTable is a table that the statement opened.
type usedTable struct {
	schema, name string
	write        bool // by a statement of the fast lane, which changes all that it opens
}

// measure readies the meter for a command.
func (s *Session) measure() {
	on := s.srv.opts.Logs.On()
	if on == 0 {
		s.meter = nil
		return
	}
	if s.meter == nil {
		s.meter = new(meter)
	}
	s.meter.begin(s.srv, on)
}

// begin readies the meter for a statement.
func (m *meter) begin(srv *Server, on logs.Which) {
	*m = meter{on: on, tables: m.tables[:0]}
	if on&logs.AuditLog != 0 {
		m.query = srv.queryIDs.Add(1)
	}
}

func (m *meter) open(schema, name string, write bool) {
	if m.on&logs.AuditTables == 0 {
		return
	}
	for i := range m.tables {
		if t := &m.tables[i]; t.schema == schema && t.name == name {
			t.write = t.write || write
			return
		}
	}
	m.tables = append(m.tables, usedTable{schema, name, write})
}

// logClient is the session as the logs name it.
func (s *Session) logClient() logs.Client {
	c := logs.Client{ID: s.login.ID, Account: s.login.AccountUser, User: s.login.User, Host: s.login.Host}
	if host, _, err := net.SplitHostPort(s.address); err == nil {
		c.Address = host
	}
	return c
}

// tellGeneral writes a command that is no statement to the general query log.
func (s *Session) tellGeneral(command, argument string) {
	if s.srv.opts.Logs.On()&logs.GeneralLog != 0 {
		s.srv.opts.Logs.General(logs.General{Client: s.logClient(), At: time.Now(), Command: command, Argument: argument})
	}
}

// tellStatement writes a statement that is about to run to the general query log.
func (s *Session) tellStatement(text []byte) {
	m := s.meter
	if m == nil || m.told || m.on&logs.GeneralLog == 0 {
		return
	}
	m.told = true
	command := "Query"
	if m.prepared {
		command = "Execute"
	}
	s.tellGeneral(command, s.logged(string(text)))
}

// logged is a statement's text for the logs: without passwords, with the values of its parameters.
func (s *Session) logged(text string) string {
	if m := s.meter; m != nil && len(m.params) > 0 {
		text = withParams(text, m.params)
	}
	if s.srv.opts.Logs.Settings().Raw && s.meter != nil && s.meter.on&(logs.SlowLog|logs.AuditLog) == 0 {
		return text
	}
	return logs.Mask(strings.TrimRight(text, "; \t\r\n"))
}

// withParams puts the values of a prepared statement in the place of its parameters.
func withParams(text string, params []wire.Param) string {
	l := lexer.Lexer{Src: []byte(text)}
	var out strings.Builder
	last, n := 0, 0
	for t := l.Next(); t.Kind != lexer.EOF && n < len(params); t = l.Next() {
		if t.Kind == lexer.Param {
			out.WriteString(text[last:t.Start])
			out.WriteString(paramText(&params[n]))
			last = t.End
			n++
		}
	}
	return out.String() + text[last:]
}

func paramText(p *wire.Param) string {
	switch p.Kind {
	case wire.ParamNull:
		return "NULL"
	case wire.ParamInt:
		return fmt.Sprint(p.Int())
	case wire.ParamUint:
		return fmt.Sprint(p.Uint())
	case wire.ParamFloat:
		return fmt.Sprint(p.Float())
	case wire.ParamDecimal:
		return string(p.Bytes())
	case wire.ParamDate, wire.ParamDateTime:
		d := p.DateTime()
		return fmt.Sprintf("'%04d-%02d-%02d %02d:%02d:%02d.%06d'", d.Year, d.Month, d.Day, d.Hour, d.Minute, d.Second, d.Micro)
	case wire.ParamTime:
		t := p.Time()
		return fmt.Sprintf("'%s%02d:%02d:%02d.%06d'", map[bool]string{true: "-"}[t.Neg], t.Hour, t.Minute, t.Second, t.Micro)
	}
	return "'" + paramEscapes.Replace(string(p.Bytes())) + "'"
}

var paramEscapes = strings.NewReplacer("'", `\'`, `\`, `\\`, "\n", `\n`, "\r", `\r`, "\x00", `\0`)

// logStatement writes a statement that has ended to the slow query log and the audit log.
func (s *Session) logStatement(started time.Time, took time.Duration, slow bool, text string, e *mysqlerr.Error) {
	m, w, l := s.meter, &s.work, s.srv.opts.Logs
	set := l.Settings()
	noIndex := set.NoIndex && w.Full && s.srv.throttle.allow(started, set.Throttle)
	if m.on&logs.SlowLog != 0 && (slow || noIndex) && w.Examined >= s.set.MinExamined && (set.Admin || !logs.Administrative(text)) {
		l.Slow(logs.Slow{Client: s.logClient(), Started: started, Took: took, LockTime: w.lockWait, Sent: w.sent, Examined: w.Examined,
			Database: s.set.Database, InsertID: m.insertID, Text: s.logged(text)})
	}
	if m.on&logs.AuditLog != 0 && set.Audits(s.login.AccountUser) {
		s.auditStatement(started, set, text, e)
	}
	on := m.on
	m.begin(s.srv, on) // another statement of the same command may follow
}

func (s *Session) auditStatement(started time.Time, set *logs.Settings, text string, e *mysqlerr.Error) {
	m := s.meter
	line := logs.Audit{At: started, User: s.login.User, Host: s.login.Host, ID: s.login.ID, Query: m.query, Database: s.set.Database}
	if m.on&logs.AuditTables != 0 && e == nil {
		for _, t := range s.auditTables() {
			at := line
			at.Operation, at.Database, at.Object = t.Operation, t.Schema, t.Table
			s.srv.opts.Logs.Audit(at)
		}
	}
	if m.on&logs.AuditQueries != 0 && set.Events.Wants(text) {
		line.Operation, line.Object = "QUERY", s.logged(text)
		if e != nil {
			line.Code = uint16(e.Code)
		}
		s.srv.opts.Logs.Audit(line)
	}
}

// auditTables says what the statement did with which tables.
func (s *Session) auditTables() []general.Target {
	m := s.meter
	out := append([]general.Target(nil), m.targets...)
	for i := range out {
		if out[i].Schema == "" {
			out[i].Schema = s.set.Database
		}
	}
next:
	for _, t := range m.tables {
		for i := range out {
			if out[i].Schema == t.schema && out[i].Table == t.name {
				continue next
			}
		}
		op := "READ"
		if t.write {
			op = "WRITE"
		}
		out = append(out, general.Target{Operation: op, Schema: t.schema, Table: t.name})
	}
	return out
}

// auditConnection writes a line of the audit log's event CONNECT, which no list of users concerns.
func (srv *Server) auditConnection(operation, user, host, database string, id uint32, code mysqlerr.Code) {
	l := srv.opts.Logs
	if l.On()&logs.AuditLog == 0 || l.Settings().Events&logs.EventConnect == 0 {
		return
	}
	l.Audit(logs.Audit{At: time.Now(), User: user, Host: host, ID: id, Operation: operation, Database: database, Code: uint16(code)})
}

// tellConnect logs a new session.
func (s *Session) tellConnect(command string) {
	l := &s.login
	how := "TCP/IP"
	switch {
	case s.conn.TLS() != nil:
		how = "SSL/TLS"
	case s.conn.RemoteAddr().Network() == "unix":
		how = "Socket"
	}
	s.tellGeneral(command, fmt.Sprintf("%s@%s on %s using %s", l.User, l.Host, l.Database, how))
	s.srv.auditConnection("CONNECT", l.User, l.Host, l.Database, l.ID, 0)
}

// LoginFailed implements wire.LoginWatcher.
func (b backend) LoginFailed(c *wire.Conn, user string, err error) {
	srv := b.srv
	e := mysqlerr.From(err)
	if srv.opts.Logs.On()&logs.GeneralLog != 0 {
		srv.opts.Logs.General(logs.General{Client: logs.Client{ID: c.ID(), User: user, Host: c.Host()}, At: time.Now(), Command: "Connect", Argument: e.Message})
	}
	srv.auditConnection("FAILED_CONNECT", user, c.Host(), "", c.ID(), e.Code)
	if l, ok := srv.lane.(loginLane); ok && e.Code == mysqlerr.ER_ACCESS_DENIED_ERROR {
		if a, ok := srv.lane.Lookup(user, c.Host()); ok {
			l.NoteLogin(a.User, a.Host, false)
		}
	}
}

// throttle bounds what log_queries_not_using_indexes lets through in a minute.
type throttle struct {
	mu     sync.Mutex
	minute int64
	n      int
}

// allow reports whether one more may be logged.
func (t *throttle) allow(at time.Time, limit int) bool {
	if limit == 0 {
		return true
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if m := at.Unix() / 60; m != t.minute {
		t.minute, t.n = m, 0
	}
	t.n++
	return t.n <= limit
}

// fastTables tells the meter which tables a statement of the fast lane changes.
func (s *Session) fastTables(st *fastlane.Statement) {
	if m := s.meter; m != nil && m.on&logs.AuditTables != 0 && st.Kind == fastlane.Write {
		st.Tables(func(schema, name, _ string) bool {
			if schema == "" {
				schema = s.set.Database
			}
			m.open(schema, name, true)
			return true
		})
	}
}
