package general

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/dolthub/go-mysql-server/sql"

	"github.com/zoryadb/zorya/engine"
	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/collate"
	"github.com/zoryadb/zorya/sql/extract"
	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/storage/volume/memvol"
)

// server is a general lane over an engine in memory. One per test: GMS's variables are globals, so tests do not run in parallel.
type server struct {
	t  testing.TB
	db table.DB
	e  *Engine
	n  uint32
}

func newServer(t testing.TB) *server {
	t.Helper()
	return newServerWith(t, Options{ServerID: "test"})
}

func newServerWith(t testing.TB, o Options) *server {
	t.Helper()
	db, err := engine.Open(context.Background(), memvol.New(memvol.Options{}), engine.Options{PoolBytes: 32 << 20, Collations: collate.For, Extract: extract.For})
	if err != nil {
		t.Fatal(err)
	}
	e, err := New(db, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		e.Close()
		db.Close()
	})
	return &server{t: t, db: db, e: e}
}

// client is a session with the least of a dispatcher: autocommit, BEGIN, COMMIT, ROLLBACK, savepoints.
type client struct {
	sv  *server
	s   *Session
	txn table.Txn

	stmt table.Stmt // that runs
	cur  table.Txn  // its transaction
}

// inRoutine is the hook for statements inside routines: here they all run in the CALL's transaction.
func (c *client) inRoutine(ctx context.Context, op *ControlStatement) (table.Stmt, error) {
	if op.Op == FailStatement {
		if err := c.stmt.Rollback(ctx); err != nil {
			return nil, err
		}
	} else {
		c.stmt.End()
	}
	var err error
	c.stmt, err = c.cur.BeginStmt(ctx, table.StmtOptions{Write: true})
	return c.stmt, err
}

func (sv *server) client() *client {
	sv.t.Helper()
	sv.n++
	c := &client{sv: sv}
	s, err := sv.e.NewSession(context.Background(), Login{ID: sv.n}, Hooks{Control: c.inRoutine})
	if err != nil {
		sv.t.Fatal(err)
	}
	c.s = s
	sv.t.Cleanup(func() {
		if c.txn != nil {
			_ = c.txn.Rollback(context.Background())
		}
		s.Close()
	})
	return c
}

// answer is the result of one statement as text.
type answer struct {
	cols     []string
	rows     [][]string
	affected uint64
	insertID uint64
	info     string
}

func (c *client) begin() table.Txn {
	set := c.s.Settings()
	return c.sv.db.Begin(table.TxnOptions{Isolation: set.Isolation, ReadOnly: set.ReadOnly, LockWait: set.LockWait, SessionID: uint64(c.s.login.ID)})
}

// exec runs all statements of text and returns the last one's answer.
func (c *client) exec(text string) (a answer, err error) {
	for strings.TrimSpace(text) != "" {
		st, rest, perr := c.s.Parse(text)
		if perr != nil {
			return a, perr
		}
		text = rest
		if st == nil {
			continue
		}
		if a, err = c.run(st, nil); err != nil {
			return a, err
		}
	}
	return a, nil
}

func (c *client) run(st *Statement, params []any) (a answer, err error) {
	ctx := context.Background()
	if st.Class == Control {
		return a, c.control(st.Control)
	}
	implicit := c.txn == nil || st.Class == DDL
	if st.Class == DDL && c.txn != nil {
		if err := c.txn.Commit(ctx); err != nil {
			return a, err
		}
		c.txn = nil
	}
	txn := c.txn
	if implicit {
		txn = c.begin()
	}
	stmt, err := txn.BeginStmt(ctx, table.StmtOptions{Write: st.Class != Read, Bulk: st.Bulk(), Overwrites: st.Overwrites()})
	if err != nil {
		return a, err
	}
	c.stmt, c.cur = stmt, txn
	res, err := c.s.Execute(ctx, st, stmt, params)
	stmt = c.stmt
	for ; err == nil && res != nil; res = res.Next {
		var one answer
		one, err = c.read(res)
		one.rows = append(a.rows, one.rows...)
		a = one
	}
	if err != nil {
		if rerr := stmt.Rollback(ctx); rerr != nil && !errors.Is(err, table.ErrDeadlock) {
			err = errors.Join(err, rerr)
		}
		if implicit {
			_ = txn.Rollback(ctx)
		}
		return a, err
	}
	stmt.End()
	if implicit {
		set := c.s.Settings()
		if !set.Autocommit && st.Class != DDL {
			c.txn = txn
			return a, nil
		}
		return a, txn.Commit(ctx)
	}
	return a, nil
}

