package general

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/sqltext"
	"github.com/zoryadb/zorya/sql/tabledef"
)

// What an ALTER TABLE means for constraints: rows that are there must satisfy new ones, and foreign keys, of this table and of those that
// refer to it, keep their columns and indexes.

func checksForeignKeys(c *sql.Context) bool {
	v, err := c.GetSessionVariable(c, "foreign_key_checks")
	return err != nil || truth(v)
}

// newChecks are the enforced checks of the new definition that the old one did not enforce.
func (a *alteration) newChecks(nm *tabledef.Table) []tabledef.Check {
	var out []tabledef.Check
	for _, ch := range nm.Attrs.Checks {
		had := func(o tabledef.Check) bool { return o.Expr == ch.Expr && !o.NotEnforced }
		if !ch.NotEnforced && !slices.ContainsFunc(a.old.Attrs.Checks, had) {
			out = append(out, ch)
		}
	}
	return out
}

// compareConstraints notes that rows must be looked at for a new check (they are copied for it, as MySQL does), and refuses what foreign
// keys forbid.
func (a *alteration) compareConstraints(c *sql.Context, d *table.Def, sources []int, r *route) error {
	nm, err := tabledef.New(c, d)
	if err != nil {
		return err
	}
	if len(a.newChecks(nm)) > 0 {
		r.rewrites(alterCopy, "")
	}
	if !checksForeignKeys(c) {
		return nil
	}
	for i := range nm.Attrs.FKs {
		f := &nm.Attrs.FKs[i]
		if err := a.keepsColumns(d, sources, f.Columns, func(code mysqlerr.Code, column string) error {
			return mysqlerr.New(code, column, f.Name)
		}, mysqlerr.ER_FK_COLUMN_CANNOT_DROP, mysqlerr.ER_FK_COLUMN_CANNOT_CHANGE); err != nil {
			return err
		}
	}
	if err := a.keepsChildIndexes(nm); err != nil {
		return err
	}
	return a.keepsParents(c, d, sources)
}

// keepsParents looks at the foreign keys of other tables, and of this one, that refer to the table.
func (a *alteration) keepsParents(c *sql.Context, d *table.Def, sources []int) error {
	old := a.old.Def
	for _, by := range old.ReferBy {
		schema, name, _ := strings.Cut(by, ".")
		child, err := a.s.e.catalog.Definition(c, schema, name)
		if err != nil {
			return skipMissing(err)
		}
		var attrs tabledef.Attrs
		if err := tabledef.Decode(child.Attrs, &attrs); err != nil {
			return err
		}
		for i := range attrs.FKs {
			f := &attrs.FKs[i]
			if f.ParentSchema != old.Schema || f.ParentTable != old.Name || a.fkGone[strings.ToLower(f.Name)] {
				continue
			}
			if err := a.keepsColumns(d, sources, f.ParentColumns, func(code mysqlerr.Code, column string) error {
				return mysqlerr.New(code, column, f.Name, name)
			}, mysqlerr.ER_FK_COLUMN_CANNOT_DROP_CHILD, mysqlerr.ER_FK_COLUMN_CANNOT_CHANGE_CHILD); err != nil {
				return err
			}
			if x := lostIndex(old, d, a.renamed(d, sources, f.ParentColumns), f.ParentColumns); x != "" {
				return mysqlerr.New(mysqlerr.ER_DROP_INDEX_FK, x)
			}
		}
	}
	return nil
}

// keepsColumns refuses to drop a column of a foreign key or to change how its values are stored.
func (a *alteration) keepsColumns(d *table.Def, sources []int, columns []string, refuse func(mysqlerr.Code, string) error, drop, change mysqlerr.Code) error {
	old := a.old.Def
	for _, name := range columns {
		from := tabledef.Position(old, name)
		if from < 0 {
			continue // a new foreign key's new column
		}
		to := slices.Index(sources, from)
		if to < 0 {
			return refuse(drop, name)
		}
		if a, b := storedType(old.Columns[from].Attrs), storedType(d.Columns[to].Attrs); a != b && !widened(a, b) {
			return refuse(change, name)
		}
	}
	return nil
}

