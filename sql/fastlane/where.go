package fastlane

import (
	"slices"

	"github.com/dolthub/go-mysql-server/sql"

	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/engine/table"
)

// predicate is a bound condition. Constants are slots of plan.consts, lists of plan.lists.
type predicate struct {
	cmp    compare
	at     ref   // the column
	more   []ref // the others of a tuple
	x, y   int   // slots; -1: none
	other  ref   // compared with instead of x; t < 0: none
	list   int   // of cmpExists: plan.probes
	like   int   // of plan.likes
	arg    int   // of cmpBytes
	any    [][]*predicate
	tables uint // bits of the tables that must have been visited
}

// columns calls fn for each column that the predicate reads.
func (c *predicate) columns(fn func(ref)) {
	for _, all := range c.any {
		for _, k := range all {
			k.columns(fn)
		}
	}
	if c.cmp == cmpOr {
		return
	}
	fn(c.at) // of no table: a probe
	for _, r := range c.more {
		fn(r)
	}
	fn(c.other)
}

// keyPart is a value of the leading parts of an index: a constant, or a column of a table visited before.
type keyPart struct {
	slot int // -1: from
	from ref
}

// access is how rows of a table are found: by equalities on the leading parts of an index, then one part in intervals.
type access struct {
	index   int
	eq      []keyPart
	point   bool // eq is a full unique key
	column  int  // the part behind eq, when there are conditions on it
	ranges  []*predicate
	tuple   *predicate // IN of tuples on leading parts: all of the key there is
	unique  bool       // eq and one value (or tuple) are a full unique key
	reverse bool
}

// full reports whether the access path is the whole index.
func (a *access) full() bool { return len(a.eq) == 0 && len(a.ranges) == 0 && a.tuple == nil }

// several reports whether there may be more than one interval.
func (a *access) several() bool {
	return a.tuple != nil || len(a.ranges) == 1 && (a.ranges[0].cmp == cmpIn || a.ranges[0].cmp == cmpOr)
}

// bindWhere binds the conditions, picks the order of tables and an access path to each.
func (b *binder) bindWhere() bool {
	var conds []*predicate
	for _, c := range b.p.shape.where {
		if c.cmp == cmpSame {
			b.p.same = append(b.p.same, [2]int{c.x.arg, c.y.arg})
			continue
		}
		k, ok := b.predicate(c)
		if !ok {
			return false
		}
		conds = append(conds, k)
	}
	for t := range b.p.tables {
		bt := &b.p.tables[t]
		if !bt.outer {
			continue
		}
		b.scope = b.p.shape.tables[t].scope
		for _, c := range b.p.shape.tables[t].on {
			k, ok := b.predicate(c)
			if !ok || k.tables>>(t+1) != 0 && !b.p.shape.right { // of a table to the right: an error
				return false
			}
			bt.on = append(bt.on, k)
		}
	}
	b.scope = 0
	conds = b.innerTables(conds)
	return b.bindProbes() && b.arrange(conds) && b.scansWell(conds) && !b.scansForProbe(conds)
}

// innerTables makes tables of the outer ones whose row of NULLs a condition throws away: the join may then begin with them. It returns the conditions with theirs of ON.
func (b *binder) innerTables(conds []*predicate) []*predicate {
	for i := 0; i < len(conds); i++ {
		for t := range b.p.tables {
			if bt := &b.p.tables[t]; bt.outer && conds[i].wants(t) {
				bt.outer = false
				conds, bt.on = append(conds, bt.on...), nil
			}
		}
	}
	return conds
}

// wants reports whether the predicate holds of no row of NULLs of a table.
func (c *predicate) wants(t int) bool {
	switch c.cmp {
	case cmpNull, cmpExists, cmpNotExists, cmpSame:
		return false
	case cmpOr:
		for _, all := range c.any {
			if !slices.ContainsFunc(all, func(k *predicate) bool { return k.wants(t) }) {
				return false
			}
		}
		return true
	}
	return len(c.more) == 0 && (c.at.t == t || c.other.t == t)
}

