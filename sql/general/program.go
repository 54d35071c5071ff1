package general

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/types"
	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/field"
	"github.com/zoryadb/zorya/sql/grammar"
	"github.com/zoryadb/zorya/sql/lexer"
	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/program"
)

// programHost executes what package program leaves to it, within the execution of the statement that called the program.
type programHost struct {
	s *Session
	c *sql.Context
	x *execution

	within  string // "function", "trigger": neither results nor transaction control; "" in procedures and events
	told    int    // warnings of the session that the machine has been told of
	changed int64
	row     *triggerRow // of a trigger
}

var _ program.Host = (*programHost)(nil)

// compiled is an expression or a statement whose local variables are placeholders.
type compiled struct {
	st      *Statement
	slots   map[string]int // placeholder to local variable
	columns map[string]int // placeholder to column of NEW (n >= 0) or OLD (-1-n)
	into    []program.Target
	simple  int // slot of a lone variable; -1: not one
	literal sql.Expression
}

// bindings are the placeholders' values, and the types that they are declared with.
func (h *programHost) bindings(m *program.Machine, k *compiled) (map[string]sql.Expression, map[*expression.Literal]sql.Type, error) {
	if len(k.slots) == 0 && len(k.columns) == 0 {
		return nil, nil, nil
	}
	out := make(map[string]sql.Expression, len(k.slots)+len(k.columns))
	declared := make(map[*expression.Literal]sql.Type, len(out))
	hold := func(name string, v any, t sql.Type) *expression.Literal {
		l := literalOf(v, t)
		out[name], declared[l] = l, t
		return l
	}
	for name, slot := range k.slots {
		d := declarationOf(m.Variable(slot))
		declared[hold(name, m.Value(slot), d.Type)] = d.shownType()
	}
	pad := len(k.columns) > 0 && showsFullLength(h.c)
	for name, i := range k.columns {
		row := h.row.new
		if i < 0 {
			i, row = -1-i, h.row.old
		}
		if row == nil {
			return nil, nil, mysqlerr.NewMessage(1363, "There is no %s row in on %s trigger", map[bool]string{true: "NEW", false: "OLD"}[h.row.new == nil], h.row.event)
		}
		v, err := sql.UnwrapAny(h.c, row[i])
		if err != nil {
			return nil, nil, err
		}
		if pad {
			v = fullLength(h.row.schema[i].Type, v)
		}
		hold(name, v, h.row.schema[i].Type)
	}
	return out, declared, nil
}

func literalOf(v any, t sql.Type) *expression.Literal {
	if v == nil {
		return expression.NewLiteral(nil, types.Null)
	}
	return expression.NewLiteral(v, t)
}

// compileExpr parses an expression once.
func (h *programHost) compileExpr(e *program.Expr) (*compiled, error) {
	if k, ok := e.Compiled.(*compiled); ok {
		return k, nil
	}
	k := &compiled{simple: -1}
	t := h.s.tokens(e.Text)
	if len(t.Tokens) == 1 {
		switch t.Kind(0) {
		case lexer.Word, lexer.Quoted:
			if slot, ok := e.Scope.Lookup(lexer.Unquote(t.At(0))); ok {
				k.simple = slot
			}
		case lexer.Int:
			if n, err := strconv.ParseInt(t.At(0), 10, 64); err == nil {
				k.literal = expression.NewLiteral(n, types.Int64)
			}
		}
	}
	if k.simple < 0 && k.literal == nil {
		st, _, err := h.s.parseGMS("SELECT "+e.Text, "")
		if err != nil {
			return nil, err
		}
		k.st = st
		if err := h.bind(k, e.Scope); err != nil {
			return nil, err
		}
	}
	e.Compiled = k
	return k, nil
}

// bind turns the names of local variables, and NEW and OLD columns, into placeholders.
func (h *programHost) bind(k *compiled, scope *program.Scope) error {
	tree := k.st.ast
	if tree == nil {
		tree = k.st.inner
	}
	node, ok := tree.(sqlparser.SQLNode)
	if !ok {
		return nil
	}
	k.slots, k.columns = map[string]int{}, map[string]int{}
	local := func(name string) bool { _, ok := scope.Lookup(name); return ok }
	return bindNames(node, local, func(n *sqlparser.ColName) error {
		if n.StoredProcVal != nil {
			return nil
		}
		return h.bindName(k, scope, n)
	})
}

