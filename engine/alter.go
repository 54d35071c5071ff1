package engine

import (
	"context"
	"fmt"
	"slices"

	"github.com/zoryadb/zorya/base/wait"
	"github.com/zoryadb/zorya/engine/dict"
	"github.com/zoryadb/zorya/engine/lock"
	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/engine/table"
)

// An online build goes through four phases (docs/architecture.md, section 12):
//
//	start   the table is locked until the transactions that use it have ended; from then on those that come tell dict.Touched which
//	        rows they change; a snapshot is taken
//	load    the snapshot's rows are read, sorted and put into the new trees bottom-up; nobody waits
//	rounds  the rows touched meanwhile are brought from one snapshot to the next, until few are left
//	end     the table is locked again, the last of them follow, and the new definition is committed
//
// The new trees belong to the DDL's transaction: a crash or an error at any point drops them, and the old table never knew.

// build is what an AlterTable or a RebuildTable fills: new trees next to a table.
type build interface {
	// load fills the trees from all rows of a snapshot.
	load(ctx context.Context, rows *images) error
	// follow changes what the rows refs have in the trees, which is their state in snapshot old, to that of snapshot new.
	follow(ctx context.Context, refs map[string]struct{}, old, new *images) error
}

// logBytes bounds an online build's account of touched rows unless the caller does.
const logBytes = 128 << 20

func logLimit(o *table.Build) int {
	if o.LogBytes > 0 {
		return o.LogBytes
	}
	return logBytes
}

// AlterTable publishes a definition that needs no new rows; see table.Catalog.
func (db *DB) AlterTable(ctx context.Context, old, new *table.Def, o table.Build) (*table.Def, error) {
	if err := db.EnableKeys(ctx, old.Schema, old.Name, table.Build{Shared: true}); err != nil {
		return nil, err
	}
	return db.alterTable(ctx, old, new, o) // ErrDefChanged, if there was anything to build
}

