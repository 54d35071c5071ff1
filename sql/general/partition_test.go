package general

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/zoryadb/zorya/sql/mysqlerr"
	"github.com/zoryadb/zorya/sql/tabledef"
)

func partitionedServer(t *testing.T) *client {
	t.Helper()
	c := newServer(t).client()
	c.must("CREATE DATABASE d; USE d")
	return c
}

// parts is the number of rows of each partition, by SELECT ... PARTITION.
func (c *client) parts(name, list, want string) {
	c.sv.t.Helper()
	var got []string
	for _, p := range strings.Split(list, ",") {
		got = append(got, strings.TrimSpace(c.must(fmt.Sprintf("SELECT COUNT(*) FROM %s PARTITION (%s)", name, p)).String()))
	}
	if g := strings.Join(got, ","); g != want {
		c.sv.t.Errorf("%s: rows in %s: %s, want %s", name, list, g, want)
	}
}

// explained is the partitions column of EXPLAIN.
func (c *client) explained(query, want string) {
	c.sv.t.Helper()
	a := c.must("EXPLAIN " + query)
	var got []string
	for _, r := range a.rows {
		got = append(got, r[3])
	}
	if g := strings.Join(got, " "); g != want {
		c.sv.t.Errorf("EXPLAIN %s: partitions %s, want %s", query, g, want)
	}
}

func TestPartitionRange(t *testing.T) {
	c := partitionedServer(t)
	c.must(`CREATE TABLE t (id INT NOT NULL AUTO_INCREMENT, at DATE NOT NULL, v VARCHAR(20), PRIMARY KEY (id, at), KEY (v))
		PARTITION BY RANGE (YEAR(at)) (PARTITION p0 VALUES LESS THAN (2000), PARTITION p1 VALUES LESS THAN (2010), PARTITION p2 VALUES LESS THAN (2020))`)
	c.must("INSERT INTO t (at, v) VALUES ('1999-12-31','a'),('2000-01-01','b'),('2015-05-05','c'),('2009-12-31','d'),('1990-01-01','e')")
	c.parts("t", "p0,p1,p2", "2,2,1")
	c.query("SELECT id, v FROM t ORDER BY id", "1\ta\n2\tb\n3\tc\n4\td\n5\te")
	c.query("SELECT id, v FROM t ORDER BY v DESC LIMIT 2", "5\te\n4\td")
	c.query("SELECT v FROM t FORCE INDEX (v) WHERE v >= 'b' ORDER BY v", "b\nc\nd\ne")
	c.query("SELECT v FROM t WHERE id = 3 AND at = '2015-05-05'", "c")
	c.query("SELECT v FROM t WHERE id = 4", "d")
	c.fails("INSERT INTO t (at) VALUES ('2020-01-01')", mysqlerr.ER_NO_PARTITION_FOR_GIVEN_VALUE, "Table has no partition for value 2020")
	c.query("SELECT COUNT(*) FROM t", "5")

	c.explained("SELECT * FROM t", "p0,p1,p2")
	c.explained("SELECT * FROM t WHERE at = '2005-01-01'", "p1")
	c.explained("SELECT * FROM t WHERE at < '2000-01-01'", "p0,p1") // YEAR is the same on both sides of most bounds
	c.explained("SELECT * FROM t WHERE at >= '2010-01-01' AND v <> 'x'", "p2")
	c.explained("SELECT * FROM t WHERE at BETWEEN '1995-01-01' AND '2001-01-01'", "p0,p1")
	c.explained("SELECT * FROM t WHERE at IN ('1995-01-01', '2015-01-01')", "p0,p2")
	c.explained("SELECT * FROM t PARTITION (p1) WHERE v = 'b'", "p1")
	c.explained("SELECT * FROM t WHERE id = 3 AND at = '2015-05-05'", "p2")
	c.query("SELECT v FROM t WHERE at >= '2000-01-01' AND at < '2010-01-01' ORDER BY v", "b\nd")

	// Rows move when their partition changes.
	c.must("UPDATE t SET at = '2001-01-01' WHERE v = 'a'")
	c.parts("t", "p0,p1,p2", "1,3,1")
	c.query("SELECT id, at FROM t WHERE v = 'a'", "1\t2001-01-01")
	c.must("UPDATE t SET at = at + INTERVAL 1 DAY")
	c.query("SELECT COUNT(*), MAX(at) FROM t", "5\t2015-05-06")
	c.parts("t", "p0,p1,p2", "1,2,2") // d went from 2009 to 2010
	c.fails("UPDATE t SET at = '2030-01-01' WHERE v = 'b'", mysqlerr.ER_NO_PARTITION_FOR_GIVEN_VALUE, "")
	c.must("BEGIN; UPDATE t SET at = '1999-01-01'; ROLLBACK")
	c.parts("t", "p0,p1,p2", "1,2,2")
	c.must("DELETE FROM t WHERE v = 'e'")
	c.parts("t", "p0,p1,p2", "0,2,2")
	c.must("REPLACE INTO t (id, at, v) VALUES (1, '2001-01-02', 'aa'); INSERT INTO t (id, at, v) VALUES (1, '2001-01-02', 'x') ON DUPLICATE KEY UPDATE v = 'up'")
	c.query("SELECT v FROM t WHERE id = 1", "up")
	c.fails("INSERT INTO t (id, at) VALUES (1, '2001-01-02')", mysqlerr.ER_DUP_ENTRY, "Duplicate entry '1-2001-01-02' for key 't.PRIMARY'")

	// Selection.
	c.query("SELECT v FROM t PARTITION (p2, p1) ORDER BY v", "b\nc\nd\nup")
	c.fails("SELECT * FROM t PARTITION (p9)", mysqlerr.ER_UNKNOWN_PARTITION, "Unknown partition 'p9' in table 't'")
	c.fails("INSERT INTO t PARTITION (p0) (at) VALUES ('2015-01-01')", mysqlerr.ER_ROW_DOES_NOT_MATCH_GIVEN_PARTITION_SET, "Found a row not matching the given partition set")
	c.must("INSERT INTO t PARTITION (p0) (at, v) VALUES ('1980-01-01', 'old')")
	c.must("UPDATE t PARTITION (p0) SET v = 'older'; DELETE FROM t PARTITION (p2)")
	c.parts("t", "p0,p1,p2", "1,2,0")
	c.query("SELECT v FROM t PARTITION (p0)", "older")
	c.query("SELECT a.v FROM t PARTITION (p0) AS a JOIN t PARTITION (p1) AS b ON a.id > b.id WHERE b.v = 'b'", "older")
	c.must("CREATE TABLE plain (id INT)")
	c.fails("SELECT * FROM plain PARTITION (p0)", mysqlerr.ER_PARTITION_CLAUSE_ON_NONPARTITIONED, "PARTITION () clause on non partitioned table")
}

