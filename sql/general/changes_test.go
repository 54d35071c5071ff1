package general

import (
	"testing"

	"github.com/zoryadb/zorya/sql/mysqlerr"
)

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
	// What rows are kept by ends at the first part that is not true, NULL too; a condition elsewhere does not.
	c.must("CREATE TABLE n (a INT, b INT, s VARCHAR(9)); INSERT INTO n VALUES (NULL, 1, 'x')")
	for _, q := range []string{"DELETE FROM n WHERE a AND s", "UPDATE n SET b = 2 WHERE b = 9 OR (a AND s)", "DELETE FROM n WHERE b = 1 AND (a AND s AND b)"} {
		c.must(q)
	}
	c.query("SELECT * FROM n", "NULL\t1\tx")
	// A part guards those behind it, whatever an index takes of the condition.
	c.must("CREATE TABLE kinds (id INT PRIMARY KEY, kind VARCHAR(9), v VARCHAR(9)); INSERT INTO kinds VALUES (1, 'text', 'x'), (2, 'number', '7'), (3, 'number', '1')")
	for _, q := range []string{"DELETE FROM kinds WHERE id < 3 AND kind = 'number' AND v + 0 > 5", "UPDATE kinds SET kind = 'n' WHERE id > 0 AND (kind = 'number' AND v + 0 < 5)"} {
		c.must(q)
	}
	c.query("SELECT * FROM kinds", "1\ttext\tx\n3\tn\t1")
	c.fails("DELETE FROM n WHERE (a AND s) IS TRUE", mysqlerr.ER_TRUNCATED_WRONG_VALUE, "Truncated incorrect DOUBLE value: 'x'")
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

// NULL that ON DUPLICATE KEY UPDATE gives a column that is NOT NULL: of one row, or of a query's, an error in any sql_mode; of AUTO_INCREMENT 0.
func TestDuplicateNull(t *testing.T) {
	c := newServer(t).client()
	c.must("CREATE DATABASE d; USE d; CREATE TABLE t (a INT AUTO_INCREMENT PRIMARY KEY, n INT NOT NULL); INSERT INTO t VALUES (1, 1); SET sql_mode = ''")
	for _, from := range []string{"VALUES (1, 2)", "SELECT 1, 2"} {
		c.fails("INSERT INTO t "+from+" ON DUPLICATE KEY UPDATE n = NULL", mysqlerr.ER_BAD_NULL_ERROR, "Column 'n' cannot be null")
	}
	c.must("INSERT INTO t VALUES (1, 2), (3, 3) ON DUPLICATE KEY UPDATE n = NULL; SET sql_mode = DEFAULT")
	c.must("INSERT INTO t VALUES (3, 4) ON DUPLICATE KEY UPDATE a = NULL")
	c.query("SELECT * FROM t ORDER BY a", "0\t3\n1\t0")
}

