package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"slices"

	"github.com/zoryadb/zorya/engine/dict"
	"github.com/zoryadb/zorya/engine/overflow"
	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/engine/txn"
	"github.com/zoryadb/zorya/engine/undo"
)

// rowCheck verifies the rows and entries of one table. Whether the two sides agree it tells by sums: of the hashes of the entries that the
// rows ask for, and of those that are there. So nothing is looked up as long as all is well; only when an index's sums differ its rows and
// entries are looked up one by one, to say which.
type rowCheck struct {
	c    *check
	t    *dict.Table
	tx   *Tx
	rd   *reader
	view *txn.Snapshot // purge's
	want []sum         // by index
	busy map[string]bool
	rec  undo.Record
	buf  []byte
	key  []byte
}

// A row that a transaction at work has changed is busy: its entries may lag behind it. Entries follow their row, and go back before it, so
// those of all other rows are exact, whoever touched them last.

// sum of entries, in any order.
type sum struct{ n, hash uint64 }

func (s *sum) add(b []byte) {
	s.n++
	s.hash += maphash.Bytes(seed, b)
}

// maxBusy bounds the rows under change that are remembered; a table with more is compared without its entries.
const maxBusy = 1 << 18

func newRowCheck(c *check, t *dict.Table) *rowCheck {
	r := &rowCheck{c: c, t: t, tx: c.db.begin(table.TxnOptions{Isolation: table.ReadUncommitted}), view: c.db.purgeView(),
		want: make([]sum, len(t.Indexes)), busy: map[string]bool{}}
	r.tx.stmt = Stmt{tx: r.tx, active: true}
	r.rd = newReader(&r.tx.stmt, true)
	return r
}

func (r *rowCheck) free() { r.rd.free() }

// rows walks the clustered index.
func (r *rowCheck) rows(ctx context.Context) error {
	ix := r.t.Indexes[0]
	return r.c.tree(ctx, ix.Def.ID, ix.Tree, func(key, val []byte) error {
		if err := r.row(ctx, key, val); err != nil {
			if err := r.c.damage(ctx, fmt.Errorf("row %x: %w", key, err)); err != nil {
				return err
			}
		}
		return nil
	})
}

func (r *rowCheck) row(ctx context.Context, key, val []byte) error {
	c := r.c
	hd, err := row.ParseHeader(val)
	if err != nil {
		return err
	}
	busy := c.active[hd.Trx]
	if busy && len(r.busy) < maxBusy {
		r.busy[string(key)] = true
	}
	if hd.Deleted && r.view.Sees(hd.Trx) { // purge is at it: its long values may have gone before it
		c.rep.Deleted++
		return nil
	}
	if err := r.rd.decode(ctx, r.t, val, nil); err != nil {
		return err
	}
	if err := r.values(ctx, val); err != nil {
		return err
	}
	if err := r.past(ctx, key, &hd); err != nil {
		return err
	}
	if hd.Deleted {
		c.rep.Deleted++
		return nil
	}
	c.rep.Rows++
	if !r.t.Indexes[0].Def.Hidden {
		r.key = r.key[:0]
		for p, part := range r.t.Indexes[0].Parts {
			r.key = row.AppendKey(r.key, &part, &r.rd.row[r.t.Indexes[0].Cols[p]])
		}
		if !bytes.Equal(r.key, key) {
			return fmt.Errorf("its columns make the key %x", r.key)
		}
	}
	if busy || c.o.Quick {
		return nil
	}
	for i := 1; i < len(r.t.Indexes); i++ {
		if r.t.Indexes[i].Virtual { // its values are not stored: count by row
			r.want[i].add(key)
		} else {
			_, list := appendEntries(nil, nil, r.t, i, r.rd.row, key)
			for _, e := range list {
				r.want[i].add(e.key)
			}
		}
	}
	return nil
}

// values accounts for the row's long values, also those of columns that were dropped since.
func (r *rowCheck) values(ctx context.Context, val []byte) error {
	refs := make([][]byte, 0, 8)
	for _, o := range r.rd.over {
		refs = append(refs, o.ref)
	}
	if err := r.t.Layout.Dropped(val, func(ref []byte) { refs = append(refs, ref) }); err != nil {
		return err
	}
	for _, b := range refs {
		ref, ok := overflow.ParseRef(b)
		if !ok {
			return row.ErrCorrupt
		}
		if err := r.c.value(ctx, r.t, ref); err != nil {
			return err
		}
	}
	return nil
}

