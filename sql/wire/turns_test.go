//go:build linux && !race

package wire

import (
	"runtime"
	"testing"
	"time"
)

// A connection with a goroutine, whose next command has always come by the time that it has answered one, does not keep others out. Without giveWay the other is
// served when all is done.
func TestConnectionsTakeTurns(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	s, b, addr := testServer(t, func(c *Config) { c.Direct = 10 })
	busy, other := dial(t, addr), dial(t, addr)
	if one(t, busy, "SELECT 1") != "1" || one(t, other, "SELECT 1") != "1" {
		t.Fatal("no answer")
	}
	const commands, take = 120, 50 * time.Microsecond // 6 ms: Go's monitor thread looks after 10
	ask := func(cl *Client) {
		if err := cl.send(comQuery, []byte("\x00\x01SELECT 1")); err != nil {
			t.Error(err)
		}
	}
	served, after := 0, 0
	b.began = func(c *Conn) {
		if c.ID() == other.ConnectionID() {
			after = served
			return
		}
		if served++; served == 1 {
			ask(other)
		}
		if served < commands {
			ask(busy)
		}
		for begun := time.Now(); time.Since(begun) < take; {
		}
	}
	ask(busy)
	eventually(t, "all are served", func() bool { return s.Stats().Commands == commands+3 })
	if after == 0 || after > commands*3/4 {
		t.Errorf("the other was served after %d commands of %d", after, commands)
	}
}
