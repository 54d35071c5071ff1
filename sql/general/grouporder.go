package general

import (
	"math"
	"slices"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/analyzer"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/iters"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/transform"

	"github.com/zoryadb/zorya/sql/exact"
	"github.com/zoryadb/zorya/sql/rules"
)

// GROUP BY and ORDER BY with a LIMIT read only what they need where an index gives the order: rows of a group come one after the other, so that a group is complete, and
// goes on, when the next one begins. The library knows neither that order in groups nor that secondary indexes end with the primary key, and joins
// by merging whatever the limit is.

// orderedBy is a column that rows are ordered by.
type orderedBy struct {
	table, column string // in lower case
	desc          bool
	constant      bool // it has one value only
}

func (o orderedBy) is(f *expression.GetField) bool {
	return o.table == strings.ToLower(f.Table()) && o.column == strings.ToLower(f.Name())
}

// rowOrder is the order in which a plan gives its rows, as far as that is known.
func rowOrder(c *sql.Context, n sql.Node) []orderedBy {
	switch n := n.(type) {
	case *plan.Filter:
		return rowOrder(c, n.Child)
	case *plan.Project:
		return rowOrder(c, n.Child)
	case *plan.TableAlias:
		if t, ok := n.Child.(*plan.IndexedTableAccess); ok {
			return scanOrder(c, t, n.Name())
		}
	case *plan.IndexedTableAccess:
		return scanOrder(c, n, n.Name())
	case *plan.JoinNode:
		if keepsAll(n.Op) || n.Op.IsSemi() || n.Op.IsAnti() {
			return rowOrder(c, n.Left())
		}
	}
	return nil
}

// keepsAll reports whether a join reads its left side once and in order, and pairs each of its rows with those of the right side that match.
func keepsAll(op plan.JoinType) bool { return pairs(op) || op.IsLeftOuter() && !op.IsRange() }

// pairs reports whether a join is an inner one of these.
func pairs(op plan.JoinType) bool {
	return op.IsInner() || op == plan.JoinTypeLookup || op == plan.JoinTypeHash || op == plan.JoinTypeMerge
}

func scanOrder(c *sql.Context, t *plan.IndexedTableAccess, alias string) []orderedBy {
	if !t.IsStatic() {
		return nil
	}
	lookup, _, err := t.GetLookup(c, nil)
	x, ok := lookup.Index.(*index)
	ranges, ordinary := lookup.Ranges.(sql.MySQLRangeCollection)
	if err != nil || !ok || !ordinary || len(ranges) != 1 || x.t.narrow != nil {
		return nil
	}
	out := x.order(c, alias, lookup.IsReverse)
	for i, r := range ranges[0] {
		low, isLow := r.LowerBound.(sql.Below)
		high, isHigh := r.UpperBound.(sql.Above)
		if i < len(out) {
			out[i].constant = isLow && isHigh && pointRange(c, r, low, high)
		}
	}
	return out
}

// order is what a scan of an index gives, by which descending values come first if reverse; the primary key is behind a secondary one's columns.
func (x *index) order(c *sql.Context, alias string, reverse bool) []orderedBy {
	of := x.Order(c)
	if of == sql.IndexOrderNone {
		return nil
	}
	backwards := reverse != (of == sql.IndexOrderDesc)
	var out []orderedBy
	for i, col := range x.extended() {
		parts := x.ix().Parts
		out = append(out, orderedBy{table: strings.ToLower(alias), column: strings.ToLower(x.t.m.Def.Columns[col].Name), desc: backwards != (i < len(parts) && parts[i].Desc)})
	}
	return out
}

// groupsInOrder reports whether rows in an order come group by group.
func groupsInOrder(c *sql.Context, n *plan.GroupBy, order []orderedBy) bool {
	if len(n.GroupByExprs) == 0 || len(order) == 0 {
		return false
	}
	fields := groupFields(n)
	if fields == nil || namesTwice(n.Child) {
		return false
	}
	for i, o := range order {
		if !o.constant && !slices.ContainsFunc(fields, o.is) {
			order = order[:i]
			break
		}
	}
	for _, f := range fields {
		if !slices.ContainsFunc(order, func(o orderedBy) bool { return o.is(f) }) && !determined(c, n.Child, f.Table(), order) {
			return false
		}
	}
	return true
}

