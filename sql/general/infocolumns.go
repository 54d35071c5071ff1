package general

import (
	"cmp"
	"slices"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/planbuilder"
	"github.com/dolthub/go-mysql-server/sql/types"
	"github.com/dolthub/vitess/go/sqltypes"

	"github.com/zoryadb/zorya/sql/grammar"
	"github.com/zoryadb/zorya/sql/tabledef"
)

// infoColumnsTable is information_schema.COLUMNS. The library's resolves the defaults of every table of every database before the first row; here
// rows are made table by table of the dictionary's definitions, of the tables in the statement's scope alone, and no table is opened.
type infoColumnsTable struct {
	sql.Table // the library's, for name and columns
	e         *Engine
}

func (t *infoColumnsTable) Partitions(*sql.Context) (sql.PartitionIter, error) {
	return &partitions{}, nil
}

func (t *infoColumnsTable) PartitionRows(c *sql.Context, _ sql.Partition) (sql.RowIter, error) {
	return &infoColumnsRows{infoWalk: infoWalk{databases: t.e.listedDatabases(c), e: t.e, opens: true}}, nil
}

// infoColumnsRows makes the rows of a table or view at a time.
type infoColumnsRows struct {
	infoWalk
	ready []sql.Row // of the one that was read last
}

func (r *infoColumnsRows) Close(*sql.Context) error { return nil }

func (r *infoColumnsRows) Next(c *sql.Context) (sql.Row, error) {
	for len(r.ready) == 0 {
		name, view, err := r.next(c)
		if err != nil {
			return nil, err
		}
		if view != nil {
			r.ready = r.view(c, view)
		} else if r.ready, err = r.table(c, name); skipMissing(err) != nil { // dropped since its name was listed
			return nil, err
		}
	}
	row := r.ready[0]
	r.ready = r.ready[1:]
	return row, nil
}

// table makes the rows of a table.
func (r *infoColumnsRows) table(c *sql.Context, name string) ([]sql.Row, error) {
	schema := r.db.Name()
	if grammar.SystemSchema(schema) {
		t, ok, err := r.db.GetTableInsensitive(c, name)
		if err != nil || !ok {
			return nil, err
		}
		return infoColumnRows(c, schema, t.Name(), plainColumns(t.Schema(c))), nil
	}
	d, err := r.e.catalog.Definition(c, schema, name)
	if err != nil {
		return nil, err
	}
	m, err := r.e.metas.Get(c, d)
	if err != nil {
		return nil, err
	}
	return infoColumnRows(c, schema, d.Name, infoColumnsOf(m)), nil
}

// view makes the rows of a view: none if what it selects from is gone.
func (r *infoColumnsRows) view(c *sql.Context, v *sql.ViewDefinition) []sql.Row {
	defer c.SetCurrentDatabase(c.GetCurrentDatabase()) // names within are of the view's own schema, whatever the session's
	c.SetCurrentDatabase(r.db.Name())
	node, _, _, _, err := planbuilder.New(c, r.e.gms.Analyzer.Catalog, nil).Parse(v.CreateViewStatement, nil, false)
	if err != nil {
		return nil
	}
	create, ok := node.(*plan.CreateView)
	if !ok {
		return nil
	}
	return infoColumnRows(c, r.db.Name(), v.Name, plainColumns(create.TargetSchema()))
}

// infoColumn is what information_schema.COLUMNS tells of a column. The rest follows from its type.
type infoColumn struct {
	*sql.Column
	attrs *tabledef.Column
	key   string
	def   any
	extra string
}

func plainColumns(schema sql.Schema) []infoColumn {
	out := make([]infoColumn, len(schema))
	for i, col := range schema {
		out[i] = infoColumn{Column: col, attrs: &tabledef.Column{}, extra: col.Extra}
		if col.PrimaryKey {
			out[i].key = "PRI"
		}
	}
	return out
}

func infoColumnsOf(m *tabledef.Table) []infoColumn {
	out := make([]infoColumn, 0, len(m.Schema))
	for i, col := range m.Schema {
		if !col.HiddenSystem {
			out = append(out, infoColumn{Column: col, attrs: &m.Columns[i], key: m.Key(i), def: m.ShownDefault(i), extra: m.Extra(i)})
		}
	}
	return out
}

func infoColumnRows(c *sql.Context, schema, name string, columns []infoColumn) []sql.Row {
	may := mayColumns(c, schema, name)
	out := make([]sql.Row, 0, len(columns))
	for i := range columns {
		col := &columns[i]
		privileges := may(col.Name)
		if privileges == "" {
			continue
		}
		null := "NO"
		if col.Nullable {
			null = "YES"
		}
		kind := col.typeText()
		charset, collation, chars, octets := col.text(c)
		precision, scale := col.precision()
		var srid any
		if id, bound := tabledef.SpatialRef(col.Type); bound {
			srid = id
		}
		out = append(out, sql.Row{"def", schema, name, col.Name, uint32(i + 1), col.def, null, typeWord(kind), chars, octets, precision, scale, col.fraction(), charset, collation,
			kind, col.key, col.extra, privileges, cmp.Or(col.attrs.Comment, col.Comment), grammar.JSONValueText(generation(col.attrs.Generated)), srid})
	}
	return out
}

