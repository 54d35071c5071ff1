package general

import (
	"errors"
	"fmt"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/planbuilder"
	"github.com/dolthub/go-mysql-server/sql/transform"
	"github.com/dolthub/go-mysql-server/sql/types"
	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// own statements among CREATE, ALTER and DROP; nil for those of the library's grammar.
func (s *Session) ownDDL(t *tokens) (*Statement, error) {
	for i := 1; i < 8; i++ {
		switch t.word(i) {
		case "FUNCTION", "PROCEDURE":
			switch t.word(0) {
			case "CREATE":
				return s.createRoutine(t, t.word(i))
			case "DROP":
				return s.dropRoutine(t, t.word(i))
			}
			return s.alterRoutine(t)
		case "USER":
			if t.word(0) == "ALTER" && t.word(2) == "USER" && t.at(3) == "(" {
				return s.alterSelf(t)
			}
			if i == 1 && (t.word(0) == "CREATE" || t.word(0) == "ALTER") {
				return s.ownUser(t)
			}
			return nil, nil
		case "PREPARE":
			if t.word(0) == "DROP" {
				t.pos += 2
				return s.dropPrepared(t)
			}
		case "TRIGGER":
			if t.word(0) == "CREATE" {
				return s.createTrigger(t)
			}
			return nil, nil
		case "EVENT":
			return s.ownEvent(t)
		case "TABLE":
			if t.word(0) == "ALTER" && i == 1 {
				return s.ownPartition(t)
			}
			return nil, nil
		case "VIEW", "INDEX", "DATABASE", "SCHEMA":
			return nil, nil
		case "SERVER", "TABLESPACE", "LOGFILE", "INSTANCE", "RESOURCE":
			return nil, mysqlerr.New(mysqlerr.ER_NOT_SUPPORTED_YET, t.word(0)+" "+t.word(i))
		}
	}
	return nil, nil
}

// alterSelf: ALTER USER USER() ...
func (s *Session) alterSelf(t *tokens) (*Statement, error) {
	t.pos += 5
	text := "ALTER USER " + quoteString(s.login.AccountUser) + "@" + quoteString(s.login.AccountHost) + " " + t.rest()
	st, _, err := s.parseGMS(text, "")
	return st, err
}

// schemaFor is the database that a table name means.
func (s *Session) schemaFor(t sqlparser.TableName) (string, error) {
	name := t.DbQualifier.String()
	if name == "" {
		name = s.gms.GetCurrentDatabase()
	}
	if name == "" {
		return "", mysqlerr.New(mysqlerr.ER_NO_DB_ERROR)
	}
	if hidden(name) {
		return "", mysqlerr.New(mysqlerr.ER_BAD_DB_ERROR, name)
	}
	return name, nil
}

// schemaNamed is the database of a name, or the current one for "".
func (s *Session) schemaNamed(c *sql.Context, name string) (*database, error) {
	if name == "" {
		if name = c.GetCurrentDatabase(); name == "" {
			return nil, mysqlerr.New(mysqlerr.ER_NO_DB_ERROR)
		}
	}
	sc, err := s.e.catalog.Schema(c, name)
	if errors.Is(err, table.ErrNoSchema) {
		return nil, mysqlerr.New(mysqlerr.ER_BAD_DB_ERROR, name)
	}
	if err != nil {
		return nil, err
	}
	return &database{e: s.e, name: sc.Name, schema: sc}, nil
}

func (s *Session) definition(c *sql.Context, schema, name string) (*table.Def, error) {
	d, err := s.e.catalog.Definition(c, schema, name)
	if errors.Is(err, table.ErrNoSchema) {
		return nil, mysqlerr.New(mysqlerr.ER_BAD_DB_ERROR, schema)
	}
	if errors.Is(err, table.ErrNoTable) {
		return nil, mysqlerr.New(mysqlerr.ER_NO_SUCH_TABLE, schema, name)
	}
	return d, err
}

// checkIdentifier refuses what cannot be a table's name.
func checkIdentifier(name string) error {
	switch {
	case name == "" || strings.HasSuffix(name, " ") || strings.ContainsRune(name, 0):
		return mysqlerr.New(mysqlerr.ER_WRONG_TABLE_NAME, name)
	case isTree(name) || strings.Contains(name, selectMark):
		return mysqlerr.New(mysqlerr.ER_WRONG_TABLE_NAME, name)
	case len([]rune(name)) > sql.MaxIdentifierLength:
		return mysqlerr.New(mysqlerr.ER_TOO_LONG_IDENT, name)
	}
	return nil
}

// authorize asks the library whether the session may.
func (s *Session) authorize(c *sql.Context, auth sqlparser.AuthInformation) error {
	h := s.e.gms.Analyzer.Catalog.AuthorizationHandler()
	if auth.AuthType == "" {
		return nil
	}
	return h.HandleAuth(c, h.NewQueryState(c), auth)
}

// runDDL executes the statements on tables, which this package does itself. done is false for all others.
func (s *Session) runDDL(c *sql.Context, x *execution, st sqlparser.Statement) (res *Result, done bool, err error) {
	switch n := st.(type) {
	case *sqlparser.AlterTable:
		if len(n.Statements) > 0 && n.Statements[0].Action == sqlparser.RenameStr && len(n.Statements[0].FromTables) > 0 && n.Table.Name.IsEmpty() {
			return s.ddlRename(c, n.Statements[0])
		}
		for _, clause := range n.Statements {
			if err := s.authorize(c, clause.Auth); err != nil {
				return nil, true, err
			}
		}
		res, err = s.alterTable(c, x, n)
		return res, true, err
	case *sqlparser.DBDDL:
		return s.databaseDDL(c, n)
	case *sqlparser.DDL:
		switch strings.ToLower(n.Action) {
		case sqlparser.CreateStr:
			if n.TriggerSpec == nil && n.ProcedureSpec == nil && n.EventSpec == nil && n.ViewSpec == nil {
				if err := s.authorize(c, n.Auth); err != nil {
					return nil, true, err
				}
				res, err = s.createTable(c, x, n)
				return res, true, err
			}
		case sqlparser.DropStr:
			if n.TriggerSpec == nil && n.ProcedureSpec == nil && n.EventSpec == nil && len(n.FromViews) == 0 {
				if err := s.authorize(c, n.Auth); err != nil {
					return nil, true, err
				}
				res, err = s.dropTables(c, n)
				return res, true, err
			}
			if len(n.FromViews) > 0 {
				res, err = s.dropViews(c, n)
				return res, true, err
			}
		case sqlparser.RenameStr:
			return s.ddlRename(c, n)
		case sqlparser.TruncateStr:
			if err := s.authorize(c, n.Auth); err != nil {
				return nil, true, err
			}
			if done, err := s.truncateLog(n); done {
				return &Result{}, true, err
			}
			res, err = s.truncate(c, n)
			return res, true, err
		}
	}
	return nil, false, nil
}

func (s *Session) ddlRename(c *sql.Context, n *sqlparser.DDL) (*Result, bool, error) {
	if err := s.authorize(c, n.Auth); err != nil {
		return nil, true, err
	}
	var pairs [][2][2]string
	for i := range n.FromTables {
		from, err := s.schemaFor(n.FromTables[i])
		if err != nil {
			return nil, true, err
		}
		to, err := s.schemaFor(n.ToTables[i])
		if err != nil {
			return nil, true, err
		}
		pairs = append(pairs, [2][2]string{{from, n.FromTables[i].Name.String()}, {to, n.ToTables[i].Name.String()}})
	}
	return &Result{}, true, s.renameTables(c, pairs)
}

// databaseDDL does not go through the library: its catalog lock would make all databases wait for one.
func (s *Session) databaseDDL(c *sql.Context, n *sqlparser.DBDDL) (*Result, bool, error) {
	if err := s.authorize(c, n.Auth); err != nil {
		return nil, true, err
	}
	name := n.DBName
	if systemSchema(name) {
		return nil, true, mysqlerr.NewMessage(mysqlerr.ER_DBACCESS_DENIED_ERROR, "Access denied for user '%s'@'%s' to database '%s'", s.login.User, s.login.Host, name)
	}
	switch strings.ToLower(n.Action) {
	case sqlparser.CreateStr:
		return s.createDatabase(c, n, name)
	case sqlparser.DropStr:
		res, err := s.dropDatabase(c, n, name)
		return res, true, err
	case sqlparser.AlterStr:
		db, err := s.schemaNamed(c, name)
		if err != nil {
			return nil, true, err
		}
		coll, err := charsetCollation(n.CharsetCollate, db.GetCollation(c))
		if err != nil {
			return nil, true, err
		}
		return &Result{Affected: 1}, true, db.SetCollation(c, coll)
	}
	return nil, false, nil
}

func (s *Session) createDatabase(c *sql.Context, n *sqlparser.DBDDL, name string) (*Result, bool, error) {
	if name == "" || hidden(name) || strings.HasSuffix(name, " ") {
		return nil, true, mysqlerr.New(mysqlerr.ER_WRONG_DB_NAME, name)
	}
	if len([]rune(name)) > sql.MaxIdentifierLength {
		return nil, true, mysqlerr.New(mysqlerr.ER_TOO_LONG_IDENT, name)
	}
	coll, err := charsetCollation(n.CharsetCollate, serverCollation(c))
	if err != nil {
		return nil, true, err
	}
	err = (&provider{s.e}).CreateCollatedDatabase(c, name, coll)
	if errors.Is(err, table.ErrSchemaExists) {
		e := mysqlerr.New(mysqlerr.ER_DB_CREATE_EXISTS, name)
		if !n.IfNotExists {
			return nil, true, e
		}
		c.Session.Warn(&sql.Warning{Level: "Note", Code: int(e.Code), Message: e.Message})
		err = nil
	}
	return &Result{Affected: 1}, true, err
}

func serverCollation(c *sql.Context) sql.CollationID {
	if id, err := sql.ParseCollation("", sessionText(c, "collation_server"), false); err == nil && id != 0 {
		return id
	}
	return defaultCollation
}

func charsetCollation(list []*sqlparser.CharsetAndCollate, d sql.CollationID) (sql.CollationID, error) {
	charset, coll := "", ""
	for _, cc := range list {
		if strings.EqualFold(cc.Type, "collate") {
			coll = cc.Value
		} else {
			charset = cc.Value
		}
	}
	if charset == "" && coll == "" {
		return d, nil
	}
	return sql.ParseCollation(charset, coll, false)
}

func (s *Session) dropDatabase(c *sql.Context, n *sqlparser.DBDDL, name string) (*Result, error) {
	names, err := s.e.catalog.TableNames(c, name)
	if err == nil {
		if err := s.referredFromOutside(c, name, names); err != nil {
			return nil, err
		}
		err = s.e.catalog.DropSchema(c, name)
	}
	if errors.Is(err, table.ErrNoSchema) {
		e := mysqlerr.NewMessage(1008, "Can't drop database '%s'; database doesn't exist", name)
		if !n.IfExists {
			return nil, e
		}
		c.Session.Warn(&sql.Warning{Level: "Note", Code: int(e.Code), Message: e.Message})
		return &Result{}, nil
	}
	if err != nil {
		return nil, err
	}
	if c.GetCurrentDatabase() == name {
		s.gms.SetCurrentDatabase("")
	}
	return &Result{Affected: uint64(len(names))}, nil
}

// referredFromOutside refuses to drop a database whose tables another one's foreign keys need.
func (s *Session) referredFromOutside(c *sql.Context, schema string, names []string) error {
	if !checksForeignKeys(c) {
		return nil
	}
	for _, name := range names {
		d, err := s.e.catalog.Definition(c, schema, name)
		if err != nil {
			return skipMissing(err)
		}
		for _, by := range d.ReferBy {
			if other, child, _ := strings.Cut(by, "."); other != schema {
				return s.dropReferred(c, d, other, child)
			}
		}
	}
	return nil
}

func (s *Session) dropReferred(c *sql.Context, d *table.Def, schema, child string) error {
	name := ""
	if cd, err := s.e.catalog.Definition(c, schema, child); err == nil {
		var a tableAttrs
		if err := fromJSON(cd.Attrs, &a); err != nil {
			return err
		}
		for _, f := range a.FKs {
			if f.ParentSchema == d.Schema && f.ParentTable == d.Name {
				name = f.Name
			}
		}
	}
	return mysqlerr.NewMessage(3730, "Cannot drop table '%s' referenced by a foreign key constraint '%s' on table '%s'.", d.Name, name, child)
}

// dropTables: DROP [TEMPORARY] TABLE [IF EXISTS] a, b. All or none of those that exist are dropped, as far as can be checked before.
func (s *Session) dropTables(c *sql.Context, n *sqlparser.DDL) (*Result, error) {
	var missing []string
	var drop [][2]string
	leaving := map[[2]string]bool{}
	for _, t := range n.FromTables {
		schema, err := s.schemaFor(t)
		if err != nil {
			return nil, err
		}
		name := t.Name.String()
		if s.temps[tempKey(schema, name)] != nil {
			drop = append(drop, [2]string{schema, name})
			continue
		}
		_, err = s.e.catalog.Definition(c, schema, name)
		if skipMissing(err) != nil {
			return nil, err
		}
		if err != nil || n.Temporary {
			missing = append(missing, schema+"."+name)
			continue
		}
		drop = append(drop, [2]string{schema, name})
		leaving[[2]string{schema, name}] = true
	}
	if len(missing) > 0 && !n.IfExists {
		return nil, mysqlerr.New(mysqlerr.ER_BAD_TABLE_ERROR, strings.Join(missing, ","))
	}
	for _, m := range missing {
		e := mysqlerr.New(mysqlerr.ER_BAD_TABLE_ERROR, m)
		c.Session.Warn(&sql.Warning{Level: "Note", Code: int(e.Code), Message: e.Message})
	}
	if err := s.checkReferred(c, leaving); err != nil {
		return nil, err
	}
	for _, t := range childrenFirst(s.e, c, drop) {
		if s.dropTemporary(c, t[0], t[1]) {
			continue
		}
		if err := s.e.catalog.DropTable(c, t[0], t[1]); err != nil {
			return nil, err
		}
		if err := s.dropTriggersOf(c, t[0], t[1]); err != nil {
			return nil, err
		}
	}
	return &Result{}, nil
}

func (s *Session) checkReferred(c *sql.Context, leaving map[[2]string]bool) error {
	if !checksForeignKeys(c) {
		return nil
	}
	for t := range leaving {
		d, err := s.e.catalog.Definition(c, t[0], t[1])
		if err != nil {
			return skipMissing(err)
		}
		for _, by := range d.ReferBy {
			schema, child, _ := strings.Cut(by, ".")
			if !leaving[[2]string{schema, child}] {
				return s.dropReferred(c, d, schema, child)
			}
		}
	}
	return nil
}

// childrenFirst orders tables so that those with foreign keys go before the tables that these point to.
func childrenFirst(e *Engine, c *sql.Context, list [][2]string) [][2]string {
	var out [][2]string
	seen := map[[2]string]bool{}
	in := map[[2]string]bool{}
	for _, t := range list {
		in[t] = true
	}
	var visit func(t [2]string)
	visit = func(t [2]string) {
		if seen[t] {
			return
		}
		seen[t] = true
		if d, err := e.catalog.Definition(c, t[0], t[1]); err == nil {
			for _, by := range d.ReferBy {
				schema, child, _ := strings.Cut(by, ".")
				if k := [2]string{schema, child}; in[k] {
					visit(k)
				}
			}
		}
		out = append(out, t)
	}
	for _, t := range list {
		visit(t)
	}
	return out
}

func (s *Session) dropTriggersOf(c *sql.Context, schema, name string) error {
	list, err := s.e.objects(c, kindTrigger, schema)
	if err != nil {
		return err
	}
	var gone []table.Object
	for _, o := range list {
		if o.Table == name {
			gone = append(gone, table.Object{Kind: kindTrigger, Schema: schema, Name: objectKey(kindTrigger, o.Name)})
		}
	}
	if len(gone) == 0 {
		return nil
	}
	return s.e.catalog.PutObjects(c, gone...)
}

func (s *Session) dropViews(c *sql.Context, n *sqlparser.DDL) (*Result, error) {
	var missing []string
	for _, v := range n.FromViews {
		schema, err := s.schemaFor(v)
		if err != nil {
			return nil, err
		}
		auth := sqlparser.AuthInformation{AuthType: sqlparser.AuthType_DROP, TargetType: sqlparser.AuthTargetType_SingleTableIdentifier,
			TargetNames: []string{schema, "", v.Name.String()}}
		if err := s.authorize(c, auth); err != nil {
			return nil, err
		}
		o, err := s.e.object(c, kindView, schema, v.Name.String())
		if err != nil {
			return nil, err
		}
		if o == nil {
			missing = append(missing, schema+"."+v.Name.String())
			continue
		}
		if err := s.e.dropObject(c, kindView, schema, o.Name); err != nil {
			return nil, err
		}
	}
	if len(missing) == 0 {
		return &Result{}, nil
	}
	e := mysqlerr.New(mysqlerr.ER_BAD_TABLE_ERROR, strings.Join(missing, ","))
	if !n.IfExists {
		return nil, e
	}
	c.Session.Warn(&sql.Warning{Level: "Note", Code: int(e.Code), Message: e.Message})
	return &Result{}, nil
}

func (s *Session) truncate(c *sql.Context, n *sqlparser.DDL) (*Result, error) {
	schema, err := s.schemaFor(n.Table)
	if err != nil {
		return nil, err
	}
	name := n.Table.Name.String()
	if t := s.temps[tempKey(schema, name)]; t != nil {
		return &Result{}, s.e.catalog.TruncateTable(c, t.def.Schema, t.def.Name)
	}
	d, err := s.definition(c, schema, name)
	if err != nil {
		return nil, err
	}
	if checksForeignKeys(c) {
		for _, by := range d.ReferBy {
			if by != schema+"."+name {
				_, child, _ := strings.Cut(by, ".")
				return nil, mysqlerr.NewMessage(mysqlerr.ER_TRUNCATE_ILLEGAL_FK, "Cannot truncate a table referenced in a foreign key constraint (`%s`.`%s`)", schema, child)
			}
		}
	}
	return &Result{}, s.e.catalog.TruncateTable(c, schema, name)
}

// renameTables renames tables, or a view, with their triggers and the foreign keys that point to them.
func (s *Session) renameTables(c *sql.Context, pairs [][2][2]string) error {
	for _, p := range pairs {
		if err := checkIdentifier(p[1][1]); err != nil {
			return err
		}
		if o, err := s.e.object(c, kindView, p[0][0], p[0][1]); err != nil || o != nil {
			if err == nil {
				err = s.renameView(c, p, o)
			}
			return err
		}
		if t := s.temps[tempKey(p[0][0], p[0][1])]; t != nil {
			delete(s.temps, tempKey(p[0][0], p[0][1]))
			t.schema, t.name = p[1][0], p[1][1]
			s.temps[tempKey(t.schema, t.name)] = t
			return nil
		}
	}
	type moved struct{ triggers []*stored }
	triggers := make([]moved, len(pairs))
	var refer []func() error
	for i, p := range pairs {
		if _, err := s.e.catalog.Schema(c, p[1][0]); errors.Is(err, table.ErrNoSchema) {
			return mysqlerr.New(mysqlerr.ER_BAD_DB_ERROR, p[1][0])
		}
		list, err := s.e.objects(c, kindTrigger, p[0][0])
		if err != nil {
			return err
		}
		for _, o := range list {
			if o.Table == p[0][1] {
				triggers[i].triggers = append(triggers[i].triggers, o)
			}
		}
		if len(triggers[i].triggers) > 0 && p[0][0] != p[1][0] {
			return mysqlerr.New(mysqlerr.ER_TRG_IN_WRONG_SCHEMA)
		}
		d, err := s.e.catalog.Definition(c, p[0][0], p[0][1])
		if err == nil {
			for _, by := range d.ReferBy {
				schema, child, _ := strings.Cut(by, ".")
				refer = append(refer, func() error { return s.repointForeignKeys(c, pairs, schema, child) })
			}
		}
	}
	err := s.e.catalog.RenameTables(c, pairs)
	switch {
	case errors.Is(err, table.ErrTableExists):
		for _, p := range pairs {
			if _, derr := s.e.catalog.Definition(c, p[1][0], p[1][1]); derr == nil {
				return mysqlerr.New(mysqlerr.ER_TABLE_EXISTS_ERROR, p[1][1])
			}
		}
	case errors.Is(err, table.ErrNoTable):
		for _, p := range pairs {
			if _, derr := s.e.catalog.Definition(c, p[0][0], p[0][1]); derr != nil {
				return mysqlerr.New(mysqlerr.ER_NO_SUCH_TABLE, p[0][0], p[0][1])
			}
		}
	}
	if err != nil {
		return err
	}
	for i, p := range pairs {
		for _, o := range triggers[i].triggers {
			n := *o
			n.Table = p[1][1]
			n.Text = renameTarget(o.Text, p[1][1])
			if err := s.e.putObject(c, kindTrigger, p[1][0], &n); err != nil {
				return err
			}
		}
	}
	for _, f := range refer {
		if err := f(); err != nil {
			return err
		}
	}
	return nil
}

func (s *Session) renameView(c *sql.Context, p [2][2]string, o *stored) error {
	n := *o
	n.Name = p[1][1]
	n.Text = strings.Replace(o.Text, " VIEW "+quoteName(o.Name), " VIEW "+quoteName(n.Name), 1)
	if err := s.e.putObject(c, kindView, p[1][0], &n); err != nil {
		return err
	}
	return s.e.dropObject(c, kindView, p[0][0], o.Name)
}

// renameTarget changes the table of a CREATE TRIGGER text.
func renameTarget(text, name string) string {
	t := cutTokens(text, 0, maxTokens)
	for ; !t.end(); t.pos++ {
		if t.word(0) == "ON" && (t.word(-1) == "INSERT" || t.word(-1) == "UPDATE" || t.word(-1) == "DELETE") {
			w := &rewriter{t: t, skip: map[int]bool{}, with: map[int]string{}}
			w.put(1, quoteName(name))
			if t.at(2) == "." {
				w.drop(2, 2)
			}
			return w.build()
		}
	}
	return text
}

// repointForeignKeys writes the new names of parents into a child's foreign keys.
func (s *Session) repointForeignKeys(c *sql.Context, pairs [][2][2]string, schema, child string) error {
	for _, p := range pairs { // the child itself may have moved
		if p[0] == [2]string{schema, child} {
			schema, child = p[1][0], p[1][1]
		}
	}
	d, err := s.e.catalog.Definition(c, schema, child)
	if err != nil {
		return skipMissing(err)
	}
	var a tableAttrs
	if err := fromJSON(d.Attrs, &a); err != nil {
		return err
	}
	n := *d
	n.ReferTo = nil
	changed := false
	for i := range a.FKs {
		for _, p := range pairs {
			if a.FKs[i].ParentSchema == p[0][0] && a.FKs[i].ParentTable == p[0][1] {
				a.FKs[i].ParentSchema, a.FKs[i].ParentTable = p[1][0], p[1][1]
				changed = true
			}
		}
		n.ReferTo = append(n.ReferTo, a.FKs[i].ParentSchema+"."+a.FKs[i].ParentTable)
	}
	if !changed {
		return nil
	}
	n.Attrs = toJSON(a)
	_, err = s.e.catalog.AlterTable(c, d, &n, table.Build{})
	return err
}

// resolved returns the generated expressions of a table with their columns bound to positions.
func (s *Session) resolved(c *sql.Context, m *meta) ([]sql.Expression, error) {
	return s.bindColumns(c, m, func(col *sql.Column) *sql.ColumnDefaultValue { return col.Generated })
}

// evalDefaults returns the default expressions of a table, bound likewise.
func (s *Session) evalDefaults(c *sql.Context, m *meta) ([]sql.Expression, error) {
	return s.bindColumns(c, m, func(col *sql.Column) *sql.ColumnDefaultValue { return col.Default })
}

func (s *Session) bindColumns(c *sql.Context, m *meta, pick func(*sql.Column) *sql.ColumnDefaultValue) (out []sql.Expression, err error) {
	defer func() {
		if r := recover(); r != nil {
			if e, ok := r.(error); ok {
				err = e
				return
			}
			err = fmt.Errorf("resolve the expressions of %s.%s: %v", m.def.Schema, m.def.Name, r)
		}
	}()
	b := planbuilder.New(c, s.e.gms.Analyzer.Catalog, nil)
	schema := b.ResolveSchemaDefaults(m.def.Schema, m.def.Name, m.schemaCopy())
	out = make([]sql.Expression, len(schema))
	for i, col := range schema {
		if v := pick(col); v != nil {
			if out[i], err = m.position(c, v); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// position binds the columns of an expression to their positions in the table's rows.
func (m *meta) position(c *sql.Context, x sql.Expression) (sql.Expression, error) {
	bound, _, err := transform.Expr(c, x, func(_ *sql.Context, e sql.Expression) (sql.Expression, transform.TreeIdentity, error) {
		gf, ok := e.(*expression.GetField)
		if !ok {
			return e, transform.SameTree, nil
		}
		pos := columnPosition(m.def, gf.Name())
		if pos < 0 {
			return nil, transform.SameTree, sql.ErrTableColumnNotFound.New(m.def.Name, gf.Name())
		}
		return gf.WithIndex(pos), transform.NewTree, nil
	})
	return bound, err
}

// boundChecks returns a table's enforced checks, bound to positions. They are resolved as if each were a generated column.
func (s *Session) boundChecks(c *sql.Context, m *meta) ([]sql.Expression, error) {
	out := make([]sql.Expression, len(m.attrs.Checks))
	for i, ch := range m.attrs.Checks {
		if ch.NotEnforced {
			continue
		}
		var err error
		if out[i], err = s.boundCondition(c, m, ch.Expr); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// boundCondition binds a condition on a table's rows to positions.
func (s *Session) boundCondition(c *sql.Context, m *meta, text string) (sql.Expression, error) {
	n := *m
	n.schema = append(n.schema[:len(n.schema):len(n.schema)], &sql.Column{Name: "!check", Type: types.Boolean, Nullable: true, Source: m.def.Name,
		DatabaseSource: m.def.Schema, Generated: sql.NewUnresolvedColumnDefaultValue("(" + text + ")")})
	list, err := s.bindColumns(c, &n, func(col *sql.Column) *sql.ColumnDefaultValue { return col.Generated })
	if err != nil {
		return nil, err
	}
	return list[len(list)-1], nil
}

// generated returns the bound generated expressions of a table that is open.
func (b *base) generated(c *sql.Context) ([]sql.Expression, error) {
	s := sessionOf(c)
	if s == nil {
		return nil, fmt.Errorf("table %s.%s is written outside of a session", b.m.def.Schema, b.m.def.Name)
	}
	return s.resolved(c, b.m)
}

// virtualFiller computes the virtual columns of stored rows, for index builds. It is nil when there are none.
func (s *Session) virtualFiller(c *sql.Context, m *meta) (func(r []row.Datum) error, error) {
	if !m.virtual {
		return nil, nil
	}
	exprs, err := s.resolved(c, m)
	if err != nil {
		return nil, err
	}
	b := &base{m: m}
	loc := location(c)
	return func(r []row.Datum) error {
		vals, err := b.decode(c, r, nil, loc)
		if err != nil {
			return err
		}
		for i, x := range exprs {
			if x == nil || !m.def.Columns[i].Virtual {
				continue
			}
			if vals[i], err = x.Eval(c, vals); err != nil {
				return err
			}
			if r[i], err = m.codecs[i].Encode(c, vals[i], loc); err != nil {
				return err
			}
		}
		return nil
	}, nil
}

// duplicateInIndex turns a collision during an index build or a copy into 1062.
func (s *Session) duplicateInIndex(c *sql.Context, m *meta, err error) error {
	if errors.Is(err, table.ErrBuildLog) {
		name := m.def.Name
		for i := range m.def.Indexes {
			if m.def.Indexes[i].ID == 0 {
				name = m.def.Indexes[i].Name
			}
		}
		return mysqlerr.New(mysqlerr.ER_INNODB_ONLINE_LOG_TOO_BIG, name)
	}
	var dup *table.DuplicateKey
	if !errors.As(err, &dup) {
		return err
	}
	ix := &dup.Table.Indexes[dup.Index]
	text := ""
	for i, p := range ix.Parts {
		if i > 0 {
			text += "-"
		}
		if i < len(dup.Key) && p.Column < len(m.codecs) {
			v, derr := m.codecs[p.Column].Decode(c, &dup.Key[i], location(c))
			if derr != nil {
				return err
			}
			text += displayValue(c, m.schema[p.Column].Type, v)
		}
	}
	return mysqlerr.NewMessage(mysqlerr.ER_DUP_ENTRY, "Duplicate entry '%s' for key '%s.%s'", text, m.def.Name, ix.Name)
}
