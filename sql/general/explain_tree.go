package general

import (
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"time"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/plan"

	"github.com/zoryadb/zorya/sql/item"
	"github.com/zoryadb/zorya/sql/temporal"
)

// EXPLAIN FORMAT=TREE and EXPLAIN ANALYZE, in MySQL's words. What MySQL has no line for (projections, aliases) is passed over. Costs are those of MySQL's
// defaults for what a table gives: 0.25 to read and 0.1 a row; plans above tables have none.

// measure is what an iterator did: how often it was begun, its rows, and the time to the first and the last of them, of all times together.
type measure struct {
	loops, rows int64
	first, last time.Duration
}

// measures are those of the nodes of a plan that runs for EXPLAIN ANALYZE.
type measures struct {
	of    map[sql.Node]*measure
	inner sql.Node // the node that is being built beneath its measure
}

// build builds a node with its measure; nil: it is being built already, or cannot be told from others.
func (m *measures) build(b *builder, c *sql.Context, n sql.Node, r sql.Row) (sql.RowIter, error) {
	if reflect.ValueOf(n).Kind() != reflect.Pointer {
		return nil, nil
	}
	if m.inner == n {
		m.inner = nil
		return nil, nil
	}
	one := m.of[n]
	if one == nil {
		one = &measure{}
		m.of[n] = one
	}
	m.inner = n
	begun := time.Now()
	in, err := b.build(c, n, r)
	if err != nil {
		return nil, err
	}
	one.loops++
	return &measuredIter{in: in, m: one, spent: time.Since(begun)}, nil
}

type measuredIter struct {
	in    sql.RowIter
	m     *measure
	spent time.Duration
	some  bool
}

func (i *measuredIter) Next(c *sql.Context) (sql.Row, error) {
	begun := time.Now()
	r, err := i.in.Next(c)
	i.spent += time.Since(begun)
	if !i.some {
		i.some = true
		i.m.first += i.spent
	}
	if err == nil {
		i.m.rows++
	}
	return r, err
}

func (i *measuredIter) Close(c *sql.Context) error {
	if !i.some {
		i.some = true
		i.m.first += i.spent
	}
	i.m.last += i.spent
	return i.in.Close(c)
}

// run reads all rows of a plan.
func (m *measures) run(c *sql.Context, s *Session, x *execution, node sql.Node, flags *sql.QueryFlags) error {
	x.measured = m
	defer func() { x.measured = nil }()
	it, _, err := s.start(c, x, node, flags)
	if err != nil {
		return err
	}
	for err == nil {
		_, err = it.Next(c)
	}
	if failed := it.Close(c); failed != nil && errors.Is(err, io.EOF) {
		err = failed
	}
	if !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}

// tree writes a plan.
type tree struct {
	c       *sql.Context
	s       *Session
	ran     *measures // nil: the plan did not run
	out     strings.Builder
	selects int
}

func (t *tree) line(depth int, n sql.Node, estimate, format string, args ...any) {
	fmt.Fprintf(&t.out, "%s-> %s%s%s\n", strings.Repeat("    ", depth), fmt.Sprintf(format, args...), estimate, t.actual(n))
}

func (t *tree) actual(n sql.Node) string {
	if t.ran == nil || n == nil || reflect.ValueOf(n).Kind() != reflect.Pointer {
		return ""
	}
	m := t.ran.of[n]
	if m == nil || m.loops == 0 {
		return " (never executed)"
	}
	ms := func(d time.Duration) string { return number3(float64(d.Microseconds()) / 1000 / float64(m.loops)) }
	return fmt.Sprintf(" (actual time=%s..%s rows=%s loops=%d)", ms(m.first), ms(m.last), number3(float64(m.rows)/float64(m.loops)), m.loops)
}

// number3 shows three significant digits at least, as MySQL does.
func number3(f float64) string {
	if f == float64(int64(f)) || f >= 100 {
		return fmt.Sprintf("%.0f", f)
	}
	return fmt.Sprintf("%.3g", f)
}

// shownAll is expressions in a list.
func shownAll(list []sql.Expression) string {
	out := make([]string, len(list))
	for i, e := range list {
		out[i] = shownCondition(e)
	}
	return strings.Join(out, ", ")
}

