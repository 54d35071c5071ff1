package volume

import (
	"testing"
	"time"

	"github.com/zoryadb/zorya/storage/page"
	"github.com/zoryadb/zorya/storage/redo"
)

// TestPacer drives the pacer with a clock of its own: the timer that it arms is not waited for.
func TestPacer(t *testing.T) {
	var p pacer
	now := time.Now()
	lsn := page.LSN(0)
	commit := func(after time.Duration, waiting int) bool {
		t.Helper()
		now = now.Add(after)
		lsn++
		return p.want(lsn, waiting, now, func() {})
	}
	acked := func(after time.Duration) { p.durable(lsn, now.Add(after)) }

	for range 200 { // one client: a commit, its ack, the next
		if !commit(time.Millisecond, 1) {
			t.Fatal("a lone client is held up")
		}
		acked(time.Millisecond)
	}
	// Forty clients of whom at most ten wait, a commit every 100 us.
	held, released := 0, 0
	for i := range 1000 {
		if commit(100*time.Microsecond, 1+i%10) {
			released++
			acked(time.Millisecond)
		} else {
			held++
			if p.armed == p.passed(lsn) {
				t.Fatal("held log has no timer")
			}
		}
	}
	if released > 300 || held == 0 {
		t.Fatalf("%d releases of 1,000 commits within 100 ms, each durable in 1 ms", released)
	}
	// All of them wait: nothing more can come.
	if !commit(0, 10) {
		t.Fatal("everybody waits, and is held up")
	}
	acked(time.Millisecond)
	// The time is up.
	for commit(0, 2) {
	}
	if !commit(maxPitch, 2) {
		t.Fatal("held beyond the bound")
	}
	acked(time.Hour)
	if p.pitch() > maxPitch {
		t.Fatalf("acks took long, so holds of %v", p.pitch())
	}
	// Connections queue for processors: holds go on, though everybody waits, up to busyPitch.
	queued := true
	p.busy = func() bool { return queued }
	hold := func() {
		t.Helper()
		for commit(0, 2) {
			acked(time.Millisecond)
		}
		now = now.Add(maxPitch)
		if commit(0, 10) || p.timeUp(now) || !p.armed {
			t.Fatal("not held on while connections queue")
		}
	}
	if hold(); commit(busyPitch-maxPitch-1, 10) || !commit(1, 10) {
		t.Fatal("a commit ends a hold at another time than busyPitch")
	}
	if hold(); p.timeUp(now.Add(busyPitch-maxPitch-1)) || !p.timeUp(now.Add(busyPitch-maxPitch)) {
		t.Fatal("the timer ends a hold at another time than busyPitch")
	}
	hold()
	if queued = false; !p.timeUp(now) || !p.passed(lsn) {
		t.Fatal("held although no connection queues any more")
	}
	acked(time.Millisecond)
	// What is held is released by the timer, and what has passed asks for nothing.
	for commit(0, 2) {
	}
	p.releaseNow(now)
	if !p.passed(lsn) || p.armed || p.want(lsn, 1, now, nil) {
		t.Fatal("released log is wanted still")
	}
	// The rush is over.
	for range 100 {
		commit(50*time.Millisecond, 1)
		acked(time.Millisecond)
	}
	for range 2 {
		if !commit(0, 1) {
			t.Fatal("few commits are held up")
		}
	}
}

// TestWaitDurableEndsHold: a commit's log may be held to go with others', until somebody waits for it who keeps others waiting.
func TestWaitDurableEndsHold(t *testing.T) {
	x := newReserveFixture(t)
	p := &x.c.pace
	p.mu.Lock()
	p.rate, p.crowd, p.last = 100, 1000, time.Now().Add(time.Hour) // a crowd, and no release before the hour is over
	p.mu.Unlock()
	if err := x.c.Admit(x.ctx, 1, 100); err != nil {
		t.Fatal(err)
	}
	m := &redo.MTR{}
	m.FreeRange(1, 1)
	lsn := x.c.Append(m, nil)
	durable := make(chan error, 1)
	x.c.OnDurable(lsn, func(err error) { durable <- err })
	p.mu.Lock()
	held := p.armed && !p.passed(lsn)
	p.mu.Unlock()
	if !held {
		t.Fatal("not held: this test proves nothing")
	}
	if err := x.c.WaitDurable(x.ctx, lsn); err != nil {
		t.Fatal("a hold was not ended by a wait: ", err)
	}
	if err := <-durable; err != nil {
		t.Fatal(err)
	}
}
