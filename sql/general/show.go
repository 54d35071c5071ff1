package general

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/types"
	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/grammar"
	"github.com/zoryadb/zorya/sql/item"
	"github.com/zoryadb/zorya/sql/lexer"
	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/perfschema"
	"github.com/zoryadb/zorya/sql/sqltext"
	"github.com/zoryadb/zorya/sql/tabledef"
)

// texts is the schema of a result of text columns.
func texts(names ...string) sql.Schema {
	out := make(sql.Schema, len(names))
	for i, n := range names {
		out[i] = &sql.Column{Name: n, Type: types.LongText, Nullable: true}
	}
	return out
}

// listing is a SHOW that this package answers with rows at hand.
func listing(schema sql.Schema, f func(c *sql.Context, s *Session) ([]sql.Row, error)) *Statement {
	return &Statement{run: func(c *sql.Context, s *Session, x *execution) (*Result, error) {
		rows, err := f(c, s)
		if err != nil {
			return nil, err
		}
		return s.rowsOf(c, x, schema, rows), nil
	}}
}

// ownShow recognises the SHOW statements that the grammar lacks or that need more than the library knows.
func (s *Session) ownShow(t *lexer.Cursor) (*Statement, error) {
	switch t.Word(1) {
	case "CREATE":
		return s.ownShowCreate(t)
	case "COLLATION":
		t.Pos = 2
		return s.showSelected(t, "COLLATION", "Collation")
	case "CHARSET":
		t.Pos = 2
		return s.showSelected(t, "CHARSET", "Charset")
	case "CHARACTER", "CHAR":
		if t.Word(2) == "SET" {
			t.Pos = 3
			return s.showSelected(t, "CHARSET", "Charset")
		}
	case "COLUMNS", "FIELDS", "FULL", "EXTENDED":
		if t.Word(1) == "EXTENDED" && (t.Word(2) == "TABLES" || t.Word(2) == "FULL" && t.Word(3) == "TABLES") {
			return nil, nil
		}
		if t.Word(2) == "INDEX" || t.Word(2) == "INDEXES" || t.Word(2) == "KEYS" {
			return s.ownShowIndex(t)
		}
		if t.Word(1) == "FULL" && t.Word(2) == "PROCESSLIST" {
			return showProcesses(true), nil
		}
		return s.ownShowColumns(t)
	case "DATABASES", "SCHEMAS":
		return s.showDatabases(t)
	case "GRANTS":
		return s.showGrants(t)
	case "PROCESSLIST":
		return showProcesses(false), nil
	case "INDEX", "INDEXES", "KEYS":
		return s.ownShowIndex(t)
	case "TABLE":
		if t.Word(2) == "STATUS" {
			return s.ownShowStatus(t)
		}
	case "ENGINE":
		return s.showEngine(t)
	case "ENGINES":
		return listing(engineSchema, showEngines), nil
	case "STORAGE":
		if t.Word(2) == "ENGINES" {
			return listing(engineSchema, showEngines), nil
		}
	case "TRIGGERS":
		return s.showTriggers(t)
	case "EVENTS":
		return s.showEvents(t)
	case "OPEN":
		return listing(texts("Database", "Table", "In_use", "Name_locked"), noRows), nil
	case "PROFILES":
		return showProfiles(), nil
	case "PROFILE":
		return s.showProfile(t)
	case "PLUGINS":
		return listing(texts("Name", "Status", "Type", "Library", "License"), showPlugins), nil
	case "MASTER":
		if t.Word(2) == "LOGS" {
			return nil, mysqlerr.New(mysqlerr.ER_NO_BINARY_LOGGING)
		}
		return listing(texts("File", "Position", "Binlog_Do_DB", "Binlog_Ignore_DB", "Executed_Gtid_Set"), noRows), nil
	case "BINARY":
		if t.Word(2) == "LOGS" {
			return nil, mysqlerr.New(mysqlerr.ER_NO_BINARY_LOGGING)
		}
	case "BINLOG", "RELAYLOG":
		if t.Word(2) == "EVENTS" {
			return listing(texts("Log_name", "Pos", "Event_type", "Server_id", "End_log_pos", "Info"), noRows), nil
		}
	case "SLAVE", "REPLICA", "REPLICAS":
		return showReplication(t), nil
	case "ERRORS":
		st := listing(diagnostics, showErrors)
		st.keepsWarnings = true
		return st, nil
	case "COUNT":
		return s.showCount(t)
	case "FUNCTION", "PROCEDURE":
		if t.Word(2) == "STATUS" {
			return s.showRoutines(t)
		}
		if t.Word(2) == "CODE" {
			return nil, mysqlerr.New(mysqlerr.ER_FEATURE_DISABLED, "SHOW PROCEDURE|FUNCTION CODE", "--with-debug")
		}
	}
	return nil, nil
}

