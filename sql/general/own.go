package general

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/types"
	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/grammar"
	"github.com/zoryadb/zorya/sql/lexer"
	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// own recognises the statements that do not go through the library's grammar: the dispatcher's, and those that
// the grammar lacks. It returns nil for all others.
func (s *Session) own(t *lexer.Cursor) (*Statement, error) {
	switch t.Word(0) {
	case "BEGIN", "START", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE", "XA":
		return s.ownTransaction(t)
	case "SET":
		return s.ownSet(t)
	case "LOCK", "UNLOCK", "FLUSH", "KILL", "SHUTDOWN":
		return s.ownAdmin(t)
	case "DO":
		return s.ownDo(t)
	case "PREPARE", "EXECUTE", "DEALLOCATE":
		return s.ownPrepared(t)
	case "SHOW":
		return s.ownShow(t)
	case "DESCRIBE", "DESC", "EXPLAIN":
		return s.ownDescribe(t)
	case "CHECK", "OPTIMIZE", "REPAIR", "CHECKSUM", "ANALYZE":
		return s.ownMaintenance(t)
	case "CREATE", "ALTER", "DROP":
		return s.ownDDL(t)
	case "GRANT", "REVOKE":
		if st, err := s.ownRoutineGrant(t); st != nil || err != nil {
			return st, err
		}
		return s.ownColumnGrant(t)
	case "RENAME":
		return s.ownRename(t)
	case "SIGNAL", "RESIGNAL", "GET":
		return s.ownProgram(t)
	case "HANDLER":
		return s.ownHandler(t)
	case "INSTALL", "UNINSTALL":
		return s.ownComponent(t)
	case "LOAD", "CACHE":
		return s.ownKeyCache(t)
	case "HELP", "RESET", "PURGE", "CHANGE", "STOP", "RESTART", "BINLOG", "CLONE", "IMPORT":
		return s.ownServer(t)
	}
	return nil, nil
}

func (s *Session) unsupported(t *lexer.Cursor) error {
	return mysqlerr.New(mysqlerr.ER_NOT_SUPPORTED_YET, t.Word(0))
}

func (s *Session) wrong(t *lexer.Cursor) error { return mysqlerr.Syntax(t.Src, t.Offset()) }

func control(c ControlStatement) *Statement { return &Statement{Class: Control, Control: &c} }

// done demands that the statement is over.
func (s *Session) done(t *lexer.Cursor, st *Statement) (*Statement, error) {
	if !t.End() {
		return nil, s.wrong(t)
	}
	return st, nil
}

func (s *Session) ownTransaction(t *lexer.Cursor) (*Statement, error) {
	switch {
	case t.Accept("BEGIN"):
		t.Accept("WORK")
		return s.done(t, control(ControlStatement{Op: Begin}))
	case t.Accept("START", "TRANSACTION"):
		return s.startTransaction(t)
	case t.Word(0) == "START":
		return s.replicaStatement(t)
	case t.Accept("COMMIT"):
		return s.completion(t, ControlStatement{Op: Commit})
	case t.Accept("ROLLBACK"):
		t.Accept("WORK")
		if t.Accept("TO") {
			t.Accept("SAVEPOINT")
			return s.savepoint(t, RollbackTo)
		}
		return s.completion(t, ControlStatement{Op: Rollback})
	case t.Accept("SAVEPOINT"):
		return s.savepoint(t, Savepoint)
	case t.Accept("RELEASE", "SAVEPOINT"):
		return s.savepoint(t, ReleaseSave)
	case t.Accept("XA"):
		return s.ownXA(t)
	}
	return nil, s.wrong(t)
}

func (s *Session) savepoint(t *lexer.Cursor, op ControlOp) (*Statement, error) {
	name, ok := t.Name()
	if !ok {
		return nil, s.wrong(t)
	}
	return s.done(t, control(ControlStatement{Op: op, Name: name}))
}

