package general

import (
	"errors"
	"maps"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/types"

	"github.com/zoryadb/zorya/sql/spill"
)

// What statements may hold in memory: MySQL 8.0's variables, over the accounts of package spill.

const (
	connectionLimitVariable = "connection_memory_limit"
	instanceLimitVariable   = "global_connection_memory_limit"
)

// noMemoryLimit is the default of both limits in MySQL.
const noMemoryLimit = uint64(1<<64 - 1)

// memoryVariables are the variables that the library lacks. Tracking is always on.
func memoryVariables(instance uint64) []sql.SystemVariable {
	if instance == 0 {
		instance = noMemoryLimit
	}
	const least = 2 << 20
	return []sql.SystemVariable{
		&sql.MysqlSystemVariable{Name: connectionLimitVariable, Scope: sql.GetMysqlScope(sql.SystemVariableScope_Both), Dynamic: true,
			Type: types.NewSystemUintType(connectionLimitVariable, least, noMemoryLimit), Default: noMemoryLimit},
		&sql.MysqlSystemVariable{Name: instanceLimitVariable, Scope: sql.GetMysqlScope(sql.SystemVariableScope_Global), Dynamic: true,
			Type: types.NewSystemUintType(instanceLimitVariable, 16<<20, noMemoryLimit), Default: instance},
		&sql.MysqlSystemVariable{Name: "connection_memory_chunk_size", Scope: sql.GetMysqlScope(sql.SystemVariableScope_Both), Dynamic: true,
			Type: types.NewSystemUintType("connection_memory_chunk_size", 0, 512<<20), Default: uint64(8192)},
		&sql.MysqlSystemVariable{Name: "global_connection_memory_tracking", Scope: sql.GetMysqlScope(sql.SystemVariableScope_Both), Dynamic: true,
			Type: types.NewSystemBoolType("global_connection_memory_tracking"), Default: int8(1)},
	}
}

// instanceLimit is global_connection_memory_limit.
func instanceLimit() uint64 {
	_, v, _ := sql.SystemVariables.GetGlobal(instanceLimitVariable)
	if n, ok := v.(uint64); ok && n != noMemoryLimit {
		return n
	}
	return 0
}

// withMemory adds the status variables that tell of it.
func (e *Engine) withMemory(in map[string]uint64) map[string]uint64 {
	m := maps.Clone(in)
	if m == nil {
		m = map[string]uint64{}
	}
	files, bytes := e.memory.Spilled()
	m["Global_connection_memory"] = e.memory.Used()
	m["Created_tmp_disk_tables"] = files
	m["Zorya_tmp_bytes_written"] = bytes
	m["Zorya_statements_parsed_before"], m["Zorya_plans_used_again"] = e.plans.counts()
	return m
}

// account is the statement's memory, opened when something first wants some.
func (x *execution) account(s *Session) *spill.Account {
	if x.memory == nil {
		x.memory, x.kept = s.newAccount(), s.hooks.Kept
	}
	return x.memory
}

// Spool keeps rows for longer than a statement: those of a cursor.
func (s *Session) Spool() *spill.Spool { return s.newAccount().NewSpool() }

func (s *Session) newAccount() *spill.Account {
	size := func(name string) int {
		v, err := s.gms.GetSessionVariable(nil, name)
		if err != nil {
			return 0
		}
		n, _ := v.(uint64)
		return int(min(n, 1<<40))
	}
	b := spill.Bounds{Sort: size("sort_buffer_size"), Join: size("join_buffer_size"), Table: min(size("tmp_table_size"), size("max_heap_table_size"))}
	if v, err := s.gms.GetSessionVariable(nil, connectionLimitVariable); err == nil {
		if n, ok := v.(uint64); ok && n != noMemoryLimit && (s.login.AccountUser == "" || !s.Allowed("CONNECTION_ADMIN")) {
			b.Limit = n
		}
	}
	return s.e.memory.Account(b)
}

// release ends the account.
func (x *execution) release() {
	if x.unset != nil {
		x.unset() // SET_VAR
		x.unset = nil
	}
	if x.scope != nil {
		_ = x.scope.Close() // temporary files that nobody reads any more
		x.scope = nil
	}
	if x.outer != nil {
		_ = x.outer.scope.Close()
		x.outer = nil
	}
	if x.memory != nil {
		if x.kept != nil {
			x.kept(x.memory.Kept())
		}
		x.memory.Close()
		x.memory = nil
	}
}

// memoryOf is the account of the statement that runs; nil: none does, so the library works without.
func memoryOf(c *sql.Context) *spill.Account {
	s := sessionOf(c)
	if s == nil || s.cur == nil {
		return nil
	}
	return s.cur.account(s)
}

// keptBy is what keeps rows for the plan or the subquery that runs.
func keptBy(c *sql.Context) *spill.Scope {
	s := sessionOf(c)
	if s == nil || s.cur == nil {
		return nil
	}
	if s.cur.scope == nil {
		s.cur.scope = &spill.Scope{}
	}
	s.cur.scope.Account = s.cur.account(s)
	return s.cur.scope
}

// scoped runs an iterator with a scope of its own, so that what the plan keeps goes when the plan ends.
type scoped struct {
	sql.RowIter
	x     *execution
	scope *spill.Scope
}

// within builds an iterator whose plan keeps its rows in a scope of its own.
func (s *Session) within(x *execution, build func() (sql.RowIter, error)) (sql.RowIter, error) {
	it := &scoped{x: x, scope: &spill.Scope{}}
	defer it.enter()()
	in, err := build()
	if err != nil {
		return nil, errors.Join(err, it.scope.Close())
	}
	it.RowIter = in
	return it, nil
}

// enter makes the scope the current one until the function that it returns is called.
func (s *scoped) enter() func() {
	old := s.x.scope
	s.x.scope = s.scope
	return func() { s.x.scope = old }
}

func (s *scoped) Next(c *sql.Context) (sql.Row, error) {
	old := s.x.scope
	s.x.scope = s.scope
	r, err := s.RowIter.Next(c)
	s.x.scope = old
	return r, err
}

func (s *scoped) Close(c *sql.Context) error {
	defer s.enter()()
	return errors.Join(s.RowIter.Close(c), s.scope.Close())
}

// libraryMemory tells the library's own caches (of subqueries) whether there is memory left. It asks before each entry.
type libraryMemory struct{ s *Session }

// cacheEntry is what an entry is taken for.
const cacheEntry = 128

func (libraryMemory) MaxMemory() uint64 { return 1 }
func (m libraryMemory) UsedMemory() uint64 {
	x := m.s.cur
	if x == nil {
		return 0
	}
	if err := x.account(m.s).Grow(cacheEntry); err != nil {
		x.refused = err
		return 2
	}
	return 0
}

// outOfMemory is what an error of the library that there is none left stands for.
func (x *execution) outOfMemory(err error) error {
	if x != nil && x.refused != nil && sql.ErrNoMemoryAvailable.Is(err) {
		return x.refused
	}
	return err
}

var _ sql.Reporter = libraryMemory{}
