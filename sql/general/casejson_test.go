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

// TestJSONAsDate: a document that is no date as a whole is none, whatever its digits are.
func TestJSONAsDate(t *testing.T) {
	c := newServer(t).client()
	c.must("CREATE DATABASE d; USE d")
	c.must("CREATE TABLE j (v json)")
	for doc, want := range map[string]string{`"2024-01-02"`: "2024-01-02", `"2024-01-02 03:04:05"`: "2024-01-02", `"2024-01-02x"`: "", `"abc"`: "", `[1]`: "", `true`: "", `20240102`: "", `null`: ""} {
		c.must("DELETE FROM j")
		c.must("INSERT INTO j VALUES ('" + doc + "')")
		if want != "" {
			c.query("SELECT CAST(v AS DATE), CAST(CAST('"+doc+"' AS JSON) AS DATE) FROM j", want+"\t"+want)
			c.query("SHOW WARNINGS", "")
			continue
		}
		c.query("SELECT CAST(v AS DATE), CAST(CAST('"+doc+"' AS JSON) AS DATETIME), DATE_ADD(v->'$', INTERVAL 1 DAY) FROM j", "NULL\tNULL\tNULL")
		const warning = "Warning\t3156\tInvalid JSON value for CAST to DATE/TIME/DATETIME/TIMESTAMP from column "
		c.query("SHOW WARNINGS", warning+"v at row 1\n"+warning+"cast_as_json at row 1\n"+warning+"json_extract at row 1")
	}
}
