package general

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/dolthub/go-mysql-server/sql"

	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/grammar"
	"github.com/zoryadb/zorya/sql/tabledef"
)

// statistics are the tables' cardinalities as they were computed last. Computing costs a bounded number of page reads, so they are computed when
// they are asked for and old, or the table has grown or shrunk by a tenth since: nothing has to be told of changes, and tables that
// nobody looks at cost nothing.
type statistics struct {
	mu      sync.Mutex
	m       map[uint64]tableStatistics // by table id
	changes [1024]atomic.Uint64        // calls of forget, by table id modulo their number: plans that are kept go by them
}

// changesOf grows with each forget of one of the tables.
func (s *statistics) changesOf(tables []*base) (n uint64) {
	for _, b := range tables {
		n += s.changes[b.m.Def.ID%uint64(len(s.changes))].Load()
	}
	return n
}

type tableStatistics struct {
	schema, name string
	version      uint64
	at           time.Time
	fixed        bool // stored, and not to be replaced but by ANALYZE TABLE
	table.Statistics
}

const (
	statisticsFresh = 10 * time.Second // within this they are not looked at again
	statisticsMax   = 8192             // tables remembered
)

func (s *statistics) forget(id uint64) {
	s.mu.Lock()
	delete(s.m, id)
	s.mu.Unlock()
	s.changes[id%uint64(len(s.changes))].Add(1)
}

// statisticsOf returns the statistics of an open table: those in memory, else those that are stored, else what it finds, if the others are too old.
func (e *Engine) statisticsOf(c *sql.Context, t table.Table) (table.Statistics, error) {
	d, s := t.Def(), &e.stats
	s.mu.Lock()
	have, ok := s.m[d.ID]
	s.mu.Unlock()
	if ok && have.version == d.Version {
		if have.fixed || time.Since(have.at) < statisticsFresh {
			return have.Statistics, nil
		}
		n, err := t.Count(c)
		if err != nil {
			return table.Statistics{}, err
		}
		if !drifted(have.Rows, n) && time.Since(have.at) < 6*statisticsFresh {
			return have.Statistics, nil
		}
	}
	if !ok || have.version != d.Version {
		if st, fixed, err := e.asStored(c, t); err != nil || st != nil {
			if err != nil {
				return table.Statistics{}, err
			}
			s.put(d, *st, fixed)
			return *st, nil
		}
	}
	m, err := e.metas.Get(c, d)
	if err != nil {
		return table.Statistics{}, err
	}
	st, err := t.Analyze(c, m.SamplePages())
	if err == nil {
		s.put(d, st, false)
	}
	return st, err
}

// asStored returns what is stored of a table if it still holds; fixed: nothing but ANALYZE TABLE replaces it.
func (e *Engine) asStored(c *sql.Context, t table.Table) (st *table.Statistics, fixed bool, err error) {
	kept, err := e.readStatistics(c, t.Def())
	if err != nil || kept == nil {
		return nil, false, err
	}
	now, ok := kept.of(t.Def())
	if !ok {
		return nil, false, nil
	}
	m, err := e.metas.Get(c, t.Def())
	if err != nil || !m.Persistent() {
		return nil, false, err
	}
	if m.Fixed() {
		return &now, true, nil
	}
	n, err := t.Count(c)
	if err != nil || drifted(now.Rows, n) {
		return nil, false, err
	}
	return &now, false, nil
}

// drifted reports whether a table has grown or shrunk by more than a tenth.
func drifted(was, is uint64) bool { return (max(is, was)-min(is, was))*10 > was }

func (s *statistics) put(d *table.Def, st table.Statistics, fixed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.m == nil || len(s.m) >= statisticsMax {
		s.m = map[uint64]tableStatistics{}
	}
	s.m[d.ID] = tableStatistics{schema: d.Schema, name: d.Name, version: d.Version, at: time.Now(), fixed: fixed, Statistics: st}
}

// statisticsRows are the rows of information_schema.STATISTICS.
func (e *Engine) statisticsRows(ctx *sql.Context) ([]sql.Row, error) {
	s := sessionOf(ctx)
	if s == nil {
		return nil, nil
	}
	var out []sql.Row
	err := e.eachTable(ctx, func(schema string, m *tabledef.Table) error {
		list, err := s.indexRows(ctx, m)
		if err != nil {
			return err
		}
		for _, r := range list { // Table, Non_unique, Key_name, Seq, Column, Collation, Cardinality, Sub_part, Packed, Null, Type, Comment, Index_comment, Visible, Expression
			out = append(out, sql.Row{"def", schema, r[0], int32(r[1].(int64)), schema, r[2], r[3], r[4], r[5], r[6], r[7], r[8], r[9], r[10], r[11], r[12], r[13], r[14]})
		}
		return nil
	})
	return out, err
}

// eachTable walks the tables of the databases that the user may see and the statement asks for.
func (e *Engine) eachTable(ctx *sql.Context, fn func(schema string, m *tabledef.Table) error) error {
	for _, db := range e.gms.Analyzer.Catalog.AllDatabases(ctx) {
		name := db.Name()
		if grammar.SystemSchema(name) {
			continue
		}
		names, err := db.GetTableNames(ctx)
		if err != nil {
			return err
		}
		for i, n := range names {
			if i%aheadTables == 0 {
				e.readAhead(ctx, name, names[i:])
			}
			t, ok, err := db.GetTableInsensitive(ctx, n)
			if err != nil {
				return err
			}
			if !ok {
				continue
			}
			if b := tableBase(t); b != nil {
				if err := skipMissing(fn(name, b.m)); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// filledTable is a table of the library's information_schema whose rows are made here.
type filledTable struct {
	sql.Table
	rows func(ctx *sql.Context) ([]sql.Row, error)
}

// AssignCatalog gives the library's table what it reads.
func (t *filledTable) AssignCatalog(cat sql.Catalog) sql.Table {
	if own, ok := t.Table.(sql.CatalogTable); ok {
		return &filledTable{own.AssignCatalog(cat), t.rows}
	}
	return t
}

func (t *filledTable) Partitions(*sql.Context) (sql.PartitionIter, error) { return &partitions{}, nil }
func (t *filledTable) PartitionRows(ctx *sql.Context, _ sql.Partition) (sql.RowIter, error) {
	rows, err := t.rows(ctx)
	if err != nil {
		return nil, err
	}
	return sql.RowsToRowIter(rows...), nil
}

// filled returns the library's table with our rows, nil for those that it fills well.
func (e *Engine) filled(lower string, t sql.Table) sql.Table {
	switch lower {
	case "statistics":
		return &filledTable{t, e.statisticsRows}
	case "columns":
		return &infoColumnsTable{Table: t, e: e}
	case "tables":
		return &infoTables{Table: t, e: e}
	}
	return nil
}