// bindNames calls bind for the names in a statement that may be local variables', and names the result's columns that are one.
func bindNames(node sqlparser.SQLNode, local func(name string) bool, bind func(*sqlparser.ColName) error) error {
	var visit sqlparser.Visit
	visit = func(n sqlparser.SQLNode) (bool, error) {
		switch n := n.(type) {
		case *sqlparser.AssignmentExpr: // the name is a column's
			return false, grammar.Walk(visit, n.Expr)
		case *sqlparser.SetVarExpr:
			return false, grammar.Walk(visit, n.Expr)
		case *sqlparser.AliasedExpr:
			if col, ok := n.Expr.(*sqlparser.ColName); ok && n.As.IsEmpty() && col.Qualifier.IsEmpty() && local(col.Name.String()) {
				n.As = sqlparser.NewColIdent(col.Name.String())
			}
		case *sqlparser.ColName:
			if n != nil {
				return true, bind(n)
			}
		}
		return true, nil
	}
	return grammar.Walk(visit, node)
}

// parseAgain gives a statement a tree of its own, with the placeholders that stand for local variables in the tree that it is executed by.
func (s *Session) parseAgain(c *sql.Context, ast sqlparser.Statement, text string) (sqlparser.Statement, error) {
	fresh, err := s.e.parseOne(c, text)
	if err != nil || len(s.frames) == 0 {
		return fresh, err
	}
	from, ok := ast.(sqlparser.SQLNode)
	to, also := fresh.(sqlparser.SQLNode)
	if !ok || !also {
		return fresh, nil
	}
	return fresh, holdNames(from, to)
}

// holdNames gives a copy of a tree the placeholders of local variables that are in it.
func holdNames(from, to sqlparser.SQLNode) error {
	held := map[string]sqlparser.Expr{}
	_ = grammar.Walk(func(n sqlparser.SQLNode) (bool, error) { // the visitor gives no error
		if col, ok := n.(*sqlparser.ColName); ok && col != nil && col.StoredProcVal != nil {
			held[strings.ToLower(col.String())] = col.StoredProcVal
		}
		return true, nil
	}, from)
	local := func(name string) bool { return held[strings.ToLower(name)] != nil }
	return bindNames(to, local, func(n *sqlparser.ColName) error {
		n.StoredProcVal = held[strings.ToLower(n.String())]
		return nil
	})
}

func (h *programHost) bindName(k *compiled, scope *program.Scope, n *sqlparser.ColName) error {
	name := n.Name.String()
	if table := strings.ToUpper(n.Qualifier.Name.String()); table != "" {
		if h.row == nil || table != "NEW" && table != "OLD" || !n.Qualifier.DbQualifier.IsEmpty() {
			return nil
		}
		if table == "OLD" && h.row.event == "INSERT" || table == "NEW" && h.row.event == "DELETE" {
			return mysqlerr.NewMessage(1363, "There is no %s row in on %s trigger", table, h.row.event)
		}
		i := h.row.column(name)
		if i < 0 {
			return mysqlerr.New(mysqlerr.ER_BAD_FIELD_ERROR, name, table)
		}
		holder := fmt.Sprintf("z%s%d", strings.ToLower(table), i)
		if table == "OLD" {
			i = -1 - i
		}
		k.columns[holder] = i
		n.StoredProcVal = sqlparser.NewValArg([]byte(":" + holder))
		return nil
	}
	if slot, ok := scope.Lookup(name); ok {
		holder := fmt.Sprintf("zvar%d", slot)
		k.slots[holder] = slot
		n.StoredProcVal = sqlparser.NewValArg([]byte(":" + holder))
	}
	return nil
}

