//go:build invariants

package lock

import (
	"fmt"
	"strings"
	"time"
)

// auditEvery is how long waits stand still before the whole graph is searched.
const auditEvery = 20 * time.Millisecond

// audit searches the whole waits-for graph now and then while a wait is on, and panics when it has a cycle: every cycle is found
// and broken before the mutex under which it came to be is given back.
func (t *Table) audit() (end func()) {
	done := make(chan struct{})
	go func() {
		tick := time.NewTicker(auditEvery)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				t.mustBeAcyclic()
			}
		}
	}()
	return func() { close(done) }
}

func (t *Table) mustBeAcyclic() {
	t.waits.Lock()
	defer t.waits.Unlock()
	for o := range t.waiters {
		c := t.findCycle(o)
		if c == nil {
			continue
		}
		var b strings.Builder
		for _, x := range c {
			v, since, _ := t.waitOf(x)
			fmt.Fprintf(&b, "\n  trx %d waits since %v for %d %x (kind %d, mode %d)", x.trx, time.Since(since), v.Space, v.Key, v.Kind, v.Mode)
			t.obstacles(x, func(_, y View) { fmt.Fprintf(&b, "\n    in its way: %+v", y) })
		}
		panic("a deadlock that nobody noticed:" + b.String())
	}
}

// check panics when two owners hold what excludes each other, or the counts are not those of the queue.
func (q *queue) check() {
	c := queue{}
	for r := q.requests.First(); r != nil; r = r.link.Next() {
		c.tally(r, 1)
	}
	if c.granted != q.granted || c.waiting != q.waiting {
		panic(fmt.Sprintf("the queue of %x has %v granted and %d waiting, counted %v and %d", q.name, c.granted, c.waiting, q.granted, q.waiting))
	}
	for r := q.requests.First(); r != nil; r = r.link.Next() {
		for x := r.link.Next(); x != nil; x = x.link.Next() {
			if r.granted && x.granted && conflict(r.owner, r.mode, x) {
				panic(fmt.Sprintf("two owners hold %x: transactions %d in mode %d and %d in mode %d", q.name, r.owner.trx, r.mode, x.owner.trx, x.mode))
			}
		}
	}
}
