package general

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/types"

	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/tabledef"
)

// storedStatistics are what ANALYZE TABLE found, attached to the table in the catalog: so the optimiser's plans are the same after a restart. Nothing of them is in
// memory before somebody asks for the table's, and tables that were never analysed have none.
type storedStatistics struct {
	Updated time.Time
	Rows    uint64
	Indexes []storedIndex // in the order of the definition
}

type storedIndex struct {
	Name     string
	Distinct []uint64 // by the number of leading parts
	Pages    uint64   `json:",omitempty"` // of the tree; 0 for a partitioned table's
	Leaves   uint64   `json:",omitempty"` // of these, an estimate
}

// statisticsName is the name of the one object that a table has of this kind.
const statisticsName = "all"

// innodbTableStats is information_schema.INNODB_TABLESTATS: of the tables whose statistics are in memory, as in InnoDB.
func innodbTableStats(e *Engine) *ownTable {
	return &ownTable{name: "INNODB_TABLESTATS", schema: infoColumns("INNODB_TABLESTATS", "#TABLE_ID", "NAME", "STATS_INITIALIZED", "#NUM_ROWS", "#CLUST_INDEX_SIZE", "#OTHER_INDEX_SIZE",
		"#MODIFIED_COUNTER", "#AUTOINC", "^REF_COUNT"), rows: func(c *sql.Context) (out []sql.Row, _ error) {
		s := sessionOf(c)
		if !s.Allowed("PROCESS") {
			return nil, mysqlerr.New(mysqlerr.ER_SPECIFIC_ACCESS_DENIED_ERROR, "PROCESS")
		}
		e.stats.mu.Lock()
		for id, st := range e.stats.m {
			var first, rest uint64
			for i, n := range st.Pages {
				if i == 0 {
					first = n
				} else {
					rest += n
				}
			}
			out = append(out, sql.Row{id, st.schema + "/" + st.name, "Initialized", st.Rows, first, rest, uint64(0), uint64(0), int64(0)})
		}
		e.stats.mu.Unlock()
		slices.SortFunc(out, func(a, b sql.Row) int { return cmp.Compare(a[0].(uint64), b[0].(uint64)) })
		return out, nil
	}}
}

// storeStatistics keeps a table's statistics; tables with STATS_PERSISTENT=0 and temporary ones have none.
func (e *Engine) storeStatistics(c *sql.Context, m *tabledef.Table, st table.Statistics) error {
	if !m.Persistent() || hidden(m.Def.Schema) {
		return nil
	}
	out := storedStatistics{Updated: time.Now().UTC(), Rows: st.Rows}
	for i, ix := range m.Def.Indexes {
		s := storedIndex{Name: ix.Name}
		if i < len(st.Distinct) {
			s.Distinct = st.Distinct[i]
		}
		if i < len(st.Pages) {
			s.Pages = st.Pages[i]
		}
		if i < len(st.Leaves) {
			s.Leaves = st.Leaves[i]
		}
		out.Indexes = append(out.Indexes, s)
	}
	body, err := json.Marshal(out)
	if err == nil {
		err = e.catalog.PutObjects(c, table.Object{Kind: table.KindStatistics, Schema: table.Attached(m.Def.ID), Name: statisticsName, Body: body})
	}
	if err != nil {
		return fmt.Errorf("store the statistics of %s.%s: %w", m.Def.Schema, m.Def.Name, err)
	}
	return nil
}

// readStatistics returns what is stored of a table, nil if there is nothing.
func (e *Engine) readStatistics(c *sql.Context, d *table.Def) (*storedStatistics, error) {
	o, err := e.catalog.Object(c, table.KindStatistics, table.Attached(d.ID), statisticsName)
	if err != nil || o == nil {
		return nil, err
	}
	s := &storedStatistics{}
	if err := json.Unmarshal(o.Body, s); err != nil {
		return nil, fmt.Errorf("statistics of %s.%s: %w", d.Schema, d.Name, err)
	}
	return s, nil
}

// of gives the statistics to the indexes that the table has now; false: some index is newer than they are.
func (s *storedStatistics) of(d *table.Def) (st table.Statistics, ok bool) {
	st.Rows = s.Rows
	for _, ix := range d.Indexes {
		i := slices.IndexFunc(s.Indexes, func(o storedIndex) bool { return o.Name == ix.Name && len(o.Distinct) == max(1, len(ix.Parts)) })
		if i < 0 {
			return st, false
		}
		st.Distinct, st.Pages = append(st.Distinct, s.Indexes[i].Distinct), append(st.Pages, s.Indexes[i].Pages)
		st.Leaves = append(st.Leaves, s.Indexes[i].Leaves)
	}
	return st, true
}

// tableStatsTable is mysql.innodb_table_stats, and indexStatsTable mysql.innodb_index_stats: of the tables that were analysed.
func tableStatsTable(e *Engine, name string) *ownTable {
	return &ownTable{name: name, schema: mysqlColumns(name, "database_name", varchar64, "table_name", varchar255, "last_update", types.Timestamp, "n_rows", types.Uint64,
		"clustered_index_size", types.Uint64, "sum_of_other_index_sizes", types.Uint64), rows: func(c *sql.Context) (out []sql.Row, _ error) {
		return out, e.eachStored(c, func(m *tabledef.Table, s *storedStatistics) {
			var first, rest uint64
			for i, ix := range s.Indexes {
				if i == 0 {
					first = ix.Pages
				} else {
					rest += ix.Pages
				}
			}
			out = append(out, sql.Row{m.Def.Schema, m.Def.Name, local(c, s.Updated), s.Rows, first, rest})
		})
	}}
}

func indexStatsTable(e *Engine, name string) *ownTable {
	return &ownTable{name: name, schema: mysqlColumns(name, "database_name", varchar64, "table_name", varchar255, "index_name", varchar64, "last_update", types.Timestamp,
		"stat_name", varchar64, "stat_value", types.Uint64, "sample_size", types.Uint64, "stat_description", varchar512), rows: func(c *sql.Context) (out []sql.Row, _ error) {
		return out, e.eachStored(c, func(m *tabledef.Table, s *storedStatistics) {
			for _, ix := range m.Def.Indexes {
				i := slices.IndexFunc(s.Indexes, func(o storedIndex) bool { return o.Name == ix.Name })
				if i < 0 {
					continue
				}
				row := func(stat string, value uint64, what string) {
					out = append(out, sql.Row{m.Def.Schema, m.Def.Name, ix.Name, local(c, s.Updated), stat, value, nil, what})
				}
				var columns []string
				for k, n := range s.Indexes[i].Distinct {
					column := "DB_ROW_ID"
					if k < len(ix.Parts) && !ix.Hidden {
						column = m.Def.Columns[ix.Parts[k].Column].Name
					}
					columns = append(columns, column)
					row(fmt.Sprintf("n_diff_pfx%02d", k+1), n, strings.Join(columns, ","))
				}
				row("n_leaf_pages", s.Indexes[i].Leaves, "Number of leaf pages in the index")
				row("size", s.Indexes[i].Pages, "Number of pages in the index")
			}
		})
	}}
}

// eachStored walks the tables that have statistics, by database and name.
func (e *Engine) eachStored(c *sql.Context, fn func(m *tabledef.Table, s *storedStatistics)) error {
	return e.eachHolder(c, table.KindStatistics, func(m *tabledef.Table) error {
		s, err := e.readStatistics(c, m.Def)
		if err == nil && s != nil {
			fn(m, s)
		}
		return err
	})
}
