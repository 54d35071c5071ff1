package general

import (
	"cmp"
	"container/list"
	"fmt"
	"hash/maphash"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/zoryadb/zorya/sql/grammar"
)

// Statements that come again: parsing is a tenth of what a short statement of this lane costs, analysing it the half. So what was parsed is kept
// by its text, and so is its plan where that depends on nothing but the text, the parameters, the tables' definitions and the session's settings.
// Plans have values in them (ranges of indexes, folded constants): another value is another plan.
//
// Neither a parsed statement nor a plan may be used by two sessions at once: the binder writes into the one, iterators into the other. Whoever
// takes one out of the cache has it alone, and puts it back when the result is closed. A text is kept when it comes the second time.

// planCache is an engine's. Its zero value is ready.
type planCache struct {
	mu    sync.Mutex
	byKey map[string]*list.Element // of *keptStatements
	order list.List                // the one used last in front
	bytes int
	once  [seenTexts]uint64 // hashes of keys that came once

	hits, plans uint64 // statements taken, and plans used again
}

// keptStatements are the idle ones of one key.
type keptStatements struct {
	key  string
	idle []*Statement
}

const (
	seenTexts     = 1 << 12
	cacheBytes    = 32 << 20 // what the statements kept are taken for, together
	keptTextLimit = 16 << 10 // longer texts are not kept
	keptIdle      = 8        // of one key
	// planAge bounds how long a plan is used without looking at the tables' sizes again.
	planAge = 10 * time.Second
	// uselessPlans is how often a plan of a prepared statement is made in vain, its parameters being others each time, before no more is kept.
	uselessPlans = 4
)

var keySeed = maphash.MakeSeed()

// sizeOf is what a statement and its plan are taken for: both grow with the text.
func sizeOf(st *Statement) int { return 2048 + 40*len(st.key) }

// take returns an idle statement of a key, nil if there is none.
func (p *planCache) take(key string) *Statement {
	p.mu.Lock()
	defer p.mu.Unlock()
	el := p.byKey[key]
	if el == nil {
		return nil
	}
	k := el.Value.(*keptStatements)
	n := len(k.idle) - 1
	if n < 0 {
		return nil
	}
	st := k.idle[n]
	k.idle[n] = nil
	k.idle = k.idle[:n]
	p.bytes -= sizeOf(st)
	p.order.MoveToFront(el)
	p.hits++
	return st
}

// again reports whether a key has come before, and remembers it.
func (p *planCache) again(key string) bool {
	h := maphash.String(keySeed, key)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.byKey[key] != nil {
		return true
	}
	at := &p.once[h%seenTexts]
	was := *at == h
	*at = h
	return was
}

// put gives a statement back.
func (p *planCache) put(st *Statement) {
	p.mu.Lock()
	defer p.mu.Unlock()
	el := p.byKey[st.key]
	if el == nil {
		if p.byKey == nil {
			p.byKey = map[string]*list.Element{}
		}
		el = p.order.PushFront(&keptStatements{key: st.key})
		p.byKey[st.key] = el
	}
	k := el.Value.(*keptStatements)
	if len(k.idle) == keptIdle {
		return
	}
	k.idle = append(k.idle, st)
	p.bytes += sizeOf(st)
	for p.bytes > cacheBytes {
		last := p.order.Back()
		old := last.Value.(*keptStatements)
		for _, st := range old.idle {
			p.bytes -= sizeOf(st)
		}
		p.order.Remove(last)
		delete(p.byKey, old.key)
	}
}

// planUsed counts a plan that was used again.
func (p *planCache) planUsed() {
	p.mu.Lock()
	p.plans++
	p.mu.Unlock()
}

func (p *planCache) counts() (hits, plans uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.hits, p.plans
}

// statementKey is what a statement's parsed form and plan depend on besides tables and grants.
func (s *Session) statementKey(text string) string { return string(s.appendKey(nil, []byte(text))) }

// appendKey appends the statementKey of text.
func (s *Session) appendKey(key, text []byte) []byte {
	key = append(append(key, text...), 0)
	key = append(append(key, s.gms.GetCurrentDatabase()...), 0)
	return append(key, s.gms.settingsKey()...)
}

