package general

import (
	"math"
	"slices"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/plan"

	"github.com/zoryadb/zorya/sql/item"
)

// What EXPLAIN says of an access beyond the key that was chosen: the keys that conditions would allow, whether the key has all columns, where the
// conditions are looked at, and how many of the rows are expected to pass them. The library's plan has the conditions above the tables; a comparison that
// an access serves may be gone from it, so what the access itself compares counts too.

// reading is what an access reads.
type reading struct {
	of     *base
	alias  string
	index  *index   // nil: the table is scanned
	parts  int      // of the index, that the access compares
	needed []string // columns; nil: all
}

// restriction is a condition on a column of a table: column op with. with holds no column of that table.
type restriction struct {
	table, column, op string
	values            int // of IN
}

// readsOf notes what is read. t is the table as the plan has it.
func readsOf(t sql.Table, of *base, alias string, x *index, parts int) *reading {
	r := &reading{of: of, alias: alias, index: x, parts: parts}
	for t != nil {
		if p, ok := t.(sql.ProjectedTable); ok {
			r.needed = p.Projections()
			break
		}
		w, ok := t.(sql.TableWrapper)
		if !ok {
			break
		}
		t = w.Underlying()
	}
	return r
}

// conditions takes the parts of a filter, or of a join's.
func (b *explainBlock) conditions(e sql.Expression) {
	if e != nil {
		b.conds = append(b.conds, expression.SplitConjunction(b.e.c, e)...)
	}
}

// compares notes an access that compares the parts of its index with columns of other tables: the other side could be looked up as well.
func (b *explainBlock) compares(n *plan.IndexedTableAccess) {
	for _, k := range n.Expressions() {
		if f, ok := item.Key(k).(*expression.GetField); ok {
			b.limits = append(b.limits, restriction{table: f.Table(), column: f.Name(), op: "="})
		}
	}
}

// limitsOf are the columns that a condition limits, each by what is not of its table.
func limitsOf(c *sql.Context, e sql.Expression) (out []restriction) {
	op, value, with, ok := item.Limited(e)
	if !ok {
		return nil
	}
	add := func(column sql.Expression, others []sql.Expression) {
		f, ok := column.(*expression.GetField)
		if !ok || slices.ContainsFunc(others, func(o sql.Expression) bool { return mentions(c, o, f.Table()) }) {
			return
		}
		out = append(out, restriction{f.Table(), f.Name(), op, len(others)})
	}
	add(value, with)
	if len(with) == 1 && op != "in" {
		add(with[0], []sql.Expression{value})
	}
	return out
}

func mentions(c *sql.Context, e sql.Expression, table string) (found bool) {
	sql.Inspect(c, e, func(_ *sql.Context, e sql.Expression) bool {
		f, ok := e.(*expression.GetField)
		found = found || ok && strings.EqualFold(f.Table(), table)
		return !found
	})
	return found
}

// complete fills in what depends on the whole block.
func (b *explainBlock) complete(list []*access) {
	for _, e := range b.conds {
		b.limits = append(b.limits, limitsOf(b.e.c, e)...)
	}
	for i, a := range list {
		if a.reads == nil || a.reads.of.narrow != nil {
			continue
		}
		a.possible = b.usable(a.reads)
		b.look(a, list[i+1:])
	}
}

// usable are the indexes whose first column is limited, and the one that is used by what it compares.
func (b *explainBlock) usable(r *reading) (names []string) {
	limited := map[int]bool{}
	for _, l := range b.limits {
		if strings.EqualFold(l.table, r.alias) {
			if i := r.of.schema.IndexOfColName(strings.ToLower(l.column)); i >= 0 {
				limited[i] = true
			}
		}
	}
	if r.index != nil {
		for _, p := range r.index.ix().Parts[:min(r.parts, len(r.index.ix().Parts))] {
			limited[p.Column] = true
		}
	}
	list, err := r.of.GetIndexes(b.e.c)
	if err != nil {
		return nil
	}
	for _, ix := range list {
		if x, ok := ix.(*index); ok && len(x.ix().Parts) > 0 && limited[x.ix().Parts[0].Column] {
			names = append(names, x.ID())
		}
	}
	return names
}

