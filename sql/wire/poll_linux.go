package wire

import (
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// poller tells which sockets have something to read, or room to write: an epoll set, waited on through Go's own poller, so that who waits
// holds no thread. Events are edges: each is told once.
type poller struct {
	file   *os.File
	raw    syscall.RawConn
	fd     int
	events [pollBatch]pollEvent
	n      int
	err    error
	try    func(fd uintptr) bool
}

func openPoller() (*poller, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("wire: making an epoll set: %w", err)
	}
	if err := unix.SetNonblock(fd, true); err != nil { // so that os.File hands it to Go's poller
		unix.Close(fd)
		return nil, fmt.Errorf("wire: an epoll set: %w", err)
	}
	p := &poller{file: os.NewFile(uintptr(fd), "epoll"), fd: fd}
	if p.raw, err = p.file.SyscallConn(); err != nil {
		p.file.Close()
		return nil, fmt.Errorf("wire: an epoll set: %w", err)
	}
	p.try = func(fd uintptr) bool {
		p.n, p.err = unix.EpollWait(int(fd), p.events[:], 0)
		return p.n > 0 || p.err != nil && p.err != unix.EINTR
	}
	return p, nil
}

func (p *poller) add(fd int) error {
	ev := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLRDHUP | unix.EPOLLET, Fd: int32(fd)}
	if err := unix.EpollCtl(p.fd, unix.EPOLL_CTL_ADD, fd, &ev); err != nil {
		return fmt.Errorf("wire: watching a socket: %w", err)
	}
	return nil
}

// wait returns when there are events. One goroutine at a time may call it.
func (p *poller) wait() (int, error) {
	p.n, p.err = 0, nil
	if err := p.raw.Read(p.try); err != nil {
		return 0, err
	}
	return max(p.n, 0), p.err
}

// glance sees what is ready without waiting. One goroutine at a time may use it, beside the one that waits.
type glance struct {
	raw    syscall.RawConn
	events [pollBatch]pollEvent
	n      int
	try    func(fd uintptr)
}

func (p *poller) glance() *glance {
	g := &glance{raw: p.raw}
	g.try = func(fd uintptr) { g.n, _ = unix.EpollWait(int(fd), g.events[:], 0) }
	return g
}

// take returns the events that are there, valid until the next call; none when the poller was closed.
func (g *glance) take() []pollEvent {
	g.n = 0
	_ = g.raw.Control(g.try)
	return g.events[:max(g.n, 0)]
}

// pollEvent is what the kernel tells of one socket.
type pollEvent = unix.EpollEvent

// told is what an event says, and of which socket.
func told(ev *pollEvent) (fd int, e event) {
	return int(ev.Fd), event{
		readable: ev.Events&(unix.EPOLLIN|unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0,
		writable: ev.Events&(unix.EPOLLOUT|unix.EPOLLHUP|unix.EPOLLERR) != 0,
		ended:    ev.Events&(unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0,
	}
}

// close makes a wait return.
func (p *poller) close() { p.file.Close() }

// takeFD duplicates a connection's descriptor, which Go's poller then knows nothing of.
func takeFD(raw syscall.RawConn) (fd int, err error) {
	fd = -1
	if cerr := raw.Control(func(old uintptr) { fd, err = unix.FcntlInt(old, unix.F_DUPFD_CLOEXEC, 0) }); cerr != nil {
		return -1, cerr
	}
	return fd, err
}
