package general

import (
	"fmt"
	"strings"
	"testing"
)

// Conditions of joins that say more than their form: ORs of which every branch says something of one table, and those that throw away what an outer join adds. The
// rows are those of the condition as one value, of which nothing follows.
func TestWhatConditionsOfJoinsSay(t *testing.T) {
	c := newServer(t).client()
	c.must(`CREATE DATABASE m; USE m;
CREATE TABLE a (id INT PRIMARY KEY, b_id INT, x INT, s VARCHAR(10), KEY (b_id), KEY (x));
CREATE TABLE b (id INT PRIMARY KEY, c_id INT, y INT, s VARCHAR(10), KEY (c_id), KEY (y));
CREATE TABLE c (id INT PRIMARY KEY, z INT NOT NULL, KEY (z)); CREATE TABLE none (id INT PRIMARY KEY, z INT)`)
	load(c, "a", 600, func(i int) string {
		return fmt.Sprintf("%d,NULLIF(%d,7),NULLIF(%d,3),'%c%d '", i+1, i%90, i%40, "aAä"[i%2], i%9)
	})
	load(c, "b", 80, func(i int) string {
		return fmt.Sprintf("%d,NULLIF(%d,4),NULLIF(%d,3),'%c%d'", i+1, i%30, i%20, "aA"[i%2], i%9)
	})
	load(c, "c", 25, func(i int) string { return fmt.Sprintf("%d,%d", i+1, i%10) })
	c.must("ANALYZE TABLE a, b, c, none")
	const ab, left = "a, b", "a LEFT JOIN b ON b.id = a.b_id"
	const chain = left + " LEFT JOIN c ON c.id = b.c_id"
	for _, q := range []struct{ columns, from, where, plan, not string }{
		// what every branch says is a condition by itself
		{"a.id, b.id", ab, "(a.b_id = b.id AND a.x = 1 AND b.y = 2) OR (a.b_id = b.id AND a.x = 5 AND b.y = 4)", "a using x over (x = 1) OR (x = 5)", ""},
		{"a.id, b.id", ab, "(a.b_id = b.id AND a.x = 1) OR (b.id = a.b_id AND a.x = 5)", "", ""},
		{"a.id, b.id", ab, "a.b_id = b.id AND ((a.x = 1 AND b.y = 2) OR (b.y = 4 AND a.x < 0) OR (a.x IN (5, 8) AND b.y IS NULL))", "index range scan on b using y", ""},
		{"a.id, b.id", ab, "(a.b_id = b.id AND a.x = 1) OR (a.b_id = b.id AND a.x = 1 AND b.y = 2)", "a using x (x=1)", " or "},
		{"a.id, b.id", ab, "a.b_id = b.id OR (a.b_id = b.id AND b.y = 2)", "", " or "},
		{"a.id, b.id", ab, "(a.s = b.s AND a.x = 1 AND b.y = 2) OR (a.s = b.s AND a.x = 5)", "a using x over (x = 1) OR (x = 5)", ""},
		{"a.id, b.id", "a JOIN b ON (a.b_id = b.id AND a.x = 1) OR (a.b_id = b.id AND a.x = 2)", "a.id > 0", "Filter: ((a.x = 1) or (a.x = 2))", ""},
		{"a.id, b.id", ab, "(a.x = 1 AND b.y = 2) OR (a.x = 5 AND a.id < 9)", "Filter: ((a.x = 1) or ((a.x = 5) and (a.id < 9)))", "filter: (b.y"},
		{"a.id, b.id", ab, "NOT ((a.x <> 1 OR b.y <> 2) AND (a.x <> 5 OR b.y <> 4))", "", ""},
		{"a.id, b.id", left, "(a.x = 1 AND b.y = 2) OR (a.x = 5 AND b.y IS NULL)", "a using x over (x = 1) OR (x = 5)", ""},
		{"a.id, none.id", "a LEFT JOIN none ON none.id = a.id", "(a.x = 1 AND none.z = 2) OR (a.x = 5 AND none.z IS NULL)", "a using x over (x = 1) OR (x = 5)", ""},
		// rows that the outer join adds are thrown away
		{"a.id, b.id", left, "b.y IN (1, 2)", "inner", "left"},
		{"a.id, b.id", left, "b.y = a.x", "inner", "left"},
		{"a.id, b.id", left, "b.s LIKE 'a%'", "inner", "left"},
		{"a.id, b.id", left, "b.s NOT LIKE 'a%'", "", ""},
		{"a.id, b.id", left, "b.y IS NOT NULL", "inner", "left"},
		{"a.id, b.id", left, "NOT b.y = 3", "inner", "left"},
		{"a.id, b.id", left, "b.y NOT BETWEEN 3 AND 9", "inner", "left"},
		{"a.id, b.id", left, "b.y + a.x > 7", "", ""},
		{"a.id, b.id", left, "b.y < 3 OR (b.y > 8 AND a.x = 1)", "inner", "left"},
		{"a.id, b.id", "b RIGHT JOIN a ON b.id = a.b_id", "b.y > 7", "inner", "right"},
		{"a.id, b.id, c.z", chain, "c.z > 4", "inner", "left"},
		{"a.id, b.id, c.z", chain, "b.y > 4", "left", ""},
		{"a.id, b.id, c.z", "a LEFT JOIN (b JOIN c ON c.id = b.c_id) ON b.id = a.b_id", "c.z > 4", "inner", "left"},
		{"a.id, b.id, c.z", left + " JOIN c ON c.id = b.c_id", "a.id > 3", "inner", "left"},
		{"a.id, b.id, c.z", "a LEFT JOIN (b LEFT JOIN c ON c.id = b.c_id) ON b.id = a.b_id AND c.z > 2", "a.id > 3", "left", ""},
		{"a.id, none.z", "a LEFT JOIN none ON none.id = a.id", "none.z > 4", "", "left"},
		// rows of NULLs may be wanted
		{"a.id, b.id", left, "b.y IS NULL", "left", ""},
		{"a.id, b.id", left, "b.y <=> a.x", "left", ""},
		{"a.id, b.id", left, "b.y < 3 OR a.x = 1", "left", ""},
		{"a.id, b.id", left, "NOT (b.y < 3 AND a.x = 1)", "left", ""},
		{"a.id, b.id", left, "a.x NOT BETWEEN b.y AND 9", "left", ""},
		{"a.id, b.id", left, "COALESCE(b.y, 1) = 1", "left", ""},
		{"a.id, b.id", left, "a.x NOT IN (1, b.y)", "left", ""},
	} {
		text := func(where string) string {
			return "SELECT " + q.columns + " FROM " + q.from + " WHERE " + where + " ORDER BY " + q.columns
		}
		got, want := c.must(text(q.where)), c.must(text("("+q.where+") IS TRUE"))
		if got.String() != want.String() {
			t.Errorf("%s:\n%s\nof the value:\n%s", text(q.where), got, want)
		}
		if p := strings.ToLower(planOf(c, text(q.where))); !strings.Contains(p, strings.ToLower(q.plan)) || q.not != "" && strings.Contains(p, q.not) {
			t.Errorf("%s: want %s, no %s\n%s", text(q.where), q.plan, q.not, p)
		}
	}
}

