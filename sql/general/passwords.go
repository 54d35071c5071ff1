package general

import (
	"cmp"
	"crypto/rand"
	"math/big"
	"slices"
	"time"

	"github.com/dolthub/go-mysql-server/sql"

	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/wire"
)

// What a new password has to satisfy, and what becomes of the old one.

// Codes of MySQL's that the list of codes lacks.
const (
	codeSecondEmpty        = 3878 // ER_SECOND_PASSWORD_CANNOT_BE_EMPTY
	codeIncorrectCurrent   = 3891 // ER_INCORRECT_CURRENT_PASSWORD
	codeMissingCurrent     = 3892 // ER_MISSING_CURRENT_PASSWORD
	codeCurrentNotRequired = 3893 // ER_CURRENT_PASSWORD_NOT_REQUIRED
	codeRetainPlugin       = 3894 // ER_PASSWORD_CANNOT_BE_RETAINED_ON_PLUGIN_CHANGE
	codeRetainEmpty        = 3895 // ER_CURRENT_PASSWORD_CANNOT_BE_RETAINED
)

// oldPassword is a row of mysql.password_history.
type oldPassword struct {
	Hash string
	Set  time.Time
}

// setAccountPassword gives an account a password; password is the one that was made, for BY RANDOM PASSWORD.
func (s *Session) setAccountPassword(a *accountDraft, p *passwordClause, create bool) (password string, err error) {
	plugin := cmp.Or(p.plugin, cmp.Or(a.user.Plugin, pluginNative))
	if plugin != pluginNative && plugin != pluginSHA2 {
		return "", mysqlerr.New(mysqlerr.ER_PLUGIN_IS_NOT_LOADED, plugin)
	}
	moved := !create && plugin != cmp.Or(a.user.Plugin, pluginNative)
	if !create {
		if err := s.proveCurrent(a, p); err != nil {
			return "", err
		}
	}
	text := p.text
	hash := ""
	switch p.how {
	case passwordHashed:
		if hash = p.hash; !wire.ValidHash(plugin, hash) {
			return "", mysqlerr.New(mysqlerr.ER_PASSWORD_FORMAT)
		}
	case passwordRandom:
		if text, err = randomPassword(); err != nil {
			return "", err
		}
		password = text
	case passwordClear:
		if err := s.validatePassword(text); err != nil {
			return "", err
		}
		if !moved {
			if err := s.e.checkReuse(a, plugin, text); err != nil {
				return "", err
			}
		}
	}
	if text != "" {
		if hash, err = wire.MakeHash(plugin, text); err != nil {
			return "", mysqlerr.New(mysqlerr.ER_NOT_VALID_PASSWORD)
		}
	}
	if err := a.retain(p, hash, moved); err != nil {
		return "", err
	}
	if moved {
		a.options.Former = nil // hashes of another kind prove nothing
	}
	a.user.Plugin, a.user.AuthString, a.user.PasswordLastChanged = plugin, hash, time.Now().UTC()
	a.options.Expired = p.how == passwordNone && !create // who has no credentials any more must choose some
	s.e.remember(&a.options, hash, time.Now().UTC())
	return password, nil
}

// retain keeps or drops the secondary password.
func (a *accountDraft) retain(p *passwordClause, hash string, moved bool) error {
	id := authID{a.user.User, a.user.Host}
	switch {
	case p.retain && moved:
		return mysqlerr.NewMessage(codeRetainPlugin, "Current password can not be retained for user '%s' because authentication plugin is being changed.", id.plain())
	case p.retain && a.user.AuthString == "":
		return mysqlerr.NewMessage(codeSecondEmpty, "Empty password can not be retained as second password for user '%s'.", id.plain())
	case p.retain && hash == "":
		return mysqlerr.NewMessage(codeRetainEmpty, "Current password can not be retained for user '%s' because new password is empty.", id.plain())
	case p.retain:
		a.options.Secondary = a.user.AuthString
	case moved || hash == "":
		a.options.Secondary = ""
	}
	return nil
}

