package wire

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// testBackend answers a handful of made-up statements with constants.
type testBackend struct {
	mu       sync.Mutex
	accounts map[string]Account
	sessions map[*testSession]bool
	logins   []Login

	hooks   Hooks
	stall   time.Duration // net_read_timeout, 0 for the default
	entered chan *Conn    // a "wait" statement began
	began   func(c *Conn) // called with each statement; may be nil
}

func newTestBackend() *testBackend {
	return &testBackend{
		sessions: map[*testSession]bool{},
		entered:  make(chan *Conn, 16),
		accounts: map[string]Account{
			"root":    {User: "root", Host: "%", Plugin: PluginCachingSHA2},
			"sha2":    {User: "sha2", Host: "%", Plugin: PluginCachingSHA2, AuthString: HashCachingSHA2("s3cret"), Secondary: HashCachingSHA2("former")},
			"native":  {User: "native", Host: "%", Plugin: PluginNative, AuthString: HashNative("n4tive"), Secondary: HashNative("former")},
			"locked":  {User: "locked", Host: "%", Plugin: PluginNative, AuthString: HashNative("x"), Locked: true},
			"tlsonly": {User: "tlsonly", Host: "%", Plugin: PluginNative, AuthString: HashNative("x"), RequireTLS: true},
			"odd":     {User: "odd", Host: "%", Plugin: "auth_socket"},
		},
	}
}

func (b *testBackend) Lookup(user, host string) (Account, bool, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if user == "panic" {
		panic("test")
	}
	a, ok := b.accounts[user]
	return a, ok, nil
}

func (b *testBackend) Connect(c *Conn, l *Login) (Session, error) {
	if l.Database == "nodb" {
		return nil, mysqlerr.New(mysqlerr.ER_BAD_DB_ERROR, l.Database)
	}
	s := &testSession{b: b, c: c, login: *l, status: StatusAutocommit}
	c.SetHooks(b.hooks)
	if b.stall != 0 {
		c.SetNetTimeouts(b.stall, time.Second)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sessions[s] = true
	b.logins = append(b.logins, *l)
	return s, nil
}

func (b *testBackend) live() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.sessions)
}

type testSession struct {
	b      *testBackend
	c      *Conn
	login  Login
	status uint16
	resets int
	closed int
}

func (s *testSession) Status() uint16 { return s.status }

var oneColumn = NewColumnSet(Column{Name: "1", Charset: CollationBinary, Length: 2, Type: TypeLongLong, Flags: FlagNotNull | FlagBinary})

var block = bytes.Repeat([]byte("0123456789abcdef"), 4<<10)

var textColumn = NewColumnSet(Column{Name: "v", Charset: CollationUTF8MB4General, Length: 1024, Type: TypeVarString})

