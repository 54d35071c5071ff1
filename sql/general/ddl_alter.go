package general

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/grammar"
	"github.com/zoryadb/zorya/sql/lexer"
	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/partition"
	"github.com/zoryadb/zorya/sql/tabledef"
)

// ALTER TABLE: the table's CREATE TABLE text is parsed, the clauses edit that syntax tree, the library analyses the outcome as a new
// table, and the difference of the two definitions says how to get there: by attributes alone, by building indexes, or by copying.

// alteration is one ALTER TABLE in progress.
type alteration struct {
	s       *Session
	old     *tabledef.Table
	spec    *sqlparser.TableSpec
	source  map[string]string // new column, lower case -> old column it takes its values from
	fkGone  map[string]bool
	rename  [2]string // new schema and name
	start   uint64    // AUTO_INCREMENT
	opts    alterOptions
	autoInc bool // the new table has such a column
	keysOff bool // DISABLE KEYS

	keys  []table.ForeignKey // new foreign keys, in table.Build's terms
	prove func(context.Context) error
}

func (s *Session) alterTable(c *sql.Context, x *execution, st *sqlparser.AlterTable) (*Result, error) {
	schema, err := s.schemaFor(st.Table)
	if err != nil {
		return nil, err
	}
	name := st.Table.Name.String()
	temp := s.temps[tempKey(schema, name)]
	var d *table.Def
	if temp != nil {
		d = temp.def
	} else if d, err = s.withKeys(c, schema, name); err != nil {
		if s.viewExists(c, schema, name) {
			return nil, mysqlerr.New(mysqlerr.ER_WRONG_OBJECT, schema, name, "BASE TABLE")
		}
		return nil, err
	}
	m, err := s.e.metas.Get(c, d)
	if err != nil {
		return nil, err
	}
	a := &alteration{s: s, old: m, source: map[string]string{}, fkGone: map[string]bool{}}
	if a.opts, err = readAlterOptions(x.st.written); err != nil {
		return nil, err
	}
	if err := a.parse(c); err != nil {
		return nil, err
	}
	for _, clause := range st.Statements {
		if err := a.clause(c, clause); err != nil {
			return nil, err
		}
	}
	a.textOptions(x.st.written)
	if err := a.orderBy(c, x.st.written); err != nil {
		return nil, err
	}
	if err := a.dependents(); err != nil {
		return nil, err
	}
	res, err := a.apply(c, x, d)
	if err != nil {
		return nil, err
	}
	if off := s.hooks.KeysOff; off != nil && a.keysOff && temp == nil && a.old.Attrs.PartSQL == "" && len(st.Statements) == 1 {
		if err := off(c, schema, name); err != nil {
			return nil, err
		}
	}
	if temp != nil {
		if err := s.refreshTemporary(c, schema, name); err != nil {
			return nil, err
		}
	}
	if a.autoInc && (a.start > 0 || d.AutoInc < 0) {
		if err := s.setAutoIncrement(c, x, schema, name, a.start); err != nil {
			return nil, err
		}
	}
	if a.rename[1] != "" && a.rename != [2]string{schema, name} {
		return res, s.renameTables(c, [][2][2]string{{{schema, name}, a.rename}})
	}
	return res, nil
}

// withKeys is definition, after the indexes that were put off have been built: ENABLE KEYS, and what any other change of a table begins with.
func (s *Session) withKeys(c *sql.Context, schema, name string) (*table.Def, error) {
	d, err := s.definition(c, schema, name)
	if err != nil || len(d.Later) == 0 {
		return d, err
	}
	if k, ok := s.e.db.Catalog().(table.KeySwitch); ok {
		if err := k.EnableKeys(c, schema, name, table.Build{Shared: true, Progress: s.progress}); err != nil {
			return nil, err
		}
	}
	return s.definition(c, schema, name)
}

