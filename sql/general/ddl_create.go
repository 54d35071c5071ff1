package general

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/types"
	"github.com/dolthub/vitess/go/sqltypes"
	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/base/wait"
	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/datum"
	"github.com/zoryadb/zorya/sql/field"
	"github.com/zoryadb/zorya/sql/fulltext"
	"github.com/zoryadb/zorya/sql/grammar"
	"github.com/zoryadb/zorya/sql/lexer"
	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/sqltext"
	"github.com/zoryadb/zorya/sql/tabledef"
)

// The library analyses CREATE TABLE; the definition that comes out is stored in one atomic step. ALTER TABLE edits the syntax tree of the
// table's CREATE TABLE text and goes the same way (ddl_alter.go).

// define turns an analysed CREATE TABLE into a definition without ids.
func (s *Session) define(c *sql.Context, n *plan.CreateTable, spec *sqlparser.TableSpec, schema, name string) (*table.Def, error) {
	d := &table.Def{Schema: schema, Name: name, AutoInc: -1}
	attrs := tabledef.Attrs{Collation: uint16(n.Collation)}
	if attrs.Collation == 0 {
		attrs.Collation = uint16(tabledef.DefaultCollation)
	}
	if spec != nil {
		tableOptions(&attrs, spec.TableOpts)
	}
	var err error
	if attrs.Comment, err = fitComment(c, mysqlerr.ER_TOO_LONG_TABLE_COMMENT, name, attrs.Comment, maxTableComment); err != nil {
		return nil, err
	}
	if err := defineColumns(c, d, n.PkSchema(), sql.CollationID(attrs.Collation), spec, s.cur); err != nil {
		return nil, err
	}
	if err := rowFits(c, d, n.PkSchema().Schema); err != nil {
		return nil, err
	}
	if err := defineIndexes(d, n, spec); err != nil {
		return nil, err
	}
	if err := fitIndexComments(c, d); err != nil {
		return nil, err
	}
	if primaryKeys(spec) > 1 {
		return nil, mysqlerr.New(mysqlerr.ER_MULTIPLE_PRI_KEY)
	}
	if err := fulltextKinds(c, d); err != nil {
		return nil, err
	}
	if err := spatialRules(d, n.PkSchema().Schema); err != nil {
		return nil, err
	}
	generated := 0 // the highest number of a check's name that was made here
	for _, ch := range n.Checks() {
		if rest, ok := strings.CutPrefix(ch.Name, name+"_chk_"); ok {
			if k, err := strconv.Atoi(rest); err == nil {
				generated = max(generated, k)
			}
		}
	}
	if len(n.Checks()) != len(s.cur.checks) {
		return nil, fmt.Errorf("table %s.%s has %d checks, its plan %d", schema, name, len(s.cur.checks), len(n.Checks()))
	}
	for i, ch := range n.Checks() {
		def := tabledef.Check{Name: ch.Name, Expr: s.cur.checks[i], NotEnforced: !ch.Enforced}
		if def.Name == "" {
			generated++
			def.Name = fmt.Sprintf("%s_chk_%d", name, generated)
		}
		if d.AutoInc >= 0 && refersTo(c, ch.Expr, d.Columns[d.AutoInc].Name) {
			return nil, mysqlerr.New(mysqlerr.ER_CHECK_CONSTRAINT_REFERS_AUTO_INCREMENT_COLUMN, def.Name)
		}
		attrs.Checks = append(attrs.Checks, def)
	}
	if err := s.defineForeignKeys(c, d, &attrs, n.ForeignKeys()); err != nil {
		return nil, err
	}
	if err := fkRules(c, d, &attrs, n); err != nil {
		return nil, err
	}
	attrs.PartSQL = s.cur.partitions
	d.Attrs = tabledef.Encode(attrs)
	return d, nil
}

// How many characters comments have at most.
const (
	maxComment      = 1024 // of columns and indexes
	maxTableComment = 2048
)