func (s *Session) startTransaction(t *lexer.Cursor) (*Statement, error) {
	c := ControlStatement{Op: Begin}
	for !t.End() {
		switch {
		case t.Accept("WITH", "CONSISTENT", "SNAPSHOT"):
			c.ConsistentSnapshot = true
		case t.Accept("READ", "ONLY"):
			c.ReadOnly = true
		case t.Accept("READ", "WRITE"):
			c.ReadWrite = true
		default:
			return nil, s.wrong(t)
		}
		if !t.End() && !t.Accept(",") {
			return nil, s.wrong(t)
		}
	}
	if c.ReadOnly && c.ReadWrite {
		return nil, s.wrong(t)
	}
	return control(c), nil
}

// completion reads [WORK] [AND [NO] CHAIN] [[NO] RELEASE].
func (s *Session) completion(t *lexer.Cursor, c ControlStatement) (*Statement, error) {
	t.Accept("WORK")
	set := s.Settings().CompletionType
	c.Chain, c.Release = set == 1, set == 2
	chain := false
	if t.Accept("AND") {
		no := t.Accept("NO")
		if !t.Accept("CHAIN") {
			return nil, s.wrong(t)
		}
		c.Chain, chain = !no, !no
	}
	if chain && t.Word(0) == "RELEASE" {
		return nil, s.wrong(t)
	}
	no := t.Accept("NO")
	if t.Accept("RELEASE") {
		c.Release = !no
	} else if no {
		return nil, s.wrong(t)
	}
	return s.done(t, control(c))
}

func (s *Session) ownXA(t *lexer.Cursor) (*Statement, error) {
	c := ControlStatement{}
	switch {
	case t.Accept("RECOVER"):
		c.Op = XARecover
		if t.Accept("CONVERT", "XID") {
			c.Name = "CONVERT XID"
		}
		return s.done(t, control(c))
	case t.Accept("START"), t.Accept("BEGIN"):
		c.Op = XAStart
	case t.Accept("END"):
		c.Op = XAEnd
	case t.Accept("PREPARE"):
		c.Op = XAPrepare
	case t.Accept("COMMIT"):
		c.Op = XACommit
	case t.Accept("ROLLBACK"):
		c.Op = XARollback
	default:
		return nil, s.wrong(t)
	}
	var ok bool
	if c.XID, ok = readXID(t); !ok {
		return nil, s.wrong(t)
	}
	if c.Op == XACommit && t.Accept("ONE", "PHASE") {
		c.OnePhase = true
	}
	if c.Op == XAStart {
		if t.Accept("JOIN") {
			c.XAOption = "JOIN"
		} else if t.Accept("RESUME") {
			c.XAOption = XAResume
		}
	}
	if c.Op == XAEnd && t.Accept("SUSPEND") {
		c.XAOption = "SUSPEND"
		_ = t.Accept("FOR", "MIGRATE")
	}
	return s.done(t, control(c))
}

func (s *Session) ownSet(t *lexer.Cursor) (*Statement, error) {
	if t.Word(1) == "RESOURCE" && t.Word(2) == "GROUP" {
		return s.resourceGroup(t)
	}
	if text, ok := componentVariables(t); ok {
		st, _, err := s.parseGMS(text, "")
		return st, err
	}
	t.Pos++
	scope := ""
	switch {
	case t.Word(0) == "GLOBAL" || t.Word(0) == "SESSION" || t.Word(0) == "LOCAL":
		if t.Word(1) != "TRANSACTION" {
			return nil, nil
		}
		scope = t.Word(0)
		t.Pos++
	case t.Word(0) == "PASSWORD":
		return s.setPassword(t)
	case t.Word(0) == "ROLE", t.Word(0) == "DEFAULT" && t.Word(1) == "ROLE":
		return s.setRole(t)
	case t.Kind(0) == lexer.SysVar:
		return nextTransaction(t), nil
	case t.Word(0) != "TRANSACTION":
		return nil, nil
	}
	t.Pos++
	return s.setTransaction(t, scope)
}