// Eval implements program.Host.
func (h *programHost) Eval(m *program.Machine, e *program.Expr) (any, error) {
	k, err := h.compileExpr(e)
	if err != nil {
		return nil, err
	}
	if k.simple >= 0 {
		return m.Value(k.simple), nil
	}
	if k.literal != nil {
		return k.literal.Eval(h.c, nil)
	}
	rows, _, err := h.run(m, k)
	if err != nil {
		return nil, err
	}
	switch {
	case len(rows) == 0:
		return nil, nil
	case len(rows) > 1:
		return nil, mysqlerr.New(mysqlerr.ER_SUBQUERY_NO_1_ROW)
	case len(rows[0]) != 1:
		return nil, mysqlerr.New(mysqlerr.ER_OPERAND_COLUMNS, 1)
	}
	return rows[0][0], nil
}

// run executes a compiled statement and collects its rows.
func (h *programHost) run(m *program.Machine, k *compiled) ([][]any, *Result, error) {
	b, declared, err := h.bindings(m, k)
	if err != nil {
		return nil, nil, err
	}
	x := h.x
	save := *x
	x.st, x.bindings, x.variables, x.params, x.firing, x.multi, x.lost, x.viewChecks, x.behind, x.assigned = k.st, b, declared, nil, nil, nil, 0, nil, nil, nil
	if h.within != "" {
		x.silent++
		if n, ok := x.stmt.(table.Nester); ok {
			defer n.EndNested(n.BeginNested())
		}
	} else {
		x.used = nil
	}
	defer func() {
		x.st, x.bindings, x.variables, x.phase, x.params, x.firing, x.multi, x.lost, x.viewChecks, x.behind, x.assigned = save.st, save.bindings, save.variables, save.phase, save.params, save.firing, save.multi, save.lost, save.viewChecks, save.behind, save.assigned
		if h.within != "" {
			x.silent--
		}
		h.s.cur = x
	}()
	var res *Result
	if k.st.run != nil {
		res, err = k.st.run(h.c, h.s, x)
	} else {
		res, err = h.s.runNode(h.c, x, k.st)
	}
	if err != nil {
		return nil, nil, mapError(h.c, err)
	}
	if res.Columns == nil {
		return nil, res, nil
	}
	rows, err := collect(h.c, res)
	return rows, res, mapError(h.c, err)
}

// collect reads a result to its end and closes it.
func collect(c *sql.Context, res *Result) (out [][]any, err error) {
	if res.Rows == nil {
		return nil, nil
	}
	defer func() {
		if cerr := res.Rows.Close(); err == nil {
			err = cerr
		}
	}()
	for {
		r, err := res.Rows.Next()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		row := make([]any, len(r))
		for i, v := range r {
			if row[i], err = unwrapped(c, v, res.Columns[i].SQLType); err != nil {
				return nil, err
			}
		}
		out = append(out, row)
	}
}

// unwrapped is a value of type t as a variable holds it: what columns of ENUM and SET hold as numbers is text everywhere else.
func unwrapped(c *sql.Context, v any, t sql.Type) (any, error) {
	v, err := sql.UnwrapAny(c, v)
	if err != nil || v == nil || !types.IsEnum(t) && !types.IsSet(t) {
		return v, err
	}
	v, _, err = types.ConvertToCollatedString(c, v, t)
	return v, err
}

// True implements program.Host.
func (h *programHost) True(v any) bool {
	if v == nil {
		return false
	}
	b, err := sql.ConvertToBool(h.c, v)
	return err == nil && b
}

// Equal implements program.Host.
func (h *programHost) Equal(a, b any) (bool, error) {
	if a == nil || b == nil {
		return false, nil
	}
	v, err := expression.NewEquals(expression.NewLiteral(a, types.ApproximateTypeFromValue(a)), expression.NewLiteral(b, types.ApproximateTypeFromValue(b))).Eval(h.c, nil)
	return err == nil && v == true, err
}

// Convert implements program.Host.
func (h *programHost) Convert(m *program.Machine, slot int, v any) (any, error) {
	if v == nil {
		return nil, nil
	}
	d := declarationOf(m.Variable(slot))
	st := field.New(h.c, nil, false)
	st.Row = 1
	return st.Value(h.c, d.Type, m.Variable(slot).Name, d.fraction(), v)
}

// Assign implements program.Host.
func (h *programHost) Assign(target string, v any) error {
	if col, ok := strings.CutPrefix(target, "NEW."); ok {
		return h.row.set(h.c, col, v)
	}
	name := lexer.Unquote(strings.TrimPrefix(target, "@"))
	return h.c.SetUserVariable(h.c, name, v, types.ApproximateTypeFromValue(v))
}