func noRows(*sql.Context, *Session) ([]sql.Row, error) { return nil, nil }

var engineSchema = texts("Engine", "Support", "Comment", "Transactions", "XA", "Savepoints")

func showEngines(*sql.Context, *Session) ([]sql.Row, error) {
	return []sql.Row{{"InnoDB", "DEFAULT", "Supports transactions, row-level locking, and foreign keys", "YES", "YES", "YES"}}, nil
}

func showPlugins(*sql.Context, *Session) ([]sql.Row, error) {
	return []sql.Row{{"mysql_native_password", "ACTIVE", "AUTHENTICATION", nil, "GPL"}, {"caching_sha2_password", "ACTIVE", "AUTHENTICATION", nil, "GPL"},
		{"InnoDB", "ACTIVE", "STORAGE ENGINE", nil, "GPL"}}, nil
}

var diagnostics = sql.Schema{{Name: "Level", Type: types.LongText}, {Name: "Code", Type: types.Uint32}, {Name: "Message", Type: types.LongText}}

func showErrors(c *sql.Context, _ *Session) ([]sql.Row, error) {
	var out []sql.Row
	for _, w := range c.Session.Warnings() {
		if w.Level == "Error" {
			out = append(out, sql.Row{w.Level, uint32(w.Code), w.Message})
		}
	}
	return out, nil
}

// showCount: SHOW COUNT(*) WARNINGS and ERRORS.
func (s *Session) showCount(t *lexer.Cursor) (*Statement, error) {
	name := "@@session.warning_count"
	only := ""
	if t.Word(5) == "ERRORS" {
		name, only = "@@session.error_count", "Error"
	}
	st := listing(sql.Schema{{Name: name, Type: types.Int64}}, func(c *sql.Context, _ *Session) ([]sql.Row, error) {
		n := int64(0)
		for _, w := range c.Session.Warnings() {
			if only == "" || w.Level == only {
				n++
			}
		}
		return []sql.Row{{n}}, nil
	})
	st.keepsWarnings = true
	return st, nil
}

// showEngine: SHOW ENGINE INNODB STATUS.
func (s *Session) showEngine(t *lexer.Cursor) (*Statement, error) {
	if t.Word(3) != "STATUS" {
		return listing(texts("Type", "Name", "Status"), noRows), nil
	}
	return listing(texts("Type", "Name", "Status"), func(c *sql.Context, s *Session) ([]sql.Row, error) {
		if !s.mayGlobal(c, sql.PrivilegeType_Process) {
			return nil, mysqlerr.New(mysqlerr.ER_SPECIFIC_ACCESS_DENIED_ERROR, "PROCESS")
		}
		text, err := s.e.engineStatus(c)
		if err != nil {
			return nil, err
		}
		return []sql.Row{{"InnoDB", "", text}}, nil
	}), nil
}

