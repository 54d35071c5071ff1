//go:build linux && !race

package socket

import (
	"syscall"
	"unsafe"
)

// rawBound bounds what one raw read or write moves: for that long the collector cannot stop the world.
const rawBound = 64 << 10

// Sockets that never block are read and written within microseconds, and Go's runtime need not be told. If it is, it sees a call
// from which the kernel went to run the peer that was just woken (on a busy machine nearly every write) as one that blocks: it hands the processor to
// another thread, which has to be woken, this one waits for a processor when it comes back, and sysmon looks for such calls every 20 us.

// Read is read(2), repeated when a signal interrupts it.
func Read(fd uintptr, p []byte) (int, error) {
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

// Write is write(2), repeated when a signal interrupts it.
func Write(fd uintptr, p []byte) (int, error) {
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

// Writev is writev(2) of buffers of which the first is not empty, at most maxVec of them, repeated when a signal interrupts it.
func Writev(fd uintptr, bufs [][]byte) (int, error) {
	var vec [maxVec]syscall.Iovec
	k, total := 0, 0
	for _, b := range bufs {
		if k == maxVec || k > 0 && total+len(b) > rawBound {
			break
		}
		if len(b) == 0 {
			continue
		}
		vec[k].Base = &b[0]
		vec[k].SetLen(len(b))
		total += len(b)
		k++
	}
	if k <= 1 {
		return Write(fd, bufs[0])
	}
	for {
		n, _, errno := syscall.RawSyscall(syscall.SYS_WRITEV, fd, uintptr(unsafe.Pointer(&vec[0])), uintptr(k))
		if errno == 0 {
			return int(n), nil
		}
		if errno != syscall.EINTR {
			return -1, errno
		}
	}
}
