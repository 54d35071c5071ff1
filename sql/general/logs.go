package general

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/dolthub/go-mysql-server/sql"
	sqle "github.com/dolthub/go-mysql-server/sql/analyzer"
	"github.com/dolthub/go-mysql-server/sql/mysql_db"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/types"
	"github.com/dolthub/vitess/go/sqltypes"
	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/sql/item"
	"github.com/zoryadb/zorya/sql/logs"
	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/tabledef"
)

// The logs' variables and tables. The dispatcher writes the logs (session/logging.go); package logs keeps them.

// maxQueryTime is MySQL's bound of long_query_time, a year.
const maxQueryTime = 31536000

// logVariables are the variables whose change changes package logs' settings.
func (e *Engine) logVariables() []sql.SystemVariable {
	name := cmp.Or(e.opts.ServerID, "zorya")
	scope := sql.GetMysqlScope(sql.SystemVariableScope_Global)
	flag := func(n string) *sql.MysqlSystemVariable {
		return &sql.MysqlSystemVariable{Name: n, Scope: scope, Dynamic: true, Type: types.NewSystemBoolType(n), Default: int8(0)}
	}
	text := func(n, value string) *sql.MysqlSystemVariable {
		return &sql.MysqlSystemVariable{Name: n, Scope: scope, Dynamic: true, Type: types.NewSystemStringType(n), Default: value}
	}
	vars := []*sql.MysqlSystemVariable{
		flag("slow_query_log"), flag("general_log"), flag("log_queries_not_using_indexes"), flag("log_slow_admin_statements"), flag("log_raw"),
		text("slow_query_log_file", name+"-slow.log"), text("general_log_file", name+".log"),
		{Name: "log_output", Scope: scope, Dynamic: true, Type: types.NewSystemSetType("log_output", tabledef.DefaultCollation, "NONE", "FILE", "TABLE"), Default: "FILE"},
		{Name: "log_timestamps", Scope: scope, Dynamic: true, Type: types.NewSystemEnumType("log_timestamps", "UTC", "SYSTEM"), Default: "UTC"},
		{Name: "log_throttle_queries_not_using_indexes", Scope: scope, Dynamic: true,
			Type: types.NewSystemIntType("log_throttle_queries_not_using_indexes", 0, math.MaxUint32, false), Default: int64(0)},
		flag("server_audit_logging"), text("server_audit_events", ""), text("server_audit_incl_users", ""), text("server_audit_excl_users", ""),
	}
	out := make([]sql.SystemVariable, 0, len(vars)+3)
	for _, v := range vars {
		v.NotifyChanged = func(_ *sql.Context, _ sql.SystemVariableScope, to sql.SystemVarValue) error {
			val := to.Val
			if t, ok := to.Var.GetType().(sql.SetType); ok {
				if bits, ok := val.(uint64); ok {
					val, _ = t.BitsToString(bits)
				}
			}
			return e.logVariable(v.Name, val)
		}
		out = append(out, v)
	}
	upload := flag("server_audit_logs_upload") // there is nowhere to upload to
	upload.Dynamic = false
	path := ""
	if e.opts.ErrorLog != nil {
		path = e.opts.ErrorLog.Path()
	}
	return append(out, upload,
		&sql.MysqlSystemVariable{Name: "log_error", Scope: scope, Type: types.NewSystemStringType("log_error"), Default: path},
		&sql.MysqlSystemVariable{Name: "long_query_time", Scope: sql.GetMysqlScope(sql.SystemVariableScope_Both), Dynamic: true,
			Type: types.NewSystemDoubleType("long_query_time", 0, maxQueryTime), Default: float64(10)})
}

// adoptLogVariables hands the variables' values to the logs at start, those that were persisted too.
func (e *Engine) adoptLogVariables() error {
	all := map[string]any{}
	for _, v := range e.logVariables() {
		if _, val, ok := sql.SystemVariables.GetGlobal(v.GetName()); ok {
			all[v.GetName()] = val
		}
	}
	e.logVars.Lock()
	defer e.logVars.Unlock()
	e.logVars.values = all
	s, err := logSettings(all)
	if err != nil {
		return err
	}
	return e.opts.Logs.Configure(s)
}

