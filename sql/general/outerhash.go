package general

import (
	"io"
	"slices"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/transform"
	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/sql/exact"
	"github.com/zoryadb/zorya/sql/spill"
)

// A correlated subquery that no index serves reads its table anew for each row of the outer query. MySQL rewrites some of them to derived
// tables (optimizer_switch's subquery_to_derived). Here the rows below a filter that compares columns with the outer row are hashed by those columns
// when the subquery has run a few times, and each further run is a lookup, unless the statement may change them. The filter stays, so the table must only not miss rows.

// scansBeforeHash is how often a subquery reads all rows before they are hashed: a table costs about as much as two scans, and a run may stop early.
const scansBeforeHash = 2

// outerHash gives the rows of its child, or, from some run on, those that a filter above it may let pass.
type outerHash struct {
	plan.UnaryNode
	keys *plan.HashLookup // shared by the copies that the library makes for each run: it names the table
}

func (n *outerHash) String() string                   { return n.Child.String() }
func (n *outerHash) IsReadOnly() bool                 { return n.Child.IsReadOnly() }
func (n *outerHash) Schema(c *sql.Context) sql.Schema { return n.Child.Schema(c) }
func (n *outerHash) Describe(c *sql.Context, o sql.DescribeOptions) string {
	return sql.Describe(c, n.Child, o)
}

func (n *outerHash) WithChildren(_ *sql.Context, ch ...sql.Node) (sql.Node, error) {
	if len(ch) != 1 {
		return nil, sql.ErrInvalidChildrenNumber.New(n, len(ch), 1)
	}
	return &outerHash{plan.UnaryNode{Child: ch[0]}, n.keys}, nil
}

// hashByOuter rewrites the plan of a subquery that refers to the columns outer.
func hashByOuter(c *sql.Context, q sql.Node, outer sql.ColSet) (sql.Node, error) {
	out, _, err := transform.NodeWithOpaque(c, q, func(c *sql.Context, n sql.Node) (sql.Node, transform.TreeIdentity, error) {
		f, ok := n.(*plan.Filter)
		if !ok || !sameForAll(c, f.Child, outer) {
			return n, transform.SameTree, nil
		}
		var probe, entry expression.Tuple
		for _, e := range expression.SplitConjunction(c, f.Expression) {
			if inner, other := outerPair(c, e, f.Child.Schema(c), outer); inner != nil {
				entry, probe = append(entry, inner), append(probe, other)
			}
		}
		if len(entry) == 0 {
			return n, transform.SameTree, nil
		}
		keys := plan.NewHashLookup(c, f.Child, entry, probe, plan.JoinTypeHash)
		if w := exact.WeighKeys(c, keys); w != nil {
			keys = w
		}
		keys.RightEntryKey = withoutNulls(keys.RightEntryKey)
		return plan.NewFilter(c, f.Expression, &outerHash{plan.UnaryNode{Child: f.Child}, keys}), transform.NewTree, nil
	})
	return out, err
}

// outerPair returns the two sides of an equality of a column with one of the outer row.
func outerPair(c *sql.Context, e sql.Expression, schema sql.Schema, outer sql.ColSet) (inner, other *expression.GetField) {
	eq, ok := e.(*expression.Equals)
	if !ok {
		return nil, nil
	}
	l, ok1 := eq.Left().(*expression.GetField)
	r, ok2 := eq.Right().(*expression.GetField)
	if !ok1 || !ok2 {
		return nil, nil
	}
	if outer.Contains(sql.ColumnId(l.Id())) {
		l, r = r, l
	}
	if outer.Contains(sql.ColumnId(l.Id())) || !outer.Contains(sql.ColumnId(r.Id())) || schema.IndexOf(strings.ToLower(l.Name()), strings.ToLower(l.Table())) < 0 ||
		!hashesAlike(c, l, r) {
		return nil, nil
	}
	return l, r
}

