package general

import (
	"strings"
	"time"

	"github.com/dolthub/go-mysql-server/sql"

	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/datum"
	"github.com/zoryadb/zorya/sql/item"
	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/perfschema"
	"github.com/zoryadb/zorya/storage/page"
)

// What package perfschema needs to show its tables.

// perfRows are the rows of tables of performance_schema that this package knows alone.
var perfRows = map[string]func(*Engine, *sql.Context) [][]any{}

// perfTable makes a table of performance_schema; nil: there is none of the name.
func (e *Engine) perfTable(ctx *sql.Context, name string) (*ownTable, error) {
	t := perfschema.Tables()[strings.ToLower(name)]
	if t == nil {
		return nil, nil
	}
	out := &ownTable{name: t.Name, schema: make(sql.Schema, len(t.Columns))}
	for i, c := range t.Columns {
		typ, err := datum.ParseType(ctx, c.Type)
		if err != nil {
			return nil, err
		}
		out.schema[i] = &sql.Column{Name: c.Name, Type: typ, Nullable: true, Source: t.Name, DatabaseSource: "performance_schema"}
	}
	out.rows = func(ctx *sql.Context) ([]sql.Row, error) {
		var rows [][]any
		if own := perfRows[strings.ToLower(name)]; own != nil {
			rows = own(e, ctx)
		} else {
			rows = t.Rows(e.perfSource(ctx))
		}
		list := make([]sql.Row, len(rows))
		for i, r := range rows {
			list[i] = r
		}
		return list, nil
	}
	return out, nil
}

func (e *Engine) perfSource(ctx *sql.Context) *perfschema.Source {
	s := &perfschema.Source{Recorder: e.opts.Performance, Self: uint64(ctx.Session.ID()), Memory: e.memoryUse(), Tables: e.tableUse(),
		Time: func(t time.Time) any {
			if t.IsZero() {
				return nil
			}
			if loc := item.Location(ctx); loc != nil {
				t = t.In(loc)
			} else {
				t = t.UTC()
			}
			return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond()/1000*1000, time.UTC)
		},
		ErrorName: func(code uint16) (name, state string) {
			return mysqlerr.Name(mysqlerr.Code(code)), mysqlerr.State(mysqlerr.Code(code))
		}}
	if s.Recorder == nil {
		s.Recorder = perfschema.New()
	}
	for _, p := range e.visibleProcesses(ctx) {
		s.Processes = append(s.Processes, perfschema.Process{ID: uint64(p.ID), User: p.User, Host: p.Host, Database: p.Database, Command: p.Command, Info: p.Info,
			State: p.State, Since: p.Since})
	}
	return s
}

// memoryUse is what the instance counts of its memory.
func (e *Engine) memoryUse() []perfschema.MemoryUse {
	out := []perfschema.MemoryUse{{Event: "memory/sql/connection_memory", Bytes: e.memory.Used()}}
	if e.opts.Status != nil {
		st := e.opts.Status()
		out = append(out, perfschema.MemoryUse{Event: "memory/innodb/buf_buf_pool", Bytes: st["Innodb_buffer_pool_pages_total"] * page.Size})
	}
	return out
}

// tableUse is what the engine counts of its tables; the trees of a partitioned one, which follow each other, are one table.
func (e *Engine) tableUse() (out []table.TableUse) {
	u, ok := e.db.(table.UseCounter)
	if !ok {
		return nil
	}
	for _, t := range u.TableUses() {
		t.Name = TableOf(t.Name)
		k := len(out) - 1
		if k < 0 || out[k].Schema != t.Schema || out[k].Name != t.Name {
			out = append(out, t)
			continue
		}
		for i := range min(len(t.Indexes), len(out[k].Indexes)) {
			x, y := &out[k].Indexes[i], &t.Indexes[i]
			x.Fetch, x.Insert, x.Update, x.Delete = x.Fetch+y.Fetch, x.Insert+y.Insert, x.Update+y.Update, x.Delete+y.Delete
		}
	}
	return out
}

// truncatePerf is TRUNCATE of a table of performance_schema that can be.
func (e *Engine) truncatePerf(name string) bool {
	if e.opts.Performance == nil {
		return false
	}
	switch strings.ToLower(name) {
	case "events_statements_summary_by_digest":
		e.opts.Performance.Truncate()
	case "status_by_account", "status_by_host", "status_by_thread", "status_by_user":
		e.opts.Performance.TruncateStatus()
	default:
		return false
	}
	return true
}
