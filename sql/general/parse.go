package general

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/sql/field"
	"github.com/zoryadb/zorya/sql/grammar"
	"github.com/zoryadb/zorya/sql/hints"
	"github.com/zoryadb/zorya/sql/lexer"
	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// Statement is a parsed statement of one session.
type Statement struct {
	Text    string
	Class   Class
	Control *ControlStatement // of class Control
	Params  int
	Columns []Column // of a prepared statement that returns rows

	ast            sqlparser.Statement
	inner          sqlparser.Statement // where ast is nil: what run executes, for the names of local variables in it
	written        string              // the text as it came, where Text is a rewritten one too
	run            func(c *sql.Context, s *Session, x *execution) (*Result, error)
	keepsWarnings  bool // SHOW WARNINGS and the like
	listsDatabases bool
	scope          *infoScope // of a query of information_schema
	locking        bool
	misuse         error  // what MySQL refuses when it resolves names (grammar.Misuse)
	duplicates     string // of CREATE TABLE ... SELECT: how its rows are inserted; "": INSERT

	// For the next time (plancache.go). A statement is one session's at a time.
	key      string // under which the engine keeps it; "": nowhere
	prepared bool   // the session keeps it
	hints    *hints.Set
	plan     *keptPlan
	repeats  repeats
	useless  int // plans that were kept in vain since one was used again
	stars    stars
}

// Parse parses the first statement of text; rest is what follows it. A nil Statement without an error means that
// text held only blanks and comments.
func (s *Session) Parse(text string) (*Statement, string, error) {
	if len(text) > keptTextLimit {
		return s.parse(text)
	}
	key := s.statementKey(text)
	if st := s.e.plans.take(key); st != nil {
		return st, "", nil
	}
	st, rest, err := s.parse(text)
	if st != nil && err == nil && rest == "" && keepsText(st) && s.e.plans.again(key) {
		st.key = key
	}
	return st, rest, err
}

// parse is Parse of a text that nobody has parsed yet.
func (s *Session) parse(text string) (st *Statement, rest string, err error) {
	defer func() {
		if r := recover(); r != nil {
			st, err = nil, mapError(nil, crashed(r))
		}
	}()
	text = grammar.NamedParser(grammar.KnownCollations(lexer.PlainComments(text)))
	mode := grammar.LexMode(s.parserOptions())
	if s.plainBackslashes() {
		mode |= lexer.NoBackslashEscapes
	}
	text, end, rest := lexer.CutStatement(text, mode)
	if text == "" && !end {
		return nil, rest, nil
	}
	if mode&lexer.NoBackslashEscapes != 0 {
		text = grammar.EscapeBackslashes(text, mode)
	}
	t := s.tokens(text)
	if t.Empty() {
		if end {
			return nil, rest, nil
		}
		return nil, "", nil
	}
	st, err = s.own(t)
	if err != nil {
		return nil, "", mapError(nil, err)
	}
	if st != nil {
		if st.ast == nil { // EXECUTE is the statement that it names, with that one's text
			st.Text = t.Text()
		}
		return st, rest, nil
	}
	return s.parseGMS(text, rest)
}

// Prepare parses one statement for the binary protocol and finds its parameters and columns.
func (s *Session) Prepare(ctx context.Context, text string) (*Statement, error) {
	st, rest, err := s.parse(text)
	if err != nil {
		return nil, err
	}
	if st == nil {
		return nil, mysqlerr.New(mysqlerr.ER_EMPTY_QUERY)
	}
	st.prepared = true
	if strings.TrimSpace(rest) != "" && !s.tokens(rest).Empty() {
		return nil, mysqlerr.Syntax(rest, 0)
	}
	return st, s.resolve(ctx, st, text)
}

// resolve finds the columns of a prepared statement, and what is wrong with the names in one that changes rows.
func (s *Session) resolve(ctx context.Context, st *Statement, text string) error {
	switch st.ast.(type) {
	case nil:
		return nil
	case *sqlparser.Insert, *sqlparser.Update, *sqlparser.Delete:
		own, _, err := s.parse(text) // the binder writes into the trees of these
		if err != nil {
			return err
		}
		err = s.describe(ctx, own)
		var e *mysqlerr.Error
		if errors.As(err, &e) && unresolved[e.Code] {
			return err
		}
		return nil // without values for its parameters, what else is wrong is not known yet
	}
	if st.Class != Read && !returnsRows(st.ast) {
		return nil
	}
	return s.describe(ctx, st)
}

