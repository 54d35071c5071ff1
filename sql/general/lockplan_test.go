package general

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/zoryadb/zorya/engine/table"
)

// TestLockingPlans: what a few rows of another table pick is looked up, so that only those rows are locked, however small the table is.
func TestLockingPlans(t *testing.T) {
	sv := newServer(t)
	c := sv.client()
	c.must("CREATE DATABASE d; USE d; CREATE TABLE t (id INT PRIMARY KEY, v INT); CREATE TABLE s (id INT PRIMARY KEY, v INT); CREATE TABLE pick (id INT PRIMARY KEY)")
	c.must("SHOW INDEX FROM t; SHOW INDEX FROM s") // statistics of empty tables
	c.must("INSERT INTO t VALUES (10,1), (20,2), (30,3); INSERT INTO pick VALUES (20)")
	check := func() {
		t.Helper()
		for q, want := range map[string]string{
			"INSERT INTO s SELECT * FROM t WHERE id = 20":                                      "S,REC_NOT_GAP 20",
			"UPDATE t SET v = 5 WHERE id = 10":                                                 "X,REC_NOT_GAP 10",
			"UPDATE t SET v = 5 WHERE id IN (SELECT id FROM pick)":                             "X,REC_NOT_GAP 20",
			"SELECT * FROM t WHERE id IN (SELECT id FROM pick) FOR UPDATE":                     "X,REC_NOT_GAP 20",
			"DELETE t FROM t JOIN pick USING (id)":                                             "X,REC_NOT_GAP 20",
			"UPDATE t JOIN pick USING (id) SET v = 9":                                          "X,REC_NOT_GAP 20",
			"SELECT * FROM t WHERE EXISTS (SELECT 1 FROM pick WHERE pick.id = t.id) FOR SHARE": "S,REC_NOT_GAP 20",
		} {
			x := sv.client()
			x.must("USE d; BEGIN")
			x.must(q)
			var got []string
			for _, l := range sv.db.(table.Monitor).DataLocks(1000) {
				if l.Table == "t" && !l.OnTable {
					got = append(got, l.Mode+" "+l.Data)
				}
			}
			slices.Sort(got)
			if s := strings.Join(got, "; "); s != want {
				t.Errorf("%s\nlocks %.300s\nwant  %s\n%s", q, s, want, planOf(c, q))
			}
			x.must("ROLLBACK")
		}
	}
	check()
	load(c, "t", 500, func(i int) string { return fmt.Sprintf("%d,%d", 1000+i, i) })
	c.must("ANALYZE TABLE t")
	check()
}
