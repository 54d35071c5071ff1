package general

import (
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/mysql_db"
	"github.com/dolthub/go-mysql-server/sql/types"

	"github.com/zoryadb/zorya/sql/grammar"
	"github.com/zoryadb/zorya/sql/lexer"
	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// CREATE USER, ALTER USER and SET PASSWORD: accounts with their passwords, then the options (useroptions.go). The library's grammar takes a part of them.

// userStatement is one of them. All its accounts change, or none.
type userStatement struct {
	create  bool
	lenient bool // IF [NOT] EXISTS
	users   []userChange
	options []userOption
}

// userChange is one account of a statement.
type userChange struct {
	id       authID
	password *passwordClause // nil: it stays
	discard  bool            // DISCARD OLD PASSWORD
}

// passwordClause is [IDENTIFIED [WITH plugin] [BY .. | AS ..]] [REPLACE ..] [RETAIN CURRENT PASSWORD].
type passwordClause struct {
	plugin  string // "": the account's, of a new one the default
	text    string // in the clear
	hash    string // AS
	how     passwordKind
	current *string // REPLACE
	retain  bool
}

type passwordKind byte

const (
	passwordNone   passwordKind = iota // IDENTIFIED WITH plugin
	passwordClear                      // BY 'text'
	passwordHashed                     // AS 'hash'
	passwordRandom                     // BY RANDOM PASSWORD
)

// ownUser recognises CREATE USER and ALTER USER.
func (s *Session) ownUser(t *lexer.Cursor) (*Statement, error) {
	if len(t.Tokens) == grammar.MaxTokens { // many accounts
		t = lexer.NewCursor(t.Src, grammar.LexMode(s.parserOptions()), len(t.Src)+1)
	}
	st := &userStatement{create: t.Word(0) == "CREATE"}
	t.Pos += 2
	if st.create {
		st.lenient = t.Accept("IF", "NOT", "EXISTS")
	} else {
		st.lenient = t.Accept("IF", "EXISTS")
	}
	for ok := true; ok; ok = t.Accept(",") {
		u, err := s.userChange(t, st.create)
		if err != nil {
			return nil, err
		}
		st.users = append(st.users, u)
	}
	var err error
	if st.options, err = s.userOptions(t, st.create); err != nil {
		return nil, err
	}
	if !st.create && len(st.options) == 0 && !slices.ContainsFunc(st.users, func(u userChange) bool { return u.password != nil || u.discard }) {
		return nil, s.wrong(t)
	}
	return st.statement(), nil
}

func (st *userStatement) statement() *Statement {
	return &Statement{Class: DDL, run: func(c *sql.Context, s *Session, x *execution) (*Result, error) { return s.changeUsers(c, x, st) }}
}

// userChange reads an account and what is said of its password.
func (s *Session) userChange(t *lexer.Cursor, create bool) (u userChange, err error) {
	var ok bool
	if u.id, ok = s.accountName(t); !ok {
		return u, s.wrong(t)
	}
	if !create && t.Accept("DISCARD", "OLD", "PASSWORD") {
		u.discard = true
		return u, nil
	}
	if !t.Accept("IDENTIFIED") {
		return u, nil
	}
	p := &passwordClause{}
	u.password = p
	if t.Accept("WITH") {
		if p.plugin, ok = t.Name(); !ok {
			return u, s.wrong(t)
		}
		p.plugin = strings.ToLower(p.plugin)
	}
	switch {
	case t.Accept("BY", "RANDOM", "PASSWORD"):
		p.how = passwordRandom
	case t.Accept("BY"):
		p.how = passwordClear
		p.text, ok = secretText(t)
	case p.plugin != "" && t.Accept("AS"):
		p.how = passwordHashed
		p.hash, ok = secretText(t)
	default:
		ok = p.plugin != ""
	}
	if !ok {
		return u, s.wrong(t)
	}
	return u, s.passwordTail(t, p, create)
}

// passwordTail reads [REPLACE 'current'] [RETAIN CURRENT PASSWORD].
func (s *Session) passwordTail(t *lexer.Cursor, p *passwordClause, create bool) error {
	if create {
		return nil
	}
	if t.Accept("REPLACE") {
		current, ok := secretText(t)
		if !ok {
			return s.wrong(t)
		}
		p.current = &current
	}
	p.retain = t.Accept("RETAIN", "CURRENT", "PASSWORD")
	return nil
}

// secretText reads a password or a hash: a string, or hexadecimal digits as print_identified_with_as_hex writes them.
func secretText(t *lexer.Cursor) (string, bool) {
	text := t.At(0)
	switch t.Kind(0) {
	case lexer.String:
		text = lexer.Unquote(text)
	case lexer.Hex:
		b, err := hex.DecodeString(strings.TrimSuffix(strings.TrimLeft(text, "0xX'"), "'"))
		if err != nil {
			return "", false
		}
		text = string(b)
	default:
		return "", false
	}
	t.Pos++
	return text, true
}

// setPassword is SET PASSWORD [FOR account] { = 'text' | TO RANDOM } [REPLACE 'current'] [RETAIN CURRENT PASSWORD].
func (s *Session) setPassword(t *lexer.Cursor) (*Statement, error) {
	t.Pos++
	u := userChange{id: authID{s.login.AccountUser, s.login.AccountHost}, password: &passwordClause{how: passwordClear}}
	ok := true
	if t.Accept("FOR") {
		if u.id, ok = s.accountName(t); !ok {
			return nil, s.wrong(t)
		}
	}
	switch {
	case t.Accept("TO", "RANDOM"):
		u.password.how = passwordRandom
	case t.Accept("="):
		u.password.text, ok = secretText(t)
	default:
		ok = false
	}
	if !ok {
		return nil, s.wrong(t)
	}
	if err := s.passwordTail(t, u.password, false); err != nil {
		return nil, err
	}
	return s.done(t, (&userStatement{users: []userChange{u}}).statement())
}

// changeUsers executes the statement. Its result is the random passwords that it made, if any.
func (s *Session) changeUsers(c *sql.Context, x *execution, st *userStatement) (*Result, error) {
	if err := s.mayChangeUsers(st); err != nil {
		return nil, err
	}
	var ids []authID
	for _, u := range st.users {
		if err := checkAccountName(u.id); err != nil {
			return nil, err
		}
		ids = append(ids, u.id)
	}
	var made []sql.Row
	err := s.e.changeAccounts(c, ids, func(d accountDrafts) error {
		users, err := s.usersToChange(d, st)
		if err != nil {
			return err
		}
		for _, u := range users {
			password, err := s.changeUser(d.of(u.id), u, st)
			if err != nil {
				return err
			}
			if password != "" {
				made = append(made, sql.Row{u.id.User, u.id.Host, password, int64(1)})
			}
		}
		return nil
	})
	if err != nil || len(made) == 0 {
		return &Result{}, err
	}
	columns := append(texts("user", "host", "generated password"), &sql.Column{Name: "auth_factor", Type: types.Int64})
	return s.rowsOf(c, x, columns, made), nil
}

// mayChangeUsers checks the privileges: CREATE USER, or one's own password.
func (s *Session) mayChangeUsers(st *userStatement) error {
	if s.Allowed("CREATE USER") {
		return nil
	}
	denied := mysqlerr.New(mysqlerr.ER_SPECIFIC_ACCESS_DENIED_ERROR, "CREATE USER")
	me := authID{s.login.AccountUser, s.login.AccountHost}
	for _, u := range st.users {
		switch {
		case st.create || len(st.options) > 0 || u.id != me:
			return denied
		case u.discard || u.password != nil && u.password.retain:
			if !s.Allowed("APPLICATION_PASSWORD_ADMIN") {
				return mysqlerr.New(mysqlerr.ER_SPECIFIC_ACCESS_DENIED_ERROR, "CREATE USER or APPLICATION_PASSWORD_ADMIN")
			}
		}
	}
	return nil
}

// Bounds of the parts of an account's name, in characters.
const (
	maxUserName = 32
	maxHostName = 255
)

func checkAccountName(id authID) error {
	if len([]rune(id.User)) > maxUserName {
		return mysqlerr.New(mysqlerr.ER_WRONG_STRING_LENGTH, id.User, "user name", maxUserName)
	}
	if len(id.Host) > maxHostName {
		return mysqlerr.New(mysqlerr.ER_WRONG_STRING_LENGTH, id.Host, "host name", maxHostName)
	}
	return nil
}

// usersToChange leaves out those that are there, or are not there, where the statement says IF [NOT] EXISTS; else that is an error.
func (s *Session) usersToChange(d accountDrafts, st *userStatement) (out []userChange, err error) {
	var wrong []authID
	for _, u := range st.users {
		if (d.of(u.id).user != nil) == st.create || u.id.User == internalUser {
			wrong = append(wrong, u.id)
		} else {
			out = append(out, u)
		}
	}
	operation, code, text := "ALTER USER", uint16(mysqlerr.ER_USER_DOES_NOT_EXIST), " does not exist."
	if st.create {
		operation, code, text = "CREATE USER", uint16(mysqlerr.ER_USER_ALREADY_EXISTS), " already exists."
	}
	if len(wrong) > 0 && !st.lenient {
		return nil, cannot(operation, wrong...)
	}
	for _, id := range wrong {
		s.gms.Warn(&sql.Warning{Level: "Note", Code: int(code), Message: "Authorization ID '" + id.plain() + "'" + text})
	}
	return out, nil
}

// changeUser changes one account; password is the one that was made for it, "" for none.
func (s *Session) changeUser(a *accountDraft, u userChange, st *userStatement) (password string, err error) {
	if a.user == nil {
		a.user = &mysql_db.User{User: u.id.User, Host: u.id.Host, PrivilegeSet: mysql_db.NewPrivilegeSet(), PasswordLastChanged: time.Now().UTC(), Plugin: s.defaultPlugin()}
		if u.password == nil {
			u.password = &passwordClause{how: passwordClear}
		}
	}
	if u.discard {
		a.options.Secondary = ""
	}
	expired := a.options.Expired
	a.options.Expired = false
	for _, change := range st.options { // first: the statement's own policy counts for its password
		if err := change(&a.options, a.user); err != nil {
			return "", err
		}
	}
	if st.create {
		if err := s.grantDefaults(a); err != nil {
			return "", err
		}
	}
	if u.id.User == "" && a.options.Expired {
		return "", mysqlerr.New(mysqlerr.ER_PASSWORD_EXPIRE_ANONYMOUS_USER)
	}
	expire := a.options.Expired // says the statement
	if u.password == nil {
		a.options.Expired = expire || expired
		return "", nil
	}
	password, err = s.setAccountPassword(a, u.password, st.create)
	a.options.Expired = a.options.Expired || expire
	return password, err
}

// grantDefaults grants a new account the roles that CREATE USER names as its default ones.
func (s *Session) grantDefaults(a *accountDraft) error {
	for _, r := range a.options.DefaultRoles {
		if !s.e.accountExists(r.User, r.Host) {
			return mysqlerr.New(mysqlerr.ER_UNKNOWN_AUTHID, r.User, r.Host)
		}
		a.edges = append(a.edges, &mysql_db.RoleEdge{FromUser: r.User, FromHost: r.Host, ToUser: a.user.User, ToHost: a.user.Host})
	}
	return nil
}

// defaultPlugin is that of accounts made without one.
func (s *Session) defaultPlugin() string {
	_, v, _ := sql.SystemVariables.GetGlobal("default_authentication_plugin")
	if name, _ := v.(string); name == pluginNative {
		return pluginNative
	}
	return pluginSHA2
}