// covers reports whether the index has all columns that are read: its own, whole, and those of the primary key.
func (r *reading) covers() bool {
	if r.index == nil || r.needed == nil {
		return false
	}
	has := map[string]bool{}
	for _, p := range r.index.ix().Parts {
		if p.Prefix == 0 {
			has[strings.ToLower(r.of.schema[p.Column].Name)] = true
		}
	}
	for _, i := range r.of.m.PK {
		has[strings.ToLower(r.of.schema[i].Name)] = true
	}
	return !slices.ContainsFunc(r.needed, func(name string) bool { return !has[strings.ToLower(name)] })
}

// primary reports whether the access reads the clustered index.
func (r *reading) primary() bool { return r.index != nil && strings.EqualFold(r.index.ID(), "PRIMARY") }

// look says where the conditions of a table are looked at, and how many rows pass those that the access has not used. What is compared with a table
// that is read later is looked at there.
func (b *explainBlock) look(a *access, later []*access) {
	r := a.reads
	used, inIndex := map[string]bool{}, map[string]bool{}
	if r.index != nil {
		for i, p := range r.index.ix().Parts {
			name := strings.ToLower(r.of.schema[p.Column].Name)
			used[name] = i < r.parts
			inIndex[name] = true
		}
	}
	covers := r.covers()
	left, beyond, share := false, false, 1.0
	for _, e := range b.conds {
		if !mentions(b.e.c, e, r.alias) || slices.ContainsFunc(later, func(l *access) bool { return mentions(b.e.c, e, l.table) }) {
			continue
		}
		fields := 0
		done, within := true, true
		sql.Inspect(b.e.c, e, func(_ *sql.Context, e sql.Expression) bool {
			if f, ok := e.(*expression.GetField); ok && strings.EqualFold(f.Table(), r.alias) {
				name := strings.ToLower(f.Name())
				done, within = done && used[name], within && inIndex[name]
				fields++
			}
			return true
		})
		if done && a.kind != "ALL" && a.kind != "index" {
			if a.kind == "range" {
				a.inIndex = append(a.inIndex, e)
			}
			continue
		}
		left, beyond = true, beyond || !within
		if within {
			a.inIndex = append(a.inIndex, e)
		} else {
			a.where = append(a.where, e)
		}
		share *= b.share(r, e)
	}
	a.filtered = math.Round(10000*math.Max(share, 0.0005)) / 100
	var extra []string
	reads := a.block != "UPDATE" && a.block != "DELETE" // those look at rows, not at entries
	switch {
	case a.kind == "range" && !r.primary() && !covers && reads:
		extra = append(extra, "Using index condition")
		if left && beyond {
			extra = append(extra, "Using where")
		}
	case a.kind == "ref" && left && !beyond && !covers && reads:
		extra = append(extra, "Using index condition")
	case a.kind == "range" || left && a.kind != "const":
		extra = append(extra, "Using where")
	}
	if covers {
		extra = append(extra, "Using index")
	}
	if !slices.Contains(extra, "Using index condition") {
		a.where, a.inIndex = append(a.inIndex, a.where...), nil
	}
	a.extra = append(extra, slices.DeleteFunc(a.extra, func(s string) bool { return s == "Using where" })...)
}

// share is MySQL's guess of how many rows pass a condition that no index tells of (COND_FILTER_*): a tenth for =, a third for < and the like, a ninth
// for BETWEEN and LIKE, and no less than one row.
func (b *explainBlock) share(r *reading, e sql.Expression) float64 {
	rows, _, err := r.of.RowCount(b.e.c)
	if err != nil || rows == 0 {
		rows = 1
	}
	guess := func(f float64) float64 { return math.Min(1, math.Max(f, 1/float64(rows))) }
	switch x := item.Plain(e).(type) {
	case *expression.Or:
		l, r := b.share(r, x.LeftChild), b.share(r, x.RightChild)
		return l + r - l*r
	case *expression.And:
		return b.share(r, x.LeftChild) * b.share(r, x.RightChild)
	case *expression.Not:
		return math.Max(0, 1-b.share(r, x.Child))
	}
	for _, l := range limitsOf(b.e.c, e) {
		if !strings.EqualFold(l.table, r.alias) {
			continue
		}
		switch l.op {
		case "=", "<=>", "null":
			return guess(0.1)
		case "in":
			return math.Min(0.5, float64(l.values)*guess(0.1))
		case "between":
			return guess(1.0 / 9)
		}
		return guess(1.0 / 3)
	}
	if strings.Contains(strings.ToLower(e.String()), " like ") {
		return guess(1.0 / 9)
	}
	return 1
}
