package general

import (
	"errors"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/dolthub/go-mysql-server/sql"

	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/grammar"
	"github.com/zoryadb/zorya/sql/tabledef"
)

// lookWait bounds how long a listing waits for a table that DDL has locked: it then says nothing of its size.
const lookWait = 20 * time.Millisecond

// look opens a table for a listing, until fn returns: in a transaction of its own, so that a listing of many tables neither keeps DDL of any of them waiting nor
// holds them all in memory.
func (x *execution) look(c *sql.Context, schema, name string, fn func(t table.Table) error) error {
	tx := x.s.e.db.Begin(table.TxnOptions{Isolation: table.ReadCommitted, ReadOnly: true, MetadataWait: lookWait})
	stmt, err := tx.BeginStmt(c, table.StmtOptions{})
	if err != nil {
		return errors.Join(err, tx.Rollback(c))
	}
	one := &execution{s: x.s, st: x.st, ctx: x.ctx, stmt: stmt, phase: x.phase}
	t, err := one.openTable(c, schema, name)
	if err == nil {
		err = fn(t)
	}
	return errors.Join(err, tx.Rollback(c))
}

// tableSizes is what a listing tells of a table's size: estimates.
type tableSizes struct {
	rows, data, index uint64
	auto              uint64 // the auto-increment value to come, 0 without such a column
}

func (z *tableSizes) average() uint64 { return z.data / max(z.rows, 1) * min(z.rows, 1) }

// sizes looks at a table. One that is gone, or locked by DDL, has none.
func (x *execution) sizes(c *sql.Context, schema, name string) (z tableSizes, err error) {
	err = x.look(c, schema, name, func(t table.Table) (err error) {
		if z.rows, err = t.Count(c); err != nil {
			return err
		}
		if z.data, z.index, err = t.Bytes(c); err != nil {
			return err
		}
		if t.Def().AutoInc >= 0 {
			next, err := t.AutoInc()
			if err != nil {
				return err
			}
			m, err := sessionOf(c).e.metas.Get(c, t.Def())
			if err != nil {
				return err
			}
			z.auto = min(max(next, 1), lastAuto(m))
		}
		return nil
	})
	if errors.Is(err, table.ErrLockTimeout) {
		err = nil
	}
	return z, skipMissing(err)
}

// infoTables is information_schema.TABLES. Its rows are made one by one, each of what the statement asks for: names alone cost no definition,
// definitions no look at the table.
type infoTables struct {
	sql.Table // the library's, for name and columns
	e         *Engine
	proj      []int // positions in the library's schema; nil: all
	names     []string
}

var (
	_ sql.ProjectedTable  = (*infoTables)(nil)
	_ sql.PrimaryKeyTable = (*infoTables)(nil)
)

// PrimaryKeySchema: the library finds the places of projected columns in it.
func (t *infoTables) PrimaryKeySchema(c *sql.Context) sql.PrimaryKeySchema {
	return sql.NewPrimaryKeySchema(t.Table.Schema(c))
}

func (t *infoTables) Schema(c *sql.Context) sql.Schema {
	all := t.Table.Schema(c)
	if t.proj == nil {
		return all
	}
	out := make(sql.Schema, len(t.proj))
	for i, p := range t.proj {
		out[i] = all[p]
	}
	return out
}

func (t *infoTables) Projections() []string { return t.names }

func (t *infoTables) WithProjections(c *sql.Context, cols []string) (sql.Table, error) {
	n := &infoTables{Table: t.Table, e: t.e, names: cols, proj: make([]int, 0, len(cols))}
	for _, name := range cols {
		for i, col := range t.Table.Schema(c) {
			if strings.EqualFold(col.Name, name) {
				n.proj = append(n.proj, i)
				break
			}
		}
	}
	return n, nil
}

func (t *infoTables) Partitions(*sql.Context) (sql.PartitionIter, error) { return &partitions{}, nil }

func (t *infoTables) PartitionRows(c *sql.Context, _ sql.Partition) (sql.RowIter, error) {
	cols := t.proj
	if cols == nil {
		for i := range t.Table.Schema(c) {
			cols = append(cols, i)
		}
	}
	return &infoTablesRows{infoWalk: infoWalk{databases: t.e.listedDatabases(c), e: t.e, opens: slices.ContainsFunc(cols, ofDefinition)}, cols: cols}, nil
}

