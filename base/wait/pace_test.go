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
	p := Paced(With(t.Context(), o)).Value(paceKey{}).(*pace)
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
	ctx, cancel := context.WithCancel(Paced(plain))
	p := ctx.Value(paceKey{}).(*pace)
	long := func() { p.since = p.since.Add(-time.Hour) }
	if long(); Rest(ctx) != nil || Crowded(ctx) || o.waits != 0 || !Spare(ctx) {
		t.Error("rests alone")
	}
	o.n++
	if long(); Rest(ctx) != nil || !Crowded(ctx) || o.waits != 1 || Spare(ctx) {
		t.Error("does not rest beside others")
	}
	if Rest(plain) != nil || Crowded(plain) || o.waits != 1 || !Spare(plain) {
		t.Error("rests without being paced")
	}
	cancel()
	if long(); Rest(ctx) != context.Canceled {
		t.Error("outlives its context")
	}
}
