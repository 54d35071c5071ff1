package volume

import (
	"cmp"
	"slices"
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

// TestStay: reads stay with a segment as long as no other is faster by half.
func TestStay(t *testing.T) {
	a, b, c := &link{}, &link{}, &link{}
	p := &pgState{}
	for i, step := range []struct {
		scores [3]int64 // of a, b and c
		want   *link
	}{
		{[3]int64{10, 20, 30}, a},
		{[3]int64{14, 10, 30}, a},
		{[3]int64{14, 13, 10}, a},
		{[3]int64{16, 10, 12}, b},
		{[3]int64{10, 11, 12}, b},
		{[3]int64{10, 60_000, 12}, a},
	} {
		s := sources{n: 3}
		for k, l := range []*link{a, b, c} {
			s.at[k] = source{l: l, score: step.scores[k]}
		}
		slices.SortFunc(s.at[:3], func(x, y source) int { return cmp.Compare(x.score, y.score) })
		s.stay(p)
		if s.at[0].l != step.want {
			t.Fatalf("step %d: reads go elsewhere", i)
		}
		if s.at[0].l == s.at[1].l || s.at[1].l == s.at[2].l || s.at[1].score > s.at[2].score {
			t.Fatalf("step %d: the others are out of order", i)
		}
	}
}
