package general

import (
	"fmt"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/types"
	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/sql/datum"
	"github.com/zoryadb/zorya/sql/field"
	"github.com/zoryadb/zorya/sql/grammar"
	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/program"
	"github.com/zoryadb/zorya/sql/tabledef"
)

// Procedures and functions run as programs (package program): this file finds them, checks who may, and hands arguments to and fro.

// maxCallDepth bounds calls within calls, whatever max_sp_recursion_depth says.
const maxCallDepth = 255

// cachedPrograms bounds a session's parsed programs.
const cachedPrograms = 256

// parsedProgram is a routine that a session has parsed.
type parsedProgram struct {
	prog    *program.Program
	params  []program.Param
	returns *declaration
	table   *tabledef.Table // a trigger's: what its statements call NEW and OLD columns by position of
}

// programOf parses a routine, once a session and version of it.
func (s *Session) programOf(c *sql.Context, o *stored) (*parsedProgram, error) {
	if p := s.programs[o]; p != nil {
		return p, nil
	}
	mode := grammar.LexMode(sql.NewSqlModeFromString(o.SQLMode).ParserOptions())
	p := &parsedProgram{}
	var err error
	if p.params, err = program.ParseParams(o.Params, mode); err != nil {
		return nil, err
	}
	if p.prog, err = program.Parse(o.Body, p.params, mode); err != nil {
		return nil, err
	}
	for i := range p.prog.Vars {
		v := &p.prog.Vars[i]
		if v.Declared, err = declaredType(c, o, v.Name, v.Type); err != nil {
			return nil, err
		}
	}
	if o.Returns != "" {
		if p.returns, err = declaredType(c, o, "", o.Returns); err != nil {
			return nil, err
		}
	}
	if s.programs == nil || len(s.programs) >= cachedPrograms {
		s.programs = map[*stored]*parsedProgram{}
	}
	s.programs[o] = p
	return p, nil
}

// frame is a routine on its way: what its call changed in the session.
type frame struct {
	o               *stored
	database, mode  string
	client          sql.Client
	switched, moded bool
}

// enter makes the session the routine's: its database, its sql_mode, its definer's account. leave takes that back.
func (s *Session) enter(c *sql.Context, x *execution, schema string, o *stored) (leave func(), err error) {
	f := frame{o: o, database: s.gms.GetCurrentDatabase(), mode: sessionText(c, "sql_mode"), client: s.gms.Client()}
	if len(s.frames) >= maxCallDepth {
		return nil, mysqlerr.NewMessage(1436, "Thread stack overrun: routines are nested more than %d deep", maxCallDepth)
	}
	if !o.Invoker && o.Definer != "" {
		if err := s.become(o); err != nil {
			return nil, err
		}
		f.switched = true
	}
	s.gms.SetCurrentDatabase(schema)
	if o.SQLMode != "" && o.SQLMode != f.mode {
		f.moded = s.gms.SetSessionVariable(c, "sql_mode", o.SQLMode) == nil
	}
	s.frames = append(s.frames, f)
	return func() {
		s.frames = s.frames[:len(s.frames)-1]
		s.gms.SetCurrentDatabase(f.database)
		if f.moded {
			_ = s.gms.SetSessionVariable(c, "sql_mode", f.mode) // it was the value before
		}
		if f.switched {
			s.gms.SetClient(f.client)
			s.gms.SetPrivilegeSet(nil, 0)
		}
	}, nil
}

// become gives the session the privileges of an object's definer: 1449 when there is no such account.
func (s *Session) become(o *stored) error {
	user, host, ok := splitDefiner(o.Definer)
	have := s.gms.Client()
	if !ok || user == have.User && host == have.Address {
		return nil
	}
	if user != internalUser && !s.e.accountExists(user, host) {
		return mysqlerr.NewMessage(1449, "The user specified as a definer ('%s'@'%s') does not exist", user, host)
	}
	s.gms.SetClient(sql.Client{User: user, Address: host, Capabilities: have.Capabilities})
	s.gms.SetPrivilegeSet(nil, 0)
	return nil
}