// logVariable is called when a variable is about to change, under the library's lock on all variables.
func (e *Engine) logVariable(name string, value any) error {
	e.logVars.Lock()
	defer e.logVars.Unlock()
	next := maps.Clone(e.logVars.values)
	if next == nil {
		return nil // at start, when persisted values are assigned
	}
	next[name] = value
	s, err := logSettings(next)
	if err == nil {
		err = e.opts.Logs.Configure(s)
	}
	if err != nil {
		return mysqlerr.New(mysqlerr.ER_WRONG_VALUE_FOR_VAR, name, fmt.Sprint(value))
	}
	e.logVars.values = next
	return nil
}

func logSettings(v map[string]any) (logs.Settings, error) {
	text := func(name string) string { s, _ := v[name].(string); return s }
	output := "," + strings.ToUpper(text("log_output")) + ","
	s := logs.Settings{
		Slow: truth(v["slow_query_log"]), General: truth(v["general_log"]), Audit: truth(v["server_audit_logging"]),
		SlowFile: text("slow_query_log_file"), GeneralFile: text("general_log_file"),
		ToFile: strings.Contains(output, ",FILE,"), ToTable: strings.Contains(output, ",TABLE,"),
		NoIndex: truth(v["log_queries_not_using_indexes"]), Throttle: int(integer(v["log_throttle_queries_not_using_indexes"])),
		Admin: truth(v["log_slow_admin_statements"]), Raw: truth(v["log_raw"]), LocalTime: strings.EqualFold(text("log_timestamps"), "SYSTEM"),
		Include: logs.Users(text("server_audit_incl_users")), Exclude: logs.Users(text("server_audit_excl_users")),
	}
	if strings.Contains(output, ",NONE,") {
		s.ToFile, s.ToTable = false, false
	}
	var ok bool
	if s.Events, ok = logs.ParseEvents(text("server_audit_events")); !ok {
		return s, fmt.Errorf("server_audit_events: unknown event in %q", text("server_audit_events"))
	}
	for _, n := range []string{"server_audit_incl_users", "server_audit_excl_users"} {
		if len(text(n)) > maxAuditUsers {
			return s, fmt.Errorf("%s: longer than %d characters", n, maxAuditUsers)
		}
	}
	if s.SlowFile == "" || s.GeneralFile == "" {
		return s, fmt.Errorf("the name of a log file is empty")
	}
	return s, nil
}

// maxAuditUsers is Aurora's bound of a list of users.
const maxAuditUsers = 1024

// queryTime is long_query_time.
func queryTime(v any) time.Duration {
	f, ok := v.(float64)
	if !ok {
		f = float64(integer(v))
	}
	return time.Duration(min(max(f, 0), maxQueryTime) * float64(time.Second))
}

// systemTables are the tables of the database mysql that the library lacks.
var systemTables = map[string]func(e *Engine, name string) *ownTable{
	"user": accountsTable, "password_history": passwordHistoryTable, "component": componentTable,
	"default_roles": defaultRolesTable, "columns_priv": columnsPrivTable, "innodb_table_stats": tableStatsTable, "innodb_index_stats": indexStatsTable,
	logs.SlowTable: slowLogTable, logs.SlowTable + "_backup": slowLogTable, logs.GeneralTable: generalLogTable, logs.GeneralTable + "_backup": generalLogTable,
}

func mysqlColumns(table string, types_ ...any) sql.Schema {
	var out sql.Schema
	for i := 0; i < len(types_); i += 2 {
		out = append(out, &sql.Column{Name: types_[i].(string), Type: types_[i+1].(sql.Type), Source: table, DatabaseSource: "mysql"})
	}
	return out
}

