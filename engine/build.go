package engine

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"github.com/zoryadb/zorya/engine/btree"
	"github.com/zoryadb/zorya/engine/dict"
	"github.com/zoryadb/zorya/engine/mtr"
	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/engine/table"
)

// sortBytes bounds the keys that a build sorts at once.
const sortBytes = 64 << 20

// builder fills an index tree that nobody else sees yet: keys are collected, sorted in bounded runs, and the first run is loaded
// bottom-up. Nothing is logged for rollback but the tree itself.
type builder struct {
	tx   *Tx
	t    *dict.Table
	i    int
	keys [][]byte
	size int
	runs int
}

// add takes the entry of a row.
func (b *builder) add(ctx context.Context, r []row.Datum, ref []byte) error {
	e := entryOf(b.t, b.i, r, ref)
	if len(e.key) > btree.MaxKey {
		return fmt.Errorf("%w: key of index %s", table.ErrTooBig, b.t.Indexes[b.i].Def.Name)
	}
	b.keys = append(b.keys, e.key)
	b.size += len(e.key) + 48
	if b.size >= sortBytes {
		return b.flush(ctx)
	}
	return nil
}

func (b *builder) flush(ctx context.Context) error {
	slices.SortFunc(b.keys, bytes.Compare)
	val := row.AppendEntry(nil, row.Entry{Trx: b.tx.ID()})
	tree := b.t.Indexes[b.i].Tree
	if b.runs++; b.runs == 1 {
		n := 0
		_, err := tree.Bulk(ctx, 90, func() ([]byte, []byte, bool, error) {
			if n == len(b.keys) {
				return nil, nil, false, nil
			}
			n++
			return b.keys[n-1], val, true, nil
		})
		if err != nil {
			return err
		}
	} else {
		for _, k := range b.keys {
			_, err := tree.Edit(ctx, k, len(val), func(*mtr.MTR, []byte, bool) (btree.Action, []byte, error) {
				return btree.Put, val, nil
			}, nil)
			if err != nil {
				return err
			}
		}
	}
	b.keys, b.size = b.keys[:0], 0
	return nil
}

// finish loads what is left and checks uniqueness over the whole index.
func (b *builder) finish(ctx context.Context) error {
	if err := b.flush(ctx); err != nil {
		return err
	}
	ix := b.t.Indexes[b.i]
	b.keys = nil
	if !ix.Def.Unique {
		return nil
	}
	var last []byte
	c := ix.Tree.Scan(btree.ScanOptions{ReadAhead: true})
	defer c.Close()
	for c.Next(ctx) {
		key := c.Key()
		ref, err := ix.Ref(key)
		if err != nil {
			return err
		}
		own := key[:len(key)-len(ref)]
		null, err := hasNull(ix, own)
		if err != nil {
			return err
		}
		if !null && last != nil && bytes.Equal(last, own) {
			return b.duplicate(ctx, ref)
		}
		last = append(last[:0], own...)
	}
	return c.Err()
}

// hasNull reports whether some part of the key is NULL.
func hasNull(ix *dict.Index, key []byte) (bool, error) {
	for i := range ix.Own {
		n, err := row.SkipKey(&ix.Parts[i], key)
		if err != nil {
			return false, err
		}
		if n == 1 && (key[0] == 0 && !ix.Parts[i].Desc || key[0] == 0xff && ix.Parts[i].Desc) {
			return true, nil
		}
		key = key[n:]
	}
	return false, nil
}

func (b *builder) duplicate(ctx context.Context, ref []byte) error {
	rd := newReader(&b.tx.stmt, true)
	defer rd.free()
	found, err := b.t.Indexes[0].Tree.Get(ctx, ref, rd.copyFn)
	if err != nil {
		return err
	}
	e := &table.DuplicateKey{Table: &b.t.Def, Index: b.i, Ref: bytes.Clone(ref)}
	if found {
		if err := rd.decode(ctx, b.t, rd.val, nil); err != nil {
			return err
		}
		var buf []byte
		e.Row = copyRow(&buf, nil, rd.row)
		for _, p := range b.t.Indexes[b.i].Def.Parts {
			e.Key = append(e.Key, e.Row[p.Column])
		}
	}
	return e
}

// eachRow calls fn with every live row of a table whose metadata lock is held exclusively: nobody is changing it.
func (tx *Tx) eachRow(ctx context.Context, t *dict.Table, fn func(r []row.Datum, ref []byte) error) error {
	rd := newReader(&tx.stmt, true)
	defer rd.free()
	c := t.Indexes[0].Tree.Scan(btree.ScanOptions{ReadAhead: true})
	defer c.Close()
	for c.Next(ctx) {
		hd, err := row.ParseHeader(c.Value())
		if err != nil {
			return err
		}
		if hd.Deleted {
			continue
		}
		if err := rd.decode(ctx, t, c.Value(), nil); err != nil {
			return err
		}
		if err := fn(rd.row, c.Key()); err != nil {
			return err
		}
	}
	return c.Err()
}