// groupFields are the columns that a GROUP BY is by, nil if it is by something else.
func groupFields(n *plan.GroupBy) []*expression.GetField {
	var out []*expression.GetField
	for _, e := range n.GroupByExprs {
		if t, ok := e.(*exact.Trimmed); ok {
			e = t.Child
		}
		f, ok := e.(*expression.GetField)
		if !ok || f.Table() == "" {
			return nil
		}
		out = append(out, f)
	}
	return out
}

// determined reports whether an order's columns have a table's primary key among them, so that all of its columns have one value.
func determined(c *sql.Context, n sql.Node, table string, order []orderedBy) (found bool) {
	transform.Inspect(n, func(n sql.Node) bool {
		name, t := namedTable(n)
		if t == nil {
			return true
		}
		if b := tableBase(t.UnderlyingTable()); b != nil && strings.EqualFold(name, table) && len(b.m.PK) > 0 {
			found = !slices.ContainsFunc(b.m.PK, func(col int) bool {
				return !slices.ContainsFunc(order, func(o orderedBy) bool {
					return o.table == strings.ToLower(name) && o.column == strings.ToLower(b.m.Def.Columns[col].Name)
				})
			})
		}
		return false
	})
	return found
}

// namedTable is a table of a plan under its name in the statement, nil if n is none.
func namedTable(n sql.Node) (string, sql.TableNode) {
	if a, ok := n.(*plan.TableAlias); ok {
		t, _ := a.Child.(sql.TableNode)
		return a.Name(), t
	}
	if t, ok := n.(sql.TableNode); ok {
		return t.Name(), t
	}
	return "", nil
}

// namesTwice reports whether two tables of a plan have one name, in two databases: an order's columns go by the names.
func namesTwice(n sql.Node) (twice bool) {
	have := map[string]bool{}
	transform.Inspect(n, func(n sql.Node) bool {
		name, t := namedTable(n)
		if t == nil {
			return !twice
		}
		name = strings.ToLower(name)
		twice = twice || have[name]
		have[name] = true
		return false
	})
	return twice
}

// sortedBy reports whether rows in an order are in that of sort conditions as well.
func sortedBy(by sql.SortConditions, order []orderedBy) bool {
	i := 0
	for _, k := range by {
		f, ok := k.Expr.(*expression.GetField)
		if !ok || f.Table() == "" {
			return false
		}
		for i < len(order) && order[i].constant && !order[i].is(f) {
			i++
		}
		if slices.ContainsFunc(order[:min(i, len(order))], func(o orderedBy) bool { return o.is(f) }) {
			continue // it has one value for what came before
		}
		if i == len(order) || !order[i].is(f) || order[i].desc != (k.Order == sql.Descending) {
			return false
		}
		i++
	}
	return true
}

// serveOrders puts the rule behind the library's that drops sorts.
func serveOrders(a *analyzer.Analyzer, e *Engine) {
	rules.Replace(a, "replaceIdxSort", func(drop analyzer.RuleFunc) analyzer.RuleFunc {
		return func(c *sql.Context, a *analyzer.Analyzer, n sql.Node, scope *plan.Scope, sel analyzer.RuleSelector, flags *sql.QueryFlags) (sql.Node, transform.TreeIdentity, error) {
			n, same, err := drop(c, a, n, scope, sel, flags)
			if err != nil || previewing(c) {
				return n, same, err
			}
			out, kept, err := transform.Node(c, n, func(c *sql.Context, n sql.Node) (sql.Node, transform.TreeIdentity, error) {
				l, ok := n.(*plan.Limit)
				if !ok || l.CalcFoundRows {
					return n, transform.SameTree, nil
				}
				o := &orderServer{e: e, c: c}
				out, err := o.limited(l)
				return out, transform.TreeIdentity(out == n), err
			})
			return out, same && kept, err
		}
	})
}

// orderServer makes one LIMIT's rows come in order.
type orderServer struct {
	e    *Engine
	c    *sql.Context
	rows float64            // that the limit lets through
	sort *plan.Sort         // nil: any order will do
	by   sql.SortConditions // its, in terms of the tables
}