// nextTransaction is SET @@transaction_isolation = 'level' and SET @@transaction_read_only = n, which without a scope are those of SET TRANSACTION: of the next transaction.
// It is nil for all other variables, and for what is no value of these.
func nextTransaction(t *lexer.Cursor) *Statement {
	if t.At(2) != "=" && t.At(2) != ":=" || t.Kind(3) == lexer.EOF || t.Kind(4) != lexer.EOF {
		return nil
	}
	value := strings.ToUpper(lexer.Unquote(t.At(3)))
	c := ControlStatement{Op: SetTransaction}
	switch t.Word(1) {
	case "TRANSACTION_ISOLATION", "TX_ISOLATION":
		level, ok := isolationNamed(value)
		if !ok {
			return nil
		}
		c.Isolation = &level
	case "TRANSACTION_READ_ONLY", "TX_READ_ONLY":
		c.ReadOnly, c.ReadWrite = value == "1" || value == "ON" || value == "TRUE", value == "0" || value == "OFF" || value == "FALSE"
		if !c.ReadOnly && !c.ReadWrite {
			return nil
		}
	default:
		return nil
	}
	return control(c)
}

func (s *Session) setTransaction(t *lexer.Cursor, scope string) (*Statement, error) {
	c := ControlStatement{Op: SetTransaction}
	var sets []string
	for {
		switch {
		case t.Accept("ISOLATION", "LEVEL"):
			level, text, ok := isolationWords(t)
			if !ok || c.Isolation != nil {
				return nil, s.wrong(t)
			}
			c.Isolation = &level
			sets = append(sets, "transaction_isolation='"+text+"'")
		case t.Accept("READ", "ONLY"):
			c.ReadOnly = true
			sets = append(sets, "transaction_read_only=1")
		case t.Accept("READ", "WRITE"):
			c.ReadWrite = true
			sets = append(sets, "transaction_read_only=0")
		default:
			return nil, s.wrong(t)
		}
		if !t.Accept(",") {
			break
		}
	}
	if scope == "" || !t.End() {
		return s.done(t, control(c))
	}
	for i := range sets {
		sets[i] = scope + " " + sets[i]
	}
	st, _, err := s.parseGMS("SET "+strings.Join(sets, ", "), "")
	return st, err
}

func isolationWords(t *lexer.Cursor) (table.Isolation, string, bool) {
	switch {
	case t.Accept("READ", "UNCOMMITTED"):
		return table.ReadUncommitted, "READ-UNCOMMITTED", true
	case t.Accept("READ", "COMMITTED"):
		return table.ReadCommitted, "READ-COMMITTED", true
	case t.Accept("REPEATABLE", "READ"):
		return table.RepeatableRead, "REPEATABLE-READ", true
	case t.Accept("SERIALIZABLE"):
		return table.Serializable, "SERIALIZABLE", true
	}
	return 0, "", false
}

// account reads 'user'@'host'.
func account(t *lexer.Cursor) (user, host string, ok bool) {
	if t.Word(0) == "CURRENT_USER" {
		return "", "", false
	}
	if user, ok = t.Name(); !ok {
		return "", "", false
	}
	host = "%"
	if t.Kind(0) == lexer.UserVar {
		host = lexer.Unquote(strings.TrimPrefix(t.At(0), "@"))
		t.Pos++
	}
	return user, host, true
}

// nothing is a statement that is accepted and has no effect.
func nothing(class Class) *Statement {
	return &Statement{Class: class, run: func(*sql.Context, *Session, *execution) (*Result, error) { return &Result{}, nil }}
}

func (s *Session) ownAdmin(t *lexer.Cursor) (*Statement, error) {
	switch {
	case t.Accept("LOCK", "TABLES"), t.Accept("LOCK", "TABLE"):
		return s.lockTables(t)
	case t.Accept("LOCK", "INSTANCE", "FOR", "BACKUP"):
		return s.done(t, control(ControlStatement{Op: LockBackup}))
	case t.Accept("UNLOCK", "INSTANCE"):
		return s.done(t, control(ControlStatement{Op: UnlockBackup}))
	case t.Accept("UNLOCK", "TABLES"), t.Accept("UNLOCK", "TABLE"):
		return s.done(t, control(ControlStatement{Op: UnlockTables}))
	case t.Accept("FLUSH"):
		return s.flush(t)
	case t.Accept("KILL"):
		c := ControlStatement{Op: Kill, KillQuery: t.Accept("QUERY")}
		if !c.KillQuery {
			t.Accept("CONNECTION")
		}
		n, err := strconv.ParseUint(t.At(0), 10, 64)
		if err != nil || t.Kind(1) != lexer.EOF {
			return s.killComputed(t, c)
		}
		t.Pos++
		c.ID = n
		return s.done(t, control(c))
	case t.Accept("SHUTDOWN"):
		return s.done(t, control(ControlStatement{Op: Shutdown}))
	}
	return nil, s.wrong(t)
}

