package general

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/planbuilder"
	"github.com/dolthub/go-mysql-server/sql/rowexec"
	"github.com/dolthub/go-mysql-server/sql/types"
	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/base/crash"
	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/field"
	"github.com/zoryadb/zorya/sql/grammar"
	"github.com/zoryadb/zorya/sql/item"
	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/rules"
	"github.com/zoryadb/zorya/sql/spill"
	"github.com/zoryadb/zorya/sql/tabledef"
)

// phase says what the library is doing with a statement.
type phase uint8

const (
	analyzing phase = iota + 1
	running
)

// execution is one statement in progress.
type execution struct {
	s            *Session
	st           *Statement
	ctx          context.Context
	stmt         table.Stmt
	phase        phase
	opened       map[[2]string]table.Table
	databases    []sql.Database // touched, for provider.AllDatabases
	refs         rowRefs
	serializable bool
	unlocks      bool // rows that do not match do not stay locked
	world        bool // it reads a table of performance_schema that everybody reads
	params       []any
	bindings     map[string]sql.Expression        // local variables of the program whose statement runs
	variables    map[*expression.Literal]sql.Type // the types that those of bindings are declared with
	searches     map[string]*search               // of MATCH, by query, table and columns
	aliases      map[string][2]string             // of tables, when there is a MATCH
	partitions   string                           // the PARTITION BY of the table being defined
	spans        *spans                           // digits of TIME columns, nil: not looked for
	sorting      bool                             // the planner looks for indexes that give an order
	planned      sql.Node                         // the plan that they are those of
	declared     map[string]string                // of a CREATE TABLE: types as written
	declares     *sqlparser.ColumnDefinition      // the variable of a program whose type is looked at
	checks       []string                         // of a CREATE TABLE: the conditions of its checks
	casts        map[string]string                // of a CREATE TABLE: the texts of functional key parts with casts, by their columns as they are analysed
	results      []*Result                        // of a CALL, so far
	silent       int                              // > 0: within a function, whose SELECTs give no result
	missing      [2]string                        // the last table that was not found, for its message
	multi        *multiDelete
	assigned     *assignedRow              // of an INSERT whose VALUES refer to columns
	carried      []any                     // what carry noted of the row that comes next
	carriedTypes []sql.Type                // of those
	lost         uint64                    // rows of a DELETE that were gone already: editor.loses
	dest         *tabledef.Table           // the table of an INSERT ... SELECT ... ON DUPLICATE KEY UPDATE
	lastArg      *uint64                   // what LAST_INSERT_ID(expr) was last given
	behind       [][2]string               // the tables behind the views that the statement writes through, in lower case
	partial      *partialAccess            // while the statement is bound
	ignores      bool                      // DELETE IGNORE
	measured     *measures                 // of EXPLAIN ANALYZE
	unset        func()                    // gives back the variables that SET_VAR has set
	strict       bool                      // a statement that changes rows in strict mode: what it would warn of fails it
	failed       error                     // the first of those
	firing       map[uint64]firing         // by table id
	busy         map[[2]string]bool        // tables of the statement whose triggers or functions run; nil: none runs
	used         map[[2]string]bool        // usedTables
	previewing   bool                      // only the columns are wanted: no table is opened
	viewChecks   map[[2]string][]viewCheck // by base table, of the view that the statement writes to
	memory       *spill.Account            // nil: nothing wanted any yet
	kept         func(spill.Kept)          // is told what it kept; nil: nobody wants to know
	scope        *spill.Scope              // of the plan or subquery that runs
	outer        *outerTables              // of its correlated subqueries; nil: none yet
	refused      error                     // why the library got no memory
	targets      map[uint64][]bool         // the partitions that the statement says it writes to, by table id
	plan         *keptPlan                 // the statement's, if it is kept or was
	returned     bool                      // the statement is in the cache again
	jsonTables   map[*plan.JSONTable]*tableMaker
	generated    bool        // generated columns stand for their expressions
	shape        resultShape // of the query's result, nil: found in its plan
}

// openTable opens a table once per statement.
func (x *execution) openTable(ctx context.Context, schema, name string) (table.Table, error) {
	k := [2]string{schema, name}
	if t := x.opened[k]; t != nil {
		return t, nil
	}
	if x.stmt == nil {
		return nil, fmt.Errorf("table %s.%s is opened outside of a statement", schema, name)
	}
	t, err := x.stmt.Open(ctx, schema, name)
	if err != nil {
		return nil, err
	}
	if t, err = x.partition(ctx, t); err != nil {
		return nil, err
	}
	if x.opened == nil {
		x.opened = map[[2]string]table.Table{}
	}
	x.opened[k] = t
	return t, nil
}

