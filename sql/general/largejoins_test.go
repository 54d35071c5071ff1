package general

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/dolthub/go-mysql-server/sql"
)

// manyJoins makes a join of n tables j t0, t1, ...: of makes FROM and WHERE of the i-th.
func manyJoins(n int, of func(i int) string) string {
	var b strings.Builder
	for i := 1; i < n; i++ {
		b.WriteString(of(i))
	}
	return "SELECT COUNT(*), SUM(t0.v) FROM j t0" + b.String()
}

// Large joins are planned without weighing all their orders, which for the stars and mixed joins here would take the library hours: they begin where
// few rows are and look the others up.
func TestLargeJoins(t *testing.T) {
	c := newServer(t).client()
	mustExec(c, `CREATE DATABASE lj; USE lj; CREATE TABLE j (id INT PRIMARY KEY, p INT, v INT, KEY (p));
CREATE TABLE big (id INT PRIMARY KEY, p INT, q INT, s VARCHAR(10)); CREATE TABLE o (k INT, u INT, UNIQUE KEY (u))`)
	load(c, "j", 200, func(i int) string { return fmt.Sprintf("%d,%d,%d", i, i/2, i%7) })
	load(c, "big", 2000, func(i int) string { return fmt.Sprintf("%d,%d,%d,'s%d'", i, i%200, i%150, i%9) })
	mustExec(c, "INSERT INTO o VALUES (1, 10), (2, NULL), (3, 30); ANALYZE TABLE j, big, o")
	star := func(i int) string { return fmt.Sprintf(" JOIN j t%d ON t%[1]d.id = t0.p", i) }
	chain := func(i int) string { return fmt.Sprintf(" JOIN j t%d ON t%[1]d.id = t%d.p", i, i-1) }
	snowflake := func(i int) string { return fmt.Sprintf(" JOIN j t%d ON t%[1]d.id = t%d.p", i, (i-1)/3) }
	mixed := func(i int) string {
		return fmt.Sprintf(" %s JOIN j t%d ON t%[2]d.id = t%d.p", []string{"", "LEFT"}[i%2], i, (i-1)/2)
	}
	backwards := func(n int) string { // all conditions in WHERE, the tables from the last to the first
		from, where := "", "t0.v < 5"
		for i := n - 1; i > 0; i-- {
			from += fmt.Sprintf("j t%d, ", i)
			where += fmt.Sprintf(" AND t%d.id = t%d.p", i, (i-1)/3)
		}
		return "SELECT COUNT(*), SUM(t0.v) FROM " + from + "j t0 WHERE " + where
	}
	all, few := "[[200 594]]", "[[144 286]]"
	for _, q := range []struct {
		text, rows string
		lookups    int // tables that are looked up
	}{
		{manyJoins(12, star), all, 10}, // and two merged by their keys
		{manyJoins(20, star) + " WHERE t0.id < 3", "[[3 3]]", 19},
		{manyJoins(30, star), all, 28},
		{manyJoins(30, chain), all, 28},
		{manyJoins(20, snowflake) + " WHERE t0.v < 5", few, 19},
		{manyJoins(30, func(i int) string { return strings.Replace(star(i), " JOIN", " LEFT JOIN", 1) }) + " WHERE t0.v < 5", few, 29},
		{manyJoins(40, mixed) + " WHERE t0.v < 5", few, 39},
		{backwards(12), few, 11},
		{backwards(40), few, 39},
		{manyJoins(12, func(i int) string { return fmt.Sprintf(" JOIN j t%d ON t%[1]d.id = %[1]d", i) }) + " WHERE t0.v < 5", few, 11},
		{manyJoins(12, star) + " WHERE t7.id = 5", "[[2 7]]", 12}, // from the constant to the other tables
	} {
		p := planOf(c, q.text)
		if n := strings.Count(p, "ndex lookup on"); n != q.lookups {
			t.Errorf("%s: %d lookups, want %d\n%s", q.text, n, q.lookups, p)
		}
		if got := fmt.Sprint(mustExec(c, q.text).rows); got != q.rows {
			t.Errorf("%s: %s, want %s", q.text, got, q.rows)
		}
	}
}

