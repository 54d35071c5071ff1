package general

import (
	"sync"
	"time"

	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// Usage is what an account has used of its limits by the hour. Like MySQL's it begins anew an hour after it began, at a restart, and at FLUSH USER_RESOURCES.
type Usage struct {
	user string

	mu                            sync.Mutex
	since                         time.Time
	queries, updates, connections int64
}

// accountUsage is that of all accounts with such limits.
type accountUsage struct {
	mu sync.Mutex
	by map[authID]*Usage
}

// Usage finds an account's. It is nil for an account without limits by the hour.
func (e *Engine) Usage(user, host string, l AccountLimits) *Usage {
	if l.Queries == 0 && l.Updates == 0 && l.Connections == 0 {
		return nil
	}
	a := &e.usage
	a.mu.Lock()
	defer a.mu.Unlock()
	id := authID{user, host}
	if a.by == nil {
		a.by = map[authID]*Usage{}
	}
	if a.by[id] == nil {
		a.by[id] = &Usage{user: user}
	}
	return a.by[id]
}

// reset begins all counts anew.
func (a *accountUsage) reset() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, u := range a.by {
		u.mu.Lock()
		u.since = time.Time{}
		u.mu.Unlock()
	}
}

// begin starts an hour when the last one is over. The caller holds mu.
func (u *Usage) begin(now time.Time) {
	if now.Sub(u.since) >= time.Hour {
		u.since, u.queries, u.updates, u.connections = now, 0, 0, 0
	}
}

// Connect counts a connection, or refuses it: 1226.
func (u *Usage) Connect(l AccountLimits, now time.Time) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.begin(now)
	return u.count(&u.connections, l.Connections, "max_connections_per_hour")
}

// Statement counts a statement, or refuses it: 1226.
func (u *Usage) Statement(l AccountLimits, update bool, now time.Time) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.begin(now)
	if err := u.count(&u.queries, l.Queries, "max_questions"); err != nil || !update {
		return err
	}
	return u.count(&u.updates, l.Updates, "max_updates")
}

func (u *Usage) count(n *int64, limit int64, resource string) error {
	if limit > 0 && *n >= limit {
		return mysqlerr.New(mysqlerr.ER_USER_LIMIT_REACHED, u.user, resource, *n)
	}
	*n++
	return nil
}
