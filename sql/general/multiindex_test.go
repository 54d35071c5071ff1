package general

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// TestMultiIndexRules: how a multi-valued index is shown, kept by ALTER and explained, and which values it refuses.
func TestMultiIndexRules(t *testing.T) {
	c := newServer(t).client()
	c.must("CREATE DATABASE d; USE d")
	c.must("CREATE TABLE t (id INT PRIMARY KEY, j JSON, n INT, KEY tags ((CAST(j->'$.tags' AS CHAR(5) ARRAY))), KEY zips (n, (CAST(j->'$.zip' AS UNSIGNED ARRAY))))")
	shown := func() {
		t.Helper()
		text := c.must("SHOW CREATE TABLE t").rows[0][1]
		for _, want := range []string{"KEY `tags` ((cast(json_extract(`j`,_utf8mb4'$.tags') as char(5) array)))", "KEY `zips` (`n`,(cast(json_extract(`j`,_utf8mb4'$.zip') as unsigned array)))"} {
			if !strings.Contains(text, want) {
				t.Errorf("%s is missing in %s", want, text)
			}
		}
	}
	shown()
	c.query("SHOW INDEX FROM t WHERE Key_name = 'tags'", "t\t1\ttags\t1\tNULL\tA\t0\tNULL\tNULL\tYES\tBTREE\t\t\tYES\tcast(json_extract(`j`,_utf8mb4'$.tags') as char(5) array)")
	c.must("INSERT INTO t VALUES (1, '{\"tags\": [\"a\", \"b\", \"a\"], \"zip\": [1, 2]}', 1), (2, '{\"tags\": \"b\", \"zip\": 7}', 1), (3, '{\"tags\": []}', 1), (4, NULL, 1)")
	c.must("ALTER TABLE t ADD COLUMN m INT")
	shown()
	c.must("CREATE TABLE u LIKE t; ALTER TABLE t DROP COLUMN m, ADD INDEX k (id, n)")
	shown()
	plan := func(q, want string) {
		t.Helper()
		if got := strings.Join(c.must("EXPLAIN " + q).rows[0], "|"); got != want {
			t.Errorf("%s: %s, want %s", q, got, want)
		}
	}
	plan("SELECT * FROM t WHERE JSON_CONTAINS(j->'$.tags', '\"a\"')", "1|SIMPLE|t|NULL|range|tags|tags|23|NULL|1|100.00|Using where")
	plan("SELECT * FROM t x WHERE 7 MEMBER OF (x.j->'$.zip')", "1|SIMPLE|x|NULL|ref|zips|zips|9|const|1|100.00|Using where")
	plan("SELECT * FROM t WHERE JSON_OVERLAPS('[1, 7]', JSON_EXTRACT(j, '$.zip'))", "1|SIMPLE|t|NULL|range|zips|zips|9|NULL|2|100.00|Using where")
	for _, scan := range []string{"SELECT * FROM t WHERE JSON_CONTAINS(j->'$.other', '1')", "SELECT * FROM t IGNORE INDEX (zips) WHERE 7 MEMBER OF (j->'$.zip')"} {
		if got := c.must("EXPLAIN " + scan).rows[0]; got[4] != "ALL" {
			t.Errorf("%s: %v", scan, got)
		}
	}
	c.query("SELECT id FROM t WHERE 'b' MEMBER OF (j->'$.tags') ORDER BY id", "1\n2")
	c.query("SELECT id FROM t WHERE JSON_CONTAINS(j->'$.zip', '[2, 1]')", "1")
	c.query("SELECT 'a' MEMBER OF ('[\"a\", 2]'), 2 MEMBER OF ('[1, 2]'), '2' MEMBER OF ('[1, 2]'), 5 MEMBER OF ('5'), JSON_ARRAY(1) MEMBER OF ('[[1], 2]'), NULL MEMBER OF ('[1]'), 1 MEMBER OF (NULL), (1 + 1) MEMBER OF ('[2]')",
		"1\t1\t0\t1\t1\tNULL\tNULL\t1")
	c.query("SELECT id FROM t WHERE NOT 'a' MEMBER OF (t.j->'$.tags') AND t.n MEMBER OF ('[1]') ORDER BY id", "2\n3")
	c.query("SELECT id FROM t WHERE JSON_OVERLAPS(j->'$.tags', '[\"x\", \"b\"]') AND id > 1", "2")
	c.fails("INSERT INTO t (id, j) VALUES (9, '{\"zip\": [\"x\"]}')", 3903, "Invalid JSON value for CAST for functional index 'zips'.")
	c.fails("INSERT INTO t (id, j) VALUES (9, '{\"tags\": [\"a\", null]}')", 3903, "Invalid JSON value for CAST for functional index 'tags'.")
	c.fails("INSERT INTO t (id, j) VALUES (9, '{\"tags\": [[\"a\"]]}')", 3903, "Invalid JSON value for CAST for functional index 'tags'.")
	c.fails("INSERT INTO t (id, j) VALUES (9, '{\"zip\": [-1]}')", 3904, "Out of range JSON value for CAST for functional index 'zips'.")
	c.fails("UPDATE t SET j = '{\"tags\": [\"abcdef\"]}' WHERE id = 1", 3907, "Data too long for functional index 'tags'.")
	c.fails("SELECT CAST('[1]' AS UNSIGNED ARRAY)", 1235, "This version of MySQL doesn't yet support 'Use of CAST( .. AS .. ARRAY) outside of functional index in CREATE(non-SELECT)/ALTER TABLE or in general expressions'")
	var many []string
	for i := range 1606 {
		many = append(many, fmt.Sprint(i))
	}
	c.fails("INSERT INTO t (id, j) VALUES (9, '{\"zip\": ["+strings.Join(many, ",")+"]}')", 3905, "Exceeded max number of values per record for multi-valued index 'zips' by 2 value(s).")
	c.must("CREATE TABLE x (j JSON); INSERT INTO x VALUES ('[1, \"x\"]')")
	c.fails("CREATE INDEX i ON x ((CAST(j AS SIGNED ARRAY)))", 3903, "Invalid JSON value for CAST for functional index 'i'.")
	c.must("CREATE TABLE y (id INT PRIMARY KEY, j JSON, UNIQUE KEY u ((CAST(j AS SIGNED ARRAY))))")
	c.must("INSERT INTO y VALUES (1, '[1, 2, 2]'), (2, '[3]'), (3, '[]'), (4, NULL), (5, NULL)")
	c.fails("INSERT INTO y VALUES (9, '[7, 3]')", 1062, "")
	c.must("UPDATE y SET j = '[2, 5]' WHERE id = 1; REPLACE INTO y VALUES (9, '[3, 1]')")
	c.query("SELECT id FROM y ORDER BY id", "1\n3\n4\n5\n9")
	c.query("CHECK TABLE t, y", "d.t\tcheck\tstatus\tOK\nd.y\tcheck\tstatus\tOK")
}

