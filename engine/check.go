package engine

import (
	"context"
	"errors"
	"fmt"

	"github.com/zoryadb/zorya/engine/btree"
	"github.com/zoryadb/zorya/engine/dict"
	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/engine/undo"
)

// CheckReport counts what Check has seen.
type CheckReport struct {
	Tables, Rows, Deleted, Entries, DeletedEntries, UndoRecords uint64
}

// maxProblems bounds what Check collects.
const maxProblems = 100

// Check verifies the structure of the whole instance: every tree, that every live row has its secondary entries and every
// live entry its row, that long values can be read, that roll pointers of versions that purge has not passed lead
// to undo records of the row. Rows that a transaction is changing meanwhile are passed over.
func (db *DB) Check(ctx context.Context) (rep CheckReport, err error) {
	var problems []error
	note := func(err error) {
		if err != nil && len(problems) < maxProblems {
			problems = append(problems, err)
		}
	}
	note(checkTree(ctx, db.dict))
	note(checkTree(ctx, db.counters))
	note(db.checkUndo(ctx, &rep))
	schemas, err := db.Schemas(ctx)
	if err != nil {
		return rep, err
	}
	for _, s := range schemas {
		names, err := db.TableNames(ctx, s.Name)
		if errors.Is(err, table.ErrNoSchema) {
			continue
		}
		if err != nil {
			return rep, err
		}
		for _, n := range names {
			if err := db.checkTable(ctx, s.Name, n, &rep, note); err != nil {
				return rep, err
			}
		}
	}
	return rep, errors.Join(problems...)
}

// CheckTable is Check for one table.
func (db *DB) CheckTable(ctx context.Context, schema, name string) (rep CheckReport, err error) {
	var problems []error
	err = db.checkTable(ctx, schema, name, &rep, func(err error) {
		if err != nil && len(problems) < maxProblems {
			problems = append(problems, err)
		}
	})
	return rep, errors.Join(append(problems, err)...)
}

func (db *DB) checkTable(ctx context.Context, schema, name string, rep *CheckReport, note func(error)) error {
	tx := db.begin(table.TxnOptions{Isolation: table.ReadCommitted})
	defer tx.Rollback(ctx)
	if _, err := tx.BeginStmt(ctx, table.StmtOptions{}); err != nil {
		return err
	}
	t, err := tx.open(ctx, schema, name)
	if errors.Is(err, table.ErrNoTable) || errors.Is(err, table.ErrNoSchema) {
		return nil
	}
	if err != nil {
		return err
	}
	rep.Tables++
	for i, ix := range t.Indexes {
		wrap := func(err error) {
			if err != nil {
				note(fmt.Errorf("%s.%s index %s: %w", schema, name, ix.Def.Name, err))
			}
		}
		wrap(checkTree(ctx, ix.Tree))
		if i == 0 {
			wrap(tx.checkRows(ctx, t, rep, wrap))
		} else {
			wrap(tx.checkEntries(ctx, t, ix, i, rep, wrap))
		}
	}
	return nil
}