// past verifies that the undo record of the row's newest version is there and the row's, as long as somebody may ask for it.
func (r *rowCheck) past(ctx context.Context, key []byte, hd *row.Header) (err error) {
	if hd.Roll == 0 || r.view.Sees(hd.Trx) {
		return nil
	}
	if r.buf, err = r.c.db.logs.Read(ctx, hd.Roll, &r.rec, r.buf); err != nil {
		return fmt.Errorf("undo of transaction %d: %w", hd.Trx, err)
	}
	mine, err := r.rec.Names(key)
	if err != nil {
		return fmt.Errorf("undo of transaction %d: %w", hd.Trx, err)
	}
	if r.rec.Table != r.t.ID || !mine {
		return fmt.Errorf("its undo record, of transaction %d, is another row's", hd.Trx)
	}
	return nil
}

// entries walks secondary index i.
func (r *rowCheck) entries(ctx context.Context, i int) error {
	c, ix := r.c, r.t.Indexes[i]
	var have sum
	var last []byte
	err := c.tree(ctx, ix.Def.ID, ix.Tree, func(key, val []byte) error {
		e, err := row.ParseEntry(val)
		var ref []byte
		if err == nil {
			ref, err = ix.Ref(key)
		}
		if err != nil {
			c.note(fmt.Errorf("entry %x: %w", key, err))
			return nil
		}
		if e.Deleted {
			c.rep.DeletedEntries++
			return nil
		}
		c.rep.Entries++
		if r.busy[string(ref)] {
			return nil
		}
		if ix.Virtual {
			have.add(ref)
		} else {
			have.add(key)
		}
		own := key[:len(key)-len(ref)]
		if ix.Def.Unique {
			if null, err := hasNull(ix, own); err == nil && !null && bytes.Equal(own, last) {
				c.notef("two rows have the unique key %x, one of them is %x", own, ref)
			}
			last = append(last[:0], own...)
		}
		return nil
	})
	if err != nil || c.o.Quick || len(r.busy) == maxBusy || have == r.want[i] || ix.Virtual && ix.Extract != nil {
		return err
	}
	before := c.rep.Damaged
	if err := r.missing(ctx, i); err != nil {
		return err
	}
	if err := r.orphans(ctx, i); err != nil {
		return err
	}
	if c.rep.Damaged == before {
		c.notef("the index contains %d entries, should be %d", have.n, r.want[i].n)
	}
	return nil
}

// missing looks up the entry of every row.
func (r *rowCheck) missing(ctx context.Context, i int) error {
	ix := r.t.Indexes[i]
	if ix.Virtual {
		return nil
	}
	_, err := r.t.Indexes[0].Tree.Check(ctx, func(key, val []byte) error {
		hd, err := row.ParseHeader(val)
		if err != nil || hd.Deleted || r.busy[string(key)] {
			return nil // what is wrong with rows is noted already
		}
		if r.rd.decode(ctx, r.t, val, nil) != nil {
			return nil
		}
		_, list := appendEntries(nil, nil, r.t, i, r.rd.row, key)
		for _, e := range list {
			state := "no entry"
			live := false
			_, err = ix.Tree.Get(ctx, e.key, func(v []byte) {
				x, err := row.ParseEntry(v)
				live = err == nil && !x.Deleted
				state = "a deleted entry"
			})
			if err != nil {
				return err
			}
			if !live {
				r.c.notef("row %x has %s, which should be %x", key, state, e.key)
			}
		}
		return nil
	})
	return r.c.damage(ctx, ignoreCorrupt(err))
}

// orphans looks up the row of every live entry.
func (r *rowCheck) orphans(ctx context.Context, i int) error {
	ix := r.t.Indexes[i]
	_, err := ix.Tree.Check(ctx, func(key, val []byte) error {
		e, err := row.ParseEntry(val)
		if err != nil || e.Deleted {
			return nil
		}
		ref, err := ix.Ref(key)
		if err != nil || r.busy[string(ref)] {
			return nil
		}
		found, err := r.t.Indexes[0].Tree.Get(ctx, ref, r.rd.copyFn)
		if err != nil {
			return err
		}
		if found {
			hd, err := row.ParseHeader(r.rd.val)
			if err != nil {
				return nil
			}
			if found = !hd.Deleted; found && !ix.Virtual {
				if r.rd.decode(ctx, r.t, r.rd.val, nil) != nil {
					return nil
				}
				_, list := appendEntries(nil, nil, r.t, i, r.rd.row, ref)
				found = slices.ContainsFunc(list, func(e entry) bool { return bytes.Equal(e.key, key) })
			}
		}
		if !found {
			r.c.notef("entry %x, of transaction %d, has no row", key, e.Trx)
		}
		return nil
	})
	return r.c.damage(ctx, ignoreCorrupt(err))
}

// ignoreCorrupt drops an error that the first walk has noted.
func ignoreCorrupt(err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}
