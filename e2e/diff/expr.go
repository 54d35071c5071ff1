package diff

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// ref is a column as an expression may name it.
type ref struct {
	name string
	typ  sqlType
}

// scope is what an expression may refer to. Names of outer queries' columns are in it too.
type scope struct {
	cols []ref
	// sub is how many more levels of subqueries are allowed.
	sub int
}

// plain is a table's columns as references, under an alias or bare.
func (g *gen) plain(t *tableModel, alias string) []ref {
	var out []ref
	for i := range t.columns {
		name := "`" + t.columns[i].name + "`"
		if alias != "" {
			name = alias + "." + name
		}
		out = append(out, ref{name, t.columns[i].typ})
	}
	return out
}

// pick is a column of the scope for which ok holds, nil if there is none.
func (g *gen) pick(sc *scope, ok func(sqlType) bool) *ref {
	n := 0
	var found *ref
	for i := range sc.cols {
		if ok(sc.cols[i].typ) {
			n++
			if g.rng.IntN(n) == 0 {
				found = &sc.cols[i]
			}
		}
	}
	return found
}

func isText(t sqlType) bool     { return t.family == text || t.family == enum || t.family == set }
func isNumeric(t sqlType) bool  { return t.family.numeric() }
func isTemporal(t sqlType) bool { return t.family.temporal() }

func column1(r *ref) *Node { return expr(r.name) }

// number is an integer literal.
func (g *gen) number() *Node {
	v := g.small(-3)
	return lit(strconv.FormatInt(v, 10), v)
}

// untold gives v other words for the oracle: it does not know what v is before it looks at rows. of is a column. MariaDB computes a constant before it knows
// whether a row wants it, and looks at no row where a constant does not fit its column.
func untold(of string, v *Node) *Node {
	text := v.OfOracle()
	return (&Node{Kind: v.Kind, Head: v.Head, Kids: v.Kids, Sep: v.Sep, Min: v.Min, Param: v.Param}).asked(func([]*Node) *Node { return cat("IF(CONCAT(" + of + ") = '~', " + text + ", " + text + ")") })
}

// asText is a text in other words than a literal, by which no server can look up rows.
func asText(of string, v *Node) *Node {
	return expr("CONCAT(", v, ")").asked(func([]*Node) *Node { return untold(of, lit(v.Head, nil)) })
}

// numberAsText reports whether a literal is a text that an expression of numbers reads.
func numberAsText(t sqlType, v *Node) bool {
	return t.family.numeric() && strings.HasPrefix(v.Head, "'")
}

// sought is a literal that a column is looked up by, never a fraction of a whole DECIMAL: MariaDB rounds it, so that 3 = 2.9.
func (g *gen) sought(t sqlType) *Node {
	if t.family == decimal && t.scale == 0 {
		return g.number()
	}
	return g.literal(t)
}

// timeless is a scope without times. What is a number to MySQL is a time to MariaDB's functions of the MIN and MAX of one.
func timeless(cols []ref) *scope {
	return &scope{cols: slices.DeleteFunc(slices.Clone(cols), func(c ref) bool { return c.typ.family.temporal() })}
}

// exactly is a scope without floating numbers.
func exactly(sc *scope) *scope {
	return &scope{cols: slices.DeleteFunc(slices.Clone(sc.cols), func(c ref) bool { return c.typ.family == double })}
}

// isYear reports whether an expression is a column of years.
func isYear(sc *scope, n *Node) bool {
	name := n.String()
	return slices.ContainsFunc(sc.cols, func(c ref) bool { return c.typ.family == year && c.name == name })
}

// yearAsNumber is one of several numbers of which an expression chooses: a YEAR and a TINYINT become one type in which MariaDB stores no year in its
// temporary tables.
func yearAsNumber(sc *scope, n *Node) *Node {
	if !isYear(sc, n) {
		return n
	}
	return n.asked(func(k []*Node) *Node { return cat("(", joined(k), " + 0)") })
}