func (s *testSession) Query(r *Reply, sql []byte, attrs []Attr) error {
	q := string(sql)
	if s.b.began != nil {
		s.b.began(s.c)
	}
	verb, arg, _ := strings.Cut(q, " ")
	n, _ := strconv.Atoi(arg)
	switch verb {
	case "SELECT", "select":
		return s.one(r)
	case "text":
		return s.text(r, arg)
	case "types":
		return sendTypes(r)
	case "rows":
		return s.rows(r, n)
	case "blocks": // n rows of 64 KiB: more than socket buffers hold
		if err := r.Columns(textColumn); err != nil {
			return err
		}
		for range n {
			r.StartRow()
			r.Bytes(block)
			if err := r.EndRow(); err != nil {
				return err
			}
		}
		return r.EndRows(OK{Status: s.status})
	case "len":
		return s.text(r, strconv.Itoa(len(q)))
	case "big":
		return s.text(r, strings.Repeat("x", n))
	case "multi":
		if err := r.OK(OK{AffectedRows: 3, Status: s.status | StatusMoreResults}); err != nil {
			return err
		}
		if err := s.oneMore(r); err != nil {
			return err
		}
		return r.OK(OK{AffectedRows: 4, LastInsertID: 5, Warnings: 6, Info: "Rows matched: 4", Status: s.status})
	case "promise": // a result that never comes
		return r.OK(OK{Status: s.status | StatusMoreResults})
	case "nothing":
		return nil
	case "load":
		return s.load(r, arg)
	case "error":
		return mysqlerr.New(mysqlerr.ER_DUP_ENTRY, "1", "PRIMARY")
	case "plainerror":
		return errors.New("disk on fire")
	case "errorafter":
		if err := s.some(r, n); err != nil {
			return err
		}
		r.StartRow()
		return mysqlerr.New(mysqlerr.ER_QUERY_INTERRUPTED)
	case "unfinished":
		return s.some(r, n)
	case "panic":
		panic("test")
	case "track":
		r.TrackSchema("db2")
		r.TrackVariable("autocommit", "OFF")
		r.TrackStateChange()
		r.TrackTransaction("T_______")
		return r.OK(OK{Status: s.status})
	case "attrs":
		return s.attrs(r, attrs)
	case "wait":
		s.b.entered <- s.c
		for !s.c.PeerClosed() {
			time.Sleep(time.Millisecond)
		}
		return mysqlerr.New(mysqlerr.ER_QUERY_INTERRUPTED)
	}
	return mysqlerr.New(mysqlerr.ER_PARSE_ERROR, "You have an error in your SQL syntax", q, 1)
}

func (s *testSession) one(r *Reply) error {
	if err := r.Columns(oneColumn); err != nil {
		return err
	}
	r.StartRow()
	r.Int64(1)
	if err := r.EndRow(); err != nil {
		return err
	}
	return r.EndRows(OK{Status: s.status})
}

func (s *testSession) oneMore(r *Reply) error {
	s.status |= StatusMoreResults
	defer func() { s.status &^= StatusMoreResults }()
	return s.one(r)
}

func (s *testSession) text(r *Reply, v string) error {
	if err := r.Columns(textColumn); err != nil {
		return err
	}
	r.StartRow()
	r.Text(v)
	if err := r.EndRow(); err != nil {
		return err
	}
	return r.EndRows(OK{Status: s.status})
}

func (s *testSession) some(r *Reply, n int) error {
	if err := r.Columns(oneColumn); err != nil {
		return err
	}
	for i := range n {
		r.StartRow()
		r.Int64(int64(i))
		if err := r.EndRow(); err != nil {
			return err
		}
	}
	return nil
}

func (s *testSession) rows(r *Reply, n int) error {
	if err := s.some(r, n); err != nil {
		return err
	}
	return r.EndRows(OK{Status: s.status})
}

func (s *testSession) load(r *Reply, name string) error {
	in, err := r.LocalInfile(name)
	if err != nil {
		return err
	}
	if strings.HasPrefix(name, "partial") {
		var b [3]byte
		if _, err := io.ReadFull(in, b[:]); err != nil {
			return err
		}
		return mysqlerr.New(mysqlerr.ER_WARN_TOO_FEW_RECORDS, 1)
	}
	n, err := io.Copy(io.Discard, in)
	if err != nil {
		return err
	}
	return r.OK(OK{AffectedRows: uint64(n), Status: s.status})
}

func (s *testSession) attrs(r *Reply, attrs []Attr) error {
	var b strings.Builder
	for _, a := range attrs {
		fmt.Fprintf(&b, "%s=%s;", a.Name, describe(&a.Value))
	}
	return s.text(r, b.String())
}

