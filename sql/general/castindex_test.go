package general

import (
	"cmp"
	"fmt"
	"strings"
	"testing"
)

// TestTextCastsOfIndexes: KEY ((CAST(json->>path AS CHAR(n)))), with a collation or without, is kept as written, serves conditions, and gives what a scan gives.
func TestTextCastsOfIndexes(t *testing.T) {
	c := newServer(t).client()
	c.must("CREATE DATABASE d; USE d")
	c.must("CREATE TABLE t (id INT PRIMARY KEY, j JSON, x TEXT, KEY js ((CAST(j->>'$.x' AS CHAR(5)))), KEY bin ((CAST(j->>'$.y' AS CHAR(30)) COLLATE utf8mb4_bin)), KEY tx ((CAST(x AS CHAR(3)))), v CHAR(5) AS (CAST(x AS CHAR(4))) VIRTUAL)")
	c.must("CREATE TABLE u (id INT PRIMARY KEY, j JSON, x TEXT)")
	var list []string
	for i := range 300 {
		list = append(list, fmt.Sprintf(`(%d, '{"x": "k%d", "y": "N%d"}', 't%d')`, i, i%50, i%60, i%3))
	}
	c.must("INSERT INTO u VALUES " + strings.Join(list, ",") + ", (1000, NULL, NULL), (1001, '{}', 'ab')")
	c.must("INSERT INTO t (id, j, x) SELECT * FROM u; ANALYZE TABLE t")
	shown := func() {
		t.Helper()
		text := c.must("SHOW CREATE TABLE t").rows[0][1]
		for _, want := range []string{"KEY `js` ((cast(json_unquote(json_extract(`j`,_utf8mb4'$.x')) as char(5))))", "KEY `bin` (("} {
			if !strings.Contains(text, want) {
				t.Errorf("%s is missing in %s", want, text)
			}
		}
	}
	check := func() {
		t.Helper()
		shown()
		for cond, key := range map[string]string{"CAST(j->>'$.x' AS CHAR(5)) = 'k7'": "js", "CAST(j->>'$.x' AS CHAR(5)) IN ('k8', 'K9')": "js", "CAST(j->>'$.y' AS CHAR(30)) COLLATE utf8mb4_bin = 'N7'": "bin",
			"CAST(x AS CHAR(3)) = 'ab'": "tx", "CAST(x AS CHAR(4)) = 'ab'": ""} {
			if got := c.must("EXPLAIN SELECT id FROM t WHERE " + cond).rows[0]; key != "" && got[6] != key || key == "" && got[4] != "ALL" {
				t.Errorf("%s: %v", cond, got)
			}
			want := c.must("SELECT id FROM u WHERE " + cond + " ORDER BY id").String()
			if got := c.must("SELECT id FROM t WHERE " + cond + " ORDER BY id").String(); got != want || want == "" {
				t.Errorf("%s: got\n%swant\n%s", cond, got, want)
			}
		}
		c.query("SELECT COUNT(*) FROM t WHERE CAST(x AS CHAR(3)) = 't1'", "100")
		c.query("CHECK TABLE t", "d.t\tcheck\tstatus\tOK")
	}
	check()
	c.must("ALTER TABLE t ADD COLUMN m INT")
	check()
	c.must("ALTER TABLE t DROP INDEX js, DROP INDEX tx; CREATE INDEX js ON t ((CAST(j->>'$.x' AS CHAR(5)))); CREATE INDEX tx ON t ((CAST(x AS CHAR(3))))")
	check()
	c.must("UPDATE t SET m = 1 WHERE id = 5; DELETE FROM t WHERE id % 3 = 1; DELETE FROM u WHERE id % 3 = 1; UPDATE t SET x = 'ab' WHERE id = 0")
	c.query("SELECT id FROM t WHERE CAST(x AS CHAR(3)) = 'ab'", "0\n1001")
	c.query("CHECK TABLE t", "d.t\tcheck\tstatus\tOK")
	for _, q := range []string{"INSERT INTO t (id, x) VALUES (2000, 'abcd')", "UPDATE t SET x = 'abcd' WHERE id = 0", "CREATE INDEX two ON t ((CAST(x AS CHAR(1))))"} {
		c.fails(q, 1292, "")
	}
	c.query("CHECK TABLE t", "d.t\tcheck\tstatus\tOK")
	c.fails("CREATE INDEX lob ON t ((CAST(j->>'$.x' AS CHAR)))", 3757, "Cannot create a functional index on an expression that returns a BLOB or TEXT. Please consider using CAST.")
}

// Comparisons of a column with bytes, or in another collation, go by those, whatever the planner makes of the constant; an index finds equal ones.
func TestComparisonsByBytes(t *testing.T) {
	c := newServer(t).client()
	c.must("CREATE DATABASE d COLLATE utf8mb4_general_ci; USE d")
	c.must("CREATE TABLE t (id INT PRIMARY KEY, s VARCHAR(9), KEY (s)); INSERT INTO t VALUES (1, 'Zz'), (2, 'zz'), (3, 'a'), (4, NULL), (5, 'zz ')")
	for _, row := range []struct {
		where, ids string
		key        bool
	}{
		{"s = 'Zz'", "1 2 5", true},
		{"s = BINARY 'Zz'", "1", true},
		{"BINARY 'zz' = s", "2", true},
		{"s = BINARY 'ZZ'", "", true},
		{"s = BINARY NULL", "", false},
		{"s = CAST('Zz' AS BINARY)", "1", true},
		{"s = 'Zz' COLLATE utf8mb4_bin", "1", true},
		{"s = BINARY 'zz' AND id > 1", "2", true},
		{"NOT s = BINARY 'Zz'", "2 3 5", false},
		{"s > BINARY 'Zz'", "2 3 5", false},
		{"s < BINARY 'a'", "1", false},
		{"s IN (BINARY 'Zz', BINARY 'A')", "1", false},
		{"s BETWEEN BINARY 'Zz' AND BINARY 'Zz'", "1", false},
		{"s = CONCAT(BINARY 'Z', 'z')", "1", false},
		{"STRCMP(s, BINARY 'Zz') = 0", "1", false},
		{"BINARY s = 'Zz'", "1", true},
	} {
		c.query("SELECT GROUP_CONCAT(id ORDER BY id SEPARATOR ' ') FROM t WHERE "+row.where, cmp.Or(row.ids, "NULL"))
		plan := c.must("EXPLAIN FORMAT=TREE SELECT id FROM t WHERE " + row.where).String()
		if strings.Contains(plan, "Index lookup on t using s") != row.key {
			t.Errorf("%s: key is not %v: %s", row.where, row.key, plan)
		}
	}
	for _, row := range []struct{ where, ids string }{{"s = ?", "1\n2\n5"}, {"s = BINARY ?", "1"}} {
		for _, explain := range []string{"", "EXPLAIN FORMAT=TREE "} {
			st, _, err := c.s.Parse(explain + "SELECT id FROM t WHERE " + row.where)
			if err != nil {
				t.Fatal(err)
			}
			a, err := c.run(st, []any{"Zz"})
			if err != nil {
				t.Fatal(err)
			}
			got := strings.TrimSpace(a.String())
			if explain == "" && got != row.ids || explain != "" && !strings.Contains(got, "Index lookup on t using s") {
				t.Errorf("%s%s: %s", explain, row.where, got)
			}
		}
	}
}
