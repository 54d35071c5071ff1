package general

import (
	"fmt"
	"strings"
	"testing"
)

// rangeRows makes two tables whose columns compare as integers, decimals, texts, texts with numbers, and times, with NULLs, ties and values that mean nothing.
func rangeRows(t *testing.T) *client {
	c := newServer(t).client()
	mustExec(c, "CREATE DATABASE m; USE m")
	for _, name := range []string{"l", "r"} {
		mustExec(c, "CREATE TABLE "+name+` (id INT PRIMARY KEY, a INT, b BIGINT UNSIGNED, x DECIMAL(12,3), f DOUBLE, s VARCHAR(20) COLLATE utf8mb4_general_ci,
	n VARCHAR(20), d DATE, at DATETIME(3), tm TIME)`)
	}
	value := func(i int, s string) string {
		if i%11 == 0 {
			return "NULL"
		}
		return s
	}
	row := func(k int) func(i int) string {
		return func(i int) string {
			v := (i * k) % 97
			big := fmt.Sprint(v)
			if v == 5 {
				big = "18446744073709551615"
			}
			text := []string{"%d", " %d", "%d.0", "%de0", "%dx", "%05d"}[i%6]
			return strings.Join([]string{fmt.Sprint(i), value(i, fmt.Sprint(v-40)), value(i+1, big), value(i+2, fmt.Sprintf("%d.%03d", v-40, i%7)), value(i+3, fmt.Sprintf("%d.5e-1", v-40)),
				value(i+4, fmt.Sprintf("'%c%d '", "aAbÄ"[i%4], v%9)), value(i+5, "'"+fmt.Sprintf(text, v-40)+"'"),
				value(i+6, fmt.Sprintf("'2024-01-01' + INTERVAL %d DAY", v)), value(i+7, fmt.Sprintf("'2024-01-01' + INTERVAL %d HOUR", 24*v+i%3)),
				value(i+8, fmt.Sprintf("SEC_TO_TIME(%d)", 60*(v-40)))}, ",")
		}
	}
	load(c, "l", 80, row(31))
	load(c, "r", 90, row(17))
	return c
}

var rangeConditions = []string{
	"l.a BETWEEN r.a AND r.b",
	"r.a BETWEEN l.a AND l.a + 5",
	"l.a >= r.a AND l.a < r.a + 3",
	"r.a <= l.b AND r.b >= l.a",
	"l.a > r.x",
	"l.b <= r.a AND l.x + 50 > r.f",
	"l.b = r.a",
	"l.n = r.a",
	"l.a = r.n AND l.id < r.id",
	"l.n = r.x",
	"l.s < r.s",
	"l.s BETWEEN r.s AND CONCAT(r.s, 'm')",
	"l.d BETWEEN r.d - INTERVAL 3 DAY AND r.at",
	"l.at > r.d AND l.at < r.d + INTERVAL 1 DAY",
	"l.tm >= r.tm AND l.d <= r.d",
	"l.f = r.x OR l.a < r.a",
	"l.a <> r.a AND l.x >= r.x",
	"NOT l.a <= r.a",
}

// TestRangeJoin: a join that looks up ranges gives the rows of a nested loop, which a hint demands, for each kind of join: in memory, with files, and when there are
// more ranges than memory may hold.
func TestRangeJoin(t *testing.T) {
	c := rangeRows(t)
	c.sv.e.memory.Least = 1 << 7
	for _, on := range rangeConditions {
		for _, bytes := range []int{256 << 20, 1 << 10, 1 << 7} {
			for _, d := range rangeDifferences(c, on, bytes) {
				t.Error(d)
			}
		}
	}
	if n := c.sv.e.memory.Used(); n != 0 {
		t.Errorf("%d bytes are still held", n)
	}
}

// rangeDifferences are the queries that have other rows than a nested loop has.
func rangeDifferences(c *client, on string, bytes int) (out []string) {
	mustExec(c, fmt.Sprintf("SET join_buffer_size = %d", bytes))
	for _, q := range []string{
		"SELECT HINT l.id, r.id FROM l JOIN r ON " + on + " ORDER BY 1, 2",
		"SELECT HINT l.id, r.id FROM l LEFT JOIN r ON " + on + " ORDER BY 1, 2",
		"SELECT HINT l.id FROM l WHERE EXISTS (SELECT HINT 1 FROM r WHERE " + on + ") ORDER BY 1",
		"SELECT HINT l.id FROM l WHERE NOT EXISTS (SELECT HINT 1 FROM r WHERE " + on + ") ORDER BY 1",
		"SELECT HINT l.id, (SELECT HINT COUNT(*) FROM r JOIN r z ON " + strings.ReplaceAll(on, "r.", "z.") + " WHERE r.id < 3) FROM l WHERE l.id < 20 ORDER BY 1",
	} {
		want, got := c.must(strings.ReplaceAll(q, "HINT", "/*+ NO_BNL() */")).String(), c.must(strings.ReplaceAll(q, "HINT", "")).String()
		if got != want {
			out = append(out, fmt.Sprintf("%s with %d bytes:\n%s\nwant\n%s", q, bytes, got, want))
		}
	}
	return out
}

