package diff

import (
	"fmt"
	"strings"
)

// Wide is how much of the families below a Case has, in percent of their weights. With another value seeds become other cases. It is set before the first
// Case is made.
var Wide = 100

// Families of statements that came later, each behind a weight: so many of a hundred of what it competes with.
const (
	weightWith       = 4  // of queries: WITH
	weightRecursive  = 2  // of queries: WITH RECURSIVE
	weightRollup     = 25 // of groups: WITH ROLLUP
	weightFrame      = 30 // of window functions: frames, named windows, NTILE and the like
	weightFunction   = 6  // of expressions: less usual functions
	weightJSON       = 2  // of expressions: JSON functions
	weightCollate    = 0  // of texts: COLLATE and CONVERT ... USING; a constant by way of latin1 is not converted back
	weightView       = 8  // of a FROM's tables: a view
	weightViewChange = 6  // of changes: through a view
	weightTrigger    = 10 // of schemas
	weightViews      = 25 // of schemas, twice
	weightPartition  = 10 // of tables that may have them
	weightMode       = 8  // of cases: a sql_mode more
	weightIndexed    = 30 // of look-ups: ranges of an index, in its order
	weightShape      = 8  // of queries: those of shapes.go
	weightLater      = 6  // of expressions: functions of functions.go
	weightAssign     = 6  // of an UPDATE's values: a subquery
)

// chance draws only where there is one, so that cases without these families stay what they are.
func (g *gen) chance(weight int) bool { return weight*Wide > 0 && g.rng.IntN(10000) < weight*Wide }

// moreModes are those that both servers have, and that mean the same to both.
var moreModes = []string{"NO_UNSIGNED_SUBTRACTION", "NO_AUTO_VALUE_ON_ZERO", "PAD_CHAR_TO_FULL_LENGTH", "PIPES_AS_CONCAT", "HIGH_NOT_PRECEDENCE"}

// with is a query of common table expressions.
func (g *gen) with() query {
	r := g.rng
	s, text := g.derived()
	last := len(text.Kids) - 1 // without the alias
	head := cat("WITH w1 AS ", joined(text.Kids[:last]), ")")
	name := "w1"
	if r.IntN(3) == 0 {
		head = cat(head, ", w2 AS (SELECT * FROM w1 WHERE ")
		var cols []ref
		for _, c := range s.cols {
			cols = append(cols, ref{strings.TrimPrefix(c.name, s.alias+"."), c.typ})
		}
		return query{node: cat(head, g.cond(&scope{cols: cols}, 1), ") SELECT * FROM w1"+[]string{" UNION ALL ", " INTERSECT ", " EXCEPT "}[r.IntN(3)]+"SELECT * FROM w2"), fold: true}
	}
	sc := &scope{cols: s.cols}
	node := cat(head, " SELECT ", g.items(sc), " FROM "+name+" AS "+s.alias)
	if r.IntN(2) == 0 { // twice
		b := g.alias()
		var other []ref
		for _, c := range s.cols {
			other = append(other, ref{strings.Replace(c.name, s.alias, b, 1), c.typ})
		}
		node = cat(node, []string{" JOIN ", " LEFT JOIN "}[r.IntN(2)]+name+" AS "+b+" ON ", g.joinCond(s.cols, other, &scope{cols: append(append([]ref{}, s.cols...), other...)}))
	}
	return query{node: cat(node, opt(" WHERE ", g.cond(sc, 1)))}
}

