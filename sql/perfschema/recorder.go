package perfschema

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/zoryadb/zorya/sql/lexer"
)

// Bounds.
const (
	Digests     = 10_000 // performance_schema_digests_size
	maxAccounts = 10_000
	MaxText     = 1024 // max_digest_length, in bytes
)

// Recorder has the counters of one instance. It is safe for concurrent use.
type Recorder struct {
	mu      sync.RWMutex
	digests map[string]*Digest // by schema, a zero byte, and text
	over    *Digest            // of those that had no room
	round   atomic.Uint64      // how often Truncate ran

	accounts struct {
		sync.Mutex
		by   map[AccountName]*Account
		over *Account

		truncated Counts // by TruncateStatus
	}
	errors struct {
		sync.Mutex
		by map[uint16]*ErrorCount
	}
}

// New makes a Recorder that has seen nothing.
func New() *Recorder {
	r := &Recorder{digests: map[string]*Digest{}, over: &Digest{}}
	r.accounts.by, r.accounts.over = map[AccountName]*Account{}, &Account{live: map[*Thread]struct{}{}}
	r.errors.by = map[uint16]*ErrorCount{}
	return r
}

// texts are rooms for digests' texts at work.
var texts = sync.Pool{New: func() any { return new([]byte) }}

// Digest finds the digest of a statement's text with a default database, and makes it if there is room.
func (r *Recorder) Digest(schema string, text []byte, mode lexer.Mode) *Digest {
	room := texts.Get().(*[]byte)
	defer texts.Put(room)
	key := append(append((*room)[:0], schema...), 0)
	key = append(key, Text(nil, text, mode, MaxText)...)
	*room = key
	r.mu.RLock()
	d, n := r.digests[string(key)], len(r.digests)
	r.mu.RUnlock()
	if d != nil {
		return d
	}
	if n >= Digests {
		return r.over
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if d = r.digests[string(key)]; d != nil {
		return d
	}
	own := string(key[len(schema)+1:])
	d = &Digest{Schema: schema, Text: own, Hash: Sum([]byte(own))}
	r.digests[string(key)] = d
	return d
}

// Known is what statements of one text have in common; it may be kept and shared.
type Known struct {
	digest *Digest
	kind   Kind
	round  uint64
}

// Current reports whether k still is what Know would say; k may be nil.
func (r *Recorder) Current(k *Known) bool { return k != nil && k.round == r.round.Load() }

// Know looks a statement's text up.
func (r *Recorder) Know(schema string, text []byte, mode lexer.Mode) *Known {
	round := r.round.Load()
	return &Known{r.Digest(schema, text, mode), KindOf(text, mode), round}
}

// Record counts a session's statement that has ended for its digest, and for the session and its account, unless t is nil. text gives the statement's text, without
// passwords, when a sample of it is wanted.
func (r *Recorder) Record(session uint32, k *Known, t *Thread, e *Statement, text func() string) {
	k.digest.record(session, e, text)
	if t != nil {
		t.account.record(session, k.kind, e)
		t.record(k.kind, e)
	}
}

// All returns the digests, in the order of schema and text, and last the digest NULL if it has counted anything.
func (r *Recorder) All() []*Digest {
	r.mu.RLock()
	defer r.mu.RUnlock()
	out := make([]*Digest, 0, len(r.digests)+1)
	for _, k := range slices.Sorted(maps.Keys(r.digests)) {
		out = append(out, r.digests[k])
	}
	if r.over.State().Count > 0 {
		out = append(out, r.over)
	}
	return out
}

// Truncate forgets all digests: TRUNCATE TABLE events_statements_summary_by_digest.
func (r *Recorder) Truncate() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.digests, r.over = map[string]*Digest{}, &Digest{}
	r.round.Add(1)
}

// ErrorCount is how often an error was raised.
type ErrorCount struct {
	Code        uint16
	Raised      uint64
	First, Last int64 // unix, in nanoseconds
}

// Error counts an error that ended a statement, at a time in nanoseconds since 1970.
func (r *Recorder) Error(code uint16, at int64) {
	r.errors.Lock()
	defer r.errors.Unlock()
	c := r.errors.by[code]
	if c == nil { // codes are bounded by their type
		c = &ErrorCount{Code: code, First: at}
		r.errors.by[code] = c
	}
	c.Raised++
	c.Last = at
}

// Errors returns the errors that were raised, by code.
func (r *Recorder) Errors() []ErrorCount {
	r.errors.Lock()
	defer r.errors.Unlock()
	var out []ErrorCount
	for _, code := range slices.Sorted(maps.Keys(r.errors.by)) {
		out = append(out, *r.errors.by[code])
	}
	return out
}
