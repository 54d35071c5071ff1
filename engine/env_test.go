package engine

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/storage/volume/memvol"
)

var bg = context.Background()

// env is an instance over a volume in memory.
type env struct {
	t   testing.TB
	vol *memvol.Volume
	db  *DB
}

func newEnv(t testing.TB, o memvol.Options) *env {
	t.Helper()
	if o.PagesPerPG == 0 {
		o.PagesPerPG = 1024
	}
	e := &env{t: t, vol: memvol.New(o)}
	e.open()
	return e
}

func (e *env) open() {
	e.t.Helper()
	db, err := open(bg, e.vol, Options{PoolBytes: 32 << 20, Extract: words, ShareFrom: 200})
	if err != nil {
		e.t.Fatal(err)
	}
	e.db = db
	e.t.Cleanup(func() { db.Close() })
}

// crash loses what is above VDL and opens what is left.
func (e *env) crash() {
	e.t.Helper()
	old := e.db
	e.vol = e.vol.Crash()
	old.Close()
	e.open()
}

func (e *env) must(err error) {
	e.t.Helper()
	if err != nil {
		e.t.Fatal(err)
	}
}

// sbtest is a table like sysbench's: id, k (indexed), c, pad.
func (e *env) sbtest(name string) *table.Def {
	e.t.Helper()
	if err := e.db.CreateSchema(bg, table.Schema{Name: "s"}); err != nil && name == "" {
		e.t.Fatal(err)
	}
	d, err := e.db.CreateTable(bg, &table.Def{Schema: "s", Name: name, AutoInc: 0,
		Columns: []table.Column{{Name: "id", Class: row.Int}, {Name: "k", Class: row.Int}, {Name: "c", Class: row.Bytes}, {Name: "pad", Class: row.Bytes}},
		Indexes: []table.Index{{Name: "PRIMARY", Primary: true, Unique: true, Parts: []table.Part{{Column: 0}}},
			{Name: "k_1", Parts: []table.Part{{Column: 1}}}}})
	e.must(err)
	return d
}

var memOptions = memvol.Options{}

// session is a transaction with helpers for the table s.t.
type session struct {
	e  *env
	tx *Tx
	s  *Stmt
	t  *Handle
}

func (e *env) begin(iso table.Isolation) *session {
	return &session{e: e, tx: e.db.begin(table.TxnOptions{Isolation: iso, LockWait: 5 * time.Second})}
}

func (s *session) on(name string, fn func(h *Handle) error) error {
	st, err := s.tx.BeginStmt(bg, table.StmtOptions{Write: true})
	if err != nil {
		return err
	}
	t, err := st.Open(bg, "s", name)
	if err != nil {
		st.End()
		return err
	}
	s.s, s.t = st.(*Stmt), t.(*Handle)
	if err := fn(s.t); err != nil {
		if rerr := st.Rollback(bg); rerr != nil {
			return fmt.Errorf("%w; rollback: %w", err, rerr)
		}
		return err
	}
	st.End()
	return nil
}

func sbrow(id, k int64, c string) []row.Datum {
	return []row.Datum{row.FromInt(id), row.FromInt(k), row.FromBytes([]byte(c)), row.FromBytes([]byte("pad"))}
}

func (s *session) insert(name string, r []row.Datum) error {
	return s.on(name, func(h *Handle) error { return h.Insert(bg, r) })
}

func (s *session) update(name string, id int64, fn func(r []row.Datum)) error {
	return s.on(name, func(h *Handle) error {
		r, ref, err := h.Get(bg, 0, []row.Datum{row.FromInt(id)}, table.LockExclusive, table.Wait)
		if err != nil {
			return err
		}
		if r == nil {
			return fmt.Errorf("no row %d", id)
		}
		n := append([]row.Datum(nil), r...)
		fn(n)
		return h.Update(bg, ref, r, n)
	})
}

func (s *session) delete(name string, id int64) error {
	return s.on(name, func(h *Handle) error {
		r, ref, err := h.Get(bg, 0, []row.Datum{row.FromInt(id)}, table.LockExclusive, table.Wait)
		if err != nil {
			return err
		}
		if r == nil {
			return fmt.Errorf("no row %d", id)
		}
		return h.Delete(bg, ref, r)
	})
}

// rows reads all rows through an index as "id:k:c".
func (s *session) rows(name string, o table.ScanOptions) (out []string, err error) {
	err = s.on(name, func(h *Handle) error {
		c, err := h.Scan(bg, o)
		if err != nil {
			return err
		}
		defer c.Close()
		for {
			ok, err := c.Next(bg)
			if err != nil || !ok {
				return err
			}
			r := c.Row()
			out = append(out, fmt.Sprintf("%d:%d:%s", r[0].Int(), r[1].Int(), r[2].B))
		}
	})
	return out, err
}
