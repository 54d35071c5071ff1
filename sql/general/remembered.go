package general

import (
	"errors"
	"io"
	"slices"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/transform"
	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/spill"
)

// SELECT .. WHERE l.quantity < (SELECT AVG(quantity) FROM lineitem WHERE partkey = l.partkey): many rows have the same partkey. What a correlated subquery gives is kept by the values
// that it depends on, as long as the statement changes nothing and the values come again (spill.Results).

// remembered stands at the root of such a subquery. It is opaque: what the library does to a subquery's plan for each row it does for the runs that are needed.
type remembered struct {
	plan.UnaryNode
	at []int         // of the columns that the subquery depends on, in the outer row, or behind it
	id *rememberedID // shared by copies
}

type rememberedID struct{ _ byte }

func (n *remembered) Opaque() bool                     { return true }
func (n *remembered) String() string                   { return n.Child.String() }
func (n *remembered) IsReadOnly() bool                 { return n.Child.IsReadOnly() }
func (n *remembered) Schema(c *sql.Context) sql.Schema { return n.Child.Schema(c) }
func (n *remembered) Describe(c *sql.Context, o sql.DescribeOptions) string {
	return sql.Describe(c, n.Child, o)
}

func (n *remembered) WithChildren(_ *sql.Context, ch ...sql.Node) (sql.Node, error) {
	if len(ch) != 1 {
		return nil, sql.ErrInvalidChildrenNumber.New(n, len(ch), 1)
	}
	return &remembered{plan.UnaryNode{Child: ch[0]}, n.at, n.id}, nil
}

// rememberedQuery wraps the plan of a correlated subquery whose rows depend on the outer columns alone.
func rememberedQuery(c *sql.Context, q *plan.Subquery, n sql.Node) sql.Node {
	if _, done := n.(*remembered); done || volatile(q) {
		return n
	}
	d := outerPlaces{outer: q.Correlated(), ok: true}
	d.node(c, n)
	if !d.ok || len(d.at) == 0 {
		return n
	}
	slices.Sort(d.at)
	return &remembered{plan.UnaryNode{Child: n}, slices.Compact(d.at), new(rememberedID)}
}

// outerPlaces finds where the outer columns are that a plan refers to. ok is false if its rows depend on something else as well, or lock what they are made of.
type outerPlaces struct {
	outer sql.ColSet
	at    []int
	ok    bool
}

func (d *outerPlaces) node(c *sql.Context, n sql.Node) {
	transform.InspectWithOpaque(c, n, func(c *sql.Context, n sql.Node) bool {
		switch n := n.(type) {
		case *plan.JSONTable, *plan.RecursiveCte:
			d.ok = false
		case *plan.SubqueryAlias:
			d.ok = d.ok && !n.Volatile
		case sql.TableNode:
			b := tableBase(n.UnderlyingTable())
			d.ok = d.ok && (b == nil && plan.IsDualTable(n.UnderlyingTable()) || b != nil && b.mode.Lock == table.LockNone && !b.m.Virtual)
		}
		if e, is := n.(sql.Expressioner); is && d.ok {
			for _, e := range e.Expressions() {
				d.expr(c, e)
			}
		}
		return d.ok
	})
}

func (d *outerPlaces) expr(c *sql.Context, e sql.Expression) {
	sql.Inspect(c, e, func(c *sql.Context, e sql.Expression) bool {
		switch e := e.(type) {
		case *expression.GetField:
			if d.outer.Contains(e.Id()) {
				d.at = append(d.at, e.Index())
			}
		case *plan.Subquery:
			outer := d.outer
			d.outer = outer.Union(e.Correlated())
			d.node(c, e.Query)
			d.outer = outer
			d.ok = d.ok && !volatile(e)
		case *changing, *expression.UserVar, *expression.SetField, *expression.SystemVar:
			d.ok = false
		case sql.NonDeterministicExpression:
			d.ok = d.ok && !e.IsNonDeterministic()
		}
		d.ok = d.ok && !changes(e)
		return d.ok
	})
}

// volatile reports whether a subquery is not the same for the same columns. The library says it of correlated ones in any case.
func volatile(q *plan.Subquery) bool { return !q.WithCorrelated(sql.ColSet{}).CanCacheResults() }

// mostRemembered is how many rows of a run are kept: a subquery is mostly asked for one.
const mostRemembered = 4

// remembered builds one run's rows.
func (b *builder) remembered(c *sql.Context, n *remembered, outer sql.Row) (sql.RowIter, error) {
	run := func() (sql.RowIter, error) {
		q, _, err := transform.Node(c, n.Child, plan.PrependRowInPlan(outer, false))
		if err != nil {
			return nil, err
		}
		return b.build(c, q, outer)
	}
	x := sessionOf(c).cur
	if _, reads := x.st.ast.(sqlparser.SelectStatement); !reads || x.st.locking || x.measured != nil {
		return run()
	}
	if x.outer == nil {
		x.outer = &outerTables{runs: map[*plan.HashLookup]int{}}
	}
	m := x.outer.results[n.id]
	if m == nil {
		if x.outer.results == nil {
			x.outer.results = map[*rememberedID]*spill.Results{}
		}
		m = x.account(x.s).NewResults()
		x.outer.results[n.id] = m
	}
	at := n.at
	for len(at) > 0 && at[len(at)-1] >= len(outer) { // a column of a query within this one that others within it refer to
		at = at[:len(at)-1]
	}
	found, key, keep := m.Get(outer, at)
	if found != nil {
		it := &prefixed{outer: outer, rows: found.Rows}
		if found.Whole {
			return it, nil
		}
		return &eitherIter{RowIter: it, rest: func() (sql.RowIter, error) { return behind(c, run, len(found.Rows)) }}, nil
	}
	it, err := run()
	if err != nil || !keep {
		return it, err
	}
	return &remembering{RowIter: it, of: m, key: key, behind: len(outer), warnings: c.Session.WarningCount()}, nil
}

// behind gives the rows of a run behind the first n.
func behind(c *sql.Context, run func() (sql.RowIter, error), n int) (sql.RowIter, error) {
	it, err := run()
	if err != nil {
		return nil, err
	}
	for range n {
		if _, err := it.Next(c); err != nil {
			if errors.Is(err, io.EOF) {
				break
			}
			return nil, errors.Join(err, it.Close(c))
		}
	}
	return it, nil
}

// remembering keeps the rows that it gives, unless there are many or the run warns.
type remembering struct {
	sql.RowIter
	of       *spill.Results
	key      string
	behind   int
	rows     []sql.Row
	given    int
	whole    bool
	failed   bool
	warnings uint16
}

func (it *remembering) Next(c *sql.Context) (sql.Row, error) {
	r, err := it.RowIter.Next(c)
	switch {
	case errors.Is(err, io.EOF):
		it.whole = true
	case err != nil:
		it.failed = true
	default:
		if it.given++; it.given <= mostRemembered {
			it.rows = append(it.rows, slices.Clone(r[it.behind:]))
		}
	}
	return r, err
}

func (it *remembering) Close(c *sql.Context) error {
	err := it.RowIter.Close(c)
	if err == nil && !it.failed && it.given <= mostRemembered && c.Session.WarningCount() == it.warnings {
		err = it.of.Add(it.key, &spill.Result{Rows: it.rows, Whole: it.whole})
	}
	return err
}
