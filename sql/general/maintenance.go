package general

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/lexer"
	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/sqltext"
)

// ownMaintenance: CHECK, OPTIMIZE, REPAIR, CHECKSUM and ANALYZE TABLE.
func (s *Session) ownMaintenance(t *lexer.Cursor) (*Statement, error) {
	op := strings.ToLower(t.Word(0))
	t.Pos++
	if op == "analyze" || op == "optimize" || op == "repair" {
		_ = t.Accept("LOCAL") || t.Accept("NO_WRITE_TO_BINLOG")
	}
	if !t.Accept("TABLE") && !t.Accept("TABLES") {
		return nil, nil
	}
	var list [][2]string
	for {
		schema, name, ok := t.Qualified()
		if !ok {
			return nil, s.wrong(t)
		}
		list = append(list, [2]string{schema, name})
		if !t.Accept(",") {
			break
		}
	}
	if op == "analyze" && (t.Word(0) == "UPDATE" || t.Word(0) == "DROP") {
		return s.ownHistogram(t, list)
	}
	quick := false
	for !t.End() && t.Kind(0) == lexer.Word {
		switch t.Word(0) {
		case "QUICK", "FAST", "CHANGED":
			quick = true
		case "MEDIUM", "EXTENDED":
			quick = false
		case "FOR":
			if t.Word(1) != "UPGRADE" {
				return nil, s.wrong(t)
			}
			t.Pos++
		case "USE_FRM":
		default:
			return nil, s.wrong(t)
		}
		t.Pos++
	}
	run := func(c *sql.Context, s *Session, x *execution) (*Result, error) { return s.maintain(c, x, op, list) }
	switch op {
	case "analyze":
		return s.done(t, &Statement{Class: DDL, run: run})
	case "optimize":
		return s.done(t, &Statement{Class: DDL, run: func(c *sql.Context, s *Session, x *execution) (*Result, error) { return s.optimizeTables(c, x, list) }})
	case "checksum":
		run = func(c *sql.Context, s *Session, x *execution) (*Result, error) { return s.checksumTables(c, x, list) }
	case "check":
		run = func(c *sql.Context, s *Session, x *execution) (*Result, error) {
			return s.checkTables(c, x, list, quick)
		}
	}
	return s.done(t, &Statement{run: run})
}

// What LOAD INDEX INTO CACHE and CACHE INDEX do with a table, in the words of their results. Only MyISAM's tables have key caches.
const (
	preloadKeys = "preload_keys"
	assignKeys  = "assign_to_keycache"
)

// ownKeyCache: LOAD INDEX INTO CACHE and CACHE INDEX ... IN cache; nil for LOAD DATA.
func (s *Session) ownKeyCache(t *lexer.Cursor) (*Statement, error) {
	op := assignKeys
	switch {
	case t.Accept("LOAD", "INDEX", "INTO", "CACHE"):
		op = preloadKeys
	case t.Word(0) == "LOAD":
		return nil, nil
	case !t.Accept("CACHE", "INDEX"):
		return nil, s.wrong(t)
	}
	var list [][2]string
	for {
		schema, name, ok := t.Qualified()
		if !ok {
			return nil, s.wrong(t)
		}
		list = append(list, [2]string{schema, name})
		for _, word := range []string{"PARTITION", "INDEX", "KEY"} {
			if t.Accept(word) {
				if end := t.Closing(0); t.At(0) == "(" && end > 0 {
					t.Pos += end + 1
				} else {
					return nil, s.wrong(t)
				}
			}
		}
		if op == preloadKeys {
			t.Accept("IGNORE", "LEAVES")
		}
		if !t.Accept(",") {
			break
		}
	}
	if op == assignKeys {
		if !t.Accept("IN") {
			return nil, s.wrong(t)
		}
		if !t.Accept("DEFAULT") {
			name, ok := t.Name()
			if !ok {
				return nil, s.wrong(t)
			}
			return s.done(t, &Statement{run: func(*sql.Context, *Session, *execution) (*Result, error) {
				return nil, mysqlerr.NewMessage(codeKeyCache, "Unknown key cache '%s'", name)
			}})
		}
	}
	return s.done(t, &Statement{run: func(c *sql.Context, s *Session, x *execution) (*Result, error) { return s.maintain(c, x, op, list) }})
}

const codeKeyCache = 1284 // ER_UNKNOWN_KEY_CACHE

// maintenanceTable is a table of a maintenance statement.
type maintenanceTable struct {
	full         string // as the result names it
	schema, name string // in the dictionary, where a temporary table has another
	view         bool
	missing      bool
}

func (s *Session) maintenanceTable(c *sql.Context, x *execution, t [2]string) (maintenanceTable, error) {
	db, err := s.schemaNamed(c, t[0])
	if err != nil {
		return maintenanceTable{}, err
	}
	m := maintenanceTable{full: db.name + "." + t[1], schema: db.name, name: t[1]}
	if temp := s.temps[tempKey(db.name, t[1])]; temp != nil {
		m.schema, m.name = temp.def.Schema, temp.def.Name
	} else if o, err := s.e.object(c, kindView, db.name, t[1]); err == nil && o != nil {
		m.view = true
		return m, nil
	}
	if _, err := x.openTable(c, m.schema, m.name); err != nil {
		if skipMissing(err) != nil {
			return m, err
		}
		m.missing = true
	}
	return m, nil
}

func (m *maintenanceTable) gone(op string) []sql.Row {
	return []sql.Row{{m.full, op, "Error", fmt.Sprintf("Table '%s' doesn't exist", m.full)}, {m.full, op, "status", "Operation failed"}}
}

