//go:build linux && !race

package socket

import (
	"os"
	"runtime"
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// yielder is an event descriptor that one goroutine at a time waits on, for an event of its own making.
type yielder struct {
	file *os.File
	raw  syscall.RawConn
	told bool
	try  func(fd uintptr) bool
}

// yielders are those that nobody uses; the collector closes them.
var yielders = sync.Pool{New: func() any { return newYielder() }}

// newYielder returns one without a file if there are no descriptors left.
func newYielder() *yielder {
	y := new(yielder)
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return y
	}
	file := os.NewFile(uintptr(fd), "yield")
	if y.raw, err = file.SyscallConn(); err != nil {
		file.Close()
		return y
	}
	y.file = file
	y.try = func(fd uintptr) bool {
		if y.told {
			return true
		}
		y.told = true
		one := uint64(1) // each adds to a count that nobody reads, and is an event
		_, _, errno := syscall.RawSyscall(syscall.SYS_WRITE, fd, uintptr(unsafe.Pointer(&one)), unsafe.Sizeof(one))
		return errno != 0
	}
	return y
}

// Yield lets everybody go first who could: the goroutines that are ready, and those whose sockets are. Go's scheduler asks its poller only when nothing else
// is left to run, so whoever calls runtime.Gosched, or reads again and again from a socket that has always something for it, keeps out
// those who wait for theirs, until the monitor thread asks in their stead, 10 ms later. Here the caller waits for a socket as well.
//
// It costs about a microsecond.
func Yield() {
	y := yielders.Get().(*yielder)
	if y.file != nil {
		y.told = false
		_ = y.raw.Read(y.try)
	}
	yielders.Put(y)
	runtime.Gosched() // the poller's newest event is the first to be served
}
