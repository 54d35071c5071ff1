package general

import (
	"slices"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/mysql_db"

	"github.com/zoryadb/zorya/sql/lexer"
	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// RENAME USER: the library parses it and does nothing. An account takes its password, privileges, roles and options along; the objects of which
// it is the definer keep naming it as it was.

// renaming is one old_user TO new_user.
type renaming struct{ from, to authID }

// ownRename recognises RENAME USER; nil for RENAME TABLE.
func (s *Session) ownRename(t *lexer.Cursor) (*Statement, error) {
	if t.Word(1) != "USER" {
		return nil, nil
	}
	t.Pos += 2
	var list []renaming
	for ok := true; ok; ok = t.Accept(",") {
		var r renaming
		var is bool
		if r.from, is = s.accountName(t); !is || !t.Accept("TO") {
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
	return s.e.changeAccounts(c, nil, func(d accountDrafts) error {
		var failed []authID
		for _, r := range list { // in order: a name may be free only after an earlier renaming
			from, to := d.of(r.from), d.of(r.to)
			if from.user == nil || to.user != nil || r.from.User == internalUser {
				failed = append(failed, r.from)
				continue
			}
			if s.e.isGranted(r.from) {
				return mysqlerr.NewMessage(3532, "Renaming of a role identifier is forbidden")
			}
			*to = *from
			*from = accountDraft{}
			to.user.User, to.user.Host = r.to.User, r.to.Host
			for _, edge := range to.edges {
				edge.ToUser, edge.ToHost = r.to.User, r.to.Host
			}
			for _, id := range s.e.withDefaultRole(r.from) {
				o := &d.of(id).options
				o.DefaultRoles = slices.Clone(o.DefaultRoles)
				for i := range o.DefaultRoles {
					if o.DefaultRoles[i] == r.from {
						o.DefaultRoles[i] = r.to
					}
				}
			}
			s.e.logins.forget(r.from)
		}
		if len(failed) > 0 {
			return cannot(operation, failed...)
		}
		for _, w := range warnings {
			c.Session.Warn(w)
		}
		return nil
	})
}

// isGranted reports whether somebody has been granted the role.
func (e *Engine) isGranted(role authID) (granted bool) {
	rd := e.mysqlDB().Reader()
	defer rd.Close()
	rd.VisitRoleEdges(func(edge *mysql_db.RoleEdge) { granted = granted || (authID{edge.FromUser, edge.FromHost}) == role })
	return granted
}

// withDefaultRole are the accounts of which it is a default role.
func (e *Engine) withDefaultRole(role authID) (out []authID) {
	e.accounts.mu.RLock()
	defer e.accounts.mu.RUnlock()
	for id, o := range e.accounts.options {
		if slices.Contains(o.DefaultRoles, role) {
			out = append(out, id)
		}
	}
	return out
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