// ownShowCreate: all kinds but DATABASE, which the library knows.
func (s *Session) ownShowCreate(t *lexer.Cursor) (*Statement, error) {
	t.Pos = 2
	kind := t.Word(0)
	t.Pos++
	switch kind {
	case "TABLE", "VIEW", "PROCEDURE", "FUNCTION", "TRIGGER", "EVENT":
	case "USER":
		return s.showCreateUser(t)
	default:
		return nil, nil
	}
	schema, name, ok := t.Qualified()
	if !ok {
		return nil, s.wrong(t)
	}
	return s.done(t, &Statement{run: func(c *sql.Context, s *Session, x *execution) (*Result, error) {
		if kind == "TABLE" || kind == "VIEW" {
			return s.showCreateTable(c, x, kind, schema, name)
		}
		return s.showCreateObject(c, x, kind, schema, name)
	}})
}

// createdView is what SHOW CREATE shows of a view.
var createdView = texts("View", "Create View", "character_set_client", "collation_connection")

// showCreateTable answers SHOW CREATE TABLE, also for views; system tables are the library's.
func (s *Session) showCreateTable(c *sql.Context, x *execution, kind, schema, name string) (*Result, error) {
	if schema == "" {
		schema = c.GetCurrentDatabase()
	}
	if v := perfschema.Views()[strings.ToLower(name)]; v != nil && strings.EqualFold(schema, "sys") {
		return s.rowsOf(c, x, createdView, []sql.Row{{v.Name, viewDefinition(v).CreateViewStatement, "utf8mb4", tabledef.DefaultCollation.Name()}}), nil
	}
	if grammar.SystemSchema(schema) {
		text := fmt.Sprintf("SHOW CREATE %s %s.%s", kind, sqltext.Quote(schema), sqltext.Quote(name))
		ast, err := sqlparser.Parse(text)
		if err != nil {
			return nil, err
		}
		node, flags, err := s.analyze(c, x, ast, text)
		if err != nil {
			return nil, err
		}
		if db := s.e.systemDatabase(schema); db != nil && kind == "TABLE" {
			if t, ok, err := db.GetTableInsensitive(c, name); ok || err != nil {
				return s.showCreateSystem(c, x, db, t, err)
			}
		}
		return s.runPlan(c, x, node, flags)
	}
	db, err := s.schemaNamed(c, schema)
	if err != nil {
		return nil, err
	}
	auth := sqlparser.AuthInformation{AuthType: sqlparser.AuthType_SELECT, TargetType: sqlparser.AuthTargetType_SingleTableIdentifier,
		TargetNames: []string{db.name, "", name}}
	if err := s.authorize(c, auth); err != nil {
		return nil, err
	}
	if o, err := s.e.object(c, kindView, db.name, name); err != nil || o != nil {
		if err != nil {
			return nil, err
		}
		return s.rowsOf(c, x, createdView,
			[]sql.Row{{o.Name, o.Text, o.Charset, o.Collation}}), nil
	}
	temp := s.temps[tempKey(db.name, name)]
	var d *table.Def
	if temp != nil {
		d = temp.def
	} else if d, err = s.definition(c, db.name, name); err != nil {
		return nil, err
	}
	if kind == "VIEW" {
		return nil, mysqlerr.NewMessage(mysqlerr.ER_WRONG_OBJECT, "'%s.%s' is not VIEW", db.name, name)
	}
	m, err := s.e.metas.Get(c, d)
	if err != nil {
		return nil, err
	}
	var next uint64
	if d.AutoInc >= 0 && x.stmt != nil {
		t, err := x.openTable(c, d.Schema, d.Name)
		if err != nil {
			return nil, err
		}
		if next, err = t.AutoInc(); err != nil {
			return nil, err
		}
		next = min(next, lastAuto(m))
	}
	shown := d.Name
	if temp != nil {
		shown = temp.name
	}
	return s.rowsOf(c, x, texts("Table", "Create Table"), []sql.Row{{shown, m.CreateText(shown, temp != nil, next, true)}}), nil
}

