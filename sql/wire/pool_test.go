package wire

import (
	"net"
	"runtime"
	"strings"
	"testing"
	"time"
)

// pooled is the connection of a client, which must be a worker's to run.
func pooled(t *testing.T, s *Server, cl *Client) *polled {
	t.Helper()
	p := s.Conn(cl.ConnectionID()).sock.polled
	if p == nil {
		t.Skip("no poller on this system")
	}
	return p
}

func (p *polled) rests() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.resting
}

// Clients that ask for nothing have no goroutine, whatever they did before.
func TestConnectionsAtRestHaveNoGoroutine(t *testing.T) {
	s, _, addr := testServer(t, func(c *Config) { c.MaxConnections = func() int { return 300 } })
	first := dial(t, addr)
	pooled(t, s, first)
	before := runtime.NumGoroutine()
	var all []*Client
	for range 200 {
		cl := dial(t, addr)
		if one(t, cl, "SELECT 1") != "1" {
			t.Fatal("no answer")
		}
		all = append(all, cl)
	}
	for _, cl := range all {
		eventually(t, "it rests", s.Conn(cl.ConnectionID()).sock.polled.rests)
	}
	eventually(t, "few goroutines remain", func() bool { return runtime.NumGoroutine() < before+20 })
}

// Statements that wait without saying so keep nobody out, however many they are. It hangs without watch.
func TestStalledStatementsKeepNobodyOut(t *testing.T) {
	s, b, addr := testServer(t)
	pooled(t, s, dial(t, addr))
	var stalled []*Client
	for range 2*runtime.GOMAXPROCS(0) + 1 {
		cl := dial(t, addr)
		stalled = append(stalled, cl)
		if err := cl.send(comQuery, []byte("\x00\x01wait")); err != nil {
			t.Fatal(err)
		}
	}
	for range stalled {
		select {
		case <-b.entered:
		case <-time.After(60 * time.Second):
			t.Fatal("a statement waits for others that stall")
		}
	}
	if one(t, dial(t, addr), "SELECT 1") != "1" {
		t.Fatal("no answer")
	}
	for _, cl := range stalled {
		cl.Abort()
	}
}

// A worker whose statement says that it waits is not counted, and the last one leaves nobody without a leader.
func TestBlockLetsOthersRun(t *testing.T) {
	s, _, addr := testServer(t)
	cl := dial(t, addr)
	p := pooled(t, s, cl)
	eventually(t, "it rests", p.rests)
	pl := p.pool
	running := func() int {
		pl.mu.Lock()
		defer pl.mu.Unlock()
		return pl.running
	}
	eventually(t, "nobody runs", func() bool { return running() == 0 })
	w := pl.newWorker()
	c := &Conn{srv: s, sock: p.conn.sock, worker: w}
	w.unblock() // it runs
	c.Block()
	c.Block()
	if n := running(); n != 0 {
		t.Errorf("%d workers count while their statements wait", n)
	}
	c.Unblock()
	if n := running(); n != 0 {
		t.Errorf("%d workers count within nested waits", n)
	}
	c.Unblock()
	if n := running(); n != 1 {
		t.Errorf("%d workers count, want 1", n)
	}
	w.block()
}

