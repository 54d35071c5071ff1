package grammar

import (
	"strings"

	"github.com/dolthub/vitess/go/vt/sqlparser"
)

// Index hints as FROM has them.

// IndexHint names indexes of a table.
type IndexHint struct {
	Table string // as the query calls it
	Hint  string // use, force, ignore, or the optimizer hint's name
	Names []string

	Purpose string // JOIN, ORDER, GROUP; "": all of them
	Shown   string // the table for warnings, of an optimizer hint
}

// FromHints are the index hints in FROM.
func FromHints(ast sqlparser.Statement) []IndexHint {
	var out []IndexHint
	node, ok := ast.(sqlparser.SQLNode)
	if !ok {
		return nil
	}
	_ = Walk(func(n sqlparser.SQLNode) (bool, error) { // the visitor gives no error
		if t, ok := n.(*sqlparser.AliasedTableExpr); ok && t.Hints != nil {
			one := IndexHint{Table: t.As.String(), Hint: strings.TrimSpace(t.Hints.Type)}
			if name, ok := t.Expr.(sqlparser.TableName); ok && one.Table == "" {
				one.Table = name.Name.String()
			}
			for _, i := range t.Hints.Indexes {
				one.Names = append(one.Names, i.String())
			}
			out = append(out, one)
		}
		return true, nil
	}, node)
	return out
}

// Scope is what a hint is for.
func (one *IndexHint) Scope() string {
	for _, scope := range []string{"JOIN", "ORDER", "GROUP"} {
		if strings.HasSuffix(one.Hint, scope+"_INDEX") {
			return scope
		}
	}
	return one.Purpose
}
