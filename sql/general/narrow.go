package general

import (
	"cmp"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/transform"

	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/grammar"
	"github.com/zoryadb/zorya/sql/item"
)

// Conditions that an index with many entries for a row answers (MATCH, spatial relations) narrow a table: its rows are not scanned but read by the
// references that the index gives. The library knows nothing of such indexes; it sees a table scan under a filter, and other indexes of the
// table are hidden from it where a condition narrows (narrowable). The filter stays: what the index gives may be more than what matches.

// narrowing finds a table's rows by an index of a kind.
type narrowing interface {
	// refs are rows among which are all that match. Locking, they are as they are now, and locked.
	refs(c *sql.Context, b *base, mode grammar.LockMode) ([]foundRow, error)
	// explain says what EXPLAIN shows of it.
	explain(c *sql.Context, b *base, a *access)
}

// anyOf is a disjunction: rows that one of them finds.
type anyOf []narrowing

func (a anyOf) refs(c *sql.Context, b *base, mode grammar.LockMode) (out []foundRow, err error) {
	seen := map[string]bool{}
	for _, n := range a {
		rows, err := n.refs(c, b, mode)
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			if !seen[string(r.ref)] {
				seen[string(r.ref)] = true
				out = append(out, foundRow{ref: r.ref})
			}
		}
	}
	return out, nil
}

func (a anyOf) explain(c *sql.Context, b *base, to *access) {
	to.kind, to.rows = "index_merge", 0
	var names []string
	for _, n := range a {
		one := *to
		n.explain(c, b, &one)
		to.possible, to.rows = append(to.possible, one.possible...), to.rows+one.rows
		names = append(names, one.key)
	}
	to.key = strings.Join(names, ",")
	to.extra = append(to.extra, "Using union("+to.key+")")
}

func (b *base) explainNarrowed(c *sql.Context, a *access) {
	if b.narrow != nil {
		b.narrow.explain(c, b, a)
	}
}

// narrowBy finds what narrows the table called alias in a condition; nil: nothing does.
func narrowBy(c *sql.Context, b *base, alias string, e sql.Expression) narrowing {
	switch e := e.(type) {
	case *expression.And:
		if n := narrowBy(c, b, alias, e.LeftChild); n != nil {
			return n
		}
		return narrowBy(c, b, alias, e.RightChild)
	case *expression.Or:
		l, r := narrowBy(c, b, alias, e.LeftChild), narrowBy(c, b, alias, e.RightChild)
		if l == nil || r == nil {
			return nil
		}
		return anyOf{l, r}
	}
	if n := matchNarrows(c, b, alias, e); n != nil {
		return n
	}
	if n := spatialNarrows(c, b, alias, e); n != nil {
		return n
	}
	return multiNarrows(c, b, alias, e)
}

// ofTable reports whether all columns of an expression are the table's, and whether there are any.
func ofTable(c *sql.Context, alias string, e sql.Expression) (some, only bool) {
	only = true
	sql.Inspect(c, e, func(_ *sql.Context, e sql.Expression) bool {
		switch e := e.(type) {
		case *expression.GetField:
			some = true
			only = only && strings.EqualFold(e.Table(), alias)
		case *plan.Subquery:
			only = false
		case sql.NonDeterministicExpression:
			only = only && !e.IsNonDeterministic()
		}
		return only
	})
	return some, only
}

// underFilter finds our table right under a filter.
func underFilter(n sql.Node) (alias string, b *base) {
	for n != nil {
		switch t := n.(type) {
		case *plan.TableAlias:
			alias, n = t.Name(), t.Child
		case *plan.ResolvedTable:
			if b = tableBase(t.Table); b != nil {
				alias = cmp.Or(alias, b.Name())
			}
			return alias, b
		case *plan.Filter:
			n = t.Child
		default:
			return "", nil
		}
	}
	return "", nil
}

