package general

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/types"
	"github.com/dolthub/vitess/go/sqltypes"
	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/item"
	"github.com/zoryadb/zorya/sql/lexer"
	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// EXPLAIN shows the library's plan in MySQL's forms: the table of accesses, FORMAT=JSON made of that table, and FORMAT=TREE (explain_tree.go).

// ownExplain: {EXPLAIN | DESCRIBE | DESC} [ANALYZE] [FORMAT = f] {statement | FOR CONNECTION n}.
func (s *Session) ownExplain(t *lexer.Cursor) (*Statement, error) {
	t.Pos++
	x := &explanation{format: ""}
	x.analyze = t.Accept("ANALYZE")
	for {
		switch {
		case t.Accept("EXTENDED"), t.Accept("PARTITIONS"):
			continue
		case t.Accept("FORMAT", "="):
			name, ok := t.Name()
			if !ok {
				return nil, s.wrong(t)
			}
			x.format = strings.ToUpper(name)
			continue
		}
		break
	}
	switch x.format {
	case "":
		x.format = "TRADITIONAL"
		if x.analyze {
			x.format = "TREE"
		}
	case "TRADITIONAL", "JSON", "TREE":
	default:
		return nil, mysqlerr.NewMessage(1791, "Unknown EXPLAIN format name: '%s'", x.format)
	}
	if x.analyze && x.format != "TREE" {
		return nil, mysqlerr.New(mysqlerr.ER_NOT_SUPPORTED_YET, "EXPLAIN ANALYZE with "+x.format+" format")
	}
	if t.Accept("FOR", "CONNECTION") {
		id, err := strconv.ParseUint(t.At(0), 10, 64)
		if t.Pos++; err != nil || !t.End() || x.analyze {
			t.Pos--
			return nil, s.wrong(t)
		}
		return &Statement{Text: t.Src, run: func(c *sql.Context, s *Session, e *execution) (*Result, error) { return x.connection(c, s, e, id) }}, nil
	}
	if t.Word(0) == "PLAN" {
		return nil, nil
	}
	if t.End() {
		return nil, s.wrong(t)
	}
	st, _, err := s.parseGMS(t.Rest(), "")
	if err != nil {
		return nil, err
	}
	if !explainable(st.ast) {
		return nil, s.wrong(t)
	}
	return &Statement{Text: t.Src, inner: st.ast, Params: st.Params, listsDatabases: st.listsDatabases, hints: st.hints,
		run: func(c *sql.Context, s *Session, e *execution) (*Result, error) { return x.run(c, s, e, st) }}, nil
}

// explanation is what an EXPLAIN asks for.
type explanation struct {
	format  string
	analyze bool
}

func explainable(ast sqlparser.Statement) bool {
	switch ast.(type) {
	case sqlparser.SelectStatement, *sqlparser.Insert, *sqlparser.Update, *sqlparser.Delete:
		return true
	}
	return false
}

func (x *explanation) run(c *sql.Context, s *Session, e *execution, st *Statement) (*Result, error) {
	text := func(out string) (*Result, error) { return s.rowsOf(c, e, texts("EXPLAIN"), []sql.Row{{out}}), nil }
	node, flags, err := s.analyze(c, e, st.ast, st.Text)
	if err != nil {
		return nil, err
	}
	if !x.analyze {
		s.noteStatement(c, st)
	}
	if x.format == "TREE" {
		t := &tree{c: c, s: s}
		depth := 0
		if _, reads := st.ast.(sqlparser.SelectStatement); !reads {
			what := changeLine(node)
			if what == "" || x.analyze {
				return text("<not executable by iterator executor>\n")
			}
			t.line(0, nil, "", "%s", what)
			depth++
		}
		if x.analyze {
			t.ran = &measures{of: map[sql.Node]*measure{}}
			if err := t.ran.run(c, s, e, node, flags); err != nil {
				return nil, err
			}
		}
		t.node(node, depth, "")
		return text(t.out.String())
	}
	ex := &explainer{c: c, s: s}
	ex.statement(node)
	if x.format == "JSON" {
		return text(ex.json())
	}
	rows := make([]sql.Row, len(ex.accesses))
	for i, a := range ex.accesses {
		rows[i] = a.row()
	}
	return s.rowsOf(c, e, explainSchema, rows), nil
}

