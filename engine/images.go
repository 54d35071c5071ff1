package engine

import (
	"context"

	"github.com/zoryadb/zorya/base/wait"
	"github.com/zoryadb/zorya/engine/btree"
	"github.com/zoryadb/zorya/engine/dict"
	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/engine/table"
)

// restRows is after how many rows DDL asks whether it is time to rest: fewer than it reads in a millisecond.
const restRows = 128

// images reads rows as of a snapshot of its own, for builds.
type images struct {
	tx      *Tx
	rd      *reader
	need    []bool        // columns that are wanted, nil: all
	touched *dict.Touched // asked now and then whether the build can still succeed
}

func newImages(ctx context.Context, db *DB) (*images, error) {
	v := &images{tx: db.begin(table.TxnOptions{Isolation: table.RepeatableRead, ReadOnly: true})}
	v.tx.stmt = Stmt{tx: v.tx, active: true}
	if err := v.tx.snapshot(ctx); err != nil {
		return nil, err
	}
	v.rd = newReader(&v.tx.stmt, true)
	return v, nil
}

func (v *images) close() {
	v.rd.free()
	v.tx.snap.Close()
}

// also returns a view of the same snapshot for another goroutine, to be given back by rd.free before v is closed.
func (v *images) also() *images {
	return &images{tx: v.tx, rd: newReader(&v.tx.stmt, true), need: v.need, touched: v.touched}
}

// each calls fn with every row; r and ref are valid until it returns. total is a guess at their number.
func (v *images) each(ctx context.Context, t *dict.Table, fn func(total uint64, r []row.Datum, ref []byte) error) error {
	total, err := t.Indexes[0].Tree.EstimateRange(ctx, nil, nil)
	if err != nil {
		return err
	}
	return v.eachOf(ctx, t, &part{}, func(r []row.Datum, ref []byte) error { return fn(total, r, ref) })
}

// eachOf is each for the rows of a part of the clustered tree.
func (v *images) eachOf(ctx context.Context, t *dict.Table, p *part, fn func(r []row.Datum, ref []byte) error) error {
	c := t.Indexes[0].Tree.Scan(btree.ScanOptions{Low: p.low, High: p.high, ReadAhead: true})
	defer c.Close()
	for n := 0; c.Next(ctx); n++ {
		if n%restRows == restRows-1 {
			if err := wait.Rest(ctx); err != nil {
				return err
			}
		}
		if n%4096 == 0 && v.touched != nil {
			if err := v.touched.Err(); err != nil {
				return err
			}
		}
		val := c.Value()
		hd, err := row.ParseHeader(val)
		if err != nil {
			return err
		}
		if !v.tx.snap.Sees(hd.Trx) {
			v.rd.val = append(v.rd.val[:0], val...)
			if ok, err := v.rd.version(ctx, consistent); err != nil || !ok {
				if err != nil {
					return err
				}
				continue
			}
			val = v.rd.val
		} else if hd.Deleted {
			continue
		}
		if err := v.rd.decode(ctx, t, val, v.need); err != nil {
			return err
		}
		if err := fn(v.rd.row, c.Key()); err != nil {
			return err
		}
	}
	return c.Err()
}

// one reads the row under ref, nil if the snapshot has none.
func (v *images) one(ctx context.Context, t *dict.Table, ref []byte) ([]row.Datum, error) {
	found, err := t.Indexes[0].Tree.Get(ctx, ref, v.rd.copyFn)
	if err != nil || !found {
		return nil, err
	}
	if ok, err := v.rd.version(ctx, consistent); err != nil || !ok {
		return nil, err
	}
	if err := v.rd.decode(ctx, t, v.rd.val, v.need); err != nil {
		return nil, err
	}
	return v.rd.row, nil
}

// hides reports whether the newest version of the row under ref is one that the snapshot does not see.
func (v *images) hides(ctx context.Context, t *dict.Table, ref []byte) (bool, error) {
	hidden := false
	_, err := t.Indexes[0].Tree.Get(ctx, ref, func(val []byte) { hidden = !v.tx.snap.Sees(trxOf(val)) })
	return hidden, err
}
