package session

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/dolthub/go-mysql-server/sql"

	"github.com/zoryadb/zorya/sql/general"
	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/wire"
)

// cursor is the materialised result of a statement whose client fetches rows in portions. MySQL, too, keeps such results in
// a temporary table, so that a cursor survives the end of its statement and holds no locks.
type cursor struct {
	enc  *rowEncoder
	rows []sql.Row
	size int
}

// maxCursor bounds what a cursor may keep in memory; beyond it the statement fails.
const maxCursor = 256 << 20

// openCursor executes a query and keeps its rows.
func (s *Session) openCursor(ctx context.Context, r *wire.Reply, p *prepared, params []any) error {
	started := time.Now()
	cur, err := s.materialise(ctx, p.st, params)
	if err := s.endStmt(ctx, err, true); err != nil {
		return s.failed(started, p.st.Written(), err, false)
	}
	p.cur = cur
	s.srv.observe(s, laneGeneral, started, p.st.Written(), nil)
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
	cur = &cursor{enc: newRowEncoder(res.Columns)}
	for {
		row, err := res.Rows.Next()
		if errors.Is(err, io.EOF) {
			return cur, nil
		}
		if err != nil {
			return nil, err
		}
		keep := make(sql.Row, len(row))
		for i, v := range row {
			if b, ok := v.([]byte); ok {
				v = append([]byte{}, b...)
				cur.size += len(b)
			} else if t, ok := v.(string); ok {
				cur.size += len(t)
			}
			keep[i] = v
		}
		cur.rows = append(cur.rows, keep)
		if cur.size += 32 * len(row); cur.size > maxCursor {
			return nil, mysqlerr.New(mysqlerr.ER_OUT_OF_RESOURCES)
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
		count := min(uint64(n), uint64(len(p.cur.rows)))
		for _, row := range p.cur.rows[:count] {
			if err := p.cur.enc.send(r, row); err != nil {
				return err
			}
		}
		p.cur.rows = p.cur.rows[count:]
		status := s.Status() | wire.StatusCursorExists
		if len(p.cur.rows) == 0 {
			status |= wire.StatusLastRowSent
			p.cur = nil
		}
		return r.EndRows(wire.OK{Status: status})
	})
}
