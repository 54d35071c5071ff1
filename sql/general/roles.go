package general

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"unsafe"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/mysql_db"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/transform"
	"github.com/dolthub/go-mysql-server/sql/types"
	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/sql/grammar"
	"github.com/zoryadb/zorya/sql/lexer"
	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// Roles. The library keeps who was granted what (role edges) and takes every granted role for active; here a session's active roles are
// its default ones, or what SET ROLE chose, and the library is handed the privileges of these (gmsSession.GetPrivilegeSet).

// grants is what the library knows of roles at one time.
type grants struct{ rd *mysql_db.Reader }

func (e *Engine) grants() grants { return grants{e.mysqlDB().Reader()} }

func (g grants) close() { g.rd.Close() }

// direct are the roles granted to an account itself.
func (g grants) direct(to authID) (out []authID) {
	for _, edge := range g.rd.GetToUserRoleEdges(mysql_db.RoleEdgesToKey{ToUser: to.User, ToHost: to.Host}) {
		out = append(out, authID{edge.FromUser, edge.FromHost})
	}
	slices.SortFunc(out, compareIDs)
	return out
}

// closure adds to the roles all that were granted to them.
func (g grants) closure(roles []authID) []authID {
	out := append([]authID(nil), roles...)
	for i := 0; i < len(out); i++ {
		for _, r := range g.direct(out[i]) {
			if !slices.Contains(out, r) {
				out = append(out, r)
			}
		}
	}
	return out
}

// mandatory are the roles of mandatory_roles that exist.
func (g grants) mandatory() (out []authID) {
	_, v, _ := sql.SystemVariables.GetGlobal("mandatory_roles")
	text, _ := v.(string)
	if text == "" {
		return nil
	}
	t := lexer.NewCursor(text, 0, grammar.MaxTokens)
	for !t.End() {
		user, host, ok := account(t)
		if !ok {
			return out
		}
		if id := (authID{user, strings.ToLower(host)}); userEntry(g.rd, id) != nil {
			out = append(out, id)
		}
		t.Accept(",")
	}
	return out
}

// mandatoryRolesChange makes all that is cached of privileges out of date: the library's by its counter, the fast lane's by the catalog's.
func (e *Engine) mandatoryRolesChange(c *sql.Context, _ sql.SystemVariableScope, v sql.SystemVarValue) error {
	if e.gms == nil || !e.mysqlDB().Enabled() {
		return nil // at start
	}
	text, _ := v.Val.(string)
	for t := lexer.NewCursor(text, 0, grammar.MaxTokens); !t.End(); {
		if _, _, ok := account(t); !ok || !t.End() && !t.Accept(",") {
			return mysqlerr.New(mysqlerr.ER_WRONG_VALUE_FOR_VAR, "mandatory_roles", text)
		}
	}
	e.show(nil)
	return nil
}

// granted are all roles that an account may activate: its own and the mandatory ones.
func (g grants) granted(to authID) []authID {
	out := g.direct(to)
	for _, r := range g.mandatory() {
		if r != to && !slices.Contains(out, r) {
			out = append(out, r)
		}
	}
	slices.SortFunc(out, compareIDs)
	return out
}

// loginRoles are the roles that are active after login.
func (e *Engine) loginRoles(id authID) []authID {
	g := e.grants()
	defer g.close()
	granted := g.granted(id)
	if len(granted) == 0 {
		return nil
	}
	if _, v, ok := sql.SystemVariables.GetGlobal("activate_all_roles_on_login"); ok && truth(v) {
		return granted
	}
	var out []authID
	for _, r := range e.options(id).DefaultRoles {
		if slices.Contains(granted, r) {
			out = append(out, r)
		}
	}
	slices.SortFunc(out, compareIDs)
	return out
}

// privilegeVersion is the library's counter of changes to grants, which it keeps to itself: its sessions' caches are valid for one value.
func privilegeVersion(db *mysql_db.MySQLDb) uint64 {
	f := reflect.ValueOf(db).Elem().FieldByName("updateCounter")
	return (*atomic.Uint64)(unsafe.Pointer(f.UnsafeAddr())).Load()
}

