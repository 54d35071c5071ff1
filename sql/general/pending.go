package general

import (
	"math"

	"github.com/dolthub/go-mysql-server/sql"

	"github.com/zoryadb/zorya/sql/item"
	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// The library refuses GREATEST and LEAST of ENUMs, SETs and conditions when it binds them, searches texts by rules of its own, and quotes the number of an ENUM. few and most are
// the numbers of arguments.
func init() {
	for name, n := range map[string]struct{ few, most int }{
		"greatest": {2, math.MaxInt}, "least": {2, math.MaxInt},
		"locate": {2, 3}, "position": {2, 2}, "instr": {2, 2}, "find_in_set": {2, 2}, "replace": {3, 3},
		"quote": {1, 1},
	} {
		ownFunctions[name] = func(*Engine) sql.Function {
			return sql.FunctionN{Name: name, Fn: func(_ *sql.Context, args ...sql.Expression) (sql.Expression, error) {
				if len(args) < n.few || len(args) > n.most {
					return nil, mysqlerr.New(mysqlerr.ER_WRONG_PARAMCOUNT_TO_NATIVE_FCT, name)
				}
				return item.NewPending(name, args), nil
			}}
		}
	}
}
