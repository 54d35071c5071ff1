package general

import (
	"slices"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/sql/lexer"
	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// Statements about what this server lacks or has nothing of: replication from other servers, a binary log, plugins, loadable functions, resource groups, a keyring. They are
// answered as MySQL answers where that is switched off.

// answered is a statement that changes nothing: what it needs, then its error.
func answered(needs []string, err func(*sql.Context) error) *Statement {
	return &Statement{Class: DDL, run: func(c *sql.Context, s *Session, _ *execution) (*Result, error) {
		if denied := s.lacks(needs...); denied != nil {
			return nil, denied
		}
		if err == nil {
			return &Result{}, nil
		}
		if e := err(c); e != nil {
			return nil, e
		}
		return &Result{}, nil
	}}
}

// lacks is 1227 for an account without any of the privileges.
func (s *Session) lacks(privileges ...string) error {
	if len(privileges) == 0 || slices.ContainsFunc(privileges, s.Allowed) {
		return nil
	}
	return mysqlerr.New(mysqlerr.ER_SPECIFIC_ACCESS_DENIED_ERROR, strings.Join(privileges, " or "))
}

// fails is an error that does not depend on the statement's surroundings.
func fails(code mysqlerr.Code, args ...any) func(*sql.Context) error {
	return func(*sql.Context) error { return mysqlerr.New(code, args...) }
}

// ownServer recognises these statements by their first words; nil: unsupported.
func (s *Session) ownServer(t *lexer.Cursor) (*Statement, error) {
	switch {
	case t.Accept("HELP"): // the help tables are empty
		t.Pos++
		return s.done(t, listing(texts("name", "is_it_category"), noRows))
	case t.Accept("PURGE"):
		return s.purgeLogs(t)
	case t.Accept("RESET", "PERSIST"):
		return s.resetPersist(t)
	case t.Accept("RESET", "MASTER"), t.Accept("RESET", "BINARY", "LOGS", "AND", "GTIDS"):
		return s.done(t, answered([]string{"RELOAD"}, nil))
	case t.Word(0) == "RESET", t.Word(0) == "STOP", t.Word(0) == "START":
		return s.replicaStatement(t)
	case t.Accept("RESTART"):
		return s.done(t, answered([]string{"SHUTDOWN"}, fails(mysqlerr.ER_RESTART_SERVER_FAILED, "mysqld is not managed by supervisor process")))
	case t.Accept("CLONE"):
		return answered([]string{"BACKUP_ADMIN"}, fails(mysqlerr.ER_PLUGIN_IS_NOT_LOADED, "clone")), nil
	case t.Accept("INSTALL", "PLUGIN"), t.Accept("UNINSTALL", "PLUGIN"):
		return s.pluginStatement(t)
	}
	return nil, s.unsupported(t)
}

// purgeLogs: PURGE BINARY LOGS has nothing to do where there are none.
func (s *Session) purgeLogs(t *lexer.Cursor) (*Statement, error) {
	if !t.Accept("BINARY", "LOGS") && !t.Accept("MASTER", "LOGS") {
		return nil, s.wrong(t)
	}
	st := answered([]string{"SUPER", "BINLOG_ADMIN"}, nil)
	switch {
	case t.Accept("TO"):
		if t.Kind(0) != lexer.String {
			return nil, s.wrong(t)
		}
		t.Pos++
		return s.done(t, st)
	case t.Accept("BEFORE"):
		if _, _, err := s.parseGMS("SELECT "+t.Rest(), ""); err != nil {
			return nil, err
		}
		return st, nil
	}
	return nil, s.wrong(t)
}

// replicaStatement: START, STOP and RESET REPLICA of a server whose one channel was never configured.
func (s *Session) replicaStatement(t *lexer.Cursor) (*Statement, error) {
	verb, object := t.Word(0), t.Word(1)
	t.Pos += 2
	needs := []string{"SUPER", "REPLICATION_SLAVE_ADMIN"}
	switch {
	case object == "GROUP_REPLICATION" && verb != "RESET":
		return answered([]string{"SUPER", "GROUP_REPLICATION_ADMIN"}, fails(mysqlerr.ER_GROUP_REPLICATION_CONFIGURATION)), nil
	case object != "REPLICA" && object != "SLAVE":
		t.Pos--
		return nil, s.wrong(t)
	case verb == "RESET":
		needs = []string{"RELOAD"}
		t.Accept("ALL")
	}
	channel := ""
	for i := 0; t.Kind(i) != lexer.EOF; i++ {
		if t.Word(i) == "FOR" && t.Word(i+1) == "CHANNEL" && t.Kind(i+2) == lexer.String {
			channel = strings.ToLower(lexer.Unquote(t.At(i + 2)))
		}
	}
	return answered(needs, func(c *sql.Context) error {
		if object == "SLAVE" {
			warn(c, "Warning", mysqlerr.New(mysqlerr.ER_WARN_DEPRECATED_SYNTAX, verb+" SLAVE", verb+" REPLICA"))
		}
		switch {
		case channel != "":
			return mysqlerr.New(mysqlerr.ER_REPLICA_CHANNEL_DOES_NOT_EXIST, channel)
		case verb == "START":
			return mysqlerr.New(mysqlerr.ER_BAD_REPLICA)
		case verb == "STOP":
			warn(c, "Note", mysqlerr.New(mysqlerr.ER_REPLICA_CHANNEL_WAS_NOT_RUNNING, ""))
		}
		return nil
	}), nil
}

func warn(c *sql.Context, level string, e *mysqlerr.Error) {
	c.Session.Warn(&sql.Warning{Level: level, Code: int(e.Code), Message: e.Message})
}

// pluginStatement: INSTALL PLUGIN name SONAME 'library' and UNINSTALL PLUGIN name.
func (s *Session) pluginStatement(t *lexer.Cursor) (*Statement, error) {
	install := t.Word(-2) == "INSTALL"
	name, ok := t.Name()
	if !ok {
		return nil, s.wrong(t)
	}
	if install {
		return s.sharedLibrary(t, "plugin")
	}
	return s.done(t, &Statement{Class: DDL, run: func(c *sql.Context, s *Session, _ *execution) (*Result, error) {
		if !s.Allowed("DELETE") {
			return nil, mysqlerr.New(mysqlerr.ER_TABLEACCESS_DENIED_ERROR, "DELETE", s.login.User, s.login.Host, "plugin")
		}
		rows, err := showPlugins(c, s)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(rows, func(r sql.Row) bool { return strings.EqualFold(r[0].(string), name) }) {
			return nil, mysqlerr.New(mysqlerr.ER_PLUGIN_DELETE_BUILTIN)
		}
		return nil, mysqlerr.New(mysqlerr.ER_SP_DOES_NOT_EXIST, "PLUGIN", name)
	}})
}

// sharedLibrary reads SONAME 'library', which this server cannot load: its binary is one static file. table is that of the database mysql that would list it.
func (s *Session) sharedLibrary(t *lexer.Cursor, table string) (*Statement, error) {
	if !t.Accept("SONAME") || t.Kind(0) != lexer.String {
		return nil, s.wrong(t)
	}
	library := lexer.Unquote(t.At(0))
	t.Pos++
	return s.done(t, &Statement{Class: DDL, run: func(_ *sql.Context, s *Session, _ *execution) (*Result, error) {
		switch {
		case !s.Allowed("INSERT"):
			return nil, mysqlerr.New(mysqlerr.ER_TABLEACCESS_DENIED_ERROR, "INSERT", s.login.User, s.login.Host, table)
		case strings.ContainsAny(library, `/\`):
			return nil, mysqlerr.New(mysqlerr.ER_UDF_NO_PATHS)
		}
		return nil, mysqlerr.New(mysqlerr.ER_CANT_OPEN_LIBRARY, library, 2, "cannot open shared object file: No such file or directory")
	}})
}

// loadableFunction is CREATE [AGGREGATE] FUNCTION name RETURNS type SONAME 'library'; false: it is none.
func (s *Session) loadableFunction(t *lexer.Cursor) (*Statement, bool, error) {
	at := 1
	if t.Word(at) == "AGGREGATE" {
		at++
	}
	if t.Word(0) != "CREATE" || t.Word(at) != "FUNCTION" {
		return nil, false, nil
	}
	at++
	if t.Word(at) == "IF" {
		at += 3
	}
	if t.Word(at+1) != "RETURNS" || t.Word(at+3) != "SONAME" {
		return nil, false, nil
	}
	switch t.Word(at + 2) {
	case "STRING", "INTEGER", "INT", "REAL", "DECIMAL":
	default:
		return nil, false, nil
	}
	t.Pos += at + 3
	st, err := s.sharedLibrary(t, "func")
	return st, true, err
}

// resourceGroup: CREATE, ALTER, DROP and SET RESOURCE GROUP. Statements run on goroutines, which no processor can be given to.
func (s *Session) resourceGroup(t *lexer.Cursor) (*Statement, error) {
	needs := []string{"RESOURCE_GROUP_ADMIN"}
	if t.Word(0) == "SET" {
		needs = append(needs, "RESOURCE_GROUP_USER")
	}
	t.Pos += 3
	if _, ok := t.Name(); !ok {
		return nil, s.wrong(t)
	}
	return answered(needs, fails(mysqlerr.ER_FEATURE_UNSUPPORTED, "Resource Groups", "Platform Unsupported")), nil
}

// alterInstance: ALTER INSTANCE ROTATE INNODB MASTER KEY; there is no keyring.
func (s *Session) alterInstance(t *lexer.Cursor) (*Statement, error) {
	if t.Accept("ALTER", "INSTANCE", "ROTATE", "INNODB", "MASTER", "KEY") {
		return s.done(t, answered([]string{"ENCRYPTION_KEY_ADMIN", "SUPER"}, func(*sql.Context) error { return mysqlerr.New(mysqlerr.ER_CANNOT_FIND_KEY_IN_KEYRING) }))
	}
	return nil, mysqlerr.New(mysqlerr.ER_NOT_SUPPORTED_YET, "ALTER INSTANCE")
}

// resetPersist: RESET PERSIST [[IF EXISTS] name].
func (s *Session) resetPersist(t *lexer.Cursor) (*Statement, error) {
	ifExists, name := t.Accept("IF", "EXISTS"), ""
	if !t.End() {
		var ok bool
		if name, ok = t.Name(); !ok {
			return nil, s.wrong(t)
		}
		for t.At(0) == "." { // of a component
			t.Pos++
			part, ok := t.Name()
			if !ok {
				return nil, s.wrong(t)
			}
			name += "." + part
		}
	} else if ifExists {
		return nil, s.wrong(t)
	}
	return s.done(t, &Statement{Class: DDL, run: func(c *sql.Context, s *Session, _ *execution) (*Result, error) {
		if err := s.lacks("SUPER", "SYSTEM_VARIABLES_ADMIN"); err != nil {
			return nil, err
		}
		if name == "" {
			return &Result{}, s.gms.RemoveAllPersistedGlobals()
		}
		have, err := s.gms.GetPersistedValue(name)
		if err != nil {
			return nil, err
		}
		if have == nil {
			missing := mysqlerr.New(mysqlerr.ER_VAR_DOES_NOT_EXIST, name)
			if !ifExists {
				return nil, missing
			}
			warn(c, "Warning", missing)
			return &Result{}, nil
		}
		return &Result{}, s.gms.RemovePersistedGlobal(name)
	}})
}

// variableDefaults puts in the place of DEFAULT in SET what the library does not take it for: of a variable of the session the global value, and the default of a SET PERSIST.
func variableDefaults(st sqlparser.Statement) {
	set, ok := st.(*sqlparser.Set)
	if !ok {
		return
	}
	for _, e := range set.Exprs {
		if _, ok := e.Expr.(*sqlparser.Default); !ok {
			continue
		}
		parts := []string{e.Name.Name.Lowered()}
		if !e.Name.Qualifier.IsEmpty() {
			parts = []string{strings.ToLower(e.Name.Qualifier.Name.String()), parts[0]}
		}
		name, scope, _, err := sqlparser.VarScope(parts...)
		if e.Scope != sqlparser.SetScope_None {
			scope = e.Scope
		}
		sv, _, ok := sql.SystemVariables.GetGlobal(name)
		if err != nil || !ok {
			continue // it is unknown, which the library says
		}
		switch scope {
		case sqlparser.SetScope_None, sqlparser.SetScope_Session:
			if m, ok := sv.(*sql.MysqlSystemVariable); ok && m.Scope.Type == sql.SystemVariableScope_Both {
				e.Expr = sqlparser.NewColName("@@GLOBAL." + name)
			}
		case sqlparser.SetScope_Persist, sqlparser.SetScope_PersistOnly:
			e.Expr = variableLiteral(sv.GetDefault())
		}
	}
}

func variableLiteral(v any) sqlparser.Expr {
	switch v := v.(type) {
	case nil:
		return &sqlparser.NullVal{}
	case string:
		return sqlparser.NewStrVal([]byte(v))
	case float64:
		return sqlparser.NewFloatVal([]byte(variableText(v).(string)))
	case int8:
		if v == 0 {
			return sqlparser.NewIntVal([]byte("0"))
		}
		return sqlparser.NewIntVal([]byte("1"))
	}
	return sqlparser.NewIntVal([]byte(variableText(v).(string)))
}
