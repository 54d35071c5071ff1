package general

import (
	"fmt"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/types"

	"github.com/zoryadb/zorya/sql/lexer"
	"github.com/zoryadb/zorya/sql/mysqlerr"
)

const (
	lexWord        = lexer.Word
	setVarFunction = "zorya_assign" // @a := expr
	// functionPrefix names the procedure that a stored function runs as; no routine can have that name.
	functionPrefix = "!function "
	returnVar      = "_zorya_return"
)

// ownFunctions are those that GMS lacks.
var ownFunctions = map[string]func(e *Engine) sql.Function{
	setVarFunction: func(*Engine) sql.Function { return sql.Function2{Name: setVarFunction, Fn: newAssign} },
	"aurora_version": func(e *Engine) sql.Function {
		return sql.NewFunction0("aurora_version", func(*sql.Context) sql.Expression {
			return expression.NewLiteral(orDefault(e.opts.AuroraVersion, "3.08.0"), types.LongText)
		})
	},
}

// assign is @name := value within an expression.
type assign struct {
	expression.BinaryExpressionStub
}

func newAssign(_ *sql.Context, name, value sql.Expression) sql.Expression {
	return &assign{expression.BinaryExpressionStub{LeftChild: name, RightChild: value}}
}

func (a *assign) Type(ctx *sql.Context) sql.Type   { return a.RightChild.Type(ctx) }
func (a *assign) IsNullable(ctx *sql.Context) bool { return true }
func (a *assign) String() string                   { return fmt.Sprintf("@%s := %s", a.LeftChild, a.RightChild) }
func (a *assign) IsNonDeterministic() bool         { return true }
func (a *assign) WithChildren(_ *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	if len(ch) != 2 {
		return nil, sql.ErrInvalidChildrenNumber.New(a, len(ch), 2)
	}
	return &assign{expression.BinaryExpressionStub{LeftChild: ch[0], RightChild: ch[1]}}, nil
}

func (a *assign) Eval(ctx *sql.Context, r sql.Row) (any, error) {
	name, err := a.LeftChild.Eval(ctx, r)
	if err != nil {
		return nil, err
	}
	v, err := a.RightChild.Eval(ctx, r)
	if err != nil {
		return nil, err
	}
	return v, ctx.SetUserVariable(ctx, fmt.Sprint(name), v, a.RightChild.Type(ctx))
}

// storedFunction finds a function in the current database.
func (e *Engine) storedFunction(ctx *sql.Context, name string) (sql.Function, bool) {
	if ctx == nil || ctx.Session == nil {
		return nil, false
	}
	schema := ctx.GetCurrentDatabase()
	if s, n, ok := strings.Cut(name, "."); ok {
		schema, name = s, n
	}
	if schema == "" {
		return nil, false
	}
	o, err := e.object(ctx, kindFunction, schema, name)
	if err != nil || o == nil {
		return nil, false
	}
	t, err := parseType(ctx, o.Returns)
	if err != nil {
		return nil, false
	}
	return sql.FunctionN{Name: name, Fn: func(_ *sql.Context, args ...sql.Expression) (sql.Expression, error) {
		if want := countList(o.Params); want != len(args) {
			return nil, mysqlerr.NewMessage(mysqlerr.ER_SP_WRONG_NO_OF_ARGS, "Incorrect number of arguments for FUNCTION %s.%s; expected %d, got %d",
				schema, o.Name, want, len(args))
		}
		return &call{e: e, schema: schema, name: o.Name, returns: t, args: args}, nil
	}}, true
}

// countList counts the items of a parameter list.
func countList(s string) int {
	if strings.TrimSpace(s) == "" {
		return 0
	}
	t := cutTokens(s, 0, maxTokens)
	depth, n := 0, 1
	for ; !t.end(); t.pos++ {
		switch t.at(0) {
		case "(":
			depth++
		case ")":
			depth--
		case ",":
			if depth == 0 {
				n++
			}
		}
	}
	return n
}

// call is a call of a stored function. Its body runs as a procedure that leaves the value in a variable.
type call struct {
	e            *Engine
	schema, name string
	returns      sql.Type
	args         []sql.Expression
}

