package general

import (
	"strings"
	"testing"
)

// EXPLAIN names all keys that conditions would allow, says where conditions are looked at and how many rows pass them.
func TestExplainKeys(t *testing.T) {
	c := newServer(t).client()
	c.must("CREATE DATABASE d; USE d")
	c.must("CREATE TABLE a (id INT PRIMARY KEY, x INT, y INT, z VARCHAR(20), KEY ix (x), KEY ixy (x, y), KEY iz (z(5)))")
	c.must("CREATE TABLE b (id INT PRIMARY KEY, a INT, KEY ia (a))")
	c.must("INSERT INTO a WITH RECURSIVE s AS (SELECT 1 n UNION ALL SELECT n + 1 FROM s WHERE n < 100) SELECT n, n, n, n FROM s; INSERT INTO b SELECT id, x FROM a")
	for q, want := range map[string]string{ // possible_keys, key, filtered, Extra
		"SELECT * FROM a":             "NULL NULL 100.00 NULL",
		"SELECT * FROM a WHERE y = 3": "NULL NULL 10.00 Using where",
		"SELECT * FROM a WHERE y > 3": "NULL NULL 33.33 Using where",
		"SELECT * FROM a WHERE y BETWEEN 3 AND 4 AND z = 'q' AND id <> 1": "iz iz",
		"SELECT * FROM a WHERE x = 3":                                     "ix,ixy ix 100.00 NULL",
		"SELECT x FROM a WHERE x = 3":                                     "ix,ixy ix 100.00 Using index",
		"SELECT id FROM a WHERE x BETWEEN 3 AND 5":                        "ix,ixy ix 100.00 Using where; Using index",
		"SELECT * FROM a WHERE x BETWEEN 3 AND 5":                         "ix,ixy ix 100.00 Using index condition",
		"SELECT * FROM a WHERE x BETWEEN 3 AND 5 AND z > 'a' ORDER BY y":  "ix,ixy,iz ix 33.33 Using index condition; Using where; Using filesort",
		"SELECT * FROM a WHERE id = 3":                                    "PRIMARY PRIMARY 100.00 NULL",
		"SELECT id FROM a WHERE id = 3":                                   "PRIMARY PRIMARY 100.00 Using index",
		"SELECT * FROM a WHERE id > 95":                                   "PRIMARY PRIMARY 100.00 Using where",
		"SELECT * FROM a WHERE id IN (1, 5) AND x = 3 AND y + 1 = 2":      "PRIMARY,ix,ixy ",
		"DELETE FROM a WHERE x = 3":                                       "ix,ixy ix 100.00",
		"DELETE FROM a WHERE x BETWEEN 3 AND 5":                           "ix,ixy ix 100.00",
		"UPDATE a SET y = 1 WHERE x > 97 AND y = 2":                       "ix,ixy ix",
	} {
		r := c.must("EXPLAIN " + q).rows[0]
		got := strings.Join([]string{r[5], r[6], r[10], r[11]}, " ")
		if !strings.HasPrefix(got, want) {
			t.Errorf("%s:\n%s\nwant %s", q, got, want)
		}
	}
	joined := c.must("EXPLAIN SELECT /*+ JOIN_ORDER(b, a) */ a.y FROM a JOIN b ON a.id = b.a WHERE a.z = 'q'").rows
	if b, a := joined[0], joined[1]; b[5] != "ia" || b[10] != "100.00" || b[11] != "Using index" || a[5] != "PRIMARY,iz" || a[11] != "Using where" {
		t.Errorf("a join: %v", joined)
	}
}
