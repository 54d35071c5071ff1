package general

import (
	"strings"

	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/sql/lexer"
)

// namesCollation adds what the library's grammar drops of SET NAMES charset COLLATE collation.
func namesCollation(st sqlparser.Statement, t *lexer.Cursor) {
	set, ok := st.(*sqlparser.Set)
	if !ok {
		return
	}
	for i := range t.Tokens {
		if t.Word(i) != "NAMES" || !strings.EqualFold(t.At(i+2), "COLLATE") || t.At(i+3) == "" {
			continue
		}
		coll := sqlparser.NewStrVal([]byte(strings.Trim(t.At(i+3), "`'\"")))
		set.Exprs = append(set.Exprs, &sqlparser.SetVarExpr{Scope: sqlparser.SetScope_Session, Name: sqlparser.NewColName("collation_connection"), Expr: coll})
	}
}