// indexed reads ranges of the columns that an index begins with, in the index's order or against it; nil for a table without such an index.
func (g *gen) indexed(t *tableModel) *query {
	r := g.rng
	if len(t.indexes) == 0 || len(t.primary) == 0 {
		return nil
	}
	ix := t.indexes[r.IntN(len(t.indexes))]
	var conds []*Node
	for _, c := range ix.columns[:1+r.IntN(len(ix.columns))] {
		typ := t.columns[c].typ
		if typ.family == bit || typ.family == bytesType || typ.family == enum || typ.family == set || typ.family == year {
			break
		}
		name := "`" + t.columns[c].name + "`"
		v := func() *Node {
			if typ.family == text && r.IntN(3) == 0 { // the same but for its case or trailing blanks
				w := []string{"A", "a ", "AB", "ab ", "b  ", "B"}[r.IntN(6)]
				return lit(quote(w), w)
			}
			v := g.sought(typ)
			if numberAsText(typ, v) {
				v = asText(name, v)
			}
			return v
		}
		one := func() *Node {
			switch r.IntN(6) {
			case 0, 1, 2:
				return expr("(", name, " IN (", list(", ", 1, v(), v(), v(), v()), "))")
			case 3:
				return expr("(", name, " BETWEEN ", v(), " AND ", v(), ")")
			case 4:
				return expr("(", name, " IS NULL)")
			}
			return expr("(", name, []string{" = ", " >= ", " < "}[r.IntN(3)], v(), ")")
		}
		conds = append(conds, expr("(", list([]string{" OR ", " OR ", " AND "}[r.IntN(3)], 1, one(), one()), ")"))
	}
	if len(conds) == 0 {
		return nil
	}
	way := []string{"", " DESC"}[r.IntN(2)]
	order := "`" + t.columns[ix.columns[0]].name + "`" + way
	var key []string
	for _, c := range t.primary {
		key = append(key, "`"+t.columns[c].name+"`")
		order += ", " + key[len(key)-1] + way
	}
	limit := cat()
	if r.IntN(3) == 0 {
		limit = opt(fmt.Sprintf(" LIMIT %d", 1+r.IntN(4)))
	}
	return &query{node: cat("SELECT "+strings.Join(key, ", ")+" FROM "+t.name+" WHERE ", list([]string{" AND ", " OR "}[r.IntN(2)], 1, conds...), " ORDER BY "+order, limit), ordered: true}
}

// recursive counts up from rows of a table.
func (g *gen) recursive() query {
	r := g.rng
	s := g.tableSource(g.tables[r.IntN(len(g.tables))])
	c := g.pick(&scope{cols: s.cols}, func(t sqlType) bool { return t.family == integer && t.low < 0 && t.sql != "BIGINT" })
	first := cat("SELECT 0 AS n, ", g.number(), " AS v")
	if c != nil {
		first = cat("SELECT 0 AS n, "+c.name+" AS v FROM ", s.node(), opt(" WHERE ", g.cond(&scope{cols: s.cols}, 1)))
	}
	sc := &scope{cols: []ref{{"n", integers[5]}, {"v", integers[5]}}}
	union := []string{" UNION ALL ", " UNION "}[r.IntN(2)]
	most := 1 + r.IntN(5)
	return query{node: cat("WITH RECURSIVE r (n, v) AS (", first, union, fmt.Sprintf("SELECT n + 1, v FROM r WHERE n < %d", most), opt(" AND ", g.comparison(sc, 0)), ") SELECT n, COUNT(*) AS x0, MIN(v) AS x1, ", g.aggregate(sc, false), " AS x2 FROM r GROUP BY n ORDER BY n"), ordered: true}
}

// frame is a window function with a frame, or one that knows its partition's size.
func (g *gen) frame(sc *scope, part *Node, total string) *Node {
	r := g.rng
	bound := func(side string) string {
		return []string{"UNBOUNDED " + side, "CURRENT ROW", fmt.Sprintf("%d %s", r.IntN(3), side), fmt.Sprintf("%d %s", r.IntN(3), side)}[r.IntN(4)]
	}
	exact := func() *Node {
		if c := g.pick(sc, func(t sqlType) bool { return t.family == integer || t.family == decimal }); c != nil {
			return column1(c)
		}
		return g.number()
	}
	over := cat(" OVER (", part, "ORDER BY "+total, opt(" ROWS BETWEEN "+bound("PRECEDING")+" AND "+bound("FOLLOWING")), ")")
	whole := cat(" OVER (", part, "ORDER BY "+total+")")
	switch r.IntN(8) { // PERCENT_RANK and CUME_DIST are exact numbers in MariaDB
	case 0:
		return cat(fmt.Sprintf("NTILE(%d)", 1+r.IntN(4)), whole)
	case 1:
		return cat("NTH_VALUE(", g.num(sc, 1), fmt.Sprintf(", %d)", 1+r.IntN(3)), over)
	case 2:
		return cat("COUNT(", g.num(sc, 1), ")", over)
	case 3:
		return cat([]string{"FIRST_VALUE(", "LAST_VALUE("}[r.IntN(2)], g.str(sc, 1), ")", over)
	case 4:
		return cat("AVG(", exact(), ")", over)
	case 5:
		// Small ones and no NULL: MariaDB counts the bits above 31 of a window by those below, and those of a row before a NULL again.
		return cat([]string{"BIT_AND(", "BIT_OR(", "BIT_XOR("}[r.IntN(3)], "IFNULL(ABS(", exact(), " % 1000), 0))", over)
	case 6:
		return cat("(SUM(", exact(), ")", over, " + ", g.num(sc, 1), ")")
	}
	return cat([]string{"SUM(", "MIN(", "MAX("}[r.IntN(3)], exact(), ")", over)
}

