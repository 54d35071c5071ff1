package general

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/types"

	"github.com/zoryadb/zorya/base/wait"
	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// userLocks are the named locks of GET_LOCK. They belong to sessions and know nothing of transactions. A wait gives back the statement's place,
// ends with its context, and is refused (3058) where it would close a ring of waits. The library's own poll every 100 us and can do none of that.
type userLocks struct {
	mu    sync.Mutex
	locks map[string]*userLock
	waits map[*Session]*userLock // who waits for what
}

type userLock struct {
	owner  *Session // nil: it was given back, and the first waiter is about to take it
	count  int
	queue  []*Session
	change chan struct{} // closed when the queue may go on
}

const maxUserLockName = 64 // characters

func newUserLocks() *userLocks {
	return &userLocks{locks: map[string]*userLock{}, waits: map[*Session]*userLock{}}
}

// get takes the lock, waiting at most timeout, below 0 for ever. got is false when time is up.
func (u *userLocks) get(ctx context.Context, s *Session, name string, timeout time.Duration) (got bool, err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	l := u.locks[name]
	if l == nil {
		l = &userLock{owner: s, change: make(chan struct{})}
		u.locks[name] = l
	}
	if l.owner == s {
		l.count++
		return true, nil
	}
	if timeout == 0 {
		return false, nil
	}
	if u.rings(s, l) {
		return false, mysqlerr.New(mysqlerr.ER_USER_LOCK_DEADLOCK)
	}
	l.queue = append(l.queue, s)
	u.waits[s] = l
	defer u.leave(s, l, name)
	var up <-chan time.Time
	if timeout > 0 {
		t := time.NewTimer(timeout)
		defer t.Stop()
		up = t.C
	}
	for l.owner != nil || l.queue[0] != s {
		change := l.change
		u.mu.Unlock()
		w := wait.BeginAs(ctx, "User lock")
		select {
		case <-change:
		case <-up:
			timeout = 0
		case <-ctx.Done():
			err = context.Cause(ctx)
		}
		w.End()
		u.mu.Lock()
		if (timeout == 0 || err != nil) && (l.owner != nil || l.queue[0] != s) {
			return false, err
		}
	}
	l.owner, l.count = s, 1
	return true, nil
}

// leave takes a waiter out of the queue.
func (u *userLocks) leave(s *Session, l *userLock, name string) {
	delete(u.waits, s)
	for i, x := range l.queue {
		if x == s {
			l.queue = append(l.queue[:i], l.queue[i+1:]...)
			break
		}
	}
	u.free(l, name)
}

// free lets the next waiter go on, or forgets a lock that nobody has.
func (u *userLocks) free(l *userLock, name string) {
	if l.owner != nil {
		return
	}
	if len(l.queue) == 0 {
		if u.locks[name] == l {
			delete(u.locks, name)
		}
		return
	}
	close(l.change)
	l.change = make(chan struct{})
}

// rings reports whether s would wait, in the end, for itself.
func (u *userLocks) rings(s *Session, l *userLock) bool {
	for range len(u.waits) + 1 {
		if l == nil || l.owner == nil {
			return false
		}
		if l.owner == s {
			return true
		}
		l = u.waits[l.owner]
	}
	return false
}

// release gives the lock back once: 1; 0 if another session has it; nil if nobody has.
func (u *userLocks) release(s *Session, name string) any {
	u.mu.Lock()
	defer u.mu.Unlock()
	l := u.locks[name]
	switch {
	case l == nil || l.owner == nil:
		return nil
	case l.owner != s:
		return int64(0)
	}
	if l.count--; l.count == 0 {
		l.owner = nil
		u.free(l, name)
	}
	return int64(1)
}

// releaseAll gives back all of s's locks, and counts how often it had taken them.
func (u *userLocks) releaseAll(s *Session) (n int64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for name, l := range u.locks {
		if l.owner == s {
			n += int64(l.count)
			l.owner, l.count = nil, 0
			u.free(l, name)
		}
	}
	return n
}

// user is the session that has the lock, nil if none has.
func (u *userLocks) user(name string) *Session {
	u.mu.Lock()
	defer u.mu.Unlock()
	if l := u.locks[name]; l != nil {
		return l.owner
	}
	return nil
}

