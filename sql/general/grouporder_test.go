package general

import (
	"fmt"
	"strings"
	"testing"
)

// What has a LIMIT and an order that an index gives reads only what it needs; where the limit is far, or rows are few, the rest stays as it is. The rows are those
// of a query without indexes.
func TestOrdersOfIndexes(t *testing.T) {
	c := newServer(t).client()
	c.must(`CREATE DATABASE go; USE go;
CREATE TABLE cust (id INT PRIMARY KEY, name VARCHAR(20), city VARCHAR(20), region INT, KEY (name), KEY (city, region));
CREATE TABLE ord (id INT PRIMARY KEY, cust_id INT NOT NULL, odate DATE NOT NULL, total DECIMAL(10,2), note VARCHAR(9), KEY (cust_id), KEY (odate), KEY n (note DESC));
CREATE TABLE cust2 (id INT, name VARCHAR(20), city VARCHAR(20), region INT);
CREATE TABLE ord2 (id INT, cust_id INT NOT NULL, odate DATE NOT NULL, total DECIMAL(10,2), note VARCHAR(9))`)
	load(c, "cust", 2000, func(i int) string { return fmt.Sprintf("%d,'N%d ',NULLIF('c%d','c3'),%d", i, i*7%1000, i%50, i%7) })
	load(c, "ord", 10000, func(i int) string {
		return fmt.Sprintf("%d,%d,DATE'2020-01-01' + INTERVAL %d DAY,%d.5,'%s%d'", i, i*i*7%2100, i*13%200, i*31%500, "aA"[i%2:i%2+1], i%90)
	})
	c.must("INSERT INTO cust2 SELECT * FROM cust; INSERT INTO ord2 SELECT * FROM ord; CREATE DATABASE go2; CREATE TABLE go2.cust LIKE cust; INSERT INTO go2.cust SELECT id, name, city, 2000 - id FROM cust; ANALYZE TABLE cust, ord, cust2, ord2")
	const groups, table = "Group aggregate", "using temporary table"
	for _, q := range []struct {
		text string
		plan []string
		not  string
	}{
		{"SELECT c.id, c.name, COUNT(o.id) n, SUM(o.total) FROM cust c LEFT JOIN ord o ON o.cust_id = c.id GROUP BY c.id ORDER BY c.id LIMIT 10", []string{groups, "scan on c using PRIMARY"}, "Sort"},
		{"SELECT c.id, c.name, COUNT(o.id) n FROM cust c LEFT JOIN ord o ON o.cust_id = c.id GROUP BY c.id, c.name ORDER BY c.id LIMIT 3, 10", []string{groups}, "Sort"},
		{"SELECT c.name, COUNT(o.id) n FROM cust c LEFT JOIN ord o ON o.cust_id = c.id GROUP BY c.name ORDER BY c.name LIMIT 10", []string{groups, "scan on c using name", "Nested loop left join", "Index lookup on o using cust_id"}, "Sort"},
		{"SELECT c.name, COUNT(o.id) n FROM cust c JOIN ord o ON o.cust_id = c.id GROUP BY c.name ORDER BY c.name DESC LIMIT 10", []string{groups, "scan on c using name", "Index lookup on o using cust_id"}, "Sort"},
		{"SELECT cust_id, MAX(total) FROM ord GROUP BY cust_id ORDER BY cust_id LIMIT 10", []string{groups, "scan on ord using cust_id"}, "Sort"},
		{"SELECT cust_id, GROUP_CONCAT(id ORDER BY id), COUNT(DISTINCT odate) FROM ord GROUP BY cust_id ORDER BY cust_id DESC LIMIT 5", []string{groups, "scan on ord using cust_id"}, "Sort"},
		{"SELECT note, COUNT(*), MIN(id) FROM ord GROUP BY note ORDER BY note DESC LIMIT 5", []string{groups, "scan on ord using n"}, "Sort"},
		{"SELECT city, region, COUNT(*) FROM cust GROUP BY region, city ORDER BY city, region LIMIT 4", []string{groups, "scan on cust using city"}, "Sort"},
		{"SELECT city, COUNT(*), MAX(name) FROM cust GROUP BY city ORDER BY city LIMIT 2", []string{groups, "scan on cust using city"}, "Sort"},
		{"SELECT id, odate FROM ord ORDER BY odate, id LIMIT 10", []string{"scan on ord using odate"}, "Sort"},
		{"SELECT id, odate FROM ord ORDER BY odate DESC, id DESC LIMIT 5, 10", []string{"scan on ord using odate"}, "Sort"},
		{"(SELECT id, odate FROM ord ORDER BY odate, id LIMIT 10) UNION ALL (SELECT id, odate FROM ord ORDER BY odate DESC, id DESC LIMIT 10) ORDER BY odate, id", []string{"scan on ord using odate"}, ""},
		{"SELECT c.name, c.id, o.id FROM cust c LEFT JOIN ord o ON o.cust_id = c.id ORDER BY c.name, c.id, o.id LIMIT 10", []string{"Sort"}, ""},
		// An index is no better: far limits, other orders, conditions on groups.
		{"SELECT cust_id, MAX(total) FROM ord GROUP BY cust_id ORDER BY cust_id LIMIT 2000", []string{table}, ""},
		{"SELECT cust_id, MAX(total) FROM ord GROUP BY cust_id ORDER BY 2, 1 LIMIT 5", []string{table, "Sort"}, ""},
		{"SELECT cust_id, odate, COUNT(*) FROM ord GROUP BY cust_id, odate ORDER BY cust_id, odate LIMIT 5", []string{table, "Sort"}, ""},
		{"SELECT cust_id, MAX(total) m FROM ord GROUP BY cust_id HAVING m > 490 ORDER BY cust_id LIMIT 5", []string{table}, ""},
		{"SELECT c.city, COUNT(o.id) FROM cust c LEFT JOIN ord o ON o.cust_id = c.id GROUP BY c.city ORDER BY c.city LIMIT 45", []string{table}, ""},
		{"SELECT id, odate FROM ord ORDER BY odate, id DESC LIMIT 10", []string{"Sort"}, ""},
		{"SELECT cust_id, MAX(total) FROM ord IGNORE INDEX FOR GROUP BY (cust_id) GROUP BY cust_id ORDER BY cust_id LIMIT 10", []string{table}, groups},
		{"SELECT cust_id, MAX(total) FROM ord IGNORE INDEX FOR JOIN (cust_id) GROUP BY cust_id ORDER BY cust_id LIMIT 10", []string{groups}, table},
		// Two tables of one name.
		{"SELECT go2.cust.region, COUNT(*) FROM go.cust JOIN go2.cust ON go2.cust.id = go.cust.id GROUP BY go2.cust.region ORDER BY go2.cust.region LIMIT 5", nil, ""},
		{"SELECT go2.cust.city, COUNT(*) FROM go.cust JOIN go2.cust ON go2.cust.id = 2000 - go.cust.id GROUP BY go2.cust.city ORDER BY go2.cust.city LIMIT 2", nil, groups},
		// Order that is there anyway.
		{"SELECT cust_id, COUNT(*) FROM ord WHERE cust_id BETWEEN 5 AND 9 GROUP BY cust_id ORDER BY cust_id", []string{groups}, ""},
		{"SELECT cust_id, odate, COUNT(*) FROM ord WHERE odate = '2020-01-14' GROUP BY odate, id ORDER BY odate, id LIMIT 7", []string{groups}, "Sort"},
	} {
		if p := planOf(c, q.text); strings.Contains(p, q.not) && q.not != "" {
			t.Errorf("%s: no %s wanted\n%s", q.text, q.not, p)
		} else {
			for _, want := range q.plan {
				if !strings.Contains(p, want) {
					t.Errorf("%s: want %s\n%s", q.text, want, p)
				}
			}
		}
		plain := strings.NewReplacer("cust c", "cust2 c", "FROM cust ", "FROM cust2 ", "JOIN ord o", "JOIN ord2 o", "FROM ord ", "FROM ord2 ", "IGNORE INDEX FOR GROUP BY (cust_id)", "", "IGNORE INDEX FOR JOIN (cust_id)", "").Replace(q.text)
		c.must("SET sql_mode = ''") // without keys nothing depends on groups
		got, want := c.must(q.text).String(), c.must(plain).String()
		if c.must("SET sql_mode = DEFAULT"); got != want || got == "" {
			t.Errorf("%s\n%swithout indexes:\n%s", q.text, got, want)
		}
	}
	// No sort, and no group, is made up for the count of SQL_CALC_FOUND_ROWS.
	if got := c.must("SELECT SQL_CALC_FOUND_ROWS cust_id, COUNT(*) FROM ord GROUP BY cust_id ORDER BY cust_id LIMIT 1; SELECT FOUND_ROWS()").String(); got != c.must("SELECT COUNT(DISTINCT cust_id) FROM ord2").String() {
		t.Errorf("FOUND_ROWS: %s", got)
	}
}
