package general

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/types"
	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/sql/grammar"
	"github.com/zoryadb/zorya/sql/item"
	"github.com/zoryadb/zorya/sql/lexer"
	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/program"
	"github.com/zoryadb/zorya/sql/sqltext"
)

const (
	lexWord = lexer.Word
)

// ownFunctions are those that GMS lacks.
var ownFunctions = map[string]func(e *Engine) sql.Function{
	grammar.SetVarFunction:       func(*Engine) sql.Function { return sql.Function2{Name: grammar.SetVarFunction, Fn: newAssign} },
	"current_role":               currentRole,
	"validate_password_strength": strengthFunction,
	"aurora_version": func(e *Engine) sql.Function {
		return sql.NewFunction0("aurora_version", func(*sql.Context) sql.Expression {
			return expression.NewLiteral(cmp.Or(e.opts.AuroraVersion, "3.08.0"), types.LongText)
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

// uncut is the assignment of a number with all its digits.
func (a *assign) uncut(c *sql.Context, env *item.Env) sql.Expression {
	if whole := env.Uncut(c, a.RightChild); whole != nil {
		return newAssign(c, a.LeftChild, whole)
	}
	return nil
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
	kept, typ := item.TextOf(ctx, a.RightChild, v), a.RightChild.Type(ctx)
	if _, text := kept.(string); text && !types.IsTextOnly(typ) {
		typ = types.LongText
	}
	return v, ctx.SetUserVariable(ctx, fmt.Sprint(name), kept, typ)
}

// timeText is a date or time as the text that a user variable keeps of it.
type timeText struct{ expression.UnaryExpressionStub }

func (t *timeText) Type(*sql.Context) sql.Type { return types.LongText }
func (t *timeText) String() string             { return t.Child.String() }
func (t *timeText) Eval(c *sql.Context, r sql.Row) (any, error) {
	v, err := t.Child.Eval(c, r)
	return item.TextOf(c, t.Child, v), err
}

func (t *timeText) WithChildren(_ *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	if len(ch) != 1 {
		return nil, sql.ErrInvalidChildrenNumber.New(t, len(ch), 1)
	}
	return &timeText{expression.UnaryExpressionStub{Child: ch[0]}}, nil
}

// storedFunction finds a function of a database; none is in "".
func (e *Engine) storedFunction(ctx *sql.Context, schema, name string) (sql.Function, bool) {
	if schema == "" || ctx == nil || ctx.Session == nil {
		return nil, false
	}
	o, err := e.object(ctx, kindFunction, schema, name)
	if err != nil || o == nil {
		return nil, false
	}
	d, err := declaredType(ctx, o, "", o.Returns)
	if err != nil {
		return nil, false
	}
	return sql.FunctionN{Name: name, Fn: func(_ *sql.Context, args ...sql.Expression) (sql.Expression, error) {
		if want := countList(o.Params); want != len(args) {
			return nil, mysqlerr.NewMessage(mysqlerr.ER_SP_WRONG_NO_OF_ARGS, "Incorrect number of arguments for FUNCTION %s.%s; expected %d, got %d",
				schema, o.Name, want, len(args))
		}
		return &call{e: e, schema: schema, name: o.Name, returns: d, args: args}, nil
	}}, true
}

// countList counts the items of a parameter list.
func countList(s string) int {
	if strings.TrimSpace(s) == "" {
		return 0
	}
	t := lexer.NewCursor(s, 0, grammar.MaxTokens)
	depth, n := 0, 1
	for ; !t.End(); t.Pos++ {
		switch t.At(0) {
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

// callsWriter reports whether a query calls a stored function that may change rows.
func (s *Session) callsWriter(st sqlparser.Statement) bool {
	node, ok := st.(sqlparser.SQLNode)
	if !ok {
		return false
	}
	found := false
	_ = grammar.Walk(func(n sqlparser.SQLNode) (bool, error) {
		f, ok := n.(*sqlparser.FuncExpr)
		if !ok || f == nil || found {
			return !found, nil
		}
		schema := f.Qualifier.String()
		if schema == "" {
			schema = s.gms.GetCurrentDatabase()
		}
		if schema == "" || grammar.SystemSchema(schema) {
			return true, nil
		}
		if o, err := s.e.object(context.Background(), kindFunction, schema, f.Name.String()); err == nil && o != nil {
			found = writes(o.Body)
		}
		return true, nil
	}, node)
	return found
}

// writes reports whether a body holds a statement that changes rows, or a call that may.
func writes(body string) bool {
	t := lexer.NewCursor(body, 0, 1<<20)
	for ; !t.End(); t.Pos++ {
		switch t.Word(0) {
		case "INSERT", "UPDATE", "DELETE", "REPLACE", "CALL", "EXECUTE":
			return true
		}
		if t.Kind(0) == lexWord && t.At(1) == "(" && strings.Contains(t.At(0), "_") || t.Kind(0) == lexer.Quoted && t.At(1) == "(" {
			return true // perhaps another stored function
		}
	}
	return false
}

// createHead reads CREATE [OR REPLACE] [DEFINER = user] word.
func (s *Session) createHead(t *lexer.Cursor, word string) (definer string, replace bool, err error) {
	t.Pos++
	replace = t.Accept("OR", "REPLACE")
	if t.Accept("DEFINER", "=") {
		from := t.Pos
		if t.Word(0) == "CURRENT_USER" {
			t.Pos++
			t.Accept("(", ")")
		} else if _, _, ok := account(t); !ok {
			return "", false, s.wrong(t)
		} else {
			definer = t.Span(from, t.Pos)
		}
	}
	if !t.Accept(word) {
		return "", false, s.wrong(t)
	}
	return definer, replace, nil
}

// createRoutine stores a function or a procedure.
func (s *Session) createRoutine(t *lexer.Cursor, word string) (*Statement, error) {
	text := t.Text()
	definer, replace, err := s.createHead(t, word)
	if err != nil {
		return nil, err
	}
	notExists := t.Accept("IF", "NOT", "EXISTS")
	schema, name, ok := t.Qualified()
	if !ok || t.At(0) != "(" {
		return nil, s.wrong(t)
	}
	after := strings.TrimSpace(t.Rest())
	kind := strings.ToLower(word)
	return &Statement{Class: DDL, run: func(c *sql.Context, s *Session, x *execution) (*Result, error) {
		db, err := s.schemaNamed(c, schema)
		if err != nil {
			return nil, err
		}
		if err := s.mayCreateRoutine(c, db.name); err != nil {
			return nil, err
		}
		have, err := s.e.object(c, kind, db.name, name)
		if err != nil {
			return nil, err
		}
		if have != nil && !replace {
			err := mysqlerr.New(mysqlerr.ER_SP_ALREADY_EXISTS, word, name)
			if notExists {
				c.Session.Warn(&sql.Warning{Level: "Note", Code: int(err.Code), Message: err.Message})
				return &Result{}, nil
			}
			return nil, err
		}
		if len([]rune(name)) > sql.MaxIdentifierLength {
			return nil, mysqlerr.New(mysqlerr.ER_TOO_LONG_IDENT, name)
		}
		o := newStored(c, name)
		o.Definer = definerOf(c, definer)
		o.routine(word, after)
		o.DBCollation = db.GetCollation(c).Name()
		if (o.Returns == "") != (kind == kindProcedure) || o.Body == "" {
			return nil, mysqlerr.Syntax(text, len(text)-len(o.Body))
		}
		if kind == kindFunction && !hasReturn(o.Body) {
			return nil, mysqlerr.New(mysqlerr.ER_SP_NORETURN, schemaOr(schema, db.name)+"."+name)
		}
		if err := s.checkRoutine(c, o); err != nil {
			return nil, err
		}
		return &Result{}, s.e.putObject(c, kind, db.name, o)
	}}, nil
}

func schemaOr(given, db string) string {
	if given == "" {
		return db
	}
	return given
}

// mayCreateRoutine asks for CREATE ROUTINE.
func (s *Session) mayCreateRoutine(c *sql.Context, schema string) error {
	client := s.gms.Client()
	set := s.e.mysqlDB().UserActivePrivilegeSet(c)
	p := sql.PrivilegeType_CreateRoutine
	if client.User == internalUser || set.Has(sql.PrivilegeType_Super) || set.Has(p) || set.Database(schema).Has(p) {
		return nil
	}
	return mysqlerr.New(mysqlerr.ER_DBACCESS_DENIED_ERROR, client.User, client.Address, schema)
}

func hasReturn(body string) bool {
	t := lexer.NewCursor(body, 0, 1<<20)
	for ; !t.End(); t.Pos++ {
		if t.Word(0) == "RETURN" {
			return true
		}
	}
	return false
}

// checkRoutine reports what is wrong with a routine's text: its syntax down to the statements and expressions within, and the types that it names.
func (s *Session) checkRoutine(c *sql.Context, o *stored) error {
	p, err := s.programOf(c, o)
	if err != nil {
		return err
	}
	delete(s.programs, o)
	within := ""
	if o.Returns != "" {
		within = "function"
	}
	return s.checkProgram(c, p.prog, within)
}

// checkProgram checks a program that runs within a function or a trigger, or "" for one that may do anything.
func (s *Session) checkProgram(c *sql.Context, p *program.Program, within string) error {
	if p.Returns && within != "function" {
		return mysqlerr.New(mysqlerr.ER_SP_BADRETURN)
	}
	refused := make([]error, barKinds)
	for _, st := range p.Stmts {
		t := lexer.NewCursor(st.Text, 0, 4)
		if what := neverInPrograms(t); what != "" {
			return mysqlerr.New(mysqlerr.ER_SP_BADSTATEMENT, what)
		}
		if err := definesRoutine(s.tokens(st.Text)); err != nil {
			return err
		}
		var parsed *Statement
		if word := t.Word(0); word != "EXECUTE" && word != "DEALLOCATE" {
			var err error
			if parsed, _, err = s.parse(st.Text); err != nil {
				return err
			}
		}
		if p.Queries[st] {
			if err := cursorQuery(parsed, st.Text); err != nil {
				return err
			}
		} else if within != "" {
			if kind, err := refusedWithin(t, parsed, within); err != nil && refused[kind] == nil {
				refused[kind] = err
			}
		}
	}
	for _, err := range refused {
		if err != nil {
			return err
		}
	}
	for _, e := range p.Exprs {
		if _, _, err := s.parseGMS("SELECT "+e.Text, ""); err != nil {
			return err
		}
	}
	return nil
}

// neverInPrograms names a statement that no stored program may have, "" for any other.
func neverInPrograms(t *lexer.Cursor) string {
	switch word := t.Word(0); word {
	case "LOCK", "UNLOCK", "USE", "CHECK", "HANDLER", "HELP":
		return word
	case "LOAD":
		if next := t.Word(1); next == "DATA" || next == "XML" {
			return word + " " + next
		}
	case "ALTER":
		if t.Word(1) == "VIEW" {
			return "ALTER VIEW"
		}
	}
	return ""
}

// cursorQuery refuses what a cursor cannot read.
func cursorQuery(st *Statement, text string) error {
	if st == nil {
		return mysqlerr.Syntax(text, 0)
	}
	switch n := st.ast.(type) {
	case *sqlparser.Select:
		if n.Into != nil {
			return mysqlerr.New(mysqlerr.ER_SP_BAD_CURSOR_SELECT)
		}
	case *sqlparser.SetOp:
		if n.Into != nil {
			return mysqlerr.New(mysqlerr.ER_SP_BAD_CURSOR_SELECT)
		}
	case *sqlparser.Insert, *sqlparser.Update, *sqlparser.Delete, *sqlparser.Show, *sqlparser.Set, *sqlparser.DDL:
		return mysqlerr.Syntax(text, 0)
	}
	return nil
}

// What functions and triggers may not do, in the order in which MySQL says so (sp_head::is_not_allowed_in_function).
const (
	barDynamic = iota
	barRows
	barAutocommit
	barCommit
	barReset
	barFlush
	barKinds
)

// refusedWithin is what is wrong with a statement within a function or a trigger.
func refusedWithin(t *lexer.Cursor, st *Statement, within string) (kind int, err error) {
	switch word := t.Word(0); word {
	case "PREPARE", "EXECUTE", "DEALLOCATE":
		return barDynamic, mysqlerr.New(mysqlerr.ER_STMT_NOT_ALLOWED_IN_SF_OR_TRG, "Dynamic SQL")
	case "DROP":
		if t.Word(1) == "PREPARE" {
			return barDynamic, mysqlerr.New(mysqlerr.ER_STMT_NOT_ALLOWED_IN_SF_OR_TRG, "Dynamic SQL")
		}
	case "SHOW", "EXPLAIN", "DESC", "DESCRIBE", "ANALYZE", "CHECKSUM", "OPTIMIZE", "REPAIR", "CACHE", "LOAD":
		return barRows, mysqlerr.New(mysqlerr.ER_SP_NO_RETSET, within)
	case "RESET":
		return barReset, mysqlerr.New(mysqlerr.ER_STMT_NOT_ALLOWED_IN_SF_OR_TRG, word)
	case "FLUSH":
		return barFlush, mysqlerr.New(mysqlerr.ER_STMT_NOT_ALLOWED_IN_SF_OR_TRG, word)
	}
	switch {
	case st == nil:
		return 0, nil
	case givesRows(st.ast):
		return barRows, mysqlerr.New(mysqlerr.ER_SP_NO_RETSET, within)
	case st.Class == Control || st.Class == DDL:
		return barCommit, mysqlerr.New(mysqlerr.ER_COMMIT_NOT_ALLOWED_IN_SF_OR_TRG)
	}
	if set, ok := st.ast.(*sqlparser.Set); ok && slices.ContainsFunc(set.Exprs, setsAutocommit) {
		return barAutocommit, mysqlerr.New(mysqlerr.ER_SP_CANT_SET_AUTOCOMMIT)
	}
	return 0, nil
}

func setsAutocommit(e *sqlparser.SetVarExpr) bool {
	name := strings.TrimLeft(e.Name.Name.String(), "@")
	return e.Scope != sqlparser.SetScope_User && strings.EqualFold(name[strings.LastIndexByte(name, '.')+1:], "autocommit")
}

// givesRows reports whether a statement sends rows to the client.
func givesRows(st sqlparser.Statement) bool {
	switch n := st.(type) {
	case *sqlparser.Select:
		return n.Into == nil
	case *sqlparser.SetOp:
		return n.Into == nil
	case *sqlparser.Show, *sqlparser.Explain:
		return true
	}
	return false
}

// dropRoutine: DROP FUNCTION and DROP PROCEDURE.
func (s *Session) dropRoutine(t *lexer.Cursor, word string) (*Statement, error) {
	t.Pos += 2
	exists := t.Accept("IF", "EXISTS")
	schema, name, ok := t.Qualified()
	if !ok {
		return nil, s.wrong(t)
	}
	kind := strings.ToLower(word)
	return s.done(t, &Statement{Class: DDL, run: func(c *sql.Context, s *Session, x *execution) (*Result, error) {
		db, err := s.schemaNamed(c, schema)
		if err != nil {
			return nil, err
		}
		have, err := s.e.object(c, kind, db.name, name)
		if err != nil {
			return nil, err
		}
		if have == nil {
			err := mysqlerr.New(mysqlerr.ER_SP_DOES_NOT_EXIST, word, db.name+"."+name)
			if !exists {
				return nil, err
			}
			c.Session.Warn(&sql.Warning{Level: "Note", Code: int(err.Code), Message: err.Message})
			return &Result{}, nil
		}
		if err := s.mayAlterRoutine(c, db.name, name, kind == kindProcedure); err != nil {
			return nil, err
		}
		return &Result{}, s.e.dropObject(c, kind, db.name, name)
	}})
}

// mayAlterRoutine asks for ALTER ROUTINE.
func (s *Session) mayAlterRoutine(c *sql.Context, schema, name string, procedure bool) error {
	client := s.gms.Client()
	set := s.e.mysqlDB().UserActivePrivilegeSet(c)
	p := sql.PrivilegeType_AlterRoutine
	if client.User == internalUser || set.Has(sql.PrivilegeType_Super) || set.Has(p) || set.Database(schema).Has(p) ||
		set.Database(schema).Routine(name, procedure).Has(p) || set.Database(schema).Routine(strings.ToLower(name), procedure).Has(p) {
		return nil
	}
	return mysqlerr.NewMessage(1370, "alter routine command denied to user '%s'@'%s' for routine '%s.%s'", client.User, client.Address, schema, name)
}

// alterRoutine: ALTER PROCEDURE and ALTER FUNCTION change characteristics only.
func (s *Session) alterRoutine(t *lexer.Cursor) (*Statement, error) {
	kind := strings.ToLower(t.Word(1))
	t.Pos += 2
	schema, name, ok := t.Qualified()
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
	fmt.Fprintf(&b, "CREATE DEFINER=%s %s %s(%s)", o.Definer, kind, sqltext.Quote(o.Name), o.Params)
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
		b.WriteString("\n    COMMENT " + sqltext.Literal(o.Comment))
	}
	return b.String() + "\n" + o.Body
}

// definesRoutine refuses what programs may not do to routines and triggers (1303, 1357).
func definesRoutine(t *lexer.Cursor) error {
	word := t.Word(0)
	if word != "CREATE" && word != "DROP" && word != "ALTER" {
		return nil
	}
	for i := 1; i < len(t.Tokens); i++ {
		switch kind := t.Word(i); kind {
		case "PROCEDURE", "FUNCTION", "TRIGGER":
			if word == "CREATE" {
				return mysqlerr.New(mysqlerr.ER_SP_NO_RECURSIVE_CREATE, kind)
			}
			if kind != "TRIGGER" {
				return mysqlerr.New(mysqlerr.ER_SP_NO_DROP_SP, kind)
			}
			return nil
		case "TABLE", "VIEW", "INDEX", "DATABASE", "SCHEMA", "USER", "ROLE", "EVENT":
			return nil
		}
	}
	return nil
}