// connection explains what another session runs: its text is planned again, in its database.
func (x *explanation) connection(c *sql.Context, s *Session, e *execution, id uint64) (*Result, error) {
	if s.e.opts.Processes == nil {
		return nil, mysqlerr.New(mysqlerr.ER_NO_SUCH_THREAD, id)
	}
	for _, p := range s.e.opts.Processes() {
		if uint64(p.ID) != id {
			continue
		}
		if p.User != s.login.AccountUser && !s.Allowed("PROCESS") {
			return nil, mysqlerr.New(mysqlerr.ER_SPECIFIC_ACCESS_DENIED_ERROR, "PROCESS")
		}
		st, _, err := s.parseGMS(p.Info, "")
		if p.Info == "" || err != nil || st == nil || !explainable(st.ast) || uint64(s.gms.ID()) == id {
			return nil, mysqlerr.NewMessage(3012, "EXPLAIN FOR CONNECTION command is supported only for SELECT/UPDATE/INSERT/DELETE/REPLACE")
		}
		before := c.GetCurrentDatabase()
		c.SetCurrentDatabase(p.Database)
		defer c.SetCurrentDatabase(before)
		return x.run(c, s, e, st)
	}
	return nil, mysqlerr.New(mysqlerr.ER_NO_SUCH_THREAD, id)
}

var explainSchema = sql.Schema{{Name: "id", Type: types.Uint64, Nullable: true}, {Name: "select_type", Type: varchars}, {Name: "table", Type: varchars, Nullable: true},
	{Name: "partitions", Type: types.Text, Nullable: true}, {Name: "type", Type: varchars, Nullable: true}, {Name: "possible_keys", Type: types.Text, Nullable: true},
	{Name: "key", Type: varchars, Nullable: true}, {Name: "key_len", Type: varchars, Nullable: true}, {Name: "ref", Type: types.Text, Nullable: true},
	{Name: "rows", Type: types.Uint64, Nullable: true}, {Name: "filtered", Type: item.FixedReal(2), Nullable: true}, {Name: "Extra", Type: types.Text, Nullable: true}}

// access is one line: how a table of a query block is read.
type access struct {
	id       uint64 // 0: NULL
	block    string
	table    string // "": NULL
	kind     string
	possible []string
	key      string
	keyLen   int
	ref      []string
	rows     uint64
	counted  bool
	filtered float64
	extra    []string
	parts    any // partitions: text or nil
	reads    *reading
	where    []sql.Expression // conditions that are looked at when a row of it was read
	inIndex  []sql.Expression // and those that its index entry tells
	ranged   string           // what the access itself compares, of a range
}

func (a *access) row() sql.Row {
	r := sql.Row{nil, a.block, text0(a.table), a.parts, text0(a.kind), text0(strings.Join(a.possible, ",")), text0(a.key), nil, text0(strings.Join(a.ref, ",")),
		nil, nil, text0(strings.Join(a.extra, "; "))}
	if a.id > 0 {
		r[0] = a.id
	}
	if a.keyLen > 0 || a.kind == "fulltext" {
		r[7] = fmt.Sprint(a.keyLen)
	}
	if a.counted {
		r[9], r[10] = max(a.rows, 1), a.filtered
	}
	return r
}

