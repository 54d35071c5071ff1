package session

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/zoryadb/zorya/base/wait"
	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/fastlane"
	"github.com/zoryadb/zorya/sql/general"
	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/perfschema"
)

// tableLocks are LOCK TABLES and FLUSH TABLES WITH READ LOCK. They live above the engine: a statement asks when it opens a
// table, and only while some session holds such a lock (active), so that others pay one atomic load.
//
// A lock is pending until the transactions that used the table before have ended (the engine's metadata locks tell); newcomers
// wait from the first, those who use the table already go on.
type tableLocks struct {
	active  atomic.Int64 // sessions that hold locks
	mu      sync.Mutex
	tables  map[tableKey]*tableLock
	global  *Session          // holder of the global read lock
	backups map[*Session]bool // holders of LOCK INSTANCE FOR BACKUP
	changed chan struct{}     // closed and replaced at each release
}

type tableKey struct{ schema, name string }

type tableLock struct {
	pending int // of the holders, how many still wait for earlier users
	writer  *Session
	readers map[*Session]bool
}

// lockedTable is one table that a session has locked.
type lockedTable struct {
	key   tableKey
	write bool
	names []string // by which statements may refer to it, in lower case
}

func newTableLocks() *tableLocks {
	return &tableLocks{tables: make(map[tableKey]*tableLock), changed: make(chan struct{})}
}

// wait waits until try succeeds, which runs under the lock. It fails when ctx ends, with its cause.
func (l *tableLocks) wait(ctx context.Context, try func() bool) error {
	return l.waitAs(ctx, "Waiting for table metadata lock", try)
}

// waitAs is wait under another name for the process list.
func (l *tableLocks) waitAs(ctx context.Context, state string, try func() bool) error {
	l.mu.Lock()
	for !try() {
		changed := l.changed
		l.mu.Unlock()
		w := wait.BeginAs(ctx, state)
		select {
		case <-changed:
			w.End()
		case <-ctx.Done():
			w.End()
			return context.Cause(ctx)
		}
		l.mu.Lock()
	}
	l.mu.Unlock()
	return nil
}

// TableLocks lists the locks of LOCK TABLES and FLUSH TABLES WITH READ LOCK: general.Options.TableLocks.
func (srv *Server) TableLocks() (out []table.MetadataLockInfo) {
	l := srv.locks
	l.mu.Lock()
	defer l.mu.Unlock()
	for k, t := range l.tables {
		add := func(s *Session, mode string) {
			out = append(out, table.MetadataLockInfo{Type: "TABLE", Schema: k.schema, Name: k.name, Mode: mode, Granted: true, SessionID: uint64(s.login.ID)})
		}
		if t.writer != nil {
			add(t.writer, "SHARED_NO_READ_WRITE")
		}
		for s := range t.readers {
			add(s, "SHARED_READ_ONLY")
		}
	}
	for s := range l.backups {
		out = append(out, table.MetadataLockInfo{Type: "BACKUP LOCK", Mode: "SHARED", Granted: true, SessionID: uint64(s.login.ID)})
	}
	if l.global != nil {
		out = append(out, table.MetadataLockInfo{Type: "GLOBAL", Mode: "SHARED", Granted: true, SessionID: uint64(l.global.login.ID)})
	}
	return out
}

func (l *tableLocks) release() {
	close(l.changed)
	l.changed = make(chan struct{})
}

// lockNamer is a half of a session that knows what names stand for.
type lockNamer interface {
	NamedTables(st *general.Statement, fn func(change, schema, name, alias string) error) error
	LockedTables(ctx context.Context, list []general.TableLock) ([]general.TableLock, error)
}

// lockedTables are the tables that LOCK TABLES locks.
func (s *Session) lockedTables(ctx context.Context, list []general.TableLock) ([]general.TableLock, error) {
	g, err := s.half(ctx)
	if err != nil {
		return nil, err
	}
	if n, ok := g.(lockNamer); ok {
		return n.LockedTables(ctx, list)
	}
	return list, nil
}

