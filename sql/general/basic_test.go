package general

import (
	"fmt"
	"testing"
)

func TestFirst(t *testing.T) {
	c := newServer(t).client()
	c.query("SELECT 1+1, 'a', @@version", "2\ta\t8.0.39")
	c.must("CREATE DATABASE d")
	c.must("USE d")
	c.must("CREATE TABLE t (id int PRIMARY KEY AUTO_INCREMENT, a varchar(20) DEFAULT 'x', b decimal(10,2), c datetime, UNIQUE KEY u (a), KEY kb (b DESC))")
	c.must("INSERT INTO t (a, b, c) VALUES ('one', 1.5, '2024-01-01 10:00:00'), ('two', -2.25, NULL)")
	c.query("SELECT * FROM t", "1\tone\t1.50\t2024-01-01 10:00:00\n2\ttwo\t-2.25\tNULL")
	c.query("SELECT id FROM t WHERE a = 'TWO'", "2")
	c.query("SELECT id FROM t ORDER BY b", "2\n1")
	c.must("UPDATE t SET b = b + 1 WHERE id = 2")
	c.query("SELECT b FROM t WHERE id = 2", "-1.25")
	c.must("DELETE FROM t WHERE a = 'one'")
	c.query("SELECT COUNT(*) FROM t", "1")
	c.fails("INSERT INTO t (a) VALUES ('two')", 1062, "Duplicate entry 'two' for key 't.u'")
	c.fails("SELECT * FROM nope", 1146, "Table 'd.nope' doesn't exist")
	c.fails("SELECT x FROM t", 1054, "Unknown column 'x' in 'field list'")
	c.fails("SELEC 1", 1064, "")
}

func TestTypes(t *testing.T) {
	c := newServer(t).client()
	c.must("CREATE DATABASE d; USE d")
	c.must(`CREATE TABLE t (id bigint unsigned PRIMARY KEY, a tinyint, b smallint unsigned, c mediumint, d float, e double, f decimal(20,5), g date, h time(3),
	 i datetime(6), j timestamp NULL, k year, l bit(10), m enum('x','y'), n set('p','q','r'), o char(5), p varbinary(10), q text, r longblob, s json, u point, v binary(4))`)
	c.must(`INSERT INTO t VALUES (18446744073709551615, -128, 65535, -8388608, 1.5, 2.25, -12345.678, '2024-02-29', '-12:34:56.789', '2024-02-29 23:59:59.123456',
	 '2024-02-29 12:00:00', 2024, b'1010101010', 'y', 'p,r', 'ab', x'00ff', 'täxt', x'0102', '{"a": [1, 2]}', POINT(1,2), 'zz')`)
	c.query("SELECT id,a,b,c,d,e,f,g,h,i,j,k,l+0,m,n,o,HEX(p),q,HEX(r),s,ST_AsText(u),HEX(v) FROM t", "18446744073709551615\t-128\t65535\t-8388608\t1.5\t2.25\t-12345.67800\t2024-02-29\t-12:34:56.789\t2024-02-29 23:59:59.123456\t2024-02-29 12:00:00\t2024\t682\ty\tp,r\tab\t00FF\ttäxt\t0102\t{\"a\": [1, 2]}\tPOINT(1 2)\t7A7A0000")
	c.must("INSERT INTO t (id) VALUES (1)")
	c.query("SELECT COUNT(*) FROM t WHERE s IS NULL AND q IS NULL", "1")
	c.fails("INSERT INTO t (id, a) VALUES (2, 200)", 1264, "Out of range value for column 'a' at row 1")
	c.fails("INSERT INTO t (id, o) VALUES (2, 'toolong')", 1406, "Data too long for column 'o' at row 1")
	c.fails("INSERT INTO t (id, m) VALUES (2, 'z')", 1265, "Data truncated for column 'm' at row 1")
}

