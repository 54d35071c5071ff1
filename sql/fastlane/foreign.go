package fastlane

import (
	"slices"
	"strings"

	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/engine/table"
)

// Foreign keys. A new row's parents are looked for before anything is written, each by one index, and locked for the share as the general lane does it
// (sql/general/foreign.go): so nobody takes a parent away before the child is committed. Where one is missing the lane declines, and the general lane says so.
//
// A change concerns no key that its columns are not part of: a row's own keys are known by name, and what others refer to is in an index (MySQL lets
// nobody refer to columns that none begins with, nor drop that index). So rows that others refer to are changed here only where no index has the columns,
// and not deleted. Rows that refer to others may be deleted.

// reference is a foreign key of the table that is written.
type reference struct {
	columns []int
	schema  string
	name    string
	def     *table.Def // the parent's
	index   int        // of the parent, that begins with what is referred to
	point   bool       // which is the whole clustered key
	need    []int      // the index's columns
}

// bindForeign reports whether what the statement does to foreign keys can be told here.
func (b *binder) bindForeign() bool {
	p, s, bt := b.p, b.p.shape, &b.p.tables[0]
	d := bt.def
	if len(d.ReferBy) > 0 && (s.verb == verbDelete || s.verb == verbReplace) {
		return false
	}
	for _, c := range b.changed() {
		for _, k := range bt.desc.Keys {
			if slices.Contains(k.Columns, c) {
				return false
			}
		}
		for i := range d.Indexes {
			if len(d.ReferBy) > 0 && slices.ContainsFunc(d.Indexes[i].Parts, func(part table.Part) bool { return part.Column == c }) {
				return false
			}
		}
	}
	if s.verb == verbInsert || s.verb == verbReplace {
		p.unchecked = len(d.ReferTo) > 0 && len(bt.desc.Keys) == 0
		for i := range bt.desc.Keys {
			r, ok := b.reference(&bt.desc.Keys[i])
			p.references = append(p.references, r)
			p.unchecked = p.unchecked || !ok
		}
	}
	return true
}

// changed lists the columns that the statement assigns to in rows that are there.
func (b *binder) changed() []int {
	out := slices.Clone(b.p.touch)
	for _, s := range b.p.sets {
		out = append(out, s.column)
	}
	return out
}

// reference finds the parent of a key, and the index to look into.
func (b *binder) reference(k *ForeignKey) (r reference, ok bool) {
	bt := &b.p.tables[0]
	r = reference{columns: k.Columns, schema: k.Schema, name: k.Table}
	if k.Schema == bt.def.Schema && k.Table == bt.def.Name || len(k.Columns) != len(k.Parts) { // the statement's own rows may be parents
		return r, false
	}
	t, err := b.env.Stmt.Open(b.env.Ctx, k.Schema, k.Table)
	if err != nil {
		b.p.stale.Store(true) // it may come: parents may be created after their children while nobody checks
		return r, false
	}
	r.def = t.Def()
	r.index = slices.IndexFunc(r.def.Indexes, func(ix table.Index) bool {
		if ix.Hidden || ix.Kind != "" || len(ix.Parts) < len(k.Parts) {
			return false
		}
		for i, name := range k.Parts {
			if part := &ix.Parts[i]; part.Prefix > 0 || !strings.EqualFold(r.def.Columns[part.Column].Name, name) {
				return false
			}
		}
		return true
	})
	if r.index < 0 {
		return r, false
	}
	parts := r.def.Indexes[r.index].Parts
	r.point = r.index == 0 && len(parts) == len(k.Parts)
	for _, part := range parts {
		r.need = append(r.need, part.Column)
	}
	for i, c := range k.Columns {
		if c < 0 || c == bt.def.AutoInc || b.p.source[c] == fromClock {
			return r, false
		}
		own, theirs := &bt.def.Columns[c], &r.def.Columns[parts[i].Column]
		if own.Class != theirs.Class || own.Collation != theirs.Collation || !bt.kinds[c].comparable() {
			return r, false
		}
		if f := bt.kinds[c].form; f != formInt && f != formUint && f != formString { // times of other digits never are a parent's: the general lane tells
			return r, false
		}
	}
	return r, true
}

// checkReferences looks for the parents of the rows to insert, and locks them. ErrDecline: one is missing, or a value is none for this lane.
func (x *exec) checkReferences() error {
	for i := range x.p.references {
		if err := x.checkReference(&x.p.references[i]); err != nil {
			return err
		}
	}
	return nil
}

func (x *exec) checkReference(r *reference) error {
	var parent table.Table
	var room [2 * maxParts]row.Datum
	last, key := room[:0:maxParts], room[maxParts:maxParts]
	for g := range x.q.Groups {
		var null, ok bool
		if key, null, ok = x.referred(key[:0], r, g); !ok {
			return ErrDecline
		}
		if null || g > 0 && len(last) == len(key) && same(last, key) {
			continue
		}
		if parent == nil {
			t, err := x.env.Stmt.Open(x.env.Ctx, r.schema, r.name)
			if err != nil {
				return ErrDecline
			}
			if t.Def() != r.def {
				x.p.stale.Store(true)
				return ErrDecline
			}
			parent = t
		}
		there, err := x.parent(parent, r, key)
		if err != nil {
			return err
		}
		if !there {
			return ErrDecline
		}
		last = append(last[:0], key...)
	}
	return nil
}

// referred collects a key's values of a VALUES group; null: one of them is, and the row needs no parent.
func (x *exec) referred(key []row.Datum, r *reference, g int) (out []row.Datum, null, ok bool) {
	p, bt := x.p, &x.p.tables[0]
	args := x.q.List[g*p.width : (g+1)*p.width]
	for _, c := range r.columns {
		d := p.defaults[c]
		if from := p.source[c]; from >= 0 {
			if d, ok = bt.kinds[c].store(&args[from], x.env.Zone); !ok {
				return key, false, false
			}
		}
		null = null || d.Null
		key = append(key, d)
	}
	return key, null, true
}

// parent reports whether a row has the key, and locks it.
func (x *exec) parent(t table.Table, r *reference, key []row.Datum) (bool, error) {
	if r.point {
		vals, _, err := t.Get(x.env.Ctx, r.index, key, table.LockShared, table.Wait)
		return vals != nil, err
	}
	c, err := t.Scan(x.env.Ctx, table.ScanOptions{Index: r.index, Range: table.Range{Low: key, High: key}, Lock: table.LockShared, Columns: r.need, OwnWrites: true,
		RecordsOnly: true})
	if err != nil {
		return false, err
	}
	defer c.Close()
	return c.Next(x.env.Ctx)
}
