package fastlane

import (
	"bytes"
	"slices"
	"sync"
	"unicode/utf8"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"

	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/engine/table"
)

// exec is one execution of a plan. It is pooled: idle sessions hold none.
type exec struct {
	p      *plan
	q      *Query
	env    *Env
	tables []table.Table
	rows   [maxTables][]row.Datum // the current row of each table
	vals   []prepared
	lists  []preparedList
	likes  []expression.LikeMatcher
	keys   *stepKeys              // kept: clearing it costs more than most statements
	saved  [maxTables][]row.Datum // rows that Get lent, copied
	match  [maxTables]bool        // by step, of an outer table: a row matches
	met    [maxTables]bool        // by probe: there was a match
	level  int                    // of the step whose cursor is asked for its next row
	each   func([]row.Datum) bool // offer, bound once
	behind bool                   // a row that each has refused is still to come: those after it are refused, too
	failed error                  // of a row that each was shown
	bytes  []byte                 // sort keys; earlier parts may lie in arrays that it has outgrown
	key    []byte

	never bool // a condition without columns is false
	begun bool
	count int64
	total int64 // rows without LIMIT, for SQL_CALC_FOUND_ROWS
	skip  uint64
	left  uint64    // rows that LIMIT still allows
	kept  []keptRow // rows to be sorted, or made distinct
	turns []turn    // their order
	room  []byte    // where keys and values of kept rows lie; earlier ones may lie in chunks that were full
	cells []row.Datum
	whole []byte
	seen  map[string]bool
	held  int    // bytes of what is kept, roughly
	all   *group // the only group
	only  group  // all, so that it need not be allocated
	ivals []interval
	spanv []span
	some  map[string]*group
	order []*group
	gms   *sql.Context // for types that encode themselves
	res   Result
	now   []row.Datum // UPDATE's new row

	offered  []row.Datum   // the row that is being written
	batch    [][]row.Datum // rows of an INSERT that go together
	numbered bool          // they got auto-increment values
}

// maxParts is MySQL's bound of an index's parts.
const maxParts = 16

// preparedList is an IN list: its members in order of their keys, each once.
type preparedList struct{ members []member }

type member struct {
	key []byte
	d   []row.Datum
}

var execs = sync.Pool{New: func() any {
	x := &exec{keys: new(stepKeys)}
	x.each = x.offer
	return x
}}

func newExec(p *plan, env *Env, q *Query) *exec {
	x := execs.Get().(*exec)
	x.p, x.q, x.env = p, q, env
	x.left = 1<<64 - 1
	return x
}

func (x *exec) free() {
	clear(x.vals)
	clear(x.lists)
	clear(x.likes)
	clear(x.kept)
	clear(x.cells)
	clear(x.ivals)
	clear(x.spanv)
	clear(x.only.acc)
	clear(x.order)
	clear(x.batch)
	x.forgetKeys()
	*x = exec{keys: x.keys, room: x.room[:0], cells: x.cells[:0], ivals: x.ivals[:0], spanv: x.spanv[:0], only: group{acc: x.only.acc[:0]}, order: x.order[:0], vals: x.vals[:0], lists: x.lists[:0], likes: x.likes[:0], bytes: x.bytes[:0], key: x.key[:0], whole: x.whole[:0], kept: x.kept[:0], turns: x.turns[:0], now: x.now[:0], batch: x.batch[:0], saved: x.saved, each: x.each}
	for i := range x.saved {
		clear(x.saved[i])
	}
	clear(x.now[:cap(x.now)])
	if cap(x.kept) > 1024 || cap(x.bytes) > 1<<16 || cap(x.room) > 1<<16 || cap(x.cells) > keptCells {
		return
	}
	execs.Put(x)
}

