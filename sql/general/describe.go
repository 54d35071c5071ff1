package general

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/types"
	"github.com/dolthub/vitess/go/sqltypes"
	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/datum"
	"github.com/zoryadb/zorya/sql/grammar"
	"github.com/zoryadb/zorya/sql/lexer"
	"github.com/zoryadb/zorya/sql/sqltext"
	"github.com/zoryadb/zorya/sql/tabledef"
)

// DESCRIBE, SHOW COLUMNS, SHOW INDEX and SHOW TABLE STATUS from the dictionary: the library does not know prefixes, directions, display
// widths, how defaults were written, or how MySQL prints types.

var (
	varchars   = types.MustCreateString(sqltypes.VarChar, 64, sql.Collation_Information_Schema_Default)
	fieldNames = []string{"Field", "Type", "Null", "Key", "Default", "Extra"}
	fullNames  = []string{"Field", "Type", "Collation", "Null", "Key", "Default", "Extra", "Privileges", "Comment"}
)

// described reads what follows FROM or DESCRIBE: a table, then perhaps FROM schema, and the filter. what is the statement for the
// library, for tables that are not ours.
type described struct {
	schema, table string
	filter        string
}

func (s *Session) describedTable(t *lexer.Cursor) (d described, ok bool) {
	if d.schema, d.table, ok = t.Qualified(); !ok {
		return d, false
	}
	if t.Accept("FROM") || t.Accept("IN") {
		if d.schema, ok = t.Name(); !ok {
			return d, false
		}
	}
	return d, true
}

// filterOf reads LIKE or WHERE; column is what LIKE compares.
func filterOf(t *lexer.Cursor, column string) (filter string, ok bool) {
	switch {
	case t.Accept("LIKE"):
		return sqltext.Quote(column) + " LIKE " + t.Rest(), true
	case t.Accept("WHERE"):
		return t.Rest(), true
	}
	return "", t.End()
}

// ownDescribe: DESCRIBE t [column]. Anything else is EXPLAIN.
func (s *Session) ownDescribe(t *lexer.Cursor) (*Statement, error) {
	if k := t.Kind(1); k != lexer.Word && k != lexer.Quoted {
		return s.ownExplain(t)
	}
	switch t.Word(1) {
	case "SELECT", "INSERT", "REPLACE", "UPDATE", "DELETE", "WITH", "TABLE", "VALUES", "FORMAT", "ANALYZE", "EXTENDED", "PARTITIONS", "FOR", "PLAN":
		return s.ownExplain(t)
	}
	t.Pos++
	d, ok := s.describedTable(t)
	if !ok {
		return nil, s.wrong(t)
	}
	if !t.End() {
		name, ok := t.Name()
		if !ok {
			return nil, s.wrong(t)
		}
		d.filter = "`Field` LIKE " + sqltext.Literal(name)
	}
	return s.done(t, s.columnsStatement(d, false))
}

// ownShowColumns: SHOW [EXTENDED] [FULL] {COLUMNS | FIELDS} {FROM | IN} t [{FROM | IN} schema] [LIKE | WHERE].
func (s *Session) ownShowColumns(t *lexer.Cursor) (*Statement, error) {
	save := t.Pos
	t.Pos++
	t.Accept("EXTENDED")
	full := t.Accept("FULL")
	if !t.Accept("COLUMNS") && !t.Accept("FIELDS") {
		t.Pos = save
		return nil, nil
	}
	if !t.Accept("FROM") && !t.Accept("IN") {
		return nil, s.wrong(t)
	}
	d, ok := s.describedTable(t)
	if !ok {
		return nil, s.wrong(t)
	}
	if d.filter, ok = filterOf(t, "Field"); !ok {
		return nil, s.wrong(t)
	}
	return s.columnsStatement(d, full), nil
}

// ownShowIndex: SHOW [EXTENDED] {INDEX | INDEXES | KEYS} {FROM | IN} t [{FROM | IN} schema] [WHERE].
func (s *Session) ownShowIndex(t *lexer.Cursor) (*Statement, error) {
	t.Pos++
	t.Accept("EXTENDED")
	t.Pos++
	if !t.Accept("FROM") && !t.Accept("IN") {
		return nil, s.wrong(t)
	}
	d, ok := s.describedTable(t)
	if !ok {
		return nil, s.wrong(t)
	}
	if d.filter, ok = filterOf(t, "Key_name"); !ok {
		return nil, s.wrong(t)
	}
	return &Statement{run: func(c *sql.Context, s *Session, x *execution) (*Result, error) {
		m, _, err := s.described(c, x, &d)
		if err != nil {
			return nil, err
		}
		if m == nil {
			return s.library(c, x, "SHOW INDEX FROM "+sqltext.Quote(d.schema)+"."+sqltext.Quote(d.table))
		}
		list, err := s.indexRows(c, m)
		if err != nil {
			return nil, err
		}
		return s.selected(c, x, indexSchema, list, d.filter)
	}}, nil
}

