package general

import (
	"slices"
	"testing"
)

// What ORDER BY sorts by must be what is shown, so it is computed once.
func TestComputedOnce(t *testing.T) {
	c := newServer(t).client()
	c.must("CREATE DATABASE d; USE d; CREATE TABLE r (id int PRIMARY KEY, a int)")
	c.must("INSERT INTO r VALUES (1,1),(2,2),(3,3),(4,4),(5,5),(6,6),(7,1),(8,9)")
	for _, q := range []string{"SELECT rand() x FROM r ORDER BY x", "SELECT (SELECT s.id - 8 + rand() FROM r s WHERE s.id = 8 AND r.id > 0) x FROM r ORDER BY x"} {
		var got []string
		for _, row := range c.must(q).rows {
			got = append(got, row[0])
		}
		if !slices.IsSorted(got) {
			t.Errorf("%s: %v", q, got)
		}
	}
	if got := c.must("SELECT y, COUNT(*) FROM (SELECT (SELECT MAX(id) FROM r s WHERE s.a = r.a) y FROM r) t WHERE y > 3 GROUP BY y ORDER BY y DESC LIMIT 2").String(); got != "8\t1\n7\t2\n" {
		t.Errorf("got %q", got)
	}
}

// A condition that is pushed down into a derived table compares what the table's columns are: exact decimals.
func TestConditionsOfDerivedTables(t *testing.T) {
	c := newServer(t).client()
	c.must("CREATE DATABASE d; USE d; CREATE TABLE z (a decimal(12,2), b decimal(6,2)); INSERT INTO z VALUES (24459.08, 2621.17)")
	for q, want := range map[string]string{
		"SELECT * FROM (SELECT SUM(a) s FROM z) t WHERE s - 2621.17 = 21837.91":                                      "24459.08\n",
		"SELECT * FROM (SELECT (SELECT SUM(a) FROM z) s, (SELECT SUM(b) FROM z) h FROM z) t WHERE 21837.91 <> s - h": "",
	} {
		if got := c.must(q).String(); got != want {
			t.Errorf("%s: %q, want %q", q, got, want)
		}
	}
}
