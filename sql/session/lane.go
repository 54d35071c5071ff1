package session

import (
	"context"
	"time"

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

// EventsOn and the following implement eventLane.
func (l generalLane) EventsOn() bool          { return l.e.EventsOn() }
func (l generalLane) EventGeneration() uint64 { return l.e.EventGeneration() }
func (l generalLane) Events(ctx context.Context) ([]*general.Event, error) {
	return l.e.Events(ctx)
}

func (l generalLane) EventBegins(ctx context.Context, ev *general.Event, at time.Time) (bool, error) {
	return l.e.EventBegins(ctx, ev, at)
}

func (l generalLane) EventEnded(ctx context.Context, ev *general.Event, now time.Time) error {
	return l.e.EventEnded(ctx, ev, now)
}

// GlobalInt implements globals.
func (l generalLane) GlobalInt(name string) (int64, bool) { return l.e.GlobalInt(name) }
