package general

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/zoryadb/zorya/engine/table"
	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// TestLockingPlans: what a few rows of another table pick is looked up, so that only those rows are locked, however small the table is.
func TestLockingPlans(t *testing.T) {
	sv := newServer(t)
	c := sv.client()
	c.must("CREATE DATABASE d; USE d; CREATE TABLE t (id INT PRIMARY KEY, v INT); CREATE TABLE s (id INT PRIMARY KEY, v INT); CREATE TABLE pick (id INT PRIMARY KEY)")
	c.must("SHOW INDEX FROM t; SHOW INDEX FROM s") // statistics of empty tables
	c.must("INSERT INTO t VALUES (10,1), (20,2), (30,3); INSERT INTO pick VALUES (20)")
	check := func() {
		t.Helper()
		for q, want := range map[string]string{
			"INSERT INTO s SELECT * FROM t WHERE id = 20":                                      "S,REC_NOT_GAP 20",
			"UPDATE t SET v = 5 WHERE id = 10":                                                 "X,REC_NOT_GAP 10",
			"UPDATE t SET v = 5 WHERE id IN (SELECT id FROM pick)":                             "X,REC_NOT_GAP 20",
			"SELECT * FROM t WHERE id IN (SELECT id FROM pick) FOR UPDATE":                     "X,REC_NOT_GAP 20",
			"DELETE FROM t WHERE id IN (SELECT id FROM pick)":                                  "X,REC_NOT_GAP 20",
			"DELETE FROM t WHERE id = (SELECT MAX(id) FROM pick)":                              "X,REC_NOT_GAP 20",
			"DELETE FROM t WHERE (SELECT id + 10 FROM pick) = t.id AND v < 9":                  "X,REC_NOT_GAP 30",
			"DELETE FROM t WHERE id = (SELECT id FROM pick WHERE id > 90)":                     "",
			"UPDATE t SET v = 5 WHERE id = (SELECT MAX(id) FROM pick)":                         "X,REC_NOT_GAP 20",
			"SELECT * FROM t WHERE id = (SELECT MAX(id) FROM pick) FOR UPDATE":                 "X,REC_NOT_GAP 20",
			"SELECT * FROM t WHERE id = (SELECT MIN(id) FROM t) FOR SHARE":                     "S,REC_NOT_GAP 10",
			"DELETE t FROM t JOIN pick USING (id)":                                             "X,REC_NOT_GAP 20",
			"UPDATE t JOIN pick USING (id) SET v = 9":                                          "X,REC_NOT_GAP 20",
			"SELECT * FROM t WHERE EXISTS (SELECT 1 FROM pick WHERE pick.id = t.id) FOR SHARE": "S,REC_NOT_GAP 20",
		} {
			locksOf(t, sv, q, want)
		}
	}
	check()
	load(c, "t", 500, func(i int) string { return fmt.Sprintf("%d,%d", 1000+i, i) })
	c.must("ANALYZE TABLE t")
	check()
}

// locksOf holds the row locks that a statement takes in table t of database d against what is wanted, sorted.
func locksOf(t *testing.T, sv *server, q, want string) {
	t.Helper()
	x := sv.client()
	x.must("USE d; BEGIN")
	x.must(q)
	var got []string
	for _, l := range sv.db.(table.Monitor).DataLocks(1000) {
		if l.Table == "t" && !l.OnTable {
			got = append(got, l.Mode+" "+l.Data)
		}
	}
	slices.Sort(got)
	if s := strings.Join(got, "; "); s != want {
		t.Errorf("%s\nlocks %.300s\nwant  %s\n%s", q, s, want, planOf(x, q))
	}
	x.must("ROLLBACK")
}

