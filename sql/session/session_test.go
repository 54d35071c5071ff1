package session

import (
	"context"
	stdsql "database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
)

// harness is a server over the fake lane.
type harness struct {
	t    *testing.T
	db   *fakeDB
	lane *fakeLane
	srv  *Server
	addr string
}

func start(t *testing.T, o Options) *harness {
	t.Helper()
	h := &harness{t: t, db: &fakeDB{}}
	h.lane = &fakeLane{db: h.db, wakeup: make(chan struct{}), super: true}
	o.Log = slog.New(slog.DiscardHandler)
	var err error
	if h.srv, err = New(h.db, h.lane, o); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h.addr = l.Addr().String()
	go h.srv.Serve(l)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
		defer cancel()
		if err := h.srv.Shutdown(ctx); err != nil {
			t.Error(err)
		}
	})
	return h
}

// conn opens one connection.
func (h *harness) conn(params string) *stdsql.Conn {
	h.t.Helper()
	db, err := stdsql.Open("mysql", "u@tcp("+h.addr+")/"+params)
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { db.Close() })
	c, err := db.Conn(context.Background())
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { c.Close() })
	return c
}

func exec(t *testing.T, c *stdsql.Conn, text string) {
	t.Helper()
	if _, err := c.ExecContext(context.Background(), text); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
}

// code runs a statement and returns its error's number, 0 for success.
func code(c *stdsql.Conn, text string) int {
	_, err := c.ExecContext(context.Background(), text)
	var e *mysql.MySQLError
	if errors.As(err, &e) {
		return int(e.Number)
	}
	if err != nil {
		return -1
	}
	return 0
}

// eventually waits for a condition.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(60 * time.Second); !ok(); runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
		time.Sleep(time.Millisecond)
	}
}

// TestTransactions checks what happens to the transaction for scripts of statements. A line "text => 123" expects an error.
func TestTransactions(t *testing.T) {
	for _, c := range []struct{ name, script, want string }{
		{"autocommit", "write", "end commit(true)"},
		{"no table, no transaction", "id; id", ""},
		{"begin commit", "begin; write; write; commit", "end end commit(true)"},
		{"begin rollback", "begin; write; rollback", "end rollback"},
		{"failed autocommit", "fail => 1105", "undo deps rollback"},
		{"failed in transaction", "begin; write; fail => 1105; commit", "end undo deps commit(true)"},
		{"deadlock", "begin; write; deadlock => 1213; commit", "end undo deps rollback"},
		{"panic", "begin; write; boom => 1105; write", "end undo rollback end commit(true)"},
		{"begin commits", "begin; write; begin; write; rollback", "end commit(true) end rollback"},
		{"ddl commits", "begin; write; create t; commit", "end commit(true) end commit(true)"},
		{"ddl without autocommit", "set autocommit=0; write; create t", "end commit(true) end commit(true)"},
		{"autocommit off", "set autocommit=0; write; write; commit; write", "end end commit(true) end"},
		{"autocommit on commits", "set autocommit=0; write; set autocommit=1; write", "end commit(true) end commit(true)"},
		{"savepoint", "begin; savepoint a; write; rollback a; rollback b => 1305; rollback", "end to:a rollback"},
		{"no savepoint", "rollback a => 1305", ""},
		{"chain", "begin; write; commit and chain; write; rollback", "end commit(true) end rollback"},
		{"set transaction inside", "begin; isolation => 1568; rollback", "rollback"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := start(t, Options{})
			conn := h.conn("d")
			for _, line := range strings.Split(c.script, ";") {
				text, want, _ := strings.Cut(strings.TrimSpace(line), " => ")
				if got := code(conn, text); fmt.Sprint(got) != want && (got != 0 || want != "") {
					t.Fatalf("%s: error %d, want %q", text, got, want)
				}
			}
			if got := h.db.take(); got != c.want {
				t.Errorf("transactions: %q, want %q", got, c.want)
			}
		})
	}
}

func TestNextTransactionOnly(t *testing.T) {
	h := start(t, Options{})
	c := h.conn("d")
	var s *Session
	for _, x := range h.srv.all() {
		s = x
	}
	exec(t, c, "isolation")
	exec(t, c, "begin")
	if o := s.txn.Options(); o.Isolation != 1 {
		t.Errorf("isolation %v", o.Isolation)
	}
	exec(t, c, "commit")
	exec(t, c, "begin read only")
	if o := s.txn.Options(); o.Isolation != 2 || !o.ReadOnly {
		t.Errorf("options %+v", o)
	}
}

