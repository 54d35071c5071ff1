package general

import (
	"math"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dolthub/go-mysql-server/sql"
)

// The library gives each session a copy of all system and status variables: 80 KiB and 100 us. Here the sessions that begin
// between two changes of global values share one copy, which nobody writes, and each keeps beside it what it has set or counted itself.

// variableRegistry is the library's registry of system variables with a shared copy for sessions.
type variableRegistry struct {
	sql.SystemVariableRegistry
	shared atomic.Pointer[sharedVariables]

	mu      sync.Mutex
	changes uint64                    // so that no copy is kept that misses one
	made    uint64                    // copies, so that each has its number
	origins map[string]variableOrigin // of variables that do not have their default
}

// sharedVariables are the variables of sessions that began between two changes of a global one. The map must not be written.
type sharedVariables struct {
	id uint64 // never another's
	m  map[string]sql.SystemVarValue
}

// sessionVariables returns what a new session begins with, and what names it.
func sessionVariables() (map[string]sql.SystemVarValue, uint64) {
	s := sql.SystemVariables.(*variableRegistry).session()
	return s.m, s.id
}

// serveVariables puts a variableRegistry before the library's, which is a global of the process.
func serveVariables() {
	if _, ok := sql.SystemVariables.(*variableRegistry); !ok {
		sql.SystemVariables = &variableRegistry{SystemVariableRegistry: sql.SystemVariables}
	}
}

func (r *variableRegistry) change(fn func()) {
	fn() // may ask for a session map itself
	r.mu.Lock()
	defer r.mu.Unlock()
	r.changes++
	r.shared.Store(nil)
}

// AddSystemVariables implements sql.SystemVariableRegistry.
func (r *variableRegistry) AddSystemVariables(vars []sql.SystemVariable) {
	r.change(func() { r.SystemVariableRegistry.AddSystemVariables(vars) })
}

// AssignValues implements sql.SystemVariableRegistry.
func (r *variableRegistry) AssignValues(vals map[string]any) (err error) {
	r.change(func() { err = r.SystemVariableRegistry.AssignValues(vals) })
	return err
}

// SetGlobal implements sql.SystemVariableRegistry.
func (r *variableRegistry) SetGlobal(ctx *sql.Context, name string, val any) (err error) {
	r.change(func() { err = r.SystemVariableRegistry.SetGlobal(ctx, name, val) })
	if s := sessionOf(ctx); err == nil && s != nil {
		r.note(name, variableOrigin{source: "DYNAMIC", at: time.Now(), user: s.login.User, host: s.login.Host})
	}
	return err
}

// note keeps where a variable has its global value from.
func (r *variableRegistry) note(name string, o variableOrigin) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.origins == nil {
		r.origins = map[string]variableOrigin{}
	}
	r.origins[strings.ToLower(name)] = o
}

// variableOrigin says where a variable has its global value from; the zero value: it is the default.
type variableOrigin struct {
	source, path string
	at           time.Time
	user, host   string
}

// NewSessionMap implements sql.SystemVariableRegistry. The map is shared: it must not be written.
func (r *variableRegistry) NewSessionMap() map[string]sql.SystemVarValue { return r.session().m }

func (r *variableRegistry) session() *sharedVariables {
	if s := r.shared.Load(); s != nil {
		return s
	}
	r.mu.Lock()
	changes := r.changes
	r.made++
	s := &sharedVariables{id: r.made}
	r.mu.Unlock()
	s.m = r.SystemVariableRegistry.NewSessionMap()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.changes == changes {
		r.shared.Store(s)
	}
	return s
}

// variableValue is a value as the library shows it: sets as text.
func variableValue(v sql.SystemVarValue) (any, error) {
	if t, ok := v.Var.GetType().(sql.SetType); ok {
		if bits, ok := v.Val.(uint64); ok {
			return t.BitsToString(bits)
		}
	}
	return v.Val, nil
}

// lookup finds a session value; name is in lower case.
func (g *gmsSession) lookup(name string) (sql.SystemVarValue, bool) {
	if v, ok := g.set[name]; ok {
		return v, true
	}
	v, ok := g.begun[name]
	return v, ok
}

// GetSessionVariable implements sql.Session: a global variable is as it is now.
func (g *gmsSession) GetSessionVariable(c *sql.Context, name string) (any, error) {
	if globalOnly[name] {
		if _, v, ok := sql.SystemVariables.GetGlobal(name); ok {
			return v, nil
		}
	}
	v, ok := g.lookup(strings.ToLower(name))
	if !ok {
		return nil, sql.ErrUnknownSystemVariable.New(name)
	}
	if v.Var.GetName() == timestampVariable {
		return g.timestamp(c), nil
	}
	return variableValue(v)
}

