package fastlane

import (
	"strings"
	"sync/atomic"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/encodings"

	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/wire"
)

// plan is a shape bound to one version of each of its tables. It is immutable but for stale.
type plan struct {
	shape    *shape
	declines bool
	stale    atomic.Bool // a parent has changed
	defs     []*table.Def
	tables   []boundTable // in the order of FROM
	steps    []step       // in the order in which they are visited
	lock     table.Lock

	consts   []constant
	lists    []boundList
	likes    []likePattern
	same     [][2]int // pairs of arguments; no row is visited unless those of each are equal
	some     []int    // arguments that must not be NULL
	ascii    []int    // those that must be strings of ASCII: whose bytes are the same in each character set of a connection
	positive []int    // arguments that must be numbers from 1 on
	probes   []probe

	// SELECT
	set     *wire.ColumnSet
	types   []wire.Type
	recode  []encodings.Encoder // of strings that are not sent as UTF-8, by position in out; nil: none
	out     []outItem
	aggs    bool
	group   []ref
	rank    []groupKey // the order of groups
	once    bool       // without aggregates: each row of group's table once, by its key
	sort    []sortKey
	ordered bool // the access path yields the order
	apart   bool // rows that DISTINCT takes for one are neighbours in the order asked for
	late    bool // rows are sorted by what is not selected: DISTINCT comes behind, and the first of those that are one stays
	single  bool // MIN or MAX that the first row answers
	counts  bool // of one table, one group: nothing but how many rows there are
	plain   bool // each value of the result goes into the output without the library

	// INSERT: per column the position of its value within a group, or -1 and a default, or fromClock
	source   []int
	defaults []row.Datum
	width    int // values per group

	references []reference // foreign keys of what is inserted
	unchecked  bool        // they cannot be checked here: only while they need not be

	// UPDATE, ON DUPLICATE KEY UPDATE
	sets  []boundSet
	touch []int // columns that become the statement's time when a row changes: ON UPDATE CURRENT_TIMESTAMP
}

// boundTable is a table of the statement.
type boundTable struct {
	def   *table.Def
	desc  *Description
	alias string    // what qualifies its columns
	kinds []colKind // of Def.Columns
	need  []int     // columns to read; nil: all

	outer bool         // its columns are NULL where nothing matches on
	on    []*predicate // of an outer one
	nulls []row.Datum
}

// ref is a column of one of the plan's tables.
type ref struct{ t, c int }

type sortKey struct {
	ref
	desc bool
}

// groupKey orders groups by a column that they are grouped by (of plan.group), or an aggregate (of plan.out).
type groupKey struct {
	by, out int // -1: none
	desc    bool
}

// outItem is one column of the result: a column, a number, or an aggregate of a column (t < 0: of rows).
type outItem struct {
	ref
	number   string
	agg      aggregate
	distinct bool
	scale    int // digits behind the point of SUM and AVG
}

// constant is an expression without columns, to be converted for comparison with a column.
type constant struct {
	x  *expr
	at ref
}

// boundList is an IN list, to be converted for comparison with columns.
type boundList struct {
	n  int // Query.Lists
	at []ref
}

// step visits one table.
type step struct {
	t      int
	access access
	outer  bool
	on     []*predicate // of an outer table: what makes a row a match
	filter []*predicate
	probe  int // it is a step of plan.probes[probe-1]; 0: of none
}

