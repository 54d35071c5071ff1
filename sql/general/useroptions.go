package general

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/mysql_db"

	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// The options of CREATE USER and ALTER USER that the library's grammar takes and forgets, or does not take: roles, TLS, password expiry, blocking
// after failed logins, connections, ACCOUNT LOCK. The part before them goes to the library.

// userOption changes what is kept of an account, here and in the library.
type userOption func(o *accountOptions, u *mysql_db.User) error

// ownUser recognises CREATE USER and ALTER USER with options; nil for those without.
func (s *Session) ownUser(t *tokens) (*Statement, error) {
	start := t.pos
	create := t.word(0) == "CREATE"
	t.pos += 2
	ifExists := t.accept("IF", "EXISTS")
	t.accept("IF", "NOT", "EXISTS")
	var ids []authID
	auth := false
	for ok := true; ok; ok = t.accept(",") {
		id, is := s.accountName(t)
		if !is {
			t.pos = start
			return nil, nil // the library's own error
		}
		ids = append(ids, id)
		for !t.end() && t.at(0) != "," && !optionBegins(t) {
			auth = auth || t.word(0) == "IDENTIFIED"
			t.pos++
		}
	}
	if t.end() {
		t.pos = start
		return nil, nil
	}
	head := strings.TrimSpace(t.src[:t.list[t.pos].Start])
	options, err := s.userOptions(t, ids)
	if err != nil {
		return nil, err
	}
	var st *Statement
	if create || auth {
		if len(ids) > 1 && !create {
			return nil, mysqlerr.New(mysqlerr.ER_NOT_SUPPORTED_YET, "ALTER USER with passwords of several accounts and options")
		}
		if st, _, err = s.parseGMS(head, ""); err != nil {
			return nil, err
		}
	}
	return &Statement{Class: DDL, run: func(c *sql.Context, s *Session, x *execution) (*Result, error) {
		return &Result{}, s.changeUsers(c, x, st, ids, options, create, ifExists)
	}}, nil
}

