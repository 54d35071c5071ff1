package volume

import (
	"testing"
	"time"
)

// TestSecondFrame: a second frame goes at half of the usual time to an ack while acks are quick, and when they queue only once the first is overdue.
func TestSecondFrame(t *testing.T) {
	c := &Client{ring: &ring{size: 1 << 20, runs: make([]runEntry, 1<<16)}}
	l := &link{c: c, joined: true}
	l.frames[0] = &outFrame{}
	may := func(away time.Duration) bool {
		l.frames[0].sent = time.Now().Add(-away)
		return l.mayFill()
	}
	l.beat = true // there is something to send
	if !may(0) {
		t.Fatal("the first frame waits")
	}
	l.flying = 1
	for range 64 {
		l.tookUntilAck(time.Minute)
	}
	if may(25*time.Second) || !may(31*time.Second) {
		t.Fatal("with quick acks the second goes after half their time")
	}
	for range 64 {
		l.tookUntilAck(3 * time.Minute)
	}
	if may(2*time.Minute) || !may(4*time.Minute) {
		t.Fatal("when acks queue the second waits until the first is overdue")
	}
	for range 1 << 15 {
		l.tookUntilAck(3 * time.Minute)
	}
	if !may(2 * time.Minute) {
		t.Fatal("what is slow for long is no queue")
	}
}