// unresolved are the errors of names, and of who may use what they name.
var unresolved = map[mysqlerr.Code]bool{mysqlerr.ER_NO_DB_ERROR: true, mysqlerr.ER_BAD_DB_ERROR: true, mysqlerr.ER_NO_SUCH_TABLE: true,
	mysqlerr.ER_BAD_TABLE_ERROR: true, mysqlerr.ER_UNKNOWN_TABLE: true, mysqlerr.ER_BAD_FIELD_ERROR: true, mysqlerr.ER_NON_UNIQ_ERROR: true,
	mysqlerr.ER_NONUNIQ_TABLE: true, mysqlerr.ER_FIELD_SPECIFIED_TWICE: true, mysqlerr.ER_WRONG_VALUE_COUNT_ON_ROW: true, mysqlerr.ER_SP_DOES_NOT_EXIST: true,
	mysqlerr.ER_TABLEACCESS_DENIED_ERROR: true, mysqlerr.ER_COLUMNACCESS_DENIED_ERROR: true, mysqlerr.ER_DBACCESS_DENIED_ERROR: true,
	mysqlerr.ER_NON_UPDATABLE_TABLE: true, mysqlerr.ER_NON_INSERTABLE_TABLE: true}

// describe finds the columns of a prepared statement without executing it.
func (s *Session) describe(ctx context.Context, st *Statement) error {
	if _, ok := st.ast.(*sqlparser.Set); ok {
		return nil
	}
	x := &execution{s: s, ctx: ctx, st: st}
	before := s.cur
	s.cur = x
	defer func() { s.cur = before }()
	c := s.context(ctx, st.Text)
	cols, err := s.preview(c, st)
	if err != nil {
		return mapError(c, err)
	}
	st.Columns = cols
	return nil
}

func returnsRows(st sqlparser.Statement) bool {
	switch st.(type) {
	case sqlparser.SelectStatement, *sqlparser.Show, *sqlparser.Explain, *sqlparser.Call:
		return true
	}
	return false
}

// parser is what GMS parses with: routines, triggers, views, events and our own texts.
type parser struct{ e *Engine }

var _ sql.Parser = (*parser)(nil)

func (p *parser) ParseSimple(query string) (sqlparser.Statement, error) {
	st, _, err := p.one(context.Background(), query, sqlparser.ParserOptions{}, false)
	if node, ok := st.(sqlparser.SQLNode); ok && err == nil {
		keepOperands(node) // the library reads the expressions of definitions by this
	}
	return st, err
}

func (p *parser) Parse(ctx *sql.Context, query string, multi bool) (sqlparser.Statement, string, string, error) {
	return p.ParseWithOptions(ctx, query, ';', multi, sql.LoadSqlMode(ctx).ParserOptions())
}

func (p *parser) ParseWithOptions(ctx context.Context, query string, delimiter rune, multi bool, o sqlparser.ParserOptions) (st sqlparser.Statement, parsed, rest string, err error) {
	s := sql.RemoveSpaceAndDelimiter(query, delimiter)
	parsed = s
	st, n, err := p.one(ctx, s, o, multi)
	if d, ok := st.(*sqlparser.DDL); ok && err == nil && d.ViewSpec != nil && d.ViewSpec.ViewExpr != nil {
		bindHaving(d.ViewSpec.ViewExpr)
	}
	if multi && n != 0 && n < len(s) {
		parsed, rest = sql.RemoveSpaceAndDelimiter(s[:n], delimiter), s[n:]
	}
	return st, parsed, rest, err
}

func (p *parser) ParseOneWithOptions(ctx context.Context, s string, o sqlparser.ParserOptions) (sqlparser.Statement, int, error) {
	return p.one(ctx, s, o, true)
}

