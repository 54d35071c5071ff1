package general

import (
	"errors"
	"fmt"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/planbuilder"
	"github.com/dolthub/go-mysql-server/sql/types"
	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/grammar"
	"github.com/zoryadb/zorya/sql/item"
	"github.com/zoryadb/zorya/sql/lexer"
	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/sqltext"
	"github.com/zoryadb/zorya/sql/tabledef"
)

// own statements among CREATE, ALTER and DROP; nil for those of the library's grammar.
func (s *Session) ownDDL(t *lexer.Cursor) (*Statement, error) {
	for i := 1; i < 8; i++ {
		switch t.Word(i) {
		case "FUNCTION", "PROCEDURE":
			switch t.Word(0) {
			case "CREATE":
				if st, is, err := s.loadableFunction(t); is {
					return st, err
				}
				return s.createRoutine(t, t.Word(i))
			case "DROP":
				return s.dropRoutine(t, t.Word(i))
			}
			return s.alterRoutine(t)
		case "USER":
			if i == 1 && (t.Word(0) == "CREATE" || t.Word(0) == "ALTER") {
				return s.ownUser(t)
			}
			return nil, nil
		case "PREPARE":
			if t.Word(0) == "DROP" {
				t.Pos += 2
				return s.dropPrepared(t)
			}
		case "TRIGGER":
			if t.Word(0) == "CREATE" {
				return s.createTrigger(t)
			}
			return nil, nil
		case "EVENT":
			return s.ownEvent(t)
		case "TABLE":
			if t.Word(0) == "ALTER" && i == 1 {
				return s.ownPartition(t)
			}
			if t.Word(0) == "CREATE" {
				return s.createFromQuery(t)
			}
			return nil, nil
		case "VIEW", "INDEX", "DATABASE", "SCHEMA":
			return nil, nil
		case "SERVER":
			return s.ownServerDefinition(t)
		case "INSTANCE":
			return s.alterInstance(t)
		case "RESOURCE":
			return s.resourceGroup(t)
		case "TABLESPACE", "LOGFILE":
			return nil, mysqlerr.New(mysqlerr.ER_NOT_SUPPORTED_YET, t.Word(0)+" "+t.Word(i))
		}
	}
	return nil, nil
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
	if grammar.SystemSchema(name) {
		return "", s.deniedSchema(name)
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
	case isTree(name) || strings.Contains(name, grammar.SelectMark):
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
	if n, ok := st.(*sqlparser.DDL); ok && n.Temporary && x.stmt != nil && x.stmt.Txn().Options().ReadOnly {
		return nil, true, mysqlerr.New(mysqlerr.ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION)
	}
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
			if done, err := s.truncateLog(c, n); done {
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
		var a tabledef.Attrs
		if err := tabledef.Decode(cd.Attrs, &a); err != nil {
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
		if s.dropTemporary(t[0], t[1]) {
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
		if err := s.e.catalog.TruncateTable(c, t.def.Schema, t.def.Name); err != nil {
			return nil, err
		}
		return &Result{}, s.refreshTemporary(c, schema, name)
	}
	d, err := s.definition(c, schema, name)
	if err != nil {
		return nil, err
	}
	if checksForeignKeys(c) {
		for _, by := range d.ReferBy {
			if by != schema+"."+name {
				return nil, s.refersBy(c, by, schema, name)
			}
		}
	}
	return &Result{}, s.e.catalog.TruncateTable(c, schema, name)
}

// refersBy is the error of a TRUNCATE of a table that the child, "schema.table", refers to.
func (s *Session) refersBy(c *sql.Context, child, schema, name string) error {
	in, of, _ := strings.Cut(child, ".")
	d, err := s.e.catalog.Definition(c, in, of)
	if err != nil {
		return err
	}
	a, err := tableAttrsOf(d)
	if err != nil {
		return err
	}
	for _, f := range a.FKs {
		if f.ParentSchema == schema && f.ParentTable == name {
			return mysqlerr.New(mysqlerr.ER_TRUNCATE_ILLEGAL_FK, fmt.Sprintf("%s.%s, CONSTRAINT %s", sqltext.Quote(in), sqltext.Quote(of), sqltext.Quote(f.Name)))
		}
	}
	return fmt.Errorf("%s refers to %s.%s by no foreign key", child, schema, name)
}

// resolved returns the generated expressions of a table with their columns bound to positions.
func (s *Session) resolved(c *sql.Context, m *tabledef.Table) ([]sql.Expression, error) {
	return s.computed(c, m, generatedOf)
}

// evalDefaults returns the default expressions of a table, bound likewise.
func (s *Session) evalDefaults(c *sql.Context, m *tabledef.Table) ([]sql.Expression, error) {
	return s.computed(c, m, func(col *sql.Column) *sql.ColumnDefaultValue { return col.Default })
}

// computed is bindColumns with MySQL's types and rules (package item), as the expressions of statements have them.
func (s *Session) computed(c *sql.Context, m *tabledef.Table, pick func(*sql.Column) *sql.ColumnDefaultValue) ([]sql.Expression, error) {
	list, err := s.bindColumns(c, m, pick)
	if err != nil {
		return nil, err
	}
	env := itemEnv(c, nil) // of statements that change rows the session fails what is warned of: execution.strict
	if x := executionOf(c); x != nil && x.st != nil {
		if alter, ok := x.st.ast.(*sqlparser.AlterTable); ok {
			env = itemEnv(c, alter)
		}
	}
	rules := &retype{c: c, env: env, types: map[sql.ColumnId]sql.Type{}}
	for i := range list {
		if list[i], err = rules.stored(list[i]); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func (s *Session) bindColumns(c *sql.Context, m *tabledef.Table, pick func(*sql.Column) *sql.ColumnDefaultValue) (out []sql.Expression, err error) {
	defer func() {
		if r := recover(); r != nil {
			if e, ok := r.(error); ok {
				err = e
				return
			}
			err = fmt.Errorf("resolve the expressions of %s.%s: %v", m.Def.Schema, m.Def.Name, r)
		}
	}()
	b := planbuilder.New(c, s.e.gms.Analyzer.Catalog, nil)
	schema := b.ResolveSchemaDefaults(m.Def.Schema, m.Def.Name, m.SchemaCopy())
	out = make([]sql.Expression, len(schema))
	for i, col := range schema {
		if v := pick(col); v != nil {
			if out[i], err = m.Bind(c, v); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// boundChecks returns a table's enforced checks, bound to positions. They are resolved as if each were a generated column.
func (s *Session) boundChecks(c *sql.Context, m *tabledef.Table) ([]sql.Expression, error) {
	out := make([]sql.Expression, len(m.Attrs.Checks))
	for i, ch := range m.Attrs.Checks {
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
func (s *Session) boundCondition(c *sql.Context, m *tabledef.Table, text string) (sql.Expression, error) {
	n := *m
	n.Schema = append(n.Schema[:len(n.Schema):len(n.Schema)], &sql.Column{Name: "!check", Type: types.Boolean, Nullable: true, Source: m.Def.Name,
		DatabaseSource: m.Def.Schema, Generated: sql.NewUnresolvedColumnDefaultValue("(" + text + ")")})
	list, err := s.computed(c, &n, generatedOf)
	if err != nil {
		return nil, err
	}
	return list[len(list)-1], nil
}

// generated returns the bound generated expressions of a table that is open.
func (b *base) generated(c *sql.Context) ([]sql.Expression, error) {
	s := sessionOf(c)
	if s == nil {
		return nil, fmt.Errorf("table %s.%s is written outside of a session", b.m.Def.Schema, b.m.Def.Name)
	}
	return s.resolved(c, b.m)
}

// virtualFiller computes the virtual columns of stored rows, for index builds. It is nil when there are none.
func (s *Session) virtualFiller(c *sql.Context, m *tabledef.Table) (func(r []row.Datum) error, error) {
	if !m.Virtual {
		return nil, nil
	}
	exprs, err := s.resolved(c, m)
	if err != nil {
		return nil, err
	}
	b := &base{m: m}
	loc := item.Location(c)
	return func(r []row.Datum) error {
		vals, err := b.decode(c, r, nil, loc)
		if err != nil {
			return err
		}
		for i, x := range exprs {
			if x == nil || !m.Def.Columns[i].Virtual {
				continue
			}
			if vals[i], err = x.Eval(c, vals); err != nil {
				return err
			}
			if r[i], err = m.Codecs[i].Encode(c, vals[i], loc); err != nil {
				return err
			}
		}
		return nil
	}, nil
}

// duplicateInIndex turns a collision during an index build or a copy into 1062.
func (s *Session) duplicateInIndex(c *sql.Context, m *tabledef.Table, err error) error {
	if errors.Is(err, table.ErrBuildLog) {
		name := m.Def.Name
		for i := range m.Def.Indexes {
			if m.Def.Indexes[i].ID == 0 {
				name = m.Def.Indexes[i].Name
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
		if i < len(dup.Key) && p.Column < len(m.Codecs) {
			v, derr := m.Codecs[p.Column].Decode(c, &dup.Key[i], item.Location(c))
			if derr != nil {
				return err
			}
			text += keyPartText(m, c, p.Column, v)
		}
	}
	return mysqlerr.NewMessage(mysqlerr.ER_DUP_ENTRY, "Duplicate entry '%s' for key '%s.%s'", text, m.ShownName(), ix.Name)
}