func TestPartitionDDL(t *testing.T) {
	c := partitionedServer(t)
	c.must(`CREATE TABLE t (id INT NOT NULL PRIMARY KEY, v INT, KEY (v)) PARTITION BY RANGE (id)
		(PARTITION p0 VALUES LESS THAN (10), PARTITION p1 VALUES LESS THAN (20) COMMENT = 'second')`)
	c.must("INSERT INTO t VALUES (1,1),(5,5),(11,11),(15,15),(19,19)")
	c.must("ALTER TABLE t ADD PARTITION (PARTITION p2 VALUES LESS THAN (30), PARTITION pm VALUES LESS THAN MAXVALUE)")
	c.must("INSERT INTO t VALUES (25,25),(99,99)")
	c.parts("t", "p0,p1,p2,pm", "2,3,1,1")
	c.fails("ALTER TABLE t ADD PARTITION (PARTITION p3 VALUES LESS THAN (40))", 1481, "MAXVALUE can only be used in last partition definition")
	c.fails("ALTER TABLE t ADD PARTITION PARTITIONS 2", 1492, "For RANGE partitions each partition must be defined")
	c.fails("ALTER TABLE t TRUNCATE PARTITION p9", mysqlerr.ER_UNKNOWN_PARTITION, "Unknown partition 'p9' in table 't'")
	c.fails("ALTER TABLE t COALESCE PARTITION 1", 1509, "COALESCE PARTITION can only be used on HASH/KEY partitions")
	c.fails("ALTER TABLE t DROP PARTITION p9", mysqlerr.ER_DROP_PARTITION_NON_EXISTENT, "Error in list of partitions to DROP")
	c.must("ALTER TABLE t DROP PARTITION p1")
	c.query("SELECT id FROM t ORDER BY id", "1\n5\n25\n99")
	c.query("SHOW CREATE TABLE t", "t\tCREATE TABLE `t` (\n  `id` int NOT NULL,\n  `v` int DEFAULT NULL,\n  PRIMARY KEY (`id`),\n  KEY `v` (`v`)\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci\n"+
		"/*!50100 PARTITION BY RANGE (`id`)\n(PARTITION p0 VALUES LESS THAN (10) ENGINE = InnoDB,\n PARTITION p2 VALUES LESS THAN (30) ENGINE = InnoDB,\n PARTITION pm VALUES LESS THAN MAXVALUE ENGINE = InnoDB) */")
	c.must("INSERT INTO t VALUES (12, 12)")
	c.parts("t", "p0,p2,pm", "2,2,1")

	c.must("ALTER TABLE t REORGANIZE PARTITION p2, pm INTO (PARTITION a VALUES LESS THAN (15), PARTITION b VALUES LESS THAN (40), PARTITION c VALUES LESS THAN MAXVALUE)")
	c.parts("t", "p0,a,b,c", "2,1,1,1")
	c.fails("ALTER TABLE t REORGANIZE PARTITION a, c INTO (PARTITION x VALUES LESS THAN (1000))", 1519, "When reorganizing a set of partitions they must be in consecutive order")
	c.fails("ALTER TABLE t REORGANIZE PARTITION p0, a INTO (PARTITION x VALUES LESS THAN (16))", 1520, "")
	c.fails("ALTER TABLE t REORGANIZE PARTITION c INTO (PARTITION c VALUES LESS THAN (50))", 1520, "")
	c.must("ALTER TABLE t TRUNCATE PARTITION a, b")
	c.parts("t", "p0,a,b,c", "2,0,0,1")
	c.must("ALTER TABLE t ADD COLUMN w VARCHAR(5) NOT NULL DEFAULT 'new', ADD UNIQUE KEY u (v, id)")
	c.query("SELECT * FROM t ORDER BY id", "1\t1\tnew\n5\t5\tnew\n99\t99\tnew")
	c.fails("ALTER TABLE t ADD UNIQUE KEY bad (v)", 1503, "A UNIQUE INDEX must include all columns in the table's partitioning function (prefixed columns are not considered).")
	c.must("ALTER TABLE t MODIFY v BIGINT, DROP KEY v; UPDATE t SET v = v + 1")
	c.query("SELECT v FROM t WHERE id = 99", "100")
	c.parts("t", "p0,a,b,c", "2,0,0,1")
	c.query("SELECT partition_name, partition_ordinal_position, partition_method, partition_expression, partition_description, table_rows FROM information_schema.partitions WHERE table_schema = 'd' AND table_name = 't'",
		"p0\t1\tRANGE\t`id`\t10\t2\na\t2\tRANGE\t`id`\t15\t0\nb\t3\tRANGE\t`id`\t40\t0\nc\t4\tRANGE\t`id`\tMAXVALUE\t1")

	c.must("RENAME TABLE t TO r")
	c.parts("r", "p0,a,b,c", "2,0,0,1")
	c.query("SHOW TABLES", "r")
	c.must("TRUNCATE TABLE r")
	c.query("SELECT COUNT(*) FROM r", "0")
	c.must("INSERT INTO r (id, v) VALUES (1, 1), (50, 2); ALTER TABLE r REMOVE PARTITIONING")
	c.query("SELECT id FROM r ORDER BY id", "1\n50")
	c.must("INSERT INTO r (id, v) VALUES (5000, 3)")
	c.fails("ALTER TABLE r DROP PARTITION p0", mysqlerr.ER_PARTITION_MGMT_ON_NONPARTITIONED, "Partition management on a not partitioned table is not possible")
	c.must("ALTER TABLE r PARTITION BY HASH (id) PARTITIONS 3")
	c.query("SELECT id FROM r ORDER BY id", "1\n50\n5000")
	c.parts("r", "p0,p1,p2", "0,1,2")
	c.must("ALTER TABLE r ADD PARTITION PARTITIONS 2")
	c.parts("r", "p0,p1,p2,p3,p4", "2,1,0,0,0")
	c.must("ALTER TABLE r COALESCE PARTITION 4")
	c.parts("r", "p0", "3")
	c.fails("ALTER TABLE r COALESCE PARTITION 1", 1508, "Cannot remove all partitions, use DROP TABLE instead")
	c.fails("ALTER TABLE r DROP PARTITION p0", 1512, "DROP PARTITION can only be used on RANGE/LIST partitions")
	c.must("DROP TABLE r")

	// Nothing of it is left.
	names, err := c.sv.db.Catalog().TableNames(context.Background(), "d")
	if err != nil || len(names) != 0 {
		t.Errorf("trees left: %q, %v", names, err)
	}
}