// planless are the variables that no plan depends on.
var planless = map[string]bool{"autocommit": true, "error_count": true, "warning_count": true, "wait_timeout": true, "interactive_timeout": true,
	"net_read_timeout": true, "net_write_timeout": true, "lock_wait_timeout": true, "innodb_lock_wait_timeout": true, "transaction_isolation": true,
	"tx_isolation": true, "transaction_read_only": true, "tx_read_only": true, "last_insert_id": true, "identity": true}

// settingsKey names the session's variables: the map that it began with, and what it has changed since.
func (g *gmsSession) settingsKey() string {
	if g.settings == "" {
		var names []string
		for name, v := range g.set {
			if planless[name] {
				continue
			}
			if was, ok := g.begun[name]; ok && fmt.Sprint(was.Val) == fmt.Sprint(v.Val) {
				continue
			}
			names = append(names, fmt.Sprintf("%s=%v", name, v.Val))
		}
		slices.Sort(names)
		g.settings = fmt.Sprintf("%d,%s", g.begunID, strings.Join(names, ","))
	}
	return g.settings
}

// keepsText reports whether the parsed form of a statement may be used again: one that reads, or sets variables.
func keepsText(st *Statement) bool {
	if st.ast == nil || st.run != nil || st.Class != Read || st.locking || len(st.key) > keptTextLimit {
		return false
	}
	switch st.ast.(type) {
	case sqlparser.SelectStatement, *sqlparser.Show, *sqlparser.Set:
		return true
	}
	return false
}

// giveBack ends the use of a statement that came from the cache, or is to go into it. One that failed, or whose result was left, does not come back.
func (x *execution) giveBack(ended bool) {
	if x.plan != nil {
		x.plan.unbind()
		x.plan = nil
	}
	if !ended {
		x.st.plan = nil
	}
	if st := x.st; ended && st.key != "" && !x.returned {
		x.returned = true
		x.s.e.plans.put(st)
	}
}

// keptPlan is an analysed plan, and all that it depends on beside its statement's key.
type keptPlan struct {
	node    sql.Node
	flags   *sql.QueryFlags
	columns []Column
	c       *sql.Context // the one that the plan's nodes refer to; empty between two uses
	bases   []*base      // the tables in it
	at      time.Time
	busy    bool // an execution has it

	privileges, stats uint64
	key, params       string
}

// usablePlan returns the plan that the statement keeps, with its tables open; nil if there is none that is still right.
func (s *Session) usablePlan(c *sql.Context, x *execution) *keptPlan {
	p := x.st.plan
	if p == nil || p.busy || x.st.useless >= uselessPlans {
		return nil
	}
	if !s.mayKeepPlan(x) || p.privileges != s.PrivilegeState() || p.stats != s.e.stats.changesOf(p.bases) || time.Since(p.at) > planAge ||
		x.st.key == "" && p.key != s.statementKey("") {
		x.st.plan = nil
		return nil
	}
	if p.params != paramKey(x.params) {
		x.st.useless++
		return nil
	}
	x.st.useless = 0
	for _, b := range p.bases {
		t, err := x.openTable(c, b.m.Def.Schema, b.m.Def.Name)
		if err != nil || t.Def() != b.m.Def { // what is wrong, analysis will say
			p.unbind()
			x.st.plan = nil
			return nil
		}
		b.bound = t
	}
	*p.c = *c
	p.busy, x.plan = true, p
	s.e.plans.planUsed()
	return p
}

// unbind takes what belongs to one execution out of the plan.
func (p *keptPlan) unbind() {
	for _, b := range p.bases {
		b.bound = nil
	}
	p.busy = false
	*p.c = sql.Context{}
}

// mayKeepPlan reports whether the session's state lets plans be used again.
func (s *Session) mayKeepPlan(x *execution) bool {
	return x.stmt != nil && len(s.temps) == 0 && len(s.frames) == 0 && len(x.bindings) == 0
}

