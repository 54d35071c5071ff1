package general

import (
	"errors"
	"slices"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"

	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/builtin"
	"github.com/zoryadb/zorya/sql/grammar"
	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/tabledef"
)

// provider is GMS's list of databases: the catalog's schemas.
type provider struct{ e *Engine }

var (
	_ sql.CollatedDatabaseProvider = (*provider)(nil)
	_ sql.FunctionProvider         = (*provider)(nil)
)

// hidden schemas hold what users do not see: temporary tables.
func hidden(name string) bool { return strings.HasPrefix(name, "#") }

func (p *provider) Database(ctx *sql.Context, name string) (sql.Database, error) {
	if d := p.e.monitorDatabase(name); d != nil {
		return d, nil
	}
	s, err := p.schema(ctx, name)
	if err != nil {
		return nil, err
	}
	return &database{e: p.e, name: s.Name, schema: s}, nil
}

func (p *provider) schema(ctx *sql.Context, name string) (*table.Schema, error) {
	s, err := p.e.catalog.Schema(ctx, name)
	if errors.Is(err, table.ErrNoSchema) {
		return nil, sql.ErrDatabaseNotFound.New(name)
	}
	return s, err
}

// HasDatabase is asked with a lower-case name.
func (p *provider) HasDatabase(ctx *sql.Context, name string) bool {
	if p.e.monitorDatabase(name) != nil {
		return true
	}
	if _, err := p.e.catalog.Schema(ctx, name); err == nil {
		return true
	}
	all, err := p.e.catalog.Schemas(ctx)
	if err != nil {
		return false
	}
	for _, s := range all {
		if strings.EqualFold(s.Name, name) {
			return true
		}
	}
	return false
}

// AllDatabases is what SHOW DATABASES and information_schema need. The analyzer also lists all databases for each un-indexed
// table of a SELECT, to warm up statistics; it then gets the databases that the statement has touched.
func (p *provider) AllDatabases(ctx *sql.Context) []sql.Database {
	s := sessionOf(ctx)
	running := s != nil && s.cur != nil
	if running && s.cur.phase == analyzing && !s.cur.st.listsDatabases {
		return s.cur.databases
	}
	all, err := p.e.catalog.Schemas(ctx)
	if err != nil {
		return nil
	}
	out := make([]sql.Database, 0, len(all))
	for i := range all {
		if !hidden(all[i].Name) && (!running || s.hasSchema(all[i].Name)) {
			out = append(out, &database{e: p.e, name: all[i].Name, schema: &all[i], listed: true})
		}
	}
	return out
}

func (p *provider) CreateDatabase(ctx *sql.Context, name string) error {
	return p.CreateCollatedDatabase(ctx, name, tabledef.DefaultCollation)
}

func (p *provider) CreateCollatedDatabase(ctx *sql.Context, name string, c sql.CollationID) error {
	if hidden(name) {
		return mysqlerr.New(mysqlerr.ER_WRONG_DB_NAME, name)
	}
	return p.e.catalog.CreateSchema(ctx, table.Schema{Name: name, Attrs: tabledef.Encode(tabledef.SchemaAttrs{Collation: uint16(c)})})
}

func (p *provider) DropDatabase(ctx *sql.Context, name string) error {
	return p.e.catalog.DropSchema(ctx, name)
}

// Function finds functions that GMS does not have: our own, and stored ones by name in the current database.
func (p *provider) Function(ctx *sql.Context, schema, name string) (sql.Function, bool) {
	if schema != "" {
		if f, ok := p.e.storedFunction(ctx, schema, name); ok {
			return f, true
		}
	}
	if f, ok := ownFunctions[strings.ToLower(name)]; ok {
		return f(p.e), true
	}
	if f, ok := builtin.Lacking[strings.ToLower(name)]; ok {
		return f, true
	}
	if schema == "" && ctx != nil && ctx.Session != nil {
		if f, ok := p.e.storedFunction(ctx, ctx.GetCurrentDatabase(), name); ok {
			return f, true
		}
	}
	f, ok := builtin.SysFunctions[strings.ToLower(name)]
	return f, ok
}

// database is one schema.
type database struct {
	e      *Engine
	name   string
	schema *table.Schema
	listed bool // it came with all others: its tables are listed, not read, and none is locked
}

var (
	_ sql.Database          = (*database)(nil)
	_ sql.VersionedDatabase = (*database)(nil)
	_ sql.CollatedDatabase  = (*database)(nil)
)

func (d *database) Name() string { return d.name }

func (d *database) GetCollation(*sql.Context) sql.CollationID {
	return tabledef.SchemaCollation(d.schema)
}

