package general

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/vitess/go/sqltypes"

	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/item"
	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// editor changes rows of one table. The statement's savepoint is the dispatcher's, so the statement calls do nothing.
type editor struct {
	*userTable
	loc *time.Location
	// dup is the row that the last insert collided with: ON DUPLICATE KEY UPDATE and REPLACE go on with it.
	dup    sql.Row
	dupRef table.Ref
	dupOld []row.Datum
	// dupIndex is the unique index that it collided at, dupLast that no other follows.
	dupIndex *table.Index
	dupLast  bool
	located  bool
	became   sql.Row // what Update last stored: BEFORE triggers may have changed it
	// checks are those of a table that the library does not see: it wraps one with virtual columns, and of a join it knows no aliases.
	checks   []sql.Expression
	bound    bool
	verified bool // rows are inserted that verify has seen
	// rows of an INSERT ... SELECT that go into the table together.
	batch rowBatch
	// keeper tells of foreign keys whether a row's key changed, by its bytes (byBytes).
	keeper *plan.ForeignKeyEditor
}

var (
	_ sql.TableEditor      = (*editor)(nil)
	_ sql.ForeignKeyEditor = (*editor)(nil)
)

func (t *userTable) editor() *editor {
	full := *t
	full.proj, full.names = nil, nil
	return &editor{userTable: &full}
}

func (e *editor) StatementBegin(*sql.Context)              {}
func (e *editor) DiscardChanges(*sql.Context, error) error { return nil }
func (e *editor) StatementComplete(*sql.Context) error     { return nil }
func (e *editor) Close(*sql.Context) error                 { return nil }
func (e *editor) zone(ctx *sql.Context) *time.Location {
	if !e.located {
		e.loc, e.located = item.Location(ctx), true
	}
	return e.loc
}

func (e *editor) Insert(ctx *sql.Context, r sql.Row) error {
	t, err := e.ensure(ctx)
	if err != nil {
		return err
	}
	if !e.verified {
		if err := e.verify(ctx, r); err != nil {
			return err
		}
	}
	if err := e.verifyView(ctx, r); err != nil {
		return err
	}
	d, err := e.encode(ctx, r, e.zone(ctx))
	if err != nil {
		return err
	}
	if e.batch.takes(r, d) {
		if e.batch.full() {
			return e.flush(ctx)
		}
		return nil
	}
	if err := e.duplicate(ctx, r, t.Insert(ctx, d)); err != nil {
		return err
	}
	if e.firing(ctx).insert {
		return sessionOf(ctx).fire(ctx, e.m, "AFTER", "INSERT", nil, r)
	}
	return nil
}

// verify evaluates the checks that the library does not see.
func (e *editor) verify(ctx *sql.Context, r sql.Row) error {
	if !e.m.Virtual {
		return nil
	}
	return e.evaluateChecks(ctx, r)
}

// evaluateChecks holds a row against the table's CHECK constraints.
func (e *editor) evaluateChecks(ctx *sql.Context, r sql.Row) error {
	if len(e.m.Attrs.Checks) == 0 {
		return nil
	}
	if !e.bound {
		var err error
		if e.checks, err = sessionOf(ctx).boundChecks(ctx, e.m); err != nil {
			return err
		}
		e.bound = true
	}
	for i, x := range e.checks {
		if x == nil {
			continue
		}
		v, err := sql.EvaluateCondition(ctx, x, r)
		if err != nil {
			return err
		}
		if sql.IsFalse(v) {
			return sql.ErrCheckConstraintViolated.New(e.m.Attrs.Checks[i].Name)
		}
	}
	return nil
}

// duplicate turns the engine's collision into GMS's.
func (e *editor) duplicate(ctx *sql.Context, r sql.Row, err error) error {
	var dup *table.DuplicateKey
	if !errors.As(err, &dup) {
		return e.editError(err)
	}
	old, derr := e.decode(ctx, dup.Row, nil, e.zone(ctx))
	if derr != nil {
		return derr
	}
	if err := e.fillVirtual(ctx, old); err != nil {
		return err
	}
	e.dup, e.dupRef, e.dupOld = old, dup.Ref, dup.Row
	if e.m.PK == nil {
		sessionOf(ctx).cur.refs.remember(e.def(), dup.Row, dup.Ref)
	}
	ix := &dup.Table.Indexes[dup.Index]
	e.dupIndex, e.dupLast = ix, true
	for _, later := range dup.Table.Indexes[dup.Index+1:] {
		e.dupLast = e.dupLast && !later.Unique
	}
	return sql.NewUniqueKeyErr(e.keyText(ctx, ix, dup.Key, r), ix.Primary, old)
}

