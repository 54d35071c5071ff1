package general

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/mysql_db"

	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/lexer"
	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// What accounts have beyond what the library keeps of a user: default roles, password policies, limits. They are one catalog object beside
// the library's.

const accountsObject = "accounts"

// authID names an account or a role.
type authID struct{ User, Host string }

func (a authID) String() string { return quoteName(a.User) + "@" + quoteName(a.Host) }

// plain is the name as messages put it, between quotes.
func (a authID) plain() string { return a.User + "'@'" + a.Host }

func compareIDs(a, b authID) int {
	if c := strings.Compare(a.User, b.User); c != 0 {
		return c
	}
	return strings.Compare(a.Host, b.Host)
}

// accountOptions are the options of one account. The zero value is what CREATE USER without options gives.
type accountOptions struct {
	DefaultRoles []authID `json:",omitempty"`

	Expired      bool   `json:",omitempty"` // PASSWORD EXPIRE
	Lifetime     *int64 `json:",omitempty"` // days; 0: NEVER; nil: default_password_lifetime
	FailedLogins int64  `json:",omitempty"` // in a row, before the account is blocked for LockDays; 0: never
	LockDays     int64  `json:",omitempty"` // -1: UNBOUNDED

	UserConnections int64 `json:",omitempty"` // MAX_USER_CONNECTIONS; 0: max_user_connections
}

// accountBook is the options of all accounts that have some, read-mostly: replaced as a whole.
type accountBook map[authID]accountOptions

func (e *Engine) loadAccounts(ctx context.Context) error {
	o, err := e.catalog.Object(ctx, kindPrivileges, "", accountsObject)
	if err != nil {
		return fmt.Errorf("read the options of the accounts: %w", err)
	}
	book := accountBook{}
	if o != nil {
		var list []accountRecord
		if err := json.Unmarshal(o.Body, &list); err != nil {
			return fmt.Errorf("read the options of the accounts: %w", err)
		}
		for _, r := range list {
			book[r.Account] = r.Options
		}
	}
	e.accounts.Store(&book)
	return nil
}

type accountRecord struct {
	Account authID
	Options accountOptions
}

// options are an account's.
func (e *Engine) options(id authID) accountOptions {
	if b := e.accounts.Load(); b != nil {
		return (*b)[id]
	}
	return accountOptions{}
}

// changeAccounts stores what change makes of the options. Changes are serialised by the catalog's lock on the object.
func (e *Engine) changeAccounts(ctx context.Context, change func(accountBook) error) error {
	e.accountsMu.Lock()
	defer e.accountsMu.Unlock()
	next := accountBook{}
	if b := e.accounts.Load(); b != nil {
		next = maps.Clone(*b)
	}
	if err := change(next); err != nil {
		return err
	}
	list := make([]accountRecord, 0, len(next))
	for id, o := range next {
		list = append(list, accountRecord{id, o})
	}
	slices.SortFunc(list, func(a, b accountRecord) int { return compareIDs(a.Account, b.Account) })
	body, err := json.Marshal(list)
	if err != nil {
		return fmt.Errorf("write the options of the accounts: %w", err)
	}
	if err := e.catalog.PutObjects(ctx, table.Object{Kind: kindPrivileges, Name: accountsObject, Body: body}); err != nil {
		return err
	}
	e.accounts.Store(&next)
	return nil
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

// editUser changes an account in the library and stores it.
func (e *Engine) editUser(c *sql.Context, id authID, change func(u *mysql_db.User)) (found bool, err error) {
	db := e.mysqlDB()
	ed := db.Editor()
	defer ed.Close()
	u := userEntry(ed, id)
	if u == nil {
		return false, nil
	}
	n := *u
	change(&n)
	ed.RemoveUser(mysql_db.UserPrimaryKey{User: id.User, Host: id.Host})
	ed.PutUser(&n)
	return true, db.Persist(c, ed)
}

// accountName reads user[@host] or CURRENT_USER[()]; role names are written alike.
func (s *Session) accountName(t *tokens) (authID, bool) {
	if t.accept("CURRENT_USER") {
		if t.accept("(") && !t.accept(")") {
			return authID{}, false
		}
		return authID{s.login.AccountUser, s.login.AccountHost}, true
	}
	if k := t.kind(0); k != lexer.Word && k != lexer.Quoted && k != lexer.String {
		return authID{}, false
	}
	user, host, ok := account(t)
	return authID{user, strings.ToLower(host)}, ok
}

// accountNames reads a list of them.
func (s *Session) accountNames(t *tokens) (out []authID, ok bool) {
	for {
		id, ok := s.accountName(t)
		if !ok {
			return nil, false
		}
		out = append(out, id)
		if !t.accept(",") {
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