// one parses the first statement (or the only one). What the grammar rejects is tried again in a rewritten form of the same
// length or longer, so positions are the rewritten text's only where a rewrite was needed.
func (p *parser) one(ctx context.Context, text string, o sqlparser.ParserOptions, multi bool) (sqlparser.Statement, int, error) {
	if more := grammar.Insertions(text, grammar.LexMode(o)); more != nil {
		return p.inserted(ctx, text, more, o, multi)
	}
	st, n, err := parseVitess(ctx, text, o, multi)
	if err != nil && !errors.Is(err, sqlparser.ErrEmpty) {
		if st2, parsed, err2 := grammar.ParseAgain(ctx, text, o, err); err2 == nil {
			st, n, err = st2, len(text), nil
			grammar.KeepBody(st, parsed)
		}
	}
	if err == nil {
		grammar.KeepBody(st, text)
		grammar.Respell(st, text, grammar.LexMode(o))
		if err = grammar.GroupsFirst(st, text); err == nil {
			err = matchCalls(st, text)
		}
		if err == nil {
			_, err = grammar.LockStatement(st)
		}
	}
	return st, n, err
}

// inserted parses a text as the library's lexer has to see it.
func (p *parser) inserted(ctx context.Context, text string, more []grammar.Insertion, o sqlparser.ParserOptions, multi bool) (sqlparser.Statement, int, error) {
	st, n, err := p.one(ctx, grammar.Insert(text, more), o, multi)
	return st, grammar.BeforeInsertion(n, more), err
}

func parseVitess(ctx context.Context, text string, o sqlparser.ParserOptions, multi bool) (sqlparser.Statement, int, error) {
	if multi {
		return sqlparser.ParseOneWithOptions(ctx, text, o)
	}
	st, err := sqlparser.ParseWithOptions(ctx, text, o)
	return st, len(text), err
}

// parseOne parses a text of our own making.
func (e *Engine) parseOne(c *sql.Context, text string) (sqlparser.Statement, error) {
	st, _, err := (&parser{e}).one(c, text, sql.LoadSqlMode(c).ParserOptions(), false)
	return st, err
}

// parseGMS parses a statement by the library's grammar. text ends where the caller found the statement to end.
func (s *Session) parseGMS(text, rest string) (*Statement, string, error) {
	ctx := context.Background()
	o := s.parserOptions()
	if err := namesAreTexts(text, grammar.LexMode(o)); err != nil {
		return nil, "", err
	}
	written := text
	text = grammar.Misread(text, grammar.LexMode(o))
	text = grammar.Insert(text, grammar.Insertions(text, grammar.LexMode(o)))
	if s.highNot() {
		text = grammar.HighNot(text, o)
	}
	st, err := sqlparser.ParseWithOptions(ctx, text, o)
	if errors.Is(err, sqlparser.ErrEmpty) {
		return nil, rest, nil
	}
	if err != nil {
		st, text, err = grammar.ParseAgain(ctx, text, o, err)
	}
	if err != nil {
		if refused := grammar.OtherTreatment(text, grammar.LexMode(o)); refused != nil {
			return nil, "", refused
		}
		return nil, "", grammar.SyntaxError(text, err.Error())
	}
	grammar.KeepBody(st, text)
	variableDefaults(st)
	if err := grammar.NamesCollation(st, lexer.NewCursor(text, grammar.LexMode(o), grammar.MaxTokens)); err != nil {
		return nil, "", err
	}
	grammar.Respell(st, text, grammar.LexMode(o))
	if err := matchCalls(st, text); err != nil {
		return nil, "", err
	}
	wrong := grammar.Misuse(st, text, grammar.LexMode(o), s.gms.GetCurrentDatabase())
	if wrong == nil {
		wrong = s.wrongVariables(st, text)
	}
	if err := grammar.GroupsFirst(st, text); wrong == nil {
		wrong = err
	}
	out := &Statement{Text: text, written: written, ast: st, Class: classOf(st), misuse: wrong}
	if out.Class == Read && s.callsWriter(st) {
		out.Class = Write
	}
	locking, err := grammar.LockStatement(st)
	if err != nil {
		return nil, "", err
	}
	out.locking, out.hints = locking, hints.Of(st, text, written, grammar.LexMode(o))
	out.Params = countParams(st)
	out.keepsWarnings = showsDiagnostics(st) || strings.Contains(text, "@@") && countsDiagnostics.MatchString(text)
	if out.listsDatabases = listsDatabases(st, text); out.listsDatabases {
		out.scope = scopeOf(st, s.gms.GetCurrentDatabase())
	}
	if ddl, ok := st.(*sqlparser.DDL); ok && out.Class == Control {
		return nil, "", grammar.SyntaxError(text, ddl.Action)
	}
	return out, rest, nil
}