// infoWalk goes through the databases, in each through the tables and then the views.
type infoWalk struct {
	databases []sql.Database
	db        sql.Database // whose names these are
	names     []string
	views     []sql.ViewDefinition
	e         *Engine
	opens     bool // the tables, for more than their names
	ahead     int  // of names: those that were read ahead
}

// ofDefinition reports whether a column of TABLES needs the table's definition.
func ofDefinition(i int) bool {
	switch i {
	case infoRowFormat, infoRows, infoAverage, infoData, infoIndex, infoAuto, infoCreated, infoCollation, infoOptions, infoComment:
		return true
	}
	return false
}

// aheadTables is how many tables listings have opened ahead of them.
const aheadTables = 64

// readAhead has the first of a database's tables opened, several at once, and returns how many follow the first of them.
func (e *Engine) readAhead(c *sql.Context, schema string, names []string) int {
	names = names[:min(len(names), aheadTables)]
	if a, ok := e.db.(table.ReadAheader); ok && !grammar.SystemSchema(schema) {
		a.ReadAhead(c, schema, names)
	}
	return len(names) - 1
}

// listedDatabases are those whose tables and columns information_schema lists, as far as the session sees them.
func (e *Engine) listedDatabases(c *sql.Context) []sql.Database {
	out := e.gms.Analyzer.Catalog.AllDatabases(c)
	s := sessionOf(c)
	for _, name := range []string{"mysql", "performance_schema", "sys"} {
		if s == nil || s.cur == nil || s.hasSchema(name) && (s.mayGlobal(c, sql.PrivilegeType_Select) || s.mayGlobal(c, sql.PrivilegeType_ShowDB)) {
			out = append(out, e.systemDatabase(name))
		}
	}
	return out
}

// systemDatabase is a schema that is not stored.
func (e *Engine) systemDatabase(name string) sql.Database {
	if strings.EqualFold(name, "mysql") {
		return &systemDatabase{e.mysqlDB(), e}
	}
	return e.monitorDatabase(name)
}

// next is the next table of db, or, view not being nil, the next view; io.EOF after the last.
func (w *infoWalk) next(c *sql.Context) (name string, view *sql.ViewDefinition, err error) {
	for {
		switch {
		case len(w.names) > 0:
			if w.ahead--; w.opens && w.ahead < 0 {
				w.ahead = w.e.readAhead(c, w.db.Name(), w.names)
			}
			name, w.names = w.names[0], w.names[1:]
			return name, nil, nil
		case len(w.views) > 0:
			view, w.views = &w.views[0], w.views[1:]
			return view.Name, view, nil
		case len(w.databases) == 0:
			return "", nil, io.EOF
		}
		if err := c.Err(); err != nil {
			return "", nil, err
		}
		w.db, w.databases, w.ahead = w.databases[0], w.databases[1:], 0
		if w.names, err = w.db.GetTableNames(c); skipMissing(err) != nil { // one dropped since it was listed has none
			return "", nil, err
		}
		if v, ok := w.db.(sql.ViewDatabase); ok {
			if w.views, err = v.AllViews(c); skipMissing(err) != nil {
				return "", nil, err
			}
		}
	}
}

// infoTablesRows makes a row of each table and view.
type infoTablesRows struct {
	infoWalk
	cols []int
}

func (r *infoTablesRows) Close(*sql.Context) error { return nil }

func (r *infoTablesRows) Next(c *sql.Context) (sql.Row, error) {
	for {
		name, view, err := r.next(c)
		if err != nil {
			return nil, err
		}
		one := infoTable{e: r.e, db: r.db, name: name, view: view != nil}
		row := make(sql.Row, len(r.cols))
		for i, col := range r.cols {
			if row[i], err = one.column(c, col); err != nil {
				break
			}
		}
		if err == nil {
			return row, nil
		}
		if skipMissing(err) != nil {
			return nil, err
		} // dropped since its name was listed
	}
}

// infoTable is one row. What it needs for a column it reads when the column is asked for.
type infoTable struct {
	e    *Engine
	db   sql.Database
	name string
	view bool
	m    *tabledef.Table
	z    *tableSizes
}

