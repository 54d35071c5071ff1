package supervisor

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestSlackly looks from within a child, where a thread of the runtime's has the slack as well.
func TestSlackly(t *testing.T) {
	const asked = "ZORYA_TEST_SLACK"
	slack := func() int {
		n, err := unix.PrctlRetInt(unix.PR_GET_TIMERSLACK, 0, 0, 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if os.Getenv(asked) != "" {
		got := make(chan int)
		go func() { got <- slack() }()
		fmt.Println("slack", <-got)
		return
	}
	runtime.LockOSThread() // slack is a thread's
	defer runtime.UnlockOSThread()
	before := slack()
	cmd := exec.Command("/proc/self/exe", "-test.run=^TestSlackly$")
	cmd.Env = append(os.Environ(), asked+"=1")
	var out strings.Builder
	cmd.Stdout = &out
	if err := slackly(cmd.Start); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintln("slack", int(timerSlack)); !strings.Contains(out.String(), want) {
		t.Errorf("child says %q, want %q", out.String(), want)
	}
	if after := slack(); after != before {
		t.Errorf("own slack is %d, was %d", after, before)
	}
}