func (s *Session) showCreateObject(c *sql.Context, x *execution, kind, schema, name string) (*Result, error) {
	db, err := s.schemaNamed(c, schema)
	if err != nil {
		return nil, err
	}
	o, err := s.e.object(c, strings.ToLower(kind), db.name, name)
	if err != nil {
		return nil, err
	}
	if o == nil {
		switch kind {
		case "TRIGGER":
			return nil, mysqlerr.New(mysqlerr.ER_TRG_DOES_NOT_EXIST)
		case "EVENT":
			return nil, mysqlerr.New(mysqlerr.ER_EVENT_DOES_NOT_EXIST, name)
		}
		return nil, mysqlerr.NewMessage(mysqlerr.ER_SP_DOES_NOT_EXIST, "%s %s does not exist", kind, name)
	}
	switch kind {
	case "TRIGGER":
		return s.rowsOf(c, x, texts("Trigger", "sql_mode", "SQL Original Statement", "character_set_client", "collation_connection", "Database Collation", "Created"),
			[]sql.Row{{o.Name, o.SQLMode, o.Text, o.Charset, o.Collation, o.DBCollation, o.Created.Format("2006-01-02 15:04:05.00")}}), nil
	case "EVENT":
		return s.rowsOf(c, x, texts("Event", "sql_mode", "time_zone", "Create Event", "character_set_client", "collation_connection", "Database Collation"),
			[]sql.Row{{o.Name, o.SQLMode, o.zoneName(), o.eventText(), o.Charset, o.Collation, o.DBCollation}}), nil
	}
	title := strings.ToUpper(kind[:1]) + strings.ToLower(kind[1:])
	return s.rowsOf(c, x, texts(title, "sql_mode", "Create "+title, "character_set_client", "collation_connection", "Database Collation"),
		[]sql.Row{{o.Name, o.SQLMode, o.Text, o.Charset, o.Collation, o.DBCollation}}), nil
}

func (s *Session) showCreateUser(t *lexer.Cursor) (*Statement, error) {
	user, host, ok := account(t)
	if t.Word(0) == "CURRENT_USER" {
		user, host, ok = s.login.AccountUser, s.login.AccountHost, true
	}
	if !ok {
		return nil, s.wrong(t)
	}
	return listing(texts(fmt.Sprintf("CREATE USER for %s@%s", user, host)), func(c *sql.Context, s *Session) ([]sql.Row, error) {
		if user != s.login.AccountUser && !s.Allowed("SELECT") {
			return nil, mysqlerr.New(mysqlerr.ER_SPECIFIC_ACCESS_DENIED_ERROR, "CREATE USER")
		}
		rd := s.e.mysqlDB().Reader()
		defer rd.Close()
		for _, u := range rd.GetUsersByUsername(user) {
			if u.Host != host {
				continue
			}
			return []sql.Row{{createUserText(u, s.e.options(authID{user, host}))}}, nil
		}
		return nil, mysqlerr.NewMessage(mysqlerr.ER_CANNOT_USER, "Operation SHOW CREATE USER failed for '%s'@'%s'", user, host)
	}), nil
}

// showRoutines: SHOW PROCEDURE STATUS and SHOW FUNCTION STATUS are queries of information_schema.routines, which rebuilds them; here the
// catalog is read and the LIKE or WHERE is applied by a derived table.
func (s *Session) showRoutines(t *lexer.Cursor) (*Statement, error) {
	kind := t.Word(1)
	t.Pos = 3
	filter := ""
	switch {
	case t.Accept("LIKE"):
		filter = " WHERE `Name` LIKE " + t.Rest()
	case t.Accept("WHERE"):
		filter = " WHERE " + t.Rest()
	case !t.End():
		return nil, s.wrong(t)
	}
	return &Statement{run: func(c *sql.Context, s *Session, x *execution) (*Result, error) {
		list, err := s.routineRows(c, strings.ToLower(kind))
		if err != nil {
			return nil, err
		}
		names := []string{"Db", "Name", "Type", "Definer", "Modified", "Created", "Security_type", "Comment", "character_set_client", "collation_connection",
			"Database Collation"}
		return s.filtered(c, x, names, list, filter)
	}}, nil
}