// What joins of few tables give in the order that is best of all they give in the one that large joins get.
func TestJoinOrderKeepsRows(t *testing.T) {
	c := newServer(t).client()
	mustExec(c, `CREATE DATABASE ko; USE ko;
CREATE TABLE a (id INT PRIMARY KEY, x INT, y INT, s VARCHAR(10), doc JSON, KEY (x));
CREATE TABLE b (id INT PRIMARY KEY, x INT NOT NULL, y INT, s VARCHAR(10), KEY (x, y));
CREATE TABLE d (k INT, y INT);
CREATE VIEW v AS SELECT a.id, b.y FROM a JOIN b ON b.id = a.x;
CREATE VIEW lv AS SELECT a.id, b.y FROM a LEFT JOIN b ON b.id = a.x AND b.y > 3`)
	load(c, "a", 40, func(i int) string {
		return fmt.Sprintf("%d,NULLIF(%d,5),%d,'s%d','[%d,%d]'", i, i%11, i*7%13, i%6, i%5, i%3)
	})
	load(c, "b", 60, func(i int) string { return fmt.Sprintf("%d,%d,NULLIF(%d,4),'s%d'", i, i%12, i*5%17, i%8) })
	load(c, "d", 9, func(i int) string { return fmt.Sprintf("NULLIF(%d,3),%d", i, i%4) })
	mustExec(c, "ANALYZE TABLE a, b, d")
	for _, q := range []string{
		"SELECT a.id, b.id, d.k FROM d JOIN b ON b.y = d.y JOIN a ON a.x = b.x AND a.y > d.k",
		"SELECT a.id, b.id, d.k FROM a LEFT JOIN d ON d.k = a.x JOIN b ON b.id = d.y",
		"SELECT a.id, b.id, d.k FROM a LEFT JOIN d ON d.k = a.x JOIN b ON b.id = a.y WHERE d.k IS NULL",
		"SELECT a.id, b.id, d.k FROM a LEFT JOIN d ON d.k = a.x JOIN b ON b.id = a.y WHERE COALESCE(d.y, 2) = b.y % 4",
		"SELECT a.id, b.id, d.k, e.id FROM a LEFT JOIN (b JOIN d ON d.k = b.y) ON b.x = a.x JOIN b e ON e.id = a.id AND e.y = a.y",
		"SELECT a.id, b.id, d.k FROM d RIGHT JOIN a ON a.x = d.k JOIN b ON b.id = a.y",
		"SELECT a.id, b.id, d.k FROM a, b, d WHERE a.x = b.x AND (d.k = a.id OR d.y = b.y) AND a.y BETWEEN d.y AND b.y",
		"SELECT a.id, d.k, 1 FROM a LEFT JOIN d ON 1 = 0 JOIN b ON b.id = a.id",
		"SELECT a.id, d.k, b.id FROM a LEFT JOIN d ON d.y = 1 CROSS JOIN b WHERE b.id < 3",
		"SELECT a.id, b.id, d.k FROM a JOIN b USING (id) JOIN d ON d.k = a.y",
		"SELECT COUNT(*) n, MIN(s), 0 FROM a NATURAL JOIN b JOIN d ON d.y < 3",
		"SELECT a.id, b.id, 0 FROM a JOIN b ON b.id = a.x WHERE a.id IN (SELECT k FROM d) AND NOT EXISTS (SELECT 1 FROM d WHERE d.y = b.y)",
		"SELECT a.id, b.id, 0 FROM a JOIN b ON b.id = a.x WHERE a.y NOT IN (SELECT k FROM d WHERE k IS NOT NULL)",
		"SELECT a.id, b.id, 0 FROM a JOIN b ON b.id = a.x AND (SELECT MAX(k) FROM d WHERE d.y = b.y % 4) > a.y",
		"SELECT a.id, l.k, b.id FROM a JOIN LATERAL (SELECT k FROM d WHERE d.y = a.y) l JOIN b ON b.id = l.k",
		"SELECT a.id, l.k, b.id FROM b JOIN a ON a.x = b.id LEFT JOIN LATERAL (SELECT k FROM d WHERE d.y < a.y LIMIT 2) l ON l.k > b.y",
		"SELECT a.id, t.n, b.id FROM a JOIN JSON_TABLE(a.doc, '$[*]' COLUMNS (n INT PATH '$')) t JOIN b ON b.id = t.n",
		"SELECT a.id, t.n, b.id FROM b, a, JSON_TABLE(a.doc, '$[*]' COLUMNS (n INT PATH '$')) t WHERE b.id = t.n AND a.x = b.x",
		"SELECT v.id, lv.y, d.k FROM v JOIN lv ON lv.id = v.id JOIN d ON d.k = v.y",
		"SELECT a.id, q.n, d.k FROM a JOIN (SELECT x, COUNT(*) n FROM b GROUP BY x) q ON q.x = a.x JOIN d ON d.k = q.n",
		"SELECT a.id, b.id, d.k FROM a STRAIGHT_JOIN b ON b.s = a.s STRAIGHT_JOIN d ON d.k = b.y",
		"SELECT /*+ JOIN_ORDER(d, b, a) */ a.id, b.id, d.k FROM a JOIN b ON b.s = a.s JOIN d ON d.k = b.y",
		"SELECT a.id, (SELECT COUNT(*) FROM b JOIN d ON d.k = b.y JOIN a c ON c.id = b.x WHERE c.x = a.x), 0 FROM a",
		"SELECT a.id, b.id, c.id FROM a JOIN b ON b.x = a.x AND b.y = a.y JOIN a c ON c.id = b.id + 1 AND c.s > a.s",
	} {
		text := "SELECT * FROM (" + q + ") q ORDER BY 1, 2, 3"
		want := c.must(text)
		weighedLeaves = 1
		got, plain := c.must(text), len(c.must(q).rows)
		weighedLeaves = 6
		if got.String() != want.String() || len(got.rows) == 0 || plain != len(want.rows) {
			t.Errorf("%s: %d and %d rows, want %d\n%s\n%s", q, len(got.rows), plain, len(want.rows), got, want)
		}
	}
	for _, q := range []string{
		"UPDATE d JOIN b ON b.id = d.k JOIN a ON a.id = b.x SET a.y = a.y + 1, b.y = a.id",
		"UPDATE a LEFT JOIN d ON d.k = a.id JOIN b ON b.id = a.id SET a.y = COALESCE(d.y, -1), b.s = 'u'",
		"DELETE a FROM d JOIN b ON b.id = d.k JOIN a ON a.id = b.x",
		"DELETE a, b FROM a LEFT JOIN b ON b.id = a.x JOIN d ON d.y = a.y WHERE a.id % 2 = 0",
	} {
		rows := func(limit int) string {
			weighedLeaves = limit
			defer func() { weighedLeaves = 6 }()
			c.must("BEGIN")
			c.must(q)
			out := c.must("SELECT * FROM a ORDER BY id").String() + c.must("SELECT * FROM b ORDER BY id").String()
			c.must("ROLLBACK")
			return out
		}
		if want, got, before := rows(8), rows(1), c.must("SELECT * FROM a ORDER BY id").String()+c.must("SELECT * FROM b ORDER BY id").String(); got != want || got == before {
			t.Errorf("%s:\n%s\nwant\n%s", q, got, want)
		}
	}
}

