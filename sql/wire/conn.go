package wire

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync/atomic"
	"time"

	"github.com/zoryadb/zorya/base/crash"
	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// Conn is one client's connection. Methods are the session's goroutine's own, unless they say that they are safe for others.
type Conn struct {
	srv     *Server
	id      uint32
	sock    *sock
	tls     *tls.Conn // nil without TLS
	f       framer
	caps    uint32
	session Session
	extra   bool // beyond the limit on connections

	host      string
	clientMax uint32 // the largest packet that the client says to accept
	collation uint16
	scramble  [scrambleLength]byte
	maxPacket int
	multi     bool // multi-statements are allowed now
	closing   atomic.Bool
	worker    *worker // of the pool, which runs it; nil: it has a goroutine
	direct    bool    // it has a goroutine of its own, and may join the pool
	urgent    bool    // it is in a transaction
	blocks    int     // nested Blocks
	killErr   atomic.Pointer[mysqlerr.Error]
	inCommand atomic.Bool
	connected time.Time

	hooks Hooks
	reply Reply
	exec  execution
	stmts map[uint32]*Stmt
	last  uint32 // statement id
}

// ID returns the connection id (CONNECTION_ID(), the thread id of SHOW PROCESSLIST). Safe for any goroutine.
func (c *Conn) ID() uint32 { return c.id }

// RemoteAddr returns the client's address. Safe for any goroutine.
func (c *Conn) RemoteAddr() net.Addr { return c.sock.RemoteAddr() }

// Host returns the client's host as the Authenticator saw it. Safe for any goroutine.
func (c *Conn) Host() string { return c.host }

// Capabilities returns the negotiated flags. They change only by COM_CHANGE_USER.
func (c *Conn) Capabilities() uint32 { return c.caps }

// MultiStatements reports whether a query text may now hold several statements.
func (c *Conn) MultiStatements() bool { return c.multi }

// TLS returns the TLS state, nil when the connection is in the clear.
func (c *Conn) TLS() *tls.ConnectionState {
	if c.tls == nil {
		return nil
	}
	st := c.tls.ConnectionState()
	return &st
}

// Connected returns when the client was accepted. Safe for any goroutine.
func (c *Conn) Connected() time.Time { return c.connected }

// Traffic returns the bytes received and sent so far. Safe for any goroutine.
func (c *Conn) Traffic() (in, out uint64) { return c.sock.bytesIn.Load(), c.sock.bytesOut.Load() }

// SetHooks installs the session's hooks, normally once, in Backend.Connect.
func (c *Conn) SetHooks(h Hooks) { c.hooks = h }

// SetMaxAllowedPacket changes the limit on incoming packets (the session's max_allowed_packet), in bytes.
func (c *Conn) SetMaxAllowedPacket(n int) { c.maxPacket = max(n, 1024) }

// SetIdleTimeout changes how long the connection may wait for its next command (wait_timeout, or interactive_timeout for
// clients with CapInteractive); 0 is for ever.
func (c *Conn) SetIdleTimeout(d time.Duration) { c.sock.idleTimeout = d }

// SetNetTimeouts changes how long a read within a command (net_read_timeout) and a write (net_write_timeout) may wait
// without any progress; 0 is for ever.
func (c *Conn) SetNetTimeouts(read, write time.Duration) {
	c.sock.readTimeout, c.sock.writeTimeout = read, write
}

// PeerClosed asks the kernel whether the client has gone, without consuming anything (about a microsecond). For statements
// that wait long. Safe for any goroutine.
func (c *Conn) PeerClosed() bool { return c.sock.peerClosed() }

// Killed reports whether Kill was called. Safe for any goroutine.
func (c *Conn) Killed() bool { return c.closing.Load() }

// Kill ends the connection: at once when it waits for a command or for its client, else when the running Session method returns
// (interrupting that is its owner's business). reason, if not nil, is sent to an idle client as its last packet, and in place of the error of a
// statement that was interrupted. Safe for any goroutine; only the first call's reason counts.
func (c *Conn) Kill(reason *mysqlerr.Error) {
	if reason != nil {
		c.killErr.CompareAndSwap(nil, reason)
	}
	c.closing.Store(true)
	c.sock.kill()
}

// Stmt finds an open prepared statement by its id, nil when there is none.
func (c *Conn) Stmt(id uint32) *Stmt { return c.stmts[id] }