// list is for performance_schema.metadata_locks.
func (u *userLocks) list() (out []table.MetadataLockInfo) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for name, l := range u.locks {
		if l.owner != nil {
			out = append(out, table.MetadataLockInfo{Type: "USER LEVEL LOCK", Name: name, Mode: "EXCLUSIVE", Granted: true, SessionID: uint64(l.owner.login.ID)})
		}
		for _, s := range l.queue {
			if s != l.owner {
				out = append(out, table.MetadataLockInfo{Type: "USER LEVEL LOCK", Name: name, Mode: "EXCLUSIVE", SessionID: uint64(s.login.ID)})
			}
		}
	}
	return out
}

// userLockFunctions are the GET_LOCK family.
var userLockFunctions = map[string]int{"get_lock": 2, "release_lock": 1, "is_free_lock": 1, "is_used_lock": 1, "release_all_locks": 0}

func init() {
	for name, n := range userLockFunctions {
		ownFunctions[name] = func(*Engine) sql.Function {
			return sql.FunctionN{Name: name, Fn: func(_ *sql.Context, args ...sql.Expression) (sql.Expression, error) {
				if len(args) != n {
					return nil, sql.ErrInvalidArgumentNumber.New(name, n, len(args))
				}
				return &userLockCall{name, args}, nil
			}}
		}
	}
}

// userLockCall is a call of one of them.
type userLockCall struct {
	name string
	args []sql.Expression
}

var _ sql.Expression = (*userLockCall)(nil)
var _ sql.NonDeterministicExpression = (*userLockCall)(nil)

func (f *userLockCall) Resolved() bool {
	for _, a := range f.args {
		if !a.Resolved() {
			return false
		}
	}
	return true
}

func (f *userLockCall) String() string {
	parts := make([]string, len(f.args))
	for i, a := range f.args {
		parts[i] = a.String()
	}
	return f.name + "(" + strings.Join(parts, ", ") + ")"
}

func (f *userLockCall) Type(*sql.Context) sql.Type   { return types.Int64 }
func (f *userLockCall) IsNullable(*sql.Context) bool { return true }
func (f *userLockCall) IsNonDeterministic() bool     { return true }
func (f *userLockCall) Children() []sql.Expression   { return f.args }
func (f *userLockCall) WithChildren(_ *sql.Context, ch ...sql.Expression) (sql.Expression, error) {
	if len(ch) != len(f.args) {
		return nil, sql.ErrInvalidChildrenNumber.New(f, len(ch), len(f.args))
	}
	return &userLockCall{f.name, ch}, nil
}

// Eval implements sql.Expression.
func (f *userLockCall) Eval(ctx *sql.Context, r sql.Row) (any, error) {
	s := sessionOf(ctx)
	if s == nil {
		return nil, nil
	}
	u := s.e.userLocks
	if f.name == "release_all_locks" {
		return u.releaseAll(s), nil
	}
	name, err := f.lockName(ctx, r)
	if err != nil {
		return nil, err
	}
	switch f.name {
	case "get_lock":
		v, err := f.args[1].Eval(ctx, r)
		if err != nil {
			return nil, err
		}
		seconds := 0.0
		if v != nil {
			x, _, err := types.Float64.Convert(ctx, v)
			if err != nil {
				return nil, err
			}
			seconds = x.(float64)
		}
		timeout := time.Duration(min(seconds, 365*24*3600) * float64(time.Second))
		if seconds < 0 {
			timeout = -1
		}
		got, err := u.get(s.cur.ctx, s, name, timeout)
		if err != nil {
			return nil, err
		}
		return asInt(got), nil
	case "release_lock":
		return u.release(s, name), nil
	case "is_free_lock":
		return asInt(u.user(name) == nil), nil
	}
	if o := u.user(name); o != nil {
		return int64(o.login.ID), nil
	}
	return nil, nil
}

func asInt(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// lockName is the first argument. Names do not tell upper from lower case.
func (f *userLockCall) lockName(ctx *sql.Context, r sql.Row) (string, error) {
	v, err := f.args[0].Eval(ctx, r)
	if err != nil {
		return "", err
	}
	name := "NULL"
	if v != nil {
		name = fmt.Sprint(v)
		if b, ok := v.([]byte); ok {
			name = string(b)
		}
	}
	if v == nil || name == "" || utf8.RuneCountInString(name) > maxUserLockName {
		return "", mysqlerr.New(mysqlerr.ER_USER_LOCK_WRONG_NAME, name)
	}
	return strings.ToLower(name), nil
}