// Expressions of definitions follow the rules of all others: comparisons by their columns' collation, and conditions wherever a value may be.
func TestDefinedExpressions(t *testing.T) {
	c := newServer(t).client()
	c.must("CREATE DATABASE d COLLATE utf8mb4_general_ci; USE d")
	c.must("CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, a VARCHAR(9), v INT AS (a < 'Ab '), s INT AS (a IS NULL OR a LIKE 'x%') STORED, w BOOL DEFAULT (1 > 2), CHECK (a <> 'B '))")
	c.must("INSERT INTO t (a) VALUES ('ab'), ('aa')")
	c.fails("INSERT INTO t (a) VALUES ('c'), ('b')", mysqlerr.ER_CHECK_CONSTRAINT_VIOLATED, "Check constraint 't_chk_1' is violated.")
	c.must("INSERT IGNORE INTO t (a) VALUES ('b'); INSERT INTO t (a) VALUES (NULL)")
	c.query("SELECT a, v, s, w FROM t ORDER BY id", "ab\t0\t0\t0\naa\t1\t0\t0\nNULL\tNULL\t1\t0")
	c.must("ALTER TABLE t ADD COLUMN z INT AS (NOT v) VIRTUAL, ADD KEY (v)")
	c.query("SELECT a, z FROM t WHERE v = 1", "aa\t0")
	c.fails("ALTER TABLE t DROP COLUMN a", mysqlerr.ER_DEPENDENT_BY_GENERATED_COLUMN, "Column 'a' has a generated column dependency.")
	c.must("ALTER TABLE t DROP COLUMN v, DROP COLUMN z")

	c.query("SELECT COLLATION(CHAR(77 USING utf8mb4)), CHAR(77 USING utf8mb4) = 'm' COLLATE utf8mb4_general_ci, MAX(a = CHAR(65, 66 USING utf8mb4)), HEX(CHAR(255)) FROM t",
		"utf8mb4_0900_ai_ci\t1\t1\tFF")
	c.must("CREATE TABLE mix (a VARCHAR(9) COLLATE utf8mb4_general_ci, b VARCHAR(9) COLLATE utf8mb4_unicode_ci); INSERT INTO mix VALUES ('xax', 'b')")
	c.query("SELECT TRIM('x' FROM a), TRIM(IFNULL(a, b)), TRIM(b FROM 'bab') FROM mix", "a\txax\ta")
	c.fails("SELECT TRIM(a FROM IFNULL(a, b)) FROM mix", mysqlerr.ER_CANT_AGGREGATE_2COLLATIONS,
		"Illegal mix of collations (utf8mb4_general_ci,IMPLICIT) and (utf8mb4_bin,NONE) for operation 'trim'")
	c.must("SET NAMES utf8mb4 COLLATE utf8mb4_general_ci")
	c.query("SELECT HEX(CHAR(74 USING utf16)), CHAR(201 USING ucs2) = 'É', HEX(CHAR(74 USING utf32)), HEX(CHAR(65536 USING utf16)), CONVERT(0x4A USING utf16)", "004A\t1\t0000004A\t00010000\tJ")
	c.fails("SELECT CHAR(77 USING utf8mb4) = 'm'", mysqlerr.ER_CANT_AGGREGATE_2COLLATIONS,
		"Illegal mix of collations (utf8mb4_0900_ai_ci,COERCIBLE) and (utf8mb4_general_ci,COERCIBLE) for operation '='")
}

// What an UPDATE leaves alone is not looked at again though the table has triggers; NULL is refused before what is assigned next, unless a trigger may mend it.
func TestUpdateOrder(t *testing.T) {
	c := newServer(t).client()
	c.must("CREATE DATABASE d; USE d; CREATE TABLE t (a INT NOT NULL, v VARCHAR(2), d DATE); INSERT IGNORE INTO t VALUES (1, 'x', '0000-00-00')")
	c.fails("UPDATE t SET a = NULL, v = 'too long'", mysqlerr.ER_BAD_NULL_ERROR, "Column 'a' cannot be null")
	c.fails("UPDATE t SET v = 'too long', a = NULL", mysqlerr.ER_DATA_TOO_LONG, "Data too long for column 'v' at row 1")
	c.must("CREATE TABLE u (a INT PRIMARY KEY AUTO_INCREMENT, v VARCHAR(2)); INSERT INTO u VALUES (1, 'x')")
	c.fails("UPDATE u SET a = NULL, v = 'too long'", mysqlerr.ER_BAD_NULL_ERROR, "Column 'a' cannot be null")
	// What NULL becomes is what was there: nothing is counted.
	c.must("CREATE TABLE z (a INT PRIMARY KEY, n INT NOT NULL); CREATE TABLE w (n INT NOT NULL); INSERT INTO z VALUES (1, 0); INSERT INTO w VALUES (0); SET sql_mode = ''")
	for _, q := range []string{"UPDATE z SET n = NULL", "UPDATE z JOIN u ON z.a = u.a SET n = NULL", "UPDATE w JOIN u ON u.a = 1 SET n = NULL"} {
		c.must(q)
		c.query("SELECT ROW_COUNT()", "0")
	}
	c.must("SET sql_mode = DEFAULT")
	c.must("CREATE TRIGGER r BEFORE UPDATE ON t FOR EACH ROW SET NEW.a = IFNULL(NEW.a, 7); UPDATE t SET a = NULL, v = 'y'")
	c.query("SELECT * FROM t", "7\ty\t0000-00-00")
	c.must("DROP TRIGGER r; UPDATE t SET d = d, a = 8")
	c.must("CREATE TABLE j (k INT, n TINYINT, w INT); INSERT INTO j VALUES (8, 1, 0); CREATE TRIGGER jb BEFORE UPDATE ON j FOR EACH ROW SET NEW.w = NEW.w + 1")
	c.must("UPDATE j JOIN t ON j.k = t.a SET j.k = t.a; UPDATE j JOIN t ON j.k = t.a SET j.n = 1")
	c.query("SELECT * FROM j", "8\t1\t2")
	c.fails("UPDATE j SET n = '300x'", mysqlerr.ER_WARN_DATA_OUT_OF_RANGE, "Out of range value for column 'n' at row 1")
	c.fails("UPDATE j SET n = '30x'", mysqlerr.WARN_DATA_TRUNCATED, "Data truncated for column 'n' at row 1")
	c.fails("UPDATE t SET d = '2020-02-30'", mysqlerr.ER_TRUNCATED_WRONG_VALUE, "Incorrect date value: '2020-02-30' for column 'd' at row 1")
}

