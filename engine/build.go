package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/zoryadb/zorya/base/wait"
	"github.com/zoryadb/zorya/engine/btree"
	"github.com/zoryadb/zorya/engine/dict"
	"github.com/zoryadb/zorya/engine/extsort"
	"github.com/zoryadb/zorya/engine/mtr"
	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/engine/table"
)

const (
	// sortBytes bounds the memory in which a build sorts, all its indexes together.
	sortBytes = 64 << 20
	// buildFill is how full a build makes leaves, in percent.
	buildFill = 94
)

// indexBuild fills new secondary indexes of a table. Nothing is logged for rollback but the trees themselves.
type indexBuild struct {
	tx    *Tx
	t     *dict.Table // with the new indexes
	fresh []int
	o     table.Build
	entry []byte // value of every entry
	need  []bool // columns of the new indexes; nil: all, to compute virtual ones of
}

func newIndexBuild(tx *Tx, t *dict.Table, fresh []int, o table.Build) *indexBuild {
	b := &indexBuild{tx: tx, t: t, fresh: fresh, o: o, entry: row.AppendEntry(nil, row.Entry{Trx: tx.ID()})}
	if o.Virtual == nil {
		b.need = make([]bool, len(t.Columns))
		for _, i := range fresh {
			for _, c := range t.Indexes[i].From {
				b.need[c] = true
			}
		}
	}
	return b
}

func (b *indexBuild) load(ctx context.Context, rows *images) (err error) {
	rows.need = b.need
	list := []part{{}}
	if b.o.Virtual == nil { // an expression is evaluated by one goroutine
		if list, err = b.tx.db.parts(ctx, b.t.Indexes[0].Tree); err != nil {
			return err
		}
	}
	total, err := b.t.Indexes[0].Tree.EstimateRange(ctx, nil, nil)
	if err != nil {
		return err
	}
	m := meter{report: b.o.Progress, stage: table.StageRead}
	readers := make([]indexReader, min(workers(), len(list)))
	for i := range readers {
		r := &readers[i]
		if r.rows = rows; i > 0 {
			r.rows = rows.also()
			defer r.rows.rd.free()
		}
		own := ctx
		if i > 0 {
			own = wait.With(ctx, nil) // a helper's
		}
		r.sorts = b.tx.newSorters(own, len(b.fresh), len(readers))
		defer func() { err = errors.Join(err, closeSorters(r.sorts)) }()
	}
	err = share(ctx, len(list), func(ctx context.Context, worker, i int) error {
		r := &readers[worker]
		defer r.ticks.flush(&m, total)
		return r.rows.eachOf(ctx, b.t, &list[i], func(row []row.Datum, ref []byte) error {
			r.ticks.tick(&m, total)
			if err := b.virtual(row); err != nil {
				return err
			}
			return addEntries(&r.room, b.t, b.fresh, r.sorts, row, ref)
		})
	})
	if err != nil {
		return err
	}
	sorts := make([][]*extsort.Sorter, len(b.fresh))
	for k := range sorts {
		for i := range readers {
			sorts[k] = append(sorts[k], readers[i].sorts[k])
		}
	}
	return b.tx.loadIndexes(ctx, b.t, b.fresh, sorts, &meter{report: b.o.Progress, stage: table.StageInsert, total: m.done.Load() * uint64(len(b.fresh))},
		func(i int, ref []byte) error { return duplicateOf(ctx, b.t, i, rows, ref) })
}

// indexReader is what a goroutine that reads rows for new indexes has of its own.
type indexReader struct {
	rows  *images
	sorts []*extsort.Sorter
	room  entryRoom
	ticks ticks
}

func (b *indexBuild) virtual(r []row.Datum) error {
	if b.o.Virtual == nil {
		return nil
	}
	return b.o.Virtual(r)
}

