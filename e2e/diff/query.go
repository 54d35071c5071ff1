package diff

import (
	"fmt"
	"slices"
	"strings"
)

// source is one table of a FROM clause.
type source struct {
	alias string
	table *tableModel // nil for a derived table
	cols  []ref
	key   []string // columns that are unique and in any order total, none if there is no key
}

func (g *gen) alias() string { g.aliases++; return fmt.Sprintf("a%d", g.aliases) }

func (g *gen) tableSource(t *tableModel) source {
	a := g.alias()
	s := source{alias: a, table: t, cols: g.plain(t, a)}
	for _, c := range t.primary {
		s.key = append(s.key, a+".`"+t.columns[c].name+"`")
	}
	return s
}

// viewed reports whether it is a view or a derived table: MariaDB makes a number of its BIT where rows are grouped or made distinct.
func (s source) viewed() bool { return s.table == nil }

func (s *source) node() *Node { return cat(s.table.name + " AS " + s.alias) }

// from makes a FROM clause and the scope of what is selected from it.
func (g *gen) from(outer *scope, most int) (*Node, []source, *scope) {
	r := g.rng
	n := 1
	for n < most && r.IntN(3) == 0 {
		n++
	}
	sc := &scope{}
	if outer != nil {
		sc.sub = outer.sub - 1
	}
	var sources []source
	node := cat(" FROM ")
	for i := range n {
		var s source
		var text *Node
		v, of := (*source)(nil), (*view)(nil)
		if g.chance(weightView) {
			v, of = g.viewSource()
		}
		if v != nil {
			s, text = *v, cat(of.name+" AS "+v.alias)
		} else if r.IntN(12) == 0 {
			s, text = g.derived()
		} else {
			s = g.tableSource(g.tables[r.IntN(len(g.tables))])
			text = s.node()
		}
		sources = append(sources, s)
		before := slices.Clone(sc.cols)
		sc.cols = append(sc.cols, s.cols...)
		if i == 0 {
			node = cat(node, text)
			continue
		}
		on := g.joinCond(before, s.cols, sc)
		switch r.IntN(8) {
		case 0, 1, 2:
			node = cat(node, opt(" JOIN ", text, " ON ", on))
		case 3, 4, 5:
			node = cat(node, opt(" LEFT JOIN ", text, " ON ", on))
		case 6:
			node = cat(node, opt(" RIGHT JOIN ", text, " ON ", on))
		default:
			node = cat(node, opt(" CROSS JOIN ", text))
		}
	}
	if outer != nil {
		sc.cols = append(sc.cols, outer.cols...)
	}
	return node, sources, sc
}

func (g *gen) joinCond(left, right []ref, sc *scope) *Node {
	l := &scope{cols: left}
	for range 4 {
		a := g.pick(l, func(sqlType) bool { return true })
		if a == nil {
			break
		}
		b := g.pick(&scope{cols: right}, func(t sqlType) bool {
			return t.family == a.typ.family && t.collation == a.typ.collation || t.family.numeric() && a.typ.family.numeric()
		})
		if b != nil {
			return expr("(", column1(a), " = ", column1(b), opt(" AND ", g.comparison(&scope{cols: sc.cols}, 0)), ")")
		}
	}
	return g.comparison(&scope{cols: sc.cols}, 0)
}

// derived is a subquery in FROM.
func (g *gen) derived() (source, *Node) {
	inner := g.tableSource(g.tables[g.rng.IntN(len(g.tables))])
	sc := &scope{cols: inner.cols}
	s := source{alias: g.alias()}
	var items []*Node
	for i := range 1 + g.rng.IntN(3) {
		name := fmt.Sprintf("d%d", i)
		// No BIT: MariaDB makes numbers of them where it groups a derived table.
		if c := g.pick(sc, func(t sqlType) bool { return t.family != bit }); c != nil && g.rng.IntN(3) > 0 {
			items = append(items, cat(c.name+" AS "+name))
			s.cols = append(s.cols, ref{s.alias + "." + name, c.typ})
			continue
		}
		items = append(items, cat(g.num(sc, 1), " AS "+name))
		s.cols = append(s.cols, ref{s.alias + "." + name, sqlType{family: decimal}}) // it may be a column of integers
	}
	// In MariaDB a constant stays one behind an outer join, and so does what it knows of columns that are NOT NULL, unless the derived table has rows of its own.
	whole := func(k []*Node) *Node {
		for _, item := range k[1].Kids {
			if text := item.String(); !strings.Contains(text, inner.alias+".") || strings.Contains(text, "NULL") {
				return cat(k[0], k[1], k[2], k[3], k[4], " LIMIT 1000000", k[5])
			}
		}
		return joined(k)
	}
	return s, cat("(SELECT ", fixed(", ", items...), " FROM ", inner.node(), opt(" WHERE ", g.cond(sc, 1)), ") AS "+s.alias).asked(whole)
}

