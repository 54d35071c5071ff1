package wait

import (
	"context"
	"runtime"
	"testing"
	"time"
)

// neighbour is an owner whose neighbours have ended n statements.
type neighbour struct {
	n     uint64
	waits int
}

func (o *neighbour) BeginWait()     { o.waits++ }
func (o *neighbour) EndWait()       {}
func (o *neighbour) Others() uint64 { return o.n }

func TestPace(t *testing.T) {
	const unit = 2 * paceUnit
	rest := func(took time.Duration) time.Duration {
		return took * paceRest / time.Duration(runtime.GOMAXPROCS(0))
	}
	o := &neighbour{n: 7}
	p := NewPace(o)
	if _, err := p.Begin(With(t.Context(), o)); err != nil {
		t.Fatal(err)
	}
	defer p.End()
	now := p.since
	for _, step := range []struct {
		what   string
		worked time.Duration
		others uint64 // statements that ended meanwhile
		want   time.Duration
	}{
		{"what ended before it began counts for nothing", unit, 0, 0},
		{"too little to rest for", paceUnit / 2, 1, 0},
		{"others came", unit, 0, rest(unit + paceUnit/2)},
		{"they count for a while", paceFor / 2, 0, min(rest(paceFor/2), paceMost)},
		{"and then no more", paceFor, 0, 0},
		{"they are back", unit, 5, rest(unit)},
		{"a rest is bounded", time.Hour, 1, paceMost},
	} {
		now, o.n = now.Add(step.worked), o.n+step.others
		if got := p.due(now); got != step.want {
			t.Errorf("%s: %v, not %v", step.what, got, step.want)
		}
	}
}

// TestRest: a rest is a wait that the owner is told of, ends with ctx, and leaves nothing to helpers.
func TestRest(t *testing.T) {
	o := &neighbour{}
	plain := With(t.Context(), o)
	p := NewPace(o)
	ctx, err := p.Begin(plain)
	if err != nil {
		t.Fatal(err)
	}
	defer p.End()
	ctx, cancel := context.WithCancel(ctx)
	long := func() { p.since = p.since.Add(-time.Hour) }
	if long(); Rest(ctx) != nil || Crowded(ctx) || o.waits != 0 || !Spare(ctx) {
		t.Error("rests alone")
	}
	o.n++
	if long(); Rest(ctx) != nil || !Crowded(ctx) || o.waits != 1 || Spare(ctx) {
		t.Error("does not rest beside others")
	}
	if brisk := Brisk(ctx); Rest(brisk) != nil || Crowded(brisk) || o.waits != 1 {
		t.Error("rests where it was told not to")
	}
	if Rest(plain) != nil || Crowded(plain) || o.waits != 1 || !Spare(plain) {
		t.Error("rests without being paced")
	}
	cancel()
	if long(); Rest(ctx) != context.Canceled {
		t.Error("outlives its context")
	}
}

// TestPieces: what a piece of work leaves to rest for, the next does before it begins, unless time has passed or others have gone.
func TestPieces(t *testing.T) {
	for _, c := range []struct {
		what   string
		took   time.Duration
		others bool
		passed time.Duration // between the pieces
		want   int           // rests
	}{
		{"alone", time.Hour, false, 0, 0},
		{"one after the other", time.Millisecond, true, 0, 1},
		{"time has passed", time.Millisecond, true, time.Second, 0},
	} {
		o := &neighbour{}
		p := NewPace(o)
		ctx := With(t.Context(), o)
		piece := func() {
			if _, err := p.Begin(ctx); err != nil {
				t.Fatal(err)
			}
		}
		piece()
		p.since = p.since.Add(-c.took)
		if c.others {
			o.n++
		}
		p.End()
		p.since = p.since.Add(-c.passed)
		if piece(); o.waits != c.want {
			t.Errorf("%s: %d rests, not %d", c.what, o.waits, c.want)
		}
		p.End()
		if paced.Load() != 0 {
			t.Errorf("%s: %d pieces are under way at the end", c.what, paced.Load())
		}
	}
}

// TestPacedTogether: several pieces of work leave together what one would.
func TestPacedTogether(t *testing.T) {
	one := restFor(time.Millisecond)
	paced.Add(3)
	defer paced.Add(-3)
	if three := restFor(time.Millisecond); three != 3*one {
		t.Errorf("each of three rests %v, one alone %v", three, one)
	}
}
