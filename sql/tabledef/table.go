// Package tabledef owns what SQL knows of a table's definition beyond what the engine needs: the types, defaults and marks of its columns, its
// keys' comments, checks, foreign keys, options and partitions, the JSON in which the dictionary keeps them, and the text of SHOW CREATE TABLE.
// Nothing in it knows a session or opens a table.
package tabledef

import (
	"fmt"
	"sync/atomic"

	"github.com/dolthub/go-mysql-server/sql"

	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/datum"
)

// Table is SQL's view of one version of a table definition. It is immutable and shared by sessions; Schema hands out copies, because
// the analyzer writes into columns.
type Table struct {
	Def          *table.Def
	Schema       sql.Schema
	PK           []int // positions of the primary key's columns
	Codecs       []datum.Codec
	Attrs        Attrs
	Columns      []Column
	Indexes      []Index
	Partitioning *atomic.Value // what a statement has compiled of Attrs.PartSQL, for the next ones
	Virtual      bool          // has a virtual column
}

// New reads a definition. An error names what of it is damaged.
func New(ctx *sql.Context, d *table.Def) (*Table, error) {
	m := &Table{Def: d, Partitioning: new(atomic.Value), Schema: make(sql.Schema, len(d.Columns)), Codecs: make([]datum.Codec, len(d.Columns)),
		Columns: make([]Column, len(d.Columns)), Indexes: make([]Index, len(d.Indexes))}
	if err := Decode(d.Attrs, &m.Attrs); err != nil {
		return nil, fmt.Errorf("table %s.%s: %w", d.Schema, d.Name, err)
	}
	for i := range d.Indexes {
		if err := Decode(d.Indexes[i].Attrs, &m.Indexes[i]); err != nil {
			return nil, fmt.Errorf("index %s of %s.%s: %w", d.Indexes[i].Name, d.Schema, d.Name, err)
		}
	}
	inPK := map[int]bool{}
	if len(d.Indexes) > 0 && d.Indexes[0].Primary {
		for _, p := range d.Indexes[0].Parts {
			inPK[p.Column] = true
			m.PK = append(m.PK, p.Column)
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
		m.Schema[i] = c
		m.Virtual = m.Virtual || c.Virtual
	}
	return m, nil
}

func (m *Table) column(ctx *sql.Context, i int) (*sql.Column, error) {
	col := &m.Def.Columns[i]
	a := &m.Columns[i]
	if err := Decode(col.Attrs, a); err != nil {
		return nil, err
	}
	t, err := datum.ParseType(ctx, a.Type)
	if err != nil {
		return nil, err
	}
	if m.Codecs[i], err = datum.For(t); err != nil {
		return nil, err
	}
	c := &sql.Column{Name: col.Name, Type: t, Source: m.Def.Name, DatabaseSource: m.Def.Schema, Nullable: col.Nullable,
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

// SchemaCopy is the schema as a statement may write into it.
func (m *Table) SchemaCopy() sql.Schema {
	s := make(sql.Schema, len(m.Schema))
	cols := make([]sql.Column, len(m.Schema))
	for i, c := range m.Schema {
		cols[i] = *c
		s[i] = &cols[i]
	}
	return s
}