// parse reads the table's present definition as a syntax tree.
func (a *alteration) parse(c *sql.Context) error {
	if x := executionOf(c); x != nil {
		x.partitions = a.old.Attrs.PartSQL
		now, err := grammar.PartitionClause(x.st.written, 0)
		if err != nil {
			return err
		}
		if now != "" {
			x.partitions = now
		} else if grammar.RemovesPartitions(x.st.written) {
			x.partitions = ""
		}
	}
	text := grammar.NamedParser(lexer.PlainComments(a.old.CreateText(a.old.Def.Name, false, 0, false)))
	ast, err := sqlparser.Parse(text)
	if err != nil {
		again, _ := grammar.Rewrite(text, 0)
		if ast, err = sqlparser.Parse(again); err != nil {
			return fmt.Errorf("read back the definition of %s.%s: %w", a.old.Def.Schema, a.old.Def.Name, err)
		}
	}
	ddl, ok := ast.(*sqlparser.DDL)
	if !ok || ddl.TableSpec == nil {
		return fmt.Errorf("read back the definition of %s.%s: it is a %T", a.old.Def.Schema, a.old.Def.Name, ast)
	}
	a.spec = ddl.TableSpec
	for _, cd := range a.spec.Columns {
		a.source[cd.Name.Lowered()] = cd.Name.String()
		if i := tabledef.Position(a.old.Def, cd.Name.String()); i >= 0 && a.old.Columns[i].Invisible {
			grammar.Hide(cd, true)
		}
	}
	return nil
}

func (a *alteration) column(name string) (int, error) {
	for i, cd := range a.spec.Columns {
		if strings.EqualFold(cd.Name.String(), name) {
			return i, nil
		}
	}
	return -1, mysqlerr.New(mysqlerr.ER_BAD_FIELD_ERROR, name, a.old.Def.Name)
}

// present is column for a clause that changes a column: one that the table had before, under the name that it still has.
func (a *alteration) present(name string) (int, error) {
	i, err := a.column(name)
	if err == nil && !strings.EqualFold(a.source[strings.ToLower(name)], name) {
		return -1, mysqlerr.New(mysqlerr.ER_BAD_FIELD_ERROR, name, a.old.Def.Name)
	}
	return i, err
}

func (a *alteration) clause(c *sql.Context, d *sqlparser.DDL) error {
	switch {
	case d.Action == sqlparser.RenameStr && len(d.ToTables) == 1:
		schema := a.old.Def.Schema
		if q := d.ToTables[0].DbQualifier.String(); q != "" {
			schema = q
		}
		a.rename = [2]string{schema, d.ToTables[0].Name.String()}
		return checkIdentifier(a.rename[1])
	case d.ColumnAction != "":
		if err := a.columnClause(c, d); err != nil {
			return err
		}
		if d.ConstraintAction == sqlparser.AddStr {
			a.spec.Constraints = append(a.spec.Constraints, d.TableSpec.Constraints...)
		}
		return nil
	case d.ConstraintAction != "":
		return a.constraintClause(d)
	case d.IndexSpec != nil:
		return a.indexClause(d)
	case d.DefaultSpec != nil:
		return a.defaultClause(d)
	case d.AutoIncSpec != nil:
		v, ok := d.AutoIncSpec.Value.(*sqlparser.SQLVal)
		if !ok {
			return mysqlerr.New(mysqlerr.ER_NOT_SUPPORTED_YET, "AUTO_INCREMENT of an expression")
		}
		_, err := fmt.Sscan(string(v.Val), &a.start)
		return err
	case d.AlterCollationSpec != nil:
		return a.collationClause(d.AlterCollationSpec, c)
	case d.AlterCommentSpec != nil:
		a.setOption("COMMENT", d.AlterCommentSpec.Comment)
		return nil
	}
	return nil // ENGINE=, FORCE, ALGORITHM=, LOCK=: see alterOptions; ROW_FORMAT=: there is one
}

