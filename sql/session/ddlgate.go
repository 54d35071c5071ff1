package session

import (
	"context"
	"time"

	"github.com/zoryadb/zorya/base/wait"
)

// ddlGate keeps processors free for others' short statements: DDL computes on half of them. A point select takes ten microseconds and DDL a
// millisecond at a stretch, in which nobody looks at the sockets of the processor that it has: when every processor has DDL, each select waits for one
// to end, and its tenant pays for what another does.
//
// As at the gate a place is given back around every wait, coming back from one never waits (locks may be held), and who computes for long
// keeps nobody out: after lapseAfter one enters without a place.
type ddlGate chan struct{}

func newDDLGate(processors int) ddlGate { return make(ddlGate, max(1, processors/2)) }

// enter waits for a place and reports whether there was one within lapseAfter.
func (g ddlGate) enter(ctx context.Context) (bool, error) {
	if g.again() {
		return true, nil
	}
	w := wait.Begin(ctx)
	defer w.End()
	t := time.NewTimer(lapseAfter)
	defer t.Stop()
	select {
	case g <- struct{}{}:
		return true, nil
	case <-t.C:
		return false, nil
	case <-ctx.Done():
		return false, context.Cause(ctx)
	}
}

// again takes a place if there is one.
func (g ddlGate) again() bool {
	select {
	case g <- struct{}{}:
		return true
	default:
		return false
	}
}

// leave gives a place back that enter or again gave.
func (g ddlGate) leave() { <-g }