func (s *Session) columnsStatement(d described, full bool) *Statement {
	return &Statement{run: func(c *sql.Context, s *Session, x *execution) (*Result, error) {
		m, _, err := s.described(c, x, &d)
		if err != nil {
			return nil, err
		}
		names, word := fieldNames, ""
		if full {
			names, word = fullNames, "FULL "
		}
		if m == nil {
			defer c.SetCurrentDatabase(c.GetCurrentDatabase()) // the library reads a view's text as if it were made in the default database
			c.SetCurrentDatabase(d.schema)
			text := "SHOW " + word + "COLUMNS FROM " + sqltext.Quote(d.schema) + "." + sqltext.Quote(d.table)
			schema, list, err := s.query(c, x, text)
			if err != nil {
				return nil, err
			}
			for _, r := range list {
				if i := strings.Index(fmt.Sprint(r[1]), " COLLATE "); i >= 0 {
					r[1] = fmt.Sprint(r[1])[:i]
				}
			}
			return s.selected(c, x, schema, list, d.filter)
		}
		schema := make(sql.Schema, len(names))
		for i, n := range names {
			schema[i] = &sql.Column{Name: n, Type: varchars, Nullable: n == "Default" || n == "Collation"}
			if n == "Type" || n == "Default" || n == "Comment" {
				schema[i].Type = types.Text
			}
		}
		var list []sql.Row
		for i, col := range m.Schema {
			if !col.HiddenSystem {
				list = append(list, describeColumn(m, i, full))
			}
		}
		return s.selected(c, x, schema, list, d.filter)
	}}
}

// described finds the definition; m is nil for views and system tables. It fills in the schema.
func (s *Session) described(c *sql.Context, x *execution, d *described) (m *tabledef.Table, t *table.Def, err error) {
	if d.schema == "" {
		d.schema = c.GetCurrentDatabase()
	}
	if grammar.SystemSchema(d.schema) {
		return nil, nil, nil
	}
	db, err := s.schemaNamed(c, d.schema)
	if err != nil {
		return nil, nil, err
	}
	d.schema = db.name
	auth := sqlparser.AuthInformation{AuthType: sqlparser.AuthType_SELECT, TargetType: sqlparser.AuthTargetType_SingleTableIdentifier,
		TargetNames: []string{db.name, "", d.table}}
	if err := s.authorize(c, auth); err != nil {
		return nil, nil, err
	}
	if temp := s.temps[tempKey(db.name, d.table)]; temp != nil {
		t = temp.def
	} else {
		if o, err := s.e.object(c, kindView, db.name, d.table); err != nil || o != nil {
			return nil, nil, err
		}
		if t, err = s.definition(c, db.name, d.table); err != nil {
			return nil, nil, err
		}
	}
	m, err = s.e.metas.Get(c, t)
	return m, t, err
}

// library runs a statement of the library's.
func (s *Session) library(c *sql.Context, x *execution, text string) (*Result, error) {
	ast, err := s.e.parseOne(c, text)
	if err != nil {
		return nil, err
	}
	node, flags, err := s.analyze(c, x, ast, text)
	if err != nil {
		return nil, err
	}
	return s.runPlan(c, x, node, flags)
}