var (
	timestamp6 = types.MustCreateDatetimeType(sqltypes.Timestamp, 6)
	varchar64  = types.MustCreateString(sqltypes.VarChar, 64, sql.Collation_utf8mb3_general_ci)
	varchar32  = types.MustCreateString(sqltypes.VarChar, 32, sql.Collation_utf8mb3_bin)
	varchar255 = types.MustCreateString(sqltypes.VarChar, 255, sql.Collation_ascii_general_ci)
	varchar512 = types.MustCreateString(sqltypes.VarChar, 512, sql.Collation_utf8mb3_general_ci)
	medium     = types.MustCreateString(sqltypes.Text, types.MediumTextBlobMax/3, sql.Collation_utf8mb3_general_ci)
)

func slowLogTable(e *Engine, name string) *ownTable {
	return e.logTable(name, mysqlColumns(name, "start_time", timestamp6, "user_host", medium, "query_time", types.Time, "lock_time", types.Time,
		"rows_sent", types.Int32, "rows_examined", types.Int32, "db", varchar512, "last_insert_id", types.Int32, "insert_id", types.Int32,
		"server_id", types.Uint32, "sql_text", types.MediumBlob, "thread_id", types.Uint64))
}

func generalLogTable(e *Engine, name string) *ownTable {
	return e.logTable(name, mysqlColumns(name, "event_time", timestamp6, "user_host", medium, "thread_id", types.Uint64, "server_id", types.Uint32,
		"command_type", varchar64, "argument", types.MediumBlob))
}

// logTable is a table whose rows are records of package logs.
func (e *Engine) logTable(name string, schema sql.Schema) *ownTable {
	t := &ownTable{name: name, schema: schema}
	t.rows = func(ctx *sql.Context) ([]sql.Row, error) {
		var out []sql.Row
		err := e.opts.Logs.Table(name, func(fields []string) error {
			if len(fields) != len(schema) {
				return nil // cut short by a crash
			}
			r := make(sql.Row, len(fields))
			for i, f := range fields {
				v, err := logValue(ctx, schema[i].Type, f)
				if err != nil {
					return nil // not ours: somebody wrote into the file
				}
				r[i] = v
			}
			out = append(out, r)
			return nil
		})
		return out, err
	}
	return t
}

func logValue(ctx *sql.Context, t sql.Type, f string) (any, error) {
	switch t {
	case timestamp6:
		at, err := time.Parse("2006-01-02 15:04:05.000000", f)
		if err != nil {
			return nil, err
		}
		if loc := item.Location(ctx); loc != nil {
			at = at.In(loc)
			at = time.Date(at.Year(), at.Month(), at.Day(), at.Hour(), at.Minute(), at.Second(), at.Nanosecond(), time.UTC)
		}
		return at, nil
	case types.Int32:
		n, err := strconv.ParseInt(f, 10, 64)
		return int32(min(n, math.MaxInt32)), err
	}
	v, _, err := t.Convert(ctx, f)
	return v, err
}

// errorLogTable is performance_schema.error_log.
func errorLogTable(e *Engine) *ownTable {
	t := &ownTable{name: "error_log", schema: infoColumns("error_log", "$LOGGED", "#THREAD_ID", "PRIO", "ERROR_CODE", "SUBSYSTEM", "DATA")}
	for _, c := range t.schema {
		c.DatabaseSource = "performance_schema"
	}
	t.rows = func(ctx *sql.Context) ([]sql.Row, error) {
		if e.opts.ErrorLog == nil {
			return nil, nil
		}
		var out []sql.Row
		for _, l := range e.opts.ErrorLog.Lines() {
			at := l.Logged.UTC()
			if loc := item.Location(ctx); loc != nil {
				at = l.Logged.In(loc)
			}
			at = time.Date(at.Year(), at.Month(), at.Day(), at.Hour(), at.Minute(), at.Second(), at.Nanosecond()/1000*1000, time.UTC)
			out = append(out, sql.Row{at, l.Thread, l.Priority, l.Code, l.Subsystem, l.Data})
		}
		return out, nil
	}
	return t
}