func TestPartitionKinds(t *testing.T) {
	c := partitionedServer(t)
	c.must("CREATE TABLE l (id INT, c VARCHAR(5)) PARTITION BY LIST COLUMNS (c) (PARTITION x VALUES IN ('a', 'b'), PARTITION y VALUES IN ('c', NULL))")
	c.must("INSERT INTO l VALUES (1, 'A'), (2, 'c'), (3, NULL), (4, 'b')")
	c.parts("l", "x,y", "2,2")
	c.fails("INSERT INTO l VALUES (5, 'z')", mysqlerr.ER_NO_PARTITION_FOR_GIVEN_VALUE, "Table has no partition for value from column_list")
	c.explained("SELECT * FROM l WHERE c = 'b'", "x")
	c.explained("SELECT * FROM l WHERE c IS NULL", "y")
	c.fails("ALTER TABLE l ADD PARTITION (PARTITION z VALUES IN ('a'))", 1495, "Multiple definition of same constant in list partitioning")
	c.must("ALTER TABLE l ADD PARTITION (PARTITION z VALUES IN ('z')); INSERT INTO l VALUES (5, 'z')")
	c.must("CREATE TABLE l2 (id INT) PARTITION BY LIST (id % 3) (PARTITION x VALUES IN (0), PARTITION y VALUES IN (1, 2))")
	c.must("INSERT INTO l2 VALUES (1), (2), (3), (6)")
	c.parts("l2", "x,y", "2,2")
	c.fails("INSERT INTO l2 VALUES (NULL)", mysqlerr.ER_NO_PARTITION_FOR_GIVEN_VALUE, "Table has no partition for value NULL")

	c.must("CREATE TABLE k (a VARCHAR(10), b INT, PRIMARY KEY (a, b)) PARTITION BY KEY () PARTITIONS 4")
	c.must("INSERT INTO k VALUES ('x', 1), ('y', 2), ('z', 3)")
	c.query("SELECT b FROM k WHERE a = 'Y' AND b = 2", "2")
	c.fails("INSERT INTO k VALUES ('X', 1)", mysqlerr.ER_DUP_ENTRY, "Duplicate entry 'X-1' for key 'k.PRIMARY'")
	c.must("CREATE TABLE lh (id INT) PARTITION BY LINEAR HASH (id) PARTITIONS 6")
	c.must("INSERT INTO lh VALUES (0),(1),(2),(3),(4),(5),(6),(7),(-1),(NULL)")
	c.parts("lh", "p0,p1,p2,p3,p4,p5", "2,1,2,3,1,1")

	c.must("CREATE TABLE rc (a INT, b INT, c CHAR(3)) PARTITION BY RANGE COLUMNS (a, b) (PARTITION p0 VALUES LESS THAN (5, 10), PARTITION p1 VALUES LESS THAN (5, 20), PARTITION p2 VALUES LESS THAN (MAXVALUE, MAXVALUE))")
	c.must("INSERT INTO rc VALUES (1, 99, 'a'), (5, 9, 'b'), (5, 10, 'c'), (5, 20, 'd'), (6, 0, 'e'), (NULL, 5, 'f')")
	c.parts("rc", "p0,p1,p2", "3,1,2")
	c.explained("SELECT * FROM rc WHERE a = 5 AND b = 15", "p1")
	c.explained("SELECT * FROM rc WHERE a < 5", "p0")
	c.explained("SELECT * FROM rc WHERE a > 5", "p2")
	c.query("SELECT c FROM rc WHERE a = 5 ORDER BY c", "b\nc\nd")

	c.fails("CREATE TABLE e (a INT, b INT, PRIMARY KEY (a)) PARTITION BY HASH (b)", 1503, "A PRIMARY KEY must include all columns in the table's partitioning function (prefixed columns are not considered).")
	c.fails("CREATE TABLE e (a INT) PARTITION BY RANGE (a) (PARTITION p VALUES LESS THAN (5), PARTITION q VALUES LESS THAN (5))", 1493, "VALUES LESS THAN value must be strictly increasing for each partition")
	c.fails("CREATE TABLE e (a INT) PARTITION BY RANGE (a) (PARTITION p VALUES LESS THAN (5), PARTITION P VALUES LESS THAN (6))", 1517, "Duplicate partition name P")
	c.fails("CREATE TABLE e (a INT) PARTITION BY RANGE (a)", 1492, "For RANGE partitions each partition must be defined")
	c.fails("CREATE TEMPORARY TABLE e (a INT) PARTITION BY HASH (a)", 1562, "Cannot create temporary table with partitions")
	c.fails("CREATE TABLE e (a INT) PARTITION BY HASH (a) PARTITIONS 0", 1504, "Number of partitions = 0 is not an allowed value")
	c.fails("CREATE TABLE e (a INT) PARTITION BY RANGE (a) SUBPARTITION BY HASH (a) (PARTITION p VALUES LESS THAN (5))", mysqlerr.ER_NOT_SUPPORTED_YET, "")
	c.fails("CREATE TABLE e (a VARCHAR(5)) PARTITION BY RANGE (a) (PARTITION p VALUES LESS THAN (5))", 1659, "Field 'a' is of a not allowed type for this type of partitioning")
	c.must("CREATE TABLE parent (id INT PRIMARY KEY)")
	c.fails("CREATE TABLE e (a INT, FOREIGN KEY (a) REFERENCES parent (id)) PARTITION BY HASH (a)", 1506, "Foreign keys are not yet supported in conjunction with partitioning")
}

