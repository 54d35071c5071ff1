package general

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/dolthub/go-mysql-server/sql/mysql_db"
	"github.com/dolthub/go-mysql-server/sql/types"

	"github.com/zoryadb/zorya/sql/jsondoc"
	"github.com/zoryadb/zorya/sql/lexer"
	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/sqltext"
)

// The options of CREATE USER and ALTER USER: roles, TLS, limits, password policies, blocking after failed logins, ACCOUNT LOCK, attributes.

// userOption changes what is kept of an account, here and in the library.
type userOption func(o *accountOptions, u *mysql_db.User) error

// Values of User.SslType, as mysql.user has them.
const (
	sslAny       = "ANY"
	sslX509      = "X509"
	sslSpecified = "SPECIFIED"
)

// Bounds that MySQL sets.
const (
	maxFailedLogins  = 32767 // of FAILED_LOGIN_ATTEMPTS and PASSWORD_LOCK_TIME
	maxPolicyNumber  = 65535 // days and passwords of the password policies
	maxAccountLimit  = 1<<31 - 1
	maxAccountDetail = 1 << 16 // bytes of ATTRIBUTE and COMMENT together
)

// userOptions reads the options to the end of the statement.
func (s *Session) userOptions(t *lexer.Cursor, create bool) (out []userOption, err error) {
	for !t.End() {
		var option userOption
		switch {
		case t.Accept("DEFAULT", "ROLE"):
			option, err = s.defaultRoleOption(t, create)
		case t.Accept("REQUIRE"):
			option, err = s.tlsOption(t)
		case t.Accept("WITH"):
			option, err = s.limitsOption(t)
		case t.Word(0) == "PASSWORD":
			option, err = s.passwordOption(t)
		case t.Accept("FAILED_LOGIN_ATTEMPTS"):
			n, ok := boundedNumber(t, 0, maxFailedLogins)
			if !ok {
				return nil, s.wrong(t)
			}
			option = func(o *accountOptions, u *mysql_db.User) error {
				o.FailedLogins = n
				s.e.logins.forget(authID{u.User, u.Host})
				return nil
			}
		case t.Accept("PASSWORD_LOCK_TIME"):
			n, ok := int64(-1), true
			if !t.Accept("UNBOUNDED") {
				n, ok = boundedNumber(t, 0, maxFailedLogins)
			}
			if !ok {
				return nil, s.wrong(t)
			}
			option = func(o *accountOptions, _ *mysql_db.User) error { o.LockDays = n; return nil }
		case t.Accept("ACCOUNT", "LOCK"):
			option = func(_ *accountOptions, u *mysql_db.User) error { u.Locked = true; return nil }
		case t.Accept("ACCOUNT", "UNLOCK"):
			option = func(_ *accountOptions, u *mysql_db.User) error {
				u.Locked = false
				s.e.logins.forget(authID{u.User, u.Host})
				return nil
			}
		case t.Word(0) == "COMMENT" || t.Word(0) == "ATTRIBUTE":
			option, err = s.attributeOption(t)
		default:
			err = s.wrong(t)
		}
		if err != nil {
			return nil, err
		}
		out = append(out, option)
	}
	return out, nil
}

// boundedNumber reads a number within bounds.
func boundedNumber(t *lexer.Cursor, least, most int64) (int64, bool) {
	n, err := strconv.ParseInt(t.At(0), 10, 64)
	if err != nil || n < least || n > most {
		return 0, false
	}
	t.Pos++
	return n, true
}

func (s *Session) defaultRoleOption(t *lexer.Cursor, create bool) (userOption, error) {
	choice, ok := s.roleChoice(t)
	if !ok || choice.kind == rolesDefault || create && choice.kind != rolesNamed {
		return nil, s.wrong(t)
	}
	return func(o *accountOptions, u *mysql_db.User) (err error) {
		if create {
			o.DefaultRoles = choice.named // grantDefaults grants them
			return nil
		}
		o.DefaultRoles, err = s.e.choose(authID{u.User, u.Host}, choice)
		return err
	}, nil
}