// keyText is the key as MySQL prints it, then a separator and the index: errors.go makes the message of both.
func (e *editor) keyText(ctx *sql.Context, ix *table.Index, key []row.Datum, r sql.Row) string {
	text := ""
	for i, p := range ix.Parts {
		if i > 0 {
			text += "-"
		}
		v := r[p.Column]
		if i < len(key) && !e.m.Def.Columns[p.Column].Virtual && (v == nil || p.Prefix > 0) {
			if kv, err := e.m.Codecs[p.Column].Decode(ctx, &key[i], e.loc); err == nil {
				v = kv
			}
		}
		text += keyPartText(e.m, ctx, p.Column, v)
	}
	return duplicateText(text, e.m.ShownName(), ix.Name)
}

// fillVirtual computes a row's virtual columns.
func (b *base) fillVirtual(ctx *sql.Context, r sql.Row) error {
	if !b.m.Virtual {
		return nil
	}
	exprs, err := b.generated(ctx)
	if err != nil {
		return err
	}
	for i, x := range exprs {
		if x == nil || !b.m.Def.Columns[i].Virtual {
			continue
		}
		if r[i], err = x.Eval(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

// stored reports whether a row is as the storage gave it: its virtual columns were not computed. Foreign keys' actions and collisions
// bring such rows; those of statements have them computed.
func (b *base) stored(r sql.Row) bool {
	if !b.m.Virtual {
		return false
	}
	for i := range b.m.Def.Columns {
		if b.m.Def.Columns[i].Virtual && r[i] != nil {
			return false
		}
	}
	return true
}

// encodeVirtual computes the virtual columns of a stored row: the entries of the indexes over them are found by their values.
func (e *editor) encodeVirtual(ctx *sql.Context, d []row.Datum) error {
	r, err := e.decode(ctx, d, nil, e.zone(ctx))
	if err != nil {
		return err
	}
	if err := e.fillVirtual(ctx, r); err != nil {
		return err
	}
	for i := range d {
		if !e.def().Columns[i].Virtual {
			continue
		}
		if d[i], err = e.m.Codecs[i].Encode(ctx, r[i], e.zone(ctx)); err != nil {
			return err
		}
	}
	return nil
}

func (e *editor) editError(err error) error {
	if errors.Is(err, table.ErrTooBig) {
		return mysqlerr.New(mysqlerr.ER_TOO_BIG_ROWSIZE, 65535).Because(err)
	}
	return err
}

// find locates the stored row that GMS shows as r.
func (e *editor) find(ctx *sql.Context, t table.Table, r sql.Row) (table.Ref, []row.Datum, error) {
	ref, old, err := e.locate(ctx, t, r)
	if err == nil && e.m.Virtual && (e.isDup(r) || e.stored(r)) {
		old = slices.Clone(old)
		err = e.encodeVirtual(ctx, old)
	}
	return ref, old, err
}

// isDup reports whether r is the row that the last insert collided with.
func (e *editor) isDup(r sql.Row) bool { return len(r) > 0 && len(e.dup) > 0 && &r[0] == &e.dup[0] }

// locate is find without the virtual columns that r lacks.
func (e *editor) locate(ctx *sql.Context, t table.Table, r sql.Row) (table.Ref, []row.Datum, error) {
	if e.isDup(r) {
		return e.dupRef, e.dupOld, nil
	}
	old, err := e.encode(ctx, r, e.zone(ctx))
	if err != nil {
		return nil, nil, err
	}
	if e.m.PK == nil {
		e.unpad(ctx, old)
		if ref := sessionOf(ctx).cur.refs.placeOf(r); ref != nil {
			return ref, old, nil
		}
		if ref := sessionOf(ctx).cur.refs.take(e.def(), old); ref != nil {
			return e.current(ctx, t, ref, old)
		}
		if sessionOf(ctx).cur.refs.gone(e.def(), old) {
			return nil, nil, sql.ErrDeleteRowNotFound.New()
		}
		return e.findByScan(ctx, t, old)
	}
	key, _ := e.keyOf(&e.def().Indexes[0], old)
	cur, ref, err := t.Get(ctx, 0, key, table.LockExclusive, table.Wait)
	if err != nil {
		return nil, nil, err
	}
	if cur == nil {
		return nil, nil, sql.ErrDeleteRowNotFound.New()
	}
	e.overlay(old, cur)
	return ref, old, nil
}

// current brings the row of a table without a primary key that the statement read as old up to date: foreign keys' actions of the same statement
// may have changed it since.
func (e *editor) current(ctx *sql.Context, t table.Table, ref table.Ref, old []row.Datum) (table.Ref, []row.Datum, error) {
	rt, ok := t.(table.RefTable)
	if !ok || !e.acted() {
		return ref, old, nil
	}
	cur, err := rt.Row(ctx, ref, nil, table.LockExclusive, table.Wait)
	if err != nil {
		return nil, nil, err
	}
	if cur == nil {
		return nil, nil, sql.ErrDeleteRowNotFound.New()
	}
	e.overlay(old, cur)
	return ref, old, nil
}

// overlay copies the stored columns of cur, which may alias a page, into a row.
func (e *editor) overlay(r, cur []row.Datum) {
	for i := range cur {
		if !e.def().Columns[i].Virtual {
			r[i] = cur[i]
			r[i].B = append([]byte(nil), cur[i].B...)
		}
	}
}

// unpad takes away the blanks that PAD_CHAR_TO_FULL_LENGTH has added to a row that was read: CHAR is stored without.
func (e *editor) unpad(ctx *sql.Context, r []row.Datum) {
	if !e.padsChars(ctx) {
		return
	}
	for i := range r {
		if e.m.Schema[i].Type.Type() == sqltypes.Char {
			r[i].B = bytes.TrimRight(r[i].B, " ")
		}
	}
}

// findByScan looks for an equal row of a table without a primary key. It is for rows that GMS did not get from a locking scan (a
// cascade, a trigger's).
func (e *editor) findByScan(ctx *sql.Context, t table.Table, old []row.Datum) (table.Ref, []row.Datum, error) {
	want := e.def()
	c, err := t.Scan(ctx, table.ScanOptions{Lock: table.LockExclusive})
	if err != nil {
		return nil, nil, err
	}
	defer c.Close()
	for {
		ok, err := c.Next(ctx)
		if err != nil {
			return nil, nil, err
		}
		if !ok {
			return nil, nil, sql.ErrDeleteRowNotFound.New()
		}
		if sameRow(want, c.Row(), old) {
			return append(table.Ref(nil), c.Ref()...), old, nil
		}
	}
}

func (e *editor) Delete(ctx *sql.Context, r sql.Row) error {
	t, err := e.ensure(ctx)
	if err != nil {
		return err
	}
	var multi *multiDelete
	if s := sessionOf(ctx); s != nil && s.cur != nil && s.cur.multi != nil && s.cur.multi.targets[e.def().ID] {
		if multi = s.cur.multi; absent(r) {
			return nil
		}
	}
	ref, old, err := e.find(ctx, t, r)
	if sql.ErrDeleteRowNotFound.Is(err) && (multi != nil || e.loses(ctx)) {
		return nil // deleted with an earlier row of the join, or by what the deletion of an earlier row led to
	}
	if err != nil {
		return err
	}
	if multi != nil {
		multi.rows++
	}
	fires := e.firing(ctx).delete
	if fires {
		if err := sessionOf(ctx).fire(ctx, e.m, "BEFORE", "DELETE", r, nil); err != nil {
			return err
		}
	}
	if err := t.Delete(ctx, ref, old); err != nil || !fires {
		if errors.Is(err, table.ErrGone) && e.loses(ctx) {
			return nil
		}
		return err
	}
	return sessionOf(ctx).fire(ctx, e.m, "AFTER", "DELETE", r, nil)
}

func (e *editor) Update(ctx *sql.Context, oldRow, newRow sql.Row) (err error) {
	if e.firing(ctx).beforeUpdate {
		if newRow, err = e.beforeUpdate(ctx, oldRow, newRow); err != nil {
			return err
		}
	}
	return e.updateFired(ctx, oldRow, newRow)
}

// updateFired is Update when BEFORE UPDATE has been fired.
func (e *editor) updateFired(ctx *sql.Context, oldRow, newRow sql.Row) error {
	t, err := e.ensure(ctx)
	if err != nil {
		return err
	}
	fires := e.firing(ctx)
	if err := e.verify(ctx, newRow); err != nil {
		return err
	}
	if err := e.verifyView(ctx, newRow); err != nil {
		return err
	}
	ref, old, err := e.find(ctx, t, oldRow)
	if err != nil {
		return err
	}
	if e.stored(oldRow) {
		newRow = newRow.Copy()
		if err := e.fillVirtual(ctx, newRow); err != nil {
			return err
		}
	}
	now, err := e.encode(ctx, newRow, e.zone(ctx))
	if err != nil {
		return err
	}
	e.unpad(ctx, now)
	e.became = newRow
	if err := e.keepActions(ctx, oldRow, old, now); err != nil {
		return err
	}
	if err := e.duplicate(ctx, newRow, t.Update(ctx, ref, old, now)); err != nil {
		return err
	}
	if fires.update {
		return sessionOf(ctx).fire(ctx, e.m, "AFTER", "UPDATE", oldRow, newRow)
	}
	return nil
}

// rowRefs remembers where the rows of tables without a primary key are stored, from the locking scan that found them to the
// edit. Equal rows are interchangeable.
//
// The rows of a multi-table DELETE are scanned and named as often as rows of the join hold them: known holds the places of each, so that
// a place is remembered once, and its row deleted once.
type rowRefs struct {
	m     map[string][]table.Ref
	known map[string]map[string]bool // by rowKey; nil if a row is scanned once
	// placed are the rows that a foreign key's action is about to change, by their first values: it may meet them anew after the statement did,
	// and takes nothing from what that remembers.
	placed map[*any]table.Ref
}

func (f *rowRefs) place(r sql.Row, ref table.Ref) {
	if f.placed == nil {
		f.placed = map[*any]table.Ref{}
	}
	f.placed[&r[0]] = append(table.Ref(nil), ref...)
}

// placeOf returns, once, where a row is that an action found.
func (f *rowRefs) placeOf(r sql.Row) table.Ref {
	if len(r) == 0 {
		return nil
	}
	ref := f.placed[&r[0]]
	delete(f.placed, &r[0])
	return ref
}

func (f *rowRefs) remember(d *table.Def, r []row.Datum, ref table.Ref) {
	if f.m == nil {
		f.m = map[string][]table.Ref{}
	}
	k := rowKey(d, r)
	if f.known != nil {
		if f.known[k][string(ref)] {
			return
		}
		if f.known[k] == nil {
			f.known[k] = map[string]bool{}
		}
		f.known[k][string(ref)] = true
	}
	f.m[k] = append(f.m[k], append(table.Ref(nil), ref...))
}

// gone reports whether every place of such a row has been taken.
func (f *rowRefs) gone(d *table.Def, r []row.Datum) bool { return f.known[rowKey(d, r)] != nil }

func (f *rowRefs) take(d *table.Def, r []row.Datum) table.Ref {
	k := rowKey(d, r)
	refs := f.m[k]
	if len(refs) == 0 {
		return nil
	}
	if len(refs) == 1 {
		delete(f.m, k)
	} else {
		f.m[k] = refs[:len(refs)-1]
	}
	return refs[len(refs)-1]
}

// rowKey is a text that is equal for equal rows of one table.
func rowKey(d *table.Def, r []row.Datum) string {
	b := fmt.Appendf(nil, "%d", d.ID)
	for i := range r {
		if d.Columns[i].Virtual {
			continue
		}
		if r[i].Null {
			b = append(b, 0)
			continue
		}
		b = fmt.Appendf(append(b, 1), "%x.%d.", r[i].N, len(r[i].B))
		b = append(b, r[i].B...)
	}
	return string(b)
}

func sameRow(d *table.Def, a, b []row.Datum) bool { return rowKey(d, a) == rowKey(d, b) }
