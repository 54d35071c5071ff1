package grammar

import (
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/sql/lexer"
	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// NamesCollation adds what the library's grammar drops of SET NAMES charset COLLATE collation.
func NamesCollation(st sqlparser.Statement, t *lexer.Cursor) error {
	set, ok := st.(*sqlparser.Set)
	if !ok {
		return nil
	}
	for i := range t.Tokens {
		if t.Word(i) != "NAMES" || !strings.EqualFold(t.At(i+2), "COLLATE") || t.At(i+3) == "" {
			continue
		}
		const quotes = "`'\""
		name := strings.Trim(t.At(i+3), quotes)
		cs, err1 := sql.ParseCharacterSet(strings.Trim(t.At(i+1), quotes))
		of, err2 := sql.ParseCollation("", name, false)
		if err1 == nil && err2 == nil && of.CharacterSet() != cs {
			return mysqlerr.New(mysqlerr.ER_COLLATION_CHARSET_MISMATCH, of.Name(), cs.Name())
		}
		coll := sqlparser.NewStrVal([]byte(name))
		set.Exprs = append(set.Exprs, &sqlparser.SetVarExpr{Scope: sqlparser.SetScope_Session, Name: sqlparser.NewColName("collation_connection"), Expr: coll})
	}
	return nil
}
