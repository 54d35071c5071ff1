package general

import (
	"maps"
	"slices"
	"strconv"
	"sync"

	"github.com/dolthub/go-mysql-server/sql"

	"github.com/zoryadb/zorya/sql/sysvar"
)

// Variables of sessions that others look at: performance_schema's variables_by_thread and user_variables_by_thread; and where global values come
// from: variables_info.

func init() {
	for name, rows := range map[string]func(*Engine, *sql.Context) [][]any{"variables_by_thread": threadVariables, "user_variables_by_thread": threadUserVariables,
		"variables_info": variableInfos} {
		perfRows[name] = rows
	}
}

// openSessions are the sessions of connections, by connection id. A session that rests without its half in the general lane is not among them: it has set nothing.
type openSessions struct {
	mu sync.Mutex
	by map[uint32]*gmsSession
}

func (o *openSessions) put(g *gmsSession) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.by == nil {
		o.by = map[uint32]*gmsSession{}
	}
	o.by[g.s.login.ID] = g
}

// drop forgets a session, unless another has its connection by now.
func (o *openSessions) drop(g *gmsSession) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if id := g.BaseSession.ID(); o.by[id] == g {
		delete(o.by, id)
	}
}

func (o *openSessions) of(id uint32) *gmsSession {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.by[id]
}

// settings are the values of a session's variables. Safe from any goroutine.
func (g *gmsSession) others() map[string]sql.SystemVarValue {
	out := maps.Clone(g.begun)
	g.mu.Lock()
	defer g.mu.Unlock()
	maps.Copy(out, g.set)
	return out
}

func threadVariables(e *Engine, c *sql.Context) [][]any {
	var out [][]any
	for _, p := range e.visibleProcesses(c) {
		values, _ := sessionVariables()
		if g := e.open.of(p.ID); g != nil {
			values = g.others()
		}
		for _, name := range slices.Sorted(maps.Keys(values)) {
			if v, err := variableValue(values[name]); err == nil && !globalOnly[name] {
				out = append(out, []any{uint64(p.ID), name, variableText(v)})
			}
		}
	}
	return out
}

// SetUserVariable implements sql.Session.
func (g *gmsSession) SetUserVariable(c *sql.Context, name string, value any, t sql.Type) error {
	if !g.named[name] {
		g.mu.Lock()
		if g.named == nil {
			g.named = map[string]bool{}
		}
		g.named[name] = true
		g.mu.Unlock()
	}
	return g.BaseSession.SetUserVariable(c, name, value, t)
}

func threadUserVariables(e *Engine, c *sql.Context) [][]any {
	var out [][]any
	for _, p := range e.visibleProcesses(c) {
		g := e.open.of(p.ID)
		if g == nil {
			continue
		}
		g.mu.Lock()
		names := slices.Sorted(maps.Keys(g.named))
		g.mu.Unlock()
		for _, name := range names {
			_, v, err := g.GetUserVariable(c, name)
			if err != nil {
				continue
			}
			var text any
			if v != nil {
				text = []byte(displayAny(c, v))
			}
			out = append(out, []any{uint64(p.ID), name, text})
		}
	}
	return out
}

// startedWith are the variables that the process is started with.
var startedWith = map[string]bool{"port": true, "socket": true, "datadir": true, "tmpdir": true}

func variableInfos(e *Engine, c *sql.Context) [][]any {
	r := sql.SystemVariables.(*variableRegistry)
	r.mu.Lock()
	origins := maps.Clone(r.origins)
	r.mu.Unlock()
	at := e.perfSource(c).Time
	var out [][]any
	for _, name := range slices.Sorted(maps.Keys(sql.SystemVariables.GetAllGlobalVariables())) {
		sv, _, ok := sql.SystemVariables.GetGlobal(name)
		if !ok {
			continue
		}
		o := origins[name]
		switch {
		case o.source != "":
		case startedWith[name]:
			o.source = "COMMAND_LINE"
		default:
			o.source = "COMPILED"
		}
		low, high := "0", "0"
		if b, ok := sv.GetType().(sysvar.Bounded); ok {
			low, high = strconv.FormatUint(b.Ulow, 10), strconv.FormatUint(b.High, 10)
			if b.Signed {
				low = strconv.FormatInt(b.Low, 10)
			}
		}
		out = append(out, []any{name, o.source, o.path, low, high, at(o.at), orNull(o.user), orNull(o.host)})
	}
	return out
}