type meter struct {
	done, total uint64
	report      func(done, total uint64)
}

func (m *meter) tick() {
	if m.done++; m.report != nil && m.done%4096 == 0 {
		m.report(m.done, max(m.total, m.done))
	}
}

// CreateIndex builds an index over the rows of a table.
func (db *DB) CreateIndex(ctx context.Context, d *table.Def, ix table.Index, virtual func([]row.Datum) error, progress func(done, total uint64)) (*table.Def, error) {
	return db.change(ctx, d.Schema, d.Name, d.Version, func(tx *Tx, s *dict.Stored) (*dict.Stored, error) {
		if err := checkIndex(s, &ix); err != nil {
			return nil, err
		}
		for i := range s.Def.Indexes {
			if s.Def.Indexes[i].Name == ix.Name {
				return nil, fmt.Errorf("index %s of %s.%s exists", ix.Name, s.Schema, s.Name)
			}
		}
		var err error
		if ix.ID, ix.Root, err = tx.makeTree(ctx); err != nil {
			return nil, err
		}
		tx.bornNow(ix.ID)
		s.Def.Indexes = append(slices.Clone(s.Def.Indexes), ix)
		t, err := dict.Open(db.sp, s, db.o.Collations)
		if err != nil {
			return nil, err
		}
		b := &builder{tx: tx, t: t, i: len(t.Indexes) - 1}
		m := meter{report: progress}
		m.total, _ = t.Indexes[0].Tree.EstimateRange(ctx, nil, nil)
		err = tx.eachRow(ctx, t, func(r []row.Datum, ref []byte) error {
			if virtual != nil {
				if err := virtual(r); err != nil {
					return err
				}
			}
			m.tick()
			return b.add(ctx, r, ref)
		})
		if err != nil {
			return nil, err
		}
		if err := b.finish(ctx); err != nil {
			return nil, err
		}
		return s, nil
	})
}

// RebuildTable replaces a table by new, whose rows convert makes from the old ones; for a nil row there is none.
func (db *DB) RebuildTable(ctx context.Context, old, new *table.Def, convert func([]row.Datum) ([]row.Datum, error), progress func(done, total uint64)) (*table.Def, error) {
	return db.change(ctx, old.Schema, old.Name, old.Version, func(tx *Tx, s *dict.Stored) (*dict.Stored, error) {
		n := clone(new)
		n.Schema, n.Name, n.Created = s.Schema, s.Name, s.Created
		if err := number(n); err != nil {
			return nil, err
		}
		if err := tx.assign(ctx, n); err != nil {
			return nil, err
		}
		from, err := dict.Open(db.sp, s, db.o.Collations)
		if err != nil {
			return nil, err
		}
		to, err := dict.Open(db.sp, n, db.o.Collations)
		if err != nil {
			return nil, err
		}
		if err := tx.copyRows(ctx, from, to, convert, progress); err != nil {
			return nil, err
		}
		if err := db.copyCounter(ctx, s.ID, n.ID); err != nil {
			return nil, err
		}
		if err := tx.remove(ctx, s); err != nil {
			return nil, err
		}
		return n, nil
	})
}

func (tx *Tx) copyRows(ctx context.Context, from, to *dict.Table, convert func([]row.Datum) ([]row.Datum, error), progress func(done, total uint64)) error {
	h := &Handle{s: &tx.stmt, t: to}
	m := meter{report: progress}
	m.total, _ = from.Indexes[0].Tree.EstimateRange(ctx, nil, nil)
	var builders []*builder
	for i := 1; i < len(to.Indexes); i++ {
		builders = append(builders, &builder{tx: tx, t: to, i: i})
	}
	var key, val []byte
	err := tx.eachRow(ctx, from, func(r []row.Datum, _ []byte) error {
		m.tick()
		r, err := convert(r)
		if err != nil || r == nil {
			return err
		}
		if err := h.checkRow(r); err != nil {
			return err
		}
		if key, err = h.clusteredKey(ctx, key[:0], r); err != nil {
			return err
		}
		refs, err := h.writeLong(ctx, key, r, nil, nil)
		if err != nil {
			return err
		}
		val = to.Layout.Encode(val[:0], row.Header{Trx: tx.ID()}, r, refs)
		_, err = to.Indexes[0].Tree.Edit(ctx, key, len(val), func(_ *mtr.MTR, _ []byte, exists bool) (btree.Action, []byte, error) {
			if exists {
				return 0, nil, errDuplicate
			}
			return btree.Put, val, nil
		}, nil)
		if err == errDuplicate {
			return (&builder{tx: tx, t: to, i: 0}).duplicate(ctx, key)
		}
		if err != nil {
			return err
		}
		for _, b := range builders {
			if err := b.add(ctx, r, key); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, b := range builders {
		if err := b.finish(ctx); err != nil {
			return err
		}
	}
	return nil
}
