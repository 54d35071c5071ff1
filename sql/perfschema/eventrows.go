package perfschema

import (
	"encoding/hex"
	"strings"
	"time"

	"github.com/zoryadb/zorya/sql/logs"
)

// The tables of events: what runs, and what ended last.

func init() {
	for name, f := range map[string]func(*Source) [][]any{
		"events_statements_current": currentRows,
		"events_statements_history": historyRows(func(t *Thread) *ring[statementEvent] { return &t.events.statements }, (*Source).statement),
		"events_statements_history_long": func(s *Source) [][]any {
			return longRows(&s.long.statements, s.statement)
		},
		"events_transactions_current": currentTransactionRows,
		"events_transactions_history": historyRows(func(t *Thread) *ring[transactionEvent] { return &t.events.transactions }, (*Source).transaction),
		"events_transactions_history_long": func(s *Source) [][]any {
			return longRows(&s.long.transactions, s.transaction)
		},
		"events_stages_current": func(s *Source) [][]any { // those that run are not known before their statement ends
			var out [][]any
			s.eachThread(func(t *Thread) {
				if e := t.events.stages.newest(); e != nil {
					out = append(out, s.stage(e))
				}
			})
			return out
		},
		"events_stages_history":      historyRows(func(t *Thread) *ring[stageEvents] { return &t.events.stages }, (*Source).stage),
		"events_stages_history_long": func(s *Source) [][]any { return longRows(&s.long.stages, s.stage) },
	} {
		rows[name] = f
	}
}

// historyRows are the events of all sessions that the reader may see.
func historyRows[E any](of func(*Thread) *ring[E], row func(*Source, *E) []any) func(*Source) [][]any {
	return func(s *Source) [][]any {
		var out [][]any
		s.eachThread(func(t *Thread) {
			list := of(t).inOrder()
			for i := range list {
				out = append(out, row(s, &list[i]))
			}
		})
		return out
	}
}

func longRows[E any](l *long[E], row func(*E) []any) [][]any {
	var out [][]any
	l.each(func(e *E) { out = append(out, row(e)) })
	return out
}

// timer is a moment as events have it: picoseconds since the server's start.
func (s *Source) timer(t time.Time) uint64 { return ps(uint64(max(t.Sub(s.began), 0))) }

// timers are TIMER_START, TIMER_END and TIMER_WAIT of an event that has ended.
func (s *Source) timers(on bool, began time.Time, took time.Duration) []any {
	if !on {
		return []any{nil, nil, nil}
	}
	start := s.timer(began)
	return []any{start, start + ps(uint64(max(took, 0))), ps(uint64(max(took, 0)))}
}

// nesting are NESTING_EVENT_ID and NESTING_EVENT_TYPE.
func nesting(id uint64, typ string) (any, any) {
	if id == 0 {
		return nil, nil
	}
	return id, typ
}

func (s *Source) statement(e *statementEvent) []any {
	shown := strings.ToValidUTF8(logs.Mask(string(e.text)), "?")
	if e.cut {
		shown = shown[:len(shown)-min(len(shown), 3)] + "..."
	}
	r := append([]any{e.thread, e.id, e.id, e.kind.String(), nil}, s.timers(e.timed, e.Started, e.Took)...)
	r = append(r, ps(uint64(max(e.LockTime, 0))), shown)
	if d := e.digest; d != nil && d.Text != "" {
		r = append(r, hex.EncodeToString(d.Hash[:]), d.Text)
	} else {
		r = append(r, nil, nil)
	}
	var state, message any
	failed := uint64(0)
	switch {
	case e.Failed:
		failed, state, message = 1, e.State, text(strings.ToValidUTF8(e.Message[:min(len(e.Message), 128)], ""))
	case !e.Rows:
		state, message = "00000", text(e.Message)
	}
	full, ranged := counts(e.Work.Full), counts(e.Work.Ranged && !e.Work.Full)
	within, typ := nesting(e.transaction, "TRANSACTION")
	return append(r, text(e.schema), nil, nil, nil, nil, int32(e.Code), state, message, failed, e.Warnings, e.Affected, e.Sent, e.Work.Examined, e.Spilled, e.Tables,
		uint64(0), uint64(0), ranged, uint64(0), full, uint64(0), ranged*e.Sorts, e.Sorted, full*e.Sorts, full, uint64(0), within, typ, int32(0), nil, uint64(0), uint64(0), uint64(0), "PRIMARY")
}

