package session

import (
	"context"
	"errors"
	"testing"
)

// still returns a gate whose timers never run: its test calls lapse and lapseWriters itself.
func still(limit, floor int) *gate {
	g := newGate(limit, 0, floor)
	g.armed, g.writers.armed = true, true
	return &g
}

// TestPlaceLapses: a statement that computes for two ticks goes on beside the limit, and its end does not free a place twice.
func TestPlaceLapses(t *testing.T) {
	g := still(1, 1)
	var long, next, third ticket
	ctx := context.Background()
	if err := g.enter(ctx, &long, &writer{}, false); err != nil {
		t.Fatal(err)
	}
	came := make(chan error, 1)
	go func() { came <- g.enter(ctx, &next, &writer{}, false) }()
	eventually(t, "it queues", func() bool { _, w := g.load(); return w == 1 })
	g.lapse()
	if _, w := g.load(); w != 1 {
		t.Fatal("the place lapsed within a tick")
	}
	g.armed = true
	g.lapse()
	if err := <-came; err != nil {
		t.Fatal(err)
	}
	g.armed = true
	go func() { came <- g.enter(ctx, &third, &writer{}, false) }()
	eventually(t, "the third queues", func() bool { _, w := g.load(); return w == 1 })
	g.leave(&long, &writer{})
	if r, w := g.load(); r != 1 || w != 1 {
		t.Fatalf("after the long one's end: %d running, %d waiting", r, w)
	}
	g.leave(&next, &writer{})
	if err := <-came; err != nil {
		t.Fatal(err)
	}
	g.resume(&third, &writer{}) // one time too many: it has its place
	g.leave(&third, &writer{})
	if g.running != 0 || g.over != 0 || g.active.Len() != 0 {
		t.Errorf("left over: %d running, %d over", g.running, g.over)
	}
}

// queueWriter starts an admission that has to wait.
func queueWriter(t *testing.T, g *gate, ctx context.Context, w *writer) chan error {
	_, _, before := g.locking()
	came := make(chan error, 1)
	go func() { came <- g.admit(ctx, w, false) }()
	eventually(t, "the writer queues", func() bool { _, _, n := g.locking(); return n == before+1 })
	return came
}

func TestWritersByArrival(t *testing.T) {
	g := still(1, 1)
	g.writers.limit = 1
	ctx, cancel := context.WithCancelCause(context.Background())
	var a, b, c, d, e writer
	if err := g.admit(ctx, &a, false); err != nil {
		t.Fatal(err)
	}
	gone := queueWriter(t, g, ctx, &b)
	cameC := queueWriter(t, g, context.Background(), &c)
	for _, w := range []*writer{&d, &e} {
		if err := g.admit(ctx, w, true); err != nil { // it holds locks: no waiting
			t.Fatal(err)
		}
	}
	why := errors.New("killed")
	cancel(why)
	if err := <-gone; err != why {
		t.Fatal(err)
	}
	g.done(&d) // with each that ends the limit grows, by a half: 1.5, and two are at work
	if n, _, w := g.locking(); n != 2 || w != 1 {
		t.Fatalf("%d at work, %d waiting: let in above the limit", n, w)
	}
	g.done(&a)
	if err := <-cameC; err != nil {
		t.Fatal(err)
	}
	for _, w := range []*writer{&c, &b, &e} {
		g.done(w)
	}
	if n, blocked, w := g.locking(); n+blocked+w != 0 {
		t.Errorf("left over: %d %d %d", n, blocked, w)
	}
}

// TestWritersLapse: neither one that idles nor one that waits for a lock keeps others out for ever; one that works does.
func TestWritersLapse(t *testing.T) {
	g := still(4, 1)
	g.writers.limit = 3
	ctx := context.Background()
	var idle, blocked, busy, next writer
	for _, w := range []*writer{&idle, &blocked, &busy} {
		if err := g.admit(ctx, w, false); err != nil {
			t.Fatal(err)
		}
	}
	g.idle(&idle)
	g.blocks(&blocked)
	came := queueWriter(t, g, ctx, &next)
	g.lapseWriters() // both may have begun in this tick
	g.writers.armed = true
	if n, _, w := g.locking(); n != 3 || w != 1 {
		t.Fatalf("lapsed within a tick: %d at work, %d waiting", n, w)
	}
	g.lapseWriters()
	if err := <-came; err != nil {
		t.Fatal(err)
	}
	if n, b, _ := g.locking(); n != 2 || b != 0 {
		t.Errorf("%d at work, %d blocked", n, b)
	}
	// The lapsed ones go on without waiting, and count again.
	g.unblocks(&blocked)
	g.stir(&blocked)
	g.stir(&idle)
	if n, b, _ := g.locking(); n != 4 || b != 0 {
		t.Errorf("after their return: %d at work, %d blocked", n, b)
	}
	for _, w := range []*writer{&idle, &blocked, &busy, &next} {
		g.done(w)
	}
	if n, b, w := g.locking(); n+b+w != 0 || g.writers.list.Len() != 0 {
		t.Errorf("left over: %d %d %d", n, b, w)
	}
}

