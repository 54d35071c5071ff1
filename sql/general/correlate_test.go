package general

import (
	"fmt"
	"strings"
	"testing"
)

// A correlated subquery must give what it gives without an index, whatever served the constants before.
func TestOuterLookups(t *testing.T) {
	c := newServer(t).client()
	c.must("CREATE DATABASE d; USE d")
	c.must("CREATE TABLE o (id int PRIMARY KEY, w int, k bigint, s varchar(5) COLLATE utf8mb4_general_ci, f double)")
	const columns = "(id int PRIMARY KEY, w int NOT NULL, k int, s varchar(5) COLLATE utf8mb4_general_ci, v int"
	c.must("CREATE TABLE plain " + columns + ")")
	c.must("CREATE TABLE keyed " + columns + ", KEY wk (w, k), KEY s (s), KEY w (w), UNIQUE KEY ki (k, id))")
	c.must("INSERT INTO o VALUES (1,1,1,'a',1), (2,1,2,'B',2), (3,2,3,'b ',3), (4,2,NULL,NULL,NULL), (5,1,9999999999,'zz',2.5)")
	for _, table := range []string{"plain", "keyed"} {
		c.must("INSERT INTO " + table + " VALUES (1,1,1,'A',10), (2,1,1,'b',20), (3,1,2,'b',30), (4,2,2,NULL,40), (5,2,3,'a',50), (6,1,NULL,'B ',60), (7,1,3,'c',70)")
	}
	for _, q := range []string{
		"(SELECT SUM(v) FROM TBL t WHERE t.w = 1 AND t.k = o.k)",
		"(SELECT SUM(v) FROM TBL t WHERE t.w = o.w AND t.k = o.k AND t.v > 10)",
		"(SELECT COUNT(*) FROM TBL t WHERE t.k = o.k AND t.id = o.id)",
		"(SELECT SUM(v) FROM TBL t WHERE t.w = 1 AND t.id = o.id)",
		"(SELECT GROUP_CONCAT(v ORDER BY v) FROM TBL t WHERE t.s = o.s)",
		"(SELECT SUM(v) FROM TBL t WHERE t.w = 1 AND t.k = o.f)",
		"(SELECT SUM(v) FROM TBL t WHERE t.w > 0 AND t.k = o.k)",
		"(SELECT SUM(v) FROM TBL t WHERE t.w = 1 AND t.k = o.k + 1)",
		"(SELECT SUM(a.v + b.v) FROM TBL a JOIN TBL b ON b.id = a.id + 1 WHERE a.w = 1 AND a.k = o.k)",
		"EXISTS (SELECT 1 FROM TBL t WHERE t.w = 1 AND t.k = o.k AND t.v <> (SELECT MAX(x.v) FROM TBL x WHERE x.w = t.w AND x.k = o.k))",
	} {
		ask := "SELECT id, " + q + " FROM o ORDER BY id"
		want := c.must(strings.ReplaceAll(ask, "TBL ", "plain ")).String()
		if got := c.must(strings.ReplaceAll(ask, "TBL ", "keyed ")).String(); got != want {
			t.Errorf("%s:\n%s\nwithout indexes:\n%s", q, got, want)
		}
	}
	for where, want := range map[string]string{
		"t.w = 1 AND t.k = o.k":   "ref\tki,wk,w\twk\t9\tconst,d.o.k",
		"t.w = 1 AND t.id = o.id": "eq_ref\tPRIMARY,wk,w\tPRIMARY\t4\td.o.id",
	} {
		if got := c.must("EXPLAIN SELECT id, (SELECT SUM(v) FROM keyed t WHERE " + where + ") FROM o").String(); !strings.Contains(got, want) {
			t.Errorf("%s is read so:\n%s\nwant %s", where, got, want)
		}
	}
}

// Without an index the rows are hashed from the third run on: every outer row must still get what the filter gives it.
func TestOuterHash(t *testing.T) {
	c := newServer(t).client()
	c.must("CREATE DATABASE d; USE d")
	c.must("CREATE TABLE o (id int PRIMARY KEY, k int, u bigint unsigned, s varchar(5) COLLATE utf8mb4_general_ci, x decimal(6,2))")
	c.must("CREATE TABLE i (id int PRIMARY KEY, k int, u bigint unsigned, s varchar(9) COLLATE utf8mb4_general_ci, x decimal(6,2), v int)")
	for range 3 {
		c.must("INSERT INTO o SELECT COUNT(*)+1, 1, 1, 'a', 1.5 FROM o")
		c.must("INSERT INTO o SELECT COUNT(*)+1, 2, 18446744073709551615, 'B ', 2 FROM o")
		c.must("INSERT INTO o SELECT COUNT(*)+1, NULL, NULL, NULL, NULL FROM o")
		c.must("INSERT INTO o SELECT COUNT(*)+1, 9, 9, 'zz', 9.99 FROM o")
	}
	c.must("INSERT INTO i VALUES (1,1,1,'A',1.5,10), (2,1,1,'b',2,20), (3,2,18446744073709551615,'b',2,30), (4,NULL,NULL,NULL,NULL,40), (5,2,2,'a ',1.5,50)")
	for _, q := range []string{
		"(SELECT SUM(v) FROM i WHERE i.k = o.k)",
		"(SELECT SUM(v) FROM i WHERE o.k = i.k AND i.v > o.id * 3)",
		"(SELECT SUM(v) FROM i WHERE i.u = o.u AND i.k = o.k)",
		"(SELECT GROUP_CONCAT(v ORDER BY v) FROM i WHERE i.s = o.s)",
		"(SELECT COUNT(*) FROM i WHERE i.x = o.x)",
		"(SELECT SUM(a.v + b.v) FROM i a JOIN i b ON b.u = a.u WHERE a.k = o.k)",
		"(SELECT SUM(v) FROM i WHERE i.k = o.k AND i.v < (SELECT MAX(j.v) FROM i j WHERE j.k = o.k AND j.s = i.s) + 1)",
		"(SELECT MAX(n) FROM (SELECT k, COUNT(*) n FROM i GROUP BY k) g WHERE g.k = o.k)",
	} {
		var alone []string
		for id := 1; id <= 12; id++ { // one run is not hashed
			alone = append(alone, c.must(fmt.Sprintf("SELECT id, %s FROM o WHERE id = %d", q, id)).rows[0][1])
		}
		for i, row := range c.must("SELECT id, " + q + " FROM o ORDER BY id").rows {
			if row[1] != alone[i] {
				t.Errorf("%s: row %s has %s, alone %s", q, row[0], row[1], alone[i])
			}
		}
	}
}