// tlsOption reads what follows REQUIRE.
func (s *Session) tlsOption(t *lexer.Cursor) (userOption, error) {
	kind := t.Word(0)
	if ssl, known := map[string]string{"NONE": "", "SSL": sslAny, "X509": sslX509}[kind]; known {
		t.Pos++
		return func(_ *accountOptions, u *mysql_db.User) error {
			u.SslType, u.X509Issuer, u.X509Subject, u.SslCipher = ssl, "", "", ""
			return nil
		}, nil
	}
	parts := map[string]string{}
	for {
		kind := t.Word(0)
		if _, twice := parts[kind]; twice || kind != "ISSUER" && kind != "SUBJECT" && kind != "CIPHER" {
			break
		}
		t.Pos++
		text, ok := secretText(t)
		if !ok {
			return nil, s.wrong(t)
		}
		parts[kind] = text
		t.Accept("AND")
	}
	if len(parts) == 0 {
		return nil, s.wrong(t)
	}
	return func(_ *accountOptions, u *mysql_db.User) error {
		u.SslType, u.X509Issuer, u.X509Subject, u.SslCipher = sslSpecified, parts["ISSUER"], parts["SUBJECT"], parts["CIPHER"]
		return nil
	}, nil
}

// limitsOption reads what follows WITH.
func (s *Session) limitsOption(t *lexer.Cursor) (userOption, error) {
	limit := map[string]func(o *accountOptions) *int64{
		"MAX_QUERIES_PER_HOUR":     func(o *accountOptions) *int64 { return &o.Queries },
		"MAX_UPDATES_PER_HOUR":     func(o *accountOptions) *int64 { return &o.Updates },
		"MAX_CONNECTIONS_PER_HOUR": func(o *accountOptions) *int64 { return &o.Connections },
		"MAX_USER_CONNECTIONS":     func(o *accountOptions) *int64 { return &o.UserConnections },
	}
	var set []userOption
	for limit[t.Word(0)] != nil {
		at := limit[t.Word(0)]
		t.Pos++
		n, ok := boundedNumber(t, 0, maxAccountLimit)
		if !ok {
			return nil, s.wrong(t)
		}
		set = append(set, func(o *accountOptions, _ *mysql_db.User) error { *at(o) = n; return nil })
	}
	if len(set) == 0 {
		return nil, s.wrong(t)
	}
	return func(o *accountOptions, u *mysql_db.User) error {
		for _, f := range set {
			_ = f(o, u) // gives none
		}
		return nil
	}, nil
}

// passwordOption reads PASSWORD EXPIRE, HISTORY, REUSE INTERVAL and REQUIRE CURRENT.
func (s *Session) passwordOption(t *lexer.Cursor) (userOption, error) {
	plain := func(change func(o *accountOptions)) (userOption, error) {
		return func(o *accountOptions, _ *mysql_db.User) error { change(o); return nil }, nil
	}
	days := func(least int64, set func(o *accountOptions, n *int64)) (userOption, error) {
		n, ok := boundedNumber(t, least, maxPolicyNumber)
		if !ok || !t.Accept("DAY") {
			return nil, s.wrong(t)
		}
		return plain(func(o *accountOptions) { set(o, &n) })
	}
	switch {
	case t.Accept("PASSWORD", "EXPIRE", "DEFAULT"):
		return plain(func(o *accountOptions) { o.Lifetime = nil })
	case t.Accept("PASSWORD", "EXPIRE", "NEVER"):
		return plain(func(o *accountOptions) { o.Lifetime = new(int64) })
	case t.Accept("PASSWORD", "EXPIRE", "INTERVAL"):
		return days(1, func(o *accountOptions, n *int64) { o.Lifetime = n })
	case t.Accept("PASSWORD", "EXPIRE"):
		return plain(func(o *accountOptions) { o.Expired = true })
	case t.Accept("PASSWORD", "HISTORY", "DEFAULT"):
		return plain(func(o *accountOptions) { o.History = nil })
	case t.Accept("PASSWORD", "HISTORY"):
		n, ok := boundedNumber(t, 0, maxPolicyNumber)
		if !ok {
			return nil, s.wrong(t)
		}
		return plain(func(o *accountOptions) { o.History = &n })
	case t.Accept("PASSWORD", "REUSE", "INTERVAL", "DEFAULT"):
		return plain(func(o *accountOptions) { o.ReuseDays = nil })
	case t.Accept("PASSWORD", "REUSE", "INTERVAL"):
		return days(0, func(o *accountOptions, n *int64) { o.ReuseDays = n })
	case t.Accept("PASSWORD", "REQUIRE", "CURRENT", "DEFAULT"):
		return plain(func(o *accountOptions) { o.RequireCurrent = nil })
	case t.Accept("PASSWORD", "REQUIRE", "CURRENT", "OPTIONAL"):
		return plain(func(o *accountOptions) { o.RequireCurrent = new(bool) })
	case t.Accept("PASSWORD", "REQUIRE", "CURRENT"):
		yes := true
		return plain(func(o *accountOptions) { o.RequireCurrent = &yes })
	}
	return nil, s.wrong(t)
}

