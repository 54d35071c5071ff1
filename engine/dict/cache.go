package dict

import (
	"container/list"
	"sync"
)

// Cache holds opened tables by name and by id, at most max of them; the least recently opened leave first.
type Cache struct {
	mu     sync.Mutex
	max    int
	names  map[string]*list.Element
	ids    map[uint64]*list.Element
	recent list.List // of *Table, most recent first
}

// NewCache returns an empty cache.
func NewCache(max int) *Cache {
	return &Cache{max: max, names: map[string]*list.Element{}, ids: map[uint64]*list.Element{}}
}

// Name is a table's name in the cache and in the lock table.
func Name(schema, name string) string { return schema + "\x00" + name }

// Get finds a table by its Name.
func (c *Cache) Get(name []byte) *Table {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.names[string(name)]
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

// Put enters a table. The caller holds its metadata lock, so nobody changes it meanwhile.
func (c *Cache) Put(t *Table) {
	c.mu.Lock()
	defer c.mu.Unlock()
	name := Name(t.Schema, t.Name)
	c.forget(name)
	e := c.recent.PushFront(t)
	c.names[name], c.ids[t.ID] = e, e
	for c.recent.Len() > c.max {
		old := c.recent.Back().Value.(*Table)
		c.forget(Name(old.Schema, old.Name))
	}
}

// Forget drops a table.
func (c *Cache) Forget(schema, name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.forget(Name(schema, name))
}

func (c *Cache) forget(name string) {
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

// Len is the number of tables in the cache.
func (c *Cache) Len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.recent.Len()
}