// narrowTables looks for conditions that narrow in an analysed plan, and returns the plan that profits from them.
func narrowTables(c *sql.Context, n sql.Node) (sql.Node, error) {
	some := false
	transform.InspectWithOpaque(c, n, func(c *sql.Context, n sql.Node) bool {
		if f, ok := n.(*plan.Filter); ok {
			if alias, b := underFilter(f.Child); b != nil && b.hasKinds() && b.narrow == nil {
				b.narrow = narrowBy(c, b, alias, f.Expression)
				some = some || b.narrow != nil
			}
		}
		return true
	})
	if !some {
		return n, nil
	}
	out, _, err := transform.NodeWithOpaque(c, n, ranked)
	return out, err
}

// hideIndexes is called before the library plans: a table that a condition narrows has no other indexes then.
func hideIndexes(c *sql.Context, n sql.Node) {
	transform.InspectWithOpaque(c, n, func(c *sql.Context, n sql.Node) bool {
		f, ok := n.(*plan.Filter)
		if !ok {
			return true
		}
		transform.Inspect(f.Child, func(in sql.Node) bool {
			alias, b := underFilter(in)
			if b != nil && b.hasKinds() && narrowBy(c, b, alias, f.Expression) != nil {
				b.narrows = !keyed(c, b, alias, f.Expression)
			}
			return b == nil
		})
		return true
	})
}

// keyed reports whether a condition names one row of a table by a unique key.
func keyed(c *sql.Context, b *base, alias string, e sql.Expression) bool {
	known := map[string]bool{}
	for _, e := range expression.SplitConjunction(c, e) {
		op, l, r, ok := item.Compared(e)
		if !ok || op != "=" {
			continue
		}
		for _, x := range [][2]sql.Expression{{l, r}, {r, l}} {
			if gf, ok := item.Plain(x[0]).(*expression.GetField); ok && strings.EqualFold(gf.Table(), alias) && settled(c, x[1]) {
				known[strings.ToLower(gf.Name())] = true
			}
		}
	}
	for i := range b.m.Def.Indexes {
		ix := &b.m.Def.Indexes[i]
		all := ix.Unique && !ix.Hidden && len(known) > 0
		for _, p := range ix.Parts {
			all = all && known[strings.ToLower(b.m.Def.Columns[p.Column].Name)]
		}
		if all {
			return true
		}
	}
	return false
}

// hasKinds reports whether some index of the table has a kind.
func (b *base) hasKinds() bool {
	for i := range b.m.Def.Indexes {
		if b.m.Def.Indexes[i].Kind != "" {
			return true
		}
	}
	return false
}

// narrowIter reads the rows that an index of a kind has found.
type narrowIter struct {
	t    *userTable
	rt   table.RefTable
	mode grammar.LockMode
	loc  *time.Location
	pad  bool
	need []int
	rows []foundRow
}

// narrowed is the iterator over a narrowed table, nil if it is to be scanned.
func (t *userTable) narrowed(c *sql.Context, bound table.Table) (sql.RowIter, error) {
	rt, ok := bound.(table.RefTable)
	if t.narrow == nil || !ok {
		return nil, nil
	}
	it := &narrowIter{t: t, rt: rt, mode: t.effectiveMode(c), loc: item.Location(c), need: t.proj}
	it.pad = t.padsChars(c)
	t.rank = nil
	var err error
	if it.rows, err = t.narrow.refs(c, t.base, it.mode); errors.Is(err, errMostRows) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	return it, nil
}

func (it *narrowIter) Next(c *sql.Context) (sql.Row, error) {
	for len(it.rows) > 0 {
		ref := it.rows[0].ref
		it.t.rank = it.rows[0].rank
		it.rows = it.rows[1:]
		r, err := it.rt.Row(c, ref, it.need, it.mode.Lock, it.mode.Policy)
		if err != nil {
			return nil, err
		}
		if r == nil {
			continue
		}
		if it.mode.Lock == table.LockExclusive && it.t.m.PK == nil {
			sessionOf(c).cur.refs.remember(it.t.def(), r, ref)
		}
		out, err := it.t.decode(c, r, it.t.proj, it.loc)
		if err == nil && it.pad {
			it.t.padChars(out, it.t.proj)
		}
		return out, err
	}
	return nil, io.EOF
}

func (it *narrowIter) Close(*sql.Context) error {
	it.rows, it.t.rank = nil, nil
	return nil
}
