package general

import (
	"fmt"
	"strings"
	"testing"
)

// Derived tables, CTEs and views of one table are part of the query around them: joins look their tables up, and the rows are those without merging.
func TestDerivedTablesAreMerged(t *testing.T) {
	c := newServer(t).client()
	c.must(`CREATE DATABASE dm; USE dm;
CREATE TABLE cust (id INT PRIMARY KEY, name VARCHAR(10), status CHAR(1), region INT, KEY (region));
CREATE TABLE ord (id INT PRIMARY KEY, cust_id INT, total INT, KEY (cust_id));
CREATE TABLE m (id INT, s SET('x','y') NOT NULL, UNIQUE KEY (s));
CREATE VIEW v AS SELECT id AS uid, name, region FROM cust WHERE status = 'A';
CREATE VIEW v2 AS SELECT uid AS u2, name AS n2 FROM v WHERE uid > 1;
CREATE VIEW sv AS SELECT id FROM m WHERE s < 5`)
	load(c, "cust", 400, func(i int) string { return fmt.Sprintf("%d,'n%d','%c',%d", i+1, i%37, "ABC"[i%3], i%40) })
	load(c, "ord", 2000, func(i int) string {
		return fmt.Sprintf("%d,NULLIF(%d,8),%d", i+1, i*7%450+1, i*31%997)
	})
	c.must("INSERT INTO m VALUES (1,'x'), (2,'x,y'); ANALYZE TABLE cust, ord")
	for _, q := range []struct{ text, plan, not string }{
		{"SELECT d.id, o.id FROM ord o JOIN (SELECT id, name FROM cust WHERE status = 'A') d ON d.id = o.cust_id WHERE o.id = 4 ORDER BY o.id", "Single-row index lookup on d using PRIMARY", "Materialize"},
		{"SELECT o.id, v.* FROM ord o LEFT JOIN v ON v.uid = o.cust_id WHERE o.id = 4 ORDER BY o.id", "Single-row index lookup on v using PRIMARY", "Materialize"},
		{"SELECT o.id, v.uid IS NULL FROM ord o LEFT JOIN v ON v.uid = o.cust_id AND v.region < 9 WHERE o.id = 3 AND v.uid IS NULL ORDER BY o.id", "Single-row index lookup on v using PRIMARY", "Materialize"},
		{"SELECT a.u2, a.n2, o.total FROM v2 a JOIN ord o ON o.cust_id = a.u2 WHERE a.u2 = 10 ORDER BY o.id", "on a using PRIMARY", "Materialize"},
		{"WITH t AS (SELECT region, id x FROM cust) SELECT t.x, o.id FROM ord o JOIN t ON t.x = o.cust_id WHERE o.id BETWEEN 7 AND 11 ORDER BY 2", "index lookup on t using PRIMARY", "Materialize"},
		{"SELECT d.region, COUNT(*), SUM(o.total) FROM (SELECT * FROM cust WHERE status = 'B') d JOIN ord o ON o.cust_id = d.id WHERE d.region = 7 GROUP BY d.region", "Index lookup on d using region", "Materialize"},
		{"SELECT id FROM ord WHERE id < 50 AND cust_id IN (SELECT uid FROM v) ORDER BY id", "", ""},
		{"SELECT id FROM ord o WHERE id < 50 AND EXISTS (SELECT 1 FROM v WHERE v.uid = o.cust_id AND v.region > o.id % 5) ORDER BY id", "", ""},
		{"SELECT x.uid + 1 FROM v x WHERE EXISTS (SELECT 1 FROM ord WHERE ord.cust_id = x.uid AND total > 900) ORDER BY 1", "", ""},
		{"SELECT (SELECT MAX(u2) FROM v2 WHERE u2 <= o.id) m, o.id FROM ord o WHERE o.id < 20 ORDER BY o.id", "", ""},
		{"SELECT v.* FROM v WHERE uid = (SELECT MAX(v.uid) FROM v)", "", ""},
		{"SELECT DISTINCT u2 FROM v2 WHERE u2 < 30 ORDER BY u2", "", ""},
		{"SELECT u2, COUNT(*) n FROM v2 JOIN ord ON cust_id = u2 GROUP BY u2 HAVING u2 > 300 ORDER BY n, u2", "", ""},
		{"SELECT u2 k FROM v2 WHERE u2 < 20 UNION SELECT id FROM ord WHERE id < 5 ORDER BY 1", "", ""},
		{"SELECT z, q.n2 FROM (SELECT u2 z, n2 FROM v2) q JOIN ord ON z = cust_id WHERE ord.id = 4 ORDER BY ord.id", "Single-row index lookup on q using PRIMARY", "Materialize"},
		{"WITH t AS (SELECT id x, name FROM cust WHERE id < 30) SELECT a.x, b.name FROM t a JOIN t b ON a.x = b.x + 1 ORDER BY 1", "", ""},
		{"SELECT ROW_NUMBER() OVER (ORDER BY u2) r, u2 FROM v2 WHERE u2 < 30", "", ""},
		{"SELECT * FROM sv ORDER BY id", "", ""},
		{"SELECT * FROM v2 WHERE u2 < 9", "", ""},
		{"SELECT v.name, w.name FROM v JOIN v w ON w.uid = v.uid + 3 WHERE v.uid < 30 ORDER BY v.uid", "index lookup on w using PRIMARY", "Materialize"},
		{"SELECT cust.name, d.name FROM cust JOIN (SELECT id, name FROM cust WHERE region = 3) d ON d.id = cust.id ORDER BY d.id", "Index lookup on d using region", "Materialize"},
		{"SELECT COUNT(*) FROM (SELECT * FROM cust WHERE 'a' > 'b') a WHERE a.id IN (SELECT cust_id FROM ord WHERE EXISTS (SELECT 1 FROM ord b WHERE a.region = b.id))", "", ""},
		{"SELECT a.id FROM cust a JOIN (SELECT region r FROM cust) b ON 1 WHERE a.id < 3 AND NOT EXISTS (SELECT 1 FROM (SELECT NULL n, total FROM ord) d CROSS JOIN m WHERE a.region > d.n) AND b.r = 1 ORDER BY 1", "on b using region", ""},
		{"SELECT COUNT(a.id), COUNT(*) FROM ord LEFT JOIN (SELECT * FROM cust WHERE id = NULL OR 1 = 0) a ON a.id = cust_id", "", ""},
	} {
		c.must("SET optimizer_switch = 'derived_merge=off'")
		want := c.must(q.text)
		if p := planOf(c, q.text); q.not != "" && !strings.Contains(p, q.not) {
			t.Errorf("%s: merged although it is switched off\n%s", q.text, p)
		}
		c.must("SET optimizer_switch = DEFAULT")
		got := c.must(q.text)
		if got.String() != want.String() || strings.Join(got.cols, ",") != strings.Join(want.cols, ",") || len(got.rows) == 0 {
			t.Errorf("%s: %v\n%s\nwithout merging: %v\n%s", q.text, got.cols, got, want.cols, want)
		}
		if p := planOf(c, q.text); !strings.Contains(p, q.plan) || q.not != "" && strings.Contains(p, q.not) {
			t.Errorf("%s: want %s, no %s\n%s", q.text, q.plan, q.not, p)
		}
	}
	if p := planOf(c, "SELECT /*+ NO_MERGE(d) */ d.id, o.id FROM ord o JOIN (SELECT id FROM cust) d ON d.id = o.cust_id WHERE o.id = 5"); !strings.Contains(p, "Materialize") {
		t.Errorf("NO_MERGE: %s", p)
	}
}