// codeAttributeJSON is MySQL's ER_INVALID_USER_ATTRIBUTE_JSON.
const codeAttributeJSON = 3980

// attributeOption reads COMMENT 'text', which is the attribute "comment", or ATTRIBUTE '{..}', which is merged: null takes one away.
func (s *Session) attributeOption(t *lexer.Cursor) (userOption, error) {
	kind := t.Word(0)
	t.Pos++
	text, ok := secretText(t)
	if !ok {
		return nil, s.wrong(t)
	}
	change := map[string]any{"comment": text}
	if kind == "ATTRIBUTE" {
		change = nil
		if err := json.Unmarshal([]byte(text), &change); err != nil || change == nil {
			return nil, mysqlerr.NewMessage(codeAttributeJSON, "Invalid json attribute, error: \"The user attributes must be a valid JSON object.\" at pos 0: '%s'", text)
		}
	}
	if len(text) > maxAccountDetail {
		return nil, mysqlerr.New(mysqlerr.ER_DATA_TOO_LONG, kind, 1)
	}
	return func(o *accountOptions, _ *mysql_db.User) error {
		o.Attributes = jsondoc.MergePatch(o.Attributes, change).(map[string]any) // both are objects
		return nil
	}, nil
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
	fmt.Fprintf(&b, "CREATE USER %s IDENTIFIED WITH '%s'", authID{u.User, u.Host}, cmp.Or(u.Plugin, pluginNative))
	if u.AuthString != "" {
		b.WriteString(" AS " + sqltext.Literal(u.AuthString))
	}
	if len(o.DefaultRoles) > 0 {
		b.WriteString(" DEFAULT ROLE " + roleText(o.DefaultRoles))
	}
	b.WriteString(" REQUIRE " + requireText(u))
	with := " WITH"
	for _, l := range []struct {
		name string
		n    int64
	}{{"MAX_QUERIES_PER_HOUR", o.Queries}, {"MAX_UPDATES_PER_HOUR", o.Updates}, {"MAX_CONNECTIONS_PER_HOUR", o.Connections}, {"MAX_USER_CONNECTIONS", o.UserConnections}} {
		if l.n > 0 {
			fmt.Fprintf(&b, "%s %s %d", with, l.name, l.n)
			with = ""
		}
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
	b.WriteString(" PASSWORD HISTORY " + numberOr(o.History, "", "DEFAULT"))
	b.WriteString(" PASSWORD REUSE INTERVAL " + numberOr(o.ReuseDays, " DAY", "DEFAULT"))
	b.WriteString(" PASSWORD REQUIRE CURRENT")
	switch {
	case o.RequireCurrent == nil:
		b.WriteString(" DEFAULT")
	case !*o.RequireCurrent:
		b.WriteString(" OPTIONAL")
	}
	if o.FailedLogins > 0 {
		fmt.Fprintf(&b, " FAILED_LOGIN_ATTEMPTS %d", o.FailedLogins)
	}
	switch {
	case o.LockDays < 0:
		b.WriteString(" PASSWORD_LOCK_TIME UNBOUNDED")
	case o.LockDays > 0:
		fmt.Fprintf(&b, " PASSWORD_LOCK_TIME %d", o.LockDays)
	}
	if text := attributeText(o); text != "" {
		b.WriteString(" ATTRIBUTE " + sqltext.Literal(text))
	}
	return b.String()
}

func requireText(u *mysql_db.User) string {
	switch u.SslType {
	case "":
		return "NONE"
	case sslAny:
		return "SSL"
	case sslX509:
		return "X509"
	}
	var parts []string
	for _, p := range [][2]string{{"SUBJECT", u.X509Subject}, {"ISSUER", u.X509Issuer}, {"CIPHER", u.SslCipher}} {
		if p[1] != "" {
			parts = append(parts, p[0]+" "+sqltext.Literal(p[1]))
		}
	}
	return strings.Join(parts, " ")
}

func numberOr(n *int64, unit, none string) string {
	if n == nil {
		return none
	}
	return strconv.FormatInt(*n, 10) + unit
}

// attributeText is an account's attributes as JSON, in MySQL's way with spaces; "" for none.
func attributeText(o accountOptions) string {
	if len(o.Attributes) == 0 {
		return ""
	}
	text, err := (types.JSONDocument{Val: o.Attributes}).JSONString()
	if err != nil {
		return ""
	}
	return text
}
