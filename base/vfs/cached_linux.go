//go:build linux && (amd64 || arm64) && !race

package vfs

import (
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// cachedBound bounds what one raw read moves: for that long the collector cannot stop the world.
const cachedBound = 64 << 10

// notCached is set once a file system has refused to say what it has in memory.
var notCached atomic.Bool

// readCached reads what the system has in memory and returns how many bytes that were. It never waits for a disk, so Go's runtime need not be told: a
// page of storage is made of some dozen pieces that lie apart, and a call that may wait costs, on a busy machine, the processor that its goroutine has.
func readCached(fd uintptr, p []byte, off int64) int {
	if len(p) == 0 || len(p) > cachedBound || notCached.Load() {
		return 0
	}
	vec := syscall.Iovec{Base: &p[0]}
	vec.SetLen(len(p))
	n, _, errno := syscall.RawSyscall6(unix.SYS_PREADV2, fd, uintptr(unsafe.Pointer(&vec)), 1, uintptr(off), 0, unix.RWF_NOWAIT)
	switch errno {
	case 0:
		return int(n)
	case unix.EOPNOTSUPP, unix.ENOSYS:
		notCached.Store(true)
	}
	return 0
}