// limited is l with its sort left out or its groups read in order, or l itself.
func (o *orderServer) limited(l *plan.Limit) (sql.Node, error) {
	for _, e := range []sql.Expression{l.Limit, offsetOf(l)} {
		if e == nil {
			continue
		}
		n, err := iters.GetInt64Value(o.c, e)
		if err != nil {
			return l, nil
		}
		o.rows += float64(n)
	}
	child, err := o.below(l.Child)
	if err != nil || child == nil {
		return l, err
	}
	return l.WithChildren(o.c, child)
}

func offsetOf(l *plan.Limit) sql.Expression {
	if off, ok := l.Child.(*plan.Offset); ok {
		return off.Offset
	}
	return nil
}

// below is what stands for a node between the LIMIT and the tables, nil if it stays.
func (o *orderServer) below(n sql.Node) (sql.Node, error) {
	switch x := n.(type) {
	case *plan.Sort:
		if o.sort != nil {
			return nil, nil
		}
		o.sort, o.by = x, x.SortConditions
		return o.below(x.Child)
	case *plan.Offset:
		return o.around(n, x.Child)
	case *plan.Project:
		o.through(x)
		return o.around(n, x.Child)
	case *plan.Having:
		o.rows = math.Inf(1)
		return o.around(n, x.Child)
	case *plan.GroupBy:
		child, err := o.ordered(x.Child, x)
		if child == nil || err != nil {
			return nil, err
		}
		return x.WithChildren(o.c, child)
	case *plan.Filter, *plan.JoinNode, *plan.TableAlias, *plan.ResolvedTable:
		if o.sort == nil {
			return nil, nil
		}
		return o.ordered(n, nil)
	}
	return nil, nil
}

func (o *orderServer) around(n, child sql.Node) (sql.Node, error) {
	out, err := o.below(child)
	if out == nil || err != nil {
		return nil, err
	}
	return n.WithChildren(o.c, out)
}

// through makes sort conditions that refer to a projection's names refer to what these are.
func (o *orderServer) through(p *plan.Project) {
	for i, k := range o.by {
		f, ok := k.Expr.(*expression.GetField)
		if !ok || f.Table() != "" {
			continue
		}
		for _, e := range p.Projections {
			if a, ok := e.(*expression.Alias); ok && a.Id() == f.Id() {
				o.by = slices.Clone(o.by)
				o.by[i].Expr = a.Child
			}
		}
	}
}

// ordered is a join, or a table, whose rows come in the order that groups and the sort need, nil if there is none that is better than what is.
func (o *orderServer) ordered(n sql.Node, groups *plan.GroupBy) (sql.Node, error) {
	serves := func(order []orderedBy) bool {
		return len(order) > 0 && (groups == nil || groupsInOrder(o.c, groups, order)) && sortedBy(o.by, order)
	}
	if namesTwice(n) {
		return nil, nil
	}
	if serves(rowOrder(o.c, n)) {
		return n, nil
	}
	first, t := leftmost(n)
	if t == nil || !readsAll(o.c, t) {
		return nil, nil
	}
	b := tableBase(t.UnderlyingTable())
	name, _ := namedTable(first)
	for _, x := range b.orderIndexes(o.c, groups != nil) {
		for _, reverse := range []bool{false, true} {
			if !serves(x.order(o.c, name, reverse)) {
				continue
			}
			better, err := o.cheaper(n, groups, b, x)
			if err != nil || !better {
				return nil, err
			}
			return o.scanInstead(n, x, reverse)
		}
	}
	return nil, nil
}

// leftmost is the table that is the first of a join, under its alias if it has one.
func leftmost(n sql.Node) (sql.Node, sql.TableNode) {
	for {
		switch x := n.(type) {
		case *plan.Filter:
			n = x.Child
		case *plan.Project:
			n = x.Child
		case *plan.JoinNode:
			if !keepsAll(x.Op) {
				return nil, nil
			}
			n = x.Left()
		default:
			_, t := namedTable(n)
			return n, t
		}
	}
}