func (b *binder) predicate(c *condition) (*predicate, bool) {
	k := &predicate{cmp: c.cmp, x: -1, y: -1, other: ref{-1, -1}}
	switch c.cmp {
	case cmpSame:
		return nil, false
	case cmpExists, cmpNotExists:
		return b.existsPredicate(c)
	}
	if c.cmp == cmpOr {
		for _, all := range c.any {
			var bound []*predicate
			for _, x := range all {
				y, ok := b.predicate(x)
				if !ok {
					return nil, false
				}
				k.tables |= y.tables
				bound = append(bound, y)
			}
			k.any = append(k.any, bound)
		}
		return k, true
	}
	for i, n := range c.columns {
		r, ok := b.column(n)
		if !ok {
			return nil, false
		}
		k.tables |= 1 << r.t
		if i == 0 {
			k.at = r
		} else {
			k.more = append(k.more, r)
			if r.t != k.at.t {
				return nil, false
			}
		}
		if kind := b.p.kind(r); c.cmp != cmpNull && c.cmp != cmpNotNull && !kind.comparable() {
			return nil, false
		}
	}
	kind := b.p.kind(k.at)
	switch c.cmp {
	case cmpNull, cmpNotNull:
		// IS NULL finds zero dates in a column that is NOT NULL.
		zero := c.cmp == cmpNull && !kind.nullable && (kind.form == formDate || kind.form == formDatetime)
		return k, !zero
	case cmpIn, cmpNotIn:
		k.list = len(b.p.lists)
		b.p.lists = append(b.p.lists, boundList{c.list, append([]ref{k.at}, k.more...)})
		return k, true
	case cmpEQ, cmpNE:
	case cmpBytes:
		k.arg = c.x.arg
		b.p.ascii = append(b.p.ascii, k.arg)
		return k, kind.form == formString && kind.charset == sql.CharacterSet_utf8mb4
	case cmpLike, cmpNotLike:
		k.like = len(b.p.likes)
		b.p.likes = append(b.p.likes, likePattern{arg: c.x.arg, collation: kind.collation})
		return k, kind.form == formString && kind.charset == sql.CharacterSet_utf8mb4
	default:
		if !kind.ordered() {
			return nil, false
		}
	}
	if c.x.zero && kind.form != formInt && kind.form != formUint {
		return nil, false
	}
	if c.x.op == 0 && c.x.arg < 0 && !c.x.null && !c.x.zero {
		return k, c.y == nil && !c.x.values && b.compared(k, c.x.column)
	}
	if !c.x.constant() || c.y != nil && !c.y.constant() {
		return nil, false
	}
	k.x = b.constant(c.x, k.at)
	if c.y != nil {
		k.y = b.constant(c.y, k.at)
	}
	return k, true
}

// compared binds a comparison of two columns, which must be alike.
func (b *binder) compared(k *predicate, n colName) bool {
	r, ok := b.column(n)
	if !ok {
		return false
	}
	k.other = r
	k.tables |= 1 << r.t
	x, y := b.p.kind(k.at), b.p.kind(r)
	return x.form == y.form && x.form != formEnum && x.collation == y.collation && x.scale == y.scale && (x.form != formDecimal || x.precision == y.precision)
}

func (b *binder) constant(x *expr, at ref) int {
	b.p.consts = append(b.p.consts, constant{x, at})
	return len(b.p.consts) - 1
}

// arrange picks the table to begin with, by how few rows are expected, then each next one by how well it is found from those before.
func (b *binder) arrange(conds []*predicate) bool {
	n := b.p.shape.joined()
	type start struct {
		t    int
		a    access
		rows uint64
	}
	var starts []start
	for t := range n {
		if b.p.tables[t].outer {
			continue
		}
		s := start{t: t}
		s.a, s.rows = b.best(t, 0, conds, n > 1)
		at := len(starts)
		for at > 0 && starts[at-1].rows > s.rows {
			at--
		}
		starts = append(starts[:at], append([]start{s}, starts[at:]...)...)
	}
	for _, s := range starts {
		if b.follow(s.t, s.a, conds) && b.followProbes() {
			b.assign(conds)
			b.assignProbes(conds)
			return true
		}
	}
	return false
}

