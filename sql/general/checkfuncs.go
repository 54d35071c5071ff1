package general

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/sql/grammar"
	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// What the expressions of a table's definition may not hold: CHECK, generated columns, DEFAULT (expression). The library lets some pass, and has no code of
// MySQL's for the others.

// momentary are functions whose answer is the session's or the moment's. A CHECK and a generated column may not call them, a DEFAULT may. The value is the
// name that MySQL says.
var momentary = map[string]string{"user": "user", "session_user": "user", "system_user": "user", "current_user": "current_user", "current_role": "current_role",
	"database": "database", "schema": "database", "connection_id": "connection_id", "version": "version", "rand": "rand", "random_bytes": "random_bytes",
	"uuid": "uuid", "uuid_short": "uuid_short", "now": "now", "current_timestamp": "now", "localtime": "now", "localtimestamp": "now", "sysdate": "sysdate",
	"curdate": "curdate", "current_date": "curdate", "curtime": "curtime", "current_time": "curtime", "utc_date": "utc_date", "utc_time": "utc_time",
	"utc_timestamp": "utc_timestamp"}

// stateful are functions that no such expression may call.
var stateful = map[string]bool{"get_lock": true, "release_lock": true, "release_all_locks": true, "is_free_lock": true, "is_used_lock": true, "sleep": true,
	"benchmark": true, "found_rows": true, "last_insert_id": true, "row_count": true, "load_file": true, "master_pos_wait": true, "source_pos_wait": true,
	"name_const": true, "values": true}

// disallowed is what an expression must not hold: a function's name, a subquery, or a variable.
type disallowed struct {
	function           string
	subquery, variable bool
}

func disallowedIn(e sqlparser.Expr, inDefault bool) (d disallowed) {
	_ = grammar.Walk(func(n sqlparser.SQLNode) (bool, error) { // the visitor gives no error
		switch x := n.(type) {
		case *sqlparser.Subquery:
			d.subquery = true
			return false, nil
		case *sqlparser.ColName:
			d.variable = d.variable || strings.HasPrefix(x.Name.String(), "@")
		case *sqlparser.FuncExpr:
			name := x.Name.Lowered()
			moment := momentary[name]
			if name == "unix_timestamp" && len(x.Exprs) == 0 {
				moment = name
			}
			switch {
			case d.function != "":
			case stateful[name]:
				d.function = name
			case moment != "" && !inDefault:
				d.function = moment
			}
		}
		return true, nil
	}, e)
	return d
}

// checkFunctions refuses such expressions of a definition of the table called name.
func checkFunctions(spec *sqlparser.TableSpec, name string) error {
	for _, cd := range spec.Columns {
		column := cd.Name.String()
		if e := cd.Type.GeneratedExpr; e != nil {
			switch d := disallowedIn(e, false); {
			case d.function != "":
				return mysqlerr.New(mysqlerr.ER_GENERATED_COLUMN_NAMED_FUNCTION_IS_NOT_ALLOWED, column, d.function)
			case d.subquery:
				return mysqlerr.New(mysqlerr.ER_GENERATED_COLUMN_FUNCTION_IS_NOT_ALLOWED, column)
			case d.variable:
				return mysqlerr.NewMessage(3765, "Expression of generated column '%s' cannot refer user or system variables.", column)
			}
		}
		if e, ok := cd.Type.Default.(*sqlparser.ParenExpr); ok {
			switch d := disallowedIn(e, true); {
			case d.function != "":
				return mysqlerr.New(mysqlerr.ER_DEFAULT_VAL_GENERATED_NAMED_FUNCTION_IS_NOT_ALLOWED, column, d.function)
			case d.subquery:
				return disallowedDefault(column)
			case d.variable:
				return mysqlerr.New(mysqlerr.ER_DEFAULT_VAL_GENERATED_VARIABLES, column)
			}
		}
	}
	for _, ix := range spec.Indexes {
		for _, f := range ix.Fields {
			if f.Expression != nil && disallowedIn(f.Expression, false) != (disallowed{}) {
				return mysqlerr.New(mysqlerr.ER_FUNCTIONAL_INDEX_FUNCTION_IS_NOT_ALLOWED, ix.Info.Name.String())
			}
		}
	}
	return checkConstraints(spec, name)
}

func checkConstraints(spec *sqlparser.TableSpec, name string) error {
	unnamed, names := highestCheck(spec, name), map[string]bool{}
	for _, con := range spec.Constraints {
		ch, ok := con.Details.(*sqlparser.CheckConstraintDefinition)
		if !ok || ch.Expr == nil {
			continue
		}
		called := con.Name
		if called == "" {
			unnamed++
			called = fmt.Sprintf("%s_chk_%d", name, unnamed)
		}
		key := strings.ToLower(called)
		if names[key] {
			return mysqlerr.New(mysqlerr.ER_CHECK_CONSTRAINT_DUP_NAME, called)
		}
		names[key] = true
		switch d := disallowedIn(ch.Expr, false); {
		case d.function != "":
			return mysqlerr.New(mysqlerr.ER_CHECK_CONSTRAINT_NAMED_FUNCTION_IS_NOT_ALLOWED, called, d.function)
		case d.subquery:
			return mysqlerr.New(mysqlerr.ER_CHECK_CONSTRAINT_FUNCTION_IS_NOT_ALLOWED, called)
		case d.variable:
			return mysqlerr.New(mysqlerr.ER_CHECK_CONSTRAINT_VARIABLES, called)
		}
		if err := checkRefers(spec, con, ch.Expr, called); err != nil {
			return err
		}
	}
	return nil
}

// checkRefers refuses a check of columns that are not there, and one written with a column that names another.
func checkRefers(spec *sqlparser.TableSpec, con *sqlparser.ConstraintDefinition, e sqlparser.Expr, called string) error {
	at := slices.IndexFunc(spec.Columns, func(cd *sqlparser.ColumnDefinition) bool { return cd.Type.Constraint == con })
	return sqlparser.Walk(func(n sqlparser.SQLNode) (bool, error) {
		col, ok := n.(*sqlparser.ColName)
		switch {
		case !ok:
		case at >= 0 && !spec.Columns[at].Name.Equal(col.Name):
			return false, mysqlerr.New(mysqlerr.ER_COLUMN_CHECK_CONSTRAINT_REFERENCES_OTHER_COLUMN, called)
		case !slices.ContainsFunc(spec.Columns, func(cd *sqlparser.ColumnDefinition) bool { return cd.Name.Equal(col.Name) }):
			return false, mysqlerr.New(mysqlerr.ER_CHECK_CONSTRAINT_REFERS_UNKNOWN_COLUMN, called, col.Name.String())
		}
		return true, nil
	}, e)
}

// highestCheck is the highest number among the names that were made for checks of the table.
func highestCheck(spec *sqlparser.TableSpec, name string) int {
	highest := 0
	for _, con := range spec.Constraints {
		if _, ok := con.Details.(*sqlparser.CheckConstraintDefinition); !ok {
			continue
		}
		if rest, ok := strings.CutPrefix(con.Name, name+"_chk_"); ok {
			if k, err := strconv.Atoi(rest); err == nil {
				highest = max(highest, k)
			}
		}
	}
	return highest
}

func disallowedDefault(column string) *mysqlerr.Error {
	return mysqlerr.NewMessage(3769, "Default value expression of column '%s' contains a disallowed function.", column)
}