// compileStmt parses a statement once.
func (h *programHost) compileStmt(st *program.Stmt) (*compiled, error) {
	if k, ok := st.Compiled.(*compiled); ok {
		return k, nil
	}
	parsed, _, err := h.s.parse(st.Text)
	if err != nil {
		return nil, err
	}
	if parsed == nil {
		return nil, mysqlerr.New(mysqlerr.ER_EMPTY_QUERY)
	}
	k := &compiled{st: parsed, simple: -1}
	if err := h.takeInto(k, st.Scope); err != nil {
		return nil, err
	}
	if err := h.bind(k, st.Scope); err != nil {
		return nil, err
	}
	switch h.s.tokens(st.Text).Word(0) {
	case "EXECUTE", "PREPARE", "DEALLOCATE", "DROP":
		return k, nil // these look at the session when they are parsed
	}
	st.Compiled = k
	return k, nil
}

// takeInto removes SELECT's INTO: the values go to the program's variables.
func (h *programHost) takeInto(k *compiled, scope *program.Scope) error {
	var into **sqlparser.Into
	switch n := k.st.ast.(type) {
	case *sqlparser.Select:
		into = &n.Into
	case *sqlparser.SetOp:
		into = &n.Into
	default:
		return nil
	}
	if *into == nil || len((*into).Variables) == 0 {
		return nil
	}
	for _, v := range (*into).Variables {
		name := v.String()
		if strings.HasPrefix(name, "@") {
			k.into = append(k.into, program.Target{Slot: -1, Name: name})
			continue
		}
		slot, ok := scope.Lookup(name)
		if !ok {
			return mysqlerr.New(mysqlerr.ER_SP_UNDECLARED_VAR, name)
		}
		k.into = append(k.into, program.Target{Slot: slot, Name: name})
	}
	*into = nil
	return nil
}

// Exec implements program.Host.
func (h *programHost) Exec(m *program.Machine, st *program.Stmt) error {
	k, err := h.compileStmt(st)
	if err != nil {
		return err
	}
	if !k.st.keepsWarnings && !isSet(k.st.ast) {
		h.Forget()
		h.changed = 0
	}
	switch {
	case h.within != "" && (k.st.Class == Control || k.st.Class == DDL):
		return mysqlerr.New(1422)
	case k.st.Class == Control:
		return h.control(k.st.Control)
	case k.st.Class == DDL:
		return h.ddl(m, k)
	}
	if call, ok := k.st.ast.(*sqlparser.Call); ok && k.st.run == nil {
		return h.call(m, k, call)
	}
	if err := h.begin(k.st); err != nil {
		return err
	}
	rows, res, err := h.run(m, k)
	if err != nil {
		return h.undo(err)
	}
	switch {
	case k.into != nil:
		return h.storeRow(m, k, rows)
	case res.Columns == nil:
		h.changed = int64(res.Affected)
		if k.st.Class == Read {
			h.changed = 0
		}
	case h.within != "":
		return mysqlerr.New(mysqlerr.ER_SP_NO_RETSET, h.within)
	default:
		h.changed = -1
		h.x.results = append(h.x.results, h.s.resultOf(h.c, h.x, res.Columns, rows))
	}
	return nil
}

func isSet(st sqlparser.Statement) bool {
	_, ok := st.(*sqlparser.Set)
	return ok
}

// storeRow is SELECT ... INTO.
func (h *programHost) storeRow(m *program.Machine, k *compiled, rows [][]any) error {
	if len(rows) == 0 {
		h.c.Session.Warn(&sql.Warning{Level: "Warning", Code: int(mysqlerr.ER_SP_FETCH_NO_DATA), Message: mysqlerr.New(mysqlerr.ER_SP_FETCH_NO_DATA).Message})
		return nil
	}
	if len(rows) > 1 {
		return mysqlerr.New(mysqlerr.ER_TOO_MANY_ROWS)
	}
	if len(rows[0]) != len(k.into) {
		return mysqlerr.New(mysqlerr.ER_WRONG_NUMBER_OF_COLUMNS_IN_SELECT)
	}
	h.changed = 1
	for i, t := range k.into {
		if err := m.Store(t, rows[0][i]); err != nil {
			return err
		}
	}
	return nil
}

