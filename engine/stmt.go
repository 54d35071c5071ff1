package engine

import (
	"context"
	"errors"
	"fmt"

	"github.com/zoryadb/zorya/engine/dict"
	"github.com/zoryadb/zorya/engine/lock"
	"github.com/zoryadb/zorya/engine/table"
)

// Stmt is one statement of a transaction. It lives in its Tx and is used again by the next one.
type Stmt struct {
	tx         *Tx
	active     bool
	write      bool
	overwrites bool // table.StmtOptions.Overwrites
	bulk       bool // table.StmtOptions.Bulk
	wrote      bool // it has changed rows: its cursors must look which versions are its own
	start      undoMark
	since      uint64 // what the transaction's statements of this number and later have written is hidden from its cursors
	work       table.Work
	rd         *reader  // point reads: rows that Get returns alias it
	wr         *writer  // writes, whose arguments may alias rd
	counters   []uint64 // tables whose AUTO-INC lock it holds
	tables     []*Handle
	first      Handle // of the first table, most often the only one
	ops        statementOps
}

// Handle is a table bound to a statement.
type Handle struct {
	s    *Stmt
	t    *dict.Table
	uses uses

	claimed bool // claim has been here
}

// BeginStmt opens the next statement. Under READ COMMITTED it sees what is committed now.
func (tx *Tx) BeginStmt(_ context.Context, o table.StmtOptions) (table.Stmt, error) {
	if tx.ended {
		return nil, errors.New("statement on a transaction that has ended")
	}
	tx.closeStmt()
	if o.Write && tx.o.ReadOnly {
		return nil, table.ErrReadOnly
	}
	if tx.o.Isolation == table.ReadCommitted || tx.db.broken(mutantNewView) {
		tx.snap.Close()
	}
	tx.seq++
	s := &tx.stmt
	*s = Stmt{tx: tx, active: true, write: o.Write, overwrites: o.Overwrites, bulk: o.Bulk, counters: s.counters[:0], start: tx.mark(), since: tx.seq, tables: s.tables[:0], first: Handle{}}
	s.rd, s.wr = newReader(s, true), newWriter(s)
	return s, nil
}

func (tx *Tx) closeStmt() {
	s := &tx.stmt
	if s.active {
		s.active = false
		s.unlockAutoInc()
		tx.db.countOps(tx.o.SessionID, &s.ops)
		for _, h := range s.tables {
			h.used()
		}
		s.rd.free()
		s.wr.free()
		s.rd, s.wr = nil, nil
		clear(s.tables)
		if tx.db.broken(mutantStmtLocks) {
			tx.db.locks.Release(&tx.own, 0)
		}
	}
}

// Txn returns the statement's transaction.
func (s *Stmt) Txn() table.Txn { return s.tx }

// Work implements table.Meter.
func (s *Stmt) Work() table.Work {
	w := s.work
	w.Inserted, w.Updated, w.Deleted = s.ops.inserted, s.ops.updated, s.ops.deleted
	return w
}

// BeginNested implements table.Nester: what was written so far is another statement's.
func (s *Stmt) BeginNested() (outer uint64) {
	outer = s.since
	s.tx.seq++
	s.since = s.tx.seq
	return outer
}

// EndNested implements table.Nester: what the nested statement wrote is hidden too.
func (s *Stmt) EndNested(outer uint64) { s.since = outer }

// End keeps the statement's changes.
func (s *Stmt) End() { s.tx.closeStmt() }

// Rollback undoes the statement's changes and ends it. Locks stay, as InnoDB's do.
func (s *Stmt) Rollback(ctx context.Context) error {
	if !s.active || s.tx.ended {
		return nil
	}
	at := s.start
	s.tx.closeStmt()
	if err := s.tx.undoTo(ctx, at); err != nil {
		return fmt.Errorf("roll back statement: %w", err)
	}
	return nil
}

// Open returns a table under a shared metadata lock that is held until the transaction ends.
func (s *Stmt) Open(ctx context.Context, schema, name string) (table.Table, error) {
	for _, h := range s.tables {
		if h.t.Name == name && h.t.Schema == schema {
			return h, nil
		}
	}
	t, err := s.tx.open(ctx, schema, name)
	if err != nil {
		return nil, err
	}
	h := &s.first
	if h.t != nil {
		h = new(Handle)
	}
	*h = Handle{s: s, t: t}
	s.tables = append(s.tables, h)
	s.work.Tables++
	return h, nil
}