// compile binds a shape to its tables. A plan that declines is kept too, so that it is not tried again. An error means that the
// general lane will say what is wrong.
func compile(env *Env, s *shape, tables []table.Table, q *Query) (*plan, error) {
	p := &plan{shape: s, declines: true}
	if len(tables) == 0 {
		return p, p.bindNumbers(env)
	}
	for _, t := range tables {
		p.defs = append(p.defs, t.Def())
	}
	for i, t := range tables {
		d := t.Def()
		desc, err := env.Host.Describe(env.Ctx, d)
		if err != nil {
			return nil, err
		}
		b := boundTable{def: d, desc: desc, alias: s.tables[i].alias, kinds: make([]colKind, len(d.Columns))}
		for c := range desc.Columns {
			b.kinds[c] = kindOf(&desc.Columns[c], d.Columns[c].Nullable)
			if d.Columns[c].Virtual {
				return p, nil
			}
		}
		if desc.Elsewhere || s.verb != verbSelect && (!desc.Writable || d.Triggers) {
			return p, nil
		}
		if b.outer = s.tables[i].outer; b.outer {
			if s.comma {
				return p, nil
			}
			b.nulls = make([]row.Datum, len(d.Columns))
			for c := range b.nulls {
				b.nulls[c] = row.NullDatum
			}
		}
		p.tables = append(p.tables, b)
	}
	switch {
	case s.verb == verbUpdate || s.verb == verbDelete || s.lock == lockUpdate:
		p.lock = table.LockExclusive
	case s.lock == lockShare:
		p.lock = table.LockShared
	}
	b := binder{p: p, env: env, q: q, open: tables}
	ok := false
	var err error
	switch s.verb {
	case verbSelect:
		ok, err = b.bindSelect()
	case verbInsert, verbReplace:
		ok = b.bindInsert()
	case verbUpdate:
		ok = b.bindUpdate()
	case verbDelete:
		ok = b.bindWriteSort() && b.bindWhere() && b.orderWrites()
	}
	if err != nil {
		return nil, err
	}
	p.declines = !ok || b.passesPrefix() || s.verb != verbSelect && !b.bindForeign()
	return p, nil
}

// bindNumbers binds a SELECT of numbers.
func (p *plan) bindNumbers(env *Env) error {
	cols, err := env.Host.Columns(env.Ctx, string(env.Text))
	if err != nil || len(cols) != len(p.shape.items) {
		return err
	}
	for _, it := range p.shape.items {
		p.out = append(p.out, outItem{ref: ref{-1, -1}, number: it.number})
	}
	p.set, p.declines = wire.NewColumnSet(cols...), false
	return nil
}

// current reports whether the plan was made for these tables.
func (p *plan) current(tables []table.Table) bool {
	for i, t := range tables {
		if p.defs[i] != t.Def() {
			return false
		}
	}
	return true
}

// binder is a compilation at work.
type binder struct {
	p     *plan
	env   *Env
	q     *Query // of the execution that asked for the plan: its arguments decide between indexes
	open  []table.Table
	scope int // of which names are resolved: the subquery's tables, then those of FROM
}

func (p *plan) kind(r ref) *colKind { return &p.tables[r.t].kinds[r.c] }

// bindSelect binds select list, order and access path.
func (b *binder) bindSelect() (bool, error) {
	p, s := b.p, b.p.shape
	if p.lock != table.LockNone && len(p.tables) > 1 || !b.bindItems() || !b.bindGroup() {
		return false, nil
	}
	if !b.bindSort() || !b.bindWhere() || !b.bindOrder() {
		return false, nil
	}
	if p.aggs && (len(p.sort) > 0 || s.distinct || s.calc && s.limit >= 0 && len(p.group) > 0 || p.lock != table.LockNone) {
		return false, nil
	}
	if b.groupsAlong() {
		return false, nil
	}
	if p.once && (s.distinct || p.lock != table.LockNone || !b.ofGroup()) {
		return false, nil
	}
	b.bindNeeds()
	cols, err := b.env.Host.Columns(b.env.Ctx, string(b.env.Text))
	if err != nil || len(cols) != len(p.out) {
		return false, err
	}
	p.set, p.plain = wire.NewColumnSet(cols...), true
	for i := range cols {
		if !b.bindResult(i, &cols[i]) {
			return false, nil
		}
	}
	p.plain = p.plain && p.recode == nil
	return true, nil
}