func (f *call) Resolved() bool               { return expression.ExpressionsResolved(f.args...) }
func (f *call) Type(*sql.Context) sql.Type   { return f.returns }
func (f *call) IsNullable(*sql.Context) bool { return true }
func (f *call) Children() []sql.Expression   { return f.args }
func (f *call) IsNonDeterministic() bool     { return true }
func (f *call) String() string {
	list := make([]string, len(f.args))
	for i, a := range f.args {
		list[i] = a.String()
	}
	return fmt.Sprintf("`%s`(%s)", f.name, strings.Join(list, ","))
}

func (f *call) CollationCoercibility(*sql.Context) (sql.CollationID, byte) {
	return defaultCollation, 4
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
	list := make([]string, len(f.args))
	for i, a := range f.args {
		v, err := a.Eval(ctx, r)
		if err != nil {
			return nil, err
		}
		list[i] = sqlLiteral(ctx, a.Type(ctx), v)
	}
	if err := ctx.SetUserVariable(ctx, returnVar, nil, types.Null); err != nil {
		return nil, err
	}
	text := fmt.Sprintf("CALL %s.%s(%s)", quoteName(f.schema), quoteName(functionPrefix+f.name), strings.Join(list, ", "))
	x := s.cur
	save, inCall, st := x.phase, x.inCall, x.st
	x.silent, x.inCall = x.silent+1, true
	_, _, err := s.query(ctx, x, text)
	x.silent, x.phase, x.inCall, x.st = x.silent-1, save, inCall, st
	if err != nil {
		return nil, err
	}
	_, v, err := ctx.GetUserVariable(ctx, returnVar)
	if err != nil || v == nil {
		return nil, err
	}
	out, _, err := convertRounding(ctx, f.returns, v)
	return out, err
}

// functionAsProcedure is the procedure that a function runs as: RETURN x sets the variable and leaves.
func (e *Engine) functionAsProcedure(ctx *sql.Context, schema, name string) (sql.StoredProcedureDetails, bool, error) {
	o, err := e.object(ctx, kindFunction, schema, name)
	if err != nil || o == nil {
		return sql.StoredProcedureDetails{}, false, err
	}
	text := o.asProcedure()
	return sql.StoredProcedureDetails{Name: functionPrefix + strings.ToLower(o.Name), CreateStatement: text, CreatedAt: o.Created, ModifiedAt: o.Modified,
		SqlMode: o.SQLMode}, true, nil
}

// asProcedure is the text of the procedure that a function runs as.
func (o *stored) asProcedure() string {
	const label = "zorya_function"
	body := strings.TrimRight(strings.TrimSpace(returnsToVariable(o.Body, label)), ";")
	return fmt.Sprintf("CREATE PROCEDURE %s(%s) %s: BEGIN %s; END", quoteName(functionPrefix+o.Name), o.Params, label, body)
}

// returnsToVariable rewrites the RETURN statements of a body.
func returnsToVariable(body, label string) string {
	t := cutTokens(body, 0, 1<<20)
	w := &rewriter{t: t, skip: map[int]bool{}, with: map[int]string{}}
	for ; !t.end(); t.pos++ {
		if t.word(0) != "RETURN" {
			continue
		}
		end := 1
		depth := 0
		for ; t.kind(end) != lexer.EOF; end++ {
			switch t.at(end) {
			case "(":
				depth++
			case ")":
				depth--
			}
			if depth == 0 && t.at(end) == ";" {
				break
			}
		}
		w.put(0, "BEGIN SET @"+returnVar+" = (")
		w.put(end-1, t.at(end-1)+"); LEAVE "+label+"; END")
	}
	return w.build()
}

