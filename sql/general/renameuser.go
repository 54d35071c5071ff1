package general

import (
	"slices"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/mysql_db"

	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// RENAME USER: the library parses it and does nothing. An account takes its password, privileges, roles and options along; the objects of which
// it is the definer keep naming it as it was.

// renaming is one old_user TO new_user.
type renaming struct{ from, to authID }

// ownRename recognises RENAME USER; nil for RENAME TABLE.
func (s *Session) ownRename(t *tokens) (*Statement, error) {
	if t.word(1) != "USER" {
		return nil, nil
	}
	t.pos += 2
	var list []renaming
	for ok := true; ok; ok = t.accept(",") {
		var r renaming
		var is bool
		if r.from, is = s.accountName(t); !is || !t.accept("TO") {
			return nil, s.wrong(t)
		}
		if r.to, is = s.accountName(t); !is {
			return nil, s.wrong(t)
		}
		list = append(list, r)
	}
	return s.done(t, &Statement{Class: DDL, run: func(c *sql.Context, s *Session, _ *execution) (*Result, error) {
		return &Result{}, s.renameUsers(c, list)
	}})
}

// renameUsers renames all of the accounts or none of them.
func (s *Session) renameUsers(c *sql.Context, list []renaming) error {
	const operation = "RENAME USER"
	if !s.Allowed("CREATE USER") {
		return mysqlerr.New(mysqlerr.ER_SPECIFIC_ACCESS_DENIED_ERROR, "CREATE USER")
	}
	warnings, err := s.orphans(c, operation, list)
	if err != nil {
		return err
	}
	if err := s.e.renameEntries(c, operation, list); err != nil {
		return err
	}
	for _, w := range warnings {
		c.Session.Warn(w)
	}
	return s.e.changeAccounts(c, func(b accountBook) error {
		for _, r := range list { // in order: a name may be free only after an earlier renaming
			if o, have := b[r.from]; have {
				delete(b, r.from)
				b[r.to] = o
			}
			for id, o := range b {
				if i := slices.Index(o.DefaultRoles, r.from); i >= 0 {
					o.DefaultRoles = slices.Clone(o.DefaultRoles)
					o.DefaultRoles[i] = r.to
					b[id] = o
				}
			}
			s.e.logins.forget(r.from)
		}
		return nil
	})
}

// renameEntries renames the accounts in the library and stores them.
func (e *Engine) renameEntries(c *sql.Context, operation string, list []renaming) error {
	db := e.mysqlDB()
	ed := db.Editor()
	defer ed.Close()
	users := map[authID]*mysql_db.User{} // as the renamings so far leave them; nil: none of this name
	find := func(id authID) *mysql_db.User {
		u, known := users[id]
		if !known {
			u = userEntry(ed, id)
		}
		return u
	}
	var edges []*mysql_db.RoleEdge
	ed.VisitRoleEdges(func(edge *mysql_db.RoleEdge) {
		n := *edge
		edges = append(edges, &n)
	})
	var failed []authID
	for _, r := range list {
		u := find(r.from)
		if u == nil || find(r.to) != nil || r.from.User == internalUser {
			failed = append(failed, r.from)
			continue
		}
		for _, edge := range edges {
			if (authID{edge.FromUser, edge.FromHost}) == r.from {
				return mysqlerr.NewMessage(3532, "Renaming of a role identifier is forbidden")
			}
			if (authID{edge.ToUser, edge.ToHost}) == r.from {
				edge.ToUser, edge.ToHost = r.to.User, r.to.Host
			}
		}
		n := *u
		n.User, n.Host = r.to.User, r.to.Host
		users[r.from], users[r.to] = nil, &n
	}
	if len(failed) > 0 {
		return cannot(operation, failed...)
	}
	for _, r := range list {
		ed.RemoveUser(mysql_db.UserPrimaryKey{User: r.from.User, Host: r.from.Host})
		ed.RemoveRoleEdgesToKey(mysql_db.RoleEdgesToKey{ToUser: r.from.User, ToHost: r.from.Host})
	}
	for _, u := range users {
		if u != nil {
			ed.RemoveUser(mysql_db.UserPrimaryKey{User: u.User, Host: u.Host})
			ed.PutUser(u)
		}
	}
	for _, edge := range edges {
		ed.PutRoleEdge(edge)
	}
	return db.Persist(c, ed)
}

// orphans are the warnings of accounts whose names objects have for their definer; without SET_USER_ID they are an error.
func (s *Session) orphans(c *sql.Context, operation string, list []renaming) (out []*sql.Warning, err error) {
	may := s.Allowed("SET_USER_ID")
	for _, kind := range []struct {
		what  string
		kinds []string
	}{{"an event", []string{kindEvent}}, {"a view", []string{kindView}}, {"a stored routine", []string{kindFunction, kindProcedure}}, {"a trigger", []string{kindTrigger}}} {
		definers := map[authID]bool{}
		for _, k := range kind.kinds {
			if err := s.e.eachObject(c, k, func(_ string, o *stored) {
				if user, host, ok := splitDefiner(o.Definer); ok {
					definers[authID{user, host}] = true
				}
			}); err != nil {
				return nil, err
			}
		}
		for _, r := range list {
			switch {
			case !definers[r.from]:
			case !may:
				return nil, mysqlerr.NewMessage(4006, "Operation %s failed for '%s' as it is referenced as a definer account in %s.", operation, r.from.plain(), kind.what)
			default:
				out = append(out, &sql.Warning{Level: "Warning", Code: 4005, Message: "User '" + r.from.plain() + "' is referenced as a definer account in " + kind.what + "."})
			}
		}
	}
	return out, nil
}
