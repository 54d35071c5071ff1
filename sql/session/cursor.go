package session

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/dolthub/go-mysql-server/sql"

	"github.com/zoryadb/zorya/sql/general"
	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/spill"
	"github.com/zoryadb/zorya/sql/wire"
)

// cursor is the materialised result of a statement whose client fetches rows in portions. MySQL, too, keeps such results in
// a temporary table, so that a cursor survives the end of its statement and holds no locks.
type cursor struct {
	enc  *rowEncoder
	kept *spill.Spool // past tmp_table_size in a file
	rows sql.RowIter
	left int
	ctx  *sql.Context
}

// closeCursor gives back what the statement's cursor keeps, if it has one.
func (p *prepared) closeCursor() {
	if c := p.cur; c != nil {
		_ = c.rows.Close(c.ctx)
		_ = c.kept.Close() // a temporary file that nobody reads any more
		p.cur = nil
	}
}

// openCursor executes a query and keeps its rows.
func (s *Session) openCursor(ctx context.Context, r *wire.Reply, p *prepared, params []any) error {
	started := time.Now()
	if err := s.useAccount(p.st); err != nil {
		return s.failed(started, p.st.Written(), err, true)
	}
	cur, err := s.materialise(ctx, p.st, params)
	if err := s.endStmt(ctx, err, true); err != nil {
		return s.failed(started, p.st.Written(), err, false)
	}
	p.cur = cur
	s.srv.observe(s, laneGeneral, started, nil, []byte(p.st.Written()), nil)
	if err := r.Columns(cur.enc.set); err != nil {
		return err
	}
	return r.EndRows(wire.OK{Status: s.Status() | wire.StatusCursorExists, Warnings: s.gen.Warnings()})
}

func (s *Session) materialise(ctx context.Context, st *general.Statement, params []any) (cur *cursor, err error) {
	run, cancel := context.WithCancel(ctx)
	defer cancel()
	g, err := s.half(ctx)
	if err != nil {
		return nil, err
	}
	res, err := g.Execute(run, st, s.openStmt(false), params)
	if err != nil {
		return nil, err
	}
	if res == nil || res.Rows == nil {
		return nil, errors.New("the statement of a cursor returned no rows object")
	}
	defer func() {
		if cerr := res.Rows.Close(); err == nil {
			err = cerr
		}
	}()
	cur = &cursor{enc: newRowEncoder(res.Columns), kept: g.Spool(), ctx: sql.NewContext(s.clean)}
	defer func() {
		if err != nil {
			_ = cur.kept.Close() // the first error is the one to report
		}
	}()
	for {
		row, err := res.Rows.Next()
		if errors.Is(err, io.EOF) {
			cur.left = cur.kept.Len()
			cur.rows, err = cur.kept.Rows()
			return cur, err
		}
		if err != nil {
			return nil, err
		}
		keep := make(sql.Row, len(row))
		for i, v := range row {
			if b, ok := v.([]byte); ok {
				v = append([]byte{}, b...)
			}
			keep[i] = v
		}
		if err := cur.kept.Add(keep); err != nil {
			return nil, err
		}
	}
}

// Fetch implements wire.Session.
func (s *Session) Fetch(r *wire.Reply, st *wire.Stmt, n uint32) error {
	return s.run("Fetch", nil, false, func(context.Context) error {
		p := st.Data.(*prepared)
		if p.cur == nil {
			return mysqlerr.New(mysqlerr.ER_STMT_HAS_NO_OPEN_CURSOR, st.ID())
		}
		if err := r.ContinueRows(p.cur.enc.set); err != nil {
			return err
		}
		for range min(uint64(n), uint64(p.cur.left)) {
			row, err := p.cur.rows.Next(p.cur.ctx)
			if err == nil {
				err = p.cur.enc.send(r, row)
			}
			if err != nil {
				return err
			}
			p.cur.left--
		}
		status := s.Status() | wire.StatusCursorExists
		if p.cur.left == 0 {
			status |= wire.StatusLastRowSent
			p.closeCursor()
		}
		return r.EndRows(wire.OK{Status: status})
	})
}