func (c *client) control(op *ControlStatement) error {
	ctx := context.Background()
	end := func(f func(context.Context) error) error {
		c.txn = nil
		return f(ctx)
	}
	switch op.Op {
	case Begin:
		if c.txn != nil {
			if err := end(c.txn.Commit); err != nil {
				return err
			}
		}
		c.txn = c.begin()
	case Commit:
		if c.txn != nil {
			return end(c.txn.Commit)
		}
	case Rollback:
		if c.txn != nil {
			return end(c.txn.Rollback)
		}
	case Savepoint:
		c.txn.Savepoint(op.Name)
	case RollbackTo:
		return c.txn.RollbackTo(ctx, op.Name)
	}
	return nil
}

func (c *client) read(res *Result) (a answer, err error) {
	a.affected, a.insertID, a.info = res.Affected, res.InsertID, res.Info
	if res.Rows == nil {
		return a, nil
	}
	for _, col := range res.Columns {
		a.cols = append(a.cols, col.Name)
	}
	sc := c.s.context(context.Background(), "")
	for {
		r, err := res.Rows.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			_ = res.Rows.Close()
			return a, err
		}
		a.rows = append(a.rows, c.texts(sc, res.Columns, r))
	}
	return a, res.Rows.Close()
}

func (c *client) texts(sc *sql.Context, cols []Column, r sql.Row) []string {
	out := make([]string, len(r))
	for i, v := range r {
		out[i] = "NULL"
		if v != nil {
			x, err := cols[i].SQLType.SQL(sc, nil, v)
			if err != nil {
				out[i] = fmt.Sprintf("<%v>", err)
				continue
			}
			out[i] = x.ToString()
		}
	}
	return out
}

// String is the answer as `mysql -N` prints it.
func (a answer) String() string {
	var b strings.Builder
	for _, r := range a.rows {
		b.WriteString(strings.Join(r, "\t") + "\n")
	}
	return b.String()
}

// must runs text and fails the test on an error.
func (c *client) must(text string) answer {
	c.sv.t.Helper()
	a, err := c.exec(text)
	if err != nil {
		var e *mysqlerr.Error
		if errors.As(err, &e) && e.Unwrap() != nil {
			c.sv.t.Fatalf("%s\n%v\ncause: %.2000v", text, err, e.Unwrap())
		}
		c.sv.t.Fatalf("%s\n%v", text, err)
	}
	return a
}

// query checks a statement's rows.
func (c *client) query(text, want string) {
	c.sv.t.Helper()
	if got := strings.TrimRight(c.must(text).String(), "\n"); got != want {
		c.sv.t.Errorf("%s\ngot:\n%s\nwant:\n%s", text, got, want)
	}
}

// fails checks a statement's error.
func (c *client) fails(text string, code mysqlerr.Code, message string) {
	c.sv.t.Helper()
	_, err := c.exec(text)
	e := mysqlerr.From(err)
	if e == nil {
		c.sv.t.Errorf("%s\nno error, want %d", text, code)
		return
	}
	if e.Code != code || message != "" && e.Message != message {
		c.sv.t.Errorf("%s\ngot %v\nwant %d %s", text, err, code, message)
	}
}