func TestPartitionExchange(t *testing.T) {
	c := partitionedServer(t)
	c.must("CREATE TABLE t (id INT NOT NULL PRIMARY KEY, v INT) PARTITION BY RANGE (id) (PARTITION p0 VALUES LESS THAN (10), PARTITION p1 VALUES LESS THAN (20))")
	c.must("INSERT INTO t VALUES (1,1),(11,11); CREATE TABLE u (id INT NOT NULL PRIMARY KEY, v INT); INSERT INTO u VALUES (15, 15), (16, 16)")
	c.fails("ALTER TABLE t EXCHANGE PARTITION p0 WITH TABLE u", mysqlerr.ER_ROW_DOES_NOT_MATCH_PARTITION, "Found a row that does not match the partition")
	c.must("ALTER TABLE t EXCHANGE PARTITION p1 WITH TABLE u")
	c.query("SELECT id FROM t ORDER BY id", "1\n15\n16")
	c.query("SELECT * FROM u", "11\t11")
	c.must("INSERT INTO u VALUES (500, 1); INSERT INTO t VALUES (17, 17)")
	c.fails("ALTER TABLE t EXCHANGE PARTITION p1 WITH TABLE u", mysqlerr.ER_ROW_DOES_NOT_MATCH_PARTITION, "")
	c.must("ALTER TABLE t EXCHANGE PARTITION p1 WITH TABLE u WITHOUT VALIDATION")
	c.query("SELECT COUNT(*) FROM t", "3")
	c.must("CREATE TABLE w (id INT NOT NULL PRIMARY KEY, v BIGINT)")
	c.fails("ALTER TABLE t EXCHANGE PARTITION p1 WITH TABLE w", 1736, "Tables have different definitions")
	c.fails("ALTER TABLE t EXCHANGE PARTITION p1 WITH TABLE t", 1732, "Table to exchange with partition is partitioned: 't'")
}

