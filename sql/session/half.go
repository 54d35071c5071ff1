package session

import (
	"context"

	"github.com/zoryadb/zorya/sql/general"
	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/spill"
)

// A session's half in the general lane costs as much again as the rest of it. So a
// session that has only just begun, and one that the fast lane serves alone, has none: it is parked. It gets one when a statement
// needs it.

// note is what the fast lane did since the half was parked, for functions such as ROW_COUNT().
type note struct {
	set                 bool
	rowCount, foundRows int64
	insertID            uint64
}

// connectHalf makes the half of a new or reset session, learns its settings, and parks it. The database and the account are checked on the
// way: 1044, 1049.
func (s *Session) connectHalf(ctx context.Context) error {
	s.dropHalf()
	g, err := s.newHalf(ctx, s.login)
	if err != nil {
		return err
	}
	s.gen = g
	s.fast, s.shares = nil, false
	s.fast, s.shares = g.(FastSession)
	s.noted = note{}
	s.started()
	if s.shares {
		s.dropHalf()
	}
	return nil
}

func (s *Session) newHalf(ctx context.Context, l general.Login) (LaneSession, error) {
	return s.srv.lane.NewSession(ctx, l, general.Hooks{Control: s.controlInRoutine, LocalFile: s.localFile, Stage: s.stageIs, Profiles: s.keptProfiles, Kept: func(k spill.Kept) { s.work.kept.Add(k) }, KeysOff: s.disableKeys})
}

// half returns the session's half in the general lane, which it keeps from now on.
func (s *Session) half(ctx context.Context) (LaneSession, error) {
	if s.gen != nil {
		return s.gen, nil
	}
	l := s.login
	l.Database = s.set.Database
	g, err := s.newHalf(ctx, l)
	if mysqlerr.IsCode(err, mysqlerr.ER_BAD_DB_ERROR) || mysqlerr.IsCode(err, mysqlerr.ER_DBACCESS_DENIED_ERROR) { // dropped meanwhile
		l.Database = ""
		g, err = s.newHalf(ctx, l)
	}
	if err != nil {
		return nil, sqlError(err)
	}
	s.gen = g
	s.fast, _ = g.(FastSession)
	if n := s.noted; n.set && s.fast != nil {
		s.fast.Note(n.rowCount, n.foundRows, n.insertID)
	}
	return g, nil
}

// borrow calls fn with the half; a parked one is parked again.
func (s *Session) borrow(ctx context.Context, fn func(g LaneSession) error) error {
	parked := s.gen == nil
	g, err := s.half(ctx)
	if err != nil {
		return err
	}
	if parked {
		defer s.dropHalf()
	}
	return fn(g)
}

func (s *Session) dropHalf() {
	if s.gen != nil {
		s.gen.Close()
		s.gen, s.fast = nil, nil
	}
}

// note records what a statement of the fast lane did.
func (s *Session) note(rowCount, foundRows int64, insertID uint64) {
	s.failure.err = nil
	if s.fast != nil {
		s.fast.Note(rowCount, foundRows, insertID)
		return
	}
	n := &s.noted
	n.set, n.rowCount = true, rowCount
	if rowCount < 0 {
		n.foundRows = foundRows
	}
	if insertID != 0 {
		n.insertID = insertID
	}
}
