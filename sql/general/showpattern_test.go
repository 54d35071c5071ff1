package general

import "testing"

// A pattern of SHOW may escape its wildcards: MediaWiki looks for its tables so.
func TestShowEscaped(t *testing.T) {
	c := newServer(t).client()
	c.must("CREATE DATABASE d_x; CREATE DATABASE dyx; USE d_x; CREATE TABLE a_b (c_d INT, cyd INT); CREATE TABLE ayb (a INT); CREATE VIEW v_w AS SELECT 1")
	for text, want := range map[string]string{
		`SHOW TABLES LIKE 'a\_b'`:                  "a_b",
		`SHOW FULL TABLES FROM d_x LIKE 'v\_w'`:    "v_w\tVIEW",
		`SHOW DATABASES LIKE 'd\_x'`:               "d_x",
		`SHOW VARIABLES LIKE 'unique\_checks'`:     "unique_checks\tON",
		`SHOW CHARACTER SET LIKE 'utf8mb\_'`:       "",
		`SHOW TABLES WHERE Tables_in_d_x = 'A_B '`: "",
		`SHOW TABLES LIKE 'a%\_b'`:                 "a_b",
	} {
		c.query(text, want)
	}
	if a := c.must(`SHOW COLUMNS FROM a_b LIKE 'c\_d'`); len(a.rows) != 1 {
		t.Error(a.rows)
	}
	c.must("SELECT 1 / 0, CAST('a' AS SIGNED)")
	c.query("SHOW WARNINGS LIMIT 1", "Warning\t1365\tDivision by 0")
	c.query("SHOW WARNINGS LIMIT 0", "")
}
