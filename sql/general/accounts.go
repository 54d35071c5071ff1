package general

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"hash/maphash"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/mysql_db"

	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/lexer"
	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/sqltext"
)

// Accounts and roles. What the library knows of an account (password, privileges, roles granted to it) is in its mysql_db, for it decides by that; what it
// does not (default roles, password policies, limits) is beside it. On disk an account is one catalog object, so that a change writes the accounts
// that it changes and no other: with a tenant an account, there are thousands, and one of them is always being changed.
//
// A change is made on copies, stored, and only then shown to everybody (changeAccounts): logins and privilege checks of others never wait for a commit.

// authID names an account or a role.
type authID struct{ User, Host string }

func (a authID) String() string { return sqltext.Quote(a.User) + "@" + sqltext.Quote(a.Host) }

// plain is the name as messages put it, between quotes.
func (a authID) plain() string { return a.User + "'@'" + a.Host }

// object is the name of an account's catalog object; hosts have no @.
func (a authID) object() string { return "account:" + a.User + "@" + a.Host }

func compareIDs(a, b authID) int {
	if c := strings.Compare(a.User, b.User); c != 0 {
		return c
	}
	return strings.Compare(a.Host, b.Host)
}

// accountOptions are the options of one account. The zero value is what CREATE USER without options gives.
type accountOptions struct {
	DefaultRoles []authID `json:",omitempty"`

	Expired        bool          `json:",omitempty"` // PASSWORD EXPIRE
	Lifetime       *int64        `json:",omitempty"` // days; 0: NEVER; nil: default_password_lifetime
	History        *int64        `json:",omitempty"` // PASSWORD HISTORY; nil: password_history
	ReuseDays      *int64        `json:",omitempty"` // PASSWORD REUSE INTERVAL; nil: password_reuse_interval
	RequireCurrent *bool         `json:",omitempty"` // PASSWORD REQUIRE CURRENT, OPTIONAL; nil: password_require_current
	Former         []oldPassword `json:",omitempty"` // mysql.password_history, the newest first; the one in force is among them
	Secondary      string        `json:",omitempty"` // hash of the password of RETAIN CURRENT PASSWORD

	FailedLogins int64 `json:",omitempty"` // in a row, before the account is blocked for LockDays; 0: never
	LockDays     int64 `json:",omitempty"` // -1: UNBOUNDED

	AccountLimits

	Attributes map[string]any `json:",omitempty"` // ATTRIBUTE and COMMENT
}

// AccountLimits bound what an account may do; 0: nothing.
type AccountLimits struct {
	Queries         int64 `json:",omitempty"` // MAX_QUERIES_PER_HOUR
	Updates         int64 `json:",omitempty"` // MAX_UPDATES_PER_HOUR
	Connections     int64 `json:",omitempty"` // MAX_CONNECTIONS_PER_HOUR
	UserConnections int64 `json:",omitempty"` // MAX_USER_CONNECTIONS; 0: max_user_connections
}

// accountBook is what is kept of accounts beside the library.
type accountBook struct {
	mu      sync.RWMutex
	options map[authID]accountOptions

	seed     maphash.Seed
	changing [64]sync.Mutex // each for a share of the accounts, held while one of them is changed
	changes  atomic.Uint64  // grows when what accounts may do has changed and is to be seen
}

func newAccountBook() *accountBook {
	return &accountBook{options: map[authID]accountOptions{}, seed: maphash.MakeSeed()}
}

// lock keeps others from changing these accounts; with none, all of them.
func (b *accountBook) lock(ids []authID) (unlock func()) {
	var which [len(b.changing)]bool
	for _, id := range ids {
		which[maphash.Comparable(b.seed, id)%uint64(len(b.changing))] = true
	}
	for i := range b.changing { // in order, so that two who want several never wait for each other
		if which[i] = which[i] || len(ids) == 0; which[i] {
			b.changing[i].Lock()
		}
	}
	return func() {
		for i, held := range which {
			if held {
				b.changing[i].Unlock()
			}
		}
	}
}

// options are an account's. They are shared: who changes them clones what is not a plain value.
func (e *Engine) options(id authID) accountOptions {
	e.accounts.mu.RLock()
	defer e.accounts.mu.RUnlock()
	return e.accounts.options[id]
}

// allOptions are those of all accounts.
func (e *Engine) allOptions() map[authID]accountOptions {
	e.accounts.mu.RLock()
	defer e.accounts.mu.RUnlock()
	return maps.Clone(e.accounts.options)
}