func (x *execution) touch(d *database) {
	for _, have := range x.databases {
		if have.Name() == d.name {
			return
		}
	}
	x.databases = append(x.databases, d)
}

// Execute runs a statement of class Read, Write or DDL under stmt. See the package documentation.
func (s *Session) Execute(ctx context.Context, st *Statement, stmt table.Stmt, params []any) (res *Result, err error) {
	x := &execution{s: s, ctx: ctx, st: st, stmt: stmt, params: params}
	if stmt != nil {
		level := stmt.Txn().Options().Isolation
		x.serializable, x.unlocks = level == table.Serializable, level <= table.ReadCommitted
	}
	s.cur = x
	c := s.context(ctx, st.Text)
	defer func() {
		if r := recover(); r != nil {
			err = crashed(r)
			res = nil
		}
		if err != nil {
			err = mapError(c, x.outOfMemory(err))
		}
		if res == nil || res.Rows == nil {
			x.giveBack(err == nil)
			x.release()
			s.cur = nil
		}
	}()
	if st.keepsWarnings {
		s.countDiagnostics(c)
	} else {
		s.gms.ClearWarnings()
	}
	s.gms.SetIgnoreAutoCommit(true)
	if s.e.opts.ReadOnly && st.Class != Read {
		return nil, mysqlerr.New(mysqlerr.ER_OPTION_PREVENTS_STATEMENT, "--read-only")
	}
	if err := s.checkParams(st, params); err != nil {
		return nil, err
	}
	if st.hints != nil {
		s.hinted(c, x, st.hints)
	}
	if st.run != nil {
		return st.run(c, s, x)
	}
	if setsAgain(st) {
		return s.set(c, x, st)
	}
	if p := s.usablePlan(c, x); p != nil {
		x.phase = running
		iter, _, err := s.start(c, x, p.node, p.flags)
		if err != nil {
			return nil, err
		}
		return &Result{Columns: p.columns, Rows: &rows{s: s, c: c, x: x, iter: iter}}, nil
	}
	return s.runNode(c, x, st)
}

// countDiagnostics sets @@error_count and @@warning_count.
func (s *Session) countDiagnostics(c *sql.Context) {
	errs := int64(0)
	for _, w := range s.gms.Warnings() {
		if w.Level == "Error" {
			errs++
		}
	}
	for name, n := range map[string]int64{"error_count": errs, "warning_count": int64(len(s.gms.Warnings()))} {
		_ = s.gms.InitSessionVariable(c, name, n) // both exist, and take any number of this size
	}
}

// crashed makes an error of a panic in the library: it must not take the process with it. What the panic says is for the log, unless the library panics
// where MySQL has an error.
func crashed(r any) error {
	cause := fmt.Errorf("%v\n%s", r, crash.Contain(r))
	if e := libraryError(nil, fmt.Errorf("%v", r)); e.Code != mysqlerr.ER_UNKNOWN_ERROR && e.Code != mysqlerr.ER_PARSE_ERROR {
		return e.Because(cause)
	}
	return mysqlerr.New(mysqlerr.ER_INTERNAL_ERROR, "the statement could not be executed").Because(cause)
}

func (s *Session) checkParams(st *Statement, params []any) error {
	if len(params) != st.Params {
		return mysqlerr.New(mysqlerr.ER_WRONG_ARGUMENTS, "EXECUTE")
	}
	return nil
}

// analyze makes the plan of a statement.
func (s *Session) analyze(c *sql.Context, x *execution, ast sqlparser.Statement, text string) (sql.Node, *sql.QueryFlags, error) {
	x.phase = analyzing
	defer func() { x.phase = running }()
	if x.st != nil && x.st.ast == ast && x.st.misuse != nil {
		return nil, nil, x.st.misuse
	}
	ast, err := s.throughView(c, x, ast, text)
	if err != nil {
		return nil, nil, err
	}
	shared := ast
	if x.st != nil {
		shared = x.st.ast
	}
	if x.st == nil || x.st.ast != ast || len(s.frames) > 0 || !x.st.namesAll() { // those of routines are shared
		ast = s.visibleOnly(c, ast, text)
	}
	ast = s.rowsOfDefaults(c, s.withRowIDs(c, ast, shared, text))
	if ast, err = s.assignedColumns(c, x, ast); err != nil {
		return nil, nil, err
	}
	if err := s.valuesOfSelect(c, x, ast); err != nil {
		return nil, nil, err
	}
	del, ok := ast.(*sqlparser.Delete)
	x.ignores = ok && strings.Contains(sqlparser.String(del.Comments), grammar.IgnoreMarker)
	env := itemEnv(c, ast)
	env.Strict = env.Strict && !x.ignores
	node, flags, err := s.plan(c, x, ast, text, env)
	if err == nil {
		node, err = s.ready(c, x, node, env)
	}
	return node, flags, err
}