// A table whose rows are copied has its dates looked at, as far as the sql_mode forbids some.
func TestAlterLooksAtDates(t *testing.T) {
	c := newServer(t).client()
	c.must("CREATE DATABASE d; USE d; CREATE TABLE t (a INT, d DATE NOT NULL, m DATETIME); INSERT IGNORE INTO t VALUES (1, '0000-00-00', NULL), (NULL, '2020-01-01', NULL)")
	c.fails("ALTER TABLE t MODIFY a BIGINT NOT NULL", mysqlerr.ER_TRUNCATED_WRONG_VALUE, "Incorrect date value: '0000-00-00' for column 'd' at row 1")
	c.fails("ALTER TABLE t MODIFY a INT NOT NULL", mysqlerr.ER_INVALID_USE_OF_NULL, "Invalid use of NULL value")
	c.must("CREATE TABLE s (a INT, m TIMESTAMP(3) NULL); INSERT INTO s VALUES (1, NULL), (2, '2020-01-02 03:04:05.678'); SET timestamp = 1600000000.123456, time_zone = '+01:00'")
	c.must("ALTER TABLE s MODIFY m TIMESTAMP(2) NOT NULL; SET timestamp = DEFAULT, time_zone = DEFAULT")
	c.query("SELECT a, UNIX_TIMESTAMP(m) > 1600000000, MICROSECOND(m) FROM s ORDER BY a", "1\t1\t120000\n2\t0\t680000")
	c.must("ALTER TABLE t ADD COLUMN b INT, ADD KEY (d)")
	c.must("SET sql_mode = ''; ALTER TABLE t MODIFY a BIGINT; UPDATE t SET m = 0; SET sql_mode = DEFAULT")
	c.fails("ALTER TABLE t MODIFY b BIGINT, DROP COLUMN d", mysqlerr.ER_TRUNCATED_WRONG_VALUE, "Incorrect datetime value: '0000-00-00 00:00:00' for column 'm' at row 1")
}

