package general

import (
	"bytes"
	"cmp"
	"fmt"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/types"
	"github.com/dolthub/vitess/go/sqltypes"

	"github.com/zoryadb/zorya/engine/row"
	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/item"
)

// explainBlock makes the accesses of one query block: how each table is read, by which key, and how many rows that gives.
type explainBlock struct {
	e                        *explainer
	id                       uint64
	kind                     string
	first                    int
	sorted, temporary, empty bool
	conds                    []sql.Expression
	limits                   []restriction
}

func (b *explainBlock) add(a *access, where bool) {
	a.id, a.block = b.id, b.kind
	if c := b.e.changed; len(c) > 0 && (b.kind == "UPDATE" || b.kind == "DELETE") && !c[strings.ToLower(a.table)] {
		a.block = "SIMPLE"
	}
	if a.filtered == 0 {
		a.filtered = 100
	}
	if where && a.kind != "const" && a.kind != "eq_ref" {
		a.extra = append(a.extra, "Using where")
		if a.kind == "ALL" {
			a.filtered = 33.33
		}
	}
	b.e.accesses = append(b.e.accesses, a)
}

// walk descends to the tables in the order they are read. where: a filter is above; alias names the next table.
func (b *explainBlock) walk(n sql.Node, alias string, where bool) {
	if x, ok := n.(sql.Expressioner); ok {
		_, filter := n.(*plan.Filter)
		b.subqueries(x.Expressions(), filter)
	}
	switch n := n.(type) {
	case *plan.InsertInto:
		kind := "INSERT"
		if n.IsReplace {
			kind = "REPLACE"
		}
		b.e.accesses = append(b.e.accesses, &access{id: b.id, block: kind, table: nameOf(n.Destination), kind: "ALL"})
		b.walkSource(n.Source)
		return
	case *plan.Update:
		b.kind = "UPDATE"
		b.e.changed = changedNames(n)
	case *plan.DeleteFrom:
		b.kind = "DELETE"
		b.e.changed = changedNames(n)
	case *plan.SubqueryAlias:
		id := b.e.blocks + uint64(len(b.e.later)) + 1
		b.add(&access{table: fmt.Sprintf("<derived%d>", id), kind: "ALL", rows: 2, counted: true}, where)
		child := n.Child
		b.e.later = append(b.e.later, func() { b.e.block(child, "DERIVED") })
		return
	case *plan.TableAlias:
		alias = n.Name()
	case *plan.Filter:
		where = true
		b.conditions(n.Expression)
	case *plan.Having:
		where = true
	case *plan.Sort, *plan.TopN:
		b.sorted = true
	case *plan.GroupBy:
		b.temporary = b.temporary || len(n.GroupByExprs) > 0 && !groupsInOrder(b.e.c, n, rowOrder(b.e.c, n.Child))
	case *plan.Distinct:
		b.temporary = true
	case *plan.EmptyTable:
		b.empty = true
		return
	case *plan.ResolvedTable:
		b.scan(n.Table, alias, where)
		return
	case *plan.IndexedTableAccess:
		b.lookup(n, alias, where)
		return
	case *plan.JoinNode:
		b.conditions(n.Filter)
		b.walk(n.Left(), "", where)
		from := len(b.e.accesses)
		b.walk(n.Right(), "", where)
		if from < len(b.e.accesses) && b.e.accesses[from].kind == "ALL" && (n.JoinType().IsHash() || !unhashedSide(b.e.c, n.Right())) {
			b.e.accesses[from].extra = append(b.e.accesses[from].extra, "Using join buffer (hash join)")
		}
		return
	case *plan.TriggerExecutor:
		b.walk(n.Left(), alias, where)
		return
	}
	for _, ch := range n.Children() {
		b.walk(ch, alias, where)
	}
}

// walkSource lists the SELECT of an INSERT; VALUES reads no table.
func (b *explainBlock) walkSource(n sql.Node) {
	for m := n; m != nil; {
		if _, ok := m.(*plan.Values); ok {
			return
		}
		ch := m.Children()
		if len(ch) != 1 {
			break
		}
		m = ch[0]
	}
	b.kind = "SIMPLE"
	b.walk(n, "", false)
}

func nameOf(n sql.Node) string {
	for n != nil {
		if t, ok := n.(sql.Nameable); ok {
			return t.Name()
		}
		ch := n.Children()
		if len(ch) == 0 {
			break
		}
		n = ch[0]
	}
	return ""
}

