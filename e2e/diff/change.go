package diff

import (
	"fmt"
	"slices"
	"strings"
)

// writable is the columns that INSERT and UPDATE may name.
func (t *tableModel) writable() []int {
	var out []int
	for i := range t.columns {
		if t.columns[i].computed == nil {
			out = append(out, i)
		}
	}
	return out
}

// insertColumns picks the columns of an INSERT; those that have no default are always among them, unless the seed wants an error.
func (g *gen) insertColumns(t *tableModel) []int {
	var out []int
	for _, i := range t.writable() {
		c := &t.columns[i]
		must := c.notNull && c.def == nil && !c.auto
		if must && !(g.wild && g.rng.IntN(20) == 0) || g.rng.IntN(6) > 0 && !(c.auto && g.rng.IntN(2) == 0) {
			out = append(out, i)
		}
	}
	if len(out) == 0 {
		out = t.writable()
	}
	return out
}

func (t *tableModel) names(cols []int) string {
	s := make([]string, len(cols))
	for i, c := range cols {
		s[i] = "`" + t.columns[c].name + "`"
	}
	return strings.Join(s, ",")
}

// now reports whether NULL is the current time in the column: MariaDB's rule for now, and never the same on two servers.
func (c *column) now() bool { return c.notNull && strings.HasPrefix(c.typ.sql, "TIMESTAMP") }

// value is what a row is given for a column.
func (g *gen) value(c *column) *Node {
	r := g.rng
	switch {
	case c.auto && r.IntN(3) == 0:
		return lit([]string{"NULL", "0"}[r.IntN(2)], nil)
	case r.IntN(8) == 0 && (!c.notNull || g.wild && r.IntN(8) == 0 && !c.now()):
		return lit("NULL", nil)
	case r.IntN(30) == 0 && (c.def != nil || !c.notNull):
		return cat("DEFAULT")
	case r.IntN(20) == 0 && c.typ.family == integer:
		return expr("(", g.number(), " + ", g.number(), ")")
	}
	return g.literal(c.typ)
}

func (g *gen) rows(t *tableModel, cols []int, n int) *Node {
	var rows []*Node
	for range n {
		var vals []*Node
		for _, c := range cols {
			vals = append(vals, g.value(&t.columns[c]))
		}
		rows = append(rows, cat("(", fixed(", ", vals...), ")"))
	}
	return list(", ", 1, rows...)
}

// insert is INSERT or REPLACE in one of their forms, and the tables that it reads.
func (g *gen) insert(t *tableModel) (*Node, []*tableModel) {
	r := g.rng
	cols := g.insertColumns(t)
	verb := "INSERT INTO "
	duplicate := cat()
	switch p := r.IntN(20); {
	case p < 4:
		verb = "INSERT IGNORE INTO "
	case p < 7:
		verb = "REPLACE INTO "
	case p < 12:
		duplicate = g.onDuplicate(t)
	}
	head := cat(verb + t.name + " (" + t.names(cols) + ")")
	if r.IntN(6) == 0 {
		// A query that fixes the order of rows, so that automatic values and the first duplicate are the same.
		if src := g.keyed(); src != nil {
			s := g.tableSource(src)
			sc := &scope{cols: s.cols}
			var items []*Node
			for _, c := range cols {
				want := &t.columns[c].typ
				if t.columns[c].now() {
					items = append(items, g.value(&t.columns[c]))
				} else if f := g.pick(sc, func(x sqlType) bool { return x.family == want.family }); f != nil && r.IntN(4) > 0 {
					items = append(items, column1(f))
				} else {
					items = append(items, g.value(&column{typ: *want, notNull: t.columns[c].notNull}))
				}
			}
			return cat(head, " SELECT ", fixed(", ", items...), " FROM ", s.node(), g.where(sc, []source{s}), " ORDER BY "+strings.Join(s.key, ", "), duplicate), []*tableModel{src}
		}
	}
	if r.IntN(10) == 0 && verb != "REPLACE INTO " {
		var sets []*Node
		for _, c := range cols {
			sets = append(sets, cat("`"+t.columns[c].name+"` = ", g.value(&t.columns[c])))
		}
		return cat(verb+t.name+" SET ", list(", ", 1, sets...), duplicate), nil
	}
	return cat(head, " VALUES ", g.rows(t, cols, 1+r.IntN(4)), duplicate), nil
}

// keyed is a table with a primary key.
func (g *gen) keyed() *tableModel {
	for range 4 {
		if t := g.tables[g.rng.IntN(len(g.tables))]; len(t.primary) > 0 {
			return t
		}
	}
	return nil
}

func (g *gen) onDuplicate(t *tableModel) *Node {
	var sets []*Node
	w := t.writable()
	var named []int // once: VALUES(c) of a TEXT that the list has already changed is something else in MariaDB
	for range 1 + g.rng.IntN(2) {
		c := w[g.rng.IntN(len(w))]
		if slices.Contains(named, c) {
			continue
		}
		named = append(named, c)
		col := &t.columns[c]
		name := "`" + col.name + "`"
		var v *Node
		switch {
		case g.rng.IntN(2) == 0:
			v = expr("VALUES(" + name + ")")
		case col.typ.family.numeric() && g.rng.IntN(2) == 0:
			v = expr(name, " + ", lit("1", int64(1)))
		default:
			v = g.value(col)
		}
		sets = append(sets, cat(name+" = ", v))
	}
	return opt(" ON DUPLICATE KEY UPDATE ", list(", ", 1, sets...))
}

