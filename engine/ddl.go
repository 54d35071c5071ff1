package engine

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sort"
	"time"

	"github.com/zoryadb/zorya/engine/btree"
	"github.com/zoryadb/zorya/engine/dict"
	"github.com/zoryadb/zorya/engine/lock"
	"github.com/zoryadb/zorya/engine/mtr"
	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/engine/undo"
	"github.com/zoryadb/zorya/storage/page"
)

// lockTable locks a table's name for a change and the schema against being dropped.
func (tx *Tx) lockTable(ctx context.Context, schema, name string) error {
	if err := tx.lockMeta(ctx, schema, "", lock.Shared); err != nil {
		return err
	}
	return tx.lockExclusive(ctx, schema, name)
}

// lockExclusive locks a table against other DDL, then against everybody.
func (tx *Tx) lockExclusive(ctx context.Context, schema, name string) error {
	if err := tx.lockDDL(ctx, schema, name); err != nil {
		return err
	}
	return tx.lockMeta(ctx, schema, name, lock.Exclusive)
}

// lockDDL locks a table against other DDL alone: an online build holds it throughout.
func (tx *Tx) lockDDL(ctx context.Context, schema, name string) error {
	return tx.lockName(ctx, "\x02"+dict.Name(schema, name), lock.Exclusive)
}

// makeTree creates an empty tree; its undo record is in the same MTR, so a crash or a rollback drops it.
func (tx *Tx) makeTree(ctx context.Context) (id uint64, root page.No, err error) {
	if err := tx.begun(ctx); err != nil {
		return 0, 0, err
	}
	if id, err = tx.db.ids.take(ctx); err != nil {
		return 0, 0, err
	}
	if !tx.log.Room(64, 1) {
		if err := tx.log.Extend(ctx); err != nil {
			return 0, 0, err
		}
	}
	m, err := mtr.Start(ctx, tx.db.pool, btree.CreateRecords+1, btree.CreateBytes+256)
	if err != nil {
		return 0, 0, err
	}
	if err := tx.log.Latch(m); err != nil {
		m.Abandon()
		return 0, 0, err
	}
	if root, err = btree.Create(m, tx.db.sp, id); err != nil {
		m.Abandon()
		return 0, 0, err
	}
	if err := tx.log.AddTo(m, tx.ID(), &undo.Record{Type: undo.TreeNew, Tree: id, Root: uint64(root)}); err != nil {
		m.Abandon()
		return 0, 0, err
	}
	m.Commit(nil)
	return id, root, nil
}

// giveUp notes that a tree is to be dropped when nobody can see its table any more.
func (tx *Tx) giveUp(ctx context.Context, ix *table.Index) error {
	return tx.note(ctx, &undo.Record{Type: undo.TreeOld, Tree: ix.ID, Root: uint64(ix.Root)})
}

// store writes a definition and its name.
func (tx *Tx) store(ctx context.Context, s *dict.Stored) error {
	b, err := s.Encode()
	if err != nil {
		return err
	}
	if err := tx.sysPutBody(ctx, dict.DefPrefix(s.ID), b); err != nil {
		return err
	}
	if err := tx.sysPut(ctx, dict.NameKey(s.Schema, s.Name), binary.LittleEndian.AppendUint64(nil, s.ID)); err != nil {
		return err
	}
	tx.forget(s.Schema, s.Name)
	return nil
}

func (tx *Tx) forget(schema, name string) {
	db := tx.db
	tx.effects = append(tx.effects, func() { db.cache.Forget(schema, name) })
}

// bornNow records, once the DDL is committed, that the ids are not known to older snapshots.
func (tx *Tx) bornNow(ids ...uint64) {
	db := tx.db
	tx.effects = append(tx.effects, func() {
		db.born.mu.Lock()
		defer db.born.mu.Unlock()
		if len(db.born.m) > db.born.limit { // behind an old snapshot most stay: not looked at again before there are twice as many
			oldest := db.txns.Oldest()
			for id, lsn := range db.born.m {
				if lsn <= oldest {
					delete(db.born.m, id)
				}
			}
			db.born.limit = max(bornLimit, 2*len(db.born.m))
		}
		for _, id := range ids {
			db.born.m[id] = tx.lsn
		}
	})
}

// bornLimit is how many births are remembered before those that every snapshot knows are forgotten.
const bornLimit = 10000

