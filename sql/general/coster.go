package general

import (
	"math"
	"slices"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/memo"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/stats"
	"github.com/dolthub/go-mysql-server/sql/transform"
	"github.com/dolthub/go-mysql-server/sql/types"

	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/item"
)

// coster orders joins by the engine's statistics. The library's own estimate takes every filter to keep 85 % of the rows, however selective it
// is, and two tables to match as if the smaller were a key of the larger one. Costs are the library's; what they are computed
// of, the numbers of rows that filters and joins give, comes from the distinct values of index prefixes here.
//
// The library asks for the costs of a group's children before the group's own, so the numbers are put right on the way up.
type coster struct {
	memo.Coster
	e *Engine
}

// What is taken of a filter that no statistics speak of: MySQL's condition filtering has the same.
const (
	selectEqual = 0.1
	selectRange = 1.0 / 3
	selectLike  = 0.11
	selectOther = 0.8
)

// EstimateCost implements memo.Coster.
func (o *coster) EstimateCost(c *sql.Context, n memo.RelExpr, s sql.StatsProvider) (float64, error) {
	if err := c.Err(); err != nil { // a join of many tables is planned for long enough to be killed meanwhile
		return 0, err
	}
	if previewing(c) {
		return o.Coster.EstimateCost(c, n, s)
	}
	for _, g := range n.Children() {
		if g.Done && g.Cost == 0 {
			o.filtered(c, g) // by an index: the library takes it without asking for its cost
		}
	}
	if first := n.Group().First; first == n {
		o.count(c, n)
	}
	if j, ok := n.(*memo.ConcatJoin); ok {
		j.Right = filtering(j.Right)
	}
	cost, err := o.Coster.EstimateCost(c, n, s)
	if f, ok := n.(*memo.Filter); ok && err == nil {
		cost += refused(f)
	}
	if j, ok := n.(memo.JoinRel); ok && err == nil {
		if served := loopCost(c, j); served > 0 {
			cost = min(cost, served)
		}
		cost += lockCost(j.JoinPrivate())
		if l, ok := n.(*memo.LookupJoin); ok {
			cost += o.lookupCost(c, l)
		}
		if forgetsNulls(c, j) || hashForbidden(c, j) || j.JoinPrivate().Op.IsMerge() && !mergeable(c, j.JoinPrivate().Filter) ||
			j.JoinPrivate().Op.IsRange() {
			cost += impossible
		}
	}
	return cost, err
}

// count puts the number of rows of a group right.
func (o *coster) count(c *sql.Context, n memo.RelExpr) {
	switch n := n.(type) {
	case *memo.Filter:
		o.filtered(c, n.Group())
	case *memo.Project:
		o.distinctRows(c, n.Group(), n, n.Group().RelProps.Distinct.IsHash())
	case *memo.Distinct:
		p, _ := n.Child.First.(*memo.Project)
		o.distinctRows(c, n.Group(), p, true)
	case memo.JoinRel:
		o.join(c, n)
	}
}

// filtered estimates the rows of a group that filters a table, by the filters as they were before an index took some of them.
func (o *coster) filtered(c *sql.Context, g *memo.ExprGroup) {
	for n := g.First; n != nil; n = n.Next() {
		if f, ok := n.(*memo.Filter); ok && f.Next() == nil {
			o.setRows(g, groupRows(f.Child)*o.selectivity(c, f.Filters, f.Child))
		}
	}
}

// distinctRows estimates the rows of a projection: of a distinct one no more than its columns have values.
func (o *coster) distinctRows(c *sql.Context, g *memo.ExprGroup, p *memo.Project, distinct bool) {
	child := g
	switch n := g.First.(type) {
	case *memo.Project:
		child = n.Child
	case *memo.Distinct:
		child = n.Child
	}
	rows := groupRows(child)
	if distinct && p != nil {
		values := 1.0
		for _, e := range p.Projections {
			n := o.distinct(c, e, p.Child.RelProps.TableIdNodes())
			if n == 0 {
				n = rows
			}
			values *= n
		}
		rows = math.Min(rows, values)
	}
	o.setRows(g, rows)
}

func groupRows(g *memo.ExprGroup) float64 { return float64(g.RelProps.GetStats().RowCount()) }

// refused is what a filter reads for nothing. The library counts what passes filters, so a scan of a large table that few rows pass would cost nothing.
func refused(f *memo.Filter) float64 {
	switch f.Child.First.(type) {
	case *memo.TableScan, *memo.TableAlias:
		return math.Max(0, groupRows(f.Child)-groupRows(f.Group()))
	}
	return 0
}

// lookedUpRow is the library's cost of a row that a lookup finds.
const lookedUpRow = 2.3

