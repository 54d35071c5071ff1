package general

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"

	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/grammar"
	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/tabledef"
)

// Temporary tables are ordinary tables in a schema that nobody sees, each under a name that no other ever had: one that was dropped goes only when nothing holds it,
// and its session may have made another meanwhile. They go with the session; what a crash leaves behind is dropped at the next start.

type tempTable struct {
	schema, name string // as the user calls it
	def          *table.Def
}

func tempKey(schema, name string) string {
	return strings.ToLower(schema) + "." + strings.ToLower(name)
}

// temporary opens a session's temporary table of that name, nil if there is none.
func (s *Session) temporary(ctx *sql.Context, d *database, name string, mode grammar.LockMode) (sql.Table, error) {
	t := s.temps[tempKey(d.name, name)]
	if t == nil {
		return nil, nil
	}
	m, err := s.e.metas.Get(ctx, t.def)
	if err != nil {
		return nil, err
	}
	b := &base{db: d, m: m, mode: mode, schema: m.SchemaCopy(), alias: t.name}
	for _, c := range b.schema {
		c.Source, c.DatabaseSource = t.name, d.name
	}
	return newTable(b), nil
}

// GetAllTemporaryTables lists them for the library.
func (d *database) GetAllTemporaryTables(ctx *sql.Context) ([]sql.Table, error) {
	s := sessionOf(ctx)
	if s == nil {
		return nil, nil
	}
	var out []sql.Table
	for _, t := range s.temps {
		if t.schema != d.name {
			continue
		}
		tab, err := s.temporary(ctx, d, t.name, grammar.LockMode{})
		if err != nil {
			return nil, err
		}
		out = append(out, tab)
	}
	return out, nil
}

func (s *Session) createTemporary(ctx context.Context, d *table.Def) error {
	schema, name := d.Schema, d.Name
	var a tabledef.Attrs
	if err := tabledef.Decode(d.Attrs, &a); err != nil {
		return err
	}
	if len(a.FKs) > 0 {
		return mysqlerr.New(mysqlerr.ER_CANNOT_ADD_FOREIGN)
	}
	if err := s.e.catalog.CreateSchema(ctx, table.Schema{Name: tabledef.TempSchema}); err != nil && !errors.Is(err, table.ErrSchemaExists) {
		return err
	}
	n := *d
	n.Schema, n.Name = tabledef.TempSchema, fmt.Sprintf("%d#%d#%s", s.login.ID, s.e.temporaries.Add(1), name)
	made, err := s.e.catalog.CreateTable(ctx, &n)
	if err != nil {
		return err
	}
	if s.temps == nil {
		s.temps = map[string]*tempTable{}
	}
	s.temps[tempKey(schema, name)] = &tempTable{schema, name, made}
	return nil
}

// refreshTemporary rereads a temporary table's definition after ALTER TABLE and TRUNCATE.
func (s *Session) refreshTemporary(ctx context.Context, schema, name string) error {
	t := s.temps[tempKey(schema, name)]
	d, err := s.e.catalog.Definition(ctx, t.def.Schema, t.def.Name)
	if err != nil {
		return err
	}
	t.def = d
	return nil
}

// dropTemporary forgets a temporary table. The session's transaction may hold its metadata lock, so it is dropped behind its back.
func (s *Session) dropTemporary(schema, name string) bool {
	t := s.temps[tempKey(schema, name)]
	if t == nil {
		return false
	}
	delete(s.temps, tempKey(schema, name))
	s.e.dropLater(t.def)
	return true
}

func (s *Session) dropSessionTemporaries() {
	for k, t := range s.temps {
		delete(s.temps, k)
		s.e.dropLater(t.def)
	}
}

// dropLater drops a table as soon as nothing holds it, and then closes done. A failure leaves it to the next start. The context is not the session's: its waits would be
// told to a session that goes on meanwhile.
func (e *Engine) dropLater(d *table.Def) (done chan struct{}) {
	e.later.Add(1)
	done = make(chan struct{})
	go func() {
		defer e.later.Done()
		defer close(done)
		_ = e.catalog.DropTable(context.Background(), d.Schema, d.Name)
	}()
	return done
}

// dropTemporaries removes what sessions of a former process left.
func (e *Engine) dropTemporaries(ctx context.Context) error {
	if e.opts.ReadOnly {
		return nil
	}
	err := e.catalog.DropSchema(ctx, tabledef.TempSchema)
	if errors.Is(err, table.ErrNoSchema) {
		return nil
	}
	return err
}
