package socket

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Local is a Unix-domain stream connection that waits for what it needs and nothing else.
//
// The kernel reports such a socket writable each time that the peer has read from it, and Go's poller asks for that always: whoever sends on a
// net.UnixConn and goes to sleep is woken for nothing as soon as the peer has received it. Here the socket lies in an epoll set of its own that asks
// for input, on which a reader waits through Go's poller; a second set asks for room, and holds the socket only while a writer waits for some.
//
// It is a net.Conn; Reads do not run beside one another, nor do writes.
type Local struct {
	local, remote net.Addr

	use      sync.RWMutex // held to use fd
	fd       int
	closed   bool
	deadline time.Time // of writes; zero: none. It is armed when one has to wait.

	in, out interest

	rd     sync.Mutex // the reader's; its operation lies here so that the callback is bound once
	rbuf   []byte
	rn     int
	rerr   error
	readFn func(uintptr) bool

	wr      sync.Mutex
	one     [1][]byte
	wbufs   [][]byte
	wn      int64
	werr    error
	writeFn func(uintptr) bool
}

// interest is an epoll set for one socket and one kind of event.
type interest struct {
	set *os.File
	raw syscall.RawConn
}

func newInterest() (w interest, err error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return w, fmt.Errorf("make an epoll set: %w", err)
	}
	if err := unix.SetNonblock(fd, true); err != nil { // so that os.File hands it to Go's poller
		unix.Close(fd)
		return w, fmt.Errorf("make an epoll set: %w", err)
	}
	w.set = os.NewFile(uintptr(fd), "epoll")
	if w.raw, err = w.set.SyscallConn(); err != nil {
		w.set.Close()
		return w, fmt.Errorf("make an epoll set: %w", err)
	}
	return w, nil
}

func (w *interest) control(op, fd int, events uint32) error {
	var err error
	cerr := w.raw.Control(func(set uintptr) {
		err = unix.EpollCtl(int(set), op, fd, &unix.EpollEvent{Events: events, Fd: int32(fd)})
	})
	return errors.Join(cerr, err)
}

// NewLocal makes a Local of c, which it closes whatever happens.
func NewLocal(c *net.UnixConn) (*Local, error) {
	defer c.Close()
	raw, err := c.SyscallConn()
	if err != nil {
		return nil, err
	}
	l := &Local{local: c.LocalAddr(), remote: c.RemoteAddr(), fd: -1}
	if cerr := raw.Control(func(fd uintptr) { l.fd, err = unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 0) }); cerr != nil || err != nil {
		return nil, fmt.Errorf("take over a socket: %w", errors.Join(cerr, err))
	}
	if l.in, err = newInterest(); err == nil {
		if l.out, err = newInterest(); err == nil {
			err = l.in.control(unix.EPOLL_CTL_ADD, l.fd, unix.EPOLLIN|unix.EPOLLRDHUP)
		}
	}
	if err != nil {
		l.Close()
		return nil, fmt.Errorf("take over a socket: %w", err)
	}
	l.readFn, l.writeFn = l.tryRead, l.tryWrite
	return l, nil
}

// Read implements net.Conn.
func (l *Local) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	l.rd.Lock()
	defer l.rd.Unlock()
	l.rbuf = p
	err := l.in.raw.Read(l.readFn)
	l.rbuf = nil
	switch {
	case err != nil:
		return 0, l.opError("read", l.ended(err))
	case l.rerr != nil:
		return 0, l.opError("read", l.rerr)
	case l.rn == 0:
		return 0, io.EOF
	}
	return l.rn, nil
}

func (l *Local) tryRead(uintptr) bool {
	l.use.RLock()
	defer l.use.RUnlock()
	if l.closed {
		l.rerr = net.ErrClosed
		return true
	}
	l.rn, l.rerr = Read(uintptr(l.fd), l.rbuf)
	return l.rerr != syscall.EAGAIN
}

// Write implements net.Conn.
func (l *Local) Write(p []byte) (int, error) {
	l.wr.Lock()
	defer l.wr.Unlock()
	l.one[0] = p
	n, err := l.write(l.one[:])
	l.one[0] = nil
	return int(n), err
}

// WriteBuffers writes all bytes of bufs, which it consumes.
func (l *Local) WriteBuffers(bufs [][]byte) (int64, error) {
	l.wr.Lock()
	defer l.wr.Unlock()
	return l.write(bufs)
}

