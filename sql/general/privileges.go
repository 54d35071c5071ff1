package general

import (
	"context"
	"fmt"
	"net"
	"path"
	"strings"
	"time"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/mysql_db"

	"github.com/zoryadb/zorya/engine/table"
)

// Users, roles and grants live in the library's mysql_db, and its serialised form in one catalog object.

// internalUser is who the lane is when it works for itself: it holds every privilege and cannot log in.
const internalUser = "rdsadmin"

const (
	kindPrivileges = "privileges"
	pluginNative   = "mysql_native_password"
	pluginSHA2     = "caching_sha2_password"
)

// Account is what authentication needs to know of a user.
type Account struct {
	User, Host string
	Plugin     string // mysql_native_password or caching_sha2_password
	AuthString string // stored hash, "" without password
	Locked     bool
	RequireTLS bool
	Expired    bool
	// UserConnections bounds the account's connections; 0: max_user_connections does. Blocked is 3955 after too many failed logins.
	UserConnections int64
	Blocked         error
}

type persister struct{ e *Engine }

// Persist stores all accounts after a change. It is called under the library's lock.
func (p persister) Persist(ctx *sql.Context, data []byte) error {
	return p.e.catalog.PutObjects(ctx, table.Object{Kind: kindPrivileges, Name: "mysql_db", Body: append([]byte(nil), data...)})
}

func (e *Engine) mysqlDB() *mysql_db.MySQLDb { return e.gms.Analyzer.Catalog.MySQLDb }

// loadPrivileges reads the stored accounts, at start and at FLUSH PRIVILEGES.
func (e *Engine) loadPrivileges(ctx context.Context) error {
	db := e.mysqlDB()
	db.SetPersister(persister{e})
	db.SetPlugins(map[string]mysql_db.PlaintextAuthPlugin{pluginNative: nil, pluginSHA2: nil})
	o, err := e.catalog.Object(ctx, kindPrivileges, "", "mysql_db")
	if err != nil {
		return fmt.Errorf("read the accounts: %w", err)
	}
	if o != nil {
		ed := db.Editor()
		err = db.OverwriteUsersAndGrantData(nil, ed, o.Body)
		ed.Close()
		if err != nil {
			return fmt.Errorf("read the accounts: %w", err)
		}
	}
	if err := e.loadAccounts(ctx); err != nil {
		return err
	}
	ed := db.Editor()
	defer ed.Close()
	db.AddLockedSuperUser(ed, internalUser, "localhost", "")
	db.SetEnabled(true)
	return nil
}

// EnsureAdmin creates or updates the account user@'%' with all privileges. hash is its authentication string in MySQL's form.
func (e *Engine) EnsureAdmin(ctx context.Context, user, plugin, hash string) error {
	db := e.mysqlDB()
	ed := db.Editor()
	defer ed.Close()
	db.AddSuperUser(ed, user, "%", "")
	u, ok := ed.GetUser(mysql_db.UserPrimaryKey{User: user, Host: "%"})
	if !ok {
		return fmt.Errorf("create the account %s: it is not there", user)
	}
	n := *u
	n.Plugin, n.AuthString, n.IsSuperUser = plugin, hash, true
	ed.RemoveUser(mysql_db.UserPrimaryKey{User: user, Host: "%"}) // PutUser replaces only a user that is equal in all fields
	ed.RemoveUser(mysql_db.UserPrimaryKey{User: user, Host: "%"}) // else the old one is found by name as well
	ed.PutUser(&n)
	return db.Persist(sql.NewContext(ctx), ed)
}

// accountExists reports whether there is exactly this account.
func (e *Engine) accountExists(user, host string) bool {
	rd := e.mysqlDB().Reader()
	defer rd.Close()
	for _, u := range rd.GetUsersByUsername(user) {
		if u.Host == host {
			return true
		}
	}
	return false
}

// Lookup finds the account that user, connecting from host, has to prove to be: the most specific host first.
func (e *Engine) Lookup(user, host string) (Account, bool) {
	rd := e.mysqlDB().Reader()
	defer rd.Close()
	var best *mysql_db.User
	for _, name := range []string{user, ""} {
		for _, u := range rd.GetUsersByUsername(name) {
			if u.IsRole || !hostMatches(u.Host, host) {
				continue
			}
			if best == nil || moreSpecific(u.Host, best.Host) {
				best = u
			}
		}
		if best != nil {
			break
		}
	}
	if best == nil {
		return Account{}, false
	}
	a := Account{User: best.User, Host: best.Host, Plugin: best.Plugin, AuthString: best.AuthString, Locked: best.Locked,
		RequireTLS: best.SslType != ""}
	o := e.options(authID{a.User, a.Host})
	a.Expired = o.Expired || e.outlived(best.PasswordLastChanged, o.Lifetime)
	a.UserConnections, a.Blocked = o.UserConnections, e.logins.blocked(authID{a.User, a.Host}, o, time.Now())
	if a.Plugin == "" {
		a.Plugin = pluginNative
	}
	return a, true
}

// hostMatches compares a host pattern of an account with a client's host.
func hostMatches(pattern, host string) bool {
	if pattern == "%" || pattern == "" || strings.EqualFold(pattern, host) {
		return true
	}
	if host == "localhost" && (pattern == "127.0.0.1" || pattern == "::1") || pattern == "localhost" && (host == "127.0.0.1" || host == "::1") {
		return true
	}
	if ip, mask, ok := strings.Cut(pattern, "/"); ok {
		return inNetwork(ip, mask, host)
	}
	if strings.ContainsAny(pattern, "%_") {
		glob := strings.NewReplacer("*", `\*`, "?", `\?`, "[", `\[`, "%", "*", "_", "?").Replace(strings.ToLower(pattern))
		ok, err := path.Match(glob, strings.ToLower(host))
		return ok && err == nil
	}
	return false
}

func inNetwork(ip, mask, host string) bool {
	addr := net.ParseIP(host)
	if addr == nil {
		return false
	}
	if strings.Contains(mask, ".") {
		m := net.ParseIP(mask).To4()
		base := net.ParseIP(ip)
		return m != nil && base != nil && addr.To4() != nil && addr.Mask(net.IPMask(m)).Equal(base)
	}
	_, n, err := net.ParseCIDR(ip + "/" + mask)
	return err == nil && n.Contains(addr)
}

// moreSpecific orders patterns: without wildcards first, then the longer one.
func moreSpecific(a, b string) bool {
	wa, wb := strings.ContainsAny(a, "%_/"), strings.ContainsAny(b, "%_/")
	if wa != wb {
		return wb
	}
	return len(a) > len(b)
}

// allowed reports whether the session's account has a global privilege, static or dynamic.
func (e *Engine) allowed(s *Session, privilege string) bool {
	if s.login.AccountUser == "" && s.login.AccountHost == "" {
		return true
	}
	c := s.context(context.Background(), "")
	db := e.mysqlDB()
	set := db.UserActivePrivilegeSet(c)
	if set.Has(sql.PrivilegeType_Super) {
		return true
	}
	for _, t := range set.ToSlice() {
		if strings.EqualFold(t.String(), privilege) {
			return true
		}
	}
	for _, grant := range []bool{false, true} {
		for _, d := range set.ToSliceDynamic(grant) {
			if strings.EqualFold(d, privilege) {
				return true
			}
		}
	}
	return false
}
