package general

import (
	"testing"

	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// Changes that the differential tester found wrong, each by the smallest statements that show it.

// An aggregate of a comparison with a binary literal is found again by its text; a view may compare an indexed ENUM with what is no member; DAYNAME says nothing of NULL.
func TestListsAndViews(t *testing.T) {
	c := newServer(t).client()
	c.must("CREATE DATABASE d COLLATE utf8mb4_general_ci; USE d")
	c.must("CREATE TABLE v (b VARBINARY(5), n INT, KEY (b)); INSERT INTO v VALUES ('A', 1), ('ab', 2)")
	c.query("SELECT COUNT(b = x'41') FROM v", "2")
	c.query("SELECT n, SUM(b IN (x'41', x'42')) FROM v GROUP BY n ORDER BY SUM(b = x'41'), n", "2\t0\n1\t1")
	c.query("SELECT b = x'41', COUNT(*) FROM v GROUP BY b = x'41' ORDER BY b = x'41'", "0\t1\n1\t1")
	c.query("SELECT MAX(n) FROM v WHERE b = x'41' AND b = x'41' HAVING MIN(b = x'41')", "1")

	c.must("CREATE TABLE e (e ENUM('a','b'), n INT, KEY (e)); INSERT INTO e VALUES ('a', 1), ('b', 2)")
	c.must("CREATE VIEW ev AS SELECT n FROM e WHERE e > '1x' AND '' < e WITH CHECK OPTION")
	c.query("SELECT * FROM ev ORDER BY n", "1\n2")

	c.query("SELECT DAYNAME(NULL), DAYNAME('2020-01-01')", "NULL\tWednesday")
	c.query("SHOW WARNINGS", "")
	c.query("SELECT UNCOMPRESSED_LENGTH(COMPRESS('a')) - 3, REPLACE('a', 'x', NULL), REPLACE(_binary'a', 'x', NULL), REPLACE('a', '', 'b')", "-2\tNULL\tNULL\ta")
}

// A constant condition is computed when the statement is optimized, from the left until the rest no longer matters.
func TestConstantConditions(t *testing.T) {
	c := newServer(t).client()
	c.must("CREATE DATABASE d COLLATE utf8mb4_general_ci; USE d; CREATE TABLE t (a INT)")
	for _, q := range []string{"DELETE FROM t WHERE 'x'", "UPDATE t SET a = 1 WHERE 'x' AND a", "DELETE FROM t WHERE a = 1 OR 'x'", "DELETE FROM t WHERE 'x' AND 0"} {
		c.fails(q, mysqlerr.ER_TRUNCATED_WRONG_VALUE, "Truncated incorrect DOUBLE value: 'x'")
	}
	for _, q := range []string{"DELETE FROM t WHERE 0 AND 'x'", "UPDATE t SET a = 1 WHERE 1 OR 'x'", "DELETE IGNORE FROM t WHERE 'x'", "UPDATE IGNORE t SET a = 1 WHERE 'x'"} {
		c.must(q)
	}
	c.must("SET sql_mode = ''; DELETE FROM t WHERE 'x'")
}

// INSERT ... SELECT of the table itself reads to the end before it writes; the id of a row that was given one is forgotten where the table has triggers.
func TestInsertSelect(t *testing.T) {
	c := newServer(t).client()
	c.must("CREATE DATABASE d COLLATE utf8mb4_general_ci; USE d")
	c.must("CREATE TABLE t (a INT PRIMARY KEY, n INT); INSERT INTO t VALUES (1, 1), (2, 0)")
	c.fails("INSERT INTO t SELECT a, 1 FROM t WHERE n DIV n ORDER BY a", mysqlerr.ER_DIVISION_BY_ZERO, "Division by 0")
	c.fails("INSERT INTO t SELECT a, 1 FROM (SELECT 1 a UNION ALL SELECT 2) x WHERE (SELECT n DIV n FROM t WHERE t.a = x.a) ORDER BY a", mysqlerr.ER_DIVISION_BY_ZERO, "Division by 0")
	c.must("CREATE TABLE s LIKE t; INSERT INTO s SELECT * FROM t")
	c.fails("INSERT INTO s SELECT a, 1 FROM t WHERE n DIV n ORDER BY a", mysqlerr.ER_DUP_ENTRY, "Duplicate entry '1' for key 's.PRIMARY'")
}

// What an UPDATE leaves alone is not looked at again though the table has triggers; NULL is refused before what is assigned next, unless a trigger may mend it.
func TestUpdateOrder(t *testing.T) {
	c := newServer(t).client()
	c.must("CREATE DATABASE d; USE d; CREATE TABLE t (a INT NOT NULL, v VARCHAR(2), d DATE); INSERT IGNORE INTO t VALUES (1, 'x', '0000-00-00')")
	c.fails("UPDATE t SET a = NULL, v = 'too long'", mysqlerr.ER_BAD_NULL_ERROR, "Column 'a' cannot be null")
	c.fails("UPDATE t SET v = 'too long', a = NULL", mysqlerr.ER_DATA_TOO_LONG, "Data too long for column 'v' at row 1")
	c.must("CREATE TRIGGER r BEFORE UPDATE ON t FOR EACH ROW SET NEW.a = IFNULL(NEW.a, 7); UPDATE t SET a = NULL, v = 'y'")
	c.query("SELECT * FROM t", "7\ty\t0000-00-00")
	c.fails("UPDATE t SET d = '2020-02-30'", mysqlerr.ER_TRUNCATED_WRONG_VALUE, "Incorrect date value: '2020-02-30' for column 'd' at row 1")
}

// A table whose rows are copied has its dates looked at, as far as the sql_mode forbids some.
func TestAlterLooksAtDates(t *testing.T) {
	c := newServer(t).client()
	c.must("CREATE DATABASE d; USE d; CREATE TABLE t (a INT, d DATE NOT NULL, m DATETIME); INSERT IGNORE INTO t VALUES (1, '0000-00-00', NULL), (NULL, '2020-01-01', NULL)")
	c.fails("ALTER TABLE t MODIFY a BIGINT NOT NULL", mysqlerr.ER_TRUNCATED_WRONG_VALUE, "Incorrect date value: '0000-00-00' for column 'd' at row 1")
	c.fails("ALTER TABLE t MODIFY a INT NOT NULL", mysqlerr.ER_INVALID_USE_OF_NULL, "Invalid use of NULL value")
	c.must("ALTER TABLE t ADD COLUMN b INT, ADD KEY (d)")
	c.must("SET sql_mode = ''; ALTER TABLE t MODIFY a BIGINT; UPDATE t SET m = 0; SET sql_mode = DEFAULT")
	c.fails("ALTER TABLE t MODIFY b BIGINT, DROP COLUMN d", mysqlerr.ER_TRUNCATED_WRONG_VALUE, "Incorrect datetime value: '0000-00-00 00:00:00' for column 'm' at row 1")
}
