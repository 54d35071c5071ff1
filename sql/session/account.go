package session

import (
	"crypto/tls"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"strings"
	"time"

	"github.com/zoryadb/zorya/sql/general"
	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/wire"
)

// What an account's options say about its connections.

// loginLane is what a Lane also implements when it counts failed logins.
type loginLane interface {
	NoteLogin(user, host string, ok bool)
	// Usage is what an account has used of its limits by the hour, nil when it has none.
	Usage(user, host string, l general.AccountLimits) *general.Usage
}

// NoteLogin implements loginLane.
func (l generalLane) NoteLogin(user, host string, ok bool) { l.e.NoteLogin(user, host, ok) }

// Usage implements loginLane.
func (l generalLane) Usage(user, host string, limits general.AccountLimits) *general.Usage {
	return l.e.Usage(user, host, limits)
}

// tlsDemands is what REQUIRE X509, ISSUER, SUBJECT and CIPHER ask of a connection; nil: nothing.
func tlsDemands(a *general.Account) func(*tls.ConnectionState) bool {
	if !a.X509 {
		return nil
	}
	return func(st *tls.ConnectionState) bool {
		if len(st.VerifiedChains) == 0 {
			return (a.Issuer == "" && a.Subject == "" && a.Cipher != "") && cipherName(st.CipherSuite) == a.Cipher // CIPHER alone asks for no certificate
		}
		cert := st.PeerCertificates[0]
		return (a.Cipher == "" || cipherName(st.CipherSuite) == a.Cipher) && (a.Issuer == "" || oneLine(cert.RawIssuer) == a.Issuer) &&
			(a.Subject == "" || oneLine(cert.RawSubject) == a.Subject)
	}
}

// oneLine is a distinguished name as OpenSSL's X509_NAME_oneline writes it, which MySQL compares: /C=SE/O=Example/CN=client.
func oneLine(raw []byte) string {
	var name pkix.RDNSequence
	if rest, err := asn1.Unmarshal(raw, &name); err != nil || len(rest) > 0 {
		return ""
	}
	var b strings.Builder
	for _, set := range name {
		for _, part := range set {
			key := part.Type.String()
			if short := nameParts[key]; short != "" {
				key = short
			}
			fmt.Fprintf(&b, "/%s=%v", key, part.Value)
		}
	}
	return b.String()
}

// nameParts are OpenSSL's short names.
var nameParts = map[string]string{"2.5.4.3": "CN", "2.5.4.4": "SN", "2.5.4.5": "serialNumber", "2.5.4.6": "C", "2.5.4.7": "L", "2.5.4.8": "ST", "2.5.4.9": "street",
	"2.5.4.10": "O", "2.5.4.11": "OU", "2.5.4.12": "title", "2.5.4.17": "postalCode", "2.5.4.42": "GN", "1.2.840.113549.1.9.1": "emailAddress", "0.9.2342.19200300.100.1.25": "DC",
	"0.9.2342.19200300.100.1.1": "UID"}

// limit notes the account's limits by the hour at login.
func (s *Session) limit() {
	s.usage = nil
	l, ok := s.srv.lane.(loginLane)
	a, known := s.srv.lane.Lookup(s.login.User, s.login.Host)
	if ok && known {
		s.limits = a.AccountLimits
		s.usage = l.Usage(a.User, a.Host, a.AccountLimits)
	}
}

// useAccount counts a statement of an account with limits by the hour.
func (s *Session) useAccount(st *general.Statement) error {
	if s.usage == nil {
		return nil
	}
	return s.usage.Statement(s.limits, st.Class == general.Write || st.Class == general.DDL, time.Now())
}

// admitAccount refuses a client whose account has all the connections that it may have: 1226, 1203.
func (srv *Server) admitAccount(login *wire.Login) *mysqlerr.Error {
	if l, ok := srv.lane.(loginLane); ok {
		l.NoteLogin(login.Account.User, login.Account.Host, true)
	}
	own := int64(0)
	if a, ok := srv.lane.Lookup(login.User, login.Host); ok {
		own = a.UserConnections
		if l, ok := srv.lane.(loginLane); ok {
			if u := l.Usage(a.User, a.Host, a.AccountLimits); u != nil {
				if err := u.Connect(a.AccountLimits, time.Now()); err != nil {
					return mysqlerr.From(err)
				}
			}
		}
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
