package engine

import (
	"context"
	"fmt"
	"slices"

	"github.com/zoryadb/zorya/engine/dict"
	"github.com/zoryadb/zorya/engine/lock"
	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/engine/table"
)

// New foreign keys of a table with rows are proven in two steps:
//
//	start   the table and the parents are locked until the transactions that use them have ended; from then on those that come tell
//	        dict.Touched which rows they change. Then the caller holds all rows against the keys (table.Build.Prove), and nobody waits
//	verify  all of them are locked for good; what was touched meanwhile is looked at again, row by row, and the key is published by the same
//	        transaction. Nothing that violates it can have come in between, and a crash leaves no key
//
// A key whose columns get their values by the same DDL has nothing to read before: all of its values are verified under the lock.

// proof is the proof of new foreign keys under way.
type proof struct {
	tx     *Tx
	keys   []table.ForeignKey
	names  [][2]string // the table and the parents, in the order in which they are locked
	self   [2]string
	before *images // the snapshot since which touched knows what changed
	noted  map[[2]string]*noted
}

// noted is what one table's transactions tell.
type noted struct {
	id      uint64
	touched *dict.Touched
}

// newProof returns nil when there is nothing to prove.
func newProof(tx *Tx, d *table.Def, keys []table.ForeignKey) *proof {
	if len(keys) == 0 {
		return nil
	}
	p := &proof{tx: tx, keys: keys, self: [2]string{d.Schema, d.Name}, noted: map[[2]string]*noted{}}
	p.names = append(p.names, p.self)
	for i := range keys {
		p.names = append(p.names, keys[i].Parent)
	}
	slices.SortFunc(p.names, func(a, b [2]string) int { return slices.Compare(a[:], b[:]) })
	p.names = slices.Compact(p.names)
	return p
}

// lockDDL keeps other DDL away from the table d and from the parents, in the order of their names, so that two proofs do not wait for each other.
// A nil proof locks d alone.
func (p *proof) lockDDL(ctx context.Context, tx *Tx, d *table.Def) error {
	if p == nil {
		return tx.lockDDL(ctx, d.Schema, d.Name)
	}
	for _, n := range p.names {
		if err := tx.lockDDL(ctx, n[0], n[1]); err != nil {
			return err
		}
	}
	return nil
}

// begin starts the proof and has the caller read the rows. A nil one has none.
func (p *proof) begin(ctx context.Context, o *table.Build) error {
	if p == nil {
		return nil
	}
	if err := p.start(ctx, logLimit(o)); err != nil || o.Prove == nil {
		return err
	}
	return o.Prove(ctx)
}

// start makes the transactions that come tell what they change, and takes the snapshot since which they do.
func (p *proof) start(ctx context.Context, logBytes int) error {
	db := p.tx.db
	gate := db.begin(p.tx.o)
	defer gate.Rollback(ctx)
	for _, n := range p.names {
		if err := gate.lockMeta(ctx, n[0], n[1], lock.Exclusive); err != nil {
			return err
		}
	}
	for _, n := range p.names {
		t, err := db.table(ctx, n[0], n[1])
		if err != nil {
			return err
		}
		w := &noted{id: t.ID, touched: dict.NewTouched(logBytes)}
		p.noted[n] = w
		db.builds.Store(w.id, w.touched)
		db.cache.Forget(n[0], n[1])
	}
	var err error
	p.before, err = newImages(ctx, db)
	return err
}

// lock locks the parents as the table is locked: for good. Who holds one of them and wants another loses, not the whole DDL.
func (p *proof) lock(ctx context.Context) error {
	p.tx.own.Weight.Add(ddlWeight)
	defer p.tx.own.Weight.Add(-ddlWeight)
	for _, n := range p.names {
		if err := p.tx.lockMeta(ctx, n[0], n[1], lock.Exclusive); err != nil {
			return err
		}
	}
	return nil
}

// end stops the gathering.
func (p *proof) end() {
	if p == nil {
		return
	}
	if p.before != nil {
		p.before.close()
	}
	for n, w := range p.noted {
		p.tx.db.builds.Delete(w.id)
		w.touched.End()
		p.tx.db.cache.Forget(n[0], n[1])
	}
}