// describe prints a parameter with its kind.
func describe(p *Param) string {
	switch p.Kind {
	case ParamNull:
		return "NULL"
	case ParamInt:
		return fmt.Sprintf("i%d", p.Int())
	case ParamUint:
		return fmt.Sprintf("u%d", p.Uint())
	case ParamFloat:
		return fmt.Sprintf("f%g", p.Float())
	case ParamDecimal:
		return fmt.Sprintf("d%s", p.Bytes())
	case ParamString:
		return fmt.Sprintf("s%s", p.Bytes())
	case ParamBytes:
		if len(p.Bytes()) > 64 {
			return fmt.Sprintf("b[%d]", len(p.Bytes()))
		}
		return fmt.Sprintf("b%s", p.Bytes())
	case ParamDate, ParamDateTime:
		return fmt.Sprintf("t%+v", p.DateTime())
	case ParamTime:
		return fmt.Sprintf("T%+v", p.Time())
	}
	return "?"
}

// testStmt is what the session keeps of a prepared statement.
type testStmt struct {
	sql  string
	next int // cursor position
	open bool
}

func (s *testSession) Prepare(r *Reply, st *Stmt, sql []byte) error {
	q := string(sql)
	if strings.HasPrefix(q, "error") {
		return mysqlerr.New(mysqlerr.ER_NO_SUCH_TABLE, "a", "b")
	}
	st.Data = &testStmt{sql: q}
	cols := textColumn
	switch {
	case strings.HasPrefix(q, "types"):
		cols = typesColumns
	case strings.HasPrefix(q, "rows"), strings.HasPrefix(q, "SELECT"):
		cols = oneColumn
	case strings.HasPrefix(q, "exec"):
		cols = nil
	}
	return r.Prepared(st, strings.Count(q, "?"), cols, 0)
}

func (s *testSession) Execute(r *Reply, st *Stmt, params []Param, attrs []Attr, cursor bool) error {
	t := st.Data.(*testStmt)
	switch {
	case strings.HasPrefix(t.sql, "types"):
		return sendTypes(r)
	case strings.HasPrefix(t.sql, "SELECT"):
		return s.one(r)
	case strings.HasPrefix(t.sql, "exec"):
		return r.OK(OK{AffectedRows: uint64(len(params)), LastInsertID: 7, Status: s.status})
	case strings.HasPrefix(t.sql, "rows"):
		if cursor {
			t.next, t.open = 0, true
			if err := r.Columns(oneColumn); err != nil {
				return err
			}
			return r.EndRows(OK{Status: s.status | StatusCursorExists})
		}
		return s.rows(r, 10)
	case strings.HasPrefix(t.sql, "call"):
		if err := r.OutParams(textColumn); err != nil {
			return err
		}
		r.StartRow()
		r.Text("out")
		if err := r.EndRow(); err != nil {
			return err
		}
		if err := r.EndRows(OK{Status: s.status | StatusMoreResults}); err != nil {
			return err
		}
		return r.OK(OK{Status: s.status})
	}
	var b strings.Builder
	for i := range params {
		b.WriteString(describe(&params[i]))
		b.WriteByte('|')
	}
	return s.text(r, b.String())
}

func (s *testSession) Fetch(r *Reply, st *Stmt, n uint32) error {
	t := st.Data.(*testStmt)
	if !t.open {
		return mysqlerr.New(mysqlerr.ER_STMT_HAS_NO_OPEN_CURSOR, st.ID())
	}
	if err := r.ContinueRows(oneColumn); err != nil {
		return err
	}
	for ; n > 0 && t.next < 10; n-- {
		r.StartRow()
		r.Int64(int64(t.next))
		if err := r.EndRow(); err != nil {
			return err
		}
		t.next++
	}
	status := s.status | StatusCursorExists
	if t.next == 10 {
		status |= StatusLastRowSent
	}
	return r.EndRows(OK{Status: status})
}

func (s *testSession) ResetStmt(st *Stmt) error { st.Data.(*testStmt).open = false; return nil }
func (s *testSession) CloseStmt(*Stmt)          { s.closed++ }

func (s *testSession) InitDB(r *Reply, db string) error {
	if db == "nodb" {
		return mysqlerr.New(mysqlerr.ER_BAD_DB_ERROR, db)
	}
	r.TrackSchema(db)
	return r.OK(OK{Status: s.status})
}