func TestConstraints(t *testing.T) {
	c := newServer(t).client()
	c.must("CREATE DATABASE d; USE d")
	c.must("CREATE TABLE p (id int PRIMARY KEY, name varchar(10)) ")
	c.must("CREATE TABLE ch (id int PRIMARY KEY, pid int, v int CHECK (v > 0), g int AS (v * 2) STORED, w int AS (v + 1) VIRTUAL, n int NOT NULL DEFAULT (1+1), CONSTRAINT fk FOREIGN KEY (pid) REFERENCES p (id) ON DELETE CASCADE)")
	c.must("INSERT INTO p VALUES (1,'a'),(2,'b')")
	c.must("INSERT INTO ch (id, pid, v) VALUES (1, 1, 5), (2, 2, 6)")
	c.query("SELECT * FROM ch", "1\t1\t5\t10\t6\t2\n2\t2\t6\t12\t7\t2")
	c.fails("INSERT INTO ch (id, pid, v) VALUES (3, 9, 5)", 1452, "Cannot add or update a child row: a foreign key constraint fails (`d`.`ch`, CONSTRAINT `fk` FOREIGN KEY (`pid`) REFERENCES `p` (`id`) ON DELETE CASCADE)")
	c.fails("INSERT INTO ch (id, pid, v) VALUES (3, 1, -5)", 3819, "Check constraint 'ch_chk_1' is violated.")
	c.fails("INSERT INTO ch (id, pid, v, n) VALUES (3, 1, 5, NULL)", 1048, "Column 'n' cannot be null")
	c.fails("INSERT INTO p (name) VALUES ('x')", 1364, "Field 'id' doesn't have a default value")
	c.must("DELETE FROM p WHERE id = 1")
	c.query("SELECT id FROM ch", "2")
	c.must("UPDATE ch SET v = 7 WHERE w = 7")
	c.query("SELECT id, g, w FROM ch", "2\t14\t8")
	c.must("CREATE UNIQUE INDEX uw ON ch (w)")
	c.query("SELECT id FROM ch WHERE w = 8", "2")
	c.fails("DROP TABLE p", 3730, "")
}

// TestParentsDatabase: a foreign key that names no database means its own table's, whatever the session's is, also after every ALTER.
func TestParentsDatabase(t *testing.T) {
	c := newServer(t).client()
	c.must("CREATE DATABASE d; CREATE DATABASE e; USE d")
	for _, db := range []string{"d", "e"} {
		c.must("CREATE TABLE " + db + ".p (id int PRIMARY KEY)")
		c.must("CREATE TABLE " + db + ".ch (id int, CONSTRAINT k FOREIGN KEY (id) REFERENCES p (id))")
	}
	c.must("ALTER TABLE e.ch ADD x int")
	c.must("CREATE INDEX x ON e.ch (x)")
	c.query("SELECT constraint_schema, unique_constraint_schema FROM information_schema.referential_constraints ORDER BY 1", "d\td\ne\te")
	c.must("INSERT INTO e.p VALUES (1)")
	c.must("INSERT INTO e.ch VALUES (1, 1)")
	c.fails("INSERT INTO d.ch VALUES (1)", 1452, "")
	c.must("DROP DATABASE d")
	c.must("DROP DATABASE e")
}

// TestPartitionsRenamed: what partitions go by names no table.
func TestPartitionsRenamed(t *testing.T) {
	c := newServer(t).client()
	c.must("CREATE DATABASE d; USE d")
	c.must("CREATE TABLE p (a int, b date) PARTITION BY RANGE (p.a + 1) (PARTITION p0 VALUES LESS THAN (10), PARTITION p1 VALUES LESS THAN MAXVALUE)")
	c.must("RENAME TABLE p TO q")
	c.must("INSERT INTO q VALUES (1, NULL), (50, NULL)")
	c.must("ALTER TABLE q ADD c int")
	c.query("SELECT a FROM q PARTITION (p1)", "50")
	c.query("SELECT partition_expression FROM information_schema.partitions WHERE table_name = 'q' LIMIT 1", "(`a` + 1)")
	c.must("ALTER TABLE q PARTITION BY HASH (YEAR(q.b)) PARTITIONS 2")
	c.must("RENAME TABLE q TO p")
	c.query("SELECT partition_expression FROM information_schema.partitions WHERE table_name = 'p' LIMIT 1", "year(`b`)")
	c.query("SELECT COUNT(*) FROM p", "2")
}