// lookupCost is what a join's lookups cost more or less than the library takes: it charges the rows that the join gives, whichever index they are found by, and
// what reading the right side as a whole would cost.
func (o *coster) lookupCost(c *sql.Context, l *memo.LookupJoin) float64 {
	left, right, out := groupRows(l.Left), groupRows(l.Right), groupRows(l.Group())
	if !looksUp(c, l) {
		return left * right
	}
	cost := -l.Right.Cost
	if perKey := o.perKey(c, l.Lookup); perKey > 0 {
		read := left * perKey
		if l.Op.IsPartial() && left > 0 {
			// It reads no further than to the first row that matches.
			read /= math.Max(1, right*o.selectivity(c, l.Filter, l.Left, l.Right))
		}
		cost += math.Max(0, read-out) * lookedUpRow
	}
	if l.Op.IsPartial() {
		cost += partialLookup * left
	}
	return cost
}

// perKey is how many rows a lookup's index has for one key; 0: nobody knows.
func (o *coster) perKey(c *sql.Context, l *memo.IndexScan) float64 {
	x, ok := l.Index.SqlIdx().(*index)
	keys := len(l.Table.Expressions())
	if !ok || keys == 0 || x.t.unopened(c) {
		return 0
	}
	t, err := x.t.ensure(c)
	if err != nil {
		return 0
	}
	st, err := o.e.statisticsOf(c, t)
	if err != nil {
		return 0
	}
	at := slices.IndexFunc(x.t.m.Def.Indexes, func(d table.Index) bool { return d.Name == x.ix().Name })
	if at < 0 || at >= len(st.Distinct) || len(st.Distinct[at]) == 0 {
		return 0
	}
	distinct := st.Distinct[at]
	return math.Max(1, float64(st.Rows)/math.Max(1, float64(distinct[min(keys, len(distinct))-1])))
}

// loopCost is the cost of a nested loop that becomes a hash join (hashjoin.go) or one that looks up ranges (rangejoin.go); 0: n is none. Both read each side once.
func loopCost(c *sql.Context, n memo.JoinRel) float64 {
	switch n.(type) {
	case *memo.InnerJoin, *memo.LeftJoin, *memo.SemiJoin, *memo.AntiJoin:
	default:
		return 0
	}
	j := n.JoinPrivate()
	if h := hintsNow(c); j.Op.IsExcludeNulls() || h != nil && len(h.NoHash) > 0 {
		return 0
	}
	const read, keep, compare = 1.01, 3, 0.01 // of the library's factors: a row that is read, one that is kept, one that is compared
	left, right := groupRows(j.Left), groupRows(j.Right)
	compared, depth := groupRows(n.Group()), 0.0
	if j.Op.IsPartial() {
		compared = left
	}
	hashed, ranged := false, false
	for _, f := range j.Filter {
		for _, e := range expression.SplitConjunction(c, f) {
			if eq, ok := e.(*expression.Equals); ok && hashesAlike(c, eq.Left(), eq.Right()) && parts(c, j, eq.Left(), eq.Right()) {
				hashed = true
			} else if op, l, with, ok := item.Limited(e); ok && op != "<=>" && op != "in" && op != "null" {
				ranged = ranged || slices.ContainsFunc(with, func(r sql.Expression) bool { return parts(c, j, l, r) })
			}
		}
	}
	switch {
	case hashed:
	case ranged:
		depth = compare * math.Log2(right+2)
	default:
		return 0
	}
	return left*(read+depth) + right*(keep+depth) + compared*compare
}

// parts reports whether one of two expressions is made of one side of a join, the other one of the other side.
func parts(c *sql.Context, j *memo.JoinBase, a, b sql.Expression) bool {
	of := func(e sql.Expression, g *memo.ExprGroup) bool {
		some, all := false, true
		sql.Inspect(c, e, func(_ *sql.Context, e sql.Expression) bool {
			if f, ok := e.(*expression.GetField); ok {
				some, all = true, all && g.RelProps.OutputTables().Contains(int(f.TableId()))
			}
			return all
		})
		return some && all
	}
	return of(a, j.Left) && of(b, j.Right) || of(a, j.Right) && of(b, j.Left)
}

// looksUp reports whether a lookup has a column in its key. One without, by a literal that filters the right side, reads the same rows again for each row
// of the left side, which the library prices like any lookup, at what the join gives.
func looksUp(c *sql.Context, l *memo.LookupJoin) (found bool) {
	for _, e := range l.Lookup.Table.Expressions() {
		sql.Inspect(c, e, func(_ *sql.Context, e sql.Expression) bool {
			_, column := e.(*expression.GetField)
			found = found || column
			return !found
		})
	}
	return found
}

