package wire

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/zoryadb/zorya/sql/mysqlerr"
)

func rawConn(t testing.TB, addr string) net.Conn {
	t.Helper()
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	_ = nc.SetDeadline(time.Now().Add(60 * time.Second))
	return nc
}

func TestGarbage(t *testing.T) {
	s, _, addr := testServer(t, withTLS(t))
	rnd := rand.New(rand.NewPCG(1, 2))
	for i := range 60 {
		nc := rawConn(t, addr)
		junk := make([]byte, rnd.IntN(3000))
		for j := range junk {
			junk[j] = byte(rnd.Uint32())
		}
		switch i % 3 {
		case 1: // a sound header before the junk
			junk = append([]byte{byte(len(junk)), byte(len(junk) >> 8), 0, 1}, junk...)
		case 2: // a claim of 16 MB
			junk = append([]byte{0xfe, 0xff, 0xff, 1}, junk...)
		}
		_, _ = nc.Write(junk)
		if i%2 == 0 {
			_ = nc.(*net.TCPConn).CloseWrite()
			_, _ = io.Copy(io.Discard, nc)
		}
		nc.Close()
	}
	if one(t, dial(t, addr), "SELECT 1") != "1" {
		t.Fatal("server does not answer")
	}
	eventually(t, "all but one are gone", func() bool { return s.Stats().ThreadsConnected == 1 })
}

// Garbage after a proper login gets an error, or ends the connection; never the server.
func TestGarbageCommands(t *testing.T) {
	_, _, addr := testServer(t)
	rnd := rand.New(rand.NewPCG(3, 4))
	for i := range 200 {
		cl := dial(t, addr)
		if _, err := cl.Prepare("echo ? ? ?"); err != nil {
			t.Fatal(err)
		}
		p := make([]byte, rnd.IntN(60))
		for j := range p {
			p[j] = byte(rnd.Uint32())
		}
		command := []byte{comStmtExecute, comStmtFetch, comChangeUser, comQuery, comFieldList, comSetOption, comProcessKill, comStmtReset, byte(i)}[i%9]
		if command == comStmtExecute && len(p) > 10 {
			copy(p, []byte{1, 0, 0, 0, 0, 1, 0, 0, 0, 3})
		}
		if err := cl.send(command, p); err != nil {
			t.Fatal(err)
		}
		cl.Abort()
	}
	if one(t, dial(t, addr), "SELECT 1") != "1" {
		t.Fatal("server does not answer")
	}
}

func TestTooLargePacket(t *testing.T) {
	_, b, addr := testServer(t, func(c *Config) { c.MaxAllowedPacket = func() int { return 1 << 20 } })
	cl := dial(t, addr)
	if got := one(t, cl, "len "+strings.Repeat("x", 1<<20-7)); got != fmt.Sprint(1<<20-3) { // a full packet with command byte and no attributes
		t.Fatal(got)
	}
	_, err := cl.Query("len " + strings.Repeat("x", 3<<20))
	wantCode(t, err, mysqlerr.ER_NET_PACKET_TOO_LARGE)
	eventually(t, "the session was closed", func() bool { return b.live() == 0 })

	// A header alone that claims too much is refused at once, and costs nothing.
	cl = dial(t, addr)
	if _, err := cl.sock.Write([]byte{0xff, 0xff, 0xff, 0}); err != nil {
		t.Fatal(err)
	}
	_, err = unasked(cl)
	wantCode(t, err, mysqlerr.ER_NET_PACKET_TOO_LARGE)

	// Before authentication 64 KiB is the limit.
	nc := rawConn(t, addr)
	defer nc.Close()
	_, _ = nc.Write([]byte{1, 0, 1, 1})
	reply, _ := io.ReadAll(nc)
	if !bytes.Contains(reply, []byte("Got a packet bigger")) {
		t.Fatalf("%q", reply)
	}
}

func TestPacketsOutOfOrder(t *testing.T) {
	_, b, addr := testServer(t)
	cl := dial(t, addr)
	if _, err := cl.sock.Write([]byte{1, 0, 0, 3, comPing}); err != nil {
		t.Fatal(err)
	}
	_, err := unasked(cl)
	wantCode(t, err, mysqlerr.ER_NET_PACKETS_OUT_OF_ORDER)
	eventually(t, "the session was closed", func() bool { return b.live() == 0 })
}