// NOT IN over columns that may be NULL, on either side: a row without a value is met by any row, and any row by one without.
func TestNotInOfNullKeys(t *testing.T) {
	c := newServer(t).client()
	c.must(`CREATE DATABASE m; USE m; CREATE TABLE l (id INT PRIMARY KEY, k INT, n INT); CREATE TABLE r (id INT PRIMARY KEY, k INT, n INT); CREATE TABLE none (k INT)`)
	load(c, "l", 400, func(i int) string { return fmt.Sprintf("%d,NULLIF(%d,5),%d", i+1, i%60, i%4) })
	load(c, "r", 300, func(i int) string { return fmt.Sprintf("%d,NULLIF(%d,9),%d", i+1, i%45, i%7) })
	c.must("ANALYZE TABLE l, r")
	for _, in := range []string{"k NOT IN (SELECT k FROM r)", "k NOT IN (SELECT k FROM r WHERE k > 20)", "k NOT IN (SELECT k FROM r WHERE k IS NULL)", "k NOT IN (SELECT k FROM none)",
		"k NOT IN (SELECT k FROM r WHERE r.n = l.n)", "k NOT IN (SELECT k FROM r WHERE r.n = l.n AND k < 30)", "k NOT IN (SELECT k FROM r WHERE r.n = l.n + 5)",
		"k NOT IN (SELECT k FROM r WHERE k IS NOT NULL AND r.n > l.n + 3)", "k <> ALL (SELECT k FROM r WHERE k < 10 AND n = 6)", "(k, n) NOT IN (SELECT k, n FROM r WHERE n > 1)"} {
		got := c.must("SELECT id FROM l WHERE " + in + " ORDER BY id")
		want := c.must("SELECT id FROM l WHERE (" + in + ") IS TRUE ORDER BY id")
		if got.String() != want.String() {
			t.Errorf("%s:\n%s\nof the value:\n%s", in, got, want)
		}
	}
}
