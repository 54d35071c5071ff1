package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/zoryadb/zorya/base/wait"
	"github.com/zoryadb/zorya/engine/btree"
	"github.com/zoryadb/zorya/engine/dict"
	"github.com/zoryadb/zorya/engine/extsort"
	"github.com/zoryadb/zorya/engine/mtr"
	"github.com/zoryadb/zorya/engine/overflow"
	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/engine/table"
)

// tableBuild fills a new table from the rows of an old one.
type tableBuild struct {
	tx       *Tx
	from, to *dict.Table
	h        *Handle // on to
	convert  func([]row.Datum) ([]row.Datum, error)
	o        table.Build
	entry    []byte
	val, key []byte
	room     entryRoom
}

// RebuildTable replaces a table by new, whose rows convert makes from the old ones; for a nil row there is none. Online it must keep
// the clustered key, or make a new one of the row's columns: a hidden row id comes only from a hidden row id.
func (db *DB) RebuildTable(ctx context.Context, old, new *table.Def, convert func([]row.Datum) ([]row.Datum, error), o table.Build) (*table.Def, error) {
	if err := db.EnableKeys(ctx, old.Schema, old.Name, table.Build{Shared: true}); err != nil {
		return nil, err
	}
	var made *dict.Stored
	return db.built(ctx, old, new, o.Online, o, func(tx *Tx, s *dict.Stored) (*dict.Stored, build, error) {
		n := clone(new)
		n.Schema, n.Name, n.Created = s.Schema, s.Name, s.Created
		if err := number(n); err != nil {
			return nil, nil, err
		}
		if err := tx.assign(ctx, n); err != nil {
			return nil, nil, err
		}
		from, err := dict.Open(db.sp, s, db.types())
		if err != nil {
			return nil, nil, err
		}
		to, err := dict.Open(db.sp, n, db.types())
		if err != nil {
			return nil, nil, err
		}
		if o.Online && to.Indexes[0].Def.Hidden && !from.Indexes[0].Def.Hidden {
			return nil, nil, errors.New("a rebuild that drops the clustered key cannot be online")
		}
		made = n
		return n, &tableBuild{tx: tx, from: from, to: to, h: &Handle{s: &tx.stmt, t: to}, convert: convert, o: o,
			entry: row.AppendEntry(nil, row.Entry{Trx: tx.ID()})}, nil
	}, func(tx *Tx, s, _ *dict.Stored) error {
		if err := db.copyCounter(ctx, s.ID, made.ID); err != nil {
			return err
		}
		if err := tx.keepHistograms(ctx, s.ID, made.ID); err != nil {
			return err
		}
		return tx.remove(ctx, s)
	})
}

// row makes a row of the new table and its clustered key; nil if there is none.
func (b *tableBuild) row(ctx context.Context, r []row.Datum, ref []byte) (n []row.Datum, key []byte, err error) {
	if n, err = b.convert(r); err != nil || n == nil {
		return nil, nil, err
	}
	if err := b.h.checkRow(n); err != nil {
		return nil, nil, err
	}
	if b.to.Indexes[0].Def.Hidden && b.from.Indexes[0].Def.Hidden {
		return n, append(b.key[:0], ref...), nil
	}
	b.key, err = b.h.clusteredKey(ctx, b.key[:0], n)
	return n, b.key, err
}

// stored makes a row's stored form. Its long values are written; the tree's rollback takes them back with it.
func (b *tableBuild) stored(ctx context.Context, n []row.Datum, key []byte) ([]byte, error) {
	refs, err := b.h.writeLongBy(ctx, key, n, nil, nil, b.writeOne)
	if err != nil {
		return nil, err
	}
	b.val = b.to.Layout.Encode(b.val[:0], row.Header{Trx: b.tx.ID()}, n, refs)
	return b.val, nil
}

func (b *tableBuild) writeOne(ctx context.Context, v []byte) ([]byte, error) {
	ix := b.to.Indexes[0]
	ino, err := ix.Tree.Inode(ctx)
	if err != nil {
		return nil, err
	}
	ref, err := overflow.Write(ctx, b.tx.db.sp, ino, ix.Def.ID, v, nil)
	if err != nil {
		return nil, fmt.Errorf("long value: %w", err)
	}
	return ref.Append(nil), nil
}

// load sorts the rows by their new clustered key, which most often is the old one and costs nothing then, and fills the trees bottom-up.
func (b *tableBuild) load(ctx context.Context, rows *images) (err error) {
	at := indexesOf(b.to)
	sorts := b.tx.newSorters(ctx, len(at)+1, 1)
	defer func() { err = errors.Join(err, closeSorters(sorts)) }()
	clustered := sorts[len(at)]
	m := meter{report: b.o.Progress, stage: table.StageRead}
	err = rows.each(ctx, b.from, func(total uint64, r []row.Datum, ref []byte) error {
		m.tick(total)
		n, key, err := b.row(ctx, r, ref)
		if err != nil || n == nil {
			return err
		}
		val, err := b.stored(ctx, n, key)
		if err != nil {
			return err
		}
		if len(key) > btree.MaxKey {
			return fmt.Errorf("%w: clustered key", table.ErrTooBig)
		}
		if err := clustered.Add(key, val); err != nil {
			return err
		}
		return addEntries(&b.room, b.to, at, sorts, n, key)
	})
	if err != nil {
		return err
	}
	in := meter{report: b.o.Progress, stage: table.StageInsert, total: m.done.Load() * uint64(len(sorts))}
	if err := b.loadRows(ctx, clustered, &in); err != nil {
		return err
	}
	each := make([][]*extsort.Sorter, len(at))
	for k := range each {
		each[k] = sorts[k : k+1]
	}
	return b.tx.loadIndexes(ctx, b.to, at, each, &in, func(i int, ref []byte) error { return b.duplicate(ctx, i, ref) })
}

