package main

import (
	"os"
	"runtime"
	"strconv"
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

// nodeSlack is a storage node's. It has no timer below 50 ms, and lives from frame to frame a millisecond apart, so that even at timerSlack 40 % of its
// threads' wake-ups were the monitor's. What the monitor is there for, the processor of a goroutine that is in a system call for long, comes
// later by as much.
const nodeSlack = 2 * time.Millisecond

// slackTried is set in the environment, to the slack in nanoseconds, by whoever began again, so that nobody does it for ever.
const slackTried = "ZORYA_TIMER_SLACK"

// relaxTimers gives every thread of the process, and the processes that it starts, a timer slack. Threads inherit it from their maker, and
// the monitor thread is older than any code of ours: so the process executes itself once more. A larger slack, set by whoever started us, stays.
func relaxTimers(slack time.Duration) func(*cobra.Command, []string) {
	return func(*cobra.Command, []string) {
		if tried, err := strconv.ParseInt(os.Getenv(slackTried), 10, 64); err == nil && tried >= int64(slack) {
			return
		}
		runtime.LockOSThread() // what execve keeps is this thread's
		defer runtime.UnlockOSThread()
		if now, err := unix.PrctlRetInt(unix.PR_GET_TIMERSLACK, 0, 0, 0, 0); err != nil || now >= int(slack) {
			return
		}
		if unix.Prctl(unix.PR_SET_TIMERSLACK, uintptr(slack), 0, 0, 0) == nil {
			os.Setenv(slackTried, strconv.FormatInt(int64(slack), 10))
			_ = syscall.Exec("/proc/self/exe", os.Args, os.Environ()) // failed: it works all the same
		}
	}
}
