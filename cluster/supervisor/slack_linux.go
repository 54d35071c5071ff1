package supervisor

import (
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// timerSlack is how late the kernel may wake the threads of a child from timed sleeps. Go's sysmon looks every 20 us for threads that are
// blocked in system calls, for as long as any processor of the runtime is busy or one such call lasts (an fdatasync), and each look is two switches of
// the processor: with the kernel's default of 50 us a third of a storage node's CPU, a tenth of an instance's. What Go's own timers lose is far below
// what anything here waits for; waits without a time limit lose nothing. With 1 ms commits wait for processors that nobody took
// from a blocked thread.
const timerSlack = 300 * time.Microsecond

// slackly runs start, which creates a process, with that slack: processes inherit it from the thread that creates them, and by then only, for
// sysmon's thread is the first that a Go program starts.
func slackly(start func() error) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	old, err := unix.PrctlRetInt(unix.PR_GET_TIMERSLACK, 0, 0, 0, 0)
	if err == nil {
		err = unix.Prctl(unix.PR_SET_TIMERSLACK, uintptr(timerSlack), 0, 0, 0)
	}
	if err == nil { // without it all works, at a higher price
		defer func() { _ = unix.Prctl(unix.PR_SET_TIMERSLACK, uintptr(old), 0, 0, 0) }()
	}
	return start()
}