// TestMultiIndexIsExact: for every type and function, what a table gives by its index is what its twin without one gives: after changes, rollbacks and deletes, to
// old snapshots, and after the index was made anew.
func TestMultiIndexIsExact(t *testing.T) {
	for _, of := range []struct{ as, element string }{{"CHAR(20)", `"%d"`}, {"BINARY(8)", `"x%d"`}, {"SIGNED", "-%d"}, {"UNSIGNED", "%d"}, {"DECIMAL(8,2)", "%d.25"}, {"DATE", `"2024-01-%02d"`},
		{"TIME", `"10:%02d:00"`}, {"DATETIME(3)", `"2024-01-01 10:%02d:00.000"`}} {
		t.Run(of.as, func(t *testing.T) {
			sv := newServer(t)
			c := sv.client()
			r := rand.New(rand.NewPCG(3, 5))
			c.must("CREATE DATABASE d; USE d")
			c.must("CREATE TABLE t (id INT PRIMARY KEY, j JSON, KEY mv ((CAST(j->'$.a' AS " + of.as + " ARRAY)))); CREATE TABLE s (id INT PRIMARY KEY, j JSON)")
			both := func(q string) {
				c.must(strings.ReplaceAll(q, "%s", "t"))
				c.must(strings.ReplaceAll(q, "%s", "s"))
			}
			element := func() string { return fmt.Sprintf(of.element, 1+r.IntN(25)) }
			array := func() string {
				var list []string
				for range r.IntN(4) {
					list = append(list, element())
				}
				return "[" + strings.Join(list, ", ") + "]"
			}
			doc := func() string {
				switch r.IntN(8) {
				case 0:
					return "NULL"
				case 1:
					return "'{}'"
				case 2:
					return "'{\"a\": " + element() + "}'"
				}
				return "'{\"a\": " + array() + "}'"
			}
			rows := func(from, to int) string {
				var list []string
				for i := from; i < to; i++ {
					list = append(list, fmt.Sprintf("(%d, %s)", i, doc()))
				}
				return strings.Join(list, ",")
			}
			both("INSERT INTO %s VALUES " + rows(0, 60))
			hits, byIndex := 0, 0
			compare := func() {
				t.Helper()
				e := element()
				for _, cond := range []string{strings.ReplaceAll(e, `"`, "'") + " MEMBER OF (j->'$.a')", "JSON_CONTAINS(j->'$.a', '" + e + "')", "JSON_CONTAINS(j->'$.a', '" + array() + "')",
					"JSON_OVERLAPS(j->'$.a', '" + array() + "')", "JSON_OVERLAPS('" + array() + "', j->'$.a')", "JSON_CONTAINS(j->'$.a', '[]')", "JSON_OVERLAPS(j->'$.a', '[true, null]')"} {
					want := c.must("SELECT id FROM s WHERE " + cond + " ORDER BY id").rows
					if got := c.must("SELECT id FROM t WHERE " + cond + " ORDER BY id").rows; fmt.Sprint(got) != fmt.Sprint(want) {
						t.Fatalf("%s: by index %v, by scan %v", cond, got, want)
					}
					if hits += len(want); c.must("EXPLAIN SELECT id FROM t WHERE " + cond).rows[0][6] == "mv" {
						byIndex++
					}
				}
			}
			compare()
			old := sv.client()
			old.must("USE d; BEGIN")
			const all = "SELECT COUNT(*), SUM(id) FROM t WHERE JSON_OVERLAPS(j->'$.a', '[%s, %s]')"
			q := fmt.Sprintf(all, fmt.Sprintf(of.element, 3), fmt.Sprintf(of.element, 11))
			seen := old.must(q).rows
			for range 3 {
				c.must("BEGIN")
				both("DELETE FROM %s WHERE id % 7 = 3")
				both("INSERT INTO %s VALUES " + rows(1000, 1005))
				both("UPDATE %s SET j = " + doc() + " WHERE id < 20")
				c.must("ROLLBACK")
				for range 5 {
					both(fmt.Sprintf("UPDATE %%s SET j = %s WHERE id = %d", doc(), r.IntN(60)))
				}
				both("DELETE FROM %s WHERE JSON_CONTAINS(j->'$.a', '" + element() + "')")
				both("REPLACE INTO %s VALUES " + rows(40, 45))
				compare()
			}
			if got := old.must(q).rows; fmt.Sprint(got) != fmt.Sprint(seen) {
				t.Errorf("a snapshot sees %v, saw %v", got, seen)
			}
			old.must("COMMIT")
			c.query("CHECK TABLE t", "d.t\tcheck\tstatus\tOK")
			c.must("ALTER TABLE t DROP INDEX mv, ADD INDEX mv ((CAST(j->'$.a' AS " + of.as + " ARRAY)))")
			compare()
			c.query("CHECK TABLE t", "d.t\tcheck\tstatus\tOK")
			if hits == 0 || byIndex == 0 {
				t.Errorf("%d rows were found, %d plans used the index", hits, byIndex)
			}
		})
	}
}
