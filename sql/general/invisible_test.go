package general

import (
	"testing"

	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// A star does not show invisible columns, an INSERT without column list does not fill them; who names them sees them.
func TestInvisibleColumns(t *testing.T) {
	c := newServer(t).client()
	c.must("CREATE DATABASE inv")
	c.must("USE inv")
	c.must("CREATE TABLE t (a INT PRIMARY KEY, `b` INT(5) DEFAULT 7 INVISIBLE COMMENT 'why', c INT AS (a + 1) VIRTUAL INVISIBLE, d INT, KEY (d))")
	c.must("CREATE TABLE u (a INT, e INT INVISIBLE DEFAULT 4)")
	c.must("INSERT INTO t VALUES (1, 10), (2, 20)")
	c.must("INSERT INTO t (a, b, d) VALUES (3, 30, 40)")
	c.must("INSERT INTO u SELECT a FROM t")
	c.query("SELECT * FROM t", "1\t10\n2\t20\n3\t40")
	c.query("SELECT a, b, c, d FROM t WHERE b > 7 OR a = 1", "1\t7\t2\t10\n3\t30\t4\t40")
	c.query("SELECT x.*, u.e, (SELECT COUNT(*) FROM t) FROM (SELECT * FROM t WHERE a < 3) x JOIN u ON u.a = x.a", "1\t10\t4\t3\n2\t20\t4\t3")
	c.query("SELECT t.*, u.* FROM t JOIN u ON t.a = u.a WHERE t.a = 2", "2\t20\t2")
	c.query("WITH t AS (SELECT 1 AS b, 2 AS c) SELECT * FROM t", "1\t2")
	c.query("SELECT * FROM t UNION SELECT 9, e FROM u ORDER BY a", "1\t10\n2\t20\n3\t40\n9\t4")
	c.query("SELECT column_name, column_comment FROM information_schema.columns WHERE table_name = 't' AND extra LIKE '%INVISIBLE%' ORDER BY 1", "b\twhy\nc\t")
	c.query("SHOW CREATE TABLE u", "u\tCREATE TABLE `u` (\n  `a` int DEFAULT NULL,\n  `e` int DEFAULT '4' /*!80023 INVISIBLE */\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci")
	c.must("ALTER TABLE u ADD COLUMN f INT DEFAULT 5 INVISIBLE, ADD g INT DEFAULT 6")
	c.query("SELECT * FROM u LIMIT 1", "1\t6")
	c.must("ALTER TABLE u ALTER COLUMN e SET VISIBLE")
	c.query("SELECT * FROM u LIMIT 1", "1\t4\t6")
	c.must("ALTER TABLE u ALTER e SET INVISIBLE, MODIFY f INT DEFAULT 5, DROP COLUMN g")
	c.query("SELECT *, e FROM u LIMIT 1", "1\t5\t4")
	c.must("CREATE TABLE w LIKE u")
	c.must("INSERT INTO w VALUES (1, 2)")
	c.query("SELECT * FROM w", "1\t2")
	c.must("REPLACE INTO t VALUES (1, 11)")
	c.query("SELECT a, b, d FROM t WHERE a = 1", "1\t7\t11")
	c.fails("CREATE TABLE none (a INT INVISIBLE)", mysqlerr.Code(4028), "A table must have at least one visible column.")
	c.fails("INSERT INTO u VALUES (1, 2, 3)", mysqlerr.ER_WRONG_VALUE_COUNT_ON_ROW, "Column count doesn't match value count at row 1")
}

// ZEROFILL is UNSIGNED, and fills with zeros to the width.
func TestZerofill(t *testing.T) {
	c := newServer(t).client()
	c.must("CREATE DATABASE zf")
	c.must("USE zf")
	c.must("CREATE TABLE t (a INT(5) ZEROFILL, b BIGINT ZEROFILL, c DECIMAL(5,2) ZEROFILL, d TINYINT UNSIGNED ZEROFILL, e FLOAT ZEROFILL)")
	c.query("SELECT column_type FROM information_schema.columns WHERE table_name = 't' AND data_type LIKE '%int'",
		"int(5) unsigned zerofill\nbigint(20) unsigned zerofill\ntinyint(3) unsigned zerofill")
	c.must("INSERT INTO t VALUES (42, 7, 1.5, 9, 6.5)")
	c.fails("INSERT INTO t (a) VALUES (-1)", mysqlerr.ER_WARN_DATA_OUT_OF_RANGE, "Out of range value for column 'a' at row 1")
	c.query("SELECT c FROM t WHERE CONCAT(b) = 7", "001.50")
	c.must("ALTER TABLE t ADD f INT")
	c.query("SELECT column_type FROM information_schema.columns WHERE table_name = 't' AND column_name = 'a'", "int(5) unsigned zerofill")
}
