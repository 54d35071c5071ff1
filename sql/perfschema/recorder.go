package perfschema

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

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
	rest struct {
		sync.Mutex
		rest
	}
	times [buckets]int64 // by how much the histogram of the server is ahead of those of its digests; under rest's lock

	setup setup
	began time.Time
	use   tableUse
	long  struct {
		statements   long[statementEvent]
		transactions long[transactionEvent]
		stages       long[stageEvents]
	}
}

// New makes a Recorder that has seen nothing.
func New() *Recorder {
	r := &Recorder{digests: map[string]*Digest{}, over: &Digest{}, began: time.Now()}
	r.setup.init()
	r.accounts.by, r.accounts.over = map[AccountName]*Account{}, &Account{live: map[*Thread]struct{}{}}
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
	schema string
	round  uint64
}

// Current reports whether k still is what Know would say; k may be nil.
func (r *Recorder) Current(k *Known) bool { return k != nil && k.round == r.round.Load() }

// Know looks a statement's text up.
func (r *Recorder) Know(schema string, text []byte, mode lexer.Mode) *Known {
	round := r.round.Load()
	return &Known{r.Digest(schema, text, mode), KindOf(text, mode), schema, round}
}

// Record counts a session's statement that has ended for its digest, and for the session unless t is nil. What is kept of its text has no passwords.
func (r *Recorder) Record(session uint32, k *Known, t *Thread, e *Statement, text []byte) {
	on, flags := r.setup.effective.Load(), r.setup.instruments[k.kind].flags.Load()
	measured := on&globalInstrumentation.bit() != 0 && flags&enabled != 0
	byThread := on&threadInstrumentation.bit() != 0
	if byThread && t != nil {
		measured = measured && t.flags.Load()&instrumented != 0
	}
	ev := statementEvent{Statement: *e, timed: flags&timed != 0}
	if !ev.timed {
		ev.Took = 0
	}
	if measured && on&statementsDigest.bit() != 0 {
		k.digest.record(session, &ev.Statement, text)
	}
	if t == nil {
		return
	}
	t.mu.Lock()
	e.count(&t.counts)
	t.command(k.kind)
	if measured && byThread {
		t.of(k.kind).add(&ev.Statement)
		if on&statementsCurrent.bit() != 0 {
			r.remember(t, k, on, &ev, text)
		}
	}
	t.mu.Unlock()
	if measured && !byThread {
		r.rest.Lock()
		r.rest.global.of(k.kind).add(&ev.Statement)
		r.rest.Unlock()
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
	r.keepTimes()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.digests, r.over = map[string]*Digest{}, &Digest{}
	r.round.Add(1)
}

// keepTimes makes the server's histogram keep what those of the digests are about to lose.
func (r *Recorder) keepTimes() {
	h := r.digestTimes()
	r.rest.Lock()
	defer r.rest.Unlock()
	for b, n := range h {
		r.times[b] += n
	}
}

// digestTimes is the sum of the digests' histograms.
func (r *Recorder) digestTimes() (out [buckets]int64) {
	for _, d := range r.All() {
		st := d.State()
		for b, n := range st.Times {
			out[b] += int64(n)
		}
	}
	return out
}

// truncateTimes is TRUNCATE TABLE of one of the histograms.
func (r *Recorder) truncateTimes(ofDigests bool) {
	if !ofDigests {
		h := r.digestTimes()
		r.rest.Lock()
		defer r.rest.Unlock()
		for b, n := range h {
			r.times[b] = -n
		}
		return
	}
	r.keepTimes()
	for _, d := range r.All() {
		d.cells.each(func(c *digestCell) { c.times = Histogram{} })
	}
}

// ErrorCount is how often an error was raised.
type ErrorCount struct {
	Code        uint16
	Raised      uint64
	First, Last int64 // unix, in nanoseconds
}

// Error counts an error that ended a statement of a session, at a time in nanoseconds since 1970. t may be nil.
func (r *Recorder) Error(t *Thread, code uint16, at int64) {
	if t == nil || r.setup.flags(errorInstrument)&enabled == 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.error(ErrorCount{code, 1, at, at})
}
