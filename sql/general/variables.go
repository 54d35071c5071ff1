package general

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/types"
	"github.com/sirupsen/logrus"

	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/sysvar"
	"github.com/zoryadb/zorya/sql/tabledef"
)

const kindVariable = "variable"

// quiet keeps the library from writing to the process's log.
func quiet() { logrus.SetLevel(logrus.PanicLevel) }

// initVariables gives the library's variables the values of a MySQL 8.0 server and Aurora's names, then applies what SET PERSIST stored.
func (e *Engine) initVariables(ctx context.Context) error {
	o := e.opts
	readOnly := int8(0)
	if o.ReadOnly {
		readOnly = 1
	}
	text := func(name, value string) sql.SystemVariable {
		return &sql.MysqlSystemVariable{Name: name, Scope: sql.GetMysqlScope(sql.SystemVariableScope_Global), Dynamic: false,
			Type: types.NewSystemStringType(name), Default: value}
	}
	flag := func(name string, value int8) sql.SystemVariable {
		return &sql.MysqlSystemVariable{Name: name, Scope: sql.GetMysqlScope(sql.SystemVariableScope_Global), Dynamic: false,
			Type: types.NewSystemBoolType(name), Default: value}
	}
	count := func(name string) sql.SystemVariable { // set before each statement that names it (Session.countDiagnostics)
		return &sql.MysqlSystemVariable{Name: name, Scope: sql.GetMysqlScope(sql.SystemVariableScope_Session), Dynamic: false,
			Type: types.NewSystemIntType(name, 0, 65535, false), Default: int64(0)}
	}
	sql.SystemVariables.AddSystemVariables([]sql.SystemVariable{
		&sql.MysqlSystemVariable{Name: fastLaneVariable, Scope: sql.GetMysqlScope(sql.SystemVariableScope_Both), Dynamic: true,
			Type: types.NewSystemBoolType(fastLaneVariable), Default: int8(1)},
		&sql.MysqlSystemVariable{Name: timestampVariable, Scope: sql.GetMysqlScope(sql.SystemVariableScope_Session), Dynamic: true,
			Type: types.NewSystemDoubleType(timestampVariable, 0, math.MaxInt32), Default: float64(0)},
		count("error_count"), count("warning_count"),
		text("aurora_version", cmp.Or(o.AuroraVersion, "3.08.0")), text("aurora_server_id", o.ServerID), text("aurora_lab_mode", "0"),
		flag("innodb_read_only", readOnly), text("version_comment", "Source distribution"), text("character_set_system", "utf8mb3"), text("version", o.Version),
		&sql.MysqlSystemVariable{Name: "aurora_replica_read_consistency", Scope: sql.GetMysqlScope(sql.SystemVariableScope_Both), Dynamic: true,
			Type: types.NewSystemStringType("aurora_replica_read_consistency"), Default: ""},
		&sql.MysqlSystemVariable{Name: "innodb_lock_wait_timeout", Scope: sql.GetMysqlScope(sql.SystemVariableScope_Both), Dynamic: true,
			Type: types.NewSystemIntType("innodb_lock_wait_timeout", 1, 1073741824, false), Default: int64(50)},
		// There is no binary log yet whose format this could be, but tools set it for their session.
		&sql.MysqlSystemVariable{Name: "binlog_format", Scope: sql.GetMysqlScope(sql.SystemVariableScope_Both), Dynamic: true,
			Type: types.NewSystemEnumType("binlog_format", "MIXED", "STATEMENT", "ROW"), Default: "ROW"},
		&sql.MysqlSystemVariable{Name: "innodb_stats_persistent", Scope: sql.GetMysqlScope(sql.SystemVariableScope_Global), Dynamic: true,
			Type: types.NewSystemBoolType("innodb_stats_persistent"), Default: int8(1)},
	})
	sql.SystemVariables.AddSystemVariables(e.logVariables())
	sql.SystemVariables.AddSystemVariables([]sql.SystemVariable{&sql.MysqlSystemVariable{Name: "mandatory_roles", Scope: sql.GetMysqlScope(sql.SystemVariableScope_Global),
		Dynamic: true, Type: types.NewSystemStringType("mandatory_roles"), Default: "", NotifyChanged: e.mandatoryRolesChange}})
	sql.SystemVariables.AddSystemVariables(memoryVariables(o.MemoryLimit))
	listed, err := sysvar.Listed()
	if err != nil {
		return err
	}
	sql.SystemVariables.AddSystemVariables(listed)
	sysvar.Bound()
	noteGlobals()
	values := map[string]any{"lower_case_table_names": int8(0), "max_connections": int64(16000), "max_prepared_stmt_count": int64(1048576), "local_infile": int8(1),
		"collation_server": tabledef.DefaultCollation.Name(), "collation_connection": tabledef.DefaultCollation.Name(), "collation_database": tabledef.DefaultCollation.Name(),
		"default_collation_for_utf8mb4": tabledef.DefaultCollation.Name(), "character_set_server": "utf8mb4", "character_set_database": "utf8mb4"}
	if sv, _, ok := sql.SystemVariables.GetGlobal("sql_mode"); ok {
		if m, ok := sv.(*sql.MysqlSystemVariable); ok {
			with := *m
			with.Default, with.Type = defaultMode, typeOfModes()
			sql.SystemVariables.AddSystemVariables([]sql.SystemVariable{&with})
		}
	}
	if o.Temp.Dir != "" {
		values["tmpdir"] = o.Temp.Dir
	}
	if o.Port != 0 {
		values["port"] = int64(o.Port)
	}
	if o.Socket != "" {
		values["socket"] = o.Socket
	}
	if o.DataDir != "" {
		values["datadir"] = o.DataDir
	}
	for name, v := range values {
		if sv, _, ok := sql.SystemVariables.GetGlobal(name); ok {
			cv, _, err := sv.GetType().Convert(ctx, v)
			if err != nil {
				return fmt.Errorf("set %s: %w", name, err)
			}
			if m, ok := sv.(*sql.MysqlSystemVariable); ok { // what SET x = DEFAULT goes back to
				with := *m
				with.Default = cv
				sql.SystemVariables.AddSystemVariables([]sql.SystemVariable{&with})
			}
			if err := sql.SystemVariables.AssignValues(map[string]any{name: cv}); err != nil {
				return fmt.Errorf("set %s: %w", name, err)
			}
		}
	}
	if err := e.loadPersisted(ctx); err != nil {
		return err
	}
	if db, ok := e.db.(table.AutoIncModer); ok { // read at the start only, as MySQL does
		if mode, ok := e.GlobalInt("innodb_autoinc_lock_mode"); ok {
			e.oneByOne = mode == 0
			db.SetAutoIncMode(int(mode))
		}
	}
	return nil
}

