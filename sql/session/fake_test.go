package session

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/types"

	"github.com/zoryadb/zorya/base/wait"
	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/general"
	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/spill"
	"github.com/zoryadb/zorya/sql/wire"
)

// fakeDB records what becomes of transactions; it holds no data.
type fakeDB struct {
	table.DB
	mu   sync.Mutex
	log  []string
	ids  int
	hold chan struct{} // not nil: commits become durable when it is closed
}

func (d *fakeDB) note(format string, args ...any) {
	d.mu.Lock()
	d.log = append(d.log, fmt.Sprintf(format, args...))
	d.mu.Unlock()
}

// take returns what happened since the last call.
func (d *fakeDB) take() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := strings.Join(d.log, " ")
	d.log = nil
	return s
}

func (d *fakeDB) Info() table.Info { return table.Info{} }

func (d *fakeDB) Begin(o table.TxnOptions) table.Txn {
	d.mu.Lock()
	d.ids++
	t := &fakeTxn{db: d, o: o, id: d.ids, killed: make(chan error, 1)}
	d.mu.Unlock()
	return t
}

type fakeTxn struct {
	db     *fakeDB
	o      table.TxnOptions
	id     int
	writes bool
	points []string
	killed chan error
}

func (t *fakeTxn) ID() uint64                { return uint64(t.id) }
func (t *fakeTxn) Options() table.TxnOptions { return t.o }
func (t *fakeTxn) Writes() bool              { return t.writes }
func (t *fakeTxn) BeginStmt(context.Context, table.StmtOptions) (table.Stmt, error) {
	return &fakeStmt{t: t, wrote: t.writes}, nil
}
func (t *fakeTxn) Commit(context.Context) error {
	t.db.note("commit(%v)", t.writes)
	return nil
}
func (t *fakeTxn) CommitAsync(done func(error)) {
	t.db.note("commit(%v)", t.writes)
	if t.db.hold == nil {
		done(nil)
		return
	}
	go func() { <-t.db.hold; done(nil) }()
}
func (t *fakeTxn) Rollback(context.Context) error { t.db.note("rollback"); return nil }
func (t *fakeTxn) Savepoint(name string)          { t.points = append(t.points, name) }
func (t *fakeTxn) RollbackTo(_ context.Context, name string) error {
	for _, p := range t.points {
		if p == name {
			t.db.note("to:%s", name)
			return nil
		}
	}
	return table.ErrNoSavepoint
}
func (t *fakeTxn) Release(name string) error {
	return t.RollbackTo(context.Background(), name)
}
func (t *fakeTxn) WaitDependencies(context.Context) error { t.db.note("deps"); return nil }
func (t *fakeTxn) Kill(err error)                         { t.killed <- err }

type fakeStmt struct {
	t     *fakeTxn
	wrote bool
}

func (s *fakeStmt) Txn() table.Txn { return s.t }
func (s *fakeStmt) Open(context.Context, string, string) (table.Table, error) {
	s.t.writes = true
	return nil, nil
}
func (s *fakeStmt) End() { s.t.db.note("end") }
func (s *fakeStmt) Rollback(context.Context) error {
	s.t.db.note("undo")
	s.t.writes = s.wrote
	return nil
}

// fakeLane understands a handful of words.
type fakeLane struct {
	db      *fakeDB
	wakeup  chan struct{} // a "sleep" ends when it is closed
	super   bool
	account general.Account
}

func (l *fakeLane) Lookup(user, _ string) (general.Account, bool) {
	a := l.account
	a.User, a.Host, a.Plugin = user, "%", wire.PluginNative
	return a, user != "nobody"
}

func (l *fakeLane) Allowed(LaneSession, string) bool { return l.super }

func (l *fakeLane) NewSession(_ context.Context, login general.Login, h general.Hooks) (LaneSession, error) {
	if login.Database == "missing" {
		return nil, mysqlerr.New(mysqlerr.ER_BAD_DB_ERROR, login.Database)
	}
	s := &fakeSession{l: l, h: h}
	s.set = general.Settings{Autocommit: true, Isolation: table.RepeatableRead, Database: login.Database, LongQuery: time.Hour, WaitTimeout: time.Hour, NetWriteTimeout: time.Minute}
	return s, nil
}

type fakeSession struct {
	l   *fakeLane
	h   general.Hooks
	set general.Settings
}

var fakeColumn = []general.Column{{Name: "n", Type: uint8(wire.TypeLongLong), Length: 20, SQLType: types.Int64}}