// shownCondition is an expression without the quotes and the database that MySQL's trees do not have.
func shownCondition(e sql.Expression) string {
	if e == nil {
		return "true"
	}
	if f, ok := e.(*expression.GetField); ok {
		if f.Table() == "" {
			return f.Name()
		}
		return f.Table() + "." + f.Name()
	}
	return item.Text(item.Plain(e))
}

func filterText(e sql.Expression) string {
	s := shownCondition(e)
	if !strings.HasPrefix(s, "(") || !strings.HasSuffix(s, ")") {
		s = "(" + s + ")"
	}
	return s
}

// node writes n, whose lines begin at depth; alias names the next table.
func (t *tree) node(n sql.Node, depth int, alias string) {
	switch n := n.(type) {
	case *plan.Limit:
		if off, ok := n.Child.(*plan.Offset); ok {
			t.line(depth, n, "", "Limit/Offset: %s/%s row(s)", n.Limit, off.Offset)
			t.node(off.Child, depth+1, alias)
			return
		}
		t.line(depth, n, "", "Limit: %s row(s)", n.Limit)
		t.node(n.Child, depth+1, alias)
	case *plan.Offset:
		t.line(depth, n, "", "Offset: %s row(s)", n.Offset)
		t.node(n.Child, depth+1, alias)
	case *plan.TopN:
		t.line(depth, n, "", "Limit: %s row(s)", n.Limit)
		t.line(depth+1, n, "", "Sort: %s, limit input to %s row(s) per chunk", sortText(n.SortConditions), n.Limit)
		t.node(n.Child, depth+2, alias)
	case *plan.Sort:
		t.line(depth, n, "", "Sort: %s", sortText(n.SortConditions))
		t.node(n.Child, depth+1, alias)
	case *plan.Filter:
		t.line(depth, n, "", "Filter: %s", filterText(n.Expression))
		t.node(n.Child, depth+1, alias)
		t.subqueries(depth+1, "condition", n.Expression)
	case *plan.Having:
		t.line(depth, n, "", "Filter: %s", filterText(n.Cond))
		t.node(n.Child, depth+1, alias)
		t.subqueries(depth+1, "condition", n.Cond)
	case *plan.GroupBy:
		t.group(n, depth, alias)
	case *plan.Window:
		t.line(depth, n, "", "Window aggregate: %s", shownAll(windowsOf(n.SelectExprs)))
		t.node(n.Child, depth+1, alias)
	case *plan.Distinct:
		t.line(depth, nil, "", "Table scan on <temporary>")
		t.line(depth+1, n, "", "Temporary table with deduplication")
		t.node(n.Child, depth+2, alias)
	case *plan.SetOp:
		what := map[bool]string{true: " with deduplication", false: ""}[n.Distinct]
		t.line(depth, nil, "", "Table scan on <%s temporary>", strings.ToLower(setOpName(n)))
		t.line(depth+1, n, "", "%s materialize%s", setOpName(n), what)
		for _, ch := range n.Children() {
			t.node(ch, depth+2, "")
		}
	case *plan.SubqueryAlias:
		t.line(depth, n, "", "Table scan on %s", n.Name())
		t.line(depth+1, nil, "", "Materialize")
		t.node(n.Child, depth+2, "")
	case *plan.EmptyTable:
		t.line(depth, nil, "", "Zero rows (Impossible WHERE)")
	case *plan.TableAlias:
		t.node(n.Child, depth, n.Name())
	case *plan.ResolvedTable:
		if plan.IsDualTable(n.Table) {
			t.line(depth, n, "", "Rows fetched before execution")
			return
		}
		t.access(n, depth, func(b *explainBlock) { b.scan(n.Table, alias, false) })
	case *plan.IndexedTableAccess:
		t.access(n, depth, func(b *explainBlock) { b.lookup(n, alias, false) })
	case *plan.JoinNode:
		t.join(n, depth)
	case *plan.InsertInto:
		t.node(n.Source, depth, "")
	case *plan.Project:
		t.node(n.Child, depth, alias)
		t.subqueries(depth, "projection", n.Projections...)
	default:
		ch := n.Children()
		if len(ch) == 1 {
			t.node(ch[0], depth, alias)
			return
		}
		name := reflect.TypeOf(n).String()
		t.line(depth, n, "", "%s", name[strings.LastIndex(name, ".")+1:])
		for _, x := range ch {
			t.node(x, depth+1, "")
		}
	}
}