// selected answers with those of the rows that pass the filter, which is evaluated over a derived table of them.
func (s *Session) selected(c *sql.Context, x *execution, schema sql.Schema, list []sql.Row, filter string) (*Result, error) {
	if filter == "" || len(list) == 0 {
		return s.rowsOf(c, x, schema, list), nil
	}
	selects := make([]string, len(list))
	for i, r := range list {
		cols := make([]string, len(r)+1)
		cols[0] = fmt.Sprintf("%d AS `zorya row`", i)
		for j, v := range r {
			cols[j+1] = sqlLiteral(c, schema[j].Type, v) + " AS " + sqltext.Quote(schema[j].Name)
		}
		selects[i] = "SELECT " + strings.Join(cols, ", ")
	}
	text := "SELECT `zorya row` FROM (" + strings.Join(selects, " UNION ALL ") + ") AS t WHERE " + filter
	_, found, err := s.query(c, x, text)
	if err != nil {
		return nil, err
	}
	out := make([]sql.Row, 0, len(found))
	for _, r := range found {
		if i, ok := datum.Integer(r[0]); ok && i >= 0 && i < int64(len(list)) {
			out = append(out, list[i])
		}
	}
	return s.rowsOf(c, x, schema, out), nil
}

// describeColumn is a row of SHOW [FULL] COLUMNS.
func describeColumn(m *tabledef.Table, i int, full bool) sql.Row {
	col, a := m.Schema[i], &m.Columns[i]
	null := "NO"
	if col.Nullable {
		null = "YES"
	}
	var coll any
	own := sql.Collation_Unspecified
	if ct, ok := col.Type.(sql.TypeWithCollation); ok && !types.IsBinaryType(col.Type) {
		own = ct.Collation()
		coll = own.Name()
	}
	kind := m.Declared(i, own)
	if !full {
		return sql.Row{col.Name, kind, null, m.Key(i), m.ShownDefault(i), m.Extra(i)}
	}
	return sql.Row{col.Name, kind, coll, null, m.Key(i), m.ShownDefault(i), m.Extra(i), "select,insert,update,references", a.Comment}
}

var indexSchema = sql.Schema{{Name: "Table", Type: varchars}, {Name: "Non_unique", Type: types.Int64}, {Name: "Key_name", Type: varchars, Nullable: true},
	{Name: "Seq_in_index", Type: types.Uint32}, {Name: "Column_name", Type: varchars, Nullable: true}, {Name: "Collation", Type: varchars, Nullable: true},
	{Name: "Cardinality", Type: types.Int64, Nullable: true}, {Name: "Sub_part", Type: types.Int64, Nullable: true}, {Name: "Packed", Type: types.Null, Nullable: true},
	{Name: "Null", Type: varchars}, {Name: "Index_type", Type: varchars}, {Name: "Comment", Type: varchars}, {Name: "Index_comment", Type: types.Text},
	{Name: "Visible", Type: varchars}, {Name: "Expression", Type: types.LongText, Nullable: true}}

// indexRows are the rows of SHOW INDEX.
func (s *Session) indexRows(c *sql.Context, m *tabledef.Table) ([]sql.Row, error) {
	var st table.Statistics
	if s.cur != nil && s.cur.stmt != nil && !previewing(c) {
		err := s.cur.look(c, m.Def.Schema, m.Def.Name, func(t table.Table) (err error) {
			st, err = s.e.statisticsOf(c, t)
			return err
		})
		if skipMissing(err) != nil && !errors.Is(err, table.ErrLockTimeout) {
			return nil, err
		}
	}
	var out []sql.Row
	for j := range m.Def.Indexes {
		ix, a := &m.Def.Indexes[j], &m.Indexes[j]
		if ix.Hidden {
			continue
		}
		for k, p := range ix.Parts {
			col := m.Schema[p.Column]
			var name, coll, count, part, expr any = col.Name, "A", int64(0), nil, nil
			if j < len(st.Distinct) && k < len(st.Distinct[j]) {
				count = int64(st.Distinct[j][k])
			}
			kind, null, visible, unique := "BTREE", "", "YES", int64(1)
			if ix.Unique {
				unique = 0
			}
			if p.Desc {
				coll = "D"
			}
			if p.Prefix > 0 {
				part = int64(p.Prefix)
			}
			if col.Nullable {
				null = "YES"
			}
			switch {
			case a.Fulltext:
				kind, coll, part, count = "FULLTEXT", nil, nil, int64(st.Rows)
			case a.Spatial:
				kind, part = "SPATIAL", int64(32)
			case a.Hash:
				kind = "BTREE" // as InnoDB answers to USING HASH
			}
			if a.Invisible {
				visible = "NO"
			}
			if col.HiddenSystem {
				name, expr = nil, tabledef.Bare(grammar.JSONValueText(tabledef.ArrayText(m.Columns[p.Column].Generated)))
			}
			out = append(out, sql.Row{m.Def.Name, unique, ix.Name, uint32(k + 1), name, coll, count, part, nil, null, kind, "", a.Comment, visible, expr})
		}
	}
	return out, nil
}