func (s *Session) lockTables(t *lexer.Cursor) (*Statement, error) {
	c := ControlStatement{Op: LockTables}
	for {
		l := TableLock{}
		var ok bool
		if l.Schema, l.Table, ok = t.Qualified(); !ok {
			return nil, s.wrong(t)
		}
		if l.Schema == "" {
			if l.Schema = s.gms.GetCurrentDatabase(); l.Schema == "" {
				return nil, mysqlerr.New(mysqlerr.ER_NO_DB_ERROR)
			}
		}
		t.Accept("AS")
		switch t.Word(0) {
		case "READ", "WRITE", "LOW_PRIORITY":
		default:
			if l.Alias, ok = t.Name(); !ok {
				return nil, s.wrong(t)
			}
		}
		switch {
		case t.Accept("READ"):
			t.Accept("LOCAL")
		case t.Accept("WRITE"), t.Accept("LOW_PRIORITY", "WRITE"):
			l.Write = true
		default:
			return nil, s.wrong(t)
		}
		for _, before := range c.Tables {
			if before.Schema == l.Schema && strings.EqualFold(cmp.Or(before.Alias, before.Table), cmp.Or(l.Alias, l.Table)) {
				return nil, mysqlerr.New(mysqlerr.ER_NONUNIQ_TABLE, cmp.Or(l.Alias, l.Table))
			}
		}
		c.Tables = append(c.Tables, l)
		if !t.Accept(",") {
			return s.done(t, control(c))
		}
	}
}

// flushTables: FLUSH TABLES t, ... {WITH READ LOCK | FOR EXPORT}.
func (s *Session) flushTables(t *lexer.Cursor) (*Statement, error) {
	c := ControlStatement{Op: FlushTables}
	for {
		var l TableLock
		var ok bool
		if l.Schema, l.Table, ok = t.Qualified(); !ok {
			return nil, s.wrong(t)
		}
		if l.Schema == "" {
			if l.Schema = s.gms.GetCurrentDatabase(); l.Schema == "" {
				return nil, mysqlerr.New(mysqlerr.ER_NO_DB_ERROR)
			}
		}
		c.Tables = append(c.Tables, l)
		if !t.Accept(",") {
			break
		}
	}
	if !t.Accept("WITH", "READ", "LOCK") && !t.Accept("FOR", "EXPORT") {
		return nil, s.wrong(t)
	}
	return s.done(t, control(c))
}

// flush: FLUSH TABLES WITH READ LOCK is the dispatcher's; the caches that the other forms empty do not exist here.
func (s *Session) flush(t *lexer.Cursor) (*Statement, error) {
	_ = t.Accept("LOCAL") || t.Accept("NO_WRITE_TO_BINLOG")
	lock := false
	for i := range t.Tokens {
		if t.Word(i) == "READ" && t.Word(i+1) == "LOCK" || t.Word(i) == "FOR" && t.Word(i+1) == "EXPORT" {
			lock = true
		}
	}
	switch t.Word(0) {
	case "TABLES", "TABLE":
		t.Pos++
		if lock && t.Word(0) != "WITH" {
			return s.flushTables(t)
		}
		if lock {
			return control(ControlStatement{Op: FlushReadLock}), nil
		}
	case "PRIVILEGES":
		return &Statement{Class: DDL, run: func(c *sql.Context, s *Session, _ *execution) (*Result, error) {
			s.e.usage.reset()
			return &Result{}, s.e.loadPrivileges(c)
		}}, nil
	case "USER_RESOURCES":
		return &Statement{Class: DDL, run: func(_ *sql.Context, s *Session, _ *execution) (*Result, error) {
			s.e.usage.reset()
			return &Result{}, nil
		}}, nil
	case "LOGS", "ERROR", "GENERAL", "SLOW":
		return flushLogs(t.Word(0)), nil
	case "STATUS":
		return &Statement{Class: DDL, run: func(_ *sql.Context, s *Session, _ *execution) (*Result, error) {
			if t := s.thread(); t != nil {
				t.Flush()
			}
			return &Result{}, nil
		}}, nil
	case "BINARY", "ENGINE", "RELAY", "HOSTS", "OPTIMIZER_COSTS", "DES_KEY_FILE", "QUERY":
	default:
		return nil, s.wrong(t)
	}
	return nothing(DDL), nil
}

