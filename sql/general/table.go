package general

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"

	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/datum"
	"github.com/zoryadb/zorya/sql/field"
	"github.com/zoryadb/zorya/sql/grammar"
	"github.com/zoryadb/zorya/sql/tabledef"
)

// base is one table as one statement sees it.
type base struct {
	db     *database
	m      *tabledef.Table
	bound  table.Table // nil: listed only, opened at the first access to data
	mode   grammar.LockMode
	schema sql.Schema
	alias  string         // a temporary table's name; "" otherwise
	match  sql.Expression // the condition above, for locking scans under READ COMMITTED

	foreign bool // it is looked up for a foreign key

	chosen []bool // the partitions that the statement names; nil: all
	pruned []bool // those that conditions leave

	keeps      []func(index string) bool // index hints: those that all of them keep may be used to look up
	sortKeeps  []func(index string) bool // and those for the order of rows
	groupKeeps []func(index string) bool // and those for groups

	narrows bool      // a condition will narrow it: the library shall not look for other indexes
	narrow  narrowing // what finds its rows; nil: scans do
	rank    *float64  // of the row that was read last, when what narrows ranks rows
}

// userTable is a base that GMS reads and edits. proj, if not nil, lists the columns it returns.
type userTable struct {
	*base
	proj  []int
	names []string
}

// rangeTable is a userTable with an index lookup.
type rangeTable struct {
	*userTable
	lookup sql.IndexLookup
}

var (
	_ sql.IndexAddressableTable = (*userTable)(nil)
	_ sql.PrimaryKeyTable       = (*userTable)(nil)
	_ sql.ProjectedTable        = (*userTable)(nil)
	_ sql.CheckTable            = (*userTable)(nil)
	_ sql.ForeignKeyTable       = (*userTable)(nil)
	_ sql.AutoIncrementTable    = (*userTable)(nil)
	_ sql.InsertableTable       = (*userTable)(nil)
	_ sql.ReplaceableTable      = (*userTable)(nil)
	_ sql.UpdatableTable        = (*userTable)(nil)
	_ sql.DeletableTable        = (*userTable)(nil)
	_ sql.StatisticsTable       = (*userTable)(nil)
	_ sql.CommentedTable        = (*userTable)(nil)
	_ sql.TemporaryTable        = (*userTable)(nil)
	_ sql.IndexedTable          = (*rangeTable)(nil)
)

func newTable(b *base) *userTable { return &userTable{base: b} }

func (b *base) Name() string {
	if b.alias != "" {
		return b.alias
	}
	return b.m.Def.Name
}

func (b *base) String() string             { return b.Name() }
func (b *base) Collation() sql.CollationID { return sql.CollationID(b.m.Attrs.Collation) }
func (b *base) Comment() string            { return b.m.Attrs.Comment }
func (b *base) IsTemporary() bool          { return b.alias != "" }
func (b *base) PreciseMatch() bool         { return true }
func (b *base) Database() string           { return b.db.name }
func (b *base) def() *table.Def            { return b.m.Def }
func (b *base) UnderlyingBase() *base      { return b }

// Definition is the engine's definition of the table, for rules over plans.
func (b *base) Definition() *table.Def { return b.m.Def }

func (t *userTable) Schema(*sql.Context) sql.Schema {
	if t.proj == nil {
		return t.schema
	}
	out := make(sql.Schema, len(t.proj))
	for i, c := range t.proj {
		out[i] = t.schema[c]
	}
	return out
}

func (b *base) PrimaryKeySchema(*sql.Context) sql.PrimaryKeySchema {
	return sql.NewPrimaryKeySchema(b.schema, b.m.PK...)
}

func (t *userTable) Projections() []string { return t.names }

func (t *userTable) project(cols []string) *userTable {
	n := *t
	n.names = cols
	n.proj = make([]int, 0, len(cols))
	for _, name := range cols {
		for i, c := range t.schema {
			if strings.EqualFold(c.Name, name) {
				n.proj = append(n.proj, i)
				break
			}
		}
	}
	return &n
}

func (t *userTable) WithProjections(ctx *sql.Context, cols []string) (sql.Table, error) {
	return t.project(cols), nil
}

func (t *rangeTable) WithProjections(ctx *sql.Context, cols []string) (sql.Table, error) {
	return &rangeTable{t.project(cols), t.lookup}, nil
}