func (d *database) SetCollation(ctx *sql.Context, c sql.CollationID) error {
	s := *d.schema
	s.Attrs = tabledef.Encode(tabledef.SchemaAttrs{Collation: uint16(c)})
	return d.e.catalog.AlterSchema(ctx, s)
}

// GetTableNames lists the tables. While a statement is analysed the library wants them only to suggest similar names.
func (d *database) GetTableNames(ctx *sql.Context) ([]string, error) {
	s := sessionOf(ctx)
	running := s != nil && s.cur != nil
	if running && s.cur.phase == analyzing && !s.cur.st.listsDatabases {
		return nil, nil
	}
	names, err := d.e.catalog.TableNames(ctx, d.name)
	if !running || s.cur.st.scope == nil {
		return names, err
	}
	return slices.DeleteFunc(names, func(n string) bool { return !s.hasTable(n) }), err
}

func (d *database) GetTableNamesAsOf(ctx *sql.Context, asOf any) ([]string, error) {
	return d.GetTableNames(ctx)
}

func (d *database) GetTableInsensitive(ctx *sql.Context, name string) (sql.Table, bool, error) {
	return d.find(ctx, name, grammar.LockMode{})
}

// find is open, and remembers what was not found for the error message.
func (d *database) find(ctx *sql.Context, name string, mode grammar.LockMode) (sql.Table, bool, error) {
	name, parts := grammar.Selection(name)
	t, ok, err := d.open(ctx, name, mode)
	if u, is := t.(*userTable); is && ok && err == nil && parts != nil {
		if u.chosen, err = u.m.ChosenParts(parts); err != nil {
			return nil, false, err
		}
		if s := sessionOf(ctx); s != nil && s.cur != nil && s.cur.st.Class == Write {
			if s.cur.targets == nil {
				s.cur.targets = map[uint64][]bool{}
			}
			s.cur.targets[u.m.Def.ID] = u.chosen
		}
	}
	if !ok && err == nil {
		if s := sessionOf(ctx); s != nil && s.cur != nil {
			s.cur.missing = [2]string{d.name, name}
		}
	}
	return t, ok, err
}

// GetTableInsensitiveAsOf opens a table for a locking read: the parser put the lock mode where AS OF goes.
func (d *database) GetTableInsensitiveAsOf(ctx *sql.Context, name string, asOf any) (sql.Table, bool, error) {
	text, _ := asOf.(string)
	mode, ok := grammar.ParseLockMode(text)
	if !ok {
		return nil, false, mysqlerr.New(mysqlerr.ER_NOT_SUPPORTED_YET, "AS OF")
	}
	level := table.RepeatableRead
	if x := executionOf(ctx); x != nil && x.stmt != nil {
		level = x.stmt.Txn().Options().Isolation
	}
	t, found, err := d.find(ctx, name, mode.At(level))
	if u, ok := t.(*userTable); ok && err == nil {
		u.mode = u.mode.Of(u.m.Def.Columns)
	}
	return t, found, err
}

// open finds a table. While a statement other than DDL is being analysed this takes the shared metadata lock, so that the
// definition holds until the transaction ends; listings (information_schema, SHOW) and DDL read the dictionary.
func (d *database) open(ctx *sql.Context, name string, mode grammar.LockMode) (sql.Table, bool, error) {
	s := sessionOf(ctx)
	if s != nil {
		if t, err := s.temporary(ctx, d, name, mode); t != nil || err != nil {
			return t, t != nil, err
		}
	}
	if s != nil && s.cur != nil {
		s.cur.touch(d)
	}
	if s == nil || s.cur == nil || s.cur.stmt == nil || s.cur.phase != analyzing || s.cur.st.Class == DDL || d.listed {
		def, err := d.e.catalog.Definition(ctx, d.name, name)
		if errors.Is(err, table.ErrNoTable) || errors.Is(err, table.ErrNoSchema) {
			return nil, false, nil
		}
		if err != nil {
			return nil, false, err
		}
		t, err := d.wrap(ctx, def, nil, mode)
		return t, t != nil, err
	}
	bound, err := s.cur.openTable(ctx, d.name, name)
	if errors.Is(err, table.ErrNoTable) || errors.Is(err, table.ErrNoSchema) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	t, err := d.wrap(ctx, bound.Def(), bound, mode)
	return t, t != nil, err
}

func (d *database) wrap(ctx *sql.Context, def *table.Def, bound table.Table, mode grammar.LockMode) (sql.Table, error) {
	m, err := d.e.metas.Get(ctx, def)
	if err != nil {
		return nil, err
	}
	base := &base{db: d, m: m, bound: bound, mode: mode, schema: m.SchemaCopy()}
	return newTable(base), nil
}
