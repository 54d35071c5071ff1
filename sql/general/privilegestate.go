package general

import (
	"context"
	"sync"

	"github.com/dolthub/go-mysql-server/sql/mysql_db"
)

// privilegeStates number what accounts may do: one number stands for one account, its active roles and one set of privileges, for as long as the process
// runs. What was decided by privileges (plans, answers of the fast lane) is kept under that number, so that a GRANT to one account leaves what all the others
// have: with a tenant an account, somebody is granted something all the time.
type privilegeStates struct {
	mu   sync.Mutex
	last uint64
	m    map[privilegeHolder]privilegeState
}

type privilegeHolder struct{ user, host, roles string }

type privilegeState struct {
	number uint64
	set    mysql_db.PrivilegeSet
}

// privilegeHolders bounds privilegeStates.m; past it numbers are given anew.
const privilegeHolders = 1 << 14

// number is that of a holder who has set.
func (p *privilegeStates) number(h privilegeHolder, set mysql_db.PrivilegeSet) uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	have, ok := p.m[h]
	if ok && have.set.Equals(set) && set.Equals(have.set) { // the library's comparison overlooks routines that only the second one has
		return have.number
	}
	if p.m == nil || len(p.m) >= privilegeHolders {
		p.m = map[privilegeHolder]privilegeState{}
	}
	p.last++
	p.m[h] = privilegeState{p.last, set.Copy()}
	return p.last
}

// sessionPrivileges is a session's number, as of a generation of the grants.
type sessionPrivileges struct {
	generation, number uint64
	holder             privilegeHolder
}

// PrivilegeState is a number that changes when what the session's account may do changes. It is never 0.
func (s *Session) PrivilegeState() uint64 {
	have := &s.privileges
	h := privilegeHolder{s.login.AccountUser, s.login.AccountHost, roleText(s.roles)}
	generation := s.e.accounts.changes.Load() // before the set is read
	if have.number == 0 || have.generation != generation || have.holder != h {
		set := s.e.mysqlDB().UserActivePrivilegeSet(s.context(context.Background(), ""))
		*have = sessionPrivileges{generation, s.e.privilegeStates.number(h, set), h}
	}
	return have.number
}
