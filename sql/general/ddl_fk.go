package general

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/types"
	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/datum"
	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/tabledef"
)

// defineForeignKeys resolves, names and checks a table's foreign keys, and gives each the index it needs.
func (s *Session) defineForeignKeys(c *sql.Context, d *table.Def, attrs *tabledef.Attrs, fks []*sql.ForeignKeyConstraint) error {
	for _, fk := range fks {
		f := tabledef.ForeignKey{Name: fk.Name, Columns: append([]string(nil), fk.Columns...), ParentSchema: fk.ParentDatabase, ParentTable: fk.ParentTable,
			ParentColumns: append([]string(nil), fk.ParentColumns...), OnUpdate: actionText(fk.OnUpdate), OnDelete: actionText(fk.OnDelete)}
		if f.ParentSchema == "" {
			f.ParentSchema = d.Schema
		}
		unnamed := f.Name == ""
		if unnamed {
			f.Name = generatedName(d.Name+"_ibfk_", attrs.FKs)
		}
		if fk.OnDelete == sql.ForeignKeyReferentialAction_SetDefault || fk.OnUpdate == sql.ForeignKeyReferentialAction_SetDefault {
			return mysqlerr.New(mysqlerr.ER_CANNOT_ADD_FOREIGN)
		}
		if len(f.ParentColumns) != len(f.Columns) {
			return mysqlerr.NewMessage(1239, "Incorrect foreign key definition for '%s': Key reference and table reference don't match", f.Name)
		}
		for i, name := range f.Columns {
			if slices.ContainsFunc(f.Columns[:i], func(other string) bool { return strings.EqualFold(other, name) }) {
				return mysqlerr.New(mysqlerr.ER_DUP_FIELDNAME, name)
			}
			pos := tabledef.Position(d, name)
			if pos < 0 {
				return mysqlerr.New(mysqlerr.ER_KEY_COLUMN_DOES_NOT_EXITS, name)
			}
			f.Columns[i] = d.Columns[pos].Name
			if (f.OnDelete == "SET NULL" || f.OnUpdate == "SET NULL") && !d.Columns[pos].Nullable {
				return mysqlerr.NewMessage(1830, "Column '%s' cannot be NOT NULL: needed in a foreign key constraint '%s' SET NULL", name, f.Name)
			}
		}
		if err := s.checkParent(c, d, &f); err != nil {
			return err
		}
		for i := range attrs.FKs {
			if strings.EqualFold(attrs.FKs[i].Name, f.Name) {
				return mysqlerr.New(mysqlerr.ER_FK_DUP_NAME, f.Name)
			}
		}
		attrs.FKs = append(attrs.FKs, f)
		if err := indexForFK(d, &f, unnamed); err != nil {
			return err
		}
	}
	d.ReferTo, d.Names = referredTables(attrs.FKs), foreignNames(attrs.FKs)
	return nil
}

// foreignNames are what makes foreign keys' names unique in a schema: MySQL compares them in lower case.
func foreignNames(fks []tabledef.ForeignKey) []string {
	var out []string
	for i := range fks {
		out = append(out, strings.ToLower(fks[i].Name))
	}
	return out
}

// fkTaken explains that a foreign key of d has the name of another table's.
func fkTaken(d *table.Def, err error) error {
	var taken *table.NameTaken
	if !errors.As(err, &taken) {
		return err
	}
	name := taken.Name
	if a, aerr := tableAttrsOf(d); aerr == nil {
		for i := range a.FKs {
			if strings.ToLower(a.FKs[i].Name) == taken.Name {
				name = a.FKs[i].Name
			}
		}
	}
	return mysqlerr.New(mysqlerr.ER_FK_DUP_NAME, name)
}

func actionText(a sql.ForeignKeyReferentialAction) string {
	if a == sql.ForeignKeyReferentialAction_DefaultAction {
		return ""
	}
	return strings.ToUpper(string(a))
}

// generatedName is the name of a foreign key that has none: the number after the highest one that was made so. Names that differ by case do not count, and
// numbers are of 32 bits, so that the name may be taken.
func generatedName(base string, have []tabledef.ForeignKey) string {
	last := uint32(0)
	for i := range have {
		digits, ok := strings.CutPrefix(have[i].Name, base)
		if !ok || digits == "" || digits[0] == '0' {
			continue
		}
		n, err := strconv.ParseUint(strings.TrimPrefix(digits, "-"), 10, 64)
		if digits[0] == '-' {
			n = -n
		}
		if err == nil {
			last = max(last, uint32(n))
		}
	}
	return fmt.Sprintf("%s%d", base, last+1)
}

