package session

import (
	"context"
	"encoding/hex"
	"errors"
	"sync"

	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/general"
	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/wire"
)

// xaState is where a session's XA transaction stands. A prepared one belongs to the engine: the session is free again
// (MySQL's xa_detach_on_prepare, on by default).
type xaState uint8

const (
	xaNone xaState = iota
	xaActive
	xaIdle
	xaRollbackOnly // a deadlock or the like has taken the transaction away
)

// String is the state's name in XAER_RMFAIL.
func (x xaState) String() string {
	return [...]string{"NON-EXISTING", "ACTIVE", "IDLE", "ROLLBACK ONLY"}[x]
}

type xaTxn struct {
	state xaState
	xid   string
}

// xids are the XIDs of XA transactions that sessions work on.
type xids struct {
	mu sync.Mutex
	m  map[string]bool
}

func (x *xids) take(xid string) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.m[xid] {
		return false
	}
	if x.m == nil {
		x.m = map[string]bool{}
	}
	x.m[xid] = true
	return true
}

func (x *xids) free(xid string) {
	x.mu.Lock()
	delete(x.m, xid)
	x.mu.Unlock()
}

func (s *Session) xaFails() error { return mysqlerr.New(mysqlerr.ER_XAER_RMFAIL, s.xa.state.String()) }

// xaAllows refuses statements that would end an XA transaction otherwise, and, once it has ended its work, all others.
func (s *Session) xaAllows(class general.Class) error {
	if s.xa.state == xaNone || s.xa.state == xaActive && class != general.DDL {
		return nil
	}
	return s.xaFails()
}

// xaOp is XA START, END, PREPARE, COMMIT and ROLLBACK.
func (s *Session) xaOp(ctx context.Context, c *general.ControlStatement) error {
	switch c.Op {
	case general.XAStart:
		switch {
		case c.XAOption == general.XAResume && s.xa.state == xaIdle && s.xa.xid != c.XID:
			return mysqlerr.New(mysqlerr.ER_XAER_NOTA)
		case c.XAOption == general.XAResume && s.xa.state == xaIdle:
			s.xa.state = xaActive
			return nil
		case c.XAOption != "":
			return mysqlerr.New(mysqlerr.ER_XAER_INVAL)
		}
		return s.xaStart(c.XID)
	case general.XAEnd:
		if c.XAOption != "" {
			return mysqlerr.New(mysqlerr.ER_XAER_INVAL)
		}
		if s.xa.state != xaActive && s.xa.state != xaRollbackOnly {
			return s.xaFails()
		}
		if s.xa.xid != c.XID {
			return mysqlerr.New(mysqlerr.ER_XAER_NOTA)
		}
		if s.xa.state == xaRollbackOnly {
			return mysqlerr.New(mysqlerr.ER_XA_RBROLLBACK)
		}
		s.xa.state = xaIdle
		return nil
	case general.XAPrepare:
		return s.xaPrepare(ctx, c.XID)
	}
	return s.xaEnd(ctx, c)
}

func (s *Session) xaStart(xid string) error {
	if s.xa.state != xaNone {
		return s.xaFails()
	}
	if s.explicit || s.txn != nil || len(s.tables) > 0 {
		return mysqlerr.New(mysqlerr.ER_XAER_OUTSIDE)
	}
	if !s.srv.xids.take(xid) {
		return mysqlerr.New(mysqlerr.ER_XAER_DUPID)
	}
	if x, ok := s.srv.db.(table.XA); ok {
		for _, have := range x.Prepared() {
			if have == xid {
				s.srv.xids.free(xid)
				return mysqlerr.New(mysqlerr.ER_XAER_DUPID)
			}
		}
	}
	s.xa = xaTxn{xaActive, xid}
	s.explicit = true
	s.beginTxn(false)
	return nil
}

