package perfschema

import "time"

// The tables of sums by thread, account, user, host and server, and what TRUNCATE makes of all tables.

// levels are the words by which tables are called that sum up by a level.
var levels = map[string]level{"global": overall, "by_account": byAccount, "by_user": byUser, "by_host": byHost, "by_thread": byThread}

// summaries are the kinds of such tables: what they are called before and after the level, what they sum up, and its rows.
var summaries = []struct {
	before, after string
	part          part
	rows          func(*Source, *named) [][]any
}{
	{"events_statements_summary_", "_by_event_name", statementPart, statementSums},
	{"events_errors_summary_", "_by_error", errorPart, errorSums},
	{"events_transactions_summary_", "_by_event_name", transactionPart, transactionSums},
	{"events_stages_summary_", "_by_event_name", stagePart, stageSums},
}

// truncations say what TRUNCATE does with the tables that allow it.
var truncations = map[string]func(*Source){
	"events_statements_summary_by_digest":   func(s *Source) { s.Truncate() },
	"events_statements_histogram_by_digest": func(s *Source) { s.truncateTimes(true) },
	"events_statements_histogram_global":    func(s *Source) { s.truncateTimes(false) },
	"events_statements_current":             func(s *Source) { s.forget(func(e *events) { e.statements = ring[statementEvent]{} }) },
	"events_statements_history":             func(s *Source) { s.forget(func(e *events) { e.statements = ring[statementEvent]{} }) },
	"events_statements_history_long":        func(s *Source) { s.long.statements.truncate() },
	"events_transactions_current":           func(s *Source) { s.forget(func(e *events) { e.transactions = ring[transactionEvent]{} }) },
	"events_transactions_history":           func(s *Source) { s.forget(func(e *events) { e.transactions = ring[transactionEvent]{} }) },
	"events_transactions_history_long":      func(s *Source) { s.long.transactions.truncate() },
	"events_stages_current":                 func(s *Source) { s.forget(func(e *events) { e.stages = ring[stageEvents]{} }) },
	"events_stages_history":                 func(s *Source) { s.forget(func(e *events) { e.stages = ring[stageEvents]{} }) },
	"events_stages_history_long":            func(s *Source) { s.long.stages.truncate() },
	"table_io_waits_summary_by_table":       func(s *Source) { s.use.truncate(s.Tables) },
	"table_io_waits_summary_by_index_usage": func(s *Source) { s.use.truncate(s.Tables) },
	"objects_summary_global_by_type":        func(s *Source) { s.use.truncate(s.Tables) },
	"status_by_account":                     func(s *Source) { s.TruncateStatus() },
	"status_by_host":                        func(s *Source) { s.TruncateStatus() },
	"status_by_thread":                      func(s *Source) { s.TruncateStatus() },
	"status_by_user":                        func(s *Source) { s.TruncateStatus() },
}

func init() {
	truncations["accounts"] = (*Source).forgetAccounts
	truncations["users"] = (*Source).forgetAccounts
	truncations["hosts"] = (*Source).forgetAccounts
	truncations["setup_actors"] = func(s *Source) {
		s.setup.mu.Lock()
		defer s.setup.mu.Unlock()
		s.setup.actors = nil
	}
	truncations["setup_objects"] = func(s *Source) {
		s.setup.mu.Lock()
		defer s.setup.mu.Unlock()
		s.setup.objects = nil
	}
	for _, x := range summaries {
		for word, l := range levels {
			name := x.before + word + x.after
			rows[name] = func(s *Source) (out [][]any) {
				for _, n := range s.tallies(x.part, l, s.sees) {
					out = append(out, x.rows(s, n)...)
				}
				return out
			}
			truncations[name] = func(s *Source) { s.truncate(x.part, l) }
		}
	}
	for _, name := range alwaysEmpty {
		truncations[name] = func(*Source) {}
	}
}

// alwaysEmpty are tables that may be truncated and that nothing is measured for, or whose figures are not sums.
var alwaysEmpty = []string{"events_statements_summary_by_program", "events_waits_current", "events_waits_history", "events_waits_history_long",
	"events_waits_summary_by_account_by_event_name", "events_waits_summary_by_host_by_event_name", "events_waits_summary_by_instance", "events_waits_summary_by_thread_by_event_name",
	"events_waits_summary_by_user_by_event_name", "events_waits_summary_global_by_event_name", "file_summary_by_event_name", "file_summary_by_instance", "host_cache",
	"memory_summary_by_account_by_event_name", "memory_summary_by_host_by_event_name", "memory_summary_by_thread_by_event_name", "memory_summary_by_user_by_event_name",
	"memory_summary_global_by_event_name", "prepared_statements_instances", "socket_summary_by_event_name", "socket_summary_by_instance", "table_lock_waits_summary_by_table"}

// TruncateTable is TRUNCATE of a table; false: it cannot be.
func (s *Source) TruncateTable(name string) bool {
	f := truncations[name]
	if f != nil {
		f(s)
	}
	return f != nil
}

// forget empties the sessions' last events.
func (s *Source) forget(f func(*events)) {
	for _, t := range s.Threads() {
		t.mu.Lock()
		f(&t.events)
		t.mu.Unlock()
	}
}

// forgetAccounts is TRUNCATE of accounts, users or hosts: connections are counted anew, and accounts without any are gone.
func (s *Source) forgetAccounts() {
	s.TruncateStatus()
	for p := range parts {
		s.truncate(p, byUser)
		s.truncate(p, byHost)
	}
	for _, a := range s.list() {
		a.mu.Lock()
		a.total = a.current
		a.mu.Unlock()
	}
}

func statementSums(_ *Source, n *named) (out [][]any) {
	for k := range kinds {
		out = append(out, append(n.row(Kind(k).String()), sums(n.of(Kind(k)))...))
	}
	return out
}

// row begins a row of one event.
func (n *named) row(event string) []any { return append(append([]any(nil), n.name...), event) }

// columns are those of {counts}.
func (t *Times) columns() []any {
	avg := uint64(0)
	if t.Count > 0 {
		avg = t.Sum / t.Count
	}
	return []any{t.Count, ps(t.Sum), ps(t.Min), ps(avg), ps(t.Max)}
}

func errorSums(s *Source, n *named) (out [][]any) {
	for _, e := range n.errors {
		name, state := s.ErrorName(e.Code)
		out = append(out, append(append([]any(nil), n.name...), int32(e.Code), text(name), text(state), e.Raised, uint64(0), s.Time(time.Unix(0, e.First)), s.Time(time.Unix(0, e.Last))))
	}
	return out
}

func transactionSums(_ *Source, n *named) [][]any {
	all := n.transactions[0]
	all.merge(&n.transactions[1])
	r := append(n.row("transaction"), all.columns()...)
	return [][]any{append(append(r, n.transactions[0].columns()...), n.transactions[1].columns()...)}
}

func stageSums(_ *Source, n *named) (out [][]any) {
	for _, stage := range stageNames {
		out = append(out, append(n.row(stageEvent(stage)), n.stage(stage).columns()...))
	}
	return out
}