// moreNum is a number of a less usual function.
func (g *gen) moreNum(sc *scope, depth int) *Node {
	r := g.rng
	s := func() *Node { return g.str(sc, depth-1) }
	t := func() *Node { return g.tmp(sc, depth-1) }
	if g.rng.IntN(weightFunction+weightJSON) < weightJSON {
		switch r.IntN(3) {
		case 0:
			return expr("JSON_LENGTH(", g.json(sc, depth-1), ")")
		case 1:
			return expr("JSON_CONTAINS(", g.json(sc, depth-1), ", ", lit(fmt.Sprintf("'%d'", r.IntN(4)), nil), ")")
		}
		return expr("JSON_DEPTH(", g.json(sc, depth-1), ")")
	}
	switch r.IntN(11) {
	case 0:
		return expr("CRC32(", s(), ")")
	case 1:
		unit := []string{"DAY", "MONTH", "YEAR", "HOUR", "MINUTE", "WEEK", "QUARTER", "SECOND"}[r.IntN(8)]
		return expr("TIMESTAMPDIFF("+unit+", ", t(), ", ", t(), ")")
	case 2:
		unit := []string{"YEAR", "YEAR_MONTH", "DAY_HOUR", "HOUR_MINUTE", "QUARTER", "DAY"}[r.IntN(6)]
		return expr("EXTRACT("+unit+" FROM ", t(), ")")
	case 3:
		return expr("WEEK(", t(), fmt.Sprintf(", %d)", r.IntN(8)))
	case 4:
		return expr("YEARWEEK(", t(), fmt.Sprintf(", %d)", r.IntN(8)))
	case 5:
		return expr("FLOOR(TIME_TO_SEC(", t(), "))") // an integer in MySQL, with the time's decimals in MariaDB
	case 6:
		return expr("BIT_COUNT(", g.number(), ")")
	case 7:
		return expr("PERIOD_DIFF(", lit([]string{"202001", "201912", "9912"}[r.IntN(3)], nil), ", ", lit([]string{"202011", "201902", "1"}[r.IntN(3)], nil), ")")
	case 8:
		return expr("(", s(), []string{" LIKE ", " NOT LIKE "}[r.IntN(2)], s(), ")")
	case 9:
		return expr("UNCOMPRESSED_LENGTH(COMPRESS(", s(), "))")
	}
	return expr("TO_SECONDS(", t(), ")")
}