// checkRows looks for the entries of every row.
func (tx *Tx) checkRows(ctx context.Context, t *dict.Table, rep *CheckReport, note func(error)) error {
	db := tx.db
	rd := newReader(&tx.stmt, true)
	defer rd.free()
	c := t.Indexes[0].Tree.Scan(btree.ScanOptions{ReadAhead: true})
	defer c.Close()
	var rec undo.Record
	var buf []byte
	for c.Next(ctx) {
		hd, err := row.ParseHeader(c.Value())
		if err != nil {
			note(err)
			continue
		}
		if rd.decode(ctx, t, c.Value(), nil) != nil && db.txns.End(hd.Trx) != 0 {
			note(fmt.Errorf("row %x: %w", c.Key(), row.ErrCorrupt))
			continue
		}
		if !db.purgeView().Sees(hd.Trx) && hd.Roll != 0 && db.txns.End(hd.Trx) != 0 {
			if buf, err = db.logs.Read(ctx, hd.Roll, &rec, buf); err != nil && !db.purgeView().Sees(hd.Trx) {
				note(fmt.Errorf("row %x of transaction %d: %w", c.Key(), hd.Trx, err))
			} else if err == nil && (rec.Table != t.ID || string(rec.Key) != string(c.Key())) && !db.purgeView().Sees(hd.Trx) {
				note(fmt.Errorf("row %x of transaction %d: its undo record is another row's", c.Key(), hd.Trx))
			}
		}
		if hd.Deleted {
			rep.Deleted++
			continue
		}
		rep.Rows++
		for i := 1; i < len(t.Indexes); i++ {
			ix := t.Indexes[i]
			if ix.Virtual {
				continue
			}
			e := entryOf(t, i, rd.row, c.Key())
			live := false
			found, err := ix.Tree.Get(ctx, e.key, func(v []byte) {
				x, err := row.ParseEntry(v)
				live = err == nil && !x.Deleted
			})
			if err != nil {
				return err
			}
			if live || db.moved(ctx, t, c.Key(), c.Value()) {
				continue
			}
			note(fmt.Errorf("row %x has no entry %x in index %s (found %v)", c.Key(), e.key, ix.Def.Name, found))
		}
	}
	return c.Err()
}

// moved reports whether a row has changed since it was read as v, or is being changed.
func (db *DB) moved(ctx context.Context, t *dict.Table, key, v []byte) bool {
	if db.txns.End(trxOf(v)) == 0 {
		return true
	}
	same := false
	found, err := t.Indexes[0].Tree.Get(ctx, key, func(now []byte) { same = string(now) == string(v) })
	return err != nil || !found || !same
}

// checkEntries looks for the row of every live entry.
func (tx *Tx) checkEntries(ctx context.Context, t *dict.Table, ix *dict.Index, i int, rep *CheckReport, note func(error)) error {
	db := tx.db
	rd := newReader(&tx.stmt, true)
	defer rd.free()
	c := ix.Tree.Scan(btree.ScanOptions{ReadAhead: true})
	defer c.Close()
	for c.Next(ctx) {
		e, err := row.ParseEntry(c.Value())
		if err != nil {
			note(err)
			continue
		}
		if e.Deleted {
			rep.DeletedEntries++
			continue
		}
		rep.Entries++
		ref, err := ix.Ref(c.Key())
		if err != nil {
			note(err)
			continue
		}
		found, err := t.Indexes[0].Tree.Get(ctx, ref, rd.copyFn)
		if err != nil {
			return err
		}
		ok := false
		if found {
			hd, err := row.ParseHeader(rd.val)
			if err != nil {
				note(err)
				continue
			}
			if db.txns.End(hd.Trx) == 0 {
				continue
			}
			ok = !hd.Deleted
			if ok && !ix.Virtual {
				if err := rd.decode(ctx, t, rd.val, nil); err != nil {
					note(err)
					continue
				}
				ok = string(entryOf(t, i, rd.row, ref).key) == string(c.Key())
			}
		}
		if ok || db.txns.End(e.Trx) == 0 {
			continue
		}
		same := false
		if _, err := ix.Tree.Get(ctx, c.Key(), func(v []byte) { same = string(v) == string(c.Value()) }); err != nil {
			return err
		}
		if same {
			note(fmt.Errorf("entry %x of transaction %d has no row", c.Key(), e.Trx))
		}
	}
	return c.Err()
}

// checkUndo walks every log from purge's place to its end.
func (db *DB) checkUndo(ctx context.Context, rep *CheckReport) error {
	for _, l := range db.logs.Logs() {
		n, err := l.Check(ctx)
		rep.UndoRecords += n
		if err != nil {
			return err
		}
	}
	return nil
}

func checkTree(ctx context.Context, t *btree.Tree) error {
	_, err := t.Check(ctx, nil)
	return err
}
