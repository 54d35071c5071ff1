package general

import (
	"errors"
	"strings"
	"time"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/types"
	"github.com/dolthub/vitess/go/sqltypes"
	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/field"
	"github.com/zoryadb/zorya/sql/item"
	"github.com/zoryadb/zorya/sql/loadfile"
	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/tabledef"
)

// LOAD DATA LOCAL straight onto the table layer: a file's fields become datums, by the rules of store.go for whatever is not
// plain. What a table has beyond columns and indexes (triggers, foreign keys, checks, generated columns) is the library's affair; so
// are files of the server.

// loader is one LOAD DATA.
type loader struct {
	s     *Session
	c     *sql.Context
	m     *tabledef.Table
	t     table.Table
	st    *field.Store
	in    *loadfile.Reader
	loc   *time.Location
	cols  []loadColumn  // of the table
	dest  []loadDest    // of a line's fields
	sets  []loadSet     // SET
	base  []row.Datum   // what columns hold that the file does not name
	vals  sql.Row       // for SET
	auto  autoReserve   // AUTO_INCREMENT
	dup   duplicateRule // IGNORE, REPLACE or neither
	rows  [][]row.Datum // not yet inserted; they lie in cells, their bytes in bytes
	cells []row.Datum
	bytes []byte
	res   Result
	stats struct{ records, deleted, skipped uint64 }
}

type duplicateRule uint8

const (
	loadFail duplicateRule = iota
	loadIgnore
	loadReplace
)

// loadDest is where a field goes: a column, or a user variable.
type loadDest struct {
	column int // -1: a variable
	name   string
}

type loadSet struct {
	column int
	expr   sql.Expression
}

// loadForm is how a column's text is read without the library.
type loadForm uint8

const (
	loadSlow loadForm = iota
	loadInt
	loadUint
	loadText
	loadChar
	loadBlob
	loadMoment
)

type loadColumn struct {
	form      loadForm
	low, high row.Datum
	max       int // characters, or bytes of a blob
}

// autoReserve takes AUTO_INCREMENT values ahead, more each time, as InnoDB does for inserts whose number of rows is not known.
type autoReserve struct {
	column     int
	zeroIsZero bool // NO_AUTO_VALUE_ON_ZERO
	next, left uint64
	step       uint64
	first      uint64
}

// runLoad executes a LOAD DATA LOCAL that this package understands; done is false for others.
func (s *Session) runLoad(c *sql.Context, x *execution, n *sqlparser.Load) (res *Result, done bool, err error) {
	if !bool(n.Local) || s.hooks.LocalFile == nil || len(n.Partition) > 0 {
		return nil, false, nil
	}
	schema, err := s.schemaFor(n.Table)
	if err != nil {
		return nil, true, err
	}
	l := &loader{s: s, c: c, loc: item.Location(c)}
	ok, err := l.open(x, n, schema)
	if err != nil || !ok {
		return nil, err != nil, err
	}
	if err := s.authorize(c, sqlparser.AuthInformation{AuthType: sqlparser.AuthType_INSERT, TargetType: sqlparser.AuthTargetType_SingleTableIdentifier,
		TargetNames: []string{schema, n.Table.Name.String()}}); err != nil {
		return nil, true, err
	}
	f, err := s.hooks.LocalFile(x.ctx, n.Infile)
	if err != nil {
		return nil, true, err
	}
	defer f.Close()
	l.in.Reset(f)
	err = l.run(n)
	if l.auto.left > 0 && len(l.m.Attrs.Parts) > 0 { // see autoValues.release
		err = errors.Join(err, l.t.ReleaseAutoInc(c, l.auto.next, l.auto.next+l.auto.left))
	}
	if err != nil {
		return nil, true, err
	}
	return l.result(), true, nil
}

func (l *loader) result() *Result {
	l.res.Affected = l.stats.records - l.stats.skipped + l.stats.deleted
	l.res.InsertID = l.auto.first
	l.res.Info = mysqlerr.New(mysqlerr.ER_LOAD_INFO, l.stats.records, l.stats.deleted, l.stats.skipped, l.c.Session.WarningCount()).Message
	q := l.s.gms.GetLastQueryInfo()
	q.RowCount.Store(int64(l.res.Affected))
	if l.auto.first != 0 {
		q.LastInsertId.Store(int64(l.auto.first))
	}
	return &l.res
}

