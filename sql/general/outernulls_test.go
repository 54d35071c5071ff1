package general

import (
	"fmt"
	"testing"
)

// NOT IN above an outer join: a column that is NOT NULL has a NULL where the join has no row of its table.
func TestNotInAboveOuterJoins(t *testing.T) {
	c := newServer(t).client()
	c.must(`CREATE DATABASE d; USE d; CREATE TABLE o (id INT PRIMARY KEY); CREATE TABLE t1 (id INT PRIMARY KEY, n INT NOT NULL, KEY (n));
INSERT INTO o VALUES (1), (2), (3); INSERT INTO t1 VALUES (1, 10), (2, 20), (7, 70)`)
	load(c, "t1", 2000, func(i int) string { return fmt.Sprintf("%d,%d", i+1000, i+1000) })
	c.must("ANALYZE TABLE o, t1")
	for query, want := range map[string]string{
		"SELECT a.id FROM o a LEFT JOIN t1 b ON b.id = a.id + 110 WHERE b.id NOT IN (SELECT id FROM t1)":                                            "",
		"SELECT a.id FROM o a LEFT JOIN t1 b ON b.id = a.id + 110 WHERE b.id NOT IN (SELECT id FROM t1 WHERE id BETWEEN 100 AND 900) ORDER BY 1":    "1\n2\n3",
		"SELECT a.id FROM o a LEFT JOIN t1 b ON b.id = a.id WHERE b.id NOT IN (SELECT n FROM t1) ORDER BY 1":                                        "1\n2",
		"SELECT a.id FROM t1 b RIGHT JOIN o a ON b.id = a.id WHERE b.n NOT IN (SELECT n FROM t1 WHERE n > 15) ORDER BY 1":                           "1",
		"SELECT id FROM o WHERE id NOT IN (SELECT b.id FROM o a LEFT JOIN t1 b ON b.id = a.id)":                                                     "",
		"SELECT id FROM o WHERE id NOT IN (SELECT b.id FROM o a LEFT JOIN t1 b ON b.id = a.id WHERE b.id IS NOT NULL)":                              "3",
		"SELECT d.x FROM (SELECT b.n x FROM o a LEFT JOIN t1 b ON b.id = a.id) d WHERE d.x NOT IN (SELECT n FROM t1 WHERE n = 20)":                  "10",
		"SELECT id FROM o WHERE id NOT IN (SELECT x FROM (SELECT b.id x FROM o a LEFT JOIN t1 b ON b.id = a.id) d)":                                 "",
		"SELECT a.id FROM o a LEFT JOIN t1 b ON b.id = a.id WHERE NOT EXISTS (SELECT 1 FROM t1 WHERE t1.id = b.id) ORDER BY 1":                      "3",
		"SELECT a.id, b.id + 1 x FROM o a LEFT JOIN t1 b ON b.id = a.id HAVING x NOT IN (SELECT id FROM t1 WHERE id > 2) ORDER BY 1":                "1\t2\n2\t3",
		"SELECT a.id, (SELECT COUNT(*) FROM t1 WHERE n < 100 AND n NOT IN (b.n)) FROM o a LEFT JOIN t1 b ON b.id = a.id ORDER BY 1":                 "1\t2\n2\t2\n3\t0",
		"SELECT a.id, b.n, c.n FROM o a LEFT JOIN t1 b ON b.id = a.id LEFT JOIN t1 c ON c.n = b.n WHERE c.n NOT IN (SELECT n FROM t1 WHERE n < 15)": "2\t20\t20",
	} {
		for _, plan := range []string{"", "/*+ NO_SEMIJOIN() */ "} {
			c.query("SELECT "+plan+query[len("SELECT "):], want)
		}
	}
}