// fitComment refuses a comment that is no text, or too long; it is cut, with a warning, where modes are not strict.
func fitComment(c *sql.Context, code mysqlerr.Code, name, comment string, most int) (string, error) {
	if !utf8.ValidString(comment) {
		return "", field.NoText(comment)
	}
	if utf8.RuneCountInString(comment) <= most {
		return comment, nil
	}
	e := mysqlerr.New(code, name, most)
	if mode := field.Modes(c); mode["STRICT_TRANS_TABLES"] || mode["STRICT_ALL_TABLES"] {
		return "", e
	}
	c.Warn(int(e.Code), "%s", e.Message)
	return string([]rune(comment)[:most]), nil
}

func fitIndexComments(c *sql.Context, d *table.Def) error {
	for i := range d.Indexes {
		var a tabledef.Index
		_ = tabledef.Decode(d.Indexes[i].Attrs, &a) // just written by this package
		fit, err := fitComment(c, mysqlerr.ER_TOO_LONG_INDEX_COMMENT, d.Indexes[i].Name, a.Comment, maxComment)
		if err != nil {
			return err
		}
		if fit != a.Comment {
			a.Comment = fit
			d.Indexes[i].Attrs = tabledef.Encode(a)
		}
	}
	return nil
}

// tableOptions keeps the options that MySQL shows again; the engine's name is not one: everything is InnoDB here.
func tableOptions(a *tabledef.Attrs, opts []*sqlparser.TableOption) {
	for _, o := range opts {
		name, value := strings.ToUpper(o.Name), o.Value
		switch name {
		case "COMMENT":
			a.Comment = lexer.Unquote(value)
			if !strings.HasPrefix(value, "'") {
				a.Comment = value
			}
		case "ROW_FORMAT", "KEY_BLOCK_SIZE", "STATS_PERSISTENT", "STATS_AUTO_RECALC", "STATS_SAMPLE_PAGES", "MIN_ROWS", "MAX_ROWS",
			"AVG_ROW_LENGTH", "PACK_KEYS", "CHECKSUM", "DELAY_KEY_WRITE":
			if strings.EqualFold(value, "default") {
				continue
			}
			if a.Options == nil {
				a.Options = map[string]string{}
			}
			a.Options[name] = strings.ToUpper(value)
		}
	}
}

func defineColumns(c *sql.Context, d *table.Def, pk sql.PrimaryKeySchema, tableColl sql.CollationID, spec *sqlparser.TableSpec, x *execution) error {
	asts := map[string]*sqlparser.ColumnDefinition{}
	if spec != nil {
		for _, cd := range spec.Columns {
			asts[cd.Name.Lowered()] = cd
		}
	}
	seen := map[string]bool{}
	visible := false
	if err := checkPriorColumns(c, pk.Schema); err != nil {
		return err
	}
	for i, col := range pk.Schema {
		written := x.casts[col.Name]
		if err := defineFunctional(c, pk.Schema, col); err != nil {
			return err
		}
		if col.Name == "" || strings.HasSuffix(col.Name, " ") {
			return mysqlerr.New(mysqlerr.ER_WRONG_COLUMN_NAME, col.Name)
		}
		lower := strings.ToLower(col.Name)
		if seen[lower] {
			return mysqlerr.New(mysqlerr.ER_DUP_FIELDNAME, col.Name)
		}
		seen[lower] = true
		if ct, ok := col.Type.(sql.TypeWithCollation); ok {
			coll := tableColl
			ast := asts[lower]
			binary := ast != nil && ast.Type.BinaryCollate && ast.Type.Charset == "" && ast.Type.Collate == "" // the library knows BINARY beside CHARACTER SET only
			if binary {
				coll = tableColl.CharacterSet().BinaryCollation()
			}
			if binary || ct.Collation() == sql.Collation_Unspecified {
				t, err := ct.WithNewCollation(coll)
				if err != nil {
					return err
				}
				col.Type = t
			}
		}
		codec, err := datum.For(col.Type)
		if err != nil {
			return err
		}
		a := tabledef.Column{Type: tabledef.TypeText(col.Type), Comment: col.Comment}
		a.TakeMark()
		if a.Comment, err = fitComment(c, mysqlerr.ER_TOO_LONG_FIELD_COMMENT, col.Name, a.Comment, maxComment); err != nil {
			return err
		}
		visible = visible || !a.Invisible && !sql.IsHiddenSystemColumn(col.Name)
		if err := columnDefaults(c, col, &a); err != nil {
			return err
		}
		if written != "" {
			a.Generated = tabledef.Parenthesized(written)
		}
		if cd := asts[lower]; cd != nil {
			columnFromAST(&a, cd, col)
			a.Decl = x.declared[lower]
			if types.IsTimespan(col.Type) {
				if a.Fraction, err = spanFraction(a.Decl, col.Name); err != nil {
					return err
				}
			}
		}
		if col.AutoIncrement {
			if d.AutoInc >= 0 {
				return mysqlerr.New(mysqlerr.ER_WRONG_AUTO_KEY)
			}
			d.AutoInc = i
		}
		d.Columns = append(d.Columns, table.Column{Name: col.Name, Class: codec.Class, Nullable: col.Nullable, Collation: codec.Collation,
			Virtual: col.Virtual, Attrs: tabledef.Encode(a)})
	}
	for _, i := range pk.PkOrdinals {
		d.Columns[i].Nullable = false
	}
	if !visible {
		return mysqlerr.NewMessage(4028, "A table must have at least one visible column.")
	}
	return nil
}

