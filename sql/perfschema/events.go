package perfschema

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// How many events are kept: performance_schema_events_*_history_size and performance_schema_events_*_history_long_size.
const (
	History     = 10
	HistoryLong = 10_000
)

// events are a session's last ones. The last of each kind is the current one until another ends.
type events struct {
	last         uint64 // number of the last event
	statements   ring[statementEvent]
	transactions ring[transactionEvent]
	stages       ring[stageEvents]
	open         transactionEvent // the transaction that is open; its id is 0 if there is none that is measured
}

// ring keeps the last events of one session. Places are made as they are needed.
type ring[E any] struct {
	kept []E
	next int // the place of the oldest event, once all are taken
}

// place is where the next event goes; its memory is that of the one that it replaces. most is how many are kept.
func (r *ring[E]) place(most int) *E {
	if len(r.kept) < most {
		var none E
		r.kept = append(r.kept, none)
		r.next = 0
		return &r.kept[len(r.kept)-1]
	}
	if len(r.kept) > most { // the history was turned off: the current event alone is kept
		r.kept, r.next = append([]E(nil), *r.newest()), 0
	}
	e := &r.kept[r.next]
	r.next = (r.next + 1) % len(r.kept)
	return e
}

func (r *ring[E]) newest() *E {
	if len(r.kept) == 0 {
		return nil
	}
	return &r.kept[(r.next+len(r.kept)-1)%len(r.kept)]
}

// long keeps the last events of all sessions. Those that end at once take places of their own.
type long[E any] struct {
	places atomic.Pointer[[]place[E]]
	next   atomic.Uint64
}

type place[E any] struct {
	mu   sync.Mutex
	used bool
	e    E
}

// put calls fill with the place of the next event.
func (l *long[E]) put(fill func(*E)) {
	all := l.places.Load()
	if all == nil {
		fresh := make([]place[E], HistoryLong)
		l.places.CompareAndSwap(nil, &fresh)
		all = l.places.Load()
	}
	p := &(*all)[(l.next.Add(1)-1)%HistoryLong]
	p.mu.Lock()
	defer p.mu.Unlock()
	p.used = true
	fill(&p.e)
}

// each calls f with the events, the oldest first.
func (l *long[E]) each(f func(*E)) {
	all := l.places.Load()
	if all == nil {
		return
	}
	first := l.next.Load()
	for i := range uint64(HistoryLong) {
		p := &(*all)[(first+i)%HistoryLong]
		p.mu.Lock()
		if p.used {
			f(&p.e)
		}
		p.mu.Unlock()
	}
}

func (l *long[E]) truncate() { l.places.Store(nil) }

// statementEvent is a statement that has ended.
type statementEvent struct {
	Statement
	thread, id  uint64
	transaction uint64 // the transaction's event that it was part of; 0: it was one of its own
	kind        Kind
	timed       bool
	schema      string
	digest      *Digest // nil: digests are not asked for
	text        []byte
	cut         bool // the text was longer
}

func (e *statementEvent) fill(o *statementEvent, text []byte) {
	room := e.text[:0]
	*e = *o
	e.cut = len(text) > maxSample
	e.text = append(room, text[:min(len(text), maxSample)]...)
}

// remember keeps a statement in the histories. t.mu is held.
func (r *Recorder) remember(t *Thread, k *Known, on uint32, e *statementEvent, text []byte) {
	t.events.last++
	e.thread, e.id, e.kind, e.schema, e.transaction = t.ID, t.events.last, k.kind, k.schema, t.events.open.id
	if on&statementsDigest.bit() != 0 {
		e.digest = k.digest
	}
	historic := t.flags.Load()&historic != 0
	t.events.statements.place(depth(on, statementsHistory, historic)).fill(e, text)
	if historic && on&statementsLong.bit() != 0 {
		r.long.statements.put(func(p *statementEvent) { p.fill(e, text) })
	}
}

// depth is how many events a session keeps.
func depth(on uint32, history consumer, historic bool) int {
	if historic && on&history.bit() != 0 {
		return History
	}
	return 1
}

// Stage is a part of a statement's work.
type Stage struct {
	Name string
	At   time.Time
	Took time.Duration
}