func (b *base) GetIndexes(c *sql.Context) ([]sql.Index, error) {
	if b.narrows {
		return nil, nil
	}
	keeps := b.keeps
	if len(b.keeps)+len(b.sortKeeps) > 0 {
		if x := executionOf(c); x != nil && x.sorting {
			keeps = b.sortKeeps
		}
	}
	out := make([]sql.Index, 0, len(b.m.Def.Indexes))
	for i := range b.m.Def.Indexes {
		x := &index{b, i}
		if x.usable() && !slices.ContainsFunc(keeps, func(keep func(string) bool) bool { return !keep(x.ID()) }) {
			out = append(out, x)
		}
	}
	return out, nil
}

func (t *userTable) IndexedAccess(ctx *sql.Context, lookup sql.IndexLookup) sql.IndexedTable {
	return &rangeTable{t, lookup}
}

// ensure opens the table for data.
func (b *base) ensure(ctx *sql.Context) (table.Table, error) {
	if b.bound != nil {
		return b.bound, nil
	}
	s := sessionOf(ctx)
	if s == nil || s.cur == nil || s.cur.stmt == nil {
		return nil, fmt.Errorf("table %s.%s is read outside of a statement", b.db.name, b.m.Def.Name)
	}
	t, err := s.cur.openTable(ctx, b.m.Def.Schema, b.m.Def.Name)
	if err != nil {
		return nil, err
	}
	if t.Def().Version != b.m.Def.Version || t.Def().ID != b.m.Def.ID {
		return nil, table.ErrDefChanged
	}
	b.bound = t
	return t, nil
}

// unopened reports whether there is no statement to read data under: a statement is being prepared.
func (b *base) unopened(ctx *sql.Context) bool {
	s := sessionOf(ctx)
	return b.bound == nil && (s == nil || s.cur == nil || s.cur.stmt == nil)
}

// guessedRows is the size of a table that is only being planned for.
const guessedRows = 1000

// RowCount is the engine's estimate.
func (b *base) RowCount(ctx *sql.Context) (uint64, bool, error) {
	if b.unopened(ctx) {
		return guessedRows, false, nil
	}
	if previewing(ctx) {
		return 1, false, nil
	}
	t, err := b.ensure(ctx)
	if err != nil {
		return 0, false, skipMissing(err)
	}
	n, err := t.Count(ctx)
	return n, false, err
}

func (b *base) DataLength(ctx *sql.Context) (uint64, error) {
	if b.unopened(ctx) {
		return guessedRows * 100, nil
	}
	if previewing(ctx) {
		return 1, nil
	}
	t, err := b.ensure(ctx)
	if err != nil {
		return 0, skipMissing(err)
	}
	n, _, err := t.Bytes(ctx)
	return n, err
}

// previewing reports that only the columns of a result are wanted, which no plan changes: statistics are not asked for.
func previewing(ctx *sql.Context) bool {
	s := sessionOf(ctx)
	return s != nil && s.cur != nil && s.cur.previewing
}

// skipMissing forgives a table that went between a listing and its statistics.
func skipMissing(err error) error {
	if errors.Is(err, table.ErrNoTable) || errors.Is(err, table.ErrNoSchema) || errors.Is(err, table.ErrDefChanged) {
		return nil
	}
	return err
}

func (b *base) GetChecks(*sql.Context) ([]sql.CheckDefinition, error) {
	out := make([]sql.CheckDefinition, 0, len(b.m.Attrs.Checks))
	for _, c := range b.m.Attrs.Checks {
		out = append(out, sql.CheckDefinition{Name: c.Name, CheckExpression: c.Expr, Enforced: !c.NotEnforced})
	}
	return out, nil
}

// PeekNextAutoIncrementValue is what SHOW CREATE TABLE prints.
func (b *base) PeekNextAutoIncrementValue(ctx *sql.Context) (uint64, error) {
	if b.unopened(ctx) {
		return 0, nil
	}
	t, err := b.ensure(ctx)
	if err != nil {
		return 0, skipMissing(err)
	}
	n, err := t.AutoInc()
	return min(n, lastAuto(b.m)), err
}

// lastAuto is the highest value that the AUTO_INCREMENT column can hold: the counter shown never passes it.
func lastAuto(m *tabledef.Table) uint64 {
	if m.Def.AutoInc < 0 {
		return math.MaxUint64
	}
	if n, ok := datum.Integer(field.Limit(m.Schema[m.Def.AutoInc].Type, nil, sql.Overflow)); ok {
		return uint64(n)
	}
	return math.MaxUint64
}