// TestCheckTexts: a check's definition survives what names the table, the column and its strings have, and new names.
func TestCheckTexts(t *testing.T) {
	c := newServer(t).client()
	c.must("CREATE DATABASE d; USE d")
	c.must("CREATE TABLE `it's` (`a b` varchar(9), n int, CONSTRAINT `c'k` CHECK (NOT `it's`.`a b` LIKE 'it''s\\\\%' AND `a b` != 'x'), CHECK (n REGEXP '^[1-9]' OR n IS NULL))")
	shown := "CREATE TABLE `u` (\n  `a b` varchar(9) DEFAULT NULL,\n  `n` int DEFAULT NULL,\n" +
		"  CONSTRAINT `c'k` CHECK (((not((`a b` like _utf8mb4'it\\'s\\\\%'))) and (`a b` <> _utf8mb4'x'))),\n" +
		"  CONSTRAINT `u_chk_1` CHECK ((regexp_like(`n`,_utf8mb4'^[1-9]') or (`n` is null)))\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci"
	c.must("RENAME TABLE `it's` TO u")
	c.query("SHOW CREATE TABLE u", "u\t"+shown)
	c.must("ALTER TABLE u ADD z int, ALGORITHM=COPY")
	c.must("ALTER TABLE u DROP z")
	c.query("SHOW CREATE TABLE u", "u\t"+shown)
	c.fails("INSERT INTO u VALUES ('it''s%', 1)", 3819, "Check constraint 'c'k' is violated.")
	c.fails("INSERT INTO u VALUES ('X', 1)", 3819, "Check constraint 'c'k' is violated.")
	c.fails("INSERT INTO u VALUES ('y', 0)", 3819, "Check constraint 'u_chk_1' is violated.")

	c.must("CREATE TABLE cn (a INT, b INT, CONSTRAINT c1 CHECK (a > b), CHECK (b < 9))")
	for _, sql := range []string{"CREATE TABLE cm (a INT, CONSTRAINT c1 CHECK (a > 0), CONSTRAINT C1 CHECK (a < 9))", "ALTER TABLE cn ADD CONSTRAINT C1 CHECK (b > 0)"} {
		c.fails(sql, 3822, "Duplicate check constraint name 'C1'.")
	}
	for _, clause := range []string{"DROP COLUMN a", "RENAME COLUMN a TO z", "CHANGE a z INT"} {
		c.fails("ALTER TABLE cn "+clause, 3959, "Check constraint 'c1' uses column 'a', hence column cannot be dropped or renamed.")
	}
	const other, unknown = "Column check constraint '%s' references other column.", "Check constraint '%s' refers to non-existing column '%s'."
	c.fails("CREATE TABLE cm (a INT CHECK (b > 0), b INT)", 3813, fmt.Sprintf(other, "cm_chk_1"))
	c.fails("CREATE TABLE cm (a INT CONSTRAINT own CHECK (a > z))", 3813, fmt.Sprintf(other, "own"))
	c.fails("CREATE TABLE cm (a INT, CHECK (a > 0 AND Z > 0))", 3820, fmt.Sprintf(unknown, "cm_chk_1", "Z"))
	c.fails("ALTER TABLE cn ADD CONSTRAINT c2 CHECK (z > 0)", 3820, fmt.Sprintf(unknown, "c2", "z"))
	c.fails("ALTER TABLE cn ADD d INT CHECK (a > d)", 3813, fmt.Sprintf(other, "cn_chk_2"))
	c.must("CREATE TABLE cm (A DATETIME CHECK (a > '2000-01-01'), b INT, CHECK (TIMESTAMPDIFF(DAY, a, a + INTERVAL b DAY) < 9 AND EXTRACT(YEAR FROM cm.A) > 1 AND b <> TRUE))")
	c.must("ALTER TABLE cn CHANGE a A BIGINT")
	c.must("ALTER TABLE cn DROP CHECK c1, RENAME COLUMN A TO z")
	c.must("INSERT INTO u VALUES ('y', 10), (NULL, NULL)")
	c.must("DROP TABLE u")
	c.must(shown)
	c.must("CREATE TABLE p (id int PRIMARY KEY)")
	c.must("CREATE TABLE q (a int, b int, FOREIGN KEY (a) REFERENCES p (id), CONSTRAINT q_ibfk_x FOREIGN KEY (b) REFERENCES p (id))")
	c.must("RENAME TABLE q TO r")
	c.query("SELECT constraint_name FROM information_schema.table_constraints WHERE table_name = 'r' ORDER BY 1", "q_ibfk_x\nr_ibfk_1")
}

