package general

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/plan"

	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/datum"
	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/tabledef"
)

// InnoDB changes a row index by index, the clustered one first, and at each one (row_upd_sec_index_entry, row_ins_sec_index_entry) looks first for
// children that refer to the old entry, then for the parents of the new one, then for a duplicate. Keys of one index come in the order of their names. What fails
// first is the statement's error: 1451, 1452 or 1062. ON DUPLICATE KEY UPDATE and REPLACE meet a duplicate of an earlier index, and so never learn of a parent that lacks.
//
// The engine finds duplicates when it changes the row, all of them after the foreign keys. So when one of these fails, the earlier indexes are searched.

// foreignID is what a foreign key is called while a statement is analysed: the library knows keys by their names alone, which other tables' may bear.
func foreignID(schema, tableName, name string) string {
	return schema + "\x00" + tableName + "\x00" + name
}

// inCheckOrder sorts foreign keys by the indexes of d that their columns name there, and by name.
func inCheckOrder(d *table.Def, keys []sql.ForeignKeyConstraint, columns func(*sql.ForeignKeyConstraint) []string) {
	slices.SortStableFunc(keys, func(a, b sql.ForeignKeyConstraint) int {
		return cmp.Or(cmp.Compare(foreignIndex(d, columns(&a)), foreignIndex(d, columns(&b))), cmp.Compare(a.Database, b.Database), cmp.Compare(a.Name, b.Name))
	})
}

// foreignIndex is the first index that begins with the columns, as dict_foreign_find_index has it; behind the last one if there is none.
func foreignIndex(d *table.Def, columns []string) int {
	at := slices.IndexFunc(d.Indexes, func(ix table.Index) bool {
		if ix.Hidden || ix.Kind != "" || len(ix.Parts) < len(columns) {
			return false
		}
		for i, c := range columns {
			if p := ix.Parts[i]; p.Prefix > 0 || !strings.EqualFold(d.Columns[p.Column].Name, c) {
				return false
			}
		}
		return true
	})
	if at < 0 {
		return len(d.Indexes)
	}
	return at
}

// insertChecked is ed.Insert with InnoDB's order of checks.
func insertChecked(ctx *sql.Context, ed sql.RowInserter, r sql.Row) error {
	h, own := keeperOf(ed)
	if own == nil {
		return ed.Insert(ctx, r)
	}
	for _, f := range h.Editor.References {
		if err := f.CheckReference(ctx, r); err != nil {
			return own.takenBefore(ctx, foreignIndex(own.def(), f.ForeignKey.Columns), nil, r, err)
		}
	}
	return own.Insert(ctx, r)
}

// updateChecked is ed.Update with InnoDB's order of checks.
func updateChecked(ctx *sql.Context, ed sql.RowUpdater, old, now sql.Row) error {
	h, own := keeperOf(ed)
	if own == nil {
		return ed.Update(ctx, old, now)
	}
	if own.firing(ctx).beforeUpdate { // before the keys are checked: the trigger may change them
		var err error
		if now, err = own.beforeUpdate(ctx, old, now); err != nil {
			return err
		}
	}
	next := 0
	refuse := func(upTo int) error { // what children of the indexes up to that one refuse
		for ; next < len(h.Editor.RefActions); next++ {
			a := &h.Editor.RefActions[next]
			at := foreignIndex(own.def(), a.ForeignKey.ParentColumns)
			if at > upTo {
				break
			}
			if !tabledef.Refuses(string(a.ForeignKey.OnUpdate)) {
				continue
			}
			if err := own.byBytes(h.Editor).OnUpdateRestrict(ctx, *a, old, now); err != nil {
				return own.takenBefore(ctx, at, old, now, err)
			}
		}
		return nil
	}
	for _, f := range h.Editor.References {
		at := foreignIndex(own.def(), f.ForeignKey.Columns)
		if err := refuse(at); err != nil {
			return err
		}
		if same, err := sameAt(ctx, h.Editor.Schema, f.RowMapper.IndexPositions, old, now); err != nil || same {
			if err != nil {
				return err
			}
			continue
		}
		if err := f.CheckReference(ctx, now); err != nil {
			return own.takenBefore(ctx, at, old, now, err)
		}
	}
	if err := refuse(len(own.def().Indexes)); err != nil {
		return err
	}
	if err := own.updateFired(ctx, old, now); err != nil {
		return err
	}
	for i := range h.Editor.RefActions {
		a := h.Editor.RefActions[i]
		keeper := own.byBytes(h.Editor)
		act := keeper.OnUpdateCascade
		switch a.ForeignKey.OnUpdate {
		case sql.ForeignKeyReferentialAction_Cascade:
		case sql.ForeignKeyReferentialAction_SetNull:
			act = keeper.OnUpdateSetNull
		case sql.ForeignKeyReferentialAction_SetDefault:
			act = keeper.OnUpdateSetDefault
		default:
			continue
		}
		if err := act(ctx, a, old, now, 2); err != nil { // the library's depth of what a statement's own change leads to
			return own.takenBelow(ctx, old, err)
		}
	}
	return nil
}