// TestMutantRanges: ranges that leave out rows that match are noticed, each by a condition whose ends it moves. Ranks of unequal values may be equal, so that an end
// belongs to its range even where the comparison excludes it.
func TestMutantRanges(t *testing.T) {
	c := rangeRows(t)
	t.Cleanup(func() { rangeMutant.ends, rangeMutant.unturned = nil, false })
	for _, m := range []struct {
		on       string
		ends     func(low, high uint64) (uint64, uint64)
		unturned bool
	}{
		{"l.a >= r.a AND l.a < r.a + 3", func(low, high uint64) (uint64, uint64) { return low + 1, high }, false},
		{"l.a BETWEEN r.a AND r.b", func(low, high uint64) (uint64, uint64) { return low, high - 1 }, false},
		{"l.s >= r.s", func(low, high uint64) (uint64, uint64) { return low + 1, high }, false},
		{"l.n >= r.a AND l.n <= r.a", func(low, high uint64) (uint64, uint64) { return low + 1, high + 1 }, false},
		{"r.a <= l.b AND r.b >= l.a", func(low, high uint64) (uint64, uint64) { return high, low }, false},
		{"r.a <= l.a", nil, true},
	} {
		if d := rangeDifferences(c, m.on, 256<<20); len(d) > 0 {
			t.Errorf("%s: unbroken, it differs: %s", m.on, d[0])
		}
		rangeMutant.ends, rangeMutant.unturned = m.ends, m.unturned
		if len(rangeDifferences(c, m.on, 256<<20)) == 0 {
			t.Errorf("%s: the mutant was not caught", m.on)
		}
		rangeMutant.ends, rangeMutant.unturned = nil, false
	}
}

// TestReadOnce: the right side of these joins is read once, not for each row of the left side.
func TestReadOnce(t *testing.T) {
	c := rangeRows(t)
	for _, q := range []string{
		"SELECT COUNT(*) FROM l LEFT JOIN r ON l.a BETWEEN r.a AND r.b",
		"SELECT COUNT(*) FROM l LEFT JOIN r ON l.a = r.n",
		"SELECT COUNT(*) FROM l LEFT JOIN r ON l.d >= r.d",
		"SELECT COUNT(*) FROM l WHERE NOT EXISTS (SELECT 1 FROM r WHERE r.a = l.a AND r.x < l.x)",
		"SELECT COUNT(*) FROM l WHERE NOT EXISTS (SELECT 1 FROM r WHERE r.a < l.a)",
		"SELECT COUNT(*) FROM l WHERE EXISTS (SELECT 1 FROM r WHERE r.n = l.a)",
	} {
		p := c.must("EXPLAIN ANALYZE " + q).String()
		if n := strings.Count(p, "loops=1)"); n == 0 || strings.Contains(strings.ReplaceAll(p, "loops=1)", ""), "loops=") {
			t.Errorf("%s:\n%s", q, p)
		}
	}
}

// TestNullsAreNotHashed: rows with NULL keys are not compared with each other, but <=> and NOT IN know of them.
func TestNullsAreNotHashed(t *testing.T) {
	c := newServer(t).client()
	mustExec(c, "CREATE DATABASE m; USE m; CREATE TABLE l (id INT PRIMARY KEY, k INT, g INT); CREATE TABLE r (id INT PRIMARY KEY, k INT, g INT)")
	mustExec(c, "INSERT INTO l VALUES (1,1,1),(2,NULL,1),(3,3,NULL),(4,NULL,NULL),(5,5,2)")
	mustExec(c, "INSERT INTO r VALUES (1,1,1),(2,NULL,2),(3,3,NULL),(4,NULL,NULL),(5,6,2)")
	for q, want := range map[string]string{
		"SELECT l.id, r.id FROM l LEFT JOIN r ON l.k = r.k ORDER BY 1, 2":                                                 "1\t1|2\tNULL|3\t3|4\tNULL|5\tNULL",
		"SELECT l.id, r.id FROM l LEFT JOIN r ON l.k <=> r.k ORDER BY 1, 2":                                               "1\t1|2\t2|2\t4|3\t3|4\t2|4\t4|5\tNULL",
		"SELECT l.id, r.id FROM l LEFT JOIN r ON l.k = r.k AND l.g <=> r.g ORDER BY 1, 2":                                 "1\t1|2\tNULL|3\t3|4\tNULL|5\tNULL",
		"SELECT id FROM l WHERE NOT EXISTS (SELECT 1 FROM r WHERE r.k = l.k) ORDER BY 1":                                  "2|4|5",
		"SELECT id FROM l WHERE NOT EXISTS (SELECT 1 FROM r WHERE r.k = l.k AND r.g = l.g) ORDER BY 1":                    "2|3|4|5",
		"SELECT id FROM l WHERE EXISTS (SELECT 1 FROM r WHERE r.k = l.k AND r.id >= l.id) ORDER BY 1":                     "1|3",
		"SELECT id FROM l WHERE k NOT IN (SELECT k FROM r) ORDER BY 1":                                                    "",
		"SELECT id FROM l WHERE k NOT IN (SELECT k FROM r WHERE k IS NOT NULL) ORDER BY 1":                                "5",
		"SELECT id FROM l WHERE k NOT IN (SELECT k FROM r WHERE r.g = l.g) ORDER BY 1":                                    "3|4",
		"SELECT id, (SELECT COUNT(*) FROM r WHERE r.k = l.k), (SELECT COUNT(*) FROM r WHERE r.g = l.g) FROM l ORDER BY 1": "1\t1\t1|2\t0\t1|3\t1\t0|4\t0\t0|5\t0\t2",
	} {
		var rows []string
		for _, r := range mustExec(c, q).rows {
			rows = append(rows, strings.Join(r, "\t"))
		}
		if got := strings.Join(rows, "|"); got != want {
			t.Errorf("%s: %s, want %s", q, got, want)
		}
	}
}