// verify looks at what changed since start, under the locks: s is the old definition, n the new one with all its rows. A *table.Orphan says that a
// row has no parent.
func (p *proof) verify(ctx context.Context, s, n *dict.Stored) error {
	db := p.tx.db
	old, err := dict.Open(db.sp, s, db.types())
	if err != nil {
		return err
	}
	child, err := dict.Open(db.sp, n, db.types())
	if err != nil {
		return err
	}
	now, err := newImages(ctx, db)
	if err != nil {
		return err
	}
	defer now.close()
	refs := map[[2]string]map[string]struct{}{}
	for name, w := range p.noted {
		if refs[name], err = w.touched.Take(); err != nil {
			return err
		}
	}
	for i := range p.keys {
		k := keyProof{p: p, at: i, ForeignKey: &p.keys[i], now: now}
		if err := k.bind(ctx, child); err != nil {
			return err
		}
		if k.Old == nil {
			err = k.all(ctx)
		} else if err = k.children(ctx, old, refs[p.self]); err == nil {
			err = k.parents(ctx, refs[k.Parent])
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// keyProof verifies one key.
type keyProof struct {
	*table.ForeignKey
	p             *proof
	at            int
	now           *images
	child, parent *Handle
	on, by        int   // the indexes that start with the key's columns, of the child and of the parent
	columns       []int // of the parent
	key           []row.Datum
}

func (k *keyProof) bind(ctx context.Context, child *dict.Table) error {
	tx := k.p.tx
	k.child, k.parent = &Handle{s: &tx.stmt, t: child}, &Handle{s: &tx.stmt, t: child}
	if k.Parent != k.p.self {
		t, err := tx.db.table(ctx, k.Parent[0], k.Parent[1])
		if err != nil {
			return err
		}
		k.parent.t = t
	}
	for _, name := range k.ParentColumns {
		k.columns = append(k.columns, slices.IndexFunc(k.parent.t.Columns, func(c table.Column) bool { return c.Name == name }))
	}
	k.on, k.by = startsWith(&child.Def, k.Columns), startsWith(&k.parent.t.Def, k.columns)
	if k.on < 0 || k.by < 0 {
		return fmt.Errorf("%w: no index for the foreign key between %s.%s and %s.%s", table.ErrDefChanged, child.Schema, child.Name, k.Parent[0], k.Parent[1])
	}
	return nil
}

// startsWith finds an index whose leading parts are whole columns, in that order; -1: there is none.
func startsWith(d *table.Def, columns []int) int {
	return slices.IndexFunc(d.Indexes, func(x table.Index) bool {
		if x.Hidden || len(x.Parts) < len(columns) {
			return false
		}
		for i, c := range columns {
			if x.Parts[i].Column != c || x.Parts[i].Prefix != 0 {
				return false
			}
		}
		return true
	})
}

// pick takes the key out of a row; false: a part is NULL, so it refers to nothing.
func (k *keyProof) pick(r []row.Datum, columns []int) bool {
	k.key = k.key[:0]
	for _, c := range columns {
		if r[c].Null {
			return false
		}
		k.key = append(k.key, r[c])
	}
	return true
}

// has reports whether a row of the table has the key.
func (k *keyProof) has(ctx context.Context, h *Handle, index int, columns []int) (bool, error) {
	c, err := h.scan(ctx, table.ScanOptions{Index: index, Range: table.Range{Low: k.key, High: k.key}, Columns: columns, OwnWrites: true, Limit: 1})
	if err != nil {
		return false, err
	}
	defer c.Close()
	return c.Next(ctx)
}

func (k *keyProof) orphan() error { return &table.Orphan{Key: k.at} }

// children looks at the child's rows that were touched: those that are there need a parent.
func (k *keyProof) children(ctx context.Context, t *dict.Table, refs map[string]struct{}) error {
	for ref := range refs {
		r, err := k.now.one(ctx, t, []byte(ref))
		if err != nil {
			return err
		}
		if r == nil || !k.pick(r, k.Old) {
			continue
		}
		if ok, err := k.has(ctx, k.parent, k.by, k.columns); err != nil || !ok {
			return firstErr(err, k.orphan())
		}
	}
	return nil
}

// parents looks at the parent's rows that were touched: what they were at the start may have children still.
func (k *keyProof) parents(ctx context.Context, refs map[string]struct{}) error {
	for ref := range refs {
		r, err := k.p.before.one(ctx, k.parent.t, []byte(ref))
		if err != nil {
			return err
		}
		if r == nil || !k.pick(r, k.columns) {
			continue
		}
		if ok, err := k.has(ctx, k.parent, k.by, k.columns); err != nil || ok {
			if err != nil {
				return err
			}
			continue
		}
		if ok, err := k.has(ctx, k.child, k.on, k.Columns); err != nil || ok {
			return firstErr(err, k.orphan())
		}
	}
	return nil
}

// all looks for the parent of each different key of the child, in the order of its index.
func (k *keyProof) all(ctx context.Context) error {
	c, err := k.child.scan(ctx, table.ScanOptions{Index: k.on, Columns: k.Columns, OwnWrites: true})
	if err != nil {
		return err
	}
	defer c.Close()
	var last []row.Datum
	var buf []byte
	for {
		ok, err := c.Next(ctx)
		if err != nil || !ok {
			return err
		}
		if !k.pick(c.Row(), k.Columns) || last != nil && sameKey(k.key, last) {
			continue
		}
		if ok, err := k.has(ctx, k.parent, k.by, k.columns); err != nil || !ok {
			return firstErr(err, k.orphan())
		}
		last = copyRow(&buf, last[:0], k.key)
	}
}

// sameKey reports whether two keys are the same bytes.
func sameKey(a, b []row.Datum) bool {
	return slices.EqualFunc(a, b, func(x, y row.Datum) bool { return x.N == y.N && string(x.B) == string(y.B) })
}

// gathers is the set that transactions on the proof's own table tell already: a build of that table tells it too.
func (p *proof) gathers() *dict.Touched {
	if p == nil {
		return nil
	}
	return p.noted[p.self].touched
}
