package general

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/types"
	"github.com/dolthub/vitess/go/sqltypes"
)

// System and status variables as tables: performance_schema's of MySQL 8.0, and information_schema's, where MySQL 5.7 had them and MariaDB has.

func init() {
	for name, rows := range map[string]func(*sql.Context) []sql.Row{"global_variables": globalValues, "session_variables": sessionValues,
		"global_status": statusRows(true), "session_status": statusRows(false)} {
		for _, schema := range []string{"performance_schema", "information_schema"} {
			monitorTables[schema][name] = valuesTable(schema, strings.ToUpper(name), "VARIABLE_NAME VARIABLE_VALUE", rows)
		}
	}
	monitorTables["information_schema"]["system_variables"] = valuesTable("information_schema", "SYSTEM_VARIABLES",
		"VARIABLE_NAME SESSION_VALUE GLOBAL_VALUE DEFAULT_VALUE VARIABLE_SCOPE READ_ONLY", systemVariableRows)
}

// variableTextType compares without regard to case, as names of variables are written either way.
var variableTextType = types.MustCreateString(sqltypes.VarChar, 2048, sql.Collation_utf8mb3_general_ci)

func valuesTable(schema, name, columns string, rows func(*sql.Context) []sql.Row) func(*Engine) *ownTable {
	if schema == "performance_schema" {
		name = strings.ToLower(name)
	}
	return func(*Engine) *ownTable {
		t := &ownTable{name: name, schema: infoColumns(name, strings.Fields(columns)...)}
		for _, c := range t.schema {
			c.DatabaseSource = schema
			c.Type = variableTextType
		}
		t.rows = func(c *sql.Context) ([]sql.Row, error) {
			out := rows(c)
			if schema == "information_schema" {
				for _, r := range out {
					r[0] = strings.ToUpper(r[0].(string))
				}
			}
			return out, nil
		}
		return t
	}
}

// variableText is a value as SHOW VARIABLES prints it.
func variableText(v any) any {
	switch v := v.(type) {
	case nil:
		return ""
	case int8:
		switch v {
		case 0:
			return "OFF"
		case 1:
			return "ON"
		}
	case float64:
		return strconv.FormatFloat(v, 'f', 6, 64)
	}
	return fmt.Sprint(v)
}

func valueRows(values map[string]any) []sql.Row {
	var out []sql.Row
	for _, name := range slices.Sorted(maps.Keys(values)) {
		out = append(out, sql.Row{name, variableText(values[name])})
	}
	return out
}

func globalValues(*sql.Context) []sql.Row {
	return valueRows(sql.SystemVariables.GetAllGlobalVariables())
}
func sessionValues(c *sql.Context) []sql.Row { return valueRows(c.GetAllSessionVariables()) }

func statusRows(global bool) func(*sql.Context) []sql.Row {
	return func(c *sql.Context) []sql.Row {
		values := map[string]any{}
		for name, v := range sql.StatusVariables.NewGlobalMap() {
			values[name] = v.Value()
		}
		if !global {
			for name, v := range c.Session.GetAllStatusVariables(c) {
				values[name] = v.Value()
			}
		}
		return valueRows(values)
	}
}

func systemVariableRows(c *sql.Context) []sql.Row {
	global, session := sql.SystemVariables.GetAllGlobalVariables(), c.GetAllSessionVariables()
	names := map[string]any{}
	maps.Copy(names, global)
	maps.Copy(names, session)
	var out []sql.Row
	for _, name := range slices.Sorted(maps.Keys(names)) {
		sv, _, ok := sql.SystemVariables.GetGlobal(name)
		if !ok {
			continue
		}
		r := sql.Row{strings.ToUpper(name), nil, nil, variableText(sv.GetDefault()), "SESSION", "NO"}
		if sv.IsReadOnly() {
			r[5] = "YES"
		}
		if sv.IsGlobalOnly() {
			r[4] = "GLOBAL"
		} else if v, ok := session[name]; ok {
			r[1] = variableText(v)
		}
		if v, ok := global[name]; ok {
			r[2] = variableText(v)
		}
		out = append(out, r)
	}
	return out
}

// filteredVariables has the condition of SHOW VARIABLES look at rows: the library shows it the names alone.
func filteredVariables(c *sql.Context, n *plan.ShowVariables) sql.Node {
	if _, all := n.Filter.(*expression.Literal); all || n.Filter == nil {
		return n
	}
	return plan.NewFilter(c, n.Filter, plan.NewShowVariables(expression.NewLiteral(true, types.Boolean), n.Global))
}