// renamed are the names that old columns have now.
func (a *alteration) renamed(d *table.Def, sources []int, columns []string) []string {
	out := slices.Clone(columns)
	for i, name := range columns {
		if to := slices.Index(sources, tabledef.Position(a.old.Def, name)); to >= 0 {
			out[i] = d.Columns[to].Name
		}
	}
	return out
}

// keepsChildIndexes refuses to drop the last index of a foreign key's own columns. (The new definition has one in any case: it is made
// for a foreign key that lacks it.)
func (a *alteration) keepsChildIndexes(nm *tabledef.Table) error {
	for i := range nm.Attrs.FKs {
		f := &nm.Attrs.FKs[i]
		if !slices.ContainsFunc(a.old.Attrs.FKs, func(o tabledef.ForeignKey) bool { return strings.EqualFold(o.Name, f.Name) }) {
			continue
		}
		written := *nm.Def
		written.Indexes = slices.DeleteFunc(slices.Clone(nm.Def.Indexes), func(x table.Index) bool {
			var attrs tabledef.Index
			_ = tabledef.Decode(x.Attrs, &attrs)
			return attrs.ForFK && !slices.ContainsFunc(a.spec.Indexes, func(s *sqlparser.IndexDefinition) bool { return s.Info.Name.EqualString(x.Name) })
		})
		if x := lostIndex(a.old.Def, &written, f.Columns, f.Columns); x != "" {
			return mysqlerr.New(mysqlerr.ER_DROP_INDEX_FK, x)
		}
	}
	return nil
}

// lostIndex names the index that led with columns (was, before) where none does any longer.
func lostIndex(old, d *table.Def, columns, was []string) string {
	if hasLeading(d, columns) {
		return ""
	}
	for i := range old.Indexes {
		if leads(old, &old.Indexes[i], was) {
			return old.Indexes[i].Name
		}
	}
	return ""
}

// newForeignKeys are the foreign keys that existing rows must be held against: none while foreign_key_checks is off.
func (a *alteration) newForeignKeys(c *sql.Context, d *table.Def) ([]tabledef.ForeignKey, error) {
	if !checksForeignKeys(c) {
		return nil, nil
	}
	var attrs tabledef.Attrs
	if err := tabledef.Decode(d.Attrs, &attrs); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(attrs.FKs, func(f tabledef.ForeignKey) bool {
		return slices.ContainsFunc(a.old.Attrs.FKs, func(o tabledef.ForeignKey) bool { return strings.EqualFold(o.Name, f.Name) })
	}), nil
}

// runWithForeignKeys adds foreign keys. An anti-join of the rows that are there refuses what cannot be while others go on; the engine verifies what they
// changed meanwhile when it has locked the tables, and publishes the keys only then.
func (a *alteration) runWithForeignKeys(c *sql.Context, x *execution, old, d *table.Def, sources []int, r route, fks []tabledef.ForeignKey) (*Result, error) {
	r.atLeast(alterCopy, whyForeignKeys)
	if err := a.opts.permit(r.kind, r.why, r.none); err != nil {
		return nil, err
	}
	for i := range fks {
		a.keys = append(a.keys, provable(old, d, sources, &fks[i]))
	}
	a.prove = func(context.Context) error {
		for i := range fks {
			if a.keys[i].Old == nil {
				continue
			}
			if err := a.orphan(c, x, old, a.keys[i].Old, &fks[i]); err != nil {
				return err
			}
		}
		return nil
	}
	res, err := a.run(c, old, d, sources, r)
	var orphan *table.Orphan
	if errors.As(err, &orphan) {
		return nil, noParent(d, &fks[orphan.Key])
	}
	return res, err
}

// provable says which rows prove a new foreign key: those that are there, if its columns keep their values.
func provable(old, d *table.Def, sources []int, f *tabledef.ForeignKey) table.ForeignKey {
	k := table.ForeignKey{Parent: [2]string{f.ParentSchema, f.ParentTable}, ParentColumns: f.ParentColumns}
	same := f.ParentSchema != old.Schema || f.ParentTable != old.Name
	for _, name := range f.Columns {
		to := tabledef.Position(d, name)
		k.Columns = append(k.Columns, to)
		if from := sources[to]; from >= 0 && !d.Columns[to].Virtual && storedType(old.Columns[from].Attrs) == storedType(d.Columns[to].Attrs) &&
			rowForm(&old.Columns[from]) == rowForm(&d.Columns[to]) {
			k.Old = append(k.Old, from)
		} else {
			same = false
		}
	}
	if !same {
		k.Old = nil
	}
	return k
}

