package general

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/dolthub/go-mysql-server/sql"

	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/item"
	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/perfschema"
	"github.com/zoryadb/zorya/sql/sqltext"
)

// Views of transactions and locks, with MySQL 8.0's columns: information_schema.innodb_trx and processlist,
// performance_schema.data_locks, data_lock_waits and metadata_locks, sys.innodb_lock_waits. Each read looks at the engine anew. A
// thread has the number of its connection.

// maxLocksShown bounds what a look at the locks may cost.
const maxLocksShown = 100_000

// monitorTables are the views, by schema and name.
var monitorTables = map[string]map[string]func(e *Engine) *ownTable{
	"information_schema": {"innodb_trx": trxTable, "innodb_metrics": metricsTable, "processlist": processTable, "column_statistics": columnStatisticsTable,
		"profiling": profilingTable},
	"performance_schema": {"data_locks": dataLocksTable, "data_lock_waits": lockWaitsTable, "metadata_locks": metadataLocksTable, "error_log": errorLogTable},
	"sys": {"innodb_lock_waits": sysLockWaitsTable, "x$innodb_lock_waits": sysLockWaitsTable,
		"schema_table_lock_waits": sysTableWaitsTable, "x$schema_table_lock_waits": sysTableWaitsTable},
}

// monitorSchema is performance_schema or sys: what there is of it.
type monitorSchema struct {
	e    *Engine
	name string
}

var (
	_ sql.Database     = (*monitorSchema)(nil)
	_ sql.ViewDatabase = (*monitorSchema)(nil)

	_ sql.VersionedDatabase = (*monitorSchema)(nil)
	_ sql.TriggerDatabase   = (*monitorSchema)(nil)
)

func (d *monitorSchema) Name() string { return d.name }

func (d *monitorSchema) GetTableInsensitive(ctx *sql.Context, name string) (sql.Table, bool, error) {
	if f := monitorTables[d.name][strings.ToLower(name)]; f != nil {
		return f(d.e), true, nil
	}
	if d.name == "performance_schema" {
		if t, err := d.e.perfTable(ctx, name); t != nil || err != nil {
			return t, err == nil, err
		}
	}
	return nil, false, nil
}

// GetTableInsensitiveAsOf implements sql.VersionedDatabase: locking reads and changes name their lock so, and these tables have no locks.
func (d *monitorSchema) GetTableInsensitiveAsOf(ctx *sql.Context, name string, _ any) (sql.Table, bool, error) {
	return d.GetTableInsensitive(ctx, name)
}

// GetTableNamesAsOf implements sql.VersionedDatabase.
func (d *monitorSchema) GetTableNamesAsOf(ctx *sql.Context, _ any) ([]string, error) {
	return d.GetTableNames(ctx)
}

func (d *monitorSchema) GetTableNames(*sql.Context) ([]string, error) {
	var names []string
	for n := range monitorTables[d.name] {
		names = append(names, n)
	}
	if d.name == "performance_schema" {
		names = slices.AppendSeq(names, maps.Keys(perfschema.Tables()))
	}
	return names, nil
}

// The library asks a database for its views before it asks for its tables.

func (d *monitorSchema) GetViewDefinition(_ *sql.Context, name string) (sql.ViewDefinition, bool, error) {
	if d.name == "sys" {
		if v := perfschema.Views()[strings.ToLower(name)]; v != nil {
			return viewDefinition(v), true, nil
		}
	}
	return sql.ViewDefinition{}, false, nil
}

func (d *monitorSchema) AllViews(*sql.Context) ([]sql.ViewDefinition, error) {
	if d.name != "sys" {
		return nil, nil
	}
	var out []sql.ViewDefinition
	for _, name := range slices.Sorted(maps.Keys(perfschema.Views())) {
		out = append(out, viewDefinition(perfschema.Views()[name]))
	}
	return out, nil
}

// sysDefiner is whom sys's views belong to.
const sysDefiner = "mysql.sys@localhost"