// keepPlan keeps a plan that was just made for the next time, if it may be used again. It must be called before the plan runs.
func (s *Session) keepPlan(c *sql.Context, x *execution, node sql.Node, flags *sql.QueryFlags, columns []Column) {
	st := x.st
	if st.key == "" && !st.prepared || st.useless >= uselessPlans || !s.mayKeepPlan(x) || st.plan != nil && st.plan.busy {
		return
	}
	if st.repeats == 0 {
		st.repeats = never
		if plansAgain(st) {
			st.repeats = always
		}
	}
	if st.repeats == never {
		return
	}
	bases, ok := planTables(c, node)
	if !ok || !s.allTables(c, st.ast, bases) {
		st.repeats = never
		return
	}
	p := &keptPlan{busy: true, node: node, flags: flags, columns: columns, c: c, bases: bases, at: time.Now(),
		privileges: s.PrivilegeState(), stats: s.e.stats.changesOf(bases), params: paramKey(x.params)}
	if st.key == "" {
		p.key = s.statementKey("")
	}
	st.plan, x.plan = p, p
}

// paramKey tells parameters apart, by type and value.
func paramKey(params []any) string {
	if len(params) == 0 {
		return ""
	}
	var b strings.Builder
	for _, v := range params {
		switch v := v.(type) {
		case string:
			fmt.Fprintf(&b, "s%d:%s", len(v), v)
		case []byte:
			fmt.Fprintf(&b, "b%d:%s", len(v), v)
		default:
			fmt.Fprintf(&b, "%T:%v,", v, v)
		}
	}
	return b.String()
}

// planTables lists the tables of a plan; ok is false when there is something in it that a second use might find changed.
func planTables(c *sql.Context, node sql.Node) (bases []*base, ok bool) {
	ok = true
	add := func(b *base) {
		switch {
		case b == nil || b.alias != "" || b.m.Virtual || b.mode != (grammar.LockMode{}) || b.match != nil:
			ok = false
		case !slices.Contains(bases, b):
			bases = append(bases, b)
		}
	}
	walkPlan(c, node, func(n sql.Node) bool {
		switch n := n.(type) {
		case *plan.Project, *plan.Filter, *plan.TableAlias, *plan.JoinNode, *plan.Sort, *plan.TopN, *plan.Limit, *plan.Offset, *plan.GroupBy,
			*plan.Having, *plan.Distinct, *plan.OrderedDistinct, *plan.HashLookup, *plan.CachedResults, *plan.Max1Row, *plan.SubqueryAlias,
			*plan.EmptyTable:
		case *plan.ResolvedTable:
			if !plan.IsDualTable(n.Table) {
				add(tableBase(n.UnderlyingTable()))
			}
		case *plan.IndexedTableAccess:
			add(tableBase(n.UnderlyingTable()))
			if x, is := n.Index().(*index); is {
				add(x.t)
			}
		default:
			ok = false
		}
		if x, is := n.(sql.Expressioner); is && ok {
			for _, e := range x.Expressions() {
				ok = ok && keepsNothing(e)
			}
		}
		return ok
	})
	return bases, ok
}

// walkPlan visits a plan's nodes from the top, those of derived tables too, while fn returns true.
func walkPlan(c *sql.Context, n sql.Node, fn func(sql.Node) bool) bool {
	if !fn(n) {
		return false
	}
	children := n.Children()
	if o, ok := n.(sql.OpaqueNode); ok && len(children) == 0 {
		if q, ok := o.(*plan.SubqueryAlias); ok {
			children = []sql.Node{q.Child}
		}
	}
	for _, ch := range children {
		if !walkPlan(c, ch, fn) {
			return false
		}
	}
	return true
}

// allTables reports whether each table that a statement names is among bases: what the optimiser left out, or a view, has nobody to notice
// that it has changed.
func (s *Session) allTables(c *sql.Context, st sqlparser.Statement, bases []*base) bool {
	all := true
	_ = grammar.Walk(func(n sqlparser.SQLNode) (bool, error) { // the visitor gives no error
		t, ok := n.(*sqlparser.AliasedTableExpr)
		if !ok {
			return all, nil
		}
		if name, ok := t.Expr.(sqlparser.TableName); ok && !grammar.IsDual(name) {
			schema := cmp.Or(name.DbQualifier.String(), c.GetCurrentDatabase())
			table, _ := grammar.Selection(name.Name.String())
			all = all && slices.ContainsFunc(bases, func(b *base) bool {
				return strings.EqualFold(b.m.Def.Schema, schema) && strings.EqualFold(b.m.Def.Name, table)
			})
		}
		return all, nil
	}, st)
	return all
}
