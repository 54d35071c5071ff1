package general

import (
	"regexp"
	"strings"
	"testing"
)

// EXPLAIN's tree is MySQL's, and ANALYZE says what the plan did.
func TestExplainTree(t *testing.T) {
	c := newServer(t).client()
	c.must("CREATE DATABASE d; USE d")
	c.must("CREATE TABLE a (id INT PRIMARY KEY, x INT, y INT, KEY ix (x)); CREATE TABLE b (id INT PRIMARY KEY, x INT)")
	c.must("INSERT INTO a VALUES (1, 1, 1), (2, 2, 2), (3, 3, 3); INSERT INTO b VALUES (1, 1), (2, 2)")
	for q, want := range map[string]string{
		"EXPLAIN FORMAT=TREE SELECT * FROM a":                                            `^-> Table scan on a  \(cost=0\.55 rows=3\)\n$`,
		"EXPLAIN ANALYZE SELECT * FROM a":                                                `^-> Table scan on a  \(cost=0\.55 rows=3\) \(actual time=[0-9.e-]+\.\.[0-9.e-]+ rows=3 loops=1\)\n$`,
		"EXPLAIN ANALYZE SELECT y FROM a WHERE x = 2":                                    `^-> Index lookup on a using ix \(x=2\)  \(cost=.*\) \(actual time=.* rows=1 loops=1\)\n$`,
		"EXPLAIN ANALYZE SELECT y FROM a WHERE id = 7":                                   `^-> Single-row index lookup on a using PRIMARY \(id=7\)  \(cost=.*\) \(actual time=.* rows=0 loops=1\)\n$`,
		"EXPLAIN FORMAT=TREE SELECT y FROM a WHERE x BETWEEN 1 AND 2":                    `^-> Index range scan on a using ix over \(1 <= x <= 2\)  \(cost=.*\)\n$`,
		"EXPLAIN ANALYZE SELECT /*+ JOIN_ORDER(b, a) */ a.y FROM a JOIN b ON a.id = b.x": `(?s)^-> Nested loop inner join .*rows=2 loops=1\)\n    -> Table scan on b .*rows=2 loops=1\)\n    -> Single-row index lookup on a using PRIMARY \(id=b\.x\) .* rows=1 loops=2\)\n$`,
		"EXPLAIN ANALYZE SELECT y FROM a WHERE y > 1 ORDER BY y DESC":                    `(?s)^-> Sort: a\.y DESC .*rows=2 loops=1\)\n    -> Filter: \(.*\) .*rows=2 loops=1\)\n        -> Table scan on a .*rows=3 loops=1\)\n$`,
		"EXPLAIN ANALYZE SELECT COUNT(y) FROM a":                                         `(?s)^-> Aggregate: count\(.*\) .*rows=1 loops=1\)\n    -> Table scan on a .*rows=3 loops=1\)\n$`,
	} {
		for range 2 {
			if got := c.must(q).rows[0][0]; !regexp.MustCompile(want).MatchString(got) {
				t.Errorf("%s:\n%s\nwant %s", q, got, want)
			}
		}
	}
	for q, want := range map[string]string{
		"EXPLAIN SELECT * FROM a WHERE id = 1 AND x > 2":                                   "/* select#1 */ select `d`.`a`.`id` AS `id`,`d`.`a`.`x` AS `x`,`d`.`a`.`y` AS `y` from `d`.`a` where ((`d`.`a`.`id` = 1) and (`d`.`a`.`x` > 2))",
		"EXPLAIN SELECT z.x + 1, COUNT(*) n FROM a z GROUP BY z.x":                         "/* select#1 */ select (`d`.`z`.`x` + 1) AS `z.x + 1`, count(0) AS `n` from `d`.`a` `z` group by `d`.`z`.`x`",
		"EXPLAIN FORMAT=JSON SELECT y FROM a WHERE EXISTS (SELECT 1 FROM b WHERE b.x = y)": "/* select#1 */ select `d`.`a`.`y` AS `y` from `d`.`a` where exists (/* select#2 */ select 1 AS `1` from `d`.`b` where (`d`.`b`.`x` = `d`.`a`.`y`))",
		"EXPLAIN UPDATE a SET x = 1 WHERE id = 2":                                          "update `d`.`a` set `d`.`a`.`x` = 1 where (`d`.`a`.`id` = 2)",
	} {
		c.must(q)
		if got := c.must("SHOW WARNINGS").String(); strings.TrimSpace(got) != "Note\t1003\t"+want {
			t.Errorf("%s:\n%s\nwant\n%s", q, got, want)
		}
	}
	for q, want := range map[string][]string{
		"EXPLAIN FORMAT=JSON SELECT * FROM a WHERE x = 2":                                        {`"query_cost": "0.35"`, `"access_type": "ref"`, `"key": "ix"`, `"key_length": "5"`, `"table": {`},
		"EXPLAIN FORMAT=JSON SELECT * FROM a JOIN b ON a.id = b.x ORDER BY y":                    {`"nested_loop": [`, `"ordering_operation": {`, `"using_filesort": true`, `"prefix_cost": `},
		"EXPLAIN FORMAT=JSON SELECT y, COUNT(*) FROM a GROUP BY y":                               {`"grouping_operation": {`, `"using_temporary_table": true`},
		"EXPLAIN FORMAT=JSON SELECT 1":                                                           {`"message": "No tables used"`},
		"EXPLAIN FORMAT=JSON DELETE FROM a WHERE id = 1":                                         {`"delete": true`},
		"EXPLAIN FORMAT=JSON INSERT INTO b SELECT id, x FROM a":                                  {`"insert": true`, `"insert_from": {`},
		"EXPLAIN FORMAT=JSON SELECT y FROM a WHERE x > 1 AND x < 3 AND y LIKE 'Q%' OR y IS NULL": {`"attached_condition": "(((` + "`d`.`a`.`x` > 1) and (`d`.`a`.`x` < 3) and"},
		"EXPLAIN FORMAT=JSON SELECT y FROM a WHERE x BETWEEN 2 AND 3 AND y IN (1, 2)": {`"index_condition": "(` + "`d`.`a`.`x` between 2 and 3)",
			`"attached_condition": "(` + "`d`.`a`.`y` in (1,2))", "\"used_columns\": [\n        \"x\",\n        \"y\"\n      ]", "\"used_key_parts\": [\n        \"x\"\n      ]"},
		"EXPLAIN FORMAT=JSON SELECT * FROM (SELECT y, COUNT(*) n FROM a GROUP BY y) q WHERE n > 1": {`"materialized_from_subquery": {`, `"<derived2>"`},
		"EXPLAIN FORMAT=JSON SELECT id FROM a UNION SELECT id FROM b":                              {`"union_result": {`, `"query_specifications": [`, `"<union1,2>"`},
		"EXPLAIN FORMAT=JSON SELECT (SELECT MAX(id) FROM b) FROM a":                                {`"select_list_subqueries": [`},
	} {
		got := c.must(q).rows[0][0]
		for _, part := range want {
			if !strings.Contains(got, part) {
				t.Errorf("%s:\n%s\nlacks %s", q, got, part)
			}
		}
	}
	for q, want := range map[string]string{
		"EXPLAIN UPDATE a JOIN b ON a.id = b.x SET a.y = 1 WHERE b.id = 2":                      "SIMPLE b const, UPDATE a eq_ref",
		"EXPLAIN DELETE z FROM a z JOIN b ON z.id = b.x WHERE b.id = 2":                         "SIMPLE b const, DELETE z eq_ref",
		"EXPLAIN DELETE a, b FROM a JOIN b ON a.id = b.x WHERE b.id = 2":                        "DELETE b const, DELETE a eq_ref",
		"EXPLAIN REPLACE INTO b SELECT id, x FROM a WHERE id = 1":                               "REPLACE b ALL, SIMPLE a const",
		"EXPLAIN FORMAT=TREE UPDATE a JOIN b ON a.id = b.x SET a.y = 1, b.x = 3 WHERE b.id = 2": "-> Update b (immediate), a (buffered)",
		"EXPLAIN FORMAT=TREE DELETE b FROM a JOIN b ON a.id = b.x WHERE b.id = 2":               "-> Delete from b (immediate)",
		"EXPLAIN FORMAT=TREE REPLACE INTO b SELECT id, x FROM a":                                "-> Replace into b",
		"EXPLAIN FORMAT=TREE UPDATE a SET y = 1":                                                "<not executable by iterator executor>",
	} {
		var got []string
		for _, r := range c.must(q).rows {
			if len(r) == 1 {
				first, _, _ := strings.Cut(r[0], "\n")
				got = append(got, first)
				continue
			}
			got = append(got, r[1]+" "+r[2]+" "+r[4])
		}
		if strings.Join(got, ", ") != want {
			t.Errorf("%s:\n%s\nwant %s", q, strings.Join(got, ", "), want)
		}
	}
	c.must("CREATE TABLE e (id INT PRIMARY KEY, k INT, l INT, KEY (k, l))")
	c.must("INSERT INTO e WITH RECURSIVE s AS (SELECT 1 n UNION ALL SELECT n + 1 FROM s WHERE n < 900) SELECT n, n % 3, n % 100 FROM s")
	if got := c.must("EXPLAIN SELECT /*+ JOIN_ORDER(b, e) */ * FROM b JOIN e ON e.k = b.x").rows[1][9]; got != "300" {
		t.Errorf("a key of e has %s rows", got)
	}
	if got := c.must("EXPLAIN SELECT /*+ JOIN_ORDER(b, e) */ * FROM b JOIN e ON e.k = b.x AND e.l = b.id").rows[1][9]; got != "3" {
		t.Errorf("two parts of a key of e have %s rows", got)
	}
	c.fails("EXPLAIN FOR CONNECTION 99", 1094, "Unknown thread id: 99")
	c.fails("EXPLAIN ANALYZE FORMAT=JSON SELECT 1", 1235, "This version of MySQL doesn't yet support 'EXPLAIN ANALYZE with JSON format'")
	c.query("SELECT COUNT(*) FROM a", "3")
}
