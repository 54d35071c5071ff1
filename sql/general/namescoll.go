package general

import (
	"strings"

	"github.com/dolthub/vitess/go/vt/sqlparser"
)

// namesCollation adds what the library's grammar drops of SET NAMES charset COLLATE collation.
func namesCollation(st sqlparser.Statement, t *tokens) {
	set, ok := st.(*sqlparser.Set)
	if !ok {
		return
	}
	for i := range t.list {
		if t.word(i) != "NAMES" || !strings.EqualFold(t.at(i+2), "COLLATE") || t.at(i+3) == "" {
			continue
		}
		coll := sqlparser.NewStrVal([]byte(strings.Trim(t.at(i+3), "`'\"")))
		set.Exprs = append(set.Exprs, &sqlparser.SetVarExpr{Scope: sqlparser.SetScope_Session, Name: sqlparser.NewColName("collation_connection"), Expr: coll})
	}
}
