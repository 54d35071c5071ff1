package tabledef

import (
	"sync"

	"github.com/dolthub/go-mysql-server/sql"

	"github.com/zoryadb/zorya/engine/table"
)

// Cache keeps what New has made. It holds what is in use and forgets at random beyond that, so that half a million
// tables cost nothing.
type Cache struct {
	mu sync.RWMutex
	m  map[cacheKey]*Table
}

type cacheKey struct{ id, version uint64 }

const cacheSize = 4096

// Get is the Table of a definition, from the cache where its version is there.
func (c *Cache) Get(ctx *sql.Context, d *table.Def) (*Table, error) {
	k := cacheKey{d.ID, d.Version}
	c.mu.RLock()
	m := c.m[k]
	c.mu.RUnlock()
	if m != nil && m.Def.Schema == d.Schema && m.Def.Name == d.Name {
		if m.Def != d { // same version, but e.g. a trigger or a referring table came
			n := *m
			n.Def = d
			m = &n
		}
		return m, nil
	}
	m, err := New(ctx, d)
	if err != nil {
		return nil, err
	}
	if d.ID == 0 {
		return m, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.m == nil {
		c.m = map[cacheKey]*Table{}
	}
	for old := range c.m {
		if len(c.m) < cacheSize {
			break
		}
		delete(c.m, old)
	}
	c.m[k] = m
	return m, nil
}