var statusSchema = sql.Schema{{Name: "Name", Type: varchars}, {Name: "Engine", Type: varchars, Nullable: true}, {Name: "Version", Type: types.Uint64, Nullable: true},
	{Name: "Row_format", Type: varchars, Nullable: true}, {Name: "Rows", Type: types.Uint64, Nullable: true}, {Name: "Avg_row_length", Type: types.Uint64, Nullable: true},
	{Name: "Data_length", Type: types.Uint64, Nullable: true}, {Name: "Max_data_length", Type: types.Uint64, Nullable: true},
	{Name: "Index_length", Type: types.Uint64, Nullable: true}, {Name: "Data_free", Type: types.Uint64, Nullable: true},
	{Name: "Auto_increment", Type: types.Uint64, Nullable: true}, {Name: "Create_time", Type: types.Datetime, Nullable: true},
	{Name: "Update_time", Type: types.Datetime, Nullable: true}, {Name: "Check_time", Type: types.Datetime, Nullable: true},
	{Name: "Collation", Type: varchars, Nullable: true}, {Name: "Checksum", Type: types.Uint64, Nullable: true},
	{Name: "Create_options", Type: varchars, Nullable: true}, {Name: "Comment", Type: types.Text}}

// ownShowStatus: SHOW TABLE STATUS [{FROM | IN} schema] [LIKE | WHERE].
func (s *Session) ownShowStatus(t *lexer.Cursor) (*Statement, error) {
	t.Pos += 3
	schema := ""
	if t.Accept("FROM") || t.Accept("IN") {
		var ok bool
		if schema, ok = t.Name(); !ok {
			return nil, s.wrong(t)
		}
	}
	filter, ok := filterOf(t, "Name")
	if !ok {
		return nil, s.wrong(t)
	}
	return &Statement{run: func(c *sql.Context, s *Session, x *execution) (*Result, error) {
		name := cmp.Or(schema, c.GetCurrentDatabase())
		if grammar.SystemSchema(name) {
			list, err := s.systemStatusRows(c, name)
			if err != nil {
				return nil, err
			}
			return s.selected(c, x, statusSchema, list, filter)
		}
		db, err := s.schemaNamed(c, name)
		if err != nil {
			return nil, err
		}
		list, err := s.statusRows(c, x, db)
		if err != nil {
			return nil, err
		}
		return s.selected(c, x, statusSchema, list, filter)
	}}, nil
}

func (s *Session) statusRows(c *sql.Context, x *execution, db *database) ([]sql.Row, error) {
	names, err := db.GetTableNames(c)
	if err != nil {
		return nil, err
	}
	var out []sql.Row
	for _, name := range names {
		if err := s.authorize(c, sqlparser.AuthInformation{AuthType: sqlparser.AuthType_SELECT, TargetType: sqlparser.AuthTargetType_SingleTableIdentifier,
			TargetNames: []string{db.name, "", name}}); err != nil {
			continue // not listed for those who may not read it
		}
		d, err := s.e.catalog.Definition(c, db.name, name)
		if err != nil {
			continue // dropped meanwhile
		}
		r, err := s.statusRow(c, x, d)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	views, err := s.e.objects(c, kindView, db.name)
	if err != nil {
		return nil, err
	}
	for _, v := range views {
		r := make(sql.Row, len(statusSchema))
		r[0], r[11], r[len(r)-1] = v.Name, v.Created, "VIEW"
		out = append(out, r)
	}
	return out, nil
}

// statusRow is a table's row of SHOW TABLE STATUS: the counts are the engine's estimates.
func (s *Session) statusRow(c *sql.Context, x *execution, d *table.Def) (sql.Row, error) {
	m, err := s.e.metas.Get(c, d)
	if err != nil {
		return nil, err
	}
	z, err := x.sizes(c, d.Schema, d.Name)
	if err != nil {
		return nil, err
	}
	var auto any
	if z.auto > 0 {
		auto = z.auto
	}
	return sql.Row{d.Name, "InnoDB", uint64(10), m.RowFormat(), z.rows, z.average(), z.data, uint64(0), z.index, uint64(0), auto, d.Created.UTC().Truncate(1e9), nil, nil,
		sql.CollationID(m.Attrs.Collation).Name(), nil, m.CreateOptions(), m.Attrs.Comment}, nil
}