// checkParent verifies the referenced table, unless foreign_key_checks is off: dumps create tables in any order.
func (s *Session) checkParent(c *sql.Context, d *table.Def, f *tabledef.ForeignKey) error {
	if !checksForeignKeys(c) {
		return nil
	}
	parent := d
	if f.ParentSchema != d.Schema || f.ParentTable != d.Name {
		var err error
		parent, err = s.e.catalog.Definition(c, f.ParentSchema, f.ParentTable)
		if errors.Is(err, table.ErrNoTable) || errors.Is(err, table.ErrNoSchema) {
			return noParentTable(f.ParentTable)
		}
		if err != nil {
			return err
		}
	}
	if a, err := tableAttrsOf(parent); err != nil || a.PartSQL != "" {
		if err == nil {
			err = errPartitionedFK()
		}
		return err
	}
	for i, name := range f.ParentColumns {
		pos := tabledef.Position(parent, name)
		if pos < 0 {
			return mysqlerr.NewMessage(3734, "Failed to add the foreign key constraint. Missing column '%s' for constraint '%s' in the referenced table '%s'",
				name, f.Name, f.ParentTable)
		}
		f.ParentColumns[i] = parent.Columns[pos].Name
		if parent.Columns[pos].Virtual {
			return mysqlerr.New(mysqlerr.ER_FK_CANNOT_USE_VIRTUAL_COLUMN, f.Name, name)
		}
		if err := s.sameKind(c, d, parent, f, i, pos); err != nil {
			return err
		}
	}
	if !hasLeading(parent, f.ParentColumns) {
		return mysqlerr.NewMessage(1822, "Failed to add the foreign key constraint. Missing index for constraint '%s' in the referenced table '%s'",
			f.Name, f.ParentTable)
	}
	return nil
}

// sameKind refuses a foreign key between columns of different types.
func (s *Session) sameKind(c *sql.Context, child, parent *table.Def, f *tabledef.ForeignKey, i, pos int) error {
	var ca, pa tabledef.Column
	if err := errors.Join(tabledef.Decode(child.Columns[tabledef.Position(child, f.Columns[i])].Attrs, &ca), tabledef.Decode(parent.Columns[pos].Attrs, &pa)); err != nil {
		return err
	}
	ct, err := datum.ParseType(c, ca.Type)
	if err != nil {
		return err
	}
	pt, err := datum.ParseType(c, pa.Type)
	if err != nil {
		return err
	}
	same := ct.Type() == pt.Type()
	if types.IsText(ct) && types.IsText(pt) { // lengths and CHAR or VARCHAR may differ, collations may not
		cc, ok1 := ct.(sql.TypeWithCollation)
		pc, ok2 := pt.(sql.TypeWithCollation)
		same = !ok1 || !ok2 || cc.Collation() == pc.Collation()
	}
	if !same {
		return mysqlerr.NewMessage(3780, "Referencing column '%s' and referenced column '%s' in foreign key constraint '%s' are incompatible.",
			f.Columns[i], f.ParentColumns[i], f.Name)
	}
	return nil
}

// hasLeading reports whether an index of d starts with the columns, in any order.
func hasLeading(d *table.Def, columns []string) bool {
	for i := range d.Indexes {
		if leads(d, &d.Indexes[i], columns) {
			return true
		}
	}
	return false
}

func leads(d *table.Def, ix *table.Index, columns []string) bool {
	if len(ix.Parts) < len(columns) || ix.Kind != "" {
		return false
	}
	for i, name := range columns {
		if p := ix.Parts[i]; p.Prefix != 0 || !strings.EqualFold(d.Columns[p.Column].Name, name) {
			return false
		}
	}
	return true
}

// indexForFK adds the index that a foreign key needs on its own columns: under the name that the statement gave the key, else under the first column's.
func indexForFK(d *table.Def, f *tabledef.ForeignKey, unnamed bool) error {
	if hasLeading(d, f.Columns) {
		return nil
	}
	ix := table.Index{Name: f.Name, Attrs: tabledef.Encode(tabledef.Index{ForFK: true})}
	taken := func(ix table.Index) bool { return strings.EqualFold(ix.Name, f.Name) }
	if !unnamed && slices.ContainsFunc(d.Indexes, taken) {
		return mysqlerr.New(mysqlerr.ER_DUP_KEYNAME, f.Name)
	}
	if unnamed {
		ix.Name = freeIndexName(d.Indexes, f.Columns[0])
	}
	for _, name := range f.Columns {
		ix.Parts = append(ix.Parts, table.Part{Column: tabledef.Position(d, name)})
	}
	list := append([]table.Index(nil), d.Indexes...)
	if list[0].Hidden {
		list = list[1:]
	}
	return setIndexes(d, append(list, ix))
}

// noParent is the error of a CREATE TABLE that the library would not analyse: a table that a foreign key refers to may lack.
func (s *Session) noParent(c *sql.Context, ddl *sqlparser.DDL, schema, name string, err error) error {
	if ddl.TableSpec == nil || !sql.ErrTableNotFound.Is(err) && !sql.ErrDatabaseNotFound.Is(err) {
		return err
	}
	for _, con := range ddl.TableSpec.Constraints {
		fk, ok := con.Details.(*sqlparser.ForeignKeyDefinition)
		if !ok {
			continue
		}
		in, of := fk.ReferencedTable.DbQualifier.String(), fk.ReferencedTable.Name.String()
		if in == schema && of == name {
			continue
		}
		if _, derr := s.e.catalog.Definition(c, in, of); skipMissing(derr) == nil && derr != nil {
			return noParentTable(of)
		}
	}
	return err
}

func noParentTable(name string) error {
	return mysqlerr.NewMessage(1824, "Failed to open the referenced table '%s'", name)
}