// filtering is a group whose plan filters what it reads with all of its conditions. The library puts lookups in the place of the table that the plan reads, and where
// that is by an index of its own, which has taken conditions over, these would be gone: of a join by lookups for each part of an OR it does not think
// (ExprGroup.fixConflicts).
func filtering(g *memo.ExprGroup) *memo.ExprGroup {
	for n := g.First; n != nil; n = n.Next() {
		own := *g
		own.Done, own.HintOk = true, true
		switch n := n.(type) {
		case *memo.IndexScan:
			continue
		case memo.SourceRel:
			n.SetDistinct(memo.NoDistinctOp)
			own.Best = n
		case *memo.Filter:
			f := *n
			f.Child = filtering(n.Child)
			f.SetDistinct(memo.NoDistinctOp)
			own.Best = &f
		default:
			return g
		}
		return &own
	}
	return g
}

// partialLookup is what a lookup of a semijoin costs that finds nothing, in sequentially read rows. The library counts only what it finds.
const partialLookup = 4

// impossible is a cost above all others; a few of them can be added up.
const impossible = 1e100

// forgetsNulls reports whether a physical join is one for NOT IN, where a condition that is NULL counts as met, that cannot know of NULLs: merging
// and looking up pass over keys that are NULL. The library makes them where conditions may be NULL, too; a loop or a hash table does it right (keeping.go).
func forgetsNulls(c *sql.Context, n memo.JoinRel) bool {
	switch op := n.JoinPrivate().Op; {
	case op.IsMerge(), op.IsLookup(), op == plan.JoinTypeLeftOuterRangeHeap:
	default:
		return false
	}
	first, ok := n.Group().First.(memo.JoinRel)
	if !ok || !first.JoinPrivate().Op.IsExcludeNulls() {
		return false
	}
	return slices.ContainsFunc(first.JoinPrivate().Filter, func(f sql.Expression) bool { return nullableField(c, f) })
}

// nullableField reports whether e refers to a column that may be NULL.
func nullableField(c *sql.Context, e sql.Expression) (found bool) {
	sql.Inspect(c, e, func(c *sql.Context, e sql.Expression) bool {
		field, ok := e.(*expression.GetField)
		found = found || ok && field.IsNullable(c)
		return !found
	})
	return found
}

// mergeable reports whether the library merges rightly by a condition: it takes a key of several columns for one without NULLs, so that one such row ends
// the join, compares texts as one of their types, which refuses those that are longer, and takes dates that the calendar lacks for late ones.
func mergeable(c *sql.Context, filters []sql.Expression) bool {
	for _, f := range filters {
		eq, ok := f.(*expression.Equals)
		if !ok {
			continue
		}
		l, r := members(eq.Left()), members(eq.Right())
		if len(l) != len(r) || len(l) > 1 && nullableField(c, eq) {
			return false
		}
		for i := range l {
			a, b := l[i].Type(c), r[i].Type(c)
			if (types.IsTextOnly(a) || types.IsTextOnly(b)) && !a.Equals(b) || types.IsTime(a) || types.IsTime(b) {
				return false
			}
		}
	}
	return true
}

// members are the elements of a row, or e alone.
func members(e sql.Expression) []sql.Expression {
	if t, ok := e.(expression.Tuple); ok {
		return t
	}
	return []sql.Expression{e}
}

// rowLock is the cost of locking a row that a scan passes, in sequentially read rows: so high that a table whose rows are locked is scanned only where no
// index leads to them. MySQL, too, takes no hash join where it can look up, and who scans a table keeps others from all of it.
const rowLock = 20

// lockCost is what a join's scans of tables lock. A lookup locks what it finds, which its result counts.
func lockCost(j *memo.JoinBase) float64 {
	cost := 0.0
	sides := []*memo.ExprGroup{j.Left}
	if !j.Op.IsLookup() {
		sides = append(sides, j.Right)
	}
	for _, g := range sides {
		nodes := g.RelProps.TableIdNodes()
		if len(nodes) != 1 {
			continue
		}
		if b := baseBelow(nodes[0]); b != nil && b.mode.Lock != table.LockNone {
			cost += rowLock * groupRows(g)
		}
	}
	return cost
}

func (o *coster) setRows(g *memo.ExprGroup, rows float64) {
	g.RelProps.SetStats(&stats.Statistic{RowCnt: uint64(math.Max(1, math.Min(rows, 1e15)))})
}

// join estimates the rows of a join.
func (o *coster) join(c *sql.Context, n memo.JoinRel) {
	j := n.JoinPrivate()
	left, right := groupRows(j.Left), groupRows(j.Right)
	rows := left * right * o.selectivity(c, j.Filter, j.Left, j.Right)
	switch {
	case j.Op.IsFullOuter():
		rows = math.Max(rows, left+right)
	case j.Op.IsLeftOuter():
		rows = math.Max(rows, left)
	case j.Op.IsAnti():
		rows = math.Max(left-math.Min(rows, left), left*0.1)
	case j.Op.IsPartial():
		rows = math.Min(rows, left)
	case j.Op.IsInner(), j.Op.IsCross(), j.Op.IsHash(), j.Op.IsMerge(), j.Op.IsLookup():
	default:
		return
	}
	o.setRows(n.Group(), rows)
}

