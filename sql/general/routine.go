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
	if st, done, err := s.dynamic(c, x, parsed); err != nil || done && st == nil {
		return nil, sql.RowsToRowIter(), nil, err
	} else if done {
		x.st, parsed = st, st.ast
		defer func() { x.params = nil }()
	}
	if x.st.Class == DDL {
		return s.routineDDL(c, x, parsed)
	}
	if err := s.nextStatement(c, x, parsed); err != nil {
		return nil, nil, nil, err
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
	rows, err := sql.RowIterToRows(c, iter) // also a cursor's: the statement that reads them ends with the next one
	if err != nil {
		return nil, nil, nil, err
	}
	if sel, ok := parsed.(*sqlparser.Select); ok && x.st.dynamic && sel.Into == nil {
		markResults(sel)
	}
	if !givesResult(parsed) || x.silent > 0 {
		return schema, sql.RowsToRowIter(rows...), qf, nil
	}
	x.results = append(x.results, s.rowsOf(c, x, resultColumns(c, node, schema), rows))
	return schema, sql.RowsToRowIter(rows...), qf, nil
}

// nextStatement ends the former statement of a procedure, so that this one sees its writes. SET and IF, which read no table, go
// on with it; functions and triggers run within the statement that calls them.
func (s *Session) nextStatement(c *sql.Context, x *execution, st sqlparser.Statement) error {
	if x.silent > 0 || !x.inCall || s.hooks.Control == nil {
		return nil
	}
	if sel, ok := st.(*sqlparser.Select); ok && len(sel.From) == 0 {
		return nil
	}
	if _, ok := st.(*sqlparser.Set); ok {
		return nil
	}
	return s.control(c, &ControlStatement{Op: NextStatement})
}

// checkHandlers refuses to run handlers that the library's interpreter gets wrong: of a block it would run nothing, and after a SELECT it would start
// the procedure again. A block of one statement is that statement.
func checkHandlers(body sqlparser.Statement) (err error) {
	eachBody(body, func(st sqlparser.Statement) {
		d, ok := st.(*sqlparser.Declare)
		if !ok || d.Handler == nil {
			return
		}
		if b, ok := d.Handler.Statement.(*sqlparser.BeginEndBlock); ok {
			switch len(b.Statements) {
			case 0:
				return
			case 1:
				d.Handler.Statement = b.Statements[0]
			default:
				err = mysqlerr.New(mysqlerr.ER_NOT_SUPPORTED_YET, "handlers with a block of several statements")
			}
		}
		switch d.Handler.Statement.(type) {
		case sqlparser.SelectStatement, *sqlparser.Show, *sqlparser.Call:
			err = mysqlerr.New(mysqlerr.ER_NOT_SUPPORTED_YET, "handlers that return rows")
		}
	})
	return err
}

// dynamic handles PREPARE, EXECUTE and DEALLOCATE in a routine. For EXECUTE it returns the statement to run, with its parameters set.
func (s *Session) dynamic(c *sql.Context, x *execution, parsed sqlparser.Statement) (st *Statement, done bool, err error) {
	switch n := parsed.(type) {
	case *sqlparser.Prepare:
		text := n.Expr
		if name, ok := strings.CutPrefix(text, "@"); ok {
			_, v, err := c.GetUserVariable(c, name)
			if err != nil {
				return nil, true, err
			}
			text = displayAny(c, v)
		}
		return nil, true, s.prepareText(n.Name, text)
	case *sqlparser.Deallocate:
		delete(s.named, strings.ToLower(n.Name))
		return nil, true, nil
	case *sqlparser.Execute:
		named := s.named[strings.ToLower(n.Name)]
		if named == nil {
			return nil, true, mysqlerr.New(mysqlerr.ER_UNKNOWN_STMT_HANDLER, n.Name, "EXECUTE")
		}
		if named.ast == nil || named.run != nil || len(n.VarList) != named.Params {
			return nil, true, mysqlerr.New(mysqlerr.ER_WRONG_ARGUMENTS, "EXECUTE")
		}
		for _, name := range n.VarList {
			_, v, err := c.GetUserVariable(c, strings.TrimPrefix(name, "@"))
			if err != nil {
				return nil, true, err
			}
			x.params = append(x.params, v)
		}
		run := *named
		run.dynamic = true
		return &run, true, nil
	}
	return nil, false, nil
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