// TestForeignNames: names of foreign keys are unique in a database, in any case, and those that were made go with their tables.
func TestForeignNames(t *testing.T) {
	c := newServer(t).client()
	const dup = "Duplicate foreign key constraint name '%s'"
	c.must("CREATE DATABASE e")
	c.must("CREATE DATABASE d")
	c.must("USE d")
	for _, schema := range []string{"d", "e"} {
		c.must("CREATE TABLE " + schema + ".p (id INT PRIMARY KEY)")
		c.must("CREATE TABLE " + schema + ".a (x INT, y INT, CONSTRAINT Mine FOREIGN KEY (x) REFERENCES p (id), FOREIGN KEY (y) REFERENCES p (id))")
	}
	c.fails("CREATE TABLE b (x INT, CONSTRAINT mINE FOREIGN KEY (x) REFERENCES p (id))", 1826, fmt.Sprintf(dup, "mINE"))
	c.fails("CREATE TABLE b (x INT, CONSTRAINT a_ibfk_1 FOREIGN KEY (x) REFERENCES p (id))", 1826, fmt.Sprintf(dup, "a_ibfk_1"))
	c.must("SET foreign_key_checks = 0")
	c.fails("CREATE TABLE b (x INT, CONSTRAINT mine FOREIGN KEY (x) REFERENCES p (id))", 1826, fmt.Sprintf(dup, "mine"))
	c.must("SET foreign_key_checks = 1")
	c.must("CREATE TABLE b (x INT, y INT, FOREIGN KEY (x) REFERENCES p (id))")
	c.fails("ALTER TABLE b ADD CONSTRAINT MINE FOREIGN KEY (y) REFERENCES p (id)", 1826, fmt.Sprintf(dup, "MINE"))
	c.must("ALTER TABLE a DROP FOREIGN KEY mine, ADD CONSTRAINT Mine FOREIGN KEY (x) REFERENCES p (id) ON DELETE CASCADE")
	c.must("RENAME TABLE a TO t, b TO a, t TO b")
	names := "SELECT table_name, constraint_name FROM information_schema.referential_constraints WHERE constraint_schema = 'd' ORDER BY 1, 2"
	c.query(names, "a\ta_ibfk_1\nb\tb_ibfk_1\nb\tMine")
	c.fails("RENAME TABLE e.a TO d.c", 1826, fmt.Sprintf(dup, "mine"))
	c.must("RENAME TABLE p TO q")
	c.fails("INSERT INTO a VALUES (7, 7)", 1452, "")
	c.must("ALTER TABLE b DROP FOREIGN KEY Mine")
	c.must("CREATE TABLE c (x INT, CONSTRAINT mine FOREIGN KEY (x) REFERENCES q (id))")
	c.must("DROP TABLE a, c")
	c.must("CREATE TABLE c (x INT, y INT, CONSTRAINT mine FOREIGN KEY (x) REFERENCES q (id), CONSTRAINT a_ibfk_1 FOREIGN KEY (y) REFERENCES q (id))")
	c.query(names, "b\tb_ibfk_1\nc\ta_ibfk_1\nc\tmine")
}