// ready makes a plan of the library's one that can be executed.
func (s *Session) ready(c *sql.Context, x *execution, node sql.Node, env *item.Env) (sql.Node, error) {
	prunePartitions(c, node)
	x.noteAliases(c, node)
	x.planned, x.spans = node, nil
	node, err := narrowTables(c, node)
	if err != nil {
		return nil, err
	}
	return finisher{env: env}.finish(c, node)
}

// plan binds a statement and has it planned.
func (s *Session) plan(c *sql.Context, x *execution, ast sqlparser.Statement, text string, env *item.Env) (sql.Node, *sql.QueryFlags, error) {
	x.shape = nil
	if retyped(ast) {
		bindHaving(ast)
		keepLiterals(ast)
	}
	partial := &partialAccess{}
	x.partial = partial
	bound, flags, err := s.bindOnly(c, x, ast, text)
	x.partial = nil
	if err == nil {
		err = s.checkColumns(c, partial, ast, bound)
	}
	if err != nil {
		return nil, nil, err
	}
	if err := grammar.AliasGroups(c, bound); err != nil {
		return nil, nil, err
	}
	if bound, err = rules.CarryOuter(c, bound); err != nil {
		return nil, nil, err
	}
	if u, ok := bound.(*plan.Update); ok && u.IsJoin { // the library refuses joined tables without a key when it knows that it is a join
		u.IsJoin, u.HasSingleRel = false, false
	}
	if v, ok := bound.(*plan.ShowVariables); ok {
		bound = filteredVariables(c, v)
	}
	if bound, err = (&folder{s: s, x: x, ast: ast, flags: flags, env: env}).statement(c, bound); err != nil {
		return nil, nil, err
	}
	if bound, err = s.byGenerated(c, x, bound); err != nil {
		return nil, nil, err
	}
	x.planned, x.spans = bound, nil
	if retyped(ast) {
		if _, view := ast.(*sqlparser.DDL); !view {
			leaveOut(c, bound)
		}
		if bound, err = newRetype(c, env, ast).node(bound); err != nil {
			return nil, nil, err
		}
		if _, query := ast.(sqlparser.SelectStatement); query {
			x.shape = describeBound(c, bound, ast, x.variables) // which tells derived tables' columns from tables' own
			if bound, err = mergeDerived(c, x, ast, bound); err != nil {
				return nil, nil, err
			}
			if x.pushesDown(c) {
				if bound, err = rules.SpreadFacts(c, bound); err != nil {
					return nil, nil, err
				}
			}
			if bound, err = rules.NullableAbove(c, bound); err != nil {
				return nil, nil, err
			}
		}
	}
	if err := hintIndexes(c, x, ast, bound); err != nil {
		return nil, nil, err
	}
	hideIndexes(c, bound)
	order := rules.ConditionOrder(bound)
	node, err := s.e.gms.Analyzer.Analyze(c, bound, nil, flags)
	if err == nil { // a statement of one table has rules of its own
		node, err = order.Restored(c, node)
	}
	return node, flags, err
}

// builder is one that knows the statement's parameters.
func (s *Session) builder(c *sql.Context, x *execution) (*planbuilder.Builder, error) {
	b := planbuilder.New(c, &catalog{s.e.gms.Analyzer.Catalog, s.e, x.partial}, nil)
	if len(x.params) == 0 && len(x.bindings) == 0 {
		return b, nil
	}
	bindings, err := bind(c, x.params)
	if err != nil {
		return nil, err
	}
	for name, e := range x.bindings {
		bindings[name] = e
	}
	limitsOfNull(x.st.ast, bindings)
	b.SetBindingsWithExpr(bindings)
	return b, nil
}

