package general

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/types"

	"github.com/zoryadb/zorya/sql/grammar"
	"github.com/zoryadb/zorya/sql/item"
	"github.com/zoryadb/zorya/sql/perfschema"
	"github.com/zoryadb/zorya/sql/tabledef"
)

// infoSchema is the library's information_schema with tables of our own: those that it fills wrongly for what this package
// stores itself, and Aurora's.
type infoSchema struct {
	sql.Database
	e *Engine
}

// ownTable is a table whose rows are computed at each read.
type ownTable struct {
	name   string
	schema sql.Schema
	rows   func(ctx *sql.Context) ([]sql.Row, error)
}

func (t *ownTable) Name() string                                       { return t.name }
func (t *ownTable) String() string                                     { return t.name }
func (t *ownTable) Schema(*sql.Context) sql.Schema                     { return t.schema }
func (t *ownTable) Collation() sql.CollationID                         { return tabledef.DefaultCollation }
func (t *ownTable) Partitions(*sql.Context) (sql.PartitionIter, error) { return &partitions{}, nil }
func (t *ownTable) PartitionRows(ctx *sql.Context, _ sql.Partition) (sql.RowIter, error) {
	rows, err := t.rows(ctx)
	if err != nil {
		return nil, err
	}
	return sql.RowsToRowIter(rows...), nil
}

// ownTables by lower-case name.
var ownTables = map[string]func(e *Engine) *ownTable{
	"views":                             viewsTable,
	"routines":                          routinesTable,
	"parameters":                        parametersTable,
	"triggers":                          triggersTable,
	"events":                            eventsTable,
	"partitions":                        partitionsTable,
	"replica_host_status":               replicaTable,
	"innodb_ft_default_stopword":        stopwordTable,
	"applicable_roles":                  applicableTable("APPLICABLE_ROLES", false),
	"enabled_roles":                     enabledRolesTable,
	"column_privileges":                 columnPrivilegesTable,
	"user_attributes":                   userAttributesTable,
	"innodb_tablestats":                 innodbTableStats,
	"administrable_role_authorizations": applicableTable("ADMINISTRABLE_ROLE_AUTHORIZATIONS", true),
}

func (d *infoSchema) GetTableInsensitive(ctx *sql.Context, name string) (sql.Table, bool, error) {
	if f, ok := ownTables[strings.ToLower(name)]; ok {
		return f(d.e), true, nil
	}
	if f, ok := monitorTables["information_schema"][strings.ToLower(name)]; ok {
		return f(d.e), true, nil
	}
	if t := d.e.infoTable(name); t != nil {
		return t, true, nil
	}
	t, ok, err := d.Database.GetTableInsensitive(ctx, name)
	if ok && err == nil {
		if f := d.e.filled(strings.ToLower(name), t); f != nil {
			return f, true, nil
		}
	}
	return t, ok, err
}

func (d *infoSchema) GetTableNames(ctx *sql.Context) ([]string, error) {
	names, err := d.Database.GetTableNames(ctx)
	if err != nil {
		return nil, err
	}
	have := map[string]bool{}
	for _, n := range names {
		have[strings.ToLower(n)] = true
	}
	for n := range ownTables {
		if !have[n] {
			names = append(names, n)
		}
	}
	for n := range monitorTables["information_schema"] {
		if !have[n] {
			names = append(names, n)
		}
	}
	for i := range d.e.opts.Tables {
		names = append(names, d.e.opts.Tables[i].Name)
	}
	return names, nil
}

// infoColumns makes a schema of text columns; a name that starts with # is an unsigned number, with ^ a signed one, with @ a time, with $ one with microseconds.
func infoColumns(table string, names ...string) sql.Schema {
	out := make(sql.Schema, len(names))
	for i, n := range names {
		var t sql.Type = types.LongText
		switch n[0] {
		case '#':
			t, n = types.Uint64, n[1:]
		case '^':
			t, n = types.Int64, n[1:]
		case '@':
			t, n = types.Datetime, n[1:]
		case '$':
			t, n = types.DatetimeMaxPrecision, n[1:]
		case '%':
			t, n = types.Float64, n[1:]
		}
		out[i] = &sql.Column{Name: n, Type: t, Nullable: true, Source: table, DatabaseSource: sql.InformationSchemaDatabaseName}
	}
	return out
}

// eachObject walks the objects of a kind in the databases that the user may see.
func (e *Engine) eachObject(ctx *sql.Context, kind string, f func(schema string, o *stored)) error {
	for _, db := range e.gms.Analyzer.Catalog.AllDatabases(ctx) {
		name := db.Name()
		if grammar.SystemSchema(name) {
			continue
		}
		list, err := e.objects(ctx, kind, name)
		if err != nil {
			return err
		}
		for _, o := range list {
			f(name, o)
		}
	}
	return nil
}