// catalog is the library's with the tables of the database mysql that the library lacks.
type catalog struct {
	*sqle.Catalog
	e       *Engine
	partial *partialAccess // nil: grants on columns do not count
}

// mysqlTable finds a table of the database mysql that the library lacks.
func (e *Engine) mysqlTable(name string) sql.Table {
	name = strings.ToLower(name)
	if f := systemTables[name]; f != nil {
		return f(e, name)
	}
	return nil
}

func (c *catalog) DatabaseTable(ctx *sql.Context, db sql.Database, name string) (sql.Table, sql.Database, error) {
	if _, ok := db.(*mysql_db.MySQLDb); ok {
		if t := c.e.mysqlTable(name); t != nil {
			return t, db, nil
		}
	}
	return c.Catalog.DatabaseTable(ctx, trusted(ctx, db, name), name)
}

func (c *catalog) DatabaseTableAsOf(ctx *sql.Context, db sql.Database, name string, asOf any) (sql.Table, sql.Database, error) {
	return c.Catalog.DatabaseTableAsOf(ctx, trusted(ctx, db, name), name, asOf)
}

func (c *catalog) Table(ctx *sql.Context, dbName, name string) (sql.Table, sql.Database, error) {
	db, err := c.Database(ctx, dbName)
	if err != nil {
		return nil, nil, err
	}
	return c.DatabaseTable(ctx, db, name)
}

// systemDatabase is the database mysql for SHOW TABLES.
type systemDatabase struct {
	*mysql_db.MySQLDb
	e *Engine
}

func (d *systemDatabase) GetTableNames(ctx *sql.Context) ([]string, error) {
	names, err := d.MySQLDb.GetTableNames(ctx)
	return append(names, systemTableNames(names)...), err
}

func (d *systemDatabase) GetTableInsensitive(ctx *sql.Context, name string) (sql.Table, bool, error) {
	if t := d.e.mysqlTable(name); t != nil {
		return t, true, nil
	}
	return d.MySQLDb.GetTableInsensitive(ctx, name)
}

// showsSystem puts the whole database mysql under SHOW TABLES.
func (e *Engine) showsSystem(n *plan.ShowTables) (sql.Node, error) {
	db, ok := n.Database().(*mysql_db.MySQLDb)
	if !ok {
		return nil, nil
	}
	return n.WithDatabase(&systemDatabase{db, e})
}

// truncateLog is TRUNCATE of a log table; done is false for any other.
func (s *Session) truncateLog(c *sql.Context, n *sqlparser.DDL) (done bool, err error) {
	schema := n.Table.DbQualifier.String()
	if schema == "" {
		schema = s.gms.GetCurrentDatabase()
	}
	name := strings.ToLower(n.Table.Name.String())
	if done, err := s.truncatePerf(c, schema, n.Table.Name.String()); done || err != nil {
		return done, err
	}
	if !strings.EqualFold(schema, "mysql") || !strings.HasPrefix(name, logs.SlowTable) && !strings.HasPrefix(name, logs.GeneralTable) || systemTables[name] == nil {
		return false, nil
	}
	return true, s.e.opts.Logs.Truncate(name)
}

// flushLogs is FLUSH [kind] LOGS.
func flushLogs(kind string) *Statement {
	return &Statement{Class: DDL, run: func(c *sql.Context, s *Session, _ *execution) (*Result, error) {
		if !s.Allowed("RELOAD") {
			return nil, mysqlerr.New(mysqlerr.ER_SPECIFIC_ACCESS_DENIED_ERROR, "RELOAD")
		}
		if kind != "ERROR" {
			s.e.opts.Logs.Flush()
		}
		if kind == "ERROR" || kind == "LOGS" {
			if l := s.e.opts.ErrorLog; l != nil {
				l.Reopen()
			}
		}
		return &Result{}, nil
	}}
}
