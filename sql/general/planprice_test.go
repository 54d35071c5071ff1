package general

import (
	"fmt"
	"strings"
	"testing"
)

// TestLookupsByPrice: joins of tables, of IN's subqueries and of derived tables look up what few rows lead to, by the index
// that reads the fewest rows.
func TestLookupsByPrice(t *testing.T) {
	c := newServer(t).client()
	mustExec(c, `CREATE DATABASE pl; USE pl;
CREATE TABLE cust (id INT PRIMARY KEY, name VARCHAR(40), region INT, KEY (region));
CREATE TABLE ord (id INT PRIMARY KEY, cust_id INT NOT NULL, odate DATE NOT NULL, total INT, KEY (cust_id), KEY (odate));
CREATE TABLE item (id INT PRIMARY KEY, prod_id INT NOT NULL, qty INT, KEY (prod_id));
CREATE TABLE prod (id INT PRIMARY KEY, cat INT, KEY (cat))`)
	load(c, "cust", 2000, func(i int) string { return fmt.Sprintf("%d,'n%d',%d", i, i, i%50) })
	load(c, "ord", 10000, func(i int) string {
		return fmt.Sprintf("%d,%d,DATE'2020-01-01' + INTERVAL %d DAY,%d", i, i*7%2000, (i*13+i/2000*3)%200, i*31%500)
	})
	load(c, "item", 20000, func(i int) string { return fmt.Sprintf("%d,%d,%d", i, i*11%500, i%9) })
	load(c, "prod", 500, func(i int) string { return fmt.Sprintf("%d,%d", i, i%100) })
	mustExec(c, "ANALYZE TABLE cust, ord, item, prod")
	for _, q := range []struct{ text, plan, rows string }{
		{"SELECT COUNT(*) FROM item WHERE prod_id IN (SELECT id FROM prod WHERE cat = 5)", "Index lookup on item using prod_id", "200"},
		{"SELECT SUM(i.qty) FROM item i JOIN prod p ON p.id = i.prod_id WHERE p.cat = 9 AND i.qty < (SELECT 0.5 * AVG(j.qty) FROM item j WHERE j.prod_id = p.id)", "Index lookup on i using prod_id", "33"},
		{"SELECT COUNT(*) FROM cust c JOIN (SELECT cust_id, COUNT(*) n FROM ord GROUP BY cust_id) d ON d.cust_id = c.id WHERE c.region = 3", "Index lookup on c using region", "40"},
		{"SELECT COUNT(*) FROM ord o JOIN (SELECT cust_id, MAX(odate) m FROM ord GROUP BY cust_id) d ON d.cust_id = o.cust_id AND d.m = o.odate", "Index lookup on o using cust_id", "2000"},
	} {
		if p := planOf(c, q.text); !strings.Contains(p, q.plan) {
			t.Errorf("%s: want %s\n%s", q.text, q.plan, p)
		}
		if got := mustExec(c, q.text).rows; len(got) != 1 || got[0][0] != q.rows {
			t.Errorf("%s: %v, want %s", q.text, got, q.rows)
		}
	}
}