func TestClientVanishes(t *testing.T) {
	s, b, addr := testServer(t, withTLS(t))
	for _, tr := range transports {
		// Within a statement: the session sees it by PeerClosed.
		cl := dial(t, addr, tr.change)
		if err := cl.send(comQuery, append([]byte{0, 1}[:2*b2i(cl.caps&CapQueryAttributes != 0)], "wait"...)); err != nil {
			t.Fatal(err)
		}
		<-b.entered
		cl.Abort()
		eventually(t, "the session was closed", func() bool { return b.live() == 0 })
		// While idle.
		cl = dial(t, addr, tr.change)
		cl.Abort()
		eventually(t, "the session was closed", func() bool { return b.live() == 0 })
		// While a large result is being sent.
		cl = dial(t, addr, tr.change)
		if rs, err := cl.Query("blocks 1000"); err != nil || !rs.Next() {
			t.Fatal(err)
		}
		cl.Abort()
		eventually(t, "the session was closed", func() bool { return b.live() == 0 })
	}
	eventually(t, "connections are counted as aborted", func() bool { return s.Stats().AbortedClients >= int64(len(transports)) })
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

func TestKill(t *testing.T) {
	s, b, addr := testServer(t)
	idle, killer := dial(t, addr), dial(t, addr)
	if err := killer.Kill(idle.ConnectionID()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the idle session was closed", func() bool { return b.live() == 1 })
	if err := idle.Ping(); err == nil {
		t.Fatal("a killed connection answers")
	}
	// One whose client does not read.
	stuck := dial(t, addr)
	if _, err := stuck.Query("blocks 1000"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is blocked", func() bool { c := s.Conn(stuck.ConnectionID()); return c.inCommand.Load() })
	if err := killer.Kill(stuck.ConnectionID()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the stuck session was closed", func() bool { return b.live() == 1 })
	// One that runs learns by PeerClosed or Killed.
	busy := dial(t, addr)
	if err := busy.send(comQuery, append([]byte{0, 1}, "wait"...)); err != nil {
		t.Fatal(err)
	}
	c := <-b.entered
	c.Kill(mysqlerr.New(mysqlerr.ER_SERVER_SHUTDOWN))
	if !c.Killed() {
		t.Fatal("not killed")
	}
	cl := busy
	cl.rows = nil
	if _, err := cl.read(); !mysqlerr.IsCode(err, mysqlerr.ER_SERVER_SHUTDOWN) { // in sequence
		t.Fatal(err)
	}
	eventually(t, "the busy session was closed", func() bool { return b.live() == 1 })
	// An idle one that is told why.
	told := dial(t, addr)
	s.Conn(told.ConnectionID()).Kill(mysqlerr.New(mysqlerr.ER_SERVER_SHUTDOWN))
	_, err := unasked(told)
	wantCode(t, err, mysqlerr.ER_SERVER_SHUTDOWN)
}

func TestIdleTimeout(t *testing.T) {
	s, b, addr := testServer(t)
	cl := dial(t, addr)
	c := s.Conn(cl.ConnectionID())
	if p := c.sock.polled; p == nil {
		c.sock.setReadDeadline(time.Now()) // as if wait_timeout were over
	} else {
		eventually(t, "the connection rests", func() bool { return p.expire(math.MaxUint32) })
		p.pool.push(p)
	}
	_, err := unasked(cl)
	wantCode(t, err, mysqlerr.ER_CLIENT_INTERACTION_TIMEOUT)
	eventually(t, "the session was closed", func() bool { return b.live() == 0 })
}

// Who begins a command must go on with it: wait_timeout is for those who have not begun one.
func TestStalledCommandTimesOut(t *testing.T) {
	_, b, addr := testServer(t)
	b.stall = 200 * time.Millisecond
	for _, tr := range transports {
		if tr.name == "tls" || tr.name == "tls+zlib" {
			continue // half a packet is not half a record
		}
		cl := dial(t, addr, tr.change)
		if _, err := cl.sock.Write([]byte{100, 0, 0, 0, comQuery}); err != nil {
			t.Fatal(err)
		}
		_, err := unasked(cl)
		wantCode(t, err, mysqlerr.ER_NET_READ_INTERRUPTED)
		eventually(t, "the session was closed", func() bool { return b.live() == 0 })
	}
}

func TestPanicEndsTheConnectionOnly(t *testing.T) {
	_, b, addr := testServer(t)
	cl := dial(t, addr)
	_, err := cl.Exec("panic")
	wantCode(t, err, mysqlerr.ER_UNKNOWN_ERROR)
	eventually(t, "the session was closed", func() bool { return b.live() == 0 })
	if _, err := tryDial(addr, as("panic", "")); err == nil {
		t.Fatal("let in by a panic")
	}
	if one(t, dial(t, addr), "SELECT 1") != "1" {
		t.Fatal("server does not answer")
	}
}

func TestPreparedStatementLimit(t *testing.T) {
	s, _, addr := testServer(t, func(c *Config) { c.MaxPreparedStmts = func() int { return 2 } })
	cl := dial(t, addr)
	var first *ClientStmt
	for range 2 {
		st, err := cl.Prepare("SELECT 1")
		if err != nil {
			t.Fatal(err)
		}
		first = st
	}
	_, err := cl.Prepare("SELECT 1")
	wantCode(t, err, mysqlerr.ER_MAX_PREPARED_STMT_COUNT_REACHED)
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := cl.Prepare("SELECT 1"); err != nil {
		t.Fatal(err)
	}
	if n := s.Stats().PreparedStmts; n != 2 {
		t.Fatal(n)
	}
}

func TestBeforeSend(t *testing.T) {
	_, b, addr := testServer(t)
	var refuse atomic.Bool
	var calls atomic.Int32
	b.hooks.BeforeSend = func() error {
		calls.Add(1)
		if refuse.Load() {
			return mysqlerr.New(mysqlerr.ER_OPTION_PREVENTS_STATEMENT, "--read-only")
		}
		return nil
	}
	cl := dial(t, addr)
	if one(t, cl, "SELECT 1") != "1" || calls.Load() != 1 {
		t.Fatal(calls.Load())
	}
	for _, q := range []string{"SELECT 1", "rows 20000", "multi", "error", "nothing", "big 17000000"} {
		refuse.Store(true)
		_, err := cl.Exec(q)
		wantCode(t, err, mysqlerr.ER_OPTION_PREVENTS_STATEMENT)
		refuse.Store(false)
		if one(t, cl, "SELECT 1") != "1" {
			t.Fatal("out of step")
		}
	}
}

// The waits on a slow client are announced in pairs.
func TestWaitHooks(t *testing.T) {
	_, b, addr := testServer(t)
	var depth, waits atomic.Int32
	b.hooks.BeginWait = func() { depth.Add(1); waits.Add(1) }
	b.hooks.EndWait = func() { depth.Add(-1) }
	cl := dial(t, addr)
	if one(t, cl, "SELECT 1") != "1" || waits.Load() != 0 {
		t.Fatal("waited for a command under a hook")
	}
	rs, err := cl.Query("blocks 400")
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the server waits for its client", func() bool { return depth.Load() == 1 })
	if _, err := rs.Discard(); err != nil {
		t.Fatal(err)
	}
	if err := cl.Ping(); err != nil || depth.Load() != 0 {
		t.Fatal(depth.Load(), err)
	}
}

func TestPipelinedCommands(t *testing.T) {
	_, _, addr := testServer(t)
	cl := dial(t, addr)
	q := []byte{comQuery, 0, 1, 'S', 'E', 'L', 'E', 'C', 'T', ' ', '1'}
	var b []byte
	for range 1000 {
		b = append(append(b, byte(len(q)), 0, 0, 0), q...)
	}
	if _, err := cl.sock.Write(b); err != nil {
		t.Fatal(err)
	}
	for range 1000 {
		cl.f.restart()
		cl.f.seq = 1
		rs := &Rows{cl: cl}
		if err := rs.head(); err != nil {
			t.Fatal(err)
		}
		if _, err := rs.Discard(); err != nil {
			t.Fatal(err)
		}
	}
}

// unasked reads a packet that answers no command of ours, whatever its number.
func unasked(cl *Client) ([]byte, error) {
	defer cl.Abort() // the server waits for this after its last words
	cl.f.noSeq = true
	return cl.read()
}
