package general

import (
	"github.com/dolthub/go-mysql-server/sql"

	"github.com/zoryadb/zorya/sql/item"
	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// The library refuses GREATEST and LEAST of ENUMs, SETs and conditions when it binds them.
func init() {
	for _, name := range []string{"greatest", "least"} {
		ownFunctions[name] = func(*Engine) sql.Function {
			return sql.FunctionN{Name: name, Fn: func(_ *sql.Context, args ...sql.Expression) (sql.Expression, error) {
				if len(args) < 2 {
					return nil, mysqlerr.New(mysqlerr.ER_WRONG_PARAMCOUNT_TO_NATIVE_FCT, name)
				}
				return item.NewPending(name, args), nil
			}}
		}
	}
}