// refer writes the dictionary's back references for the parents of a table, and tells the parents' cached definitions.
func (tx *Tx) refer(ctx context.Context, s *dict.Stored, old []string) error {
	self := s.Schema + "." + s.Name
	for _, p := range s.ReferTo {
		if !slices.Contains(old, p) {
			if err := tx.sysPut(ctx, dict.ReferKey(p, self), nil); err != nil {
				return err
			}
		}
	}
	for _, p := range old {
		if !slices.Contains(s.ReferTo, p) {
			if err := tx.sysDelete(ctx, dict.ReferKey(p, self)); err != nil {
				return err
			}
		}
	}
	for _, p := range append(slices.Clone(s.ReferTo), old...) {
		if schema, name, ok := cutName(p); ok && p != self {
			if err := tx.touch(ctx, schema, name); err != nil {
				return err
			}
		}
	}
	return nil
}

func cutName(s string) (schema, name string, ok bool) {
	for i := range len(s) {
		if s[i] == '.' {
			return s[:i], s[i+1:], true
		}
	}
	return "", "", false
}

// touch raises the version of a table whose foreign key relations changed.
func (tx *Tx) touch(ctx context.Context, schema, name string) error {
	if err := tx.lockExclusive(ctx, schema, name); err != nil {
		return err
	}
	if err := tx.fresh(ctx); err != nil {
		return err
	}
	p, err := tx.load(ctx, schema, name)
	if errors.Is(err, table.ErrNoTable) || errors.Is(err, table.ErrNoSchema) {
		return nil
	}
	if err != nil {
		return err
	}
	p.Version++
	return tx.store(ctx, p)
}

// assign gives a new definition its ids: columns that have none, table, trees.
func (tx *Tx) assign(ctx context.Context, s *dict.Stored) error {
	var err error
	if s.ID, err = tx.db.ids.take(ctx); err != nil {
		return err
	}
	if len(s.Def.Indexes) == 0 {
		s.Def.Indexes = []table.Index{{Name: "GEN_CLUST_INDEX", Hidden: true, Unique: true}}
	}
	for i := range s.Def.Indexes {
		if err := checkIndex(s, &s.Def.Indexes[i]); err != nil {
			return err
		}
		if s.Def.Indexes[i].ID, s.Def.Indexes[i].Root, err = tx.makeTree(ctx); err != nil {
			return err
		}
	}
	ids := []uint64{s.ID}
	for _, ix := range s.Def.Indexes {
		ids = append(ids, ix.ID)
	}
	tx.bornNow(ids...)
	return nil
}

func checkIndex(s *dict.Stored, ix *table.Index) error {
	if len(ix.Parts) == 0 && !ix.Hidden {
		return fmt.Errorf("index %s of %s.%s has no parts", ix.Name, s.Schema, s.Name)
	}
	for _, p := range ix.Parts {
		if !ix.Hidden && (p.Column < 0 || p.Column >= len(s.Columns)) {
			return fmt.Errorf("index %s of %s.%s: column %d of %d", ix.Name, s.Schema, s.Name, p.Column, len(s.Columns))
		}
	}
	return nil
}

func clone(d *table.Def) *dict.Stored {
	s := &dict.Stored{Def: *d}
	s.Columns = slices.Clone(d.Columns)
	s.Def.Indexes = slices.Clone(d.Indexes)
	s.ReferTo = slices.Clone(d.ReferTo)
	s.ReferBy = nil
	for i := range s.Columns {
		if in := s.Columns[i].Instant; in != nil {
			v := *in
			s.Columns[i].Instant = &v
		}
	}
	return s
}

// number gives ids to all columns of a table whose rows are all to be written anew.
func number(s *dict.Stored) error {
	if len(s.Columns) == 0 || len(s.Columns) > row.MaxColumns/4 {
		return fmt.Errorf("table %s.%s of %d columns", s.Schema, s.Name, len(s.Columns))
	}
	for i := range s.Columns {
		s.Columns[i].ID, s.Columns[i].Instant = uint32(i+1), nil
	}
	s.NextColumn = uint32(len(s.Columns) + 1)
	return nil
}