// byBytes is a keeper to which a key has changed where its bytes have: InnoDB holds children against the old key of their parent though the new one be equal to it
// (row_upd_changes_first_fields_binary).
func (e *editor) byBytes(of *plan.ForeignKeyEditor) *plan.ForeignKeyEditor {
	if e.keeper != nil {
		return e.keeper
	}
	keeper := *of
	keeper.Schema = slices.Clone(of.Schema)
	for i, col := range of.Schema {
		if t, text := col.Type.(sql.StringType); text {
			told := *col
			told.Type = bytewise{t}
			keeper.Schema[i] = &told
		}
	}
	e.keeper = &keeper
	return e.keeper
}

// bytewise is a text's type that calls only the same bytes equal.
type bytewise struct{ sql.StringType }

func (t bytewise) Compare(ctx context.Context, a, b any) (int, error) {
	n, err := t.StringType.Compare(ctx, a, b)
	x, ok := a.(string)
	y, too := b.(string)
	if err != nil || n != 0 || !ok || !too {
		return n, err
	}
	return strings.Compare(x, y), nil
}

// keeperOf finds the library's keeper of foreign keys and the editor of the table; nil if there are none to keep.
func keeperOf(ed any) (*plan.ForeignKeyHandler, *editor) {
	h, ok := ed.(*plan.ForeignKeyHandler)
	if !ok {
		return nil, nil
	}
	return h, editorOf(h)
}

func sameAt(ctx *sql.Context, schema sql.Schema, positions []int, a, b sql.Row) (bool, error) {
	for _, i := range positions {
		if c, err := datum.Ordered(schema[i].Type).Compare(ctx, a[i], b[i]); err != nil || c != 0 {
			return false, err
		}
	}
	return true, nil
}

// takenBefore is the error of a row that violates a foreign key of the index at: a duplicate of an earlier unique one comes before the violation. old is the row that
// is updated, nil for a new one.
func (e *editor) takenBefore(ctx *sql.Context, at int, old, now sql.Row, violation error) error {
	if !sql.ErrForeignKeyChildViolation.Is(violation) && !sql.ErrForeignKeyParentViolation.Is(violation) {
		return violation
	}
	d := e.def()
	at = min(at, len(d.Indexes))
	if !slices.ContainsFunc(d.Indexes[:at], func(ix table.Index) bool { return ix.Unique && !ix.Hidden }) {
		return violation
	}
	t, err := e.ensure(ctx)
	if err != nil {
		return err
	}
	var self table.Ref
	if old != nil {
		if self, _, err = e.find(ctx, t, old); err != nil {
			return err
		}
	}
	cells, err := e.encode(ctx, now, e.zone(ctx))
	if err != nil {
		return err
	}
	for i := range d.Indexes[:at] {
		if ix := &d.Indexes[i]; !ix.Unique || ix.Hidden || ix.Kind != "" {
			continue
		}
		key, null := e.keyOf(&d.Indexes[i], cells)
		if null {
			continue
		}
		have, ref, err := t.Get(ctx, i, key, table.LockShared, table.Wait)
		if err != nil {
			return err
		}
		if have == nil || bytes.Equal(ref, self) {
			continue
		}
		taken := slices.Clone(have) // what Get returns may alias a page
		e.overlay(taken, have)
		return e.duplicate(ctx, now, &table.DuplicateKey{Table: d, Index: i, Key: key, Row: taken, Ref: slices.Clone(ref)})
	}
	return violation
}

// takenBelow is the error of an action on children that would make one a duplicate: no error of the statement's own row, so IGNORE does not pass over it (1761).
func (e *editor) takenBelow(ctx *sql.Context, old sql.Row, err error) error {
	if !sql.ErrUniqueKeyViolation.Is(err) && !sql.ErrPrimaryKeyViolation.Is(err) {
		return err
	}
	_, text, _ := strings.Cut(err.Error(), dupMarker)
	child := strings.Split(text, "\x00") // what duplicateText gave: value, table, index
	first := slices.IndexFunc(e.def().Indexes, func(ix table.Index) bool { return !ix.Hidden })
	if len(child) < 3 || first < 0 {
		return err
	}
	record, _, _ := strings.Cut(strings.TrimPrefix(e.keyText(ctx, &e.def().Indexes[first], nil, old), dupMarker), "\x00")
	index, _, _ := strings.Cut(child[2], ": ")
	return mysqlerr.New(mysqlerr.ER_FOREIGN_DUPLICATE_KEY_WITH_CHILD_INFO, e.m.ShownName(), record, child[1], index)
}

// keyOf is what an index holds of a row, and whether a NULL is among it.
func (e *editor) keyOf(ix *table.Index, r []row.Datum) (key []row.Datum, null bool) {
	for _, p := range ix.Parts {
		k := r[p.Column]
		if p.Prefix > 0 {
			k.B = cutPrefix(e.m.Codecs[p.Column].Collation, k.B, p.Prefix)
		}
		key, null = append(key, k), null || k.Null
	}
	return key, null
}
