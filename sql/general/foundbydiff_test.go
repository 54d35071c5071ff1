package general

import (
	"fmt"
	"strings"
	"testing"

	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// Answers that the differential tester found wrong, each by the smallest statements that show it.
func TestFoundByDifferences(t *testing.T) {
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
	c.must("SET sql_mode = 'PAD_CHAR_TO_FULL_LENGTH'; DELETE FROM p; SET sql_mode = DEFAULT")
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
