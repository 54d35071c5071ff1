package sim

import (
	"flag"
	"os"
	"testing"
)

var seedFlag = flag.Uint64("sim.seed", 0, "replay this seed with a trace")

// TestReplay replays one seed in words: go test ./storage/sim -run Replay -sim.seed N.
func TestReplay(t *testing.T) {
	if *seedFlag == 0 {
		t.Skip("no -sim.seed")
	}
	st, f := Run(Options{Seed: *seedFlag, Trace: os.Stdout})
	t.Logf("%+v", st)
	if f != nil {
		t.Fatal(f)
	}
}