// depthOf counts the calls of a routine that are under way.
func (s *Session) depthOf(o *stored) int {
	n := 0
	for i := range s.frames {
		if s.frames[i].o.Name == o.Name && s.frames[i].o.Text == o.Text {
			n++
		}
	}
	return n
}

// target is where an OUT or INOUT argument goes; nil: an expression.
type target func(v any) error

// callProcedure runs a procedure. args are the values of its arguments, targets where those that are variables go.
func (s *Session) callProcedure(c *sql.Context, x *execution, schema, name string, args []any, targets []target) (changed int64, err error) {
	o, err := s.e.object(c, kindProcedure, schema, name)
	if err != nil {
		return 0, err
	}
	if o == nil {
		return 0, mysqlerr.NewMessage(mysqlerr.ER_SP_DOES_NOT_EXIST, "PROCEDURE %s.%s does not exist", schema, name)
	}
	p, err := s.programOf(c, o)
	if err != nil {
		return 0, err
	}
	if len(p.params) != len(args) {
		return 0, mysqlerr.NewMessage(mysqlerr.ER_SP_WRONG_NO_OF_ARGS, "Incorrect number of arguments for PROCEDURE %s.%s; expected %d, got %d", schema, o.Name, len(p.params), len(args))
	}
	for i, a := range p.params {
		if a.Mode != "IN" && targets[i] == nil {
			return 0, mysqlerr.New(mysqlerr.ER_SP_NOT_VAR_ARG, i+1, schema+"."+o.Name)
		}
	}
	if limit := integer(s.variable("max_sp_recursion_depth")); int64(s.depthOf(o)) > limit {
		return 0, mysqlerr.NewMessage(1456, "Recursive limit %d (as set by the max_sp_recursion_depth variable) was exceeded for routine %s", limit, o.Name)
	}
	leave, err := s.enter(c, x, schema, o)
	if err != nil {
		return 0, err
	}
	h := &programHost{s: s, c: c, x: x}
	if x.silent > 0 {
		h.within = "function"
	}
	m := program.NewMachine(p.prog, h, nil)
	err = func() error {
		defer leave()
		for i, a := range p.params {
			if a.Mode == "OUT" {
				continue
			}
			if err := m.Set(i, args[i]); err != nil {
				return err
			}
		}
		return m.Run()
	}()
	if err != nil {
		return 0, err
	}
	for i, a := range p.params {
		if a.Mode != "IN" {
			v, err := outValue(c, p.declared(i).Type, m.Value(i))
			if err == nil {
				err = targets[i](v)
			}
			if err != nil {
				return 0, err
			}
		}
	}
	return h.changed, nil
}

// outValue is a parameter's value as its caller gets it: members of ENUM and SET by name.
func outValue(c *sql.Context, t sql.Type, v any) (any, error) {
	if v == nil || !memberType(t) {
		return v, nil
	}
	text, err := datum.Ordered(t).SQL(c, nil, v)
	if err != nil {
		return nil, err
	}
	return text.ToString(), nil
}

// call is CALL within a program.
func (h *programHost) call(m *program.Machine, k *compiled, n *sqlparser.Call) error {
	b, _, err := h.bindings(m, k)
	if err != nil {
		return err
	}
	saveSt, saveBind := h.x.st, h.x.bindings
	h.x.st, h.x.bindings = k.st, b
	args, targets, err := h.s.arguments(h.c, h.x, n, func(col *sqlparser.ColName) target {
		arg, ok := col.StoredProcVal.(*sqlparser.SQLVal)
		if !ok {
			return nil
		}
		if slot, ok := k.slots[strings.TrimPrefix(string(arg.Val), ":")]; ok {
			return func(v any) error { return m.Set(slot, v) }
		}
		if i, ok := k.columns[strings.TrimPrefix(string(arg.Val), ":")]; ok && i >= 0 {
			return func(v any) error { return h.row.set(h.c, h.row.schema[i].Name, v) }
		}
		return nil
	})
	h.x.st, h.x.bindings = saveSt, saveBind
	if err != nil {
		return err
	}
	if h.within != "" { // the procedure runs within the statement too
		h.x.silent++
		defer func() { h.x.silent-- }()
	}
	h.changed, err = h.s.callByName(h.c, h.x, n, args, targets)
	h.told = min(h.told, len(h.s.gms.Warnings()))
	return err
}

