package perfschema

import (
	"slices"
	"sync"
	"sync/atomic"
)

// setup is what performance_schema is asked to keep: its setup_ tables. Statements look at effective and at their instrument's flags alone.
type setup struct {
	effective   atomic.Uint32 // consumers that are enabled with all those that they depend on, a bit each
	instruments [instruments]instrument

	mu        sync.Mutex
	consumers uint32
	actors    []actor
	objects   []object
	threads   []threadKind
}

// consumer is one of setup_consumers, in the order in which the table has them.
type consumer uint8

const (
	stagesCurrent consumer = iota
	stagesHistory
	stagesLong
	statementsCPU
	statementsCurrent
	statementsHistory
	statementsLong
	transactionsCurrent
	transactionsHistory
	transactionsLong
	waitsCurrent
	waitsHistory
	waitsLong
	globalInstrumentation
	threadInstrumentation
	statementsDigest
	consumers
)

var consumerNames = [consumers]string{"events_stages_current", "events_stages_history", "events_stages_history_long", "events_statements_cpu", "events_statements_current",
	"events_statements_history", "events_statements_history_long", "events_transactions_current", "events_transactions_history", "events_transactions_history_long",
	"events_waits_current", "events_waits_history", "events_waits_history_long", "global_instrumentation", "thread_instrumentation", "statements_digest"}

// needs are the consumers without which another keeps nothing.
var needs = [consumers][]consumer{
	threadInstrumentation: {globalInstrumentation}, statementsDigest: {globalInstrumentation}, statementsCPU: {globalInstrumentation},
	statementsCurrent: {threadInstrumentation}, transactionsCurrent: {threadInstrumentation}, stagesCurrent: {threadInstrumentation}, waitsCurrent: {threadInstrumentation},
	statementsHistory: {statementsCurrent}, statementsLong: {statementsCurrent}, transactionsHistory: {transactionsCurrent}, transactionsLong: {transactionsCurrent},
	stagesHistory: {stagesCurrent}, stagesLong: {stagesCurrent}, waitsHistory: {waitsCurrent}, waitsLong: {waitsCurrent},
}

func (c consumer) bit() uint32 { return 1 << c }

// byDefault are MySQL's defaults.
const byDefault = 1<<statementsCurrent | 1<<statementsHistory | 1<<transactionsCurrent | 1<<transactionsHistory | 1<<globalInstrumentation | 1<<threadInstrumentation | 1<<statementsDigest

// on reports whether a consumer keeps what it is told.
func (s *setup) on(c consumer) bool { return s.effective.Load()&c.bit() != 0 }

// consume enables the consumers of a set, and no others. s.mu is held.
func (s *setup) consume(set uint32) {
	s.consumers = set
	var on func(c consumer) bool
	on = func(c consumer) bool {
		return set&c.bit() != 0 && !slices.ContainsFunc(needs[c], func(n consumer) bool { return !on(n) })
	}
	effective := uint32(0)
	for c := range consumers {
		if on(c) {
			effective |= c.bit()
		}
	}
	s.effective.Store(effective)
}

// instrument is one of setup_instruments. The first ones are those of statements, by kind.
type instrument struct {
	name       string
	properties string
	untimed    bool // it has no times: TIMED is NULL
	flags      atomic.Uint32
}

const (
	enabled uint32 = 1 << iota
	timed
)

// stageNames are the stages that the dispatcher tells of.
var stageNames = [...]string{"starting", "optimizing", "executing", "waiting for handler commit", "freeing items"}

const (
	transactionInstrument = kinds + iota
	errorInstrument
	tableInstrument
	mdlInstrument
	connectionMemory
	poolMemory
	firstStage
	instruments = firstStage + len(stageNames)
)

// threadFlags are what threads says of a session.
const (
	instrumented uint32 = 1 << iota
	historic
)

