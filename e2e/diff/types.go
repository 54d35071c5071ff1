package diff

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
)

// family is what a type's values can be compared and combined with.
type family uint8

const (
	integer family = iota
	decimal
	double
	text
	bytesType
	date
	datetime
	timeOfDay
	year
	enum
	set
	bit
)

func (f family) numeric() bool  { return f <= double || f == year }
func (f family) temporal() bool { return f == date || f == datetime }

// sqlType is a column's type.
type sqlType struct {
	family
	sql       string
	collation string   // of text
	lo, hi    string   // of integers: the bounds
	low       int64    // the least ordinary value
	scale     int      // of decimals and fractional seconds
	length    int      // of strings, in characters or bytes; of BIT
	members   []string // of ENUM and SET
	long      bool     // TEXT and BLOB: an index needs a prefix
}

var integers = []sqlType{
	{sql: "TINYINT", lo: "-128", hi: "127", low: -3}, {sql: "TINYINT UNSIGNED", lo: "0", hi: "255"},
	{sql: "SMALLINT", lo: "-32768", hi: "32767", low: -3}, {sql: "SMALLINT UNSIGNED", lo: "0", hi: "65535"},
	{sql: "MEDIUMINT", lo: "-8388608", hi: "8388607", low: -3}, {sql: "INT", lo: "-2147483648", hi: "2147483647", low: -3},
	{sql: "INT", lo: "-2147483648", hi: "2147483647", low: -3}, {sql: "INT", lo: "-2147483648", hi: "2147483647", low: -3},
	{sql: "INT UNSIGNED", lo: "0", hi: "4294967295"}, {sql: "BIGINT", lo: "-9223372036854775808", hi: "9223372036854775807", low: -3},
	{sql: "BIGINT UNSIGNED", lo: "0", hi: "18446744073709551615"},
}

// collations are those that MariaDB and MySQL 8.0 both have, with the same order on the alphabet used here.
var collations = []string{"utf8mb4_general_ci", "utf8mb4_general_ci", "utf8mb4_unicode_ci", "utf8mb4_bin"}

func (g *gen) newType() sqlType {
	r := g.rng
	switch p := r.IntN(100); {
	case p < 35:
		return integers[r.IntN(len(integers))]
	case p < 45:
		scale := r.IntN(5)
		n := scale + 2 + r.IntN(8)
		return sqlType{family: decimal, sql: fmt.Sprintf("DECIMAL(%d,%d)", n, scale), scale: scale, low: -3}
	case p < 50:
		return sqlType{family: double, sql: "DOUBLE", low: -3}
	case p < 75:
		return g.stringType()
	case p < 79:
		n := 4 + r.IntN(8)
		return sqlType{family: bytesType, sql: fmt.Sprintf("VARBINARY(%d)", n), length: n}
	case p < 83:
		return sqlType{family: date, sql: "DATE"}
	case p < 90:
		name := []string{"DATETIME", "DATETIME", "TIMESTAMP"}[r.IntN(3)]
		if fsp := []int{0, 0, 3, 6}[r.IntN(4)]; fsp > 0 {
			return sqlType{family: datetime, sql: fmt.Sprintf("%s(%d)", name, fsp), scale: fsp}
		}
		return sqlType{family: datetime, sql: name}
	case p < 92:
		return sqlType{family: timeOfDay, sql: "TIME"}
	case p < 94:
		return sqlType{family: year, sql: "YEAR"}
	case p < 97:
		m := []string{"a", "b", "cc", "D"}[:2+r.IntN(3)]
		return sqlType{family: enum, sql: "ENUM(" + quoteAll(m) + ")", members: m, collation: g.collation}
	case p < 99:
		m := []string{"x", "y", "z"}
		return sqlType{family: set, sql: "SET(" + quoteAll(m) + ")", members: m, collation: g.collation}
	}
	n := 1 + r.IntN(10)
	return sqlType{family: bit, sql: fmt.Sprintf("BIT(%d)", n), length: n}
}

func (g *gen) stringType() sqlType {
	t := sqlType{family: text, collation: g.collation, length: 3 + g.rng.IntN(18)}
	switch g.rng.IntN(5) {
	case 0:
		t.sql = fmt.Sprintf("CHAR(%d)", t.length)
	case 1:
		t.sql, t.length, t.long = "TEXT", 200, true
	default:
		t.sql = fmt.Sprintf("VARCHAR(%d)", t.length)
	}
	if g.mixed && g.rng.IntN(3) == 0 {
		t.collation = collations[g.rng.IntN(len(collations))]
		t.sql += " COLLATE " + t.collation
	}
	return t
}

