package general

import "testing"

// ON DUPLICATE KEY UPDATE takes subqueries that depend on nothing; they are executed when a row meets another.
func TestOnDuplicateQuery(t *testing.T) {
	c := newServer(t).client()
	c.must("CREATE DATABASE odq")
	c.must("USE odq")
	c.must("CREATE TABLE t (a INT PRIMARY KEY, v INT)")
	c.must("CREATE TABLE u (a INT PRIMARY KEY, v INT)")
	c.must("INSERT INTO t VALUES (42, 7)")
	c.must("INSERT INTO u VALUES (42, 9), (43, 11)")
	c.must("INSERT INTO t VALUES (42, 1) ON DUPLICATE KEY UPDATE v = (SELECT MAX(v) FROM u) + VALUES(v)")
	c.query("SELECT * FROM t", "42\t12")
	c.must("INSERT INTO t VALUES (1, 1) ON DUPLICATE KEY UPDATE v = (SELECT v FROM u)")
	if _, err := c.exec("INSERT INTO t VALUES (42, 1) ON DUPLICATE KEY UPDATE v = (SELECT v FROM u)"); err == nil {
		t.Error("a subquery of two rows gave a value")
	}
	c.query("SELECT * FROM t", "1\t1\n42\t12")
}

// AVG of exact numbers is rounded once.
func TestAverageRoundedOnce(t *testing.T) {
	c := newServer(t).client()
	c.must("CREATE DATABASE av")
	c.must("USE av")
	c.must("CREATE TABLE t (a INT, d DECIMAL(5,2))")
	c.must("INSERT INTO t VALUES (6000,1),(6000,1),(6000,1),(6000,1),(6000,1),(6000,1),(6000,1),(6000,1),(6000,1),(6000,1),(5554,NULL)")
	c.query("SELECT AVG(a), AVG(d), AVG(DISTINCT a), AVG(a) * 11, (SELECT AVG(x) FROM (SELECT 1 AS x UNION ALL SELECT 1 UNION ALL SELECT 0) y) FROM t WHERE CONCAT(a) > ''",
		"5959.4545\t1.000000\t5777.0000\t65554.0000\t0.6667")
	c.query("SELECT AVG(a) FROM t WHERE a IS NULL", "NULL")
}