// follow orders the tables behind the first; false when some table could only be scanned for each row of others.
func (b *binder) follow(first int, a access, conds []*predicate) bool {
	p := b.p
	p.steps = append(p.steps[:0], step{t: first, access: a})
	seen := uint(1) << first
	for len(p.steps) < p.shape.joined() {
		s, ok := b.next(seen, 0, conds)
		if !ok {
			return false
		}
		seen |= 1 << s.t
		p.steps = append(p.steps, s)
	}
	return true
}

// next finds the table of a scope that is found best from those in seen.
func (b *binder) next(seen uint, scope int, conds []*predicate) (best step, ok bool) {
	p := b.p
	bestScore := 0
	for t := range p.tables {
		if seen&(1<<t) != 0 || p.shape.tables[t].scope != scope {
			continue
		}
		from := conds
		if bt := &p.tables[t]; bt.outer {
			if from = bt.on; !bound(from, seen|1<<t) {
				continue
			}
		}
		a, _ := b.best(t, seen, from, false)
		if s := b.score(t, &a); s > bestScore && len(a.eq) > 0 && a.tuple == nil && len(a.ranges) == 0 {
			bestScore, best = s, step{t: t, access: a, outer: p.tables[t].outer}
		}
	}
	return best, bestScore > 0
}

// bound reports whether the conditions concern none but the tables in seen.
func bound(conds []*predicate, seen uint) bool {
	for _, c := range conds {
		if c.tables&^seen != 0 {
			return false
		}
	}
	return true
}

// assign gives each step the conditions that can first be evaluated there and that its access path does not answer.
func (b *binder) assign(conds []*predicate) {
	seen := uint(0)
	for i := range b.p.shape.joined() {
		s := &b.p.steps[i]
		before := seen
		seen |= 1 << s.t
		b.assignStep(s, conds, before, seen)
	}
}

// assignStep gives a step the conditions that the tables in seen are enough for, and those before it, if there are any, were not.
func (b *binder) assignStep(s *step, conds []*predicate, before, seen uint) {
	for _, c := range conds {
		if c.tables&^seen != 0 || c.tables&^before == 0 && before != 0 {
			continue
		}
		if s.outer || !b.answers(s, c) { // an outer table's access path answers its ON only
			s.filter = append(s.filter, c)
		}
	}
	if !s.outer {
		return
	}
	for _, c := range b.p.tables[s.t].on {
		if !b.answers(s, c) {
			s.on = append(s.on, c)
		}
	}
}

// answers reports whether the access path yields only rows for which c holds.
func (b *binder) answers(s *step, c *predicate) bool {
	a := &s.access
	if a.tuple == c {
		return true
	}
	for _, r := range a.ranges {
		if r == c {
			return true
		}
	}
	if c.cmp != cmpEQ {
		return false
	}
	ix := &b.p.tables[s.t].def.Indexes[a.index]
	for i, k := range a.eq {
		col := ref{s.t, ix.Parts[i].Column}
		if c.at == col && (k.slot >= 0 && k.slot == c.x || k.slot < 0 && k.from == c.other) || k.slot < 0 && c.other == col && k.from == c.at {
			return true
		}
	}
	return false
}