// TestDeleteBySubquery: a DELETE whose condition became a semi-join, or lost a subquery to its value, deletes what it says.
func TestDeleteBySubquery(t *testing.T) {
	c := newServer(t).client()
	c.must(`CREATE DATABASE d; USE d; CREATE TABLE s (a INT, n INT); INSERT INTO s VALUES (2,1), (2,2), (4,3), (NULL,4)`)
	for _, keyed := range []string{"id INT PRIMARY KEY, v INT", "id INT, v INT", "id INT, v INT, KEY (v)"} {
		for q, want := range map[string]string{
			"DELETE FROM t WHERE id IN (SELECT a FROM s)":                                "1; 3; 5",
			"DELETE FROM t WHERE id IN (SELECT a FROM s) AND v > 20":                     "1; 2; 3; 5",
			"DELETE FROM t WHERE id NOT IN (SELECT a FROM s)":                            "1; 2; 3; 4; 5",
			"DELETE FROM t WHERE id NOT IN (SELECT a FROM s WHERE a IS NOT NULL)":        "2; 4",
			"DELETE FROM t WHERE id IN (SELECT a FROM s WHERE n = v / 10)":               "1; 3; 4; 5",
			"DELETE FROM t WHERE v IN (SELECT a * 10 FROM s)":                            "1; 3; 5",
			"DELETE FROM t WHERE id IN (SELECT a FROM s) ORDER BY id DESC LIMIT 1":       "1; 2; 3; 5",
			"DELETE FROM t AS x WHERE x.id IN (SELECT a FROM s)":                         "1; 3; 5",
			"DELETE IGNORE FROM t WHERE id IN (SELECT a FROM s)":                         "1; 3; 5",
			"DELETE FROM t WHERE id > (SELECT AVG(a) FROM s)":                            "1; 2",
			"DELETE FROM t WHERE id = (SELECT a FROM s WHERE n = 3)":                     "1; 2; 3; 5",
			"DELETE FROM t WHERE id <=> (SELECT a FROM s WHERE n = 4)":                   "1; 2; 3; 4; 5",
			"DELETE FROM t WHERE id <> (SELECT MAX(a) FROM s) OR v = 50":                 "4",
			"UPDATE t SET id = id + 10 WHERE id = (SELECT MAX(a) FROM s)":                "1; 14; 2; 3; 5",
			"DELETE FROM t WHERE v = (SELECT n * 10 FROM s WHERE a = 4) LIMIT 1":         "1; 2; 4; 5",
			"DELETE FROM t WHERE EXISTS (SELECT 1 FROM s WHERE s.a = t.id AND s.n > 2)":  "1; 2; 3; 5",
			"DELETE FROM t WHERE id IN (SELECT a FROM s GROUP BY a HAVING COUNT(*) > 1)": "1; 3; 4; 5",
		} {
			c.must("DROP TABLE IF EXISTS t; CREATE TABLE t (" + keyed + "); INSERT INTO t VALUES (1,10), (2,20), (3,30), (4,40), (5,50)")
			c.must(q)
			if got := strings.TrimSpace(c.must("SELECT GROUP_CONCAT(id ORDER BY CAST(id AS CHAR) SEPARATOR '; ') FROM t").String()); got != want {
				t.Errorf("(%s) %s\nleft %s\nwant %s", keyed, q, got, want)
			}
		}
	}
	c.fails("DELETE FROM t WHERE id = (SELECT a FROM s)", mysqlerr.ER_SUBQUERY_NO_1_ROW, "")
	c.fails("UPDATE t SET v = 1 WHERE id = (SELECT a, n FROM s)", mysqlerr.ER_OPERAND_COLUMNS, "")
}

// TestLocksThroughViews: a locking read of a view locks the rows of its tables; one of a derived table locks nothing in it.
func TestLocksThroughViews(t *testing.T) {
	sv := newServer(t)
	c := sv.client()
	c.must("CREATE DATABASE d; USE d; CREATE TABLE t (id INT PRIMARY KEY, v INT); INSERT INTO t VALUES (10,1), (20,2), (30,3)")
	c.must("CREATE VIEW w AS SELECT id, v FROM t; CREATE VIEW ww AS SELECT id FROM w WHERE v < 9")
	for q, want := range map[string]string{
		"SELECT * FROM w WHERE id = 20 FOR UPDATE":                               "X,REC_NOT_GAP 20",
		"SELECT * FROM ww WHERE id = 20 FOR SHARE":                               "S,REC_NOT_GAP 20",
		"SELECT * FROM ww AS a WHERE a.id = 20 FOR UPDATE OF a":                  "X,REC_NOT_GAP 20",
		"SELECT * FROM (SELECT * FROM t) AS dt WHERE id = 20 FOR UPDATE":         "",
		"SELECT * FROM (SELECT * FROM t WHERE id = 20 FOR UPDATE) AS dt":         "X,REC_NOT_GAP 20",
		"SELECT * FROM t WHERE id = (SELECT id FROM w WHERE id = 10) FOR UPDATE": "X,REC_NOT_GAP 10",
		"UPDATE t SET v = (SELECT 7 FROM DUAL) WHERE id = 20":                    "X,REC_NOT_GAP 20",
	} {
		locksOf(t, sv, q, want)
	}
}