// unique reports whether an update of the column can run into a duplicate, so that the order of rows matters.
func (t *tableModel) unique(c int) bool {
	return slices.Contains(t.primary, c) || slices.ContainsFunc(t.indexes, func(ix index) bool { return ix.unique && slices.Contains(ix.columns, c) })
}

// update is a single-table UPDATE. One that can meet duplicates goes in key order, or touches one row.
func (g *gen) update(t *tableModel) *Node {
	r := g.rng
	s := source{table: t, cols: g.plain(t, "")}
	for _, c := range t.primary {
		s.key = append(s.key, "`"+t.columns[c].name+"`")
	}
	sc := &scope{cols: s.cols}
	w := t.writable()
	var sets []*Node
	ordered := r.IntN(8) == 0
	var named []int
	for range 1 + r.IntN(3) {
		c := w[r.IntN(len(w))]
		if slices.Contains(named, c) || t.unique(c) && len(s.key) == 0 {
			continue
		}
		named = append(named, c)
		ordered = ordered || t.unique(c)
		col := &t.columns[c]
		var v *Node
		switch u := g.tables[r.IntN(len(g.tables))]; {
		case u != t && u.owner < 0 && len(g.open) == 1 && (col.typ.family == integer || col.typ.family == decimal) && g.chance(weightAssign):
			from := g.tableSource(u)
			of := timeless(from.cols)
			v = expr("(SELECT ", g.aggregate(of, false), " FROM ", from.node(), opt(" WHERE ", g.cond(&scope{cols: from.cols}, 1)), ")")
		case r.IntN(3) > 0:
			v = g.value(&column{typ: col.typ, notNull: col.notNull, def: col.def})
		case col.typ.family == integer || col.typ.family == decimal:
			v = g.num(sc, 1)
		case col.typ.family == text:
			v = g.str(sc, 1)
		case col.typ.family.temporal() && !col.now():
			v = g.tmp(sc, 1)
		default:
			v = g.value(&column{typ: col.typ, notNull: col.notNull, def: col.def})
		}
		sets = append(sets, cat("`"+col.name+"` = ", v))
	}
	if len(sets) == 0 {
		return nil
	}
	node := cat("UPDATE ", opt([]string{"", "", "", "IGNORE "}[r.IntN(4)]), t.name+" SET ", list(", ", 1, sets...), g.where(sc, []source{s}))
	if ordered && len(s.key) > 0 {
		node = cat(node, s.ordered(", "))
		if r.IntN(3) == 0 {
			node = cat(node, opt(fmt.Sprintf(" LIMIT %d", 1+r.IntN(3))))
		}
	}
	return node
}

// ordered is ORDER BY the key. MariaDB finds no rows by the index of a table whose partitions the statement before has all left out, so it is to sort them: such a
// table's key is one column.
func (s *source) ordered(sep string) *Node {
	order := cat(" ORDER BY " + strings.Join(s.key, sep))
	if s.table.parted {
		return order.asked(func([]*Node) *Node { return cat(" ORDER BY " + s.key[0] + " + 0") })
	}
	return order
}

func (g *gen) delete(t *tableModel) *Node {
	r := g.rng
	s := source{table: t, cols: g.plain(t, "")}
	for _, c := range t.primary {
		s.key = append(s.key, "`"+t.columns[c].name+"`")
	}
	sc := &scope{cols: s.cols}
	w := g.where(sc, []source{s})
	if w == nil {
		w = opt(" WHERE ", g.cond(sc, 1))
	}
	node := cat("DELETE FROM "+t.name, w)
	if len(s.key) > 0 && r.IntN(4) == 0 {
		node = cat(node, s.ordered(" DESC, "), opt(fmt.Sprintf(" LIMIT %d", 1+r.IntN(3))))
	}
	return node
}

// multi is an UPDATE or DELETE of one table by a join with another that cannot match a row twice with different values.
func (g *gen) multi(t *tableModel) (*Node, []*tableModel) {
	r := g.rng
	u := g.keyed()
	if u == nil || u == t || len(u.primary) != 1 {
		return nil, nil
	}
	g.aliases = 0
	a, b := g.tableSource(t), g.tableSource(u)
	key := u.columns[u.primary[0]].typ
	c := g.pick(&scope{cols: a.cols}, func(x sqlType) bool { return x.family == key.family && x.collation == key.collation })
	if c == nil {
		return nil, nil
	}
	both := &scope{cols: append(slices.Clone(a.cols), b.cols...)}
	join := cat(a.node(), " JOIN ", b.node(), " ON "+c.name+" = "+b.key[0])
	where := opt(" WHERE ", g.cond(both, 1))
	if r.IntN(2) == 0 {
		return cat("DELETE "+a.alias+" FROM ", join, where), []*tableModel{u}
	}
	for _, i := range t.writable() {
		col := &t.columns[i]
		if t.unique(i) || !col.typ.family.numeric() && col.typ.family != text {
			continue
		}
		if f := g.pick(&scope{cols: b.cols}, func(x sqlType) bool { return x.family == col.typ.family }); f != nil {
			return cat("UPDATE ", join, " SET "+a.alias+".`"+col.name+"` = ", column1(f), where), []*tableModel{u}
		}
	}
	return nil, nil
}