func printable(b []byte) bool {
	for _, c := range b {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return true
}

// columnFromAST adds what the library does not keep.
func columnFromAST(a *tabledef.Column, cd *sqlparser.ColumnDefinition, col *sql.Column) {
	if !bool(cd.Type.Zerofill) {
		return
	}
	a.Zerofill = zerofillWidth(col.Type)
	if cd.Type.Length != nil && cd.Type.Scale == nil && !types.IsDecimal(col.Type) && !types.IsFloat(col.Type) {
		if n, err := strconv.Atoi(string(cd.Type.Length.Val)); err == nil {
			a.Zerofill = n
		}
	}
}

// zerofillWidth is how many characters a number of the type is filled up to, if its definition does not say.
func zerofillWidth(t sql.Type) int {
	if d, ok := t.(sql.DecimalType); ok {
		if d.Scale() > 0 {
			return int(d.Precision()) + 1
		}
		return int(d.Precision())
	}
	if t.Type() == sqltypes.Uint24 {
		return 8
	}
	return wholePrecision(t)
}

// spanFraction is n of TIME(n), 0 without.
func spanFraction(decl, column string) (int, error) {
	_, digits, ok := strings.Cut(decl, "(")
	if !ok {
		return 0, nil
	}
	n, err := strconv.Atoi(strings.TrimRight(digits, ") "))
	if err != nil || n > datum.Fraction {
		return 0, mysqlerr.NewMessage(mysqlerr.ER_TOO_BIG_PRECISION, "Too-big precision %s specified for '%s'. Maximum is %d.", strings.TrimRight(digits, ") "), column, datum.Fraction)
	}
	return n, nil
}

// createTable executes CREATE TABLE in all its forms.
func (s *Session) createTable(c *sql.Context, x *execution, ddl *sqlparser.DDL) (*Result, error) {
	schema, err := s.schemaFor(ddl.Table)
	if err != nil {
		return nil, err
	}
	name := ddl.Table.Name.String()
	if err := checkIdentifier(name); err != nil {
		return nil, err
	}
	if done, err := s.tableExists(c, ddl, schema, name); done || err != nil {
		return &Result{}, err
	}
	if x.partitions, err = grammar.PartitionClause(x.st.written, grammar.LexMode(s.parserOptions())); err != nil {
		return nil, err
	}
	if x.partitions != "" && ddl.Temporary {
		return nil, mysqlerr.New(mysqlerr.ER_PARTITION_NO_TEMPORARY)
	}
	var d *table.Def
	if ddl.OptLike != nil {
		d, err = s.defineLike(c, ddl, schema, name)
	} else {
		d, err = s.analyzeTable(c, x, ddl, schema, name)
	}
	if err != nil {
		return nil, err
	}
	warnDuplicateIndexes(c, d, nil)
	if ddl.Temporary {
		if slices.ContainsFunc(d.Indexes, func(ix table.Index) bool { return strings.HasPrefix(ix.Kind, fulltext.KindName) }) {
			return nil, mysqlerr.NewMessage(1796, "Cannot create FULLTEXT index on temporary InnoDB table")
		}
		if err := s.createTemporary(c, d); err != nil {
			return nil, err
		}
	} else {
		_, err := s.e.catalog.CreateTable(c, d)
		if errors.Is(err, table.ErrTableExists) && ddl.IfNotExists {
			s.noteExists(c, name)
			return &Result{}, nil
		}
		if err != nil {
			return nil, fkTaken(d, err)
		}
	}
	if start := startValue(ddl.TableSpec); start > 0 && d.AutoInc >= 0 {
		if err := s.setAutoIncrement(c, x, schema, name, start); err != nil {
			return nil, err
		}
	}
	if ddl.OptSelect == nil {
		return &Result{}, nil
	}
	res, err := s.fillCreated(c, x, ddl, d)
	switch {
	case err == nil:
		return res, nil
	case ddl.Temporary:
		s.dropTemporary(schema, name)
	default:
		s.leaving = s.e.dropLater(d) // the statement's transaction has the table open until it is rolled back
	}
	return nil, err
}

// leaveWithin bounds how long AwaitCleanup waits.
const leaveWithin = 5 * time.Second

// AwaitCleanup waits, once a statement that failed has been rolled back, until the table that it was making is gone.
func (s *Session) AwaitCleanup(ctx context.Context) {
	done := s.leaving
	if done == nil {
		return
	}
	s.leaving = nil
	late := time.NewTimer(leaveWithin)
	defer late.Stop()
	w := wait.Begin(ctx)
	defer w.End()
	select {
	case <-done:
	case <-ctx.Done():
	case <-late.C: // within a routine: its transaction goes on
	}
}

// detached is for cleaning up after a statement whose context may be cancelled.
func detached(ctx context.Context) context.Context { return context.WithoutCancel(ctx) }

func (s *Session) noteExists(c *sql.Context, name string) {
	c.Session.Warn(&sql.Warning{Level: "Note", Code: int(mysqlerr.ER_TABLE_EXISTS_ERROR), Message: fmt.Sprintf("Table '%s' already exists", name)})
}

// tableExists handles a name that is taken. done: IF NOT EXISTS was said.
func (s *Session) tableExists(c *sql.Context, ddl *sqlparser.DDL, schema, name string) (done bool, err error) {
	if _, err := s.e.catalog.Schema(c, schema); errors.Is(err, table.ErrNoSchema) {
		return false, mysqlerr.New(mysqlerr.ER_BAD_DB_ERROR, schema)
	}
	exists := false
	if ddl.Temporary {
		exists = s.temps[tempKey(schema, name)] != nil
	} else {
		_, err := s.e.catalog.Definition(c, schema, name)
		exists = err == nil
		if !exists && s.viewExists(c, schema, name) {
			exists = true
		}
	}
	switch {
	case !exists:
		return false, nil
	case ddl.IfNotExists:
		s.noteExists(c, name)
		return true, nil
	}
	return false, mysqlerr.New(mysqlerr.ER_TABLE_EXISTS_ERROR, name)
}

// analyzeTable has the library analyse CREATE TABLE.
func (s *Session) analyzeTable(c *sql.Context, x *execution, ddl *sqlparser.DDL, schema, name string) (*table.Def, error) {
	if ddl.OptSelect != nil {
		var err error
		if ddl, err = s.withSelectColumns(c, x, ddl); err != nil {
			return nil, err
		}
	}
	if ddl.TableSpec != nil {
		if err := checkFunctions(ddl.TableSpec, name); err != nil {
			return nil, err
		}
		var err error
		if ddl, x.casts, err = withFunctionalColumns(ddl); err != nil {
			return nil, err
		}
		x.declared, x.checks = tameSpec(ddl.TableSpec), checkTexts(ddl.TableSpec)
		db, err := s.schemaNamed(c, schema)
		if err != nil {
			return nil, err
		}
		inheritCollation(ddl.TableSpec, db.GetCollation(c))
		qualifyParents(ddl.TableSpec, schema)
	}
	node, _, err := s.analyze(c, x, ddl, x.st.Text)
	if err != nil {
		return nil, s.noParent(c, ddl, schema, name, err)
	}
	n := findCreateTable(node)
	if n == nil {
		return nil, fmt.Errorf("CREATE TABLE %s.%s became a %T", schema, name, node)
	}
	return s.define(c, n, ddl.TableSpec, schema, name)
}

// qualifyParents gives the parents of foreign keys that name no database that of the table; the library would take the session's.
func qualifyParents(spec *sqlparser.TableSpec, schema string) {
	for _, con := range spec.Constraints {
		if fk, ok := con.Details.(*sqlparser.ForeignKeyDefinition); ok && fk.ReferencedTable.DbQualifier.IsEmpty() {
			fk.ReferencedTable.DbQualifier = sqlparser.NewTableIdent(schema)
		}
	}
}

// checkTexts are the conditions of a table's checks as its definition shows them: without the name of the table, which may get another.
func checkTexts(spec *sqlparser.TableSpec) []string {
	var texts []string
	for _, con := range spec.Constraints {
		if ch, ok := con.Details.(*sqlparser.CheckConstraintDefinition); ok {
			texts = append(texts, sqltext.Style{Charset: "utf8mb4"}.Expr(ch.Expr))
		}
	}
	return texts
}

// inheritCollation gives a table that declares no character set its database's. The library looks it up and then takes its own default.
func inheritCollation(spec *sqlparser.TableSpec, db sql.CollationID) {
	for _, o := range spec.TableOpts {
		if strings.EqualFold(o.Name, "character set") || strings.EqualFold(o.Name, "collate") {
			return
		}
	}
	spec.TableOpts = append(spec.TableOpts, &sqlparser.TableOption{Name: "collate", Value: db.Name()})
}

// tameSpec removes from a syntax tree what the library would refuse and this package handles. It returns how the types that it changed
// were written, by lower-case column name.
func tameSpec(spec *sqlparser.TableSpec) map[string]string {
	opts := spec.TableOpts[:0:0]
	for _, o := range spec.TableOpts {
		if strings.EqualFold(o.Name, "ENGINE") {
			continue
		}
		opts = append(opts, o)
	}
	spec.TableOpts = opts
	spec.PartitionOpt = nil
	declared := map[string]string{}
	for _, cd := range spec.Columns {
		if text := tameType(&cd.Type); text != "" {
			declared[cd.Name.Lowered()] = text
		}
	}
	return declared
}

// tameType changes a type that the library lacks. TIME keeps microseconds whatever was declared. FLOAT(M,D) and DOUBLE(M,D), which round to and
// show D decimals, are decimals.
func tameType(t *sqlparser.ColumnType) (written string) {
	t.Unsigned = t.Unsigned || t.Zerofill
	switch strings.ToLower(t.Type) {
	case "time":
		if t.Length != nil {
			written = "time(" + string(t.Length.Val) + ")"
			t.Length = nil
		} else {
			written = "time"
		}
	case "decimal", "numeric", "dec", "fixed":
		if !t.Unsigned {
			break
		}
		written = "decimal(10,0) unsigned"
		switch {
		case t.Length != nil && t.Scale != nil:
			written = fmt.Sprintf("decimal(%s,%s) unsigned", t.Length.Val, t.Scale.Val)
		case t.Length != nil:
			written = fmt.Sprintf("decimal(%s,0) unsigned", t.Length.Val)
		}
	case "float", "double", "double precision", "real":
		if t.Length == nil || t.Scale == nil {
			if t.Unsigned {
				written = map[bool]string{true: "float unsigned", false: "double unsigned"}[strings.EqualFold(t.Type, "float")]
			}
			break
		}
		if m, err := strconv.Atoi(string(t.Length.Val)); err != nil || m > types.DecimalTypeMaxPrecision {
			break
		}
		name := strings.ToLower(t.Type)
		if name != "float" {
			name = "double"
		}
		written = fmt.Sprintf("%s(%s,%s)", name, t.Length.Val, t.Scale.Val)
		if t.Unsigned {
			written += " unsigned"
		}
		t.Type = "decimal"
	}
	return written
}

func findCreateTable(n sql.Node) *plan.CreateTable {
	if ct, ok := n.(*plan.CreateTable); ok {
		return ct
	}
	for _, ch := range n.Children() {
		if ct := findCreateTable(ch); ct != nil {
			return ct
		}
	}
	return nil
}

// startValue is the AUTO_INCREMENT option.
func startValue(spec *sqlparser.TableSpec) uint64 {
	if spec == nil {
		return 0
	}
	for _, o := range spec.TableOpts {
		if strings.EqualFold(o.Name, "AUTO_INCREMENT") {
			n, err := strconv.ParseUint(o.Value, 10, 64)
			if err == nil {
				return n
			}
		}
	}
	return 0
}

func (s *Session) setAutoIncrement(c *sql.Context, x *execution, schema, name string, next uint64) error {
	if t := s.temps[tempKey(schema, name)]; t != nil {
		schema, name = t.def.Schema, t.def.Name
	}
	delete(x.opened, [2]string{schema, name})
	t, err := x.openTable(c, schema, name)
	if err != nil {
		return err
	}
	return t.SetAutoInc(c, max(next, 1)-1, true)
}

// defineLike copies a definition without its foreign keys.
func (s *Session) defineLike(c *sql.Context, ddl *sqlparser.DDL, schema, name string) (*table.Def, error) {
	if len(ddl.OptLike.LikeTables) != 1 {
		return nil, mysqlerr.New(mysqlerr.ER_NOT_SUPPORTED_YET, "CREATE TABLE LIKE of several tables")
	}
	like := ddl.OptLike.LikeTables[0]
	from, err := s.schemaFor(like)
	if err != nil {
		return nil, err
	}
	var src *table.Def
	if t := s.temps[tempKey(from, like.Name.String())]; t != nil {
		src = t.def
	} else if src, err = s.definition(c, from, like.Name.String()); err != nil {
		return nil, err
	}
	d := copyDef(src)
	d.Schema, d.Name = schema, name
	var a tabledef.Attrs
	if err := tabledef.Decode(d.Attrs, &a); err != nil {
		return nil, err
	}
	a.FKs = nil
	for i := range a.Checks {
		a.Checks[i].Name = fmt.Sprintf("%s_chk_%d", name, i+1)
	}
	d.Attrs, d.ReferTo = tabledef.Encode(a), nil
	return d, nil
}

// copyDef copies a definition as one for a new table.
func copyDef(src *table.Def) *table.Def {
	d := *src
	d.ID, d.Version, d.Triggers, d.ReferBy = 0, 0, false, nil
	d.Columns = append([]table.Column(nil), src.Columns...)
	d.Indexes = append([]table.Index(nil), src.Indexes...)
	for i := range d.Columns {
		d.Columns[i].ID, d.Columns[i].Instant = 0, nil
	}
	for i := range d.Indexes {
		d.Indexes[i].ID, d.Indexes[i].Root = 0, 0
		d.Indexes[i].Parts = append([]table.Part(nil), src.Indexes[i].Parts...)
	}
	d.ReferTo = append([]string(nil), src.ReferTo...)
	return &d
}