// SetSessionVariable implements sql.Session.
func (g *gmsSession) SetSessionVariable(ctx *sql.Context, name string, value any) error {
	name = strings.ToLower(name)
	old, ok := g.lookup(name)
	sv := old.Var
	if !ok { // added since the session began
		if sv, _, ok = sql.SystemVariables.GetGlobal(name); !ok {
			return sql.ErrUnknownSystemVariable.New(name)
		}
	} else if sv.IsReadOnly() {
		return sql.ErrSystemVariableReadOnly.New(name)
	}
	v, err := sv.SetValue(ctx, value, false)
	if err != nil {
		return err
	}
	g.keep(v)
	return nil
}

// InitSessionVariable implements sql.Session.
func (g *gmsSession) InitSessionVariable(ctx *sql.Context, name string, value any) error {
	sv, _, ok := sql.SystemVariables.GetGlobal(name)
	if !ok {
		return sql.ErrUnknownSystemVariable.New(name)
	}
	v, err := sv.InitValue(ctx, value, false)
	if err != nil {
		return err
	}
	g.keep(v)
	return nil
}

// InitSessionVariableDefault implements sql.Session. Nobody asks for it: a default is the global value's business.
func (g *gmsSession) InitSessionVariableDefault(ctx *sql.Context, name string, value any) error {
	return g.InitSessionVariable(ctx, name, value)
}

func (g *gmsSession) keep(v sql.SystemVarValue) {
	if g.set == nil {
		g.mu.Lock()
		g.set = make(map[string]sql.SystemVarValue)
		g.mu.Unlock()
	}
	name := strings.ToLower(v.Var.GetName())
	if parts := tellers[name]; parts != 0 {
		if was, ok := g.set[name]; !ok || was.Val != v.Val {
			g.told.current &^= parts
		}
	}
	g.settings = ""
	if g.recorded != nil {
		*g.recorded = append(*g.recorded, v)
	}
	g.mu.Lock()
	g.set[name] = v
	g.mu.Unlock()
}

// GetAllSessionVariables implements sql.Session, for SHOW VARIABLES.
func (g *gmsSession) GetAllSessionVariables() map[string]any {
	m := g.BaseSession.GetAllSessionVariables()
	for name, v := range g.set {
		if x, err := variableValue(v); err == nil {
			m[name] = x
		}
	}
	for name := range globalOnly {
		if _, v, ok := sql.SystemVariables.GetGlobal(name); ok {
			m[name] = v
		}
	}
	m[timestampVariable] = g.timestamp(nil)
	return m
}

// timestampVariable is @@timestamp: the time that statements see once it is set, until it is set to 0, its default.
const timestampVariable = "timestamp"

// setTime is the time that the session has set.
func (g *gmsSession) setTime() (time.Time, bool) {
	v, ok := g.set[timestampVariable]
	seconds, _ := v.Val.(float64)
	if !ok || seconds <= 0 {
		return time.Time{}, false
	}
	us := int64(math.Round(seconds * 1e6))
	return time.UnixMicro(us), true
}

// timestamp is the value of @@timestamp.
func (g *gmsSession) timestamp(c *sql.Context) float64 {
	t, ok := g.setTime()
	if !ok {
		if t = sql.Now(); c != nil {
			t = c.QueryTime()
		}
	}
	return float64(t.UnixMicro()) / 1e6
}

func (g *gmsSession) charset(variable string) sql.CharacterSetID {
	v, _ := g.lookup(variable)
	name, _ := v.Val.(string)
	if name == "" {
		return sql.CharacterSet_Unspecified
	}
	cs, err := sql.ParseCharacterSet(name)
	if err != nil { // SET has checked it
		return sql.CharacterSet_Unspecified
	}
	return cs
}

// GetCharacterSet implements sql.Session.
func (g *gmsSession) GetCharacterSet() sql.CharacterSetID {
	return g.charset("character_set_connection")
}

// GetCharacterSetResults implements sql.Session.
func (g *gmsSession) GetCharacterSetResults() sql.CharacterSetID {
	return g.charset("character_set_results")
}

// GetCollation implements sql.Session.
func (g *gmsSession) GetCollation() sql.CollationID {
	v, ok := g.lookup("collation_connection")
	if !ok {
		return sql.Collation_Default
	}
	name, _ := v.Val.(string)
	if name == "" {
		return sql.Collation_Unspecified
	}
	c, err := sql.ParseCollation("", name, false)
	if err != nil { // SET has checked it
		return sql.Collation_Default
	}
	return c
}