func (s *testSession) FieldList(r *Reply, table, wildcard string) error {
	return r.FieldList([]Column{{Table: table, Name: "a" + wildcard, Type: TypeLong, Default: "7"}})
}
func (s *testSession) Statistics() string { return "Uptime: 1" }
func (s *testSession) Debug() error       { return nil }
func (s *testSession) ProcessKill(id uint32) error {
	if c := s.c.srv.Conn(id); c != nil {
		c.Kill(nil)
		return nil
	}
	return mysqlerr.New(mysqlerr.ER_NO_SUCH_THREAD, id)
}

func (s *testSession) ChangeUser(l *Login) error {
	if l.Database == "nodb" {
		return mysqlerr.New(mysqlerr.ER_BAD_DB_ERROR, l.Database)
	}
	s.login = *l
	return nil
}
func (s *testSession) Reset() error { s.resets++; return nil }

func (s *testSession) Close() {
	s.b.mu.Lock()
	defer s.b.mu.Unlock()
	delete(s.b.sessions, s)
}

// testServer runs a server on a loopback port until the test ends.
func testServer(t testing.TB, change ...func(*Config)) (*Server, *testBackend, string) {
	t.Helper()
	b := newTestBackend()
	cfg := Config{Backend: b, ServerVersion: "8.0.99-test", LocalInfile: true, Log: slog.New(slog.NewTextHandler(io.Discard, nil))}
	for _, f := range change {
		f(&cfg)
	}
	s, err := NewServer(cfg)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			t.Error(err)
		}
		if err := <-done; err != ErrServerClosed {
			t.Error(err)
		}
		if n := b.live(); n != 0 {
			t.Errorf("%d sessions were not closed", n)
		}
		if n := s.Stats().PreparedStmts; n != 0 {
			t.Errorf("%d prepared statements are still counted", n)
		}
	})
	return s, b, l.Addr().String()
}

var (
	testTLSOnce sync.Once
	testTLS     *tls.Config
)

// withTLS gives the server a certificate.
func withTLS(t testing.TB) func(*Config) {
	return func(c *Config) {
		testTLSOnce.Do(func() {
			var err error
			if testTLS, err = LoadOrMakeTLS(t.TempDir(), "localhost"); err != nil {
				t.Fatal(err)
			}
		})
		c.TLS = testTLS
	}
}

func dial(t testing.TB, addr string, change ...func(*ClientConfig)) *Client {
	t.Helper()
	cl, err := tryDial(addr, change...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cl.Close() })
	return cl
}

func tryDial(addr string, change ...func(*ClientConfig)) (*Client, error) {
	cfg := ClientConfig{Addr: addr, User: "root"}
	for _, f := range change {
		f(&cfg)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	return Dial(ctx, cfg)
}

func as(user, password string) func(*ClientConfig) {
	return func(c *ClientConfig) { c.User, c.Password = user, password }
}

// eventually waits for a condition.
func eventually(t testing.TB, what string, cond func() bool) {
	t.Helper()
	for deadline := time.Now().Add(60 * time.Second); !cond(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("never came true: " + what)
		}
	}
}

func wantCode(t testing.TB, err error, code mysqlerr.Code) {
	t.Helper()
	if !mysqlerr.IsCode(err, code) {
		t.Fatalf("got %v, want error %d", err, code)
	}
}

// one runs a query that yields one text value.
func one(t testing.TB, cl *Client, q string, attrs ...Attr) string {
	t.Helper()
	rs, err := cl.Query(q, attrs...)
	q = q[:min(len(q), 50)]
	if err != nil {
		t.Fatalf("%s: %v", q, err)
	}
	if !rs.Next() {
		t.Fatalf("%s: no row: %v", q, rs.Err())
	}
	v := string(bytes.Clone(rs.Row()[0]))
	if _, err := rs.Discard(); err != nil {
		t.Fatalf("%s: %v", q, err)
	}
	return v
}
