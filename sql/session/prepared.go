package session

import (
	"context"

	"github.com/zoryadb/zorya/sql/general"
	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/wire"
)

// prepared is what a session keeps of a statement of the binary protocol.
type prepared struct {
	text []byte
	st   *general.Statement
	cur  *cursor
}

// Prepare implements wire.Session.
func (s *Session) Prepare(r *wire.Reply, st *wire.Stmt, text []byte) error {
	return s.run("Prepare", text, false, func(ctx context.Context) error {
		p := &prepared{text: append([]byte(nil), s.decode(text)...)}
		var err error
		if p.st, err = s.gen.Prepare(ctx, string(p.text)); err != nil {
			return sqlError(err)
		}
		if p.st == nil {
			return mysqlerr.New(mysqlerr.ER_EMPTY_QUERY)
		}
		st.Data = p
		var cols *wire.ColumnSet
		if len(p.st.Columns) > 0 {
			cols = columnSet(p.st.Columns)
		}
		return r.Prepared(st, p.st.Params, cols, s.gen.Warnings())
	})
}

// Execute implements wire.Session.
func (s *Session) Execute(r *wire.Reply, st *wire.Stmt, params []wire.Param, _ []wire.Attr, cursorWanted bool) error {
	p := st.Data.(*prepared)
	p.cur = nil
	bypass := p.st.Class == general.Control
	return s.run("Execute", p.text, bypass, func(ctx context.Context) error {
		if !cursorWanted {
			if handled, err := s.tryFast(ctx, r, p.text, params); handled {
				return err
			}
		}
		values, err := s.laneParams(params)
		if err != nil {
			return err
		}
		if cursorWanted && p.st.Class == general.Read && len(p.st.Columns) > 0 {
			return s.openCursor(ctx, r, p, values)
		}
		return s.statement(ctx, r, p.st, values, false)
	})
}

// ResetStmt implements wire.Session.
func (s *Session) ResetStmt(st *wire.Stmt) error {
	st.Data.(*prepared).cur = nil
	return nil
}

// CloseStmt implements wire.Session.
func (s *Session) CloseStmt(*wire.Stmt) {}
