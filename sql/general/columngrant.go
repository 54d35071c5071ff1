package general

import (
	"slices"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/mysql_db"

	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/lexer"
	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// GRANT and REVOKE with columns, which the library's do not know; how they are heeded is in columnauth.go.

// columnGrant is GRANT or REVOKE of privileges of which at least one names columns.
type columnGrant struct {
	revoke  bool
	privs   []columnPrivilege
	schema  string
	table   string
	to      []authID
	grantor bool // WITH GRANT OPTION
}

// columnPrivilege is a privilege on a table, or on some of its columns.
type columnPrivilege struct {
	kind    sql.PrivilegeType
	columns []string
}

// ownColumnGrant recognises the statements; nil for those that name no columns.
func (s *Session) ownColumnGrant(t *lexer.Cursor) (*Statement, error) {
	named := false
	for i := 1; t.Pos+i < len(t.Tokens) && t.Word(i) != "ON"; i++ {
		named = named || t.At(i) == "(" && slices.Contains([]string{"SELECT", "INSERT", "UPDATE", "REFERENCES"}, t.Word(i-1))
	}
	if !named {
		return nil, nil
	}
	g := &columnGrant{revoke: t.Word(0) == "REVOKE"}
	t.Pos++
	for {
		p, ok := columnPrivilegeOf(t)
		if !ok {
			return nil, s.wrong(t)
		}
		g.privs = append(g.privs, p)
		if !t.Accept(",") {
			break
		}
	}
	if !t.Accept("ON") {
		return nil, s.wrong(t)
	}
	t.Accept("TABLE")
	if t.At(0) == "*" || t.At(1) == "." && t.At(2) == "*" {
		return nil, mysqlerr.NewMessage(mysqlerr.ER_WRONG_USAGE, "Incorrect usage of COLUMN GRANT and GLOBAL PRIVILEGES")
	}
	var ok bool
	if g.schema, g.table, ok = t.Qualified(); !ok || !t.Accept(map[bool]string{true: "FROM", false: "TO"}[g.revoke]) {
		return nil, s.wrong(t)
	}
	if g.to, ok = s.accountNames(t); !ok {
		return nil, s.wrong(t)
	}
	g.grantor = !g.revoke && t.Accept("WITH", "GRANT", "OPTION")
	return s.done(t, &Statement{Class: DDL, run: func(c *sql.Context, s *Session, _ *execution) (*Result, error) {
		return &Result{}, s.grantColumns(c, g)
	}})
}

func columnPrivilegeOf(t *lexer.Cursor) (p columnPrivilege, ok bool) {
	var words []string
	for !t.End() && t.At(0) != "," && t.At(0) != "(" && t.Word(0) != "ON" {
		words = append(words, t.Word(0))
		t.Pos++
	}
	name := strings.Join(words, " ")
	at := slices.IndexFunc(grantOrder, func(k sql.PrivilegeType) bool { return strings.EqualFold(k.String(), name) })
	if at < 0 {
		return p, false
	}
	p.kind = grantOrder[at]
	if !t.Accept("(") {
		return p, true
	}
	for {
		col, ok := t.Name()
		if !ok {
			return p, false
		}
		p.columns = append(p.columns, col)
		if t.Accept(")") {
			return p, true
		}
		if !t.Accept(",") {
			return p, false
		}
	}
}

func (s *Session) grantColumns(c *sql.Context, g *columnGrant) error {
	if g.schema == "" {
		if g.schema = c.GetCurrentDatabase(); g.schema == "" {
			return mysqlerr.New(mysqlerr.ER_NO_DB_ERROR)
		}
	}
	if !s.mayGrantColumns(c, g) {
		return mysqlerr.NewMessage(mysqlerr.ER_TABLEACCESS_DENIED_ERROR, "GRANT command denied to user '%s'@'%s' for table '%s'",
			s.login.AccountUser, s.login.AccountHost, g.table)
	}
	d, err := s.definition(c, g.schema, g.table)
	if err != nil {
		return err
	}
	for _, p := range g.privs {
		for i, name := range p.columns {
			at := slices.IndexFunc(d.Columns, func(col table.Column) bool { return strings.EqualFold(col.Name, name) })
			if at < 0 && !g.revoke {
				return mysqlerr.New(mysqlerr.ER_BAD_FIELD_ERROR, name, g.table)
			}
			if at >= 0 {
				p.columns[i] = d.Columns[at].Name
			}
		}
	}
	for _, id := range g.to {
		if !s.e.accountExists(id.User, id.Host) {
			if g.revoke {
				return mysqlerr.NewMessage(mysqlerr.ER_NONEXISTING_GRANT, "There is no such grant defined for user '%s' on host '%s'", id.User, id.Host)
			}
			return mysqlerr.New(mysqlerr.ER_CANT_CREATE_USER_WITH_GRANT)
		}
	}
	return s.e.changeAccounts(c, g.to, func(d accountDrafts) error {
		for _, id := range g.to {
			if a := d.of(id); a.user == nil || !g.apply(a.user.PrivilegeSet) {
				return mysqlerr.NewMessage(mysqlerr.ER_NONEXISTING_TABLE_GRANT, "There is no such grant defined for user '%s' on host '%s' on table '%s'", id.User, id.Host, g.table)
			}
		}
		return nil
	})
}

// apply changes a set of privileges. It returns false when what is to be revoked is not there.
func (g *columnGrant) apply(set mysql_db.PrivilegeSet) bool {
	have := set.Database(g.schema).Table(g.table)
	for _, p := range g.privs {
		switch {
		case len(p.columns) == 0 && g.revoke:
			set.RemoveTable(g.schema, g.table, p.kind)
		case len(p.columns) == 0:
			set.AddTable(g.schema, g.table, p.kind)
		}
		for _, col := range p.columns {
			if !g.revoke {
				set.AddColumn(g.schema, g.table, col, p.kind)
				continue
			}
			if !have.Column(col).Has(p.kind) {
				return false
			}
			set.RemoveColumn(g.schema, g.table, col, p.kind)
		}
	}
	if g.grantor {
		set.AddTable(g.schema, g.table, sql.PrivilegeType_GrantOption)
	}
	return true
}

// mayGrantColumns reports whether the session's account has all that it grants, and GRANT OPTION.
func (s *Session) mayGrantColumns(c *sql.Context, g *columnGrant) bool {
	if s.login.AccountUser == "" && s.login.AccountHost == "" {
		return true
	}
	set := s.e.mysqlDB().UserActivePrivilegeSet(c)
	db := set.Database(g.schema)
	tbl := db.Table(g.table)
	at := func(k sql.PrivilegeType) bool { return set.Has(k) || db.Has(k) || tbl.Has(k) }
	if set.Has(sql.PrivilegeType_Super) {
		return true
	}
	if !at(sql.PrivilegeType_GrantOption) {
		return false
	}
	for _, p := range g.privs {
		if at(p.kind) {
			continue
		}
		for _, col := range p.columns {
			if !tbl.Column(col).Has(p.kind) {
				return false
			}
		}
		if len(p.columns) == 0 {
			return false
		}
	}
	return true
}

// eachColumnGrant visits all privileges on columns, of all accounts in order.
func (e *Engine) eachColumnGrant(visit func(id authID, db, tbl string, col sql.PrivilegeSetColumn)) {
	rd := e.mysqlDB().Reader()
	defer rd.Close()
	var users []*mysql_db.User
	rd.VisitUsers(func(u *mysql_db.User) { users = append(users, u) })
	slices.SortFunc(users, func(a, b *mysql_db.User) int { return compareIDs(authID{a.User, a.Host}, authID{b.User, b.Host}) })
	for _, u := range users {
		for _, db := range u.PrivilegeSet.GetDatabases() {
			for _, tbl := range db.GetTables() {
				for _, col := range tbl.GetColumns() {
					visit(authID{u.User, u.Host}, db.Name(), tbl.Name(), col)
				}
			}
		}
	}
}

// columnsPrivTable is mysql.columns_priv.
func columnsPrivTable(e *Engine, name string) *ownTable {
	return &ownTable{name: name, schema: mysqlColumns(name, "Host", varchar255, "Db", varchar64, "User", varchar32, "Table_name", varchar64, "Column_name", varchar64,
		"Timestamp", timestamp6, "Column_priv", varchar64), rows: func(c *sql.Context) (out []sql.Row, _ error) {
		e.eachColumnGrant(func(id authID, db, tbl string, col sql.PrivilegeSetColumn) {
			var privs []string
			for _, p := range []sql.PrivilegeType{sql.PrivilegeType_Select, sql.PrivilegeType_Insert, sql.PrivilegeType_Update, sql.PrivilegeType_References} {
				if text := p.String(); col.Has(p) {
					privs = append(privs, text[:1]+strings.ToLower(text[1:]))
				}
			}
			if len(privs) > 0 {
				out = append(out, sql.Row{id.Host, db, id.User, tbl, col.Name(), c.QueryTime(), strings.Join(privs, ",")})
			}
		})
		return out, nil
	}}
}

// columnPrivilegesTable is information_schema.column_privileges: of all accounts for those who may read the database mysql, for others their own.
func columnPrivilegesTable(e *Engine) *ownTable {
	const columns = "GRANTEE TABLE_CATALOG TABLE_SCHEMA TABLE_NAME COLUMN_NAME PRIVILEGE_TYPE IS_GRANTABLE"
	return &ownTable{name: "COLUMN_PRIVILEGES", schema: infoColumns("COLUMN_PRIVILEGES", strings.Fields(columns)...), rows: func(c *sql.Context) (out []sql.Row, _ error) {
		s := sessionOf(c)
		all := s.mayRead(c, "mysql")
		me := authID{s.login.AccountUser, s.login.AccountHost}
		e.eachColumnGrant(func(id authID, db, tbl string, col sql.PrivilegeSetColumn) {
			if !all && id != me {
				return
			}
			for _, p := range grantOrder {
				if col.Has(p) {
					out = append(out, sql.Row{"'" + id.User + "'@'" + id.Host + "'", "def", db, tbl, col.Name(), p.String(), "NO"})
				}
			}
		})
		return out, nil
	}}
}