// checkNames refuses a statement that names a table which the session's LOCK TABLES does not cover (1100), or changes the definition of one that it may only read (1099). Tables
// that views, triggers and foreign keys lead to need not be named in LOCK TABLES: they are waited for when they are opened.
func (s *Session) checkNames(ctx context.Context, st *general.Statement) error {
	if len(s.tables) == 0 {
		return nil
	}
	g, err := s.half(ctx)
	if err != nil {
		return err
	}
	n, ok := g.(lockNamer)
	if !ok {
		return nil
	}
	return n.NamedTables(st, func(change, schema, name, alias string) error {
		if systemSchema(schema) {
			return nil
		}
		own := s.ownLock(tableKey{schema, name})
		switch {
		case !own.calls(alias):
			return mysqlerr.New(mysqlerr.ER_TABLE_NOT_LOCKED, cmp.Or(alias, name))
		case change != "" && !own.write:
			return mysqlerr.New(mysqlerr.ER_TABLE_NOT_LOCKED_FOR_WRITE, name)
		}
		return nil
	})
}

// covers reports whether the session's LOCK TABLES covers what a statement names.
func (s *Session) covers(st *fastlane.Statement) bool {
	return st.Tables(func(schema, name, alias string) bool {
		return s.ownLock(tableKey{cmp.Or(schema, s.set.Database), name}).calls(alias)
	})
}

// calls reports whether statements may refer to the table by a name; "" is any. t may be nil: it is not locked.
func (t *lockedTable) calls(name string) bool {
	return t != nil && (name == "" || slices.Contains(t.names, strings.ToLower(name)))
}

// ownLock is the session's lock on a table, nil if it has none.
func (s *Session) ownLock(k tableKey) *lockedTable {
	for i := range s.tables {
		if s.tables[i].key == k {
			return &s.tables[i]
		}
	}
	return nil
}

// lockTables is LOCK TABLES: all or none, after what was locked before was given up. The tables are locked in the order of their names, so two LOCK TABLES do
// not wait for each other; a transaction that uses a later one and wants an earlier one is the victim of that deadlock.
func (s *Session) lockTables(ctx context.Context, want []general.TableLock) error {
	if err := s.commitTxn(ctx); err != nil {
		return err
	}
	s.unlockNamed()
	byKey, names := make(map[tableKey]bool), map[tableKey][]string{}
	for _, w := range want {
		k := tableKey{w.Schema, w.Table}
		if k.schema == "" {
			k.schema = s.set.Database
		}
		byKey[k] = byKey[k] || w.Write
		names[k] = append(names[k], strings.ToLower(cmp.Or(w.Alias, w.Table)))
	}
	keys := slices.SortedFunc(maps.Keys(byKey), func(a, b tableKey) int {
		return cmp.Or(strings.Compare(a.schema, b.schema), strings.Compare(a.name, b.name))
	})
	if db, ok := s.srv.db.(table.LocksTables); ok {
		s.locker = db.NewTableLocker(uint64(s.login.ID))
	}
	l := s.srv.locks
	l.active.Add(1)
	for _, k := range keys {
		if err := s.lockTable(ctx, k, byKey[k], names[k]); err != nil {
			if len(s.tables) == 0 {
				l.active.Add(-1)
			}
			s.unlockNamed()
			return err
		}
	}
	if len(keys) == 0 {
		l.active.Add(-1)
	}
	return nil
}

// lockTable locks one table, and waits for the transactions that used it before.
func (s *Session) lockTable(ctx context.Context, k tableKey, write bool, names []string) error {
	l := s.srv.locks
	err := l.waitFor(ctx, s, s.locker, func() []*Session {
		t := l.tables[k]
		if t == nil {
			t = &tableLock{readers: make(map[*Session]bool)}
		}
		if in := t.holders(write); len(in) > 0 {
			return in
		}
		l.tables[k] = t
		if write {
			t.writer = s
		} else {
			t.readers[s] = true
		}
		t.pending++
		s.tables = append(s.tables, lockedTable{k, write, names})
		return nil
	})
	if err != nil {
		return err
	}
	if s.locker != nil {
		err = s.locker.AwaitUsers(ctx, k.schema, k.name, write, s.metadataWait())
	}
	l.mu.Lock()
	l.tables[k].pending--
	l.mu.Unlock()
	return err
}