// GetPrivilegeSet implements sql.Session. The library computes a session's privileges when this says that they are out of date; here they
// never are.
func (g *gmsSession) GetPrivilegeSet() (sql.PrivilegeSet, uint64) {
	db := g.s.e.mysqlDB()
	set, at := g.BaseSession.GetPrivilegeSet()
	now := privilegeVersion(db)
	if set != nil && at == now {
		return set, at
	}
	client := g.Client()
	set = g.s.e.privileges(authID{client.User, client.Address}, g.s.rolesOf(client))
	g.BaseSession.SetPrivilegeSet(set, now)
	return set, now
}

// rolesOf are the session's active roles, or those of the definer in whose name it works.
func (s *Session) rolesOf(client sql.Client) []authID {
	if client.User == s.login.AccountUser && client.Address == s.login.AccountHost {
		return s.roles
	}
	return s.e.loginRoles(authID{client.User, client.Address})
}

// privileges are an account's with some of its roles. Roles that were revoked or dropped meanwhile do not count.
func (e *Engine) privileges(id authID, active []authID) mysql_db.PrivilegeSet {
	g := e.grants()
	defer g.close()
	u := userEntry(g.rd, id)
	if u == nil {
		if u = e.mysqlDB().GetUser(g.rd, id.User, id.Host, false); u == nil {
			return mysql_db.NewPrivilegeSet()
		}
		id = authID{u.User, u.Host}
	}
	set := u.PrivilegeSet.Copy()
	if len(active) == 0 {
		return set
	}
	granted := g.granted(id)
	active = slices.DeleteFunc(slices.Clone(active), func(r authID) bool { return !slices.Contains(granted, r) })
	for _, r := range g.closure(active) {
		if role := userEntry(g.rd, r); role != nil {
			set.UnionWith(role.PrivilegeSet)
		}
	}
	return set
}

// setActive makes roles the active ones.
func (s *Session) setActive(roles []authID) {
	slices.SortFunc(roles, compareIDs)
	s.roles = slices.Compact(roles)
	s.gms.SetPrivilegeSet(nil, 0)
}

// roleText is CURRENT_ROLE().
func roleText(roles []authID) string {
	if len(roles) == 0 {
		return "NONE"
	}
	names := make([]string, len(roles))
	for i, r := range roles {
		names[i] = r.String()
	}
	return strings.Join(names, ",")
}

// currentRole is the function CURRENT_ROLE().
func currentRole(*Engine) sql.Function {
	return sql.NewFunction0("current_role", func(c *sql.Context) sql.Expression {
		text := "NONE"
		if s := sessionOf(c); s != nil {
			text = roleText(s.roles)
		}
		return expression.NewLiteral(text, types.LongText)
	})
}

// setRole is SET ROLE and SET DEFAULT ROLE.
func (s *Session) setRole(t *lexer.Cursor) (*Statement, error) {
	byDefault := t.Accept("DEFAULT")
	t.Accept("ROLE")
	choice, ok := s.roleChoice(t)
	if !ok || byDefault && (choice.kind == rolesDefault || len(choice.except) > 0) {
		return nil, s.wrong(t)
	}
	if byDefault {
		if !t.Accept("TO") {
			return nil, s.wrong(t)
		}
		to, ok := s.accountNames(t)
		if !ok {
			return nil, s.wrong(t)
		}
		return s.done(t, &Statement{Class: DDL, run: func(c *sql.Context, s *Session, _ *execution) (*Result, error) {
			return &Result{}, s.setDefaultRoles(c, to, choice)
		}})
	}
	return s.done(t, &Statement{run: func(c *sql.Context, s *Session, _ *execution) (*Result, error) {
		active, err := s.chosen(choice)
		if err == nil {
			s.setActive(active)
		}
		return &Result{}, err
	}})
}

type rolesKind uint8

const (
	rolesNamed rolesKind = iota
	rolesNone
	rolesAll
	rolesDefault
)

