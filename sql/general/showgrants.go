package general

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/mysql_db"

	"github.com/zoryadb/zorya/sql/lexer"
	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/sqltext"
)

// grantOrder is the order in which MySQL lists privileges; the first n are those of a database, table, routine.
var grantOrder = []sql.PrivilegeType{sql.PrivilegeType_Select, sql.PrivilegeType_Insert, sql.PrivilegeType_Update, sql.PrivilegeType_Delete,
	sql.PrivilegeType_Create, sql.PrivilegeType_Drop, sql.PrivilegeType_Reload, sql.PrivilegeType_Shutdown, sql.PrivilegeType_Process, sql.PrivilegeType_File,
	sql.PrivilegeType_References, sql.PrivilegeType_Index, sql.PrivilegeType_Alter, sql.PrivilegeType_ShowDB, sql.PrivilegeType_Super,
	sql.PrivilegeType_CreateTempTable, sql.PrivilegeType_LockTables, sql.PrivilegeType_Execute, sql.PrivilegeType_ReplicationSlave,
	sql.PrivilegeType_ReplicationClient, sql.PrivilegeType_CreateView, sql.PrivilegeType_ShowView, sql.PrivilegeType_CreateRoutine,
	sql.PrivilegeType_AlterRoutine, sql.PrivilegeType_CreateUser, sql.PrivilegeType_Event, sql.PrivilegeType_Trigger, sql.PrivilegeType_CreateTablespace,
	sql.PrivilegeType_CreateRole, sql.PrivilegeType_DropRole}

// How many privileges, without GRANT OPTION, are ALL of a database, of a table and of a routine.
const (
	allOfDatabase = 18
	allOfTable    = 12
	allOfRoutine  = 2
)

// showGrants is SHOW GRANTS [FOR account [USING role, ...]].
func (s *Session) showGrants(t *lexer.Cursor) (*Statement, error) {
	t.Pos = 2
	me := authID{s.login.AccountUser, s.login.AccountHost}
	id, own := me, true
	var using []authID
	if t.Accept("FOR") {
		var ok bool
		if id, ok = s.accountName(t); !ok {
			return nil, s.wrong(t)
		}
		own = id == me && t.End()
		if t.Accept("USING") {
			if using, ok = s.accountNames(t); !ok {
				return nil, s.wrong(t)
			}
		}
	}
	return s.done(t, listing(texts("Grants for "+id.User+"@"+id.Host), func(c *sql.Context, s *Session) ([]sql.Row, error) {
		if id != me && !s.mayRead(c, "mysql") {
			return nil, mysqlerr.New(mysqlerr.ER_DBACCESS_DENIED_ERROR, me.User, me.Host, "mysql")
		}
		if !s.e.accountExists(id.User, id.Host) {
			return nil, mysqlerr.NewMessage(mysqlerr.ER_NONEXISTING_GRANT, "There is no such grant defined for user '%s' on host '%s'", id.User, id.Host)
		}
		active := using
		if own {
			active = s.roles
		} else if _, err := s.e.choose(id, roleChoice{named: using}); err != nil {
			return nil, err
		}
		return s.e.grantRows(id, s.e.privileges(id, active)), nil
	}))
}

// mayRead reports whether the account may read all of a database.
func (s *Session) mayRead(c *sql.Context, db string) bool {
	if s.login.AccountUser == "" && s.login.AccountHost == "" {
		return true
	}
	set := s.e.mysqlDB().UserActivePrivilegeSet(c)
	return set.Has(sql.PrivilegeType_Super) || set.Has(sql.PrivilegeType_Select) || set.Database(db).Has(sql.PrivilegeType_Select)
}

