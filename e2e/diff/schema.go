package diff

import (
	"fmt"
	"regexp"
	"slices"
)

// column and tableModel are the generator's idea of the schema, right as long as every DDL statement succeeds.
type column struct {
	name     string
	typ      sqlType
	notNull  bool
	def      *Node
	auto     bool
	computed *Node // a generated column's expression
	stored   bool
}

type index struct {
	name    string
	unique  bool
	columns []int
	prefix  []int // by part, 0 for the whole
	desc    []bool
}

type tableModel struct {
	name    string
	columns []column
	primary []int // columns of the primary key, none for a table without
	indexes []index
	checks  []*Node
	foreign string // the rest of a FOREIGN KEY clause
	refs    int    // tables that refer to this one
	serial  int    // for names
	parted  bool   // by its key: no table refers to it, no other index is unique
	owner   int    // session whose open transaction has written here or locked rows, -1 for none
}

func (t *tableModel) newName(prefix string) string {
	t.serial++
	return fmt.Sprintf("%s%d", prefix, t.serial)
}

// used reports whether an index, the key or a clause of the table needs the column.
func (t *tableModel) used(c int) bool {
	if slices.Contains(t.primary, c) || t.columns[c].auto || len(t.checks) > 0 || t.foreign != "" || t.refs > 0 {
		return true
	}
	for _, col := range t.columns {
		if col.computed != nil {
			return true
		}
	}
	return slices.ContainsFunc(t.indexes, func(x index) bool { return slices.Contains(x.columns, c) })
}

func (g *gen) newColumn(name string) column {
	c := column{name: name, typ: g.newType()}
	c.notNull = g.rng.IntN(5) == 0
	if g.rng.IntN(4) == 0 && !c.typ.long && c.typ.family != bytesType && c.typ.family != bit && c.typ.family != double {
		wild := g.wild
		g.wild = false
		c.def = g.literal(c.typ)
		g.wild = wild
	}
	return c
}

func (c *column) definition() *Node {
	n := cat("`"+c.name+"` ", c.typ.sql)
	if c.computed != nil {
		how := " VIRTUAL"
		if c.stored {
			how = " STORED"
		}
		return cat(n, " AS (", c.computed, ")", how)
	}
	if c.notNull {
		n = cat(n, " NOT NULL")
	} else {
		n = cat(n, " NULL")
	}
	switch {
	case c.auto:
		n = cat(n, " AUTO_INCREMENT")
	case c.def != nil:
		n = cat(n, opt(" DEFAULT ", c.def))
	case !c.notNull:
		n = cat(n, " DEFAULT NULL")
	}
	return n
}

// newTable makes a table and the statement that creates it.
// comparesTexts matches two literals that are compared with each other.
var comparesTexts = regexp.MustCompile(`'[^']*' (=|<>|<=>|<|>|<=|>=|LIKE|BETWEEN|IN|NOT) \(?'`)

func (g *gen) newTable(name string) (*tableModel, *Node) {
	r := g.rng
	t := &tableModel{name: name, owner: -1}
	key := r.IntN(10)
	switch {
	case key < 5:
		c := column{name: "id", typ: integers[5], notNull: true, auto: r.IntN(3) == 0}
		t.columns, t.primary = append(t.columns, c), []int{0}
	case key < 6:
		c := column{name: "id", typ: sqlType{family: text, sql: "VARCHAR(20)", length: 20, collation: g.collation}, notNull: true}
		t.columns, t.primary = append(t.columns, c), []int{0}
	case key < 8:
		for i := range 2 {
			c := column{name: fmt.Sprintf("k%d", i), typ: g.keyType(), notNull: true}
			t.columns, t.primary = append(t.columns, c), append(t.primary, i)
		}
	case key < 9:
		c := column{name: "id", typ: g.keyType(), notNull: true}
		t.columns, t.primary = append(t.columns, c), []int{0}
	}
	for range 2 + r.IntN(5) {
		t.columns = append(t.columns, g.newColumn(t.newName("c")))
	}
	if r.IntN(8) == 0 {
		sc := &scope{}
		for i, c := range g.plain(t, "") {
			if !t.columns[i].auto { // 3109
				sc.cols = append(sc.cols, c)
			}
		}
		e := g.simpleNum(sc)
		t.columns = append(t.columns, column{name: t.newName("c"), typ: integers[9], computed: e, stored: r.IntN(2) == 0})
	}
	for range r.IntN(4) {
		if ix, ok := g.newIndex(t); ok {
			t.indexes = append(t.indexes, ix)
		}
	}
	if r.IntN(10) == 0 {
		sc := &scope{cols: g.plain(t, "")}
		// The literals of a CHECK have the default collation of their character set in MySQL 8.0, which keeps them as _utf8mb4'...', the connection's in MariaDB.
		if check := g.comparison(sc, 0); !comparesTexts.MatchString(check.String()) {
			t.checks = append(t.checks, check)
		}
	}
	return t, g.createTable(t)
}

func (g *gen) keyType() sqlType {
	for {
		if t := g.newType(); !t.long && t.family != bit && t.family != set && t.family != double {
			return t
		}
	}
}

func (g *gen) newIndex(t *tableModel) (index, bool) {
	r := g.rng
	ix := index{name: t.newName("i"), unique: r.IntN(4) == 0 && !t.parted}
	for range 1 + r.IntN(3) {
		c := r.IntN(len(t.columns))
		col := &t.columns[c]
		if slices.Contains(ix.columns, c) || col.computed != nil && !col.stored {
			continue
		}
		prefix := 0
		if col.typ.long || col.typ.family == text && r.IntN(6) == 0 {
			if prefix = 1 + r.IntN(3); prefix == col.typ.length {
				prefix = 0 // the same index for MariaDB
			}
		}
		ix.columns, ix.prefix, ix.desc = append(ix.columns, c), append(ix.prefix, prefix), append(ix.desc, r.IntN(6) == 0)
	}
	return ix, len(ix.columns) > 0
}

func (t *tableModel) parts(ix index) *Node {
	var parts []*Node
	for i, c := range ix.columns {
		s := "`" + t.columns[c].name + "`"
		if ix.prefix[i] > 0 {
			s += fmt.Sprintf("(%d)", ix.prefix[i])
		}
		if ix.desc[i] {
			s += " DESC"
		}
		parts = append(parts, cat(s))
	}
	return list(",", 1, parts...)
}

func (t *tableModel) keyList() string {
	s := ""
	for i, c := range t.primary {
		if i > 0 {
			s += ","
		}
		s += "`" + t.columns[c].name + "`"
	}
	return s
}

func (g *gen) createTable(t *tableModel) *Node {
	var items []*Node
	for i := range t.columns {
		items = append(items, t.columns[i].definition())
	}
	if len(t.primary) > 0 {
		items = append(items, cat("PRIMARY KEY ("+t.keyList()+")"))
	}
	for _, ix := range t.indexes {
		kind := "KEY "
		if ix.unique {
			kind = "UNIQUE KEY "
		}
		items = append(items, opt(kind+ix.name+" (", t.parts(ix), ")"))
	}
	for i, c := range t.checks {
		items = append(items, opt(fmt.Sprintf("CONSTRAINT %s_ck%d CHECK (", t.name, i), c, ")"))
	}
	if t.foreign != "" {
		items = append(items, cat(t.foreign))
	}
	node := cat("CREATE TABLE "+t.name+" (", list(", ", 1, items...), ") DEFAULT CHARSET=utf8mb4 COLLATE="+g.collation)
	if g.chance(weightPartition) {
		if p := g.partitions(t); p != nil {
			t.parted = true
			node = cat(node, p)
		}
	}
	return node
}
