package general

import (
	"slices"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"

	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/tabledef"
)

// The library checks foreign keys and carries out their actions; what it looks up for that comes from here. A lookup reads what is current, the
// statement's own changes too, and locks it as InnoDB does (row_ins_check_foreign_constraint):
//
//   - a parent for the share, for as long as the transaction lasts: so nobody takes it away before the child that needs it is committed or gone
//   - the children of a key that refuses, for the share; of one that acts on them, exclusively
//   - in the index of the lookup only, and without the gaps before what it finds: who adds a child needs the parent, which the transaction that looks
//     for children has locked exclusively

// maxCascade is how many tables deep actions lead, as in InnoDB; the library counts.
const maxCascade = 15

// foreignMutant, set by tests only, breaks a lookup.
var foreignMutant func(ctx *sql.Context, b *base)

// IndexedAccess implements sql.ForeignKeyEditor: it looks for the children of a row, unless SetReferenceCheck says that it is for a parent.
func (e *editor) IndexedAccess(_ *sql.Context, lookup sql.IndexLookup) sql.IndexedTable {
	b := &base{db: e.db, m: e.m, bound: e.base.bound, schema: e.schema, alias: e.alias, foreign: true} // nothing of what the statement reads by
	t := &rangeTable{&userTable{base: b}, lookup}
	if x, ok := lookup.Index.(*index); ok && !b.actsOn(x) {
		t.readsKey(x)
	} else {
		b.mode.Lock = table.LockExclusive
	}
	return t
}

// SetReferenceCheck implements sql.ReferenceChecker: it is a parent that is looked for.
func (t *rangeTable) SetReferenceCheck() error {
	if x, ok := t.lookup.Index.(*index); ok && t.foreign {
		t.readsKey(x)
	}
	return nil
}

var _ sql.ReferenceChecker = (*rangeTable)(nil)

// readsKey has a lookup only tell whether there is a row: it reads, and locks, the index alone.
func (t *rangeTable) readsKey(x *index) {
	t.mode.Lock = table.LockShared
	t.proj, t.names = t.proj[:0], t.names[:0]
	for _, p := range x.ix().Parts {
		t.proj, t.names = append(t.proj, p.Column), append(t.names, t.schema[p.Column].Name)
	}
}

// actsOn reports whether a lookup by the index may find rows that a foreign key's action then changes: children of an ON DELETE or
// ON UPDATE that does more than refuse.
func (b *base) actsOn(x *index) bool {
	parts := x.ix().Parts
	for i := range b.m.Attrs.FKs {
		f := &b.m.Attrs.FKs[i]
		if len(f.Columns) > len(parts) || !f.Acts() {
			continue
		}
		same := true
		for _, p := range parts[:len(f.Columns)] {
			same = same && slices.ContainsFunc(f.Columns, func(c string) bool { return strings.EqualFold(c, b.m.Def.Columns[p.Column].Name) })
		}
		if same {
			return true
		}
	}
	return false
}

// acted reports whether foreign keys may change rows of the table while a statement does.
func (e *editor) acted() bool {
	return slices.ContainsFunc(e.m.Attrs.FKs, func(f tabledef.ForeignKey) bool { return f.Acts() })
}

// loses reports whether the statement may find a row gone that it has read: an earlier one's deletion led to this one's. The row does not count.
func (e *editor) loses(ctx *sql.Context) bool {
	if !e.acted() {
		return false
	}
	if s := sessionOf(ctx); s != nil && s.cur != nil {
		s.cur.lost++
	}
	return true
}

// keepActions puts into the new row, now, what foreign keys have changed in the stored one, old, since the statement read it as read: an UPDATE of a
// join changes parents before it comes to their children.
func (e *editor) keepActions(ctx *sql.Context, read sql.Row, old, now []row.Datum) error {
	if !e.acted() || e.isDup(read) {
		return nil
	}
	was, err := e.encode(ctx, read, e.zone(ctx))
	if err != nil {
		return err
	}
	for i := range now {
		if !e.def().Columns[i].Virtual && sameDatum(&was[i], &now[i]) && !sameDatum(&was[i], &old[i]) {
			now[i] = old[i]
		}
	}
	return nil
}
