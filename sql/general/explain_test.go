package general

import (
	"regexp"
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
	c.fails("EXPLAIN FOR CONNECTION 99", 1094, "Unknown thread id: 99")
	c.fails("EXPLAIN ANALYZE FORMAT=JSON SELECT 1", 1235, "This version of MySQL doesn't yet support 'EXPLAIN ANALYZE with JSON format'")
	c.query("SELECT COUNT(*) FROM a", "3")
}
