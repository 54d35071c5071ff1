package general

import (
	"strings"

	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// uncheckable are functions that a CHECK may not call, since their answer is the session's or the moment's: the library lets some pass, and has no code of
// MySQL's for the others.
var uncheckable = map[string]bool{"user": true, "session_user": true, "system_user": true, "get_lock": true, "release_lock": true, "release_all_locks": true,
	"is_free_lock": true, "is_used_lock": true, "rand": true, "random_bytes": true, "uuid": true, "uuid_short": true, "connection_id": true, "current_user": true,
	"database": true, "schema": true, "found_rows": true, "last_insert_id": true, "row_count": true, "sleep": true, "sysdate": true, "version": true, "benchmark": true}

// checkFunctions refuses such calls: 3814.
func checkFunctions(spec *sqlparser.TableSpec) error {
	for _, con := range spec.Constraints {
		ch, ok := con.Details.(*sqlparser.CheckConstraintDefinition)
		if !ok || ch.Expr == nil {
			continue
		}
		err := sqlparser.Walk(func(n sqlparser.SQLNode) (bool, error) {
			if f, ok := n.(*sqlparser.FuncExpr); ok && uncheckable[f.Name.Lowered()] {
				return false, mysqlerr.NewMessage(mysqlerr.ER_CHECK_CONSTRAINT_NAMED_FUNCTION_IS_NOT_ALLOWED,
					"An expression of a check constraint '%s' contains disallowed function: %s.", con.Name, strings.ToLower(f.Name.String()))
			}
			return true, nil
		}, ch.Expr)
		if err != nil {
			return err
		}
	}
	return nil
}
