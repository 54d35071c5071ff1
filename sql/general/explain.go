package general

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/types"
	"github.com/dolthub/vitess/go/vt/sqlparser"

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