// accountDraft is an account as a change is to leave it.
type accountDraft struct {
	user    *mysql_db.User       // nil: there is none
	edges   []*mysql_db.RoleEdge // of the roles granted to it
	options accountOptions
}

// accountDrafts are the accounts that a change has looked at so far.
type accountDrafts struct {
	e  *Engine
	by map[authID]*accountDraft
}

// of is a copy of an account, to be changed.
func (d accountDrafts) of(id authID) *accountDraft {
	if a := d.by[id]; a != nil {
		return a
	}
	a := &accountDraft{options: d.e.options(id)}
	rd := d.e.mysqlDB().Reader()
	defer rd.Close()
	if u := userEntry(rd, id); u != nil {
		n := *u
		n.PrivilegeSet = u.PrivilegeSet.Copy() // sessions share the one there
		a.user = &n
	}
	for _, edge := range rd.GetToUserRoleEdges(mysql_db.RoleEdgesToKey{ToUser: id.User, ToHost: id.Host}) {
		n := *edge
		a.edges = append(a.edges, &n)
	}
	d.by[id] = a
	return a
}

// changeAccounts changes these accounts, and with none named any: all that change does or, when it or the catalog fails, nothing.
func (e *Engine) changeAccounts(ctx context.Context, ids []authID, change func(d accountDrafts) error) error {
	defer e.accounts.lock(ids)()
	d := accountDrafts{e, map[authID]*accountDraft{}}
	if err := change(d); err != nil {
		return err
	}
	var objects []table.Object
	for id, a := range d.by {
		if len(ids) > 0 && !slices.Contains(ids, id) {
			return fmt.Errorf("change the account %s: it was not named before", id)
		}
		o := table.Object{Kind: kindPrivileges, Name: id.object()}
		if a.user == nil {
			a.edges, a.options = nil, accountOptions{}
		} else {
			var err error
			if o.Body, err = a.encode(); err != nil {
				return fmt.Errorf("write the account %s: %w", id, err)
			}
		}
		objects = append(objects, o)
	}
	if len(objects) > 0 {
		if err := e.catalog.PutObjects(ctx, objects...); err != nil {
			return fmt.Errorf("write the accounts: %w", err)
		}
		e.show(d.by)
	}
	return nil
}

// show makes changed accounts those that everybody sees.
func (e *Engine) show(changed map[authID]*accountDraft) {
	e.accounts.mu.Lock()
	for id, a := range changed {
		if a.user == nil {
			delete(e.accounts.options, id)
		} else {
			e.accounts.options[id] = a.options
		}
	}
	e.accounts.mu.Unlock()
	ed := e.mysqlDB().Editor()
	for id, a := range changed {
		ed.RemoveUser(mysql_db.UserPrimaryKey{User: id.User, Host: id.Host})
		ed.RemoveRoleEdgesToKey(mysql_db.RoleEdgesToKey{ToUser: id.User, ToHost: id.Host})
		a.put(ed)
	}
	ed.Close()
	e.accounts.changes.Add(1)
}

func (a *accountDraft) put(ed *mysql_db.Editor) {
	if a.user != nil {
		ed.PutUser(a.user)
	}
	for _, edge := range a.edges {
		ed.PutRoleEdge(edge)
	}
}

// accountRecord is an account as the catalog has it.
type accountRecord struct {
	Account authID
	Role    bool `json:",omitempty"` // the library's form forgets it
	Options accountOptions
	Library []byte // the account and the roles granted to it in the library's form
}

// scratch is a mysql_db of the library with these accounts only. What its nodes persist goes to stored.
func scratch(stored mysql_db.MySQLDbPersistence, accounts ...*accountDraft) *mysql_db.MySQLDb {
	db := mysql_db.CreateEmptyMySQLDb()
	db.SetPersister(stored)
	db.SetPlugins(map[string]mysql_db.PlaintextAuthPlugin{pluginNative: nil, pluginSHA2: nil})
	db.SetEnabled(true)
	ed := db.Editor()
	defer ed.Close()
	for _, a := range accounts {
		a.put(ed)
	}
	return db
}

// captured is what the library persists.
type captured struct{ data []byte }

// Persist implements mysql_db.MySQLDbPersistence.
func (p *captured) Persist(_ *sql.Context, data []byte) error {
	p.data = bytes.Clone(data)
	return nil
}