// roleChoice is NONE, DEFAULT, ALL, ALL EXCEPT ... or a list.
type roleChoice struct {
	kind          rolesKind
	named, except []authID
}

func (s *Session) roleChoice(t *lexer.Cursor) (c roleChoice, ok bool) {
	ok = true
	switch {
	case t.Accept("NONE"):
		c.kind = rolesNone
	case t.Accept("DEFAULT"):
		c.kind = rolesDefault
	case t.Accept("ALL"):
		c.kind = rolesAll
		if t.Accept("EXCEPT") {
			c.except, ok = s.accountNames(t)
		}
	default:
		c.named, ok = s.accountNames(t)
	}
	return c, ok
}

// chosen are the roles that a choice makes active in this session.
func (s *Session) chosen(c roleChoice) ([]authID, error) {
	me := authID{s.login.AccountUser, s.login.AccountHost}
	if c.kind == rolesDefault {
		g := s.e.grants()
		defer g.close()
		granted := g.granted(me)
		return slices.DeleteFunc(slices.Clone(s.e.options(me).DefaultRoles), func(r authID) bool { return !slices.Contains(granted, r) }), nil
	}
	return s.e.choose(me, c)
}

func (e *Engine) choose(to authID, c roleChoice) ([]authID, error) {
	g := e.grants()
	defer g.close()
	granted := g.granted(to)
	for _, r := range append(slices.Clone(c.named), c.except...) {
		if !slices.Contains(granted, r) {
			return nil, mysqlerr.New(mysqlerr.ER_ROLE_NOT_GRANTED, r.String(), to.String())
		}
	}
	switch c.kind {
	case rolesNone:
		return nil, nil
	case rolesAll:
		return slices.DeleteFunc(granted, func(r authID) bool { return slices.Contains(c.except, r) }), nil
	}
	return slices.Clone(c.named), nil
}

// setDefaultRoles: one's own without a privilege, others' with CREATE USER.
func (s *Session) setDefaultRoles(c *sql.Context, to []authID, choice roleChoice) error {
	me := authID{s.login.AccountUser, s.login.AccountHost}
	for _, id := range to {
		if id != me && !s.Allowed("CREATE USER") {
			return mysqlerr.New(mysqlerr.ER_SPECIFIC_ACCESS_DENIED_ERROR, "CREATE USER")
		}
		if !s.e.accountExists(id.User, id.Host) {
			return cannot("SET DEFAULT ROLE", id)
		}
	}
	return s.e.changeAccounts(c, to, func(d accountDrafts) (err error) {
		for _, id := range to {
			if d.of(id).options.DefaultRoles, err = s.e.choose(id, choice); err != nil {
				return err
			}
		}
		return nil
	})
}

// checkRoleGrant refuses what the library would grant: unknown accounts and loops.
func (s *Session) checkRoleGrant(roles, to []sqlparser.AccountName) error {
	g := s.e.grants()
	defer g.close()
	for _, n := range append(slices.Clone(to), roles...) {
		if id := idOf(n); userEntry(g.rd, id) == nil {
			return mysqlerr.New(mysqlerr.ER_UNKNOWN_AUTHID, id.User, id.Host)
		}
	}
	for _, r := range roles {
		for _, n := range to {
			if slices.Contains(g.closure([]authID{idOf(r)}), idOf(n)) {
				return mysqlerr.New(mysqlerr.ER_ROLE_GRANTED_TO_ITSELF, idOf(n).String(), idOf(r).String())
			}
		}
	}
	return nil
}

// checkRoleRevoke refuses to take away what was not granted, or is mandatory.
func (s *Session) checkRoleRevoke(n *sqlparser.RevokeRole) error {
	g := s.e.grants()
	defer g.close()
	for _, r := range n.Roles {
		if slices.Contains(g.mandatory(), idOf(r)) {
			return mandatoryRole(idOf(r))
		}
		for _, to := range n.From {
			if n.IgnoreUnknownUser && userEntry(g.rd, idOf(to)) == nil {
				continue
			}
			for _, id := range []authID{idOf(r), idOf(to)} {
				if userEntry(g.rd, id) == nil && !n.IfExists {
					return mysqlerr.New(mysqlerr.ER_UNKNOWN_AUTHID, id.User, id.Host)
				}
			}
		}
	}
	return nil
}

