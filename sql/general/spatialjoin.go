package general

import (
	"slices"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/transform"
)

// A join by a spatial relation or a distance: the library reads the whole right side for each row of the left one. Where the right side is a table with a SPATIAL index that the condition
// can use, only the rows are read whose boxes meet the one around the left row's geometry (ST_Contains(a.g, b.g), ST_Distance_Sphere(a.p, b.p) < 1000).

// spatialLookup reads a table by what a SPATIAL index says of the left row.
type spatialLookup struct {
	plan.UnaryNode
	base   *base
	search spatialSearch
}

func (n *spatialLookup) String() string                    { return n.Child.String() }
func (n *spatialLookup) DebugString(c *sql.Context) string { return sql.DebugString(c, n.Child) }
func (n *spatialLookup) IsReadOnly() bool                  { return n.Child.IsReadOnly() }
func (n *spatialLookup) Schema(c *sql.Context) sql.Schema  { return n.Child.Schema(c) }
func (n *spatialLookup) Describe(c *sql.Context, o sql.DescribeOptions) string {
	return sql.Describe(c, n.Child, o)
}

func (n *spatialLookup) WithChildren(_ *sql.Context, ch ...sql.Node) (sql.Node, error) {
	out := *n
	out.Child = ch[0]
	return &out, nil
}

// spatialJoin gives a nested loop such a right side, nil if neither side can be one.
func spatialJoin(c *sql.Context, n sql.Node) (sql.Node, error) {
	j, ok := n.(*plan.JoinNode)
	if !ok || j.Filter == nil {
		return nil, nil
	}
	switch j.Op {
	case plan.JoinTypeInner, plan.JoinTypeLeftOuter, plan.JoinTypeSemi, plan.JoinTypeAnti:
	default:
		return nil, nil
	}
	if right := lookedUp(c, j.Left(), j.Right(), j.Filter); right != nil {
		return j.WithChildren(c, j.Left(), right)
	}
	return turnedJoin(c, j)
}

// lookedUp is the right side of a join as a lookup by the condition; nil: it cannot be one.
func lookedUp(c *sql.Context, outer, right sql.Node, on sql.Expression) sql.Node {
	if kept, ok := right.(*plan.CachedResults); ok {
		right = kept.Child
	}
	alias, b := underFilter(right)
	if b == nil || b.narrow != nil || !b.hasKinds() {
		return nil
	}
	left := outer.Schema(c)
	for _, e := range expression.SplitConjunction(c, on) {
		s := spatialSearchOf(c, b, alias, e)
		if s == nil || !madeOf(c, s.of, left) {
			continue
		}
		known := true
		for _, x := range []sql.Expression{s.within, s.radius()} {
			known = known && (x == nil || settled(c, x) || madeOf(c, x, left))
		}
		if known {
			b.narrow = s // for EXPLAIN
			return &spatialLookup{plan.UnaryNode{Child: right}, b, *s}
		}
	}
	return nil
}

// turnedJoin is an inner join whose left side is looked up for each row of the right one; nil: it cannot be. Above it the columns have their old places.
func turnedJoin(c *sql.Context, j *plan.JoinNode) (sql.Node, error) {
	left, right := j.Left().Schema(c), j.Right().Schema(c)
	if j.Op != plan.JoinTypeInner || j.ScopeLen != 0 || !apart(c, j.Right(), left) {
		return nil, nil
	}
	on, _, err := transform.Expr(c, j.Filter, func(_ *sql.Context, e sql.Expression) (sql.Expression, transform.TreeIdentity, error) {
		f, ok := e.(*expression.GetField)
		if !ok {
			return e, transform.SameTree, nil
		}
		if f.Index() < len(left) {
			return f.WithIndex(f.Index() + len(right)), transform.NewTree, nil
		}
		return f.WithIndex(f.Index() - len(left)), transform.NewTree, nil
	})
	if err != nil {
		return nil, err
	}
	lookup := lookedUp(c, j.Right(), j.Left(), on)
	if lookup == nil {
		return nil, nil
	}
	out, err := j.WithChildren(c, j.Right(), lookup)
	if err != nil {
		return nil, err
	}
	turned := *out.(*plan.JoinNode)
	turned.Filter = on
	columns := make([]sql.Expression, 0, len(left)+len(right))
	for i, col := range append(slices.Clone(left), right...) {
		at := i + len(right)
		if i >= len(left) {
			at = i - len(left)
		}
		columns = append(columns, expression.NewGetFieldWithTable(at, 0, col.Type, col.DatabaseSource, col.Source, col.Name, col.Nullable))
	}
	return plan.NewProject(c, columns, &turned), nil
}

// spatialLookup builds the rows for r, the row of the left side.
func (b *builder) spatialLookup(c *sql.Context, n *spatialLookup, r sql.Row) (sql.RowIter, error) {
	s := n.search
	s.row = r
	n.base.narrow = &s
	return b.build(c, n.Child, r)
}