// arguments evaluates those of a CALL. local finds the target that a column's name means.
func (s *Session) arguments(c *sql.Context, x *execution, n *sqlparser.Call, local func(*sqlparser.ColName) target) ([]any, []target, error) {
	args, targets := make([]any, len(n.Params)), make([]target, len(n.Params))
	for i, e := range n.Params {
		if col, ok := e.(*sqlparser.ColName); ok && col.Qualifier.IsEmpty() || ok && col.StoredProcVal != nil {
			if name, user := strings.CutPrefix(col.Name.String(), "@"); user && !strings.HasPrefix(name, "@") {
				targets[i] = func(v any) error { return c.SetUserVariable(c, name, v, types.ApproximateTypeFromValue(v)) }
				_, v, err := c.GetUserVariable(c, name)
				if err != nil {
					return nil, nil, err
				}
				args[i] = v
				continue
			}
			targets[i] = local(col)
		}
		sel := &sqlparser.Select{SelectExprs: sqlparser.SelectExprs{&sqlparser.AliasedExpr{Expr: e}}}
		node, flags, err := s.analyze(c, x, sel, "SELECT "+sqlparser.String(e))
		if err != nil {
			return nil, nil, err
		}
		res, err := s.runPlan(c, x, node, flags)
		if err != nil {
			return nil, nil, err
		}
		rows, err := collect(c, res)
		s.cur = x
		if err != nil {
			return nil, nil, err
		}
		if len(rows) == 1 && len(rows[0]) == 1 {
			args[i] = rows[0][0]
		}
	}
	return args, targets, nil
}

func (s *Session) callByName(c *sql.Context, x *execution, n *sqlparser.Call, args []any, targets []target) (int64, error) {
	schema, name := n.ProcName.Qualifier.String(), n.ProcName.Name.String()
	if schema == "" {
		if schema = s.gms.GetCurrentDatabase(); schema == "" {
			return 0, mysqlerr.New(mysqlerr.ER_NO_DB_ERROR)
		}
	}
	if err := s.mayExecute(c, schema, name, true); err != nil {
		return 0, err
	}
	return s.callProcedure(c, x, schema, name, args, targets)
}

// mayExecute is 1370 for who lacks EXECUTE.
func (s *Session) mayExecute(c *sql.Context, schema, name string, procedure bool) error {
	client := s.gms.Client()
	if client.User == internalUser {
		return nil
	}
	set := s.e.mysqlDB().UserActivePrivilegeSet(c)
	p := sql.PrivilegeType_Execute
	if set.Has(sql.PrivilegeType_Super) || set.Has(p) || set.Database(schema).Has(p) || set.Database(schema).Routine(strings.ToLower(name), procedure).Has(p) ||
		set.Database(schema).Routine(name, procedure).Has(p) {
		return nil
	}
	return mysqlerr.NewMessage(1370, "execute command denied to user '%s'@'%s' for routine '%s.%s'", client.User, client.Address, schema, name)
}

