package general

import (
	"fmt"
	"strings"
	"testing"
)

// TestExpressionsOfIndexes: conditions, orders and joins by an expression that an index is over, or that a generated column is, use the index, and give what a scan gives.
func TestExpressionsOfIndexes(t *testing.T) {
	c := newServer(t).client()
	c.must("CREATE DATABASE d; USE d")
	c.must("CREATE TABLE t (id INT PRIMARY KEY, a INT, b INT, s VARCHAR(20), j JSON, v INT AS (a * 3) VIRTUAL, w INT AS (b - 1) STORED, " +
		"KEY lo ((LOWER(s))), KEY su ((a + b)), KEY js ((CAST(j->>'$.x' AS UNSIGNED))), KEY kv (v), KEY kw (w), KEY two ((a % 7), b))")
	c.must("CREATE TABLE u (id INT PRIMARY KEY, a INT, b INT, s VARCHAR(20), j JSON)")
	var list []string
	for i := range 500 {
		list = append(list, fmt.Sprintf("(%d, %d, %d, 'Name%d', '{\"x\": %d}')", i, i, i*2, i%100, i%50))
	}
	c.must("INSERT INTO u VALUES " + strings.Join(list, ",") + ", (1000, NULL, NULL, NULL, NULL)")
	c.must("INSERT INTO t (id, a, b, s, j) SELECT * FROM u; ANALYZE TABLE t")
	for cond, key := range map[string]string{
		"LOWER(s) = 'name7'":               "lo",
		"lower(`s`) IN ('name7', 'name8')": "lo",
		"a + b = 30":                       "su",
		"a + b BETWEEN 30 AND 40":          "su",
		"30 > a + b":                       "su",
		"a + b IS NULL":                    "su",
		"CAST(j->>'$.x' AS UNSIGNED) = 7":  "js",
		"CAST(JSON_UNQUOTE(JSON_EXTRACT(j, '$.x')) AS UNSIGNED) = 7": "js",
		"a * 3 = 33":                    "kv",
		"b - 1 = 33":                    "kw",
		"a % 7 = 3 AND b = 6":           "two",
		"a - b = 30":                    "",
		"b + a = 30":                    "",
		"UPPER(s) = 'NAME7'":            "",
		"CAST(j->>'$.x' AS SIGNED) = 7": "",
	} {
		plan := c.must("EXPLAIN SELECT id FROM t WHERE " + cond).rows[0]
		if key == "" && plan[4] != "ALL" || key != "" && plan[6] != key {
			t.Errorf("%s: %v", cond, plan)
		}
		want := c.must("SELECT id, a, b, s FROM u WHERE " + cond + " ORDER BY id").String()
		if got := c.must("SELECT id, a, b, s FROM t WHERE " + cond + " ORDER BY id").String(); got != want || want == "" && key != "" && key != "kw" && key != "two" {
			t.Errorf("%s: got\n%swant\n%s", cond, got, want)
		}
		x := "x." + strings.NewReplacer("lower(`s`)", "lower(x.s)", "LOWER(s)", "LOWER(x.s)").Replace(cond)
		if strings.HasPrefix(x, "x.LOWER") || strings.HasPrefix(x, "x.lower") {
			x = x[2:]
			c.query("SELECT COUNT(*) FROM t x JOIN u y ON x.id = y.id WHERE "+x, c.must("SELECT COUNT(*) FROM u WHERE " + cond).rows[0][0])
		}
	}
	c.query("SELECT id FROM t WHERE a + b >= 0 ORDER BY a + b LIMIT 3", "0\n1\n2")
	c.query("SELECT id FROM t ORDER BY a + b DESC LIMIT 2", "499\n498")
	c.query("SELECT a % 7, COUNT(*) FROM t WHERE a % 7 > 4 GROUP BY a % 7 ORDER BY a % 7", "5\t71\n6\t71")
	if got := c.must("EXPLAIN SELECT y.id FROM u y JOIN t x ON x.a + x.b = y.b WHERE y.id = 9").rows[1]; got[6] != "su" {
		t.Errorf("a join goes by %v", got)
	}
	c.query("SELECT y.id, x.id FROM u y JOIN t x ON x.a + x.b = y.b WHERE y.id < 7 ORDER BY y.id, x.id", "0\t0\n3\t2\n6\t4")
	c.query("SELECT id FROM (SELECT id, a, b FROM t) x WHERE a + b = 30", "10")
	c.query("SELECT id FROM u WHERE EXISTS (SELECT 1 FROM t WHERE t.a + t.b = u.b) AND id < 7", "0\n3\n6")
	c.must("UPDATE t SET b = 0 WHERE a + b = 30")
	c.query("SELECT id FROM t WHERE a + b = 10", "10")
	c.must("DELETE FROM t WHERE LOWER(s) = 'name7'")
	c.query("SELECT COUNT(*) FROM t", "496")
	c.must("PREPARE p FROM 'SELECT id FROM t WHERE a + b = ?'; SET @n = 33")
	c.query("EXECUTE p USING @n", "11")
	c.query("EXECUTE p USING @n", "11")
	c.fails("SELECT `!hidden!su!0!0` FROM t WHERE a + b = 3", 1054, "")
}
