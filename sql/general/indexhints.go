package general

import (
	"slices"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/transform"
	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// USE, FORCE and IGNORE INDEX, and the optimizer hints INDEX, JOIN_INDEX, ORDER_INDEX and their contraries: the library does not see the indexes that are not to be
// used. A table scan is always left to it, after FORCE INDEX too.

// indexHint names indexes of a table.
type indexHint struct {
	table string // as the query calls it
	hint  string // use, force, ignore, or the optimizer hint's name
	names []string

	purpose string // JOIN, ORDER, GROUP; "": all of them
	shown   string // the table for warnings, of an optimizer hint
}

// fromHints are the index hints in FROM.
func fromHints(ast sqlparser.Statement) []indexHint {
	var out []indexHint
	node, ok := ast.(sqlparser.SQLNode)
	if !ok {
		return nil
	}
	_ = walk(func(n sqlparser.SQLNode) (bool, error) { // the visitor gives no error
		if t, ok := n.(*sqlparser.AliasedTableExpr); ok && t.Hints != nil {
			one := indexHint{table: t.As.String(), hint: strings.TrimSpace(t.Hints.Type)}
			if name, ok := t.Expr.(sqlparser.TableName); ok && one.table == "" {
				one.table = name.Name.String()
			}
			for _, i := range t.Hints.Indexes {
				one.names = append(one.names, i.String())
			}
			out = append(out, one)
		}
		return true, nil
	}, node)
	return out
}

// hintIndexes applies index hints to a bound statement. 1176: one in FROM names an index that the table does not have.
func hintIndexes(c *sql.Context, x *execution, ast sqlparser.Statement, bound sql.Node) error {
	list := fromHints(ast)
	if x.st != nil && x.st.hints != nil {
		list = append(list, x.st.hints.indexes...)
	}
	if len(list) == 0 {
		return nil
	}
	tables := map[string][]*base{}
	note := func(n sql.Node) {
		transform.InspectWithOpaque(c, n, func(_ *sql.Context, n sql.Node) bool {
			if _, filter := n.(*plan.Filter); filter {
				return true
			}
			alias, b := underFilter(n)
			if b != nil {
				tables[strings.ToLower(alias)] = append(tables[strings.ToLower(alias)], b)
			}
			return b == nil
		})
	}
	note(bound)
	transform.InspectExpressionsWithNode(c, bound, func(_ *sql.Context, _ sql.Node, e sql.Expression) bool {
		if q, ok := e.(*plan.Subquery); ok {
			note(q.Query)
		}
		return true
	})
	_, reads := ast.(sqlparser.SelectStatement)
	for _, one := range list {
		of := tables[strings.ToLower(one.table)]
		for _, b := range of {
			keep, err := one.indexes(c, b)
			if err != nil {
				return err
			}
			if !reads || len(of) != 1 || keep == nil {
				continue
			}
			if purpose := one.scope(); purpose == "" || purpose == "JOIN" {
				b.keeps = append(b.keeps, keep)
			}
			if purpose := one.scope(); purpose == "" || purpose == "ORDER" {
				b.sortKeeps = append(b.sortKeeps, keep)
			}
			if purpose := one.scope(); purpose == "" || purpose == "GROUP" {
				b.groupKeeps = append(b.groupKeeps, keep)
			}
		}
	}
	return nil
}

// scope is what a hint is for.
func (one *indexHint) scope() string {
	for _, scope := range []string{"JOIN", "ORDER", "GROUP"} {
		if strings.HasSuffix(one.hint, scope+"_INDEX") {
			return scope
		}
	}
	return one.purpose
}

// indexes is which indexes of a table a hint leaves, nil for all.
func (one *indexHint) indexes(c *sql.Context, b *base) (func(name string) bool, error) {
	var named []string
	for _, want := range one.names {
		found := ""
		for i := range b.m.def.Indexes {
			name := (&index{b, i}).ID()
			if strings.EqualFold(name, want) {
				found = name
				break
			}
			if one.shown == "" && len(want) > 0 && len(name) > len(want) && strings.EqualFold(name[:len(want)], want) {
				found = name // a prefix that is unambiguous will do
			}
		}
		if found == "" {
			if one.shown == "" {
				return nil, mysqlerr.New(mysqlerr.ER_KEY_DOES_NOT_EXITS, want, one.table)
			}
			c.Warn(3128, "Unresolved name %s `%s` for %s hint", one.shown, want, one.hint)
			continue
		}
		named = append(named, found)
	}
	in := func(name string) bool { return slices.Contains(named, name) }
	switch one.hint {
	case "use", "force":
		return in, nil
	case "ignore":
		return func(name string) bool { return !in(name) }, nil
	case "INDEX", "JOIN_INDEX", "ORDER_INDEX":
		if len(named) > 0 {
			return in, nil
		}
	case "NO_INDEX", "NO_JOIN_INDEX", "NO_ORDER_INDEX":
		if len(one.names) == 0 {
			return in, nil // none of them
		}
		return func(name string) bool { return !in(name) }, nil
	}
	return nil, nil
}