// wholeYears has MariaDB compare a column of years with the year that a number of two digits is: it finds that year, and takes other columns for equal to the
// number.
func wholeYears(sc *scope, k []*Node) []*Node {
	whole := func(n, other *Node) *Node {
		v, err := strconv.Atoi(n.Head)
		if err != nil || len(n.Kids) > 0 || v < 1 || v > 99 || !isYear(sc, other) {
			return n
		}
		if v < 70 {
			return lit(strconv.Itoa(2000+v), nil)
		}
		return lit(strconv.Itoa(1900+v), nil)
	}
	k = slices.Clone(k)
	k[1], k[3] = whole(k[1], k[3]), whole(k[3], k[1])
	return k
}

// unsignedZero is a remainder for MariaDB, whose zero has the sign of what was divided and is then no other zero.
func unsignedZero(k []*Node) *Node { return cat("(", joined(k), " + 0)") }

// untoldFractions has MariaDB look up no whole number by a fraction, which it rounds.
func untoldFractions(sc *scope, k []*Node) []*Node {
	k = slices.Clone(k)
	for _, i := range []int{1, 3} {
		if len(k[i].Kids) == 0 && strings.Contains(k[i].Head, ".") && len(sc.cols) > 0 {
			k[i] = untold(sc.cols[0].name, k[i])
		}
	}
	return k
}

// simpleNum is arithmetic that cannot overflow, of columns of small types.
func (g *gen) simpleNum(sc *scope) *Node {
	c := g.pick(sc, func(t sqlType) bool { return t.family == integer && len(t.hi) < 12 })
	if c == nil {
		return lit(strconv.Itoa(g.rng.IntN(9)), nil)
	}
	return expr("(", column1(c), " + ", lit(strconv.Itoa(g.rng.IntN(9)), nil), ")")
}