type stageEvents struct {
	Stage
	thread, id, statement uint64
	timed                 bool
}

// WantsStages reports whether anybody asks for the stages of the session's statements.
func (r *Recorder) WantsStages(t *Thread) bool {
	if t == nil || t.flags.Load()&instrumented == 0 || !r.setup.on(globalInstrumentation) {
		return false
	}
	for i := firstStage; i < instruments; i++ {
		if r.setup.instruments[i].flags.Load()&enabled != 0 {
			return true
		}
	}
	return false
}

// Stages counts the stages of the session's last statement.
func (r *Recorder) Stages(t *Thread, list []Stage) {
	on := r.setup.effective.Load()
	historic := t.flags.Load()&historic != 0
	t.mu.Lock()
	defer t.mu.Unlock()
	statement := t.events.last
	for _, s := range list {
		i := r.setup.stageInstrument(s.Name)
		if i < 0 || r.setup.flags(i)&enabled == 0 {
			continue
		}
		e := stageEvents{Stage: s, thread: t.ID, statement: statement, timed: r.setup.flags(i)&timed != 0}
		if !e.timed {
			e.Took = 0
		}
		t.stage(s.Name).add(e.Took)
		if on&stagesCurrent.bit() == 0 {
			continue
		}
		t.events.last++
		e.id = t.events.last
		*t.events.stages.place(depth(on, stagesHistory, historic)) = e
		if historic && on&stagesLong.bit() != 0 {
			r.long.stages.put(func(p *stageEvents) { *p = e })
		}
	}
}

// Transaction is what is known of one.
type Transaction struct {
	ID                                uint64 // the engine's; 0: it has none
	Began                             time.Time
	Took                              time.Duration // 0: it is open
	RolledBack                        bool
	ReadOnly                          bool
	Autocommit                        bool // it is one statement's
	Isolation                         string
	Savepoints, RollbacksTo, Releases uint64
}

type transactionEvent struct {
	Transaction
	thread, id, statement uint64
	ended, timed          bool
}

// Open tells of the session's transaction, that it is open.
func (r *Recorder) Open(t *Thread, x *Transaction) {
	if t == nil || !r.transacts(t) {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.events.open.id == 0 {
		t.events.last++
		t.events.open.id = t.events.last
		t.events.open.statement = t.events.last - 1
	}
	t.events.open.Transaction, t.events.open.thread = *x, t.ID
}

func (r *Recorder) transacts(t *Thread) bool {
	return r.setup.flags(transactionInstrument)&enabled != 0 && t.flags.Load()&instrumented != 0
}

// Ended tells of the session's transaction, that it has ended.
func (r *Recorder) Ended(t *Thread, x *Transaction) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	r.ended(t, x)
}

func (r *Recorder) ended(t *Thread, x *Transaction) {
	e := t.events.open
	t.events.open.id = 0
	if !r.transacts(t) {
		return
	}
	on := r.setup.effective.Load()
	e.Transaction, e.thread, e.ended, e.timed = *x, t.ID, true, r.setup.flags(transactionInstrument)&timed != 0
	if !e.timed {
		e.Took = 0
	}
	which := &t.tally.transactions[0]
	if x.ReadOnly {
		which = &t.tally.transactions[1]
	}
	which.add(e.Took)
	if on&transactionsCurrent.bit() == 0 {
		return
	}
	if e.id == 0 {
		t.events.last++
		e.id, e.statement = t.events.last, t.events.last-1
	}
	historic := t.flags.Load()&historic != 0
	*t.events.transactions.place(depth(on, transactionsHistory, historic)) = e
	if historic && on&transactionsLong.bit() != 0 {
		r.long.transactions.put(func(p *transactionEvent) { *p = e })
	}
}

// eachThread calls f with the sessions that the reader may see, each held.
func (s *Source) eachThread(f func(*Thread)) {
	for _, t := range s.Threads() {
		if s.sees(t.ID) {
			t.mu.Lock()
			f(t)
			t.mu.Unlock()
		}
	}
}

// inOrder are a ring's events, the oldest first.
func (r *ring[E]) inOrder() []E {
	return slices.Concat(r.kept[r.next:], r.kept[:r.next])
}
