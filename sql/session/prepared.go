package session

import (
	"context"

	"github.com/zoryadb/zorya/sql/fastlane"
	"github.com/zoryadb/zorya/sql/general"
	"github.com/zoryadb/zorya/sql/logs"
	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/perfschema"
	"github.com/zoryadb/zorya/sql/wire"
)

// prepared is what a session keeps of a statement of the binary protocol.
type prepared struct {
	text []byte
	fast *fastlane.Template // nil: no statement for the fast lane
	st   *general.Statement // nil until the general lane has to run it
	ends bool               // it ends a transaction: it does not wait at the gate
	cur  *cursor
}

// Prepare implements wire.Session.
func (s *Session) Prepare(r *wire.Reply, st *wire.Stmt, text []byte) error {
	return s.run("Prepare", text, false, func(ctx context.Context) error {
		p := &prepared{text: append([]byte(nil), s.decode(text)...), ends: bypasses(text)}
		st.Data = p
		s.performer.Count(perfschema.ComStmtPrepare, 1)
		if m := s.meter; m != nil && m.on&logs.GeneralLog != 0 {
			s.tellGeneral("Prepare", s.logged(string(p.text)))
		}
		done, known, err := s.prepareFast(r, st, p)
		if done {
			return err
		}
		parked := s.gen == nil
		if parked && known {
			// The first execution will make a plan. Until then thousands of connections may prepare the same.
			defer func() {
				p.st = nil
				s.dropHalf()
			}()
		}
		if err := s.prepareGeneral(ctx, p); err != nil {
			return err
		}
		var cols *wire.ColumnSet
		if len(p.st.Columns) > 0 {
			cols = columnSet(p.st.Columns)
		}
		if known {
			s.tell(p, cols)
		}
		return r.Prepared(st, p.st.Params, cols, s.gen.Warnings())
	})
}

// prepareFast answers for a statement whose plan exists: the general lane has checked it when the plan was made. known says that
// there may be a plan one day.
func (s *Session) prepareFast(r *wire.Reply, st *wire.Stmt, p *prepared) (done, known bool, err error) {
	if !s.shares || !s.plain || s.srv.opts.NoFastLane {
		return false, false, nil
	}
	t := s.srv.fast.Template(p.text)
	if t == nil {
		return false, false, nil
	}
	p.fast, p.text = t, t.Text()
	set, ok, known := s.srv.fast.Prepared(t, s.set.Database, uint16(s.results))
	if !ok {
		return false, known, nil
	}
	return true, true, r.Prepared(st, t.Params(), set, 0)
}

// tell lets other sessions prepare the statement without the general lane.
func (s *Session) tell(p *prepared, cols *wire.ColumnSet) {
	if p.fast != nil && p.fast.Params() == p.st.Params && s.gen.Warnings() == 0 {
		s.srv.fast.Tell(p.fast, s.set.Database, uint16(s.results), cols)
	}
}

func (s *Session) prepareGeneral(ctx context.Context, p *prepared) error {
	g, err := s.half(ctx)
	if err != nil {
		return err
	}
	if p.st, err = g.Prepare(ctx, string(p.text)); err != nil {
		return sqlError(err)
	}
	if p.st == nil {
		return mysqlerr.New(mysqlerr.ER_EMPTY_QUERY)
	}
	return nil
}

// Execute implements wire.Session.
func (s *Session) Execute(r *wire.Reply, st *wire.Stmt, params []wire.Param, _ []wire.Attr, cursorWanted bool) error {
	p := st.Data.(*prepared)
	p.closeCursor()
	return s.run("Execute", p.text, p.ends, func(ctx context.Context) error {
		s.work.prepared = true
		if m := s.meter; m != nil {
			m.prepared, m.params = true, params
		}
		if !cursorWanted {
			if handled, err := s.tryFast(ctx, r, p.text, p.fast, params); handled {
				return err
			}
		}
		if p.st == nil {
			if err := s.prepareGeneral(ctx, p); err != nil {
				return err
			}
		}
		values, err := s.laneParams(params)
		if err != nil {
			return err
		}
		s.tellStatement(p.text)
		if cursorWanted && p.st.Class == general.Read && len(p.st.Columns) > 0 {
			return s.openCursor(ctx, r, p, values)
		}
		return s.statement(ctx, r, p.st, values, false)
	})
}

// ResetStmt implements wire.Session.
func (s *Session) ResetStmt(st *wire.Stmt) error {
	s.performer.Count(perfschema.ComStmtReset, 1)
	st.Data.(*prepared).closeCursor()
	return nil
}

// CloseStmt implements wire.Session.
func (s *Session) CloseStmt(st *wire.Stmt) {
	if p, ok := st.Data.(*prepared); ok {
		p.closeCursor()
	}
	s.performer.Count(perfschema.ComStmtClose, 1)
	s.tellGeneral("Close stmt", "")
}