// num is a numeric expression of at most depth levels.
func (g *gen) num(sc *scope, depth int) *Node {
	r := g.rng
	if depth <= 0 || r.IntN(4) == 0 {
		if c := g.pick(sc, isNumeric); c != nil && r.IntN(5) > 0 {
			return column1(c)
		}
		if r.IntN(12) == 0 {
			return lit([]string{"NULL", "0", "1.5", "-2.25", "0.001", "100"}[r.IntN(6)], nil)
		}
		return g.number()
	}
	a := func() *Node { return g.num(sc, depth-1) }
	one := func() *Node { return yearAsNumber(sc, a()) }
	s := func() *Node { return g.str(sc, depth-1) }
	if g.chance(weightFunction + weightJSON) {
		return g.moreNum(sc, depth)
	}
	if g.chance(weightLater) {
		return g.laterNum(sc, depth)
	}
	switch r.IntN(32) {
	case 0, 1, 2:
		return expr("(", a(), []string{" + ", " - ", " * "}[r.IntN(3)], a(), ")")
	case 3:
		return expr("(", a(), []string{" / ", " % ", " DIV "}[r.IntN(3)], a(), ")").asked(func(k []*Node) *Node {
			if k[2].Head != " % " {
				return joined(k)
			}
			return unsignedZero(k)
		})
	case 4:
		return expr("(- ", a(), ")")
	case 5:
		return expr([]string{"ABS(", "SIGN(", "FLOOR(", "CEILING("}[r.IntN(4)], a(), ")")
	case 6:
		if r.IntN(4) == 0 { // near the end of BIGINT, MySQL's integers overflow where MariaDB goes on with decimals
			return expr("ROUND((", a(), " % 1000), -1)")
		}
		return expr([]string{"ROUND(", "TRUNCATE("}[r.IntN(2)], a(), fmt.Sprintf(", %d)", r.IntN(3)))
	case 7:
		return expr([]string{"LENGTH(", "CHAR_LENGTH(", "ASCII(", "BIT_LENGTH(", "ORD("}[r.IntN(5)], s(), ")")
	case 8:
		return expr([]string{"LOCATE(", "INSTR(", "STRCMP(", "FIND_IN_SET("}[r.IntN(4)], s(), ", ", s(), ")")
	case 9, 10:
		return expr([]string{"YEAR(", "MONTH(", "DAY(", "DAYOFWEEK(", "DAYOFYEAR(", "QUARTER(", "HOUR(", "MINUTE(", "SECOND(", "TO_DAYS(", "WEEKDAY("}[r.IntN(11)], g.tmp(sc, depth-1), ")")
	case 11:
		return expr("DATEDIFF(", g.tmp(sc, depth-1), ", ", g.tmp(sc, depth-1), ")")
	case 12, 13:
		return expr("IF(", g.cond(sc, depth-1), ", ", one(), ", ", one(), ")")
	case 14, 15:
		return expr("CASE", list("", 1, cat(" WHEN ", g.cond(sc, depth-1), " THEN ", one()), cat(" WHEN ", g.cond(sc, depth-1), " THEN ", one())), opt(" ELSE ", one()), " END")
	case 16:
		return expr("CASE ", a(), list("", 1, cat(" WHEN ", a(), " THEN ", one()), cat(" WHEN ", a(), " THEN ", one())), opt(" ELSE ", one()), " END")
	case 17, 18:
		f := []string{"IFNULL(", "COALESCE(", "NULLIF("}[r.IntN(3)]
		if f == "NULLIF(" { // which compares its first with its second
			one = a
		}
		return expr(f, one(), ", ", one(), ")")
	case 19:
		return expr([]string{"GREATEST(", "LEAST("}[r.IntN(2)], list(", ", 2, one(), one(), one()), ")")
	case 20:
		to := []string{"SIGNED", "UNSIGNED", "DECIMAL(10,2)", "DECIMAL(6,0)"}[r.IntN(4)]
		if to != "UNSIGNED" {
			return expr("CAST(", a(), " AS ", to, ")")
		}
		// A number less than zero that is no DECIMAL is cast to UNSIGNED by way of BIGINT in MySQL 8.0 (Item_typecast_unsigned), in MariaDB a DOUBLE becomes 0.
		if c := g.pick(sc, func(t sqlType) bool { return t.family == double }); c != nil && r.IntN(3) == 0 {
			return expr("CAST(", column1(c), " AS UNSIGNED)").asked(func(k []*Node) *Node { return cat("CAST(CAST(", k[1], " AS SIGNED) AS UNSIGNED)") })
		}
		return expr("CAST(", g.num(exactly(sc), min(depth-1, 1)), " AS UNSIGNED)")
	case 21:
		return expr("CAST(", s(), " AS ", []string{"SIGNED", "DECIMAL(10,2)"}[r.IntN(2)], ")")
	case 22:
		return expr("(", g.cond(sc, depth-1), ")")
	case 23:
		// Of exact numbers: as an integer, a DOUBLE is rounded to even in MySQL (rint), halves go up in MariaDB's bit operations.
		b := func() *Node { return g.num(exactly(sc), min(depth-1, 1)) }
		if r.IntN(4) == 0 { // by a small number: MariaDB takes the last 32 bits of any
			return expr("(", b(), " << ", g.number(), ")")
		}
		return expr("(", b(), []string{" & ", " | ", " ^ "}[r.IntN(3)], b(), ")")
	case 24:
		return expr("MOD(", a(), ", ", a(), ")").asked(unsignedZero)
	case 25:
		// FIELD of NULL is 0, for MariaDB nevertheless a reason to make an inner join of an outer one.
		return expr("FIELD(", list(", ", 2, a(), a(), a()), ")").asked(func(k []*Node) *Node { return cat("COALESCE(FIELD(", k[1], "))") })
	case 26, 27:
		if sc.sub > 0 {
			return g.scalarSubquery(sc, false)
		}
	case 28: // CONCAT, as an ENUM has no decimals in MariaDB and no number of them in MySQL
		return expr("(CONCAT(", s(), ") + ", a(), ")")
	case 29:
		return expr("ISNULL(", a(), ")")
	}
	return g.num(sc, depth-1)
}