// moreStr is a text of a less usual function.
func (g *gen) moreStr(sc *scope, depth int) *Node {
	r := g.rng
	s := func() *Node { return g.str(sc, depth-1) }
	if g.rng.IntN(weightFunction+weightJSON) < weightJSON {
		switch r.IntN(3) {
		case 0:
			return expr("JSON_UNQUOTE(JSON_EXTRACT(", g.json(sc, depth-1), fmt.Sprintf(", '$[%d]'))", r.IntN(2)))
		case 1:
			return expr("JSON_QUOTE(", s(), ")")
		}
		return expr("CONCAT(", g.json(sc, depth-1), ", '')")
	}
	switch r.IntN(11) {
	case 0:
		return expr([]string{"MD5(", "SHA1("}[r.IntN(2)], s(), ")")
	case 1:
		return expr([]string{"TO_BASE64(", "QUOTE("}[r.IntN(2)], s(), ")")
	case 2:
		return expr([]string{"BIN(", "OCT(", "HEX("}[r.IntN(3)], g.number(), ")")
	case 3:
		return expr("CONV(", g.number(), ", 10, ", lit([]string{"2", "16", "36"}[r.IntN(3)], nil), ")")
	case 4:
		return expr([]string{"DAYNAME(", "MONTHNAME("}[r.IntN(2)], g.tmp(sc, depth-1), ")")
	case 5:
		c := g.pick(sc, func(t sqlType) bool { return t.family == integer || t.family == decimal })
		if c == nil {
			break
		}
		return expr("FORMAT(", column1(c), fmt.Sprintf(", %d)", r.IntN(4)))
	case 6:
		return expr("CONCAT(SEC_TO_TIME(", lit([]string{"0", "59", "3600", "-3661", "86400"}[r.IntN(5)], nil), "), ", s(), ")")
	case 7:
		// NULL is left out; where CONCAT gives it, MariaDB takes what CONCAT had come to.
		return expr("MAKE_SET(", g.number(), ", ", s(), ", ", s(), ")").asked(func(k []*Node) *Node {
			return cat("MAKE_SET(", k[1], ", IF(", k[3], " IS NULL, NULL, ", k[3], "), IF(", k[5], " IS NULL, NULL, ", k[5], "))")
		})
	case 8:
		return expr("EXPORT_SET(", lit([]string{"5", "0", "7"}[r.IntN(3)], nil), ", ", s(), ", ", s(), ", ',', 4)")
	case 9:
		return expr("CHAR(", lit([]string{"65", "97, 98", "77, NULL, 78"}[r.IntN(3)], nil), " USING utf8mb4)")
	}
	return expr("TRIM(", []string{"BOTH ", "LEADING ", "TRAILING "}[r.IntN(3)], s(), " FROM ", s(), ")")
}

// json is an array or object of values that both servers write alike.
func (g *gen) json(sc *scope, depth int) *Node {
	v := func() *Node {
		if c := g.pick(sc, func(t sqlType) bool { return t.family == integer || t.family == text }); c != nil && g.rng.IntN(3) > 0 {
			return column1(c)
		}
		return g.number()
	}
	if depth > 0 && g.rng.IntN(3) == 0 {
		return expr("JSON_OBJECT('a', ", v(), ", 'b', ", v(), ")").asked(document)
	}
	return expr("JSON_ARRAY(", list(", ", 1, v(), v()), ")").asked(document)
}

// document has MariaDB know that JSON_OBJECT and JSON_ARRAY of NULL are documents, no reason to make an inner join of an outer one, and that a document's text is
// utf8mb4_bin, that of a column (Item::set_data_type_json).
func document(k []*Node) *Node {
	return cat("CAST(COALESCE(", joined(k), ") AS CHAR CHARACTER SET utf8mb4 COLLATE utf8mb4_bin)")
}

// collated is a text in another collation or by way of another character set.
func (g *gen) collated(sc *scope, depth int) *Node {
	s := g.str(sc, depth-1)
	if g.rng.IntN(2) == 0 {
		// The collation named: a character set has another default one in MariaDB.
		return expr("(CONVERT(CONVERT(", s, " USING ", []string{"latin1", "utf8mb3", "ucs2"}[g.rng.IntN(3)], ") USING utf8mb4) COLLATE "+g.collation+")")
	}
	return expr("(CONVERT(", s, " USING utf8mb4) COLLATE ", []string{"utf8mb4_bin", "utf8mb4_general_ci", "utf8mb4_unicode_ci"}[g.rng.IntN(3)], ")")
}

// view is a view of one table's columns.
type view struct {
	name  string
	of    *tableModel
	cols  []ref  // bare
	named string // the table's columns when it was made, by name: after DDL it may have others
}