// createFunction stores a function.
func (s *Session) createFunction(t *tokens) (*Statement, error) {
	definer, replace, notExists := "", false, false
	text := t.text()
	t.pos++
	if t.accept("OR", "REPLACE") {
		replace = true
	}
	if t.accept("DEFINER", "=") {
		from := t.pos
		if t.word(0) == "CURRENT_USER" {
			t.pos++
			t.accept("(", ")")
		} else if _, _, ok := account(t); !ok {
			return nil, s.wrong(t)
		} else {
			definer = t.src[t.list[from].Start:t.list[t.pos-1].End]
		}
	}
	t.accept("AGGREGATE")
	if !t.accept("FUNCTION") {
		return nil, s.wrong(t)
	}
	notExists = t.accept("IF", "NOT", "EXISTS")
	schema, name, ok := t.qualified()
	if !ok || t.at(0) != "(" {
		return nil, s.wrong(t)
	}
	after := strings.TrimSpace(t.rest())
	return &Statement{Class: DDL, run: func(c *sql.Context, s *Session, x *execution) (*Result, error) {
		db, err := s.schemaNamed(c, schema)
		if err != nil {
			return nil, err
		}
		have, err := s.e.object(c, kindFunction, db.name, name)
		if err != nil {
			return nil, err
		}
		if have != nil && !replace {
			if notExists {
				return &Result{}, nil
			}
			return nil, mysqlerr.NewMessage(mysqlerr.ER_SP_ALREADY_EXISTS, "FUNCTION %s already exists", name)
		}
		o := newStored(c, name)
		o.Definer = definerOf(c, definer)
		o.routine("FUNCTION", after)
		o.DBCollation = db.GetCollation(c).Name()
		if o.Returns == "" || o.Body == "" {
			return nil, s.syntaxError(text, len(text))
		}
		if _, err := parseType(c, o.Returns); err != nil {
			return nil, mysqlerr.NewMessage(mysqlerr.ER_PARSE_ERROR, "bad return type %s", o.Returns)
		}
		if err := s.validBody(c, o, text); err != nil {
			return nil, err
		}
		return &Result{}, s.e.putObject(c, kindFunction, db.name, o)
	}}, nil
}

func (s *Session) dropFunction(t *tokens) (*Statement, error) {
	t.pos += 2
	exists := t.accept("IF", "EXISTS")
	schema, name, ok := t.qualified()
	if !ok {
		return nil, s.wrong(t)
	}
	return s.done(t, &Statement{Class: DDL, run: func(c *sql.Context, s *Session, x *execution) (*Result, error) {
		db, err := s.schemaNamed(c, schema)
		if err != nil {
			return nil, err
		}
		have, err := s.e.object(c, kindFunction, db.name, name)
		if err != nil {
			return nil, err
		}
		if have == nil {
			err := mysqlerr.NewMessage(mysqlerr.ER_SP_DOES_NOT_EXIST, "FUNCTION %s.%s does not exist", db.name, name)
			if !exists {
				return nil, err
			}
			c.Session.Warn(&sql.Warning{Level: "Note", Code: int(err.Code), Message: err.Message})
			return &Result{}, nil
		}
		return &Result{}, s.e.dropObject(c, kindFunction, db.name, name)
	}})
}

// alterRoutine: ALTER PROCEDURE and ALTER FUNCTION change characteristics only.
func (s *Session) alterRoutine(t *tokens) (*Statement, error) {
	kind := strings.ToLower(t.word(1))
	t.pos += 2
	schema, name, ok := t.qualified()
	if !ok {
		return nil, s.wrong(t)
	}
	var change stored
	change.characteristics(t)
	if change.Body != "" {
		return nil, s.wrong(t)
	}
	return &Statement{Class: DDL, run: func(c *sql.Context, s *Session, x *execution) (*Result, error) {
		db, err := s.schemaNamed(c, schema)
		if err != nil {
			return nil, err
		}
		o, err := s.e.object(c, kind, db.name, name)
		if err != nil {
			return nil, err
		}
		if o == nil {
			return nil, mysqlerr.NewMessage(mysqlerr.ER_SP_DOES_NOT_EXIST, "%s %s.%s does not exist", strings.ToUpper(kind), db.name, name)
		}
		n := *o
		if change.Comment != "" {
			n.Comment = change.Comment
		}
		n.Invoker = n.Invoker || change.Invoker
		if len(change.Traits) > 0 {
			n.Traits = change.Traits
		}
		n.Text = n.compose(strings.ToUpper(kind))
		return &Result{}, s.e.putObject(c, kind, db.name, &n)
	}}, nil
}

// compose writes a routine's text from its parts.
func (o *stored) compose(kind string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "CREATE DEFINER=%s %s %s(%s)", o.Definer, kind, quoteName(o.Name), o.Params)
	if o.Returns != "" {
		b.WriteString(" RETURNS " + o.Returns)
	}
	for _, t := range o.Traits {
		b.WriteString("\n    " + t)
	}
	if o.Invoker {
		b.WriteString("\n    SQL SECURITY INVOKER")
	}
	if o.Comment != "" {
		b.WriteString("\n    COMMENT " + quoteString(o.Comment))
	}
	return b.String() + "\n" + o.Body
}
