package engine

import (
	"context"
	"errors"
	"fmt"

	"github.com/zoryadb/zorya/engine/btree"
	"github.com/zoryadb/zorya/engine/dict"
	"github.com/zoryadb/zorya/engine/overflow"
	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/engine/space"
	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/engine/undo"
	"github.com/zoryadb/zorya/storage/page"
)

// Bounds on what a check reports in full: in one table, and in all. It goes on counting.
const (
	tableProblems = 20
	maxProblems   = 2000
)

var _ table.Checker = (*DB)(nil)

// Check verifies what the volume holds as of a point of the log: every tree from its root, that live rows have their secondary entries and
// live entries their rows, that long values are there, that roll pointers lead to undo records of their row, every undo log, and that
// each page that is in use belongs to exactly one of all these. Rows that a transaction was changing at that point are passed over where
// they may be half done. Damage is in the report; the error is of reading.
func (db *DB) Check(ctx context.Context, o table.CheckOptions) (table.CheckReport, error) {
	v, done, err := db.view(ctx)
	if err != nil {
		return table.CheckReport{}, err
	}
	c := &check{db: v, o: o, reached: space.Pages{}, active: map[uint64]bool{}, owners: map[uint64]table.Problem{}}
	c.rep.LSN, c.rep.Problems = v.vol.VDL(), []table.Problem{}
	for _, l := range v.logs.InFlight() {
		c.active[l.Trx()] = true
	}
	err = c.run(ctx)
	c.report()
	return c.rep, errors.Join(err, done())
}

// check is one run. db is a view of the past: nobody changes anything.
type check struct {
	db  *DB
	o   table.CheckOptions
	rep table.CheckReport

	tables, total int
	at            table.Problem // where the check is: schema, table and index of what is noted
	noted         int           // problems of the table at hand
	ticks         uint64

	active  map[uint64]bool          // transactions at work
	reached space.Pages              // pages that belong to something
	owners  map[uint64]table.Problem // trees that belong to something: whose they are
}

func (c *check) note(err error) {
	if err == nil {
		return
	}
	c.rep.Damaged++
	if c.noted++; c.noted <= tableProblems && len(c.rep.Problems) < maxProblems {
		p := c.at
		p.Text = err.Error()
		c.rep.Problems = append(c.rep.Problems, p)
	}
}

func (c *check) notef(format string, args ...any) { c.note(fmt.Errorf(format, args...)) }

// damage notes an error that says that what was read is wrong, and passes on the others: of the context, the volume, the network.
func (c *check) damage(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil || c.db.vol.Err() != nil {
		return err
	}
	c.note(err)
	return nil
}

func (c *check) report() {
	if c.o.Progress == nil {
		return
	}
	p := table.CheckProgress{Tables: c.tables, Total: c.total, Pages: c.rep.Pages, Rows: c.rep.Rows}
	if c.at.Table != "" {
		p.Table = c.at.Schema + "." + c.at.Table
	}
	c.o.Progress(p)
}

func (c *check) tick() {
	if c.ticks++; c.ticks%8192 == 0 {
		c.report()
	}
}

func (c *check) run(ctx context.Context) error {
	list := c.o.Tables
	if list == nil {
		all, err := c.allTables(ctx)
		if err != nil {
			return err
		}
		list = all
	}
	c.total = len(list)
	for _, t := range list {
		c.at, c.noted = table.Problem{Schema: t[0], Table: t[1]}, 0
		if err := c.table(ctx, t[0], t[1]); err != nil {
			return fmt.Errorf("check table %s.%s: %w", t[0], t[1], err)
		}
		c.tables++
	}
	c.at, c.noted = table.Problem{}, 0
	if c.o.Tables != nil {
		return nil
	}
	if err := c.whole(ctx); err != nil {
		return err
	}
	return c.accounts(ctx)
}

// allTables lists the tables of all schemas. A schema or table that cannot be read is damage.
func (c *check) allTables(ctx context.Context) (list [][2]string, err error) {
	schemas, err := c.db.Schemas(ctx)
	if err := c.damage(ctx, err); err != nil {
		return nil, err
	}
	for _, s := range schemas {
		names, err := c.db.TableNames(ctx, s.Name)
		if err := c.damage(ctx, err); err != nil {
			return nil, err
		}
		for _, n := range names {
			list = append(list, [2]string{s.Name, n})
		}
	}
	return list, nil
}