// scalarSubquery has at most one row: an aggregate.
func (g *gen) scalarSubquery(outer *scope, str bool) *Node {
	from, sources, sc := g.from(outer, 1)
	// An aggregate of outer columns alone would belong to the outer query.
	of := &scope{cols: sources[0].cols}
	if !str {
		of = timeless(of.cols)
	}
	what := g.aggregate(of, str)
	if !str && strings.HasPrefix(what.String(), "GROUP_CONCAT") {
		// GREATEST and LEAST of a text and a number compare texts in MySQL 8.0, numbers in MariaDB, which shows a text plus an integer within the width of the first row's.
		what = expr("(", what, " + 0)").asked(func(k []*Node) *Node { return cat(k[0], k[1], " + 0e0)") })
	}
	query := expr("(SELECT ", what, from, opt(" WHERE ", g.cond(sc, 1)), ")")
	if strings.HasPrefix(what.String(), "BIT_") { // as a DOUBLE MariaDB's have a sign
		return query.asked(func(k []*Node) *Node { return cat("(", joined(k), " | 0)") })
	}
	return query
}

func (g *gen) subqueryCond(outer *scope) *Node {
	r := g.rng
	from, sources, sc := g.from(outer, 2)
	where := opt(" WHERE ", g.cond(sc, 1))
	if r.IntN(2) == 0 {
		return expr("(", []string{"EXISTS ", "NOT EXISTS "}[r.IntN(2)], "(SELECT 1", from, where, "))")
	}
	// No BIT: beside a constant it is a number to MySQL, a text to MariaDB's materialised lists.
	c := g.pick(&scope{cols: sources[0].cols}, func(t sqlType) bool { return t.family != bit })
	if c == nil {
		return g.comparison(outer, 0)
	}
	// Integers of the list's type or a smaller one.
	o := g.pick(outer, func(t sqlType) bool {
		return t.family == c.typ.family && t.collation == c.typ.collation && (t.lo == "0") == (c.typ.lo == "0") &&
			(len(t.hi) < len(c.typ.hi) || t.hi == c.typ.hi)
	})
	left := g.sought(c.typ)
	if o != nil {
		left = column1(o)
	}
	return expr("(", left, []string{" IN ", " IN ", " NOT IN "}[r.IntN(3)], "(SELECT ", listed(c), from, where, "))")
}

// listed is a column that a list is made of. What its type cannot hold MariaDB looks up by an index all the same, rounded, or finds to be not in the list whether
// there is a NULL or not.
func listed(c *ref) *Node {
	n := column1(c)
	if c.typ.family == integer || c.typ.family == decimal {
		return n.asked(func([]*Node) *Node { return cat("(" + c.name + " + 0.0)") })
	}
	return n
}

// aggregate is one aggregate function whose value does not depend on the order of rows. str asks for a string.
func (g *gen) aggregate(sc *scope, str bool) *Node {
	r := g.rng
	if str {
		if c := g.pick(sc, func(t sqlType) bool { return t.family == text }); c != nil {
			return expr([]string{"MIN(", "MAX("}[r.IntN(2)], column1(c), ")")
		}
	}
	exact := func() *Node {
		if c := g.pick(sc, func(t sqlType) bool { return t.family == integer || t.family == decimal }); c != nil && r.IntN(4) > 0 {
			return column1(c)
		}
		return g.number()
	}
	switch r.IntN(12) {
	case 0:
		return expr("COUNT(*)")
	case 1, 2:
		return expr("COUNT(", opt("DISTINCT "), g.num(sc, 1), ")")
	case 3, 4:
		return expr("SUM(", opt("DISTINCT "), exact(), ")")
	case 5:
		return expr("AVG(", exact(), ")")
	case 6, 7:
		return expr([]string{"MIN(", "MAX("}[r.IntN(2)], g.num(sc, 1), ")")
	case 8:
		if c := g.pick(sc, isTemporal); c != nil {
			return expr([]string{"MIN(", "MAX("}[r.IntN(2)], column1(c), ")")
		}
	case 9:
		// As a DOUBLE MariaDB's have a sign.
		return expr([]string{"BIT_AND(", "BIT_OR(", "BIT_XOR("}[r.IntN(3)], exact(), ")").asked(func(k []*Node) *Node { return cat("CAST(", joined(k), " AS UNSIGNED)") })
	case 10:
		if c := g.pick(sc, func(t sqlType) bool { return t.family == integer }); c != nil {
			return expr("GROUP_CONCAT(", opt("DISTINCT "), c.name+" ORDER BY "+c.name, opt(" DESC"), opt(" SEPARATOR '-'"), ")")
		}
	case 11:
		if c := g.pick(sc, func(t sqlType) bool { return t.family == text }); c != nil {
			return expr("COUNT(", opt("DISTINCT "), column1(c), ")")
		}
	}
	return expr("SUM(", exact(), ")")
}

