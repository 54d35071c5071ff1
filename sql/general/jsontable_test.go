package general

import (
	"testing"

	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// TestJSONTable: paths, clauses, types and joins of JSON_TABLE, by the examples of the Reference Manual and its rules.
func TestJSONTable(t *testing.T) {
	c := newServer(t).client()
	c.must("CREATE DATABASE d; USE d")
	c.query(`SELECT * FROM JSON_TABLE('[{"a":"3"},{"a":2},{"b":1},{"a":0},{"a":[1,2]}]', '$[*]' COLUMNS (rowid FOR ORDINALITY, ac VARCHAR(100) PATH '$.a' DEFAULT '111' ON EMPTY DEFAULT '999' ON ERROR,
		aj JSON PATH '$.a' DEFAULT '{"x": 333}' ON EMPTY, bx INT EXISTS PATH '$.b')) AS tt`,
		"1\t3\t\"3\"\t0\n2\t2\t2\t0\n3\t111\t{\"x\": 333}\t1\n4\t0\t0\t0\n5\t999\t[1, 2]\t0")
	c.query(`SELECT x FROM JSON_TABLE('[1, 2, 3, 4]', '$[1 to last-1]' COLUMNS (x INT PATH '$')) t`, "2\n3")
	c.query(`SELECT x, y FROM JSON_TABLE('{"a": {"k": 1}, "b": [{"k": 2}, {"k": 3}]}', '$**.k' COLUMNS (x INT PATH '$', y INT PATH '$[0]')) t`, "1\t1\n2\t2\n3\t3")
	c.query(`SELECT x, y, z FROM JSON_TABLE('{"a": [1, 2, 3]}', '$' COLUMNS (x JSON PATH '$.a[*]', y INT PATH '$.a[last]', z INT PATH '$.a[*]')) t`, "[1, 2, 3]\t3\tNULL")
	c.query(`SELECT * FROM JSON_TABLE('[{"a": 1, "b": [11, 111]}, {"a": 2, "b": [22, 222]}, {"a": 3}]', '$[*]' COLUMNS (a INT PATH '$.a', NESTED PATH '$.b[*]' COLUMNS (b1 INT PATH '$'),
		NESTED '$.b[*]' COLUMNS (o FOR ORDINALITY, b2 INT PATH '$'))) AS jt`,
		"1\t11\tNULL\tNULL\n1\t111\tNULL\tNULL\n1\tNULL\t1\t11\n1\tNULL\t2\t111\n2\t22\tNULL\tNULL\n2\t222\tNULL\tNULL\n2\tNULL\t1\t22\n2\tNULL\t2\t222\n3\tNULL\tNULL\tNULL")
	c.query(`SELECT * FROM JSON_TABLE('[{"a": "a_val", "b": [{"c": "c_val", "l": [1, 2]}]}, {"a": "a_val", "b": [{"c": "c_val", "l": [11]}, {"c": "c_val"}]}]', '$[*]' COLUMNS (
		top FOR ORDINALITY, apath VARCHAR(10) PATH '$.a', NESTED PATH '$.b[*]' COLUMNS (bpath VARCHAR(10) PATH '$.c', ord FOR ORDINALITY, NESTED PATH '$.l[*]' COLUMNS (lpath VARCHAR(10) PATH '$')))) AS jt`,
		"1\ta_val\tc_val\t1\t1\n1\ta_val\tc_val\t1\t2\n2\ta_val\tc_val\t1\t11\n2\ta_val\tc_val\t2\tNULL")
	c.query(`SELECT d, s, i, n, b, dt FROM JSON_TABLE('{"d": 12.345, "s": "too long", "i": 300, "n": null, "b": true, "dt": "2020-02-03"}', '$' COLUMNS (d DECIMAL(5,2) PATH '$.d', s CHAR(3) PATH '$.s', i TINYINT PATH '$.i',
		n INT PATH '$.n' DEFAULT '1' ON EMPTY ERROR ON ERROR, b INT PATH '$.b', dt DATE PATH '$.dt' DEFAULT '"1970-01-01"' ON EMPTY ERROR ON ERROR)) t`, "12.35\tNULL\tNULL\tNULL\t1\t2020-02-03")
	c.query(`SELECT u, i, f FROM JSON_TABLE('[18446744073709551615, 1234567890123456789, 1e2]', '$' COLUMNS (u BIGINT UNSIGNED PATH '$[0]', i BIGINT PATH '$[1]', f JSON PATH '$[2]')) t`, "18446744073709551615\t1234567890123456789\t100.0")

	c.must("CREATE TABLE o (id INT PRIMARY KEY, doc JSON)")
	c.must(`INSERT INTO o VALUES (1, '[{"p": "x", "n": 2}, {"p": "y", "n": 3}]'), (2, '[]'), (3, NULL)`)
	c.query("SELECT id, p, n FROM o, JSON_TABLE(o.doc, '$[*]' COLUMNS (p CHAR(5) PATH '$.p', n INT PATH '$.n')) j ORDER BY id, p", "1\tx\t2\n1\ty\t3")
	c.query("SELECT id, p FROM o LEFT JOIN JSON_TABLE(o.doc, '$[*]' COLUMNS (p CHAR(5) PATH '$.p')) j ON TRUE ORDER BY id, p", "1\tx\n1\ty\n2\tNULL\n3\tNULL")
	c.query("SELECT id, (SELECT SUM(n) FROM JSON_TABLE(o.doc, '$[*]' COLUMNS (n INT PATH '$.n')) j) FROM o ORDER BY id", "1\t5\n2\tNULL\n3\tNULL")
	c.must("CREATE VIEW v AS SELECT id, p FROM o, JSON_TABLE(o.doc, '$[*]' COLUMNS (p CHAR(5) PATH '$.p' DEFAULT '\"none\"' ON EMPTY ERROR ON ERROR)) j")
	c.query("SELECT * FROM v ORDER BY p", "1\tx\n1\ty")

	one := func(doc, column string) string {
		return "SELECT * FROM JSON_TABLE('" + doc + "', '$' COLUMNS (a " + column + ")) t"
	}
	c.fails(one("{}", "INT PATH '$.x' ERROR ON EMPTY"), mysqlerr.ER_MISSING_JSON_TABLE_VALUE, "Missing value for JSON_TABLE column 'a'")
	c.fails(one("{}", "INT PATH '$.x' ERROR ON EMPTY NULL ON ERROR"), mysqlerr.ER_MISSING_JSON_TABLE_VALUE, "")
	c.fails(one("[1]", "INT PATH '$' DEFAULT '1' ON EMPTY ERROR ON ERROR"), mysqlerr.ER_WRONG_JSON_TABLE_VALUE, "Can't store an array or an object in the scalar JSON_TABLE column 'a'")
	c.fails(one(`"abc"`, "INT PATH '$' ERROR ON ERROR"), mysqlerr.ER_INVALID_JSON_VALUE_FOR_CAST, "Invalid JSON value for CAST to INTEGER from column a at row 1")
	c.fails(one("300", "TINYINT PATH '$' ERROR ON ERROR"), mysqlerr.ER_JT_VALUE_OUT_OF_RANGE, "Value is out of range for JSON_TABLE's column 'a'")
	c.fails(one("1234.5", "DECIMAL(4,2) PATH '$' ERROR ON ERROR"), mysqlerr.ER_JT_VALUE_OUT_OF_RANGE, "")
	c.fails(one("-1", "INT UNSIGNED PATH '$' ERROR ON ERROR"), mysqlerr.ER_JT_VALUE_OUT_OF_RANGE, "")
	c.fails(one("{}", "INT PATH '$.x' DEFAULT '[1]' ON EMPTY"), mysqlerr.ER_INVALID_DEFAULT, "")
	c.fails(one("{}", "INT PATH '$.x['"), mysqlerr.ER_INVALID_JSON_PATH, "")
	c.fails(one("{", "INT PATH '$.x'"), mysqlerr.ER_INVALID_JSON_TEXT_IN_PARAM, `Invalid JSON text in argument 1 to function json_table: "Missing a name for object member." at position 1.`)
}
