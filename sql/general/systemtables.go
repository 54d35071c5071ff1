package general

import (
	_ "embed"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/mysql_db"
	"github.com/dolthub/go-mysql-server/sql/types"
	"github.com/dolthub/vitess/go/sqltypes"
	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/sql/datum"
	"github.com/zoryadb/zorya/sql/sqltext"
)

// Tables of the database mysql that clients and tools look into and that hold little or nothing here.

// timezones are the names of the zones that the server knows by itself, one a line, in order.
//
//go:embed timezones.txt
var timezones string

var (
	char64    = types.MustCreateString(sqltypes.Char, 64, sql.Collation_utf8mb3_general_ci)
	char128   = types.MustCreateString(sqltypes.Char, 128, sql.Collation_utf8mb3_bin)
	yesOrNo   = types.MustCreateEnumType([]string{"Y", "N"}, sql.Collation_utf8mb3_general_ci)
	noOrYes   = types.MustCreateEnumType([]string{"N", "Y"}, sql.Collation_utf8mb3_general_ci)
	funcKinds = types.MustCreateEnumType([]string{"function", "aggregate"}, sql.Collation_utf8mb3_general_ci)
)

// emptyTable is a table that never has rows here.
func emptyTable(columns ...any) func(*Engine, string) *ownTable {
	return func(_ *Engine, name string) *ownTable {
		return &ownTable{name: name, schema: mysqlColumns(name, columns...), rows: func(*sql.Context) ([]sql.Row, error) { return nil, nil }}
	}
}

func init() {
	maps.Copy(systemTables, map[string]func(*Engine, string) *ownTable{
		"time_zone":      timeZoneTable,
		"time_zone_name": timeZoneNameTable,
		"global_grants":  globalGrantsTable,
		"plugin":         emptyTable("name", varchar64, "dl", types.MustCreateString(sqltypes.VarChar, 128, sql.Collation_utf8mb3_general_ci)),
		"func":           emptyTable("name", char64, "ret", types.Int8, "dl", char128, "type", funcKinds),
		"gtid_executed":  emptyTable("source_uuid", char64, "interval_start", types.Int64, "interval_end", types.Int64),
		"proxies_priv": emptyTable("Host", varchar255, "User", varchar32, "Proxied_host", varchar255, "Proxied_user", varchar32, "With_grant", types.Int8,
			"Grantor", types.MustCreateString(sqltypes.VarChar, 288, sql.Collation_utf8mb3_bin), "Timestamp", types.Timestamp),
		"help_topic":    emptyTable("help_topic_id", types.Uint32, "name", char64, "help_category_id", types.Uint16, "description", types.Text, "example", types.Text, "url", types.Text),
		"help_keyword":  emptyTable("help_keyword_id", types.Uint32, "name", char64),
		"help_category": emptyTable("help_category_id", types.Uint16, "name", char64, "parent_category_id", types.Uint16, "url", types.Text),
		"help_relation": emptyTable("help_topic_id", types.Uint32, "help_keyword_id", types.Uint32),
	})
}

// systemTableNames are the names of the tables that SHOW TABLES lists beside the library's.
func systemTableNames(library []string) []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(systemTables)) {
		if !slices.Contains(library, name) && !strings.HasSuffix(name, "_backup") {
			out = append(out, name)
		}
	}
	return out
}

func timeZoneTable(_ *Engine, name string) *ownTable {
	return &ownTable{name: name, schema: mysqlColumns(name, "Time_zone_id", types.Uint32, "Use_leap_seconds", yesOrNo), rows: func(*sql.Context) (out []sql.Row, _ error) {
		for i := range strings.Fields(timezones) {
			out = append(out, sql.Row{uint32(i + 1), uint16(2)})
		}
		return out, nil
	}}
}

func timeZoneNameTable(_ *Engine, name string) *ownTable {
	return &ownTable{name: name, schema: mysqlColumns(name, "Name", char64, "Time_zone_id", types.Uint32), rows: func(*sql.Context) (out []sql.Row, _ error) {
		for i, zone := range strings.Fields(timezones) {
			out = append(out, sql.Row{zone, uint32(i + 1)})
		}
		return out, nil
	}}
}