// proveCurrent checks the REPLACE clause, and that it is there where the account's policy demands it of the account itself.
func (s *Session) proveCurrent(a *accountDraft, p *passwordClause) error {
	self := authID{a.user.User, a.user.Host} == authID{s.login.AccountUser, s.login.AccountHost}
	if p.current != nil {
		switch {
		case !self:
			return mysqlerr.NewMessage(codeCurrentNotRequired, "Do not specify the current password while changing it for other users.")
		case !wire.VerifyPassword(cmp.Or(a.user.Plugin, pluginNative), a.user.AuthString, *p.current):
			return mysqlerr.NewMessage(codeIncorrectCurrent, "Incorrect current password. Specify the correct password which has to be replaced.")
		}
		return nil
	}
	required := false
	if r := a.options.RequireCurrent; r != nil {
		required = *r
	} else if _, v, ok := sql.SystemVariables.GetGlobal("password_require_current"); ok {
		required = truth(v)
	}
	if required && self && a.user.AuthString != "" && !s.Allowed("CREATE USER") {
		return mysqlerr.NewMessage(codeMissingCurrent, "Current password needs to be specified in the REPLACE clause in order to change it.")
	}
	return nil
}

// reusePolicy is how many passwords an account must choose, and how many days must go by, before it may use one again; 0: no bound.
func (e *Engine) reusePolicy(o *accountOptions) (changes, days int64) {
	policy := func(own *int64, name string) int64 {
		if own != nil {
			return *own
		}
		n, _ := e.GlobalInt(name)
		return n
	}
	return policy(o.History, "password_history"), policy(o.ReuseDays, "password_reuse_interval")
}

// barred tells which former passwords may not be used now: the first n of a list with the newest first.
func barred(former []oldPassword, changes, days int64, now time.Time) int {
	n := 0
	for i, old := range former {
		if int64(i) < changes || days > 0 && now.Sub(old.Set) < time.Duration(days)*24*time.Hour {
			n = i + 1
		}
	}
	return n
}

// checkReuse refuses a password that the account had too lately: 3638.
func (e *Engine) checkReuse(a *accountDraft, plugin, text string) error {
	if text == "" {
		return nil
	}
	changes, days := e.reusePolicy(&a.options)
	for _, old := range a.options.Former[:barred(a.options.Former, changes, days, time.Now())] {
		if wire.VerifyPassword(plugin, old.Hash, text) {
			return mysqlerr.New(mysqlerr.ER_CREDENTIALS_CONTRADICT_TO_HISTORY, a.user.User, a.user.Host)
		}
	}
	return nil
}

// maxFormer bounds an account's password history, whatever PASSWORD REUSE INTERVAL says.
const maxFormer = 1024

// remember notes a new password in the account's history, and forgets those that its policy needs no more.
func (e *Engine) remember(o *accountOptions, hash string, now time.Time) {
	changes, days := e.reusePolicy(o)
	former := slices.Clone(o.Former)
	if hash != "" && (changes > 0 || days > 0) {
		former = slices.Insert(former, 0, oldPassword{hash, now})
	}
	o.Former = former[:min(barred(former, changes, days, now), maxFormer)]
}

// Characters of random passwords: MySQL's.
const randomCharacters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789,.-+*;:_!#%&/()=?><@{[]}"

// randomPassword makes a password of generated_random_password_length characters.
func randomPassword() (string, error) {
	_, v, _ := sql.SystemVariables.GetGlobal("generated_random_password_length")
	out := make([]byte, min(max(integer(v), 5), 255))
	for i := range out {
		n, err := rand.Int(rand.Reader, big.NewInt(int64(len(randomCharacters))))
		if err != nil {
			return "", err
		}
		out[i] = randomCharacters[n.Int64()]
	}
	return string(out), nil
}