func (s *Session) changeUsers(c *sql.Context, x *execution, first *Statement, ids []authID, options []userOption, create, ifExists bool) error {
	if !s.Allowed("CREATE USER") {
		return mysqlerr.New(mysqlerr.ER_SPECIFIC_ACCESS_DENIED_ERROR, "CREATE USER")
	}
	if !create {
		var missing []authID
		for _, id := range ids {
			if !s.e.accountExists(id.User, id.Host) {
				missing = append(missing, id)
			}
		}
		if len(missing) > 0 && !ifExists {
			return cannot("ALTER USER", missing...)
		}
		ids = slices.DeleteFunc(ids, func(id authID) bool { return slices.Contains(missing, id) })
	}
	if first != nil {
		if _, err := s.runNode(c, x, first); err != nil {
			return err
		}
	}
	for _, id := range ids {
		o := s.e.options(id)
		var failed error
		_, err := s.e.editUser(c, id, func(u *mysql_db.User) {
			for _, change := range options {
				if err := change(&o, u); err != nil {
					failed = err
				}
			}
		})
		if err == nil {
			err = failed
		}
		if err == nil {
			err = s.e.changeAccounts(c, func(b accountBook) error { b[id] = o; return nil })
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// optionBegins reports whether the part behind the accounts begins here.
func optionBegins(t *tokens) bool {
	next := t.word(1)
	switch t.word(0) {
	case "REQUIRE", "FAILED_LOGIN_ATTEMPTS", "PASSWORD_LOCK_TIME", "COMMENT", "ATTRIBUTE":
		return true
	case "WITH":
		return strings.HasPrefix(next, "MAX_")
	case "PASSWORD":
		return next == "EXPIRE" || next == "HISTORY" || next == "REUSE" || next == "REQUIRE"
	case "ACCOUNT":
		return next == "LOCK" || next == "UNLOCK"
	case "DEFAULT":
		return next == "ROLE"
	}
	return false
}

// userOptions reads the options to the end of the statement.
func (s *Session) userOptions(t *tokens, ids []authID) (out []userOption, err error) {
	number := func() (int64, bool) {
		n, err := strconv.ParseInt(t.at(0), 10, 32)
		t.pos++
		return n, err == nil && n >= 0
	}
	refused := func(what string) error { return mysqlerr.New(mysqlerr.ER_NOT_SUPPORTED_YET, what) }
	for !t.end() {
		switch {
		case t.accept("DEFAULT", "ROLE"):
			choice, ok := s.roleChoice(t)
			if !ok || choice.kind == rolesDefault {
				return nil, s.wrong(t)
			}
			for range ids[:1] {
				out = append(out, func(o *accountOptions, u *mysql_db.User) (err error) {
					if choice.kind == rolesNamed { // roles need not be granted yet when the account is made
						o.DefaultRoles = choice.named
					} else {
						o.DefaultRoles, err = s.e.choose(authID{u.User, u.Host}, choice)
					}
					return err
				})
			}
		case t.accept("REQUIRE"):
			kind := t.word(0)
			t.pos++
			ssl, known := map[string]string{"NONE": "", "SSL": "ANY", "X509": "X509"}[kind]
			if !known {
				return nil, refused("REQUIRE " + kind)
			}
			if kind == "X509" {
				return nil, refused("REQUIRE X509") // clients are asked for no certificate
			}
			out = append(out, func(_ *accountOptions, u *mysql_db.User) error { u.SslType = ssl; return nil })
		case t.accept("WITH"):
			for strings.HasPrefix(t.word(0), "MAX_") {
				kind := t.word(0)
				t.pos++
				n, ok := number()
				if !ok {
					return nil, s.wrong(t)
				}
				if kind != "MAX_USER_CONNECTIONS" {
					if n != 0 {
						return nil, refused(kind)
					}
					continue
				}
				out = append(out, func(o *accountOptions, _ *mysql_db.User) error { o.UserConnections = n; return nil })
			}
		case t.accept("PASSWORD", "EXPIRE"):
			change := func(o *accountOptions, _ *mysql_db.User) error { o.Expired = true; return nil }
			switch {
			case t.accept("DEFAULT"):
				change = func(o *accountOptions, _ *mysql_db.User) error { o.Lifetime = nil; return nil }
			case t.accept("NEVER"):
				change = func(o *accountOptions, _ *mysql_db.User) error { o.Lifetime = new(int64); return nil }
			case t.accept("INTERVAL"):
				n, ok := number()
				if !ok || n == 0 || !t.accept("DAY") {
					return nil, s.wrong(t)
				}
				change = func(o *accountOptions, _ *mysql_db.User) error { o.Lifetime = &n; return nil }
			}
			out = append(out, change)
		case t.accept("PASSWORD", "HISTORY", "DEFAULT"), t.accept("PASSWORD", "REUSE", "INTERVAL", "DEFAULT"), t.accept("PASSWORD", "REQUIRE", "CURRENT", "DEFAULT"),
			t.accept("PASSWORD", "REQUIRE", "CURRENT", "OPTIONAL"):
		case t.word(0) == "PASSWORD":
			return nil, refused("PASSWORD " + t.word(1))
		case t.accept("FAILED_LOGIN_ATTEMPTS"):
			n, ok := number()
			if !ok || n > maxFailedLogins {
				return nil, s.wrong(t)
			}
			out = append(out, func(o *accountOptions, _ *mysql_db.User) error { o.FailedLogins = n; return nil })
		case t.accept("PASSWORD_LOCK_TIME"):
			n, ok := int64(-1), true
			if !t.accept("UNBOUNDED") {
				n, ok = number()
			}
			if !ok || n > maxFailedLogins {
				return nil, s.wrong(t)
			}
			out = append(out, func(o *accountOptions, _ *mysql_db.User) error { o.LockDays = n; return nil })
		case t.accept("ACCOUNT", "LOCK"):
			out = append(out, func(_ *accountOptions, u *mysql_db.User) error { u.Locked = true; return nil })
		case t.accept("ACCOUNT", "UNLOCK"):
			out = append(out, func(_ *accountOptions, u *mysql_db.User) error {
				u.Locked = false
				s.e.logins.forget(authID{u.User, u.Host})
				return nil
			})
		case t.word(0) == "COMMENT" || t.word(0) == "ATTRIBUTE":
			return nil, refused(t.word(0) + " of accounts")
		default:
			return nil, s.wrong(t)
		}
	}
	return out, nil
}

// maxFailedLogins is MySQL's bound of FAILED_LOGIN_ATTEMPTS and PASSWORD_LOCK_TIME.
const maxFailedLogins = 32767

// renewed notes that an account has a new password.
func (e *Engine) renewed(c *sql.Context, id authID) error {
	if !e.options(id).Expired {
		return nil
	}
	return e.changeAccounts(c, func(b accountBook) error {
		o := b[id]
		o.Expired = false
		b[id] = o
		return nil
	})
}

// outlived reports whether a password is older than its account allows.
func (e *Engine) outlived(since time.Time, days *int64) bool {
	n := int64(0)
	if days != nil {
		n = *days
	} else if v, ok := e.GlobalInt("default_password_lifetime"); ok {
		n = v
	}
	return n > 0 && !since.IsZero() && time.Since(since) > time.Duration(n)*24*time.Hour
}

// failedLogins counts logins in a row that failed, of accounts with FAILED_LOGIN_ATTEMPTS. A restart forgets them, as in MySQL.
type failedLogins struct {
	mu sync.Mutex
	by map[authID]*failures
}

type failures struct {
	n     int64
	since time.Time // blocked since then
}

// blocked is the error of an account that is blocked now: 3955.
func (f *failedLogins) blocked(id authID, o accountOptions, now time.Time) error {
	if o.FailedLogins == 0 || o.LockDays == 0 {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	x := f.by[id]
	if x == nil || x.n < o.FailedLogins {
		return nil
	}
	days, left := "unlimited", "unlimited"
	if o.LockDays > 0 {
		rest := x.since.Add(time.Duration(o.LockDays) * 24 * time.Hour).Sub(now)
		if rest <= 0 {
			delete(f.by, id)
			return nil
		}
		days, left = fmt.Sprint(o.LockDays), fmt.Sprint(int64((rest+24*time.Hour-1)/(24*time.Hour)))
	}
	return mysqlerr.NewMessage(3955, "Access denied for user '%s'@'%s'. Account is blocked for %s day(s) (%s day(s) remaining) due to %d consecutive failed logins.",
		id.User, id.Host, days, left, x.n)
}

func (f *failedLogins) forget(id authID) {
	f.mu.Lock()
	delete(f.by, id)
	f.mu.Unlock()
}

// NoteLogin tells how a login with an account's password ended.
func (e *Engine) NoteLogin(user, host string, ok bool) {
	id := authID{user, host}
	if e.options(id).FailedLogins == 0 {
		return
	}
	if ok {
		e.logins.forget(id)
		return
	}
	f := &e.logins
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.by == nil {
		f.by = map[authID]*failures{}
	}
	x := f.by[id]
	if x == nil {
		x = &failures{}
		f.by[id] = x
	}
	x.n++
	x.since = time.Now()
}

// createUserText is SHOW CREATE USER's.
func createUserText(u *mysql_db.User, o accountOptions) string {
	var b strings.Builder
	fmt.Fprintf(&b, "CREATE USER %s IDENTIFIED WITH '%s'", authID{u.User, u.Host}, orDefault(u.Plugin, pluginNative))
	if u.AuthString != "" {
		b.WriteString(" AS " + quoteString(u.AuthString))
	}
	if len(o.DefaultRoles) > 0 {
		b.WriteString(" DEFAULT ROLE " + roleText(o.DefaultRoles))
	}
	b.WriteString(" REQUIRE " + map[bool]string{true: "SSL", false: "NONE"}[u.SslType != ""])
	if o.UserConnections > 0 {
		fmt.Fprintf(&b, " WITH MAX_USER_CONNECTIONS %d", o.UserConnections)
	}
	switch {
	case o.Expired:
		b.WriteString(" PASSWORD EXPIRE")
	case o.Lifetime == nil:
		b.WriteString(" PASSWORD EXPIRE DEFAULT")
	case *o.Lifetime == 0:
		b.WriteString(" PASSWORD EXPIRE NEVER")
	default:
		fmt.Fprintf(&b, " PASSWORD EXPIRE INTERVAL %d DAY", *o.Lifetime)
	}
	b.WriteString(" ACCOUNT " + map[bool]string{true: "LOCK", false: "UNLOCK"}[u.Locked])
	b.WriteString(" PASSWORD HISTORY DEFAULT PASSWORD REUSE INTERVAL DEFAULT PASSWORD REQUIRE CURRENT DEFAULT")
	if o.FailedLogins > 0 {
		fmt.Fprintf(&b, " FAILED_LOGIN_ATTEMPTS %d", o.FailedLogins)
	}
	switch {
	case o.LockDays < 0:
		b.WriteString(" PASSWORD_LOCK_TIME UNBOUNDED")
	case o.LockDays > 0:
		fmt.Fprintf(&b, " PASSWORD_LOCK_TIME %d", o.LockDays)
	}
	return b.String()
}