func TestQueries(t *testing.T) {
	h := start(t, Options{})
	c := h.conn("d")
	ctx := context.Background()
	var n int
	if err := c.QueryRowContext(ctx, "select 7").Scan(&n); err != nil || n != 7 {
		t.Fatal(n, err)
	}
	if err := c.QueryRowContext(ctx, "select ?", 42).Scan(&n); err != nil || n != 42 {
		t.Fatal(n, err)
	}
	rows, err := c.QueryContext(ctx, "select many")
	if err != nil {
		t.Fatal(err)
	}
	for n = 0; rows.Next(); n++ {
	}
	if n != 100000 || rows.Err() != nil {
		t.Fatal(n, rows.Err())
	}
	if err := c.QueryRowContext(ctx, "select error").Scan(&n); err == nil || !strings.Contains(err.Error(), "row error") {
		t.Fatal(err)
	}
	if got := code(c, "nonsense"); got != 1064 {
		t.Errorf("nonsense: %d", got)
	}
	if got := code(c, " ; "); got != 1065 {
		t.Errorf("empty: %d", got)
	}
	if got := code(c, "write; write"); got != 1064 {
		t.Errorf("two statements without leave: %d", got)
	}
}

func TestMultiStatements(t *testing.T) {
	h := start(t, Options{})
	c := h.conn("d?multiStatements=true")
	rows, err := c.QueryContext(context.Background(), "select 1; write; select 2,3; ")
	if err != nil {
		t.Fatal(err)
	}
	var got []int
	for {
		for rows.Next() {
			var n int
			if err := rows.Scan(&n); err != nil {
				t.Fatal(err)
			}
			got = append(got, n)
		}
		if !rows.NextResultSet() {
			break
		}
	}
	if err := rows.Err(); err != nil || fmt.Sprint(got) != "[1 2 3]" {
		t.Fatal(got, err)
	}
	if got := code(c, "write; fail; write"); got != 1105 {
		t.Errorf("error in the middle: %d", got)
	}
	if log := h.db.take(); log != "end commit(true) end commit(true) undo deps rollback" {
		t.Errorf("transactions: %s", log)
	}
}

func (h *harness) process(match string) (id uint32, ok bool) {
	for _, p := range h.srv.Processes() {
		if p.Info == match {
			return p.ID, true
		}
	}
	return 0, false
}

func TestKill(t *testing.T) {
	h := start(t, Options{StatementsPerCPU: 1})
	killer := h.conn("d")
	for _, how := range []string{"kill query %d", "kill %d"} {
		victim := h.conn("d")
		exec(t, victim, "begin")
		exec(t, victim, "write")
		result := make(chan int)
		go func() { result <- code(victim, "sleep") }()
		var id uint32
		eventually(t, "the victim sleeps", func() (ok bool) { id, ok = h.process("sleep"); return ok })
		h.db.take()
		exec(t, killer, fmt.Sprintf(how, id))
		got := <-result
		if how == "kill %d" {
			if got == 0 {
				t.Errorf("%s: success", how)
			}
			eventually(t, "rollback", func() bool { return strings.Contains(h.db.take(), "rollback") })
			continue
		}
		if got != 1317 {
			t.Errorf("%s: error %d", how, got)
		}
		exec(t, victim, "write") // the transaction and the connection live on
		exec(t, victim, "rollback")
	}
	if got := code(killer, "kill 999999"); got != 1094 {
		t.Errorf("unknown thread: %d", got)
	}
}

