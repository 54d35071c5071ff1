package general

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/sql/perfschema"
)

// Every connection of an application begins with the same SET NAMES and SET SESSION sql_mode. What such a statement leaves behind depends on nothing but its
// text and the settings that it met, and both are in the key of a statement. So it is told once, and done again without analysis: by SetAgain, for the fast
// lane, without being parsed and executed either.

// KeptSet is what a SET did: the values that it gave to variables, in order, and what it warned of. Sessions share it, and nobody writes it.
type KeptSet struct {
	values   []sql.SystemVarValue
	warnings []*sql.Warning // as SHOW WARNINGS lists them
	settings string         // settingsKey afterwards

	// Known is the dispatcher's: what performance_schema calls the statement.
	Known atomic.Pointer[perfschema.Known]
}

// setCache is an engine's: what SETs did, by statementKey. Its zero value is ready.
type setCache struct {
	mu   sync.RWMutex
	kept map[string]*KeptSet
}

const (
	maxKeptSets = 4096 // beyond it, arbitrary ones are dropped
	maxSetKey   = 1 << 10
)

// find returns what is kept under key, nil for nothing.
func (p *setCache) find(key []byte) *KeptSet {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.kept[string(key)]
}

func (p *setCache) keep(key string, k *KeptSet) {
	if len(key) > maxSetKey {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.kept == nil {
		p.kept = make(map[string]*KeptSet)
	}
	for old := range p.kept {
		if len(p.kept) < maxKeptSets {
			break
		}
		delete(p.kept, old)
	}
	p.kept[key] = k
}

// literalVariables are the variables whose values a SET of literals may keep. None needs a privilege, and none has an effect beside its value.
var literalVariables = map[string]bool{}

// scopedVariables are those that mean the next transaction where no scope is named.
var scopedVariables = map[string]bool{"transaction_isolation": true, "transaction_read_only": true, "tx_isolation": true, "tx_read_only": true}

func init() {
	for _, name := range strings.Fields(`names charset character_set_client character_set_connection character_set_results collation_connection sql_mode time_zone
		wait_timeout net_read_timeout net_write_timeout lock_wait_timeout innodb_lock_wait_timeout max_execution_time sql_auto_is_null sql_safe_updates sql_select_limit
		foreign_key_checks unique_checks sql_notes group_concat_max_len lc_time_names lc_messages div_precision_increment`) {
		literalVariables[name] = true
	}
	for name := range scopedVariables {
		literalVariables[name] = true
	}
}

// setsAgain reports whether a statement is a SET that may be done again: of literals, to variables of the session.
func setsAgain(st *Statement) bool {
	set, ok := st.ast.(*sqlparser.Set)
	if !ok || st.key == "" || st.hints != nil {
		return false
	}
	for _, e := range set.Exprs {
		if e.Name == nil || !e.Name.Qualifier.IsEmpty() && !strings.EqualFold(e.Name.Qualifier.Name.String(), "@@session") {
			return false
		}
		scope := e.Scope
		name, marked := strings.CutPrefix(strings.ToLower(e.Name.Name.String()), "@@")
		if marked {
			if rest, ok := strings.CutPrefix(name, "session."); ok {
				name, scope = rest, sqlparser.SetScope_Session
			}
		}
		if !e.Name.Qualifier.IsEmpty() {
			scope = sqlparser.SetScope_Session
		}
		if scope != sqlparser.SetScope_None && scope != sqlparser.SetScope_Session || !literalVariables[name] || scopedVariables[name] && scope != sqlparser.SetScope_Session {
			return false
		}
		if v, ok := e.Expr.(*sqlparser.SQLVal); !ok || v.Type != sqlparser.StrVal && v.Type != sqlparser.IntVal {
			return false
		}
	}
	return len(set.Exprs) > 0
}

// set runs a SET that may be done again, and keeps what it did.
func (s *Session) set(c *sql.Context, x *execution, st *Statement) (*Result, error) {
	if k := s.e.sets.find([]byte(st.key)); k != nil {
		s.setAgain(k)
		return &Result{}, nil
	}
	var did []sql.SystemVarValue
	s.gms.recorded = &did
	defer func() { s.gms.recorded = nil }()
	res, err := s.runNode(c, x, st)
	if err != nil || res.Columns != nil || res.Next != nil {
		return res, err
	}
	for _, v := range did {
		if !literalVariables[strings.ToLower(v.Var.GetName())] {
			return res, nil
		}
	}
	if len(did) > 0 {
		s.e.sets.keep(st.key, &KeptSet{values: did, warnings: slices.Clone(s.gms.Warnings()), settings: s.gms.settingsKey()})
	}
	return res, nil
}

// setAgain does what a SET did, in a session whose diagnostics are those of a new statement.
func (s *Session) setAgain(k *KeptSet) {
	for _, v := range k.values {
		s.gms.keep(v)
	}
	s.gms.settings = k.settings
	for _, w := range k.warnings {
		s.gms.BaseSession.Warn(w)
	}
	s.gms.GetLastQueryInfo().RowCount.Store(0)
}

// SetAgain does a SET whose effect on a session with these settings is known. Otherwise it returns nil and has done nothing.
func (s *Session) SetAgain(text []byte) *KeptSet {
	if len(text) > maxSetKey {
		return nil
	}
	s.setKey = s.appendKey(s.setKey[:0], text)
	k := s.e.sets.find(s.setKey)
	if k != nil {
		s.Note(0, 0, 0)
		s.setAgain(k)
	}
	return k
}