func noParent(d *table.Def, f *tabledef.ForeignKey) error {
	return mysqlerr.New(mysqlerr.ER_NO_REFERENCED_ROW_2, fmt.Sprintf("%s.%s, %s", sqltext.Quote(d.Schema), sqltext.Quote(d.Name), f.Text(d.Schema)))
}

// orphan returns error 1452 if a row of the table, as it is, has no parent.
func (a *alteration) orphan(c *sql.Context, x *execution, d *table.Def, columns []int, f *tabledef.ForeignKey) error {
	var on, given []string
	for i, pos := range columns {
		name := d.Columns[pos].Name
		on = append(on, "c."+sqltext.Quote(name)+" = p."+sqltext.Quote(f.ParentColumns[i]))
		given = append(given, "c."+sqltext.Quote(name)+" IS NOT NULL")
	}
	rows, err := a.s.queryNow(c, x, fmt.Sprintf("SELECT 1 FROM %s.%s c WHERE %s AND NOT EXISTS (SELECT 1 FROM %s.%s p WHERE %s) LIMIT 1",
		sqltext.Quote(d.Schema), sqltext.Quote(d.Name), strings.Join(given, " AND "), sqltext.Quote(f.ParentSchema), sqltext.Quote(f.ParentTable), strings.Join(on, " AND ")))
	if err != nil {
		return err
	}
	if len(rows) > 0 {
		return noParent(d, f)
	}
	return nil
}

// queryNow runs a query as of now in a transaction of its own: it leaves no metadata lock for the DDL that follows to wait for.
func (s *Session) queryNow(c *sql.Context, x *execution, text string) (rows []sql.Row, err error) {
	txn := s.e.db.Begin(table.TxnOptions{ReadOnly: true, SessionID: uint64(s.login.ID)})
	defer func() {
		if rerr := txn.Rollback(c); err == nil {
			err = rerr
		}
	}()
	stmt, err := txn.BeginStmt(c, table.StmtOptions{})
	if err != nil {
		return nil, err
	}
	defer stmt.End()
	outer, opened := x.stmt, x.opened
	x.stmt, x.opened = stmt, nil
	defer func() { x.stmt, x.opened = outer, opened }()
	_, rows, err = s.query(c, x, text)
	return rows, err
}

// renameInChildren writes the new names of columns into the foreign keys that refer to them.
func (a *alteration) renameInChildren(c *sql.Context, d *table.Def, sources []int) error {
	old := a.old.Def
	for _, by := range old.ReferBy {
		schema, name, _ := strings.Cut(by, ".")
		if schema == old.Schema && name == old.Name {
			continue // its own were analysed with it
		}
		child, err := a.s.e.catalog.Definition(c, schema, name)
		if err != nil {
			return skipMissing(err)
		}
		var attrs tabledef.Attrs
		if err := tabledef.Decode(child.Attrs, &attrs); err != nil {
			return err
		}
		changed := false
		for i := range attrs.FKs {
			f := &attrs.FKs[i]
			if f.ParentSchema != old.Schema || f.ParentTable != old.Name {
				continue
			}
			now := a.renamed(d, sources, f.ParentColumns)
			changed = changed || !slices.Equal(now, f.ParentColumns)
			f.ParentColumns = now
		}
		if !changed {
			continue
		}
		n := *child
		n.Attrs = tabledef.Encode(attrs)
		if _, err := a.s.e.catalog.AlterTable(c, child, &n, table.Build{}); err != nil {
			return fmt.Errorf("rename columns in the foreign keys of %s: %w", by, err)
		}
	}
	return nil
}

// referredTables are the tables that foreign keys refer to.
func referredTables(fks []tabledef.ForeignKey) []string {
	var out []string
	for i := range fks {
		if parent := fks[i].ParentSchema + "." + fks[i].ParentTable; !slices.Contains(out, parent) {
			out = append(out, parent)
		}
	}
	return out
}