// write is WriteBuffers with wr held.
func (l *Local) write(bufs [][]byte) (int64, error) {
	l.wbufs, l.wn, l.werr = bufs, 0, nil
	defer func() { l.wbufs = nil }()
	if !l.tryWrite(0) {
		if err := l.waitWrite(); err != nil {
			return l.wn, l.opError("write", l.ended(err))
		}
	}
	if l.werr != nil {
		return l.wn, l.opError("write", l.werr)
	}
	return l.wn, nil
}

// tryWrite writes what the socket takes. True means that there is nothing to wait for.
func (l *Local) tryWrite(uintptr) bool {
	l.use.RLock()
	defer l.use.RUnlock()
	for l.werr = nil; ; {
		for len(l.wbufs) > 0 && len(l.wbufs[0]) == 0 {
			l.wbufs = l.wbufs[1:]
		}
		if len(l.wbufs) == 0 {
			return true
		}
		if l.closed {
			l.werr = net.ErrClosed
			return true
		}
		n, err := Writev(uintptr(l.fd), l.wbufs)
		if err != nil {
			l.werr = err
			return err != syscall.EAGAIN
		}
		l.wn += int64(n)
		for n > 0 {
			k := min(n, len(l.wbufs[0]))
			l.wbufs[0] = l.wbufs[0][k:]
			if n -= k; n > 0 {
				l.wbufs = l.wbufs[1:]
			}
		}
	}
}

// waitWrite goes on writing each time that there is room.
func (l *Local) waitWrite() error {
	if err := l.watchRoom(unix.EPOLL_CTL_ADD, unix.EPOLLOUT); err != nil {
		return err
	}
	defer l.watchRoom(unix.EPOLL_CTL_DEL, 0)
	l.use.RLock()
	deadline := l.deadline
	l.use.RUnlock()
	if err := l.out.set.SetReadDeadline(deadline); err != nil {
		return err
	}
	return l.out.raw.Read(l.writeFn)
}

func (l *Local) watchRoom(op int, events uint32) error {
	l.use.RLock()
	defer l.use.RUnlock()
	if l.closed {
		return net.ErrClosed
	}
	return l.out.control(op, l.fd, events)
}

// Close implements net.Conn. Reads and writes under way end.
func (l *Local) Close() error {
	l.use.Lock()
	again := l.closed
	l.closed = true
	l.use.Unlock()
	if again {
		return l.opError("close", net.ErrClosed)
	}
	for _, w := range []interest{l.in, l.out} {
		if w.set != nil {
			w.set.Close() // waits for who waits on it, who may need a look at closed first
		}
	}
	l.use.Lock()
	defer l.use.Unlock()
	if err := syscall.Close(l.fd); err != nil {
		return l.opError("close", os.NewSyscallError("close", err))
	}
	return nil
}

// ended is the error of a wait: Close ended it, unless its deadline did.
func (l *Local) ended(err error) error {
	l.use.RLock()
	defer l.use.RUnlock()
	if l.closed {
		return net.ErrClosed
	}
	return err
}

func (l *Local) opError(op string, err error) error {
	if no, ok := err.(syscall.Errno); ok {
		err = os.NewSyscallError(op, no)
	}
	return &net.OpError{Op: op, Net: "unix", Source: l.local, Addr: l.remote, Err: err}
}

// LocalAddr implements net.Conn.
func (l *Local) LocalAddr() net.Addr { return l.local }

// RemoteAddr implements net.Conn.
func (l *Local) RemoteAddr() net.Addr { return l.remote }

// SetDeadline implements net.Conn.
func (l *Local) SetDeadline(t time.Time) error {
	return errors.Join(l.SetReadDeadline(t), l.SetWriteDeadline(t))
}

// SetReadDeadline implements net.Conn.
func (l *Local) SetReadDeadline(t time.Time) error { return l.in.set.SetReadDeadline(t) }

// SetWriteDeadline implements net.Conn, for writes that begin later.
func (l *Local) SetWriteDeadline(t time.Time) error {
	l.use.Lock()
	defer l.use.Unlock()
	l.deadline = t
	return nil
}

// SyscallConn implements syscall.Conn. Of its methods only Control is there.
func (l *Local) SyscallConn() (syscall.RawConn, error) { return rawLocal{l}, nil }

type rawLocal struct{ l *Local }

func (r rawLocal) Control(f func(fd uintptr)) error {
	r.l.use.RLock()
	defer r.l.use.RUnlock()
	if r.l.closed {
		return net.ErrClosed
	}
	f(uintptr(r.l.fd))
	return nil
}

func (r rawLocal) Read(func(fd uintptr) bool) error  { return errors.ErrUnsupported }
func (r rawLocal) Write(func(fd uintptr) bool) error { return errors.ErrUnsupported }