func (s *Session) routineRows(c *sql.Context, kind string) ([][]string, error) {
	schemas, err := s.e.catalog.Schemas(c)
	if err != nil {
		return nil, err
	}
	var out [][]string
	for _, db := range schemas {
		list, err := s.e.objects(c, kind, db.Name)
		if err != nil {
			return nil, err
		}
		for _, o := range list {
			security := "DEFINER"
			if o.Invoker {
				security = "INVOKER"
			}
			out = append(out, []string{db.Name, o.Name, strings.ToUpper(kind), o.plainDefiner(), o.Modified.Format("2006-01-02 15:04:05"),
				o.Created.Format("2006-01-02 15:04:05"), security, o.Comment, o.Charset, o.Collation, o.DBCollation})
		}
	}
	return out, nil
}

// filtered applies a WHERE to rows at hand by a derived table.
func (s *Session) filtered(c *sql.Context, x *execution, names []string, list [][]string, filter string) (*Result, error) {
	if filter == "" || len(list) == 0 {
		rows := make([]sql.Row, len(list))
		for i, r := range list {
			rows[i] = make(sql.Row, len(r))
			for j, v := range r {
				rows[i][j] = v
			}
		}
		return s.rowsOf(c, x, texts(names...), rows), nil
	}
	selects := make([]string, len(list))
	for i, r := range list {
		cols := make([]string, len(r))
		for j, v := range r {
			cols[j] = sqltext.Literal(v)
			if i == 0 {
				cols[j] += " AS " + sqltext.Quote(names[j])
			}
		}
		selects[i] = "SELECT " + strings.Join(cols, ", ")
	}
	text := "SELECT * FROM (" + strings.Join(selects, " UNION ALL ") + ") AS t" + filter
	schema, rows, err := s.query(c, x, text)
	if err != nil {
		return nil, err
	}
	return s.rowsOf(c, x, schema, rows), nil
}

// preview finds the columns of a statement by analysing it.
func (s *Session) preview(c *sql.Context, st *Statement) ([]Column, error) {
	x := s.cur
	for range st.Params {
		x.params = append(x.params, nil)
	}
	switch st.ast.(type) {
	case sqlparser.SelectStatement, *sqlparser.Show, *sqlparser.Explain, *sqlparser.Insert, *sqlparser.Update, *sqlparser.Delete:
	default:
		return nil, nil
	}
	x.previewing = true
	node, _, err := s.analyze(c, x, st.ast, st.Text)
	if err != nil {
		return nil, err
	}
	schema := node.Schema(c)
	if types.IsOkResultSchema(schema) || returnsNothing(node) {
		return nil, nil
	}
	return describeResult(c, x, node, schema, st.ast), nil
}

func (s *Session) scanAll(c *sql.Context, x *execution, schema, name string, scan bool, each func(m *tabledef.Table, r sql.Row) error) error {
	t, err := x.openTable(c, schema, name)
	if err != nil || !scan {
		return err
	}
	m, err := s.e.metas.Get(c, t.Def())
	if err != nil {
		return err
	}
	cur, err := t.Scan(c, table.ScanOptions{})
	if err != nil {
		return err
	}
	defer cur.Close()
	b := &base{m: m}
	loc := item.Location(c)
	for {
		ok, err := cur.Next(c)
		if err != nil || !ok {
			return err
		}
		r, err := b.decode(c, cur.Row(), nil, loc)
		if err != nil {
			return err
		}
		if each != nil {
			if err := each(m, r); err != nil {
				return err
			}
		}
	}
}

// endOK turns the end of a result into no error.
func endOK(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}