// subqueries lists those within expressions as blocks of their own.
func (b *explainBlock) subqueries(exprs []sql.Expression, condition bool) {
	for _, x := range exprs {
		if x == nil {
			continue
		}
		sql.Inspect(b.e.c, x, func(_ *sql.Context, x sql.Expression) bool {
			q, ok := x.(*plan.Subquery)
			if !ok {
				return true
			}
			kind := "SUBQUERY"
			if !q.Correlated().Empty() {
				kind = "DEPENDENT SUBQUERY"
			}
			b.e.later = append(b.e.later, func() {
				if b.e.places == nil {
					b.e.places = map[uint64]blockPlace{}
				}
				b.e.places[b.e.blocks+1] = blockPlace{b.id, condition}
				b.e.block(q.Query, kind)
			})
			return false
		})
	}
}

func (b *explainBlock) scan(t sql.Table, alias string, where bool) {
	if plan.IsDualTable(t) {
		return
	}
	a := &access{table: cmp.Or(alias, t.Name()), kind: "ALL"}
	if ours := tableBase(t); ours != nil {
		a.parts = ours.shownPartitions(nil)
		a.reads = readsOf(t, ours, a.table, nil, 0)
		if n, _, err := ours.RowCount(b.e.c); err == nil {
			a.rows, a.counted = n, true
		}
		ours.explainNarrowed(b.e.c, a)
	}
	b.add(a, where)
}

// lookup is an access by an index, with constants or with columns of tables before it.
func (b *explainBlock) lookup(n *plan.IndexedTableAccess, alias string, where bool) {
	a := &access{table: cmp.Or(alias, n.Name()), kind: "ref", counted: true, rows: 1}
	defer func() { b.add(a, where) }()
	ours := tableBase(n.Table)
	x, ok := n.Index().(*index)
	if ours == nil || !ok {
		return
	}
	total, _, err := ours.RowCount(b.e.c)
	if err != nil {
		return
	}
	a.key = x.ID()
	a.possible = []string{a.key}
	a.parts = ours.shownPartitions(b.partitionsOf(n, ours, x))
	a.reads = readsOf(n.Table, ours, a.table, x, 0)
	if n.IsStatic() {
		b.static(a, n, ours, x, total)
		return
	}
	b.compares(n)
	for _, k := range n.Expressions() {
		a.ref = append(a.ref, b.refText(k))
	}
	parts := min(len(a.ref), len(x.ix().Parts))
	a.reads.parts = parts
	a.keyLen = ours.keyLength(x, parts)
	if x.ix().Unique && parts == len(x.ix().Parts) {
		a.kind = "eq_ref"
		return
	}
	a.rows = b.perKey(ours, x, parts, total)
}

// perKey is how many rows of an index have one key of so many parts, by the index's statistics; where there are none, a tenth.
func (b *explainBlock) perKey(ours *base, x *index, parts int, total uint64) uint64 {
	guess := max(total/10, 1)
	if parts == 0 || ours.unopened(b.e.c) {
		return guess
	}
	t, err := ours.ensure(b.e.c)
	if err != nil {
		return guess
	}
	st, err := b.e.s.e.statisticsOf(b.e.c, t)
	if err != nil || x.pos >= len(st.Distinct) || parts > len(st.Distinct[x.pos]) || st.Distinct[x.pos][parts-1] == 0 {
		return guess
	}
	return max((total+st.Distinct[x.pos][parts-1]/2)/st.Distinct[x.pos][parts-1], 1)
}

// partitionsOf are those that the ranges of an access leave; nil: all.
func (b *explainBlock) partitionsOf(n *plan.IndexedTableAccess, ours *base, x *index) []bool {
	if !n.IsStatic() || len(ours.m.Attrs.Parts) == 0 || ours.unopened(b.e.c) {
		return nil
	}
	t, err := ours.ensure(b.e.c)
	if err != nil {
		return nil
	}
	p, ok := t.(*partitioned)
	lookup, _, err := n.GetLookup(b.e.c, nil)
	if !ok || err != nil {
		return nil
	}
	out := make([]bool, len(p.trees))
	ranges, _ := lookup.Ranges.(sql.MySQLRangeCollection)
	for _, r := range ranges {
		sp, some, err := (&userTable{base: ours}).span(b.e.c, x, r, item.Location(b.e.c))
		if err != nil || !some {
			continue
		}
		if sp.point != nil {
			sp.r = table.Range{Low: sp.point, High: sp.point}
		}
		set, err := p.within(b.e.c, x.pos, &sp.r)
		if err != nil || set == nil {
			return nil
		}
		for i := range out {
			out[i] = out[i] || set[i]
		}
	}
	return out
}

func (b *explainBlock) refText(x sql.Expression) string {
	switch x := item.Key(x).(type) {
	case *expression.GetField:
		return x.Database() + "." + x.Table() + "." + x.Name()
	case *expression.Literal:
		return "const"
	}
	return "func"
}