// open looks at the table and the clauses. ok is false when the library is to do it.
func (l *loader) open(x *execution, n *sqlparser.Load, schema string) (ok bool, err error) {
	name := n.Table.Name.String()
	if l.s.temps[tempKey(schema, name)] != nil {
		return false, nil
	}
	if l.t, err = x.openTable(l.c, schema, name); err != nil {
		return false, nil // its own error, or a view
	}
	if l.m, err = l.s.e.metas.Get(l.c, l.t.Def()); err != nil {
		return false, err
	}
	d := l.m.Def
	if d.Triggers || len(d.ReferTo) > 0 || len(d.ReferBy) > 0 || len(l.m.Attrs.Checks) > 0 || l.m.Virtual {
		return false, nil
	}
	switch strings.ToLower(n.Charset) {
	case "", "utf8", "utf8mb3", "utf8mb4", "ascii", "binary":
	default:
		return false, nil
	}
	f, ok := formatOf(n)
	if !ok {
		return false, nil
	}
	l.in = loadfile.NewReader(strings.NewReader(""), f)
	switch strings.ToUpper(strings.TrimSpace(n.IgnoreOrReplace)) {
	case "REPLACE":
		l.dup = loadReplace
	default: // LOCAL: the client cannot be stopped, so it is as if IGNORE was said
		l.dup = loadIgnore
	}
	l.st = field.New(l.c, l.m, l.dup == loadIgnore)
	l.st.Holds = true
	l.auto = autoReserve{column: d.AutoInc, step: 1, zeroIsZero: field.Modes(l.c)["NO_AUTO_VALUE_ON_ZERO"]}
	return l.columns(n)
}

// formatOf reads the FIELDS and LINES clauses.
func formatOf(n *sqlparser.Load) (f loadfile.Format, ok bool) {
	f = loadfile.Format{FieldEnd: []byte("\t"), LineEnd: []byte("\n"), Escaped: '\\'}
	one := func(v *sqlparser.SQLVal, dst *byte) bool {
		if len(v.Val) > 1 {
			return false
		}
		*dst = 0
		if len(v.Val) == 1 {
			*dst = v.Val[0]
		}
		return true
	}
	if n.Fields != nil {
		if v := n.Fields.TerminatedBy; v != nil {
			f.FieldEnd = v.Val
		}
		if e := n.Fields.EnclosedBy; e != nil && e.Delim != nil && !one(e.Delim, &f.Enclosed) {
			return f, false
		}
		if v := n.Fields.EscapedBy; v != nil && !one(v, &f.Escaped) {
			return f, false
		}
	}
	if n.Lines != nil {
		if v := n.Lines.StartingBy; v != nil {
			f.LineStart = v.Val
		}
		if v := n.Lines.TerminatedBy; v != nil {
			f.LineEnd = v.Val
		}
	}
	if len(f.FieldEnd) > 0 && len(f.LineEnd) == 0 {
		f.LineEnd = f.FieldEnd
	}
	return f, len(f.FieldEnd) > 0 // else rows of fixed width
}

// columns maps fields to columns and variables, and finds what the other columns hold.
func (l *loader) columns(n *sqlparser.Load) (ok bool, err error) {
	m := l.m
	given := make([]bool, len(m.Schema))
	if len(n.Columns) == 0 {
		for i := range m.Schema {
			if !sql.IsHiddenSystemColumn(m.Schema[i].Name) && !m.Columns[i].Invisible {
				l.dest = append(l.dest, loadDest{column: i})
				given[i] = true
			}
		}
	}
	for _, col := range n.Columns {
		name := col.String()
		if strings.HasPrefix(name, "@") {
			l.dest = append(l.dest, loadDest{column: -1, name: name[1:]})
			continue
		}
		i := tabledef.Position(m.Def, name)
		if i < 0 {
			return false, mysqlerr.New(mysqlerr.ER_BAD_FIELD_ERROR, name, "field list")
		}
		l.dest = append(l.dest, loadDest{column: i})
		given[i] = true
	}
	for _, e := range n.SetExprs {
		if i := tabledef.Position(m.Def, e.Name.Name.String()); i >= 0 {
			given[i] = true
		}
	}
	if ok, err := l.setExprs(n); err != nil || !ok {
		return false, err
	}
	l.cols = make([]loadColumn, len(m.Schema))
	l.base = make([]row.Datum, len(m.Schema))
	for i := range m.Schema {
		if m.Columns[i].Generated != "" {
			return false, nil
		}
		l.cols[i] = l.columnForm(i)
		l.base[i] = row.NullDatum
		if ok, err := l.setDefault(i, given[i]); err != nil || !ok {
			return false, err
		}
	}
	return true, nil
}