// readsAll reports whether a table of ours is read as a whole.
func readsAll(c *sql.Context, t sql.TableNode) bool {
	b := tableBase(t.UnderlyingTable())
	if b == nil || b.narrows || b.narrow != nil || b.unopened(c) {
		return false
	}
	ita, ok := t.(*plan.IndexedTableAccess)
	if !ok {
		_, plain := t.(*plan.ResolvedTable)
		return plain
	}
	if !ita.IsStatic() {
		return false
	}
	lookup, _, err := ita.GetLookup(c, nil)
	ranges, ok := lookup.Ranges.(sql.MySQLRangeCollection)
	if err != nil || !ok || len(ranges) != 1 {
		return false
	}
	for _, r := range ranges[0] {
		if _, whole := r.LowerBound.(sql.BelowNull); !whole || !wholeRange(r) {
			return false
		}
	}
	return true
}

// orderIndexes are the indexes that hints leave for orders.
func (b *base) orderIndexes(c *sql.Context, groups bool) []*index {
	keeps := b.sortKeeps
	if groups {
		keeps = b.groupKeeps
	}
	var out []*index
	for i := range b.m.Def.Indexes {
		x := &index{b, i}
		if x.CanSupport(c) && !slices.ContainsFunc(keeps, func(keep func(string) bool) bool { return !keep(x.ID()) }) {
			out = append(out, x)
		}
	}
	return out
}

// What a row costs, in rows read one after the other: one that a secondary index leads to, and one that a join looks up.
const (
	rowByIndex  = 3
	rowByLookup = 4
)

// cheaper reports whether reading a join's first table by an index, up to the limit, costs less than reading all of it.
func (o *orderServer) cheaper(n sql.Node, groups *plan.GroupBy, b *base, x *index) (bool, error) {
	t, err := b.ensure(o.c)
	if err != nil {
		return false, err
	}
	st, err := o.e.statisticsOf(o.c, t)
	if err != nil {
		return false, err
	}
	rows := math.Max(1, float64(st.Rows))
	share, units := 1.0, rows
	if groups != nil && x.pos < len(st.Distinct) {
		if d := st.Distinct[x.pos]; len(d) > 0 {
			units = math.Max(1, float64(d[min(len(groups.GroupByExprs), len(d))-1]))
		}
	}
	all, each := rows, 1.0
	if x.ix().Name != "PRIMARY" && !x.CoversColumns(b.readColumns(n)) {
		each = rowByIndex
	}
	transform.Inspect(n, func(n sql.Node) bool {
		switch n := n.(type) {
		case *plan.Filter:
			share *= (&coster{e: o.e}).selectivity(o.c, []sql.Expression{n.Expression})
		case *plan.JoinNode:
			right, more := o.lookupInstead(n), 1.0
			if right == nil && !n.Op.IsLookup() {
				more = math.Inf(1)
			}
			if _, t := leftmost(n.Right()); t != nil {
				if rb := tableBase(t.UnderlyingTable()); rb != nil {
					if count, _, err := rb.RowCount(o.c); err == nil {
						more = math.Max(more, float64(count)/rows)
						all += float64(count)
					}
				}
			}
			each += rowByLookup + rowByIndex*more
		}
		return true
	})
	read := math.Min(1, o.rows/(units*math.Max(share, 1e-6)))
	return read*rows*each < all, nil
}

// readColumns are the columns of the table that something above reads: all, unless the plan has said which.
func (b *base) readColumns(n sql.Node) []string {
	var out []string
	transform.Inspect(n, func(n sql.Node) bool {
		if t, ok := n.(sql.TableNode); ok && tableBase(t.UnderlyingTable()) == b {
			if p, ok := t.UnderlyingTable().(sql.ProjectedTable); ok {
				out = p.Projections()
			}
		}
		return true
	})
	if out == nil {
		for _, col := range b.m.Def.Columns {
			out = append(out, col.Name)
		}
	}
	return out
}