func (db *DB) alterTable(ctx context.Context, old, new *table.Def, o table.Build) (*table.Def, error) {
	fresh := slices.ContainsFunc(new.Indexes, func(x table.Index) bool { return x.ID == 0 })
	online := o.Online && fresh
	o.Shared = o.Shared && fresh
	return db.built(ctx, old, new, online, o, func(tx *Tx, s *dict.Stored) (*dict.Stored, build, error) {
		n, err := alteredColumns(s, new)
		if err != nil {
			return nil, nil, err
		}
		fresh, err := tx.alterIndexes(ctx, s, n)
		if err != nil || len(fresh) == 0 {
			return n, nil, err
		}
		t, err := dict.Open(db.sp, n, db.types())
		if err != nil {
			return nil, nil, err
		}
		return n, newIndexBuild(tx, t, fresh, o), nil
	}, func(tx *Tx, s, _ *dict.Stored) error {
		for i := range s.Def.Indexes {
			x := &s.Def.Indexes[i]
			if !slices.ContainsFunc(new.Indexes, func(y table.Index) bool { return y.ID == x.ID }) {
				if err := tx.giveUp(ctx, x); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// built runs a DDL that may build. plan makes the new definition of the committed one; a nil build: that is all. finish runs under
// the exclusive lock, before the new definition is published.
func (db *DB) built(ctx context.Context, d, new *table.Def, online bool, o table.Build,
	plan func(tx *Tx, s *dict.Stored) (*dict.Stored, build, error), finish func(tx *Tx, s, n *dict.Stored) error) (*table.Def, error) {
	err := db.ddl(ctx, func(tx *Tx) error {
		if err := tx.lockMeta(ctx, d.Schema, "", lock.Shared); err != nil {
			return err
		}
		pf := newProof(tx, d, o.ForeignKeys)
		defer pf.end()
		if err := pf.lockDDL(ctx, tx, d); err != nil {
			return err
		}
		if !slices.Equal(d.Names, new.Names) { // before all the work
			s, err := tx.committed(ctx, d.Schema, d.Name, d.Version)
			if err != nil {
				return err
			}
			if err := tx.claim(ctx, constraintsOf(s.Schema, s.Names), constraintsOf(s.Schema, new.Names)); err != nil {
				return err
			}
		}
		if err := pf.begin(ctx, &o); err != nil {
			return err
		}
		b := &building{tx: tx, o: o, proof: pf}
		defer b.end()
		var s, n *dict.Stored
		begin := func() (err error) {
			if s, err = tx.committed(ctx, d.Schema, d.Name, d.Version); err != nil {
				return err
			}
			n, b.to, err = plan(tx, s)
			return err
		}
		lockIt := func() error { return tx.lockMeta(ctx, d.Schema, d.Name, lock.Exclusive) }
		if !online {
			first := lock.Exclusive
			if o.Shared {
				first = lock.ReadOnly
			}
			if err := tx.lockMeta(ctx, d.Schema, d.Name, first); err != nil {
				return err
			}
			if err := begin(); err != nil {
				return err
			}
			if err := b.run(ctx, s); err != nil {
				return err
			}
			// A reader that wants to write now waits for us, and we for it: it loses, not all our work.
			tx.own.Weight.Add(ddlWeight)
			err := lockIt()
			tx.own.Weight.Add(-ddlWeight)
			if err != nil {
				return err
			}
		} else {
			if err := b.start(ctx, d, begin); err != nil {
				return err
			}
			if err := b.run(ctx, s); err != nil {
				return err
			}
			if err := b.rounds(ctx); err != nil {
				return err
			}
			if err := lockIt(); err != nil {
				return err
			}
			if _, err := b.round(wait.Brisk(ctx)); err != nil { // its table's statements wait for it
				return err
			}
		}
		ctx := wait.Brisk(ctx) // the tables' statements wait from here on
		b.tell(table.StageEnd, 1, 1)
		if pf != nil {
			if err := pf.lock(ctx); err != nil {
				return err
			}
		}
		if err := tx.fresh(ctx); err != nil {
			return err
		}
		if pf != nil {
			if err := pf.verify(ctx, s, n); err != nil {
				return err
			}
		}
		if o.Within != nil {
			if err := o.Within(ctx); err != nil {
				return err
			}
		}
		if err := finish(tx, s, n); err != nil {
			return err
		}
		return tx.publish(ctx, s, n)
	})
	if err != nil {
		return nil, err
	}
	return db.Definition(ctx, d.Schema, d.Name)
}

// ddlWeight makes the other the victim of a deadlock with a build.
const ddlWeight = 1 << 30

// building is a build under way.
type building struct {
	tx      *Tx
	o       table.Build
	to      build
	table   *dict.Table
	id      uint64        // of the table
	touched *dict.Touched // nil: the table is locked throughout
	proof   *proof        // of new foreign keys, nil: there are none
	rows    *images       // the snapshot whose rows the trees hold
}

func (b *building) tell(stage string, done, total uint64) {
	if b.o.Progress != nil {
		b.o.Progress(table.BuildProgress{Stage: stage, Done: done, Total: max(done, total)})
	}
}

// start locks the table for as long as it takes to make the transactions that come tell what they change.
func (b *building) start(ctx context.Context, d *table.Def, begin func() error) error {
	db := b.tx.db
	gate := db.begin(b.tx.o)
	defer gate.Rollback(ctx)
	if err := gate.lockMeta(ctx, d.Schema, d.Name, lock.Exclusive); err != nil {
		return err
	}
	if err := begin(); err != nil || b.to == nil {
		return err
	}
	b.id, b.touched = d.ID, dict.NewTouched(logLimit(&b.o))
	b.touched.Also = b.proof.gathers()
	db.builds.Store(b.id, b.touched)
	db.cache.Forget(d.Schema, d.Name)
	// All that was committed on the table is durable: its locks were held until then. So the snapshot sees it.
	var err error
	b.rows, err = newImages(ctx, db)
	return err
}

// run opens the table and loads all of it.
func (b *building) run(ctx context.Context, s *dict.Stored) (err error) {
	if b.to == nil {
		return nil
	}
	if b.table, err = dict.Open(b.tx.db.sp, s, b.tx.db.types()); err != nil {
		return err
	}
	if b.rows == nil { // under the lock: the newest rows are the snapshot's
		if b.rows, err = newImages(ctx, b.tx.db); err != nil {
			return err
		}
	}
	b.rows.touched = b.touched
	return b.to.load(ctx, b.rows)
}

// A build goes over to the end when a round had few rows, or when rounds do not make them fewer.
const (
	lastRound = 500
	maxRounds = 20
)

// rounds follows the table until little is left to do.
func (b *building) rounds(ctx context.Context) error {
	for range maxRounds {
		n, err := b.round(ctx)
		if err != nil || n <= lastRound {
			return err
		}
	}
	return nil
}

// round brings the trees to a new snapshot and returns the number of rows that were touched.
func (b *building) round(ctx context.Context) (int, error) {
	if b.touched == nil {
		return 0, nil
	}
	now, err := newImages(ctx, b.tx.db)
	if err != nil {
		return 0, err
	}
	refs, err := b.touched.Take() // after the snapshot: what it sees was noted before
	if err == nil {
		b.tell(table.StageLog, 0, uint64(len(refs)))
		err = b.to.follow(ctx, refs, b.rows, now)
	}
	n := 0
	for ref := range refs {
		if err != nil {
			break
		}
		var hidden bool
		if hidden, err = now.hides(ctx, b.table, []byte(ref)); hidden { // changed by a transaction that the snapshot does not see: again
			b.touched.Note([]byte(ref))
		} else {
			n++
		}
	}
	b.rows.close()
	b.rows = now
	return n, err
}

// end gives up what the build holds, whether it came to its end or not.
func (b *building) end() {
	if b.rows != nil {
		b.rows.close()
	}
	if b.touched != nil {
		b.tx.db.builds.Delete(b.id)
		b.touched.End()
	}
}

// alteredColumns makes the new definition as far as columns go. They keep their ids (0: a new one).
func alteredColumns(s *dict.Stored, new *table.Def) (*dict.Stored, error) {
	n := clone(new)
	n.ID, n.NextColumn, n.Created = s.ID, s.NextColumn, s.Created
	for i := range n.Columns {
		c := &n.Columns[i]
		if c.ID == 0 {
			c.ID = n.NextColumn
			n.NextColumn++
			continue
		}
		j := slices.IndexFunc(s.Columns, func(o table.Column) bool { return o.ID == c.ID })
		if j < 0 || s.Columns[j].Class != c.Class || s.Columns[j].Virtual != c.Virtual {
			return nil, fmt.Errorf("alter table %s.%s: column %s needs a rebuild", s.Schema, s.Name, c.Name)
		}
		c.Instant = s.Columns[j].Instant
	}
	if n.NextColumn > row.MaxColumns {
		return nil, fmt.Errorf("alter table %s.%s: too many columns came and went, rebuild it: %w", s.Schema, s.Name, table.ErrTooBig)
	}
	return n, nil
}

// alterIndexes checks the indexes of n that s has too, and makes trees for the others, whose positions it returns.
func (tx *Tx) alterIndexes(ctx context.Context, s, n *dict.Stored) (fresh []int, err error) {
	for i := range n.Def.Indexes {
		x := &n.Def.Indexes[i]
		if x.ID == 0 {
			if i == 0 {
				return nil, fmt.Errorf("alter table %s.%s: another clustered index needs a rebuild", s.Schema, s.Name)
			}
			fresh = append(fresh, i)
			continue
		}
		j := slices.IndexFunc(s.Def.Indexes, func(o table.Index) bool { return o.ID == x.ID })
		if j < 0 || (i == 0) != (j == 0) || !sameParts(s, &s.Def.Indexes[j], n, x) {
			return nil, fmt.Errorf("alter table %s.%s: index %s needs a rebuild", s.Schema, s.Name, x.Name)
		}
		x.Root, x.Hidden = s.Def.Indexes[j].Root, s.Def.Indexes[j].Hidden
	}
	for _, i := range fresh {
		x := &n.Def.Indexes[i]
		if err := checkIndex(n, x); err != nil {
			return nil, err
		}
		if x.ID, x.Root, err = tx.makeTree(ctx); err != nil {
			return nil, err
		}
		tx.bornNow(x.ID)
	}
	return fresh, nil
}

func sameParts(s *dict.Stored, o *table.Index, n *dict.Stored, x *table.Index) bool {
	if x.Unique != o.Unique || x.Kind != o.Kind || len(x.Parts) != len(o.Parts) {
		return false
	}
	for p := range x.Parts {
		a, b := x.Parts[p], o.Parts[p]
		if o.Hidden {
			continue
		}
		if a.Column < 0 || a.Column >= len(n.Columns) || n.Columns[a.Column].ID != s.Columns[b.Column].ID || a.Prefix != b.Prefix || a.Desc != b.Desc ||
			n.Columns[a.Column].Collation != s.Columns[b.Column].Collation {
			return false
		}
	}
	return true
}
