package general

import (
	"errors"
	"fmt"
	"testing"

	"github.com/zoryadb/zorya/sql/mysqlerr"
)

// What nobody needs warns of nothing and fails nothing; what rows need does, a constant of a condition once.
func TestUnneededIsNotComputed(t *testing.T) {
	c := newServer(t).client()
	c.must("CREATE DATABASE d; USE d")
	c.must("CREATE TABLE e (a INT, s VARCHAR(9)); CREATE TABLE z (a INT, s VARCHAR(9)); INSERT INTO z VALUES (1, 'x'), (2, '3y')")
	c.must("CREATE TABLE w (a INT NOT NULL, s VARCHAR(9) NOT NULL, KEY (a)); INSERT INTO w VALUES (1, 'x')")
	for _, q := range []struct{ q, want string }{
		{"SELECT a FROM e WHERE a IN (CAST('a b' AS SIGNED))", ""},
		{"SELECT a FROM e WHERE IF(a, CAST('_1x' AS SIGNED), a)", ""},
		{"SELECT a FROM z ORDER BY CAST('9ba' AS DECIMAL(10,2)), a", ""},
		{"SELECT 1 FROM (SELECT s + 1 AS x, a FROM z) AS y WHERE a > 0", ""},
		{"SELECT 1 FROM z WHERE EXISTS (SELECT 1 FROM (SELECT s + 1 AS x, a FROM z) AS y)", ""},
		{"SELECT ISNULL(FIELD(s, 1)) FROM z", ""},
		{"SELECT a FROM w WHERE a IN (CONCAT('3x')) AND a IS NULL", ""},
		{"SELECT a FROM w WHERE ISNULL(CAST(s AS SIGNED))", ""},
		{"SELECT a FROM z WHERE a < 2 AND a BETWEEN 4 AND CAST(s AS SIGNED)", "Warning\t1292\tTruncated incorrect INTEGER value: 'x'\n"},
		{"SELECT a FROM z WHERE a < 2 AND a NOT BETWEEN 4 AND CAST(s AS SIGNED)", "Warning\t1292\tTruncated incorrect INTEGER value: 'x'\n"},
		{"SELECT a FROM w WHERE a BETWEEN 4 AND CAST(s AS SIGNED)", ""}, // by the index
		{"SELECT a FROM z WHERE a >= CAST('0b' AS SIGNED)", "Warning\t1292\tTruncated incorrect INTEGER value: '0b'\n"},
		{"SELECT x FROM (SELECT s + 1 AS x, a FROM z) AS y WHERE a = 2", "Warning\t1292\tTruncated incorrect DOUBLE value: '3y'\n"},
		{"SELECT NULL + s FROM z WHERE a = 2", "Warning\t1292\tTruncated incorrect DOUBLE value: '3y'\n"},
		{"SELECT NULL + a / 0 FROM z WHERE a = 2", ""},
		{"SELECT a AS k, s + 1 FROM z ORDER BY k DESC LIMIT 1", "Warning\t1292\tTruncated incorrect DOUBLE value: '3y'\n"},
		{"SELECT z.a AS k, s + 1, 5 AS a FROM z ORDER BY k DESC LIMIT 1", "Warning\t1292\tTruncated incorrect DOUBLE value: '3y'\n"},
	} {
		for range 2 { // parsed, and from the cache
			c.must(q.q)
			if got := c.must("SHOW WARNINGS").String(); got != q.want {
				t.Errorf("%s: %q, want %q", q.q, got, q.want)
			}
		}
	}
	c.query("SELECT a AS k, -a AS a FROM z ORDER BY k LIMIT 1", "1\t-1") // k is the column, though another item has its name
	if got := c.must("SELECT 1 FROM z ORDER BY RAND(3), a").String(); got != "1\n1\n" {
		t.Errorf("%q", got)
	}
	c.must("INSERT INTO e SELECT a, s FROM z UNION ALL SELECT a + 2, s FROM z UNION ALL SELECT a + 4, s FROM z")
	if got := c.must("SELECT a FROM e ORDER BY RAND(3)").String(); got == c.must("SELECT a FROM e").String() {
		t.Errorf("ORDER BY RAND(3) sorts by nothing: %q", got)
	}
	c.must("DELETE FROM e")
	c.must("DELETE FROM e WHERE a = CAST('x' AS SIGNED)") // no row needs it, so strict mode has nothing to refuse
}