// TestWritersAdapt: contention brings the limit down to the floor, its absence up again while others wait.
func TestWritersAdapt(t *testing.T) {
	g := still(4, 2)
	ctx := context.Background()
	for range 100 {
		ws := make([]writer, 4)
		for i := range ws {
			if err := g.admit(ctx, &ws[i], i >= 2); err != nil {
				t.Fatal(err)
			}
			if i > 0 {
				g.blocks(&ws[i])
			}
		}
		for i := range ws {
			g.done(&ws[i])
		}
	}
	if g.writers.limit > 4 {
		t.Fatalf("limit %v under contention", g.writers.limit)
	}
	g.writers.limit = 2
	was := g.writers.limit
	var a, b writer
	for _, w := range []*writer{&a, &b} {
		if err := g.admit(ctx, w, false); err != nil {
			t.Fatal(err)
		}
	}
	var c writer
	came := queueWriter(t, g, ctx, &c)
	g.done(&a)
	if err := <-came; err != nil {
		t.Fatal(err)
	}
	if g.writers.limit <= was {
		t.Errorf("limit %v without contention", g.writers.limit)
	}
}

// TestDeadlocksCutTheLimit: once a generation, and waits alone do not while half of those at work go on.
func TestDeadlocksCutTheLimit(t *testing.T) {
	g := still(4, 2)
	g.writers.limit = 100
	ws := make([]writer, 40)
	for i := range ws {
		if err := g.admit(context.Background(), &ws[i], false); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 15 {
		g.blocks(&ws[i])
	}
	g.done(&ws[39])
	if g.writers.limit != 100 {
		t.Errorf("limit %v: waits alone have cut it", g.writers.limit)
	}
	for i := range 3 {
		g.deadlocked(&ws[i])
		g.done(&ws[i])
	}
	if g.writers.limit != 39*.75 {
		t.Errorf("limit %v after deadlocks of one generation, want %v", g.writers.limit, 39*.75)
	}
	for i := 3; i < 39; i++ {
		g.unblocks(&ws[i])
	}
	for i := 3; i < 38; i++ {
		g.done(&ws[i])
	}
	g.deadlocked(&ws[38])
	if g.writers.limit != 2 {
		t.Errorf("limit %v after a deadlock of the next generation, want the floor", g.writers.limit)
	}
}

// TestPoolsTurn: between two statements of connections with goroutines go as many of the pool as there wait more of these, and nobody waits for
// a pool that has nothing to do.
func TestPoolsTurn(t *testing.T) {
	g := still(1, 1)
	g.workers = 1
	backlog := 3
	g.backlog = func() int { return backlog }
	ctx := context.Background()
	var first, next, last, pooled ticket
	worker := func() bool {
		g.mu.Lock()
		defer g.mu.Unlock()
		ok := g.admits(true, false)
		if ok {
			g.place(&pooled)
		}
		return ok
	}
	queue := func(k *ticket) chan error {
		came := make(chan error, 1)
		go func() { came <- g.enter(ctx, k, &writer{}, false) }()
		eventually(t, "it queues", func() bool { _, w := g.load(); return w == 1 })
		return came
	}
	if err := g.enter(ctx, &first, &writer{}, false); err != nil || g.owed != 3 {
		t.Fatal(err, g.owed)
	}
	came := queue(&next)
	if !worker() {
		t.Fatal("a worker waits behind connections with goroutines")
	}
	if g.mu.Lock(); g.admits(true, false) {
		t.Error("a second worker beside the limit")
	}
	g.mu.Unlock()
	g.leave(&pooled, &writer{})
	g.leave(&first, &writer{})
	if r, w := g.load(); r != 0 || w != 1 {
		t.Fatalf("%d running, %d waiting: it is the pool's turn", r, w)
	}
	if !worker() { // the third
		t.Fatal("no place for a worker")
	}
	if err := <-came; err != nil {
		t.Fatal(err)
	}
	g.leave(&pooled, &writer{})
	g.leave(&next, &writer{})
	if g.owed != 3 {
		t.Fatal("owed ", g.owed)
	}
	came = queue(&last)
	if !worker() {
		t.Fatal("no place for a worker")
	}
	backlog = 0
	g.leave(&pooled, &writer{})
	if err := <-came; err != nil {
		t.Fatal(err)
	}
	if g.leave(&last, &writer{}); g.running != 0 {
		t.Error(g.running)
	}
}