// sameForAll reports whether a plan gives the same rows whatever the outer row.
func sameForAll(c *sql.Context, n sql.Node, outer sql.ColSet) bool {
	ok := true
	transform.InspectWithOpaque(c, n, func(_ *sql.Context, n sql.Node) bool {
		switch n.(type) {
		case *plan.JSONTable, *outerHash, *plan.Limit, *plan.Offset:
			ok = false
		}
		return ok
	})
	transform.InspectExpressions(c, n, func(_ *sql.Context, e sql.Expression) bool {
		switch e := e.(type) {
		case *plan.Subquery:
			ok = false
		case *expression.GetField:
			ok = ok && !outer.Contains(sql.ColumnId(e.Id()))
		case sql.NonDeterministicExpression:
			ok = ok && !e.IsNonDeterministic()
		}
		return ok
	})
	return ok
}

// outerTables are the tables of a statement's correlated subqueries. They live as long as the statement, unlike what a run keeps.
type outerTables struct {
	scope   spill.Scope
	runs    map[*plan.HashLookup]int
	results map[*rememberedID]*spill.Results
}

// mayChange reports whether the statement may change rows that a part of it reads again and again: of a table that it names as changed, or one that foreign keys
// let it change. Triggers and functions change no table that their statement reads (1442).
func (x *execution) mayChange(c *sql.Context, n sql.Node) bool {
	switch x.st.ast.(type) {
	case sqlparser.SelectStatement:
		return false
	case *sqlparser.Update, *sqlparser.Delete:
	default:
		return true
	}
	opened := func(name string) bool {
		for k := range x.opened {
			if strings.EqualFold(k[1], name) {
				return true
			}
		}
		return false
	}
	var written []string
	for _, t := range x.st.Targets() {
		if !opened(t.Table) { // a view, or an alias
			return true
		}
		written = append(written, t.Table)
	}
	changes := len(x.behind[1]) > 0
	transform.InspectWithOpaque(c, n, func(_ *sql.Context, n sql.Node) bool {
		if at, ok := n.(sql.TableNode); ok {
			b := tableBase(at.UnderlyingTable())
			changes = changes || b == nil || len(b.m.Def.ReferTo) > 0 ||
				slices.ContainsFunc(written, func(name string) bool { return strings.EqualFold(name, b.m.Def.Name) })
		}
		return !changes
	})
	return changes
}

// outerHash builds one run's rows.
func (b *builder) outerHash(c *sql.Context, n *outerHash, r sql.Row) (sql.RowIter, error) {
	x := sessionOf(c).cur
	if x.mayChange(c, n.Child) {
		return b.build(c, n.Child, r)
	}
	if x.outer == nil {
		x.outer = &outerTables{runs: map[*plan.HashLookup]int{}}
	}
	t := x.outer.scope.Table(n.keys)
	if t == nil {
		if x.outer.runs[n.keys]++; x.outer.runs[n.keys] <= scansBeforeHash {
			return b.build(c, n.Child, r)
		}
		var err error
		if t, err = b.hashTable(c, x.account(x.s), n.keys, n.Child, r, len(n.Schema(c))); err != nil {
			return nil, err
		}
		x.outer.scope.KeepTable(n.keys, t)
	}
	outer := prepended(c, n.Child)
	key, _, err := n.keys.GetHashKey(c, n.keys.LeftProbeKey, outer)
	if err != nil {
		return nil, err
	}
	if open, err := openKey(c, n.keys.LeftProbeKey, outer); open || err != nil {
		return sql.RowsToRowIter(), err
	}
	rows, err := t.Get(key)
	if err != nil {
		return nil, err
	}
	return &prefixed{outer: outer, rows: rows}, nil
}

// prepended is the outer row, which the library put before the rows of the tables of this run.
func prepended(c *sql.Context, n sql.Node) (row sql.Row) {
	transform.InspectWithOpaque(c, n, func(_ *sql.Context, n sql.Node) bool {
		if p, ok := n.(*plan.PrependNode); ok {
			row = p.Row
		}
		return row == nil
	})
	return row
}

// prefixed gives rows with the outer row before them.
type prefixed struct {
	outer sql.Row
	rows  []sql.Row
}

func (it *prefixed) Next(*sql.Context) (sql.Row, error) {
	if len(it.rows) == 0 {
		return nil, io.EOF
	}
	r := make(sql.Row, 0, len(it.outer)+len(it.rows[0]))
	r = append(append(r, it.outer...), it.rows[0]...)
	it.rows = it.rows[1:]
	return r, nil
}

func (it *prefixed) Close(*sql.Context) error { return nil }
