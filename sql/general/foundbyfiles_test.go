package general

import (
	"strings"
	"testing"

	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// What MariaDB's own test files found wrong, each by the smallest statements that show it.

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

// What stored programs may not do is said when they are made.
func TestProgramsRefused(t *testing.T) {
	c := newServer(t).client()
	c.must("CREATE DATABASE d; USE d; CREATE TABLE t (a INT)")
	for body, code := range map[string]mysqlerr.Code{
		"PROCEDURE p() RETURN 42":                                                         mysqlerr.ER_SP_BADRETURN,
		"TRIGGER g BEFORE INSERT ON t FOR EACH ROW RETURN 1":                              mysqlerr.ER_SP_BADRETURN,
		"PROCEDURE p() CHECK TABLE t":                                                     mysqlerr.ER_SP_BADSTATEMENT,
		"PROCEDURE p() HELP 'contents'":                                                   mysqlerr.ER_SP_BADSTATEMENT,
		"PROCEDURE p() HANDLER t OPEN":                                                    mysqlerr.ER_SP_BADSTATEMENT,
		"PROCEDURE p() ALTER VIEW v AS SELECT 1":                                          mysqlerr.ER_SP_BADSTATEMENT,
		"PROCEDURE p() BEGIN DECLARE c CURSOR FOR INSERT INTO t VALUES (1); OPEN c; END":  mysqlerr.ER_PARSE_ERROR,
		"PROCEDURE p() BEGIN DECLARE c CURSOR FOR SHOW TABLES; OPEN c; END":               mysqlerr.ER_PARSE_ERROR,
		"PROCEDURE p() BEGIN DECLARE x INT; DECLARE c CURSOR FOR SELECT 1 INTO x; END":    mysqlerr.ER_SP_BAD_CURSOR_SELECT,
		"PROCEDURE p() BEGIN DECLARE CONTINUE HANDLER FOR 0 SET @x = 0; END":              mysqlerr.ER_WRONG_VALUE,
		"FUNCTION f() RETURNS INT BEGIN FLUSH TABLES; RETURN 1; END":                      mysqlerr.ER_STMT_NOT_ALLOWED_IN_SF_OR_TRG,
		"FUNCTION f() RETURNS INT BEGIN DEALLOCATE PREPARE s; RETURN 1; END":              mysqlerr.ER_STMT_NOT_ALLOWED_IN_SF_OR_TRG,
		"FUNCTION f() RETURNS INT BEGIN COMMIT; PREPARE s FROM 'SELECT 1'; RETURN 1; END": mysqlerr.ER_STMT_NOT_ALLOWED_IN_SF_OR_TRG,
		"FUNCTION f() RETURNS INT BEGIN REPAIR TABLE t; RETURN 1; END":                    mysqlerr.ER_SP_NO_RETSET,
		"FUNCTION f() RETURNS INT BEGIN OPTIMIZE TABLE t; RETURN 1; END":                  mysqlerr.ER_SP_NO_RETSET,
		"FUNCTION f() RETURNS INT BEGIN SET SESSION autocommit = 0; RETURN 1; END":        mysqlerr.ER_SP_CANT_SET_AUTOCOMMIT,
		"FUNCTION f() RETURNS INT BEGIN SET @@autocommit = 0; RETURN 1; END":              mysqlerr.ER_SP_CANT_SET_AUTOCOMMIT,
		"TRIGGER g BEFORE INSERT ON t FOR EACH ROW SET autocommit = 0":                    mysqlerr.ER_SP_CANT_SET_AUTOCOMMIT,
		"FUNCTION f() RETURNS INT BEGIN CREATE TABLE u (a INT); RETURN 1; END":            mysqlerr.ER_COMMIT_NOT_ALLOWED_IN_SF_OR_TRG,
	} {
		c.fails("CREATE "+body, code, "")
	}
	c.must("CREATE FUNCTION f() RETURNS INT BEGIN DECLARE n INT; DECLARE c CURSOR FOR WITH x AS (SELECT 7 AS k) SELECT k FROM x; SET @autocommit = 1; OPEN c; FETCH c INTO n; CLOSE c; RETURN n; END")
	c.query("SELECT f()", "7")
}

// A temporary table that was truncated is the same table.
func TestTruncateTemporary(t *testing.T) {
	c := newServer(t).client()
	c.must("CREATE DATABASE d; USE d; CREATE TEMPORARY TABLE t (a INT AUTO_INCREMENT PRIMARY KEY); INSERT INTO t VALUES (), (); TRUNCATE TABLE t; INSERT INTO t VALUES ()")
	c.query("SELECT * FROM t", "1")
}

// CREATE TABLE ... SELECT in a program reads its variables; one of a temporary table leaves none where it fails.
func TestProgramsCreateFromQueries(t *testing.T) {
	c := newServer(t).client()
	c.must("CREATE DATABASE d; USE d; CREATE TABLE t (id INT, v INT); INSERT INTO t VALUES (1, 10), (2, 20)")
	c.must("CREATE PROCEDURE p(n INT) BEGIN DECLARE k INT DEFAULT n + 1; CREATE TEMPORARY TABLE x AS SELECT *, n, k AS next FROM t WHERE id = n; CREATE TABLE y SELECT n AS z; END")
	c.must("CALL p(2)")
	c.query("SELECT * FROM x, y", "2\t20\t2\t3\t2")
	c.fails("CREATE TEMPORARY TABLE z (a TINYINT) SELECT 1000 AS a", mysqlerr.ER_WARN_DATA_OUT_OF_RANGE, "")
	c.must("CREATE TEMPORARY TABLE z (a INT)")
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
