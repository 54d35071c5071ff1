package main

import (
	"os"
	"runtime"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"
)

// timerSlack is how late the kernel may end a timed sleep of a server's threads.
//
// Go's monitor thread sleeps 20 us at a time for as long as anything runs in the process. A storage node runs for some hundred microseconds with
// each frame, so the thread woke several times a frame: a quarter of a node's CPU, a tenth of an instance's. With this slack it wakes twice a millisecond.
// Nothing of ours sleeps for less than a millisecond and means it; who waits for a socket, a lock or a channel is woken as before.
const timerSlack = 500 * time.Microsecond

// slackTried is set in the environment by whoever began again, so that nobody does it for ever.
const slackTried = "ZORYA_TIMER_SLACK"

// relaxTimers gives every thread of the process, and the processes that it starts, timerSlack. Threads inherit it from their maker, and
// the monitor thread is older than any code of ours: so the process executes itself once more. A larger slack, set by whoever started us, stays.
func relaxTimers(*cobra.Command, []string) {
	if os.Getenv(slackTried) != "" {
		return
	}
	runtime.LockOSThread() // what execve keeps is this thread's
	defer runtime.UnlockOSThread()
	if now, err := unix.PrctlRetInt(unix.PR_GET_TIMERSLACK, 0, 0, 0, 0); err != nil || now >= int(timerSlack) {
		return
	}
	if unix.Prctl(unix.PR_SET_TIMERSLACK, uintptr(timerSlack), 0, 0, 0) == nil {
		_ = syscall.Exec("/proc/self/exe", os.Args, append(os.Environ(), slackTried+"=1")) // failed: it works all the same
	}
}