// What a text, a trigger's new row and a JSON document are to what looks at them.
func TestTextsThatAreLookedAt(t *testing.T) {
	c := newServer(t).client()
	c.must("CREATE DATABASE d COLLATE utf8mb4_general_ci; USE d; SET NAMES utf8mb4 COLLATE utf8mb4_general_ci; SET sql_mode = ''")

	// A text that names no member of a SET is the number of its members.
	c.must("CREATE TABLE s (id INT, v SET('x','y','z'), n INT UNSIGNED); INSERT INTO s VALUES (1, '3', 3), (2, '8', 8), (3, 'x,9', 0); ALTER TABLE s MODIFY n SET('x','y')")
	c.query("SELECT v, n FROM s ORDER BY id", "x,y\tx,y\n\t\nx\t")

	// Blanks at its end are none of the last member's.
	c.must("CREATE TABLE e (v ENUM('a','b'), s SET('a','b'), n ENUM('a','b') CHARACTER SET binary); INSERT INTO e VALUES ('b  ', 'a,b ', 'b'), (' b', 'b ,a ', 'b ')")
	c.query("SELECT * FROM e", "b\ta,b\tb\n\ta\t")
	c.must("CREATE TABLE f (v TEXT); INSERT INTO f VALUES ('b '); ALTER TABLE f MODIFY v ENUM('a','b')")
	c.query("SELECT v FROM f WHERE v = 2", "b")

	// A BIT becomes the member of its number.
	c.must("CREATE TABLE bits (id INT PRIMARY KEY, e BIT(4), s BIT(4)); INSERT INTO bits VALUES (1, b'1', b'11'), (2, b'10', b'10'); ALTER TABLE bits MODIFY e ENUM('a','b'), MODIFY s SET('x','y')")
	c.query("SELECT e, s FROM bits ORDER BY id", "a\tx,y\nb\ty")

	// A key that is longer than the column: with blanks at its end it may be equal.
	c.must("CREATE TABLE k (id INT PRIMARY KEY, v VARCHAR(4), UNIQUE (v)); INSERT INTO k VALUES (1, 'Ab'), (2, 'q')")
	c.must("CREATE TABLE o (v VARCHAR(9)); INSERT INTO o VALUES ('aB     '), ('qqqqqqqq')")
	for q, want := range map[string]string{
		"SELECT (SELECT id FROM k WHERE k.v = o.v) FROM o":                   "1\nNULL",
		"SELECT o.v, (SELECT COUNT(*) FROM k WHERE k.v > o.v) FROM o":        "aB     \t1\nqqqqqqqq\t0",
		"SELECT k.id FROM o STRAIGHT_JOIN k FORCE INDEX (v) WHERE k.v = o.v": "1",
		"SELECT id FROM k WHERE v IN ('AB       ', 'qqqqqqqqq') ORDER BY id": "1",
	} {
		c.query(q, want)
	}

	c.must("SET sql_mode = 'PAD_CHAR_TO_FULL_LENGTH'; CREATE TABLE p (c CHAR(3)); CREATE TRIGGER r BEFORE INSERT ON p FOR EACH ROW SET NEW.c = LEFT(CONCAT(NEW.c, 'a'), 3); INSERT INTO p VALUES ('%')")
	c.query("SELECT CONCAT(c, '|') FROM p", "%  |")

	// What a trigger warns of stays its own.
	c.must("SET sql_mode = ''; CREATE TABLE w (n INT); CREATE TRIGGER rw BEFORE INSERT ON w FOR EACH ROW SET NEW.n = '1a'")
	c.must("INSERT INTO w VALUES ('2x')")
	c.query("SHOW WARNINGS", "Warning\t1265\tData truncated for column 'n' at row 1")
	c.must("INSERT INTO w VALUES (2)")
	c.query("SHOW WARNINGS", "")

	c.query("SELECT COLLATION(CONCAT(JSON_ARRAY(1), '')), CONCAT(JSON_ARRAY(1), '') > 'a', CONCAT(JSON_ARRAY('a'), 'B') = CONCAT(JSON_ARRAY('A'), 'b')", "utf8mb4_bin\t0\t0")

	// What is wrong with a column that nobody needs is wrong nevertheless.
	c.must("CREATE TABLE m (a INT, g VARCHAR(5), u VARCHAR(5) COLLATE utf8mb4_unicode_ci); INSERT INTO m VALUES (1, 'a', 'a')")
	c.fails("SELECT a FROM (SELECT a, g = u AS b FROM m) w", mysqlerr.ER_CANT_AGGREGATE_2COLLATIONS, "Illegal mix of collations (utf8mb4_general_ci,IMPLICIT) and (utf8mb4_unicode_ci,IMPLICIT) for operation '='")
	c.query("SELECT a FROM (SELECT a, a + u AS b, 1 / 0 AS c FROM m) w", "1")
	c.query("SHOW WARNINGS", "")
}