// text0 is NULL for the empty text.
func text0(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// explainer collects the accesses of a plan, query block by query block.
type explainer struct {
	c        *sql.Context
	s        *Session
	accesses []*access
	blocks   uint64
	later    []func() // derived tables and subqueries: listed after the block that they are in
	places   map[uint64]blockPlace
	unions   map[uint64]int  // blocks of the statement's own UNION
	changed  map[string]bool // the tables that the statement changes, by the names it knows them by; nil: all
}

// blockPlace is where a block's rows are asked for.
type blockPlace struct {
	block     uint64
	condition bool // or the select list
}

func (e *explainer) statement(n sql.Node) {
	e.block(n, "SIMPLE")
	if e.blocks > 1 {
		for _, a := range e.accesses {
			if a.block == "SIMPLE" {
				a.block = "PRIMARY"
			}
		}
	}
}

// block lists one query block and then those within it.
func (e *explainer) block(n sql.Node, kind string) {
	if u := setOp(n); u != nil {
		e.union(u, kind)
		return
	}
	e.blocks++
	b := &explainBlock{e: e, id: e.blocks, kind: kind, first: len(e.accesses)}
	b.walk(n, "", false)
	b.complete(e.accesses[b.first:])
	if len(e.accesses) == b.first {
		extra := "No tables used"
		if b.empty {
			extra = "Impossible WHERE"
		}
		e.accesses = append(e.accesses, &access{id: b.id, block: b.kind, extra: []string{extra}})
	} else {
		first := e.accesses[b.first]
		if b.temporary {
			first.extra = append(first.extra, "Using temporary")
		}
		if b.sorted {
			first.extra = append(first.extra, "Using filesort")
		}
	}
	later := e.later
	e.later = nil
	for _, f := range later {
		f()
	}
}

// changeLine is what a tree says of a statement that changes rows of a join, or inserts those of a query; "": it is neither, and MySQL has no tree.
func changeLine(n sql.Node) string {
	what, names := "", map[string]bool(nil)
	transform := func(n sql.Node) bool {
		switch n := n.(type) {
		case *plan.InsertInto:
			if !fromQuery(n.Source) {
				return false
			}
			what = "Insert into " + nameOf(n.Destination)
			if n.IsReplace {
				what = "Replace into " + nameOf(n.Destination)
			}
			return false
		case *plan.Update:
			what, names = "Update ", changedNames(n)
		case *plan.DeleteFrom:
			what, names = "Delete from ", changedNames(n)
		case *plan.JoinNode:
			if names == nil {
				return false
			}
			var list []string
			for i, t := range joinedNames(n) {
				if !names[strings.ToLower(t)] {
					continue
				}
				if i == 0 {
					t += " (immediate)"
				} else {
					t += " (buffered)"
				}
				list = append(list, t)
			}
			what += strings.Join(list, ", ")
			names = nil
			return false
		}
		return true
	}
	var walk func(n sql.Node)
	walk = func(n sql.Node) {
		if transform(n) {
			for _, ch := range n.Children() {
				walk(ch)
			}
		}
	}
	walk(n)
	if names != nil {
		return "" // of one table
	}
	return what
}

// joinedNames are the tables of a join in the order in which they are read.
func joinedNames(n sql.Node) []string {
	switch n := n.(type) {
	case *plan.TableAlias:
		return []string{n.Name()}
	case *plan.ResolvedTable:
		return []string{n.Name()}
	case *plan.IndexedTableAccess:
		return []string{n.Name()}
	case *plan.SubqueryAlias:
		return []string{n.Name()}
	}
	var out []string
	for _, ch := range n.Children() {
		out = append(out, joinedNames(ch)...)
	}
	return out
}

// fromQuery reports whether the rows of an INSERT come from a query.
func fromQuery(n sql.Node) bool {
	if _, ok := n.(*plan.Values); ok {
		return false
	}
	ch := n.Children()
	return len(ch) != 1 || fromQuery(ch[0])
}

// changedNames are the tables that an UPDATE or DELETE of a join changes, in lower case, by the names that it knows them by; nil: there is no join.
func changedNames(n sql.Node) map[string]bool {
	out := map[string]bool{}
	switch n := n.(type) {
	case *plan.Update:
		join, ok := n.Child.(*plan.UpdateJoin)
		if !ok {
			return map[string]bool{}
		}
		for name := range join.UpdateTargets {
			out[strings.ToLower(name)] = true
		}
	case *plan.DeleteFrom:
		for _, t := range n.GetDeleteTargets() {
			out[strings.ToLower(nameOf(t))] = true
		}
	}
	return out
}

func setOp(n sql.Node) *plan.SetOp {
	for n != nil {
		if u, ok := n.(*plan.SetOp); ok {
			return u
		}
		if _, ok := n.(*plan.SubqueryAlias); ok {
			return nil
		}
		ch := n.Children()
		if len(ch) != 1 {
			return nil
		}
		n = ch[0]
	}
	return nil
}

func (e *explainer) union(u *plan.SetOp, kind string) {
	if kind == "SIMPLE" {
		kind = "PRIMARY"
	}
	var ids []string
	top := e.blocks == 0
	if top {
		e.unions = map[uint64]int{}
	}
	var list func(n sql.Node)
	list = func(n sql.Node) {
		if inner := setOp(n); inner != nil {
			for _, ch := range inner.Children() {
				list(ch)
			}
			return
		}
		ids = append(ids, fmt.Sprint(e.blocks+1))
		if top {
			e.unions[e.blocks+1]++
		}
		e.block(n, kind)
		kind = "UNION"
	}
	list(u)
	if u.Distinct {
		e.accesses = append(e.accesses, &access{block: "UNION RESULT", table: "<union" + strings.Join(ids, ",") + ">", kind: "ALL", extra: []string{"Using temporary"}})
	}
}

type explainBlock struct {
	e                        *explainer
	id                       uint64
	kind                     string
	first                    int
	sorted, temporary, empty bool
	conds                    []sql.Expression
	limits                   []restriction
}

func (b *explainBlock) add(a *access, where bool) {
	a.id, a.block = b.id, b.kind
	if c := b.e.changed; len(c) > 0 && (b.kind == "UPDATE" || b.kind == "DELETE") && !c[strings.ToLower(a.table)] {
		a.block = "SIMPLE"
	}
	if a.filtered == 0 {
		a.filtered = 100
	}
	if where && a.kind != "const" && a.kind != "eq_ref" {
		a.extra = append(a.extra, "Using where")
		if a.kind == "ALL" {
			a.filtered = 33.33
		}
	}
	b.e.accesses = append(b.e.accesses, a)
}

// walk descends to the tables in the order they are read. where: a filter is above; alias names the next table.
func (b *explainBlock) walk(n sql.Node, alias string, where bool) {
	if x, ok := n.(sql.Expressioner); ok {
		_, filter := n.(*plan.Filter)
		b.subqueries(x.Expressions(), filter)
	}
	switch n := n.(type) {
	case *plan.InsertInto:
		kind := "INSERT"
		if n.IsReplace {
			kind = "REPLACE"
		}
		b.e.accesses = append(b.e.accesses, &access{id: b.id, block: kind, table: nameOf(n.Destination), kind: "ALL"})
		b.walkSource(n.Source)
		return
	case *plan.Update:
		b.kind = "UPDATE"
		b.e.changed = changedNames(n)
	case *plan.DeleteFrom:
		b.kind = "DELETE"
		b.e.changed = changedNames(n)
	case *plan.SubqueryAlias:
		id := b.e.blocks + uint64(len(b.e.later)) + 1
		b.add(&access{table: fmt.Sprintf("<derived%d>", id), kind: "ALL", rows: 2, counted: true}, where)
		child := n.Child
		b.e.later = append(b.e.later, func() { b.e.block(child, "DERIVED") })
		return
	case *plan.TableAlias:
		alias = n.Name()
	case *plan.Filter:
		where = true
		b.conditions(n.Expression)
	case *plan.Having:
		where = true
	case *plan.Sort, *plan.TopN:
		b.sorted = true
	case *plan.GroupBy:
		b.temporary = b.temporary || len(n.GroupByExprs) > 0 && !groupsInOrder(b.e.c, n, rowOrder(b.e.c, n.Child))
	case *plan.Distinct:
		b.temporary = true
	case *plan.EmptyTable:
		b.empty = true
		return
	case *plan.ResolvedTable:
		b.scan(n.Table, alias, where)
		return
	case *plan.IndexedTableAccess:
		b.lookup(n, alias, where)
		return
	case *plan.JoinNode:
		b.conditions(n.Filter)
		b.walk(n.Left(), "", where)
		from := len(b.e.accesses)
		b.walk(n.Right(), "", where)
		if from < len(b.e.accesses) && b.e.accesses[from].kind == "ALL" && (n.JoinType().IsHash() || !unhashedSide(b.e.c, n.Right())) {
			b.e.accesses[from].extra = append(b.e.accesses[from].extra, "Using join buffer (hash join)")
		}
		return
	case *plan.TriggerExecutor:
		b.walk(n.Left(), alias, where)
		return
	}
	for _, ch := range n.Children() {
		b.walk(ch, alias, where)
	}
}

// walkSource lists the SELECT of an INSERT; VALUES reads no table.
func (b *explainBlock) walkSource(n sql.Node) {
	for m := n; m != nil; {
		if _, ok := m.(*plan.Values); ok {
			return
		}
		ch := m.Children()
		if len(ch) != 1 {
			break
		}
		m = ch[0]
	}
	b.kind = "SIMPLE"
	b.walk(n, "", false)
}

func nameOf(n sql.Node) string {
	for n != nil {
		if t, ok := n.(sql.Nameable); ok {
			return t.Name()
		}
		ch := n.Children()
		if len(ch) == 0 {
			break
		}
		n = ch[0]
	}
	return ""
}

// subqueries lists those within expressions as blocks of their own.
func (b *explainBlock) subqueries(exprs []sql.Expression, condition bool) {
	for _, x := range exprs {
		if x == nil {
			continue
		}
		sql.Inspect(b.e.c, x, func(_ *sql.Context, x sql.Expression) bool {
			q, ok := x.(*plan.Subquery)
			if !ok {
				return true
			}
			kind := "SUBQUERY"
			if !q.Correlated().Empty() {
				kind = "DEPENDENT SUBQUERY"
			}
			b.e.later = append(b.e.later, func() {
				if b.e.places == nil {
					b.e.places = map[uint64]blockPlace{}
				}
				b.e.places[b.e.blocks+1] = blockPlace{b.id, condition}
				b.e.block(q.Query, kind)
			})
			return false
		})
	}
}

func (b *explainBlock) scan(t sql.Table, alias string, where bool) {
	if plan.IsDualTable(t) {
		return
	}
	a := &access{table: orDefault(alias, t.Name()), kind: "ALL"}
	if ours := tableBase(t); ours != nil {
		a.parts = ours.shownPartitions(nil)
		a.reads = readsOf(t, ours, a.table, nil, 0)
		if n, _, err := ours.RowCount(b.e.c); err == nil {
			a.rows, a.counted = n, true
		}
		ours.explainNarrowed(b.e.c, a)
	}
	b.add(a, where)
}

// lookup is an access by an index, with constants or with columns of tables before it.
func (b *explainBlock) lookup(n *plan.IndexedTableAccess, alias string, where bool) {
	a := &access{table: orDefault(alias, n.Name()), kind: "ref", counted: true, rows: 1}
	defer func() { b.add(a, where) }()
	ours := tableBase(n.Table)
	x, ok := n.Index().(*index)
	if ours == nil || !ok {
		return
	}
	total, _, err := ours.RowCount(b.e.c)
	if err != nil {
		return
	}
	a.key = x.ID()
	a.possible = []string{a.key}
	a.parts = ours.shownPartitions(b.partitionsOf(n, ours, x))
	a.reads = readsOf(n.Table, ours, a.table, x, 0)
	if n.IsStatic() {
		b.static(a, n, ours, x, total)
		return
	}
	b.compares(n)
	for _, k := range n.Expressions() {
		a.ref = append(a.ref, b.refText(k))
	}
	parts := min(len(a.ref), len(x.ix().Parts))
	a.reads.parts = parts
	a.keyLen = ours.keyLength(x, parts)
	if x.ix().Unique && parts == len(x.ix().Parts) {
		a.kind = "eq_ref"
		return
	}
	a.rows = b.perKey(ours, x, parts, total)
}

// perKey is how many rows of an index have one key of so many parts, by the index's statistics; where there are none, a tenth.
func (b *explainBlock) perKey(ours *base, x *index, parts int, total uint64) uint64 {
	guess := max(total/10, 1)
	if parts == 0 || ours.unopened(b.e.c) {
		return guess
	}
	t, err := ours.ensure(b.e.c)
	if err != nil {
		return guess
	}
	st, err := b.e.s.e.statisticsOf(b.e.c, t)
	if err != nil || x.pos >= len(st.Distinct) || parts > len(st.Distinct[x.pos]) || st.Distinct[x.pos][parts-1] == 0 {
		return guess
	}
	return max((total+st.Distinct[x.pos][parts-1]/2)/st.Distinct[x.pos][parts-1], 1)
}

// partitionsOf are those that the ranges of an access leave; nil: all.
func (b *explainBlock) partitionsOf(n *plan.IndexedTableAccess, ours *base, x *index) []bool {
	if !n.IsStatic() || len(ours.m.attrs.Parts) == 0 || ours.unopened(b.e.c) {
		return nil
	}
	t, err := ours.ensure(b.e.c)
	if err != nil {
		return nil
	}
	p, ok := t.(*partitioned)
	lookup, _, err := n.GetLookup(b.e.c, nil)
	if !ok || err != nil {
		return nil
	}
	out := make([]bool, len(p.trees))
	ranges, _ := lookup.Ranges.(sql.MySQLRangeCollection)
	for _, r := range ranges {
		sp, some, err := (&userTable{base: ours}).span(b.e.c, x, r, item.Location(b.e.c))
		if err != nil || !some {
			continue
		}
		if sp.point != nil {
			sp.r = table.Range{Low: sp.point, High: sp.point}
		}
		set, err := p.within(b.e.c, x.pos, &sp.r)
		if err != nil || set == nil {
			return nil
		}
		for i := range out {
			out[i] = out[i] || set[i]
		}
	}
	return out
}

func (b *explainBlock) refText(x sql.Expression) string {
	switch x := item.Key(x).(type) {
	case *expression.GetField:
		return x.Database() + "." + x.Table() + "." + x.Name()
	case *expression.Literal:
		return "const"
	}
	return "func"
}

// static finds what the index's ranges come to.
func (b *explainBlock) static(a *access, n *plan.IndexedTableAccess, ours *base, x *index, total uint64) {
	lookup, _, err := n.GetLookup(b.e.c, nil)
	if err != nil {
		return
	}
	ranges, ok := lookup.Ranges.(sql.MySQLRangeCollection)
	if !ok {
		return
	}
	t, err := ours.ensure(b.e.c)
	if err != nil {
		return
	}
	a.kind, a.rows = "range", 0
	parts, equal, points := 0, 0, 0
	for _, r := range ranges {
		sp, some, err := ours.span(b.e.c, x, r, item.Location(b.e.c))
		if err != nil || !some {
			continue
		}
		if sp.point != nil {
			points++
			a.rows++
			parts = max(parts, len(sp.point))
			continue
		}
		parts = max(parts, len(sp.r.Low), len(sp.r.High))
		if len(sp.r.Low) == len(sp.r.High) && sameKey(sp.r.Low, sp.r.High) {
			equal++
		}
		if n, err := t.Estimate(b.e.c, x.pos, sp.r); err == nil {
			a.rows += n
		}
	}
	a.keyLen = ours.keyLength(x, parts)
	a.reads.parts = parts
	a.ranged = rangesText(n, a.table, ranges)
	switch {
	case parts == 0:
		a.kind, a.rows, a.possible = "index", total, nil
		a.keyLen = ours.keyLength(x, len(x.ix().Parts))
	case len(ranges) == 1 && points == 1:
		a.kind = "const"
	case len(ranges) == 1 && equal == 1:
		a.kind = "ref"
	}
	if a.kind == "const" || a.kind == "ref" {
		for range parts {
			a.ref = append(a.ref, "const")
		}
	}
}

// keyLength is the bytes of the first parts of an index as MySQL counts them.
func (b *base) keyLength(x *index, parts int) int {
	n := 0
	for i := range min(parts, len(x.ix().Parts)) {
		p := x.ix().Parts[i]
		col := b.m.schema[p.Column]
		n += typeLength(col.Type, p.Prefix, b.m.columns[p.Column].Fraction)
		if col.Nullable {
			n++
		}
	}
	return n
}

// typeLength is how many bytes a value of a type takes, of a text by so many characters as the prefix has, if there is one; of a TIME with so many digits of a second.
func typeLength(t sql.Type, prefix, fraction int) int {
	width := 1
	if ct, ok := t.(sql.TypeWithCollation); ok && !types.IsBinaryType(t) {
		width = int(ct.Collation().CharacterSet().MaxLength())
	}
	digits := func(n int) int { return (n + 1) / 2 }
	switch t.Type() {
	case sqltypes.Int8, sqltypes.Uint8, sqltypes.Year:
		return 1
	case sqltypes.Int16, sqltypes.Uint16:
		return 2
	case sqltypes.Int24, sqltypes.Uint24, sqltypes.Date:
		return 3
	case sqltypes.Int32, sqltypes.Uint32, sqltypes.Float32:
		return 4
	case sqltypes.Int64, sqltypes.Uint64, sqltypes.Float64:
		return 8
	case sqltypes.Time:
		return 3 + digits(fraction)
	case sqltypes.Timestamp, sqltypes.Datetime:
		n := 5
		if t.Type() == sqltypes.Timestamp {
			n = 4
		}
		if d, ok := t.(sql.DatetimeType); ok {
			n += digits(d.Precision())
		}
		return n
	case sqltypes.Decimal:
		if d, ok := t.(sql.DecimalType); ok {
			bytes := func(n int) int { return n/9*4 + (n%9+1)/2 }
			return bytes(int(d.Precision())-int(d.Scale())) + bytes(int(d.Scale()))
		}
	case sqltypes.Enum:
		if e, ok := t.(sql.EnumType); ok && e.NumberOfElements() > 255 {
			return 2
		}
		return 1
	case sqltypes.Char, sqltypes.Binary:
		if s, ok := t.(sql.StringType); ok {
			n := int(s.MaxCharacterLength())
			if prefix > 0 {
				n = prefix
			}
			return n * width
		}
	case sqltypes.VarChar, sqltypes.VarBinary, sqltypes.Text, sqltypes.Blob:
		if s, ok := t.(sql.StringType); ok {
			n := int(s.MaxCharacterLength())
			if prefix > 0 {
				n = prefix
			}
			return n*width + 2
		}
	}
	return 8
}

func sameKey(a, b []row.Datum) bool {
	for i := range a {
		if a[i].Null != b[i].Null || a[i].N != b[i].N || !bytes.Equal(a[i].B, b[i].B) {
			return false
		}
	}
	return len(a) > 0
}