// tree verifies a tree and calls each for its entries, in order, with copies that hold until it returns.
func (c *check) tree(ctx context.Context, id uint64, t *btree.Tree, each func(key, val []byte) error) error {
	c.owners[id] = c.at
	_, err := t.CheckPages(ctx, func(no page.No) bool {
		c.rep.Pages++
		c.tick()
		return c.reached.Add(no)
	}, each)
	return c.damage(ctx, err)
}

func (c *check) table(ctx context.Context, schema, name string) error {
	t, err := c.db.table(ctx, schema, name)
	if errors.Is(err, table.ErrNoTable) || errors.Is(err, table.ErrNoSchema) {
		c.rep.Missing = append(c.rep.Missing, [2]string{schema, name})
		return nil
	}
	if err != nil {
		return c.damage(ctx, err)
	}
	c.rep.Tables++
	c.report()
	r := newRowCheck(c, t)
	defer r.free()
	for i, ix := range t.Indexes {
		c.at.Index = ix.Def.Name
		if i == 0 {
			err = r.rows(ctx)
		} else {
			err = r.entries(ctx, i)
		}
		if err != nil {
			return err
		}
	}
	c.at.Index = ""
	if err := c.names(ctx, t); err != nil {
		return err
	}
	if c.o.Tables != nil {
		return c.ownPages(ctx, t)
	}
	return nil
}

// ownPages compares the pages that the table's trees reach with those that they own. What only undo knows of is left out: old long
// values that are not purged yet.
func (c *check) ownPages(ctx context.Context, t *dict.Table) error {
	for i, ix := range t.Indexes {
		c.at.Index = ix.Def.Name
		ino, err := ix.Tree.Inode(ctx)
		if err != nil {
			return c.damage(ctx, err)
		}
		a, err := c.db.sp.AccountOf(ctx, ino, c.note)
		if err != nil {
			return c.damage(ctx, err)
		}
		if a.Owner != ix.Def.ID || a.Dropped {
			c.notef("the account of its pages is owner %d's, dropped %v", a.Owner, a.Dropped)
			continue
		}
		if i > 0 {
			c.lost(a)
		}
	}
	return nil
}

// lost notes pages of an owner that nothing leads to.
func (c *check) lost(a *space.Account) {
	if list := a.Pages.Minus(c.reached, 8); len(list) > 0 {
		c.notef("pages %v and maybe more of owner %d are in use, and nothing leads to them", list, a.Owner)
	}
}

// whole verifies what is no table's: the engine's own trees and undo.
func (c *check) whole(ctx context.Context) error {
	db := c.db
	if err := c.tree(ctx, dict.Tree, db.dict, func(_, val []byte) error {
		_, err := row.ParseHeader(val)
		return err
	}); err != nil {
		return err
	}
	if err := c.constraints(ctx); err != nil {
		return err
	}
	if err := c.tree(ctx, dict.Counter, db.counters, nil); err != nil {
		return err
	}
	c.owners[undo.Owner] = c.at
	for _, no := range db.logs.Directory() {
		c.reached.Add(no)
	}
	for _, l := range db.logs.Logs() {
		if err := c.undoLog(ctx, l); err != nil {
			return err
		}
	}
	return nil
}

// undoLog verifies a log, and accounts for what only its records know: long values and trees that are to be purged, and those of
// transactions at work.
func (c *check) undoLog(ctx context.Context, l *undo.Log) error {
	var old []undo.Record
	n, err := l.Check(ctx, func(no page.No) {
		if c.rep.Pages++; !c.reached.Add(no) {
			c.notef("page %d is in two undo logs", no)
		}
	}, func(r *undo.Record) {
		if r.Undone || r.Done {
			return
		}
		switch r.Type {
		case undo.OverOld, undo.TreeOld, undo.OverNew, undo.TreeNew:
			old = append(old, undo.Record{Type: r.Type, Table: r.Table, Ref: append([]byte(nil), r.Ref...), Tree: r.Tree, Root: r.Root})
		}
	})
	c.rep.UndoRecords += n
	if err := c.damage(ctx, err); err != nil {
		return err
	}
	fresh, err := c.madeBy(ctx, l)
	if err := c.damage(ctx, err); err != nil {
		return err
	}
	for i := range old {
		r := &old[i]
		switch {
		case r.Type == undo.OverOld || r.Type == undo.OverNew && fresh[string(r.Ref)]:
			if err := c.oldValue(ctx, r); err != nil {
				return err
			}
		case r.Type == undo.TreeOld || r.Type == undo.TreeNew && fresh[treeName(r)]:
			if _, known := c.owners[r.Tree]; known { // of a table that the view still has: its DDL is at work
				continue
			}
			if err := c.oldTree(ctx, r); err != nil {
				return err
			}
		}
	}
	return nil
}

