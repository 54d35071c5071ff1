package general

import (
	"slices"
	"strings"
	"sync"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/tabledef"
)

// What a table's definition says twice, or must not refer to.

// warnDuplicateIndexes warns of each new index that indexes what one before it does, as MySQL's check_duplicate_key does. old is the
// table as it was, nil for a new one.
func warnDuplicateIndexes(c *sql.Context, d, old *table.Def) {
	for i := range d.Indexes {
		ix := &d.Indexes[i]
		if ix.Hidden || ix.Primary || old != nil && slices.ContainsFunc(old.Indexes, func(o table.Index) bool { return strings.EqualFold(o.Name, ix.Name) }) {
			continue
		}
		for j := range d.Indexes[:i] {
			if indexesAlike(&d.Indexes[j], ix) {
				e := mysqlerr.New(mysqlerr.ER_DUP_INDEX, ix.Name, d.Schema, d.Name)
				c.Warn(int(e.Code), "%s", e.Message)
				break
			}
		}
	}
}

// indexesAlike reports whether b is an index of a's kind over the same columns.
func indexesAlike(a, b *table.Index) bool {
	var x, y tabledef.Index
	if tabledef.Decode(a.Attrs, &x) != nil || tabledef.Decode(b.Attrs, &y) != nil {
		return false
	}
	return !a.Hidden && !a.Primary && a.Unique == b.Unique && x.Fulltext == y.Fulltext && x.Spatial == y.Spatial && slices.Equal(a.Parts, b.Parts)
}

// primaryKeyOption is what the library's grammar notes of a column that is declared the primary key; it has no name outside.
var primaryKeyOption = sync.OnceValue(func() sqlparser.ColumnKeyOption {
	st, err := sqlparser.Parse("CREATE TABLE t (a INT PRIMARY KEY)")
	if err != nil {
		panic(err) // the text is a constant
	}
	return st.(*sqlparser.DDL).TableSpec.Columns[0].Type.KeyOpt
})

// primaryKeys counts the primary keys that a definition declares.
func primaryKeys(spec *sqlparser.TableSpec) (n int) {
	if spec == nil {
		return 0
	}
	for _, col := range spec.Columns {
		if col.Type.KeyOpt == primaryKeyOption() {
			n++
		}
	}
	for _, ix := range spec.Indexes {
		if ix.Info.Primary {
			n++
		}
	}
	return n
}

// refersTo reports whether an expression names a column.
func refersTo(c *sql.Context, e sql.Expression, column string) (found bool) {
	sql.Inspect(c, e, func(_ *sql.Context, e sql.Expression) bool {
		if gf, ok := e.(*expression.GetField); ok && strings.EqualFold(gf.Name(), column) {
			found = true
		}
		return !found
	})
	return found
}
