package general

import (
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/types"

	"github.com/zoryadb/zorya/sql/perfschema"
	"github.com/zoryadb/zorya/storage/page"
)

// InfoTable is a table of information_schema whose rows another wing computes at each read, such as the state of the
// storage fleet. A column whose name starts with # is an unsigned number (uint64), with % a double (float64);
// others are text.
type InfoTable struct {
	Name    string
	Columns []string
	Rows    func() [][]any
}

// foreignStatus begin the names of status variables that the library lists, but that belong to plugins and engines which this server does not have, or that MySQL
// 8.0 has given up.
var foreignStatus = []string{"Audit_log_", "Authentication_ldap_", "Com_show_authors", "Com_show_contributors", "Com_show_ndb_status", "Connection_control_", "dragnet.",
	"Firewall_", "group_replication_", "mecab_", "Mysqlx_", "Ndb_", "Rewriter_", "Rpl_semi_sync_", "validate_password"}

// statusTexts are status variables that are no numbers and do not change.
var statusTexts = map[string]string{"Compression": "OFF", "Current_tls_version": "TLSv1.2,TLSv1.3", "Innodb_buffer_pool_dump_status": "Dumping of buffer pool not started",
	"Innodb_buffer_pool_load_status": "Loading of buffer pool not started", "Innodb_have_atomic_builtins": "ON", "Innodb_redo_log_enabled": "ON",
	"Innodb_redo_log_read_only": "OFF", "Innodb_redo_log_resize_status": "OK", "Last_query_cost": "0.000000", "Last_query_partial_plans": "0", "Resource_group_supported": "OFF",
	"Ssl_session_cache_mode": "NONE", "Telemetry_traces_supported": "OFF", "Tls_library_version": "crypto/tls " + runtime.Version(), "tls_sni_server_name": ""}

// sessionStatus are those of them that each session has for itself.
var sessionStatus = map[string]bool{"Compression": true, "Last_query_cost": true, "Last_query_partial_plans": true, "tls_sni_server_name": true}

// statusRegistry are the status variables: the library's names, what Options.Status and Options.Performance count.
type statusRegistry struct {
	e      *Engine
	global map[string]any // values of what nobody counts
	own    map[string]any // those that a session has for itself, likewise
}

var _ sql.StatusVariableRegistry = (*statusRegistry)(nil)

func newStatusRegistry(e *Engine, names sql.StatusVariableRegistry) *statusRegistry {
	r := &statusRegistry{e: e, global: map[string]any{}, own: map[string]any{}}
	keep := func(to map[string]any, from map[string]sql.StatusVarValue) {
		for name, v := range from {
			if !slices.ContainsFunc(foreignStatus, func(p string) bool { return strings.HasPrefix(name, p) }) {
				to[name] = v.Value()
			}
		}
	}
	keep(r.global, names.NewGlobalMap())
	keep(r.own, names.NewSessionMap())
	zero := func(name string, n uint64) { r.global[name], r.own[name] = n, n }
	var none perfschema.Counts
	none.Values(zero)
	for name, v := range statusTexts {
		if sessionStatus[name] {
			r.own[name] = v
			if name == "Compression" {
				r.global[name] = v
			}
			continue
		}
		r.global[name] = v
	}
	return r
}

// values are the server's.
func (r *statusRegistry) values() map[string]any {
	out := maps.Clone(r.global)
	for name, n := range r.e.serverStatus() {
		out[name] = n
	}
	if p := r.e.opts.Performance; p != nil {
		all := p.Accounts()
		put := func(name string, n uint64) {
			if _, ok := out[name]; ok {
				out[name] = n
			}
		}
		perfschema.Commands(all, put)
		sums := p.Total(all)
		sums.Values(put)
		out["Table_open_cache_misses"] = out["Opened_tables"]
	}
	out["Max_used_connections_time"] = ""
	if ask := r.e.opts.StatusTexts; ask != nil {
		for name, v := range ask() {
			out[name] = v
		}
	}
	return out
}