// follow takes the entries of the rows' old states out, then puts those of the new ones in: so a value that went from one row to another is
// no duplicate on the way.
func (b *indexBuild) follow(ctx context.Context, refs map[string]struct{}, old, new *images) error {
	old.need, new.need = b.need, b.need
	for ref := range refs {
		if err := wait.Rest(ctx); err != nil {
			return err
		}
		r, err := old.one(ctx, b.t, []byte(ref))
		if err != nil {
			return err
		}
		if r == nil {
			continue
		}
		if err := b.virtual(r); err != nil {
			return err
		}
		for _, i := range b.fresh {
			if err := takeEntries(ctx, b.t, i, r, []byte(ref)); err != nil {
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
		r, err := new.one(ctx, b.t, []byte(ref))
		if err != nil {
			return err
		}
		if r == nil {
			continue
		}
		if err := b.virtual(r); err != nil {
			return err
		}
		for _, i := range b.fresh {
			err := putNew(ctx, b.t, i, r, []byte(ref), b.entry)
			var dup *foundDuplicate
			if errors.As(err, &dup) {
				err = duplicateOf(ctx, b.t, i, new, dup.ref)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// newSorters makes n sorters for each of readers goroutines, of which it returns one's.
func (tx *Tx) newSorters(ctx context.Context, n, readers int) []*extsort.Sorter {
	list := make([]*extsort.Sorter, n)
	for i := range list {
		list[i] = extsort.New(sortBytes/n/readers, tx.db.o.Temp)
		pacedSort(ctx, list[i])
	}
	return list
}

func closeSorters(list []*extsort.Sorter) (err error) {
	for _, s := range list {
		err = errors.Join(err, s.Close())
	}
	return err
}

// addEntries gives the entries of a row in the indexes at to their sorters.
func addEntries(room *entryRoom, t *dict.Table, at []int, sorts []*extsort.Sorter, r []row.Datum, ref []byte) error {
	for k, i := range at {
		room.arena, room.list = appendEntries(room.arena[:0], room.list[:0], t, i, r, ref)
		for _, e := range room.list {
			if len(e.key) > btree.MaxKey {
				return fmt.Errorf("%w: key of index %s", table.ErrTooBig, t.Indexes[i].Def.Name)
			}
			if err := sorts[k].Add(e.key, nil); err != nil {
				return err
			}
		}
	}
	return nil
}

// entryRoom is where addEntries makes a row's entries, used again for the next.
type entryRoom struct {
	arena []byte
	list  []entry
}

// loadIndexes fills empty trees bottom-up from what was sorted, several at once. duplicate makes the error for a row that has a unique key that another has too; one
// goroutine at a time calls it.
func (tx *Tx) loadIndexes(ctx context.Context, t *dict.Table, at []int, sorts [][]*extsort.Sorter, m *meter, duplicate func(i int, ref []byte) error) error {
	all := slices.Concat(sorts...)
	if err := share(ctx, len(all), func(ctx context.Context, _, i int) error {
		pacedSort(ctx, all[i])
		return all[i].Sort()
	}); err != nil {
		return err
	}
	var one sync.Mutex
	return share(ctx, len(at), func(ctx context.Context, _, k int) error {
		return tx.loadIndex(ctx, t.Indexes[at[k]], extsort.Merge(sorts[k]...), m, func(ref []byte) error {
			one.Lock()
			defer one.Unlock()
			return duplicate(at[k], ref)
		})
	})
}

// pacedSort makes a sorter rest while it sorts. That ctx has ended is told by what comes next.
func pacedSort(ctx context.Context, s *extsort.Sorter) { s.Pace(func() { _ = wait.Rest(ctx) }) }

func (tx *Tx) loadIndex(ctx context.Context, ix *dict.Index, sorted *extsort.Merged, m *meter, duplicate func(ref []byte) error) error {
	val := row.AppendEntry(nil, row.Entry{Trx: tx.ID()})
	var last []byte
	var ticks ticks
	defer ticks.flush(m, 0)
	_, err := ix.Tree.Bulk(ctx, buildFill, func() ([]byte, []byte, bool, error) {
		key, _, ok, err := sorted.Next()
		if err != nil || !ok {
			return nil, nil, false, err
		}
		ticks.tick(m, 0)
		if ix.Def.Unique {
			ref, null, err := ownKey(ix, key)
			if err != nil {
				return nil, nil, false, err
			}
			own := key[:len(key)-len(ref)]
			if !null && last != nil && bytes.Equal(last, own) {
				return nil, nil, false, duplicate(ref)
			}
			last = append(last[:0], own...)
		}
		return key, val, true, nil
	})
	return err
}

// ownKey cuts an entry's key: what follows the index's own parts, and whether one of these is NULL.
func ownKey(ix *dict.Index, key []byte) (ref []byte, null bool, err error) {
	if ref, err = ix.Ref(key); err != nil {
		return nil, false, err
	}
	null, err = hasNull(ix, key[:len(key)-len(ref)])
	return ref, null, err
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

// take removes an entry of a tree that nobody else sees.
func take(ctx context.Context, tree *btree.Tree, key []byte) error {
	_, err := tree.Edit(ctx, key, 0, func(_ *mtr.MTR, _ []byte, exists bool) (btree.Action, []byte, error) {
		if !exists {
			return 0, nil, fmt.Errorf("a build misses the entry %x: %w", key, row.ErrCorrupt)
		}
		return btree.Delete, nil, nil
	}, nil)
	return err
}

// foundDuplicate says that a row has a unique key already.
type foundDuplicate struct{ ref []byte }

func (*foundDuplicate) Error() string { return "duplicate key" }

// takeEntries removes the entries of a row from index i, which nobody else sees.
func takeEntries(ctx context.Context, t *dict.Table, i int, r []row.Datum, ref []byte) error {
	_, list := appendEntries(nil, nil, t, i, r, ref)
	for _, e := range list {
		if err := take(ctx, t.Indexes[i].Tree, e.key); err != nil {
			return err
		}
	}
	return nil
}

// putNew adds the entries of a row to index i, which nobody else sees, unless another row has its unique key.
func putNew(ctx context.Context, t *dict.Table, i int, r []row.Datum, ref, val []byte) error {
	_, list := appendEntries(nil, nil, t, i, r, ref)
	for _, e := range list {
		if err := putNewEntry(ctx, t.Indexes[i], e, val); err != nil {
			return err
		}
	}
	return nil
}

func putNewEntry(ctx context.Context, ix *dict.Index, e entry, val []byte) error {
	if len(e.key) > btree.MaxKey {
		return fmt.Errorf("%w: key of index %s", table.ErrTooBig, ix.Def.Name)
	}
	if e.uniq {
		low := e.key[:e.own]
		high, _ := row.Successor(nil, low)
		c := ix.Tree.Scan(btree.ScanOptions{Low: low, High: high, Batch: 1024})
		defer c.Close()
		if c.Next(ctx) {
			return &foundDuplicate{bytes.Clone(c.Key()[e.own:])}
		}
		if err := c.Err(); err != nil {
			return err
		}
	}
	_, err := ix.Tree.Edit(ctx, e.key, len(val), func(*mtr.MTR, []byte, bool) (btree.Action, []byte, error) {
		return btree.Put, val, nil
	}, nil)
	return err
}

// duplicateOf makes the error for the row under ref, whose key in index i another row has too.
func duplicateOf(ctx context.Context, t *dict.Table, i int, rows *images, ref []byte) error {
	e := &table.DuplicateKey{Table: &t.Def, Index: i, Ref: bytes.Clone(ref)}
	need := rows.need
	rows.need = nil
	r, err := rows.one(ctx, t, ref)
	rows.need = need
	if err != nil {
		return err
	}
	if r != nil {
		var buf []byte
		e.Row = copyRow(&buf, nil, r)
		for _, p := range t.Indexes[i].Def.Parts {
			e.Key = append(e.Key, e.Row[p.Column])
		}
	}
	return e
}

// meter tells how far a stage is. Several goroutines may tick; report is called by one at a time.
type meter struct {
	stage  string
	done   atomic.Uint64
	total  uint64
	mu     sync.Mutex
	report func(table.BuildProgress)
}

func (m *meter) tick(total uint64) { m.add(1, total) }

func (m *meter) add(n, total uint64) {
	if n == 0 {
		return
	}
	done := m.done.Add(n)
	if m.report != nil && (done/4096 != (done-n)/4096 || done == n) {
		m.mu.Lock()
		m.report(table.BuildProgress{Stage: m.stage, Done: done, Total: max(m.total, total, done)})
		m.mu.Unlock()
	}
}

// ticks are one goroutine's, not yet told to a meter that others use too.
type ticks struct{ n, told uint64 }

func (t *ticks) tick(m *meter, total uint64) {
	if t.n++; t.n%256 == 1 {
		t.flush(m, total)
	}
}

func (t *ticks) flush(m *meter, total uint64) {
	m.add(t.n-t.told, total)
	t.told = t.n
}

// indexesOf lists the positions of a table's secondary indexes.
func indexesOf(t *dict.Table) []int {
	at := make([]int, 0, len(t.Indexes)-1)
	for i := 1; i < len(t.Indexes); i++ {
		at = append(at, i)
	}
	return slices.Clip(at)
}