// AUTO_INCREMENT goes on through changes of the partitions, and a change that fails leaves everything as it was.
func TestPartitionAlterFails(t *testing.T) {
	c := partitionedServer(t)
	c.must("CREATE TABLE t (id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, v INT) PARTITION BY HASH (id) PARTITIONS 3")
	c.must("INSERT INTO t (v) VALUES (1),(2),(3),(3)")
	before := c.must("SHOW CREATE TABLE t").String()
	c.fails("ALTER TABLE t PARTITION BY RANGE (id) (PARTITION p0 VALUES LESS THAN (3))", mysqlerr.ER_NO_PARTITION_FOR_GIVEN_VALUE, "Table has no partition for value 3")
	if after := c.must("SHOW CREATE TABLE t").String(); after != before {
		t.Errorf("after a failure:\n%s\nbefore:\n%s", after, before)
	}
	c.must("ALTER TABLE t PARTITION BY RANGE (id) (PARTITION p0 VALUES LESS THAN (3), PARTITION p1 VALUES LESS THAN (300)); INSERT INTO t (v) VALUES (9)")
	c.query("SELECT id, v FROM t ORDER BY id", "1\t1\n2\t2\n3\t3\n4\t3\n5\t9")
	c.parts("t", "p0,p1", "2,3")
	names, err := c.sv.db.Catalog().TableNames(context.Background(), "d")
	if err != nil || len(names) != 3 {
		t.Errorf("trees: %q, %v", names, err)
	}
}

