package wire

import "golang.org/x/sys/unix"

// peerClosed asks the kernel, without blocking or consuming anything, whether the peer has closed its side. Bytes
// that wait unread (a pipelined command, a TLS alert) do not hide it.
func (s *sock) peerClosed() bool {
	if s.killed.Load() {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.raw == nil {
		return false
	}
	closed := false
	err := s.raw.Control(func(fd uintptr) {
		p := [1]unix.PollFd{{Fd: int32(fd), Events: unix.POLLRDHUP}}
		n, err := unix.Poll(p[:], 0)
		closed = err == nil && n > 0 && p[0].Revents&(unix.POLLRDHUP|unix.POLLHUP|unix.POLLERR) != 0
	})
	return err != nil || closed
}
