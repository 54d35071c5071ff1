package general

import (
	"maps"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/types"
)

// InfoTable is a table of information_schema whose rows another wing computes at each read, such as the state of the
// storage fleet. A column whose name starts with # is an unsigned number (uint64), with % a double (float64);
// others are text.
type InfoTable struct {
	Name    string
	Columns []string
	Rows    func() [][]any
}

// statusRegistry is the library's registry of status variables with those of Options.Status over it, and one copy for all sessions.
type statusRegistry struct {
	sql.StatusVariableRegistry
	values func() map[string]uint64 // nil: none
	names  atomic.Pointer[[]string] // of values, once known
	shared atomic.Pointer[map[string]sql.StatusVarValue]
}

// NewGlobalMap implements sql.StatusVariableRegistry.
func (r *statusRegistry) NewGlobalMap() map[string]sql.StatusVarValue {
	m := r.StatusVariableRegistry.NewGlobalMap()
	if r.values == nil {
		return m
	}
	values := r.values()
	if r.names.Load() == nil {
		names := slices.Collect(maps.Keys(values))
		r.names.Store(&names)
		r.shared.Store(nil)
	}
	for name, v := range values {
		m[name] = &sql.ImmutableStatusVarValue{Val: v, Var: &sql.MySQLStatusVariable{
			Name: name, Scope: sql.StatusVariableScope_Global, Type: types.Uint64, Default: uint64(0)}}
	}
	return m
}

// NewSessionMap implements sql.StatusVariableRegistry: what only the whole server counts shows its global value. The map is shared: it must
// not be written, and its values count nothing.
func (r *statusRegistry) NewSessionMap() map[string]sql.StatusVarValue {
	if m := r.shared.Load(); m != nil {
		return *m
	}
	m := r.StatusVariableRegistry.NewSessionMap()
	for name, v := range m {
		m[name] = &sql.ImmutableStatusVarValue{Var: v.Variable(), Val: v.Value()}
	}
	if names := r.names.Load(); names != nil {
		for _, name := range *names {
			delete(m, name)
		}
	}
	r.shared.Store(&m)
	return m
}

// serveStatus makes Options.Status what SHOW STATUS prints. The registry is a global of the library.
func (e *Engine) serveStatus() {
	inner := sql.StatusVariables
	if old, ok := inner.(*statusRegistry); ok {
		inner = old.StatusVariableRegistry
	}
	r := &statusRegistry{StatusVariableRegistry: inner}
	if ask := e.opts.Status; ask != nil {
		r.values = func() map[string]uint64 { return e.withMemory(ask()) }
	}
	sql.StatusVariables = r
}

// infoTable finds a table of Options.Tables.
func (e *Engine) infoTable(name string) *ownTable {
	for i := range e.opts.Tables {
		t := &e.opts.Tables[i]
		if !strings.EqualFold(t.Name, name) {
			continue
		}
		return &ownTable{name: t.Name, schema: infoColumns(t.Name, t.Columns...), rows: func(*sql.Context) ([]sql.Row, error) {
			var out []sql.Row
			for _, r := range t.Rows() {
				out = append(out, sql.Row(r))
			}
			return out, nil
		}}
	}
	return nil
}
