package engine

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/zoryadb/zorya/base/wait"
	"github.com/zoryadb/zorya/engine/btree"
	"github.com/zoryadb/zorya/engine/dict"
	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/engine/undo"
)

// Indexes of an empty table can be put off until it is loaded (table.KeySwitch): they leave the definition's Indexes for its Later, their trees go,
// and whoever loads the rows pays nothing for entries in random order; then they are built from the rows, sorted. As long as they are away the
// table is one without them, to every reader, undo record and crash: nothing that is stored ever lacks entries that it should have.
//
// Who put them off brings them back. If it cannot, because its session or the instance has ended, whoever loads the definition next
// has it done behind the scenes (back).

// putOff are the tables whose indexes somebody has put off and will bring back, by id, and those that are being brought back.
type putOff struct {
	mu    sync.Mutex
	owned map[uint64]bool
	back  map[uint64]bool
	never bool // a view of the past changes nothing
}

func (p *putOff) own(id uint64, yes bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !yes {
		delete(p.owned, id)
		return
	}
	if p.owned == nil {
		p.owned = make(map[uint64]bool)
	}
	p.owned[id] = true
}

// begin reports whether nobody will bring the indexes back or does so already, and that the caller does now.
func (p *putOff) begin(id uint64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.never || p.owned[id] || p.back[id] {
		return false
	}
	if p.back == nil {
		p.back = make(map[uint64]bool)
	}
	p.back[id] = true
	return true
}

func (p *putOff) end(id uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.back, id)
}

// errKeysStay says that a table's indexes are not put off.
var errKeysStay = errors.New("indexes stay")

// DisableKeys implements table.KeySwitch.
func (db *DB) DisableKeys(ctx context.Context, schema, name string) (bool, error) {
	var id uint64
	_, err := db.change(ctx, schema, name, 0, func(tx *Tx, s *dict.Stored) (*dict.Stored, error) {
		n, gone, err := withoutKeys(s)
		if err != nil {
			return nil, err
		}
		t, err := dict.Open(db.sp, s, db.types())
		if err != nil {
			return nil, err
		}
		// Not even deleted rows: purge would look for their entries.
		c := t.Indexes[0].Tree.Scan(btree.ScanOptions{Batch: 1})
		defer c.Close()
		if c.Next(ctx) {
			return nil, errKeysStay
		}
		if c.Err() != nil {
			return nil, c.Err()
		}
		for i := range gone {
			if err := tx.note(ctx, &undo.Record{Type: undo.TreeOld, Tree: gone[i].ID, Root: uint64(gone[i].Root)}); err != nil {
				return nil, err
			}
		}
		id = s.ID
		db.putOff.own(id, true) // before anybody can load the definition
		return n, nil
	})
	if err != nil && id != 0 {
		db.putOff.own(id, false)
	}
	if errors.Is(err, errKeysStay) {
		return false, nil
	}
	return err == nil, err
}

// withoutKeys makes the definition of s without the indexes that can be put off: those that constrain nothing and are computed from stored columns.
func withoutKeys(s *dict.Stored) (n *dict.Stored, gone []table.Index, err error) {
	if len(s.Later) > 0 || len(s.ReferTo) > 0 || len(s.ReferBy) > 0 { // foreign keys need their indexes
		return nil, nil, errKeysStay
	}
	n = new(dict.Stored)
	*n = *s
	n.Def.Indexes, n.Later = nil, nil
	for i := range s.Def.Indexes {
		x := s.Def.Indexes[i]
		virtual := slices.ContainsFunc(x.Parts, func(p table.Part) bool { return !x.Hidden && s.Columns[p.Column].Virtual })
		if i == 0 || x.Unique || x.Kind != "" || virtual {
			n.Def.Indexes = append(n.Def.Indexes, x)
			continue
		}
		gone = append(gone, x)
		x.ID, x.Root = 0, 0
		n.Later = append(n.Later, table.LaterIndex{At: i, Index: x})
	}
	if len(gone) == 0 {
		return nil, nil, errKeysStay
	}
	return n, gone, nil
}

// EnableKeys implements table.KeySwitch.
func (db *DB) EnableKeys(ctx context.Context, schema, name string, o table.Build) error {
	for {
		d, err := db.Definition(ctx, schema, name)
		if err != nil || len(d.Later) == 0 {
			return err
		}
		n := *d
		n.Indexes, n.Later = slices.Clone(d.Indexes), nil
		for _, l := range d.Later { // At ascends: each finds those before it in place
			n.Indexes = slices.Insert(n.Indexes, min(l.At, len(n.Indexes)), l.Index)
		}
		_, err = db.alterTable(ctx, d, &n, o)
		if err == nil {
			db.putOff.own(d.ID, false)
			return nil
		}
		if !errors.Is(err, table.ErrDefChanged) { // somebody else was faster: look again
			return err
		}
	}
}

// AbandonKeys implements table.KeySwitch.
func (db *DB) AbandonKeys(schema, name string) {
	t := db.cache.Get(schema, name)
	if t == nil {
		db.putOff.mu.Lock()
		clear(db.putOff.owned) // whichever it was: the others' are brought back early
		db.putOff.mu.Unlock()
		return
	}
	db.putOff.own(t.ID, false)
	db.bringBack(&t.Def)
}

// bringBack has the indexes that d has put off built behind the scenes, if nobody else will.
func (db *DB) bringBack(d *table.Def) {
	if len(d.Later) == 0 || db.closed.Load() || !db.putOff.begin(d.ID) {
		return
	}
	id, schema, name := d.ID, d.Schema, d.Name
	db.wg.Go(func() {
		defer db.putOff.end(id)
		pace := wait.NewPace(background{db})
		ctx, err := pace.Begin(db.ctx)
		if err != nil {
			return
		}
		defer pace.End()
		if err := db.EnableKeys(ctx, schema, name, table.Build{Online: true}); err != nil && db.ctx.Err() == nil && !errors.Is(err, table.ErrNoTable) {
			db.log.Warn("indexes that were put off are not built", "table", schema+"."+name, "err", err)
		}
	})
}

// background owns work that no session waits for. Its neighbours are all statements that read or change rows.
type background struct{ db *DB }

func (background) BeginWait() {}
func (background) EndWait()   {}

// Others implements wait.Neighbour. What DDL itself reads and writes is not counted as rows.
func (b background) Others() (n uint64) {
	for i := range b.db.rowOps {
		r := &b.db.rowOps[i]
		n += r.inserted.Load() + r.updated.Load() + r.deleted.Load() + r.read.Load()
	}
	return n
}
