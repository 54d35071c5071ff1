package general

import "testing"

// TestCaseJSON: CASE compares JSON with other values as those, as text or number; SQLAlchemy finds the null of JSON that way.
func TestCaseJSON(t *testing.T) {
	c := newServer(t).client()
	c.must("CREATE DATABASE d; USE d")
	c.must("CREATE TABLE j (i int PRIMARY KEY, v json)")
	c.must(`INSERT INTO j VALUES (1, '{"k": null}'), (2, '{"k": true}'), (3, '{"k": false}'), (4, '{"k": "null"}'), (5, '{"k": 2.5}'), (6, '{}')`)
	c.query("SELECT i, CASE JSON_EXTRACT(v, '$.k') WHEN 'null' THEN 'N' WHEN true THEN 'T' WHEN 2.5 THEN 'D' WHEN false THEN 'F' ELSE 'E' END FROM j",
		"1\tN\n2\tT\n3\tF\n4\tF\n5\tD\n6\tE")
}