// Pooled reports whether one of the pool's workers runs the connection. For the session's goroutine.
func (c *Conn) Pooled() bool { return c != nil && c.worker != nil }

// Block says that the statement is about to wait, so that its worker need not be waited for, and Unblock that it goes on. They nest, and are for
// the session's goroutine. Waits for the client are told by the connection itself.
func (c *Conn) Block() {
	if c == nil || c.worker == nil {
		return
	}
	if c.blocks++; c.blocks == 1 {
		c.worker.block()
	}
}

// Unblock ends what Block began.
func (c *Conn) Unblock() {
	if c == nil || c.worker == nil {
		return
	}
	if c.blocks--; c.blocks == 0 {
		c.worker.unblock()
	}
}

// serve runs the connection from greeting to end, or until the pool goes on with it.
func (c *Conn) serve() {
	if err := c.protect("connecting", c.handshake); err != nil {
		c.srv.abortedConnect(c, err)
		c.lastWords(err)
		c.end()
		return
	}
	if c.sock.polled != nil && c.tls == nil && c.f.z == nil {
		c.pooled()
		return
	}
	for c.next() {
		if c.direct && c.srv.crowded.Load() && c.join() {
			return
		}
	}
	c.end()
}

// join hands a connection with a goroutine over to the pool, between two commands. It reports false when it stays what it is, for good.
func (c *Conn) join() bool {
	c.direct = false
	if c.tls != nil || c.f.z != nil || c.sock.raw == nil {
		return false
	}
	p := c.srv.adopt(c.sock.Conn, c)
	if p == nil {
		return false
	}
	c.f.release()
	c.sock.become(p)
	c.prefer(c.session.Status()&StatusInTrans != 0)
	c.pooled()
	return true
}

// pooled lets the pool run the connection: at once, for a command may have come that nobody told of.
func (c *Conn) pooled() {
	c.sock.turn = true
	c.sock.polled.pool.push(c.sock.polled)
}

// prefer says whether the connection is in a transaction, and so goes before those that are not.
func (c *Conn) prefer(urgent bool) {
	if c.urgent == urgent {
		return
	}
	c.urgent = urgent
	if urgent {
		c.sock.polled.pool.open.Add(1)
	} else {
		c.sock.polled.pool.open.Add(-1)
	}
}

// turn runs the commands that have come, on a worker of the pool. When it returns another may run the connection.
func (c *Conn) turn(w *worker) {
	c.worker = w
	for range turnCommands {
		if !c.next() {
			c.end()
			return
		}
		c.f.release()
		if c.f.in.buffered() > 0 {
			continue
		}
		c.prefer(c.session.Status()&StatusInTrans != 0)
		if c.sock.rest() {
			return
		}
	}
	c.sock.polled.pool.requeue(c.sock.polled)
}

// next runs one command. What a Session panics with is caught closer; this is for the wire itself.
func (c *Conn) next() (ok bool) {
	defer func() {
		if v := recover(); v != nil {
			c.panicked("reading a command", v)
			ok = false
		}
	}()
	return c.command()
}

// end closes statements, session and socket, in this order.
func (c *Conn) end() {
	if c.urgent {
		c.prefer(false)
	}
	defer c.srv.unregister(c)
	defer c.sock.Conn.Close()
	defer c.f.discard()
	if c.session != nil {
		c.protect("closing the session", func() error {
			c.closeStmts()
			c.session.Close()
			return nil
		})
	}
}

// protect runs a Session's code so that its panic becomes an error.
func (c *Conn) protect(what string, fn func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			c.panicked(what, v)
			err = &panicError{what: what}
		}
	}()
	return fn()
}

func (c *Conn) panicked(what string, v any) {
	c.srv.log.Error("panic in a session", "connection", c.id, "while", what, "panic", v, "stack", string(crash.Contain(v)))
}

// panicError ends the connection after the client was told.
type panicError struct{ what string }

func (e *panicError) Error() string { return "internal error while " + e.what }