func viewDefinition(v *perfschema.View) sql.ViewDefinition {
	return sql.ViewDefinition{Name: v.Name, TextDefinition: v.Select, CreateViewStatement: "CREATE ALGORITHM=UNDEFINED DEFINER=`mysql.sys`@`localhost` SQL SECURITY INVOKER VIEW `" + v.Name + "` AS " + v.Select}
}

func (d *monitorSchema) CreateView(ctx *sql.Context, _, _, _ string) error { return d.denied(ctx) }
func (d *monitorSchema) DropView(ctx *sql.Context, _ string) error         { return d.denied(ctx) }

// Changes of tables ask for their database's triggers.

func (d *monitorSchema) GetTriggers(*sql.Context) ([]sql.TriggerDefinition, error) { return nil, nil }
func (d *monitorSchema) CreateTrigger(ctx *sql.Context, _ sql.TriggerDefinition) error {
	return d.denied(ctx)
}
func (d *monitorSchema) DropTrigger(ctx *sql.Context, _ string) error { return d.denied(ctx) }

func (d *monitorSchema) denied(ctx *sql.Context) error {
	c := ctx.Session.Client()
	return mysqlerr.NewMessage(mysqlerr.ER_DBACCESS_DENIED_ERROR, "Access denied for user '%s'@'%s' to database '%s'", c.User, c.Address, d.name)
}

// monitorDatabase finds performance_schema and sys.
func (e *Engine) monitorDatabase(name string) sql.Database {
	if n := strings.ToLower(name); n == "performance_schema" || n == "sys" {
		return &monitorSchema{e, n}
	}
	return nil
}

func (e *Engine) monitor() (table.Monitor, error) {
	m, ok := e.db.(table.Monitor)
	if !ok {
		return nil, mysqlerr.New(mysqlerr.ER_NOT_SUPPORTED_YET, "looking at locks")
	}
	return m, nil
}

// ownView is an ownTable over the engine's Monitor.
func ownView(e *Engine, schema, name, columns string, rows func(*sql.Context, table.Monitor) []sql.Row) *ownTable {
	t := &ownTable{name: name, schema: infoColumns(name, strings.Fields(columns)...)}
	for _, c := range t.schema {
		c.DatabaseSource = schema
	}
	t.rows = func(ctx *sql.Context) ([]sql.Row, error) {
		m, err := e.monitor()
		if err != nil {
			return nil, err
		}
		if s := sessionOf(ctx); s != nil && strings.HasPrefix(name, "INNODB_") && !s.mayGlobal(ctx, sql.PrivilegeType_Process) {
			return nil, mysqlerr.New(mysqlerr.ER_SPECIFIC_ACCESS_DENIED_ERROR, "PROCESS")
		}
		return rows(ctx, m), nil
	}
	return t
}

// local is t as the session shows times.
func local(ctx *sql.Context, t time.Time) any {
	if t.IsZero() {
		return nil
	}
	if loc := item.Location(ctx); loc != nil {
		t = t.In(loc)
	} else {
		t = t.UTC()
	}
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, time.UTC)
}

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// byID is the process list by connection.
func (e *Engine) byID() map[uint64]Process {
	out := map[uint64]Process{}
	if e.opts.Processes != nil {
		for _, p := range e.opts.Processes() {
			out[uint64(p.ID)] = p
		}
	}
	return out
}

func isolationName(i table.Isolation) string {
	return [...]string{"READ UNCOMMITTED", "READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"}[i&3]
}