// CreateTable adds a table.
func (db *DB) CreateTable(ctx context.Context, d *table.Def) (*table.Def, error) {
	if err := checkNames(d.Schema, d.Name); err != nil {
		return nil, err
	}
	s := clone(d)
	err := db.ddl(ctx, func(tx *Tx) error {
		if err := tx.lockTable(ctx, d.Schema, d.Name); err != nil {
			return err
		}
		if err := tx.fresh(ctx); err != nil {
			return err
		}
		switch _, err := tx.load(ctx, d.Schema, d.Name); {
		case err == nil:
			return fmt.Errorf("%w: %s.%s", table.ErrTableExists, d.Schema, d.Name)
		case !errors.Is(err, table.ErrNoTable):
			return err
		}
		if err := number(s); err != nil {
			return err
		}
		if err := tx.claim(ctx, nil, constraintsOf(s.Schema, s.Names)); err != nil {
			return err
		}
		if err := tx.assign(ctx, s); err != nil {
			return err
		}
		s.Version = max(1, d.Version)
		if s.Created.IsZero() {
			s.Created = time.Now().UTC()
		}
		if err := tx.store(ctx, s); err != nil {
			return err
		}
		if err := tx.rewriteNames(ctx, nil, s); err != nil {
			return err
		}
		return tx.refer(ctx, s, nil)
	})
	if err != nil {
		return nil, err
	}
	return db.Definition(ctx, d.Schema, d.Name)
}

// DropTable removes a table. Its trees go when no snapshot can see it any more.
func (db *DB) DropTable(ctx context.Context, schema, name string) error {
	return db.ddl(ctx, func(tx *Tx) error {
		if err := tx.lockMeta(ctx, schema, "", lock.Shared); err != nil {
			return err
		}
		return tx.dropTable(ctx, schema, name)
	})
}

func (tx *Tx) dropTable(ctx context.Context, schema, name string) error {
	if err := tx.lockExclusive(ctx, schema, name); err != nil {
		return err
	}
	if err := tx.fresh(ctx); err != nil {
		return err
	}
	s, err := tx.load(ctx, schema, name)
	if err != nil {
		return err
	}
	if err := tx.remove(ctx, s); err != nil {
		return err
	}
	if err := tx.sysDelete(ctx, dict.NameKey(schema, name)); err != nil {
		return err
	}
	if err := tx.rewriteNames(ctx, s, nil); err != nil {
		return err
	}
	old := s.ReferTo
	s.ReferTo = nil
	return tx.refer(ctx, s, old)
}

// remove takes a definition out and gives up its trees; the name stays.
func (tx *Tx) remove(ctx context.Context, s *dict.Stored) error {
	for i := range s.Def.Indexes {
		if err := tx.giveUp(ctx, &s.Def.Indexes[i]); err != nil {
			return err
		}
	}
	if err := tx.sysPutBody(ctx, dict.DefPrefix(s.ID), nil); err != nil {
		return err
	}
	if err := tx.dropAttached(ctx, s.ID); err != nil {
		return err
	}
	tx.forget(s.Schema, s.Name)
	db, id := tx.db, s.ID
	tx.effects = append(tx.effects, func() { db.dropCounter(id) })
	return nil
}

// change runs a DDL on one table: fn gets the committed definition, under the exclusive lock, and returns the new one.
func (db *DB) change(ctx context.Context, schema, name string, version uint64, fn func(tx *Tx, s *dict.Stored) (*dict.Stored, error)) (*table.Def, error) {
	err := db.ddl(ctx, func(tx *Tx) error {
		if err := tx.lockTable(ctx, schema, name); err != nil {
			return err
		}
		s, err := tx.committed(ctx, schema, name, version)
		if err != nil {
			return err
		}
		n, err := fn(tx, s)
		if err != nil {
			return err
		}
		return tx.publish(ctx, s, n)
	})
	if err != nil {
		return nil, err
	}
	return db.Definition(ctx, schema, name)
}

// committed reads a table's definition as it is now. version, if not 0, is the one that the caller knows.
func (tx *Tx) committed(ctx context.Context, schema, name string, version uint64) (*dict.Stored, error) {
	if err := tx.fresh(ctx); err != nil {
		return nil, err
	}
	s, err := tx.load(ctx, schema, name)
	if err == nil && version != 0 && s.Version != version {
		err = fmt.Errorf("%w: %s.%s has version %d, not %d", table.ErrDefChanged, schema, name, s.Version, version)
	}
	return s, err
}

// publish writes definition n in the place of s, under the exclusive lock.
func (tx *Tx) publish(ctx context.Context, s, n *dict.Stored) error {
	old := s.ReferTo
	n.Schema, n.Name, n.Version = s.Schema, s.Name, s.Version+1
	if err := tx.store(ctx, n); err != nil {
		return err
	}
	if err := tx.rewriteNames(ctx, s, n); err != nil {
		return err
	}
	if !slices.Equal(old, n.ReferTo) {
		return tx.refer(ctx, n, old)
	}
	return nil
}