// TestLocksByKeyAtAnyStatistics: statistics may have been computed at any moment while a small table was being filled. They never make a statement that names
// one row by its key lock another.
func TestLocksByKeyAtAnyStatistics(t *testing.T) {
	sv := newServer(t)
	c := sv.client()
	c.must("CREATE DATABASE d; USE d")
	for n := range 4 {
		c.must("CREATE TABLE t (id INT PRIMARY KEY, v INT, KEY (v)); CREATE TABLE s (id INT PRIMARY KEY, v INT)")
		for i := range 4 {
			if i == n {
				c.must("SHOW INDEX FROM t; SHOW INDEX FROM s")
			}
			if i < 3 {
				c.must(fmt.Sprintf("INSERT INTO t VALUES (%d, %d)", 10*i+10, i+1))
			}
		}
		for range 2 { // the second time the plan may be a kept one
			locksOf(t, sv, "INSERT INTO s SELECT * FROM t WHERE id = 20", "S,REC_NOT_GAP 20")
			locksOf(t, sv, "INSERT INTO s SELECT * FROM t WHERE id IN (20)", "S,REC_NOT_GAP 20")
			locksOf(t, sv, "REPLACE INTO s SELECT id, v FROM t WHERE id = 20 AND v < 9", "S,REC_NOT_GAP 20")
			locksOf(t, sv, "SET @x = (SELECT v FROM t WHERE id = 20)", "S,REC_NOT_GAP 20")
			locksOf(t, sv, "UPDATE t SET v = v + 1 WHERE id = 20 AND v < 9", "X,REC_NOT_GAP 20")
			locksOf(t, sv, "SELECT * FROM t WHERE id = 20 FOR UPDATE", "X,REC_NOT_GAP 20")
			locksOf(t, sv, "DELETE FROM t WHERE id = 20", "X,REC_NOT_GAP 20")
		}
		c.must("DROP TABLE t, s")
	}
}

// TestLocksOfRanges: what bounds a key in other words than comparisons bounds what UPDATE and DELETE lock, too.
func TestLocksOfRanges(t *testing.T) {
	sv := newServer(t)
	c := sv.client()
	c.must("CREATE DATABASE d; USE d; CREATE TABLE t (id INT PRIMARY KEY, v INT, w INT, KEY (v))")
	load(c, "t", 200, func(i int) string { return fmt.Sprintf("%d,%d,%d", i, i, i) })
	const three = "X 3, 3; X 4, 4; X 5, 5; X 6, 6; X,GAP 6, 6; X,REC_NOT_GAP 3; X,REC_NOT_GAP 4; X,REC_NOT_GAP 5"
	for range 2 {
		for q, want := range map[string]string{
			"DELETE FROM t WHERE v BETWEEN 3 AND 5":                           three,
			"UPDATE t SET w = 1 WHERE v BETWEEN 3 AND 5":                      three,
			"SELECT * FROM t WHERE v BETWEEN 3 AND 5 FOR UPDATE":              three,
			"DELETE FROM t WHERE w = 4 AND v BETWEEN 3 AND 5":                 three,
			"DELETE FROM t WHERE v BETWEEN 3 AND 5 ORDER BY id":               three,
			"DELETE FROM t WHERE id BETWEEN 3 AND 5":                          "X 4; X 5; X,REC_NOT_GAP 3",
			"UPDATE t SET w = 1 WHERE NOT id > 1":                             "X 0; X 1",
			"DELETE FROM t WHERE v NOT BETWEEN 1 AND 198":                     "X 0, 0; X 1, 1; X 199, 199; X supremum pseudo-record; X,GAP 1, 1; X,REC_NOT_GAP 0; X,REC_NOT_GAP 199",
			"UPDATE t SET w = 1 WHERE v BETWEEN 3 AND 3 OR v BETWEEN 5 AND 5": "X 3, 3; X 5, 5; X,GAP 4, 4; X,GAP 6, 6; X,REC_NOT_GAP 3; X,REC_NOT_GAP 5",
		} {
			locksOf(t, sv, q, want)
		}
		c.must("ANALYZE TABLE t")
	}
}