// A text beyond BIGINT is one fault, one of BIGINT UNSIGNED that becomes negative another.
func TestCastOfDigits(t *testing.T) {
	c := newServer(t).client()
	for _, w := range [][3]string{
		{"CAST('18446744073709551605' AS SIGNED)", "-11", "Warning\t1105\tCast to signed converted positive out-of-range integer to its negative complement"},
		{"CAST('184467440737095516052019' AS SIGNED)", "-1", "Warning\t1292\tTruncated incorrect INTEGER value: '184467440737095516052019'"},
		{"CAST('-1' AS UNSIGNED)", "18446744073709551615", "Warning\t1105\tCast to unsigned converted negative integer to its positive complement"},
		{"CAST('-9223372036854775809' AS UNSIGNED)", "9223372036854775808", "Warning\t1292\tTruncated incorrect INTEGER value: '-9223372036854775809'"},
	} {
		c.query("SELECT "+w[0], w[1])
		c.query("SHOW WARNINGS", w[2])
	}
}

// A temporary table that was truncated is the same table.
func TestTruncateTemporary(t *testing.T) {
	c := newServer(t).client()
	c.must("CREATE DATABASE d; USE d; CREATE TEMPORARY TABLE t (a INT AUTO_INCREMENT PRIMARY KEY); INSERT INTO t VALUES (), (); TRUNCATE TABLE t; INSERT INTO t VALUES ()")
	c.query("SELECT * FROM t", "1")
}

// Definitions and values at the ends of their types, and names that are no base table's.
func TestEndsOfTypes(t *testing.T) {
	c := newServer(t).client()
	c.must("CREATE DATABASE d; USE d; CREATE TABLE n (a BIGINT, b BIGINT UNSIGNED); CREATE TABLE b (b BIT(7), KEY (b)); INSERT INTO b VALUES (127); CREATE VIEW v AS SELECT * FROM n")
	c.must("INSERT INTO n VALUES ('9223372036854775807.4', '-0.1'), ('-9223372036854775808.4', '18446744073709551615.4'), ('1.5', '2.5')")
	c.query("SELECT * FROM n", "9223372036854775807\t0\n-9223372036854775808\t18446744073709551615\n2\t3")
	c.fails("INSERT INTO n VALUES ('9223372036854775807.5', 1)", mysqlerr.ER_WARN_DATA_OUT_OF_RANGE, "Out of range value for column 'a' at row 1")
	c.fails("INSERT INTO n VALUES (1, '-0.5')", mysqlerr.ER_WARN_DATA_OUT_OF_RANGE, "Out of range value for column 'b' at row 1")
	c.query("SELECT b + 0 FROM b WHERE b = 200", "")
	c.query("SELECT b + 0 FROM b WHERE b = 127", "127")
	c.query("SELECT b + 0 FROM b WHERE b < 200", "127")
	c.fails("CREATE TABLE x (a INT, d DECIMAL(66,0))", mysqlerr.ER_TOO_BIG_PRECISION, "Too-big precision 66 specified for 'd'. Maximum is 65.")
	c.fails("CREATE TABLE x (d DECIMAL(32,39))", mysqlerr.ER_TOO_BIG_SCALE, "Too big scale 39 specified for column 'd'. Maximum is 30.")
	c.fails("CREATE TABLE x (f FLOAT(54))", mysqlerr.ER_WRONG_FIELD_SPEC, "Incorrect column specifier for column 'f'")
	c.fails("SELECT 1 FROM n WHERE ROW(1, 1)", mysqlerr.ER_OPERAND_COLUMNS, "Operand should contain 1 column(s)")
	c.fails("ALTER TABLE v RENAME TO w", mysqlerr.ER_WRONG_OBJECT, "'d.v' is not BASE TABLE")
	c.must("ALTER TABLE n RENAME TO n")
	c.must("ALTER TABLE n RENAME TO n, ADD c INT")
	c.query("SELECT COUNT(c), COUNT(*) FROM n", "0\t3")
}