func (e *Engine) grantRows(id authID, set mysql_db.PrivilegeSet) []sql.Row {
	to := id.String()
	var out []sql.Row
	add := func(what, on string, grantable bool) {
		with := ""
		if grantable {
			with = " WITH GRANT OPTION"
		}
		out = append(out, sql.Row{"GRANT " + what + " ON " + on + " TO " + to + with})
	}
	names, grantable := privilegeNames(set.ToSlice(), len(grantOrder)+1)
	add(cmp.Or(names, "USAGE"), "*.*", grantable)
	for _, with := range []bool{true, false} {
		if dynamic := set.ToSliceDynamic(with); len(dynamic) > 0 {
			slices.Sort(dynamic)
			add(strings.ToUpper(strings.Join(dynamic, ",")), "*.*", with)
		}
	}
	dbs := set.GetDatabases()
	slices.SortFunc(dbs, func(a, b sql.PrivilegeSetDatabase) int { return strings.Compare(a.Name(), b.Name()) })
	for _, db := range dbs {
		if names, grantable := privilegeNames(db.ToSlice(), allOfDatabase); names != "" || grantable {
			add(cmp.Or(names, "USAGE"), sqltext.Quote(db.Name())+".*", grantable)
		}
	}
	for _, db := range dbs {
		tables := db.GetTables()
		slices.SortFunc(tables, func(a, b sql.PrivilegeSetTable) int { return strings.Compare(a.Name(), b.Name()) })
		for _, tbl := range tables {
			names, grantable := privilegeNames(tbl.ToSlice(), allOfTable)
			if cols := columnPrivileges(tbl); cols != "" {
				if names != "" {
					names += ", "
				}
				names += cols
			}
			if names != "" || grantable {
				add(cmp.Or(names, "USAGE"), sqltext.Quote(db.Name())+"."+sqltext.Quote(tbl.Name()), grantable)
			}
		}
		for _, r := range db.GetRoutines() {
			if names, grantable := privilegeNames(r.ToSlice(), allOfRoutine+1); names != "" || grantable {
				add(cmp.Or(names, "USAGE"), strings.ToUpper(r.RoutineType())+" "+sqltext.Quote(db.Name())+"."+sqltext.Quote(r.RoutineName()), grantable)
			}
		}
	}
	g := e.grants()
	defer g.close()
	for _, admin := range []bool{false, true} {
		var roles []string
		for _, edge := range g.rd.GetToUserRoleEdges(mysql_db.RoleEdgesToKey{ToUser: id.User, ToHost: id.Host}) {
			if edge.WithAdminOption == admin {
				roles = append(roles, authID{edge.FromUser, edge.FromHost}.String())
			}
		}
		if !admin {
			for _, r := range g.mandatory() {
				if r != id && !slices.Contains(g.direct(id), r) {
					roles = append(roles, r.String())
				}
			}
		}
		if slices.Sort(roles); len(roles) > 0 {
			out = append(out, sql.Row{fmt.Sprintf("GRANT %s TO %s%s", strings.Join(roles, ","), to, map[bool]string{true: " WITH ADMIN OPTION"}[admin])})
		}
	}
	return out
}

// privilegeNames lists privileges as SHOW GRANTS does; all is how many there are at this level.
func privilegeNames(list []sql.PrivilegeType, all int) (names string, grantable bool) {
	grantable = slices.Contains(list, sql.PrivilegeType_GrantOption)
	var out []string
	for _, p := range grantOrder {
		if slices.Contains(list, p) {
			out = append(out, p.String())
		}
	}
	if len(out) == all {
		return "ALL PRIVILEGES", grantable
	}
	return strings.Join(out, ", "), grantable
}

// columnPrivileges lists grants on columns: SELECT (`a`, `b`).
func columnPrivileges(t sql.PrivilegeSetTable) string {
	var out []string
	for _, p := range grantOrder {
		var cols []string
		for _, col := range t.GetColumns() {
			if col.Has(p) {
				cols = append(cols, sqltext.Quote(col.Name()))
			}
		}
		if slices.Sort(cols); len(cols) > 0 {
			out = append(out, p.String()+" ("+strings.Join(cols, ", ")+")")
		}
	}
	return strings.Join(out, ", ")
}
