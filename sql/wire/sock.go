package wire

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/zoryadb/zorya/base/socket"
)

// errNoCommand is what a worker hears that took a connection up for nothing.
var errNoCommand = errors.New("wire: no command has come")

// errKilled is what reads and writes return once Kill was called.
var errKilled = errors.New("wire: connection was killed")

// sock is the bottom of a connection: the socket, with three things that net.Conn lacks: waiting for a command without
// holding a buffer, telling the owner when an operation has to wait, and deadlines that are armed only when it does.
// It implements net.Conn, so that TLS can run over it. All methods but kill and peerClosed belong to the
// connection's goroutine.
type sock struct {
	mu sync.Mutex // held to exchange Conn and raw, and by others than the connection's goroutine to use them
	net.Conn
	raw syscall.RawConn // nil when the Conn is no plain socket (tests); then hooks surround every operation

	polled *polled // what Conn and raw are, when a pool watches the socket
	turn   bool    // a worker of the pool runs the connection: the first read of a command does not wait
	more   bool    // the last read filled its buffer: there may be more

	prefix []byte // bytes that were read before TLS took over

	hooks   *Hooks // non-nil pointers only while a Session method runs
	waiting bool   // BeginWait was called

	turns *turns    // of a connection with a goroutine, which it shares the processors with; nil: none
	begun time.Time // of its turn: since it last waited, or gave way

	idleTimeout, readTimeout, writeTimeout time.Duration // 0: none
	idle                                   bool          // the next read waits for a command: idleTimeout, no hooks
	armed                                  time.Time     // of the read deadline, zero: none

	killed            atomic.Bool
	bytesIn, bytesOut atomic.Uint64

	// The operation in flight, kept here so that the callbacks are bound once and nothing is allocated per call.
	rbuf, wbuf              []byte
	pooled                  *buffer
	n                       int
	opErr                   error
	readFn, writeFn, idleFn func(fd uintptr) bool
}

func newSock(nc net.Conn, p *polled) *sock {
	s := &sock{Conn: nc}
	if p != nil {
		s.Conn, s.raw, s.polled = p, rawPolled{p}, p
	} else if sc, ok := nc.(syscall.Conn); ok {
		if raw, err := sc.SyscallConn(); err == nil {
			s.raw = raw
		}
	}
	s.readFn, s.writeFn, s.idleFn = s.tryRead, s.tryWrite, s.tryReadIdle
	return s
}

// kill makes every present and later operation fail. Safe from any goroutine.
func (s *sock) kill() {
	s.killed.Store(true)
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = s.Conn.SetDeadline(time.Unix(1, 0))
}

// RemoteAddr implements net.Conn. Safe from any goroutine.
func (s *sock) RemoteAddr() net.Addr {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.Conn.RemoteAddr()
}

// become goes on with a socket of the pool, a duplicate of what it was, which it closes.
func (s *sock) become(p *polled) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Conn.Close()
	s.Conn, s.raw, s.polled = p, rawPolled{p}, p
	s.armed = time.Time{}
	if s.killed.Load() {
		_ = p.SetDeadline(time.Unix(1, 0))
	}
}

// begin and end bracket a wait on the peer.
func (s *sock) begin() {
	if !s.waiting && !s.idle && s.hooks != nil {
		s.waiting = true
		if s.hooks.BeginWait != nil {
			s.hooks.BeginWait()
		}
	}
}

func (s *sock) end() {
	if s.waiting {
		s.waiting = false
		if s.hooks != nil && s.hooks.EndWait != nil {
			s.hooks.EndWait()
		}
	}
}

// armRead sets the read deadline that the present state calls for. Setting one costs a timer operation, so it is set a 16th of
// the timeout late and kept while it is not early; a timeout is thus never cut short.
func (s *sock) armRead(now time.Time) {
	d := s.readTimeout
	if s.idle {
		d = s.idleTimeout
	}
	if d <= 0 {
		if !s.armed.IsZero() {
			s.armed = time.Time{}
			s.setReadDeadline(s.armed)
		}
		return
	}
	slack := d / 16
	if spare := s.armed.Sub(now.Add(d)); spare >= 0 && spare <= slack {
		return
	}
	s.armed = now.Add(d + slack)
	s.setReadDeadline(s.armed)
}

// revive lets a killed connection write its last packets, within a second.
func (s *sock) revive() {
	s.killed.Store(false)
	s.writeTimeout = time.Second
	_ = s.Conn.SetDeadline(time.Now().Add(time.Second))
}

// setReadDeadline sets the deadline but never undoes a kill.
func (s *sock) setReadDeadline(t time.Time) {
	_ = s.Conn.SetReadDeadline(t)
	if s.killed.Load() {
		_ = s.Conn.SetReadDeadline(time.Unix(1, 0))
	}
}

func (s *sock) setWriteDeadline(t time.Time) {
	_ = s.Conn.SetWriteDeadline(t)
	if s.killed.Load() {
		_ = s.Conn.SetWriteDeadline(time.Unix(1, 0))
	}
}