// holders are the sessions whose locks keep others from the table, or, write being false, from changing it.
func (t *tableLock) holders(write bool) (in []*Session) {
	if t.writer != nil {
		in = append(in, t.writer)
	}
	if write {
		for s := range t.readers {
			in = append(in, s)
		}
	}
	return in
}

// waitFor waits until try, which runs under the lock, names no session in the way. w, if not nil, is who waits: a cycle through it is a deadlock.
func (l *tableLocks) waitFor(ctx context.Context, s *Session, w table.WaitsForLockers, try func() []*Session) error {
	if w == nil {
		ctx, cancel := context.WithTimeoutCause(ctx, s.metadataWait(), table.ErrLockTimeout)
		defer cancel()
		return l.wait(ctx, func() bool { return len(try()) == 0 })
	}
	deadline := time.Now().Add(s.metadataWait())
	for {
		l.mu.Lock()
		in := try()
		changed := l.changed
		var by []table.TableLocker
		for _, h := range in {
			if h.locker != nil {
				by = append(by, h.locker)
			}
		}
		l.mu.Unlock()
		if len(in) == 0 {
			return nil
		}
		if err := w.AwaitLocker(ctx, by, changed, time.Until(deadline)); err != nil {
			return err
		}
	}
}

// metadataWait is lock_wait_timeout.
func (s *Session) metadataWait() time.Duration {
	if s.set.MetadataWait > 0 {
		return s.set.MetadataWait
	}
	return 365 * 24 * time.Hour
}

// unlockNamed gives up the tables of LOCK TABLES.
func (s *Session) unlockNamed() {
	if len(s.tables) == 0 {
		return
	}
	s.abandonKeys()
	l := s.srv.locks
	l.mu.Lock()
	for _, t := range s.tables {
		lock := l.tables[t.key]
		delete(lock.readers, s)
		if lock.writer == s {
			lock.writer = nil
		}
		if lock.writer == nil && len(lock.readers) == 0 {
			delete(l.tables, t.key)
		}
	}
	l.release()
	l.mu.Unlock()
	s.tables = nil
	l.active.Add(-1)
}

// unlockTables gives up everything, the global read lock too.
func (s *Session) unlockTables() {
	s.unlockNamed()
	l := s.srv.locks
	if l.active.Load() == 0 {
		return
	}
	l.mu.Lock()
	if l.global == s {
		l.global = nil
		l.active.Add(-1)
		l.release()
	}
	l.mu.Unlock()
}

// flushTables is FLUSH TABLES t, ... WITH READ LOCK: LOCK TABLES t READ, ... of base tables, where none are locked.
func (s *Session) flushTables(ctx context.Context, list []general.TableLock) error {
	l := s.srv.locks
	l.mu.Lock()
	global := l.global == s
	l.mu.Unlock()
	if len(s.tables) > 0 || global {
		return mysqlerr.New(mysqlerr.ER_LOCK_OR_ACTIVE_TRANSACTION)
	}
	want, err := s.lockedTables(ctx, list)
	if err != nil {
		return err
	}
	for i, w := range want {
		if w.Behind {
			return mysqlerr.New(mysqlerr.ER_WRONG_OBJECT, want[i-1].Schema, want[i-1].Table, "BASE TABLE")
		}
	}
	return s.lockTables(ctx, want)
}

// lockBackup is LOCK INSTANCE FOR BACKUP: until UNLOCK INSTANCE, or the session's end, DDL of other sessions waits.
func (s *Session) lockBackup() {
	l := s.srv.locks
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.backups[s] {
		if l.backups == nil {
			l.backups = map[*Session]bool{}
		}
		l.backups[s] = true
		l.active.Add(1)
	}
}

// unlockBackup is UNLOCK INSTANCE.
func (s *Session) unlockBackup() {
	l := s.srv.locks
	if l.active.Load() == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.backups[s] {
		delete(l.backups, s)
		l.active.Add(-1)
		l.release()
	}
}