// globalOnly are the variables that have no session value. The library gives a session a copy of all when it begins.
var globalOnly = map[string]bool{}

func noteGlobals() {
	all := map[string]bool{}
	for name := range sql.SystemVariables.GetAllGlobalVariables() {
		if sv, _, ok := sql.SystemVariables.GetGlobal(name); ok && sv.IsGlobalOnly() {
			all[name] = true
		}
	}
	globalOnly = all
}

func (e *Engine) loadPersisted(ctx context.Context) error {
	list, err := e.catalog.Objects(ctx, kindVariable, "")
	if err != nil {
		return fmt.Errorf("read the persisted variables: %w", err)
	}
	for _, o := range list {
		body := o.Body
		if body == nil {
			full, err := e.catalog.Object(ctx, kindVariable, "", o.Name)
			if err != nil {
				return fmt.Errorf("read the persisted variable %s: %w", o.Name, err)
			}
			if full == nil {
				continue
			}
			body = full.Body
		}
		v, err := persistedValue(ctx, o.Name, body)
		if err != nil || v == nil {
			continue // a variable that this version does not have, or no longer with this value
		}
		if err := sql.SystemVariables.AssignValues(map[string]any{o.Name: v}); err != nil {
			return fmt.Errorf("apply the persisted variable %s: %w", o.Name, err)
		}
		sql.SystemVariables.(*variableRegistry).note(o.Name, variableOrigin{source: "PERSISTED", path: e.opts.DataDir + "mysqld-auto.cnf"})
	}
	return nil
}

func persistedValue(ctx context.Context, name string, body []byte) (any, error) {
	sv, _, ok := sql.SystemVariables.GetGlobal(name)
	if !ok {
		return nil, nil
	}
	var raw any
	if err := json.Unmarshal(body, &raw); err != nil {
		return nil, fmt.Errorf("persisted variable %s: %w", name, err)
	}
	if f, ok := raw.(float64); ok && f == math.Trunc(f) && !strings.ContainsAny(string(body), ".eE") {
		if n, err := strconv.ParseInt(string(body), 10, 64); err == nil { // JSON has one kind of number, and a variable of whole ones takes no other
			raw = n
		} else if u, err := strconv.ParseUint(string(body), 10, 64); err == nil {
			raw = u
		}
	}
	v, _, err := sv.GetType().Convert(ctx, raw)
	return v, err
}

// PersistGlobal is SET PERSIST and SET PERSIST_ONLY.
func (g *gmsSession) PersistGlobal(ctx *sql.Context, name string, value any) error {
	sv, _, ok := sql.SystemVariables.GetGlobal(name)
	if !ok {
		return sql.ErrUnknownSystemVariable.New(name)
	}
	v, _, err := sv.GetType().Convert(ctx, value)
	if err != nil {
		return err
	}
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return g.s.e.catalog.PutObjects(ctx, table.Object{Kind: kindVariable, Name: strings.ToLower(name), Body: body})
}

// RemovePersistedGlobal is RESET PERSIST name.
func (g *gmsSession) RemovePersistedGlobal(name string) error {
	return g.s.e.catalog.PutObjects(context.Background(), table.Object{Kind: kindVariable, Name: strings.ToLower(name)})
}

// RemoveAllPersistedGlobals is RESET PERSIST.
func (g *gmsSession) RemoveAllPersistedGlobals() error {
	ctx := context.Background()
	list, err := g.s.e.catalog.Objects(ctx, kindVariable, "")
	if err != nil {
		return err
	}
	gone := make([]table.Object, len(list))
	for i := range list {
		gone[i] = table.Object{Kind: kindVariable, Name: list[i].Name}
	}
	return g.s.e.catalog.PutObjects(ctx, gone...)
}

// GetPersistedValue returns what SET PERSIST stored.
func (g *gmsSession) GetPersistedValue(name string) (any, error) {
	ctx := context.Background()
	o, err := g.s.e.catalog.Object(ctx, kindVariable, "", strings.ToLower(name))
	if err != nil || o == nil {
		return nil, err
	}
	return persistedValue(ctx, name, o.Body)
}

// uptime is for SHOW STATUS.
func (e *Engine) uptime() time.Duration { return time.Since(e.started) }