func mandatoryRole(id authID) error {
	return mysqlerr.NewMessage(3628, "The role %s is a mandatory role and can't be revoked or dropped. The restriction can be lifted by excluding the role identifier from the global variable mandatory_roles.", id)
}

func idOf(n sqlparser.AccountName) authID {
	host := n.Host
	if n.AnyHost || host == "" {
		host = "%"
	}
	return authID{n.Name, strings.ToLower(host)}
}

// drop removes accounts and roles: what was granted of them to others goes too.
func (e *Engine) drop(c *sql.Context, gone []authID) error {
	return e.changeAccounts(c, nil, func(d accountDrafts) error {
		for _, id := range gone {
			for _, holder := range e.holders(id) {
				a := d.of(holder)
				a.edges = slices.DeleteFunc(a.edges, func(edge *mysql_db.RoleEdge) bool { return (authID{edge.FromUser, edge.FromHost}) == id })
			}
			for _, holder := range e.withDefaultRole(id) {
				o := &d.of(holder).options
				o.DefaultRoles = slices.DeleteFunc(slices.Clone(o.DefaultRoles), func(r authID) bool { return r == id })
			}
		}
		for _, id := range gone {
			d.of(id).user = nil
			e.logins.forget(id)
		}
		return nil
	})
}

// holders are the accounts that a role is granted to.
func (e *Engine) holders(role authID) (out []authID) {
	rd := e.mysqlDB().Reader()
	defer rd.Close()
	rd.VisitRoleEdges(func(edge *mysql_db.RoleEdge) {
		if (authID{edge.FromUser, edge.FromHost}) == role {
			out = append(out, authID{edge.ToUser, edge.ToHost})
		}
	})
	return out
}

func yesNo(b bool) string {
	if b {
		return "YES"
	}
	return "NO"
}

// defaultRolesTable is mysql.default_roles.
func defaultRolesTable(e *Engine, name string) *ownTable {
	return &ownTable{name: name, schema: mysqlColumns(name, "HOST", varchar255, "USER", varchar32, "DEFAULT_ROLE_HOST", varchar255, "DEFAULT_ROLE_USER", varchar32),
		rows: func(*sql.Context) ([]sql.Row, error) {
			var out []sql.Row
			for id, o := range e.allOptions() {
				for _, r := range o.DefaultRoles {
					out = append(out, sql.Row{id.Host, id.User, r.Host, r.User})
				}
			}
			slices.SortFunc(out, func(a, b sql.Row) int { return strings.Compare(fmt.Sprint(a...), fmt.Sprint(b...)) })
			return out, nil
		}}
}

// applicable lists the roles that the session's account may activate, directly or through others.
func (s *Session) applicable() (out []*mysql_db.RoleEdge) {
	me := authID{s.login.AccountUser, s.login.AccountHost}
	g := s.e.grants()
	defer g.close()
	seen := map[authID]bool{}
	for queue := []authID{me}; len(queue) > 0; queue = queue[1:] {
		to := queue[0]
		if seen[to] {
			continue
		}
		seen[to] = true
		edges := g.rd.GetToUserRoleEdges(mysql_db.RoleEdgesToKey{ToUser: to.User, ToHost: to.Host})
		for _, edge := range edges {
			out = append(out, edge)
			queue = append(queue, authID{edge.FromUser, edge.FromHost})
		}
		if to == me {
			for _, r := range g.mandatory() {
				if !slices.ContainsFunc(edges, func(e *mysql_db.RoleEdge) bool { return (authID{e.FromUser, e.FromHost}) == r }) && r != me {
					out = append(out, &mysql_db.RoleEdge{FromUser: r.User, FromHost: r.Host, ToUser: me.User, ToHost: me.Host})
					queue = append(queue, r)
				}
			}
		}
	}
	return out
}

