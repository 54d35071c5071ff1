package general

import (
	"fmt"
	"strings"
	"testing"
)

// A derived table has the conditions of the columns that one of its own must equal, and the rows are those without.
func TestFactsReachDerivedTables(t *testing.T) {
	c := newServer(t).client()
	c.must(`CREATE DATABASE fd; USE fd;
CREATE TABLE cust (id INT PRIMARY KEY, name VARCHAR(10), region INT, KEY (name));
CREATE TABLE ord (id INT PRIMARY KEY, cust INT, who VARCHAR(10), big BIGINT, total INT, KEY (cust), KEY (who), KEY (big));
CREATE VIEW sums AS SELECT cust, SUM(total) s FROM ord GROUP BY cust`)
	load(c, "cust", 300, func(i int) string { return fmt.Sprintf("%d,'%c%d',%d", i+1, "nN"[i%2], i%60, i%40) })
	load(c, "ord", 2000, func(i int) string {
		return fmt.Sprintf("%d,NULLIF(%d,8),'N%d',%d,%d", i+1, i*7%320+1, i%70, i*7%320+1, i*31%997)
	})
	c.must("ANALYZE TABLE cust, ord")
	const one, few = "ord using cust (cust=7)", "ord using cust over (7 <= cust <= 9)"
	sums := "(SELECT cust, SUM(total) s FROM ord GROUP BY cust) d"
	for _, q := range []struct{ text, plan, not string }{
		{"SELECT c.id, d.s FROM cust c JOIN " + sums + " ON d.cust = c.id WHERE c.id = 7", one, ""},
		{"SELECT c.id, d.s FROM cust c JOIN " + sums + " ON d.cust = c.id WHERE 7 = c.id", one, ""},
		{"SELECT c.id, d.s FROM cust c, " + sums + " WHERE d.cust = c.id AND c.id = 7", one, ""},
		{"SELECT c.id, d.s FROM cust c JOIN sums d ON d.cust = c.id WHERE c.id BETWEEN 7 AND 9 ORDER BY 1", few, ""},
		{"SELECT c.id, d.s FROM cust c LEFT JOIN sums d ON d.cust = c.id WHERE c.id >= 7 AND c.id <= 9 ORDER BY 1", few, ""},
		{"SELECT c.id, d.s FROM cust c LEFT JOIN sums d ON d.cust = c.id WHERE c.id IN (7, 8) ORDER BY 1", "(cust = 7) OR (cust = 8)", ""},
		{"SELECT c.id, d.s FROM sums d RIGHT JOIN cust c ON d.cust = c.id WHERE c.id = 7", one, ""},
		{"SELECT c.id, o.id, d.s FROM cust c JOIN ord o ON o.cust = c.id JOIN sums d ON d.cust = o.cust WHERE c.id = 7 ORDER BY 2", one, ""},
		{"SELECT c.id, d.s FROM ord o JOIN (cust c LEFT JOIN sums d ON d.cust = c.id) ON o.cust = c.id WHERE o.cust = 7 AND o.id < 400 ORDER BY 1", one, ""},
		{"SELECT c.id, d.s FROM sums d LEFT JOIN (cust c JOIN ord o ON o.cust = c.id AND c.id = 7) ON d.cust = o.cust AND o.id < 90 ORDER BY 2, 1", "", "cust=7) (cost=2"},
		{"SELECT c.id, d.s FROM cust c LEFT JOIN sums d ON d.cust = c.id AND c.id = 7 WHERE c.id < 20 ORDER BY 1", one, ""},
		{"SELECT c.id FROM cust c LEFT JOIN sums d ON d.cust = c.id WHERE c.id < 20 AND d.cust IS NULL ORDER BY 1", "over (NULL < cust < 20)", ""},
		{"SELECT c.id, d.n FROM cust c JOIN (SELECT who, COUNT(*) n FROM ord GROUP BY who) d ON d.who = c.name WHERE c.name = 'n9' ORDER BY 1", "ord using who (who='n9')", ""},
		{"SELECT c.id, d.n FROM cust c JOIN (SELECT cust k, COUNT(*) n FROM ord GROUP BY cust UNION ALL SELECT id, 0 FROM cust) d ON d.k = c.id WHERE c.id = 7 ORDER BY 2", "Filter: (k = 7)", ""},
		{"WITH a AS (SELECT cust, SUM(total) s FROM ord GROUP BY cust), b AS (SELECT cust, s FROM a WHERE s > 5) SELECT c.id, b.s FROM cust c JOIN b ON b.cust = c.id WHERE c.id = 7", one, ""},
		// What holds of some rows only, or of other values, is not spread; what cannot go into a derived table is tested above it.
		{"SELECT c.id, d.s FROM sums d LEFT JOIN cust c ON d.cust = c.id AND c.id = 7 ORDER BY 2, 1", "", "cust=7"},
		{"SELECT c.id, d.s FROM cust c LEFT JOIN sums d ON d.cust = c.id OR c.id = 7 WHERE c.id IN (7, 30) ORDER BY 1, 2", "", "cust=7"},
		{"SELECT c.id, d.s FROM cust c LEFT JOIN sums d ON d.cust = c.id WHERE c.id = 7 OR d.s > 2800 ORDER BY 1, 2", "", "cust=7"},
		{"SELECT c.id, d.n FROM cust c JOIN (SELECT big, COUNT(*) n FROM ord GROUP BY big) d ON d.big = c.id WHERE c.id = 7", "", "big=7"},
		{"SELECT c.id, d.n FROM cust c JOIN (SELECT who, COUNT(*) n FROM ord GROUP BY who) d ON d.who = c.name WHERE c.name = 0 AND c.id < 9 ORDER BY 1", "", "who=0"},
		{"SELECT c.id, d.cust FROM cust c LEFT JOIN (SELECT cust, total FROM ord ORDER BY id LIMIT 40) d ON d.cust = c.id WHERE c.id = 8 OR c.id = 7 ORDER BY 1", "", one},
		{"SELECT c.id, d.cust FROM cust c LEFT JOIN (SELECT cust, total FROM ord ORDER BY id LIMIT 40) d ON d.cust = c.id WHERE c.id = 8", "", "cust=8"},
		{"SELECT c.id, d.r FROM cust c JOIN (SELECT cust, ROW_NUMBER() OVER (ORDER BY total, id) r FROM ord) d ON d.cust = c.id WHERE c.id = 7 ORDER BY 2", "", one},
		{"WITH RECURSIVE r AS (SELECT 1 n UNION ALL SELECT n + 1 FROM r WHERE n < 20) SELECT c.id, r.n FROM cust c LEFT JOIN r ON r.n = c.id WHERE c.id IN (7, 8, 200) ORDER BY 1", "", ""},
	} {
		c.must("SET optimizer_switch = 'derived_condition_pushdown=off'")
		want := c.must(q.text)
		c.must("SET optimizer_switch = DEFAULT")
		if got := c.must(q.text); got.String() != want.String() || len(got.rows) == 0 {
			t.Errorf("%s:\n%s\nwithout:\n%s", q.text, got, want)
		}
		if p := planOf(c, q.text); !strings.Contains(p, q.plan) || q.not != "" && strings.Contains(p, q.not) {
			t.Errorf("%s: want %s, no %s\n%s", q.text, q.plan, q.not, p)
		}
	}
}