// GRANT's SELECT has no list of items.
func TestGrantToOtherLetters(t *testing.T) {
	c := newServer(t).client()
	c.must("CREATE DATABASE d; CREATE USER юзер@localhost; GRANT SELECT ON d.* TO юзер@localhost; REVOKE SELECT ON d.* FROM юзер@localhost")
}

// A join that updates one table by two names: each name's columns, from what the rows were when they were read.
func TestUpdateByTwoNames(t *testing.T) {
	c := newServer(t).client()
	c.must("CREATE DATABASE d; USE d; CREATE TABLE t (id INT PRIMARY KEY, a INT, b INT, g INT AS (a + b) STORED, v INT AS (a * b), KEY (a), KEY (b), KEY (g), KEY (v))")
	c.must("INSERT INTO t (id, a, b) VALUES (1, 1, 1), (2, 2, 2), (3, 3, 3)")
	if a := c.must("UPDATE t x JOIN t y ON y.id = x.id SET x.a = 5, y.b = 7 WHERE x.id = 1"); a.affected != 2 {
		t.Errorf("%d rows affected", a.affected)
	}
	c.query("SELECT * FROM t", "1\t5\t7\t12\t35\n2\t2\t2\t4\t4\n3\t3\t3\t6\t9")
	c.must("UPDATE t x JOIN t y ON y.id = x.id + 1 SET x.a = y.a * 10, y.b = x.b + 100")
	c.query("SELECT * FROM t", "1\t20\t7\t27\t140\n2\t30\t107\t137\t3210\n3\t3\t102\t105\t306")
	c.query("SELECT GROUP_CONCAT(id ORDER BY g), (SELECT id FROM t WHERE v = 3210), (SELECT id FROM t WHERE b = 107 AND a > 25) FROM t WHERE g > 0", "1,3,2\t2\t2")
	c.must("UPDATE t x JOIN t y ON y.id = x.id SET x.a = 1, y.a = 2 WHERE x.id = 3")
	c.query("SELECT a FROM t WHERE id = 3", "2")
	c.fails("UPDATE t x JOIN t y ON y.id = x.id SET x.id = 9, y.a = 2", mysqlerr.ER_MULTI_UPDATE_KEY_CONFLICT, "Primary key/partition key update is not allowed since the table is updated both as 'x' and 'y'.")
	c.must("CREATE TRIGGER r BEFORE UPDATE ON t FOR EACH ROW SET NEW.a = NEW.a + 1000")
	c.must("UPDATE t x JOIN t y ON y.id = x.id SET x.a = 1, y.b = 2 WHERE x.id = 3")
	c.query("SELECT a, b, g FROM t WHERE id = 3", "2001\t2\t2003")
	c.query("CHECK TABLE t", "d.t\tcheck\tstatus\tOK")
}

// DEFAULT of a generated column, whose base the row does not name.
func TestDefaultOfGenerated(t *testing.T) {
	c := newServer(t).client()
	c.must("CREATE DATABASE d; USE d; CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, a INT DEFAULT 4, g INT AS (a + 1), s INT AS (g * 9) STORED)")
	c.must("INSERT INTO t (g) VALUES (DEFAULT); INSERT INTO t (id, s, g) VALUES (9, DEFAULT, DEFAULT), (8, DEFAULT, DEFAULT); REPLACE INTO t (id, g) VALUES (9, DEFAULT); INSERT INTO t SET g = DEFAULT, a = 1")
	c.query("SELECT * FROM t", "1\t4\t5\t45\n8\t4\t5\t45\n9\t4\t5\t45\n10\t1\t2\t18")
	c.fails("INSERT INTO t (g) VALUES (DEFAULT), (3)", mysqlerr.ER_NON_DEFAULT_VALUE_FOR_GENERATED_COLUMN, "The value specified for generated column 'g' in table 't' is not allowed.")
}
