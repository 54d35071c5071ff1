package general

import (
	"fmt"
	"testing"
)

// What correlated subqueries give is the same whether it is remembered or not: one that names the outer row's key, too, never meets the same values twice.
func TestRememberedSubqueries(t *testing.T) {
	c := newServer(t).client()
	c.must(`CREATE DATABASE m; USE m; CREATE TABLE l (id INT PRIMARY KEY, k INT, s VARCHAR(10), d DECIMAL(8,2)); CREATE TABLE r (id INT PRIMARY KEY, k INT, s VARCHAR(10), n INT, KEY (k));
CREATE TABLE none (id INT PRIMARY KEY, k INT)`)
	load(c, "l", 900, func(i int) string { return fmt.Sprintf("%d,NULLIF(%d,3),'%c%d',%d", i+1, i%37, "aAä"[i%2], i%5, i%4) })
	load(c, "r", 400, func(i int) string { return fmt.Sprintf("%d,NULLIF(%d,5),'%c%d',%d", i+1, i%43, "aAä"[i%2], i%7, i%11) })
	for _, q := range []string{
		"SELECT l.id, (SELECT AVG(n) FROM r WHERE r.k = l.k AND KEY) FROM l",
		"SELECT l.id, (SELECT n FROM r WHERE r.k = l.k AND KEY ORDER BY id LIMIT 1) FROM l",
		"SELECT l.id FROM l WHERE l.d < (SELECT MAX(n) / 4 FROM r WHERE r.k = l.k AND r.s >= l.s AND KEY)",
		"SELECT l.id FROM l WHERE EXISTS (SELECT 1 FROM r WHERE r.k = l.k AND n > l.d + 7 AND KEY) OR l.id < 5",
		"SELECT l.id, NOT EXISTS (SELECT 1 FROM r WHERE r.k <=> l.k AND n > 8 AND KEY) FROM l",
		"SELECT l.id, l.d IN (SELECT n FROM r WHERE r.k = l.k AND KEY), l.d > ALL (SELECT n FROM r WHERE r.k = l.k AND KEY) FROM l",
		"SELECT l.id, (SELECT MAX(k) FROM none WHERE none.k = l.k AND KEY), EXISTS (SELECT k FROM none WHERE none.k = l.k AND KEY) FROM l",
		"SELECT l.id, (SELECT COUNT(*) FROM r WHERE r.k = l.k AND KEY AND r.n > (SELECT MIN(b.n) FROM r b WHERE b.s = r.s AND b.k = l.k)) FROM l",
		"SELECT l.id, (SELECT x.m FROM (SELECT MAX(n) m FROM r WHERE r.k = l.k AND KEY) x) FROM l",
		"SELECT l.id, (SELECT COUNT(*) FROM r JOIN r b ON b.k = r.n WHERE r.k = l.k AND b.s = l.s AND KEY) FROM l",
		"SELECT l.s, l.d, (SELECT GROUP_CONCAT(n ORDER BY id) FROM r WHERE r.s = l.s AND r.n = l.d AND KEY) x FROM l",
		"SELECT l.id, (SELECT n FROM r WHERE r.k = l.k AND r.id < 44 AND KEY UNION SELECT 99 FROM r WHERE r.k <=> l.k + 60 AND KEY) FROM l",
	} {
		text := func(key string) string {
			out := ""
			for i := 0; i < len(q); i++ {
				if len(q)-i >= 3 && q[i:i+3] == "KEY" {
					out += key
					i += 2
				} else {
					out += q[i : i+1]
				}
			}
			return out + " ORDER BY l.id"
		}
		if got, want := rowsOf(c.must(text("1 = 1")).String()), rowsOf(c.must(text("l.id = l.id")).String()); got != want {
			t.Errorf("%s:\n%s\nwant\n%s", q, got, want)
		}
	}
	// What differs from run to run is not remembered.
	for text, want := range map[string]string{
		"SELECT COUNT(DISTINCT (SELECT RAND() FROM r WHERE r.id = l.d + 1)) > 100 FROM l":                               "1",
		"SET @n = 0; SELECT MAX((SELECT @n := @n + 1 FROM r WHERE r.id = l.d + 1)) FROM l":                              "900",
		"SELECT COUNT(DISTINCT (SELECT UUID() FROM r WHERE r.id = l.d + 1)) FROM l":                                     "900",
		"SELECT COUNT(*) FROM (SELECT (SELECT id / 0 FROM r WHERE r.id = l.d + 1) FROM l) x":                            "900",
		"SELECT COUNT(DISTINCT (SELECT x.v FROM (SELECT RAND() v) x JOIN r WHERE r.id = l.d + 1 LIMIT 1)) > 100 FROM l": "1",
	} {
		c.query(text, want)
	}
	c.must("SELECT l.id, (SELECT id / 0 FROM r WHERE r.id = l.d + 1) FROM l")
	if got := c.must("SELECT @@warning_count").rows[0][0]; got != "900" {
		t.Errorf("%s warnings of 900 rows", got)
	}
}

// Functions over windows are what correlated subqueries say they are, whatever the order of the rows: with NULLs, ties and texts that are equal by their collation.
func TestWindowsOfManyRows(t *testing.T) {
	c := newServer(t).client()
	c.must("CREATE DATABASE m; USE m; CREATE TABLE w (id INT PRIMARY KEY, k INT, s VARCHAR(10) COLLATE utf8mb4_general_ci, d DECIMAL(8,2))")
	load(c, "w", 240, func(i int) string {
		return fmt.Sprintf("%d,NULLIF(%d,3),NULLIF('%c%d','b1'),NULLIF(%d.5,7.5)", (i*77)%240+1, i%11, "aAb"[i%3], i%2, i*31%23-4)
	})
	for over, by := range map[string]string{
		"ROW_NUMBER() OVER (PARTITION BY s ORDER BY k, id)":                   "(SELECT COUNT(*) FROM w x WHERE x.s <=> w.s AND (x.k < w.k OR x.k IS NULL AND w.k IS NOT NULL OR x.k <=> w.k AND x.id <= w.id))",
		"RANK() OVER (PARTITION BY k ORDER BY d DESC)":                        "(SELECT COUNT(*) + 1 FROM w x WHERE x.k <=> w.k AND (x.d > w.d OR w.d IS NULL AND x.d IS NOT NULL))",
		"SUM(d) OVER (PARTITION BY k)":                                        "(SELECT SUM(d) FROM w x WHERE x.k <=> w.k)",
		"COUNT(*) OVER (ORDER BY s)":                                          "(SELECT COUNT(*) FROM w x WHERE x.s <= w.s OR x.s IS NULL)",
		"MAX(id) OVER (ORDER BY id ROWS BETWEEN 3 PRECEDING AND 1 PRECEDING)": "(SELECT MAX(id) FROM w x WHERE x.id BETWEEN w.id - 3 AND w.id - 1)",
		"LEAD(id) OVER (PARTITION BY s, k ORDER BY id)":                       "(SELECT MIN(id) FROM w x WHERE x.s <=> w.s AND x.k <=> w.k AND x.id > w.id)",
	} {
		got, want := c.must("SELECT id, "+over+" v, COUNT(*) OVER () FROM w ORDER BY id"), c.must("SELECT id, "+by+" v, 240 FROM w ORDER BY id")
		if rowsOf(got.String()) != rowsOf(want.String()) {
			t.Errorf("%s:\n%s\nwant\n%s", over, got, want)
		}
	}
}