// runInner runs the SELECT that a statement of another kind is made of.
func (s *Session) runInner(c *sql.Context, x *execution, ast sqlparser.Statement, text string) (*Result, error) {
	node, flags, err := s.analyze(c, x, ast, text)
	if err != nil {
		return nil, err
	}
	return s.runPlan(c, x, node, flags)
}

// killComputed is KILL of a connection whose number is an expression: a user variable, a routine's variable, CONNECTION_ID().
func (s *Session) killComputed(t *lexer.Cursor, kill ControlStatement) (*Statement, error) {
	if t.End() {
		return nil, s.wrong(t)
	}
	st, _, err := s.parseGMS("SELECT "+t.Rest(), "")
	if err != nil {
		return nil, err
	}
	ast, text := st.ast, st.Text
	if sel, ok := ast.(*sqlparser.Select); !ok || len(sel.SelectExprs) != 1 || len(sel.From) > 0 && !strings.EqualFold(sqlparser.String(sel.From), "dual") {
		return nil, s.wrong(t)
	}
	st.ast, st.inner = nil, ast
	st.run = func(c *sql.Context, s *Session, x *execution) (*Result, error) {
		res, err := s.runInner(c, x, ast, text)
		if err != nil {
			return nil, err
		}
		rows, err := collect(c, res)
		s.cur = x
		if err != nil {
			return nil, err
		}
		id, _, err := types.Int64.Convert(c, rows[0][0])
		if err != nil {
			return nil, err
		}
		n, _ := id.(int64) // NULL is nobody's
		kill := kill
		kill.ID = uint64(n)
		return &Result{}, s.handOver(c, &kill)
	}
	return st, nil
}

// ownDo: DO expr, ... is a SELECT whose result nobody sees.
func (s *Session) ownDo(t *lexer.Cursor) (*Statement, error) {
	t.Pos++
	st, _, err := s.parseGMS("SELECT "+t.Rest(), "")
	if err != nil {
		return nil, err
	}
	ast := st.ast
	grammar.ShareSubqueries(ast) // it is no SELECT
	st.ast, st.inner = nil, ast
	text := st.Text
	st.written = string(t.Src)
	st.run = func(c *sql.Context, s *Session, x *execution) (*Result, error) {
		res, err := s.runInner(c, x, ast, text)
		if err != nil {
			return nil, err
		}
		if res.Rows != nil {
			for err == nil {
				_, err = res.Rows.Next()
			}
			cerr := res.Rows.Close()
			s.cur = x
			if err = endOK(err); err == nil {
				err = cerr
			}
		}
		return &Result{}, err
	}
	return st, nil
}