// where begins, now and then, with what an index can find.
func (g *gen) where(sc *scope, sources []source) *Node {
	r := g.rng
	if r.IntN(6) == 0 {
		return nil
	}
	s := sources[0]
	if s.table != nil && len(s.key) > 0 && r.IntN(5) == 0 {
		var conds []*Node
		for i, c := range s.table.primary {
			op, typ := []string{" = ", " = ", " >= ", " < "}[r.IntN(4)], s.table.columns[c].typ
			v := g.sought(typ)
			if (op != " = " || typ.family == decimal) && numberAsText(typ, v) { // by an index of DECIMALs MariaDB looks for a text that is no number without a word
				v = untold(s.key[i], v)
			}
			conds = append(conds, expr(s.key[i], op, v))
		}
		return opt(" WHERE ", list(" AND ", 1, conds...))
	}
	return opt(" WHERE ", g.cond(sc, 2))
}

// Query is a SELECT and what is known of its answer.
type query struct {
	node    *Node
	ordered bool // the order of rows is fixed
	fold    bool // strings stand for a group under their collation
}

func (g *gen) query() query {
	g.aliases = 0
	if g.chance(weightWith) {
		return g.with()
	}
	if g.chance(weightRecursive) {
		return g.recursive()
	}
	if g.chance(weightShape) {
		return g.shaped()
	}
	switch g.rng.IntN(12) {
	case 0, 1, 2:
		return g.grouped()
	case 3:
		return g.distinct()
	case 4:
		return g.setOperation()
	case 5:
		return g.window()
	case 6:
		return g.point()
	}
	return g.plainSelect("")
}

// item is a select-list entry.
func (g *gen) item(sc *scope, i int) *Node {
	var e *Node
	switch g.rng.IntN(9) {
	case 0, 1:
		e = g.num(sc, 3)
	case 2, 3:
		e = g.str(sc, 2)
	case 4:
		e = g.tmp(sc, 2)
	case 5:
		e = g.cond(sc, 2)
	default:
		c := g.pick(sc, func(sqlType) bool { return true })
		if c == nil {
			return cat(g.num(sc, 2), fmt.Sprintf(" AS x%d", i))
		}
		e = column1(c)
	}
	return cat(e, fmt.Sprintf(" AS x%d", i))
}

func (g *gen) items(sc *scope) *Node {
	var items []*Node
	for i := range 1 + g.rng.IntN(4) {
		items = append(items, g.item(sc, i))
	}
	return list(", ", 1, items...)
}

// plainSelect returns rows as they are, in key order if all sources have keys.
func (g *gen) plainSelect(lock string) query {
	r := g.rng
	from, sources, sc := g.from(nil, 3)
	sc.sub = 2
	var what *Node
	if len(sources) == 1 && r.IntN(4) == 0 {
		what = cat("*")
	} else {
		what = g.items(sc)
	}
	node := cat("SELECT ", what, from, g.where(sc, sources))
	var key []string
	for _, s := range sources {
		if len(s.key) == 0 {
			return query{node: cat(node, lock)}
		}
		for _, k := range s.key {
			key = append(key, k+[]string{"", "", " DESC"}[r.IntN(3)])
		}
	}
	if r.IntN(3) == 0 {
		return query{node: cat(node, lock)}
	}
	order := cat()
	sc.sub = 0
	for range r.IntN(3) {
		order = cat(order, opt(g.num(sc, 1), []string{"", " DESC"}[r.IntN(2)], ", "))
	}
	if c := g.pick(sc, isText); c != nil && r.IntN(3) == 0 {
		order = cat(order, opt(column1(c), []string{"", " DESC"}[r.IntN(2)], ", "))
	}
	limit := cat()
	switch r.IntN(5) {
	case 0:
		limit = opt(fmt.Sprintf(" LIMIT %d", r.IntN(6)))
	case 1:
		limit = opt(fmt.Sprintf(" LIMIT %d OFFSET %d", r.IntN(6), r.IntN(4)))
	}
	return query{node: cat(node, " ORDER BY ", order, strings.Join(key, ", "), limit, lock), ordered: true}
}

