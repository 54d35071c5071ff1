package diff

import (
	"fmt"
	"slices"
)

// alter is a DDL statement; the model follows it at once.
func (g *gen) alter() *Node {
	r := g.rng
	t := g.tables[r.IntN(len(g.tables))]
	head := "ALTER TABLE " + t.name
	switch r.IntN(14) {
	case 0, 1, 2:
		c := g.newColumn(t.newName("c"))
		at := len(t.columns)
		where := cat()
		if r.IntN(4) == 0 {
			where, at = cat(" FIRST"), 0
		}
		t.insertColumn(at, c)
		return cat(head+" ADD COLUMN ", c.definition(), where)
	case 3, 4:
		c := r.IntN(len(t.columns))
		if len(t.columns) < 3 || t.used(c) {
			return nil
		}
		name := t.columns[c].name
		t.removeColumn(c)
		return cat(head + " DROP COLUMN `" + name + "`")
	case 5:
		c := r.IntN(len(t.columns))
		computed := slices.ContainsFunc(t.columns, func(c column) bool { return c.computed != nil }) // their expressions would have the old name
		if t.used(c) && !slices.Contains(t.primary, c) || len(t.checks) > 0 || t.foreign != "" || t.refs > 0 || computed {
			return nil
		}
		old := t.columns[c].name
		t.columns[c].name = t.newName("r")
		return cat(head + " RENAME COLUMN `" + old + "` TO `" + t.columns[c].name + "`")
	case 6, 7:
		c := r.IntN(len(t.columns))
		if t.used(c) || t.columns[c].computed != nil {
			return nil
		}
		n := g.newColumn(t.columns[c].name)
		if n.typ.family == year && t.columns[c].typ.family.temporal() {
			return nil // of a time's number in MySQL (Copy_field::get_copy_func), of its year in MariaDB
		}
		was := t.columns[c].typ
		if was.family.numeric() && (n.typ.family == enum || n.typ.family == set && was.family != integer) {
			return nil // of a number's text in MySQL (do_field_string), where '0' is the empty member and '1.5' none, of an integer in MariaDB
		}
		t.columns[c] = n
		change := cat(head+" MODIFY COLUMN ", n.definition())
		if was.family == text && n.typ.family == text && was.collation != n.typ.collation { // rows are copied for it in MySQL 8.0 (Field_str::is_equal)
			return change.asked(func(k []*Node) *Node { return cat(joined(k), ", ALGORITHM=COPY") })
		}
		return change
	case 8, 9:
		ix, ok := g.newIndex(t)
		if !ok {
			return nil
		}
		parts := t.parts(ix)
		t.indexes = append(t.indexes, ix)
		if ix.unique {
			return cat(head+" ADD UNIQUE KEY "+ix.name+" (", parts, ")")
		}
		return cat("CREATE INDEX "+ix.name+" ON "+t.name+" (", parts, ")")
	case 10:
		if len(t.indexes) == 0 {
			return nil
		}
		i := r.IntN(len(t.indexes))
		name := t.indexes[i].name
		t.indexes = slices.Delete(t.indexes, i, i+1)
		return cat(head + " DROP INDEX " + name)
	case 11:
		c := r.IntN(len(t.columns))
		col := &t.columns[c]
		if col.computed != nil || col.auto || col.typ.long || col.typ.family == bit {
			return nil
		}
		if col.def != nil {
			col.def = nil
			return cat(head + " ALTER COLUMN `" + col.name + "` DROP DEFAULT")
		}
		wild := g.wild
		g.wild = false
		col.def = g.literal(col.typ)
		g.wild = wild
		return cat(head+" ALTER COLUMN `"+col.name+"` SET DEFAULT ", col.def)
	case 12:
		return cat("TRUNCATE TABLE " + t.name)
	}
	return nil
}

func (t *tableModel) insertColumn(at int, c column) {
	t.columns = slices.Insert(t.columns, at, c)
	t.renumber(func(i int) int {
		if i >= at {
			return i + 1
		}
		return i
	})
}

func (t *tableModel) removeColumn(at int) {
	t.columns = slices.Delete(t.columns, at, at+1)
	t.renumber(func(i int) int {
		if i > at {
			return i - 1
		}
		return i
	})
}

func (t *tableModel) renumber(to func(int) int) {
	for i := range t.primary {
		t.primary[i] = to(t.primary[i])
	}
	for _, ix := range t.indexes {
		for i := range ix.columns {
			ix.columns[i] = to(ix.columns[i])
		}
	}
}

// child makes a table that refers to one that is there.
func (g *gen) child(name string) *Node {
	p := g.keyed()
	if p == nil || len(p.primary) != 1 || p.parted {
		return nil
	}
	r := g.rng
	key := p.columns[p.primary[0]]
	t := &tableModel{name: name, owner: -1}
	t.columns = append(t.columns, column{name: "id", typ: integers[5], notNull: true}, column{name: "p", typ: key.typ, notNull: r.IntN(3) == 0})
	t.primary = []int{0}
	for range 1 + r.IntN(2) {
		t.columns = append(t.columns, g.newColumn(t.newName("c")))
	}
	rule := []string{"", " ON DELETE CASCADE", " ON DELETE CASCADE ON UPDATE CASCADE", " ON UPDATE CASCADE", " ON DELETE RESTRICT"}[r.IntN(5)]
	if !t.columns[1].notNull && r.IntN(3) == 0 {
		rule = " ON DELETE SET NULL"
	}
	t.foreign = fmt.Sprintf("KEY kp (p), CONSTRAINT %s_fk FOREIGN KEY (p) REFERENCES %s (`%s`)%s", name, p.name, key.name, rule)
	p.refs++
	node := g.createTable(t)
	g.tables = append(g.tables, t)
	return node
}