// ownPrepared: text-prepared statements are Statements by name.
func (s *Session) ownPrepared(t *lexer.Cursor) (*Statement, error) {
	switch {
	case t.Accept("DEALLOCATE", "PREPARE"):
		return s.dropPrepared(t)
	case t.Accept("PREPARE"):
		return s.prepareNamed(t)
	case t.Accept("EXECUTE"):
	default:
		return nil, s.wrong(t)
	}
	name, ok := t.Name()
	if !ok {
		return nil, s.wrong(t)
	}
	st := s.named[strings.ToLower(name)]
	if st == nil {
		return nil, mysqlerr.New(mysqlerr.ER_UNKNOWN_STMT_HANDLER, name, "EXECUTE")
	}
	var vars []string
	if t.Accept("USING") {
		for {
			if t.Kind(0) != lexer.UserVar {
				return nil, s.wrong(t)
			}
			vars = append(vars, lexer.Unquote(strings.TrimPrefix(t.At(0), "@")))
			t.Pos++
			if !t.Accept(",") {
				break
			}
		}
	}
	if len(vars) != st.Params {
		return nil, mysqlerr.New(mysqlerr.ER_WRONG_ARGUMENTS, "EXECUTE")
	}
	n := *st
	n.Params = 0
	if len(vars) > 0 {
		ast, text := st.ast, st.Text
		n.ast = ast
		n.run = func(c *sql.Context, s *Session, x *execution) (*Result, error) {
			for _, v := range vars {
				_, val, err := c.GetUserVariable(c, v)
				if err != nil {
					return nil, err
				}
				x.params = append(x.params, val)
			}
			if st.run != nil {
				return st.run(c, s, x)
			}
			return s.runNode(c, x, &Statement{Text: text, Class: st.Class, ast: ast, listsDatabases: st.listsDatabases})
		}
	}
	return s.done(t, &n)
}

func (s *Session) dropPrepared(t *lexer.Cursor) (*Statement, error) {
	name, ok := t.Name()
	if !ok {
		return nil, s.wrong(t)
	}
	return s.done(t, &Statement{run: func(_ *sql.Context, s *Session, _ *execution) (*Result, error) {
		if s.named[strings.ToLower(name)] == nil {
			return nil, mysqlerr.New(mysqlerr.ER_UNKNOWN_STMT_HANDLER, name, "DEALLOCATE PREPARE")
		}
		delete(s.named, strings.ToLower(name))
		return &Result{}, nil
	}})
}

func (s *Session) prepareNamed(t *lexer.Cursor) (*Statement, error) {
	name, ok := t.Name()
	if !ok || !t.Accept("FROM") {
		return nil, s.wrong(t)
	}
	src := t.At(0)
	isVar := t.Kind(0) == lexer.UserVar
	if !isVar && t.Kind(0) != lexer.String {
		return nil, s.wrong(t)
	}
	t.Pos++
	return s.done(t, &Statement{run: func(c *sql.Context, s *Session, x *execution) (*Result, error) {
		text := lexer.Unquote(src)
		if isVar {
			_, v, err := c.GetUserVariable(c, lexer.Unquote(strings.TrimPrefix(src, "@")))
			if err != nil {
				return nil, err
			}
			text = displayAny(c, v)
		}
		if err := s.prepareText(c, name, text); err != nil {
			return nil, err
		}
		return &Result{Info: "Statement prepared"}, nil
	}})
}

// prepareText keeps a statement under a name; a former one of that name is gone even if this one has an error.
func (s *Session) prepareText(c *sql.Context, name, text string) error {
	delete(s.named, strings.ToLower(name))
	switch s.tokens(text).Word(0) {
	case "PREPARE", "EXECUTE", "DEALLOCATE":
		return mysqlerr.New(mysqlerr.ER_UNSUPPORTED_PS)
	}
	st, rest, err := s.parse(text)
	if err != nil {
		return err
	}
	if st == nil {
		return mysqlerr.New(mysqlerr.ER_EMPTY_QUERY)
	}
	if strings.TrimSpace(rest) != "" {
		return mysqlerr.Syntax(text, 0)
	}
	if unprepared(s.tokens(text)) {
		return mysqlerr.New(mysqlerr.ER_UNSUPPORTED_PS)
	}
	if err := s.resolve(c, st, text); err != nil {
		return err
	}
	if s.named == nil {
		s.named = map[string]*Statement{}
	}
	s.named[strings.ToLower(name)] = st
	return nil
}

// unprepared names the statements that MySQL does not prepare: what defines programs, and USE.
func unprepared(t *lexer.Cursor) bool {
	switch t.Word(0) {
	case "USE":
		return true
	case "CREATE", "ALTER", "DROP":
	default:
		return false
	}
	for i := range t.Tokens {
		switch t.Word(i) {
		case "PROCEDURE", "FUNCTION", "TRIGGER", "EVENT":
			return true
		case "TABLE", "VIEW", "INDEX", "DATABASE", "SCHEMA", "USER", "ROLE", "AS", "(":
			return false
		}
	}
	return false
}