func (s *Session) xaPrepare(ctx context.Context, xid string) error {
	switch {
	case s.xa.state != xaIdle:
		return s.xaFails()
	case s.xa.xid != xid:
		return mysqlerr.New(mysqlerr.ER_XAER_NOTA)
	}
	p, ok := s.txn.(table.Preparer)
	if !ok {
		return mysqlerr.New(mysqlerr.ER_NOT_SUPPORTED_YET, "XA PREPARE")
	}
	if err := p.Prepare(ctx, xid); err != nil {
		if errors.Is(err, table.ErrXIDExists) {
			return mysqlerr.New(mysqlerr.ER_XAER_DUPID)
		}
		return mysqlerr.New(mysqlerr.ER_XAER_RMERR).Because(err)
	}
	s.measuredTxn(s.txn, false)
	s.setTxn(nil)
	s.leaveXA()
	return nil
}

// leaveXA frees the session for its next transaction.
func (s *Session) leaveXA() {
	s.srv.xids.free(s.xa.xid)
	s.xa = xaTxn{}
	s.explicit, s.readOnly = false, false
}

// xaEnd is XA COMMIT and XA ROLLBACK: of the session's own transaction, or of a prepared one.
func (s *Session) xaEnd(ctx context.Context, c *general.ControlStatement) error {
	commit := c.Op == general.XACommit
	if s.xa.state == xaNone {
		return s.xaEndPrepared(ctx, c.XID, commit)
	}
	switch {
	case s.xa.xid != c.XID:
		return mysqlerr.New(mysqlerr.ER_XAER_OUTSIDE)
	case s.xa.state == xaActive, commit && !c.OnePhase:
		return s.xaFails()
	case commit && s.xa.state == xaRollbackOnly:
		return mysqlerr.New(mysqlerr.ER_XA_RBROLLBACK)
	case commit:
		if err := s.commitTxn(ctx); err != nil {
			return err
		}
	default:
		s.rollback(ctx)
	}
	s.leaveXA()
	return nil
}

func (s *Session) xaEndPrepared(ctx context.Context, xid string, commit bool) error {
	x, ok := s.srv.db.(table.XA)
	if !ok {
		return mysqlerr.New(mysqlerr.ER_XAER_NOTA)
	}
	if s.explicit || s.txn != nil {
		return mysqlerr.New(mysqlerr.ER_XAER_OUTSIDE)
	}
	end := x.RollbackPrepared
	if commit {
		if err := s.srv.locks.commitAllowed(ctx, s); err != nil {
			return err
		}
		end = x.CommitPrepared
	}
	err := end(ctx, xid)
	if errors.Is(err, table.ErrNoXID) {
		return mysqlerr.New(mysqlerr.ER_XAER_NOTA)
	}
	return err
}

// xaRecover lists the prepared transactions.
func (s *Session) xaRecover(ctx context.Context, r *wire.Reply, more, hexed bool) error {
	allowed := false
	if err := s.borrow(ctx, func(g LaneSession) error {
		allowed = s.srv.lane.Allowed(g, "XA_RECOVER_ADMIN")
		return nil
	}); err != nil {
		return err
	}
	if !allowed {
		return mysqlerr.New(mysqlerr.ER_SPECIFIC_ACCESS_DENIED_ERROR, "XA_RECOVER_ADMIN")
	}
	cols := make([]wire.Column, 0, 4)
	for _, name := range []string{"formatID", "gtrid_length", "bqual_length"} {
		cols = append(cols, wire.Column{Name: name, Type: wire.TypeLongLong, Charset: wire.CollationBinary, Length: 21, Flags: wire.FlagNotNull | wire.FlagBinary})
	}
	cols = append(cols, wire.Column{Name: "data", Type: wire.TypeVarString, Charset: wire.CollationUTF8MB4_0900_AICI, Length: 512})
	if err := r.Columns(wire.NewColumnSet(cols...)); err != nil {
		return err
	}
	if x, ok := s.srv.db.(table.XA); ok {
		for _, xid := range x.Prepared() {
			format, gtrid, bqual, ok := general.SplitXID(xid)
			if !ok {
				continue
			}
			data := gtrid + bqual
			if hexed {
				data = "0x" + hex.EncodeToString([]byte(data))
			}
			r.StartRow()
			for _, n := range []int64{int64(format), int64(len(gtrid)), int64(len(bqual))} {
				r.Int64(n)
			}
			r.Text(data)
			if err := r.EndRow(); err != nil {
				return err
			}
		}
	}
	status := s.Status()
	if more {
		status |= wire.StatusMoreResults
	}
	return r.EndRows(wire.OK{Status: status})
}