// point is a look-up by the whole key: the statement that applications send most.
func (g *gen) point() query {
	t := g.tables[g.rng.IntN(len(g.tables))]
	if len(t.primary) == 0 {
		return g.plainSelect("")
	}
	if g.chance(weightIndexed) {
		if q := g.indexed(t); q != nil {
			return *q
		}
	}
	var conds, cols []*Node
	for _, c := range t.primary {
		name, typ := "`"+t.columns[c].name+"`", t.columns[c].typ
		v := g.sought(typ)
		if typ.family == decimal && numberAsText(typ, v) {
			v = untold(name, v)
		}
		conds = append(conds, cat(name+" = ", v))
	}
	for range 1 + g.rng.IntN(3) {
		cols = append(cols, cat("`"+t.columns[g.rng.IntN(len(t.columns))].name+"`"))
	}
	what := list(", ", 1, cols...)
	if g.rng.IntN(3) == 0 {
		what = cat("*")
	}
	return query{node: cat("SELECT ", what, " FROM "+t.name+" WHERE ", list(" AND ", 1, conds...)), ordered: true}
}

func (g *gen) grouped() query {
	r := g.rng
	from, sources, sc := g.from(nil, 2)
	sc.sub = 1
	where := g.where(sc, sources)
	sc.sub = 0
	var keys, items []*Node
	viewed := slices.ContainsFunc(sources, source.viewed)
	fold, bits := false, false
	for i := range r.IntN(3) {
		var k *Node
		switch r.IntN(5) {
		case 0: // a constant would be a position
			if c := g.pick(sc, isNumeric); c != nil {
				k = expr("(", column1(c), []string{" + ", " * ", " % "}[r.IntN(3)], g.number(), ")")
			}
		case 1:
			if c := g.pick(sc, isTemporal); c != nil {
				if k = expr([]string{"YEAR(", "DATE("}[r.IntN(2)], column1(c), ")"); g.wild {
					k = expr("YEAR(", column1(c), ")")
				}
			}
		default:
			c := g.pick(sc, func(t sqlType) bool { return t.family != bytesType && (!viewed || t.family != bit) })
			if c == nil {
				continue
			}
			fold, bits = fold || isText(c.typ), bits || c.typ.family == bit
			k = column1(c)
		}
		if k == nil {
			continue
		}
		keys = append(keys, k)
		items = append(items, cat(k, fmt.Sprintf(" AS g%d", i)))
	}
	for i := range 1 + r.IntN(3) {
		str := r.IntN(5) == 0
		fold = fold || str
		items = append(items, cat(g.aggregate(sc, str), fmt.Sprintf(" AS x%d", i)))
	}
	node, rollup := cat("SELECT ", list(", ", 1, items...), from, where), false
	if len(keys) > 0 {
		node = cat(node, " GROUP BY ", fixed(", ", keys...))
		// MariaDB counts equal values of several groups for DISTINCT, and leaves out no expression of a view's columns and no BIT. Which of two equal items a column
		// stands for is nobody's promise.
		plain := !bits && !viewed && (len(keys) < 2 || keys[0].String() != keys[1].String())
		if g.chance(weightRollup) && plain && !strings.Contains(node.String(), "DISTINCT") {
			node, rollup = cat(node, opt(" WITH ROLLUP")), true
		}
	}
	if r.IntN(4) == 0 {
		condition := cat(g.aggregate(timeless(sc.cols), false), comparisons[r.IntN(len(comparisons))], g.number())
		if !rollup || !strings.Contains(condition.String(), "DISTINCT") {
			node = cat(node, opt(" HAVING ", condition))
		}
	}
	return query{node: node, fold: fold}
}

