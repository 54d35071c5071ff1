package general

import (
	"fmt"
	"strings"
	"testing"

	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// Queries whose answers hang on how comparisons, groups and texts are planned, each by the smallest statements that show it.
func TestAnswers(t *testing.T) {
	c := newServer(t).client()
	c.must("CREATE DATABASE d COLLATE utf8mb4_general_ci; USE d")
	c.must("CREATE TABLE t (k VARCHAR(5), s VARCHAR(9), m DATETIME(6), id VARCHAR(20) PRIMARY KEY); INSERT INTO t VALUES ('b', 'b', '2022-03-18 19:40:03', 'ä'), ('B', 'c', '2022-03-18 19:40:03.5', 'c')")

	// A column that only one of two references to a common table expression needs.
	c.query("WITH w AS (SELECT k x, k = s y FROM t) SELECT a.y FROM w AS a LEFT JOIN w AS b ON NULL", "1\n0")
	// <=> of texts in a join's condition goes by their collation.
	c.query("SELECT a.id, b.id FROM t a LEFT JOIN t b ON a.k <=> 'b ' AND b.id = 'c' ORDER BY 1", "ä\tc\nc\tc")
	// Two members of IN are one key of the index.
	c.query("SELECT a.id FROM t a JOIN t b ON b.k = b.k WHERE a.id IN ('A', 'a')", "ä\nä")
	c.query("SELECT BIT_XOR(1) OVER (ORDER BY id) FROM t ORDER BY id", "1\n0")
	c.query("SELECT GROUP_CONCAT(m ORDER BY m) FROM t", "2022-03-18 19:40:03.000000,2022-03-18 19:40:03.500000")

	// WITH ROLLUP: an item that is computed of another one is NULL where it is left out, and so is one that another is computed of.
	c.query("SELECT s, LENGTH(s), COUNT(*) FROM t GROUP BY s, LENGTH(s) WITH ROLLUP", "b\t1\t1\nb\tNULL\t1\nc\t1\t1\nc\tNULL\t1\nNULL\tNULL\t2")
	c.query("SELECT CONCAT(s, NULL), s FROM t GROUP BY CONCAT(s, NULL), s WITH ROLLUP", "NULL\tb\nNULL\tc\nNULL\tNULL\nNULL\tNULL")

	// What a trigger is compiled to knows columns by position.
	c.must("CREATE TABLE g (a INT, b INT, c INT, d VARCHAR(9)); INSERT INTO g VALUES (1, 2, 3, 'x')")
	c.must("CREATE TRIGGER r BEFORE UPDATE ON g FOR EACH ROW SET NEW.c = IFNULL(OLD.c, 1)")
	c.must("UPDATE g SET a = 2; ALTER TABLE g DROP COLUMN b; UPDATE g SET c = 9")
	c.query("SELECT * FROM g", "2\t3\tx")

	// A BEFORE UPDATE trigger may make the row what it was: nothing is counted.
	c.must("CREATE TABLE h (id INT PRIMARY KEY, v VARCHAR(9)); INSERT INTO h VALUES (1, 'x'); CREATE TRIGGER rh BEFORE UPDATE ON h FOR EACH ROW SET NEW.v = OLD.v")
	c.must("INSERT INTO h VALUES (1, 'y') ON DUPLICATE KEY UPDATE v = 'z'")
	c.query("SELECT ROW_COUNT(), v FROM h", "0\tx")

	// PAD_CHAR_TO_FULL_LENGTH is about reading: rows without a key are found, and stored without blanks.
	c.must("CREATE TABLE p (a INT, b CHAR(9)); INSERT INTO p VALUES (1, 'z')")
	c.must("SET sql_mode = 'PAD_CHAR_TO_FULL_LENGTH'; UPDATE p SET a = 2; SET sql_mode = DEFAULT")
	c.query("SELECT a, LENGTH(b) FROM p", "2\t1")
	c.must("SET sql_mode = 'PAD_CHAR_TO_FULL_LENGTH'; UPDATE p SET b = 'z'")
	c.query("SELECT ROW_COUNT()", "0")
	c.must("DELETE FROM p; SET sql_mode = DEFAULT")
	c.query("SELECT COUNT(*) FROM p", "0")

	c.must("CREATE TABLE y (id INT, v INT) PARTITION BY HASH(id) PARTITIONS 2")
	for _, clause := range []string{"RENAME COLUMN id TO x", "CHANGE id x INT", "DROP COLUMN id"} {
		c.fails("ALTER TABLE y "+clause, mysqlerr.ER_DEPENDENT_BY_PARTITION_FUNC, "Column 'id' has a partitioning function dependency and cannot be dropped or renamed.")
	}
	c.must("ALTER TABLE y RENAME COLUMN v TO w, CHANGE id ID BIGINT")

	// Only DATE and DATETIME refuse to give old rows the zero date.
	c.must("ALTER TABLE p ADD COLUMN x TIMESTAMP NOT NULL; INSERT INTO g (a) VALUES (1); ALTER TABLE g ADD COLUMN ts TIMESTAMP NOT NULL")
	c.fails("ALTER TABLE g ADD COLUMN dt DATETIME NOT NULL", mysqlerr.ER_TRUNCATED_WRONG_VALUE, "Incorrect datetime value: '0000-00-00 00:00:00' for column 'dt' at row 1")

	// A literal that stands for a column in a hash join's key need not be as long as the column's values are.
	c.must("CREATE TABLE s (x TIME, k DATE); INSERT INTO s VALUES ('17:40:35', '2020-01-01'); CREATE VIEW sv AS SELECT x, k FROM s")
	c.query("SELECT b.k FROM (SELECT x FROM s) a LEFT JOIN sv b ON a.x = b.x AND b.x = '08:40:02'", "NULL")
	c.query("SELECT b.x FROM (SELECT k FROM s) a JOIN sv b ON a.k = b.k AND b.k = '2020-01-01'", "17:40:35")

	for _, q := range []string{"CREATE TABLE dd (a DECIMAL(5,0) DEFAULT -1.5)", "ALTER TABLE dd ALTER a SET DEFAULT 2.4"} {
		c.must(q)
		c.query("SHOW WARNINGS", "Note\t1265\tData truncated for column 'a' at row 1")
	}
}

// Two equalities of one binary column, whose index the planner looks at: it compared the bytes of both as if they were comparable.
func TestEqualitiesOfOneBinaryColumn(t *testing.T) {
	c := newServer(t).client()
	c.must("CREATE DATABASE d COLLATE utf8mb4_general_ci; USE d")
	c.must("CREATE TABLE v (b VARBINARY(5), n INT, KEY (b, n)); INSERT INTO v VALUES ('A', 1), ('ab', 2)")
	c.query("SELECT 1 FROM (SELECT b FROM v WHERE b = x'41') x WHERE b = x'6162'", "")
	c.query("SELECT b FROM v WHERE b = x'41' AND b = x'41'", "A")
	c.query("SELECT b FROM v WHERE b = x'41' AND b = 'A'", "A")
	c.query("SELECT b FROM v WHERE b = x'41' AND b IN (x'41')", "A")
	c.query("SELECT b FROM v WHERE b = x'41' AND (b, n) = (x'42', 1)", "")
	c.query("SELECT b FROM v WHERE b = UNHEX('41') AND b = UNHEX('42')", "")
	c.query("SELECT b FROM v WHERE b <=> _binary'A' AND b <=> CAST('a' AS BINARY)", "")
}

// QUOTE takes the name of an ENUM, makes the text NULL of NULL, and writes Ctrl+Z as \Z.
func TestQuote(t *testing.T) {
	c := newServer(t).client()
	c.must("CREATE DATABASE d COLLATE utf8mb4_general_ci; USE d")
	c.must("CREATE TABLE e (e ENUM('a','it''s'), s SET('x','y'), j JSON); INSERT INTO e VALUES ('it''s', 'x,y', '{\"a\": 1}'), (NULL, NULL, NULL)")
	c.query(`SELECT QUOTE(e), QUOTE(s), QUOTE(j), QUOTE(1.5) FROM e`, "'it\\'s'\t'x,y'\t'{\"a\": 1}'\t'1.5'\nNULL\tNULL\tNULL\t'1.5'")
	c.query(`SELECT LENGTH(QUOTE(NULL)), HEX(QUOTE(x'001A5C'))`, "4\t275C305C5A5C5C27")
	c.fails("SELECT QUOTE('a', 'b')", mysqlerr.ER_WRONG_PARAMCOUNT_TO_NATIVE_FCT, "Incorrect parameter count in the call to native function 'quote'")
}

// The values that a row is given are stored first, then columns without a default are looked for (Sql_cmd_insert_values::execute_inner).
func TestGivenBeforeMissing(t *testing.T) {
	c := newServer(t).client()
	c.must("CREATE DATABASE d; USE d; CREATE TABLE t (a INT NOT NULL, b INT NOT NULL)")
	c.fails("INSERT INTO t (b) VALUES (NULL)", mysqlerr.ER_BAD_NULL_ERROR, "Column 'b' cannot be null")
	c.fails("INSERT INTO t (b) VALUES (1), (NULL)", mysqlerr.ER_NO_DEFAULT_FOR_FIELD, "Field 'a' doesn't have a default value")
	c.fails("INSERT INTO t (b) VALUES ('x')", mysqlerr.ER_TRUNCATED_WRONG_VALUE_FOR_FIELD, "Incorrect integer value: 'x' for column 'b' at row 1")
	c.must("INSERT INTO t (b) SELECT 1 FROM t")
}

// A DOUBLE that loses digits in a DECIMAL is noted, LIMIT 0 computes nothing, and FOUND_ROWS() counts what OFFSET skips.
func TestLimitsAndNotes(t *testing.T) {
	c := newServer(t).client()
	c.must("CREATE DATABASE d COLLATE utf8mb4_general_ci; USE d")
	c.must("CREATE TABLE t (a INT, b INT, d DOUBLE, x DECIMAL(6,1), n BIGINT); INSERT INTO t VALUES (1, 9, 2.75, 0, 9223372036854775807), (2, 8, 2.5, 0, 1), (3, 7, 2, 0, 1)")
	c.must("UPDATE t SET x = d")
	c.query("SHOW WARNINGS", "Note\t1265\tData truncated for column 'x' at row 1")
	c.must("INSERT INTO t (x) SELECT 2.06e0")
	c.query("SHOW WARNINGS", "Note\t1265\tData truncated for column 'x' at row 1")
	c.query("SELECT x FROM t", "2.8\n2.5\n2.0\n2.1")
	for _, order := range []string{"", "ORDER BY a ", "ORDER BY b "} {
		c.query("SELECT a FROM t WHERE CAST(n AS DECIMAL(10,2)) "+order+"LIMIT 0", "")
		c.query("SHOW WARNINGS", "")
	}
	c.must("SET sql_mode = ''")
	for _, q := range []string{"SELECT SQL_CALC_FOUND_ROWS DISTINCT a FROM t ORDER BY b LIMIT 1,2", "SELECT SQL_CALC_FOUND_ROWS a FROM t LIMIT 3,1",
		"SELECT SQL_CALC_FOUND_ROWS a FROM t ORDER BY b LIMIT 9,1", "SELECT SQL_CALC_FOUND_ROWS a FROM t LIMIT 9,1", "SELECT SQL_CALC_FOUND_ROWS a FROM t LIMIT 0"} {
		c.must(q)
		if a := fmt.Sprint(c.must("SELECT FOUND_ROWS()")); !strings.Contains(a, "4") {
			t.Errorf("%s: FOUND_ROWS() is %s", q, a)
		}
	}
}

// Within a subquery rows begin with the outer row: what is the same is told by the columns behind it.
func TestDistinctWithinSubquery(t *testing.T) {
	c := newServer(t).client()
	c.must("CREATE DATABASE d COLLATE utf8mb4_general_ci; USE d")
	c.must("CREATE TABLE t (k DECIMAL(9,4) NOT NULL, n INT NOT NULL, v VARCHAR(9), b VARBINARY(4)); CREATE TABLE s (v VARCHAR(19), b VARBINARY(4))")
	c.must("INSERT INTO t VALUES (0.0002, 0, 'a', 'z'), (0.0005, 4, 'A', 'a'), (4.0003, 1, 'x', 'A'), (4.0003, 2, '_A', 'ab')")
	c.must("INSERT INTO s VALUES ('a', 'a'), ('A', 'a'), ('a', 'q'), ('q', 'A')")
	c.query("SELECT (SELECT COUNT(*) FROM t a2 LEFT JOIN t a3 ON TRUE WHERE a3.v IN (SELECT v FROM s)) FROM t a1", "8\n8\n8\n8")
	c.query("SELECT (SELECT COUNT(*) FROM t a2 LEFT JOIN t a3 ON TRUE WHERE a3.b IN (SELECT b FROM s)) FROM t a1", "8\n8\n8\n8")
	c.query("SELECT NULL IN (SELECT a2.n FROM t a2 LEFT JOIN t a3 ON NULL WHERE a3.b IN (SELECT b FROM s)) FROM t a1", "0\n0\n0\n0")
	c.query("SELECT n, (SELECT GROUP_CONCAT(x.v) FROM (SELECT DISTINCT v FROM s) x WHERE x.v <> t.v) FROM t", "0\tq\n4\tq\n1\ta,q\n2\ta,q")
}

// Ranges of an index over texts are in the order of their collation, each value once, and texts that differ in trailing blanks are one value.
func TestTextRanges(t *testing.T) {
	c := newServer(t).client()
	c.must("CREATE DATABASE d COLLATE utf8mb4_general_ci; USE d")
	c.must("CREATE TABLE t (id INT PRIMARY KEY, s VARCHAR(9), p VARCHAR(9), x VARCHAR(9), n INT, KEY (s), KEY (p(1)), KEY xn (x, n))")
	c.must("INSERT INTO t SELECT id, s, s, s, n FROM (VALUES ROW(1, 'a', 1), ROW(2, 'B', 2), ROW(3, 'c', 3), ROW(4, 'A', 4), ROW(5, 'ab ', 5), ROW(6, 'aB', 6)) v (id, s, n)")
	for i := range 200 { // so that an index is worth its while
		c.must(fmt.Sprintf("INSERT INTO t VALUES (%d, 'z%d', 'z%[2]d', 'z%[2]d', 0)", 10+i, i))
	}
	c.query("SELECT id + 0 FROM t WHERE s IN ('a', 'B', 'c') ORDER BY s, id", "1\n4\n2\n3")
	c.query("SELECT s FROM t WHERE s IN ('a', 'B', 'c') ORDER BY s DESC", "c\nB\nA\na")
	c.query("SELECT id FROM t WHERE p IN ('ab', 'aB')", "5\n6")
	c.query("SELECT id FROM t WHERE p IN ('ab', 'aB ', 'AB')", "5\n6")
	c.query("SELECT id FROM t WHERE s = 'ab' AND s = 'aB '", "5\n6")
	c.query("SELECT id FROM t WHERE s >= 'ab ' AND s <= 'aB'", "5\n6")
	c.query("SELECT id FROM t WHERE x IN ('ab', 'ab ') AND n > 4", "5\n6")
	c.query("SELECT id FROM t WHERE x = 'ab' AND n BETWEEN 3 AND 9 OR x = 'ab ' AND n BETWEEN 5 AND 10", "5\n6")
	c.query("SELECT id FROM t WHERE x = 'ab' AND n > 4 OR x = 'ab ' AND n > 5", "5\n6")
	c.query("SELECT id FROM t WHERE s = 'ab' OR s = 'ab ' OR s > 'b ' AND s <= 'c  '", "5\n6\n3")
	c.query("SELECT COUNT(*) FROM t WHERE NOT s = 'ab ' AND s <> 'aB'", "204")
}

// The same of joins, dates, views and definitions.
func TestAnswersOfJoins(t *testing.T) {
	c := newServer(t).client()
	c.must("CREATE DATABASE d COLLATE utf8mb4_general_ci; USE d")
	c.must("CREATE TABLE a (id INT PRIMARY KEY, d DECIMAL(3,2), i INT, f DOUBLE, s VARCHAR(9)); CREATE TABLE b (id INT PRIMARY KEY, d DECIMAL(9,4), i INT, f DOUBLE, s VARCHAR(9))")
	c.must("INSERT INTO a VALUES (1, 1.5, 1, 1.5, 'x'), (2, 2.25, 2, 10.75, 'y'), (3, NULL, 3, 3.125, 'z'), (4, 1, 4, 1e30, '4')")
	c.must("INSERT INTO b VALUES (1, 1.5, 1, 10.75, 'x'), (2, 102.25, 18, 2.25, 'y'), (3, NULL, 3, 3.125, 'z'), (4, 3.125, 4, 1e30, '4')")
	// A constant in a hash join's key is no type for the column that it is compared with (1264).
	c.query("SELECT a.id, b.id FROM a LEFT JOIN b ON a.s = b.s AND b.f = 3.125 ORDER BY 1", "1\tNULL\n2\tNULL\n3\t3\n4\tNULL")
	c.query("SELECT a.id, b.id FROM a LEFT JOIN b ON a.s = b.s AND b.d = 1.5 ORDER BY 1", "1\t1\n2\tNULL\n3\tNULL\n4\tNULL")

	// Binary constants within aggregates.
	c.must("CREATE TABLE h (b VARBINARY(4), n INT); INSERT INTO h VALUES ('a', 1), ('b', 2), ('b', 3)")
	c.query("SELECT COUNT(DISTINCT (b >= x'62')), n > 1 FROM h GROUP BY n > 1 ORDER BY 2", "1\t0\n1\t1")
	c.query("SELECT MAX(CASE WHEN b IN (x'61', x'62') THEN n END), SUM(IF(b < x'62', n, 0)) FROM h", "3\t1")
	c.query("SELECT b = x'61', COUNT(*) FROM h GROUP BY b = x'61' HAVING MIN(b = x'61') = 0", "0\t2")

	// A query within a semi-join's condition refers to a column that is joined later.
	c.must("CREATE TABLE t0 (id INT NOT NULL, c TINYINT NOT NULL); CREATE TABLE t1 (id INT NOT NULL, c BIGINT UNSIGNED); INSERT INTO t0 VALUES (2, 2)")
	c.query("SELECT a1.id FROM t0 a1 LEFT JOIN t1 a2 ON NULL WHERE EXISTS (SELECT 1 FROM t0 a5 WHERE a1.c NOT IN (SELECT a6.c FROM t0 a6 WHERE a6.id = 8 OR a2.c))", "2")
	c.query("SELECT a1.id FROM t0 a1 LEFT JOIN t1 a2 ON NULL WHERE a1.id IN (SELECT a5.id FROM t0 a5 WHERE a1.c NOT IN (SELECT a6.c FROM t0 a6 WHERE a6.id = 8 OR a2.c))", "2")

	// What is no member of an indexed SET compares in a view's query as well.
	c.must("CREATE TABLE m (id INT, s SET('x','y') NOT NULL, UNIQUE KEY (s)); INSERT INTO m VALUES (1, 'x'), (2, '')")
	c.must("CREATE VIEW mv AS SELECT id FROM m WHERE '%A' > s; CREATE VIEW mw AS SELECT id, COUNT(*) n FROM m WHERE s <> 'w' GROUP BY id HAVING n > 0")
	c.query("SELECT * FROM mv", "2")
	c.query("SELECT * FROM mw ORDER BY id", "1\t1\n2\t1")

	c.query("SELECT - CAST(0 - 6 AS UNSIGNED), 1 - UNCOMPRESSED_LENGTH(COMPRESS('abc'))", "-18446744073709551610\t-2")
	c.must("SET sql_mode = ''; CREATE TABLE z (d DATE, t DATETIME); INSERT INTO z VALUES ('0000-00-00', 0)")
	c.query("SELECT WEEKDAY(d), WEEK(t, 0), DAYOFYEAR(t), MONTHNAME(d), TO_DAYS(t), DAYNAME(d), YEARWEEK(d, 2) FROM z", "NULL\tNULL\tNULL\tNULL\tNULL\tNULL\tNULL")
	c.query("SHOW WARNINGS", "")
	c.query("SELECT SOUNDEX(''), SOUNDEX('1 '), SOUNDEX('bb')", "\t\tB000")

	// IS NULL of a date that is NOT NULL asks for zero dates, and above an outer join for rows that have no partner as well.
	c.must("SET sql_mode = DEFAULT; CREATE TABLE o (id INT NOT NULL, t DATETIME NOT NULL, d DATE NOT NULL); INSERT INTO o VALUES (1, '2022-01-01', '2022-01-01')")
	c.query("SELECT a.id, b.t FROM o a LEFT JOIN o b ON b.id = a.id + 1 WHERE b.t IS NULL", "1\tNULL")
	c.query("SELECT a.id, b.id FROM o a RIGHT JOIN o b ON a.id > b.id WHERE a.d IS NULL OR a.id = 7", "NULL\t1")
	c.query("SELECT COUNT(*) FROM o WHERE t IS NULL", "0")

	// The WITH of a UNION is rewritten as its sides are.
	c.query("WITH v AS (SELECT MOD(id, id) n FROM o), w AS (SELECT * FROM v WHERE n >= 0.03) SELECT * FROM v EXCEPT SELECT * FROM w", "0")

	// IN of a subquery goes by the collation where the subquery is a bare table.
	c.must("CREATE TABLE bin (s VARCHAR(5) COLLATE utf8mb4_bin); INSERT INTO bin VALUES ('b'), ('C ')")
	c.query("SELECT 'b ' COLLATE utf8mb4_bin IN (SELECT s FROM bin), CONCAT(s, ' ') NOT IN (SELECT s FROM bin), LOWER(s) IN (SELECT s FROM bin) FROM bin", "1\t0\t1\n1\t0\t0")
	c.query("SELECT id FROM o WHERE 'b  ' COLLATE utf8mb4_bin NOT IN (SELECT s FROM bin WHERE o.id)", "")
	c.query("SELECT s IN (SELECT s FROM bin UNION ALL SELECT NULL), 'q' IN (SELECT NULL FROM bin), NULL IN (SELECT s FROM bin WHERE 0) FROM bin LIMIT 1", "1\tNULL\t0")

	c.query("SELECT FIND_IN_SET('ä', 'A'), FIND_IN_SET('A', 'ä'), FIND_IN_SET('ä', 'b,A')", "0\t1\t2")
	// Columns of one name in two derived tables.
	c.query("SELECT a.x, b.x FROM (SELECT t x FROM o) a LEFT JOIN (SELECT DATEDIFF(t, d) x FROM o) b ON b.x GROUP BY 1, 2", "2022-01-01 00:00:00\tNULL")

	// Conditions on the outer row in a subquery's join and in its WHERE.
	c.must("CREATE TABLE j1 (id INT PRIMARY KEY, k INT); CREATE TABLE j2 (id INT PRIMARY KEY, k INT); INSERT INTO j1 VALUES (1, 1), (2, 2), (3, 0), (4, NULL); INSERT INTO j2 VALUES (1, 2), (2, 0)")
	c.query("SELECT id FROM j1 o WHERE EXISTS (SELECT 1 FROM j2 a LEFT JOIN j2 b ON b.k = o.k WHERE o.k > 0) ORDER BY id", "1\n2")
	c.query("SELECT id FROM j1 o WHERE EXISTS (SELECT 1 FROM j2 a JOIN j2 b ON b.k = o.k WHERE o.k > 0)", "2")
	c.query("SELECT id FROM j1 o WHERE EXISTS (SELECT 1 FROM j2 a LEFT JOIN j2 b ON b.k = o.k WHERE a.id = o.id AND b.id IS NULL)", "1")
	c.query("SELECT id FROM j1 o WHERE NOT EXISTS (SELECT 1 FROM j2 a LEFT JOIN j2 b ON b.k = o.k WHERE o.k > 0 AND b.id IS NULL) ORDER BY id", "2\n3\n4")

	// Lookups for each part of an OR, in a table that another index could read by a condition on it.
	c.must("CREATE TABLE l (id INT NOT NULL, k INT, v INT, UNIQUE KEY (id), KEY (k)); INSERT INTO l VALUES (1, 1, 1), (2, 2, 2), (3, 3, 3), (4, 1, 1), (5, 1, 1), (6, 1, 2)")
	c.query("SELECT a.id, b.id FROM l b JOIN l a ON a.k = b.v OR a.k = b.id WHERE a.id BETWEEN 1 AND 2 ORDER BY 1, 2", "1\t1\n1\t4\n1\t5\n2\t2\n2\t6")
	c.query("SELECT a.id, b.id FROM l b JOIN l a ON a.k = b.v OR a.k = b.id WHERE a.id = 2 ORDER BY 2", "2\t2\n2\t6")
	c.query("SELECT a.id, b.id FROM l b LEFT JOIN l a ON (a.k = b.v OR a.k = b.id) AND a.id BETWEEN 1 AND 2 ORDER BY 2, 1", "1\t1\n2\t2\nNULL\t3\n1\t4\n1\t5\n2\t6")
	c.query("SELECT 1 FROM l a CROSS JOIN l b WHERE 0 BETWEEN a.id AND a.id AND (NULL OR b.id = a.id)", "")
	c.must("CREATE TABLE twice (k INT, v INT, KEY (k), KEY (v)); INSERT INTO twice VALUES (1, 1), (1, 1), (1, 2), (NULL, 2), (3, 3)")
	c.query("SELECT a.id, b.k, b.v FROM l a JOIN twice b ON b.k = a.id OR b.v = a.id WHERE a.id < 3 ORDER BY 1, 2, 3", "1\t1\t1\n1\t1\t1\n1\t1\t2\n2\tNULL\t2\n2\t1\t2")

	// Sides of set operations that are all columns of a table.
	c.must("CREATE TABLE w (y DECIMAL(6, 4)); INSERT INTO w VALUES (0.3333), (1)")
	c.query("SELECT id, k, v FROM l WHERE id = 2 UNION SELECT id, k, v FROM l WHERE id = 3", "2\t2\t2\n3\t3\t3")
	c.query("SELECT * FROM l UNION ALL SELECT id, k, v FROM l WHERE id = 3 ORDER BY id LIMIT 1", "1\t1\t1")
	for _, side := range []string{"SELECT y FROM (SELECT IF(y < 1, 1, 3) / 3 y FROM w) t", "SELECT * FROM (SELECT 1 / 3 y UNION SELECT 1) t", "SELECT * FROM w", "TABLE w"} {
		c.query(side+" UNION SELECT 0.3333 ORDER BY 1", "0.3333\n1.0000")
		c.query("SELECT 0.3 UNION "+side+" ORDER BY 1", "0.3000\n0.3333\n1.0000")
		c.query(side+" EXCEPT SELECT 1 ORDER BY 1", "0.3333")
	}
	c.query("SELECT MAX(id) FROM j1 o WHERE EXISTS (SELECT 1 FROM j2 WHERE o.id > 1) AND NOT EXISTS (SELECT 1 FROM j2 WHERE 1)", "NULL")
	c.query("SELECT id FROM j1 WHERE EXISTS (SELECT 1 FROM j2) AND NOT EXISTS (SELECT 1 FROM j2) AND id > 1", "")
	c.query("SELECT id FROM j1 WHERE EXISTS (SELECT 1 FROM j2) AND NOT EXISTS (SELECT 1 FROM j2 WHERE id > 9) AND id > 1", "2\n3\n4")
	c.query("SELECT id FROM j1 WHERE id IN (SELECT id FROM j1 WHERE EXISTS (SELECT 1 FROM j2) AND NOT EXISTS (SELECT 1 FROM j2 LIMIT 0))", "1\n2\n3\n4")

	c.must("CREATE TABLE three (id INT PRIMARY KEY, x INT, y INT); INSERT INTO three VALUES (1, 1, 2), (2, 2, 3), (3, 3, 4)")
	for _, from := range []string{"three", "three t", "(SELECT * FROM three) t", "(SELECT id, x / 1 x, y FROM three) t", "(SELECT * FROM three UNION SELECT 9, 9, 9) t"} {
		c.query("SELECT id, y FROM (SELECT * FROM "+from+" WHERE id = 2 UNION SELECT * FROM "+from+" WHERE id = 3) u ORDER BY id", "2\t3\n3\t4")
		c.query("SELECT COUNT(x), MAX(y) FROM (SELECT id, x, y FROM "+from+" WHERE id = 2 UNION ALL SELECT id, x, y FROM "+from+" WHERE id = 3 UNION ALL SELECT 1.5, 'a', 2) u", "3\t4")
	}
	c.query("SELECT id, x, y FROM three WHERE id = 2 UNION SELECT id, x, y FROM three WHERE id = 3 ORDER BY id", "2\t2\t3\n3\t3\t4")
	c.query("SELECT * FROM (SELECT * FROM three) t WHERE id = 2 UNION SELECT * FROM (SELECT * FROM three) t WHERE id = 3 ORDER BY id", "2\t2\t3\n3\t3\t4")
	// Integers that an indexed DECIMAL has no room for.
	c.must("CREATE TABLE small (id DECIMAL(3, 1) PRIMARY KEY, f DECIMAL(2, 2), KEY (f)); INSERT INTO small VALUES (99.9, 0.5), (-99.9, 0)")
	for _, where := range []string{"id < 100", "100 > id", "id >= -100", "id <> 100", "id BETWEEN -1000 AND 18446744073709551615", "id IN (99.9, 100, -99.9)", "NOT id = 100", "f < 1", "f IN (0, 0.5)"} {
		c.query("SELECT id FROM small WHERE "+where+" ORDER BY id", "-99.9\n99.9")
		c.query("SELECT b.id FROM small a JOIN small b ON "+strings.NewReplacer("id", "b.id", "f ", "b.f ").Replace(where)+" WHERE a.id = 99.9 ORDER BY b.id", "-99.9\n99.9")
	}
	c.query("SELECT id FROM small WHERE id = 100 OR id > 100 OR id <=> 1000 OR f = 0", "-99.9")
	c.must("UPDATE small SET f = 0.1 WHERE id < 100; DELETE FROM small WHERE id = 100")
	c.query("SELECT COUNT(*), SUM(f) FROM small", "2\t0.20")
	// NULL that ALTER TABLE copies into an ENUM NOT NULL is no member.
	c.must("SET sql_mode = ''; CREATE TABLE en (a INT); INSERT INTO en VALUES (NULL); ALTER TABLE en MODIFY a ENUM('x', 'y') NOT NULL; SET sql_mode = DEFAULT")
	c.query("SELECT a + 0 FROM en", "0")
	// Times and years are the same texts in binary columns.
	c.must("CREATE TABLE bins (a VARBINARY(10), b BINARY(10), c BLOB, y VARBINARY(4)); CREATE TABLE moments (d DATE, dt DATETIME(3), tm TIME, y YEAR); INSERT INTO moments VALUES ('2020-01-02', '2020-01-02 03:04:05.678', '01:02:03', 2001)")
	c.must("INSERT INTO bins SELECT d, d, dt, y FROM moments; ALTER TABLE moments MODIFY d VARBINARY(10), MODIFY tm BLOB, MODIFY y VARBINARY(4)")
	c.query("SELECT * FROM bins", "2020-01-02\t2020-01-02\t2020-01-02 03:04:05.678\t2001")
	c.query("SELECT * FROM moments", "2020-01-02\t2020-01-02 03:04:05.678\t01:02:03\t2001")
	// A row that a whole key's values look up is not sorted, so that nothing is wrong with what it would be sorted by.
	c.must("CREATE TABLE uns (id INT PRIMARY KEY, n INT UNSIGNED); INSERT INTO uns VALUES (1, 2), (2, 3)")
	for _, end := range []string{"", " LIMIT 1", " LIMIT 1 OFFSET 0"} {
		c.query("SELECT id FROM uns WHERE id = 1 AND n > 0 ORDER BY 1 - n"+end, "1")
		c.fails("SELECT id FROM uns WHERE id < 3 ORDER BY 1 - n"+end, mysqlerr.ER_DATA_OUT_OF_RANGE, "BIGINT UNSIGNED value is out of range in '(1 - `d`.`uns`.`n`)'")
	}
	c.query("SELECT id FROM uns WHERE id = 1 ORDER BY 1 - n LIMIT 1 OFFSET 1", "")
}

// What is computed with an average or a sum of quotients has more digits than these show.
func TestDigitsKept(t *testing.T) {
	c := newServer(t).client()
	c.must("CREATE DATABASE d; USE d; CREATE TABLE a (g INT, x INT); INSERT INTO a VALUES (1, 1), (1, 1), (1, 2), (2, 5), (2, 5), (2, 6)")
	for query, want := range map[string]string{
		"SELECT AVG(x), AVG(x) * 3, AVG(x) + 0e0, ROUND(AVG(x), 9), CONCAT(AVG(x)), JSON_ARRAY(AVG(x)) FROM a WHERE g = 1":    "1.3333\t4.0000\t1.333333333\t1.333333333\t1.3333\t[1.3333]",
		"SELECT g, AVG(x) * 3 y FROM a GROUP BY g HAVING AVG(x) * 3 > 3.9999 ORDER BY y":                                      "1\t4.0000\n2\t16.0000",
		"SELECT g, AVG(x) y FROM a GROUP BY g HAVING y * 3 > 3.9999 ORDER BY AVG(x) DESC":                                     "2\t5.3333\n1\t1.3333",
		"SELECT g FROM a GROUP BY g HAVING AVG(x) > 1.3333 ORDER BY -AVG(x) LIMIT 5":                                          "2\n1",
		"SELECT g, SUM(x) * 3 y FROM a GROUP BY g HAVING y > 12 OR COUNT(*) > 2 ORDER BY y DESC, COUNT(*) * 2":                "2\t48\n1\t12",
		"SELECT DISTINCT AVG(x), AVG(x) * 3 FROM a GROUP BY g ORDER BY 1":                                                     "1.3333\t4.0000\n5.3333\t16.0000",
		"SELECT g, AVG(x) * 3 FROM a GROUP BY g WITH ROLLUP":                                                                  "1\t4.0000\n2\t16.0000\nNULL\t10.0000",
		"SELECT SUM(x / 3), SUM(x / 3) * 3 FROM a WHERE g = 1":                                                                "1.3333\t4.0000",
		"SELECT y, y * 3 FROM (SELECT AVG(x) y, AVG(x) * 3 FROM a WHERE g = 1) t":                                             "1.3333\t3.9999",
		"SELECT AVG(x) * 3 FROM a GROUP BY g UNION SELECT 4.0000 ORDER BY 1":                                                  "4.0000\n16.0000",
		"SELECT AVG(x + 0e0) * 3, AVG(DISTINCT x) * 3 FROM a WHERE g = 1":                                                     "4\t4.5000",
		"SELECT SQRT(1 / 3), LN(1 / 3), LOG(2, 1 / 3), LOG2(1 / 3), LOG10(1 / 3), SQRT((SELECT 1 / 3))":                       "0.5773502689009506\t-1.0986122896681096\t-1.5849625021638512\t-1.5849625021638512\t-0.47712125515395687\t0.5773502689009506",
		"SELECT SIN(1 / x), COS(1 / x), TAN(1 / x), COT(1 / x), ASIN(1 / x), ATAN(1 / x), DEGREES(1 / x) FROM (SELECT 3 x) t": "0.3271946964811666\t0.9449569464238026\t0.34625354913727835\t2.888057039390901\t0.3398369091005685\t0.3217505540966422\t19.09859315192885",
	} {
		c.query(query, want)
	}
	c.must("CREATE TABLE b AS SELECT AVG(x) y, AVG(x) * 3 z FROM a WHERE g = 1")
	c.query("SELECT y * 3, z FROM b", "3.9999\t4.0000")
}

// WHERE above joins on the side of an outer join that may be missing.
func TestWhereAboveOuterJoins(t *testing.T) {
	c := newServer(t).client()
	c.must("CREATE DATABASE d; USE d; CREATE TABLE o (id INT, v INT); INSERT INTO o VALUES (1, 1), (2, 5), (3, NULL)")
	for query, want := range map[string]string{
		"SELECT c.id FROM o a CROSS JOIN o b RIGHT JOIN o c ON NULL WHERE a.v > b.v":                                                                           "",
		"SELECT c.id FROM o c LEFT JOIN (o a CROSS JOIN o b) ON a.id = 2 WHERE a.v > b.v ORDER BY 1":                                                           "1\n2\n3",
		"SELECT c.id FROM o c LEFT JOIN (o a CROSS JOIN o b) ON a.id = c.id WHERE a.v > b.v":                                                                   "2",
		"SELECT c.id FROM o c LEFT JOIN (o a CROSS JOIN o b) ON a.id = c.id WHERE a.v > b.v OR a.v IS NULL GROUP BY 1 ORDER BY 1":                              "2\n3",
		"SELECT a.id, b.id, c.id FROM o a CROSS JOIN o b LEFT JOIN o c ON c.id = 9 WHERE a.v > b.v OR c.v IS NOT NULL":                                         "2\t1\tNULL",
		"SELECT a.id, b.id, c.id FROM o a CROSS JOIN o b LEFT JOIN o c ON c.id = a.id WHERE a.v = b.v AND a.id = b.id ORDER BY 1":                              "1\t1\t1\n2\t2\t2",
		"SELECT a.id, b.id, c.id FROM o a CROSS JOIN o b CROSS JOIN o c WHERE a.v = b.v AND b.v = c.v ORDER BY 1":                                              "1\t1\t1\n2\t2\t2",
		"SELECT a.id, b.id, c.id FROM o a CROSS JOIN o b CROSS JOIN o c WHERE (a.v = b.v OR c.id = 3) AND c.v IS NULL AND a.id = 1 AND b.id < 3 ORDER BY 1, 2": "1\t1\t3\n1\t2\t3",
	} {
		c.query(query, want)
	}
}

// <=> with the outer row's NULL, where an index is.
func TestOuterNulls(t *testing.T) {
	c := newServer(t).client()
	c.must("CREATE DATABASE d; USE d; CREATE TABLE n (id INT, k VARCHAR(10), t TEXT, KEY (k), KEY (t(3))); INSERT INTO n VALUES (1, NULL, NULL), (2, 'a', 'abcd'), (3, NULL, 'abce')")
	c.query("SELECT id FROM n o WHERE id IN (SELECT id FROM n WHERE k <=> o.k) ORDER BY id", "1\n2\n3")
	c.query("SELECT id FROM n o WHERE id IN (SELECT id FROM n WHERE o.t <=> t AND id <= o.id) ORDER BY id", "1\n2\n3")
	c.query("SELECT id, (SELECT COUNT(*) FROM n WHERE k <=> o.k) FROM n o ORDER BY id", "1\t2\n2\t1\n3\t2")
	c.query("SELECT id, (SELECT COUNT(*) FROM n WHERE k = o.k) FROM n o ORDER BY id", "1\t0\n2\t1\n3\t0")
	c.query("SELECT id FROM n o WHERE NOT EXISTS (SELECT 1 FROM n WHERE k <=> o.k AND id <> o.id) ORDER BY id", "2")
	c.query("SELECT a.id, b.id FROM n a JOIN n b ON b.k <=> a.k OR b.k = a.t ORDER BY 1, 2", "1\t1\n1\t3\n2\t2\n3\t1\n3\t3")
	c.query("SELECT a.id, b.id FROM n a LEFT JOIN n b ON b.k <=> a.k OR b.k = a.t ORDER BY 1, 2", "1\t1\n1\t3\n2\t2\n3\t1\n3\t3")
	c.must("CREATE TABLE two (id INT PRIMARY KEY, a INT, b INT, KEY (a, b)); INSERT INTO two VALUES (1, NULL, 1), (2, NULL, NULL), (3, 1, NULL), (4, 1, 1)")
	c.query("SELECT o.id, (SELECT GROUP_CONCAT(id ORDER BY id) FROM two WHERE a <=> o.a AND b = o.b) FROM two o ORDER BY 1", "1\t1\n2\tNULL\n3\tNULL\n4\t4")
	c.query("SELECT o.id, (SELECT GROUP_CONCAT(id ORDER BY id) FROM two WHERE a <=> o.a AND b <=> o.b) FROM two o ORDER BY 1", "1\t1\n2\t2\n3\t3\n4\t4")
	c.query("SELECT o.id, (SELECT GROUP_CONCAT(id ORDER BY id) FROM two WHERE a = o.a AND b <=> o.b) FROM two o ORDER BY 1", "1\tNULL\n2\tNULL\n3\t3\n4\t4")
	c.query("SELECT o.id FROM two o WHERE EXISTS (SELECT 1 FROM two WHERE a <=> o.a AND b <=> o.b AND id = o.id) ORDER BY 1", "1\n2\n3\n4")
}

// Conditions within subqueries that go up, beside those that stay.
func TestHoistedConditions(t *testing.T) {
	c := newServer(t).client()
	c.must("CREATE DATABASE d; USE d; CREATE TABLE o (id INT PRIMARY KEY, v INT); INSERT INTO o VALUES (1, 1), (2, 5), (3, NULL)")
	const in = "EXISTS (SELECT 1 FROM o a JOIN o b ON a.v = b.v WHERE o.v IN (SELECT d.v FROM o d WHERE "
	for query, want := range map[string]string{
		"NOT " + in + "NULL AND d.v < b.v)) ORDER BY 1":        "1\n2\n3",
		"NOT " + in + "d.v < b.v AND RAND() < 0)) ORDER BY 1":  "1\n2\n3",
		"NOT " + in + "d.v < b.v AND RAND() >= 0)) ORDER BY 1": "2\n3",
		in + "d.v < b.v AND RAND() >= 0)) ORDER BY 1":          "1",
		in + "d.v <= b.v AND o.id < 3)) ORDER BY 1":            "1\n2",
	} {
		c.query("SELECT id FROM o WHERE "+query, want)
	}
}

// EXISTS of a query that has a condition, but none of the outer row, beside queries of the outer row.
func TestExistsForAllRows(t *testing.T) {
	c := newServer(t).client()
	c.must("CREATE DATABASE d; USE d; CREATE TABLE o (id INT PRIMARY KEY, v INT); INSERT INTO o VALUES (1, 1), (2, 5), (3, NULL)")
	for query, want := range map[string]string{
		"SELECT id FROM o WHERE EXISTS (SELECT 1 FROM o x WHERE x.v) AND EXISTS (SELECT 1 FROM o z WHERE z.v = o.v) ORDER BY 1":                                                         "1\n2",
		"SELECT id FROM o WHERE EXISTS (SELECT 1 FROM o x WHERE x.v > 9) AND EXISTS (SELECT 1 FROM o z WHERE z.v = o.v)":                                                                "",
		"SELECT id FROM o WHERE EXISTS (SELECT 1 FROM o x WHERE x.v = 5) AND NOT EXISTS (SELECT 1 FROM o z WHERE z.v = o.v)":                                                            "3",
		"SELECT id FROM o WHERE EXISTS (SELECT 1 FROM o x JOIN o y ON x.v = 5) AND id > 1 AND EXISTS (SELECT 1 FROM o z WHERE z.v = o.v)":                                               "2",
		"SELECT id FROM o WHERE NOT EXISTS (SELECT 1 FROM o x WHERE x.v > 9) AND EXISTS (SELECT 1 FROM o z WHERE z.v = o.v) ORDER BY 1":                                                 "1\n2",
		"SELECT a.id FROM o a LEFT JOIN o b ON b.v = 5 WHERE EXISTS (SELECT 1 FROM o x WHERE x.v) AND EXISTS (SELECT 1 FROM o z WHERE z.v = b.id) AND EXISTS (SELECT 1 FROM o WHERE v)": "",
	} {
		c.query(query, want)
	}
}

// A star shows every column of a name where USING has made one of two of them; two items of a select list may have one name, subqueries among them.
func TestNamesTwice(t *testing.T) {
	c := newServer(t).client()
	c.must("CREATE DATABASE d; USE d; CREATE TABLE u1 (a INT, x INT); CREATE TABLE u2 (a INT, y INT); CREATE TABLE u3 (a INT, z INT)")
	c.must("INSERT INTO u1 VALUES (1, 1); INSERT INTO u2 VALUES (1, 2); INSERT INTO u3 VALUES (5, 3)")
	c.query("SELECT * FROM (u1 JOIN u2 USING (a)), u3", "1\t1\t2\t5\t3")
	c.query("SELECT * FROM u3, (u1 NATURAL JOIN u2)", "5\t3\t1\t1\t2")
	c.query("SELECT * FROM u1 JOIN u2 USING (a) JOIN u3 ON u3.z = 3", "1\t1\t2\t5\t3")
	c.query("SELECT * FROM u1 JOIN u2 USING (a) LEFT JOIN u3 USING (a)", "1\t1\t2\tNULL")
	c.must("CREATE VIEW v AS SELECT u3.z, d.* FROM (SELECT u1.x FROM u1 JOIN u2 USING (a)) d, u3")
	c.query("SELECT * FROM v", "3\t1")
	c.query("SELECT (SELECT 1 FROM u2 WHERE u2.a = u1.a) AS n, x + 8 AS n, (SELECT y FROM u2 WHERE u2.a = u1.a) AS n FROM u1", "1\t9\t2")
}

// Columns of different types are joined by an index or a hash table where their values can be equal, and exactly.
func TestJoinsOfOtherTypes(t *testing.T) {
	c := newServer(t).client()
	c.must("CREATE DATABASE d; USE d; CREATE TABLE i (a INT, b BIGINT); CREATE TABLE u (a INT UNSIGNED PRIMARY KEY, b BIGINT UNSIGNED, KEY (b)); CREATE TABLE o (n DECIMAL(20,2), f DOUBLE, s VARCHAR(20), d DATE, t DATETIME)")
	c.must("INSERT INTO i VALUES (-1, -1), (1, 9007199254740993), (2, 2), (NULL, NULL); INSERT INTO u VALUES (4294967295, 18446744073709551615), (1, 9007199254740992), (2, 2)")
	c.must("INSERT INTO o VALUES (1, -0.0, '01', '2020-01-01', '2020-01-01 00:00:00'), (2.00, 2, '2x', '2020-01-02', '2020-01-02 00:00:01'), (2.5, 0, NULL, NULL, NULL)")
	for _, q := range []struct{ query, want string }{
		{"SELECT i.a, u.a FROM i, u WHERE i.a = u.a ORDER BY 1", "1\t1\n2\t2"},
		{"SELECT i.a, u.a FROM i LEFT JOIN u ON i.a = u.a ORDER BY 1", "NULL\tNULL\n-1\tNULL\n1\t1\n2\t2"},
		{"SELECT i.b, u.b FROM i, u WHERE i.b = u.b", "2\t2"},
		{"SELECT i.b, u.b FROM i JOIN u IGNORE INDEX (b) ON i.b = u.b", "2\t2"},
		{"SELECT i.a, o.n FROM i, o WHERE i.a = o.n ORDER BY 1", "1\t1.00\n2\t2.00"},
		{"SELECT i.a, o.f FROM i, o WHERE i.a - 2 = o.f AND i.a = 2", "2\t0\n2\t0"},
		{"SELECT i.a, o.s FROM i, o WHERE i.a = o.s ORDER BY 1", "1\t01\n2\t2x"},
		{"SELECT x.d, y.t FROM o x, o y WHERE x.d = y.t", "2020-01-01\t2020-01-01 00:00:00"},
		{"SELECT a FROM i WHERE a NOT IN (SELECT a FROM u) ORDER BY 1", "-1"},
		{"SELECT a FROM i WHERE NOT EXISTS (SELECT 1 FROM o WHERE o.n = i.a) ORDER BY 1", "NULL\n-1"},
	} {
		c.query(q.query, q.want)
	}
	c.must("CREATE TABLE many (a INT UNSIGNED, s VARCHAR(9)); INSERT INTO many WITH RECURSIVE n AS (SELECT 1 AS k UNION ALL SELECT k + 1 FROM n WHERE k < 1000) SELECT k, k FROM n")
	c.must("CREATE TABLE much (a INT, b DECIMAL(9,1)); INSERT INTO much SELECT a, a FROM many")
	for _, on := range []string{"many.a = much.a", "many.a = much.b", "many.s = much.a"} {
		c.query("SELECT COUNT(*) FROM many JOIN much ON "+on, "1000")
		if plan := c.must("EXPLAIN FORMAT=TREE SELECT COUNT(*) FROM many, much WHERE " + on); !strings.Contains(plan.String(), "hash join") {
			t.Errorf("%s: %s", on, plan.String())
		}
	}
}

// An aggregate in a subquery of GROUP BY is the subquery's own; one of HAVING keeps what it counts where a semi-join renames its table.
func TestAggregatesOfSubqueries(t *testing.T) {
	c := newServer(t).client()
	c.must("CREATE DATABASE d; USE d; CREATE TABLE t (f1 INT, f2 INT, f3 INT, KEY (f2)); INSERT INTO t VALUES (1, 1, 1), (2, 1, 2), (3, 2, 2); CREATE VIEW v AS SELECT * FROM t")
	c.fails("SELECT (SELECT MIN(t.f2) FROM t x) AS sq FROM t GROUP BY sq", mysqlerr.ER_WRONG_GROUP_FIELD, "Can't group on 'sq'")
	c.fails("SELECT (SELECT MIN(v.f2) FROM t) FROM v GROUP BY 1", mysqlerr.ER_WRONG_GROUP_FIELD, "Can't group on '(SELECT MIN(v.f2) FROM t)'")
	c.query("SELECT * FROM t WHERE f2 IN (SELECT f2 FROM t GROUP BY f2 HAVING COUNT(DISTINCT f3) = 1)", "3\t2\t2")
	c.query("SELECT * FROM t WHERE f2 IN (SELECT f2 FROM t GROUP BY f2 HAVING GROUP_CONCAT(f3 ORDER BY f3) = '1,2') ORDER BY 1", "1\t1\t1\n2\t1\t2")
}

// HAVING names what the select list shows before it names the tables' columns.
func TestHavingOfItems(t *testing.T) {
	c := newServer(t).client()
	c.must("CREATE DATABASE d; USE d; CREATE TABLE g (id INT, a INT); CREATE TABLE h (id INT, a INT); INSERT INTO g VALUES (1, 2), (2, 3); INSERT INTO h VALUES (1, 5), (2, 6)")
	c.query("SELECT g.a FROM g JOIN h ON g.id = h.id HAVING a > 2", "3")
	c.query("SELECT h.a, g.id FROM g JOIN h USING (id) HAVING A < 6 AND id = 1", "5\t1")
	c.query("SELECT g.a, SUM(h.a) s FROM g JOIN h ON g.id = h.id GROUP BY g.a HAVING a > 2 AND s > 1", "3\t6")
	c.fails("SELECT g.a, h.a FROM g JOIN h ON g.id = h.id HAVING a > 2", mysqlerr.ER_NON_UNIQ_ERROR, "Column 'a' in having clause is ambiguous")
}

// Groups and windows hand up what subqueries above them use: in the select list of a join, in HAVING, in ORDER BY, beside a window.
func TestSubqueriesOverGroups(t *testing.T) {
	c := newServer(t).client()
	c.must("CREATE DATABASE d; USE d; CREATE TABLE p (id INT PRIMARY KEY, name VARCHAR(9)); CREATE TABLE b (id INT PRIMARY KEY, pages INT, pid INT, KEY (pid)); CREATE TABLE b2 LIKE b")
	c.must("INSERT INTO p VALUES (1, 'a'), (2, 'b'), (3, 'c'); INSERT INTO b VALUES (1, 500, 1), (2, 100, 2), (3, 600, 3), (4, 100, 3); INSERT INTO b2 SELECT * FROM b")
	const join = "FROM p JOIN b ON p.id = b.pid GROUP BY p.id "
	for _, q := range []struct{ query, want string }{
		{"SELECT p.name, COUNT(*), (SELECT COUNT(*) FROM b2 WHERE b2.pid = p.id) " + join, "a\t1\t1\nb\t1\t1\nc\t2\t2"},
		{"SELECT p.name, (SELECT p.id) x " + join + "HAVING x > 1 ORDER BY x DESC", "c\t3\nb\t2"},
		{"SELECT p.name, (SELECT p.id + COUNT(b.id)) x " + join + "ORDER BY x DESC", "c\t5\nb\t3\na\t2"},
		{"SELECT name FROM p GROUP BY id HAVING (SELECT p.id) = 2", "b"},
		{"SELECT p.name " + join + "HAVING COUNT(*) = (SELECT COUNT(*) FROM b2 WHERE b2.pid = p.id AND pages > 400)", "a"},
		{"SELECT name FROM p GROUP BY id ORDER BY (SELECT -p.id)", "c\nb\na"},
		{"SELECT p.name " + join + "ORDER BY (SELECT -p.id) LIMIT 1", "c"},
		{"SELECT p.name, (SELECT MAX(u.id) FROM b u WHERE u.pid = p.id AND EXISTS (SELECT 1 FROM b w WHERE w.pid = p.id AND w.id >= u.id)) x " + join + "ORDER BY x", "a\t1\nb\t2\nc\t4"},
		{"SELECT (SELECT q.id) x FROM (SELECT * FROM p) q JOIN b ON q.id = b.pid GROUP BY q.id ORDER BY x DESC", "3\n2\n1"},
		{"SELECT CASE WHEN (SELECT COUNT(*) FROM b2 WHERE b2.pid = p.id) > 1 THEN 'many' ELSE 'one' END k, COUNT(*) FROM p JOIN b ON p.id = b.pid GROUP BY k ORDER BY k", "many\t2\none\t2"},
		{"SELECT name, ROW_NUMBER() OVER (ORDER BY name DESC) r, (SELECT COUNT(*) FROM b WHERE pid = p.id) FROM p ORDER BY name", "a\t3\t1\nb\t2\t1\nc\t1\t2"},
		{"SELECT name, ROW_NUMBER() OVER (ORDER BY name DESC) r FROM p ORDER BY (SELECT MAX(pages) FROM b WHERE pid = p.id)", "b\t2\na\t3\nc\t1"},
		{"SELECT (SELECT COUNT(*) " + join + "HAVING COUNT(*) > (SELECT COUNT(*) FROM b2 WHERE b2.pid = p.id AND b2.id < 4) LIMIT 1)", "2"},
		{"SELECT p.id, SUM(b.id IN (SELECT u.id FROM b u WHERE u.pages = 600)) FROM p JOIN b FORCE INDEX (pid) ON p.id = b.pid GROUP BY p.id ORDER BY p.id", "1\t0\n2\t0\n3\t1"},
		{"SELECT pid, SUM(b.id IN (SELECT id FROM b2 WHERE pages = 600)) FROM b GROUP BY pid WITH ROLLUP", "1\t0\n2\t0\n3\t1\nNULL\t1"},
		{"SELECT id, SUM(b.id IN (SELECT id FROM b2 WHERE pages > 100)) OVER (PARTITION BY pid) FROM b ORDER BY id", "1\t1\n2\t0\n3\t1\n4\t1"},
		{"SELECT id, SUM(b.id IN (SELECT id FROM b2 WHERE pages > 100)) OVER (ORDER BY id DESC ROWS 1 PRECEDING) FROM b ORDER BY id", "1\t1\n2\t1\n3\t1\n4\t0"},
		{"SELECT * FROM (SELECT p.name, (SELECT MAX(pages) FROM b2 WHERE pid = p.id) m " + join + ") x ORDER BY m", "b\t100\na\t500\nc\t600"},
	} {
		c.query(q.query, q.want)
	}
	c.must("INSERT INTO b2 SELECT 100 + p.id, (SELECT MAX(pages) FROM b WHERE b.pid = p.id) + COUNT(*), 0 " + join)
	c.query("SELECT id, pages FROM b2 WHERE pid = 0 ORDER BY id", "101\t501\n102\t101\n103\t602")
	c.fails("SELECT p.name, (SELECT b.id) "+join, mysqlerr.ER_WRONG_FIELD_WITH_GROUP, "Expression #2 of SELECT list is not in GROUP BY clause and contains nonaggregated column 'd.b.id' "+
		"which is not functionally dependent on columns in GROUP BY clause; this is incompatible with sql_mode=only_full_group_by")
}

// LIKE of a binary pattern goes by bytes, whatever the column's collation.
func TestLikeBinary(t *testing.T) {
	c := newServer(t).client()
	c.must("CREATE DATABASE d; USE d; CREATE TABLE t (l VARCHAR(9), f VARCHAR(9), KEY (l)); INSERT INTO t VALUES ('Jackson', 'Jack'), ('jackson', 'Jack')")
	for _, where := range []string{"l LIKE BINARY 'Jack%'", "l LIKE BINARY CONCAT(f, '%')", "l LIKE CAST('Jack%' AS BINARY)", "l LIKE CONCAT(BINARY f, '%')", "l NOT LIKE BINARY 'jack%'",
		"l LIKE BINARY 'Jackson'", "l LIKE BINARY 'Jack|son' ESCAPE '|'", "BINARY l LIKE 'Jack%'", "l LIKE BINARY CONCAT(REPLACE(f, '%', '\\%'), '%')"} {
		c.query("SELECT l FROM t WHERE "+where, "Jackson")
	}
}