func TestAlter(t *testing.T) {
	c := newServer(t).client()
	c.must("CREATE DATABASE d; USE d")
	c.must("CREATE TABLE t (id int PRIMARY KEY, a int)")
	c.must("INSERT INTO t VALUES (1, 10), (2, 20)")
	c.must("ALTER TABLE t ADD COLUMN b varchar(10) NOT NULL DEFAULT 'x', ADD COLUMN c int FIRST")
	c.query("SELECT * FROM t", "NULL\t1\t10\tx\nNULL\t2\t20\tx")
	c.must("ALTER TABLE t DROP COLUMN c, CHANGE a aa bigint, ADD INDEX k (aa)")
	c.query("SELECT * FROM t WHERE aa = 20", "2\t20\tx")
	c.must("ALTER TABLE t RENAME COLUMN aa TO z, RENAME INDEX k TO kz, COMMENT 'hi'")
	c.must("ALTER TABLE t MODIFY id int AUTO_INCREMENT")
	c.must("INSERT INTO t (z) VALUES (30)")
	c.query("SELECT * FROM t", "1\t10\tx\n2\t20\tx\n3\t30\tx")
	c.must("ALTER TABLE t ADD d int DEFAULT 5")
	c.query("SELECT d, id FROM t", "5\t1\n5\t2\n5\t3")
	c.must("DROP INDEX kz ON t")
	c.must("ALTER TABLE t DROP PRIMARY KEY, MODIFY id int, ADD PRIMARY KEY (z)")
	c.query("SELECT z FROM t WHERE z > 10 ORDER BY z DESC", "30\n20")
	c.query("SHOW CREATE TABLE t", "t\tCREATE TABLE `t` (\n  `id` int DEFAULT NULL,\n  `z` bigint NOT NULL,\n  `b` varchar(10) NOT NULL DEFAULT 'x',\n  `d` int DEFAULT '5',\n  PRIMARY KEY (`z`)\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci COMMENT='hi'")
	c.must("RENAME TABLE t TO u")
	c.must("TRUNCATE u")
	c.query("SELECT COUNT(*) FROM u", "0")
	c.must("CREATE TABLE v LIKE u")
	c.must("CREATE TABLE w AS SELECT 1 AS a, 'x' AS b")
	c.query("SELECT * FROM w", "1\tx")
	c.must("DROP TABLE u, v, w")
	c.must("CREATE TABLE u ENGINE=InnoDB SELECT 1 AS a; CREATE TEMPORARY TABLE IF NOT EXISTS d.v DEFAULT CHARSET=latin1, COMMENT 'of v' AS SELECT a, 'x' AS b FROM u; CREATE TABLE w ROW_FORMAT=DYNAMIC IGNORE SELECT 1 AS a UNION SELECT 2")
	c.query("SELECT COUNT(*), SUM(u.a), MAX(v.b), SUM(w.a) FROM u, v, w", "2\t2\tx\t3")
	c.query("SHOW CREATE TABLE v", "v\tCREATE TEMPORARY TABLE `v` (\n  `a` int NOT NULL,\n  `b` varchar(1) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci NOT NULL\n) ENGINE=InnoDB DEFAULT CHARSET=latin1 COMMENT='of v'")
	c.must("DROP TABLE u, v, w")
}

