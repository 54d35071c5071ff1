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
			for r := q.first; r != nil && len(out) < max; r = r.next {
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
		if o.waiting == nil {
			continue
		}
		since := o.since
		switch w := o.waiting.(type) {
		case *request:
			s := t.shardOf(w)
			s.mu.Lock()
			if !w.granted && !w.aborted {
				me := w.view()
				w.q.blockers(w, func(b *Owner) {
					for r := w.q.first; r != nil; r = r.next {
						if r.owner == b && r != w {
							out = append(out, WaitView{me, r.view(), since})
							return
						}
					}
				})
			}
			s.mu.Unlock()
		case *insertion:
			w.set.mu.Lock()
			if !w.done {
				for _, g := range w.set.intervals {
					if g.owner != w.owner && g.contains(w.key) {
						out = append(out, WaitView{w.view(), g.view(), since})
					}
				}
			}
			w.set.mu.Unlock()
		}
	}
	return out
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
	At      time.Time
	Waits   []View // each owner's wait; it waits for the next's owner
	Trx     []uint64
	Session []uint64
	Rows    []int
	Weight  []int64
	Victim  int
}

// Latest returns the latest deadlock, nil if there was none.
func (t *Table) Latest() *Deadlock { return t.latest.Load() }

// remember keeps a deadlock for the views. t.waits is held.
func (t *Table) remember(cycle []*Owner, victim *Owner) {
	d := &Deadlock{At: time.Now()}
	for i, o := range cycle {
		v, _, _ := t.waitOf(o)
		v.Owner = o
		d.Waits = append(d.Waits, v)
		trx, session := o.Identity()
		d.Trx, d.Session = append(d.Trx, trx), append(d.Session, session)
		d.Rows = append(d.Rows, o.Rows())
		d.Weight = append(d.Weight, o.Weight.Load())
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
