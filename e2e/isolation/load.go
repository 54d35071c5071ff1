package isolation

import (
	"math/rand/v2"
	"sync"
)

// Load makes random transactions that meet often: few keys are in use at a time, and each is left for a new, absent one after some writes,
// so that reads of absent keys, which only gap locks protect, go on for ever. It is safe for concurrent use.
type Load struct {
	Register bool
	Active   int // keys in use (default 4); registers stay
	PerKey   int // writes until a key is left (default 12)
	Most     int // operations of a transaction (default 4)

	mu     sync.Mutex
	keys   []int64
	writes map[int64]int
	next   int64 // key
	value  int64
}

// Next makes the operations of one transaction: kinds, keys and values to write.
func (l *Load) Next(r *rand.Rand) []Op {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.writes == nil {
		l.writes = map[int64]int{}
		if l.Active == 0 {
			l.Active = 4
		}
		if l.PerKey == 0 {
			l.PerKey = 12
		}
		if l.Most == 0 {
			l.Most = 4
		}
		for range l.Active {
			l.next++
			l.keys = append(l.keys, l.next)
		}
	}
	onlyReads := r.IntN(3) == 0
	ops := make([]Op, 1+r.IntN(l.Most))
	for i := range ops {
		at := r.IntN(len(l.keys))
		ops[i].Key = l.keys[at]
		if onlyReads || r.IntN(2) == 0 {
			continue
		}
		l.value++
		ops[i].Kind, ops[i].Value = Append, l.value
		if l.Register {
			ops[i].Kind = Swap
			continue
		}
		if l.writes[ops[i].Key]++; l.writes[ops[i].Key] >= l.PerKey {
			delete(l.writes, ops[i].Key)
			l.next++
			l.keys[at] = l.next
		}
	}
	return ops
}

// Keys returns all keys that were ever in use.
func (l *Load) Keys() []int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make([]int64, l.next)
	for i := range out {
		out[i] = int64(i + 1)
	}
	return out
}

// Recorder collects the transactions of many clients.
type Recorder struct {
	mu sync.Mutex
	h  History
}

// NewRecorder begins a history.
func NewRecorder(register bool) *Recorder { return &Recorder{h: History{Register: register}} }

// Add records a transaction that has ended.
func (r *Recorder) Add(t Txn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.h.Add(t)
}

// History returns what was recorded. Nobody may add to it any more.
func (r *Recorder) History() *History {
	r.mu.Lock()
	defer r.mu.Unlock()
	return &r.h
}
