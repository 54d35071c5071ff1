package wire

import (
	"encoding/binary"

	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// dispatch answers one command. It returns false when the connection is over.
func (c *Conn) dispatch(command byte, p []byte) bool {
	s := c.session
	switch command {
	case comQuit:
		return false
	case comPing:
		return c.run(false, "ping", nothing)
	case comQuery:
		return c.query(p)
	case comInitDB:
		return c.run(false, "init db", func(r *Reply) error { return s.InitDB(r, string(p)) })
	case comFieldList:
		return c.fieldList(p)
	case comStatistics:
		return c.run(false, "statistics", func(r *Reply) error {
			if err := r.Packet([]byte(s.Statistics())); err != nil {
				return err
			}
			r.EndPackets()
			return nil
		})
	case comDebug:
		return c.run(false, "debug", func(r *Reply) error {
			if err := s.Debug(); err != nil {
				return err
			}
			return r.eofReply()
		})
	case comProcessInfo:
		return c.run(false, "process info", func(r *Reply) error { return s.Query(r, []byte("SHOW PROCESSLIST"), nil) })
	case comProcessKill:
		return c.run(false, "process kill", func(*Reply) error {
			if len(p) < 4 {
				return errMalformed
			}
			return s.ProcessKill(binary.LittleEndian.Uint32(p))
		})
	case comSetOption:
		return c.setOption(p)
	case comStmtPrepare:
		return c.prepare(p)
	case comStmtExecute:
		return c.execute(p)
	case comStmtFetch:
		return c.fetch(p)
	case comStmtReset:
		return c.stmtReset(p)
	case comStmtSendLongData:
		return c.longData(p)
	case comStmtClose:
		return c.stmtClose(p)
	case comChangeUser:
		return c.changeUser(p)
	case comResetConnection:
		return c.run(false, "reset connection", func(*Reply) error {
			c.closeStmts()
			return s.Reset()
		})
	}
	if raw, ok := s.(RawCommander); ok {
		return c.run(false, "raw command", func(r *Reply) error { return raw.Command(r, command, p) })
	}
	return c.run(false, "unknown command", func(*Reply) error { return mysqlerr.New(mysqlerr.ER_UNKNOWN_COM_ERROR) })
}

// nothing leaves the reply to the wire, which sends OK.
func nothing(*Reply) error { return nil }

// eofReply answers with a bare EOF packet.
func (r *Reply) eofReply() error {
	if err := r.begun(); err != nil {
		return err
	}
	if err := r.writeEOF(&OK{Status: r.c.session.Status()}); err != nil {
		return err
	}
	r.ended(0)
	return nil
}

func (c *Conn) query(p []byte) bool {
	cur := cursor{b: p}
	c.exec.attrs = c.exec.attrs[:0]
	var err error
	if c.caps&CapQueryAttributes != 0 {
		err = c.exec.parseQueryAttrs(&cur)
	}
	return c.run(false, "query", func(r *Reply) error {
		if err != nil {
			return err
		}
		return c.session.Query(r, cur.b, c.exec.attrs)
	})
}

func (c *Conn) fieldList(p []byte) bool {
	cur := cursor{b: p}
	table, wildcard := string(cur.nul()), string(cur.rest())
	return c.run(false, "field list", func(r *Reply) error {
		if cur.bad {
			return errMalformed
		}
		return c.session.FieldList(r, table, wildcard)
	})
}

// setOption switches multi-statements on and off.
func (c *Conn) setOption(p []byte) bool {
	return c.run(false, "set option", func(r *Reply) error {
		cur := cursor{b: p}
		switch option := cur.u16(); {
		case cur.bad || option > 1:
			return mysqlerr.New(mysqlerr.ER_UNKNOWN_COM_ERROR)
		default:
			c.multi = option == 0
		}
		return r.eofReply()
	})
}

func (c *Conn) prepare(p []byte) bool {
	return c.run(false, "prepare", func(r *Reply) error {
		if n, limit := c.srv.prepared.Add(1), c.srv.maxPrepared(); n > limit {
			c.srv.prepared.Add(-1)
			return mysqlerr.New(mysqlerr.ER_MAX_PREPARED_STMT_COUNT_REACHED, limit)
		}
		c.last++
		for c.last == 0 || c.stmts[c.last] != nil {
			c.last++
		}
		st := &Stmt{id: c.last}
		registered := false
		defer func() {
			if !registered {
				c.srv.prepared.Add(-1)
			}
		}()
		if err := c.session.Prepare(r, st, p); err != nil {
			return err
		}
		if c.stmts == nil {
			c.stmts = make(map[uint32]*Stmt)
		}
		c.stmts[st.id] = st
		registered = true
		return nil
	})
}

// stmt finds the statement that a command names.
func (c *Conn) stmt(cur *cursor, command string) (*Stmt, error) {
	id := cur.u32()
	if cur.bad {
		return nil, errMalformed
	}
	if st := c.stmts[id]; st != nil {
		return st, nil
	}
	return nil, mysqlerr.New(mysqlerr.ER_UNKNOWN_STMT_HANDLER, utoa(id), command)
}

func (c *Conn) execute(p []byte) bool {
	return c.run(true, "execute", func(r *Reply) error {
		cur := cursor{b: p}
		st, err := c.stmt(&cur, "mysqld_stmt_execute")
		if err != nil {
			return err
		}
		if st.longErr != nil {
			err := st.longErr
			st.clearLong()
			return err
		}
		defer st.clearLong()
		wantCursor, err := c.exec.parseExecute(st, &cur, c.caps&CapQueryAttributes != 0)
		if err != nil {
			return err
		}
		return c.session.Execute(r, st, c.exec.params, c.exec.attrs, wantCursor)
	})
}

func (c *Conn) fetch(p []byte) bool {
	return c.run(true, "fetch", func(r *Reply) error {
		cur := cursor{b: p}
		st, err := c.stmt(&cur, "mysqld_stmt_fetch")
		if err != nil {
			return err
		}
		n := cur.u32()
		if cur.bad {
			return errMalformed
		}
		return c.session.Fetch(r, st, n)
	})
}

func (c *Conn) stmtReset(p []byte) bool {
	return c.run(false, "statement reset", func(*Reply) error {
		cur := cursor{b: p}
		st, err := c.stmt(&cur, "mysqld_stmt_reset")
		if err != nil {
			return err
		}
		st.clearLong()
		return c.session.ResetStmt(st)
	})
}

// longData has no reply: what is wrong is told by the next execution.
func (c *Conn) longData(p []byte) bool {
	cur := cursor{b: p}
	id, param := cur.u32(), cur.u16()
	if st := c.stmts[id]; st != nil && !cur.bad {
		st.addLong(int(param), cur.b, c.maxPacket)
	}
	return true
}

// stmtClose has no reply.
func (c *Conn) stmtClose(p []byte) bool {
	cur := cursor{b: p}
	st := c.stmts[cur.u32()]
	if st == nil || cur.bad {
		return true
	}
	return c.protect("closing a statement", func() error {
		c.closeStmt(st)
		return nil
	}) == nil
}

func (c *Conn) closeStmt(st *Stmt) {
	delete(c.stmts, st.id)
	c.srv.prepared.Add(-1)
	c.session.CloseStmt(st)
}

func (c *Conn) closeStmts() {
	for _, st := range c.stmts {
		c.closeStmt(st)
	}
	c.stmts, c.last = nil, 0
}