// checkTables is CHECK TABLE: the structural checker, over all tables of the statement at one point of the log. Damage comes as InnoDB
// reports it: a warning for each finding, then the error Corrupt in place of the status.
func (s *Session) checkTables(c *sql.Context, x *execution, list [][2]string, quick bool) (*Result, error) {
	var tables []maintenanceTable
	o := table.CheckOptions{Quick: quick, Tables: [][2]string{}}
	for _, t := range list {
		m, err := s.maintenanceTable(c, x, t)
		if err != nil {
			return nil, err
		}
		tables = append(tables, m)
		if !m.view && !m.missing {
			o.Tables = append(o.Tables, [2]string{m.schema, m.name})
		}
	}
	var rep table.CheckReport
	if checker, ok := s.e.db.(table.Checker); ok && len(o.Tables) > 0 {
		var err error
		if rep, err = checker.Check(c, o); err != nil {
			return nil, err
		}
	}
	var out []sql.Row
	for i := range tables {
		m := &tables[i]
		if m.missing || slices.Contains(rep.Missing, [2]string{m.schema, m.name}) {
			out = append(out, m.gone("check")...)
			continue
		}
		before := len(out)
		for _, p := range rep.Problems {
			if p.Schema == m.schema && p.Table == m.name {
				out = append(out, sql.Row{m.full, "check", "Warning", fmt.Sprintf("InnoDB: Index %s: %s", sqltext.Quote(p.Index), p.Text)})
			}
		}
		if len(out) > before {
			out = append(out, sql.Row{m.full, "check", "error", "Corrupt"})
			continue
		}
		out = append(out, sql.Row{m.full, "check", "status", "OK"})
	}
	return s.rowsOf(c, x, texts("Table", "Op", "Msg_type", "Msg_text"), out), nil
}

func (s *Session) maintain(c *sql.Context, x *execution, op string, list [][2]string) (*Result, error) {
	var out []sql.Row
	for _, t := range list {
		m, err := s.maintenanceTable(c, x, t)
		if err != nil {
			return nil, err
		}
		if m.missing {
			out = append(out, m.gone(op)...)
			continue
		}
		if m.view {
			out = append(out, sql.Row{m.full, op, "Error", fmt.Sprintf("'%s' is not BASE TABLE", m.full)}, sql.Row{m.full, op, "status", "Operation failed"})
			continue
		}
		switch op {
		case "analyze":
			t, err := x.openTable(c, m.schema, m.name)
			if err != nil {
				return nil, err
			}
			if err := s.analyzeStatistics(c, t); err != nil {
				return nil, err
			}
		case "repair", preloadKeys, assignKeys:
			out = append(out, sql.Row{m.full, op, "note", "The storage engine for the table doesn't support " + op})
			continue
		}
		out = append(out, sql.Row{m.full, op, "status", "OK"})
	}
	return s.rowsOf(c, x, texts("Table", "Op", "Msg_type", "Msg_text"), out), nil
}

// analyzeStatistics finds a table's statistics anew and stores them.
func (s *Session) analyzeStatistics(c *sql.Context, t table.Table) error {
	d := t.Def()
	m, err := s.e.metas.Get(c, d)
	if err != nil {
		return err
	}
	st, err := t.Analyze(c, m.SamplePages())
	if err != nil {
		return err
	}
	if err := s.e.storeStatistics(c, m, st); err != nil {
		return err
	}
	s.e.stats.forget(d.ID)
	s.e.stats.put(d, st, m.Persistent() && m.Fixed())
	return nil
}

// optimizeTables is OPTIMIZE TABLE. As for InnoDB it is ALTER TABLE ... FORCE, online, and ANALYZE TABLE, which here is to forget the statistics.
func (s *Session) optimizeTables(c *sql.Context, x *execution, list [][2]string) (*Result, error) {
	const op = "optimize"
	var out []sql.Row
	for _, t := range list {
		db, err := s.schemaNamed(c, t[0])
		if err != nil {
			return nil, err
		}
		m := maintenanceTable{full: db.name + "." + t[1]}
		if o, err := s.e.object(c, kindView, db.name, t[1]); err == nil && o != nil {
			out = append(out, sql.Row{m.full, op, "Error", fmt.Sprintf("'%s' is not BASE TABLE", m.full)}, sql.Row{m.full, op, "status", "Operation failed"})
			continue
		}
		if temp := s.temps[tempKey(db.name, t[1])]; temp == nil {
			d, err := s.e.catalog.Definition(c, db.name, t[1])
			if err != nil {
				if skipMissing(err) != nil {
					return nil, err
				}
				out = append(out, m.gone(op)...)
				continue
			}
			if err := s.recreate(c, x, db.name, t[1]); err != nil {
				return nil, err
			}
			s.e.stats.forget(d.ID)
		}
		out = append(out, sql.Row{m.full, op, "note", "Table does not support optimize, doing recreate + analyze instead"}, sql.Row{m.full, op, "status", "OK"})
	}
	return s.rowsOf(c, x, texts("Table", "Op", "Msg_type", "Msg_text"), out), nil
}

// recreate writes a table anew.
func (s *Session) recreate(c *sql.Context, x *execution, schema, name string) error {
	st, _, err := s.parse("ALTER TABLE " + sqltext.Quote(schema) + "." + sqltext.Quote(name) + " FORCE")
	if err != nil {
		return err
	}
	alter, ok := st.ast.(*sqlparser.AlterTable)
	if !ok {
		return fmt.Errorf("recreate table %s.%s: ALTER TABLE became %T", schema, name, st.ast)
	}
	old := x.st
	x.st = st
	defer func() { x.st = old }()
	_, err = s.alterTable(c, x, alter)
	return err
}
