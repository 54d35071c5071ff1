package builtin

import (
	"fmt"
	"regexp"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"

	"github.com/zoryadb/zorya/sql/item"
)

// The library's grammar makes plain texts of DATE'2020-01-31', TIME'10:00:00' and TIMESTAMP'2020-01-31 10:00:00'. misread makes calls of them,
// and these literals with a type.

var DatedText = regexp.MustCompile(`(?i)\b(date|time|timestamp)\s*['"]`)

var DatedWords = map[string]string{"DATE": "zorya_date", "TIME": "zorya_time", "TIMESTAMP": "zorya_timestamp"}

func init() {
	for word, name := range DatedWords {
		Lacking[name] = sql.Function1{Name: name, Fn: func(c *sql.Context, e sql.Expression) sql.Expression {
			l, ok := e.(*expression.Literal)
			if !ok {
				return e
			}
			x, err := item.Temporal(c, word, fmt.Sprint(l.Value()))
			if err != nil {
				return &failing{e, err}
			}
			return x
		}}
	}
}

// failing is an expression that is an error.
type failing struct {
	sql.Expression
	err error
}

func (f *failing) Eval(*sql.Context, sql.Row) (any, error) { return nil, f.err }

func (f *failing) WithChildren(*sql.Context, ...sql.Expression) (sql.Expression, error) {
	return f, nil
}