func (s *setup) init() {
	s.consume(byDefault)
	for k := range names {
		s.instrument(k, Kind(k).String(), enabled|timed)
	}
	s.instrument(transactionInstrument, "transaction", enabled|timed)
	s.instrument(errorInstrument, "error", enabled)
	s.instrument(tableInstrument, "wait/io/table/sql/handler", enabled)
	s.instrument(mdlInstrument, "wait/lock/metadata/sql/mdl", enabled)
	s.instrument(connectionMemory, "memory/sql/connection_memory", enabled)
	s.instrument(poolMemory, "memory/innodb/buf_buf_pool", enabled)
	for i, stage := range stageNames {
		s.instrument(firstStage+i, stageEvent(stage), 0)
	}
	for _, i := range []int{errorInstrument, connectionMemory, poolMemory} {
		s.instruments[i].untimed, s.instruments[i].properties = true, "global_statistics"
	}
	s.actors = []actor{{"%", "%", "%", true, true}}
	for _, t := range objectTypes {
		for _, schema := range []string{"mysql", "performance_schema", "information_schema"} {
			s.objects = append(s.objects, object{t, schema, "%", false, false})
		}
		s.objects = append(s.objects, object{t, "%", "%", true, true})
	}
	s.threads = []threadKind{{sessionThread, true, true}, {"thread/sql/event_scheduler", true, true}, {"thread/sql/event_worker", true, true}}
}

func (s *setup) instrument(i int, name string, flags uint32) {
	s.instruments[i].name = name
	s.instruments[i].flags.Store(flags)
}

// flags are an instrument's; 0 if nothing at all is measured.
func (s *setup) flags(i int) uint32 {
	if !s.on(globalInstrumentation) {
		return 0
	}
	return s.instruments[i].flags.Load()
}

func stageEvent(stage string) string { return "stage/sql/" + stage }

// counts reports whether an instrument without times is enabled.
func (s *setup) counts(name string) bool {
	for i := range s.instruments {
		if s.instruments[i].name == name {
			return s.flags(i)&enabled != 0
		}
	}
	return false
}

// stageInstrument is a stage's.
func (s *setup) stageInstrument(stage string) int {
	if i := slices.Index(stageNames[:], stage); i >= 0 {
		return firstStage + i
	}
	return -1
}

// actor is a row of setup_actors: whether sessions of accounts are instrumented.
type actor struct {
	host, user, role string
	enabled, history bool
}

// actor says how a session of an account begins: the row that names it most closely decides.
func (s *setup) actor(n AccountName) uint32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	best, flags := -1, uint32(0)
	for _, a := range s.actors {
		closeness := 0
		switch {
		case a.user == n.User:
			closeness += 2
		case a.user != "%":
			continue
		}
		switch {
		case a.host == n.Host:
			closeness++
		case a.host != "%":
			continue
		}
		if closeness > best {
			best, flags = closeness, flag(a.enabled, instrumented)|flag(a.history, historic)
		}
	}
	return flags
}

func flag(on bool, bit uint32) uint32 {
	if on {
		return bit
	}
	return 0
}

// objectTypes are OBJECT_TYPE's values in setup_objects.
var objectTypes = []string{"EVENT", "FUNCTION", "PROCEDURE", "TABLE", "TRIGGER"}

// object is a row of setup_objects: whether objects are measured.
type object struct {
	typ, schema, name string
	enabled, timed    bool
}

// measures reports whether a table is measured: the row that names it most closely decides.
func (s *setup) measures(schema, name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	best, on := -1, false
	for _, o := range s.objects {
		if o.typ != "TABLE" || o.schema != "%" && o.schema != schema || o.name != "%" && o.name != name {
			continue
		}
		closeness := 0
		if o.schema != "%" {
			closeness += 2
		}
		if o.name != "%" {
			closeness++
		}
		if closeness > best {
			best, on = closeness, o.enabled
		}
	}
	return on
}

// threadKind is a row of setup_threads. Sessions follow setup_actors.
type threadKind struct {
	name             string
	enabled, history bool
}