// prepare converts constants and lists. ErrDecline: one that the lane does not know how to compare.
func (x *exec) prepare() error {
	for i := range x.p.consts {
		c := &x.p.consts[i]
		a, ok := x.constant(c.x)
		if !ok {
			return ErrDecline
		}
		d, ok := x.p.kind(c.at).key(&a, x.env.Zone)
		if !ok {
			return ErrDecline
		}
		x.vals = append(x.vals, prepared{d: d})
	}
	for i := range x.p.lists {
		l, ok := x.list(&x.p.lists[i])
		if !ok {
			return ErrDecline
		}
		x.lists = append(x.lists, l)
	}
	for _, s := range x.p.same {
		a, b := &x.q.Args[s[0]], &x.q.Args[s[1]]
		if a.Kind != ArgInt || b.Kind != ArgInt {
			return ErrDecline
		}
		x.never = x.never || a.N != b.N || a.Neg != b.Neg
	}
	for _, i := range x.p.some {
		if x.q.Args[i].Kind == ArgNull || x.q.Args[i].Kind == ArgOther {
			return ErrDecline
		}
	}
	for _, i := range x.p.positive {
		if a := &x.q.Args[i]; a.Kind != ArgInt || a.Neg || a.N == 0 {
			return ErrDecline
		}
	}
	for _, i := range x.p.ascii {
		if a := &x.q.Args[i]; a.Kind != ArgString || bytes.ContainsFunc(a.B, func(r rune) bool { return r >= utf8.RuneSelf }) {
			return ErrDecline
		}
	}
	return x.prepareLikes()
}

// constant evaluates an expression without columns.
func (x *exec) constant(e *expr) (Arg, bool) {
	switch {
	case e.null:
		return Arg{}, true
	case e.zero:
		return Arg{Kind: ArgInt}, true
	case e.op == 0:
		return x.q.Args[e.arg], true
	}
	v, ok := x.calculate(e.op, func(side int) (value, bool) {
		a, ok := x.constant([2]*expr{e.left, e.right}[side])
		if !ok || a.Kind != ArgInt {
			return value{}, false
		}
		return a.value()
	})
	if !ok || v.null || v.float || v.scale != 0 {
		return Arg{}, false
	}
	if v.v < 0 {
		return Arg{Kind: ArgInt, Neg: true, N: uint64(-v.v)}, true
	}
	return Arg{Kind: ArgInt, N: uint64(v.v)}, true
}

// list converts an IN list. One that holds a NULL declines.
func (x *exec) list(b *boundList) (preparedList, bool) {
	l := x.q.Lists[b.n]
	if l.Width != len(b.at) {
		return preparedList{}, false
	}
	out := preparedList{members: make([]member, 0, l.Count)}
	datums := make([]row.Datum, 0, l.Count*l.Width)
	for i := range l.Count {
		at, start := len(datums), len(x.bytes)
		for j := range l.Width {
			k := x.p.kind(b.at[j])
			d, ok := k.key(&x.q.List[l.First+i*l.Width+j], x.env.Zone)
			if !ok {
				return out, false
			}
			datums = append(datums, d)
			x.bytes = k.appendKey(x.bytes, &d)
		}
		out.members = append(out.members, member{x.bytes[start:len(x.bytes):len(x.bytes)], datums[at:]})
	}
	slices.SortFunc(out.members, func(a, b member) int { return bytes.Compare(a.key, b.key) })
	out.members = slices.CompactFunc(out.members, func(a, b member) bool { return bytes.Equal(a.key, b.key) })
	return out, true
}

// has reports whether a key is among the members.
func (l *preparedList) has(key []byte) bool {
	_, ok := slices.BinarySearchFunc(l.members, key, func(m member, key []byte) int { return bytes.Compare(m.key, key) })
	return ok
}

// visitor is where an execution stands in one step.
type visitor struct {
	cursor table.Cursor // nil: the row came from Get
	ref    table.Ref
}

// Ref is the place of the row.
func (v *visitor) Ref() table.Ref {
	if v.cursor != nil {
		return v.cursor.Ref()
	}
	return v.ref
}