func trxTable(e *Engine) *ownTable {
	return ownView(e, "information_schema", "INNODB_TRX", `#trx_id trx_state @trx_started trx_requested_lock_id @trx_wait_started #trx_weight #trx_mysql_thread_id
		trx_query trx_operation_state #trx_tables_in_use #trx_tables_locked #trx_lock_structs #trx_lock_memory_bytes #trx_rows_locked #trx_rows_modified
		#trx_concurrency_tickets trx_isolation_level #trx_unique_checks #trx_foreign_key_checks trx_last_foreign_key_error #trx_adaptive_hash_latched
		#trx_adaptive_hash_timeout #trx_is_read_only #trx_autocommit_non_locking #trx_schedule_weight`,
		func(ctx *sql.Context, m table.Monitor) []sql.Row {
			processes := e.byID()
			var out []sql.Row
			for _, t := range m.Transactions() {
				op := any(nil)
				state := t.State
				switch state {
				case table.TrxLockWait:
					op = "starting index read"
				case table.TrxRollingBack:
					op = "rollback"
				case table.TrxPrepared:
					state = table.TrxRunning
				}
				readOnly := uint64(0)
				if t.ReadOnly {
					readOnly = 1
				}
				inUse := uint64(0)
				if processes[t.SessionID].Info != "" {
					inUse = uint64(t.Tables)
				}
				var waits any
				if state == table.TrxLockWait {
					waits = local(ctx, t.WaitStarted)
				}
				out = append(out, sql.Row{t.ID, state.String(), local(ctx, t.Started), orNull(t.Waits), waits, uint64(t.RowsModified) + uint64(t.Locks), t.SessionID,
					orNull(processes[t.SessionID].Info), op, inUse, inUse, uint64(t.Locks), uint64(t.Locks) * lockBytes, uint64(t.RowsLocked), uint64(t.RowsModified),
					uint64(0), isolationName(t.Isolation), uint64(1), uint64(1), nil, uint64(0), uint64(0), readOnly, uint64(0), nil})
			}
			return out
		})
}

func processTable(e *Engine) *ownTable {
	return ownView(e, "information_schema", "PROCESSLIST", "#ID USER HOST DB COMMAND #TIME STATE INFO", func(ctx *sql.Context, _ table.Monitor) []sql.Row {
		var out []sql.Row
		for _, p := range e.visibleProcesses(ctx) {
			out = append(out, processRow(p, false))
		}
		return out
	})
}

// visibleProcesses are those that the account may see: all with the PROCESS privilege, else its own.
func (e *Engine) visibleProcesses(ctx *sql.Context) []Process {
	if e.opts.Processes == nil {
		return nil
	}
	all := e.opts.Processes()
	s := sessionOf(ctx)
	if s == nil || s.mayGlobal(ctx, sql.PrivilegeType_Process) {
		return all
	}
	own := all[:0]
	for _, p := range all {
		if p.User == s.login.User {
			own = append(own, p)
		}
	}
	return own
}

// mayGlobal reports whether the account has a global privilege.
func (s *Session) mayGlobal(ctx *sql.Context, p sql.PrivilegeType) bool {
	if s.login.AccountUser == "" && s.login.AccountHost == "" {
		return true
	}
	set := s.e.mysqlDB().UserActivePrivilegeSet(ctx)
	return set.Has(p) || set.Has(sql.PrivilegeType_Super)
}

func processRow(p Process, short bool) sql.Row {
	seconds := uint64(0)
	if !p.Since.IsZero() {
		seconds = uint64(max(time.Since(p.Since)/time.Second, 0))
	}
	info := p.Info
	if short && len(info) > 100 {
		info = strings.ToValidUTF8(info[:100], "")
	}
	return sql.Row{uint64(p.ID), p.User, p.Host, orNull(p.Database), p.Command, seconds, p.State, orNull(info)}
}

// showProcesses is SHOW [FULL] PROCESSLIST.
func showProcesses(full bool) *Statement {
	return listing(infoColumns("", "#Id", "User", "Host", "db", "Command", "#Time", "State", "Info"), func(c *sql.Context, s *Session) ([]sql.Row, error) {
		var out []sql.Row
		for _, p := range s.e.visibleProcesses(c) {
			out = append(out, processRow(p, !full))
		}
		return out, nil
	})
}