func quote(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `''`).Replace(s) + "'"
}

func quoteAll(s []string) string {
	q := make([]string, len(s))
	for i := range s {
		q[i] = quote(s[i])
	}
	return strings.Join(q, ",")
}

// number of small ones: joins and duplicates want few distinct values.
func (g *gen) small(low int64) int64 {
	if g.rng.IntN(4) > 0 {
		return g.rng.Int64N(5)
	}
	return low + g.rng.Int64N(14)
}

var words = []string{"", "a", "A", "b", "B", "ab", "Ab", "aB", "abc", "ba", "b ", "a b", "é", "É", "ä", "z", "10", "9", "1x", "%", "_", "a_c", "0"}

func word(r *rand.Rand) string {
	w := words[r.IntN(len(words))]
	if r.IntN(3) == 0 {
		w += words[r.IntN(len(words))]
	}
	return w
}

// literal is a value for a column of type t, as a rule one that fits.
func (g *gen) literal(t sqlType) *Node {
	r := g.rng
	switch t.family {
	case integer:
		switch r.IntN(24) {
		case 0:
			return lit(t.lo, nil)
		case 1:
			return lit(t.hi, nil)
		case 2:
			if g.wild {
				return lit([]string{"-129", "70000", "'7'", "'3x'", "2.5", "-1", "99999999999", "''", "1e2"}[r.IntN(9)], nil)
			}
		}
		v := g.small(t.low)
		return lit(strconv.FormatInt(v, 10), v)
	case decimal:
		s := fmt.Sprintf("%d.%0*d", g.small(-3), max(t.scale, 1), r.IntN(10))
		if g.wild && r.IntN(20) == 0 {
			s = []string{"12345678901.5", "1.23456789", "'2.5'", "'x'", "1e1"}[r.IntN(5)]
			return lit(s, nil)
		}
		return lit(s, nil)
	case double:
		v := float64(g.small(-3)) + float64(r.IntN(4))/4
		return lit(strconv.FormatFloat(v, 'f', 2, 64), v)
	case text:
		s := word(r)
		if len([]rune(s)) > t.length && !(g.wild && r.IntN(4) == 0) {
			s = string([]rune(s)[:t.length])
		}
		return lit(quote(s), s)
	case bytesType:
		s := []string{"", "a", "A", "ab", "a ", "b\x01", "z"}[r.IntN(7)]
		return lit("x'"+fmt.Sprintf("%x", s)+"'", nil)
	case date:
		s := g.date()
		return lit(quote(s), s)
	case datetime:
		s := g.date() + " " + g.clock(t.scale)
		return lit(quote(s), g.binary(s))
	case timeOfDay:
		s := g.clock(0)
		return lit(quote(s), s)
	case year:
		v := int64(1999 + r.IntN(6))
		return lit(strconv.FormatInt(v, 10), v)
	case enum:
		s := t.members[r.IntN(len(t.members))]
		return lit(quote(s), s)
	case set:
		var m []string
		for _, x := range t.members {
			if r.IntN(2) == 0 {
				m = append(m, x)
			}
		}
		s := strings.Join(m, ",")
		return lit(quote(s), s)
	}
	return lit(fmt.Sprintf("b'%b'", r.IntN(1<<min(t.length, 4))), nil)
}

func (g *gen) date() string {
	r := g.rng
	if g.wild && r.IntN(40) == 0 {
		return []string{"2021-02-30", "0000-00-00", "2020-13-01", "x", "2020-1-2"}[r.IntN(5)]
	}
	return fmt.Sprintf("%04d-%02d-%02d", 2019+r.IntN(4), 1+r.IntN(12), 1+r.IntN(28))
}

func (g *gen) clock(fsp int) string {
	r := g.rng
	s := fmt.Sprintf("%02d:%02d:%02d", r.IntN(24), r.IntN(3)*20, r.IntN(60))
	if fsp > 0 && r.IntN(3) > 0 {
		s += fmt.Sprintf(".%0*d", fsp, r.IntN(100))
	}
	return s
}