func (a *accountDraft) encode() ([]byte, error) {
	var p captured
	db := scratch(&p, a)
	ed := db.Editor()
	err := db.Persist(nil, ed)
	ed.Close()
	if err != nil {
		return nil, err
	}
	return json.Marshal(accountRecord{authID{a.user.User, a.user.Host}, a.user.IsRole, a.options, p.data})
}

func decodeAccount(body []byte) (authID, *accountDraft, error) {
	var r accountRecord
	if err := json.Unmarshal(body, &r); err != nil {
		return authID{}, nil, err
	}
	db := scratch(&captured{})
	ed := db.Editor()
	defer ed.Close()
	if err := db.OverwriteUsersAndGrantData(nil, ed, r.Library); err != nil {
		return authID{}, nil, err
	}
	a := &accountDraft{user: userEntry(ed, r.Account), options: r.Options, edges: ed.GetToUserRoleEdges(mysql_db.RoleEdgesToKey{ToUser: r.Account.User, ToHost: r.Account.Host})}
	if a.user == nil {
		return authID{}, nil, fmt.Errorf("it holds no account %s", r.Account)
	}
	a.user.IsRole = r.Role
	return r.Account, a, nil
}

// loadPrivileges reads the stored accounts, at start and at FLUSH PRIVILEGES.
func (e *Engine) loadPrivileges(ctx context.Context) error {
	defer e.accounts.lock(nil)()
	list, err := e.catalog.Objects(ctx, kindPrivileges, "")
	if err != nil {
		return fmt.Errorf("read the accounts: %w", err)
	}
	all := map[authID]*accountDraft{}
	for _, o := range list {
		if o.Name == componentsObject {
			continue
		}
		id, a, err := decodeAccount(o.Body)
		if err != nil {
			return fmt.Errorf("read the accounts: %s: %w", o.Name, err)
		}
		all[id] = a
	}
	db := e.mysqlDB()
	db.SetPersister(unshown{})
	db.SetPlugins(map[string]mysql_db.PlaintextAuthPlugin{pluginNative: nil, pluginSHA2: nil})
	ed := db.Editor()
	var gone []authID
	ed.VisitUsers(func(u *mysql_db.User) { gone = append(gone, authID{u.User, u.Host}) })
	for _, id := range gone {
		if all[id] == nil {
			all[id] = &accountDraft{}
		}
	}
	ed.Close()
	e.show(all)
	ed = db.Editor()
	defer ed.Close()
	db.AddLockedSuperUser(ed, internalUser, "localhost", "")
	db.SetEnabled(true)
	return e.loadComponents(ctx)
}

// unshown refuses what would change accounts past changeAccounts, and be lost.
type unshown struct{}

// Persist implements mysql_db.MySQLDbPersistence.
func (unshown) Persist(*sql.Context, []byte) error {
	return mysqlerr.New(mysqlerr.ER_NOT_SUPPORTED_YET, "a change of accounts by this statement")
}

// userEntry finds exactly this account.
func userEntry(rd interface {
	GetUser(mysql_db.UserPrimaryKey) (*mysql_db.User, bool)
}, id authID) *mysql_db.User {
	u, ok := rd.GetUser(mysql_db.UserPrimaryKey{User: id.User, Host: id.Host})
	if !ok || u == nil {
		return nil
	}
	return u
}

// accountName reads user[@host] or CURRENT_USER[()]; role names are written alike.
func (s *Session) accountName(t *lexer.Cursor) (authID, bool) {
	if t.Accept("CURRENT_USER") || t.Word(0) == "USER" && t.At(1) == "(" && t.Accept("USER") {
		if t.Accept("(") && !t.Accept(")") {
			return authID{}, false
		}
		return authID{s.login.AccountUser, s.login.AccountHost}, true
	}
	if k := t.Kind(0); k != lexer.Word && k != lexer.Quoted && k != lexer.String {
		return authID{}, false
	}
	user, host, ok := account(t)
	return authID{user, strings.ToLower(host)}, ok
}

// accountNames reads a list of them.
func (s *Session) accountNames(t *lexer.Cursor) (out []authID, ok bool) {
	for {
		id, ok := s.accountName(t)
		if !ok {
			return nil, false
		}
		out = append(out, id)
		if !t.Accept(",") {
			return out, true
		}
	}
}

// cannot is the error of an operation on accounts.
func cannot(operation string, ids ...authID) error {
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = "'" + id.plain() + "'"
	}
	return mysqlerr.NewMessage(mysqlerr.ER_CANNOT_USER, "Operation %s failed for %s", operation, strings.Join(names, ","))
}