// textOptions sets the options that the library's grammar reads and forgets; those that nothing shows again are forgotten here too.
func (a *alteration) textOptions(text string) {
	t := lexer.NewCursor(text, 0, grammar.MaxTokens)
	for i, n := range grammar.AlteredOptions(t) {
		switch name := t.Word(i); name {
		case "AUTO_INCREMENT", "CHARACTER", "CHARSET", "COLLATE", "COMMENT", "DEFAULT", "ENGINE":
		default:
			a.setOption(name, t.At(i+n-1))
		}
	}
}

func (a *alteration) setOption(name, value string) {
	for _, o := range a.spec.TableOpts {
		if strings.EqualFold(o.Name, name) {
			o.Value = value
			return
		}
	}
	a.spec.TableOpts = append(a.spec.TableOpts, &sqlparser.TableOption{Name: name, Value: value})
}

func (a *alteration) columnClause(c *sql.Context, d *sqlparser.DDL) error {
	switch strings.ToLower(d.ColumnAction) {
	case sqlparser.AddStr:
		cd := d.TableSpec.Columns[0]
		if _, err := a.column(cd.Name.String()); err == nil {
			if d.IfNotExists {
				return nil
			}
			return mysqlerr.New(mysqlerr.ER_DUP_FIELDNAME, cd.Name.String())
		}
		a.spec.Indexes = append(a.spec.Indexes, d.TableSpec.Indexes...)
		a.inlineUnique(cd)
		return a.place(cd, len(a.spec.Columns), d.ColumnOrder)
	case sqlparser.DropStr:
		if err := a.partitionedBy(c, d.Column.String(), ""); err != nil {
			return err
		}
		return a.dropColumn(d)
	case sqlparser.RenameStr:
		if err := a.partitionedBy(c, d.Column.String(), d.ToColumn.String()); err != nil {
			return err
		}
		return a.renameColumn(d.Column.String(), d.ToColumn.String())
	case sqlparser.ModifyStr, sqlparser.ChangeStr:
		i, err := a.present(d.Column.String())
		if err != nil {
			return err
		}
		cd := d.TableSpec.Columns[0]
		if !strings.EqualFold(cd.Name.String(), d.Column.String()) || cd.Name.String() != a.spec.Columns[i].Name.String() {
			if err := a.partitionedBy(c, d.Column.String(), cd.Name.String()); err != nil {
				return err
			}
			if err := a.renameColumn(d.Column.String(), cd.Name.String()); err != nil {
				return err
			}
		}
		a.spec.Indexes = append(a.spec.Indexes, d.TableSpec.Indexes...)
		a.inlineUnique(cd)
		if d.ColumnOrder == nil {
			a.spec.Columns[i] = cd
			return nil
		}
		a.spec.Columns = append(a.spec.Columns[:i:i], a.spec.Columns[i+1:]...)
		return a.place(cd, i, d.ColumnOrder)
	}
	return mysqlerr.New(mysqlerr.ER_NOT_SUPPORTED_YET, "ALTER TABLE "+d.ColumnAction)
}

// inlineUnique makes an index behind the table's others of a column's UNIQUE, so that it is the one to get a name that is free.
func (a *alteration) inlineUnique(cd *sqlparser.ColumnDefinition) {
	if k := cd.Type.KeyOpt; k != grammar.OptionUnique && k != grammar.OptionUniqueKey {
		return
	}
	cd.Type.KeyOpt = 0
	a.spec.Indexes = append(a.spec.Indexes, &sqlparser.IndexDefinition{Info: &sqlparser.IndexInfo{Type: "unique key", Unique: true}, Fields: []*sqlparser.IndexField{{Column: cd.Name}}})
}

// place inserts a column where FIRST or AFTER says.
func (a *alteration) place(cd *sqlparser.ColumnDefinition, at int, order *sqlparser.ColumnOrder) error {
	if order != nil {
		at = 0
		if !order.First {
			i, err := a.column(order.AfterColumn.String())
			if err != nil {
				return err
			}
			at = i + 1
		}
	}
	cols := append([]*sqlparser.ColumnDefinition(nil), a.spec.Columns[:at]...)
	a.spec.Columns = append(append(cols, cd), a.spec.Columns[at:]...)
	return nil
}

