//go:build e2e

package e2e

import (
	"syscall"
	"testing"
	"time"
)

// Storage nodes that hang are worse than dead ones: their connections stay open and nobody says no. First one, then a zone of two
// is stopped in its tracks under load and goes on after a while. No client hears of it.
func TestAccept4Hung(t *testing.T) {
	c := start(t)
	b := newBank(t, c, 16)
	b.run()
	eventually(t, 60*time.Second, "the load to run", func() bool { return b.commits.Load() > 200 })
	for _, fault := range []struct {
		what string
		ids  []string
	}{
		{"one storage node hangs", []string{"node-1"}},
		{"a zone hangs", []string{"node-3", "node-4"}},
	} {
		before := rate(b, 2*time.Second)
		var pids []int
		for _, id := range fault.ids {
			pids = append(pids, c.node(id).PID)
		}
		signal := func(s syscall.Signal) {
			for _, pid := range pids {
				if err := syscall.Kill(pid, s); err != nil {
					t.Fatal(err)
				}
			}
		}
		signal(syscall.SIGSTOP)
		limit := recoverWithin
		if !soak { // see TestAccept4NodeAndZone
			limit = 30 * time.Second
		}
		hung := timeToRate(b, recoverTo*before, 30*time.Second)
		during := rate(b, 5*time.Second)
		signal(syscall.SIGCONT)
		back := timeToRate(b, recoverTo*before, 30*time.Second)
		if hung > limit || back > limit {
			t.Errorf("%s: throughput takes %v to be back at %.0f %%, and %v when it goes on; want %v", fault.what, hung, 100*recoverTo, back, limit)
		}
		whole := waitWhole(c, wholeWithin)
		figure(t, "4: %s: %.0f commits/s before, back at %.0f %% of that after %.2f s, %.0f/s while it hangs, back %.2f s after it goes on, all whole %.2f s later, %d errors",
			fault.what, before, 100*recoverTo, hung.Seconds(), during, back.Seconds(), whole.Seconds(), b.errs.Load())
	}
	b.halt()
	if n := b.errs.Load(); n > 0 {
		t.Errorf("%d errors reached clients, the first: %v", n, *b.first.Load())
	}
	b.verify()
}