// visit visits the rows of a step that go with those of the steps before, or a row of NULL if it is an outer table's and none does. It
// reports whether more are wanted.
func (x *exec) visit(level int) (more bool, err error) {
	s := &x.p.steps[level]
	if s.probe > 0 && x.p.probes[s.probe-1].first == level {
		return x.probe(level)
	}
	if !s.outer {
		return x.visitRows(level)
	}
	x.match[level] = false
	if more, err = x.visitRows(level); err != nil || !more || x.match[level] {
		return more, err
	}
	x.rows[s.t] = x.p.tables[s.t].nulls
	if !x.allHold(s.filter) {
		return true, nil
	}
	return x.found(level, &visitor{})
}

// matches reports whether the current row of a step belongs to the result as far as the step can tell.
func (x *exec) matches(level int, s *step) bool {
	if s.outer {
		if !x.allHold(s.on) {
			return false
		}
		x.match[level] = true
	}
	return x.allHold(s.filter)
}

func (x *exec) visitRows(level int) (more bool, err error) {
	s := &x.p.steps[level]
	a := &s.access
	if a.point {
		key, ok := x.keyOf(level, a)
		if !ok {
			return true, nil
		}
		return x.get(level, a.index, key)
	}
	if len(a.ranges) == 0 && a.tuple == nil { // equalities, or nothing
		key, ok := x.keyOf(level, a)
		if !ok {
			return true, nil
		}
		var r table.Range
		if len(key) > 0 {
			r.Low, r.High = key, key
		}
		return x.scan(level, r)
	}
	list, err := x.intervals(s.t, a)
	if err != nil {
		return false, err
	}
	for i := range list {
		if list[i].point && a.unique {
			more, err = x.get(level, a.index, list[i].Low)
		} else {
			more, err = x.scan(level, list[i].Range)
		}
		if err != nil || !more {
			return false, err
		}
	}
	return true, nil
}

// keyOf collects the values of an access path's equalities; false when one is NULL, which nothing equals.
func (x *exec) keyOf(level int, a *access) ([]row.Datum, bool) {
	key := x.keys[level][:0]
	for _, k := range a.eq {
		if k.slot >= 0 {
			key = append(key, x.vals[k.slot].d)
			continue
		}
		d := x.rows[k.from.t][k.from.c]
		if d.Null {
			return nil, false
		}
		key = append(key, d)
	}
	return key, true
}

func (x *exec) get(level, index int, key []row.Datum) (bool, error) {
	s := &x.p.steps[level]
	vals, ref, err := x.tables[s.t].Get(x.env.Ctx, index, key, x.p.lock, table.Wait)
	if err != nil || vals == nil {
		return true, err
	}
	x.rows[s.t] = vals
	if !x.matches(level, s) {
		return true, nil
	}
	if level+1 < len(x.p.steps) { // the next steps' Gets use the same room
		x.rows[s.t] = x.copyRow(s.t, vals)
	}
	return x.found(level, &visitor{ref: ref})
}

// copyRow copies what is needed of a row.
func (x *exec) copyRow(t int, vals []row.Datum) []row.Datum {
	out := append(x.saved[t][:0], vals...)
	for _, c := range x.p.tables[t].need {
		out[c].B = bytes.Clone(vals[c].B)
	}
	x.saved[t] = out
	return out
}

func (x *exec) scan(level int, r table.Range) (more bool, err error) {
	s := &x.p.steps[level]
	o := table.ScanOptions{Index: s.access.index, Range: r, Reverse: s.access.reverse, Lock: x.p.lock, Columns: x.p.tables[s.t].need}
	switch {
	case len(s.filter) > 0 || s.outer:
	case len(x.p.steps) == 1:
		o.Limit = x.hint()
	case s.probe > 0 && x.p.probes[s.probe-1].last == level:
		o.Limit = 1
	}
	locks := x.p.lock != table.LockNone
	if locks && len(s.filter) > 0 {
		o.SemiConsistent = x.p.shape.verb == verbUpdate
		o.Filter = func(r []row.Datum) (bool, error) {
			x.rows[s.t] = r
			return x.allHold(s.filter), nil
		}
	}
	last := level+1 == len(x.p.steps)
	if last && x.p.counts && !locks && !s.outer {
		if t, ok := x.tables[s.t].(table.CountTable); ok {
			n, err := t.CountRows(x.env.Ctx, o, x.matcher(s))
			for i := range x.p.out {
				x.all.acc[i].count += int64(n)
			}
			return true, err
		}
	}
	if !locks && !s.outer && (len(s.filter) > 0 || last && (x.p.aggs && !x.p.single || x.keeps() || x.direct())) {
		o.Each = x.each
	}
	c, err := x.tables[s.t].Scan(x.env.Ctx, o)
	if err != nil {
		return false, err
	}
	defer c.Close()
	v := visitor{cursor: c}
	for {
		x.level, x.behind = level, false
		ok, err := c.Next(x.env.Ctx)
		if err == nil {
			err = x.failed
		}
		if err != nil || !ok {
			return true, err
		}
		x.rows[s.t] = c.Row()
		if !locks && !x.matches(level, s) {
			continue
		}
		if more, err := x.found(level, &v); err != nil || !more {
			return false, err
		}
	}
}

