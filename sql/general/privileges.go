package general

import (
	"context"
	"net"
	"path"
	"strings"
	"time"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/mysql_db"
)

// Who may log in, and what an account may do.

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
	Secondary  string // hash of the former password that is retained; "": none
	// X509 demands a certificate, and those of Issuer, Subject and Cipher that are not "" (REQUIRE).
	X509                    bool
	Issuer, Subject, Cipher string

	AccountLimits
	Blocked error // 3955 after too many failed logins
}

func (e *Engine) mysqlDB() *mysql_db.MySQLDb { return e.gms.Analyzer.Catalog.MySQLDb }

// EnsureAdmin creates or updates the account user@'%' with all privileges. hash is its authentication string in MySQL's form.
func (e *Engine) EnsureAdmin(ctx context.Context, user, plugin, hash string) error {
	id := authID{user, "%"}
	return e.changeAccounts(ctx, []authID{id}, func(d accountDrafts) error {
		a := d.of(id)
		if a.user == nil {
			a.user = &mysql_db.User{User: user, Host: "%", PrivilegeSet: mysql_db.NewPrivilegeSetWithAllPrivileges()}
		}
		a.user.Plugin, a.user.AuthString, a.user.IsSuperUser, a.user.PasswordLastChanged = plugin, hash, true, time.Now().UTC()
		return nil
	})
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
	a.X509 = best.SslType == sslX509 || best.SslType == sslSpecified
	a.Issuer, a.Subject, a.Cipher = best.X509Issuer, best.X509Subject, best.SslCipher
	a.Secondary, a.AccountLimits, a.Blocked = o.Secondary, o.AccountLimits, e.logins.blocked(authID{a.User, a.Host}, o, time.Now())
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