// GetNextAutoIncrementValue reserves a value, or raises the counter above one that was given.
func (b *base) GetNextAutoIncrementValue(ctx *sql.Context, given any) (uint64, error) {
	t, err := b.ensure(ctx)
	if err != nil {
		return 0, err
	}
	if given == nil {
		return t.NextAutoInc(ctx, 1)
	}
	v, _, err := sqlUint64.Convert(ctx, given)
	if err != nil {
		return 0, err
	}
	n := v.(uint64)
	if err := t.SetAutoInc(ctx, n, false); err != nil {
		return 0, err
	}
	return n, nil
}

func (b *base) AutoIncrementSetter(*sql.Context) sql.AutoIncrementSetter { return autoIncSetter{b} }

type autoIncSetter struct{ b *base }

func (a autoIncSetter) SetAutoIncrementValue(ctx *sql.Context, v uint64) error {
	t, err := a.b.ensure(ctx)
	if err != nil {
		return err
	}
	return t.SetAutoInc(ctx, v-1, true)
}

func (autoIncSetter) AcquireAutoIncrementLock(*sql.Context) (func(), error) { return func() {}, nil }
func (autoIncSetter) Close(*sql.Context) error                              { return nil }

// GetDeclaredForeignKeys returns this table's own foreign keys in the order in which InnoDB checks them.
func (b *base) GetDeclaredForeignKeys(ctx *sql.Context) ([]sql.ForeignKeyConstraint, error) {
	out := make([]sql.ForeignKeyConstraint, 0, len(b.m.Attrs.FKs))
	for i := range b.m.Attrs.FKs {
		out = append(out, constraintOf(&b.m.Attrs.FKs[i], ctx, b.m.Def))
	}
	inCheckOrder(b.m.Def, out, func(f *sql.ForeignKeyConstraint) []string { return f.Columns })
	return out, nil
}

func constraintOf(f *tabledef.ForeignKey, ctx *sql.Context, d *table.Def) sql.ForeignKeyConstraint {
	name := f.Name
	if s := sessionOf(ctx); s != nil && s.cur != nil && s.cur.st != nil && s.cur.phase == analyzing && s.cur.st.Class == Write {
		name = foreignID(d.Schema, d.Name, name)
	}
	return sql.ForeignKeyConstraint{Name: name, Database: d.Schema, Table: d.Name, Columns: f.Columns, ParentDatabase: f.ParentSchema,
		ParentTable: f.ParentTable, ParentColumns: f.ParentColumns, OnUpdate: tabledef.RefAction(f.OnUpdate), OnDelete: tabledef.RefAction(f.OnDelete),
		IsResolved: true}
}

// GetReferencedForeignKeys returns the foreign keys of other tables that point here.
func (b *base) GetReferencedForeignKeys(ctx *sql.Context) ([]sql.ForeignKeyConstraint, error) {
	var out []sql.ForeignKeyConstraint
	for _, child := range b.m.Def.ReferBy {
		schema, name, _ := strings.Cut(child, ".")
		d, err := b.db.e.catalog.Definition(ctx, schema, name)
		if skipMissing(err) != nil {
			return nil, err
		}
		if err != nil {
			continue
		}
		var a tabledef.Attrs
		if err := tabledef.Decode(d.Attrs, &a); err != nil {
			return nil, err
		}
		for i := range a.FKs {
			if f := &a.FKs[i]; f.ParentSchema == b.m.Def.Schema && f.ParentTable == b.m.Def.Name {
				out = append(out, constraintOf(f, ctx, d))
			}
		}
	}
	inCheckOrder(b.m.Def, out, func(f *sql.ForeignKeyConstraint) []string { return f.ParentColumns })
	return out, nil
}

var errDDLPath = errors.New("this change goes through ALTER TABLE")

func (b *base) CreateIndexForForeignKey(*sql.Context, sql.IndexDef) error             { return errDDLPath }
func (b *base) AddForeignKey(*sql.Context, sql.ForeignKeyConstraint) error            { return errDDLPath }
func (b *base) DropForeignKey(*sql.Context, string, string, string) error             { return errDDLPath }
func (b *base) UpdateForeignKey(*sql.Context, string, sql.ForeignKeyConstraint) error { return nil }

func (t *userTable) GetForeignKeyEditor(ctx *sql.Context) sql.ForeignKeyEditor { return t.editor() }
func (t *userTable) Inserter(*sql.Context) sql.RowInserter                     { return t.editor() }
func (t *userTable) Replacer(*sql.Context) sql.RowReplacer                     { return t.editor() }
func (t *userTable) Updater(*sql.Context) sql.RowUpdater                       { return t.editor() }
func (t *userTable) Deleter(*sql.Context) sql.RowDeleter                       { return t.editor() }