// command waits for one command and answers it. It returns false when the connection is over.
func (c *Conn) command() bool {
	c.f.release()
	c.f.restart()
	if c.closing.Load() {
		c.lastWords(c.killReason())
		return false
	}
	c.sock.idle = true
	p, err := c.f.next(c.maxPacket)
	idle := c.sock.idle
	c.sock.idle = false
	if err == errNoCommand {
		return true
	}
	if err != nil {
		c.readFailed(err, idle)
		return false
	}
	if len(p) == 0 {
		c.lastWords(errMalformed)
		return false
	}
	c.srv.commands.Add(1)
	return c.dispatch(p[0], p[1:])
}

// readFailed tells the client why the connection ends, if it can still hear it. idle says that no byte of a command had come.
func (c *Conn) readFailed(err error, idle bool) {
	switch {
	case c.closing.Load():
		c.lastWords(c.killReason())
	case isTimeout(err) && !idle:
		c.srv.abortedClients.Add(1)
		c.lastWords(mysqlerr.New(mysqlerr.ER_NET_READ_INTERRUPTED))
	case isTimeout(err):
		c.srv.abortedClients.Add(1)
		c.lastWords(mysqlerr.New(mysqlerr.ER_CLIENT_INTERACTION_TIMEOUT))
	case isProtocolError(err):
		c.srv.abortedClients.Add(1)
		c.lastWords(err)
	default: // the client went without COM_QUIT
		c.srv.abortedClients.Add(1)
		c.srv.log.Debug("client went away", "connection", c.id, "error", err)
	}
}

// killReason is what to tell the client of a killed connection, nil for nothing.
func (c *Conn) killReason() error {
	if e := c.killErr.Load(); e != nil {
		return e
	}
	return nil
}

// lastWords sends an error, if there is one that concerns the client, and takes leave: it reads on for a moment so that bytes on their way do not make
// the kernel throw the error away with a reset.
func (c *Conn) lastWords(err error) {
	if err == nil || !isProtocolError(err) {
		return
	}
	c.sock.hooks = nil
	c.sock.revive()
	c.f.beforeFlush = nil
	c.f.drop()
	c.f.begin()
	c.f.out = appendError(c.f.out, mysqlerr.From(err), c.caps)
	if c.f.end() != nil || c.f.flush() != nil {
		return
	}
	if half, ok := c.sock.Conn.(interface{ CloseWrite() error }); ok {
		if c.tls != nil {
			_ = c.tls.CloseWrite()
		}
		_ = half.CloseWrite()
		_, _ = io.CopyN(io.Discard, c.sock.Conn, lingerBytes)
	}
}

// lingerBytes bounds what is read and dropped after a last error.
const lingerBytes = 32 << 20

// run executes a Session method and completes its reply. It returns false when the connection is over.
func (c *Conn) run(binary bool, what string, fn func(r *Reply) error) bool {
	r := &c.reply
	r.reset(binary)
	c.inCommand.Store(true)
	c.sock.hooks = &c.hooks
	c.f.beforeFlush = c.hooks.BeforeSend
	err := c.protect(what, func() error { return fn(r) })
	if reason := c.killErr.Load(); reason != nil && c.closing.Load() {
		c.sock.revive()
		if err != nil { // a finished statement is not reported as failed
			err = reason
		}
	}
	if err != nil && c.f.writeErr == nil {
		err = c.failed(r, err)
	}
	if err == nil {
		err = c.finish(r)
	}
	c.sock.hooks = nil
	c.f.beforeFlush = nil
	c.inCommand.Store(false)
	c.exec.release()
	return err == nil && c.f.writeErr == nil && !c.closing.Load()
}

// failed sends a method's error; the result tells whether the connection must end.
func (c *Conn) failed(r *Reply, err error) error {
	var p *panicError
	fatal := errors.As(err, &p)
	if e := r.fail(err); e != nil {
		return e
	}
	if fatal {
		_ = c.finish(r)
		return err
	}
	return nil
}

// finish completes and flushes a reply. If BeforeSend refuses, the client gets that error in place of what was not sent yet.
func (c *Conn) finish(r *Reply) error {
	var status uint16
	if r.state != replyDone {
		status = c.session.Status()
	}
	err := r.finish(status)
	if err == nil || c.f.writeErr != nil {
		return err
	}
	c.f.beforeFlush = nil
	r.state = replyRows
	if err := r.fail(err); err != nil {
		return err
	}
	return c.f.flush()
}

// discard gives every buffer back, whatever it holds.
func (f *framer) discard() {
	f.in.r, f.in.w = 0, 0
	f.out = f.out[:0]
	f.release()
}
