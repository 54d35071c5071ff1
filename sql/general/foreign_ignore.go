package general

import (
	"errors"
	"strconv"

	"github.com/dolthub/go-mysql-server/sql"
)

// IGNORE passes over a row whose change fails. When foreign keys act, the change is one of several rows: what an action may not do, perhaps tables
// further on, is found when the row itself and other children have been changed. InnoDB goes back to where the row began; so does this.

// ignoredRow opens the names of savepoints that rows of IGNORE statements go back to. No client can write such a name.
const ignoredRow = "\x00ignored row "

// whole changes a row, or nothing at all if that fails and the statement goes on.
func (n *incoming) whole(c *sql.Context, ed any, change func() error) error {
	_, own := keeperOf(ed)
	if !n.ignore || own == nil || len(own.def().ReferBy) == 0 {
		return change()
	}
	s := sessionOf(c)
	txn := s.cur.stmt.Txn()
	s.ignoredRows++ // a trigger's statement may be such a one, too
	defer func() { s.ignoredRows-- }()
	name := ignoredRow + strconv.Itoa(s.ignoredRows)
	txn.Savepoint(name)
	err := change()
	if err != nil {
		if rerr := txn.RollbackTo(c, name); rerr != nil {
			return errors.Join(err, rerr)
		}
	}
	if rerr := txn.Release(name); rerr != nil {
		return errors.Join(err, rerr)
	}
	return err
}
