package lock

import (
	"bytes"
	"encoding/binary"
	"time"
)

// Kind says what a lock is on.
type Kind uint8

// Kinds.
const (
	Record    Kind = iota
	Gap            // the interval (Low, Key)
	Intention      // an insert of Key into a locked gap
)

// View is a lock, or a wish for one, as it was at a moment.
type View struct {
	Owner     *Owner
	Kind      Kind
	Space     uint64 // index id, or Metadata
	Key       []byte // nil: the end of the index
	Low       []byte // of a gap
	KeyClosed bool   // of a gap: it holds Key, too
	Mode      Mode
	Granted   bool
}

// WaitView is a wait: of one owner for another.
type WaitView struct {
	Waiting, Blocking View
	Since             time.Time
}

// Identity returns the owner's transaction id, 0 if it has none, and its session.
func (o *Owner) Identity() (trx, session uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.trx, o.Session
}

// Tables is the number of tables and other objects that o has metadata locks on.
func (o *Owner) Tables() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.meta) < 2 {
		return len(o.meta)
	}
	seen := map[*queue]struct{}{}
	for _, r := range o.meta {
		seen[r.q] = struct{}{}
	}
	return len(seen)
}

// Gaps is the number of locked gaps.
func (o *Owner) Gaps() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.gaps)
}

func (r *request) view() View {
	name := r.q.name
	return View{Owner: r.owner, Space: binary.BigEndian.Uint64([]byte(name[:8])), Key: []byte(name[8:]), Mode: r.mode, Granted: r.granted}
}

func (g *interval) view() View {
	return View{Owner: g.owner, Kind: Gap, Space: g.set.index, Key: bytes.Clone(g.high), Low: bytes.Clone(g.low), KeyClosed: g.highClosed, Mode: Exclusive, Granted: true}
}

func (w *insertion) view() View {
	return View{Owner: w.owner, Kind: Intention, Space: w.set.index, Key: w.key, Mode: Exclusive}
}

// Rows returns at most max locks on records and gaps.
func (t *Table) Rows(max int) []View { return t.collect(max, false) }

// Names returns the metadata locks.
func (t *Table) Names() []View { return t.collect(1<<20, true) }

func (t *Table) collect(max int, meta bool) (out []View) {
	for i := range t.shard {
		s := &t.shard[i]
		s.mu.Lock()
		for name, q := range s.queues {
			if (name[:8] == metadataName) != meta {
				continue
			}
			for r := q.requests.First(); r != nil && len(out) < max; r = r.link.Next() {
				out = append(out, r.view())
			}
		}
		s.mu.Unlock()
	}
	if meta {
		return out
	}
	t.gapsMu.RLock()
	sets := make([]*gapSet, 0, len(t.gaps))
	for _, s := range t.gaps {
		sets = append(sets, s)
	}
	t.gapsMu.RUnlock()
	for _, s := range sets {
		s.mu.Lock()
		for _, g := range s.intervals {
			if len(out) < max {
				out = append(out, g.view())
			}
		}
		for _, w := range s.waiting {
			if len(out) < max {
				out = append(out, w.view())
			}
		}
		s.mu.Unlock()
	}
	return out
}

// WaitsFor lists who waits for whom.
func (t *Table) WaitsFor() (out []WaitView) {
	t.waits.Lock()
	defer t.waits.Unlock()
	for o := range t.waiters {
		since := o.since
		t.obstacles(o, func(me, b View) { out = append(out, WaitView{me, b, since}) })
	}
	return out
}

// obstacles calls fn for each lock that o's wait is for. t.waits is held; fn runs under the locks' own mutex.
func (t *Table) obstacles(o *Owner, fn func(me, b View)) {
	switch w := o.waiting.(type) {
	case *request:
		s := t.shardOf(w)
		s.mu.Lock()
		defer s.mu.Unlock()
		if w.granted || w.aborted {
			return
		}
		me := w.view()
		w.q.blockers(w, func(b *Owner) {
			for r := w.q.requests.First(); r != nil; r = r.link.Next() {
				if r.owner == b && r != w {
					fn(me, r.view())
					return
				}
			}
		})
	case *insertion:
		w.set.mu.Lock()
		defer w.set.mu.Unlock()
		if w.done {
			return
		}
		for _, g := range w.set.intervals {
			if g.owner != w.owner && g.contains(w.key) {
				fn(w.view(), g.view())
			}
		}
	}
}

// WaitsSince tells for what o waits, and since when; false if it does not wait.
func (t *Table) WaitsSince(o *Owner) (v View, since time.Time, ok bool) {
	t.waits.Lock()
	defer t.waits.Unlock()
	return t.waitOf(o)
}

// waitOf is WaitsSince under t.waits.
func (t *Table) waitOf(o *Owner) (v View, since time.Time, ok bool) {
	switch w := o.waiting.(type) {
	case *request:
		s := t.shardOf(w)
		s.mu.Lock()
		defer s.mu.Unlock()
		if !w.granted && !w.aborted {
			return w.view(), o.since, true
		}
	case *insertion:
		w.set.mu.Lock()
		defer w.set.mu.Unlock()
		if !w.done {
			return w.view(), o.since, true
		}
	}
	return v, since, false
}

// Deadlock is a cycle of waits that was broken.
type Deadlock struct {
	At     time.Time
	Cycle  []Victim // each waits for the next, the last for the first
	Victim int
}

// Victim is an owner in a deadlock.
type Victim struct {
	Waits, Holds View // what it waits for, and what it has that the one before it waits for
	Since        time.Time
	Trx, Session uint64
	Rows         int
	Weight       int64
	Text         string // the statement that waits
}

// Latest returns the latest deadlock, nil if there was none.
func (t *Table) Latest() *Deadlock { return t.latest.Load() }

// remember keeps a deadlock for the views. t.waits is held.
func (t *Table) remember(cycle []*Owner, victim *Owner) {
	d := &Deadlock{At: time.Now(), Cycle: make([]Victim, len(cycle))}
	for i, o := range cycle {
		v := &d.Cycle[i]
		v.Waits, v.Since, _ = t.waitOf(o)
		v.Waits.Owner = o
		v.Trx, v.Session = o.Identity()
		v.Rows, v.Weight, v.Text = o.Rows(), o.Weight.Load(), o.text
		next := (i + 1) % len(cycle)
		t.obstacles(o, func(_, b View) {
			if b.Owner == cycle[next] {
				d.Cycle[next].Holds = b
			}
		})
		if o == victim {
			d.Victim = i
		}
	}
	t.latest.Store(d)
}

// Covers reports whether a gap holds the gap before key, and so makes a lock on key a next-key lock.
func (v *View) Covers(key []byte) bool {
	if v.Kind != Gap || bytes.Compare(key, v.Low) <= 0 {
		return false
	}
	return v.Key == nil || bytes.Compare(key, v.Key) <= 0
}