func viewsTable(e *Engine) *ownTable {
	return &ownTable{name: "VIEWS", schema: infoColumns("VIEWS", "TABLE_CATALOG", "TABLE_SCHEMA", "TABLE_NAME", "VIEW_DEFINITION", "CHECK_OPTION", "IS_UPDATABLE",
		"DEFINER", "SECURITY_TYPE", "CHARACTER_SET_CLIENT", "COLLATION_CONNECTION"),
		rows: func(ctx *sql.Context) ([]sql.Row, error) {
			var out []sql.Row
			err := e.eachObject(ctx, kindView, func(schema string, o *stored) {
				security, option := "DEFINER", "NONE"
				if o.Invoker {
					security = "INVOKER"
				}
				switch {
				case strings.HasSuffix(o.Text, "WITH LOCAL CHECK OPTION"):
					option = "LOCAL"
				case strings.HasSuffix(o.Text, "WITH CASCADED CHECK OPTION"):
					option = "CASCADED"
				}
				updatable := "NO"
				if s := sessionOf(ctx); s != nil {
					if v, err := s.merged(ctx, schema, o.Name, o.Name, 0); err == nil && v != nil && v.updatable() {
						updatable = "YES"
					}
				}
				out = append(out, sql.Row{"def", schema, o.Name, o.Select, option, updatable, o.plainDefiner(), security, o.Charset, o.Collation})
			})
			if s := sessionOf(ctx); s != nil && s.cur != nil && !s.hasSchema("sys") || err != nil {
				return out, err
			}
			for _, name := range slices.Sorted(maps.Keys(perfschema.Views())) {
				out = append(out, sql.Row{"def", "sys", name, perfschema.Views()[name].Select, "NONE", "NO", sysDefiner, "INVOKER", "utf8mb4", tabledef.DefaultCollation.Name()})
			}
			return out, nil
		}}
}

func routinesTable(e *Engine) *ownTable {
	return &ownTable{name: "ROUTINES", schema: infoColumns("ROUTINES", "SPECIFIC_NAME", "ROUTINE_CATALOG", "ROUTINE_SCHEMA", "ROUTINE_NAME", "ROUTINE_TYPE", "DATA_TYPE",
		"^CHARACTER_MAXIMUM_LENGTH", "^CHARACTER_OCTET_LENGTH", "#NUMERIC_PRECISION", "^NUMERIC_SCALE", "#DATETIME_PRECISION", "CHARACTER_SET_NAME", "COLLATION_NAME",
		"DTD_IDENTIFIER", "ROUTINE_BODY", "ROUTINE_DEFINITION", "EXTERNAL_NAME", "EXTERNAL_LANGUAGE", "PARAMETER_STYLE", "IS_DETERMINISTIC", "SQL_DATA_ACCESS",
		"SQL_PATH", "SECURITY_TYPE", "@CREATED", "@LAST_ALTERED", "SQL_MODE", "ROUTINE_COMMENT", "DEFINER", "CHARACTER_SET_CLIENT", "COLLATION_CONNECTION",
		"DATABASE_COLLATION"),
		rows: func(ctx *sql.Context) ([]sql.Row, error) {
			var out []sql.Row
			for _, kind := range []string{kindFunction, kindProcedure} {
				err := e.eachObject(ctx, kind, func(schema string, o *stored) { out = append(out, routineRow(ctx, schema, kind, o)) })
				if err != nil {
					return nil, err
				}
			}
			return out, nil
		}}
}

func routineRow(ctx *sql.Context, schema, kind string, o *stored) sql.Row {
	deterministic, access, security := "NO", "CONTAINS SQL", "DEFINER"
	for _, t := range o.Traits {
		if t == "DETERMINISTIC" {
			deterministic = "YES"
		} else {
			access = t
		}
	}
	if o.Invoker {
		security = "INVOKER"
	}
	var dataType, chars, octets, precision, scale, fraction, charset, collation, dtd any = "", nil, nil, nil, nil, nil, nil, nil, nil
	if kind == kindFunction {
		if d, err := declaredType(ctx, o, "", o.Returns); err == nil {
			col := d.column()
			text := col.typeText()
			dataType, dtd = typeWord(text), text
			charset, collation, chars, octets = col.text(ctx)
			precision, scale = col.precision()
			fraction = col.fraction()
		}
	}
	return sql.Row{o.Name, "def", schema, o.Name, strings.ToUpper(kind), dataType, chars, octets, precision, scale, fraction, charset, collation, dtd, "SQL", o.Body, nil, "SQL", "SQL",
		deterministic, access, nil, security, o.Created, o.Modified, o.SQLMode, o.Comment, o.plainDefiner(), o.Charset, o.Collation, o.DBCollation}
}

// replicaTable is what Aurora's drivers find the topology in: this instance, the writer.
func replicaTable(e *Engine) *ownTable {
	return &ownTable{name: "REPLICA_HOST_STATUS", schema: infoColumns("REPLICA_HOST_STATUS", "SERVER_ID", "SESSION_ID", "#IS_CURRENT", "%CPU",
		"%REPLICA_LAG_IN_MILLISECONDS", "$LAST_UPDATE_TIMESTAMP"),
		rows: func(ctx *sql.Context) ([]sql.Row, error) {
			now := time.Now().UTC()
			if loc := item.Location(ctx); loc != nil {
				t := now.In(loc)
				now = time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
			}
			return []sql.Row{{e.opts.ServerID, "MASTER_SESSION_ID", uint64(1), float64(0), float64(0), now.Truncate(time.Microsecond)}}, nil
		}}
}

var _ sql.Table = (*ownTable)(nil)