func (b *tableBuild) loadRows(ctx context.Context, sorted *extsort.Sorter, m *meter) error {
	if err := sorted.Sort(); err != nil {
		return err
	}
	var last, twice, row []byte
	_, err := b.to.Indexes[0].Tree.Bulk(ctx, buildFill, func() ([]byte, []byte, bool, error) {
		key, val, ok, err := sorted.Next()
		if err != nil || !ok {
			return nil, nil, false, err
		}
		m.tick(0)
		if last != nil && bytes.Equal(last, key) {
			twice, row = bytes.Clone(key), bytes.Clone(val)
			return nil, nil, false, errDuplicate
		}
		last = append(last[:0], key...)
		return key, val, true, nil
	})
	if errors.Is(err, errDuplicate) {
		return b.duplicateOfStored(ctx, 0, twice, row)
	}
	return err
}

// duplicate makes the error for the row under key of the new table, which is there, whose key in index i another one has too.
func (b *tableBuild) duplicate(ctx context.Context, i int, key []byte) error {
	var val []byte
	if _, err := b.to.Indexes[0].Tree.Get(ctx, key, func(v []byte) { val = append(val, v...) }); err != nil {
		return err
	}
	return b.duplicateOfStored(ctx, i, key, val)
}

func (b *tableBuild) duplicateOfStored(ctx context.Context, i int, key, val []byte) error {
	rd := newReader(&b.tx.stmt, true)
	defer rd.free()
	e := &table.DuplicateKey{Table: &b.to.Def, Index: i, Ref: bytes.Clone(key)}
	if val != nil {
		if err := rd.decode(ctx, b.to, val, nil); err != nil {
			return err
		}
		var buf []byte
		e.Row = copyRow(&buf, nil, rd.row)
		for _, p := range b.to.Indexes[i].Def.Parts {
			e.Key = append(e.Key, e.Row[p.Column])
		}
	}
	return e
}

// follow takes the rows' old states out of the new table, then puts the new ones in.
func (b *tableBuild) follow(ctx context.Context, refs map[string]struct{}, old, new *images) error {
	for ref := range refs {
		if err := wait.Rest(ctx); err != nil {
			return err
		}
		r, err := old.one(ctx, b.from, []byte(ref))
		if err != nil {
			return err
		}
		if r != nil {
			if err := b.takeRow(ctx, r, []byte(ref)); err != nil {
				return err
			}
		}
	}
	m := meter{report: b.o.Progress, stage: table.StageLog, total: uint64(len(refs))}
	for ref := range refs {
		if err := wait.Rest(ctx); err != nil {
			return err
		}
		m.tick(0)
		r, err := new.one(ctx, b.from, []byte(ref))
		if err != nil {
			return err
		}
		if r != nil {
			if err := b.putRow(ctx, r, []byte(ref)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (b *tableBuild) takeRow(ctx context.Context, r []row.Datum, ref []byte) error {
	n, key, err := b.row(ctx, r, ref)
	if err != nil || n == nil {
		return err
	}
	for _, i := range indexesOf(b.to) {
		if err := takeEntries(ctx, b.to, i, n, key); err != nil {
			return err
		}
	}
	ix := b.to.Indexes[0]
	rd := newReader(&b.tx.stmt, true)
	defer rd.free()
	if _, err := ix.Tree.Get(ctx, key, rd.copyFn); err != nil {
		return err
	}
	if err := take(ctx, ix.Tree, key); err != nil {
		return err
	}
	rd.row, rd.over = make([]row.Datum, b.to.Layout.Len()), rd.over[:0]
	if err := b.to.Layout.Decode(rd.val, rd.row, nil, rd.overFn); err != nil {
		return err
	}
	if len(rd.over) == 0 {
		return nil
	}
	ino, err := ix.Tree.Inode(ctx)
	if err != nil {
		return err
	}
	for _, o := range rd.over {
		v, ok := overflow.ParseRef(o.ref)
		if !ok {
			return row.ErrCorrupt
		}
		if err := overflow.Free(ctx, b.tx.db.sp, ino, ix.Def.ID, v); err != nil {
			return err
		}
	}
	return nil
}

func (b *tableBuild) putRow(ctx context.Context, r []row.Datum, ref []byte) error {
	n, key, err := b.row(ctx, r, ref)
	if err != nil || n == nil {
		return err
	}
	val, err := b.stored(ctx, n, key)
	if err != nil {
		return err
	}
	_, err = b.to.Indexes[0].Tree.Edit(ctx, key, len(val), func(_ *mtr.MTR, _ []byte, exists bool) (btree.Action, []byte, error) {
		if exists {
			return 0, nil, errDuplicate
		}
		return btree.Put, val, nil
	}, nil)
	if err == errDuplicate {
		return b.duplicate(ctx, 0, key)
	}
	if err != nil {
		return err
	}
	for _, i := range indexesOf(b.to) {
		err := putNew(ctx, b.to, i, n, key, b.entry)
		var dup *foundDuplicate
		if errors.As(err, &dup) {
			return b.duplicate(ctx, i, dup.ref)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
