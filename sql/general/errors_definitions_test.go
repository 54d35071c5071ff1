package general

import (
	"testing"

	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// What the library says in words of its own comes with MySQL's code and text.
func TestLibraryErrors(t *testing.T) {
	c := newServer(t).client()
	c.must("CREATE DATABASE d; USE d; CREATE TABLE t (a INT, b INT)")
	for q, code := range map[string]int{
		"CREATE TABLE x (a BIT(65))": 1439, "CREATE TABLE x (a BIT(0))": 3013, "CREATE TABLE x (a FLOAT(1,2))": 1427, "CREATE TABLE x (a SET('a,b'))": 1367,
		"CREATE TABLE x (a SET('',''))": 1291, "CREATE TABLE x (a ENUM('a','A'))": 1291, "CREATE TABLE x (a CHAR(3) CHARACTER SET latin1 COLLATE latin2_bin)": 1253,
		"CREATE TABLE x (a INT) CHARACTER SET latin1 COLLATE latin2_bin": 1253, "ALTER DATABASE d CHARACTER SET latin1 COLLATE latin2_bin": 1253,
		"SELECT CAST(1 AS DECIMAL(5,6))": 1427, "SELECT CAST(a AS DECIMAL(66,6)) FROM t": 1426, "SELECT CAST(1 AS DECIMAL(64,63))": 1425,
		"CREATE TABLE good\xC2 (a INT)": 1300, "SELECT `a\xC2` FROM t": 1300, "CREATE TABLE x (a INT COMMENT 'a\xC2')": 1300, "CREATE TABLE x (a INT) COMMENT 'a\xC2'": 1300,
		"CREATE TABLE x (a INT, KEY (a) COMMENT 'a\xC2')": 1300,
		"SELECT COUNT(*) OVER w FROM t":                   3579, "SELECT LEAD(a, -1) OVER (ORDER BY a) FROM t": 1210, "SELECT CURRENT_TIMESTAMP(7)": 1426,
		"SELECT CAST(a AS DATETIME(7)) FROM t": 1426, "SELECT 1 INTO a": 1327, "CREATE VIEW v AS SELECT * FROM DUAL": 1096,
		"WITH RECURSIVE x AS (SELECT a FROM x) SELECT * FROM x": 3573, "(SELECT a FROM t) UNION (SELECT b FROM t) ORDER BY t.a": 1250,
		"SELECT COUNT(*) OVER (ORDER BY a, b RANGE BETWEEN 1 PRECEDING AND CURRENT ROW) FROM t":       3587,
		"CREATE TABLE aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa (a INT)": 1059,
	} {
		c.fails(q, mysqlerr.Code(code), "")
	}
}
