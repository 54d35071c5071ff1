package general

import (
	"bytes"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/rowexec"
	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// runner executes the statements of routines for the library's interpreter: as top-level statements are, but within the
// execution of the CALL.
type runner struct{ e *Engine }

// resultMarker is a comment on the SELECTs of a procedure's body whose rows go to the client. The interpreter also uses SELECTs to
// evaluate SET and IF, and hands both over alike.
const resultMarker = "/*+ zorya result */"

// markResults marks a body statement.
func markResults(st sqlparser.Statement) {
	if sel, ok := st.(*sqlparser.Select); ok && sel.Into == nil {
		sel.Comments = append(sel.Comments[:len(sel.Comments):len(sel.Comments)], []byte(resultMarker))
	}
}

// givesResult reports whether a statement of a procedure has rows for the client.
func givesResult(st sqlparser.Statement) bool {
	switch n := st.(type) {
	case *sqlparser.Select:
		for _, c := range n.Comments {
			if bytes.Equal(c, []byte(resultMarker)) {
				return true
			}
		}
	case *sqlparser.SetOp:
		return n.Into == nil
	case *sqlparser.Show, *sqlparser.Explain:
		return true
	}
	return false
}

// QueryWithBindings implements sql.StatementRunner.
func (r runner) QueryWithBindings(c *sql.Context, query string, parsed sqlparser.Statement, bindings map[string]sqlparser.Expr, flags *sql.QueryFlags) (sql.Schema, sql.RowIter, *sql.QueryFlags, error) {
	s := sessionOf(c)
	if s == nil || s.cur == nil || parsed == nil || len(bindings) > 0 {
		return r.e.gms.QueryWithBindings(c, query, parsed, bindings, flags)
	}
	x := s.cur
	outer := x.st
	x.st = &Statement{Text: sqlparser.String(parsed), Class: classOf(parsed), ast: parsed, listsDatabases: true}
	defer func() { x.st = outer }()
	if done, err := s.routineControl(c, parsed); done || err != nil {
		return nil, sql.RowsToRowIter(), nil, err
	}
	if x.st.Class == DDL {
		return s.routineDDL(c, x, parsed)
	}
	node, qf, err := s.analyze(c, x, parsed, x.st.Text)
	if err != nil {
		return nil, nil, nil, err
	}
	iter, err := s.e.gms.Analyzer.ExecBuilder.Build(c, node, nil)
	if err != nil {
		return nil, nil, nil, err
	}
	iter, schema, err := rowexec.FinalizeIters(c, node, qf, iter)
	if err != nil {
		return nil, nil, nil, err
	}
	if schema == nil {
		schema = node.Schema(c)
	}
	if !givesResult(parsed) || x.silent > 0 {
		return schema, iter, qf, nil
	}
	rows, err := sql.RowIterToRows(c, iter)
	if err != nil {
		return nil, nil, nil, err
	}
	x.results = append(x.results, s.rowsOf(c, x, exactColumns(c, node, schema), rows))
	return schema, sql.RowsToRowIter(rows...), qf, nil
}

// routineControl hands transaction statements to the dispatcher.
func (s *Session) routineControl(c *sql.Context, st sqlparser.Statement) (done bool, err error) {
	op := ControlStatement{}
	switch n := st.(type) {
	case *sqlparser.Begin:
		op.Op, op.ReadOnly = Begin, n.TransactionCharacteristic == sqlparser.TxReadOnly
	case *sqlparser.Commit:
		op.Op = Commit
	case *sqlparser.Rollback:
		op.Op = Rollback
	case *sqlparser.Savepoint:
		op.Op, op.Name = Savepoint, n.Identifier
	case *sqlparser.RollbackSavepoint:
		op.Op, op.Name = RollbackTo, n.Identifier
	case *sqlparser.ReleaseSavepoint:
		op.Op, op.Name = ReleaseSave, n.Identifier
	default:
		return false, nil
	}
	return true, s.control(c, &op)
}

// routineDDL commits before and after, as DDL does.
func (s *Session) routineDDL(c *sql.Context, x *execution, st sqlparser.Statement) (sql.Schema, sql.RowIter, *sql.QueryFlags, error) {
	if s.hooks.Control == nil {
		return nil, nil, nil, mysqlerr.New(mysqlerr.ER_NOT_SUPPORTED_YET, "DDL in routines here")
	}
	if err := s.control(c, &ControlStatement{Op: Commit}); err != nil {
		return nil, nil, nil, err
	}
	res, done, err := s.runDDL(c, x, st)
	if err == nil && !done {
		res, err = s.runNode(c, x, x.st)
	}
	if err != nil {
		return nil, nil, nil, err
	}
	if res != nil && res.Rows != nil {
		if err := res.Rows.Close(); err != nil {
			return nil, nil, nil, err
		}
		s.cur = x
	}
	return nil, sql.RowsToRowIter(), nil, s.control(c, &ControlStatement{Op: Commit})
}

// chain links the results of a CALL before its OK.
func (x *execution) chain(ok *Result) *Result {
	for i := len(x.results) - 1; i >= 0; i-- {
		x.results[i].Next = ok
		ok = x.results[i]
	}
	x.results = nil
	return ok
}

// runCall executes CALL and collects its results.
func (s *Session) runCall(c *sql.Context, x *execution, st *Statement) (*Result, error) {
	x.inCall = true
	node, flags, err := s.analyze(c, x, st.ast, st.Text)
	if err != nil {
		return nil, err
	}
	res, err := s.runPlan(c, x, node, flags)
	if err != nil {
		return nil, err
	}
	if res.Rows != nil {
		if err := res.Rows.Close(); err != nil { // the last SELECT's rows, which were collected
			return nil, err
		}
		s.cur = x
		res = &Result{}
	}
	return x.chain(res), nil
}

// validBody reports a syntax error in a function's body.
func (s *Session) validBody(c *sql.Context, o *stored, text string) error {
	ast, err := s.e.parseOne(c, o.asProcedure())
	if err == nil {
		if ddl, ok := ast.(*sqlparser.DDL); ok && ddl.ProcedureSpec != nil {
			return nil
		}
	}
	if strings.HasSuffix(strings.TrimSpace(text), ";") {
		text = strings.TrimRight(strings.TrimSpace(text), ";")
	}
	return s.syntaxError(text, len(text))
}