// str is a character expression.
func (g *gen) str(sc *scope, depth int) *Node {
	r := g.rng
	if depth <= 0 || r.IntN(4) == 0 {
		if c := g.pick(sc, isText); c != nil && r.IntN(5) > 0 {
			return column1(c)
		}
		w := word(r)
		return lit(quote(w), w)
	}
	s := func() *Node { return g.str(sc, depth-1) }
	n := func() *Node { return lit(strconv.Itoa(r.IntN(6)-1), nil) }
	if g.chance(weightCollate) {
		return g.collated(sc, depth)
	}
	if g.chance(weightFunction + weightJSON) {
		return g.moreStr(sc, depth)
	}
	if g.chance(weightLater) {
		return g.laterStr(sc, depth)
	}
	switch r.IntN(24) {
	case 0, 1, 2:
		return expr("CONCAT(", list(", ", 1, s(), s()), ")")
	case 3:
		return expr("CONCAT_WS(", lit("','", nil), ", ", list(", ", 1, s(), s(), s()), ")")
	case 4:
		return expr([]string{"UPPER(", "LOWER(", "REVERSE(", "TRIM(", "LTRIM(", "RTRIM("}[r.IntN(6)], s(), ")")
	case 5:
		return expr("SUBSTRING(", s(), ", ", n(), opt(", ", n()), ")")
	case 6:
		return expr([]string{"LEFT(", "RIGHT(", "REPEAT("}[r.IntN(3)], s(), ", ", n(), ")")
	case 7:
		// REPLACE of NULL is NULL in MySQL 8.0 (Item_func_replace::val_str), in MariaDB only if the text is found, where a collation is binary.
		return expr("REPLACE(", s(), ", ", s(), ", ", s(), ")").asked(func(k []*Node) *Node {
			return cat("IF(", k[5], " IS NULL, NULL, REPLACE(", k[1], ", ", k[3], ", ", k[5], "))")
		})
	case 8:
		// Never an empty pad: the result is NULL in MariaDB, '' in MySQL.
		return expr([]string{"LPAD(", "RPAD("}[r.IntN(2)], s(), ", ", n(), ", CONCAT(", lit("'z'", nil), ", ", s(), "))")
	case 9:
		return expr("HEX(", s(), ")")
	case 10:
		return expr("CAST(", g.num(sc, depth-1), " AS CHAR)")
	case 11, 12:
		return expr("IF(", g.cond(sc, depth-1), ", ", s(), ", ", s(), ")")
	case 13:
		return expr("CASE WHEN ", g.cond(sc, depth-1), " THEN ", s(), opt(" ELSE ", s()), " END")
	case 14, 15:
		return expr([]string{"IFNULL(", "COALESCE(", "NULLIF("}[r.IntN(3)], s(), ", ", s(), ")")
	case 16:
		return expr("DATE_FORMAT(", g.tmp(sc, depth-1), ", ", lit([]string{"'%Y-%m-%d'", "'%d.%c.%y %H:%i'", "'%M %W %j'", "'%T %p %h'", "'%b %a %e %k'"}[r.IntN(5)], nil), ")")
	case 17:
		return expr("ELT(", g.number(), ", ", list(", ", 1, s(), s()), ")")
	case 18:
		return expr("SUBSTRING_INDEX(", s(), ", ", s(), ", ", n(), ")")
	case 19:
		return expr("INSERT(", s(), ", ", n(), ", ", n(), ", ", s(), ")")
	case 20:
		// As a text: where a number is wanted MariaDB compares numbers, MySQL 8.0 texts (Item_func_min_max is an Item_func_numhybrid).
		return expr("CONCAT(", []string{"GREATEST(", "LEAST("}[r.IntN(2)], s(), ", ", s(), "))")
	case 21:
		return expr("CONCAT(", g.num(sc, depth-1), ", ", g.tmp(sc, depth-1), ")")
	}
	return g.str(sc, depth-1)
}