// open finds a table and takes its metadata lock, once in a transaction.
func (tx *Tx) open(ctx context.Context, schema, name string) (*dict.Table, error) {
	if o := tx.has(schema, name); o != nil {
		if tx.stmt.write && !o.write {
			if err := tx.lockMeta(ctx, schema, name, lock.Write); err != nil {
				return nil, err
			}
			o.write = true
		}
		return o.t, nil
	}
	m := lock.Shared
	if tx.stmt.write {
		m = lock.Write
	}
	if err := tx.lockMeta(ctx, schema, name, m); err != nil {
		return nil, err
	}
	t, err := tx.db.table(ctx, schema, name)
	if err != nil {
		return nil, err
	}
	tx.opened = append(tx.opened, opened{schema, name, t, m == lock.Write})
	if n := len(tx.opened); n > manyOpened {
		if tx.places == nil {
			tx.places = map[[2]string]int{}
			for i := range tx.opened {
				tx.places[[2]string{tx.opened[i].schema, tx.opened[i].name}] = i
			}
		}
		tx.places[[2]string{schema, name}] = n - 1
	}
	return t, nil
}

// claim is called before a read that locks rows: one that locks them exclusively holds the table's metadata lock as a change does.
func (h *Handle) claim(ctx context.Context, l table.Lock) error {
	if l != table.LockExclusive {
		return nil
	}
	tx := h.s.tx
	if tx.o.ReadOnly {
		return table.ErrReadOnly
	}
	if h.s.write || h.claimed {
		return nil
	}
	if o := tx.has(h.t.Schema, h.t.Name); o != nil && !o.write {
		if err := tx.lockMeta(ctx, o.schema, o.name, lock.Write); err != nil {
			return err
		}
		o.write = true
	}
	h.claimed = true
	return nil
}

// manyOpened is how many opened tables a transaction looks through one by one; more are found by places.
const manyOpened = 32

// has finds a table that the transaction has opened.
func (tx *Tx) has(schema, name string) *opened {
	if tx.places != nil {
		if i, ok := tx.places[[2]string{schema, name}]; ok {
			return &tx.opened[i]
		}
		return nil
	}
	for i := range tx.opened {
		if o := &tx.opened[i]; o.name == name && o.schema == schema {
			return o
		}
	}
	return nil
}

// Uses reports whether the transaction has opened a table before, for changes if write is set: then it holds what LOCK TABLES waits for.
func (tx *Tx) Uses(schema, name string, write bool) bool {
	o := tx.has(schema, name)
	return o != nil && (o.write || !write)
}

func (tx *Tx) lockMeta(ctx context.Context, schema, name string, m lock.Mode) error {
	tx.name = append(append(append(tx.name[:0], schema...), 0), name...)
	key := tx.name
	if tx.db.locks.Try(&tx.own, lock.Metadata, key, m) {
		return nil
	}
	return tx.failed(ctx, tx.db.locks.Lock(ctx, &tx.own, lock.Metadata, key, m, tx.o.MetadataWait))
}

// Def is the table's definition.
func (h *Handle) Def() *table.Def { return &h.t.Def }

// usable checks that a call may use the statement now.
func (h *Handle) usable(write bool) error {
	s := h.s
	if !s.active || s.tx.ended {
		return errors.New("statement has ended")
	}
	if write && (s.tx.o.ReadOnly || !s.write) {
		return table.ErrReadOnly
	}
	return nil
}

// view makes sure that the statement can read a snapshot of the table.
func (s *Stmt) view(ctx context.Context, t *dict.Table, ix *dict.Index) error {
	if s.tx.o.Isolation == table.ReadUncommitted {
		return nil
	}
	if err := s.tx.snapshot(ctx); err != nil {
		return err
	}
	if max(t.Born, ix.Born) > s.tx.snap.LSN {
		return table.ErrDefChanged
	}
	return nil
}

// Count estimates the number of rows.
func (h *Handle) Count(ctx context.Context) (uint64, error) {
	return h.t.Indexes[0].Tree.EstimateRange(ctx, nil, nil)
}

// Bytes is the size of the clustered tree and of the others.
func (h *Handle) Bytes(ctx context.Context) (data, index uint64, err error) {
	for i, ix := range h.t.Indexes {
		pages, err := ix.Tree.Pages(ctx)
		if err != nil {
			return 0, 0, err
		}
		if i == 0 {
			data = pages * pageSize
		} else {
			index += pages * pageSize
		}
	}
	return data, index, nil
}

// Estimate guesses the number of rows in a range.
func (h *Handle) Estimate(ctx context.Context, index int, r table.Range) (uint64, error) {
	if index < 0 || index >= len(h.t.Indexes) {
		return 0, table.ErrNoIndex
	}
	var b bounds
	if !b.set(h.t.Indexes[index], &r) {
		return 0, nil
	}
	return h.t.Indexes[index].Tree.EstimateRange(ctx, b.low, b.high)
}