// selectivity is the share of rows that pass all the filters.
func (o *coster) selectivity(c *sql.Context, filters []sql.Expression, groups ...*memo.ExprGroup) float64 {
	share, tables := 1.0, tablesOf(groups)
	for _, f := range filters {
		for _, e := range expression.SplitConjunction(c, f) {
			share *= o.selects(c, e, tables)
		}
	}
	return share
}

func (o *coster) selects(c *sql.Context, e sql.Expression, tables []plan.TableIdNode) float64 {
	if share, ok := o.byHistogram(c, e, tables); ok {
		return share
	}
	switch e := e.(type) {
	case *expression.Equals:
		return o.equal(c, e.Left(), e.Right(), tables)
	case *expression.NullSafeEquals:
		return o.equal(c, e.Left(), e.Right(), tables)
	case *expression.GreaterThan, *expression.GreaterThanOrEqual, *expression.LessThan, *expression.LessThanOrEqual:
		return selectRange
	case *expression.Between:
		return selectLike
	case *expression.Or:
		a, b := o.selects(c, e.LeftChild, tables), o.selects(c, e.RightChild, tables)
		return math.Min(1, a+b-a*b)
	case *expression.And:
		return o.selects(c, e.LeftChild, tables) * o.selects(c, e.RightChild, tables)
	case *expression.InTuple:
		if list, ok := e.Right().(expression.Tuple); ok {
			return math.Min(1, float64(len(list))*o.equal(c, e.Left(), nil, tables))
		}
	case *expression.Not:
		return math.Max(0.1, 1-o.selects(c, e.Child, tables))
	case *expression.IsNull:
		return selectEqual
	}
	return selectOther
}

// equal is one over the distinct values of the side that has more of them.
func (o *coster) equal(c *sql.Context, a, b sql.Expression, tables []plan.TableIdNode) float64 {
	n := math.Max(o.distinct(c, a, tables), o.distinct(c, b, tables))
	if n < 1 {
		return selectEqual
	}
	return 1 / n
}

// distinct is the number of values that a column has for one value of the columns before it in an index; 0: nobody knows.
func (o *coster) distinct(c *sql.Context, e sql.Expression, tables []plan.TableIdNode) float64 {
	if f, ok := e.(*expression.GetField); ok {
		if b := sourceOf(f, tables); b != nil {
			return o.distinctOf(c, b, f.Name())
		}
	}
	return 0
}

// sourceOf is the table of a column, nil if it is a derived one's.
func sourceOf(f *expression.GetField, tables []plan.TableIdNode) *base {
	for _, n := range tables {
		if n.Columns().Contains(f.Id()) {
			return baseBelow(n)
		}
	}
	return nil
}

// tablesOf are the tables that groups join.
func tablesOf(groups []*memo.ExprGroup) []plan.TableIdNode {
	if len(groups) == 1 {
		return groups[0].RelProps.TableIdNodes()
	}
	var out []plan.TableIdNode
	for _, g := range groups {
		out = append(out, g.RelProps.TableIdNodes()...)
	}
	return out
}

func (o *coster) distinctOf(c *sql.Context, b *base, column string) float64 {
	if b.unopened(c) {
		return 0
	}
	t, err := b.ensure(c)
	if err != nil {
		return 0
	}
	st, err := o.e.statisticsOf(c, t)
	if err != nil {
		return 0
	}
	at := b.m.Schema.IndexOfColName(column)
	var best float64
	for i, ix := range b.m.Def.Indexes {
		if i < len(st.Distinct) {
			best = math.Max(best, perPrefix(ix, st.Distinct[i], at))
		}
	}
	return best
}

// perPrefix is how many values a column of an index has for one value of the columns before it.
func perPrefix(ix table.Index, distinct []uint64, column int) float64 {
	for p, part := range ix.Parts {
		if ix.Kind != "" || part.Column != column || part.Prefix > 0 || p >= len(distinct) {
			continue
		}
		n := float64(distinct[p])
		if p > 0 {
			n /= math.Max(1, float64(distinct[p-1]))
		}
		return math.Max(1, n)
	}
	return 0
}

// baseBelow is the table of a source of rows, nil for a derived one.
func baseBelow(n plan.TableIdNode) (b *base) {
	transform.Inspect(n, func(in sql.Node) bool {
		if t, ok := in.(sql.TableNode); ok && b == nil {
			b = tableBase(t.UnderlyingTable())
		}
		return b == nil
	})
	return b
}