// serverStatus are the numbers that the engine and the dispatcher count.
func (e *Engine) serverStatus() map[string]uint64 {
	out := map[string]uint64{"Uptime": uint64(e.uptime().Seconds()), "Innodb_page_size": page.Size}
	if e.opts.Status != nil {
		maps.Copy(out, e.opts.Status())
	}
	out["Uptime_since_flush_status"] = out["Uptime"]
	return e.withMemory(out)
}

// sessionValues are those of a session's variables that it has for itself.
func (r *statusRegistry) sessionValues(t *perfschema.Thread) map[string]any {
	out := maps.Clone(r.own)
	if t != nil {
		put := func(name string, n uint64) {
			if _, ok := out[name]; ok {
				out[name] = n
			}
		}
		t.Commands(put)
		counts := t.Counts()
		counts.Values(put)
	}
	return out
}

func statusValues(in map[string]any) map[string]sql.StatusVarValue {
	out := make(map[string]sql.StatusVarValue, len(in))
	for name, v := range in {
		out[name] = &sql.ImmutableStatusVarValue{Val: v, Var: &sql.MySQLStatusVariable{Name: name, Type: types.Uint64, Default: uint64(0)}}
	}
	return out
}

// NewGlobalMap implements sql.StatusVariableRegistry.
func (r *statusRegistry) NewGlobalMap() map[string]sql.StatusVarValue {
	return statusValues(r.values())
}

// NewSessionMap implements sql.StatusVariableRegistry: gmsSession.GetAllStatusVariables knows them.
func (r *statusRegistry) NewSessionMap() map[string]sql.StatusVarValue { return nil }

// GetGlobal implements sql.StatusVariableRegistry.
func (r *statusRegistry) GetGlobal(name string) (sql.StatusVariable, any, bool) {
	v, ok := r.values()[name]
	return &sql.MySQLStatusVariable{Name: name, Type: types.Uint64, Default: uint64(0)}, v, ok
}

// SetGlobal implements sql.StatusVariableRegistry.
func (r *statusRegistry) SetGlobal(name string, _ any) error {
	return sql.ErrUnknownStatusVariable.New(name)
}

// IncrementGlobal implements sql.StatusVariableRegistry: statements are counted when they end.
func (r *statusRegistry) IncrementGlobal(string, int) {}

// libraryStatus are the status variables that the library lists. The registry is a global of it.
var libraryStatus = sync.OnceValue(func() sql.StatusVariableRegistry { return sql.StatusVariables })

// serveStatus makes the engine's status variables those that SHOW STATUS prints.
func (e *Engine) serveStatus() { sql.StatusVariables = newStatusRegistry(e, libraryStatus()) }

// thread is what performance_schema counts of the session; nil: nothing.
func (s *Session) thread() *perfschema.Thread {
	if s.e.opts.Performance == nil {
		return nil
	}
	return s.e.opts.Performance.Thread(uint64(s.login.ID))
}

// IncrementStatusVariable implements sql.Session: statements are counted when they end.
func (g *gmsSession) IncrementStatusVariable(*sql.Context, string, int) {}

// SetStatusVariable implements sql.Session.
func (g *gmsSession) SetStatusVariable(_ *sql.Context, name string, _ any) error {
	return sql.ErrUnknownSystemVariable.New(name)
}

// GetStatusVariable implements sql.Session.
func (g *gmsSession) GetStatusVariable(c *sql.Context, name string) (any, error) {
	if v := g.GetAllStatusVariables(c)[name]; v != nil {
		return v.Value(), nil
	}
	return nil, sql.ErrUnknownSystemVariable.New(name)
}

// GetAllStatusVariables implements sql.Session: those that a session has for itself.
func (g *gmsSession) GetAllStatusVariables(*sql.Context) map[string]sql.StatusVarValue {
	return statusValues(g.s.status(g.s.thread()))
}

// status are the session's own status variables.
func (s *Session) status(t *perfschema.Thread) map[string]any {
	r, ok := sql.StatusVariables.(*statusRegistry)
	if !ok {
		return nil
	}
	out := r.sessionValues(t)
	if s.login.TLSVersion != "" {
		out["Ssl_version"], out["Ssl_cipher"] = s.login.TLSVersion, s.login.TLSCipher
	}
	return out
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