// bindResult learns how a column of the result is sent.
func (b *binder) bindResult(i int, c *wire.Column) bool {
	p := b.p
	p.types = append(p.types, c.Type)
	o := &p.out[i]
	if o.t >= 0 {
		switch p.kind(o.ref).form {
		case formInt, formUint, formString, formBinary, formDecimal:
		default:
			p.plain = false
		}
	}
	switch o.agg {
	case aggSum:
		if p.kind(o.ref).form == formDecimal {
			o.scale = p.kind(o.ref).scale
			if c.Type != wire.TypeNewDecimal || int(c.Decimals) != o.scale {
				return false
			}
		}
	case aggAvg:
		o.scale = int(c.Decimals)
		k := p.kind(o.ref)
		if c.Type != wire.TypeNewDecimal || o.scale < k.scale {
			return false
		}
	}
	switch cs := sql.CollationID(c.Charset).CharacterSet(); cs {
	case sql.CharacterSet_utf8mb4, sql.CharacterSet_utf8mb3, sql.CharacterSet_binary, sql.CharacterSet_ascii, sql.CharacterSet_Unspecified:
	default:
		if cs.Encoder() == nil {
			return false
		}
		if p.recode == nil {
			p.recode = make([]encodings.Encoder, len(p.out))
		}
		p.recode[i] = cs.Encoder()
	}
	return true
}

// bindItems binds the select list.
func (b *binder) bindItems() bool {
	p := b.p
	for _, it := range p.shape.items {
		o := outItem{ref: ref{-1, -1}, number: it.number, agg: it.agg, distinct: it.distinct}
		switch {
		case it.star:
			if it.column.qualifier == "" && len(p.shape.items) > 1 {
				return false
			}
			if !b.star(it.column) {
				return false
			}
			continue
		case it.number != "" || it.agg == aggCount && it.column.name == "":
			if it.counted > 0 {
				p.some = append(p.some, it.counted-1)
			}
		default:
			var ok bool
			if o.ref, ok = b.column(it.column); !ok {
				return false
			}
		}
		if o.agg != aggNone {
			p.aggs = true
		}
		switch o.agg {
		case aggSum, aggAvg:
			if f := p.kind(o.ref).form; f != formInt && f != formUint && f != formDecimal {
				return false
			}
		case aggMin, aggMax:
			if k := p.kind(o.ref); !k.ordered() {
				return false
			}
		case aggCount:
			if o.distinct && !p.kind(o.ref).sortable() {
				return false
			}
		}
		p.out = append(p.out, o)
	}
	return true
}

// star adds the columns of *, or table.*.
func (b *binder) star(n colName) bool {
	some := false
	for t := range b.p.shape.joined() {
		if !b.qualifies(n, t) {
			continue
		}
		some = true
		for c := range b.p.tables[t].def.Columns {
			if !b.p.tables[t].desc.Columns[c].Hidden {
				b.p.out = append(b.p.out, outItem{ref: ref{t, c}})
			}
		}
	}
	return some
}

// bindGroup binds GROUP BY: what is selected is then an aggregate or among the columns grouped by.
func (b *binder) bindGroup() bool {
	p := b.p
	for _, n := range p.shape.group {
		r, ok := b.column(n)
		if !ok || !p.kind(r).sortable() {
			return false
		}
		p.group = append(p.group, r)
	}
	if len(p.group) > 0 && !p.aggs {
		p.once = true
		return b.isKey(p.group)
	}
	if !p.aggs {
		return true
	}
	for _, o := range p.out {
		if o.agg == aggNone && !contains(p.group, o.ref) {
			return false
		}
	}
	return true
}

func contains(list []ref, r ref) bool {
	for _, x := range list {
		if x == r {
			return true
		}
	}
	return false
}

// bindSort binds ORDER BY, where a name is first that of an item, then of a column.
func (b *binder) bindSort() bool {
	p, s := b.p, b.p.shape
	if p.aggs && len(p.group) > 0 {
		return b.bindRank()
	}
	if p.aggs { // one row has no order
		for _, o := range s.order {
			if _, ok := b.column(o.column); !ok || o.agg != aggNone {
				return false
			}
		}
		return true
	}
	for _, o := range s.order {
		n := o.column
		if o.agg != aggNone {
			return false
		}
		if n.qualifier == "" {
			for _, it := range s.items {
				if it.alias == "" || !strings.EqualFold(it.alias, n.name) {
					continue
				}
				if it.agg != aggNone || it.column.name == "" {
					return false
				}
				n = it.column
				break
			}
		}
		r, ok := b.column(n)
		if !ok || !p.kind(r).sortable() {
			return false
		}
		p.sort = append(p.sort, sortKey{r, o.desc})
	}
	if !s.distinct {
		return true
	}
	p.apart = true
	for _, o := range p.out {
		if o.t < 0 || !p.kind(o.ref).sortable() {
			return false
		}
		sorted := false
		for _, k := range p.sort {
			sorted = sorted || k.ref == o.ref
		}
		p.apart = p.apart && sorted
	}
	for _, k := range p.sort {
		found := false
		for _, o := range p.out {
			found = found || o.ref == k.ref
		}
		p.late = p.late || !found
	}
	p.apart = p.apart && !p.late
	return true
}

