package node

import (
	"testing"
	"time"
)

// TestRestAfter: the background takes a quarter of a processor while log comes, more as memory gets short, all of it at the end; nothing
// makes it rest for ever, and beside an idle foreground it does not rest.
func TestRestAfter(t *testing.T) {
	const bound = 1 << 20
	for _, c := range []struct {
		took          time.Duration
		busy, waiting bool
		index         int64
		want          time.Duration
	}{
		{20 * time.Millisecond, true, false, 0, 60 * time.Millisecond},
		{20 * time.Millisecond, true, true, bound / 2, 60 * time.Millisecond},
		{20 * time.Millisecond, true, true, bound/2 + 1, 20 * time.Millisecond},
		{20 * time.Millisecond, true, true, bound*3/4 + 1, 0},
		{20 * time.Millisecond, false, false, 0, 0},
		{time.Hour, true, true, 0, longestRest},
		{time.Microsecond, true, false, 0, 0},
		{time.Microsecond, true, true, 0, time.Millisecond},
	} {
		if got := restAfter(c.took, c.busy, c.waiting, c.index, bound); got != c.want {
			t.Errorf("%+v: rests %v", c, got)
		}
	}
}
