//go:build !race

package wire

import (
	"syscall"
	"unsafe"
)

// rawBound bounds what one raw read or write moves: for that long the collector cannot stop the world.
const rawBound = 64 << 10

// Sockets never block, so reading and writing them is a matter of microseconds, and Go's runtime need not be told. If it is, it sees a call
// from which the kernel went to run the client that was just woken (on a busy machine nearly every write) as one that blocks: it hands the processor to
// another thread, which has to be woken, this one waits for a processor when it comes back, and sysmon looks for such calls every 20 us.

func sysRead(fd uintptr, p []byte) (int, error) {
	if len(p) == 0 || len(p) > rawBound {
		return callRead(fd, p)
	}
	for {
		n, _, errno := syscall.RawSyscall(syscall.SYS_READ, fd, uintptr(unsafe.Pointer(&p[0])), uintptr(len(p)))
		if errno == 0 {
			return int(n), nil
		}
		if errno != syscall.EINTR {
			return 0, errno
		}
	}
}

func sysWrite(fd uintptr, p []byte) (int, error) {
	if len(p) == 0 || len(p) > rawBound {
		return callWrite(fd, p)
	}
	for {
		n, _, errno := syscall.RawSyscall(syscall.SYS_WRITE, fd, uintptr(unsafe.Pointer(&p[0])), uintptr(len(p)))
		if errno == 0 {
			return int(n), nil
		}
		if errno != syscall.EINTR {
			return -1, errno
		}
	}
}