func (g *gen) distinct() query {
	from, sources, sc := g.from(nil, 2)
	sc.sub = 1
	where := g.where(sc, sources)
	sc.sub = 0
	viewed := slices.ContainsFunc(sources, source.viewed)
	var items []*Node
	for i := range 1 + g.rng.IntN(3) {
		if c := g.pick(sc, func(t sqlType) bool { return !viewed || t.family != bit }); c != nil && g.rng.IntN(3) > 0 {
			items = append(items, cat(column1(c), fmt.Sprintf(" AS x%d", i)))
			continue
		}
		items = append(items, cat(g.num(sc, 1), fmt.Sprintf(" AS x%d", i)))
	}
	return query{node: cat("SELECT DISTINCT ", list(", ", 1, items...), from, where), fold: true}
}

// setOperation combines two selects of the same shape.
func (g *gen) setOperation() query {
	r := g.rng
	var families []family
	for range 1 + r.IntN(2) {
		families = append(families, []family{integer, integer, text, date}[r.IntN(4)])
	}
	half := func() *Node {
		from, sources, sc := g.from(nil, 1)
		var items []*Node
		for i, f := range families {
			var e *Node
			c := g.pick(sc, func(t sqlType) bool { return t.family == f && (f != text || t.collation == g.collation) })
			switch {
			case c != nil:
				e = column1(c)
			case f == text:
				e = lit("'a'", nil)
			case f == date:
				e = lit("DATE'2020-01-01'", nil)
			default:
				e = g.number()
			}
			items = append(items, cat(e, fmt.Sprintf(" AS x%d", i)))
		}
		return cat("SELECT ", fixed(", ", items...), from, g.where(sc, sources))
	}
	op := []string{" UNION ", " UNION ALL ", " UNION ALL ", " INTERSECT ", " EXCEPT "}[r.IntN(5)]
	return query{node: cat(half(), op, half()), fold: true}
}

// window has functions whose value the data alone decides.
func (g *gen) window() query {
	r := g.rng
	t := g.tables[r.IntN(len(g.tables))]
	s := g.tableSource(t)
	if len(s.key) == 0 {
		return g.plainSelect("")
	}
	sc := &scope{cols: s.cols}
	part := cat()
	if c := g.pick(sc, func(sqlType) bool { return true }); c != nil && r.IntN(2) == 0 {
		part = opt("PARTITION BY ", column1(c), " ")
	}
	total := strings.Join(s.key, ", ")
	order := cat("ORDER BY ", opt(g.num(sc, 1), ", "), total)
	var fn *Node
	if g.chance(weightFrame) {
		fn = g.frame(sc, part, total)
		return query{node: cat("SELECT ", fn, " AS w, "+total+" FROM ", s.node(), g.where(sc, []source{s}), " ORDER BY "+total), ordered: true}
	}
	switch r.IntN(8) {
	case 0, 1:
		fn = cat("ROW_NUMBER() OVER (", part, order, ")")
	case 2:
		c := g.pick(sc, isNumeric)
		if c == nil {
			fn = cat("RANK() OVER (ORDER BY "+total, ")")
			break
		}
		fn = cat([]string{"RANK", "DENSE_RANK"}[r.IntN(2)], "() OVER (", part, "ORDER BY ", column1(c), ")")
	case 3:
		fn = cat([]string{"LAG(", "LEAD("}[r.IntN(2)], g.num(sc, 1), fmt.Sprintf(", %d) OVER (", r.IntN(3)), part, order, ")")
	case 4:
		fn = cat([]string{"FIRST_VALUE(", "LAST_VALUE("}[r.IntN(2)], g.num(sc, 1), ") OVER (", part, order, ")")
	case 5:
		fn = cat("COUNT(*) OVER (", part, order, opt(" ROWS BETWEEN 1 PRECEDING AND CURRENT ROW"), ")")
	default:
		c := g.pick(sc, func(t sqlType) bool { return t.family == integer || t.family == decimal })
		arg := g.number()
		if c != nil {
			arg = column1(c)
		}
		fn = cat([]string{"SUM(", "MIN(", "MAX("}[r.IntN(3)], arg, ") OVER (", part, opt(order), ")")
	}
	return query{node: cat("SELECT ", fn, " AS w, "+total+" FROM ", s.node(), g.where(sc, []source{s}), " ORDER BY "+total), ordered: true}
}