// limitsOfNull makes parameters of LIMIT that are NULL a zero, as MySQL takes them.
func limitsOfNull(st sqlparser.Statement, bindings map[string]sql.Expression) {
	null := func(name string) bool {
		l, ok := bindings[name].(*expression.Literal)
		return ok && l.Value() == nil
	}
	some := false
	for name := range bindings {
		some = some || null(name)
	}
	node, ok := st.(sqlparser.SQLNode)
	if !some || !ok {
		return
	}
	_ = grammar.Walk(func(n sqlparser.SQLNode) (bool, error) { // the visitor gives no error
		if l, ok := n.(*sqlparser.Limit); ok && l != nil {
			for _, x := range []sqlparser.Expr{l.Offset, l.Rowcount} {
				v, ok := x.(*sqlparser.SQLVal)
				if name := strings.TrimPrefix(argument(v, ok), ":"); name != "" && null(name) {
					bindings[name] = expression.NewLiteral(int64(0), types.Int64)
				}
			}
		}
		return true, nil
	}, node)
}

// argument is the name of a placeholder, "" of what is none.
func argument(v *sqlparser.SQLVal, ok bool) string {
	if !ok || v == nil || v.Type != sqlparser.ValArg {
		return ""
	}
	return string(v.Val)
}

// runNode executes a statement that GMS knows.
func (s *Session) runNode(c *sql.Context, x *execution, st *Statement) (*Result, error) {
	if n, ok := st.ast.(*sqlparser.Call); ok {
		return s.runCall(c, x, n)
	}
	if n, ok := st.ast.(*sqlparser.Load); ok {
		if r, done, err := s.runLoad(c, x, n); done || err != nil {
			return r, err
		}
	}
	if r, done, err := s.runDDL(c, x, st.ast); done || err != nil {
		return r, err
	}
	if r, done, err := s.runAccounts(c, x, st); done || err != nil {
		return r, err
	}
	modes := field.Modes(c)
	x.strict = (modes["STRICT_TRANS_TABLES"] || modes["STRICT_ALL_TABLES"]) && changesRows(st.ast)
	node, flags, err := s.analyze(c, x, st.ast, st.Text)
	if err != nil {
		return nil, err
	}
	found := s.gms.GetLastQueryInfo().FoundRows.Load()
	res, err := s.runPlan(c, x, node, flags)
	if err == nil && res.Columns == nil && st.Class == Write { // the library takes one that it knows to match nothing for a SELECT
		s.gms.GetLastQueryInfo().RowCount.Store(int64(res.Affected))
		s.gms.GetLastQueryInfo().FoundRows.Store(found)
	}
	return res, err
}

func (s *Session) runPlan(c *sql.Context, x *execution, node sql.Node, flags *sql.QueryFlags) (*Result, error) {
	warned := s.gms.WarningCount() > 0 // a plan that is kept would not warn again
	iter, schema, err := s.iterator(c, x, node, flags)
	if err != nil {
		return nil, err
	}
	if types.IsOkResultSchema(schema) || schema == nil || returnsNothing(node) {
		res, err := s.drain(c, iter)
		switch node.(type) {
		case *plan.Set, *plan.Use:
			s.gms.GetLastQueryInfo().RowCount.Store(0)
		}
		return res, err
	}
	columns := describeResult(c, x, node, schema, x.st.ast)
	if !warned {
		s.keepPlan(c, x, node, flags, columns)
	}
	return &Result{Columns: columns, Rows: &rows{s: s, c: c, x: x, iter: iter}}, nil
}

// iterator makes a plan's iterator and its schema.
func (s *Session) iterator(c *sql.Context, x *execution, node sql.Node, flags *sql.QueryFlags) (sql.RowIter, sql.Schema, error) {
	it, schema, err := s.start(c, x, node, flags)
	if err == nil && schema == nil {
		schema = node.Schema(c)
	}
	return it, schema, err
}

// start makes a plan's iterator; the schema is nil where it is the node's.
func (s *Session) start(c *sql.Context, x *execution, node sql.Node, flags *sql.QueryFlags) (sql.RowIter, sql.Schema, error) {
	var schema sql.Schema
	it, err := s.within(x, func() (sql.RowIter, error) {
		in, err := s.e.gms.Analyzer.ExecBuilder.Build(c, node, nil)
		if err != nil {
			return nil, err
		}
		in, schema, err = rowexec.FinalizeIters(c, node, flags, in)
		return in, err
	})
	return it, schema, err
}

