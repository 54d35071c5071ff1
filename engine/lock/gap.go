package lock

import (
	"bytes"
	"slices"
	"sync"
)

// interval is a locked gap: no other owner inserts a key of (low, high). An end that is closed is locked too; a nil high is
// the end of the index. Shared and exclusive gaps are the same: gap locks never conflict with one another.
type interval struct {
	set        *gapSet
	owner      *Owner
	low, high  []byte
	lowClosed  bool
	highClosed bool
}

func (g *interval) contains(key []byte) bool {
	if c := bytes.Compare(key, g.low); c < 0 || c == 0 && !g.lowClosed {
		return false
	}
	if g.high == nil {
		return true
	}
	c := bytes.Compare(key, g.high)
	return c < 0 || c == 0 && g.highClosed
}

// gapSet holds the locked gaps of one index and the inserts that wait for some.
type gapSet struct {
	index     uint64
	mu        sync.Mutex
	intervals []*interval
	waiting   []*insertion
}

// insertion is an insert that waits until key is in no locked gap of another owner.
type insertion struct {
	set   *gapSet
	owner *Owner
	key   []byte
	done  bool
}

// blocked reports whether another owner has locked a gap around key.
func (s *gapSet) blocked(o *Owner, key []byte) bool {
	for _, g := range s.intervals {
		if g.owner != o && g.contains(key) {
			return true
		}
	}
	return false
}

func (t *Table) gapSet(index uint64, create bool) *gapSet {
	t.gapsMu.RLock()
	s := t.gaps[index]
	t.gapsMu.RUnlock()
	if s != nil || !create {
		return s
	}
	t.gapsMu.Lock()
	defer t.gapsMu.Unlock()
	if s = t.gaps[index]; s == nil {
		s = &gapSet{index: index}
		t.gaps[index] = s
	}
	return s
}

// LockGap locks the gap from low to high (nil: the end of the index) of index for o: at once, gaps never wait. When it continues
// the gap that o locked last there, that one grows.
func (t *Table) LockGap(o *Owner, index uint64, low []byte, lowClosed bool, high []byte, highClosed bool) {
	s := t.gapSet(index, true)
	s.mu.Lock()
	defer s.mu.Unlock()
	o.mu.Lock() // Inherit adds gaps from elsewhere
	var last *interval
	if n := len(o.gaps); n > 0 {
		last = o.gaps[n-1]
	}
	o.mu.Unlock()
	if last != nil && last.set == s && o.extend(last, low, lowClosed, high, highClosed) {
		return
	}
	g := &interval{set: s, owner: o, low: bytes.Clone(low), lowClosed: lowClosed, high: bytes.Clone(high), highClosed: highClosed}
	s.intervals = append(s.intervals, g)
	o.mu.Lock()
	o.gaps = append(o.gaps, g)
	o.mu.Unlock()
}

// Inherit turns what others than o hold or want on a record that o has just taken out (its insert was rolled back) into locks on the
// gap that is left, between low and high: those who waited for the record and now go on to insert meet one another there.
// around is asked only if there are such.
func (t *Table) Inherit(o *Owner, index uint64, key []byte, around func() (low, high []byte, err error)) error {
	heirs := t.heirs(o, index, key)
	if heirs == nil {
		return nil
	}
	low, high, err := around()
	if err != nil {
		return err
	}
	t.waits.Lock()
	defer t.waits.Unlock()
	for _, w := range t.bestow(heirs, t.gapSet(index, true), low, high) {
		t.breakCycles(w.owner)
	}
	return nil
}

// heir is an owner in one of its transactions.
type heir struct {
	*Owner
	epoch uint64
}

// heirs are those who inherit what they have or want of a record that o takes out.
func (t *Table) heirs(o *Owner, index uint64, key []byte) (out []heir) {
	name, s, _ := t.at(nil, index, key)
	s.mu.Lock()
	defer s.mu.Unlock()
	q := s.queues[string(name)]
	if q == nil {
		return nil
	}
	for r := q.requests.First(); r != nil; r = r.link.Next() {
		h := heir{r.owner, r.owner.epoch}
		if h.Owner != o && !(h.Gapless && r.mode == Exclusive) && !slices.Contains(out, h) {
			out = append(out, h)
		}
	}
	return out
}