func (a *alteration) dropColumn(d *sqlparser.DDL) error {
	name := d.Column.String()
	i, err := a.present(name)
	if err != nil {
		if d.IfExists {
			return nil
		}
		return mysqlerr.New(mysqlerr.ER_CANT_DROP_FIELD_OR_KEY, name)
	}
	if len(a.spec.Columns) == 1 {
		return mysqlerr.New(mysqlerr.ER_CANT_REMOVE_ALL_FIELDS)
	}
	if functionalDependent(a.spec, name) {
		return mysqlerr.New(mysqlerr.ER_DEPENDENT_BY_FUNCTIONAL_INDEX, name)
	}
	for _, con := range a.spec.Constraints {
		if fk, ok := con.Details.(*sqlparser.ForeignKeyDefinition); ok {
			for _, src := range fk.Source {
				if src.EqualString(name) {
					return mysqlerr.NewMessage(1828, "Cannot drop column '%s': needed in a foreign key constraint '%s'", name, con.Name)
				}
			}
		}
	}
	if err := a.dropChecks(name); err != nil {
		return err
	}
	a.spec.Columns = append(a.spec.Columns[:i:i], a.spec.Columns[i+1:]...)
	delete(a.source, strings.ToLower(name))
	var keep []*sqlparser.IndexDefinition
	for _, ix := range a.spec.Indexes { // a column leaves its indexes; an index without columns goes
		var fields []*sqlparser.IndexField
		for _, f := range ix.Fields {
			if f.Expression != nil || !f.Column.EqualString(name) {
				fields = append(fields, f)
			}
		}
		if ix.Fields = fields; len(fields) > 0 {
			keep = append(keep, ix)
		}
	}
	a.spec.Indexes = keep
	return nil
}

// dependents refuses to drop columns that others, which stay, are computed from.
func (a *alteration) dependents() error {
	kept := map[string]bool{}
	for _, from := range a.source {
		kept[strings.ToLower(from)] = true
	}
	for _, old := range a.old.Schema {
		if kept[strings.ToLower(old.Name)] {
			continue
		}
		if _, err := a.column(old.Name); err == nil {
			continue
		}
		for _, cd := range a.spec.Columns {
			if namesColumn(cd.Type.GeneratedExpr, old.Name) {
				return mysqlerr.New(mysqlerr.ER_DEPENDENT_BY_GENERATED_COLUMN, old.Name)
			}
		}
	}
	return nil
}

// namesColumn reports whether an expression, which may be nil, names a column.
func namesColumn(e sqlparser.Expr, column string) bool {
	found := false
	if e != nil {
		_ = grammar.Walk(func(n sqlparser.SQLNode) (bool, error) { // the visitor gives no error
			col, ok := n.(*sqlparser.ColName)
			found = found || ok && col.Name.EqualString(column)
			return !found, nil
		}, e)
	}
	return found
}

// dropChecks removes the checks that only the column of the name takes part in. One with other columns too keeps the column.
func (a *alteration) dropChecks(column string) error {
	keep := a.spec.Constraints[:0:0]
	for _, con := range a.spec.Constraints {
		ch, ok := con.Details.(*sqlparser.CheckConstraintDefinition)
		if !ok {
			keep = append(keep, con)
			continue
		}
		used, others := usesColumn(ch.Expr, column)
		if used && others {
			return dependentCheck(con, column)
		}
		if !used {
			keep = append(keep, con)
		}
	}
	a.spec.Constraints = keep
	return nil
}

// usesColumn reports whether an expression uses the column, and whether it uses others.
func usesColumn(e sqlparser.Expr, column string) (used, others bool) {
	_ = grammar.Walk(func(n sqlparser.SQLNode) (bool, error) { // the visitor gives no error
		if col, ok := n.(*sqlparser.ColName); ok {
			same := col.Name.EqualString(column)
			used, others = used || same, others || !same
		}
		return true, nil
	}, e)
	return used, others
}