// The end of the stream that comes together with a command is seen after it. Without polled.ended the session stays.
func TestClientThatAsksAndLeaves(t *testing.T) {
	s, b, addr := testServer(t)
	pooled(t, s, dial(t, addr))
	for range 50 {
		cl := dial(t, addr)
		eventually(t, "it rests", s.Conn(cl.ConnectionID()).sock.polled.rests)
		if err := cl.send(comQuery, []byte("\x00\x01SELECT 1")); err != nil {
			t.Fatal(err)
		}
		if err := cl.sock.Conn.(*net.TCPConn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "all but one are gone", func() bool { return b.live() == 1 })

	p := &polled{pool: &pool{}, conn: &Conn{sock: &sock{}}}
	if !p.rest(0) || !p.tell(event{readable: true, ended: true}) { // in one event
		t.Fatal("an event does not end its rest")
	}
	if p.rest(0) {
		t.Error("it rests for ever: no event tells the end again")
	}
}

// Commands beyond what one read takes are found without another edge. It hangs without sock.more.
func TestCommandsBeyondOneRead(t *testing.T) {
	s, _, addr := testServer(t)
	cl := dial(t, addr)
	p := pooled(t, s, cl)
	eventually(t, "it rests", p.rests)
	const command = "\x0c\x00\x00\x00\x0e-----------" // COM_PING with something behind, 16 bytes: a buffer ends where a command does
	const n = 2 * readBufferSize / len(command)
	if _, err := cl.sock.Conn.Write([]byte(strings.Repeat(command, n))); err != nil {
		t.Fatal(err)
	}
	_ = cl.sock.Conn.SetReadDeadline(time.Now().Add(60 * time.Second))
	cl.f.noSeq = true
	for i := range n {
		if _, err := cl.f.next(100); err != nil {
			t.Fatalf("answer %d of %d: %v", i, n, err)
		}
	}
}

// Connections in a transaction go first, but not for ever.
func TestUrgentGoFirst(t *testing.T) {
	pl := &pool{limit: 0, leading: true}
	srv := &Server{}
	calm := &polled{conn: &Conn{srv: srv}}
	pl.enqueue(calm)
	for range 3 * urgentStreak {
		pl.enqueue(&polled{conn: &Conn{srv: srv, urgent: true}})
	}
	if n := srv.Backlog(); n != 1+3*urgentStreak {
		t.Error("backlog ", n)
	}
	for i := range urgentStreak {
		if p := pl.pop(); p == nil || !p.conn.urgent {
			t.Fatalf("number %d is not in a transaction", i)
		}
	}
	if pl.pop() != calm {
		t.Error("the one that is in no transaction still waits")
	}
	for range 2 * urgentStreak {
		if p := pl.pop(); p == nil || !p.conn.urgent {
			t.Fatal("one is lost")
		}
	}
	if pl.pop() != nil || !pl.empty() || srv.Backlog() != 0 {
		t.Error("the queue is not empty")
	}
}

// Those that came last go first, but nobody waits for more than freshStreak turns for each of those before him, even if others come for ever.
func TestFreshGoFirst(t *testing.T) {
	for _, urgent := range []bool{false, true} {
		pl := &pool{limit: 0, leading: true}
		srv := &Server{}
		waiting := make([]*polled, 10)
		for i := range waiting {
			waiting[i] = &polled{conn: &Conn{srv: srv, urgent: urgent}}
			pl.enqueue(waiting[i])
		}
		fresh := 0
		for turn := 0; len(waiting) > 0; turn++ {
			p := &polled{conn: &Conn{srv: srv, urgent: urgent}}
			pl.enqueue(p)
			switch got := pl.pop(); got {
			case p:
				fresh++
			case waiting[0]:
				waiting = waiting[1:]
			default:
				t.Fatal("neither the one that came last nor the one that has waited longest")
			}
			if turn > 10*(freshStreak+1) {
				t.Fatal("who waits is kept waiting")
			}
		}
		if fresh < 9*freshStreak {
			t.Errorf("only %d of those that came last went first", fresh)
		}
		for pl.pop() != nil {
		}
		if !pl.empty() || srv.Backlog() != 0 {
			t.Error("the queue is not empty")
		}
	}
}

// A client that sends without waiting for answers gets its turn, and the others theirs.
func TestTurnsEnd(t *testing.T) {
	pl := &pool{limit: 0, leading: true}
	srv := &Server{}
	greedy := &polled{conn: &Conn{srv: srv}}
	waiting := make([]*polled, 20)
	for i := range waiting {
		waiting[i] = &polled{conn: &Conn{srv: srv}}
		pl.enqueue(waiting[i])
	}
	pl.requeue(greedy)
	served, turns := 0, 0
	for served < len(waiting) {
		switch pl.pop() {
		case nil:
			t.Fatalf("%d of %d have had their turn, and nobody waits", served, len(waiting))
		case greedy:
			if turns++; turns > 10*len(waiting) {
				t.Fatalf("%d turns are those of one client, and %d of %d others have had one", turns, served, len(waiting))
			}
			pl.requeue(greedy)
		default:
			served++
		}
	}
	if turns > 1+len(waiting)/freshStreak {
		t.Errorf("%d turns of %d were those of one client", turns, turns+served)
	}
	for range 2 { // it is alone
		if pl.pop() != greedy {
			t.Fatal("it is lost")
		}
		pl.requeue(greedy)
	}
}

// Workers see who became ready while others wait to be run: that is how a transaction goes on before others begin. Without stale's second half
// the events of those in transactions are seen last.
func TestWorkersLookBeforeOthersBegin(t *testing.T) {
	srv := &Server{}
	pl := &pool{limit: 1}
	if pl.stale() {
		t.Error("an idle pool asks for events")
	}
	p := &polled{pool: pl, conn: &Conn{srv: srv}}
	p.conn.sock = &sock{polled: p}
	other := &polled{pool: pl, conn: &Conn{srv: srv}}
	pl.enqueue(other)
	pl.since = lookSoon
	if pl.stale() {
		t.Error("it asks though nobody is in a transaction")
	}
	p.conn.prefer(true)
	p.conn.prefer(true)
	if !pl.stale() {
		t.Error("it does not ask before another begins")
	}
	pl.enqueue(p)
	if pl.stale() {
		t.Error("it asks though one in a transaction is ready")
	}
	pl.since = lookEvery
	if !pl.stale() {
		t.Error("it never asks")
	}
	p.conn.prefer(false)
	if n := pl.open.Load(); n != 0 {
		t.Errorf("%d are in transactions", n)
	}
}

// Connections have a goroutine each while they are few. Once they are many all of them go to the pool, idle or in the middle of a transaction, with what their
// clients have sent meanwhile; who comes when they are few again has a goroutine.
func TestDirectConnections(t *testing.T) {
	s, b, addr := testServer(t, func(c *Config) { c.Direct = 2 })
	direct := func(cl *Client) bool {
		sk := s.Conn(cl.ConnectionID()).sock
		sk.mu.Lock()
		defer sk.mu.Unlock()
		return sk.polled == nil
	}
	ask := func(cl *Client) {
		t.Helper()
		if one(t, cl, "SELECT 1") != "1" {
			t.Fatal("no answer")
		}
	}
	first, second := dial(t, addr), dial(t, addr)
	ask(first)
	if !direct(first) || !direct(second) {
		t.Error("one of the first connections is in the pool")
	}
	third := dial(t, addr)
	fourth := dial(t, addr)
	pooled(t, s, fourth)
	for _, cl := range []*Client{first, second, third, fourth} {
		for range 3 {
			if err := cl.send(comQuery, []byte("\x00\x01SELECT 1")); err != nil { // the second command comes with, or right behind, the first
				t.Fatal(err)
			}
		}
		eventually(t, "it is in the pool", func() bool { return !direct(cl) })
		eventually(t, "it rests", s.Conn(cl.ConnectionID()).sock.polled.rests)
	}
	eventually(t, "each command was run", func() bool { return s.Stats().Commands == 13 })
	kept := s.Conn(third.ConnectionID())
	if kept.PeerClosed() || kept.RemoteAddr() == nil {
		t.Error("a connection that joined the pool is taken for gone")
	}
	kept.Kill(nil)
	for _, cl := range []*Client{first, second, fourth} {
		cl.Close()
	}
	eventually(t, "they are gone", func() bool { return b.live() == 0 })
	if fifth := dial(t, addr); !direct(fifth) {
		t.Error("a connection is in the pool though there are few")
	}
}