// setDefault finds what column i holds in rows that say nothing of it.
func (l *loader) setDefault(i int, given bool) (ok bool, err error) {
	m := l.m
	at := &m.Columns[i]
	switch {
	case i == l.auto.column:
		return true, nil
	case at.Default != "":
		upper := strings.ToUpper(strings.TrimLeft(at.Default, "("))
		if !at.Literal && !strings.HasPrefix(upper, "CURRENT_TIMESTAMP") && !strings.HasPrefix(upper, "NOW") {
			return given, nil // one value a row
		}
		defaults, err := l.s.evalDefaults(l.c, m)
		if err != nil {
			return false, err
		}
		v, err := defaults[i].Eval(l.c, nil)
		if err != nil {
			return false, err
		}
		l.base[i], err = m.Codecs[i].Encode(l.c, v, l.loc)
		return true, err
	case m.Def.Columns[i].Nullable:
		return true, nil
	}
	if !given {
		if e := mysqlerr.New(mysqlerr.ER_NO_DEFAULT_FOR_FIELD, m.Schema[i].Name); l.st.Strict {
			return false, e
		}
	}
	l.base[i], err = m.Codecs[i].Encode(l.c, field.Zero(m.Schema[i].Type), nil)
	return true, err
}

// setExprs binds the SET clause. Expressions that cannot be bound to the table's columns alone are the library's.
func (l *loader) setExprs(n *sqlparser.Load) (ok bool, err error) {
	if len(n.SetExprs) == 0 {
		return true, nil
	}
	nm := *l.m
	nm.Schema = nm.Schema[:len(nm.Schema):len(nm.Schema)]
	for _, e := range n.SetExprs {
		i := tabledef.Position(l.m.Def, e.Name.Name.String())
		if i < 0 {
			return false, mysqlerr.New(mysqlerr.ER_BAD_FIELD_ERROR, e.Name.Name.String(), "field list")
		}
		l.sets = append(l.sets, loadSet{column: i})
		nm.Schema = append(nm.Schema, &sql.Column{Name: "!set", Type: types.LongText, Nullable: true, Source: l.m.Def.Name, DatabaseSource: l.m.Def.Schema,
			Generated: sql.NewUnresolvedColumnDefaultValue("(" + sqlparser.String(e.Expr) + ")")})
	}
	bound, err := l.s.computed(l.c, &nm, generatedOf)
	if err != nil {
		return false, nil
	}
	for i := range l.sets {
		x := bound[len(l.m.Schema)+i]
		if d, ok := x.(*sql.ColumnDefaultValue); ok {
			x = d.Expr // as it is: the column's own conversion follows
		}
		l.sets[i].expr = x
	}
	l.vals = make(sql.Row, len(l.m.Schema))
	return true, nil
}

// columnForm decides how a column's text is read.
func (l *loader) columnForm(i int) (k loadColumn) {
	t, codec := l.m.Schema[i].Type, &l.m.Codecs[i]
	tt, isText := t.(sql.StringType)
	switch base := t.Type(); {
	case types.IsInteger(t):
		k.form = loadInt
		if codec.Class == row.Uint {
			k.form = loadUint
		}
		var ok bool
		if k.low, k.high, ok = codec.Bounds(); !ok {
			k.form = loadSlow
		}
	case types.IsEnum(t), types.IsSet(t):
	case isText && (base == sqltypes.Char || base == sqltypes.VarChar || base == sqltypes.Text):
		switch tt.CharacterSet() {
		case sql.CharacterSet_utf8mb4, sql.CharacterSet_utf8mb3:
		default:
			return k
		}
		k.form, k.max = loadText, int(min(tt.MaxCharacterLength(), 1<<31))
		if base == sqltypes.Text {
			k.max = int(min(tt.MaxByteLength()/4, 1<<31))
		}
		if base == sqltypes.Char {
			k.form = loadChar
		}
	case isText && (base == sqltypes.VarBinary || base == sqltypes.Blob):
		k.form, k.max = loadBlob, int(min(tt.MaxByteLength(), 1<<31))
	case base == sqltypes.Datetime || base == sqltypes.Date:
		k.form = loadMoment
	}
	return k
}
