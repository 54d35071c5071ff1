package perfschema

import (
	"strings"
	"sync"
	"sync/atomic"
)

// Count is a status variable that a session counts for itself. Its account, and the server, have the sums.
type Count uint8

// What sessions count.
const (
	BytesReceived Count = iota
	BytesSent
	ComStmtClose
	ComStmtExecute
	ComStmtFetch
	ComStmtPrepare
	ComStmtReset
	ComStmtSendLongData
	CreatedTmpDiskTables
	CreatedTmpTables
	HandlerCommit
	HandlerDelete
	HandlerExternalLock
	HandlerReadFirst
	HandlerReadKey
	HandlerReadLast
	HandlerReadNext
	HandlerReadPrev
	HandlerReadRnd
	HandlerReadRndNext
	HandlerRollback
	HandlerSavepoint
	HandlerSavepointRollback
	HandlerUpdate
	HandlerWrite
	MaxExecutionTimeExceeded
	MaxExecutionTimeSet
	Questions
	SelectFullJoin
	SelectRange
	SelectScan
	SlowQueries
	SortMergePasses
	SortRange
	SortRows
	SortScan
	TableOpenCacheHits
	counted
)

// countNames are the status variables' names, in the order of the constants.
var countNames = [counted]string{"Bytes_received", "Bytes_sent", "Com_stmt_close", "Com_stmt_execute", "Com_stmt_fetch", "Com_stmt_prepare", "Com_stmt_reset",
	"Com_stmt_send_long_data", "Created_tmp_disk_tables", "Created_tmp_tables", "Handler_commit", "Handler_delete", "Handler_external_lock", "Handler_read_first",
	"Handler_read_key", "Handler_read_last", "Handler_read_next", "Handler_read_prev", "Handler_read_rnd", "Handler_read_rnd_next", "Handler_rollback",
	"Handler_savepoint", "Handler_savepoint_rollback", "Handler_update", "Handler_write", "Max_execution_time_exceeded", "Max_execution_time_set", "Questions", "Select_full_join", "Select_range", "Select_scan", "Slow_queries", "Sort_merge_passes", "Sort_range", "Sort_rows", "Sort_scan", "Table_open_cache_hits"}

// Counts are one value of each.
type Counts [counted]uint64

func (c *Counts) add(o *Counts) {
	for i, n := range o {
		c[i] += n
	}
}

// Values calls f with each variable's name and value.
func (c *Counts) Values(f func(name string, n uint64)) {
	for i, n := range c {
		f(countNames[i], n)
	}
}

// Thread counts what one session does.
type Thread struct {
	ID      uint64            // of the connection
	Texts   map[string]string // status variables that do not change
	account *Account
	flags   atomic.Uint32 // instrumented, historic

	mu       sync.Mutex
	commands []kindCount // most sessions run statements of a few kinds only
	counts   Counts
	traffic  func() (in, out uint64) // bytes so far; nil: not known
	past     [2]uint64               // of these, what Flush has handed over
	tally
	events events
}

// count adds a statement's figures. Of each table that it opened it took a lock and gave it back.
func (e *Statement) count(c *Counts) {
	w := &e.Work
	c[Questions]++
	c[CreatedTmpDiskTables] += e.Spilled
	c[CreatedTmpTables] += e.Tables
	c[HandlerExternalLock] += 2 * w.Tables
	c[TableOpenCacheHits] += w.Tables
	c[HandlerReadFirst] += w.Firsts
	c[HandlerReadKey] += w.Keys
	c[HandlerReadLast] += w.Lasts
	c[HandlerReadNext] += w.Next
	c[HandlerReadPrev] += w.Prev
	c[HandlerReadRnd] += w.Positioned
	c[HandlerReadRndNext] += w.Scanned
	c[HandlerWrite] += w.Inserted
	c[HandlerUpdate] += w.Updated
	c[HandlerDelete] += w.Deleted
	c[SortRows] += e.Sorted
	switch {
	case e.Sorts == 0:
	case w.Full || !w.Ranged:
		c[SortScan] += e.Sorts
	default:
		c[SortRange] += e.Sorts
	}
	if w.Tables > 0 && !e.Failed {
		c[HandlerCommit]++
	}
	if w.Full {
		c[SelectScan]++
	} else if w.Ranged {
		c[SelectRange]++
	}
	if e.Slow {
		c[SlowQueries]++
	}
	if e.Prepared {
		c[ComStmtExecute]++
	}
}

type kindCount struct {
	kind Kind
	n    uint64
}

// command counts a statement of a kind.
func (t *Thread) command(k Kind) {
	for i := range t.commands {
		if t.commands[i].kind == k {
			t.commands[i].n++
			return
		}
	}
	t.commands = append(t.commands, kindCount{k, 1})
}

// Count counts what is no statement's. t may be nil.
func (t *Thread) Count(c Count, n uint64) {
	if t == nil {
		return
	}
	t.mu.Lock()
	t.counts[c] += n
	t.mu.Unlock()
}

// Counts returns what the session has counted since it began, or since Flush.
func (t *Thread) Counts() Counts {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.current()
}

func (t *Thread) current() Counts {
	c := t.counts
	if t.traffic != nil {
		in, out := t.traffic()
		c[BytesReceived], c[BytesSent] = in-min(t.past[0], in), out-min(t.past[1], out)
	}
	return c
}

// Commands calls f with the status variable of each kind of statement that the session has run, and how often it has.
func (t *Thread) Commands(f func(name string, n uint64)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, k := range t.commands {
		f(k.kind.Variable(), k.n)
	}
}

// Flush is FLUSH STATUS: the session's counts become its account's past, and begin anew.
func (t *Thread) Flush() {
	t.account.mu.Lock()
	defer t.account.mu.Unlock()
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.current()
	t.account.counts.add(&c)
	for _, k := range t.commands {
		t.account.commands[k.kind] += k.n
	}
	t.past[0] += c[BytesReceived]
	t.past[1] += c[BytesSent]
	t.counts, t.commands = Counts{}, nil
}

// TruncateStatus is TRUNCATE TABLE of one of the status_by_ tables: all that sessions have counted begins anew.
func (r *Recorder) TruncateStatus() {
	for _, t := range r.Threads() {
		t.Flush()
	}
	for _, a := range r.list() {
		a.mu.Lock()
		past := a.counts
		a.counts = Counts{}
		a.mu.Unlock()
		r.accounts.Lock()
		r.accounts.truncated.add(&past)
		r.accounts.Unlock()
	}
}

// Variable is the name of the kind's status variable.
func (k Kind) Variable() string { return "Com_" + names[k] }

// Commands calls f with the status variable of each kind of statement, and how often the server has run one.
func Commands(all []AccountState, f func(name string, n uint64)) {
	var sums [kinds]uint64
	for i := range all {
		for k, n := range all[i].Commands {
			sums[k] += n
		}
	}
	for k, n := range sums {
		if n > 0 {
			f(Kind(k).Variable(), n)
		}
	}
}

// Total are the counts of all accounts, and of what TruncateStatus took from them.
func (r *Recorder) Total(all []AccountState) Counts {
	r.accounts.Lock()
	c := r.accounts.truncated
	r.accounts.Unlock()
	for i := range all {
		c.add(&all[i].Counts)
	}
	return c
}

// IsCommand reports whether a status variable counts statements of a kind. performance_schema's tables leave these out: the summaries of statements have them.
func IsCommand(name string) bool {
	return len(name) > 4 && strings.EqualFold(name[:4], "com_") && !strings.EqualFold(name, "com_stmt_reprepare")
}