// plainBackslashes tells whether a backslash is a character like others (NO_BACKSLASH_ESCAPES).
func (s *Session) plainBackslashes() bool {
	return sql.LoadSqlMode(s.context(context.Background(), "")).ModeEnabled("NO_BACKSLASH_ESCAPES")
}

// highNot tells whether NOT binds as ! does.
func (s *Session) highNot() bool {
	return sql.LoadSqlMode(s.context(context.Background(), "")).ModeEnabled("HIGH_NOT_PRECEDENCE")
}

func (s *Session) parserOptions() sqlparser.ParserOptions {
	return sql.LoadSqlMode(s.context(context.Background(), "")).ParserOptions()
}

func (s *Session) tokens(text string) *lexer.Cursor {
	return lexer.NewCursor(text, grammar.LexMode(s.parserOptions()), grammar.MaxTokens)
}

// classOf says what a statement of the library's grammar needs from the dispatcher.
func classOf(st sqlparser.Statement) Class {
	switch n := st.(type) {
	case *sqlparser.Insert, *sqlparser.Update, *sqlparser.Delete, *sqlparser.Load, *sqlparser.Call:
		return Write
	case *sqlparser.DDL:
		if n.Temporary && n.OptSelect == nil && n.TriggerSpec == nil {
			return Read
		}
		return DDL
	case *sqlparser.AlterTable, *sqlparser.DBDDL, *sqlparser.CreateUser, *sqlparser.RenameUser, *sqlparser.DropUser, *sqlparser.CreateRole,
		*sqlparser.DropRole, *sqlparser.GrantPrivilege, *sqlparser.GrantRole, *sqlparser.GrantProxy, *sqlparser.RevokePrivilege,
		*sqlparser.RevokeRole, *sqlparser.RevokeProxy, *sqlparser.Analyze:
		return DDL
	case *sqlparser.Explain:
		return Read
	}
	return Read
}

// countParams counts the placeholders of a statement.
func countParams(st sqlparser.Statement) int {
	node, ok := st.(sqlparser.SQLNode)
	if !ok {
		return 0
	}
	seen := map[string]bool{}
	_ = grammar.Walk(func(n sqlparser.SQLNode) (bool, error) {
		if v, ok := n.(*sqlparser.SQLVal); ok && v != nil && v.Type == sqlparser.ValArg { // absent clauses are nil nodes
			seen[string(v.Val)] = true
		}
		return true, nil
	}, node)
	return len(seen)
}

var countsDiagnostics = regexp.MustCompile(`(?i)^\s*select\b.*@@(session\.)?(error|warning)_count\b`)

func showsDiagnostics(st sqlparser.Statement) bool {
	n, ok := st.(*sqlparser.Show)
	return ok && (strings.EqualFold(n.Type, "warnings") || strings.EqualFold(n.Type, "errors"))
}

// listsDatabases reports whether a statement may need all databases while it is analysed.
func listsDatabases(st sqlparser.Statement, text string) bool {
	switch st.(type) {
	case *sqlparser.Show, *sqlparser.Explain, *sqlparser.Analyze:
		return true
	}
	return strings.Contains(strings.ToLower(text), "information_schema")
}

// namesAreTexts refuses names that are not UTF-8.
func namesAreTexts(text string, mode lexer.Mode) error {
	if utf8.ValidString(text) {
		return nil
	}
	t := lexer.NewCursor(text, mode, grammar.MaxTokens)
	for i := range t.Tokens {
		if k, name := t.Kind(i), t.At(i); (k == lexer.Word || k == lexer.Quoted) && !utf8.ValidString(name) {
			return field.NoText(strings.Trim(name, "`"))
		}
	}
	return nil
}

// Overwrites reports whether the statement goes on with the rows that its inserts collide with: REPLACE, ON DUPLICATE KEY UPDATE.
func (st *Statement) Overwrites() bool {
	ins, ok := st.ast.(*sqlparser.Insert)
	return ok && (ins.Action == sqlparser.ReplaceStr || len(ins.OnDup) > 0)
}

// Bulk reports whether it is not known how many rows the statement inserts.
func (st *Statement) Bulk() bool {
	switch n := st.ast.(type) {
	case *sqlparser.Insert:
		switch n.Rows.(type) {
		case nil, sqlparser.Values, *sqlparser.Values, sqlparser.AliasedValues, *sqlparser.AliasedValues:
			return false
		}
		return true
	case *sqlparser.Load:
		return true
	}
	return false
}