// TruncateTable empties a table: it gets new trees, and its counter starts anew.
func (db *DB) TruncateTable(ctx context.Context, schema, name string) error {
	_, err := db.change(ctx, schema, name, 0, func(tx *Tx, s *dict.Stored) (*dict.Stored, error) {
		n := *s
		n.Def.Indexes = slices.Clone(s.Def.Indexes)
		if err := tx.assign(ctx, &n); err != nil {
			return nil, err
		}
		if err := tx.keepHistograms(ctx, s.ID, n.ID); err != nil {
			return nil, err
		}
		if err := tx.remove(ctx, s); err != nil {
			return nil, err
		}
		return &n, nil
	})
	return err
}

// RenameTables renames tables, all or none. A name may be both given up and taken in one call.
func (db *DB) RenameTables(ctx context.Context, pairs [][2][2]string, renamed func(d *table.Def, from, to [2]string) error) error {
	if renamed == nil {
		renamed = func(*table.Def, [2]string, [2]string) error { return nil }
	}
	return db.ddl(ctx, func(tx *Tx) error {
		var names [][2]string
		for _, p := range pairs {
			if err := checkNames(p[1][0], p[1][1]); err != nil {
				return err
			}
			names = append(names, p[0], p[1])
		}
		sort.Slice(names, func(i, j int) bool {
			return names[i][0] < names[j][0] || names[i][0] == names[j][0] && names[i][1] < names[j][1]
		})
		for _, n := range slices.Compact(names) {
			if err := tx.lockTable(ctx, n[0], n[1]); err != nil {
				return err
			}
		}
		if err := tx.fresh(ctx); err != nil {
			return err
		}
		for _, p := range pairs {
			if err := tx.rename(ctx, p[0], p[1], renamed); err != nil {
				return err
			}
		}
		return nil
	})
}

func (tx *Tx) rename(ctx context.Context, from, to [2]string, renamed func(d *table.Def, from, to [2]string) error) error {
	s, err := tx.load(ctx, from[0], from[1])
	if err != nil {
		return err
	}
	if b, err := tx.sysGet(ctx, dict.SchemaKey(to[0])); err != nil || b == nil {
		return firstErr(err, fmt.Errorf("%w: %s", table.ErrNoSchema, to[0]))
	}
	if b, err := tx.sysGet(ctx, dict.NameKey(to[0], to[1])); err != nil || b != nil {
		return firstErr(err, fmt.Errorf("%w: %s.%s", table.ErrTableExists, to[0], to[1]))
	}
	if err := tx.sysDelete(ctx, dict.NameKey(from[0], from[1])); err != nil {
		return err
	}
	tx.forget(from[0], from[1])
	oldName, newName := from[0]+"."+from[1], to[0]+"."+to[1]
	children := s.ReferBy
	for _, p := range s.ReferTo {
		if err := tx.sysDelete(ctx, dict.ReferKey(p, oldName)); err != nil {
			return err
		}
	}
	for i, p := range s.ReferTo {
		if p == oldName {
			s.ReferTo[i] = newName
		}
	}
	old := *s
	s.Schema, s.Name = to[0], to[1]
	s.Version++
	if err := renamed(&s.Def, from, to); err != nil {
		return err
	}
	if err := tx.store(ctx, s); err != nil {
		return err
	}
	if err := tx.rewriteNames(ctx, &old, s); err != nil {
		return err
	}
	if err := tx.refer(ctx, s, nil); err != nil {
		return err
	}
	for _, child := range children {
		schema, name, ok := cutName(child)
		if !ok || child == oldName {
			continue
		}
		if err := tx.lockExclusive(ctx, schema, name); err != nil {
			return err
		}
		if err := tx.sysDelete(ctx, dict.ReferKey(oldName, child)); err != nil {
			return err
		}
		c, err := tx.load(ctx, schema, name)
		if err != nil {
			return err
		}
		for i, p := range c.ReferTo {
			if p == oldName {
				c.ReferTo[i] = newName
			}
		}
		c.Version++
		if err := renamed(&c.Def, from, to); err != nil {
			return err
		}
		if err := tx.store(ctx, c); err != nil {
			return err
		}
		if err := tx.sysPut(ctx, dict.ReferKey(newName, child), nil); err != nil {
			return err
		}
	}
	return nil
}
