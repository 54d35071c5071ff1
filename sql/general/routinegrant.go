package general

import (
	"slices"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/mysql_db"

	"github.com/zoryadb/zorya/sql/lexer"
	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// routineGrant is GRANT or REVOKE of privileges on one stored routine; the library's has none on functions.
type routineGrant struct {
	revoke       bool
	privs        []sql.PrivilegeType
	procedure    bool
	schema, name string
	to           []authID
}

// ownRoutineGrant recognises GRANT .. ON FUNCTION f TO .. and the like; nil for other statements.
func (s *Session) ownRoutineGrant(t *lexer.Cursor) (*Statement, error) {
	on := slices.IndexFunc(t.Tokens, func(k lexer.Token) bool { return k.Kind == lexer.Word && strings.EqualFold(t.Src[k.Start:k.End], "ON") })
	if on < 0 || t.Word(on-t.Pos+1) != "FUNCTION" && t.Word(on-t.Pos+1) != "PROCEDURE" {
		return nil, nil
	}
	g := &routineGrant{revoke: t.Word(0) == "REVOKE", procedure: t.Word(on-t.Pos+1) == "PROCEDURE"}
	t.Pos++
	for more := true; more; more = t.Accept(",") {
		switch {
		case t.Accept("EXECUTE"):
			g.privs = append(g.privs, sql.PrivilegeType_Execute)
		case t.Accept("ALTER", "ROUTINE"):
			g.privs = append(g.privs, sql.PrivilegeType_AlterRoutine)
		case t.Accept("GRANT", "OPTION"):
			g.privs = append(g.privs, sql.PrivilegeType_GrantOption)
		case t.Accept("ALL"):
			t.Accept("PRIVILEGES")
			g.privs = append(g.privs, sql.PrivilegeType_Execute, sql.PrivilegeType_AlterRoutine)
		case t.Accept("USAGE"):
		default:
			if t.Pos < on {
				return nil, mysqlerr.New(mysqlerr.ER_ILLEGAL_GRANT_FOR_TABLE)
			}
			return nil, s.wrong(t)
		}
	}
	if t.Pos != on {
		return nil, s.wrong(t)
	}
	t.Pos += 2
	var ok bool
	if g.schema, g.name, ok = t.Qualified(); !ok || !t.Accept(map[bool]string{true: "FROM", false: "TO"}[g.revoke]) {
		return nil, s.wrong(t)
	}
	if g.to, ok = s.accountNames(t); !ok {
		return nil, s.wrong(t)
	}
	if !g.revoke && t.Accept("WITH", "GRANT", "OPTION") {
		g.privs = append(g.privs, sql.PrivilegeType_GrantOption)
	}
	return s.done(t, &Statement{Class: DDL, run: func(c *sql.Context, s *Session, _ *execution) (*Result, error) {
		return &Result{}, s.grantRoutine(c, g)
	}})
}

func (s *Session) grantRoutine(c *sql.Context, g *routineGrant) error {
	if g.schema == "" {
		if g.schema = c.GetCurrentDatabase(); g.schema == "" {
			return mysqlerr.New(mysqlerr.ER_NO_DB_ERROR)
		}
	}
	if !s.mayGrantRoutine(c, g) {
		return mysqlerr.NewMessage(1370, "grant command denied to user '%s'@'%s' for routine '%s.%s'", s.login.AccountUser, s.login.AccountHost, g.schema, g.name)
	}
	kind, word := kindFunction, "FUNCTION"
	if g.procedure {
		kind, word = kindProcedure, "PROCEDURE"
	}
	if !g.revoke {
		o, err := s.e.object(c, kind, g.schema, g.name)
		if err != nil {
			return err
		}
		if o == nil {
			return mysqlerr.New(mysqlerr.ER_SP_DOES_NOT_EXIST, word, g.schema+"."+g.name)
		}
		g.name = o.Name
	}
	for _, id := range g.to {
		if !s.e.accountExists(id.User, id.Host) && !g.revoke {
			return mysqlerr.New(mysqlerr.ER_CANT_CREATE_USER_WITH_GRANT)
		}
	}
	return s.e.changeAccounts(c, g.to, func(d accountDrafts) error {
		for _, id := range g.to {
			if a := d.of(id); a.user == nil || !g.apply(a.user.PrivilegeSet) {
				return mysqlerr.New(mysqlerr.ER_NONEXISTING_PROC_GRANT, id.User, id.Host, g.name)
			}
		}
		return nil
	})
}

// apply changes a set of privileges. It returns false when what is to be revoked is not there.
func (g *routineGrant) apply(set mysql_db.PrivilegeSet) bool {
	if !g.revoke {
		set.AddRoutine(g.schema, g.name, g.procedure, g.privs...)
		return true
	}
	for _, name := range []string{g.name, strings.ToLower(g.name)} {
		if set.Database(g.schema).Routine(name, g.procedure).Count() > 0 {
			set.RemoveRoutine(g.schema, name, g.procedure, g.privs...)
			return true
		}
	}
	return false
}

// mayGrantRoutine reports whether the session's account has all that it grants, and GRANT OPTION.
func (s *Session) mayGrantRoutine(c *sql.Context, g *routineGrant) bool {
	if s.login.AccountUser == "" && s.login.AccountHost == "" {
		return true
	}
	set := s.e.mysqlDB().UserActivePrivilegeSet(c)
	db := set.Database(g.schema)
	routine := db.Routine(g.name, g.procedure)
	at := func(k sql.PrivilegeType) bool { return set.Has(k) || db.Has(k) || routine.Has(k) }
	if set.Has(sql.PrivilegeType_Super) {
		return true
	}
	for _, p := range g.privs {
		if !at(p) {
			return false
		}
	}
	return at(sql.PrivilegeType_GrantOption)
}