// tmp is a DATE or DATETIME.
func (g *gen) tmp(sc *scope, depth int) *Node {
	r := g.rng
	if depth <= 0 || r.IntN(3) > 0 {
		if c := g.pick(sc, isTemporal); c != nil && r.IntN(5) > 0 {
			return column1(c)
		}
		wild := g.wild
		g.wild = false
		defer func() { g.wild = wild }()
		if r.IntN(2) == 0 {
			return lit("DATE"+quote(g.date()), nil)
		}
		return lit("TIMESTAMP"+quote(g.date()+" "+g.clock(0)), nil)
	}
	if g.chance(weightLater) {
		return g.laterTmp(sc, depth)
	}
	a := func() *Node { return g.tmp(sc, depth-1) }
	switch r.IntN(7) {
	case 0, 1:
		unit := []string{"DAY", "MONTH", "YEAR", "HOUR", "MINUTE", "WEEK", "QUARTER"}[r.IntN(7)]
		return expr([]string{"DATE_ADD(", "DATE_SUB("}[r.IntN(2)], a(), ", INTERVAL ", g.number(), " ", unit, ")")
	case 2:
		if g.wild { // of '0000-00-00', which a column may hold then, DATE is NULL in MariaDB
			return a()
		}
		return expr("DATE(", a(), ")")
	case 3:
		return expr("LAST_DAY(", a(), ")")
	case 4:
		return expr("IF(", g.cond(sc, depth-1), ", ", a(), ", ", a(), ")")
	case 5:
		if g.wild { // a zero date is a reason for MariaDB to take the second one
			return a()
		}
		return expr("IFNULL(", a(), ", ", a(), ")")
	}
	return expr("CAST(", a(), " AS ", []string{"DATE", "DATETIME"}[r.IntN(2)], ")")
}

// nullSafe has MariaDB not take <=> for an = where another = has the same columns.
func nullSafe(k []*Node) *Node {
	if k[2].Head != " <=> " {
		return joined(k)
	}
	return cat("((", k[1], " <=> ", k[3], ") IS TRUE)")
}

var comparisons = []string{" = ", " = ", " = ", " <> ", " < ", " <= ", " > ", " >= ", " <=> "}

// comparison is a predicate of one column, mostly, as WHERE clauses have it.
func (g *gen) comparison(sc *scope, depth int) *Node {
	r := g.rng
	op := comparisons[r.IntN(len(comparisons))]
	c := g.pick(sc, func(sqlType) bool { return true })
	if c == nil || r.IntN(4) == 0 {
		switch r.IntN(3) {
		case 0:
			return expr("(", g.str(sc, depth), op, g.str(sc, depth), ")").asked(nullSafe)
		case 1:
			return expr("(", g.tmp(sc, depth), op, g.tmp(sc, depth), ")").asked(nullSafe)
		}
		return expr("(", g.num(sc, depth), op, g.num(sc, depth), ")").asked(func(k []*Node) *Node { return nullSafe(untoldFractions(sc, wholeYears(sc, k))) })
	}
	wild := g.wild
	g.wild = g.wild && r.IntN(4) == 0
	defer func() { g.wild = wild }()
	col, v := column1(c), func() *Node {
		v := g.sought(c.typ)
		if !numberAsText(c.typ, v) {
			return v
		}
		if op == " = " { // no literal: rows are looked up by one, here some and there all
			return asText(c.name, v)
		}
		return untold(c.name, v)
	}
	switch r.IntN(12) {
	case 0:
		return expr("(", col, []string{" IS NULL", " IS NOT NULL"}[r.IntN(2)], ")")
	case 1, 2:
		return expr("(", col, []string{" ", " NOT "}[r.IntN(2)], "BETWEEN ", v(), " AND ", v(), ")")
	case 3, 4:
		return expr("(", col, []string{" IN (", " IN (", " NOT IN ("}[r.IntN(3)], list(", ", 1, v(), v(), v()), "))")
	case 5:
		if d := g.pick(sc, func(t sqlType) bool { return t.family == c.typ.family }); d != nil {
			return expr("(", col, op, column1(d), ")").asked(func(k []*Node) *Node {
				if c.typ.family == year && op != " <=> " { // where another = tells MariaDB what the year is, it compares that as another number
					return cat("(", k[1], " + 0", k[2], k[3], " + 0)")
				}
				return nullSafe(k)
			})
		}
	case 6:
		if c.typ.family == text {
			p := []string{"a%", "%b", "_", "a_%", "%a%", "", "%", "A%", `\%`}[r.IntN(9)]
			return expr("(", col, []string{" LIKE ", " NOT LIKE "}[r.IntN(2)], lit(quote(p), p), ")")
		}
	}
	return expr("(", col, op, v(), ")")
}

