package engine

import (
	"cmp"
	"slices"

	"github.com/zoryadb/zorya/engine/dict"
	"github.com/zoryadb/zorya/engine/table"
)

// uses is what a statement has done with one table, until it ends.
type uses struct {
	fetched                    [usesInline]uint32 // rows, by index
	inserted, updated, deleted uint32
}

// usesInline is how many indexes of a table a statement counts for itself; what goes through others counts at once.
const usesInline = 8

// fetched counts rows that came through an index.
func (h *Handle) fetched(index int, rows uint64) {
	h.s.ops.read += rows
	if index < usesInline && rows < 1<<20 {
		if h.uses.fetched[index] += uint32(rows); h.uses.fetched[index] < 1<<30 {
			return
		}
		h.used()
		return
	}
	h.t.Use(index).Fetched.Add(rows)
}

// used hands the table what the statement has counted.
func (h *Handle) used() {
	u := &h.uses
	for i, n := range u.fetched {
		if n != 0 {
			h.t.Use(i).Fetched.Add(uint64(n))
		}
	}
	if u.inserted|u.updated|u.deleted != 0 {
		c := h.t.Use(0)
		c.Inserted.Add(uint64(u.inserted))
		c.Updated.Add(uint64(u.updated))
		c.Deleted.Add(uint64(u.deleted))
	}
	*u = uses{}
}

// TableUses implements table.UseCounter: of the tables that are open. One that DDL changed, or that had to give way to others, begins anew.
func (db *DB) TableUses() []table.TableUse {
	var out []table.TableUse
	for _, t := range db.cache.Tables() {
		if u := usesOf(t); u.Indexes != nil {
			out = append(out, u)
		}
	}
	slices.SortFunc(out, func(a, b table.TableUse) int {
		return cmp.Or(cmp.Compare(a.Schema, b.Schema), cmp.Compare(a.Name, b.Name))
	})
	return out
}

func usesOf(t *dict.Table) table.TableUse {
	out := table.TableUse{Schema: t.Schema, Name: t.Name}
	all := t.Uses()
	for i := range all {
		name := t.Def.Indexes[i].Name
		if t.Def.Indexes[i].Hidden {
			name = ""
		}
		u := &all[i]
		out.Indexes = append(out.Indexes, table.IndexUse{Name: name, Fetch: u.Fetched.Load(), Insert: u.Inserted.Load(), Update: u.Updated.Load(), Delete: u.Deleted.Load()})
	}
	return out
}