func dataLocksTable(e *Engine) *ownTable {
	return ownView(e, "performance_schema", "data_locks", `ENGINE ENGINE_LOCK_ID #ENGINE_TRANSACTION_ID #THREAD_ID #EVENT_ID OBJECT_SCHEMA OBJECT_NAME PARTITION_NAME
		SUBPARTITION_NAME INDEX_NAME #OBJECT_INSTANCE_BEGIN LOCK_TYPE LOCK_MODE LOCK_STATUS LOCK_DATA`,
		func(_ *sql.Context, m table.Monitor) []sql.Row {
			var out []sql.Row
			type held struct {
				trx           uint64
				schema, table string
			}
			intents := map[held]int{} // row of the table's lock
			for _, l := range m.DataLocks(maxLocksShown) {
				status := "GRANTED"
				if !l.Granted {
					status = "WAITING"
				}
				intent := "IS"
				if strings.HasPrefix(l.Mode, "X") {
					intent = "IX"
				}
				if l.OnTable {
					intent = l.Mode
				}
				k := held{l.TrxID, l.Schema, l.Table}
				if at, ok := intents[k]; !ok {
					intents[k] = len(out)
					id := fmt.Sprintf("%d:%s.%s", l.TrxID, l.Schema, l.Table)
					out = append(out, sql.Row{"INNODB", id, l.TrxID, l.SessionID, uint64(0), l.Schema, l.Table, nil, nil, nil, uint64(0), "TABLE", intent, "GRANTED", nil})
				} else if intent == "IX" {
					out[at][12] = "IX"
				}
				if l.OnTable {
					continue
				}
				out = append(out, sql.Row{"INNODB", l.ID, l.TrxID, l.SessionID, uint64(0), l.Schema, l.Table, nil, nil, l.Index, uint64(0), "RECORD", l.Mode, status, l.Data})
			}
			return out
		})
}

func lockWaitsTable(e *Engine) *ownTable {
	return ownView(e, "performance_schema", "data_lock_waits", `ENGINE REQUESTING_ENGINE_LOCK_ID #REQUESTING_ENGINE_TRANSACTION_ID #REQUESTING_THREAD_ID
		#REQUESTING_EVENT_ID #REQUESTING_OBJECT_INSTANCE_BEGIN BLOCKING_ENGINE_LOCK_ID #BLOCKING_ENGINE_TRANSACTION_ID #BLOCKING_THREAD_ID #BLOCKING_EVENT_ID
		#BLOCKING_OBJECT_INSTANCE_BEGIN`,
		func(_ *sql.Context, m table.Monitor) []sql.Row {
			var out []sql.Row
			for _, w := range m.DataLockWaits() {
				if w.WaitsOnMetadataLock {
					continue
				}
				out = append(out, sql.Row{"INNODB", w.Waiting.ID, w.WaitingTrx, w.WaitingSession, uint64(0), uint64(0),
					w.Blocking.ID, w.BlockingTrx, w.BlockingSession, uint64(0), uint64(0)})
			}
			return out
		})
}

func metadataLocksTable(e *Engine) *ownTable {
	return ownView(e, "performance_schema", "metadata_locks", `OBJECT_TYPE OBJECT_SCHEMA OBJECT_NAME COLUMN_NAME #OBJECT_INSTANCE_BEGIN LOCK_TYPE LOCK_DURATION
		LOCK_STATUS SOURCE #OWNER_THREAD_ID #OWNER_EVENT_ID`,
		func(_ *sql.Context, m table.Monitor) []sql.Row {
			var out []sql.Row
			for _, l := range m.MetadataLocks() {
				mode, status := l.Mode, "GRANTED"
				if l.Type == "SCHEMA" && mode != "EXCLUSIVE" {
					mode = "INTENTION_EXCLUSIVE"
				}
				if !l.Granted {
					status = "PENDING"
				}
				out = append(out, sql.Row{l.Type, l.Schema, orNull(l.Name), nil, uint64(0), mode, "TRANSACTION", status, "", l.SessionID, uint64(0)})
			}
			explicit := e.userLocks.list()
			if e.opts.TableLocks != nil {
				explicit = append(explicit, e.opts.TableLocks()...)
			}
			for _, l := range explicit {
				status := "GRANTED"
				if !l.Granted {
					status = "PENDING"
				}
				out = append(out, sql.Row{l.Type, orNull(l.Schema), orNull(l.Name), nil, uint64(0), l.Mode, "EXPLICIT", status, "", l.SessionID, uint64(0)})
			}
			return out
		})
}

