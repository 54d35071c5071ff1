package general

import "testing"

// A cast does what it says also where its operand has the type that the library gives the cast.
func TestCastsAreKept(t *testing.T) {
	c := newServer(t).client()
	c.must("CREATE DATABASE d; USE d")
	c.must("CREATE TABLE z (a decimal(12,4), t longtext, d datetime(6), e enum('x','yy'), v varchar(20), j json)")
	c.must("INSERT INTO z VALUES (4.0002, 'abcdef', '2020-01-01 10:11:12.987654', 'yy', '12.7', '{\"a\":1}')")
	for q, want := range map[string]string{
		"SELECT CAST(IFNULL(a,1) AS DECIMAL(6,0)), CAST(a AS DECIMAL), CAST(d AS DATETIME), CAST(d AS DATE) FROM z":                   "4\t4\t2020-01-01 10:11:13\t2020-01-01\n",
		"SELECT CAST(t AS CHAR(3)), CAST(CONCAT(t,'x') AS CHAR(4)), CAST(CAST(t AS CHAR(3)) AS CHAR(2)), CAST(t AS BINARY(2)) FROM z": "abc\tabcd\tab\tab\n",
		"SELECT CAST(e AS CHAR), CAST(e AS CHAR(1)), CAST(e AS SIGNED), CAST(v AS DECIMAL(5,0)), CAST(j AS CHAR) FROM z":              "yy\ty\t2\t13\t{\"a\": 1}\n",
		"SELECT CAST(SUM(a) AS DECIMAL(5,1)), CAST(MAX(t) AS CHAR(2)) FROM z GROUP BY CAST(t AS CHAR(1))":                             "4.0\tab\n",
		"SELECT CAST((SELECT MAX(t) FROM z) AS CHAR(2)), EXISTS (SELECT 1 FROM z WHERE CAST(t AS CHAR(1)) = 'a')":                     "ab\t1\n",
	} {
		for range 2 { // parsed, and from the cache
			if got := c.must(q).String(); got != want {
				t.Errorf("%s: %q, want %q", q, got, want)
			}
		}
	}
}
