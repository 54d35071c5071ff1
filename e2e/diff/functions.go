package diff

import (
	"fmt"
	"strconv"

	"github.com/zoryadb/zorya/sql/wire"
)

// Functions of which both servers think alike, beyond those of expr.go and wide.go.

// laterNum is a number.
func (g *gen) laterNum(sc *scope, depth int) *Node {
	r := g.rng
	a := func() *Node { return g.num(exactly(sc), depth-1) }
	s := func() *Node { return g.str(sc, depth-1) }
	t := func() *Node { return g.tmp(sc, depth-1) }
	small := func() *Node { return expr("(", a(), " % 7)") }
	switch r.IntN(20) {
	case 0:
		return expr("LOCATE(", s(), ", ", s(), fmt.Sprintf(", %d)", r.IntN(4)))
	case 1:
		return expr("POSITION(", s(), " IN ", s(), ")")
	case 2:
		return expr("INTERVAL(", a(), ", ", list(", ", 1, lit("1", int64(1)), lit("3", int64(3)), lit("7", int64(7))), ")")
	case 3:
		return expr("(", s(), []string{" REGEXP ", " NOT REGEXP "}[r.IntN(2)], lit([]string{"'^a'", "'b+'", "'a|b'", "'[ab]c'", "'.b'", "'^$'", "'[[:digit:]]'"}[r.IntN(7)], nil), ")")
	case 4:
		return expr([]string{"WEEKOFYEAR(", "MICROSECOND(", "DAYOFMONTH("}[r.IntN(3)], t(), ")")
	case 5:
		return expr("TIMESTAMPDIFF("+[]string{"MICROSECOND", "SECOND", "MONTH"}[r.IntN(3)]+", ", t(), ", ", t(), ")")
	case 6:
		return expr("EXTRACT("+[]string{"DAY_SECOND", "MINUTE_SECOND", "HOUR_SECOND", "WEEK", "MICROSECOND", "SECOND_MICROSECOND", "DAY_MINUTE"}[r.IntN(7)]+" FROM ", t(), ")")
	case 7:
		return expr("(~ ", g.number(), ")")
	case 8:
		return expr("(", small(), " >> ", lit(strconv.Itoa(r.IntN(4)), nil), ")")
	case 9:
		return expr("PERIOD_ADD(", lit([]string{"202001", "199912", "9912"}[r.IntN(3)], nil), ", ", small(), ")")
	case 10:
		return expr("INET_ATON(", lit([]string{"'10.0.0.1'", "'255.255.255.255'", "'x'"}[r.IntN(3)], nil), ")")
	case 11:
		return expr("(", t(), " + 0)")
	case 12:
		return expr("TIME_TO_SEC(", g.literal(sqlType{family: timeOfDay}), ")")
	case 13:
		return expr("(", s(), []string{" LIKE ", " NOT LIKE "}[r.IntN(2)], lit([]string{"'a|%' ESCAPE '|'", "'%b%'", "'_b'", "'a|_c' ESCAPE '|'"}[r.IntN(4)], nil), ")")
	case 14:
		return expr("SIGN(STRCMP(", s(), ", ", s(), "))")
	case 15:
		return expr("JSON_CONTAINS_PATH(", g.json(sc, depth-1), ", ", lit("'one'", nil), ", ", lit([]string{"'$[1]'", "'$.a'", "'$'"}[r.IntN(3)], nil), ")")
	case 16:
		return expr("POW(", small(), ", ", lit([]string{"2", "3", "0"}[r.IntN(3)], nil), ")")
	case 17:
		return expr("DATEDIFF(", t(), ", ", lit([]string{"'2020-02-29'", "'2021-01-01 23:59:59'"}[r.IntN(2)], nil), ")")
	case 18:
		return expr("FLOOR(SQRT(ABS(", small(), ")))")
	}
	return expr("(", small(), " BETWEEN ", lit("-1", nil), " AND ", lit(strconv.Itoa(r.IntN(5)), nil), ")")
}

