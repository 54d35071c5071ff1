package general

import (
	"fmt"
	"strings"
	"testing"

	"github.com/zoryadb/zorya/sql/rules"
)

// A condition on all columns of an index does not become the product of its lists: twelve lists of twenty values would not fit any machine. What is left out of the
// ranges is compared.
func TestRangesAreBounded(t *testing.T) {
	c := newServer(t).client()
	var cols, names, row, other []string
	for i := range 12 {
		cols = append(cols, fmt.Sprintf("c%d INT NOT NULL", i))
		names = append(names, fmt.Sprintf("c%d", i))
		row, other = append(row, fmt.Sprint(i)), append(other, fmt.Sprint(i+19-i/11))
	}
	c.must("CREATE DATABASE d; USE d; CREATE TABLE t (" + strings.Join(cols, ", ") + ", KEY k (" + strings.Join(names, ", ") + "))")
	c.must("INSERT INTO t VALUES (" + strings.Join(row, ",") + "), (" + strings.Join(other, ",") + "), (1,1,1,1,1,1,1,1,1,1,1,99)")
	var in, or []string
	for i, n := range names {
		var list, alike []string
		for v := range 20 {
			list, alike = append(list, fmt.Sprint(i+v)), append(alike, fmt.Sprintf("%s = %d", n, i+v))
		}
		in, or = append(in, n+" IN ("+strings.Join(list, ",")+")"), append(or, "("+strings.Join(alike, " OR ")+")")
	}
	for _, where := range []string{strings.Join(in, " AND "), strings.Join(or, " AND "), "(" + strings.Join(in, " AND ") + ") OR c0 = -1"} {
		if got := c.must("SELECT c0, c11 FROM t WHERE " + where + " ORDER BY c0").String(); got != "0\t11\n19\t29\n" {
			t.Errorf("%.60s...: %q", where, got)
		}
	}
	if got := c.must("UPDATE t SET c0 = 1000 WHERE " + strings.Join(in, " AND ")); got.affected != 2 {
		t.Errorf("%d rows updated", got.affected)
	}
}

// A fraction is left out of an index's ranges of a column that can have it.
func TestFractionsAreExcluded(t *testing.T) {
	c := newServer(t).client()
	for typ, all := range map[string]string{"DOUBLE": "1\n3", "FLOAT": "1\n3", "DECIMAL(5,2)": "1\n3", "INT": "1\n2\n3"} {
		c.must("DROP DATABASE IF EXISTS d; CREATE DATABASE d; USE d; CREATE TABLE t (id INT PRIMARY KEY, v " + typ + ", KEY (v)); INSERT INTO t VALUES (1, 1), (2, 3.25), (3, 9), (4, NULL)")
		c.must("SET @f = 3.25e0, @d = 3.25")
		for _, where := range []string{"v <> 3.25e0", "3.25 <> v", "v NOT IN (3.25e0)", "v NOT IN (3.25, 7.5)", "NOT (v = 3.25e0 OR v = 8)", "v <> 3.25e0 AND v > 0"} {
			c.query("SELECT id FROM t FORCE INDEX (v) WHERE "+where+" ORDER BY id", all)
		}
		for _, where := range []string{"v <> ?", "v NOT IN (?)"} {
			c.must("PREPARE s FROM 'SELECT id FROM t FORCE INDEX (v) WHERE " + where + " ORDER BY id'")
			c.query("EXECUTE s USING @f", all)
			c.query("EXECUTE s USING @d", all)
		}
		if got := c.must("UPDATE t SET id = id + 10 WHERE v <> 3.25e0"); got.affected != uint64(strings.Count(all, "\n")+1) {
			t.Errorf("%s: %d rows updated", typ, got.affected)
		}
	}
}

// A NOT IN of many values makes no ranges: the library cuts all there are at each further value, which for ten thousand takes a minute.
func TestLongExclusionsMakeNoRanges(t *testing.T) {
	c := newServer(t).client()
	c.must("CREATE DATABASE d; USE d; CREATE TABLE t (a INT, b INT, KEY (a)); INSERT INTO t VALUES (1, 1), (2, 2), (99999, 3)")
	list := func(n int) string {
		var out []string
		for i := range n {
			out = append(out, fmt.Sprint(i+2))
		}
		return strings.Join(out, ",")
	}
	for n, access := range map[int]string{3: "range", rules.MaxExcluded: "range", rules.MaxExcluded + 1: "ALL", 10_000: "ALL"} {
		for _, where := range []string{"a NOT IN (" + list(n) + ")", "a NOT IN (" + list(n) + ") AND b > 0"} {
			if got := c.must("EXPLAIN SELECT * FROM t FORCE INDEX (a) WHERE " + where).String(); !strings.Contains(got, "\t"+access+"\t") {
				t.Errorf("NOT IN of %d values: %q, want %s", n, got, access)
			}
			if got := c.must("UPDATE t SET b = b + 1 WHERE " + where); got.affected != 2 {
				t.Errorf("NOT IN of %d values: %d rows updated", n, got.affected)
			}
		}
	}
}
