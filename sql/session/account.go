package session

import (
	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/wire"
)

// What an account's options say about its connections.

// loginLane is what a Lane also implements when it counts failed logins.
type loginLane interface {
	NoteLogin(user, host string, ok bool)
}

// NoteLogin implements loginLane.
func (l generalLane) NoteLogin(user, host string, ok bool) { l.e.NoteLogin(user, host, ok) }

// admitAccount refuses a client whose account has all the connections that it may have: 1226, 1203.
func (srv *Server) admitAccount(login *wire.Login) *mysqlerr.Error {
	if l, ok := srv.lane.(loginLane); ok {
		l.NoteLogin(login.Account.User, login.Account.Host, true)
	}
	own := int64(0)
	if a, ok := srv.lane.Lookup(login.User, login.Host); ok {
		own = a.UserConnections
	}
	all := int64(srv.global("max_user_connections", 0))
	if own == 0 && all == 0 {
		return nil
	}
	n := int64(0)
	for _, s := range srv.all() {
		s.mu.Lock()
		if s.login.AccountUser == login.Account.User && s.login.AccountHost == login.Account.Host {
			n++
		}
		s.mu.Unlock()
	}
	switch {
	case own > 0 && n >= own:
		return mysqlerr.NewMessage(mysqlerr.ER_USER_LIMIT_REACHED, "User '%s' has exceeded the 'max_user_connections' resource (current value: %d)", login.Account.User, own)
	case own == 0 && n >= all:
		return mysqlerr.NewMessage(mysqlerr.ER_TOO_MANY_USER_CONNECTIONS, "User %s already has more than 'max_user_connections' active connections", login.Account.User)
	}
	return nil
}

// renewed ends the restriction to a new password once the account has one.
func (s *Session) renewed() {
	if a, ok := s.srv.lane.Lookup(s.login.User, s.login.Host); ok {
		s.expired = a.Expired
	}
}