// defineAllowed waits while another session holds LOCK INSTANCE FOR BACKUP, for lock_wait_timeout at most.
func (l *tableLocks) defineAllowed(ctx context.Context, s *Session) error {
	if l.active.Load() == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, s.metadataWait(), table.ErrLockTimeout)
	defer cancel()
	return l.waitAs(ctx, "Waiting for backup lock", func() bool { return len(l.backups) == 0 || len(l.backups) == 1 && l.backups[s] })
}

// defines tells the statements that LOCK INSTANCE FOR BACKUP holds up: those that change definitions, accounts, or a table's files.
func defines(text string) bool {
	kind := perfschema.KindOf([]byte(text), 0).Variable()
	for _, p := range []string{"Com_create_", "Com_alter_", "Com_drop_", "Com_rename_", "Com_truncate", "Com_optimize", "Com_repair", "Com_grant", "Com_revoke"} {
		if strings.HasPrefix(kind, p) {
			return true
		}
	}
	return false
}

// lockGlobal is FLUSH TABLES WITH READ LOCK: from now on other sessions' writes and commits wait.
func (l *tableLocks) lockGlobal(ctx context.Context, s *Session) error {
	return l.wait(ctx, func() bool {
		if l.global == s {
			return true
		}
		if l.global != nil {
			return false
		}
		l.global = s
		l.active.Add(1)
		return true
	})
}

// writeAllowed waits while another session holds the global read lock; its holder may not write (1223).
func (l *tableLocks) writeAllowed(ctx context.Context, s *Session) error {
	if l.active.Load() == 0 {
		return nil
	}
	own := false
	if err := l.wait(ctx, func() bool { own = l.global == s; return own || l.global == nil }); err != nil {
		return err
	}
	if own {
		return mysqlerr.New(mysqlerr.ER_CANT_UPDATE_WITH_READLOCK)
	}
	return nil
}

// commitAllowed waits while another session holds the global read lock.
func (l *tableLocks) commitAllowed(ctx context.Context, s *Session) error {
	if l.active.Load() == 0 {
		return nil
	}
	return l.wait(ctx, func() bool { return l.global == nil || l.global == s })
}

// checkTableLock waits for other sessions' locks on a table that the session's own do not cover, and reports whether its own is for reading only.
func (s *Session) checkTableLock(ctx context.Context, schema, name string, write bool) (readOnly bool, err error) {
	if systemSchema(schema) {
		return false, nil
	}
	k := tableKey{schema, name}
	if own := s.ownLock(k); own != nil {
		return !own.write, nil
	}
	l := s.srv.locks
	if l.active.Load() == 0 {
		return false, nil
	}
	u, ok := s.txn.(interface {
		Uses(schema, name string, write bool) bool
	})
	uses := func(write bool) bool { return ok && u.Uses(schema, name, write) }
	w, _ := s.txn.(table.WaitsForLockers)
	return false, l.waitFor(ctx, s, w, func() []*Session {
		t := l.tables[k]
		if t == nil || t.pending > 0 && uses(false) || uses(write) {
			return nil
		}
		return t.holders(write)
	})
}

func systemSchema(name string) bool {
	switch strings.ToLower(name) {
	case "mysql", "information_schema", "performance_schema", "sys":
		return true
	}
	return false
}

// readLocked is a table that its session has locked for reading only.
type readLocked struct{ table.Table }

func (t readLocked) refuse() error {
	return mysqlerr.New(mysqlerr.ER_TABLE_NOT_LOCKED_FOR_WRITE, t.Def().Name)
}

// Insert implements table.Table.
func (t readLocked) Insert(context.Context, []row.Datum) error { return t.refuse() }

// InsertRows implements table.Table.
func (t readLocked) InsertRows(context.Context, [][]row.Datum) (int, error) { return 0, t.refuse() }

// Update implements table.Table.
func (t readLocked) Update(context.Context, table.Ref, []row.Datum, []row.Datum) error {
	return t.refuse()
}

// Delete implements table.Table.
func (t readLocked) Delete(context.Context, table.Ref, []row.Datum) error { return t.refuse() }