// bestow locks the gap for the heirs that are still at work, and returns the insertions that wait for them now. The heirs
// may wait themselves.
func (t *Table) bestow(heirs []heir, set *gapSet, low, high []byte) (waiting []*insertion) {
	set.mu.Lock()
	defer set.mu.Unlock()
	var g *interval
	for _, h := range heirs {
		h.mu.Lock()
		if h.live && h.Owner.epoch == h.epoch {
			g = &interval{set: set, owner: h.Owner, low: bytes.Clone(low), lowClosed: low == nil, high: bytes.Clone(high)}
			set.intervals = append(set.intervals, g)
			h.gaps = append(h.gaps, g)
		}
		h.mu.Unlock()
	}
	if g == nil {
		return nil
	}
	for _, w := range set.waiting {
		if g.contains(w.key) {
			waiting = append(waiting, w)
		}
	}
	return waiting
}

// extend grows g by an adjoining or contained interval.
func (o *Owner) extend(g *interval, low []byte, lowClosed bool, high []byte, highClosed bool) bool {
	if g.high != nil && bytes.Equal(g.high, low) && (g.highClosed || lowClosed) {
		g.lowClosed = g.lowClosed || lowClosed && bytes.Equal(g.low, low)
		if high == nil {
			g.high, g.highClosed = nil, false
		} else {
			highClosed = highClosed || g.highClosed && bytes.Equal(g.high, high)
			g.high, g.highClosed = append(g.high[:0], high...), highClosed
		}
		return true
	}
	if high != nil && bytes.Equal(g.low, high) && (g.lowClosed || highClosed) {
		g.highClosed = g.highClosed || highClosed && g.high != nil && bytes.Equal(g.high, high)
		lowClosed = lowClosed || g.lowClosed && bytes.Equal(g.low, low)
		g.low, g.lowClosed = append(g.low[:0], low...), lowClosed
		return true
	}
	return g.contains(low) && (high == nil && g.high == nil || high != nil && g.contains(high))
}

// TryInsert reports whether o may insert key into index now: no other owner holds a gap around it.
func (t *Table) TryInsert(o *Owner, index uint64, key []byte) bool {
	s := t.gapSet(index, false)
	if s == nil {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.blocked(o, key)
}

// TryInserts is TryInsert and Check for records that are not there and whose keys ascend: it reports how many of the first o may insert now. The
// write that follows under the same page latch locks them implicitly. It depends on no commit: purge takes a record away only when its deletion is durable.
func (t *Table) TryInserts(o *Owner, index uint64, keys [][]byte) int {
	n := len(keys)
	if s := t.gapSet(index, false); s != nil {
		s.mu.Lock()
		for i := 0; i < n && len(s.intervals) > 0; i++ {
			if s.blocked(o, keys[i]) {
				n = i
			}
		}
		s.mu.Unlock()
	}
	if t.queuesOf(index).Load() == 0 {
		return n
	}
	for i, key := range keys[:n] {
		if !t.Check(o, index, key, Exclusive) {
			return i
		}
	}
	return n
}

// releaseGaps gives back o's gaps beyond the first keep, and lets inserts go on.
func (t *Table) releaseGaps(o *Owner, keep int) {
	o.mu.Lock()
	gaps := slices.Clone(o.gaps[min(keep, len(o.gaps)):])
	o.gaps = o.gaps[:min(keep, len(o.gaps))]
	o.mu.Unlock()
	for _, g := range gaps {
		s := g.set
		s.mu.Lock()
		if i := slices.Index(s.intervals, g); i >= 0 {
			s.intervals = slices.Delete(s.intervals, i, i+1)
		}
		s.waiting = slices.DeleteFunc(s.waiting, func(w *insertion) bool {
			if s.blocked(w.owner, w.key) {
				return false
			}
			w.done = true
			w.owner.wake <- nil
			return true
		})
		s.mu.Unlock()
	}
}

// ForgetIndex drops the empty gap set of an index that is no more.
func (t *Table) ForgetIndex(index uint64) {
	t.gapsMu.Lock()
	defer t.gapsMu.Unlock()
	if s := t.gaps[index]; s != nil {
		s.mu.Lock()
		if len(s.intervals) == 0 && len(s.waiting) == 0 {
			delete(t.gaps, index)
		}
		s.mu.Unlock()
	}
}