// A hint's order is that of a large join, too.
func TestLargeJoinHint(t *testing.T) {
	c := newServer(t).client()
	mustExec(c, `CREATE DATABASE lh; USE lh; CREATE TABLE j (id INT PRIMARY KEY, p INT, v INT, KEY (p))`)
	load(c, "j", 50, func(i int) string { return fmt.Sprintf("%d,%d,%d", i, i/2, i%7) })
	q := strings.Replace(manyJoins(12, func(i int) string { return fmt.Sprintf(" JOIN j t%d ON t%[1]d.id = t0.p", i) }), "SELECT", "SELECT /*+ JOIN_ORDER(t9, t0, t4, t2) */", 1)
	p := planOf(c, q)
	at := -1
	for _, table := range []string{"t9", "t0", "t4", "t2", "t1", "t3"} {
		now := strings.Index(p, " on "+table+" ")
		if now < at || now < 0 {
			t.Errorf("%s is not where the hint puts it:\n%s", table, p)
		}
		at = now
	}
	if got := fmt.Sprint(c.must(q).rows); got != "[[50 147]]" {
		t.Error(got)
	}
}

// A statement that is killed while its joins are weighed ends there.
func TestPlanningStops(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := (&coster{}).EstimateCost(sql.NewContext(ctx), nil, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled statement's plan was weighed: %v", err)
	}
}