// newView makes one and its statement.
func (g *gen) newView(t *tableModel) (*view, *Node) {
	r := g.rng
	v := &view{name: fmt.Sprintf("v%d", len(g.views)), of: t}
	var items []*Node
	for _, c := range g.plain(t, "") {
		if r.IntN(4) > 0 {
			items = append(items, cat(c.name))
			v.cols = append(v.cols, c)
		}
	}
	if len(items) == 0 {
		return nil, nil
	}
	v.named = columnNames(t)
	sc := &scope{cols: g.plain(t, "")}
	return v, cat("CREATE VIEW "+v.name+" AS SELECT ", fixed(", ", items...), " FROM "+t.name, opt(" WHERE ", g.comparison(sc, 0), opt(" WITH CHECK OPTION")))
}

func columnNames(t *tableModel) string {
	var b strings.Builder
	for i := range t.columns {
		fmt.Fprintf(&b, "%s %s,", t.columns[i].name, t.columns[i].typ.sql)
	}
	return b.String()
}

// viewSource is a view in FROM, nil if none fits its table any longer.
func (g *gen) viewSource() (*source, *view) {
	if len(g.views) == 0 {
		return nil, nil
	}
	v := g.views[g.rng.IntN(len(g.views))]
	if v.named != columnNames(v.of) {
		return nil, nil
	}
	s := &source{alias: g.alias()}
	for _, c := range v.cols {
		s.cols = append(s.cols, ref{s.alias + "." + c.name, c.typ})
	}
	return s, v
}

// throughView changes rows through a view.
func (g *gen) throughView() (*Node, *tableModel) {
	s, v := g.viewSource()
	if s == nil || g.session != 0 {
		return nil, nil
	}
	r := g.rng
	sc := &scope{cols: v.cols}
	if r.IntN(3) == 0 {
		return cat("DELETE FROM "+v.name+" WHERE ", g.cond(sc, 1)), v.of
	}
	for _, i := range r.Perm(len(v.of.columns)) {
		c := &v.of.columns[i]
		if v.of.unique(i) || c.computed != nil || c.auto {
			continue
		}
		for _, x := range v.cols {
			if x.name == "`"+c.name+"`" {
				return cat("UPDATE "+v.name+" SET "+x.name+" = ", g.value(c), opt(" WHERE ", g.cond(sc, 1))), v.of
			}
		}
	}
	return nil, nil
}

// trigger changes the new row, or notes it in a table of its own.
func (g *gen) trigger(t *tableModel) *Node {
	r := g.rng
	name := fmt.Sprintf("tr%d", r.IntN(1000))
	event := []string{"INSERT", "UPDATE"}[r.IntN(2)]
	for _, i := range r.Perm(len(t.columns)) {
		c := &t.columns[i]
		if t.unique(i) || c.computed != nil || c.auto || c.typ.family != integer && c.typ.family != text {
			continue
		}
		old := "NEW"
		if event == "UPDATE" && r.IntN(2) == 0 {
			old = "OLD"
		}
		value := cat("IFNULL("+old+".`"+c.name+"`, ", g.literal(c.typ), ")")
		if c.typ.family == text {
			value = cat("LEFT(CONCAT(" + old + ".`" + c.name + "`, 'a'), 3)")
		}
		return cat("CREATE TRIGGER "+name+" BEFORE "+event+" ON "+t.name+" FOR EACH ROW SET NEW.`"+c.name+"` = ", value)
	}
	return nil
}

// partitions is the end of a CREATE TABLE whose rows are spread by its key, nil for tables that cannot be.
func (g *gen) partitions(t *tableModel) *Node {
	if len(t.primary) != 1 || t.columns[t.primary[0]].typ.family != integer || t.foreign != "" {
		return nil
	}
	for _, ix := range t.indexes {
		if ix.unique {
			return nil
		}
	}
	key := "`" + t.columns[t.primary[0]].name + "`"
	if g.rng.IntN(2) == 0 {
		return cat(fmt.Sprintf(" PARTITION BY HASH(%s) PARTITIONS %d", key, 1+g.rng.IntN(4)))
	}
	return cat(" PARTITION BY RANGE(" + key + ") (PARTITION p0 VALUES LESS THAN (1), PARTITION p1 VALUES LESS THAN (4), PARTITION p2 VALUES LESS THAN MAXVALUE)")
}