// bindOrder finds out whether the access path yields the order, else rows are sorted.
func (b *binder) bindOrder() bool {
	p := b.p
	first := &p.steps[0]
	if p.aggs {
		b.bindExtreme()
		p.counts = len(p.steps) == 1 && len(p.group) == 0
		for _, o := range p.out {
			p.counts = p.counts && o.agg == aggCount && !o.distinct && (o.t < 0 || !p.kind(o.ref).nullable)
		}
		return true
	}
	if len(p.sort) == 0 || p.shape.distinct || p.once {
		return true
	}
	if len(p.steps) == 1 && first.access.point {
		p.sort = nil
		return true
	}
	reverse, ok := b.yields(first.t, &first.access, p.sort)
	if !ok {
		return true
	}
	p.ordered, p.sort, first.access.reverse = true, nil, reverse
	return true
}

// yields reports whether a walk along the access path yields the rows of table t in the order, in which direction.
func (b *binder) yields(t int, a *access, sort []sortKey) (reverse, ok bool) {
	if a.point || a.several() {
		return false, false
	}
	def := b.p.tables[t].def
	parts := append([]table.Part(nil), def.Indexes[a.index].Parts...)
	if a.index != 0 { // entries with equal keys are in the clustered key's order
		parts = append(parts, def.Indexes[0].Parts...)
	}
	parts = parts[len(a.eq):]
	for i, k := range sort {
		if k.t != t || i >= len(parts) || parts[i].Column != k.c || parts[i].Prefix > 0 || def.Indexes[0].Hidden && i >= len(def.Indexes[a.index].Parts)-len(a.eq) {
			return false, false
		}
		if (parts[i].Desc != k.desc) != (parts[0].Desc != sort[0].desc) {
			return false, false
		}
	}
	return parts[0].Desc != sort[0].desc, true
}

// bindExtreme lets the first row along an index answer MIN and MAX.
func (b *binder) bindExtreme() {
	p := b.p
	first := &p.steps[0]
	if len(p.out) != 1 || len(p.steps) != 1 || len(p.group) > 0 || len(first.filter) > 0 {
		return
	}
	o := p.out[0]
	if o.agg != aggMin && o.agg != aggMax {
		return
	}
	key := []sortKey{{o.ref, o.agg == aggMax}}
	if first.access.full() {
		for i := range p.tables[0].def.Indexes {
			a := access{index: i}
			if reverse, ok := b.yields(0, &a, key); ok && !p.tables[0].def.Indexes[i].Hidden && p.tables[0].def.Indexes[i].Kind == "" {
				a.reverse = reverse
				first.access, p.single = a, true
				return
			}
		}
		return
	}
	if reverse, ok := b.yields(first.t, &first.access, key); ok {
		first.access.reverse, p.single = reverse, true
	}
}

// bindNeeds lists the columns to read of each table.
func (b *binder) bindNeeds() {
	p := b.p
	for t := range p.tables {
		p.tables[t].need = []int{}
	}
	add := func(r ref) {
		if r.t < 0 {
			return
		}
		need := &p.tables[r.t].need
		for _, c := range *need {
			if c == r.c {
				return
			}
		}
		*need = append(*need, r.c)
	}
	for _, o := range p.out {
		add(o.ref)
	}
	for _, k := range p.sort {
		add(k.ref)
	}
	for _, r := range p.group {
		add(r)
	}
	for i := range p.steps {
		for _, k := range p.steps[i].access.eq {
			if k.slot < 0 {
				add(k.from)
			}
		}
		for _, f := range p.steps[i].on {
			f.columns(add)
		}
		for _, f := range p.steps[i].filter {
			f.columns(add)
		}
	}
	for i := range p.probes {
		for _, f := range p.probes[i].then {
			f.columns(add)
		}
	}
}
