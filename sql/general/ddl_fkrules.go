package general

import (
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/plan"

	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/tabledef"
)

// What a foreign key's actions change, nobody else may compute or judge: InnoDB carries actions out without evaluating expressions. So columns
// of a foreign key are no virtual ones, an action changes no generated column, no column that a stored one is computed of, and none that a CHECK names.

// fkRules refuses foreign keys whose actions change columns that they must not. attrs.Checks are those of n, in their order.
func fkRules(c *sql.Context, d *table.Def, attrs *tabledef.Attrs, n *plan.CreateTable) error {
	columns := n.PkSchema().Schema
	for i := range attrs.FKs {
		f := &attrs.FKs[i]
		for _, name := range f.Columns {
			at := tabledef.Position(d, name)
			if d.Columns[at].Virtual {
				return mysqlerr.New(mysqlerr.ER_FK_CANNOT_USE_VIRTUAL_COLUMN, f.Name, name)
			}
			if clause := f.Writes(); clause != "" && columns[at].Generated != nil {
				return mysqlerr.New(mysqlerr.ER_WRONG_FK_OPTION_FOR_GENERATED_COLUMN, clause)
			}
			for k, col := range columns {
				if f.Acts() && col.Generated != nil && !d.Columns[k].Virtual && refersTo(c, col.Generated, name) {
					return mysqlerr.New(mysqlerr.ER_CANNOT_ADD_FOREIGN)
				}
			}
			if f.Writes() == "" {
				continue
			}
			for k, ch := range n.Checks() {
				if refersTo(c, ch.Expr, name) {
					return mysqlerr.New(mysqlerr.ER_CHECK_CONSTRAINT_CLAUSE_USING_FK_REFER_ACTION_COLUMN, name, attrs.Checks[k].Name, f.Name)
				}
			}
		}
	}
	return nil
}