// laterStr is a text.
func (g *gen) laterStr(sc *scope, depth int) *Node {
	r := g.rng
	s := func() *Node { return g.str(sc, depth-1) }
	t := func() *Node { return g.tmp(sc, depth-1) }
	n := func() *Node { return lit(strconv.Itoa(r.IntN(5)), nil) }
	switch r.IntN(16) {
	case 0:
		return expr("MID(", s(), ", ", n(), ", ", n(), ")")
	case 1:
		return expr("SUBSTRING(", s(), " FROM ", lit(strconv.Itoa(-r.IntN(4)), nil), " FOR ", n(), ")")
	case 2:
		return expr("CONCAT(SPACE(", n(), "), ", s(), ")")
	case 3:
		return expr("DATE_FORMAT(", t(), ", ", lit([]string{"'%y%m%d'", "'%D %U %u'", "'%V %v %X %x'", "'%f %l %r'", "'%w %%'", "'%H:%i:%S.%f'"}[r.IntN(6)], nil), ")")
	case 4:
		return expr("TIME_FORMAT(", g.literal(sqlType{family: timeOfDay}), ", ", lit([]string{"'%H:%i'", "'%k %l %p'", "'%r'"}[r.IntN(3)], nil), ")")
	case 5:
		return expr("CAST(", t(), " AS CHAR)")
	case 6: // numbers beside texts
		return expr([]string{"COALESCE(", "IFNULL("}[r.IntN(2)], g.num(exactly(sc), depth-1), ", ", s(), ")")
	case 7:
		return expr("IF(", g.cond(sc, depth-1), ", ", g.num(exactly(sc), depth-1), ", ", s(), ")")
	case 8:
		return expr("CASE ", s(), " WHEN ", s(), " THEN ", s(), opt(" ELSE ", s()), " END")
	case 9:
		return expr("REGEXP_REPLACE(", s(), ", ", lit([]string{"'a'", "'[bc]'", "'^.'"}[r.IntN(3)], nil), ", ", lit("'X'", nil), ")")
	case 10:
		// Of no match it is NULL, an empty text in MariaDB.
		return expr("REGEXP_SUBSTR(", s(), ", ", lit([]string{"'[a-c]+'", "'b.'"}[r.IntN(2)], nil), ")").asked(func(k []*Node) *Node {
			return cat("NULLIF(", joined(k), ", '')")
		})
	case 11:
		return expr("INET_NTOA(", lit([]string{"0", "167772161", "4294967295", "-1"}[r.IntN(4)], nil), ")")
	case 12:
		return expr("JSON_UNQUOTE(JSON_EXTRACT("+[]string{"JSON_SET(", "JSON_INSERT(", "JSON_REPLACE("}[r.IntN(3)], g.json(sc, depth-1), ", ", lit([]string{"'$[0]'", "'$[1]'", "'$[2]'", "'$.a'"}[r.IntN(4)], nil), ", ", s(), "), '$[1]'))")
	case 13:
		return expr("RPAD(LPAD(", s(), ", 6, 'ab'), 9, ", lit([]string{"'x'", "'yz'"}[r.IntN(2)], nil), ")")
	case 14:
		return expr("LEFT(", s(), ", ", lit([]string{"-1", "0", "2"}[r.IntN(3)], nil), ")")
	}
	return expr("CONCAT(", s(), ", ", g.literal(sqlType{family: timeOfDay}), ", ", t(), ")")
}

// laterTmp is a DATE or DATETIME.
func (g *gen) laterTmp(sc *scope, depth int) *Node {
	r := g.rng
	t := func() *Node { return g.tmp(sc, depth-1) }
	small := func() *Node { return g.number() }
	switch r.IntN(10) {
	case 0:
		unit := []string{"'1:30' MINUTE_SECOND", "'1 2' DAY_HOUR", "'1-2' YEAR_MONTH", "'1:1:1' HOUR_SECOND", "'2 1:1' DAY_MINUTE", "'-1 1:1:1' DAY_SECOND", "'1.5' SECOND_MICROSECOND", "'-3' MONTH"}[r.IntN(8)]
		return expr([]string{"DATE_ADD(", "DATE_SUB("}[r.IntN(2)], t(), ", INTERVAL ", lit(unit, nil), ")")
	case 1:
		return expr("TIMESTAMPADD("+[]string{"DAY", "MONTH", "HOUR", "SECOND", "QUARTER"}[r.IntN(5)]+", ", small(), ", ", t(), ")")
	case 2:
		return expr([]string{"ADDDATE(", "SUBDATE("}[r.IntN(2)], t(), ", ", small(), ")")
	case 3:
		return expr("STR_TO_DATE(", lit([]string{"'2020-05-17'", "'2019-12-31'", "'2021-02-28'"}[r.IntN(3)], nil), ", '%Y-%m-%d')")
	case 4:
		return expr("FROM_DAYS(TO_DAYS(", t(), "))")
	case 5:
		return expr("MAKEDATE(", lit("2020", nil), ", ", small(), ")")
	case 6:
		return expr("FROM_UNIXTIME(", lit([]string{"0", "86399", "1600000000"}[r.IntN(3)], nil), ")")
	case 7:
		return expr("TIMESTAMP(", t(), ", ", lit([]string{"'01:00:00'", "'23:59:59'", "'-10:00:00'"}[r.IntN(3)], nil), ")")
	case 8:
		return expr([]string{"GREATEST(", "LEAST("}[r.IntN(2)], t(), ", ", t(), ")")
	}
	return expr("CASE WHEN ", g.cond(sc, depth-1), " THEN ", t(), " ELSE ", t(), " END")
}

// binary is what a DATETIME is sent as when it is a parameter: as a driver sends one, or as its text.
func (g *gen) binary(text string) any {
	var y, mo, d, h, mi, s int
	switch n, _ := fmt.Sscanf(text, "%d-%d-%d %d:%d:%d", &y, &mo, &d, &h, &mi, &s); {
	case g.rng.IntN(2) == 0 || mo == 0 || d == 0 || mo > 12 || d > 28:
		return text
	case n == 6 && len(text) == 19:
		return wire.DateTime{Year: uint16(y), Month: uint8(mo), Day: uint8(d), Hour: uint8(h), Minute: uint8(mi), Second: uint8(s)}
	}
	return text
}