// begin ends the former statement of a procedure, so that this one sees its writes, under autocommit as a transaction of its own. Functions
// and triggers run within the statement that calls them.
func (h *programHost) begin(st *Statement) error {
	if h.within != "" || h.s.hooks.Control == nil {
		return nil
	}
	if sel, ok := st.ast.(*sqlparser.Select); ok && len(sel.From) == 0 || isSet(st.ast) {
		return nil
	}
	return h.control(&ControlStatement{Op: NextStatement})
}

// undo takes back what a failed statement of a procedure changed.
func (h *programHost) undo(err error) error {
	if h.within != "" || h.s.hooks.Control == nil {
		return err
	}
	if cerr := h.control(&ControlStatement{Op: FailStatement, Err: err}); cerr != nil {
		return cerr
	}
	return err
}

func (h *programHost) control(op *ControlStatement) error {
	h.s.cur = h.x
	return mapError(h.c, h.s.handOver(h.c, op))
}

// ddl commits before and after.
func (h *programHost) ddl(m *program.Machine, k *compiled) error {
	if h.s.hooks.Control == nil {
		return mysqlerr.New(mysqlerr.ER_NOT_SUPPORTED_YET, "DDL in routines here")
	}
	if err := h.control(&ControlStatement{Op: Commit}); err != nil {
		return err
	}
	if _, _, err := h.run(m, k); err != nil {
		return h.undo(err)
	}
	return h.control(&ControlStatement{Op: Commit})
}

// Query implements program.Host.
func (h *programHost) Query(m *program.Machine, st *program.Stmt) ([][]any, error) {
	k, err := h.compileStmt(st)
	if err != nil {
		return nil, err
	}
	h.Forget()
	if err := h.begin(k.st); err != nil {
		return nil, err
	}
	rows, res, err := h.run(m, k)
	if err != nil {
		return nil, h.undo(err)
	}
	if res.Columns == nil || k.into != nil {
		return nil, mysqlerr.New(mysqlerr.ER_SP_BAD_CURSOR_QUERY)
	}
	return rows, nil
}

// Conditions implements program.Host.
func (h *programHost) Conditions() ([]program.Condition, int64) {
	list := h.s.gms.Warnings()
	var out []program.Condition
	for _, w := range list[min(h.told, len(list)):] {
		state := mysqlerr.State(mysqlerr.Code(w.Code))
		out = append(out, program.Condition{Code: mysqlerr.Code(w.Code), State: state, Message: w.Message, Warning: true, Note: w.Level == "Note"})
	}
	h.told = len(list)
	return out, h.changed
}

// Forget implements program.Host.
func (h *programHost) Forget() {
	if h.within == "" {
		h.s.gms.ClearWarnings()
		h.told = 0
		return
	}
	h.told = len(h.s.gms.Warnings())
}

// Warn implements program.Host.
func (h *programHost) Warn(w program.Condition) {
	h.c.Session.Warn(&sql.Warning{Level: "Warning", Code: int(w.Code), Message: w.Message})
	h.told++
}

// Stopped implements program.Host.
func (h *programHost) Stopped() error {
	if h.x.ctx == nil || h.x.ctx.Err() == nil {
		return nil
	}
	return contextError(h.c, context.Canceled)
}

// ownProgram runs SIGNAL, RESIGNAL and GET DIAGNOSTICS outside of routines.
func (s *Session) ownProgram(t *lexer.Cursor) (*Statement, error) {
	p, err := program.Parse(t.Text(), nil, grammar.LexMode(s.parserOptions()))
	if err != nil {
		return nil, err
	}
	keeps := t.Word(0) == "GET"
	return &Statement{Class: Read, keepsWarnings: keeps, run: func(c *sql.Context, s *Session, x *execution) (*Result, error) {
		h := &programHost{s: s, c: c, x: x}
		m := program.NewMachine(p, h, nil)
		if keeps {
			list, _ := h.Conditions()
			m.SetDiagnostics(list, s.gms.GetLastQueryInfo().RowCount.Load())
		}
		if err := m.Run(); err != nil {
			return nil, err
		}
		return &Result{}, nil
	}}, nil
}