// scanInstead is a join with its first table read by an index, and with lookups where it merged or hashed.
func (o *orderServer) scanInstead(n sql.Node, x *index, reverse bool) (sql.Node, error) {
	switch n := n.(type) {
	case *plan.JoinNode:
		left, err := o.scanInstead(n.Left(), x, reverse)
		if err != nil {
			return nil, err
		}
		if by := o.lookupInstead(n); by != nil {
			n = by
		}
		return n.WithChildren(o.c, left, n.Right())
	case *plan.Filter, *plan.Project, *plan.TableAlias:
		child, err := o.scanInstead(n.Children()[0], x, reverse)
		if err != nil {
			return nil, err
		}
		return n.WithChildren(o.c, child)
	}
	lookup, err := sql.NewMySQLIndexBuilder(o.c, x).Build(o.c)
	if err != nil {
		return nil, err
	}
	if reverse {
		lookup = sql.NewIndexLookup(lookup.Index, lookup.Ranges.(sql.MySQLRangeCollection), lookup.IsPointLookup, lookup.IsEmptyRange, lookup.IsSpatialLookup, true)
	}
	t := n.(sql.TableNode)
	if ita, ok := t.(*plan.IndexedTableAccess); ok {
		t = ita.TableNode
	}
	return plan.NewStaticIndexedAccessForTableNode(o.c, t, lookup)
}

// lookupInstead is a join that looks up in the place of one that merges or hashes, nil if it does neither or no index serves it.
func (o *orderServer) lookupInstead(j *plan.JoinNode) *plan.JoinNode {
	if !j.Op.IsMerge() && !j.Op.IsHash() || j.Op.IsExcludeNulls() || j.Filter == nil {
		return nil
	}
	op := plan.JoinTypeLookup
	switch {
	case j.Op.IsLeftOuter():
		op = plan.JoinTypeLeftOuterLookup
	case !pairs(j.Op):
		return nil
	}
	right := j.Right()
	if h, ok := right.(*plan.HashLookup); ok {
		right = h.Child
	}
	to := o.lookUp(right, j)
	if to == nil {
		return nil
	}
	out := *j
	out.Op, out.IsReversed = op, false
	n, err := out.WithChildren(o.c, j.Left(), to)
	if err != nil {
		return nil
	}
	return n.(*plan.JoinNode)
}

// lookUp is the right side of a join with its table looked up by what the join's equalities say, nil if no index serves them.
func (o *orderServer) lookUp(n sql.Node, j *plan.JoinNode) sql.Node {
	switch n := n.(type) {
	case *plan.Filter, *plan.TableAlias:
		name, t := namedTable(n)
		var child sql.Node
		if t != nil {
			child = o.access(t, name, j)
		} else {
			child = o.lookUp(n.Children()[0], j)
		}
		if child == nil {
			return nil
		}
		out, err := n.WithChildren(o.c, child)
		if err != nil {
			return nil
		}
		return out
	case sql.TableNode:
		if a := o.access(n, n.Name(), j); a != nil {
			return a
		}
	}
	return nil
}

func (o *orderServer) access(t sql.TableNode, name string, j *plan.JoinNode) sql.Node {
	if !readsAll(o.c, t) {
		return nil
	}
	left := j.Left().Schema(o.c)
	value := map[string]sql.Expression{}
	for _, e := range expression.SplitConjunction(o.c, j.Filter) {
		eq, ok := e.(*expression.Equals)
		if !ok {
			continue
		}
		for _, side := range [][2]sql.Expression{{eq.Left(), eq.Right()}, {eq.Right(), eq.Left()}} {
			if f, ok := side[0].(*expression.GetField); ok && strings.EqualFold(f.Table(), name) && madeOf(o.c, side[1], left) && sameOrder(o.c, f, side[1]) {
				value[strings.ToLower(f.Name())] = side[1]
			}
		}
	}
	b := tableBase(t.UnderlyingTable())
	all, err := b.GetIndexes(o.c)
	if err != nil {
		return nil
	}
	var best *index
	var keys []sql.Expression
	for _, i := range all {
		x, ok := i.(*index)
		if !ok || !x.CanSupport(o.c) || x.PrefixLengths() != nil {
			continue
		}
		var by []sql.Expression
		for _, p := range x.ix().Parts {
			v := value[strings.ToLower(b.m.Def.Columns[p.Column].Name)]
			if v == nil {
				break
			}
			by = append(by, v)
		}
		if len(by) > len(keys) {
			best, keys = x, by
		}
	}
	if best == nil {
		return nil
	}
	if ita, ok := t.(*plan.IndexedTableAccess); ok {
		t = ita.TableNode
	}
	out, err := plan.NewIndexedAccessForTableNode(o.c, t, plan.NewLookupBuilder(o.c, best, keys, make([]bool, len(keys))))
	if err != nil {
		return nil
	}
	return out
}