// typeWord is the first word of a type's text.
func typeWord(text string) string {
	word, _, _ := strings.Cut(text, "(")
	word, _, _ = strings.Cut(word, " ")
	return word
}

// typeText is the type without its collation.
func (col *infoColumn) typeText() string {
	own := sql.Collation_Unspecified
	if ct, ok := col.Type.(sql.TypeWithCollation); ok && !types.IsBinaryType(col.Type) {
		own = ct.Collation()
	}
	return col.attrs.Declared(col.Type, own)
}

// text is what is told of types of text; NULLs for others.
func (col *infoColumn) text(c *sql.Context) (charset, collation, chars, octets any) {
	t := col.Type
	if types.IsJSON(t) {
		return nil, nil, nil, nil
	}
	if ct, ok := t.(sql.TypeWithCollation); ok && !types.IsBinaryType(t) {
		charset, collation = ct.Collation().CharacterSet().String(), ct.Collation().Name()
		if types.IsEnum(t) || types.IsSet(t) {
			n := int64(t.MaxTextResponseByteLength(c))
			return charset, collation, n / ct.Collation().CharacterSet().MaxLength(), n
		}
	}
	if st, ok := t.(sql.StringType); ok && t.Type() == sqltypes.Text { // bounded in bytes
		return charset, collation, st.MaxByteLength(), st.MaxByteLength()
	} else if ok {
		return charset, collation, st.MaxCharacterLength(), st.MaxByteLength()
	}
	return charset, collation, nil, nil
}

// wholePrecision is NUMERIC_PRECISION of whole and floating numbers.
func wholePrecision(t sql.Type) int {
	switch t.Type() {
	case sqltypes.Int8, sqltypes.Uint8:
		return 3
	case sqltypes.Int16, sqltypes.Uint16:
		return 5
	case sqltypes.Int24, sqltypes.Uint24:
		return 7
	case sqltypes.Int32, sqltypes.Uint32:
		return 10
	case sqltypes.Int64:
		return 19
	case sqltypes.Uint64:
		return 20
	case sqltypes.Float32:
		return 12
	case sqltypes.Float64:
		return 22
	}
	return 0
}

func (col *infoColumn) precision() (precision, scale any) {
	switch t := col.Type.(type) {
	case types.BitType:
		return int(t.NumberOfBits()), nil
	case sql.DecimalType:
		return int(t.Precision()), int(t.Scale())
	}
	n := wholePrecision(col.Type)
	switch {
	case n == 0:
		return nil, nil
	case types.IsFloat(col.Type):
		return n, nil
	}
	return n, 0
}

// fraction is DATETIME_PRECISION.
func (col *infoColumn) fraction() any {
	if types.IsTimespan(col.Type) {
		return col.attrs.Fraction
	}
	if t, ok := col.Type.(sql.DatetimeType); ok && t.Type() != sqltypes.Date {
		return t.Precision()
	}
	return nil
}

// generation is GENERATION_EXPRESSION.
func generation(expr string) string {
	if strings.HasPrefix(expr, "(") && tabledef.Closes(expr) {
		return expr[1 : len(expr)-1]
	}
	return expr
}

// mayColumns tells what the session's account may do with each column of a table.
func mayColumns(c *sql.Context, schema, name string) func(column string) string {
	all := []sql.PrivilegeType{sql.PrivilegeType_Select, sql.PrivilegeType_Insert, sql.PrivilegeType_Update, sql.PrivilegeType_References}
	texts := func(has func(p sql.PrivilegeType) bool) string {
		var out []string
		for _, p := range all {
			if has(p) {
				out = append(out, strings.ToLower(p.String()))
			}
		}
		return strings.Join(out, ",")
	}
	s := sessionOf(c)
	if s == nil || s.login.AccountUser == "" && s.login.AccountHost == "" {
		return func(string) string { return texts(func(sql.PrivilegeType) bool { return true }) }
	}
	set := s.e.mysqlDB().UserActivePrivilegeSet(c)
	db := set.Database(schema)
	table := db.Table(name)
	whole := texts(func(p sql.PrivilegeType) bool {
		return set.Has(p) || db.Has(p) || table.Has(p) || strings.EqualFold(schema, sql.InformationSchemaDatabaseName) && p == sql.PrivilegeType_Select
	})
	return func(column string) string {
		own := table.Column(column)
		if len(own.ToSlice()) == 0 {
			return whole
		}
		return texts(func(p sql.PrivilegeType) bool {
			return own.Has(p) || slices.Contains(strings.Split(whole, ","), strings.ToLower(p.String()))
		})
	}
}