// globalGrantsTable is mysql.global_grants: the dynamic privileges of accounts.
func globalGrantsTable(e *Engine, name string) *ownTable {
	return &ownTable{name: name, schema: mysqlColumns(name, "USER", varchar32, "HOST", varchar255, "PRIV", types.MustCreateString(sqltypes.Char, 32, sql.Collation_utf8mb3_general_ci),
		"WITH_GRANT_OPTION", noOrYes), rows: func(*sql.Context) (out []sql.Row, _ error) {
		rd := e.mysqlDB().Reader()
		defer rd.Close()
		rd.VisitUsers(func(u *mysql_db.User) {
			for i, withGrant := range []bool{false, true} {
				for _, p := range u.PrivilegeSet.ToSliceDynamic(withGrant) {
					out = append(out, sql.Row{u.User, u.Host, strings.ToUpper(p), uint16(i + 1)})
				}
			}
		})
		slices.SortFunc(out, func(a, b sql.Row) int {
			for i := range 3 {
				if c := strings.Compare(a[i].(string), b[i].(string)); c != 0 {
					return c
				}
			}
			return 0
		})
		return out, nil
	}}
}

// systemStatusRows are the rows of SHOW TABLE STATUS of a schema that is not stored: as information_schema.TABLES tells of its tables.
func (s *Session) systemStatusRows(c *sql.Context, schema string) ([]sql.Row, error) {
	db := s.e.systemDatabase(schema)
	if db == nil {
		var err error
		if db, err = s.e.gms.Analyzer.Catalog.Database(c, schema); err != nil {
			return nil, err
		}
	}
	if !strings.EqualFold(schema, sql.InformationSchemaDatabaseName) {
		err := s.authorize(c, sqlparser.AuthInformation{AuthType: sqlparser.AuthType_SELECT, TargetType: sqlparser.AuthTargetType_DatabaseIdentifiers, TargetNames: []string{db.Name()}})
		if err != nil {
			return nil, err
		}
	}
	var out []sql.Row
	for w := (infoWalk{e: s.e, databases: []sql.Database{db}}); ; {
		name, view, err := w.next(c)
		if err == io.EOF {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		one := infoTable{e: s.e, db: db, name: name, view: view != nil}
		row := sql.Row{name}
		for col := infoEngine; col <= infoComment; col++ {
			v, err := one.column(c, col)
			if err != nil {
				return nil, err
			}
			row = append(row, v)
		}
		out = append(out, row)
	}
}

// showCreateSystem is SHOW CREATE TABLE of a table that is not stored. A default is written as the text of its value: the library has the numbers of an ENUM's members.
func (s *Session) showCreateSystem(c *sql.Context, x *execution, db sql.Database, t sql.Table, err error) (*Result, error) {
	if err != nil {
		return nil, err
	}
	if err := s.authorize(c, sqlparser.AuthInformation{AuthType: sqlparser.AuthType_SELECT, TargetType: sqlparser.AuthTargetType_SingleTableIdentifier,
		TargetNames: []string{db.Name(), "", t.Name()}}); err != nil {
		return nil, err
	}
	var format sql.MySqlSchemaFormatter
	var lines, keys []string
	for _, col := range t.Schema(c) {
		def, shown := "", *col
		switch {
		case types.IsTextBlob(col.Type) || types.IsJSON(col.Type): // have no literal as their default
			shown.Default = nil
		case col.Default != nil:
			v, err := col.Default.Eval(c, nil)
			if err != nil {
				return nil, err
			}
			if def = "NULL"; v != nil {
				text, err := datum.Ordered(col.Type).SQL(c, nil, v)
				if err != nil {
					return nil, err
				}
				def = sqltext.Literal(text.ToString())
			}
		}
		lines = append(lines, format.GenerateCreateTableColumnDefinition(&shown, def, "", t.Collation()))
		if col.PrimaryKey {
			keys = append(keys, col.Name)
		}
	}
	if len(keys) > 0 {
		lines = append(lines, format.GenerateCreateTablePrimaryKeyDefinition(keys))
	}
	text := format.GenerateCreateTableStatement(t.Name(), lines, "", "", t.Collation().CharacterSet().String(), t.Collation().String(), "")
	if db.Name() == "performance_schema" {
		text = strings.Replace(text, "ENGINE=InnoDB", "ENGINE=PERFORMANCE_SCHEMA", 1)
	}
	return s.rowsOf(c, x, texts("Table", "Create Table"), []sql.Row{{t.Name(), text}}), nil
}
