package general

import (
	"slices"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/transform"
	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/sql/grammar"
	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// USE, FORCE and IGNORE INDEX, and the optimizer hints INDEX, JOIN_INDEX, ORDER_INDEX and their contraries: the library does not see the indexes that are not to be
// used. A table scan is always left to it, after FORCE INDEX too.

// hintIndexes applies index hints to a bound statement. 1176: one in FROM names an index that the table does not have.
func hintIndexes(c *sql.Context, x *execution, ast sqlparser.Statement, bound sql.Node) error {
	list := grammar.FromHints(ast)
	if x.st != nil && x.st.hints != nil {
		list = append(list, x.st.hints.Indexes...)
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
		of := tables[strings.ToLower(one.Table)]
		for _, b := range of {
			keep, err := hinted(c, &one, b)
			if err != nil {
				return err
			}
			if !reads || len(of) != 1 || keep == nil {
				continue
			}
			if purpose := one.Scope(); purpose == "" || purpose == "JOIN" {
				b.keeps = append(b.keeps, keep)
			}
			if purpose := one.Scope(); purpose == "" || purpose == "ORDER" {
				b.sortKeeps = append(b.sortKeeps, keep)
			}
			if purpose := one.Scope(); purpose == "" || purpose == "GROUP" {
				b.groupKeeps = append(b.groupKeeps, keep)
			}
		}
	}
	return nil
}

// hinted is which indexes of a table a hint leaves, nil for all.
func hinted(c *sql.Context, one *grammar.IndexHint, b *base) (func(name string) bool, error) {
	var named []string
	for _, want := range one.Names {
		found := ""
		for i := range b.m.Def.Indexes {
			name := (&index{b, i}).ID()
			if strings.EqualFold(name, want) {
				found = name
				break
			}
			if one.Shown == "" && len(want) > 0 && len(name) > len(want) && strings.EqualFold(name[:len(want)], want) {
				found = name // a prefix that is unambiguous will do
			}
		}
		if found == "" {
			if one.Shown == "" {
				return nil, mysqlerr.New(mysqlerr.ER_KEY_DOES_NOT_EXITS, want, one.Table)
			}
			c.Warn(3128, "Unresolved name %s `%s` for %s hint", one.Shown, want, one.Hint)
			continue
		}
		named = append(named, found)
	}
	in := func(name string) bool { return slices.Contains(named, name) }
	switch one.Hint {
	case "use", "force":
		return in, nil
	case "ignore":
		return func(name string) bool { return !in(name) }, nil
	case "INDEX", "JOIN_INDEX", "ORDER_INDEX":
		if len(named) > 0 {
			return in, nil
		}
	case "NO_INDEX", "NO_JOIN_INDEX", "NO_ORDER_INDEX":
		if len(one.Names) == 0 {
			return in, nil // none of them
		}
		return func(name string) bool { return !in(name) }, nil
	}
	return nil, nil
}