// best picks an access path to table t when those in seen have been visited. Among indexes that constants alone lead into, a guess of
// the number of rows decides; guess asks for it even if there is no choice.
func (b *binder) best(t int, seen uint, conds []*predicate, guess bool) (access, uint64) {
	var all []access
	for i := range b.p.tables[t].def.Indexes {
		if a, ok := b.try(t, i, seen, conds); ok {
			if a.point {
				return a, 1
			}
			all = append(all, a)
		}
	}
	const unknown = 1 << 62
	if len(all) == 0 {
		if i, ok := b.along(t, seen); ok {
			return access{index: i}, unknown
		}
		return access{}, unknown
	}
	best, rows := 0, uint64(unknown)
	if seen == 0 && (len(all) > 1 || guess) {
		for i := range all {
			if n, ok := b.estimate(t, &all[i]); ok && (n < rows || n == rows && b.score(t, &all[i]) > b.score(t, &all[best])) {
				best, rows = i, n
			}
		}
		if rows < unknown {
			return all[best], rows
		}
	}
	for i := range all {
		if b.score(t, &all[i]) > b.score(t, &all[best]) {
			best = i
		}
	}
	return all[best], rows
}

// passesPrefix reports whether a table is scanned although an index of the first characters of a column (meta_key(191)) leads to what a condition asks for: the
// general lane goes by it, and a locking read must lock no more than that.
func (b *binder) passesPrefix() bool {
	seen := uint(0)
	for i := range b.p.steps {
		s := &b.p.steps[i]
		scans := !s.access.point && s.access.tuple == nil && len(s.access.eq)+len(s.access.ranges) == 0
		for j := range b.p.tables[s.t].def.Indexes {
			ix := &b.p.tables[s.t].def.Indexes[j]
			if !scans || ix.Kind != "" || len(ix.Parts) == 0 || ix.Parts[0].Prefix == 0 {
				continue
			}
			col := ref{s.t, ix.Parts[0].Column}
			if _, ok := b.equality(col, seen, s.filter); ok || len(b.ranges(col, s.filter)) > 0 {
				return true
			}
		}
		seen |= 1 << s.t
	}
	return false
}

// along finds an index whose order is the one asked for, for a LIMIT without a condition to look up.
func (b *binder) along(t int, seen uint) (int, bool) {
	p := b.p
	if seen != 0 || len(p.sort) == 0 || p.shape.limit < 0 || p.shape.distinct || p.shape.joined() > 1 {
		return 0, false
	}
	for i := range p.tables[t].def.Indexes {
		a := access{index: i}
		if ix := &p.tables[t].def.Indexes[i]; ix.Hidden || ix.Kind != "" {
			continue
		}
		if _, ok := b.yields(t, &a, p.sort); ok {
			return i, true
		}
	}
	return 0, false
}

// score orders access paths where rows cannot be guessed.
func (b *binder) score(t int, a *access) int {
	s := 100 * len(a.eq)
	switch {
	case a.point:
		s += 1000
	case a.tuple != nil:
		s += 100*len(a.tuple.more) + 90
	case len(a.ranges) > 0:
		s += 50
	}
	if a.index == 0 {
		s++
	}
	return s
}

// estimate guesses the number of rows from the arguments of this execution.
func (b *binder) estimate(t int, a *access) (rows uint64, ok bool) {
	x := newExec(b.p, b.env, b.q)
	defer x.free()
	if x.prepare() != nil {
		return 0, false
	}
	x.tables = b.open
	list, err := x.intervals(t, a)
	if err != nil {
		return 0, false
	}
	const most = 8
	for i := range list {
		if i == most {
			return rows / most * uint64(len(list)), true
		}
		n, err := b.open[t].Estimate(b.env.Ctx, a.index, list[i].Range)
		if err != nil {
			return 0, false
		}
		rows += n
	}
	return rows, true
}

