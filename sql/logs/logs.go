package logs

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Which is a set of logs.
type Which uint32

// The logs.
const (
	SlowLog Which = 1 << iota
	GeneralLog
	AuditLog
	// AuditTables and AuditQueries say which events AuditLog wants that cost work to find out.
	AuditTables
	AuditQueries
)

// Settings are what the server's variables say.
type Settings struct {
	Slow, General, Audit  bool   // slow_query_log, general_log, server_audit_logging
	SlowFile, GeneralFile string // relative to the directory
	ToFile, ToTable       bool   // log_output; neither: NONE
	NoIndex               bool   // log_queries_not_using_indexes
	Throttle              int    // log_throttle_queries_not_using_indexes: of these a minute; 0: all
	Admin                 bool   // log_slow_admin_statements
	Raw                   bool   // log_raw: passwords are not masked in the general log
	LocalTime             bool   // log_timestamps = SYSTEM

	Events           Events // server_audit_events
	Include, Exclude []string
}

// Options say whose logs these are. Dir must exist or be creatable; it is the instance's own.
type Options struct {
	Dir     string
	Version string // of the server, for headers
	Host    string // serverhost of the audit log
	Server  uint32 // server_id
	Port    int
	Socket  string
	Log     *slog.Logger // where a log that cannot be written is told of; nil: slog.Default()
}

const (
	maxQueue = 4096
	patience = 5 * time.Millisecond
)

// Logs are the logs of one server. All methods are safe for concurrent use; those of a nil Logs do nothing.
type Logs struct {
	o       Options
	on      atomic.Uint32
	set     atomic.Pointer[Settings]
	queue   chan job
	dropped atomic.Uint64
	quit    chan struct{}
	done    chan struct{} // the goroutine has ended
	once    sync.Once

	w writer // of the goroutine
}

// job is one entry, or something else for the goroutine to do.
type job struct {
	slow    *Slow
	general *General
	audit   *Audit
	do      func()
}

// Open starts the logs, all off.
func Open(o Options) (*Logs, error) {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("directory of the logs: %w", err)
	}
	l := &Logs{o: o, queue: make(chan job, maxQueue), quit: make(chan struct{}), done: make(chan struct{})}
	l.set.Store(&Settings{})
	l.w = writer{l: l, files: map[string]*file{}}
	go l.run()
	return l, nil
}

func (l *Logs) run() {
	defer close(l.done)
	defer l.w.close()
	for {
		select {
		case j := <-l.queue:
			l.work(j)
		case <-l.quit:
			for {
				select {
				case j := <-l.queue:
					l.work(j)
				default:
					return
				}
			}
		}
	}
}

func (l *Logs) work(j job) {
	switch {
	case j.do != nil:
		j.do()
	case j.slow != nil:
		l.w.slow(j.slow)
	case j.general != nil:
		l.w.general(j.general)
	case j.audit != nil:
		l.w.audit(j.audit)
	}
}

// Close writes what is queued and ends; what is logged afterwards is lost.
func (l *Logs) Close() {
	if l == nil {
		return
	}
	l.once.Do(func() {
		l.on.Store(0)
		close(l.quit)
	})
	<-l.done
}

// On says which logs are on.
func (l *Logs) On() Which {
	if l == nil {
		return 0
	}
	return Which(l.on.Load())
}

// Settings returns the current ones, not to be changed.
func (l *Logs) Settings() *Settings {
	if l == nil {
		return &Settings{}
	}
	return l.set.Load()
}

// ErrPath says that a log file lies outside of the instance's directory.
var ErrPath = errors.New("log file outside of the instance's directory")

// Configure takes over new settings.
func (l *Logs) Configure(s Settings) error {
	if l == nil {
		return nil
	}
	for _, name := range []*string{&s.SlowFile, &s.GeneralFile} {
		p, err := l.path(*name)
		if err != nil {
			return err
		}
		*name = p
	}
	var m Which
	output := s.ToFile || s.ToTable
	if s.Slow && output {
		m |= SlowLog
	}
	if s.General && output {
		m |= GeneralLog
	}
	if s.Audit {
		m |= AuditLog
		if s.Events&EventTable != 0 {
			m |= AuditTables
		}
		if s.Events&(EventQuery|EventDCL|EventDDL|EventDML) != 0 {
			m |= AuditQueries
		}
	}
	l.set.Store(&s)
	l.on.Store(uint32(m))
	return nil
}

// path keeps log files within the directory: who may set the variable may not thereby write anywhere.
func (l *Logs) path(name string) (string, error) {
	if name == "" {
		return "", nil
	}
	p := name
	if !filepath.IsAbs(p) {
		p = filepath.Join(l.o.Dir, p)
	}
	p = filepath.Clean(p)
	rel, err := filepath.Rel(l.o.Dir, p)
	if err != nil || rel == "." || !filepath.IsLocal(rel) || filepath.Dir(rel) != "." || strings.HasPrefix(rel, tablePrefix) || !strings.Contains(rel, ".log") {
		return "", fmt.Errorf("%w: %s", ErrPath, name)
	}
	return p, nil
}

// put queues a job; an entry is dropped when the queue stays full.
func (l *Logs) put(j job) {
	select {
	case l.queue <- j:
		return
	default:
	}
	t := time.NewTimer(patience)
	defer t.Stop()
	select {
	case l.queue <- j:
	case <-t.C:
		l.dropped.Add(1)
	}
}

// Dropped is how many entries were dropped since the start.
func (l *Logs) Dropped() uint64 {
	if l == nil {
		return 0
	}
	return l.dropped.Load()
}

// wait runs f on the goroutine, after all that was queued before.
func (l *Logs) wait(f func()) {
	if l == nil {
		return
	}
	done := make(chan struct{})
	select {
	case l.queue <- job{do: func() { f(); close(done) }}:
	case <-l.done:
		return
	}
	select {
	case <-done:
	case <-l.done:
	}
}

// Flush writes all that was logged before and opens files anew (FLUSH LOGS), so that a renamed one is let go.
func (l *Logs) Flush() { l.wait(func() { l.w.close() }) }

// stamp is a time as the logs' files show it.
func stamp(t time.Time, local bool) string {
	if local {
		return t.Local().Format("2006-01-02T15:04:05.000000Z07:00")
	}
	return t.UTC().Format("2006-01-02T15:04:05.000000Z")
}