// Read implements net.Conn.
func (s *sock) Read(p []byte) (int, error) {
	if len(s.prefix) > 0 {
		n := copy(p, s.prefix)
		s.prefix = s.prefix[n:]
		return n, nil
	}
	if len(p) == 0 {
		return 0, nil
	}
	if s.raw == nil {
		s.armRead(time.Now())
		s.begin()
		n, err := s.Conn.Read(p)
		s.end()
		s.received(n)
		return n, s.mapErr(err)
	}
	s.armRead(s.giveWay())
	s.rbuf, s.n, s.opErr = p, 0, nil
	err := s.raw.Read(s.readFn)
	s.rbuf = nil
	return s.finishRead(err)
}

// giveWay is called before a read, of which it returns the time. It lets others go first when a command is to be read and the turn is over.
func (s *sock) giveWay() time.Time {
	now := time.Now()
	if s.turns == nil || !s.idle {
		return now
	}
	switch {
	case s.begun.IsZero(): // it waited for the command before
		s.begun = now
	case now.Sub(s.begun) >= s.turns.length():
		socket.Yield()
		now = time.Now()
		s.begun = now
	}
	return now
}

func (s *sock) finishRead(err error) (int, error) {
	s.end()
	if err == nil {
		err = s.opErr
	}
	if err != nil {
		return 0, s.mapErr(err)
	}
	s.received(s.n)
	return s.n, nil
}

// received notes that bytes came: what is still missing of the command must follow within readTimeout.
func (s *sock) received(n int) {
	if n > 0 {
		s.idle = false
		s.bytesIn.Add(uint64(n))
	}
}

func (s *sock) tryRead(fd uintptr) bool {
	s.n, s.opErr = socket.Read(fd, s.rbuf)
	s.more = s.n == len(s.rbuf)
	if s.opErr == syscall.EAGAIN {
		s.begun = time.Time{}
		s.begin()
		return false
	}
	if s.n == 0 && s.opErr == nil {
		s.opErr = io.EOF
	}
	return true
}

// readIdle reads the first bytes of a command. It borrows a buffer only when there is something to read.
func (s *sock) readIdle() (*buffer, int, error) {
	s.n, s.opErr = 0, nil
	var err error
	switch {
	case !s.turn || !s.idle:
		s.armRead(s.giveWay())
		err = s.raw.Read(s.idleFn)
	case s.polled.expired:
		err = os.ErrDeadlineExceeded
	case !s.tryReadIdle(uintptr(s.polled.fd)):
		return nil, 0, errNoCommand
	}
	n, err := s.finishRead(err)
	b := s.pooled
	s.pooled = nil
	if err != nil {
		if b != nil {
			readPool.Put(b)
		}
		return nil, 0, err
	}
	return b, n, nil
}

func (s *sock) tryReadIdle(fd uintptr) bool {
	b := readPool.Get().(*buffer)
	s.n, s.opErr = socket.Read(fd, b.b)
	s.more = s.n == len(b.b)
	if s.opErr == syscall.EAGAIN {
		readPool.Put(b)
		s.begun = time.Time{}
		s.begin()
		return false
	}
	if s.n == 0 && s.opErr == nil {
		s.opErr = io.EOF
	}
	s.pooled = b
	return true
}

// Write implements net.Conn.
func (s *sock) Write(p []byte) (int, error) {
	if s.killed.Load() {
		return 0, errKilled
	}
	if s.raw == nil {
		if s.writeTimeout > 0 {
			s.setWriteDeadline(time.Now().Add(s.writeTimeout))
		}
		s.begin()
		n, err := s.Conn.Write(p)
		s.end()
		s.bytesOut.Add(uint64(n))
		return n, s.mapErr(err)
	}
	s.wbuf, s.n, s.opErr = p, 0, nil
	var err error
	if s.polled == nil || !s.tryWrite(uintptr(s.polled.fd)) {
		err = s.raw.Write(s.writeFn)
		s.setWriteDeadline(time.Time{})
	}
	s.wbuf = nil
	s.end()
	s.bytesOut.Add(uint64(s.n))
	if err == nil {
		err = s.opErr
	}
	return s.n, s.mapErr(err)
}

func (s *sock) tryWrite(fd uintptr) bool {
	for s.n < len(s.wbuf) {
		n, err := socket.Write(fd, s.wbuf[s.n:])
		if n > 0 {
			s.n += n
		}
		if err == syscall.EAGAIN {
			if s.writeTimeout > 0 { // the peer makes progress: the timeout starts anew
				s.setWriteDeadline(time.Now().Add(s.writeTimeout))
			}
			s.begin()
			return false
		}
		if err != nil {
			s.opErr = err
			return true
		}
	}
	return true
}

// rest puts the connection to rest until its client sends something. It reports false when that may have happened already.
func (s *sock) rest() bool {
	if s.more {
		return false
	}
	return s.polled.rest(uint32((s.idleTimeout + poolTick - 1) / poolTick))
}

// mapErr makes a kill recognisable whatever it interrupted.
func (s *sock) mapErr(err error) error {
	if err != nil && s.killed.Load() {
		return errKilled
	}
	return err
}

func isTimeout(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }
