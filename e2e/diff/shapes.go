package diff

import (
	"fmt"
	"strings"
)

// Shapes of queries beyond those of query.go and wide.go, each behind a weight there.

// grouping is a query of groups by one column whose values tell groups apart as they are written, and its columns.
func (g *gen) grouping(s source, names string) (*Node, []ref) {
	sc := &scope{cols: s.cols}
	c := g.pick(sc, func(t sqlType) bool { return t.family == integer || t.family == date || t.family == decimal })
	if c == nil {
		return nil, nil
	}
	items := []*Node{cat(c.name + " AS " + names + "0")}
	cols := []ref{{names + "0", c.typ}}
	for i := range 1 + g.rng.IntN(2) {
		name := fmt.Sprintf("%s%d", names, i+1)
		items = append(items, cat(g.aggregate(timeless(sc.cols), false), " AS "+name))
		cols = append(cols, ref{name, sqlType{family: decimal}})
	}
	return cat("SELECT ", fixed(", ", items...), " FROM ", s.node(), g.where(sc, []source{s}), " GROUP BY "+c.name, opt(" HAVING COUNT(*) > 0")), cols
}

// shaped is a query of one of these shapes.
func (g *gen) shaped() query {
	r := g.rng
	t := g.tables[r.IntN(len(g.tables))]
	s := g.tableSource(t)
	sc := &scope{cols: s.cols}
	switch r.IntN(9) {
	case 0: // groups in their order
		if q, _ := g.grouping(s, "x"); q != nil {
			return query{node: cat(q, " ORDER BY x0", []string{"", " DESC"}[r.IntN(2)], opt(fmt.Sprintf(" LIMIT %d", 1+r.IntN(3)))), ordered: true}
		}
	case 1: // a derived table of groups beside a table
		if q, cols := g.grouping(s, "e"); q != nil {
			d := g.alias()
			for i := range cols {
				cols[i].name = d + "." + cols[i].name
			}
			b := g.tableSource(g.tables[r.IntN(len(g.tables))])
			both := &scope{cols: append(append([]ref{}, cols...), b.cols...)}
			return query{node: cat("SELECT ", g.items(both), " FROM (", q, ") AS "+d, []string{" JOIN ", " LEFT JOIN "}[r.IntN(2)], b.node(), " ON ", g.joinCond(cols, b.cols, both), opt(" WHERE ", g.cond(both, 1)))}
		}
	case 2: // the first rows of a table
		if len(s.key) > 0 {
			inner := cat("(SELECT "+s.alias+".* FROM ", s.node(), opt(" WHERE ", g.cond(sc, 1)), " ORDER BY "+strings.Join(s.key, ", "), fmt.Sprintf(" LIMIT %d) AS %s", 1+r.IntN(4), s.alias))
			return query{node: cat("SELECT ", g.items(sc), " FROM ", inner, opt(" WHERE ", g.cond(sc, 1)))}
		}
	case 3: // ANY and ALL
		u := g.tableSource(g.tables[r.IntN(len(g.tables))])
		number := func(t sqlType) bool { return t.family == integer || t.family == decimal }
		a, b := g.pick(sc, number), g.pick(&scope{cols: u.cols}, number)
		if a != nil && b != nil {
			inner := &scope{cols: append(append([]ref{}, u.cols...), s.cols...)}
			cond := expr("(", column1(a), []string{" > ", " >= ", " < ", " <= ", " = ", " <> "}[r.IntN(6)], []string{"ANY", "ALL", "SOME"}[r.IntN(3)], " (SELECT ", listed(b), " FROM ", u.node(), opt(" WHERE ", g.cond(inner, 1)), "))")
			return query{node: cat("SELECT ", g.items(sc), " FROM ", s.node(), " WHERE ", []string{"", "NOT "}[r.IntN(2)], cond)}
		}
	case 4: // a scalar of the first row, of no BIT: bytes in MySQL 8.0 (Item_cache_bit), a number in MariaDB
		u := g.tableSource(g.tables[r.IntN(len(g.tables))])
		if len(u.key) > 0 {
			inner := &scope{cols: append(append([]ref{}, u.cols...), s.cols...)}
			scalar := expr("(SELECT ", column1(g.pick(&scope{cols: u.cols}, func(t sqlType) bool { return t.family != bit })), " FROM ", u.node(), opt(" WHERE ", g.cond(inner, 1)), " ORDER BY "+strings.Join(u.key, ", "), " LIMIT 1)")
			return query{node: cat("SELECT ", g.item(sc, 0), ", ", scalar, " AS x1 FROM ", s.node(), g.where(sc, []source{s}))}
		}
	case 5: // USING
		for _, u := range g.tables {
			if u == t || len(t.primary) == 0 || len(u.primary) == 0 {
				continue
			}
			a, b := &t.columns[t.primary[0]], &u.columns[u.primary[0]]
			if a.name == b.name && a.typ.family == b.typ.family && a.typ.collation == b.typ.collation {
				o := g.tableSource(u)
				both := &scope{cols: append(append([]ref{}, s.cols...), o.cols...)}
				return query{node: cat("SELECT `"+a.name+"` AS k, ", g.items(both), " FROM ", s.node(), []string{" JOIN ", " LEFT JOIN ", " RIGHT JOIN "}[r.IntN(3)], o.node(), " USING (`"+a.name+"`)", opt(" WHERE ", g.cond(both, 1))), fold: a.typ.family == text}
			}
		}
	case 6: // a union in an order, and one in FROM
		half := func() *Node {
			h := g.tableSource(g.tables[r.IntN(len(g.tables))])
			hs := &scope{cols: h.cols}
			c := g.pick(hs, func(t sqlType) bool { return t.family == integer })
			if c == nil {
				return cat("SELECT ", g.number(), " AS x0, 1 AS x1")
			}
			return cat("SELECT "+c.name+" AS x0, ", g.number(), " AS x1 FROM ", h.node(), g.where(hs, []source{h}))
		}
		union := cat(half(), []string{" UNION ", " UNION ALL "}[r.IntN(2)], half(), opt(" UNION ", half()))
		if r.IntN(2) == 0 {
			return query{node: cat("(", union, ") ORDER BY x0", []string{"", " DESC"}[r.IntN(2)], ", x1", opt(fmt.Sprintf(" LIMIT %d", 1+r.IntN(4)))), ordered: true}
		}
		us := &scope{cols: []ref{{"u.x0", integers[9]}, {"u.x1", integers[9]}}}
		return query{node: cat("SELECT x1, ", g.aggregate(us, false), " AS a FROM (", union, ") AS u", opt(" WHERE ", g.cond(us, 1)), " GROUP BY x1 ORDER BY x1"), ordered: true}
	case 7: // windows over groups
		if q, _ := g.grouping(s, "x"); q != nil {
			return query{node: cat("SELECT x0, SUM(x1) OVER (ORDER BY x0) AS w0, RANK() OVER (ORDER BY x1, x0) AS w1 FROM (", q, ") AS w ORDER BY x0"), ordered: true}
		}
	case 8: // several keys counted
		a := g.pick(sc, func(t sqlType) bool { return t.family != bit })
		if b := g.pick(sc, isNumeric); a != nil && b != nil {
			return query{node: cat("SELECT COUNT(DISTINCT ", column1(a), ", ", g.num(sc, 1), ") AS x0, GROUP_CONCAT(DISTINCT ", b.name, " ORDER BY ", b.name, " DESC) AS x1 FROM ", s.node(), g.where(sc, []source{s}))}
		}
	}
	return g.plainSelect("")
}