func (s *fakeSession) Parse(text string) (*general.Statement, string, error) {
	head, rest, _ := strings.Cut(text, ";")
	head = strings.ToLower(strings.TrimSpace(head))
	if head == "" {
		return nil, "", nil
	}
	st := &general.Statement{Text: head, Params: strings.Count(head, "?")}
	word, arg, _ := strings.Cut(head, " ")
	control := func(c general.ControlStatement) {
		st.Class, st.Control = general.Control, &c
	}
	switch word {
	case "write", "fail", "deadlock", "boom":
		st.Class = general.Write
	case "create":
		st.Class = general.DDL
	case "begin":
		control(general.ControlStatement{Op: general.Begin, ReadOnly: arg == "read only"})
	case "commit":
		control(general.ControlStatement{Op: general.Commit, Chain: arg == "and chain", Release: arg == "release"})
	case "rollback":
		if arg != "" {
			control(general.ControlStatement{Op: general.RollbackTo, Name: arg})
		} else {
			control(general.ControlStatement{Op: general.Rollback})
		}
	case "savepoint":
		control(general.ControlStatement{Op: general.Savepoint, Name: arg})
	case "isolation":
		level := table.ReadCommitted
		control(general.ControlStatement{Op: general.SetTransaction, Isolation: &level})
	case "kill":
		query := strings.HasPrefix(arg, "query ")
		id, err := strconv.ParseUint(strings.TrimPrefix(arg, "query "), 10, 64)
		if err != nil {
			return nil, "", err
		}
		control(general.ControlStatement{Op: general.Kill, ID: id, KillQuery: query})
	case "lock":
		w, name, _ := strings.Cut(arg, " ")
		control(general.ControlStatement{Op: general.LockTables, Tables: []general.TableLock{{Schema: "d", Table: name, Write: w == "write"}}})
	case "unlock":
		control(general.ControlStatement{Op: general.UnlockTables})
	case "select":
		st.Columns = fakeColumn
	case "set", "sleep", "touch", "id":
	default:
		return nil, "", mysqlerr.New(mysqlerr.ER_PARSE_ERROR, "near", head, 1)
	}
	return st, rest, nil
}

func (s *fakeSession) Prepare(_ context.Context, text string) (*general.Statement, error) {
	st, _, err := s.Parse(text)
	return st, err
}

func (s *fakeSession) Execute(ctx context.Context, st *general.Statement, stmt table.Stmt, params []any) (*general.Result, error) {
	word, arg, _ := strings.Cut(st.Text, " ")
	switch word {
	case "id":
		return &general.Result{}, nil
	case "set":
		s.set.Autocommit = arg == "autocommit=1"
		return &general.Result{}, nil
	case "select":
		rows := &fakeRows{}
		for _, f := range strings.Split(arg, ",") {
			switch f {
			case "?":
				rows.values = append(rows.values, params[0])
			case "error":
				rows.err = errors.New("row error")
			case "many":
				for i := range 100000 {
					rows.values = append(rows.values, int64(i))
				}
			default:
				n, _ := strconv.ParseInt(f, 10, 64)
				rows.values = append(rows.values, n)
			}
		}
		return &general.Result{Columns: fakeColumn, Rows: rows}, nil
	case "sleep":
		w := wait.Begin(ctx)
		defer w.End()
		select {
		case <-s.l.wakeup:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
		return &general.Result{}, nil
	}
	if _, err := stmt.Open(ctx, "d", "t"); err != nil {
		return nil, err
	}
	switch word {
	case "fail":
		return nil, errors.New("it failed")
	case "deadlock":
		return nil, fmt.Errorf("row: %w", table.ErrDeadlock)
	case "boom":
		panic("boom")
	}
	return &general.Result{Affected: 1}, nil
}

func (s *fakeSession) Settings() general.Settings                          { return s.set }
func (s *fakeSession) UseDatabase(_ context.Context, n string) error       { s.set.Database = n; return nil }
func (s *fakeSession) NoteError(error, bool)                               {}
func (s *fakeSession) Warnings() uint16                                    { return 0 }
func (s *fakeSession) Reset(context.Context) error                         { s.set.Autocommit = true; return nil }
func (s *fakeSession) ChangeUser(_ context.Context, _ general.Login) error { return nil }
func (s *fakeSession) Spool() *spill.Spool                                 { return new(spill.Pool).Account(spill.Bounds{}).NewSpool() }
func (s *fakeSession) Close()                                              {}

type fakeRows struct {
	values []any
	err    error
}

func (r *fakeRows) Next() (sql.Row, error) {
	if len(r.values) == 0 {
		if r.err != nil {
			return nil, r.err
		}
		return nil, io.EOF
	}
	v := r.values[0]
	r.values = r.values[1:]
	return sql.Row{v}, nil
}
func (r *fakeRows) Close() error { return nil }