func setOpName(n *plan.SetOp) string {
	switch {
	case strings.HasPrefix(strings.ToLower(n.String()), "intersect"):
		return "Intersect"
	case strings.HasPrefix(strings.ToLower(n.String()), "except"):
		return "Except"
	}
	return "Union"
}

func windowsOf(list []sql.Expression) []sql.Expression {
	var out []sql.Expression
	for _, e := range list {
		if a, ok := e.(*expression.Alias); ok {
			e = a.Child
		}
		if w, ok := e.(sql.WindowAdaptableExpression); ok && w.Window() != nil {
			out = append(out, e)
		}
	}
	return out
}

func sortText(list sql.SortConditions) string {
	var out []string
	for _, f := range list {
		s := shownCondition(f.Expr)
		if f.Order == sql.Descending {
			s += " DESC"
		}
		out = append(out, s)
	}
	return strings.Join(out, ", ")
}

func (t *tree) group(n *plan.GroupBy, depth int, alias string) {
	var aggregates []sql.Expression
	for _, e := range n.SelectDeps {
		if a, ok := e.(*expression.Alias); ok {
			e = a.Child
		}
		if _, ok := e.(sql.Aggregation); ok {
			aggregates = append(aggregates, e)
		}
	}
	if len(n.GroupByExprs) == 0 {
		t.line(depth, n, "", "Aggregate: %s", shownAll(aggregates))
		t.node(n.Child, depth+1, alias)
		return
	}
	if groupsInOrder(t.c, n, rowOrder(t.c, n.Child)) {
		t.line(depth, n, "", "Group aggregate: %s", shownAll(aggregates))
		t.node(n.Child, depth+1, alias)
		return
	}
	t.line(depth, nil, "", "Table scan on <temporary>")
	t.line(depth+1, n, "", "Aggregate using temporary table")
	t.node(n.Child, depth+2, alias)
}

func (t *tree) join(n *plan.JoinNode, depth int) {
	kind := n.JoinType()
	side := "inner"
	switch name := kind.String(); {
	case kind.IsLeftOuter() || kind == plan.JoinTypeLateralLeft:
		side = "left"
	case strings.HasPrefix(name, "Semi"):
		side = "semi"
	case strings.HasPrefix(name, "Anti"):
		side = "anti"
	}
	suffix := " join"
	if side == "semi" || side == "anti" {
		suffix = "join"
	}
	if kind.IsHash() {
		t.line(depth, n, "", "%s hash%s %s", strings.ToUpper(side[:1])+side[1:], map[bool]string{true: " join", false: "join"}[suffix == " join"], filterText(n.Filter))
		t.node(n.Left(), depth+1, "")
		t.line(depth+1, nil, "", "Hash")
		t.node(n.Right(), depth+2, "")
		return
	}
	how := "Nested loop "
	if strings.Contains(kind.String(), "Merge") {
		how = "Merge "
	}
	t.line(depth, n, "", "%s%s%s", how, side, suffix)
	t.node(n.Left(), depth+1, "")
	if n.Filter != nil && !strings.Contains(kind.String(), "Lookup") && how[0] == 'N' {
		t.line(depth+1, nil, "", "Filter: %s", filterText(n.Filter))
		depth++
	}
	t.node(n.Right(), depth+1, "")
}

// subqueries are those within expressions.
func (t *tree) subqueries(depth int, where string, list ...sql.Expression) {
	for _, e := range list {
		if e == nil {
			continue
		}
		sql.Inspect(t.c, e, func(_ *sql.Context, e sql.Expression) bool {
			q, ok := e.(*plan.Subquery)
			if !ok {
				return true
			}
			how := "run only once"
			if !q.Correlated().Empty() {
				how = "dependent"
			}
			t.selects++
			t.line(depth, nil, "", "Select #%d (subquery in %s; %s)", t.selects+1, where, how)
			t.node(q.Query, depth+1, "")
			return false
		})
	}
}