func treeName(r *undo.Record) string { return fmt.Sprintf("tree %d", r.Tree) }

// madeBy lists what the log's transaction has made, if it is at work.
func (c *check) madeBy(ctx context.Context, l *undo.Log) (made map[string]bool, err error) {
	if !c.active[l.Trx()] || l.State() != undo.Active && l.State() != undo.Prepared {
		return nil, nil
	}
	made = map[string]bool{}
	var rec undo.Record
	var buf []byte
	for p := l.Last(); p != 0; {
		if buf, err = c.db.logs.Read(ctx, p, &rec, buf); err != nil {
			return made, err
		}
		switch {
		case rec.Type == undo.Begin:
			return made, nil
		case rec.Undone:
		case rec.Type == undo.OverNew:
			made[string(rec.Ref)] = true
		case rec.Type == undo.TreeNew:
			made[treeName(&rec)] = true
		}
		if p, err = c.db.logs.Before(ctx, p); err != nil {
			return made, err
		}
	}
	return made, nil
}

// oldValue accounts for a long value that an undo record names. One that its row still names is accounted for already.
func (c *check) oldValue(ctx context.Context, r *undo.Record) error {
	_, t, err := c.db.treeOf(ctx, r.Table)
	if err != nil || t == nil {
		return c.damage(ctx, err)
	}
	ref, ok := overflow.ParseRef(r.Ref)
	if !ok {
		c.notef("undo record of table %d names no long value", r.Table)
		return nil
	}
	if c.reached.Has(ref.First) {
		return nil
	}
	return c.damage(ctx, c.value(ctx, t, ref))
}

// value accounts for the pages of a long value.
func (c *check) value(ctx context.Context, t *dict.Table, ref overflow.Ref) error {
	return overflow.Pages(ctx, c.db.sp, t.Indexes[0].Def.ID, ref, func(first page.No, n int) error {
		for i := range n {
			if c.rep.Pages++; !c.reached.Add(first + page.No(i)) {
				return fmt.Errorf("page %d of the long value at page %d belongs to something else too", first+page.No(i), ref.First)
			}
		}
		return nil
	})
}

// oldTree accounts for a tree that is to be dropped, or one that is being built: its pages are its own, whatever is in them.
func (c *check) oldTree(ctx context.Context, r *undo.Record) error {
	c.owners[r.Tree] = c.at
	ino, err := btree.Open(c.db.sp, r.Tree, page.No(r.Root)).Inode(ctx)
	if err != nil {
		return c.damage(ctx, err)
	}
	a, err := c.db.sp.AccountOf(ctx, ino, c.note)
	if err != nil {
		return c.damage(ctx, err)
	}
	for no, m := range a.Pages {
		if c.reached[no]&m != 0 {
			c.notef("pages of tree %d, which is no table's, belong to something else too", r.Tree)
		}
		c.reached[no] |= m
	}
	return nil
}

// accounts compares the space map with what was reached.
func (c *check) accounts(ctx context.Context) error {
	all, err := c.db.sp.Audit(ctx, c.note)
	if err := c.damage(ctx, err); err != nil || all == nil {
		return err
	}
	owned := space.Pages{}
	for _, a := range all {
		for e, m := range a.Pages {
			owned[e] |= m
		}
		at, known := c.owners[a.Owner]
		switch {
		case a.Dropped:
		case !known:
			c.notef("owner %d has %d pages, and is no tree of the dictionary or of undo", a.Owner, a.Pages.Len())
		default:
			c.at = at
			c.lost(a)
			c.at = table.Problem{}
		}
	}
	if list := c.reached.Minus(owned, 8); len(list) > 0 {
		c.notef("pages %v and maybe more are reached, and the space map knows no owner of them", list)
	}
	return nil
}