// returnsNothing names the nodes whose schema is not that of a result.
func returnsNothing(n sql.Node) bool {
	switch n := n.(type) {
	case *plan.Set, *plan.Use, *plan.Into:
		return true
	case *plan.InsertInto:
		return len(n.Returning) == 0
	case *plan.Update:
		return len(n.Returning) == 0
	case *plan.DeleteFrom:
		return len(n.Returning) == 0
	}
	return false
}

// changesRows reports whether a statement changes rows by values that are computed, without IGNORE.
func changesRows(st sqlparser.Statement) bool {
	switch n := st.(type) {
	case *sqlparser.Insert:
		return n.Ignore == ""
	case *sqlparser.Update:
		return n.Ignore == ""
	case *sqlparser.Delete:
		return !strings.Contains(sqlparser.String(n.Comments), grammar.IgnoreMarker)
	}
	return false
}

// failedOf is the error that strict mode has made of a warning of the running statement.
func failedOf(c *sql.Context) error {
	if x := executionOf(c); x != nil {
		return x.failed
	}
	return nil
}

// drain runs a plan that answers OK.
func (s *Session) drain(c *sql.Context, iter sql.RowIter) (*Result, error) {
	res := &Result{}
	for {
		r, err := iter.Next(c)
		if failed := failedOf(c); failed != nil && (err == nil || errors.Is(err, io.EOF)) {
			err = failed
		} else if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			_ = iter.Close(c) // the first error is the one to report
			return nil, err
		}
		if types.IsOkResult(r) {
			ok := types.GetOkResult(r)
			res.Affected += ok.RowsAffected
			if ok.InsertID != 0 {
				res.InsertID = ok.InsertID
			}
			if ok.Info != nil {
				res.Info = ok.Info.String()
			}
		}
	}
	if s.cur != nil && s.cur.multi != nil {
		res.Affected = s.cur.multi.rows
	} else if s.cur != nil && s.cur.lost > 0 {
		res.Affected -= min(s.cur.lost, res.Affected)
	}
	return res, iter.Close(c)
}

// rows is a result being read.
type rows struct {
	s     *Session
	c     *sql.Context
	x     *execution
	iter  sql.RowIter
	n     int64
	done  bool
	ended bool // the last row was read
}

func (r *rows) Next() (out sql.Row, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = mapError(r.c, crashed(p))
		}
	}()
	if r.done {
		return nil, io.EOF
	}
	out, err = r.iter.Next(r.c)
	if errors.Is(err, io.EOF) {
		r.done, r.ended = true, true
		return nil, io.EOF
	}
	if err != nil {
		r.done = true
		return nil, mapError(r.c, r.x.outOfMemory(err))
	}
	r.n++
	return out, nil
}

func (r *rows) Close() (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = mapError(r.c, crashed(p))
		}
		r.x.giveBack(err == nil && r.ended)
		r.x.release()
		if r.s.cur == r.x {
			r.s.cur = nil
		}
	}()
	if r.iter == nil {
		return nil
	}
	it := r.iter
	r.iter, r.done = nil, true
	if err := it.Close(r.c); err != nil {
		return mapError(r.c, err)
	}
	return nil
}

// rowsOf makes a result of rows that are at hand.
func (s *Session) rowsOf(c *sql.Context, x *execution, schema sql.Schema, all []sql.Row) *Result {
	return &Result{Columns: encodeNames(c, columnsOf(c, schema)), Rows: &rows{s: s, c: c, x: x, iter: sql.RowsToRowIter(all...)}}
}

// query runs a statement of the lane's own making within the current one and returns its rows.
func (s *Session) query(c *sql.Context, x *execution, text string) (sql.Schema, []sql.Row, error) {
	ast, err := s.e.parseOne(c, text)
	if err != nil {
		return nil, nil, err
	}
	node, flags, err := s.analyze(c, x, ast, text)
	if err != nil {
		return nil, nil, err
	}
	iter, schema, err := s.iterator(c, x, node, flags)
	if err != nil {
		return nil, nil, err
	}
	out, err := sql.RowIterToRows(c, iter)
	return schema, out, err
}

// bind makes the literals of parameters; GMS names them v1, v2 ...
func bind(c *sql.Context, params []any) (map[string]sql.Expression, error) {
	out := make(map[string]sql.Expression, len(params))
	for i, p := range params {
		v, t, err := paramValue(c, p)
		if err != nil {
			return nil, err
		}
		out[fmt.Sprintf("v%d", i+1)] = expression.NewLiteral(v, t)
	}
	return out, nil
}