// try matches conditions with the leading parts of an index: equalities, then one part in intervals.
func (b *binder) try(t, n int, seen uint, conds []*predicate) (access, bool) {
	bt := &b.p.tables[t]
	ix := &bt.def.Indexes[n]
	a := access{index: n}
	if ix.Hidden || ix.Kind != "" {
		return a, false
	}
	if seen == 0 {
		if c := b.tuple(t, ix, conds); c != nil {
			a.tuple = c
			a.unique = ix.Unique && len(c.more)+1 == len(ix.Parts)
			return a, true
		}
	}
	part := 0
	for ; part < len(ix.Parts) && ix.Parts[part].Prefix == 0; part++ {
		k, ok := b.equality(ref{t, ix.Parts[part].Column}, seen, conds)
		if !ok {
			break
		}
		a.eq = append(a.eq, k)
	}
	if part == len(ix.Parts) {
		a.point = ix.Unique
		return a, true
	}
	if ix.Parts[part].Prefix > 0 || seen != 0 {
		return a, len(a.eq) > 0
	}
	a.column = ix.Parts[part].Column
	a.ranges = b.ranges(ref{t, a.column}, conds)
	a.unique = ix.Unique && part == len(ix.Parts)-1 && !(len(a.ranges) == 1 && a.ranges[0].cmp == cmpNull)
	return a, len(a.eq)+len(a.ranges) > 0
}

// tuple finds an IN of tuples of the index's leading parts, in whatever order.
func (b *binder) tuple(t int, ix *table.Index, conds []*predicate) *predicate {
	for _, c := range conds {
		if c.cmp != cmpIn || len(c.more) == 0 || len(c.more) >= len(ix.Parts) || c.at.t != t {
			continue
		}
		cols := append([]ref{c.at}, c.more...)
		ok := true
		for i := range cols {
			ok = ok && ix.Parts[i].Prefix == 0 && contains(cols, ref{t, ix.Parts[i].Column})
		}
		if ok {
			return c
		}
	}
	return nil
}

// equality finds what a column must equal.
func (b *binder) equality(r ref, seen uint, conds []*predicate) (keyPart, bool) {
	for _, c := range conds {
		if c.cmp != cmpEQ {
			continue
		}
		switch {
		case c.at == r && c.x >= 0:
			return keyPart{slot: c.x}, true
		case c.at == r && c.other.t >= 0 && seen&(1<<c.other.t) != 0:
			return keyPart{-1, c.other}, true
		case c.other == r && c.at.t != r.t && seen&(1<<c.at.t) != 0:
			return keyPart{-1, c.at}, true
		}
	}
	return keyPart{}, false
}

// ranges finds the conditions that put a column into intervals: one list or disjunction, or a lower and an upper bound.
func (b *binder) ranges(r ref, conds []*predicate) []*predicate {
	var low, high *predicate
	for _, c := range conds {
		switch {
		case c.cmp == cmpOr && b.within(r, c):
			return []*predicate{c}
		case c.at != r || len(c.more) > 0:
		case c.cmp == cmpIn, c.cmp == cmpNull:
			return []*predicate{c}
		case c.x < 0:
		case c.cmp == cmpBetween:
			return []*predicate{c}
		case (c.cmp == cmpGT || c.cmp == cmpGE) && low == nil:
			low = c
		case (c.cmp == cmpLT || c.cmp == cmpLE) && high == nil:
			high = c
		}
	}
	var out []*predicate
	if low != nil {
		out = append(out, low)
	}
	if high != nil {
		out = append(out, high)
	}
	return out
}

// within reports whether each alternative of a disjunction is one interval, or list, of the column.
func (b *binder) within(r ref, c *predicate) bool {
	for _, all := range c.any {
		if len(all) != 1 || all[0].cmp == cmpOr || all[0].at != r || len(all[0].more) > 0 {
			return false
		}
		switch k := all[0]; k.cmp {
		case cmpIn:
		case cmpEQ, cmpLT, cmpLE, cmpGT, cmpGE, cmpBetween:
			if k.x < 0 {
				return false
			}
		default:
			return false
		}
	}
	return true
}

// prepared is a constant as it compares with its column.
type prepared struct {
	d   row.Datum
	key []byte

	// Of strings: what was compared last, once many have been. Columns by which rows are told apart have few values, and collations are dear.
	compared int
	last     []byte
	result   int
}

// memoFrom is after how many comparisons of strings with a constant the last one is kept.
const memoFrom = 32
