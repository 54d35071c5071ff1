package general

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/types"

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
func (e *Engine) perfTable(ctx *sql.Context, name string) (sql.Table, error) {
	t := perfschema.Tables()[strings.ToLower(name)]
	if t == nil {
		return nil, nil
	}
	out := &ownTable{name: t.Name, schema: make(sql.Schema, len(t.Columns))}
	access := t.Access()
	for i, c := range t.Columns {
		typ, err := datum.ParseType(ctx, c.Type)
		if err != nil {
			return nil, err
		}
		col := &sql.Column{Name: c.Name, Type: typ, Nullable: !access.Edit, Source: t.Name, DatabaseSource: "performance_schema"}
		if c.Default != "" {
			lit := expression.NewLiteral(c.Default, types.LongText)
			if col.Default, err = sql.NewColumnDefaultValue(lit, typ, true, false, false); err != nil {
				return nil, err
			}
		}
		out.schema[i] = col
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
			if err := enumerate(ctx, out.schema, r); err != nil {
				return nil, err
			}
		}
		return list, nil
	}
	if access.Edit {
		return &editedPerfTable{changedPerfTable{out, e}}, nil
	}
	if access.Update {
		return &changedPerfTable{out, e}, nil
	}
	return out, nil
}

// enumerate makes members of ENUM and SET columns the numbers that the library has them as.
func enumerate(c *sql.Context, schema sql.Schema, r []any) error {
	for i, col := range schema {
		if v, ok := r[i].(string); ok && (types.IsEnum(col.Type) || types.IsSet(col.Type)) {
			n, _, err := col.Type.Convert(c, v)
			if err != nil {
				return err
			}
			r[i] = n
		}
	}
	return nil
}

// changedPerfTable is one of performance_schema's tables whose rows may be changed, editedPerfTable one that rows may also be put into and deleted from.
type (
	changedPerfTable struct {
		*ownTable
		e *Engine
	}
	editedPerfTable struct{ changedPerfTable }
)

var (
	_ sql.UpdatableTable  = (*changedPerfTable)(nil)
	_ sql.InsertableTable = (*editedPerfTable)(nil)
	_ sql.DeletableTable  = (*editedPerfTable)(nil)
)

// perfEditor changes rows of such a table.
type perfEditor struct {
	t      *changedPerfTable
	source *perfschema.Source
}

func (t *changedPerfTable) Updater(c *sql.Context) sql.RowUpdater {
	return &perfEditor{t, t.e.perfSource(c)}
}
func (t *editedPerfTable) Inserter(c *sql.Context) sql.RowInserter {
	return &perfEditor{&t.changedPerfTable, t.e.perfSource(c)}
}
func (t *editedPerfTable) Deleter(c *sql.Context) sql.RowDeleter {
	return &perfEditor{&t.changedPerfTable, t.e.perfSource(c)}
}

func (p *perfEditor) StatementBegin(*sql.Context)              {}
func (p *perfEditor) DiscardChanges(*sql.Context, error) error { return nil }
func (p *perfEditor) StatementComplete(*sql.Context) error     { return nil }
func (p *perfEditor) Close(*sql.Context) error                 { return nil }

// texts are a row's values with the members of ENUM and SET columns by name, and texts as strings.
func (p *perfEditor) texts(c *sql.Context, r sql.Row) ([]any, error) {
	out := make([]any, len(r))
	for i, col := range p.t.schema {
		switch v := r[i].(type) {
		case nil:
		case uint64, int32, int64:
			if types.IsSet(col.Type) {
				continue // its rows' properties do not change
			}
			out[i] = v
		default:
			text, err := datum.Ordered(col.Type).SQL(c, nil, v)
			if err != nil {
				return nil, err
			}
			out[i] = text.ToString()
		}
	}
	return out, nil
}

func (p *perfEditor) Update(c *sql.Context, was, now sql.Row) error {
	a, err := p.texts(c, was)
	if err != nil {
		return err
	}
	b, err := p.texts(c, now)
	if err != nil {
		return err
	}
	return p.said(p.source.Update(p.t.name, a, b), b)
}

func (p *perfEditor) Insert(c *sql.Context, r sql.Row) error {
	row, err := p.texts(c, r)
	if err != nil {
		return err
	}
	return p.said(p.source.Insert(p.t.name, row), row)
}

func (p *perfEditor) Delete(c *sql.Context, r sql.Row) error {
	row, err := p.texts(c, r)
	if err == nil {
		p.source.Delete(p.t.name, row)
	}
	return err
}

// said is what MySQL says of a change that cannot be.
func (p *perfEditor) said(err error, row []any) error {
	switch {
	case errors.Is(err, perfschema.ErrFixed):
		return mysqlerr.New(mysqlerr.ER_ILLEGAL_HA, p.t.name)
	case errors.Is(err, perfschema.ErrFull):
		return mysqlerr.New(mysqlerr.ER_RECORD_FILE_FULL, p.t.name)
	case errors.Is(err, perfschema.ErrDuplicate):
		key := map[string]string{"setup_actors": "PRIMARY", "setup_objects": "OBJECT"}[p.t.name]
		return mysqlerr.New(mysqlerr.ER_DUP_ENTRY, fmt.Sprintf("%s-%s-%s", row[:3]...), p.t.name+"."+key)
	}
	return err
}

// perfDenied is the error of a statement that would change a table of performance_schema as nobody may; nil: it is another's, or may be.
func (s *Session) perfDenied(c *sql.Context, verb, schema, name string) *mysqlerr.Error {
	if !strings.EqualFold(cmp.Or(schema, c.GetCurrentDatabase()), "performance_schema") {
		return nil
	}
	t := perfschema.Tables()[strings.ToLower(name)]
	var a perfschema.Access
	if t != nil {
		a = t.Access()
	} else if monitorTables["performance_schema"][strings.ToLower(name)] == nil {
		return nil // there is none of the name
	}
	if map[string]bool{"UPDATE": a.Update, "INSERT": a.Edit, "REPLACE": a.Edit, "DELETE": a.Edit, "DROP": a.Truncate}[verb] {
		return nil
	}
	return mysqlerr.NewMessage(mysqlerr.ER_TABLEACCESS_DENIED_ERROR, "%s command denied to user '%s'@'%s' for table '%s'", verb, s.login.User, s.login.Host, name)
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

// truncatePerf is TRUNCATE of a table of performance_schema; done: it was one.
func (s *Session) truncatePerf(c *sql.Context, schema, name string) (done bool, err error) {
	if !strings.EqualFold(schema, "performance_schema") || s.e.opts.Performance == nil {
		return false, nil
	}
	if err := s.perfDenied(c, "DROP", schema, name); err != nil {
		return true, err
	}
	return s.e.perfSource(c).TruncateTable(strings.ToLower(name)), nil
}
