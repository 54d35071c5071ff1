package session

import (
	"context"

	"github.com/zoryadb/zorya/sql/general"
)

// General makes the general lane's engine the dispatcher's Lane.
func General(e *general.Engine) Lane { return generalLane{e} }

type generalLane struct{ e *general.Engine }

// Lookup implements Lane.
func (l generalLane) Lookup(user, host string) (general.Account, bool) { return l.e.Lookup(user, host) }

// NewSession implements Lane.
func (l generalLane) NewSession(ctx context.Context, login general.Login, h general.Hooks) (LaneSession, error) {
	s, err := l.e.NewSession(ctx, login, h)
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Allowed implements Lane.
func (l generalLane) Allowed(s LaneSession, privilege string) bool {
	p, ok := s.(interface{ Allowed(privilege string) bool })
	return ok && p.Allowed(privilege)
}

// GlobalInt implements globals.
func (l generalLane) GlobalInt(name string) (int64, bool) { return l.e.GlobalInt(name) }