func counts(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// currentRows are the statements that run now, whose cost is not known before they end, and of sessions at rest their last ones.
func currentRows(s *Source) [][]any {
	if !s.setup.on(statementsCurrent) {
		return nil
	}
	running := map[uint64]*Process{}
	for i := range s.Processes {
		if p := &s.Processes[i]; p.Info != "" {
			running[p.ID] = p
		}
	}
	var out [][]any
	s.eachThread(func(t *Thread) {
		p := running[t.ID]
		if p == nil {
			if e := t.events.statements.newest(); e != nil {
				out = append(out, s.statement(e))
			}
			return
		}
		kind := KindOf([]byte(p.Info), 0)
		if t.flags.Load()&instrumented == 0 || s.setup.flags(int(kind))&enabled == 0 {
			return
		}
		room := Text(nil, []byte(p.Info), 0, MaxText)
		hash := Sum(room)
		id := t.events.last + 1
		within, typ := nesting(t.events.open.id, "TRANSACTION")
		shown := p.Info
		if len(shown) > maxSample {
			shown = strings.ToValidUTF8(shown[:maxSample-3], "") + "..."
		}
		r := []any{t.ID, id, nil, kind.String(), nil, s.timer(p.Since), s.timer(time.Now()), ps(uint64(max(time.Since(p.Since), 0))), uint64(0), shown,
			hex.EncodeToString(hash[:]), string(room), text(p.Database), nil, nil, nil, nil, int32(0), nil, nil}
		for range 18 { // ERRORS to NO_GOOD_INDEX_USED
			r = append(r, uint64(0))
		}
		out = append(out, append(r, within, typ, int32(0), nil, uint64(0), uint64(0), uint64(0), "PRIMARY"))
	})
	return out
}

func (s *Source) stage(e *stageEvents) []any {
	within, typ := nesting(e.statement, "STATEMENT")
	r := append([]any{e.thread, e.id, e.id, stageEvent(e.Name), nil}, s.timers(e.timed, e.At, e.Took)...)
	return append(r, nil, nil, within, typ)
}

func (s *Source) transaction(e *transactionEvent) []any {
	state, end := "ACTIVE", any(nil)
	timers := s.timers(e.timed, e.Began, e.Took)
	switch {
	case !e.ended:
		timers = []any{s.timer(e.Began), s.timer(time.Now()), ps(uint64(max(time.Since(e.Began), 0)))}
	case e.RolledBack:
		state, end = "ROLLED BACK", e.id
	default:
		state, end = "COMMITTED", e.id
	}
	var trx any
	if e.ID != 0 {
		trx = e.ID
	}
	access := "READ WRITE"
	if e.ReadOnly {
		access = "READ ONLY"
	}
	within, typ := nesting(e.statement, "STATEMENT")
	r := append([]any{e.thread, e.id, end, "transaction", state, trx, "AUTOMATIC", nil, nil, nil, nil, nil}, timers...)
	return append(r, access, e.Isolation, yes(e.Autocommit), e.Savepoints, e.RollbacksTo, e.Releases, nil, within, typ)
}

func currentTransactionRows(s *Source) [][]any {
	if !s.setup.on(transactionsCurrent) {
		return nil
	}
	var out [][]any
	s.eachThread(func(t *Thread) {
		if o := &t.events.open; o.id != 0 {
			out = append(out, s.transaction(o))
		} else if e := t.events.transactions.newest(); e != nil {
			out = append(out, s.transaction(e))
		}
	})
	return out
}
