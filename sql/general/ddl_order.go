package general

import (
	"github.com/dolthub/go-mysql-server/sql"

	"github.com/zoryadb/zorya/sql/grammar"
	"github.com/zoryadb/zorya/sql/lexer"
	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// ALTER TABLE ... ORDER BY: the library's grammar lacks it. As in InnoDB it changes nothing, because rows are in the order of the clustered index.

// orderBy checks the columns of the clause and says that it changes nothing.
func (a *alteration) orderBy(c *sql.Context, written string) error {
	_, _, columns := grammar.OrderClause(lexer.NewCursor(written, 0, grammar.MaxTokens))
	for _, name := range columns {
		if _, err := a.column(name); err != nil {
			return mysqlerr.New(mysqlerr.ER_BAD_FIELD_ERROR, name, "order clause")
		}
	}
	if ix := a.old.Def.Indexes; len(columns) > 0 && len(ix) > 0 && !ix[0].Hidden {
		c.Warn(int(mysqlerr.ER_UNKNOWN_ERROR), "ORDER BY ignored as there is a user-defined clustered index in the table '%s'", a.old.Def.Name)
	}
	return nil
}