const applicableColumns = "USER HOST GRANTEE GRANTEE_HOST ROLE_NAME ROLE_HOST IS_GRANTABLE IS_DEFAULT IS_MANDATORY"

func applicableTable(name string, onlyAdmin bool) func(e *Engine) *ownTable {
	return func(e *Engine) *ownTable {
		return &ownTable{name: name, schema: infoColumns(name, strings.Fields(applicableColumns)...), rows: func(c *sql.Context) ([]sql.Row, error) {
			s := sessionOf(c)
			me := authID{s.login.AccountUser, s.login.AccountHost}
			byDefault := e.options(me).DefaultRoles
			g := e.grants()
			mandatory := g.mandatory()
			g.close()
			var out []sql.Row
			for _, r := range s.applicable() {
				if onlyAdmin && !r.WithAdminOption {
					continue
				}
				id := authID{r.FromUser, r.FromHost}
				out = append(out, sql.Row{me.User, me.Host, r.ToUser, r.ToHost, id.User, id.Host, yesNo(r.WithAdminOption),
					yesNo(slices.Contains(byDefault, id)), yesNo(slices.Contains(mandatory, id))})
			}
			return out, nil
		}}
	}
}

func enabledRolesTable(e *Engine) *ownTable {
	return &ownTable{name: "ENABLED_ROLES", schema: infoColumns("ENABLED_ROLES", "ROLE_NAME", "ROLE_HOST", "IS_DEFAULT", "IS_MANDATORY"),
		rows: func(c *sql.Context) ([]sql.Row, error) {
			s := sessionOf(c)
			g := e.grants()
			defer g.close()
			mandatory := g.mandatory()
			var out []sql.Row
			for _, r := range g.closure(s.roles) {
				out = append(out, sql.Row{r.User, r.Host, yesNo(slices.Contains(e.options(authID{s.login.AccountUser, s.login.AccountHost}).DefaultRoles, r)),
					yesNo(slices.Contains(mandatory, r))})
			}
			return out, nil
		}}
}

// runAccounts executes the library's statements that change accounts and roles; done is false for all others.
func (s *Session) runAccounts(c *sql.Context, x *execution, st *Statement) (res *Result, done bool, err error) {
	var changed, gone []authID
	named := func(lists ...[]sqlparser.AccountName) {
		for _, names := range lists {
			for _, n := range names {
				changed = append(changed, idOf(n))
			}
		}
	}
	switch n := st.ast.(type) {
	case *sqlparser.GrantRole:
		named(n.Roles, n.To)
		err = s.checkRoleGrant(n.Roles, n.To)
	case *sqlparser.RevokeRole:
		named(n.Roles, n.From)
		err = s.checkRoleRevoke(n)
	case *sqlparser.GrantPrivilege:
		named(n.To)
	case *sqlparser.RevokePrivilege:
		named(n.From)
	case *sqlparser.CreateRole:
		named(n.Roles)
	case *sqlparser.DropRole:
		gone, err = s.dropped("DROP ROLE", n.Roles, n.IfExists)
	case *sqlparser.DropUser:
		gone, err = s.dropped("DROP USER", n.AccountNames, n.IfExists)
	default:
		return nil, false, nil
	}
	if err != nil {
		return nil, true, err
	}
	node, flags, err := s.analyze(c, x, st.ast, st.Text)
	if err != nil {
		return nil, true, err
	}
	if len(changed) == 0 {
		return &Result{}, true, s.e.drop(c, gone)
	}
	err = s.e.changeAccounts(c, changed, func(d accountDrafts) error {
		var copies []*accountDraft
		for _, id := range changed {
			copies = append(copies, d.of(id))
		}
		db := scratch(&captured{}, copies...)
		var dynamic func(set mysql_db.PrivilegeSet)
		if node, dynamic, err = onAccounts(node, db); err != nil {
			return err
		}
		if res, err = s.runPlan(c, x, node, flags); err != nil {
			return err
		}
		rd := db.Reader()
		defer rd.Close()
		for _, id := range changed {
			a := d.of(id)
			a.user, a.edges = userEntry(rd, id), united(rd.GetToUserRoleEdges(mysql_db.RoleEdgesToKey{ToUser: id.User, ToHost: id.Host}))
			if dynamic != nil && a.user != nil {
				dynamic(a.user.PrivilegeSet)
			}
		}
		return nil
	})
	return res, true, err
}