// checkOf returns a check that uses the column, nil: none does.
func checkOf(spec *sqlparser.TableSpec, column string) *sqlparser.ConstraintDefinition {
	for _, con := range spec.Constraints {
		if ch, ok := con.Details.(*sqlparser.CheckConstraintDefinition); ok {
			if used, _ := usesColumn(ch.Expr, column); used {
				return con
			}
		}
	}
	return nil
}

func dependentCheck(con *sqlparser.ConstraintDefinition, column string) error {
	return mysqlerr.New(mysqlerr.ER_DEPENDENT_BY_CHECK_CONSTRAINT, con.Name, column)
}

// partitionedBy refuses to drop or rename a column that the partitioning function, which stays, is made of.
func (a *alteration) partitionedBy(c *sql.Context, from, to string) error {
	if x := executionOf(c); strings.EqualFold(from, to) || x == nil || a.old.Attrs.PartSQL == "" || x.partitions != a.old.Attrs.PartSQL {
		return nil
	}
	f, err := partition.New(c, sessionOf(c).e.gms.Analyzer.Catalog, a.old)
	if err != nil {
		return err
	}
	for _, i := range f.Cols {
		if strings.EqualFold(a.old.Schema[i].Name, from) {
			return mysqlerr.New(mysqlerr.ER_DEPENDENT_BY_PARTITION_FUNC, from)
		}
	}
	return nil
}