// access is the line of a table.
func (t *tree) access(n sql.Node, depth int, list func(*explainBlock)) {
	e := &explainer{c: t.c, s: t.s}
	list(&explainBlock{e: e})
	if len(e.accesses) == 0 {
		t.line(depth, n, "", "Rows fetched before execution")
		return
	}
	a := e.accesses[0]
	estimate := ""
	if a.counted {
		rows := max(a.rows, 1)
		estimate = fmt.Sprintf("  (cost=%s rows=%d)", number3(0.25+0.1*float64(rows)), rows)
	}
	ix, _ := n.(*plan.IndexedTableAccess)
	switch a.kind {
	case "ALL":
		t.line(depth, n, estimate, "Table scan on %s", a.table)
	case "index":
		t.line(depth, n, estimate, "Index scan on %s using %s", a.table, a.key)
	case "range":
		t.line(depth, n, estimate, "Index range scan on %s using %s over %s", a.table, a.key, t.ranges(ix))
	case "const", "eq_ref":
		t.line(depth, n, estimate, "Single-row index lookup on %s using %s (%s)", a.table, a.key, t.keys(ix, a))
	case "fulltext":
		t.line(depth, n, estimate, "Full-text index search on %s using %s", a.table, a.key)
	default:
		t.line(depth, n, estimate, "Index lookup on %s using %s (%s)", a.table, a.key, t.keys(ix, a))
	}
}

// indexColumns are an index's columns as they are called.
func indexColumns(n *plan.IndexedTableAccess) []string {
	var out []string
	for _, e := range n.Index().Expressions() {
		out = append(out, e[strings.LastIndex(e, ".")+1:])
	}
	return out
}

// keys is what an index is looked up by.
func (t *tree) keys(n *plan.IndexedTableAccess, a *access) string {
	if n == nil {
		return ""
	}
	cols, out := indexColumns(n), []string{}
	if !n.IsStatic() {
		for i, k := range n.Expressions() {
			if i < len(cols) && i < len(a.ref) {
				out = append(out, cols[i]+"="+shownCondition(item.Key(k)))
			}
		}
		return strings.Join(out, ", ")
	}
	if all := t.rangesOf(n); len(all) > 0 {
		for i, x := range all[0] {
			if i < len(cols) && i < len(a.ref) {
				out = append(out, cols[i]+"="+shownKey(x.LowerBound))
			}
		}
	}
	return strings.Join(out, ", ")
}

func (t *tree) rangesOf(n *plan.IndexedTableAccess) sql.MySQLRangeCollection {
	lookup, _, err := n.GetLookup(t.c, nil)
	if err != nil {
		return nil
	}
	ranges, _ := lookup.Ranges.(sql.MySQLRangeCollection)
	return ranges
}

// maxShownRanges bounds how many ranges a line has.
const maxShownRanges = 10

// ranges is what parts of an index are read.
func (t *tree) ranges(n *plan.IndexedTableAccess) string {
	cols := indexColumns(n)
	var out []string
	all := t.rangesOf(n)
	for _, r := range all {
		var parts []string
		for i, x := range r {
			if i < len(cols) {
				if s := shownRange(cols[i], x); s != "" {
					parts = append(parts, s)
				}
			}
		}
		out = append(out, "("+strings.Join(parts, " AND ")+")")
		if len(out) == maxShownRanges && len(all) > maxShownRanges {
			return strings.Join(out, " OR ") + fmt.Sprintf(" OR (%d more)", len(all)-maxShownRanges)
		}
	}
	return strings.Join(out, " OR ")
}

func shownRange(col string, x sql.MySQLRangeColumnExpr) string {
	low, high := shownKey(x.LowerBound), shownKey(x.UpperBound)
	_, above := x.LowerBound.(sql.Above)
	_, upTo := x.UpperBound.(sql.Above)
	if low != "" && low == high && !above && upTo {
		return col + " = " + low
	}
	if _, null := x.UpperBound.(sql.AboveNull); null {
		return col + " = NULL"
	}
	s := col
	if low != "" {
		s = low + map[bool]string{true: " < ", false: " <= "}[above] + s
	} else if _, some := x.LowerBound.(sql.AboveNull); some {
		s = "NULL < " + s
	}
	if high != "" {
		s += map[bool]string{true: " <= ", false: " < "}[upTo] + high
	}
	if s == col {
		return ""
	}
	return s
}

// shownKey is the value that a range ends at, "" if it has no end there.
func shownKey(cut sql.MySQLRangeCut) string {
	var v any
	switch x := cut.(type) {
	case sql.Above:
		v = x.Key
	case sql.Below:
		v = x.Key
	default:
		return ""
	}
	switch v := v.(type) {
	case string:
		return "'" + v + "'"
	case []byte:
		return "'" + string(v) + "'"
	case time.Time:
		return "'" + temporal.OfHeld(v).Text(0) + "'"
	}
	return fmt.Sprint(v)
}
