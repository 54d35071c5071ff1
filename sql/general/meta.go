package general

import (
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/dolthub/go-mysql-server/sql"

	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/datum"
)

// meta is GMS's view of one version of a table definition. It is immutable and shared by sessions; Schema hands out copies, because
// the analyzer writes into columns.
type meta struct {
	def     *table.Def
	schema  sql.Schema
	pk      []int // positions of the primary key's columns
	codecs  []datum.Codec
	attrs   tableAttrs
	columns []columnAttrs
	indexes []indexAttrs
	part    *atomic.Pointer[partFunc]
	virtual bool // has a virtual column
	stored  int  // number of columns the user sees: hidden ones of functional indexes are marked in the schema
}

// metaCache keeps built metas. It holds what is in use and forgets at random beyond that, so that half a million
// tables cost nothing.
type metaCache struct {
	mu sync.RWMutex
	m  map[metaKey]*meta
}

type metaKey struct{ id, version uint64 }

const metaCacheSize = 4096

func (c *metaCache) get(ctx *sql.Context, d *table.Def) (*meta, error) {
	k := metaKey{d.ID, d.Version}
	c.mu.RLock()
	m := c.m[k]
	c.mu.RUnlock()
	if m != nil && m.def.Schema == d.Schema && m.def.Name == d.Name {
		if m.def != d { // same version, but e.g. a trigger or a referring table came
			n := *m
			n.def = d
			m = &n
		}
		return m, nil
	}
	m, err := newMeta(ctx, d)
	if err != nil {
		return nil, err
	}
	if d.ID == 0 {
		return m, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.m == nil {
		c.m = map[metaKey]*meta{}
	}
	for old := range c.m {
		if len(c.m) < metaCacheSize {
			break
		}
		delete(c.m, old)
	}
	c.m[k] = m
	return m, nil
}

func newMeta(ctx *sql.Context, d *table.Def) (*meta, error) {
	m := &meta{def: d, part: new(atomic.Pointer[partFunc]), schema: make(sql.Schema, len(d.Columns)), codecs: make([]datum.Codec, len(d.Columns)),
		columns: make([]columnAttrs, len(d.Columns)), indexes: make([]indexAttrs, len(d.Indexes)), stored: len(d.Columns)}
	if err := fromJSON(d.Attrs, &m.attrs); err != nil {
		return nil, fmt.Errorf("table %s.%s: %w", d.Schema, d.Name, err)
	}
	for i := range d.Indexes {
		if err := fromJSON(d.Indexes[i].Attrs, &m.indexes[i]); err != nil {
			return nil, fmt.Errorf("index %s of %s.%s: %w", d.Indexes[i].Name, d.Schema, d.Name, err)
		}
	}
	inPK := map[int]bool{}
	if len(d.Indexes) > 0 && d.Indexes[0].Primary {
		for _, p := range d.Indexes[0].Parts {
			inPK[p.Column] = true
			m.pk = append(m.pk, p.Column)
		}
	}
	for i := range d.Columns {
		c, err := m.column(ctx, i)
		if err != nil {
			return nil, fmt.Errorf("column %s of %s.%s: %w", d.Columns[i].Name, d.Schema, d.Name, err)
		}
		c.PrimaryKey = inPK[i]
		c.AutoIncrement = d.AutoInc == i
		if c.AutoIncrement {
			c.Extra = "auto_increment"
		}
		m.schema[i] = c
		m.virtual = m.virtual || c.Virtual
	}
	return m, nil
}

func (m *meta) column(ctx *sql.Context, i int) (*sql.Column, error) {
	col := &m.def.Columns[i]
	a := &m.columns[i]
	if err := fromJSON(col.Attrs, a); err != nil {
		return nil, err
	}
	t, err := datum.ParseType(ctx, a.Type)
	if err != nil {
		return nil, err
	}
	if m.codecs[i], err = datum.For(t); err != nil {
		return nil, err
	}
	c := &sql.Column{Name: col.Name, Type: t, Source: m.def.Name, DatabaseSource: m.def.Schema, Nullable: col.Nullable,
		Comment: a.Comment, Virtual: col.Virtual, HiddenSystem: sql.IsHiddenSystemColumn(col.Name)}
	if a.Default != "" {
		c.Default = sql.NewUnresolvedColumnDefaultValue(a.Default)
	}
	if a.Generated != "" {
		c.Generated = sql.NewUnresolvedColumnDefaultValue(a.Generated)
	}
	if a.OnUpdate != "" {
		c.OnUpdate = sql.NewUnresolvedColumnDefaultValue(a.OnUpdate)
	}
	return c, nil
}

// schemaCopy is the schema as a statement may write into it.
func (m *meta) schemaCopy() sql.Schema {
	s := make(sql.Schema, len(m.schema))
	cols := make([]sql.Column, len(m.schema))
	for i, c := range m.schema {
		cols[i] = *c
		s[i] = &cols[i]
	}
	return s
}

func collationExists(id uint16) bool {
	it := sql.NewCollationsIterator()
	for {
		c, ok := it.Next()
		if !ok {
			return false
		}
		if uint16(c.ID) == id {
			return true
		}
	}
}
