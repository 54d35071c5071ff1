package session

import (
	"fmt"
	"sort"
	"strings"

	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/general"
	"github.com/zoryadb/zorya/sql/logs"
	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// Processes returns the process list in order of connection ids: general.Options.Processes.
func (srv *Server) Processes() []general.Process {
	all := srv.all()
	sort.Slice(all, func(i, j int) bool { return all[i].login.ID < all[j].login.ID })
	out := srv.events.processes()
	back := srv.rollbacks()
	for _, s := range all {
		p := s.process()
		if state, ok := back[uint64(p.ID)]; ok {
			p.State = state
		}
		out = append(out, p)
	}
	return out
}

// rollbacks says of sessions whose transaction or statement is being rolled back how far that is.
func (srv *Server) rollbacks() map[uint64]string {
	m, ok := srv.db.(table.Monitor)
	if !ok {
		return nil
	}
	out := map[uint64]string{}
	for _, r := range m.Rollbacks() {
		out[r.SessionID] = fmt.Sprintf("rollback %.1f%% (%d row changes left)", 100*float64(r.Total-r.Left)/float64(max(r.Total, 1)), r.Left)
	}
	return out
}

// Describe implements wait.Describer: the statement under way, cut off where it is long.
func (s *Session) Describe() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	const most = 1024
	text := logs.Mask(string(s.text))
	return strings.ToValidUTF8(text[:min(len(text), most)], "")
}

// process is the session's line of the process list. Safe from any goroutine.
func (s *Session) process() general.Process {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := general.Process{
		ID: s.login.ID, User: s.login.User, Host: s.address, Database: s.database,
		Command: s.command, Since: s.since, Info: strings.ToValidUTF8(logs.Mask(string(s.text)), "?"),
	}
	switch {
	case s.killed:
		p.State, p.Command = "", "Killed"
	case s.busy && s.state != "":
		p.State = s.state
	case s.busy && s.stage != "":
		p.State = s.stage
	case s.busy && s.text != nil:
		p.State = "executing"
	}
	return p
}

// stageIs is general.Hooks.Stage: the process list shows the stage under performance_schema's name, and how far it is.
func (s *Session) stageIs(stage string, done, total uint64) {
	if total > 0 {
		stage = fmt.Sprintf("%s %.1f%%", stage, 100*float64(done)/float64(total))
	}
	s.mu.Lock()
	s.stage = stage
	s.mu.Unlock()
}

// kill is KILL: by is the session that asks for it. Without a session of that id the error is 1094.
func (srv *Server) kill(by *Session, id uint64, queryOnly bool) error {
	srv.mu.Lock()
	target := srv.sessions[uint32(id)]
	srv.mu.Unlock()
	if target == nil {
		target = srv.events.session(id)
	}
	if target == nil || id > 1<<32-1 {
		return mysqlerr.New(mysqlerr.ER_NO_SUCH_THREAD, id)
	}
	allowed := target.account() == by.account()
	if !allowed {
		err := by.borrow(by.ctx, func(g LaneSession) error {
			allowed = srv.lane.Allowed(g, "CONNECTION_ADMIN")
			return nil
		})
		if err != nil {
			return err
		}
	}
	if !allowed {
		return mysqlerr.New(mysqlerr.ER_KILL_DENIED_ERROR, id)
	}
	if queryOnly {
		target.interrupt(errInterrupted())
	} else {
		target.kill()
	}
	if target == by { // its own statement ends with the error, as MySQL's does
		return errInterrupted()
	}
	return nil
}

// account names whom a session acts for. Safe from any goroutine.
func (s *Session) account() [2]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return [2]string{s.login.AccountUser, s.login.AccountHost}
}