// renameColumn renames a column and all that names it.
func (a *alteration) renameColumn(from, to string) error {
	i, err := a.present(from)
	if err != nil {
		return err
	}
	if functionalDependent(a.spec, from) && !strings.EqualFold(from, to) {
		return mysqlerr.New(mysqlerr.ER_DEPENDENT_BY_FUNCTIONAL_INDEX, from)
	}
	if j, err := a.column(to); err == nil && j != i {
		return mysqlerr.New(mysqlerr.ER_DUP_FIELDNAME, to)
	}
	src := a.source[strings.ToLower(from)]
	delete(a.source, strings.ToLower(from))
	if src != "" {
		a.source[strings.ToLower(to)] = src
	}
	id := sqlparser.NewColIdent(to)
	a.spec.Columns[i].Name = id
	for _, ix := range a.spec.Indexes {
		for _, f := range ix.Fields {
			if f.Expression == nil && f.Column.EqualString(from) {
				f.Column = id
			}
		}
	}
	swap := func(n sqlparser.SQLNode) (bool, error) {
		if col, ok := n.(*sqlparser.ColName); ok && col.Name.EqualString(from) {
			col.Name = id
		}
		return true, nil
	}
	if !strings.EqualFold(from, to) {
		if con := checkOf(a.spec, from); con != nil {
			return dependentCheck(con, from)
		}
	}
	for _, con := range a.spec.Constraints {
		switch det := con.Details.(type) {
		case *sqlparser.ForeignKeyDefinition:
			swapIdents(det.Source, from, id)
			if d, of := a.old.Def, det.ReferencedTable; of.Name.String() == d.Name && (of.DbQualifier.IsEmpty() || of.DbQualifier.String() == d.Schema) {
				swapIdents(det.ReferencedColumns, from, id)
			}
		case *sqlparser.CheckConstraintDefinition:
			if err := grammar.Walk(swap, det.Expr); err != nil {
				return err
			}
		}
	}
	for _, cd := range a.spec.Columns {
		for _, e := range []sqlparser.Expr{cd.Type.GeneratedExpr, cd.Type.Default} {
			if e != nil {
				if err := grammar.Walk(swap, e); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func swapIdents(list sqlparser.Columns, from string, to sqlparser.ColIdent) {
	for i := range list {
		if list[i].EqualString(from) {
			list[i] = to
		}
	}
}

func (a *alteration) constraintClause(d *sqlparser.DDL) error {
	switch d.ConstraintAction {
	case sqlparser.AddStr:
		a.spec.Constraints = append(a.spec.Constraints, d.TableSpec.Constraints...)
		return nil
	case sqlparser.DropStr:
		con := d.TableSpec.Constraints[0]
		for i, have := range a.spec.Constraints {
			_, wantFK := con.Details.(*sqlparser.ForeignKeyDefinition)
			_, wantCheck := con.Details.(*sqlparser.CheckConstraintDefinition)
			_, isFK := have.Details.(*sqlparser.ForeignKeyDefinition)
			if strings.EqualFold(have.Name, con.Name) && (!wantFK || isFK) && (!wantCheck || !isFK) {
				a.spec.Constraints = append(a.spec.Constraints[:i:i], a.spec.Constraints[i+1:]...)
				return nil
			}
		}
		if con.Details == nil {
			if a.dropIndex(con.Name) {
				return nil
			}
			if d.ConstraintIfExists {
				return nil
			}
			return mysqlerr.NewMessage(3940, "Constraint '%s' does not exist.", con.Name)
		}
		if _, ok := con.Details.(*sqlparser.CheckConstraintDefinition); ok {
			return mysqlerr.NewMessage(3821, "Check constraint '%s' is not found in the table.", con.Name)
		}
		return mysqlerr.New(mysqlerr.ER_CANT_DROP_FIELD_OR_KEY, con.Name)
	}
	return mysqlerr.New(mysqlerr.ER_NOT_SUPPORTED_YET, "ALTER TABLE ... RENAME CONSTRAINT")
}

// dropIndex removes an index by name from the tree.
func (a *alteration) dropIndex(name string) bool {
	for i, ix := range a.spec.Indexes {
		if ix.Info.Primary && strings.EqualFold(name, "PRIMARY") || !ix.Info.Primary && ix.Info.Name.EqualString(name) {
			a.spec.Indexes = append(a.spec.Indexes[:i:i], a.spec.Indexes[i+1:]...)
			return true
		}
	}
	return false
}

func (a *alteration) indexClause(d *sqlparser.DDL) error {
	sp := d.IndexSpec
	switch strings.ToLower(sp.Action) {
	case sqlparser.CreateStr:
		def := &sqlparser.IndexDefinition{Info: &sqlparser.IndexInfo{Name: sp.ToName}, Fields: sp.Fields, Options: sp.Options}
		if u := sp.Using.String(); u != "" {
			def.Options = append(def.Options, &sqlparser.IndexOption{Using: u})
		}
		switch strings.ToLower(strings.TrimSpace(sp.Type)) {
		case "primary", "primary key":
			def.Info.Primary, def.Info.Unique, def.Info.Name = true, true, sqlparser.NewColIdent("PRIMARY")
			for _, ix := range a.spec.Indexes {
				if ix.Info.Primary {
					return mysqlerr.New(mysqlerr.ER_MULTIPLE_PRI_KEY)
				}
			}
		case "unique":
			def.Info.Unique = true
		case "fulltext":
			def.Info.Fulltext = true
		case "spatial":
			def.Info.Spatial = true
		}
		def.Info.Type = strings.ToLower(sp.Type)
		if name := sp.ToName.String(); name != "" && !def.Info.Primary {
			for _, ix := range a.spec.Indexes {
				if ix.Info.Name.EqualString(name) {
					if d.IfNotExists {
						return nil
					}
					return mysqlerr.New(mysqlerr.ER_DUP_KEYNAME, name)
				}
			}
		}
		a.spec.Indexes = append(a.spec.Indexes, def)
		return nil
	case sqlparser.DropStr:
		name := sp.ToName.String()
		if strings.EqualFold(sp.Type, sqlparser.PrimaryStr) {
			name = "PRIMARY"
		}
		if a.dropIndex(name) || d.IfExists {
			return nil
		}
		return mysqlerr.New(mysqlerr.ER_CANT_DROP_FIELD_OR_KEY, name)
	case sqlparser.RenameStr:
		for _, name := range []string{sp.FromName.String(), sp.ToName.String()} {
			if strings.EqualFold(name, "PRIMARY") {
				return mysqlerr.New(mysqlerr.ER_WRONG_NAME_FOR_INDEX, name)
			}
		}
		if !slices.ContainsFunc(a.old.Def.Indexes, func(ix table.Index) bool { return strings.EqualFold(ix.Name, sp.FromName.String()) }) { // one that this statement adds has no other name yet
			return mysqlerr.New(mysqlerr.ER_KEY_DOES_NOT_EXITS, sp.FromName.String(), a.old.Def.Name)
		}
		for _, ix := range a.spec.Indexes {
			if ix.Info.Name.EqualString(sp.FromName.String()) {
				ix.Info.Name = sp.ToName
				return nil
			}
		}
		return mysqlerr.New(mysqlerr.ER_KEY_DOES_NOT_EXITS, sp.FromName.String(), a.old.Def.Name)
	case "disable": // what InnoDB does nothing about
		a.keysOff = true
	case "enable": // done: see alterTable
	}
	return nil
}

func (a *alteration) defaultClause(d *sqlparser.DDL) error {
	i, err := a.column(d.DefaultSpec.Column.String())
	if err != nil {
		return err
	}
	if invisible, ok := grammar.Visibility(d.DefaultSpec.Value); ok {
		grammar.Hide(a.spec.Columns[i], invisible)
		return nil
	}
	a.spec.Columns[i].Type.Default = nil
	if d.DefaultSpec.Action == sqlparser.SetStr {
		a.spec.Columns[i].Type.Default = d.DefaultSpec.Value
	}
	return nil
}

// collationClause is DEFAULT CHARACTER SET, and CONVERT TO, which the rewriter marks: it changes the text columns too.
func (a *alteration) collationClause(sp *sqlparser.AlterCollationSpec, c *sql.Context) error {
	charset := sp.CharacterSet
	coll, err := sql.ParseCollation(charset, sp.Collation, false)
	if err != nil {
		return err
	}
	convert := convertsCharset(a.s.cur.st.Text)
	for _, cd := range a.spec.Columns {
		if !textType(cd.Type.Type) {
			continue
		}
		switch {
		case convert:
			cd.Type.Charset, cd.Type.Collate = "", ""
		case cd.Type.Charset == "" && cd.Type.Collate == "": // columns keep what they had from the table
			old := sql.CollationID(a.old.Attrs.Collation)
			cd.Type.Charset, cd.Type.Collate = old.CharacterSet().Name(), old.Name()
		}
	}
	a.setCollation(coll)
	return nil
}

func (a *alteration) setCollation(coll sql.CollationID) {
	opts := a.spec.TableOpts[:0:0]
	for _, o := range a.spec.TableOpts {
		if n := strings.ToUpper(o.Name); !strings.Contains(n, "CHARSET") && !strings.Contains(n, "CHARACTER SET") && !strings.Contains(n, "COLLATE") {
			opts = append(opts, o)
		}
	}
	a.spec.TableOpts = append(opts, &sqlparser.TableOption{Name: "CHARACTER SET", Value: coll.CharacterSet().Name()},
		&sqlparser.TableOption{Name: "COLLATE", Value: coll.Name()})
}

func textType(t string) bool {
	switch strings.ToLower(t) {
	case "char", "varchar", "tinytext", "text", "mediumtext", "longtext", "enum", "set":
		return true
	}
	return false
}

func convertsCharset(text string) bool {
	t := lexer.NewCursor(text, 0, grammar.MaxTokens)
	for ; !t.End(); t.Pos++ {
		if t.Word(0) == "CONVERT" && t.Word(1) == "TO" {
			return true
		}
	}
	return false
}