// static finds what the index's ranges come to.
func (b *explainBlock) static(a *access, n *plan.IndexedTableAccess, ours *base, x *index, total uint64) {
	lookup, _, err := n.GetLookup(b.e.c, nil)
	if err != nil {
		return
	}
	ranges, ok := lookup.Ranges.(sql.MySQLRangeCollection)
	if !ok {
		return
	}
	t, err := ours.ensure(b.e.c)
	if err != nil {
		return
	}
	a.kind, a.rows = "range", 0
	parts, equal, points := 0, 0, 0
	for _, r := range ranges {
		sp, some, err := ours.span(b.e.c, x, r, item.Location(b.e.c))
		if err != nil || !some {
			continue
		}
		if sp.point != nil {
			points++
			a.rows++
			parts = max(parts, len(sp.point))
			continue
		}
		parts = max(parts, len(sp.r.Low), len(sp.r.High))
		if len(sp.r.Low) == len(sp.r.High) && sameKey(sp.r.Low, sp.r.High) {
			equal++
		}
		if n, err := t.Estimate(b.e.c, x.pos, sp.r); err == nil {
			a.rows += n
		}
	}
	a.keyLen = ours.keyLength(x, parts)
	a.reads.parts = parts
	a.ranged = rangesText(n, a.table, ranges)
	switch {
	case parts == 0:
		a.kind, a.rows, a.possible = "index", total, nil
		a.keyLen = ours.keyLength(x, len(x.ix().Parts))
	case len(ranges) == 1 && points == 1:
		a.kind = "const"
	case len(ranges) == 1 && equal == 1:
		a.kind = "ref"
	}
	if a.kind == "const" || a.kind == "ref" {
		for range parts {
			a.ref = append(a.ref, "const")
		}
	}
}

// keyLength is the bytes of the first parts of an index as MySQL counts them.
func (b *base) keyLength(x *index, parts int) int {
	n := 0
	for i := range min(parts, len(x.ix().Parts)) {
		p := x.ix().Parts[i]
		col := b.m.Schema[p.Column]
		n += typeLength(col.Type, p.Prefix, b.m.Columns[p.Column].Fraction)
		if col.Nullable {
			n++
		}
	}
	return n
}

// typeLength is how many bytes a value of a type takes, of a text by so many characters as the prefix has, if there is one; of a TIME with so many digits of a second.
func typeLength(t sql.Type, prefix, fraction int) int {
	width := 1
	if ct, ok := t.(sql.TypeWithCollation); ok && !types.IsBinaryType(t) {
		width = int(ct.Collation().CharacterSet().MaxLength())
	}
	digits := func(n int) int { return (n + 1) / 2 }
	switch t.Type() {
	case sqltypes.Int8, sqltypes.Uint8, sqltypes.Year:
		return 1
	case sqltypes.Int16, sqltypes.Uint16:
		return 2
	case sqltypes.Int24, sqltypes.Uint24, sqltypes.Date:
		return 3
	case sqltypes.Int32, sqltypes.Uint32, sqltypes.Float32:
		return 4
	case sqltypes.Int64, sqltypes.Uint64, sqltypes.Float64:
		return 8
	case sqltypes.Time:
		return 3 + digits(fraction)
	case sqltypes.Timestamp, sqltypes.Datetime:
		n := 5
		if t.Type() == sqltypes.Timestamp {
			n = 4
		}
		if d, ok := t.(sql.DatetimeType); ok {
			n += digits(d.Precision())
		}
		return n
	case sqltypes.Decimal:
		if d, ok := t.(sql.DecimalType); ok {
			bytes := func(n int) int { return n/9*4 + (n%9+1)/2 }
			return bytes(int(d.Precision())-int(d.Scale())) + bytes(int(d.Scale()))
		}
	case sqltypes.Enum:
		if e, ok := t.(sql.EnumType); ok && e.NumberOfElements() > 255 {
			return 2
		}
		return 1
	case sqltypes.Char, sqltypes.Binary:
		if s, ok := t.(sql.StringType); ok {
			n := int(s.MaxCharacterLength())
			if prefix > 0 {
				n = prefix
			}
			return n * width
		}
	case sqltypes.VarChar, sqltypes.VarBinary, sqltypes.Text, sqltypes.Blob:
		if s, ok := t.(sql.StringType); ok {
			n := int(s.MaxCharacterLength())
			if prefix > 0 {
				n = prefix
			}
			return n*width + 2
		}
	}
	return 8
}

func sameKey(a, b []row.Datum) bool {
	for i := range a {
		if a[i].Null != b[i].Null || a[i].N != b[i].N || !bytes.Equal(a[i].B, b[i].B) {
			return false
		}
	}
	return len(a) > 0
}