// TestQuantifiedExtremes: ALL and ANY decide by the least or the greatest value and NULL as they do by each, and as IN and NOT IN.
func TestQuantifiedExtremes(t *testing.T) {
	c := rangeRows(t)
	for _, op := range []string{"<", "<=", ">", ">=", "=", "<>"} {
		for _, column := range []string{"a", "b", "x", "f", "s", "n", "d", "tm"} {
			for _, with := range []string{"r." + column + " IS NOT NULL", "r.id BETWEEN 3 AND 20", "r.id > 1000", "r.a IS NULL"} {
				for _, left := range []string{"a", column} {
					l, r := "l."+left, "r."+column
					any := fmt.Sprintf("SELECT l.id, %s %s ANY (SELECT %s FROM r WHERE %s), %s %s ALL (SELECT %s FROM r WHERE %s) FROM l ORDER BY 1", l, op, r, with, l, op, r, with)
					each := fmt.Sprintf(`SELECT l.id, IF(MAX(t) = 1, 1, IF(MAX(u) = 1, NULL, 0)), IF(MIN(t) = 0, 0, IF(MAX(u) = 1, NULL, 1)) FROM
(SELECT l.id, %[1]s %[2]s %[3]s AS t, r.id IS NOT NULL AND (%[1]s %[2]s %[3]s) IS NULL AS u FROM l LEFT JOIN r ON %[4]s) AS l GROUP BY l.id ORDER BY 1`, l, op, r, with)
					if got, want := c.must(any).String(), c.must(each).String(); rowsOf(got) != rowsOf(want) {
						t.Errorf("%s:\n%s\nwant\n%s", any, got, want)
					}
				}
			}
		}
	}
}

// rowsOf is an answer without its first line, the names of the columns.
func rowsOf(answer string) string {
	_, rows, _ := strings.Cut(answer, "\n")
	return rows
}

// TestOuterHashOfChanges: UPDATE and DELETE hash the rows of a correlated subquery as SELECT does, if nothing changes them.
func TestOuterHashOfChanges(t *testing.T) {
	c := newServer(t).client()
	mustExec(c, `CREATE DATABASE m; USE m; CREATE TABLE l (id INT PRIMARY KEY, k INT, n INT); CREATE TABLE r (id INT PRIMARY KEY, k INT)`)
	load(c, "l", 300, func(i int) string { return fmt.Sprintf("%d, %d, 0", i, i%40) })
	load(c, "r", 200, func(i int) string { return fmt.Sprintf("%d, %d", i, i%30) })
	mustExec(c, "UPDATE l SET n = (SELECT COUNT(*) FROM r WHERE r.k = l.k)")
	if got := c.must("SELECT COUNT(*) FROM l JOIN (SELECT l.id, COUNT(r.id) AS n FROM l LEFT JOIN r ON r.k = l.k GROUP BY l.id) x ON x.id = l.id WHERE x.n = l.n").rows[0][0]; got != "300" {
		t.Errorf("%s of 300 rows have their count", got)
	}
	mustExec(c, "DELETE FROM l WHERE NOT EXISTS (SELECT 1 FROM r WHERE r.k = l.k AND r.id <> l.id)")
	if got := c.must("SELECT COUNT(*), MAX(k) FROM l").String(); !strings.Contains(got, "230\t29") {
		t.Errorf("left are %s", got)
	}
}