// Columns of information_schema.TABLES, as the library orders them.
const (
	infoCatalog = iota
	infoSchemaName
	infoName
	infoType
	infoEngine
	infoVersion
	infoRowFormat
	infoRows
	infoAverage
	infoData
	infoMaxData
	infoIndex
	infoFree
	infoAuto
	infoCreated
	infoUpdated
	infoChecked
	infoCollation
	infoChecksum
	infoOptions
	infoComment
)

func (t *infoTable) column(c *sql.Context, i int) (any, error) {
	switch i {
	case infoCatalog:
		return "def", nil
	case infoSchemaName:
		return t.db.Name(), nil
	case infoName:
		return t.name, nil
	case infoUpdated, infoChecked, infoChecksum:
		return nil, nil
	}
	switch {
	case t.view:
		return t.viewColumn(c, i)
	case grammar.SystemSchema(t.db.Name()):
		return t.systemColumn(c, i)
	}
	switch i {
	case infoType:
		return uint16(1), nil // BASE TABLE
	case infoEngine:
		return "InnoDB", nil
	case infoVersion:
		return int32(10), nil
	case infoMaxData, infoFree:
		return uint64(0), nil
	case infoRows, infoAverage, infoData, infoIndex, infoAuto:
		return t.size(c, i)
	}
	if t.m == nil {
		d, err := t.e.catalog.Definition(c, t.db.Name(), t.name)
		if err != nil {
			return nil, err
		}
		if t.m, err = t.e.metas.Get(c, d); err != nil {
			return nil, err
		}
	}
	switch i {
	case infoRowFormat:
		return t.m.RowFormat(), nil
	case infoCreated:
		return local(c, t.m.Def.Created), nil
	case infoCollation:
		return sql.CollationID(t.m.Attrs.Collation).Name(), nil
	case infoOptions:
		return t.m.CreateOptions(), nil
	case infoComment:
		return t.m.Attrs.Comment, nil
	}
	return nil, nil
}

func (t *infoTable) size(c *sql.Context, i int) (any, error) {
	if t.z == nil {
		t.z = &tableSizes{}
		if s := sessionOf(c); s != nil && s.cur != nil && s.cur.stmt != nil && !s.cur.previewing {
			z, err := s.cur.sizes(c, t.db.Name(), t.name)
			if err != nil {
				return nil, err
			}
			*t.z = z
		}
	}
	switch i {
	case infoRows:
		return t.z.rows, nil
	case infoAverage:
		return t.z.average(), nil
	case infoData:
		return t.z.data, nil
	case infoIndex:
		return t.z.index, nil
	}
	if t.z.auto <= 1 {
		return nil, nil
	}
	return t.z.auto, nil
}

func (t *infoTable) viewColumn(c *sql.Context, i int) (any, error) {
	switch i {
	case infoType:
		return uint16(2), nil
	case infoComment:
		return "VIEW", nil
	case infoCreated:
		o, err := t.e.object(c, kindView, t.db.Name(), t.name)
		if err != nil || o == nil {
			return time.Unix(0, 0).UTC(), err
		}
		return local(c, o.Created), nil
	}
	return nil, nil
}

// systemColumn tells of a table that is not stored.
func (t *infoTable) systemColumn(c *sql.Context, i int) (any, error) {
	views := strings.EqualFold(t.db.Name(), sql.InformationSchemaDatabaseName)
	switch i {
	case infoType:
		if views {
			return uint16(3), nil // SYSTEM VIEW
		}
		return uint16(1), nil
	case infoEngine, infoRowFormat:
		switch {
		case views:
			return nil, nil
		case i == infoEngine && t.db.Name() == "performance_schema":
			return "PERFORMANCE_SCHEMA", nil
		case i == infoEngine:
			return "InnoDB", nil
		}
		return "Dynamic", nil
	case infoVersion:
		return int32(10), nil
	case infoRows, infoAverage, infoData, infoMaxData, infoIndex, infoFree:
		return uint64(0), nil
	case infoCreated:
		return local(c, t.e.started), nil
	case infoCollation:
		tab, ok, err := t.db.GetTableInsensitive(c, t.name)
		if err != nil || !ok {
			return nil, err
		}
		return tab.Collation().String(), nil
	case infoOptions, infoComment:
		return "", nil
	}
	return nil, nil
}
