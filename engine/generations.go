package engine

import (
	"hash/maphash"
	"sync/atomic"
)

// generations count the changes of objects by kind and schema, in a fixed number of counters that some share: a change seen too many makes a cache
// read once more, and however many schemas there are costs nothing.
type generations struct {
	seed  maphash.Seed
	slots [1024]atomic.Uint64
}

func (g *generations) slot(kind, schema string) *atomic.Uint64 {
	h := maphash.String(g.seed, kind)
	if schema != "" {
		h += maphash.String(g.seed, schema)
	}
	return &g.slots[h%uint64(len(g.slots))]
}

// changed is called when a change of such an object is committed.
func (g *generations) changed(kind, schema string) {
	g.slot(kind, schema).Add(1)
	if schema != "" {
		g.slot(kind, "").Add(1)
	}
}

// Generation of the objects of a kind in a schema grows with each change of one; with schema "" that of the kind in all schemas.
func (db *DB) Generation(kind, schema string) uint64 { return db.gens.slot(kind, schema).Load() + 1 }