// matcher makes functions that tell whether a row passes a step's filter, each to be used by a goroutine of its own; nil: all do.
func (x *exec) matcher(s *step) func() func([]row.Datum) bool {
	if len(s.filter) == 0 {
		return nil
	}
	return func() func([]row.Datum) bool {
		y := &exec{p: x.p, q: x.q, env: x.env, vals: slices.Clone(x.vals), lists: x.lists, likes: x.likes}
		for i := range y.vals {
			y.vals[i].compared, y.vals[i].last = 0, nil // not shared
		}
		return func(r []row.Datum) bool {
			y.rows[s.t] = r
			return y.allHold(s.filter)
		}
	}
}

// direct reports whether a complete row can be sent from where it lies: all rows are wanted, as they come, and their values are put into the
// output as they are.
func (x *exec) direct() bool { return x.p.plain && x.p.shape.limit < 0 && !x.p.shape.calc }

// offer is shown a row where it lies in its page. It passes over one that does not match, and deals with one that is complete: adds it to its group,
// keeps it, or puts it into the output while there is room, for nobody may wait for a client here.
func (x *exec) offer(r []row.Datum) bool {
	level := x.level
	s := &x.p.steps[level]
	if x.held > maxHeld || x.failed != nil {
		return false // the row after this one declines
	}
	x.rows[s.t] = r
	if !x.allHold(s.filter) {
		return true
	}
	switch {
	case level+1 < len(x.p.steps) || s.probe > 0:
		return false
	case x.p.aggs:
		if x.p.single {
			return false
		}
		x.accumulate()
		return true
	case x.keeps():
		x.collect()
		return true
	case x.behind || !x.direct() || !x.fits():
		x.behind = true
		return false
	}
	if x.failed = x.begin(); x.failed == nil {
		x.failed = x.send()
	}
	return x.failed == nil
}

// hint is how many rows will be read at most, 0 when that is not known.
func (x *exec) hint() int {
	if x.p.single {
		return 1
	}
	if x.p.shape.calc || x.p.aggs || x.keeps() || x.left > 1<<20 || x.skip > 1<<20 {
		return 0
	}
	return int(x.left + x.skip)
}

// found takes a row of a step: a probe that it completes has its match.
func (x *exec) found(level int, v *visitor) (more bool, err error) {
	if n := x.p.steps[level].probe; n > 0 && x.p.probes[n-1].last == level {
		x.met[n-1] = true
		return false, nil
	}
	return x.onward(level, v)
}

// onward goes on with the next step from a row, which is complete when there is none.
func (x *exec) onward(level int, v *visitor) (more bool, err error) {
	if level+1 < len(x.p.steps) {
		return x.visit(level + 1)
	}
	switch x.p.shape.verb {
	case verbUpdate:
		x.left--
		return x.left > 0, x.updateRow(v)
	case verbDelete:
		x.left--
		x.res.Affected++
		t := x.p.steps[level].t
		return x.left > 0, x.tables[t].Delete(x.env.Ctx, v.Ref(), x.rows[t])
	}
	return x.row()
}