func TestVanishedClient(t *testing.T) {
	h := start(t, Options{})
	var raw net.Conn
	mysql.RegisterDialContext("vanish", func(ctx context.Context, addr string) (net.Conn, error) {
		var err error
		raw, err = (&net.Dialer{}).DialContext(ctx, "tcp", addr)
		return raw, err
	})
	db, err := stdsql.Open("mysql", "u@vanish("+h.addr+")/d")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, idle := range []bool{true, false} {
		c, err := db.Conn(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		exec(t, c, "begin")
		exec(t, c, "write")
		h.db.take()
		if !idle {
			go code(c, "sleep")
			eventually(t, "it sleeps", func() bool { _, ok := h.process("sleep"); return ok })
		}
		raw.Close()
		log := ""
		eventually(t, "rollback", func() bool { log += h.db.take(); return strings.Contains(log, "rollback") })
		c.Close()
	}
	eventually(t, "no sessions", func() bool { return h.srv.sessionCount() == 0 })
}

// TestGate: a sleeping statement and a commit that is not yet durable hold no place.
func TestGate(t *testing.T) {
	h := start(t, Options{StatementsPerCPU: 1})
	h.srv.gate.limit = 1
	h.db.hold = make(chan struct{})
	done := make(chan int, 3)
	for _, text := range []string{"sleep", "write", "write"} {
		c := h.conn("d")
		go func() { done <- code(c, text) }()
	}
	eventually(t, "all three wait", func() bool {
		r, w := h.srv.gate.load()
		busy := 0
		for _, p := range h.srv.Processes() {
			if p.Command == "Query" {
				busy++
			}
		}
		return r == 0 && w == 0 && busy == 3
	})
	exec(t, h.conn("d"), "id")
	close(h.lane.wakeup)
	close(h.db.hold)
	for range 3 {
		if got := <-done; got != 0 {
			t.Errorf("error %d", got)
		}
	}
	if r, w := h.srv.gate.load(); r != 0 || w != 0 {
		t.Errorf("gate: %d running, %d waiting", r, w)
	}
}

func TestGateOrder(t *testing.T) {
	g := newGate(1, 0, 1)
	g.armed = true // no place lapses
	ctx, cancel := context.WithCancel(context.Background())
	var first ticket
	if err := g.enter(ctx, &first, &writer{}, false); err != nil {
		t.Fatal(err)
	}
	order := make(chan string, 3)
	queue := func(name string, holds bool, ctx context.Context) {
		before := g.first.Len() + g.rest.Len()
		go func() {
			var place ticket
			if g.enter(ctx, &place, &writer{}, holds) != nil {
				order <- "gone"
				return
			}
			order <- name
			g.leave(&place, &writer{})
		}()
		eventually(t, name+" queues", func() bool { _, w := g.load(); return w == before+1 })
	}
	queue("new", false, context.Background())
	queue("cancelled", false, ctx)
	queue("holder", true, context.Background())
	cancel()
	if got := <-order; got != "gone" {
		t.Fatal(got)
	}
	g.leave(&first, &writer{})
	if a, b := <-order, <-order; a != "holder" || b != "new" {
		t.Errorf("order: %s, %s", a, b)
	}
	if r, w := g.load(); r != 0 || w != 0 {
		t.Errorf("gate: %d running, %d waiting", r, w)
	}
}

func TestLockTables(t *testing.T) {
	h := start(t, Options{})
	a, b := h.conn("d"), h.conn("d")
	exec(t, a, "lock read t")
	if got := code(a, "lock read u"); got != 0 {
		t.Fatal(got)
	}
	exec(t, a, "lock write t")
	done := make(chan int)
	go func() { done <- code(b, "write") }()
	eventually(t, "b waits", func() bool { _, ok := h.process("write"); return ok })
	select {
	case got := <-done:
		t.Fatalf("not held back: %d", got)
	default:
	}
	exec(t, a, "unlock")
	if got := <-done; got != 0 {
		t.Error(got)
	}
}

func TestShutdownRefusals(t *testing.T) {
	h := start(t, Options{MaxConnections: 1})
	if _, err := stdsqlPing(h.addr, "missing"); err == nil || !strings.Contains(err.Error(), "1049") {
		t.Errorf("unknown database: %v", err)
	}
	if _, err := stdsqlPing(h.addr, "d", "nobody"); err == nil || !strings.Contains(err.Error(), "1045") {
		t.Errorf("unknown user: %v", err)
	}
}

func stdsqlPing(addr, dbname string, user ...string) (struct{}, error) {
	db, err := stdsql.Open("mysql", strings.Join(user, "")+"@tcp("+addr+")/"+dbname)
	if err != nil {
		return struct{}{}, err
	}
	defer db.Close()
	return struct{}{}, db.Ping()
}
