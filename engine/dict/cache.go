package dict

import (
	"container/list"
	"sync"
)

// Cache holds opened tables by name and by id, at most max of them; the least recently opened leave first.
type Cache struct {
	mu     sync.Mutex
	max    int
	names  map[cacheKey]*list.Element
	ids    map[uint64]*list.Element
	recent list.List // of *Table, most recent first
	epoch  uint64    // grows with each Forget
	added  uint64    // tables that entered, ever
	// gone has the epoch of a name's last Forget, of those after floor: a definition that was read before may not enter. So DDL of one table
	// keeps no other out.
	gone  map[cacheKey]uint64
	floor uint64
}

// maxGone bounds Cache.gone.
const maxGone = 1 << 12

// NewCache returns an empty cache.
func NewCache(max int) *Cache {
	return &Cache{max: max, names: map[cacheKey]*list.Element{}, ids: map[uint64]*list.Element{}, gone: map[cacheKey]uint64{}}
}

type cacheKey struct{ schema, name string }

// Name is a table's name in the lock table.
func Name(schema, name string) string { return schema + "\x00" + name }

// Get finds a table.
func (c *Cache) Get(schema, name string) *Table {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.names[cacheKey{schema, name}]
	if e == nil {
		return nil
	}
	c.recent.MoveToFront(e)
	return e.Value.(*Table)
}

// ByID finds a table by its id.
func (c *Cache) ByID(id uint64) *Table {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.ids[id]
	if e == nil {
		return nil
	}
	c.recent.MoveToFront(e)
	return e.Value.(*Table)
}

// Epoch is to be asked before a definition is read, for Put.
func (c *Cache) Epoch() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.epoch
}

// Put enters a table that was read at epoch, unless its definition may have changed since.
func (c *Cache) Put(t *Table, epoch uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	name := cacheKey{t.Schema, t.Name}
	if epoch < c.floor || epoch < c.gone[name] {
		return
	}
	c.forget(name)
	c.added++
	e := c.recent.PushFront(t)
	c.names[name], c.ids[t.ID] = e, e
	for c.recent.Len() > c.max {
		old := c.recent.Back().Value.(*Table)
		c.forget(cacheKey{old.Schema, old.Name})
	}
}

// Forget drops a table.
func (c *Cache) Forget(schema, name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.epoch++
	if len(c.gone) >= maxGone {
		clear(c.gone)
		c.floor = c.epoch
	}
	c.gone[cacheKey{schema, name}] = c.epoch
	c.forget(cacheKey{schema, name})
}

func (c *Cache) forget(name cacheKey) {
	e := c.names[name]
	if e == nil {
		return
	}
	delete(c.names, name)
	if t := e.Value.(*Table); c.ids[t.ID] == e {
		delete(c.ids, t.ID)
	}
	c.recent.Remove(e)
}

// Added is how many tables have entered so far.
func (c *Cache) Added() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.added
}

// Len is the number of tables in the cache.
func (c *Cache) Len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.recent.Len()
}

// Tables returns the tables in the cache, most recently used first.
func (c *Cache) Tables() []*Table {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := make([]*Table, 0, c.recent.Len())
	for e := c.recent.Front(); e != nil; e = e.Next() {
		all = append(all, e.Value.(*Table))
	}
	return all
}