// runCall executes CALL and collects its results.
func (s *Session) runCall(c *sql.Context, x *execution, n *sqlparser.Call) (*Result, error) {
	args, targets, err := s.arguments(c, x, n, func(*sqlparser.ColName) target { return nil })
	if err != nil {
		return nil, err
	}
	outs := outParams{}
	for i, e := range n.Params {
		if v, ok := e.(*sqlparser.SQLVal); ok && v.Type == sqlparser.ValArg {
			targets[i] = func(v any) error { outs[i] = v; return nil }
		}
	}
	changed, err := s.callByName(c, x, n, args, targets)
	if err != nil {
		if len(x.results) > 0 { // what the procedure has selected before is sent all the same
			return x.chain(&Result{Err: mapError(c, err)}), nil
		}
		return nil, err
	}
	if len(outs) > 0 {
		res, err := s.outResult(c, x, n, outs)
		if err != nil {
			return nil, err
		}
		x.results = append(x.results, res)
	}
	return x.chain(&Result{Affected: uint64(max(changed, 0))}), nil
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

// resultOf makes a result of rows that are at hand.
func (s *Session) resultOf(c *sql.Context, x *execution, columns []Column, all [][]any) *Result {
	list := make([]sql.Row, len(all))
	for i, r := range all {
		list[i] = r
	}
	return &Result{Columns: columns, Rows: &rows{s: s, c: c, x: x, iter: sql.RowsToRowIter(list...)}}
}

// call is a call of a stored function.
type call struct {
	e            *Engine
	schema, name string
	returns      *declaration
	args         []sql.Expression
}

func (f *call) Resolved() bool                { return expression.ExpressionsResolved(f.args...) }
func (f *call) Type(*sql.Context) sql.Type    { return f.returns.Type }
func (f *call) SecondDigits(*sql.Context) int { return f.returns.digits() }
func (f *call) IsNullable(*sql.Context) bool  { return true }
func (f *call) Children() []sql.Expression    { return f.args }
func (f *call) IsNonDeterministic() bool      { return true }
func (f *call) String() string {
	list := make([]string, len(f.args))
	for i, a := range f.args {
		list[i] = a.String()
	}
	return fmt.Sprintf("`%s`(%s)", f.name, strings.Join(list, ","))
}

func (f *call) CollationCoercibility(*sql.Context) (sql.CollationID, byte) {
	return tabledef.DefaultCollation, 4
}

func (f *call) WithChildren(_ *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	n := *f
	n.args = ch
	return &n, nil
}

func (f *call) Eval(ctx *sql.Context, r sql.Row) (any, error) {
	s := sessionOf(ctx)
	if s == nil || s.cur == nil {
		return nil, fmt.Errorf("function %s.%s is called outside of a statement", f.schema, f.name)
	}
	args := make([]any, len(f.args))
	for i, a := range f.args {
		v, err := a.Eval(ctx, r)
		if err != nil {
			return nil, err
		}
		if args[i], err = unwrapped(ctx, v, a.Type(ctx)); err != nil {
			return nil, err
		}
	}
	o, err := f.e.object(ctx, kindFunction, f.schema, f.name)
	if err != nil {
		return nil, err
	}
	if o == nil {
		return nil, mysqlerr.NewMessage(mysqlerr.ER_SP_DOES_NOT_EXIST, "FUNCTION %s.%s does not exist", f.schema, f.name)
	}
	if err := s.mayExecute(ctx, f.schema, f.name, false); err != nil {
		return nil, err
	}
	p, err := s.programOf(ctx, o)
	if err != nil {
		return nil, err
	}
	if s.depthOf(o) > 0 {
		return nil, mysqlerr.New(mysqlerr.ER_SP_NO_RECURSION)
	}
	x := s.cur
	leave, err := s.enter(ctx, x, f.schema, o)
	if err != nil {
		return nil, err
	}
	defer leave()
	if x.busy == nil {
		x.busy = x.usedTables()
		defer func() { x.busy = nil }()
	}
	h := &programHost{s: s, c: ctx, x: x, within: "function", told: len(s.gms.Warnings())}
	m := program.NewMachine(p.prog, h, nil)
	for i := range args {
		if err := m.Set(i, args[i]); err != nil {
			return nil, err
		}
	}
	v, err := m.Function(f.schema + "." + o.Name)
	if err != nil || v == nil {
		return nil, err
	}
	st := field.New(ctx, nil, false)
	st.Row = 1
	return st.Value(ctx, f.returns.Type, f.name+"()", f.returns.fraction(), v)
}