func TestRoutines(t *testing.T) {
	c := newServer(t).client()
	c.must("CREATE DATABASE d; USE d")
	c.must("CREATE TABLE t (id int PRIMARY KEY AUTO_INCREMENT, a int); CREATE TABLE log (m varchar(50))")
	c.must("CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW BEGIN SET NEW.a = NEW.a + 1; INSERT INTO log VALUES (CONCAT('a=', NEW.a)); END")
	c.must("INSERT INTO t (a) VALUES (1), (5)")
	c.query("SELECT * FROM t", "1\t2\n2\t6")
	c.query("SELECT * FROM log", "a=2\na=6")
	c.must("CREATE VIEW v AS SELECT a FROM t WHERE a > 2")
	c.query("SELECT * FROM v", "6")
	c.must("CREATE PROCEDURE p(IN x int, OUT y int) BEGIN SELECT COUNT(*) + x INTO y FROM t; END")
	c.must("CALL p(10, @r)")
	c.query("SELECT @r", "12")
	c.must("CREATE FUNCTION f(x int) RETURNS int DETERMINISTIC BEGIN DECLARE z int DEFAULT 0; IF x > 3 THEN RETURN x * 2; END IF; SET z = x + 1; RETURN z; END")
	c.query("SELECT f(2), f(5)", "3\t10")
	c.must("CREATE PROCEDURE m() BEGIN SELECT 1; IF 1 = 1 THEN SELECT 2, f(3); END IF; INSERT INTO log VALUES ('m'); SELECT 4; END")
	c.query("CALL m()", "1\n2\t4\n4")
	c.must("DROP PROCEDURE m")
	c.must("CREATE PROCEDURE own() BEGIN DELETE FROM log; INSERT INTO log VALUES ('own'); SELECT * FROM log; END")
	c.query("CALL own()", "own")
	c.must("CREATE PROCEDURE h() BEGIN DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN SELECT 'x'; END; SELECT 1; END")
	c.query("CALL h()", "1")
	c.must("CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO DELETE FROM log")
	c.must("DROP TRIGGER tr; DROP PROCEDURE p; DROP FUNCTION f; DROP VIEW v; DROP EVENT e")
}

func TestTransactions(t *testing.T) {
	sv := newServer(t)
	a, b := sv.client(), sv.client()
	a.must("CREATE DATABASE d; USE d")
	b.must("USE d")
	a.must("CREATE TABLE t (id int PRIMARY KEY, v int)")
	a.must("INSERT INTO t VALUES (1, 1), (2, 2)")
	a.must("BEGIN; UPDATE t SET v = 10 WHERE id = 1")
	b.query("SELECT v FROM t WHERE id = 1", "1")
	b.fails("SELECT v FROM t WHERE id = 1 FOR UPDATE NOWAIT", 3572, "")
	b.query("SELECT id FROM t FOR UPDATE SKIP LOCKED", "2")
	a.must("ROLLBACK")
	b.query("SELECT v FROM t WHERE id = 1 FOR SHARE", "1")
	b.must("INSERT INTO t VALUES (1, 5) ON DUPLICATE KEY UPDATE v = VALUES(v) + v")
	b.query("SELECT v FROM t WHERE id = 1", "6")
	b.must("REPLACE INTO t VALUES (1, 7)")
	b.query("SELECT v FROM t WHERE id = 1", "7")
	b.must("CREATE TABLE nopk (a int, b text)")
	b.must("INSERT INTO nopk VALUES (1,'x'),(1,'x'),(2,'y')")
	b.must("DELETE FROM nopk WHERE a = 1 LIMIT 1")
	b.query("SELECT COUNT(*) FROM nopk", "2")
	b.must("UPDATE nopk SET b = 'z'")
	b.query("SELECT * FROM nopk", "1\tz\n2\tz")
	b.must("CREATE TEMPORARY TABLE tmp (a int PRIMARY KEY); INSERT INTO tmp VALUES (1),(2)")
	b.query("SELECT COUNT(*) FROM tmp JOIN t ON t.id = tmp.a", "2")
	b.must("DROP TEMPORARY TABLE tmp")
	b.fails("SELECT * FROM tmp", 1146, "Table 'd.tmp' doesn't exist")
}

func TestDeleteByAlias(t *testing.T) {
	c := newServer(t).client()
	c.must("CREATE DATABASE d; USE d; CREATE TABLE t (id INT PRIMARY KEY, v INT); INSERT INTO t VALUES (1,1), (2,2), (3,3), (4,4)")
	c.must("DELETE FROM t x WHERE x.id = 1")
	c.must("DELETE FROM d.t AS `x y` WHERE `x y`.v = 2 OR EXISTS (SELECT 1 FROM DUAL WHERE `x y`.v = 3)")
	if got := c.must("SELECT * FROM t").String(); got != "4\t4\n" {
		t.Errorf("left: %q", got)
	}
}