// What a process leaves behind that ends in the midst of a change of partitions, the next one drops.
func TestPartitionCrash(t *testing.T) {
	c := partitionedServer(t)
	ctx := context.Background()
	c.must("CREATE TABLE t (id INT NOT NULL PRIMARY KEY) PARTITION BY HASH (id) PARTITIONS 2; INSERT INTO t VALUES (1), (2), (3)")
	p := c.sv.e.catalog.(*partCatalog)
	d, parts, err := p.partsOf(ctx, "d", "t")
	if err != nil || len(parts) != 2 {
		t.Fatal(parts, err)
	}
	if err := p.changing(ctx, "d", "t"); err != nil {
		t.Fatal(err)
	}
	if err := p.makeTrees(ctx, d, []tabledef.Partition{{Name: "new", Tree: 7}, {Name: "newer", Tree: 8}}); err != nil {
		t.Fatal(err)
	}
	count := func() int {
		names, err := c.sv.db.Catalog().TableNames(ctx, "d")
		if err != nil {
			t.Fatal(err)
		}
		return len(names)
	}
	if n := count(); n != 5 {
		t.Fatalf("%d trees", n)
	}
	next, err := New(c.sv.db, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer next.Close()
	if n := count(); n != 3 {
		t.Errorf("%d trees after a restart, want 3", n)
	}
	if left, err := p.Objects(ctx, kindTrees, "d"); err != nil || len(left) != 0 {
		t.Errorf("left: %v, %v", left, err)
	}
	c.query("SELECT COUNT(*) FROM t", "3")
}

func TestPartitionedElsewhere(t *testing.T) {
	c := partitionedServer(t)
	c.must("CREATE TABLE t (id INT NOT NULL PRIMARY KEY, v INT) PARTITION BY HASH (id) PARTITIONS 2; INSERT INTO t VALUES (1, 1), (2, 2), (3, 3)")
	c.must("CREATE TABLE l LIKE t; INSERT INTO l SELECT * FROM t WHERE id < 3")
	c.parts("l", "p0,p1", "1,1")
	c.must("CREATE TABLE s (id INT NOT NULL, v INT, PRIMARY KEY (id)) PARTITION BY RANGE (id) (PARTITION a VALUES LESS THAN (3), PARTITION b VALUES LESS THAN MAXVALUE) AS SELECT * FROM t")
	c.parts("s", "a,b", "2,1")
	c.must("CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW SET NEW.v = NEW.v * 10; INSERT INTO t VALUES (4, 4); CREATE VIEW w AS SELECT * FROM t WHERE v > 2")
	c.query("SELECT v FROM w ORDER BY id", "3\n40")
	c.must("UPDATE w SET v = v + 1; DELETE FROM w WHERE id = 3; UPDATE t JOIN l USING (id) SET t.v = 100; DELETE t FROM t JOIN l USING (id) WHERE l.id = 2")
	c.query("SELECT id, v FROM t ORDER BY id", "1\t100\n4\t41")
	c.query("SELECT t.v, l.v FROM t LEFT JOIN l ON l.id = t.id ORDER BY 1", "41\tNULL\n100\t1")
	c.query("SELECT id FROM t WHERE v = (SELECT MAX(v) FROM t) FOR UPDATE", "1")
	c.query("CHECK TABLE t", "d.t\tcheck\tstatus\tOK")
	c.query("ANALYZE TABLE t", "d.t\tanalyze\tstatus\tOK")
	c.query("SELECT table_name FROM information_schema.tables WHERE table_schema = 'd' ORDER BY 1", "l\ns\nt\nw")
	c.fails("CREATE TABLE child (id INT, FOREIGN KEY (id) REFERENCES t (id))", 1506, "Foreign keys are not yet supported in conjunction with partitioning")
	c.must("ALTER TABLE t COMMENT = 'x', RENAME COLUMN v TO w2")
	c.query("SELECT w2 FROM t WHERE id = 4", "41")
	c.must("DROP DATABASE d")
}