// What has no operands is no column: it may stand beside aggregates (1140).
func TestBesideAggregates(t *testing.T) {
	c := newServer(t).client()
	c.must("CREATE DATABASE d; USE d; CREATE TABLE z (a INT, b INT); INSERT INTO z VALUES (1, 1), (2, 1)")
	c.query("SELECT MAX(a) + RAND() >= 2, @@version_comment = '', COUNT(*) FROM z", "1\t0\t2")
	c.query("SELECT b, MAX(a) + RAND() >= 2, NOW() > '2000-01-01' FROM z GROUP BY b", "1\t1\t1")
	c.query("SELECT SUM(a IN (SELECT a FROM z)) AS s, COUNT(CASE WHEN a IN (SELECT b FROM z) THEN 1 END), MAX((a, b) IN (SELECT a, b FROM z)) + 1 FROM z HAVING s > 1", "2\t1\t2")
	c.query("SELECT b, SUM(a NOT IN (SELECT b FROM z)) AS s, a IN (SELECT b FROM z) AS i FROM z GROUP BY b, a IN (SELECT b FROM z) ORDER BY s", "1\t0\t1\n1\t1\t0")
	c.fails("SELECT MAX(a) + b FROM z", 1140, "In aggregated query without GROUP BY, expression #1 of SELECT list contains nonaggregated column 'd.z.b'; this is incompatible with sql_mode=only_full_group_by")
	c.fails("SELECT EXP(1000)", 1690, "DOUBLE value is out of range in 'exp(1000)'")
	c.fails("SELECT POW(10, 400)", 1690, "DOUBLE value is out of range in 'pow(10,400)'")
	c.query("SELECT POW(2, 10), EXP(0), POW(NULL, 2), POWER('3x', 2)", "1024\t1\tNULL\t9")
}

// Two collations of one strength make a text that may be shown and not compared: 1267, 1270 and 1271, however many rows there are.
func TestIllegalMix(t *testing.T) {
	c := newServer(t).client()
	c.must("CREATE DATABASE d; USE d")
	c.must("CREATE TABLE m (g VARCHAR(9) COLLATE utf8mb4_general_ci, u VARCHAR(9) COLLATE utf8mb4_unicode_ci, b VARCHAR(9) COLLATE utf8mb4_bin, l VARCHAR(9) CHARSET latin1, a VARCHAR(9) CHARSET ascii)")
	for q, code := range map[string]string{
		"SELECT CONCAT(g, u), IFNULL(g, u), IF(1, g, u), INSERT(g, 1, 1, u) FROM m": "",
		"SELECT CONCAT(g, u) = g FROM m":                                            "1267",
		"SELECT IF(1, g, u) LIKE 'x' FROM m":                                        "1267",
		"SELECT CONCAT(g, u) = 'x' COLLATE utf8mb4_bin FROM m":                      "",
		"SELECT g = b, g = l, g = 'x', g = 1 FROM m":                                "",
		"SELECT INSTR(g, u) FROM m":                                                 "1267",
		"SELECT LOCATE(g, u) FROM m":                                                "1267",
		"SELECT FIND_IN_SET(g, u) FROM m":                                           "1267",
		"SELECT SUBSTRING_INDEX(g, u, 1) FROM m":                                    "1267",
		"SELECT REPLACE(g, u, 'x') FROM m":                                          "1270",
		"SELECT g BETWEEN u AND 'x' FROM m":                                         "1270",
		"SELECT g IN (u, 'x', 'y') FROM m":                                          "1271",
		"SELECT STRCMP(g, u COLLATE utf8mb4_general_ci) FROM m":                     "",
		"SELECT CASE WHEN 1 THEN _latin1'a' COLLATE latin1_danish_ci ELSE _latin1'a' COLLATE latin1_swedish_ci END": "1267",
		"SELECT CASE 'a' COLLATE utf8mb4_bin WHEN 'b' THEN 1 WHEN 'c' COLLATE utf8mb4_general_ci THEN 2 END":        "1270",
		"SELECT CASE _latin1'a' WHEN _latin2'b' THEN 1 WHEN _latin5'c' COLLATE latin5_turkish_ci THEN 2 ELSE 3 END": "",
		"SELECT l = a, a IN ('x', l), CONCAT(a, l) = l, a LIKE g, IF(1, a, l) = a FROM m":                           "",
		"SELECT COALESCE(_latin1'a', _latin2'b')":                                                                   "1267",
		"SELECT IFNULL('a' COLLATE utf8mb4_bin, 'b' COLLATE utf8mb4_0900_ai_ci)":                                    "1267",
		"SELECT IF(1, _latin1'a', _latin2'b')":                                                                      "1267",
		"SELECT LEAST('a' COLLATE utf8mb4_bin, 'b' COLLATE utf8mb4_0900_ai_ci, 'c')":                                "1270",
		"SELECT GREATEST(g, u) FROM m":                                                                              "1267",
		"SELECT GREATEST(g, 'x'), LEAST(g, l), COALESCE(g, u, l, 1), LEAST(1, 'a') FROM m":                          "",
		"CREATE TABLE n SELECT COALESCE(_latin1'a', _latin2'b')":                                                    "1267",
	} {
		got := ""
		if _, err := c.exec(q); err != nil {
			got = err.Error()
			var e *mysqlerr.Error
			if errors.As(err, &e) {
				got = fmt.Sprint(e.Code)
			}
		}
		if got != code {
			t.Errorf("%s: %q, want %q", q, got, code)
		}
	}
}
