package volume

import (
	"testing"
	"time"
)

// TestHedgeBudget: hedges go early while they are few beside the reads, and at the upper bound when all that were saved are spent.
func TestHedgeBudget(t *testing.T) {
	c := &Client{o: Options{}.withDefaults()}
	c.hedging.Store(hedgeSaved * hedgeReads)
	if got := c.hedgeAfter(time.Millisecond); got != 4*time.Millisecond {
		t.Fatalf("the first hedge goes after %v", got)
	}
	early := 0
	for range 10_000 { // every read is late: a crowded machine
		c.earnHedge()
		if c.hedgeAfter(time.Millisecond) < c.o.HedgeMax {
			early++
		}
		c.spendHedge()
	}
	if early < 10_000/hedgeReads || early > 10_000/hedgeReads+2*hedgeSaved {
		t.Fatalf("%d early hedges of 10,000 reads", early)
	}
	for range hedgeReads { // the crowd is gone
		c.earnHedge()
	}
	if c.hedgeAfter(time.Millisecond) == c.o.HedgeMax {
		t.Fatal("reads in time earn nothing")
	}
	for range 100_000 {
		c.earnHedge()
	}
	if c.hedging.Load() > hedgeSaved*hedgeReads {
		t.Fatal("more is saved than the bound")
	}
}