// united are the grants of roles to one account, one of each role: granted again WITH ADMIN OPTION, it has that.
func united(edges []*mysql_db.RoleEdge) (out []*mysql_db.RoleEdge) {
	for _, e := range edges {
		at := slices.IndexFunc(out, func(o *mysql_db.RoleEdge) bool { return o.FromUser == e.FromUser && o.FromHost == e.FromHost })
		switch {
		case at < 0:
			out = append(out, e)
		case e.WithAdminOption:
			out[at] = e
		}
	}
	return out
}

// onAccounts makes a node of the library that changes accounts do so in db. dynamic, if set, is what remains to be done to each: the library grants only two
// of the dynamic privileges.
func onAccounts(node sql.Node, db *mysql_db.MySQLDb) (out sql.Node, dynamic func(set mysql_db.PrivilegeSet), err error) {
	out, _, err = transform.Node(nil, node, func(_ *sql.Context, n sql.Node) (sql.Node, transform.TreeIdentity, error) {
		d, ok := n.(sql.Databaser)
		if !ok {
			return n, transform.SameTree, nil
		}
		if _, ok := d.Database().(*mysql_db.MySQLDb); !ok {
			return n, transform.SameTree, nil
		}
		n, err := d.WithDatabase(db)
		if err != nil {
			return nil, transform.SameTree, err
		}
		var names []string
		switch n := n.(type) {
		case *plan.Grant:
			if n.Privileges, names, err = splitDynamic(n.Privileges, n.PrivilegeLevel); len(names) > 0 {
				dynamic = func(set mysql_db.PrivilegeSet) { set.AddGlobalDynamic(n.WithGrantOption, names...) }
			}
		case *plan.Revoke:
			if n.Privileges, names, err = splitDynamic(n.Privileges, n.PrivilegeLevel); len(names) > 0 {
				dynamic = func(set mysql_db.PrivilegeSet) { set.RemoveGlobalDynamic(names...) }
			}
		}
		return n, transform.NewTree, err
	})
	return out, dynamic, err
}

// splitDynamic takes the dynamic privileges out of a list.
func splitDynamic(list []plan.Privilege, level plan.PrivilegeLevel) (rest []plan.Privilege, dynamic []string, err error) {
	for _, p := range list {
		switch {
		case p.Type != plan.PrivilegeType_Dynamic:
			rest = append(rest, p)
		case level.Database != "*" || level.TableRoutine != "*":
			return nil, nil, mysqlerr.NewMessage(3619, "Illegal privilege level specified for %s", strings.ToUpper(p.Dynamic))
		default:
			dynamic = append(dynamic, strings.ToLower(p.Dynamic))
		}
	}
	if len(rest) == 0 {
		rest = []plan.Privilege{{Type: plan.PrivilegeType_Usage}} // the library still looks for the accounts
	}
	return rest, dynamic, nil
}

// dropped are the accounts that a DROP names; it refuses missing and mandatory ones.
func (s *Session) dropped(operation string, names []sqlparser.AccountName, ifExists bool) (out []authID, err error) {
	g := s.e.grants()
	defer g.close()
	var missing []authID
	for _, n := range names {
		id := idOf(n)
		if slices.Contains(g.mandatory(), id) {
			return nil, mandatoryRole(id)
		}
		if userEntry(g.rd, id) == nil {
			missing = append(missing, id)
			continue
		}
		out = append(out, id)
	}
	if len(missing) > 0 && !ifExists {
		return nil, cannot(operation, missing...)
	}
	for _, id := range missing {
		s.gms.Warn(&sql.Warning{Level: "Note", Code: 3162, Message: "Authorization ID '" + id.plain() + "' does not exist."})
	}
	return out, nil
}
