package general

import (
	"strings"

	"github.com/dolthub/go-mysql-server/sql"

	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/grammar"
	"github.com/zoryadb/zorya/sql/tabledef"
)

// The partitions of tables, as information_schema lists them.

// partitionsTable is information_schema.PARTITIONS.
func partitionsTable(e *Engine) *ownTable {
	return &ownTable{name: "PARTITIONS", schema: infoColumns("PARTITIONS", "TABLE_CATALOG", "TABLE_SCHEMA", "TABLE_NAME", "PARTITION_NAME", "SUBPARTITION_NAME",
		"#PARTITION_ORDINAL_POSITION", "#SUBPARTITION_ORDINAL_POSITION", "PARTITION_METHOD", "SUBPARTITION_METHOD", "PARTITION_EXPRESSION",
		"SUBPARTITION_EXPRESSION", "PARTITION_DESCRIPTION", "#TABLE_ROWS", "#AVG_ROW_LENGTH", "#DATA_LENGTH", "#MAX_DATA_LENGTH", "#INDEX_LENGTH", "#DATA_FREE",
		"@CREATE_TIME", "@UPDATE_TIME", "@CHECK_TIME", "#CHECKSUM", "PARTITION_COMMENT", "NODEGROUP", "TABLESPACE_NAME"),
		rows: func(ctx *sql.Context) ([]sql.Row, error) { return e.partitionRows(ctx) }}
}

func (e *Engine) partitionRows(ctx *sql.Context) ([]sql.Row, error) {
	var out []sql.Row
	for _, db := range e.gms.Analyzer.Catalog.AllDatabases(ctx) {
		if grammar.SystemSchema(db.Name()) {
			continue
		}
		names, err := db.GetTableNames(ctx)
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			d, err := e.catalog.Definition(ctx, db.Name(), name)
			if err != nil {
				if skipMissing(err) == nil {
					continue
				}
				return nil, err
			}
			out = append(out, e.partitionsOf(ctx, d)...)
		}
	}
	return out, nil
}

// partitionSize is how many rows a partition has, their average length, and the bytes of rows and of indexes: estimates.
func (e *Engine) partitionSize(ctx *sql.Context, d *table.Def, r tabledef.Partition) (rows, average, data, index any) {
	none := uint64(0)
	s := sessionOf(ctx)
	if s == nil || s.cur == nil || s.cur.stmt == nil {
		return none, none, none, none
	}
	z, err := s.cur.sizes(ctx, d.Schema, treeName(d.Name, r.Tree))
	if err != nil {
		return none, none, none, none
	}
	return z.rows, z.average(), z.data, z.index
}

func (e *Engine) partitionsOf(ctx *sql.Context, d *table.Def) []sql.Row {
	row := func() sql.Row {
		return sql.Row{"def", d.Schema, d.Name, nil, nil, nil, nil, nil, nil, nil, nil, nil, uint64(0), uint64(0), uint64(0), uint64(0), uint64(0), uint64(0),
			d.Created.UTC().Truncate(1e9), nil, nil, nil, "", nil, nil}
	}
	m, err := e.metas.Get(ctx, d)
	if err != nil || m.Attrs.PartSQL == "" {
		return []sql.Row{row()}
	}
	p := grammar.ParsePartitioning(m.Attrs.PartSQL)
	if p == nil {
		return []sql.Row{row()}
	}
	var out []sql.Row
	for i, part := range p.Names() {
		r := row()
		if i < len(m.Attrs.Parts) {
			r[12], r[13], r[14], r[16] = e.partitionSize(ctx, d, m.Attrs.Parts[i])
		}
		r[3], r[5], r[7], r[9], r[22] = part.Name, uint64(i+1), strings.ReplaceAll(p.Method, "  ", " "), p.ShownExpr(), part.Comment
		if v := strings.TrimPrefix(strings.TrimPrefix(part.Values, "LESS THAN "), "IN "); v != "" {
			r[11] = strings.TrimSuffix(strings.TrimPrefix(v, "("), ")")
		}
		out = append(out, r)
	}
	return out
}