// sysTableWaitsTable is sys.schema_table_lock_waits: who waits for a metadata lock of whom.
func sysTableWaitsTable(e *Engine) *ownTable {
	return ownView(e, "sys", "schema_table_lock_waits", `object_schema object_name #waiting_thread_id #waiting_pid waiting_account waiting_lock_type waiting_lock_duration
		waiting_query #waiting_query_secs #waiting_query_rows_affected #waiting_query_rows_examined #blocking_thread_id #blocking_pid blocking_account
		blocking_lock_type blocking_lock_duration sql_kill_blocking_query sql_kill_blocking_connection`,
		func(ctx *sql.Context, m table.Monitor) []sql.Row {
			processes := e.byID()
			account := func(id uint64) any {
				p, ok := processes[id]
				if !ok {
					return nil
				}
				host, _, _ := strings.Cut(p.Host, ":")
				return p.User + "@" + host
			}
			var out []sql.Row
			for _, w := range m.DataLockWaits() {
				if !w.WaitsOnMetadataLock {
					continue
				}
				a, b := w.WaitingSession, w.BlockingSession
				out = append(out, sql.Row{w.Waiting.Schema, orNull(w.Waiting.Table), a, a, account(a), w.Waiting.Mode, "TRANSACTION", orNull(processes[a].Info),
					uint64(max(time.Since(w.Since)/time.Second, 0)), uint64(0), uint64(0), b, b, account(b), w.Blocking.Mode, "TRANSACTION",
					fmt.Sprintf("KILL QUERY %d", b), fmt.Sprintf("KILL %d", b)})
			}
			return out
		})
}

func sysLockWaitsTable(e *Engine) *ownTable {
	return ownView(e, "sys", "innodb_lock_waits", `@wait_started wait_age #wait_age_secs locked_table locked_table_schema locked_table_name locked_table_partition
		locked_table_subpartition locked_index locked_type #waiting_trx_id @waiting_trx_started waiting_trx_age #waiting_trx_rows_locked #waiting_trx_rows_modified
		#waiting_pid waiting_query waiting_lock_id waiting_lock_mode #blocking_trx_id #blocking_pid blocking_query blocking_lock_id blocking_lock_mode
		@blocking_trx_started blocking_trx_age #blocking_trx_rows_locked #blocking_trx_rows_modified sql_kill_blocking_query sql_kill_blocking_connection`,
		func(ctx *sql.Context, m table.Monitor) []sql.Row {
			processes, trx := e.byID(), map[uint64]table.TrxInfo{}
			for _, t := range m.Transactions() {
				trx[t.ID] = t
			}
			var out []sql.Row
			for _, w := range m.DataLockWaits() {
				if w.WaitsOnMetadataLock {
					continue
				}
				a, b, l := trx[w.WaitingTrx], trx[w.BlockingTrx], w.Waiting
				out = append(out, sql.Row{local(ctx, w.Since), age(w.Since), uint64(max(time.Since(w.Since)/time.Second, 0)), sqltext.Quote(l.Schema) + "." + sqltext.Quote(l.Table),
					l.Schema, l.Table, nil, nil, l.Index, "RECORD", w.WaitingTrx, local(ctx, a.Started), age(a.Started), uint64(a.RowsLocked), uint64(a.RowsModified),
					w.WaitingSession, orNull(processes[w.WaitingSession].Info), l.ID, l.Mode, w.BlockingTrx, w.BlockingSession, orNull(processes[w.BlockingSession].Info),
					w.Blocking.ID, w.Blocking.Mode, local(ctx, b.Started), age(b.Started), uint64(b.RowsLocked), uint64(b.RowsModified),
					fmt.Sprintf("KILL QUERY %d", w.BlockingSession), fmt.Sprintf("KILL %d", w.BlockingSession)})
			}
			return out
		})
}

// age is the time since t as a TIME.
func age(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	s := int(max(time.Since(t)/time.Second, 0))
	return fmt.Sprintf("%02d:%02d:%02d", s/3600, s/60%60, s%60)
}