// cond is a condition.
func (g *gen) cond(sc *scope, depth int) *Node {
	r := g.rng
	if depth <= 0 {
		return g.comparison(sc, 0)
	}
	switch r.IntN(16) {
	case 0, 1, 2:
		return expr("(", list([]string{" AND ", " OR "}[r.IntN(2)], 1, g.cond(sc, depth-1), g.cond(sc, depth-1)), ")")
	case 3:
		return expr("(NOT ", g.cond(sc, depth-1), ")")
	case 4:
		return expr("(", g.cond(sc, depth-1), " XOR ", g.cond(sc, depth-1), ")")
	case 5:
		return expr("(", g.cond(sc, depth-1), []string{" IS TRUE", " IS NOT TRUE", " IS FALSE", " IS UNKNOWN"}[r.IntN(4)], ")")
	case 6:
		return expr("(", g.num(sc, depth-1), " IN (", list(", ", 1, g.num(sc, depth-1), g.num(sc, depth-1)), "))")
	case 7, 8:
		if sc.sub > 0 {
			return g.subqueryCond(sc)
		}
	case 9:
		// Without years: with one of them a constant is a year in MariaDB, in MySQL only where the column is what BETWEEN is about.
		plain := &scope{sub: sc.sub, cols: slices.DeleteFunc(slices.Clone(sc.cols), func(c ref) bool { return c.typ.family == year })}
		b := func() *Node { return g.num(plain, depth-1) }
		// With a constant between columns MariaDB's ranges forget one half under NOT. A constant that is computed it keeps as a signed number.
		return expr("(", b(), " BETWEEN ", b(), " AND ", b(), ")").asked(func(k []*Node) *Node {
			if len(plain.cols) == 0 {
				return joined(k)
			}
			constant := func(n *Node) *Node {
				text := n.String()
				if slices.ContainsFunc(sc.cols, func(c ref) bool { return strings.Contains(text, c.name) }) || text == "NULL" || len(n.Kids) == 0 && n != k[1] {
					return n
				}
				return untold(plain.cols[0].name, n)
			}
			return cat("(", constant(k[1]), " BETWEEN ", constant(k[3]), " AND ", constant(k[5]), ")")
		})
	case 10:
		return expr("(", g.num(sc, depth), ")")
	case 11:
		// Without years: whether a constant within a row is one depends on the plan in MySQL (convert_constant_arg_to_field knows no rows, an index does).
		number := func(t sqlType) bool { return t.family.numeric() && t.family != year }
		a, b := g.pick(sc, number), g.pick(sc, number)
		if a != nil {
			// MariaDB takes a comparison of rows for null-rejecting and for not nullable; pair by pair it is the same.
			return expr("((", column1(a), ", ", column1(b), ")", []string{" = ", " <> ", " IN "}[r.IntN(3)], "((", g.number(), ", ", g.number(), ")))").asked(func(k []*Node) *Node {
				if k[5].Head == " <> " {
					return cat("((", k[1], " <> ", k[7], ") OR (", k[3], " <> ", k[9], "))")
				}
				return cat("((", k[1], " = ", k[7], ") AND (", k[3], " = ", k[9], "))")
			})
		}
	}
	return g.comparison(sc, depth-1)
}
