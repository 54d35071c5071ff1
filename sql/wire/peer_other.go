//go:build !linux

package wire

import "syscall"

// peerClosed peeks for the end of the stream. Unlike the Linux version it cannot look past unread bytes.
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
		var b [1]byte
		n, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK)
		closed = n == 0 && err == nil || err != nil && err != syscall.EAGAIN && err != syscall.EINTR
	})
	return err != nil || closed
}
